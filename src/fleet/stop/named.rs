//! What is stopped because it was named: machines and runners.

use super::{Registered, Selected, Selecting, StopMode, Unstopped};
use crate::fleet::Unopened;
use crate::fleet::survey::SurveyRow;
use crate::fleet::verdict::{MachineState, RegistrationState};
use crate::github::GitHubApi;
use crate::model::{Error, Name, Reference, StopTarget, later, option_of_scope};
use crate::providers::Unjudged;

impl<'a, G: GitHubApi> Selecting<'a, G> {
    pub(super) fn named(&mut self, machines: &[Reference], names: &[Name], starts: bool) {
        let look = self.look;
        let mut is_one_lost = false;
        for reference in machines {
            match (self.row_of(reference), look.unjudged(reference)) {
                (Some(row), _) => {
                    if reference.id.location.is_none() {
                        self.selection.company.found.insert(reference.clone());
                    }
                    self.explicitly(row, Some(reference), None);
                }
                (None, Some(unjudged)) => self.unjudged(reference, unjudged),
                (None, None) => {
                    is_one_lost |= !look.is_absent(reference);
                    self.unlisted(reference, names);
                }
            }
        }
        for name in names {
            let rows: Vec<&SurveyRow> = look
                .survey
                .rows
                .iter()
                .filter(|r| r.name == *name)
                .collect();
            for row in &rows {
                let is_alone = row.instance.is_none() && !row.recorded;
                if starts && is_alone && is_one_lost && !self.stop.force {
                    self.keep_registration(row);
                    continue;
                }
                let mut row = (*row).clone();
                // What a mapping names had a machine, which stands beside it there.
                row.machineless |= starts && row.instance.is_none() && !row.recorded;
                self.explicitly(&row, None, Some(name));
            }
            let damaged = self.damaged(name);
            // The machine of a name in a mapping is named there, too.
            if rows.is_empty() && !damaged && !starts && !self.was_everything_read(name) {
                let error = "not found, but not all sources could be read";
                self.refuse_unread(Unstopped::new(None, Some(name), error));
            }
        }
        // Machines that nobody named, and that cannot be judged, say nothing of the one that somebody named.
        if !starts && names.is_empty() {
            let others = look.of_other_machines(machines);
            let mut unknown = std::mem::take(&mut self.selection.unknown);
            unknown.retain(|one| !others.contains(&one.source));
            self.selection.unknown = unknown;
        }
        if starts {
            self.choose_company(names);
        }
    }

