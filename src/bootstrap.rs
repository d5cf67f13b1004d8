//! The one script that turns a machine into a runner.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Name, Secret};

/// The part that is the same for every machine.
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
}

/// All that the script is made of.
#[derive(Clone, Copy, Debug)]
pub struct Boot<'a> {
    /// The runner.
    pub name: &'a Name,
    /// What GitHub gave for it.
    pub jit: &'a Secret,
    /// The archives, one for each platform on offer.
    pub packages: &'a [Package],
    /// Whether a preinstalled runner must be of exactly the packages' version (a pin).
    pub pinned: bool,
    /// Shell code by which the machine ends itself.
    pub ending: &'a str,
    /// When the machine ends whatever happens.
    pub expires: Timestamp,
    /// How long it waits for a job; `None` is for ever.
    pub idle_limit: Option<Duration>,
    /// The user's script, run before the runner.
    pub setup: Option<&'a str>,
    /// Variables for the runner and for downloads (proxies).
    pub env: &'a [(String, String)],
}

/// How often the watchdog looks, and the first pause between downloads: seconds.
#[derive(Clone, Copy, Debug)]
struct Pauses {
    tick: u32,
    download: u32,
}

/// Writes the script. It holds the just-in-time configuration.
///
/// Without its comments it is about 10 KiB, of which EC2 takes 16 KiB compressed.
pub fn script(boot: &Boot<'_>) -> Secret {
    with(
        boot,
        Pauses {
            tick: 3,
            download: 2,
        },
    )
}

fn with(boot: &Boot<'_>, pauses: Pauses) -> Secret {
    let mut text = String::from("#!/bin/sh\n");
    let mut packages = String::new();
    for p in boot.packages {
        let line = format!(
            "{} {} {} {} {}\n",
            p.os, p.architecture, p.version, p.sha256, p.url
        );
        packages.push_str(&line);
    }
    let idle = boot.idle_limit.map_or(0, |limit| limit.as_secs().max(1));
    for (name, value) in [
        ("gharun_name", boot.name.as_str()),
        ("gharun_jit", boot.jit.expose()),
        ("gharun_packages", packages.trim_end()),
        ("gharun_pinned", if boot.pinned { "1" } else { "0" }),
        // A bare `exit` is what the script does anyhow, with its own code.
        (
            "gharun_ending",
            if boot.ending == "exit" {
                ":"
            } else {
                boot.ending
            },
        ),
        ("gharun_expires", &boot.expires.as_second().to_string()),
        ("gharun_idle", &idle.to_string()),
        ("gharun_setup", boot.setup.unwrap_or_default()),
        ("gharun_tick", &pauses.tick.to_string()),
        ("gharun_pause", &pauses.download.to_string()),
    ] {
        writeln!(text, "{name}={}", quoted(value)).expect("a text takes what is written");
    }
    for (name, value) in boot.env {
        writeln!(text, "export {name}={}", quoted(value)).expect("a text takes what is written");
    }
    for line in BODY
        .lines()
        .filter(|line| !line.trim_start().starts_with('#') && !line.is_empty())
    {
        text.push_str(line);
        text.push('\n');
    }
    Secret::new(text)
}

/// A word for the shell, whatever it holds.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
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
            let seconds = words.next()?.strip_prefix("t=")?.parse().ok()?;
            Some(Phase {
                name,
                at: Timestamp::from_second(seconds).ok()?,
            })
        })
        .collect()
}

/// The last error that the script reported.
pub fn failure(log: &str) -> Option<String> {
    log.lines()
        .rev()
        .find_map(|line| Some(line.split_once("gharun: error: ")?.1.trim().to_owned()))
}

/// What the script's exit code means.
pub fn meaning(code: i32) -> Option<&'static str> {
    Some(match code {
        0 => "the job is done",
        70 => "the runner never connected to GitHub",
        71 => "no job came within its idle limit",
        72 => "its lifetime is over",
        73 => "GitHub takes this version of the runner no more",
        74 => "the setup script failed",
        75 => "the runner could not be downloaded, verified or unpacked",
        76 => "there is no runner for this platform",
        77 => "it ran there already",
        78 => "the runner ended without a job",
        143 => "it was told to end",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
