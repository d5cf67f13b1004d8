//! Jobs: a container on a VM of its own, which goes when the container ends.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::catalog;
use super::conditions::{Deletion, Ending, Stock};
use super::refusal::Refusal;
use super::rows::{Job, Rented, Step};
use super::world::World;

impl Job {
    pub(super) fn ended(&self) -> bool {
        ["COMPLETED", "FAILED", "CANCELLED", "ERROR"].contains(&self.state)
    }

    /// The job as it is told; what was injected into it only to whom may see secrets.
    fn body(&self, vm: Option<&str>, secrets: bool) -> Value {
        let mut spec = self.spec.clone();
        if !secrets && let Some(files) = spec["injectedFiles"].as_array_mut() {
            for file in files.iter_mut().filter_map(Value::as_object_mut) {
                file.remove("content");
            }
        }
        let mut status = json!({"state": self.state});
        if let Some(details) = &self.details {
            status["stateDetails"] = details.clone();
        }
        // Before that it waits for one.
        if let Some(vm) = vm.filter(|_| self.state != "PROVISIONING") {
            let state = if self.state == "RUNNING" {
                "RUNNING"
            } else {
                "STARTING"
            };
            status["instances"] = json!([{
                "state": state,
                "computeInstanceId": vm,
                "computeInstanceState": "RUNNING",
                "privateIp": "10.0.0.4",
            }]);
        }
        if let Some(started) = self.started {
            status["startedAt"] = json!(started.to_string());
        }
        if let Some(finished) = self.finished {
            status["finishedAt"] = json!(finished.to_string());
        }
        json!({"metadata": self.meta.body(), "spec": spec, "status": status})
    }
}

/// A duration as proto3 JSON writes it; a day when there is none.
fn timeout(spec: &Value) -> f64 {
    let text = spec["timeout"].as_str().unwrap_or("86400s");
    text.trim_end_matches('s').parse().unwrap_or(86_400.0)
}

fn details(refusal: &Refusal) -> Value {
    let mut error = refusal.detail.clone().unwrap_or_else(|| json!({}));
    let code = error["code"].clone();
    if let Some(error) = error.as_object_mut() {
        error.remove("@type");
    }
    json!({
        "code": code.as_str().unwrap_or("Error"),
        "message": refusal.message,
        "serviceError": error,
    })
}

impl World {
    fn job_mut(&mut self, id: &str) -> Result<&mut Job, Refusal> {
        let mut found = self.jobs.iter_mut().filter(|job| job.meta.id == id);
        found.next().ok_or_else(|| Refusal::not_found(id))
    }

    /// Whether a request is refused at once for what is in stock, or what it fails with later.
    pub(super) fn placed(
        &self,
        platform: &str,
        preset: &str,
    ) -> Result<Option<(Duration, Refusal)>, Refusal> {
        catalog::offered(platform, preset)?;
        let used = self.vms.iter().filter(|vm| {
            vm.state != "STOPPED"
                && vm.spec["resources"]["platform"] == platform
                && vm.spec["resources"]["preset"] == preset
        });
        let none = || Refusal::no_capacity(platform, preset);
        match self.conditions.stock_of(platform, preset) {
            Stock::Plenty => Ok(None),
            Stock::Units(left) if used.count() < left => Ok(None),
            Stock::Units(_) | Stock::Refused => Err(none()),
            Stock::Later(after) => Ok(Some((after, none()))),
            Stock::Quota => Err(Refusal::quota(platform)),
            Stock::QuotaLater(after) => Ok(Some((after, Refusal::quota(platform)))),
        }
    }

    /// Whether a subnet is there.
    pub(super) fn reached(&self, subnet: &Value) -> Result<(), Refusal> {
        let id = subnet.as_str().unwrap_or_default();
        let here = catalog::subnets(self.conditions.default_subnet);
        if here.iter().any(|own| own["metadata"]["id"] == id) {
            Ok(())
        } else {
            Err(Refusal::not_found(id))
        }
    }

