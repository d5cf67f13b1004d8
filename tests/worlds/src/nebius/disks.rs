//! Disks. A managed one is a thing of its own that goes with its VM.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::refusal::Refusal;
use super::rows::{Disk, Rented};
use super::world::World;

const GIBIBYTE: i64 = 1 << 30;

impl Disk {
    fn body(&self) -> Value {
        let gibibytes = self.spec["sizeGibibytes"].as_str();
        let gibibytes = gibibytes.and_then(|text| text.parse::<i64>().ok());
        let bytes = gibibytes.map(|size| (size * GIBIBYTE).to_string());
        let bytes = bytes.or_else(|| self.spec["sizeBytes"].as_str().map(str::to_owned));
        let mut status = json!({"state": self.state, "sizeBytes": bytes.unwrap_or_default()});
        if let Some(vm) = &self.vm {
            status["readWriteAttachment"] = json!(vm);
            if self.managed {
                status["managedBy"] = json!(vm);
            }
        }
        json!({"metadata": self.meta.body(), "spec": self.spec, "status": status})
    }
}

impl World {
    /// A disk that is made with a VM, and goes with it.
    pub(super) fn managed_disk(&mut self, vm: &str, managed: &Value) {
        let name = managed["name"].as_str().unwrap_or_default();
        let meta = self.meta("computedisk", name, &managed["labels"]);
        self.disks.push(Disk {
            meta,
            spec: managed["spec"].clone(),
            state: "READY",
            vm: Some(vm.to_owned()),
            managed: true,
        });
    }

    /// What becomes of the disks of a VM that is gone.
    pub(super) fn without_vm(&mut self, vm: &str) {
        if !self.conditions.leaves_disks {
            self.disks
                .retain(|disk| !(disk.managed && disk.vm.as_deref() == Some(vm)));
        }
        for disk in &mut self.disks {
            if disk.vm.as_deref() == Some(vm) {
                disk.vm = None;
            }
        }
    }

    pub(super) fn create_disk(&mut self, message: &Value) -> Result<Value, Refusal> {
        let name = message["metadata"]["name"].as_str().unwrap_or_default();
        let taken = self.disks.iter().find(|disk| disk.meta.name == name);
        if let Some(taken) = taken.filter(|_| self.conditions.unique_names) {
            return Err(Refusal::exists(&taken.meta.id, name));
        }
        let meta = self.meta("computedisk", name, &message["metadata"]["labels"]);
        let id = meta.id.clone();
        self.disks.push(Disk {
            meta,
            spec: message["spec"].clone(),
            state: "READY",
            vm: None,
            managed: false,
        });
        let operation = self.conditions.operation;
        Ok(self.operate("compute", "Create disk", &id, operation, None))
    }

    pub(super) fn get_disk(&self, id: &str) -> Result<Value, Refusal> {
        let disk = self.disks.iter().find(|disk| disk.meta.id == id);
        disk.map(Disk::body).ok_or_else(|| Refusal::not_found(id))
    }

    pub(super) fn disks_listed(&self) -> Vec<Value> {
        let now = Instant::now();
        let disks = self.disks.iter().filter(|disk| disk.meta.listed <= now);
        disks.map(Disk::body).collect()
    }

    pub(super) fn delete_disk(&mut self, id: &str) -> Result<Value, Refusal> {
        let found = self.disks.iter().position(|disk| disk.meta.id == id);
        let at = found.ok_or_else(|| Refusal::not_found(id))?;
        if let Some(vm) = &self.disks[at].vm {
            let what = format!("disk is attached to {vm}");
            return Err(Refusal::bad_state(id, &what));
        }
        self.disks.remove(at);
        Ok(self.operate("compute", "Delete disk", id, Duration::ZERO, None))
    }

    pub(super) fn rented_disks(&self) -> Vec<Rented> {
        self.disks
            .iter()
            .map(|disk| Rented {
                id: disk.meta.id.clone(),
                name: disk.meta.name.clone(),
                labels: disk.meta.labels.clone(),
                state: disk.state,
                owner: disk.vm.clone(),
                spec: disk.spec.clone(),
            })
            .collect()
    }
}
