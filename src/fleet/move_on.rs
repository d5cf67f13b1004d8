//! A machine that was accepted and will not start: it is ended, and its runner goes elsewhere.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::Instant;

use super::register::Former;
use super::shared::{Moved, Shared};
use super::slot::Slot;
use super::{Trouble, chain};
use crate::github::Api;
use crate::model::Event;
use crate::providers::{self, ErrorKind};

/// How long the end of a machine may take, from its deregistration to the proof that it is gone.
const ENDS: Duration = Duration::from_mins(1);

impl<G: Api> Shared<'_, G> {
    /// Ends a machine that its place has no room for, and frees its runner. The machine may start in this very
    /// moment, so the registration goes first, and a refusal to delete it keeps both.
    pub(super) async fn move_on(
        &self,
        slot: &RefCell<Slot>,
        why: &providers::Error,
    ) -> Result<Moved, Trouble> {
        self.go_on()?;
        let (name, provider) = {
            let slot = slot.borrow();
            let machine = slot.machine.there();
            (
                slot.name.clone(),
                machine.map(|(place, _)| place.name.clone()),
            )
        };
        let Some(provider) = provider else {
            return Ok(Moved::Free);
        };
        self.fleet
            .sink
            .tell(Event::NoCapacity {
                name: name.clone(),
                provider: provider.clone(),
                reason: chain(why),
            })
            .await?;
        let deadline = Instant::now() + ENDS;
        if let Some(left) = self.undo_runner(slot, deadline).await.into_iter().next() {
            if left.kept {
                return Ok(Moved::Stays);
            }
            let source = left.why.map(|()| ErrorKind::Ambiguous);
            return Err(Trouble::Lost { provider, source });
        }
        self.unmap(&name).await?;
        self.go_on()?;
        let reason = "its machine did not start";
        self.rename(slot, Former::Gone, reason).await?;
        Ok(Moved::Free)
    }
}
