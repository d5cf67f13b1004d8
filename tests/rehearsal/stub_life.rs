//! The stub runner when things go wrong: signals, power cuts, registrations that are gone.
#![cfg(target_os = "linux")]

use super::machine::{Machine, Running, Shell, platform};
use super::*;
use gharun_worlds::github::{Fault, Kind};

const ENDLESS: &str = "sleep 3600";

/// A machine whose runner `a` is online.
fn online(scene: &Scene, shell: Shell) -> (Machine, Running, u64) {
    let machine = Machine::new(scene, shell);
    let (id, blob) = scene.registered("a");
    let running = machine.start(machine.boot(&blob));
    scene.wait_row("a", |row| row.is_some_and(|row| row.online));
    // The stub knows of the session before its answer has come to the listener.
    let listens = || running.log().contains("Listening for Jobs").then_some(());
    let listening = wait(listens);
    assert!(listening.is_some(), "{}", running.log());
    (machine, running, id)
}

fn named<'a>(processes: &'a [(u32, String)], name: &str) -> Vec<&'a (u32, String)> {
    processes
        .iter()
        .filter(|(_, known)| known == name)
        .collect()
}

#[test]
fn a_job_is_a_process_that_is_called_runner_worker() {
    let scene = Scene::open();
    let (machine, _running, id) = online(&scene, Shell::Dash);
    assert!(named(&machine.processes(), "Runner.Worker").is_empty());
    scene.stub.queue_job("a", ENDLESS);
    let seen = wait(|| (!named(&machine.processes(), "Runner.Worker").is_empty()).then_some(()));
    assert!(seen.is_some(), "{:?}", machine.processes());
    for (pid, name) in machine.processes() {
        let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        for secret in scene.github.secrets() {
            assert!(!line.contains(&secret), "{name} shows a secret");
        }
    }
    let path = format!("{REPO}/runners/{id}");
    assert_eq!(scene.get(&path).json()["busy"], true);
    assert_eq!(scene.delete(&path).status, 422);
}

#[test]
fn a_power_cut_leaves_an_idle_runner_offline() {
    let scene = Scene::offline_after(Duration::from_millis(500));
    let (machine, _running, id) = online(&scene, Shell::Dash);
    machine.power_off();
    scene.wait_row("a", |row| row.is_some_and(|row| !row.online && !row.busy));
    assert_eq!(scene.delete(&format!("{REPO}/runners/{id}")).status, 204);
}

#[test]
fn a_power_cut_in_a_job_leaves_it_offline_and_busy() {
    let scene = Scene::offline_after(Duration::from_millis(500));
    let (machine, _running, id) = online(&scene, Shell::Dash);
    scene.stub.queue_job("a", ENDLESS);
    scene.wait_row("a", |row| row.is_some_and(|row| row.busy));
    machine.power_off();
    scene.wait_row("a", |row| row.is_some_and(|row| !row.online && row.busy));
    assert_eq!(scene.delete(&format!("{REPO}/runners/{id}")).status, 422);
}

#[test]
fn a_listener_that_is_told_to_end_closes_its_session() {
    for shell in Shell::ALL.into_iter().filter(|shell| shell.here()) {
        // Nothing but the closing of the session can make it offline.
        let scene = Scene::offline_after(Duration::from_hours(1));
        let (machine, running, _) = online(&scene, shell);
        let listeners = machine.processes();
        let listeners = named(&listeners, "Runner.Listener");
        Machine::signal("TERM", &[listeners[0].0]);
        let (status, log) = running.end();
        assert_eq!(status.code(), Some(0), "{shell:?}: {log}");
        scene.wait_row("a", |row| row.is_some_and(|row| !row.online));
        machine.wait_quiet();
    }
}

#[test]
fn with_its_trap_run_sh_passes_the_signal_on_and_the_job_is_cancelled() {
    for shell in Shell::ALL.into_iter().filter(|shell| shell.here()) {
        let scene = Scene::open();
        let machine = Machine::new(&scene, shell);
        let (_, blob) = scene.registered("a");
        let mut boot = machine.boot(&blob);
        boot.env("RUNNER_MANUALLY_TRAP_SIG", "1");
        let running = machine.start(boot);
        let begun = machine.file("begun");
        let script = format!("touch {}\nsleep 3600", begun.display());
        scene.stub.queue_job("a", &script);
        let begun = wait(|| begun.exists().then_some(()));
        assert!(begun.is_some(), "{}", running.log());
        Machine::signal("INT", &[running.child.id()]);
        let (status, log) = running.end();
        assert_eq!(status.code(), Some(0), "{shell:?}: {log}");
        let job = &scene.stub.jobs()[0];
        assert_eq!(
            job.conclusion.as_deref(),
            Some("cancelled"),
            "{shell:?}: {log}"
        );
        machine.wait_quiet();
    }
}

#[test]
fn a_worker_that_is_killed_fails_its_job() {
    let scene = Scene::open();
    let (machine, running, _) = online(&scene, Shell::Dash);
    scene.stub.queue_job("a", ENDLESS);
    let worker = wait(|| {
        let processes = machine.processes();
        named(&processes, "Runner.Worker")
            .first()
            .map(|(pid, _)| *pid)
    });
    Machine::signal("KILL", &[worker.unwrap()]);
    let (status, log) = running.end();
    assert_eq!(status.code(), Some(0), "{log}");
    let job = &scene.stub.jobs()[0];
    assert_eq!(job.conclusion.as_deref(), Some("failure"), "{log}");
}

