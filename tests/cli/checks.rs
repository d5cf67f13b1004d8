//! Runner groups, and `providers check` for GitHub.

use gharun_worlds::github::{Fault, Group, Kind, Page, Repository, Standing, Visibility};
use serde_json::json;

use crate::life::{nothing_is_left, slots};
use crate::told;
use crate::world::{TOKEN, World};

/// Looks whether runners may come into a group, as they do once.
fn start(world: &World, args: &str) -> crate::world::Said {
    let said = world.run(&format!("start local {args}"));
    world.github.heal();
    said
}

/// Nothing was asked of GitHub that makes anything, and no machine was launched.
#[track_caller]
fn nothing_was_tried(world: &World) {
    assert_eq!(world.github.count("generate-jitconfig"), 0);
    assert_eq!(slots(world), 0);
}

/// The group that the first runner was registered in.
fn group_of_first(world: &World) -> Option<u64> {
    world.github.group_of(&world.stub.runners()[0].name)
}

#[test]
fn a_group_is_found_by_its_name_however_it_is_written() {
    let world = World::new();
    // The one that is looked for is on the second page.
    for id in 3..=120 {
        world.github.add_group(id, &format!("group {id}"));
    }
    let world = world.env("GHARUN_RUNNER_GROUP", "GROUP 120");
    start(&world, "--org acme").exits(0);
    assert_eq!(group_of_first(&world), Some(120));
    assert_eq!(world.github.count("runner-groups"), 2);
    world.run("stop --yes --org acme").exits(0);
    assert!(world.stub.runners().is_empty());
    // Without a group nothing is asked about groups.
    world.github.forget_requests();
    let world = world.env("GHARUN_RUNNER_GROUP", "");
    start(&world, "--org acme").exits(0);
    assert_eq!(group_of_first(&world), Some(1));
    assert_eq!(world.github.count("runner-groups"), 0);
    world.run("stop --yes --org acme").exits(0);
    nothing_is_left(&world);
}

#[test]
fn a_group_stands_in_the_file_by_number_or_name() {
    for group in ["3", "\"3\"", "\"gpu\""] {
        let world = World::new().env("GHARUN_REPO", "");
        world.github.add_group(3, "GPU");
        let file = format!("[github]\nenterprise = \"acme\"\nrunner_group = {group}\n");
        std::fs::write(world.path("providers.toml"), file).expect("a file");
        start(&world, "").exits(0);
        assert_eq!(group_of_first(&world), Some(3), "{group}");
        world.run("stop --yes").exits(0);
        nothing_is_left(&world);
    }
}

