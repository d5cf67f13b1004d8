//! The end of a machine, and the proof that it is gone.

use tokio::time::{Instant as Moment, sleep};

use super::failure::{self, Meaning, Refusal};
use super::wire::{Job, Operation, Vm};
use super::{Nebius, Service, disks, labels};
use crate::model::{Condition, InstanceId};
use crate::providers::{Error, ErrorKind, Result};

/// What a look at a machine says.
enum Sight {
    Gone,
    /// It is there, in this state; its name is ours.
    Ours {
        stage: String,
        name: String,
    },
    Strange,
}

impl Nebius {
    /// Ends a machine that is ours, with its disk; returns when a listing shows neither.
    pub(super) async fn end(&self, id: &InstanceId) -> Result<()> {
        let place = self.place()?;
        let bad = |what: String| {
            Error::new(ErrorKind::Config, what).hinted(
                "write a reference as `gharun list` shows it: `nebius:0a1b2c3d4e5f/aijob-…`",
            )
        };
        let is_disk = disks::is_disk(&id.id);
        if !is_disk && Service::of(&id.id).is_none() {
            return Err(bad(format!("`{}` is not the ID of a job or a VM", id.id)));
        }
        if id.place.as_deref() != Some(&place) {
            let told = id.place.as_deref().unwrap_or("nowhere");
            return Err(bad(format!(
                "the machine `{}` is in another project (`{told}`), not in `{place}`",
                id.id
            )));
        }
        if is_disk {
            self.remove_left_disk(id).await
        } else {
            self.remove(id).await
        }
    }

    /// The same for an id that is known to be in the project.
    pub(super) async fn remove(&self, id: &InstanceId) -> Result<()> {
        let service = Service::of(&id.id).ok_or_else(|| {
            Error::new(
                ErrorKind::Unexpected,
                format!("`{}` is not a valid ID$", id.id),
            )
        })?;
        let doing = format!("could not end the {} `{id}`", service.noun());
        let end = Moment::now() + self.paces.gone.at_most;
        let mut asked = false;
        let mut last = None;
        let mut ended = false;
        loop {
            let (stage, name) = match self.sight(service, id).await? {
                Sight::Gone if !ended && self.may_turn_up(id) => {
                    // Who made it knows that it is ours; the end may be heard of where a look is not.
                    if last.is_none() {
                        match self.ask_to_end(service, &id.id, "").await {
                            Ok(operation) => last = operation,
                            Err(refusal) if refusal.is_missing() => {}
                            Err(refusal) => return Err(refusal.explain(doing)),
                        }
                    }
                    if let Some(operation) = &last {
                        ended = self.is_over(service, operation, &doing).await?;
                    }
                    sleep(self.paces.gone.every).await;
                    continue;
                }
                Sight::Gone => break,
                Sight::Ours { stage, name } => (stage, name),
                Sight::Strange => {
                    return Err(Error::new(
                        ErrorKind::Denied,
                        format!("gharun did not create the {} `{}`", service.noun(), id.id),
                    )
                    .hinted("end it yourself in Nebius's console"));
                }
            };
            self.is_seen(id, &name);
            if !asked || stage != "DELETING" {
                match self.ask_to_end(service, &id.id, &stage).await {
                    Ok(operation) => {
                        asked = true;
                        last = operation;
                    }
                    Err(refusal) if refusal.is_missing() => {}
                    Err(refusal) => return Err(refusal.explain(doing)),
                }
            }
            if let Some(operation) = &last {
                self.is_over(service, operation, &doing).await?;
            }
            if Moment::now() + self.paces.gone.every > end {
                return Err(Error::new(ErrorKind::Unavailable, doing)
                    .because(format!("`{name}` is still in state `{stage}`")));
            }
            sleep(self.paces.gone.every).await;
        }
        // Who asked before, and failed at the disk, finds no VM that could tell its name.
        let name = self.memory().names.get(&id.id).cloned();
        if let (Service::Vms, Some(name)) = (service, &name) {
            self.remove_disk(id, name).await?;
        }
        let mut memory = self.memory();
        memory.orders.remove(&id.id);
        memory.names.remove(&id.id);
        Ok(())
    }

    /// Remembers that a machine was there, and its name, which its disk has, too.
    pub(super) fn is_seen(&self, id: &InstanceId, name: &str) {
        let mut memory = self.memory();
        memory.names.insert(id.id.clone(), name.to_owned());
        if let Some(ordered) = memory.orders.get_mut(&id.id) {
            ordered.shown = true;
        }
    }

