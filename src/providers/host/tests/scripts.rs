//! The scripts as text, the settings, and what is made of odd answers.

use super::spelling::decode;
use super::*;
use crate::model::HumanDuration;
use crate::providers::ProviderKind as _;
use crate::providers::host::scripts::{KEEPER, LAUNCH};

const SCRIPTS: [(&str, &str); 11] = [
    ("check", CHECK),
    ("common", ""),
    ("identify", IDENTIFY),
    ("in_use", IN_USE),
    ("keeper", KEEPER),
    ("launch", LAUNCH),
    ("leave_queue", super::super::scripts::LEAVE_QUEUE),
    ("list", LIST),
    ("logs", LOGS),
    ("queue", include_str!("../scripts/queue.sh")),
    ("terminate", TERMINATE),
];

#[test]
fn scripts_have_nothing_that_shellcheck_minds() {
    let Some(shellcheck) = which("shellcheck") else {
        return skipped("`shellcheck` is not installed");
    };
    let dir = tempfile::tempdir().unwrap();
    let given = [
        "CACHE", "GRACE", "LOCALE", "MARK", "NAME", "PLACE", "ROOT", "SIZE", "SLOTS", "START",
        "TURN", "WAITS",
    ];
    let given = given.join("=x\n") + "=x\n";
    for (name, script) in SCRIPTS {
        let path = dir.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{given}{COMMON}{script}")).unwrap();
        // Not every script uses all that is common.
        let args = ["--shell=sh", "--exclude=SC2034"];
        let output = Command::new(&shellcheck)
            .args(args)
            .arg(path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{name}: {said}");
    }
}

#[test]
fn scripts_can_be_read_by_every_shell() {
    for (shell, args) in [
        ("dash", &["-n"][..]),
        ("bash", &["--posix", "-n"]),
        ("busybox", &["sh", "-n"]),
    ] {
        let Some(program) = which(shell) else {
            skipped(&format!("`{shell}` is not installed"));
            continue;
        };
        for (name, script) in SCRIPTS {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join(name);
            fs::write(&path, format!("{COMMON}{script}")).unwrap();
            let output = Command::new(&program)
                .args(args)
                .arg(path)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success() && said.is_empty(),
                "{shell}, {name}: {said}"
            );
        }
    }
}

#[test]
fn no_script_is_left_out_here() {
    let mut names: Vec<String> = fs::read_dir(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/providers/host/scripts"
    ))
    .unwrap()
    .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
    .collect();
    names.sort();
    let here = SCRIPTS.map(|(name, _)| format!("{name}.sh"));
    assert_eq!(names, here);
}

#[test]
fn values_are_one_line_and_read_back() {
    for value in [
        "",
        "plain-1.2_3",
        "it's a \"group\" of $HOME %41",
        "a=b\nc\r\t\0",
        "äß€😀",
    ] {
        let spelt = encode(value);
        assert!(!spelt.contains(['\n', '\'', '"', '$', '=', ' ']), "{spelt}");
        assert_eq!(decode(&spelt), value);
    }
    assert_eq!(decode("100%"), "100%");
    assert_eq!(decode("%zz%4"), "%zz%4");
}

#[test]
fn quoted_text_means_nothing_to_a_shell() {
    for text in ["", "a b", "it's", "$(id) `id` \\ \"\n'''"] {
        let said = run("sh", &["-c", &format!("printf %s {}", quoted(text))]);
        assert_eq!(said, text);
    }
}

#[test]
fn half_a_report_is_no_machine() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let tags = order("s").tags;
    let meta = tags
        .pairs()
        .iter()
        .map(|(key, value)| format!("meta {key}={}\n", encode(value)))
        .collect::<Vec<_>>()
        .concat();
    let whole = format!(
        "machine {}\nstate ended with exit code 2 \n{meta}meta made=1795507200\nend\n",
        tags.name
    );
    let read = |text: &str| machines("p", &lines(text));
    let found = read(&whole).pop().unwrap().unwrap();
    assert_eq!(found.state, Condition::Ended("with exit code 2".into()));
    assert_eq!(found.tags, tags);
    let cut = whole.replace("\nend\n", "\n");
    assert!(read(&cut).is_empty());
    assert_eq!(read(&format!("{cut}{whole}")).len(), 1);
    for spoilt in [
        whole.replace("gharun-start", "gharun-stop"),
        whole.replace("state ended", "state odd"),
        whole.replace("made=1", "made=x"),
        whole.replace("machine gharun", "machine other"),
    ] {
        assert!(read(&spoilt).pop().unwrap().is_err(), "{spoilt}");
    }
}

