//! A stand-in for `RunPod`'s REST v2 API on loopback, for tests: it keeps an account with pods, checks
//! every request against `RunPod`'s own description, has bad days, and really runs the pods' commands.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

mod catalog;
mod command;
mod create;
mod deeds;
mod lags;
mod pod;
mod pods;
mod routes;
mod rules;
mod run;
mod shared;
mod spec;
mod stock;
mod wire;
mod world;

#[cfg(test)]
mod tests;

pub use deeds::{Deed, NO_CAPACITY};
pub use lags::Lag;
pub use pod::Stage;
pub use rules::{Machinery, Rules, Scope};
pub use stock::Level;
pub use wire::{Answer, Asked};

use crate::random;
use command::Run;
use deeds::Fault;
use lags::Wait;
use pod::Pod;
use shared::Shared;
use world::World;

/// How often time is looked at.
const TICK: Duration = Duration::from_millis(20);

/// A stand-in at work, until it is dropped: then every command of a pod is killed.
pub struct Standin {
    /// `http://127.0.0.1:PORT`, in the place of `https://api.runpod.io`; `/v2` comes behind it.
    pub url: String,
    /// A key that may do all.
    pub key: String,
    shared: Shared,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A pod as the account's owner would see it in a better light than the API's.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its own key.
    pub key: String,
    /// Where it is in its life.
    pub stage: Stage,
    /// What it was made of.
    pub order: Value,
    /// How often its command was started.
    pub runs: usize,
    /// Whether its command runs.
    pub runs_now: bool,
    /// What its command and its host said, a line each.
    pub log: String,
}

impl Standin {
    /// Starts one whose pods really run, on this computer; a pod that failed is there for `linger` seconds more.
    pub fn running(linger: u32) -> Self {
        let standin = Self::start();
        let image = [
            ("GHARUN_ALLOW_ROOT", "1".to_owned()),
            ("GHARUN_LINGER", linger.to_string()),
            ("GHARUN_WORK", "{disk}/work".to_owned()),
            ("GHARUN_CACHE", "{disk}/cache".to_owned()),
        ];
        standin.rule(|rules| {
            rules.machinery = Some(Machinery {
                image: image.map(|(name, value)| (name.into(), value)).to_vec(),
                ..Machinery::default()
            });
        });
        standin
    }

