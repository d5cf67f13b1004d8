//! Nebius' own description of its messages: a request is judged by its types, by the `buf.validate`
//! rules in its options, and by how proto3 JSON is written.

use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind,
    MessageDescriptor, SerializeOptions,
};
use serde_json::{Map, Value};

use super::values::{Wrong, bounds, expression, is_default, scalar};
use crate::descriptions;

/// The description.
pub struct Schema {
    pool: DescriptorPool,
    field: ExtensionDescriptor,
    oneof: ExtensionDescriptor,
    message: ExtensionDescriptor,
}

impl Schema {
    /// Loads the description from `$GHARUN_SPECS` or `../shared/specs`.
    ///
    /// Where it is absent, says so past the test harness and returns `None`; with `GHARUN_STRICT=1` it panics.
    pub fn load() -> Option<Self> {
        let what = "Nebius' description of its messages";
        let bytes = descriptions::read("nebius/nebius-0.6.29.subset.fds.bin", what)?;
        let pool = DescriptorPool::decode(bytes.as_slice()).expect("it is a set of descriptors");
        let rules = |name: &str| {
            pool.get_extension_by_name(name)
                .expect("the set holds its own rules' descriptions")
        };
        Some(Self {
            field: rules("buf.validate.field"),
            oneof: rules("buf.validate.oneof"),
            message: rules("buf.validate.message"),
            pool,
        })
    }

    fn named(&self, message: &str) -> MessageDescriptor {
        self.pool
            .get_message_by_name(message)
            .unwrap_or_else(|| panic!("{message} is not described"))
    }

    /// Whether the message is described.
    pub fn knows(&self, message: &str) -> bool {
        self.pool.get_message_by_name(message).is_some()
    }

    /// What is wrong with a message that somebody sends.
    pub fn check(&self, message: &str, body: &Value) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let described = self.named(message);
        if let Err(error) = self.parse(message, body) {
            wrong.push((String::new(), error));
        }
        self.message(&described, body, "", &mut wrong);
        wrong
    }

    /// What is wrong with the types of a message: its rules are not asked.
    pub fn misfits(&self, message: &str, body: &Value) -> Vec<Wrong> {
        let error = self.parse(message, body).err();
        error
            .into_iter()
            .map(|error| (String::new(), error))
            .collect()
    }

    fn parse(&self, message: &str, body: &Value) -> Result<DynamicMessage, String> {
        let options = DeserializeOptions::new().deny_unknown_fields(true);
        DynamicMessage::deserialize_with_options(self.named(message), body, &options)
            .map_err(|error| error.to_string())
    }

    /// The message as a gateway writes it: default values are left out.
    pub(super) fn written(&self, message: &str, body: &Value) -> Result<Value, String> {
        let parsed = self.parse(message, body)?;
        let options = SerializeOptions::new();
        parsed
            .serialize_with_options(serde_json::value::Serializer, &options)
            .map_err(|error| error.to_string())
    }

    /// The rules in some options, as JSON.
    fn rules(options: &DynamicMessage, extension: &ExtensionDescriptor) -> Option<Value> {
        options.has_extension(extension).then(|| {
            let rules = options.get_extension(extension);
            let rules = rules.as_message().expect("rules are a message");
            serde_json::to_value(rules).expect("a message is JSON")
        })
    }

    fn message(
        &self,
        described: &MessageDescriptor,
        value: &Value,
        path: &str,
        wrong: &mut Vec<Wrong>,
    ) {
        if described.full_name().starts_with("google.") {
            return;
        }
        let Some(object) = value.as_object() else {
            wrong.push((path.to_owned(), "is no object".to_owned()));
            return;
        };
        for key in object.keys() {
            if described.get_field_by_json_name(key).is_none() {
                let what = format!("`{key}` is no field of {}", described.full_name());
                wrong.push((path.to_owned(), what));
            }
        }
        for field in described.fields() {
            let rules = Self::rules(&field.options(), &self.field).unwrap_or(Value::Null);
            let path = join(path, field.json_name());
            let value = object.get(field.json_name());
            match value {
                Some(value) if !is_default(&field, value) => {
                    self.field(&field, &rules, value, &path, wrong);
                }
                _ if rules["required"] == true => wrong.push((path, "is required".to_owned())),
                Some(Value::Null) => wrong.push((path, "is null".to_owned())),
                _ => {}
            }
        }
        for oneof in described.oneofs() {
            let rules = Self::rules(&oneof.options(), &self.oneof);
            let required = rules.is_some_and(|rules| rules["required"] == true);
            let set = oneof
                .fields()
                .any(|field| object.contains_key(field.json_name()));
            if required && !set {
                wrong.push((join(path, oneof.name()), "one of it is required".to_owned()));
            }
        }
        if let Some(rules) = Self::rules(&described.options(), &self.message) {
            for rule in rules["cel"].as_array().into_iter().flatten() {
                expression(rule, value, path, wrong);
            }
        }
    }

    fn field(
        &self,
        field: &FieldDescriptor,
        rules: &Value,
        value: &Value,
        path: &str,
        wrong: &mut Vec<Wrong>,
    ) {
        for rule in rules["cel"].as_array().into_iter().flatten() {
            expression(rule, value, path, wrong);
        }
        if field.is_map() {
            let Kind::Message(entry) = field.kind() else {
                return;
            };
            let pairs = value.as_object().into_iter().flatten();
            let (key_rules, value_rules) = (&rules["map"]["keys"], &rules["map"]["values"]);
            bounds(
                &rules["map"],
                "Pairs",
                value.as_object().map(Map::len),
                path,
                wrong,
            );
            for (key, value) in pairs {
                let path = format!("{path}[{key}]");
                let key = Value::String(key.clone());
                scalar(&Kind::String, key_rules, &key, &path, wrong);
                self.one(
                    &entry.map_entry_value_field().kind(),
                    value_rules,
                    value,
                    &path,
                    wrong,
                );
            }
        } else if field.is_list() {
            bounds(
                &rules["repeated"],
                "Items",
                value.as_array().map(Vec::len),
                path,
                wrong,
            );
            for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                let path = format!("{path}[{index}]");
                self.one(
                    &field.kind(),
                    &rules["repeated"]["items"],
                    value,
                    &path,
                    wrong,
                );
            }
        } else {
            self.one(&field.kind(), rules, value, path, wrong);
        }
    }

    fn one(&self, kind: &Kind, rules: &Value, value: &Value, path: &str, wrong: &mut Vec<Wrong>) {
        match kind {
            Kind::Message(described) => self.message(described, value, path, wrong),
            _ => scalar(kind, rules, value, path, wrong),
        }
    }

    /// The ids of all `cel` rules of what can be part of a message, for the tests of this stand-in.
    pub fn expressions(&self, message: &str) -> Vec<String> {
        let mut seen = Vec::new();
        let mut ids = Vec::new();
        let mut left = vec![self.named(message)];
        while let Some(described) = left.pop() {
            if seen.contains(&described) {
                continue;
            }
            let mut rules: Vec<Value> = Vec::new();
            rules.extend(Self::rules(&described.options(), &self.message));
            for field in described.fields() {
                rules.extend(Self::rules(&field.options(), &self.field));
                if let Kind::Message(inner) = field.kind() {
                    left.push(inner);
                }
            }
            let cel = rules
                .iter()
                .filter_map(|rules| rules["cel"].as_array())
                .flatten();
            ids.extend(cel.map(|rule| rule["id"].as_str().unwrap_or_default().to_owned()));
            seen.push(described);
        }
        ids
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
