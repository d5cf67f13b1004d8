//! A small EC2 in memory, for measurements: it answers what a start and a stop ask, with some latency, and where that is
//! wanted takes launches no faster than EC2's own bucket does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::moto::{Asked, answer_of, read, refusal, request};

/// The account of all instances.
const ACCOUNT: &str = "123456789012";
/// How many launches EC2's bucket holds, and how many more come into it in a second.
/// <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>
const BUCKET: (f64, f64) = (5.0, 2.0);

/// How fast launches are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As fast as they come.
    Any,
    /// As EC2's documented bucket has it.
    Documented,
}

/// A server at work, until the end of the process.
#[derive(Clone)]
pub struct Ec2 {
    /// Its address.
    pub url: String,
    world: Arc<Mutex<World>>,
}

struct World {
    instances: Vec<Instance>,
    asked: Vec<String>,
    latency: Duration,
    pace: Pace,
    /// What is in the bucket, and since when.
    bucket: (f64, Instant),
}

struct Instance {
    id: String,
    token: String,
    tags: Vec<(String, String)>,
    launched: Instant,
    is_gone: bool,
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ec2 {
    /// Starts a server, in a thread of its own.
    pub fn start(latency: Duration, pace: Pace) -> Self {
        let world = Arc::new(Mutex::new(World {
            instances: Vec::new(),
            asked: Vec::new(),
            latency,
            pace,
            bucket: (BUCKET.0, Instant::now()),
        }));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener
            .set_nonblocking(true)
            .expect("a listener that does not block");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let served = Arc::clone(&world);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a listener");
                while let Ok((client, _)) = listener.accept().await {
                    let world = Arc::clone(&served);
                    tokio::spawn(async move {
                        // A client that goes away in the middle is no failure of the server.
                        let _ = serve(client, &world).await;
                    });
                }
            });
        });
        Self { url, world }
    }

    /// The actions that EC2 was asked for so far; STS is another service.
    pub fn asked(&self) -> Vec<String> {
        let asked = lock(&self.world).asked.clone();
        let of_ec2 = asked.into_iter();
        of_ec2
            .filter(|action| action != "GetCallerIdentity")
            .collect()
    }

    /// When instances were launched, by what a tag of theirs says.
    pub fn launched(&self, key: &str) -> Vec<(String, Instant)> {
        let world = lock(&self.world);
        let tagged = world.instances.iter().filter_map(|one| {
            let (_, value) = one.tags.iter().find(|(name, _)| name == key)?;
            Some((value.clone(), one.launched))
        });
        tagged.collect()
    }

    /// How many instances are there.
    pub fn alive(&self) -> usize {
        let world = lock(&self.world);
        world.instances.iter().filter(|one| !one.is_gone).count()
    }
}

/// Serves one connection, which carries one request: each answer closes it.
async fn serve(mut client: TcpStream, world: &Mutex<World>) -> std::io::Result<()> {
    let Some((head, body)) = read(&mut client).await? else {
        return Ok(());
    };
    let asked = request(&head, body);
    let latency = lock(world).latency;
    tokio::time::sleep(latency).await;
    let answer = lock(world).answer(&asked);
    client.write_all(&answer).await?;
    client.shutdown().await
}

impl World {
    fn answer(&mut self, asked: &Asked) -> Vec<u8> {
        self.asked.push(asked.action.clone());
        let inner = match asked.action.as_str() {
            "DescribeImages" => IMAGE.to_owned(),
            "DescribeInstanceTypes" => TYPE.to_owned(),
            "DescribeInstances" => self.reservations(&asked.values("InstanceId.")),
            "DescribeRegions" => REGIONS
                .map(|region| format!("<item><regionName>{region}</regionName></item>"))
                .concat(),
            "GetCallerIdentity" => {
                return answer_of(200, "text/xml", &IDENTITY.replace("{account}", ACCOUNT));
            }
            "RunInstances" if !self.takes_launch() => {
                return refusal(asked, 503, "RequestLimitExceeded", "too fast");
            }
            "RunInstances" => {
                let made = self.launch(asked);
                format!(
                    "<ownerId>{ACCOUNT}</ownerId><instancesSet>{}</instancesSet>",
                    made.told()
                )
            }
            "TerminateInstances" => self.end(&asked.values("InstanceId.")),
            _ => return refusal(asked, 400, "InvalidAction", "unknown here"),
        };
        let action = &asked.action;
        let inner = match action.as_str() {
            "DescribeImages" => format!("<imagesSet>{inner}</imagesSet>"),
            "DescribeInstanceTypes" => format!("<instanceTypeSet>{inner}</instanceTypeSet>"),
            "DescribeInstances" => format!("<reservationSet>{inner}</reservationSet>"),
            "DescribeRegions" => format!("<regionInfo>{inner}</regionInfo>"),
            "TerminateInstances" => format!("<instancesSet>{inner}</instancesSet>"),
            _ => inner,
        };
        let whole = format!(
            "<{action}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>{inner}</{action}Response>"
        );
        answer_of(200, "text/xml", &whole)
    }

