//! Whom the runner runs as.

use std::fs;

use super::machine::{Machine, Shell, find, open};
use super::skipped;

under_every_shell! {
    root_becomes_the_runners_user
    root_stays_root_where_nobody_else_gets_at_the_runner
    anybody_may_run_it
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
        // Nobody is added to this computer: it has its user in this process's eyes only.
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
        machine.without = without.to_vec();
        machine.var("GHARUN_ALLOW_ROOT", "");
        open(&machine.at(""), 0o755);
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
    open(&machine.at(""), 0o777);
    open(&machine.at("home"), 0o777);
    machine.ending = format!("echo ended >>'{}'", machine.at("ended").display());
    machine.var("TMPDIR", &machine.at("stub").display().to_string());
    let end = machine.run().await;
    assert_eq!(end.code, 0, "{}", end.log);
    assert_eq!(machine.read("stub/uid"), "65534\n");
    assert_eq!(machine.read("stub/jit"), machine.jit);
    assert_eq!(machine.endings(), 1);
}
