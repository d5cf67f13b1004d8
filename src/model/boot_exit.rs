//! What the exit codes and the last line of the boot script mean: read by kinds of places, too, which see no more of it.

/// What an exit code of the boot script means, as the end of a sentence; `None` for a code that is not its own.
pub fn meaning(code: i32) -> Option<&'static str> {
    Some(match code {
        0 => "the job is done",
        70 => "the runner never connected to GitHub",
        71 => "no job came within its idle limit",
        72 => "its lifetime is over",
        73 => "GitHub no longer accepts this version of the runner",
        74 => "the setup script failed",
        75 => "could not download, verify, unpack or cache the runner",
        76 => "GitHub offers no runner for this platform",
        77 => "it already ran there",
        78 => "the runner ended without a job",
        79 => "could not register the runner with GitHub",
        80 => "the machine lacks the user to run as",
        137 => "it was killed, most likely because its memory was used up",
        143 => "it was stopped",
        _ => return None,
    })
}

/// The exit code that a place tells in its words for an end (`exit code 74`, `with exit code 74`).
pub fn code_in(how: &str) -> Option<i32> {
    let (_, rest) = how.split_once("exit code ")?;
    let end = rest.find(|c: char| !c.is_ascii_digit());
    rest[..end.unwrap_or(rest.len())].parse().ok()
}

/// A place's words for an end, with what the exit code in them means, unless they say that already.
pub fn explained(how: &str) -> String {
    match code_in(how).and_then(|code| Some((code, meaning(code)?))) {
        Some((code, meaning)) if !how.contains(meaning) && !how.contains("out of memory") => {
            let bare = format!("exit code {code}");
            how.replacen(&bare, &format!("{bare}: {meaning}"), 1)
        }
        _ => how.to_owned(),
    }
}

/// What the boot script says last of all: why it ends. It stands in one line, so that it is found where others have
/// filled the rest of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootEnd {
    /// Its exit code ([`meaning`]).
    pub code: i32,
    /// The last phase before the end (`download`, `job`).
    pub last: Option<String>,
    /// Why, in the words of the script, where it failed.
    pub why: Option<String>,
    /// Whether the machine stays for inspection, rather than to end itself.
    pub is_kept: bool,
}

impl BootEnd {
    /// Finds it in a log, whatever the place wrote before each line. A machine that was kept after its failure has two,
    /// of which the first is the cause.
    pub fn find(log: &str) -> Option<Self> {
        let mut ends = log.lines().filter_map(Self::parse);
        let first = ends.next()?;
        if first.is_kept {
            return Some(first);
        }
        // A machine that was started anew ends anew.
        Some(ends.next_back().unwrap_or(first))
    }

    fn parse(line: &str) -> Option<Self> {
        let (_, rest) = line.split_once("gharun: phase=")?;
        let (name, rest) = rest.split_once(' ')?;
        if !matches!(name, "end" | "kept") {
            return None;
        }
        let (words, why) = match rest.split_once(" why=") {
            Some((words, why)) => (words, why.trim()),
            None => (rest, ""),
        };
        let word = |key: &str| words.split_whitespace().find_map(|w| w.strip_prefix(key));
        let last = word("last=").filter(|last| !last.is_empty());
        Some(Self {
            code: word("code=")?.parse().ok()?,
            last: last.map(str::to_owned),
            why: Some(why.to_owned()).filter(|why| !why.is_empty()),
            is_kept: name == "kept",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_exit_code_is_told_in_words() {
        for (how, said) in [
            ("exit code 74", "exit code 74: the setup script failed"),
            (
                "with exit code 73",
                "with exit code 73: GitHub no longer accepts this version of the runner",
            ),
            (
                "exit code 137, out of memory",
                "exit code 137, out of memory",
            ),
            ("exit code 3: no such image", "exit code 3: no such image"),
            ("spot interruption", "spot interruption"),
        ] {
            assert_eq!(explained(how), said);
            assert_eq!(explained(said), said);
        }
    }

    #[test]
    fn the_last_line_says_all_that_matters_behind_whatever_stands_before_it() {
        let log = "gharun: phase=arm t=1\n\
            [  3.1] cloud-init[8]: gharun: phase=end t=2 code=75 last=download why=could not: a b=c\r\n\
            a job says phase=end t=3 code=0\n";
        let end = BootEnd::find(log).unwrap();
        assert_eq!((end.code, end.last.as_deref()), (75, Some("download")));
        assert_eq!(end.why.as_deref(), Some("could not: a b=c"));
        assert_eq!(BootEnd::find("gharun: phase=end t=2\n"), None);
        // As it was before it said more.
        let old = BootEnd::find("gharun: phase=end t=2 code=0\n").unwrap();
        assert_eq!((old.code, old.why), (0, None));
    }

    #[test]
    fn what_is_kept_failed_for_its_first_reason() {
        let log = "gharun: phase=kept t=1 code=74 last=setup why=it failed\n\
            gharun: phase=end t=9 code=72 last=setup why=its lifetime is over\n";
        assert_eq!(BootEnd::find(log).unwrap().code, 74);
    }
}
