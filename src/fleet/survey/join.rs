//! State file, places and GitHub, joined by the runners' names: pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::sources::SourceListing;
use super::{Doubts, SurveyRow, UnlistedBecause, View, of_github};
use crate::fleet::verdict::{Facts, MachineState, RegistrationState, Verdict};
use crate::fleet::{NamedProvider, Unopened};
use crate::github::Runner;
use crate::model::{Condition, Instance, Name, Price, PriceBasis, Rental, later};
use crate::providers::Silence;
use crate::state::{DoubtfulLaunch, Entries, RunnerRecord};

/// The three sources, about to be joined.
pub(super) struct Join<'a> {
    pub(super) view: &'a View,
    pub(super) now: Timestamp,
    /// See [`Facts::at_least`].
    pub(super) at_least: Timestamp,
    pub(super) places: &'a [SourceListing],
    pub(super) unopened: &'a [Unopened],
    pub(super) entries: Entries,
    /// `None` where GitHub was not, or could not be, read.
    pub(super) runners: Option<BTreeMap<Name, Runner>>,
}

impl Join<'_> {
    /// One row a runner, not yet judged.
    pub(super) fn rows(&self) -> Vec<SurveyRow> {
        let mut rows: Vec<SurveyRow> = self.machines();
        let with_machine: BTreeSet<Name> = rows.iter().map(|row| row.name.clone()).collect();
        for (name, entry) in &self.entries {
            let wanted =
                self.view.providers.is_empty() || self.view.providers.contains(&entry.provider);
            if wanted && !with_machine.contains(name) {
                rows.push(self.of_entry(name, entry));
            }
        }
        for (name, runner) in self.runners.iter().flatten() {
            if !with_machine.contains(name) && !self.entries.contains_key(name) {
                rows.extend(self.of_runner(name, runner));
            }
        }
        rows.sort_by(|a, b| (&a.name, &a.instance).cmp(&(&b.name, &b.instance)));
        rows
    }

    /// One row a machine, though two tables may show the same place.
    fn machines(&self) -> Vec<SurveyRow> {
        let mut rows: Vec<SurveyRow> = Vec::new();
        for read in self.places {
            for machine in &read.listing.instances {
                let row = self.of_machine(&read.place, machine);
                let same = rows.iter_mut().find(|other| {
                    other.name == row.name
                        && other.kind == row.kind
                        && other.instance.as_ref().map(|r| &r.id) == Some(&machine.id)
                });
                match same {
                    None => rows.push(row),
                    Some(other) => {
                        let entry = self.entries.get(&row.name);
                        if entry.is_some_and(|entry| entry.provider == read.place.name) {
                            *other = row;
                        }
                    }
                }
            }
        }
        rows
    }

    /// The rows of machines that cannot be judged, as far as it can be read what they are called and whose they are, and
    /// no other row tells of them.
    pub(super) fn unjudged(&self, rows: &[SurveyRow]) -> Vec<SurveyRow> {
        let mut all = Vec::new();
        for read in self.places {
            for one in &read.listing.unjudged {
                let (Some(name), Some(server), Some(scope)) = (&one.name, &one.server, &one.scope)
                else {
                    continue;
                };
                let reference = read.place.reference(&one.id);
                if rows
                    .iter()
                    .any(|row| row.instance.as_ref() == Some(&reference))
                {
                    continue;
                }
                let mut row = self.row(name, server, scope, MachineState::Unread);
                row.instance = Some(reference);
                row.provider = Some(read.place.name.clone());
                row.kind = Some(read.place.provider.kind());
                row.doubts.unjudged = true;
                row.why = one.error.to_string();
                all.push(row);
            }
        }
        all
    }

    fn of_machine(&self, place: &NamedProvider, machine: &Instance) -> SurveyRow {
        let (tags, entry) = (&machine.tags, self.entries.get(&machine.tags.name));
        let created = machine.created;
        let begin = created.max(tags.created);
        let state = match machine.state {
            Condition::Ended(_) => MachineState::Ended,
            Condition::Pending | Condition::Running => MachineState::There,
        };
        let mut row = self.row(&tags.name, &tags.server, &tags.scope, state);
        row.instance = Some(place.reference(&machine.id));
        row.provider = Some(place.name.clone());
        row.kind = Some(place.provider.kind());
        row.place = Some(place.clone());
        row.condition = Some(machine.state.clone());
        row.repository.clone_from(&tags.repository);
        row.run = tags.run;
        row.start = Some(tags.start.clone());
        row.group.clone_from(&tags.group);
        row.created = Some(created);
        row.expires = Some(tags.expires);
        row.rental = match entry {
            Some(entry) => known(machine, &entry.rental),
            None => machine.rental.clone(),
        };
        row.agreed = entry.and_then(|entry| entry.rental.price);
        row.told = machine.rental.price;
        row.ended = machine.ended;
        row.recorded = entry.is_some();
        row.runner_id = row
            .runner_id
            .or_else(|| entry.and_then(|entry| entry.runner_id))
            .or(tags.runner_id);
        row.facts.grace = self.grace(tags.ready_by, Some(created));
        row.facts.idle_until = tags.idle_limit.map(|limit| later(begin, limit));
        row.facts.expires = row.expires;
        row
    }

    fn of_entry(&self, name: &Name, entry: &RunnerRecord) -> SurveyRow {
        let place = self
            .places
            .iter()
            .find(|read| read.place.name == entry.provider);
        let id = entry.instance.as_ref().map(|machine| &machine.id);
        let is_unopened = |one: &Unopened| one.name == entry.provider;
        let silence = place.map(|read| match id {
            None if !entry.at.is_empty() => read.listing.silence_at(&entry.at),
            id => read
                .listing
                .silence(id.and_then(|id| id.location.as_deref())),
        });
        let is_hidden = place.is_some_and(|read| {
            if let Some(id) = id {
                return read.hides_machine(id);
            }
            let hidden = read.listing.hides(name, &entry.server, Some(&entry.scope));
            hidden.is_some()
        });
        // An intent has no reference whose place could be another's.
        let is_intent = id.is_none() && entry.at.is_empty();
        let is_absent = self.is_absent(name, &entry.server, &entry.scope);
        // Two tables may bear the name, of which one cannot be opened: the machine may be where that one leads.
        let maybe_there = self.unopened.iter().any(is_unopened);
        let machine = match silence {
            None if maybe_there => MachineState::Unread,
            None => MachineState::Nowhere,
            Some(_) if is_hidden => MachineState::Unread,
            // A machine's own place is proved to be the one that was read.
            Some(_) if maybe_there && is_intent => MachineState::Unread,
            Some(None) => self.unlisted(place, entry),
            // Earlier versions did not write down whose place it was; GitHub's word decides.
            Some(Some(Silence::Vague(_))) if is_intent || is_absent && !maybe_there => {
                self.unlisted(place, entry)
            }
            Some(Some(_)) => MachineState::Unread,
        };
        let is_unsought = place.is_some_and(|read| !read.was_looked_for(id));
        let mut row = self.row(name, &entry.server, &entry.scope, machine);
        row.doubts.unjudged = is_hidden;
        row.doubts.unlisted = match silence.flatten() {
            Some(Silence::Elsewhere) if is_unsought => {
                (!is_hidden).then_some(UnlistedBecause::Unsought)
            }
            Some(Silence::Elsewhere) => Some(UnlistedBecause::Elsewhere),
            Some(Silence::Vague(_)) if machine == MachineState::Unread => {
                Some(UnlistedBecause::Elsewhere)
            }
            _ => None,
        };
        row.instance.clone_from(&entry.instance);
        row.provider = Some(entry.provider.clone());
        row.kind = place.map(|read| read.place.provider.kind());
        row.place = place.map(|read| read.place.clone());
        row.repository.clone_from(&entry.repository);
        row.run = entry.run;
        row.start = Some(entry.start.clone());
        row.group.clone_from(&entry.group);
        row.created = Some(entry.created);
        row.expires = Some(entry.expires);
        row.rental.clone_from(&entry.rental);
        row.agreed = entry.rental.price;
        row.recorded = true;
        row.machineless = entry.machineless;
        row.refused = entry.launch == Some(DoubtfulLaunch::Refused);
        row.at.clone_from(&entry.at);
        row.runner_id = row.runner_id.or(entry.runner_id);
        row.facts.grace = self.grace(name.ready_by(), Some(entry.created));
        row.facts.expires = row.expires;
        row
    }

    /// What is known of a machine that is recorded, and that its place does not list. Where that proves nothing, and no id
    /// is known by which its end could be asked for, a refusal is believed, and so is the end of its lifetime.
    fn unlisted(&self, place: Option<&SourceListing>, entry: &RunnerRecord) -> MachineState {
        let proves = place.is_none_or(|read| read.place.provider.proves_absence());
        let may_be_there = match (&entry.instance, entry.launch) {
            (Some(_), _) => true,
            (None, Some(DoubtfulLaunch::Unanswered)) => entry.expires >= self.at_least,
            (None, Some(DoubtfulLaunch::Refused) | None) => false,
        };
        if proves || !may_be_there {
            MachineState::Gone
        } else {
            MachineState::Missing
        }
    }

    /// Whether GitHub was asked, and has no registration of this name.
    fn is_absent(&self, name: &Name, server: &str, scope: &str) -> bool {
        let runners = self.runners.as_ref();
        let ours = self.view.is_ours(server, scope);
        ours && runners.is_some_and(|runners| !runners.contains_key(name))
    }

    /// A registration that nothing else knows of; its name tells run and age.
    fn of_runner(&self, name: &Name, runner: &Runner) -> Option<SurveyRow> {
        let scope = self.view.scope.as_deref()?;
        // Its machine may be wherever nobody looked, or could look.
        let mut places = self.places.iter();
        let all_read =
            places.all(|read| read.listing.shows_all(name, &self.view.server, Some(scope)));
        let machine = if all_read && self.unopened.is_empty() {
            MachineState::Nowhere
        } else {
            MachineState::Unread
        };
        let mut row = self.row(name, &self.view.server, scope, machine);
        let is_repository = scope.contains('/') && !scope.starts_with("enterprises/");
        row.repository = is_repository.then(|| scope.to_owned());
        row.run = name.run();
        row.runner_id = Some(runner.id);
        let is_partial = self.places.iter().any(|read| read.listing.is_partial);
        row.doubts.unlisted = is_partial.then_some(UnlistedBecause::Unsought);
        // When it was made is not known; it was before the end of its start.
        row.facts.grace = self.grace(name.ready_by(), Some(name.ready_by()));
        Some(row)
    }

    /// The bare row: who it is, and what GitHub says.
    fn row(&self, name: &Name, server: &str, scope: &str, machine: MachineState) -> SurveyRow {
        let ours = self.view.is_ours(server, scope);
        let runners = self.runners.as_ref().filter(|_| ours);
        let runner = runners.and_then(|runners| runners.get(name));
        let registration = match (runners, runner) {
            (None, _) => RegistrationState::Unread,
            (Some(_), None) => RegistrationState::Absent,
            (Some(_), Some(runner)) => of_github(runner),
        };
        SurveyRow {
            name: name.clone(),
            instance: None,
            provider: None,
            kind: None,
            condition: None,
            runner: runner.cloned(),
            runner_id: runner.map(|runner| runner.id),
            server: server.to_owned(),
            scope: scope.to_owned(),
            repository: None,
            run: None,
            start: None,
            group: None,
            created: None,
            expires: None,
            rental: Rental::default(),
            agreed: None,
            told: None,
            ended: None,
            cost: None,
            cost_at_most: false,
            recorded: false,
            machineless: false,
            refused: false,
            at: Vec::new(),
            facts: Facts {
                machine,
                registration,
                run_over: None,
                now: self.now,
                at_least: self.at_least,
                grace: name.ready_by(),
                expires: None,
                idle_until: None,
            },
            verdict: Verdict::Unknown,
            why: String::new(),
            place: None,
            ours,
            doubts: Doubts::default(),
        }
    }

    fn grace(&self, ready_by: Timestamp, created: Option<Timestamp>) -> Timestamp {
        let older = created.zip(self.view.older_than);
        older.map_or(ready_by, |(created, age)| ready_by.max(later(created, age)))
    }
}

/// What is known of a machine that was rented: as it is listed, and as it was told when it was. A price that its place
/// told then is better than one of a list, for as long as the machine is there.
fn known(machine: &Instance, recorded: &Rental) -> Rental {
    let is_live = |price: Price| price.basis == Some(PriceBasis::Live);
    let is_listed = |price: Price| matches!(price.basis, Some(PriceBasis::Listed(_)));
    let mut known = machine.rental.clone().or(recorded);
    if machine.rental.price.is_some_and(is_listed)
        && recorded.price.is_some_and(is_live)
        && !matches!(machine.state, Condition::Ended(_))
    {
        known.price = recorded.price;
    }
    known
}
