//! What runs in a slot: how it begins, what it sees, and how it ends with all that it started.

use super::*;

/// A machine's script that notes its processes in `pids` and stays: a child in its own group, a
/// grandchild that left the session, and one that does not listen to signals.
const FAMILY: &str = r#"
echo $$ >>"$GHARUN_WORK/pids"
sleep 300 &
echo $! >>"$GHARUN_WORK/pids"
setsid sh -c 'echo $$ >>"$GHARUN_WORK/pids"; sleep 300 & echo $! >>"$GHARUN_WORK/pids"; wait' &
sh -c 'trap "" TERM INT HUP; echo $$ >>"$GHARUN_WORK/pids"; while :; do sleep 1; done' &
until [ "$(wc -l <"$GHARUN_WORK/pids")" -eq 5 ]; do sleep 0.1; done
echo done >"$GHARUN_WORK/ready"
"#;

async fn family(here: &Here, id: &str) -> Vec<String> {
    here.file(id, "work/ready").await;
    let pids = here.file(id, "work/pids").await;
    let pids: Vec<String> = pids.lines().map(str::to_owned).collect();
    assert!(pids.iter().all(|pid| runs(pid)), "{pids:?}");
    pids
}

async fn all_end(pids: &[String]) {
    let ended = until(SOON, async || {
        (!pids.iter().any(|pid| runs(pid))).then_some(())
    });
    ended.await.expect("all of them end");
}

#[tokio::test]
async fn ending_a_machine_ends_all_that_it_started() {
    let here = Here::new("sh");
    let machine = here.launch(&format!("{FAMILY}\nwait")).await;
    let pids = family(&here, &machine.id.id).await;
    here.local().terminate(&machine.id).await.unwrap();
    let left: Vec<_> = pids.iter().filter(|pid| runs(pid)).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(here.census().await, []);
    assert!(!here.root().join("slot-1").exists());
}

#[tokio::test]
async fn what_a_machine_leaves_behind_ends_with_it() {
    let here = Here::new("sh");
    let boot = format!("{FAMILY}\nuntil [ -e go ]; do sleep 0.1; done; exit 7");
    let machine = here.launch(&boot).await;
    let pids = family(&here, &machine.id.id).await;
    let folder = here.folder(&machine.id.id);
    fs::write(folder.join("work/go"), "").unwrap();
    assert_eq!(here.ends(&machine.id.id).await, "with exit code 7");
    all_end(&pids).await;
    assert!(!folder.join("boot").exists() && !folder.join("env").exists());
    assert!(
        folder.join("work/pids").exists(),
        "what it worked on can be looked at"
    );
    here.finish().await;
}

#[tokio::test]
async fn a_machine_whose_keeper_was_killed_runs_on_is_watched_and_can_be_ended() {
    let here = Here::new("sh");
    let mut order = here.order(&format!("{FAMILY}\nwait"));
    order.tags.expires = Timestamp::now() + Duration::from_secs(8);
    let short = here.local().launch(&order).await.unwrap();
    let long = here.launch(&format!("{FAMILY}\nwait")).await;
    let mut all = Vec::new();
    for machine in [&short, &long] {
        let id = &machine.id.id;
        all.push(family(&here, id).await);
        let keeper = here.file(id, "keeper").await;
        kill("-KILL", keeper.split(' ').next().unwrap());
        assert_eq!(here.condition(id).await, Some(Condition::Running));
    }
    // Its lifetime ends it all the same.
    all_end(&all[0]).await;
    assert!(all[1].iter().all(|pid| runs(pid)));
    let watcher = here.file(&long.id.id, "watcher").await;
    let watcher = watcher.split(' ').next().unwrap().to_owned();
    assert!(runs(&watcher));
    for machine in [&short, &long] {
        here.local().terminate(&machine.id).await.unwrap();
    }
    assert!(!all[1].iter().chain([&watcher]).any(|pid| runs(pid)));
    assert_eq!(here.census().await, []);
}

#[tokio::test]
async fn a_machine_killed_from_outside_is_not_taken_for_running() {
    let here = Here::new("sh");
    let machine = here.launch("exec sleep 300").await;
    let leader = here.file(&machine.id.id, "leader").await;
    let keeper = here.file(&machine.id.id, "keeper").await;
    for process in [keeper, leader] {
        kill("-KILL", process.split(' ').next().unwrap());
    }
    assert_eq!(here.ends(&machine.id.id).await, "killed from outside");
    // Nor is a process that got the number since.
    let folder = here.folder(&machine.id.id);
    fs::write(
        folder.join("leader"),
        format!("{} 1-x\n", std::process::id()),
    )
    .unwrap();
    assert_eq!(here.ends(&machine.id.id).await, "killed from outside");
    here.local().terminate(&machine.id).await.unwrap();
    assert_eq!(here.census().await, []);
}

