//! What AWS's failures mean.

use std::error::Error as StdError;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::operation::RequestId as _;
use aws_types::os_shim_internal::Env;

use super::credentials::Diagnosis;
use super::places;
use crate::model::{causes, text};
use crate::providers::{Error, ErrorKind};
use codes::PARAMETERS;
use table::{action, row};

mod codes;
mod next;
mod table;
#[cfg(test)]
mod tests;

pub(super) use codes::{ErrorClass, QuotaOf};

/// How much of an answer is told, in bytes: a refusal names a user, an action and a resource in full.
const MAX_MESSAGE: usize = 1024;
/// The longest encoded message that is told as part of a command.
const MAX_ENCODED: usize = 240;

/// What became of a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// It never reached AWS.
    Unsent,
    /// AWS said no.
    Rejected,
    /// No answer, or one that is not AWS's own: it may have been carried out.
    Unknown,
}

/// A failed request, read.
#[derive(Debug)]
pub(super) struct ApiError {
    pub(super) delivery: Delivery,
    pub(super) code: Option<String>,
    status: Option<u16>,
    /// What AWS says beside the code, whole.
    message: String,
    /// Why, each text the cause of the one before.
    causes: Vec<String>,
    /// What AWS calls the request.
    request_id: Option<String>,
    /// Why there are no credentials, where it was not even sent for that.
    unsigned: Option<Diagnosis>,
    /// Where it was sent, and with whose credentials.
    origin: Origin,
}

/// What a request was sent with, as far as commands have to name it.
#[derive(Clone, Debug, Default)]
pub(super) struct Origin {
    /// The region.
    pub(super) region: Option<String>,
    /// The profile of the settings.
    pub(super) profile: Option<String>,
}

impl ApiError {
    /// Reads what the SDK says of a failed request.
    pub(super) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let status = error.raw_response().map(|raw| raw.status().as_u16());
        let code = error.code().map(str::to_owned);
        let texts: Vec<String> = causes(error)
            .map(|error| truncate(&error.to_string()))
            .collect();
        let request_id = error.request_id().map(str::to_owned);
        let message = error.message().unwrap_or_default().to_owned();
        let why = match (&code, status) {
            (Some(code), _) => {
                let (said, _) = without_cipher(&message);
                let mut text = format!("AWS answered {code}: {}", truncate(said));
                if let Some(id) = &request_id {
                    text = format!("{text} (request {id})");
                }
                vec![text]
            }
            (None, Some(status)) => {
                vec![format!("the answer {status} did not come from AWS")]
            }
            (None, None) => shortest(texts.clone()),
        };
        let delivery = match error {
            SdkError::ConstructionFailure(_) => Delivery::Unsent,
            SdkError::DispatchFailure(failure) if failure.is_user() => Delivery::Unsent,
            SdkError::DispatchFailure(_) if is_unsent(error) => Delivery::Unsent,
            // A code is AWS's own word, whatever the status is.
            SdkError::ServiceError(_) if code.is_some() => Delivery::Rejected,
            SdkError::ServiceError(_) if status.is_some_and(|status| status < 500) => {
                Delivery::Rejected
            }
            _ => Delivery::Unknown,
        };
        let unsigned = if code.is_none() && status.is_none() {
            diagnosis(error, &texts)
        } else {
            None
        };
        Self {
            delivery: if unsigned.is_some() {
                Delivery::Unsent
            } else {
                delivery
            },
            code,
            status,
            message,
            causes: why,
            request_id,
            unsigned,
            origin: Origin::default(),
        }
    }

    /// The same with what it was sent with: commands that help name it.
    #[must_use]
    pub(super) fn sent_with(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// Whether it was refused for want of a permission.
    pub(super) fn lacks_permission(&self) -> bool {
        self.action() == ErrorClass::Permission
    }

    /// What to do about it.
    pub(super) fn action(&self) -> ErrorClass {
        match (self.code.as_deref(), self.status) {
            (Some(code), status) => action(code, &self.message, status),
            (None, Some(429)) => ErrorClass::Slower,
            (None, _) if self.unsigned.as_ref().is_some_and(Diagnosis::is_lasting) => {
                ErrorClass::Credentials
            }
            (None, _) => ErrorClass::Again,
        }
    }

    /// Makes a provider's error of it; `doing` says what was tried, `expected` is the permission that it takes, for
    /// refusals that do not name theirs.
    pub(super) fn explain(&self, doing: impl Into<String>, expected: &str) -> Error {
        if let Some(unsigned) = &self.unsigned {
            // What was tried has nothing to do with it.
            return unsigned.error();
        }
        let error = self.meaning(doing.into(), expected);
        let error = error.requested(self.request_id.as_deref());
        match crate::model::Error::of_causes(self.causes.clone()) {
            Some(cause) => error.because(cause),
            None => error,
        }
    }

    fn meaning(&self, doing: String, expected: &str) -> Error {
        let class = self.action();
        let row = self
            .code
            .as_deref()
            .and_then(|code| row(code, &self.message));
        if let (Some(row), Some(code)) = (row, &self.code) {
            tracing::debug!("about {code} see {}", row.source);
        }
        let named = permission(&self.message);
        let permission = named.as_deref().unwrap_or(expected);
        let what = match row
            .map(|row| row.meaning)
            .filter(|meaning| !meaning.is_empty())
        {
            Some(meaning) => format!("{doing}: {meaning}"),
            None if class == ErrorClass::Permission => {
                format!("{doing}: `{permission}` is not allowed")
            }
            None => doing,
        };
        let mut error = Error::new(kind(class), what);
        let key = match class {
            ErrorClass::Setting("") => self.parameter(),
            ErrorClass::Setting(key) => Some(key),
            _ => row.map(|row| row.key).filter(|key| !key.is_empty()),
        };
        if let Some(key) = key {
            error = error.about(key);
        }
        if class == ErrorClass::Credentials {
            error = error.hinted_all(self.about_region());
        }
        let hint =
            row.and_then(|row| next::filled(row.next, &self.message, permission, &self.origin));
        error = error.hinted_all(hint);
        if class == ErrorClass::Permission && row.is_none() {
            error = error.hinted(format!("allow `{permission}`"));
        }
        let is_unanswered = self.code.is_none() && self.status.is_none();
        if class == ErrorClass::Again && is_unanswered {
            error = error.hinted("check the network, `region` and `endpoint`");
        }
        error.hinted_all(self.decoding())
    }

    /// The setting whose parameter the answer names.
    fn parameter(&self) -> Option<&'static str> {
        let mut all = PARAMETERS.iter();
        let named = all.find(|(word, _)| self.message.contains(word))?;
        Some(named.1)
    }

    /// What else than the credentials may be the matter: a region that is not enabled refuses all of them.
    fn about_region(&self) -> Option<String> {
        let region = self.origin.region.as_deref()?;
        let is_unknown = !self.code.as_deref()?.contains("Expired");
        (is_unknown && places::is_opt_in(region)).then(|| {
            format!(
                "`{region}` must be enabled for the account: `aws account enable-region \
                 --region-name {region}`, or set another `region`"
            )
        })
    }

    /// The command that reads the encoded part of a refusal. Most are too long for a screen.
    fn decoding(&self) -> Option<String> {
        let encoded = without_cipher(&self.message).1?;
        let command = "aws sts decode-authorization-message --query DecodedMessage --output text";
        if encoded.len() <= MAX_ENCODED {
            return Some(format!(
                "read the statement that refused it: `{command} --encoded-message {}`",
                text::typed(encoded)
            ));
        }
        tracing::debug!(
            "the refusal can be read with: {command} --encoded-message {}",
            text::typed(encoded)
        );
        Some(
            "run the same with `-v`: it prints the `aws sts decode-authorization-message` command that shows \
             the statement that refused it"
                .to_owned(),
        )
    }
}

