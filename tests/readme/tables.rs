//! The table of each kind, copied out of its page as it stands, on the stand-ins: whoever copies one gets a runner. Only
//! what names the reader's own account is another: its addresses, its project, its hosts.

use std::process::Child;

use crate::world::{Said, World, wait_for};

/// The first block with the table of a provider.
pub(crate) fn table(name: &str) -> String {
    let wanted = format!("[providers.{name}]");
    let mut blocks = crate::blocks_of("toml").into_iter();
    let found = blocks.find(|block| block.text.contains(&wanted));
    found.unwrap_or_else(|| panic!("no {wanted}")).text
}

/// A laptop with a table of the documents.
fn with_table(name: &str, own: impl Fn(String) -> String) -> World {
    let world = World::new();
    std::fs::write(world.path("providers.toml"), own(table(name))).expect("a file");
    world
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
fn the_table_of_runpod_works_as_it_stands() {
    let standin = gharun_worlds::runpod::Standin::start();
    let world = with_table("runpod", |text| text).env("RUNPOD_API_KEY", &standin.key);
    works(
        &world,
        "runpod",
        &format!("--set runpod.endpoint={}/v2", standin.url),
    );
    assert!(standin.alive().is_empty());
}

#[cfg(feature = "nebius")]
#[test]
fn the_table_of_nebius_works_as_it_stands() {
    use gharun_worlds::nebius::{PROJECT, Standin};

    let standin = Standin::start();
    let world = with_table("nebius", |text| text.replace("project-e00example", PROJECT));
    let world = world.env("NEBIUS_KEY", &standin.account().file());
    let url = &standin.url;
    works(
        &world,
        "nebius",
        &format!("--set nebius.endpoint={url} --set nebius.auth_endpoint={url}"),
    );
    assert_eq!(standin.billed(), []);
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
    let world = with_table("aws", |text| text)
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing")
        .env("AWS_ENDPOINT_URL", &proxy.url);
    works(&world, "aws", "");
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
    let world = with_table("rack", |text| {
        let text = text.replace("pi@pi4.local", &specs[0]);
        text.replace("pi@pi5.local:2222", &specs[1])
    });
    // `gpu` stays a name of `~/.ssh/config`.
    let (user, address) = specs[2].split_once('@').expect("a user");
    let (host, port) = address.rsplit_once(':').expect("a port");
    let config = format!("Host gpu\n  HostName {host}\n  Port {port}\n  User {user}\n");
    let folder = world.path("home").join(".ssh");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("config"), config).expect("a file");
    let set = format!(
        "--set rack.identity={} --set rack.known_hosts={}",
        rack.identity().display(),
        rack.known_hosts().display()
    );
    works(&world, "rack", &set);
}
