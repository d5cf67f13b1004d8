//! Where the runner comes from, and that nothing runs that was not verified.

use std::fs;

use super::machine::{Machine, Shell, find};
use super::scene::{after, mounts};
use super::server::{Fault, Server};
use super::{Name, diagnose, failure, skipped};
use crate::model::{BootCause, Secret};

under_every_shell! {
    what_fails_for_a_while_is_fetched_again
    what_never_has_its_checksum_never_runs
    what_is_kept_is_not_fetched_again
    a_cache_that_nobody_may_write_does_no_harm
    a_pinned_version_is_the_only_one_that_runs
    an_installed_runner_gives_way_to_a_newer_one
    an_installed_runner_that_github_refuses_is_replaced
    what_is_refused_is_not_asked_for_again
    a_folder_that_runs_nothing_is_called_so
    a_download_that_wants_a_token_gets_it
    a_platform_without_a_runner_is_named
    nothing_runs_unverified
    an_installed_runner_that_another_user_may_change_is_not_used
    an_installed_runner_that_links_to_what_is_ours_is_used
    a_runner_that_cannot_be_looked_through_is_called_so
    a_cache_that_another_user_may_change_is_copied_before_it_is_verified
}

async fn served(shell: Shell) -> Option<(Machine, Server)> {
    let mut machine = Machine::new(shell)?;
    let server = Server::start().await;
    machine.packages = vec![server.package.clone()];
    // What this very computer may have installed is of another version.
    machine.pinned = true;
    machine.var("GHARUN_CACHE", &machine.at("cache").display().to_string());
    Some((machine, server))
}

fn another(machine: &mut Machine) {
    machine.name = Name::choose(None, 0, jiff::Timestamp::now());
    drop(fs::remove_file(machine.at("stub/jit"))); // it may not have been run
}

async fn what_fails_for_a_while_is_fetched_again(shell: Shell) {
    let Some((machine, server)) = served(shell).await else {
        return;
    };
    server.fail(&[
        Fault::Unavailable,
        Fault::Unavailable,
        Fault::Cut,
        Fault::Other,
    ]);
    let end = machine.run().await;
    assert_eq!(end.code, 0, "{}", end.log);
    assert_eq!(server.asked(), 5, "{}", end.log);
    assert_eq!(machine.read("stub/jit"), machine.jit);
}

async fn what_never_has_its_checksum_never_runs(shell: Shell) {
    for fault in [Fault::Other, Fault::Cut, Fault::Unavailable] {
        let Some((machine, server)) = served(shell).await else {
            return;
        };
        server.fail(&[fault; 9]);
        let end = machine.run().await;
        assert_eq!(end.code, 75, "{}", end.log);
        let said = failure(&end.log).unwrap();
        assert!(said.contains(&server.package.url), "{said}");
        assert_eq!(said.contains("checksum"), matches!(fault, Fault::Other));
        assert_eq!(server.asked(), 5);
        assert!(!machine.at("stub/jit").exists());
        let kept: Vec<_> = fs::read_dir(machine.at("cache")).unwrap().collect();
        assert!(kept.is_empty(), "{kept:?}");
        assert_eq!(machine.endings(), 1);
    }
}

async fn what_is_kept_is_not_fetched_again(shell: Shell) {
    let Some((mut machine, server)) = served(shell).await else {
        return;
    };
    assert_eq!(machine.run().await.code, 0);
    assert_eq!(server.asked(), 1);
    another(&mut machine);
    let end = machine.run().await;
    assert_eq!((end.code, server.asked()), (0, 1), "{}", end.log);
    assert_eq!(machine.read("stub/jit"), machine.jit);
    // One that went bad is of no use.
    let kept: Vec<_> = fs::read_dir(machine.at("cache")).unwrap().collect();
    let [Ok(kept)] = kept.as_slice() else {
        panic!("{kept:?}");
    };
    fs::write(kept.path(), "bad").unwrap();
    another(&mut machine);
    let end = machine.run().await;
    assert_eq!((end.code, server.asked()), (0, 2), "{}", end.log);
    // Of another version it is another file.
    machine.packages[0].version = "9.9.2".into();
    another(&mut machine);
    let end = machine.run().await;
    assert_eq!((end.code, server.asked()), (0, 3), "{}", end.log);
}

