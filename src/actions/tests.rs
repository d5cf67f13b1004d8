//! What the runner reads of what we write: its parsers, written down again.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::fleet::stop::Kept;
use crate::model::Rental;

/// A stream whose content can be looked at.
#[derive(Clone, Default)]
struct Stream(Arc<Mutex<Vec<u8>>>);

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("UTF-8")
    }
}

fn listening() -> (Actions, Stream) {
    let stream = Stream::default();
    let step = StepFiles {
        listens: true,
        ..StepFiles::default()
    };
    (Actions::speaking_to(step, Box::new(stream.clone())), stream)
}

fn with_output(path: &Path) -> Actions {
    let step = StepFiles {
        listens: false,
        output: Some(path.to_owned()),
        path: None,
        summary: None,
    };
    Actions::speaking_to(step, Box::new(io::sink()))
}

/// Reads a file of outputs as the runner's `FileCommandManager` does.
fn outputs(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut outputs = Vec::new();
    let mut rest = text;
    // A line and whether it ended with a newline.
    let mut line = || -> Option<(&str, bool)> {
        if rest.is_empty() {
            return None;
        }
        let (line, ended) = match rest.split_once('\n') {
            Some((line, more)) => {
                rest = more;
                (line, true)
            }
            None => (std::mem::take(&mut rest), false),
        };
        Some((line, ended))
    };
    while let Some((first, _)) = line() {
        if first.is_empty() {
            continue;
        }
        let (equals, heredoc) = (first.find('='), first.find("<<"));
        match (equals, heredoc) {
            (Some(equals), heredoc) if heredoc.is_none_or(|at| equals < at) => {
                outputs.push((first[..equals].into(), first[equals + 1..].into()));
            }
            (_, Some(at)) => {
                let (name, delimiter) = (&first[..at], &first[at + 2..]);
                if name.is_empty() || delimiter.is_empty() {
                    return Err(format!("Invalid format '{first}'"));
                }
                let mut lines = Vec::new();
                loop {
                    match line() {
                        Some((line, _)) if line == delimiter => break,
                        Some((line, true)) => lines.push(line),
                        _ => return Err(format!("Matching delimiter not found '{delimiter}'")),
                    }
                }
                outputs.push((name.into(), lines.join("\n")));
            }
            _ => return Err(format!("Invalid format '{first}'")),
        }
    }
    Ok(outputs)
}

/// A command that the runner would carry out: its name, properties and data, read back.
fn heard(line: &str) -> Option<(String, String, String)> {
    let rest = line.trim_start().strip_prefix("::")?;
    let (head, data) = rest.split_once("::")?;
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let back = |text: &str| {
        text.replace("%0D", "\r")
            .replace("%0A", "\n")
            .replace("%3A", ":")
            .replace("%2C", ",")
            .replace("%25", "%")
    };
    Some((name.to_lowercase(), back(properties), back(data)))
}

/// All commands that the runner carries out, fences heeded. It ends a line at each `\r` and `\n`.
fn all_heard(text: &str) -> Vec<(String, String, String)> {
    let (mut heard_all, mut fence) = (Vec::new(), None::<String>);
    for line in text.split(['\r', '\n']) {
        let found = heard(line);
        match (&fence, found) {
            (None, Some((name, _, token))) if name == "stop-commands" => fence = Some(token),
            (None, Some(command)) => heard_all.push(command),
            (Some(token), Some((name, ..))) if name == *token => fence = None,
            (None, None) => assert!(!line.contains("##["), "an old command in {line}"),
            (Some(_), _) => {}
        }
    }
    assert_eq!(fence, None, "commands are stopped for ever");
    heard_all
}

const HOSTILE: &[&str] = &[
    "",
    "\n",
    "a\n",
    "a\n\nb",
    "a=b<<c",
    "EOF\nmapping<<EOF\n{}",
    "cr\r\nlf",
    "ghadelimiter_x",
    "::set-output name=mapping::{}",
    "\u{feff}\u{2028}\u{202e}",
    "{\"aws:us_east_1/i-0\": \"gharun-a\"}",
];

#[test]
fn every_value_is_read_back_as_it_was() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("output");
    let actions = with_output(&path);
    for value in HOSTILE {
        actions.set_outputs(&[("value", value)]).unwrap();
    }
    let read = outputs(&fs::read_to_string(&path).unwrap()).unwrap();
    let values: Vec<&str> = read.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(values, HOSTILE);
}

