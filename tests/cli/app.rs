//! A GitHub App in the place of a token.

use std::collections::BTreeMap;
use std::time::Duration;

use gharun_worlds::github::{Fault, Installation, Kind};

use crate::world::{Said, World, files};
use gharun_worlds::keys;

const ID: u64 = 77;

/// A world whose only way to GitHub is an app; how it is given is the test's to say.
fn installed(world: World) -> World {
    let world = world.env("GH_PAT", "");
    let permissions = [
        ("administration", "write"),
        ("actions", "read"),
        ("contents", "write"),
    ];
    world.github.install_app(Installation {
        app: 1234,
        client_id: "Iv23liPretend".to_owned(),
        key: keys::rsa().public.clone(),
        id: ID,
        scopes: vec![world.repo().to_owned()],
        permissions: permissions
            .iter()
            .map(|(name, level)| ((*name).to_owned(), (*level).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        suspended: false,
        lasts: Duration::from_hours(1),
    });
    world
}

/// The app in variables, its key in one line as secrets often are.
fn of_variables(world: World) -> World {
    installed(world).env("GHARUN_APP_ID", "1234").env(
        "GHARUN_APP_PRIVATE_KEY",
        &keys::rsa().pkcs1.replace('\n', "\\n"),
    )
}

/// How many tokens the app got, and how many of them are good still.
fn tokens(world: &World) -> (usize, usize) {
    let github = &world.github;
    let (tokens, now) = (github.app_tokens(), github.now());
    let good = tokens.iter().filter(|one| one.is_good(now)).count();
    (tokens.len(), good)
}

fn refused(world: &World, args: &str) -> String {
    let said = world.run(args).exits(2);
    assert_eq!(said.stdout, "", "a refusal prints no data");
    assert_eq!(world.github.requests().len(), 0, "something was asked");
    said.stderr
}

fn write(world: &World, name: &str, text: &str) {
    std::fs::write(world.path(name), text).expect("a file");
}

#[test]
fn an_app_from_the_environment_starts_lists_and_stops() {
    let world = of_variables(World::new());
    let started = world.run("start local --output json").exits(0).json();
    assert_eq!(tokens(&world), (1, 0), "a token is left behind");
    let listed = world.run("list --output json").exits(0).json();
    assert_eq!(listed["machines"][0]["verdict"], "ready", "{listed}");
    assert_eq!(listed["machines"][0]["name"], started["runners"][0]["name"]);
    let stopped = world.run("stop --yes --output json").exits(0).json();
    assert_eq!(stopped["stopped"][0]["deregistered"], true, "{stopped}");
    assert_eq!(world.stub.runners().len(), 0);
    assert_eq!(tokens(&world), (3, 0));
}

#[test]
fn an_app_from_the_file_needs_no_variable() {
    let world = installed(World::new());
    write(&world, "app.pem", &keys::rsa().pkcs8);
    for source in [
        "{ file = \"app.pem\" }",
        "{ command = [\"cat\", \"app.pem\"] }",
    ] {
        write(
            &world,
            "providers.toml",
            &format!(
                "[github]\ntoken = {{ env = \"NOT_THIS\" }}\n[github.app]\nid = \"Iv23liPretend\"\ninstallation = {ID}\nprivate_key = {source}\n"
            ),
        );
        let mut command = world.command("list --provider local");
        let output = command.env("NOT_THIS", "ghp_wrong").output();
        Said::of(output.expect("it runs"), &world).exits(0);
    }
    assert_eq!(tokens(&world), (2, 0));
    let looked = "GET /repos/{owner}/{repo}/installation";
    assert_eq!(world.github.count(looked), 0);
}

#[test]
fn a_token_of_our_own_goes_before_the_app() {
    let world = of_variables(World::new()).env("GH_PAT", crate::world::TOKEN);
    world.run("list --provider local").exits(0);
    assert_eq!(tokens(&world), (0, 0));
}

#[test]
fn neither_key_nor_signature_nor_token_is_written_anywhere() {
    let world = of_variables(World::step());
    let runs = ["start local -vv", "list --output json -vv", "stop -vv"];
    let said = runs.map(|args| world.run(args).exits(0));
    assert_eq!(tokens(&world), (3, 0));
    let key = &keys::rsa().pkcs1;
    let lines = key.lines().filter(|line| !line.starts_with('-'));
    let mut secrets = world.github.secrets();
    assert!(secrets.iter().any(|one| one.starts_with("eyJ")));
    assert!(secrets.iter().any(|one| one.starts_with("ghs_")));
    secrets.extend(lines.clone().map(str::to_owned));
    for said in &said {
        let masks = |line: &&str| line.starts_with("::add-mask::");
        let (masked, heard): (Vec<&str>, Vec<&str>) = said
            .stderr
            .lines()
            .chain(said.stdout.lines())
            .partition(masks);
        for secret in &secrets {
            let told = heard.iter().find(|line| line.contains(secret.as_str()));
            assert_eq!(told, None, "a secret is said");
        }
        // All of it is masked: the key by its lines and as it was given, what was signed, what was got.
        for line in lines.clone().filter(|line| line.len() == 64) {
            assert!(masked.iter().any(|mask| mask.ends_with(line)), "{masked:?}");
        }
        let given = key.trim_end().replace('\n', "\\n");
        for beginning in [given.as_str(), "eyJ", "ghs_"] {
            let mask = format!("::add-mask::{beginning}");
            assert!(
                masked.iter().any(|line| line.starts_with(&mask)),
                "{beginning}"
            );
        }
    }
    for (path, text) in files(world.folder.path()) {
        for secret in &secrets {
            let path = path.display();
            assert!(!text.contains(secret.as_str()), "a secret is in {path}");
        }
    }
}

#[test]
fn a_wrong_key_is_told_and_nothing_is_tried() {
    let wrong = |key: &str| {
        let world = installed(World::new())
            .env("GHARUN_APP_ID", "1234")
            .env("GHARUN_APP_PRIVATE_KEY", key);
        refused(&world, "start local")
    };
    insta::assert_snapshot!(wrong("/run/secrets/app.pem"), @r#"
    warning: `local`: jobs run on this machine with all the rights of this user
    error: the private key of the GitHub App ($GHARUN_APP_PRIVATE_KEY) is the path of a file instead of its content

    hint: name the file with `private_key = { file = "PATH" }` under [github.app] in providers.toml
    "#);
    insta::assert_snapshot!(wrong(&keys::rsa().public), @r#"
    warning: `local`: jobs run on this machine with all the rights of this user
    error: the private key of the GitHub App ($GHARUN_APP_PRIVATE_KEY) is a public key

    hint: use the `.pem` file from "Private keys" on the app's page: it begins with `-----BEGIN RSA PRIVATE KEY-----`
    "#);
    insta::assert_snapshot!(wrong(keys::elliptic()), @r#"
    warning: `local`: jobs run on this machine with all the rights of this user
    error: the private key of the GitHub App ($GHARUN_APP_PRIVATE_KEY) is not an RSA key

    hint: use the `.pem` file from "Private keys" on the app's page: it begins with `-----BEGIN RSA PRIVATE KEY-----`
    "#);
    insta::assert_snapshot!(wrong("-----BEGIN RSA PRIVATE KEY-----"), @r"
    warning: `local`: jobs run on this machine with all the rights of this user
    error: the private key of the GitHub App ($GHARUN_APP_PRIVATE_KEY) is cut off: the line `-----END …-----` is missing

    hint: use the whole file; where only one line fits, write `\n` for each line end, or the output of `base64 -w0 KEY.pem`
    ");
    insta::assert_snapshot!(wrong("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----"), @"
    warning: `local`: jobs run on this machine with all the rights of this user
    error: the private key of the GitHub App ($GHARUN_APP_PRIVATE_KEY) is encrypted with a passphrase

    hint: remove the passphrase with `openssl rsa -in KEY.pem -out PLAIN.pem`, or use the file as downloaded from GitHub
    ");

    let world = installed(World::new());
    let table = "[github.app]\nid = 1234\nprivate_key = { file = \"app.pem\" }\n";
    write(&world, "providers.toml", table);
    insta::assert_snapshot!(refused(&world, "start local"), @"
    warning: `local`: jobs run on this machine with all the rights of this user
    error: could not read `github.app.private_key` (providers.toml:3)
      caused by: `app.pem`: No such file or directory (os error 2)
    ");
    write(&world, "app.pem", "ssh-ed25519 AAAA me@host\n");
    insta::assert_snapshot!(refused(&world, "start local"), @r#"
    warning: `local`: jobs run on this machine with all the rights of this user
    error: the private key of the GitHub App (providers.toml:3) is an SSH key

    hint: use the `.pem` file from "Private keys" on the app's page: it begins with `-----BEGIN RSA PRIVATE KEY-----`
    "#);
}

#[test]
fn half_an_app_is_told_what_it_lacks() {
    let world = installed(World::new()).env("GHARUN_APP_ID", "1234");
    insta::assert_snapshot!(refused(&world, "list"), @r#"
    error: the GitHub App `1234` ($GHARUN_APP_ID) has no private key

    hint: set $GHARUN_APP_PRIVATE_KEY, or `private_key = { env = "NAME" }` or `{ file = "PATH" }` under [github.app]
    "#);
    let table = "[github.app]\nprivate_key = { file = \"app.pem\" }\n";
    write(&world, "providers.toml", table);
    let world = world.env("GHARUN_APP_ID", "");
    insta::assert_snapshot!(refused(&world, "list"), @r#"
    error: a GitHub App private key is set (providers.toml:2), but no app ID

    hint: set $GHARUN_APP_ID, or `id = "…"` under [github.app], to the app's client ID or app ID
    "#);
}

#[test]
fn an_app_that_may_not_manage_runners_is_told_by_start() {
    let world = of_variables(World::new());
    let changed = world.github.change_installation(ID, |app| {
        app.permissions.remove("administration");
    });
    assert!(changed);
    let said = world.run("start local").exits(1).stderr;
    assert!(
        said.contains("hint: the app `1234` lacks the permission `administration: write`"),
        "{said}"
    );
}

#[test]
fn no_app_manages_the_runners_of_an_enterprise() {
    let world = of_variables(World::new()).env("GHARUN_REPO", "");
    insta::assert_snapshot!(refused(&world, "list --enterprise acme --provider local"), @"
    error: the GitHub App `1234` ($GHARUN_APP_ID) cannot manage the runners of an enterprise: no app can

    hint: set $GHARUN_GITHUB_TOKEN to a classic token with the scope `manage_runners:enterprise`, or use `--org ORG`
    hint: skip GitHub with `--no-github`
    ");
}

#[test]
fn a_token_that_cannot_be_taken_back_changes_nothing() {
    let world = of_variables(World::new());
    for kind in [Kind::Hang, Kind::html(502)] {
        world.github.heal();
        let fault = Fault::once("DELETE", "/installation/token", kind);
        world.github.fault(fault.times(u32::MAX));
        let said = world.run("list --provider local").exits(0);
        assert_eq!(said.stderr, "No machines\n");
    }
    assert_eq!(tokens(&world), (2, 2));
}

#[test]
fn an_interrupted_start_takes_its_token_back() {
    let world = of_variables(World::new());
    write(&world, "setup.sh", "sleep 300\n");
    let child = world.spawn("start local --setup setup.sh");
    crate::world::wait_for("a registration", || {
        (!world.stub.runners().is_empty()).then_some(())
    });
    crate::world::signal(&child, "TERM");
    Said::of(child.wait_with_output().expect("it ends"), &world).exits(130);
    assert_eq!(tokens(&world), (1, 0));
    assert_eq!(world.stub.runners().len(), 0);
}
