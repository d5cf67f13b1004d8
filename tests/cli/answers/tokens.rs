//! Answers about tokens: bad ones, and those that lack something.

use gharun_worlds::github::Standing;

use super::{Case, nothing};
use crate::told;
use crate::world::{TOKEN, World};

#[test]
pub(super) fn a_bad_token_is_told_by_every_command() {
    let Some(case) = Case::of("auth.bad") else {
        return;
    };
    let world = World::new();
    world.github.set_token(TOKEN, Standing::Bad);
    told!(world.run("start local"), @"
    exit 1
    warning: `local`: jobs run on this machine with all the rights of this user
    error: GitHub does not accept the token
      caused by: `GET [GITHUB]/repos/octo/app/actions/runners/downloads` answered 401 Unauthorized (request [ID]): Bad credentials

    hint: the token in `$GH_PAT` has expired, was revoked or is incomplete: put a new one there, from [GITHUB]/settings/tokens
    ");
    case.was_answered(&world, "/actions/runners");
    told!(world.run("list --provider local"), @"
    exit 1
    error: could not read everything: there may be more than is listed
        could not read GitHub: could not list the runners of `octo/app`: `GET [GITHUB]/repos/octo/app/actions/runners` answered 401 Unauthorized (request [ID]): Bad credentials

    hint: the token in `$GH_PAT` has expired, was revoked or is incomplete: put a new one there, from [GITHUB]/settings/tokens
    ");
    told!(world.run("stop --all --yes --provider local"), @"
    exit 1
    error: could not read everything, so something may be left
        could not read GitHub: could not list the runners of `octo/app`: `GET [GITHUB]/repos/octo/app/actions/runners` answered 401 Unauthorized (request [ID]): Bad credentials

    hint: the token in `$GH_PAT` has expired, was revoked or is incomplete: put a new one there, from [GITHUB]/settings/tokens
    ");
    told!(world.run("providers check local"), @"
    exit 1
    github  broken      could not list the runners of `octo/app`: `GET [GITHUB]/repos/octo/app/actions/runners` answered 401 Unauthorized (request [ID]): Bad credentials
                          hint: the token in `$GH_PAT` has expired, was revoked or is incomplete: put a new one there, from [GITHUB]/settings/tokens
                        octo/app at [GITHUB]/
                        a classic personal access token from $GH_PAT
    ");
    nothing(&world);
}

#[test]
pub(super) fn github_token_is_told_what_can_do_it() {
    let Some(case) = Case::of("auth.github_token") else {
        return;
    };
    let token = "ghs_thisTokenMustNotBeSeenAnywhere";
    let world = World::step().env("GH_PAT", "").env("GITHUB_TOKEN", token);
    world.github.set_token(token, Standing::Integration);
    told!(world.run("start local"), @"
    exit 1
    ::warning title=gharun::`local`: jobs run on this machine with all the rights of this user
    ::error title=gharun::no access to the runners of `octo/app`: `GET [GITHUB]/repos/octo/app/actions/runners/downloads` answered 403 Forbidden (request [ID]): Resource not accessible by integration%0Ahint: if the token in `$GITHUB_TOKEN` is of a GitHub App, the app needs the permission `Administration: write` of the repository `octo/app`, and its installation must have accepted it (Settings > GitHub Apps)%0Ahint: if it is the workflow's own, which can never manage runners: put a personal access token into a secret, and pass it as `GH_PAT` (`env: GH_PAT: ${{ secrets.GH_PAT }}`)
    ");
    case.was_answered(&world, "/actions/runners");
    nothing(&world);
}

#[test]
pub(super) fn a_fine_grained_token_is_told_its_permission() {
    let Some(case) = Case::of("auth.fg_pat") else {
        return;
    };
    let token = "github_pat_thisTokenMustNotBeSeenAnywhere";
    let world = World::new().env("GH_PAT", token);
    world.github.set_token(token, Standing::PersonalAccess);
    told!(world.run("start local"), @"
    exit 1
    warning: `local`: jobs run on this machine with all the rights of this user
    error: no access to the runners of `octo/app`
      caused by: `GET [GITHUB]/repos/octo/app/actions/runners/downloads` answered 403 Forbidden (request [ID]): Resource not accessible by personal access token

    hint: the token in `$GH_PAT` needs the permission `Administration: write` of the repository `octo/app`
    hint: if it has the permission, an owner of the organization may have to approve the token first
    ");
    case.was_answered(&world, "/actions/runners");
    told!(world.run("start local --org acme"), @"
    exit 1
    warning: `local`: jobs run on this machine with all the rights of this user
    error: no access to the runners of `acme`
      caused by: `GET [GITHUB]/orgs/acme/actions/runners/downloads` answered 403 Forbidden (request [ID]): Resource not accessible by personal access token

    hint: the token in `$GH_PAT` needs the permission `Self-hosted runners: write` of the organization `acme`
    hint: if it has the permission, an owner of the organization may have to approve the token first
    ");
    told!(world.run("start local --enterprise acme"), @"
    exit 1
    warning: `local`: jobs run on this machine with all the rights of this user
    error: no access to the runners of `enterprises/acme`
      caused by: `GET [GITHUB]/enterprises/acme/actions/runners/downloads` answered 403 Forbidden (request [ID]): Resource not accessible by personal access token

    hint: the runners of an enterprise need a classic token with the scope `manage_runners:enterprise`
    ");
    nothing(&world);
}

#[test]
pub(super) fn somebody_who_is_no_admin_is_told_so() {
    let Some(case) = Case::of("auth.not_admin") else {
        return;
    };
    let world = World::new();
    world.github.set_token(TOKEN, Standing::NoAdmin);
    told!(world.run("start local"), @"
    exit 1
    warning: `local`: jobs run on this machine with all the rights of this user
    error: no access to the runners of `octo/app`
      caused by: `GET [GITHUB]/repos/octo/app/actions/runners/downloads` answered 403 Forbidden (request [ID]): Must have admin rights to Repository.

    hint: the token in `$GH_PAT` needs the scope `repo`, and must belong to an admin of `octo/app`
    ");
    case.was_answered(&world, "/actions/runners");
    world.github.set_scopes(TOKEN, &["repo", "workflow"]);
    told!(world.run("start local"), @"
    exit 1
    warning: `local`: jobs run on this machine with all the rights of this user
    error: no access to the runners of `octo/app`
      caused by: `GET [GITHUB]/repos/octo/app/actions/runners/downloads` answered 403 Forbidden (request [ID]): Must have admin rights to Repository.

    hint: the scopes of the token in `$GH_PAT` are sufficient, but it must belong to an admin of `octo/app`
    ");
    told!(world.run("start local --org acme"), @"
    exit 1
    warning: `local`: jobs run on this machine with all the rights of this user
    error: no access to the runners of `acme`
      caused by: `GET [GITHUB]/orgs/acme/actions/runners/downloads` answered 403 Forbidden (request [ID]): Must have admin rights to Repository.

    hint: the token in `$GH_PAT` has the scopes `repo, workflow` and lacks `admin:org`
    ");
    nothing(&world);
}
