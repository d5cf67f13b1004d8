//! What AWS's failures mean.

use std::error::Error as StdError;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ec2::operation::RequestId as _;

use crate::model::{causes, text};
use crate::providers::{Error, ErrorKind};

/// How much of an answer is told, in bytes.
const MAX_MESSAGE: usize = 512;

/// What an error code means for whoever sent the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorClass {
    /// Nobody knows whether it was carried out: send the same again.
    Again,
    /// Mend the credentials, or what they may do.
    Denied,
    /// The launch's token is in use: look for the name.
    LookForName,
    /// There is none of that id.
    Missing,
    /// No room for this candidate: the next one, at once.
    Next,
    /// The account may not have more: ask for more, or take less.
    Quota,
    /// Mend this setting, or the one that the answer tells where it is empty; no candidate would fare
    /// better.
    Setting(&'static str),
    /// Send it again, later.
    Slower,
    /// The dry run would have worked.
    WouldWork,
}

/// Every code that means something, and its action; the first that matches counts, `*` ends a prefix.
///
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>, and for STS and SSM
/// their common errors.
pub(super) const CODES: &[(&str, ErrorClass)] = &[
    // No room here, perhaps elsewhere.
    ("InsufficientCapacity", ErrorClass::Next),
    ("InsufficientCapacityOnHost", ErrorClass::Next),
    ("InsufficientFreeAddressesInSubnet", ErrorClass::Next),
    ("InsufficientHostCapacity", ErrorClass::Next),
    ("InsufficientInstanceCapacity", ErrorClass::Next),
    ("InsufficientReservedInstanceCapacity", ErrorClass::Next),
    ("InsufficientVolumeCapacity", ErrorClass::Next),
    ("ReservationCapacityExceeded", ErrorClass::Next),
    ("SpotMaxPriceTooLow", ErrorClass::Next),
    ("UnfulfillableCapacity", ErrorClass::Next),
    // The type is not to be had in this zone.
    ("Unsupported", ErrorClass::Next),
    // Limits of the account.
    ("InstanceLimitExceeded", ErrorClass::Quota),
    ("MaxSpotInstanceCountExceeded", ErrorClass::Quota),
    ("VcpuLimitExceeded", ErrorClass::Quota),
    ("*LimitExceeded", ErrorClass::Quota),
    // Not so fast. (`RequestLimitExceeded` ends like a quota, and stands in `action` before them.)
    ("BandwidthLimitExceeded", ErrorClass::Slower),
    ("EC2ThrottledException", ErrorClass::Slower),
    ("PriorRequestNotComplete", ErrorClass::Slower),
    ("RequestThrottled", ErrorClass::Slower),
    ("RequestThrottledException", ErrorClass::Slower),
    ("SlowDown", ErrorClass::Slower),
    ("Throttling", ErrorClass::Slower),
    ("ThrottlingException", ErrorClass::Slower),
    ("TooManyRequestsException", ErrorClass::Slower),
    // Who asks, and what they may do.
    ("AccessDenied", ErrorClass::Denied),
    ("AccessDeniedException", ErrorClass::Denied),
    ("AuthFailure", ErrorClass::Denied),
    ("Blocked", ErrorClass::Denied),
    ("ExpiredToken", ErrorClass::Denied),
    ("ExpiredTokenException", ErrorClass::Denied),
    ("IncompleteSignature", ErrorClass::Denied),
    ("InvalidClientTokenId", ErrorClass::Denied),
    ("MissingAuthenticationToken", ErrorClass::Denied),
    ("NotAuthorized", ErrorClass::Denied),
    ("OperationNotPermitted", ErrorClass::Denied),
    ("OptInRequired", ErrorClass::Denied),
    ("PendingVerification", ErrorClass::Denied),
    ("RequestExpired", ErrorClass::Denied),
    ("SignatureDoesNotMatch", ErrorClass::Denied),
    ("UnauthorizedOperation", ErrorClass::Denied),
    ("UnrecognizedClientException", ErrorClass::Denied),
    // The token of a launch.
    ("IdempotentInstanceTerminated", ErrorClass::LookForName),
    ("IdempotentParameterMismatch", ErrorClass::LookForName),
    // Unknown ids.
    ("InvalidInstanceID.NotFound", ErrorClass::Missing),
    // Settings.
    ("InvalidAMIID*", ErrorClass::Setting("image")),
    ("ParameterNotFound", ErrorClass::Setting("image")),
    ("InvalidBlockDeviceMapping", ErrorClass::Setting("volume")),
    ("InvalidKMSKey*", ErrorClass::Setting("volume.kms_key")),
    ("KMSKey*", ErrorClass::Setting("volume.kms_key")),
    (
        "InvalidCapacityReservation*",
        ErrorClass::Setting("capacity_reservation"),
    ),
    ("InvalidGroup*", ErrorClass::Setting("security_groups")),
    (
        "InvalidSecurityGroup*",
        ErrorClass::Setting("security_groups"),
    ),
    (
        "InvalidIamInstanceProfile*",
        ErrorClass::Setting("instance_profile"),
    ),
    (
        "InvalidInstanceType*",
        ErrorClass::Setting("instance_types"),
    ),
    ("InvalidKeyPair*", ErrorClass::Setting("key_name")),
    (
        "InvalidLaunchTemplate*",
        ErrorClass::Setting("launch_template"),
    ),
    ("InvalidSpotMaxPrice", ErrorClass::Setting("max_price")),
    ("InvalidSubnet*", ErrorClass::Setting("subnets")),
    ("MissingInput", ErrorClass::Setting("subnets")),
    ("VPCIdNotSpecified", ErrorClass::Setting("subnets")),
    ("DefaultVpcDoesNotExist", ErrorClass::Setting("subnets")),
    ("InvalidTagKey*", ErrorClass::Setting("tags")),
    ("TagLimitExceeded", ErrorClass::Setting("tags")),
    ("InvalidUserData*", ErrorClass::Setting("setup")),
    // What was asked for by way of trial.
    ("DryRunOperation", ErrorClass::WouldWork),
    // AWS itself.
    ("InternalError", ErrorClass::Again),
    ("InternalFailure", ErrorClass::Again),
    ("InternalServerError", ErrorClass::Again),
    ("RequestTimeout", ErrorClass::Again),
    ("RequestTimeoutException", ErrorClass::Again),
    ("ServerInternal", ErrorClass::Again),
    ("ServiceUnavailable", ErrorClass::Again),
    ("Unavailable", ErrorClass::Again),
];

