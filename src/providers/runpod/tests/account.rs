//! RunPod as the contract sees it: the stand-in, with moods.

use std::io::Read as _;
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::http::{Bounds, Rate, Retry};
use crate::model::{InstanceId, digest, random};
use crate::poll::Pace;
use crate::providers::contract::{Fake, Mood};
use crate::providers::runpod::launch::RunPodPaces;
use crate::providers::runpod::request::{BOOT, OURS};
use crate::providers::runpod::watching::LogPaces;
use crate::providers::runpod::{RunPod, RunPodConfig};
use gharun_worlds::runpod::{Answer, Deed, Level, Scope, Stage, Standin};

/// Everything that is asked of RunPod.
const ALL: &[(&str, &str)] = &[
    ("DELETE", "/v2/pods/{id}"),
    ("GET", "/v2/catalog/{kind}"),
    ("GET", "/v2/pods"),
    ("GET", "/v2/pods/{id}"),
    ("GET", "/v2/pods/{id}/logs"),
    ("POST", "/v2/pods"),
];

/// One account, with nobody else in it.
pub(in crate::providers::runpod) struct Account {
    pub(in crate::providers::runpod) standin: Standin,
    tag: String,
}

/// Settings with a key, unchecked.
pub(in crate::providers::runpod) fn config(settings: Value) -> RunPodConfig {
    read(json!({ "api_key": "key" }), settings)
}

/// Reads settings, and what is given where they are silent.
fn read(mut given: Value, settings: Value) -> RunPodConfig {
    let Value::Object(settings) = settings else {
        panic!("settings are a table")
    };
    given.as_object_mut().expect("a table").extend(settings);
    serde_json::from_value(given).expect("settings")
}

/// As patient as the program, on a place that is near.
pub(in crate::providers::runpod) fn bounds() -> Bounds {
    Bounds {
        connect: Duration::from_secs(5),
        request: Duration::from_secs(20),
        operation: Duration::from_mins(1),
        retry: Retry {
            tries: 3,
            first: Duration::from_millis(5),
            cap: Duration::from_millis(20),
        },
        rate: Rate::default(),
    }
}

pub(in crate::providers::runpod) fn paces() -> RunPodPaces {
    let pace = |at_most| Pace {
        every: Duration::from_millis(20),
        at_most: Duration::from_millis(at_most),
    };
    RunPodPaces {
        settle: pace(400),
        shown: pace(2000),
        alone: pace(20_000),
        fresh: Duration::from_secs(1),
        logs: LogPaces {
            each: Duration::from_millis(100),
            between: Duration::from_millis(20),
        },
    }
}

impl Account {
    pub(in crate::providers::runpod) fn open() -> Self {
        Self {
            standin: Standin::start(),
            tag: random(6),
        }
    }

    /// Opens the provider with settings, its key and endpoint given unless they are among them.
    pub(in crate::providers::runpod) fn with(&self, settings: Value) -> RunPod {
        let given = json!({ "api_key": self.standin.key, "endpoint": self.standin.url });
        let config = read(given, settings);
        let mut runpod =
            RunPod::with(config, bounds(), paces()).expect("settings that can be meant");
        runpod.api.patience = Duration::from_secs(3);
        runpod.api.page = 2;
        runpod
    }

    fn deals(&self, deed: &Deed) {
        for (method, path) in ALL {
            self.standin.times(u32::MAX, method, path, deed.clone());
        }
    }

    /// Deals differently with the next requests for an end.
    fn ends_once(&self, requests: u32, deed: Deed) {
        self.standin
            .times(requests, "DELETE", "/v2/pods/{id}", deed);
    }

    fn calm(&self) {
        self.standin.forgive();
        self.standin.stock("*", "*", "*", Level::High, u32::MAX);
    }
}

fn settings() -> Value {
    json!({ "gpu": ["L40S", "A4000"], "cloud": "any" })
}

/// What a key's account calls a pod.
fn id(key: &str, id: &str) -> InstanceId {
    let mut place = digest::sha256(format!("runpod:{key}"));
    place.truncate(6);
    InstanceId {
        location: Some(place),
        id: id.to_owned(),
    }
}

impl Fake for Account {
    type P = RunPod;

    async fn start() -> Option<Self> {
        Some(Self::open())
    }

    fn tag(&self) -> &str {
        &self.tag
    }

    async fn open(&self) -> RunPod {
        self.calm();
        self.with(settings())
    }

    async fn turn(&self, mood: Mood) -> Option<RunPod> {
        self.calm();
        let mut given = settings();
        match mood {
            Mood::AnswerLost => self
                .standin
                .times(u32::MAX, "POST", "/v2/pods", Deed::lost()),
            Mood::Denied => given["api_key"] = self.standin.key_of(Scope::Nothing).into(),
            Mood::EndBusy => self.ends_once(1, Deed::refuse(409, "the pod is being updated")),
            Mood::EndIgnored => {
                self.ends_once(1, Deed::Answer(Answer::text(204, "", String::new())));
            }
            Mood::EndLost => self.ends_once(1, Deed::lost()),
            // As often as one request is sent.
            Mood::EndRefused => self.ends_once(bounds().retry.tries, Deed::html(503)),
            // A pod is accepted, and what becomes of it is told by a list.
            Mood::Halfway | Mood::PartUnread => return None,
            Mood::Html => self.deals(&Deed::html(502)),
            Mood::NoCapacity => self.standin.stock("*", "*", "*", Level::High, 0),
            Mood::RateLimited => self.deals(&Deed::limit(3600)),
            Mood::Unavailable => self.deals(&Deed::Drop),
        }
        Some(self.with(given))
    }

    async fn add_stranger(&self) -> InstanceId {
        let order = json!({
            "name": "training", "image": "runpod/pytorch:1", "gpu": { "id": "NVIDIA L40S", "count": 1 },
            "env": { "MODEL": "llama" }, "disk": 20,
        });
        id(&self.standin.key, &self.standin.create(&order).id)
    }

    async fn census(&self) -> Vec<InstanceId> {
        let pods = self.standin.alive();
        pods.iter()
            .map(|pod| id(&self.standin.key, &pod.id))
            .collect()
    }

    async fn boot_script(&self, id: &InstanceId) -> String {
        let pod = self.standin.pod(&id.id).expect("a pod");
        let packed = pod.order["env"][BOOT].as_str().expect("a script");
        let packed = base64::engine::general_purpose::STANDARD
            .decode(packed)
            .expect("base64");
        let mut script = String::new();
        flate2::read::GzDecoder::new(&*packed)
            .read_to_string(&mut script)
            .expect("a text");
        script
    }

    /// What those see who have no key of the account. Whoever has one sees the boot script, too: RunPod
    /// has no place for it that hides it from them. In the pod, arguments are seen by all, and variables
    /// by the same user only.
    async fn visible(&self, id: &InstanceId) -> String {
        let pod = self.standin.pod(&id.id).expect("a pod");
        let mut order = pod.order;
        let env = order["env"].as_object_mut().expect("variables");
        assert!(OURS.iter().all(|name| env.contains_key(*name)));
        env.remove(BOOT);
        format!("{order} {}", pod.log)
    }

    async fn end(&self, id: &InstanceId) {
        self.standin.put(&id.id, Stage::Exited);
    }

    async fn finish(self) {
        assert_eq!(self.standin.violations(), [""; 0]);
    }
}
