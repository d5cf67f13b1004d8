//! What a provider answers when it is asked for its machines.

use super::Error;
use crate::model::{Instance, InstanceId};

/// The machines of one provider that gharun launched, and the places that could not be read.
#[derive(Debug, Default)]
pub struct Listing {
    /// All machines of all places that answered.
    pub instances: Vec<Instance>,
    /// Machines that are in `instances` already, under another id.
    pub twins: Vec<Instance>,
    /// The places that were looked at, spelled as in a reference. Nothing is known of the machines of any
    /// other. A provider whose machines have no place in their ids leaves it empty.
    pub read: Vec<String>,
    /// The places that did not answer: nothing is known of their machines.
    pub unread: Vec<Unread>,
}

/// A place that could not be read.
#[derive(Debug)]
pub struct Unread {
    /// The place, spelled as in a reference; `None` is the whole provider.
    pub location: Option<String>,
    /// Why.
    pub error: Error,
}

/// Why a listing says nothing about a machine that it does not show.
#[derive(Debug)]
pub enum Silence<'a> {
    /// The machine's place is not among those that were looked at.
    Elsewhere,
    /// The machine's place could not be read.
    Unread(&'a Error),
}

impl Listing {
    /// The listing of a provider that could not be read at all.
    pub fn unread(error: Error) -> Self {
        Self {
            unread: vec![Unread {
                location: None,
                error,
            }],
            ..Self::default()
        }
    }

    /// Finds a machine by its id.
    pub fn find(&self, id: &InstanceId) -> Option<&Instance> {
        let mut all = self.instances.iter().chain(&self.twins);
        all.find(|machine| machine.id == *id)
    }

    /// Why it says nothing about the machines of a place that it does not show; `None`: they are not there.
    /// Without a `place` a machine may be in any that was looked at.
    pub fn silence(&self, place: Option<&str>) -> Option<Silence<'_>> {
        let mut unread = self.unread.iter();
        let unread = unread.find(|unread| {
            unread.location.is_none() || place.is_none() || unread.location.as_deref() == place
        });
        let elsewhere = || place.is_some_and(|place| !self.read.iter().any(|read| read == place));
        match unread {
            Some(unread) => Some(Silence::Unread(&unread.error)),
            None if elsewhere() => Some(Silence::Elsewhere),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::ErrorKind;

    #[test]
    fn an_absence_says_something_only_where_all_was_read() {
        let unread = |place: Option<&str>| Unread {
            location: place.map(str::to_owned),
            error: Error::new(ErrorKind::Unavailable, "it did not answer"),
        };
        let listing = |unread: Vec<Unread>| Listing {
            read: vec!["a".into(), "b".into()],
            unread,
            ..Listing::default()
        };
        let says = |listing: Listing| {
            [Some("a"), Some("b"), Some("c"), None].map(|place| match listing.silence(place) {
                None => "gone",
                Some(Silence::Elsewhere) => "elsewhere",
                Some(Silence::Unread(_)) => "unread",
            })
        };
        assert_eq!(says(listing(vec![])), ["gone", "gone", "elsewhere", "gone"]);
        assert_eq!(
            says(listing(vec![unread(Some("b"))])),
            ["gone", "unread", "elsewhere", "unread"]
        );
        assert_eq!(says(listing(vec![unread(None)])), ["unread"; 4]);
    }
}
