//! What is there.

use futures_util::future::join3;
use tokio::time::Instant as Moment;

use super::config::Product;
use super::failure::{self, ApiRefusal, ErrorClass, OrderFault};
use super::machine::{ListedMachine, of_job, of_vm};
use super::wire::{Job, Operation, Status, Vm};
use super::{HasRun, Nebius, Service, labels, whose};
use crate::model::{Condition, Instance};
use crate::providers::{Listing, Result, Unread};

impl Nebius {
    /// Lists the machines of both services, whatever the product is now: a changed setting must not hide
    /// what was made before.
    pub(super) async fn look(&self) -> Result<Listing> {
        let place = self.place()?;
        let mut listing = Listing {
            read: vec![place.clone()],
            vague: vec![(None, whose(&place))],
            ..Listing::default()
        };
        let (jobs, vms, disks) = join3(
            self.found(Service::Jobs),
            self.found(Service::Vms),
            self.disks(),
        )
        .await;
        let mut whole = true;
        let vms_are_read = vms.is_ok();
        for (service, found) in [(Service::Jobs, jobs), (Service::Vms, vms)] {
            let found = match found {
                Ok(found) => found,
                Err(refusal) => {
                    whole = false;
                    let doing = format!("could not list the project's {}s", service.noun());
                    listing.unread.push(Unread {
                        location: Some(place.clone()),
                        error: refusal.explain(doing),
                    });
                    continue;
                }
            };
            for found in found {
                self.note(&found);
                let price = self.known_price(&found.priced);
                match found.machine {
                    Ok(mut machine) => {
                        machine.rental.place.clone_from(&self.memory().region);
                        if let (Some(price), false) =
                            (price, matches!(machine.state, Condition::Ended(_)))
                        {
                            machine.rental.price = Some(price);
                        }
                        listing.instances.push(machine);
                    }
                    Err(unjudged) => listing.unjudged.push(*unjudged),
                }
            }
        }
        match disks {
            Ok(disks) if vms_are_read => {
                let ended = self.left_of_ended(&disks, &listing.instances)?;
                listing.instances.extend(ended);
                let left = self.left_of(&disks, &listing.instances)?;
                listing.instances.extend(left);
                listing.unjudged.extend(self.unjudged(&disks)?);
            }
            // Which of them lost their VM, its own list would say.
            Ok(_) => {}
            Err(refusal) => {
                if let Err(refusal) = self.pass_over(refusal) {
                    listing.unread.push(Unread {
                        location: Some(place),
                        error: refusal.explain("could not list the project's disks"),
                    });
                }
            }
        }
        self.look_at_operations(&mut listing.instances, whole).await;
        Ok(listing)
    }

    /// The machines of one service that bear our label, all pages.
    pub(super) async fn found(&self, service: Service) -> Result<Vec<ListedMachine>, ApiRefusal> {
        let unsent = |error| ApiRefusal::Unsent(Box::new(error));
        let place = self.place().map_err(unsent)?;
        let project = self.project().map_err(unsent)?;
        let of = service.collection();
        Ok(match service {
            Service::Jobs => {
                let jobs: Vec<Job> = self.api.list(of, project).await?;
                let ours = jobs
                    .iter()
                    .filter(|job| labels::is_ours(&job.metadata.labels));
                ours.map(|job| of_job(&place, job)).collect()
            }
            Service::Vms => {
                let vms: Vec<Vm> = self.api.list(of, project).await?;
                let ours = vms.iter().filter(|vm| labels::is_ours(&vm.metadata.labels));
                ours.map(|vm| of_vm(&place, vm)).collect()
            }
        })
    }

