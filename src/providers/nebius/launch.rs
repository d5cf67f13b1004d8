//! From an order to a machine, once for each name.

use tokio::time::Instant as Moment;

use super::candidates::{
    Candidate, Market, Priced, candidates, instead, is_for_keeps, is_offered, wider,
};
use super::config::Product;
use super::doom::list;
use super::ending::still_there;
use super::failure::{self, ErrorClass};
use super::prices::resources;
use super::wire::{Operation, Platform, Status, Subnet};
use super::{HasRun, Nebius, Ordered, Service, api, jobs, vms};
use crate::model::{Condition, Instance, InstanceId, Name, Order, Rental, chain};
use crate::poll::{until, until_ok};
use crate::providers::common::candidates::{Tried, none_has_room, try_all};
use crate::providers::{Error, ErrorKind, Result, Termination};

/// The name of the subnet that a project has from the beginning, or what it begins with.
const DEFAULT_SUBNET: &str = "default-subnet";

impl Nebius {
    /// Tries all candidates in order, but those that took an order before and had no room for it.
    pub(super) async fn order(&self, order: &Order) -> Result<Instance> {
        if self.config.product == Product::Job && order.lifetime > jobs::LONGEST {
            let hours = jobs::LONGEST.as_secs() / 3600;
            self.said.warn(format!(
                "Nebius ends a job after {hours} h, before its lifetime is over"
            ));
        }
        let attempt = async |candidate: Candidate| {
            let full = self.memory().full.get(&candidate).cloned();
            match full {
                Some(error) => Ok(Tried::Next(error)),
                None => self.attempt(order, &candidate).await,
            }
        };
        match try_all(self.chosen().await?, attempt).await? {
            Ok(instance) => Ok(*instance),
            Err(failed) => {
                let advice = format!("{}; {}", wider(&self.config), list(&self.config.table));
                Err(none_has_room(failed, &advice))
            }
        }
    }

    /// What is tried: the candidates that the project has, in order. Where its platforms cannot be listed, all of them.
    ///
    /// # Errors
    ///
    /// The project has none of them: a `Config` error.
    pub(super) async fn chosen(&self) -> Result<Vec<Candidate>> {
        let known = match self.known_platforms().await {
            Ok(known) => known,
            Err(error) => {
                tracing::debug!("{}", chain(&error));
                let all = candidates(&self.config, None);
                if let Some(unknown) = all.iter().find(|one| one.preset.is_empty()) {
                    let what = format!(
                        "could not find the smallest preset of `{}`",
                        unknown.platform
                    );
                    return Err(error.while_trying(what).hinted("set `preset`"));
                }
                return Ok(all);
            }
        };
        let all = candidates(&self.config, Some(&known));
        let is_wrong = |one: &Candidate| {
            !is_offered(one, &known) || self.config.preemptible && is_for_keeps(one, &known)
        };
        let (wrong, fine): (Vec<Candidate>, Vec<Candidate>) = all.into_iter().partition(is_wrong);
        if fine.is_empty() {
            return Err(self.not_offered(&wrong, &known));
        }
        for one in &wrong {
            tracing::debug!("the project does not offer {one}: skipping it");
        }
        Ok(fine)
    }

    /// The error where the project has nothing of what is set.
    pub(super) fn not_offered(&self, wrong: &[Candidate], known: &[Platform]) -> Error {
        let is_there = |one: &Candidate| known.iter().any(|own| own.metadata.name == one.platform);
        let error = if wrong.iter().any(|one| is_offered(one, known)) {
            Error::setting(
                "preemptible",
                "the project offers none of it as preemptible",
            )
        } else if wrong.iter().any(is_there) {
            Error::setting(
                "preset",
                "no platform of the project has any of these presets",
            )
            .because(instead(wrong, known).join("; "))
        } else {
            Error::setting("platform", "the project offers none of these platforms")
                .because(instead(wrong, known).join("; "))
        };
        error.hinted(list(&self.config.table))
    }

    /// The subnet that machines are in: the setting's, or the project's default one.
    pub(super) async fn subnet(&self) -> Result<String> {
        if let Some(subnet) = &self.config.subnet {
            return Ok(subnet.clone());
        }
        self.subnet.get(async || self.find_subnet().await).await
    }

