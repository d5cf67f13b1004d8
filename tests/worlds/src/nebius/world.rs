//! The world behind the gateway: what was made, what is due, and what was asked.

use std::collections::HashMap;
use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::catalog::{PROJECT, TENANT};
use super::conditions::Conditions;
use super::launches::Running;
use super::refusal::Refusal;
use super::rows::{Asked, Disk, Job, Meta, Operation, Vm};
use super::tokens::{Tokens, random};

/// A new id; nobody can tell what is made next.
pub(super) fn new_id(kind: &str) -> String {
    format!("{kind}-e00{}", random(8))
}

/// Whether things may be made in a project.
pub(super) fn owned(parent: Option<&str>) -> Result<(), Refusal> {
    match parent {
        Some(PROJECT) => Ok(()),
        other => Err(Refusal::denied(other.unwrap_or_default())),
    }
}

/// Whether things may be listed under a parent.
pub(super) fn may_list(call: &str, parent: Option<&str>) -> Result<(), Refusal> {
    match call {
        "advices.list" | "quotas.list" | "projects.list" if parent == Some(TENANT) => Ok(()),
        "advices.list" | "quotas.list" | "projects.list" => {
            Err(Refusal::denied(parent.unwrap_or_default()))
        }
        _ => owned(parent),
    }
}

/// Everything.
pub(super) struct World {
    pub(super) conditions: Conditions,
    pub(super) tokens: Tokens,
    pub(super) asked: Vec<Asked>,
    pub(super) open: usize,
    under_way: HashMap<&'static str, usize>,
    pub(super) most_open: HashMap<&'static str, usize>,
    pub(super) violations: Vec<String>,
    /// What was wrong with this stand-in's own answers.
    pub(super) slips: Vec<String>,
    pub(super) jobs: Vec<Job>,
    pub(super) vms: Vec<Vm>,
    pub(super) disks: Vec<Disk>,
    pub(super) operations: Vec<Operation>,
    pub(super) running: Running,
    /// By idempotency key: for which request, and the operation that it began.
    pub(super) keys: HashMap<String, (String, String)>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            conditions: Conditions::default(),
            tokens: Tokens::default(),
            asked: Vec::new(),
            open: 0,
            under_way: HashMap::new(),
            most_open: HashMap::new(),
            violations: Vec::new(),
            slips: Vec::new(),
            jobs: Vec::new(),
            vms: Vec::new(),
            disks: Vec::new(),
            operations: Vec::new(),
            running: Running::default(),
            keys: HashMap::new(),
        }
    }

    pub(super) fn begin(&mut self, asked: &Asked) {
        self.open += 1;
        let under_way = self.under_way.entry(asked.call).or_default();
        *under_way += 1;
        let most = self.most_open.entry(asked.call).or_default();
        *most = (*most).max(*under_way);
        self.asked.push(asked.clone());
    }

    pub(super) fn end(&mut self, call: &'static str) {
        self.open -= 1;
        *self.under_way.entry(call).or_default() -= 1;
    }

    /// Notes what is wrong with a request.
    pub(super) fn blame(&mut self, asked: &Asked, what: &str) {
        let Asked {
            number, verb, path, ..
        } = asked;
        self.violations
            .push(format!("request {number}, {verb} {path}: {what}"));
    }

    pub(super) fn meta(&self, kind: &str, name: &str, labels: &Value) -> Meta {
        Meta {
            id: new_id(kind),
            name: name.to_owned(),
            labels: labels.as_object().cloned().unwrap_or_default(),
            created: Timestamp::now(),
            listed: Instant::now() + self.conditions.listing_lag,
        }
    }

    /// Whether a look by its id shows something that is there.
    pub(super) fn can_be_seen(&self, meta: &Meta) -> bool {
        !self.conditions.lags_everywhere || meta.listed <= Instant::now()
    }

    /// Brings everything up to date.
    pub(super) fn settle(&mut self, now: Instant) {
        self.settle_jobs(now);
        self.settle_vms(now);
    }

    /// A page of a list.
    pub(super) fn page(
        &self,
        message: &Value,
        list: impl Fn(&Self) -> Vec<Value>,
    ) -> Result<Value, Refusal> {
        let wrong = |field: &str| {
            let violation = (field.to_owned(), format!("is {}", message[field]));
            Refusal::bad_request(&[violation])
        };
        let size = match message["pageSize"].as_str() {
            None => self.conditions.page,
            Some(text) => match text.parse::<usize>() {
                Ok(0) => self.conditions.page,
                Ok(size) if size <= 1000 => size.min(self.conditions.page),
                _ => return Err(wrong("pageSize")),
            },
        };
        let id = |of: &Value| of["metadata"]["id"].as_str().unwrap_or_default().to_owned();
        let mut found = list(self);
        // A token names the last one seen: what is deleted in between shifts nothing.
        found.sort_by_key(id);
        match message["pageToken"].as_str() {
            None | Some("") => {}
            Some(token) => {
                let seen = token
                    .strip_prefix("after-")
                    .ok_or_else(|| wrong("pageToken"))?;
                found.retain(|of| id(of).as_str() > seen);
            }
        }
        let more = found.len() > size;
        found.truncate(size);
        let mut answer = json!({});
        if let Some(last) = found.last().filter(|_| more) {
            answer["nextPageToken"] = json!(format!("after-{}", id(last)));
        }
        if !found.is_empty() {
            answer["items"] = json!(found);
        }
        Ok(answer)
    }
}
