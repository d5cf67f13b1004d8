//! `--set`: what was typed at a shell, read as what the setting wants.
//!
//! A shell takes quotes away, so that `4090` may be the name of a GPU and `8` the text of a variable. What still is a
//! whole string of TOML is read as its content, wherever it stands.

use serde_json::{Map, Value};
use toml::de::DeValue;

use super::written;
use super::{Error, Result};
use crate::providers::schema::{Fault, Misfit, Shape, backticked};

/// `--set KEY.KEY=VALUE`, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Typed {
    /// The keys, without quotes.
    pub(super) keys: Vec<String>,
    /// The value as it was typed.
    pub(super) text: String,
}

impl Typed {
    /// Takes it apart. A key with a point or a `=` in it stands in quotes, as in TOML.
    ///
    /// # Errors
    ///
    /// No key, no value, or quotes that do not end.
    pub(super) fn read(set: &str) -> Result<Self> {
        split(set).ok_or_else(|| {
            // Not what it is: that may be a secret.
            Error::usage("`--set` must be `KEY=VALUE` or `NAME.KEY=VALUE`")
        })
    }

    /// The option as errors name it.
    pub(super) fn flag(keys: &[String]) -> String {
        format!("--set {}", keys.join("."))
    }
}

fn split(set: &str) -> Option<Typed> {
    let mut keys = Vec::new();
    let mut rest = set;
    loop {
        let end = match rest.chars().next()? {
            quote @ ('"' | '\'') => end_of_string(rest, quote)?,
            _ => rest.find(['.', '='])?,
        };
        let (key, after) = rest.split_at(end);
        keys.push(string(key).unwrap_or_else(|| key.to_owned()));
        match after.chars().next()? {
            '.' => rest = &after[1..],
            '=' if !keys[0].is_empty() => {
                let text = after[1..].to_owned();
                return Some(Typed { keys, text });
            }
            _ => return None,
        }
    }
}

/// Where a string ends that a text begins with.
fn end_of_string(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    let mut inside = text.char_indices().skip(1);
    let (end, _) = inside.find(|(_, c)| {
        let ends = *c == quote && !escaped;
        escaped = quote == '"' && *c == '\\' && !escaped;
        ends
    })?;
    Some(end + 1)
}

/// The content of a text that is a string of TOML, and nothing else.
fn string(text: &str) -> Option<String> {
    match DeValue::parse(text).ok()?.into_inner() {
        DeValue::String(content) => Some(content.into_owned()),
        _ => None,
    }
}

/// Where a setting stands in its table, and its value.
#[derive(Debug)]
pub(super) struct SettingOverride {
    pub(super) path: Vec<String>,
    pub(super) value: Value,
}

impl SettingOverride {
    /// Reads a value for a table of this shape. What fits nothing is left as TOML has it, for the error.
    ///
    /// # Errors
    ///
    /// What begins as a list where one is wanted, and is none.
    pub(super) fn read(table: Shape<'_>, keys: &[String], text: &str) -> Result<Self, Misfit> {
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
            path.push(key.clone());
            shapes = named;
            rest = after;
        }
        match value(&shapes, text) {
            Some(value) => Ok(Self { path, value }),
            None => Err(Misfit {
                path,
                fault: Fault::Wrong {
                    expected: "a list such as `[\"a\", \"b\"]`".to_owned(),
                    found: backticked(text),
                },
            }),
        }
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

/// A text as what one of some shapes wants; `None` for a list that cannot be read.
fn value(shapes: &[Shape<'_>], text: &str) -> Option<Value> {
    let forms = forms(shapes);
    // Where nothing but text is wanted, nothing in it is special.
    if !forms.is_empty() && forms.iter().all(|form| form.is_text()) {
        return Some(string(text).unwrap_or_else(|| text.to_owned()).into());
    }
    let items = forms.iter().find_map(|form| form.items());
    match (DeValue::parse(text), items) {
        (Ok(written), _) => Some(one(&forms, written.get_ref(), text, text)),
        (Err(_), Some(items)) if text.trim_start().starts_with('[') => list(items, text),
        (Err(_), _) => Some(word(&forms, text).unwrap_or_else(|| text.into())),
    }
}

/// A list whose quotes the shell took away.
fn list(items: Shape<'_>, text: &str) -> Option<Value> {
    let inside = text.trim().strip_prefix('[')?.strip_suffix(']')?;
    let words = inside.split(',').map(str::trim);
    let words = words.map(|word| {
        let plain = !word.is_empty() && !word.contains(['"', '\'', '[', ']']);
        value(&[items], word).filter(|_| plain)
    });
    words.collect()
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
            let value = written::value(written);
            let fits = forms.iter().any(|form| form.takes(&value));
            let as_word = || match written {
                DeValue::String(text) => word(forms, text),
                _ => word(forms, raw),
            };
            if fits { Some(value) } else { as_word() }
        }
    };
    composed.unwrap_or_else(|| written::value(written))
}

