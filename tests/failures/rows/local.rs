//! How starts on this computer fail.

use std::path::{Path, PathBuf};
use std::process::Command;

use gharun_worlds::skipped;

use crate::place;
use crate::row::{Kind, Scene, Source, Stage, row};
use crate::step::Comes;
use crate::world::World;

/// A start whose machine runs a setup script.
fn setup(world: World, script: &str, args: &str) -> Scene {
    Scene::new(world, &format!("start local {args}")).setup(script)
}

/// A folder that is mounted in a way of its own, for as long as the row runs.
struct Mount(PathBuf);

impl Mount {
    /// `None` where this computer lets nobody mount anything.
    fn tmpfs(at: &Path, options: &str) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at);
        if mount.status().is_ok_and(|status| status.success()) {
            return Some(Self(at.to_owned()));
        }
        skipped("screens of local: it takes root to mount a folder");
        None
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // What is still at work in it lets go of it when it ends.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A start in a folder that is mounted so.
fn mounted(world: World, options: &str) -> Option<Scene> {
    let folder = world.path("disk");
    let mount = Mount::tmpfs(&folder, options)?;
    let at = folder.display();
    let text = format!(
        "[providers.small]\nkind = \"local\"\nwork_dir = \"{at}/slots\"\ncache = \"{at}/cache\"\n"
    );
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    Some(Scene::new(world, "start small").with(mount))
}

/// Writes a setup script, and starts with it.
fn with_setup(world: World, script: &str) -> Scene {
    std::fs::write(world.path("setup.sh"), script).expect("a file");
    Scene::new(world, "start local --setup setup.sh --timeout 30s")
}

#[test]
fn slots_that_are_no_number() {
    let source = Source::Finding("people B9");
    row!(Kind::Local, Stage::Settings, source, |world| Scene::new(
        world,
        "start local --set slots=two"
    )
    .then(
        "an integer, as the message demands",
        Comes::Works,
        |reader| {
            reader.reads("must be an integer");
            reader.adds("--set slots=2");
        }
    ));
}

#[test]
fn a_work_folder_that_is_no_absolute_path() {
    let source = Source::Finding("issue 13, line 12");
    row!(Kind::Local, Stage::Settings, source, |world| {
        std::fs::write(
            world.path("providers.toml"),
            "[providers.rack]\nkind = \"local\"\nwork_dir = \"\"\n",
        )
        .expect("a file");
        Scene::new(world, "start rack").then(
            "a path, as the message demands",
            Comes::Works,
            |reader| {
                reader.reads("must be a path in a string");
                let folder = reader.world().path("slots");
                reader.changes_line("\"\"", &format!("\"{}\"", folder.display()));
            },
        )
    });
}

#[test]
fn two_runners_for_one_slot() {
    let source = Source::Finding("failures 2");
    row!(Kind::Local, Stage::Settings, source, |world| {
        let scene = Scene::new(world, "start local --count 2 --set slots=1");
        scene.then("`slots` as high as `--count`", Comes::Works, |reader| {
            reader.reads("set `slots` higher");
            reader.adds("--set slots=2");
        })
    });
}

#[test]
fn a_work_folder_on_a_file_system_that_cannot_be_written() {
    let source = Source::Finding("failures 10");
    row!(Kind::Local, Stage::Place, source, |world| {
        Scene::new(
            world,
            "start local --set work_dir=/proc/gharun --timeout 20s",
        )
        .then("`work_dir` in the home folder", Comes::Works, |reader| {
            reader.reads("set `work_dir` to a new folder in one of this user's");
            let folder = reader.world().path("home/slots");
            reader.adds(&format!("--set work_dir={}", folder.display()));
        })
    });
}

#[test]
fn a_setup_script_of_three_runners_that_fails() {
    let source = Source::Finding("people B1");
    row!(Kind::Local, Stage::Boot, source, |world| {
        std::fs::write(world.path("setup.sh"), "echo installing\nexit 3\n").expect("a file");
        Scene::new(
            world,
            "start local --count 3 --allow-partial --set slots=3 --setup setup.sh --timeout 30s -q",
        )
        .then("the line that is named", Comes::Works, |reader| {
            reader.edits_script();
        })
    });
}

#[test]
fn a_setup_script_that_calls_what_is_not_installed() {
    let source = Source::Finding("failures 11");
    row!(Kind::Local, Stage::Boot, source, |world| {
        with_setup(world, "#!/bin/sh\nset -e\ngharun-nonexistent --version\n").then(
            "the script that is named, without what is not installed",
            Comes::Works,
            |reader| {
                let name = reader.reads("edit `([^`]+)`");
                reader.has_file(&name, "#!/bin/sh\nset -e\n");
            },
        )
    });
}

