//! What runs, and what is to be run.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use super::lock::lock;

/// What is to be run.
pub(super) struct Launch {
    pub(super) id: String,
    pub(super) image: String,
    /// Path from the root, mode, content.
    pub(super) files: Vec<(String, u32, Vec<u8>)>,
    pub(super) env: Vec<(String, String)>,
    pub(super) folder: Option<String>,
    /// The program and its arguments.
    pub(super) words: Vec<String>,
    /// Whether it is a VM: then only its being powered off is an end.
    pub(super) vm: bool,
    pub(super) stopped: Arc<AtomicBool>,
    pub(super) log: Arc<Mutex<Vec<u8>>>,
}

/// What runs, by the ids of jobs and VMs.
#[derive(Default)]
pub(super) struct Running {
    pub(super) launches: Vec<Launch>,
    pub(super) stops: HashMap<String, Arc<AtomicBool>>,
    pub(super) logs: HashMap<String, Arc<Mutex<Vec<u8>>>>,
    /// VMs that were booted: their boot scripts run once, however often they are started.
    pub(super) booted: HashSet<String>,
}

impl Running {
    pub(super) fn log(&self, id: &str) -> String {
        let log = self.logs.get(id).map(|log| lock(log).clone());
        String::from_utf8_lossy(&log.unwrap_or_default()).into_owned()
    }

    pub(super) fn launch(&mut self, mut launch: Launch) {
        launch.stopped = Arc::default();
        self.stops
            .insert(launch.id.clone(), Arc::clone(&launch.stopped));
        self.logs.insert(launch.id.clone(), Arc::clone(&launch.log));
        self.launches.push(launch);
    }
}
