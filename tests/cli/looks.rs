//! What `gharun providers init` finds around, what it refuses to write, and what it says is next.

use crate::init::laptop;

#[cfg(all(
    feature = "aws",
    feature = "nebius",
    feature = "runpod",
    feature = "ssh"
))]
#[test]
fn no_file_is_written_that_a_start_could_not_use() {
    let world = laptop();
    for (kind, unset, typed, enough) in [
        (
            "aws",
            "`region`",
            "`--set x.region=us-east-1`",
            "region=us-east-1",
        ),
        (
            "nebius",
            "`project`",
            "`--set x.project=project-…`",
            "project=project-e00x",
        ),
        (
            "runpod",
            "`gpu` or `cpu`",
            "`--set x.gpu=L40S` or `--set x.cpu=cpu5c`",
            "cpu=cpu5c",
        ),
        ("ssh", "`hosts`", "`--set x.hosts=…`", "hosts=pi4"),
    ] {
        let init = format!("providers init x={kind} --repo octo/app");
        let said = world.run(&format!("{init} --yes")).exits(2);
        for part in [
            format!("{unset} of `x` is not set"),
            format!("set it with {typed}"),
        ] {
            assert!(said.stderr.contains(&part), "{part}: {}", said.stderr);
        }
        assert_eq!(crate::init::file(&world), None);
        world
            .run(&format!("{init} --set {enough} --print"))
            .exits(0);
    }
}

#[test]
fn a_table_that_the_defaults_leave_out_is_told_and_named_in_what_is_next() {
    let world = laptop();
    let before = "[defaults]\nproviders = [\"local\"]\n";
    std::fs::write(world.path("providers.toml"), before).expect("a file");
    let said = world
        .run("providers init box=local --repo octo/app --yes")
        .exits(0);
    for part in [
        "`gharun start` without a name leaves out `box`",
        "gharun workflow box > ",
    ] {
        assert!(said.stderr.contains(part), "{}", said.stderr);
    }
}

#[cfg(feature = "ssh")]
#[test]
fn hosts_of_files_that_are_included_are_found() {
    let world = laptop();
    std::fs::create_dir_all(world.path("home/.ssh/config.d")).expect("a folder");
    for (name, text) in [
        (
            "config",
            "Include config.d/*\nHost *\n  User me\nHost *.example.com\n",
        ),
        ("config.d/pis", "Host pi\n  HostName 127.0.0.1\n"),
    ] {
        std::fs::write(world.path("home/.ssh").join(name), text).expect("a file");
    }
    let said = world
        .run("providers init ssh --repo octo/app --print")
        .exits(0);
    assert!(
        said.stderr.contains("hosts of ~/.ssh/config: pi"),
        "{said:?}"
    );
    assert!(said.stdout.contains("hosts = [\"pi\"]\n"), "{said:?}");
}

#[cfg(feature = "nebius")]
#[test]
fn a_profile_that_cannot_be_read_is_not_ticked() {
    let world = laptop();
    std::fs::create_dir(world.path("home/.nebius")).expect("a folder");
    std::fs::write(world.path("home/.nebius/config.yaml"), "garbage: [").expect("a file");
    let said = world
        .run("providers init local --repo octo/app --print")
        .exits(0);
    assert!(!said.stderr.contains("✓ nebius"), "{}", said.stderr);
    assert!(said.stderr.contains("is not valid YAML"), "{}", said.stderr);
}

#[cfg(feature = "runpod")]
#[test]
fn a_key_that_is_refused_is_not_ticked() {
    let standin = gharun_worlds::runpod::Standin::running(1);
    let world = laptop()
        .env("RUNPOD_API_KEY", "rpa_wrongKeyOfNobodyAtAll")
        .env("RUNPOD_REST_V2_API_URL", &format!("{}/v2", standin.url));
    let said = world
        .run("providers init local --repo octo/app --print")
        .exits(0);
    assert!(said.stderr.contains("· runpod"), "{}", said.stderr);
    assert!(!said.stderr.contains("rpa_wrongKey"), "{}", said.stderr);
}

#[cfg(feature = "aws")]
#[test]
fn a_session_of_sso_that_was_never_opened_is_not_ticked() {
    let world = laptop().env("AWS_EC2_METADATA_DISABLED", "true");
    std::fs::create_dir(world.path("home/.aws")).expect("a folder");
    let config = "[default]\nregion = us-east-1\nsso_session = work\nsso_account_id = 123456789012\nsso_role_name = dev\n\
                  [sso-session work]\nsso_region = us-east-1\nsso_start_url = https://example.awsapps.com/start\n";
    std::fs::write(world.path("home/.aws/config"), config).expect("a file");
    let said = world
        .run("providers init local --repo octo/app --print")
        .exits(0);
    assert!(said.stderr.contains("· aws"), "{}", said.stderr);
}
