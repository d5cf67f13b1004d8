//! How GitHub refuses.

use gharun_worlds::github::{Fault, Kind as Answer, Standing};

use crate::row::{Kind, Scene, Source, Stage, row};
use crate::step::Comes;
use crate::world::TOKEN;

#[test]
fn a_token_in_gh_pat_that_was_revoked() {
    let source = Source::Finding("failures 12");
    row!(Kind::GitHub, Stage::Credentials, source, |world| {
        Scene::new(world.env("GH_PAT", "ghp_revoked"), "start local").then(
            "a new token in the variable that is named",
            Comes::Works,
            |reader| {
                let name = reader.reads(r"the token in `\$([A-Z_]+)`");
                reader.sets(&name, TOKEN);
            },
        )
    });
}

#[test]
fn a_revoked_token_that_comes_before_a_good_one() {
    let source = Source::Finding("failures 12");
    row!(Kind::GitHub, Stage::Credentials, source, |world| {
        Scene::new(
            world.env("GHARUN_GITHUB_TOKEN", "ghp_revoked"),
            "start local",
        )
        .then(
            "a new token in the variable that is named",
            Comes::Works,
            |reader| {
                let name = reader.reads(r"the token in `\$([A-Z_]+)`");
                reader.sets(&name, TOKEN);
            },
        )
    });
}

#[test]
fn a_token_of_a_bot_that_is_no_admin_of_a_private_repository() {
    let source = Source::Thread(
        "machulav/ec2-github-runner#48",
        "the start job ended with `Not Found`, since the robot account whose token it had was no admin",
    );
    row!(Kind::GitHub, Stage::Credentials, source, |world| {
        world.github.set_token(TOKEN, Standing::Unseen);
        Scene::new(world, "start local").then(
            "the token's owner becomes an admin",
            Comes::Works,
            |reader| {
                reader.reads("must belong to an admin");
                reader.world().github.set_token(TOKEN, Standing::Full);
            },
        )
    });
}

#[test]
fn a_token_of_somebody_who_is_no_admin() {
    let source = Source::Thread(
        "actions/actions-runner-controller#229",
        "403 `Must have admin rights` though the same token worked by hand: the running controller had another one",
    );
    row!(Kind::GitHub, Stage::Credentials, source, |world| {
        world.github.set_token(TOKEN, Standing::NoAdmin);
        Scene::new(world, "start local").then(
            "the token's owner becomes an admin",
            Comes::Works,
            |reader| {
                reader.reads("must belong to an admin");
                reader.world().github.set_token(TOKEN, Standing::Full);
            },
        )
    });
}

#[test]
fn the_token_of_the_workflow_itself() {
    let source = Source::Thread(
        "actions/actions-runner-controller#931",
        "an app without the permission on runners: 403 `Resource not accessible by integration`, and nothing on which is missing",
    );
    row!(Kind::GitHub, Stage::Credentials, source, |world| {
        world.github.set_token(TOKEN, Standing::Integration);
        Scene::new(world, "start local").then(
            "the app gets the permission that is named",
            Comes::Works,
            |reader| {
                reader.quoted("Administration: write");
                reader.world().github.set_token(TOKEN, Standing::Full);
            },
        )
    });
}

#[test]
fn a_secret_that_is_empty_in_this_workflow() {
    let source = Source::Thread(
        "actions/toolkit#465",
        "a secret that forks do not get is an empty text, and the action says that a parameter is required",
    );
    row!(Kind::GitHub, Stage::Credentials, source, |world| {
        Scene::new(world.env("GH_PAT", ""), "start local").then(
            "the command that tries it without GitHub",
            Comes::Works,
            |reader| {
                let command = reader.quoted("gharun start local --rehearse");
                reader.types(command.trim_start_matches("gharun "));
            },
        )
    });
}

#[test]
fn a_client_secret_in_place_of_the_key_of_an_app() {
    let source = Source::Thread(
        "actions/create-github-app-token#113",
        "the app's client secret was given as its private key; the error speaks of an asymmetric key",
    );
    row!(Kind::GitHub, Stage::Credentials, source, |world| {
        let world = world.env("GH_PAT", "").env("GHARUN_APP_ID", "12345").env(
            "GHARUN_APP_PRIVATE_KEY",
            "d0c0ffee1234567890abcdef1234567890abcdef",
        );
        Scene::new(world, "start local").needs("console", "the key is made on the app's page")
    });
}

#[test]
fn an_organization_with_single_sign_on_that_the_token_was_not_authorized_for() {
    let source = Source::Thread(
        "mapbox/github-release-tools#28",
        "a classic token stopped working when its organization began to enforce SAML",
    );
    row!(Kind::GitHub, Stage::Credentials, source, |world| {
        let mut refused = Answer::status(
            403,
            "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.",
        );
        if let Answer::Status { headers, .. } = &mut refused {
            let url = "required; url=https://github.com/orgs/octo/sso?authorization_request=AB12";
            headers.push(("x-github-sso".to_owned(), url.to_owned()));
        }
        let always = Fault::once("GET", "/actions/", refused).times(u32::MAX);
        world.github.fault(always);
        Scene::new(world, "start local").then(
            "the token is authorized at the address that is printed",
            Comes::Works,
            |reader| {
                reader.reads(r"https://github\.com/orgs/octo/sso\?authorization_request=AB12");
                reader.world().github.heal();
            },
        )
    });
}

#[test]
fn all_requests_of_this_hour_are_used() {
    let source = Source::Thread(
        "machulav/ec2-github-runner#94",
        "a busy repository met the limit of its token when many jobs registered runners",
    );
    row!(Kind::GitHub, Stage::Room, source, |world| {
        let reset = world.github.now() + std::time::Duration::from_mins(50);
        let limit = Answer::primary_limit(reset);
        let fault = Fault::once("GET", "/actions/", limit).times(u32::MAX);
        world.github.fault(fault);
        Scene::new(world, "start local --timeout 20s").then(
            "the hour that is printed has come",
            Comes::Works,
            |reader| {
                reader.reads(r"accepts requests again at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ");
                reader.world().github.heal();
            },
        )
    });
}

#[test]
fn a_list_with_the_token_of_the_workflow_itself() {
    let source = Source::Finding("people B7");
    row!(Kind::GitHub, Stage::End, source, |world| {
        world.github.set_token(TOKEN, Standing::Integration);
        Scene::new(world, "list --provider local").then(
            "the app gets the permission that is named",
            Comes::Works,
            |reader| {
                reader.quoted("Administration: write");
                reader.world().github.set_token(TOKEN, Standing::Full);
            },
        )
    });
}

#[test]
fn a_stop_whose_token_was_revoked_meanwhile() {
    let source = Source::Finding("issue 13, line 11");
    row!(Kind::GitHub, Stage::End, source, |world| {
        Scene::new(
            world.env("GH_PAT", "ghp_revoked"),
            "stop --all --yes --provider local",
        )
        .then(
            "a new token in the variable that is named",
            Comes::Works,
            |reader| {
                let name = reader.reads(r"the token in `\$([A-Z_]+)`");
                reader.sets(&name, TOKEN);
            },
        )
        .volatile(r"  local  \d+m?s", "  local  0s")
    });
}
