//! Which question is answered by what.

use std::time::Instant;

use axum::body::Bytes;
use axum::http::request::Parts;
use jiff::Timestamp;
use url::form_urlencoded;

use super::answer::Answer;
use super::auth::Need;
use super::faults::{Kind, Page};
use super::record::Exchange;
use super::renames;
use super::world::{Scene, folded};
use crate::model::Scope;

mod app;
mod files;
pub(super) mod listener;
mod registration;
mod repository;
mod runners;
mod runs;

/// Where the stub runner talks to: no path of GitHub's begins so.
pub(super) const RUNNER_SERVICE: &str = "/runner-service/";

/// Where GitHub Enterprise Server has its API.
const PREFIX: &str = "/api/v3";

/// The versions of the API that it knows.
const API_VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];

/// The path without the prefix of GitHub Enterprise Server.
pub(super) fn below_prefix(path: &str) -> &str {
    match path.strip_prefix(PREFIX) {
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

/// A request, taken apart.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: String,
    /// Path and query as they were sent.
    pub(super) target: String,
    /// The path below the prefix.
    pub(super) path: String,
    pub(super) token: Option<String>,
    /// The base of the API as this client reaches it.
    pub(super) base: String,
    headers: Vec<(String, String)>,
    raw_path: String,
    raw_query: Option<String>,
    body: Bytes,
}

impl Call {
    pub(super) fn new(parts: &Parts, body: Bytes) -> Self {
        let headers: Vec<(String, String)> = parts
            .headers
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let find = |wanted: &str| {
            let mut headers = headers.iter();
            headers
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.as_str())
        };
        let token = find("authorization").map(|value| {
            let token = value.split_once(' ').filter(|(scheme, _)| {
                scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token")
            });
            token.map_or_else(String::new, |(_, token)| token.trim().to_owned())
        });
        let raw_path = parts.uri.path().to_owned();
        let path = below_prefix(&raw_path).to_owned();
        let prefix = &raw_path[..raw_path.len() - path.len()];
        Self {
            method: parts.method.as_str().to_owned(),
            target: parts.uri.to_string(),
            base: format!("http://{}{prefix}", find("host").unwrap_or("localhost")),
            token,
            path,
            raw_query: parts.uri.query().map(str::to_owned),
            raw_path,
            headers,
            body,
        }
    }

    pub(super) fn is_runners_talk(&self) -> bool {
        self.raw_path.starts_with(RUNNER_SERVICE)
    }

    /// A record of it, without its token.
    pub(super) fn exchange(&self) -> Exchange {
        let query = self.raw_query.as_deref();
        let mut exchange = Exchange::new(&self.method, &self.raw_path, query, &self.body);
        exchange.headers.clone_from(&self.headers);
        exchange.headers.retain(|(name, _)| name != "authorization");
        exchange
    }

    pub(super) fn header(&self, wanted: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.as_str())
    }

    fn query(&self, wanted: &str) -> Option<String> {
        let query = self.raw_query.as_deref().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
    }

    fn number(&self, wanted: &str) -> Option<usize> {
        self.query(wanted)?.parse().ok()
    }

    fn body(&self) -> &[u8] {
        &self.body
    }
}

/// A scope as a path names it: the scope, its part of the route, and the permission over its
/// runners by GitHub's name (an enterprise has none that a token could be given).
#[derive(Debug)]
struct Ground {
    scope: Scope,
    route: &'static str,
    permission: Option<&'static str>,
}

impl Ground {
    fn of<'a>(segments: &'a [&'a str]) -> Option<(Self, &'a [&'a str])> {
        let (scope, route, permission, rest) = match segments {
            ["repos", owner, name, rest @ ..] => (
                Scope::Repo {
                    owner: (*owner).to_owned(),
                    name: (*name).to_owned(),
                },
                "/repos/{owner}/{repo}",
                Some("administration"),
                rest,
            ),
            ["orgs", org, rest @ ..] => (
                Scope::Org((*org).to_owned()),
                "/orgs/{org}",
                Some("organization_self_hosted_runners"),
                rest,
            ),
            ["enterprises", slug, rest @ ..] => (
                Scope::Enterprise((*slug).to_owned()),
                "/enterprises/{enterprise}",
                None,
                rest,
            ),
            _ => return None,
        };
        let ground = Self {
            scope: folded(&scope),
            route,
            permission,
        };
        Some((ground, rest))
    }
}

/// Answers one sort of question.
type Respond<'a> = Box<dyn FnOnce(&mut Scene, &Call) -> Answer + 'a>;

/// What a question is found to be: its route, what it needs, and what answers it.
struct Found<'a> {
    route: String,
    need: Need,
    answer: Respond<'a>,
}

impl<'a> Found<'a> {
    fn new(
        route: impl Into<String>,
        need: Need,
        answer: impl FnOnce(&mut Scene, &Call) -> Answer + 'a,
    ) -> Self {
        Self {
            route: route.into(),
            need,
            answer: Box::new(answer),
        }
    }
}

