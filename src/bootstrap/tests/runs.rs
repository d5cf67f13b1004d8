//! What a machine does when all goes well, and what its job may know.

use std::fs;

use super::machine::{Machine, Shell, processes};
use super::server::Server;

under_every_shell! {
    a_job_is_done_and_the_machine_ends
    a_job_is_followed_by_no_other
    the_configuration_is_in_no_process_list_and_on_no_disk
    texts_reach_the_machine_whatever_they_hold
    the_users_own_hook_is_run_too
    a_job_sees_no_token_and_no_setting_of_ours
    an_installed_runner_that_others_use_is_copied
    a_setup_script_may_be_of_another_language
    what_a_job_leaves_behind_keeps_nothing_alive
}

async fn a_job_is_done_and_the_machine_ends(shell: Shell) {
    let Some(mut machine) = Machine::new(shell) else {
        return;
    };
    let server = Server::start().await;
    machine.packages = vec![server.package.clone()];
    machine.pinned = true;
    machine.setup = Some(format!("echo $$ >'{}'", machine.at("setup").display()));
    machine.var("GHARUN_CACHE", &machine.at("cache").display().to_string());
    let end = machine.run().await;
    assert_eq!(end.code, 0, "{}", end.log);
    let expected = "arm setup cache download verify unpack run listening job end";
    let phases: Vec<_> = end.phases();
    // Whether there is a libicu is this computer's affair.
    let phases: Vec<_> = phases
        .iter()
        .filter(|phase| *phase != "dependencies")
        .map(String::as_str)
        .collect();
    assert_eq!(phases.join(" "), expected, "{}", end.log);
    assert!(
        end.log
            .contains("Job build completed with result: Succeeded"),
        "{}",
        end.log
    );
    assert_eq!(machine.read("stub/jit"), machine.jit);
    assert_eq!(machine.read("stub/umask").trim(), "0022");
    assert!(!machine.read("setup").is_empty());
    assert_eq!(machine.endings(), 1);
    // Neither the runner, with what GitHub gave it, nor the script stays.
    let place = machine.read("stub/place");
    assert!(!fs::exists(place.trim()).unwrap(), "{place}");
    assert!(!machine.at("part-001").exists());
}

async fn a_job_is_followed_by_no_other(shell: Shell) {
    let Some(machine) = Machine::installed(shell, "job") else {
        return;
    };
    assert_eq!(machine.run().await.code, 0);
    fs::remove_file(machine.at("stub/jit")).unwrap();
    let end = machine.run().await;
    assert_eq!(end.code, 77, "{}", end.log);
    assert!(!machine.at("stub/jit").exists());
    assert_eq!(machine.endings(), 2);
}

async fn the_configuration_is_in_no_process_list_and_on_no_disk(shell: Shell) {
    let Some(machine) = Machine::installed(shell, "long") else {
        return;
    };
    let run = machine.start();
    machine.see("stub/working").await;
    // The very process that was started from it has to be seen, or this proves nothing.
    let all = processes();
    assert!(all.iter().any(|line| line.contains("Runner.Worker")));
    let shown: Vec<_> = all
        .iter()
        .filter(|line| line.contains(&machine.jit))
        .collect();
    assert!(shown.is_empty(), "{shown:?}");
    assert_eq!(machine.read("stub/jit"), machine.jit);
    fs::remove_file(machine.at("stub/jit")).unwrap();
    fs::remove_file(machine.at("stub/env")).unwrap();
    let mut folders = vec![machine.at("")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let (path, kind) = entry.map(|e| (e.path(), e.file_type().unwrap())).unwrap();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                files += 1;
                let text = fs::read(&path).unwrap();
                let text = String::from_utf8_lossy(&text);
                assert!(!text.contains(&machine.jit), "{}", path.display());
            }
        }
    }
    assert!(files > 5, "{files}");
    machine.touch("stub/finish");
    let end = run.ended().await;
    assert_eq!(end.code, 0, "{}", end.log);
    assert!(!end.log.contains(&machine.jit), "{}", end.log);
}

async fn texts_reach_the_machine_whatever_they_hold(shell: Shell) {
    let Some(mut machine) = Machine::installed(shell, "job") else {
        return;
    };
    let hard = "it's \"$HOME\" `id` \\n \\\\ $(id) ü %s #!  \t# x\n\n  # y\n'";
    machine.jit = hard.into();
    machine.env = vec![("https_proxy".into(), hard.into())];
    let copy = machine.at("copy");
    let setup = format!(
        "cat \"$0\" >'{}'; printf %s \"$https_proxy\" >'{}'; exit 0\n{hard}",
        copy.display(),
        machine.at("proxy").display()
    );
    machine.setup = Some(setup.clone());
    machine.ending = format!(
        "# first\nprintf '%s' 'it'\\''s\n  # \"over\"' >'{}'\necho over >>'{}'",
        machine.at("over").display(),
        machine.at("ended").display()
    );
    let end = machine.run().await;
    assert_eq!(end.code, 0, "{}", end.log);
    assert_eq!(machine.read("stub/jit"), hard);
    assert_eq!(machine.read("copy"), setup);
    assert_eq!(machine.read("proxy"), hard);
    assert_eq!(machine.read("over"), "it's\n  # \"over\"");
    assert_eq!(machine.endings(), 1);
    let first = hard.lines().next().unwrap();
    assert!(
        machine
            .read("stub/env")
            .contains(&format!("https_proxy={first}"))
    );
}

