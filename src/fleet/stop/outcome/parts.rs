//! What an outcome of a stop is made of: what was stopped, kept, may still come, or could not be stopped.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Error, Name, Reference, cost_in_words, json};

/// Something that was stopped.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the JSON")]
pub struct Stopped {
    /// Its machine, where it had one.
    pub instance: Option<Reference>,
    /// The runner, where it is known.
    pub name: Option<Name>,
    /// Whether GitHub has no registration of it.
    pub deregistered: bool,
    /// Whether its machine is proved gone.
    pub terminated: bool,
    /// Whether its machine is taken for gone without that proof: its place does not have it, or cannot be asked any more,
    /// GitHub has no runner of it, or the user forced it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub assumed_gone: bool,
    /// Whether its machine is proved gone, and the listings by which it was chosen do not have it: then it is not said that
    /// this stop ended it.
    #[serde(skip)]
    pub already_gone: bool,
    /// Why its registration may still be there, though it was to be removed: its record stays, and the next stop tries again.
    #[serde(skip)]
    pub registered: Option<Error>,
    /// From the machine's creation to its end.
    #[serde(rename = "billed_s", serialize_with = "json::tenths_if_any")]
    pub billed: Option<Duration>,
    /// US dollars for it.
    #[serde(serialize_with = "json::dollars_if_any")]
    pub cost: Option<f64>,
    /// Whether it may have been less: it ended by itself, and nobody knows when.
    pub cost_at_most: bool,
    /// Why it was chosen.
    pub reason: String,
}

impl Stopped {
    /// Something of which nothing is proved, and no price is known.
    pub(in crate::fleet::stop) fn unproved(
        instance: Option<Reference>,
        name: Option<Name>,
        reason: String,
    ) -> Self {
        Self {
            instance,
            name,
            deregistered: false,
            terminated: false,
            assumed_gone: false,
            already_gone: false,
            registered: None,
            billed: None,
            cost: None,
            cost_at_most: false,
            reason,
        }
    }
}

/// What a stop's machines cost together.
#[derive(Clone, Debug, PartialEq)]
pub struct Total {
    /// How many machines were stopped.
    pub machines: usize,
    /// Of how many of them no price is known.
    pub unpriced: usize,
    /// US dollars for the others.
    pub cost: f64,
    /// Whether it may have been less.
    pub at_most: bool,
}

impl Total {
    /// The sum, in words.
    pub fn sum(&self) -> String {
        cost_in_words(self.cost, self.at_most)
    }

    /// The same in a sentence: `about $0.12 without 2 whose price is unknown`.
    pub(super) fn in_words(&self) -> String {
        let cost = self.sum();
        let about = if cost.starts_with('$') { "about " } else { "" };
        match self.unpriced {
            0 => format!("{about}{cost}"),
            unpriced => format!("{about}{cost} without {unpriced} whose price is unknown"),
        }
    }
}

/// Something that is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Its machine, where it has one.
    pub instance: Option<Reference>,
    /// The runner.
    pub name: Name,
    /// Why.
    pub reason: String,
    /// Whether it should be gone: its end was asked for, or its lifetime is over.
    #[serde(skip)]
    pub due: bool,
}

/// A runner without a machine whose creation may still be under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pending {
    /// The runner.
    pub name: Name,
    /// The second after which nothing comes any more.
    #[serde(serialize_with = "json::second")]
    pub until: Timestamp,
    /// What to type after that: it ends what came, or forgets what did not.
    pub command: String,
    /// Whether GitHub has no registration of it.
    #[serde(skip)]
    pub deregistered: bool,
    /// Why it was chosen.
    #[serde(skip)]
    pub reason: String,
}

impl Pending {
    /// What is said of it: the first whole minute in which it cannot come any more.
    pub fn word(&self) -> String {
        let minute = self.until.as_second().div_euclid(60) + 1;
        let until = Timestamp::from_second(minute * 60).unwrap_or(self.until);
        format!("may still come until {}", until.strftime("%H:%MZ"))
    }
}

/// Something that should have been stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unstopped {
    /// Its machine, where one is known.
    pub instance: Option<Reference>,
    /// The runner, where it is known.
    pub name: Option<Name>,
    /// What went wrong.
    #[serde(flatten)]
    pub error: Error,
    /// What to type to end it.
    pub command: String,
    /// Whether no repetition mends it.
    pub permanent: bool,
    /// Whether it is a registration only: no machine is left that could cost anything.
    pub registration_only: bool,
}

impl Unstopped {
    pub(in crate::fleet::stop) fn new(
        instance: Option<&Reference>,
        name: Option<&Name>,
        error: impl Into<Error>,
    ) -> Self {
        let what = instance
            .map(ToString::to_string)
            .or_else(|| name.map(ToString::to_string));
        Self {
            instance: instance.cloned(),
            name: name.cloned(),
            error: error.into(),
            command: what.map_or_else(
                || "gharun stop --orphans".to_owned(),
                |what| format!("gharun stop {what}"),
            ),
            permanent: false,
            registration_only: false,
        }
    }

    /// Something that no repetition mends.
    pub(in crate::fleet::stop) fn permanent(self) -> Self {
        Self {
            permanent: true,
            ..self
        }
    }

    /// Something that costs nothing.
    pub(in crate::fleet::stop) fn registration_only(self) -> Self {
        Self {
            registration_only: true,
            ..self
        }
    }

    pub(in crate::fleet::stop) fn hinted(self, hint: impl Into<String>) -> Self {
        Self {
            error: self.error.hinted(hint),
            ..self
        }
    }
}
