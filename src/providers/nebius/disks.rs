//! Disks. One goes with its VM; one that is left behind is billed until somebody removes it.

use super::config::Product;
use super::failure::{ApiRefusal, ErrorClass};
use super::machine::instance;
use super::wire::Disk;
use super::{Nebius, Service, api, labels, prices};
use crate::model::{Condition, Instance, InstanceId, Price, Rental, chain};
use crate::providers::{Error, ErrorKind, Result, Termination, Unjudged};

/// What the id of a disk begins with, as Nebius's description has it.
const KIND: &str = "computedisk";

/// How many listings in a row have to miss a disk that is gone.
const LISTINGS: usize = 2;

/// How a disk is shown that lost its VM.
const BILLED: &str = "its VM is gone; its disk is still billed";

/// Whether an id is a disk's.
pub(super) fn is_disk(id: &str) -> bool {
    let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    matches!(id.split_once('-'), Some((KIND, rest)) if plain && !rest.is_empty())
}

impl Nebius {
    /// All disks of the project.
    pub(super) async fn disks(&self) -> Result<Vec<Disk>, ApiRefusal> {
        let project = self.project();
        let project = project.map_err(|error| ApiRefusal::Unsent(Box::new(error)))?;
        self.api.list(api::DISKS, project).await
    }

