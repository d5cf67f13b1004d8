//! What Nebius's refusals mean: by the details of the error first, then by its code, then by its words.

use super::candidates::Candidate;
use super::wire::{ServiceError, Status, Violation};
use crate::providers::common::rest::CallFailure;
use crate::providers::{Error, ErrorKind};

/// What an error means for whoever sent the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ErrorClass {
    /// Mend the credentials, or what they may do.
    Denied,
    /// There is one of that name, or of this id.
    Exists(Option<String>),
    /// There is no room for this candidate.
    Full,
    /// There is none of that id, which this setting may hold.
    Missing(Option<&'static str>),
    /// The project may not have more of this.
    Quota(Vec<String>),
    /// Not in the state that it is in; something else is at work on it.
    State,
    /// Too fast.
    Slower,
    /// It tells nothing that is known here.
    Unknown,
    /// Mend this setting, or what the answer tells.
    Wrong(Option<&'static str>),
}

/// Why an order that was accepted comes to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OrderFault {
    /// The image, or the right to have it.
    Image(String),
    /// The project may not have more of this: why, and which quotas.
    Quota(String, Vec<String>),
    /// Nebius could not make its machine, for a reason of its own.
    Failed(String),
    /// Its machine was taken away again.
    Preempted(String),
    /// No machine came for it within `start_deadline`.
    Late(String),
    /// There is no machine for it.
    Room(String),
    /// It has a machine, and its container did not start within half of `start_deadline`.
    Stuck(String),
}

/// Words by which an error is about a container's image. Nebius documents none; these are containerd's and the
/// registries' (<https://distribution.github.io/distribution/spec/api/#errors-2>).
const IMAGE: &[&str] = &[
    "errimagepull",
    "failed to pull",
    "image pull",
    "imagepull",
    "manifest unknown",
    "pull access denied",
    "pull image",
    "unauthorized: ",
];

impl OrderFault {
    /// What an error means for an order, told as `why`; `None` where it is another's fault.
    pub(super) fn of(meaning: &ErrorClass, why: String) -> Option<Self> {
        let low = why.to_lowercase();
        match meaning {
            ErrorClass::Quota(quotas) => Some(Self::Quota(why, quotas.clone())),
            _ if IMAGE.iter().any(|words| low.contains(words)) => Some(Self::Image(why)),
            _ if low.contains("preempted") => Some(Self::Preempted(why)),
            ErrorClass::Full => Some(Self::Room(why)),
            _ => None,
        }
    }
}

/// What to do next about a refusal: by its meaning, and by what it is about. What is in no row is quoted with no advice.
mod next {
    /// 401, where the token is one that somebody gave (<https://docs.nebius.com/iam/authorization/access-tokens>).
    pub(super) const TOKEN: &str = "the token in `iam_token` (else `$NEBIUS_IAM_TOKEN`) has expired or was never valid; get a new one: `export NEBIUS_IAM_TOKEN=\"$(nebius iam get-access-token)\"`";
    /// 401, where a service account's key gives them.
    pub(super) const KEY: &str = "check that the key still belongs to the service account: `nebius iam auth-public-key generate` creates a new one";
    /// 401, where a file gives them.
    pub(super) const FILE: &str = "the token in the profile's `token-file` has expired or was never valid: whatever writes that file must renew it; `nebius iam get-access-token` prints a new one";
    /// 403: also what a project of another tenant or region answers.
    pub(super) const ROLE: &str = "check `project` with `nebius iam project list`; if it is the one you mean, give the account of these credentials the role `editor` in it: https://console.nebius.com, Administration, IAM";
    /// 404 or 400 about a subnet.
    pub(super) const SUBNET: &str = "set `subnet` to one that `nebius vpc subnet list` shows, or leave `subnet` out to use the default one";
    /// 429 without a quota and without a lack of machines.
    pub(super) const SLOWER: &str =
        "Nebius limits requests: wait a minute, or start fewer runners at a time";
}

/// What a field of a request is as a setting; the first that is part of the field's path counts.
const FIELDS: &[(&str, &str)] = &[
    ("platform", "platform"),
    ("preset", "preset"),
    ("subnet", "subnet"),
    ("registry", "registry"),
    ("pricing", "pricing_policy"),
    ("preemptible", "preemptible"),
    ("service_account", "service_account"),
    ("serviceaccount", "service_account"),
    ("image", "image"),
    ("shm", "shm_size"),
    ("disk", "disk"),
    ("environment", "env"),
    ("labels", "labels"),
    ("parent", "project"),
];

