//! Answers about runners: made, refused, busy, gone.

use std::collections::BTreeSet;

use gharun_worlds::github::{Fault, Kind};

use super::{Case, nothing};
use crate::life::nothing_is_left;
use crate::told;
use crate::world::World;

#[test]
pub(super) fn a_runner_is_registered_and_removed() {
    let Some(case) = Case::of("jit.created") else {
        return;
    };
    let world = World::new();
    told!(world.run("start local"), @"
    exit 0
    warning: `local`: jobs run on this machine with all the rights of this user
    Registered `[NAME]` with GitHub as runner 2
    Launching `[NAME]` at `local`
    Launched `local:[HERE]/[NAME]` for `[NAME]`
    Runner `[NAME]` is online after [TIME]
    ");
    let requests = world.github.requests();
    let made = requests
        .iter()
        .find(|one| one.path.ends_with("generate-jitconfig"));
    assert_eq!(made.and_then(|made| made.status), Some(case.code));
    told!(world.run("stop --yes"), @"
    exit 0
    Stopped 1 machine. Nothing is left.
    ");
    nothing_is_left(&world);
}

#[test]
pub(super) fn a_name_that_is_taken_is_given_up_for_another() {
    let Some(case) = Case::of("jit.name_taken") else {
        return;
    };
    let world = World::new();
    case.once(&world, "POST", "generate-jitconfig");
    told!(world.run("start local"), @"
    exit 0
    warning: `local`: jobs run on this machine with all the rights of this user
    Registered `[NAME]` with GitHub as runner 2
    Launching `[NAME]` at `local`
    Launched `local:[HERE]/[NAME]` for `[NAME]`
    Runner `[NAME]` is online after [TIME]
    ");
    let requests = world.github.requests();
    let names: BTreeSet<String> = requests
        .iter()
        .filter(|one| one.path.ends_with("generate-jitconfig"))
        .filter_map(|one| Some(one.request_json()?["name"].as_str()?.to_owned()))
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    world.run("stop --yes").exits(0);
    nothing_is_left(&world);
}

#[test]
pub(super) fn a_request_without_a_group_would_be_a_bug() {
    let Some(case) = Case::of("jit.no_group") else {
        return;
    };
    let world = World::new();
    case.once(&world, "POST", "generate-jitconfig");
    told!(world.run("start local"), @"
    exit 1
    warning: `local`: jobs run on this machine with all the rights of this user
    Runner `[NAME]` failed
    error: could not start the runner at `local`
      could not register `[NAME]` with `octo/app`: `POST [GITHUB]/repos/octo/app/actions/runners/generate-jitconfig` answered 422 Unprocessable Entity (request [ID]): Invalid input: object is missing required key: runner_group_id.
      nothing is left running

    hint: check `--label` and `--runner-group`; if they are correct, this is a bug in gharun: please report it with the request ID
    ");
    nothing(&world);
}

#[test]
pub(super) fn a_request_without_labels_would_be_a_bug() {
    let Some(case) = Case::of("jit.no_labels") else {
        return;
    };
    let world = World::new();
    case.once(&world, "POST", "generate-jitconfig");
    told!(world.run("start local --label gpu"), @"
    exit 1
    warning: `local`: jobs run on this machine with all the rights of this user
    Runner `[NAME]` failed
    error: could not start the runner at `local`
      could not register `[NAME]` with `octo/app`: `POST [GITHUB]/repos/octo/app/actions/runners/generate-jitconfig` answered 422 Unprocessable Entity (request [ID]): Invalid property /labels: 1 item required; only 0 were supplied.
      nothing is left running

    hint: check `--label` and `--runner-group`; if they are correct, this is a bug in gharun: please report it with the request ID
    ");
    nothing(&world);
}

#[test]
pub(super) fn githubs_own_group_is_told_to_take_none() {
    let Some(case) = Case::of("jit.group_forbidden") else {
        return;
    };
    let world = World::new();
    told!(world.run("start local --org acme --runner-group 2"), @"
    exit 1
    warning: `local`: jobs run on this machine with all the rights of this user
    Runner `[NAME]` failed
    error: could not start the runner at `local`
      could not register `[NAME]` with `acme`: `POST [GITHUB]/orgs/acme/actions/runners/generate-jitconfig` answered 403 Forbidden (request [ID]): Forbidden
      nothing is left running

    hint: runner group 2 is reserved for GitHub's own runners: leave `--runner-group` out, or name another
    ");
    case.was_answered(&world, "/orgs/acme/actions/runners/generate-jitconfig");
    nothing(&world);
}

#[test]
pub(super) fn a_group_that_is_not_there_is_told() {
    let Some(case) = Case::of("jit.group_missing") else {
        return;
    };
    let world = World::new();
    // Where the groups can be listed nothing is even tried.
    told!(world.run("start local --org acme --runner-group 99999"), @"
    exit 2
    warning: `local`: jobs run on this machine with all the rights of this user
    error: `--runner-group` cannot be `99999`: it does not exist in `acme`

    hint: known groups: `Default` (ID 1), `GitHub Actions` (ID 2)
    ");
    assert_eq!(world.github.count("generate-jitconfig"), 0);
    let refused = Kind::status(403, "Forbidden");
    let fault = Fault::once("GET", "runner-groups", refused);
    world.github.fault(fault);
    told!(world.run("start local --org acme --runner-group 99999"), @"
    exit 1
    warning: `local`: jobs run on this machine with all the rights of this user
    warning: using runner group 99999 unchecked: could not list the runner groups of `acme`: `GET [GITHUB]/orgs/acme/actions/runner-groups` answered 403 Forbidden (request [ID]): Forbidden
    Runner `[NAME]` failed
    error: could not start the runner at `local`
      could not register `[NAME]` with `acme`: `POST [GITHUB]/orgs/acme/actions/runners/generate-jitconfig` answered 404 Not Found (request [ID]): Not Found
      nothing is left running

    hint: check the name `acme`; if it is right, the token in `$GH_PAT` needs the scope `admin:org`, and must belong to an owner of `acme`
    hint: or runner group 99999 does not exist
    ");
    case.was_answered(&world, "/orgs/acme/actions/runners/generate-jitconfig");
    nothing(&world);
}

#[test]
pub(super) fn a_runner_that_is_gone_is_a_success() {
    let Some(case) = Case::of("runner.gone") else {
        return;
    };
    let world = World::new();
    world.run("start local").exits(0);
    case.once(&world, "DELETE", "/actions/runners/");
    told!(world.run("stop --yes"), @"
    exit 0
    Stopped 1 machine. Nothing is left.
    ");
    // The fault answered in its place: it was never asked to remove the row.
    for row in world.stub.runners() {
        assert!(world.github.remove_runner(&row.name));
    }
    nothing_is_left(&world);
}

#[test]
pub(super) fn a_busy_runner_is_kept_or_told() {
    let Some(case) = Case::of("runner.busy") else {
        return;
    };
    let world = World::new();
    world.run("start local").exits(0);
    case.always(&world, "DELETE", "/actions/runners/");
    told!(world.run("stop --yes"), @"
    exit 3
    warning: local:[HERE]/[NAME] kept: GitHub says that a job runs on it
    ");
    world.github.heal();
    world.run("stop --yes").exits(0);
    nothing_is_left(&world);
}
