//! The end of a machine: asked for once.

use super::failure::{self, ApiRefusal, ErrorClass};
use super::wire::{Job, Metadata, Operation, Vm};
use super::{Nebius, Service, disks, labels, whose};
use crate::model::{Condition, InstanceId};
use crate::providers::{Error, ErrorKind, Result, Termination};

/// What a look at a machine says.
enum MachineSight {
    Gone,
    /// It is there, in this state; its name is ours.
    Ours {
        stage: String,
        name: String,
    },
    Strange,
}

impl Nebius {
    /// Asks for the end of a machine that is ours; once it is gone, for that of its disk.
    pub(super) async fn end(&self, id: &InstanceId) -> Result<Termination> {
        let id = &self.here(id).await?;
        match Service::of(&id.id) {
            Some(service) => self.remove(service, id).await,
            None => self.remove_left_disk(id).await,
        }
    }

    /// The id with the project, if it is one of this project's machine.
    ///
    /// # Errors
    ///
    /// It cannot be one ([`ErrorKind::Config`]), is of another project ([`ErrorKind::Elsewhere`]), or does not tell its
    /// project, and is not in this one ([`ErrorKind::NotFound`]).
    pub(super) async fn here(&self, id: &InstanceId) -> Result<InstanceId> {
        let id = self.whole(id).await?;
        let place = self.place()?;
        let hint = "set `project` to the one that it was launched in";
        match &id.location {
            Some(told) if *told == place => Ok(id),
            Some(told) => {
                let what = format!(
                    "the machine `{}` is in another project (`{told}`), not in `{place}`",
                    id.id
                );
                Err(Error::new(ErrorKind::Elsewhere, what).hinted(hint))
            }
            None => {
                let what = format!("`{}` was not found in {}", id.id, whose(&place));
                Err(Error::new(ErrorKind::NotFound, what).hinted(hint))
            }
        }
    }

    /// The id with the project, where it lacks that and the project has it.
    pub(super) async fn whole(&self, id: &InstanceId) -> Result<InstanceId> {
        let service = Service::of(&id.id);
        if !disks::is_disk(&id.id) && service.is_none() {
            let what = format!("`{}` is not the ID of a job or a VM", id.id);
            return Err(Error::new(ErrorKind::Config, what).hinted(
                "write a reference as `gharun list` shows it: `nebius:0a1b2c3d4e5f/aijob-…`",
            ));
        }
        if id.location.is_some() {
            return Ok(id.clone());
        }
        let is_here = match service {
            Some(_) if self.may_turn_up(id) => true,
            Some(service) => !matches!(self.sight(service, id).await?, MachineSight::Gone),
            None => {
                let disk = self.disk(&id.id).await;
                let doing = || format!("could not look at the disk `{id}`");
                disk.map_err(|refusal| refusal.explain(doing()))?.is_some()
            }
        };
        let place = is_here.then(|| self.place()).transpose()?;
        Ok(InstanceId {
            location: place,
            id: id.id.clone(),
        })
    }

    /// The same for an id that is known to be in the project; tells how far its end is.
    pub(super) async fn remove(&self, service: Service, id: &InstanceId) -> Result<Termination> {
        match self.sight(service, id).await? {
            MachineSight::Gone if self.may_turn_up(id) => self.end_unseen(service, id).await,
            MachineSight::Gone => self.clear_up(service, id).await,
            MachineSight::Ours { stage, name } => {
                self.is_seen(id, &name);
                // An end that was accepted may have failed since: that is told before it is asked for again.
                self.is_over(service, id).await?;
                if stage != "DELETING" {
                    self.ask_to_end(service, id, &stage).await?;
                }
                Ok(Termination::Accepted)
            }
            MachineSight::Strange => Err(Error::new(
                ErrorKind::Denied,
                format!("gharun did not create the {} `{}`", service.noun(), id.id),
            )
            .hinted("end it yourself in Nebius's console")),
        }
    }

    /// Ends what cannot be seen yet. Who made it knows that it is ours; the end may be heard of where a look
    /// is not.
    async fn end_unseen(&self, service: Service, id: &InstanceId) -> Result<Termination> {
        let is_asked = self.memory().ends.contains_key(&id.id);
        if !is_asked {
            self.ask_to_end(service, id, "").await?;
        }
        if self.is_over(service, id).await? {
            return self.clear_up(service, id).await;
        }
        let why = "Nebius does not show it, but may show it later";
        Err(still_there(service, id, why))
    }

