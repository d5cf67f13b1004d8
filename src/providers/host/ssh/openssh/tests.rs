//! Our reading of configurations beside that of `ssh -G`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use super::*;
use crate::providers::contract::skipped;

mod table;

/// A folder with files that `ssh` would read.
struct Files(tempfile::TempDir);

impl Files {
    /// Writes files; `@/` in a text is the folder.
    fn with(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().to_str().unwrap().to_owned();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text.replace("@/", &format!("{folder}/"))).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        Self(dir)
    }

    fn reader(&self) -> OpenSshFiles {
        let home = users::name().and_then(|user| users::home(&user));
        let around = Surroundings {
            home,
            user: users::name().unwrap_or_default(),
            variables: BTreeMap::new(),
        };
        OpenSshFiles {
            dir: Some(self.0.path().to_owned()),
            config: Some(self.0.path().join("config")),
            system: "/nonexistent/ssh_config".into(),
            around,
        }
    }

    fn options(&self, host: &str) -> Result<HostOptions, Flaw> {
        self.reader().options(&query(host))
    }
}

fn query(host: &str) -> Query<'_> {
    Query {
        host,
        user: None,
        port: None,
        fallback: "nobody-else",
    }
}

#[test]
fn a_block_that_only_a_command_decides_leaves_a_doubt_where_it_could_change_something() {
    let doubts = |text: &str| -> Vec<String> {
        let files = Files::with(&[("config", text), ("inc", "Host pi\n User x\n")]);
        let found = files.options("pi").unwrap().doubts;
        let line = |line: &Line| line.to_string().rsplit(':').next().unwrap().to_owned();
        let doubts = found.iter();
        doubts
            .map(|doubt| format!("{} {} {}", doubt.key, line(&doubt.at), line(&doubt.block)))
            .collect()
    };
    for (text, expected) in [
        (
            "Match host pi exec \"true\"\n User x\n ForwardAgent yes\n",
            &["User 2 1"][..],
        ),
        // What is set before is not changed by it, and what others are asked for is not ours.
        ("User a\nMatch exec true\n User x\n", &[]),
        ("Match host pj exec true\n User x\n", &[]),
        ("Match exec true host pj\n User x\n", &[]),
        (
            "Match exec true\n ForwardAgent yes\nHost pi\n User x\n",
            &[],
        ),
        (
            "IdentityFile a\nMatch exec true\n IdentityFile b\n",
            &["IdentityFile 3 2"],
        ),
        (
            "Match localnetwork 10.0.0.0/8\n ProxyJump none\n",
            &["ProxyJump 2 1"],
        ),
        ("Match exec true\n Include @/inc\n", &["User 2 1"]),
        ("Match exec true\nHost pj\n User x\n", &[]),
    ] {
        assert_eq!(doubts(text), expected, "{text}");
    }
}

#[test]
fn a_tag_that_only_a_command_gives_leaves_a_doubt_over_all_that_is_open() {
    let text = "User a\nMatch exec true\n Tag work\nMatch tagged work\n HostName elsewhere\n";
    let files = Files::with(&[("config", text)]);
    let doubts = files.options("pi").unwrap().doubts;
    let keys: Vec<&str> = doubts.iter().map(|doubt| doubt.key).collect();
    assert!(
        keys.contains(&"HostName") && keys.contains(&"Port"),
        "{keys:?}"
    );
    assert!(!keys.contains(&"User"), "{keys:?}");
}

#[test]
fn what_is_not_ours_never_keeps_a_host_from_being_used() {
    for text in [
        "AddKeysToAgent maybe\nForwardAgent $X\nUser a\n",
        "NoSuchKey \"x\nUser a\n",
        "Host pj\n Port none\n IdentitiesOnly perhaps\nHost *\n User a\n",
        "Include @/dangling @/folder @/folder/* nowhere ~/.nowhere/*\nUser a\n",
        "Host pj\n Include @/locked\nHost *\n User a\n",
        "Host pj\n Include @/%h\nHost *\n User a\n",
        "RevokedHostKeys none\nRevokedHostKeys /x\nUser a\n",
    ] {
        let files = Files::with(&[
            ("config", text),
            ("locked", "Port x\n"),
            ("folder/sub/x", "User b\n"),
        ]);
        std::os::unix::fs::symlink("/nonexistent/x", files.0.path().join("dangling")).unwrap();
        let locked = files.0.path().join("locked");
        fs::set_permissions(locked, fs::Permissions::from_mode(0o666)).unwrap();
        let options = files.options("pi");
        let options = options.unwrap_or_else(|flaw| panic!("{text}: {}: {}", flaw.at, flaw.what));
        assert_eq!(options.user.unwrap().value, "a", "{text}");
    }
}

