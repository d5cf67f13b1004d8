//! Slots of this computer.

use super::{Place, processes_below, slots_below};
use crate::world::World;

pub(super) struct Local;

impl Place for Local {
    fn table(&self) -> String {
        "kind = \"local\"\nslots = 3\n".to_owned()
    }

    fn all(&self, world: &World) -> Vec<String> {
        let mut left = slots_below(&world.path("home/.local/state/gharun/slots"));
        left.extend(processes_below(&world.path("home")));
        left
    }

    fn machines(&self, world: &World) -> usize {
        slots_below(&world.path("home/.local/state/gharun/slots"))
            .iter()
            .filter(|line| line.starts_with("slot"))
            .count()
    }
}
