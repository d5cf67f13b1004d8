//! Each table of each kind, copied out of its page as it stands, on the stand-ins: whoever copies one gets a runner. Only
//! what names the reader's own account is another: its addresses, its project, its hosts.

use std::process::Child;

use crate::world::{Said, World, wait_for};

/// The tables of a provider, as the documents have them.
fn tables(name: &str) -> Vec<String> {
    let wanted = format!("[providers.{name}]");
    let blocks = crate::blocks_of("toml").into_iter();
    let found = blocks.filter(|block| block.text.contains(&wanted));
    let found: Vec<String> = found.map(|block| block.text).collect();
    assert!(!found.is_empty(), "no {wanted}");
    found
}

/// The first of them.
#[cfg(feature = "nebius")]
pub(crate) fn table(name: &str) -> String {
    tables(name).remove(0)
}

/// Laptops, each with a table of the documents.
fn with_tables(name: &str, own: impl Fn(String) -> String) -> Vec<World> {
    let worlds = tables(name).into_iter().map(|table| {
        let world = World::new();
        std::fs::write(world.path("providers.toml"), own(table)).expect("a file");
        world
    });
    worlds.collect()
}

#[test]
fn the_page_of_each_kind_has_a_table_and_each_table_has_a_test() {
    let tested = [
        "aws", "box", "local", "mybox", "nebius", "pod", "rack", "runpod",
    ];
    let mut found = std::collections::BTreeSet::new();
    for document in crate::documents::all() {
        let kind = document.name.strip_prefix("docs/providers/");
        let Some(kind) = kind.and_then(|name| name.strip_suffix(".md")) else {
            continue;
        };
        let blocks = document.blocks().into_iter();
        let names = blocks
            .filter(|block| block.language == "toml")
            .map(|block| {
                let table: toml::Table = block.text.parse().expect("TOML");
                let (name, table) = table["providers"]
                    .as_table()
                    .expect("tables")
                    .iter()
                    .next()
                    .expect("a table");
                assert_eq!(
                    table
                        .get("kind")
                        .and_then(toml::Value::as_str)
                        .unwrap_or(name),
                    kind,
                    "{}",
                    block.place(0)
                );
                name.clone()
            });
        let names: Vec<String> = names.collect();
        assert!(!names.is_empty(), "{} has no table", document.name);
        found.extend(names);
    }
    assert_eq!(found.into_iter().collect::<Vec<_>>(), tested);
}

/// Checks a provider, starts a runner there, lists and stops it; where there is no machine behind it, the runner is
/// brought online.
#[track_caller]
fn works(world: &World, name: &str, set: &str) {
    world.run(&format!("providers check {name} {set}")).exits(0);
    let mut child: Child = world.spawn(&format!("start {name} {set}"));
    wait_for("the end of the start", || {
        for row in world.stub.runners().iter().filter(|row| !row.online) {
            world.github.bring_online(&row.name);
        }
        child.try_wait().expect("it can be asked")
    });
    let said = Said::of(child.wait_with_output().expect("it ended"), world);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let listed = world.run(&format!("list --output json --provider {name} {set}"));
    let listed = listed.exits(0).json();
    let machines = listed["machines"].as_array().expect("a list");
    assert_eq!(machines.len(), 1, "{listed}");
    assert_eq!(machines[0]["provider"], name, "{listed}");
    world.run(&format!("stop --yes {set}")).exits(0);
    assert!(world.stub.runners().is_empty());
}

#[cfg(feature = "runpod")]
#[test]
fn the_tables_of_runpod_work_as_they_stand() {
    let standin = gharun_worlds::runpod::Standin::start();
    let worlds = with_tables("runpod", |text| text);
    assert_eq!(worlds.len(), 2);
    for world in worlds {
        let world = world.env("RUNPOD_API_KEY", &standin.key);
        let set = format!("--set runpod.endpoint={}/v2", standin.url);
        works(&world, "runpod", &set);
        assert!(standin.alive().is_empty());
    }
}

#[cfg(feature = "nebius")]
#[test]
fn the_table_of_nebius_works_as_it_stands() {
    use gharun_worlds::nebius::{PROJECT, Standin};

    let standin = Standin::start();
    let url = &standin.url;
    let set = format!("--set nebius.endpoint={url} --set nebius.auth_endpoint={url}");
    for world in with_tables("nebius", |text| text.replace("project-e00example", PROJECT)) {
        let world = world.env("NEBIUS_KEY", &standin.account().file());
        works(&world, "nebius", &set);
        assert_eq!(standin.billed(), []);
    }
}