    async fn find_subnet(&self) -> Result<String> {
        let found = self.api.list::<Subnet>(api::SUBNETS, self.project()?).await;
        let subnets = match found {
            Ok(subnets) => subnets,
            Err(refusal) => {
                let error = refusal.explain("could not find the project's subnet");
                return Err(match error.kind {
                    // Who may do nothing in the project is not helped by a subnet.
                    ErrorKind::Denied => self.located(error).await,
                    _ => error.hinted("set `subnet` to skip the search"),
                });
            }
        };
        let default = |subnet: &&Subnet| subnet.metadata.name.starts_with(DEFAULT_SUBNET);
        match (subnets.iter().find(default), subnets.as_slice()) {
            (Some(subnet), _) | (None, [subnet]) => Ok(subnet.metadata.id.clone()),
            (None, []) => Err(Error::setting("subnet", "the project has no subnet")
                .hinted("create one at https://console.nebius.com (Network), or set `project` to another one")),
            (None, several) => {
                let ids: Vec<&str> = several.iter().map(|one| one.metadata.id.as_str()).collect();
                Err(Error::setting(
                    "subnet",
                    format!(
                        "the project has no default subnet: set `subnet` to one of {}",
                        ids.join(", ")
                    ),
                ))
            }
        }
    }

    fn service(&self) -> Service {
        match self.config.product {
            Product::Job => Service::Jobs,
            Product::Vm => Service::Vms,
        }
    }

    /// Tries one candidate.
    async fn attempt(&self, order: &Order, candidate: &Candidate) -> Result<Tried<Box<Instance>>> {
        let service = self.service();
        let (config, project) = (&self.config, self.project()?);
        let subnet = &self.subnet().await?;
        let body = match service {
            Service::Jobs => jobs::request(config, project, subnet, candidate, order),
            Service::Vms => {
                vms::request(config, project, subnet, candidate, order, self.api.base())
            }
        }?;
        let doing = format!("could not launch `{}` ({candidate})", order.name);
        let key = candidate.key(&order.name);
        let refusal = match self.api.create(service.collection(), &body, &key).await {
            Ok(operation) => return self.accepted(order, candidate, operation, &doing).await,
            Err(refusal) => refusal,
        };
        if refusal.is_ambiguous() || matches!(refusal.meaning(), ErrorClass::Exists(_)) {
            return match self.look_for(order).await {
                Some(instance) => Ok(Tried::Made(Box::new(instance))),
                None if refusal.is_ambiguous() => Err(refusal.explain(doing)),
                // Somebody else's, or of this name and not shown yet.
                None => Err(refusal
                    .explain("its name is already taken")
                    .while_trying(doing)
                    .map(|_| ErrorKind::Ambiguous)),
            };
        }
        // What one platform does not have, another may.
        let is_unknown = refusal.is_of_candidate(candidate);
        let next =
            is_unknown || matches!(refusal.meaning(), ErrorClass::Full | ErrorClass::Quota(_));
        if !is_unknown && next {
            return Ok(Tried::Next(refusal.of_candidate(&candidate.to_string())));
        }
        let error = refusal.explain(doing);
        let error = if is_unknown {
            let (platform, table) = (&candidate.platform, &self.config.table);
            let error = match error.key() {
                Some(_) => error,
                None => error.about("preset"),
            };
            error.hinted(format!(
                "set a `platform` that Nebius has, and a `preset` that `{platform}` has: `gharun providers offers {table}` \
                 lists them"
            ))
        } else {
            error
        };
        if next {
            Ok(Tried::Next(error))
        } else {
            Err(self.located(error).await)
        }
    }

    /// An operation that creates a machine, and may have failed already.
    async fn accepted(
        &self,
        order: &Order,
        candidate: &Candidate,
        operation: Operation,
        doing: &str,
    ) -> Result<Tried<Box<Instance>>> {
        let failed = operation.status.as_ref().filter(|status| status.code != 0);
        if let Some(status) = failed {
            let made = &operation.resource_id;
            return self.failed(order, status, made, doing).await;
        }
        if Service::of(&operation.resource_id) != Some(self.service()) {
            // It was accepted, so it is there, or will be.
            return match self.look_for(order).await {
                Some(instance) => Ok(Tried::Made(Box::new(instance))),
                None => Err(Error::new(ErrorKind::Ambiguous, doing)
                    .because("Nebius did not return the ID of what it creates")),
            };
        }
        let id = self.id(&operation.resource_id)?;
        let price = self
            .known_price(&Priced::by(&self.config, candidate))
            .or_else(|| self.listed_price(candidate, resources(&candidate.preset)));
        let instance = Instance {
            id,
            state: Condition::Pending,
            tags: order.tags.clone(),
            created: order.tags.created,
            ended: None,
            rental: Rental {
                place: self.memory().region.clone(),
                price,
                ..candidate.rental(Market::of(&self.config))
            },
        };
        self.remember(candidate, &instance, operation.id, Moment::now());
        Ok(Tried::Made(Box::new(instance)))
    }

