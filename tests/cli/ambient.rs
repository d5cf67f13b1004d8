//! What the environment holds, as it comes from secrets that were pasted and variables that are empty.

use std::process::Command;
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use gharun_worlds::moto::{Deed, Proxy, Server};
use gharun_worlds::skipped;

use crate::profiles::Tunnel;
use crate::world::{Said, World};

/// Whatever the SDK would make of it: no panic, an exit code of ours, and an error that names no machine.
#[test]
fn pasted_keys_and_empty_endpoints_of_aws_are_taken_or_told() {
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "testing\n"),
        ("AWS_ACCESS_KEY_ID", "tes\nting"),
        ("AWS_SESSION_TOKEN", "token\r\n"),
        ("AWS_ENDPOINT_URL_EC2", ""),
        ("AWS_ENDPOINT_URL_STS", " \n"),
        ("AWS_ENDPOINT_URL_EC2", "localhost:5000"),
    ] {
        let world = World::new()
            .env("AWS_ACCESS_KEY_ID", "testing")
            .env("AWS_SECRET_ACCESS_KEY", "testing")
            .env("AWS_REGION", "us-east-1")
            // Nobody listens there.
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
        for args in [
            "providers check aws",
            "list --provider aws",
            "stop --orphans --yes --provider aws",
            "start aws --set image=ami-0123456789abcdef0 --timeout 30s",
        ] {
            let mut command = world.command(args);
            let output = command.env(name, value).output().expect("it runs");
            let said = Said::of(output, &world);
            let place = format!("{name}={value:?} {args}\n{}", said.stderr);
            assert!(matches!(said.code, Some(1 | 2)), "{:?} {place}", said.code);
            assert!(!said.stderr.contains("panicked"), "{place}");
            assert!(!said.stderr.contains("may still be running"), "{place}");
        }
    }
}

/// The SDK asks STS on its own for the role of a profile, and reads these variables again.
#[test]
fn an_empty_endpoint_beside_the_role_of_a_profile_is_unset() {
    let rows = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"]
        .map(|name| ["", " \n"].map(|value| (name, value)));
    std::thread::scope(|all| {
        for (name, value) in rows.into_iter().flatten() {
            all.spawn(move || asks_sts_of_aws((name, value), COMMANDS, World::command));
        }
    });
}

/// Then the program of the process, as the kernel sees it, is the loader.
#[test]
fn an_empty_endpoint_is_unset_where_a_loader_runs_the_program() {
    let Some(loader) = loader() else {
        return skipped("blank variables under a loader: this program has none that can be named");
    };
    let under_loader = |world: &World, args: &str| {
        let mut command = Command::new(loader);
        command.arg(cargo_bin("gharun"));
        world.dressed(command, args.split_whitespace())
    };
    asks_sts_of_aws(("AWS_ENDPOINT_URL_STS", ""), &COMMANDS[..1], under_loader);
}

#[test]
fn an_empty_endpoint_is_unset_after_the_file_of_the_program_was_replaced() {
    let removed = |world: &World, args: &str| {
        let file = world.path("gharun");
        // What ran before here has removed it; another folder may be on another file system.
        if std::fs::hard_link(cargo_bin("gharun"), &file).is_err() {
            std::fs::copy(cargo_bin("gharun"), &file).expect("a copy");
        }
        let script = format!("exec 9<gharun; rm gharun; exec /proc/self/fd/9 {args}");
        world.dressed(Command::new("sh"), ["-c", script.as_str()])
    };
    asks_sts_of_aws(("AWS_ENDPOINT_URL_STS", ""), &COMMANDS[..1], removed);
}

/// What loads programs here, where it can be told to load ours.
fn loader() -> Option<&'static str> {
    let all = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];
    all.into_iter().find(|loader| {
        let mut command = Command::new(loader);
        let status = command.arg("--verify").arg(cargo_bin("gharun")).status();
        status.is_ok_and(|status| status.success())
    })
}

/// Every way to the credentials: a command and the exit codes that it may have.
const COMMANDS: &[(&str, [i32; 2])] = &[
    ("providers check aws", [1, 1]),
    ("stop aws:us-east-1/i-0123456789abcdef0", [3, 3]),
    (
        "start aws --set image=ami-0123456789abcdef0 --timeout 30s",
        [1, 2],
    ),
];