#[tokio::test]
async fn a_machine_ends_when_its_lifetime_is_over() {
    let here = Here::new("sh");
    let mut order = here.order(&format!("{FAMILY}\nwait"));
    order.tags.expires = Timestamp::now() + Duration::from_secs(6);
    let machine = here.local().launch(&order).await.unwrap();
    let pids = family(&here, &machine.id.id).await;
    assert_eq!(
        here.ends(&machine.id.id).await,
        "when its lifetime was over"
    );
    all_end(&pids).await;
    let log = here.local().logs(&machine.id).await.unwrap().unwrap();
    assert!(log.contains("the lifetime is over"), "{log}");
    here.finish().await;
}

#[tokio::test]
async fn a_machine_sees_nothing_of_our_environment_but_what_every_program_needs() {
    let here = Here::new("sh");
    let mut config = here.config();
    config.env.insert(
        "MINE".to_owned().try_into().unwrap(),
        "it's $HOME\nand \"more\"".into(),
    );
    let mut shell = here.shell();
    for (key, value) in [
        ("GH_PAT", "hush"),
        ("RUNNER_TRACKING_ID", "github_1"),
        ("GHARUN_SLOT", "outer"),
        ("https_proxy", "http://user:pa ss@proxy:1"),
        ("LC_ALL", "C.UTF-8"),
        ("HOME", "/home/some body"),
    ] {
        shell.env.push((key.into(), value.into()));
    }
    let local = Local::on(shell, config).unwrap();
    let order = here.order("export -p >all; printf %s \"$MINE\" >mine; printf '%s|' \"$https_proxy\" \"$LC_ALL\" \"$HOME\" >kept; exec sleep 300");
    let machine = local.launch(&order).await.unwrap();
    let id = &machine.id.id;
    assert_eq!(here.file(id, "work/mine").await, "it's $HOME\nand \"more\"");
    let kept = here.file(id, "work/kept").await;
    assert_eq!(kept, "http://user:pa ss@proxy:1|C.UTF-8|/home/some body|");
    let all = here.file(id, "work/all").await;
    let allowed = [
        "GHARUN_CACHE",
        "GHARUN_SLOT",
        "GHARUN_WORK",
        "HOME",
        "LC_ALL",
        "MINE",
        "PATH",
        "PWD",
        "https_proxy",
        "NODE_EXTRA_CA_CERTS",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
    ];
    let names = all.lines().filter_map(|line| line.strip_prefix("export "));
    let names = names.map(|line| line.split('=').next().unwrap());
    let others = [
        "LANG", "LOGNAME", "OLDPWD", "SHELL", "SHLVL", "TMPDIR", "TZ", "USER", "_",
    ];
    for name in names {
        assert!(
            allowed.contains(&name) || others.contains(&name),
            "{name}: {all}"
        );
    }
    assert!(!all.contains("hush") && !all.contains("github_1") && !all.contains("outer"));
    let work = here.folder(id).join("work");
    assert!(
        all.contains(&format!("GHARUN_WORK='{}'", work.display())),
        "{all}"
    );
    // Nor do the processes that stay with it.
    let keeper = here.file(id, "keeper").await;
    let environ = format!("/proc/{}/environ", keeper.split(' ').next().unwrap());
    if let Ok(environ) = fs::read(environ) {
        let environ = String::from_utf8_lossy(&environ).into_owned();
        assert!(
            !environ.contains("hush") && !environ.contains("TRACKING"),
            "{environ}"
        );
    }
    here.finish().await;
}

#[tokio::test]
async fn a_machine_outlives_the_process_that_launched_it() {
    let here = Here::new("sh");
    // A shell of its own session plays the process; it gets a hang-up and is killed when it is done.
    let shell = here.spoilt("$sh \"$@\"; code=$?; kill -HUP 0; exit $code");
    let order = here.order("exec sleep 300");
    let launch = shell.launch(&order).await;
    let machine = match launch {
        Ok(machine) => machine.id.id,
        Err(error) => {
            assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
            order.name.to_string()
        }
    };
    assert_eq!(here.condition(&machine).await, Some(Condition::Running));
    let leader = here.file(&machine, "leader").await;
    let pid = leader.split(' ').next().unwrap();
    let session = run("ps", &["-o", "pgid=", "-p", pid]);
    assert_eq!(session.trim(), pid, "it leads a group of its own");
    here.finish().await;
}

