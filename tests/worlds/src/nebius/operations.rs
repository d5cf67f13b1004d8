//! Operations: what a modifying call answers, and what it comes to later.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::rows::Operation;
use super::world::{World, new_id};

impl World {
    /// Begins an operation on a resource of a service; returns it as it is answered.
    pub(super) fn operate(
        &mut self,
        service: &str,
        description: &str,
        resource: &str,
        lasts: Duration,
        failure: Option<Refusal>,
    ) -> Value {
        let id = new_id(&format!("{service}operation"));
        self.operations.push(Operation {
            id: id.clone(),
            description: description.to_owned(),
            resource: resource.to_owned(),
            created: Timestamp::now(),
            ends: Instant::now() + lasts,
            failure,
        });
        self.operation(&id).expect("it was made just now")
    }

    /// An operation as it is now.
    pub(super) fn operation(&self, id: &str) -> Option<Value> {
        let operation = self.operations.iter().find(|own| own.id == id)?;
        let mut answer = json!({
            "id": operation.id,
            "description": operation.description,
            "createdAt": operation.created.to_string(),
            "createdBy": "serviceaccount-e00acme",
            "resourceId": operation.resource,
        });
        if operation.ends <= Instant::now() {
            answer["finishedAt"] = json!(Timestamp::now().to_string());
            // Its code 0 is left out: what is left is an empty object.
            let failure = operation.failure.as_ref();
            answer["status"] = failure.map_or_else(|| json!({}), Refusal::body);
        }
        Some(answer)
    }
}
