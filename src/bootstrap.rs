//! The one script that turns a machine into a runner.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::text::quoted;
use crate::model::{JobUser, Name, Secret};

mod ca;
mod diagnosis;
mod sentences;
mod setup;

pub use ca::certificates;
pub use diagnosis::{cause_in, cause_of, diagnose};

/// What machines run; parts of it are for some machines only.
const BODY: &str = include_str!("bootstrap.sh");

/// A runner archive for one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// GitHub's spelling: `linux` or `osx`.
    pub os: String,
    /// GitHub's spelling: `x64`, `arm64` or `arm`.
    pub architecture: String,
    /// The runner's version, without `v`.
    pub version: String,
    /// Where it is fetched from.
    pub url: String,
    /// Its checksum, as hex digits; never absent: nothing is run unverified.
    pub sha256: String,
    /// The token that its download wants, where it does.
    pub token: Option<Secret>,
}

/// All that the script is made of.
#[derive(Clone, Copy, Debug)]
pub struct Boot<'a> {
    /// The runner.
    pub name: &'a Name,
    /// What GitHub gave for it.
    pub credential: BootCredential<'a>,
    /// The archives, one for each platform on offer.
    pub packages: &'a [Package],
    /// Whether a preinstalled runner must be of exactly the packages' version (a pin).
    pub pinned: bool,
    /// Shell code by which the machine ends itself, in a subshell of the script: it succeeds once the
    /// machine is sure to end, and is tried for ever until it does; a try is killed after a minute.
    /// `exit` is a machine that ends with the script, whose exit code then tells why ([`crate::model::boot_exit::meaning`]).
    ///
    /// Code that asks for `$gharun_ready` is run once more, with that set, before the runner is given to its user: it
    /// ends nothing then, makes sure that it will be able to (`$dir` is its own, `$runner` not for long), and fails where not.
    pub ending: &'a str,
    /// When the machine ends whatever happens.
    pub expires: Timestamp,
    /// How long after the start of the script it ends whatever its clock says, in seconds.
    pub lifetime: Duration,
    /// How long it waits for a job; `None` is for ever.
    pub idle_limit: Option<Duration>,
    /// Whom the runner and its jobs run as.
    pub user: &'a JobUser,
    /// Whether a machine that failed stays until its lifetime is over.
    pub keep_failed: bool,
    /// The user's script, run before the runner.
    pub setup: Option<&'a str>,
    /// The variables of the machine that hold a secret of its place, kept from the runner and its jobs.
    pub secrets: &'a [&'a str],
    /// Variables for the runner and for downloads (proxies); a value may hold a password.
    pub env: &'a [(String, Secret)],
    /// Certificates that are trusted beside the machine's own, as [`certificates`] gives them.
    pub ca: Option<&'a str>,
}

/// What the machine shows to GitHub.
#[derive(Clone, Copy, Debug)]
pub enum BootCredential<'a> {
    /// A just-in-time configuration.
    Jit(&'a Secret),
    /// A token with which the machine registers its runner itself, once.
    Token {
        /// The token.
        token: &'a Secret,
        /// The page of the scope on the server.
        url: &'a str,
        /// The runner group's name; `None` is the default one.
        group: Option<&'a str>,
        /// The labels, all of them.
        labels: &'a [String],
        /// When it is too late to register: a machine that is started again with an empty disk must
        /// not become another runner.
        until: Timestamp,
    },
}

/// How long the script sleeps.
#[derive(Clone, Copy, Debug)]
struct Pauses {
    /// Between two looks of the watchdog, as `sleep` takes it.
    tick: &'static str,
    /// After the first failed download, and the first failed ending: whole seconds. Then more each time.
    retry: u32,
    /// How often the end of the runner itself is awaited, 0.2 s each: it takes up to 30 s to end its job and to tell
    /// GitHub (`ExitOnUnloadTimeout` in src/Runner.Listener/JobDispatcher.cs).
    grace: u32,
    /// Before a machine that failed is removed with all that it has said, in seconds: somebody may be reading it.
    linger: u32,
}

const PAUSES: Pauses = Pauses {
    tick: "3",
    retry: 2,
    grace: 175,
    linger: 20,
};

/// Writes the script. It holds the credential.
///
/// What does not depend on the order's texts is under 20 KiB, and with a just-in-time configuration under 7 KiB
/// compressed, without one under 7.5 KiB: EC2 takes 16 KiB compressed, and such a configuration needs about 4 KiB of it.
/// [`certificates`] bounds those. The texts may hold anything but NUL, and names of variables are names to a shell.
pub fn script(boot: &Boot<'_>) -> Secret {
    Secret::new(header(boot, PAUSES) + &body(&parts(boot)))
}

