//! Tokens: what a service account's signed word is exchanged for.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Value, json};

/// What the official SDK says whom its word is for; it may be left out.
pub(super) const AUDIENCE: &str = "token-service.iam.new.nebiuscloud.net";
/// For how many seconds a signed word may hold.
const LONGEST: u64 = 300;
/// By how many seconds clocks may differ.
const LEEWAY: u64 = 30;

/// A service account and its key.
#[derive(Clone)]
pub struct Account {
    /// `serviceaccount-…`
    pub id: String,
    /// `publickey-…`
    pub key_id: String,
    /// The private key, PEM.
    pub private: String,
    public: Vec<u8>,
}

/// What Nebius knows of it.
pub(super) struct Public {
    id: String,
    key_id: String,
    key: Vec<u8>,
}

pub(super) fn random(bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer).expect("the operating system gives random bytes");
    buffer.iter().fold(String::new(), |mut text, byte| {
        text.push(char::from(b"0123456789abcdef"[usize::from(byte >> 4)]));
        text.push(char::from(b"0123456789abcdef"[usize::from(byte & 15)]));
        text
    })
}

impl Account {
    pub(super) fn make() -> Self {
        let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let der = pair.as_der().expect("a key as PKCS#8");
        let lines: Vec<String> = STANDARD
            .encode(der.as_ref())
            .as_bytes()
            .chunks(64)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        // In two parts: this is no key.
        let label = ["PRIVATE", "KEY"].join(" ");
        Self {
            id: format!("serviceaccount-e00{}", random(8)),
            key_id: format!("publickey-e00{}", random(8)),
            private: format!(
                "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
                lines.join("\n")
            ),
            public: pair.public_key().as_ref().to_vec(),
        }
    }

    pub(super) fn public(&self) -> Public {
        Public {
            id: self.id.clone(),
            key_id: self.key_id.clone(),
            key: self.public.clone(),
        }
    }

    /// The key file, as `nebius iam auth-public-key generate` writes it.
    pub fn file(&self) -> String {
        let file = json!({"subject-credentials": {
            "type": "JWT",
            "alg": "RS256",
            "private-key": self.private,
            "kid": self.key_id,
            "iss": self.id,
            "sub": self.id,
        }});
        file.to_string()
    }
}

/// All accounts and tokens.
#[derive(Default)]
pub(super) struct Tokens {
    pub(super) accounts: Vec<Public>,
    issued: Vec<(String, Option<Instant>)>,
    /// What was exchanged already.
    pub(super) exchanges: usize,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    iat: u64,
    exp: u64,
    aud: Option<Value>,
}

impl Tokens {
    /// A new token, good for this long.
    pub(super) fn issue(&mut self, lasts: Duration, now: Instant) -> String {
        let token = format!("v1.stand-in-{}", random(16));
        self.issued.push((token.clone(), now.checked_add(lasts)));
        token
    }

    pub(super) fn expire(&mut self) {
        let now = Instant::now();
        for (_, end) in &mut self.issued {
            *end = Some(now);
        }
    }

    /// Whether a request's header says who it is; if not, why.
    pub(super) fn judge(&self, header: Option<&str>, now: Instant) -> Result<(), &'static str> {
        let token = header
            .ok_or("there is no token")?
            .strip_prefix("Bearer ")
            .ok_or("the token is no bearer's")?;
        let issued = self.issued.iter().find(|(own, _)| own == token);
        match issued {
            None => Err("the token is unknown"),
            Some((_, Some(end))) if *end <= now => Err("the token has expired"),
            Some(_) => Ok(()),
        }
    }

    /// Judges a signed word (RFC 8693); the answer's status and body.
    pub(super) fn exchange(&mut self, form: &Value, lasts: Duration, now: Instant) -> (u16, Value) {
        match self.verify(form) {
            Ok(()) => {
                self.exchanges += 1;
                let token = self.issue(lasts, now);
                let answer = json!({
                    "access_token": token,
                    "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
                    "token_type": "Bearer",
                    "expires_in": lasts.as_secs(),
                });
                (200, answer)
            }
            Err((error, why)) => (400, json!({"error": error, "error_description": why})),
        }
    }

    fn verify(&self, form: &Value) -> Result<(), (&'static str, String)> {
        const URN: &str = "urn:ietf:params:oauth:";
        for (key, value) in [
            ("grant_type", "grant-type:token-exchange"),
            ("requested_token_type", "token-type:access_token"),
            ("subject_token_type", "token-type:jwt"),
        ] {
            if form[key] != format!("{URN}{value}") {
                return Err(("invalid_request", format!("{key} is {}", form[key])));
            }
        }
        let bad = |why: String| ("invalid_grant", why);
        let jwt = form["subject_token"].as_str().unwrap_or_default();
        let header = decode_header(jwt).map_err(|error| bad(error.to_string()))?;
        if header.alg != Algorithm::RS256 {
            return Err(bad("the algorithm is not RS256".to_owned()));
        }
        let kid = header.kid.unwrap_or_default();
        let account = self.accounts.iter().find(|account| account.key_id == kid);
        let account = account.ok_or_else(|| bad(format!("there is no key {kid}")))?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.leeway = LEEWAY;
        validation.validate_aud = false;
        let key = DecodingKey::from_rsa_der(&account.key);
        let claims = decode::<Claims>(jwt, &key, &validation)
            .map_err(|error| bad(error.to_string()))?
            .claims;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("it is after 1970")
            .as_secs();
        if claims.iss != account.id || claims.sub != account.id {
            return Err(bad(format!("the key is not {}'s", claims.iss)));
        }
        if claims.iat > now + LEEWAY || claims.exp > claims.iat + LONGEST {
            return Err(bad(format!("it is for {}..{}", claims.iat, claims.exp)));
        }
        if claims.aud.is_some_and(|aud| aud != AUDIENCE) {
            return Err(bad("it is for another".to_owned()));
        }
        Ok(())
    }
}