    /// Remembers what is seen of an order of this process.
    fn note(&self, found: &ListedMachine) {
        let late = found.machine.as_ref().ok().and_then(|machine| {
            let since = self.memory().unanswered.get(&machine.tags.name).copied();
            since.map(|since| (machine, since))
        });
        if let Some((machine, since)) = late {
            self.remember(&found.priced.candidate, machine, String::new(), since);
        }
        let mut memory = self.memory();
        if let Ok(machine) = &found.machine {
            let name = machine.tags.name.to_string();
            memory.names.insert(found.id.clone(), name);
        }
        if let Some(ordered) = memory.orders.get_mut(&found.id) {
            ordered.shown = true;
            ordered.stage.clone_from(&found.stage);
            ordered.ran = match ordered.ran {
                _ if found.stage == "RUNNING" => HasRun::Yes,
                HasRun::No if ordered.seen.elapsed() > self.paces.unseen => HasRun::Unknown,
                ran => ran,
            };
            ordered.seen = Moment::now();
            ordered.placed = match ordered.placed {
                Some(since) if found.is_placed => Some(since),
                _ => found.is_placed.then(Moment::now),
            };
            if ordered.fault.is_none() {
                ordered.fault.clone_from(&found.fault);
            }
        }
        if let Some(address) = &found.address {
            memory.addresses.insert(found.id.clone(), address.clone());
        }
    }

    /// An order may be accepted and fail later: then its operation says why, and what it was for may never be
    /// shown. It is shown as ended, until it is removed.
    async fn look_at_operations(&self, machines: &mut Vec<Instance>, whole: bool) {
        let asked: Vec<(String, String)> = {
            let memory = self.memory();
            let orders = memory.orders.iter();
            let asked = orders.filter_map(|(id, ordered)| {
                let operation = ordered.operation.clone()?;
                let shown = machines.iter().find(|machine| machine.id.id == *id);
                let unclear = match shown {
                    // It ended well enough to be seen; why, its operation may know.
                    Some(machine) => machine.state != Condition::Running && ordered.fault.is_none(),
                    None => true,
                };
                unclear.then(|| (id.clone(), operation))
            });
            asked.collect()
        };
        for (id, operation) in asked {
            let Some(service) = Service::of(&id) else {
                continue;
            };
            let answer: Result<Operation, ApiRefusal> =
                self.api.get(service.operations(), &operation).await;
            let status = match answer {
                Ok(operation) => operation.status,
                Err(refusal) => {
                    // The machine itself is looked at in any case; this only says why it is not well.
                    let error = refusal.explain(format!("could not look at `{operation}`"));
                    tracing::debug!("{}", crate::model::chain(&error));
                    continue;
                }
            };
            match status {
                Some(status) => self.note_operation(&id, &status),
                None => {
                    if let Some(ordered) = self.memory().orders.get_mut(&id) {
                        ordered.is_making = true;
                    }
                }
            }
        }
        self.show_failed(machines, whole);
    }

    /// Remembers what an operation came to. It is over, and will say nothing else.
    fn note_operation(&self, id: &str, status: &Status) {
        let mut memory = self.memory();
        let Some(ordered) = memory.orders.get_mut(id) else {
            return;
        };
        ordered.operation = None;
        ordered.is_making = false;
        if status.code == 0 {
            // The operation that makes a VM is over when that runs, that of a job when it is accepted.
            if self.config.product == Product::Vm {
                ordered.ran = HasRun::Yes;
            }
            return;
        }
        let why = failure::describe(status);
        let meaning = ErrorClass::of_status(status);
        let late = || match meaning {
            // Whatever went wrong at Nebius, it is not of this order.
            ErrorClass::Unknown | ErrorClass::State => Some(OrderFault::Failed(why.clone())),
            _ => None,
        };
        let fault = OrderFault::of(&meaning, why.clone()).or_else(late);
        ordered.fault = fault.or(ordered.fault.take());
        ordered.machine.state = Condition::Ended(why);
        if Service::of(id) == Some(Service::Jobs) {
            // Nothing of a job that has ended is billed.
            ordered.machine.rental.price = None;
        }
    }

    /// Shows orders that failed as ended, whatever the listing says of them or does not.
    fn show_failed(&self, machines: &mut Vec<Instance>, whole: bool) {
        let memory = self.memory();
        for (id, ordered) in &memory.orders {
            let Condition::Ended(_) = &ordered.machine.state else {
                continue;
            };
            match machines.iter_mut().find(|machine| machine.id.id == *id) {
                Some(shown) => shown.state = ordered.machine.state.clone(),
                None if whole => machines.push(ordered.machine.clone()),
                None => {}
            }
        }
    }
}
