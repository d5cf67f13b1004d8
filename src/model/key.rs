//! A key that a setting gives by the path of its file, or as the source of its text.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::path::looks_like_key;
use super::{ExistingPath, PathSetting, Secret};

/// A key that a setting gives by the path of its file, or as the source of its text.
///
/// `settings` reads the source: here the text of a key is told from a path by its looks.
#[derive(Clone, PartialEq, Eq)]
pub enum KeySetting {
    /// The file that holds it.
    File(ExistingPath),
    /// Itself.
    Text(Secret),
}

impl KeySetting {
    /// The format that tells `settings` that a source may be written, whose text is taken as it is.
    pub const FORMAT: &str = "secret-text";
}

impl fmt::Debug for KeySetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Text(_) => f.write_str("Text(***)"),
        }
    }
}

impl<'de> Deserialize<'de> for KeySetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(if looks_like_key(&text) {
            Self::Text(Secret::new(text))
        } else {
            Self::File(ExistingPath::from(text))
        })
    }
}

impl JsonSchema for KeySetting {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "KeySetting".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "anyOf": [
                {
                    "type": "string",
                    "format": PathSetting::FORMAT,
                    "minLength": 1,
                    (PathSetting::THERE): true,
                },
                { "type": "object", "format": Self::FORMAT },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_from_a_path_and_not_shown() {
        let read = |text: &str| serde_json::from_value::<KeySetting>(text.into()).expect("a text");
        let path = ExistingPath::from("/etc/gharun/nebius.json");
        assert_eq!(read("/etc/gharun/nebius.json"), KeySetting::File(path));
        let text = "{\"private-key\": \"hunter2\"}";
        assert_eq!(read(text), KeySetting::Text(Secret::new(text)));
        assert!(!format!("{:?}", read(text)).contains("hunter2"));
    }
}
