//! Whose machine it is: tags that cannot be read, places that are not proved the same, places that are gone for good.

use super::scene::{RUN, Scene, mapped, named, stop, tags};
use crate::fleet::stop::StopRequest;
use crate::model::{Event, Exit, InstanceId, Name, Reference, StopTarget, chain};

/// The tags without which nobody can tell whose a machine is.
const WHOSE: [&str; 2] = ["gharun-server", "gharun-scope"];

fn forced(target: StopTarget) -> StopRequest {
    StopRequest {
        force: true,
        ..stop(target)
    }
}

fn at(location: &str, of: &Reference) -> Reference {
    Reference {
        provider: of.provider.clone(),
        id: InstanceId {
            location: Some(location.to_owned()),
            id: of.id.id.clone(),
        },
    }
}

fn warnings(scene: &Scene) -> String {
    let events = scene.ear.0.borrow();
    let warnings = events.iter().filter_map(|event| match event {
        Event::Warning(error) => Some(chain(error)),
        _ => None,
    });
    warnings.collect::<Vec<_>>().join("\n")
}

#[tokio::test(start_paused = true)]
async fn a_machine_whose_tags_cannot_be_read_is_unknown_and_never_gone() {
    let scene = Scene::new();
    // Long past its lifetime.
    let tags = tags("a", 100_000);
    let (machine, reference) = scene.machine(&tags).await;
    scene.record(&tags, "gpu", Some(reference.clone())).await;
    scene.cloud.damage(&machine.id, &WHOSE);
    let survey = scene.survey().await;
    let [unknown, ..] = survey.unknown.as_slice() else {
        panic!("it is named: {survey:?}")
    };
    assert_eq!(unknown.source, reference.to_string());
    assert_eq!(survey.rows[0].machine_state(), "unknown");
    assert_eq!(survey.rows[0].verdict.to_string(), "unknown");
    let sweep = scene.stop(&stop(StopTarget::Orphans)).await;
    // It is past its lifetime, and runs.
    assert_eq!(sweep.exit(), Exit::Left, "{sweep:?}");
    assert_eq!((scene.there().len(), scene.records().await), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_machine_whose_tags_cannot_be_read_has_a_row_where_its_name_can_be() {
    let scene = Scene::new();
    let (machine, reference) = scene.machine(&tags("a", 100_000)).await;
    let readable = ["gharun-name", WHOSE[0], WHOSE[1]];
    scene.cloud.damage(&machine.id, &readable);
    let survey = scene.survey().await;
    let [row] = survey.rows.as_slice() else {
        panic!("it is listed: {survey:?}")
    };
    assert_eq!(row.instance.as_ref(), Some(&reference));
    assert_eq!(row.verdict.to_string(), "unknown");
    let stops = scene.stop(&stop(StopTarget::All)).await;
    assert_eq!(stops.exit(), Exit::Left, "{stops:?}");
    scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!(scene.there().len(), 1, "nothing is done to it");
}

#[tokio::test(start_paused = true)]
async fn a_machine_whose_tags_cannot_be_read_may_be_that_of_any_intent_or_registration() {
    let scene = Scene::new();
    let tags = tags("a", 100_000);
    let (machine, _) = scene.machine(&tags).await;
    scene.cloud.damage(&machine.id, &[]);
    scene.record(&tags, "gpu", None).await;
    assert_eq!(scene.verdict().await, "unknown");
    scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!(scene.records().await, 1, "nothing is forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_machine_is_ended_by_who_names_it_unless_it_is_of_another_scope() {
    let scene = Scene::new();
    let (machine, reference) = scene.machine(&tags("a", 60)).await;
    scene.cloud.damage(&machine.id, &[]);
    let stops = scene.stop(&stop(named(&[&reference]))).await;
    assert_eq!((stops.exit(), scene.there().len()), (Exit::Left, 1));
    let [refused] = stops.failed.as_slice() else {
        panic!("{stops:?}")
    };
    assert_eq!(refused.command, format!("gharun stop --force {reference}"));
    let stops = scene.stop(&forced(named(&[&reference]))).await;
    assert_eq!((stops.exit(), scene.there().len()), (Exit::Done, 0));

    let mut other = tags("b", 60);
    other.scope = "acme/other".into();
    let (machine, reference) = scene.machine(&other).await;
    scene.cloud.damage(&machine.id, &WHOSE);
    for stop in [stop(named(&[&reference])), forced(named(&[&reference]))] {
        let stops = scene.stop(&stop).await;
        assert_eq!((stops.exit(), scene.there().len()), (Exit::Left, 1));
        let why = chain(&stops.failed[0].error);
        assert!(why.contains("it belongs to scope `acme/other`"), "{why}");
    }

    // The one of the other scope is still there, and is not what was asked for.
    let (machine, reference) = scene.machine(&tags("c", 60)).await;
    scene.cloud.damage(&machine.id, &WHOSE);
    let stops = scene.stop(&stop(named(&[&reference]))).await;
    assert_eq!((stops.exit(), stops.stopped.len()), (Exit::Done, 1));
}

#[tokio::test(start_paused = true)]
async fn an_old_reference_means_the_machine_that_is_there() {
    let scene = Scene::new();
    scene
        .cloud
        .set("gpu", |place| place.vague = Some("old".into()));
    let (_, reference) = scene.machine(&tags("a", 60)).await;
    let stops = scene.stop(&stop(named(&[&at("old", &reference)]))).await;
    assert_eq!((stops.exit(), scene.there().len()), (Exit::Done, 0));
    assert!(stops.stopped[0].terminated, "{stops:?}");
}

#[tokio::test(start_paused = true)]
async fn an_old_reference_of_nothing_is_gone_only_where_github_knows_no_runner_of_it() {
    let scene = Scene::new();
    scene
        .cloud
        .set("gpu", |place| place.vague = Some("old".into()));
    let name = tags("a", 60).name;
    let gone: Reference = format!("gpu:old/{name}").parse().expect("a reference");
    let stops = scene.stop(&stop(mapped(&gone, &name))).await;
    assert_eq!(stops.exit(), Exit::Done, "{stops:?}");
    let told = &stops.stopped[0];
    assert!(told.assumed_gone && !told.terminated, "{stops:?}");
    assert!(warnings(&scene).contains(&format!("`{gone}`")));

    let scene = Scene::new();
    scene
        .cloud
        .set("gpu", |place| place.vague = Some("old".into()));
    scene.runner(&name, "online");
    let stops = scene.stop(&stop(mapped(&gone, &name))).await;
    let failed = stops.failed.iter().filter_map(|one| one.instance.as_ref());
    assert_eq!(failed.collect::<Vec<_>>(), [&gone], "{stops:?}");
    assert_eq!(stops.exit(), Exit::Left);
}

#[tokio::test(start_paused = true)]
async fn an_old_reference_whose_label_is_another_tools_is_not_taken_for_gone() {
    let scene = Scene::new();
    scene
        .cloud
        .set("gpu", |place| place.vague = Some("old".into()));
    let target = |labels: &[&str]| StopTarget::Named {
        machines: vec!["gpu:old/i-0abc".parse().expect("a reference")],
        names: vec![],
        labels: labels.iter().map(ToString::to_string).collect(),
        starts: true,
    };
    let stops = scene.stop(&stop(target(&["ec2-7f3a"]))).await;
    assert_eq!((stops.exit(), stops.stopped.len()), (Exit::Left, 0));
    let stops = scene.stop(&stop(target(&[]))).await;
    assert_eq!((stops.exit(), stops.stopped.len()), (Exit::Done, 1));
}

#[tokio::test(start_paused = true)]
async fn an_old_record_is_forgotten_only_where_github_knows_no_runner_of_it() {
    let scene = Scene::new();
    scene
        .cloud
        .set("gpu", |place| place.vague = Some("old".into()));
    let tags = tags("a", 3600);
    let gone: Reference = format!("gpu:old/{}", tags.name)
        .parse()
        .expect("a reference");
    scene.record(&tags, "gpu", Some(gone)).await;
    let id = scene.runner(&tags.name, "online");
    assert_eq!(scene.verdict().await, "unknown");
    scene.hub.rows.borrow_mut().remove(&id);
    assert_eq!(scene.verdict().await, "stale");
    let sweep = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!((sweep.exit(), scene.records().await), (Exit::Done, 0));
}

#[tokio::test(start_paused = true)]
async fn a_record_of_a_place_that_is_gone_for_good_is_dropped_by_force_and_past_its_expiry() {
    for (seconds_ago, dropped) in [(60, false), (100_000, true)] {
        let scene = Scene::new();
        let tags = tags("a", seconds_ago);
        let lost: Reference = "gpu:moved/x".parse().expect("a reference");
        scene.record(&tags, "gpu", Some(lost.clone())).await;
        let survey = scene.survey().await;
        let hints: Vec<_> = survey
            .unknown
            .iter()
            .flat_map(|one| one.error.hints())
            .collect();
        let way_out = format!("gharun stop --force {lost}");
        let is_named = hints.iter().any(|hint| hint.contains(&way_out));
        assert_eq!(is_named, dropped, "{hints:?}");
        let stops = scene.stop(&stop(named(&[&lost]))).await;
        assert_eq!((stops.exit(), scene.records().await), (Exit::Left, 1));
        let stops = scene.stop(&forced(named(&[&lost]))).await;
        let expected = if dropped {
            (Exit::Done, 0)
        } else {
            (Exit::Left, 1)
        };
        assert_eq!((stops.exit(), scene.records().await), expected, "{stops:?}");
        assert_eq!(
            warnings(&scene).contains("taking `gpu:moved/x` for gone"),
            dropped
        );
    }
}

/// An intent whose grace is over, and that was to come at a place.
async fn intent(scene: &Scene, seconds_ago: i64, at: &[&str]) -> Name {
    let tags = tags("a", seconds_ago);
    scene.record(&tags, "gpu", None).await;
    let (name, at) = (tags.name.clone(), at.iter().map(ToString::to_string));
    let at: Vec<String> = at.collect();
    let noted = scene.store.update(move |entries| {
        entries.get_mut(&name).expect("its record").at = at;
    });
    noted.await.expect("it is written");
    tags.name
}

#[tokio::test(start_paused = true)]
async fn an_intent_of_another_place_is_unknown_and_never_gone() {
    for target in [StopTarget::State, StopTarget::All, StopTarget::Orphans] {
        let scene = Scene::new();
        let name = intent(&scene, 3600, &["gpu", "elsewhere"]).await;
        let is_sweep = target == StopTarget::Orphans;
        let stops = scene.stop(&stop(target)).await;
        assert!(stops.stopped.is_empty(), "{stops:?}");
        assert_eq!(scene.records().await, 1);
        let expected = if is_sweep { Exit::Failed } else { Exit::Left };
        assert_eq!(stops.exit(), expected, "{stops:?}");
        let [unknown] = stops.unknown.as_slice() else {
            panic!("it is named: {stops:?}")
        };
        assert_eq!(unknown.source, name.to_string());
        let why = chain(&unknown.error);
        assert!(
            why.contains("may have been created in `gpu`, `elsewhere`"),
            "{why}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_intent_of_another_place_is_dropped_by_force_past_its_expiry() {
    let scene = Scene::new();
    let name = intent(&scene, 100_000, &["elsewhere"]).await;
    let by_name = StopTarget::Named {
        machines: vec![],
        names: vec![name],
        labels: vec![],
        starts: false,
    };
    let stops = scene.stop(&forced(by_name)).await;
    assert_eq!((stops.exit(), scene.records().await), (Exit::Done, 0));
    assert!(!stops.stopped[0].terminated, "{stops:?}");
}

#[tokio::test(start_paused = true)]
async fn an_intent_is_terminated_only_where_its_place_is_known_and_does_not_have_it() {
    for at in [&["gpu"] as &[&str], &[]] {
        let scene = Scene::new();
        intent(&scene, 3600, at).await;
        let stops = scene.stop(&stop(StopTarget::State)).await;
        assert_eq!((stops.exit(), scene.records().await), (Exit::Done, 0));
        assert_eq!(stops.stopped[0].terminated, !at.is_empty(), "{stops:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_is_kept_while_github_knows_its_runner() {
    let scene = Scene::new();
    let tags = tags("a", 100_000);
    let lost: Reference = "gpu:moved/x".parse().expect("a reference");
    scene.record(&tags, "gpu", Some(lost.clone())).await;
    let id = scene.runner(&tags.name, "online");
    scene.busy(id, None);
    let stops = scene.stop(&forced(named(&[&lost]))).await;
    assert_eq!(
        (stops.exit(), scene.records().await),
        (Exit::Left, 1),
        "{stops:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_sweep_says_how_it_ends_that_a_record_of_a_removed_table_is_kept() {
    let scene = Scene::new();
    let lost: Reference = "removed:eu/x".parse().expect("a reference");
    scene
        .record(&tags("a", 100_000), "removed", Some(lost.clone()))
        .await;
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    let [kept] = stops.kept.as_slice() else {
        panic!("{stops:?}")
    };
    let way_out = format!("gharun stop --force {lost}");
    assert!(kept.reason.contains(&way_out), "{}", kept.reason);
    assert_eq!((stops.exit(), scene.records().await), (Exit::Left, 1));
    let stops = scene.stop(&forced(named(&[&lost]))).await;
    assert_eq!((stops.exit(), scene.records().await), (Exit::Done, 0));
    let stops = scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!(stops.exit(), Exit::Done, "{stops:?}");
}

#[tokio::test(start_paused = true)]
async fn a_record_of_a_table_that_cannot_be_opened_says_why() {
    for machine in [Some("far:eu/x"), None] {
        let scene = Scene::new().with_unopened("far");
        let machine: Option<Reference> = machine.map(|it| it.parse().expect("a reference"));
        scene.record(&tags("a", 3600), "far", machine).await;
        let stops = scene.stop(&stop(StopTarget::State)).await;
        let [failed] = stops.failed.as_slice() else {
            panic!("{stops:?}")
        };
        let told = chain(&failed.error);
        assert!(told.contains("could not read `api_key` of `far`"), "{told}");
        assert_eq!(failed.error.hints(), ["set $GPU_KEY"]);
        assert_eq!((stops.exit(), scene.records().await), (Exit::Left, 1));
    }
}

const THIS_RUN: StopTarget = StopTarget::Run {
    id: RUN.id,
    attempt: None,
};

#[tokio::test(start_paused = true)]
async fn a_damaged_machine_of_what_was_asked_for_is_named_while_it_runs() {
    for keeps in [
        &["gharun-name", WHOSE[0], WHOSE[1]] as &[&str],
        &["gharun-name"],
    ] {
        let scene = Scene::new();
        let tags = tags("a", 3600);
        let (machine, reference) = scene.machine(&tags).await;
        scene.runner(&tags.name, "offline");
        scene.cloud.damage(&machine.id, keeps);
        let stops = scene.stop(&stop(THIS_RUN)).await;
        assert_eq!((stops.exit(), scene.there().len()), (Exit::Left, 1));
        let [failed] = stops.failed.as_slice() else {
            panic!("{stops:?}")
        };
        assert_eq!(failed.instance.as_ref(), Some(&reference));
        let force = if keeps.len() == 1 { "--force " } else { "" };
        assert_eq!(failed.command, format!("gharun stop {force}{reference}"));
        let other = StopTarget::Run {
            id: RUN.id,
            attempt: Some(RUN.attempt + 1),
        };
        let stops = scene.stop(&stop(other)).await;
        assert!(stops.failed.is_empty(), "{stops:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_machine_is_found_by_its_name() {
    for forces in [false, true] {
        let scene = Scene::new();
        let tags = tags("a", 3600);
        let (machine, _) = scene.machine(&tags).await;
        let readable = ["gharun-name", WHOSE[0], WHOSE[1]];
        let keeps = if forces { &readable[..1] } else { &readable };
        scene.cloud.damage(&machine.id, keeps);
        let target = StopTarget::Named {
            machines: vec![],
            names: vec![tags.name],
            labels: vec![],
            starts: false,
        };
        if forces {
            let stops = scene.stop(&stop(target.clone())).await;
            assert_eq!((stops.exit(), scene.there().len()), (Exit::Left, 1));
            scene.stop(&forced(target)).await;
        } else {
            let stops = scene.stop(&stop(target)).await;
            assert_eq!(stops.exit(), Exit::Done, "{stops:?}");
        }
        assert!(scene.there().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_record_of_a_damaged_machine_is_unknown_and_never_stale() {
    let scene = Scene::new();
    scene
        .cloud
        .set("gpu", |place| place.vague = Some("old".into()));
    let tags = tags("a", 3600);
    let (machine, reference) = scene.machine(&tags).await;
    scene
        .record(&tags, "gpu", Some(at("old", &reference)))
        .await;
    scene.cloud.damage(&machine.id, &WHOSE);
    assert_eq!(scene.survey().await.rows[0].verdict.to_string(), "unknown");
    scene.stop(&stop(StopTarget::Orphans)).await;
    assert_eq!((scene.there().len(), scene.records().await), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn damaged_machines_of_other_scopes_trouble_nobody_else() {
    for keeps in [&WHOSE as &[&str], &WHOSE[1..], &["gharun-name", WHOSE[1]]] {
        let mut scene = Scene::new();
        let mut other = tags("b", 60);
        other.scope = "acme/other".into();
        let (machine, reference) = scene.machine(&other).await;
        scene.cloud.damage(&machine.id, keeps);
        // A ghost and an intent of ours: neither can be that machine's.
        scene.runner(&tags("a", 3600).name, "offline");
        scene.record(&tags("c", 3600), "gpu", None).await;
        let survey = scene.survey().await;
        assert!(survey.unknown.is_empty(), "{:?}", survey.unknown);
        let sweep = scene.stop(&stop(StopTarget::Orphans)).await;
        assert_eq!((sweep.exit(), sweep.stopped.len()), (Exit::Done, 2));
        assert_eq!((scene.there().len(), scene.records().await), (1, 0));
        // Who wants to see all scopes is told, with no advice that would be refused.
        scene.view.all_scopes = true;
        let unknown = scene.survey().await.unknown;
        assert_eq!(unknown[0].source, reference.to_string());
        assert!(unknown[0].error.hints().is_empty(), "{unknown:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_advice_for_a_damaged_machine_is_taken() {
    for keeps in [&WHOSE as &[&str], &[]] {
        let scene = Scene::new();
        let (machine, reference) = scene.machine(&tags("a", 60)).await;
        scene.cloud.damage(&machine.id, keeps);
        let unknown = scene.survey().await.unknown;
        let force = if keeps.is_empty() { "--force " } else { "" };
        let advice = format!("end it with `gharun stop {force}{reference}`");
        assert_eq!(unknown[0].error.hints(), [advice]);
        let target = named(&[&reference]);
        let request = if keeps.is_empty() {
            forced(target)
        } else {
            stop(target)
        };
        assert_eq!(scene.stop(&request).await.exit(), Exit::Done);
        assert!(scene.there().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn force_takes_nothing_for_gone_whose_runner_is_connected() {
    for (status, busy) in [("online", false), ("online", true), ("offline", false)] {
        for recorded in [true, false] {
            let scene = Scene::new();
            scene
                .cloud
                .set("gpu", |place| place.vague = Some("old".into()));
            let tags = tags("a", 3600);
            let lost: Reference = format!("gpu:old/{}", tags.name)
                .parse()
                .expect("a reference");
            if recorded {
                scene.record(&tags, "gpu", Some(lost.clone())).await;
            }
            let id = scene.runner(&tags.name, status);
            if busy {
                scene.busy(id, None);
            }
            let stops = scene.stop(&forced(mapped(&lost, &tags.name))).await;
            let failed = stops.failed.iter().filter(|one| one.instance.is_some());
            let kept = usize::from(status == "online");
            assert_eq!(failed.count(), kept, "{status} {recorded}: {stops:?}");
            let expected = if kept == 1 { Exit::Left } else { Exit::Done };
            assert_eq!(stops.exit(), expected, "{status} {recorded}: {stops:?}");
        }
    }
}
