//! Daemons that are not Docker's usual one, behind a socket of this computer: by what they answer, without a container.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use crate::model::InstanceId;
use crate::providers::contract::chain;
use crate::providers::docker::tests::share;
use crate::providers::docker::{Docker, DockerConfig};
use crate::providers::{ErrorKind, Provider as _, ProviderKind as _};

/// The socket of a daemon that answers requests by the end of their path, in a folder that goes with it.
fn serves(answer: impl Fn(&str) -> Option<Value> + Send + 'static) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = UnixListener::bind(folder.path().join("docker.sock")).expect("a socket");
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                if client.read_buf(&mut head).await.expect("a request") == 0 {
                    break;
                }
            }
            let head = String::from_utf8(head).expect("a text");
            let path = head.split(' ').nth(1).unwrap_or_default();
            let path = path.split('?').next().unwrap_or_default();
            let version = json!({ "ApiVersion": "1.41", "Version": "20.10" });
            let (status, body) = match answer(path) {
                Some(body) => (200, body),
                None if path.ends_with("/version") => (200, version),
                None if path.ends_with("/_ping") => (200, json!("OK")),
                None if path.ends_with("/containers/json") => (200, json!([])),
                None => (404, json!({ "message": "No such thing" })),
            };
            let body = body.to_string();
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            // Who went away hears nothing.
            let _ = client.write_all(answer.as_bytes()).await;
        }
    });
    folder
}

/// Opens the daemon behind the socket in a folder anew.
async fn open(folder: &tempfile::TempDir, network: Option<&str>) -> Docker {
    let socket = folder.path().join("docker.sock");
    let config = DockerConfig {
        host: Some(format!("unix://{}", socket.display())),
        network: network.map(str::to_owned),
        ..share::plain()
    };
    Docker::open(config).await.expect("opening asks nobody")
}

/// What a daemon tells of itself, and more of it.
fn info(more: &Value) -> Value {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let mut info = json!({
        "ID": "AAAA:BBBB", "Name": name.trim(), "OSType": "linux", "DockerRootDir": "/var/lib/docker",
        "SystemTime": jiff::Timestamp::now().to_string(),
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        info[key] = value.clone();
    }
    info
}

#[tokio::test]
async fn a_rootless_daemon_is_used_by_its_socket_and_says_why_it_cannot_rehearse() {
    let folder = serves(|path| {
        let rootless = json!({
            "SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless"],
            "DockerRootDir": "/home/me/.local/share/docker",
        });
        path.ends_with("/info").then(|| info(&rootless))
    });
    let docker = open(&folder, None).await;
    let listing = docker.list().await.expect("a listing");
    assert_eq!((listing.read.len(), listing.unread.len()), (1, 0));
    let error = docker.reach(8080).await.expect_err("another network");
    assert_eq!(error.kind, ErrorKind::Config);
    assert!(
        chain(&error).contains("it runs without root"),
        "{}",
        chain(&error)
    );
    assert!(error.hints()[0].contains("gharun start local --rehearse"));
    // In the network of its host it can.
    let url = open(&folder, Some("host")).await.reach(8080).await;
    let url = url.expect("an answer").expect("an address");
    assert_eq!(url.as_str(), "http://127.0.0.1:8080/");
}

#[tokio::test]
async fn a_podman_is_one_place_over_two_openings_and_is_reached_before_its_bridge_is_there() {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let folder = serves(move |path| {
        if path.ends_with("/info") {
            let number = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            return Some(info(&json!({
                "ID": format!("5affd6c5-{number}"), "ProductLicense": "Apache-2.0",
            })));
        }
        // No interface of this computer has it.
        let pool = json!({ "Subnet": "198.51.100.0/24", "Gateway": "198.51.100.1" });
        path.ends_with("/networks/bridge").then(|| {
            json!({ "Name": "bridge", "Driver": "bridge", "Internal": false, "IPAM": { "Config": [pool] } })
        })
    });
    let (one, other) = (open(&folder, None).await, open(&folder, None).await);
    let place = async |docker: &Docker| docker.list().await.expect("a listing").read;
    assert_eq!(place(&one).await, place(&other).await);
    let url = one.reach(8080).await.expect("an answer");
    let url = url.expect("the address that its bridge will have");
    assert_eq!(url.as_str(), "http://198.51.100.1:8080/");
}

#[tokio::test]
async fn an_empty_list_of_processes_does_not_say_that_a_container_has_no_job() {
    for (processes, expected) in [
        (json!(null), None),
        (json!([]), None),
        (json!([["1", "/bin/sh -c x"]]), Some(Some(false))),
        (
            json!([
                ["1", "/bin/sh"],
                ["9", "/gharun/bin/Runner.Worker spawnclient 1 2"]
            ]),
            Some(Some(true)),
        ),
    ] {
        let folder = serves(move |path| {
            let top = json!({ "Titles": ["PID", "CMD"], "Processes": processes });
            if path.ends_with("/info") {
                return Some(info(&json!({})));
            }
            path.ends_with("/top").then_some(top)
        });
        let docker = open(&folder, None).await;
        let place = docker.list().await.expect("a listing").read.remove(0);
        let id = InstanceId {
            location: Some(place),
            id: "0123456789ab".into(),
        };
        let found = docker.in_use(&id).await;
        match (found, expected) {
            (Ok(found), Some(expected)) => assert_eq!(found, expected),
            (Err(error), None) => {
                assert_eq!(error.kind, ErrorKind::Unavailable, "{}", chain(&error));
            }
            (found, expected) => panic!("{found:?}, not {expected:?}"),
        }
    }
}
