//! How hosts that are reached by ssh, or their settings, make starts and stops fail.

use std::fmt::Write as _;

use gharun_worlds::skipped;
use gharun_worlds::sshd::{self, Rack, free_port, keygen};

use super::local_places::Disk;
use crate::row::{Kind, Scene, Seeded as _, Source, Stage, row};
use crate::step::Comes;
use crate::world::World;

/// One host, where there can be one.
fn host() -> Option<Rack> {
    match sshd::program() {
        Ok(_) => Some(Rack::of(1, "")),
        Err(why) => {
            skipped(&format!("screens of ssh: {why}"));
            None
        }
    }
}

/// Writes the host into the world's file; `more` goes before what is needed to reach it.
fn table(world: &World, rack: &Rack, more: &str) {
    let has = |key: &str| more.lines().any(|line| line.starts_with(key));
    let mut text = format!("[providers.rack]\nkind = \"ssh\"\n{more}");
    for (key, value) in [
        ("hosts", rack.hosts[0].spec()),
        ("identity", rack.identity().display().to_string()),
        ("known_hosts", rack.known_hosts().display().to_string()),
    ] {
        if !has(key) {
            writeln!(text, "{key} = \"{value}\"").expect("memory takes it");
        }
    }
    std::fs::write(world.path("providers.toml"), text).expect("a file");
}

/// A start on a host with such a table.
fn start(world: World, rack: Rack, more: &str) -> Scene {
    table(&world, &rack, more);
    stable(Scene::new(world, "start rack --timeout 20s"), rack)
}

/// Names the folder of the host and who runs the test the same everywhere.
fn stable(scene: Scene, rack: Rack) -> Scene {
    let folder = rack.dir.path().display().to_string();
    let me = sshd::whoami();
    let scene = scene
        .volatile(&folder, "/home/ann/x")
        .volatile(&format!("{me}@127"), "ann@127")
        .volatile(&format!("`{me}`"), "`ann`")
        .volatile(
            r"SHA256:[A-Za-z0-9+/]{43}",
            "SHA256:kHv1m0oF3b8aUq2sJ7cXyLw9zPdTnRgEiB5tA6fQ4MV",
        )
        .volatile(&format!("/bin/sh {me}"), "/bin/sh ann")
        .volatile(r"-p \d{4,5}(\s)", "-p 40001${1}")
        .volatile(r"port \d{4,5}", "port 40001")
        .volatile(r"\]:\d{4,5}", "]:40001")
        .volatile(r"rack:[0-9a-f]{12}\b", "rack:0123456789ab");
    scene.with(rack)
}

/// A key whose commands a script of the host takes.
fn forced(rack: &Rack, script: &str) -> String {
    let key = rack.dir.path().join("forced");
    keygen(&key, "ed25519", "");
    rack.hosts[0].force(&key.with_extension("pub"), script);
    format!("identity = \"{}\"\n", key.display())
}

#[test]
fn a_work_folder_of_a_host_that_is_not_absolute() {
    row!(
        Kind::Ssh,
        Stage::Settings,
        Source::Finding("failures 10"),
        |world| {
            let rack = host()?;
            let scene = start(world, rack, "work_dir = \"slots\"\n");
            Some(
                scene.then("the line that is printed", Comes::Works, |reader| {
                    reader.writes(&reader.quoted("work_dir = [^`]+"));
                }),
            )
        }
    );
}

#[test]
fn slots_of_a_host_that_is_not_listed() {
    row!(
        Kind::Ssh,
        Stage::Settings,
        Source::Finding("people B9"),
        |world| {
            let rack = host()?;
            let scene = start(world, rack, "slots = { pi4 = 2 }\n");
            Some(scene.then(
                "the line that is printed, with a number",
                Comes::Works,
                |reader| {
                    let line = reader.quoted("slots = [^`]+");
                    reader.writes(&line.replace('…', "2"));
                },
            ))
        }
    );
}

#[test]
fn a_key_that_the_host_does_not_take() {
    row!(
        Kind::Ssh,
        Stage::Credentials,
        Source::Finding("hosts B4"),
        |world| {
            let rack = host()?;
            let key = rack.dir.path().join("other");
            keygen(&key, "ed25519", "");
            let more = format!("agent = false\nidentity = \"{}\"\n", key.display());
            let good = rack.identity();
            Some(start(world, rack, &more).then(
                "a key that the host takes, in the line that is named",
                Comes::Works,
                move |reader| {
                    reader.reads("set `identity` in");
                    reader.quoted("ssh-copy-id -i [^`]+");
                    reader.changes_line(&key.display().to_string(), &good.display().to_string());
                },
            ))
        }
    );
}

#[test]
fn a_host_key_that_nobody_knows() {
    row!(
        Kind::Ssh,
        Stage::Credentials,
        Source::Finding("hosts B7"),
        |world| {
            let rack = host()?;
            std::fs::write(rack.known_hosts(), "").expect("a file");
            let scene = start(world, rack, "");
            Some(scene.then(
                "`host_key_check = \"accept-new\"` as printed",
                Comes::Works,
                |reader| reader.writes(&reader.quoted("host_key_check = [^`]+")),
            ))
        }
    );
}

#[test]
fn a_sudo_that_wants_a_terminal() {
    let source = Source::Thread(
        "RexOps/Rex#80",
        "commands that were run over ssh failed on hosts whose sudoers file asks for a terminal",
    );
    row!(Kind::Ssh, Stage::Credentials, source, |world| {
        let rack = host()?;
        let script = "echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1";
        let identity = forced(&rack, script);
        Some(start(world, rack, &format!("sudo = true\n{identity}")))
            .needs("root", "sudoers is changed")
    });
}

