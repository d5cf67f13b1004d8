//! The name of an environment variable.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// The name of a variable as every shell takes it (POSIX, "Name"): what is named otherwise is lost, or an
/// error, in the boot script's shell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub struct EnvName(String);

/// Why a text is not the name of a variable.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not the name of a variable: use letters, digits and `_`, and no digit first")]
pub struct NoEnvName(String);

impl EnvName {
    /// The name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EnvName {
    type Error = NoEnvName;

    fn try_from(name: String) -> Result<Self, NoEnvName> {
        let fine = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
        let first = name.bytes().next();
        let good = first.is_some_and(|byte| !byte.is_ascii_digit()) && name.bytes().all(fine);
        if good {
            Ok(Self(name))
        } else {
            Err(NoEnvName(name))
        }
    }
}

impl fmt::Display for EnvName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for EnvName {
    fn schema_name() -> Cow<'static, str> {
        "EnvName".into()
    }

    fn inline_schema() -> bool {
        true
    }

    /// A plain text: a pattern would split a table into several in the schema.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_name_is_what_a_shell_takes_for_one() {
        for name in ["A", "_", "a1_B2", "HTTP_PROXY"] {
            assert_eq!(
                EnvName::try_from(name.to_owned()).unwrap().to_string(),
                name
            );
        }
        for name in ["", "1A", "A-B", "A=B", "A.B", "Ä", "A\0", "A B"] {
            assert!(EnvName::try_from(name.to_owned()).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_table_of_variables_is_described_as_one_of_text() {
        type Env = BTreeMap<EnvName, String>;
        let described = schemars::schema_for!(Env);
        let plain = schemars::schema_for!(BTreeMap<String, String>);
        assert_eq!(
            described.get("additionalProperties"),
            plain.get("additionalProperties")
        );
        assert_eq!(described.get("patternProperties"), None);
    }
}
