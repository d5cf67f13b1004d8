//! `gharun list`.

use super::Context;
use super::interrupt::Interrupts;
use super::opening::Opened;
use super::screen::Group;
use crate::error::{Exit, Failure};
use crate::fleet::Fleet;
use crate::fleet::list::{ListOutcome, ListRequest, list};
use crate::github::Client;
use crate::model::ListColumn;
use crate::report::tabbed;
use crate::settings::ListSettings;

use page::Look;

pub(super) mod page;
mod watch;

pub(super) async fn run(
    context: &Context,
    settings: &ListSettings,
    interrupts: &mut Interrupts,
) -> Result<Exit, Failure> {
    let github = interrupts.unless(github(context, settings)).await?;
    let opened = context.search(&settings.providers);
    let opened = interrupts.unless(opened).await?;
    let fleet = Fleet {
        github: github.as_ref(),
        providers: &opened.places,
        unopened: &opened.unopened,
        store: &context.store,
        sink: context,
    };
    let all_scopes = settings.all_scopes || context.settings.github.is_unscoped();
    let request = ListRequest {
        view: context.view(all_scopes, settings.older_than, &settings.providers),
        orphans: settings.orphans,
        group: settings.group.clone(),
    };
    let looking = Looking {
        context,
        settings,
        opened: &opened,
        look: look(&request, settings),
        fleet,
        request,
    };
    if settings.watch {
        return Box::pin(watch::run(&looking, interrupts)).await;
    }
    let outcome = interrupts.unless(async { Ok(looking.outcome().await) });
    let outcome = Box::pin(outcome).await?;
    let screen = &context.screen;
    screen.summarise(|actions| actions.summarise_list(&outcome));
    looking.show(&outcome)?;
    context.say_not_searched(&opened);
    if outcome.unknown.is_empty() || screen.annotates() {
        context.say_unknown(&outcome.unknown);
        return Ok(outcome.exit());
    }
    Err(incomplete(context, &outcome))
}

/// GitHub, unless it is not asked: because the user says so, or because nothing says about which scope. Then the machines'
/// tags do.
async fn github(context: &Context, settings: &ListSettings) -> Result<Option<Client>, Failure> {
    if settings.no_github {
        return Ok(None);
    }
    let is_unscoped = context.settings.github.is_unscoped();
    // What a sweep would end only GitHub can tell.
    if is_unscoped && !settings.orphans && context.settings.step.is_none() {
        context.ui.status(
            "No repository is set, so GitHub was not asked: these are the machines of all repositories",
        );
        context
            .ui
            .hint("name one with `--repo OWNER/NAME` to see which machines are still needed");
        return Ok(None);
    }
    let github = context.github().await;
    let github = github.map_err(|failure| match failure.kind {
        Exit::Interrupted => failure,
        _ => failure.hinted("skip GitHub with `--no-github`"),
    });
    github.map(Some)
}

fn look(request: &ListRequest, settings: &ListSettings) -> Look {
    let view = &request.view;
    let server = &view.server;
    Look {
        subject: match &view.scope {
            Some(scope) if !view.all_scopes => format!("{scope} on {server}"),
            _ => "All repositories".to_owned(),
        },
        server: server.clone(),
        scope: view.scope.clone(),
        all_scopes: view.all_scopes,
        wide: settings.wide,
        columns: settings.columns.clone(),
    }
}

/// A list, with all that it is made of and shown by.
struct Looking<'a> {
    context: &'a Context,
    settings: &'a ListSettings,
    opened: &'a Opened,
    look: Look,
    fleet: Fleet<'a, Client>,
    request: ListRequest,
}

impl Looking<'_> {
    async fn outcome(&self) -> ListOutcome {
        let mut outcome = ListOutcome {
            not_searched: self.opened.not_searched.clone(),
            ..list(&self.fleet, &self.request).await
        };
        let passed_over = Context::unknown_of(self.settings.passed_over.as_ref());
        outcome.unknown.extend(passed_over);
        outcome
    }

    /// Writes a list: for the terminal that it is for, or for programs.
    fn show(&self, outcome: &ListOutcome) -> Result<(), Failure> {
        let ui = &self.context.ui;
        // There may be some where nobody could look.
        let is_empty = outcome.machines.is_empty();
        if let Some(room) = ui
            .data_width()
            .filter(|_| !is_empty || outcome.unknown.is_empty())
        {
            let lines = || self.look.lines(outcome, room);
            return self.context.screen.drawn(outcome, lines);
        }
        if is_empty && outcome.unknown.is_empty() {
            ui.status("No machines");
        }
        let text = if is_empty {
            String::new()
        } else {
            self.table(outcome)
        };
        self.context.screen.data(outcome, text)
    }

    /// The table for programs: every column whole, or those that were asked for.
    fn table(&self, outcome: &ListOutcome) -> String {
        let all = &ListColumn::ALL[..];
        let columns = self.settings.columns.as_deref().unwrap_or(all);
        let titles = columns.iter().map(|column| column.title());
        tabbed(&titles.collect::<Vec<_>>(), outcome.cells(columns))
    }
}

/// What could not be read, below the headline.
fn incomplete(context: &Context, outcome: &ListOutcome) -> Failure {
    let each = outcome.unknown.iter().map(|one| {
        let what = format!("could not read {}", one.source);
        (what, one.error.clone())
    });
    let lines = context
        .screen
        .lines(&Group::all(each), |names| names.join(", "));
    let text = "could not read everything: there may be more than is listed".to_owned() + &lines;
    let failure = Failure::new(outcome.exit(), text);
    let hints = outcome.unknown.iter().flat_map(|one| one.error.hints());
    failure.hinted_all(hints.cloned())
}
