//! A pod: its life, and how it is shown.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::command::Run;
use super::lags::{Lag, Wait};
use super::rules::Rules;
use crate::random;

/// Where a pod is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// `PROVISIONING`
    Provisioning,
    /// `STARTING`
    Starting,
    /// `RUNNING`, but the container does not run yet.
    Unready,
    /// `RUNNING`
    Up,
    /// `EXITED`: it is stopped, and its disk goes on billing.
    Exited,
    /// `ERROR`
    Broken,
    /// `TERMINATED`, or not there any more.
    Gone,
}

impl Stage {
    pub(super) fn status(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Starting => "STARTING",
            Self::Unready | Self::Up => "RUNNING",
            Self::Exited => "EXITED",
            Self::Broken => "ERROR",
            Self::Gone => "TERMINATED",
        }
    }

    pub(super) fn actions(self) -> &'static [&'static str] {
        match self {
            Self::Provisioning | Self::Starting => &["stop", "terminate"],
            Self::Unready | Self::Up => &["stop", "restart", "terminate"],
            Self::Exited | Self::Broken => &["start", "terminate"],
            Self::Gone => &[],
        }
    }
}

/// A line of a pod's log.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) at: Timestamp,
    /// `container` or `system`.
    pub(super) source: &'static str,
    pub(super) text: String,
}

/// A pod, also when it is gone.
pub(super) struct Pod {
    pub(super) id: String,
    /// Its own key, which its container has.
    pub(super) key: String,
    /// What it was made of, as it is now.
    pub(super) order: Value,
    pub(super) place: &'static str,
    pub(super) cuda: &'static str,
    pub(super) cost: f64,
    /// What it really costs, also where that is not told yet.
    pub(super) bill: f64,
    pub(super) created: Timestamp,
    pub(super) started: Option<Timestamp>,
    pub(super) stage: Stage,
    pub(super) start: [Lag; 3],
    pub(super) wait: Wait,
    pub(super) unlisted: Wait,
    pub(super) unfound: Wait,
    pub(super) dying: Wait,
    pub(super) locked: bool,
    pub(super) log: Vec<Line>,
    pub(super) run: Option<Run>,
    /// How often its command was started.
    pub(super) runs: usize,
    /// What its host says each time that it tries to start the container, and fails.
    pub(super) stuck: Option<String>,
    pub(super) tried: Wait,
}

/// How often a host tries to start a container that does not.
const TRIES: Lag = Lag::Time(Duration::from_millis(200));

impl Pod {
    /// One that was asked for just now; where it is and what it costs is not said yet.
    pub(super) fn new(order: &Value, rules: &Rules) -> Self {
        Self {
            id: random(14),
            key: format!("rpa_{}", random(40)),
            order: order.clone(),
            place: "",
            cuda: "",
            cost: 0.0,
            bill: 0.0,
            created: Timestamp::now(),
            started: None,
            stage: Stage::Provisioning,
            start: rules.start,
            wait: Wait::new(rules.start[0]),
            unlisted: Wait::new(rules.unlisted),
            unfound: Wait::new(rules.unfound),
            dying: Wait::new(Lag::None),
            locked: false,
            log: Vec::new(),
            run: None,
            runs: 0,
            stuck: stuck(order, rules),
            tried: Wait::new(Lag::None),
        }
    }

    /// Goes on in its life as far as it is time to; whether this is somebody's look.
    pub(super) fn advance(&mut self, look: bool) {
        loop {
            let next = match self.stage {
                Stage::Provisioning => Stage::Starting,
                Stage::Starting => Stage::Unready,
                Stage::Unready => Stage::Up,
                _ => return,
            };
            let over = if look {
                self.wait.look()
            } else {
                self.wait.is_over()
            };
            if !over {
                return;
            }
            if next == Stage::Up
                && let Some(line) = self.stuck.clone()
            {
                if self.tried.is_over() {
                    self.tried = Wait::new(TRIES);
                    self.say("system", "create container");
                    self.say("system", line);
                }
                return;
            }
            self.enter(next);
        }
    }

