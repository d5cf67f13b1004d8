//! The job summary: Markdown that GitHub shows on the run's page.

use std::fmt::Write as _;

use crate::fleet::list::ListOutcome;
use crate::fleet::stop::StopOutcome;
use crate::fleet::survey::Unknown;
use crate::fleet::{Failed, Left, StartOutcome};
use crate::model::text::span;
use crate::model::{Error, Exit, Name, Reference, chain};
use crate::report::{Checks, OffersReport, Table as _};

/// GitHub shows no summary of a step that is longer than 1 MiB.
pub(super) const MOST: usize = 1 << 20;

/// What every summary of `start` has to say, since GitHub's own button is a trap here.
const RERUN: &str = "A runner serves one job. **Re-run failed jobs** cannot start a new one; use \
                     **Re-run all jobs**.";

/// Writes up a `start` in at most `room` bytes; `None` when not even the heading fits.
pub(super) fn start(outcome: &StartOutcome, room: usize) -> Option<String> {
    let up = outcome.up.iter().map(|up| {
        vec![
            runner(Some(&up.name)),
            cell(&up.provider),
            code(&up.instance.to_string()),
            span(up.launched_after),
            span(up.online_after),
            maybe(up.price_per_hour, |price| format!("{}/h", dollars(price))),
            up.expires.strftime("%Y-%m-%d %H:%M UTC").to_string(),
            "online".to_owned(),
        ]
    });
    let failed = outcome.failed.iter().map(|failed| {
        let mut row = vec![runner(Some(&failed.name))];
        row.resize(7, String::new());
        row.push(reason(&failed.trouble.error()));
        row
    });
    let rows: Vec<_> = up.chain(failed).collect();
    let mut page = SummaryPage::new(room, &format!("{RERUN}\n"))?;
    page.left(&outcome.left);
    page.table(
        "Runners started by gharun",
        &[
            "Runner",
            "Provider",
            "Machine",
            "Launched after",
            "Online after",
            "Price",
            "Ends itself",
            "Outcome",
        ],
        rows.into_iter(),
    );
    page.finish()
}

/// What is left where no machine is.
const REGISTRATIONS: &str = "Registrations without a machine that are left at GitHub";

/// Writes up what was warned of in at most `room` bytes; `None` when nothing fits.
pub(super) fn warnings(warnings: &[String], room: usize) -> Option<String> {
    let mut page = SummaryPage::new(room, "")?;
    let rows = warnings.iter().map(|warning| {
        let lines: Vec<String> = warning.lines().map(cell).collect();
        vec![lines.join("<br>")]
    });
    page.table("Warnings", &["Warning"], rows);
    page.finish()
}

/// What a rehearsal came to.
#[derive(Debug)]
pub struct Rehearsed<'a> {
    /// Each runner that came up, its machine, and what happened to it when.
    pub runners: Vec<(&'a Name, &'a Reference, String)>,
    /// Those that failed.
    pub failed: &'a [Failed],
    /// What is still there of those.
    pub left: &'a [Left],
    /// What went wrong with the rehearsal itself.
    pub error: Option<&'a Error>,
}

/// Writes up a rehearsal in at most `room` bytes; `None` when nothing fits.
pub(super) fn rehearsal(rehearsal: &Rehearsed<'_>, room: usize) -> Option<String> {
    let mut page = SummaryPage::new(room, "")?;
    page.left(rehearsal.left);
    page.table(
        "The rehearsal failed",
        &["Error"],
        rehearsal.error.iter().map(|error| vec![reason(error)]),
    );
    let up = rehearsal.runners.iter().map(|(name, machine, timeline)| {
        let lines: Vec<String> = timeline.lines().map(|line| cell(line.trim())).collect();
        let machine = code(&machine.to_string());
        vec![runner(Some(name)), machine, lines.join("<br>")]
    });
    let failed = rehearsal.failed.iter().map(|failed| {
        let why = reason(&failed.trouble.error());
        vec![runner(Some(&failed.name)), String::new(), why]
    });
    let rows: Vec<_> = up.chain(failed).collect();
    page.table(
        "Runners rehearsed by gharun",
        &["Runner", "Machine", "Outcome"],
        rows.into_iter(),
    );
    page.finish()
}

