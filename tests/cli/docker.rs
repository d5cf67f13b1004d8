//! The main job in real containers, of an image that the tests make themselves.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::life::rehearse;
use crate::world::{World, outer};

pub(crate) const IMAGE: &str = "gharun-test-program:1";

/// Whether a daemon answers and has the image; says so where it does not.
pub(crate) fn ready() -> bool {
    static READY: OnceLock<bool> = OnceLock::new();
    *READY.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/image.sh");
        let made = Command::new("sh").arg(script).arg(IMAGE).output();
        match made {
            Ok(output) if output.status.success() => true,
            Ok(output) => skipped(&String::from_utf8_lossy(&output.stderr)),
            Err(error) => skipped(&error.to_string()),
        }
    })
}

pub(crate) fn skipped(why: &str) -> bool {
    gharun_worlds::skipped(&format!("program tests: {}", why.trim()));
    false
}

/// A world whose file names the image.
pub(crate) fn world(world: World) -> World {
    let text = format!(
        "[defaults]\nproviders = [\"docker\"]\n\n[providers.docker]\nimage = \"{IMAGE}\"\npull = \"never\"\n"
    );
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    if let Some(host) = outer("DOCKER_HOST") {
        return world.env("DOCKER_HOST", &host);
    }
    world
}

#[test]
fn a_rehearsal_runs_in_a_real_container() {
    if !ready() {
        return;
    }
    let world = world(
        World::new()
            .env("GH_PAT", "")
            .env("GHARUN_REPO", "")
            .env("GITHUB_API_URL", ""),
    );
    rehearse(&world, "start --rehearse", &["phase verify", "phase user"]);
}