async fn a_cache_that_nobody_may_write_does_no_harm(shell: Shell) {
    let Some((mut machine, server)) = served(shell).await else {
        return;
    };
    // No folder can be made there, not even by root.
    machine.touch("file");
    machine.var(
        "GHARUN_CACHE",
        &machine.at("file/cache").display().to_string(),
    );
    let end = machine.run().await;
    assert_eq!((end.code, server.asked()), (0, 1), "{}", end.log);
    assert_eq!(machine.read("stub/jit"), machine.jit);
}

async fn a_pinned_version_is_the_only_one_that_runs(shell: Shell) {
    let Some((mut machine, server)) = served(shell).await else {
        return;
    };
    machine.install("runner"); // of version 9.9.1
    assert_eq!(machine.run().await.code, 0);
    assert_eq!(server.asked(), 0);
    machine.packages[0].version = "9.9.2".into();
    another(&mut machine);
    let end = machine.run().await;
    assert_eq!((end.code, server.asked()), (0, 1), "{}", end.log);
}

async fn an_installed_runner_gives_way_to_a_newer_one(shell: Shell) {
    let Some((mut machine, server)) = served(shell).await else {
        return;
    };
    machine.install("runner"); // of version 9.9.1
    machine.pinned = false;
    machine.packages[0].version = "9.10.0".into();
    let end = machine.run().await;
    assert_eq!((end.code, server.asked()), (0, 1), "{}", end.log);
    assert!(!end.phases().contains(&"installed".into()), "{}", end.log);
    let said = "is not used: its version is 9.9.1; GitHub names 9.10.0";
    assert!(end.log.contains(said), "{}", end.log);
    // It is used if it is as new as the named one, or if the named one cannot be downloaded.
    for version in ["9.9.1", "9.8.12", "9.11.0"] {
        machine.packages[0].version = version.into();
        if version == "9.11.0" {
            server.fail(&[Fault::Missing]);
        }
        another(&mut machine);
        machine.touch("log");
        let end = machine.run().await;
        assert_eq!(end.code, 0, "{}", end.log);
        assert!(end.phases().contains(&"installed".into()), "{}", end.log);
    }
}

async fn an_installed_runner_that_github_refuses_is_replaced(shell: Shell) {
    let Some((mut machine, server)) = served(shell).await else {
        return;
    };
    machine.install("runner"); // of version 9.9.1
    machine.mode("outdated");
    machine.pinned = false;
    machine.packages[0].version = "9.8.12".into();
    // If no other can be downloaded, the refusal is told.
    server.fail(&[Fault::Missing]);
    let end = machine.run().await;
    assert_eq!((end.code, server.asked()), (73, 1), "{}", end.log);
    let found = diagnose(&end.log).unwrap();
    let said = "is 9.9.1; GitHub names 9.8.12: could not download the runner from http://";
    assert!(found.reason.unwrap().contains(said), "{}", end.log);
    assert_eq!(found.cause, Some(BootCause::RunnerTooOld));

    fs::remove_file(machine.at("stub/refused")).unwrap();
    another(&mut machine);
    machine.touch("log");
    let end = machine.run().await;
    assert_eq!((end.code, server.asked()), (0, 2), "{}", end.log);
    let phases = end.phases();
    let at = |phase: &str| phases.iter().position(|one| one == phase).unwrap();
    assert!(at("installed") < at("run"), "{}", end.log);
    assert!(at("run") < at("unpack"), "{}", end.log);
    assert!(at("unpack") < at("job"), "{}", end.log);
    assert_eq!(machine.read("stub/jit"), machine.jit, "{}", end.log);
    assert!(end.log.trim_end().ends_with("last=job why="), "{}", end.log);
    assert_eq!(machine.endings(), 2);
}

