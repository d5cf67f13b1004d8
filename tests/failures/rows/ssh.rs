//! How starts and stops on hosts that are reached by ssh fail.

use std::time::{Duration, Instant};

use gharun_worlds::skipped;
use gharun_worlds::sshd::{self, Rack};

use crate::row::{Kind, Scene, Seeded as _, Source, Stage, row};
use crate::step::Comes;
use crate::world::World;

/// A start on a host whose machine runs a setup script.
fn boots(world: World, script: &str) -> Option<Scene> {
    Some(on_a_host(world)?.setup(script))
}

/// A start on a host.
fn on_a_host(world: World) -> Option<Scene> {
    if let Err(why) = sshd::program() {
        skipped(&format!("screens of ssh: {why}"));
        return None;
    }
    let rack = Rack::of(1, "");
    let text = format!(
        "[providers.rack]\nkind = \"ssh\"\nhosts = {:?}\nidentity = \"{}\"\nknown_hosts = \"{}\"\n",
        rack.specs(),
        rack.identity().display(),
        rack.known_hosts().display(),
    );
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    let whose = format!("{}@127", sshd::whoami());
    let scene = Scene::new(world, "start rack").volatile(&whose, "ann@127");
    let scene = scene
        .volatile(r"rack:[0-9a-f]{12}\b", "rack:0123456789ab")
        .volatile(r"\]:\d{4,5}", "]:40001")
        .volatile(
            r"SHA256:[A-Za-z0-9+/]{43}",
            "SHA256:kHv1m0oF3b8aUq2sJ7cXyLw9zPdTnRgEiB5tA6fQ4MV",
        );
    Some(
        scene
            .volatile(r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:40001")
            .with(rack),
    )
}

#[test]
fn a_setup_script_on_a_host_that_asks_for_a_password() {
    row!(
        Kind::Ssh,
        Stage::Boot,
        Source::Thread(
            "actions/runner#2033",
            "what prepared the host called sudo, and the user of the login was asked for a password"
        ),
        |world| {
            boots(
            world,
            "set -e\necho installing\nsudo() { echo 'sudo: a password is required' >&2; return 1; }\nsudo apt-get install -y jq\n"
        )
        .needs("root", "sudoers is changed")
        }
    );
}

#[test]
fn a_setup_script_on_a_host_that_ends_with_a_number() {
    row!(
        Kind::Ssh,
        Stage::Boot,
        Source::Finding("github 4"),
        |world| boots(world, "[ -e /no/such/driver ] || exit 41\n").then(
            "the line that is named",
            Comes::Works,
            |reader| reader.edits_script()
        )
    );
}

#[test]
fn a_runner_on_a_host_that_github_forgets_while_the_host_prepares() {
    row!(
        Kind::Ssh,
        Stage::Runner,
        Source::Finding("github 12"),
        |world| {
            let mut since = None;
            let scene = boots(world, "sleep 60\n")?.arg("--timeout").arg("14s");
            let scene = scene.meanwhile(move |world| {
                let Some(row) = world.stub.runners().into_iter().next() else {
                    return;
                };
                // Later than that no other machine comes up in time.
                if since.get_or_insert_with(Instant::now).elapsed() > Duration::from_secs(8) {
                    world.github.remove_runner(&row.name);
                }
            });
            Some(scene.then(
                "`--registration token` as printed",
                Comes::Works,
                |reader| {
                    reader.adds(&reader.quoted("--registration token"));
                    // The host is as slow again, and nobody waits for it here.
                    reader.has_file("setup.sh", "true\n");
                },
            ))
        }
    );
}

#[test]
fn a_runner_on_a_host_that_takes_longer_than_it_may() {
    row!(
        Kind::Ssh,
        Stage::Runner,
        Source::Finding("failures 8"),
        |world| {
            let scene = boots(world, "sleep 12\n")?.arg("--timeout").arg("8s");
            Some(
                scene.then("`--timeout 15m` as printed", Comes::Works, |reader| {
                    reader.adds(&reader.quoted("--timeout [0-9]+m"));
                }),
            )
        }
    );
}

#[test]
fn more_runners_than_the_host_has_slots() {
    row!(
        Kind::Ssh,
        Stage::Settings,
        Source::Finding("hosts C6"),
        |world| Some(
            on_a_host(world)?
                .arg("--count")
                .arg("2")
                .arg("--timeout")
                .arg("20s")
                .then("`slots` as high as `--count`", Comes::Works, |reader| {
                    reader.reads("set `slots` higher");
                    reader.writes("slots = 2");
                })
        )
    );
}

#[test]
fn a_stop_on_a_host_whose_key_has_changed() {
    let source = Source::Thread(
        "AllskyTeam/allsky#1917",
        "a Raspberry Pi got a new system under the same name, and ssh refused the key that it has now",
    );
    row!(Kind::Ssh, Stage::End, source, |world| {
        let scene = on_a_host(world)?;
        let known = scene.world().path("other-known-hosts");
        let table = scene.world().path("providers.toml");
        let text = std::fs::read_to_string(&table).expect("it was written");
        let hosts = text
            .lines()
            .find_map(|line| line.strip_prefix("known_hosts = "));
        let hosts = hosts.expect("it names one").trim_matches('"').to_owned();
        let lines = std::fs::read_to_string(&hosts).expect("a file");
        let address = lines.split(' ').next().expect("a host").to_owned();
        let key = "AAAAC3NzaC1lZDI1NTE5AAAAIJ0oQ3b1m3Wn0V1pHsy6cSzq7r3Cq5xZ0qk8yS7yq1nB";
        std::fs::write(&known, format!("{address} ssh-ed25519 {key}\n")).expect("a file");
        let text = text.replace(&hosts, &known.display().to_string());
        std::fs::write(&table, text).expect("a file");
        let stop = "stop rack:gharun-7-1-0-tk3q8z0w5v2n01 --yes --timeout 3s";
        let scene = scene.instead(stop);
        Some(scene.then(
            "the command that forgets the key; the new one is then to be verified",
            Comes::Fails {
                says: "is not known",
                not: "has changed",
            },
            |reader| {
                reader.runs(&reader.quoted("ssh-keygen -f [^`]+"));
                let stop = reader.reads("try again: `gharun (stop [^`]+)`");
                reader.types(&format!("{stop} --yes --timeout 3s"));
            },
        ))
    });
}
