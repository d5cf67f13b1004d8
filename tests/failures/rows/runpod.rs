//! How starts on RunPod fail before there is a pod.

use gharun_worlds::runpod::{Deed, Level, Scope, Standin};

use crate::row::{Kind, Scene, Source, Stage, row};
use crate::step::Comes;
use crate::world::World;

/// An account whose pods are processes of this computer; one whose boot failed is there for a moment more.
pub(super) fn account() -> Standin {
    Standin::running(12)
}

/// The world with a table `gpu` of this account.
pub(super) fn table(world: World, standin: &Standin, more: &str) -> World {
    let text = format!(
        "[providers.gpu]\nkind = \"runpod\"\nendpoint = \"{}/v2\"\n{more}",
        standin.url
    );
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    world.env("RUNPOD_API_KEY", &standin.key)
}

/// The ids that RunPod makes up.
pub(super) fn stable(scene: Scene) -> Scene {
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

pub(super) fn scene(world: World, standin: Standin, more: &str, args: &str) -> Scene {
    let world = table(world, &standin, more);
    stable(Scene::new(world, args).with(standin))
}

pub(super) const GPU: &str = "gpu = \"L40S\"\n";

#[test]
fn a_gpu_that_runpod_does_not_have() {
    row!(
        Kind::RunPod,
        Stage::Settings,
        Source::Finding("gpu C, names"),
        |world| scene(world, account(), "gpu = \"B300\"\n", "start gpu").then(
            "the command that lists them, and one of that list in the line that is named",
            Comes::Works,
            |reader| {
                let listed = reader.runs(&reader.quoted("gharun providers offers gpu"));
                assert!(listed.contains("L40S"), "{listed}");
                reader.changes_line("B300", "L40S");
                reader.comes_online();
            }
        )
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
        .then(
            "one of both, and the command that is printed",
            Comes::Works,
            |reader| {
                reader.runs(&reader.quoted("gharun providers show runpod"));
                reader.reads("`gpu` and `cpu` are both set: keep one");
                reader.removes("gpu");
                reader.comes_online();
            }
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
            let fresh = standin.key_of(Scope::Full);
            scene(world, standin, GPU, "start gpu --timeout 20s").then(
                "a new key in the variable that is named",
                Comes::Works,
                move |reader| {
                    let name = reader.reads(r"check `api_key` \(now `\$([A-Z_]+)`\)");
                    reader.sets(&name, &fresh);
                    reader.comes_online();
                },
            )
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
            let full = standin.key.clone();
            stable(Scene::new(world, "start gpu --timeout 20s").with(standin)).then(
                "a key with these permissions in the variable that is named",
                Comes::Works,
                move |reader| {
                    let name = reader.reads(r"`api_key` \(now `\$([A-Z_]+)`\)");
                    reader.sets(&name, &full);
                    reader.comes_online();
                },
            )
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
        .then(
            "without the key that is named, as the image is public",
            Comes::Works,
            |reader| {
                reader.reads("set `registry` to the ID of a credential of this account");
                reader.removes("registry");
                reader.comes_online();
            }
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
            scene(world, standin, GPU, &endpoint).then(
                "the address of the version that is named",
                Comes::Works,
                |reader| {
                    let option = reader.reads(r"`endpoint` \(now `(--set endpoint)`\)");
                    let version = reader.reads("`https://api.runpod.io/(v[0-9]+)`");
                    let mine = reader.reads("at (http://[0-9.:]+)/v1");
                    reader.adds(&format!("{option}={mine}/{version}"));
                    reader.comes_online();
                },
            )
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
        .then(
            "without the key that is named, as no volume is needed",
            Comes::Works,
            |reader| {
                reader.reads("set `network_volume` to the ID of a volume");
                reader.removes("network_volume");
                reader.comes_online();
            }
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
            standin.stock("NVIDIA GeForce RTX 4090", "*", "*", Level::High, 9);
            scene(world, standin, more, "start gpu --timeout 20s").then(
                "the `gpu` that is printed",
                Comes::Works,
                |reader| {
                    reader.writes(&reader.quoted(r"gpu = \[[^`]+"));
                    reader.comes_online();
                },
            )
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
            let world = table(world, &standin, GPU);
            let standin = std::rc::Rc::new(standin);
            let inner = std::rc::Rc::clone(&standin);
            stable(Scene::new(world, "start gpu --timeout 20s").with(standin)).then(
                "the `gpu` that is printed; then there is room",
                Comes::Works,
                move |reader| {
                    reader.writes(&reader.quoted(r"gpu = \[[^`]+"));
                    inner.forgive();
                    reader.comes_online();
                },
            )
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
        .then(
            "the price that is printed, in the line that is named",
            Comes::Works,
            |reader| {
                let price = reader.reads(r"it costs \$([0-9.]+) an hour");
                reader.changes_line("0.05", &price);
                reader.comes_online();
            }
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
            let world = table(world, &standin, GPU);
            let standin = std::rc::Rc::new(standin);
            let inner = std::rc::Rc::clone(&standin);
            stable(Scene::new(world, "start gpu --timeout 20s").with(standin)).then(
                "funds are added at the address that is printed",
                Comes::Works,
                move |reader| {
                    reader.reads("https://console.runpod.io/user/billing");
                    inner.rule(|rules| rules.balance = Some(100.0));
                    reader.comes_online();
                },
            )
        }
    );
}
