//! What of a real place there is here: a Docker daemon and its image, a moto server.

#![allow(dead_code, reason = "not every kind of row needs it")]

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use gharun_worlds::moto::Server;
use gharun_worlds::skipped;

use crate::world::outer;

/// The image that the tests make; it has busybox and curl.
pub(crate) const IMAGE: &str = "gharun-test-program:1";

/// Whether a daemon answers and has the image; says so where it does not.
pub(crate) fn docker() -> bool {
    static READY: OnceLock<bool> = OnceLock::new();
    *READY.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/image.sh");
        let made = Command::new("sh").arg(script).arg(IMAGE).output();
        let why = match made {
            Ok(output) if output.status.success() => return true,
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        skipped(&format!("screens of docker: {why}"));
        false
    })
}

/// Where the moto server is; says so where there is none.
pub(crate) fn moto() -> Option<Server> {
    let server = outer("GHARUN_MOTO_URL").filter(|url| !url.is_empty());
    if server.is_none() {
        skipped("screens of aws: no moto at $GHARUN_MOTO_URL; `sh tests/run` starts one");
    }
    server.map(|url| Server::new(&url))
}
