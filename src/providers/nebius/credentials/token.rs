//! The token: got once for all who wait for it, kept in memory, got anew before its end or when it is refused.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use super::{AccountKey, CredentialSource, HINT, word};
use crate::http::{Bounds, Deadline};
use crate::model::{Secret, lock};
use crate::providers::common::attempt::Attempt;
use crate::providers::common::rest::{CallFailure, Rest};
use crate::providers::{Error, ErrorKind, Result};

/// How long before its end a token is replaced, at most.
const EARLY: Duration = Duration::from_mins(5);
/// How long a token of a file, whose end nobody tells, is used before the file is read again.
const FILE: Duration = Duration::from_mins(1);
/// How long a token is taken to last of which nobody tells.
const UNTOLD: Duration = Duration::from_mins(30);

/// RFC 8693, and its names for what is exchanged (section 3).
const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// Hands out tokens.
#[derive(Debug)]
pub(in super::super) struct TokenProvider {
    source: CredentialSource,
    exchange: Rest,
    state: Mutex<TokenState>,
}

#[derive(Debug, Default)]
struct TokenState {
    attempt: Arc<Attempt<CachedToken>>,
    held: Option<CachedToken>,
}

/// A token, and when another one is due.
#[derive(Clone, Debug)]
struct CachedToken {
    token: Secret,
    due: Option<Instant>,
}

impl CachedToken {
    fn lasting(token: Secret, lasts: Duration) -> Self {
        // One that lasts for a minute is not replaced at once.
        let early = EARLY.min(lasts / 5);
        Self {
            token,
            due: Instant::now().checked_add(lasts.saturating_sub(early)),
        }
    }

    fn is_stale(&self, refused: Option<&Secret>) -> bool {
        self.due.is_some_and(|due| due <= Instant::now()) || refused == Some(&self.token)
    }
}

#[derive(Deserialize)]
struct Exchanged {
    access_token: Secret,
    expires_in: Option<Number>,
}

/// A number as JSON has it, or as proto3 JSON writes one of 64 bits.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Plain(u64),
    Text(String),
}

impl TokenProvider {
    /// Hands out the tokens of a source; `exchange` is the whole address of the exchange.
    pub(in super::super) fn new(
        source: CredentialSource,
        exchange: Url,
        bounds: Bounds,
    ) -> Result<Self> {
        Ok(Self {
            source,
            exchange: Rest::new(exchange, bounds)?,
            state: Mutex::default(),
        })
    }

    /// Where they come from.
    pub(in super::super) fn source(&self) -> &CredentialSource {
        &self.source
    }

    /// Whether a token that was refused can be replaced.
    pub(in super::super) fn renews(&self) -> bool {
        matches!(
            self.source,
            CredentialSource::Key(_) | CredentialSource::TokenFile(_)
        )
    }

    /// A token that is good, as far as is known: not `refused`, which a server has refused.
    pub(in super::super) async fn get(&self, refused: Option<&Secret>) -> Result<Secret> {
        let attempt = {
            let mut state = lock(&self.state);
            if state
                .held
                .as_ref()
                .is_some_and(|held| held.is_stale(refused))
            {
                *state = TokenState::default();
            }
            Arc::clone(&state.attempt)
        };
        let held = attempt.get(async || self.obtain().await).await?;
        let mut state = lock(&self.state);
        if Arc::ptr_eq(&state.attempt, &attempt) {
            state.held = Some(held.clone());
        }
        Ok(held.token)
    }

    async fn obtain(&self) -> Result<CachedToken> {
        match &self.source {
            CredentialSource::Nowhere(why) => Err(CredentialSource::missing(why)),
            CredentialSource::Token(token) => Ok(CachedToken {
                token: token.clone(),
                due: None,
            }),
            CredentialSource::TokenFile(path) => Ok(CachedToken::lasting(of_file(path)?, FILE)),
            CredentialSource::Key(key) => self.exchange(key).await,
        }
    }

    async fn exchange(&self, key: &AccountKey) -> Result<CachedToken> {
        let doing = || {
            let (account, origin) = (key.account(), key.origin());
            format!("could not get a token for `{account}` with the key of {origin}")
        };
        let signed = key
            .sign(Timestamp::now())
            .ok_or_else(|| Error::new(ErrorKind::Config, doing()).because("its key cannot sign"))?;
        let call = self
            .exchange
            .call(Method::POST, &[])
            .form(&[
                ("grant_type", GRANT),
                ("requested_token_type", ACCESS_TOKEN),
                ("subject_token", signed.expose()),
                ("subject_token_type", JWT),
            ])
            // It changes nothing.
            .repeatable()
            .secret();
        let term = Deadline::until(self.exchange.client().deadline());
        let refused = |failure: &CallFailure| matches!(failure.status(), Some(400..=404));
        let answer: Exchanged = call.fetch(&term).await.map_err(|failure| {
            match (refused(&failure), failure.body()) {
                // There it is never the request's fault, but the key's.
                (true, Some(_)) => {
                    let (account, public) = (key.account(), key.public());
                    let error = failure.meaning(ErrorKind::Denied).explain(doing());
                    error
                        .hinted(format!(
                            "see whether the account still has this key, `{public}`: `nebius iam \
                             auth-public-key list-by-account --account-service-account-id {account}`"
                        ))
                        .hinted(format!(
                            "if not, make a new one: `nebius iam auth-public-key generate \
                             --service-account-id {account} --output FILE`"
                        ))
                        .hinted("if it has, this computer's clock is wrong: compare `date -u`")
                }
                // Somebody between answered, who knows nothing of keys.
                (true, None) => failure.meaning(ErrorKind::Unavailable).explain(doing()),
                (false, _) => failure.explain(doing()),
            }
        })?;
        let lasts = match answer.expires_in {
            Some(Number::Plain(seconds)) => Duration::from_secs(seconds),
            Some(Number::Text(text)) => text.parse().map_or(UNTOLD, Duration::from_secs),
            None => UNTOLD,
        };
        Ok(CachedToken::lasting(answer.access_token, lasts))
    }
}

fn of_file(path: &Path) -> Result<Secret> {
    let bad = |kind, why: &str| {
        let what = format!("the token in `{}` {why}", path.display());
        Error::new(kind, what).hinted(HINT)
    };
    let text = std::fs::read_to_string(path).map_err(|error| {
        // Whoever renews it may be just about to write it.
        let kind = match error.kind() {
            io::ErrorKind::NotFound => ErrorKind::Unavailable,
            _ => ErrorKind::Denied,
        };
        bad(kind, "could not be read").because(error)
    })?;
    word(&text).ok_or_else(|| {
        let kind = if text.is_empty() {
            ErrorKind::Unavailable
        } else {
            ErrorKind::Denied
        };
        bad(kind, "must be one word of visible characters")
    })
}
