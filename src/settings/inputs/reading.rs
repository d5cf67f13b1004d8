//! What comes of reading an input.

use serde_json::Value;

/// The value of one setting of a table, by its keys from the outside in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ec2Setting {
    /// Its keys.
    pub(super) path: &'static [&'static str],
    /// Its value.
    pub(super) value: Value,
}

/// Why an input cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ec2Misfit {
    /// What it must be.
    Wrong(&'static str),
    /// What gharun has no setting for, and what to write instead.
    NoCounterpart(String, String),
}

/// The words of a text.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| c == ',' || c.is_whitespace());
    words.filter(|word| !word.is_empty())
}
