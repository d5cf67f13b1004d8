//! What is said, where, and when; into streams that can be looked at.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::model::{Mapping, Name, Price, Reference, Rental, Secret};

mod bars;
#[cfg(target_os = "linux")]
mod terminal;

#[derive(Clone, Default)]
struct Stream(Arc<Mutex<Vec<u8>>>);

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream {
    fn text(&self) -> String {
        String::from_utf8(lock(&self.0).clone()).expect("UTF-8")
    }
}

/// A `Ui` with its standard output and error.
fn ui(look: UiOptions) -> (Ui, Stream, Stream) {
    let (out, err) = (Stream::default(), Stream::default());
    let ui = Ui::with(look, Box::new(out.clone()), Box::new(err.clone()), None);
    (ui, out, err)
}

fn name() -> Name {
    "gharun-abcdefabcdefgh".parse().expect("a name")
}

fn machine() -> Reference {
    "docker:1a2b/3c4d".parse().expect("a reference")
}

/// One event of each sort, in the order of a life.
fn events() -> Vec<Event> {
    let (name, instance, provider) = (name(), machine(), "docker".to_owned());
    let reason = "because\u{1b}[31m".to_owned();
    vec![
        Event::Secret(Secret::new("hunter2")),
        Event::Registered {
            name: name.clone(),
            runner_id: 42,
        },
        Event::Launching {
            name: name.clone(),
            provider: provider.clone(),
        },
        Event::NoCapacity {
            name: name.clone(),
            provider,
            reason: reason.clone(),
        },
        Event::Renamed {
            from: name.clone(),
            to: "gharun-abcdefabcdefgi".parse().expect("a name"),
            reason: reason.clone(),
        },
        Event::Launched {
            rental: Rental {
                gpu: Some("NVIDIA A40".into()),
                market: Some("secure".into()),
                place: Some("EU-SE-1".into()),
                price: Some(Price::live(0.4)),
                ..Rental::default()
            },
            name: name.clone(),
            instance: instance.clone(),
            mapping: Mapping::default(),
        },
        Event::Online {
            name: name.clone(),
            after: Duration::from_millis(71_900),
        },
        Event::Failed {
            name: name.clone(),
            reason: reason.clone(),
            log: Some("one\n::error::two\n".into()),
        },
        Event::Deregistered {
            name: name.to_string(),
        },
        Event::Terminating {
            instance: instance.clone(),
        },
        Event::Terminated { instance },
        Event::Waiting {
            reason,
            at_most: Duration::from_mins(1),
        },
        Event::Warning("careful".into()),
    ]
}

fn told(look: UiOptions) -> String {
    let (ui, out, err) = ui(look);
    for event in events() {
        ui.handle(&event);
    }
    assert_eq!(out.text(), "", "standard output is data");
    err.text()
}

#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Chain {
    text: &'static str,
    source: Option<Box<Chain>>,
}

