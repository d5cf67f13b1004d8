//! What GitHub's rules, its limits and its whims do to a start.

use std::time::{Duration, Instant};

use gharun_worlds::github::{Fault, Group, Kind as Answer, Page, Repository, Visibility};
use jiff::SignedDuration;

use crate::row::{Kind, Scene, Source, Stage, row};
use crate::step::Comes;
use crate::world::World;

/// GitHub refuses everything about runners in these words.
pub(super) fn refusing(world: World, code: u16, message: &str) -> World {
    for method in ["GET", "POST"] {
        let refusal = Fault::once(method, "/actions/", Answer::status(code, message));
        world.github.fault(refusal.times(u32::MAX));
    }
    world
}

/// A workflow of a public repository of the organization `octo`.
fn public(world: World) -> World {
    let repository = world.repo().to_owned();
    let public = Repository {
        public: true,
        ..Repository::default()
    };
    world.github.set_repository(&repository, public);
    world.env("GITHUB_REPOSITORY", &repository)
}

#[test]
fn self_hosted_runners_are_disabled_for_the_repository() {
    row!(
        Kind::GitHub,
        Stage::Place,
        Source::Finding("github 7"),
        |world| {
            let message = "Repository level self-hosted runners are disabled on this repository.";
            let path = format!("{}/actions/runners/generate-jitconfig", world.repo());
            let refusal = Fault::once("POST", &path, Answer::status(403, message));
            world.github.fault(refusal.times(u32::MAX));
            Scene::new(world, "start local --timeout 20s").then(
                "`--org octo` as printed",
                Comes::Works,
                |reader| {
                    let option = reader.quoted("--org [a-z]+");
                    reader.adds(&option);
                },
            )
        }
    );
}

#[test]
fn a_repository_that_was_archived() {
    let source = Source::Thread(
        "atlassian/github-for-jira#2456",
        "GitHub answers 403 for what an archived repository does not take any more",
    );
    row!(Kind::GitHub, Stage::Place, source, |world| {
        let message = "Repository was archived so is read-only.";
        Scene::new(refusing(world, 403, message), "start local").then(
            "what the page that is printed is for",
            Comes::Works,
            |reader| {
                reader.reads("https?://[^ ]+/settings");
                reader.world().github.heal();
            },
        )
    });
}

#[test]
fn a_public_repository_and_the_group_that_everybody_has() {
    row!(
        Kind::GitHub,
        Stage::Place,
        Source::Finding("github 6"),
        |world| Scene::new(
            public(world),
            "start local --org octo --runner-group Default"
        )
        .then(
            "`--repo octo/app-frontend` as printed",
            Comes::Works,
            |reader| {
                let option = reader.quoted("--repo [^` ]+");
                reader.types("start local");
                reader.adds(&option);
            }
        )
    );
}

#[test]
fn a_group_that_is_closed_to_the_repository() {
    row!(
        Kind::GitHub,
        Stage::Place,
        Source::Finding("github 6"),
        |world| {
            let repository = world.repo().to_owned();
            world.github.set_group(
                3,
                Group {
                    visibility: Visibility::Selected(vec!["other".to_owned()]),
                    ..Group::open("gpu")
                },
            );
            let world = world.env("GITHUB_REPOSITORY", &repository);
            Scene::new(world, "start local --org octo --runner-group gpu").then(
                "the group is opened at the address that is printed",
                Comes::Works,
                |reader| {
                    let id = reader.reads(r"settings/actions/runner-groups/(\d+)");
                    let id = id.parse().expect("a number");
                    reader.world().github.set_group(id, Group::open("gpu"));
                },
            )
        }
    );
}

#[test]
fn the_page_of_a_proxy_instead_of_an_answer() {
    row!(
        Kind::GitHub,
        Stage::Place,
        Source::Finding("github 7"),
        |world| {
            let page = Answer::Status {
                code: 403,
                body: Page::Html(
                    "<html><head><title>Access denied by Example Web Gateway</title></head></html>"
                        .to_owned(),
                ),
                headers: Vec::new(),
            };
            let fault = Fault::once("GET", "/actions/", page);
            world.github.fault(fault.times(u32::MAX));
            Scene::new(world, "start local").then(
                "the gateway lets requests through",
                Comes::Works,
                |reader| {
                    reader.quoted("HTTPS_PROXY");
                    reader.world().github.heal();
                },
            )
        }
    );
}

