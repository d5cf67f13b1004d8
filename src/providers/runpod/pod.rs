//! One pod, as RunPod's answers describe it.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::request::TAGS;
use super::words::{cpus, gpus};
use crate::model::{Condition, Instance, InstanceId, MANAGED_BY, Name, Order, Price, Rental, Tags};
use crate::providers::{Error, ErrorKind, Unjudged};

/// How a pod ends whose host has failed.
pub(super) const BROKEN: &str = "RunPod reports the pod as failed, and gives no reason";

/// A pod, as much of it as is of use: not its variables, of which one holds the boot script.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Raw")]
pub(super) struct Pod {
    pub(super) id: String,
    pub(super) name: String,
    status: String,
    /// Whether its container was seen to run.
    running: bool,
    /// Whether it has the variable that holds our tags, readable or not.
    pub(super) marked: bool,
    pub(super) tags: Option<Tags>,
    /// What can be read of them where they are not whole: server and scope.
    pub(super) whose: (Option<String>, Option<String>),
    /// US dollars an hour.
    pub(super) cost: Option<f64>,
    pub(super) created: Option<Timestamp>,
    /// What was rented, as far as it is told.
    rental: Rental,
    /// How many virtual CPUs it has in all, where that is told.
    pub(super) vcpus: Option<u64>,
    /// How much memory it has in all, in GB, where that is told.
    pub(super) memory: Option<f64>,
    /// The command that gets a person in by RunPod's proxy, where the pod was made with `startSsh`.
    pub(super) ssh: Option<String>,
}

/// A pod as it comes. Official examples leave out what the description calls required.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    id: String,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    status: Value,
    #[serde(default)]
    env: Value,
    #[serde(default)]
    cost: Value,
    #[serde(default)]
    runtime: Value,
    #[serde(default)]
    created_at: Value,
    #[serde(default)]
    ssh: Value,
    #[serde(default)]
    gpu: Value,
    #[serde(default)]
    cpu: Value,
    #[serde(default)]
    cloud: Value,
    #[serde(default)]
    data_center_id: Value,
}

impl Raw {
    /// What was rented: RunPod has no names for machines.
    fn rental(&self) -> Rental {
        let text = |value: &Value| {
            value
                .as_str()
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let count = |of: &Value, key: &str| of[key].as_u64().and_then(|n| u32::try_from(n).ok());
        let gpu = text(&self.gpu["id"]).map(|id| gpus(count(&self.gpu, "count").unwrap_or(1), &id));
        let cpu =
            text(&self.cpu["id"]).map(|id| cpus(count(&self.cpu, "vcpuCount").unwrap_or(0), &id));
        Rental {
            machine_type: cpu,
            gpu,
            market: text(&self.cloud).map(|cloud| cloud.to_lowercase()),
            place: text(&self.data_center_id),
            price: None,
        }
    }
}

impl From<Raw> for Pod {
    fn from(raw: Raw) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mark = raw.env.get(TAGS).and_then(Value::as_str);
        let pairs = mark.and_then(|mark| serde_json::from_str::<Value>(mark).ok());
        let tag = |key: &str| Some(pairs.as_ref()?.get(key)?.as_str()?.to_owned());
        let rental = raw.rental();
        let has = if raw.gpu.is_null() {
            &raw.cpu
        } else {
            &raw.gpu
        };
        // Not known yet is not nothing.
        let vcpus = has["vcpuCount"].as_u64().filter(|count| *count > 0);
        let memory = has["memory"].as_f64().filter(|gb| *gb > 0.0);
        let foreign = tag(MANAGED_BY.0).is_some_and(|by| by != MANAGED_BY.1);
        Self {
            id: raw.id,
            name: text(&raw.name),
            status: text(&raw.status),
            running: !raw.runtime.is_null(),
            marked: mark.is_some() && !foreign,
            whose: (tag("gharun-server"), tag("gharun-scope")),
            tags: Tags::from_lookup(tag),
            cost: raw.cost.as_f64(),
            rental,
            vcpus,
            memory,
            created: raw.created_at.as_str().and_then(|time| time.parse().ok()),
            ssh: raw.ssh["proxy"]["command"].as_str().map(str::to_owned),
        }
    }
}

impl Pod {
    /// Whether nothing is left of it.
    pub(super) fn is_gone(&self) -> bool {
        self.status == "TERMINATED"
    }

    /// A pod with our mark, or a name that only gharun gives, whose tags cannot be read.
    pub(super) fn unjudged(&self, place: &str) -> Unjudged {
        let id = InstanceId {
            location: Some(place.to_owned()),
            id: self.id.clone(),
        };
        let (server, scope) = &self.whose;
        let unjudged = Unjudged::by_tags(id, |key| match key {
            "gharun-name" => Some(self.name.clone()),
            "gharun-server" => server.clone(),
            "gharun-scope" => scope.clone(),
            _ => None,
        });
        if self.marked {
            return unjudged;
        }
        unjudged.foreign(Error::new(
            ErrorKind::Unexpected,
            "it has a name of gharun's, and not its tags",
        ))
    }

    /// Whether it was made for an order.
    pub(super) fn is_of(&self, order: &Order) -> bool {
        self.tags.as_ref().is_some_and(|tags| order.owns(tags))
    }

    /// Whether it is what was to be rented: the same chips on the same terms.
    pub(super) fn is_what(&self, rental: &Rental) -> bool {
        let of = |rental: &Rental| (rental.machine_type.clone(), rental.gpu.clone());
        let market = self.rental.market.as_ref();
        of(&self.rental) == of(rental)
            && market.is_none_or(|market| Some(market) == rental.market.as_ref())
    }

    /// Whether its name is one that only gharun gives.
    pub(super) fn is_named_by_us(&self) -> bool {
        self.name.parse::<Name>().is_ok()
    }

    /// What it is doing.
    pub(super) fn state(&self) -> Condition {
        match self.status.as_str() {
            "ERROR" => Condition::Ended(BROKEN.to_owned()),
            "EXITED" => Condition::Ended("it was stopped".to_owned()),
            "TERMINATED" => Condition::Ended("it was deleted".to_owned()),
            // RunPod says so at once; that its container runs shows in `runtime`.
            "RUNNING" if self.running => Condition::Running,
            _ => Condition::Pending,
        }
    }

    /// The machine that it is, with these tags.
    pub(super) fn machine(&self, place: &str, tags: Tags) -> Instance {
        Instance {
            id: InstanceId {
                location: Some(place.to_owned()),
                id: self.id.clone(),
            },
            state: self.state(),
            created: self.created.unwrap_or(tags.created),
            tags,
            ended: None,
            rental: Rental {
                // What ended costs nothing by the hour but its volume, which the list does not tell. A price of 0 for a pod
                // that has not ended means that its price is not known yet.
                price: self
                    .cost
                    .filter(|cost| *cost > 0.0 || matches!(self.state(), Condition::Ended(_)))
                    .map(Price::live),
                ..self.rental.clone()
            },
        }
    }
}
