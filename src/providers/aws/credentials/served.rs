//! Credentials that are served by HTTP: by the metadata service of an instance, and at the address of a container.

use std::error::Error as StdError;

use aws_config::imds::client::error::{ImdsError, TokenError};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::SdkError;
use aws_types::os_shim_internal::Env;

use crate::model::causes;

/// The variables that name the address of a container's credentials; the first wins.
const ADDRESSES: [&str; 2] = [
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

/// What the SDK says of a container's credentials (aws-config, `ecs.rs`, `http_credential_provider.rs`,
/// `json_credentials.rs`).
const OF_CONTAINER: [&str; 7] = [
    "Non-success status from HTTP credential provider",
    "failed to load credentials [",
    "invalid JSON in response",
    "Expected field",
    "Invalid field in response",
    "URI for ECS provider",
    "the auth token could not be used",
];

/// Who answered at the address of EC2's metadata service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Metadata {
    /// Somebody else, or it is turned off: other clouds have a service of their own at that address. What was said.
    Foreign(String),
    /// It did, and could not do it: the status.
    Ill(u16),
}

/// Reads what the metadata service answered; `None` where that is not what failed.
pub(super) fn metadata(error: &(dyn StdError + 'static)) -> Option<Metadata> {
    let found = causes(error).find_map(|cause| cause.downcast_ref::<ImdsError>())?;
    let of_token = found
        .source()
        .and_then(|cause| cause.downcast_ref::<SdkError<TokenError, HttpResponse>>());
    let status = match found {
        ImdsError::ErrorResponse(context) => Some(context.response().status().as_u16()),
        _ => of_token
            .and_then(SdkError::raw_response)
            .map(|raw| raw.status().as_u16()),
    };
    match (found, status) {
        (_, Some(status @ (429 | 500..))) | (ImdsError::ErrorResponse(_), Some(status)) => {
            Some(Metadata::Ill(status))
        }
        (ImdsError::FailedToLoadToken(_), Some(status)) => Some(Metadata::Foreign(format!(
            "the address of EC2's metadata service answered {status}, without a token"
        ))),
        (ImdsError::FailedToLoadToken(_), None) => Some(Metadata::Foreign(
            "no answer in time from the address of EC2's metadata service".to_owned(),
        )),
        _ => None,
    }
}

/// The variable with the address of a container's credentials, where they could not be had from there. `texts` is what
/// the error and its causes say.
pub(super) fn container(
    error: &(dyn StdError + 'static),
    texts: &[String],
    env: &Env,
) -> Option<&'static str> {
    let is_set = |name: &&str| env.get(name).is_ok_and(|value| !value.trim().is_empty());
    let address = ADDRESSES.into_iter().find(is_set)?;
    let mut causes = causes(error);
    let is_request = causes.any(<dyn StdError>::is::<SdkError<CredentialsError, HttpResponse>>);
    let is_said = || {
        let says = |text: &String| OF_CONTAINER.iter().any(|words| text.contains(words));
        texts.iter().any(says)
    };
    // Everything else with time limits of its own comes before, and is faster.
    (is_request || is_late(texts) || is_said()).then_some(address)
}

/// Whether a source took too long.
pub(super) fn is_late(texts: &[String]) -> bool {
    let says =
        |text: &String| text.contains("timed out after") || text.contains("resolver timed out");
    texts.iter().any(says)
}
