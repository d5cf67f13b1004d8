//! The REST gateway: its paths, its token, its pages.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::credentials::{CredentialSource, TokenProvider};
use super::failure::{ApiRefusal, TokenOrigin};
use super::wire::Operation;
use crate::http::{Bounds, Deadline, Endless, pages};
use crate::providers::common::rest::{CallFailure, Rest};
use crate::providers::{Error, ErrorKind, Result};

/// How many a page holds; more than Nebius gives by itself.
const PAGE: &str = "100";

/// A collection of the gateway, as a path below its address.
///
/// All paths are as documented (<https://docs.nebius.com/rest-api>), or where that is silent by the same rule: the
/// package of the service, then the collection. None was tried against a live account.
pub(super) type Collection = &'static [&'static str];

/// Serverless AI Jobs.
pub(super) const JOBS: Collection = &["ai", "v1", "jobs"];
/// What is at work on jobs.
pub(super) const JOB_OPERATIONS: Collection = &["ai", "v1", "operations"];
/// Virtual machines.
pub(super) const INSTANCES: Collection = &["compute", "v1", "instances"];
/// Their disks.
pub(super) const DISKS: Collection = &["compute", "v1", "disks"];
/// What is at work on machines and disks.
pub(super) const OPERATIONS: Collection = &["compute", "v1", "operations"];
/// What machines can be made of.
pub(super) const PLATFORMS: Collection = &["compute", "v1", "platforms"];
/// Networks.
pub(super) const SUBNETS: Collection = &["vpc", "v1", "subnets"];
/// Projects; the parent of one is its tenant.
pub(super) const PROJECTS: Collection = &["iam", "v1", "projects"];
/// What things cost. Read in a public client's source, and in no documentation; it answers without a token, too.
const ESTIMATE: Collection = &["billing", "v1alpha1", "calculators", "estimate"];
/// How much there is of what.
pub(super) const ADVICES: Collection = &["capacity", "v1", "resourceAdvices"];

/// A client of the gateway.
#[derive(Debug)]
pub(super) struct NebiusApi {
    rest: Rest,
    tokens: TokenProvider,
    /// How far the gateway's clock is ahead of ours by its last `Date`, in milliseconds.
    ahead: AtomicI64,
}

/// A request, to be sent once or, with a fresh token, once more.
struct Ask<'a> {
    method: Method,
    path: Vec<&'a str>,
    query: Vec<(&'a str, &'a str)>,
    body: Option<&'a Value>,
    key: Option<&'a str>,
}

impl<'a> Ask<'a> {
    fn new(method: Method, collection: Collection, rest: &[&'a str]) -> Self {
        Self {
            method,
            path: collection.iter().chain(rest).copied().collect(),
            query: Vec::new(),
            body: None,
            key: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default, bound = "T: DeserializeOwned")]
struct ListPage<T> {
    items: Vec<T>,
    next_page_token: String,
}

impl<T> Default for ListPage<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            next_page_token: String::new(),
        }
    }
}

impl NebiusApi {
    /// Makes a client for the gateway at `base`.
    pub(super) fn new(base: Url, tokens: TokenProvider, bounds: Bounds) -> Result<Self> {
        Ok(Self {
            rest: Rest::new(base, bounds)?,
            tokens,
            ahead: AtomicI64::default(),
        })
    }

    /// Remembers how far the gateway's clock is ahead of ours.
    pub(super) fn is_ahead(&self, ahead: SignedDuration) {
        let ahead = i64::try_from(ahead.as_millis()).unwrap_or_default();
        self.ahead.store(ahead, Ordering::Relaxed);
    }

    /// What time it is by our clock and by the gateway's last `Date`: the earlier of the two.
    pub(super) fn at_least(&self) -> Timestamp {
        let now = Timestamp::now();
        let ahead = SignedDuration::from_millis(self.ahead.load(Ordering::Relaxed));
        now.checked_add(ahead).unwrap_or(now).min(now)
    }

    /// Where its tokens come from.
    pub(super) fn tokens(&self) -> &TokenProvider {
        &self.tokens
    }

    /// The address before that of every path.
    pub(super) fn base(&self) -> &Url {
        self.rest.base()
    }

