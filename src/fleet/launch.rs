//! One launch at one place, and the search for a machine whose launch got no answer.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::Instant;

use super::shared::Shared;
use super::slot::{Machine, Registration, Slot};
use super::watch::{SETTLES, unread};
use super::{Place, Trouble};
use crate::bootstrap::{self, Boot};
use crate::github::{Api, Credential};
use crate::model::{Error, Event, Instance, Name, Order, RunnerVersion};
use crate::poll::{Pace, until_ok};
use crate::providers::{self, ErrorKind};

/// The pause between two looks for a machine.
const EVERY: Duration = Duration::from_secs(2);
/// How long a listing may take before it counts as failed.
const LISTS: Duration = Duration::from_secs(20);
/// How long a place that cannot be read is asked on, when it could otherwise have given proof.
const UNREAD: Duration = Duration::from_secs(10);

/// What became of a machine whose launch got no answer.
#[derive(Debug)]
pub(super) enum Fate {
    /// A whole listing, begun when the place had settled, does not show it.
    Absent,
    /// It is there.
    There(Box<Instance>),
    /// Nobody can tell, for this reason.
    Unknown(Error),
}

impl<G: Api> Shared<'_, G> {
    /// Launches one machine, and returns when it is written down. [`Trouble::Launch`] means that
    /// there is none.
    pub(super) async fn launch(
        &self,
        slot: &RefCell<Slot>,
        place: &Place,
        credential: &Credential,
    ) -> Result<(), Trouble> {
        self.go_on()?;
        let name = slot.borrow().name.clone();
        let first = self.fleet.places.first().map(|first| &first.name);
        if first != Some(&place.name) {
            let provider = place.name.clone();
            self.record(&name, move |entry| entry.provider = provider)
                .await?;
        }
        self.fleet
            .sink
            .tell(Event::Launching {
                name: name.clone(),
                provider: place.name.clone(),
            })
            .await?;
        self.go_on()?;
        let order = self.order(&name, &slot.borrow(), place, credential);
        if let Credential::Token(_) = credential {
            slot.borrow_mut().registration = Registration::Enrolling;
        }
        let (provider, kind) = (place.name.clone(), ErrorKind::Ambiguous);
        let source = match self.ask(slot, place, &order).await {
            Some(Ok(instance)) => return self.launched(slot, place, instance).await,
            Some(Err(source)) if source.kind != kind => {
                slot.borrow_mut().has_no_machine();
                return Err(Trouble::Launch { provider, source });
            }
            Some(Err(source)) => source,
            None => providers::Error::new(kind, "it did not answer in time"),
        };
        let since = Instant::now();
        slot.borrow_mut().machine = Machine::Unproved {
            place: place.clone(),
            since,
        };
        match self.look_for(place, &name, since).await {
            Fate::There(instance) => self.launched(slot, place, *instance).await,
            Fate::Absent => {
                slot.borrow_mut().has_no_machine();
                Err(Trouble::Launch { provider, source })
            }
            Fate::Unknown(_) => Err(Trouble::Lost { provider, source }),
        }
    }

    /// Asks for a machine. When the answer is long in coming, the machine is looked for while it is
    /// awaited; `None`: neither came.
    async fn ask(
        &self,
        slot: &RefCell<Slot>,
        place: &Place,
        order: &Order,
    ) -> Option<providers::Result<Instance>> {
        // From here until the answer is understood a machine may exist.
        slot.borrow_mut().machine = Machine::Unproved {
            place: place.clone(),
            since: Instant::now(),
        };
        let mut launch = std::pin::pin!(place.provider.launch(order));
        tokio::select! {
            biased;
            answer = &mut launch => return Some(answer),
            () = self.impatience() => {}
        }
        tokio::select! {
            biased;
            answer = &mut launch => Some(answer),
            fate = self.look_for(place, &order.name, Instant::now()) => match fate {
                Fate::There(instance) => Some(Ok(*instance)),
                // No proof: the order is still under way.
                Fate::Absent | Fate::Unknown(_) => None,
            },
        }
    }

    fn order(&self, name: &Name, slot: &Slot, place: &Place, credential: &Credential) -> Order {
        let tags = self
            .plan
            .tags(name, slot.registration.id(), self.fleet.now());
        let labels = self.plan.labels_of(name);
        let credential = match credential {
            Credential::Jit(jit) => bootstrap::Credential::Jit(jit),
            Credential::Token(enrolment) => bootstrap::Credential::Token {
                token: &enrolment.token,
                url: enrolment.url.as_str(),
                group: enrolment.group.as_deref(),
                labels: &labels,
                until: tags.ready_by,
            },
        };
        let boot = bootstrap::script(&Boot {
            name,
            credential,
            packages: self.packages,
            pinned: matches!(self.plan.version, RunnerVersion::Exact(_)),
            ending: place.provider.ending(),
            expires: tags.expires,
            idle_limit: self.plan.idle_timeout,
            setup: self.plan.setup.as_deref(),
            secrets: &providers::secrets_in_env(),
            env: &self.plan.env,
            ca: self.plan.ca.as_deref(),
        });
        Order {
            name: name.clone(),
            boot,
            turn: self.turn(slot),
            tags,
            lifetime: self.plan.lifetime,
        }
    }

    /// See [`Order::turn`].
    pub(super) fn turn(&self, slot: &Slot) -> String {
        format!("{}-{}", self.plan.identity.start, slot.index)
    }

    /// Looks for a machine at a place where nothing is under way since `since`, until it is there or
    /// proved absent. A listing that fails proves nothing.
    pub(super) async fn look_for(&self, place: &Place, name: &Name, since: Instant) -> Fate {
        let settled = since + SETTLES;
        let looks = Pace {
            every: EVERY,
            at_most: (settled + UNREAD).saturating_duration_since(Instant::now()),
        };
        let found = until_ok(looks, async || {
            let listed = place.listing(Instant::now(), LISTS).await;
            let machines = &listed.listing.instances;
            let found = machines.iter().find(|machine| machine.tags.name == *name);
            match (found, unread(&listed.listing)) {
                (Some(instance), _) => Ok(Fate::There(Box::new(instance.clone()))),
                (None, None) if listed.begun >= settled => Ok(Fate::Absent),
                (None, None) => Err(Error::from("not listed yet")),
                (None, Some(why)) => Err(why),
            }
        });
        found.await.unwrap_or_else(Fate::Unknown)
    }

    /// Writes a machine down, at once and in both places: either is enough for `stop`.
    async fn launched(
        &self,
        slot: &RefCell<Slot>,
        place: &Place,
        instance: Instance,
    ) -> Result<(), Trouble> {
        let (name, reference) = (slot.borrow().name.clone(), place.reference(&instance.id));
        let price = instance.price_per_hour;
        {
            let mut slot = slot.borrow_mut();
            slot.launched_after = self.began.elapsed();
            slot.machine = Machine::There(place.clone(), Box::new(instance));
        }
        let mapping = {
            let mut mapping = self.mapping.borrow_mut();
            mapping.0.push((reference.clone(), name.clone()));
            mapping.clone()
        };
        let told = self.fleet.sink.tell(Event::Launched {
            name: name.clone(),
            instance: reference.clone(),
            mapping,
        });
        let recorded = self.record(&name, move |entry| {
            entry.instance = Some(reference);
            entry.price_per_hour = price;
        });
        let (told, recorded) = tokio::join!(told, recorded);
        told?;
        recorded?;
        self.label(slot).await
    }

    /// Gives the runner the labels of its machine, before a job can be waiting for them in vain.
    pub(super) async fn label(&self, slot: &RefCell<Slot>) -> Result<(), Trouble> {
        let (labels, id) = {
            let slot = slot.borrow();
            let machine = slot.machine.there();
            let labels = machine.map(|(place, instance)| place.provider.labels(&instance.id));
            (labels.unwrap_or_default(), slot.registration.id())
        };
        let (false, Some(id)) = (labels.is_empty(), id) else {
            return Ok(());
        };
        let labelled = tokio::select! {
            biased;
            answer = self.github.label(id, &labels) => answer.map_err(Trouble::Register),
            () = self.impatience() => Err(Trouble::Halted),
        };
        labelled?;
        slot.borrow_mut().labels = labels;
        Ok(())
    }
}
