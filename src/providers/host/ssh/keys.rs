//! Files of keys: what is in them, and which certificates belong to them.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a file of a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contents {
    /// A private key.
    Key,
    /// An encrypted one.
    Locked,
    /// A public key: an agent is to have the other half.
    Public,
    /// Nothing of the kind.
    Nothing,
}

/// A certificate of a user.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    pub(super) file: PathBuf,
    pub(super) blob: Vec<u8>,
}

/// A key that is named by its file.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) file: PathBuf,
    pub(super) contents: Contents,
    /// Its public half, where that is known without a phrase.
    public: Option<Vec<u8>>,
    pub(super) certificates: Vec<Certificate>,
}

impl Identity {
    /// The keys of some files, each with those of the certificates that are its own, and with the one that lies beside it.
    pub(super) fn all(files: &[PathBuf], certificates: &[PathBuf]) -> Vec<Self> {
        let named: Vec<Certificate> = certificates.iter().filter_map(|file| read(file)).collect();
        let identities = files.iter().map(|file| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let beside = |suffix: &str| {
                let mut name = file.as_os_str().to_owned();
                name.push(suffix);
                PathBuf::from(name)
            };
            let public = blob(&text)
                .or_else(|| blob(&fs::read_to_string(beside(".pub")).ok()?))
                .or_else(|| inside(&text));
            let contents = match contents(&text) {
                Contents::Nothing if blob(&text).is_some() => Contents::Public,
                contents => contents,
            };
            let own = |certificate: &&Certificate| match &public {
                Some(public) => is_certificate_of(&certificate.blob, public),
                // Then they can only be tried.
                None => true,
            };
            let mut certificates: Vec<Certificate> = named.iter().filter(own).cloned().collect();
            let beside = read(&beside("-cert.pub"));
            certificates.extend(beside.filter(|beside| {
                let mut others = certificates.iter();
                !others.any(|other| other.blob == beside.blob)
            }));
            Self {
                file: file.clone(),
                contents,
                public,
                certificates,
            }
        });
        identities.collect()
    }

    /// Whether a key of the agent is this one, or one of its certificates.
    pub(super) fn is(&self, key: &[u8]) -> bool {
        let public = self.public.as_deref();
        public.is_some_and(|public| public == key || is_certificate_of(key, public))
            || self.certificates.iter().any(|one| one.blob == key)
    }
}

/// A certificate, if there is one in a file.
fn read(file: &Path) -> Option<Certificate> {
    let blob = blob(&fs::read_to_string(file).ok()?)?;
    Some(Certificate {
        file: file.to_owned(),
        blob,
    })
}

/// What is in a file: libssh2 tells a locked key from a broken one by no code of its own.
fn contents(text: &str) -> Contents {
    if !text.contains("PRIVATE KEY-----") {
        return Contents::Nothing;
    }
    let head = body(text);
    let openssh = head.starts_with(MAGIC);
    let plain = head.get(15..23) == Some(b"\0\0\0\x04none".as_slice());
    if text.contains("ENCRYPTED") || openssh && !plain {
        Contents::Locked
    } else {
        Contents::Key
    }
}

/// See PROTOCOL.key of OpenSSH: this comes first, and then the cipher's name.
const MAGIC: &[u8] = b"openssh-key-v1\0";

/// What the lines between the first and the last say.
fn body(text: &str) -> Vec<u8> {
    let lines = text.lines().map(str::trim);
    let lines = lines
        .skip_while(|line| !line.starts_with("-----BEGIN"))
        .skip(1);
    let body: String = lines
        .take_while(|line| !line.starts_with("-----"))
        .collect();
    // Other forms than OpenSSH's have headers there.
    STANDARD.decode(body).unwrap_or_default()
}

/// The public half in a private key of OpenSSH's form, which is not encrypted.
fn inside(text: &str) -> Option<Vec<u8>> {
    let body = body(text);
    let rest = body.strip_prefix(MAGIC)?;
    let (_cipher, rest) = field(rest)?;
    let (_kdf, rest) = field(rest)?;
    let (_options, rest) = field(rest)?;
    let (public, _) = field(rest.get(4..)?)?;
    Some(public.to_vec())
}

/// The key of a line `TYPE BASE64 COMMENT`.
fn blob(text: &str) -> Option<Vec<u8>> {
    let line = text.lines().find(|line| !line.trim().is_empty())?;
    let mut words = line.split_whitespace();
    let (kind, key) = (words.next()?, words.next()?);
    let key = STANDARD.decode(key).ok()?;
    let (named, _) = field(&key)?;
    (named == kind.as_bytes()).then_some(key)
}

/// A field that begins with its length, and what comes after it (RFC 4251, section 5).
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(4)?;
    let length = u32::from_be_bytes(length.try_into().ok()?);
    rest.split_at_checked(usize::try_from(length).ok()?)
}

/// Whether a key is a certificate of another: after its type and a nonce it holds the same fields (PROTOCOL.certkeys of
/// OpenSSH).
pub(super) fn is_certificate_of(certificate: &[u8], public: &[u8]) -> bool {
    let fields = || {
        let (kind, rest) = field(certificate)?;
        let (_nonce, rest) = field(rest)?;
        let (plain, own) = field(public)?;
        let kind = std::str::from_utf8(kind).ok()?;
        let is_certificate = kind
            .strip_suffix("-cert-v01@openssh.com")
            .is_some_and(|kind| kind.as_bytes() == plain);
        (is_certificate && !own.is_empty()).then(|| rest.starts_with(own))
    };
    fields().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gharun_worlds::sshd;

    #[test]
    fn a_key_is_known_by_its_file_and_by_the_certificates_beside_it() {
        if let Err(why) = sshd::program() {
            return crate::providers::contract::skipped(&format!("files of keys: {why}"));
        }
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        sshd::keygen(&path("ca"), "ed25519", "");
        for (name, kind, phrase) in [
            ("ed", "ed25519", ""),
            ("rsa", "rsa", ""),
            ("ec", "ecdsa", ""),
            ("locked", "ed25519", "a phrase"),
        ] {
            sshd::keygen(&path(name), kind, phrase);
            let public = path(&format!("{name}.pub"));
            sshd::certify(&path("ca"), &public, "me");
            let text = fs::read_to_string(&public).unwrap();
            let blob = blob(&text).unwrap();
            let beside = path(&format!("{name}-cert.pub"));
            let elsewhere = path(&format!("of-{name}"));
            fs::rename(&beside, &elsewhere).unwrap();
            let certificate = read(&elsewhere).unwrap();
            // By its `.pub` beside it, by what is in it, and by the public half alone.
            for (file, contents) in [(path(name), None), (public.clone(), Some(Contents::Public))] {
                let all = Identity::all(&[file], std::slice::from_ref(&elsewhere));
                assert!(all[0].is(&blob) && all[0].is(&certificate.blob), "{name}");
                assert_eq!(all[0].certificates.len(), 1, "{name}");
                if let Some(contents) = contents {
                    assert_eq!(all[0].contents, contents);
                }
            }
            fs::remove_file(&public).unwrap();
            let all = Identity::all(&[path(name)], &[elsewhere]);
            assert!(all[0].is(&blob), "{name}");
            let locked = if phrase.is_empty() {
                Contents::Key
            } else {
                Contents::Locked
            };
            assert_eq!(all[0].contents, locked);
        }
        let others = Identity::all(&[path("ed")], &[path("of-rsa")]);
        assert!(others[0].certificates.is_empty(), "it is of another key");
        assert!(!is_certificate_of(&[], &[]));
    }
}
