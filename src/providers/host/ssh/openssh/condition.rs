//! The conditions of `Match`, judged as far as that can be done without running anything.

use super::patterns::listed;
use super::words;

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// Only `ssh` can tell: it would run a command, or look at something that is not looked at here.
    Unknown,
}

/// What conditions are judged by.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    /// The host's name as it stands now.
    pub(super) host: &'a str,
    /// The host's name as it was written.
    pub(super) original: &'a str,
    pub(super) user: &'a str,
    pub(super) local_user: &'a str,
    pub(super) tag: Option<&'a str>,
    /// Whether this is the second reading.
    pub(super) is_final: bool,
}

/// What came of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) verdict: Verdict,
    /// Whether it asks for a second reading.
    pub(super) wants_final: bool,
}

/// Judges the rest of a `Match` line.
pub(super) fn judge(rest: &str, scene: &Scene<'_>) -> Judgement {
    let words = words::condition(rest);
    let words: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .take_while(|word| !word.starts_with('#'))
        .collect();
    let mut judgement = Judgement {
        verdict: if words.is_empty() {
            Verdict::Unknown
        } else {
            Verdict::Yes
        },
        wants_final: false,
    };
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let (is_negated, name) = match word.strip_prefix('!') {
            Some(name) => (true, name),
            None => (false, word),
        };
        let name = name.to_ascii_lowercase();
        let holds = match name.as_str() {
            "all" => Some(true),
            "canonical" => Some(scene.is_final),
            "final" => {
                judgement.wants_final = true;
                Some(scene.is_final)
            }
            _ => match (name.as_str(), words.next()) {
                ("host", Some(list)) => {
                    let list = list.to_ascii_lowercase();
                    Some(listed(&list, &scene.host.to_ascii_lowercase()))
                }
                ("originalhost", Some(list)) => {
                    let list = list.to_ascii_lowercase();
                    Some(listed(&list, &scene.original.to_ascii_lowercase()))
                }
                ("user", Some(list)) => Some(listed(list, scene.user)),
                ("localuser", Some(list)) => Some(listed(list, scene.local_user)),
                ("tagged", Some(list)) => Some(listed(list, scene.tag.unwrap_or_default())),
                // `exec`, which is never run, and what else there may be.
                _ => None,
            },
        };
        judgement.verdict = match (holds, judgement.verdict) {
            (Some(holds), _) if holds == is_negated => Verdict::No,
            (None, Verdict::Yes) => Verdict::Unknown,
            (_, verdict) => verdict,
        };
    }
    judgement
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(rest: &str) -> Verdict {
        let scene = Scene {
            host: "pi.lab",
            original: "pi",
            user: "me",
            local_user: "ann",
            tag: None,
            is_final: false,
        };
        judge(rest, &scene).verdict
    }

    #[test]
    fn a_command_is_in_doubt_only_where_nothing_else_decides() {
        use Verdict::{No, Unknown, Yes};
        for (rest, expected) in [
            ("all", Yes),
            ("!all", No),
            ("host *.LAB,x originalhost PI", Yes),
            ("!host *.lab", No),
            ("user me localuser ann", Yes),
            ("user ann", No),
            ("exec true", Unknown),
            ("!exec true", Unknown),
            ("exec true user ann", No),
            ("user ann exec true", No),
            ("user me exec true # x", Unknown),
            ("localnetwork 10.0.0.0/8", Unknown),
            ("final", No),
            ("!canonical", Yes),
            ("", Unknown),
            ("host", Unknown),
        ] {
            assert_eq!(verdict(rest), expected, "{rest}");
        }
    }
}
