//! The next step: what a reader of a screen does, taken from that screen, and what comes of it.

use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use regex::Regex;

use crate::row;
use crate::terminal::COLUMNS;
use crate::world::World;

/// What comes of the same command after the step.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Comes {
    /// It succeeds.
    Works,
    /// It fails for another reason: words that are said now, and words of the old cause that are not said any more.
    Fails {
        says: &'static str,
        not: &'static str,
    },
}

impl fmt::Display for Comes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Works => f.write_str("then it works"),
            Self::Fails { says, .. } => write!(f, "then it says `{says}`"),
        }
    }
}

/// What is done next.
pub(crate) enum Next {
    /// A step that is run here.
    Run {
        does: &'static str,
        comes: Comes,
        act: Box<dyn FnOnce(&mut Reader)>,
    },
    /// One that cannot be run here: what it takes, in a word, and why.
    Needs(&'static str, &'static str),
}

/// How a section says it.
impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run { does, comes, .. } => write!(f, "Next step, run: {does}; {comes}."),
            Self::Needs(what, why) => write!(f, "Next step, not run ({what}): {why}."),
        }
    }
}

/// Somebody who sees a screen and nothing else, and has the world in which it was shown.
pub(crate) struct Reader<'a> {
    world: &'a World,
    screen: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
    comes_online: bool,
}

#[allow(dead_code, reason = "not every kind of row needs every part")]
impl<'a> Reader<'a> {
    /// The screen's lines are joined as a person reads them; a word that is cut at the edge is one word.
    fn new(world: &'a World, lines: &[String], args: &[String]) -> Self {
        let mut screen = String::new();
        for line in lines {
            let words = line.trim_start();
            screen.push_str(words);
            if line.chars().count() < COLUMNS || words.contains(' ') {
                screen.push(' ');
            }
        }
        Self {
            world,
            screen,
            args: args.to_vec(),
            env: Vec::new(),
            comes_online: false,
        }
    }

    /// Where it happened.
    pub(crate) fn world(&self) -> &World {
        self.world
    }

    /// What the screen has of a pattern: its first group, or all of it.
    #[track_caller]
    pub(crate) fn reads(&self, pattern: &str) -> String {
        let regex = Regex::new(pattern).unwrap_or_else(|error| panic!("{error}"));
        let found = regex.captures(&self.screen);
        let found =
            found.unwrap_or_else(|| panic!("no {pattern} is on the screen: {}", self.screen));
        let part = found.get(1).or_else(|| found.get(0));
        part.expect("a match has a whole").as_str().to_owned()
    }

    /// What stands between backticks and matches a pattern.
    #[track_caller]
    pub(crate) fn quoted(&self, pattern: &str) -> String {
        self.reads(&format!("`({pattern})`"))
    }

