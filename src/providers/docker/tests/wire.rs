//! What needs no daemon: the surroundings, and what is sent.

use jiff::Timestamp;
use serde_json::{Value, json};

use std::sync::Arc;

use crate::model::{Condition, Instance, InstanceId};
use crate::providers::common::attempt::Attempt;
use crate::providers::contract::{Fake as _, chain, order, skipped, uphold};
use crate::providers::docker::daemon::Daemon;
use crate::providers::docker::endpoint::Endpoint;
use crate::providers::docker::ssh::SshTransport;
use crate::providers::docker::tests::share::{self, Share};
use crate::providers::docker::{Docker, DockerConfig, HostConfig, Pull};
use crate::providers::{ErrorKind, Provider as _, ProviderKind as _};

#[tokio::test]
async fn no_daemon_is_unavailable_with_what_to_do() {
    let host = "unix:///nonexistent/docker.sock";
    let config = DockerConfig {
        host: Some(host.to_owned()),
        ..share::plain()
    };
    let docker = Docker::open(config).await.expect("opening asks nobody");
    let error = docker.check().await.expect_err("nobody is there");
    assert_eq!(error.kind, ErrorKind::Unavailable);
    let hint = error.hints().join("\n");
    assert!(
        hint.contains("DOCKER_HOST") && hint.contains("info"),
        "{hint}"
    );
    let listing = docker.list().await.expect("a listing that says so");
    assert_eq!((listing.instances.len(), listing.unread.len()), (0, 1));
    let id = InstanceId {
        location: Some("0123456789ab".into()),
        id: "0123456789ab".into(),
    };
    assert!(docker.terminate(&id).await.is_err());
    let machine = Instance {
        id,
        state: Condition::Running,
        tags: order("t").tags,
        created: Timestamp::now(),
        price_per_hour: None,
    };
    assert_eq!(
        docker.access(&machine)[0],
        "docker -H unix:///nonexistent/docker.sock exec -it 0123456789ab sh"
    );
}

#[tokio::test]
async fn requests_speak_the_version_agreed_on_and_the_registrys_alphabet() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("tcp://{}", listener.local_addr().unwrap());
    let dir = tempfile::tempdir().unwrap();
    // JSON whose base64 has both letters in which the two alphabets differ.
    let auths =
        json!({ "auths": { "127.0.0.1:1": { "username": "??>>~~", "password": "ÿÿ??>>~~" } } });
    std::fs::write(dir.path().join("config.json"), auths.to_string()).unwrap();
    let heads = async {
        let mut heads = Vec::new();
        for body in [
            r#"{"ApiVersion": "1.41", "Version": "20.10"}"#,
            r#"{"ID": "AAAA:BBBB", "OSType": "linux"}"#,
            r#"{"errorDetail": {"message": "unauthorized"}, "error": "unauthorized"}"#,
        ] {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                assert_ne!(client.read_buf(&mut head).await.unwrap(), 0);
            }
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            client.write_all(answer.as_bytes()).await.unwrap();
            heads.push(String::from_utf8(head).unwrap());
        }
        heads
    };
    let config = DockerConfig {
        host: Some(host),
        image: "127.0.0.1:1/x:1".to_owned(),
        pull: Pull::Always,
        config_dir: Some(dir.path().into()),
        ..share::plain()
    };
    let docker = Docker::open(config).await.unwrap();
    let order = order("x");
    let (heads, launch) = tokio::join!(heads, docker.launch(&order));
    let error = launch.expect_err("the registry refused");
    assert_eq!(error.kind, ErrorKind::Denied, "{}", chain(&error));
    assert!(
        error
            .hints()
            .join("\n")
            .contains("docker login 127.0.0.1:1")
    );
    let paths: Vec<&str> = heads
        .iter()
        .map(|head| head.split(' ').nth(1).unwrap())
        .collect();
    assert_eq!(paths[..2], ["/version", "/v1.41/info"]);
    assert!(
        paths[2].starts_with("/v1.41/images/create?"),
        "{}",
        paths[2]
    );
    let auth = heads[2]
        .lines()
        .find_map(|line| line.strip_prefix("x-registry-auth: "))
        .unwrap();
    let engine = base64::engine::general_purpose::URL_SAFE;
    let sent = base64::Engine::decode(&engine, auth).expect("the alphabet that the daemon reads");
    let sent: Value = serde_json::from_slice(&sent).unwrap();
    assert_eq!(
        (sent["username"].as_str(), sent["password"].as_str()),
        (Some("??>>~~"), Some("ÿÿ??>>~~"))
    );
    assert!(
        auth.contains(['-', '_']),
        "the test tells the alphabets apart: {auth}"
    );
}

