//! The script against the stand-in for GitHub: what becomes of the runner when its machine ends.

use std::fs;
use std::process::{Command, Stdio};

use super::machine::{Shell, open, processes};
use super::scene::{Scene, after, mounts, signal};
use super::{diagnose, failure, meaning};
use crate::model::BootCause;
use crate::rehearsal::StubJobStatus;
use gharun_worlds::github::{Fault, Kind};

under_every_shell! {
    a_machine_boots_runs_its_job_and_leaves_nothing
    a_configuration_serves_one_machine
    an_idle_machine_ends_and_its_runner_is_offline
    a_job_at_the_idle_limit_is_left_alone
    the_end_of_its_lifetime_ends_a_job_and_all_that_it_started
    what_kills_the_script_does_not_keep_the_runner
    a_signal_to_the_whole_group_leaves_the_watchdog
    a_reader_that_does_not_read_does_not_keep_it_alive
    a_full_disk_ends_the_machine
    a_system_without_a_runner_is_named
    root_makes_a_user_where_there_is_none
}

async fn a_machine_boots_runs_its_job_and_leaves_nothing(shell: Shell) {
    let Some(mut scene) = Scene::open(shell).await else {
        return;
    };
    let github = scene.github.clone();
    github.fault(Fault::once("GET", "/releases/download/", Kind::html(503)).times(2));
    for (round, downloads) in [(1, 3), (2, 3)] {
        let seen = scene.machine.at("stub/env").display().to_string();
        scene.queue_long_job(&format!("env >'{seen}'"));
        let run = scene.start();
        scene.machine.see("stub/begun").await;
        for line in processes() {
            assert!(!line.contains(&scene.machine.jit), "{line}");
        }
        let seen = scene.machine.read("stub/env");
        assert!(seen.contains("GITHUB_ACTIONS=true"), "{seen}");
        for secret in github.secrets() {
            assert!(!seen.contains(&secret), "{seen}");
        }
        scene.machine.touch("stub/go");
        let end = run.ended().await;
        assert_eq!(end.code, 0, "{}", end.log);
        assert_eq!(scene.row(), None);
        let job = scene.stub.jobs().pop().unwrap();
        assert_eq!(job.conclusion.as_deref(), Some("success"), "{}", end.log);
        assert_eq!(
            github.count("/releases/download/"),
            downloads,
            "{}",
            end.log
        );
        assert_eq!(scene.machine.endings(), round);
        scene.wait_quiet().await;
        for file in ["stub/begun", "stub/go"] {
            fs::remove_file(scene.machine.at(file)).unwrap();
        }
        scene.register().await;
    }
}

async fn a_configuration_serves_one_machine(shell: Shell) {
    let Some(scene) = Scene::open(shell).await else {
        return;
    };
    scene.queue("true");
    let end = scene.start().ended().await;
    assert_eq!(end.code, 0, "{}", end.log);
    // The marker went with the disk.
    fs::remove_dir_all(scene.machine.at("work")).unwrap();
    scene.machine.touch("log");
    let end = scene.start().ended().await;
    assert_eq!(end.code, 70, "{}", end.log);
    let said = diagnose(&end.log).unwrap().reason.unwrap();
    let known = format!("{}: GitHub no longer knows it", meaning(70).unwrap());
    assert_eq!(said, known);
    assert_eq!(scene.stub.jobs().len(), 1);
    assert_eq!(scene.machine.endings(), 2);
}

async fn an_idle_machine_ends_and_its_runner_is_offline(shell: Shell) {
    let Some(mut scene) = Scene::patient(shell).await else {
        return;
    };
    scene.set_clock();
    scene.machine.idle = Some(1000);
    scene.machine.expires = 100_000_000;
    let run = scene.start();
    scene.wait_row(|row| row.online).await;
    scene.let_time_pass(&run).await;
    let end = run.ended().await;
    assert_eq!(end.code, 71, "{}", end.log);
    assert_eq!(failure(&end.log).as_deref(), meaning(71), "{}", end.log);
    scene.wait_row(|row| !row.online && !row.busy).await;
    assert_eq!(scene.machine.endings(), 1);
    scene.wait_quiet().await;
}

