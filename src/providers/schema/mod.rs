//! What may be written in a table of settings, by its JSON schema, and what is wrong with what was.

use std::fmt;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use shape::Type;

mod check;
mod shape;
mod trust;
mod words;

pub(super) use shape::alternatives;
pub use shape::{Shape, datetime, huge_integer, is_table};
pub use words::backticked;

/// The key of a schema that says in words what a value must be, where its type does not tell.
pub const EXPECTED: &str = "x-expected";
/// How the source of a secret is written.
pub const SOURCE: &str =
    "`{ env = \"NAME\" }`, `{ file = \"PATH\" }` or `{ command = [\"PROGRAM\", \"ARG\"] }`";
/// How the variable of a secret is written.
pub const VARIABLE: &str = "the name of a variable, such as `GH_PAT`";
/// What was found where a secret itself was written.
pub const SECRET_ITSELF: &str = "the secret itself";
/// What is wrong with a table of settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The keys on the way to it, from the table on.
    pub path: Vec<String>,
    /// What it is.
    pub fault: Fault,
}

/// What is wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has to be set, and is not; with what it means.
    Missing(String),
    /// Its value has the right form and is refused for a reason of its own.
    Refused(String),
    /// There is no such key; with those that there are.
    Unknown(Vec<String>),
    /// What it must be, and what it is.
    Wrong {
        /// `a string`.
        expected: String,
        /// `an array`.
        found: String,
    },
}

/// As the end of a sentence about the setting: `must be a string, not an array`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(meaning) => write!(f, "it is not set. {meaning}"),
            Self::Refused(why) => f.write_str(why),
            Self::Unknown(known) => write!(f, "unknown key; known: {}", known.join(", ")),
            Self::Wrong { expected, found } => write!(f, "must be {expected}, not {found}"),
        }
    }
}

impl Misfit {
    /// The whole key: `volume.size`.
    pub fn key(&self) -> String {
        dotted(&self.path)
    }

    /// A value of a wrong type, where no schema says what it must be.
    pub fn wrong_type(expected: &str, value: &Value) -> Self {
        Self {
            path: Vec::new(),
            fault: Fault::Wrong {
                expected: expected.to_owned(),
                found: Type::of(value).name().to_owned(),
            },
        }
    }

    /// A value that has the right form, and cannot be used all the same.
    pub fn refused(path: &[String], why: String) -> Self {
        Self {
            path: path.to_vec(),
            fault: Fault::Refused(why),
        }
    }

    /// Whether a setting of the table itself is not set, and all that is set is fine.
    pub fn is_missing_setting(&self) -> bool {
        self.path.len() == 1 && matches!(self.fault, Fault::Missing(_))
    }
}

/// The whole key of a setting: its parts with points between, and `[0]` for a place in an array.
pub fn dotted(path: &[String]) -> String {
    let mut text = String::new();
    for part in path {
        let bare = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if part.starts_with('[') {
            text.push_str(part);
            continue;
        }
        if !text.is_empty() {
            text.push('.');
        }
        if !part.is_empty() && part.chars().all(bare) {
            text.push_str(part);
        } else {
            text.push_str(&Value::from(part.as_str()).to_string());
        }
    }
    text
}

/// The parts of a whole key, as [`dotted`] writes it.
pub fn undotted(key: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = key;
    while !rest.is_empty() {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let mut quoted = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        let end = if let Some(Ok(part)) = quoted.next() {
            parts.push(part);
            quoted.byte_offset()
        } else {
            let mut inside = rest.char_indices().skip(1);
            let end = inside.find(|(_, c)| ".[".contains(*c));
            let end = end.map_or(rest.len(), |(end, _)| end);
            parts.push(rest[..end].to_owned());
            end
        };
        rest = &rest[end..];
    }
    parts
}

/// Reads a table of settings.
///
/// # Errors
///
/// Its first flaw: an unknown key, a value of a wrong type, or what the type says of a value.
pub fn read<T: DeserializeOwned + JsonSchema>(table: &Map<String, Value>) -> Result<T, Misfit> {
    read_value(&Value::Object(table.clone()))
}

/// Reads a value.
///
/// # Errors
///
/// As [`read`].
pub fn read_value<T: DeserializeOwned + JsonSchema>(value: &Value) -> Result<T, Misfit> {
    let schema = schemars::schema_for!(T);
    let shape = Shape::of(&schema);
    // Before serde, which knows no datetimes, and of a value with several forms tells nothing but that.
    if let Some(misfit) = shape.misfit(value) {
        return Err(misfit);
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let parts = error.path().iter().filter_map(|part| match part {
            Segment::Map { key } | Segment::Enum { variant: key } => Some(key.clone()),
            Segment::Seq { index } => Some(format!("[{index}]")),
            Segment::Unknown => None,
        });
        let path: Vec<String> = parts.collect();
        let refused = error.inner().to_string();
        shape.refused(value, path, refused)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_key_can_be_taken_apart_again() {
        for parts in [
            &[][..],
            &["memory"],
            &["volume", "size"],
            &["volumes", "[1]"],
            &["labels", "a b", "[0]"],
            &["slots", "pi@pi4.local"],
            &["env", ""],
            &["tags", "ä\"[1].b"],
        ] {
            let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
            assert_eq!(undotted(&dotted(&parts)), parts);
        }
    }
}
