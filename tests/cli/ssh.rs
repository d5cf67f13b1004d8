//! The main job on hosts that are reached by ssh: real `sshd`s on this computer.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::life::rehearse;
use crate::world::{World, signal, wait_for};

mod slots;

use gharun_worlds::sshd::{self, Agent, Rack, keygen};

/// Starts some hosts; says so where there can be none.
fn rack(number: usize) -> Option<Rack> {
    rack_with(number, "")
}

/// The same, with more in their `sshd_config`.
fn rack_with(number: usize, settings: &str) -> Option<Rack> {
    match sshd::program() {
        Ok(_) => Some(Rack::of(number, settings)),
        Err(why) => {
            skipped(&why);
            None
        }
    }
}

/// Says what is not tested.
fn skipped(why: &str) {
    gharun_worlds::skipped(&format!("program tests on hosts by ssh: {why}"));
}

/// Writes the hosts into the world's file.
fn file(world: &World, rack: &Rack, more: &str) {
    let text = format!(
        "[defaults]\nproviders = [\"rack\"]\n\n[providers.rack]\nkind = \"ssh\"\nhosts = {:?}\n\
         identity = \"{}\"\nknown_hosts = \"{}\"\n{more}\n",
        rack.specs(),
        rack.identity().display(),
        rack.known_hosts().display(),
    );
    std::fs::write(world.path("providers.toml"), text).expect("a file");
}

/// What is in the slots of all hosts.
fn held(rack: &Rack) -> Vec<PathBuf> {
    let hosts = rack.hosts.iter();
    hosts
        .flat_map(|host| std::fs::read_dir(host.slots()).into_iter().flatten())
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| !path.ends_with("cache"))
        .flat_map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("slot-") {
                vec![path]
            } else {
                let inside = std::fs::read_dir(&path).into_iter().flatten();
                inside
                    .map(|entry| entry.expect("an entry").path())
                    .collect()
            }
        })
        .collect()
}

#[test]
fn a_proxy_of_this_computer_asks_nothing_of_the_hosts() {
    let Some(rack) = rack_with(1, "AllowTcpForwarding no\n") else {
        return;
    };
    let world = World::new().env("HTTPS_PROXY", "http://127.0.0.1:9");
    file(&world, &rack, "");
    let said = world.run("start rack").exits(0);
    assert!(
        said.stderr
            .contains("machines of `rack` will not use the proxy"),
        "{}",
        said.stderr
    );
    world.run("stop --yes").exits(0);
    assert_eq!(held(&rack), [] as [PathBuf; 0]);
}

/// The processes of all machines of a rack: they work in its folder.
fn processes(rack: &Rack) -> Vec<String> {
    let below = rack.dir.path().display().to_string();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let folder = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        if folder.to_string_lossy().starts_with(&below) {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            found.push(String::from_utf8_lossy(&line).replace('\0', " "));
        }
    }
    found
}

#[track_caller]
fn nothing_is_left(world: &World, rack: &Rack) {
    let rows = world.stub.runners();
    let rows: Vec<String> = rows.into_iter().map(|row| row.name).collect();
    assert!(rows.is_empty(), "registrations are left: {rows:?}");
    assert_eq!(
        held(rack),
        Vec::<PathBuf>::new(),
        "slots or folders are left"
    );
    assert_eq!(processes(rack), [""; 0], "processes are left");
}

#[test]
fn a_rehearsal_runs_over_a_forwarded_port() {
    let Some(rack) = rack(1) else { return };
    let world = World::new()
        .env("GH_PAT", "")
        .env("GHARUN_REPO", "")
        .env("GITHUB_API_URL", "");
    file(&world, &rack, "");
    rehearse(&world, "start --rehearse", &[]);
    assert_eq!(held(&rack), Vec::<PathBuf>::new());
}

