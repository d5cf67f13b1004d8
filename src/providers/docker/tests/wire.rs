//! What needs no daemon: the surroundings, and what is sent.

use jiff::Timestamp;
use serde_json::{Value, json};

use std::sync::Arc;

use crate::model::{Condition, Instance, InstanceId, Rental};
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
        hint.contains("DOCKER_HOST") && hint.contains("docker context ls"),
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
        ended: None,
        rental: Rental::default(),
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
