//! What the provider in memory answers, with its faults, moods and flaws.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use tokio::time::sleep;
use url::Url;

use super::{Fault, Flaw, InMemoryProvider, Machine, Place, Verb, tests};
use crate::model::{Condition, Instance, InstanceId, Order};
use crate::providers::contract::{self, Mood};
use crate::providers::{
    Error, ErrorKind, Health, Listing, PriceVerdict, Provider, ProviderFuture, ProviderKind as _,
    Result, Termination, Unjudged, Unread,
};

impl Provider for InMemoryProvider {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn check(&self) -> ProviderFuture<'_, Health> {
        Box::pin(async move {
            self.ask(Verb::Check, "").await?;
            if self.has(Flaw::CheckLeavesSomething) {
                self.make(&contract::order("check"))?;
            }
            Ok(Health {
                facts: vec![format!("`{}` is there", self.place)],
                warnings: Vec::new(),
            })
        })
    }

    fn labels(&self, _: &InstanceId) -> Vec<String> {
        let state = self.cloud.state();
        let place = state.places.get(&self.place);
        place.map(|place| place.labels.clone()).unwrap_or_default()
    }

    fn launch<'a>(&'a self, order: &'a Order) -> ProviderFuture<'a, Instance> {
        Box::pin(async move {
            let lost = self.ask(Verb::Launch, order.name.as_str()).await;
            if let (Err(error), true) = (&lost, self.has(Flaw::TellsSecret)) {
                return Err(Error::new(error.kind, order.boot.expose()));
            }
            let lost = match lost {
                Err(error)
                    if error.kind == ErrorKind::NoCapacity
                        && self.has(Flaw::RefusesAfterTheDeed) =>
                {
                    self.make(order)?;
                    return Err(error);
                }
                lost => lost?,
            };
            let made = self.make(order);
            // Asked before the pause: the place may change its mind meanwhile.
            let pause = self.takes(|place| place.launch_takes);
            if let Ok((machine, Some(tell))) = &made {
                for tell in tell {
                    tell(&machine.instance);
                }
            }
            sleep(pause).await;
            let (machine, _) = made?;
            if self.is(Mood::Halfway) {
                if !self.has(Flaw::LeavesHalf) {
                    self.cloud.vanish(&machine.instance.id);
                }
                return Err(self.error(ErrorKind::Unexpected, Verb::Launch));
            }
            if let Some(Fault::RefusedAfterTheDeed(kind)) = lost {
                return Err(self.error(kind, Verb::Launch));
            }
            let is_lost = lost == Some(Fault::AnswerLost);
            if lost == Some(Fault::Twice) || is_lost && self.has(Flaw::RepeatsLostLaunch) {
                let again = Self {
                    flaw: Some(Flaw::NameIsNoKey),
                    ..self.clone()
                };
                again.make(order)?;
            }
            if is_lost {
                return Err(self.error(ErrorKind::Ambiguous, Verb::Launch));
            }
            Ok(machine.instance)
        })
    }

    fn leave_queue<'a>(&'a self, queue_key: &'a str) -> ProviderFuture<'a, ()> {
        Box::pin(async move {
            self.cloud.set(&self.place, |place| {
                place.queue.retain(|other| other != queue_key);
            });
            Ok(())
        })
    }

    fn why_doomed<'a>(&'a self, machine: &'a Instance) -> LocalBoxFuture<'a, Option<Error>> {
        Box::pin(async move {
            sleep(self.takes(|place| place.doom_takes)).await;
            let dooms_dear = self.cloud.state().places.get(&self.place)?.dooms_dear;
            if let (true, PriceVerdict::Above(why)) = (dooms_dear, self.price_verdict(&machine.id))
            {
                return Some(why);
            }
            let kind = self.cloud.state().places.get(&self.place)?.gives_up_as;
            let error = self.error(kind, Verb::Launch).about("image");
            let mut state = self.cloud.state();
            let place = state.places.get_mut(&self.place)?;
            let gives_up = place.gives_up?;
            let mut machines = place.machines.iter();
            let found = machines.find(|found| found.instance.id == machine.id)?;
            if machine.state == Condition::Running || found.launched.elapsed() < gives_up {
                return None;
            }
            if kind == ErrorKind::NoCapacity {
                place.capacity = 0;
            }
            Some(error)
        })
    }

    fn price_verdict(&self, machine: &InstanceId) -> PriceVerdict {
        let error = self.error(ErrorKind::NoCapacity, Verb::Launch);
        let mut state = self.cloud.state();
        let place = state.places.get_mut(&self.place);
        let Some((place, told)) = place.and_then(|place| place.dear_from.map(|at| (place, at)))
        else {
            return PriceVerdict::Within;
        };
        let mut machines = place.machines.iter();
        let found = machines.find(|found| found.instance.id == *machine);
        if found.is_none_or(|found| found.launched.elapsed() < told) {
            return PriceVerdict::Untold;
        }
        place.capacity = 0;
        PriceVerdict::Above(error.because("$9 an hour"))
    }

    fn preflight(&self) -> ProviderFuture<'_, ()> {
        let state = self.cloud.state();
        let broken = state.places.get(&self.place).and_then(|place| place.broken);
        let found = broken.map_or(Ok(()), |kind| Err(self.error(kind, Verb::Launch)));
        Box::pin(std::future::ready(found))
    }

    fn keeps_failed(&self) -> Result<()> {
        let state = self.cloud.state();
        let place = state.places.get(&self.place);
        if place.is_some_and(|place| place.keeps_nothing) {
            return Err(Error::new(ErrorKind::Config, "it removes what has ended"));
        }
        Ok(())
    }

    fn places(&self) -> ProviderFuture<'_, Vec<String>> {
        Box::pin(async move {
            sleep(self.takes(|place| place.places_take)).await;
            Ok(vec![self.here()])
        })
    }

    fn proves_absence(&self) -> bool {
        let state = self.cloud.state();
        let place = state.places.get(&self.place);
        place.is_none_or(|place| !place.lists_in_doubt)
    }

    fn shares_ids(&self) -> bool {
        let state = self.cloud.state();
        let place = state.places.get(&self.place);
        place.is_none_or(|place| place.own_ids.is_none())
    }

    fn shows_within(&self) -> Duration {
        let state = self.cloud.state();
        let place = state.places.get(&self.place);
        let shows_within = place.and_then(|place| place.shows_within);
        shows_within.unwrap_or(Duration::from_secs(20))
    }

    fn is_old(&self, id: &InstanceId) {
        self.cloud
            .set(&self.place, |place| place.old.push(id.clone()));
    }

    fn list_near<'a>(&'a self, machines: &'a [InstanceId]) -> ProviderFuture<'a, Listing> {
        Box::pin(async move {
            let mut listing = self.list().await?;
            let far = self.far();
            if machines.iter().any(|id| id.location.as_ref() == Some(&far)) {
                return Ok(listing);
            }
            let is_far = |id: &InstanceId| id.location.as_ref() == Some(&far);
            listing.is_partial = true;
            listing.read.retain(|place| *place != far);
            listing.instances.retain(|machine| !is_far(&machine.id));
            listing.unjudged.retain(|one| !is_far(&one.id));
            Ok(listing)
        })
    }

    fn list(&self) -> ProviderFuture<'_, Listing> {
        Box::pin(async move {
            let fault = match self.ask(Verb::List, "").await {
                Err(_) if self.has(Flaw::SwallowsUnread) => return Ok(Listing::default()),
                answer => answer?,
            };
            let vague = self.cloud.state().places[&self.place].vague.clone();
            let mut listing = Listing {
                read: vec![self.here(), self.far()],
                vague: vague
                    .map(Some)
                    .into_iter()
                    .chain([None])
                    .map(|place| (place, self.place.clone()))
                    .collect(),
                ..Listing::default()
            };
            let shows_none = fault == Some(Fault::Gap) || self.has(Flaw::ListsNothing);
            let mut next = Some(0).filter(|_| !shows_none);
            while let Some(from) = next {
                let (page, then) = self.page(from);
                let ours = |m: &Machine| !m.stranger || self.has(Flaw::ListsStrangers);
                for machine in page.into_iter().filter(ours) {
                    let (instance, keeps) = (machine.instance, machine.keeps);
                    let Some(keeps) = keeps else {
                        listing.instances.push(instance);
                        continue;
                    };
                    let pairs = instance.tags.pairs();
                    let tag = |key: &str| {
                        let kept = pairs
                            .iter()
                            .find(|(name, _)| *name == key && keeps.contains(name));
                        kept.map(|(_, value)| value.clone())
                    };
                    listing.unjudged.push(Unjudged::by_tags(instance.id, tag));
                }
                next = then;
            }
            for machine in &mut listing.instances {
                if self.has(Flaw::LosesTag) {
                    machine.tags.group = None;
                }
                if self.has(Flaw::EndedIsRunning) {
                    machine.state = Condition::Running;
                }
            }
            if self.has(Flaw::ListsGhosts) && listing.instances.is_empty() {
                let ghost = contract::order(tests::TAG);
                let id = InstanceId {
                    location: Some(self.place.clone()),
                    id: "ghost".into(),
                };
                let ghost = Place::default().machine(id, &ghost).instance;
                listing.instances.push(ghost);
            }
            if self.is(Mood::PartUnread) {
                listing.unread.push(Unread {
                    location: Some("far".into()),
                    error: self.error(ErrorKind::Unavailable, Verb::List),
                });
            }
            Ok(listing)
        })
    }

    fn canonical<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, InstanceId> {
        Box::pin(async move {
            if !self.is_vague(id) {
                return Ok(id.clone());
            }
            let here = |location: String| InstanceId {
                location: Some(location),
                id: id.id.clone(),
            };
            // Whoever does not say where it is means one where its table leads.
            let here = here(self.here());
            Ok(match self.found(&here) {
                Some(_) => here,
                None => id.clone(),
            })
        })
    }

    fn terminate<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Termination> {
        Box::pin(async move {
            let fault = match self.ask(Verb::Terminate, &id.id).await {
                Err(error) if self.has(Flaw::TakesBusyForDenied) => {
                    return Err(error.map(|_| ErrorKind::Denied));
                }
                answer => answer?,
            };
            self.resolve(id)?;
            if fault == Some(Fault::Ignored) && !self.has(Flaw::AsksForTheEndItself) {
                return Ok(Termination::Accepted);
            }
            let said = match self.found(id) {
                Some(machine) if machine.stranger && !self.has(Flaw::EndsStrangers) => {
                    let message = format!("`{id}` is not gharun's to end");
                    return Err(Error::new(ErrorKind::Denied, message));
                }
                Some(_) if self.has(Flaw::EndsNothing) => Termination::Accepted,
                Some(_) => {
                    self.cloud.vanish_at(&self.place, id);
                    Termination::Accepted
                }
                None if self.has(Flaw::MissingIsFailure) => {
                    return Err(self.error(ErrorKind::Unexpected, Verb::Terminate));
                }
                None if self.may_show(id) => {
                    return Err(self.error(ErrorKind::Unavailable, Verb::Terminate));
                }
                None => Termination::Gone,
            };
            sleep(self.takes(|place| place.terminate_takes)).await;
            if fault == Some(Fault::AnswerLost) {
                return Err(self.error(ErrorKind::Ambiguous, Verb::Terminate));
            }
            Ok(said)
        })
    }

    fn logs<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Option<String>> {
        Box::pin(async move {
            self.ask(Verb::Logs, &id.id).await?;
            self.resolve(id)?;
            let takes = {
                let state = self.cloud.state();
                state.places.get(&self.place).map(|place| place.logs_take)
            };
            sleep(takes.unwrap_or_default()).await;
            let machines = self.cloud.machines().into_iter();
            let mut found = machines.filter(|machine| machine.instance.id == *id);
            Ok(found.next().map(|machine| machine.log))
        })
    }

    fn reach(&self, port: u16) -> ProviderFuture<'_, Option<Url>> {
        let state = self.cloud.state();
        let place = state.places.get(&self.place);
        let reached = place.filter(|place| place.reaches_us);
        let url = reached.map(|_| format!("http://127.0.0.1:{port}").parse().expect("a URL"));
        Box::pin(std::future::ready(Ok(url)))
    }

    fn access(&self, machine: &Instance) -> Vec<String> {
        let mut ways = vec![format!("enter {}", machine.id)];
        if let Condition::Ended(_) = &machine.state {
            ways.push(format!("read {:?}", machine.state));
        }
        ways
    }

    fn in_use<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Option<bool>> {
        Box::pin(async move {
            self.ask(Verb::InUse, &id.id).await?;
            self.resolve(id)?;
            let machines = self.cloud.machines().into_iter();
            let mut found = machines.filter(|machine| machine.instance.id == *id);
            Ok(found.next().and_then(|machine| machine.busy))
        })
    }
}
