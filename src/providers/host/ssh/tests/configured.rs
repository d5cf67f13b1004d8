//! Hosts that only the user's ssh configuration leads to.

use super::*;
use gharun_worlds::sshd::{Agent, certify};

/// Whether there is an `ssh`, which is the proxy of these tests.
fn has_ssh() -> bool {
    let found = std::process::Command::new("ssh").arg("-V").output().is_ok();
    if !found {
        skipped("hosts behind a command: `ssh` is not installed");
    }
    found
}

impl Hosts {
    /// Opens the provider with nothing but a name of an ssh configuration, in which a host is `pi`.
    async fn configured(&self, lines: &str, more: Value) -> Ssh {
        let dir = self
            .rack
            .dir
            .path()
            .join(format!("user-{}/.ssh", random(6)));
        fs::create_dir_all(&dir).unwrap();
        let host = &self.rack.hosts[0];
        let text = format!(
            "Host pi\n{lines}\nHost pi\n  HostName 127.0.0.1\n  Port {}\n  User {}\n  IdentityFile {}\n  UserKnownHostsFile {}\n",
            host.port,
            sshd::whoami(),
            self.rack.identity().display(),
            self.rack.known_hosts().display(),
        );
        write_private(&dir.join("config"), &text);
        let mut settings = json!({ "hosts": ["pi"], "ssh_dir": dir, "connect_timeout": "20s" });
        let table = settings.as_object_mut().expect("a table");
        table.extend(more.as_object().expect("a table").clone());
        let config = serde_json::from_value(settings).expect("settings");
        Ssh::open(config).await.expect("these settings are fine")
    }

    /// Lets nobody in but by a certificate of an authority.
    fn trust_authority(&self) -> PathBuf {
        let authority = self.rack.dir.path().join("ca");
        keygen(&authority, "ed25519", "");
        fs::write(self.rack.hosts[0].dir.join("authorized_keys"), "").unwrap();
        fs::copy(
            authority.with_extension("pub"),
            self.rack.hosts[0].dir.join("ca.pub"),
        )
        .unwrap();
        authority
    }
}

/// The processes whose command holds a text.
fn running(text: &str) -> String {
    let all = run("ps", &["-A", "-o", "pid,args"]);
    let ours = all
        .lines()
        .filter(|line| line.contains(text) && !line.contains("ps -A"));
    ours.collect::<Vec<_>>().join("\n")
}

async fn refusal(ssh: &Ssh) -> (Error, String) {
    let error = ssh.check().await.expect_err("it cannot be used");
    let text = format!("{}\n{}", chain(&error), error.hints().join("\n"));
    (error, text)
}

#[tokio::test]
async fn a_host_behind_a_command_is_reached_by_it_and_the_command_ends_with_the_connection() {
    let Some(hosts) = Hosts::of(2, "") else {
        return;
    };
    if !has_ssh() {
        return;
    }
    let gate = &hosts.rack.hosts[1];
    let proxy = format!(
        "  ProxyCommand ssh -F /dev/null -o BatchMode=yes -i {} -o UserKnownHostsFile={} -p {} -W %h:%p %r@127.0.0.1",
        hosts.rack.identity().display(),
        hosts.rack.known_hosts().display(),
        gate.port,
    );
    let ssh = hosts.configured(&proxy, json!({})).await;
    let machine = ssh.launch(&hosts.order(SLEEP)).await;
    let machine = machine.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(hosts.spread(), [1, 0]);
    assert!(gate.log().contains("Accepted publickey"), "{}", gate.log());
    let command = format!("-W 127.0.0.1:{}", hosts.rack.hosts[0].port);
    assert!(running(&command).contains("ssh -F"), "it runs");
    ssh.terminate(&machine.id).await.unwrap();
    drop(ssh);
    let gone = until(SOON, async || running(&command).is_empty().then_some(()));
    gone.await
        .unwrap_or_else(|| panic!("{}", running(&command)));
}

#[tokio::test]
async fn a_command_that_fails_is_told_with_its_words_at_once() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let proxy = "  ProxyCommand sh -c 'echo no way to %h >&2; exit 3'";
    let ssh = hosts.configured(proxy, json!({})).await;
    let (error, text) = refusal(&ssh).await;
    assert_eq!(error.kind, ErrorKind::Unavailable, "{text}");
    for said in [
        "`ProxyCommand` failed (exit status: 3): no way to 127.0.0.1",
        "SSH-2.0-",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(
        !hosts.rack.hosts[0].log().contains("Connection from"),
        "nobody went around it"
    );
}

