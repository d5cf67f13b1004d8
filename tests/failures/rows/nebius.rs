//! How starts and stops on Nebius fail.

use std::rc::Rc;
use std::time::Duration;

use gharun_worlds::nebius::{Deed, Ending, PROJECT, Refusal, Standin, Stock};

use crate::row::{Kind, Scene, Source, Stage, row};
use crate::step::Comes;
use crate::world::World;

/// The world with a table `gpu` in this project.
fn table(world: World, standin: &Standin, more: &str) -> World {
    let url = &standin.url;
    let text = format!(
        "[providers.gpu]\nkind = \"nebius\"\nproject = \"{PROJECT}\"\nendpoint = \"{url}\"\n\
         auth_endpoint = \"{url}\"\n{more}"
    );
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    world.env("NEBIUS_IAM_TOKEN", &standin.token())
}

/// The ids that Nebius makes up.
fn stable(scene: Scene) -> Scene {
    scene
        .volatile(
            r"(?P<k>aijob|computeinstance)-e00[0-9a-f]{16}\b",
            "${k}-e000123456789abcdef",
        )
        .volatile(r"req-\d{8}\b", "req-00000012")
        .volatile(r"publickey-[a-z0-9]+", "publickey-e00example")
        // One place has one digest, wherever it stands.
        .volatile("914a2b74688e", "0123456789ab")
        .volatile(r"(?P<k>after|run for) \d+ s\b", "${k} 5 s")
}

fn scene(world: World, standin: Standin, more: &str, args: &str) -> Scene {
    stable(Scene::new(table(world, &standin, more), args).with(standin))
}

#[test]
fn a_preset_that_the_platform_does_not_have() {
    row!(
        Kind::Nebius,
        Stage::Settings,
        Source::Finding("gpu A4"),
        |world| scene(
            world,
            Standin::start(),
            "platform = \"gpu-h100-sxm\"\npreset = \"1gpu-8vcpu-32gb\"\n",
            "start gpu --timeout 20s"
        )
        .then(
            "the command that lists them, and a preset of that list",
            Comes::Works,
            |reader| {
                let listed = reader.runs(&reader.quoted("gharun providers offers gpu"));
                let offered = listed
                    .split_whitespace()
                    .find(|word| word.starts_with("gpu-h100-sxm/"));
                let preset = offered.and_then(|word| word.split('/').nth(1));
                let preset = preset.unwrap_or_else(|| panic!("{listed}"));
                reader.writes(&format!("preset = \"{preset}\""));
                reader.comes_online();
            }
        )
    );
}

#[test]
fn a_registry_with_a_user_and_no_password() {
    row!(
        Kind::Nebius,
        Stage::Settings,
        Source::Thread(
            "nebius/soperator#1491",
            "an image of a registry that needs a login is named, and the login is not"
        ),
        |world| scene(
            world,
            Standin::start(),
            "image = \"cr.eu-north1.nebius.cloud/octo/ci:1\"\nregistry = { username = \"octo\" }\n",
            "start gpu"
        )
        .then("both lines that are printed", Comes::Works, |reader| {
            reader.writes(&reader.quoted(r"registry = \{ username[^`]+"));
            reader.writes(&reader.quoted("registry_password = [^`]+"));
            reader.sets("REGISTRY_PASSWORD", "hush");
            reader.comes_online();
        })
    );
}

#[test]
fn a_job_that_is_to_be_kept() {
    row!(
        Kind::Nebius,
        Stage::Settings,
        Source::Finding("gpu A1"),
        |world| scene(
            world,
            Standin::start(),
            "",
            "start gpu --timeout 20s --keep-failed"
        )
        .then(
            "`--timeout 15m` and `product = \"vm\"` as printed",
            Comes::Works,
            |reader| {
                reader.writes(&reader.quoted("product = [^`]+"));
                reader.adds(&reader.quoted("--timeout [0-9]+m"));
                reader.comes_online();
            }
        )
    );
}

