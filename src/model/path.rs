//! A path on this computer, as a setting names it.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file or a folder of this computer that a setting names.
///
/// By this type `settings` knows where `~/` may be written: it is resolved before the value gets here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct PathSetting(PathBuf);

impl PathSetting {
    /// The format of such a setting in a schema.
    pub const FORMAT: &str = "path";

    /// The path for the standard library.
    pub fn into_path_buf(self) -> PathBuf {
        self.0
    }
}

impl Deref for PathSetting {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl<P: Into<PathBuf>> From<P> for PathSetting {
    fn from(path: P) -> Self {
        Self(path.into())
    }
}

impl JsonSchema for PathSetting {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PathSetting".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": Self::FORMAT, "minLength": 1 })
    }
}