fn chain(texts: &[&'static str]) -> Chain {
    let (first, rest) = texts.split_first().expect("at least one");
    Chain {
        text: first,
        source: (!rest.is_empty()).then(|| Box::new(chain(rest))),
    }
}

#[test]
fn without_bars_every_event_is_a_line() {
    insta::assert_snapshot!(told(UiOptions::default()), @"
    Registered `gharun-abcdefabcdefgh` with GitHub as runner 42
    Launching `gharun-abcdefabcdefgh` at `docker`
    Provider `docker` could not start `gharun-abcdefabcdefgh`
    Launched `docker:1a2b/3c4d` for `gharun-abcdefabcdefgh` (NVIDIA A40, secure, EU-SE-1, $0.40/h)
    Runner `gharun-abcdefabcdefgh` is online after 1m 12s
    Runner `gharun-abcdefabcdefgh` failed
      the end of its boot log:
      | one
      | ::error::two
    Deregistered `gharun-abcdefabcdefgh` from GitHub
    Terminating `docker:1a2b/3c4d`
    Terminated `docker:1a2b/3c4d`
    Waiting at most 1m: because
    ");
}

#[test]
fn quiet_says_nothing_of_events() {
    let look = UiOptions {
        verbosity: Verbosity::Quiet,
        ..UiOptions::default()
    };
    assert_eq!(told(look), "");
}

#[test]
fn why_a_runner_failed_is_for_the_last_screen_and_for_who_wants_all() {
    let look = UiOptions {
        verbosity: Verbosity::Debug,
        ..UiOptions::default()
    };
    let told = told(look);
    for line in [
        "could not start `gharun-abcdefabcdefgh` (because)\n",
        "failed: because\n",
        "Replaced `gharun-abcdefabcdefgh` by `gharun-abcdefabcdefgi` (because)\n",
    ] {
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn in_a_workflow_boot_logs_and_warnings_are_left_to_actions() {
    let look = UiOptions {
        actions: true,
        ..UiOptions::default()
    };
    let told = told(look);
    assert!(told.contains("Launched") && !told.contains("boot log") && !told.contains("careful"));
    assert!(!told.lines().any(|line| line.trim_start().starts_with("::")));
}

#[test]
fn no_id_is_followed_by_a_sign() {
    for line in told(UiOptions::default()).lines() {
        for sign in ["`.", "`,", "`:", "`;"] {
            assert!(!line.contains(sign), "{line}");
        }
    }
}

#[test]
fn an_error_is_said_with_its_causes_and_hints_once_each() {
    let (ui, _, err) = ui(UiOptions::default());
    let error = chain(&[
        "could not start 2 runners on `gpu`",
        "could not launch `gharun-x`: no\nroom",
        "no\nroom",
        "\u{1b}[2JAWS said 500",
    ]);
    let hints = ["try `--set region=eu-west-1`", "try again", "try again"];
    ui.error(&error, &hints.map(str::to_owned));
    insta::assert_snapshot!(err.text(), @r"
    error: could not start 2 runners on `gpu`
      caused by: could not launch `gharun-x`: no
        room
      caused by: AWS said 500

    hint: try `--set region=eu-west-1`
    hint: try again
    ");
}

#[test]
fn an_error_without_hints_ends_without_a_blank_line() {
    let (ui, _, err) = ui(UiOptions {
        verbosity: Verbosity::Quiet,
        ..UiOptions::default()
    });
    ui.error(&chain(&["it failed"]), &[]);
    assert_eq!(err.text(), "error: it failed\n");
}

#[test]
fn colours_are_there_when_wanted_and_carry_no_meaning() {
    let terminals = Terminals {
        stderr: true,
        ..Terminals::default()
    };
    let said = |color, terminals| {
        let (ui, _, err) = ui(UiOptions {
            color,
            terminals,
            ..UiOptions::default()
        });
        ui.warning("careful");
        ui.hint("try `x`");
        err.text()
    };
    let plain = "warning: careful\nhint: try `x`\n";
    assert_eq!(said(ColorArg::Auto, Terminals::default()), plain);
    assert_eq!(said(ColorArg::Never, terminals), plain);
    for colored in [
        said(ColorArg::Auto, terminals),
        said(ColorArg::Always, Terminals::default()),
    ] {
        assert!(
            colored.contains("\u{1b}[1m") || colored.contains("\u{1b}[33m"),
            "{colored:?}"
        );
        assert_eq!(dialoguer::console::strip_ansi_codes(&colored), plain);
    }
}

#[test]
fn data_goes_to_standard_output_and_ends_its_line() {
    let (ui, out, err) = ui(UiOptions {
        verbosity: Verbosity::Quiet,
        ..UiOptions::default()
    });
    ui.data("gharun-a\tdocker:1/2").unwrap();
    ui.data("").unwrap();
    ui.data("x\n").unwrap();
    assert_eq!(
        (out.text().as_str(), err.text().as_str()),
        ("gharun-a\tdocker:1/2\nx\n", "")
    );
}

#[test]
fn data_commands_neither_terminal_nor_runner() {
    for (format, data) in [
        (FormatArg::Json, "{\"a\": \"##[error]\u{202e}\"}"),
        (FormatArg::Text, "::add-mask::\u{202e}##[error]"),
    ] {
        let (ui, out, _) = ui(UiOptions {
            format,
            actions: true,
            ..UiOptions::default()
        });
        ui.data(data).unwrap();
        let text = out.text();
        assert!(
            !text.contains("##[") && !text.contains('\u{202e}') && !text.starts_with("::"),
            "{text}"
        );
    }
}

struct Failing(io::ErrorKind);

impl Write for Failing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(self.0.into())
    }
}

#[test]
fn a_reader_that_went_away_is_no_failure_and_a_full_disk_is() {
    let with = |kind| {
        let streams = (Box::new(Failing(kind)), Box::new(Failing(kind)));
        let ui = Ui::with(UiOptions::default(), streams.0, streams.1, None);
        ui.status("standard error may be gone too");
        ui.data("x")
    };
    assert!(with(io::ErrorKind::BrokenPipe).is_ok());
    assert_eq!(
        with(io::ErrorKind::StorageFull).unwrap_err().kind(),
        io::ErrorKind::StorageFull
    );
}

#[test]
fn flags_count_towards_a_verbosity() {
    use Verbosity::{Debug, Everything, Normal, Quiet, Trace};
    let counted = [(0, 1), (0, 0), (1, 0), (2, 0), (3, 0), (9, 0), (1, 1)];
    let expected = [Quiet, Normal, Debug, Trace, Everything, Everything, Normal];
    assert_eq!(
        counted.map(|(verbose, quiet)| Verbosity::of(verbose, quiet)),
        expected
    );
}

/// Says one thing of each level from two crates and returns what was heard.
fn heard(verbosity: Verbosity, directives: Option<&str>) -> String {
    let (ui, _, err) = ui(UiOptions {
        verbosity,
        ..UiOptions::default()
    });
    tracing::subscriber::with_default(ui.subscriber(directives, None).unwrap(), || {
        tracing::error!("ours");
        tracing::warn!(count = 2, "ours\u{1b}[31m");
        tracing::debug!("ours");
        tracing::trace!("ours");
        tracing::error!(target: "hyper::client", "theirs");
        tracing::warn!(target: "hyper::client", "theirs");
        tracing::info!(target: "hyper::client", "theirs");
        tracing::debug!(target: "hyper::client", "theirs");
        tracing::trace!(target: "hyper::client", "a body with a secret");
    });
    err.text()
}

#[test]
fn other_crates_are_not_heard_until_somebody_asks_for_them() {
    for verbosity in [Verbosity::Quiet, Verbosity::Normal, Verbosity::Debug] {
        let said = heard(verbosity, None);
        assert!(said.contains("error: ours"), "{verbosity:?}: {said}");
        assert!(!said.contains("theirs"), "{verbosity:?}: {said}");
    }
    assert!(heard(Verbosity::Trace, None).contains("warning: theirs"));
    let asked = heard(Verbosity::Normal, Some("hyper=warn"));
    assert!(asked.contains("warning: theirs"), "{asked}");
}

#[test]
fn each_v_lets_more_be_heard_and_no_body_ever() {
    let table: BTreeMap<String, String> = [
        Verbosity::Quiet,
        Verbosity::Normal,
        Verbosity::Debug,
        Verbosity::Trace,
        Verbosity::Everything,
    ]
    .map(|verbosity| {
        (
            format!("{} {verbosity:?}", verbosity as u8),
            heard(verbosity, None),
        )
    })
    .into();
    let table: Vec<String> = table
        .into_iter()
        .map(|(v, text)| format!("{v}:\n{text}"))
        .collect();
    insta::assert_snapshot!(table.join("\n"), @"
    0 Quiet:
    error: ours

    1 Normal:
    error: ours
    warning: ours count=2

    2 Debug:
    error: ours
    warning: ours count=2
    ours

    3 Trace:
    error: ours
    warning: ours count=2
    debug: gharun::ui::tests: ours
    trace: gharun::ui::tests: ours
    error: theirs
    warning: theirs
    info: hyper::client: theirs

    4 Everything:
    error: ours
    warning: ours count=2
    debug: gharun::ui::tests: ours
    trace: gharun::ui::tests: ours
    error: theirs
    warning: theirs
    info: hyper::client: theirs
    debug: hyper::client: theirs
    ");
}

#[test]
fn directives_decide_instead_of_the_verbosity_and_let_no_body_be_heard_either() {
    let lines = |directives| heard(Verbosity::Quiet, Some(directives)).lines().count();
    assert_eq!(lines("hyper=info"), 3);
    assert_eq!(lines("gharun=trace,hyper=trace"), 4 + 4);
    assert_eq!(lines("trace"), 4 + 4);
    assert_eq!(lines("off"), 0);
    let (ui, ..) = ui(UiOptions::default());
    assert!(ui.subscriber(Some("hyper=loud"), None).is_err());
}

#[tokio::test]
async fn without_a_terminal_nothing_is_asked() {
    let (ui, _, err) = ui(UiOptions::default());
    assert!(matches!(
        ui.confirm("Stop 3 machines?").await,
        Err(PromptError::NotATerminal(_))
    ));
    assert!(matches!(
        ui.line("Name", None, |_| None).await,
        Err(PromptError::NotATerminal(_))
    ));
    assert!(matches!(
        ui.select("Kind", &["a".into()]).await,
        Err(PromptError::NotATerminal(_))
    ));
    assert_eq!(err.text(), "");
}