#[test]
fn ten_runners_start_on_three_hosts_and_a_second_start_does_not_download() {
    let Some(rack) = rack(3) else { return };
    let world = World::new();
    file(&world, &rack, "slots = 4\nprefer = \"least-used\"");
    // The cache of every host is filled.
    let began = Instant::now();
    world.run("start --count 3").exits(0);
    let few = began.elapsed();
    world.run("stop --yes").exits(0);
    let downloads = || world.github.count("releases/download");
    let first = downloads();
    assert!(first >= 3, "{first} downloads of three hosts");
    let began = Instant::now();
    let started = world.run("start --count 10 --output json").exits(0).json();
    let many = began.elapsed();
    assert_eq!(
        started["mapping"].as_object().map(serde_json::Map::len),
        Some(10),
        "{started}"
    );
    assert_eq!(downloads(), first, "the caches are warm");
    // Figures for whoever looks; a busy machine proves nothing.
    say_figures(few, many);
    let listed = world.run("list --output json").exits(0).json();
    let machines = listed["machines"].as_array().expect("a list");
    let ready = machines
        .iter()
        .filter(|row| row["verdict"] == "ready")
        .count();
    assert_eq!(ready, 10, "{listed}");
    world.run("stop --yes").exits(0);
    nothing_is_left(&world, &rack);
}

fn say_figures(few: Duration, many: Duration) {
    use std::io::Write as _;
    let line =
        format!("figures: 3 runners with a cold cache {few:.1?}, 10 with a warm one {many:.1?}\n");
    std::io::stderr()
        .write_all(line.as_bytes())
        .expect("standard error takes a line");
}

#[test]
fn a_killed_start_and_a_sweep_leave_no_process_no_slot_and_no_folder() {
    let Some(rack) = rack(3) else { return };
    for (n, millis) in (1u64..).zip([250, 600, 1000, 1500, 2500]) {
        let run = u64::from(std::process::id()) * 1000 + n;
        let world = World::step().env("GITHUB_RUN_ID", &run.to_string());
        file(&world, &rack, "slots = 2");
        let mut child = world.spawn("start --count 5");
        std::thread::sleep(Duration::from_millis(millis)); // the moment itself: nothing is waited for
        signal(&child, "KILL");
        child.wait().expect("it ends");
        // Another machine has neither the state file nor the outputs.
        for name in ["temp/gharun-state.json", "output"] {
            let path = world.path(name);
            if path.exists() {
                std::fs::remove_file(path).expect("it can be removed");
            }
        }
        world.github.set_run(run, 1, "completed");
        // What was under way at the kill may show up a moment later: cron comes again.
        wait_for("a clean sweep", || {
            let sweep = "stop --orphans --yes --second-look 1s --timeout 10s --output json";
            let said = world.run(sweep);
            if said.json()["failed"] != serde_json::json!([]) {
                // A busy machine lets no host answer in ten seconds: that is told, and cron comes again.
                assert!(said.stderr.contains(" in time"), "{}", said.stderr);
                said.exits(3);
                return None;
            }
            said.proves_or_names();
            let clean = held(&rack).is_empty() && world.stub.runners().is_empty();
            (clean && processes(&rack).is_empty()).then_some(())
        });
        nothing_is_left(&world, &rack);
    }
}

#[test]
fn a_locked_key_works_through_the_agent_of_the_environment() {
    let Some(rack) = rack(1) else { return };
    let key = rack.dir.path().join("locked");
    keygen(&key, "ed25519", "a phrase");
    std::fs::copy(
        key.with_extension("pub"),
        rack.hosts[0].dir.join("authorized_keys"),
    )
    .expect("a file");
    let agent = Agent::with(rack.dir.path(), &key, "a phrase");
    let world = World::new().env("SSH_AUTH_SOCK", &agent.socket.display().to_string());
    file(&world, &rack, "");
    world.run("providers check rack").exits(0);
    let world = world.env("SSH_AUTH_SOCK", "");
    let said = world.run("providers check rack").exits(1);
    assert!(
        said.stdout.contains("refused the login") || said.stderr.contains("refused the login"),
        "{said:?}"
    );
}

#[test]
fn a_host_that_does_not_answer_is_named_and_its_machines_are_unknown() {
    let Some(mut rack) = rack(2) else { return };
    let world = World::new();
    file(&world, &rack, "connect_timeout = \"2s\"");
    world.run("start --count 2").exits(0);
    let gone = rack.hosts.remove(0);
    let spec = gone.spec();
    let text = std::fs::read_to_string(world.path("providers.toml")).expect("it was written");
    drop(gone);
    let listed = world.run("list --output json").exits(1).json();
    let verdicts: Vec<&str> = listed["machines"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|row| row["verdict"].as_str())
        .collect();
    assert_eq!(
        verdicts
            .iter()
            .filter(|verdict| **verdict == "unknown")
            .count(),
        1,
        "{listed}"
    );
    assert_eq!(
        verdicts
            .iter()
            .filter(|verdict| **verdict == "ready")
            .count(),
        1,
        "{listed}"
    );
    assert!(listed["unknown"].to_string().contains(&spec), "{listed}");
    assert!(text.contains(&spec));
    // The runners end with their machines, which the test ends by hand on the host that is gone.
    world.run("stop --yes");
    for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let folder = std::fs::read_link(process.path().join("cwd")).unwrap_or_default();
        if folder.starts_with(rack.dir.path()) {
            let pid = process.file_name().to_string_lossy().into_owned();
            let _ = std::process::Command::new("kill")
                .args(["-KILL", &pid])
                .status();
        }
    }
}

