//! Where a host is and how it is reached, as gharun needs it.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::digest;
use crate::model::text::{quoted, typed};

/// A host and the way to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HostTarget {
    /// What people call it: as it was written.
    pub(super) name: String,
    pub(super) user: String,
    pub(super) host: String,
    pub(super) port: u16,
    /// Private keys, the first to be tried first, or their public halves.
    pub(super) identities: Vec<PathBuf>,
    /// Certificates of the user, beside those that lie beside a key.
    pub(super) certificates: Vec<PathBuf>,
    /// The agent's socket, if it may be asked.
    pub(super) agent: Option<PathBuf>,
    /// Whether only those keys of the agent are tried that `identities` name.
    pub(super) named_keys_only: bool,
    /// The name by which its key is known, where that is not its own.
    pub(super) key_alias: Option<String>,
    /// Files of known hosts; the first of them is the one that is written to.
    pub(super) known_hosts: Vec<PathBuf>,
    /// More of them, which are only read.
    pub(super) global_known_hosts: Vec<PathBuf>,
    /// The time limit for each of: connecting, the handshake, each step of logging in.
    pub(super) patience: Duration,
    /// The command that is spoken to instead of a port.
    pub(super) proxy: Option<String>,
    /// The host by which it is reached.
    pub(super) jump: Option<Box<HostTarget>>,
    /// Keys of the ssh configuration that `ssh` would use to connect, and gharun does not: what each is, where it stands, and
    /// what to do instead.
    pub(super) unused: Vec<String>,
}

impl HostTarget {
    /// A host of which nothing but the name is known; it has a place of its own, which no machine is at.
    pub(super) fn unknown(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            host: name.to_owned(),
            ..Self::default()
        }
    }

    /// A short hash that tells this host, user and folder from others; known without asking the host,
    /// so that one that does not answer has a place too.
    pub(super) fn place(&self, work_dir: &str, sudo: bool) -> String {
        let ways = std::iter::successors(Some(self), |target| target.jump.as_deref());
        let ways = ways.map(|way| {
            let proxy = way.proxy.as_ref().map(|proxy| format!("{proxy}\n"));
            let proxy = proxy.unwrap_or_default();
            format!("{}\n{}\n{}\n{proxy}", way.user, way.host, way.port)
        });
        digest::place(format!("{}{work_dir}\n{sudo}\n", ways.collect::<String>()))
    }

    /// The command that gets a person in and runs something there.
    pub(super) fn command(&self, run: &str) -> String {
        format!("ssh -t {} {}", self.whom(), quoted(run))
    }

    /// The command that logs a person in.
    pub(super) fn log_in(&self) -> String {
        format!("ssh {}", self.whom())
    }

    /// The words by which `ssh` finds it.
    pub(super) fn whom(&self) -> String {
        let (user, host, port) = spec(&self.name);
        let port = port.map(|port| format!("-p {port} ")).unwrap_or_default();
        let user = user.map(|user| format!("{user}@")).unwrap_or_default();
        format!("{port}{}", typed(&format!("{user}{host}")))
    }
}

/// Takes `[user@]host[:port]` apart; the port may be no number.
pub(super) fn spec(text: &str) -> (Option<&str>, &str, Option<&str>) {
    let text = text.strip_prefix("ssh://").unwrap_or(text);
    let text = text.trim_end_matches('/');
    let (user, rest) = match text.rsplit_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, text),
    };
    if let Some((host, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (user, host, after.strip_prefix(':'));
    }
    match rest.split_once(':') {
        // More than one colon and no brackets: an address of IPv6.
        Some((host, port)) if !port.contains(':') => (user, host, Some(port)),
        _ => (user, rest, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_taken_apart() {
        for (text, user, host, port) in [
            ("pi", None, "pi", None),
            ("me@pi:2222", Some("me"), "pi", Some("2222")),
            ("::1", None, "::1", None),
            ("me@[::1]:22", Some("me"), "::1", Some("22")),
            ("ssh://a@b:1/", Some("a"), "b", Some("1")),
        ] {
            assert_eq!(spec(text), (user, host, port), "{text}");
        }
    }

    #[test]
    fn the_way_in_is_a_command() {
        let target = HostTarget {
            name: "me@pi:23".into(),
            ..HostTarget::default()
        };
        assert_eq!(
            target.command("cd 'a'"),
            r"ssh -t -p 23 me@pi 'cd '\''a'\'''"
        );
    }
}
