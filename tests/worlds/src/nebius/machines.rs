//! VMs, those of jobs too.

use std::collections::VecDeque;
use std::time::Instant;

use serde_json::{Value, json};

use super::catalog;
use super::refusal::Refusal;
use super::rows::{Disk, Rented, Vm};
use super::world::World;

impl Vm {
    fn body(&self, disks: &[Disk]) -> Value {
        let attached: Vec<Value> = disks
            .iter()
            .filter(|disk| disk.vm.as_ref() == Some(&self.meta.id))
            .map(|disk| json!({"id": disk.meta.id, "name": disk.meta.name, "isManaged": disk.managed}))
            .collect();
        let mut status = json!({
            "state": self.state,
            "reconciling": !self.due.is_empty(),
            "diskAttachments": attached,
        });
        if self.state == "RUNNING" {
            status["networkInterfaces"] = json!([{
                "name": self.spec["networkInterfaces"][0]["name"],
                "ipAddress": {"address": "10.0.0.4/32"},
            }]);
            if self.spec["networkInterfaces"][0]
                .get("publicIpAddress")
                .is_some()
            {
                status["networkInterfaces"][0]["publicIpAddress"] =
                    json!({"address": "203.0.113.9/32"});
            }
        }
        json!({"metadata": self.meta.body(), "spec": self.spec, "status": status})
    }
}

impl World {
    fn vm_mut(&mut self, id: &str) -> Result<&mut Vm, Refusal> {
        let mut found = self.vms.iter_mut().filter(|vm| vm.meta.id == id);
        found.next().ok_or_else(|| Refusal::not_found(id))
    }

    pub(super) fn create_vm(&mut self, message: &Value) -> Result<Value, Refusal> {
        let spec = message["spec"].clone();
        let resource = |key: &str| spec["resources"][key].as_str().unwrap_or_default();
        let subnets: Vec<&Value> = spec["networkInterfaces"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|interface| &interface["subnetId"])
            .collect();
        for subnet in subnets {
            self.reached(subnet)?;
        }
        let name = message["metadata"]["name"].as_str().unwrap_or_default();
        let taken = self.vms.iter().find(|vm| vm.meta.name == name);
        if let Some(taken) = taken.filter(|_| self.conditions.unique_names) {
            return Err(Refusal::exists(&taken.meta.id, name));
        }
        let existing = spec["bootDisk"]["existingDisk"]["id"].as_str();
        if let Some(id) = existing {
            let disk = self.disks.iter().find(|disk| disk.meta.id == id);
            let disk = disk.ok_or_else(|| Refusal::not_found(id))?;
            if let Some(vm) = &disk.vm {
                let what = format!("disk is attached to {vm}");
                return Err(Refusal::bad_state(id, &what));
            }
        }
        let later = self.placed(resource("platform"), resource("preset"))?;
        let meta = self.meta("computeinstance", name, &message["metadata"]["labels"]);
        let id = meta.id.clone();
        let now = Instant::now();
        let conditions = &self.conditions;
        let rejected = conditions.operations_fail.clone();
        let failure = later.or(rejected.map(|refusal| (conditions.operation, refusal)));
        let mut due = VecDeque::new();
        let starts = now + conditions.provisioning;
        let runs = starts + conditions.starting;
        if let Some((after, _)) = &failure {
            let state = if conditions.leaves_failed {
                "ERROR"
            } else {
                "GONE"
            };
            due.push_back((now + *after, state));
        } else if self.conditions.stops_vms {
            due.push_back((starts, "STOPPED"));
        } else {
            due.push_back((starts, "STARTING"));
            due.push_back((runs, "RUNNING"));
        }
        self.vms.push(Vm {
            meta,
            spec: spec.clone(),
            state: "CREATING",
            due,
            owner: None,
        });
        match existing {
            Some(disk) => {
                let mut disks = self.disks.iter_mut();
                if let Some(disk) = disks.find(|own| own.meta.id == disk) {
                    disk.vm = Some(id.clone());
                }
            }
            None => self.managed_disk(&id, &spec["bootDisk"]["managedDisk"]),
        }
        // Nebius' operation is over when the VM runs.
        let lasts = match &failure {
            Some((after, _)) => *after,
            None if self.conditions.stops_vms => std::time::Duration::from_hours(1),
            None => self.conditions.operation.max(runs - now),
        };
        let failure = failure.map(|(_, refusal)| refusal);
        let answer = self.operate("compute", "Create instance", &id, lasts, failure);
        self.settle(Instant::now());
        Ok(answer)
    }

    /// The VM and the disk of a job.
    pub(super) fn job_machine(&mut self, job: &str, spec: &Value) {
        let name = format!("{job}-vm");
        let meta = self.meta("computeinstance", &name, &Value::Null);
        let id = meta.id.clone();
        self.vms.push(Vm {
            meta,
            spec: json!({
                "resources": {"platform": spec["platform"], "preset": spec["preset"]},
                "networkInterfaces": [{
                    "name": "eth0", "subnetId": spec["subnetId"], "ipAddress": {},
                }],
                "bootDisk": {"attachMode": "READ_WRITE", "managedDisk": {
                    "name": format!("{name}-disk"), "spec": spec["disk"],
                }},
            }),
            state: "RUNNING",
            due: VecDeque::new(),
            owner: Some(job.to_owned()),
        });
        let managed = json!({"name": format!("{name}-disk"), "spec": spec["disk"]});
        self.managed_disk(&id, &managed);
    }

