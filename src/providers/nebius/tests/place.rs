//! The stand-in as a place to run the contract against, for each product.

use std::io::Read as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::http::{Bounds, Retry};
use crate::model::{InstanceId, random};
use crate::poll::Pace;
use crate::providers::contract::{Fake, Mood};
use crate::providers::nebius::{Nebius, NebiusConfig, NebiusPaces, Product, Service};
use gharun_worlds::nebius::{Deed, Ending, PROJECT, Refusal, Standin, Stock};

/// The same as in life, but quick.
pub(in crate::providers::nebius) fn paces() -> NebiusPaces {
    let pace = |at_most: u64| Pace {
        every: Duration::from_millis(20),
        at_most: Duration::from_millis(at_most),
    };
    NebiusPaces {
        http: Bounds {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(5),
            operation: Duration::from_secs(20),
            retry: Retry {
                tries: 2,
                first: Duration::from_millis(1),
                cap: Duration::from_millis(5),
            },
            ..Bounds::default()
        },
        shown: pace(2_000),
        gone: pace(20_000),
        settles: Duration::from_secs(2),
        unseen: Duration::from_secs(20),
        shows: Duration::from_secs(20),
    }
}

/// A place, and the settings for it.
#[derive(Debug)]
pub(in crate::providers::nebius) struct Place {
    pub(in crate::providers::nebius) standin: Standin,
    pub(in crate::providers::nebius) settings: Value,
    tag: String,
}

impl Place {
    /// A fresh place with settings for a product, and more of them.
    pub(in crate::providers::nebius) fn with(product: Product, more: &Value) -> Self {
        let standin = Standin::start();
        let mut settings = json!({
            "product": product,
            "project": PROJECT,
            "iam_token": standin.token(),
            "endpoint": standin.url,
            "auth_endpoint": standin.url,
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            settings[key] = value.clone();
        }
        Self {
            standin,
            settings,
            tag: random(8),
        }
    }

    /// The table.
    pub(in crate::providers::nebius) fn config(&self) -> NebiusConfig {
        serde_json::from_value(self.settings.clone()).expect("a table")
    }

    /// A provider of it.
    pub(in crate::providers::nebius) fn provider(&self) -> Nebius {
        Nebius::at(self.config(), paces()).expect("settings that can be meant")
    }

    /// Whatever was wrong so far, on either side.
    #[track_caller]
    pub(in crate::providers::nebius) fn is_well(&self) {
        assert_eq!(self.standin.violations(), [""; 0], "requests");
        assert_eq!(self.standin.slips(), [""; 0], "answers");
    }

    pub(in crate::providers::nebius) fn heal(&self) {
        self.standin.judge(|_| Deed::Answer);
        self.standin.set(|world| {
            world.forbidden = false;
            world.stock.clear();
            world.operations_fail = None;
        });
    }

    fn is_vm(&self) -> bool {
        self.settings["product"] == "vm"
    }

    fn id(&self, id: &str) -> InstanceId {
        let provider = self.provider();
        InstanceId {
            location: Some(provider.place().expect("a project")),
            id: id.to_owned(),
        }
    }

    /// Deals differently with the next requests for an end.
    fn ends_once(&self, requests: u32, deed: Deed) {
        let left = std::sync::atomic::AtomicU32::new(requests);
        self.standin.judge(move |asked| {
            use std::sync::atomic::Ordering::SeqCst;
            let ends = matches!(asked.call, "instances.delete" | "jobs.delete");
            if ends
                && left
                    .fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1))
                    .is_ok()
            {
                deed.clone()
            } else {
                Deed::Answer
            }
        });
    }

    fn turned(&self, mood: Mood) -> Nebius {
        self.heal();
        let standin = &self.standin;
        let (create, other) = if self.is_vm() {
            ("instances.create", "jobs.list")
        } else {
            ("jobs.create", "instances.list")
        };
        match mood {
            Mood::AnswerLost => {
                let lost = std::sync::atomic::AtomicBool::new(false);
                standin.judge(move |asked| {
                    let first = asked.call == create
                        && !lost.swap(true, std::sync::atomic::Ordering::SeqCst);
                    if first { Deed::Lose } else { Deed::Answer }
                });
            }
            Mood::Denied => standin.set(|world| world.forbidden = true),
            Mood::EndBusy => self.ends_once(1, Deed::Status(409)),
            Mood::EndIgnored => {
                self.ends_once(1, Deed::Pretend(r#"{"id":"","resourceId":""}"#.into()));
            }
            Mood::EndLost => self.ends_once(1, Deed::Lose),
            // As often as one request is sent.
            Mood::EndRefused => self.ends_once(paces().http.retry.tries, Deed::Status(503)),
            Mood::Halfway => {
                standin.set(|world| world.operations_fail = Some(Refusal::internal()));
            }
            Mood::Html => standin.judge(|_| Deed::Html),
            Mood::NoCapacity => standin.set(|world| world.stocked("gpu-l40s-a", Stock::Refused)),
            Mood::PartUnread => standin.judge(move |asked| {
                if asked.call == other {
                    Deed::Html
                } else {
                    Deed::Answer
                }
            }),
            Mood::RateLimited => standin.judge(|_| Deed::Throttle(Some(3600))),
            Mood::Unavailable => standin.judge(|_| Deed::Drop),
        }
        self.provider()
    }

    fn census(&self) -> Vec<InstanceId> {
        let jobs = self.standin.jobs().into_iter();
        let vms = self
            .standin
            .vms()
            .into_iter()
            .filter(|vm| vm.owner.is_none());
        let there = jobs.chain(vms);
        there.map(|there| self.id(&there.id)).collect()
    }

    /// The script as the machine gets it.
    pub(in crate::providers::nebius) fn script(&self, id: &str) -> String {
        let all = self.standin.jobs().into_iter().chain(self.standin.vms());
        let spec = all
            .filter(|one| one.id == id)
            .map(|one| one.spec)
            .next()
            .expect("it is there");
        if self.is_vm() {
            return unpacked_user_data(spec["cloudInitUserData"].as_str().expect("user data"));
        }
        let content = |index: usize| {
            let content = spec["injectedFiles"][index]["content"]
                .as_str()
                .expect("a file");
            STANDARD.decode(content).expect("base64")
        };
        match spec["injectedFiles"].as_array().map(Vec::len) {
            Some(1) => String::from_utf8(content(0)).expect("text"),
            _ => gunzipped(&content(1)),
        }
    }

    /// All that whoever may read the project sees, without asking for secrets.
    async fn seen(&self, id: &str) -> String {
        let provider = self.provider();
        let of = Service::of(id).expect("an id").collection();
        let one: Value = provider.api.get(of, id).await.expect("it is there");
        let all: Vec<Value> = provider.api.list(of, PROJECT).await.expect("a list");
        format!(
            "{one} {all:?} {:?}",
            self.standin
                .asked()
                .iter()
                .map(|asked| format!("{} {:?}", asked.path, asked.query))
                .collect::<Vec<_>>()
        )
    }
}

fn gunzipped(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes)
        .read_to_string(&mut text)
        .expect("gzip of text");
    text
}

