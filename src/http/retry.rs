//! What may be repeated, and when: pure.

use std::time::Duration;

use reqwest::StatusCode;

use super::{Answer, Request};

/// How often and how fast failed requests are repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often a request is sent, the first time included.
    pub tries: u32,
    /// The first pause.
    pub first: Duration,
    /// The longest pause that we choose ourselves; a server may ask for more.
    pub cap: Duration,
}

impl Default for Retry {
    /// Pauses of 0.5, 1, 2 and 4 s, less what chance takes off: a restart of a gateway is outlived.
    fn default() -> Self {
        Self {
            tries: 5,
            first: Duration::from_millis(500),
            cap: Duration::from_secs(10),
        }
    }
}

/// A server's wish to be left alone, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// For how long.
    pub pause: Pause,
    /// Why, for people: half a sentence that names the limit.
    pub reason: String,
}

/// How long a server wants to be left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// For as long as it says. One that says so again and again is left alone for longer.
    For(Duration),
    /// It does not say how long: so long, and twice as long each time, up to 15 minutes.
    Growing(Duration),
}

/// Where a pause that nobody has told stops growing.
const LONGEST_UNTOLD: Duration = Duration::from_mins(15);

impl Pause {
    /// The pause after the server has said so `times` times in a row, from 1.
    pub(super) fn length(self, times: u32) -> Duration {
        let growth = 2u32.saturating_pow(times.saturating_sub(1));
        match self {
            Self::For(pause) if times > 1 => pause.max(Duration::from_secs(1) * growth.min(900)),
            Self::For(pause) => pause,
            Self::Growing(first) => first.saturating_mul(growth).min(LONGEST_UNTOLD.max(first)),
        }
    }

    /// Whether the server says when it ends.
    pub(super) fn is_told(self) -> bool {
        matches!(self, Self::For(_))
    }
}

/// What one try came to, as far as repeating it is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TryOutcome {
    /// Failed in a way that no repetition mends.
    Broken,
    /// Refused unseen: the server wants to be left alone for a while.
    Limited,
    /// Timed out or cut off: it may have been carried out.
    Lost,
    /// Never left this machine.
    NotSent,
    /// Answered.
    Status(StatusCode),
}

/// What to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RetryDecision {
    /// Nobody knows whether it was carried out: do not repeat it.
    Ambiguous,
    /// Send it again after a short pause.
    Repeat,
    /// That is the result.
    Take,
    /// Send it again when the server wants to hear of us again.
    Wait,
}

/// Decides whether a request may be repeated, and whether that may help.
pub(super) fn judge(request: &Request, outcome: TryOutcome) -> RetryDecision {
    let harmless = request.may_be_repeated();
    let unclear = if harmless {
        RetryDecision::Repeat
    } else {
        RetryDecision::Ambiguous
    };
    match outcome {
        TryOutcome::Broken => RetryDecision::Take,
        TryOutcome::Limited => RetryDecision::Wait,
        TryOutcome::Lost => unclear,
        TryOutcome::NotSent => RetryDecision::Repeat,
        TryOutcome::Status(status) => match status.as_u16() {
            429 => RetryDecision::Wait,
            // "Not implemented" and "version not supported" stay so.
            501 | 505 if harmless => RetryDecision::Take,
            408 | 500..=599 => unclear,
            _ => RetryDecision::Take,
        },
    }
}

