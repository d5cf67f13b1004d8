//! Who we are, and who the hosts are.

use super::*;
use gharun_worlds::sshd::{Agent, Sshd};

/// What a fingerprint is according to `ssh-keygen`.
fn fingerprint(public: &std::path::Path) -> String {
    let said = run("ssh-keygen", &["-l", "-f", &public.display().to_string()]);
    said.split(' ').nth(1).expect("it says so").to_owned()
}

fn admit(host: &Sshd, public: &std::path::Path) {
    fs::copy(public, host.dir.join("authorized_keys")).unwrap();
}

#[tokio::test]
async fn keys_of_every_kind_let_us_in() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    for kind in ["ed25519", "rsa", "ecdsa"] {
        let key = hosts.rack.dir.path().join(format!("by-{kind}"));
        keygen(&key, kind, "");
        admit(&hosts.rack.hosts[0], &key.with_extension("pub"));
        let ssh = hosts.with(json!({ "identity": key })).await;
        let health = ssh.check().await;
        let health = health.unwrap_or_else(|error| panic!("{kind}: {}", chain(&error)));
        assert!(!health.facts.is_empty());
        let text = fs::read_to_string(&key).expect("it was made");
        let check = hosts.with(json!({ "identity": text })).await.check().await;
        check.unwrap_or_else(|error| panic!("{kind}, by its text: {}", chain(&error)));
    }
}

#[tokio::test]
async fn host_keys_of_every_kind_are_checked() {
    if !can() {
        return;
    }
    for kind in ["ed25519", "rsa", "ecdsa"] {
        let dir = tempfile::tempdir().unwrap();
        keygen(&dir.path().join("id"), "ed25519", "");
        let host = dir.path().join("host0");
        fs::create_dir(&host).unwrap();
        keygen(&host.join("key"), kind, "");
        // A second one, of another kind, that nobody knows: it must not be the one that is shown.
        let other = if kind == "ed25519" { "rsa" } else { "ed25519" };
        keygen(&host.join("other"), other, "");
        let more = format!("HostKey {}/other", host.display());
        let sshd = Sshd::start(&host, &dir.path().join("id.pub"), &more);
        let rack = Rack {
            hosts: vec![sshd],
            dir,
        };
        rack.know();
        let hosts = Hosts {
            rack,
            tag: random(12),
        };
        let check = hosts.ssh().await.check().await;
        assert!(check.is_ok(), "{kind}: {}", chain(&check.unwrap_err()));
    }
}

#[tokio::test]
async fn an_encrypted_key_works_through_the_agent_and_else_says_how() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let key = hosts.rack.dir.path().join("locked");
    keygen(&key, "ed25519", "a phrase");
    admit(&hosts.rack.hosts[0], &key.with_extension("pub"));
    let error = hosts
        .with(json!({ "identity": key }))
        .await
        .check()
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{}", chain(&error));
    assert!(chain(&error).contains("encrypted"), "{}", chain(&error));
    assert!(
        error
            .hints()
            .iter()
            .any(|hint| hint.starts_with("`ssh-add ")),
        "{:?}",
        error.hints()
    );
    let agent = Agent::with(hosts.rack.dir.path(), &key, "a phrase");
    let by_agent = json!({ "identity": key, "agent_socket": agent.socket });
    hosts.with(by_agent).await.check().await.unwrap();
    let off = json!({ "identity": key, "agent_socket": agent.socket, "agent": false });
    let error = hosts.with(off).await.check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    // Nor need the agent's key be named.
    let unnamed = json!({ "identity": "/no/such/key", "agent_socket": agent.socket });
    hosts.with(unnamed).await.check().await.unwrap();
}

