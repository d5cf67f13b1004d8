//! Slots of hosts: who waits for one, and how they are left.

use std::path::PathBuf;
use std::process::{Child, Command};

use super::{file, nothing_is_left, processes, rack, skipped};
use crate::world::{World, signal, wait_for};
use gharun_worlds::sshd::Rack;

/// Starts one that waits, and returns when it does.
fn wait_in_line(world: &World) -> Child {
    use std::io::{BufRead as _, BufReader};
    let mut child = world.spawn("start --set wait_for_slot=5m");
    let stderr = child.stderr.take().expect("it is a pipe");
    let mut lines = BufReader::new(stderr).lines();
    let said = lines.find(|line| {
        line.as_ref()
            .is_ok_and(|line| line.contains("Waiting at most"))
    });
    assert!(said.is_some(), "it says that it waits");
    // Nothing keeps it from saying more.
    std::thread::spawn(move || lines.for_each(drop));
    child
}

/// The places in the queue of the first host, in their order.
fn line_of(rack: &Rack) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(rack.hosts[0].slots().join(".queue"));
    let entries = entries.into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort_by_key(|path| path.file_name()?.to_str()?.parse::<u32>().ok());
    paths
}

/// Ends the one runner that is ready.
fn stop_the_ready_one(world: &World) {
    let listed = world.run("list --output json");
    let listed: serde_json::Value =
        serde_json::from_str(&listed.stdout).expect("a report, whatever is unknown");
    let rows = listed["machines"].as_array().expect("a list");
    let ready = rows.iter().find(|row| row["verdict"] == "ready");
    let ready = ready.unwrap_or_else(|| panic!("one is ready: {listed}"));
    let instance = ready["instance"].as_str().expect("a reference");
    world.run(&format!("stop {instance}")).exits(0);
}

#[test]
fn slots_go_to_starts_in_the_order_in_which_they_came_whoever_gives_up() {
    let Some(rack) = rack(1) else { return };
    let world = World::new();
    file(&world, &rack, "");
    world.run("start").exits(0);
    let mut killed = wait_in_line(&world);
    let mut interrupted = wait_in_line(&world);
    let mut waiting: Vec<Child> = (0..3).map(|_| wait_in_line(&world)).collect();
    assert_eq!(line_of(&rack).len(), 5);
    signal(&killed, "KILL");
    killed.wait().expect("it ends");
    signal(&interrupted, "INT");
    interrupted.wait().expect("it ends");
    let places = line_of(&rack);
    assert_eq!(places.len(), 4, "who is interrupted gives its place back");
    // Its place is lost in less than a minute; here, at once.
    let said = std::fs::read_to_string(&places[0]).expect("a place");
    let words: Vec<&str> = said.split_whitespace().collect();
    let line = format!("{} {} {} 1600000000", words[0], words[1], words[2]);
    std::fs::write(&places[0], format!("{line:<200}\n")).expect("a place");
    while !waiting.is_empty() {
        stop_the_ready_one(&world);
        // The slot may be free just now: it is for another one.
        world.run("start").exits(1);
        let status = waiting.remove(0).wait().expect("it ends");
        assert!(status.success(), "{status}");
        for later in &mut waiting {
            assert_eq!(later.try_wait().expect("it is ours"), None);
        }
        assert_eq!(line_of(&rack).len(), 1 + waiting.len());
    }
    let late = world.run("start --set wait_for_slot=1s").exits(1);
    assert!(late.stderr.contains("Waiting at most"), "{}", late.stderr);
    assert_eq!(line_of(&rack), places[..1], "only the killed one left its");
    std::fs::remove_file(&places[0]).expect("nobody minds");
    let stop = "stop --yes --timeout 20s --output json";
    world.run(stop).proves_or_names();
    nothing_is_left(&world, &rack);
}

/// A disk of its own for a folder, taken away in the end.
struct Disk(PathBuf);

impl Disk {
    fn at(path: PathBuf) -> Option<Self> {
        let args = ["-t", "tmpfs", "-o", "size=16m", "tmpfs"];
        let mounted = Command::new("mount").args(args).arg(&path).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(path));
        }
        skipped("a full disk: only root may mount a small one");
        None
    }

    fn is_full(&self) -> bool {
        let path = self.0.join("probe");
        let written = std::fs::write(&path, "x");
        std::fs::remove_file(path).expect("it was made, if empty");
        written.is_err()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

#[test]
fn a_stop_ends_a_runner_whose_children_have_filled_the_disk_and_its_folder_goes() {
    let Some(rack) = rack(1) else { return };
    let Some(disk) = Disk::at(rack.hosts[0].home()) else {
        return;
    };
    let world = World::new();
    file(&world, &rack, "");
    let go = world.path("go");
    // One goes on with what is freed, and listens to no signal; one holds a file that has no name.
    let fill = format!(
        "until [ -e '{}' ]; do sleep 0.1; done\n\
         while :; do cat /dev/zero >&3 2>/dev/null; sleep 0.1; done\n",
        go.display()
    );
    std::fs::write(world.path("fill.sh"), &fill).expect("a file");
    let path = world.path("fill.sh").display().to_string();
    let setup = format!(
        "setsid sh -c 'trap \"\" TERM INT HUP; exec 3>big; . \"{path}\"' >/dev/null 2>&1 &\n\
         sh -c 'exec 3>gone; rm gone; . \"{path}\"' >/dev/null 2>&1 &\n"
    );
    std::fs::write(world.path("setup.sh"), setup).expect("a file");
    world.run("start --setup setup.sh").exits(0);
    assert!(!disk.is_full());
    std::fs::write(&go, "").expect("a file");
    wait_for("a full disk", || disk.is_full().then_some(()));
    let fillers = |processes: Vec<String>| {
        let line = |line: &String| line.contains("fill.sh");
        processes.into_iter().filter(line).count()
    };
    // A shell that is about to run `cat` looks like itself.
    wait_for("two that fill the disk", || {
        (fillers(processes(&rack)) == 2).then_some(())
    });
    world.run("list").exits(0);
    world.run("stop --yes").exits(0);
    nothing_is_left(&world, &rack);
    assert!(!disk.is_full());
}
