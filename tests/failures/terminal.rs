//! A terminal: the pty that a program runs on, what somebody types there, and the screen that a person sees in the end.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::world::PATIENCE;

/// How large it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

pub(crate) const COLUMNS: usize = SMALL.columns;
pub(crate) const ROWS: usize = SMALL.rows;

/// As terminals open.
pub(crate) const SMALL: Size = Size {
    columns: 80,
    rows: 24,
};

impl Size {
    fn window(self) -> Winsize {
        Winsize {
            ws_row: u16::try_from(self.rows).expect("it is small"),
            ws_col: u16::try_from(self.columns).expect("it is small"),
            ws_xpixel: 0,
            ws_ypixel: 0,
        }
    }
}

/// What a person does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Types.
    Types(&'static str),
    /// Sends a signal, as Ctrl-C does.
    Signals(&'static str),
    /// Makes the terminal larger or smaller.
    Resizes(Size),
}

/// How long what a program left behind may hold the terminal open: what it says later is no longer of it.
const LINGERING: Duration = Duration::from_secs(2);

/// Runs a program whose three streams are a terminal; what it wrote, and its exit code. `meanwhile` is called now and then
/// until it ends.
pub(crate) fn run(command: Command, meanwhile: impl FnMut()) -> (String, i32) {
    play(command, SMALL, &[], meanwhile)
}

/// The same on a terminal of any size, where somebody does one thing after the other: each once a text is there that was
/// not there before.
pub(crate) fn play(
    command: Command,
    size: Size,
    acts: &[(&str, Act)],
    mut meanwhile: impl FnMut(),
) -> (String, i32) {
    watch(command, size, acts, |_, _| meanwhile())
}

/// The same for whoever looks at what was written so far, and knows the process by its id.
pub(crate) fn watch(
    mut command: Command,
    size: Size,
    acts: &[(&str, Act)],
    mut meanwhile: impl FnMut(u32, &[u8]),
) -> (String, i32) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pty");
    grantpt(&ours).expect("the pty is ours");
    unlockpt(&ours).expect("the pty is ours");
    let name = ptsname(&ours, Vec::new()).expect("it has a name");
    let name = name.into_string().expect("a path below /dev");
    tcsetwinsize(&ours, size.window()).expect("it is a terminal");
    let theirs = || {
        let mut options = std::fs::OpenOptions::new();
        Stdio::from(
            options
                .read(true)
                .write(true)
                .open(&name)
                .expect("it is there"),
        )
    };
    command.stdin(theirs()).stdout(theirs()).stderr(theirs());
    #[expect(
        clippy::zombie_processes,
        reason = "it is waited for, or the test fails"
    )]
    let mut child = command.spawn().expect("it runs");
    // It holds the other end open.
    drop(command);
    let (sender, chunks) = channel();
    let mut ours = std::fs::File::from(ours);
    let mut keyboard = ours.try_clone().expect("it is open");
    let (mut acts, mut heard) = (acts.iter(), 0);
    let mut next = acts.next();
    std::thread::spawn(move || {
        let mut chunk = [0; 4096];
        // The end is an error (EIO): all that had the other end open are gone.
        while let Ok(length @ 1..) = ours.read(&mut chunk) {
            if sender.send(chunk[..length].to_vec()).is_err() {
                break;
            }
        }
    });
    let mut written = Vec::new();
    let mut ended: Option<(i32, Instant)> = None;
    let latest = Instant::now() + PATIENCE;
    loop {
        match chunks.recv_timeout(Duration::from_millis(20)) {
            Ok(chunk) => written.extend(chunk),
            Err(RecvTimeoutError::Disconnected) if ended.is_some() => break,
            Err(_) => {}
        }
        if let Some((text, act)) = next
            && let Some(at) = String::from_utf8_lossy(&written[heard..]).find(text)
        {
            heard += at + text.len();
            next = acts.next();
            match act {
                Act::Types(keys) => keyboard.write_all(keys.as_bytes()).expect("it listens"),
                Act::Signals(name) => crate::world::signal(&child, name),
                Act::Resizes(size) => {
                    tcsetwinsize(&keyboard, size.window()).expect("it is a terminal");
                    crate::world::signal(&child, "WINCH");
                }
            }
        }
        if let Some((_, when)) = ended {
            if when.elapsed() > LINGERING {
                break;
            }
        } else if let Some(status) = child.try_wait().expect("it is our child") {
            ended = Some((status.code().unwrap_or(-1), Instant::now()));
        } else {
            meanwhile(child.id(), &written);
        }
        if Instant::now() > latest {
            // It may have ended meanwhile.
            let _ = child.kill();
            panic!("it does not end: {}", String::from_utf8_lossy(&written));
        }
    }
    let code = ended.map_or(-1, |(code, _)| code);
    (String::from_utf8(written).expect("UTF-8"), code)
}

