//! Undoing one runner of a start: the registration first, then the machine, then the record.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::answer::{Timeout, in_time};
use super::end::{Until, end, has_ended};
use super::launch::LaunchOutcome;
use super::runner_progress::{self, MachineProgress, RunnerProgress, UnconfirmedRegistration};
use super::shared::StartContext;
use super::watch::{SETTLES, SHOWS};
use super::{Left, NamedProvider, chain};
use crate::github::{self, Deregistration, GitHubApi, Runner};
use crate::model::{Error, Event, Instance, Name};
use crate::poll::{Pace, until_ok};
use crate::state::DoubtfulLaunch;

/// How long GitHub may take to delete a registration before the machine is ended all the same.
const DEREGISTERS: Duration = Duration::from_millis(2500);
/// How long it may take when nothing waits for it.
const DEREGISTERS_LATER: Duration = Duration::from_secs(20);
/// How long it may wait for room then, and still be done in the time that undoing has.
const ROOM: Duration = Duration::from_secs(90);
/// How long a place may take to tell whether a machine with a job has ended, by two listings.
const LISTS: Duration = Duration::from_secs(20);
/// How registrations that may turn up are looked for.
const LOOKS: Pace = Pace {
    every: Duration::from_secs(2),
    at_most: Duration::from_secs(40),
};

/// What is said of a registration that may still be there.
const UNREMOVED: &str = "could not remove its registration";
/// What is said where no answer came.
const SILENT: &str = "GitHub did not answer in time";

/// What became of a registration.
pub(super) enum RegistrationRemoval {
    /// There is none under this name, or none yet.
    Absent,
    Busy,
    Gone,
    Unknown(Error),
}

/// How a registration is found.
#[derive(Clone, Copy)]
pub(super) enum Sought {
    /// There is none.
    Nobody,
    /// By GitHub's number.
    Id(u64),
    /// By its name: its machine may have registered it, or may yet.
    Name,
}

impl Sought {
    pub(super) fn of(progress: &RunnerProgress) -> Self {
        match progress.registration {
            runner_progress::RegistrationProgress::Enrolled(id)
            | runner_progress::RegistrationProgress::Made(id, _) => Self::Id(id),
            runner_progress::RegistrationProgress::Enrolling => Self::Name,
            runner_progress::RegistrationProgress::Absent
            | runner_progress::RegistrationProgress::Asked => Self::Nobody,
        }
    }
}

