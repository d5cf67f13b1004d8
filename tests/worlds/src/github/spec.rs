//! Checks requests and answers against GitHub's own description of its API, for tests.

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::descriptions;

/// GitHub's `OpenAPI` 3.0.3 description, cut to the paths that matter here.
pub struct Spec {
    document: Value,
    /// The schemas as JSON Schema; for requests no object takes a field that it does not name.
    answers: Value,
    requests: Value,
}

/// What GitHub was seen to answer beyond its description; absent as [`Spec::load`] says.
pub fn observed() -> Option<Value> {
    read("github-observed.json", "what GitHub was seen to answer")
}

fn read(file: &str, what: &str) -> Option<Value> {
    let text = descriptions::read(&format!("github/{file}"), what)?;
    Some(serde_json::from_slice(&text).expect("it is JSON"))
}

impl Spec {
    /// Loads the description from `$GHARUN_SPECS` or `../shared/specs`.
    ///
    /// Where it is absent, says so past the test harness and returns `None`; with `GHARUN_STRICT=1` it panics.
    pub fn load() -> Option<Self> {
        read("github-runners.openapi.json", "GitHub's description").map(Self::new)
    }

    fn new(document: Value) -> Self {
        let schemas = &document["components"]["schemas"];
        Self {
            answers: translated(schemas, false),
            requests: translated(schemas, true),
            document,
        }
    }

    /// Checks that a request is one that GitHub describes: path, verb, query and body.
    pub fn check_request(
        &self,
        method: &str,
        path_and_query: &str,
        body: Option<&Value>,
    ) -> Result<(), String> {
        let (path, query) = path_and_query
            .split_once('?')
            .unwrap_or((path_and_query, ""));
        let found = self.find(method, path)?;
        let parameters = self.parameters(&found);
        let pairs: Vec<(String, String)> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        for (name, value) in &pairs {
            let known = parameters
                .iter()
                .find(|parameter| parameter["in"] == "query" && parameter["name"] == *name)
                .ok_or_else(|| format!("{method} {path} knows no parameter `{name}`"))?;
            if !fits(&known["schema"], value) {
                return Err(format!("{method} {path}: `{name}` is `{value}`"));
            }
        }
        let missing = parameters.iter().find(|parameter| {
            parameter["in"] == "query"
                && parameter["required"] == true
                && !pairs.iter().any(|(name, _)| parameter["name"] == *name)
        });
        if let Some(missing) = missing {
            return Err(format!(
                "{method} {path} needs the parameter {}",
                missing["name"]
            ));
        }
        let wanted = self.resolve(&found.operation["requestBody"]);
        let schema = &wanted["content"]["application/json"]["schema"];
        match body {
            None if wanted["required"] == true => Err(format!("{method} {path} needs a body")),
            None => Ok(()),
            Some(_) if schema.is_null() => Err(format!("{method} {path} takes no body")),
            Some(body) => self
                .validator(schema, true)
                .validate(body)
                .map_err(|error| complaint(&format!("{method} {path}"), &error)),
        }
    }

    /// Checks that an answer is of the form that GitHub describes for its status. Errors that the
    /// description leaves out (401, 403, 429, 5xx, a runner's 404) have to be of the common form where
    /// they are JSON, and a 304 has no body.
    pub fn check_answer(
        &self,
        method: &str,
        path: &str,
        status: u16,
        body: Option<&Value>,
    ) -> Result<(), String> {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let found = self.find(method, path)?;
        let what = format!("{method} {path} -> {status}");
        let described = self.resolve(&found.operation["responses"][status.to_string()]);
        let common = json!({"$ref": "#/components/schemas/basic-error"});
        let schema = match described {
            Value::Null if (400..=599).contains(&status) => &common,
            Value::Null if status == 304 => &Value::Null,
            Value::Null => return Err(format!("{what} is not described")),
            described => &described["content"]["application/json"]["schema"],
        };
        match body {
            // What is no JSON cannot be looked at.
            None if schema.is_null() || status >= 400 => Ok(()),
            None => Err(format!("{what} has no body")),
            Some(_) if schema.is_null() => Err(format!("{what} must have no body")),
            Some(body) => self
                .validator(schema, false)
                .validate(body)
                .map_err(|error| complaint(&what, &error)),
        }
    }

