//! List: everything that was seen, with its verdicts.

use jiff::Timestamp;
use serde::Serialize;

use super::survey::{Survey, SurveyRow, Unknown, View, survey};
use super::{Fleet, Unopened};
use crate::github::GitHubApi;
use crate::model::{Error, Exit};

/// What a list is asked for.
#[derive(Clone, Debug)]
pub struct ListRequest {
    /// Whose machines are looked at.
    pub view: View,
    /// Only what a sweep would act on.
    pub orphans: bool,
    /// The group that the sweep would look at; `None` is every group.
    pub group: Option<String>,
}

/// What a list saw.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ListOutcome {
    /// One row a runner, by name.
    pub machines: Vec<SurveyRow>,
    /// What could not be read, and may hide more.
    pub unknown: Vec<Unknown>,
    /// Kinds that nobody named and whose places did not answer: machines there were not looked for.
    pub not_searched: Vec<Unopened>,
    /// What ended the list before anything was looked at.
    #[serde(flatten, serialize_with = "Error::if_any")]
    pub error: Option<Error<Exit>>,
    /// The servers' clock.
    #[serde(skip)]
    pub now: Timestamp,
}

impl ListOutcome {
    /// How the program ends.
    pub fn exit(&self) -> Exit {
        match &self.error {
            Some(error) => error.kind,
            None if self.unknown.is_empty() => Exit::Done,
            None => Exit::Failed,
        }
    }
}

/// Lists, and changes nothing.
pub async fn list<G: GitHubApi>(fleet: &Fleet<'_, G>, request: &ListRequest) -> ListOutcome {
    let Survey { rows, unknown, now } = survey(fleet, &request.view).await;
    let mut machines = rows;
    let group = request.group.as_deref();
    machines.retain(|row| !request.orphans || row.is_swept(group));
    ListOutcome {
        machines,
        unknown,
        now,
        ..ListOutcome::default()
    }
}
