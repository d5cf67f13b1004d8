//! Which versions of the runner GitHub still takes.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::client::Client;
use super::{ErrorKind, RequiredPermission, Result};
use crate::model::server;

/// The oldest version that github.com and ghe.com register, whatever else they say (GitHub's changelog,
/// in full force on ghe.com since 2026-07-31 and on github.com since 2026-09-25).
const FLOOR: &str = "2.329.0";
/// A runner that does not update itself gets no jobs once a release is so much younger than it
/// (documentation, "Requirements for self-hosted runners").
const MONTH: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What is to be thought of a version that somebody has pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionSupport {
    /// Nothing speaks against it.
    Good,
    /// It works yet: a warning, in one sentence.
    Doubtful(String),
    /// GitHub does not take it: why, in one sentence.
    Refused(String),
}

/// The end of a version, as far as GitHub has set one.
#[derive(Deserialize)]
struct End {
    #[serde(default)]
    registration_deprecates_at: Option<Timestamp>,
    #[serde(default)]
    runtime_deprecates_at: Option<Timestamp>,
}

impl Client {
    /// Judges a version, such as `2.336.0`, by GitHub's clock. A GHES takes those that it offers; what a
    /// server does not tell speaks for the version.
    ///
    /// # Errors
    ///
    /// Where GitHub cannot be asked.
    pub async fn standing(&self, version: &str) -> Result<VersionSupport> {
        if server::is_ghes(self.api_url()) {
            return Ok(VersionSupport::Good);
        }
        if numbers(version) < numbers(FLOOR) {
            return Ok(VersionSupport::Refused(format!(
                "runner {version} is too old: GitHub requires at least {FLOOR}"
            )));
        }
        let end = self.end_of(version).await?;
        let now = self.clock();
        let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
        if let Some(end) = end {
            let passed = |at: Option<Timestamp>| at.filter(|at| *at <= now);
            if let Some(at) = passed(end.registration_deprecates_at) {
                return Ok(VersionSupport::Refused(format!(
                    "GitHub stopped registering runner {version} on {}",
                    day(at)
                )));
            }
            if let Some(at) = passed(end.runtime_deprecates_at) {
                return Ok(VersionSupport::Refused(format!(
                    "GitHub stopped sending jobs to runner {version} on {}",
                    day(at)
                )));
            }
            let ends = [end.registration_deprecates_at, end.runtime_deprecates_at];
            if let Some(at) = ends.into_iter().flatten().min() {
                return Ok(VersionSupport::Doubtful(format!(
                    "GitHub supports runner {version} until {}",
                    day(at)
                )));
            }
        }
        let released = self.released(version).await?;
        let old = released.filter(|released| now.duration_since(*released) > MONTH);
        Ok(old.map_or(VersionSupport::Good, |released| {
            VersionSupport::Doubtful(format!(
                "runner {version} was released on {}, and GitHub sends no jobs to a runner that is \
                 more than 30 days behind a release",
                day(released)
            ))
        }))
    }

    /// When the version ends; servers that tell it are few.
    async fn end_of(&self, version: &str) -> Result<Option<End>> {
        let message = format!("could not look up how long GitHub supports runner {version}");
        let right = RequiredPermission::Runners {
            scope: self.scope(),
            group: None,
        };
        let operation = self.begin(message, right);
        let url = self.in_scope(&["actions", "runners", "deprecations", version])?;
        let answer = operation.fetch(&url).await?;
        match operation.read_at(&url, &answer) {
            Ok(end) => Ok(Some(end)),
            // Not known there, or not to be seen by who may yet register runners.
            Err(error)
                if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Forbidden)
                    || answer.status.is_success() =>
            {
                tracing::debug!("the end of runner {version} is unknown: {error}");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// The parts of a version, to be compared.
fn numbers(version: &str) -> Vec<u64> {
    let parts = version.split('.');
    parts.map(|part| part.parse().unwrap_or(0)).collect()
}
