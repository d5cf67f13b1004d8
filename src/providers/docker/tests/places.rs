//! Which daemon is which, by what it says of itself.

use serde_json::{Value, json};

use crate::model::InstanceId;
use crate::providers::contract::{chain, order};
use crate::providers::docker::tests::share;
use crate::providers::docker::{Docker, DockerConfig};
use crate::providers::{ErrorKind, Provider as _, ProviderKind as _};

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
    let said = error.to_string();
    assert!(
        said.contains("another daemon") && said.contains("tcp://"),
        "{error}"
    );
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
