//! A value of TOML as it was written, in the types of JSON.

use serde_json::{Map, Number, Value};
use toml::de::{DeTable, DeValue};

use crate::providers::schema::{datetime, huge_integer};

/// A table with all that is in it.
pub(super) fn table(written: &DeTable<'_>) -> Map<String, Value> {
    let entries = written.iter();
    let entries = entries.map(|(key, item)| (key.get_ref().to_string(), value(item.get_ref())));
    entries.collect()
}

/// A value with all that is in it. Numbers that JSON lacks are kept, so that an error can be about the one setting
/// that holds them.
pub(super) fn value(written: &DeValue<'_>) -> Value {
    match written {
        DeValue::Array(items) => items.iter().map(|item| value(item.get_ref())).collect(),
        DeValue::Boolean(one) => (*one).into(),
        DeValue::Datetime(time) => datetime(&time.to_string()),
        DeValue::Float(number) => {
            let number: Option<f64> = number.as_str().parse().ok();
            // `nan` and `inf` become a null, which TOML has not.
            let number = number.and_then(Number::from_f64);
            number.map_or(Value::Null, Value::Number)
        }
        DeValue::Integer(number) => {
            let (digits, radix) = (number.as_str(), number.radix());
            let signed = i64::from_str_radix(digits, radix).map(Value::from);
            let unsigned = || u64::from_str_radix(digits, radix).map(Value::from);
            signed
                .or_else(|_| unsigned())
                .unwrap_or_else(|_| huge_integer(&number.to_string()))
        }
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Table(inside) => Value::Object(table(inside)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_value_is_what_toml_says_of_it() {
        for (text, expected) in [
            ("-5", json!(-5)),
            ("+1_000", json!(1000)),
            ("0x1F", json!(31)),
            ("9223372036854775808", json!(9_223_372_036_854_775_808_u64)),
            ("99999999999999999999", huge_integer("99999999999999999999")),
            (
                "-99999999999999999999",
                huge_integer("-99999999999999999999"),
            ),
            ("1_000.5", json!(1000.5)),
            ("-1e3", json!(-1000.0)),
            ("inf", Value::Null),
            ("nan", Value::Null),
            ("1979-05-27", datetime("1979-05-27")),
            ("'a\"b'", json!("a\"b")),
            ("[1, { a = true }]", json!([1, { "a": true }])),
        ] {
            let written = DeValue::parse(text).expect("it is TOML");
            assert_eq!(value(written.get_ref()), expected, "{text}");
        }
    }
}
