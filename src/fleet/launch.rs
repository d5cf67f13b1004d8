//! One launch at one place, and the search for a machine whose launch got no answer.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::Instant;

use super::register::Former;
use super::runner_progress::{MachineProgress, RegistrationProgress, RunnerProgress};
use super::shared::StartContext;
use super::verdict::UNLISTED;
use super::watch::unread;
use super::{NamedProvider, Trouble};
use crate::bootstrap::{self, Boot};
use crate::github::{GitHubApi, RunnerCredential};
use crate::model::{BootStage, Error, Event, Instance, Name, Order, RunnerVersion, chain};
use crate::poll::{Pace, until_ok};
use crate::providers::{self, ErrorKind};
use crate::state::DoubtfulLaunch;

/// The pause between two looks for a machine.
const EVERY: Duration = Duration::from_secs(2);
/// How long a listing may take before it counts as failed: 20 s, and as long again for the one under way, which
/// was begun too early to tell.
const LISTS: Duration = Duration::from_secs(40);
/// How long a place that cannot be read is asked on, when it could otherwise have given proof.
const UNREAD: Duration = Duration::from_secs(10);

/// What became of a machine whose launch got no answer.
#[derive(Debug)]
pub(super) enum LaunchOutcome {
    /// A whole listing, begun when the place had settled, does not show it, and that proves that it is not there.
    Absent,
    /// It is there.
    There(Box<Instance>),
    /// Nobody can tell, for this reason.
    Unknown(Error),
}