#[cfg(feature = "aws")]
#[test]
fn the_table_of_aws_works_as_it_stands() {
    use std::time::Duration;

    use gharun_worlds::moto::{Deed, Proxy, Server, ask};

    let Some(url) = crate::world::outer("GHARUN_MOTO_URL").filter(|url| !url.is_empty()) else {
        return gharun_worlds::skipped(
            "aws: no moto at $GHARUN_MOTO_URL; `sh tests/run` starts one",
        );
    };
    let server = Server::new(&url);
    // An image of the reader's own.
    let name = format!("runner-{}", gharun_worlds::random(8));
    let first = [
        ("ImageId", "ami-00000000000000001"),
        ("InstanceType", "t3.large"),
        ("MinCount", "1"),
        ("MaxCount", "1"),
    ];
    for region in ["us-east-1", "us-east-2"] {
        let launched = ask(&server, region, "RunInstances", &first);
        let id = launched.split("<instanceId>").nth(1);
        let id = id.and_then(|rest| rest.split('<').next());
        let id = id.expect("an instance to make it of");
        let made = [("Name", name.as_str()), ("InstanceId", id)];
        ask(&server, region, "CreateImage", &made);
        ask(
            &server,
            region,
            "TerminateInstances",
            &[("InstanceId.1", id)],
        );
    }
    // What comes by it is of the account that the image is in.
    let proxy = Proxy::start(&server, Duration::ZERO, |_| Deed::Forward);
    for world in with_tables("aws", |text| text) {
        let world = world
            .env("AWS_ACCESS_KEY_ID", "testing")
            .env("AWS_SECRET_ACCESS_KEY", "testing")
            .env("AWS_ENDPOINT_URL", &proxy.url);
        works(&world, "aws", "");
    }
}

#[cfg(feature = "ssh")]
#[test]
fn the_table_of_ssh_works_as_it_stands() {
    use gharun_worlds::sshd::{Rack, program};

    if let Err(why) = program() {
        return gharun_worlds::skipped(&format!("ssh: {why}"));
    }
    let rack = Rack::of(3, "");
    let specs = rack.specs();
    let worlds = with_tables("rack", |text| {
        let text = text.replace("pi@pi4.local", &specs[0]);
        text.replace("pi@pi5.local:2222", &specs[1])
    });
    // `gpu` stays a name of `~/.ssh/config`.
    let (user, address) = specs[2].split_once('@').expect("a user");
    let (host, port) = address.rsplit_once(':').expect("a port");
    let config = format!("Host gpu\n  HostName {host}\n  Port {port}\n  User {user}\n");
    let set = format!(
        "--set rack.identity={} --set rack.known_hosts={}",
        rack.identity().display(),
        rack.known_hosts().display()
    );
    for world in worlds {
        let folder = world.path("home").join(".ssh");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("config"), &config).expect("a file");
        works(&world, "rack", &set);
    }
}

#[test]
fn the_table_of_local_works_as_it_stands() {
    for world in with_tables("local", |text| text) {
        works(&world, "local", "");
    }
}

#[cfg(feature = "docker")]
#[test]
fn the_tables_of_docker_work_with_a_daemon_of_this_computer() {
    let Some(image) = crate::steps::image() else {
        return;
    };
    let host = crate::world::outer("DOCKER_HOST").filter(|host| !host.is_empty());
    let host = host.unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned());
    for (name, theirs) in [
        ("box", "ssh://ci@build.example.com"),
        ("pod", "unix:///run/user/1000/podman/podman.sock"),
    ] {
        let worlds = with_tables(name, |text| {
            assert!(text.contains(theirs), "{text}");
            let text = text.replace(theirs, &host);
            // More than the computer may have.
            let text = text.replace("cpus = 4", "cpus = 1");
            text.replace("memory = \"8g\"", "memory = \"256m\"")
        });
        for world in worlds {
            works(&world, name, &format!("--set {name}.image={image}"));
        }
    }
}

#[test]
fn the_tables_of_a_program_of_ones_own_work_with_the_example_beside_them() {
    use std::os::unix::fs::PermissionsExt as _;

    let Some(image) = crate::steps::image() else {
        return;
    };
    let worlds = with_tables("mybox", |text| text.replace("ubuntu:24.04", image));
    assert_eq!(worlds.len(), 2);
    for world in worlds {
        let program = world.path("docker.sh");
        std::fs::copy(
            crate::documents::repository("examples/providers/docker.sh"),
            &program,
        )
        .expect("a file");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&program, mode).expect("a mode");
        let world = match crate::world::outer("DOCKER_HOST") {
            Some(host) => world.env("DOCKER_HOST", &host),
            None => world,
        };
        works(&world, "mybox", "");
    }
}