    pub(super) fn create_job(&mut self, message: &Value) -> Result<Value, Refusal> {
        let spec = message["spec"].clone();
        let text = |key: &str| spec[key].as_str().unwrap_or_default().to_owned();
        let (platform, preset) = (text("platform"), text("preset"));
        self.reached(&spec["subnetId"])?;
        let name = message["metadata"]["name"].as_str().unwrap_or_default();
        let taken = self.jobs.iter().find(|job| job.meta.name == name);
        if let Some(taken) = taken.filter(|_| self.conditions.unique_names) {
            return Err(Refusal::exists(&taken.meta.id, name));
        }
        let failure = self.placed(&platform, &preset)?;
        if message["dryRun"] == true {
            return Ok(self.operate("ai", "Create job (dry run)", "", Duration::ZERO, None));
        }
        let meta = self.meta("aijob", name, &message["metadata"]["labels"]);
        let id = meta.id.clone();
        let now = Instant::now();
        let mut due = VecDeque::new();
        let conditions = &self.conditions;
        let operation = conditions.operation;
        let rejected = conditions.operations_fail.clone();
        let starts = now + conditions.provisioning;
        if let Some((after, refusal)) = &failure {
            due.push_back((now + *after, Step::End("ERROR", Some(details(refusal)))));
        } else if let Some(refusal) = &rejected {
            let step = if conditions.leaves_failed {
                Step::End("ERROR", Some(details(refusal)))
            } else {
                Step::Gone
            };
            due.push_back((now + operation, step));
        } else {
            due.push_back((starts, Step::State("STARTING")));
            let image = spec["image"].as_str().unwrap_or_default();
            let is_bad = |bad: &String| image.contains(bad.as_str());
            if !conditions.stuck && !conditions.bad_images.iter().any(is_bad) {
                let pulls = starts + conditions.starting;
                due.push_back((pulls, Step::State("IMAGE_PULLING")));
                due.push_back((pulls + conditions.pulling, Step::Run));
            }
        }
        self.jobs.push(Job {
            meta,
            spec: spec.clone(),
            state: "PROVISIONING",
            due,
            details: None,
            started: None,
            finished: None,
            deadline: None,
        });
        if failure.is_none() {
            self.job_machine(&id, &spec);
        }
        let answer = self.operate("ai", "Create job", &id, operation, rejected);
        self.settle(Instant::now());
        Ok(answer)
    }

    pub(super) fn stranger_job(&mut self, name: &str, labels: &[(&str, &str)]) -> String {
        let labels: Value = labels.iter().map(|(key, value)| (*key, *value)).collect();
        let spec = json!({
            "image": "registry.example/other:1",
            "platform": "cpu-e2",
            "preset": "2vcpu-8gb",
            "disk": {"type": "NETWORK_SSD", "sizeBytes": "268435456000"},
            "subnetId": catalog::SUBNET,
        });
        let meta = self.meta("aijob", name, &labels);
        let id = meta.id.clone();
        self.jobs.push(Job {
            meta,
            spec: spec.clone(),
            state: "RUNNING",
            due: VecDeque::new(),
            details: None,
            started: Some(Timestamp::now()),
            finished: None,
            deadline: None,
        });
        self.job_machine(&id, &spec);
        id
    }

    pub(super) fn get_job(&self, id: &str, secrets: bool) -> Result<Value, Refusal> {
        let job = self.jobs.iter().find(|job| job.meta.id == id);
        let job = job.filter(|job| self.can_be_seen(&job.meta));
        let job = job.ok_or_else(|| Refusal::not_found(id))?;
        Ok(job.body(self.machine_of(id).as_deref(), secrets))
    }

    pub(super) fn jobs_listed(&self) -> Vec<Value> {
        let now = Instant::now();
        let jobs = self.jobs.iter().filter(|job| job.meta.listed <= now);
        jobs.map(|job| job.body(self.machine_of(&job.meta.id).as_deref(), false))
            .collect()
    }

    pub(super) fn cancel_job(&mut self, id: &str) -> Result<Value, Refusal> {
        let cancelling = self.conditions.cancelling;
        let job = self.job_mut(id)?;
        if job.ended() || job.state == "DELETING" {
            let what = format!("job is {}", job.state);
            return Err(Refusal::bad_state(id, &what));
        }
        if job.state != "CANCELLING" {
            job.state = "CANCELLING";
            job.due = VecDeque::from([(Instant::now() + cancelling, Step::End("CANCELLED", None))]);
            self.stop_running(id);
        }
        let answer = self.operate("ai", "Cancel job", id, cancelling, None);
        self.settle(Instant::now());
        Ok(answer)
    }

