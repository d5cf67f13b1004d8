//! Slots are taken by one at a time, given back, and taken over, whoever dies in between.

use futures_util::future::join_all;

use super::disk::SmallDisk;
use super::*;
use crate::model::HumanDuration;

const SLEEP: &str = "exec sleep 300";

/// Two slots and no more.
fn two(here: &Here) -> Local {
    here.with(|config| config.slots = NonZeroU16::new(2).expect("two"))
}

#[tokio::test]
async fn twenty_launches_never_share_one_of_three_slots() {
    let here = Here::new("sh");
    let orders: Vec<Order> = (0..20).map(|_| here.order(SLEEP)).collect();
    let launches = orders.iter().map(async |order| {
        let local = here.with(|config| config.slots = NonZeroU16::new(3).expect("three"));
        local.launch(order).await
    });
    let (made, refused): (Vec<_>, Vec<_>) = join_all(launches)
        .await
        .into_iter()
        .partition(std::result::Result::is_ok);
    for refusal in refused {
        let error = refusal.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NoCapacity, "{}", chain(&error));
    }
    let found = entries(&here.root());
    assert_eq!((made.len(), found.len()), (3, 3), "{found:?}");
    let slots: std::collections::BTreeSet<_> =
        found.iter().map(|(path, _)| path.parent()).collect();
    assert_eq!(slots.len(), 3, "{found:?}");
    assert_eq!(leftovers(&here.root()), [""; 0]);
    here.finish().await;
}

#[tokio::test]
async fn a_full_host_says_who_holds_its_slots() {
    let here = Here::new("sh");
    let machine = here.launch(SLEEP).await;
    fs::create_dir_all(here.root().join("slot-2/pet")).unwrap();
    let error = two(&here).launch(&here.order(SLEEP)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NoCapacity);
    let text = chain(&error);
    assert!(text.contains("its 2 slots are taken by"), "{text}");
    assert!(
        text.contains(&machine.id.id) && text.contains("`pet`"),
        "{text}"
    );
    here.finish().await;
}

#[tokio::test]
async fn a_slot_is_taken_over_when_grace_is_over_and_not_before() {
    let here = Here::new("sh");
    let local = two(&here);
    let first = local.launch(&here.order("exit 3")).await.unwrap();
    let second = local.launch(&here.order(SLEEP)).await.unwrap();
    here.ends(&first.id.id).await;
    let early = local.launch(&here.order(SLEEP)).await.unwrap_err();
    assert_eq!(early.kind, ErrorKind::NoCapacity, "{}", chain(&early));
    // Nothing of it was touched for two hours.
    for file in ["exit", "log", "meta"] {
        run(
            "touch",
            &[
                "-t",
                "202001010000",
                &here.folder(&first.id.id).join(file).display().to_string(),
            ],
        );
    }
    let third = local.launch(&here.order(SLEEP)).await.unwrap();
    let mut left: Vec<String> = entries(&here.root())
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    left.sort();
    let mut expected = vec![second.id.id, third.id.id.clone()];
    expected.sort();
    assert_eq!(left, expected);
    // The old reference means the old machine, not the one in its slot.
    local.terminate(&first.id).await.unwrap();
    assert_eq!(here.condition(&third.id.id).await, Some(Condition::Running));
    here.finish().await;
}

#[tokio::test]
async fn dead_slots_are_taken_over_by_one_each_when_many_want_them() {
    let here = Here::new("sh");
    let dead = [here.launch("exit").await, here.launch("exit").await];
    for machine in &dead {
        here.ends(&machine.id.id).await;
    }
    let orders: Vec<Order> = (0..8).map(|_| here.order(SLEEP)).collect();
    let launches = orders.iter().map(async |order| {
        let local = here.with(|config| {
            config.slots = NonZeroU16::new(2).expect("two");
            config.grace = HumanDuration::default();
        });
        local.launch(order).await
    });
    let made = join_all(launches).await.into_iter().flatten().count();
    let left = entries(&here.root());
    assert_eq!((made, left.len()), (2, 2), "{left:?}");
    assert!(
        left.iter()
            .all(|(_, name)| dead.iter().all(|m| m.id.id != *name))
    );
    here.finish().await;
}

