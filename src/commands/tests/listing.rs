//! `list`, and a state file that cannot be read.

use super::*;

#[tokio::test]
async fn a_damaged_state_file_is_named_once_and_left_where_it_is() {
    let world = World::new("");
    let machine = world.orphan().await;
    let file = world.folder.path().join("state.json");
    std::fs::write(&file, "{ half").expect("a file");
    let said = world.run("list --output json").await.exits(Exit::Failed);
    let json = said.json();
    assert_eq!(json["machines"][0]["instance"], machine.to_string());
    assert_eq!(json["unknown"][0]["source"], "state file");
    assert_eq!(
        said.times("state file"),
        2,
        "once, with its name: {said:#?}"
    );
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), "{ half");
    assert_eq!(beside(&world).len(), 1, "{:?}", beside(&world));
    // What a stop does is not kept back by it, and a preview of it moves nothing either.
    world
        .run("stop --orphans --dry-run")
        .await
        .exits(Exit::Failed);
    assert_eq!(beside(&world).len(), 1, "{:?}", beside(&world));
    world.run("stop --orphans --yes").await.exits(Exit::Failed);
    assert!(world.cloud.machines().is_empty());
}

/// The state file and what has its name and more.
fn beside(world: &World) -> Vec<String> {
    let files = std::fs::read_dir(world.folder.path()).expect("a folder");
    let names = files.map(|file| file.expect("a file").file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    names
        .filter(|name| name.starts_with("state.json"))
        .collect()
}

#[tokio::test]
async fn a_state_file_of_a_newer_gharun_is_named_once() {
    let world = World::new("");
    let newer = r#"{"version": 99, "runners": {}}"#;
    std::fs::write(world.folder.path().join("state.json"), newer).expect("a file");
    for args in ["list", "list --no-github", "stop --orphans --yes"] {
        let said = world.run(args).await.exits(Exit::Failed);
        assert_eq!(said.times("has version 99"), 1, "{args}: {said:#?}");
    }
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_a_source_that_could_not_be_read() {
    let world = World::new("");
    let odd = r#"{"version": 1, "runners": {"runner-7": {}}}"#;
    std::fs::write(world.folder.path().join("state.json"), odd).expect("a file");
    let said = world.run("list --output json").await.exits(Exit::Failed);
    assert_eq!(said.times("the entry `runner-7` could not be read"), 1);
    assert_eq!(said.json()["unknown"][0]["source"], "state file");
}

#[tokio::test]
async fn a_stop_of_what_a_lost_state_file_held_says_that_it_is_lost() {
    let world = World::new("");
    world.orphan().await;
    let file = world.folder.path().join("state.json");
    std::fs::write(&file, "{ half").expect("a file");
    let damaged = world.run("stop --yes --output json").await;
    let damaged = damaged.exits(Exit::Failed);
    assert_eq!(damaged.json()["unknown"][0]["source"], "state file");
    damaged.says("is damaged");
    // A start moves it aside; what it held is lost all the same.
    let aside = world
        .folder
        .path()
        .join("state.json.corrupt-20261124T090000Z");
    std::fs::rename(&file, aside).expect("a file");
    let lost = world.run("stop --yes --output json").await;
    let lost = lost.exits(Exit::Failed);
    assert_eq!(lost.json()["unknown"][0]["source"], "state file");
    for said in [&damaged, &lost] {
        said.says("hint: name what to stop");
    }
    assert_eq!(world.cloud.machines().len(), 1);
}
