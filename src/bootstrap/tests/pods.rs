//! The script as the command of a `RunPod` pod, which is started again whenever it ends: run by the
//! stand-in, it runs its job once and ends its pod through the API.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use serde_json::json;

use super::machine::{Machine, Shell, find, processes};
use super::scene::Scene;
use super::{meaning, skipped};
use crate::poll::{Pace, until};
use gharun_worlds::runpod::{Deed, Lag, Machinery, Seen, Stage, Standin};

/// What a test may wait for anything; nothing waits for its end.
const PATIENCE: Pace = Pace {
    every: Duration::from_millis(50),
    at_most: Duration::from_secs(90),
};
const ENDING: &str = include_str!("../../providers/runpod/ending.sh");
const ONE: &str = "/v2/pods/{id}";
const ACTION: &str = "/v2/pods/{id}/action";

under_every_shell! {
    a_pod_runs_its_job_once_and_is_gone
    a_pod_goes_on_asking_whatever_it_is_told
    a_pod_waits_for_the_end_that_was_granted
    a_pod_that_is_started_again_after_its_job_ends_itself
    a_crash_in_the_midst_of_a_job_is_the_end
    a_disk_that_was_wiped_brings_no_second_job
    a_disk_that_was_wiped_in_the_midst_of_a_job_brings_no_other
    the_dead_man_switch_ends_a_pod
}

/// An account in which a machine's script is run as a pod's command.
struct Account {
    standin: Standin,
    shell: Shell,
}

/// Makes a machine one that ends as a pod does.
fn as_pod(machine: &mut Machine) {
    ENDING.clone_into(&mut machine.ending);
    machine.retry = 1;
}

impl Account {
    fn open(shell: Shell) -> Self {
        let standin = Standin::start();
        Self { standin, shell }
    }

    /// Creates the pod of a machine; what its disk holds is kept, or not, when it is started again.
    fn create(&self, machine: &Machine, script: &str, keeps_disk: bool) -> String {
        let mut image = vec![
            ("PATH".to_owned(), machine.toolbox()),
            ("STUB".into(), machine.at("stub").display().to_string()),
            ("STUB_MODE".into(), "job".into()),
            ("GHARUN_WORK".into(), "{disk}/work".into()),
        ];
        image.extend(
            machine
                .vars
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .cloned(),
        );
        self.standin.rule(|rules| {
            rules.machinery = Some(Machinery {
                image,
                keeps_disk,
                ..Machinery::default()
            });
        });
        let program = find(self.shell.program()).expect("it was looked for");
        let mut entrypoint = vec![program.display().to_string()];
        if self.shell == Shell::Busybox {
            entrypoint.push("sh".into());
        }
        entrypoint.push("-c".into());
        let pod = self.standin.create(&json!({
            "name": machine.name.as_str(),
            "image": "ubuntu:24.04",
            "cpu": {"id": "cpu5c", "vcpuCount": 2},
            "entrypoint": entrypoint,
            "cmd": ["eval \"$GHARUN_BOOT\""],
            "env": {
                "GHARUN_BOOT": script,
                "GHARUN_RUNPOD_API": format!("{}/v2", self.standin.url),
            },
        }));
        pod.id
    }

    fn pod(&self, id: &str) -> Seen {
        self.standin.pod(id).expect("it was created")
    }

    async fn wait(&self, id: &str, what: &str, is_so: impl Fn(&Seen) -> bool) -> Seen {
        let seen = until(PATIENCE, async || Some(self.pod(id)).filter(&is_so)).await;
        seen.unwrap_or_else(|| panic!("not so: {what}: {}", self.pod(id).log))
    }

    /// Waits until a pod has ended itself.
    async fn gone(&self, id: &str) -> Seen {
        self.wait(id, "it is gone", |pod| {
            pod.stage == Stage::Gone && !pod.runs_now
        })
        .await
    }

    /// The statuses that its wishes to end were answered with, and by what verb each came.
    fn wishes(&self) -> Vec<(String, u16)> {
        let asked = self.standin.asked().into_iter();
        asked.map(|asked| (asked.method, asked.status)).collect()
    }

    /// Answers all wishes to end like this.
    fn refuse(&self, times: u32, deed: &Deed) {
        self.standin.times(times, "DELETE", ONE, deed.clone());
        self.standin.times(times, "POST", ACTION, deed.clone());
    }
}