#[test]
fn a_token_of_nebius_that_has_expired() {
    row!(
        Kind::Nebius,
        Stage::Credentials,
        Source::Thread(
            "skypilot-org/skypilot#5291",
            "an IAM token ends after twelve hours, and what uses it fails until it is replaced"
        ),
        |world| {
            let standin = Standin::start();
            let world = table(world, &standin, "");
            standin.expire_tokens();
            let fresh = standin.token();
            let scene = Scene::new(world, "start gpu --timeout 20s").with(standin);
            stable(scene).then(
                "the `export` that is printed",
                Comes::Works,
                move |reader| {
                    reader.has_program("nebius", &format!("echo {fresh}"));
                    let command = reader.quoted("export NEBIUS_IAM_TOKEN=[^`]+");
                    reader.exports(&command);
                    reader.comes_online();
                },
            )
        }
    );
}

#[test]
fn a_key_of_a_service_account_that_was_deleted() {
    row!(
        Kind::Nebius,
        Stage::Credentials,
        Source::Finding("gpu A8"),
        |world| {
            let other = Standin::start();
            let key = other.account().file();
            std::fs::write(world.path("key.json"), key).expect("a file");
            let more = "service_account_key = \"key.json\"\n";
            let standin = Standin::start();
            let good = standin.account().file();
            let world = table(world, &standin, more).env("NEBIUS_IAM_TOKEN", "");
            stable(Scene::new(world, "start gpu --timeout 20s"))
                .volatile(r"serviceaccount-[a-z0-9]+", "serviceaccount-e00example")
                .with((standin, other))
                .then(
                    "a new key, in the file that is named",
                    Comes::Works,
                    move |reader| {
                        reader.quoted("nebius iam auth-public-key generate [^`]+");
                        let file = reader.reads(r"`service_account_key` \(`([^`]+)`\)");
                        reader.has_file(&file, &good);
                        reader.comes_online();
                    },
                )
        }
    );
}

#[test]
fn a_project_of_another_tenant() {
    row!(
        Kind::Nebius,
        Stage::Place,
        Source::Finding("gpu A8"),
        |world| scene(
            world,
            Standin::start(),
            "",
            "start gpu --timeout 20s --set project=project-u00other"
        )
        .then(
            "the right `project`, where the hint says it is set",
            Comes::Works,
            |reader| {
                reader.quoted("nebius iam project list");
                let option = reader.reads(r"`project` \(now `(--set project)`\)");
                reader.adds(&format!("{option}={PROJECT}"));
                reader.comes_online();
            }
        )
    );
}

#[test]
fn a_subnet_that_is_not_in_the_project() {
    row!(
        Kind::Nebius,
        Stage::Place,
        Source::Finding("gpu A8"),
        |world| scene(
            world,
            Standin::start(),
            "subnet = \"vpcsubnet-e00gone\"\n",
            "start gpu --timeout 20s"
        )
        .then("without the key that is named", Comes::Works, |reader| {
            reader.removes(&reader.reads("or leave `([a-z]+)` out"));
            reader.comes_online();
        })
    );
}

#[test]
fn a_quota_that_is_used_up() {
    row!(
        Kind::Nebius,
        Stage::Room,
        Source::Thread(
            "dstackai/dstack#2594",
            "machines are tried one after the other that the quota never allows"
        ),
        |world| {
            let standin = Standin::start();
            standin.set(|world| world.stocked("gpu-l40s-a", Stock::Quota));
            scene(world, standin, "", "start gpu --timeout 20s").then(
                "another `platform`, as the hint says, with its preset of the list",
                Comes::Works,
                |reader| {
                    reader.reads("or set another `platform` in");
                    let listed = reader.runs("gharun providers offers gpu");
                    let offered = listed
                        .split_whitespace()
                        .find(|word| word.starts_with("gpu-h"));
                    let pair = offered.and_then(|word| word.split_once('/'));
                    let (platform, preset) = pair.unwrap_or_else(|| panic!("{listed}"));
                    reader.writes(&format!("platform = \"{platform}\""));
                    reader.writes(&format!("preset = \"{preset}\""));
                    reader.comes_online();
                },
            )
        }
    );
}

