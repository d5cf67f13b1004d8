//! `providers check` on a terminal: a sign and a word for each part, below it why and what to try; GitHub at the end.

use crate::model::{Error, chain};
use crate::report::{CheckRow, CheckStatus, Checks};
use crate::ui::{ATTENTION, DONE, FAILED, Line, NOTHING, Tone, folded, width};

/// The longest of the words.
const WORD: usize = "not set up".len();
/// The row about the scope and the token; what begins like it is about GitHub, too.
const GITHUB: &str = "github";

/// All that was found, in so many columns.
pub(super) fn lines(checks: &Checks, room: usize) -> Vec<Line> {
    let names = checks.checks.iter().map(|check| width(shown(&check.name)));
    let names = names.max().unwrap_or_default();
    let (github, providers): (Vec<_>, Vec<_>) =
        checks.checks.iter().partition(|check| is_of_github(check));
    let mut lines = Vec::new();
    for (number, part) in [providers, github].into_iter().enumerate() {
        if number > 0 && !lines.is_empty() && !part.is_empty() {
            lines.push(Line::default());
        }
        lines.extend(part.into_iter().flat_map(|check| row(check, names, room)));
    }
    lines
}

fn is_of_github(check: &CheckRow) -> bool {
    check.name == GITHUB || check.name.starts_with("github/")
}

fn shown(name: &str) -> &str {
    match name {
        GITHUB => "GitHub",
        _ => name.strip_prefix("github/").unwrap_or(name),
    }
}

fn row(check: &CheckRow, names: usize, room: usize) -> Vec<Line> {
    let (tone, sign) = match check.status {
        CheckStatus::Ok => (Tone::Good, DONE),
        CheckStatus::Failed => (Tone::Bad, FAILED),
        CheckStatus::NotSetUp => (Tone::Faint, NOTHING),
        CheckStatus::Unknown => (Tone::Attention, ATTENTION),
    };
    let mut head = Line::default()
        .with(tone, sign)
        .with(Tone::Plain, " ")
        .with_column(Tone::Plain, shown(&check.name), names)
        .with(Tone::Plain, "  ")
        .with_column(tone, check.status.word(), WORD)
        .with(Tone::Plain, "  ");
    let indent = head.width();
    let said = said(check);
    if said.is_empty() {
        return vec![head];
    }
    let mut lines = Vec::new();
    for (tone, text, deeper) in said {
        for line in folded(&text, indent + deeper, room) {
            let text = line.text(false);
            let text = text.get(indent..).unwrap_or_default();
            lines.push(std::mem::take(&mut head).with(tone, text));
            head = Line::of(&" ".repeat(indent));
        }
    }
    lines
}

/// What is said of a part: how it looks, the text, and how much deeper it stands. First why it cannot be used, below each
/// what would help.
fn said(check: &CheckRow) -> Vec<(Tone, String, usize)> {
    let mut said = Vec::new();
    let mut add = |tone, text: String, error: &Error, hints: usize| {
        said.push((tone, text, 0));
        let hints = error.hints().iter().take(hints);
        said.extend(hints.map(|hint| (Tone::Plain, format!("try  {hint}"), 2)));
    };
    if let Some(error) = &check.error {
        match check.status {
            // Nobody asked for it: one sentence, and one way.
            CheckStatus::NotSetUp => add(Tone::Plain, error.to_string(), error, 1),
            _ => add(Tone::Plain, chain(error), error, usize::MAX),
        }
    }
    for warning in &check.warnings {
        let text = format!("{ATTENTION} {}", chain(warning));
        add(Tone::Attention, text, warning, usize::MAX);
    }
    let facts = check
        .facts
        .iter()
        .map(|fact| (Tone::Plain, fact.clone(), 0));
    match check.error {
        Some(_) => said.extend(facts),
        None => drop(said.splice(0..0, facts)),
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, status: CheckStatus) -> CheckRow {
        CheckRow {
            name: name.to_owned(),
            status,
            facts: vec![],
            warnings: vec![],
            error: None,
        }
    }

    fn checks() -> Checks {
        let key = Error::from("could not read `providers.gpu.api_key` (providers.toml:5)")
            .because("$PODS_KEY is not set")
            .hinted("set $PODS_KEY to a key of console.runpod.io > Settings > API keys");
        let project = Error::from("no Nebius project is set")
            .because("looked at /home/ann/.nebius/config.yaml")
            .hinted("set `project`, or a profile")
            .hinted("see `gharun providers show nebius`");
        let old = Error::from("the image ubuntu:24.04 is 41 days old").hinted("pull it again");
        Checks {
            checks: vec![
                CheckRow {
                    facts: vec![
                        "us-east-1, m7i.large then t3.large, account 123456789012, and all the rest that \
                         a start would need was found to be allowed"
                            .into(),
                    ],
                    warnings: vec![old],
                    ..check("ec2", CheckStatus::Ok)
                },
                CheckRow {
                    error: Some(key),
                    ..check("gpu", CheckStatus::Failed)
                },
                CheckRow {
                    error: Some(project),
                    ..check("nebius", CheckStatus::NotSetUp)
                },
                CheckRow {
                    facts: vec![
                        "octo/app at https://api.github.com/".into(),
                        "1 runner is registered".into(),
                    ],
                    ..check("github", CheckStatus::Ok)
                },
                CheckRow {
                    facts: vec!["4881 of 5000 API requests left".into()],
                    ..check("github/quota", CheckStatus::Ok)
                },
            ],
            error: None,
        }
    }

    fn shown(room: usize) -> String {
        let lines = lines(&checks(), room);
        let lines: Vec<String> = lines.iter().map(|line| line.text(false)).collect();
        lines.join("\n")
    }

    #[test]
    fn what_to_try_is_below_its_own_part_and_github_is_last() {
        insta::assert_snapshot!(shown(80), @"
        ✓ ec2     works       us-east-1, m7i.large then t3.large, account 123456789012,
                                and all the rest that a start would need was found to be
                                allowed
                              ! the image ubuntu:24.04 is 41 days old
                                try  pull it again
        ✗ gpu     broken      could not read `providers.gpu.api_key` (providers.toml:5):
                                $PODS_KEY is not set
                                try  set $PODS_KEY to a key of console.runpod.io >
                                  Settings > API keys
        · nebius  not set up  no Nebius project is set
                                try  set `project`, or a profile

        ✓ GitHub  works       octo/app at https://api.github.com/
                              1 runner is registered
        ✓ quota   works       4881 of 5000 API requests left
        ");
        insta::assert_snapshot!(shown(120), @"
        ✓ ec2     works       us-east-1, m7i.large then t3.large, account 123456789012, and all the rest that a start would need
                                was found to be allowed
                              ! the image ubuntu:24.04 is 41 days old
                                try  pull it again
        ✗ gpu     broken      could not read `providers.gpu.api_key` (providers.toml:5): $PODS_KEY is not set
                                try  set $PODS_KEY to a key of console.runpod.io > Settings > API keys
        · nebius  not set up  no Nebius project is set
                                try  set `project`, or a profile

        ✓ GitHub  works       octo/app at https://api.github.com/
                              1 runner is registered
        ✓ quota   works       4881 of 5000 API requests left
        ");
    }

    #[test]
    fn no_check_wraps_at_60_to_200_columns() {
        for room in 60..=200 {
            for line in lines(&checks(), room) {
                assert!(line.width() <= room, "{room}: {}", line.text(false));
            }
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(
                words(&shown(room)).contains("console.runpod.io > Settings > API keys"),
                "no word is broken: {}",
                shown(room)
            );
        }
    }
}
