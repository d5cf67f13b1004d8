//! A host whose disk is full.

use super::*;
use crate::providers::host::tests::disk::SmallDisk;

/// Fills the disk with what it starts, once it has said so: a child in its own group, one that
/// left the session and does not listen to signals, and one whose file has no name any more. Each goes
/// on writing, so that what is freed does not stay free.
const FILL: &str = r#"
fill='until [ -e ready ]; do sleep 0.1; done; while :; do cat /dev/zero >&3 2>/dev/null; sleep 0.1; done'
sh -c "exec 3>one; $fill" &
echo $! >>pids
setsid sh -c "trap '' TERM INT HUP; exec 3>two; $fill" &
echo $! >>pids
sh -c "exec 3>three; rm three; $fill" &
echo $! >>pids
mkdir locked; echo x >locked/x; chmod 500 locked
echo done >nearly; mv nearly ready
until [ -e go ]; do sleep 0.1; done
"#;

/// What writes on a full disk keeps the processors of a small computer busy.
const AT_LENGTH: Pace = Pace {
    every: Duration::from_millis(250),
    at_most: Duration::from_mins(3),
};

/// A machine on a disk that its job has filled, and the processes that it has started.
async fn filled(hosts: &Hosts, disk: &SmallDisk, boot: &str) -> (Instance, Vec<String>) {
    let machine = hosts.launch(&format!("{FILL}{boot}")).await;
    hosts.file(&machine.id.id, "work/ready").await;
    let pids = hosts.file(&machine.id.id, "work/pids").await;
    let pids: Vec<String> = pids.lines().map(str::to_owned).collect();
    assert!(
        pids.len() == 3 && pids.iter().all(|pid| runs(pid)),
        "{pids:?}"
    );
    let full = until(SOON, async || disk.is_full().then_some(()));
    full.await.expect("the job fills it");
    (machine, pids)
}

fn nothing_is_left(hosts: &Hosts, machine: &Instance, pids: &[String]) {
    let left: Vec<_> = pids.iter().filter(|pid| runs(pid)).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(marked(&machine.id.id), "");
    let slots = hosts.rack.hosts[0].slots();
    assert_eq!(entries(&slots), []);
    assert_eq!(leftovers(&slots), [""; 0]);
    assert!(!slots.join("slot-1").exists());
}

#[tokio::test]
async fn a_machine_that_has_filled_its_disk_is_ended_with_all_that_it_started_and_its_folder() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let Some(disk) = SmallDisk::at(hosts.rack.hosts[0].home()) else {
        return;
    };
    let (machine, pids) = filled(&hosts, &disk, "wait").await;
    assert_eq!(hosts.condition(&machine.id).await, Some(Condition::Running));
    let error = hosts.ssh().await.launch(&hosts.order(SLEEP)).await;
    let error = error.expect_err("there is no room for another one");
    let text = chain(&error);
    assert_eq!(error.kind, ErrorKind::NoCapacity, "{text}");
    assert!(text.contains("No space left"), "{text}");
    assert!(disk.is_full());
    hosts.ssh().await.terminate(&machine.id).await.unwrap();
    nothing_is_left(&hosts, &machine, &pids);
    assert!(!disk.is_full());
    hosts.launch(SLEEP).await;
    hosts.finish().await;
}

#[tokio::test]
async fn what_a_machine_left_behind_on_a_full_disk_ends_and_its_end_is_told() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let Some(disk) = SmallDisk::at(hosts.rack.hosts[0].home()) else {
        return;
    };
    let (machine, pids) = filled(&hosts, &disk, "exit 3").await;
    let folder = hosts.folder(&machine.id.id);
    // A file with nothing in it takes no block.
    fs::write(folder.join("work/go"), "").unwrap();
    let ended = until(AT_LENGTH, async || {
        match hosts.condition(&machine.id).await {
            Some(Condition::Ended(how)) => Some(how),
            _ => None,
        }
    });
    assert_eq!(ended.await.as_deref(), Some("with exit code 3"));
    let left: Vec<_> = pids.iter().filter(|pid| runs(pid)).collect();
    assert!(left.is_empty(), "{left:?}");
    disk.fill();
    hosts.ssh().await.terminate(&machine.id).await.unwrap();
    nothing_is_left(&hosts, &machine, &pids);
    hosts.finish().await;
}