/// Writes up a `list` in at most `room` bytes; `None` when nothing fits.
pub(super) fn list(list: &ListOutcome, room: usize) -> Option<String> {
    let mut page = SummaryPage::new(room, "")?;
    page.unknown(&list.unknown);
    let rows = list.rows();
    let rows = rows
        .iter()
        .map(|row| row.iter().map(|text| cell(text)).collect());
    page.table("Machines", ListOutcome::HEADER, rows);
    page.finish()
}

/// Writes up a `providers check` in at most `room` bytes; `None` when nothing fits.
pub(super) fn checks(checks: &Checks, room: usize) -> Option<String> {
    let mut page = SummaryPage::new(room, "")?;
    let rows = checks.checks.iter().map(|check| {
        let warnings = check.warnings.iter().map(reason);
        let warnings = warnings.map(|warning| format!("warning&#58; {warning}"));
        let facts = check.facts.iter().map(|fact| cell(fact));
        let error = check.error.iter().map(reason);
        let found: Vec<String> = error.chain(facts).chain(warnings).collect();
        vec![
            code(&check.name),
            cell(check.status.word()),
            found.join("<br>"),
        ]
    });
    page.table("What gharun checked", &["Part", "Result", "Found"], rows);
    page.finish()
}

/// Writes up a `providers offers` in at most `room` bytes; `None` when nothing fits.
pub(super) fn offers(offers: &OffersReport, room: usize) -> Option<String> {
    let mut page = SummaryPage::new(room, "")?;
    page.unknown(&offers.unknown);
    let rows = offers.rows();
    let rows = rows
        .iter()
        .map(|row| row.iter().map(|text| cell(text)).collect());
    page.table("Machine types", OffersReport::HEADER, rows);
    page.finish()
}

/// Writes up why a command failed before it had an outcome, in at most `room` bytes; `None` when nothing
/// fits.
pub(super) fn failure(command: &str, error: &Error<Exit>, room: usize) -> Option<String> {
    let mut page = SummaryPage::new(room, "")?;
    let title = format!("gharun {command} failed");
    page.table(&title, &["Error"], [vec![reason(error)]].into_iter());
    page.finish()
}

/// Writes up a `stop` in at most `room` bytes; `None` when nothing fits.
pub(super) fn stop(stop: &StopOutcome, room: usize) -> Option<String> {
    let total: f64 = stop.stopped.iter().filter_map(|row| row.cost).sum();
    let known = stop.stopped.iter().any(|row| row.cost.is_some());
    let cost = if known {
        format!("Together {}\n", dollars(total))
    } else {
        String::new()
    };
    let mut page = SummaryPage::new(room, &cost)?;
    let failed = stop.failed.iter();
    let (registrations, may_run): (Vec<_>, Vec<_>) =
        failed.partition(|failed| failed.registration_only);
    // What still costs money comes first, so that it is there when the room ends.
    page.table(
        "Machines that may still be running",
        &["Runner", "Machine", "Error", "End it with"],
        may_run.into_iter().map(|row| {
            vec![
                runner(row.name.as_ref()),
                maybe(row.instance.as_ref(), |machine| code(&machine.to_string())),
                reason(&row.error),
                code(&row.command),
            ]
        }),
    );
    page.table(
        "Machines that may still come",
        &["Runner", "Until", "Then run"],
        stop.pending.iter().map(|row| {
            vec![
                runner(Some(&row.name)),
                cell(&row.word()),
                code(&row.command),
            ]
        }),
    );
    page.table(
        REGISTRATIONS,
        &["Runner", "Error", "Remove it with"],
        registrations.into_iter().map(|row| {
            vec![
                runner(row.name.as_ref()),
                reason(&row.error),
                code(&row.command),
            ]
        }),
    );
    page.unknown(&stop.unknown);
    page.table(
        "Machines kept by gharun",
        &["Runner", "Machine", "Reason"],
        stop.kept.iter().map(|row| {
            vec![
                runner(Some(&row.name)),
                maybe(row.instance.as_ref(), |machine| code(&machine.to_string())),
                cell(&row.reason),
            ]
        }),
    );
    page.table(
        "Machines stopped by gharun",
        &["Runner", "Machine", "Ran for", "Cost"],
        stop.stopped.iter().map(|row| {
            vec![
                runner(row.name.as_ref()),
                maybe(row.instance.as_ref(), |machine| code(&machine.to_string())),
                maybe(row.billed, span),
                maybe(row.cost, dollars),
            ]
        }),
    );
    page.finish()
}

