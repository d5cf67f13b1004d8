//! What a provider answers when it is asked for its machines.

use super::{Error, ErrorKind};
use crate::model::{Instance, InstanceId, Name};

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
    /// What may be one of the places in `read`, as earlier versions or people spell it, and whose those are. `None` is a
    /// reference without a place.
    pub vague: Vec<(Option<String>, String)>,
    /// The places that did not answer: nothing is known of their machines.
    pub unread: Vec<Unread>,
    /// Machines that are there and say that they are gharun's, and of which nobody can tell whose they are.
    pub unjudged: Vec<Unjudged>,
    /// Whether only a part of its places was looked at, see [`super::Provider::list_near`]: what has no place may be in any
    /// of the others, and so may what nothing is known of but its name.
    pub is_partial: bool,
}

/// Whose machine one that cannot be judged may be, among those of which no id is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MayBe {
    /// Anybody's: what its tags say was changed.
    Anybodys,
    /// That of nobody: gharun makes none like it.
    Nobodys,
    /// What its tags do not contradict.
    Tagged,
}

/// A machine that is there and cannot be judged: it is unknown, and neither ended nor taken for gone.
#[derive(Clone, Debug)]
pub struct Unjudged {
    /// What its place calls it.
    pub id: InstanceId,
    /// Its name, as far as it can be read.
    pub name: Option<Name>,
    /// Its server, as far as it can be read.
    pub server: Option<String>,
    /// Its scope, as far as it can be read.
    pub scope: Option<String>,
    /// Whether gharun made it for certain.
    pub is_ours: bool,
    /// Whether it may be ended by whoever names it: gharun made it, or nothing proves that it did not.
    pub by_name: bool,
    /// Whose machine it may be.
    pub may_be: MayBe,
    /// Why it cannot be judged.
    pub error: Error,
}

impl Unjudged {
    /// A machine with our mark and tags of which not all can be read.
    pub fn by_tags(id: InstanceId, tag: impl Fn(&str) -> Option<String>) -> Self {
        Self {
            name: tag("gharun-name").and_then(|name| name.parse().ok()),
            server: tag("gharun-server"),
            scope: tag("gharun-scope"),
            is_ours: true,
            by_name: true,
            may_be: MayBe::Tagged,
            error: Error::new(
                ErrorKind::Unexpected,
                "it is marked as gharun's, but its tags could not be read",
            ),
            id,
        }
    }

    /// The same for one that gharun did not make, whatever its tags say.
    pub fn foreign(self, error: Error) -> Self {
        Self {
            is_ours: false,
            by_name: false,
            error,
            ..self
        }
    }

    /// The same for one of which nothing but its tags tells who made it.
    pub fn unproved(self, error: Error) -> Self {
        Self {
            is_ours: false,
            error,
            ..self
        }
    }

    /// Whether its tags say, as far as they can be read and were not changed, that it is of another server or scope.
    /// GitHub's names know no case.
    pub fn is_of_others(&self, server: &str, scope: Option<&str>) -> bool {
        let differs = |tag: &Option<String>, ours: &str| {
            tag.as_ref()
                .is_some_and(|tag| !tag.eq_ignore_ascii_case(ours))
        };
        self.may_be != MayBe::Anybodys
            && (differs(&self.server, server)
                || scope.is_some_and(|scope| differs(&self.scope, scope)))
    }