#[test]
fn ten_thousand_runners_that_nobody_removed() {
    let source = Source::Thread(
        "ggml-org/llama.cpp#7893",
        "runners that had died were never removed, until their group was full and took no new one",
    );
    row!(Kind::GitHub, Stage::Room, source, |world| {
        let message = "Invalid Argument - Runner group 1 has reached max limit of 10000 runners.";
        let refusal = Fault::once("POST", "generate-jitconfig", Answer::status(422, message));
        world.github.fault(refusal.times(u32::MAX));
        Scene::new(world, "start local --timeout 20s").then(
            "`gharun stop --orphans` as printed; then there is room",
            Comes::Works,
            |reader| {
                let command = reader.quoted("gharun stop --orphans");
                reader.runs(&format!("{command} --yes --provider local"));
                reader.world().github.heal();
            },
        )
    });
}

#[test]
fn a_rate_limit_that_ends_after_the_time_limit() {
    row!(
        Kind::GitHub,
        Stage::Room,
        Source::Finding("github, table of threads"),
        |world| {
            let reset = world.github.now() + SignedDuration::from_mins(40);
            let limit = Fault::once("POST", "generate-jitconfig", Answer::primary_limit(reset));
            world.github.fault(limit.times(u32::MAX));
            Scene::new(world, "start local --timeout 20s").then(
                "the hour that is printed has come",
                Comes::Works,
                |reader| {
                    reader.reads(r"accepts requests again at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ");
                    reader.world().github.heal();
                },
            )
        }
    );
}

#[test]
fn a_registration_that_github_drops_while_the_machine_boots() {
    row!(
        Kind::GitHub,
        Stage::Runner,
        Source::Finding("github 12"),
        |world| {
            std::fs::write(world.path("setup.sh"), "sleep 60\n").expect("a script");
            let mut since = None;
            Scene::new(world, "start local --setup setup.sh --timeout 14s").meanwhile(
                move |world| {
                    let Some(row) = world.stub.runners().into_iter().next() else {
                        return;
                    };
                    // Later than that no other machine comes up in time.
                    if since.get_or_insert_with(Instant::now).elapsed() > Duration::from_secs(8) {
                        world.github.remove_runner(&row.name);
                    }
                },
            )
        }
    );
}

#[test]
fn github_is_down_while_the_runner_is_waited_for() {
    row!(
        Kind::GitHub,
        Stage::Runner,
        Source::Finding("failures 8"),
        |world| {
            std::fs::write(world.path("setup.sh"), "sleep 60\n").expect("a script");
            let mut is_down = false;
            Scene::new(world, "start local --setup setup.sh --timeout 14s").meanwhile(
                move |world| {
                    if !is_down && !world.stub.runners().is_empty() {
                        is_down = true;
                        let down = Fault::once("GET", "/actions/runners", Answer::html(502));
                        world.github.fault(down.times(u32::MAX));
                    }
                },
            )
        }
    );
}

#[test]
fn a_token_that_sees_nothing_of_what_is_to_be_stopped() {
    row!(
        Kind::GitHub,
        Stage::End,
        Source::Finding("github 12"),
        |world| {
            let said = world.run("start local --output json");
            let name = said.json()["runners"][0]["name"]
                .as_str()
                .expect("a name")
                .to_owned();
            for method in ["GET", "DELETE"] {
                let hidden = Fault::once(method, "/actions/", Answer::status(404, "Not Found"));
                world.github.fault(hidden.times(u32::MAX));
            }
            Scene::new(world, &format!("stop {name} --yes"))
                .afterwards(|world| {
                    world.github.heal();
                    world.run("stop --all --yes");
                })
                .then(
                    "the token sees the repository, and the same is stopped again",
                    Comes::Works,
                    |reader| {
                        reader.reads("must belong to an admin");
                        reader.world().github.heal();
                    },
                )
        }
    );
}
