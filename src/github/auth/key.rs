//! The private key of a GitHub App: read from whatever form it was pasted in, and signed with.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;

use crate::model::Secret;

/// How long before "now" a signature begins to hold, in seconds, and how long after it ends. GitHub's
/// documentation ("Generating a JSON web token") asks for a minute against clocks that differ, and
/// takes nothing that holds for more than ten minutes; the tenth is left to such clocks, too.
const BEFORE: i64 = 60;
const AFTER: i64 = 9 * 60;
/// A base64 text is taken for a key only from this length on: a path may look like one.
const LONG: usize = 256;
/// The width of a line of PEM (RFC 7468).
const LINE: usize = 64;
/// The name of RSA in a PKCS#8 key (RFC 8017, A.1), in DER.
const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";

/// An RSA private key. It can sign.
#[derive(Clone, PartialEq, Eq)]
pub struct AppKey {
    label: &'static str,
    lines: Secret,
}

impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppKey").finish_non_exhaustive()
    }
}

/// Why a text is no private key that an app could sign with. It never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// A certificate.
    #[error("is a certificate")]
    Certificate,
    /// Its end is missing.
    #[error("is cut off: the line `-----END …-----` is missing")]
    CutOff,
    /// What is between its first and last line cannot be read.
    #[error("is damaged: it must be a key of at least 2048 bits")]
    Damaged,
    /// Nothing.
    #[error("is empty")]
    Empty,
    /// It needs a passphrase.
    #[error("is encrypted with a passphrase")]
    Encrypted,
    /// What GitHub shows beside a key.
    #[error("is the fingerprint of a key")]
    Fingerprint,
    /// Elliptic curves and the like.
    #[error("is not an RSA key")]
    NotRsa,
    /// No key at all.
    #[error("is not a key in PEM format")]
    NotPem,
    /// Where the key is.
    #[error("is the path of a file instead of its content")]
    Path,
    /// The other half.
    #[error("is a public key")]
    Public,
    /// Made by `ssh-keygen`.
    #[error("is an SSH key")]
    Ssh,
}

impl BadKey {
    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Path => {
                "name the file with `private_key = { file = \"PATH\" }` under [github.app] in \
                 providers.toml"
            }
            Self::Encrypted => {
                "remove the passphrase with `openssl rsa -in KEY.pem -out PLAIN.pem`, or use the \
                 file as downloaded from GitHub"
            }
            Self::CutOff => {
                "use the whole file; where only one line fits, write `\\n` for each line end, or \
                 the output of `base64 -w0 KEY.pem`"
            }
            _ => {
                "use the `.pem` file from \"Private keys\" on the app's page: it begins with \
                 `-----BEGIN RSA PRIVATE KEY-----`"
            }
        }
    }
}

#[derive(Serialize)]
struct AppClaims<'a> {
    iat: i64,
    exp: i64,
    iss: &'a str,
}

impl AppKey {
    /// Reads a key in PKCS#1 or PKCS#8, as PEM or as the base64 of a PEM. Line ends may be written as
    /// `\n`, be blanks or be missing, and there may be quotation marks round it: variables lose much.
    pub fn read(text: &str) -> Result<Self, BadKey> {
        let text = text.replace("\\r", "\r").replace("\\n", "\n");
        let text = text.trim_matches(|c: char| c.is_whitespace() || "\"'`".contains(c));
        if text.is_empty() {
            return Err(BadKey::Empty);
        }
        if !text.contains("-----BEGIN ") {
            let inner = unwrapped(text).ok_or_else(|| no_pem(text))?;
            return Self::of_pem(&inner);
        }
        Self::of_pem(text)
    }

