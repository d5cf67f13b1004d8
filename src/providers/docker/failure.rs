//! What a daemon's failures mean.

use std::error::Error as StdError;
use std::io;

use bollard::errors::Error as Wire;

use super::answers::{Asked, Step};
use super::endpoint::{Endpoint, Transport};
use super::ssh::split;
use crate::model::text;
use crate::providers::{Error, ErrorKind, NobodyListens};

/// How much of an answer is told, in bytes.
const MAX_MESSAGE: usize = 512;

/// What a failed request says about whether it was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// It never reached the daemon.
    Unsent,
    /// The daemon said no.
    Rejected,
    /// The connection broke, or somebody between answered.
    Unknown,
    /// No answer came in time: the daemon may still be at it.
    TimedOut,
}

/// Tells what became of a request.
pub(super) fn delivery(error: &Wire) -> Delivery {
    match error {
        Wire::HyperLegacyError { err } if err.is_connect() => Delivery::Unsent,
        Wire::SocketNotFoundError(_) => Delivery::Unsent,
        Wire::RequestTimeoutError => Delivery::TimedOut,
        // The daemon itself answers in JSON, and with none of these three.
        Wire::DockerResponseServerError {
            status_code,
            message,
        } if matches!(status_code, 502..=504) || (*status_code >= 500 && is_page(message)) => {
            Delivery::Unknown
        }
        Wire::DockerResponseServerError { .. } | Wire::DockerStreamError { .. } => {
            Delivery::Rejected
        }
        _ => Delivery::Unknown,
    }
}

/// Whether the daemon says that there is no such `thing`, as it calls it (`container`, `image`).
///
/// Its words count: whoever else answers 404 knows nothing of containers, and what he does not know
/// is not gone.
pub(super) fn is_missing(error: &Wire, thing: &str) -> bool {
    matches!(error, Wire::DockerResponseServerError { status_code: 404, message }
        if message.to_ascii_lowercase().contains(&format!("no such {thing}")))
}

/// Whether the daemon says that a container has no such file.
pub(super) fn is_no_file(error: &Wire) -> bool {
    matches!(error, Wire::DockerResponseServerError { status_code: 404, message }
        if message.to_ascii_lowercase().contains("could not find the file")
            || message.to_ascii_lowercase().contains("no such file"))
}

/// Whether the daemon says that something else is in the way.
pub(super) fn is_conflict(error: &Wire) -> bool {
    matches!(error, Wire::DockerResponseServerError { status_code: 409, message } if !is_page(message))
}

/// Whether the daemon says that it is removing the container already.
pub(super) fn is_being_removed(error: &Wire) -> bool {
    matches!(error, Wire::DockerResponseServerError { status_code: 409, message }
        if message.to_ascii_lowercase().contains("already in progress"))
}

/// Whether the daemon could not do it just now: something else is in the way (409), or a step of its
/// own failed (500, as in `device or resource busy`).
fn is_busy(error: &Wire) -> bool {
    matches!(
        error,
        Wire::DockerResponseServerError {
            status_code: 409 | 500..,
            ..
        }
    )
}

/// The error of a request that no setting can have spoiled, as the look at a container or its end: what the
/// daemon could not do just now may work another time.
pub(super) fn passing(failed: Error, error: &Wire) -> Error {
    match failed.kind {
        ErrorKind::Config => failed.unhinted().map(|_| ErrorKind::Unavailable),
        ErrorKind::Unexpected if is_busy(error) => failed.map(|_| ErrorKind::Unavailable),
        _ => failed,
    }
}

/// Makes a provider's error of a failed request that no setting of a container has a part in; `doing` says what was
/// tried.
pub(super) fn explain(doing: String, endpoint: &Endpoint, error: &Wire) -> Error {
    let asked = Asked {
        endpoint,
        config: None,
        step: Step::Other,
    };
    explain_of(doing, &asked, error)
}

/// The same of any request.
pub(super) fn explain_of(doing: String, asked: &Asked<'_>, error: &Wire) -> Error {
    let endpoint = asked.endpoint;
    let (status, text) = match error {
        Wire::DockerResponseServerError {
            status_code,
            message,
        } => (Some(*status_code), message.as_str()),
        Wire::DockerStreamError { error } => (None, error.as_str()),
        _ => return unanswered(doing, endpoint, error),
    };
    let cause = match status {
        Some(status) => format!("Docker answered {status}: {}", truncate(text)),
        None => format!("Docker answered: {}", truncate(text)),
    };
    if !is_page(text)
        && let Some(meant) = asked.meaning(&doing, text)
    {
        return meant.because(cause);
    }
    let kind = match status {
        // A page is somebody else's word, and may be gone in a moment.
        Some(401..=404) if is_page(text) => ErrorKind::Unavailable,
        Some(401 | 403 | 407) => ErrorKind::Denied,
        Some(429) => ErrorKind::RateLimited,
        Some(502..=504) => ErrorKind::Unavailable,
        Some(500..) if is_page(text) => ErrorKind::Unavailable,
        Some(400) => ErrorKind::Config,
        _ => ErrorKind::Unexpected,
    };
    let error = Error::new(kind, doing).because(cause);
    match kind {
        ErrorKind::Denied => error.hinted(format!(
            "check that you may use the daemon at {endpoint}: `{} info`",
            endpoint.command()
        )),
        ErrorKind::Unavailable => error.hinted(running(endpoint)),
        _ => error,
    }
}

