//! What `ssh_config` sets for one host: of each key the first value that comes.

use std::path::Path;
use std::time::Duration;

use super::found::{Active, Doubt, Flaw, Found, Line};
use super::words;

/// How a host is reached that is not reached directly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::providers::host::ssh) enum Proxy {
    /// By other hosts, the first to be reached first.
    Jump(Vec<String>),
    /// By a command, its tokens not yet replaced.
    Command(String),
}

/// What is set for a host. A list holds all values, and everything else the first.
#[derive(Clone, Debug, Default)]
pub(in crate::providers::host::ssh) struct HostOptions {
    pub(in crate::providers::host::ssh) hostname: Option<Found<String>>,
    pub(in crate::providers::host::ssh) port: Option<Found<u16>>,
    pub(in crate::providers::host::ssh) user: Option<Found<String>>,
    pub(in crate::providers::host::ssh) identity_files: Vec<Found<String>>,
    pub(in crate::providers::host::ssh) certificate_files: Vec<Found<String>>,
    pub(in crate::providers::host::ssh) identity_agent: Option<Found<String>>,
    pub(in crate::providers::host::ssh) identities_only: Option<Found<bool>>,
    pub(in crate::providers::host::ssh) host_key_alias: Option<Found<String>>,
    pub(in crate::providers::host::ssh) user_known_hosts: Option<Found<Vec<String>>>,
    pub(in crate::providers::host::ssh) global_known_hosts: Option<Found<Vec<String>>>,
    /// `None` in it is `none`, and so it is in the next.
    pub(super) proxy_jump: Option<Found<Option<Proxy>>>,
    pub(super) proxy_command: Option<Found<Option<Proxy>>>,
    /// How long connecting may take.
    pub(in crate::providers::host::ssh) connect_timeout: Option<Found<Duration>>,
    pub(super) canonicalize: Option<Found<String>>,
    pub(super) canonical_domains: Option<Found<Vec<String>>>,
    pub(super) canonical_dots: Option<Found<usize>>,
    pub(super) tag: Option<Found<String>>,
    /// Whether `RevokedHostKeys` is `none`.
    pub(super) revokes_nothing: bool,
    /// Keys that are not used here, and whose first value is `no`.
    pub(super) turned_off: Vec<&'static str>,
    pub(in crate::providers::host::ssh) pass_socket: Option<Found<bool>>,
    /// Keys that `ssh` would use to connect, and that are not used here.
    pub(in crate::providers::host::ssh) unused: Vec<Found<UnusedKey>>,
    pub(in crate::providers::host::ssh) doubts: Vec<Doubt>,
}

/// A key that is not used here, and what to do instead.
pub(in crate::providers::host::ssh) type UnusedKey = (&'static str, &'static str);

/// Keys as `ssh_config(5)` spells them whose absence here can make a connection fail, and what to do instead.
const UNUSED: [(&str, &str); 17] = [
    ("AddressFamily", "write an address as `HostName`"),
    ("BindAddress", "set `ProxyCommand nc -s ADDRESS %h %p`"),
    ("BindInterface", "set `ProxyCommand nc -s ADDRESS %h %p`"),
    ("Ciphers", ALGORITHMS),
    ("ControlMaster", BY_KEY),
    ("ControlPath", BY_KEY),
    ("GSSAPIAuthentication", BY_KEY),
    ("HostbasedAuthentication", BY_KEY),
    ("HostKeyAlgorithms", ALGORITHMS),
    ("KexAlgorithms", ALGORITHMS),
    ("KnownHostsCommand", "set `known_hosts`"),
    ("MACs", ALGORITHMS),
    (
        "PKCS11Provider",
        "load its key into an agent: `ssh-add -s PROVIDER`",
    ),
    ("PreferredAuthentications", BY_KEY),
    ("PubkeyAcceptedAlgorithms", ALGORITHMS),
    (
        "SecurityKeyProvider",
        "load its key into an agent: `ssh-add FILE`",
    ),
    (
        "VerifyHostKeyDNS",
        "add the host's key to `~/.ssh/known_hosts`",
    ),
];

const ALGORITHMS: &str = "the host must offer an algorithm that is in general use";
const BY_KEY: &str = "gharun logs in by a key: set `identity`, or start an agent";

/// Debian's `ssh` comes with this line for every host.
const OF_DEBIAN: (&str, &str) = ("GSSAPIAuthentication", "/etc/ssh/ssh_config");

/// Keys that are used here.
const USED: [&str; 17] = [
    "CanonicalDomains",
    "CanonicalizeHostname",
    "CanonicalizeMaxDots",
    "CertificateFile",
    "ConnectTimeout",
    "GlobalKnownHostsFile",
    "HostKeyAlias",
    "HostName",
    "IdentitiesOnly",
    "IdentityAgent",
    "IdentityFile",
    "Port",
    "ProxyCommand",
    "ProxyJump",
    "ProxyUseFdpass",
    "User",
    "UserKnownHostsFile",
];

