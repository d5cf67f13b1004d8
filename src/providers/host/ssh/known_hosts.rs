//! Whether a host is the one that it was: files of known hosts, see `sshd`(8) under
//! `SSH_KNOWN_HOSTS FILE FORMAT`. Names are compared by libssh2, so that hashed ones count too.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};
use ssh2::{CheckResult, KnownHostFileKind, Session};

use super::config::HostKeyCheck;
use super::failure::denied;
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

/// All that is known of one host.
#[derive(Debug)]
pub(super) struct KnownKeys {
    /// As the files spell it: `host`, or `[host]:port`.
    name: String,
    lines: Vec<KnownHostsLine>,
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
    pub(super) fn read(files: &[PathBuf], host: &str, port: u16) -> Result<Self, Error> {
        let name = match port {
            22 => host.to_owned(),
            port => format!("[{host}]:{port}"),
        };
        let mut lines = Vec::new();
        for file in files {
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
                }
            }
        }
        Ok(Self {
            whom: format!("-p {port} {host}"),
            name,
            lines,
            own: files
                .first()
                .filter(|file| !file.starts_with("/etc"))
                .cloned(),
        })
    }

    /// The same for a host that people reach by other words.
    pub(super) fn reached_by(self, whom: String) -> Self {
        Self { whom, ..self }
    }

    /// The methods to be asked for, in libssh2's spelling: where a host is known, only those that could
    /// prove it. Otherwise a host with several keys might show one that is not known.
    pub(super) fn methods(&self) -> String {
        let known = |kind: &str| {
            let plain = |line: &&KnownHostsLine| line.marker.is_empty();
            let mut lines = self.lines.iter().filter(plain).peekable();
            lines.peek().is_none() || lines.any(|line| line.kind == kind)
        };
        let methods = METHODS.iter().filter(|(kind, _)| known(kind));
        let methods: Vec<&str> = methods.map(|(_, method)| *method).collect();
        methods.join(",")
    }

    /// Judges the key that a host has shown and proved to have.
    pub(super) fn judge(&self, key: &[u8], check: HostKeyCheck) -> Result<HostKey, Error> {
        let of = |marker: &'static str| {
            let lines = self.lines.iter();
            lines.filter(move |line| line.marker == marker)
        };
        if let Some(line) = of("@revoked").find(|line| line.key == key) {
            return Err(denied(format!(
                "the host key of {}, {}, is revoked in {}:{}",
                self.name,
                fingerprint(key),
                line.file.display(),
                line.number
            ))
            .about("known_hosts"));
        }
        if of("").any(|line| line.key == key) {
            return Ok(HostKey::Known);
        }
        let (shown, kind) = (fingerprint(key), kind_of(key));
        let same = of("").find(|line| line.kind == kind);
        if let Some(line) = same.or(of("").next()) {
            let remove = format!(
                "if the change is intended, run `ssh-keygen -f {} -R '{}'` and verify the new key \
                 before you trust it",
                line.file.display(),
                self.name
            );
            return Err(denied(format!(
                "the host key of {} has changed; this may be an attack: it presents {kind} \
                 {shown}, and {}:{} holds {} {}",
                self.name,
                line.file.display(),
                line.number,
                line.kind,
                fingerprint(&line.key)
            ))
            .about("known_hosts")
            .hinted(remove));
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
    if hosts.contains(['*', '?', '!']) {
        // Patterns, which libssh2 does not know.
        let hits = |pattern: &str| matches(pattern.as_bytes(), name.as_bytes());
        let not = hosts.split(',').filter_map(|one| one.strip_prefix('!'));
        return hosts.split(',').any(hits) && !not.into_iter().any(hits);
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

/// Whether a pattern of `*` and `?` fits the whole of a text.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            matches(rest, text)
                || text
                    .split_first()
                    .is_some_and(|(_, text)| matches(pattern, text))
        }
        (Some((b'?', rest)), Some((_, text))) => matches(rest, text),
        (Some((one, rest)), Some((other, text))) => {
            one.eq_ignore_ascii_case(other) && matches(rest, text)
        }
        _ => false,
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
mod tests {
    use super::*;

    /// A key of a type, told from others by one byte.
    fn key(kind: &str, byte: u8) -> Vec<u8> {
        let mut key = u32::try_from(kind.len()).unwrap().to_be_bytes().to_vec();
        key.extend(kind.as_bytes());
        key.extend([0, 0, 0, 1, byte]);
        key
    }

    fn spelled(kind: &str, byte: u8) -> String {
        format!("{kind} {}", STANDARD.encode(key(kind, byte)))
    }

    fn known(text: &str, host: &str, port: u16) -> (tempfile::TempDir, KnownKeys) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("known_hosts");
        fs::write(&file, text).unwrap();
        let known = KnownKeys::read(&[file], host, port).unwrap();
        (dir, known)
    }

    #[test]
    fn the_key_that_is_known_is_taken_and_no_other() {
        let (ed, rsa) = (spelled("ssh-ed25519", 1), spelled("ssh-rsa", 2));
        let text = format!(
            "# the rack\nother {}\n[pi]:23,pi2 {ed}\npi {rsa} me@here\n",
            spelled("ssh-ed25519", 9)
        );
        let (_dir, at_23) = known(&text, "pi", 23);
        assert_eq!(at_23.methods(), "ssh-ed25519");
        at_23
            .judge(&key("ssh-ed25519", 1), HostKeyCheck::Strict)
            .unwrap();
        let wrong = at_23
            .judge(&key("ssh-ed25519", 2), HostKeyCheck::AcceptNew)
            .unwrap_err();
        assert_eq!(wrong.kind, ErrorKind::Denied);
        for said in [
            fingerprint(&key("ssh-ed25519", 1)),
            fingerprint(&key("ssh-ed25519", 2)),
            "known_hosts:3".to_owned(),
        ] {
            assert!(
                wrong.message().contains(&said),
                "{said}: {}",
                wrong.message()
            );
        }
        let (_dir, at_22) = known(&text, "pi", 22);
        assert_eq!(at_22.methods(), "rsa-sha2-512,rsa-sha2-256");
        at_22
            .judge(&key("ssh-rsa", 2), HostKeyCheck::Strict)
            .unwrap();
        at_22
            .judge(&key("ssh-ed25519", 2), HostKeyCheck::AcceptNew)
            .expect_err("a known host with a key of another type");
    }

    #[test]
    fn patterns_and_revoked_keys_count() {
        let text = format!(
            "*.lab,!evil.lab {}\n@revoked * {}\n",
            spelled("ssh-ed25519", 1),
            spelled("ssh-ed25519", 3)
        );
        let (_dir, good) = known(&text, "a.lab", 22);
        good.judge(&key("ssh-ed25519", 1), HostKeyCheck::Strict)
            .unwrap();
        let (_dir, evil) = known(&text, "evil.lab", 22);
        evil.judge(&key("ssh-ed25519", 1), HostKeyCheck::Strict)
            .unwrap_err();
        let error = evil
            .judge(&key("ssh-ed25519", 3), HostKeyCheck::AcceptNew)
            .unwrap_err();
        assert!(error.message().contains("revoked"), "{}", error.message());
    }

    #[test]
    fn a_new_host_is_refused_or_written_down() {
        let (dir, new) = known("other ssh-ed25519 AAAA", "pi", 23);
        let shown = key("ssh-ed25519", 4);
        assert!(new.methods().starts_with("ssh-ed25519,ecdsa"));
        let error = new.judge(&shown, HostKeyCheck::Strict).unwrap_err();
        assert!(
            error.message().contains(&fingerprint(&shown)),
            "{}",
            error.message()
        );
        let hint = error.hints().join("\n");
        let file = dir.path().join("known_hosts");
        let command = format!("`ssh -o UserKnownHostsFile={} -p 23 pi`", file.display());
        assert!(hint.contains(&command), "{hint}");
        new.judge(&shown, HostKeyCheck::AcceptNew).unwrap();
        let again = KnownKeys::read(&[file], "pi", 23).unwrap();
        again.judge(&shown, HostKeyCheck::Strict).unwrap();
    }

    #[test]
    fn hashed_names_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("known_hosts");
        fs::write(
            &file,
            format!("[127.0.0.1]:2222 {}\n", spelled("ssh-ed25519", 5)),
        )
        .unwrap();
        let hashed = std::process::Command::new("ssh-keygen")
            .args(["-H", "-f"])
            .arg(&file)
            .output();
        if !hashed.is_ok_and(|output| output.status.success()) {
            return crate::providers::contract::skipped(
                "hashed names: `ssh-keygen` is not installed",
            );
        }
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("|1|"), "{text}");
        let known = KnownKeys::read(&[file], "127.0.0.1", 2222).unwrap();
        known
            .judge(&key("ssh-ed25519", 5), HostKeyCheck::Strict)
            .unwrap();
    }
}
