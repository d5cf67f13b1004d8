//! A moto server in the place of EC2, and proxies before it that have moods.

use std::io::Read as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::model::{Instance, InstanceId, random};
use crate::providers::aws::{Aws, places};
use crate::providers::contract::{Fake, Mood, order, skipped};
use crate::providers::{Provider as _, ProviderKind as _};
use gharun_worlds::moto::{Asked, Deed, Proxy, Server, alive, ask, texts, user_data};

/// The region of all launches.
pub(super) const REGION: &str = "us-east-1";
/// A further region that is searched.
pub(super) const FURTHER: &str = "us-west-2";

/// The tag of what a test makes beside the provider.
const WORLD: &str = "gharun-test-world";

/// One test's share of the server.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) server: Server,
    tag: String,
}

impl Share {
    /// Launches a machine of this test.
    pub(super) async fn launched(&self) -> Instance {
        let launched = self.open().await.launch(&order(self.tag())).await;
        launched.expect("a machine")
    }

    /// Opens the provider with settings, region and endpoint given unless they are among them.
    pub(super) async fn with(&self, proxy: &Proxy, settings: serde_json::Value) -> Aws {
        let mut table = serde_json::json!({
            "region": REGION, "search_regions": [FURTHER], "endpoint": proxy.url,
        });
        let settings = settings.as_object().expect("a table").clone();
        table.as_object_mut().expect("a table").extend(settings);
        let config = serde_json::from_value(table).expect("settings");
        Aws::open(config)
            .await
            .expect("a provider opens without a request")
    }

    /// A proxy that judges.
    pub(super) fn proxy(&self, judge: impl Fn(&Asked) -> Deed + Send + Sync + 'static) -> Proxy {
        Proxy::start(&self.server, Duration::ZERO, judge)
    }

    /// Opens the provider behind a proxy that judges.
    pub(super) async fn behind(
        &self,
        judge: impl Fn(&Asked) -> Deed + Send + Sync + 'static,
    ) -> (Aws, Proxy) {
        let proxy = self.proxy(judge);
        (self.with(&proxy, serde_json::json!({})).await, proxy)
    }

    /// A region of this test's account, as references spell it.
    pub(super) fn place(&self, region: &str) -> String {
        places::place(region, &self.server.account)
    }

    fn id(&self, id: String) -> InstanceId {
        InstanceId {
            location: Some(self.place(REGION)),
            id,
        }
    }

    /// The same server with another account's credentials.
    pub(super) fn stranger(&self) -> Self {
        Self {
            server: Server::new(&self.server.url()),
            tag: self.tag.clone(),
        }
    }

