//! The settings of a kind in words: what `providers show` and the man page print.

use serde_json::Value;

use super::Kind;
use super::schema::alternatives;
use crate::model::{HumanDuration, KeySetting, TextOrSecret};

/// One setting of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingDoc {
    /// Its name; a setting within a table bears the table's name before it: `volume.size`.
    pub key: String,
    /// What may be written, in the words of TOML's users.
    pub kind: String,
    /// The only values that it may have, or some of them, as `--set` takes them; none where it may have any.
    pub values: Vec<String>,
    /// What holds where nothing is written, as TOML has it; `None` where that is nothing.
    pub default: Option<String>,
    /// What it means: its doc comment.
    pub meaning: String,
}

impl Kind {
    /// Every setting of the kind's table, in the order in which it is declared.
    pub fn settings(&self) -> Vec<SettingDoc> {
        let schema = self.schema();
        let mut settings = Vec::new();
        describe(schema.as_value(), schema.as_value(), "", &mut settings);
        settings
    }
}

fn describe(table: &Value, schema: &Value, before: &str, settings: &mut Vec<SettingDoc>) {
    for (key, about) in table["properties"].as_object().into_iter().flatten() {
        let key = format!("{before}{key}");
        let default = about.get("default").filter(|value| !value.is_null());
        settings.push(SettingDoc {
            kind: spelled(about, schema),
            values: values(about, schema),
            default: default.map(Value::to_string),
            meaning: about["description"].as_str().unwrap_or_default().to_owned(),
            key: key.clone(),
        });
        for table in tables(about, schema) {
            describe(table, schema, &format!("{key}."), settings);
        }
    }
}

/// The tables with keys of their own that a setting may be.
fn tables<'a>(about: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    if let Some(named) = named(about, schema) {
        return tables(named, schema);
    }
    if about["properties"].is_object() {
        return vec![about];
    }
    let choices = alternatives(about).into_iter().flatten();
    choices.flat_map(|choice| tables(choice, schema)).collect()
}

fn named<'a>(about: &Value, schema: &'a Value) -> Option<&'a Value> {
    let name = about["$ref"].as_str()?.rsplit('/').next()?;
    schema["$defs"].get(name)
}

/// The values that a schema names one by one.
fn values(about: &Value, schema: &Value) -> Vec<String> {
    if let Some(named) = named(about, schema) {
        return values(named, schema);
    }
    let typed = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if let Some(value) = about.get("const") {
        return vec![typed(value)];
    }
    if let Some(all) = about["enum"].as_array() {
        return all.iter().filter(|one| !one.is_null()).map(typed).collect();
    }
    if let Some(choices) = alternatives(about) {
        let all = choices.iter().flat_map(|choice| values(choice, schema));
        return all.collect();
    }
    let is_boolean = match &about["type"] {
        Value::Array(all) => all.iter().any(|one| one == "boolean"),
        one => one == "boolean",
    };
    let both = ["true", "false"].map(str::to_owned);
    both.into_iter().filter(|_| is_boolean).collect()
}

/// A type in the words of TOML's users.
fn spelled(about: &Value, schema: &Value) -> String {
    if let Some(named) = named(about, schema) {
        return spelled(named, schema);
    }
    let sources = ["secret", KeySetting::FORMAT, TextOrSecret::FORMAT];
    if sources.iter().any(|format| about["format"] == *format) {
        return "source of a secret".to_owned();
    }
    if about["format"] == HumanDuration::FORMAT {
        return "duration".to_owned();
    }
    let quoted = |value: &Value| format!("`{value}`");
    if let Some(value) = about.get("const") {
        return quoted(value);
    }
    if let Some(values) = about["enum"].as_array() {
        let values: Vec<String> = values.iter().filter(|v| !v.is_null()).map(quoted).collect();
        return values.join(" or ");
    }
    if let Some(choices) = alternatives(about) {
        let mut names: Vec<String> = Vec::new();
        for choice in choices.iter().filter(|choice| choice["type"] != "null") {
            let name = spelled(choice, schema);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        return names.join(" or ");
    }
    let types: Vec<&str> = match &about["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    let names: Vec<String> = types
        .into_iter()
        .filter(|name| *name != "null")
        .map(|name| match name {
            "array" => format!("list of {}", spelled(&about["items"], schema)),
            "boolean" => "`true` or `false`".to_owned(),
            "integer" => "whole number".to_owned(),
            "object" if about["properties"].is_object() => "table".to_owned(),
            "object" => format!(
                "table of {}",
                spelled(&about["additionalProperties"], schema)
            ),
            "string" => "text".to_owned(),
            other => other.to_owned(),
        })
        .collect();
    names.join(" or ")
}

#[cfg(test)]
mod tests {
    use crate::providers::KINDS;

    #[test]
    fn every_setting_of_every_kind_has_a_type_and_a_meaning() {
        for kind in KINDS {
            let settings = kind.settings();
            assert!(!settings.is_empty(), "{}", kind.name);
            for setting in settings {
                let what = format!("{}: {}", kind.name, setting.key);
                assert!(!setting.kind.is_empty(), "{what} has no type");
                assert!(!setting.meaning.is_empty(), "{what} has no doc comment");
            }
        }
    }

    #[test]
    #[cfg(feature = "aws")]
    fn settings_within_a_table_and_choices_are_described() {
        let kind = crate::providers::kind("aws").unwrap();
        let settings = kind.settings();
        let find = |key: &str| settings.iter().find(|one| one.key == key).unwrap();
        assert_eq!(find("volume.size").kind, "whole number");
        assert_eq!(find("image").kind, "text or table or list of text");
        assert_eq!(
            find("market").kind,
            "`\"on-demand\"` or `\"spot\"` or `\"spot-then-on-demand\"`"
        );
        assert_eq!(
            find("market").values,
            ["on-demand", "spot", "spot-then-on-demand"]
        );
        assert_eq!(find("public_ip").values, ["true", "false"]);
        assert_eq!(find("image").values, [""; 0]);
        assert_eq!(find("market").default.as_deref(), Some("\"on-demand\""));
    }
}
