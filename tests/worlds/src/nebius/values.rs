//! The rules for single values: lengths, ranges, patterns, and the few that are written in CEL.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::{FieldDescriptor, Kind};
use regex::Regex;
use serde_json::{Value, json};

/// What is wrong: the field's path, and how.
pub(super) type Wrong = (String, String);

/// Whether proto3 JSON takes it for a field that was not sent.
pub(super) fn is_default(field: &FieldDescriptor, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => match field.kind() {
            Kind::String | Kind::Bytes => text.is_empty(),
            Kind::Enum(described) => described
                .get_value(0)
                .is_some_and(|value| value.name() == text),
            _ => text == "0",
        },
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => field.is_map() && fields.is_empty(),
        Value::Bool(true) => false,
    }
}

pub(super) fn bounds(
    rules: &Value,
    what: &str,
    count: Option<usize>,
    path: &str,
    wrong: &mut Vec<Wrong>,
) {
    let count = count.unwrap_or_default();
    let limit = |name: String| rules[name].as_str().and_then(|text| text.parse().ok());
    if limit(format!("max{what}")).is_some_and(|most: usize| count > most) {
        wrong.push((path.to_owned(), format!("holds {count}")));
    }
    if limit(format!("min{what}")).is_some_and(|least: usize| count < least) {
        wrong.push((path.to_owned(), format!("holds {count}")));
    }
}

pub(super) fn scalar(
    kind: &Kind,
    rules: &Value,
    value: &Value,
    path: &str,
    wrong: &mut Vec<Wrong>,
) {
    let mut say = |what: String| wrong.push((path.to_owned(), what));
    match kind {
        Kind::String => {
            let Some(text) = value.as_str() else {
                return say("is no string".to_owned());
            };
            let rules = &rules["string"];
            length(rules, "Len", text.chars().count(), &mut say);
            length(rules, "Bytes", text.len(), &mut say);
            if let Some(pattern) = rules["pattern"].as_str() {
                let pattern = Regex::new(pattern).expect("the description's patterns are RE2's");
                if !pattern.is_match(text) {
                    say(format!("`{text}` is not like `{pattern}`"));
                }
            }
        }
        Kind::Bytes => match value.as_str().map(|text| STANDARD.decode(text)) {
            Some(Ok(bytes)) => length(&rules["bytes"], "Len", bytes.len(), &mut say),
            _ => say("is no base64".to_owned()),
        },
        Kind::Int64 | Kind::Uint64 => {
            let number = value.as_str().and_then(|text| text.parse::<i64>().ok());
            match number {
                Some(number) => range(&rules["int64"], number, &mut say),
                None => say(format!(
                    "{value}: 64 bit integers are strings in proto3 JSON"
                )),
            }
        }
        Kind::Int32 | Kind::Uint32 => match value.as_i64() {
            Some(number) => range(&rules["int32"], number, &mut say),
            None => say(format!("{value} is no number")),
        },
        Kind::Enum(_) if !value.is_string() => say(format!("{value}: enums are sent by name")),
        _ => {}
    }
}

fn length(rules: &Value, what: &str, long: usize, say: &mut impl FnMut(String)) {
    let limit = |name: String| rules[name].as_str().and_then(|text| text.parse().ok());
    if limit(format!("max{what}")).is_some_and(|most: usize| long > most) {
        say(format!("is {long} long"));
    }
    if limit(format!("min{what}")).is_some_and(|least: usize| long < least) {
        say(format!("is {long} long"));
    }
}

fn range(rules: &Value, number: i64, say: &mut impl FnMut(String)) {
    // 64 bit bounds are strings, 32 bit ones are numbers.
    let bound = |name: &str| {
        let bound = &rules[name];
        bound
            .as_i64()
            .or_else(|| bound.as_str().and_then(|text| text.parse().ok()))
    };
    let out = bound("gte").is_some_and(|least| number < least)
        || bound("gt").is_some_and(|least| number <= least)
        || bound("lte").is_some_and(|most| number > most)
        || bound("lt").is_some_and(|most| number >= most);
    if out {
        say(format!("is {number}"));
    }
}

/// The rules that are written in CEL and that requests of ours can meet, by id.
pub const EXPRESSIONS: [&str; 3] = [
    "hostname.valid",
    "mysterybox_secret_if_set",
    "pricing_model_matches_preemptible",
];

pub(super) fn expression(rule: &Value, value: &Value, path: &str, wrong: &mut Vec<Wrong>) {
    let holds = match rule["id"].as_str().unwrap_or_default() {
        "hostname.valid" => value.as_str().is_some_and(|name| {
            let plain = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit();
            let bytes = name.as_bytes();
            (2..=63).contains(&bytes.len())
                && bytes.iter().all(|letter| plain(*letter) || *letter == b'-')
                && plain(bytes[0])
                && plain(bytes[bytes.len() - 1])
        }),
        "mysterybox_secret_if_set" => value.get("mysteryboxSecret").is_none_or(|secret| {
            secret["secretId"].as_str().is_some_and(|id| !id.is_empty())
                || secret["versionId"]
                    .as_str()
                    .is_some_and(|id| !id.is_empty())
        }),
        "pricing_model_matches_preemptible" => {
            let spot = value
                .get("pricingModel")
                .is_some_and(|model| model.get("onDemand").is_none());
            spot == (value.get("preemptible") == Some(&json!(true)))
        }
        other => {
            wrong.push((
                path.to_owned(),
                format!("the stand-in does not know the rule `{other}`"),
            ));
            return;
        }
    };
    if !holds {
        let message = rule["message"].as_str().unwrap_or_default();
        wrong.push((path.to_owned(), message.to_owned()));
    }
}