/// The failures in which no daemon said anything that can be read.
fn unanswered(doing: String, endpoint: &Endpoint, error: &Wire) -> Error {
    let kind = match error {
        Wire::JsonDataError { .. }
        | Wire::JsonSerdeError { .. }
        | Wire::APIVersionParseError { .. } => ErrorKind::Unexpected,
        Wire::CertPathError { .. }
        | Wire::CertMultipleKeys { .. }
        | Wire::CertParseError { .. } => {
            return Error::setting("cert_path", doing)
                .because(error.to_string())
                .hinted(
                    "`cert_path` must be the directory with `ca.pem`, `cert.pem` and `key.pem`",
                );
        }
        _ => ErrorKind::Unavailable,
    };
    let causes = match unconnected(endpoint, error) {
        Some(why) => vec![why],
        None => causes(error),
    };
    let lower = causes.join(": ").to_ascii_lowercase();
    let is = |wanted: io::ErrorKind| {
        let mut all = chain(error).filter_map(|e| e.downcast_ref::<io::Error>());
        all.any(|e| e.kind() == wanted)
    };
    let refused = is(io::ErrorKind::PermissionDenied);
    let is_silent = matches!(error, Wire::SocketNotFoundError(_))
        || is(io::ErrorKind::ConnectionRefused)
        || is(io::ErrorKind::NotFound);
    let because = |kind| match crate::model::Error::of_causes(causes) {
        Some(cause) if is_silent => Error::new(kind, doing).because(NobodyListens(cause)),
        Some(cause) => Error::new(kind, doing).because(cause),
        None => Error::new(kind, doing),
    };
    match kind {
        ErrorKind::Unexpected => {
            because(kind).hinted(format!("check that {endpoint} is a Docker daemon"))
        }
        _ if refused && endpoint.socket().is_some() => because(ErrorKind::Denied)
            .hinted("to use the socket, run `sudo usermod -aG docker \"$USER\"` and log in again"),
        _ if refused
            || ["certificate", "permission denied"]
                .iter()
                .any(|why| lower.contains(why)) =>
        {
            because(ErrorKind::Denied).hinted(format!(
                "check that `{} info` works with the same keys",
                endpoint.command()
            ))
        }
        _ if is_silent && matches!(endpoint.way, Transport::Unix(_)) => because(kind).hinted(
            "start Docker: `sudo systemctl start docker`; or set `host` or `$DOCKER_HOST` to the socket of the daemon (`docker \
             context ls` lists them)",
        ),
        _ => because(kind).hinted(running(endpoint)),
    }
}

/// Why nobody is at the other end of a connection, in words of people; `None` for all else that may be wrong.
fn unconnected(endpoint: &Endpoint, error: &Wire) -> Option<String> {
    let mut errors = chain(error).filter_map(|e| e.downcast_ref::<io::Error>());
    let kind = match error {
        Wire::SocketNotFoundError(_) => io::ErrorKind::NotFound,
        _ => errors.next()?.kind(),
    };
    match (&endpoint.way, kind) {
        (Transport::Unix(path), kind) => {
            let path = path.display();
            Some(match kind {
                io::ErrorKind::NotFound => format!("the socket `{path}` does not exist"),
                io::ErrorKind::ConnectionRefused => {
                    format!("the socket `{path}` is there, and no daemon listens at it")
                }
                io::ErrorKind::PermissionDenied => {
                    format!("no permission to use the socket `{path}`")
                }
                _ => return None,
            })
        }
        (
            Transport::Tcp(address) | Transport::Tls(address, _),
            io::ErrorKind::ConnectionRefused,
        ) => Some(format!("nothing listens at {address} (connection refused)")),
        _ => None,
    }
}

fn running(endpoint: &Endpoint) -> String {
    if let Transport::Ssh(address) = &endpoint.way {
        let (host, socket) = split(address);
        let socket = socket.map(|path| format!(" -H unix://{path}"));
        let socket = socket.unwrap_or_default();
        return format!(
            "check that `ssh ssh://{host} docker{socket} version` works without a prompt"
        );
    }
    format!(
        "check that the daemon is running: `{} info`; if it is elsewhere, set `host` or \
         `$DOCKER_HOST`",
        endpoint.command()
    )
}

/// An error and all that it was caused by.
fn chain<'a>(error: &'a Wire) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let first: &'a (dyn StdError + 'static) = match error {
        // These two show their cause's words as their own, and leave it out as a cause.
        Wire::HyperResponseError { err } => err,
        Wire::IOError { err } => err,
        _ => error,
    };
    crate::model::causes(first)
}

/// The causes from the outside in, without those that only repeat others.
fn causes(error: &Wire) -> Vec<String> {
    if matches!(error, Wire::RequestTimeoutError) {
        return vec!["the request timed out".to_owned()];
    }
    let mut kept: Vec<String> = Vec::new();
    for text in chain(error).map(|e| truncate(&e.to_string())) {
        if let Some(last) = kept.last_mut()
            && last.contains(&text)
        {
            if last.starts_with("Error in the hyper legacy client") {
                *last = text;
            }
            continue;
        }
        kept.push(text);
    }
    if kept.len() > 1 {
        // The words of a library, which say nothing that what follows does not say.
        kept.retain(|text| !text.starts_with("client error ("));
    }
    kept
}

/// Whether a text is a page for people: somebody between this program and the daemon answered.
fn is_page(text: &str) -> bool {
    text.trim_start().starts_with('<')
}

/// A foreign text on one line, and not too long.
pub(super) fn one_line(text: &str) -> String {
    truncate(text)
}

fn truncate(text: &str) -> String {
    let told = text::cut(&text::one_line(text), MAX_MESSAGE);
    match (told.is_empty(), is_page(&told)) {
        (true, _) => "nothing".to_owned(),
        (_, true) => format!("a web page: {told}"),
        _ => told,
    }
}

#[cfg(test)]
mod tests;
