//! What RunPod is asked, and what is made of its answers, against the stand-in.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::request::TAGS;
use super::*;
use crate::model::{Condition, Secret};
use crate::poll::{Pace, until};
use crate::providers::contract::{chain, contract, order};
use crate::providers::{Error, ErrorKind};
use account::Account;
use gharun_worlds::runpod::{Deed, Lag, Level, Machinery, Stage};

pub(super) mod account;
mod names;
mod pods;
mod proofs;
mod refusals;
mod running;
mod settings;
mod starts;

contract!(Account);

const SOON: Pace = Pace {
    every: Duration::from_millis(50),
    at_most: Duration::from_mins(1),
};

const TWO: &[&str] = &["NVIDIA L40S", "NVIDIA RTX A4000"];

fn two() -> Value {
    json!({ "gpu": TWO })
}

impl Account {
    /// The GPU and cloud of each creation that was asked for.
    fn tried(&self) -> Vec<String> {
        let bodies = self.standin.bodies().into_iter();
        let words = |body: Value| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            format!("{} {}", text(&body["gpu"]["id"]), text(&body["cloud"]))
        };
        bodies.map(words).collect()
    }

    fn alive(&self) -> Vec<String> {
        self.standin.alive().into_iter().map(|pod| pod.id).collect()
    }

    #[track_caller]
    fn is_clean(&self) {
        assert_eq!(self.standin.violations(), [""; 0]);
    }

    /// A launch that fails, and what it is said to be.
    async fn fails(&self, settings: Value) -> Error {
        let runpod = self.with(settings);
        let launch = runpod.launch(&order("k3x9")).await;
        self.is_clean();
        launch.expect_err("the launch fails")
    }

    /// An error as people see it, without what differs from run to run.
    fn told(&self, error: &Error) -> String {
        let mut text = chain(error).replace(&self.standin.url, "URL");
        for part in self.standin.url.rsplit("//").take(1) {
            text = text.replace(part, "HOST");
        }
        let mut words: Vec<String> = Vec::new();
        for word in text.split(' ') {
            let name = word.trim_start_matches('`').starts_with("gharun-");
            words.push(if name {
                "`NAME`".into()
            } else {
                word.to_owned()
            });
        }
        text = words.join(" ");
        while let Some(at) = text.find(" (request ") {
            let end = at + text[at..].find(')').expect("a bracket") + 1;
            text.replace_range(at..end, "");
        }
        text
    }
}
