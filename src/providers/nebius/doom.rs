//! Orders that were accepted and never become machines: no capacity, no quota, or an image that cannot be used.

use std::time::Duration;

use super::Nebius;
use super::candidates::Candidate;
use super::failure::{OrderFault, hint};
use crate::model::{Condition, Instance};
use crate::providers::{Error, ErrorKind};

impl Nebius {
    /// Why a machine that was ordered by this process will not start. Where it is for want of room its candidate is not
    /// tried again.
    pub(super) fn find_doom(&self, machine: &Instance) -> Option<Error> {
        let mut memory = self.memory();
        let ordered = memory.orders.get(&machine.id.id)?.clone();
        if machine.state == Condition::Running {
            return None;
        }
        let seconds = |span: Duration| span.as_secs();
        let stage = match ordered.stage.as_str() {
            "" => "ordered".to_owned(),
            stage => format!("in state `{stage}`"),
        };
        let fault = match (ordered.fault, &machine.state) {
            (Some(fault), _) => fault,
            // skypilot-org/skypilot#6856, dstackai/dstack#2977: a VM that finds no room is made, and stopped.
            (None, Condition::Ended(_))
                if ordered.stage == "STOPPED" && !ordered.ran && ordered.operation.is_some() =>
            {
                let why = "Nebius stopped it before it ran, as it does where it lacks resources";
                OrderFault::Room(why.to_owned())
            }
            (None, Condition::Ended(_) | Condition::Running) => return None,
            (None, Condition::Pending) => {
                let waited = ordered.since.elapsed();
                match ordered.placed.map(|since| since.elapsed()) {
                    // Images take as long as they take.
                    _ if ordered.stage == "IMAGE_PULLING" => return None,
                    Some(since) if since >= self.start_deadline / 2 => OrderFault::Image(format!(
                        "its machine has run for {} s, and the job is still {stage}; Nebius does not tell why",
                        seconds(since)
                    )),
                    None if waited >= self.start_deadline => OrderFault::Room(format!(
                        "it was still {stage} after {} s, past `start_deadline`",
                        seconds(waited)
                    )),
                    Some(_) | None => return None,
                }
            }
        };
        let error = self.error(fault, &ordered.candidate);
        if error.kind == ErrorKind::NoCapacity {
            memory.full.insert(ordered.candidate, error.clone());
        }
        Some(error)
    }

    fn error(&self, fault: OrderFault, candidate: &Candidate) -> Error {
        match fault {
            OrderFault::Room(why) => {
                let what = format!("{candidate} has no capacity after all");
                Error::new(ErrorKind::NoCapacity, what)
                    .because(why)
                    .hinted(format!(
                        "add to `platform` or `preset`; {}",
                        list(&self.config.table)
                    ))
            }
            OrderFault::Preempted(why) => {
                let what = format!("{candidate} was taken away before the runner was online");
                let hint = "set `preemptible = false`, or add to `platform` or `preset`";
                Error::new(ErrorKind::NoCapacity, what)
                    .because(why)
                    .hinted(hint)
            }
            OrderFault::Quota(why, quotas) => {
                let what = format!("the project's quota does not allow {candidate}");
                Error::new(ErrorKind::NoCapacity, what)
                    .because(why)
                    .hinted(hint(&quotas))
            }
            OrderFault::Image(why) => {
                let image = self.config.image();
                let what = format!("Nebius cannot start a container of `{image}`");
                let error = Error::setting("image", what).because(why);
                error.hinted(match self.config.registry {
                    Some(_) => {
                        "check the name and the tag in `image`, and that `registry` may read it"
                    }
                    None => {
                        "check the name and the tag in `image`; for a private image set `registry`"
                    }
                })
            }
        }
    }
}

/// The command that shows what there is.
pub(super) fn list(table: &str) -> String {
    format!("list what is available with `gharun providers offers {table}`")
}