    fn of_pem(text: &str) -> Result<Self, BadKey> {
        let mut blocks = text.split("-----BEGIN ").skip(1);
        // A key may come after its parameters or a certificate.
        let private = |block: &&str| label(block).contains("PRIVATE KEY");
        let block = blocks.clone().find(private).or_else(|| blocks.next());
        let block = block.ok_or(BadKey::NotPem)?;
        let known = match label(block) {
            "RSA PRIVATE KEY" => "RSA PRIVATE KEY",
            "PRIVATE KEY" => "PRIVATE KEY",
            "ENCRYPTED PRIVATE KEY" => return Err(BadKey::Encrypted),
            label if label.starts_with("EC ") || label.starts_with("DSA ") => {
                return Err(BadKey::NotRsa);
            }
            label if label.contains("SSH") => return Err(BadKey::Ssh),
            label if label.ends_with("PUBLIC KEY") => return Err(BadKey::Public),
            label if label.contains("CERTIFICATE") => return Err(BadKey::Certificate),
            _ => return Err(BadKey::NotPem),
        };
        let (_, rest) = block.split_once("-----").ok_or(BadKey::CutOff)?;
        let (body, _) = rest.split_once("-----END ").ok_or(BadKey::CutOff)?;
        if body.contains("Proc-Type") {
            return Err(BadKey::Encrypted);
        }
        let body: String = body.split_whitespace().collect();
        let der = STANDARD.decode(&body).map_err(|_| BadKey::Damaged)?;
        if known == "PRIVATE KEY" && !der.windows(RSA.len()).any(|part| part == RSA) {
            return Err(BadKey::NotRsa);
        }
        let lines: Vec<&str> = body
            .as_bytes()
            .chunks(LINE)
            // It is base64, hence ASCII.
            .map(|line| std::str::from_utf8(line).unwrap_or_default())
            .collect();
        let key = Self {
            label: known,
            lines: Secret::new(lines.join("\n")),
        };
        // What is damaged inside shows only when it is used.
        key.sign("", Timestamp::UNIX_EPOCH)
            .map(|_| key)
            .ok_or(BadKey::Damaged)
    }

    /// The key without the first and the last line of its PEM, which are no secrets.
    pub fn secret(&self) -> &Secret {
        &self.lines
    }

    /// A JSON web token by which the app `issuer` shows who it is, from `now` by GitHub's clock;
    /// `None` where this key cannot sign.
    pub(super) fn sign(&self, issuer: &str, now: Timestamp) -> Option<Secret> {
        let (label, lines) = (self.label, self.lines.expose());
        let pem = format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n");
        let key = EncodingKey::from_rsa_pem(pem.as_bytes()).ok()?;
        let claims = AppClaims {
            iat: now.as_second() - BEFORE,
            exp: now.as_second() + AFTER,
            iss: issuer,
        };
        let token = encode(&Header::new(Algorithm::RS256), &claims, &key).ok()?;
        Some(Secret::new(token))
    }
}

fn label(block: &str) -> &str {
    block.split("-----").next().unwrap_or_default().trim()
}

/// The PEM in a base64 text.
fn unwrapped(text: &str) -> Option<String> {
    let text: String = text.split_whitespace().collect();
    if text.len() < LONG {
        return None;
    }
    let inner = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    inner.contains("-----BEGIN ").then_some(inner)
}

