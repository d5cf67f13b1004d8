//! What goes wrong at GitHub, and what to do about it.

use super::Right;
use crate::http::{self, Answer};
use crate::model::Scope;

/// What GitHub answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong at GitHub. Each kind means an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A registration may or may not have been made: look for the name first.
    Ambiguous,
    /// 403: a permission is missing.
    Forbidden,
    /// 422 and other refusals of what was sent.
    Invalid,
    /// 409: a runner of that name exists.
    NameTaken,
    /// 404: no such thing, or no right to see it.
    NotFound,
    /// The limit's end is further off than we may wait.
    RateLimited,
    /// 401, or no token at all.
    Unauthorized,
    /// It did not answer, or with 5xx, after all tries.
    Unavailable,
    /// Report a bug.
    Unexpected,
}

/// A failure at GitHub.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What to do about it.
    pub kind: ErrorKind,
    /// What was tried, in the user's nouns.
    pub message: String,
    /// Things to type or to mend.
    pub hints: Vec<String>,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Makes an error that says what was tried.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hints: Vec::new(),
            source: None,
        }
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds something to type or to mend.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Makes an error of a request that got no usable answer.
    pub(super) fn of_wire(message: &str, error: http::Error) -> Self {
        let (kind, hint) = match error.kind {
            http::ErrorKind::Ambiguous => (ErrorKind::Ambiguous, None),
            http::ErrorKind::Limited { until } => {
                let until = until.round(jiff::Unit::Second).unwrap_or(until);
                let hint = format!("GitHub takes requests again at {until}");
                (ErrorKind::RateLimited, Some(hint))
            }
            http::ErrorKind::Refused => {
                let hint = "set `GITHUB_API_URL` to the address that GitHub's API has now";
                (ErrorKind::Invalid, Some(hint.to_owned()))
            }
            http::ErrorKind::Setup => {
                let hint = "install the certificates of your system (`ca-certificates`); for a server with an authority of its own, name the file with its certificate: `ca_bundle` under [github], or `$GHARUN_CA_BUNDLE`";
                (ErrorKind::Unavailable, Some(hint.to_owned()))
            }
            http::ErrorKind::Unavailable => (ErrorKind::Unavailable, None),
            http::ErrorKind::Unreadable => {
                let hint = "check that `GITHUB_API_URL` is GitHub's API, and that no proxy answers in its place";
                (ErrorKind::Unexpected, Some(hint.to_owned()))
            }
        };
        Self {
            hints: hint.into_iter().collect(),
            ..Self::new(kind, message).because(error)
        }
    }

    /// Makes an error of an answer that is no success.
    pub(super) fn of_answer(message: &str, right: &Right<'_>, answer: &Answer) -> Self {
        let kind = match answer.status.as_u16() {
            401 => ErrorKind::Unauthorized,
            403 => ErrorKind::Forbidden,
            404 => ErrorKind::NotFound,
            409 => ErrorKind::NameTaken,
            500..=599 => ErrorKind::Unavailable,
            410 | 200..=399 => ErrorKind::Unexpected,
            _ => ErrorKind::Invalid,
        };
        let hints = match kind {
            ErrorKind::Unauthorized => vec![TOKEN.to_owned()],
            ErrorKind::Forbidden => forbidden(right, answer),
            ErrorKind::NotFound => not_found(right),
            ErrorKind::Unexpected if answer.status.as_u16() == 410 => {
                vec!["update gharun: GitHub no longer speaks this version of its API".to_owned()]
            }
            _ => Vec::new(),
        };
        Self {
            hints,
            ..Self::new(kind, message).because(answer.refused())
        }
    }

    /// Whether GitHub does not say, for want of the thing or of the right to see it.
    pub(super) fn is_hidden(&self) -> bool {
        matches!(self.kind, ErrorKind::Forbidden | ErrorKind::NotFound)
    }

    /// Makes an error of a request that needs a token where there is none.
    pub(super) fn no_token(message: &str) -> Self {
        Self::new(ErrorKind::Unauthorized, message)
            .because("there is no token for GitHub")
            .hinted(TOKEN)
    }
}

const TOKEN: &str = "set `GHARUN_GITHUB_TOKEN` or `GH_PAT` to a token that is valid";

fn forbidden(right: &Right<'_>, answer: &Answer) -> Vec<String> {
    let mut hints = Vec::new();
    let quoted = |header: &'static str| {
        let text = http::plain(answer.header(header)?);
        (!text.is_empty() && text.len() <= 300).then(|| format!("`{text}`"))
    };
    if let Some(sso) = quoted("x-github-sso") {
        hints.push(format!(
            "the organization asks for single sign-on with this token: {sso}"
        ));
    }
    let runners = matches!(right, Right::Runners { .. });
    // GITHUB_TOKEN is an integration too. GitHub tells it apart from an app by this text only, and
    // nothing but the hint depends on it.
    if runners && String::from_utf8_lossy(&answer.body).contains("by integration") {
        hints.push(
            "`GITHUB_TOKEN` can never manage runners: use a personal access token or a GitHub App"
                .to_owned(),
        );
    }
    if let Some(wanted) = quoted("x-accepted-github-permissions") {
        hints.push(format!("GitHub asks for the permission {wanted}"));
    }
    if let (Some(wanted), Some(has)) = (quoted("x-accepted-oauth-scopes"), quoted("x-oauth-scopes"))
    {
        hints.push(format!(
            "the token has the scopes {has}; one of {wanted} is needed"
        ));
    }
    hints.extend(right.needed());
    hints
}

fn not_found(right: &Right<'_>) -> Vec<String> {
    let Right::Runners { scope, group } = right else {
        return Vec::new();
    };
    let kind = match scope {
        Scope::Enterprise(_) => "enterprise",
        Scope::Org(_) => "organization",
        Scope::Repo { .. } => "repository",
    };
    let mut hints = vec![format!(
        "the token has no admin rights on `{scope}`, or there is no such {kind}"
    )];
    if let Some(group) = group.filter(|group| *group != super::DEFAULT_GROUP) {
        hints.push(format!("or there is no runner group {group}"));
    }
    hints.extend(right.needed());
    hints
}

impl Right<'_> {
    /// What a token must be allowed (GitHub's REST documentation, one row for each kind of token).
    fn needed(&self) -> Option<String> {
        let (fine, classic) = match self {
            Self::Public => return None,
            Self::Runs => ("`Actions: read`", "`repo`"),
            Self::Runners { scope, .. } => match scope {
                Scope::Enterprise(_) => {
                    return Some(
                        "a classic token needs the scope `manage_runners:enterprise`".to_owned(),
                    );
                }
                Scope::Org(_) => (
                    "`Self-hosted runners: write` of the organization",
                    "`admin:org`",
                ),
                Scope::Repo { .. } => (
                    "`Administration: write` of the repository",
                    "`repo`, and its owner must be an admin of the repository",
                ),
            },
        };
        Some(format!(
            "a fine-grained token or an app needs the permission {fine}; a classic token the scope {classic}"
        ))
    }
}
