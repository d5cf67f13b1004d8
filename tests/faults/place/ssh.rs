//! A real `sshd`, whose connections go through a gate.

use std::sync::Arc;

use gharun_worlds::sshd::{Rack, program, whoami};

use super::{Place, processes_below, slots_below};
use crate::gate::{Gate, Speech, Upstream};
use crate::strike::Strikes;
use crate::world::World;

struct Ssh {
    rack: Rack,
    gate: Gate,
}

pub(super) fn open(strikes: &Arc<Strikes>) -> Option<Box<dyn Place>> {
    if let Err(why) = program() {
        gharun_worlds::skipped(&format!("faults: ssh: {why}"));
        return None;
    }
    let rack = Rack::of(1, "MaxStartups 100\n");
    let host = &rack.hosts[0];
    let address = format!("{}:{}", host.address, host.port);
    let upstream = Upstream::Tcp(address.parse().expect("an address"));
    let gate = Gate::open(upstream, Speech::Bursts, strikes);
    // The host is known by the gate's port, too.
    let own = format!("]:{} ", host.port);
    let other = format!("]:{} ", gate.address.port());
    let known = host.known() + &host.known().replace(&own, &other);
    std::fs::write(rack.known_hosts(), known).expect("a file");
    Some(Box::new(Ssh { rack, gate }))
}

impl Place for Ssh {
    fn table(&self) -> String {
        format!(
            "kind = \"ssh\"\nslots = 3\nhosts = [\"{}@{}\"]\nidentity = \"{}\"\nknown_hosts = \"{}\"\n",
            whoami(),
            self.gate.address,
            self.rack.identity().display(),
            self.rack.known_hosts().display(),
        )
    }

    fn all(&self, _: &World) -> Vec<String> {
        let mut left = slots_below(&self.rack.hosts[0].slots());
        left.extend(processes_below(self.rack.dir.path()));
        left
    }

    fn machines(&self, _: &World) -> usize {
        slots_below(&self.rack.hosts[0].slots())
            .iter()
            .filter(|line| line.starts_with("slot"))
            .count()
    }
}