#[tokio::test]
async fn a_launch_that_died_before_moving_in_is_swept_by_the_next() {
    let here = Here::new("sh");
    let order = here.order(SLEEP);
    let name = order.name.as_str();
    // It died holding the name, its parts half written, and the slot empty.
    let lock = here.root().join(".new").join(name);
    fs::create_dir_all(lock.join("mark/work")).unwrap();
    fs::write(lock.join("launcher"), "999999999 1-x\n").unwrap();
    fs::write(lock.join("mark/boot"), "half").unwrap();
    fs::create_dir_all(here.root().join("slot-1")).unwrap();
    let local = here.with(|config| config.slots = NonZeroU16::MIN);
    assert!(local.list().await.unwrap().instances.is_empty());
    let machine = local.launch(&order).await.unwrap();
    assert!(
        here.folder(&machine.id.id)
            .starts_with(here.root().join("slot-1"))
    );
    assert_eq!(here.boot_script(&machine.id).await, SLEEP);
    local.terminate(&machine.id).await.unwrap();
    local.launch(&here.order("exit")).await.unwrap();
    assert_eq!(leftovers(&here.root()), [""; 0], "the next launch sweeps");
    here.finish().await;
}

#[tokio::test]
async fn a_launch_that_died_before_its_start_is_listed_ends_and_goes() {
    let here = Here::new("sh");
    let machine = here.launch(SLEEP).await;
    // As if it had died right after it moved in.
    here.end(&machine.id).await;
    here.ends(&machine.id.id).await;
    let folder = here.folder(&machine.id.id);
    for file in ["keeper", "leader", "exit"] {
        fs::remove_file(folder.join(file)).unwrap();
    }
    fs::write(folder.join("exit"), "\n").unwrap();
    assert_eq!(
        here.condition(&machine.id.id).await,
        Some(Condition::Pending)
    );
    let meta = fs::read_to_string(folder.join("meta")).unwrap();
    let (kept, _) = meta.split_once("made=").unwrap();
    fs::write(folder.join("meta"), format!("{kept}made=1600000000\n")).unwrap();
    assert_eq!(here.ends(&machine.id.id).await, "before it was started");
    here.local().terminate(&machine.id).await.unwrap();
    assert_eq!(here.census().await, []);
}

#[tokio::test]
async fn a_launch_whose_client_goes_away_meanwhile_takes_everything_back() {
    let here = Here::new("sh");
    let order = here.order(SLEEP);
    for n in 1..=12 {
        fs::create_dir_all(here.root().join(format!("slot-{n}/pet"))).unwrap();
    }
    // After its first word it is read by nobody, and ends of the next.
    let deaf = here.spoilt(
        "case $* in *'# Launches the machine'*) $sh \"$@\" 2>&1 | read -r line; exit 1 ;; esac\nexec $sh \"$@\"",
    );
    let error = deaf.launch(&order).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
    assert_eq!(leftovers(&here.root()), [""; 0]);
}

#[tokio::test]
async fn a_launch_killed_at_any_moment_leaves_nothing_that_a_stop_does_not_end() {
    let here = Here::new("sh");
    let (mut killed, mut made) = (0, 0);
    for moment in (0..24).map(|step| step * 8) {
        // The group is that of the launch alone: what it started is in sessions of its own.
        let kill = format!(
            "(sleep {:.3}; kill -KILL -$$) &",
            f64::from(moment) / 1000.0
        );
        let spoilt = here.spoilt(&format!(
            "case $* in *'# Launches the machine'*) {kill} ;; esac\nexec $sh \"$@\""
        ));
        let order = here.order(SLEEP);
        match spoilt.launch(&order).await {
            Ok(_) => made += 1,
            Err(error) => {
                assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
                killed += 1;
            }
        }
        let id = InstanceId {
            location: Some(here.place().await),
            id: order.name.to_string(),
        };
        here.local().terminate(&id).await.unwrap();
        assert_eq!(here.census().await, [], "after {moment} ms");
        assert_eq!(marked(&id.id), "", "after {moment} ms");
    }
    assert!(killed > 0, "{made} were too quick to be killed");
    // A slot that was taken and not moved into is taken again.
    let machine = here.with(|config| config.slots = NonZeroU16::MIN);
    machine.launch(&here.order(SLEEP)).await.unwrap();
    here.finish().await;
}

#[tokio::test]
async fn a_script_that_is_cut_off_on_its_way_is_not_run() {
    let here = Here::new("sh");
    let cut = here.spoilt(
        "case $* in *'# Launches the machine'*) head -c 9000 | $sh \"$@\" ;; *) exec $sh \"$@\" ;; esac",
    );
    let order = here.order(&format!("{}\n", "true\n".repeat(4000)));
    let error = cut.launch(&order).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{}", chain(&error));
    assert_eq!(here.census().await, []);
    assert_eq!(entries(&here.root()), []);
}

