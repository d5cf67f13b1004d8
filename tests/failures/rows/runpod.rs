//! How starts and stops on RunPod fail.

use gharun_worlds::runpod::{Deed, Lag, Level, Scope, Standin};

use crate::row::{Kind, Scene, Source, Stage, row};
use crate::world::World;

const POD: &str = "/v2/pods/{id}";

/// An account whose pods are processes of this computer; one whose boot failed is there for a moment more.
fn account() -> Standin {
    Standin::running(12)
}

/// The world with a table `gpu` of this account.
fn table(world: World, standin: &Standin, more: &str) -> World {
    let text = format!(
        "[providers.gpu]\nkind = \"runpod\"\nendpoint = \"{}/v2\"\n{more}",
        standin.url
    );
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    world.env("RUNPOD_API_KEY", &standin.key)
}

/// The ids that RunPod makes up.
fn stable(scene: Scene) -> Scene {
    scene
        .volatile(
            r"gpu:[0-9a-f]{6}/[a-z0-9]{14}\b",
            "gpu:3fa9c1/7h9k2m4n6p8q0r",
        )
        .volatile(r"/pods/[a-z0-9]{14}\b", "/pods/7h9k2m4n6p8q0r")
        .volatile(r"id=[a-z0-9]{14}\b", "id=7h9k2m4n6p8q0r")
        .volatile(r"ssh [a-z0-9]{14}-", "ssh 7h9k2m4n6p8q0r-")
        .volatile(r"`[a-z0-9]{14}`", "`7h9k2m4n6p8q0r`")
        .volatile(r"t=\d{10}\.\d{9}", "t=1796000000.000000000")
        .volatile(r"t=\d{10} code", "t=1796000000 code")
        .volatile(r"/tmp/pod-[A-Za-z0-9]{6}", "/tmp/pod-a1b2c3")
        .volatile(r"req-[a-z0-9]{12}\b", "req-0a1b2c3d4e5f")
}

fn scene(world: World, standin: Standin, more: &str, args: &str) -> Scene {
    let world = table(world, &standin, more);
    stable(Scene::new(world, args).with(standin))
}

/// Every pod's container fails to start, and its host says this.
fn stuck(line: &str) -> Standin {
    let standin = account();
    standin.rule(|rules| rules.stuck = vec![("*".to_owned(), line.to_owned())]);
    standin
}

const GPU: &str = "gpu = \"L40S\"\n";
const CPU: &str = "cpu = \"cpu5c\"\n";

#[test]
fn a_gpu_that_runpod_does_not_have() {
    row!(
        Kind::RunPod,
        Stage::Settings,
        Source::Finding("gpu C, names"),
        |world| scene(world, account(), "gpu = \"B300\"\n", "start gpu")
    );
}

#[test]
fn a_gpu_and_a_cpu_in_one_table() {
    row!(
        Kind::RunPod,
        Stage::Settings,
        Source::Thread(
            "skypilot-org/skypilot-catalog#82",
            "a table for GPUs is changed into one for a CPU pod, and keeps its GPU"
        ),
        |world| scene(
            world,
            account(),
            "gpu = \"L40S\"\ncpu = \"cpu3c\"\n",
            "start gpu"
        )
    );
}

#[test]
fn a_key_of_the_account_that_was_revoked() {
    row!(
        Kind::RunPod,
        Stage::Credentials,
        Source::Finding("gpu A8"),
        |world| {
            let standin = account();
            standin.revoke(&standin.key);
            scene(world, standin, GPU, "start gpu --timeout 20s")
        }
    );
}

#[test]
fn a_key_that_may_only_read() {
    row!(
        Kind::RunPod,
        Stage::Credentials,
        Source::Thread(
            "pooyahrtn/RunpodOllama#3",
            "`Unauthorized`, and it took a day to find that the key had no right to write"
        ),
        |world| {
            let standin = account();
            let key = standin.key_of(Scope::Read);
            let world = table(world, &standin, GPU).env("RUNPOD_API_KEY", &key);
            stable(Scene::new(world, "start gpu --timeout 20s").with(standin))
        }
    );
}

