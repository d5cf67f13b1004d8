//! The token of GitHub's own command line program, where it is installed and logged in.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::model::{Secret, child};

/// How long `gh` may take: a key ring may ask the user to unlock it.
const GH_TAKES: Duration = Duration::from_secs(10);

/// What `gh` is asked for a server, as it can be typed.
pub(super) fn asked(host: &str) -> String {
    format!("gh auth token --hostname {host}")
}

/// The token that `gh` has for a server, and for that one alone. Whatever keeps it from telling, there is none:
/// nobody named it.
pub(super) async fn token(host: &str) -> Option<Secret> {
    let mut command = Command::new("gh");
    command
        .args(["auth", "token", "--hostname", host])
        // The current folder may be anybody's: no program is taken from it, and no configuration.
        .current_dir("/")
        .env("GH_NO_UPDATE_NOTIFIER", "1")
        .env("GH_PROMPT_DISABLED", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    child::withhold_tokens(&mut command);
    let output = match timeout(GH_TAKES, command.output()).await {
        Ok(Ok(output)) if output.status.success() => output,
        Ok(Ok(output)) => {
            tracing::debug!("`{}` failed with {}", asked(host), output.status);
            return None;
        }
        Ok(Err(error)) => {
            tracing::debug!("could not run `gh`: {error}");
            return None;
        }
        Err(_) => {
            let takes = GH_TAKES.as_secs();
            tracing::debug!("`{}` timed out after {takes} s", asked(host));
            return None;
        }
    };
    let text = String::from_utf8(output.stdout).ok()?;
    let word = text.trim();
    let is_word = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
    is_word.then(|| Secret::new(word))
}
