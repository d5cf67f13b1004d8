//! Each workflow of examples/ is run once: its steps of the action, in order, against stand-ins.

use std::process::{Child, Stdio};

use yaml_rust2::Yaml;

use crate::examples::{is_ours, steps, workflows};
use crate::world::{Said, TOKEN, World, wait_for};

/// What the secrets and variables of a workflow hold.
type Secrets<'a> = &'a [(&'a str, String)];

/// A step of a workflow, in run 7.
fn step() -> World {
    let event = r#"{"repository": {"fork": false}}"#;
    let world = World::step()
        .env("GITHUB_EVENT_NAME", "push")
        .env("GITHUB_REF", "refs/heads/main");
    let path = world.path("event.json");
    std::fs::write(&path, event).expect("a file");
    let path = path.display().to_string();
    world.env("GITHUB_EVENT_PATH", &path).env("GH_PAT", "")
}

/// A text with its expressions filled in, as GitHub does it.
fn evaluated(text: &str, world: &World, secrets: Secrets<'_>) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{ ") {
        let (expression, after) = after.split_once(" }}").expect("it ends");
        done.push_str(before);
        let name = expression.rsplit('.').next().unwrap_or_default();
        let value = match expression.split('.').next() {
            Some("secrets" | "vars") => {
                let held = secrets.iter().find(|(secret, _)| *secret == name);
                held.unwrap_or_else(|| panic!("nobody set {name}"))
                    .1
                    .clone()
            }
            Some("needs") => world.output(name).unwrap_or_default(),
            _ => panic!("{expression} is not known here"),
        };
        done.push_str(&value);
        rest = after;
    }
    done + rest
}

fn text(value: &Yaml) -> String {
    match value {
        Yaml::Integer(number) => number.to_string(),
        Yaml::Real(text) | Yaml::String(text) => text.clone(),
        Yaml::Boolean(value) => value.to_string(),
        other => panic!("{other:?} is not an input"),
    }
}

/// Runs a step of the action to its end; runners without a machine are brought online.
fn run(world: &World, step: &Yaml, secrets: Secrets<'_>) -> Said {
    let inputs = step["with"]
        .as_hash()
        .expect("inputs")
        .iter()
        .map(|(key, value)| {
            let key = key.as_str().expect("a name").to_owned();
            (
                key,
                serde_json::Value::from(evaluated(&text(value), world, secrets)),
            )
        });
    let inputs: serde_json::Map<String, serde_json::Value> = inputs.collect();
    let mut command = world.command("action");
    command.env(
        "GHARUN_ACTION_INPUTS",
        serde_json::Value::from(inputs).to_string(),
    );
    for (key, value) in step["env"].as_hash().into_iter().flatten() {
        let value = evaluated(&text(value), world, secrets);
        command.env(key.as_str().expect("a name"), value);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child: Child = command.spawn().expect("it runs");
    wait_for("the end of the step", || {
        for row in world.stub.runners().iter().filter(|row| !row.online) {
            world.github.bring_online(&row.name);
        }
        child.try_wait().expect("it can be asked")
    });
    Said::of(child.wait_with_output().expect("it ended"), world)
}

/// Runs the steps of an example; `own` puts in what is the reader's own.
#[track_caller]
fn works(name: &str, world: &World, secrets: Secrets<'_>, own: impl Fn(&mut Yaml)) {
    let place = format!("examples/{name}.yml");
    let found = workflows().into_iter().find(|(of, _)| *of == place);
    let (_, workflow) = found.expect("it is there");
    all_steps_work(&place, &workflow, world, secrets, own);
}

#[track_caller]
fn all_steps_work(
    place: &str,
    workflow: &Yaml,
    world: &World,
    secrets: Secrets<'_>,
    own: impl Fn(&mut Yaml),
) {
    let mut seen = 0;
    for (job, step) in steps(workflow)
        .into_iter()
        .filter(|(_, step)| is_ours(step))
    {
        let mut step = step.clone();
        own(&mut step);
        let said = run(world, &step, secrets);
        let heard = said.stderr.lines();
        let heard: Vec<&str> = heard
            .filter(|line| !line.starts_with("::add-mask::"))
            .collect();
        let heard = heard.join("\n");
        assert_eq!(
            said.code,
            Some(0),
            "{place}: {job}:\n{}\n{heard}",
            said.stdout
        );
        if job == "start" {
            let instances = world.output("instances").expect("an output");
            assert!(instances.starts_with("[\"gharun-7-1-"), "{instances}");
        }
        seen += 1;
    }
    assert!(seen > 0, "{place} has no step of the action");
    assert!(
        world.stub.runners().is_empty(),
        "{place} leaves a registration"
    );
    world.keeps(&[TOKEN], &[]);
}

#[cfg(any(feature = "aws", feature = "nebius", feature = "runpod"))]
fn as_it_is(_: &mut Yaml) {}

/// Puts what is the reader's own into the input `set`.
#[cfg(any(feature = "docker", feature = "ssh"))]
fn replace_set(step: &mut Yaml, own: &[(&str, &str)]) {
    let Yaml::Hash(step) = step else { return };
    let Some(Yaml::Hash(with)) = step.get_mut(&Yaml::String("with".into())) else {
        return;
    };
    if let Some(Yaml::String(set)) = with.get_mut(&Yaml::String("set".into())) {
        for (theirs, own) in own {
            *set = set.replace(theirs, own);
        }
    }
}

/// The secret that every example has.
fn token() -> (&'static str, String) {
    ("GH_PAT", TOKEN.to_owned())
}

#[cfg(feature = "runpod")]
mod runpod {
    use super::*;
    use gharun_worlds::runpod::Standin;

    fn world(standin: &Standin) -> World {
        let world = step();
        let table = format!("[providers.runpod]\nendpoint = \"{}/v2\"\n", standin.url);
        std::fs::write(world.path("providers.toml"), table).expect("a file");
        world
    }

    fn secrets(standin: &Standin) -> Vec<(&'static str, String)> {
        vec![token(), ("RUNPOD_API_KEY", standin.key.clone())]
    }

    #[test]
    fn the_examples_with_runpod_run_as_they_are() {
        for name in ["gpu-runpod", "matrix"] {
            let standin = Standin::start();
            works(name, &world(&standin), &secrets(&standin), as_it_is);
            assert!(standin.alive().is_empty(), "{name}");
        }
    }

    #[test]
    fn the_block_of_the_readme_needs_two_secrets_and_no_table() {
        let blocks = workflows().into_iter();
        let mut whole = blocks.filter(|(place, workflow)| {
            place.starts_with("README.md:") && !workflow["name"].is_badvalue()
        });
        let (place, workflow) = whole.next().expect("the README has a workflow");
        assert!(whole.next().is_none(), "the README has one");
        let own = steps(&workflow);
        let gpu = own
            .iter()
            .filter_map(|(_, step)| step["with"]["set"].as_str());
        assert!(
            gpu.into_iter().any(|set| set.starts_with("gpu=")),
            "{place}"
        );
        let standin = Standin::start();
        all_steps_work(
            &place,
            &workflow,
            &world(&standin),
            &secrets(&standin),
            as_it_is,
        );
        assert!(standin.alive().is_empty());
    }

    #[test]
    fn the_sweep_runs_as_it_is() {
        let standin = Standin::start();
        works("sweep", &world(&standin), &secrets(&standin), as_it_is);
    }
}

#[cfg(feature = "nebius")]
#[test]
fn the_example_with_nebius_runs_with_the_table_of_its_page() {
    use gharun_worlds::nebius::{PROJECT, Standin};

    let standin = Standin::start();
    let world = step();
    let folder = world.path(".github");
    std::fs::create_dir(&folder).expect("a folder");
    let table = crate::tables::table("nebius").replace("project-e00example", PROJECT);
    let url = &standin.url;
    let table = table.replace(
        "[providers.nebius]\n",
        &format!("[providers.nebius]\nendpoint = \"{url}\"\nauth_endpoint = \"{url}\"\n"),
    );
    std::fs::write(folder.join("providers.toml"), table).expect("a file");
    let secrets = [token(), ("NEBIUS_KEY", standin.account().file())];
    works("gpu-nebius", &world, &secrets, as_it_is);
    assert_eq!(standin.billed(), []);
}

#[cfg(feature = "aws")]
#[test]
fn the_examples_with_ec2_run_once_a_role_was_taken() {
    use std::time::Duration;

    use gharun_worlds::moto::{Deed, Proxy, Server};

    let Some(url) = crate::world::outer("GHARUN_MOTO_URL").filter(|url| !url.is_empty()) else {
        return gharun_worlds::skipped(
            "examples: no moto at $GHARUN_MOTO_URL; `sh tests/run` starts one",
        );
    };
    let proxy = Proxy::start(&Server::new(&url), Duration::ZERO, |_| Deed::Forward);
    for name in ["ec2-oidc", "ec2-spot-arm"] {
        // What aws-actions/configure-aws-credentials leaves in the environment.
        let world = step()
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "testing")
            .env("AWS_SECRET_ACCESS_KEY", "testing")
            .env("AWS_ENDPOINT_URL", &proxy.url);
        // moto knows no parameter of an image for ARM.
        let parameter = "resolve:ssm:/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id";
        works(name, &world, &[token()], |step| {
            let images =
                r#"["us-east-1/ami-00000000000000004", "us-east-2/ami-00000000000000004"]"#;
            replace_set(step, &[(parameter, images)]);
        });
    }
}

/// An image that the daemon of this computer has; says so where there is none.
#[cfg(feature = "docker")]
pub(crate) fn image() -> Option<&'static str> {
    const IMAGE: &str = "gharun-test-program:1";
    let script = crate::documents::repository("tests/image.sh");
    let made = std::process::Command::new("sh")
        .arg(script)
        .arg(IMAGE)
        .output()
        .expect("sh runs");
    if !made.status.success() {
        let why = String::from_utf8_lossy(&made.stderr).into_owned();
        gharun_worlds::skipped(&format!("examples: {}", why.trim()));
        return None;
    }
    Some(IMAGE)
}