    fn validator(&self, schema: &Value, closed: bool) -> Validator {
        let mut root = translated(schema, closed);
        if let Value::Object(root) = &mut root {
            let schemas = if closed {
                &self.requests
            } else {
                &self.answers
            };
            root.insert("components".to_owned(), json!({ "schemas": schemas }));
        }
        jsonschema::draft202012::new(&root).expect("the description holds schemas")
    }

    fn find(&self, method: &str, path: &str) -> Result<Found<'_>, String> {
        let path = path.strip_prefix("/api/v3").unwrap_or(path);
        let paths = self.document["paths"].as_object().expect("paths");
        // `runners/downloads` goes before `runners/{runner_id}`.
        let best = paths
            .iter()
            .filter_map(|(template, item)| Some((item, matched(template, path)?)))
            .min_by_key(|(_, values)| values.len());
        let Some((item, values)) = best else {
            return Err(format!("{path} is not described"));
        };
        let operation = &item[method.to_ascii_lowercase()];
        if operation.is_null() {
            return Err(format!("{method} {path} is not described"));
        }
        let found = Found { item, operation };
        let parameters = self.parameters(&found);
        for (name, value) in values {
            let known = parameters
                .iter()
                .find(|parameter| parameter["in"] == "path" && parameter["name"] == name);
            if known.is_some_and(|known| !fits(&known["schema"], value)) {
                return Err(format!("{method} {path}: `{name}` is `{value}`"));
            }
        }
        Ok(found)
    }

    fn parameters<'a>(&'a self, found: &Found<'a>) -> Vec<&'a Value> {
        [&found.item["parameters"], &found.operation["parameters"]]
            .into_iter()
            .filter_map(Value::as_array)
            .flatten()
            .map(|parameter| self.resolve(parameter))
            .collect()
    }

    /// Follows a `$ref` within the document.
    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self
                .document
                .pointer(reference.trim_start_matches('#'))
                .expect("references lead somewhere"),
            None => value,
        }
    }
}

struct Found<'a> {
    item: &'a Value,
    operation: &'a Value,
}

/// The variables of a template with their values; `None` where it does not match.
fn matched<'a>(template: &'a str, path: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    if template.matches('/').count() != path.matches('/').count() {
        return None;
    }
    let mut values = Vec::new();
    for (wanted, value) in template.split('/').zip(path.split('/')) {
        match wanted
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'))
        {
            Some(_) if value.is_empty() => return None,
            Some(name) => values.push((name, value)),
            None if wanted != value => return None,
            None => {}
        }
    }
    Some(values)
}

fn fits(schema: &Value, text: &str) -> bool {
    match schema["type"].as_str() {
        Some("boolean") => matches!(text, "true" | "false"),
        Some("integer") => text.parse::<i64>().is_ok(),
        _ => true,
    }
}

fn complaint(what: &str, error: &jsonschema::ValidationError<'_>) -> String {
    format!("{what}: at `{}`: {error}", error.instance_path())
}

