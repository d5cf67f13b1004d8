//! What a script said, read back.

use super::spelling::tail;
use super::{Error, ErrorKind, Output};
use crate::model::text::{cut, one_line, typed};

/// The lines of a script that ran to its end.
pub(super) struct ScriptOutput {
    pub(super) lines: Vec<String>,
    /// Why it failed, in its own word.
    pub(super) failure: Option<String>,
    pub(super) stderr: String,
}

/// An answer that is not whole.
pub(super) struct Unread {
    /// What there is to say of it.
    pub(super) cause: String,
    /// What the shell said instead of running the script, where the script never began.
    pub(super) instead: Option<String>,
}

impl Unread {
    fn of(stdout: &str, stderr: &str, status: &str) -> Self {
        let began = stdout.lines().any(|line| line == "gharun");
        let first = stdout.lines().map(str::trim).find(|line| !line.is_empty());
        let first = first.map(|line| cut(&one_line(line), 200));
        let cause = match (stderr, &first) {
            ("", Some(first)) if !began => {
                format!("its shell said `{first}` and did not run the script ({status})")
            }
            ("", None) if !began => format!("its shell did not run the script ({status})"),
            ("", _) => format!("unexpected output from its shell ({status})"),
            (said, _) => format!("{said} ({status})"),
        };
        let instead = format!("{}\n{stderr}", first.unwrap_or_default());
        Self {
            cause,
            instead: (!began).then_some(instead),
        }
    }
}

impl ScriptOutput {
    /// Reads what a script has said; else why its answer is not whole.
    pub(super) fn read(output: &Output) -> Result<Self, Unread> {
        let stderr = tail(&String::from_utf8_lossy(&output.stderr));
        let stdout = String::from_utf8_lossy(&output.stdout);
        // What a login prints comes before; what is cut off lacks the end.
        let lines = stdout.lines().skip_while(|line| *line != "gharun").skip(1);
        let mut lines: Vec<String> = lines.map(str::to_owned).collect();
        if lines.pop().as_deref() != Some("gharun-done") {
            return Err(Unread::of(&stdout, &stderr, &output.status));
        }
        let failure = lines.last().and_then(|line| line.strip_prefix("fail "));
        let failure = failure.map(str::to_owned);
        Ok(Self {
            lines,
            failure,
            stderr,
        })
    }

    /// The rest of each line that begins with a word.
    pub(super) fn all(&self, word: &str) -> impl Iterator<Item = &str> {
        let lines = self.lines.iter();
        lines.filter_map(move |line| line.strip_prefix(word))
    }

    /// Adds what there is to type against a folder that was refused.
    fn mending(&self, error: Error) -> Error {
        let mut mends = self.all("mend ").peekable();
        if mends.peek().is_none() {
            return error.hinted(
                "set `work_dir` to a new folder in one of this user's, such as the home folder",
            );
        }
        let hints = mends.filter_map(|line| {
            let (command, path) = line.split_once(" -- ")?;
            let command = format!("{command} {}", typed(path));
            Some(format!(
                "run `{command}` there if that is right, or set `work_dir` to a folder of its own in one of yours"
            ))
        });
        error.hinted_all(hints)
    }

    /// The error for a failure that the script told in words, which say more than its kind.
    pub(super) fn error(&self, kind: ErrorKind, doing: String) -> Error {
        let says = |texts: &[&str]| texts.iter().any(|text| self.stderr.contains(text));
        let error = if says(&["No space left", "quota exceeded"]) {
            Error::new(ErrorKind::NoCapacity, doing)
                .hinted("free some space there, or set `work_dir`")
        } else if self.failure.as_deref() == Some("unprepared")
            && says(&[
                "create directory",
                "Permission denied",
                "Read-only file system",
                "Not a directory",
                "not a folder",
                "may not write to",
                "belongs to another user",
                "every user may move",
                "others may write to",
                "noexec",
            ])
        {
            self.mending(Error::setting("work_dir", doing))
        } else {
            Error::new(kind, doing)
        };
        match (self.stderr.as_str(), self.failure.as_deref()) {
            ("", Some(failure)) => error.because(failure),
            ("", None) => error,
            (said, _) => error.because(said),
        }
    }
}
