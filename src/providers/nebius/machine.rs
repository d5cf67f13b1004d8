//! Jobs and VMs as machines.

use jiff::Timestamp;

use super::candidates::{Candidate, Market, Priced};
use super::failure::{ErrorClass, OrderFault, describe_service};
use super::labels;
use super::prices::{LISTED, estimate, of_disk, resources};
use super::wire::{Job, Metadata, StateDetails, Vm};
use crate::model::boot_exit::{code_in, meaning as meaning_of};
use crate::model::{Condition, Instance, InstanceId, Price, Rental};
use crate::providers::Unjudged;

/// A GiB in bytes.
const GIB: u64 = 1 << 30;

/// A machine as one of the services has it.
#[derive(Clone, Debug)]
pub(super) struct ListedMachine {
    /// What it is, or that its labels say that it is ours, and cannot be read.
    pub(super) machine: Result<Instance, Box<Unjudged>>,
    /// What the service calls it.
    pub(super) id: String,
    /// What it is made of, on its own terms.
    pub(super) priced: Priced,
    /// Its state, in the service's words.
    pub(super) stage: String,
    /// Why the order for it came to nothing, where the service says so.
    pub(super) fault: Option<OrderFault>,
    /// Whether a job has got a machine that runs: then there was room.
    pub(super) is_placed: bool,
    /// The public address of a VM.
    pub(super) address: Option<String>,
}

/// How a job's container failed. What it printed Nebius shows, and does not tell here.
fn failed(id: &str, why: Option<&str>) -> String {
    let code = why.and_then(code_in);
    let how = match (code.and_then(|code| Some((code, meaning_of(code)?))), why) {
        (Some((code, meaning)), Some(why)) => {
            let bare = format!("exit code {code}");
            let whose = format!("{bare} of gharun's boot script");
            format!("{meaning} ({})", why.replacen(&bare, &whose, 1))
        }
        (_, Some(why)) => why.to_owned(),
        (_, None) => "Nebius gives no reason".to_owned(),
    };
    format!(
        "its container failed: {how}; its log: `nebius ai job logs {id}`, or that job at https://console.nebius.com"
    )
}

/// A machine, where its labels can be read.
pub(super) fn instance(
    place: &str,
    metadata: &Metadata,
    state: Condition,
    rental: Rental,
) -> Result<Instance, Box<Unjudged>> {
    let id = InstanceId {
        location: Some(place.to_owned()),
        id: metadata.id.clone(),
    };
    let tag = |key: &str| labels::read(&metadata.labels, key);
    let Some(tags) = labels::tags(&metadata.labels) else {
        return Err(Box::new(Unjudged::by_tags(id, tag)));
    };
    let created = metadata
        .created_at
        .as_deref()
        .and_then(|at| at.parse::<Timestamp>().ok());
    Ok(Instance {
        id,
        state,
        created: created.unwrap_or(tags.created),
        tags,
        ended: None,
        rental,
    })
}