fn asks_sts_of_aws(
    (name, value): (&str, &str),
    commands: &[(&str, [i32; 2])],
    run: impl Fn(&World, &str) -> Command,
) {
    let tunnel = Tunnel::start();
    let world = World::new()
        .env("AWS_PROFILE", "ci")
        .env("AWS_REGION", "us-east-1")
        .env("HTTPS_PROXY", &tunnel.url)
        // Nobody listens there.
        .env("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:9");
    let profiles = "[profile base]\naws_access_key_id = testing\naws_secret_access_key = testing\n\
                    [profile ci]\nrole_arn = arn:aws:iam::123456789012:role/ci\nsource_profile = base\n";
    std::fs::create_dir_all(world.path("home/.aws")).expect("a folder");
    std::fs::write(world.path("home/.aws/config"), profiles).expect("a file");
    for (args, codes) in commands {
        let mut command = run(&world, args);
        let output = command.env(name, value).output().expect("it runs");
        let said = Said::of(output, &world);
        let place = format!("{name}={value:?} {args}\n{}", said.stderr);
        assert!(!said.stderr.contains("gharun itself failed"), "{place}");
        assert!(
            said.code.is_some_and(|code| codes.contains(&code)),
            "{:?} {place}",
            said.code
        );
        let asked = tunnel.asked();
        assert!(
            asked.contains(&"CONNECT sts.us-east-1.amazonaws.com:443".to_owned()),
            "{asked:?} {place}"
        );
    }
}

#[test]
fn an_empty_web_identity_leaves_the_chain_to_the_credentials_of_the_container() {
    const OF_CONTAINER: &str = r#"{"AccessKeyId":"ASIATESTING","SecretAccessKey":"s","Token":"t","Expiration":"2100-01-01T00:00:00Z"}"#;
    for (token, role) in [
        ("", ""),
        (" ", "arn:aws:iam::123456789012:role/oidc"),
        ("token", ""),
    ] {
        // No request for the credentials of a container names an action.
        let place = Proxy::start(
            &Server::new("http://127.0.0.1:9"),
            Duration::ZERO,
            |asked| {
                if asked.action.is_empty() {
                    Deed::Answer(OF_CONTAINER)
                } else {
                    Deed::Refuse(403, "UnauthorizedOperation")
                }
            },
        );
        let world = World::new()
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ENDPOINT_URL", &place.url)
            .env(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                &format!("{}/role", place.url),
            );
        let mut command = world.command("list --provider aws");
        let command = command
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", token)
            .env("AWS_ROLE_ARN", role);
        let said = Said::of(command.output().expect("it runs"), &world);
        assert_eq!(
            place.asked("").len(),
            1,
            "{token:?} {role:?}: {}",
            said.stderr
        );
        assert!(
            !place.asked("DescribeInstances").is_empty(),
            "{}",
            said.stderr
        );
    }
}

/// Requests that AWS signs hold no secret; the boot script of an instance does.
#[test]
fn boot_scripts_go_to_no_open_endpoint_of_ec2_and_lists_and_stops_do() {
    let world = World::new()
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing")
        .env("AWS_REGION", "us-east-1");
    for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_EC2"] {
        let run = |args: &str| {
            let mut command = world.command(args);
            let command = command.env(variable, "http://gharun.invalid:9");
            Said::of(command.output().expect("it runs"), &world)
        };
        let start = "start aws --set image=ami-0123456789abcdef0 --timeout 30s";
        let said = run(start).exits(2);
        assert!(said.stderr.contains("unencrypted"), "{}", said.stderr);
        assert!(
            said.stderr.contains("`allow_plain_http = true`"),
            "{}",
            said.stderr
        );
        let allowed = format!("{start} --set allow_plain_http=true");
        for args in [
            allowed.as_str(),
            "list --provider aws",
            "stop --orphans --yes --provider aws",
        ] {
            let said = run(args);
            assert!(!said.stderr.contains("unencrypted"), "{args}: {said:?}");
        }
    }
}
