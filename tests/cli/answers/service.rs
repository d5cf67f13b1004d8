//! Answers about the service itself: limits, illness, moves, age.

use super::{Case, nothing};
use crate::life::nothing_is_left;
use crate::told;
use crate::world::{Said, TOKEN, World, wait_for};

#[test]
pub(super) fn a_used_up_limit_is_waited_for_or_told() {
    if Case::of("rate.primary").is_none() {
        return;
    }
    let world = World::new();
    let now = jiff::Timestamp::now().as_second();
    let limited = |seconds: i64| {
        let case = Case::of("rate.primary").expect("it was there");
        case.with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-reset", &(now + seconds).to_string())
    };
    limited(1).once(&world, "POST", "generate-jitconfig");
    told!(world.run("start local"), @"
    exit 0
    warning: `local`: jobs run on this machine with all the rights of this user
    Waiting until [TIME], in [TIME]: GitHub's rate limit: all 5000 requests of this hour are used
    Registered `[NAME]` with GitHub as runner 2
    Launching `[NAME]` at `local`
    Launched `local:[HERE]/[NAME]` for `[NAME]`
    Runner `[NAME]` is online after [TIME]
    ");
    world.run("stop --yes").exits(0);
    nothing_is_left(&world);
    limited(7200).always(&world, "POST", "generate-jitconfig");
    told!(world.run("start local --timeout 60s"), @"
    exit 1
    warning: `local`: jobs run on this machine with all the rights of this user
    Runner `[NAME]` failed
    error: could not start the runner at `local`
      could not register `[NAME]` with `octo/app`: `POST [GITHUB]/repos/octo/app/actions/runners/generate-jitconfig` answered 403 Forbidden (request [ID]): API rate limit exceeded for installation ID 1.
      nothing is left running

    hint: GitHub accepts requests again at [TIME]
    ");
    nothing(&world);
    // What is left can be asked even then.
    limited(7200).always(&world, "GET", "/actions/runners");
    let said = world.run("providers check local").exits(1);
    assert!(
        said.stdout.contains("github/quota  works  "),
        "{}",
        said.stdout
    );
}

#[test]
pub(super) fn a_secondary_limit_is_waited_for() {
    let Some(case) = Case::of("rate.secondary") else {
        return;
    };
    let world = World::new();
    case.with("retry-after", "1")
        .once(&world, "POST", "generate-jitconfig");
    told!(world.run("start local"), @"
    exit 0
    warning: `local`: jobs run on this machine with all the rights of this user
    Waiting until [TIME], in [TIME]: GitHub's secondary rate limit: too many requests at once
    Registered `[NAME]` with GitHub as runner 2
    Launching `[NAME]` at `local`
    Launched `local:[HERE]/[NAME]` for `[NAME]`
    Runner `[NAME]` is online after [TIME]
    ");
    world.run("stop --yes").exits(0);
    nothing_is_left(&world);
}

#[test]
pub(super) fn a_page_of_a_front_end_is_told_as_one() {
    let Some(case) = Case::of("server.5xx") else {
        return;
    };
    let world = World::new();
    // Reading is tried again; whether a registration was made is not known, and its name is given up.
    case.once(&world, "GET", "downloads");
    case.once(&world, "POST", "generate-jitconfig");
    told!(world.run("start local"), @"
    exit 0
    warning: `local`: jobs run on this machine with all the rights of this user
    Waiting at most 15m: asking GitHub again: could not register `[NAME]` with `octo/app`: `POST [GITHUB]/repos/octo/app/actions/runners/generate-jitconfig` answered 502 Bad Gateway (request [ID]): an HTML page
    Registered `[NAME]` with GitHub as runner 2
    Launching `[NAME]` at `local`
    Launched `local:[HERE]/[NAME]` for `[NAME]`
    Runner `[NAME]` is online after [TIME]
    ");
    world.run("stop --yes").exits(0);
    case.always(&world, "GET", "/actions/runners");
    told!(world.run("list --provider local"), @"
    exit 1
    error: could not read everything: there may be more than is listed
        could not read GitHub: could not list the runners of `octo/app`: `GET [GITHUB]/repos/octo/app/actions/runners` answered 502 Bad Gateway (request [ID]): an HTML page (5 tries)
    ");
    nothing(&world);
}

#[test]
pub(super) fn a_renamed_repository_is_followed() {
    let Some(case) = Case::of("repo.moved") else {
        return;
    };
    let world = World::new();
    let (old, new) = (format!("/repos/{}", world.repo()), "/repos/octo/renamed");
    // The number that the stand-in gives to the first runner.
    for rest in ["/generate-jitconfig", "/downloads", "/2", "?per_page=100"] {
        let path = format!("/actions/runners{rest}");
        let at = Case::of("repo.moved").expect("it was there");
        let at = at.with("location", &format!("{}{new}{path}", world.stub.url()));
        at.always(&world, "GET", &format!("{old}{path}"));
        for method in ["POST", "DELETE"] {
            let at = Case {
                code: 307,
                ..Case::of("repo.moved").expect("it was there")
            };
            let at = at.with("location", &format!("{}{new}{path}", world.stub.url()));
            at.always(&world, method, &format!("{old}{path}"));
        }
    }
    told!(world.run("start local"), @"
    exit 0
    warning: `local`: jobs run on this machine with all the rights of this user
    warning: `octo/app` was renamed or transferred; update it to the new name before someone else claims the old one
    Registered `[NAME]` with GitHub as runner 2
    Launching `[NAME]` at `local`
    Launched `local:[HERE]/[NAME]` for `[NAME]`
    Runner `[NAME]` is online after [TIME]
    ");
    let rows = world.stub.runners();
    assert_eq!(rows.len(), 1);
    let path = world.github.path_of(&rows[0].name);
    assert_eq!(path.as_deref(), Some("/repos/octo/renamed/actions/runners"));
    world.run("stop --yes").exits(0);
    nothing_is_left(&world);
    // Another host gets the question, but never the token.
    let other = World::new();
    let world = World::new();
    let away = format!("{}/repositories/1234/actions/runners", other.stub.url());
    case.with("location", &away)
        .always(&world, "GET", "/actions/runners");
    let said = world.run("list").exits(1);
    assert!(said.stderr.contains("401 Unauthorized"), "{}", said.stderr);
    assert_eq!(other.github.count("GET"), 1);
    let seen = other.github.secrets();
    assert!(seen.iter().all(|secret| secret != TOKEN));
}

#[test]
pub(super) fn what_has_not_changed_is_not_sent_again() {
    let Some(case) = Case::of("list.not_modified") else {
        return;
    };
    let world = World::new();
    let go = world.path("go");
    let script = format!("while [ ! -e '{}' ]; do sleep 0.1; done\n", go.display());
    std::fs::write(world.path("setup.sh"), script).expect("a file");
    let child = world.spawn("start local --setup setup.sh");
    wait_for("an answer without a body", || {
        let requests = world.github.requests();
        requests
            .iter()
            .any(|one| one.status == Some(case.code))
            .then_some(())
    });
    std::fs::write(&go, "").expect("a file");
    Said::of(child.wait_with_output().expect("it ends"), &world).exits(0);
    world.run("stop --yes").exits(0);
    nothing_is_left(&world);
}

#[test]
pub(super) fn an_old_version_of_the_api_is_told_to_update() {
    let Some(case) = Case::of("api_version.gone") else {
        return;
    };
    let world = World::new();
    case.always(&world, "GET", "/actions/runners");
    told!(world.run("start local"), @"
    exit 1
    warning: `local`: jobs run on this machine with all the rights of this user
    error: could not list the runner downloads for `octo/app`
      caused by: `GET [GITHUB]/repos/octo/app/actions/runners/downloads` answered 410 Gone (request [ID]): 

    hint: update gharun: GitHub no longer supports this version of its API
    ");
    told!(world.run("providers check local"), @"
    exit 1
    github  broken      could not list the runners of `octo/app`: `GET [GITHUB]/repos/octo/app/actions/runners` answered 410 Gone (request [ID]): 
                          hint: update gharun: GitHub no longer supports this version of its API
                        octo/app at [GITHUB]/
                        a classic personal access token from $GH_PAT
    ");
    nothing(&world);
}