/// What user data unpacks, as its own shell would.
pub(in crate::providers::nebius) fn unpacked_user_data(data: &str) -> String {
    let (_, rest) = data.split_once("<<'END'").expect("a document");
    let (_, rest) = rest.split_once('\n').expect("its first line");
    let (base64, _) = rest.split_once("END\n").expect("its end");
    let base64: String = base64.split_whitespace().collect();
    gunzipped(&STANDARD.decode(base64).expect("base64"))
}

macro_rules! fake {
    ($name:ident, $product:expr) => {
        /// The place with this product.
        #[derive(Debug)]
        pub(in crate::providers::nebius) struct $name(pub(in crate::providers::nebius) Place);

        impl Fake for $name {
            type P = Nebius;
            const MANY: usize = 5;

            async fn start() -> Option<Self> {
                Some(Self(Place::with($product, &json!({}))))
            }

            fn tag(&self) -> &str {
                &self.0.tag
            }

            async fn open(&self) -> Nebius {
                self.0.heal();
                self.0.provider()
            }

            async fn turn(&self, mood: Mood) -> Option<Nebius> {
                Some(self.0.turned(mood))
            }

            async fn add_stranger(&self) -> InstanceId {
                let name = format!("pet-{}", random(8));
                let labels = [("team", "core")];
                let id = match $product {
                    Product::Job => self.0.standin.add_job(&name, &labels),
                    Product::Vm => self.0.standin.add_vm(&name, &labels),
                };
                self.0.id(&id)
            }

            async fn census(&self) -> Vec<InstanceId> {
                self.0.census()
            }

            async fn boot_script(&self, id: &InstanceId) -> String {
                self.0.script(&id.id)
            }

            async fn visible(&self, id: &InstanceId) -> String {
                self.0.seen(&id.id).await
            }

            async fn end(&self, id: &InstanceId) {
                match $product {
                    Product::Job => self.0.standin.end_job(&id.id, Ending::Failed),
                    Product::Vm => self.0.standin.power_off(&id.id),
                }
            }

            async fn finish(self) {
                self.0.is_well();
            }
        }
    };
}

fake!(JobPlace, Product::Job);
fake!(VmPlace, Product::Vm);
