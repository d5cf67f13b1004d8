//! Where the token comes from, and when another one is needed.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep, timeout_at};

use super::refusals::Whereabouts;
use super::wire::Wire;
use super::{ClientEvent, Error, ErrorKind, Observer, Result};
use crate::model::{Secret, SecretSource, chain, later};

mod app;
mod config;
mod key;
mod session;
#[cfg(test)]
mod tests;

use app::{InstallationToken, TokenIssuer};
pub use config::GitHubApp;
pub use key::AppKey;

/// How long before its end a token is replaced.
const EARLY: Duration = Duration::from_mins(5);
/// How long that may hold up whoever needs a token while the old one is good still, and how long
/// it is left alone when it did not work.
const EARLY_TAKES: Duration = Duration::from_secs(10);
const EARLY_AGAIN: Duration = Duration::from_secs(30);
/// A token that was made a moment ago is at times not known everywhere at GitHub; its own clients
/// (octokit's `auth-app`) put up with that for five seconds.
const YOUNG: Duration = Duration::from_secs(5);
const SPREADS: Duration = Duration::from_secs(1);

/// Where a token comes from. Which one is used is decided by `settings`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// A GitHub App: its tokens are made for the client's scope, an hour each.
    App(GitHubApp),
    /// A source that is read, and read again after a 401 where that may bring another token.
    Source {
        /// Where it is kept.
        source: SecretSource,
        /// What an error calls it: the setting, and where that stands; `None` where no setting names it.
        called: Option<String>,
    },
}

impl TokenSource {
    /// A token that is given as it is.
    pub fn literal(secret: Secret) -> Self {
        Self::kept(SecretSource::Literal(secret))
    }

    /// A token that is kept somewhere, and that no setting names.
    pub fn kept(source: SecretSource) -> Self {
        Self::Source {
            source,
            called: None,
        }
    }

    /// Where the token is from; `None` where nobody can put another one there.
    pub(super) fn whereabouts(&self) -> Option<Whereabouts> {
        let Self::Source {
            source,
            called: Some(called),
        } = self
        else {
            return None;
        };
        let kept = match source {
            SecretSource::Literal(_) => {
                return Some(Whereabouts {
                    kept: called.clone(),
                    named: None,
                });
            }
            SecretSource::Variable { name, .. } => format!("`${name}`"),
            SecretSource::File(path) => format!("`{}`", path.display()),
            SecretSource::Command(words) => {
                let program = words.first().map_or("", String::as_str);
                format!("the output of the command `{program}`")
            }
        };
        Some(Whereabouts {
            kept,
            named: Some(called.clone()),
        })
    }

    /// Whether asking again may bring another token.
    fn renews(&self) -> bool {
        match self {
            Self::App(_) => true,
            Self::Source { source, .. } => source.renews(),
        }
    }
}

/// Hands out the token, got once, and got anew when it is about to end or is refused.
#[derive(Debug)]
pub(super) struct Auth {
    source: Option<TokenSource>,
    state: Mutex<TokenState>,
    observer: Observer,
}

#[derive(Debug, Default)]
struct TokenState {
    held: Option<CachedToken>,
    issuer: TokenIssuer,
}

/// The token that is in use.
#[derive(Debug)]
struct CachedToken {
    token: Secret,
    made: Instant,
    deadline: Option<TokenLifetime>,
}

/// Until when a token holds, by GitHub's clock.
#[derive(Clone, Copy, Debug)]
struct TokenLifetime {
    renew: Timestamp,
    end: Timestamp,
}

impl TokenLifetime {
    /// For a token that is new at `now`: it is replaced [`EARLY`], or after half its life.
    fn new(now: Timestamp, end: Timestamp) -> Self {
        let life = Duration::try_from(end.duration_since(now)).unwrap_or_default();
        let early = EARLY.min(life / 2);
        let renew = end.checked_sub(early).unwrap_or(end);
        Self { renew, end }
    }
}

impl Auth {
    pub(super) fn new(source: Option<TokenSource>, observer: Observer) -> Self {
        Self {
            source,
            state: Mutex::default(),
            observer,
        }
    }

