//! The stub runner, fetched, unpacked and run for real: what it does when all goes well.

use super::machine::{Machine, Shell};
use super::*;

const QUICK: &str = "sleep 0.1";

#[test]
fn under_every_shell_it_connects_runs_one_job_and_is_gone() {
    for shell in Shell::ALL.into_iter().filter(|shell| shell.here()) {
        let scene = Scene::open();
        let machine = Machine::new(&scene, shell);
        let (_, blob) = scene.registered("gharun-x");
        let running = machine.start(machine.boot(&blob));
        scene.wait_row("gharun-x", |row| row.is_some_and(|row| row.online));
        let row = scene.runner("gharun-x").unwrap();
        assert_eq!(row.version.as_deref(), Some("2.336.0"));
        assert_eq!(
            row.os,
            if cfg!(target_os = "macos") {
                "macos"
            } else {
                "linux"
            }
        );
        let job = scene.stub.queue_job("GHARUN-X", QUICK);
        let (status, log) = running.end();
        assert_eq!(status.code(), Some(0), "{shell:?}: {log}");
        for marker in [
            "√ Connected to GitHub",
            "Current runner version: '2.336.0'",
            "Listening for Jobs",
            "Running job: test",
            "Job test completed with result: Succeeded",
        ] {
            assert!(log.contains(marker), "{shell:?}: no {marker}: {log}");
        }
        let jobs = scene.stub.jobs();
        let done = jobs.iter().find(|row| row.id == job).unwrap();
        assert_eq!(
            done.conclusion.as_deref(),
            Some("success"),
            "{shell:?}: {log}"
        );
        assert_eq!(scene.runner("gharun-x"), None);
        assert!(!machine.file(".credentials").exists());
        machine.wait_quiet();
    }
}

#[test]
fn its_scripts_are_without_reproach() {
    use std::io::Write as _;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rehearsal/stub");
    let scripts = std::fs::read_dir(folder).unwrap();
    let scripts = scripts.map(|script| script.unwrap().path());
    let checked = std::process::Command::new("shellcheck")
        .args(["--shell", "sh"])
        .args(scripts)
        .output();
    match checked {
        Ok(checked) => {
            let complaints = String::from_utf8_lossy(&checked.stdout);
            assert!(checked.status.success(), "{complaints}");
        }
        Err(error) => writeln!(std::io::stderr(), "skipped: shellcheck: {error}").unwrap(),
    }
}

#[test]
fn hooks_run_around_the_job_and_nothing_secret_is_in_its_environment() {
    for shell in Shell::ALL.into_iter().filter(|shell| shell.here()) {
        let scene = Scene::open();
        let machine = Machine::new(&scene, shell);
        let (_, blob) = scene.registered("a");
        let diary = machine.file("diary").display().to_string();
        let started = machine.script("started.sh", &format!("echo started >> {diary}"));
        let completed = machine.script("completed.sh", &format!("echo completed >> {diary}"));
        let dump = machine.file("dump").display().to_string();
        let script = format!("env > {dump}\necho job >> {diary}");
        scene.stub.queue_job("a", &script);
        let mut boot = machine.boot(&blob);
        boot.env("ACTIONS_RUNNER_HOOK_JOB_STARTED", started)
            .env("ACTIONS_RUNNER_HOOK_JOB_COMPLETED", completed);
        let (status, log) = machine.start(boot).end();
        assert!(status.success(), "{log}");
        assert_eq!(machine.read("diary"), "started\njob\ncompleted\n", "{log}");
        let dump = machine.read("dump");
        assert!(dump.contains("GITHUB_ACTIONS=true"), "{dump}");
        assert!(dump.contains("RUNNER_NAME=a"), "{dump}");
        for secret in scene.github.secrets() {
            assert!(!dump.contains(&secret), "{dump}");
        }
    }
}

#[test]
fn a_hook_that_fails_fails_the_job() {
    let scene = Scene::open();
    let machine = Machine::new(&scene, Shell::Dash);
    let (_, blob) = scene.registered("a");
    let script = format!("touch {}", machine.file("ran").display());
    scene.stub.queue_job("a", &script);
    let mut boot = machine.boot(&blob);
    let hook = machine.script("started.sh", "exit 3");
    boot.env("ACTIONS_RUNNER_HOOK_JOB_STARTED", hook);
    let (status, log) = machine.start(boot).end();
    assert!(
        status.success(),
        "a job that failed is none of its business"
    );
    assert!(log.contains("completed with result: Failed"), "{log}");
    assert!(!machine.file("ran").exists());
    let job = &scene.stub.jobs()[0];
    assert_eq!(job.conclusion.as_deref(), Some("failure"));
}

#[test]
fn eight_at_once_each_take_the_job_that_is_theirs() {
    let scene = Scene::open();
    let names: Vec<String> = (0..8).map(|number| format!("r{number}")).collect();
    let machines: Vec<Machine> = names
        .iter()
        .map(|_| Machine::new(&scene, Shell::Dash))
        .collect();
    let mut running = Vec::new();
    for (name, machine) in names.iter().zip(&machines) {
        let (_, blob) = scene.registered(name);
        running.push(machine.start(machine.boot(&blob)));
    }
    for name in &names {
        scene.wait_row(name, |row| row.is_some_and(|row| row.online));
    }
    let jobs: Vec<u64> = names
        .iter()
        .map(|name| scene.stub.queue_job(name, QUICK))
        .collect();
    for one in running {
        let (status, log) = one.end();
        assert!(status.success(), "{log}");
    }
    assert!(scene.stub.runners().is_empty());
    for job in scene.stub.jobs() {
        assert_eq!(job.conclusion.as_deref(), Some("success"));
        let place = jobs.iter().position(|id| *id == job.id);
        assert_eq!(
            job.runner.map(|(_, name)| name),
            place.map(|at| names[at].clone())
        );
    }
    for machine in &machines {
        machine.wait_quiet();
    }
}

#[test]
fn a_token_registers_it_where_there_is_no_just_in_time_configuration() {
    for shell in Shell::ALL.into_iter().filter(|shell| shell.here()) {
        let scene = Scene::open();
        let machine = Machine::new(&scene, shell);
        let token = scene.post(&format!("{REPO}/runners/registration-token"), &json!({}));
        let token = token.json()["token"].as_str().unwrap().to_owned();
        let url = format!("{}/acme/app", scene.stub.url());
        let configure = |token: &str, ephemeral: &[&str]| {
            let mut command = machine.command("bin/Runner.Listener");
            command
                .args(["configure", "--unattended", "--no-default-labels"])
                .args(ephemeral)
                .args(["--labels", "a,GPU", "--name", "a", "--url", &url])
                .env("ACTIONS_RUNNER_INPUT_TOKEN", token);
            machine.start(command).end()
        };
        let (status, log) = configure("made up", &["--ephemeral"]);
        assert_eq!(status.code(), Some(1), "{log}");
        let (status, log) = configure(&token, &[]);
        assert_eq!(status.code(), Some(1), "it would stay: {log}");
        let (status, log) = configure(&token, &["--ephemeral"]);
        assert!(status.success(), "{shell:?}: {log}");
        assert_eq!(scene.runner("a").unwrap().labels, ["a", "gpu"]);
        scene.stub.queue_job("gpu", QUICK);
        let (status, log) = machine.start(machine.command("run.sh")).end();
        assert!(status.success(), "{log}");
        assert_eq!(scene.runner("a"), None, "{shell:?}: {log}");
    }
}