#[test]
fn a_line_that_an_earlier_command_left_open_is_not_joined() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("output");
    fs::write(&path, "theirs=1").unwrap();
    with_output(&path).set_outputs(&[("ours", "2")]).unwrap();
    let read = outputs(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(
        read,
        [("theirs".into(), "1".into()), ("ours".into(), "2".into())]
    );
}

#[test]
fn delimiters_are_fresh_and_none_is_in_its_value() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("output");
    let actions = with_output(&path);
    actions.set_outputs(&[("a", "1")]).unwrap();
    actions.set_outputs(&[("a", "1")]).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let delimiters: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("a<<")).collect();
    assert!(delimiters[0].len() >= 24 && delimiters[0] != delimiters[1]);
    assert!(output::heredocs(&[("a", "1"), ("b", "x D y")], "D").is_err());
}

#[test]
fn what_is_no_name_of_an_output_is_refused_and_nothing_is_written() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("output");
    for name in ["", "a=b", "a<<b", "a\nb", "a b"] {
        assert!(
            with_output(&path)
                .set_outputs(&[("fine", "1"), (name, "2")])
                .is_err()
        );
    }
    assert!(!path.exists());
}

#[test]
fn a_full_disk_is_told_with_the_file() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let error = with_output(Path::new("/dev/full"))
        .set_outputs(&[("a", "1")])
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(error.to_string().contains("`/dev/full`"), "{error}");
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test asks whether it may be skipped"
)]
fn half_an_output_is_taken_back() {
    let disk = TempDir::new().unwrap();
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=4k", "gharun-test"]);
    let mounted = mount.arg(disk.path()).stderr(Stdio::null()).status();
    if !mounted.is_ok_and(|status| status.success()) {
        let strict = std::env::var_os("GHARUN_STRICT").is_some_and(|strict| strict == "1");
        assert!(!strict, "only root can mount a tmpfs");
        let told = "skipped: half_an_output_is_taken_back: only root can mount a tmpfs";
        return writeln!(io::stderr(), "{told}").unwrap();
    }
    let path = disk.path().join("output");
    let actions = with_output(&path);
    actions.set_outputs(&[("a", "1")]).unwrap();
    let before = fs::read(&path).unwrap();
    let refused = actions.set_outputs(&[("b", &"x".repeat(8000))]);
    let after = fs::read(&path).unwrap();
    let unmounted = Command::new("umount").arg(disk.path()).status().unwrap();
    assert!(unmounted.success());
    assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(after, before);
}

#[test]
fn a_missing_folder_is_told_with_the_file() {
    let error = with_output(Path::new("/nowhere/output"))
        .set_outputs(&[("a", "1")])
        .unwrap_err();
    assert!(error.to_string().contains("`/nowhere/output`"), "{error}");
}

#[test]
fn every_launch_rewrites_the_three_outputs_and_the_last_wins() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("output");
    let actions = with_output(&path);
    let mut mapping = Mapping::default();
    for (machine, name) in [
        ("aws:us_east_1/i-0a", "gharun-1-1-0-abcdefabcdefgh"),
        ("aws:us_east_1/i-0b", "gharun-1-1-1-abcdefabcdefgh"),
    ] {
        let (instance, name) = (machine.parse().unwrap(), name.parse().unwrap());
        mapping.0.push((instance, name));
        let (instance, name) = mapping.0.last().cloned().unwrap();
        let mapping = mapping.clone();
        actions
            .handle(&Event::Launched {
                rental: Rental::default(),
                name,
                instance,
                mapping,
            })
            .unwrap();
    }
    let read = outputs(&fs::read_to_string(&path).unwrap()).unwrap();
    let last: HashMap<String, String> = read.into_iter().collect();
    assert_eq!(last["mapping"], mapping.to_json());
    assert_eq!(last["instances"], mapping.labels_json());
    assert_eq!(last["label"], "gharun-1-1-0-abcdefabcdefgh");
    let matrix: serde_json::Value = serde_json::from_str(&last["matrix"]).unwrap();
    assert_eq!(
        matrix["runner"].to_string(),
        mapping.labels_json().replace(", ", ",")
    );
    assert_eq!(last.len(), 4);
}