#[cfg(feature = "docker")]
#[test]
fn the_example_with_docker_runs_with_an_image_of_its_own() {
    let Some(image) = image() else { return };
    let world = step();
    let table = format!("[providers.docker]\nimage = \"{image}\"\npull = \"never\"\n");
    std::fs::write(world.path("providers.toml"), table).expect("a file");
    let host = crate::world::outer("DOCKER_HOST").unwrap_or_default();
    let world = world.env("DOCKER_HOST", &host);
    // More than the computer may have.
    works("docker-host", &world, &[token()], |step| {
        replace_set(step, &[("cpus=4", "cpus=1"), ("memory=8g", "memory=256m")]);
    });
}

#[cfg(feature = "ssh")]
#[test]
fn the_example_with_ssh_runs_on_hosts_of_its_own() {
    use gharun_worlds::sshd::{Rack, program};

    if let Err(why) = program() {
        return gharun_worlds::skipped(&format!("examples: {why}"));
    }
    let rack = Rack::of(2, "");
    let world = step();
    let table = format!(
        "[providers.ssh]\nidentity = \"{}\"\nknown_hosts = \"{}\"\n",
        rack.identity().display(),
        rack.known_hosts().display()
    );
    std::fs::write(world.path("providers.toml"), table).expect("a file");
    let specs = rack.specs();
    works("pi-rack", &world, &[token()], |step| {
        replace_set(
            step,
            &[("pi@pi4.local", &specs[0]), ("pi@pi5.local", &specs[1])],
        );
    });
}