/// What a terminal shows of what was written to it; control sequences that gharun is not known to write are refused.
#[derive(Debug)]
pub(crate) struct Screen {
    size: Size,
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
    /// The last column is written: the next character begins a new line.
    full: bool,
}

impl Screen {
    /// The lines of the last screen, without the blank ones at its end: where the cursor is, a shell asks for the next
    /// command.
    pub(crate) fn after(written: &str) -> Vec<String> {
        Self::after_on(SMALL, written)
    }

    /// The same on a terminal of any size.
    pub(crate) fn after_on(size: Size, written: &str) -> Vec<String> {
        let mut screen = Self {
            size,
            rows: vec![vec![' '; size.columns]; size.rows],
            row: 0,
            column: 0,
            full: false,
        };
        screen.write(written);
        let lines = screen.rows.iter().map(|row| {
            let line: String = row.iter().collect();
            line.trim_end().to_owned()
        });
        let mut lines: Vec<String> = lines.collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }

    fn write(&mut self, written: &str) {
        let mut rest = written.chars();
        while let Some(c) = rest.next() {
            match c {
                '\u{1b}' => {
                    assert_eq!(rest.next(), Some('['), "an unknown sequence: {written:?}");
                    let sequence = rest.as_str();
                    let end = sequence
                        .find(|c| matches!(c, '@'..='~'))
                        .expect("a sequence ends");
                    let (arguments, command) = (&sequence[..end], &sequence[end..=end]);
                    self.obey(arguments, command);
                    rest = sequence[end + 1..].chars();
                }
                '\r' => (self.column, self.full) = (0, false),
                '\n' => self.next_line(),
                '\t' => self.column = (self.column / 8 * 8 + 8).min(self.size.columns - 1),
                '\u{7}' => {}
                c => {
                    assert!(!c.is_control(), "an unknown character: {written:?}");
                    self.put(c);
                }
            }
        }
    }

    fn put(&mut self, c: char) {
        if self.full {
            self.column = 0;
            self.next_line();
        }
        self.rows[self.row][self.column] = c;
        self.full = self.column + 1 == self.size.columns;
        if !self.full {
            self.column += 1;
        }
    }

    fn next_line(&mut self) {
        self.full = false;
        if self.row + 1 < self.size.rows {
            self.row += 1;
        } else {
            self.rows.remove(0);
            self.rows.push(vec![' '; self.size.columns]);
        }
    }

    fn obey(&mut self, arguments: &str, command: &str) {
        let number: usize = arguments.parse().unwrap_or(0);
        match command {
            // Colours; whether the cursor is seen.
            "m" | "h" | "l" => return,
            "A" => self.row = self.row.saturating_sub(number.max(1)),
            "B" => self.row = (self.row + number.max(1)).min(self.size.rows - 1),
            "C" => self.column = (self.column + number.max(1)).min(self.size.columns - 1),
            "D" => self.column = self.column.saturating_sub(number.max(1)),
            "G" => self.column = number.clamp(1, self.size.columns) - 1,
            "K" => {
                let cleared = match number {
                    0 => self.column..self.size.columns,
                    1 => 0..self.column + 1,
                    _ => 0..self.size.columns,
                };
                self.rows[self.row][cleared].fill(' ');
            }
            "J" if number == 0 => {
                self.rows[self.row][self.column..].fill(' ');
                for row in &mut self.rows[self.row + 1..] {
                    row.fill(' ');
                }
            }
            _ => panic!("an unknown sequence: {arguments}{command}"),
        }
        self.full = false;
    }
}

#[test]
fn a_screen_wraps_scrolls_and_obeys() {
    let long = "x".repeat(COLUMNS);
    assert_eq!(Screen::after(&format!("{long}\r\ny\r\n")), [&long, "y"]);
    assert_eq!(Screen::after(&format!("{long}z")), [&long, "z"]);
    let many: Vec<String> = (0..30).map(|n| format!("{n}\r\n")).collect();
    let seen = Screen::after(&many.concat());
    assert_eq!(seen.len(), ROWS - 1, "the last line is the shell's");
    assert_eq!((seen[0].as_str(), seen[22].as_str()), ("7", "29"));
    // As spinners are drawn over and taken away.
    let drawn = "\u{1b}[?25l\u{1b}[36m⠋\u{1b}[0m one\r\u{1b}[2Ktwo\r\n\u{1b}[1A\u{1b}[2Kdone\r\n";
    assert_eq!(Screen::after(drawn), ["done"]);
}