/// A text where text is wanted, or a list of one value.
fn word(forms: &[Shape<'_>], text: &str) -> Option<Value> {
    if forms.iter().any(|form| form.is_text()) {
        return Some(text.into());
    }
    let items = forms.iter().find_map(|form| form.items())?;
    let inside = self::forms(&[items]);
    let item = word(&inside, text).or_else(|| {
        let written = DeValue::parse(text).ok()?;
        Some(one(&inside, written.get_ref(), text, text))
    });
    Some(Value::Array(vec![item.unwrap_or_else(|| text.into())]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;
    use serde_json::json;

    use super::*;
    use crate::model::HumanDuration;
    use crate::providers::schema::huge_integer;

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
            ("name=\"x\"", json!({ "name": "x" })),
            ("name='x'", json!({ "name": "x" })),
            ("name=\"x\" y", json!({ "name": "\"x\" y" })),
            ("name=\"x", json!({ "name": "\"x" })),
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
            ("list=\"a\"", json!({ "list": ["a"] })),
            ("list=[u@a,u@b]", json!({ "list": ["u@a", "u@b"] })),
            ("list=[ a-1 ]", json!({ "list": ["a-1"] })),
            (
                "list=[4090, 3090 Ti]",
                json!({ "list": ["4090", "3090 Ti"] }),
            ),
            ("names=[a,b]", json!({ "names": ["a", "b"] })),
            ("labels.a=[x,y]", json!({ "labels": { "a": ["x", "y"] } })),
            (
                "number=99999999999999999999",
                json!({ "number": huge_integer("99999999999999999999") }),
            ),
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
            ("mode=\"fast\"", json!({ "mode": "fast" })),
            ("env.N=8", json!({ "env": { "N": "8" } })),
            ("env.N=\"8\"", json!({ "env": { "N": "8" } })),
            ("env.\"N\"=8", json!({ "env": { "N": "8" } })),
            ("env.'a=b'=c=d", json!({ "env": { "a=b": "c=d" } })),
            ("\"env\".\"a\\\"b\"=c", json!({ "env": { "a\"b": "c" } })),
            (
                "slots.\"pi@pi4.local\"=3",
                json!({ "slots": { "pi@pi4.local": 3 } }),
            ),
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
            let Typed { keys, text } = Typed::read(set).expect("a key and a value");
            let mut table = Map::new();
            let read = SettingOverride::read(Shape::of(&schema), &keys, &text);
            read.expect("it can be read").into_table(&mut table);
            assert_eq!(Value::Object(table), expected, "{set}");
        }
    }

    #[test]
    fn what_begins_as_a_list_and_is_none_is_refused() {
        let schema = schemars::schema_for!(Table);
        for text in [
            "[", "[4090", "[a,,b]", "[a, \"b]", "[a]x", "[::1]:22", "[a,]b",
        ] {
            for key in ["list", "names"] {
                let read = SettingOverride::read(Shape::of(&schema), &[key.to_owned()], text);
                let misfit = read.expect_err("it is no list");
                assert_eq!(misfit.key(), key);
                assert_eq!(
                    misfit.fault.to_string(),
                    format!("must be a list such as `[\"a\", \"b\"]`, not `{text}`")
                );
            }
        }
    }

    #[test]
    fn a_set_without_a_key_or_a_value_is_refused() {
        for set in ["", "a", "=a", "a.b", "\"a=b", "\"a\"b=c", "\"\"=c"] {
            assert!(Typed::read(set).is_err(), "{set}");
        }
    }

    #[test]
    fn several_sets_fill_one_table() {
        let schema = schemars::schema_for!(Table);
        let mut table = Map::new();
        for (key, text) in [("A", "1"), ("B", "true"), ("A", "2")] {
            let keys = ["env", key].map(str::to_owned);
            let read = SettingOverride::read(Shape::of(&schema), &keys, text);
            read.expect("it can be read").into_table(&mut table);
        }
        let expected = json!({ "env": { "A": "2", "B": "true" } });
        assert_eq!(Value::Object(table), expected);
    }
}
