//! The screens of a start on a real terminal, of 80x24 and 120x40.

use std::collections::BTreeSet;

use dialoguer::console::measure_text_width;

use crate::terminal::{SMALL, Screen, Size, watch};
use crate::world::World;

const SIZES: [Size; 2] = [
    SMALL,
    Size {
        columns: 120,
        rows: 40,
    },
];

/// What differs from run to run; names keep their length.
const VOLATILE: &[(&str, &str)] = &[
    (r"t[a-z0-9]{13}\b", "tk3q8z0w5v2n01"),
    (r"octo/app-[a-z0-9]{8}", "octo/app-abcd1234"),
    (r"local:[0-9a-f]{12}/", "local:0123456789ab/"),
    (r"\d:\d\d of", "0:00 of"),
    (r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]", "⠙"), // see SIGNS
    (r"(?m) {3,6}[\d ]\ds$", "     0s"),
    (r"after \d+s", "after 0s"),
    (r"[\w/.-]*/\.tmp[A-Za-z0-9]{6}/", "/tmp/.tmpabcdef/"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:12345"),
    (r"at \d\d:\d\d UTC", "at 00:00 UTC"),
];

fn world() -> World {
    World::new()
        .env("COLUMNS", "")
        .env("TERM", "xterm-256color")
}

/// What turns before what goes on.
const SIGNS: &str = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";

/// Compares a screen with what it was, words that differ from run to run aside.
#[track_caller]
fn shows(what: &str, size: Size, screen: &[String]) {
    insta::with_settings!({filters => VOLATILE.to_vec()}, {
        insta::assert_snapshot!(format!("{what}_{}", size.columns), screen.join("\n"));
    });
}

/// Runs a command on a terminal; the last screen, and the exit code. `act` is called with every new frame.
fn seen(
    world: &World,
    args: &str,
    size: Size,
    mut act: impl FnMut(u32, &[String]),
) -> (Vec<String>, i32) {
    let mut seen = Vec::new();
    let (written, code) = watch(world.command(args), size, &[], |child, written| {
        // What is half written is seen whole in the next frame.
        let Ok(written) = std::str::from_utf8(written) else {
            return;
        };
        let whole = written.rfind('\u{1b}').map_or(written, |at| {
            let tail = &written[at..];
            if tail.len() > 2 && tail[2..].contains(|c: char| c.is_ascii_alphabetic()) {
                written
            } else {
                &written[..at]
            }
        });
        let frame = Screen::after_on(size, whole);
        if seen != frame {
            act(child, &frame);
            seen = frame;
        }
    });
    (Screen::after_on(size, &written), code)
}

/// A world in which machines wait in their setup for a file that is named so.
fn slow() -> (World, std::path::PathBuf) {
    let world = world();
    let go = world.path("go");
    let setup = format!("until [ -e {} ]; do sleep 0.1; done\n", go.display());
    std::fs::write(world.path("setup.sh"), setup).expect("a script");
    (world, go)
}

const START: &str = "start local --set slots=3 --count 3 --setup setup.sh";

/// What the clock of a start says, where one is drawn.
fn clock(frame: &[String]) -> Option<String> {
    let header = frame.iter().find(|line| line.contains(" of 15:00"))?;
    let (before, _) = header.split_once(" of 15:00")?;
    Some(before.rsplit(' ').next().unwrap_or_default().to_owned())
}

#[test]
fn a_start_is_rows_that_move_and_then_a_card() {
    for size in SIZES {
        let (world, go) = slow();
        let (mut clocks, mut signs) = (BTreeSet::new(), BTreeSet::new());
        let mut rows = Vec::new();
        // The machines wait until rows and clock have moved: where they stand still, the start never ends.
        let (last, code) = seen(&world, START, size, |_, frame| {
            let installing = frame.iter().filter(|line| line.contains("installing"));
            let installing: Vec<&String> = installing.collect();
            if installing.len() == 3 {
                rows = frame.to_vec();
                clocks.extend(clock(frame));
                signs.extend(installing[0].chars().filter(|c| SIGNS.contains(*c)));
                if clocks.len() > 2 && signs.len() > 3 {
                    std::fs::write(&go, "").expect("a file");
                }
            }
        });
        assert_eq!(code, 0, "{last:?}");
        shows("rows", size, &rows);
        shows("card", size, &last);
        world.run("stop --yes").exits(0);
        crate::life::nothing_is_left(&world);
    }
}

#[test]
fn an_interrupted_start_leaves_no_dead_row() {
    for size in SIZES {
        let (world, _) = slow();
        let mut sent = false;
        let (last, code) = seen(&world, START, size, |child, frame| {
            let is_up = frame
                .iter()
                .filter(|line| line.contains("installing"))
                .count()
                == 3;
            if is_up && !std::mem::replace(&mut sent, true) {
                // What a terminal does on Ctrl-C.
                let child = child.to_string();
                let kill = std::process::Command::new("kill")
                    .args(["-INT", &child])
                    .status();
                assert!(kill.expect("kill runs").success());
            }
        });
        assert_eq!(code, 130, "{last:?}");
        shows("interrupted", size, &last);
        crate::life::nothing_is_left(&world);
    }
}

#[test]
fn a_start_that_failed_is_a_card_with_its_causes_grouped() {
    for size in SIZES {
        let world = world();
        std::fs::write(world.path("setup.sh"), "echo no such driver >&2\nexit 4\n")
            .expect("a script");
        let (last, code) = seen(&world, START, size, |_, _| ());
        assert_eq!(code, 1, "{last:?}");
        assert!(last.len() < size.rows, "{last:?}");
        // What its log says is not of one length.
        let card = last.iter().position(|line| line.starts_with('✗'));
        shows("failed", size, &last[card.expect("a headline")..]);
        crate::life::nothing_is_left(&world);
    }
}

#[test]
fn a_dry_run_fits_the_terminal() {
    for size in SIZES {
        let world = world();
        let command = world.command("start local --dry-run --count 2 --set slots=2");
        let (written, code) = watch(command, size, &[], |_, _| ());
        // A line that wraps is one here, and two on the screen.
        for line in written.lines() {
            let columns = measure_text_width(line);
            assert!(columns <= size.columns, "{columns}: {line:?}");
        }
        let last = Screen::after_on(size, &written);
        assert_eq!(code, 0, "{last:?}");
        shows("planned", size, &last);
        assert!(
            last.last()
                .is_some_and(|line| line.starts_with("At most 15m")),
            "{last:?}"
        );
    }
}

#[test]
fn details_are_lines_that_people_read_and_have_no_query() {
    let world = World::new();
    let said = world.run("start local -v").exits(0);
    let asked = |line: &&str| line.starts_with("GET /repos/octo/app-") && line.ends_with(" ms");
    let asked: Vec<&str> = said.stderr.lines().filter(asked).collect();
    assert!(
        asked
            .iter()
            .any(|line| line.contains("/actions/runners/downloads 200, ")),
        "{}",
        said.stderr
    );
    for odd in ["debug: ", "gharun::", "method=", "?per_page", "&"] {
        assert!(!said.stderr.contains(odd), "{odd}: {}", said.stderr);
    }
    world.run("stop --yes -q").exits(0);
    crate::life::nothing_is_left(&world);
}
