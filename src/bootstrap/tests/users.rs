//! Whom the runner runs as.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use super::machine::{Machine, Shell, find, open};
use super::server::Server;
use super::{failure, skipped};
use crate::model::RunAs;

under_every_shell! {
    root_becomes_the_runners_user
    a_job_makes_root_run_and_write_nothing
    root_stays_root_where_nobody_else_gets_at_the_runner
    a_replaced_runner_has_the_same_user
    anybody_may_run_it
    the_setup_script_is_told_whom_the_runner_runs_as
    a_user_of_the_settings_is_the_one_or_none
}

/// Whether this test may play with users.
fn root(what: &str) -> bool {
    let id = std::process::Command::new("id").arg("-u").output();
    let root = id.is_ok_and(|id| id.stdout == b"0\n");
    let tools = find("unshare").is_some() && find("setpriv").is_some();
    if !(root && tools) {
        skipped(&format!(
            "bootstrap: {what}: it takes root, unshare and setpriv"
        ));
    }
    root && tools
}

/// Gives a machine a user for its runner. Nobody is added to this computer: it has its user in this
/// process's eyes only.
fn has_user(machine: &mut Machine) {
    let passwd = "root:x:0:0:root:/root:/bin/sh\nrunner:*:4711:4711::/home/its:/bin/false\n";
    fs::write(machine.at("passwd"), passwd).unwrap();
    fs::write(machine.at("group"), "root:x:0:\nrunner:x:4711:\n").unwrap();
    let mounts = format!(
        "m=/bin/mount; $m --bind '{}' /etc/passwd && $m --bind '{}' /etc/group && exec \"$@\"",
        machine.at("passwd").display(),
        machine.at("group").display()
    );
    machine.under = ["/usr/bin/unshare", "-m", "/bin/sh", "-c", &mounts, "sh"]
        .map(str::to_owned)
        .to_vec();
    machine.var("GHARUN_ALLOW_ROOT", "");
    open(&machine.at(""), 0o755);
}

async fn a_job_makes_root_run_and_write_nothing(shell: Shell) {
    if !root("a job against root") {
        return;
    }
    // It links the marks of root's to root's files; makes the runner another program, which asks for no
    // end; and does not want to end itself.
    for (mode, code, ran) in [
        ("rogue-links", 73, ""),
        ("rogue", 70, "4711\n"),
        ("rogue-stays", 72, ""),
    ] {
        let Some(mut machine) = Machine::installed(shell, mode) else {
            return;
        };
        has_user(&mut machine);
        fs::write(machine.at("roots"), "root's own\n").unwrap();
        open(&machine.at("roots"), 0o600);
        machine.var("PLACE_KEY", "hush-4711");
        // Its time is over when it says so.
        let late = machine.at("late").display().to_string();
        let clock = format!(
            "date() {{\n[ \"$1\" = +%s ] && [ -e '{late}' ] && echo 9999999999 || command date \"$@\"\n}}"
        );
        let script = machine.script();
        let (first, rest) = script.split_once('\n').unwrap();
        let run = machine.start_script(&format!("{first}\n{clock}\n{rest}"));
        if code == 72 {
            machine.see("stub/stays").await;
            machine.touch("late");
        }
        let end = run.ended().await;
        assert_eq!(machine.read("stub/uid"), "4711\n", "{mode}: {}", end.log);
        assert_eq!(machine.read("stub/ran"), ran, "{mode}: {}", end.log);
        assert_eq!(end.code, code, "{mode}: {}", end.log);
        assert_eq!(machine.read("roots"), "root's own\n", "{mode}");
        assert!(!machine.at("new").exists(), "{mode}");
        let stolen = machine.read("stub/stolen");
        for secret in ["hush-4711", "GHARUN_", &machine.jit] {
            assert!(!stolen.contains(secret), "{mode}: {stolen}");
        }
        assert_eq!(machine.endings(), 1, "{mode}: {}", end.log);
        let place = machine.read("stub/place");
        assert!(!fs::exists(place.trim()).unwrap(), "{mode}: {place}");
    }
}

async fn root_becomes_the_runners_user(shell: Shell) {
    if !root("becoming another user") {
        return;
    }
    let ways: &[&[&str]] = match shell {
        Shell::Busybox => &[&[]],
        _ => &[&[], &["setpriv"], &["setpriv", "runuser"]],
    };
    for without in ways {
        let Some(mut machine) = Machine::installed(shell, "job") else {
            return;
        };
        has_user(&mut machine);
        machine.without = without.to_vec();
        let end = machine.run().await;
        assert_eq!(end.code, 0, "{}", end.log);
        assert_eq!(
            machine.read("stub/uid"),
            "4711\n",
            "{without:?}: {}",
            end.log
        );
        assert_eq!(machine.read("stub/jit"), machine.jit);
        let env = machine.read("stub/env");
        assert!(env.lines().any(|line| line == "HOME=/home/its"), "{env}");
        assert!(env.lines().any(|line| line == "USER=runner"), "{env}");
        assert!(!env.contains("RUNASROOT"), "{env}");
        assert_eq!(machine.read("stub/hook"), "0\n");
        assert_eq!(machine.endings(), 1);
    }
}

