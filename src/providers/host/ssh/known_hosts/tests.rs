//! What files of known hosts say of keys that hosts show.

use super::*;

/// A key of a type, told from others by one byte.
fn key(kind: &str, byte: u8) -> Vec<u8> {
    let mut key = u32::try_from(kind.len()).unwrap().to_be_bytes().to_vec();
    key.extend(kind.as_bytes());
    key.extend([0, 0, 0, 1, byte]);
    key
}

fn spelled(kind: &str, byte: u8) -> String {
    format!("{kind} {}", STANDARD.encode(key(kind, byte)))
}

fn of(file: &Path, host: &str, port: u16) -> KnownKeys {
    let target = HostTarget {
        name: format!("{host}:{port}"),
        host: host.into(),
        port,
        known_hosts: vec![file.to_owned()],
        ..HostTarget::default()
    };
    KnownKeys::of(&target).unwrap()
}

fn known(text: &str, host: &str, port: u16) -> (tempfile::TempDir, KnownKeys) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("known_hosts");
    fs::write(&file, text).unwrap();
    (dir, of(&file, host, port))
}

#[test]
fn the_key_that_is_known_is_taken_and_no_other() {
    let (ed, rsa) = (spelled("ssh-ed25519", 1), spelled("ssh-rsa", 2));
    let text = format!(
        "# the rack\nother {}\n[pi]:23,pi2 {ed}\npi {rsa} me@here\n",
        spelled("ssh-ed25519", 9)
    );
    let (_dir, at_23) = known(&text, "pi", 23);
    assert!(at_23.methods().starts_with("ssh-ed25519,ecdsa"));
    at_23
        .judge(&key("ssh-ed25519", 1), HostKeyCheck::Strict)
        .unwrap();
    let wrong = at_23
        .judge(&key("ssh-ed25519", 2), HostKeyCheck::AcceptNew)
        .unwrap_err();
    assert_eq!(wrong.kind, ErrorKind::Denied);
    for said in [
        fingerprint(&key("ssh-ed25519", 1)),
        fingerprint(&key("ssh-ed25519", 2)),
        "known_hosts:3".to_owned(),
    ] {
        assert!(
            wrong.message().contains(&said),
            "{said}: {}",
            wrong.message()
        );
    }
    let (_dir, at_22) = known(&text, "pi", 22);
    assert!(
        at_22
            .methods()
            .starts_with("rsa-sha2-512,rsa-sha2-256,ssh-ed25519")
    );
    at_22
        .judge(&key("ssh-rsa", 2), HostKeyCheck::Strict)
        .unwrap();
    at_22
        .judge(&key("ssh-ed25519", 2), HostKeyCheck::AcceptNew)
        .expect_err("a known host with a key of another type");
}

#[test]
fn patterns_and_revoked_keys_count() {
    let text = format!(
        "*.lab,!evil.lab {}\n@revoked * {}\n",
        spelled("ssh-ed25519", 1),
        spelled("ssh-ed25519", 3)
    );
    let (_dir, good) = known(&text, "a.lab", 22);
    good.judge(&key("ssh-ed25519", 1), HostKeyCheck::Strict)
        .unwrap();
    let (_dir, evil) = known(&text, "evil.lab", 22);
    evil.judge(&key("ssh-ed25519", 1), HostKeyCheck::Strict)
        .unwrap_err();
    let error = evil
        .judge(&key("ssh-ed25519", 3), HostKeyCheck::AcceptNew)
        .unwrap_err();
    assert!(error.message().contains("revoked"), "{}", error.message());
}

#[test]
fn a_new_host_is_refused_or_written_down() {
    let (dir, new) = known("other ssh-ed25519 AAAA", "pi", 23);
    let shown = key("ssh-ed25519", 4);
    assert!(new.methods().starts_with("ssh-ed25519,ecdsa"));
    let error = new.judge(&shown, HostKeyCheck::Strict).unwrap_err();
    assert!(
        error.message().contains(&fingerprint(&shown)),
        "{}",
        error.message()
    );
    let hint = error.hints().join("\n");
    let file = dir.path().join("known_hosts");
    let command = format!("`ssh -o UserKnownHostsFile={} -p 23 pi`", file.display());
    assert!(hint.contains(&command), "{hint}");
    new.judge(&shown, HostKeyCheck::AcceptNew).unwrap();
    let again = of(&file, "pi", 23);
    again.judge(&shown, HostKeyCheck::Strict).unwrap();
}