async fn a_job_at_the_idle_limit_is_left_alone(shell: Shell) {
    let Some(mut scene) = Scene::open(shell).await else {
        return;
    };
    scene.set_clock();
    scene.machine.idle = Some(1000);
    scene.machine.expires = 100_000_000;
    scene.queue_long_job("true");
    let run = scene.start();
    scene.machine.see("stub/begun").await;
    scene.wait_looks().await;
    scene.wind(5000);
    scene.wait_looks().await;
    scene.machine.touch("stub/go");
    let end = run.ended().await;
    assert_eq!(end.code, 0, "{}", end.log);
    let job = scene.stub.jobs().pop().unwrap();
    assert_eq!(job.conclusion.as_deref(), Some("success"), "{}", end.log);
}

async fn the_end_of_its_lifetime_ends_a_job_and_all_that_it_started(shell: Shell) {
    let Some(mut scene) = Scene::open(shell).await else {
        return;
    };
    scene.set_clock();
    scene.machine.expires = 10_000;
    scene.queue_long_job("sleep 3601 & (sleep 3602 & sleep 3603; sleep 3604) &");
    let run = scene.start();
    scene.machine.see("stub/begun").await;
    assert_eq!(scene.machine.endings(), 0);
    scene.let_time_pass(&run).await;
    let end = run.ended().await;
    assert_eq!(end.code, 72, "{}", end.log);
    assert_eq!(failure(&end.log).as_deref(), meaning(72), "{}", end.log);
    scene.wait_quiet().await;
    let job = scene.stub.jobs().pop().unwrap();
    assert_eq!(job.status, StubJobStatus::Completed, "{}", end.log);
    assert_ne!(job.conclusion.as_deref(), Some("success"));
    assert_eq!(scene.machine.endings(), 1);
}

async fn what_kills_the_script_does_not_keep_the_runner(shell: Shell) {
    let Some(scene) = Scene::patient(shell).await else {
        return;
    };
    let run = scene.start();
    scene.wait_row(|row| row.online).await;
    run.signal("KILL");
    let end = run.ended().await;
    assert_eq!(end.code, 128 + 9, "{}", end.log);
    assert_eq!(scene.machine.endings(), 1, "{}", end.log);
    scene.wait_row(|row| !row.online).await;
    scene.wait_quiet().await;
}

async fn a_signal_to_the_whole_group_leaves_the_watchdog(shell: Shell) {
    for name in ["HUP", "INT", "TERM"] {
        let Some(scene) = Scene::open(shell).await else {
            return;
        };
        let run = scene.start();
        scene.wait_row(|row| row.online).await;
        let group = run.child.id().unwrap();
        // The script never comes to hear of it.
        run.signal("STOP");
        signal(name, &format!("-{group}"));
        run.signal("KILL");
        let end = run.ended().await;
        assert_eq!(end.code, 128 + 9, "{}", end.log);
        assert_eq!(scene.machine.endings(), 1, "{name}: {}", end.log);
        scene.wait_quiet().await;
    }
}

async fn a_reader_that_does_not_read_does_not_keep_it_alive(shell: Shell) {
    // Writes as much as a pipe takes, and no more.
    let fill = "/bin/dd if=/dev/zero of=/proc/self/fd/1 oflag=nonblock bs=4096 2>/dev/null";
    for from_the_start in [false, true] {
        let Some(mut scene) = Scene::open(shell).await else {
            return;
        };
        let (reader, writer) = std::io::pipe().unwrap();
        scene.set_clock();
        scene.machine.expires = 10_000;
        let begun = scene.machine.at("stub/begun").display().to_string();
        if from_the_start {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", fill]).stdout(writer.try_clone().unwrap());
            let filled = shell.status();
            // It ends because there is no room any more.
            assert!(!filled.unwrap().success());
        } else {
            scene.machine.setup = Some(format!("{fill}; echo >'{begun}'; sleep 3600"));
        }
        let script = scene.script();
        let run = scene
            .machine
            .start_to(&script, writer.into(), Stdio::null());
        let first = if from_the_start {
            "looks"
        } else {
            "stub/begun"
        };
        scene.machine.see(first).await;
        scene.let_time_pass(&run).await;
        let end = run.ended().await;
        // A script that cannot say its first word may not hear that it is told to end: it is killed.
        let deaf = from_the_start && end.code == 128 + 9;
        assert!(deaf || end.code == 72, "{}", end.code);
        assert_eq!(scene.machine.endings(), 1);
        scene.wait_quiet().await;
        drop(reader);
    }
}