#[tokio::test]
async fn a_changed_host_key_is_an_error_with_both_fingerprints_and_the_line() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let host = &hosts.rack.hosts[0];
    let shown = fingerprint(&host.dir.join("key.pub"));
    let old = hosts.rack.dir.path().join("old");
    keygen(&old, "ed25519", "");
    let known = fs::read_to_string(old.with_extension("pub")).unwrap();
    let line = format!("# the rack\n\n[127.0.0.1]:{} {known}", host.port);
    fs::write(hosts.rack.known_hosts(), line).unwrap();
    for check in ["strict", "accept-new"] {
        let ssh = hosts.with(json!({ "host_key_check": check })).await;
        for error in [
            ssh.check().await.unwrap_err(),
            ssh.launch(&hosts.order(SLEEP)).await.unwrap_err(),
        ] {
            let text = chain(&error);
            assert_eq!(error.kind, ErrorKind::Denied, "{text}");
            let file = format!("{}:3", hosts.rack.known_hosts().display());
            for said in [&shown, &fingerprint(&old.with_extension("pub")), &file] {
                assert!(text.contains(said.as_str()), "{said}: {text}");
            }
        }
    }
    assert!(
        !hosts.rack.hosts[0].log().contains("Accepted"),
        "no key was shown to it"
    );
}

#[tokio::test]
async fn an_unknown_host_is_refused_or_written_down() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    fs::write(hosts.rack.known_hosts(), "").unwrap();
    let error = hosts.ssh().await.check().await.unwrap_err();
    let text = chain(&error);
    assert_eq!(error.kind, ErrorKind::Denied, "{text}");
    let shown = fingerprint(&hosts.rack.hosts[0].dir.join("key.pub"));
    assert!(text.contains(&shown), "{text}");
    // The file is made where there is none yet.
    fs::remove_file(hosts.rack.known_hosts()).unwrap();
    let accepting = json!({ "host_key_check": "accept-new" });
    hosts.with(accepting).await.check().await.unwrap();
    hosts.ssh().await.check().await.unwrap();
    // Hashed names are found too.
    run(
        "ssh-keygen",
        &["-H", "-f", &hosts.rack.known_hosts().display().to_string()],
    );
    assert!(
        fs::read_to_string(hosts.rack.known_hosts())
            .unwrap()
            .starts_with("|1|")
    );
    hosts.ssh().await.check().await.unwrap();
}

#[tokio::test]
async fn a_host_behind_another_is_reached_by_it() {
    let Some(hosts) = Hosts::of(2, "") else {
        return;
    };
    let (gate, inner) = (&hosts.rack.hosts[0], &hosts.rack.hosts[1]);
    // What speaks to the inner host is the gate, and not us: the inner one is asked whom it sees.
    let ssh = hosts
        .with(json!({ "hosts": [inner.spec()], "jump": gate.spec() }))
        .await;
    let orders: Vec<Order> = (0..4).map(|_| hosts.order(SLEEP)).collect();
    let made = futures_util::future::join_all(orders.iter().map(|order| ssh.launch(order))).await;
    for machine in &made {
        assert!(machine.is_ok(), "{}", chain(machine.as_ref().unwrap_err()));
    }
    assert_eq!(hosts.spread(), [0, 4]);
    assert_eq!(
        gate.log().matches("Accepted publickey").count(),
        1,
        "{}",
        gate.log()
    );
    for machine in made {
        ssh.terminate(&machine.unwrap().id).await.unwrap();
    }
    assert_eq!(hosts.spread(), [0, 0]);
    // A port that nobody listens at, seen from the gate.
    let nobody = json!({ "hosts": [format!("me@127.0.0.1:{}", free_port())], "jump": gate.spec() });
    let error = hosts.with(nobody).await.check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{}", chain(&error));
    assert!(chain(&error).contains("on the way"), "{}", chain(&error));
}