    /// Removes what an order that failed at once has made, until two looks in a row show nothing of it, since the pages of
    /// a listing shift. What was never seen is young: the last of these looks is begun when Nebius has had its time to show
    /// it. It loops here since a kind knows nothing of `fleet`, and nobody else would ask again: the launch is told to have
    /// left nothing.
    async fn remove_failed(&self, id: &InstanceId, name: &Name) -> Result<()> {
        let Some(service) = Service::of(&id.id) else {
            let what = format!("`{}` is not the ID of a job or a VM", id.id);
            return Err(Error::new(ErrorKind::Unexpected, what));
        };
        let settled = Moment::now() + self.paces.settles;
        let (mut missed, mut was_seen) = (0, false);
        let removed = until_ok(self.paces.gone, async || {
            let begun = Moment::now();
            // Its disk is looked for by this name, which is forgotten once neither is seen.
            self.memory().names.insert(id.id.clone(), name.to_string());
            match self.remove(service, id).await {
                Ok(Termination::Gone) if missed > 0 && (was_seen || begun >= settled) => Ok(Ok(())),
                Ok(Termination::Gone) => {
                    missed += 1;
                    let why = "Nebius does not show it, but may show it later";
                    Err(still_there(service, id, why))
                }
                Ok(Termination::Accepted) => {
                    missed = 0;
                    was_seen |= self.memory().ends.contains_key(&id.id);
                    Err(still_there(service, id, "it is still there"))
                }
                Err(error) if error.kind == ErrorKind::Denied => Ok(Err(error)),
                Err(error) => {
                    missed = 0;
                    Err(error)
                }
            }
        });
        removed.await?
    }

    /// An operation that has failed, with what it was about to make.
    async fn failed(
        &self,
        order: &Order,
        status: &Status,
        resource: &str,
        doing: &str,
    ) -> Result<Tried<Box<Instance>>> {
        let meaning = ErrorClass::of_status(status);
        let error = |kind| Error::new(kind, doing).because(failure::describe(status));
        // What it made may be there all the same, and cost money.
        if !resource.is_empty() {
            let id = self.id(resource)?;
            self.remove_failed(&id, &order.name).await.map_err(|left| {
                let why = crate::model::Error::from(failure::describe(status));
                Error::new(ErrorKind::Ambiguous, doing).because_each([why, left.any()])
            })?;
        }
        match meaning {
            ErrorClass::Full => Ok(Tried::Next(error(ErrorKind::NoCapacity))),
            ErrorClass::Quota(quotas) => Ok(Tried::Next(
                error(ErrorKind::NoCapacity).hinted(failure::hint(&quotas)),
            )),
            ErrorClass::Denied => Err(error(ErrorKind::Denied)),
            ErrorClass::Wrong(Some(key @ ("platform" | "preset"))) => {
                Ok(Tried::Next(error(ErrorKind::Config).about(key)))
            }
            ErrorClass::Wrong(key) => {
                let error = error(ErrorKind::Config);
                Err(match key {
                    Some(key) => error.about(key),
                    None => error,
                })
            }
            _ => Err(error(ErrorKind::Unexpected)),
        }
    }

    /// The id of a machine in the project.
    fn id(&self, id: &str) -> Result<InstanceId> {
        Ok(InstanceId {
            location: Some(self.place()?),
            id: id.to_owned(),
        })
    }

    pub(super) fn remember(
        &self,
        candidate: &Candidate,
        instance: &Instance,
        operation: String,
        since: Moment,
    ) {
        let ordered = Ordered {
            candidate: candidate.clone(),
            since,
            shown: false,
            operation: Some(operation).filter(|id| !id.is_empty()),
            machine: instance.clone(),
            stage: String::new(),
            placed: None,
            ran: HasRun::No,
            is_making: false,
            seen: since,
            fault: None,
        };
        let mut memory = self.memory();
        memory.unanswered.remove(&instance.tags.name);
        let (id, name) = (instance.id.id.clone(), instance.tags.name.to_string());
        memory.names.insert(id.clone(), name);
        memory.orders.insert(id, ordered);
    }

    /// Looks for a machine of the order's name, over all pages, and takes it if it is the order's.
    async fn look_for(&self, order: &Order) -> Option<Instance> {
        let since = Moment::now();
        let look = async || {
            // A listing that fails shows nothing, and the next look may.
            let found = self.found(self.service()).await.ok()?;
            found.into_iter().find_map(|found| {
                let machine = found.machine.ok()?;
                order
                    .owns(&machine.tags)
                    .then_some((found.priced.candidate, machine))
            })
        };
        let Some((candidate, instance)) = until(self.paces.shown, look).await else {
            // Whoever asked looks on; once it is shown it is an order of ours like any other.
            let mut memory = self.memory();
            memory.unanswered.insert(order.name.clone(), since);
            return None;
        };
        self.remember(&candidate, &instance, String::new(), since);
        self.is_seen(&instance.id, instance.tags.name.as_str());
        Some(instance)
    }
}
