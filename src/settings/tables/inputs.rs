//! What the inputs of the action set in the tables of a kind.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Origin, SettingOverride, Tables};
use crate::providers::Kind;
use crate::settings::{Error, Result};

impl Tables {
    /// Refuses inputs that mean nothing to any of the providers that a start is to use.
    pub(in crate::settings) fn take_inputs(&self, names: &[String]) -> Result<()> {
        let kinds = names
            .iter()
            .filter_map(|name| Some(self.kind_of(name).ok()?.name));
        match self.env.inputs().unfit(kinds) {
            Some((input, kind)) => Err(Error::usage(format!(
                "the input `{input}` is for a provider of the kind {kind}, and {} is not one",
                names.join(", ")
            ))),
            None => Ok(()),
        }
    }

    /// Puts them over what the file and the surroundings say.
    pub(super) fn put_inputs(
        &self,
        kind: &Kind,
        values: &mut Map<String, Value>,
        origins: &mut BTreeMap<String, Origin>,
    ) {
        for (path, value, input) in self.env.inputs().settings_of(kind.name) {
            let set = SettingOverride {
                path: path.iter().map(ToString::to_string).collect(),
                value: value.clone(),
            };
            set.into_table(values);
            origins.insert(path[0].to_owned(), Origin::Input(input.to_owned()));
        }
    }

    /// The input that sets what stands at a path, where one does; each key of the path ends with a point.
    pub(super) fn origin_of_input(&self, name: &str, path: &str) -> Option<Origin> {
        let kind = self.kind_of(name).ok()?;
        let mut inputs = self.env.inputs().settings_of(kind.name).rev();
        let (.., input) = inputs.find(|(keys, ..)| {
            let keys = keys.join(".") + ".";
            keys.starts_with(path) || path.starts_with(&keys)
        })?;
        Some(Origin::Input(input.to_owned()))
    }
}