/// Parameters that an answer may name, and the settings that they come from.
const PARAMETERS: &[(&str, &str)] = &[
    ("iamInstanceProfile", "instance_profile"),
    ("securityGroup", "security_groups"),
    ("subnetId", "subnets"),
    ("keyName", "key_name"),
    ("volumeSize", "volume.size"),
    ("volumeType", "volume.type"),
    ("InstanceType", "instance_types"),
];

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

fn action(code: &str, status: Option<u16>) -> ErrorClass {
    if code == "RequestLimitExceeded" {
        return ErrorClass::Slower;
    }
    let fits = |pattern: &str| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => code.ends_with(end),
        (_, Some(begin)) => code.starts_with(begin),
        _ => code == pattern,
    };
    // The exact code counts before a pattern.
    let exact = CODES.iter().find(|(known, _)| *known == code);
    let found = exact.or_else(|| CODES.iter().find(|(pattern, _)| fits(pattern)));
    match (found, status) {
        (Some((_, action)), _) => *action,
        (None, Some(500..)) => ErrorClass::Again,
        (None, Some(429)) => ErrorClass::Slower,
        (None, Some(401 | 403)) => ErrorClass::Denied,
        // Some value was refused, and the answer says which.
        (None, _) => ErrorClass::Setting(""),
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

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::error::ErrorMetadata;
    use aws_sdk_ec2::operation::describe_instances::DescribeInstancesError;

    use super::*;

    #[test]
    fn what_has_no_room_moves_on_and_nothing_else_does() {
        for code in [
            "InsufficientInstanceCapacity",
            "SpotMaxPriceTooLow",
            "Unsupported",
        ] {
            // EC2 answers a lack of room with 500.
            assert_eq!(action(code, Some(500)), ErrorClass::Next, "{code}");
        }
        for code in [
            "InvalidAMIID.NotFound",
            "UnauthorizedOperation",
            "VcpuLimitExceeded",
            "InstanceLimitExceeded",
            "RequestLimitExceeded",
            "InternalError",
        ] {
            assert_ne!(action(code, Some(400)), ErrorClass::Next, "{code}");
        }
    }

    #[test]
    fn only_where_nobody_hands_out_credentials_they_are_denied() {
        let kind = |error: CredentialsError| {
            type Refused = SdkError<DescribeInstancesError, HttpResponse>;
            let said = ApiError::of(&Refused::construction_failure(error));
            assert_eq!(said.delivery, Delivery::Unsent);
            said.explain("could not look", "ec2:DescribeInstances").kind
        };
        for nobody in [
            CredentialsError::not_loaded("no provider has any"),
            CredentialsError::invalid_configuration("the profile names no source"),
        ] {
            assert_eq!(kind(nobody), ErrorKind::Denied);
        }
        for passing in [
            CredentialsError::provider_timed_out(std::time::Duration::from_secs(8)),
            CredentialsError::provider_error("the metadata service answered 503"),
            CredentialsError::unhandled("the connection broke"),
        ] {
            assert_eq!(kind(passing), ErrorKind::Unavailable);
        }
    }

    #[test]
    fn an_answer_keeps_the_id_of_its_request_and_a_broken_connection_each_cause() {
        let refused = ErrorMetadata::builder()
            .code("InvalidParameterValue")
            .message("the subnet is odd")
            .build();
        let status = 400.try_into().expect("a status");
        let mut answer = HttpResponse::new(status, "".into());
        answer.headers_mut().insert("x-amzn-requestid", "4711");
        let refused = DescribeInstancesError::generic(refused);
        let error = SdkError::service_error(refused, answer);
        let error = ApiError::of(&error).explain("could not look", "ec2:DescribeInstances");
        assert_eq!(error.request_id(), Some("4711"));
        let broken: SdkError<DescribeInstancesError, HttpResponse> =
            SdkError::timeout_error(io::Error::other(io::Error::other("it hangs")));
        let error = ApiError::of(&broken).explain("could not look", "ec2:DescribeInstances");
        assert!(causes(&error).count() > 2, "{error:?}");
        assert_eq!(error.request_id(), None);
    }

    #[test]
    fn every_code_stands_once_and_patterns_hide_no_other() {
        for (n, (code, meant)) in CODES.iter().enumerate() {
            assert!(
                !CODES[..n].iter().any(|(other, _)| other == code),
                "{code} stands twice"
            );
            if !code.contains('*') {
                assert_eq!(action(code, Some(400)), *meant, "{code}");
            }
        }
    }

    #[test]
    fn what_stands_in_no_row_is_judged_by_its_status() {
        assert_eq!(action("Brandnew", Some(503)), ErrorClass::Again);
        assert_eq!(action("Brandnew", Some(403)), ErrorClass::Denied);
        assert_eq!(
            action("SomethingLimitExceeded", Some(400)),
            ErrorClass::Quota
        );
        assert_eq!(
            action("RequestLimitExceeded", Some(503)),
            ErrorClass::Slower
        );
    }

    #[test]
    fn a_refusal_names_the_permission_that_it_is_about() {
        let said = "You are not authorized to perform this operation. User: arn:aws:iam::1:user/x is not \
                    authorized to perform: iam:PassRole on resource: arn:aws:iam::1:role/y";
        assert_eq!(permission(said).as_deref(), Some("iam:PassRole"));
        assert_eq!(
            permission("You are not authorized to perform this operation."),
            None
        );
    }

    #[test]
    fn the_encoded_part_of_a_refusal_is_left_out() {
        let said = "You are not authorized. Encoded authorization failure message: AbCd";
        assert_eq!(without_cipher(said), "You are not authorized.");
    }
}