#[test]
fn a_registry_credential_of_another_account() {
    row!(
        Kind::RunPod,
        Stage::Place,
        Source::Thread(
            "runpod/docs#800",
            "the ID of a registry credential, which nobody tells where to find"
        ),
        |world| scene(
            world,
            account(),
            "gpu = \"L40S\"\nregistry = \"clx0gone\"\n",
            "start gpu --timeout 20s"
        )
    );
}

#[test]
fn an_endpoint_of_the_version_that_is_gone() {
    row!(
        Kind::RunPod,
        Stage::Place,
        Source::Thread(
            "dstackai/dstack#4167",
            "version 1 of the REST API ends, and clients that have its address stop working"
        ),
        |world| {
            let standin = account();
            let endpoint = format!("start gpu --timeout 20s --set endpoint={}/v1", standin.url);
            scene(world, standin, GPU, &endpoint)
        }
    );
}

#[test]
fn a_network_volume_that_is_not_there() {
    row!(
        Kind::RunPod,
        Stage::Place,
        Source::Finding("gpu A12"),
        |world| scene(
            world,
            account(),
            "gpu = \"L40S\"\nnetwork_volume = \"vol0gone\"\n",
            "start gpu --timeout 20s"
        )
    );
}

#[test]
fn gpus_that_the_catalog_shows_and_nobody_gets() {
    row!(
        Kind::RunPod,
        Stage::Room,
        Source::Thread(
            "runpod/runpodctl#189",
            "the console starts an H100 NVL, and the API says that there are no instances any more"
        ),
        |world| {
            let standin = account();
            standin.stock("*", "*", "*", Level::High, 0);
            let more = "gpu = [\"L40S\", \"L4\", \"RTX A4000\"]\n";
            scene(world, standin, more, "start gpu --timeout 20s")
        }
    );
}

#[test]
fn a_machine_without_the_resources_for_a_pod() {
    row!(
        Kind::RunPod,
        Stage::Room,
        Source::Thread(
            "TheLastBen/fast-stable-diffusion#2484",
            "an RTX 3090 that was there every day has no resources for the pod any more"
        ),
        |world| {
            let standin = account();
            let said = "This machine does not have the resources to deploy this pod";
            standin.times(u32::MAX, "POST", "/v2/pods", Deed::refuse(400, said));
            scene(world, standin, GPU, "start gpu --timeout 20s")
        }
    );
}

#[test]
fn a_price_that_nothing_is_under() {
    row!(
        Kind::RunPod,
        Stage::Room,
        Source::Finding("gpu A6"),
        |world| scene(
            world,
            account(),
            "gpu = \"L40S\"\nmax_price = 0.05\n",
            "start gpu --timeout 20s"
        )
    );
}

#[test]
fn a_balance_that_is_used_up() {
    row!(
        Kind::RunPod,
        Stage::Credentials,
        Source::Finding("gpu B5"),
        |world| {
            let standin = account();
            standin.rule(|rules| rules.balance = Some(0.01));
            scene(world, standin, GPU, "start gpu --timeout 20s")
        }
    );
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
            scene(world, account(), CPU, args)
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
            scene(world, stuck(line), more, "start gpu --timeout 60s")
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
            scene(world, stuck(line), more, "start gpu --timeout 60s")
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
            scene(world, stuck(line), GPU, "start gpu --timeout 60s")
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
            scene(world, stuck(line), GPU, "start gpu --timeout 60s")
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
            scene(world, stuck(line), GPU, "start gpu --timeout 60s")
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
            scene(world, standin, GPU, "start gpu --timeout 8s")
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
            let id = standin.alive()[0].id.clone();
            stable(Scene::new(world, &format!("stop gpu:{id} --timeout 10s")))
                .volatile(&id, "7h9k2m4n6p8q0r")
                .with(standin)
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
            let id = standin.alive()[0].id.clone();
            stable(Scene::new(world, "stop --yes --timeout 20s"))
                .volatile(&id, "7h9k2m4n6p8q0r")
                .afterwards(move |_| inner.forgive())
                .with(standin)
        }
    );
}