#[test]
fn a_group_that_cannot_be_is_refused_before_anything_is_made() {
    let world = World::new();
    world.github.add_group(3, "gpu");
    world.github.add_group(4, "GPU");
    told!(start(&world, "--runner-group gpu"), @"
    exit 2
    error: `--runner-group` cannot be `gpu`: repositories have no runner groups

    hint: register with the organization: `--org octo` instead of `$GHARUN_REPO`; or leave the group out
    ");
    told!(start(&world, "--runner-group gpu --dry-run"), @"
    exit 2
    error: `--runner-group` cannot be `gpu`: repositories have no runner groups

    hint: register with the organization: `--org octo` instead of `$GHARUN_REPO`; or leave the group out
    ");
    told!(start(&world, "--org acme --runner-group cpu"), @"
    exit 2
    warning: `local`: jobs run on this machine with all the rights of this user
    error: `--runner-group` cannot be `cpu`: it does not exist in `acme`

    hint: known groups: `Default` (ID 1), `GitHub Actions` (ID 2), `gpu` (ID 3), `GPU` (ID 4)
    ");
    told!(start(&world, "--org acme --runner-group Gpu"), @"
    exit 2
    warning: `local`: jobs run on this machine with all the rights of this user
    error: `--runner-group` cannot be `Gpu`: more than one runner group has that name

    hint: use an ID: `gpu` (ID 3), `GPU` (ID 4)
    ");
    let world = world.env("GHARUN_RUNNER_GROUP", " ");
    told!(start(&world, "--org acme"), @"
    exit 2
    error: `$GHARUN_RUNNER_GROUP` must be the name or ID of a runner group, not ` `
    ");
    nothing_was_tried(&world);
}

#[test]
fn everybodys_group_is_good_for_a_repository() {
    let world = World::new();
    for group in ["1", "default"] {
        start(&world, &format!("--runner-group {group}")).exits(0);
        world.run("stop --yes").exits(0);
    }
    nothing_is_left(&world);
}

#[test]
fn a_name_that_cannot_be_looked_up_is_an_error_that_names_the_permission() {
    let world = World::new();
    let headers = [
        ("x-oauth-scopes", "repo"),
        ("x-accepted-oauth-scopes", "admin:org"),
    ];
    let refused = Kind::Status {
        code: 403,
        body: Page::Json(json!({ "message": "Must be an org owner.", "documentation_url": "" })),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    };
    let fault = Fault::once("GET", "runner-groups", refused);
    world.github.fault(fault);
    told!(start(&world, "--org acme --runner-group gpu"), @"
    exit 1
    warning: `local`: jobs run on this machine with all the rights of this user
    error: could not list the runner groups of `acme`
      caused by: `GET [GITHUB]/orgs/acme/actions/runner-groups` answered 403 Forbidden (request [ID]): Must be an org owner.

    hint: the token in `$GH_PAT` has the scopes `repo` and lacks `admin:org`
    hint: or name the group by its ID, as shown in its URL on GitHub
    ");
    nothing_was_tried(&world);
}

#[test]
fn a_group_that_is_closed_to_the_repository_is_refused_where_nobody_else_can_ask() {
    let world = World::step();
    world.github.set_group(
        3,
        Group {
            visibility: Visibility::Selected(vec!["other".to_owned()]),
            ..Group::open("gpu")
        },
    );
    told!(start(&world, "--org octo --runner-group gpu"), @"
    exit 2
    ::warning title=gharun::`local`: jobs run on this machine with all the rights of this user
    ::error title=gharun::runner group `gpu` (ID 3) does not allow the repository `octo/app`, so no job of its workflows would get the runner%0Ahint: allow the repository at [GITHUB]/organizations/octo/settings/actions/runner-groups/3%0Ahint: or name another group: `--runner-group NAME`
    ");
    nothing_was_tried(&world);
    // With a label of the user's own, a job of another repository may ask for it.
    told!(start(&world, "--org octo --runner-group gpu --label gpu"), @"
    exit 0
    ::warning title=gharun::`local`: jobs run on this machine with all the rights of this user
    ::warning title=gharun::runner group `gpu` (ID 3) does not allow the repository `octo/app`%0Ahint: allow the repository at [GITHUB]/organizations/octo/settings/actions/runner-groups/3
    Registered `[NAME]` with GitHub as runner 2
    Launching `[NAME]` at `local`
    Launched `local:[HERE]/[NAME]` for `[NAME]`
    Runner `[NAME]` is online after [TIME]
    ");
    world.run("stop --org octo").exits(0);
    // Of another organization's repository nothing can be said.
    start(&world, "--org acme --runner-group gpu").exits(0);
    world.run("stop --org acme").exits(0);
    nothing_is_left(&world);
}

#[test]
fn what_keeps_jobs_away_is_warned_of() {
    let world = World::step();
    world.github.set_group(
        3,
        Group {
            visibility: Visibility::Private,
            workflows: Some(vec!["octo/app/.github/workflows/gpu.yml@main".to_owned()]),
            ..Group::open("gpu")
        },
    );
    let public = Repository {
        public: true,
        ..Repository::default()
    };
    world.github.set_repository(world.repo(), public);
    told!(world.run("providers check local --org octo --runner-group gpu"), @"
    exit 0
    github	works	octo at [GITHUB]/; a classic personal access token from $GH_PAT; 0 runners are registered
    github/quota	works	[SOME] of 5000 API requests left; resets at [TIME]
    github/runner	works	version 2.336.0 for linux-arm, linux-arm64, linux-x64, osx-arm64, osx-x64
    github/group	works	`gpu` (ID 3): all private repositories, public repositories not allowed
    github/workflow	unknown
    ::warning title=gharun::`github/group`: only octo/app/.github/workflows/gpu.yml@main may use the runner group `gpu` (ID 3)
    ::warning title=gharun::`github/group`: `octo/app` is public, and runner group `gpu` (ID 3) does not allow public repositories: allow them at [GITHUB]/organizations/octo/settings/actions/runner-groups/3, but then strangers may run code on its machines
    ::warning title=gharun::`github/workflow`: could not read the runs of `octo/app`: `GET [GITHUB]/repos/octo/app/actions/runs/7` answered 404 Not Found (request [ID]): Not Found%0Ahint: check the repository's name; if it is right, the token in `$GH_PAT` needs the scope `repo`
    ");
    told!(start(&world, "--org octo --runner-group gpu"), @"
    exit 2
    ::warning title=gharun::`local`: jobs run on this machine with all the rights of this user
    ::error title=gharun::`octo/app` is public, and runner group `gpu` (ID 3) does not allow public repositories, so no job of its workflows would get the runner%0Ahint: register with the repository: `--repo octo/app`%0Ahint: or allow public repositories at [GITHUB]/organizations/octo/settings/actions/runner-groups/3, but then strangers may run code on the group's machines
    ");
    nothing_was_tried(&world);
    told!(start(&world, "--org octo --runner-group gpu --label gpu"), @"
    exit 0
    ::warning title=gharun::`local`: jobs run on this machine with all the rights of this user
    ::warning title=gharun::only octo/app/.github/workflows/gpu.yml@main may use the runner group `gpu` (ID 3)
    ::warning title=gharun::`octo/app` is public, and runner group `gpu` (ID 3) does not allow public repositories: allow them at [GITHUB]/organizations/octo/settings/actions/runner-groups/3, but then strangers may run code on its machines
    Registered `[NAME]` with GitHub as runner 2
    Launching `[NAME]` at `local`
    Launched `local:[HERE]/[NAME]` for `[NAME]`
    Runner `[NAME]` is online after [TIME]
    ");
    world.run("stop --org octo").exits(0);
    nothing_is_left(&world);
}

#[test]
fn the_group_that_everybody_has_is_looked_at_in_a_workflow() {
    let world = World::step();
    let public = Repository {
        public: true,
        ..Repository::default()
    };
    world.github.set_repository(world.repo(), public);
    told!(start(&world, "--org octo"), @"
    exit 2
    ::warning title=gharun::`local`: jobs run on this machine with all the rights of this user
    ::error title=gharun::`octo/app` is public, and runner group `Default` (ID 1) does not allow public repositories, so no job of its workflows would get the runner%0Ahint: register with the repository: `--repo octo/app`%0Ahint: or allow public repositories at [GITHUB]/organizations/octo/settings/actions/runner-groups/1, but then strangers may run code on the group's machines
    ");
    nothing_was_tried(&world);
    // Another repository's jobs may ask for a label of the user's own.
    let said = start(&world, "--org octo --label gpu").exits(0);
    assert!(
        said.stderr
            .contains("does not allow public repositories: allow them at"),
        "{said:?}"
    );
    world.run("stop --org octo").exits(0);
    // Who may not see the group is told nothing.
    let refused = Kind::status(403, "Must be an org owner.");
    world
        .github
        .fault(Fault::once("GET", "runner-groups/1", refused));
    let said = start(&world, "--org octo").exits(0);
    assert!(!said.stderr.contains("runner group"), "{said:?}");
    world.run("stop --org octo").exits(0);
    nothing_is_left(&world);
}

#[test]
fn a_check_tells_what_there_is() {
    let world = World::new();
    told!(world.run("providers check local"), @"
    exit 0
    github           works       octo/app at [GITHUB]/
                                 a classic personal access token from $GH_PAT
                                 an admin of the repository
                                 0 runners are registered
    github/quota     works       [SOME] of 5000 API requests left; resets at [TIME]
    github/runner    works       version 2.336.0 for linux-arm, linux-arm64, linux-x64, osx-arm64, osx-x64
    github/group     works       `Default` (1): repositories have no other groups
    github/workflow  works       can read the workflow runs of `octo/app`
    ");
    world.github.set_scopes(TOKEN, &["repo", "workflow"]);
    told!(world.run("providers check local --org acme"), @"
    exit 0
    github         works       acme at [GITHUB]/
                               a classic personal access token from $GH_PAT
                               its scopes: repo, workflow
                               0 runners are registered
                               warning: the token lacks the scope `admin:org`: it cannot register runners of `acme`
    github/quota   works       [SOME] of 5000 API requests left; resets at [TIME]
    github/runner  works       version 2.336.0 for linux-arm, linux-arm64, linux-x64, osx-arm64, osx-x64
    github/group   works       `Default` (ID 1): all repositories, public repositories not allowed
    ");
    told!(world.run("providers check local --enterprise acme --runner-group default"), @"
    exit 0
    github         works       enterprises/acme at [GITHUB]/
                               a classic personal access token from $GH_PAT
                               its scopes: repo, workflow
                               0 runners are registered
                               warning: the token lacks the scope `manage_runners:enterprise`: it cannot register runners of `enterprises/acme`
    github/quota   works       [SOME] of 5000 API requests left; resets at [TIME]
    github/runner  works       version 2.336.0 for linux-arm, linux-arm64, linux-x64, osx-arm64, osx-x64
    github/group   works       `Default` (ID 1): all repositories, public repositories not allowed
    ");
    let json = world
        .run("providers check local --output json")
        .exits(0)
        .json();
    for check in json["checks"].as_array().expect("checks") {
        let keys: Vec<&String> = check.as_object().expect("an object").keys().collect();
        assert_eq!(
            keys,
            [
                "name",
                "ok",
                "facts",
                "warnings",
                "error",
                "status",
                "hints",
                "request_id",
                "setting"
            ],
            "{check}"
        );
    }
    nothing_was_tried(&world);
}

#[test]
fn a_check_without_a_token_tells_what_is_read_and_what_anybody_knows() {
    let world = World::new().env("GH_PAT", "");
    told!(world.run("providers check local"), @r#"
    exit 1
    github         broken      no GitHub token is set
                                 hint: set `$GH_PAT` (or `token` under [github]) to a token of an admin of the repository: a classic one with the scope `repo`, or a fine-grained one with the permission `Administration: write`
                                 hint: in a workflow: `env: GH_PAT: ${{ secrets.GH_PAT }}`; on your computer: `export GH_PAT="$(gh auth token)"`
                                 hint: or set $GHARUN_APP_ID and $GHARUN_APP_PRIVATE_KEY for a GitHub App; to try without GitHub: `gharun start local --rehearse`
                               octo/app at [GITHUB]/
    github/quota   works       60 of 60 API requests left; resets at [TIME]
    github/runner  works       version 2.336.0 for linux-arm, linux-arm64, linux-x64, osx-arm64, osx-x64
    "#);
    told!(world.env("GHARUN_REPO", "").run("providers check local"), @"
    exit 0
    github  not set up  no repository, organization or enterprise is set
                          hint: set one with `--repo OWNER/NAME`, `--org ORG`, or [github] in providers.toml
    ");
}

#[test]
fn each_part_that_fails_is_a_line_of_its_own() {
    let world = World::new();
    let github = &world.github;
    github.set_repository(
        world.repo(),
        Repository {
            admin: false,
            ..Repository::default()
        },
    );
    github.fault(Fault::once(
        "GET",
        "/rate_limit",
        Kind::status(404, "Rate limiting is not enabled."),
    ));
    github.fault(Fault::once(
        "GET",
        "/actions/runs",
        Kind::status(403, "Forbidden"),
    ));
    github.fault(Fault::once(
        "GET",
        "/downloads",
        Kind::status(403, "Forbidden"),
    ));
    told!(world.run("providers check local"), @"
    exit 1
    github           works       octo/app at [GITHUB]/
                                 a classic personal access token from $GH_PAT
                                 0 runners are registered
                                 warning: the token's owner is not an admin of `octo/app`, which registering runners requires
    github/quota     works       the server has no rate limit
    github/runner    broken      no access to the runners of `octo/app`: `GET [GITHUB]/repos/octo/app/actions/runners/downloads` answered 403 Forbidden (request [ID]): Forbidden
    github/group     works       `Default` (1): repositories have no other groups
    github/workflow  unknown     could not read the runs of `octo/app`: `GET [GITHUB]/repos/octo/app/actions/runs/1` answered 403 Forbidden (request [ID]): Forbidden
    ");
}

#[test]
fn every_kind_of_token_is_known_by_its_letters() {
    for (token, standing) in [
        ("ghs_thisTokenMustNotBeSeenAnywhere", Standing::Integration),
        (
            "github_pat_thisTokenMustNotBeSeenAnywhere",
            Standing::PersonalAccess,
        ),
        ("ghu_thisTokenMustNotBeSeenAnywhere", Standing::Integration),
        ("gho_thisTokenMustNotBeSeenAnywhere", Standing::NoAdmin),
        ("0123456789012345678901234567890123456789", Standing::Unseen),
    ] {
        let world = World::new().env("GHARUN_GITHUB_TOKEN", token);
        world.github.set_token(token, standing);
        if standing == Standing::NoAdmin {
            world.github.set_scopes(token, &["gist", "read:org"]);
        }
        let said = world.run("providers check local --org acme").exits(1);
        assert!(!format!("{said:?}").contains(token));
        match &token[..4] {
            "ghs_" => told!(said, @"
            exit 1
            github         broken      could not list the runners of `acme`: `GET [GITHUB]/orgs/acme/actions/runners` answered 403 Forbidden (request [ID]): Resource not accessible by integration
                                         hint: if the token in `$GHARUN_GITHUB_TOKEN` is of a GitHub App, the app needs the permission `Self-hosted runners: write` of the organization `acme`, and its installation must have accepted it (Settings > GitHub Apps)
                                         hint: if it is the workflow's own, which can never manage runners: put a personal access token into a secret, and pass it as `GH_PAT` (`env: GH_PAT: ${{ secrets.GH_PAT }}`)
                                       acme at [GITHUB]/
                                       the token of an app or of a workflow from $GHARUN_GITHUB_TOKEN
            github/quota   works       [SOME] of 5000 API requests left; resets at [TIME]
            github/runner  broken      no access to the runners of `acme`: `GET [GITHUB]/orgs/acme/actions/runners/downloads` answered 403 Forbidden (request [ID]): Resource not accessible by integration
                                         hint: if the token in `$GHARUN_GITHUB_TOKEN` is of a GitHub App, the app needs the permission `Self-hosted runners: write` of the organization `acme`, and its installation must have accepted it (Settings > GitHub Apps)
                                         hint: if it is the workflow's own, which can never manage runners: put a personal access token into a secret, and pass it as `GH_PAT` (`env: GH_PAT: ${{ secrets.GH_PAT }}`)
            github/group   unknown     could not list the runner groups of `acme`: `GET [GITHUB]/orgs/acme/actions/runner-groups` answered 403 Forbidden (request [ID]): Resource not accessible by integration
                                         hint: if the token in `$GHARUN_GITHUB_TOKEN` is of a GitHub App, the app needs the permission `Self-hosted runners: write` of the organization `acme`, and its installation must have accepted it (Settings > GitHub Apps)
                                         hint: if it is the workflow's own, which can never manage runners: put a personal access token into a secret, and pass it as `GH_PAT` (`env: GH_PAT: ${{ secrets.GH_PAT }}`)
            "),
            "gith" => told!(said, @"
            exit 1
            github         broken      could not list the runners of `acme`: `GET [GITHUB]/orgs/acme/actions/runners` answered 403 Forbidden (request [ID]): Resource not accessible by personal access token
                                         hint: the token in `$GHARUN_GITHUB_TOKEN` needs the permission `Self-hosted runners: write` of the organization `acme`
                                         hint: if it has the permission, an owner of the organization may have to approve the token first
                                       acme at [GITHUB]/
                                       a fine-grained personal access token from $GHARUN_GITHUB_TOKEN
            github/quota   works       [SOME] of 5000 API requests left; resets at [TIME]
            github/runner  broken      no access to the runners of `acme`: `GET [GITHUB]/orgs/acme/actions/runners/downloads` answered 403 Forbidden (request [ID]): Resource not accessible by personal access token
                                         hint: the token in `$GHARUN_GITHUB_TOKEN` needs the permission `Self-hosted runners: write` of the organization `acme`
                                         hint: if it has the permission, an owner of the organization may have to approve the token first
            github/group   unknown     could not list the runner groups of `acme`: `GET [GITHUB]/orgs/acme/actions/runner-groups` answered 403 Forbidden (request [ID]): Resource not accessible by personal access token
                                         hint: the token in `$GHARUN_GITHUB_TOKEN` needs the permission `Self-hosted runners: write` of the organization `acme`
                                         hint: if it has the permission, an owner of the organization may have to approve the token first
            "),
            "ghu_" => told!(said, @"
            exit 1
            github         broken      could not list the runners of `acme`: `GET [GITHUB]/orgs/acme/actions/runners` answered 403 Forbidden (request [ID]): Resource not accessible by integration
                                         hint: the app behind the token in `$GHARUN_GITHUB_TOKEN` needs the permission `Self-hosted runners: write` of the organization `acme`, and must belong to an owner of `acme`
                                       acme at [GITHUB]/
                                       a person's token through a GitHub App from $GHARUN_GITHUB_TOKEN
            github/quota   works       [SOME] of 5000 API requests left; resets at [TIME]
            github/runner  broken      no access to the runners of `acme`: `GET [GITHUB]/orgs/acme/actions/runners/downloads` answered 403 Forbidden (request [ID]): Resource not accessible by integration
                                         hint: the app behind the token in `$GHARUN_GITHUB_TOKEN` needs the permission `Self-hosted runners: write` of the organization `acme`, and must belong to an owner of `acme`
            github/group   unknown     could not list the runner groups of `acme`: `GET [GITHUB]/orgs/acme/actions/runner-groups` answered 403 Forbidden (request [ID]): Resource not accessible by integration
                                         hint: the app behind the token in `$GHARUN_GITHUB_TOKEN` needs the permission `Self-hosted runners: write` of the organization `acme`, and must belong to an owner of `acme`
            "),
            "gho_" => told!(said, @"
            exit 1
            github         broken      could not list the runners of `acme`: `GET [GITHUB]/orgs/acme/actions/runners` answered 403 Forbidden (request [ID]): Must have admin rights to Repository.
                                         hint: the token in `$GHARUN_GITHUB_TOKEN` has the scopes `gist, read:org` and lacks `admin:org`
                                         hint: add it to the token of `gh` with `gh auth refresh --scopes admin:org`
                                       acme at [GITHUB]/
                                       an OAuth token, such as that of `gh` from $GHARUN_GITHUB_TOKEN
                                       its scopes: gist, read:org
            github/quota   works       [SOME] of 5000 API requests left; resets at [TIME]
            github/runner  broken      no access to the runners of `acme`: `GET [GITHUB]/orgs/acme/actions/runners/downloads` answered 403 Forbidden (request [ID]): Must have admin rights to Repository.
                                         hint: the token in `$GHARUN_GITHUB_TOKEN` has the scopes `gist, read:org` and lacks `admin:org`
                                         hint: add it to the token of `gh` with `gh auth refresh --scopes admin:org`
            github/group   unknown     could not list the runner groups of `acme`: `GET [GITHUB]/orgs/acme/actions/runner-groups` answered 403 Forbidden (request [ID]): Must have admin rights to Repository.
                                         hint: the token in `$GHARUN_GITHUB_TOKEN` has the scopes `gist, read:org` and lacks `admin:org`
                                         hint: add it to the token of `gh` with `gh auth refresh --scopes admin:org`
            "),
            _ => told!(said, @"
            exit 1
            github         broken      could not list the runners of `acme`: `GET [GITHUB]/orgs/acme/actions/runners` answered 404 Not Found (request [ID]): Not Found
                                         hint: check the name `acme`; if it is right, the token in `$GHARUN_GITHUB_TOKEN` needs the permission `Self-hosted runners: write` of the organization `acme` where it is fine-grained or an app's, and the scope `admin:org` where it is classic, and must belong to an owner of `acme`
                                       acme at [GITHUB]/
                                       a token of unknown type from $GHARUN_GITHUB_TOKEN
            github/quota   works       [SOME] of 5000 API requests left; resets at [TIME]
            github/runner  broken      no access to the runners of `acme`: `GET [GITHUB]/orgs/acme/actions/runners/downloads` answered 404 Not Found (request [ID]): Not Found
                                         hint: check the name `acme`; if it is right, the token in `$GHARUN_GITHUB_TOKEN` needs the permission `Self-hosted runners: write` of the organization `acme` where it is fine-grained or an app's, and the scope `admin:org` where it is classic, and must belong to an owner of `acme`
            github/group   unknown     could not list the runner groups of `acme`: `GET [GITHUB]/orgs/acme/actions/runner-groups` answered 404 Not Found (request [ID]): Not Found
                                         hint: check the name `acme`; if it is right, the token in `$GHARUN_GITHUB_TOKEN` needs the permission `Self-hosted runners: write` of the organization `acme` where it is fine-grained or an app's, and the scope `admin:org` where it is classic, and must belong to an owner of `acme`
            "),
        }
    }
}
