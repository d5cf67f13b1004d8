//! What is wrong with a value, by its first flaw.

use serde_json::{Map, Number, Value};

use super::shape::{Shape, Type};
use super::{EXPECTED, Fault, Misfit};
use crate::model::HumanDuration;

impl Shape<'_> {
    /// What is wrong with a value, by its first flaw.
    pub fn misfit(self, value: &Value) -> Option<Misfit> {
        self.flaw(value, &mut Vec::new())
    }

    fn flaw(self, value: &Value, path: &mut Vec<String>) -> Option<Misfit> {
        let forms = self.forms().into_iter().filter(|form| form.takes(value));
        let mut flaws = Vec::new();
        for form in forms {
            flaws.push(form.flaw_inside(value, path)?);
        }
        let only = flaws.len() == 1;
        // Where there are several forms, the one that was meant is the one whose keys were used. What is wrong with
        // the value itself is told by all that it may be.
        let meant = flaws.into_iter().find(|flaw| {
            flaw.path.len() > path.len() && (only || matches!(flaw.fault, Fault::Wrong { .. }))
        });
        meant.or_else(|| Some(Misfit::wrong(path, self, value)))
    }

    /// What is wrong with a value of a type that this form takes.
    fn flaw_inside(self, value: &Value, path: &mut Vec<String>) -> Option<Misfit> {
        let fits = match value {
            Value::Array(items) if self.is_long_enough("minItems", items.len()) => {
                let shape = self.items()?;
                let mut items = items.iter().enumerate();
                return items.find_map(|(number, item)| {
                    within(path, &format!("[{number}]"), |path| shape.flaw(item, path))
                });
            }
            Value::Array(_) => false,
            // One that no type of number holds.
            Value::Object(_) if Type::of(value) == Type::Integer => false,
            Value::Object(table) => return self.flaw_of_table(table, path),
            Value::Number(number) => self.is_within_bounds(number),
            Value::String(text) => {
                self.constants().is_none_or(|all| all.contains(&value))
                    && self.is_long_enough("minLength", text.len())
                    && (!self.has_format(HumanDuration::FORMAT)
                        || text.parse::<HumanDuration>().is_ok())
            }
            _ => true,
        };
        (!fits).then(|| Misfit::wrong(path, self, value))
    }

    fn flaw_of_table(self, table: &Map<String, Value>, path: &mut Vec<String>) -> Option<Misfit> {
        let known = self.about["properties"].as_object();
        let closed = self.about["additionalProperties"] == false;
        let mut unknown = table
            .keys()
            .filter(|key| closed && known.is_none_or(|known| !known.contains_key(key.as_str())));
        if let Some(key) = unknown.next() {
            path.push(key.clone());
            let misfit = Misfit {
                path: path.clone(),
                fault: Fault::Unknown(known.into_iter().flat_map(Map::keys).cloned().collect()),
            };
            path.pop();
            return Some(misfit);
        }
        let mut flaws = table.iter().filter_map(|(key, value)| {
            let shape = self.property(key).or_else(|| self.further())?;
            within(path, key, |path| shape.flaw(value, path))
        });
        flaws.next().or_else(|| self.missing(table, path))
    }

    fn missing(self, table: &Map<String, Value>, path: &[String]) -> Option<Misfit> {
        let required = self.about["required"].as_array();
        let mut required = required.into_iter().flatten().filter_map(Value::as_str);
        let key = required.find(|key| !table.contains_key(*key))?;
        let about = &self.about["properties"][key]["description"];
        let meaning = about.as_str().unwrap_or_default().replace('\n', " ");
        Some(Misfit {
            path: [path, &[key.to_owned()]].concat(),
            fault: Fault::Missing(meaning),
        })
    }

    /// The least and the most of an integer.
    pub(super) fn bounds(self) -> Option<(i128, i128)> {
        let (least, most) = match self.about["format"].as_str() {
            Some("int32") => (i128::from(i32::MIN), i128::from(i32::MAX)),
            Some("uint8") => (0, i128::from(u8::MAX)),
            Some("uint16") => (0, i128::from(u16::MAX)),
            Some("uint32") => (0, i128::from(u32::MAX)),
            Some("uint" | "uint64") => (0, i128::from(u64::MAX)),
            _ if self.types().any(|name| name == "integer") => {
                (i128::from(i64::MIN), i128::from(u64::MAX))
            }
            _ => return None,
        };
        let said = |key: &str| self.about[key].as_i64().map(i128::from);
        Some((
            said("minimum").unwrap_or(least),
            said("maximum").unwrap_or(most),
        ))
    }

    fn is_within_bounds(self, number: &Number) -> bool {
        let whole = number.as_i64().map(i128::from);
        let whole = whole.or_else(|| number.as_u64().map(i128::from));
        if let (Some((least, most)), Some(whole)) = (self.bounds(), whole) {
            return (least..=most).contains(&whole);
        }
        let said = |key: &str| self.about[key].as_f64();
        number.as_f64().is_none_or(|number| {
            said("minimum").is_none_or(|least| number >= least)
                && said("exclusiveMinimum").is_none_or(|below| number > below)
                && said("maximum").is_none_or(|most| number <= most)
        })
    }

    fn is_long_enough(self, key: &str, length: usize) -> bool {
        self.about[key]
            .as_u64()
            .is_none_or(|least| length as u64 >= least)
    }

    /// A value that has the right form, and that its type does not take.
    pub(super) fn refused(self, value: &Value, path: Vec<String>, why: String) -> Misfit {
        let (mut shape, mut found) = (self, value);
        for part in &path {
            let inside = shape.inside(part).into_iter().next();
            let number = part
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            let next = match number.and_then(|number| number.parse::<usize>().ok()) {
                Some(number) => found.get(number),
                None => found.get(part),
            };
            let (Some(inside), Some(next)) = (inside, next) else {
                let fault = Fault::Refused(why);
                return Misfit { path, fault };
            };
            (shape, found) = (inside, next);
        }
        let described = shape
            .forms()
            .iter()
            .any(|form| form.about.get(EXPECTED).is_some());
        if described || shape.about.get(EXPECTED).is_some() {
            return Misfit::wrong(&path, shape, found);
        }
        let fault = Fault::Refused(why);
        Misfit { path, fault }
    }
}

/// Looks at a place within another.
fn within<T>(path: &mut Vec<String>, key: &str, look: impl FnOnce(&mut Vec<String>) -> T) -> T {
    path.push(key.to_owned());
    let found = look(path);
    path.pop();
    found
}