#[tokio::test]
async fn a_command_that_connects_to_nothing_is_told_with_what_it_asks_for() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let proxy = "  ProxyCommand sh -c 'echo open https://login.example/code >&2; exec sleep 300'";
    let ssh = hosts
        .configured(proxy, json!({ "connect_timeout": "1s" }))
        .await;
    let (error, text) = refusal(&ssh).await;
    assert_eq!(error.kind, ErrorKind::Unavailable, "{text}");
    assert!(
        text.contains("`ProxyCommand` did not connect within 1 s; on standard error it said `open https://login.example/code`"),
        "{text}"
    );
}

#[tokio::test]
async fn a_host_that_a_command_decides_over_is_left_out_and_the_others_are_used() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let lines = "Match originalhost bad exec true\n  User root\n";
    let ssh = hosts
        .configured(lines, json!({ "hosts": ["bad", "pi"] }))
        .await;
    let health = ssh.check().await.unwrap();
    let warned = health.warnings.join("\n");
    for said in [
        "bad",
        "config:2: this `Match` block may set `User` (line 3)",
    ] {
        assert!(warned.contains(said), "{said}: {warned}");
    }
    let machine = ssh.launch(&hosts.order(SLEEP)).await;
    let machine = machine.unwrap_or_else(|error| panic!("{}", chain(&error)));
    // What is at the other host is unknown.
    let listing = ssh.list().await.unwrap();
    assert_eq!(listing.instances.len(), 1);
    assert_eq!(listing.unread.len(), 1, "{:?}", listing.unread);
    assert_eq!(
        ssh.places().await.unwrap(),
        [machine.id.location.clone().unwrap()]
    );
    let bare = InstanceId {
        location: None,
        id: "gharun-other".into(),
    };
    assert!(ssh.canonical(&bare).await.is_err());
    ssh.terminate(&machine.id).await.unwrap();
}

#[tokio::test]
async fn keys_of_the_configuration_that_are_not_used_are_told_with_what_to_do_instead() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let lines = "  PKCS11Provider /usr/lib/x.so\n  VerifyHostKeyDNS no\n  ControlMaster auto\n  IdentityFile /dev/null\n";
    let wrong = json!({ "agent": false, "identity": "/nonexistent/key" });
    let ssh = hosts.configured(lines, wrong).await;
    let (_, text) = refusal(&ssh).await;
    assert!(
        text.contains("gharun does not use `PKCS11Provider` ("),
        "{text}"
    );
    assert!(
        text.contains("config:2): load its key into an agent"),
        "{text}"
    );
    assert!(text.contains("`ControlMaster`"), "{text}");
    assert!(!text.contains("VerifyHostKeyDNS"), "{text}");
}

#[tokio::test]
async fn a_host_is_known_by_the_name_that_the_configuration_gives_it() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let known = hosts.rack.known_hosts();
    let text = fs::read_to_string(&known).unwrap();
    let key = text.split_once(' ').unwrap().1;
    fs::write(&known, format!("pi4 {key}")).unwrap();
    let ssh = hosts.configured("  HostKeyAlias PI4", json!({})).await;
    ssh.check()
        .await
        .unwrap_or_else(|error| panic!("{}", chain(&error)));
    // A line without the port counts as well, and one that is not the user's own.
    fs::write(&known, "").unwrap();
    let global = hosts.rack.dir.path().join("global");
    fs::write(&global, format!("127.0.0.1 {key}")).unwrap();
    let lines = format!("  GlobalKnownHostsFile {}", global.display());
    let ssh = hosts.configured(&lines, json!({})).await;
    ssh.check()
        .await
        .unwrap_or_else(|error| panic!("{}", chain(&error)));
}

