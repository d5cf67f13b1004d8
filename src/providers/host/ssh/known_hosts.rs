//! Whether a host is the one that it was: files of known hosts, see `sshd`(8) under
//! `SSH_KNOWN_HOSTS FILE FORMAT`. Hashed names are compared by libssh2.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};
use ssh2::{CheckResult, KnownHostFileKind, Session};

use super::config::HostKeyCheck;
use super::failure::denied;
use super::openssh::patterns::listed;
use super::target::HostTarget;
use crate::model::text::typed;
use crate::providers::{Error, ErrorKind};

/// Key types with the methods by which a host proves to have one, the best first. SHA-1 and DSA are out.
const METHODS: [(&str, &str); 5] = [
    ("ssh-ed25519", "ssh-ed25519"),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
    ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
    ("ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"),
    ("ssh-rsa", "rsa-sha2-512,rsa-sha2-256"),
];

/// A line about the host that is meant.
#[derive(Debug, PartialEq, Eq)]
struct KnownHostsLine {
    file: PathBuf,
    number: usize,
    /// `@revoked`, `@cert-authority`, or nothing.
    marker: String,
    /// The type of its key.
    kind: String,
    key: Vec<u8>,
}

impl KnownHostsLine {
    /// Where it is, for people.
    fn place(&self) -> String {
        format!("{}:{}", self.file.display(), self.number)
    }
}

/// All that is known of one host.
#[derive(Debug)]
pub(super) struct KnownKeys {
    /// As the files spell it: `host`, `[host]:port`, or the name that `HostKeyAlias` gives.
    name: String,
    lines: Vec<KnownHostsLine>,
    /// Lines without the port, of a host at another port than 22: they count where none has it.
    portless: Vec<KnownHostsLine>,
    /// The file that new keys go to.
    own: Option<PathBuf>,
    /// The words by which `ssh` finds it.
    whom: String,
}

/// What is known of a key that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostKey {
    /// It was added just now.
    Added,
    /// It is the one that was known.
    Known,
}