#[test]
fn a_vm_that_is_made_and_stopped_for_want_of_resources() {
    row!(
        Kind::Nebius,
        Stage::Room,
        Source::Thread(
            "dstackai/dstack#2977",
            "a VM is accepted, stopped after a while for want of resources, and waited for"
        ),
        |world| {
            let standin = Standin::start();
            standin.set(|world| {
                world.stops_vms = true;
                world.provisioning = Duration::from_millis(300);
            });
            let world = table(world, &standin, "product = \"vm\"\n");
            let standin = Rc::new(standin);
            let inner = Rc::clone(&standin);
            stable(Scene::new(world, "start gpu --timeout 60s").with(standin)).then(
                "`platform` as printed; then there is room",
                Comes::Works,
                move |reader| {
                    reader.writes(&reader.quoted(r"platform = \[[^`]+"));
                    inner.set(|world| world.stops_vms = false);
                    reader.comes_online();
                },
            )
        }
    );
}

#[test]
fn an_order_that_waits_too_long_for_a_machine() {
    row!(
        Kind::Nebius,
        Stage::Room,
        Source::Finding("gpu A5"),
        |world| {
            let standin = Standin::start();
            standin.set(|world| world.provisioning = Duration::from_hours(1));
            let more = "start_deadline = \"5s\"\n";
            let world = table(world, &standin, more);
            let standin = Rc::new(standin);
            let inner = Rc::clone(&standin);
            stable(Scene::new(world, "start gpu --timeout 60s").with(standin)).then(
                "a longer `start_deadline` in the line that is named",
                Comes::Works,
                move |reader| {
                    reader.reads("raise `start_deadline` in");
                    reader.changes_line("5s", "1m");
                    inner.set(|world| world.provisioning = Duration::from_secs(7));
                    reader.comes_online();
                },
            )
        }
    );
}

#[test]
fn an_image_of_a_job_that_cannot_be_pulled() {
    row!(
        Kind::Nebius,
        Stage::Boot,
        Source::Finding("failures 5"),
        |world| {
            let standin = Standin::start();
            standin.set(|world| world.bad_images = vec!["nosuch".to_owned()]);
            let more = "image = \"ghcr.io/octo/nosuch:1\"\nstart_deadline = \"8s\"\n";
            scene(world, standin, more, "start gpu --timeout 60s").then(
                "an image that there is, in the line that is named",
                Comes::Works,
                |reader| {
                    reader.quoted("docker manifest inspect [^`]+");
                    reader.changes_line("nosuch", "ci");
                    reader.comes_online();
                },
            )
        }
    );
}

/// Does something once with the first machine that is there.
fn meanwhile(
    world: World,
    standin: Standin,
    more: &str,
    args: &str,
    act: impl Fn(&Standin, &str) + 'static,
) -> Scene {
    let world = table(world, &standin, more);
    let standin = Rc::new(standin);
    let inner = Rc::clone(&standin);
    let mut done = false;
    stable(Scene::new(world, args))
        .meanwhile(move |_| {
            let machines = inner.jobs().into_iter().chain(inner.vms());
            let mut runs = machines.filter(|one| one.state == "RUNNING" && one.owner.is_none());
            if !done && let Some(one) = runs.next() {
                act(&inner, &one.id);
                done = true;
            }
        })
        .with(standin)
}

