//! One runner, from the intent to the word `online`.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::boot_failure::Fate;
use super::price::PriceSight;
use super::runner_progress::{RegistrationProgress, RunnerProgress};
use super::shared::{Moved, Parting, StartContext, Waited};
use super::watch::{Absence, RunnerSight};
use super::{BootFailure, NamedProvider, Trouble, chain};
use crate::github::{GitHubApi, RunnerCredential};
use crate::model::boot_exit::BootEnd;
use crate::model::{BootStage, Condition, Error, Event, Instance, Name};
use crate::poll::{Backoff, chance};
use crate::providers::{self, ErrorKind};

/// How long a place may take to let somebody go who waited there for room: a moment, since the signal
/// that everything is to be given up leaves no more.
const FORGOES: Duration = Duration::from_millis(2500);
/// How long a machine's log may take to be read.
const LOG: Duration = Duration::from_secs(5);
/// How often the log of a machine is read that would stay after its failure, and so not be seen to end.
const KEPT: Duration = Duration::from_secs(15);
/// How long a place may take to tell why a machine will never start, and how long where no time is left.
const DOOM: Duration = Duration::from_secs(15);
const LAST_DOOM: Duration = Duration::from_secs(3);
/// How often a place that wants to be left alone is asked again.
const PATIENCE: usize = 6;
/// How often a place is asked that did not answer, and surely launched nothing.
const TRIES: usize = 3;

/// Whether the next place is asked after a launch that failed so.
fn moves_on(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Ambiguous | ErrorKind::NoCapacity | ErrorKind::PaymentRequired
    )
}