#[test]
fn a_port_at_which_nobody_listens() {
    row!(
        Kind::Ssh,
        Stage::Place,
        Source::Finding("people B8"),
        |world| {
            let rack = host()?;
            let hosts = format!("hosts = \"{}@127.0.0.1:{}\"\n", sshd::whoami(), free_port());
            let right = rack.hosts[0].spec();
            let scene = start(world, rack, &hosts);
            Some(scene.then(
                "the right port; then the login that is printed works",
                Comes::Works,
                move |reader| {
                    reader.reads("or correct the port");
                    reader.writes(&format!("hosts = \"{right}\""));
                },
            ))
        }
    );
}

#[test]
fn a_user_without_a_shell() {
    let source = Source::Thread(
        "hestiacp/hestiacp#4716",
        "a key was accepted and every session ended at once: new users of that panel have `nologin` for a shell",
    );
    row!(Kind::Ssh, Stage::Place, source, |world| {
        let rack = host()?;
        let identity = forced(
            &rack,
            "echo 'This account is currently not available.'; exit 1",
        );
        let good = rack.identity();
        Some(start(world, rack, &identity).then(
            "another user, who has a shell",
            Comes::Works,
            move |reader| {
                reader.reads("or log in as a user who has one");
                reader.writes(&format!("identity = \"{}\"", good.display()));
            },
        ))
    });
}

#[test]
fn a_slot_that_another_runner_has() {
    row!(
        Kind::Ssh,
        Stage::Room,
        Source::Finding("failures 2"),
        |world| {
            let rack = host()?;
            table(&world, &rack, "");
            world.run("start rack --timeout 20s").exits(0);
            let scene = start(world, rack, "").afterwards(|world| {
                world.run("stop --all --yes");
            });
            Some(
                scene.then("the stop that is printed", Comes::Works, |reader| {
                    let stop = reader.quoted("gharun stop [^`]+");
                    reader.runs(&format!("{stop} --yes"));
                }),
            )
        }
    );
}

#[test]
fn a_disk_of_a_host_without_room() {
    row!(
        Kind::Ssh,
        Stage::Room,
        Source::Finding("failures 6"),
        |world| {
            let rack = host()?;
            let disk = Disk::mounted(&world, "disk", "size=32k")?;
            let full = format!("work_dir = \"{}\"\n", world.path("disk/slots").display());
            let scene = start(world, rack, &full).volatile(r"\d+ KiB are free", "512 KiB are free");
            Some(
                scene
                    .with(disk)
                    .then("another `work_dir`", Comes::Works, |reader| {
                        reader.reads("`work_dir`");
                        let folder = reader.world().path("home/slots");
                        reader.writes(&format!("work_dir = \"{}\"", folder.display()));
                    }),
            )
        }
    );
}

#[test]
fn a_setup_script_that_fails_on_a_host() {
    row!(
        Kind::Ssh,
        Stage::Boot,
        Source::Finding("failures 11"),
        |world| {
            let rack = host()?;
            std::fs::write(world.path("setup.sh"), "set -e\nmake-the-tools\n").expect("a file");
            let scene = start(world, rack, "").arg("--setup").arg("setup.sh");
            Some(
                scene.then("the line that is named", Comes::Works, |reader| {
                    reader.edits_script();
                }),
            )
        }
    );
}

#[test]
fn a_machine_on_a_host_that_is_off() {
    row!(
        Kind::Ssh,
        Stage::End,
        Source::Finding("hosts A4"),
        |world| {
            let rack = host()?;
            let hosts = format!("hosts = \"{}@127.0.0.1:{}\"\n", sshd::whoami(), free_port());
            table(&world, &rack, &hosts);
            let right = rack.hosts[0].spec();
            let stop = "stop rack:gharun-7-1-0-tk3q8z0w5v2n01 --yes --timeout 3s";
            Some(stable(Scene::new(world, stop), rack).then(
                "the right port, and the stop that is printed",
                Comes::Works,
                move |reader| {
                    reader.writes(&format!("hosts = \"{right}\""));
                    let stop = reader.reads("try again: `gharun (stop [^`]+)`");
                    reader.types(&format!("{stop} --yes"));
                },
            ))
        }
    );
}

/// A start on `pi` of an ssh configuration.
fn configured(world: World, rack: Rack, config: &str) -> Scene {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = world.path("ssh");
    std::fs::create_dir_all(&dir).expect("a folder");
    let file = dir.join("config");
    std::fs::write(&file, config).expect("a file");
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(file, private).expect("it is ours");
    let more = format!("hosts = \"ann@pi\"\nssh_dir = \"{}\"\n", dir.display());
    start(world, rack, &more).volatile(
        r"`[^` ]*/ssh/config|\S*/ssh/config",
        "/home/ann/.ssh/config",
    )
}

#[test]
fn a_host_whose_address_only_a_command_could_tell() {
    row!(
        Kind::Ssh,
        Stage::Settings,
        Source::Finding("hosts B1"),
        |world| {
            let rack = host()?;
            let config = "Match host pi exec \"test -e /vpn\"\n  HostName 10.0.0.9\n";
            Some(configured(world, rack, config))
        }
    );
}

#[test]
fn a_host_whose_proxy_command_fails() {
    row!(
        Kind::Ssh,
        Stage::Settings,
        Source::Finding("hosts B5"),
        |world| {
            let rack = host()?;
            let config = "Host pi\n  ProxyCommand sh -c 'echo no route to %h >&2; exit 1'\n";
            Some(configured(world, rack, config))
        }
    );
}
