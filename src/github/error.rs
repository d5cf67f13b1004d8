//! What goes wrong at GitHub, and what to do about it.

use super::permissions::{self, TokenKind};
use super::refusals::said;
use super::{RequiredPermission, refusals};
use crate::http::{self, Answer};

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
pub type Error = crate::model::Error<ErrorKind>;

impl Error {
    /// Makes an error of a request that got no usable answer.
    pub(super) fn of_wire(message: &str, error: http::Error) -> Self {
        let (kind, hint) = match error.kind {
            http::ErrorKind::Ambiguous => (ErrorKind::Ambiguous, None),
            http::ErrorKind::Limited { until } => {
                let until = until.round(jiff::Unit::Second).unwrap_or(until);
                let hint = format!("GitHub accepts requests again at {until}");
                (ErrorKind::RateLimited, Some(hint))
            }
            http::ErrorKind::Refused => {
                let hint = "set `GITHUB_API_URL` to the current address of GitHub's API";
                (ErrorKind::Invalid, Some(hint.to_owned()))
            }
            http::ErrorKind::Setup => {
                let hint = "install your system's certificates (`ca-certificates`); for a server \
                            with its own certificate authority, name the file with its certificate: \
                            `ca_bundle` under [github], or `$GHARUN_CA_BUNDLE`";
                (ErrorKind::Unavailable, Some(hint.to_owned()))
            }
            http::ErrorKind::Unavailable => (ErrorKind::Unavailable, None),
            http::ErrorKind::Unreadable => (ErrorKind::Unexpected, Some(FOREIGN.to_owned())),
        };
        error.explain(kind, message).hinted_all(hint)
    }

    /// Makes an error of an answer that tells a failure; `token` decides what to advise, and `place` which pages and
    /// settings are named.
    pub(super) fn of_answer(
        message: &str,
        right: &RequiredPermission<'_>,
        (token, place): (TokenKind, &refusals::Place<'_>),
        answer: &Answer,
    ) -> Self {
        let kind = match answer.status.as_u16() {
            // Somebody between answered, who knows nothing of runners.
            401..=404 | 409 | 422 if !is_own(answer) => ErrorKind::Unexpected,
            401 => ErrorKind::Unauthorized,
            403 => ErrorKind::Forbidden,
            404 => ErrorKind::NotFound,
            409 => ErrorKind::NameTaken,
            500..=599 => ErrorKind::Unavailable,
            410 | 200..=399 => ErrorKind::Unexpected,
            _ => ErrorKind::Invalid,
        };
        let own = is_own(answer).then(|| said(answer));
        let known = own.and_then(|said| place.hints(answer.status.as_u16(), &said));
        let hints = match kind {
            ErrorKind::Forbidden if is_sso(answer) => {
                permissions::forbidden(right, token, place, answer)
            }
            _ if known.is_some() => known.unwrap_or_default(),
            ErrorKind::Unauthorized => vec![place.refused_token()],
            ErrorKind::Forbidden => permissions::forbidden(right, token, place, answer),
            ErrorKind::NotFound => permissions::not_found(right, token, place, answer),
            ErrorKind::Unexpected if answer.status.as_u16() == 410 => {
                vec!["update gharun: GitHub no longer supports this version of its API".to_owned()]
            }
            ErrorKind::Unexpected if answer.status.is_client_error() => vec![FOREIGN.to_owned()],
            ErrorKind::Invalid if right.registers() => vec![REFUSED.to_owned()],
            _ => Vec::new(),
        };
        answer.refused().explain(kind, message).hinted_all(hints)
    }

    /// Whether GitHub does not say, for want of the thing or of the right to see it.
    pub(super) fn is_hidden(&self) -> bool {
        matches!(self.kind, ErrorKind::Forbidden | ErrorKind::NotFound)
    }

    /// Makes an error of a request that needs a token where there is none.
    pub(super) fn no_token(message: &str) -> Self {
        Self::new(ErrorKind::Unauthorized, message)
            .because("no GitHub token is set")
            .hinted(refusals::TOKEN)
    }
}

/// Whether GitHub itself answered: its refusals are JSON with a `message`. Of whoever stands between no refusal
/// says anything about a runner or a run.
pub(super) fn is_own(answer: &Answer) -> bool {
    answer
        .object()
        .is_some_and(|body| body["message"].is_string())
}

/// Whether single sign-on is asked for, with the address for it.
fn is_sso(answer: &Answer) -> bool {
    answer.header("x-github-sso").is_some()
}

const FOREIGN: &str = "this is not GitHub's answer: a proxy or a gateway (see `HTTPS_PROXY`) must let requests to the API through, and \
     `GITHUB_API_URL`, where it is set, must be the API's address";
const REFUSED: &str = "check `--label` and `--runner-group`; if they are correct, this is a bug in \
                       gharun: please report it with the request ID";

impl RequiredPermission<'_> {
    /// Whether it is that of a new registration: what it was made of came from us.
    fn registers(&self) -> bool {
        matches!(self, Self::Runners { group: Some(_), .. })
    }
}
