//! The account: its pods, its keys, the stock, and what goes wrong.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::catalog::Catalog;
use super::pods::Pod;
use super::run::Machinery;
use super::spec::Spec;
use super::wire::{Answer, Asked};

/// How long something is not yet so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lag {
    /// It is so at once.
    None,
    /// For so many looks.
    Looks(u32),
    /// For so long.
    Time(Duration),
    /// Until a test says otherwise.
    Forever,
}

/// A lag that runs.
#[derive(Clone, Debug)]
pub(super) struct Wait {
    lag: Lag,
    looks: u32,
    since: Instant,
}

impl Wait {
    pub(super) fn new(lag: Lag) -> Self {
        Self {
            lag,
            looks: 0,
            since: Instant::now(),
        }
    }

    /// Whether it is over.
    pub(super) fn is_over(&self) -> bool {
        match self.lag {
            Lag::None => true,
            Lag::Looks(n) => self.looks >= n,
            Lag::Time(time) => self.since.elapsed() >= time,
            Lag::Forever => false,
        }
    }

    /// Whether it was over before this look.
    pub(super) fn look(&mut self) -> bool {
        let over = self.is_over();
        self.looks += 1;
        over
    }
}

/// What is done with a request.
#[derive(Clone, Debug)]
pub enum Deed {
    /// This is answered, and nothing done.
    Answer(Answer),
    /// The connection breaks.
    Drop,
    /// Nobody ever answers.
    Hang,
    /// It is done as always, so much later.
    Delay(Duration),
    /// It is carried out, but what is heard of it is this.
    After(Box<Deed>),
    /// It is carried out after a lag (whose looks are listings), and what is heard of it is this, at once.
    Later(Lag, Box<Deed>),
}

impl Deed {
    /// An error in `RunPod`'s form.
    pub fn refuse(status: u16, detail: &str) -> Self {
        Self::Answer(Answer::problem(status, detail))
    }

    /// A page of what stands before the API.
    pub fn html(status: u16) -> Self {
        let page = format!("<!DOCTYPE html><html><h1>{status}</h1>cloudflare</html>");
        Self::Answer(Answer::text(status, "text/html; charset=UTF-8", page))
    }

    /// Too many requests; one is taken again after so many seconds.
    pub fn limit(seconds: u32) -> Self {
        let answer = Answer::problem(429, "rate limit exceeded")
            .with("retry-after", seconds.to_string())
            .with("ratelimit", format!("\"minute\";r=0;t={seconds}"));
        Self::Answer(answer)
    }

    /// No room, in the words that were recorded.
    pub fn no_capacity() -> Self {
        Self::refuse(400, NO_CAPACITY)
    }

    /// The deed is done, and its answer lost.
    pub fn lost() -> Self {
        Self::After(Box::new(Self::Drop))
    }
}

/// What `RunPod` says where it has no room, as it was recorded.
pub const NO_CAPACITY: &str = "There are no longer any instances available with the requested specifications. Please refresh and try again.";

/// Requests that are dealt with differently.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) method: &'static str,
    /// A path, in which a part in braces is any.
    pub(super) path: &'static str,
    /// How often yet.
    pub(super) times: u32,
    pub(super) deed: Deed,
}

impl Fault {
    fn fits(&self, asked: &Asked) -> bool {
        self.times > 0
            && self.method == asked.method
            && self.path.matches('/').count() == asked.path.matches('/').count()
            && self
                .path
                .split('/')
                .zip(asked.path.split('/'))
                .all(|(wanted, given)| wanted.starts_with('{') || wanted == given)
    }
}

/// What a key may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    Full,
    /// Look.
    Read,
    /// Nothing of the API.
    Nothing,
    /// Look at, act on and end one pod.
    Pod(String),
}

/// How the account's pods behave, from the next one on.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How long a pod is `PROVISIONING`, then `STARTING`, then `RUNNING` without a runtime.
    pub start: [Lag; 3],
    /// How long a pod is in no list.
    pub unlisted: Lag,
    /// How long a pod is not found by its id.
    pub unfound: Lag,
    /// How long one that is gone is still shown, as `TERMINATED`.
    pub shown: Lag,
    /// How long the command of one that is gone still runs.
    pub dying: Lag,
    /// How many pods are on a page where the request does not say.
    pub page: usize,
    /// What each answer takes.
    pub latency: Duration,
    /// US dollars; under one hour's price nothing is created. `None`: enough.
    pub balance: Option<f64>,
    /// What is charged is this times what the catalog says.
    pub dearer: f64,
    /// Whether and how the commands of pods are run.
    pub machinery: Option<Machinery>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            start: [Lag::None; 3],
            unlisted: Lag::None,
            unfound: Lag::None,
            shown: Lag::None,
            dying: Lag::None,
            page: 100,
            latency: Duration::ZERO,
            balance: None,
            dearer: 1.0,
            machinery: None,
        }
    }
}

/// All that is known.
pub(super) struct World {
    /// How pods behave.
    pub rules: Rules,
    /// All pods that ever were.
    pub(super) pods: Vec<Pod>,
    pub(super) catalog: Catalog,
    pub(super) keys: HashMap<String, Scope>,
    pub(super) volumes: BTreeMap<String, Value>,
    pub(super) registries: BTreeMap<String, Value>,
    pub(super) asked: Vec<Asked>,
    pub(super) violations: Vec<String>,
    pub(super) ill_said: Vec<String>,
    pub(super) faults: Vec<Fault>,
    /// Creations that are accepted and not carried out.
    pub(super) due: Vec<(Wait, Asked)>,
    pub(super) spec: Spec,
}

impl World {
    pub(super) fn new(key: &str) -> Self {
        Self {
            rules: Rules::default(),
            pods: Vec::new(),
            catalog: Catalog::default(),
            keys: HashMap::from([(key.to_owned(), Scope::Full)]),
            volumes: BTreeMap::new(),
            registries: BTreeMap::new(),
            asked: Vec::new(),
            violations: Vec::new(),
            ill_said: Vec::new(),
            faults: Vec::new(),
            due: Vec::new(),
            spec: Spec::default(),
        }
    }

    /// Takes a request down, and says what is to be done with it where that is not the usual.
    pub(super) fn take(&mut self, asked: &mut Asked) -> Option<Deed> {
        asked.number = self.asked.len() + 1;
        self.asked.push(asked.clone());
        let fault = self.faults.iter_mut().find(|fault| fault.fits(asked))?;
        fault.times = fault
            .times
            .saturating_sub(u32::from(fault.times != u32::MAX));
        Some(fault.deed.clone())
    }

    /// What time alone changes.
    pub(super) fn tick(&mut self) {
        let (over, due): (Vec<_>, Vec<_>) = std::mem::take(&mut self.due)
            .into_iter()
            .partition(|(wait, _)| wait.is_over());
        self.due = due;
        for (_, asked) in over {
            // Nobody hears of it; what it came to is seen in the pods.
            let _ = self.answer(&asked);
        }
        for pod in &mut self.pods {
            pod.advance(false);
        }
    }

    /// One look at all pods, for whatever waits for looks.
    pub(super) fn look(&mut self) {
        for (wait, _) in &mut self.due {
            wait.look();
        }
    }
}

/// Letters and digits as `RunPod`'s ids have them.
pub(super) fn id(length: usize) -> String {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    let letters = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let letter = |byte: &u8| char::from(letters[usize::from(*byte) % letters.len()]);
    bytes.iter().map(letter).collect()
}
