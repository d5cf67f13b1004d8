//! Machines that failed and are to stay for a look.

use super::*;

/// Launches a machine that is to stay if it fails, waits for its end, and then wants its slot: after a grace of nothing.
async fn slot_after(boot: &str, keep_failed: bool) -> bool {
    let here = Here::new("sh");
    let local = here.with(|config| {
        config.slots = NonZeroU16::MIN;
        config.grace = crate::model::HumanDuration::from_secs(0);
    });
    let mut first = here.order(boot);
    first.keep_failed = keep_failed;
    let machine = local.launch(&first).await.expect("there is room");
    here.ends(&machine.id.id).await;
    let next = local.launch(&here.order("exec sleep 300")).await;
    let is_kept = next.is_err();
    if let Err(error) = next {
        assert_eq!(error.kind, ErrorKind::NoCapacity, "{}", chain(&error));
        assert!(chain(&error).contains(&machine.id.id), "{}", chain(&error));
        assert!(here.folder(&machine.id.id).join("log").exists());
    }
    here.finish().await;
    is_kept
}

#[tokio::test]
async fn a_machine_that_failed_keeps_its_slot_where_it_is_to_be_kept() {
    for (boot, keep_failed, is_kept) in [
        ("exit 74", true, true),
        ("exit 70", true, true),
        ("exit 74", false, false),
        // The job is done; no job came; its lifetime was over; it was stopped.
        ("exit 0", true, false),
        ("exit 71", true, false),
        ("exit 72", true, false),
        ("exit 143", true, false),
    ] {
        assert_eq!(
            slot_after(boot, keep_failed).await,
            is_kept,
            "{boot} {keep_failed}"
        );
    }
}

#[tokio::test]
async fn the_ways_in_work_for_a_machine_that_runs_and_for_one_that_ended() {
    let here = Here::new("sh");
    let local = here.local();
    let running = here.launch("exec sleep 300").await;
    assert!(local.access(&running)[0].contains("tail -n 100 -f log"));
    let failed = here
        .launch("echo it failed; echo why >work-of-mine; exit 3")
        .await;
    here.ends(&failed.id.id).await;
    let listing = local.list().await.expect("the slots can be read");
    let mut all = listing.instances.into_iter();
    let failed = all
        .find(|machine| machine.id == failed.id)
        .expect("it is there");
    let ways = local.access(&failed);
    assert!(ways.iter().all(|way| !way.contains(" -f ")), "{ways:?}");
    assert!(
        run("sh", &["-c", &ways[0]]).contains("it failed"),
        "{ways:?}"
    );
    assert!(
        run("sh", &["-c", &ways[1]]).contains("work-of-mine"),
        "{ways:?}"
    );
    here.finish().await;
}
