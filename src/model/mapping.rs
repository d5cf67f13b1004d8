//! What `start` hands to `stop`: machine -> unique label.

use serde::Serialize;
use serde_json::{Value, ser::Formatter};

use super::{Name, Reference};

/// The machines of a start with their unique labels, in the order of their launch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping(pub Vec<(Reference, Name)>);

impl Mapping {
    /// The JSON object of the output `mapping`.
    pub fn to_json(&self) -> String {
        let object: serde_json::Map<String, Value> = self
            .0
            .iter()
            .map(|(machine, name)| (machine.to_string(), Value::from(name.as_str())))
            .collect();
        pythonic(&object)
    }

    /// The JSON array of the output `instances`.
    pub fn labels_json(&self) -> String {
        pythonic(
            &self
                .0
                .iter()
                .map(|(_, name)| name.as_str())
                .collect::<Vec<_>>(),
        )
    }
}

impl Serialize for Mapping {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(machine, name)| (machine, name)))
    }
}

/// Writes JSON on one line with `", "` and `": "`, byte for byte as `start-aws-gha-runner` does.
///
/// # Panics
///
/// Panics where a value cannot be JSON, which no caller's value can be.
pub fn pythonic(value: &impl Serialize) -> String {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Spaced);
    value
        .serialize(&mut serializer)
        .expect("plain values become JSON");
    String::from_utf8(out).expect("JSON is UTF-8")
}

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
    ) -> std::io::Result<()> {
        out.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_have_the_separators_that_other_actions_write() {
        let names = ["gharun-1-1-0-abcdefabcdefgh", "gharun-1-1-1-abcdefabcdefgh"];
        let machines = ["aws:us_east_1/i-0a", "aws:us_east_1/i-0b"];
        let mapping = Mapping(
            machines
                .iter()
                .zip(names)
                .map(|(m, n)| (m.parse().expect("a reference"), n.parse().expect("a name")))
                .collect(),
        );
        assert_eq!(
            mapping.to_json(),
            format!(
                r#"{{"{}": "{}", "{}": "{}"}}"#,
                machines[0], names[0], machines[1], names[1]
            )
        );
        assert_eq!(
            mapping.labels_json(),
            format!(r#"["{}", "{}"]"#, names[0], names[1])
        );
    }
}