async fn a_pod_runs_its_job_once_and_is_gone(shell: Shell) {
    let Some(mut machine) = Machine::installed(shell, "job") else {
        return;
    };
    as_pod(&mut machine);
    let account = Account::open(shell);
    let id = account.create(&machine, &machine.script(), false);
    let pod = account.gone(&id).await;
    assert_eq!(pod.runs, 1, "{}", pod.log);
    assert!(pod.log.contains("phase=end"), "{}", pod.log);
    assert!(!pod.log.contains(&pod.key) && !pod.log.contains(&machine.jit));
    assert_eq!(machine.read("stub/jit"), machine.jit);
    let seen = machine.read("stub/env");
    assert!(seen.contains("PATH=") && !seen.contains(&pod.key), "{seen}");
    assert!(!seen.contains("GHARUN_"), "{seen}");
    let asked = account.standin.asked();
    assert_eq!(asked.len(), 1);
    let bearer = format!("Bearer {}", pod.key);
    assert_eq!(asked[0].header("authorization"), Some(bearer.as_str()));
    assert_eq!(asked[0].header("user-agent"), Some("gharun"));
    assert_eq!(account.standin.violations(), [""; 0]);
}

async fn a_pod_goes_on_asking_whatever_it_is_told(shell: Shell) {
    let Some(mut machine) = Machine::installed(shell, "job") else {
        return;
    };
    as_pod(&mut machine);
    let account = Account::open(shell);
    let unauthorized = Deed::refuse(401, "invalid bearer token");
    let deeds = [
        Deed::refuse(500, "oh"),
        Deed::html(502),
        unauthorized,
        Deed::Drop,
        Deed::limit(1),
    ];
    for deed in deeds {
        // Busybox has the one verb only.
        let once = |method, path| account.standin.once(method, path, deed.clone());
        once("DELETE", ONE);
        once("POST", ACTION);
    }
    // Where one client fails, so would the next: it is asked, too, and a real day is no shorter for it.
    machine.without = vec!["python3", "perl", "node", "wget"];
    let slept = machine.at("slept").display().to_string();
    let script = format!(
        "sleep() {{ case $1 in [1-9]*) echo \"$1\" >>'{slept}'; set -- 0.1 ;; esac; command sleep \"$1\"; }}\n{}",
        machine.script()
    );
    let id = account.create(&machine, &script, false);
    let pod = account.gone(&id).await;
    assert_eq!(pod.runs, 1, "{}", pod.log);
    let wishes = account.wishes();
    assert_eq!(
        wishes.last().map(|(_, status)| *status),
        Some(204),
        "{wishes:?}"
    );
    for status in [500, 502, 401, 0, 429] {
        assert!(wishes.iter().any(|(_, said)| *said == status), "{wishes:?}");
    }
    let slept = machine.read("slept");
    let slept: Vec<&str> = slept.lines().filter(|line| *line != "45").collect();
    assert!(slept.len() >= 5, "{slept:?}");
    let growing = [
        "1", "2", "4", "8", "16", "32", "32", "32", "32", "32", "32", "32",
    ];
    assert!(growing.starts_with(&slept), "{slept:?}");
    assert!(pod.log.contains("the machine cannot end itself yet"));
}

async fn a_pod_waits_for_the_end_that_was_granted(shell: Shell) {
    let Some(mut machine) = Machine::installed(shell, "job") else {
        return;
    };
    as_pod(&mut machine);
    let account = Account::open(shell);
    account.standin.rule(|rules| rules.dying = Lag::Forever);
    // What would be a minute.
    let script = format!(
        "sleep() {{ [ \"$1\" = 45 ] && set -- 0.5; command sleep \"$1\"; }}\n{}",
        machine.script()
    );
    let id = account.create(&machine, &script, false);
    let granted = |pod: &Seen| pod.log.contains("the pod was told to end");
    account.wait(&id, "it is granted", granted).await;
    let more = until(PATIENCE, async || {
        (account.wishes().len() >= 3).then_some(())
    })
    .await;
    let pod = account.pod(&id);
    assert!(more.is_some(), "it is not asked again: {}", pod.log);
    // One that ended would have been started again.
    assert_eq!(pod.runs, 1, "{}", pod.log);
    assert!(pod.runs_now);
}

