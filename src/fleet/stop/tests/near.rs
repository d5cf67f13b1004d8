//! Machines outside the part of their place that a stop looks at first: nothing that was not looked for is absent.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;

use super::scene::{RUN, Scene, mapped, mapping, now, stop, tags};
use crate::fleet::survey::{Looking, Questions, look};
use crate::fleet::verdict::MachineState;
use crate::model::{Exit, InstanceId, Name, Reference, Tags};
use crate::providers::memory::Verb;

/// A scene whose launches from now on create machines where a stop by mapping looks only when it has to.
async fn with_far(tags: &Tags) -> (Scene, Reference) {
    let scene = Scene::new();
    scene.cloud.set("gpu", |place| place.launches_far = true);
    let (_, reference) = scene.machine(tags).await;
    scene.cloud.set("gpu", |place| place.launches_far = false);
    (scene, reference)
}

fn bare(reference: &Reference) -> Reference {
    Reference {
        provider: reference.provider.clone(),
        id: InstanceId {
            location: None,
            id: reference.id.id.clone(),
        },
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_intent_had_ordered_is_not_gone_because_it_was_not_looked_for() {
    for seconds_ago in [60, 3600] {
        let (mapped, lost) = (tags("a", seconds_ago), tags("a", seconds_ago));
        let (scene, _) = with_far(&lost).await;
        let (_, near) = scene.machine(&mapped).await;
        scene.record(&mapped, "gpu", Some(near.clone())).await;
        scene.record(&lost, "gpu", None).await;
        // Where its tags cannot be read its record alone tells of it.
        let stops = scene.stop(&stop(mapping(&[&near]))).await;
        assert!(scene.there().is_empty(), "{seconds_ago}: {stops:?}");
        assert_eq!((stops.exit(), scene.records().await), (Exit::Done, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn an_intent_of_another_start_that_was_not_looked_for_keeps_its_record_and_troubles_nobody() {
    let (mapped, other) = (tags("a", 100_000), tags("b", 100_000));
    let (scene, _) = with_far(&other).await;
    let (_, near) = scene.machine(&mapped).await;
    scene.record(&other, "gpu", None).await;
    let stops = scene.stop(&stop(mapping(&[&near]))).await;
    assert_eq!(stops.exit(), Exit::Done, "{stops:?}");
    assert_eq!(
        (scene.there().len(), scene.records().await),
        (1, 1),
        "{stops:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_machine_of_another_start_that_was_not_looked_for_troubles_nobody() {
    let (mapped, other) = (tags("a", 60), tags("b", 60));
    let (scene, far) = with_far(&other).await;
    let (_, near) = scene.machine(&mapped).await;
    scene.record(&other, "gpu", Some(far)).await;
    let stops = scene.stop(&stop(mapping(&[&near]))).await;
    assert_eq!((stops.exit(), stops.unknown.len()), (Exit::Done, 0));
    assert_eq!((scene.there().len(), scene.records().await), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_only_github_knows_of_is_unknown_where_not_everything_was_looked_at() {
    let lost = tags("a", 3600);
    let (scene, reference) = with_far(&lost).await;
    scene.runner(&lost.name, "offline");
    let near = |machines: &'static [Reference]| Looking {
        questions: Questions::OfPlaces,
        end: Instant::now() + Duration::from_mins(1),
        hurry: None,
        spare_github: false,
        near: Some(machines),
    };
    let all = look(&scene.fleet(), &scene.view, near(&[])).await;
    let [row] = all.survey.rows.as_slice() else {
        panic!("{:?}", all.survey)
    };
    assert_eq!(row.facts.machine, MachineState::Unread, "{reference}");
    assert!(!all.all_read(&lost.name, &scene.view));
}

#[tokio::test(start_paused = true)]
async fn a_runner_of_the_same_start_is_found_wherever_its_machine_is() {
    let (first, second) = (tags("a", 60), tags("a", 60));
    let (scene, _) = with_far(&second).await;
    let (_, near) = scene.machine(&first).await;
    scene.runner(&first.name, "online");
    scene.runner(&second.name, "online");
    let stops = scene.stop(&stop(mapped(&near, &first.name))).await;
    assert!(scene.there().is_empty(), "{stops:?}");
    assert_eq!((stops.exit(), stops.stopped.len()), (Exit::Done, 2));
    assert!(scene.hub.rows.borrow().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_machine_whose_place_is_not_said_is_looked_for_everywhere() {
    let tags = tags("a", 60);
    for target in [
        |machine: &Reference, name: &Name| mapped(machine, name),
        |machine: &Reference, _: &Name| super::scene::named(&[machine]),
    ] {
        let (scene, far) = with_far(&tags).await;
        scene.runner(&tags.name, "online");
        let stops = scene.stop(&stop(target(&bare(&far), &tags.name))).await;
        assert_eq!(stops.exit(), Exit::Done, "{stops:?}");
        assert!(scene.there().is_empty() && scene.hub.rows.borrow().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn github_does_not_forget_the_runner_of_a_machine_that_was_not_found() {
    let tags = tags("a", 60);
    let (scene, far) = with_far(&tags).await;
    // With other credentials nothing shows it.
    scene.cloud.vanish(&far.id);
    scene.runner(&tags.name, "online");
    for _ in 0..2 {
        let stops = scene.stop(&stop(mapped(&bare(&far), &tags.name))).await;
        assert_eq!(stops.exit(), Exit::Left, "{stops:?}");
        assert_eq!(scene.hub.rows.borrow().len(), 1, "{stops:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_where_its_reference_says_it_is_is_looked_for_there_alone() {
    let tags = Tags {
        name: Name::choose(Some(RUN), 0, now() + SignedDuration::from_mins(15)),
        start: "a-1".into(),
        ..tags("a", 60)
    };
    let (scene, far) = with_far(&tags).await;
    scene.runner(&tags.name, "online");
    let begin = Instant::now();
    let stops = scene.stop(&stop(mapped(&far, &tags.name))).await;
    assert_eq!(stops.exit(), Exit::Done, "{stops:?}");
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert!(scene.cloud.asked(Verb::List).len() <= 4);
}
