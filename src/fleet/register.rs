//! From a name to a credential: a runner's registration, and another name where one is in doubt.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::Instant;

use super::shared::Shared;
use super::slot::{self, Slot};
use super::{Trouble, chain};
use crate::github::{self, Api, Credential, Registration};
use crate::model::Event;

/// A registration that has waited longer than this for room is replaced: idle ones were seen to be
/// dropped after two minutes (actions/runner#4726).
const FRESH: Duration = Duration::from_mins(2);
/// How many names are tried for one runner.
const NAMES: usize = 3;

/// What is left of a name that is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Former {
    /// Nothing: its registration and its machine are proved gone.
    Gone,
    /// Its registration may be there, or turn up late: its record stays until that is proved gone, at the
    /// end.
    Lost,
}

impl<G: Api> Shared<'_, G> {
    /// A credential that is good yet: a just-in-time configuration that GitHub has not dropped, or a
    /// token, which the client keeps for as long as it is worth.
    pub(super) async fn fresh(
        &self,
        slot: &RefCell<Slot>,
        kept: &mut Option<Credential>,
    ) -> Result<Credential, Trouble> {
        self.go_on()?;
        let registration = slot.borrow().registration;
        if let slot::Registration::Made(_, at) = registration
            && at.elapsed() > FRESH
        {
            *kept = None;
            let reason = "its registration expired while it waited for a machine";
            self.rename(slot, Former::Lost, reason).await?;
        }
        if let Some(jit @ Credential::Jit(_)) = kept {
            return Ok(jit.clone());
        }
        Ok(kept.insert(self.register(slot).await?).clone())
    }

    async fn register(&self, slot: &RefCell<Slot>) -> Result<Credential, Trouble> {
        for tries_left in (0..NAMES).rev() {
            self.go_on()?;
            let name = slot.borrow().name.clone();
            let labels = self.plan.labels_of(&name);
            slot.borrow_mut().registration = slot::Registration::Asked;
            let answer = tokio::select! {
                biased;
                answer = self.github.register(&name, &labels) => Some(answer),
                () = self.impatience() => None,
            };
            slot.borrow_mut().registration = slot::Registration::Absent;
            match answer {
                Some(Ok(registration)) => return self.registered(slot, registration).await,
                Some(Err(error)) => {
                    // It was waiting for room and is surely not registered: nothing is to be undone.
                    if error.kind == github::ErrorKind::RateLimited {
                        self.go_on()?;
                    }
                    let unknown = matches!(
                        error.kind,
                        github::ErrorKind::Ambiguous | github::ErrorKind::NameTaken
                    );
                    if unknown && tries_left > 0 && !self.halt.is_said() {
                        self.rename(slot, Former::Lost, &chain(&error)).await?;
                        continue;
                    }
                    if unknown {
                        slot.borrow_mut().lose();
                    }
                    return Err(Trouble::Register(error));
                }
                None => {
                    slot.borrow_mut().lose();
                    self.go_on()?;
                    return Err(Trouble::unregistered(&name));
                }
            }
        }
        unreachable!("the last try returns")
    }

    async fn registered(
        &self,
        slot: &RefCell<Slot>,
        registration: Registration,
    ) -> Result<Credential, Trouble> {
        let Registration {
            runner_id,
            credential,
        } = registration;
        // With a token nothing is registered that GitHub could drop.
        if let Some(id) = runner_id {
            slot.borrow_mut().registration = slot::Registration::Made(id, Instant::now());
        }
        let (Credential::Jit(secret) | Credential::Token(github::Enrolment { token: secret, .. })) =
            &credential;
        self.fleet.sink.tell(Event::Secret(secret.clone())).await?;
        if let Some(id) = runner_id {
            self.write_id_down(slot, id).await?;
        }
        Ok(credential)
    }

    /// Writes GitHub's number of a runner down.
    pub(super) async fn write_id_down(
        &self,
        slot: &RefCell<Slot>,
        runner_id: u64,
    ) -> Result<(), Trouble> {
        let name = slot.borrow().name.clone();
        self.record(&name, move |entry| entry.runner_id = Some(runner_id))
            .await?;
        self.fleet
            .sink
            .tell(Event::Registered { name, runner_id })
            .await?;
        Ok(())
    }

    /// Gives a name up and takes another.
    pub(super) async fn rename(
        &self,
        slot: &RefCell<Slot>,
        former: Former,
        reason: &str,
    ) -> Result<(), Trouble> {
        let from = slot.borrow().name.clone();
        let to = self.plan.name(slot.borrow().index, self.fleet.now());
        let (old, key, entry) = (from.clone(), to.clone(), self.entry(&to));
        self.fleet
            .store
            .update(move |entries| {
                entries.insert(key, entry);
                if former == Former::Gone {
                    entries.remove(&old);
                }
            })
            .await?;
        let known = {
            let mut slot = slot.borrow_mut();
            let known = slot.registration.id();
            if former == Former::Lost {
                slot.lose();
            }
            slot.is_renamed(to.clone());
            known
        };
        self.fleet
            .sink
            .tell(Event::Renamed {
                from: from.clone(),
                to,
                reason: reason.to_owned(),
            })
            .await?;
        if let Some(id) = known {
            self.remove_replaced(slot, &from, id).await;
        }
        Ok(())
    }
}