/// What to do, as providers tell it.
fn kind(class: ErrorClass) -> ErrorKind {
    match class {
        ErrorClass::Setting(_) => ErrorKind::Config,
        ErrorClass::Credentials | ErrorClass::Permission | ErrorClass::Refused => ErrorKind::Denied,
        ErrorClass::Quota(_) | ErrorClass::Next => ErrorKind::NoCapacity,
        ErrorClass::Slower => ErrorKind::RateLimited,
        ErrorClass::Again => ErrorKind::Unavailable,
        ErrorClass::LookForName | ErrorClass::Missing | ErrorClass::WouldWork => {
            ErrorKind::Unexpected
        }
    }
}

/// Why a request has no credentials, where that is why it failed.
fn diagnosis(error: &(dyn StdError + 'static), texts: &[String]) -> Option<Diagnosis> {
    let mut all = causes(error);
    let known = |cause: &(dyn StdError + 'static)| {
        let read = cause.downcast_ref::<Diagnosis>().cloned();
        read.or_else(|| {
            let of_source = cause.downcast_ref::<CredentialsError>()?;
            let inner = causes(of_source).find_map(|cause| cause.downcast_ref::<Diagnosis>());
            let unread = || Diagnosis::of(of_source, None, &Env::real());
            Some(inner.cloned().unwrap_or_else(unread))
        })
    };
    all.find_map(known).or_else(|| {
        // The SDK gives up on a source that is too slow.
        let is_slow = |text: &String| text.contains("identity resolver timed out");
        texts
            .iter()
            .any(is_slow)
            .then(|| Diagnosis::of(error, None, &Env::real()))
    })
}

/// Whether a connection could not even be made.
fn is_unsent(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|error| {
        let refused = error.downcast_ref::<io::Error>().is_some_and(|error| {
            matches!(
                error.kind(),
                io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable
            )
        });
        let text = error.to_string();
        refused
            || text.contains("dns error")
            || text.contains("tcp connect error")
            || text.contains("ConnectError")
    })
}

/// The causes from the outside in, without those that only repeat others.
fn shortest(texts: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for text in texts {
        if kept.last().is_none_or(|last| !last.contains(&text)) {
            kept.push(text);
        }
    }
    kept
}

/// The permission that a refusal names: one launch takes several.
fn permission(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("not authorized to perform: ")?;
    let word = rest.split_whitespace().next()?;
    let fine = |c: char| c.is_ascii_alphanumeric() || c == ':' || c == '-';
    (word.contains(':') && word.chars().all(fine)).then(|| word.to_owned())
}

/// A refusal without its encoded part, and that part.
fn without_cipher(message: &str) -> (&str, Option<&str>) {
    const MARK: &str = "Encoded authorization failure message:";
    match message.split_once(MARK) {
        Some((said, encoded)) => {
            let encoded = encoded.split_whitespace().next();
            (said.trim(), encoded.map(|text| text.trim_end_matches('.')))
        }
        None => (message.trim(), None),
    }
}

/// A foreign text on one line, and not too long.
fn truncate(text: &str) -> String {
    text::cut(&text::one_line(text), MAX_MESSAGE)
}
