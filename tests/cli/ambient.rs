//! What the environment holds, as it comes from secrets that were pasted and variables that are empty.

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