async fn the_users_own_hook_is_run_too(shell: Shell) {
    // Of the environment; and of the runner's own file, which the runner prefers.
    for in_file in [false, true] {
        let Some(mut machine) = Machine::installed(shell, "job") else {
            return;
        };
        let hook = machine.at("it's my \"hook\".sh");
        let said = machine.at("hooked");
        fs::write(&hook, format!("echo yes >'{}'\nfalse\n", said.display())).unwrap();
        let hook = hook.display().to_string();
        if in_file {
            machine.var("ACTIONS_RUNNER_HOOK_JOB_STARTED", "/nowhere.sh");
            let text = format!("A=b\nACTIONS_RUNNER_HOOK_JOB_STARTED={hook}\nLANG=C\n");
            fs::write(machine.at("runner/.env"), text).unwrap();
        } else {
            machine.var("ACTIONS_RUNNER_HOOK_JOB_STARTED", &hook);
        }
        let end = machine.run().await;
        assert_eq!(end.code, 0, "{}", end.log);
        assert_eq!(machine.read("hooked"), "yes\n", "{}", end.log);
        // `bash -e` ends at what fails, and the runner has to hear of it.
        assert_eq!(machine.read("stub/hook"), "1\n");
    }
}

async fn a_job_sees_no_token_and_no_setting_of_ours(shell: Shell) {
    let Some(mut machine) = Machine::installed(shell, "job") else {
        return;
    };
    for name in [
        "GITHUB_TOKEN",
        "GH_TOKEN",
        "GH_PAT",
        "GHARUN_GITHUB_TOKEN",
        "GHARUN_APP_PRIVATE_KEY",
        "GHARUN_NEW",
        "PLACE_KEY",
        "RUNNER_TRACKING_ID",
    ] {
        machine.var(name, "hush");
    }
    machine.var("GHARUN_SLOT", "slot");
    machine.var("MINE", "mine");
    machine.setup = Some(format!("env >'{}'", machine.at("setup").display()));
    let end = machine.run().await;
    assert_eq!(end.code, 0, "{}", end.log);
    let seen = machine.read("stub/env");
    let names: Vec<_> = seen
        .lines()
        .filter_map(|line| line.split_once('=').map(|(name, _)| name))
        .filter(|name| name.to_ascii_lowercase().starts_with("gharun_"))
        .collect();
    // By this one a host finds all that runs in a slot.
    assert_eq!(names, ["GHARUN_SLOT"], "{seen}");
    assert!(!seen.contains("hush"), "{seen}");
    assert!(seen.contains("MINE=mine"), "{seen}");
    let setup = machine.read("setup");
    assert!(
        setup.contains("MINE=mine") && !setup.contains(&machine.jit),
        "{setup}"
    );
    for name in ["GITHUB_TOKEN", "GH_TOKEN", "GHARUN_GITHUB_TOKEN"] {
        assert!(!setup.contains(name), "{setup}");
    }
}

async fn an_installed_runner_that_others_use_is_copied(shell: Shell) {
    let Some(mut machine) = Machine::installed(shell, "job") else {
        return;
    };
    let home = machine.at("runner").display().to_string();
    let place = |machine: &Machine| machine.read("stub/place").trim().to_owned();
    // A slot of a host.
    assert_eq!(machine.run().await.code, 0);
    assert_ne!(place(&machine), home);
    // A machine of its own.
    machine.var("GHARUN_WORK", "");
    machine.name = super::Name::choose(None, 0, jiff::Timestamp::now());
    machine.vars.retain(|(name, _)| name != "HOME");
    machine.var("TMPDIR", &machine.at("home").display().to_string());
    let end = machine.run().await;
    assert_eq!(end.code, 0, "{}", end.log);
    assert_eq!(place(&machine), home);
    assert!(!machine.at("runner/.gharun-in-use").exists());
    // The same, while another one is at work there.
    fs::create_dir(machine.at("runner/.gharun-in-use")).unwrap();
    machine.name = super::Name::choose(None, 1, jiff::Timestamp::now());
    assert_eq!(machine.run().await.code, 0);
    assert_ne!(place(&machine), home);
    assert!(machine.at("runner/.gharun-in-use").exists());
    // One that is configured for something else is nobody's.
    machine.touch("runner/.runner");
    machine.name = super::Name::choose(None, 2, jiff::Timestamp::now());
    let end = machine.run().await;
    assert_eq!(end.code, 76, "{}", end.log);
}

async fn a_setup_script_may_be_of_another_language(shell: Shell) {
    let Some(mut machine) = Machine::installed(shell, "job") else {
        return;
    };
    let said = machine.at("said");
    machine.setup = Some(format!(
        "#!/usr/bin/awk -f\nBEGIN {{ print \"awk\" >\"{}\" }}\n",
        said.display()
    ));
    let end = machine.run().await;
    assert_eq!(end.code, 0, "{}", end.log);
    assert_eq!(machine.read("said"), "awk\n");
}

async fn what_a_job_leaves_behind_keeps_nothing_alive(shell: Shell) {
    let Some(machine) = Machine::installed(shell, "leaves") else {
        return;
    };
    // It has the runner's output open, and nobody's child it is.
    let run = machine.start();
    assert_eq!(run.code().await, Some(0), "{}", machine.read("log"));
    assert_eq!(machine.endings(), 1);
}
