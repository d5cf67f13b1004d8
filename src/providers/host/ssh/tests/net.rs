//! Nets that break, hosts that say nothing.

use std::net::TcpListener;
use std::process::Command;

use super::*;
use crate::providers::host::Shell as _;
use gharun_worlds::sshd::{Gap, Sshd};

/// A port that takes connections and says nothing.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, format!("me@127.0.0.1:{port}"))
}

#[tokio::test]
async fn a_host_that_says_nothing_is_skipped_and_named() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let (_listener, quiet) = silent();
    let mut all = vec![quiet.clone()];
    all.extend(hosts.rack.specs());
    let more = json!({ "hosts": all, "connect_timeout": "500ms" });
    let ssh = hosts.with(more).await;
    let machine = ssh.launch(&hosts.order(SLEEP)).await.unwrap();
    let listing = ssh.list().await.unwrap();
    assert_eq!(listing.instances.len(), 1);
    let [unread] = listing.unread.as_slice() else {
        panic!("{listing:?}");
    };
    assert_eq!(unread.location.as_ref(), Some(&ssh.members[0].place));
    let text = chain(&unread.error);
    assert!(
        text.contains(&quiet) && text.contains("did not respond"),
        "{text}"
    );
    ssh.terminate(&machine.id).await.unwrap();
    let health = ssh.check().await.unwrap();
    assert!(
        health.warnings.iter().any(|line| line.contains(&quiet)),
        "{health:?}"
    );
    // When it is the only one with room, its silence is no fullness of the others.
    let alone = json!({ "hosts": [quiet], "connect_timeout": "500ms" });
    let error = hosts
        .with(alone)
        .await
        .launch(&hosts.order(SLEEP))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{}", chain(&error));
}

#[tokio::test]
async fn a_launch_whose_connection_is_cut_leaves_one_machine_or_none() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let host = &hosts.rack.hosts[0];
    let gap = Gap::before(host.port);
    let known = host
        .known()
        .replace(&host.port.to_string(), &gap.port.to_string());
    fs::write(hosts.rack.known_hosts(), format!("{}{known}", host.known())).unwrap();
    let spec = format!("{}@127.0.0.1:{}", sshd::whoami(), gap.port);
    // How much a launch sends once it is connected, to cut at all kinds of moments of it.
    let ssh = hosts.with(json!({ "hosts": [spec] })).await;
    ssh.check().await.unwrap();
    let before = gap.passed();
    let machine = ssh.launch(&hosts.order(SLEEP)).await.unwrap();
    let whole = gap.passed() - before;
    ssh.terminate(&machine.id).await.unwrap();
    let mut kinds = Vec::new();
    for eighth in 0..9 {
        gap.mend();
        let ssh = hosts.with(json!({ "hosts": [spec] })).await;
        ssh.check().await.unwrap();
        gap.cut_after((whole * eighth / 8).max(1));
        let order = hosts.order(SLEEP);
        let launch = ssh.launch(&order).await;
        gap.mend();
        match &launch {
            Ok(machine) => assert_eq!(machine.tags, order.tags),
            Err(error) => {
                assert!(
                    matches!(error.kind, ErrorKind::Ambiguous | ErrorKind::Unavailable),
                    "{}",
                    chain(error)
                );
                kinds.push(error.kind);
            }
        }
        // The script there ends by itself: with a machine, or with nothing.
        let settled = until(SOON, async || {
            leftovers(&host.slots()).is_empty().then_some(())
        });
        settled.await.expect("it ends");
        let there = entries(&host.slots());
        assert!(there.len() <= 1, "{there:?}");
        assert!(
            launch.is_err() || there.len() == 1,
            "it said that it was there"
        );
        let again = hosts.ssh().await.launch(&order).await.unwrap();
        assert_eq!(
            entries(&host.slots()).len(),
            1,
            "it is adopted, or launched once"
        );
        hosts.ssh().await.terminate(&again.id).await.unwrap();
    }
    assert!(kinds.contains(&ErrorKind::Ambiguous), "{kinds:?}");
}