async fn what_is_refused_is_not_asked_for_again(shell: Shell) {
    for fault in [Fault::Forbidden, Fault::Missing] {
        let Some((machine, server)) = served(shell).await else {
            return;
        };
        server.fail(&[fault; 9]);
        let end = machine.run().await;
        assert_eq!((end.code, server.asked()), (75, 1), "{}", end.log);
        assert!(failure(&end.log).unwrap().contains(" 40"), "{}", end.log);
    }
}

async fn a_download_that_wants_a_token_gets_it(shell: Shell) {
    if shell == Shell::Busybox {
        return; // its wget takes tokens in its arguments only
    }
    for token in [None, Some("hush-4711")] {
        let Some((mut machine, server)) = served(shell).await else {
            return;
        };
        server.fail(&[Fault::Locked; 9]);
        machine.packages[0].token = token.map(Secret::new);
        let end = machine.run().await;
        let code = if token.is_some() { 0 } else { 75 };
        assert_eq!((end.code, server.asked()), (code, 1), "{}", end.log);
        assert!(!end.log.contains("hush-4711"), "{}", end.log);
    }
}

async fn a_folder_that_runs_nothing_is_called_so(shell: Shell) {
    if !mounts("noexec") {
        return;
    }
    let Some(mut machine) = Machine::installed(shell, "job") else {
        return;
    };
    let work = machine.at("work").display().to_string();
    fs::create_dir(machine.at("work")).unwrap();
    machine.under = after(&format!("/bin/mount -t tmpfs -o noexec tmpfs '{work}'"));
    let end = machine.run().await;
    assert_eq!(end.code, 70, "{}", end.log);
    let said = diagnose(&end.log).unwrap();
    assert_eq!(said.cause, Some(BootCause::NotExecutable), "{}", end.log);
}

async fn a_platform_without_a_runner_is_named(shell: Shell) {
    let Some((mut machine, server)) = served(shell).await else {
        return;
    };
    let here = machine.packages[0].architecture.clone();
    machine.packages[0].architecture = "s390x".into();
    let end = machine.run().await;
    assert_eq!(end.code, 76, "{}", end.log);
    assert!(failure(&end.log).unwrap().ends_with(&here));
    assert_eq!(server.asked(), 0);
    assert_eq!(machine.endings(), 1);
}

async fn nothing_runs_unverified(shell: Shell) {
    let Some((mut machine, server)) = served(shell).await else {
        return;
    };
    let sha256 = machine.packages[0].sha256.clone();
    machine.packages[0].sha256 = "0123".into();
    let end = machine.run().await;
    assert_eq!((end.code, server.asked()), (75, 0), "{}", end.log);
    machine.packages[0].sha256 = sha256;
    if shell == Shell::Busybox {
        return; // it has all commands in itself
    }
    for (without, asked) in [
        (&["sha256sum", "shasum", "openssl"][..], None),
        (&["curl", "wget"], None),
        (&["wget", "sha256sum"], Some("shasum")),
        (&["curl", "sha256sum", "shasum"], Some("openssl")),
    ] {
        let Some((mut machine, server)) = served(shell).await else {
            return;
        };
        let needed = ["curl", "wget", asked.unwrap_or("sh")];
        if let Some(lacking) = needed.iter().find(|program| find(program).is_none()) {
            skipped(&format!("bootstrap: there is no {lacking}"));
            continue;
        }
        machine.without = without.to_vec();
        let end = machine.run().await;
        let expected = if asked.is_some() { (0, 1) } else { (75, 0) };
        assert_eq!(
            (end.code, server.asked()),
            expected,
            "{without:?}: {}",
            end.log
        );
        assert_eq!(machine.at("stub/jit").exists(), asked.is_some());
    }
}

