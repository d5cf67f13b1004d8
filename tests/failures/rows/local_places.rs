//! How this computer itself, or its settings, make starts and stops fail.

use std::path::PathBuf;
use std::process::Command;

use gharun_worlds::skipped;

use crate::row::{Kind, Scene, Seeded as _, Source, Stage, row};
use crate::step::Comes;
use crate::world::World;

/// A disk of its own, taken away in the end.
pub(super) struct Disk(PathBuf);

impl Disk {
    /// Mounts one in a world, if this may be done here; else says so.
    pub(super) fn mounted(world: &World, name: &str, options: &str) -> Option<Self> {
        let path = world.path(name);
        std::fs::create_dir_all(&path).expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&path)
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(path));
        }
        skipped("screens of local: only root may mount a disk");
        None
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What cannot be taken away goes with this computer.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_work_folder_that_is_not_absolute() {
    row!(
        Kind::Local,
        Stage::Settings,
        Source::Finding("failures 10"),
        |world| Scene::new(world, "start local --set work_dir=slots").then(
            "the whole path that is printed",
            Comes::Works,
            |reader| {
                let path = reader.reads("write the whole path, such as `([^`]+)`");
                reader.adds(&format!("--set work_dir={path}"));
            }
        )
    );
}

#[test]
fn a_variable_that_is_the_runners_own() {
    row!(
        Kind::Local,
        Stage::Settings,
        Source::Finding("people B9"),
        |world| {
            let text = "[providers.here]\nkind = \"local\"\nenv = { GHARUN_WORK = \"/srv\" }\n";
            std::fs::write(world.path("providers.toml"), text).expect("a file");
            Scene::new(world, "start here").then(
                "another name, in the line that is named",
                Comes::Works,
                |reader| {
                    reader.reads("or write it under another name");
                    reader.changes_line("GHARUN_WORK", "MY_WORK");
                },
            )
        }
    );
}

#[test]
fn a_work_folder_below_a_file() {
    let source = Source::Thread(
        "actions/runner#1252",
        "the runner's folder could not be used, as one above it was not the user's to enter",
    );
    row!(Kind::Local, Stage::Place, source, |world| {
        std::fs::write(world.path("notes"), "").expect("a file");
        let work_dir = format!("work_dir={}", world.path("notes/slots").display());
        Scene::new(world, "start local --timeout 20s --set")
            .arg(&work_dir)
            .then("`work_dir` in the home folder", Comes::Works, |reader| {
                reader.reads("set `work_dir` to a new folder in one of this user's");
                let folder = reader.world().path("home/slots");
                reader.adds(&format!("--set work_dir={}", folder.display()));
            })
    });
}

#[test]
fn a_disk_without_room() {
    row!(
        Kind::Local,
        Stage::Room,
        Source::Finding("failures 6"),
        |world| {
            let disk = Disk::mounted(&world, "disk", "size=32k")?;
            let work_dir = format!("work_dir={}", world.path("disk/slots").display());
            let scene = Scene::new(world, "start local --timeout 20s --set").arg(&work_dir);
            Some(
                scene
                    .volatile(r"\d+ KiB are free", "512 KiB are free")
                    .with(disk),
            )
            .then(
                "another `work_dir`, where the hint says it is set",
                Comes::Works,
                |reader| {
                    let option = reader.reads(r"set `work_dir` \(now `(--set work_dir)`\)");
                    let folder = reader.world().path("home/slots");
                    reader.adds(&format!("{option}={}", folder.display()));
                },
            )
        }
    );
}

#[test]
fn a_slot_of_this_computer_that_another_runner_has() {
    row!(
        Kind::Local,
        Stage::Room,
        Source::Finding("failures 2"),
        |world| {
            let start = "start local --set slots=1 --timeout 20s";
            world.run(start).exits(0);
            let scene = Scene::new(world, start).afterwards(|world| {
                world.run("stop --all --yes");
            });
            scene.then("the stop that is printed", Comes::Works, |reader| {
                let stop = reader.quoted("gharun stop [^`]+");
                reader.runs(&format!("{stop} --yes"));
            })
        }
    );
}

#[test]
fn a_setup_script_whose_program_is_missing() {
    row!(
        Kind::Local,
        Stage::Boot,
        Source::Finding("failures 11"),
        |world| {
            let text = "echo preparing\nmake-the-tools --all\n";
            std::fs::write(world.path("setup.sh"), text).expect("a file");
            Scene::new(world, "start local --timeout 20s --setup setup.sh").then(
                "the line that is named",
                Comes::Works,
                |reader| {
                    reader.edits_script();
                },
            )
        }
    );
}

#[test]
fn a_machine_of_another_computer() {
    row!(
        Kind::Local,
        Stage::End,
        Source::Finding("hosts A3"),
        |world| {
            let stop = "stop local:0123456789ab/gharun-7-1-0-tk3q8z0w5v2n01 --yes";
            Scene::new(world, stop)
                .volatile(
                    r"slots`(\s+)have(\s+)`[0-9a-f]{12}`",
                    "slots`${1}have${2}`5f6e7d8c9b0a`",
                )
                .needs("computer", "the machine is on another one")
        }
    );
}

#[test]
fn a_stop_whose_work_folder_is_a_file_now() {
    row!(
        Kind::Local,
        Stage::End,
        Source::Finding("people B8"),
        |world| {
            let file = world.path("slots");
            std::fs::write(&file, "notes").expect("a file");
            let stop = format!(
                "stop local:0123456789ab/gharun-7-1-0-tk3q8z0w5v2n01 --yes --set work_dir={}",
                file.display()
            );
            Scene::new(world, &stop)
                .volatile(
                    r"slots`(\s+)have(\s+)`[0-9a-f]{12}`",
                    "slots`${1}have${2}`5f6e7d8c9b0a`",
                )
                .needs("computer", "the machine is on another one")
        }
    );
}