    /// Whether a machine that cannot be seen was ordered by this process a moment ago, so that it may be shown
    /// yet: then its absence proves nothing.
    fn may_turn_up(&self, id: &InstanceId) -> bool {
        let memory = self.memory();
        memory.orders.get(&id.id).is_some_and(|ordered| {
            let failed = matches!(ordered.machine.state, Condition::Ended(_));
            !ordered.shown && !failed && ordered.since.elapsed() < self.paces.settles
        })
    }

    /// Looks at a machine. Paths are not proved, so that a 404 alone says nothing: the listing decides.
    async fn sight(&self, service: Service, id: &InstanceId) -> Result<Sight> {
        let doing = || format!("could not look at the {} `{id}`", service.noun());
        let of = service.collection();
        let got = match service {
            Service::Jobs => {
                let job: Result<Job, Refusal> = self.api.get(of, &id.id).await;
                job.map(|job| (job.metadata, job.status.state))
            }
            Service::Vms => {
                let vm: Result<Vm, Refusal> = self.api.get(of, &id.id).await;
                vm.map(|vm| (vm.metadata, vm.status.state))
            }
        };
        let found = match got {
            Ok(found) => Some(found),
            Err(refusal) if refusal.is_missing() => {
                let project = self.project()?;
                let listed: Result<Vec<_>, Refusal> = match service {
                    Service::Jobs => self.api.list::<Job>(of, project).await.map(|jobs| {
                        jobs.into_iter()
                            .map(|job| (job.metadata, job.status.state))
                            .collect()
                    }),
                    Service::Vms => self.api.list::<Vm>(of, project).await.map(|vms| {
                        vms.into_iter()
                            .map(|vm| (vm.metadata, vm.status.state))
                            .collect()
                    }),
                };
                let listed = listed.map_err(|refusal| refusal.explain(doing()))?;
                listed
                    .into_iter()
                    .find(|(metadata, _)| metadata.id == id.id)
            }
            Err(refusal) => return Err(refusal.explain(doing())),
        };
        Ok(match found {
            None => Sight::Gone,
            Some((metadata, _)) if !labels::is_ours(&metadata.labels) => Sight::Strange,
            Some((metadata, stage)) => Sight::Ours {
                stage,
                name: metadata.name,
            },
        })
    }

    /// Asks for the end; `None`: something else has to end first.
    async fn ask_to_end(
        &self,
        service: Service,
        id: &str,
        stage: &str,
    ) -> Result<Option<Operation>, Refusal> {
        let refusal = match self.api.delete(service.collection(), id).await {
            Ok(operation) => return Ok(Some(operation)),
            Err(refusal) => refusal,
        };
        let busy = matches!(refusal.status(), Some(400 | 409))
            || matches!(refusal.meaning(), Meaning::State);
        match service {
            // A job at work is cancelled first; then it is asked again.
            Service::Jobs if busy => {
                if stage != "CANCELLING" {
                    match self.api.cancel(id).await {
                        Ok(_) => {}
                        // It may have ended by itself meanwhile.
                        Err(refusal)
                            if refusal.is_missing() || *refusal.meaning() == Meaning::State => {}
                        Err(refusal) => return Err(refusal),
                    }
                }
                Ok(None)
            }
            // Something is at work on it.
            Service::Vms if busy => Ok(None),
            _ => Err(refusal),
        }
    }

    /// Whether the operation that ends a machine is over; it must not have failed. One that cannot be looked at
    /// says nothing.
    async fn is_over(&self, service: Service, operation: &Operation, doing: &str) -> Result<bool> {
        let looked: Operation = if operation.status.is_some() || operation.id.is_empty() {
            operation.clone()
        } else {
            match self.api.get(service.operations(), &operation.id).await {
                Ok(looked) => looked,
                Err(refusal) => {
                    let error = refusal.explain(format!("could not look at `{}`", operation.id));
                    tracing::debug!("{}", crate::model::chain(&error));
                    return Ok(false);
                }
            }
        };
        match looked.status {
            Some(status) if status.code != 0 => {
                let kind = match Meaning::of_status(&status) {
                    Meaning::Denied => ErrorKind::Denied,
                    Meaning::Missing(_) => return Ok(false),
                    _ => ErrorKind::Unavailable,
                };
                Err(Error::new(kind, doing).because(failure::told(&status)))
            }
            status => Ok(status.is_some()),
        }
    }
}