/// A job as a machine.
pub(super) fn of_job(place: &str, job: &Job) -> ListedMachine {
    let spec = &job.spec;
    let market = if spec.preemptible {
        Market::Preemptible
    } else {
        Market::OnDemand
    };
    let disk = spec.disk.size_bytes.0 / GIB;
    let price = resources(&spec.preset)
        .and_then(|resources| estimate(&spec.platform, resources, market, disk));
    let candidate = Candidate {
        platform: spec.platform.clone(),
        preset: spec.preset.clone(),
    };
    let details = job.status.state_details.as_ref();
    let stage = job.status.state.clone();
    let why = details.map(describe).filter(|why| !why.is_empty());
    let with = |what: &str| match &why {
        Some(why) => format!("{what}: {why}"),
        None => what.to_owned(),
    };
    let condition = match stage.as_str() {
        "RUNNING" => Condition::Running,
        "COMPLETED" => Condition::Ended("its container ended".to_owned()),
        "FAILED" => Condition::Ended(failed(&job.metadata.id, why.as_deref())),
        "CANCELLED" => Condition::Ended(with("it was cancelled, or ran out of time")),
        "CANCELLING" => Condition::Ended(with("being cancelled")),
        "DELETING" => Condition::Ended("being deleted".to_owned()),
        "ERROR" => Condition::Ended(with("Nebius could not run it")),
        _ => Condition::Pending,
    };
    let fault = details
        .filter(|_| stage == "ERROR" || stage == "FAILED")
        .and_then(|details| {
            let why = why.clone().unwrap_or_else(|| "no capacity".to_owned());
            OrderFault::of(&meaning(details), why)
        });
    // Nothing of a job that has ended is billed.
    let price = price.filter(|_| !matches!(condition, Condition::Ended(_)));
    // One that waits for a machine may be told with the one that is being made for it.
    let is_placed = stage != "PROVISIONING"
        && job.status.instances.iter().any(|one| {
            !one.compute_instance_id.is_empty() && one.compute_instance_state == "RUNNING"
        });
    ListedMachine {
        machine: instance(
            place,
            &job.metadata,
            condition,
            Rental {
                price: price.map(|price| Price::listed(price, LISTED)),
                ..candidate.rental(market)
            },
        ),
        id: job.metadata.id.clone(),
        priced: Priced {
            candidate,
            market,
            disk,
        },
        stage,
        fault,
        is_placed,
        address: None,
    }
}

/// What the details of a job that ended mean.
fn meaning(details: &StateDetails) -> ErrorClass {
    let error = details.service_error.as_ref();
    match error.and_then(ErrorClass::of_service) {
        Some(meaning) => meaning,
        None if details.code.eq_ignore_ascii_case("NotEnoughResources") => ErrorClass::Full,
        None => ErrorClass::Unknown,
    }
}

fn describe(details: &StateDetails) -> String {
    let error = details.service_error.as_ref().and_then(describe_service);
    let mut parts: Vec<String> = Vec::new();
    for part in [
        details.code.as_str(),
        details.message.as_str(),
        error.as_deref().unwrap_or_default(),
    ] {
        if !part.is_empty() && !parts.iter().any(|known| known == part) {
            parts.push(part.to_owned());
        }
    }
    crate::model::text::one_line(&parts.join(": "))
}

/// A VM as a machine.
pub(super) fn of_vm(place: &str, vm: &Vm) -> ListedMachine {
    let spec = &vm.spec;
    let stage = vm.status.state.clone();
    let candidate = Candidate {
        platform: spec.resources.platform.clone(),
        preset: spec.resources.preset.clone(),
    };
    let disk = spec.boot_disk.managed_disk.spec.size_gibibytes.0;
    let market = match &spec.preemptible {
        Some(_) => Market::Preemptible,
        None => Market::OnDemand,
    };
    let price = match resources(&spec.resources.preset) {
        _ if stage == "STOPPED" => Some(of_disk(disk)),
        Some(resources) => estimate(&spec.resources.platform, resources, market, disk),
        None => None,
    };
    let condition = match stage.as_str() {
        "RUNNING" | "UPDATING" => Condition::Running,
        // It powered itself off, or was taken away: nothing starts it again.
        "STOPPING" => Condition::Ended("stopping".to_owned()),
        "STOPPED" => Condition::Ended("stopped; its disk is still billed".to_owned()),
        "DELETING" => Condition::Ended("being deleted".to_owned()),
        "ERROR" => Condition::Ended("Nebius could not run it".to_owned()),
        _ => Condition::Pending,
    };
    ListedMachine {
        machine: instance(
            place,
            &vm.metadata,
            condition,
            Rental {
                price: price.map(|price| Price::listed(price, LISTED)),
                ..candidate.rental(market)
            },
        ),
        id: vm.metadata.id.clone(),
        priced: Priced {
            candidate,
            market,
            disk,
        },
        stage,
        fault: None,
        is_placed: false,
        address: address(vm),
    }
}

/// The public address of a VM, without its mask.
fn address(vm: &Vm) -> Option<String> {
    let mut all = vm.status.network_interfaces.iter();
    let address = &all.find_map(|one| one.public_ip_address.as_ref())?.address;
    let bare = address.split('/').next().unwrap_or_default();
    (!bare.is_empty()).then(|| bare.to_owned())
}