    /// The VM of a job.
    pub(super) fn machine_of(&self, job: &str) -> Option<String> {
        let mut own = self
            .vms
            .iter()
            .filter(|vm| vm.owner.as_deref() == Some(job));
        own.next().map(|vm| vm.meta.id.clone())
    }

    /// A job's VM goes, with its disk.
    pub(super) fn drop_machine(&mut self, job: &str) {
        if let Some(id) = self.machine_of(job) {
            self.vms.retain(|vm| vm.meta.id != id);
            self.without_vm(&id);
        }
    }

    pub(super) fn stranger_vm(&mut self, name: &str, labels: &[(&str, &str)]) -> String {
        let labels: Value = labels.iter().map(|(key, value)| (*key, *value)).collect();
        let meta = self.meta("computeinstance", name, &labels);
        let id = meta.id.clone();
        let disk = json!({
            "name": format!("{name}-disk"),
            "spec": {"type": "NETWORK_SSD", "sizeGibibytes": "64"},
        });
        self.vms.push(Vm {
            meta,
            spec: json!({
                "resources": {"platform": "cpu-e2", "preset": "2vcpu-8gb"},
                "networkInterfaces": [{
                    "name": "eth0", "subnetId": catalog::SUBNET, "ipAddress": {},
                }],
                "bootDisk": {"attachMode": "READ_WRITE", "managedDisk": disk},
            }),
            state: "RUNNING",
            due: VecDeque::new(),
            owner: None,
        });
        self.managed_disk(&id, &disk);
        id
    }

    pub(super) fn get_vm(&self, id: &str) -> Result<Value, Refusal> {
        let vm = self.vms.iter().find(|vm| vm.meta.id == id);
        let vm = vm.filter(|vm| self.can_be_seen(&vm.meta));
        vm.map(|vm| vm.body(&self.disks))
            .ok_or_else(|| Refusal::not_found(id))
    }

    pub(super) fn vms_listed(&self) -> Vec<Value> {
        let now = Instant::now();
        let shown = |vm: &&Vm| {
            vm.meta.listed <= now && (vm.owner.is_none() || self.conditions.shows_machines)
        };
        let vms = self.vms.iter().filter(shown);
        vms.map(|vm| vm.body(&self.disks)).collect()
    }

    pub(super) fn delete_vm(&mut self, id: &str) -> Result<Value, Refusal> {
        let deleting = self.conditions.deleting;
        let vm = self.vm_mut(id)?;
        if let Some(job) = &vm.owner {
            let what = format!("instance belongs to {job}");
            return Err(Refusal::bad_state(id, &what));
        }
        if vm.state != "DELETING" {
            vm.state = "DELETING";
            vm.due = VecDeque::from([(Instant::now() + deleting, "GONE")]);
            self.stop_running(id);
        }
        let answer = self.operate("compute", "Delete instance", id, deleting, None);
        self.settle(Instant::now());
        Ok(answer)
    }

    pub(super) fn settle_vms(&mut self, now: Instant) {
        for at in 0..self.vms.len() {
            loop {
                let vm = &mut self.vms[at];
                let due = vm.due.front().is_some_and(|(at, _)| *at <= now);
                let Some((_, state)) = due.then(|| vm.due.pop_front()).flatten() else {
                    break;
                };
                let began = state == "RUNNING" && vm.state != state;
                vm.state = state;
                let id = vm.meta.id.clone();
                if began {
                    self.begin_running(&id);
                }
                if state == "GONE" {
                    self.stop_running(&id);
                    self.without_vm(&id);
                }
            }
        }
        self.vms.retain(|vm| vm.state != "GONE");
    }

    pub(super) fn preempt(&mut self, id: &str) {
        if self.jobs.iter().any(|job| job.meta.id == id) {
            return self.preempt_job(id);
        }
        let vm = self.vm_mut(id).expect("a VM that is there");
        assert!(
            vm.spec.get("preemptible").is_some(),
            "{id} is not preemptible"
        );
        vm.state = "STOPPED";
        vm.due.clear();
        self.stop_running(id);
    }

    pub(super) fn power_off(&mut self, id: &str) {
        let starting = self.conditions.starting;
        let vm = self.vm_mut(id).expect("a VM that is there");
        if vm.state == "DELETING" {
            return;
        }
        // RECOVER is the default value: left out, it holds.
        let recovers = vm.spec["recoveryPolicy"] != "FAIL";
        vm.state = "STOPPED";
        vm.due.clear();
        if recovers {
            let now = Instant::now();
            vm.due = VecDeque::from([(now, "STARTING"), (now + starting, "RUNNING")]);
        }
        self.stop_running(id);
        self.settle(Instant::now());
    }

    pub(super) fn rented_vms(&self) -> Vec<Rented> {
        self.vms
            .iter()
            .map(|vm| Rented {
                id: vm.meta.id.clone(),
                name: vm.meta.name.clone(),
                labels: vm.meta.labels.clone(),
                state: vm.state,
                owner: vm.owner.clone(),
                spec: vm.spec.clone(),
            })
            .collect()
    }
}
