//! What a start needs, and the settings of a table leave out.

use std::fmt;

use serde_json::{Map, Value};

use super::Kind;
use super::schema::Shape;

/// A setting of which a start needs a value, or several of which it needs one, where none has any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// Each setting with a value to write; an empty one where none fits everybody.
    choices: Vec<(String, &'static str)>,
}

impl Kind {
    /// What a start needs beside these settings, as far as they tell it. Secrets count as set: they may be kept elsewhere.
    pub fn lack(&self, settings: &Map<String, Value>) -> Option<Lack> {
        let schema = self.schema();
        let mut settings = settings.clone();
        for (key, value) in &mut settings {
            if is_secret(Shape::of(&schema), key, value) {
                *value = "***".into();
            }
        }
        let required = schema.get("required").and_then(Value::as_array);
        for key in required.into_iter().flatten().filter_map(Value::as_str) {
            if settings.contains_key(key) {
                continue;
            }
            if !is_secret(Shape::of(&schema), key, &Value::Null) {
                let choices = vec![(key.to_owned(), "")];
                return Some(Lack { choices });
            }
            settings.insert(key.to_owned(), "***".into());
        }
        let choices = self.needs(&settings).iter();
        let choices = choices.map(|(key, value)| ((*key).to_owned(), *value));
        let choices: Vec<_> = choices.collect();
        (!choices.is_empty()).then_some(Lack { choices })
    }
}

/// Whether a setting is a secret, or a key whose source stands there.
fn is_secret(table: Shape<'_>, key: &str, value: &Value) -> bool {
    let mut shapes = table.inside(key).into_iter();
    shapes.any(|shape| shape.is_secret() || value.is_object() && shape.is_key())
}

impl Lack {
    /// The setting that is told of.
    pub fn key(&self) -> &str {
        &self.choices[0].0
    }

    /// Whether a setting is one of them.
    pub fn is_of(&self, key: &str) -> bool {
        self.choices.iter().any(|(one, _)| one == key)
    }

    /// What to write for each of them, in words.
    pub fn written(&self, write: impl Fn(&str, &str) -> String) -> String {
        let each = self.choices.iter();
        let each: Vec<String> = each.map(|(key, value)| write(key, value)).collect();
        each.join(" or ")
    }
}

impl fmt::Display for Lack {
    /// The settings: `` `gpu` or `cpu` ``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(|key, _| format!("`{key}`")))
    }
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "nebius")]
    use serde_json::json;

    #[cfg(feature = "nebius")]
    use crate::providers::kind;

    /// What a kind says of a table.
    #[cfg(feature = "nebius")]
    fn told(name: &str, settings: &serde_json::Value) -> Option<String> {
        let settings = settings.as_object().expect("a table");
        let lack = kind(name).expect("it is built in").lack(settings);
        lack.map(|lack| lack.to_string())
    }

    #[cfg(all(
        feature = "aws",
        feature = "docker",
        feature = "nebius",
        feature = "runpod",
        feature = "ssh"
    ))]
    #[test]
    fn a_kind_says_which_settings_a_start_needs() {
        let key = json!({ "env": "POD_KEY" });
        for (name, settings, lack) in [
            ("aws", json!({}), Some("`region`")),
            ("aws", json!({ "profile": "ci" }), Some("`region`")),
            ("aws", json!({ "region": "eu-west-1" }), None),
            ("aws", json!({ "regions": ["eu-west-1"] }), None),
            ("docker", json!({}), None),
            ("local", json!({}), None),
            ("nebius", json!({}), Some("`project`")),
            ("nebius", json!({ "iam_token": key }), Some("`project`")),
            ("nebius", json!({ "project": "project-e00x" }), None),
            ("runpod", json!({}), Some("`gpu` or `cpu`")),
            ("runpod", json!({ "api_key": key }), Some("`gpu` or `cpu`")),
            ("runpod", json!({ "gpu": "L40S" }), None),
            ("runpod", json!({ "api_key": key, "cpu": "cpu5c" }), None),
            ("ssh", json!({ "user": "pi" }), Some("`hosts`")),
            ("ssh", json!({ "hosts": ["pi4"] }), None),
        ] {
            assert_eq!(told(name, &settings).as_deref(), lack, "{name} {settings}");
        }
    }

    #[cfg(feature = "nebius")]
    #[test]
    fn the_project_of_a_profile_counts_where_the_profile_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config.yaml");
        let with = |text: &str| {
            std::fs::write(&file, text).expect("a file");
            told("nebius", &json!({ "config_file": file }))
        };
        let profile = "default: me\nprofiles:\n  me:\n    parent-id: project-e00x\n";
        assert_eq!(with(profile), None);
        for text in [
            "garbage: [",
            "default: me\nprofiles:\n  me:\n    tenant-id: tenant-e00x\n",
        ] {
            assert_eq!(with(text).as_deref(), Some("`project`"), "{text}");
        }
    }
}
