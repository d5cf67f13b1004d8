//! Orders that were accepted and never become machines: no capacity, no quota, or an image that cannot be used.

use std::time::Duration;

use super::candidates::{Candidate, wider};
use super::failure::{OrderFault, hint};
use super::{HasRun, Nebius};
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
                if ordered.stage == "STOPPED"
                    && (ordered.ran == HasRun::No
                        || ordered.ran == HasRun::Unknown && ordered.is_making) =>
            {
                let why = "Nebius stopped it before it ran, as it does when it has no room";
                OrderFault::Room(why.to_owned())
            }
            (None, Condition::Ended(how))
                if ordered.stage == "ERROR" && ordered.ran != HasRun::Yes =>
            {
                OrderFault::Failed(how.clone())
            }
            (None, Condition::Ended(_) | Condition::Running) => return None,
            (None, Condition::Pending) => {
                let waited = ordered.since.elapsed();
                match ordered.placed.map(|since| since.elapsed()) {
                    // Images take as long as they take.
                    _ if ordered.stage == "IMAGE_PULLING" => return None,
                    Some(since) if since >= self.start_deadline / 2 => OrderFault::Stuck(format!(
                        "its machine has run for {} s, but its container has not started, and no image is being pulled \
                         (the job is {stage}); Nebius gives no reason",
                        seconds(since)
                    )),
                    None if waited >= self.start_deadline => OrderFault::Late(format!(
                        "it is still {stage} after {} s, longer than `start_deadline`",
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
                let what = format!("Nebius has no room for {candidate}");
                Error::new(ErrorKind::NoCapacity, what)
                    .because(why)
                    .hinted(format!(
                        "{}; {}",
                        wider(&self.config),
                        list(&self.config.table)
                    ))
            }
            OrderFault::Failed(why) => {
                let what = format!("Nebius could not make {candidate}");
                Error::new(ErrorKind::NoCapacity, what)
                    .because(why)
                    .hinted(wider(&self.config))
            }
            OrderFault::Late(why) => {
                let what = format!("Nebius has not started {candidate} in time");
                Error::new(ErrorKind::NoCapacity, what)
                    .because(why)
                    .hinted(format!(
                        "raise `start_deadline` ({}), or {}",
                        self.config.start_deadline,
                        wider(&self.config)
                    ))
            }
            OrderFault::Preempted(why) => {
                let what = format!("Nebius reclaimed {candidate} before the runner was online");
                Error::new(ErrorKind::NoCapacity, what)
                    .because(why)
                    .hinted(format!(
                        "set `preemptible = false`, or {}",
                        wider(&self.config)
                    ))
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
                Error::setting("image", what)
                    .because(why)
                    .hinted(self.check_image())
            }
            OrderFault::Stuck(why) => {
                let image = self.config.image();
                let what = format!("Nebius has not started a container of `{image}`");
                Error::setting("image", what)
                    .because(why)
                    .hinted(self.check_image())
                    .hinted(format!(
                        "if the image can be pulled, allow more time: `start_deadline`, of which a container gets half, is {}",
                        self.config.start_deadline
                    ))
            }
        }
    }
}

impl Nebius {
    /// How to see whether the image is there, and may be read.
    fn check_image(&self) -> String {
        let check = format!(
            "check that the image exists: `docker manifest inspect {}`",
            self.config.image()
        );
        match self.config.registry {
            Some(_) => format!("{check}; and that `registry` may read it"),
            None => format!(
                "{check}; for a private one set `registry = {{ username = \"…\" }}` and \
                 `registry_password`"
            ),
        }
    }
}

/// The command that shows what there is.
pub(super) fn list(table: &str) -> String {
    format!("list what is available with `gharun providers offers {table}`")
}