#[tokio::test]
async fn a_connection_that_was_cut_while_idle_is_opened_anew() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let host = &hosts.rack.hosts[0];
    let gap = Gap::before(host.port);
    let known = host
        .known()
        .replace(&host.port.to_string(), &gap.port.to_string());
    fs::write(hosts.rack.known_hosts(), known).unwrap();
    let spec = format!("{}@127.0.0.1:{}", sshd::whoami(), gap.port);
    let ssh = hosts.with(json!({ "hosts": [spec] })).await;
    for _ in 0..3 {
        ssh.check().await.unwrap();
        gap.cut();
    }
}

#[tokio::test]
async fn a_login_that_is_cut_on_the_way_is_not_refused_for_good() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let host = &hosts.rack.hosts[0];
    let gap = Gap::before(host.port);
    let known = host
        .known()
        .replace(&host.port.to_string(), &gap.port.to_string());
    fs::write(hosts.rack.known_hosts(), known).unwrap();
    let spec = format!("{}@127.0.0.1:{}", sshd::whoami(), gap.port);
    let ready = async |ssh: &Ssh| ssh.members[0].way.ready().await;
    ready(&hosts.with(json!({ "hosts": [spec] })).await)
        .await
        .unwrap();
    let whole = gap.passed();
    for part in 1..24 {
        gap.mend();
        let ssh = hosts.with(json!({ "hosts": [spec] })).await;
        let cut = gap.passed() + whole * part / 24;
        gap.cut_after(whole * part / 24);
        let mend = async {
            let is_cut = until(SOON, async || (gap.passed() >= cut).then_some(()));
            is_cut.await.expect("so much is sent");
            gap.mend();
        };
        let (reached, ()) = tokio::join!(ready(&ssh), mend);
        // In the middle of the handshake it may be given up for now, and never for good.
        if let Err(error) = reached {
            let told = chain(&error);
            assert_eq!(error.kind, ErrorKind::Unavailable, "{part}/24: {told}");
            assert!(!told.contains("login"), "{part}/24: {told}");
        }
    }
}

#[tokio::test]
async fn a_host_that_takes_few_keys_says_so() {
    let Some(hosts) = Hosts::of(1, "MaxAuthTries 2") else {
        return;
    };
    let dir = hosts.rack.dir.path().join("user/.ssh");
    fs::create_dir_all(&dir).unwrap();
    let mut lines = vec![format!(
        "Host pi\n  HostName 127.0.0.1\n  Port {}\n  User {}\n  UserKnownHostsFile {}\n",
        hosts.rack.hosts[0].port,
        sshd::whoami(),
        hosts.rack.known_hosts().display(),
    )];
    for n in 0..4 {
        let key = dir.join(format!("other{n}"));
        keygen(&key, "ed25519", "");
        lines.push(format!("  IdentityFile {}\n", key.display()));
    }
    write_private(&dir.join("config"), &lines.concat());
    let config = serde_json::from_value(json!({ "hosts": ["pi"], "ssh_dir": dir })).unwrap();
    let error = Ssh::open(config).await.unwrap().check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{}", chain(&error));
    let hints = error.hints().join("\n");
    assert!(hints.contains("try fewer keys"), "{hints}");
}

#[tokio::test]
async fn a_command_that_is_given_up_frees_its_channel() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let ssh = hosts.ssh().await;
    ssh.check().await.unwrap();
    for _ in 0..20 {
        let run = ssh.members[0].way.run("sleep 20", b"");
        let limit = tokio::time::timeout(Duration::from_millis(50), run);
        assert!(limit.await.is_err(), "it would take long");
    }
    ssh.check().await.unwrap();
}

/// A namespace of the network with a pair of interfaces to it, taken away in the end.
struct Apart(String);

impl Apart {
    fn new(subnet: u8) -> Option<Self> {
        let name = format!("gharun{}", random(6));
        let made = Self(name);
        let (near, far) = (made.near(), made.far());
        let steps = [
            format!("ip netns add {}", made.0),
            format!("ip link add {near} type veth peer name {far}"),
            format!("ip link set {far} netns {}", made.0),
            format!("ip addr add 10.213.{subnet}.1/30 dev {near}"),
            format!("ip link set {near} up"),
            format!(
                "ip netns exec {} ip addr add 10.213.{subnet}.2/30 dev {far}",
                made.0
            ),
            format!("ip netns exec {} ip link set {far} up", made.0),
        ];
        for step in steps {
            let mut words = step.split(' ');
            let output = Command::new(words.next().unwrap()).args(words).output();
            let why = match output {
                Ok(output) if output.status.success() => continue,
                Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
                Err(error) => error.to_string(),
            };
            skipped(&format!("hosts in network namespaces: `{step}`: {why}"));
            return None;
        }
        Some(made)
    }

