//! Completions in real shells: bash, zsh and fish, each on a terminal where a person types and presses Tab.

use std::process::{Command, Stdio};

use crate::pty::Terminal;
use crate::world::World;

/// A world with two tables, and the program on the path.
fn world() -> World {
    let world = World::new();
    let file = "[providers.workbench]\nkind = \"local\"\n[providers.basement]\nkind = \"local\"\n";
    std::fs::write(world.path("providers.toml"), file).expect("a file");
    let bin = world.path("bin");
    std::fs::create_dir(&bin).expect("a folder");
    let program = assert_cmd::cargo::cargo_bin("gharun");
    std::os::unix::fs::symlink(program, bin.join("gharun")).expect("a link");
    let path = format!("{}:/usr/bin:/bin", bin.display());
    world.env("PATH", &path)
}

fn script(name: &str) -> String {
    format!("{}/completions/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A shell in this world; `None` where it is not installed, which is said.
fn shell(world: &World, program: &str, args: &[&str]) -> Option<Terminal> {
    let mut there = Command::new(program);
    there
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if there.status().is_err() {
        gharun_worlds::skipped(&format!("completions: {program} is not installed"));
        return None;
    }
    // The world's command is one of gharun; all but its program is taken over.
    let dressed = world.command("");
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .current_dir(world.folder.path());
    for (name, value) in dressed.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    Some(Terminal::run(&command))
}

/// Types a beginning and a Tab after each, and reads what it becomes.
fn completes(mut terminal: Terminal, end: &str) {
    for (typed, completed) in [
        ("gharun sta\t", "gharun start "),
        ("gharun start workb\t", "gharun start workbench "),
        (
            "gharun providers check base\t",
            "gharun providers check basement ",
        ),
        (
            "gharun start --registration to\t",
            "gharun start --registration token ",
        ),
        (
            "gharun start workbench --set slo\t",
            "gharun start workbench --set slots=",
        ),
        (
            "gharun start docker --set pull=al\t",
            "gharun start docker --set pull=always ",
        ),
        (
            "gharun list --provider ba\t",
            "gharun list --provider basement ",
        ),
        (
            "gharun list --columns runner,pri\t",
            "gharun list --columns runner,price ",
        ),
        ("gharun explain no-way\t", "gharun explain no-way-out "),
    ] {
        // What is typed is shown; what completes it stands behind.
        terminal.types(typed).reads_across(completed);
        // Away with the line.
        terminal.types("\u{15}").types("echo next\r").reads("next");
    }
    terminal.types(end);
    terminal.ends();
}

#[test]
fn bash_completes_names() {
    let world = world();
    let args = ["--norc", "--noprofile", "-i"];
    let Some(mut terminal) = shell(&world, "bash", &args) else {
        return;
    };
    terminal.types(&format!(
        "bind 'set enable-bracketed-paste off'; PS1='$ '; source {}; echo rea''dy\r",
        script("gharun.bash")
    ));
    terminal.reads("ready");
    completes(terminal, "exit 0\r");
}

#[test]
fn zsh_completes_names() {
    let world = world();
    let Some(mut terminal) = shell(&world, "zsh", &["-f", "-i"]) else {
        return;
    };
    terminal
        .types("PS1='$ '; unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; ");
    terminal.types(&format!("source {}; echo rea''dy\r", script("_gharun")));
    terminal.reads("ready");
    completes(terminal, "exit 0\r");
}

#[test]
fn fish_completes_names() {
    let world = world();
    let Some(probe) = shell(
        &world,
        "fish",
        &[
            "--no-config",
            "-c",
            &format!(
                "source {}; complete -C 'gharun start workb'; complete -C 'gharun start --registration '; complete -C 'gharun start workbench --set slo'; complete -C 'gharun start docker --set pull=mis'; complete -C 'gharun list --columns runner,pri'",
                script("gharun.fish"),
            ),
        ],
    ) else {
        return;
    };
    let seen = probe.ends();
    for word in [
        "workbench",
        "jit",
        "token",
        "slots=",
        "pull=missing",
        "runner,price",
    ] {
        assert!(seen.text.contains(word), "{word}: {seen:?}");
    }
    assert!(!seen.text.contains("basement"), "{seen:?}");
}

#[test]
fn a_completion_asks_nobody_and_is_silent() {
    let world = world().env("HTTPS_PROXY", "http://127.0.0.1:9");
    world.github.forget_requests();
    let mut command = world.command("__complete fish stop");
    let said = crate::world::Said::of(command.arg("").output().expect("it runs"), &world);
    let said = said.exits(0);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", ""));
    assert_eq!(world.github.count(""), 0);
    for args in [
        "__complete",
        "__complete bash",
        "__complete zsh --nope",
        "__complete fish -v --config",
    ] {
        let said = world.run(args).exits(0);
        assert_eq!(said.stderr, "", "{args}");
    }
}
