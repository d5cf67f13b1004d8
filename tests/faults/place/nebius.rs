//! Nebius: the stand-in for its gateway, behind a gate.

use std::sync::Arc;

use gharun_worlds::nebius::{PROJECT, Standin};

use super::Place;
use crate::gate::{Gate, Speech, tcp};
use crate::strike::Strikes;
use crate::world::World;

/// What is rented.
#[derive(Clone, Copy, Debug)]
pub(super) enum Product {
    Job,
    Vm,
}

struct Nebius {
    standin: Standin,
    gate: Gate,
    product: Product,
}

pub(super) fn open(strikes: &Arc<Strikes>, product: Product) -> Box<dyn Place> {
    let standin = Standin::start();
    standin.add_vm("training", &[("team", "core")]);
    let gate = Gate::open(tcp(&standin.url), Speech::Http, strikes);
    Box::new(Nebius {
        standin,
        gate,
        product,
    })
}

impl Place for Nebius {
    fn table(&self) -> String {
        let url = self.gate.url();
        let product = match self.product {
            Product::Job => "",
            Product::Vm => "product = \"vm\"\n",
        };
        format!(
            "kind = \"nebius\"\nproject = \"{PROJECT}\"\nendpoint = \"{url}\"\nauth_endpoint = \"{url}\"\n{product}"
        )
    }

    fn env(&self) -> Vec<(&'static str, String)> {
        vec![("NEBIUS_IAM_TOKEN", self.standin.token())]
    }

    fn all(&self, _: &World) -> Vec<String> {
        let all = [
            ("job", self.standin.jobs()),
            ("VM", self.standin.vms()),
            ("disk", self.standin.disks()),
        ];
        let lines = all.into_iter().flat_map(|(what, rows)| {
            let rows = rows.into_iter();
            rows.map(move |row| format!("{what}: {}", row.id))
        });
        lines.collect()
    }

    fn machines(&self, _: &World) -> usize {
        match self.product {
            Product::Job => self.standin.jobs().len(),
            Product::Vm => self.standin.vms().len(),
        }
    }

    fn is_empty_shell(&self) -> bool {
        true
    }

    fn violations(&self) -> Vec<String> {
        self.standin.violations()
    }
}
