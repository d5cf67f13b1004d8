//! What a machine sees, and how the hosts share them out.

use futures_util::future::join_all;

use super::*;

#[tokio::test]
async fn ten_machines_are_spread_over_three_hosts_without_a_refusal() {
    let Some(hosts) = Hosts::of(3, "") else {
        return;
    };
    for (prefer, expected) in [("order", [4, 4, 2]), ("least-used", [4, 3, 3])] {
        let ssh = hosts.with(json!({ "slots": 4, "prefer": prefer })).await;
        let orders: Vec<Order> = (0..10).map(|_| hosts.order(SLEEP)).collect();
        let made = join_all(orders.iter().map(|order| ssh.launch(order))).await;
        for machine in &made {
            assert!(machine.is_ok(), "{}", chain(machine.as_ref().unwrap_err()));
        }
        assert_eq!(hosts.spread(), expected, "{prefer}");
        let ids = hosts.census().await;
        let ends = join_all(ids.iter().map(|id| ssh.terminate(id))).await;
        assert!(ends.iter().all(Result::is_ok), "{ends:?}");
        assert_eq!(hosts.spread(), [0, 0, 0]);
    }
    for host in &hosts.rack.hosts {
        let logins = host.log().matches("Accepted publickey").count();
        // One for each `with` above, and one for each look of the tests.
        assert!(
            logins <= 4,
            "{logins} connections for two starts: {}",
            host.log()
        );
    }
}

#[tokio::test]
async fn slots_share_out_gpus() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let more = json!({ "slots": 3, "gpus": ["0", "1", "2", "3"] });
    let ssh = hosts.with(more).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let order = hosts.order("printf %s \"$CUDA_VISIBLE_DEVICES\" >gpus; exec sleep 300");
        let machine = ssh.launch(&order).await.unwrap();
        seen.push(hosts.file(&machine.id.id, "work/gpus").await);
    }
    assert_eq!(seen, ["0,3", "1", "2"]);
    hosts.finish().await;
}

#[tokio::test]
async fn a_machine_sees_nothing_of_the_login_but_what_every_program_needs() {
    let Some(hosts) = Hosts::of(1, "SetEnv HUSH=hush\nSetEnv LANG=C.UTF-8") else {
        return;
    };
    let machine = hosts.launch("export -p >all; exec sleep 300").await;
    let all = hosts.file(&machine.id.id, "work/all").await;
    for name in ["SSH_CLIENT", "SSH_CONNECTION", "HUSH"] {
        assert!(!all.contains(name), "{all}");
    }
    let home = hosts.rack.hosts[0].home();
    assert!(
        all.contains(&format!("HOME='{}'", home.display()))
            || all.contains(&format!("HOME=\"{}\"", home.display())),
        "{all}"
    );
    hosts.finish().await;
}

#[tokio::test]
async fn without_a_cache_nothing_outlives_the_machine() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let ssh = hosts.with(json!({ "cache": false })).await;
    let boot = "mkdir -p \"$GHARUN_CACHE\" && echo x >\"$GHARUN_CACHE/x\"; printf %s \"$GHARUN_CACHE\" >cached; exec sleep 300";
    let machine = ssh.launch(&hosts.order(boot)).await.unwrap();
    let cached = hosts.file(&machine.id.id, "work/cached").await;
    assert!(std::path::Path::new(&cached).join("x").exists(), "{cached}");
    ssh.terminate(&machine.id).await.unwrap();
    let left: Vec<_> = fs::read_dir(hosts.rack.hosts[0].slots())
        .unwrap()
        .flatten()
        .collect();
    assert!(
        left.iter().all(|entry| [".new", ".gone"]
            .iter()
            .any(|name| entry.file_name() == *name)),
        "{left:?}"
    );
}

#[tokio::test]
async fn a_full_rack_says_how_long_it_is_worth_waiting() {
    let Some(hosts) = Hosts::of(2, "") else {
        return;
    };
    let ssh = hosts
        .with(json!({ "slots": 1, "wait_for_slot": "10m" }))
        .await;
    let (one, two) = (hosts.order(SLEEP), hosts.order(SLEEP));
    ssh.launch(&one).await.unwrap();
    ssh.launch(&two).await.unwrap();
    let error = ssh.launch(&hosts.order(SLEEP)).await.unwrap_err();
    assert_eq!(
        (error.kind, error.wait()),
        (ErrorKind::NoCapacity, Some(Duration::from_mins(10)))
    );
    let text = chain(&error);
    assert!(
        text.contains(one.name.as_str()) && text.contains(two.name.as_str()),
        "{text}"
    );
    hosts.finish().await;
}