    /// The token; `None` where there is no source. Many callers at once ask the source once.
    pub(super) async fn token(&self, wire: &Wire, by: Instant) -> Result<Option<Secret>> {
        let Some(source) = &self.source else {
            return Ok(None);
        };
        let mut state = self.lock(by).await?;
        let now = wire.clock();
        let due = |held: &CachedToken| held.deadline.is_some_and(|deadline| deadline.renew <= now);
        let good = |held: &CachedToken| held.deadline.is_none_or(|deadline| now < deadline.end);
        match &state.held {
            Some(held) if !due(held) => return Ok(Some(held.token.clone())),
            Some(held) if good(held) => {}
            _ => return self.get(source, &mut state, wire, by).await.map(Some),
        }
        let soon = by.min(Instant::now() + EARLY_TAKES);
        match self.get(source, &mut state, wire, soon).await {
            Ok(token) => Ok(Some(token)),
            Err(error) => {
                tracing::debug!(%error, "keeping the old token");
                let again = later(now, EARLY_AGAIN);
                Ok(state.held.as_mut().map(|held| {
                    held.deadline = held.deadline.map(|deadline| TokenLifetime {
                        renew: again.min(deadline.end),
                        ..deadline
                    });
                    held.token.clone()
                }))
            }
        }
    }

    /// Another token in the place of one that was refused; `None` where there is no other.
    pub(super) async fn renewed(
        &self,
        refused: &Secret,
        wire: &Wire,
        by: Instant,
    ) -> Result<Option<Secret>> {
        let Some(source) = self.source.as_ref().filter(|source| source.renews()) else {
            return Ok(None);
        };
        let mut state = self.lock(by).await?;
        let refused_one = state.held.take_if(|held| held.token == *refused);
        if let Some(old) = refused_one {
            state.issuer.forget(refused);
            let age = old.made.elapsed();
            self.get(source, &mut state, wire, by).await?;
            if old.deadline.is_some() && age < YOUNG {
                sleep(SPREADS).await;
            }
        } else if state.held.is_none() {
            self.get(source, &mut state, wire, by).await?;
        }
        let held = state.held.as_ref().map(|held| held.token.clone());
        Ok(held.filter(|token| token != refused))
    }

    /// Takes back the tokens that were made for an app, as far as that succeeds until `by`: each of
    /// them would be good for the rest of its hour.
    pub(super) async fn revoke(&self, wire: &Wire, by: Instant) {
        let grants = match self.lock(by).await {
            Ok(mut state) => {
                let grants = state.issuer.take();
                if !grants.is_empty() {
                    state.held = None;
                }
                grants
            }
            Err(error) => return tracing::debug!(%error, "could not revoke tokens"),
        };
        let now = wire.clock();
        let open = grants.into_iter().filter(|grant| grant.end > now);
        let taken = open.map(|grant| async move {
            if let Err(error) = grant.revoke(wire, by).await {
                // It ends by itself within the hour.
                tracing::debug!(%error, "could not revoke a token");
            }
        });
        futures_util::future::join_all(taken).await;
    }

    async fn lock(&self, by: Instant) -> Result<MutexGuard<'_, TokenState>> {
        timeout_at(by, self.state.lock()).await.map_err(|_| {
            let message = "another request timed out waiting for the GitHub token";
            Error::new(ErrorKind::Unavailable, message)
        })
    }

    /// A token that nobody has used yet: it is masked first, and held then.
    async fn get(
        &self,
        source: &TokenSource,
        state: &mut TokenState,
        wire: &Wire,
        by: Instant,
    ) -> Result<Secret> {
        let (token, deadline) = match source {
            TokenSource::App(app) => {
                let InstallationToken { token, end } =
                    state.issuer.make(app, wire, &self.observer, by).await?;
                (token, Some(TokenLifetime::new(wire.clock(), end)))
            }
            TokenSource::Source { source, called } => {
                let called = called.as_deref().unwrap_or("the GitHub token");
                let token = source.word(called).await;
                let token = token.map_err(|error| {
                    let error = error.map(|()| ErrorKind::Unauthorized);
                    if chain(&error).contains("one word") {
                        error.hinted("put the token there again, in one line and without quotes")
                    } else {
                        error
                    }
                })?;
                tell(&self.observer, &token)?;
                (token, None)
            }
        };
        state.held = Some(CachedToken {
            token: token.clone(),
            made: Instant::now(),
            deadline,
        });
        Ok(token)
    }
}

/// What cannot be masked must not be used.
fn tell(observer: &Observer, secret: &Secret) -> Result<()> {
    observer.tell(ClientEvent::Secret(secret)).map_err(|error| {
        Error::new(ErrorKind::Unexpected, "could not mask the GitHub token").because(error)
    })
}
