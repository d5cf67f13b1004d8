//! What a new table may be called, and what was typed for it.

use serde_json::Value;

use super::{LONGEST_NAME, Origin, Result, Tables};

/// What is wrong with the name of a provider; `None` where it can be one.
pub(in crate::settings) fn misnamed(name: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let fine = !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(plain);
    (!fine).then(|| {
        format!("the name of a provider must have 1 to {LONGEST_NAME} letters, digits, `-` and `_`")
    })
}

/// The name of a provider with keys and values.
type TypedValues = (String, Vec<(String, Value)>);

impl Tables {
    /// The values that were typed for some providers, as their tables hold them.
    ///
    /// # Errors
    ///
    /// As those of [`Tables::each`].
    pub(in crate::settings) fn typed_for(&self, names: &[String]) -> Result<Vec<TypedValues>> {
        // All that may be wrong with them is told first.
        for (_, settings) in self.each(names)? {
            settings?;
        }
        let mut all = Vec::new();
        for name in names {
            all.push((name.clone(), self.without_sets(name)));
        }
        for typed in &self.sets {
            self.set(&mut all, typed)?;
        }
        let mut found = Vec::new();
        for (name, settings) in all {
            let settings = settings?;
            let typed = settings
                .values
                .iter()
                .filter(|(key, _)| matches!(settings.origin(key), Origin::Flag(_)));
            let typed = typed.map(|(key, value)| (key.clone(), value.clone()));
            found.push((name, typed.collect()));
        }
        Ok(found)
    }
}
