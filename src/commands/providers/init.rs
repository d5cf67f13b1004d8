//! `gharun providers init`: looks around, asks what it could not find, and writes a file.

use std::path::PathBuf;

use serde::Serialize;

use crate::commands::{Context, unanswered};
use crate::error::{Exit, Failure};
use crate::model::text;
use crate::settings::{Draft, InitSettings, Standing};
use crate::ui::PromptError;

mod asked;
mod look;
mod questions;

use look::{Surroundings, look_around};
use questions::{Asker, ask_about, choose_kinds, choose_scope};

/// What `gharun providers init` came to.
#[derive(Debug, Serialize)]
struct Written {
    /// The file.
    file: PathBuf,
    /// The providers that were added, in order of preference.
    providers: Vec<String>,
    /// Whether it was written, and not only printed.
    written: bool,
    /// The whole file.
    text: String,
}

pub(super) async fn run(context: &Context, settings: &InitSettings) -> Result<Exit, Failure> {
    let asker = Asker {
        context,
        asks: context.ui.can_ask() && !settings.yes,
    };
    if !asker.asks && settings.kinds.is_empty() {
        let error = PromptError::NotATerminal("Which provider first?".to_owned());
        return Err(unanswered(&error, "no kind is named")
            .hinted("name the kinds to add: `gharun providers init aws --repo OWNER/NAME --yes`"));
    }
    let mut draft = context.settings.draft(&settings.file)?;
    // What was typed is checked before anybody is asked.
    for (name, kind) in &settings.kinds {
        draft.add(name, kind)?;
    }
    draft.take_sets(&settings.set)?;
    let around = look_around(context).await;
    around.say(&context.ui);
    if let Some(host) = &around.gh {
        draft.set_token_command(&["gh", "auth", "token", "--hostname", host]);
    }
    if !draft.has_scope() {
        choose_scope(&asker, &mut draft).await?;
    }
    if settings.kinds.is_empty() {
        choose_kinds(&asker, &mut draft, &around).await?;
        draft.take_sets(&settings.set)?;
    }
    for table in draft.tables().to_vec() {
        ask_about(&asker, &mut draft, &table.name, &around).await?;
        if draft.lack(&table.name).is_none() {
            asked::check(context, &draft, &table.name).await;
        }
    }
    draft.usable()?;
    let outcome = |draft: &Draft, written| Written {
        file: draft.path.clone(),
        providers: draft
            .tables()
            .iter()
            .map(|table| table.name.clone())
            .collect(),
        written,
        text: draft.text(),
    };
    if settings.print {
        context.screen.data(&outcome(&draft, false), draft.text())?;
        return Ok(Exit::Done);
    }
    confirm(&asker, settings, &mut draft).await?;
    write(context, &draft)?;
    context.screen.data(&outcome(&draft, true), String::new())?;
    say_next(context, &draft);
    Ok(Exit::Done)
}

/// Asks whether the file is to be written, and where. What a file that is there gets is shown before.
async fn confirm(
    asker: &Asker<'_>,
    settings: &InitSettings,
    draft: &mut Draft,
) -> Result<(), Failure> {
    let context = asker.context;
    if draft.adds() {
        show(context, draft);
    }
    if settings.yes {
        return Ok(());
    }
    loop {
        let lines = draft.added().lines().count();
        let path = draft.path.display();
        let question = if draft.adds() {
            format!("Add these {lines} lines to {path} (no secrets)?")
        } else {
            format!("Write {path} ({lines} lines, no secrets)?")
        };
        let choices = ["yes", "show it", "elsewhere", "no"].map(str::to_owned);
        match asker.select(&question, &choices).await.map_err(|failure| {
            failure.hinted("write it without a question with `--yes`, or print it with `--print`")
        })? {
            0 => return Ok(()),
            1 => show(context, draft),
            2 => {
                let known = draft.clone();
                let check = move |text: &str| known.misplaced(text);
                let path = asker.line("Which file?", None, check).await?;
                *draft = draft.elsewhere(&path);
                if !draft.has_scope() {
                    choose_scope(asker, draft).await?;
                }
                draft.usable()?;
            }
            _ => return Err(Failure::usage("not confirmed; nothing was written")),
        }
    }
}

/// Shows what is added, as a diff where there is a file.
fn show(context: &Context, draft: &Draft) {
    let added = draft.added();
    let ui = &context.ui;
    if draft.adds() {
        ui.status(&format!(
            "{} keeps all its lines, and gets these at its end:",
            draft.path.display()
        ));
    }
    let sign = if draft.adds() { "+" } else { " " };
    for line in added.lines() {
        ui.status(format!("  {sign} {line}").trim_end());
    }
}

fn write(context: &Context, draft: &Draft) -> Result<(), Failure> {
    draft.write().map_err(|error| {
        let what = format!("could not write `{}`", draft.path.display());
        Failure::from(error).while_trying(what)
    })?;
    match draft.standing() {
        Standing::Ours => {
            if let Err(error) = context.settings.trust_written(&draft.path, &draft.text()) {
                // Without it the file works where it is named.
                context.screen.warn(&error);
            }
        }
        Standing::NeedsNone => {}
        Standing::Doubted => {
            let path = text::typed(&draft.path.to_string_lossy());
            context.ui.hint(&format!(
                "if all of it is yours, type `gharun providers trust {path}`: it was not trusted before"
            ));
        }
    }
    Ok(())
}

fn say_next(context: &Context, draft: &Draft) {
    let ui = &context.ui;
    ui.status(&format!("Wrote {}", draft.path.display()));
    let names: Vec<&str> = draft
        .tables()
        .iter()
        .map(|table| table.name.as_str())
        .collect();
    let unlisted = draft.unlisted();
    if !unlisted.is_empty() {
        let quoted: Vec<String> = unlisted.iter().map(|name| format!("`{name}`")).collect();
        ui.hint(&format!(
            "`gharun start` without a name leaves out {}: add the name to `providers` in `[defaults]`, or type `gharun start {}`",
            quoted.join(", "),
            unlisted.join(" ")
        ));
    }
    let mut next = vec![format!("gharun providers check {}", names.join(" "))];
    let rehearses = draft.tables().iter().find(|table| table.kind.rehearses);
    if let Some(table) = rehearses {
        next.push(format!("gharun start {} --rehearse", table.name));
    }
    // Without names it is for those of `[defaults]`.
    let of = if unlisted.is_empty() {
        String::new()
    } else {
        format!("{} ", names.join(" "))
    };
    next.push(format!(
        "gharun workflow {of}> .github/workflows/gharun.yml"
    ));
    ui.status(&format!("Next:  {}", next.join("\n       ")));
}

impl Surroundings {
    /// Says what was found and what was not: a line each.
    fn say(&self, ui: &crate::ui::Ui) {
        for (found, name, what) in &self.lines {
            let sign = if *found { '✓' } else { '·' };
            ui.status(&format!("  {sign} {name:<8} {what}"));
        }
    }
}
