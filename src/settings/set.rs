//! `--set`: what was typed at a shell, read as what the setting wants.
//!
//! A shell takes quotes away, so that `4090` may be the name of a GPU and `8` the text of a variable.

use serde_json::{Map, Number, Value};
use toml::de::DeValue;

use crate::providers::schema::Shape;

/// Where a setting stands in its table, and its value.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) path: Vec<String>,
    pub(super) value: Value,
}

impl Set {
    /// Reads `KEY.KEY=VALUE` for a table of this shape. What fits nothing is left as TOML has it, for the error.
    pub(super) fn read(table: Shape<'_>, keys: &[&str], text: &str) -> Self {
        let mut path = Vec::new();
        let mut shapes = vec![table];
        let mut rest = keys;
        while let [key, after @ ..] = rest {
            let forms = forms(&shapes);
            let named: Vec<_> = forms.iter().filter_map(|form| form.property(key)).collect();
            let others: Vec<_> = forms.iter().filter_map(|form| form.further()).collect();
            if named.is_empty() && !others.is_empty() {
                // The keys of such a table are names of any sort, which may have points in them.
                path.push(rest.join("."));
                shapes = others;
                break;
            }
            path.push((*key).to_owned());
            shapes = named;
            rest = after;
        }
        let value = value(&shapes, text);
        Self { path, value }
    }

    /// Puts it into a table.
    pub(super) fn into_table(self, table: &mut Map<String, Value>) {
        let mut path = self.path.into_iter();
        let Some(first) = path.next() else {
            return;
        };
        let mut place = table.entry(first).or_insert(Value::Null);
        for key in path {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            let Value::Object(table) = place else {
                unreachable!("it was just made a table")
            };
            place = table.entry(key).or_insert(Value::Null);
        }
        *place = self.value;
    }
}

/// A text as what one of some shapes wants.
fn value(shapes: &[Shape<'_>], text: &str) -> Value {
    let forms = forms(shapes);
    // Where nothing but text is wanted, nothing in it is special.
    if !forms.is_empty() && forms.iter().all(|form| form.is_text()) {
        return text.into();
    }
    match DeValue::parse(text) {
        Ok(written) => one(&forms, written.get_ref(), text, text),
        Err(_) => word(&forms, text).unwrap_or_else(|| text.into()),
    }
}

fn forms<'a>(shapes: &[Shape<'a>]) -> Vec<Shape<'a>> {
    shapes.iter().flat_map(|shape| shape.forms()).collect()
}

