//! Checks requests and answers against `RunPod`'s own description of its API.

use std::collections::HashMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::descriptions;

/// `RunPod`'s `OpenAPI` 3.1 description with what it gained since it was published.
#[derive(Default)]
pub(super) struct Spec {
    validators: HashMap<String, Validator>,
}

/// The description, read once; `None` where it is absent, which is said past the test harness, and
/// panics with `GHARUN_STRICT=1`.
fn document() -> Option<&'static Value> {
    static DOCUMENT: OnceLock<Option<Value>> = OnceLock::new();
    DOCUMENT.get_or_init(read).as_ref()
}

fn read() -> Option<Value> {
    let read = |file: &str| -> Option<Value> {
        let text = descriptions::read(&format!("runpod/{file}"), "RunPod's description")?;
        Some(serde_json::from_slice(&text).expect("it is JSON"))
    };
    Some(merged(read("v2.openapi.json")?, &read("v2.changes.json")?))
}

/// Adds to the description what its file of changes says.
fn merged(mut document: Value, changes: &Value) -> Value {
    let pairs = |key: &str| changes[key].as_array().cloned().unwrap_or_default();
    for change in pairs("merge") {
        let pointer = change[0].as_str().expect("a pointer");
        let place = document.pointer_mut(pointer);
        merge(place.expect("the pointer leads somewhere"), &change[1]);
    }
    for change in pairs("parameters") {
        let pointer = change[0].as_str().expect("a pointer");
        let operation = document.pointer_mut(pointer);
        let operation = operation.expect("the pointer leads somewhere");
        if operation["parameters"].is_null() {
            operation["parameters"] = json!([]);
        }
        let list = operation["parameters"].as_array_mut().expect("a list");
        list.push(change[1].clone());
    }
    document
}

/// RFC 7396.
fn merge(place: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *place = patch.clone();
        return;
    };
    if !place.is_object() {
        *place = json!({});
    }
    for (key, value) in fields {
        if value.is_null() {
            place.as_object_mut().expect("an object").remove(key);
        } else {
            merge(&mut place[key.as_str()], value);
        }
    }
}

/// Follows a `$ref` within the document.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(reference) => document
            .pointer(reference.trim_start_matches('#'))
            .expect("references lead somewhere"),
        None => value,
    }
}

/// The template of a path and its item; what has fewer variables goes first.
fn find<'a>(document: &'a Value, path: &str) -> Option<(&'a str, &'a Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let fits = |template: &str| {
        template.matches('/').count() == path.matches('/').count()
            && template
                .split('/')
                .zip(path.split('/'))
                .all(|(wanted, given)| {
                    wanted == given || wanted.starts_with('{') && !given.is_empty()
                })
    };
    paths
        .iter()
        .filter(|(template, _)| fits(template))
        .min_by_key(|(template, _)| template.matches('{').count())
        .map(|(template, item)| (template.as_str(), item))
}

impl Spec {
    /// Whether there is a description to check against; says so where there is none.
    pub(super) fn is_here() -> bool {
        document().is_some()
    }

