//! A person at a terminal: reads what the program asks, types, and looks at what is left of the terminal.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::world::wait_for;

/// The program on a terminal of its own.
pub(crate) struct Terminal {
    ours: File,
    /// Held open, so that the terminal is there to be looked at when the program has ended.
    theirs: File,
    child: Child,
    written: Arc<Mutex<Vec<u8>>>,
    /// How much of it was read already.
    read: usize,
}

/// What was on the terminal, without control sequences, and the exit code.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) text: String,
    pub(crate) code: i32,
}

impl Terminal {
    /// Runs a command whose three streams are a terminal of 80 columns, and which its Ctrl-C interrupts.
    pub(crate) fn run(command: &Command) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pty");
        grantpt(&ours).expect("the pty is ours");
        unlockpt(&ours).expect("the pty is ours");
        let name = ptsname(&ours, Vec::new()).expect("it has a name");
        let name = name.into_string().expect("a path below /dev");
        let size = Winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&ours, size).expect("it is a terminal");
        let mut options = File::options();
        let theirs = options.read(true).write(true).open(&name);
        let theirs = theirs.expect("it is there");
        let stream = || Stdio::from(theirs.try_clone().expect("one more"));
        // In a session of its own, whose terminal this is.
        let mut child = Command::new("setsid");
        child.args(["--ctty", "--wait"]).arg(command.get_program());
        child.args(command.get_args()).env_clear();
        let env = command.get_envs();
        child.envs(env.filter_map(|(name, value)| Some((name, OsString::from(value?)))));
        child.env("TERM", "xterm-256color");
        if let Some(folder) = command.get_current_dir() {
            child.current_dir(folder);
        }
        child.stdin(stream()).stdout(stream()).stderr(stream());
        let child = child.spawn().expect("util-linux is here");
        let written = Arc::new(Mutex::new(Vec::new()));
        let (mut output, heard) = (File::from(ours), Arc::clone(&written));
        let ours = output.try_clone().expect("one more");
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            // The end is an error (EIO): all that had the other end open are gone.
            while let Ok(length @ 1..) = output.read(&mut chunk) {
                heard.lock().expect("no panic").extend(&chunk[..length]);
            }
        });
        Self {
            ours,
            theirs,
            child,
            written,
            read: 0,
        }
    }

    fn plain(&self) -> String {
        let written = self.written.lock().expect("no panic");
        plain(&String::from_utf8_lossy(&written))
    }

    /// Waits until a text stands there that was not read before.
    #[track_caller]
    pub(crate) fn reads(&mut self, text: &str) -> &mut Self {
        let from = self.read;
        let at = wait_for(&format!("`{text}`: {}", self.plain()), || {
            let plain = self.plain();
            let found = plain.get(from..).and_then(|rest| rest.find(text));
            let ended = self.child.try_wait().expect("it is our child").is_some();
            assert!(
                found.is_some() || !ended,
                "it ended without `{text}`: {}",
                self.plain()
            );
            found
        });
        self.read = from + at + text.len();
        self
    }

    /// Waits until a text stands on the last line, as a shell edits it: drawn over, and without what was erased.
    #[track_caller]
    pub(crate) fn reads_across(&mut self, text: &str) -> &mut Self {
        wait_for(&format!("`{text}` on the line: {}", self.plain()), || {
            let written = self.written.lock().expect("no panic");
            let written = String::from_utf8_lossy(&written).into_owned();
            let last = written.rsplit('\n').next().unwrap_or_default();
            drawn(last).contains(text).then_some(())
        });
        self.read = self.plain().len();
        self
    }

    /// Types keys: `\r` is Enter, `\u{3}` Ctrl-C, `\u{1b}` Esc, `\u{1b}[B` the arrow down.
    pub(crate) fn types(&mut self, keys: &str) -> &mut Self {
        self.ours.write_all(keys.as_bytes()).expect("it listens");
        self
    }

    /// Chooses the item of a list that holds a text.
    #[track_caller]
    pub(crate) fn choose(&mut self, question: &str, item: &str) -> &mut Self {
        // A question that was answered is shown again, without this sign.
        self.reads(&format!("{question} ›"));
        let from = self.read;
        let down = wait_for(&format!("`{item}`"), || {
            let plain = self.plain();
            let mut below = plain.get(from..)?.split('\n').skip(1);
            below.position(|line| line.contains(item))
        });
        self.settles().types(&"\u{1b}[B".repeat(down)).types("\r")
    }

    /// Waits until the terminal listens for single keys.
    #[track_caller]
    pub(crate) fn settles(&mut self) -> &mut Self {
        wait_for("the program to listen", || {
            let modes = tcgetattr(&self.theirs).expect("it is a terminal");
            let cooked = modes.local_modes.contains(LocalModes::ICANON);
            (!cooked).then_some(())
        });
        self
    }

    /// Waits for the end, after which the terminal is as it was.
    #[track_caller]
    pub(crate) fn ends(mut self) -> Seen {
        let mut status = None;
        wait_for("the end of the program", || {
            status = self.child.try_wait().expect("it is our child");
            status
        });
        // All that was written stands before this.
        (&self.theirs)
            .write_all("\u{0}end".as_bytes())
            .expect("it is a terminal");
        wait_for("the end of the output", || {
            let written = self.written.lock().expect("no panic");
            written.ends_with("\u{0}end".as_bytes()).then_some(())
        });
        let modes = tcgetattr(&self.theirs)
            .expect("it is a terminal")
            .local_modes;
        let written = self.written.lock().expect("no panic");
        let written = String::from_utf8_lossy(&written).replace("\u{0}end", "");
        let cooked = LocalModes::ICANON | LocalModes::ECHO;
        assert!(
            modes.contains(cooked),
            "keys are no longer shown: {written:?}"
        );
        let (hidden, shown) = (written.rfind("\u{1b}[?25l"), written.rfind("\u{1b}[?25h"));
        assert!(hidden <= shown, "the cursor is hidden: {written:?}");
        Seen {
            text: plain(&written),
            code: status.and_then(|status| status.code()).unwrap_or(-1),
        }
    }
}

/// A line as a terminal shows it, of what moves the cursor within it.
fn drawn(line: &str) -> String {
    let mut shown: Vec<char> = Vec::new();
    let mut column: usize = 0;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '\r' => column = 0,
            '\u{8}' => column = column.saturating_sub(1),
            '\u{1b}' => {
                let mut number = String::new();
                for c in rest.by_ref() {
                    match c {
                        '[' | '?' | ';' => {}
                        c if c.is_ascii_digit() => number.push(c),
                        'D' => {
                            column = column.saturating_sub(number.parse().unwrap_or(1));
                            break;
                        }
                        'C' => {
                            column += number.parse::<usize>().unwrap_or(1);
                            break;
                        }
                        'K' | 'J' => {
                            shown.truncate(column);
                            break;
                        }
                        _ => break,
                    }
                }
            }
            c if c.is_control() => {}
            c => {
                shown.resize(shown.len().max(column + 1), ' ');
                shown[column] = c;
                column += 1;
            }
        }
    }
    shown.into_iter().collect()
}

/// A text without control sequences and carriage returns.
fn plain(written: &str) -> String {
    let sequence = regex::Regex::new("\u{1b}\\[[0-9;?]*[@-~]|\r").expect("it is one");
    sequence.replace_all(written, "").into_owned()
}