async fn a_pod_that_is_started_again_after_its_job_ends_itself(shell: Shell) {
    let Some(mut machine) = Machine::installed(shell, "job") else {
        return;
    };
    as_pod(&mut machine);
    let account = Account::open(shell);
    account.refuse(u32::MAX, &Deed::refuse(500, "oh"));
    let id = account.create(&machine, &machine.script(), true);
    let refused = |pod: &Seen| pod.log.contains("cannot end itself yet");
    account.wait(&id, "it was refused", refused).await;
    assert_eq!(machine.read("stub/jit"), machine.jit);
    fs::remove_file(machine.at("stub/jit")).unwrap();
    for runs in 2..4 {
        let before = account.wishes().len();
        account.standin.crash(&id);
        account
            .wait(&id, "it runs again", |pod| pod.runs == runs)
            .await;
        let more = until(PATIENCE, async || {
            (account.wishes().len() > before).then_some(())
        })
        .await;
        assert!(more.is_some(), "{}", account.pod(&id).log);
    }
    account.standin.forgive();
    let pod = account.gone(&id).await;
    assert_eq!(pod.runs, 3);
    assert!(
        pod.log.contains("error: it already ran here"),
        "{}",
        pod.log
    );
    assert!(!machine.at("stub/jit").exists());
}

async fn a_crash_in_the_midst_of_a_job_is_the_end(shell: Shell) {
    let Some(mut machine) = Machine::installed(shell, "long") else {
        return;
    };
    as_pod(&mut machine);
    let account = Account::open(shell);
    let id = account.create(&machine, &machine.script(), true);
    machine.see("stub/working").await;
    fs::remove_file(machine.at("stub/jit")).unwrap();
    account.standin.crash(&id);
    let pod = account.gone(&id).await;
    assert_eq!(pod.runs, 2, "{}", pod.log);
    assert!(!machine.at("stub/jit").exists(), "{}", pod.log);
}

async fn a_disk_that_was_wiped_brings_no_second_job(shell: Shell) {
    let Some(mut scene) = Scene::open(shell).await else {
        return;
    };
    as_pod(&mut scene.machine);
    let account = Account::open(shell);
    account.refuse(u32::MAX, &Deed::html(502));
    scene.queue("true");
    let id = account.create(&scene.machine, &scene.machine.script(), false);
    let refused = |pod: &Seen| pod.log.contains("cannot end itself yet");
    account.wait(&id, "it was refused", refused).await;
    // There would be one more.
    scene.queue("true");
    account.standin.crash(&id);
    let known = format!("error: {}", meaning(70).unwrap());
    account
        .wait(&id, "it is refused", |pod| pod.log.contains(&known))
        .await;
    account.standin.forgive();
    let pod = account.gone(&id).await;
    assert_eq!(pod.runs, 2, "{}", pod.log);
    assert_eq!(taken(&scene), 1, "{}", pod.log);
    assert!(scene.row().is_none());
}

async fn a_disk_that_was_wiped_in_the_midst_of_a_job_brings_no_other(shell: Shell) {
    let Some(mut scene) = Scene::open(shell).await else {
        return;
    };
    as_pod(&mut scene.machine);
    let account = Account::open(shell);
    scene.queue_long_job("");
    let id = account.create(&scene.machine, &scene.machine.script(), false);
    scene.machine.see("stub/begun").await;
    scene.queue("true");
    account.standin.crash(&id);
    let pod = account.gone(&id).await;
    assert_eq!(pod.runs, 2, "{}", pod.log);
    assert_eq!(taken(&scene), 1, "{}", pod.log);
}

/// How many jobs were taken by a runner.
fn taken(scene: &Scene) -> usize {
    let jobs = scene.stub.jobs();
    jobs.iter().filter(|job| job.runner.is_some()).count()
}

async fn the_dead_man_switch_ends_a_pod(shell: Shell) {
    for (mode, code) in [("stubborn", 72), ("idle", 71)] {
        let Some(mut machine) = Machine::installed(shell, mode) else {
            return;
        };
        as_pod(&mut machine);
        if code == 72 {
            machine.expires = 3;
        } else {
            machine.idle = Some(1);
        }
        let account = Account::open(shell);
        let id = account.create(&machine, &machine.script(), true);
        let pod = account.gone(&id).await;
        assert_eq!(pod.runs, 1, "{}", pod.log);
        assert!(pod.log.contains(meaning(code).unwrap()), "{}", pod.log);
    }
}

/// A machine with nothing that can ask for its end but one program, from there.
fn with_only(program: &str) -> Option<Machine> {
    let mut machine = Machine::installed(Shell::Dash, "job")?;
    as_pod(&mut machine);
    machine.without = vec!["curl", "wget"];
    machine.toolbox();
    symlink(
        find("mktemp").expect("it is everywhere"),
        machine.at("tools/mktemp"),
    )
    .expect("a link");
    let from = match program {
        "busybox" => "busybox",
        "the runner's node" => "node",
        other => other,
    };
    let link = match program {
        "none" => return Some(machine),
        "busybox" => machine.at("tools/wget"),
        "the runner's node" => {
            let folder = machine.at("runner/externals/node99/bin");
            fs::create_dir_all(&folder).expect("a folder");
            folder.join("node")
        }
        other => machine.at("tools").join(other),
    };
    let Some(found) = find(from) else {
        skipped(&format!("bootstrap: there is no {from}"));
        return None;
    };
    symlink(found, link).expect("a link");
    Some(machine)
}