/// A program that does what `ssh HOST docker system dial-stdio` does, on this computer.
fn dialler(dir: &std::path::Path, script: &str) -> String {
    let file = dir.join("ssh");
    gharun_worlds::write_program(&file, &format!("#!/bin/sh\n{script}\n"), 0o755);
    file.display().to_string()
}

#[tokio::test]
async fn a_daemon_is_spoken_to_over_ssh() {
    uphold::<Share>(async |share| {
        if !std::path::Path::new("/usr/bin/docker").exists() && !std::path::Path::new("/usr/local/bin/docker").exists() {
            skipped("docker: no `docker` command to dial with");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        // The last three arguments are the command for the other computer.
        let count = dir.path().join("count");
        let program = dialler(dir.path(), &format!(
            "echo \"$*\" >> {}; while [ $# -gt 3 ]; do shift; done; exec env -u DOCKER_HOST PATH=\"$PATH:/usr/local/bin:/usr/bin\" \"$@\"",
            count.display()
        ));
        let config = DockerConfig { host: Some("ssh://me@build:2222".into()), image: share::IMAGE.into(), pull: Pull::Never, ..share::plain() };
        let docker = Docker::open(config).await.unwrap();
        docker.daemon.get(async || {
            let client = SshTransport::by(&program, "me@build:2222").client(60).expect("a client");
            Daemon::by(client, &docker.endpoint).await.map(Arc::new)
        }).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
        let order = order(share.tag());
        let machine = docker.launch(&order).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
        assert_eq!(share.boot_script(&machine.id).await, order.boot.expose());
        let listing = docker.list().await.unwrap();
        assert!(listing.instances.iter().any(|found| found.id == machine.id));
        docker.terminate(&machine.id).await.unwrap();
        assert_eq!(share.census().await, []);
        let logins = std::fs::read_to_string(count).unwrap();
        assert!(logins.starts_with("-T -o BatchMode=yes"), "{logins}");
        assert!(logins.contains("-l me -p 2222 -- build docker system dial-stdio"), "{logins}");
        // Far more was asked. On a busy machine a connection that was idle may have been closed.
        assert!(logins.lines().count() < 8, "connections are used again: {logins}");
    })
    .await;
}

/// Answers every request with nothing, and writes the first time down.
const SPEAKS: &str = "cr=$(printf '\\r'); new=yes; while IFS= read -r line; do \
                      [ \"$line\" = \"$cr\" ] || continue; [ ! \"$new\" ] || echo spoken >> \"$log\"; new=; printf 'HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n'; done";

#[tokio::test]
async fn no_more_logins_are_under_way_than_sshd_takes() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let program = dialler(
        dir.path(),
        &format!(
            "log={}; echo begun >> \"$log\"; sleep 0.3; {SPEAKS}",
            log.display()
        ),
    );
    let client = SshTransport::by(&program, "me@build")
        .client(60)
        .expect("a client");
    let answers = (0..12).map(|_| client.ping());
    for answer in futures_util::future::join_all(answers).await {
        answer.unwrap();
    }
    let (mut begun, mut spoken, mut most) = (0, 0, 0);
    let log = std::fs::read_to_string(log).unwrap();
    for line in log.lines() {
        match line {
            "begun" => begun += 1,
            _ => spoken += 1,
        }
        most = most.max(begun - spoken);
    }
    assert!(begun > 4 && most <= 4, "{most} of {begun}: {log}");
}

#[tokio::test]
async fn a_host_that_is_crowded_is_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let program = dialler(
        dir.path(),
        &format!(
            "log={}; echo begun >> \"$log\"; [ $(grep -c begun \"$log\") -gt 2 ] || {{ \
         echo 'kex_exchange_identification: read: Connection reset by peer' >&2; exit 255; }}; {SPEAKS}",
            log.display()
        ),
    );
    let client = SshTransport::by(&program, "me@build")
        .client(60)
        .expect("a client");
    client.ping().await.unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    assert_eq!(log.matches("begun").count(), 3, "{log}");
}

#[tokio::test]
async fn what_ssh_says_is_told() {
    let dir = tempfile::tempdir().unwrap();
    for (script, kind, said) in [
        (
            "echo 'me@build: Permission denied (publickey).' >&2; exit 255",
            ErrorKind::Denied,
            "Permission denied (publickey)",
        ),
        (
            "echo 'connect to host build port 22: Connection refused' >&2; exit 255",
            ErrorKind::Unavailable,
            "Connection refused",
        ),
        ("exit 127", ErrorKind::Unavailable, "ended"),
    ] {
        let program = dialler(dir.path(), script);
        let config = DockerConfig {
            host: Some("ssh://me@build".into()),
            ..share::plain()
        };
        let endpoint = Endpoint::resolve(&config).unwrap();
        let client = SshTransport::by(&program, "me@build").client(60);
        let client = client.expect("a client");
        let error = Daemon::by(client, &endpoint).await.expect_err("no daemon");
        assert_eq!(error.kind, kind, "{}", chain(&error));
        assert!(chain(&error).contains(said), "{}", chain(&error));
        assert!(!error.hints().is_empty());
    }
}