/// Markdown that keeps within its room.
struct SummaryPage {
    text: String,
    end: String,
    room: usize,
}

impl SummaryPage {
    /// Longer than "and 4294967295 more".
    const REST: usize = 40;

    fn new(room: usize, end: &str) -> Option<Self> {
        let room = room.checked_sub(end.len())?;
        Some(Self {
            text: String::new(),
            end: end.to_owned(),
            room,
        })
    }

    /// A heading and a table, if it has rows; those that find no room are counted.
    fn table(
        &mut self,
        title: &str,
        header: &[&str],
        rows: impl ExactSizeIterator<Item = Vec<String>>,
    ) {
        let count = rows.len();
        let mut head = format!("### {title}\n\n| {} |\n|", header.join(" | "));
        for _ in header {
            head.push_str(" --- |");
        }
        head.push('\n');
        if count == 0 || !self.fits(&head) {
            return;
        }
        self.text.push_str(&head);
        for (number, row) in rows.enumerate() {
            let line = format!("| {} |\n", row.join(" | "));
            if !self.fits(&line) {
                write!(self.text, "\nand {} more\n", count - number).expect("a string takes all");
                break;
            }
            self.text.push_str(&line);
        }
        self.text.push('\n');
    }

    /// What still costs money comes first, so that it is there when the room ends.
    fn left(&mut self, left: &[Left]) {
        let (registrations, may_run): (Vec<_>, Vec<_>) =
            left.iter().partition(|left| left.registration_only);
        self.table(
            "Machines that may still be running",
            &["Runner", "Machine", "Reason", "End it with"],
            may_run.into_iter().map(|row| {
                vec![
                    runner(Some(&row.name)),
                    maybe(row.instance.as_ref(), |machine| code(&machine.to_string())),
                    reason(&row.why),
                    code(&row.command),
                ]
            }),
        );
        self.table(
            REGISTRATIONS,
            &["Runner", "Reason", "Remove it with"],
            registrations.into_iter().map(|row| {
                vec![
                    runner(Some(&row.name)),
                    reason(&row.why),
                    code(&row.command),
                ]
            }),
        );
    }

    /// What could not be read, and may hide machines.
    fn unknown(&mut self, unknown: &[Unknown]) {
        self.table(
            "What could not be read",
            &["Source", "Error"],
            unknown
                .iter()
                .map(|one| vec![code(&one.source), reason(&one.error)]),
        );
    }

    fn fits(&self, more: &str) -> bool {
        self.text.len() + more.len() + Self::REST <= self.room
    }

    fn finish(self) -> Option<String> {
        (!self.text.is_empty()).then(|| self.text + &self.end)
    }
}

fn runner(name: Option<&Name>) -> String {
    code(name.map(Name::as_str).unwrap_or_default())
}

/// Why something failed, with its causes, and below it what helps.
fn reason<K: std::fmt::Debug + 'static>(error: &Error<K>) -> String {
    let hints = error.hints().iter();
    let lines = std::iter::once(chain(error)).chain(hints.map(|hint| format!("hint: {hint}")));
    lines
        .map(|line| cell(&line))
        .collect::<Vec<_>>()
        .join("<br>")
}

fn maybe<T>(value: Option<T>, write: impl FnOnce(T) -> String) -> String {
    value.map_or(String::new(), write)
}

fn dollars(cost: f64) -> String {
    // A few seconds of a cheap machine are not nothing.
    if cost > 0.0 && cost < 0.01 {
        "less than $0.01".to_owned()
    } else {
        format!("${cost:.2}")
    }
}

