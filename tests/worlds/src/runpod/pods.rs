//! Pods: what is done with them.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::lags::{Lag, Wait};
use super::pod::Stage;
use super::wire::{Answer, Asked};
use super::world::World;

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
