//! What was played before: a run that was stopped goes on where it was.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Mutex;

use crate::place::PlaceKind;
use crate::scenario::{Flow, Scenario};

/// The journal of one seed and place, a line each: `well SCENARIO`, `length PLACE FLOW N`.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    well: BTreeSet<Scenario>,
    lengths: Mutex<BTreeMap<Flow, usize>>,
}

impl Journal {
    pub(crate) fn open(place: PlaceKind, seed: u64) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let path = folder.join(format!("faults-{place}-{seed}.txt"));
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let mut well = BTreeSet::new();
        let mut lengths = BTreeMap::new();
        for line in text.lines() {
            // A line that was being written when the run was stopped is not whole, and not counted.
            if let Some(scenario) = line.strip_prefix("well ") {
                well.extend(scenario.parse::<Scenario>());
            } else if let Some(rest) = line.strip_prefix("length ")
                && let Some((flow, length)) = rest.split_once(' ')
                && let (Ok(flow), Ok(length)) = (flow.parse(), length.parse())
            {
                lengths.insert(flow, length);
            }
        }
        Self {
            path,
            well,
            lengths: Mutex::new(lengths),
        }
    }

    /// Whether a scenario went well before.
    pub(crate) fn has(&self, scenario: &Scenario) -> bool {
        self.well.contains(scenario)
    }

    pub(crate) fn went_well(&self, scenario: &Scenario) {
        self.write(&format!("well {scenario}\n"));
    }

    /// How many requests a flow makes when nothing happens to it; recorded by `record` once.
    pub(crate) fn length(
        &self,
        flow: Flow,
        record: impl FnOnce() -> Option<usize>,
    ) -> Option<usize> {
        let mut lengths = self.lengths.lock().expect("no panic");
        if let Some(length) = lengths.get(&flow) {
            return Some(*length);
        }
        let length = record()?;
        lengths.insert(flow, length);
        self.write(&format!("length {flow} {length}\n"));
        Some(length)
    }

    fn write(&self, line: &str) {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path);
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
        written.expect("the journal can be written");
    }
}
