//! Random worlds: whatever machines, runners, records, clocks and silences there are, a sweep ends nothing of others,
//! nothing busy and nothing unknown.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::scene::{RUN, Scene, now, stop, tags};
use crate::model::{InstanceId, StopTarget, Tags};
use crate::providers::ErrorKind;
use crate::providers::memory::{Fault, Verb};

/// How many worlds are tried.
const WORLDS: u64 = 400;

/// Numbers that follow from a seed alone (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Whether something that happens once in so many times happens.
    fn once_in(&mut self, times: u64) -> bool {
        self.next().is_multiple_of(times)
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        let index = self.next() % all.len() as u64;
        all[usize::try_from(index).expect("it is below a length")]
    }
}

/// What is true of one machine, whatever a sweep can see of it.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools)] // what is true is independent of each other
struct Truth {
    tags: Tags,
    place: &'static str,
    id: Option<InstanceId>,
    /// `None`: not registered.
    registration: Option<(u64, &'static str)>,
    busy_at_github: bool,
    job_seen: bool,
    has_ended: bool,
    is_ours: bool,
}

/// What is true of a whole world.
#[derive(Debug)]
struct Whole {
    ahead: SignedDuration,
    run_over: bool,
    github_down: bool,
    unread: Option<&'static str>,
}

impl Whole {
    /// Whether a moment is past by GitHub's clock and by ours.
    fn is_past(&self, moment: Timestamp) -> bool {
        now() > moment && now() + self.ahead > moment
    }

    /// Why a machine may be ended; `None` where nothing allows it.
    fn allows(&self, truth: &Truth) -> Option<&'static str> {
        if !truth.is_ours || self.unread == Some(truth.place) {
            return None;
        }
        if truth.has_ended {
            return Some("it ended by itself");
        }
        let expired = self.is_past(truth.tags.expires);
        if self.github_down || truth.busy_at_github {
            return None;
        }
        if truth.job_seen && !(truth.registration.is_none() && expired) {
            return None;
        }
        let graced = !self.is_past(truth.tags.ready_by);
        let idle = self.is_past(truth.tags.created + Duration::from_mins(30));
        match truth.registration {
            _ if self.run_over => Some("its run is over"),
            _ if expired => Some("its lifetime is over"),
            Some((_, "online")) => (idle && !graced).then_some("it was idle for too long"),
            _ => (!graced).then_some("its runner is not there"),
        }
    }
}

/// Builds a world.
async fn build(scene: &Scene, dice: &mut Dice) -> (Whole, Vec<Truth>) {
    let run_over = dice.once_in(3);
    if run_over {
        let over = ("completed".to_owned(), RUN.attempt);
        scene.hub.runs.borrow_mut().insert(RUN.id, over);
    }
    let ahead = SignedDuration::from_hours(dice.pick(&[0, 0, 8, -8]));
    scene.hub.ahead.set(ahead);
    let mut all = Vec::new();
    for number in 0..=dice.next() % 6 {
        let age = dice.pick(&[60, 20 * 60, 3600, 9 * 3600, 24 * 3600]);
        let mut tags = tags(&number.to_string(), age);
        let is_ours = !dice.once_in(4);
        if !is_ours {
            match dice.pick(&["scope", "server"]) {
                "scope" => "acme/other".clone_into(&mut tags.scope),
                _ => "ghes.example".clone_into(&mut tags.server),
            }
        }
        let place = dice.pick(&["gpu", "cpu"]);
        let mut truth = Truth {
            place,
            id: None,
            registration: None,
            busy_at_github: false,
            job_seen: false,
            has_ended: false,
            is_ours,
            tags,
        };
        let mut reference = None;
        if !dice.once_in(5) {
            let (machine, at) = scene.machine_at(place, &truth.tags).await;
            truth.job_seen = dice.once_in(4);
            if truth.job_seen {
                scene.cloud.busy(&machine.id, true);
            }
            truth.has_ended = dice.once_in(6);
            if truth.has_ended {
                scene.cloud.end(&machine.id, "by itself");
            }
            truth.id = Some(machine.id);
            reference = Some(at);
        }
        // What is registered with another scope is not in this one's list.
        if is_ours && !dice.once_in(3) {
            let status = dice.pick(&["online", "offline"]);
            let id = scene.runner(&truth.tags.name, status);
            truth.registration = Some((id, status));
            truth.busy_at_github = dice.once_in(4);
            if truth.busy_at_github {
                scene.busy(id, None);
            }
        }
        if dice.once_in(2) {
            scene.record(&truth.tags, place, reference).await;
        }
        all.push(truth);
    }
    for place in ["gpu", "cpu"] {
        scene.cloud.add_stranger(place);
    }
    let github_down = dice.once_in(6);
    if github_down {
        scene.hub.down.borrow_mut().insert("runners");
    }
    let unread = dice.once_in(5).then(|| dice.pick(&["gpu", "cpu"]));
    if let Some(place) = unread {
        let fault = Fault::Error(ErrorKind::Unavailable);
        scene.cloud.fault(place, Verb::List, fault);
    }
    let whole = Whole {
        ahead,
        run_over,
        github_down,
        unread,
    };
    (whole, all)
}

#[tokio::test(start_paused = true)]
async fn a_sweep_ends_nothing_of_others_nothing_busy_and_nothing_unknown() {
    let (mut ended, mut spared) = (0, 0);
    for seed in 0..WORLDS {
        let scene = Scene::new().with_place("cpu");
        let mut dice = Dice(seed);
        let (whole, all) = build(&scene, &mut dice).await;
        let began = Instant::now();
        scene.stop(&stop(StopTarget::Orphans)).await;
        assert!(
            began.elapsed() < Duration::from_hours(1),
            "seed {seed}: {whole:?}"
        );
        let there = scene.there();
        let strangers = scene.cloud.machines().into_iter();
        let strangers = strangers.filter(|machine| machine.stranger).count();
        assert_eq!(strangers, 2, "seed {seed}: {whole:?}");
        for truth in all {
            let name = truth.tags.name.to_string();
            let allowed = whole.allows(&truth);
            let is_ended = truth.id.is_some() && !there.contains(&name);
            if is_ended {
                ended += 1;
                assert!(allowed.is_some(), "seed {seed}: {whole:?}\n{truth:?}");
            } else if truth.id.is_some() {
                spared += 1;
            }
            let Some((id, status)) = truth.registration else {
                continue;
            };
            let is_removed = !scene.hub.rows.borrow().contains_key(&id);
            if is_removed {
                let is_ghost = truth.id.is_none()
                    && status == "offline"
                    && !truth.busy_at_github
                    && whole.unread != Some(truth.place)
                    && (whole.run_over || whole.is_past(truth.tags.ready_by));
                assert!(is_ended || is_ghost, "seed {seed}: {whole:?}\n{truth:?}");
            }
        }
    }
    // The rule would hold of a sweep that does nothing.
    assert!(ended > 100 && spared > 100, "{ended} {spared}");
}
