//! From an order to a pod, once for each name.
//!
//! RunPod has no key by which a creation could be repeated, and does not mind two pods of one name. So
//! the name is looked for before anything is created, after every answer that is none, and once more when
//! a pod was created: of two, the older one stays, whoever made them. Only what was created a moment ago is deleted here:
//! an older pod may have a job, and whether it has, GitHub knows.

use std::time::Duration;

use tokio::time::Instant as Moment;

use super::candidates::{self, Candidate, Choice};
use super::failure::{CreateRefusal, ErrorClass, all_failed, explain, refusal};
use super::pod::Pod;
use super::watching::LogPaces;
use super::{RunPod, ending, request};
use crate::model::{Condition, Instance, Order, chain};
use crate::poll::{Pace, until, until_ok};
use crate::providers::{Error, ErrorKind, Result};

/// How long a launch waits for the list to show the truth.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunPodPaces {
    /// How long a pod is looked for whose creation was not answered.
    pub(super) settle: Pace,
    /// How long a pod that was created is awaited in the list, to see whether it is alone.
    pub(super) shown: Pace,
    /// How long a pod that is one too many may take to be gone.
    pub(super) alone: Pace,
    /// How long RunPod may take to know a pod by its id.
    pub(super) fresh: Duration,
    /// How often logs are read.
    pub(super) logs: LogPaces,
}

impl Default for RunPodPaces {
    fn default() -> Self {
        let pace = |every, at_most| Pace {
            every: Duration::from_secs(every),
            at_most: Duration::from_secs(at_most),
        };
        Self {
            settle: pace(2, 20),
            shown: pace(1, 5),
            // RunPod counts what it is asked: each try is a deletion and a list, of 60 requests a minute.
            alone: pace(5, 60),
            fresh: Duration::from_secs(30),
            logs: LogPaces::default(),
        }
    }
}

impl RunPod {
    /// Tries all candidates in order, unless the order's pod is there already.
    pub(super) async fn order(&self, order: &Order) -> Result<Instance> {
        let doing = format!("could not create the pod `{}`", order.name);
        let choice = self.choose().await?;
        let env = request::env(&self.config, self.api.base(), order)?;
        let look = format!("could not check whether the pod `{}` exists", order.name);
        let there = self.api.pods_since(Moment::now()).await;
        let there = there.map_err(|error| error.while_trying(look))?;
        if let Some(pod) = self.unite(order, &there, None).await? {
            return Ok(self.take_over(&pod, order));
        }
        if choice.candidates.is_empty() {
            return Err(candidates::none_left(&choice.dropped, &self.config));
        }
        let mut refusals: Vec<CreateRefusal> = Vec::new();
        let mut candidates = choice.candidates;
        candidates.sort_by_key(|candidate| self.bar(candidate).0);
        for candidate in &candidates {
            if let (_, Some(refusal)) = self.bar(candidate) {
                refusals.push(refusal);
                continue;
            }
            let body = request::create_pod(&self.config, &env, order, candidate)?;
            self.asks(order, candidate);
            let failure = match self.api.create(&body).await {
                Ok(pod) => match self.made(pod, order, candidate).await? {
                    Ok(machine) => return Ok(machine),
                    Err(refusal) => {
                        refusals.push(refusal);
                        continue;
                    }
                },
                Err(failure) => failure,
            };
            let mut refusal = refusal(failure, format!("{doing} ({candidate})"), candidate);
            if let Some((key, set)) = self.named(&refusal.error) {
                let what = format!("{} (`{key}` is `{set}`)", refusal.error.message());
                refusal.error = refusal.error.saying(what);
            }
            tracing::debug!(
                "`{}`: {:?}: {}",
                order.name,
                refusal.sort,
                chain(&refusal.error)
            );
            let sort = refusal.sort;
            refusals.push(refusal);
            match sort {
                ErrorClass::Stop => break,
                ErrorClass::Unsure => {
                    let settled = self.settle(order).await;
                    match settled {
                        Ok(Some(pod)) => return Ok(self.take_over(&pod, order)),
                        // The list is whole and shows nothing: the next one may be tried.
                        Ok(None) => {}
                        Err(error) => {
                            refusals.push(CreateRefusal {
                                sort: ErrorClass::Unsure,
                                error,
                            });
                            break;
                        }
                    }
                }
                ErrorClass::Barred
                | ErrorClass::Broken
                | ErrorClass::Dear
                | ErrorClass::Fault
                | ErrorClass::Full => {}
            }
        }
        Err(all_failed(refusals, &doing, &self.config))
    }

    /// What a setting names in the account that an error is about.
    fn named(&self, error: &Error) -> Option<(&'static str, &str)> {
        let volume = self.config.network_volume.as_ref();
        let (key, set) = match error.key()? {
            "registry" => ("registry", self.config.registry.as_deref()),
            "network_volume" => ("network_volume", volume.map(|volume| volume.parts().0)),
            _ => return None,
        };
        Some((key, set?))
    }

