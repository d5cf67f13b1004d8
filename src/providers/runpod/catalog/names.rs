//! The GPUs and CPU flavors that a name means, and those that are near one that means none.

use super::{Catalog, CatalogEntry};
use crate::model::similar;
use crate::providers::{Error, Result};

/// How many names an error shows.
const SHOWN: usize = 5;

impl Catalog {
    /// The ids that a name means: that of an id or whole name; else all that have it as a part made of
    /// whole words, however they are joined: `4090`, `rtx4090`, `A100 SXM`.
    ///
    /// # Errors
    ///
    /// Nothing bears the name: a `Config` error with the names that are near.
    pub(in crate::providers::runpod) fn find(&self, name: &str) -> Result<Vec<String>> {
        let wanted = squeezed(name);
        let ids = |fits: &dyn Fn(&CatalogEntry) -> bool| -> Vec<String> {
            let found = self.kinds.iter().filter(|kind| fits(kind));
            found.map(|kind| kind.id.clone()).collect()
        };
        let whole = ids(&|kind| squeezed(&kind.id) == wanted);
        let named = ids(&|kind| squeezed(&kind.name) == wanted);
        let parts = ids(&|kind| {
            runs(&kind.id)
                .chain(runs(&kind.name))
                .any(|run| run == wanted)
        });
        [whole, named, parts]
            .into_iter()
            .find(|ids| !ids.is_empty() && !wanted.is_empty())
            .ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> Error {
        let known = self.kinds.iter().map(|kind| {
            let names = runs(&kind.id).chain(runs(&kind.name));
            (kind.id.as_str(), names)
        });
        let near = similar(&squeezed(name), known).into_iter();
        let names: Vec<String> = near.take(SHOWN).map(|id| format!("`{id}`")).collect();
        let key = if self.kinds.iter().any(|kind| kind.id.starts_with("cpu")) {
            "cpu"
        } else {
            "gpu"
        };
        let what = format!("RunPod does not offer `{name}`");
        Error::setting(
            key,
            match names.join(", ") {
                similar if similar.is_empty() => what,
                similar => format!("{what}; similar: {similar}"),
            },
        )
    }
}

/// Letters and digits only, in lower case.
fn squeezed(text: &str) -> String {
    let kept = text.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

/// Every run of whole words, joined.
fn runs(text: &str) -> impl Iterator<Item = String> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let bounds: Vec<(usize, usize)> = (0..words.len())
        .flat_map(|from| (from + 1..=words.len()).map(move |to| (from, to)))
        .collect();
    bounds
        .into_iter()
        .map(move |(from, to)| words[from..to].concat())
}
