//! Whether the credentials and the settings work, changing nothing.

use std::collections::BTreeMap;

use super::candidates::{candidates, is_for_keeps, is_offered};
use super::config::Product;
use super::home::told;
use super::wire::Disk;
use super::{LEAVES_DISK, Nebius, Service, api};
use crate::model::chain;
use crate::providers::{ErrorKind, Health, Result};

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
                    let error = self.located(refusal.explain(doing)).await;
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
        match self.home().await {
            Ok(home) => {
                health
                    .facts
                    .extend(told(&home).map(|place| format!("the project {place}")));
                health.warnings.extend(self.misplaced(&home));
                let region = Some(home.spec.region.clone()).filter(|region| !region.is_empty());
                self.memory().region = region;
            }
            // Its name is all that a launch needs.
            Err(error) => tracing::debug!("{}", chain(&error)),
        }
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
        let platforms = match self.known_platforms().await {
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
        let all = candidates(&self.config, Some(&platforms));
        let mut known = 0;
        for candidate in &all {
            if !is_offered(candidate, &platforms) {
                health.warnings.push(format!(
                    "skipping {candidate}: the project does not offer it"
                ));
                continue;
            }
            if self.config.preemptible && is_for_keeps(candidate, &platforms) {
                health.warnings.push(format!(
                    "skipping {candidate}: it is not available as preemptible"
                ));
                continue;
            }
            known += 1;
            let mut told = vec![candidate.to_string()];
            told.push(match self.price(candidate).await {
                Some(price) => price.to_string(),
                None => "price unknown".to_owned(),
            });
            let key = (candidate.platform.clone(), candidate.preset.clone());
            told.extend(stock.get(&key).map(|stock| format!("stock {}", stock.told)));
            health.facts.push(told.join(", "));
        }
        if known == 0 {
            return Err(self.not_offered(&all, &platforms));
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
