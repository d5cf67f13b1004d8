//! The inputs of a step as they were given.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::settings::{Env, Error, Result};

/// The variable that holds all inputs of a step as one JSON object.
pub(super) const VARIABLE: &str = "GHARUN_ACTION_INPUTS";

/// What stands in `action.yml` as the default of inputs that decide what a step does, so that one which an expression left
/// empty is told from one that is not there. No mapping begins like this and goes on like this, and no command.
pub(super) const ABSENT: &str = "{absent}";

/// The inputs of a step, by their names in small letters: Actions does not tell `Count` from `count`.
#[derive(Clone, Default)]
pub struct GivenInputs {
    values: BTreeMap<String, String>,
    /// The region of the surroundings.
    pub(super) region: Option<String>,
}

impl std::fmt::Debug for GivenInputs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.values.keys(); // values may be tokens
        f.debug_set().entries(names).finish()
    }
}

impl GivenInputs {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// No such variable, or one that holds anything else; nothing of it is shown.
    pub fn read(env: &Env) -> Result<Self> {
        let wrong = |why: &str| {
            Error::usage(format!("`${VARIABLE}` {why}")).hinted(
                "it is for the action alone: elsewhere, use `gharun start` and `gharun stop`",
            )
        };
        let text = env.get(VARIABLE).ok_or_else(|| wrong("is not set"))?;
        let Ok(Value::Object(inputs)) = serde_json::from_str(text) else {
            return Err(wrong("must be a JSON object"));
        };
        let mut values = BTreeMap::new();
        for (name, value) in inputs {
            let text = match value {
                Value::String(text) => text,
                Value::Null => String::new(),
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                Value::Array(_) | Value::Object(_) => {
                    return Err(Error::usage(format!("the input `{name}` must be a text")));
                }
            };
            values.insert(name.to_ascii_lowercase(), text.trim().to_owned());
        }
        let region = env
            .get("AWS_REGION")
            .or_else(|| env.get("AWS_DEFAULT_REGION"));
        Ok(Self {
            values,
            region: region.map(str::to_owned),
        })
    }

    /// The names of all that are there, also of those that say nothing.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// What an input says; `None` where it is left out, or empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let text = self.values.get(name).map(String::as_str);
        text.filter(|text| !text.is_empty() && *text != ABSENT)
    }

    /// Whether an input that tells empty from absent is there, also an empty one.
    pub(super) fn is_there(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|text| text != ABSENT)
    }
}