/// The parts of the script that a machine needs beside those of every machine.
fn parts(boot: &Boot<'_>) -> Vec<&'static str> {
    let credential = match boot.credential {
        BootCredential::Jit(_) => "jit",
        BootCredential::Token { .. } => "token",
    };
    let mut parts = vec![credential];
    parts.extend(boot.ca.map(|_| "ca"));
    parts.extend(boot.setup.map(|_| "setup"));
    let is_ready_asked = boot.ending.contains("gharun_ready");
    parts.extend(is_ready_asked.then_some("ready"));
    // What ends with its script may be a Mac, or a container with few programs.
    let ends_with_script = ending(boot) == NO_ENDING;
    parts.extend(ends_with_script.then_some("host"));
    parts.extend((ends_with_script || is_ready_asked).then_some("small"));
    // What stays of a machine that ends with its script is its place's to keep.
    parts.extend((boot.keep_failed && !ends_with_script).then_some("keep"));
    let wants_token = boot.packages.iter().any(|package| package.token.is_some());
    parts.extend(wants_token.then_some("bearer"));
    parts.extend(boot.user.is_privileged.then_some("grant"));
    parts.extend((!boot.user.folders.is_empty()).then_some("folders"));
    parts
}

/// The script without comments and indentation, and of what stands between `#if PART` and `#end` only
/// the parts that are wanted.
fn body(parts: &[&str]) -> String {
    let mut left_out = false;
    BODY.lines()
        .map(str::trim)
        .filter(|line| {
            if let Some(part) = line.strip_prefix("#if ") {
                left_out = !parts.contains(&part);
            } else if *line == "#end" {
                left_out = false;
            }
            !left_out && !line.is_empty() && !line.starts_with('#')
        })
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// The ending of a machine that ends with its script.
const NO_ENDING: &str = ":";

/// A bare `exit` is what the script does anyhow, with a code of its own.
fn ending<'a>(boot: &Boot<'a>) -> &'a str {
    match boot.ending.trim() {
        "" | "exit" => NO_ENDING,
        _ => boot.ending,
    }
}

/// What the script is to know: assignments, which hold whatever the texts hold.
fn header(boot: &Boot<'_>, pauses: Pauses) -> String {
    let packages: Vec<_> = boot
        .packages
        .iter()
        .map(|p| {
            let sha256 = p.sha256.to_ascii_lowercase();
            let token = p.token.as_ref().map_or("-", Secret::expose);
            format!(
                "{} {} {} {sha256} {} {token}",
                p.os, p.architecture, p.version, p.url
            )
        })
        .collect();
    // 0 is for ever; a limit under a second is still one.
    let idle = boot.idle_limit.map_or(0, |limit| limit.as_secs().max(1));
    let mut text = String::from("#!/bin/sh\n");
    let mut put = |name: &str, value: &str| {
        writeln!(text, "{name}={}", quoted(value)).expect("a text takes what is written");
    };
    put("gharun_name", boot.name.as_str());
    match boot.credential {
        BootCredential::Jit(jit) => put("gharun_jit", jit.expose()),
        BootCredential::Token {
            token,
            url,
            group,
            labels,
            until,
        } => {
            put("gharun_token", token.expose());
            put("gharun_url", url);
            put("gharun_group", group.unwrap_or_default());
            put("gharun_labels", &labels.join(","));
            put("gharun_until", &until.as_second().to_string());
        }
    }
    put("gharun_packages", &packages.join(" "));
    put("gharun_pinned", if boot.pinned { "1" } else { "0" });
    put("gharun_ending", ending(boot));
    put("gharun_expires", &boot.expires.as_second().to_string());
    let lifetime = boot.lifetime.as_secs().max(1);
    put("gharun_lifetime", &lifetime.to_string());
    put("gharun_idle", &idle.to_string());
    put("gharun_secrets", &boot.secrets.join(" "));
    if let Some(setup) = boot.setup {
        put("gharun_setup", &setup::marked(setup));
    }
    if let Some(ca) = boot.ca {
        put("gharun_ca", ca);
    }
    put("gharun_user", &boot.user.run_as.to_string());
    if boot.user.is_privileged {
        // Who is in it may use Docker: https://docs.docker.com/engine/install/linux-postinstall/
        put("gharun_groups", "docker");
    }
    if !boot.user.folders.is_empty() {
        put("gharun_folders", &boot.user.folders.join("\n"));
    }
    put("gharun_tick", pauses.tick);
    put("gharun_grace", &pauses.grace.to_string());
    if boot.ending.contains("gharun_ready") {
        put("gharun_linger", &pauses.linger.to_string());
    }
    put("gharun_pause", &pauses.retry.to_string());
    for (name, value) in boot.env {
        put(&format!("export {name}"), value.expose());
    }
    text + &sentences::shell_function()
}

/// A phase that the script marked on its output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Its name (`download`, `run`, `end`).
    pub name: String,
    /// When it began, by the machine's clock.
    pub at: Timestamp,
}

/// Picks the phases out of a machine's log, whatever its place wrote before each line.
pub fn phases(log: &str) -> Vec<Phase> {
    log.lines()
        .filter_map(|line| {
            let (_, rest) = line.split_once("gharun: phase=")?;
            let mut words = rest.split_whitespace();
            let name = words.next()?.to_owned();
            let time = words.next()?.strip_prefix("t=")?;
            // Where `date` knows no nanoseconds, it leaves a `%N` or an `N` behind the point.
            let (seconds, rest) = time.split_once('.').unwrap_or((time, ""));
            let nanos = (rest.len() == 9).then(|| rest.parse().ok()).flatten();
            let at = Timestamp::new(seconds.parse().ok()?, nanos.unwrap_or(0));
            Some(Phase { name, at: at.ok()? })
        })
        .collect()
}

/// The last error that the script reported: what it made the machine end for, where it did.
pub fn failure(log: &str) -> Option<String> {
    log.lines()
        .rev()
        .find_map(|line| Some(line.split_once("gharun: error: ")?.1.trim().to_owned()))
}

#[cfg(test)]
mod tests;