#[test]
fn what_cannot_be_meant_is_told_by_its_line() {
    for (text, line, said) in [
        ("\nPort x\n", 2, "from 1 to 65535"),
        ("User\n", 1, "no value"),
        ("RevokedHostKeys /etc/revoked\n", 1, "RevokedHostKeys"),
        (
            "Match exec true\n RevokedHostKeys /x\n",
            2,
            "RevokedHostKeys",
        ),
        (
            "\u{feff}Host pj\nUser b\n",
            1,
            "`\\u{feff}host` is not a keyword",
        ),
        ("Include @/[[:alpha:]]\n", 1, "write a range"),
        ("Include @/%h\n", 1, "`%` is not read"),
        ("Include ${X}/a\n", 1, "variables are not read"),
        ("HostName %C\n", 1, "%C"),
        ("Host \"pi\n User a\n", 1, "quotation mark"),
        ("Include @/config\n", 1, "16 files deep"),
        ("Include @/open\n", 1, "others may write"),
        (
            "CanonicalizeHostname always\nCanonicalDomains lab\n",
            1,
            "whole name",
        ),
    ] {
        let files = Files::with(&[("config", text), ("open", "User a\n")]);
        let open = files.0.path().join("open");
        fs::set_permissions(open, fs::Permissions::from_mode(0o666)).unwrap();
        let flaw = files.options("pi").expect_err(text);
        assert!(flaw.what.contains(said), "{text}: {}", flaw.what);
        let at = format!("{}/config:{line}", files.0.path().display());
        assert_eq!(flaw.at.to_string(), at, "{text}");
    }
}

#[test]
fn files_of_the_user_are_relative_to_their_folder_and_the_systems_come_last() {
    let files = Files::with(&[
        ("config", "Include d/*\nUser a\n"),
        ("d/x", "Port 3\n"),
        (
            "etc/ssh_config",
            "User b\nPort 4\nInclude d/*.conf\nIdentityFile c\n",
        ),
        ("etc/d/y.conf", "HostKeyAlias y\n"),
    ]);
    let mut reader = files.reader();
    reader.system = files.0.path().join("etc/ssh_config");
    let options = reader.options(&query("pi")).unwrap();
    assert_eq!(options.port.unwrap().value, 3);
    assert_eq!(options.user.unwrap().value, "a");
    assert_eq!(options.host_key_alias.unwrap().value, "y");
    assert_eq!(options.identity_files[0].value, "c");
}

#[test]
fn the_hosts_that_are_named_one_by_one_are_found_across_include() {
    let files = Files::with(&[
        (
            "config",
            "Include more/*\nHost *\n  User me\nHost pi4 pi5\nhost=gpu\nHost *.example.com !bad x?\n\
             Match host other\n  Hostname 10.0.0.1\nHost \"pi4\" nas # and no more\n#Host off\n\
             Host gone-*\n  Include within\n",
        ),
        ("more/10-lab", "Host lab\n  Include @/deeper\n"),
        ("deeper", "Host never\n"),
        ("within", "Host never\n"),
    ]);
    let names = files.reader().names().expect("it is read");
    assert_eq!(names, ["lab", "pi4", "pi5", "gpu", "nas"]);
    let files = Files::with(&[("config", "Host pi4\nHost \"pi5\n")]);
    assert_eq!(files.reader().names().expect_err("a quote").at.number(), 2);
}

#[test]
fn nobody_waits_for_a_pipe() {
    let files = Files::with(&[]);
    let pipe = files.0.path().join("config");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("it runs").success());
    let flaw = files.reader().names().expect_err("a pipe");
    assert!(flaw.what.contains("it is a pipe"), "{}", flaw.what);
}
