//! Machines looked for, in all regions side by side.

use aws_sdk_ec2::types::{Filter, Instance as Found};
use futures_util::future::join_all;

use super::clients::Server;
use super::config::Search;
use super::failure::ApiError;
use super::machine::{ended_machine, is_gone, judged};
use super::{Aws, Shown, account, place_of, places};
use crate::model::{InstanceId, MANAGED_BY, lock};
use crate::providers::{Error, ErrorKind, Listing, Result, Unread};

/// How many instances a page holds. <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html>
const PAGE: i32 = 1000;

/// Which regions are looked at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Breadth<'a> {
    /// All that the settings search.
    Everywhere,
    /// Those where machines are launched, and those of these machines.
    Near(&'a [InstanceId]),
}

impl Aws {
    /// Lists the machines of some regions.
    pub(super) async fn look(&self, breadth: Breadth<'_>) -> Listing {
        let mut listing = Listing::default();
        let unread = |place, error| Unread {
            location: place,
            error,
        };
        let (own, further, why) = match self.searched(breadth).await {
            Ok(searched) => searched,
            Err(error) => {
                listing.unread.push(unread(None, error));
                return listing;
            }
        };
        listing.unread.extend(why.map(|error| unread(None, error)));
        listing.is_partial = matches!(breadth, Breadth::Near(_)) && !self.is_all(&own);
        let asked = own.iter().chain(&further);
        let answers = join_all(asked.map(|region| self.ours(region))).await;
        // Without it nobody knows whose instances are not there.
        let account = match self.account(&own[0]).await {
            Ok(account) => account,
            Err(error) => {
                let failed = answers.into_iter().take(own.len()).filter_map(Result::err);
                let failed: Vec<_> = failed.map(|error| unread(None, error)).collect();
                let all = if failed.is_empty() {
                    vec![unread(None, error)]
                } else {
                    failed
                };
                listing.unread.extend(all);
                return listing;
            }
        };
        let whose = account::whose(&account);
        let place = |region: &str| places::place(region, &account);
        listing.vague.push((None, whose.clone()));
        // Where that cannot be told, no region has answered, and there is nothing to judge.
        let server = self.clients.server().await.unwrap_or(Server::Aws);
        let mut denied = Vec::new();
        for (n, (region, answer)) in own.iter().chain(&further).zip(answers).enumerate() {
            match answer {
                Ok(found) => {
                    self.note_reasons(&found);
                    listing.read.push(place(region));
                    listing
                        .vague
                        .push((Some(places::vague(region)), whose.clone()));
                    self.judge(&place(region), &found, server, &mut listing);
                }
                // Where nothing may be done nothing was launched; an organization's rules often say so.
                Err(error) if n >= own.len() && error.kind == ErrorKind::Denied => {
                    denied.push(region.as_str());
                }
                Err(error) => listing.unread.push(unread(Some(place(region)), error)),
            }
        }
        if !denied.is_empty() {
            self.said.warn(format!(
                "skipping regions that these credentials may not search: {}",
                denied.join(", ")
            ));
        }
        listing
    }

    /// The regions of the settings, of named machines, and of ends that were asked for; the further ones to look at; and
    /// why there may be more.
    async fn searched(
        &self,
        breadth: Breadth<'_>,
    ) -> Result<(Vec<String>, Vec<String>, Option<Error>)> {
        let mut named = lock(&self.memory).asked.clone();
        if let Breadth::Near(machines) = breadth {
            let places = machines.iter().filter_map(|id| place_of(id).ok());
            named.extend(places.map(|place| place.region));
        }
        let mut own = match (self.clients.regions().await, breadth) {
            (Ok(own), _) => own,
            // Without a region of its own nothing is launched, and a named machine says its region.
            (Err(error), Breadth::Near(_))
                if error.kind == ErrorKind::Config && !named.is_empty() =>
            {
                Vec::new()
            }
            (Err(error), _) => return Err(error),
        };
        named.retain(|region| !own.contains(region));
        own.extend(named);
        let home = own[0].clone();
        if let Breadth::Near(_) = breadth {
            return Ok((own, Vec::new(), None));
        }
        let (mut further, why) = match &self.config.search_regions {
            Search::List(list) => (list.clone(), None),
            Search::Text(_) => match self
                .enabled
                .get(async || self.enabled_regions(&home).await)
                .await
            {
                Ok(regions) => (regions, None),
                Err(error) if error.kind == ErrorKind::Denied => {
                    self.said.warn(format!(
                        "searching {} only: {error} (or set `search_regions`)",
                        own.join(", ")
                    ));
                    (Vec::new(), None)
                }
                Err(error) => (Vec::new(), Some(error)),
            },
        };
        further.retain(|region| !own.contains(region));
        further.sort();
        further.dedup();
        Ok((own, further, why))
    }

    /// Whether the settings search no other regions than these.
    fn is_all(&self, regions: &[String]) -> bool {
        match &self.config.search_regions {
            Search::List(list) => list.iter().all(|region| regions.contains(region)),
            Search::Text(_) => false,
        }
    }

    /// The regions that the account has enabled.
    async fn enabled_regions(&self, region: &str) -> Result<Vec<String>> {
        let client = self.clients.ec2(region).await?;
        let answer = client.describe_regions().send().await.map_err(|error| {
            ApiError::of(&error)
                .sent_with(self.clients.origin(region))
                .explain("could not list the regions", "ec2:DescribeRegions")
        })?;
        let regions = answer.regions.unwrap_or_default().into_iter();
        Ok(regions.filter_map(|region| region.region_name).collect())
    }

    /// Adds the machines of a region to a listing.
    fn judge(&self, place: &str, found: &[Found], server: Server, listing: &mut Listing) {
        let mut memory = lock(&self.memory);
        for found in found {
            match judged(place, found, memory.known(server)) {
                // Whoever asked for its end knows.
                Some(Ok(machine)) if is_gone(found) && memory.ended.contains(&machine.id.id) => {}
                Some(Ok(machine)) => {
                    if !is_gone(found) {
                        memory.shown.insert(machine.id.clone(), Shown::now(found));
                    }
                    listing.instances.push(machine);
                }
                Some(Err(unjudged)) => listing.unjudged.push(unjudged),
                None if memory.awaits(found) => {
                    let ended = ended_machine(place, found);
                    memory
                        .spent
                        .extend(ended.iter().map(|ended| ended.id.clone()));
                    listing.instances.extend(ended);
                }
                None => {}
            }
        }
    }

    /// The instances of a region that bear our tag, all pages.
    pub(super) async fn ours(&self, region: &str) -> Result<Vec<Found>> {
        let filter = Filter::builder()
            .name(format!("tag:{}", MANAGED_BY.0))
            .values(MANAGED_BY.1);
        self.instances(region, filter.build()).await
    }

    /// The instances of a region that a filter lets through, all pages.
    pub(super) async fn instances(&self, region: &str, filter: Filter) -> Result<Vec<Found>> {
        let client = self.clients.ec2(region).await?;
        let pages = client
            .describe_instances()
            .filters(filter)
            .max_results(PAGE)
            .into_paginator()
            .items()
            .send();
        let found = pages
            .collect::<Result<Vec<_>, _>>()
            .await
            .map_err(|error| {
                let doing = format!("could not list the instances in `{region}`");
                ApiError::of(&error)
                    .sent_with(self.clients.origin(region))
                    .explain(doing, "ec2:DescribeInstances")
            })?;
        self.note_owner(&found);
        let instances = found.into_iter().filter_map(|found| found.instances);
        Ok(instances.flatten().collect())
    }
}