#[test]
fn a_start_waits_for_a_slot_in_its_turn() {
    use std::io::{BufRead as _, BufReader};
    let Some(rack) = rack(1) else { return };
    let world = World::new();
    file(&world, &rack, "");
    world.run("start").exits(0);
    let full = world.run("start").exits(1);
    assert!(
        full.stderr.contains("its slot is taken by"),
        "{}",
        full.stderr
    );
    let mut waiting = world.spawn("start --set wait_for_slot=50s");
    let mut lines = BufReader::new(waiting.stderr.take().expect("it is a pipe")).lines();
    let said = lines.find(|line| {
        line.as_ref()
            .is_ok_and(|line| line.contains("Waiting at most"))
    });
    assert!(said.is_some(), "it says that it waits");
    let listed = world.run("list --output json").exits(0).json();
    let rows = listed["machines"].as_array().expect("a list");
    let ready = rows.iter().find(|row| row["verdict"] == "ready");
    let first = ready.expect("the first one")["instance"]
        .as_str()
        .expect("a reference");
    world.run(&format!("stop {first}")).exits(0);
    lines.for_each(drop);
    let status = waiting.wait().expect("it ends");
    assert!(status.success(), "{status}");
    world.run("stop --yes").exits(0);
    nothing_is_left(&world, &rack);
}

#[test]
fn a_runner_gets_the_labels_of_the_host_that_it_is_on() {
    let Some(rack) = rack(2) else { return };
    let world = World::new();
    let specs = rack.specs();
    file(
        &world,
        &rack,
        &format!("labels = {{ {:?} = [\"cuda\"] }}", specs[1]),
    );
    let started = world.run("start --count 2 --output json").exits(0).json();
    let runners = started["runners"].as_array().expect("a list");
    let labelled = |row: &&serde_json::Value| row["labels"].to_string().contains("cuda");
    assert_eq!(runners.iter().filter(labelled).count(), 1, "{started}");
    let rows = world.stub.runners();
    let labelled = rows
        .iter()
        .filter(|row| row.labels.iter().any(|label| label == "cuda"));
    assert_eq!(labelled.count(), 1, "{rows:?}");
    world.run("stop --yes").exits(0);
    nothing_is_left(&world, &rack);
}

#[test]
fn two_hundred_runners_of_twenty_processes_never_share_a_slot() {
    let Some(rack) = rack(3) else { return };
    let world = World::new();
    file(&world, &rack, "slots = 4\nprefer = \"random\"");
    let starts: Vec<_> = (0..20)
        .map(|_| world.spawn("start --count 10 --allow-partial --output json"))
        .collect();
    let mut up = Vec::new();
    for start in starts {
        let output = start.wait_with_output().expect("it ends");
        let code = output.status.code();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(code, Some(0 | 1)), "{code:?}: {stderr}");
        if let Ok(said) = serde_json::from_slice::<serde_json::Value>(&output.stdout) {
            let mapping = said["mapping"].as_object().cloned().unwrap_or_default();
            up.extend(mapping.into_iter().map(|(machine, _)| machine));
        }
    }
    let slots: Vec<PathBuf> = held(&rack);
    assert_eq!((up.len(), slots.len()), (12, 12), "{up:?} {slots:?}");
    for slot in slots {
        let inside = std::fs::read_dir(&slot).expect("it can be read").count();
        assert_eq!(inside, 1, "{} is shared", slot.display());
    }
    // A start that did not get the state file in time could not write that its runner has no machine.
    world
        .run("stop --yes --timeout 30s --output json")
        .proves_or_names();
    nothing_is_left(&world, &rack);
}
