//! `gharun __complete`: what may follow on a command line. It reads the file of settings and the state file and nothing
//! else: no network, no command, no credentials; of a file that is not trusted it tells names. On every error it is silent.

use clap::{Arg, ArgAction};

use crate::cli;
use crate::model::ListColumn;
use crate::providers::{KINDS, Kind, SettingDoc, kind};
use crate::settings::{Completion, Env};
use crate::state::Store;

mod line;

use line::Line;

/// What the scripts of shells take for: complete the name of a file here.
const FILES: &str = ":files";

/// A word that may stand where the cursor is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    word: String,
    /// What it means; may be empty.
    about: String,
}

fn candidate(word: impl Into<String>, about: impl Into<String>) -> Candidate {
    Candidate {
        word: word.into(),
        about: about.into(),
    }
}

/// Answers a shell: a line each, the word and after a tab what it means. `words` are those after the program's name; the
/// last one is being typed. Of `bash` they are the line up to the cursor and the characters at which bash breaks words.
pub(super) async fn run(words: &[String], env: &Env) -> String {
    let [shell, words @ ..] = words else {
        return String::new();
    };
    if shell == "bash" {
        let [line, breaks] = words else {
            return String::new();
        };
        let words = line::split(line);
        let last = words.last().map_or("", String::as_str);
        // Bash replaces what stands behind the last of them.
        let kept = last.rfind(|c| breaks.contains(c)).map_or(0, |at| at + 1);
        let found = candidates(words.get(1..).unwrap_or_default(), env).await;
        let words = found.iter().map(|one| match one.word.get(kept..) {
            Some(rest) if one.word != FILES => rest.to_owned(),
            _ => one.word.clone(),
        });
        return words.collect::<Vec<_>>().join("\n");
    }
    let found = candidates(words, env).await;
    let lines = found
        .iter()
        .map(|Candidate { word, about }| match about.as_str() {
            "" => word.clone(),
            about => format!("{word}\t{about}"),
        });
    lines.collect::<Vec<_>>().join("\n")
}

/// All that may stand where the last word is, and begins as it does.
async fn candidates(words: &[String], env: &Env) -> Vec<Candidate> {
    let Some((last, before)) = words.split_last() else {
        return Vec::new();
    };
    let root = {
        let mut root = cli::command();
        root.build();
        root
    };
    let line = Line::of(&root, before);
    let known = Completion::find(line.value_of("config"), line.value_of("state"), env);
    let known = Known {
        completion: &known,
        line: &line,
    };
    let mut found = if let Some(arg) = line.pending {
        known.values(arg, last).await
    } else if let Some((option, value)) = last.split_once('=').filter(|_| last.starts_with("--")) {
        let values = match line.option(option) {
            Some(arg) => known.values(arg, value).await,
            None => Vec::new(),
        };
        let whole = |one: Candidate| match one.word.as_str() {
            FILES => one,
            word => candidate(format!("{option}={word}"), one.about),
        };
        values.into_iter().map(whole).collect()
    } else if last.starts_with('-') && !line.only_positionals {
        options(&line)
    } else {
        let mut found = subcommands(&line);
        if let Some(arg) = line.positional() {
            found.extend(known.values(arg, last).await);
        }
        found
    };
    found.retain(|one| one.word == FILES || one.word.starts_with(last.as_str()));
    found
}

fn subcommands(line: &Line<'_>) -> Vec<Candidate> {
    if line.positionals > 0 {
        return Vec::new();
    }
    let all = line
        .command
        .get_subcommands()
        .filter(|one| !one.is_hide_set());
    all.map(|one| {
        candidate(
            one.get_name(),
            about(one.get_about().map(ToString::to_string)),
        )
    })
    .collect()
}

fn options(line: &Line<'_>) -> Vec<Candidate> {
    let all = line.command.get_arguments();
    let fresh = all.filter(|arg| {
        let repeats = matches!(arg.get_action(), ArgAction::Append | ArgAction::Count);
        !arg.is_hide_set() && (repeats || !line.given.contains(&arg.get_id().as_str()))
    });
    let found = fresh.filter_map(|arg| {
        let help = about(arg.get_help().map(ToString::to_string));
        Some(candidate(format!("--{}", arg.get_long()?), help))
    });
    found.collect()
}

/// The first line of a help, without what would end a line of the answer.
fn about(help: Option<String>) -> String {
    let help = help.unwrap_or_default();
    let first = help.lines().next().unwrap_or_default();
    first.replace('\t', " ")
}

/// What a person may mean here.
struct Known<'a> {
    completion: &'a Completion,
    line: &'a Line<'a>,
}