/// Lets a shell spoil what a machine has, in its folder.
fn spoil(machine: &Machine, words: &str) {
    let mut shell = std::process::Command::new("sh");
    let status = shell
        .args(["-c", words])
        .current_dir(machine.at(""))
        .status();
    assert!(status.unwrap().success(), "{words}");
}

fn is_root() -> bool {
    let id = std::process::Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout == b"0\n")
}

async fn an_installed_runner_that_another_user_may_change_is_not_used(shell: Shell) {
    for words in [
        "chmod g+w runner/bin",
        "chmod o+w runner/bin/Runner.Worker",
        "chmod g+w runner",
        "mkdir o; chmod 777 o; ln -s ../o/data runner/externals; mkdir o/data; chmod 777 o/data",
        // The folder is fine, and he may put another one in its place; the same for a link to it, or one below.
        "mkdir o; ln -s ../o/data runner/externals; mkdir o/data; chmod 777 o",
        "mkdir o d; ln -s ../o/l runner/externals; ln -s ../d o/l; chmod 777 o",
        "mkdir -p o d/e; ln -s ../d runner/externals; ln -s ../../o/f d/e/f; echo f >o/f; chmod 777 o",
        // He may put another one in its place.
        "chmod 777 .",
        "chown -R 4711 runner",
        "chown -h 4711 runner/run.sh",
        "mv runner real; ln -s real runner; chown -h 4711 runner",
    ] {
        if words.contains("chown") && !is_root() {
            skipped("bootstrap: a runner of another user: it takes root");
            continue;
        }
        let Some(machine) = Machine::installed(shell, "job") else {
            return;
        };
        spoil(&machine, words);
        let end = machine.run().await;
        assert_eq!(end.code, 76, "{words}: {}", end.log);
        let said = "is not used: another user may change it; `chown -R root:root";
        assert!(end.log.contains(said), "{words}: {}", end.log);
        assert!(!machine.at("stub/jit").exists(), "{words}");
    }
}

async fn an_installed_runner_that_links_to_what_is_ours_is_used(shell: Shell) {
    let Some(machine) = Machine::installed(shell, "job") else {
        return;
    };
    // As a runner that has updated itself.
    spoil(
        &machine,
        "mv runner/bin runner/bin.1; ln -s \"$PWD/runner/bin.1\" runner/bin; ln -s Runner.Worker runner/bin.1/link",
    );
    let end = machine.run().await;
    assert_eq!(end.code, 0, "{}", end.log);
    assert_eq!(machine.read("stub/jit"), machine.jit);
}

async fn a_runner_that_cannot_be_looked_through_is_called_so(shell: Shell) {
    if shell == Shell::Busybox {
        return; // it has all commands in itself
    }
    let Some(mut machine) = Machine::installed(shell, "job") else {
        return;
    };
    machine.without = vec!["find"];
    let end = machine.run().await;
    assert_eq!(end.code, 76, "{}", end.log);
    assert!(end.log.contains("not installed: find"), "{}", end.log);
}

async fn a_cache_that_another_user_may_change_is_copied_before_it_is_verified(shell: Shell) {
    let Some((mut machine, server)) = served(shell).await else {
        return;
    };
    assert_eq!(machine.run().await.code, 0);
    assert_eq!(server.asked(), 1);
    spoil(&machine, "chmod 777 cache");
    another(&mut machine);
    // He is quick: once it is verified, it is another one.
    let fake = format!(
        "checksum() {{\nsha256sum \"$1\" | cut -d ' ' -f 1\nfor kept in '{0}/'*.gz; do echo bad >\"$kept\"; done\n}}\nfind_platform",
        machine.at("cache").display()
    );
    let script = machine.script();
    let (before, after) = script.rsplit_once("\nfind_platform").unwrap();
    let end = machine
        .start_script(&format!("{before}\n{fake}{after}"))
        .ended()
        .await;
    assert_eq!((end.code, server.asked()), (0, 1), "{}", end.log);
    assert_eq!(machine.read("stub/jit"), machine.jit);
}
