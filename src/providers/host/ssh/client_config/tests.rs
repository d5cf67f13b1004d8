//! What settings and the ssh configuration together make of a host.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::*;

fn config(more: &serde_json::Value) -> SshProviderConfig {
    let mut settings = json!({ "hosts": ["pi"], "user": "me" });
    let table = settings.as_object_mut().unwrap();
    table.extend(more.as_object().unwrap().clone());
    serde_json::from_value(settings).unwrap()
}

fn reader(text: &str) -> (tempfile::TempDir, OpenSshConfig) {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join(".ssh");
    fs::create_dir(&dir).unwrap();
    let file = dir.join("config");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let variables = [("SSH_AUTH_SOCK".to_owned(), "/run/agent".to_owned())];
    let read = OpenSshConfig::of(Some(&dir), variables.into());
    (home, read)
}

#[test]
fn no_name_of_a_host_or_a_user_is_a_command() {
    // `%h` and `%r` of a `ProxyCommand` are read by a shell.
    let (_home, read) = reader("Host *\n  ProxyCommand nc %h %p %r\n");
    for name in [
        "$(touch x)",
        "a;b",
        "a`b`",
        "a|b",
        "a&b",
        "a>b",
        "me;x@pi",
        "$(x)@pi",
        "$x@pi",
        "a\\b",
        "a\"b",
        "a'b",
    ] {
        for (config_of, setting) in [(json!({}), "hosts"), (json!({ "jump": name }), "jump")] {
            let asked = if setting == "jump" { "pi" } else { name };
            let error = read.target(asked, &config(&config_of)).expect_err(name);
            assert!(
                error.to_string().contains("not a valid host"),
                "{name}: {error}"
            );
        }
    }
    let error = refuse_strange_names(&config(&json!({ "user": "$(x)" }))).unwrap_err();
    assert!(error.to_string().contains("not a valid user"), "{error}");
    for name in ["LAB\\ann@pi", "PI$@pi", "ann@lab.org@pi", "pi_4.lab"] {
        read.target(name, &config(&json!({}))).expect(name);
    }
}

#[test]
fn where_nothing_names_a_user_it_is_the_one_that_ssh_takes_whatever_variables_say() {
    use crate::providers::ProviderKind as _;
    let read = |command: &mut std::process::Command| {
        let output = command.output().ok()?;
        Some(String::from_utf8(output.stdout).unwrap())
    };
    let id = read(std::process::Command::new("id").arg("-un")).expect("every system has `id`");
    for user in [None, Some("alice"), Some("")] {
        let env = |name: &str| user.filter(|_| name != "HOME").map(str::to_owned);
        let settings = crate::providers::host::ssh::Ssh::env_defaults(&env);
        assert!(
            settings.iter().all(|(_, key, _)| *key != "user"),
            "{settings:?}"
        );
        let mut config = config(&json!({}));
        config.user = None;
        let variables = ["USER", "LOGNAME"].map(|name| Some((name.to_owned(), env(name)?)));
        let client = OpenSshConfig::of(None, variables.into_iter().flatten().collect());
        let target = client.target("pi", &config).unwrap();
        assert_eq!(target.user, id.trim(), "{user:?}");
        let mut ssh = std::process::Command::new("ssh");
        ssh.args(["-F", "/dev/null", "-G", "pi"]).env_remove("USER");
        ssh.envs(user.map(|user| ("USER", user)));
        if let Some(said) = read(&mut ssh) {
            let theirs = said.lines().find_map(|line| line.strip_prefix("user "));
            assert_eq!(theirs, Some(target.user.as_str()), "{user:?}");
        }
    }
}

fn nowhere() -> OpenSshConfig {
    OpenSshConfig::of(None, BTreeMap::new())
}

