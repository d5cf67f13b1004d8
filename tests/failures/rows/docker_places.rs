//! How a daemon, its registry, its images or the settings make starts and stops fail.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::place::{self, IMAGE};
use crate::row::{Kind, Scene, Seeded as _, Source, Stage, row};
use crate::step::Comes;
use crate::world::World;

/// A world whose table names the image, and more.
fn table(world: &World, more: &str) {
    let image = if more.contains("image = ") {
        String::new()
    } else {
        format!("image = \"{IMAGE}\"\n")
    };
    let pull = if more.contains("pull = ") {
        ""
    } else {
        "pull = \"never\"\n"
    };
    let text = format!("[providers.box]\nkind = \"docker\"\n{image}{pull}{more}");
    std::fs::write(world.path("providers.toml"), text).expect("a file");
}

/// A start with such a table, where there is a daemon.
fn start(world: World, more: &str) -> Option<Scene> {
    place::docker().then(|| {
        table(&world, more);
        // The number is that of a process.
        Scene::new(world, "start box --timeout 20s").volatile(r"tini \(\d+\)", "tini (7)")
    })
}

/// Makes an image of one file, unless it is there.
fn image(name: &str, file: &str, content: &str) {
    let there = Command::new("docker")
        .args(["image", "inspect", name])
        .output();
    if there.is_ok_and(|output| output.status.success()) {
        return;
    }
    let root = tempfile::tempdir().expect("a folder");
    let path = root.path().join(file);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(&path, content).expect("a file");
    let rights = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, rights).expect("it is ours");
    let command = format!(
        "tar -C {} -c . | docker import - {name}",
        root.path().display()
    );
    let made = Command::new("sh")
        .args(["-c", &command])
        .stdout(Stdio::null())
        .status();
    assert!(made.is_ok_and(|status| status.success()), "{name}");
}

/// A registry that gives one answer to all that is asked about an image. It ends with the test's process.
fn registry(status: &'static str, code: &str, message: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
    let address = listener.local_addr().expect("it is bound").to_string();
    let body = format!("{{\"errors\":[{{\"code\":\"{code}\",\"message\":\"{message}\"}}]}}");
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut head = [0; 2048];
            let read = client.read(&mut head).unwrap_or(0);
            // It speaks no TLS, which begins with this byte.
            if read == 0 || head[0] == 0x16 {
                continue;
            }
            let (status, body) = if head.starts_with(b"GET /v2/ ") {
                ("200 OK", "{}")
            } else {
                (status, body.as_str())
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n\
                 docker-distribution-api-version: registry/2.0\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            // Whoever asked may be gone.
            let _ = client.write_all(answer.as_bytes());
        }
    });
    address
}

/// A script for `--setup`.
fn setup(world: &World, text: &str) -> String {
    let path = world.path("setup.sh");
    std::fs::write(&path, text).expect("a file");
    assert!(Path::new(&path).exists());
    "setup.sh".to_owned()
}

#[test]
fn an_image_with_capitals_in_its_name() {
    row!(
        Kind::Docker,
        Stage::Settings,
        Source::Finding("failures 13"),
        |world| start(world, "image = \"Octo/CI:latest\"\npull = \"missing\"\n").then(
            "`image = \"octo/ci:latest\"` as printed",
            Comes::Fails {
                says: "octo/ci:latest",
                not: "must be lowercase"
            },
            |reader| {
                reader.writes(&reader.quoted("image = [^`]+"));
                // Nothing is pulled from elsewhere here.
                reader.writes("pull = \"never\"");
            }
        )
    );
}

#[test]
fn more_processors_than_the_host_has() {
    let source = Source::Thread(
        "moby/moby#40303",
        "a limit of 12 processors, which was fine on the large nodes, let no container start on the one that has 8",
    );
    row!(Kind::Docker, Stage::Settings, source, |world| {
        let has = r"as\s+many\s+as\s+the\s+daemon\s+at\s+unix:///var/run/docker.sock\s+\(host\s+`[^`]*`\)\s+has";
        let scene = start(world, "cpus = 999\n")?;
        Some(
            scene
                .volatile(has, "as many as its host has")
                .volatile(r"at most \d+", "at most 2")
                .volatile(r"`cpus = \d+`", "`cpus = 2`"),
        )
        .then("`cpus = NUMBER` as printed", Comes::Works, |reader| {
            reader.writes(&reader.quoted(r"cpus = \d+"));
            reader.comes_online();
        })
    });
}