#[tokio::test]
async fn of_many_keys_of_an_agent_the_one_that_is_named_is_tried_first() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let dir = hosts.rack.dir.path();
    let mut agent: Option<Agent> = None;
    for n in 0..8 {
        let key = dir.join(format!("other{n}"));
        keygen(&key, "ed25519", "");
        match &agent {
            None => agent = Some(Agent::with(dir, &key, "")),
            Some(agent) => agent.add(&key),
        }
    }
    let agent = agent.expect("it was started");
    agent.add(&hosts.rack.identity());
    // Only its public half is here.
    let public = dir.join("pi.pub");
    fs::rename(dir.join("id.pub"), &public).unwrap();
    fs::rename(hosts.rack.identity(), dir.join("away")).unwrap();
    let by_agent = format!("  IdentityAgent {}\n", agent.socket.display());
    let named = format!(
        "{by_agent}  IdentityFile {}\n  IdentitiesOnly yes",
        public.display()
    );
    let ssh = hosts.configured(&named, json!({})).await;
    ssh.check()
        .await
        .unwrap_or_else(|error| panic!("{}", chain(&error)));
    // Without it the host has seen too many before that one.
    let ssh = hosts.configured(&by_agent, json!({})).await;
    let (error, text) = refusal(&ssh).await;
    assert_eq!(error.kind, ErrorKind::Denied, "{text}");
    assert!(text.contains("IdentitiesOnly yes"), "{text}");
    // None of them is tried where they are not named.
    let named = format!("{by_agent}  IdentitiesOnly yes");
    let (error, text) = refusal(&hosts.configured(&named, json!({})).await).await;
    assert_eq!(error.kind, ErrorKind::Denied, "{text}");
    assert!(!text.contains("of the agent"), "{text}");
}

#[tokio::test]
async fn certificates_of_a_user_let_us_in() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    drop(hosts);
    for kind in ["ed25519", "rsa", "ecdsa"] {
        let dir = tempfile::tempdir().unwrap();
        let more = format!("TrustedUserCAKeys {}/host0/ca.pub", dir.path().display());
        keygen(&dir.path().join("id"), "ed25519", "");
        let sshd = sshd::Sshd::start(&dir.path().join("host0"), &dir.path().join("id.pub"), &more);
        let rack = Rack {
            hosts: vec![sshd],
            dir,
        };
        rack.know();
        let hosts = Hosts {
            rack,
            tag: random(12),
        };
        let authority = hosts.trust_authority();
        let key = hosts.rack.dir.path().join("user");
        keygen(&key, kind, "");
        let named = format!("  IdentityFile {}\n  IdentitiesOnly yes", key.display());
        let (error, text) = refusal(&hosts.configured(&named, json!({})).await).await;
        assert_eq!(error.kind, ErrorKind::Denied, "{kind}: {text}");
        certify(&authority, &key.with_extension("pub"), &sshd::whoami());
        let works = async |lines: &str| {
            let ssh = hosts.configured(lines, json!({})).await;
            let check = ssh.check().await;
            check.unwrap_or_else(|error| panic!("{kind}: {lines}: {}", chain(&error)));
        };
        works(&named).await;
        let elsewhere = hosts.rack.dir.path().join("certificate");
        fs::rename(hosts.rack.dir.path().join("user-cert.pub"), &elsewhere).unwrap();
        works(&format!(
            "{named}\n  CertificateFile {}",
            elsewhere.display()
        ))
        .await;
        let log = hosts.rack.hosts[0].log();
        assert!(log.contains("CA ED25519"), "{log}");
    }
}