    /// Starts one, in a thread of its own.
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener
            .set_nonblocking(true)
            .expect("a listener that does not block");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let key = format!("rpa_{}", random(40));
        let shared = Shared(Arc::new(Mutex::new(World::new(&key))));
        let stop = Arc::new(AtomicBool::new(false));
        let (theirs, stopped) = (shared.clone(), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a listener");
                let doors = theirs.clone();
                tokio::spawn(async move {
                    while let Ok((client, _)) = listener.accept().await {
                        let shared = doors.clone();
                        tokio::spawn(async move {
                            // A client that goes away in the middle is no failure of the stand-in.
                            let _ = serve(client, &shared).await;
                        });
                    }
                });
                while !stopped.load(Ordering::Relaxed) {
                    theirs.lock().tick();
                    run::tend(&theirs);
                    tokio::time::sleep(TICK).await;
                }
                // Commands are killed where their runtime still is.
                for pod in &mut theirs.lock().pods {
                    pod.run = None;
                }
            });
        });
        Self {
            url,
            key,
            shared,
            stop,
            thread: Some(thread),
        }
    }

    /// Changes how the account behaves, from the next request on.
    pub fn rule(&self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.shared.lock().rules);
    }

    /// Deals differently with the next request of that kind. A part of the path in braces is any.
    pub fn once(&self, method: &'static str, path: &'static str, deed: Deed) {
        self.times(1, method, path, deed);
    }

    /// Deals differently with so many of the next requests; `u32::MAX` is until [`Self::forgive`].
    pub fn times(&self, times: u32, method: &'static str, path: &'static str, deed: Deed) {
        self.shared.lock().faults.push(Fault {
            method,
            path,
            times,
            deed,
        });
    }

    /// Deals with everything as always again.
    pub fn forgive(&self) {
        self.shared.lock().faults.clear();
    }

    /// Sets the stock of a type (`*`: all), in a cloud (`SECURE`, `COMMUNITY`, `*`) and a data center
    /// (`*`): what the catalog says, and for how many pods there is room.
    pub fn stock(&self, what: &str, cloud: &str, place: &str, level: Level, left: u32) {
        let fits = |wanted: &str, is: &str| wanted == "*" || wanted == is;
        let mut set = 0;
        for stock in &mut self.shared.lock().catalog.stock {
            if fits(what, stock.what) && fits(cloud, stock.cloud) && fits(place, stock.place) {
                (stock.level, stock.left) = (level, left);
                set += 1;
            }
        }
        assert!(set > 0, "there is no {what} in {cloud} {place}");
    }

    /// Takes a type out of a data center for good, so that nothing lists it there.
    pub fn withdraw(&self, what: &str, place: &str) {
        let stock = &mut self.shared.lock().catalog.stock;
        stock.retain(|stock| stock.what != what || stock.place != place);
    }

    /// Makes a network volume in a data center.
    pub fn volume(&self, id: &str, place: &str) {
        let volume = serde_json::json!({
            "id": id, "name": "data", "size": 50, "dataCenter": place, "type": "STANDARD",
        });
        self.shared.lock().volumes.insert(id.to_owned(), volume);
    }

    /// Makes a key of that scope.
    pub fn key_of(&self, scope: Scope) -> String {
        let key = format!("rpa_{}", random(40));
        self.shared.lock().keys.insert(key.clone(), scope);
        key
    }

    /// Takes a key away.
    pub fn revoke(&self, key: &str) {
        self.shared.lock().keys.remove(key);
    }

    /// Creates a pod past the API, as somebody else would.
    ///
    /// # Panics
    ///
    /// Panics where `RunPod` would not create it.
    pub fn create(&self, order: &Value) -> Seen {
        let mut world = self.shared.lock();
        let answer = world.create(order);
        assert_eq!(answer.status, 201, "{}", answer.body);
        let pod = world.pods.last().expect("it was made just now");
        see(pod)
    }

    /// All pods that ever were, in the order of their creation: what the API shows is not asked.
    pub fn pods(&self) -> Vec<Seen> {
        self.shared.lock().pods.iter().map(see).collect()
    }

    /// Those that cost money.
    pub fn alive(&self) -> Vec<Seen> {
        let mut pods = self.pods();
        pods.retain(|pod| pod.stage != Stage::Gone);
        pods
    }

    /// A pod by its id.
    pub fn pod(&self, id: &str) -> Option<Seen> {
        self.pods().into_iter().find(|pod| pod.id == id)
    }

    /// How many creations are accepted and not carried out yet.
    pub fn due(&self) -> usize {
        self.shared.lock().due.len()
    }

    /// Carries out the creations that are due.
    pub fn carry_out(&self) {
        let mut world = self.shared.lock();
        for (_, asked) in std::mem::take(&mut world.due) {
            // Nobody hears of it; what it came to is seen in the pods.
            let _ = world.answer(&asked);
        }
    }

    /// Moves a pod on in its life.
    pub fn put(&self, id: &str, stage: Stage) {
        let mut world = self.shared.lock();
        if let Some(pod) = world.pods.iter_mut().find(|pod| pod.id == id) {
            pod.enter(stage);
        }
    }

    /// Tells what all pods cost.
    pub fn bill(&self) {
        for pod in &mut self.shared.lock().pods {
            pod.cost = pod.bill;
        }
    }

    /// Kills the first process of a pod's command, as a crash does; it is started again.
    pub fn crash(&self, id: &str) {
        let mut world = self.shared.lock();
        let pod = world.pods.iter_mut().find(|pod| pod.id == id);
        if let Some(run) = pod.and_then(|pod| pod.run.as_mut()) {
            run.restart();
        }
    }

    /// What is in a file on the disk of a pod that runs.
    pub fn file(&self, id: &str, path: &str) -> Option<String> {
        let world = self.shared.lock();
        let pod = world.pods.iter().find(|pod| pod.id == id)?;
        run::file(pod, path)
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.lock().asked.clone()
    }

    /// The requests so far of one kind; a part of the path in braces is any.
    pub fn asked_for(&self, method: &str, path: &str) -> Vec<Asked> {
        let mut all = self.asked();
        all.retain(|asked| {
            let pairs = path.split('/').zip(asked.path.split('/'));
            asked.method == method
                && path.matches('/').count() == asked.path.matches('/').count()
                && pairs
                    .into_iter()
                    .all(|(wanted, given)| wanted.starts_with('{') || wanted == given)
        });
        all
    }

    /// The bodies of all creations that were asked for.
    pub fn bodies(&self) -> Vec<Value> {
        let asked = self.asked_for("POST", "/v2/pods").into_iter();
        asked.filter_map(|asked| asked.body).collect()
    }

    /// What of all requests was not as `RunPod` describes them. Where its description is absent, this
    /// says so past the harness, and nothing was checked.
    pub fn violations(&self) -> Vec<String> {
        spec::Spec::is_here();
        self.shared.lock().violations.clone()
    }

    /// What the stand-in itself said otherwise than `RunPod` describes.
    pub fn ill_said(&self) -> Vec<String> {
        self.shared.lock().ill_said.clone()
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its panic was said when it happened.
            let _ = thread.join();
        }
    }
}

