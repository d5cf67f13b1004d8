//! `stop`, and what it says before and after.

use super::*;
use crate::providers::ErrorKind;
use crate::providers::memory::{Fault, Verb};

#[tokio::test]
async fn a_dry_run_names_what_it_could_not_read() {
    let world = World::new("");
    world.orphan().await;
    let fault = Fault::Error(ErrorKind::Unavailable);
    world.cloud.fault("gpu", Verb::List, fault);
    for args in ["--all", "--orphans", "--run 7"] {
        let said = world
            .run(&format!("stop {args} --dry-run --output json"))
            .await
            .exits(Exit::Failed);
        let json = said.json();
        assert_eq!(json["stopped"], serde_json::json!([]), "{args}");
        assert_eq!(json["unknown"][0]["source"], "gpu", "{args}");
        assert_eq!(json["planned"], true, "{args}");
        said.says("could not read gpu: could not list at `gpu`");
        said.says("could not read everything");
    }
}

#[tokio::test]
async fn a_dry_run_shows_what_the_stop_then_does() {
    let world = World::new("");
    let machine = world.orphan().await;
    let said = world
        .run("stop --orphans --dry-run")
        .await
        .exits(Exit::Done);
    let row = said.stdout.trim_end();
    assert!(
        row.starts_with(&format!("would stop\t{machine}\t")),
        "{row}"
    );
    assert!(row.ends_with("\tnot registered with GitHub"), "{row}");
    said.says("1 machine would be stopped");
    assert_eq!(world.cloud.machines().len(), 1);
    let said = world
        .run("stop --orphans --yes --output json")
        .await
        .exits(Exit::Done);
    let json = said.json();
    assert_eq!(json["stopped"][0]["instance"], machine.to_string());
    assert_eq!(json["planned"], false);
    assert!(world.cloud.machines().is_empty());
}

#[tokio::test]
async fn who_is_asked_whether_to_stop_is_told_first_what_was_not_read() {
    let world = World::new("[providers.far]\nkind = \"local\"\n");
    world.orphan().await;
    let fault = Fault::Error(ErrorKind::Unavailable);
    world.cloud.fault("far", Verb::List, fault);
    let said = world.run("stop --orphans").await.exits(Exit::Usage);
    assert_eq!(said.times("could not read far"), 1, "{said:#?}");
    assert_eq!(world.cloud.machines().len(), 1);
}

#[tokio::test]
async fn what_no_repetition_mends_is_not_to_be_tried_again() {
    let world = World::new("");
    let theirs = world
        .machine("acme/other", SignedDuration::from_hours(1))
        .await;
    let said = world.run(&format!("stop {theirs}")).await.exits(Exit::Left);
    said.says("it belongs to scope `acme/other` on github.com");
    said.says(&format!(
        "hint: end it with `gharun stop --repo acme/other {theirs}`"
    ));
    assert_eq!(said.times("try again"), 0, "{said:#?}");
    let said = world.run("stop nowhere:x/y").await.exits(Exit::Left);
    said.says("hint: add its table `[providers.nowhere]` to providers.toml");
    assert_eq!(said.times("try again"), 0, "{said:#?}");
    // A place that is not this one: another account, another engine.
    let said = world.run("stop gpu:elsewhere/x").await.exits(Exit::Left);
    said.says("`elsewhere/x` is not at `gpu`");
    assert_eq!(said.times("try again"), 0, "{said:#?}");
    assert_eq!(world.cloud.machines().len(), 1);
    // The same from there ends it.
    let said = world.run(&format!("stop --repo acme/other {theirs}")).await;
    said.exits(Exit::Done);
    assert!(world.cloud.machines().is_empty());
}

#[tokio::test]
async fn what_a_repetition_may_mend_is_to_be_tried_again() {
    let world = World::new("");
    let machine = world.orphan().await;
    let fault = Fault::Error(ErrorKind::Unavailable);
    world.cloud.fault("gpu", Verb::Terminate, fault);
    let said = world.run(&format!("stop {machine} --timeout 1s")).await;
    let said = said.exits(Exit::Left);
    said.says("hint: see to `gpu`");
    said.says(&format!(
        "hint: after that, try again: `gharun stop {machine}`"
    ));
}