    pub(super) fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        let lag = match stage {
            Stage::Provisioning => self.start[0],
            Stage::Starting => self.start[1],
            Stage::Unready => self.start[2],
            Stage::Up => {
                self.started.get_or_insert_with(Timestamp::now);
                return;
            }
            _ => return,
        };
        self.wait = Wait::new(lag);
    }

    pub(super) fn say(&mut self, source: &'static str, text: impl Into<String>) {
        self.log.push(Line {
            at: Timestamp::now(),
            source,
            text: text.into(),
        });
    }

    /// How RunPod's proxy leads to it, once it has a machine; whether its keys are let in is not said here.
    fn proxy(&self) -> Value {
        if matches!(self.stage, Stage::Provisioning | Stage::Gone) {
            return Value::Null;
        }
        let user = format!("{}-64411eb2", self.id);
        json!({
            "host": "ssh.runpod.io", "port": 22, "username": user,
            "command": format!("ssh {user}@ssh.runpod.io"),
        })
    }

    pub(super) fn show(&self) -> Value {
        let order = &self.order;
        let ready = self.stage == Stage::Up;
        let or = |key: &str, default: Value| match &order[key] {
            Value::Null => default,
            value => value.clone(),
        };
        let bills = !matches!(self.stage, Stage::Exited | Stage::Gone);
        let ports = order["ports"].as_array().cloned().unwrap_or_default();
        let ports: Vec<Value> = ports
            .iter()
            .filter_map(|port| port.as_str()?.split_once('/'))
            .map(|(port, kind)| {
                let port: u16 = port.parse().unwrap_or_default();
                json!({"private": port, "public": 40_000, "type": kind, "ip": "203.0.113.7"})
            })
            .collect();
        let uptime = self
            .started
            .map_or(0, |at| Timestamp::now().as_second() - at.as_second());
        let mut pod = json!({
            "id": self.id, "name": order["name"], "status": self.stage.status(),
            "actions": self.stage.actions(), "image": or("image", json!("")),
            "args": args(order), "disk": or("disk", json!(20)), "mounts": or("mounts", json!({})),
            "ports": or("ports", json!([])), "env": or("env", json!({})),
            "registry": or("registry", Value::Null), "cloud": or("cloud", json!("SECURE")),
            "dataCenterId": self.place, "cudaVersion": Value::Null,
            "ssh": {"proxy": self.proxy(), "direct": null}, "template": or("templateId", Value::Null),
            "cost": if bills { self.cost } else { 0.0 }, "locked": self.locked,
            "runtime": Value::Null, "createdAt": self.created.to_string(),
            "startedAt": self.started.map(|at| at.to_string()),
            "globalNetworking": {"enabled": false},
        });
        for key in ["entrypoint", "cmd"] {
            if !order[key].is_null() {
                pod[key] = order[key].clone();
            }
        }
        if order["gpu"].is_null() {
            let vcpus = order["cpu"]["vcpuCount"].as_i64().unwrap_or(2);
            pod["cpu"] = json!({"id": order["cpu"]["id"], "vcpuCount": vcpus, "memory": vcpus * 2});
        } else {
            let count = order["gpu"]["count"].as_i64().unwrap_or(1);
            pod["gpu"] =
                json!({"id": order["gpu"]["id"], "count": count, "vcpuCount": 16, "memory": 62});
            pod["cudaVersion"] = json!(self.cuda);
        }
        if ready {
            pod["runtime"] = json!({"uptime": uptime, "gpus": [], "cpu": {"util": 1},
                "memory": {"util": 1}, "ports": ports});
        }
        pod
    }
}

/// What keeps the container of a pod from starting.
fn stuck(order: &Value, rules: &Rules) -> Option<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (gpu, cpu) = (text(&order["gpu"]["id"]), text(&order["cpu"]["id"]));
    let image = text(&order["image"]);
    let fits = |what: &str| what == "*" || what == gpu || what == cpu || image.contains(what);
    let found = rules.stuck.iter().find(|(what, _)| fits(what));
    found.map(|(_, line)| line.clone())
}

/// What a pod shows as its arguments: entrypoint and command are put into it.
pub(super) fn args(order: &Value) -> Value {
    if order["entrypoint"].is_null() && order["cmd"].is_null() {
        return order["args"].as_str().unwrap_or_default().into();
    }
    let mut both = json!({});
    for key in ["entrypoint", "cmd"] {
        if !order[key].is_null() {
            both[key] = order[key].clone();
        }
    }
    both.to_string().into()
}