/// Reads 429 (RFC 6585) with `Retry-After`.
pub fn too_many(answer: &Answer) -> Option<Limit> {
    (answer.status == StatusCode::TOO_MANY_REQUESTS).then(|| Limit {
        pause: answer
            .retry_after()
            .map_or(Pause::Growing(Duration::ZERO), Pause::For),
        reason: "too many requests".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use reqwest::Method;

    use super::*;

    fn request(method: &str) -> Request {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        Request::new(method, "http://x".parse().expect("a URL"))
    }

    /// Every status code by every method, neighbours with the same verdict in one line.
    fn table() -> String {
        let methods = ["GET", "HEAD", "PUT", "DELETE", "POST", "PATCH"].map(request);
        let verdicts = |outcome: TryOutcome| -> String {
            methods
                .each_ref()
                .map(|method| format!("{:<10}", format!("{:?}", judge(method, outcome))))
                .concat()
                .trim_end()
                .to_owned()
        };
        let head = methods
            .each_ref()
            .map(|method| format!("{:<10}", method.method.as_str()))
            .concat();
        let mut lines = vec![format!("{:<10}{}", "", head.trim_end())];
        for (name, outcome) in [
            ("broken", TryOutcome::Broken),
            ("limited", TryOutcome::Limited),
            ("lost", TryOutcome::Lost),
            ("not sent", TryOutcome::NotSent),
        ] {
            lines.push(format!("{name:<10}{}", verdicts(outcome)));
        }
        let mut first = 100;
        for code in 100..=599u16 {
            let of = |code: u16| {
                verdicts(TryOutcome::Status(
                    StatusCode::from_u16(code).expect("a status"),
                ))
            };
            if code == 599 || of(code) != of(code + 1) {
                lines.push(format!("{:<10}{}", format!("{first}-{code}"), of(code)));
                first = code + 1;
            }
        }
        lines.join("\n")
    }

    #[test]
    fn what_is_repeated_is_what_the_table_says() {
        insta::assert_snapshot!(table(), @"
                  GET       HEAD      PUT       DELETE    POST      PATCH
        broken    Take      Take      Take      Take      Take      Take
        limited   Wait      Wait      Wait      Wait      Wait      Wait
        lost      Repeat    Repeat    Repeat    Repeat    Ambiguous Ambiguous
        not sent  Repeat    Repeat    Repeat    Repeat    Repeat    Repeat
        100-407   Take      Take      Take      Take      Take      Take
        408-408   Repeat    Repeat    Repeat    Repeat    Ambiguous Ambiguous
        409-428   Take      Take      Take      Take      Take      Take
        429-429   Wait      Wait      Wait      Wait      Wait      Wait
        430-499   Take      Take      Take      Take      Take      Take
        500-500   Repeat    Repeat    Repeat    Repeat    Ambiguous Ambiguous
        501-501   Take      Take      Take      Take      Ambiguous Ambiguous
        502-504   Repeat    Repeat    Repeat    Repeat    Ambiguous Ambiguous
        505-505   Take      Take      Take      Take      Ambiguous Ambiguous
        506-599   Repeat    Repeat    Repeat    Repeat    Ambiguous Ambiguous
        ");
    }

    #[test]
    fn a_creation_that_does_no_harm_is_repeated_like_a_reading() {
        let harmless = request("POST").repeatable();
        for code in [200, 404, 408, 429, 500, 501, 503] {
            let status = TryOutcome::Status(StatusCode::from_u16(code).expect("a status"));
            assert_eq!(judge(&harmless, status), judge(&request("GET"), status));
        }
        assert_eq!(judge(&harmless, TryOutcome::Lost), RetryDecision::Repeat);
    }

    #[test]
    fn an_unsaid_pause_doubles_and_a_said_one_does_not() {
        let second = Duration::from_secs(1);
        let lengths = |pause: Pause| [1, 2, 3].map(|times| pause.length(times).as_secs());
        assert_eq!(lengths(Pause::Growing(second * 60)), [60, 120, 240]);
        assert_eq!(lengths(Pause::For(second * 7)), [7, 7, 7]);
        // Who always says "at once" and never means it is not asked on and on.
        assert_eq!(lengths(Pause::For(Duration::ZERO)), [0, 2, 4]);
        let quarter = Duration::from_mins(15);
        assert_eq!(Pause::Growing(second).length(u32::MAX), quarter);
        assert_eq!(Pause::For(second).length(u32::MAX), quarter);
        assert_eq!(Pause::For(4 * quarter).length(u32::MAX), 4 * quarter);
        assert_eq!(Pause::Growing(2 * quarter).length(3), 2 * quarter);
    }
}
