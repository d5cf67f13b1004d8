//! A value of a setting that may be a secret, and the words of a program that a setting names.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Secret;

/// A text, a number or a switch as it is written, or a secret by its source.
///
/// `settings` reads the source: here a secret is told from a text by [`TextOrSecret::resolved`].
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub enum TextOrSecret {
    /// What stands in the file.
    Text(String),
    /// What its source gave.
    Secret(Secret),
}

impl TextOrSecret {
    /// The format that tells `settings` that a source may be written, and anything but one.
    pub const FORMAT: &str = "secret-or-text";

    /// The value that a secret becomes once its source was read.
    pub fn resolved(secret: &Secret) -> Value {
        json!({ "secret": secret.expose() })
    }

    /// The value, whichever it is.
    pub fn expose(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Secret(secret) => secret.expose(),
        }
    }

    /// The secret, where it is one.
    pub fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Text(_) => None,
            Self::Secret(secret) => Some(secret),
        }
    }
}

impl fmt::Debug for TextOrSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::Secret(secret) => secret.fmt(f),
        }
    }
}

impl TryFrom<Value> for TextOrSecret {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value {
            Value::String(text) => Ok(Self::Text(text)),
            Value::Number(number) => Ok(Self::Text(number.to_string())),
            Value::Bool(on) => Ok(Self::Text(on.to_string())),
            Value::Object(source) => match source.get("secret") {
                Some(Value::String(secret)) => Ok(Self::Secret(Secret::new(secret.as_str()))),
                _ => Err("it must be the source of a secret"),
            },
            _ => Err("it must be a text, a number, `true`, `false`, or the source of a secret"),
        }
    }
}

impl JsonSchema for TextOrSecret {
    fn schema_name() -> Cow<'static, str> {
        "TextOrSecret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "anyOf": [
                { "type": "string" },
                { "type": "integer" },
                { "type": "number" },
                { "type": "boolean" },
                { "type": "object", "format": Self::FORMAT },
            ],
        })
    }
}

/// A word of a command. The first one is a program: a path in it begins in the folder of the file that it stands in, where
/// the program runs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ProgramWord(String);

impl ProgramWord {
    /// The format that tells `settings` which texts are words of a command.
    pub const FORMAT: &str = "program-word";

    /// The word as it is written, or resolved.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProgramWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for ProgramWord {
    fn schema_name() -> Cow<'static, str> {
        "ProgramWord".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": Self::FORMAT })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_told_from_a_text_and_not_shown() {
        let read = |value: Value| serde_json::from_value::<TextOrSecret>(value);
        let text = read("ubuntu".into()).expect("a text");
        assert_eq!((text.expose(), text.secret()), ("ubuntu", None));
        let secret = Secret::new("hunter2");
        let read_back = read(TextOrSecret::resolved(&secret)).expect("a secret");
        assert_eq!(read_back.secret(), Some(&secret));
        assert!(!format!("{read_back:?}").contains("hunter2"));
        assert!(
            read(json!({ "env": "X" })).is_err(),
            "its source was not read"
        );
        assert!(read(json!([])).is_err());
    }
}
