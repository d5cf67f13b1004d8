//! Every command in a block of the documents is run, as it stands, in a world of stand-ins.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin;

use crate::documents::{Block, all};
use crate::world::{Said, TOKEN, World, wait_for};

/// Lines that are run elsewhere, each with where.
const ELSEWHERE: &[(&str, &str)] = &[
    ("cargo install ", "the build of every release"),
    ("cargo run ", ".ci/run"),
    ("curl -LsSf ", "tests/release, from a server on loopback"),
    ("sh tests/run", ".ci/run"),
];

/// What a block needs beside this computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Nothing,
    /// A moto server in the place of EC2.
    Moto,
    /// The feature `runpod`.
    RunPod,
    /// `jq`.
    Jq,
}

fn need(text: &str) -> Need {
    let calls = |word: &str| text.contains(&format!("gharun start {word}"));
    if calls("aws") {
        Need::Moto
    } else if calls("runpod") {
        Need::RunPod
    } else if text.contains("jq ") {
        Need::Jq
    } else {
        Need::Nothing
    }
}

/// The blocks of shell, without what is run elsewhere.
fn scripts() -> Vec<(Block, String)> {
    let blocks = all().into_iter().flat_map(|document| document.blocks());
    let blocks = blocks.filter(|block| block.language == "sh");
    let bare = |block: Block| {
        let lines = block.text.lines();
        let kept = lines.filter(|line| ELSEWHERE.iter().all(|(begin, _)| !line.starts_with(begin)));
        let text = kept.collect::<Vec<_>>().join("\n");
        (block, text)
    };
    blocks
        .map(bare)
        .filter(|(_, text)| !text.trim().is_empty())
        .collect()
}

/// A laptop with the program on its path, a `gh` that is logged in, and the tables that the documents name.
fn laptop() -> World {
    let world = World::new();
    let bin = world.path("bin");
    std::fs::create_dir(&bin).expect("a folder");
    symlink(cargo_bin("gharun"), bin.join("gharun")).expect("a link");
    let gh = bin.join("gh");
    std::fs::write(
        &gh,
        format!("#!/bin/sh\n[ \"$*\" = 'auth token' ] && echo {TOKEN}\n"),
    )
    .expect("a script");
    std::fs::set_permissions(&gh, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    std::fs::write(world.path("setup.sh"), "true\n").expect("a script");
    std::fs::write(world.path("Makefile"), "all:\n").expect("a file");
    let path = crate::world::outer("PATH").unwrap_or_default();
    world.env("PATH", &format!("{}:{path}", bin.display()))
}

/// Runs a script to its end; runners that no machine stands behind are brought online.
fn run(world: &World, script: &str) -> Said {
    let file = world.path("block.sh");
    std::fs::write(&file, script).expect("a script");
    let mut command: Command = world.command("");
    let env: Vec<_> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    command = Command::new("bash");
    command
        .args(["-e", "-o", "pipefail"])
        .arg(&file)
        .env_clear()
        .envs(env);
    command
        .current_dir(world.folder.path())
        .stdin(Stdio::null());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash runs");
    let away = script.contains("start aws");
    wait_for("the end of the block", || {
        for row in world
            .stub
            .runners()
            .iter()
            .filter(|row| away && !row.online)
        {
            world.github.bring_online(&row.name);
        }
        child.try_wait().expect("it can be asked")
    });
    Said::of(child.wait_with_output().expect("it ended"), world)
}

#[track_caller]
fn works(world: &World, block: &Block, script: &str) {
    let said = run(world, script);
    assert_eq!(
        said.code,
        Some(0),
        "{}:\n{script}\n{}\n{}",
        block.place(0),
        said.stdout,
        said.stderr
    );
}

#[test]
fn every_block_runs_that_needs_this_computer_alone() {
    let mut seen = 0;
    for (block, script) in scripts() {
        match need(&script) {
            Need::Nothing => {}
            Need::Jq
                if std::process::Command::new("jq")
                    .arg("--version")
                    .output()
                    .is_ok() => {}
            Need::Jq => {
                gharun_worlds::skipped("documents: jq is not installed");
                continue;
            }
            Need::Moto | Need::RunPod => continue,
        }
        let world = laptop();
        std::fs::write(world.path("providers.toml"), TABLES).expect("a file");
        works(&world, &block, &script);
        // What a block leaves, it leaves to its reader.
        world.run("stop --yes").exits(0);
        seen += 1;
    }
    assert!(seen >= 8, "only {seen} blocks were run");
}

/// The tables that blocks name.
const TABLES: &str = "
[providers.local]
slots = 4

[providers.big]
kind = \"local\"
";

#[cfg(feature = "runpod")]
#[test]
fn every_block_runs_that_needs_runpod() {
    let blocks = scripts()
        .into_iter()
        .filter(|(_, text)| need(text) == Need::RunPod);
    for (block, script) in blocks {
        let standin = gharun_worlds::runpod::Standin::start();
        let world = laptop().env("RUNPOD_API_KEY", &standin.key);
        // Where the stand-in is, and nothing else: a reader has no table.
        let table = format!("[providers.runpod]\nendpoint = \"{}/v2\"\n", standin.url);
        std::fs::write(world.path("providers.toml"), table).expect("a file");
        works(&world, &block, &script);
        assert!(standin.alive().is_empty());
    }
}

#[cfg(feature = "aws")]
#[test]
fn every_block_runs_that_needs_ec2() {
    use std::time::Duration;

    use gharun_worlds::moto::{Deed, Proxy, Server};

    let Some(url) = crate::world::outer("GHARUN_MOTO_URL").filter(|url| !url.is_empty()) else {
        return gharun_worlds::skipped(
            "documents: no moto at $GHARUN_MOTO_URL; `sh tests/run` starts one",
        );
    };
    let proxy = Proxy::start(&Server::new(&url), Duration::ZERO, |_| Deed::Forward);
    for (block, script) in scripts()
        .into_iter()
        .filter(|(_, text)| need(text) == Need::Moto)
    {
        let world = laptop()
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "testing")
            .env("AWS_SECRET_ACCESS_KEY", "testing")
            .env("AWS_ENDPOINT_URL", &proxy.url);
        works(&world, &block, &script);
        world.run("stop --yes").exits(0);
    }
}