    /// The disk with this id. Paths are not proved, so that a 404 alone says nothing: the listings decide.
    pub(super) async fn disk(&self, id: &str) -> Result<Option<Disk>, ApiRefusal> {
        match self.api.get(api::DISKS, id).await {
            Ok(disk) => Ok(Some(disk)),
            Err(refusal) if refusal.is_missing() => {
                self.find_disk(|disk| disk.metadata.id == id).await
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// The disk that is so. It takes two listings to miss one, of which the second is begun after the first was read: a
    /// disk may be missed while the pages of a listing shift below others that go.
    async fn find_disk(&self, so: impl Fn(&Disk) -> bool) -> Result<Option<Disk>, ApiRefusal> {
        for _ in 0..LISTINGS {
            let found = self.disks().await?.into_iter().find(&so);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Where disks may not be seen there are none to speak of, and that is said where the product has some. Once a VM of
    /// ours was seen, one of them may be left.
    pub(super) fn pass_over(&self, refusal: ApiRefusal) -> Result<(), ApiRefusal> {
        let is_vm = |id: &String| Service::of(id) == Some(Service::Vms);
        let has_vms = self.memory().names.keys().any(is_vm);
        if !refusal.hides() || has_vms && !refusal.is_missing() {
            return Err(refusal);
        }
        let error = refusal.explain("could not check whether disks are left");
        match self.config.product {
            Product::Vm => self.said.warn(chain(&error)),
            // An account for jobs may have no right to them.
            Product::Job => tracing::debug!("{}", chain(&error)),
        }
        Ok(())
    }

    /// Disks that lost their VM, as machines that ended, given the machines that are there. While a start may be
    /// at work on one its VM may be on its way: such a one is not shown.
    pub(super) fn left_of(&self, disks: &[Disk], there: &[Instance]) -> Result<Vec<Instance>> {
        let place = self.place()?;
        // By Nebius's clock, too: a disk is shown before its VM is, and is not to be taken for one that lost it.
        let now = self.api.at_least();
        Ok(disks
            .iter()
            .filter(|disk| labels::is_ours(&disk.metadata.labels) && disk.is_free())
            .filter_map(|disk| {
                let state = Condition::Ended(BILLED.to_owned());
                let price = prices::of_disk(disk.spec.size_gibibytes.0);
                instance(&place, &disk.metadata, state, billed(price)).ok()
            })
            .filter(|disk| is_disk(&disk.id.id) && disk.tags.ready_by < now)
            .filter(|disk| !there.iter().any(|one| one.tags.name == disk.tags.name))
            .collect())
    }

    /// Disks that are no VM's and say that they are ours, with labels that cannot be read.
    pub(super) fn unjudged(&self, disks: &[Disk]) -> Result<Vec<Unjudged>> {
        let place = self.place()?;
        let free = disks.iter().filter(|disk| {
            labels::is_ours(&disk.metadata.labels) && disk.is_free() && is_disk(&disk.metadata.id)
        });
        let judged = free.filter_map(|disk| {
            let state = Condition::Ended(BILLED.to_owned());
            let judged = instance(&place, &disk.metadata, state, Rental::default());
            judged.err().map(|unjudged| *unjudged)
        });
        Ok(judged.collect())
    }

    /// Disks of VMs whose end was asked for here and that are gone, as those VMs: whoever asks again removes
    /// them. Their start may still be at work.
    pub(super) fn left_of_ended(
        &self,
        disks: &[Disk],
        there: &[Instance],
    ) -> Result<Vec<Instance>> {
        let place = self.place()?;
        let memory = self.memory();
        let gone = memory.ends.keys().filter(|id| {
            Service::of(id) == Some(Service::Vms) && !there.iter().any(|one| one.id.id == **id)
        });
        let left = gone.filter_map(|id| {
            let name = memory.names.get(id)?;
            let disk = disks.iter().find(|disk| is_disk_of(disk, name))?;
            let price = prices::of_disk(disk.spec.size_gibibytes.0);
            let state = Condition::Ended(BILLED.to_owned());
            let mut left = instance(&place, &disk.metadata, state, billed(price)).ok()?;
            left.id.id.clone_from(id);
            Some(left)
        });
        Ok(left.collect())
    }

    /// Asks for the end of a disk that a listing has shown by itself.
    pub(super) async fn remove_left_disk(&self, id: &InstanceId) -> Result<Termination> {
        let doing = || format!("could not remove the disk `{id}`");
        let found = self.disk(&id.id).await;
        let found = found.map_err(|refusal| refusal.explain(doing()))?;
        let Some(disk) = found else {
            return Ok(Termination::Gone);
        };
        if !labels::is_ours(&disk.metadata.labels) {
            let what = format!("gharun did not create the disk `{}`", id.id);
            return Err(Error::new(ErrorKind::Denied, what)
                .hinted("remove it yourself in Nebius's console"));
        }
        if !disk.is_free() {
            let what = format!("the disk `{}` belongs to a VM", id.id);
            return Err(
                Error::new(ErrorKind::Denied, what).hinted("end the VM: its disk goes with it")
            );
        }
        match self.ask_to_remove(&disk).await {
            Ok(()) => Ok(Termination::Accepted),
            Err(refusal) => Err(refusal.explain(doing())),
        }
    }

    async fn ask_to_remove(&self, disk: &Disk) -> Result<(), ApiRefusal> {
        match self.api.delete(api::DISKS, &disk.metadata.id).await {
            Ok(_) => Ok(()),
            Err(refusal) if refusal.is_missing() || *refusal.meaning() == ErrorClass::State => {
                Ok(())
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// A managed disk goes with its VM. Should it be left, it is ours to remove.
    pub(super) async fn remove_disk(&self, id: &InstanceId, name: &str) -> Result<Termination> {
        let doing = format!("could not remove the disk of the VM `{id}`");
        let found = match self.find_disk(|disk| is_disk_of(disk, name)).await {
            Ok(found) => found,
            Err(refusal) if refusal.is_missing() => {
                let error = refusal.explain("could not check whether disks are left");
                self.said.warn(chain(&error));
                return Ok(Termination::Gone);
            }
            Err(refusal) => return Err(refusal.explain(doing)),
        };
        let Some(disk) = found else {
            return Ok(Termination::Gone);
        };
        match self.ask_to_remove(&disk).await {
            Ok(()) => Ok(Termination::Accepted),
            Err(refusal) => Err(refusal.explain(doing)),
        }
    }
}

/// What is billed of a VM that is gone.
fn billed(price: f64) -> Rental {
    Rental {
        price: Some(Price::listed(price, prices::LISTED)),
        ..Rental::default()
    }
}

/// Whether a disk is that of our VM of this name.
fn is_disk_of(disk: &Disk, name: &str) -> bool {
    labels::is_ours(&disk.metadata.labels) && disk.metadata.name == name
}
