//! What a value must be, and what it is, in words.

use serde_json::Value;

use super::shape::{Shape, Type, alternatives, digits};
use super::{EXPECTED, Fault, Misfit, SECRET_ITSELF, SOURCE, VARIABLE};
use crate::model::{KeySetting, TextOrSecret, is_secret_itself};

/// How long a value may be in an error.
const LONGEST: usize = 60;

impl Misfit {
    /// A value that is not what it must be.
    pub(super) fn wrong(path: &[String], shape: Shape<'_>, value: &Value) -> Self {
        let right_type = shape.forms().iter().any(|form| form.takes(value));
        let of_form = if right_type {
            Shape::expected_value
        } else {
            Shape::expected_type
        };
        let expected = shape.spelled(of_form);
        let found = shape.found(value);
        Self {
            path: path.to_vec(),
            fault: Fault::Wrong { expected, found },
        }
    }
}

impl<'a> Shape<'a> {
    /// What it must be: `a string`, `a string or an array of strings`.
    pub fn expected(self) -> String {
        self.spelled(Self::expected_type)
    }

    fn spelled(self, of_form: fn(Self) -> String) -> String {
        if let Some(named) = self.named() {
            return named.spelled(of_form);
        }
        match alternatives(self.about) {
            Some(all) if self.words().is_none() => {
                let all = all.iter().filter(|about| about["type"] != "null");
                either(all.map(|about| self.at(about).spelled(of_form)))
            }
            _ => of_form(self),
        }
    }

    /// The words that the type of a setting has for itself.
    fn words(self) -> Option<&'a str> {
        self.about[EXPECTED].as_str()
    }

    /// What it must be, where something of another type was written.
    fn expected_type(self) -> String {
        let plain = self.types().next().is_some() && self.about.get("format").is_none();
        match self.words().filter(|_| !plain) {
            Some(words) => words.to_owned(),
            None if ["secret", KeySetting::FORMAT, TextOrSecret::FORMAT]
                .into_iter()
                .any(|format| self.has_format(format)) =>
            {
                SOURCE.to_owned()
            }
            None => match self.constants() {
                Some(all) => either(all.into_iter().map(shown)),
                None => either(self.types().map(|name| self.spelled_type(name))),
            },
        }
    }

    /// What it must be, where the type is right and the value is not.
    fn expected_value(self) -> String {
        match (self.words(), self.bounds()) {
            (Some(words), _) => words.to_owned(),
            (None, Some((least, most))) => format!("an integer from {least} to {most}"),
            (None, None) => self.expected_type(),
        }
    }

    fn spelled_type(self, name: &str) -> String {
        let of = |inside: Option<Self>| {
            let inside = inside.and_then(Self::plural);
            inside.map_or_else(String::new, |what| format!(" of {what}"))
        };
        match name {
            "array" => format!("an array{}", of(self.items())),
            "boolean" => "a boolean".to_owned(),
            "integer" => "an integer".to_owned(),
            "number" => "a number".to_owned(),
            "object" => format!("a table{}", of(self.further())),
            _ if self.is_path() => "a path in a string".to_owned(),
            _ => "a string".to_owned(),
        }
    }

    /// Whether the name of a variable is wanted that holds a secret.
    fn is_variable(self) -> bool {
        self.words() == Some(VARIABLE)
    }

    fn plural(self) -> Option<&'static str> {
        match self.types().next()? {
            "array" => Some("arrays"),
            "boolean" => Some("booleans"),
            "integer" => Some("integers"),
            "number" => Some("numbers"),
            "object" => Some("tables"),
            _ => Some("strings"),
        }
    }

    /// What a value is, as far as it may be shown.
    fn found(self, value: &Value) -> String {
        let forms = self.forms();
        let right_type = forms.iter().any(|form| form.takes(value));
        let concealed = forms.iter().any(|form| form.about["writeOnly"] == true);
        match value {
            Value::String(_) if self.expected() == SOURCE => SECRET_ITSELF.to_owned(),
            Value::String(text) if self.is_variable() && is_secret_itself(text) => {
                SECRET_ITSELF.to_owned()
            }
            Value::String(text) if text.is_empty() => "an empty string".to_owned(),
            Value::Object(_) if right_type && digits(value).is_some() => {
                if concealed {
                    "another value".to_owned()
                } else {
                    shown(value)
                }
            }
            Value::Array(items) if items.is_empty() => "an empty array".to_owned(),
            Value::Bool(_) | Value::Number(_) | Value::String(_) if right_type && !concealed => {
                shown(value)
            }
            Value::Object(table) if right_type && table.is_empty() => "an empty table".to_owned(),
            Value::Object(table) if right_type => {
                let keys: Vec<String> = table.keys().map(|key| format!("`{key}`")).collect();
                format!("a table with {}", keys.join(", "))
            }
            _ if right_type => "another value".to_owned(),
            _ => Type::of(value).name().to_owned(),
        }
    }
}

/// A value in an error.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => digits(other).map_or_else(|| other.to_string(), str::to_owned),
    };
    backticked(&text)
}

/// A text in an error, as far as it is not too long, and without what may be a password in an address.
pub fn backticked(text: &str) -> String {
    let masked = without_password(text);
    let text = masked.as_deref().unwrap_or(text);
    if text.len() <= LONGEST {
        return format!("`{text}`");
    }
    let end = text.floor_char_boundary(LONGEST);
    format!("`{}…`", &text[..end])
}

/// `SCHEME://USER:***@HOST`, where there is a password.
fn without_password(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (user, _) = rest[..end].rsplit_once('@')?;
    let (name, _) = user.split_once(':')?;
    Some(format!("{scheme}://{name}:***{}", &rest[user.len()..]))
}

/// `a`, `a or b`, `a, b or c`.
fn either(names: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = Vec::new();
    for name in names {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    match all.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_not_shown() {
        for (text, shown) in [
            ("tcp://me:secret@host:1", "`tcp://me:***@host:1`"),
            (
                "https://me:se@cret@host/v2?a@b",
                "`https://me:***@host/v2?a@b`",
            ),
            ("ssh://me@host", "`ssh://me@host`"),
            ("https://host/a:b@c", "`https://host/a:b@c`"),
            ("plain", "`plain`"),
        ] {
            assert_eq!(backticked(text), shown);
        }
    }
}
