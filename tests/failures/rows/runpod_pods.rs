//! How pods at RunPod fail once they are there: while they boot, while their runner is waited for, and when they end.

use gharun_worlds::runpod::{Deed, Lag, Scope, Standin};

use super::runpod::{GPU, account, scene, stable, table};
use crate::row::{Kind, Scene, Source, Stage, row};
use crate::step::{Comes, Reader};
use crate::world::World;

const POD: &str = "/v2/pods/{id}";
const CPU: &str = "cpu = \"cpu5c\"\n";

/// Every pod's container fails to start, and its host says this.
fn stuck(line: &str) -> Standin {
    let standin = account();
    standin.rule(|rules| rules.stuck = vec![("*".to_owned(), line.to_owned())]);
    standin
}

/// A start whose step takes away what keeps the containers of all pods from running.
fn stuck_until(
    world: World,
    line: &str,
    more: &str,
    does: &'static str,
    act: impl FnOnce(&mut Reader) + 'static,
) -> Scene {
    let standin = stuck(line);
    let world = table(world, &standin, more);
    let standin = std::rc::Rc::new(standin);
    let inner = std::rc::Rc::clone(&standin);
    let scene = stable(Scene::new(world, "start gpu --timeout 60s").with(standin));
    scene.then(does, Comes::Works, move |reader| {
        act(reader);
        inner.rule(|rules| rules.stuck.clear());
        reader.comes_online();
    })
}

#[test]
fn a_setup_script_that_fails_in_a_pod() {
    row!(
        Kind::RunPod,
        Stage::Boot,
        Source::Finding("gpu A2"),
        |world| {
            let script = "echo installing torch\nfalse_command --torch\nexit 3\n";
            std::fs::write(world.path("bad.sh"), script).expect("a file");
            scene(
                world,
                account(),
                CPU,
                "start gpu --timeout 60s --setup bad.sh",
            )
            .then("the line that is named", Comes::Works, |reader| {
                reader.edits_script();
                reader.comes_online();
            })
        }
    );
}

#[test]
fn a_pod_that_is_kept_after_its_boot_failed() {
    row!(
        Kind::RunPod,
        Stage::Boot,
        Source::Finding("gpu A1"),
        |world| {
            std::fs::write(world.path("bad.sh"), "exit 3\n").expect("a file");
            let args = "start gpu --timeout 60s --setup bad.sh --keep-failed";
            scene(world, account(), CPU, args).then(
                "the stop that is printed, and the line that is named",
                Comes::Works,
                |reader| {
                    let stop = reader.reads("end it: `(gharun stop [^`]+)`");
                    reader.runs(&format!("{stop} --yes"));
                    reader.edits_script();
                    reader.comes_online();
                },
            )
        }
    );
}

#[test]
fn an_image_that_does_not_exist() {
    row!(
        Kind::RunPod,
        Stage::Boot,
        Source::Finding("gpu A3"),
        |world| {
            let line = "error pulling image: Error response from daemon: manifest for ghcr.io/octo/nosuch:1 not found: manifest unknown: manifest unknown";
            let more = "gpu = \"L40S\"\nimage = \"ghcr.io/octo/nosuch:1\"\n";
            stuck_until(
                world,
                line,
                more,
                "an image that there is, in the line that is named",
                |reader| {
                    reader.reads("check the name and the tag in `image`");
                    reader.changes_line("nosuch", "ci");
                },
            )
        }
    );
}

#[test]
fn a_private_image_without_a_credential() {
    row!(
        Kind::RunPod,
        Stage::Boot,
        Source::Thread(
            "dstackai/dstack#2507",
            "a pod pulls a private image of ECR without a login, again and again for minutes"
        ),
        |world| {
            let line = "error pulling image: Error response from daemon: Head \"https://ghcr.io/v2/octo/ci/manifests/1\": no basic auth credentials";
            let more = "gpu = \"L40S\"\nimage = \"ghcr.io/octo/ci:1\"\n";
            stuck_until(
                world,
                line,
                more,
                "the name of a public image, in the line that is named",
                |reader| {
                    reader.reads("check the name in `image`");
                    reader.changes_line("octo/ci", "octo/public");
                },
            )
        }
    );
}

#[test]
fn a_host_whose_driver_is_too_old_for_the_image() {
    row!(
        Kind::RunPod,
        Stage::Boot,
        Source::Thread(
            "runpod/containers#98",
            "an image with CUDA 12.8 lands on a host with an older driver and is never started"
        ),
        |world| {
            let line = "error starting container: Error response from daemon: failed to create task for container: OCI runtime create failed: nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, please update your driver to a newer version, or use an earlier cuda container: unknown";
            stuck_until(
                world,
                line,
                GPU,
                "`min_cuda = \"12.8\"` as printed",
                |reader| {
                    reader.writes(&reader.quoted("min_cuda = [^`]+"));
                },
            )
        }
    );
}