    /// Whether it may be the machine of a runner of which no id is known.
    fn may_be_of(&self, name: &Name, server: &str, scope: Option<&str>) -> bool {
        match self.may_be {
            MayBe::Anybodys => true,
            MayBe::Nobodys => false,
            MayBe::Tagged if self.is_of_others(server, scope) => false,
            MayBe::Tagged => self.name.as_ref().is_none_or(|own| own == name),
        }
    }
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
    /// The machine's place may be one that was read, and may be another's of the same name; whose that was.
    Vague(&'a str),
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

    /// Whether nothing kept it from showing a machine of which only the name is known.
    pub fn shows_all(&self, name: &Name, server: &str, scope: Option<&str>) -> bool {
        !self.is_partial && self.unread.is_empty() && self.hides(name, server, scope).is_none()
    }

    /// The machine that cannot be judged and may be that of a runner of this server and scope.
    pub fn hides(&self, name: &Name, server: &str, scope: Option<&str>) -> Option<&Unjudged> {
        let mut unjudged = self.unjudged.iter();
        unjudged.find(|unjudged| unjudged.may_be_of(name, server, scope))
    }

    /// Whether a machine of this name is there that cannot be judged.
    pub fn is_damaged(&self, name: &Name) -> bool {
        let mut unjudged = self.unjudged.iter();
        unjudged.any(|unjudged| unjudged.name.as_ref() == Some(name))
    }

    /// The machine that cannot be judged and has this id.
    pub fn unjudged(&self, id: &InstanceId) -> Option<&Unjudged> {
        self.unjudged.iter().find(|unjudged| unjudged.id == *id)
    }

    /// Why it says nothing about the machines of a place that it does not show; `None`: they are not there.
    /// Without a `place` a machine may be in any that was looked at, and where not all were in any other.
    pub fn silence(&self, place: Option<&str>) -> Option<Silence<'_>> {
        let mut unread = self.unread.iter();
        let unread = unread.find(|unread| {
            unread.location.is_none() || place.is_none() || unread.location.as_deref() == place
        });
        let elsewhere = || place.is_some_and(|place| !self.read.iter().any(|read| read == place));
        let mut vague = self.vague.iter();
        let vague = vague.find(|(spelled, _)| spelled.as_deref() == place);
        match (unread, vague) {
            (Some(unread), _) => Some(Silence::Unread(&unread.error)),
            (None, _) if place.is_none() && self.is_partial => Some(Silence::Elsewhere),
            (None, Some((_, whose))) => Some(Silence::Vague(whose)),
            (None, None) if elsewhere() => Some(Silence::Elsewhere),
            (None, None) => None,
        }
    }
}

impl Listing {
    /// The same of a machine that may be in any of some places.
    pub fn silence_at(&self, places: &[String]) -> Option<Silence<'_>> {
        let mut silences = places.iter().map(|place| self.silence(Some(place)));
        silences.find_map(|silence| silence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::ErrorKind;

    #[test]
    fn a_machine_that_cannot_be_judged_may_be_any_that_it_does_not_contradict() {
        let id = InstanceId {
            location: Some("a".into()),
            id: "x".into(),
        };
        let (one, other) = ("gharun-tpa3w7oi2c5t41", "gharun-tpa3w7oi2c5t42");
        let name: Name = one.parse().expect("a name");
        let hides = |own: Option<&str>, scope: Option<&str>, may_be: MayBe| {
            let tag = |key: &str| match key {
                "gharun-name" => own.map(str::to_owned),
                "gharun-scope" => scope.map(str::to_owned),
                _ => None,
            };
            let unjudged = Unjudged {
                may_be,
                ..Unjudged::by_tags(id.clone(), tag)
            };
            let listing = Listing {
                unjudged: vec![unjudged],
                ..Listing::default()
            };
            listing
                .hides(&name, "github.com", Some("acme/app"))
                .is_some()
        };
        let tagged = MayBe::Tagged;
        assert!(hides(Some(one), None, tagged) && hides(None, Some("Acme/App"), tagged));
        assert!(hides(None, None, tagged) && hides(Some("?"), None, tagged));
        assert!(!hides(Some(other), None, tagged) && !hides(None, Some("acme/other"), tagged));
        assert!(hides(Some(other), Some("acme/other"), MayBe::Anybodys));
        assert!(!hides(None, None, MayBe::Nobodys));
    }

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
                Some(Silence::Vague(_)) => "vague",
            })
        };
        assert_eq!(says(listing(vec![])), ["gone", "gone", "elsewhere", "gone"]);
        assert_eq!(
            says(listing(vec![unread(Some("b"))])),
            ["gone", "unread", "elsewhere", "unread"]
        );
        assert_eq!(says(listing(vec![unread(None)])), ["unread"; 4]);
        let vague = || Listing {
            vague: vec![(Some("c".into()), "another".into()), (None, "it".into())],
            ..listing(vec![])
        };
        assert_eq!(says(vague()), ["gone", "gone", "vague", "vague"]);
        let partial = |listing: Listing| Listing {
            is_partial: true,
            ..listing
        };
        assert_eq!(
            says(partial(vague())),
            ["gone", "gone", "vague", "elsewhere"]
        );
        let unread = listing(vec![unread(Some("b"))]);
        assert_eq!(
            says(partial(unread)),
            ["gone", "unread", "elsewhere", "unread"]
        );
    }
}