/// Sets a value that is not set yet.
fn first<T>(place: &mut Option<Found<T>>, value: T, at: &Line) {
    place.get_or_insert_with(|| Found {
        value,
        at: at.clone(),
    });
}

/// Adds a value that is not there yet.
fn add(place: &mut Vec<Found<String>>, value: String, at: &Line) {
    if !place.iter().any(|found| found.value == value) {
        place.push(Found {
            value,
            at: at.clone(),
        });
    }
}

impl HostOptions {
    /// Takes a line of a block over: its keyword in small letters, and the rest of it.
    pub(super) fn take(
        &mut self,
        keyword: &str,
        rest: &str,
        active: &Active,
        at: &Line,
    ) -> Result<(), Flaw> {
        let keyword = match keyword {
            "identityfile2" => "identityfile",
            keyword => keyword,
        };
        let spelled = |keys: &[&'static str]| {
            let mut keys = keys.iter();
            keys.find(|key| key.eq_ignore_ascii_case(keyword)).copied()
        };
        if keyword == "revokedhostkeys" && !matches!(active, Active::No) && !self.revokes_nothing {
            self.revokes_nothing = matches!(active, Active::Yes);
            let named = words::arguments(rest).and_then(|words| words.into_iter().next());
            if named.is_none_or(|file| !file.eq_ignore_ascii_case("none")) {
                return Err(Flaw {
                    at: at.clone(),
                    what: "`RevokedHostKeys` is not read, so that a revoked key would be accepted"
                        .to_owned(),
                });
            }
        }
        match active {
            Active::No => Ok(()),
            // A tag decides over blocks, and these over any key.
            Active::Unknown(block) if keyword == "tag" && self.tag.is_none() => {
                let open = USED.into_iter().filter(|key| !self.is_settled(key));
                let doubts = open.map(|key| Doubt {
                    key,
                    at: at.clone(),
                    block: block.clone(),
                });
                let doubts: Vec<Doubt> = doubts.collect();
                self.doubts.extend(doubts);
                Ok(())
            }
            Active::Unknown(block) => {
                if let Some(key) = spelled(&USED)
                    && !self.is_settled(key)
                {
                    self.doubts.push(Doubt {
                        key,
                        at: at.clone(),
                        block: block.clone(),
                    });
                }
                Ok(())
            }
            Active::Yes => {
                self.miss(keyword, rest, at);
                if keyword == "tag" {
                    let tag = words::arguments(rest).unwrap_or_default();
                    first(&mut self.tag, tag.concat(), at);
                }
                match spelled(&USED) {
                    Some(key) => self.set(key, rest, at).map_err(|what| Flaw {
                        at: at.clone(),
                        what,
                    }),
                    None => Ok(()),
                }
            }
        }
    }

    /// Keeps a key that is not used here, unless its value turns it off or its first value did.
    fn miss(&mut self, keyword: &str, rest: &str, at: &Line) {
        let mut unused = UNUSED.into_iter();
        let Some(found) = unused.find(|(key, _)| key.eq_ignore_ascii_case(keyword)) else {
            return;
        };
        let is_known = self.turned_off.contains(&found.0)
            || self.unused.iter().any(|other| other.value == found);
        let is_of_debian = (found.0, at.file.as_ref()) == (OF_DEBIAN.0, Path::new(OF_DEBIAN.1));
        if is_known || is_of_debian {
            return;
        }
        let value = words::arguments(rest).and_then(|words| words.into_iter().next());
        if value.is_some_and(|value| ["no", "none", "false"].contains(&value.as_str())) {
            self.turned_off.push(found.0);
            return;
        }
        self.unused.push(Found {
            value: found,
            at: at.clone(),
        });
    }

    /// How the host is reached, where that is not directly.
    pub(in crate::providers::host::ssh) fn proxy(&self) -> Option<(&Proxy, &Line)> {
        let command = self.proxy_command.as_ref();
        let each = self.proxy_jump.as_ref().into_iter().chain(command);
        let mut named = each.filter_map(|found| Some((found.value.as_ref()?, &found.at)));
        named.next()
    }

    /// Whether nothing that comes later can change a key.
    fn is_settled(&self, key: &str) -> bool {
        match key {
            "CanonicalDomains" => self.canonical_domains.is_some(),
            "CanonicalizeHostname" => self.canonicalize.is_some(),
            "CanonicalizeMaxDots" => self.canonical_dots.is_some(),
            "GlobalKnownHostsFile" => self.global_known_hosts.is_some(),
            "HostKeyAlias" => self.host_key_alias.is_some(),
            "HostName" => self.hostname.is_some(),
            "IdentitiesOnly" => self.identities_only.is_some(),
            "IdentityAgent" => self.identity_agent.is_some(),
            "Port" => self.port.is_some(),
            "ProxyCommand" => self.proxy_command.is_some(),
            "ProxyJump" => self.proxy_jump.is_some() || self.proxy_command.is_some(),
            "ProxyUseFdpass" => self.pass_socket.is_some(),
            "User" => self.user.is_some(),
            "UserKnownHostsFile" => self.user_known_hosts.is_some(),
            // It changes how long something may take, and nothing else.
            "ConnectTimeout" => true,
            _ => false,
        }
    }