    /// What can be tried now. Without the catalog, what the settings name by its whole id, at any price.
    pub(super) async fn choose(&self) -> Result<Choice> {
        let asked = candidates::asked(&self.config)?;
        let pinned = self.pinned().await?;
        let error = match self.api.catalog(&pinned).await {
            Ok(catalog) => return candidates::choose(&pinned, &catalog),
            Err(error) => error,
        };
        // What helps there is known, and it is not to do without the catalog.
        let is_known = !error.hints().is_empty();
        if is_known || matches!(error.kind, ErrorKind::Denied | ErrorKind::RateLimited) {
            return Err(error);
        }
        if self.config.max_price.is_some() {
            return Err(error.while_trying("could not enforce `max_price`"));
        }
        // RunPod's ids of GPUs begin with the maker's name, or once with the line's.
        let makers = ["AMD ", "NVIDIA ", "Tesla "];
        let whole = |name: &str| {
            self.config.cpu.is_some() || makers.iter().any(|maker| name.starts_with(maker))
        };
        if let Some(name) = asked.iter().find(|name| !whole(name)) {
            let doing = format!("could not look up the GPU `{name}`");
            return Err(error
                .while_trying(doing)
                .hinted("RunPod's full ID, such as `NVIDIA L40S`, works without the catalog"));
        }
        tracing::warn!("{}: the stock is unknown", chain(&error));
        Ok(Choice {
            candidates: candidates::named(&pinned),
            dropped: Vec::new(),
        })
    }

    /// A pod of the order that was there before, whatever it costs: its runner may have a job by now. Who starts it asks
    /// for the price, and looks at GitHub before it is ended.
    fn take_over(&self, pod: &Pod, order: &Order) -> Instance {
        self.adopt(pod, &order.name);
        self.ordered(&pod.id, order, None);
        self.note_bill(pod);
        self.warn_of_size(pod);
        let candidate = self.candidate(&pod.id);
        machine(&self.api.place, pod, order, candidate.as_ref())
    }

    /// Sees to it that a pod that was just created is the only one of its name. One that RunPod has ended already is a
    /// lack of room.
    async fn made(
        &self,
        pod: Pod,
        order: &Order,
        candidate: &Candidate,
    ) -> Result<Result<Instance, CreateRefusal>> {
        self.launched(&pod.id);
        let mut last = Vec::new();
        let shown = until(self.paces.shown, async || {
            match self.api.pods_since(Moment::now()).await {
                Ok(pods) if pods.iter().any(|one| one.id == pod.id) => Some(pods),
                Ok(pods) => {
                    last = pods.to_vec();
                    None
                }
                // It is there, whatever the list says of others; and these are looked for by `list`, too.
                Err(error) => {
                    tracing::debug!("could not look for pods of one name: {}", chain(&error));
                    None
                }
            }
        });
        let pods = shown.await.map_or(last, |pods| pods.to_vec());
        match self.unite(order, &pods, Some(pod.clone())).await {
            Ok(Some(kept)) if kept.id != pod.id => Ok(Ok(self.take_over(&kept, order))),
            Ok(None) => Ok(Err(CreateRefusal {
                sort: ErrorClass::Full,
                error: Error::new(ErrorKind::NoCapacity, candidate.to_string())
                    .because(format!("RunPod ended the pod `{}` at once", pod.id)),
            })),
            Ok(Some(kept)) => self.afforded(kept, order, candidate).await,
            // Somebody else may have its name and not its tags, and this one is ours all the same.
            Err(error) => {
                tracing::debug!("{}", chain(&error));
                self.afforded(pod, order, candidate).await
            }
        }
    }

    /// The machine of a pod that was just created and costs no more than it may. One that does is deleted, and proved
    /// gone, before the next candidate is tried: what the catalog tells is a list, and the bill is what the pod says.
    async fn afforded(
        &self,
        pod: Pod,
        order: &Order,
        candidate: &Candidate,
    ) -> Result<Result<Instance, CreateRefusal>> {
        self.ordered(&pod.id, order, Some(candidate));
        self.note_bill(&pod);
        self.warn_of_size(&pod);
        let Some(dear) = self.too_dear(&pod.id, pod.cost) else {
            let machine = machine(&self.api.place, &pod, order, Some(candidate));
            return Ok(Ok(machine));
        };
        tracing::warn!("{}: deleting the pod `{}`", chain(&dear), pod.id);
        match self.remove_pod(&pod.id).await {
            Ok(()) => Ok(Err(CreateRefusal {
                sort: ErrorClass::Dear,
                error: dear,
            })),
            // Whoever looks for it by its name is told that it is too dear, and ends it.
            Err(left) => {
                let what = format!("the pod `{}` costs more than `max_price`", pod.id);
                Err(Error::new(ErrorKind::Ambiguous, what).because_each([dear, left]))
            }
        }
    }

