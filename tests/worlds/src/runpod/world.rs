//! The account: its pods, its keys, the stock, and what goes wrong.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::deeds::{Deed, Fault};
use super::lags::Wait;
use super::pod::Pod;
use super::rules::{Rules, Scope};
use super::spec::Spec;
use super::stock::Catalog;
use super::wire::Asked;

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
