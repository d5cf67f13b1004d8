//! What `list` shows as to be ended is what `stop` ends.

use std::collections::BTreeSet;
use std::time::Duration;

use super::orphans::run_is_over;
use super::scene::{Scene, stop, tags};
use crate::fleet::list::{ListRequest, list};
use crate::model::StopTarget;

/// Machines, registrations and records in all states and of many ages, in two groups and outside of them.
async fn everything(scene: &Scene) {
    let hours = [0, 1, 5, 9, 30];
    let groups = [None, Some("a"), Some("b")];
    let statuses = [None, Some("offline"), Some("online")];
    for (number, (hours, (group, status))) in hours
        .into_iter()
        .flat_map(|hours| groups.map(|group| (hours, group)))
        .flat_map(|(hours, group)| statuses.map(|status| (hours, (group, status))))
        .enumerate()
    {
        for what in ["machine", "ended", "record", "none"] {
            let mut tags = tags(&format!("{what}{number}"), hours * 3600 + 60);
            tags.group = group.map(str::to_owned);
            if number % 4 == 0 {
                tags.scope = "acme/other".into();
            }
            match what {
                "machine" => drop(scene.machine(&tags).await),
                "ended" => {
                    let (machine, _) = scene.machine(&tags).await;
                    scene.cloud.end(&machine.id, "exit code 0");
                }
                "record" => scene.record(&tags, "gpu", None).await,
                _ => {}
            }
            if let Some(status) = status {
                let id = scene.runner(&tags.name, status);
                if number % 5 == 0 {
                    scene.busy(id, None);
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn list_shows_exactly_what_stop_chooses_of_everything() {
    let mut scene = Scene::new();
    everything(&scene).await;
    let mut counts = BTreeSet::new();
    for over in [false, true] {
        if over {
            run_is_over(&scene);
        }
        for group in [None, Some("a"), Some("c")] {
            for hours in [None, Some(2), Some(10), Some(100)] {
                let mut orphans = stop(StopTarget::Orphans);
                orphans.group = group.map(str::to_owned);
                scene.view.older_than = hours.map(Duration::from_hours);
                let request = ListRequest {
                    view: scene.view.clone(),
                    orphans: true,
                    group: orphans.group.clone(),
                };
                let shown = list(&scene.fleet(), &request).await.machines.into_iter();
                let shown: BTreeSet<_> = shown.map(|row| (row.name, row.instance)).collect();
                let chosen = scene.select(&orphans).await.chosen.into_iter();
                let chosen: BTreeSet<_> = chosen
                    .map(|one| (one.name.expect("each has a name"), one.instance))
                    .collect();
                assert_eq!(shown, chosen, "{over} {group:?} {hours:?}");
                counts.insert(shown.len());
            }
        }
    }
    assert!(counts.len() > 6, "they differ: {counts:?}");
}
