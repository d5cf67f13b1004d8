//! What may be written in one place of a table: its forms, and what is inside of them.

use schemars::Schema;
use serde_json::{Value, json};

use crate::model::{HumanDuration, KeySetting, PathSetting, ProgramWord, TextOrSecret};

/// As `toml` hands a date or a time on to whoever knows none.
const DATETIME: &str = "$__toml_private_datetime";
/// The only key of the table that an integer is written as, where no type of JSON holds it.
const INTEGER: &str = "$__gharun_integer";

/// A date or a time of TOML, which JSON has not.
pub fn datetime(text: &str) -> Value {
    json!({ DATETIME: text })
}

/// An integer that is too large for every type, or too small.
pub fn huge_integer(digits: &str) -> Value {
    json!({ INTEGER: digits })
}

/// Whether a value is a table of TOML.
pub fn is_table(value: &Value) -> bool {
    Type::of(value) == Type::Table
}

/// The digits of such an integer.
pub(super) fn digits(value: &Value) -> Option<&str> {
    match value {
        Value::Object(table) if table.len() == 1 => table.get(INTEGER)?.as_str(),
        _ => None,
    }
}

/// The types of TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Array,
    Boolean,
    Datetime,
    Float,
    Integer,
    /// `nan` or `inf`.
    NotFinite,
    String,
    Table,
}

impl Type {
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Array(_) => Self::Array,
            Value::Bool(_) => Self::Boolean,
            // TOML has no null: so `toml` hands on a number that JSON has not.
            Value::Null => Self::NotFinite,
            Value::Number(number) if number.is_f64() => Self::Float,
            Value::Number(_) => Self::Integer,
            Value::Object(table) if table.len() == 1 && table.contains_key(DATETIME) => {
                Self::Datetime
            }
            Value::Object(_) if digits(value).is_some() => Self::Integer,
            Value::Object(_) => Self::Table,
            Value::String(_) => Self::String,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Array => "an array",
            Self::Boolean => "a boolean",
            Self::Datetime => "a datetime",
            Self::Float => "a float",
            Self::Integer => "an integer",
            Self::NotFinite => "a number that is not finite",
            Self::String => "a string",
            Self::Table => "a table",
        }
    }
}

/// What may be written in one place of a table.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    pub(super) about: &'a Value,
    root: &'a Value,
}

impl<'a> Shape<'a> {
    /// What a whole schema describes.
    pub fn of(schema: &'a Schema) -> Self {
        let root = schema.as_value();
        Self { about: root, root }
    }

    pub(super) fn at(self, about: &'a Value) -> Self {
        Self { about, ..self }
    }

    /// The definition that a reference leads to.
    pub(super) fn named(self) -> Option<Self> {
        let name = self.about["$ref"].as_str()?.rsplit('/').next()?;
        self.root["$defs"].get(name).map(|about| self.at(about))
    }

    /// The forms that are its alternatives; itself, where it has but one.
    pub fn forms(self) -> Vec<Self> {
        if let Some(named) = self.named() {
            return named.forms();
        }
        match alternatives(self.about) {
            Some(all) => all
                .iter()
                .filter(|about| about["type"] != "null")
                .flat_map(|about| self.at(about).forms())
                .collect(),
            None => vec![self],
        }
    }

    /// The names of its keys.
    pub fn keys(self) -> Vec<String> {
        let of_form = |form: Self| form.about["properties"].as_object().into_iter();
        let keys = self.forms().into_iter().flat_map(of_form);
        keys.flat_map(serde_json::Map::keys).cloned().collect()
    }

    /// What a key of it may be: in each of its forms that has such a key.
    pub fn inside(self, key: &str) -> Vec<Self> {
        let inside = |form: Self| {
            if key.starts_with('[') {
                return form.items();
            }
            form.property(key).or_else(|| form.further())
        };
        self.forms().into_iter().filter_map(inside).collect()
    }

    /// What a key may be that it names.
    pub fn property(self, key: &str) -> Option<Self> {
        let about = self.about["properties"].get(key)?;
        Some(self.at(about))
    }

    /// What keys may be that have no names of their own.
    pub fn further(self) -> Option<Self> {
        let about = &self.about["additionalProperties"];
        about.is_object().then(|| self.at(about))
    }

    /// What the items of an array may be.
    pub fn items(self) -> Option<Self> {
        let about = &self.about["items"];
        about.is_object().then(|| self.at(about))
    }

