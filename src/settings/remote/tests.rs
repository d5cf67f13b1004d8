//! Configurations of git and what they name; work trees and folders of others.

use std::os::unix::fs::symlink;

use super::*;

const GITHUB: &str = "https://github.com";

fn named(text: &str, server: &str) -> String {
    let server = server.parse().expect("a URL");
    let found = of_configuration(text, &server).into_iter();
    let found = found.map(|remote| format!("{}={}", remote.name, remote.scope));
    found.collect::<Vec<_>>().join(" ")
}

#[test]
fn an_address_names_a_repository_in_every_form_that_git_takes() {
    for (url, server, scope) in [
        ("https://github.com/octo/app", GITHUB, "octo/app"),
        ("https://github.com/octo/app.git", GITHUB, "octo/app"),
        ("https://github.com/octo/app.git/", GITHUB, "octo/app"),
        (
            "https://me:ghp_secret@github.com/octo/app",
            GITHUB,
            "octo/app",
        ),
        ("http://www.github.com/octo/app", GITHUB, "octo/app"),
        (
            "HTTPS://GitHub.com:443/octo/app.js.git",
            GITHUB,
            "octo/app.js",
        ),
        ("git@github.com:octo/app.git", GITHUB, "octo/app"),
        ("github.com:/octo/app", GITHUB, "octo/app"),
        ("ssh://git@github.com/octo/app.git", GITHUB, "octo/app"),
        (
            "ssh://git@ssh.github.com:443/octo/app.git",
            GITHUB,
            "octo/app",
        ),
        ("git+ssh://git@GitHub.com/octo/app", GITHUB, "octo/app"),
        (
            "git@git.acme.test:octo/app",
            "https://git.acme.test:8443",
            "octo/app",
        ),
        (
            "https://git.acme.test:8443/octo/app",
            "https://git.acme.test:8443",
            "octo/app",
        ),
        (
            "http://127.0.0.1:8080/octo/app",
            "http://127.0.0.1:8080",
            "octo/app",
        ),
        // Other servers, and what only looks like this one.
        ("https://gitlab.com/octo/app", GITHUB, ""),
        ("https://github.com:8443/octo/app", GITHUB, ""),
        ("https://github.com.evil.test/octo/app", GITHUB, ""),
        ("https://evil.test/github.com/octo/app", GITHUB, ""),
        ("https://github.com@evil.test/octo/app", GITHUB, ""),
        ("git@evil.test:github.com/octo/app", GITHUB, ""),
        (
            "https://git.acme.test/octo/app",
            "https://git.acme.test:8443",
            "",
        ),
        ("https://github.com/octo/app", "https://git.acme.test", ""),
        // An alias of ~/.ssh/config, which may be any host.
        ("work:octo/app", GITHUB, ""),
        // What is at this computer, and what is not a repository of GitHub.
        ("/srv/git/octo/app", GITHUB, ""),
        ("./github.com:octo/app", GITHUB, ""),
        ("file:///github.com/octo/app", GITHUB, ""),
        ("git://github.com/octo/app", GITHUB, ""),
        ("ext::sh -c evil% github.com:octo/app", GITHUB, ""),
        ("https://github.com/octo", GITHUB, ""),
        ("https://github.com/octo/app/wiki", GITHUB, ""),
        ("https://github.com/octo/..", GITHUB, ""),
        ("https://github.com/octo/a%2fb", GITHUB, ""),
        ("git@github.com:octo/a b", GITHUB, ""),
        ("", GITHUB, ""),
    ] {
        let text = format!("[remote \"origin\"]\n\turl = \"{url}\"\n");
        let expected = if scope.is_empty() {
            String::new()
        } else {
            format!("origin={scope}")
        };
        assert_eq!(named(&text, server), expected, "{url} at {server}");
    }
}

#[test]
fn a_configuration_is_read_as_git_reads_it() {
    for (text, found) in [
        (
            "[remote \"origin\"]\nurl = git@github.com:octo/app\n",
            "origin=octo/app",
        ),
        (
            "\u{feff}[Remote \"origin\"]\r\n\tURL=git@github.com:octo/app\r\n",
            "origin=octo/app",
        ),
        (
            "[remote.Origin] url = git@github.com:octo/app # mine",
            "origin=octo/app",
        ),
        (
            "[remote \"a\\\"b\\\\c\"]\nurl = \"https://github.com/octo/app\" ; x",
            "a\"b\\c=octo/app",
        ),
        (
            "[remote \"o\"]\nurl = https://github.com/\\\nocto/app\n",
            "o=octo/app",
        ),
        (
            "[core]\n\tbare\n\tx = \"a # b\"\n[remote \"o\"]\n\turl = github.com:octo/app",
            "o=octo/app",
        ),
        // The first address is the one that is fetched from; `pushurl` is another key.
        (
            "[remote \"o\"]\nurl = github.com:a/b\nurl = github.com:c/d\npushurl = github.com:e/f",
            "o=a/b",
        ),
        (
            "[remote \"o\"]\nurl = github.com:a/b\nurl =\nurl = github.com:c/d",
            "o=c/d",
        ),
        // One repository by two names is one; GitHub's names know no case.
        (
            "[remote \"o\"]\nurl = github.com:a/b\n[remote \"p\"]\nurl = https://github.com/A/B",
            "o=a/b",
        ),
        (
            "[remote \"o\"]\nurl = github.com:a/b\n[remote \"p\"]\nurl = github.com:c/d",
            "o=a/b p=c/d",
        ),
        (
            "[remote \"o\"]\nurl = github.com:a/b\n[remote \"p\"]\nurl = gitlab.com:c/d",
            "o=a/b",
        ),
        // Addresses that are rewritten, here and away from here.
        (
            "[url \"git@github.com:\"]\ninsteadOf = gh:\n[remote \"o\"]\nurl = gh:a/b",
            "o=a/b",
        ),
        (
            "[url \"https://evil.test/\"]\ninsteadOf = https://github.com/\n[remote \"o\"]\nurl = https://github.com/a/b",
            "",
        ),
        (
            "[url \"github.com:x\"]\ninsteadOf = g\n[url \"github.com:\"]\ninsteadOf = gh:\n[remote \"o\"]\nurl = gh:a/b",
            "o=a/b",
        ),
        // Another file says nothing here.
        (
            "[include]\npath = /etc/passwd\n[remote \"o\"]\nfetch = +refs/heads/*:refs/remotes/o/*",
            "",
        ),
        // What git refuses names nothing.
        ("[remote \"o\"]\nurl = github.com:a/b\nurl = \"open\n", ""),
        (
            "[remote \"o\"]\nurl = github.com:a/b\n[remote \"p\nurl = x",
            "",
        ),
        ("[remote \"o\"]\nurl = github.com:a/b\\q", ""),
        ("url = github.com:a/b", ""),
        ("[remote \"o\"]\nurl", ""),
        ("", ""),
        ("<<<<<<< HEAD", ""),
    ] {
        assert_eq!(named(text, GITHUB), found, "{text:?}");
    }
}

