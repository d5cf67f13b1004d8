//! `start --rehearse`: what it refuses, and what it says of all that may go wrong before everything is ended.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;
use crate::providers::memory::{Fault, Verb};
use crate::providers::{ErrorKind, KINDS};

/// What a machine's boot script is given to connect with.
struct Connection {
    agent: String,
    client: String,
    url: String,
}

impl Connection {
    fn read(boot: &str) -> Self {
        let line = boot.lines().find_map(|line| line.split_once("gharun_jit="));
        let (_, blob) = line.expect("a just-in-time configuration");
        let blob: String = blob
            .chars()
            .filter(|c| !"'\"".contains(*c))
            .take_while(|c| !c.is_whitespace() && *c != ';')
            .collect();
        let open = |text: &str| -> Value {
            let bytes = STANDARD.decode(text).expect("base64");
            serde_json::from_slice(&bytes).expect("JSON")
        };
        let files = open(&blob);
        let file = |name: &str| open(files[name].as_str().expect("a file"));
        let (settings, credentials) = (file(".runner"), file(".credentials"));
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Self {
            agent: text(&settings["AgentId"]),
            client: text(&credentials["Data"]["ClientId"]),
            url: text(&settings["ServerUrl"]),
        }
    }

    async fn say(&self, what: &str, text: String) -> String {
        let client = reqwest::Client::builder().no_proxy().build();
        let asked = client
            .expect("a client")
            .post(format!("{}/{what}", self.url));
        let answer = asked.body(text).send().await.expect("an answer");
        answer.text().await.expect("a text")
    }

    /// Connects and takes a job; the session's number.
    async fn begin(&self) -> String {
        let hello = format!("{} {} Linux 0.0.1", self.agent, self.client);
        let welcome = self.say("session", hello).await;
        let session = welcome.trim().strip_prefix("session ");
        let session = session.expect("it is welcome").to_owned();
        let message = format!("session/{session}/message");
        while !self.say(&message, String::new()).await.starts_with("job ") {}
        session
    }
}

/// What the machines of a world do with their jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Jobs {
    AreDone,
    NeverEnd,
}

impl World {
    /// One whose machines reach this computer and have a runner on them; `then` happens in each job.
    fn rehearsing(jobs: Jobs, then: impl Fn(&InMemoryCloud) + Send + Sync + 'static) -> Self {
        let world = Self::new("");
        world.cloud.set("gpu", |place| place.reaches_us = true);
        let (cloud, then) = (world.cloud.clone(), Arc::new(then));
        world.cloud.on_launch(move |machine| {
            let (cloud, then) = (cloud.clone(), Arc::clone(&then));
            let booted = cloud.machine(&machine.tags.name).expect("it was made");
            tokio::spawn(async move {
                let connection = Connection::read(booted.boot.expose());
                let session = connection.begin().await;
                then(&cloud);
                match jobs {
                    Jobs::AreDone => {
                        let finish = format!("session/{session}/finish");
                        connection.say(&finish, "Succeeded".to_owned()).await;
                    }
                    // From here on nothing waits for a network, and time passes by itself.
                    Jobs::NeverEnd => tokio::time::pause(),
                }
            });
        });
        world
    }

    fn references(&self) -> Vec<String> {
        let machines = self.cloud.machines().into_iter();
        machines
            .map(|machine| format!("gpu:{}", machine.instance.id))
            .collect()
    }
}

#[tokio::test]
async fn all_that_a_rehearsal_made_is_ended() {
    let world = World::rehearsing(Jobs::AreDone, |_| {});
    let said = world.run("start gpu --rehearse --count 2 --output json");
    let said = said.await.exits(Exit::Done);
    let json = said.json();
    assert_eq!(json["swept"], true);
    assert_eq!(json["error"], Value::Null);
    let runners = json["runners"].as_array().expect("a list");
    assert_eq!(runners.len(), 2, "{json}");
    for runner in runners {
        let phases = runner["timeline"].to_string();
        for phase in ["launched", "online", "job begins", "job is done", "gone"] {
            assert!(phases.contains(phase), "{phases}");
        }
    }
    assert!(world.cloud.machines().is_empty());
}