async fn a_full_disk_ends_the_machine(shell: Shell) {
    if !mounts("a full disk") {
        return;
    }
    // Too small for the runner; and full from the first step on.
    for fill in [false, true] {
        let Some(mut scene) = Scene::open(shell).await else {
            return;
        };
        let work = scene.machine.at("work").display().to_string();
        fs::create_dir(&work).unwrap();
        scene.machine.under = after(&format!("/bin/mount -t tmpfs -o size=16k disk '{work}'"));
        if fill {
            scene.machine.setup = Some(format!("cat /dev/zero >'{work}/fill'; true"));
        }
        let end = scene.start().ended().await;
        assert_eq!(end.code, 75, "{}", end.log);
        let said = diagnose(&end.log).unwrap();
        assert_eq!(said.cause, Some(BootCause::DiskFull), "{}", end.log);
        let words = said.reason.unwrap();
        assert!(
            words.starts_with("no space is left on the machine: 0 KB of"),
            "{words}"
        );
        assert_eq!(scene.machine.endings(), 1, "{}", end.log);
        assert!(!scene.row().unwrap().online);
        scene.wait_quiet().await;
    }
}

async fn a_system_without_a_runner_is_named(shell: Shell) {
    for (system, cpu) in [("FreeBSD", "x86_64"), ("Linux", "riscv64")] {
        let Some(mut scene) = Scene::open(shell).await else {
            return;
        };
        let text = format!("[ \"$1\" = -m ] && echo {cpu} || echo {system}");
        scene.replace("uname", &text);
        let end = scene.start().ended().await;
        assert_eq!(end.code, 76, "{}", end.log);
        let said = failure(&end.log).unwrap();
        assert!(said.contains(system), "{said}");
        assert_eq!(scene.github.count("/releases/download/"), 0);
        assert_eq!(scene.machine.endings(), 1);
    }
}

async fn root_makes_a_user_where_there_is_none(shell: Shell) {
    if !mounts("making a user") {
        return;
    }
    let Some(mut scene) = Scene::open(shell).await else {
        return;
    };
    // This computer's users stay what they are: these files are this process's own.
    let etc = scene.machine.at("etc");
    fs::create_dir(&etc).unwrap();
    let root = "root:x:0:0:root:/root:/bin/sh\n";
    for (file, text) in [
        ("passwd", root),
        ("shadow", "root:*:19000:0:99999:7:::\n"),
        ("group", "root:x:0:\n"),
        ("gshadow", "root:*::\n"),
        ("shells", "/bin/sh\n"),
        (
            "login.defs",
            "UID_MIN 4000\nUID_MAX 5000\nGID_MIN 4000\nGID_MAX 5000\n",
        ),
    ] {
        fs::write(etc.join(file), text).unwrap();
    }
    for folder in ["pam.d", "security"] {
        let from = format!("/etc/{folder}");
        let copied = Command::new("cp").arg("-R").arg(from).arg(&etc).status();
        assert!(copied.unwrap().success());
    }
    let etc = etc.display();
    scene.machine.under = after(&format!(
        "/bin/mount --bind '{etc}' /etc && /bin/mount -t tmpfs -o mode=755 homes /home"
    ));
    scene.machine.var("GHARUN_ALLOW_ROOT", "");
    open(&scene.machine.at(""), 0o755);
    let place = scene.machine.at("stub").display().to_string();
    scene.queue(&format!(
        "id -u >'{place}/uid'; echo \"$HOME\" >'{place}/home'; touch \"$HOME/mine\""
    ));
    let end = scene.start().ended().await;
    assert_eq!(end.code, 0, "{}", end.log);
    assert!(!end.log.contains("warning"), "{}", end.log);
    let job = scene.stub.jobs().pop().unwrap();
    assert_eq!(job.conclusion.as_deref(), Some("success"), "{}", end.log);
    assert_ne!(scene.machine.read("stub/uid").trim(), "0");
    assert_eq!(scene.machine.read("stub/home"), "/home/gharun\n");
    assert_eq!(scene.machine.endings(), 1);
}
