//! Why a container that was created will never be a runner.

use super::answers::Step;
use super::config::DockerConfig;
use super::daemon::Daemon;
use super::failure::one_line;
use super::machine::state;
use super::remedy;
use crate::model::{BootCause, Condition, Instance};
use crate::providers::{Error, ErrorKind};

/// How much of a log is looked through for what the init process said.
const LINES: usize = 50;
const BYTES: usize = 16 << 10;

/// Looks at a container that does not run, and says why it never will. If it cannot be looked at, nothing is known.
pub(super) async fn why(
    daemon: &Daemon,
    config: &DockerConfig,
    machine: &Instance,
) -> Option<Error> {
    if machine.state == Condition::Running {
        return None;
    }
    let id = &machine.id.id;
    let found = daemon.inspect(id).await.ok()??;
    if state(&found) == Condition::Running {
        return None;
    }
    let doing = "its container could not run".to_owned();
    let state = found.state.unwrap_or_default();
    let said = state.error.as_deref().filter(|error| !error.is_empty());
    if let Some(said) = said {
        return Some(not_started(daemon, config, &doing, said));
    }
    let code = state.exit_code.filter(|code| *code != 0)?;
    // Without its log nobody knows whether it had a job.
    let log = daemon.tail(id, LINES, BYTES).await.ok()?;
    let log = log.unwrap_or_default();
    if log.contains("gharun: phase=job") {
        return None;
    }
    if state.oom_killed == Some(true) {
        return Some(out_of_memory(daemon, config, code));
    }
    let init = log
        .lines()
        .rev()
        .find(|line| line.contains("[FATAL tini"))?;
    Some(not_started(daemon, config, &doing, init))
}

fn not_started(daemon: &Daemon, config: &DockerConfig, doing: &str, said: &str) -> Error {
    let meant = daemon.asked(config, Step::Run).meaning(doing, said);
    let error = meant.unwrap_or_else(|| Error::new(ErrorKind::Unexpected, doing));
    error.because(format!("Docker says: {}", one_line(said)))
}

fn out_of_memory(daemon: &Daemon, config: &DockerConfig, code: i64) -> Error {
    let doing = "its container ran out of memory";
    let cause = match &config.memory {
        Some(memory) => {
            format!("a process in it was killed at its limit, `{memory}` (exit code {code})")
        }
        None => format!("a process in it was killed (exit code {code})"),
    };
    let docker = daemon.endpoint.command();
    let error = Error::setting("memory", doing).because(cause);
    error.hinted_all(remedy::of(config, &docker, BootCause::OutOfMemory))
}
