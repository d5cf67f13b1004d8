//! What of a real place there is here: a Docker daemon and its image, a moto server, an installed runner.

#![allow(dead_code, reason = "not every kind of row needs it")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use gharun_worlds::moto::Server;
use gharun_worlds::skipped;

use crate::world::{World, outer};

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

/// The folder of an installed runner that says something, and ends with a code.
pub(crate) fn runner(world: &World, says: &str, code: u8) -> PathBuf {
    let home = world.path("installed");
    std::fs::create_dir_all(home.join("bin")).expect("a folder");
    let run = "cd \"$(dirname \"$0\")\" && bin/Runner.Listener run\necho 'Exiting runner...'";
    let listener =
        format!("[ \"$1\" != --version ] || exec echo 99.0.0\necho '{says}'\nexit {code}");
    for (name, text) in [
        ("run.sh", run),
        ("bin/Runner.Listener", listener.as_str()),
        ("bin/Runner.Worker", "exit 1"),
    ] {
        let at = home.join(name);
        std::fs::write(&at, format!("#!/bin/sh\n{text}\n")).expect("a file");
        for path in [&home, &home.join("bin"), &at] {
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(path, mode).expect("it is ours");
        }
    }
    home
}
