//! Against a real Podman: `podman system service`, with its own folder for what it keeps.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::model::{Instance, Secret, random};
use crate::poll::{Pace, until};
use crate::providers::contract::{chain, order, skipped};
use crate::providers::docker::Docker;
use crate::providers::{Provider as _, ProviderKind as _, Termination};

/// An image of busybox that has no `ps`.
const IMAGE: &str = "localhost/gharun-test-podman:1";
const BUSYBOX: &str = "/bin/busybox";

/// A service, ended with its test.
struct Podman {
    service: Child,
    folder: tempfile::TempDir,
}

impl Drop for Podman {
    fn drop(&mut self) {
        // What its containers have mounted would keep the folder.
        let _ = self
            .command(&["rm", "--all", "--force", "--time", "0"])
            .output();
        let _ = self.service.kill();
        let _ = self.service.wait();
    }
}

impl Podman {
    /// Starts one, where there is a Podman that can run containers here.
    fn open() -> Option<Self> {
        let podman = Self::serve()?;
        podman.import();
        if !podman.runs() {
            skipped("podman: it cannot run containers here");
            return None;
        }
        Some(podman)
    }

    /// Starts one, where there is a Podman.
    fn serve() -> Option<Self> {
        let has = |program: &str| {
            let found = Command::new(program)
                .arg("--version")
                .stdout(Stdio::null())
                .status();
            found.is_ok_and(|status| status.success())
        };
        if !has("podman") || !std::path::Path::new(BUSYBOX).exists() {
            skipped("podman: it and a static busybox are not installed");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        // Limits that a virtual machine without rights over its own may set, too.
        let settings =
            "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n";
        std::fs::write(folder.path().join("containers.conf"), settings).expect("a file");
        let socket = format!("unix://{}", folder.path().join("podman.sock").display());
        let service = command(&folder, &["system", "service", "--time", "0", &socket]);
        let service = { service }.spawn().expect("podman starts");
        Some(Self { service, folder })
    }

    fn command(&self, words: &[&str]) -> Command {
        command(&self.folder, words)
    }

    /// Makes the image.
    fn import(&self) {
        let root = self.folder.path().join("image");
        std::fs::create_dir_all(root.join("bin")).expect("a folder");
        for folder in ["proc", "tmp", "etc"] {
            std::fs::create_dir_all(root.join(folder)).expect("a folder");
        }
        std::fs::write(root.join("etc/passwd"), "root:x:0:0::/:/bin/sh\n").expect("a file");
        std::fs::copy(BUSYBOX, root.join("bin/busybox")).expect("a copy");
        for word in ["sh", "sleep", "cat", "echo"] {
            std::os::unix::fs::symlink("busybox", root.join("bin").join(word)).expect("a link");
        }
        let archive = self.folder.path().join("image.tar");
        let tar = Command::new("tar")
            .arg("-C")
            .arg(&root)
            .arg("-cf")
            .arg(&archive)
            .arg(".")
            .status();
        assert!(tar.expect("tar").success());
        let archive = archive.display().to_string();
        let imported = self
            .command(&["import", "--quiet", &archive, IMAGE])
            .output();
        let imported = imported.expect("podman");
        assert!(imported.status.success(), "{imported:?}");
    }

    fn runs(&self) -> bool {
        let run = self
            .command(&["run", "--rm", IMAGE, "/bin/echo", "it runs"])
            .output();
        run.is_ok_and(|run| run.status.success())
    }

    async fn provider(&self) -> Docker {
        let socket = self.folder.path().join("podman.sock");
        let settings = json!({
            "host": format!("unix://{}", socket.display()), "image": IMAGE, "pull": "never", "init": false,
        });
        let provider = Docker::open(serde_json::from_value(settings).expect("settings"));
        provider.await.expect("it opens")
    }
}

/// A `podman` that keeps what it has in a folder.
fn command(folder: &tempfile::TempDir, words: &[&str]) -> Command {
    let mut command = Command::new("podman");
    command
        .arg("--root")
        .arg(folder.path().join("root"))
        .arg("--runroot")
        .arg(folder.path().join("run"))
        .args(["--storage-driver", "vfs"])
        .args(words)
        .env("CONTAINERS_CONF", folder.path().join("containers.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[tokio::test]
async fn podman_is_a_daemon_like_any_other() {
    let Some(podman) = Podman::open() else {
        return;
    };
    let docker = podman.provider().await;
    let there = until(PACE, async || docker.check().await.ok()).await;
    assert!(there.is_some(), "its service answers");
    let mut order = order("podman");
    order.boot = Secret::new("#!/bin/sh\nsleep 600\n");
    let machine = docker
        .launch(&order)
        .await
        .unwrap_or_else(|error| panic!("{}", chain(&error)));
    // Its id is another at each question, and its place is not.
    for _ in 0..2 {
        let listing = podman.provider().await.list().await.expect("a list");
        let ids: Vec<_> = listing
            .instances
            .iter()
            .map(|one: &Instance| &one.id)
            .collect();
        assert_eq!(ids, [&machine.id]);
    }
    // The image has no `ps`.
    assert_eq!(
        docker.in_use(&machine.id).await.expect("an answer"),
        Some(false)
    );
    let other = podman.provider().await;
    let gone = until(PACE, async || match other.terminate(&machine.id).await {
        Ok(Termination::Gone) => Some(()),
        Ok(Termination::Accepted) => None,
        Err(error) => panic!("{}", chain(&error)),
    });
    assert!(gone.await.is_some(), "it is removed");
    assert!(other.list().await.expect("a list").instances.is_empty());
}

#[tokio::test]
async fn a_first_rehearsal_reaches_this_computer_before_podman_has_made_its_bridge() {
    let Some(podman) = Podman::serve() else {
        return;
    };
    let docker = podman.provider().await;
    let there = until(PACE, async || {
        let listing = docker.list().await.ok()?;
        listing.unread.is_empty().then_some(())
    });
    assert!(there.await.is_some(), "its service answers");
    let place = async |docker: &Docker| docker.list().await.expect("a list").read;
    let again = podman.provider().await;
    assert_eq!(place(&docker).await, place(&again).await, "it is one place");
    let subnet = format!(
        "10.213.{}.0/24",
        random(8).bytes().map(u32::from).sum::<u32>() % 250
    );
    let made = podman
        .command(&["network", "create", "--subnet", &subnet, "gharun-test"])
        .output();
    assert!(made.expect("podman").status.success());
    let settings = json!({
        "host": format!("unix://{}", podman.folder.path().join("podman.sock").display()),
        "image": IMAGE, "pull": "never", "init": false, "network": "gharun-test",
    });
    let docker = Docker::open(serde_json::from_value(settings).expect("settings"))
        .await
        .expect("it opens");
    let url = docker
        .reach(8080)
        .await
        .unwrap_or_else(|error| panic!("{}", chain(&error)));
    let removed = podman.command(&["network", "rm", "gharun-test"]).output();
    assert!(removed.expect("podman").status.success());
    let url = url.expect("the address that its bridge will have");
    assert!(
        subnet.starts_with(url.host_str().expect("a host").trim_end_matches(".1")),
        "{url}"
    );
}

const PACE: Pace = Pace {
    every: Duration::from_millis(100),
    at_most: Duration::from_mins(1),
};