#[test]
fn a_setup_script_with_a_command_that_fails() {
    row!(
        Kind::Local,
        Stage::Boot,
        Source::Finding("failures 11"),
        |world| {
            setup(
                world,
                "set -e\necho preparing\nls /no/such/file\necho done\n",
                "",
            )
            .then("the line that is named", Comes::Works, |reader| {
                reader.edits_script();
            })
        }
    );
}

#[test]
fn a_setup_script_that_was_killed() {
    row!(
        Kind::Local,
        Stage::Boot,
        Source::Finding("hosts C2"),
        |world| setup(world, "echo reading the model\nkill -KILL $$\n", "").then(
            "the command that shows the memory, and a script that runs something smaller",
            Comes::Works,
            |reader| {
                reader.runs(&reader.quoted("free -m"));
                reader.has_file("setup.sh", "true\n");
            }
        )
    );
}

#[test]
fn a_setup_script_in_another_language_that_fails() {
    row!(
        Kind::Local,
        Stage::Boot,
        Source::Thread(
            "actions/runner-images#5625",
            "a preparing script in another language than sh failed, and nobody saw which line"
        ),
        |world| setup(world, "#!/usr/bin/awk -f\nBEGIN { exit 4 }\n", "").then(
            "the script that is named says what it does",
            Comes::Fails {
                says: "no tools here",
                not: "and printed nothing"
            },
            |reader| {
                let name = reader.reads("let `([^`]+)` print what it does");
                let text = "#!/usr/bin/awk -f\nBEGIN { print \"no tools here\"; exit 4 }\n";
                reader.has_file(&name, text);
            }
        )
    );
}

#[test]
fn a_setup_script_that_takes_longer_than_the_time_limit() {
    row!(
        Kind::Local,
        Stage::Boot,
        Source::Thread(
            "machulav/ec2-github-runner#164",
            "what ran before the runner took so long that the start gave up first"
        ),
        |world| setup(world, "echo installing\nsleep 20\n", "--timeout 10s").then(
            "`--timeout 15m` as printed",
            Comes::Works,
            |reader| {
                let more = reader.quoted("--timeout [0-9]+m");
                reader.adds(&more);
            }
        )
    );
}

#[test]
fn a_disk_that_is_full() {
    row!(
        Kind::Local,
        Stage::Boot,
        Source::Finding("failures 6"),
        |world| {
            let scene = mounted(world, "size=256k")?;
            let full = "cat /dev/zero >\"$GHARUN_WORK/full\" 2>/dev/null\ntrue\n";
            let scene = scene.setup(full);
            Some(scene.then(
                "the command that shows the room; then there is room again",
                Comes::Works,
                |reader| {
                    let shown = reader.runs(&reader.quoted("df -h [^`]+"));
                    assert!(shown.contains("256K"), "{shown}");
                    reader.removes("cache");
                    reader.removes("work_dir");
                    reader.has_file("setup.sh", "true\n");
                },
            ))
        }
    );
}

/// A start on a computer with an installed runner that says something, and ends with a code.
fn installed(world: World, says: &str, code: u8) -> Scene {
    let home = place::runner(&world, says, code);
    let text = format!(
        "[providers.board]\nkind = \"local\"\nenv = {{ RUNNER_HOME = \"{}\", RUNNER_ALLOW_RUNASROOT = \"1\" }}\n",
        home.display()
    );
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    Scene::new(world, "start board")
}

#[test]
fn a_registration_that_another_runner_uses() {
    row!(
        Kind::Local,
        Stage::Runner,
        Source::Thread(
            "actions/runner#3441",
            "the same registration was started twice within seconds, and GitHub refused the second one"
        ),
        |world| {
            let says =
                "A session for this runner already exists.\nFailed to create session. Conflict";
            installed(world, says, 5)
                .needs("machine", "the one that has the registration is another")
        }
    );
}

#[test]
fn a_clock_that_is_wrong() {
    row!(
        Kind::Local,
        Stage::Runner,
        Source::Thread(
            "actions/runner#2483",
            "a runner complained of the clock, and its machine's owner did not know how to set it right"
        ),
        |world| {
            let says = "The clock may be out of sync with the server time by more than five minutes.\n\
                Runner connect error: Current server time is another. Retrying until reconnected.";
            installed(world, says, 1).needs("root", "the clock is this computer's")
        }
    );
}

#[test]
fn a_registration_that_is_called_deleted_though_the_clock_is_wrong() {
    row!(
        Kind::Local,
        Stage::Runner,
        Source::Thread(
            "actions/runner#4648",
            "a board started before its clock was set, and was told that its registration is gone"
        ),
        |world| {
            let says = "Failed to create a session. The runner registration has been deleted from the server, \
                please re-configure.";
            installed(world, says, 1).needs("root", "the clock is this computer's")
        }
    );
}