#[cfg(feature = "runpod")]
#[test]
fn the_example_of_an_organization_runs_with_an_app_of_its_own() {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use gharun_worlds::github::Installation;
    use gharun_worlds::keys;

    let standin = gharun_worlds::runpod::Standin::start();
    let world = step();
    let table = format!("[providers.runpod]\nendpoint = \"{}/v2\"\n", standin.url);
    std::fs::write(world.path("providers.toml"), table).expect("a file");
    let permissions = [
        ("organization_self_hosted_runners", "write"),
        ("actions", "read"),
    ];
    world.github.install_app(Installation {
        app: 1234,
        client_id: "Iv23liPretend".to_owned(),
        key: keys::rsa().public.clone(),
        id: 77,
        scopes: vec!["acme".to_owned()],
        permissions: permissions
            .iter()
            .map(|(name, level)| ((*name).to_owned(), (*level).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        suspended: false,
        lasts: Duration::from_hours(1),
    });
    world.github.add_group(3, "gpu");
    let secrets = [
        ("GHARUN_APP_ID", "1234".to_owned()),
        ("GHARUN_APP_PRIVATE_KEY", keys::rsa().pkcs1.clone()),
        ("RUNPOD_API_KEY", standin.key.clone()),
    ];
    works("org-app", &world, &secrets, as_it_is);
    assert!(standin.alive().is_empty());
}