    fn settings(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.world.path("providers.toml")).expect("the file");
        text.lines().map(str::to_owned).collect()
    }

    fn save(&self, lines: &[String]) {
        let text = lines.join("\n") + "\n";
        std::fs::write(self.world.path("providers.toml"), text).expect("a file");
    }

    /// Writes a line `key = value` in the place of the one with that key, which is where the screen says if it says so,
    /// or else below all others.
    #[track_caller]
    pub(crate) fn writes(&self, line: &str) {
        let mut lines = self.settings();
        match place_of(&lines, key_of(line)) {
            Some(at) => line.clone_into(&mut lines[at]),
            None => lines.push(line.to_owned()),
        }
        self.save(&lines);
    }

    /// Takes away the line with that key.
    #[track_caller]
    pub(crate) fn removes(&self, key: &str) {
        let mut lines = self.settings();
        let at = place_of(&lines, key).expect("there is such a line");
        lines.remove(at);
        self.save(&lines);
    }

    /// Changes the line of the file that the screen names.
    #[track_caller]
    pub(crate) fn changes_line(&self, from: &str, to: &str) {
        let mut lines = self.settings();
        let at = self.line();
        assert!(lines[at].contains(from), "line {}: {}", at + 1, lines[at]);
        lines[at] = lines[at].replace(from, to);
        self.save(&lines);
    }

    fn line(&self) -> usize {
        let number = self.reads(r"providers\.toml:(\d+)");
        number.parse::<usize>().expect("a number") - 1
    }

    /// Edits the line of the script that the screen names.
    #[track_caller]
    pub(crate) fn edits_script(&self) {
        let (number, file) = (
            self.reads(r"edit line (\d+) of `"),
            self.reads(r"edit line \d+ of `([^`]+)`"),
        );
        let at = number.parse::<usize>().expect("a number") - 1;
        let path = self.world.path(&file);
        let text = std::fs::read_to_string(&path).expect("the script");
        let mut lines: Vec<&str> = text.lines().collect();
        lines[at] = "true";
        std::fs::write(&path, lines.join("\n") + "\n").expect("a file");
    }

    /// Writes a file of the world.
    pub(crate) fn has_file(&self, name: &str, text: &str) {
        std::fs::write(self.world.path(name), text).expect("a file");
    }

    /// Other arguments, divided by blanks.
    pub(crate) fn types(&mut self, args: &str) {
        self.args = args.split_whitespace().map(str::to_owned).collect();
    }

    /// One more argument, which may have blanks.
    pub(crate) fn types_also(&mut self, arg: &str) {
        self.args.push(arg.to_owned());
    }

    /// More options, or others where they are there: `--timeout 15m`, `--set slots=2`.
    #[track_caller]
    pub(crate) fn adds(&mut self, options: &str) {
        let words: Vec<String> = options.split_whitespace().map(str::to_owned).collect();
        let [option, value] = words.as_slice() else {
            panic!("an option and its value, not {options}");
        };
        self.leaves_out(option, value.split_once('=').map_or("", |(key, _)| key));
        self.args.extend(words);
    }

    /// Takes away an option and its value, which begins so.
    pub(crate) fn leaves_out(&mut self, option: &str, begins: &str) {
        let at = self
            .args
            .windows(2)
            .position(|two| two[0] == option && two[1].starts_with(begins));
        if let Some(at) = at {
            self.args.drain(at..at + 2);
        }
    }

    /// Replaces one argument.
    #[track_caller]
    pub(crate) fn corrects(&mut self, from: &str, to: &str) {
        let at = self.args.iter().position(|arg| arg == from);
        to.clone_into(&mut self.args[at.expect("it was typed")]);
    }

    /// Sets a variable.
    pub(crate) fn sets(&mut self, name: &str, value: &str) {
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// The runner comes online, where its machine is a stand-in.
    pub(crate) fn comes_online(&mut self) {
        self.comes_online = true;
    }

    /// A program of somebody else, as a shell script.
    pub(crate) fn has_program(&mut self, name: &str, script: &str) {
        let folder = self.world.path("programs");
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, mode).expect("it is ours");
        let before = crate::world::outer("PATH").unwrap_or_default();
        self.sets("PATH", &format!("{}:{before}", folder.display()));
    }

    /// Runs what the screen prints in a shell, where it must succeed; what it says.
    #[track_caller]
    pub(crate) fn runs(&self, command: &str) -> String {
        let mut shell = self.world.script(command);
        let output = self.dressed(&mut shell).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "`{command}`: {said}\n{errors}");
        said
    }

    /// Runs an `export NAME="$(PROGRAM)"` of the screen, and keeps what it exports.
    #[track_caller]
    pub(crate) fn exports(&mut self, command: &str) {
        let name = Regex::new(r"^export ([A-Z_]+)=").expect("a pattern");
        let name = name.captures(command).expect("it exports")[1].to_owned();
        let value = self.runs(&format!("{command}\nprintf %s \"${name}\"\n"));
        self.sets(&name, &value);
    }

    fn dressed<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.envs(self.env.iter().cloned())
    }

    fn command(&self) -> Command {
        let mut command = self.world.command("");
        command.args(&self.args);
        self.dressed(&mut command);
        command
    }
}

/// What stands before the `=` of a line.
fn key_of(line: &str) -> &str {
    line.split_once('=').map_or("", |(key, _)| key.trim())
}

/// Which line has the key.
fn place_of(lines: &[String], key: &str) -> Option<usize> {
    lines.iter().position(|line| key_of(line) == key)
}

/// Takes the step of somebody who sees these lines, and asserts what comes of it.
#[track_caller]
pub(crate) fn take(
    world: &World,
    lines: &[String],
    args: &[String],
    comes: Comes,
    act: Box<dyn FnOnce(&mut Reader)>,
) {
    let mut reader = Reader::new(world, lines, args);
    act(&mut reader);
    let mut command = reader.command();
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let (said, code) = row::heard(command, || {
        if reader.comes_online {
            for row in world.stub.runners() {
                world.github.bring_online(&row.name);
            }
        }
    });
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let typed = reader.args.join(" ");
    match comes {
        Comes::Works => assert!(
            code == 0,
            "{}\n-- was read, and `gharun {typed}` ended with {code}:\n{said}",
            reader.screen
        ),
        Comes::Fails { says, not } => {
            assert!(
                reader.screen.contains(not),
                "the old cause is not `{not}`: {}",
                reader.screen
            );
            let now = words(&said);
            assert!(
                code != 0 && now.contains(says) && !now.contains(not),
                "{}\n-- was read, and `gharun {typed}` ended with {code}:\n{said}",
                reader.screen
            );
        }
    }
    if reader.args.first().is_some_and(|verb| verb == "start") {
        let mut stop = world.command("stop --all --yes");
        // Of a place that is not set up nothing can be told.
        let _ = reader.dressed(&mut stop).output();
    }
}
