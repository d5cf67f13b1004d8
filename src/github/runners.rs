//! Runners: listed, looked at, deregistered.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::client::{Authorized, Client};
use super::error::is_own;
use super::pages::PageAt;
use super::{ErrorKind, RequiredPermission, Result};
use crate::http::Request;

/// As many as a page can hold (documentation of `per_page`).
const PER_PAGE: usize = 100;
/// How often a list that changes while it is read is read.
const PASSES: u32 = 3;

/// A runner as GitHub lists it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Runner {
    /// GitHub's number of it.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// `online` or `offline`; kept open.
    pub status: String,
    /// Whether a job runs on it.
    pub busy: bool,
    /// Its labels, as GitHub spells them.
    #[serde(default)]
    pub labels: Vec<Label>,
}

/// A label of a runner.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Label {
    /// Its text.
    pub name: String,
}

/// What became of a deregistration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deregistration {
    /// 422: a job runs on it.
    Busy,
    /// It is gone, now or already before.
    Gone,
}

#[derive(Serialize)]
struct LabelsBody<'a> {
    labels: &'a [String],
}

#[derive(Deserialize)]
struct RunnersPage {
    #[serde(default)]
    total_count: Option<usize>,
    runners: Vec<Runner>,
}

impl Client {
    fn runners_right(&self) -> RequiredPermission<'_> {
        RequiredPermission::Runners {
            scope: self.scope(),
            group: None,
        }
    }

    pub(super) async fn all_runners(&self) -> Result<Vec<Runner>> {
        let message = format!("could not list the runners of `{}`", self.scope());
        let operation = self.begin(message, self.runners_right());
        let mut url = self.in_scope(&["actions", "runners"])?;
        url.query_pairs_mut()
            .append_pair("per_page", &PER_PAGE.to_string());
        let rows = list(&operation, &url).await?;
        self.shared.sees_runners.store(true, Ordering::Relaxed);
        Ok(rows)
    }

    /// A server may know no filter by name, or one that is not exact: it is only there to save pages.
    pub(super) async fn runner_named(&self, name: &str) -> Result<Option<Runner>> {
        let message = format!(
            "could not look for the runner `{name}` of `{}`",
            self.scope()
        );
        let operation = self.begin(message, self.runners_right());
        let mut url = self.in_scope(&["actions", "runners"])?;
        url.query_pairs_mut()
            .append_pair("name", name)
            .append_pair("per_page", &PER_PAGE.to_string());
        let rows = list(&operation, &url).await?;
        Ok(rows.into_iter().find(|row| row.name == name))
    }

    pub(super) async fn one_runner(&self, id: u64) -> Result<Option<Runner>> {
        let message = format!("could not look at runner {id} of `{}`", self.scope());
        let operation = self.begin(message, self.runners_right());
        let url = self.in_scope(&["actions", "runners", &id.to_string()])?;
        let answer = operation.fetch(&url).await?;
        match answer.status.as_u16() {
            404 if is_own(&answer) => Ok(None),
            _ => operation.read_at(&url, &answer).map(Some),
        }
    }

    /// Adds labels to those that a runner has; one that it has already is no failure.
    /// <https://docs.github.com/rest/actions/self-hosted-runners>: `POST …/runners/{runner_id}/labels`.
    pub(super) async fn add_labels(&self, id: u64, labels: &[String]) -> Result<()> {
        let message = format!("could not label runner {id} of `{}`", self.scope());
        let operation = self.begin(message, self.runners_right());
        let url = self.in_scope(&["actions", "runners", &id.to_string(), "labels"])?;
        // Twice the same labels are the labels.
        let request = Request::new(Method::POST, url)
            .json(&LabelsBody { labels })
            .repeatable();
        let answer = operation.send(request).await?;
        if answer.status.is_success() {
            Ok(())
        } else {
            Err(operation.refused(&answer))
        }
    }

    pub(super) async fn remove_runner(&self, id: u64) -> Result<Deregistration> {
        self.remove(&self.removal(id), id).await
    }

    pub(super) async fn remove_runner_at_once(&self, id: u64) -> Result<Deregistration> {
        self.remove(&self.removal(id).at_once(), id).await
    }

    fn removal(&self, id: u64) -> Authorized<'_> {
        let message = format!("could not deregister runner {id} of `{}`", self.scope());
        self.begin(message, self.runners_right())
    }

    async fn remove(&self, operation: &Authorized<'_>, id: u64) -> Result<Deregistration> {
        let url = self.in_scope(&["actions", "runners", &id.to_string()])?;
        let answer = operation.send(Request::new(Method::DELETE, url)).await?;
        match answer.status.as_u16() {
            204 => Ok(Deregistration::Gone),
            // GitHub says 404 to whom it shows nothing of the scope, too.
            404 if is_own(&answer) => {
                self.sees_runners(operation).await?;
                Ok(Deregistration::Gone)
            }
            422 if is_own(&answer) => Ok(Deregistration::Busy),
            _ => Err(operation.refused(&answer)),
        }
    }
}

