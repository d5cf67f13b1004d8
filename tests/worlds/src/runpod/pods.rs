//! Pods: their lives, what is done with them, and how they are shown.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::run::Run;
use super::wire::{Answer, Asked};
use super::world::{Lag, Rules, Wait, World, id};

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
    fn status(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Starting => "STARTING",
            Self::Unready | Self::Up => "RUNNING",
            Self::Exited => "EXITED",
            Self::Broken => "ERROR",
            Self::Gone => "TERMINATED",
        }
    }

    fn actions(self) -> &'static [&'static str] {
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
    pub(super) created: Timestamp,
    pub(super) started: Option<Timestamp>,
    pub(super) stage: Stage,
    start: [Lag; 3],
    wait: Wait,
    unlisted: Wait,
    unfound: Wait,
    pub(super) dying: Wait,
    pub(super) locked: bool,
    pub(super) log: Vec<Line>,
    pub(super) run: Option<Run>,
    /// How often its command was started.
    pub(super) runs: usize,
}

impl Pod {
    /// One that was asked for just now; where it is and what it costs is not said yet.
    pub(super) fn new(order: &Value, rules: &Rules) -> Self {
        Self {
            id: id(14),
            key: format!("rpa_{}", id(40)),
            order: order.clone(),
            place: "",
            cuda: "",
            cost: 0.0,
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
            "ssh": {"proxy": null, "direct": null}, "template": or("templateId", Value::Null),
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

impl World {
    /// Answers what is below `/v2/pods`; `None` where there is no such verb.
    pub(super) fn pods(&mut self, rest: &[&str], asked: &Asked) -> Option<Answer> {
        let body = asked.body.as_ref().unwrap_or(&Value::Null);
        match (asked.method.as_str(), rest) {
            ("GET", []) => Some(self.list(asked)),
            ("POST", []) => Some(self.create(body)),
            (method, [id, more @ ..]) => {
                let Some(index) = self.find(id) else {
                    return Some(Answer::problem(404, "pod not found"));
                };
                Some(match (method, more) {
                    ("GET", []) => Answer::json(200, &self.pods[index].show()),
                    ("PATCH", []) => self.patch(index, body),
                    ("DELETE", []) => self.terminate(index),
                    ("POST", ["action"]) => {
                        self.act(index, body["action"].as_str().unwrap_or_default())
                    }
                    ("GET", ["logs"]) => self.log(index, asked),
                    _ => return None,
                })
            }
            _ => None,
        }
    }

    /// A pod that can be found by its id, which is a look at it.
    fn find(&mut self, id: &str) -> Option<usize> {
        let index = self.pods.iter().position(|pod| pod.id == id)?;
        let pod = &mut self.pods[index];
        pod.advance(true);
        let there = match pod.stage {
            // For as long as it is shown.
            Stage::Gone => !pod.wait.look(),
            _ => pod.unfound.look(),
        };
        there.then_some(index)
    }

    fn list(&mut self, asked: &Asked) -> Answer {
        self.look();
        let after = match asked.value("cursor") {
            None => 0,
            Some(cursor) => match cursor.strip_prefix("after-").map(str::parse::<usize>) {
                Some(Ok(after)) => after,
                _ => return Answer::problem(422, "cursor is malformed"),
            },
        };
        let limit = asked.value("limit").and_then(|limit| limit.parse().ok());
        let limit: usize = limit.unwrap_or(self.rules.page);
        let mut shown = Vec::new();
        let mut next = None;
        for (index, pod) in self.pods.iter_mut().enumerate().skip(after) {
            if shown.len() == limit {
                next = Some(format!("after-{index}"));
                break;
            }
            pod.advance(true);
            let there = match pod.stage {
                Stage::Gone => !pod.wait.look(),
                _ => pod.unlisted.look(),
            };
            if there {
                shown.push(pod.show());
            }
        }
        let pages = json!({"hasNextPage": next.is_some(), "nextCursor": next});
        Answer::json(200, &json!({"pods": shown, "pagination": pages}))
    }

    fn patch(&mut self, index: usize, body: &Value) -> Answer {
        let pod = &mut self.pods[index];
        for (key, value) in body.as_object().into_iter().flatten() {
            match key.as_str() {
                "locked" => pod.locked = value == true,
                _ => pod.order[key.as_str()] = value.clone(),
            }
        }
        Answer::json(200, &pod.show())
    }

    pub(super) fn terminate(&mut self, index: usize) -> Answer {
        let pod = &mut self.pods[index];
        if pod.stage == Stage::Gone {
            return Answer::problem(404, "pod not found");
        }
        pod.say("system", "terminate pod");
        pod.stage = Stage::Gone;
        pod.wait = Wait::new(self.rules.shown);
        pod.dying = Wait::new(self.rules.dying);
        let key = pod.key.clone();
        // The key of a pod goes with it.
        self.keys.remove(&key);
        Answer::nothing()
    }

    fn act(&mut self, index: usize, action: &str) -> Answer {
        let pod = &mut self.pods[index];
        if !pod.stage.actions().contains(&action) {
            let status = pod.stage.status();
            return Answer::problem(
                409,
                &format!("`{action}` is not valid for a pod that is {status}"),
            );
        }
        match action {
            "terminate" => return self.terminate(index),
            "stop" => {
                pod.dying = Wait::new(Lag::None);
                pod.stage = Stage::Exited;
            }
            "start" => pod.enter(Stage::Provisioning),
            _ => {
                if let Some(run) = &mut pod.run {
                    run.restart();
                }
            }
        }
        pod.say("system", format!("{action} pod"));
        Answer::json(200, &pod.show())
    }

    fn log(&mut self, index: usize, asked: &Asked) -> Answer {
        let pod = &self.pods[index];
        let tail = asked.value("tail").and_then(|tail| tail.parse().ok());
        let since = asked.header("last-event-id").or(asked.value("since"));
        let since: Option<Timestamp> = since.and_then(|at| at.split('/').next()?.parse().ok());
        let source = asked.value("source");
        let lines: Vec<_> = pod
            .log
            .iter()
            .filter(|line| source.is_none_or(|source| source == line.source))
            .filter(|line| since.is_none_or(|since| line.at >= since))
            .collect();
        let skipped = match since {
            Some(_) => 0,
            None => lines.len().saturating_sub(tail.unwrap_or(100)),
        };
        let mut body = String::new();
        for (number, line) in lines.iter().enumerate().skip(skipped) {
            let data = json!({"ts": line.at.to_string(), "source": line.source, "line": line.text});
            let at = line.at;
            write!(body, "id: {at}/{number:012}\ndata: {data}\n\n")
                .expect("a text takes what is written");
        }
        let mut answer =
            Answer::text(200, "text/event-stream", body).with("cache-control", "no-cache");
        // What comes later is not sent: nobody here listens for long.
        answer.stays = true;
        answer
    }
}

/// How long a stream of events is kept open without one.
pub(super) const STREAM: Duration = Duration::from_mins(1);