impl<G: GitHubApi> StartContext<'_, G> {
    /// Launches one machine, and returns when it is written down. [`Trouble::Launch`] means that
    /// there is none.
    pub(super) async fn launch(
        &self,
        progress: &RefCell<RunnerProgress>,
        place: &NamedProvider,
        credential: &RunnerCredential,
    ) -> Result<(), Trouble> {
        self.go_on()?;
        let name = progress.borrow().name.clone();
        self.intend_at(&name, place).await?;
        self.fleet
            .sink
            .tell(Event::Launching {
                name: name.clone(),
                provider: place.name.clone(),
            })
            .await?;
        self.go_on()?;
        let order = self.order(&name, &progress.borrow(), place, credential);
        if let RunnerCredential::Token(_) = credential {
            progress.borrow_mut().registration = RegistrationProgress::Enrolling;
        }
        let (provider, kind) = (place.name.clone(), ErrorKind::Ambiguous);
        let source = match self.ask(progress, place, &order).await {
            Some(Ok(instance)) => return self.launched(progress, place, instance).await,
            Some(Err(source)) if source.kind != kind => {
                progress.borrow_mut().has_no_machine();
                if !place.provider.proves_absence() {
                    progress.borrow_mut().refused_by = Some(provider.clone());
                    let refused = Some(DoubtfulLaunch::Refused);
                    self.record(&name, move |entry| entry.launch = refused)
                        .await?;
                }
                return Err(Trouble::Launch { provider, source });
            }
            Some(Err(source)) => source,
            None => providers::Error::new(kind, "it did not answer in time"),
        };
        let since = Instant::now();
        progress.borrow_mut().machine = MachineProgress::Unproved {
            place: place.clone(),
            since,
        };
        match self.look_for(place, &name, since).await {
            LaunchOutcome::There(instance) => {
                if !place.provider.proves_absence() {
                    // A program that is wrong about its launches works on, and whoever wrote it wants to know.
                    let id = place.reference(&instance.id);
                    tracing::warn!("{}; going on with `{id}`", chain(&source));
                }
                self.launched(progress, place, *instance).await
            }
            LaunchOutcome::Absent => {
                progress.borrow_mut().has_no_machine();
                Err(Trouble::Launch { provider, source })
            }
            LaunchOutcome::Unknown(_) => Err(Trouble::Lost { provider, source }),
        }
    }

    /// Writes down where a machine may come, before it can: with other credentials, or at another daemon, its absence
    /// proves nothing.
    async fn intend_at(&self, name: &Name, place: &NamedProvider) -> Result<(), Trouble> {
        let at = tokio::select! {
            biased;
            at = place.places() => at.to_vec(),
            () = self.impatience() => {
                self.go_on()?;
                Vec::new()
            }
        };
        let first = self.fleet.providers.first().map(|first| &first.name);
        if first == Some(&place.name) && at.is_empty() && place.provider.proves_absence() {
            return Ok(());
        }
        let provider = place.name.clone();
        let is_in_doubt = !place.provider.proves_absence();
        let launch = is_in_doubt.then_some(DoubtfulLaunch::Unanswered);
        self.record(name, move |entry| {
            (entry.provider, entry.at, entry.launch) = (provider, at, launch);
        })
        .await
    }

    /// Takes another name where the one that a runner has may turn up at a place that refused it, and whose list proves
    /// nothing: no name is ever at two places. Tells whether it did, and what was registered for the old one is void.
    pub(super) async fn leave_refused_name(
        &self,
        progress: &RefCell<RunnerProgress>,
        place: &NamedProvider,
    ) -> Result<bool, Trouble> {
        let refused_by = progress.borrow_mut().refused_by.take();
        match refused_by {
            Some(other) if other != place.name => {
                let reason = format!("`{other}` refused it, and may list it later");
                self.rename(progress, Former::Refused, &reason).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Asks for a machine. When the answer is long in coming, the machine is looked for while it is
    /// awaited; `None`: neither came.
    async fn ask(
        &self,
        progress: &RefCell<RunnerProgress>,
        place: &NamedProvider,
        order: &Order,
    ) -> Option<providers::Result<Instance>> {
        // From here until the answer is understood a machine may exist.
        progress.borrow_mut().machine = MachineProgress::Unproved {
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
                LaunchOutcome::There(instance) => Some(Ok(*instance)),
                // No proof: the order is still under way.
                LaunchOutcome::Absent | LaunchOutcome::Unknown(_) => None,
            },
        }
    }

    fn order(
        &self,
        name: &Name,
        progress: &RunnerProgress,
        place: &NamedProvider,
        credential: &RunnerCredential,
    ) -> Order {
        let clocks = self.fleet.clocks();
        let tags = self.plan.tags(name, progress.registration.id(), clocks);
        let labels = self.plan.labels_of(name);
        let credential = match credential {
            RunnerCredential::Jit(jit) => bootstrap::BootCredential::Jit(jit),
            RunnerCredential::Token(registration_token) => bootstrap::BootCredential::Token {
                token: &registration_token.token,
                url: registration_token.url.as_str(),
                group: registration_token.group.as_deref(),
                labels: &labels,
                until: tags.ready_by,
            },
        };
        let boot = bootstrap::script(&Boot {
            name,
            credential,
            packages: self.packages,
            pinned: matches!(self.plan.version, RunnerVersion::Exact(_)),
            ending: place.provider.shutdown_command(),
            expires: self.plan.end_of_life(clocks),
            lifetime: self.plan.lifetime,
            idle_limit: self.plan.idle_timeout,
            user: &place.provider.job_user(),
            keep_failed: self.plan.keep_failed,
            setup: self.plan.setup.as_deref(),
            secrets: &providers::secrets_in_env(),
            env: &self.plan.env,
            ca: self.plan.ca.as_deref(),
        });
        Order {
            name: name.clone(),
            boot,
            queue_key: self.turn(progress),
            tags,
            lifetime: self.plan.lifetime,
            keep_failed: self.plan.keep_failed,
        }
    }

    /// See [`Order::queue_key`].
    pub(super) fn turn(&self, progress: &RunnerProgress) -> String {
        format!("{}-{}", self.plan.identity.start, progress.index)
    }

    /// Looks for a machine at a place where nothing is under way since `since`, until it is there or
    /// proved absent. A listing that fails proves nothing.
    pub(super) async fn look_for(
        &self,
        place: &NamedProvider,
        name: &Name,
        since: Instant,
    ) -> LaunchOutcome {
        let settled = since + place.provider.shows_within();
        let looks = Pace {
            every: EVERY,
            at_most: (settled + UNREAD).saturating_duration_since(Instant::now()),
        };
        let found = until_ok(looks, async || {
            let listed = place.listing(None, Instant::now(), LISTS).await;
            let machines = &listed.listing.instances;
            let found = machines.iter().find(|machine| machine.tags.name == *name);
            let is_hidden = listed.listing.is_damaged(name);
            match (found, unread(&listed.listing)) {
                (Some(instance), _) => Ok(LaunchOutcome::There(Box::new(instance.clone()))),
                (None, None) if is_hidden => {
                    Err(Error::from("a machine that has no readable tags may be it"))
                }
                (None, None) if listed.begun >= settled && place.provider.proves_absence() => {
                    Ok(LaunchOutcome::Absent)
                }
                (None, None) if listed.begun >= settled => {
                    Ok(LaunchOutcome::Unknown(UNLISTED.into()))
                }
                (None, None) => Err(Error::from("not listed yet")),
                (None, Some(why)) => Err(why),
            }
        });
        found.await.unwrap_or_else(LaunchOutcome::Unknown)
    }

    /// Writes a machine down, at once and in both places: either is enough for `stop`.
    async fn launched(
        &self,
        progress: &RefCell<RunnerProgress>,
        place: &NamedProvider,
        instance: Instance,
    ) -> Result<(), Trouble> {
        let (name, reference) = (
            progress.borrow().name.clone(),
            place.reference(&instance.id),
        );
        let rental = instance.rental.clone();
        {
            let mut progress = progress.borrow_mut();
            progress.launched_after = self.began.elapsed();
            progress.stage = BootStage::Booting;
            progress.machine = MachineProgress::There(place.clone(), Box::new(instance));
        }
        let mapping = {
            let mut mapping = self.mapping.borrow_mut();
            mapping.0.push((reference.clone(), name.clone()));
            mapping.clone()
        };
        let told = self.fleet.sink.tell(Event::Launched {
            name: name.clone(),
            instance: reference.clone(),
            rental: rental.clone(),
            mapping,
        });
        let recorded = self.record(&name, move |entry| {
            entry.instance = Some(reference);
            entry.rental = rental;
            entry.launch = None;
        });
        let (told, recorded) = tokio::join!(told, recorded);
        told?;
        recorded?;
        self.label(progress).await
    }

    /// Gives the runner the labels of its machine, before a job can be waiting for them in vain.
    pub(super) async fn label(&self, progress: &RefCell<RunnerProgress>) -> Result<(), Trouble> {
        let (labels, id) = {
            let progress = progress.borrow();
            let machine = progress.machine.there();
            let labels = machine.map(|(place, instance)| place.provider.labels(&instance.id));
            (labels.unwrap_or_default(), progress.registration.id())
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
        progress.borrow_mut().labels = labels;
        Ok(())
    }
}