#[tokio::test]
async fn what_runs_reaches_a_port_of_this_computer() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    // Much, both ways: what is forwarded is carried in pieces.
    let much = "0123456789abcdef".repeat(64 * 1024);
    let answer = much.clone();
    let server = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        for _ in 0..2 {
            let (mut call, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                assert_ne!(call.read_buf(&mut head).await.unwrap(), 0);
            }
            let head = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                answer.len()
            );
            call.write_all(head.as_bytes()).await.unwrap();
            call.write_all(answer.as_bytes()).await.unwrap();
            call.shutdown().await.unwrap();
        }
    });
    let ssh = hosts.with(json!({ "slots": 2 })).await;
    let url = ssh.reach(port).await.unwrap().unwrap();
    assert_eq!(url.host_str(), Some("127.0.0.1"));
    let boot = format!("curl -fsS {url} >got.part && mv got.part got; exec sleep 300");
    let both = join_all(
        [hosts.order(&boot), hosts.order(&boot)].map(async |order| ssh.launch(&order).await),
    )
    .await;
    for machine in both {
        let id = machine.unwrap().id.id;
        assert!(
            hosts.file(&id, "work/got").await == much,
            "it arrives whole"
        );
    }
    server.await.unwrap();
    hosts.finish().await;
}

#[tokio::test]
async fn any_shell_of_a_user_runs_what_is_sent() {
    let script = "read -r more; printf '%s|%s\\n' \"it's $((1 + 1)) \\\\ \" \"$more\"; cat";
    let mut tried = 0;
    for shell in [
        "sh",
        "bash",
        "dash",
        "zsh",
        "fish",
        "tcsh",
        "ksh",
        "busybox sh",
    ] {
        let mut words = shell.split(' ');
        let program = words.next().unwrap();
        let there = std::process::Command::new(program)
            .args(words.clone())
            .args(["-c", "exit 0"])
            .output();
        if !there.is_ok_and(|output| output.status.success()) {
            continue;
        }
        tried += 1;
        let mut command = tokio::process::Command::new(program);
        command
            .args(words)
            .args(["-c", route::COMMAND])
            .env("HUSH", "hush");
        command
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = route::envelope(&format!("{script}; echo \"${{HUSH-none}}\""), "mark-1");
        input.extend_from_slice(b"first\nsecond\nthird");
        let mut stdin = child.stdin.take().unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stdin, &input)
            .await
            .unwrap();
        drop(stdin);
        let output = child.wait_with_output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(
            said, "\nmark-1-begins\nit's 2 \\ |first\nsecond\nthirdnone\n",
            "{shell}"
        );
    }
    assert!(tried >= 1);
}

#[tokio::test]
async fn as_root_everything_goes_through_sudo_and_its_refusal_is_told() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    // A `sudo` of our own comes first, whatever the system has.
    let bin = hosts.rack.dir.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let sudo = |script: &str| {
        let path = bin.join("sudo");
        gharun_worlds::write_program(&path, &format!("#!/bin/sh\n{script}\n"), 0o700);
    };
    let key = hosts.rack.dir.path().join("by-sudo");
    keygen(&key, "ed25519", "");
    let script = format!(
        "PATH={}:$PATH; export PATH; exec sh -c \"$SSH_ORIGINAL_COMMAND\"",
        bin.display()
    );
    hosts.rack.hosts[0].force(&key.with_extension("pub"), &script);
    let ssh = hosts.with(json!({ "identity": key, "sudo": true })).await;
    sudo("echo 'sudo: a password is required' >&2; exit 1");
    for error in [
        ssh.check().await.unwrap_err(),
        ssh.launch(&hosts.order(SLEEP)).await.unwrap_err(),
    ] {
        let text = chain(&error);
        assert_eq!(
            (error.kind, error.key()),
            (ErrorKind::Denied, Some("sudo")),
            "{text}"
        );
        assert!(text.contains("a password is required"), "{text}");
    }
    // `-n -H`, and then what is to be run.
    sudo("[ \"$1 $2\" = '-n -H' ] || exit 9; shift 2; AS_ROOT=yes exec \"$@\"");
    let machine = ssh.launch(&hosts.order(SLEEP)).await.unwrap();
    ssh.terminate(&machine.id).await.unwrap();
    assert_eq!(hosts.spread(), [0]);
    // A warning is no refusal.
    sudo(
        "echo 'sudo: unable to resolve host pi4: Name or service not known' >&2; shift 2; exec \"$@\"",
    );
    ssh.check().await.unwrap();
    let machine = ssh.launch(&hosts.order(SLEEP)).await.unwrap();
    assert_eq!(ssh.list().await.unwrap().instances.len(), 1);
    ssh.terminate(&machine.id).await.unwrap();
    assert_eq!(hosts.spread(), [0]);
}

#[tokio::test]
async fn a_machine_on_a_host_with_two_names_is_listed_once_and_found_by_both() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let one = hosts.rack.hosts[0].spec();
    let other = one.replace("127.0.0.1", "localhost");
    assert_ne!(one, other);
    let ssh = hosts
        .with(json!({ "hosts": [one, other], "host_key_check": "accept-new" }))
        .await;
    let machine = ssh.launch(&hosts.order(SLEEP)).await.unwrap();
    let listing = ssh.list().await.unwrap();
    assert_eq!(listing.instances.len(), 1, "{listing:?}");
    for member in &ssh.members {
        let id = InstanceId {
            location: Some(member.place.clone()),
            ..machine.id.clone()
        };
        assert!(listing.find(&id).is_some(), "{listing:?}");
        assert!(listing.silence(Some(&member.place)).is_none());
    }
    ssh.terminate(&machine.id).await.unwrap();
}
