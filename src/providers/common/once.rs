//! Warnings that are said once.

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::model::lock;

/// What was said already.
#[derive(Debug, Default)]
pub(crate) struct Once(Mutex<BTreeSet<String>>);

impl Once {
    /// Warns, unless the same was said before.
    pub(crate) fn warn(&self, text: impl Into<String>) {
        let text = text.into();
        let mut said = lock(&self.0);
        if !said.contains(&text) {
            tracing::warn!("{text}");
            said.insert(text);
        }
    }

    /// How much was said.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }
}
