//! A machine that was accepted and will not start: it is ended, and its runner goes elsewhere.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::Instant;

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
        let (name, machine) = {
            let slot = slot.borrow();
            (slot.name.clone(), slot.machine.clone())
        };
        let Some((place, _)) = machine else {
            return Ok(Moved::Free);
        };
        let provider = place.name.clone();
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
        self.take_new_name(slot).await?;
        Ok(Moved::Free)
    }

    /// Gives the runner a new name, as the old one's registration and machine are gone.
    async fn take_new_name(&self, slot: &RefCell<Slot>) -> Result<(), Trouble> {
        self.go_on()?;
        let from = slot.borrow().name.clone();
        let to = self.plan.name(slot.borrow().index, self.fleet.now());
        let (old, key, entry) = (from.clone(), to.clone(), self.entry(&to));
        self.fleet
            .store
            .update(move |entries| {
                entries.insert(key, entry);
                entries.remove(&old);
            })
            .await?;
        {
            let mut slot = slot.borrow_mut();
            slot.name = to.clone();
            slot.runner_id = None;
            slot.registered = None;
            slot.labels.clear();
        }
        let reason = "its machine did not start".to_owned();
        let renamed = Event::Renamed { from, to, reason };
        self.fleet.sink.tell(renamed).await?;
        Ok(())
    }
}