#[test]
fn the_users_configuration_is_followed() {
    let text = "
Host pi
    HostName PI4.local
    Port 2222
    User pi
    IdentityFile ~/.ssh/pi_%r
    ProxyJump gate,me@inner:23
    UserKnownHostsFile ~/.ssh/known_pis
    Ciphers something-that-nobody-knows
Match host gate
    User keeper
Host *
    User nobody
";
    let (home, read) = reader(text);
    let target = read.target("pi", &config(&json!({}))).unwrap();
    assert_eq!(
        (target.user.as_str(), target.host.as_str(), target.port),
        ("pi", "pi4.local", 2222)
    );
    assert_eq!(target.identities, [home.path().join(".ssh/pi_pi")]);
    assert_eq!(target.known_hosts, [home.path().join(".ssh/known_pis")]);
    assert!(target.unused[0].starts_with("`Ciphers` ("), "{target:?}");
    let inner = target.jump.as_deref().unwrap();
    assert_eq!(
        (inner.user.as_str(), inner.host.as_str(), inner.port),
        ("me", "inner", 23)
    );
    let gate = inner.jump.as_deref().unwrap();
    assert_eq!((gate.user.as_str(), gate.host.as_str()), ("keeper", "gate"));
    assert!(gate.jump.is_none());
    let other = read.target("mallory", &config(&json!({}))).unwrap();
    assert_eq!(other.user, "nobody");
}

#[test]
fn a_jump_may_be_named_by_the_host_that_it_leads_to() {
    let text = "Host pi\n HostName pi4.lab\n Port 2222\n ProxyJump gw-%n.lab,%r@%h:23\n";
    let (_home, read) = reader(text);
    let target = read.target("me@pi", &config(&json!({}))).unwrap();
    let inner = target.jump.as_deref().unwrap();
    assert_eq!(
        (inner.user.as_str(), inner.host.as_str(), inner.port),
        ("me", "pi4.lab", 23)
    );
    assert_eq!(inner.jump.as_deref().unwrap().host, "gw-pi.lab");
    let (_home, read) = reader("Host pi\n ProxyJump gw-%C\n");
    let error = read.target("pi", &config(&json!({}))).unwrap_err();
    assert!(error.to_string().contains("%C"), "{error}");
}

#[test]
fn keys_agents_and_known_hosts_are_taken_over() {
    let text = "
Host pi
    IdentityFile ~/pi.pub
    IdentitiesOnly yes
    CertificateFile ~/%n-cert.pub
    IdentityAgent ~/agent-%r
    HostKeyAlias PI4
    UserKnownHostsFile ~/a /b
    GlobalKnownHostsFile none
    ConnectTimeout 3
    ProxyCommand nc -x gate %h %p
Host none
    IdentityAgent none
    IdentityFile none
    UserKnownHostsFile none
Host variable
    IdentityAgent $SSH_AUTH_SOCK
";
    let (home, read) = reader(text);
    let at_home = |name: &str| home.path().join(name);
    let target = read.target("pi", &config(&json!({}))).unwrap();
    assert_eq!(target.identities, [at_home("pi.pub")]);
    assert_eq!(target.certificates, [at_home("pi-cert.pub")]);
    assert!(target.named_keys_only);
    assert_eq!(target.agent, Some(at_home("agent-me")));
    assert_eq!(target.key_alias.as_deref(), Some("pi4"));
    assert_eq!(target.known_hosts, [at_home("a"), "/b".into()]);
    assert_eq!(target.global_known_hosts, [""; 0].map(PathBuf::from));
    assert_eq!(target.patience, Duration::from_secs(3));
    assert_eq!(target.proxy.as_deref(), Some("nc -x gate pi 22"));
    let none = read.target("none", &config(&json!({}))).unwrap();
    assert_eq!((none.agent, none.identities.len()), (None, 0));
    assert_eq!((none.known_hosts.len(), none.patience), (0, PATIENCE));
    let agent = Some(PathBuf::from("/run/agent"));
    for name in ["variable", "another"] {
        let target = read.target(name, &config(&json!({}))).unwrap();
        assert_eq!(target.agent, agent, "{name}");
    }
    // Settings win, and a jump that is set leaves no room for a command.
    let more = json!({ "agent_socket": "/x", "connect_timeout": "5s", "jump": "none" });
    let target = read.target("pi", &config(&more)).unwrap();
    assert_eq!(target.agent, Some("/x".into()));
    assert_eq!(
        (target.proxy, target.patience),
        (None, Duration::from_secs(5))
    );
    let more = json!({ "agent": false });
    assert_eq!(read.target("pi", &config(&more)).unwrap().agent, None);
}