impl<G: GitHubApi> StartContext<'_, G> {
    /// Removes what one runner left; what could not be proved gone by the deadline is returned.
    pub(super) async fn undo(
        &self,
        progress: &RefCell<RunnerProgress>,
        deadline: Instant,
    ) -> Vec<Left> {
        let runner = self.undo_runner(progress, deadline);
        let (mut left, lost) = tokio::join!(runner, self.remove_lost(progress));
        left.extend(lost);
        if left.is_empty() {
            let name = progress.borrow().name.clone();
            self.forget(vec![name]).await;
        }
        let machineless = left.iter().filter(|left| left.registration_only);
        self.note_machineless(machineless.map(|left| left.name.clone()).collect())
            .await;
        left
    }

    /// Writes down that no machine of these names will come: who removes their registrations waits for none.
    pub(super) async fn note_machineless(&self, names: Vec<Name>) {
        if names.is_empty() {
            return;
        }
        let noted = self.fleet.store.update(move |entries| {
            for (name, entry) in entries {
                entry.machineless |= entry.launch.is_none() && names.contains(name);
            }
        });
        if let Err(error) = noted.await {
            let why = chain(&error);
            tracing::warn!("could not note what is gone in the state file: {why}");
        }
    }

    /// Removes a runner and its machine; what could not be proved gone by the deadline is returned. Where GitHub does not
    /// answer, the machine is ended all the same, unless a job was seen on it.
    async fn undo_runner(
        &self,
        progress: &RefCell<RunnerProgress>,
        deadline: Instant,
    ) -> Vec<Left> {
        let (name, sought) = {
            let progress = progress.borrow();
            (progress.name.clone(), Sought::of(&progress))
        };
        progress.borrow_mut().has_job |= self.watch.sight(&name).worked;
        self.watch.leave(&name);
        let registration = self.deregister_at_once(&name, sought).await;
        self.undo_machine(progress, registration, deadline).await
    }

    /// Removes the machine of a runner, and what is left of its registration after the first try.
    pub(super) async fn undo_machine(
        &self,
        progress: &RefCell<RunnerProgress>,
        mut registration: RegistrationRemoval,
        deadline: Instant,
    ) -> Vec<Left> {
        let (name, sought) = {
            let progress = progress.borrow();
            (progress.name.clone(), Sought::of(&progress))
        };
        let machine = match self.machine(progress).await {
            Ok(machine) => machine,
            Err(why) => return vec![Left::of(&name, None, why, false)],
        };
        let job = match &registration {
            RegistrationRemoval::Busy => Some("it was assigned a job in the meantime".into()),
            RegistrationRemoval::Unknown(why) if progress.borrow().has_job => Some(
                why.clone()
                    .while_trying("could not check whether its job is over"),
            ),
            _ => None,
        };
        if let (Some(why), Some((place, instance))) = (job, &machine)
            && !has_ended(place, &instance.id, LISTS).await
        {
            return vec![Left::of(&name, Some((place, instance)), why, true)];
        }
        let mut next = machine.clone();
        while let Some((place, instance)) = &next {
            let reference = place.reference(&instance.id);
            self.say(Event::Terminating {
                instance: reference.clone(),
            })
            .await;
            let ended = end(place, &instance.id, Until::Gone, deadline).await;
            if let Err(error) = ended.proved() {
                let why = error.any();
                return vec![Left::of(&name, Some((place, instance)), why, false)];
            }
            progress.borrow_mut().machine = MachineProgress::Absent;
            self.say(Event::Terminated {
                instance: reference,
            })
            .await;
            next = self.double(place, &name).await;
        }
        if let (RegistrationRemoval::Absent, Sought::Name) = (&registration, sought) {
            // Its machine may have registered it up to its last moment.
            sleep(SHOWS).await;
            registration = self.deregister(&name, sought).await;
        }
        let why = match registration {
            RegistrationRemoval::Absent | RegistrationRemoval::Gone => None,
            // It has ended with its machine, and GitHub lets go of it by itself.
            RegistrationRemoval::Busy if machine.is_some() => None,
            RegistrationRemoval::Busy => {
                let why = "GitHub says that a job runs on it";
                return vec![Left::of(&name, None, why, false)];
            }
            RegistrationRemoval::Unknown(why) if self.github.wait_now() > ROOM => {
                Some(why.while_trying(UNREMOVED))
            }
            RegistrationRemoval::Unknown(_) => match self.deregister(&name, sought).await {
                RegistrationRemoval::Unknown(why) => Some(why.while_trying(UNREMOVED)),
                RegistrationRemoval::Absent
                | RegistrationRemoval::Busy
                | RegistrationRemoval::Gone => None,
            },
        };
        let Some(why) = why else {
            progress.borrow_mut().registration = runner_progress::RegistrationProgress::Absent;
            return Vec::new();
        };
        vec![Left::registration(&name, why)]
    }

    /// Removes the registrations of names that were given up and that may be there or turn up yet;
    /// what could not be proved gone is returned, and tried again by a later call.
    pub(super) async fn remove_lost(&self, progress: &RefCell<RunnerProgress>) -> Vec<Left> {
        let removed = until_ok(LOOKS, async || self.remove_shown(progress).await);
        let Err(why) = removed.await else {
            return Vec::new();
        };
        let why = why.while_trying(UNREMOVED);
        let progress = progress.borrow();
        let left = progress.lost.iter();
        left.map(|one| Left::registration(&one.name, why.clone()))
            .collect()
    }

    /// Looks once for registrations of names that were given up, and removes those that are shown.
    ///
    /// # Errors
    ///
    /// Why some of them may be there, or turn up yet.
    async fn remove_shown(&self, progress: &RefCell<RunnerProgress>) -> Result<(), Error> {
        let lost = progress.borrow().lost.clone();
        if lost.is_empty() {
            return Ok(());
        }
        let begun = Instant::now();
        let rows = timeout(DEREGISTERS_LATER, self.github.runners()).await;
        let rows = rows.map_err(|_| Error::from(SILENT))?;
        let rows = rows.map_err(github::Error::any)?;
        let (mut gone, mut why) = (Vec::new(), None);
        for one in &lost {
            match self.is_lost_for_good(one, &rows, begun).await {
                Ok(()) => gone.push(one.name.clone()),
                Err(still) => why = Some(still),
            }
        }
        progress
            .borrow_mut()
            .lost
            .retain(|one| !gone.contains(&one.name));
        // The record of the name that it bears goes when all of it is undone.
        gone.retain(|name| *name != progress.borrow().name);
        self.forget(gone).await;
        why.map_or(Ok(()), Err)
    }

    async fn is_lost_for_good(
        &self,
        one: &UnconfirmedRegistration,
        rows: &[Runner],
        begun: Instant,
    ) -> Result<(), Error> {
        let sought = match rows.iter().find(|row| row.name == one.name.as_str()) {
            Some(row) => Sought::Id(row.id),
            // A list may miss one while others leave it.
            None if begun >= one.since + SETTLES => Sought::Name,
            None => return Err("no answer from GitHub: it may be registered".into()),
        };
        match self.deregister(&one.name, sought).await {
            RegistrationRemoval::Absent | RegistrationRemoval::Gone => Ok(()),
            RegistrationRemoval::Busy => Err("a job runs on it".into()),
            RegistrationRemoval::Unknown(why) => Err(why),
        }
    }

    /// Removes the registration of a name that another was taken for.
    pub(super) async fn remove_replaced(
        &self,
        progress: &RefCell<RunnerProgress>,
        name: &Name,
        id: u64,
    ) {
        // What cannot be removed now is looked for again at the end.
        let sought = Sought::Id(id);
        if let RegistrationRemoval::Gone = self.deregister(name, sought).await {
            progress.borrow_mut().lost.retain(|one| one.name != *name);
            self.forget(vec![name.clone()]).await;
        }
    }

    pub(super) async fn forget(&self, names: Vec<Name>) {
        if names.is_empty() {
            return;
        }
        let forgotten = self
            .fleet
            .store
            // What a place refused whose list proves nothing is looked for once more, by a stop.
            .update(move |entries| {
                let refused = Some(DoubtfulLaunch::Refused);
                entries.retain(|name, entry| entry.launch == refused || !names.contains(name));
            })
            .await;
        if let Err(error) = forgotten {
            tracing::warn!(
                "could not remove what is gone from the state file: {}",
                chain(&error)
            );
        }
    }

    /// Before its machine is ended: neither a limit of GitHub's nor our own pace keeps a machine that
    /// costs money waiting.
    pub(super) async fn deregister_at_once(
        &self,
        name: &Name,
        sought: Sought,
    ) -> RegistrationRemoval {
        let removal = async {
            match self.number(name, sought).await? {
                Some(id) => self.github.deregister_at_once(id).await.map(Some),
                None => Ok(None),
            }
        };
        let answer = timeout(DEREGISTERS, removal).await;
        self.registration(name, answer.map_err(|_| Timeout)).await
    }

    /// When nothing waits for it, so that it may wait itself.
    pub(super) async fn deregister(&self, name: &Name, sought: Sought) -> RegistrationRemoval {
        if let Sought::Nobody = sought {
            return RegistrationRemoval::Absent;
        }
        // A limit that lasts longer is not worth waiting for: an offline runner is swept up later.
        let wait = self.github.wait_now();
        if wait > ROOM {
            let wait = wait.as_secs();
            let why = format!("GitHub accepts no requests for {wait} s");
            return RegistrationRemoval::Unknown(why.into());
        }
        let removal = async {
            match self.number(name, sought).await? {
                Some(id) => self.github.deregister(id).await.map(Some),
                None => Ok(None),
            }
        };
        let answer = in_time(self.github, DEREGISTERS_LATER, removal);
        let answer = timeout(ROOM + DEREGISTERS_LATER, answer).await;
        self.registration(name, answer.unwrap_or(Err(Timeout)))
            .await
    }

    /// GitHub's number of a registration that is there.
    async fn number(&self, name: &Name, sought: Sought) -> github::Result<Option<u64>> {
        Ok(match sought {
            Sought::Nobody => None,
            Sought::Id(id) => Some(id),
            Sought::Name => self.github.find(name).await?.map(|row| row.id),
        })
    }

    async fn registration(
        &self,
        name: &Name,
        answer: Result<github::Result<Option<Deregistration>>, Timeout>,
    ) -> RegistrationRemoval {
        match answer {
            Ok(Ok(None)) => RegistrationRemoval::Absent,
            Ok(Ok(Some(Deregistration::Gone))) => {
                self.say(Event::Deregistered {
                    name: name.to_string(),
                })
                .await;
                RegistrationRemoval::Gone
            }
            Ok(Ok(Some(Deregistration::Busy))) => RegistrationRemoval::Busy,
            Ok(Err(error)) => RegistrationRemoval::Unknown(error.any()),
            Err(Timeout) => RegistrationRemoval::Unknown(SILENT.into()),
        }
    }

    /// The runner's machine: `Ok(None)` is the proof that there is none.
    async fn machine(
        &self,
        progress: &RefCell<RunnerProgress>,
    ) -> Result<Option<(NamedProvider, Instance)>, Error> {
        let (name, machine) = {
            let progress = progress.borrow();
            (progress.name.clone(), progress.machine.clone())
        };
        let (place, since) = match machine {
            MachineProgress::Absent => return Ok(None),
            MachineProgress::There(place, instance) => return Ok(Some((place, *instance))),
            MachineProgress::Unproved { place, since } => (place, since),
        };
        match self.look_for(&place, &name, since).await {
            LaunchOutcome::Absent => {
                progress.borrow_mut().machine = MachineProgress::Absent;
                Ok(None)
            }
            LaunchOutcome::There(instance) => {
                let there = MachineProgress::There(place.clone(), instance.clone());
                progress.borrow_mut().machine = there;
                Ok(Some((place, *instance)))
            }
            LaunchOutcome::Unknown(why) => {
                let place = place.name;
                Err(why.while_trying(format!(
                    "no answer from `{place}`: the machine may have been launched"
                )))
            }
        }
    }

    /// Another machine of this name, where the place may have launched two.
    async fn double(
        &self,
        place: &NamedProvider,
        name: &Name,
    ) -> Option<(NamedProvider, Instance)> {
        if place.provider.proves_absence() {
            return None;
        }
        let listed = place.listing(None, Instant::now(), LISTS).await;
        let mut machines = listed.listing.instances.iter();
        let found = machines.find(|machine| machine.tags.name == *name)?;
        Some((place.clone(), found.clone()))
    }

    /// Tells something that must not keep the undoing from going on.
    pub(super) async fn say(&self, event: Event) {
        if let Err(error) = self.fleet.sink.tell(event).await {
            tracing::warn!("could not write an event: {error}");
        }
    }
}