    pub(super) fn delete_job(&mut self, id: &str) -> Result<Value, Refusal> {
        let (deletion, deleting) = (self.conditions.deletion, self.conditions.deleting);
        let job = self.job_mut(id)?;
        if let Deletion::Refused(status) = deletion
            && !job.ended()
            && job.state != "DELETING"
        {
            let what = format!("job is {}: cancel it first", job.state);
            return Err(Refusal::bad_state(id, &what).with_status(status));
        }
        if job.state != "DELETING" {
            job.state = "DELETING";
            job.due = VecDeque::from([(Instant::now() + deleting, Step::Gone)]);
            self.stop_running(id);
        }
        let answer = self.operate("ai", "Delete job", id, deleting, None);
        self.settle(Instant::now());
        Ok(answer)
    }

    pub(super) fn end_job(&mut self, id: &str, ending: Ending) {
        let job = self.job_mut(id).expect("a job that is there");
        if job.ended() || ["CANCELLING", "DELETING"].contains(&job.state) {
            return;
        }
        let state = ending.state();
        let said = match ending {
            Ending::Exited(code) => format!("exit code {code}"),
            Ending::Completed | Ending::Failed => "the container has exited".to_owned(),
        };
        let exit = json!({"code": "ContainerExited", "message": said});
        let step = Step::End(state, (ending != Ending::Completed).then_some(exit));
        job.due = VecDeque::from([(Instant::now(), step)]);
        self.settle(Instant::now());
    }

    pub(super) fn settle_jobs(&mut self, now: Instant) {
        for at in 0..self.jobs.len() {
            loop {
                let job = &mut self.jobs[at];
                if job.state == "RUNNING" && job.deadline.is_some_and(|deadline| deadline <= now) {
                    let late =
                        json!({"code": "Timeout", "message": "the job's timeout has passed"});
                    job.due = VecDeque::from([(now, Step::End("FAILED", Some(late)))]);
                }
                let due = job.due.front().is_some_and(|(at, _)| *at <= now);
                let Some((at_time, step)) = due.then(|| job.due.pop_front()).flatten() else {
                    break;
                };
                self.step(at, at_time, step);
            }
        }
        self.jobs.retain(|job| job.state != "GONE");
    }

    fn step(&mut self, at: usize, time: Instant, step: Step) {
        let (hour, ends) = (self.conditions.hour, self.conditions.ends);
        let job = &mut self.jobs[at];
        let id = job.meta.id.clone();
        match step {
            Step::State(state) => job.state = state,
            Step::Run => {
                job.state = "RUNNING";
                job.started = Some(Timestamp::now());
                let hours = timeout(&job.spec) / 3600.0;
                job.deadline = Some(time + hour.mul_f64(hours));
                if let Some((after, ending)) = ends {
                    let state = ending.state();
                    job.due.push_back((time + after, Step::End(state, None)));
                }
                self.begin_running(&id);
            }
            Step::End(state, details) => {
                job.state = state;
                job.details = details;
                job.finished = Some(Timestamp::now());
                self.stop_running(&id);
                self.drop_machine(&id);
            }
            Step::Gone => {
                job.state = "GONE";
                self.stop_running(&id);
                self.drop_machine(&id);
            }
        }
    }

    pub(super) fn rented_jobs(&self) -> Vec<Rented> {
        self.jobs
            .iter()
            .map(|job| Rented {
                id: job.meta.id.clone(),
                name: job.meta.name.clone(),
                labels: job.meta.labels.clone(),
                state: job.state,
                owner: None,
                spec: job.spec.clone(),
            })
            .collect()
    }

    /// A job whose VM was taken away: with `restartAttempts` it would begin anew.
    pub(super) fn preempt_job(&mut self, id: &str) {
        let job = self.job_mut(id).expect("a job that is there");
        assert!(job.spec["preemptible"] == true, "{id} is not preemptible");
        let preempted = json!({"code": "Preempted", "message": "the VM was preempted"});
        job.due = VecDeque::from([(Instant::now(), Step::End("FAILED", Some(preempted)))]);
        self.settle(Instant::now());
    }
}