impl KnownKeys {
    /// Reads what the files say of a host. A file that is not there says nothing.
    pub(super) fn of(target: &HostTarget) -> Result<Self, Error> {
        let HostTarget { host, port, .. } = target;
        let name = match (&target.key_alias, port) {
            (Some(alias), _) => alias.clone(),
            (None, 22) => host.clone(),
            (None, port) => format!("[{host}]:{port}"),
        };
        let (mut lines, mut portless) = (Vec::new(), Vec::new());
        for file in target.known_hosts.iter().chain(&target.global_known_hosts) {
            let text = match fs::read(file) {
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    let message = format!("could not read `{}`: {error}", file.display());
                    return Err(Error::new(ErrorKind::Config, message).about("known_hosts"));
                }
            };
            for (number, text) in (1..).zip(text.lines()) {
                if let Some(line) = line(file, number, text, &name) {
                    lines.push(line);
                } else if target.key_alias.is_none()
                    && name != *host
                    && let Some(line) = line(file, number, text, host)
                {
                    portless.push(line);
                }
            }
        }
        Ok(Self {
            whom: target.whom(),
            name,
            lines,
            portless,
            own: target
                .known_hosts
                .first()
                .filter(|file| !file.starts_with("/etc"))
                .cloned(),
        })
    }

    /// Lines with a marker, or with none; those without the port last.
    fn marked(&self, marker: &'static str) -> impl Iterator<Item = &KnownHostsLine> {
        let lines = self.lines.iter().chain(&self.portless);
        lines.filter(move |line| line.marker == marker)
    }

    /// The methods to be asked for, in libssh2's spelling: those first that prove a key which is known. Otherwise a host
    /// with several keys might show one that is not known.
    pub(super) fn methods(&self) -> String {
        let plain = |line: &&KnownHostsLine| line.marker.is_empty();
        let with_port: Vec<_> = self.lines.iter().filter(plain).collect();
        let lines = match with_port.as_slice() {
            [] => self.portless.iter().filter(plain).collect(),
            _ => with_port,
        };
        let known: Vec<&str> = lines.iter().map(|line| line.kind.as_str()).collect();
        let (mut methods, others): (Vec<_>, Vec<_>) = METHODS
            .iter()
            .partition::<Vec<_>, _>(|(kind, _)| known.contains(kind));
        methods.extend(others);
        let methods: Vec<&str> = methods.iter().map(|(_, method)| *method).collect();
        methods.join(",")
    }

    /// Judges the key that a host has shown and proved to have.
    pub(super) fn judge(&self, key: &[u8], check: HostKeyCheck) -> Result<HostKey, Error> {
        if let Some(line) = self.marked("@revoked").find(|line| line.key == key) {
            return Err(denied(format!(
                "the host key of {}, {}, is revoked in {}",
                self.name,
                fingerprint(key),
                line.place()
            ))
            .about("known_hosts"));
        }
        let (shown, kind) = (fingerprint(key), kind_of(key));
        let plain = || self.lines.iter().filter(|line| line.marker.is_empty());
        if plain().any(|line| line.key == key) {
            return Ok(HostKey::Known);
        }
        let same = plain().find(|line| line.kind == kind);
        if let Some(line) = same.or(plain().next()) {
            return Err(self.changed(line, kind, &shown));
        }
        if self.marked("").any(|line| line.key == key) {
            return Ok(HostKey::Known);
        }
        if let Some(line) = self.marked("@cert-authority").next() {
            return Err(self.by_authority(line, kind, &shown));
        }
        match (check, &self.own) {
            (HostKeyCheck::AcceptNew, Some(own)) => {
                self.add(own, kind, key)?;
                Ok(HostKey::Added)
            }
            _ => Err(denied(format!(
                "the host key of {} is not known: it presents {kind} {shown}, and `{}` does not \
                 list it",
                self.name,
                self.own.as_deref().unwrap_or(Path::new("known_hosts")).display()
            ))
            .about("known_hosts")
            .hinted(format!(
                "`ssh {}{}` shows its fingerprint: compare it and answer `yes`; or set `host_key_check = \"accept-new\"`",
                self.option(),
                self.whom
            ))),
        }
    }

    /// The error for a host that has another key than the one that is known.
    fn changed(&self, line: &KnownHostsLine, kind: &str, shown: &str) -> Error {
        let remove = format!(
            "if the change is intended, run `ssh-keygen -f {} -R {}` and verify the new key \
             before you trust it",
            typed(&line.file.to_string_lossy()),
            typed(&self.name)
        );
        let (held, place) = (fingerprint(&line.key), line.place());
        let message = if line.kind == kind {
            format!(
                "the host key of {} has changed; this may be an attack: it presents {kind} \
                 {shown}, and {place} holds {kind} {held}",
                self.name
            )
        } else {
            format!(
                "the host key of {} is not the known one: {place} holds {} {held}, a type that it no longer presents; \
                 it presents {kind} {shown}",
                self.name, line.kind
            )
        };
        denied(message).about("known_hosts").hinted(remove)
    }

    /// The error for a host that only an authority vouches for: libssh2 does not check certificates of hosts.
    fn by_authority(&self, line: &KnownHostsLine, kind: &str, shown: &str) -> Error {
        let own = self.own.as_deref().unwrap_or(Path::new("known_hosts"));
        let kind_of_file = kind
            .trim_start_matches("ssh-")
            .split('-')
            .next()
            .unwrap_or(kind);
        denied(format!(
            "the host key of {} is vouched for only by the authority of {} (`@cert-authority`), and gharun does not \
             check certificates of hosts: it presents {kind} {shown}",
            self.name,
            line.place()
        ))
        .about("known_hosts")
        .hinted(format!(
            "add its own key to `{}`, as `{} {kind} …`: `ssh {} cat /etc/ssh/ssh_host_{kind_of_file}_key.pub` prints it, \
             from a host that `ssh` has checked",
            own.display(),
            self.name,
            self.whom
        ))
    }

    /// The option by which `ssh` writes to the same file, where it would write to another.
    fn option(&self) -> String {
        match &self.own {
            Some(own) if !own.ends_with(".ssh/known_hosts") => {
                format!("-o UserKnownHostsFile={} ", typed(&own.to_string_lossy()))
            }
            _ => String::new(),
        }
    }

    /// Writes a new host down, in one piece: others may be writing too.
    fn add(&self, file: &Path, kind: &str, key: &[u8]) -> Result<(), Error> {
        let add = || -> io::Result<()> {
            if let Some(folder) = file.parent() {
                make_folder(folder)?;
            }
            let ends = fs::read(file).is_ok_and(|text| !text.is_empty() && !text.ends_with(b"\n"));
            let start = if ends { "\n" } else { "" };
            let line = format!("{start}{} {kind} {}\n", self.name, STANDARD.encode(key));
            let mut options = OpenOptions::new();
            options.append(true).create(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(file)?.write_all(line.as_bytes())
        };
        add().map_err(|error| {
            let message = format!(
                "could not write the host key of {} to `{}`: {error}",
                self.name,
                file.display()
            );
            Error::new(ErrorKind::Config, message).about("known_hosts")
        })?;
        tracing::warn!(
            "added {} to the known hosts: {kind} {} in `{}`",
            self.name,
            fingerprint(key),
            file.display()
        );
        Ok(())
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Reads a line, if it is about the host of this name.
fn line(file: &Path, number: usize, text: &str, name: &str) -> Option<KnownHostsLine> {
    let text = text.trim();
    let (marker, rest) = match text.split_once(char::is_whitespace) {
        Some((marker, rest)) if marker.starts_with('@') => (marker, rest.trim()),
        _ => ("", text),
    };
    let mut words = rest.split_whitespace();
    let (hosts, kind, key) = (words.next()?, words.next()?, words.next()?);
    if hosts.starts_with('#') {
        return None;
    }
    let key = STANDARD.decode(key).ok()?;
    names(hosts, kind, name).then(|| KnownHostsLine {
        file: file.to_owned(),
        number,
        marker: marker.to_owned(),
        kind: kind.to_owned(),
        key,
    })
}

/// Whether the first field of a line means a host.
fn names(hosts: &str, kind: &str, name: &str) -> bool {
    if !hosts.starts_with("|1|") {
        return listed(&hosts.to_ascii_lowercase(), &name.to_ascii_lowercase());
    }
    // Any key: what is asked is whether the name is the one that is meant.
    let whole = format!("{hosts} {kind} {}\n", "A".repeat(40));
    let asked = || {
        let session = Session::new()?;
        let mut known = session.known_hosts()?;
        known.read_str(&whole, KnownHostFileKind::OpenSSH)?;
        Ok::<_, ssh2::Error>(known.check(name, &[0; 30]))
    };
    match asked() {
        Ok(found) => matches!(found, CheckResult::Match | CheckResult::Mismatch),
        Err(error) => {
            tracing::debug!("a line of known hosts cannot be read: {error}");
            false
        }
    }
}

/// The type of a key, as its first field names it.
pub(super) fn kind_of(key: &[u8]) -> &str {
    let length = key.get(..4).and_then(|bytes| bytes.try_into().ok());
    let length = length
        .map(u32::from_be_bytes)
        .and_then(|length| usize::try_from(length).ok());
    let name = length.and_then(|length| key.get(4..4usize.checked_add(length)?));
    name.and_then(|name| std::str::from_utf8(name).ok())
        .unwrap_or("unknown")
}

/// A key as people compare it.
pub(super) fn fingerprint(key: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(key)))
}

#[cfg(test)]
mod tests;
