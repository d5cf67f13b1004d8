//! Which account the credentials belong to: to EC2 the instances of another account do not exist.

use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;

use super::failure::ApiError;
use super::places::{self, RegionOfAccount};
use super::{Aws, place_of};
use crate::model::{InstanceId, lock};
use crate::providers::{Error, ErrorKind, Result};

impl Aws {
    /// The number of the account that the credentials are of.
    pub(super) async fn account(&self, region: &str) -> Result<String> {
        // Whose instances there are, a listing tells as well, and some networks do not reach STS.
        let owner = lock(&self.memory).owner.clone();
        if let Some(owner) = owner {
            return Ok(owner);
        }
        let asked = self.account.get(async || {
            let caller = self.caller(region).await?;
            caller
                .account
                .filter(|account| !account.is_empty())
                .ok_or_else(|| {
                    let what = "AWS returned no account for these credentials";
                    Error::new(ErrorKind::Unexpected, what)
                })
        });
        asked.await
    }

    /// Whose the credentials are.
    pub(super) async fn caller(&self, region: &str) -> Result<GetCallerIdentityOutput> {
        let client = self.clients.sts(region).await?;
        client.get_caller_identity().send().await.map_err(|error| {
            ApiError::of(&error)
                .sent_with(self.clients.origin(region))
                .explain(
                    "could not look up the owner of the credentials",
                    "sts:GetCallerIdentity",
                )
        })
    }

    /// Makes sure that a place is not one of another account.
    ///
    /// # Errors
    ///
    /// It is ([`ErrorKind::Elsewhere`]), or AWS did not say whose the credentials are.
    pub(super) async fn is_of_account(
        &self,
        place: &RegionOfAccount,
        id: &InstanceId,
    ) -> Result<()> {
        if place.account.is_none() {
            return Ok(());
        }
        let account = self.account(&place.region).await?;
        if place.may_be_of(&account) {
            return Ok(());
        }
        let whose = whose(&account);
        Err(Error::new(
            ErrorKind::Elsewhere,
            format!(
                "the instance `{}` is in another account: these credentials are of {whose}",
                id.id
            ),
        )
        .hinted("use the credentials of the account that it was launched in"))
    }

    /// The error for an instance that the account does not have, where its reference does not say which account had it.
    pub(super) async fn not_found(&self, regions: &[String], id: &InstanceId) -> Result<Error> {
        let whose = whose(&self.account(&regions[0]).await?);
        Ok(Error::new(
            ErrorKind::NotFound,
            format!(
                "`{}` was not found in {whose} ({})",
                id.id,
                regions.join(", ")
            ),
        )
        .hinted(format!(
            "these are credentials of {whose}: make sure that it was launched there"
        )))
    }

    /// The id with its account, where it lacks that and the account has it.
    pub(super) async fn whole(&self, id: &InstanceId) -> Result<InstanceId> {
        if id.location.is_none() {
            return self.bare(id).await;
        }
        let place = place_of(id)?;
        if place.account.is_some() || self.found(&place.region, id).await?.is_none() {
            return Ok(id.clone());
        }
        let account = self.account(&place.region).await?;
        Ok(InstanceId {
            location: Some(places::place(&place.region, &account)),
            id: id.id.clone(),
        })
    }

    /// The id with its place, where it has none: it is looked for where machines are launched.
    async fn bare(&self, id: &InstanceId) -> Result<InstanceId> {
        let regions = self.clients.regions().await?;
        for region in &regions {
            let spelled = InstanceId {
                location: Some(places::vague(region)),
                id: id.id.clone(),
            };
            place_of(&spelled)?;
            if self.found(region, &spelled).await?.is_some() {
                return Box::pin(self.whole(&spelled)).await;
            }
        }
        Err(self.not_found(&regions, id).await?)
    }
}

/// An account as people are told of it: its whole number may be a secret of a workflow.
pub(super) fn whose(account: &str) -> String {
    let start = account.len().saturating_sub(3);
    format!("account …{}", account.get(start..).unwrap_or(account))
}

/// Whether two ids mean one instance. Its own id is its own in all of AWS; what is left out of a place contradicts
/// nothing.
pub(super) fn is_same(listed: &InstanceId, given: &InstanceId) -> bool {
    let place = |id: &InstanceId| id.location.as_deref().and_then(RegionOfAccount::read);
    listed.id == given.id
        && match (place(listed), place(given)) {
            (Some(listed), Some(given)) => {
                listed.region == given.region
                    && (given.account.is_none()
                        || listed.account.is_none()
                        || listed.account == given.account)
            }
            _ => given.location.is_none(),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_told_by_its_end() {
        assert_eq!(whose("123456789012"), "account …012");
        assert_eq!(whose("7"), "account …7");
    }

    #[test]
    fn ids_of_one_instance_are_the_same_however_whole_they_are() {
        let id = |place: Option<&str>, id: &str| InstanceId {
            location: place.map(str::to_owned),
            id: id.to_owned(),
        };
        let listed = id(Some("us_east_1_3fa9c1"), "i-0a");
        for place in [Some("us_east_1_3fa9c1"), Some("us_east_1"), None] {
            assert!(is_same(&listed, &id(place, "i-0a")), "{place:?}");
            assert!(!is_same(&listed, &id(place, "i-0b")), "{place:?}");
        }
        for place in ["us_east_1_3fa9c2", "us_east_2", "x"] {
            assert!(!is_same(&listed, &id(Some(place), "i-0a")), "{place}");
        }
    }
}