struct Checkout(tempfile::TempDir);

impl Checkout {
    fn new() -> Self {
        let one = Self(tempfile::tempdir().expect("a folder"));
        one.git(
            "app/.git",
            "[remote \"origin\"]\nurl = git@github.com:octo/app\n",
        );
        one
    }

    fn git(&self, folder: &str, config: &str) {
        let folder = self.0.path().join(folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("HEAD"), "ref: refs/heads/main\n").expect("a file");
        std::fs::write(folder.join("config"), config).expect("a file");
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().expect("one")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    fn found(&self, folder: &str, env: &[(&str, &str)]) -> String {
        let env = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let folder = self.0.path().join(folder);
        let found = repositories(&folder, &GITHUB.parse().expect("a URL"), &env.collect());
        let found = found.into_iter().map(|remote| remote.scope.to_string());
        found.collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn a_checkout_is_found_from_its_folders_work_trees_and_submodules() {
    let one = Checkout::new();
    one.write("app/src/deep/x", "");
    assert_eq!(one.found("app", &[]), "octo/app");
    assert_eq!(one.found("app/src/deep", &[]), "octo/app");
    // `git worktree add ../tree` writes these.
    one.git(
        "app/.git/worktrees/tree",
        "[remote \"origin\"]\nurl = github.com:not/asked\n",
    );
    one.write("app/.git/worktrees/tree/commondir", "../..\n");
    let git = one.0.path().join("app/.git/worktrees/tree");
    one.write("tree/.git", &format!("gitdir: {}\n", git.display()));
    assert_eq!(one.found("tree", &[]), "octo/app");
    one.git(
        "app/.git/modules/sub",
        "[remote \"origin\"]\nurl = github.com:octo/sub\n",
    );
    one.write("app/sub/.git", "gitdir: ../.git/modules/sub\n");
    assert_eq!(one.found("app/sub", &[]), "octo/sub");
    // No checkout, and a `.git` that is none: git looks further up.
    assert_eq!(one.found(".", &[]), "");
    std::fs::create_dir_all(one.0.path().join("app/empty/.git")).expect("a folder");
    assert_eq!(one.found("app/empty", &[]), "octo/app");
}

#[test]
fn nothing_is_guessed_in_a_step_and_where_git_would_look_elsewhere() {
    let one = Checkout::new();
    assert_eq!(one.found("app", &[("GITHUB_ACTIONS", "true")]), "");
    assert_eq!(one.found("app", &[("GIT_DIR", "/elsewhere")]), "");
}

#[test]
fn a_checkout_of_another_user_is_not_read() {
    let one = Checkout::new();
    let us = rustix::process::geteuid().as_raw();
    let stranger = Owners::for_tests(us + 1);
    assert_eq!(configuration(&one.0.path().join("app"), stranger), None);
    assert!(configuration(&one.0.path().join("app"), Owners::for_tests(us)).is_some());
    if us != 0 {
        // Only root can give files away.
        return;
    }
    for path in ["app", "app/.git", "app/.git/config"] {
        let one = Checkout::new();
        std::os::unix::fs::chown(one.0.path().join(path), Some(4711), None).expect("root may");
        assert_eq!(one.found("app", &[]), "", "{path}");
        // Who became root with sudo is the one who works here.
        assert_eq!(
            one.found("app", &[("SUDO_UID", "4711")]),
            "octo/app",
            "{path}"
        );
    }
    let one = Checkout::new();
    let link = one.0.path().join("linked");
    std::fs::create_dir(&link).expect("a folder");
    symlink(one.0.path().join("app/.git"), link.join(".git")).expect("a link");
    assert_eq!(one.found("linked", &[]), "octo/app");
    std::os::unix::fs::lchown(link.join(".git"), Some(4711), None).expect("root may");
    assert_eq!(one.found("linked", &[]), "");
}
