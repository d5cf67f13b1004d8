//! GitHub Apps: who they are by their signature, where they are installed, which tokens they got.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;
use serde_json::Value;

use super::auth::Need;
use super::scope::Scope;
use super::wire::Answer;
use crate::random;

/// No signature may hold for longer (documentation, "Generating a JSON web token").
const LONGEST: i64 = 600;

/// An app, and where it is installed.
#[derive(Clone, Debug)]
pub struct Installation {
    /// GitHub's number of the app.
    pub app: u64,
    /// The app's client id.
    pub client_id: String,
    /// The app's public key, PEM.
    pub key: String,
    /// GitHub's number of the installation.
    pub id: u64,
    /// What it is installed on: `acme/app`, `enterprises/acme`, or `acme` with all its repositories.
    pub scopes: Vec<String>,
    /// What it may do: `administration` -> `write`.
    pub permissions: BTreeMap<String, String>,
    /// Whether the owner has put a stop to it.
    pub suspended: bool,
    /// How long its tokens are good for; GitHub's are for an hour.
    pub lasts: Duration,
}

impl Installation {
    fn covers(&self, scope: &Scope) -> bool {
        self.scopes.iter().map(|text| Scope::read(text)).any(|own| {
            own == *scope
                || matches!((&own, scope), (Scope::Org(org), Scope::Repo { owner, .. }) if org == owner)
        })
    }
}

/// A token that an app got.
#[derive(Clone, Debug)]
pub struct AppToken {
    /// The token.
    pub token: String,
    /// For which installation.
    pub installation: u64,
    /// For which repositories alone, by their names in lower case; all of the installation's when absent.
    pub repositories: Option<Vec<String>>,
    /// For what alone.
    pub permissions: BTreeMap<String, String>,
    /// Until when, by the stand-in's clock.
    pub end: Timestamp,
    /// Whether it was taken back before.
    pub revoked: bool,
}

/// All apps and tokens.
#[derive(Debug, Default)]
pub(super) struct Apps {
    pub(super) installations: Vec<Installation>,
    pub(super) tokens: Vec<AppToken>,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    iss: Value,
    #[serde(default)]
    iat: Value,
    #[serde(default)]
    exp: Value,
}

/// Whether a level of a permission is enough: to write is to read as well.
fn reaches(had: Option<&String>, wanted: &str) -> bool {
    had.is_some_and(|had| had == wanted || had == "write" || had == "admin")
}

