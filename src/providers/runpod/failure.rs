//! What RunPod's refusals mean, and what to do next.

use serde_json::Value;

use super::candidates::{Candidate, Chip, NOTHING_WITHIN, add, grouped};
use super::config::RunPodConfig;
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
    // TheLastBen/fast-stable-diffusion#2484: "this pod", elsewhere "your pod".
    "resources to deploy",
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
    /// Its pods cost more than `max_price`: the next one.
    Dear,
    /// Its hosts could not start the container of an earlier pod: the next one.
    Broken,
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

/// What to do next about a refusal: by its status, and by words in RunPod's own sentence. The first row that fits
/// counts; what is in no row is quoted with no advice. Statuses:
/// <https://docs.runpod.io/api-reference-v2/overview>, "Errors".
const NEXT: &[(u16, &[&str], &str)] = &[
    (
        401,
        &[],
        "check `api_key` (else `$RUNPOD_API_KEY`): that key was revoked, or is not complete; make a new one at https://console.runpod.io/user/settings",
    ),
    (
        402,
        &[],
        "add funds at https://console.runpod.io/user/billing",
    ),
    // A key has a scope: all, restricted, or read only (https://docs.runpod.io/get-started/api-keys).
    (
        403,
        &[],
        "check the permissions of `api_key` (else `$RUNPOD_API_KEY`) at https://console.runpod.io/user/settings: it must be allowed to read, create and delete pods",
    ),
    (
        404,
        &["registry"],
        "set `registry` to the ID of a credential of this account: https://console.runpod.io/user/settings lists them",
    ),
    (
        404,
        &["volume"],
        "set `network_volume` to the ID of a volume of this account: https://console.runpod.io/user/storage lists them",
    ),
    (
        413,
        &[],
        "make the `--setup` script or the values in `env` shorter",
    ),
    (
        429,
        &[],
        "RunPod counts the requests of an account: wait a minute, or start fewer runners at a time",
    ),
];

/// The setting that RunPod's sentence about a creation is about.
const KEYS: &[(&str, &str)] = &[
    ("registry", "registry"),
    ("network volume", "network_volume"),
    ("datacenterids", "data_centers"),
    ("data center", "data_centers"),
    ("ports:", "ports"),
    ("/ports", "ports"),
    ("`ports`", "ports"),
    ("body.ports", "ports"),
    ("env:", "env"),
    ("mounts", "volume"),
    ("vcpucount", "vcpus"),
    ("gpu type", "gpu"),
    ("cpu flavor", "cpu"),
    ("mincudaversion", "min_cuda"),
    ("image", "image"),
    ("disk", "disk"),
];

/// A failed call as an error, with what to do next.
pub(super) fn explain(failure: CallFailure, doing: impl Into<String>) -> Error {
    let next = next(&failure);
    failure.explain(doing).hinted_all(next)
}

fn next(failure: &CallFailure) -> Option<String> {
    // Somebody between answered, who knows nothing of keys and pods.
    if failure.is_page() {
        return None;
    }
    let (status, said) = (failure.status()?, words(failure));
    if status == 410 || matches!(status, 404 | 405) && failure.body().is_none() {
        return Some("check `endpoint`: RunPod's API is at `https://api.runpod.io/v2`".to_owned());
    }
    let fits = |row: &&(u16, &[&str], &str)| {
        row.0 == status && row.1.iter().all(|word| said.contains(word))
    };
    NEXT.iter().find(fits).map(|row| row.2.to_owned())
}

