//! Podman's service as a daemon: what is listed and ended there needs no container that runs.

use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::docker::skipped;
use crate::world::{World, wait_for};

const NAME: &str = "gharun-tpa3w7oi2c5t41";
const IMAGE: &str = "localhost/gharun-test-program-podman:1";

/// A service with a folder of its own for what it keeps, ended with its test.
struct Podman {
    service: Child,
    folder: tempfile::TempDir,
}

impl Drop for Podman {
    fn drop(&mut self) {
        // What its containers have mounted would keep the folder.
        let _ = self.command("rm --all --force --time 0").output();
        let _ = self.service.kill();
        let _ = self.service.wait();
    }
}

impl Podman {
    /// `None` where there is no Podman.
    fn serve() -> Option<Self> {
        let version = Command::new("podman").arg("--version").output();
        if !version.is_ok_and(|said| said.status.success()) {
            skipped("podman: it is not installed");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("podman.sock");
        let words = format!("system service --time 0 unix://{}", socket.display());
        let service = command(&folder, &words).spawn().expect("podman starts");
        let podman = Self { service, folder };
        wait_for("the service of podman", || socket.exists().then_some(()));
        let root = podman.folder.path().join("image");
        std::fs::create_dir(&root).expect("a folder");
        std::fs::write(root.join("file"), "an image without a program").expect("a file");
        let archive = podman.folder.path().join("image.tar");
        let tar = Command::new("tar")
            .args(["-C", &root.display().to_string(), "-cf"])
            .args([&archive.display().to_string(), "."])
            .status();
        assert!(tar.expect("tar").success());
        podman.does(&format!("import --quiet {} {IMAGE}", archive.display()));
        Some(podman)
    }

    fn command(&self, words: &str) -> Command {
        command(&self.folder, words)
    }

    #[track_caller]
    fn does(&self, words: &str) -> String {
        let output = self.command(words).output().expect("podman");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "podman {words}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The names of all its containers.
    fn containers(&self) -> String {
        self.does("ps --all --format {{.Names}}").trim().to_owned()
    }

    /// A world whose provider is this service.
    fn world(&self) -> World {
        let world = World::new();
        let socket = self.folder.path().join("podman.sock");
        let text = format!(
            "[defaults]\nproviders = [\"pod\"]\n\n[providers.pod]\nkind = \"docker\"\nhost = \"unix://{}\"\n\
             image = \"{IMAGE}\"\npull = \"never\"\n",
            socket.display()
        );
        std::fs::write(world.path("providers.toml"), text).expect("a file");
        world
    }

    /// Makes a container as `start` makes one, which never runs.
    fn create(&self, world: &World) {
        let (server, scope) = (world.server(), world.repo().to_owned());
        let tags = [
            ("managed-by", "gharun"),
            ("gharun-name", NAME),
            ("gharun-server", &server),
            ("gharun-scope", &scope),
            ("gharun-start", "k3x9"),
            ("gharun-created", "1795507200"),
            ("gharun-ready-by", "1795508100"),
            ("gharun-expires", "4102444800"),
            ("gharun-idle-limit", "1800"),
        ];
        let tags = tags.map(|(key, value)| format!("--label {key}={value} "));
        self.does(&format!(
            "create --name {NAME} {}{IMAGE} /sleep",
            tags.concat()
        ));
    }
}

/// A `podman` that keeps what it has in a folder.
fn command(folder: &tempfile::TempDir, words: &str) -> Command {
    let mut command = Command::new("podman");
    command
        .arg("--root")
        .arg(folder.path().join("root"))
        .arg("--runroot")
        .arg(folder.path().join("run"))
        .args(["--storage-driver", "vfs"])
        .args(words.split_whitespace())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The references of all that is listed.
#[track_caller]
fn listed(world: &World) -> Vec<String> {
    let list = world.run("list --output json").exits(0).json();
    let machines = list["machines"].as_array().expect("a list").iter();
    let references = machines.filter_map(|machine| machine["instance"].as_str());
    references.map(str::to_owned).collect()
}

#[test]
fn what_podman_has_is_listed_by_one_reference_and_stopped_by_it_or_by_a_mapping() {
    let Some(podman) = Podman::serve() else {
        return;
    };
    let world = podman.world();
    for by_mapping in [false, true] {
        podman.create(&world);
        // Podman tells another engine ID at every question.
        let (first, second) = (listed(&world), listed(&world));
        assert_eq!((first.len(), &first), (1, &second));
        let reference = &first[0];
        let stop = if by_mapping {
            let file = world.path("mapping.json");
            let mapping = format!("{{\"{reference}\": \"{NAME}\"}}");
            std::fs::write(file, mapping).expect("a file");
            "stop --mapping mapping.json --output json".to_owned()
        } else {
            format!("stop {reference} --output json")
        };
        let stopped: Value = world.run(&stop).exits(0).json();
        assert_eq!(stopped["stopped"][0]["terminated"], true, "{stopped}");
        assert_eq!(podman.containers(), "");
        assert!(listed(&world).is_empty());
        // What is gone is gone, and no failure.
        world.run(&stop).exits(0);
    }
}

#[test]
fn podman_is_checked_and_a_start_that_fails_there_leaves_nothing() {
    let Some(podman) = Podman::serve() else {
        return;
    };
    let world = podman.world();
    let checked = world.run("providers check pod");
    assert!(checked.stdout.contains("pod"), "{}", checked.stdout);
    assert!(!checked.stdout.contains("broken"), "{}", checked.stdout);
    // The image has no shell: whether containers can run on this computer or not, none of this one can.
    let said = world.run("start --timeout 30s").exits(1);
    assert!(said.stderr.contains("nothing is left"), "{}", said.stderr);
    assert_eq!(podman.containers(), "");
    assert!(world.stub.runners().is_empty());
    world.run("stop pod:nowhere/gharun-tpa3w7oi2c5t42").exits(3);
}