/// What the id of a resource begins with, and the setting that holds it.
const HOLDERS: &[(&str, &str)] = &[
    ("computeimage-", "image"),
    ("mbsec", "registry"),
    ("pricingpolicy-", "pricing_policy"),
    ("project-", "project"),
    ("serviceaccount-", "service_account"),
    ("tenant-", "tenant"),
    ("vpcsubnet-", "subnet"),
];

/// The codes of gRPC. <https://grpc.io/docs/guides/status-codes/>
mod code {
    pub(super) const INVALID_ARGUMENT: i64 = 3;
    pub(super) const NOT_FOUND: i64 = 5;
    pub(super) const ALREADY_EXISTS: i64 = 6;
    pub(super) const PERMISSION_DENIED: i64 = 7;
    pub(super) const RESOURCE_EXHAUSTED: i64 = 8;
    pub(super) const FAILED_PRECONDITION: i64 = 9;
    pub(super) const ABORTED: i64 = 10;
    pub(super) const OUT_OF_RANGE: i64 = 11;
    pub(super) const UNAUTHENTICATED: i64 = 16;
}

impl ErrorClass {
    /// What one error of a service means; `None` where its details are of no kind that is known.
    pub(super) fn of_service(error: &ServiceError) -> Option<Self> {
        let quotas = |all: &[Violation]| {
            let named = all.iter().filter(|one| !one.quota.is_empty());
            named.map(describe_quota).collect()
        };
        Some(if let Some(failure) = &error.quota_failure {
            Self::Quota(quotas(&failure.violations))
        } else if error.not_enough_resources.is_some() {
            Self::Full
        } else if error.too_many_requests.is_some() {
            Self::Slower
        } else if let Some(exists) = &error.resource_already_exists {
            Self::Exists(Some(exists.resource_id.clone()).filter(|id| !id.is_empty()))
        } else if error.permission_denied.is_some() {
            Self::Denied
        } else if let Some(bad) = &error.bad_request {
            Self::Wrong(bad.violations.iter().find_map(|one| setting(&one.field)))
        } else if let Some(missing) = &error.resource_not_found {
            Self::Missing(holder(&missing.resource_id))
        } else if error.bad_resource_state.is_some()
            || error.resource_conflict.is_some()
            || error.operation_aborted.is_some()
            || error.operation_conflict.is_some()
        {
            Self::State
        } else if error.code.eq_ignore_ascii_case("NotEnoughResources") {
            Self::Full
        } else if error.code.eq_ignore_ascii_case("QuotaFailure") {
            Self::Quota(Vec::new())
        } else {
            return None;
        })
    }

    /// What a status means: of a refusal, or of an operation that failed.
    pub(super) fn of_status(status: &Status) -> Self {
        let details = details(status);
        if let Some(meaning) = details.iter().find_map(Self::of_service) {
            return meaning;
        }
        let text = status.message.to_ascii_lowercase();
        match status.code {
            code::RESOURCE_EXHAUSTED if text.contains("quota") => Self::Quota(Vec::new()),
            code::RESOURCE_EXHAUSTED
                if text.contains("too many") || text.contains("rate limit") =>
            {
                Self::Slower
            }
            code::RESOURCE_EXHAUSTED => Self::Full,
            code::INVALID_ARGUMENT | code::OUT_OF_RANGE => Self::Wrong(None),
            code::NOT_FOUND => Self::Missing(None),
            code::ALREADY_EXISTS => Self::Exists(None),
            code::PERMISSION_DENIED | code::UNAUTHENTICATED => Self::Denied,
            code::FAILED_PRECONDITION | code::ABORTED => Self::State,
            _ => Self::Unknown,
        }
    }
}

/// The errors of services in a status.
fn details(status: &Status) -> Vec<ServiceError> {
    let read = |detail: &serde_json::Value| serde_json::from_value(detail.clone()).ok();
    status.details.iter().filter_map(read).collect()
}

fn setting(field: &str) -> Option<&'static str> {
    let field = field.to_ascii_lowercase();
    let found = FIELDS.iter().find(|(part, _)| field.contains(part));
    found.map(|(_, key)| *key)
}

fn holder(id: &str) -> Option<&'static str> {
    let found = HOLDERS.iter().find(|(begins, _)| id.starts_with(begins));
    found.map(|(_, key)| *key)
}

