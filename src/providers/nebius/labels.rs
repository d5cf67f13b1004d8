//! Tags as labels, and back.
//!
//! Nebius says nowhere what a label may hold. So no more is asked of it than of the strictest places of
//! its kind: keys and values of at most 63 characters, `[a-z0-9]` at both ends, and between them `-`, `_`
//! and `.` too. Every other byte of a value is written as `_` and two hex digits, and what is too long
//! goes on under the same key with `-1`, `-2` and so on.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::{MANAGED_BY, Tags};

/// The most characters of a value.
const LONGEST: usize = 63;
/// Stands before a value that would begin with an escape, which begins with `_`.
const BEFORE: &str = "x__";
/// More pieces than the longest tag has when all of it is escaped.
const PIECES: usize = 16;

/// Labels as they stand in metadata.
pub(super) type Labels = BTreeMap<String, String>;

/// The labels of an order's machine.
pub(super) fn labels(tags: &Tags, additional: &BTreeMap<String, String>) -> Labels {
    let ours = tags
        .pairs()
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value));
    let theirs = additional.clone().into_iter();
    let mut labels = Labels::new();
    for (key, value) in theirs.chain(ours) {
        for (index, piece) in written(&value).into_iter().enumerate() {
            labels.insert(key_of(&key, index), piece);
        }
    }
    labels
}

/// Whether they say that their bearer is gharun's.
pub(super) fn is_ours(labels: &Labels) -> bool {
    labels.get(MANAGED_BY.0).map(String::as_str) == Some(MANAGED_BY.1)
}

/// Reads them back; `None` where they are not ours, or not whole.
pub(super) fn tags(labels: &Labels) -> Option<Tags> {
    Tags::from_lookup(|key| read(labels, key))
}

/// Reads one of our tags.
pub(super) fn read(labels: &Labels, key: &str) -> Option<String> {
    let mut bytes = unescaped(labels.get(key)?)?;
    for index in 1..PIECES {
        let Some(piece) = labels.get(&key_of(key, index)) else {
            break;
        };
        bytes.extend(unescaped(piece)?);
    }
    String::from_utf8(bytes).ok()
}

fn key_of(key: &str, index: usize) -> String {
    match index {
        0 => key.to_owned(),
        index => format!("{key}-{index}"),
    }
}

/// A value in pieces.
fn written(value: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = value.as_bytes();
    loop {
        let mut piece = String::new();
        while let Some((&byte, after)) = rest.split_first() {
            let plain = byte.is_ascii_lowercase() || byte.is_ascii_digit();
            // At either end of a piece it would be no letter: one that may be the last is escaped too.
            let inner = b"-.".contains(&byte)
                && !piece.is_empty()
                && piece.len() < LONGEST - 3
                && after.first().is_some_and(u8::is_ascii_alphanumeric);
            let mut unit = String::new();
            if plain || inner {
                unit.push(char::from(byte));
            } else {
                write!(unit, "_{byte:02x}").expect("a text takes what is written");
            }
            if piece.is_empty() && unit.starts_with('_') {
                unit.insert_str(0, BEFORE);
            }
            if piece.len() + unit.len() > LONGEST {
                break;
            }
            piece.push_str(&unit);
            rest = after;
        }
        pieces.push(piece);
        if rest.is_empty() {
            return pieces;
        }
    }
}

fn unescaped(piece: &str) -> Option<Vec<u8>> {
    let piece = piece.strip_prefix(BEFORE).unwrap_or(piece);
    let mut bytes = Vec::new();
    let mut rest = piece.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'_' {
            let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &rest[2..];
        } else {
            bytes.push(byte);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::contract::{order, plain_order};

    fn fits(labels: &Labels) {
        for (key, value) in labels {
            let ends = |byte: Option<u8>| {
                byte.is_none_or(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            };
            let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
            for text in [key, value] {
                assert!(text.len() <= LONGEST, "{key}={value}");
                assert!(text.bytes().all(inner), "{key}={value}");
                assert!(
                    ends(text.bytes().next()) && ends(text.bytes().last()),
                    "{key}={value}"
                );
            }
        }
    }

    #[test]
    fn tags_read_back_whatever_they_hold() {
        let mut all = vec![order("k3x9").tags, plain_order("k3x9").tags];
        for group in [
            "",
            "-",
            ".a.",
            "_",
            "x__",
            "ÄÖ😀",
            &"/".repeat(255),
            &"a-".repeat(127),
            &"ab.".repeat(85),
        ] {
            let mut tags = order("k3x9").tags;
            tags.group = Some(group.to_owned());
            tags.scope = "Acme-Corp/App_1.x".into();
            all.push(tags);
        }
        for original in all {
            let labels = labels(&original, &BTreeMap::new());
            fits(&labels);
            assert!(is_ours(&labels) && labels.len() <= 64, "{labels:?}");
            assert_eq!(tags(&labels), Some(original));
        }
    }

    #[test]
    fn plain_values_stay_as_people_write_them() {
        let mut tags = order("k3x9").tags;
        tags.group = Some("gpu-tests.v2".into());
        let labels = labels(
            &tags,
            &BTreeMap::from([("team".to_owned(), "Core".to_owned())]),
        );
        assert_eq!(labels["gharun-group"], "gpu-tests.v2");
        assert_eq!(labels["gharun-scope"], "acme_2fapp");
        assert_eq!(labels["gharun-server"], "github.com");
        assert_eq!(labels["team"], "x___43ore");
        assert_eq!(labels["managed-by"], "gharun");
    }

    #[test]
    fn a_strangers_labels_are_not_ours() {
        let mut labels = labels(&order("k3x9").tags, &BTreeMap::new());
        labels.remove("managed-by");
        assert!(!is_ours(&labels));
        assert_eq!(tags(&labels), None);
    }
}