    fn set(&mut self, key: &str, rest: &str, at: &Line) -> Result<(), String> {
        // These two are not taken apart: `#` and quotes are for the shell.
        let raw = rest.trim_start_matches([' ', '\t', '=']);
        match key {
            "ProxyCommand" => {
                let command = match raw {
                    "" => return Err("`ProxyCommand` has no value".to_owned()),
                    raw if raw.eq_ignore_ascii_case("none") => None,
                    raw => Some(Proxy::Command(raw.to_owned())),
                };
                first(&mut self.proxy_command, command, at);
                return Ok(());
            }
            "ProxyJump" => {
                let hops = raw.split('#').next().unwrap_or_default().trim();
                let jump = match hops {
                    "" => return Err("`ProxyJump` has no value".to_owned()),
                    hops if hops.eq_ignore_ascii_case("none") => None,
                    hops => Some(Proxy::Jump(
                        hops.split(',').map(|hop| hop.trim().to_owned()).collect(),
                    )),
                };
                if !self.is_settled(key) {
                    // A jump leaves no room for a command that comes later; its absence does.
                    if jump.is_some() {
                        first(&mut self.proxy_command, None, at);
                    }
                    first(&mut self.proxy_jump, jump, at);
                }
                return Ok(());
            }
            _ => {}
        }
        let words = words::arguments(rest).ok_or("a quotation mark is missing")?;
        let word = match words.first() {
            Some(word) if !word.is_empty() => word.clone(),
            _ => return Err(format!("`{key}` has no value")),
        };
        let bad = |expected: &str| format!("`{key}` must be {expected}, not `{word}`");
        match key {
            "HostName" => first(&mut self.hostname, word, at),
            "User" => first(&mut self.user, word, at),
            "IdentityFile" => add(&mut self.identity_files, word, at),
            "CertificateFile" => add(&mut self.certificate_files, word, at),
            "IdentityAgent" => first(&mut self.identity_agent, word, at),
            "HostKeyAlias" => first(&mut self.host_key_alias, word.to_ascii_lowercase(), at),
            "UserKnownHostsFile" => first(&mut self.user_known_hosts, words, at),
            "GlobalKnownHostsFile" => first(&mut self.global_known_hosts, words, at),
            "CanonicalizeHostname" => first(&mut self.canonicalize, word.to_ascii_lowercase(), at),
            "CanonicalDomains" => first(&mut self.canonical_domains, words, at),
            "CanonicalizeMaxDots" => {
                let dots = word.parse().map_err(|_| bad("a number"))?;
                first(&mut self.canonical_dots, dots, at);
            }
            "Port" => {
                // The one name of a service that anybody writes.
                let number = if word == "ssh" { "22" } else { &word };
                let port = number.parse().ok().filter(|port| *port != 0);
                let port = port.ok_or_else(|| bad("a number from 1 to 65535"))?;
                first(&mut self.port, port, at);
            }
            "IdentitiesOnly" | "ProxyUseFdpass" => {
                let value = match word.to_ascii_lowercase().as_str() {
                    "yes" | "true" => true,
                    "no" | "false" => false,
                    _ => return Err(bad("`yes` or `no`")),
                };
                if key == "IdentitiesOnly" {
                    first(&mut self.identities_only, value, at);
                } else {
                    first(&mut self.pass_socket, value, at);
                }
            }
            // `none` leaves it open.
            "ConnectTimeout" if word != "none" => {
                let time = time(&word).ok_or_else(|| bad("a time, such as `10` or `1m`"))?;
                first(&mut self.connect_timeout, time, at);
            }
            _ => {}
        }
        Ok(())
    }
}

/// A time as `sshd_config(5)` writes it under `TIME FORMATS`: numbers with units; a number alone is in seconds.
fn time(text: &str) -> Option<Duration> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next();
        let seconds = match unit.map(|unit| unit.to_ascii_lowercase()) {
            None | Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            Some('w') => 604_800,
            Some(_) => return None,
        };
        total = total.checked_add(number.checked_mul(seconds)?)?;
        rest = &rest[digits + unit.map_or(0, char::len_utf8)..];
    }
    (!text.is_empty()).then(|| Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, seconds) in [("10", Some(10)), ("1m30s", Some(90)), ("2H", Some(7200))] {
            assert_eq!(time(text), seconds.map(Duration::from_secs), "{text}");
        }
        for text in ["", "x", "1x", "-1"] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