#[tokio::test]
async fn jobs_on_a_machine_can_be_interrupted() {
    let here = Here::new("sh");
    // What is ignored when a shell begins stays so: then a job that is cancelled would not hear of it.
    let boot = "trap 'echo heard >heard; exit' INT; echo x >ready; while :; do sleep 0.1; done";
    let machine = here.launch(boot).await;
    here.file(&machine.id.id, "work/ready").await;
    let leader = here.file(&machine.id.id, "leader").await;
    kill("-INT", leader.split(' ').next().unwrap());
    assert_eq!(here.file(&machine.id.id, "work/heard").await, "heard\n");
    here.finish().await;
}

#[tokio::test]
async fn exit_codes_are_told() {
    let here = Here::new("sh");
    for (boot, how) in [
        ("exit 0", "with exit code 0"),
        ("exit 41", "with exit code 41"),
        ("kill -KILL $$", "with exit code 137"),
        ("not-a-program-at-all", "with exit code 127"),
    ] {
        let machine = here.launch(boot).await;
        assert_eq!(here.ends(&machine.id.id).await, how);
    }
    here.finish().await;
}

#[tokio::test]
async fn the_log_is_kept_to_its_end_whatever_is_in_it() {
    let here = Here::new("sh");
    let boot =
        "printf 'gharun\\nfail alive\\nend\\ngharun-done\\n'; echo oops >&2; printf 'no end'";
    let machine = here.launch(boot).await;
    here.ends(&machine.id.id).await;
    let log = here.local().logs(&machine.id).await.unwrap().unwrap();
    assert_eq!(log, "gharun\nfail alive\nend\ngharun-done\noops\nno end");

    let boot = "i=0; while [ $i -lt 3000 ]; do echo \"line $i is about as long as this one\"; i=$((i+1)); done";
    let machine = here.launch(boot).await;
    here.ends(&machine.id.id).await;
    let log = here.local().logs(&machine.id).await.unwrap().unwrap();
    assert!(log.len() <= 64 * 1024 && log.ends_with("line 2999 is about as long as this one\n"));
    here.local().terminate(&machine.id).await.unwrap();
    assert_eq!(here.local().logs(&machine.id).await.unwrap(), None);
    here.finish().await;
}

#[tokio::test]
async fn a_job_is_seen_by_its_worker_and_not_by_what_speaks_of_it() {
    let here = Here::new("sh");
    let boot = r"
        printf '#!/bin/sh\nwhile [ ! -e stop ]; do sleep 0.1; done\n' >Runner.Worker
        chmod +x Runner.Worker
        sh -c 'sleep 300; : Runner.Worker' &
        echo x >ready
        until [ -e go ]; do sleep 0.1; done
        setsid ./Runner.Worker &
        wait";
    let machine = here.launch(boot).await;
    here.file(&machine.id.id, "work/ready").await;
    let used = async || here.local().in_use(&machine.id).await.unwrap();
    assert_eq!(used().await, Some(false));
    let work = here.folder(&machine.id.id).join("work");
    fs::write(work.join("go"), "").unwrap();
    let seen = until(SOON, async || (used().await == Some(true)).then_some(()));
    seen.await.expect("a job is seen");
    fs::write(work.join("stop"), "").unwrap();
    let seen = until(SOON, async || (used().await == Some(false)).then_some(()));
    seen.await.expect("its end is seen");
    here.local().terminate(&machine.id).await.unwrap();
    assert_eq!(used().await, Some(false), "what is gone is not in use");
}

#[tokio::test]
async fn a_folder_that_a_job_made_read_only_goes_too() {
    let here = Here::new("sh");
    let boot = "mkdir -p a/b; echo x >a/b/c; chmod 500 a/b a; echo x >ready; exec sleep 300";
    let machine = here.launch(boot).await;
    here.file(&machine.id.id, "work/ready").await;
    here.local().terminate(&machine.id).await.unwrap();
    assert_eq!(here.census().await, []);
}

#[tokio::test]
async fn a_machine_whose_folder_was_removed_by_hand_is_ended_all_the_same() {
    let here = Here::new("sh");
    let machine = here.launch(&format!("{FAMILY}\nwait")).await;
    let pids = family(&here, &machine.id.id).await;
    if !Path::new("/proc/self/environ").exists() {
        return skipped("finding processes by their mark: this system does not show it");
    }
    fs::remove_dir_all(here.root()).unwrap();
    here.local().terminate(&machine.id).await.unwrap();
    assert!(!pids.iter().any(|pid| runs(pid)));
}
