//! The operation itself, with whoever may interrupt it; what came of it, and what was spent.

use super::spending::Spending;
use crate::bootstrap::Package;
use crate::commands::Context;
use crate::commands::interrupt::Interrupts;
use crate::error::Failure;
use crate::fleet::{self, Fleet, NamedProvider, StartOutcome};
use crate::github::Client;
use crate::plan::Plan;

pub(super) async fn start(
    context: &Context,
    plan: &Plan,
    places: &[NamedProvider],
    (github, packages): (&Client, &[Package]),
    interrupts: &mut Interrupts,
) -> Result<(StartOutcome, String), Failure> {
    let spending = Spending::before(context);
    let fleet = Fleet {
        github: Some(github),
        providers: places,
        unopened: &[],
        store: &context.store,
        sink: &spending,
    };
    let interrupt = async {
        interrupts.next().await;
        context.ui.undoing("Interrupted: undoing what was started");
    };
    context.at_stake.set(true);
    let started = fleet::start(fleet, github, plan, packages, interrupt).await;
    let outcome = started.inspect_err(|_| context.at_stake.set(false))?;
    context.at_stake.set(outcome.is_anything_there());
    Ok((outcome, spending.told()))
}
