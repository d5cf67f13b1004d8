//! Other people's descriptions of their APIs: they are not part of this repository.

use std::path::{Path, PathBuf};

use crate::skipped;

/// Reads a description from `$GHARUN_SPECS` or from `shared/specs` beside the repository. Where it is
/// absent, says so as a test does that cannot run.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's surroundings, no setting of the program"
)]
pub(crate) fn read(file: &str, what: &str) -> Option<Vec<u8>> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/specs");
    let folder = std::env::var_os("GHARUN_SPECS").map_or_else(default, PathBuf::from);
    let file = folder.join(file);
    std::fs::read(&file)
        .map_err(|error| skipped(&format!("{what}: {}: {error}", file.display())))
        .ok()
}