#[tokio::test]
async fn the_users_ssh_configuration_leads_there() {
    let Some(hosts) = Hosts::of(2, "") else {
        return;
    };
    let dir = hosts.rack.dir.path().join("user/.ssh");
    fs::create_dir_all(&dir).unwrap();
    let (gate, inner) = (&hosts.rack.hosts[0], &hosts.rack.hosts[1]);
    let text = format!(
        "Host gate\n  Port {}\nHost pi\n  Port {}\n  ProxyJump gate\nHost pi gate\n  HostName 127.0.0.1\n  User {}\n  IdentityFile {}\n  UserKnownHostsFile {}\n",
        gate.port,
        inner.port,
        sshd::whoami(),
        hosts.rack.identity().display(),
        hosts.rack.known_hosts().display(),
    );
    write_private(&dir.join("config"), &text);
    let config = serde_json::from_value(json!({ "hosts": ["pi"], "ssh_dir": dir })).unwrap();
    let ssh = Ssh::open(config).await.unwrap();
    ssh.check().await.unwrap();
    assert!(
        gate.log().contains("Accepted publickey") && inner.log().contains("Accepted publickey")
    );
}

#[tokio::test]
async fn at_a_host_whose_key_was_added_just_now_an_absence_proves_nothing() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let machine = hosts.launch(SLEEP).await;
    let gone = InstanceId {
        id: order(&hosts.tag).name.to_string(),
        ..machine.id.clone()
    };
    let fresh = || hosts.rack.dir.path().join(random(8));
    let newly = async |file: PathBuf| {
        let more = json!({ "host_key_check": "accept-new", "known_hosts": file });
        hosts.with(more).await
    };
    let error = newly(fresh()).await.terminate(&gone).await;
    let error = error.expect_err("it may be another host");
    assert_eq!(error.kind, ErrorKind::NotFound, "{}", chain(&error));
    assert!(
        chain(&error).contains("is new, so it may be another host"),
        "{}",
        chain(&error)
    );
    // Where the key is known, it is a proof.
    let known = fresh();
    newly(known.clone()).await.list().await.unwrap();
    let said = newly(known).await.terminate(&gone).await.unwrap();
    assert_eq!(said, Termination::Gone);
    // What is there is ended, and gone.
    let said = newly(fresh()).await.terminate(&machine.id).await.unwrap();
    assert_eq!(said, Termination::Gone);
    // An empty host at that address is nobody's place.
    let ssh = newly(fresh()).await;
    let listing = ssh.list().await.unwrap();
    let silence = listing.silence(machine.id.location.as_deref());
    assert!(
        matches!(silence, Some(crate::providers::Silence::Vague(_))),
        "{silence:?}"
    );
}

#[tokio::test]
async fn what_can_be_known_of_hosts_is_known_first_and_one_good_host_is_enough() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    hosts.ssh().await.preflight().await.expect("it is well");
    let port = free_port();
    let good = hosts.rack.hosts[0].spec();
    let bad = format!("{}@127.0.0.1:{port}", sshd::whoami());
    let both = hosts.with(json!({ "hosts": [&bad, &good] })).await;
    both.preflight().await.expect("one is well");
    let error = hosts.with(json!({ "hosts": bad })).await.preflight().await;
    let error = error.expect_err("nobody listens");
    assert_eq!(error.kind, ErrorKind::Unavailable, "{}", chain(&error));
    let hint = error.hints().join("\n");
    assert!(
        hint.contains(&format!("at port {port}")) && hint.contains("`ssh -p "),
        "{hint}"
    );
    let nowhere = hosts.with(json!({ "hosts": "pi@gharun.invalid" })).await;
    let error = nowhere
        .preflight()
        .await
        .expect_err("there is no such name");
    assert!(
        chain(&error).contains("could not resolve `gharun.invalid`"),
        "{}",
        chain(&error)
    );
}

#[tokio::test]
async fn a_host_without_a_shell_is_told_by_what_it_says() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let ssh = hosts
        .spoilt("echo 'This account is currently not available.'; exit 1")
        .await;
    let error = ssh.preflight().await.expect_err("no script runs there");
    assert!(
        chain(&error).contains("currently not available"),
        "{}",
        chain(&error)
    );
    let hint = error.hints().join("\n");
    assert!(hint.contains("chsh -s /bin/sh"), "{hint}");
}