#[tokio::test]
async fn a_host_that_wants_more_than_a_key_says_that_it_took_the_key() {
    let more = format!(
        "Match User {}\n  PasswordAuthentication yes\n  AuthenticationMethods publickey,password",
        sshd::whoami()
    );
    let Some(hosts) = Hosts::of(1, &more) else {
        return;
    };
    let (error, text) = refusal(&hosts.ssh().await).await;
    assert_eq!(error.kind, ErrorKind::Denied, "{text}");
    for said in [
        "it accepted `",
        "another factor as well (`password`)",
        "AuthenticationMethods",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    for untrue in [
        "ssh-copy-id",
        "set `identity`",
        "refused the login",
        "Invalid signature",
    ] {
        assert!(!text.contains(untrue), "{untrue}: {text}");
    }
}

#[tokio::test]
async fn a_host_with_which_nothing_is_in_common_tells_what_it_offers() {
    let odd = "sntrup761x25519-sha512@openssh.com";
    let Some(hosts) = Hosts::of(2, "") else {
        return;
    };
    let dir = hosts.rack.dir.path().join("odd");
    let public = hosts.rack.dir.path().join("id.pub");
    let host = sshd::Sshd::start(&dir, &public, &format!("KexAlgorithms {odd}"));
    let known = fs::read_to_string(hosts.rack.known_hosts()).unwrap() + &host.known();
    fs::write(hosts.rack.known_hosts(), known).unwrap();
    for jump in ["none".to_owned(), hosts.rack.hosts[0].spec()] {
        let more = json!({ "hosts": [host.spec()], "jump": jump });
        let (error, text) = refusal(&hosts.with(more).await).await;
        assert_eq!(error.kind, ErrorKind::Unavailable, "{text}");
        for said in ["key exchange", odd, "curve25519-sha256"] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }
}

#[tokio::test]
async fn a_host_that_is_vouched_for_in_a_way_that_is_not_checked_is_told() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let other = hosts.rack.dir.path().join("other");
    keygen(&other, "rsa", "");
    let key = fs::read_to_string(other.with_extension("pub")).unwrap();
    let port = hosts.rack.hosts[0].port;
    for (line, said) in [
        (
            format!("@cert-authority * {key}"),
            "does not check certificates of hosts",
        ),
        (
            format!("[127.0.0.1]:{port} {key}"),
            "a type that it no longer presents",
        ),
    ] {
        fs::write(hosts.rack.known_hosts(), &line).unwrap();
        for check in ["strict", "accept-new"] {
            let ssh = hosts.with(json!({ "host_key_check": check })).await;
            let (error, text) = refusal(&ssh).await;
            assert_eq!(error.kind, ErrorKind::Denied, "{text}");
            assert!(text.contains(said), "{text}");
        }
        let text = fs::read_to_string(hosts.rack.known_hosts()).unwrap();
        assert_eq!(text, line, "nothing was written");
    }
    assert!(!hosts.rack.hosts[0].log().contains("Accepted"));
}

/// A program that greets and then runs what was asked for.
fn greeting(says: &str) -> String {
    format!("{says}\nexec sh -c \"$SSH_ORIGINAL_COMMAND\"")
}

#[tokio::test]
async fn what_start_up_files_print_is_not_taken_for_an_answer() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    for says in [
        r"printf '\033]0;pi4\007'",
        r"printf '\033[0m'",
        r"printf 'gharun\nfail alive\ngharun-done\n'",
        r"printf 'gharun\n'; printf 'gharun-begins'",
        "seq 100000",
    ] {
        let ssh = hosts.spoilt(&greeting(says)).await;
        let machine = ssh.launch(&hosts.order(SLEEP)).await;
        let machine = machine.unwrap_or_else(|error| panic!("{says}: {}", chain(&error)));
        let listing = ssh.list().await.unwrap();
        assert_eq!(listing.instances.len(), 1, "{says}");
        ssh.terminate(&machine.id).await.unwrap();
    }
}

#[tokio::test]
async fn what_a_shell_says_instead_of_running_a_script_is_shown() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    for (says, shown) in [
        (
            "echo; echo 'Choose: (1) mail (2) news'; exit 0",
            "Choose: (1) mail (2) news",
        ),
        // It gives back what it was sent.
        ("cat", "its shell said `exec 4<&0; {"),
    ] {
        let ssh = hosts.spoilt(says).await;
        let (_, text) = refusal(&ssh).await;
        assert!(text.contains(shown), "{text}");
        assert!(text.contains("did not run the script"), "{text}");
        assert!(text.contains("echo ok` must print `ok`"), "{text}");
        assert!(text.contains("~/.bashrc"), "{text}");
    }
}

#[tokio::test]
async fn a_configuration_of_several_files_leads_there_as_ssh_goes() {
    let Some(hosts) = Hosts::of(1, "") else {
        return;
    };
    let folder = hosts.rack.dir.path().join("more");
    fs::create_dir_all(folder.join("sub")).unwrap();
    std::os::unix::fs::symlink("/nonexistent", folder.join("10-gone")).unwrap();
    let text =
        "Match host pj\n  User nobody\n  Port 1\nMatch final\n  ForwardAgent $SSH_AUTH_SOCK\n";
    write_private(&folder.join("20"), text);
    let lines = format!("  AddKeysToAgent confirm\nInclude {}/*", folder.display());
    let ssh = hosts.configured(&lines, json!({})).await;
    ssh.check()
        .await
        .unwrap_or_else(|error| panic!("{}", chain(&error)));
}
