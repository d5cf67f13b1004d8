//! The operation itself, with whoever may interrupt it.

use crate::bootstrap::Package;
use crate::commands::Desk;
use crate::commands::interrupt::Interrupts;
use crate::error::Failure;
use crate::fleet::{self, Fleet, Place, StartOutcome};
use crate::github::Client;
use crate::plan::Plan;

pub(super) async fn start(
    desk: &Desk,
    plan: &Plan,
    places: &[Place],
    github: &Client,
    packages: &[Package],
) -> Result<StartOutcome, Failure> {
    let mut interrupts = Interrupts::listen(desk.settings.step.is_some())?;
    let fleet = Fleet {
        github: Some(github),
        places,
        unopened: &[],
        store: &desk.store,
        sink: desk,
    };
    let interrupt = async {
        interrupts.next().await;
        desk.ui.status("Interrupted: undoing what was started");
    };
    Ok(fleet::start(fleet, github, plan, packages, interrupt).await?)
}
