//! RunPod: the stand-in for its API, behind a gate.

use std::sync::Arc;

use gharun_worlds::runpod::Standin;
use serde_json::json;

use super::Place;
use crate::gate::{Gate, Speech, tcp};
use crate::strike::Strikes;
use crate::world::World;

struct RunPod {
    standin: Standin,
    gate: Gate,
}

pub(super) fn open(strikes: &Arc<Strikes>) -> Box<dyn Place> {
    let standin = Standin::start();
    standin.create(&json!({
        "name": "training", "image": "runpod/pytorch:1", "gpu": { "id": "NVIDIA L40S", "count": 1 }, "disk": 20,
    }));
    let gate = Gate::open(tcp(&standin.url), Speech::Http, strikes);
    Box::new(RunPod { standin, gate })
}

impl Place for RunPod {
    fn table(&self) -> String {
        let url = self.gate.url();
        format!("kind = \"runpod\"\ncpu = \"cpu5c\"\nendpoint = \"{url}/v2\"\n")
    }

    fn env(&self) -> Vec<(&'static str, String)> {
        vec![("RUNPOD_API_KEY", self.standin.key.clone())]
    }

    fn all(&self, _: &World) -> Vec<String> {
        let pods = self.standin.alive().into_iter();
        pods.map(|pod| format!("pod: {} {}", pod.id, pod.name))
            .collect()
    }

    fn machines(&self, _: &World) -> usize {
        self.standin.alive().len()
    }

    fn is_empty_shell(&self) -> bool {
        true
    }

    fn violations(&self) -> Vec<String> {
        self.standin.violations()
    }
}
