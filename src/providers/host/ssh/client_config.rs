//! Where a host is and how it is reached: what the user wrote, and what `~/.ssh/config` adds.

use std::fs;
use std::io::{BufReader, ErrorKind as Io};
use std::path::{Path, PathBuf};

use ssh2_config::{HostParams, ParseRule, SshConfig};

use super::config::SshProviderConfig;
use crate::model::KeySetting;
use crate::model::digest;
use crate::model::text::{quoted, typed};
use crate::providers::{Error, Result};

/// How many hosts may lie on the way to one.
const MOST_JUMPS: usize = 8;

/// A host and the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostTarget {
    /// What people call it: as it was written.
    pub(super) name: String,
    pub(super) user: String,
    pub(super) host: String,
    pub(super) port: u16,
    /// Private keys, the first to be tried first.
    pub(super) identities: Vec<PathBuf>,
    /// Files of known hosts; the first is the one that is written to.
    pub(super) known_hosts: Vec<PathBuf>,
    /// The host by which it is reached.
    pub(super) jump: Option<Box<HostTarget>>,
}

impl HostTarget {
    /// A short hash that tells this host, user and folder from others; known without asking the host,
    /// so that one that does not answer has a place too.
    pub(super) fn place(&self, work_dir: &str, sudo: bool) -> String {
        let ways = std::iter::successors(Some(self), |target| target.jump.as_deref());
        let ways = ways.map(|way| format!("{}\n{}\n{}\n", way.user, way.host, way.port));
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
fn spec(text: &str) -> (Option<&str>, &str, Option<&str>) {
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

/// What `~/.ssh/config` says, and where its folder is.
#[derive(Debug)]
pub(super) struct OpenSshConfig {
    dir: Option<PathBuf>,
    file: SshConfig,
}

/// The keys that are read; the rest is none of our business, and may be in a form that is not known here.
const KEYS: [&str; 7] = [
    "host",
    "hostname",
    "identityfile",
    "include",
    "port",
    "proxyjump",
    "user",
];

/// What the tokens in a path stand for.
struct Spelled<'a> {
    host: &'a str,
    user: &'a str,
}

impl OpenSshConfig {
    /// Reads `config` in the folder, if there is one.
    pub(super) fn read(dir: Option<&Path>) -> Result<Self> {
        let mut read = Self {
            dir: dir.map(Path::to_owned),
            file: SshConfig::default(),
        };
        let (Some(dir), Some(home)) = (dir, dir.and_then(Path::parent)) else {
            return Ok(read);
        };
        let path = dir.join("config");
        let wrong = |error: Box<dyn std::error::Error + Send + Sync>| {
            let message = format!("could not read `{}`", path.display());
            Error::setting("ssh_dir", message).because(error)
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == Io::NotFound => return Ok(read),
            Err(error) => return Err(wrong(error.into())),
        };
        let rules = ParseRule::ALLOW_UNKNOWN_FIELDS | ParseRule::ALLOW_UNSUPPORTED_FIELDS;
        read.file = SshConfig::default()
            .home_dir(home)
            .parse(&mut BufReader::new(kept(&text).as_bytes()), rules)
            .map_err(|error| wrong(error.into()))?;
        Ok(read)
    }

    /// Finds out where a host is.
    pub(super) fn target(&self, name: &str, config: &SshProviderConfig) -> Result<HostTarget> {
        let mut target = self.direct("hosts", name, config)?;
        let params = self.params(name);
        target.jump = match (&config.jump, params.proxy_jump) {
            (Some(jump), _) => {
                let hops: Vec<String> = jump.split(',').map(|hop| hop.trim().to_owned()).collect();
                self.way(&hops, config, 0)?
            }
            (None, Some(hops)) => self.way(&hops, config, 0)?,
            (None, None) => None,
        };
        Ok(target)
    }

    /// The last of some hosts, reached by those before it.
    fn way(
        &self,
        hops: &[String],
        config: &SshProviderConfig,
        depth: usize,
    ) -> Result<Option<Box<HostTarget>>> {
        let [before @ .., last] = hops else {
            return Ok(None);
        };
        if hops == ["none"] {
            return Ok(None);
        }
        if depth > MOST_JUMPS {
            let message = format!("`ProxyJump` by `{last}` is too long or circular");
            return Err(Error::setting("jump", message));
        }
        let mut target = self.direct("jump", last, config)?;
        // The first one may have a way of its own.
        let own = if before.is_empty() {
            self.params(last).proxy_jump.unwrap_or_default()
        } else {
            before.to_vec()
        };
        target.jump = self.way(&own, config, depth + 1)?;
        Ok(Some(Box::new(target)))
    }

    fn params(&self, name: &str) -> HostParams {
        self.file.query(spec(name).1)
    }

    /// A host without what lies before it.
    fn direct(&self, setting: &str, name: &str, config: &SshProviderConfig) -> Result<HostTarget> {
        let wrong = |what: String| Err(Error::setting(setting, what));
        let (user, alias, port) = spec(name);
        let plain = |text: &str| {
            !text.is_empty()
                && !text.starts_with('-')
                && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/')
        };
        if !plain(alias) || !user.is_none_or(plain) {
            return wrong(format!(
                "`{name}` is not a valid host: write `[user@]host[:port]`"
            ));
        }
        let params = self.params(name);
        let port = match port.map(str::parse) {
            Some(Ok(0) | Err(_)) => return wrong(format!("`{name}` has an invalid port")),
            Some(Ok(port)) => port,
            None => params.port.unwrap_or(22),
        };
        let host = params.host_name.as_deref().unwrap_or(alias);
        let host = host
            .replace("%h", alias)
            .replace("%%", "%")
            .to_ascii_lowercase();
        let user = user
            .map(str::to_owned)
            .or(params.user)
            .or(config.user.clone());
        let Some(user) = user else {
            let message = format!("no user is set for `{name}`");
            return Err(Error::setting("user", message).hinted("write `user@host`"));
        };
        let spelled = Spelled {
            host: &host,
            user: &user,
        };
        let identities = self.identities(config, params.identity_file, &spelled);
        let known_hosts = self.known_hosts(config, alias, &spelled);
        Ok(HostTarget {
            name: name.to_owned(),
            user,
            host,
            port,
            identities,
            known_hosts,
            jump: None,
        })
    }

    /// The private keys that are tried.
    fn identities(
        &self,
        config: &SshProviderConfig,
        named: Option<Vec<PathBuf>>,
        spelled: &Spelled<'_>,
    ) -> Vec<PathBuf> {
        match (&config.identity, named) {
            (Some(KeySetting::File(own)), _) => vec![self.path(&own.to_string_lossy())],
            // It is tried as it is, and no other.
            (Some(KeySetting::Text(_)), _) => Vec::new(),
            (None, Some(named)) => named
                .iter()
                .map(|path| self.expanded(path, spelled))
                .collect(),
            (None, None) => ["id_ed25519", "id_ecdsa", "id_rsa"]
                .iter()
                .filter_map(|file| Some(self.dir.as_ref()?.join(file)))
                .filter(|file| file.exists())
                .collect(),
        }
    }

    /// The files that a host's key is looked for in.
    fn known_hosts(
        &self,
        config: &SshProviderConfig,
        alias: &str,
        spelled: &Spelled<'_>,
    ) -> Vec<PathBuf> {
        let mut known_hosts = match (&config.known_hosts, self.known_hosts_of(alias)) {
            (Some(own), _) => vec![self.path(&own.to_string_lossy())],
            (None, Some(named)) => named
                .iter()
                .filter(|path| *path != "none")
                .map(|path| self.expanded(Path::new(path), spelled))
                .collect(),
            (None, None) => {
                let own = self.dir.as_ref().map(|dir| dir.join("known_hosts"));
                own.into_iter().collect()
            }
        };
        // Never written to: where it is the only one, `accept-new` has to be told where to.
        known_hosts.push("/etc/ssh/ssh_known_hosts".into());
        known_hosts
    }

    /// A path of the user's file, its tokens replaced (`TOKENS` in `ssh_config(5)`).
    fn expanded(&self, path: &Path, spelled: &Spelled<'_>) -> PathBuf {
        let home = self.home().unwrap_or(Path::new(""));
        let text = path.to_string_lossy();
        let text = text
            .replace("%d", &home.to_string_lossy())
            .replace("%h", spelled.host);
        self.path(&text.replace("%r", spelled.user).replace("%%", "%"))
    }

    /// `UserKnownHostsFile`, which the parser keeps as it is.
    fn known_hosts_of(&self, alias: &str) -> Option<Vec<String>> {
        let mut hosts = self.file.intersecting_hosts(alias);
        hosts.find_map(|host| {
            let named = host.params.unsupported_fields.get("userknownhostsfile");
            named.cloned()
        })
    }

    fn home(&self) -> Option<&Path> {
        self.dir.as_deref().and_then(Path::parent)
    }

    fn path(&self, text: &str) -> PathBuf {
        match (text.strip_prefix("~/"), self.home()) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => text.into(),
        }
    }
}

/// The lines that are read. `Match` is a block of its own that the parser does not know: its lines
/// would be taken for those of the host before it. Of its conditions those that need nothing but the
/// name are taken over, and blocks with others are left out.
fn kept(text: &str) -> String {
    let mut inside = true;
    let mut kept = String::new();
    for line in text.lines() {
        let bare = line.trim();
        let key = bare.split(|c: char| c.is_whitespace() || c == '=').next();
        let key = key.unwrap_or_default().to_ascii_lowercase();
        let rest = bare[key.len()..].trim_start_matches(|c: char| c.is_whitespace() || c == '=');
        if key == "match" {
            let words: Vec<&str> = rest.split_whitespace().collect();
            let hosts = match words.as_slice() {
                [all] if all.eq_ignore_ascii_case("all") => Some("*".to_owned()),
                [what, hosts]
                    if ["host", "originalhost"].contains(&what.to_ascii_lowercase().as_str()) =>
                {
                    Some(hosts.replace(',', " "))
                }
                _ => None,
            };
            inside = hosts.is_some();
            if let Some(hosts) = hosts {
                kept.extend(["Host ", &hosts, "\n"]);
            } else {
                tracing::debug!("ignoring `{bare}` in the ssh configuration");
            }
            continue;
        }
        inside |= key == "host";
        if inside && (KEYS.contains(&key.as_str()) || key == "userknownhostsfile") {
            kept += line;
            kept.push('\n');
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(more: &serde_json::Value) -> SshProviderConfig {
        let mut settings = json!({ "hosts": ["pi"], "user": "me" });
        let table = settings.as_object_mut().unwrap();
        table.extend(more.as_object().unwrap().clone());
        serde_json::from_value(settings).unwrap()
    }

    fn reader(text: &str) -> (tempfile::TempDir, OpenSshConfig) {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join(".ssh");
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("config"), text).unwrap();
        let read = OpenSshConfig::read(Some(&dir)).unwrap();
        (home, read)
    }

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
    fn the_users_configuration_is_followed() {
        let text = "
Host pi
    HostName PI4.local
    Port 2222
    User pi
    IdentityFile ~/.ssh/pi_%r
    ProxyJump gate,me@inner:23
    UserKnownHostsFile ~/.ssh/known_pis
    Ciphers something-that-nobody-knows
Match exec \"true\"
    User mallory
Match host gate
    User keeper
Host *
    User nobody
";
        let (home, read) = reader(text);
        let target = read.target("pi", &config(&json!({}))).unwrap();
        assert_eq!(
            (target.user.as_str(), target.host.as_str(), target.port),
            ("pi", "pi4.local", 2222)
        );
        assert_eq!(target.identities, [home.path().join(".ssh/pi_pi")]);
        assert_eq!(target.known_hosts[0], home.path().join(".ssh/known_pis"));
        let inner = target.jump.as_deref().unwrap();
        assert_eq!(
            (inner.user.as_str(), inner.host.as_str(), inner.port),
            ("me", "inner", 23)
        );
        let gate = inner.jump.as_deref().unwrap();
        assert_eq!((gate.user.as_str(), gate.host.as_str()), ("keeper", "gate"));
        assert!(gate.jump.is_none());
        let other = read.target("mallory", &config(&json!({}))).unwrap();
        assert_eq!(other.user, "nobody");
    }

    #[test]
    fn settings_win_over_the_users_configuration() {
        let (home, read) = reader("Host pi\n  ProxyJump gate\n  IdentityFile a\n  User pi\n");
        let more = json!({ "jump": "none", "identity": "~/key", "known_hosts": "~/known" });
        let target = read.target("root@pi:7", &config(&more)).unwrap();
        assert_eq!((target.user.as_str(), target.port), ("root", 7));
        assert_eq!(target.identities, [home.path().join("key")]);
        assert_eq!(target.known_hosts[0], home.path().join("known"));
        assert!(target.jump.is_none());
    }

    #[test]
    fn a_way_in_a_circle_is_refused() {
        let (_home, read) = reader("Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n");
        let error = read.target("a", &config(&json!({}))).unwrap_err();
        assert_eq!(error.key(), Some("jump"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let read = OpenSshConfig::read(None).unwrap();
        for name in ["", "-oProxyCommand=x", "a b", "me@", "pi:0", "pi:x", "a/b"] {
            assert!(read.target(name, &config(&json!({}))).is_err(), "{name}");
        }
    }

    #[test]
    fn a_place_is_known_without_the_host_and_does_not_name_it() {
        let read = OpenSshConfig::read(None).unwrap();
        let place = |name: &str| {
            let target = read.target(name, &config(&json!({}))).unwrap();
            target.place("~/.gharun", false)
        };
        assert_eq!(place("pi"), place("me@pi:22"));
        assert_ne!(place("pi"), place("pi:23"));
        assert_eq!(place("pi").len(), 12);
    }

    #[test]
    fn the_way_in_is_a_command() {
        let read = OpenSshConfig::read(None).unwrap();
        let target = read.target("me@pi:23", &config(&json!({}))).unwrap();
        assert_eq!(
            target.command("cd 'a'"),
            r"ssh -t -p 23 me@pi 'cd '\''a'\'''"
        );
    }
}
