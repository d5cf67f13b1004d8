//! A setting that holds one name, or several.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One name, or several in order of preference.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(extend("x-expected" = "a name in quotes or an array of names"))]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl OneOrMany {
    /// The names, in order.
    pub(crate) fn all(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}