    /// Looks for a pod whose creation was not answered, until a list that was begun when the place had
    /// settled does not show it; one that was begun before is no proof, however late it comes.
    async fn settle(&self, order: &Order) -> Result<Option<Pod>> {
        let settled = Moment::now() + self.paces.settle.at_most;
        let looks = Pace {
            // The last look is begun when it has settled, however long the one before took.
            at_most: self.paces.settle.at_most * 2,
            ..self.paces.settle
        };
        let found = until_ok(looks, async || {
            let begun = Moment::now();
            // Shared: where one answer is lost, many are, and RunPod counts what it is asked.
            let found = match self.api.pods_since(begun).await {
                Ok(pods) => self.unite(order, &pods, None).await,
                Err(error) if begun < settled => return Err(error),
                Err(error) => Err(error),
            };
            match found {
                Ok(None) if begun < settled => {
                    let what = format!("RunPod does not show the pod `{}` yet", order.name);
                    Err(Error::new(ErrorKind::Ambiguous, what))
                }
                found => Ok(found),
            }
        });
        let found = found.await??;
        if let Some(pod) = &found {
            self.launched(&pod.id);
        }
        Ok(found)
    }

    /// Of all pods of an order the one that stays; the others are deleted, but those that run and were not `made` a
    /// moment ago: GitHub gives one of them the runner, and the other ends itself.
    ///
    /// # Errors
    ///
    /// A pod bears the name and not the tags: nobody knows whose it is.
    async fn unite(&self, order: &Order, pods: &[Pod], made: Option<Pod>) -> Result<Option<Pod>> {
        let mut ours: Vec<&Pod> = pods
            .iter()
            .filter(|pod| pod.is_of(order) && !pod.is_gone())
            .collect();
        // What the list shows as gone is gone, whatever its creation was answered with.
        if let Some(made) = &made
            && !made.is_gone()
            && pods.iter().all(|pod| pod.id != made.id)
        {
            ours.push(made);
        }
        // Everybody who sees the same pods keeps the same one.
        ours.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
        let Some((kept, rest)) = ours.split_first() else {
            let stranger = |pod: &&Pod| pod.name == order.name.as_str() && !pod.is_gone();
            return match pods.iter().find(stranger) {
                None => Ok(None),
                Some(pod) => Err(Error::new(
                    ErrorKind::Unexpected,
                    format!("another pod, `{}`, has the name `{}`", pod.id, order.name),
                )
                .hinted("see whose it is at https://console.runpod.io/pods")),
            };
        };
        for twin in rest {
            let is_new = made.as_ref().is_some_and(|made| made.id == twin.id);
            if !is_new && twin.state() != Condition::Pending {
                tracing::warn!(
                    "two pods have the name `{}`: `{}` may have its job, and ends itself where it has none",
                    order.name,
                    twin.id
                );
                continue;
            }
            tracing::warn!(
                "two pods have the name `{}`: deleting `{}`, keeping `{}`",
                order.name,
                twin.id,
                kept.id
            );
            if let Err(error) = self.remove_pod(&twin.id).await {
                // A list shows it, and it ends with its runner, which GitHub does not take twice.
                tracing::warn!("{}", chain(&error));
            }
        }
        Ok(Some((*kept).clone()))
    }
}

impl RunPod {
    /// Deletes a pod that is not to stay, and looks until RunPod does not know its ID and no list shows it: a list
    /// alone may be too late to show a pod that is so young. It loops here since a kind knows nothing of `fleet`, and
    /// nobody else would ask again: the launch tells of the other one.
    async fn remove_pod(&self, id: &str) -> Result<()> {
        until_ok(self.paces.alone, async || {
            self.delete(id).await?;
            let look = |failure| explain(failure, format!("could not look at the pod `{id}`"));
            if self.api.pod_at_once(id).await.map_err(look)?.is_some() {
                return Err(ending::still_there(id, "RunPod still shows it"));
            }
            let pods = self.api.pods_since(Moment::now()).await?;
            if pods.iter().any(|pod| pod.id == id && !pod.is_gone()) {
                return Err(ending::still_there(id, "it is still listed"));
            }
            Ok(())
        })
        .await
    }
}

/// The machine of an order.
fn machine(place: &str, pod: &Pod, order: &Order, candidate: Option<&Candidate>) -> Instance {
    // An answer that leaves the variables out is about this very order all the same.
    let tags = pod.tags.clone().unwrap_or_else(|| order.tags.clone());
    let mut instance = pod.machine(place, tags);
    if let Some(candidate) = candidate {
        instance.rental = instance.rental.or(&candidate.rental());
    }
    instance
}
