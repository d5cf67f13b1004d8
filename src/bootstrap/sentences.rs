//! What the runner says of its failures, and what that means.
//!
//! The sentences are those of <https://github.com/actions/runner> after 2.336.0 (2026-08); each row names the file that
//! says it. The boot script is sent the patterns, and nobody else looks for them.

use crate::model::BootCause;

/// A sentence of the runner.
#[derive(Debug)]
pub struct Sentence {
    /// What the line holds that says it. No `'`: it goes to a shell.
    pub pattern: &'static str,
    /// What it means, as the end of a sentence; `None`: the runner's own words are told.
    pub meaning: Option<&'static str>,
    /// What can be done about it.
    pub cause: Option<BootCause>,
    /// Whether the runner goes on to say what it is about in a line of another row: that one is told then.
    pub is_general: bool,
}

const fn row(
    pattern: &'static str,
    meaning: Option<&'static str>,
    cause: Option<BootCause>,
) -> Sentence {
    Sentence {
        pattern,
        meaning,
        cause,
        is_general: false,
    }
}

const fn general(pattern: &'static str, cause: Option<BootCause>) -> Sentence {
    Sentence {
        is_general: true,
        ..row(pattern, None, cause)
    }
}

/// All sentences, the telling ones first.
pub const SENTENCES: &[Sentence] = &[
    // src/Runner.Listener/MessageListener.cs and BrokerMessageListener.cs, `CreateSessionAsync`, at `invalid_client`.
    row(
        "registration has been deleted",
        Some("GitHub has deleted the registration"),
        Some(BootCause::Unregistered),
    ),
    // The same files, `IsSessionCreationExceptionRetriable`.
    row(
        "no longer exists on the server",
        Some("GitHub no longer knows it"),
        Some(BootCause::Unregistered),
    ),
    // The same files and the same function; said again and again for four minutes.
    row(
        "session for this runner already exists",
        Some("another runner is connected with the same registration"),
        Some(BootCause::SessionConflict),
    ),
    // The same, and src/Runner.Listener/Configuration/ConfigurationManager.cs.
    row(
        "clock may be out of sync",
        Some("the clock of the machine is wrong by more than five minutes"),
        Some(BootCause::Clock),
    ),
    // GitHub's service, by src/Runner.Listener/Program.cs: "An error occurred: Runner version v2.331.0 is …".
    row(
        "cannot receive messages",
        Some("GitHub no longer accepts this version of the runner"),
        Some(BootCause::RunnerTooOld),
    ),
    // GitHub's service, to src/Runner.Listener/Configuration/ConfigurationManager.cs.
    row(
        "can no longer register",
        Some("GitHub no longer accepts this version of the runner"),
        Some(BootCause::RunnerTooOld),
    ),
    // src/Runner.Listener/Runner.cs.
    row(
        "Must not run interactively with sudo",
        Some("the runner refuses to run as root"),
        None,
    ),
    // .NET's own words, on a system without libicu.
    row("ICU package", None, Some(BootCause::MissingProgram)),
    // .NET's, of src/Runner.Listener/Program.cs: a folder (`_work`, `_diag`) that its user may not write to.
    row("Access to the path", None, None),
    // .NET's, where a disk is full.
    row(
        "No space left on device",
        Some("no space is left on the machine"),
        Some(BootCause::DiskFull),
    ),
    // src/Runner.Listener/MessageListener.cs and BrokerMessageListener.cs: said once, and tried again for ever.
    general("Runner connect error: ", Some(BootCause::NoNetwork)),
    // The same.
    general("Failed to create session. ", None),
    // src/Runner.Listener/Program.cs, `MainAsync`.
    general("An error occurred: ", None),
];

/// What a line of the runner means, where it is known.
pub fn sentence_in(line: &str) -> Option<&'static Sentence> {
    SENTENCES.iter().find(|one| line.contains(one.pattern))
}

/// The last telling line of some, and what it means.
pub fn last_said<'a>(lines: impl Iterator<Item = &'a str>) -> Option<(&'a str, &'static Sentence)> {
    let mut last: Option<(&str, &Sentence)> = None;
    for line in lines {
        let Some(said) = sentence_in(line) else {
            continue;
        };
        let is_news = !said.is_general || last.is_none_or(|(_, last)| last.is_general);
        if is_news {
            last = Some((line, said));
        }
    }
    last
}

/// A line without the time that the runner writes before it (`2026-11-30 09:00:00Z: `).
pub fn without_time(line: &str) -> &str {
    match line.split_once("Z: ") {
        Some((time, rest))
            if time.len() == 19 && time.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            rest.trim()
        }
        _ => line.trim(),
    }
}

/// A function of the script that tells whether a line is telling: general ones only where nothing was told before.
pub fn shell_function() -> String {
    let patterns = |is_general: bool| {
        let rows = SENTENCES.iter().filter(|row| row.is_general == is_general);
        let rows: Vec<String> = rows.map(|row| format!("*'{}'*", row.pattern)).collect();
        rows.join("|")
    };
    format!(
        "tells() {{\ncase $1 in\n{}) ;;\n{}) [ ! -s \"$dir/said\" ] ;;\n*) return 1 ;;\nesac\n}}\n",
        patterns(false),
        patterns(true)
    )
}