/// A value as what one of some forms wants; `raw` is it as it stands in `text`.
fn one(forms: &[Shape<'_>], written: &DeValue<'_>, raw: &str, text: &str) -> Value {
    let composed = match written {
        DeValue::Array(items) => forms.iter().find_map(|form| {
            let inside = self::forms(&[form.items()?]);
            let items = items.iter();
            let items = items.map(|item| {
                one(
                    &inside,
                    item.get_ref(),
                    text.get(item.span()).unwrap_or_default(),
                    text,
                )
            });
            Some(items.collect())
        }),
        DeValue::Table(table) => forms.iter().find(|form| form.is_table()).map(|form| {
            let entries = table.iter().map(|(key, item)| {
                let inside = self::forms(&form.inside(key.get_ref()));
                let raw = text.get(item.span()).unwrap_or_default();
                let value = one(&inside, item.get_ref(), raw, text);
                (key.get_ref().to_string(), value)
            });
            Value::Object(entries.collect())
        }),
        _ => {
            let value = scalar(written);
            let fits = forms.iter().any(|form| form.takes(&value));
            let as_word = || match written {
                DeValue::String(text) => word(forms, text),
                _ => word(forms, raw),
            };
            if fits { Some(value) } else { as_word() }
        }
    };
    composed.unwrap_or_else(|| plain(written))
}

/// A text where text is wanted, or a list of text.
fn word(forms: &[Shape<'_>], text: &str) -> Option<Value> {
    if forms.iter().any(|form| form.is_text()) {
        return Some(text.into());
    }
    let items = forms.iter().find_map(|form| form.items())?;
    Some(Value::Array(vec![value(&[items], text)]))
}

/// A value as TOML has it.
fn plain(written: &DeValue<'_>) -> Value {
    match written {
        DeValue::Array(items) => items.iter().map(|item| plain(item.get_ref())).collect(),
        DeValue::Table(table) => {
            let entries = table.iter();
            let entries =
                entries.map(|(key, item)| (key.get_ref().to_string(), plain(item.get_ref())));
            Value::Object(entries.collect())
        }
        other => scalar(other),
    }
}

fn scalar(written: &DeValue<'_>) -> Value {
    match written {
        DeValue::Boolean(value) => (*value).into(),
        DeValue::Integer(number) => {
            let (digits, radix) = (number.as_str(), number.radix());
            let signed = i64::from_str_radix(digits, radix).map(Value::from);
            let unsigned = || u64::from_str_radix(digits, radix).map(Value::from);
            signed
                .or_else(|_| unsigned())
                .unwrap_or_else(|_| digits.into())
        }
        DeValue::Float(number) => {
            let number: Option<f64> = number.as_str().parse().ok();
            let number = number.and_then(Number::from_f64);
            // As `toml` hands on a number that JSON has not.
            number.map_or(Value::Null, Value::Number)
        }
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => plain(written),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;
    use serde_json::json;

    use super::*;
    use crate::model::HumanDuration;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Table {
        name: String,
        maybe: Option<String>,
        wait: HumanDuration,
        number: Option<u32>,
        price: f64,
        on: bool,
        list: Vec<String>,
        names: Option<Names>,
        amount: Amount,
        mode: Option<Mode>,
        env: BTreeMap<String, String>,
        slots: Slots,
        labels: BTreeMap<String, Vec<String>>,
        disk: Option<Disk>,
    }

    #[derive(JsonSchema)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only its schema is used")]
    enum Names {
        One(String),
        Several(Vec<String>),
    }

    #[derive(JsonSchema)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only its schema is used")]
    enum Amount {
        Bytes(u64),
        Text(String),
    }

    #[derive(JsonSchema)]
    #[serde(rename_all = "lowercase")]
    #[expect(dead_code, reason = "only its schema is used")]
    enum Mode {
        /// Now.
        Fast,
        /// Later.
        Slow,
    }

    #[derive(JsonSchema)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only its schema is used")]
    enum Slots {
        All(u16),
        By(BTreeMap<String, u16>),
    }

    #[derive(JsonSchema)]
    #[serde(untagged, deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is used")]
    enum Disk {
        Size(u32),
        Table { size: u32, path: String },
    }

    #[test]
    fn a_value_is_what_its_setting_wants() {
        let schema = schemars::schema_for!(Table);
        for (set, expected) in [
            ("name=4090", json!({ "name": "4090" })),
            ("name=true", json!({ "name": "true" })),
            ("name=\"x\"", json!({ "name": "\"x\"" })),
            ("name=[a]", json!({ "name": "[a]" })),
            ("name=", json!({ "name": "" })),
            ("maybe=12.40", json!({ "maybe": "12.40" })),
            ("wait=90s", json!({ "wait": "90s" })),
            ("wait=0", json!({ "wait": "0" })),
            ("number=8", json!({ "number": 8 })),
            ("number=x", json!({ "number": "x" })),
            ("number=1.5", json!({ "number": 1.5 })),
            ("price=2", json!({ "price": 2 })),
            ("price=0.25", json!({ "price": 0.25 })),
            ("on=true", json!({ "on": true })),
            ("on=yes", json!({ "on": "yes" })),
            ("list=a", json!({ "list": ["a"] })),
            ("list=5", json!({ "list": ["5"] })),
            ("list=a, b", json!({ "list": ["a, b"] })),
            (
                "list=[\"a\", 5, 1.10]",
                json!({ "list": ["a", "5", "1.10"] }),
            ),
            ("list=[]", json!({ "list": [] })),
            ("names=4090", json!({ "names": "4090" })),
            ("names=\"NVIDIA L40S\"", json!({ "names": "NVIDIA L40S" })),
            ("names=NVIDIA L40S", json!({ "names": "NVIDIA L40S" })),
            (
                "names=[4090, \"L40S\"]",
                json!({ "names": ["4090", "L40S"] }),
            ),
            ("amount=4096", json!({ "amount": 4096 })),
            ("amount=4g", json!({ "amount": "4g" })),
            ("mode=fast", json!({ "mode": "fast" })),
            ("mode=\"fast\"", json!({ "mode": "\"fast\"" })),
            ("env.N=8", json!({ "env": { "N": "8" } })),
            ("env.a.b=c", json!({ "env": { "a.b": "c" } })),
            (
                "env={ N = 8, M = \"x\" }",
                json!({ "env": { "N": "8", "M": "x" } }),
            ),
            ("slots=3", json!({ "slots": 3 })),
            (
                "slots.pi@pi4.local=3",
                json!({ "slots": { "pi@pi4.local": 3 } }),
            ),
            ("slots={ a = 2 }", json!({ "slots": { "a": 2 } })),
            ("labels.a=gpu", json!({ "labels": { "a": ["gpu"] } })),
            ("disk=20", json!({ "disk": 20 })),
            ("disk.size=20", json!({ "disk": { "size": 20 } })),
            ("disk.path=20", json!({ "disk": { "path": "20" } })),
            ("disk.sise=20", json!({ "disk": { "sise": 20 } })),
            (
                "disk={ size = 20, path = 7 }",
                json!({ "disk": { "size": 20, "path": "7" } }),
            ),
            ("nothing.of=this", json!({ "nothing": { "of": "this" } })),
        ] {
            let (key, text) = set.split_once('=').expect("a key and a value");
            let keys: Vec<&str> = key.split('.').collect();
            let mut table = Map::new();
            Set::read(Shape::of(&schema), &keys, text).into_table(&mut table);
            assert_eq!(Value::Object(table), expected, "{set}");
        }
    }

    #[test]
    fn several_sets_fill_one_table() {
        let schema = schemars::schema_for!(Table);
        let mut table = Map::new();
        for (key, text) in [("A", "1"), ("B", "true"), ("A", "2")] {
            Set::read(Shape::of(&schema), &["env", key], text).into_table(&mut table);
        }
        let expected = json!({ "env": { "A": "2", "B": "true" } });
        assert_eq!(Value::Object(table), expected);
    }
}
