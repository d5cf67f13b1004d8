//! Runners without a machine behind them: they connect, take a job and end it as a stub runner does.

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Method, Request};
use serde_json::{Value, json};

use super::overheard::registered;
use super::scope::Scope;
use super::shared::Shared;
use super::talk::through;

/// The version that they name, which is the stub's own.
pub(super) const VERSION: &str = "2.336.0";

fn request(method: Method, path: &str, body: String) -> Request<Bytes> {
    let request = Request::builder().method(method).uri(path);
    request.body(Bytes::from(body)).expect("a request")
}

/// What the stub says at once to what a runner says; `None` where it would hold the question.
fn say(shared: &Shared, path: &str, body: String) -> Option<String> {
    let stub = shared.stub()?;
    let request = request(Method::POST, &format!("/runner-service/{path}"), body);
    let answer = through(shared, request, &stub).now_or_never()?;
    Some(answer.words())
}

/// Registers a runner that nobody here has asked for: at once, or before the first request is answered.
pub(super) fn add(shared: &Shared, scope: &str, name: &str, labels: &[&str]) {
    let path = Scope::read(scope).path();
    let body = json!({ "name": name, "runner_group_id": 1, "labels": labels });
    shared.with(|state| state.unasked.push((path, body)));
    register(shared);
}

/// Registers those that nobody has asked for.
pub(super) fn register(shared: &Shared) {
    let Some(stub) = shared.stub() else {
        return;
    };
    for (scope, body) in shared.with(|state| std::mem::take(&mut state.unasked)) {
        let path = format!("{scope}/actions/runners/generate-jitconfig");
        let answer = stub(request(Method::POST, &path, body.to_string())).now_or_never();
        let answer = answer
            .expect("the stub answers its API at once")
            .into_body();
        let answer: Value = serde_json::from_slice(&answer).expect("JSON");
        shared.with(|state| registered(state, &scope, 1, &answer));
    }
}

/// Lets a runner be online until [`take_offline`]. False where there is no such runner.
pub(super) fn bring_online(shared: &Shared, name: &str) -> bool {
    let registered = shared.with(|state| state.runners.named(name).cloned());
    let Some(registered) = registered else {
        return false;
    };
    let (id, client) = (registered.id, registered.client);
    let words = say(shared, "session", format!("{id} {client} Linux {VERSION}"));
    match words.unwrap_or_default().split_once(' ') {
        Some(("session", session)) => {
            shared.with(|state| {
                if let Some(session) = state.runners.session(session.trim()) {
                    session.played = true;
                }
            });
            true
        }
        // Another machine has it: it is online.
        _ => shared.with(|state| {
            let mut sessions = state.runners.sessions.iter();
            sessions.any(|session| session.runner == id)
        }),
    }
}

/// Gives a runner the next job that is for it; the job's number. `None` where it is not online and idle,
/// or there is no job.
pub(super) fn begin_job(shared: &Shared, name: &str) -> Option<u64> {
    let session = shared.with(|state| {
        let session = state.runners.played(name)?;
        session.job.is_none().then(|| session.id.clone())
    })?;
    say(shared, &format!("session/{session}/message"), String::new())?;
    shared.with(|state| state.runners.played(name)?.job)
}

/// Ends the job of a runner, as its machine would: the runner goes. False where it has none.
pub(super) fn end_job(shared: &Shared, name: &str) -> bool {
    let session = shared.with(|state| {
        let session = state.runners.played(name)?;
        session.job.is_some().then(|| session.id.clone())
    });
    let Some(session) = session else {
        return false;
    };
    let path = format!("session/{session}/finish");
    say(shared, &path, "Succeeded".to_owned());
    take_offline(shared, name)
}

/// Lets a runner be offline; a job of it is in progress for good. False where there is no such runner.
pub(super) fn take_offline(shared: &Shared, name: &str) -> bool {
    let session = shared.with(|state| {
        let session = state.runners.played(name)?;
        session.played = false;
        Some(session.id.clone())
    });
    let Some(session) = session else {
        return false;
    };
    say(shared, &format!("session/{session}/close"), String::new()).is_some()
}

/// Deletes a runner that is idle, behind the back of whoever registered it. False where there is none.
pub(super) fn remove(shared: &Shared, name: &str) -> bool {
    let registered = shared.with(|state| state.runners.named(name).cloned());
    let known = registered.and_then(|one| Some((one.path?, one.id)));
    let (Some((path, id)), Some(stub)) = (known, shared.stub()) else {
        return false;
    };
    let request = request(Method::DELETE, &format!("{path}/{id}"), String::new());
    let answer = stub(request).now_or_never();
    answer.is_some_and(|answer| answer.status().is_success())
}

/// Lets all that are online give a sign of life.
pub(super) fn keep_alive(shared: &Shared) {
    let played: Vec<(String, bool)> = shared.with(|state| {
        let sessions = state.runners.sessions.iter();
        let played = sessions.filter(|session| session.played);
        played
            .map(|session| (session.id.clone(), session.job.is_some()))
            .collect()
    });
    for (session, at_work) in played {
        // Both are answered at once: there is no job to wait for the end of, and the same job is told again.
        let what = if at_work { "message" } else { "renew" };
        say(shared, &format!("session/{session}/{what}"), String::new());
    }
}