/// Tells what a failed creation means.
pub(super) fn refusal(failure: CallFailure, doing: String, candidate: &Candidate) -> CreateRefusal {
    let status = failure.status();
    let is_problem = failure.body().is_some();
    let said = words(&failure);
    let of = |sort, error| CreateRefusal { sort, error };
    // Ambiguous whatever it says, or never answered.
    let Some(status) = status.filter(|_| failure.kind() != ErrorKind::Ambiguous) else {
        let sort = match failure.kind() {
            ErrorKind::Ambiguous => ErrorClass::Unsure,
            _ => ErrorClass::Stop,
        };
        return of(sort, explain(failure, doing));
    };
    let sort = match status {
        400 if FULL.iter().any(|words| said.contains(words)) => {
            return of(ErrorClass::Full, full(&failure, candidate));
        }
        400 => ErrorClass::Fault,
        403 if !failure.is_page() => ErrorClass::Barred,
        _ => ErrorClass::Stop,
    };
    let kind = match status {
        401..=403 if failure.is_page() => ErrorKind::Unavailable,
        402 => ErrorKind::PaymentRequired,
        400 | 404 | 405 | 410 | 413 | 422 => ErrorKind::Config,
        _ => failure.kind(),
    };
    let key = match status {
        404 | 405 | 410 if !is_problem => Some("endpoint"),
        410 => Some("endpoint"),
        400 | 404 | 422 => key(&said),
        _ => None,
    };
    let doing = match status {
        402 => format!("{doing}: the account's balance is too low"),
        _ => doing,
    };
    let error = explain(failure.meaning(kind), doing);
    let error = match (status, key) {
        (404, None) => error.hinted(
            "check that `registry`, `network_volume` and `data_centers` exist in this account",
        ),
        (403, _) => error.hinted(format!(
            "if it is, the account is not allowed to rent this GPU: name another, such as `{}`",
            other(&candidate.chip)
        )),
        _ => error,
    };
    let error = match key {
        Some(key) => error.about(key),
        None => error,
    };
    of(sort, error)
}

/// Another one to name, as it is written.
fn other(chip: &Chip) -> &'static str {
    match chip {
        Chip::Gpu(id) if id.ends_with("A40") => "gpu = \"L40S\"",
        Chip::Gpu(_) => "gpu = \"A40\"",
        Chip::Cpu(id) if id == "cpu3c" => "cpu = \"cpu5c\"",
        Chip::Cpu(_) => "cpu = \"cpu3c\"",
    }
}

/// A candidate without room, in a line: which, and RunPod's words.
fn full(failure: &CallFailure, candidate: &Candidate) -> Error {
    let body = failure.body().unwrap_or_default();
    let said = body["detail"].as_str().unwrap_or_default();
    // Whoever reads it has no page to refresh.
    let said = said
        .trim_end_matches("Please refresh and try again.")
        .trim_end_matches(['.', ' ']);
    Error::new(ErrorKind::NoCapacity, candidate.to_string())
        .requested(failure.request_id())
        .because(said)
}

fn key(said: &str) -> Option<&'static str> {
    let found = KEYS.iter().find(|(word, _)| said.contains(word));
    found.map(|(_, key)| *key)
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
pub(super) fn all_failed(
    refusals: Vec<CreateRefusal>,
    doing: &str,
    config: &RunPodConfig,
) -> Error {
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
    if any(ErrorClass::Full) || any(ErrorClass::Dear) {
        let room = |one: &&CreateRefusal| {
            matches!(
                one.sort,
                ErrorClass::Broken | ErrorClass::Dear | ErrorClass::Full
            )
        };
        let full = refusals.iter().filter(room).map(|one| one.error.clone());
        let full = grouped(full.collect());
        let are_dear = refusals.iter().all(|one| one.sort == ErrorClass::Dear);
        let what = if are_dear {
            NOTHING_WITHIN
        } else {
            "RunPod has no capacity for it"
        };
        let error = Error::new(ErrorKind::NoCapacity, what).because_each(full);
        return if any(ErrorClass::Full) {
            error.hinted(add(config))
        } else {
            error
        };
    }
    if any(ErrorClass::Broken) && refusals.len() == 1 {
        return refusals.into_iter().next().expect("it was counted").error;
    }
    if any(ErrorClass::Broken) {
        let doing = "RunPod's hosts could not start the container";
        return of_all(Error::new(ErrorKind::NoCapacity, doing));
    }
    if any(ErrorClass::Fault) {
        let doing = format!("{doing}: RunPod rejected the request for every candidate");
        return of_all(Error::new(ErrorKind::Config, doing));
    }
    if refusals.len() == 1 {
        return refusals.into_iter().next().expect("it was counted").error;
    }
    of_all(Error::new(ErrorKind::Denied, doing))
}