    pub(super) fn has_format(self, format: &str) -> bool {
        self.about["format"] == format
    }

    /// Whether the path of a file or a folder is wanted.
    pub fn is_path(self) -> bool {
        self.has_format(PathSetting::FORMAT)
    }

    /// Whether what it names must be there already.
    pub fn must_exist(self) -> bool {
        self.is_path() && self.about[PathSetting::THERE] == true
    }

    /// Visits all texts in a value, each with what may be written there.
    pub fn visit(self, value: &mut Value, seen: &mut impl FnMut(&[String], Self, &mut String)) {
        self.visit_below(&mut Vec::new(), value, seen);
    }

    fn visit_below(
        self,
        path: &mut Vec<String>,
        value: &mut Value,
        seen: &mut impl FnMut(&[String], Self, &mut String),
    ) {
        let forms = self.forms().into_iter();
        let Some(form) = forms.into_iter().find(|form| form.takes(value)) else {
            return;
        };
        match value {
            Value::String(text) => seen(path, form, text),
            Value::Array(items) => {
                let shape = form.items();
                for (number, item) in items.iter_mut().enumerate() {
                    path.push(format!("[{number}]"));
                    if let Some(shape) = shape {
                        shape.visit_below(path, item, seen);
                    }
                    path.pop();
                }
            }
            Value::Object(table) => {
                for (key, value) in table {
                    path.push(key.clone());
                    if let Some(shape) = form.property(key).or_else(|| form.further()) {
                        shape.visit_below(path, value, seen);
                    }
                    path.pop();
                }
            }
            _ => {}
        }
    }

    /// Whether a secret is wanted.
    pub fn is_secret(self) -> bool {
        self.forms()
            .into_iter()
            .any(|form| form.has_format("secret"))
    }

    /// Whether a key is wanted, by the path of its file or the source of its text.
    pub fn is_key(self) -> bool {
        let forms = self.forms().into_iter();
        let mut forms = forms.filter(|form| form.has_format(KeySetting::FORMAT));
        forms.next().is_some()
    }

    /// Whether the source of a secret may be written instead of a text.
    pub fn is_text_or_secret(self) -> bool {
        let forms = self.forms().into_iter();
        let mut forms = forms.filter(|form| form.has_format(TextOrSecret::FORMAT));
        forms.next().is_some()
    }

    /// Whether a word of a command is wanted.
    pub fn is_program_word(self) -> bool {
        self.has_format(ProgramWord::FORMAT)
    }

    /// Whether a table is wanted, in one form of it.
    pub fn is_table(self) -> bool {
        self.types().any(|name| name == "object")
    }

    /// Whether nothing but a string is wanted.
    pub fn is_text(self) -> bool {
        let text = |form: Self| form.types().eq(["string"]);
        self.forms().into_iter().all(text)
    }

    /// Whether a form takes values of a type. A table that nothing is said of takes everything.
    pub fn takes(self, value: &Value) -> bool {
        let found = Type::of(value);
        if self.has_format(HumanDuration::FORMAT) && *value == 0 {
            return true;
        }
        let fits = |name: &str| match name {
            "array" => found == Type::Array,
            "boolean" => found == Type::Boolean,
            "integer" => found == Type::Integer,
            "number" => matches!(found, Type::Float | Type::Integer),
            "object" => found == Type::Table,
            "string" => found == Type::String,
            _ => false,
        };
        match &self.about["type"] {
            Value::String(name) => fits(name),
            Value::Array(names) => names.iter().filter_map(Value::as_str).any(fits),
            _ => true,
        }
    }

    /// The only values that it may be.
    pub(super) fn constants(self) -> Option<Vec<&'a Value>> {
        if let Some(one) = self.about.get("const") {
            return Some(vec![one]);
        }
        let several = self.about["enum"].as_array()?;
        Some(several.iter().filter(|value| !value.is_null()).collect())
    }

    pub(super) fn types(self) -> impl Iterator<Item = &'a str> {
        let types = match &self.about["type"] {
            Value::String(one) => vec![one.as_str()],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            _ => vec![],
        };
        types.into_iter().filter(|name| *name != "null")
    }
}

/// The alternatives of a description.
pub(in crate::providers) fn alternatives(about: &Value) -> Option<&Vec<Value>> {
    about["anyOf"].as_array().or(about["oneOf"].as_array())
}
