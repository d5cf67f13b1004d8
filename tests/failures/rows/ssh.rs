//! How starts and stops on hosts that are reached by ssh fail.

use gharun_worlds::skipped;
use gharun_worlds::sshd::{self, Rack};

use crate::row::{Kind, Scene, Source, Stage, row};
use crate::world::World;

/// A start on a host whose machine runs a setup script.
fn boots(world: World, script: &str) -> Option<Scene> {
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
    Some(scene.with(rack).setup(script))
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
        |world| boots(
            world,
            "set -e\necho installing\nsudo() { echo 'sudo: a password is required' >&2; return 1; }\nsudo apt-get install -y jq\n"
        )
    );
}

#[test]
fn a_setup_script_on_a_host_that_ends_with_a_number() {
    row!(
        Kind::Ssh,
        Stage::Boot,
        Source::Finding("github 4"),
        |world| boots(world, "[ -e /no/such/driver ] || exit 41\n")
    );
}
