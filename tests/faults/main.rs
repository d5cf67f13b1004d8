//! Faults at every request of every flow: nothing is left after the documented cure, and every exit code is true.
//!
//! What is played is told by the environment:
//!
//! * nothing: some scenarios of each place, for as long as [`BOUND`].
//! * `GHARUN_FAULTS=all`: all of them, 3,150; a run that was stopped goes on where it was.
//! * `GHARUN_FAULTS='PLACE FLOW K STROKE'`: this one, as a failure prints it.
//! * `GHARUN_FAULTS_SEED`: another draw; 1 where nothing is said.
//! * `GHARUN_FAULTS_AT_ONCE`: how many scenarios of a place are played at a time; 3 where nothing is said.

use std::io::Write as _;
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

mod gate;
mod http;
mod journal;
mod place;
mod play;
mod scenario;
mod strike;
#[allow(dead_code, unused_macros, reason = "the program tests need more of it")]
#[path = "../cli/world.rs"]
mod world;

use journal::Journal;
use place::PlaceKind;
use play::{Played, play};
use scenario::{Scenario, draw};
use world::outer;

/// How long each place is played where nothing is asked for.
const BOUND: Duration = Duration::from_secs(25);
/// How many scenarios of a place are played at a time where nothing is asked for: most of their time is waiting.
const AT_ONCE: usize = 3;

/// Which scenarios are asked for.
enum Choice {
    /// As many as there is time for.
    Some,
    All,
    One(Scenario),
}

fn choice() -> Choice {
    match outer("GHARUN_FAULTS").as_deref() {
        None | Some("") => Choice::Some,
        Some("all") => Choice::All,
        Some(text) => {
            let scenario = text.parse();
            Choice::One(scenario.unwrap_or_else(|why| panic!("GHARUN_FAULTS: {why}")))
        }
    }
}

/// A variable that holds a number.
fn number<T: FromStr>(variable: &str, otherwise: T) -> T {
    let text = outer(variable).filter(|text| !text.is_empty());
    text.map_or(otherwise, |text| {
        let number = text.parse().ok();
        number.unwrap_or_else(|| panic!("{variable} must be a number"))
    })
}

/// Says something past the test harness.
fn say(text: &str) {
    let line = format!("{text}\n");
    std::io::stderr()
        .write_all(line.as_bytes())
        .expect("standard error takes a line");
}

/// What a run of a place has come to.
#[derive(Default)]
struct Tally {
    played: usize,
    struck: usize,
    left: usize,
    broken: usize,
}

/// Plays what is asked for of one place.
fn faults_at(place: PlaceKind) {
    let (seed, choice) = (number("GHARUN_FAULTS_SEED", 1), choice());
    let (scenarios, end) = match choice {
        Choice::One(one) if one.place == place => (vec![one], None),
        Choice::One(_) => return,
        Choice::All => (draw(place, seed), None),
        Choice::Some => (draw(place, seed), Some(Instant::now() + BOUND)),
    };
    let is_all = matches!(choice, Choice::All);
    let journal = Journal::open(place, seed);
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    let work = || {
        while end.is_none_or(|end| Instant::now() < end)
            && let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed))
        {
            if is_all && journal.has(scenario) {
                let mut tally = tally.lock().expect("no panic");
                tally.played += 1;
                tally.struck += 1;
                continue;
            }
            let Some(played) = one(scenario, &journal, matches!(choice, Choice::One(_))) else {
                return;
            };
            let well = played.left.is_empty() && played.broken.is_empty();
            if well && is_all {
                journal.went_well(scenario);
            }
            let mut tally = tally.lock().expect("no panic");
            tally.played += 1;
            tally.struck += usize::from(played.struck);
            tally.left += played.left.len();
            tally.broken += played.broken.len();
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..number("GHARUN_FAULTS_AT_ONCE", AT_ONCE).min(scenarios.len()) {
            threads.spawn(work);
        }
    });
    let Tally {
        played,
        struck,
        left,
        broken,
    } = tally.into_inner().expect("no panic");
    say(&format!(
        "faults: {place}: {played} scenarios ({struck} struck), {left} left, {broken} promises broken"
    ));
    assert_eq!((left, broken), (0, 0), "the failures stand above");
}

/// Plays a scenario, and says how to repeat it where it did not go well; `None` where its place cannot be had.
fn one(scenario: &Scenario, journal: &Journal, aloud: bool) -> Option<Played> {
    let Scenario {
        place,
        flow,
        k,
        stroke,
    } = *scenario;
    let length = journal.length(flow, || {
        let played = play(place, flow, None)?;
        complain(&format!("{place} {flow}, unstruck"), &played, None);
        Some(played.asked.len().max(1))
    })?;
    let k = (k - 1) % length + 1;
    let played = play(place, flow, Some((k, stroke)))?;
    let exact = Scenario { k, ..*scenario };
    complain(&exact.to_string(), &played, Some(k));
    if aloud {
        say(&played.said);
    }
    Some(played)
}

fn complain(what: &str, played: &Played, k: Option<usize>) {
    if played.left.is_empty() && played.broken.is_empty() {
        return;
    }
    let at = k.and_then(|k| played.asked.get(k - 1));
    let at = at.map_or("a request that never came", String::as_str);
    say(&format!(
        "\nFAULT {what} (at {at})\n  left: {:?}\n  broken: {:?}\n  again: GHARUN_FAULTS='{what}' sh tests/run --test faults\n{}",
        played.left, played.broken, played.said
    ));
}

#[test]
fn nothing_is_left_at_aws() {
    faults_at(PlaceKind::Aws);
}

#[test]
fn nothing_is_left_at_docker() {
    faults_at(PlaceKind::Docker);
}

#[test]
fn nothing_is_left_on_this_computer() {
    faults_at(PlaceKind::Local);
}

#[test]
fn nothing_is_left_of_jobs_at_nebius() {
    faults_at(PlaceKind::NebiusJob);
}

#[test]
fn nothing_is_left_of_vms_at_nebius() {
    faults_at(PlaceKind::NebiusVm);
}

#[test]
fn nothing_is_left_at_runpod() {
    faults_at(PlaceKind::RunPod);
}

#[test]
fn nothing_is_left_on_hosts() {
    faults_at(PlaceKind::Ssh);
}
