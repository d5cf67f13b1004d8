//! Tables whose ids are their own: two of them may count their machines alike, and mean different ones.

use std::sync::Arc;

use super::scene::{Scene, mapping, named, stop, tags};
use crate::fleet::NamedProvider;
use crate::fleet::stop::StopRequest;
use crate::model::{Exit, Instance, InstanceId, Reference, StopTarget};
use crate::providers::Provider;
use crate::providers::memory::Verb;

/// Two tables, each with a machine `100`. That of the first is the one whose name comes first.
async fn two() -> (Scene, [(Instance, Reference); 2]) {
    let scene = Scene::new().with_place("box");
    for place in ["gpu", "box"] {
        scene
            .cloud
            .set(place, |place| place.own_ids = Some(vec!["100"]));
    }
    let (one, other) = (tags("a", 60), tags("b", 60));
    let (first, second) = if one.name < other.name {
        (one, other)
    } else {
        (other, one)
    };
    let first = scene.machine_at("gpu", &first).await;
    let second = scene.machine_at("box", &second).await;
    assert_eq!(first.0.id, second.0.id);
    (scene, [first, second])
}

fn bare(of: &Reference) -> Reference {
    Reference {
        provider: of.provider.clone(),
        id: InstanceId {
            location: None,
            id: of.id.id.clone(),
        },
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_is_that_of_its_own_table_though_another_has_one_of_that_id() {
    let (scene, [(first, _), (_, second)]) = two().await;
    let job = scene.runner(&first.tags.name, "online");
    scene.busy(job, None);
    for given in [second.clone(), bare(&second)] {
        for target in [mapping(&[&given]), named(&[&given])] {
            let selection = scene.select(&stop(target)).await;
            let chosen = selection.chosen.iter().map(|one| one.instance.as_ref());
            assert_eq!(chosen.collect::<Vec<_>>(), [Some(&second)], "{given}");
        }
    }
    let stops = scene.stop(&stop(mapping(&[&bare(&second)]))).await;
    assert_eq!(stops.exit(), Exit::Done, "{stops:?}");
    assert_eq!(scene.there(), [first.tags.name.to_string()]);
}

#[tokio::test(start_paused = true)]
async fn two_machines_of_one_id_are_both_ended_where_both_are_named() {
    let (scene, [(_, first), (_, second)]) = two().await;
    let stops = scene
        .stop(&stop(named(&[&bare(&first), &bare(&second)])))
        .await;
    assert_eq!(
        (stops.exit(), stops.stopped.len()),
        (Exit::Done, 2),
        "{stops:?}"
    );
    assert!(scene.there().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_id_that_its_own_table_does_not_list_is_not_looked_for_in_another() {
    let (scene, [(first, _), (_, reference)]) = two().await;
    scene.cloud.vanish_at("box", &reference.id);
    for given in [reference.clone(), bare(&reference)] {
        let stops = scene.stop(&stop(named(&[&given]))).await;
        let stopped = stops.stopped.iter().filter_map(|one| one.name.as_ref());
        assert_eq!(stopped.count(), 0, "{given}: {stops:?}");
        assert_eq!(scene.there(), [first.tags.name.to_string()], "{given}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_two_tables_list_is_meant_by_either() {
    let mut scene = Scene::new();
    scene
        .cloud
        .set("gpu", |place| place.own_ids = Some(vec!["100"]));
    let again: Arc<dyn Provider> = Arc::new(scene.cloud.provider("gpu"));
    scene.places.push(NamedProvider::new("again", again));
    let (_, reference) = scene.machine(&tags("a", 60)).await;
    let given = Reference {
        provider: "again".into(),
        ..reference.clone()
    };
    let selection = scene.select(&stop(named(&[&given]))).await;
    let [chosen] = selection.chosen.as_slice() else {
        panic!("{selection:?}")
    };
    assert_eq!(chosen.instance.as_ref(), Some(&reference));
    assert!(chosen.row().is_some(), "{chosen:?}");
}

#[tokio::test(start_paused = true)]
async fn of_two_damaged_machines_of_one_id_each_is_told() {
    let (scene, [(first, _), (_, second)]) = two().await;
    let whose = ["gharun-server", "gharun-scope"];
    scene.cloud.damage(&first.id, &whose);
    let stops = scene.stop(&stop(StopTarget::All)).await;
    assert_eq!(stops.failed.len(), 2, "{stops:?}");
    let forced = StopRequest {
        force: true,
        ..stop(named(&[&second]))
    };
    let stops = scene.stop(&forced).await;
    assert_eq!(scene.there(), [first.tags.name.to_string()], "{stops:?}");
    assert_eq!(scene.cloud.asked(Verb::Terminate), ["100"]);
}
