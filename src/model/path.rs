//! A path on this computer, as a setting names it.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file or a folder of this computer that a setting names; with `THERE`, one that must be there already.
///
/// By this type `settings` knows where `~/` may be written: it is resolved before the value gets here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct PathSetting<const THERE: bool = false>(PathBuf);

/// A file or a folder that must be there already.
pub type ExistingPath = PathSetting<true>;

impl PathSetting {
    /// The format of such a setting in a schema.
    pub const FORMAT: &str = "path";
    /// The key of a schema that says whether the path must be there already.
    pub const THERE: &str = "x-must-exist";
}

impl<const THERE: bool> Deref for PathSetting<THERE> {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl<const THERE: bool, P: Into<PathBuf>> From<P> for PathSetting<THERE> {
    fn from(path: P) -> Self {
        Self(path.into())
    }
}

impl<const THERE: bool> JsonSchema for PathSetting<THERE> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PathSetting".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "format": PathSetting::FORMAT,
            "minLength": 1,
            (PathSetting::THERE): THERE,
        })
    }
}
