//! How errors and hints name a setting, and where it is written.

use super::{Origin, ProviderSettings, Result, Tables, Typed};
use crate::model::nearest;
use crate::providers::schema;

impl Tables {
    /// A setting of a provider as every error names it: with its whole key, and the place where its value stands.
    pub fn subject(&self, name: &str, key: &str) -> String {
        let path = schema::undotted(key);
        let origin = self.origin(name, &path);
        subject(name, &path, &origin)
    }

    /// Whether anybody set it: what is not set cannot be unfit.
    pub fn is_given(&self, name: &str, key: &str) -> bool {
        self.origin(name, &schema::undotted(key)) != Origin::Default
    }

    /// The same key as JSON names it.
    pub fn whole_key(name: &str, key: &str) -> String {
        whole_key(name, &schema::undotted(key))
    }

    /// The same hints about a provider: the first that names one of its settings, in backticks, also says which table of
    /// which file that is, or which option or variable gave the value.
    pub fn placed(&self, name: &str, hints: &[String]) -> Vec<String> {
        let mut hints = hints.to_vec();
        // Whoever cannot read the table has said so already.
        let Some(Ok(settings)) = self
            .each(&[name.to_owned()])
            .ok()
            .and_then(|mut all| all.pop())
            .map(|(_, settings)| settings)
        else {
            return hints;
        };
        let whole = format!("providers.{name}");
        if hints.iter().any(|hint| hint.contains(&whole)) {
            return hints;
        }
        let found = hints.iter_mut().find_map(|hint| {
            let (key, end) = mentions(hint).find(|(key, _)| settings.has(key))?;
            let key = key.to_owned();
            Some((hint, key, end))
        });
        if let Some((hint, key, end)) = found {
            let (place, variable) = self.written_at(name, &key);
            hint.insert_str(end, &place);
            if let Some(variable) = variable {
                // It is the one that holds.
                *hint = hint.replacen(&format!(" (else `${variable}`)"), "", 1);
            }
        }
        hints
    }

    /// Where a setting of a provider is written, or would be, as it follows its name; and the variable that holds now.
    fn written_at(&self, name: &str, key: &str) -> (String, Option<String>) {
        let table = format!(" in `[providers.{name}]`");
        match self.origin(name, &[key.to_owned()]) {
            Origin::Variable(variable) => (format!(" (now `${variable}`)"), Some(variable)),
            origin @ Origin::Flag(_) => (format!(" (now `{origin}`)"), None),
            origin @ (Origin::File { .. } | Origin::Remote(_)) => {
                (format!("{table} ({origin})"), None)
            }
            origin @ Origin::Input(_) => (format!(" (now {origin})"), None),
            Origin::Default => match self.origin(name, &[]) {
                Origin::File { path, .. } => (format!("{table} of `{}`", path.display()), None),
                _ => (format!("{table} of `providers.toml`"), None),
            },
        }
    }

    /// The setting of one of some providers that is nearest to what was typed for `--set`.
    pub(super) fn nearest_setting(
        &self,
        all: &[(String, Result<ProviderSettings>)],
        typed: &Typed,
    ) -> Option<String> {
        let keys: Vec<String> = all
            .iter()
            .filter_map(|(_, settings)| settings.as_ref().ok())
            .flat_map(|settings| settings.kind.settings())
            .map(|setting| setting.key)
            .collect();
        let near = |key: &str| nearest(key, keys.iter().map(String::as_str)).map(str::to_owned);
        if let Some(found) = near(&typed.keys.join(".")) {
            return Some(found);
        }
        // `gpuu.image`, `gpu.imgae`
        let [name, inside @ ..] = typed.keys.as_slice() else {
            return None;
        };
        let key = inside.join(".");
        let names = self.known();
        let name = nearest(name, names.iter().map(String::as_str)).filter(|_| !key.is_empty())?;
        Some(format!("{name}.{}", near(&key).unwrap_or(key)))
    }
}

/// See [`Tables::subject`].
pub(super) fn subject(name: &str, path: &[String], origin: &Origin) -> String {
    let whole = whole_key(name, path);
    match origin {
        Origin::Default => format!("`{whole}`"),
        origin => format!("`{whole}` ({origin})"),
    }
}

/// A provider's setting with the whole key that it has in providers.toml.
pub(super) fn whole_key(name: &str, path: &[String]) -> String {
    let table = ["providers", name].map(str::to_owned);
    schema::dotted(&[&table, path].concat())
}

/// The names in backticks that a text begins with a setting's name (`memory`, `memory = "2g"`), and where each ends.
fn mentions(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut quotes = text.match_indices('`').map(|(at, _)| at);
    std::iter::from_fn(move || Some((quotes.next()?, quotes.next()?))).map(|(begin, end)| {
        let inside = &text[begin + 1..end];
        let key = inside.split_once(" = ").map_or(inside, |(key, _)| key);
        (key, end + 1)
    })
}