/// What is to be copied, in the type of a terminal. Not with backticks: within them nothing can be
/// escaped.
fn code(text: &str) -> String {
    format!("<code>{}</code>", cell(text))
}

/// Text in a cell that means nothing but itself: no markup, no HTML, no line end.
fn cell(text: &str) -> String {
    /// Longer errors belong into the log.
    const LONGEST: usize = 2000;
    let text = crate::model::text::plain(text);
    let mut out = String::with_capacity(text.len());
    for c in text.chars().take(LONGEST) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' | '\t' => out.push(' '),
            '\\' | '`' | '|' | '*' | '_' | '~' | '[' | ']' | '!' | '#' | '$' => {
                out.push('\\');
                out.push(c);
            }
            // Neither a link nor a mention comes of foreign text.
            ':' => out.push_str("&#58;"),
            '@' => out.push_str("&#64;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fleet::stop::{Kept, Stopped, Unstopped};
    use crate::fleet::{Failed, Left, Trouble, Up};
    use crate::providers;

    fn name() -> Name {
        "gharun-abcdefabcdefgh".parse().expect("a name")
    }

    fn up() -> StartOutcome {
        let up = Up {
            name: name(),
            labels: vec![name().to_string()],
            instance: "docker:1a2b/3c4d".parse().expect("a reference"),
            provider: "docker".into(),
            kind: "docker",
            runner_id: Some(42),
            created: "2026-01-01T00:00:00Z".parse().expect("a time"),
            expires: "2026-01-01T07:00:00Z".parse().expect("a time"),
            launched_after: Duration::from_millis(1200),
            online_after: Duration::from_millis(71_900),
            price_per_hour: Some(0.79),
        };
        StartOutcome {
            up: vec![up],
            ..StartOutcome::default()
        }
    }

    /// So many runners that failed with a text from outside.
    fn failed(count: usize, text: &str) -> StartOutcome {
        let failed = || Failed {
            name: name(),
            trouble: Trouble::Panic(text.to_owned()),
        };
        StartOutcome {
            failed: std::iter::repeat_with(failed).take(count).collect(),
            ..StartOutcome::default()
        }
    }

    /// The cells of a table's line, split as GitHub does.
    fn cells(line: &str) -> Vec<String> {
        let line = line.replace("\\|", "\0");
        let inner = line.trim().trim_matches('|');
        inner
            .split('|')
            .map(|cell| cell.trim().replace('\0', "\\|"))
            .collect()
    }

    #[test]
    fn a_start_is_written_up_with_its_warning() {
        insta::assert_snapshot!(start(&up(), MOST).unwrap(), @r"
        ### Runners started by gharun

        | Runner | Provider | Machine | Launched after | Online after | Price | Ends itself | Outcome |
        | --- | --- | --- | --- | --- | --- | --- | --- |
        | <code>gharun-abcdefabcdefgh</code> | docker | <code>docker&#58;1a2b/3c4d</code> | 1s | 1m 12s | $0.79/h | 2026-01-01 07:00 UTC | online |

        A runner serves one job. **Re-run failed jobs** cannot start a new one; use **Re-run all jobs**.
        ");
    }

    #[test]
    fn what_failed_and_what_is_left_of_it_is_written_up_with_what_helps() {
        let full = providers::Error::new(providers::ErrorKind::NoCapacity, "none has room")
            .because("the answer was 503")
            .hinted("add to `instance_types`");
        let denied = Error::from("could not end it").hinted("allow `ec2:TerminateInstances`");
        let outcome = StartOutcome {
            failed: vec![Failed {
                name: name(),
                trouble: Trouble::NoRoom(vec![("aws".into(), full)]),
            }],
            left: vec![Left {
                name: name(),
                instance: "aws:us_east_1/i-1".parse().ok(),
                why: denied,
                command: "gharun stop aws:us_east_1/i-1".into(),
                access: None,
                access_commands: Vec::new(),
                kept: false,
                registration_only: false,
            }],
            ..StartOutcome::default()
        };
        insta::assert_snapshot!(start(&outcome, MOST).unwrap(), @r#"
        ### Machines that may still be running

        | Runner | Machine | Reason | End it with |
        | --- | --- | --- | --- |
        | <code>gharun-abcdefabcdefgh</code> | <code>aws&#58;us\_east\_1/i-1</code> | could not end it<br>hint&#58; allow \`ec2&#58;TerminateInstances\` | <code>gharun stop aws&#58;us\_east\_1/i-1</code> |

        ### Runners started by gharun

        | Runner | Provider | Machine | Launched after | Online after | Price | Ends itself | Outcome |
        | --- | --- | --- | --- | --- | --- | --- | --- |
        | <code>gharun-abcdefabcdefgh</code> |  |  |  |  |  |  | no provider could launch it&#58; \`aws\`&#58; none has room&#58; the answer was 503<br>hint&#58; add to \`instance\_types\` |

        A runner serves one job. **Re-run failed jobs** cannot start a new one; use **Re-run all jobs**.
        "#);
    }

    #[test]
    fn a_stop_is_written_up_with_what_may_still_run_first() {
        let name = |letter: &str| format!("gharun-{}", letter.repeat(14)).parse().ok();
        let summary = StopOutcome {
            stopped: vec![Stopped {
                instance: "docker:1/2".parse().ok(),
                name: name("a"),
                deregistered: true,
                terminated: true,
                assumed_gone: false,
                registered: None,
                billed: Some(Duration::from_secs(3700)),
                cost: Some(0.81),
                reason: "it was named".into(),
            }],
            kept: vec![Kept {
                instance: None,
                name: name("b").expect("a name"),
                reason: "a job runs on it".into(),
                due: true,
            }],
            failed: vec![Unstopped {
                instance: "aws:us_east_1/i-1".parse().ok(),
                name: name("c"),
                error: "AWS did not answer".into(),
                command: "gharun stop aws:us_east_1/i-1".into(),
                permanent: false,
                registration_only: false,
            }],
            ..StopOutcome::default()
        };
        insta::assert_snapshot!(stop(&summary, MOST).unwrap(), @r"
        ### Machines that may still be running

        | Runner | Machine | Error | End it with |
        | --- | --- | --- | --- |
        | <code>gharun-cccccccccccccc</code> | <code>aws&#58;us\_east\_1/i-1</code> | AWS did not answer | <code>gharun stop aws&#58;us\_east\_1/i-1</code> |

        ### Machines kept by gharun

        | Runner | Machine | Reason |
        | --- | --- | --- |
        | <code>gharun-bbbbbbbbbbbbbb</code> |  | a job runs on it |

        ### Machines stopped by gharun

        | Runner | Machine | Ran for | Cost |
        | --- | --- | --- | --- |
        | <code>gharun-aaaaaaaaaaaaaa</code> | <code>docker&#58;1/2</code> | 1h 1m 40s | $0.81 |

        Together $0.81
        ");
    }

    #[test]
    fn foreign_text_stays_in_its_cell_and_means_nothing() {
        let hostile =
            "a|b `c` <img src=x onerror=y>\n| x | **bold** [l](http://e) \\| &amp; @all\r$x$";
        let page = start(&failed(1, hostile), MOST).unwrap();
        let line = page.lines().find(|line| line.contains("onerror")).unwrap();
        let cells = cells(line);
        assert_eq!(cells.len(), 8, "{line}");
        let cell = &cells[7];
        for markup in ["<img", " `", " **", " [", "http:", "@all", " $x"] {
            assert!(!cell.contains(markup), "{markup} in {cell}");
        }
    }

    #[test]
    fn a_summary_keeps_within_its_room_and_counts_what_is_left_out() {
        let outcome = failed(1000, &"x".repeat(3000));
        for room in [3000, 100_000, MOST] {
            let page = start(&outcome, room).unwrap();
            assert!(page.len() <= room, "{} in {room}", page.len());
            assert!(page.contains(" more\n") && page.ends_with(&format!("{RERUN}\n")));
        }
        assert_eq!(start(&outcome, 100), None);
    }
}