#[test]
fn a_line_without_the_port_counts_where_none_has_it() {
    let (one, other) = (spelled("ssh-ed25519", 1), spelled("ssh-ed25519", 2));
    let (_dir, known_at_22) = known(&format!("pi {one}\n"), "pi", 23);
    let strict = HostKeyCheck::Strict;
    known_at_22.judge(&key("ssh-ed25519", 1), strict).unwrap();
    let error = known_at_22.judge(&key("ssh-ed25519", 2), strict);
    let error = error.unwrap_err();
    assert!(
        error.message().contains("is not known"),
        "{}",
        error.message()
    );
    let (_dir, both) = known(&format!("pi {one}\n[pi]:23 {other}\n"), "pi", 23);
    both.judge(&key("ssh-ed25519", 2), strict).unwrap();
    let error = both.judge(&key("ssh-ed25519", 1), strict).unwrap_err();
    assert!(
        error.message().contains("has changed"),
        "{}",
        error.message()
    );
}

#[test]
fn a_host_that_only_an_authority_vouches_for_is_refused_with_that_reason() {
    let authority = format!("@cert-authority *.lab {}\n", spelled("ssh-ed25519", 1));
    for check in [HostKeyCheck::Strict, HostKeyCheck::AcceptNew] {
        let (dir, known) = known(&authority, "pi.lab", 22);
        let error = known.judge(&key("ssh-ed25519", 2), check).unwrap_err();
        let said = error.message();
        assert!(said.contains("known_hosts:1 (`@cert-authority`)"), "{said}");
        let hint = error.hints().join("\n");
        assert!(
            hint.contains("cat /etc/ssh/ssh_host_ed25519_key.pub"),
            "{hint}"
        );
        let text = fs::read_to_string(dir.path().join("known_hosts")).unwrap();
        assert_eq!(text, authority, "nothing was written");
    }
    let own = format!("{authority}pi.lab {}\n", spelled("ssh-ed25519", 2));
    let (_dir, known) = known(&own, "pi.lab", 22);
    known
        .judge(&key("ssh-ed25519", 2), HostKeyCheck::Strict)
        .unwrap();
}

#[test]
fn a_type_that_the_host_no_longer_has_is_told() {
    let (_dir, known) = known(&format!("pi {}\n", spelled("ssh-dss", 1)), "pi", 22);
    assert!(
        known.methods().starts_with("ssh-ed25519"),
        "it is asked for others"
    );
    for check in [HostKeyCheck::Strict, HostKeyCheck::AcceptNew] {
        let error = known.judge(&key("ssh-ed25519", 2), check).unwrap_err();
        let said = error.message();
        assert!(
            said.contains("holds ssh-dss") && said.contains("no longer presents"),
            "{said}"
        );
    }
}

#[test]
fn an_alias_is_the_only_name_and_has_no_port() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("known_hosts");
    fs::write(&file, format!("PI4 {}\n", spelled("ssh-ed25519", 1))).unwrap();
    let target = HostTarget {
        host: "10.0.0.9".into(),
        port: 2222,
        key_alias: Some("pi4".into()),
        global_known_hosts: vec![file],
        ..HostTarget::default()
    };
    let known = KnownKeys::of(&target).unwrap();
    known
        .judge(&key("ssh-ed25519", 1), HostKeyCheck::Strict)
        .unwrap();
}

#[test]
fn hashed_names_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("known_hosts");
    fs::write(
        &file,
        format!("[127.0.0.1]:2222 {}\n", spelled("ssh-ed25519", 5)),
    )
    .unwrap();
    let hashed = std::process::Command::new("ssh-keygen")
        .args(["-H", "-f"])
        .arg(&file)
        .output();
    if !hashed.is_ok_and(|output| output.status.success()) {
        return crate::providers::contract::skipped("hashed names: `ssh-keygen` is not installed");
    }
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("|1|"), "{text}");
    let known = of(&file, "127.0.0.1", 2222);
    known
        .judge(&key("ssh-ed25519", 5), HostKeyCheck::Strict)
        .unwrap();
}
