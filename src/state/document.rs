//! The JSON of the state file: its version, its entries, and what in it is not ours to understand.

use serde_json::{Map, Value};

use super::{Entries, RunnerRecord, Unreadable};
use crate::model::Name;

/// The version that this gharun writes. It changes when an older gharun would misread the file; a
/// new optional key is no reason.
const VERSION: u64 = 1;

/// A state file as it stood on disk.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The entries that could be read.
    pub(super) entries: Entries,
    /// Those that could not.
    pub(super) unreadable: Vec<Unreadable>,
    /// The whole of it, for the keys that a later gharun has added and that have to survive.
    pub(super) raw: Map<String, Value>,
}

/// Why bytes are no document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotADocument {
    /// Not a state file, for this reason.
    Damaged(String),
    /// Written in a version that we do not know.
    Newer {
        /// That version.
        version: u64,
        /// The gharun that wrote it, where the file tells.
        gharun: Option<String>,
    },
}

impl Document {
    /// Reads a document; no bytes at all are an empty one, as `mktemp` makes it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, NotADocument> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let damaged = |reason: &str| NotADocument::Damaged(reason.to_owned());
        let raw: Map<String, Value> = serde_json::from_slice(bytes)
            .map_err(|error| NotADocument::Damaged(error.to_string()))?;
        // The version first: of a newer file nothing else may be judged.
        match raw.get("version").and_then(Value::as_u64) {
            Some(VERSION) => {}
            Some(version) if version > VERSION => {
                let gharun = raw.get("gharun").and_then(Value::as_str);
                return Err(NotADocument::Newer {
                    version,
                    gharun: gharun.map(str::to_owned),
                });
            }
            _ => return Err(damaged("it has no version")),
        }
        let runners = raw
            .get("runners")
            .and_then(Value::as_object)
            .ok_or_else(|| damaged("it has no `runners`"))?;
        let (mut entries, mut unreadable) = (Entries::new(), Vec::new());
        for (name, entry) in runners {
            match entry_of(name, entry) {
                Ok((name, entry)) => {
                    entries.insert(name, entry);
                }
                Err(reason) => unreadable.push(Unreadable {
                    name: name.clone(),
                    reason,
                }),
            }
        }
        Ok(Self {
            entries,
            unreadable,
            raw,
        })
    }

    /// Writes the document with other entries: unknown keys and entries that could not be read stay.
    pub(super) fn with(mut self, entries: &Entries) -> Vec<u8> {
        let old = match self.raw.remove("runners") {
            Some(Value::Object(runners)) => runners,
            _ => Map::new(),
        };
        let mut runners = Map::new();
        for (name, entry) in entries {
            let mut new = object(entry);
            if let Some((was, raw)) = self.entries.get(name).zip(old.get(name.as_str())) {
                let known = object(was);
                for (key, value) in raw.as_object().into_iter().flatten() {
                    if !known.contains_key(key) && !new.contains_key(key) {
                        new.insert(key.clone(), value.clone());
                    }
                }
            }
            runners.insert(name.to_string(), Value::Object(new));
        }
        for Unreadable { name, .. } in &self.unreadable {
            if let Some(raw) = old.get(name) {
                runners.entry(name.clone()).or_insert(raw.clone());
            }
        }
        let mut whole = Map::new();
        whole.insert("version".into(), VERSION.into());
        whole.insert("gharun".into(), env!("CARGO_PKG_VERSION").into());
        whole.insert("runners".into(), Value::Object(runners));
        for (key, value) in self.raw {
            whole.entry(key).or_insert(value);
        }
        let mut bytes = serde_json::to_vec_pretty(&whole).expect("a JSON value becomes JSON");
        bytes.push(b'\n');
        bytes
    }
}

fn entry_of(name: &str, entry: &Value) -> Result<(Name, RunnerRecord), String> {
    let name = Name::try_from(name.to_owned()).map_err(|error| error.to_string())?;
    let entry = serde_path_to_error::deserialize(entry).map_err(|error| error.to_string())?;
    Ok((name, entry))
}

fn object(entry: &RunnerRecord) -> Map<String, Value> {
    match serde_json::to_value(entry) {
        Ok(Value::Object(object)) => object,
        // A struct of strings, numbers and times becomes an object; a price that is no number
        // becomes null.
        other => unreachable!("an entry became {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "gharun-abcdefabcdefgh";

    fn parse(text: &str) -> Result<Document, NotADocument> {
        Document::parse(text.as_bytes())
    }

    fn with_entry(entry: &str) -> String {
        format!(r#"{{"version": 1, "later": [1], "runners": {{"{NAME}": {entry}}}}}"#)
    }

    const ENTRY: &str = r#"{"provider": "docker", "server": "github.com", "scope": "acme/app",
        "start": "k3x9", "created": "2026-01-01T00:00:00Z", "expires": "2026-01-01T07:00:00Z",
        "runner_id": 7, "colour": {"of": "tomorrow"}}"#;

    #[test]
    fn what_a_later_gharun_added_survives_a_change() {
        let document = parse(&with_entry(ENTRY)).unwrap();
        let mut entries = document.entries.clone();
        let name = NAME.parse().unwrap();
        entries.get_mut(&name).unwrap().runner_id = None;
        let written: Value = serde_json::from_slice(&document.with(&entries)).unwrap();
        let entry = &written["runners"][NAME];
        assert_eq!(written["later"], serde_json::json!([1]));
        assert_eq!(entry["colour"]["of"], "tomorrow");
        assert_eq!(
            entry.get("runner_id"),
            None,
            "what we know and cleared is gone"
        );
    }

    #[test]
    fn an_entry_that_cannot_be_read_is_told_and_stays_in_the_file() {
        let document = parse(&with_entry(r#"{"provider": 7}"#)).unwrap();
        assert!(document.entries.is_empty());
        let [Unreadable { name, reason }] = document.unreadable.as_slice() else {
            panic!("{:?}", document.unreadable)
        };
        assert_eq!(name, NAME);
        assert!(reason.contains("provider"), "{reason}");
        let written: Value = serde_json::from_slice(&document.with(&Entries::new())).unwrap();
        assert_eq!(written["runners"][NAME]["provider"], 7);
    }

    #[test]
    fn a_forgotten_entry_is_gone() {
        let document = parse(&with_entry(ENTRY)).unwrap();
        let written: Value = serde_json::from_slice(&document.with(&Entries::new())).unwrap();
        assert_eq!(written["runners"], serde_json::json!({}));
    }

    #[test]
    fn a_newer_version_is_told_before_anything_else_is_judged() {
        let newer = parse(r#"{"version": 2, "gharun": "0.9.0", "runners": "elsewhere"}"#);
        assert_eq!(
            newer.unwrap_err(),
            NotADocument::Newer {
                version: 2,
                gharun: Some("0.9.0".into())
            }
        );
    }

    #[test]
    fn what_is_no_document_is_corrupt() {
        for text in [
            "{",
            "[]",
            "null",
            "<html>502</html>",
            "{}",
            r#"{"version": 0, "runners": {}}"#,
            r#"{"version": "1", "runners": {}}"#,
            r#"{"version": 1}"#,
            r#"{"version": 1, "runners": []}"#,
            "\0\0\0\0",
        ] {
            let read = parse(text);
            assert!(
                matches!(read, Err(NotADocument::Damaged(_))),
                "{text}: {read:?}"
            );
        }
    }
}
