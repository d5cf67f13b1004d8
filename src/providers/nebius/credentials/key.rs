//! The key of a service account, and what it signs.

use std::fmt;
use std::path::Path;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::{Deserialize, Serialize};

use super::read;
use crate::model::Secret;

/// How long a signature holds, in seconds; Nebius takes none that holds for more than five minutes.
/// <https://docs.nebius.com/iam/service-accounts/access-tokens>
const HOLDS: i64 = 4 * 60;
/// Whom it is for, as Nebius's own clients write it.
const AUDIENCE: &str = "token-service.iam.new.nebiuscloud.net";

/// The key of a service account. It can sign.
#[derive(Clone)]
pub(in super::super) struct AccountKey {
    account: String,
    /// `publickey-…`.
    public: String,
    private: Secret,
    /// Where it was read, as the setting is called.
    origin: String,
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountKey")
            .field("account", &self.account)
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct ServiceAccountFile {
    #[serde(rename = "subject-credentials")]
    credentials: SubjectCredentials,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct SubjectCredentials {
    alg: Option<String>,
    private_key: Secret,
    kid: String,
    iss: String,
    sub: String,
}

#[derive(Serialize)]
struct AccountClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

impl AccountKey {
    /// Takes a key in the PEM form.
    ///
    /// # Errors
    ///
    /// Why it cannot sign, as the end of a sentence about where it came from. It never holds the key.
    pub(super) fn new(account: String, public: String, private: Secret) -> Result<Self, String> {
        // Its own error may quote what it could not read.
        EncodingKey::from_rsa_pem(private.expose().as_bytes())
            .map_err(|_| "does not hold an RSA private key in PEM format".to_owned())?;
        Ok(Self {
            account,
            public,
            private,
            origin: String::new(),
        })
    }

    /// The same key, and where it was read.
    pub(super) fn read_from(self, origin: impl Into<String>) -> Self {
        let origin = origin.into();
        Self { origin, ..self }
    }

    /// Where it was read: a setting, and its file.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// `publickey-…`.
    pub(super) fn public(&self) -> &str {
        &self.public
    }

    /// Reads a key file.
    ///
    /// # Errors
    ///
    /// Why it is none, as the end of a sentence about the file.
    pub(super) fn load(path: &Path) -> Result<Self, String> {
        Self::parse(&read(path)?)
    }

    /// Reads the text of a key file.
    ///
    /// # Errors
    ///
    /// Why it is none, as the end of a sentence about it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        // Serde may quote what did not fit, and that may be the key.
        let file: ServiceAccountFile = serde_json::from_str(text).map_err(|error| {
            format!(
                "is not a valid key file: `subject-credentials` is malformed at line {}",
                error.line()
            )
        })?;
        let credentials = file.credentials;
        if credentials.alg.is_some_and(|alg| alg != "RS256") {
            return Err("must hold a key for RS256".to_owned());
        }
        if credentials.iss != credentials.sub {
            return Err("must name one service account, not two".to_owned());
        }
        Self::new(credentials.sub, credentials.kid, credentials.private_key)
    }

    /// `serviceaccount-…`.
    pub(super) fn account(&self) -> &str {
        &self.account
    }

    /// Signs for a token. `None`: the key cannot sign.
    pub(super) fn sign(&self, now: Timestamp) -> Option<Secret> {
        let key = EncodingKey::from_rsa_pem(self.private.expose().as_bytes()).ok()?;
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.public.clone());
        let iat = now.as_second();
        let claims = AccountClaims {
            iss: &self.account,
            sub: &self.account,
            aud: AUDIENCE,
            iat,
            exp: iat + HOLDS,
        };
        encode(&header, &claims, &key).ok().map(Secret::new)
    }
}