#[test]
fn the_surroundings_are_read_as_the_docker_command_reads_them() {
    let ambient = |set: &[(&str, &str)]| {
        let look = |name: &str| {
            set.iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        };
        let found = Docker::env_defaults(&look);
        found
            .into_iter()
            .map(|(name, key, value)| format!("{name} {key} {value}"))
            .collect::<Vec<_>>()
    };
    assert!(ambient(&[]).is_empty());
    assert_eq!(
        ambient(&[
            ("DOCKER_CONTEXT", "far"),
            ("HOME", "/home/me"),
            ("DOCKER_HOST", "")
        ]),
        [
            "DOCKER_CONTEXT context \"far\"",
            "HOME config_dir \"/home/me/.docker\""
        ]
    );
    assert_eq!(
        ambient(&[
            ("DOCKER_CONTEXT", "far"),
            ("DOCKER_HOST", "tcp://x"),
            ("DOCKER_TLS_VERIFY", "1"),
            ("DOCKER_CERT_PATH", "/c"),
            ("DOCKER_CONFIG", "/d"),
            ("HOME", "/home/me"),
        ]),
        [
            "DOCKER_HOST host \"tcp://x\"",
            "DOCKER_TLS_VERIFY tls_verify true",
            "DOCKER_CERT_PATH cert_path \"/c\"",
            "DOCKER_CONFIG config_dir \"/d\"",
        ]
    );
}

#[test]
fn plain_connections_to_elsewhere_need_a_line_that_allows_them() {
    for (host, warned) in [
        ("tcp://127.0.0.1:2375", false),
        ("tcp://[::1]:2375", false),
        ("tcp://localhost:2375", false),
        ("tcp://build:2375", true),
        ("ssh://build", false),
    ] {
        let config = DockerConfig {
            host: Some(host.to_owned()),
            ..share::plain()
        };
        let docker = Docker {
            endpoint: Endpoint::resolve(&config).unwrap(),
            host: HostConfig::default(),
            daemon: Attempt::default(),
            image: Attempt::default(),
            config,
        };
        assert_eq!(!docker.warnings().is_empty(), warned, "{host}");
        let refused = docker.validate().err();
        assert_eq!(refused.is_some(), warned, "{host}");
        if let Some(error) = refused {
            assert_eq!((error.kind, error.key()), (ErrorKind::Config, Some("host")));
            let hint = &error.hints()[0];
            assert!(hint.contains("`allow_plain_http = true`"), "{hint}");
        }
        let config = DockerConfig {
            allow_plain_http: true,
            ..docker.config.clone()
        };
        let docker = Docker { config, ..docker };
        docker.validate().expect("it is allowed");
        assert!(docker.candidates()[0].contains(share::plain().image.as_str()));
    }
}

/// A daemon of this name with this engine id and no container, but for one that it may have.
async fn fake(
    engine: &'static [&'static str],
    name: &'static str,
    has: Option<&'static str>,
) -> Docker {
    fake_at(engine, name, has, jiff::Timestamp::now()).await
}

/// A daemon whose host has this time.
async fn at_time(time: jiff::Timestamp) -> Docker {
    fake_at(&["AAAA"], "box", None, time).await
}