    /// What is wrong with a request: its query and its body. Nothing where the path or verb is not
    /// described, or no description is here.
    pub(super) fn request(
        &mut self,
        method: &str,
        path: &str,
        query: &[(String, String)],
        body: Option<&Value>,
    ) -> Vec<String> {
        let Some(document) = document() else {
            return Vec::new();
        };
        let Some((template, item)) = find(document, path) else {
            return Vec::new();
        };
        let operation = &item[method.to_ascii_lowercase()];
        if operation.is_null() {
            return Vec::new();
        }
        let parameters: Vec<&Value> = [&item["parameters"], &operation["parameters"]]
            .into_iter()
            .filter_map(Value::as_array)
            .flatten()
            .map(|parameter| resolve(document, parameter))
            .filter(|parameter| parameter["in"] == "query")
            .collect();
        let mut wrong = Vec::new();
        for (name, _) in query {
            if !parameters.iter().any(|known| known["name"] == *name) {
                wrong.push(format!("query: there is no parameter `{name}`"));
            }
        }
        for parameter in parameters {
            let name = parameter["name"].as_str().expect("a name");
            let given: Vec<&str> = query
                .iter()
                .filter(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
                .collect();
            if given.is_empty() {
                continue;
            }
            let schema = resolve(document, &parameter["schema"]);
            let value = if schema["type"] == "array" {
                let joined = parameter["explode"] == false;
                let parts = given.iter().flat_map(|value| {
                    let split = value.split(',').collect::<Vec<_>>();
                    if joined { split } else { vec![*value] }
                });
                parts.map(Value::from).collect()
            } else if given.len() > 1 {
                wrong.push(format!("query: `{name}` is there twice"));
                continue;
            } else {
                typed(&schema["type"], given[0])
            };
            let key = format!("{method} {template} ?{name}");
            if let Err(error) = self.fits(&key, Some(&parameter["schema"]), &value) {
                wrong.push(format!("query: `{name}`: {error}"));
            }
        }
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        match body {
            None if operation["requestBody"]["required"] == true => {
                wrong.push("body: not found".to_owned());
            }
            None => {}
            Some(_) if schema.is_null() => wrong.push("body: none is taken".to_owned()),
            Some(body) => {
                let key = format!("{method} {template} body");
                if let Err(error) = self.fits(&key, Some(schema), body) {
                    wrong.push(format!("body: {error}"));
                }
            }
        }
        wrong
    }

    /// What is wrong with an answer.
    pub(super) fn answer(
        &mut self,
        method: &str,
        path: &str,
        status: u16,
        body: Option<&Value>,
    ) -> Result<(), String> {
        let Some(document) = document() else {
            return Ok(());
        };
        let what = format!("{method} {path} -> {status}");
        let problem = json!({"$ref": "#/components/schemas/ErrorResponse"});
        let (template, item) = find(document, path).unwrap_or(("", &Value::Null));
        let responses = &item[method.to_ascii_lowercase()]["responses"];
        let described = resolve(document, &responses[status.to_string()]);
        let schema = match described {
            Value::Null if status >= 400 => Some(&problem),
            Value::Null => return Err(format!("{what} is not described")),
            _ => described["content"]
                .as_object()
                .and_then(|kinds| kinds.values().next())
                .map(|kind| &kind["schema"]),
        };
        let key = format!("{method} {template} {status}");
        match (body, schema) {
            (None, None) => Ok(()),
            (None, Some(schema)) if schema["type"] == "string" => Ok(()),
            (None, Some(_)) => Err(format!("{what} has no body")),
            (Some(_), None) => Err(format!("{what} must have no body")),
            (Some(body), schema) => self
                .fits(&key, schema, body)
                .map_err(|error| format!("{what}: {error}")),
        }
    }

    fn fits(&mut self, key: &str, schema: Option<&Value>, value: &Value) -> Result<(), String> {
        let (Some(document), Some(schema)) = (document(), schema) else {
            return Ok(());
        };
        let validator = self.validators.entry(key.to_owned()).or_insert_with(|| {
            let root = json!({"allOf": [schema], "components": document["components"]});
            jsonschema::draft202012::new(&root).expect("the description holds schemas")
        });
        let errors: Vec<String> = validator
            .iter_errors(value)
            .map(|error| format!("at `{}`: {error}", error.instance_path()))
            .collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors.join("; "))
        }
    }
}

/// A value of a query as its schema's type would have it; a text where it is none.
fn typed(kind: &Value, text: &str) -> Value {
    let number = || text.parse::<i64>().ok().map(Value::from);
    let flag = || text.parse::<bool>().ok().map(Value::from);
    let typed = match kind.as_str() {
        Some("integer" | "number") => number(),
        Some("boolean") => flag(),
        _ => None,
    };
    typed.unwrap_or_else(|| Value::from(text))
}