#[test]
fn a_user_who_cannot_become_the_one_that_jobs_are_to_run_as() {
    row!(
        Kind::Docker,
        Stage::Settings,
        Source::Finding("github 4"),
        |world| start(world, "user = \"1000\"\nrun_as = \"root\"\n").then(
            "without the line that is named",
            Comes::Works,
            |reader| {
                reader.removes(&reader.reads("remove `([a-z]+)`"));
                reader.comes_online();
            }
        )
    );
}

#[test]
fn a_private_image_without_a_login() {
    let source = Source::Thread(
        "actions/runner-images#2094",
        "an image could be pulled by hand, and not where the machine had no login for its registry",
    );
    row!(Kind::Docker, Stage::Credentials, source, |world| {
        let registry = registry(
            "403 Forbidden",
            "DENIED",
            "requested access to the resource is denied",
        );
        start(
            world,
            &format!("image = \"{registry}/octo/ci:1\"\npull = \"missing\"\n"),
        )
        .needs("registry", "there is none with logins here")
    });
}

#[test]
fn a_registry_whose_pull_limit_is_used_up() {
    let source = Source::Thread(
        "docker/hub-feedback#2429",
        "workflows that had always worked ended with `toomanyrequests`, though nothing of theirs had changed",
    );
    row!(Kind::Docker, Stage::Credentials, source, |world| {
        let registry = registry(
            "429 Too Many Requests",
            "TOOMANYREQUESTS",
            "You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit",
        );
        start(
            world,
            &format!("image = \"{registry}/octo/ci:1\"\npull = \"missing\"\n"),
        )
        .then(
            "the image under its name on the daemon's host, and `pull = \"never\"` as printed",
            Comes::Works,
            |reader| {
                let name = reader.reads("could not pull the image `([^`]+)`");
                reader.runs(&format!("docker tag {IMAGE} {name}"));
                reader.writes(&reader.quoted("pull = \"never\""));
                reader.comes_online();
            },
        )
    });
}

#[test]
fn no_daemon_at_all() {
    row!(
        Kind::Docker,
        Stage::Place,
        Source::Finding("people B8"),
        |world| {
            table(&world, "host = \"unix:///nonexistent/docker.sock\"\n");
            Scene::new(world, "start box --timeout 20s").then(
                "`host` as the command that is printed lists it",
                Comes::Works,
                |reader| {
                    let listed = reader.runs(&reader.quoted("docker context ls"));
                    let host = listed
                        .split_whitespace()
                        .find(|word| word.starts_with("unix://"));
                    reader.writes(&format!("host = \"{}\"", host.expect("it lists one")));
                    reader.comes_online();
                },
            )
        }
    );
}

#[test]
fn a_tag_that_the_registry_does_not_have() {
    row!(
        Kind::Docker,
        Stage::Place,
        Source::Finding("failures 13"),
        |world| {
            let registry = registry("404 Not Found", "MANIFEST_UNKNOWN", "manifest unknown");
            start(
                world,
                &format!("image = \"{registry}/octo/ci:nope\"\npull = \"missing\"\n"),
            )
            .then("an image that there is", Comes::Works, |reader| {
                reader.reads("check the name and the tag of `image`");
                reader.writes(&format!("image = \"{IMAGE}\""));
                reader.comes_online();
            })
        }
    );
}

#[test]
fn a_network_that_the_daemon_does_not_have() {
    row!(
        Kind::Docker,
        Stage::Place,
        Source::Finding("failures 10"),
        |world| {
            // The daemon is not ours alone.
            let name = format!("ci-{}", gharun_worlds::random(3));
            let scene = start(world, &format!("network = \"{name}\"\n"))?;
            let scene = scene.volatile(&name, "ci-net");
            let scene = scene.afterwards(move |_| {
                let mut remove = Command::new("docker");
                // Where the step was not run there is none.
                let _ = remove.args(["network", "rm", &name]).output();
            });
            Some(
                scene.then("both commands that are printed", Comes::Works, |reader| {
                    reader.runs(&reader.quoted("docker network ls"));
                    reader.runs(&reader.quoted("docker network create [^`]+"));
                    reader.comes_online();
                }),
            )
        }
    );
}

#[test]
fn a_gpu_without_the_toolkit() {
    let source = Source::Thread(
        "NVIDIA/nvidia-docker#1190",
        "containers with a GPU could not be created: the daemon did not find NVIDIA's part of the runtime",
    );
    row!(Kind::Docker, Stage::Place, source, |world| {
        start(world, "gpus = \"all\"\n").then("without `gpus`", Comes::Works, |reader| {
            reader.removes(&reader.reads("or leave `([a-z]+)` out"));
            reader.comes_online();
        })
    });
}

