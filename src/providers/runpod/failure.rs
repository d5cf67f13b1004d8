//! What RunPod's refusals of a creation mean.

use serde_json::Value;

use crate::providers::common::rest::CallFailure;
use crate::providers::{Error, ErrorKind};

/// What RunPod says when it has no machine, in any of its voices: there is no code for it
/// (<https://docs.runpod.io/api-reference-v2/pods/create-a-pod>).
const FULL: &[&str] = &[
    "available machine",
    "capacity",
    "instances available",
    "no instances",
    "out of stock",
    "resources to deploy your pod",
];

/// What is to be done after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorClass {
    /// No other candidate will do better.
    Stop,
    /// There is no machine: the next one.
    Full,
    /// The account may not have this one: the next one.
    Barred,
    /// A rule is broken, or there is no machine and the words are new: the next one tells.
    Fault,
    /// It may have been carried out.
    Unsure,
}

/// A creation that failed.
#[derive(Debug)]
pub(super) struct CreateRefusal {
    pub(super) sort: ErrorClass,
    pub(super) error: Error,
}

/// Tells what a failed creation means.
pub(super) fn refusal(failure: CallFailure, doing: String) -> CreateRefusal {
    let status = failure.status();
    let is_problem = failure.body().is_some();
    let said = words(&failure);
    let stop = |error| CreateRefusal {
        sort: ErrorClass::Stop,
        error,
    };
    // Ambiguous whatever it says, or never answered.
    let Some(status) = status.filter(|_| failure.kind() != ErrorKind::Ambiguous) else {
        let sort = match failure.kind() {
            ErrorKind::Ambiguous => ErrorClass::Unsure,
            _ => ErrorClass::Stop,
        };
        return CreateRefusal {
            sort,
            error: failure.explain(doing),
        };
    };
    match status {
        // Somebody between answered, who knows nothing of keys and machines.
        401..=403 if failure.is_page() => {
            stop(failure.meaning(ErrorKind::Unavailable).explain(doing))
        }
        400 if FULL.iter().any(|words| said.contains(words)) => CreateRefusal {
            sort: ErrorClass::Full,
            error: failure.meaning(ErrorKind::NoCapacity).explain(doing),
        },
        400 => CreateRefusal {
            sort: ErrorClass::Fault,
            error: failure.meaning(ErrorKind::Config).explain(doing),
        },
        402 => stop(
            failure
                .meaning(ErrorKind::Denied)
                .explain(format!("{doing}: the account's balance is too low"))
                .hinted("add funds at https://console.runpod.io/user/billing"),
        ),
        403 => CreateRefusal {
            sort: ErrorClass::Barred,
            error: failure.explain(doing).hinted(
                "the API key must be allowed to create pods, and the account to have this machine",
            ),
        },
        401 => stop(failure.explain(doing).hinted(
            "check `api_key`, or make a new one at https://console.runpod.io/user/settings",
        )),
        404 if is_problem => stop(failure.meaning(ErrorKind::Config).explain(doing).hinted(
            "check that `registry`, `network_volume` and `data_centers` exist in this account",
        )),
        404 | 405 | 410 => {
            let error = failure.meaning(ErrorKind::Config).explain(doing);
            let error = error.about("endpoint");
            stop(error.hinted("RunPod's API is at `https://api.runpod.io/v2`"))
        }
        413 | 422 => stop(failure.meaning(ErrorKind::Config).explain(doing)),
        _ => stop(failure.explain(doing)),
    }
}

/// What RunPod says, in lower case.
fn words(failure: &CallFailure) -> String {
    let body = failure.body().unwrap_or_default();
    let said = body.get("detail").and_then(Value::as_str);
    said.unwrap_or_default().to_lowercase()
}

/// Tells one error of all candidates that were tried, `doing` what.
///
/// What may have been carried out outweighs all else; then comes a lack of room, since another candidate
/// or another hour would do. Without one, RunPod's words about the request are what there is to mend.
pub(super) fn all_failed(refusals: Vec<CreateRefusal>, doing: &str) -> Error {
    let any = |sort: ErrorClass| refusals.iter().any(|refusal| refusal.sort == sort);
    let of_all = |error: Error| -> Error {
        error.because_each(refusals.iter().map(|refusal| refusal.error.clone()))
    };
    if any(ErrorClass::Unsure) {
        let doing = format!("{doing}; it may have been created");
        return of_all(Error::new(ErrorKind::Ambiguous, doing));
    }
    // The last word of one that no other candidate would better.
    if any(ErrorClass::Stop) {
        let stop = refusals
            .into_iter()
            .find(|one| one.sort == ErrorClass::Stop);
        return stop.expect("it was found").error;
    }
    if any(ErrorClass::Full) {
        let error = Error::new(ErrorKind::NoCapacity, "RunPod has no capacity for it");
        return of_all(error).hinted(
            "add to `gpu`, `cloud` or `data_centers`; list what is available with `gharun providers offers runpod`",
        );
    }
    if any(ErrorClass::Fault) {
        let doing = format!("{doing}: RunPod rejected the request for every candidate");
        return of_all(Error::new(ErrorKind::Config, doing));
    }
    of_all(Error::new(ErrorKind::Denied, doing))
}