#[tokio::test]
async fn a_pod_ends_itself_with_whatever_is_there() {
    for program in [
        "curl",
        "python3",
        "perl",
        "wget",
        "node",
        "the runner's node",
        "busybox",
    ] {
        let Some(machine) = with_only(program) else {
            continue;
        };
        let account = Account::open(Shell::Dash);
        account.standin.once("DELETE", ONE, Deed::refuse(500, "oh"));
        let id = account.create(&machine, &machine.script(), false);
        let pod = account.gone(&id).await;
        assert_eq!(pod.runs, 1, "{program}: {}", pod.log);
        let verbs: Vec<String> = account.wishes().into_iter().map(|(verb, _)| verb).collect();
        let wanted: &[&str] = if program == "busybox" {
            &["POST"]
        } else {
            &["DELETE", "POST"]
        };
        assert_eq!(verbs, wanted, "{program}: {}", pod.log);
        assert_eq!(account.standin.violations(), [""; 0], "{program}");
        assert!(!pod.log.contains(&pod.key), "{program}: {}", pod.log);
    }
}

#[tokio::test]
async fn a_pods_key_is_in_no_process_list() {
    for program in ["curl", "python3", "perl", "wget", "node"] {
        let Some(machine) = with_only(program) else {
            continue;
        };
        let account = Account::open(Shell::Dash);
        account.refuse(u32::MAX, &Deed::Hang);
        let id = account.create(&machine, &machine.script(), false);
        let asking = until(PATIENCE, async || account.wishes().first().cloned()).await;
        let pod = account.pod(&id);
        assert!(asking.is_some(), "{program}: {}", pod.log);
        let all = processes();
        // The very process that asks has to be seen, or this proves nothing.
        assert!(
            all.iter()
                .any(|line| line.contains(program) && line.contains(&id)),
            "{program}: {all:?}"
        );
        let shown: Vec<_> = all.iter().filter(|line| line.contains(&pod.key)).collect();
        assert!(shown.is_empty(), "{program}: {shown:?}");
    }
}

#[tokio::test]
async fn a_pod_that_cannot_ask_says_so_and_takes_no_job() {
    let Some(machine) = with_only("none") else {
        return;
    };
    let account = Account::open(Shell::Dash);
    let id = account.create(&machine, &machine.script(), false);
    let said = |pod: &Seen| {
        pod.log
            .matches("nothing here can ask for the end of this pod")
            .count()
            >= 2
    };
    let pod = account.wait(&id, "it says so", said).await;
    assert_eq!(pod.runs, 1, "{}", pod.log);
    assert!(pod.runs_now);
    assert_eq!(account.wishes(), []);
    assert!(
        pod.log.contains("so it does not accept a job"),
        "{}",
        pod.log
    );
    assert!(!machine.at("stub/jit").exists(), "{}", pod.log);
}

#[tokio::test]
async fn a_pods_root_does_not_run_what_a_job_may_have_changed() {
    let root = std::process::Command::new("id").arg("-u").output().unwrap();
    let Some(mut machine) = with_only("the runner's node") else {
        return;
    };
    if root.stdout != b"0\n" {
        return skipped("bootstrap: what a job may have changed: it takes root");
    }
    machine.mode("gives");
    let account = Account::open(Shell::Dash);
    let id = account.create(&machine, &machine.script(), false);
    account.standin.once("DELETE", ONE, Deed::refuse(500, "oh"));
    let pod = account.gone(&id).await;
    assert_eq!(machine.read("stub/jit"), machine.jit, "{}", pod.log);
    // By the copy that root made before the job: what the job put there says that it ran.
    assert!(!machine.at("stub/ran").exists(), "{}", pod.log);
}

#[test]
fn shellcheck_has_nothing_to_say_of_a_pods_ending() {
    let Some(shellcheck) = find("shellcheck") else {
        return skipped("bootstrap: there is no shellcheck");
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ending.sh");
    fs::write(&file, format!("#!/bin/sh\n{ENDING}")).unwrap();
    let output = std::process::Command::new(shellcheck)
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
}
