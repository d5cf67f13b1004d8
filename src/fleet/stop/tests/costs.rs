//! What machines cost, also of those that ended by themselves.

use std::time::Duration;

use super::scene::{Scene, mapping, named, stop, tags};
use crate::model::Price;

const HOUR: i64 = 3600;

#[tokio::test(start_paused = true)]
async fn what_ended_by_itself_costs_at_most_what_it_did_until_its_lifetime_was_over() {
    let scene = Scene::new();
    let reference = "gpu:gpu/box".parse().expect("a reference");
    // It deleted itself after its job, and nobody saw when: two hours at $2, and seven at most.
    let mut lately = tags("a", 2 * HOUR);
    lately.expires = lately.created + Duration::from_hours(7);
    scene.record(&lately, "gpu", Some(reference)).await;
    let row = &scene.survey().await.rows[0];
    assert_eq!(row.machine_state(), "gone");
    assert!(row.cost_at_most && (row.cost.expect("a cost") - 4.0).abs() < 1e-9);
    let reference = "gpu:gpu/old".parse().expect("a reference");
    let mut long_ago = tags("b", 30 * HOUR);
    long_ago.expires = long_ago.created + Duration::from_hours(7);
    scene.record(&long_ago, "gpu", Some(reference)).await;
    let survey = scene.survey().await;
    let row = survey.rows.iter().find(|row| row.name == long_ago.name);
    let row = row.expect("its row");
    assert!(row.cost_at_most && (row.cost.expect("a cost") - 14.0).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn a_stop_tells_what_those_cost_that_ended_themselves() {
    let scene = Scene::new();
    let gone = tags("a", 2 * HOUR);
    let reference = "gpu:gpu/box".parse().expect("a reference");
    scene.record(&gone, "gpu", Some(reference)).await;
    let reference = "gpu:gpu/box".parse().expect("a reference");
    let stops = scene.stop(&stop(mapping(&[&reference]))).await;
    let [ended] = stops.stopped.as_slice() else {
        panic!("{stops:?}")
    };
    assert!(ended.cost_at_most, "{ended:?}");
    assert!(ended.billed.is_some() && ended.cost.is_some_and(|cost| cost > 0.0));
    let told = stops.sentence().expect("a sentence");
    assert!(
        told.starts_with("Found 1 machine already gone, at most $")
            && told.ends_with(". Nothing is left."),
        "{told}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_and_is_not_billed_does_not_go_on_growing() {
    let scene = Scene::new();
    let mut tags = tags("a", 30 * HOUR);
    tags.expires = tags.created + Duration::from_hours(7);
    let (machine, reference) = scene.machine(&tags).await;
    scene.record(&tags, "gpu", Some(reference)).await;
    scene.cloud.end(&machine.id, "it was stopped");
    // Its place says so of what has ended.
    scene
        .cloud
        .set("gpu", |place| place.rental.price = Some(Price::live(0.0)));
    let cost = async || {
        let survey = scene.survey().await;
        (survey.rows[0].cost, survey.rows[0].cost_at_most)
    };
    let before = cost().await;
    assert_eq!(before, (Some(14.0), true));
    tokio::time::advance(Duration::from_hours(5)).await;
    assert_eq!(cost().await, before);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_machine_is_billed_at_its_own_price_and_no_record_tells_no_cost() {
    let scene = Scene::new();
    let mut tags = tags("a", 10 * HOUR);
    tags.expires = tags.created + Duration::from_hours(7);
    let (machine, reference) = scene.machine(&tags).await;
    scene.cloud.end(&machine.id, "it was stopped");
    // A disk.
    scene.cloud.charges(&machine.id, Price::live(0.1));
    let row = async || scene.survey().await.rows.remove(0);
    assert_eq!(row().await.cost, None);
    scene.record(&tags, "gpu", Some(reference)).await;
    let cost = row().await.cost.expect("a cost");
    // Seven hours at $2, and three of the disk.
    assert!((cost - 14.3).abs() < 1e-6, "{cost}");
}

#[tokio::test(start_paused = true)]
async fn what_is_ended_costs_what_it_did_and_the_sum_is_told() {
    let scene = Scene::new();
    scene
        .cloud
        .set("gpu", |place| place.rental.price = Some(Price::live(3.0)));
    let tags = tags("a", HOUR);
    let (_, reference) = scene.machine(&tags).await;
    let stops = scene.stop(&stop(named(&[&reference]))).await;
    let total = stops.total().expect("a total");
    assert_eq!((total.machines, total.at_most), (1, false));
    assert_eq!(
        stops.sentence().as_deref(),
        Some("Stopped 1 machine, about $3.00. Nothing is left.")
    );
}
