//! What GitHub says of tokens and apps that it does not take.

use std::collections::BTreeMap;
use std::time::Duration;

use gharun_worlds::github::{Fault, Installation, Kind as Answer, Standing};
use gharun_worlds::keys;

use super::github_rules::refusing;
use crate::row::{Kind, Scene, Source, Stage, row};
use crate::step::Comes;
use crate::world::{TOKEN, World};

/// A world whose only way to GitHub is an app.
fn with_app(world: World, suspended: bool, key: &str) -> World {
    let world = world
        .env("GH_PAT", "")
        .env("GHARUN_APP_ID", "1234")
        .env("GHARUN_APP_PRIVATE_KEY", key);
    let permissions = [("administration", "write"), ("actions", "read")];
    world.github.install_app(Installation {
        app: 1234,
        client_id: "Iv23liPretend".to_owned(),
        key: keys::rsa().public.clone(),
        id: 77,
        scopes: vec![world.repo().to_owned()],
        permissions: permissions
            .iter()
            .map(|(name, level)| ((*name).to_owned(), (*level).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        suspended,
        lasts: Duration::from_hours(1),
    });
    world
}

#[test]
fn a_token_in_a_file_that_has_expired() {
    row!(
        Kind::GitHub,
        Stage::Credentials,
        Source::Finding("failures 12"),
        |world| {
            let world = world.env("GH_PAT", "");
            let write =
                |name: &str, text: &str| std::fs::write(world.path(name), text).expect("a file");
            write("token.txt", "ghp_expired\n");
            write(
                "providers.toml",
                "[github]\ntoken = { file = \"token.txt\" }\n",
            );
            Scene::new(world, "start local").then(
                "a new token in the file that is named",
                Comes::Works,
                |reader| {
                    let file = reader.reads("the token in `([^`]+)` that");
                    reader.has_file(&file, TOKEN);
                },
            )
        }
    );
}

#[test]
fn a_token_with_a_line_end_inside() {
    row!(
        Kind::GitHub,
        Stage::Credentials,
        Source::Finding("failures 12"),
        |world| Scene::new(world.env("GH_PAT", "ghp_first\nsecond"), "start local").then(
            "the token again, in one line",
            Comes::Works,
            |reader| {
                let name = reader.reads(r"could not read `\$([A-Z_]+)`");
                reader.sets(&name, TOKEN);
            }
        )
    );
}

#[test]
fn no_token_at_all() {
    row!(
        Kind::GitHub,
        Stage::Credentials,
        Source::Finding("failures 16"),
        |world| Scene::new(world.env("GH_PAT", ""), "start local").then(
            "the `export` that is printed",
            Comes::Works,
            |reader| {
                reader.has_program("gh", &format!("echo {TOKEN}"));
                let command = reader.quoted(r#"export GH_PAT="[^`]+""#);
                reader.exports(&command);
            }
        )
    );
}

#[test]
fn an_address_that_is_not_on_the_organizations_allow_list() {
    row!(
        Kind::GitHub,
        Stage::Credentials,
        Source::Finding("github 7"),
        |world| {
            let message = "Although you appear to have the correct authorization credentials, the `octo` organization \
                           has an IP allow list enabled, and your IP address is not permitted to access this resource.";
            Scene::new(refusing(world, 403, message), "start local").then(
                "what the page that is printed is for",
                Comes::Works,
                |reader| {
                    reader.reads("https?://[^ ]+octo/settings/security");
                    reader.world().github.heal();
                },
            )
        }
    );
}

#[test]
fn classic_tokens_are_forbidden() {
    let source = Source::Thread(
        "git-town/git-town#4609",
        "an organization forbade classic tokens, and the program that used one did not say what would do",
    );
    row!(Kind::GitHub, Stage::Credentials, source, |world| {
        let message = "`octo` forbids access via a personal access token (classic). Please use a GitHub App, OAuth \
                       App, or a personal access token with fine-grained permissions.";
        Scene::new(refusing(world, 403, message), "start local").then(
            "another kind of token in the variable that is named",
            Comes::Works,
            |reader| {
                let name = reader.reads(r"set `\$([A-Z_]+)` to a fine-grained");
                reader.sets(&name, TOKEN);
                // It refuses by the kind of token, and takes this one.
                reader.world().github.heal();
            },
        )
    });
}

#[test]
fn a_fine_grained_token_that_is_good_for_too_long() {
    row!(
        Kind::GitHub,
        Stage::Credentials,
        Source::Finding("github 7"),
        |world| {
            let message = "The 'octo' organization forbids access via a fine-grained personal access tokens if the \
                           token's lifetime is greater than 366 days. Please adjust your token's lifetime.";
            let world = world.env("GH_PAT", "github_pat_long");
            Scene::new(refusing(world, 403, message), "start local").then(
                "what the page that is printed is for",
                Comes::Works,
                |reader| {
                    reader.reads("https?://[^ ]+settings/personal-access-tokens");
                    let github = &reader.world().github;
                    github.set_token("github_pat_long", Standing::Full);
                    github.heal();
                },
            )
        }
    );
}

#[test]
fn the_token_of_an_oauth_app_that_was_not_approved() {
    let source = Source::Thread(
        "aeonfun/aeon#1083",
        "a token of an OAuth app had every scope, and the organization restricts such apps until an owner approves them",
    );
    row!(Kind::GitHub, Stage::Credentials, source, |world| {
        let message = "Although you appear to have the correct authorization credentials, the `octo` organization \
                       has enabled OAuth App access restrictions, meaning that data access to third-parties is limited.";
        let world = world.env("GH_PAT", "gho_ofTheCommandLine");
        Scene::new(refusing(world, 403, message), "start local").then(
            "another kind of token in the variable that is named",
            Comes::Works,
            |reader| {
                let name = reader.reads(r"the token in `\$([A-Z_]+)`");
                reader.sets(&name, TOKEN);
                // It refuses by the kind of token, and takes this one.
                reader.world().github.heal();
            },
        )
    });
}

#[test]
fn a_token_that_single_sign_on_does_not_know() {
    row!(
        Kind::GitHub,
        Stage::Credentials,
        Source::Finding("github, table of threads"),
        |world| {
            let mut answer =
                Answer::status(403, "Resource protected by organization SAML enforcement.");
            if let Answer::Status { headers, .. } = &mut answer {
                let url = "required; url=https://github.com/orgs/octo/sso?authorization_request=A1";
                headers.push(("x-github-sso".to_owned(), url.to_owned()));
            }
            let fault = Fault::once("GET", "/actions/", answer);
            world.github.fault(fault.times(u32::MAX));
            Scene::new(world, "start local").then(
                "what the page that is printed is for",
                Comes::Works,
                |reader| {
                    reader.reads("https?://[^ ]+authorization_request=A1");
                    reader.world().github.heal();
                },
            )
        }
    );
}

#[test]
fn a_workflows_own_token() {
    row!(
        Kind::GitHub,
        Stage::Credentials,
        Source::Finding("github, table of threads"),
        |world| {
            let world = world
                .env("GH_PAT", "")
                .env("GITHUB_TOKEN", "ghs_ofTheWorkflow");
            let message = "Resource not accessible by integration";
            Scene::new(refusing(world, 403, message), "start local").then(
                "another token in the variable that is named",
                Comes::Works,
                |reader| {
                    let name = reader.reads(r"pass it as `([A-Z_]+)`");
                    reader.sets(&name, TOKEN);
                    reader.world().github.heal();
                },
            )
        }
    );
}

#[test]
fn an_app_that_its_owner_has_suspended() {
    let source = Source::Thread(
        "google-gemini/gemini-cli#12033",
        "a workflow could not get a token, since the installation of its app was suspended",
    );
    row!(Kind::GitHub, Stage::Credentials, source, |world| {
        let world = with_app(world, true, &keys::rsa().pkcs1.replace('\n', "\\n"));
        Scene::new(world, "start local").then(
            "the app is unsuspended at the address that is printed",
            Comes::Works,
            |reader| {
                let id = reader.reads(r"settings/installations/(\d+)");
                let id = id.parse().expect("a number");
                let unsuspend = |installation: &mut Installation| installation.suspended = false;
                assert!(reader.world().github.change_installation(id, unsuspend));
            },
        )
    });
}

#[test]
fn a_private_key_of_another_app() {
    let source = Source::Thread(
        "actions/create-github-app-token#153",
        "the private key in a secret was not the app's, and GitHub could not decode what it had signed",
    );
    row!(Kind::GitHub, Stage::Credentials, source, |world| {
        let world = with_app(world, false, &keys::make().pkcs8.replace('\n', "\\n"));
        Scene::new(world, "start local").then(
            "a key of this app in the variable that is named",
            Comes::Works,
            |reader| {
                let name = reader.reads(r"the private key in `\$([A-Z_]+)`");
                reader.sets(&name, &keys::rsa().pkcs1.replace('\n', "\\n"));
            },
        )
    });
}