    /// Launches an instance by hand with these tags.
    pub(super) fn run(&self, tags: &[(&str, String)]) -> InstanceId {
        let mut request: Vec<(String, String)> = [
            ("ImageId", "ami-00000000000000001"),
            ("InstanceType", "t3.large"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
            ("ClientToken", "69eb31c1-5b1c-4c19-a3f1-0d6b1b1f5a11"),
            ("TagSpecification.1.ResourceType", "instance"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        for (n, (key, value)) in tags.iter().enumerate() {
            let tag = format!("TagSpecification.1.Tag.{}", n + 1);
            request.push((format!("{tag}.Key"), (*key).to_owned()));
            request.push((format!("{tag}.Value"), value.clone()));
        }
        let request: Vec<(&str, &str)> = request
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        let answer = ask(&self.server, REGION, "RunInstances", &request);
        self.id(texts(&answer, "instanceId").remove(0))
    }

    /// Writes a tag of an instance.
    pub(super) fn tag_as(&self, id: &InstanceId, key: &str, value: &str) {
        ask(
            &self.server,
            REGION,
            "CreateTags",
            &[
                ("ResourceId.1", &id.id),
                ("Tag.1.Key", key),
                ("Tag.1.Value", value),
            ],
        );
    }
}

impl Fake for Share {
    type P = Aws;

    async fn start() -> Option<Self> {
        let server = outer("GHARUN_MOTO_URL").filter(|url| !url.is_empty());
        let Some(server) = server else {
            skipped("moto: no server at $GHARUN_MOTO_URL; `sh tests/run` starts one");
            return None;
        };
        // Whatever credentials there are go no further than loopback, but they should not be real ones.
        assert_eq!(
            outer("AWS_ACCESS_KEY_ID").as_deref(),
            Some("testing"),
            "with $GHARUN_MOTO_URL set, `sh tests/moto.sh` sets $AWS_ACCESS_KEY_ID to `testing`"
        );
        assert!(
            server.starts_with("http://127.0.0.1:"),
            "{server} is not on loopback"
        );
        Some(Self {
            server: Server::new(&server),
            tag: random(12),
        })
    }

    fn tag(&self) -> &str {
        &self.tag
    }

    async fn open(&self) -> Aws {
        self.behind(|_| Deed::Forward).await.0
    }

    async fn turn(&self, mood: Mood) -> Option<Aws> {
        let (aws, _) = match mood {
            // A launch is one request: it is carried out, or it is not.
            Mood::Halfway => return None,
            Mood::Unavailable => {
                let closed = Proxy::closed();
                let aws = self.with(&closed, serde_json::json!({})).await;
                (aws, closed)
            }
            _ => {
                let first = AtomicBool::new(true);
                self.behind(move |asked| deed(mood, asked, &first)).await
            }
        };
        Some(aws)
    }

    async fn add_stranger(&self) -> InstanceId {
        // It calls itself managed, by somebody else.
        self.run(&[
            ("managed-by", "another".to_owned()),
            (WORLD, self.tag.clone()),
        ])
    }

    async fn census(&self) -> Vec<InstanceId> {
        let mut all = alive(&self.server, REGION, "gharun-start", &self.tag);
        all.extend(alive(&self.server, REGION, WORLD, &self.tag));
        all.into_iter().map(|id| self.id(id)).collect()
    }

    async fn boot_script(&self, id: &InstanceId) -> String {
        // As cloud-init unpacks it.
        let packed = user_data(&self.server, REGION, &id.id);
        let mut script = String::new();
        flate2::read::GzDecoder::new(&*packed)
            .read_to_string(&mut script)
            .expect("text in gzip");
        script
    }

    async fn visible(&self, id: &InstanceId) -> String {
        // User data is for those who may ask for that attribute, and for the machine itself.
        [
            "DescribeInstances",
            "DescribeInstanceStatus",
            "GetConsoleOutput",
            "DescribeTags",
            "DescribeVolumes",
            "DescribeNetworkInterfaces",
        ]
        .map(|action| {
            let key = match action {
                "GetConsoleOutput" => "InstanceId",
                "DescribeInstances" | "DescribeInstanceStatus" => "InstanceId.1",
                _ => "Nothing",
            };
            ask(&self.server, REGION, action, &[(key, &id.id)])
        })
        .concat()
    }

    async fn end(&self, id: &InstanceId) {
        ask(
            &self.server,
            REGION,
            "StopInstances",
            &[("InstanceId.1", &id.id)],
        );
    }

    async fn finish(self) {
        for id in self.census().await {
            ask(
                &self.server,
                REGION,
                "TerminateInstances",
                &[("InstanceId.1", &id.id)],
            );
        }
    }
}

/// The answer to an end, as if it had been carried out.
pub(super) const DONE: &str = "<TerminateInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>req-1</requestId><instancesSet/></TerminateInstancesResponse>";

/// What a mood makes of a request; `first` is for the first end.
fn deed(mood: Mood, asked: &Asked, first: &AtomicBool) -> Deed {
    let launches = asked.action == "RunInstances";
    let ends = asked.action == "TerminateInstances";
    match mood {
        Mood::EndBusy | Mood::EndIgnored | Mood::EndLost | Mood::EndRefused
            if ends && first.swap(false, Ordering::SeqCst) =>
        {
            match mood {
                Mood::EndBusy => Deed::Refuse(400, "IncorrectInstanceState"),
                Mood::EndIgnored => Deed::Answer(DONE),
                Mood::EndLost => Deed::Lose,
                _ => Deed::Refuse(503, "Unavailable"),
            }
        }
        Mood::AnswerLost if launches => Deed::Lose,
        Mood::Denied if asked.action == "GetCallerIdentity" => Deed::Refuse(403, "AccessDenied"),
        Mood::Denied => Deed::Refuse(403, "UnauthorizedOperation"),
        Mood::Html => Deed::Html,
        Mood::NoCapacity if launches => Deed::Refuse(500, "InsufficientInstanceCapacity"),
        Mood::PartUnread if asked.region == FURTHER => Deed::Refuse(503, "Unavailable"),
        Mood::RateLimited if asked.action == "GetCallerIdentity" => Deed::Refuse(400, "Throttling"),
        Mood::RateLimited => Deed::Refuse(503, "RequestLimitExceeded"),
        _ => Deed::Forward,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "where the server is, is the test run's to say"
)]
fn outer(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