    /// Removes what a machine that is gone left.
    async fn clear_up(&self, service: Service, id: &InstanceId) -> Result<Termination> {
        // Who asked before, and failed at the disk, finds no VM that could tell its name.
        let name = self.memory().names.get(&id.id).cloned();
        if let (Service::Vms, Some(name)) = (service, &name)
            && self.remove_disk(id, name).await? == Termination::Accepted
        {
            return Ok(Termination::Accepted);
        }
        let mut memory = self.memory();
        memory.orders.remove(&id.id);
        memory.names.remove(&id.id);
        memory.ends.remove(&id.id);
        Ok(Termination::Gone)
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
    async fn sight(&self, service: Service, id: &InstanceId) -> Result<MachineSight> {
        let explain = |refusal: ApiRefusal| {
            refusal.explain(format!("could not look at the {} `{id}`", service.noun()))
        };
        let of = service.collection();
        let got = match service {
            Service::Jobs => {
                let job: Result<Job, ApiRefusal> = self.api.get(of, &id.id).await;
                job.map(|job| (job.metadata, job.status.state))
            }
            Service::Vms => {
                let vm: Result<Vm, ApiRefusal> = self.api.get(of, &id.id).await;
                vm.map(|vm| (vm.metadata, vm.status.state))
            }
        };
        let found = match got {
            Ok(found) => Some(found),
            Err(refusal) if refusal.is_missing() => {
                let all = self.stages(service).await.map_err(explain)?;
                let mut all = all.into_iter();
                all.find(|(metadata, _)| metadata.id == id.id)
            }
            Err(refusal) => return Err(explain(refusal)),
        };
        Ok(match found {
            None => MachineSight::Gone,
            Some((metadata, _)) if !labels::is_ours(&metadata.labels) => MachineSight::Strange,
            Some((metadata, stage)) => MachineSight::Ours {
                stage,
                name: metadata.name,
            },
        })
    }

    /// All of a service's machines, and the state of each.
    async fn stages(&self, service: Service) -> Result<Vec<(Metadata, String)>, ApiRefusal> {
        let project = self.project();
        let project = project.map_err(|error| ApiRefusal::Unsent(Box::new(error)))?;
        let of = service.collection();
        Ok(match service {
            Service::Jobs => {
                let jobs: Vec<Job> = self.api.list(of, project).await?;
                let jobs = jobs.into_iter();
                jobs.map(|job| (job.metadata, job.status.state)).collect()
            }
            Service::Vms => {
                let vms: Vec<Vm> = self.api.list(of, project).await?;
                let vms = vms.into_iter();
                vms.map(|vm| (vm.metadata, vm.status.state)).collect()
            }
        })
    }

    /// Asks for the end once. What something else has to end before is [`ErrorKind::Unavailable`].
    async fn ask_to_end(&self, service: Service, id: &InstanceId, stage: &str) -> Result<()> {
        let refusal = match self.api.delete(service.collection(), &id.id).await {
            Ok(operation) => {
                let is_settled = operation.status.is_some();
                {
                    let mut memory = self.memory();
                    memory.ends.insert(id.id.clone(), operation);
                    // What became of its creation is no longer of interest.
                    if let Some(ordered) = memory.orders.get_mut(&id.id) {
                        ordered.operation = None;
                    }
                }
                if is_settled {
                    self.is_over(service, id).await?;
                }
                return Ok(());
            }
            Err(refusal) if refusal.is_missing() => return Ok(()),
            Err(refusal) => refusal,
        };
        let busy = matches!(refusal.status(), Some(400 | 409))
            || matches!(refusal.meaning(), ErrorClass::State);
        match service {
            _ if !busy => Err(refusal
                .explain(doing(service, id))
                .hinted(by_hand(service, id))),
            Service::Vms => Err(still_there(service, id, "another operation is in progress")),
            // A job at work is cancelled first; then it is asked again.
            Service::Jobs => {
                if stage != "CANCELLING"
                    && let Err(refusal) = self.api.cancel(&id.id).await
                    // It may have ended by itself meanwhile.
                    && !refusal.is_missing()
                    && *refusal.meaning() != ErrorClass::State
                {
                    return Err(refusal
                        .explain(doing(service, id))
                        .hinted(by_hand(service, id)));
                }
                Err(still_there(service, id, "it is being cancelled"))
            }
        }
    }

    /// Whether the operation that ends a machine is over. One that cannot be looked at says nothing.
    ///
    /// # Errors
    ///
    /// It failed; it is forgotten, so that the end is asked for anew.
    async fn is_over(&self, service: Service, id: &InstanceId) -> Result<bool> {
        let Some(operation) = self.memory().ends.get(&id.id).cloned() else {
            return Ok(false);
        };
        let looked: Operation = if operation.status.is_some() || operation.id.is_empty() {
            operation
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
                let kind = match ErrorClass::of_status(&status) {
                    ErrorClass::Denied => ErrorKind::Denied,
                    ErrorClass::Missing(_) => return Ok(false),
                    _ => ErrorKind::Unavailable,
                };
                self.memory().ends.remove(&id.id);
                Err(Error::new(kind, doing(service, id))
                    .because(failure::describe(&status))
                    .hinted(by_hand(service, id)))
            }
            status => Ok(status.is_some()),
        }
    }
}

fn doing(service: Service, id: &InstanceId) -> String {
    format!("could not end the {} `{id}`", service.noun())
}

/// The command by which somebody else than gharun ends a machine. <https://docs.nebius.com/cli/reference>
fn by_hand(service: Service, id: &InstanceId) -> String {
    let command = match service {
        Service::Jobs => "nebius ai job delete",
        Service::Vms => "nebius compute instance delete --id",
    };
    let id = &id.id;
    format!("it is billed until it is gone: you can also end it with `{command} {id}`")
}

pub(super) fn still_there(service: Service, id: &InstanceId, why: &str) -> Error {
    Error::new(ErrorKind::Unavailable, doing(service, id)).because(why)
}
