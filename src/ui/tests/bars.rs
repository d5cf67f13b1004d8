//! Spinners, drawn on a terminal that can be looked at.

use std::time::Instant;

use indicatif::{ProgressDrawTarget, TermLike};

use super::*;
use crate::model::Rental;

/// A terminal that remembers everything that was ever drawn on it.
#[derive(Clone, Debug, Default)]
struct Screen(Arc<Mutex<String>>);

impl TermLike for Screen {
    fn width(&self) -> u16 {
        100
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.write_str(line)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        lock(&self.0).push_str(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

fn with_bars() -> (Ui, Stream, Screen) {
    let (screen, err) = (Screen::default(), Stream::default());
    let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
    let terminals = Terminals {
        stderr: true,
        ..Terminals::default()
    };
    let look = UiOptions {
        terminals,
        color: ColorArg::Never,
        ..UiOptions::default()
    };
    let progress = Progress::on(target, false);
    let ui = Ui::with(
        look,
        Box::new(io::sink()),
        Box::new(err.clone()),
        Some(progress),
    );
    (ui, err, screen)
}

#[test]
fn on_a_terminal_what_passes_is_at_the_spinner_and_what_lasts_is_a_line() {
    let (ui, err, screen) = with_bars();
    ui.handle(&Event::Launching {
        name: name(),
        provider: "docker".into(),
    });
    let end = Instant::now() + Duration::from_secs(20);
    while !lock(&screen.0).contains("Launching `gharun-abcdefabcdefgh` at `docker`") {
        assert!(Instant::now() < end, "no bar appeared");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(err.text(), "");
    ui.handle(&Event::Online {
        name: name(),
        after: Duration::from_secs(3),
    });
    assert_eq!(
        err.text(),
        "Runner `gharun-abcdefabcdefgh` is online after 3s\n"
    );
}

fn starting() -> Event {
    Event::Starting {
        names: vec![name()],
        scope: "octo/app".into(),
        at_most: Duration::from_mins(15),
        unrented: Vec::new(),
        keeps_others: false,
    }
}

#[test]
fn a_start_is_one_screen_whose_clock_moves_and_says_no_event_twice() {
    let (ui, err, screen) = with_bars();
    ui.handle(&starting());
    assert!(lock(&screen.0).is_empty(), "nothing is drawn at once");
    for event in events() {
        // A boot log is for good, and after a new name the old one is nobody's.
        if !matches!(event, Event::Failed { .. } | Event::Renamed { .. }) {
            ui.handle(&event);
        }
    }
    let end = Instant::now() + Duration::from_secs(20);
    for time in ["0:00 of 15:00", "0:02 of 15:00"] {
        while !lock(&screen.0).contains(time) {
            assert!(Instant::now() < end, "the clock does not move: {time}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    assert_eq!(err.text(), "");
    ui.finish();
    assert!(!ui.0.progress.as_ref().unwrap().has_board());
}

#[test]
fn all_bars_are_gone_after_the_last_words() {
    let (ui, err, _) = with_bars();
    for event in events() {
        ui.handle(&event);
    }
    let progress = ui.0.progress.as_ref().unwrap();
    assert!(progress.count() > 0, "something is still being waited for");
    ui.error(&chain(&["it failed"]), &[]);
    assert_eq!(progress.count(), 0);
    assert!(err.text().ends_with("error: it failed\n"));
}

#[test]
fn a_machine_moves_the_spinner_of_its_runner() {
    let (ui, ..) = with_bars();
    let (name, instance) = (name(), machine());
    let mapping = Mapping::default();
    ui.handle(&Event::Launched {
        rental: Rental::default(),
        name,
        instance: instance.clone(),
        mapping,
    });
    ui.handle(&Event::Terminating {
        instance: instance.clone(),
    });
    let progress = ui.0.progress.as_ref().unwrap();
    assert_eq!(progress.count(), 1);
    ui.handle(&Event::Terminated { instance });
    assert_eq!(progress.count(), 0);
}

#[test]
fn bars_are_for_people_who_did_not_ask_for_more_or_less() {
    let terminals = Terminals {
        stdin: true,
        stdout: true,
        stderr: true,
    };
    let look = UiOptions {
        terminals,
        ..UiOptions::default()
    };
    let bars = |look| {
        Ui::speaking_to(look, Box::new(io::sink()), Box::new(io::sink()))
            .0
            .progress
            .is_some()
    };
    assert!(bars(look));
    assert!(!bars(UiOptions {
        verbosity: Verbosity::Debug,
        ..look
    }));
    assert!(!bars(UiOptions {
        verbosity: Verbosity::Quiet,
        ..look
    }));
    assert!(!bars(UiOptions {
        actions: true,
        ..look
    }));
    assert!(!bars(UiOptions::default()));
}
