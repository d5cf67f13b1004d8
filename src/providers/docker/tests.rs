//! The docker provider against a real daemon.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::model::{Condition, Secret, random};
use crate::poll::{Pace, until};
use crate::providers::contract::{Fake as _, Mood, chain, contract, ends, order, uphold};
use share::{RUNNER_IMAGE, Share};

mod failures;
mod places;
mod podman;
mod proxy;
mod reasons;
mod share;
mod sockets;
mod wire;

contract!(Share);

const SOON: Pace = Pace {
    every: Duration::from_millis(100),
    at_most: Duration::from_secs(30),
};

/// The same order with another script.
fn script(share: &Share, boot: &str) -> Order {
    Order {
        boot: Secret::new(boot),
        ..order(share.tag())
    }
}

/// Waits for a container's end and tells it.
async fn end(docker: &Docker, id: &InstanceId) -> String {
    let ended = until(SOON, async || {
        let listing = docker.list().await.expect("a listing");
        let found = listing.instances.into_iter().find(|m| m.id == *id);
        match found.expect("it is there").state {
            Condition::Ended(how) => Some(how),
            _ => None,
        }
    });
    ended.await.expect("it ends")
}

#[tokio::test]
async fn the_boot_script_is_its_users_alone() {
    uphold::<Share>(async |share| {
        for (settings, uid, gid) in [
            (json!({}), 0, 0),
            (json!({ "user": "1234:99" }), 1234, 99),
            (json!({ "user": "1001" }), 1001, 127),
            (json!({ "user": "runner" }), 1001, 127),
            (json!({ "user": "runner:extra" }), 1001, 555),
            (json!({ "image": RUNNER_IMAGE }), 1001, 127),
            (json!({ "image": RUNNER_IMAGE, "user": "root" }), 0, 0),
        ] {
            let docker = share.with(settings.clone()).await;
            let boot = "echo \"$(id -u):$(id -g) $(stat -c '%a %u:%g' /gharun /gharun/boot.sh | tr '\\n' ' ')\"; exit 7";
            let machine = docker.launch(&script(share, boot)).await.unwrap();
            assert_eq!(end(&docker, &machine.id).await, "exit code 7", "{settings}");
            let said = docker.logs(&machine.id).await.unwrap().expect("a log");
            // As seen by itself, so it could read its script too.
            let owner = format!("{uid}:{gid}");
            assert_eq!(said.trim(), format!("{owner} 700 {owner} 600 {owner}"), "{settings}");
            for file in share.files(&machine.id.id, "/gharun").await {
                assert_eq!((file.uid, file.gid), (uid, gid), "{}", file.path);
                assert_eq!(file.mode & 0o077, 0, "{}", file.path);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_unknown_user_is_a_setting_at_fault_and_leaves_nothing() {
    uphold::<Share>(async |share| {
        let docker = share.with(json!({ "user": "nobody-there" })).await;
        let error = docker
            .launch(&order(share.tag()))
            .await
            .expect_err("no such user");
        assert_eq!((error.kind, error.key()), (ErrorKind::Config, Some("user")));
        assert_eq!(share.census().await, []);
    })
    .await;
}

#[tokio::test]
async fn settings_arrive_in_the_container() {
    uphold::<Share>(async |share| {
        let docker = share
            .with(json!({
                "cpus": 0.5, "memory": "64m", "shm_size": "8m", "env": { "GREETING": "a b'c\"$d" },
                "network": "none", "extra_hosts": ["db:10.1.2.3"], "labels": { "team": "x" },
                "devices": ["/dev/null:/dev/other:r"], "volumes": ["/etc/hostname:/host:ro"],
            }))
            .await;
        let boot = "echo \"$GREETING\"; ls /dev/other /host; df -k /dev/shm | tail -1 | tr -s ' ' | cut -d' ' -f2; ls /sys/class/net; cat /proc/1/comm; exec sleep 300";
        let machine = docker.launch(&script(share, boot)).await.unwrap();
        let said = until(SOON, async || {
            let said = docker.logs(&machine.id).await.expect("a log").expect("it is there");
            (said.lines().count() >= 6).then_some(said)
        });
        let said = said.await.expect("it says six lines");
        assert_eq!(said, "a b'c\"$d\n/dev/other\n/host\n8192\nlo\ndocker-init\n");
        let inspected = share.client.inspect_container(&machine.id.id, None::<bollard::query_parameters::InspectContainerOptions>).await.unwrap();
        let host = inspected.host_config.unwrap();
        assert_eq!((host.nano_cpus, host.memory), (Some(500_000_000), Some(64 << 20)));
        assert_eq!(host.extra_hosts.unwrap(), ["db:10.1.2.3"]);
        assert_eq!(inspected.config.unwrap().labels.unwrap()["team"], "x");
        assert_eq!(inspected.name.unwrap(), format!("/{}", machine.tags.name));
    })
    .await;
}

#[tokio::test]
async fn memory_that_runs_out_is_told() {
    uphold::<Share>(async |share| {
        let docker = share.with(json!({ "memory": "8m" })).await;
        // `tail` keeps a line without an end in memory.
        let boot = "exec tail -n 1 /dev/zero";
        let machine = docker.launch(&script(share, boot)).await.unwrap();
        assert_eq!(
            end(&docker, &machine.id).await,
            "exit code 137, out of memory"
        );
    })
    .await;
}

#[tokio::test]
async fn only_the_end_of_a_log_is_told_from_both_streams() {
    uphold::<Share>(async |share| {
        let docker = share.open().await;
        let boot = "echo out; echo err >&2";
        let machine = docker.launch(&script(share, boot)).await.unwrap();
        end(&docker, &machine.id).await;
        let said = docker.logs(&machine.id).await.unwrap().expect("a log");
        // Two streams have no order among themselves.
        assert!(
            ["out\nerr\n", "err\nout\n"].contains(&said.as_str()),
            "{said}"
        );
        let long = "i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done; printf 'no end'";
        let machine = docker.launch(&script(share, long)).await.unwrap();
        end(&docker, &machine.id).await;
        let said = docker.logs(&machine.id).await.unwrap().expect("a log");
        assert_eq!(said.lines().count(), LOG_LINES);
        assert!(
            said.starts_with("line 301\n") && said.ends_with("line 499\nno end"),
            "{said}"
        );
        let wide = "i=0; while [ $i -lt 150 ]; do printf '%01000d\\n' $i; i=$((i+1)); done";
        let machine = docker.launch(&script(share, wide)).await.unwrap();
        end(&docker, &machine.id).await;
        let said = docker.logs(&machine.id).await.unwrap().expect("a log");
        assert!(
            (LOG_BYTES - 1001..=LOG_BYTES).contains(&said.len()),
            "{}",
            said.len()
        );
        assert!(
            said.lines().all(|line| line.len() == 1000),
            "lines are whole"
        );
        assert!(said.ends_with("149\n"));
    })
    .await;
}

#[tokio::test]
async fn a_job_is_seen_by_its_worker() {
    uphold::<Share>(async |share| {
        let docker = share.open().await;
        // What merely mentions it is no worker.
        let boot = "sh -c 'sleep 300; : Runner.Worker' mentions /bin/Runner.Worker; :";
        let idle = docker.launch(&script(share, boot)).await.unwrap();
        // The name alone counts, so a script may bear it.
        let boot = "mkdir -p /tmp/bin; echo 'sleep 300; :' >/tmp/bin/Runner.Worker; sh /tmp/bin/Runner.Worker; :";
        let busy = docker.launch(&script(share, boot)).await.unwrap();
        let seen = until(SOON, async || {
            docker
                .in_use(&busy.id)
                .await
                .expect("a look")
                .filter(|used| *used)
        });
        assert_eq!(seen.await, Some(true));
        assert_eq!(docker.in_use(&idle.id).await.unwrap(), Some(false));
        share.end(&busy.id).await;
        end(&docker, &busy.id).await;
        assert_eq!(
            docker.in_use(&busy.id).await.unwrap(),
            None,
            "it is not running"
        );
        docker.terminate(&busy.id).await.unwrap();
        assert_eq!(docker.in_use(&busy.id).await.unwrap(), None, "it is gone");
        assert_eq!(docker.logs(&busy.id).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn an_attempt_that_stopped_half_way_is_carried_on() {
    uphold::<Share>(async |share| {
        let docker = share.open().await;
        let mut order = script(share, "echo carried on; exit 3");
        order.tags.start = share.tag().to_owned();
        let labels = order.tags.pairs().into_iter();
        let labels = labels.map(|(k, v)| (k.to_owned(), v)).collect();
        // What a process that was killed between two requests leaves: created, not started.
        let left = share.half_made(order.name.as_str(), labels).await;
        let machine = docker.launch(&order).await.unwrap();
        assert_eq!(machine.id, left);
        assert_eq!(end(&docker, &machine.id).await, "exit code 3");
        let again = docker.launch(&order).await.unwrap();
        assert_eq!(again.id, left, "and not run again");
        assert_eq!(again.state, Condition::Ended("exit code 3".into()));
    })
    .await;
}

#[tokio::test]
async fn a_name_that_another_start_bears_is_not_taken_over() {
    uphold::<Share>(async |share| {
        let docker = share.open().await;
        let first = order(share.tag());
        let machine = docker.launch(&first).await.unwrap();
        let mut second = first.clone();
        second.tags.start = random(12);
        let error = docker.launch(&second).await.expect_err("it is another's");
        assert_eq!(error.kind, ErrorKind::Unexpected, "{}", chain(&error));
        assert_eq!(share.census().await, [machine.id], "and it is untouched");
    })
    .await;
}

#[tokio::test]
async fn a_container_with_unreadable_tags_is_told_apart_and_can_be_ended() {
    uphold::<Share>(async |share| {
        let docker = share.open().await;
        let labels = HashMap::from([("managed-by".to_owned(), "gharun".to_owned())]);
        let id = share.add(&format!("odd-{}", random(12)), labels).await;
        share::run(share, &id).await;
        let listing = docker.list().await.unwrap();
        assert!(listing.instances.iter().all(|machine| machine.id != id));
        assert!(listing.unjudged(&id).is_some_and(|found| found.is_ours));
        docker.terminate(&id).await.unwrap();
        assert_eq!(share.census().await, []);
    })
    .await;
}

#[tokio::test]
async fn what_is_no_container_of_this_daemon_is_never_called_gone() {
    uphold::<Share>(async |share| {
        let docker = share.open().await;
        let gone = share.id("0123456789abcdef");
        docker.terminate(&gone).await.expect("it is gone");
        let nowhere = InstanceId {
            location: None,
            ..gone.clone()
        };
        assert!(docker.terminate(&nowhere).await.is_err());
        let odd = InstanceId {
            id: "../../x".into(),
            ..gone.clone()
        };
        assert!(docker.terminate(&odd).await.is_err());
        let loud = InstanceId {
            id: "0123456789ABCDEF".into(),
            ..gone.clone()
        };
        assert!(docker.terminate(&loud).await.is_err());
        // A name that looks like an id.
        let hex: String = random(40)
            .bytes()
            .map(|b| char::from(b"0123456789abcdef"[usize::from(b) % 16]))
            .take(12)
            .collect();
        share.add(&hex, HashMap::new()).await;
        let error = docker
            .terminate(&share.id(&hex))
            .await
            .expect_err("a name is no id");
        assert_eq!(error.kind, ErrorKind::Denied);
        assert_eq!(share.census().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_container_is_proved_gone_by_whatever_spelling_of_its_id() {
    uphold::<Share>(async |share| {
        for bare in [true, false] {
            let machine = share
                .open()
                .await
                .launch(&order(share.tag()))
                .await
                .unwrap();
            let inspect = None::<bollard::query_parameters::InspectContainerOptions>;
            let found = share
                .client
                .inspect_container(&machine.id.id, inspect)
                .await;
            let long = found.unwrap().id.expect("its whole id");
            assert_eq!(long.len(), 64);
            let id = InstanceId {
                location: machine.id.location.clone().filter(|_| !bare),
                id: if bare { machine.id.id.clone() } else { long },
            };
            // The first end is accepted, and nothing is done.
            let docker = share.turn(Mood::EndIgnored).await;
            let docker = Arc::new(docker.expect("a mood of this place"));
            ends(&docker, &id).await.expect("it ends");
            assert_eq!(share.census().await, [], "{id}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_socket_is_there_for_jobs_that_may_use_it() {
    uphold::<Share>(async |share| {
        let docker = share.with(json!({ "docker_socket": true, "user": "runner" })).await;
        assert!(docker.warnings()[0].contains("root on the daemon's host"));
        let boot = "test -S /var/run/docker.sock && test -r /var/run/docker.sock && test -w /var/run/docker.sock && exit 5";
        let machine = docker.launch(&script(share, boot)).await.unwrap();
        assert_eq!(end(&docker, &machine.id).await, "exit code 5");
        assert!(share.open().await.warnings().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_container_reaches_this_computer() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    uphold::<Share>(async |share| {
        for (network, settings) in [
            ("bridge", json!({})),
            ("host", json!({ "network": "host" })),
        ] {
            let docker = share.with(settings).await;
            let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let url = docker
                .reach(port)
                .await
                .unwrap()
                .expect("it can be reached");
            assert_eq!(url.port(), Some(port));
            let machine = docker
                .launch(&script(share, &format!("wget -q -O - {url}")))
                .await
                .unwrap();
            let (mut client, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                assert_ne!(client.read_buf(&mut asked).await.unwrap(), 0);
            }
            client
                .write_all(b"HTTP/1.0 200 OK\r\n\r\nhello\n")
                .await
                .unwrap();
            client.shutdown().await.unwrap();
            drop(client);
            assert_eq!(end(&docker, &machine.id).await, "exit code 0", "{network}");
            assert_eq!(docker.logs(&machine.id).await.unwrap().unwrap(), "hello\n");
        }
        for settings in [
            json!({ "network": "none" }),
            json!({ "host": "tcp://127.0.0.1:1" }),
        ] {
            assert_eq!(share.with(settings).await.reach(80).await.unwrap(), None);
        }
    })
    .await;
}