/// Answers a question of the API, and tells which of GitHub's paths it was.
pub(super) fn answer(scene: &mut Scene, call: &Call) -> (Option<String>, Answer) {
    if let Some(token) = &call.token {
        scene.remember(token);
    }
    if let Some(path) = scene.renames.lead_on(&call.path) {
        return (None, lead_on(scene, call, &path));
    }
    let original = scene.renames.original(&call.path);
    let path = original.as_ref().unwrap_or(&call.path);
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let found = find(&call.method, &segments);
    // GitHub's description does not have the addresses that last.
    let route = found.as_ref().map(|found| found.route.clone());
    let route = route.filter(|_| original.is_none());
    let need = found.as_ref().map_or(&Need::Sight, |found| &found.need);
    let scopes = scene.tokens.scope_headers(call.token.as_deref(), need);
    let permission = match need {
        Need::Runners(permission) => permission.clone(),
        Need::Runs => Some("actions=read".to_owned()),
        Need::Nothing | Need::Own | Need::Sight => None,
    };
    let mut answer = if let Some(refusal) = refusal(scene, call, need) {
        refusal
    } else if let Some(found) = found {
        (found.answer)(scene, call)
    } else {
        Answer::not_found()
    };
    for (name, value) in scopes {
        answer = answer.with(name, value);
    }
    if let Some(permission) = permission {
        answer = answer.with("x-accepted-github-permissions", permission);
    }
    (route, answer)
}

/// Leads on to where a renamed repository is.
fn lead_on(scene: &mut Scene, call: &Call, path: &str) -> Answer {
    refusal(scene, call, &Need::Sight).unwrap_or_else(|| {
        let query = call.raw_query.as_ref();
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        renames::moved(&call.method, &format!("{}{path}{query}", call.base))
    })
}

/// What is refused whatever was asked.
fn refusal(scene: &mut Scene, call: &Call, need: &Need) -> Option<Answer> {
    if call.path.contains(files::DOWNLOADS) {
        return None;
    }
    if call.header("user-agent").is_none_or(str::is_empty) {
        let message = "Request forbidden by administrative rules. \
                       Please make sure your request has a User-Agent header.";
        return Some(Answer::error(403, message));
    }
    if let Some(version) = call.header("x-github-api-version")
        && !API_VERSIONS.contains(&version)
    {
        let message = format!("\"{version}\" is not a supported version");
        return Some(Answer::error(400, &message));
    }
    let token = call.token.as_deref();
    let of_app = token.filter(|_| *need != Need::Own).and_then(|token| {
        let segments: Vec<&str> = call.path.split('/').skip(1).collect();
        let ground = Ground::of(&segments);
        let scope = ground.as_ref().map(|(ground, _)| &ground.scope);
        scene.apps.judge(token, scope, need, scene.now())
    });
    let judged = match of_app {
        Some(judged) => judged.err(),
        None => scene.tokens.judge(token, need),
    };
    if judged.is_some() {
        return judged;
    }
    let leads_on = scene.renames.lead_on(&call.path).is_some();
    let limiter = scene.limiter.as_mut().filter(|_| !leads_on);
    let over = limiter.and_then(|limiter| limiter.take(&call.method, Instant::now()));
    if let Some(kind) = over {
        return Some(refused(kind));
    }
    let exhausted = call.path != "/rate_limit" && scene.used(token) >= scene.limit(token);
    exhausted.then(|| {
        let reset = i64::try_from(scene.reset()).unwrap_or(i64::MAX);
        let reset = Timestamp::from_second(reset).unwrap_or_default();
        refused(Kind::primary_limit(reset))
    })
}

/// A limit as an answer.
fn refused(kind: Kind) -> Answer {
    match kind {
        Kind::Status {
            code,
            body: Page::Json(body),
            headers,
        } => Answer {
            headers,
            ..Answer::of(code, super::answer::Content::Json(body))
        },
        _ => Answer::error(403, "API rate limit exceeded"),
    }
}

fn find<'a>(method: &str, segments: &'a [&'a str]) -> Option<Found<'a>> {
    match (method, segments) {
        ("GET", ["rate_limit"]) => {
            return Some(Found::new(
                "/rate_limit",
                Need::Nothing,
                repository::rate_limit,
            ));
        }
        ("GET", ["meta"]) => return Some(Found::new("/meta", Need::Nothing, repository::meta)),
        ("GET", ["actions", "runner", "releases", "download", _, file]) => {
            return Some(Found::new(
                "/actions/runner/releases/download/{tag}/{file}",
                Need::Nothing,
                |scene, _| files::archive(scene, file),
            ));
        }
        _ => {}
    }
    if let Some(found) = app::find(method, segments) {
        return Some(found);
    }
    let (ground, rest) = Ground::of(segments)?;
    if let ["actions", "runners", rest @ ..] = rest {
        return runners::find(method, &ground, rest);
    }
    let base = ground.route;
    let (need, scope) = (Need::Sight, ground.scope.clone());
    match (method, rest, &ground.scope) {
        ("GET", ["actions", "runner-groups"], Scope::Org(_) | Scope::Enterprise(_)) => {
            let need = runners::need(&ground, "read");
            Some(Found::new(
                format!("{base}/actions/runner-groups"),
                need,
                move |scene, call| runners::groups(scene, call, &scope),
            ))
        }
        ("GET", ["actions", "runner-groups", id], Scope::Org(_) | Scope::Enterprise(_)) => {
            let need = runners::need(&ground, "read");
            Some(Found::new(
                format!("{base}/actions/runner-groups/{{runner_group_id}}"),
                need,
                move |scene, call| runners::group(scene, call, &scope, id),
            ))
        }
        ("GET", [], Scope::Repo { .. }) => Some(Found::new(base, need, |scene, call| {
            Answer::json(repository::repository(
                scene,
                call,
                segments[1],
                segments[2],
            ))
        })),
        ("GET", ["releases", which @ ..], Scope::Repo { owner, name }) => {
            files::find(owner, name, which)
        }
        ("GET", ["actions", rest @ ..], Scope::Repo { .. }) => {
            runs::find(segments[1], segments[2], rest)
        }
        _ => None,
    }
}
