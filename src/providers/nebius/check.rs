//! Whether the credentials and the settings work, changing nothing.

use std::collections::BTreeMap;

use super::candidates::candidates;
use super::config::Product;
use super::doom::list;
use super::prices::{LISTED, estimate, resources};
use super::wire::{Disk, Platform};
use super::{LEAVES_DISK, Nebius, Service, api};
use crate::model::chain;
use crate::providers::{Error, ErrorKind, Health, Result};

impl Nebius {
    /// Gets a token, and reads all that a runner's life reads. Whether machines may be made and ended, only
    /// making one would show.
    pub(super) async fn examine(&self) -> Result<Health> {
        let project = self.project()?;
        let mut health = Health::default();
        self.api.tokens().get(None).await?;
        let mut ours = 0;
        for service in [Service::Jobs, Service::Vms] {
            let doing = format!("could not list the {}s of `{project}`", service.noun());
            match self.found(service).await {
                Ok(found) => ours += found.len(),
                Err(refusal) => {
                    let error = refusal.explain(doing);
                    if error.kind != ErrorKind::Denied || service == self.own() {
                        return Err(error);
                    }
                    // Machines of the other product cannot be seen: `list` will say so each time.
                    health.warnings.push(chain(&error));
                }
            }
        }
        let who = self.api.tokens().source().describe();
        health
            .facts
            .push(format!("{who} in `{project}` at {}", self.api.base()));
        let subnet = self.subnet().await?;
        health.facts.push(format!("subnet `{subnet}`"));
        self.examine_candidates(&mut health).await?;
        if ours > 0 {
            health
                .facts
                .push(format!("{ours} machines of gharun's in the project"));
        }
        if self.config.product == Product::Vm {
            self.examine_disks(&mut health).await?;
            if self.config.service_account.is_none() {
                health.warnings.push(LEAVES_DISK.to_owned());
            }
        }
        Ok(health)
    }

    fn own(&self) -> Service {
        match self.config.product {
            Product::Job => Service::Jobs,
            Product::Vm => Service::Vms,
        }
    }

    /// Whether the project knows what a launch would try, and has some of it.
    async fn examine_candidates(&self, health: &mut Health) -> Result<()> {
        let platforms = match self.platforms().await {
            Ok(platforms) => platforms,
            Err(error) if matches!(error.kind, ErrorKind::Denied | ErrorKind::Unexpected) => {
                health.warnings.push(chain(&error));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let stock = match self.stock().await {
            Ok(stock) => stock,
            Err(error) => {
                health.warnings.push(chain(&error));
                BTreeMap::new()
            }
        };
        let mut known = 0;
        for candidate in candidates(&self.config) {
            let platform = platforms
                .iter()
                .find(|one| one.metadata.name == candidate.platform);
            let has = |platform: &&Platform| {
                platform
                    .spec
                    .presets
                    .iter()
                    .any(|preset| preset.name == candidate.preset)
            };
            let Some(platform) = platform.filter(has) else {
                health.warnings.push(format!(
                    "the project does not offer {candidate}: skipping it"
                ));
                continue;
            };
            known += 1;
            if self.config.preemptible && !platform.status.allowed_for_preemptibles {
                health
                    .warnings
                    .push(format!("{candidate} is not available as preemptible"));
            }
            let price = resources(&candidate.preset).and_then(|resources| {
                let (spot, disk) = (self.config.preemptible, self.config.disk.size);
                estimate(&candidate.platform, resources, spot, disk.into())
            });
            let price =
                price.map(|price| format!("about ${price:.2} an hour (by the list of {LISTED})"));
            let mut told = vec![candidate.to_string()];
            told.extend(price);
            let stock = stock.get(&(candidate.platform, candidate.preset));
            told.extend(stock.map(|stock| format!("stock {stock}")));
            health.facts.push(told.join(", "));
        }
        if known == 0 {
            return Err(Error::setting(
                "preset",
                "the project has no platform with any of these presets",
            )
            .hinted(list(&self.config.table)));
        }
        Ok(())
    }

    /// Disks are looked for when their VM is gone.
    async fn examine_disks(&self, health: &mut Health) -> Result<()> {
        let disks = self.api.list::<Disk>(api::DISKS, self.project()?).await;
        if let Err(refusal) = disks {
            let error = refusal.explain("could not list the disks");
            if error.kind != ErrorKind::Denied {
                return Err(error);
            }
            health.warnings.push(chain(&error));
        }
        Ok(())
    }
}