fn describe_quota(one: &Violation) -> String {
    match (one.limit.as_str(), one.requested.as_str()) {
        ("", _) => format!("`{}`", one.quota),
        (limit, "") => format!("`{}` (limit {limit})", one.quota),
        (limit, requested) => format!("`{}` (limit {limit}, requested {requested})", one.quota),
    }
}

/// A status as the end of a sentence.
pub(super) fn describe(status: &Status) -> String {
    let mut told = crate::model::text::one_line(&status.message);
    for error in details(status) {
        if let Some(more) = describe_service(&error).filter(|more| !told.contains(more.as_str())) {
            told = match told.as_str() {
                "" => more,
                told => format!("{told}: {more}"),
            };
        }
    }
    match told.as_str() {
        "" => format!("code {}", status.code),
        _ => told,
    }
}

/// What an error of a service says of itself.
pub(super) fn describe_service(error: &ServiceError) -> Option<String> {
    let all = [
        &error.quota_failure,
        &error.not_enough_resources,
        &error.bad_request,
    ];
    let violations = all.into_iter().flatten().flat_map(|one| &one.violations);
    let told: Vec<String> = violations
        .map(|one| {
            let of = [&one.quota, &one.resource_type, &one.field];
            let of = of.into_iter().find(|text| !text.is_empty());
            match (of, one.message.as_str()) {
                (Some(of), "") => of.clone(),
                (Some(of), message) => format!("{of}: {message}"),
                (None, message) => message.to_owned(),
            }
        })
        .collect();
    match told.is_empty() {
        false => Some(crate::model::text::one_line(&told.join("; "))),
        true if error.code.is_empty() => None,
        true => Some(crate::model::text::one_line(&error.code)),
    }
}

/// Where the token came from that a request showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenOrigin {
    /// Somebody gave it.
    Given,
    /// A file holds it, which somebody renews.
    File,
    /// A service account's key gives others.
    Key,
}

/// A request that came to nothing.
#[derive(Debug)]
pub(super) enum ApiRefusal {
    /// It was sent, and this came of it.
    Answered(Box<CallFailure>, ErrorClass, Status, TokenOrigin),
    /// It was not even sent: there is no token.
    Unsent(Box<Error>),
}

impl ApiRefusal {
    /// Reads what the place says of a failure.
    pub(super) fn of(failure: CallFailure, origin: TokenOrigin) -> Self {
        let body = failure.body();
        let status: Status = body
            .and_then(|body| serde_json::from_value(body).ok())
            .unwrap_or_default();
        let meaning = match (ErrorClass::of_status(&status), failure.status()) {
            // A page is somebody else's word.
            (ErrorClass::Unknown, Some(401 | 403 | 409)) if failure.is_page() => {
                ErrorClass::Unknown
            }
            (ErrorClass::Unknown, Some(401 | 403)) => ErrorClass::Denied,
            (ErrorClass::Unknown, Some(409)) => ErrorClass::State,
            (meaning, _) => meaning,
        };
        Self::Answered(Box::new(failure), meaning, status, origin)
    }

    /// What it means.
    pub(super) fn meaning(&self) -> &ErrorClass {
        match self {
            Self::Answered(_, meaning, ..) => meaning,
            Self::Unsent(_) => &ErrorClass::Unknown,
        }
    }

