//! What a look found, with what else `stop` needs to know of its sources.

use std::collections::BTreeSet;

use super::sources::{Again, SourceListing};
use super::{Survey, SurveyRow, View};
use crate::model::{InstanceId, Name, Reference};
use crate::providers::{Listing, Silence, Unjudged};

/// A survey of all scopes, with what else `stop` needs to know of its sources.
pub(in crate::fleet) struct FullSurvey {
    pub(in crate::fleet) survey: Survey,
    /// Rows of machines that are there and cannot be judged: to be shown, and never acted upon.
    pub(super) unjudged: Vec<SurveyRow>,
    pub(super) places: Vec<SourceListing>,
    pub(super) all_opened: bool,
    pub(in crate::fleet) github_read: bool,
    pub(in crate::fleet) again: Again,
}

impl FullSurvey {
    /// Whether nothing kept a listing from showing a machine with this reference.
    pub(in crate::fleet) fn was_read(&self, reference: &Reference) -> bool {
        let read = self
            .places
            .iter()
            .find(|read| read.place.name == reference.provider);
        let place = reference.id.location.as_deref();
        read.is_some_and(|read| !matches!(read.listing.silence(place), Some(Silence::Unread(_))))
    }

    /// Whether a machine with this reference, which is in no listing, is proved not to be there.
    pub(in crate::fleet) fn is_absent(&self, reference: &Reference) -> bool {
        let mut places = self.places.iter();
        let read = places.find(|read| read.place.name == reference.provider);
        let place = reference.id.location.as_deref();
        read.is_some_and(|read| read.listing.silence(place).is_none())
    }

    /// Whether its own table shows a machine with this reference that has this name.
    pub(in crate::fleet) fn shows(&self, reference: &Reference, name: &Name) -> bool {
        let mut places = self.places.iter();
        let Some(read) = places.find(|read| read.place.name == reference.provider) else {
            return false;
        };
        let (provider, id) = (&read.place.provider, self.id(reference));
        let mut machines = read.listing.instances.iter();
        machines.any(|one| one.tags.name == *name && provider.is_same(&one.id, &id))
    }

    /// Whether nothing kept the listings from showing a machine of this name.
    pub(in crate::fleet) fn all_read(&self, name: &Name, view: &View) -> bool {
        let scope = view.scope.as_deref();
        let read = |listing: &Listing| listing.shows_all(name, &view.server, scope);
        self.all_opened && self.places.iter().all(|one| read(&one.listing))
    }

    /// The places that were looked at, each with whose it is where it tells.
    pub(in crate::fleet) fn asked(&self) -> Vec<String> {
        let places = self.places.iter();
        let asked = places.map(|read| {
            let name = &read.place.name;
            let mut vague = read.listing.vague.iter();
            match vague.find(|(place, _)| place.is_none()) {
                Some((_, whose)) => format!("`{name}` ({whose})"),
                None => format!("`{name}`"),
            }
        });
        asked.collect()
    }

    /// A reference's id, without its place where that does not tell whose it is: written as earlier versions did.
    pub(in crate::fleet) fn id(&self, reference: &Reference) -> InstanceId {
        let mut places = self.places.iter();
        let read = places.find(|read| read.place.name == reference.provider);
        let silence = read.and_then(|read| read.listing.silence(reference.id.location.as_deref()));
        let is_vague = matches!(silence, Some(Silence::Vague(_)));
        InstanceId {
            location: reference.id.location.clone().filter(|_| !is_vague),
            id: reference.id.id.clone(),
        }
    }

    /// What cannot be told of machines that cannot be judged, and that none of these references means.
    pub(in crate::fleet) fn of_other_machines(&self, machines: &[Reference]) -> BTreeSet<String> {
        let named: Vec<&Unjudged> = machines
            .iter()
            .filter_map(|machine| self.unjudged(machine))
            .collect();
        let all = self.places.iter().flat_map(|read| {
            let unjudged = read.listing.unjudged.iter();
            unjudged.map(move |one| (read, one))
        });
        // Two tables may show one place.
        let is_named = |read: &SourceListing, one: &Unjudged| {
            let mut named = named.iter();
            let shares_ids = read.place.provider.shares_ids();
            named.any(|named| std::ptr::eq(*named, one) || shares_ids && named.id == one.id)
        };
        all.filter(|(read, one)| !is_named(read, one))
            .map(|(read, one)| read.place.reference(&one.id).to_string())
            .collect()
    }

    /// The machines that cannot be judged, and whose tags do not say that they are another scope's.
    pub(in crate::fleet) fn unjudged_of(&self, view: &View) -> Vec<(&Unjudged, Reference)> {
        let Some(scope) = view.scope.as_deref() else {
            return Vec::new();
        };
        let mut all: Vec<(&Unjudged, Reference)> = Vec::new();
        for read in &self.places {
            for one in &read.listing.unjudged {
                // Two tables may show one place.
                let is_shown =
                    |other: &Unjudged| read.place.provider.shares_ids() && other.id == one.id;
                let is_new = !all.iter().any(|(other, _)| is_shown(other));
                if is_new && !one.is_of_others(&view.server, Some(scope)) {
                    all.push((one, read.place.reference(&one.id)));
                }
            }
        }
        all
    }

    /// The machine that a reference means, where it is there and nobody can tell whose it is.
    pub(in crate::fleet) fn unjudged(&self, reference: &Reference) -> Option<&Unjudged> {
        let mut places = self.places.iter();
        let read = places.find(|read| read.place.name == reference.provider)?;
        let (provider, id) = (&read.place.provider, self.id(reference));
        let mut unjudged = read.listing.unjudged.iter();
        unjudged.find(|one| provider.is_same(&one.id, &id))
    }
}