#[tokio::test]
async fn a_kind_whose_machines_reach_nobody_here_is_refused_before_anything_is_asked() {
    let Some(kind) = KINDS.iter().find(|kind| !kind.rehearses) else {
        return;
    };
    let world = World::new(&format!("[providers.far]\nkind = \"{}\"\n", kind.name));
    let said = world.run("start far --rehearse").await.exits(Exit::Usage);
    said.says("machines of `far` cannot reach this computer");
    said.says("gharun start far --dry-run");
    assert_eq!(world.cloud.calls(), []);
}

#[tokio::test]
async fn a_place_whose_machines_reach_nobody_here_is_refused_before_anything_is_made() {
    let world = World::new("");
    let said = world.run("start gpu --rehearse").await.exits(Exit::Usage);
    said.says("cannot reach this computer");
    assert_eq!(world.cloud.asked(Verb::Launch), [""; 0]);
}

#[tokio::test]
async fn a_job_that_does_not_end_fails_the_rehearsal_and_its_machine_is_ended() {
    let world = World::rehearsing(Jobs::NeverEnd, |_| {});
    let said = world.run("start gpu --rehearse --output json").await;
    let said = said.exits(Exit::Failed);
    let json = said.json();
    let error = json["error"].as_str().unwrap_or_default();
    assert!(error.contains("job"), "{json}");
    assert_eq!(json["swept"], true);
    assert!(world.cloud.machines().is_empty());
}

#[tokio::test]
async fn a_machine_that_cannot_be_ended_is_named_and_keeps_none_of_the_others() {
    let world = World::rehearsing(Jobs::AreDone, |_| {});
    let denied = Fault::Error(ErrorKind::Denied);
    world.cloud.once("gpu", Verb::Terminate, denied);
    let said = world.run("start gpu --rehearse --count 3 --output json");
    let said = said.await.exits(Exit::Left);
    let left = world.references();
    let [left] = left.as_slice() else {
        panic!("one is left: {left:?}");
    };
    let json = said.json();
    let error = json["error"].as_str().unwrap_or_default();
    assert!(error.contains(left.as_str()), "{left}: {json}");
    assert_eq!(json["swept"], false);
    said.says(left);
    said.says("gharun list");
    assert_eq!(said.times("Terminated gpu:"), 2, "{said:#?}");
}

#[tokio::test]
async fn several_machines_that_cannot_be_ended_are_all_named() {
    let world = World::rehearsing(Jobs::AreDone, |cloud| {
        cloud.fault("gpu", Verb::Terminate, Fault::Error(ErrorKind::Denied));
    });
    let said = world.run("start gpu --rehearse --count 2 --output json");
    let json = said.await.exits(Exit::Left).json();
    let error = json["error"].as_str().unwrap_or_default();
    let left = world.references();
    assert_eq!(left.len(), 2);
    for reference in left {
        assert!(error.contains(&reference), "{reference}: {json}");
    }
}

#[tokio::test]
async fn a_place_that_cannot_be_listed_is_asked_to_end_what_came_up_and_that_is_not_proved() {
    let world = World::rehearsing(Jobs::AreDone, |cloud| {
        cloud.fault("gpu", Verb::List, Fault::Error(ErrorKind::Denied));
    });
    let said = world.run("start gpu --rehearse --output json").await;
    let said = said.exits(Exit::Left);
    let json = said.json();
    assert_eq!(json["swept"], false);
    let error = json["error"].as_str().unwrap_or_default();
    assert!(error.contains("could not list at `gpu`"), "{json}");
    assert_eq!(world.references().len(), 0);
}

#[tokio::test]
async fn every_runner_that_failed_is_told_with_its_cause() {
    let world = World::rehearsing(Jobs::AreDone, |_| {});
    let denied = Fault::Error(ErrorKind::Denied);
    world.cloud.fault("gpu", Verb::Launch, denied);
    let said = world
        .run("start gpu --rehearse --count 2 --allow-partial")
        .await;
    let said = said.exits(Exit::Failed);
    said.says("error: the rehearsal failed\n");
    said.says("2 runners failed: ");
    said.says("nothing is left running");
}

#[cfg(feature = "docker")]
#[tokio::test]
async fn a_rehearsal_sends_nothing_to_a_daemon_without_tls() {
    let world = World::new(
        "[providers.far-away]\nkind = \"docker\"\nhost = \"tcp://gharun.invalid:2375\"\n",
    );
    for args in ["start far-away --rehearse", "start far-away"] {
        let said = world.run(args).await.exits(Exit::Usage);
        said.says("unencrypted");
        said.says("`allow_plain_http = true`");
    }
}
