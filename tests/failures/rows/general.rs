//! How settings and commands fail that belong to no kind.

use crate::row::{Kind, Scene, Source, Stage, row};
use crate::world::World;

/// Writes the settings, and types a command.
fn with_file(world: World, text: &str, args: &str) -> Scene {
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    Scene::new(world, args)
}

#[test]
fn a_key_that_is_misspelt() {
    let source = Source::Finding("people B9");
    row!(Kind::General, Stage::Settings, source, |world| {
        with_file(
            world,
            "[providers.rack]\nkind = \"local\"\nslot = 2\n",
            "start rack",
        )
    });
}

#[test]
fn a_file_that_is_no_toml() {
    let source = Source::Finding("people A2");
    row!(Kind::General, Stage::Settings, source, |world| {
        with_file(
            world,
            "[defaults]\ncount = 2\n[providers.my rack]\nkind = \"local\"\n",
            "list",
        )
    });
}

#[test]
fn a_word_where_a_time_must_be() {
    let source = Source::Finding("issue 13, line 12");
    row!(Kind::General, Stage::Settings, source, |world| {
        with_file(world, "[defaults]\ntimeout = \"soon\"\n", "start local")
    });
}

#[test]
fn a_secret_in_the_file() {
    let source = Source::Finding("issue 13, line 14");
    row!(Kind::General, Stage::Settings, source, |world| {
        with_file(
            world.env("GH_PAT", ""),
            "[github]\ntoken = \"ghp_x\"\n",
            "start local",
        )
    });
}

#[test]
fn an_option_that_is_misspelt() {
    let source = Source::Finding("people B9");
    row!(Kind::General, Stage::Settings, source, |world| Scene::new(
        world,
        "start local --tiemout 5m"
    ));
}

#[test]
fn an_option_with_a_value_that_is_no_number() {
    let source = Source::Finding("issue 13, line 14");
    row!(Kind::General, Stage::Settings, source, |world| Scene::new(
        world,
        "start local --count many"
    ));
}

#[test]
fn a_repository_as_the_address_of_a_clone() {
    let source = Source::Finding("failures 14");
    row!(Kind::General, Stage::Settings, source, |world| {
        Scene::new(world, "start local --repo https://github.com/octo/lab.git")
    });
}

#[test]
fn no_repository_at_all() {
    let source = Source::Finding("people A1");
    row!(Kind::General, Stage::Settings, source, |world| {
        let world = world.env("GHARUN_REPO", "").env("GITHUB_REPOSITORY", "");
        Scene::new(world, "start local")
    });
}

#[test]
fn a_provider_that_is_in_no_file() {
    let source = Source::Finding("issue 13, line 12");
    row!(Kind::General, Stage::Settings, source, |world| {
        with_file(world, "[providers.rack]\nkind = \"local\"\n", "start rock")
    });
}

#[test]
fn a_setup_script_that_is_not_there() {
    let source = Source::Finding("people C");
    row!(Kind::General, Stage::Settings, source, |world| Scene::new(
        world,
        "start local --setup setup.sh"
    ));
}

#[test]
fn a_file_of_settings_that_is_not_there() {
    let source = Source::Finding("issue 13, line 14");
    row!(Kind::General, Stage::Settings, source, |world| {
        Scene::new(world, "start local --config ci/providers.toml")
    });
}

#[test]
fn a_mapping_that_the_shell_took_the_quotes_from() {
    let source = Source::Thread(
        "actions/runner#1722",
        "an output is not the JSON that a later step expects, and the step's error tells a position and no cause",
    );
    row!(Kind::General, Stage::End, source, |world| {
        Scene::new(world, "stop --mapping").arg("{local:1a2b/gharun-x: gharun-x}")
    });
}

#[test]
fn a_state_file_that_was_cut_off() {
    let source = Source::Finding("issue 13, line 16");
    row!(Kind::General, Stage::End, source, |world| {
        std::fs::write(world.path("state.json"), "{ half").expect("a file");
        Scene::new(world, "stop --yes --state state.json")
    });
}

#[test]
fn a_machine_that_is_named_by_half_of_its_reference() {
    let source = Source::Finding("people A3");
    row!(Kind::General, Stage::End, source, |world| {
        Scene::new(world, "stop us_east_1/i-0123456789abcdef0")
    });
}