async fn fake_at(
    engine: &'static [&'static str],
    name: &'static str,
    has: Option<&'static str>,
    time: jiff::Timestamp,
) -> Docker {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("tcp://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut asked = 0;
        while let Ok((mut client, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                assert_ne!(client.read_buf(&mut head).await.unwrap(), 0);
            }
            let head = String::from_utf8(head).unwrap();
            let path = head.split(' ').nth(1).unwrap().to_owned();
            let (status, body) = if path.ends_with("/_ping") {
                (200, json!("OK"))
            } else if path.ends_with("/version") {
                (200, json!({ "ApiVersion": "1.41", "Version": "20.10" }))
            } else if path.ends_with("/info") {
                asked += 1;
                let id = engine[(asked - 1) % engine.len()];
                let license = (engine.len() > 1).then_some("Apache-2.0");
                let info = json!({
                    "ID": id, "Name": name, "OSType": "linux", "DockerRootDir": "/var/lib/docker",
                    "ProductLicense": license, "SystemTime": time.to_string(),
                });
                (200, info)
            } else if path.contains("/containers/json") {
                (200, json!([]))
            } else if let Some(id) = has.filter(|id| path.contains(id) && path.ends_with("/json")) {
                let labels = json!({ "managed-by": "gharun" });
                (200, json!({ "Id": id, "Config": { "Labels": labels } }))
            } else if head.starts_with("DELETE") && has.is_some() {
                (204, Value::Null)
            } else if path.contains("/images/") {
                (404, json!({ "message": "No such image: x" }))
            } else {
                (404, json!({ "message": "No such container: x" }))
            };
            let body = if body.is_null() {
                String::new()
            } else {
                body.to_string()
            };
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            client.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let config = DockerConfig {
        host: Some(host),
        ..share::plain()
    };
    Docker::open(config).await.unwrap()
}

#[tokio::test]
async fn a_daemon_whose_clock_is_hours_off_is_refused_and_check_says_so() {
    for (hours, is_off) in [(10, true), (-10, true), (0, false)] {
        let docker =
            at_time(jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours)).await;
        let health = docker.check().await.unwrap();
        let said = health.warnings.join("\n");
        assert_eq!(said.contains("its clock is"), is_off, "{said}");
        let error = docker
            .launch(&order("t"))
            .await
            .expect_err("it has no image");
        assert_eq!(
            chain(&error).contains("its clock is"),
            is_off,
            "{}",
            chain(&error)
        );
    }
}

#[tokio::test]
async fn a_container_that_inherited_our_labels_is_named_and_not_swept() {
    let docker = fake(&["AAAA"], "box", None).await;
    let daemon = docker.daemon().await.unwrap();
    let tags = order("t").tags;
    let container = |name: &str| bollard::models::ContainerSummary {
        id: Some(CONTAINER.repeat(4)),
        names: Some(vec![format!("/{name}")]),
        state: Some(bollard::models::ContainerSummaryStateEnum::RUNNING),
        labels: Some(
            tags.pairs()
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        ),
        ..Default::default()
    };
    let ours = super::super::machine::listed(&daemon, container(tags.name.as_str())).await;
    assert!(ours.expect("it is there").is_ok());
    let other = super::super::machine::listed(&daemon, container("app")).await;
    let unjudged = other
        .expect("it is there")
        .expect_err("it is not ours for certain");
    assert!(!unjudged.is_ours && unjudged.by_name);
}

const CONTAINER: &str = "0123456789abcdef";

async fn place(docker: &Docker) -> String {
    docker.list().await.unwrap().read.remove(0)
}

fn at(place: &str) -> InstanceId {
    InstanceId {
        location: Some(place.to_owned()),
        id: CONTAINER.to_owned(),
    }
}

#[tokio::test]
async fn a_clone_of_a_daemons_host_proves_nothing_gone() {
    let one = fake(&["AAAA:BBBB"], "box", None).await;
    let clone = fake(&["AAAA:BBBB"], "clone", None).await;
    let id = at(&place(&one).await);
    one.terminate(&id).await.expect("it is gone from here");
    let error = clone.terminate(&id).await.expect_err("it may be there");
    assert_eq!(error.kind, ErrorKind::Elsewhere, "{}", chain(&error));
    assert!(error.to_string().contains("host `clone`"), "{error}");
    assert!(clone.in_use(&id).await.is_err());
    // It may have been cloned as well.
    let clone = fake(&["AAAA:BBBB"], "clone", Some(CONTAINER)).await;
    let error = clone.terminate(&id).await.expect_err("it is another");
    assert_eq!(error.kind, ErrorKind::Elsewhere, "{}", chain(&error));
}

#[tokio::test]
async fn a_podman_is_one_place_though_it_makes_an_id_for_every_question() {
    let ids = &["c52dee84", "18ef3c9c", "5affd6c5"];
    let (one, again) = (
        fake(ids, "box", None).await,
        fake(&["9b11c879", "d91cc1a4"], "box", None).await,
    );
    let here = place(&one).await;
    assert_eq!(here, place(&again).await);
    again
        .terminate(&at(&here))
        .await
        .expect("it is gone from here");
    // What earlier versions wrote of it is found by its container alone.
    let old = at("5affd6c5c885");
    let error = again.terminate(&old).await.expect_err("it may be anywhere");
    assert_eq!(error.kind, ErrorKind::Elsewhere, "{}", chain(&error));
    let has = fake(ids, "box", Some(CONTAINER)).await;
    has.terminate(&old).await.expect("it is there");
}

#[tokio::test]
async fn a_reference_of_earlier_versions_is_not_gone_where_it_is_not_found() {
    let docker = fake(&["AAAA:BBBB"], "box", None).await;
    // printf 'AAAA:BBBB' | sha256sum
    for old in [Some("4601ab0ede35"), None] {
        let id = InstanceId {
            location: old.map(str::to_owned),
            id: CONTAINER.to_owned(),
        };
        let error = docker
            .terminate(&id)
            .await
            .expect_err("it may be elsewhere");
        assert_eq!(error.kind, ErrorKind::NotFound, "{}", chain(&error));
    }
}
