//! What an error knows, wherever it is read: on the screen, as an annotation, in the summary, in JSON.

use crate::life::nothing_is_left;
use crate::world::World;

/// Two runners for one slot, beside a provider that might have had room for the second, and does not answer.
const FULL: &str =
    "start local docker --count 2 --set local.slots=1 --set docker.host=tcp://127.0.0.1:9";
/// What the second one's provider says.
const CAUSE: &str = "its slot is taken by";
/// What helps with it.
const HINT: &str = "needs a slot";

#[test]
fn what_helps_where_no_provider_has_room_is_on_the_last_screen_and_nothing_is_said_twice() {
    let world = World::new();
    let said = world.run(FULL).exits(1).stderr;
    let last = said.split("\nerror: ").last();
    let last = last.expect("the last error");
    assert!(
        last.starts_with("1 of 2 runners failed at `local`, `docker`, so the start was undone\n")
            && last.contains("no provider could launch it: `local`: "),
        "{said}"
    );
    for part in [CAUSE, HINT] {
        assert!(last.contains(part), "{said}");
        assert_eq!(said.matches(part).count(), 1, "{said}");
    }
    nothing_is_left(&world);
}

#[test]
fn an_annotation_and_the_summary_tell_the_cause_and_what_helps() {
    let world = World::step();
    let said = world.run(FULL).exits(1).stderr;
    let annotations: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("::error "))
        .collect();
    let [annotation] = annotations.as_slice() else {
        panic!("{said}")
    };
    let summary = std::fs::read_to_string(world.path("summary")).expect("a summary");
    for place in [*annotation, summary.as_str()] {
        assert!(place.contains(CAUSE) && place.contains(HINT), "{place}");
    }
    nothing_is_left(&world);
}

#[test]
fn a_refusal_of_githubs_is_annotated_with_its_status_and_what_helps() {
    let world = World::step().env("GH_PAT", "ghp_another");
    let said = world.run("start local").exits(1).stderr;
    let annotation = said.lines().find(|line| line.starts_with("::error "));
    let annotation = annotation.expect("an annotation");
    for part in ["401", "hint: the token in `$GH_PAT`"] {
        assert!(annotation.contains(part), "{annotation}");
    }
}

#[test]
fn json_tells_what_failed_with_its_cause_and_what_helps() {
    let world = World::new();
    let said = world.run(&format!("{FULL} --output json")).exits(1).json();
    let failed = &said["failed"][0];
    let error = failed["error"].as_str().expect("a text");
    assert!(error.contains(CAUSE), "{said}");
    let hints = failed["hints"].as_array().expect("a list");
    assert!(
        !hints.is_empty() && failed["request_id"].is_null(),
        "{said}"
    );
    nothing_is_left(&world);
}
