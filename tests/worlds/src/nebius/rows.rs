//! What was asked and what was made, as plain rows: nothing here knows the world that they are in.

use std::collections::VecDeque;
use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::catalog::PROJECT;
use super::refusal::Refusal;

/// A request, as far as a test needs it.
#[derive(Clone)]
pub struct Asked {
    /// Its number, from 1.
    pub number: usize,
    /// The call's name in [`super::CALLS`], or `unknown`.
    pub call: &'static str,
    /// The HTTP verb.
    pub verb: String,
    /// The path without the query.
    pub path: String,
    /// The id in the path; empty where there is none.
    pub id: String,
    /// The query's pairs.
    pub query: Vec<(String, String)>,
    /// JSON, or a form's pairs; null when there is none.
    pub body: Value,
    /// `x-idempotency-key`.
    pub idempotency: Option<String>,
    pub(super) authorization: Option<String>,
    /// `Metadata`.
    pub(super) metadata: Option<String>,
    pub(super) wrong_verb: bool,
    pub(super) fault: Option<String>,
}

/// Something that was rented, as it is and not as the gateway tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rented {
    /// `aijob-…`, `computeinstance-…`, `computedisk-…`
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Map<String, Value>,
    /// Its state, in the gateway's words.
    pub state: &'static str,
    /// What it goes with: a job's VM has its job, a managed disk its VM.
    pub owner: Option<String>,
    /// What was asked for.
    pub spec: Value,
}

/// What all resources have.
#[derive(Clone)]
pub(super) struct Meta {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) labels: Map<String, Value>,
    pub(super) created: Timestamp,
    pub(super) listed: Instant,
}

impl Meta {
    pub(super) fn body(&self) -> Value {
        json!({
            "id": self.id,
            "parentId": PROJECT,
            "name": self.name,
            "labels": self.labels,
            "resourceVersion": "1",
            "createdAt": self.created.to_string(),
            "updatedAt": self.created.to_string(),
        })
    }
}

/// What becomes of a job when its time comes.
#[derive(Clone)]
pub(super) enum Step {
    State(&'static str),
    Run,
    End(&'static str, Option<Value>),
    Gone,
}

/// A job.
pub(super) struct Job {
    pub(super) meta: Meta,
    pub(super) spec: Value,
    pub(super) state: &'static str,
    pub(super) due: VecDeque<(Instant, Step)>,
    pub(super) details: Option<Value>,
    pub(super) started: Option<Timestamp>,
    pub(super) finished: Option<Timestamp>,
    /// When the server puts an end to it.
    pub(super) deadline: Option<Instant>,
}

/// A VM.
pub(super) struct Vm {
    pub(super) meta: Meta,
    pub(super) spec: Value,
    pub(super) state: &'static str,
    pub(super) due: VecDeque<(Instant, &'static str)>,
    /// The job that it was made for.
    pub(super) owner: Option<String>,
}

/// A disk.
pub(super) struct Disk {
    pub(super) meta: Meta,
    pub(super) spec: Value,
    pub(super) state: &'static str,
    /// The VM that it is in.
    pub(super) vm: Option<String>,
    /// Whether it was made with the VM and goes with it.
    pub(super) managed: bool,
}

/// An operation.
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) description: String,
    pub(super) resource: String,
    pub(super) created: Timestamp,
    pub(super) ends: Instant,
    /// What it fails with.
    pub(super) failure: Option<Refusal>,
}
