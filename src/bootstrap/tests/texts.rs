//! The script as a text, and its log read back.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::machine::find;
use super::*;

/// Both credentials, each on the machines of all kinds: bare ones that end with their script, a rented VM, a pod.
fn forms(look: impl Fn(&Boot<'_>, &str)) {
    let (name, secret) = (Name::choose(None, 0, Timestamp::now()), Secret::new("x"));
    let token = BootCredential::Token {
        token: &secret,
        url: "https://ghes.example.com/acme/app",
        group: Some("it's ours"),
        labels: &[],
        until: Timestamp::now(),
    };
    let user = |is_privileged, folder: Option<&str>| JobUser {
        is_privileged,
        folders: folder.into_iter().map(str::to_owned).collect(),
        ..JobUser::default()
    };
    for (credential, what) in [(BootCredential::Jit(&secret), "jit"), (token, "token")] {
        for (ending, extra, user, more) in [
            ("exit", None, user(false, None), ""),
            ("exit", Some("x"), user(false, Some("/cache")), " and more"),
            ("poweroff", Some("x"), user(true, None), " of a VM and more"),
            (
                "gharun_ready_or_end",
                Some("x"),
                user(false, Some("/workspace")),
                " of a pod and more",
            ),
        ] {
            let boot = Boot {
                name: &name,
                credential,
                packages: &[],
                pinned: false,
                ending,
                expires: Timestamp::now(),
                lifetime: Duration::from_hours(1),
                idle_limit: None,
                user: &user,
                keep_failed: extra.is_some(),
                // Without marks: they are for another shell.
                setup: extra.map(|_| "#!/bin/sh"),
                secrets: &["PLACE_KEY"],
                env: &[],
                ca: extra,
            };
            look(&boot, &format!("{what}{more}"));
        }
    }
}

#[test]
fn what_is_sent_is_small_and_says_the_same() {
    forms(|boot, form| {
        let body = body(&parts(boot));
        assert!(body.len() < 20 * 1024, "{form}: {}", body.len());
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(body.as_bytes()).unwrap();
        let small = gzip.finish().unwrap().len();
        // A token takes no room to speak of.
        let bound = if form.starts_with("jit") {
            7 * 1024 + 256
        } else {
            7 * 1024 + 512
        };
        assert!(small < bound, "{form}: {small}");
        assert!(script(boot).expose().starts_with("#!/bin/sh\n"));
        assert!(body.ends_with("\nbootstrap\n"));
        let has = |word: &str| body.contains(word);
        assert_eq!(has("JITCONFIG"), form.starts_with("jit"), "{form}");
        assert_eq!(has("INPUT_TOKEN"), form.starts_with("token"), "{form}");
        let is_more = form.ends_with("more");
        assert_eq!(has("CURL_CA_BUNDLE=\"$ca\""), is_more, "{form}");
        assert_eq!(has("run_setup"), is_more, "{form}");
        assert_eq!(has("NOPASSWD"), form.contains("VM"), "{form}");
        let keeps = form.contains("VM") || form.contains("pod");
        assert_eq!(has("last_words kept"), keeps, "{form}");
    });
}

#[test]
fn each_part_of_the_script_ends() {
    let mut open = false;
    for line in BODY.lines().map(str::trim) {
        match line {
            "#end" => assert!(std::mem::take(&mut open), "nothing to end"),
            _ if line.starts_with("#if ") => assert!(!std::mem::replace(&mut open, true), "{line}"),
            _ => {}
        }
    }
    assert!(!open);
}

#[test]
fn the_script_knows_no_kind_by_name() {
    for line in BODY.lines() {
        let mut words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let known = words.find(|word| {
            let word = word.to_ascii_lowercase();
            let named = |name: &str| word == name || word.starts_with(&format!("{name}_"));
            crate::providers::KINDS.iter().any(|kind| named(kind.name))
        });
        assert_eq!(known, None, "{line}");
    }
}

#[test]
fn shellcheck_has_nothing_to_say() {
    let Some(shellcheck) = find("shellcheck") else {
        return skipped("bootstrap: there is no shellcheck");
    };
    forms(|boot, form| {
        let mut child = Command::new(&shellcheck)
            .args(["-s", "sh", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let wanted = parts(boot);
        let mut left_out = false;
        // With its comments, which hold what shellcheck is told.
        let body = BODY.lines().filter(|line| {
            if let Some(part) = line.trim().strip_prefix("#if ") {
                left_out = !wanted.contains(&part);
            } else if line.trim() == "#end" {
                left_out = false;
            }
            !left_out
        });
        let body: Vec<&str> = body.collect();
        let text = header(boot, PAUSES) + &body.join("\n") + "\n";
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{form}: {said}");
    });
}

#[test]
fn a_limit_under_a_second_is_not_none() {
    let (name, jit) = (Name::choose(None, 0, Timestamp::now()), Secret::new("x"));
    let boot = Boot {
        name: &name,
        credential: BootCredential::Jit(&jit),
        packages: &[],
        pinned: false,
        ending: "exit",
        expires: Timestamp::UNIX_EPOCH,
        lifetime: Duration::from_hours(1),
        idle_limit: Some(Duration::from_millis(1)),
        user: &JobUser::default(),
        keep_failed: false,
        setup: None,
        secrets: &[],
        env: &[],
        ca: None,
    };
    let text = script(&boot);
    assert!(text.expose().contains("\ngharun_idle='1'\n"));
    assert!(text.expose().contains("\ngharun_ending=':'\n"));
}

#[test]
fn a_phase_is_as_exact_as_the_machines_clock() {
    let log = "gharun: phase=arm t=1795507200.250000000\n\
        gharun: phase=cache t=1795507201.%N\n\
        gharun: phase=run t=1795507202.N\n";
    let found: Vec<_> = phases(log)
        .into_iter()
        .map(|phase| phase.at.to_string())
        .collect();
    assert_eq!(
        found,
        [
            "2026-11-24T08:00:00.25Z",
            "2026-11-24T08:00:01Z",
            "2026-11-24T08:00:02Z"
        ]
    );
}

#[test]
fn phases_are_found_behind_whatever_a_place_writes_before_them() {
    let log = "gharun: phase=arm t=1795507200\n\
        [   12.3] cloud-init[811]: gharun: phase=download t=1795507201\r\n\
        a job says phase=run t=1795507202\n\
        gharun: phase=broken t=soon\n\
        gharun: phase=\n\
        2026-11-24T08:00:00Z gharun: phase=end t=1795507203 code=0\n";
    let found: Vec<_> = phases(log)
        .into_iter()
        .map(|phase| (phase.name, phase.at.as_second()))
        .collect();
    assert_eq!(
        found,
        [
            ("arm".to_owned(), 1_795_507_200),
            ("download".to_owned(), 1_795_507_201),
            ("end".to_owned(), 1_795_507_203),
        ]
    );
}

#[test]
fn the_last_error_is_the_one_that_counts() {
    assert_eq!(failure("all is well\n"), None);
    let log = "gharun: error: first\nx gharun: error: it's: over\r\ngharun: phase=end t=1\n";
    assert_eq!(failure(log).as_deref(), Some("it's: over"));
}

#[test]
fn every_code_that_the_script_ends_with_has_a_meaning() {
    let words: Vec<&str> = BODY.split_whitespace().collect();
    let codes: Vec<i32> = words
        .windows(2)
        .filter(|pair| ["die", "fire", "finish", "exit"].contains(&pair[0]))
        .filter_map(|pair| pair[1].trim_end_matches([';', '\'']).parse().ok())
        .collect();
    for code in 70..=80 {
        assert!(codes.contains(&code), "{code}");
    }
    for code in codes {
        assert!(meaning(code).is_some(), "{code}");
    }
    assert_eq!(meaning(1), None);
}
