//! What AWS's failures mean.

use std::error::Error as StdError;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::operation::RequestId as _;

use crate::model::{causes, text};
use crate::providers::{Error, ErrorKind};
use codes::{PARAMETERS, action};

mod codes;
#[cfg(test)]
mod tests;

pub(super) use codes::ErrorClass;

/// How much of an answer is told, in bytes.
const MAX_MESSAGE: usize = 512;

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
    /// Why, each text the cause of the one before.
    causes: Vec<String>,
    /// What AWS calls the request.
    request_id: Option<String>,
    /// There are no credentials, or what should give them is set up wrong.
    nobody: bool,
    /// There was no answer, since the credentials could not be had.
    unsigned: bool,
    /// What the caller may not do, where the answer names it (`iam:PassRole`).
    permission: Option<String>,
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
        let why = match (&code, error.message(), status) {
            (Some(code), message, _) => {
                let message = message.map(without_cipher).unwrap_or_default();
                let mut text = format!("AWS answered {code}: {}", truncate(&message));
                if let Some(id) = &request_id {
                    text = format!("{text} (request {id})");
                }
                vec![text]
            }
            (None, _, Some(status)) => {
                vec![format!("the answer {status} did not come from AWS")]
            }
            (None, _, None) => shortest(texts.clone()),
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
        let unsigned = code.is_none()
            && status.is_none()
            && texts.iter().any(|text| {
                let text = text.to_ascii_lowercase();
                text.contains("credential") || text.contains("identity")
            });
        // Whoever hands them out may be slow or ill just now; only where there is nobody it will stay so.
        let nobody = unsigned
            && causes(error).any(|cause| {
                matches!(
                    cause.downcast_ref(),
                    Some(
                        CredentialsError::CredentialsNotLoaded(_)
                            | CredentialsError::InvalidConfiguration(_)
                    )
                )
            });
        Self {
            delivery: if unsigned { Delivery::Unsent } else { delivery },
            code,
            status,
            causes: why,
            request_id,
            nobody,
            unsigned,
            permission: error.message().and_then(permission),
        }
    }

    /// Whether it was refused for want of a permission.
    pub(super) fn lacks_permission(&self) -> bool {
        let refused = self.action() == ErrorClass::Denied;
        refused && !self.nobody && !self.is_about_time() && !self.is_about_keys()
    }

    /// What to do about it.
    pub(super) fn action(&self) -> ErrorClass {
        match (self.code.as_deref(), self.status) {
            (Some(code), status) => action(code, status),
            (None, Some(429)) => ErrorClass::Slower,
            (None, _) if self.nobody => ErrorClass::Denied,
            (None, _) => ErrorClass::Again,
        }
    }

    /// Makes a provider's error of it; `doing` says what was tried, `permission` what it takes.
    pub(super) fn explain(&self, doing: impl Into<String>, permission: &str) -> Error {
        let error = self.meaning(doing.into(), permission);
        let error = error.requested(self.request_id.as_deref());
        match crate::model::Error::of_causes(self.causes.clone()) {
            Some(cause) => error.because(cause),
            None => error,
        }
    }

    fn meaning(&self, doing: String, permission: &str) -> Error {
        let permission = self.permission.as_deref().unwrap_or(permission);
        if self.nobody {
            return Error::new(ErrorKind::Denied, format!("{doing}: no AWS credentials were found"))
                .hinted(
                    "looked at the variables (`$AWS_ACCESS_KEY_ID`), the profile, SSO, \
                     `$AWS_WEB_IDENTITY_TOKEN_FILE`, and the roles of container and instance; check \
                     with `aws sts get-caller-identity`");
        }
        match self.action() {
            ErrorClass::Setting("") => {
                let named = PARAMETERS
                    .iter()
                    .find(|(word, _)| self.causes.iter().any(|cause| cause.contains(word)));
                let error = Error::new(ErrorKind::Config, doing);
                match named {
                    Some((_, key)) => error.about(*key),
                    None => error,
                }
            }
            ErrorClass::Setting(key) => Error::setting(key, doing),
            ErrorClass::Denied if self.is_about_time() => Error::new(ErrorKind::Denied, doing)
                .hinted(
                    "the credentials have expired, or this computer's clock is wrong: log in \
                     again",
                ),
            ErrorClass::Denied if self.is_about_keys() => Error::new(ErrorKind::Denied, doing)
                .hinted("check the credentials with `aws sts get-caller-identity`"),
            ErrorClass::Denied => Error::new(
                ErrorKind::Denied,
                format!("{doing}: `{permission}` is not allowed"),
            )
            .hinted(format!(
                "allow `{permission}` in the IAM policy; list everything that is missing with \
                     `gharun providers check`"
            )),
            ErrorClass::Quota => Error::new(ErrorKind::Config, doing).hinted(
                "request a higher limit in the Service Quotas console, start fewer at once, or \
                 choose other `instance_types`",
            ),
            ErrorClass::Next => Error::new(ErrorKind::NoCapacity, doing).hinted(
                "add to `instance_types`, `subnets` or `regions`, or set `capacity_wait` to keep \
                 trying",
            ),
            ErrorClass::Slower => Error::new(ErrorKind::RateLimited, doing),
            ErrorClass::Again if self.code.is_some() || self.status.is_some() => {
                Error::new(ErrorKind::Unavailable, doing)
            }
            ErrorClass::Again if self.unsigned => Error::new(
                ErrorKind::Unavailable,
                format!("{doing}: could not get AWS credentials"),
            )
            .hinted("check with `aws sts get-caller-identity`"),
            ErrorClass::Again => Error::new(ErrorKind::Unavailable, doing)
                .hinted("check the network, `region` and `endpoint`"),
            ErrorClass::LookForName | ErrorClass::Missing | ErrorClass::WouldWork => {
                Error::new(ErrorKind::Unexpected, doing)
            }
        }
    }

    fn is_about_time(&self) -> bool {
        self.code
            .as_deref()
            .is_some_and(|code| code.contains("Expired"))
    }

    fn is_about_keys(&self) -> bool {
        self.code.as_deref().is_some_and(|code| {
            [
                "AuthFailure",
                "IncompleteSignature",
                "InvalidClientTokenId",
                "MissingAuthenticationToken",
                "SignatureDoesNotMatch",
                "UnrecognizedClientException",
            ]
            .contains(&code)
        })
    }
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

/// Without the encoded part of a refusal, which only AWS can read.
fn without_cipher(message: &str) -> String {
    let end = message.find("Encoded authorization failure message");
    message[..end.unwrap_or(message.len())].trim().to_owned()
}

/// A foreign text on one line, and not too long.
fn truncate(text: &str) -> String {
    text::cut(&text::one_line(text), MAX_MESSAGE)
}
