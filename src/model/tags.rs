//! What a machine carries so that any gharun anywhere can judge it.

use std::num::NonZeroU16;
use std::time::Duration;

use jiff::Timestamp;

use super::{Name, Run, random};

/// The tag that says that a machine is ours.
pub const MANAGED_BY: (&str, &str) = ("managed-by", "gharun");

/// How many random characters tell starts apart.
const START: usize = 10;

/// The scope of machines that a rehearsal made.
pub const REHEARSAL: &str = "rehearsal";

/// Whether a key is one of those by which gharun knows its machines: no setting may set it.
pub fn is_reserved(key: &str) -> bool {
    key == MANAGED_BY.0 || key.starts_with("gharun-")
}

/// Chooses the id of a `start` process, which tells how many runners that is to bring up: whoever knows of as many
/// machines of it knows that none other is under way.
pub fn choose_start(count: NonZeroU16) -> String {
    format!("{}-{count}", random(START))
}

/// How many runners the start with this id was to bring up; `None` where an earlier version chose it.
pub fn count_of_start(start: &str) -> Option<usize> {
    start.split_once('-')?.1.parse().ok()
}

/// The tags of a machine, beside `managed-by`.
///
/// Keys and values are plain enough for every place: keys `[a-z-]`, values of at most 255
/// characters. A place with narrower rules encodes them, and decodes them in its `list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tags {
    /// The name of runner and machine.
    pub name: Name,
    /// `github.com` or the host of a GitHub Enterprise Server.
    pub server: String,
    /// The scope as `Scope` writes itself, or [`REHEARSAL`].
    pub scope: String,
    /// `owner/name` of the repository whose run started it.
    pub repository: Option<String>,
    /// GitHub's number of the runner.
    pub runner_id: Option<u64>,
    /// The run that started it.
    pub run: Option<Run>,
    /// The id of the `start` process, see [`choose_start`].
    pub start: String,
    /// What pairs a `start` with its `stop`.
    pub group: Option<String>,
    /// When it was ordered.
    pub created: Timestamp,
    /// Until when its start may still be at work.
    pub ready_by: Timestamp,
    /// When the machine ends itself, and is an orphan.
    pub expires: Timestamp,
    /// How long it waits for a job, to the second; `None` is for ever.
    pub idle_limit: Option<Duration>,
}

impl Tags {
    /// All tags, `managed-by` first, as key and value.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![
            (MANAGED_BY.0, MANAGED_BY.1.to_owned()),
            ("gharun-name", self.name.to_string()),
            ("gharun-server", self.server.clone()),
            ("gharun-scope", self.scope.clone()),
            ("gharun-start", self.start.clone()),
            ("gharun-created", self.created.as_second().to_string()),
            ("gharun-ready-by", self.ready_by.as_second().to_string()),
            ("gharun-expires", self.expires.as_second().to_string()),
            (
                "gharun-idle-limit",
                self.idle_limit
                    .map_or(0, |limit| limit.as_secs())
                    .to_string(),
            ),
        ];
        let mut add = |key, value: Option<String>| pairs.extend(value.map(|value| (key, value)));
        add("gharun-repository", self.repository.clone());
        add("gharun-runner-id", self.runner_id.map(|id| id.to_string()));
        add("gharun-run-id", self.run.map(|run| run.id.to_string()));
        add(
            "gharun-attempt",
            self.run.map(|run| run.attempt.to_string()),
        );
        add("gharun-group", self.group.clone());
        pairs
    }

    /// Reads tags back; `None` when the machine is not ours or its tags are not whole.
    pub fn from_lookup(tag: impl Fn(&str) -> Option<String>) -> Option<Self> {
        if tag(MANAGED_BY.0)? != MANAGED_BY.1 {
            return None;
        }
        let number = |key: &str| tag(key)?.parse::<u64>().ok();
        let time = |key: &str| Timestamp::from_second(i64::try_from(number(key)?).ok()?).ok();
        let run = number("gharun-run-id").zip(number("gharun-attempt"));
        Some(Self {
            name: tag("gharun-name")?.parse().ok()?,
            server: tag("gharun-server")?,
            scope: tag("gharun-scope")?,
            repository: tag("gharun-repository"),
            runner_id: number("gharun-runner-id"),
            run: run.and_then(|(id, attempt)| {
                Some(Run {
                    id,
                    attempt: u32::try_from(attempt).ok()?,
                })
            }),
            start: tag("gharun-start")?,
            group: tag("gharun-group"),
            created: time("gharun-created")?,
            ready_by: time("gharun-ready-by")?,
            expires: time("gharun-expires")?,
            idle_limit: number("gharun-idle-limit")
                .filter(|limit| *limit > 0)
                .map(Duration::from_secs),
        })
    }

    /// The same reading from pairs.
    pub fn from_pairs<K: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Option<Self> {
        let pairs: Vec<(K, V)> = pairs.into_iter().collect();
        Self::from_lookup(|key| {
            pairs
                .iter()
                .find(|(k, _)| k.as_ref() == key)
                .map(|(_, v)| v.as_ref().to_owned())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(run: Option<Run>) -> Tags {
        let created = Timestamp::from_second(1_795_507_200).expect("a time");
        let ready_by = Timestamp::from_second(1_795_508_100).expect("a time");
        Tags {
            name: Name::choose(run, 0, ready_by),
            server: "github.com".into(),
            scope: "acme/app".into(),
            repository: run.map(|_| "acme/app".into()),
            runner_id: run.map(|_| 42),
            run,
            start: "k3x9".into(),
            group: run.map(|_| "gpu".into()),
            created,
            ready_by,
            expires: Timestamp::from_second(1_795_532_400).expect("a time"),
            idle_limit: run.map(|_| Duration::from_mins(30)),
        }
    }

    #[test]
    fn tags_read_back_as_they_are_written() {
        for tags in [tags(None), tags(Some(Run { id: 7, attempt: 2 }))] {
            assert_eq!(Tags::from_pairs(tags.pairs()), Some(tags));
        }
    }

    #[test]
    fn a_start_tells_how_many_runners_it_is_to_bring_up() {
        let start = choose_start(NonZeroU16::new(16).expect("at least one"));
        assert_eq!(count_of_start(&start), Some(16), "{start}");
        for earlier in ["k3x9abcdef", "", "-", "a-", "a-b"] {
            assert_eq!(count_of_start(earlier), None, "{earlier}");
        }
    }

    #[test]
    fn every_key_of_ours_is_reserved_and_no_other() {
        for (key, _) in tags(Some(Run { id: 7, attempt: 2 })).pairs() {
            assert!(is_reserved(key), "{key}");
        }
        for key in ["", "gharun", "managed-by-us", "name"] {
            assert!(!is_reserved(key), "{key}");
        }
    }

    #[test]
    fn a_strangers_tags_are_not_ours() {
        let pairs = tags(None)
            .pairs()
            .into_iter()
            .filter(|(key, _)| *key != "managed-by");
        assert_eq!(Tags::from_pairs(pairs), None);
    }
}
