//! Containers of a real daemon, which is asked through a gate.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use super::Place;
use crate::gate::{Gate, Speech, Upstream};
use crate::strike::Strikes;
use crate::world::{World, outer};

const IMAGE: &str = "gharun-test-program:1";
const SOCKET: &str = "/var/run/docker.sock";

struct Docker {
    gate: Gate,
}

/// Whether a daemon answers and has the image; says so where it does not.
fn is_ready() -> bool {
    static READY: OnceLock<bool> = OnceLock::new();
    *READY.get_or_init(|| {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/image.sh");
        let made = Command::new("sh").arg(script).arg(IMAGE).output();
        let why = match made {
            Ok(output) if output.status.success() => return true,
            Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        gharun_worlds::skipped(&format!("faults: docker: {}", why.trim()));
        false
    })
}

pub(super) fn open(strikes: &Arc<Strikes>) -> Option<Box<dyn Place>> {
    if !is_ready() {
        return None;
    }
    let socket = outer("DOCKER_HOST").and_then(|host| Some(host.strip_prefix("unix://")?.into()));
    let upstream = Upstream::Unix(socket.unwrap_or_else(|| SOCKET.into()));
    let gate = Gate::open(upstream, Speech::Http, strikes);
    Some(Box::new(Docker { gate }))
}

/// What a `docker` command lists of this world, a line each.
fn listed(world: &World, what: &[&str]) -> Vec<String> {
    let filter = format!("label=gharun-scope={}", world.repo());
    let output = Command::new("docker")
        .args(what)
        .args(["--filter", &filter])
        .output()
        .expect("docker answers");
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().map(str::to_owned).collect()
}

impl Place for Docker {
    fn table(&self) -> String {
        format!(
            "kind = \"docker\"\nhost = \"tcp://{}\"\nimage = \"{IMAGE}\"\npull = \"never\"\nnetwork = \"host\"\n",
            self.gate.address
        )
    }

    fn all(&self, world: &World) -> Vec<String> {
        let containers = listed(world, &["ps", "-aq"]).into_iter();
        let volumes = listed(world, &["volume", "ls", "-q"]).into_iter();
        containers
            .map(|id| format!("container: {id}"))
            .chain(volumes.map(|id| format!("volume: {id}")))
            .collect()
    }

    fn machines(&self, world: &World) -> usize {
        listed(world, &["ps", "-aq"]).len()
    }
}