    fn takes_launch(&mut self) -> bool {
        if self.pace == Pace::Any {
            return true;
        }
        let (level, since) = self.bucket;
        let level = (level + since.elapsed().as_secs_f64() * BUCKET.1).min(BUCKET.0);
        let takes = level >= 1.0;
        self.bucket = (if takes { level - 1.0 } else { level }, Instant::now());
        takes
    }

    /// Makes an instance, or tells the one that this token has made.
    fn launch(&mut self, asked: &Asked) -> &Instance {
        let token = asked.value("ClientToken").unwrap_or_default();
        let known = self.instances.iter().position(|one| one.token == token);
        let at = known.unwrap_or_else(|| {
            let tag =
                |n: usize, what: &str| asked.value(&format!("TagSpecification.1.Tag.{n}.{what}"));
            let tags = (1..)
                .map_while(|n| Some((tag(n, "Key")?, tag(n, "Value")?)))
                .collect();
            self.instances.push(Instance {
                id: format!("i-{:017x}", self.instances.len() + 1),
                token,
                tags,
                launched: Instant::now(),
                is_gone: false,
            });
            self.instances.len() - 1
        });
        &self.instances[at]
    }

    fn end(&mut self, ids: &[String]) -> String {
        let mut said = String::new();
        for one in self
            .instances
            .iter_mut()
            .filter(|one| ids.contains(&one.id))
        {
            one.is_gone = true;
            said += "<item><instanceId>";
            said += &one.id;
            said += "</instanceId><currentState><code>32</code><name>shutting-down</name></currentState></item>";
        }
        said
    }

    fn reservations(&self, ids: &[String]) -> String {
        let mut said = String::new();
        for one in &self.instances {
            if ids.is_empty() || ids.contains(&one.id) {
                let told = one.told();
                said += "<item><ownerId>";
                said += ACCOUNT;
                said += "</ownerId><instancesSet>";
                said += &told;
                said += "</instancesSet></item>";
            }
        }
        said
    }
}

impl Instance {
    fn told(&self) -> String {
        let (state, reason) = if self.is_gone {
            let code = "Client.UserInitiatedShutdown";
            (
                "terminated",
                format!("<stateReason><code>{code}</code></stateReason>"),
            )
        } else {
            ("running", String::new())
        };
        let mut tags = String::new();
        for (key, value) in &self.tags {
            tags += "<item><key>";
            tags += key;
            tags += "</key><value>";
            tags += value;
            tags += "</value></item>";
        }
        format!(
            "<item><instanceId>{}</instanceId><clientToken>{}</clientToken><instanceState><code>16</code>\
             <name>{state}</name></instanceState>{reason}<tagSet>{}</tagSet></item>",
            self.id, self.token, tags
        )
    }
}

const IMAGE: &str = "<item><imageId>ami-00000000000000001</imageId><architecture>x86_64</architecture>\
                     <rootDeviceName>/dev/sda1</rootDeviceName></item>";
const TYPE: &str = "<item><instanceType>t3.large</instanceType><processorInfo><supportedArchitectures>\
                    <item>x86_64</item></supportedArchitectures></processorInfo></item>";
const IDENTITY: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                        <GetCallerIdentityResult><Arn>arn:aws:iam::{account}:user/x</Arn><UserId>x</UserId>\
                        <Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
/// Those that every account has.
const REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];