#[test]
fn an_image_that_is_larger_than_the_disk() {
    row!(
        Kind::RunPod,
        Stage::Boot,
        Source::Finding("gpu A3, comfyui-mcp#2014"),
        |world| {
            let line = "error creating container: failed to register layer: write /opt/venv/lib/libtorch_cuda.so: no space left on device";
            stuck_until(world, line, GPU, "`disk = 40` as printed", |reader| {
                reader.writes(&reader.quoted("disk = [^`]+"));
            })
        }
    );
}

#[test]
fn words_of_a_host_that_nobody_knows() {
    row!(
        Kind::RunPod,
        Stage::Boot,
        Source::Thread(
            "dstackai/dstack#3843",
            "a mount without a target keeps a container from being created, and the run hangs"
        ),
        |world| {
            let line = "error creating container: container: create: container create: Error response from daemon: invalid mount config for type \"bind\": field Target must not be empty";
            stuck_until(
                world,
                line,
                GPU,
                "the `gpu` that is printed; then there is another host",
                |reader| {
                    reader.writes(&reader.quoted(r"gpu = \[[^`]+"));
                },
            )
        }
    );
}

#[test]
fn a_pod_that_never_says_a_word() {
    row!(
        Kind::RunPod,
        Stage::Runner,
        Source::Finding("failures 8"),
        |world| {
            let standin = Standin::start();
            standin.rule(|rules| rules.start = [Lag::None, Lag::None, Lag::Forever]);
            let world = table(world, &standin, GPU);
            let standin = std::rc::Rc::new(standin);
            let inner = std::rc::Rc::clone(&standin);
            stable(Scene::new(world, "start gpu --timeout 8s").with(standin)).then(
                "`--timeout 15m` as printed; then it starts",
                Comes::Works,
                move |reader| {
                    reader.adds(&reader.quoted("--timeout [0-9]+m"));
                    inner.rule(|rules| rules.start = [Lag::None; 3]);
                    reader.comes_online();
                },
            )
        }
    );
}

#[test]
fn a_pod_whose_host_is_lost_while_it_boots() {
    row!(
        Kind::RunPod,
        Stage::Runner,
        Source::Finding("gpu C, a community host that is lost"),
        |world| {
            let standin = Standin::start();
            let standin = std::rc::Rc::new(standin);
            let inner = std::rc::Rc::clone(&standin);
            let world = table(world, &standin, GPU);
            stable(Scene::new(world, "start gpu --timeout 60s"))
                .meanwhile(move |_| {
                    for pod in inner.alive() {
                        inner.put(&pod.id, gharun_worlds::runpod::Stage::Broken);
                    }
                })
                .with(standin)
                .then(
                    "the `gpu` that is printed; then there is another host",
                    Comes::Works,
                    |reader| {
                        reader.writes(&reader.quoted(r"gpu = \[[^`]+"));
                        reader.comes_online();
                    },
                )
        }
    );
}

/// The world after a start of a runner that is up.
fn started(world: World, standin: &Standin) -> World {
    let world = table(world, standin, CPU);
    world.run("start gpu --timeout 60s").exits(0);
    world
}

#[test]
fn a_stop_with_a_key_that_may_only_read() {
    row!(
        Kind::RunPod,
        Stage::End,
        Source::Finding("gpu A8"),
        |world| {
            let standin = account();
            let key = standin.key_of(Scope::Read);
            let world = started(world, &standin).env("RUNPOD_API_KEY", &key);
            let full = standin.key.clone();
            let id = standin.alive()[0].id.clone();
            stable(Scene::new(world, &format!("stop gpu:{id} --timeout 10s")))
                .volatile(&id, "7h9k2m4n6p8q0r")
                .with(standin)
                .then(
                    "a key with these permissions, and the stop that is printed",
                    Comes::Works,
                    move |reader| {
                        let name = reader.reads(r"`api_key` \(else `\$([A-Z_]+)`\)");
                        reader.sets(&name, &full);
                        let stop = reader.reads("then: `gharun (stop [^`]+)`");
                        reader.types(&stop);
                    },
                )
        }
    );
}

#[test]
fn a_deletion_that_runpod_fails_to_do() {
    row!(
        Kind::RunPod,
        Stage::End,
        Source::Finding("gpu B9"),
        |world| {
            let standin = account();
            let world = started(world, &standin);
            let deed = Deed::refuse(500, "internal server error");
            standin.times(u32::MAX, "DELETE", POD, deed);
            let standin = std::rc::Rc::new(standin);
            let inner = std::rc::Rc::clone(&standin);
            let again = std::rc::Rc::clone(&standin);
            let id = standin.alive()[0].id.clone();
            stable(Scene::new(world, "stop --yes --timeout 20s"))
                .volatile(&id, "7h9k2m4n6p8q0r")
                .afterwards(move |_| inner.forgive())
                .with(standin)
                .then("the stop that is printed", Comes::Works, move |reader| {
                    again.forgive();
                    let stop = reader.reads("try again: `gharun (stop [^`]+)`");
                    reader.types(&stop);
                })
        }
    );
}
