//! What each place says of its machines, and what of that another look may read better.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::timeout;

use super::looking::{LISTING, Looking};
use super::patience::patiently;
use super::{Unknown, View};
use crate::fleet::NamedProvider;
use crate::fleet::end::is_permanent;
use crate::model::{InstanceId, Reference};
use crate::providers::{self, Listing, Silence, Unjudged};

/// How long the places may take once there is little time.
const SOON: Duration = Duration::from_millis(1500);

/// What a place said.
pub(super) struct SourceListing {
    pub(super) place: NamedProvider,
    pub(super) listing: Listing,
    /// The parts of it that were looked at for the sake of machines there.
    near: BTreeSet<String>,
}

impl SourceListing {
    pub(super) async fn of(place: &NamedProvider, looking: Looking<'_>) -> Self {
        let listing = tokio::select! {
            listing = timeout(looking.within(LISTING), Self::listing(place, looking.near)) => listing.ok(),
            () = looking.hurried(SOON) => None,
        };
        let listing = listing.unwrap_or_else(|| {
            let message = format!("`{}` did not list its machines in time", place.name);
            let kind = providers::ErrorKind::Unavailable;
            Listing::unread(providers::Error::new(kind, message))
        });
        let near = looking.near.unwrap_or_default().iter();
        let near = near.filter(|one| one.provider == place.name);
        Self {
            place: place.clone(),
            listing,
            near: near.filter_map(|one| one.id.location.clone()).collect(),
        }
    }

    /// Whether a machine that is not listed was looked for wherever it may be.
    pub(super) fn was_looked_for(&self, id: Option<&InstanceId>) -> bool {
        let location = id.and_then(|id| id.location.as_ref());
        !self.listing.is_partial || location.is_some_and(|location| self.near.contains(location))
    }

    /// Lists the machines of a place, and asks again where the answer was lost.
    async fn listing(place: &NamedProvider, near: Option<&[Reference]>) -> Listing {
        let near = near.map(|near| {
            let near = near.iter().filter(|one| one.provider == place.name);
            near.map(|one| one.id.clone()).collect::<Vec<_>>()
        });
        let list = async || {
            let listing = match &near {
                Some(near) => list_near(place, near).await,
                None => place.provider.list().await,
            };
            listing.unwrap_or_else(Listing::unread)
        };
        patiently(list, |listing| {
            let mut unread = listing.unread.iter();
            unread.any(|unread| !is_permanent(&unread.error))
        })
        .await
    }

    /// What of what it could not read may be read another time.
    pub(super) fn again(&self) -> Again {
        let errors = self.listing.unread.iter().map(|unread| &unread.error);
        let each = errors.map(|error| match is_permanent(error) {
            true => Again::Nothing,
            false if error.nobody_listens() => Again::Started,
            false => Again::Something,
        });
        each.max().unwrap_or_default()
    }

    /// Whether a machine that is recorded, and that is not listed, is one that cannot be judged. A place that does not
    /// tell whose it is, as earlier versions wrote it, may be any.
    pub(super) fn hides_machine(&self, id: &InstanceId) -> bool {
        let is_vague = matches!(
            self.listing.silence(id.location.as_deref()),
            Some(Silence::Vague(_))
        );
        let bare = InstanceId {
            location: id.location.clone().filter(|_| !is_vague),
            id: id.id.clone(),
        };
        let provider = &self.place.provider;
        let mut unjudged = self.listing.unjudged.iter();
        unjudged.any(|one| one.id == *id || provider.is_same(&one.id, &bare))
    }

    /// What could not be read; of machines that cannot be judged those that may be of this scope.
    pub(super) fn unknown<'a>(&'a self, view: &'a View) -> impl Iterator<Item = Unknown> + 'a {
        let unread = self.listing.unread.iter().map(|unread| Unknown {
            source: unread.location.as_ref().map_or_else(
                || self.place.name.clone(),
                |part| format!("{}:{part}", self.place.name),
            ),
            error: unread.error.clone().any(),
        });
        let of_others = |one: &Unjudged| one.is_of_others(&view.server, view.scope.as_deref());
        let unjudged = self.listing.unjudged.iter();
        let unjudged = unjudged.filter(move |one| view.all_scopes || !of_others(one));
        unread.chain(unjudged.map(move |unjudged| {
            let reference = self.place.reference(&unjudged.id);
            let error = unjudged.error.clone().any();
            let error = match (&unjudged.server, &unjudged.scope) {
                _ if !unjudged.by_name && !error.hints().is_empty() => error,
                _ if !unjudged.by_name => {
                    error.hinted("see who changed its tags: gharun leaves it alone")
                }
                // Who names it has to work for its scope.
                _ if of_others(unjudged) => error,
                (Some(_), Some(_)) => {
                    error.hinted(format!("end it with `gharun stop {reference}`"))
                }
                _ => error.hinted(format!("end it with `gharun stop --force {reference}`")),
            };
            Unknown::new(reference.to_string(), error)
        }))
    }
}

/// Lists the machines near some, and all where one of these does not say where it is and is not shown.
async fn list_near(place: &NamedProvider, near: &[InstanceId]) -> providers::Result<Listing> {
    let listing = place.provider.list_near(near).await?;
    let shows = |id: &InstanceId| {
        let instances = listing.instances.iter().map(|machine| &machine.id);
        let mut all = instances.chain(listing.unjudged.iter().map(|one| &one.id));
        all.any(|listed| place.provider.is_same(listed, id))
    };
    let is_enough = |id: &InstanceId| id.location.is_some() || shows(id);
    if !listing.is_partial || near.iter().all(is_enough) {
        return Ok(listing);
    }
    place.provider.list().await
}

/// What another look may read, and this one could not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::fleet) enum Again {
    #[default]
    Nothing,
    /// Nobody listens where it would be: a program that is not running may yet be started.
    Started,
    Something,
    /// GitHub was given up early, so that machines are ended before it is waited for.
    GitHub,
}

impl Again {
    /// Whether something that failed may be read another time.
    pub(in crate::fleet) fn of(may_heal: bool) -> Self {
        if may_heal {
            Self::Something
        } else {
            Self::Nothing
        }
    }
}