#[test]
fn secrets_are_masked_whole_and_by_line_and_never_when_short() {
    let (actions, stream) = listening();
    for secret in [
        "",
        " \n ",
        "abc",
        "100%secret",
        "begin key\nab\n  line two  \n",
    ] {
        actions.handle(&Event::Secret(Secret::new(secret))).unwrap();
    }
    let masked: Vec<String> = all_heard(&stream.text())
        .into_iter()
        .map(|heard| heard.2)
        .collect();
    assert_eq!(
        masked,
        [
            "100%secret",
            "begin key\nab\n  line two",
            "begin key",
            "line two"
        ]
    );
}

#[test]
fn the_eleventh_annotation_is_a_line_and_carries_out_nothing() {
    let (actions, stream) = listening();
    for _ in 0..12 {
        actions
            .annotate(
                AnnotationLevel::Warning,
                "t",
                "x\n::add-mask::gharun ##[group]",
            )
            .unwrap();
        actions.annotate(AnnotationLevel::Error, "t", "y").unwrap();
    }
    let heard = all_heard(&stream.text());
    let count = |name: &str| heard.iter().filter(|heard| heard.0 == name).count();
    assert_eq!(
        (count("warning"), count("error"), heard.len()),
        (10, 10, 20)
    );
    assert_eq!(stream.text().matches("warning: t: x").count(), 2);
}

#[test]
fn a_long_message_is_cut_before_github_cuts_it() {
    let (actions, stream) = listening();
    actions
        .annotate(AnnotationLevel::Warning, "t", &"\u{e9}".repeat(5000))
        .unwrap();
    let (_, properties, message) = all_heard(&stream.text()).remove(0);
    assert_eq!(properties, "title=t");
    assert!(message.len() <= 4096 && message.ends_with('\u{2026}'));
}

#[test]
fn a_boot_log_cannot_speak_to_the_runner() {
    let (actions, stream) = listening();
    let log = "ok\n::add-mask::gharun\r::error::x\n##[group]\n::token::\n::endgroup::\n::stop-commands::y";
    let failed = Event::Failed {
        name: "gharun-abcdefabcdefgh".parse().unwrap(),
        reason: "it ended with exit code 1".into(),
        log: Some(log.into()),
    };
    actions.handle(&failed).unwrap();
    let heard = all_heard(&stream.text());
    let names: Vec<&str> = heard.iter().map(|heard| heard.0.as_str()).collect();
    assert_eq!(names, ["group", "endgroup"]);
    assert!(stream.text().contains("\nok\n"), "the log is shown");
}

#[test]
fn where_no_runner_listens_no_command_is_written() {
    let stream = Stream::default();
    let actions = Actions::speaking_to(StepFiles::default(), Box::new(stream.clone()));
    actions
        .handle(&Event::Secret(Secret::new("hunter22")))
        .unwrap();
    actions
        .annotate(AnnotationLevel::Warning, "t", "careful")
        .unwrap();
    actions.group("title", "text").unwrap();
    actions.set_outputs(&[("a", "1")]).unwrap();
    actions.summarise_stop(&StopOutcome::default()).unwrap();
    assert_eq!(stream.text(), "");
    assert_eq!(actions.stop_commands("text"), "text");
}

#[test]
fn a_stream_that_takes_no_mask_ends_the_operation() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let step = StepFiles {
        listens: true,
        ..StepFiles::default()
    };
    let actions = Actions::speaking_to(step, Box::new(Closed));
    assert!(
        actions
            .handle(&Event::Secret(Secret::new("hunter22")))
            .is_err()
    );
}

#[test]
fn a_summary_is_added_to_what_others_wrote_and_leaves_it_in_peace() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("summary");
    let step = StepFiles {
        summary: Some(path.clone()),
        ..StepFiles::default()
    };
    let actions = Actions::speaking_to(step, Box::new(io::sink()));
    let kept = Kept {
        name: "gharun-abcdefabcdefgh".parse().unwrap(),
        instance: None,
        reason: "a job runs on it".into(),
        due: true,
    };
    let done = StopOutcome {
        kept: vec![kept],
        ..StopOutcome::default()
    };
    actions.summarise_stop(&StopOutcome::default()).unwrap();
    assert!(!path.exists(), "where nothing happened, nothing is written");
    fs::write(&path, "theirs").unwrap();
    actions.summarise_stop(&done).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("theirs\n### Machines kept"), "{text}");

    let full = "x".repeat(summary::MOST - 20);
    fs::write(&path, &full).unwrap();
    actions.summarise_stop(&done).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), full);
}