    /// The row that a reference means: that of its very words, else one of its own table, else one that another table
    /// shows of the same place.
    fn row_of(&self, reference: &Reference) -> Option<&'a SurveyRow> {
        let rows = || {
            let rows = self.look.survey.rows.iter();
            rows.filter_map(|row| Some((row, row.instance.as_ref()?)))
        };
        let exact = rows().find(|(_, machine)| *machine == reference);
        let found = exact.or_else(|| {
            let place = &self.fleet.provider(&reference.provider)?.provider;
            let given = self.look.id(reference);
            let same = || rows().filter(|(_, machine)| place.is_same(&machine.id, &given));
            let mut own = same().filter(|(_, machine)| machine.provider == reference.provider);
            own.next().or_else(|| {
                let mut others = same().filter(|(row, _)| row.kind == Some(place.kind()));
                others.find(|(row, _)| place.shares_ids() || self.look.shows(reference, &row.name))
            })
        });
        found.map(|(row, _)| row)
    }

    /// The registration of a machine that a mapping names and that was not found: once GitHub has forgotten it nothing
    /// tells that there is a machine.
    fn keep_registration(&mut self, row: &SurveyRow) {
        if row.ours {
            let error =
                "its registration was not removed: its machine in the mapping was not found";
            self.refuse_unread(Unstopped::new(None, Some(&row.name), error));
        }
    }

    /// Chooses the machine of a name whose other tags cannot be read, and tells whether there is one.
    fn damaged(&mut self, name: &Name) -> bool {
        let look = self.look;
        let all = look.unjudged_of(self.view).into_iter();
        let mut found = all.filter(|(found, _)| found.name.as_ref() == Some(name));
        let Some((found, reference)) = found.next() else {
            return false;
        };
        if !self.is_machine_chosen(&reference) {
            self.unjudged(&reference, found);
        }
        true
    }

    /// Names the machines that were asked for and cannot be judged: they run on.
    pub(super) fn refuse_damaged(&mut self, fits: impl Fn(&Unjudged) -> bool) {
        let look = self.look;
        // Their tags may hide the group, too.
        if self.stop.group.is_some() {
            return;
        }
        for (found, reference) in look.unjudged_of(self.view) {
            if !fits(found) || self.is_machine_chosen(&reference) {
                continue;
            }
            let error = found.error.clone().any();
            let mut refused = Unstopped::new(Some(&reference), found.name.as_ref(), error);
            if found.server.is_none() || found.scope.is_none() {
                refused.command = format!("gharun stop --force {reference}");
            }
            if found.by_name {
                let hint = format!("end it with `{}`", refused.command);
                refused = refused.hinted(hint);
            }
            self.refuse(refused.permanent());
        }
    }

    fn is_machine_chosen(&self, reference: &Reference) -> bool {
        let mut chosen = self.selection.chosen.iter();
        chosen.any(|chosen| chosen.instance.as_ref() == Some(reference))
    }

    fn was_everything_read(&self, name: &Name) -> bool {
        self.look.all_read(name, self.view)
            && (self.look.github_read || self.fleet.github.is_none())
    }

    fn explicitly(&mut self, row: &SurveyRow, machine: Option<&Reference>, name: Option<&Name>) {
        if row.ours || row.is_rehearsal() {
            self.choose(row, StopMode::Explicit, "it was named");
            let mut chosen = self.selection.chosen.iter_mut();
            let is_it = |chosen: &&mut Selected| {
                chosen.name.as_ref() == Some(&row.name) && chosen.instance == row.instance
            };
            if let (Some(given), Some(chosen)) = (machine, chosen.find(is_it)) {
                chosen.given.get_or_insert_with(|| given.clone());
            }
        } else {
            let refused = self.of_another_scope(&row.scope, &row.server, machine, name);
            self.refuse(refused);
        }
    }

    /// A machine of which nobody can tell whose it is, as far as its tags do not say that it is another scope's.
    fn unjudged(&mut self, reference: &Reference, found: &Unjudged) {
        let error = found.error.clone().any();
        let refused = match (&found.server, &found.scope) {
            _ if !found.by_name => Unstopped::new(Some(reference), None, error),
            (Some(server), Some(scope)) if !self.view.is_ours(server, scope) => {
                self.of_another_scope(scope, server, Some(reference), None)
            }
            (Some(_), Some(_)) => return self.choose_unlisted(reference, Registered::No),
            _ if self.stop.force => return self.choose_unlisted(reference, Registered::No),
            _ => {
                let mut refused = Unstopped::new(Some(reference), None, error);
                refused.command = format!("gharun stop --force {reference}");
                let hint = format!("if it is yours, end it with `{}`", refused.command);
                refused.hinted(hint)
            }
        };
        self.refuse(refused.permanent());
    }

    /// What is another scope's is ended by who names that scope.
    fn of_another_scope(
        &self,
        scope: &str,
        server: &str,
        machine: Option<&Reference>,
        name: Option<&Name>,
    ) -> Unstopped {
        let error = format!("it belongs to scope `{scope}` on {server}");
        let mut refused = Unstopped::new(machine, name, error).permanent();
        if !server.eq_ignore_ascii_case(&self.view.server) {
            let hint = format!(
                "set `$GITHUB_SERVER_URL` to `https://{server}`, and no `api_url` or `$GITHUB_API_URL` of another server"
            );
            refused = refused.hinted(hint);
        }
        let option = option_of_scope(scope);
        refused.command =
            refused
                .command
                .replacen("gharun stop", &format!("gharun stop {option}"), 1);
        let hint = format!("end it with `{}`", refused.command);
        refused.hinted(hint)
    }

    /// A machine that is in no listing is gone, or nobody knows whose it is.
    fn unlisted(&mut self, reference: &Reference, names: &[Name]) {
        let Some(place) = self.fleet.provider(&reference.provider).cloned() else {
            let name = &reference.provider;
            let refused = if let Some(Unopened { error, .. }) = self.fleet.unopened(name) {
                Unstopped::new(Some(reference), None, error.clone())
            } else {
                let error = self.fleet.not_configured(name);
                Unstopped::new(Some(reference), None, error)
            };
            return self.refuse(refused.permanent());
        };
        if !self.look.was_read(reference) {
            let unknown = self.look.survey.unknown.iter();
            let errors = unknown
                .filter(|unknown| unknown.source.split(':').next() == Some(&place.name))
                .map(|unknown| unknown.error.clone());
            let error = Error::from("could not query its provider").because_each(errors);
            return self.refuse_unread(Unstopped::new(Some(reference), None, error));
        }
        let shows_within = place.provider.shows_within();
        let now = self.fleet.at_least();
        let is_over = |name: &Name| later(name.ready_by(), shows_within) < now;
        if !names.is_empty() && names.iter().all(is_over) {
            place.provider.is_old(&reference.id);
        }
        // A whole reference speaks for itself.
        let registered = match self.look.id(reference).location {
            None => self.may_be_registered(names),
            Some(_) => Registered::Maybe,
        };
        self.choose_unlisted(reference, registered);
    }

    /// Whether GitHub may have the runner of a machine that is in no listing: one of those that were named with it, or
    /// where none was, any of which nobody has the machine.
    fn may_be_registered(&self, names: &[Name]) -> Registered {
        let lost = |row: &SurveyRow| {
            matches!(
                row.facts.machine,
                MachineState::Nowhere | MachineState::Unread
            )
        };
        let could_be = |row: &SurveyRow| match names {
            [] => lost(row),
            names => names.contains(&row.name),
        };
        let rows = self.look.survey.rows.iter();
        let runners: Vec<&SurveyRow> = rows.filter(|row| row.runner.is_some()).collect();
        let is_connected = |row: &&SurveyRow| {
            let state = row.facts.registration;
            matches!(state, RegistrationState::Online | RegistrationState::Busy)
        };
        let mut mapped = runners
            .iter()
            .copied()
            .filter(|row| names.contains(&row.name));
        // GitHub is not asked about labels that other tools gave their runners.
        let is_of_another_tool = match &self.stop.target {
            StopTarget::Named { labels, .. } => !labels.is_empty(),
            _ => false,
        };
        if mapped.any(|row| is_connected(&row)) {
            Registered::Connected
        } else if is_of_another_tool
            || !self.look.github_read
            || runners.iter().any(|row| could_be(row))
        {
            Registered::Maybe
        } else {
            Registered::No
        }
    }

    fn choose_unlisted(&mut self, reference: &Reference, registered: Registered) {
        self.selection.chosen.push(Selected {
            name: None,
            instance: Some(reference.clone()),
            why: "it was named".to_owned(),
            manner: StopMode::Explicit,
            place: self.fleet.provider(&reference.provider).cloned(),
            row: None,
            given: None,
            unseen: None,
            registered,
        });
    }
}