fn see(pod: &Pod) -> Seen {
    let text = |key: &str| pod.order[key].as_str().unwrap_or_default().to_owned();
    let log = pod
        .log
        .iter()
        .fold(String::new(), |all, line| all + &line.text + "\n");
    Seen {
        id: pod.id.clone(),
        name: text("name"),
        key: pod.key.clone(),
        stage: pod.stage,
        order: pod.order.clone(),
        runs: pod.runs,
        runs_now: pod.run.as_ref().is_some_and(Run::is_up),
        log,
    }
}

/// Serves one connection.
async fn serve(mut client: TcpStream, shared: &Shared) -> std::io::Result<()> {
    // Without it small answers wait for the other side; with it failing they come late.
    let _ = client.set_nodelay(true);
    while let Some(mut asked) = wire::read(&mut client).await? {
        let (mut deed, latency) = {
            let mut world = shared.lock();
            let latency = world.rules.latency;
            (world.take(&mut asked), latency)
        };
        tokio::time::sleep(latency).await;
        let mut done = None;
        let answer = loop {
            match deed {
                None => break done.unwrap_or_else(|| shared.lock().answer(&asked)),
                Some(Deed::Answer(said)) => break said.with("x-request-id", "req-fault"),
                Some(Deed::Drop) => return Ok(()),
                Some(Deed::Hang) => {
                    // Until the client gives up.
                    wire::read(&mut client).await?;
                    return Ok(());
                }
                Some(Deed::Delay(late)) => {
                    tokio::time::sleep(late).await;
                    deed = None;
                }
                Some(Deed::After(next)) => {
                    done = Some(shared.lock().answer(&asked));
                    deed = Some(*next);
                }
                Some(Deed::Later(lag, next)) => {
                    let due = (Wait::new(lag), asked.clone());
                    shared.lock().due.push(due);
                    deed = Some(*next);
                }
            }
        };
        if let Some(one) = shared.lock().asked.get_mut(asked.number - 1) {
            one.status = answer.status;
        }
        wire::write(&mut client, &answer).await?;
        if answer.stays {
            // No more events come: until the client has enough, or for as long as a proxy would hold it.
            let gone = tokio::time::timeout(pods::STREAM, wire::read(&mut client)).await;
            drop(gone);
            return Ok(());
        }
        let closes = asked.header("connection") == Some("close");
        if closes {
            return Ok(());
        }
    }
    Ok(())
}