    fn near(&self) -> String {
        format!("n{}", &self.0[6..])
    }

    fn far(&self) -> String {
        format!("f{}", &self.0[6..])
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        run("ip", &["link", "del", &self.near()]);
        run("ip", &["netns", "del", &self.0]);
    }
}

#[tokio::test]
async fn a_host_that_is_cut_off_is_skipped_named_and_found_again() {
    if !can() {
        return;
    }
    let (Some(one), Some(two)) = (Apart::new(1), Apart::new(2)) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    keygen(&dir.path().join("id"), "ed25519", "");
    let public = dir.path().join("id.pub");
    // What is cut off for good is to go by itself.
    let alive = "ClientAliveInterval 5\nClientAliveCountMax 3";
    let host = |n: u8, apart: &Apart| {
        let by = ["ip", "netns", "exec", apart.0.as_str()];
        let address = format!("10.213.{n}.2");
        Sshd::start_by(
            &dir.path().join(format!("host{n}")),
            &public,
            alive,
            &address,
            &by,
        )
    };
    let both = vec![host(1, &one), host(2, &two)];
    let rack = Rack { hosts: both, dir };
    rack.know();
    let hosts = Hosts {
        rack,
        tag: random(12),
    };
    let more = json!({ "slots": 1, "connect_timeout": "2s" });
    let ssh = hosts.with(more.clone()).await;
    let first = ssh.launch(&hosts.order(SLEEP)).await.unwrap();
    assert_eq!(hosts.spread(), [1, 0]);
    run("ip", &["link", "set", &one.near(), "down"]);
    // A new process, and the one whose connection is open and dead.
    for ssh in [hosts.with(more.clone()).await, ssh] {
        let second = ssh.launch(&hosts.order(SLEEP)).await.unwrap();
        assert_eq!(second.id.location.as_ref(), Some(&ssh.members[1].place));
        let listing = ssh.list().await.unwrap();
        let unread: Vec<_> = listing
            .unread
            .iter()
            .map(|unread| unread.location.clone())
            .collect();
        assert_eq!(unread, [Some(ssh.members[0].place.clone())], "{listing:?}");
        assert_eq!(listing.instances.len(), 1);
        assert!(
            ssh.terminate(&first.id).await.is_err(),
            "it cannot be asked, so it is not gone"
        );
        ssh.terminate(&second.id).await.unwrap();
    }
    run("ip", &["link", "set", &one.near(), "up"]);
    assert_eq!(
        hosts.condition(&first.id).await,
        Some(Condition::Running),
        "it went on"
    );
    hosts.finish().await;
}

#[tokio::test]
async fn a_host_that_does_not_answer_keeps_nobody_else_behind_its_jump_waiting() {
    let Some(hosts) = Hosts::of(2, "") else {
        return;
    };
    let Some(apart) = Apart::new(3) else { return };
    // Packets to that address go out and nothing ever comes back.
    let address = format!("10.213.3.2/30 dev {}", apart.far());
    let args = format!("netns exec {} ip addr del {address}", apart.0);
    run("ip", &args.split(' ').collect::<Vec<_>>());
    let (gate, inner) = (&hosts.rack.hosts[0], &hosts.rack.hosts[1]);
    let lost = "me@10.213.3.2:22";
    let more = json!({
        "hosts": [lost, inner.spec()],
        "jump": gate.spec(),
        "connect_timeout": "2s",
        "slots": 1,
    });
    let ssh = hosts.with(more).await;
    let machine = ssh.launch(&hosts.order(SLEEP)).await.unwrap();
    assert_eq!(machine.id.location.as_ref(), Some(&ssh.members[1].place));
    let listing = ssh.list().await.unwrap();
    assert_eq!(
        (listing.instances.len(), listing.unread.len()),
        (1, 1),
        "{listing:?}"
    );
    ssh.terminate(&machine.id).await.unwrap();
}
