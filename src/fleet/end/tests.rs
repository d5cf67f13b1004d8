//! The end of a machine on a bad day, in a cloud in memory.

use std::sync::Arc;

use futures_util::future::join_all;

use super::*;
use crate::model::Instance;
use crate::providers::contract::{Mood, order};
use crate::providers::memory::{Fault, Flaw, InMemoryCloud, InMemoryProvider, Verb};
use crate::providers::{ErrorKind, Provider};

const SECOND: Duration = Duration::from_secs(1);

/// A place of a cloud, and how long an end may take there.
struct Scene {
    cloud: InMemoryCloud,
    place: NamedProvider,
}

impl Scene {
    fn new() -> Self {
        let cloud = InMemoryProvider::cloud();
        let place = NamedProvider::new("gpu", Arc::new(cloud.provider("gpu")));
        Self { cloud, place }
    }

    async fn machine(&self) -> Instance {
        let launched = Provider::launch(&self.cloud.provider("gpu"), &order("t")).await;
        launched.expect("it launches")
    }

    async fn end(&self, machine: &Instance) -> Ended {
        self.end_until(machine, Until::Gone).await
    }

    async fn end_until(&self, machine: &Instance, until: Until) -> Ended {
        let deadline = Instant::now() + 120 * SECOND;
        end(&self.place, &machine.id, until, deadline).await
    }

    /// Ends a machine, and tells how often its place was asked to.
    async fn ends(&self, machine: &Instance) -> usize {
        let ended = self.end(machine).await;
        assert!(matches!(ended, Ended::Gone), "{ended:?}");
        assert!(self.cloud.machines().is_empty());
        self.cloud.asked(Verb::Terminate).len()
    }