/// What a text is that is no PEM.
fn no_pem(text: &str) -> BadKey {
    let ssh = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"];
    let one_line = !text.contains('\n') && text.len() <= LONG;
    let of_file = |ending| text.to_lowercase().ends_with(ending);
    if ssh.iter().any(|beginning| text.starts_with(beginning)) {
        BadKey::Ssh
    } else if text.starts_with("SHA256:") {
        BadKey::Fingerprint
    } else if one_line && (text.contains('/') || [".pem", ".key", ".txt"].iter().any(of_file)) {
        BadKey::Path
    } else {
        BadKey::NotPem
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation, decode};
    use serde_json::Value;

    use super::*;
    use gharun_worlds::keys::{self, Pair};

    #[test]
    fn a_key_is_read_in_every_form_that_it_is_pasted_in() {
        let Pair {
            pkcs1,
            pkcs8,
            public,
        } = keys::rsa();
        let base64 = |text: &str| STANDARD.encode(text);
        for text in [
            pkcs1.clone(),
            pkcs8.clone(),
            pkcs1.replace('\n', "\r\n"),
            pkcs1.replace('\n', "\\n"),
            pkcs8.replace('\n', "\\r\\n"),
            pkcs1.replace('\n', " "),
            pkcs8.replace('\n', ""),
            format!("\n  \"{}\" \n", pkcs1.replace('\n', "\\n")),
            format!("'{pkcs8}'"),
            base64(pkcs1),
            base64(&pkcs8.replace('\n', "\r\n")),
            format!(" {}\n", base64(pkcs1).as_str().split_at(76).0) + base64(pkcs1).split_at(76).1,
            format!("{public}{pkcs1}"),
        ] {
            let key = AppKey::read(&text).unwrap_or_else(|why| panic!("{why}: {text}"));
            let now = Timestamp::from_second(1_800_000_000).unwrap();
            let token = key.sign("Iv1.x", now).expect("it signs");
            let public = DecodingKey::from_rsa_pem(public.as_bytes()).unwrap();
            let mut rules = Validation::new(Algorithm::RS256);
            rules.validate_exp = false;
            let read = decode::<Value>(token.expose(), &public, &rules).unwrap();
            assert_eq!(
                read.claims,
                serde_json::json!({"iat": 1_799_999_940, "exp": 1_800_000_540, "iss": "Iv1.x"})
            );
        }
    }

    #[test]
    fn a_wrong_key_is_told_what_it_is_and_not_shown() {
        let Pair { pkcs1, public, .. } = keys::rsa();
        let block = |label: &str| {
            pkcs1
                .replace("RSA PRIVATE KEY", label)
                .replace("MII", "MIIx")
        };
        let half = &pkcs1[..pkcs1.len() / 2];
        let damaged = pkcs1.replacen(&pkcs1[200..204], "AAAA", 1);
        let encrypted = pkcs1.replacen(
            "-----\n",
            "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n",
            1,
        );
        for (text, wrong) in [
            ("", BadKey::Empty),
            ("''", BadKey::Empty),
            ("hunter2", BadKey::NotPem),
            ("0123456789abcdef0123456789abcdef01234567", BadKey::NotPem),
            (&STANDARD.encode(half.repeat(2)), BadKey::CutOff),
            (&STANDARD.encode("hunter2".repeat(99)), BadKey::NotPem),
            ("/run/secrets/app", BadKey::Path),
            ("~/hunter2.2026-01-01.private-key.pem", BadKey::Path),
            ("hunter2.pem", BadKey::Path),
            ("SHA256:aHVudGVyMg==", BadKey::Fingerprint),
            ("ssh-rsa AAAAhunter2 me@host", BadKey::Ssh),
            (&block("OPENSSH PRIVATE KEY"), BadKey::Ssh),
            (public, BadKey::Public),
            (&block("RSA PUBLIC KEY"), BadKey::Public),
            (&block("CERTIFICATE"), BadKey::Certificate),
            (&block("ENCRYPTED PRIVATE KEY"), BadKey::Encrypted),
            (&encrypted, BadKey::Encrypted),
            (&block("EC PRIVATE KEY"), BadKey::NotRsa),
            (keys::elliptic(), BadKey::NotRsa),
            (&block("SOMETHING"), BadKey::NotPem),
            (half, BadKey::CutOff),
            ("-----BEGIN RSA PRIVATE KEY-----", BadKey::CutOff),
            ("-----BEGIN RSA PRIVATE KEY", BadKey::CutOff),
            (&damaged, BadKey::Damaged),
            (&block("RSA PRIVATE KEY"), BadKey::Damaged),
        ] {
            let why = AppKey::read(text).expect_err(text);
            assert_eq!(why, wrong, "{text}");
            let told = format!("{why}{}", why.hint());
            assert!(!told.contains("hunter2"), "{told}");
        }
    }

    #[test]
    fn no_cut_of_a_key_is_more_than_an_error() {
        let Pair { pkcs8, .. } = keys::rsa();
        let body: String = pkcs8
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect();
        let der = STANDARD.decode(body).unwrap();
        for end in (0..der.len()).step_by(7) {
            let text = STANDARD.encode(&der[..end]);
            let text = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----");
            assert!(AppKey::read(&text).is_err(), "{end}");
        }
    }

    #[test]
    fn neither_a_key_nor_what_is_wrong_with_it_shows_it() {
        let Pair { pkcs1, .. } = keys::rsa();
        let key = AppKey::read(pkcs1).unwrap();
        let line = pkcs1.lines().nth(1).unwrap();
        assert!(key.secret().expose().starts_with(line));
        assert!(!format!("{key:?}").contains(line));
    }
}