#[tokio::test]
async fn another_start_does_not_adopt_a_machine_of_the_same_name() {
    let here = Here::new("sh");
    let order = here.order(SLEEP);
    let machine = here.local().launch(&order).await.unwrap();
    let mut other = order.clone();
    other.tags.start = "other".into();
    let error = here.local().launch(&other).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{}", chain(&error));
    assert_eq!(here.census().await, [machine.id]);
    here.finish().await;
}

#[tokio::test]
async fn a_machine_with_damaged_tags_is_named_and_hides_no_other() {
    let here = Here::new("sh");
    let (fine, broken) = (here.launch(SLEEP).await, here.launch(SLEEP).await);
    let meta = here.folder(&broken.id.id).join("meta");
    let text = fs::read_to_string(&meta).unwrap();
    fs::write(&meta, text.replace("gharun-expires", "gharun-expired")).unwrap();
    let listing = here.local().list().await.unwrap();
    let found: Vec<_> = listing.instances.iter().map(|m| &m.id).collect();
    assert_eq!(found, [&fine.id]);
    assert!(listing.unread.is_empty());
    let [unjudged] = &listing.unjudged[..] else {
        panic!("{:?}", listing.unjudged);
    };
    assert_eq!((&unjudged.id, unjudged.is_ours), (&broken.id, true));
    assert_eq!(unjudged.scope.as_ref(), Some(&broken.tags.scope));
    // It bears our tag, so it can be ended all the same.
    here.local().terminate(&broken.id).await.unwrap();
    assert_eq!(here.census().await, [fine.id]);
    here.finish().await;
}

#[tokio::test]
async fn the_same_folder_at_another_host_is_another_place() {
    let here = Here::new("sh");
    let machine = here.launch(SLEEP).await;
    here.file(&machine.id.id, "leader").await;
    // Under a name of which nothing runs here, and with the numbers of another boot.
    let elsewhere = InstanceId {
        location: machine.id.location.clone(),
        id: order("s").name.to_string(),
    };
    let copy = here.root().join("slot-5").join(&elsewhere.id);
    fs::create_dir_all(&copy).unwrap();
    let place = machine.id.location.clone().unwrap();
    for file in ["meta", "keeper", "watcher", "leader"] {
        let text = fs::read_to_string(here.folder(&machine.id.id).join(file)).unwrap();
        let text = match file {
            "meta" => text.replace(&place, "0a0b0c0d0e0f"),
            _ => format!("{}-elsewhere\n", text.trim_end()),
        };
        fs::write(copy.join(file), text).unwrap();
    }
    let listing = here.local().list().await.unwrap();
    let found: Vec<_> = listing.instances.iter().map(|m| &m.id).collect();
    assert_eq!(found, [&machine.id]);
    assert!(listing.unjudged.is_empty(), "{:?}", listing.unjudged);
    let error = here.local().terminate(&elsewhere).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{}", chain(&error));
    assert!(copy.join("meta").exists());
    fs::remove_dir_all(here.root().join("slot-5")).unwrap();
    here.finish().await;
}

#[tokio::test]
async fn a_work_dir_that_cannot_be_made_is_a_wrong_setting() {
    let here = Here::new("sh");
    let file = here.dir.path().join("file");
    fs::write(&file, "").unwrap();
    let local = here.with(|config| config.work_dir = Some(file.join("slots").into()));
    for error in [
        local.check().await.unwrap_err(),
        local.launch(&here.order(SLEEP)).await.unwrap_err(),
    ] {
        let text = chain(&error);
        assert_eq!(
            (error.kind, error.key()),
            (ErrorKind::Config, Some("work_dir")),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_full_disk_is_no_capacity_leaves_nothing_and_keeps_nobody_from_ending_machines() {
    let here = Here::new("sh");
    let Some(disk) = SmallDisk::at(here.root()) else {
        return;
    };
    let (ended, running) = (here.launch("exit 4").await, here.launch(SLEEP).await);
    here.ends(&ended.id.id).await;
    disk.fill();
    let error = here.local().launch(&here.order(SLEEP)).await.unwrap_err();
    let text = chain(&error);
    assert_eq!(error.kind, ErrorKind::NoCapacity, "{text}");
    assert!(text.contains("No space left"), "{text}");
    assert_eq!(leftovers(&here.root()), [""; 0]);
    here.end(&running.id).await;
    let how = here.ends(&running.id.id).await;
    assert_eq!(how, "with exit code 143", "its end finds room");
    for machine in [&ended, &running] {
        here.local().terminate(&machine.id).await.unwrap();
    }
    assert_eq!(here.census().await, []);
}