    /// Tries to end a machine in vain, and tells why it may still be there.
    async fn fails(&self, machine: &Instance) -> Error {
        let ended = self.end(machine).await.proved();
        ended.expect_err("nobody knows whether it is gone")
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_refused_once_is_asked_for_again_at_once() {
    for kind in [
        ErrorKind::Ambiguous,
        ErrorKind::RateLimited,
        ErrorKind::Unavailable,
        ErrorKind::Unexpected,
    ] {
        let (scene, begin) = (Scene::new(), Instant::now());
        let machine = scene.machine().await;
        scene.cloud.once("gpu", Verb::Terminate, Fault::Error(kind));
        assert_eq!(scene.ends(&machine).await, 2, "{kind:?}");
        assert!(begin.elapsed() < SECOND, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_whose_answer_was_lost_is_asked_for_again_and_is_a_success() {
    let scene = Scene::new();
    let machine = scene.machine().await;
    scene.cloud.once("gpu", Verb::Terminate, Fault::AnswerLost);
    assert_eq!(scene.ends(&machine).await, 2);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_accepted_and_not_carried_out_is_asked_for_again() {
    let (scene, begin) = (Scene::new(), Instant::now());
    let machine = scene.machine().await;
    scene.cloud.once("gpu", Verb::Terminate, Fault::Ignored);
    assert_eq!(scene.ends(&machine).await, 2);
    assert!(begin.elapsed() < 6 * SECOND, "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_is_gone_already_is_a_success() {
    let scene = Scene::new();
    let machine = scene.machine().await;
    assert_eq!(scene.ends(&machine).await, 1);
    assert_eq!(scene.ends(&machine).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_no_repetition_mends_is_told_at_once() {
    for kind in [
        ErrorKind::Config,
        ErrorKind::Denied,
        ErrorKind::Elsewhere,
        ErrorKind::NotFound,
    ] {
        let (scene, begin) = (Scene::new(), Instant::now());
        let machine = scene.machine().await;
        scene
            .cloud
            .fault("gpu", Verb::Terminate, Fault::Error(kind));
        let why = scene.fails(&machine).await;
        assert_eq!((why.kind, begin.elapsed()), (kind, Duration::ZERO));
        assert_eq!(scene.cloud.asked(Verb::Terminate).len(), 1);
        scene.cloud.heal("gpu");
        scene.cloud.fault("gpu", Verb::List, Fault::Error(kind));
        let why = scene.fails(&machine).await;
        assert_eq!((why.kind, begin.elapsed()), (kind, Duration::ZERO));
    }
}

#[tokio::test(start_paused = true)]
async fn what_refuses_until_the_deadline_may_still_be_there_and_says_why() {
    let (scene, begin) = (Scene::new(), Instant::now());
    let machine = scene.machine().await;
    let unavailable = Fault::Error(ErrorKind::Unavailable);
    scene.cloud.fault("gpu", Verb::Terminate, unavailable);
    let why = chain(&scene.fails(&machine).await);
    assert!(why.starts_with("could not terminate at `gpu`"), "{why}");
    assert!(begin.elapsed() > 100 * SECOND && begin.elapsed() <= 120 * SECOND);
    let asked = scene.cloud.asked(Verb::Terminate).len();
    assert!((8..40).contains(&asked), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn silence_ends_with_the_deadline() {
    for verb in [Verb::Terminate, Verb::List] {
        let (scene, begin) = (Scene::new(), Instant::now());
        let machine = scene.machine().await;
        scene.cloud.fault("gpu", verb, Fault::Hang);
        let why = chain(&scene.fails(&machine).await);
        assert!(why.contains("in time"), "{why}");
        assert!(begin.elapsed() <= 120 * SECOND, "{:?}", begin.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_that_accepts_and_cannot_be_read_proves_nothing() {
    let scene = Scene::new();
    let machine = scene.machine().await;
    let unavailable = Fault::Error(ErrorKind::Unavailable);
    scene.cloud.fault("gpu", Verb::List, unavailable);
    let why = chain(&scene.fails(&machine).await);
    assert!(why.contains("could not list at `gpu`"), "{why}");
    // Another part of it that cannot be read says nothing about this one.
    scene.cloud.heal("gpu");
    scene.cloud.mood("gpu", Some(Mood::PartUnread));
    assert!(matches!(scene.end(&machine).await, Ended::Gone));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_only_to_be_accepted_is_not_waited_for() {
    let (scene, begin) = (Scene::new(), Instant::now());
    let machine = scene.machine().await;
    let unavailable = Fault::Error(ErrorKind::Unavailable);
    scene.cloud.once("gpu", Verb::Terminate, unavailable);
    scene.cloud.once("gpu", Verb::Terminate, Fault::Ignored);
    let accepted = scene.end_until(&machine, Until::Accepted).await;
    assert!(matches!(accepted, Ended::Accepted), "{accepted:?}");
    assert!(begin.elapsed() < SECOND);
    let asked = |verb| scene.cloud.asked(verb).len();
    assert_eq!((asked(Verb::Terminate), asked(Verb::List)), (2, 0));
    // What its place says is gone already is called so, once a listing does not show it either.
    scene.ends(&machine).await;
    let gone = scene.end_until(&machine, Until::Accepted).await;
    assert!(matches!(gone, Ended::Gone), "{gone:?}");
}

#[tokio::test(start_paused = true)]
async fn what_never_answered_was_never_accepted_and_what_was_accepted_stays_so() {
    let scene = Scene::new();
    let machine = scene.machine().await;
    scene.cloud.fault("gpu", Verb::Terminate, Fault::Hang);
    for until in [Until::Accepted, Until::Gone] {
        let ended = scene.end_until(&machine, until).await;
        assert!(matches!(ended, Ended::Refused(_)), "{ended:?}");
    }
    scene.cloud.once("gpu", Verb::Terminate, Fault::Ignored);
    let ended = scene.end_until(&machine, Until::Gone).await;
    assert!(matches!(ended, Ended::Unproved(_)), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_listing_with_a_gap_proves_nothing_by_itself() {
    let scene = Scene::new();
    let machine = scene.machine().await;
    scene.cloud.once("gpu", Verb::List, Fault::Gap);
    assert!(!has_ended(&scene.place, &machine.id, 10 * SECOND).await);
    scene.cloud.once("gpu", Verb::Terminate, Fault::Ignored);
    scene.cloud.once("gpu", Verb::List, Fault::Gap);
    assert_eq!(scene.ends(&machine).await, 2);
    assert!(has_ended(&scene.place, &machine.id, 10 * SECOND).await);
}

#[tokio::test(start_paused = true)]
async fn where_the_place_says_that_it_is_gone_one_listing_is_enough() {
    let scene = Scene::new();
    let machine = scene.machine().await;
    scene.ends(&machine).await;
    let listed = scene.cloud.asked(Verb::List).len();
    assert_eq!(listed, 2);
    sleep(SECOND).await;
    scene.ends(&machine).await;
    assert_eq!(scene.cloud.asked(Verb::List).len(), listed + 1);
}

#[tokio::test(start_paused = true)]
async fn what_no_listing_would_show_is_never_called_gone() {
    let scene = Scene::new();
    let machine = scene.machine().await;
    // It takes ids of any place, and lists those of its own.
    let careless = scene.cloud.provider("gpu").with(Flaw::AnyPlaceIsMine);
    let place = NamedProvider::new("gpu", Arc::new(careless));
    let elsewhere = InstanceId {
        location: Some("far".into()),
        ..machine.id
    };
    let deadline = Instant::now() + 120 * SECOND;
    let ended = end(&place, &elsewhere, Until::Gone, deadline).await;
    let why = chain(&ended.proved().expect_err("nobody looked there"));
    assert!(
        why.contains("does not list machines in its location"),
        "{why}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_ends_of_many_share_their_listings() {
    let scene = Scene::new();
    let mut machines = Vec::new();
    for _ in 0..16 {
        machines.push(scene.machine().await);
    }
    let ends = join_all(machines.iter().map(|machine| scene.end(machine))).await;

    assert!(
        ends.iter().all(|end| matches!(end, Ended::Gone)),
        "{ends:?}"
    );
    assert_eq!(scene.cloud.asked(Verb::Terminate).len(), 16);
    let listed = scene.cloud.asked(Verb::List).len();
    assert!(listed <= 4, "{listed}");
    // Also where they stay to be seen for a while.
    let machine = scene.machine().await;
    let ends = (0..16).map(async |n| {
        sleep(n * SECOND / 100).await;
        scene.cloud.once("gpu", Verb::Terminate, Fault::Ignored);
        scene.end(&machine).await
    });
    join_all(ends).await;
    let listed = scene.cloud.asked(Verb::List).len() - listed;
    assert!(listed < 40, "alone, each would look six times: {listed}");
}

#[tokio::test(start_paused = true)]
async fn one_request_that_hangs_does_not_use_up_the_time() {
    for verb in [Verb::Terminate, Verb::List] {
        let (scene, begin) = (Scene::new(), Instant::now());
        let machine = scene.machine().await;
        scene.cloud.once("gpu", verb, Fault::Hang);
        scene.ends(&machine).await;
        assert!(begin.elapsed() < 40 * SECOND, "{verb:?}");
    }
    // Of little time, one takes a part only.
    let scene = Scene::new();
    let machine = scene.machine().await;
    scene.cloud.once("gpu", Verb::Terminate, Fault::Hang);
    let deadline = Instant::now() + 10 * SECOND;
    let ended = end(&scene.place, &machine.id, Until::Accepted, deadline).await;
    assert!(matches!(ended, Ended::Accepted), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn one_lost_list_does_not_make_what_has_ended_busy() {
    let scene = Scene::new();
    let machine = scene.machine().await;
    scene.cloud.end(&machine.id, "by itself");
    let unavailable = Fault::Error(ErrorKind::Unavailable);
    scene.cloud.once("gpu", Verb::List, unavailable);
    assert!(has_ended(&scene.place, &machine.id, 15 * SECOND).await);
    tokio::time::advance(SECOND).await;
    scene.cloud.fault("gpu", Verb::List, unavailable);
    assert!(!has_ended(&scene.place, &machine.id, 15 * SECOND).await);
}