/// Makes JSON Schema of `OpenAPI` 3.0's dialect: `nullable` becomes one more type. With `closed`, an
/// object that names its fields takes no others.
fn translated(schema: &Value, closed: bool) -> Value {
    match schema {
        Value::Array(items) => items.iter().map(|item| translated(item, closed)).collect(),
        Value::Object(fields) => {
            let mut out: Map<String, Value> = fields
                .iter()
                .filter(|(key, _)| !matches!(key.as_str(), "example" | "examples"))
                .map(|(key, value)| (key.clone(), translated(value, closed)))
                .collect();
            // A field may be called `nullable` or `properties`; then its value is a schema.
            let object = out.get("type") == Some(&json!("object"));
            if closed && object && out.contains_key("properties") {
                out.entry("additionalProperties").or_insert(json!(false));
            }
            if out.get("nullable") == Some(&json!(true)) {
                out.remove("nullable");
                return json!({"anyOf": [{"type": "null"}, out]});
            }
            Value::Object(out)
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JIT: &str = "/repos/acme/app/actions/runners/generate-jitconfig";

    fn jit() -> Value {
        json!({"name": "x", "runner_group_id": 1, "labels": ["x"], "work_folder": "_work"})
    }

    #[test]
    fn requests_that_github_describes_pass() {
        let Some(spec) = Spec::load() else { return };
        for (method, path, body) in [
            ("POST", JIT, Some(jit())),
            (
                "GET",
                "/orgs/acme/actions/runners?per_page=100&page=2",
                None,
            ),
            (
                "GET",
                "/api/v3/enterprises/acme/actions/runners/downloads",
                None,
            ),
            ("DELETE", "/repos/acme/app/actions/runners/7", None),
        ] {
            assert_eq!(spec.check_request(method, path, body.as_ref()), Ok(()));
        }
    }

    #[test]
    fn requests_that_github_does_not_describe_do_not() {
        let Some(spec) = Spec::load() else { return };
        let mut no_labels = jit();
        no_labels["labels"] = json!([]);
        let mut unknown = jit();
        unknown["disable_update"] = json!(true);
        let mut word = jit();
        word["runner_group_id"] = json!("Default");
        for (method, path, body, told) in [
            ("GET", "/orgs/acme/actions/walkers", None, "not described"),
            ("PUT", JIT, Some(jit()), "not described"),
            ("POST", JIT, None, "needs a body"),
            ("POST", JIT, Some(no_labels), "/labels"),
            ("POST", JIT, Some(unknown), "disable_update"),
            ("POST", JIT, Some(word), "/runner_group_id"),
            ("GET", "/orgs/acme/actions/runners?size=1", None, "`size`"),
            ("GET", "/orgs/acme/actions/runners?page=x", None, "`page`"),
            ("GET", "/orgs/acme/actions/runners/x", None, "`runner_id`"),
            (
                "DELETE",
                "/orgs/acme/actions/runners/1",
                Some(jit()),
                "takes no body",
            ),
        ] {
            let error = spec.check_request(method, path, body.as_ref()).unwrap_err();
            assert!(error.contains(told), "{method} {path}: {error}");
        }
    }

    #[test]
    fn answers_are_told_from_what_github_would_never_say() {
        let Some(spec) = Spec::load() else { return };
        let runner = json!({"id": 7, "name": "x", "os": "unknown", "status": "offline",
            "busy": false, "labels": [{"name": "x"}], "version": null});
        let list = |runner: &Value| json!({"total_count": 1, "runners": [runner]});
        let path = "/orgs/acme/actions/runners";
        let check = |status, body: Option<&Value>| spec.check_answer("GET", path, status, body);
        assert_eq!(check(200, Some(&list(&runner))), Ok(()));
        assert_eq!(check(304, None), Ok(()));
        let no = json!({"message": "Not Found", "documentation_url": "x", "status": "404"});
        assert_eq!(check(404, Some(&no)), Ok(()));
        assert_eq!(check(502, None), Ok(()));

        let mut number = runner.clone();
        number["version"] = json!(2);
        let mut nameless = runner.clone();
        nameless.as_object_mut().unwrap().remove("name");
        for body in [list(&number), list(&nameless), json!([runner]), no] {
            assert!(check(200, Some(&body)).is_err(), "{body}");
        }
        assert!(check(200, None).is_err());
        assert!(check(201, Some(&list(&runner))).is_err());
        assert!(check(404, Some(&json!({"message": 1}))).is_err());
        assert!(check(304, Some(&runner)).is_err());
    }

    #[test]
    fn every_schema_of_the_description_is_one() {
        let Some(spec) = Spec::load() else { return };
        let schemas = spec.document["components"]["schemas"].as_object().unwrap();
        for closed in [false, true] {
            for name in schemas.keys() {
                let schema = json!({"$ref": format!("#/components/schemas/{name}")});
                spec.validator(&schema, closed);
            }
        }
    }
}