    /// The answer's status of HTTP, where there was an answer.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Answered(failure, ..) => failure.status(),
            Self::Unsent(_) => None,
        }
    }

    /// Whether Nebius itself answered, in its own form.
    fn is_own(&self) -> bool {
        match self {
            Self::Answered(failure, ..) => failure.body().is_some(),
            Self::Unsent(_) => false,
        }
    }

    /// Whether it says that no such id exists, which only a listing proves.
    pub(super) fn is_missing(&self) -> bool {
        let is_missing =
            self.status() == Some(404) || matches!(self.meaning(), ErrorClass::Missing(_));
        is_missing && self.is_own()
    }

    /// Whether Nebius itself says that what was asked for is not there, or may not be seen. A token that is no
    /// longer good says neither.
    pub(super) fn hides(&self) -> bool {
        let is_denied = match self {
            Self::Answered(_, ErrorClass::Denied, status, _) => {
                let mut details = details(status).into_iter();
                status.code == code::PERMISSION_DENIED
                    || details.any(|error| error.permission_denied.is_some())
            }
            Self::Answered(..) | Self::Unsent(_) => false,
        };
        self.is_missing() || is_denied
    }

    /// Whether it is open what became of it.
    pub(super) fn is_ambiguous(&self) -> bool {
        match self {
            Self::Answered(failure, ..) => failure.kind() == ErrorKind::Ambiguous,
            Self::Unsent(_) => false,
        }
    }

    /// Whether it is about the platform or the preset of a candidate, as far as its words tell: which field is wrong is
    /// not told in every case.
    pub(super) fn is_of_candidate(&self, candidate: &Candidate) -> bool {
        let Self::Answered(_, ErrorClass::Wrong(key), status, _) = self else {
            return false;
        };
        let said = describe(status).to_lowercase();
        match key {
            Some(key) => matches!(*key, "platform" | "preset"),
            None => ["platform", "preset", &candidate.platform, &candidate.preset]
                .iter()
                .any(|word| said.contains(word)),
        }
    }

    /// Tells of a candidate without room, or beyond a quota, in a line.
    pub(super) fn of_candidate(self, candidate: &str) -> Error {
        let (failure, quotas, status) = match self {
            Self::Answered(failure, ErrorClass::Quota(quotas), status, _) => {
                (failure, Some(quotas), status)
            }
            Self::Answered(failure, _, status, _) => (failure, None, status),
            Self::Unsent(error) => return error.while_trying(candidate),
        };
        let what = match quotas.as_deref() {
            Some([_, ..]) => {
                let all = quotas.as_deref().unwrap_or_default().join(", ");
                format!("{candidate}: the quota {all} is used up")
            }
            Some([]) | None => candidate.to_owned(),
        };
        let error = Error::new(ErrorKind::NoCapacity, what)
            .requested(failure.request_id())
            .because(match crate::model::text::one_line(&status.message) {
                said if said.is_empty() => describe(&status),
                said => said,
            });
        match quotas {
            Some(quotas) => error.hinted(hint(&quotas)),
            None => error,
        }
    }

    /// Tells it: what was tried, and behind it what came of it.
    pub(super) fn explain(self, doing: impl Into<String>) -> Error {
        let (failure, meaning, status, origin) = match self {
            Self::Unsent(error) => return error.while_trying(doing),
            Self::Answered(failure, meaning, status, origin) => (*failure, meaning, status, origin),
        };
        // What may have been carried out stays open, whatever the answer says.
        if failure.kind() == ErrorKind::Ambiguous {
            return failure.explain(doing);
        }
        let doing = match meaning {
            // Its message is often no more than "invalid".
            ErrorClass::Wrong(_) => {
                let told = details(&status).iter().find_map(describe_service);
                let told = told.filter(|told| !status.message.contains(told.as_str()));
                [Some(doing.into()), told]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(": ")
            }
            _ => doing.into(),
        };
        match meaning {
            ErrorClass::Denied => {
                let refused = failure.status() == Some(401);
                let error = failure.meaning(ErrorKind::Denied).explain(doing);
                error.hinted(match (refused, origin) {
                    (true, TokenOrigin::Given) => next::TOKEN,
                    (true, TokenOrigin::File) => next::FILE,
                    (true, TokenOrigin::Key) => next::KEY,
                    (false, _) => next::ROLE,
                })
            }
            ErrorClass::Full => failure.meaning(ErrorKind::NoCapacity).explain(doing),
            ErrorClass::Quota(quotas) => {
                let error = failure.meaning(ErrorKind::NoCapacity).explain(doing);
                error.hinted(hint(&quotas))
            }
            ErrorClass::Slower => {
                let error = failure.meaning(ErrorKind::RateLimited).explain(doing);
                error.hinted(next::SLOWER)
            }
            ErrorClass::Wrong(key) | ErrorClass::Missing(key @ Some(_)) => {
                let error = failure.meaning(ErrorKind::Config).explain(doing);
                match key {
                    Some("subnet") => error.about("subnet").hinted(next::SUBNET),
                    Some(key) => error.about(key),
                    None => error,
                }
            }
            ErrorClass::Exists(_)
            | ErrorClass::Missing(None)
            | ErrorClass::State
            | ErrorClass::Unknown => failure.explain(doing),
        }
    }
}

/// What to do about a quota.
pub(super) fn hint(quotas: &[String]) -> String {
    match quotas {
        [] => "ask Nebius for a higher quota (https://console.nebius.com, Limits), or set another `platform`".to_owned(),
        quotas => format!(
            "ask Nebius for more of {} (https://console.nebius.com, Limits), or set another `platform`",
            quotas.join(", ")
        ),
    }
}
