//! From a request to an answer: what goes wrong, what is refused, what is answered here or by the stub.

use std::future::pending;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use super::auth::Need;
use super::faults::Kind;
use super::manners::{dress, lead_on, permissions, refusal, refused};
use super::overheard::{registered, ticket};
use super::record::Exchange;
use super::routes::{self, page};
use super::shared::Shared;
use super::state::State;
use super::wire::{Answer, Call, Content, Handler, at};
use super::{play, talk};

/// The group of GitHub's own runners: it takes none.
const HOSTED: u64 = 2;

/// Answers one request; `None` hangs up.
pub(super) async fn answer(
    shared: Shared,
    request: Request<Bytes>,
    stub: Handler,
) -> Option<Response<Bytes>> {
    shared.set_stub(&stub);
    play::register(&shared);
    let call = Call::new(&request);
    if call.is_runners_talk() {
        return talk::front(&shared, request, &stub).await;
    }
    let mut exchange = Exchange::new(&call);
    let latency = shared.with(|state| state.latency);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let fault = shared.with(|state| state.take_fault(&call.method, &call.target));
    match &fault {
        Some(Kind::Delay(late)) => tokio::time::sleep(*late).await,
        Some(Kind::Refuse) => {
            shared.with(|state| state.record.keep(exchange));
            return None;
        }
        Some(Kind::Hang) => {
            shared.with(|state| state.record.keep(exchange));
            return pending().await;
        }
        _ => {}
    }
    let answer = if let Some(kind @ Kind::Status { .. }) = &fault {
        refused(kind)
    } else {
        let (route, answer) = ask(&shared, &call, request, &stub).await;
        exchange.route = route;
        answer
    };
    let answer = shared.with(|state| dress(state, &call, answer));
    let withheld = matches!(fault, Some(Kind::LostAnswer | Kind::HangAfter));
    if !withheld {
        let body = match &answer.body {
            Content::Json(_) => answer.bytes(),
            _ => Bytes::new(),
        };
        exchange.answered(answer.status, &body);
    }
    shared.with(|state| state.record.keep(exchange));
    match fault {
        Some(Kind::HangAfter) => pending().await,
        Some(Kind::LostAnswer) => None,
        _ => Some(answer.response()),
    }
}

/// What becomes of a question.
enum Step {
    /// It is answered here.
    Done(Answer),
    /// The stub is asked, at this path.
    Stub(String),
}

/// Answers a question of the API, and tells which of GitHub's paths it was.
async fn ask(
    shared: &Shared,
    call: &Call,
    request: Request<Bytes>,
    stub: &Handler,
) -> (Option<String>, Answer) {
    play::keep_alive(shared);
    let (route, headers, step) = shared.with(|state| judge(state, call));
    let mut answer = match step {
        Step::Done(answer) => answer,
        Step::Stub(path) => {
            let answer = Answer::heard(stub(at(request, &path)).await);
            shared.with(|state| overheard(state, call, &path, answer))
        }
    };
    answer.headers.extend(headers);
    (route, answer)
}

/// Who asks, what it takes, and who answers.
fn judge(state: &mut State, call: &Call) -> (Option<String>, Vec<(String, String)>, Step) {
    if let Some(token) = &call.token {
        state.remember(token);
    }
    if let Some(path) = state.renames.lead_on(&call.path) {
        let answer = lead_on(state, call, &path);
        return (None, Vec::new(), Step::Done(answer));
    }
    let original = state.renames.original(&call.path);
    let path = original.as_ref().unwrap_or(&call.path);
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let found = routes::find(&call.method, &segments);
    // GitHub's description does not have the addresses that last.
    let route = found.as_ref().map(|found| found.route.clone());
    let route = route.filter(|_| original.is_none());
    let need = found
        .as_ref()
        .map_or(Need::Sight, |found| found.need.clone());
    let headers = permissions(state, call, &need);
    let answer = refusal(state, call, &need).or_else(|| match found {
        None => Some(Answer::not_found()),
        Some(found) => match found.answer {
            Some(answer) => Some(answer(state, call)),
            None => unwanted(state, call),
        },
    });
    let step = answer.map_or_else(|| Step::Stub(path.clone()), Step::Done);
    (route, headers, step)
}

/// Registrations that the stub would take and GitHub does not.
fn unwanted(state: &State, call: &Call) -> Option<Answer> {
    if !call.path.ends_with("/generate-jitconfig") {
        return None;
    }
    if !state.has_jit {
        return Some(Answer::not_found());
    }
    let asked: Value = serde_json::from_slice(&call.body).ok()?;
    match asked["runner_group_id"].as_u64()? {
        HOSTED => Some(Answer::error(403, "Forbidden")),
        group if !state.groups.contains_key(&group) => Some(Answer::not_found()),
        _ => None,
    }
}

/// Keeps in mind what the stub has answered, and makes of it what GitHub would.
fn overheard(state: &mut State, call: &Call, path: &str, mut answer: Answer) -> Answer {
    let Some((scope, tail)) = path.split_once("/actions/runners") else {
        return answer;
    };
    let Content::Json(body) = &mut answer.body else {
        return answer;
    };
    match (call.method.as_str(), tail, answer.status) {
        ("GET", "", 200) => {
            let all = body["runners"].as_array_mut().map(std::mem::take);
            return page(call, "runners", all.unwrap_or_default());
        }
        ("POST", "/generate-jitconfig", 201) => registered(state, scope, body),
        ("POST", "/registration-token" | "/remove-token", 201) => ticket(state, body),
        _ => {}
    }
    answer
}