impl Client {
    /// Makes sure that the runners of the scope are shown to this token; asked once where they are.
    async fn sees_runners(&self, operation: &Authorized<'_>) -> Result<()> {
        if self.shared.sees_runners.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut url = self.in_scope(&["actions", "runners"])?;
        url.query_pairs_mut().append_pair("per_page", "1");
        let answer = operation.send(Request::new(Method::GET, url)).await?;
        if !answer.status.is_success() {
            return Err(operation.refused(&answer));
        }
        self.shared.sees_runners.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// Reads a list that others change meanwhile. A runner that leaves the first page pulls one from the
/// second page over to it, where it is not seen. A list of one page is whole where that page has room left, or as many as
/// it tells. One of several is whole if all its pages tell one total, it has that many, and its first page is the same
/// afterwards, or if two readings agree; else it is what all readings showed together, where that is as many as any page
/// tells. (Where one leaves while another comes, the total stays. Where pages have numbers, the newcomer is not on the last
/// page, which is read before the others, and so one is missing; but the first page is read before that.)
async fn list(operation: &Authorized<'_>, url: &url::Url) -> Result<Vec<Runner>> {
    let mut all = BTreeMap::new();
    let mut before: Option<(Vec<u64>, Vec<Option<usize>>)> = None;
    let mut wanted = 0;
    for _ in 0..PASSES {
        let pages: Vec<PageAt<RunnersPage>> = operation.pages_at(url.clone()).await?;
        let first = (pages.len() > 1).then(|| pages[0].1.ids());
        let pages = pages.into_iter().map(|(_, page)| page);
        let pages: Vec<RunnersPage> = pages.collect();
        let totals: Vec<_> = pages.iter().map(|page| page.total_count).collect();
        let seen: BTreeMap<u64, Runner> = pages
            .into_iter()
            .flat_map(|page| page.runners)
            .map(|runner| (runner.id, runner))
            .collect();
        let one_total = totals.iter().all(|total| *total == totals[0]);
        wanted = totals.iter().flatten().copied().max().unwrap_or(seen.len());
        let complete = one_total && seen.len() >= wanted;
        let whole = match first {
            None => seen.len() < PER_PAGE || complete,
            Some(first) => complete && operation.page::<RunnersPage>(url).await?.ids() == first,
        };
        let reading = (seen.keys().copied().collect(), totals);
        if whole || (one_total && before.as_ref() == Some(&reading)) {
            return Ok(seen.into_values().collect());
        }
        before = Some(reading);
        all.extend(seen);
    }
    if all.len() >= wanted {
        // Some may be gone by now, and one may have been missed each time: who acts upon an absence asks for that runner.
        return Ok(all.into_values().collect());
    }
    let seen = all.len();
    let why =
        format!("the list changed while it was read: it had {wanted} runners and showed {seen}");
    Err(operation.fails(ErrorKind::Unavailable, why))
}

impl RunnersPage {
    fn ids(&self) -> Vec<u64> {
        self.runners.iter().map(|runner| runner.id).collect()
    }
}