#[test]
fn a_setup_script_that_fails_in_a_job() {
    row!(
        Kind::Nebius,
        Stage::Boot,
        Source::Finding("gpu A2"),
        |world| {
            std::fs::write(world.path("bad.sh"), "exit 3\n").expect("a file");
            let args = "start gpu --timeout 60s --setup bad.sh";
            meanwhile(world, Standin::start(), "", args, |standin, id| {
                standin.end_job(id, Ending::Exited(74));
            })
            .then("the script that is named", Comes::Works, |reader| {
                let file = reader.reads("edit `([^`]+)`");
                reader.has_file(&file, "true\n");
                reader.comes_online();
            })
        }
    );
}

#[test]
fn a_preemptible_job_that_is_taken_away_while_it_boots() {
    row!(
        Kind::Nebius,
        Stage::Runner,
        Source::Finding("gpu C"),
        |world| {
            let more = "preemptible = true\n";
            let args = "start gpu --timeout 60s";
            meanwhile(world, Standin::start(), more, args, |standin, id| {
                standin.preempt(id);
            })
            .then("`preemptible = false` as printed", Comes::Works, |reader| {
                reader.writes(&reader.quoted("preemptible = [^`]+"));
                reader.comes_online();
            })
        }
    );
}

#[test]
fn a_vm_whose_runner_never_comes_online() {
    row!(
        Kind::Nebius,
        Stage::Runner,
        Source::Finding("gpu B8"),
        |world| scene(
            world,
            Standin::start(),
            "product = \"vm\"\n",
            "start gpu --timeout 8s"
        )
        .then(
            "`--timeout 15m` as printed; then it comes",
            Comes::Works,
            |reader| {
                reader.adds(&reader.quoted("--timeout [0-9]+m"));
                reader.comes_online();
            }
        )
    );
}

/// The world after a start of a runner that is up.
fn started(world: World, standin: &Standin) -> World {
    let world = table(world, standin, "");
    let mut child = world.spawn("start gpu --timeout 60s");
    let ended = crate::world::wait_for("the end of the start", || {
        for row in world.stub.runners() {
            world.github.bring_online(&row.name);
        }
        child.try_wait().expect("it can be asked")
    });
    assert!(ended.success());
    world
}

#[test]
fn a_stop_with_a_token_that_has_expired() {
    row!(
        Kind::Nebius,
        Stage::End,
        Source::Finding("gpu A8"),
        |world| {
            let standin = Standin::start();
            let world = started(world, &standin);
            standin.expire_tokens();
            let fresh = standin.token();
            let scene = stable(Scene::new(world, "stop --yes --timeout 20s")).with(standin);
            scene.then(
                "the `export` and the stop that are printed",
                Comes::Works,
                move |reader| {
                    reader.has_program("nebius", &format!("echo {fresh}"));
                    let command = reader.quoted("export NEBIUS_IAM_TOKEN=[^`]+");
                    reader.exports(&command);
                    let stop = reader.reads("then: `gharun (stop [^`]+)`");
                    reader.types(&format!("{stop} --yes"));
                },
            )
        }
    );
}

#[test]
fn a_deletion_that_nebius_fails_to_do() {
    row!(
        Kind::Nebius,
        Stage::End,
        Source::Finding("gpu B9"),
        |world| {
            let standin = Standin::start();
            let world = started(world, &standin);
            standin.judge(|asked| match asked.call {
                "jobs.delete" => Deed::Refuse(Refusal::internal()),
                _ => Deed::Answer,
            });
            let standin = Rc::new(standin);
            let inner = Rc::clone(&standin);
            let again = Rc::clone(&standin);
            stable(Scene::new(world, "stop --yes --timeout 20s"))
                .then("the stop that is printed", Comes::Works, move |reader| {
                    again.judge(|_| Deed::Answer);
                    let stop = reader.reads("try again: `gharun (stop [^`]+)`");
                    reader.types(&format!("{stop} --yes"));
                })
                .afterwards(move |_| inner.judge(|_| Deed::Answer))
                .with(standin)
        }
    );
}