impl Known<'_> {
    /// What may be given for an argument, of which `typed` stands there.
    async fn values(&self, arg: &Arg, typed: &str) -> Vec<Candidate> {
        let possible = arg.get_possible_values();
        if !possible.is_empty() {
            let shown = possible.iter().filter(|one| !one.is_hide_set());
            return shown
                .map(|one| {
                    candidate(
                        one.get_name(),
                        about(one.get_help().map(ToString::to_string)),
                    )
                })
                .collect();
        }
        let command = self.line.command.get_name();
        match (command, arg.get_id().as_str()) {
            ("init", "kinds") => kinds(),
            ("show", "kind") | (_, "providers" | "names") => self.providers(),
            (_, "set") => match typed.split_once('=') {
                Some((key, _)) => self.values_of(key),
                None => self.settings(typed),
            },
            (_, "columns") => columns(typed),
            ("explain", "words") if self.line.positionals == 0 => explained(),
            (_, "registration") => ["jit", "token"].map(|word| candidate(word, "")).into(),
            (_, "references") => self.machines().await,
            (_, "group") => self.groups().await,
            (_, "config" | "state" | "file" | "setup" | "mapping") => vec![candidate(FILES, "")],
            _ => Vec::new(),
        }
    }

    /// Tables, then kinds, but for those that stand there already.
    fn providers(&self) -> Vec<Candidate> {
        let tables = self.completion.tables.iter();
        let tables = tables.map(|(name, kind)| candidate(name, format!("a table of kind {kind}")));
        let mut found: Vec<Candidate> = tables.collect();
        for kind in kinds() {
            if !found.iter().any(|one| one.word == kind.word) {
                found.push(kind);
            }
        }
        found.retain(|one| !self.line.words.contains(&one.word.as_str()));
        found
    }

    /// The settings of the providers that are named on the line, or of all; `KEY=` or `NAME.KEY=`.
    fn settings(&self, typed: &str) -> Vec<Candidate> {
        let (prefix, all) = self.settings_meant(typed);
        let mut found: Vec<Candidate> = Vec::new();
        for setting in all {
            let word = format!("{prefix}{}=", setting.key);
            if setting.kind != "source of a secret" && !found.iter().any(|one| one.word == word) {
                found.push(candidate(word, about(Some(setting.meaning))));
            }
        }
        found
    }

    /// What may stand behind `KEY=` or `NAME.KEY=`, where a setting has but some values.
    fn values_of(&self, key: &str) -> Vec<Candidate> {
        let (prefix, all) = self.settings_meant(key);
        let own = key.strip_prefix(&prefix).unwrap_or(key);
        let mut found: Vec<Candidate> = Vec::new();
        for setting in all.into_iter().filter(|setting| setting.key == own) {
            for value in setting.values {
                let word = format!("{key}={value}");
                if !found.iter().any(|one| one.word == word) {
                    found.push(candidate(word, ""));
                }
            }
        }
        found
    }

    /// The settings that a key may be of which this is the beginning, and what stands before it: `NAME.`, or nothing.
    fn settings_meant(&self, key: &str) -> (String, Vec<SettingDoc>) {
        let kind_of = |name: &str| {
            let table = self
                .completion
                .tables
                .iter()
                .find(|(table, _)| table == name);
            kind(table.map_or(name, |(_, kind)| kind))
        };
        let (prefix, names) = match key.split_once('.') {
            Some((name, _)) if kind_of(name).is_some() => (format!("{name}."), vec![name]),
            _ => {
                let mut named = self.line.words.clone();
                named.retain(|name| kind_of(name).is_some());
                if named.is_empty() {
                    let tables = self.completion.tables.iter();
                    named = tables.map(|(name, _)| name.as_str()).collect();
                }
                if named.is_empty() {
                    named = KINDS.iter().map(|kind| kind.name).collect();
                }
                (String::new(), named)
            }
        };
        let kinds = names.into_iter().filter_map(kind_of);
        (prefix, kinds.flat_map(Kind::settings).collect())
    }

    /// The machines and the runners of the state file.
    async fn machines(&self) -> Vec<Candidate> {
        let mut found = Vec::new();
        for (name, record) in self.records().await {
            let (name, instance) = (name.to_string(), record.instance.map(|one| one.to_string()));
            found.push(candidate(&name, instance.clone().unwrap_or_default()));
            found.extend(instance.map(|instance| candidate(instance, name)));
        }
        found.retain(|one| !self.line.words.contains(&one.word.as_str()));
        found
    }

    async fn groups(&self) -> Vec<Candidate> {
        let records = self.records().await;
        let mut groups: Vec<String> = records.into_values().filter_map(|one| one.group).collect();
        groups.sort();
        groups.dedup();
        groups
            .into_iter()
            .map(|group| candidate(group, ""))
            .collect()
    }

    async fn records(&self) -> crate::state::Entries {
        let Some(path) = self.completion.state.clone() else {
            return crate::state::Entries::new();
        };
        // A file that cannot be read completes nothing.
        Store::at(path).read().await.unwrap_or_default()
    }
}

/// The columns that may follow those that stand there, which have commas between.
fn columns(typed: &str) -> Vec<Candidate> {
    let (before, named) = match typed.rsplit_once(',') {
        Some((before, _)) => (format!("{before},"), before),
        None => (String::new(), ""),
    };
    let named = ListColumn::read_all(named).unwrap_or_default();
    let fresh = ListColumn::ALL
        .into_iter()
        .filter(|column| !named.contains(column));
    fresh
        .map(|column| candidate(format!("{before}{column}"), ""))
        .collect()
}

/// What `gharun explain` has a section about.
fn explained() -> Vec<Candidate> {
    let all = super::explain::sections::sections();
    let all = all.iter();
    all.map(|section| candidate(section.name, section.group))
        .collect()
}

fn kinds() -> Vec<Candidate> {
    let kinds = KINDS.iter();
    kinds.map(|kind| candidate(kind.name, kind.about)).collect()
}

#[cfg(test)]
mod tests;