impl<G: GitHubApi> StartContext<'_, G> {
    /// Brings one runner up. Its intent is on disk already. A creation that was begun is awaited
    /// even when everything is being given up: only so is it known what there is to undo.
    pub(super) async fn bring_up(
        &self,
        progress: &RefCell<RunnerProgress>,
    ) -> Result<Duration, Trouble> {
        let mut credential = None;
        let mut no_room = Vec::new();
        let mut refused = None;
        for place in self.fleet.providers {
            if Instant::now() >= self.deadline() {
                let unasked = "no time left to ask it";
                let unasked = providers::Error::new(ErrorKind::Unavailable, unasked);
                no_room.push((place.name.clone(), unasked));
                break;
            }
            match self.launch_and_wait(progress, place, &mut credential).await {
                Ok(after) => return Ok(after),
                Err(Trouble::Launch { provider, source })
                    if moves_on(source.kind) && !self.is_only(&source) =>
                {
                    let reason = chain(&source);
                    no_room.push((provider.clone(), source.clone()));
                    let name = progress.borrow().name.clone();
                    let event = if source.kind == ErrorKind::NoCapacity {
                        Event::NoCapacity {
                            name,
                            provider,
                            reason,
                        }
                    } else {
                        let what = format!("`{provider}` did not launch `{name}`");
                        let warning = source.clone().any().while_trying(what);
                        if source.kind == ErrorKind::Ambiguous {
                            refused = Some(Trouble::Launch { provider, source });
                        }
                        Event::Warning(warning)
                    };
                    self.fleet.sink.tell(event).await?;
                }
                Err(Trouble::Doomed { provider, source }) => {
                    // The last one's is the failure itself.
                    if !self.is_last(&place.name) {
                        let what = format!("`{provider}` cannot start a machine");
                        let warning = source.clone().any().while_trying(what);
                        self.fleet.sink.tell(Event::Warning(warning)).await?;
                    }
                    refused = Some(Trouble::Doomed { provider, source });
                }
                Err(trouble) => return Err(trouble),
            }
        }
        Err(refused.unwrap_or_else(|| Trouble::NoRoom(no_room)))
    }

    /// Launches at one place and waits until the runner is online; again as long as the place takes orders
    /// for which it then has no room. What will never start for another reason is ended, and is
    /// [`Trouble::Doomed`] then.
    async fn launch_and_wait(
        &self,
        progress: &RefCell<RunnerProgress>,
        place: &NamedProvider,
        credential: &mut Option<RunnerCredential>,
    ) -> Result<Duration, Trouble> {
        loop {
            self.launch_patiently(progress, place, credential).await?;
            let parting = loop {
                let parting = match self.wait(progress).await? {
                    Waited::Online(after) => return Ok(after),
                    Waited::Parted(parting) => parting,
                };
                match self.move_on(progress, &parting).await? {
                    Moved::Free => break parting,
                    Moved::Stays => progress.borrow_mut().has_job = true,
                    Moved::Unsure => return self.unsure(progress, &parting).await,
                }
            };
            *credential = None;
            let (Parting::Doomed(source) | Parting::Dear(source)) = parting else {
                continue;
            };
            let provider = place.name.clone();
            if source.kind != ErrorKind::NoCapacity {
                return Err(Trouble::Doomed { provider, source });
            }
            if Instant::now() >= self.deadline() {
                return Err(Trouble::Launch { provider, source });
            }
        }
    }

    /// What becomes of a runner whose machine was to be ended, where nobody knows at the time limit whether it has a job:
    /// if it was online, it is used at the price that the user was told.
    async fn unsure(
        &self,
        progress: &RefCell<RunnerProgress>,
        parting: &Parting,
    ) -> Result<Duration, Trouble> {
        if let Parting::Dear(_) = parting {
            progress.borrow_mut().is_dear = true;
            return self.is_online(progress).await;
        }
        let silent = Error::from("GitHub did not answer whether it has a job");
        Err(Trouble::Late {
            unseen: Some(self.watch.unseen().unwrap_or(silent)),
            boot: Box::default(),
        })
    }

    /// Tells that a runner is online, and since when it is.
    async fn is_online(&self, progress: &RefCell<RunnerProgress>) -> Result<Duration, Trouble> {
        let name = progress.borrow().name.clone();
        self.watch.stand(&name);
        let after = self.began.elapsed();
        self.fleet.sink.tell(Event::Online { name, after }).await?;
        Ok(after)
    }

    /// Launches at one place, which is asked again while it surely launched nothing and only wants
    /// time. Whoever gives up keeps no place in a queue there.
    async fn launch_patiently(
        &self,
        progress: &RefCell<RunnerProgress>,
        place: &NamedProvider,
        kept: &mut Option<RunnerCredential>,
    ) -> Result<(), Trouble> {
        let outcome = self.ask_patiently(progress, place, kept).await;
        if outcome.is_err() {
            let turn = self.turn(&progress.borrow());
            match timeout(FORGOES, place.provider.leave_queue(&turn)).await {
                Ok(Ok(())) => {}
                // A place that nobody asks for any more is lost before long.
                Ok(Err(error)) => tracing::debug!("{}", chain(&error)),
                Err(_) => tracing::debug!("`{}` was slow to release {turn}", place.name),
            }
        }
        outcome
    }

    async fn ask_patiently(
        &self,
        progress: &RefCell<RunnerProgress>,
        place: &NamedProvider,
        kept: &mut Option<RunnerCredential>,
    ) -> Result<(), Trouble> {
        let mut pauses = Backoff::new(Duration::from_secs(2), Duration::from_secs(15));
        let mut tries = 0;
        let mut waits = false;
        let began = Instant::now();
        loop {
            if self.leave_refused_name(progress, place).await? {
                *kept = None;
            }
            let credential = self.fresh(progress, kept).await?;
            tries += 1;
            let trouble = match self.launch(progress, place, &credential).await {
                Ok(()) => return Ok(()),
                Err(trouble) => trouble,
            };
            let at_most = match &trouble {
                Trouble::Launch { source, .. } => match source.kind {
                    ErrorKind::RateLimited => PATIENCE,
                    // It is proved absent, and a launch of the same name never makes two.
                    ErrorKind::Ambiguous if self.is_last(&place.name) => usize::MAX,
                    ErrorKind::Ambiguous | ErrorKind::Unavailable => TRIES,
                    ErrorKind::NoCapacity => match source.wait() {
                        Some(wait) => {
                            if !waits {
                                self.say_waiting(&place.name, source, wait).await?;
                            }
                            waits = true;
                            // It answers: what went wrong before is no longer held against it.
                            tries = 0;
                            if began.elapsed() < wait {
                                usize::MAX
                            } else {
                                0
                            }
                        }
                        None => 0,
                    },
                    _ => 0,
                },
                _ => 0,
            };
            let pause = pauses.next(chance());
            if tries >= at_most || Instant::now() + pause >= self.deadline() {
                return Err(trouble);
            }
            tokio::select! {
                () = self.cancellation.requested() => return Err(Trouble::Halted),
                () = sleep(pause) => {}
            }
        }
    }

    /// Whether a bill that is not paid is the failure itself, since no other place is asked.
    fn is_only(&self, why: &providers::Error) -> bool {
        why.kind == ErrorKind::PaymentRequired && self.fleet.providers.len() == 1
    }

    /// Whether no other place is asked after this one.
    pub(super) fn is_last(&self, place: &str) -> bool {
        let last = self.fleet.providers.last();
        last.is_some_and(|last| last.name == place)
    }

    /// Says that room is waited for.
    async fn say_waiting(
        &self,
        place: &str,
        why: &providers::Error,
        at_most: Duration,
    ) -> Result<(), Trouble> {
        let reason = format!("`{place}` says: {}", chain(why));
        let event = Event::Waiting { reason, at_most };
        self.fleet.sink.tell(event).await?;
        Ok(())
    }

    /// Whether another machine may come up in the time that is left, where GitHub dropped the registration of this
    /// one: no place can give a machine another one. It is done once, since what takes too long for GitHub does so
    /// again.
    fn may_launch_anew(&self, progress: &RefCell<RunnerProgress>) -> bool {
        let progress = progress.borrow();
        let took = self.began.elapsed().saturating_sub(progress.launched_after);
        progress.launched_anew == 0
            && !self.cancellation.is_said()
            && Instant::now() + took < self.deadline()
    }

    /// GitHub dropped the registration that a machine was given.
    fn parted(progress: &RefCell<RunnerProgress>) -> Waited {
        progress.borrow_mut().launched_anew += 1;
        Waited::Parted(Parting::Dropped)
    }

    /// Why a machine that its place accepted will never start. Whoever is asked may take its time: what is more
    /// urgent, and what is seen meanwhile, comes first.
    async fn doom(&self, place: &NamedProvider, name: &Name) -> Option<providers::Error> {
        let seen = self.watch.machine(name)?;
        let end = (Instant::now() + DOOM).min(self.deadline().max(Instant::now() + LAST_DOOM));
        let mut asked = std::pin::pin!(place.provider.why_doomed(&seen));
        loop {
            tokio::select! {
                biased;
                () = self.cancellation.requested() => return None,
                why = &mut asked => return why,
                () = self.watch.looked() => {
                    if self.watch.sight(name).online {
                        return None;
                    }
                }
                () = sleep_until(end) => return None,
            }
        }
    }

    /// Waits until the runner is online, or its machine is known never to start; then it is watched on until it is given
    /// up.
    async fn wait(&self, progress: &RefCell<RunnerProgress>) -> Result<Waited, Trouble> {
        let (name, id, place, machine, has_job) = {
            let progress = progress.borrow();
            let (place, instance) = progress.machine.there().expect("it was launched");
            let (id, has_job) = (progress.registration.id(), progress.has_job);
            let name = progress.name.clone();
            (name, id, place.clone(), instance.clone(), has_job)
        };
        self.watch.wait_for(&name, id, &place);
        if has_job {
            self.watch.note_job(&name);
        }
        let mut read_next = Instant::now() + KEPT;
        let mut online_since = None;
        let outcome = loop {
            let late = tokio::select! {
                () = self.cancellation.requested() => break Err(Trouble::Halted),
                () = self.watch.looked() => false,
                () = sleep_until(self.deadline()) => true,
            };
            let sight = self.watch.sight(&name);
            if let Err(trouble) = self.note_sight(progress, &sight).await {
                break Err(trouble);
            }
            if !sight.online
                && !sight.worked
                && let Some(why) = self.doom(&place, &name).await
            {
                return Ok(Waited::Parted(Parting::Doomed(why)));
            }
            let state = match sight.died.clone() {
                Some(how) => Some(Condition::Ended(how)),
                None => self.watch.machine(&name).map(|machine| machine.state),
            };
            let has_died = matches!(state, Some(Condition::Ended(_)));
            // Who has a job was online, whatever GitHub shows at the time limit.
            if (sight.online || late && sight.worked) && !has_died {
                let since = *online_since.get_or_insert_with(Instant::now);
                match self.judge_price(progress, &sight, since).await {
                    Ok(PriceSight::Awaited) => continue,
                    Ok(PriceSight::Accepted) => break Ok(()),
                    Ok(PriceSight::Above(why)) => {
                        return Ok(Waited::Parted(Parting::Dear(why)));
                    }
                    Err(trouble) => break Err(trouble),
                }
            }
            let mut kept = None;
            if self.plan.keep_failed && Instant::now() >= read_next {
                read_next = Instant::now() + KEPT;
                kept = kept_log(&place, &machine).await;
            }
            let has_died = has_died || kept.is_some();
            let is_dropped = sight.absence == Absence::Gone;
            if !(has_died || is_dropped || late) {
                continue;
            }
            let log = match kept {
                Some(log) => Some(log),
                None => self.log(&place, &machine).await,
            };
            let unseen = self.watch.unseen();
            let fate = match (has_died, is_dropped) {
                (true, _) => Fate::Died,
                (false, true) => Fate::Dropped,
                (false, false) if unseen.is_some() => Fate::Unseen,
                (false, false) => Fate::Late,
            };
            let mut boot = BootFailure::read(self.plan, &place, state.as_ref(), log, fate);
            // A runner that is gone may have done its job between two looks, or have been seen at it.
            if (boot.did_its_job() || sight.worked) && (has_died || is_dropped) {
                self.watch.note_job(&name);
                break Ok(());
            }
            // Its machine ended because GitHub does not know it any more.
            let is_missed = has_died && sight.absence != Absence::Unknown;
            // Somebody wants to see what ended by itself.
            let is_wanted = self.plan.keep_failed && has_died;
            if (is_dropped || is_missed) && !is_wanted && self.may_launch_anew(progress) {
                return Ok(Self::parted(progress));
            }
            if let RegistrationProgress::Made(_, at) = progress.borrow().registration {
                boot.registered_for = Some(at.elapsed());
            }
            let boot = Box::new(boot);
            break Err(match fate {
                Fate::Died => Trouble::Died(boot),
                Fate::Dropped => Trouble::Vanished(boot),
                Fate::Late | Fate::Unseen => Trouble::Late { unseen, boot },
            });
        };
        if let Err(trouble) = outcome {
            self.watch.leave(&name);
            return Err(trouble);
        }
        self.is_online(progress).await.map(Waited::Online)
    }

    /// Notes and tells what was seen of a runner that is waited for: its number, and how far its machine is.
    async fn note_sight(
        &self,
        progress: &RefCell<RunnerProgress>,
        sight: &RunnerSight,
    ) -> Result<(), Trouble> {
        progress.borrow_mut().has_job |= sight.worked;
        self.note_id(progress, sight.runner_id).await?;
        let (name, reached, registration) = {
            let progress = progress.borrow();
            (progress.name.clone(), progress.stage, progress.registration)
        };
        let runs = |machine: &Instance| machine.state == Condition::Running;
        let stage = match registration {
            RegistrationProgress::Enrolled(_) => BootStage::Connecting,
            _ if self.watch.machine(&name).as_ref().is_some_and(runs) => BootStage::Installing,
            _ => reached,
        };
        if stage != reached && !sight.online {
            progress.borrow_mut().stage = stage;
            self.fleet.sink.tell(Event::Seen { name, stage }).await?;
        }
        Ok(())
    }

    /// Notes the number of a runner that its machine has registered, once GitHub shows it.
    async fn note_id(
        &self,
        progress: &RefCell<RunnerProgress>,
        seen: Option<u64>,
    ) -> Result<(), Trouble> {
        let Some(id) = seen.filter(|_| progress.borrow().registration.id().is_none()) else {
            return Ok(());
        };
        progress.borrow_mut().registration = RegistrationProgress::Enrolled(id);
        self.write_id_down(progress, id).await?;
        // It could not be labelled before it was there.
        self.label(progress).await
    }

    /// The end of a machine's log, unless somebody interrupts. Others that fail in the same moment do not.
    async fn log(&self, place: &NamedProvider, machine: &Instance) -> Option<String> {
        let read = timeout(LOG, place.provider.logs(&machine.id));
        let why = tokio::select! {
            biased;
            read = read => match read {
                Ok(Ok(log)) => return log,
                Ok(Err(error)) => chain(&error),
                Err(_) => "the provider did not answer in time".to_owned(),
            },
            () = self.interruption.requested() => "the start was cancelled".to_owned(),
        };
        tracing::warn!("could not read the boot log of {}: {why}", machine.id);
        None
    }
}

/// The log of a machine that stays after its failure, where it says so. One that cannot be read now is read later.
async fn kept_log(place: &NamedProvider, machine: &Instance) -> Option<String> {
    let read = timeout(LOG, place.provider.logs(&machine.id)).await;
    let log = read.ok()?.ok()??;
    BootEnd::find(&log)
        .is_some_and(|end| end.is_kept)
        .then_some(log)
}