    /// Reads one resource.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        of: Collection,
        id: &str,
    ) -> Result<T, ApiRefusal> {
        self.ask(Ask::new(Method::GET, of, &[id])).await
    }

    /// Reads all of a collection that are the parent's, page by page.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        of: Collection,
        parent: &str,
    ) -> Result<Vec<T>, ApiRefusal> {
        let read = async |token: &String| {
            let mut ask = Ask::new(Method::GET, of, &[]);
            ask.query = vec![("parentId", parent), ("pageSize", PAGE)];
            if !token.is_empty() {
                ask.query.push(("pageToken", token));
            }
            let page: ListPage<T> = self.ask(ask).await?;
            let next = Some(page.next_page_token).filter(|token| !token.is_empty());
            Ok((page.items, next))
        };
        let endless = |endless: Endless| {
            let what = format!("could not list `/{}`", of.join("/"));
            let error = Error::new(ErrorKind::Unexpected, what).because(endless.to_string());
            ApiRefusal::Unsent(Box::new(error))
        };
        let all = pages(String::new(), read, endless).await?;
        Ok(all.into_iter().flatten().collect())
    }

    /// Asks for a new resource, once. `key` is that of the creation: whoever heeds it does not make two.
    pub(super) async fn create(
        &self,
        of: Collection,
        body: &Value,
        key: &str,
    ) -> Result<Operation, ApiRefusal> {
        let mut ask = Ask::new(Method::POST, of, &[]);
        ask.body = Some(body);
        ask.key = Some(key);
        self.ask(ask).await
    }

    /// Asks what something costs.
    pub(super) async fn price(&self, body: &Value) -> Result<Value, ApiRefusal> {
        let mut ask = Ask::new(Method::POST, ESTIMATE, &[]);
        ask.body = Some(body);
        self.ask(ask).await
    }

    /// Asks for the end of a resource.
    pub(super) async fn delete(&self, of: Collection, id: &str) -> Result<Operation, ApiRefusal> {
        self.ask(Ask::new(Method::DELETE, of, &[id])).await
    }

    /// Asks for the end of a job's work. The documentation has two spellings.
    pub(super) async fn cancel(&self, id: &str) -> Result<Operation, ApiRefusal> {
        let body = serde_json::json!({ "id": id });
        let mut ask = Ask::new(Method::POST, JOBS, &["cancel"]);
        ask.body = Some(&body);
        match self.ask(ask).await {
            Err(refusal) if matches!(refusal.status(), Some(404 | 405)) => {
                let last = format!("{id}:cancel");
                let mut ask = Ask::new(Method::POST, JOBS, &[&last]);
                let empty = serde_json::json!({});
                ask.body = Some(&empty);
                self.ask(ask).await
            }
            came => came,
        }
    }

    /// Sends a request, and once more with another token where the first one is refused: what is refused so
    /// was not carried out.
    ///
    /// What changes something waits for nothing: a lack of room is told in the same way as too many
    /// requests (429), and what ends machines must not wait.
    async fn ask<T: DeserializeOwned>(&self, ask: Ask<'_>) -> Result<T, ApiRefusal> {
        let unsent = |error: Error| ApiRefusal::Unsent(Box::new(error));
        let term = Deadline::until(Instant::now() + self.rest.client().bounds().operation);
        let mut token = self.tokens.get(None).await.map_err(unsent)?;
        let mut renewed = false;
        loop {
            let mut call = self.rest.call(ask.method.clone(), &ask.path).bearer(&token);
            for (name, value) in &ask.query {
                call = call.query(name, value);
            }
            if let Some(body) = ask.body {
                call = call.json(body);
            }
            if let Some(key) = ask.key {
                call = call.header("x-idempotency-key", key);
            }
            let came = if ask.method == Method::GET {
                call.send(&term).await
            } else {
                call.send_at_once(&term).await
            };
            match came {
                Ok(answer) => {
                    if let Some(ahead) = answer.clock_ahead() {
                        self.is_ahead(ahead);
                    }
                    return call.read(&answer).map_err(|failure| self.refusal(failure));
                }
                Err(failure)
                    if failure.status() == Some(401) && !renewed && self.tokens.renews() =>
                {
                    token = self.tokens.get(Some(&token)).await.map_err(unsent)?;
                    renewed = true;
                }
                Err(failure) => return Err(self.refusal(failure)),
            }
        }
    }

    fn refusal(&self, failure: CallFailure) -> ApiRefusal {
        let origin = match self.tokens.source() {
            CredentialSource::Key(_) => TokenOrigin::Key,
            CredentialSource::Nowhere(_) | CredentialSource::Token(_) => TokenOrigin::Given,
            CredentialSource::TokenFile(_) => TokenOrigin::File,
        };
        ApiRefusal::of(failure, origin)
    }
}