#[test]
fn a_folder_of_the_host_that_cannot_be_made() {
    let source = Source::Thread(
        "canonical/docker-snap#188",
        "a folder below /opt could not be mounted: this Docker, a snap, sees a read-only system in its place",
    );
    row!(Kind::Docker, Stage::Place, source, |world| {
        start(world, "volumes = [\"/proc/ci-cache:/cache\"]\n").then(
            "a folder that there is",
            Comes::Works,
            |reader| {
                reader.reads("name a folder in `volumes` that the daemon's host has");
                let folder = reader.world().path("home");
                reader.writes(&format!("volumes = [\"{}:/cache\"]", folder.display()));
                reader.comes_online();
            },
        )
    });
}

#[test]
fn a_setup_script_that_runs_out_of_memory() {
    row!(
        Kind::Docker,
        Stage::Boot,
        Source::Finding("hosts C2"),
        |world| {
            let script = "head -c 100m /dev/zero | tail -n 1 >/dev/null\n";
            let setup = setup(&world, script);
            // The kernel ends what runs, or the shell that waits for it.
            let scene = start(world, "memory = \"32m\"\n")?
                .volatile(r"\(exit(\s+)code(\s+)(?:74|137)\)", "(exit${1}code${2}74)");
            let scene = scene.arg("--setup").arg(&setup);
            Some(
                scene.then("`memory` higher than is printed", Comes::Works, |reader| {
                    let limit: u32 = reader
                        .reads(r"`memory` is `(\d+)m`: set it higher")
                        .parse()
                        .expect("a number");
                    reader.writes(&format!("memory = \"{}m\"", limit * 20));
                    reader.comes_online();
                }),
            )
        }
    );
}

#[test]
fn an_image_without_a_shell() {
    row!(
        Kind::Docker,
        Stage::Boot,
        Source::Finding("hosts C5"),
        |world| {
            let name = "gharun-test-no-shell:1";
            if place::docker() {
                image(name, "etc/passwd", "");
            }
            start(world, &format!("image = \"{name}\"\n")).then(
                "an image with a shell",
                Comes::Works,
                |reader| {
                    reader.quoted("ghcr.io/actions/actions-runner:latest");
                    // It is not pulled here.
                    reader.writes(&format!("image = \"{IMAGE}\""));
                    reader.comes_online();
                },
            )
        }
    );
}

#[test]
fn an_image_for_another_processor() {
    let source = Source::Thread(
        "clue/docker-h5ai#9",
        "an image that is built for x86 was run on arm64, where its first program could not be executed",
    );
    row!(Kind::Docker, Stage::Boot, source, |world| {
        let name = "gharun-test-foreign:1";
        if place::docker() {
            image(
                name,
                "bin/sh",
                "\u{7f}ELF, and of no processor that there is",
            );
        }
        start(world, &format!("image = \"{name}\"\n")).then(
            "both commands that are printed, and an image for this processor",
            Comes::Works,
            |reader| {
                reader.runs(&reader.quoted("docker version [^`]+"));
                reader.runs(&reader.quoted("docker image inspect [^`]+"));
                reader.writes(&format!("image = \"{IMAGE}\""));
                reader.comes_online();
            },
        )
    });
}

#[test]
fn a_container_of_another_daemon() {
    row!(
        Kind::Docker,
        Stage::End,
        Source::Finding("hosts A2"),
        |world| {
            if !place::docker() {
                return None;
            }
            table(&world, "");
            let scene = Scene::new(world, "stop box:0123456789ab/cdef01234567 --yes");
            Some(scene.volatile(r"has(\s+)`[0-9a-f]{12}`", "has$1`5f6e7d8c9b0a`"))
                .needs("daemon", "the container is of another one")
        }
    );
}

#[test]
fn a_stop_where_no_daemon_answers() {
    row!(
        Kind::Docker,
        Stage::End,
        Source::Finding("hosts A2"),
        |world| {
            table(&world, "host = \"unix:///nonexistent/docker.sock\"\n");
            Scene::new(
                world,
                "stop box:0a1b2c3d4e5f/0123456789ab --yes --timeout 3s",
            )
            .then(
                "`host` as the command that is printed lists it, and the stop that is printed",
                Comes::Fails {
                    says: "was created by another daemon",
                    not: "could not reach the Docker daemon",
                },
                |reader| {
                    let listed = reader.runs(&reader.quoted("docker context ls"));
                    let host = listed
                        .split_whitespace()
                        .find(|word| word.starts_with("unix://"));
                    reader.writes(&format!("host = \"{}\"", host.expect("it lists one")));
                    let stop = reader.reads("try again: `gharun (stop [^`]+)`");
                    reader.types(&format!("{stop} --yes"));
                },
            )
        }
    );
}