#[test]
fn a_configuration_that_was_used_does_not_connect_again_and_run_sh_calls_that_a_success() {
    let scene = Scene::open();
    let machine = Machine::new(&scene, Shell::Dash);
    let (_, blob) = scene.registered("a");
    scene.stub.queue_job("a", "true");
    let (status, log) = machine.start(machine.boot(&blob)).end();
    assert!(status.success(), "{log}");
    let (status, log) = machine.start(machine.boot(&blob)).end();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(
        log.contains("The runner no longer exists on the server"),
        "{log}"
    );
    assert!(!log.contains("Connected"), "{log}");
    assert_eq!(scene.stub.jobs().len(), 1);
}

#[test]
fn a_runner_that_is_deleted_while_it_listens_ends() {
    let scene = Scene::open();
    let (machine, running, id) = online(&scene, Shell::Dash);
    assert_eq!(scene.delete(&format!("{REPO}/runners/{id}")).status, 204);
    let (status, log) = running.end();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(
        log.contains("The runner no longer exists on the server"),
        "{log}"
    );
    machine.wait_quiet();
}

#[test]
fn a_registration_is_held_by_one_machine_at_a_time() {
    let scene = Scene::open();
    let machine = Machine::new(&scene, Shell::Dash);
    let (id, blob) = scene.registered("a");
    let _running = machine.start(machine.boot(&blob));
    scene.wait_row("a", |row| row.is_some_and(|row| row.online));
    let secret = opened(&opened(&blob.into())[".credentials"])["Data"]["ClientId"].take();
    let say = |client: &str| {
        let url = format!("{}/runner-service/session", scene.stub.url());
        let body = format!("{id} {client} Linux 2.336.0");
        scene.runtime.block_on(async {
            let got = scene.client.post(url).body(body).send().await.unwrap();
            got.text().await.unwrap()
        })
    };
    assert_eq!(say(secret.as_str().unwrap()), "conflict\n");
    assert_eq!(say("another"), "gone\n");
}

#[test]
fn what_a_job_leaves_behind_is_swept_unless_it_has_shed_its_mark() {
    for shell in Shell::ALL.into_iter().filter(|shell| shell.here()) {
        let scene = Scene::open();
        let machine = Machine::new(&scene, shell);
        let (_, blob) = scene.registered("a");
        // A process has the shell's mark until it has become `sleep`.
        let script = "sleep 3601 &\nRUNNER_TRACKING_ID= sleep 3602 &\nuntil grep -q ^sleep /proc/$!/cmdline; do sleep 0.05; done";
        scene.stub.queue_job("a", script);
        let (status, log) = machine.start(machine.boot(&blob)).end();
        assert!(status.success(), "{log}");
        let left = wait(|| {
            let processes = machine.processes();
            (processes.len() <= 1).then_some(processes)
        });
        let left = left.unwrap_or_else(|| machine.processes());
        assert_eq!(left.len(), 1, "{shell:?}: {left:?}");
        let line = std::fs::read_to_string(format!("/proc/{}/cmdline", left[0].0));
        assert_eq!(line.unwrap(), "sleep\x003602\x00", "{shell:?}");
    }
}

#[test]
fn root_is_refused_unless_allowed_and_the_exit_code_hides_it() {
    let scene = Scene::open();
    let machine = Machine::new(&scene, Shell::Dash);
    let (_, blob) = scene.registered("a");
    std::fs::create_dir(machine.file("root")).unwrap();
    machine.script("root/id", "echo 0");
    let path = format!("{}:/usr/bin:/bin", machine.file("root").display());
    for (trap, code) in [(None, 0), (Some("1"), 1)] {
        let mut boot = machine.boot(&blob);
        boot.env_remove("RUNNER_ALLOW_RUNASROOT").env("PATH", &path);
        if let Some(trap) = trap {
            boot.env("RUNNER_MANUALLY_TRAP_SIG", trap);
        }
        let (status, log) = machine.start(boot).end();
        assert_eq!(status.code(), Some(code), "{log}");
        assert_eq!(log, "Must not run interactively with sudo\n");
    }
    assert!(!scene.runner("a").unwrap().online);
}

#[test]
fn the_archive_of_another_platform_does_not_run() {
    let scene = Scene::open();
    let other = if platform().1 == "x64" {
        "arm64"
    } else {
        "x64"
    };
    let machine = Machine::with(&scene, Shell::Dash, ("linux", other));
    let (_, blob) = scene.registered("a");
    let (status, log) = machine.start(machine.boot(&blob)).end();
    assert_eq!(status.code(), Some(0));
    assert!(log.contains("Exec format error"), "{log}");
    assert!(!scene.runner("a").unwrap().online);
}

#[test]
fn it_outlasts_a_stub_that_is_ill_for_a_while() {
    let scene = Scene::open();
    let ill = Kind::html(502);
    let fault = Fault::once("POST", "/runner-service/session", ill);
    scene.github.fault(fault.times(2));
    let (_machine, running, _) = online(&scene, Shell::Dash);
    assert!(
        running.log().contains("Retrying until reconnected"),
        "{}",
        running.log()
    );
}