async fn root_stays_root_where_nobody_else_gets_at_the_runner(shell: Shell) {
    if !root("staying root") {
        return;
    }
    let Some(mut machine) = Machine::installed(shell, "job") else {
        return;
    };
    machine.var("GHARUN_ALLOW_ROOT", "");
    open(&machine.at(""), 0o700);
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let end = machine.run().await;
    assert_eq!(end.code, 0, "{}", end.log);
    assert!(
        end.log
            .contains("warning: found no other user to run as: the runner runs as root")
    );
    assert_eq!(machine.read("stub/uid"), "0\n");
    assert_eq!(fs::read_to_string("/etc/passwd").unwrap(), users);
}

async fn anybody_may_run_it(shell: Shell) {
    if !root("being nobody") {
        return;
    }
    let Some(mut machine) = Machine::installed(shell, "job") else {
        return;
    };
    machine.under = [
        "/usr/bin/setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ]
    .map(str::to_owned)
    .to_vec();
    machine.var("GHARUN_ALLOW_ROOT", "");
    machine.var("GHARUN_WORK", "");
    // The folder of the test, in which it leaves that it ended, and its home.
    open(&machine.at(""), 0o1777);
    open(&machine.at("home"), 0o777);
    machine.ending = format!("echo ended >>'{}'", machine.at("ended").display());
    machine.var("TMPDIR", &machine.at("stub").display().to_string());
    let end = machine.run().await;
    assert_eq!(end.code, 0, "{}", end.log);
    assert_eq!(machine.read("stub/uid"), "65534\n");
    assert_eq!(machine.read("stub/jit"), machine.jit);
    assert_eq!(machine.endings(), 1);
}

async fn the_setup_script_is_told_whom_the_runner_runs_as(shell: Shell) {
    if !root("a user with privileges") {
        return;
    }
    // A rented machine is its job's; on any other nothing is granted.
    for is_privileged in [true, false] {
        let Some(mut machine) = Machine::installed(shell, "job") else {
            return;
        };
        has_user(&mut machine);
        let sudoers = machine.at("sudoers.d");
        fs::create_dir(&sudoers).unwrap();
        let volume = machine.at("volume");
        fs::create_dir(&volume).unwrap();
        fs::write(volume.join("other"), "").unwrap();
        // It is the setup script that installs Docker.
        let said = machine.at("said").display().to_string();
        machine.setup = Some(format!("id -un \"$GHARUN_USER\" >'{said}'\ndocker=there\n"));
        machine.user.is_privileged = is_privileged;
        machine.user.folders = vec![volume.display().to_string(), "/nowhere/at all".into()];
        let asked = machine.at("asked").display().to_string();
        let fakes = format!(
            "usermod() {{\necho \"$*\" >>'{asked}'\n}}\nvisudo() {{\ngrep -q NOPASSWD \"$2\"\n}}"
        );
        let script = machine
            .script()
            .replace("/etc/sudoers.d", &sudoers.display().to_string());
        let (first, rest) = script.split_once('\n').unwrap();
        let run = machine.start_script(&format!("{first}\n{fakes}\n{rest}"));
        let end = run.ended().await;
        assert_eq!(end.code, 0, "{}", end.log);
        assert_eq!(machine.read("said"), "runner\n", "{}", end.log);
        assert_eq!(machine.read("stub/uid"), "4711\n", "{}", end.log);
        let granted = machine.read("sudoers.d/gharun");
        let asked = machine.read("asked");
        if is_privileged {
            assert_eq!(granted, "runner ALL=(ALL:ALL) NOPASSWD: ALL\n");
            // Before the setup script, and after it.
            assert_eq!(asked, "-aG docker runner\n".repeat(2));
        } else {
            assert_eq!((granted.as_str(), asked.as_str()), ("", ""));
        }
        let owner = |path: &std::path::Path| fs::metadata(path).unwrap().uid();
        assert_eq!(owner(&volume), 4711, "{}", end.log);
        assert_eq!(owner(&volume.join("other")), 0);
    }
}

async fn a_replaced_runner_has_the_same_user(shell: Shell) {
    if !root("a runner that is replaced") {
        return;
    }
    let Some(mut machine) = Machine::installed(shell, "outdated") else {
        return;
    };
    has_user(&mut machine);
    let server = Server::start().await;
    machine.packages = vec![server.package.clone()];
    machine.packages[0].version = "9.8.12".into();
    machine.var("GHARUN_CACHE", &machine.at("cache").display().to_string());
    let end = machine.run().await;
    assert_eq!((end.code, server.asked()), (0, 1), "{}", end.log);
    assert!(machine.at("stub/refused").exists(), "{}", end.log);
    assert_eq!(machine.read("stub/uid"), "4711\n", "{}", end.log);
    assert_eq!(machine.read("stub/jit"), machine.jit, "{}", end.log);
    let place = machine.read("stub/place");
    assert!(!fs::exists(place.trim()).unwrap(), "{place}");
}

async fn a_user_of_the_settings_is_the_one_or_none(shell: Shell) {
    if !root("a user of the settings") {
        return;
    }
    for (run_as, code, uid) in [
        (RunAs::Named("runner".into()), 0, "4711\n"),
        (RunAs::Named("nobody-here".into()), 80, ""),
        (RunAs::Root, 0, "0\n"),
    ] {
        let Some(mut machine) = Machine::installed(shell, "job") else {
            return;
        };
        has_user(&mut machine);
        machine.user.run_as = run_as;
        let end = machine.run().await;
        assert_eq!(end.code, code, "{}", end.log);
        assert_eq!(machine.read("stub/uid"), uid, "{}", end.log);
        if code == 80 {
            let said = "cannot run as nobody-here: it does not exist";
            assert_eq!(failure(&end.log).as_deref(), Some(said));
        }
    }
}
