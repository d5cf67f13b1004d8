//! From a request to an answer: what goes wrong, what is refused, what is answered here or by the stub.

use std::future::pending;

use super::auth::Need;
use super::faults::Kind;
use super::manners::{dress, lead_on, permissions, refusal, refused};
use super::overheard::{grouped, registered, ticket};
use super::record::Exchange;
use super::routes::{self, page};
use super::shared::Shared;
use super::state::State;
use super::wire::{Answer, Call, Content, Handler, at};
use super::{play, registration, releases, talk};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

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
    let path = found
        .as_ref()
        .and_then(|found| found.at.as_ref())
        .unwrap_or(path)
        .clone();
    let headers = permissions(state, call, &need);
    let answer = refusal(state, call, &need).or_else(|| match found {
        None => Some(Answer::not_found()),
        Some(found) => match found.answer {
            Some(answer) => Some(answer(state, call)),
            None => registration::refusal(state, call),
        },
    });
    let step = answer.map_or_else(|| Step::Stub(path), Step::Done);
    (route, headers, step)
}

/// Keeps in mind what the stub has answered, and makes of it what GitHub would.
fn overheard(state: &mut State, call: &Call, path: &str, mut answer: Answer) -> Answer {
    let Content::Json(body) = &mut answer.body else {
        return answer;
    };
    if path.contains("/releases/") {
        if answer.status == 200 {
            releases::answer(call, body);
        }
        return answer;
    }
    let Some((scope, tail)) = path.split_once("/actions/runners") else {
        return answer;
    };
    match (call.method.as_str(), tail, answer.status) {
        ("GET", "", 200) => {
            let all = body["runners"].as_array_mut().map(std::mem::take);
            let mut all = all.unwrap_or_default();
            for runner in &mut all {
                grouped(state, scope, runner);
            }
            return page(call, "runners", all);
        }
        ("GET", _, 200) => grouped(state, scope, body),
        ("POST", "/generate-jitconfig", 201) => {
            let asked: Value = serde_json::from_slice(&call.body).unwrap_or_default();
            let group = asked["runner_group_id"].as_u64().unwrap_or(1);
            registered(state, scope, group, body);
            grouped(state, scope, &mut body["runner"]);
        }
        ("POST", "/registration-token", 201) => ticket(state, body),
        _ => {}
    }
    answer
}