#[test]
fn settings_win_over_the_users_configuration() {
    let (home, read) = reader("Host pi\n  ProxyJump gate\n  IdentityFile a\n  User pi\n");
    let more = json!({ "jump": "none", "identity": "~/key", "known_hosts": "~/known" });
    let target = read.target("root@pi:7", &config(&more)).unwrap();
    assert_eq!((target.user.as_str(), target.port), ("root", 7));
    assert_eq!(target.identities, [home.path().join("key")]);
    assert_eq!(target.known_hosts, [home.path().join("known")]);
    assert!(target.jump.is_none());
}

#[test]
fn a_host_that_only_a_command_could_place_is_refused_with_file_and_line() {
    let text = "Host ok\n  User me\nMatch host p* exec \"false\"\n  ForwardAgent yes\n  KEY\n";
    for (key, hint, name, settings) in [
        ("HostName evil", "real name", "", json!({})),
        ("User bob", "USER@HOST", "me@pi", json!({})),
        ("Port 2202", "HOST:PORT", "pi:22", json!({})),
        (
            "ProxyJump gate",
            "set `jump`",
            "pi",
            json!({ "jump": "none" }),
        ),
        (
            "ProxyCommand x",
            "set `jump`",
            "pi",
            json!({ "jump": "none" }),
        ),
        (
            "IdentityFile x",
            "set `identity`",
            "pi",
            json!({ "identity": "/k" }),
        ),
        (
            "IdentityAgent x",
            "set `agent_socket`",
            "pi",
            json!({ "agent_socket": "/a" }),
        ),
        (
            "UserKnownHostsFile x",
            "set `known_hosts`",
            "pi",
            json!({ "known_hosts": "/k" }),
        ),
    ] {
        let (home, read) = reader(&text.replace("KEY", key));
        let error = read.target("pi", &config(&json!({}))).expect_err(key);
        let said = error.message();
        let place = format!("{}/.ssh/config:3: ", home.path().display());
        assert!(said.contains(&place) && said.contains("line 5"), "{said}");
        assert_eq!(error.key(), Some("hosts"));
        assert!(
            error.hints().join("\n").contains(hint),
            "{:?}",
            error.hints()
        );
        // What the settings say themselves is in no doubt, and neither is another host.
        if !name.is_empty() {
            read.target(name, &config(&settings)).expect(key);
        }
        read.target("ok", &config(&json!({}))).expect(key);
        // Nor may it lie on the way.
        let error = read.target("ok", &config(&json!({ "jump": "pi" })));
        if key != "ProxyJump gate" {
            assert_eq!(error.expect_err(key).key(), Some("jump"));
        }
    }
}

#[test]
fn a_way_in_a_circle_is_refused() {
    let (_home, read) = reader("Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n");
    let error = read.target("a", &config(&json!({}))).unwrap_err();
    assert_eq!(error.key(), Some("jump"));
}

#[test]
fn a_socket_that_is_passed_on_is_refused_by_its_line() {
    let (_home, read) = reader("Host a\n  ProxyUseFdpass yes\n  ProxyCommand x %h\n");
    let error = read.target("a", &config(&json!({}))).unwrap_err();
    assert!(
        error
            .message()
            .contains("config:2: gharun does not use `ProxyUseFdpass`"),
        "{error}"
    );
}

#[test]
fn what_is_no_host_is_refused() {
    for name in ["", "-oProxyCommand=x", "a b", "me@", "pi:0", "pi:x", "a/b"] {
        assert!(
            nowhere().target(name, &config(&json!({}))).is_err(),
            "{name}"
        );
    }
}

#[test]
fn a_place_is_known_without_the_host_and_does_not_name_it() {
    let place = |name: &str| {
        let target = nowhere().target(name, &config(&json!({}))).unwrap();
        target.place("~/.gharun", false)
    };
    assert_eq!(place("pi"), place("me@pi:22"));
    assert_ne!(place("pi"), place("pi:23"));
    assert_eq!(place("pi").len(), 12);
    let (_home, read) = reader(
        "Host pi\n  HostName localhost\n  ProxyCommand x one\nHost pj\n  HostName localhost\n  ProxyCommand x two\n",
    );
    let place = |name: &str| {
        read.target(name, &config(&json!({})))
            .unwrap()
            .place("x", false)
    };
    assert_ne!(place("pi"), place("pj"), "they may be two hosts");
}
