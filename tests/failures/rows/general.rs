//! How settings and commands fail that belong to no kind.

use crate::row::{Kind, Scene, Source, Stage, row};
use crate::step::Comes;
use crate::world::{TOKEN, World};

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
        .then(
            "the key of the list that is meant",
            Comes::Works,
            |reader| {
                let known = reader.reads(r"known: ([a-z_, ]+)");
                let meant = known
                    .split(", ")
                    .find(|key| key.starts_with("slot"))
                    .expect("it is known");
                reader.changes_line("slot ", &format!("{meant} "));
            },
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
        .then(
            "the bracket in the line that is named closes behind one word",
            Comes::Works,
            |reader| {
                reader.changes_line("my rack", "my-rack");
            },
        )
    });
}

#[test]
fn a_word_where_a_time_must_be() {
    let source = Source::Finding("issue 13, line 12");
    row!(Kind::General, Stage::Settings, source, |world| {
        with_file(world, "[defaults]\ntimeout = \"soon\"\n", "start local").then(
            "the first duration that is printed, in the line that is named",
            Comes::Works,
            |reader| {
                let time = reader.reads("such as `([^`]+)`");
                reader.changes_line("soon", &time);
            },
        )
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
        .then(
            "`{ env = \"NAME\" }` as printed, with a variable's name",
            Comes::Works,
            |reader| {
                let form = reader.quoted(r#"\{ env = "NAME" \}"#);
                reader.changes_line("\"ghp_x\"", &form.replace("NAME", "MY_TOKEN"));
                reader.sets("MY_TOKEN", TOKEN);
            },
        )
    });
}

#[test]
fn an_option_that_is_misspelt() {
    let source = Source::Finding("people B9");
    row!(Kind::General, Stage::Settings, source, |world| Scene::new(
        world,
        "start local --tiemout 5m"
    )
    .then("the option that is printed", Comes::Works, |reader| {
        let option = reader.reads("a similar argument exists: '([^']+)'");
        reader.corrects("--tiemout", &option);
    }));
}

#[test]
fn an_option_with_a_value_that_is_no_number() {
    let source = Source::Finding("issue 13, line 14");
    row!(Kind::General, Stage::Settings, source, |world| Scene::new(
        world,
        "start local --count many"
    )
    .then(
        "the least number that is printed",
        Comes::Works,
        |reader| {
            let least = reader.reads(r"an integer from (\d+) to");
            reader.corrects("many", &least);
        }
    ));
}

#[test]
fn a_repository_as_the_address_of_a_clone() {
    let source = Source::Finding("failures 14");
    row!(Kind::General, Stage::Settings, source, |world| {
        Scene::new(world, "start local --repo https://github.com/octo/lab.git").then(
            "`OWNER/NAME` of that address",
            Comes::Works,
            |reader| {
                reader.quoted("OWNER/NAME");
                let name = reader.reads(r"https://github\.com/([a-z]+/[a-z]+)\.git");
                reader.adds(&format!("--repo {name}"));
            },
        )
    });
}

#[test]
fn no_repository_at_all() {
    let source = Source::Finding("people A1");
    row!(Kind::General, Stage::Settings, source, |world| {
        let world = world.env("GHARUN_REPO", "").env("GITHUB_REPOSITORY", "");
        Scene::new(world, "start local").then(
            "`--repo OWNER/NAME` as printed",
            Comes::Works,
            |reader| {
                let option = reader.quoted("--repo OWNER/NAME");
                let repo = reader.world().repo().to_owned();
                reader.adds(&option.replace("OWNER/NAME", &repo));
            },
        )
    });
}

#[test]
fn a_provider_that_is_in_no_file() {
    let source = Source::Finding("issue 13, line 12");
    row!(Kind::General, Stage::Settings, source, |world| {
        with_file(world, "[providers.rack]\nkind = \"local\"\n", "start rock").then(
            "the first provider that is printed",
            Comes::Works,
            |reader| {
                let known = reader.reads(r"known providers: ([a-z]+)");
                reader.corrects("rock", &known);
            },
        )
    });
}

#[test]
fn a_setup_script_that_is_not_there() {
    let source = Source::Finding("people C");
    row!(Kind::General, Stage::Settings, source, |world| Scene::new(
        world,
        "start local --setup setup.sh"
    )
    .then("a script under that name", Comes::Works, |reader| {
        let name = reader.reads("cannot be `([^`]+)`");
        reader.has_file(&name, "true\n");
    }));
}

#[test]
fn a_file_of_settings_that_is_not_there() {
    let source = Source::Finding("issue 13, line 14");
    row!(Kind::General, Stage::Settings, source, |world| {
        Scene::new(world, "start local --config ci/providers.toml").then(
            "the path that is named is left out",
            Comes::Works,
            |reader| {
                reader.reads("correct the path, or leave it out");
                reader.leaves_out("--config", &reader.reads("cannot be `([^`]+)`"));
            },
        )
    });
}

#[test]
fn a_mapping_that_the_shell_took_the_quotes_from() {
    let source = Source::Thread(
        "actions/runner#1722",
        "an output is not the JSON that a later step expects, and the step's error tells a position and no cause",
    );
    row!(Kind::General, Stage::End, source, |world| {
        Scene::new(world, "stop --mapping")
            .arg("{local:1a2b/gharun-x: gharun-x}")
            .then(
                "quotes as in the mapping that is printed",
                Comes::Fails {
                    says: "was started on another computer",
                    not: "is not valid JSON",
                },
                |reader| {
                    reader.quoted(r#"--mapping '\{"[^`]+": "[^`]+"\}'"#);
                    reader.types("stop --mapping");
                    reader.types_also("{\"local:1a2b/gharun-x\": \"gharun-x\"}");
                },
            )
    });
}

#[test]
fn a_state_file_that_was_cut_off() {
    let source = Source::Finding("issue 13, line 16");
    row!(Kind::General, Stage::End, source, |world| {
        std::fs::write(world.path("state.json"), "{ half").expect("a file");
        Scene::new(world, "stop --yes --state state.json").then(
            "both commands that are printed, and a start, which moves the file aside",
            Comes::Works,
            |reader| {
                reader.runs(&reader.quoted("gharun list"));
                reader.runs(&format!("{} --yes", reader.quoted("gharun stop --orphans")));
                reader.reads("the next `gharun start` moves the file aside");
                reader.types("start local --state state.json");
            },
        )
    });
}

#[test]
fn a_machine_that_is_named_by_half_of_its_reference() {
    let source = Source::Finding("people A3");
    row!(Kind::General, Stage::End, source, |world| {
        Scene::new(world, "stop us_east_1/i-0123456789abcdef0").then(
            "the provider before it, as printed",
            Comes::Fails {
                says: "AWS",
                not: "is not a machine",
            },
            |reader| {
                reader.quoted("PROVIDER:PLACE/ID");
                reader.runs(&reader.quoted("gharun list"));
                reader.corrects(
                    "us_east_1/i-0123456789abcdef0",
                    "aws:us_east_1/i-0123456789abcdef0",
                );
            },
        )
    });
}
