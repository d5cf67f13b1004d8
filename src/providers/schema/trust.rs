//! Which settings may stand in a file that was found and not named: those that are marked harmless where they are
//! declared.

use serde_json::Value;

use super::shape::Shape;
use crate::model::HumanDuration;

/// The key of a schema that says whether a setting is harmless, `true` or `false`. Harmless are sizes, counts, labels,
/// prices, regions and machine types. Whoever may write a harmless setting cannot by it run code, choose where
/// credentials are sent or which are used, choose where jobs run or which places are searched, or make a machine be
/// kept or ended. It holds for all that is below, too. A duration that could keep a machine has the longest harmless
/// one instead, such as `"7h"`. A setting without a mark needs trust.
const HARMLESS: &str = "x-harmless";

/// Whether a setting may stand in a file that is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// Whatever its value is.
    Harmless,
    /// Up to this duration; nothing at all often means for ever, so that zero needs trust.
    UpTo(HumanDuration),
    /// Never.
    Sensitive,
}

impl Mark {
    fn allows(self, value: &Value) -> bool {
        match self {
            Self::Harmless => true,
            Self::Sensitive => false,
            Self::UpTo(longest) => {
                let duration = value.as_str().and_then(|text| text.parse().ok());
                duration.is_some_and(|duration: HumanDuration| {
                    !duration.get().is_zero() && duration.get() <= longest.get()
                })
            }
        }
    }
}

impl Shape<'_> {
    /// The keys of a value that need trust, each with the way to it.
    pub fn needing_trust(self, value: &Value) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        self.collect_needing_trust(value, &mut Vec::new(), &mut found);
        found
    }

    fn collect_needing_trust(
        self,
        value: &Value,
        path: &mut Vec<String>,
        found: &mut Vec<Vec<String>>,
    ) {
        let mut mark = self.mark();
        let form = self.forms().into_iter().find(|form| form.takes(value));
        if mark.is_none() {
            mark = form.and_then(Self::mark);
        }
        match (mark, form, value) {
            (Some(mark), ..) if mark.allows(value) => {}
            (None, Some(form), Value::Object(table)) if form.about["properties"].is_object() => {
                for (key, value) in table {
                    path.push(key.clone());
                    match form.property(key) {
                        Some(inside) => inside.collect_needing_trust(value, path, found),
                        // Nobody knows what it would mean.
                        None => found.push(path.clone()),
                    }
                    path.pop();
                }
            }
            _ => found.push(path.clone()),
        }
    }

    fn mark(self) -> Option<Mark> {
        match self.about.get(HARMLESS)? {
            Value::Bool(true) => Some(Mark::Harmless),
            Value::String(longest) => Some(longest.parse().map_or(Mark::Sensitive, Mark::UpTo)),
            _ => Some(Mark::Sensitive),
        }
    }

    /// The settings that bear no mark, and lie in none that does.
    #[cfg(test)]
    pub fn unmarked(self) -> Vec<String> {
        let mut found = Vec::new();
        for form in self.forms() {
            for key in form.keys() {
                let inside = form.property(&key).expect("it is one of its keys");
                if inside.mark().is_some() {
                    continue;
                }
                for form in inside.forms() {
                    if form.mark().is_some() {
                        continue;
                    }
                    if form.keys().is_empty() {
                        found.push(key.clone());
                    }
                    let below = form.unmarked().into_iter();
                    found.extend(below.map(|inner| format!("{key}.{inner}")));
                }
            }
        }
        found
    }

    /// The settings that are marked harmless, and hold a secret or name a file.
    #[cfg(test)]
    pub fn marked_wrongly(self) -> Vec<String> {
        let mut found = Vec::new();
        for form in self.forms() {
            for key in form.keys() {
                let inside = form.property(&key).expect("it is one of its keys");
                let touchy =
                    |one: Self| one.is_secret() || one.forms().into_iter().any(Self::is_path);
                if inside.mark() == Some(Mark::Harmless) && touchy(inside) {
                    found.push(key.clone());
                }
                let below = inside.marked_wrongly().into_iter();
                found.extend(below.map(|inner| format!("{key}.{inner}")));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::providers::schema::Shape;
    use crate::providers::{KINDS, kind};

    #[test]
    fn every_setting_of_every_kind_says_whether_it_is_harmless() {
        for kind in KINDS {
            let schema = kind.schema();
            let unmarked = Shape::of(&schema).unmarked();
            assert_eq!(unmarked, [""; 0], "{}: mark them `x-harmless`", kind.name);
            let wrong = Shape::of(&schema).marked_wrongly();
            assert_eq!(wrong, [""; 0], "{}: they need trust", kind.name);
        }
    }

    #[test]
    fn a_setting_without_a_mark_needs_trust_and_is_told() {
        #[derive(schemars::JsonSchema)]
        #[expect(dead_code, reason = "only its schema is looked at")]
        struct Table {
            #[schemars(extend("x-harmless" = true))]
            size: u32,
            colour: String,
            inner: Inner,
        }
        #[derive(schemars::JsonSchema)]
        #[expect(dead_code, reason = "only its schema is looked at")]
        struct Inner {
            depth: Option<u32>,
            #[schemars(extend("x-harmless" = false))]
            host: String,
        }
        let schema = schemars::schema_for!(Table);
        let shape = Shape::of(&schema);
        assert_eq!(shape.unmarked(), ["colour", "inner.depth"]);
        let value = json!({ "size": 1, "colour": "red", "inner": { "depth": 2 }, "new": 3 });
        let keys = shape.needing_trust(&value).into_iter();
        let keys: Vec<String> = keys.map(|path| path.join(".")).collect();
        assert_eq!(keys, ["colour", "inner.depth", "new"]);
    }

    #[test]
    #[cfg(feature = "aws")]
    fn sizes_and_regions_are_harmless_and_addresses_and_images_are_not() {
        let kind = kind("aws").expect("the kind");
        let table = json!({
            "region": "us-east-1",
            "instance_types": ["g6.xlarge"],
            "volume": { "size": 50, "kms_key": "x" },
            "image": "ami-0123456789abcdef0",
            "endpoint": "http://evil.example",
        });
        let schema = kind.schema();
        let keys = Shape::of(&schema).needing_trust(&table).into_iter();
        let keys: Vec<String> = keys.map(|path| path.join(".")).collect();
        assert_eq!(keys, ["volume.kms_key", "image", "endpoint"]);
    }
}