impl Apps {
    /// The app that has signed a token, by its number.
    pub(super) fn signer(&self, token: Option<&str>, now: Timestamp) -> Result<u64, Answer> {
        let no = |message: &str| Answer::error(401, message);
        let token = token.ok_or_else(|| no("Requires authentication"))?;
        let undecoded = || no("A JSON web token could not be decoded");
        // Who it says it is, before it is known whether that is true.
        let claims: Claims = token
            .split('.')
            .nth(1)
            .and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok())
            .and_then(|claims| serde_json::from_slice(&claims).ok())
            .ok_or_else(undecoded)?;
        let issuer = match &claims.iss {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(no("Missing 'issuer' claim ('iss') in assertion")),
        };
        let app = self
            .installations
            .iter()
            .find(|one| one.app.to_string() == issuer || one.client_id == issuer)
            .ok_or_else(|| Answer::error(404, "Integration not found"))?;
        let mut rules = Validation::new(Algorithm::RS256);
        // By this clock, not by that of the computer.
        rules.validate_exp = false;
        rules.required_spec_claims.clear();
        let key = DecodingKey::from_rsa_pem(app.key.as_bytes()).map_err(|_| undecoded())?;
        decode::<Value>(token, &key, &rules).map_err(|_| undecoded())?;
        let now = now.as_second();
        let Some(exp) = claims.exp.as_i64().filter(|exp| *exp > now) else {
            return Err(no(
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
            ));
        };
        if exp - now > LONGEST {
            return Err(no(
                "'Expiration time' claim ('exp') is too far in the future",
            ));
        }
        if claims.iat.as_i64().is_none_or(|iat| iat > now) {
            return Err(no(
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
            ));
        }
        Ok(app.app)
    }

    /// Where an app is installed for a scope.
    pub(super) fn found(&self, app: u64, scope: &Scope) -> Option<&Installation> {
        let mut own = self.installations.iter().filter(|one| one.app == app);
        own.find(|one| one.covers(scope))
    }

    /// The login of the account that an installation belongs to.
    pub(super) fn owner(&self, id: u64) -> String {
        let found = self.installations.iter().find(|one| one.id == id);
        let scope = found.and_then(|one| one.scopes.first());
        scope.map(|scope| owner(scope)).unwrap_or_default()
    }

    /// Makes a token for less than an installation may do, or for all of it.
    pub(super) fn make(
        &mut self,
        app: u64,
        id: u64,
        repositories: Option<Vec<String>>,
        permissions: Option<BTreeMap<String, String>>,
        now: Timestamp,
    ) -> Result<&AppToken, Answer> {
        let mut own = self.installations.iter().filter(|one| one.app == app);
        let installation = own.find(|one| one.id == id).ok_or_else(Answer::not_found)?;
        if installation.suspended {
            return Err(Answer::error(403, "This installation has been suspended"));
        }
        let owners: Vec<String> = installation
            .scopes
            .iter()
            .map(|scope| owner(scope))
            .collect();
        for name in repositories.iter().flatten() {
            let covered = owners
                .iter()
                .any(|owner| installation.covers(&Scope::repo(owner, name)));
            if !covered {
                return Err(Answer::error(
                    422,
                    "There is at least one repository that does not exist or is not accessible to the parent installation.",
                ));
            }
        }
        let may = |(name, level): (&String, &String)| {
            name == "metadata" || reaches(installation.permissions.get(name), level)
        };
        if !permissions.iter().flatten().all(may) {
            return Err(Answer::error(
                422,
                "The permissions requested are not granted to this installation.",
            ));
        }
        let mut permissions = permissions.unwrap_or_else(|| installation.permissions.clone());
        permissions.insert("metadata".to_owned(), "read".to_owned());
        let lower = |names: Vec<String>| names.iter().map(|name| name.to_lowercase()).collect();
        self.tokens.push(AppToken {
            token: opaque(app),
            installation: id,
            repositories: repositories.map(lower),
            permissions,
            end: now.checked_add(installation.lasts).unwrap_or(now),
            revoked: false,
        });
        self.tokens.last().ok_or_else(Answer::not_found)
    }

    /// Takes a token back. False where it is none that is good.
    pub(super) fn revoke(&mut self, token: &str, now: Timestamp) -> bool {
        let good = |one: &&mut AppToken| one.token == token && one.is_good(now);
        let found = self.tokens.iter_mut().find(good);
        found.map(|one| one.revoked = true).is_some()
    }

    /// Refuses a request with the token of an app, or lets it pass; `None` where it is no app's.
    pub(super) fn judge(
        &self,
        token: &str,
        scope: Option<&Scope>,
        need: &Need,
        now: Timestamp,
    ) -> Option<Result<(), Answer>> {
        let bad = || Answer::error(401, "Bad credentials");
        let Some(known) = self.tokens.iter().find(|one| one.token == token) else {
            // A signature opens no other door than its own.
            return token.starts_with("eyJ").then(|| Err(bad()));
        };
        if !known.is_good(now) {
            return Some(Err(bad()));
        }
        if *need == Need::Nothing {
            return Some(Ok(()));
        }
        let mut installations = self.installations.iter();
        let installation = installations.find(|one| one.id == known.installation);
        let seen = |scope: &Scope| {
            let narrowed = match (scope, &known.repositories) {
                (Scope::Repo { name, .. }, Some(names)) => names.contains(name),
                _ => true,
            };
            narrowed && installation.is_some_and(|one| !one.suspended && one.covers(scope))
        };
        let refused = || Answer::error(403, "Resource not accessible by integration");
        match scope {
            // Everything here is private, and an organization can be seen by everybody.
            Some(scope @ Scope::Repo { .. }) if !seen(scope) => {
                return Some(Err(Answer::not_found()));
            }
            Some(scope) if !seen(scope) => return Some(Err(refused())),
            _ => {}
        }
        let wanted = match need {
            Need::Runners(None) => return Some(Err(refused())),
            Need::Runners(Some(wanted)) => wanted.as_str(),
            Need::Runs => "actions=read",
            Need::Nothing | Need::Own | Need::Sight => return Some(Ok(())),
        };
        let (name, level) = wanted.split_once('=').unwrap_or((wanted, "write"));
        Some(if reaches(known.permissions.get(name), level) {
            Ok(())
        } else {
            Err(refused())
        })
    }
}

impl AppToken {
    /// Whether it opens anything at this time of the stand-in's.
    pub fn is_good(&self, now: Timestamp) -> bool {
        !self.revoked && now < self.end
    }
}

fn owner(scope: &str) -> String {
    Scope::read(scope).owner().to_owned()
}

/// A token of the form that GitHub gives out since April 2026: `ghs_APPID_JWT`, about 520 characters.
fn opaque(app: u64) -> String {
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    let head = part("{\"alg\":\"RS256\",\"typ\":\"JWT\"}".to_owned());
    format!(
        "ghs_{app}_{head}.{}-.{}",
        part(random(90)),
        part(random(255))
    )
}