#[test]
fn a_setting_that_cannot_work_is_named() {
    let settings = |json: serde_json::Value| serde_json::from_value::<LocalConfig>(json);
    let fine =
        serde_json::json!({ "work_dir": "/w", "cache": "/c", "grace": "1h 30m", "slots": 4 });
    let config = settings(fine.clone()).unwrap();
    assert_eq!(
        (config.grace, config.slots.get()),
        (HumanDuration::from_mins(90), 4)
    );
    for (key, value) in [
        ("slots", serde_json::json!(0)),
        ("grace", serde_json::json!("-1m")),
        ("grace", serde_json::json!("soon")),
        ("slot", serde_json::json!(1)),
    ] {
        let mut wrong = fine.clone();
        wrong[key] = value;
        assert!(settings(wrong).is_err(), "{key}");
    }
    for (key, value, at) in [
        ("work_dir", serde_json::json!("w"), "work_dir"),
        ("work_dir", serde_json::json!("/"), "work_dir"),
        ("cache", serde_json::json!("~/c"), "cache"),
        ("work_dir", serde_json::json!(null), "work_dir"),
        (
            "env",
            serde_json::json!({ "RUNNER_TRACKING_ID": "" }),
            "env.RUNNER_TRACKING_ID",
        ),
        (
            "env",
            serde_json::json!({ "GHARUN_SLOT": "" }),
            "env.GHARUN_SLOT",
        ),
    ] {
        let mut wrong = fine.clone();
        wrong[key] = value;
        let shell = Sh {
            program: "sh".into(),
            env: Vec::new(),
        };
        let error = Local::on(shell, settings(wrong).unwrap()).unwrap_err();
        assert_eq!((error.kind, error.key()), (ErrorKind::Config, Some(at)));
    }
}

#[test]
fn folders_come_from_the_users_own() {
    let ambient = |vars: &[(&str, &str)]| {
        let found = |name: &str| {
            vars.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Local::env_defaults(&found)
    };
    assert_eq!(
        ambient(&[
            ("HOME", "/home/me"),
            ("XDG_CACHE_HOME", "/cache"),
            ("XDG_STATE_HOME", "relative")
        ]),
        [
            (
                "HOME",
                "work_dir",
                "/home/me/.local/state/gharun/slots".into()
            ),
            ("XDG_CACHE_HOME", "cache", "/cache/gharun".into()),
        ]
    );
    assert!(ambient(&[]).is_empty());
}

#[tokio::test]
async fn a_place_is_the_same_before_and_after_its_folder_is_made_and_by_any_path() {
    let here = Here::new("sh");
    let before = here.place().await;
    assert!(
        before.len() == 12 && before.bytes().all(|b| b.is_ascii_hexdigit()),
        "{before}"
    );
    fs::create_dir_all(here.root()).unwrap();
    assert_eq!(here.place().await, before);
    symlink(here.root().parent().unwrap(), here.dir.path().join("link")).unwrap();
    let link = here.dir.path().join("link/slots");
    let linked = here.with(|config| config.work_dir = Some(link.into()));
    assert_eq!(linked.host.place().await.unwrap(), before);
    let other = here.with(|config| config.work_dir = Some(here.dir.path().join("other").into()));
    assert_ne!(other.host.place().await.unwrap(), before);
}

#[tokio::test]
async fn a_shell_that_speaks_of_something_else_is_not_believed() {
    let here = Here::new("sh");
    let machine = here.launch("exec sleep 300").await;
    for odd in [
        "echo '<html>502</html>'",
        "echo gharun",
        "exit 0",
        "echo gharun-done",
    ] {
        let local = here.spoilt(odd);
        assert_eq!(
            local.list().await.unwrap_err().kind,
            ErrorKind::Unavailable,
            "{odd}"
        );
        let error = local.terminate(&machine.id).await.unwrap_err();
        assert_eq!(
            error.kind,
            ErrorKind::Unavailable,
            "{odd}: {}",
            chain(&error)
        );
    }
    let noisy = here.spoilt("echo Welcome!; echo fail full; exec $sh \"$@\"");
    assert_eq!(noisy.list().await.unwrap().instances.len(), 1);
    here.finish().await;
}

#[tokio::test]
async fn a_check_tells_what_it_found_and_the_rest_needs_no_look() {
    let here = Here::new("sh");
    let machine = here.launch("exec sleep 300").await;
    let local = here.local();
    let health = local.check().await.unwrap();
    let facts = health.facts.join("\n");
    assert!(facts.contains("1 of 12 slots taken"), "{facts}");
    assert!(facts.contains(" GiB free"), "{facts}");
    assert_eq!(local.shutdown_command(), "exit");
    assert_eq!(local.candidates().len(), 1);
    let access = local.access(&machine).remove(0);
    let cd = access.split(" && ").next().unwrap();
    let there = run("sh", &["-c", &format!("{cd} && pwd -P")]);
    assert_eq!(
        Path::new(there.trim()),
        here.folder(&machine.id.id).canonicalize().unwrap()
    );
    let url = local.reach(8080).await.unwrap().unwrap();
    assert_eq!(url.as_str(), "http://127.0.0.1:8080/");
    here.finish().await;
}
