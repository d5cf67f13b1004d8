//! Words that differ from run to run, and what stands for each: of the same length, so that lines break where they did.

use regex::{Captures, Regex};

use crate::terminal::{COLUMNS, Screen};
use crate::world::World;

/// Stable words for those of one run.
pub(crate) struct Stable {
    /// What one row adds.
    volatile: Vec<(Regex, String)>,
    /// Exact words of this world.
    exact: Vec<(String, String)>,
}

impl Stable {
    pub(crate) fn new(world: &World, volatile: &[(String, String)]) -> Self {
        let regex = |text: &String| Regex::new(text).unwrap_or_else(|error| panic!("{error}"));
        let volatile = volatile.iter();
        let folder = world.folder.path().display().to_string();
        let exact = vec![
            (
                folder.clone(),
                resized("/home/ann/build", folder.len(), '-'),
            ),
            (
                world.repo().to_owned(),
                resized("octo/app-frontend", world.repo().len(), '_'),
            ),
        ];
        Self {
            volatile: volatile
                .map(|(regex_, to)| (regex(regex_), to.clone()))
                .collect(),
            exact,
        }
    }

    /// The last screen, where names are counted in the order in which they stand on it: what was drawn before is chance.
    pub(crate) fn screen(&self, written: &str) -> Vec<String> {
        let written = self.of(written);
        let lines = Screen::after(&written);
        // A name may be cut at the terminal's edge.
        let cut = |line: &String| {
            line.clone()
                + if line.chars().count() == COLUMNS {
                    ""
                } else {
                    "\n"
                }
        };
        let shown: String = lines.iter().map(cut).collect();
        let mut seen: Vec<(usize, usize)> = (0..99)
            .take_while(|at| written.contains(&stable_name(*at)))
            .map(|at| (shown.find(&stable_name(at)).unwrap_or(usize::MAX), at))
            .collect();
        seen.sort_unstable();
        let mut written = written;
        for (to, (_, from)) in seen.iter().enumerate() {
            let marked = stable_name(to).replace("tk", "TK");
            written = written.replace(&stable_name(*from), &marked);
        }
        Screen::after(&written.replace("TK3q8z0w5v2n", "tk3q8z0w5v2n"))
    }

    /// Text in which nothing differs from run to run.
    pub(crate) fn of(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.volatile {
            text = from.replace_all(&text, to.as_str()).into_owned();
        }
        for (from, to) in &self.exact {
            text = text.replace(from, to);
        }
        text = names(&text);
        for (from, to) in DIFFERS {
            let from = Regex::new(from).expect("it is tested");
            let stable = |found: &Captures| {
                let (whole, kept) = (
                    &found[0],
                    found.name("kept").map_or("", |kept| kept.as_str()),
                );
                let to = format!("{kept}{to}");
                if to.ends_with('…') {
                    resized(to.trim_end_matches('…'), whole.len(), '0')
                } else {
                    to
                }
            };
            text = from.replace_all(&text, stable).into_owned();
        }
        text
    }
}

/// What differs, and what stands for it; one that ends in `…` is brought to the length of what it stands for. The group `kept`
/// stays.
const DIFFERS: &[(&str, &str)] = &[
    (
        r"(?<kept>(127\.0\.0\.1|localhost|\[::1\]):)\d{4,5}\b",
        "40001",
    ),
    (
        r"request [0-9A-F]{4}:[0-9A-Z]{8}:[0-9A-F]+",
        "request 0A1B:2C3D4E5F:6A7B8C…",
    ),
    (
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",
        "2027-01-01T12:00:00Z",
    ),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "2027-01-01 12:00"),
    (r"\bt=\d{10}(\.\d+)?", "t=1790000000.123456789"),
    (r"\bi-[0-9a-f]{17}\b", "i-0123456789abcdef0"),
    (
        r"\b[0-9a-f]{64}\b",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ),
    (
        r"(?<kept>\b[a-z]+:)[0-9a-f]{12}/[0-9a-f]{12}\b",
        "0123456789ab/cdef01234567",
    ),
    (r"(?<kept>\b[a-z]+:)[0-9a-f]{12}/", "0123456789ab/"),
    (
        r"(?<kept>(online after|, in|was spent|ran for|was online,) )\d+(ms|\.\d+s|s)",
        "2s",
    ),
    // How old a machine was, with the blank of the column before it.
    (r"(?<kept>stopped  \S+  \S+  )\d+(ms|s|m( \d+s)?)\b", "2s"),
];

/// A text of a given length.
fn resized(text: &str, length: usize, fill: char) -> String {
    let mut resized: String = text.chars().take(length).collect();
    while resized.len() < length {
        resized.push(fill);
    }
    resized
}

/// What is unique in the name of a runner, by its number.
fn stable_name(at: usize) -> String {
    format!("tk3q8z0w5v2n{:02}", at + 1)
}

/// The names of runners are counted in the order in which they are read.
fn names(text: &str) -> String {
    let name = Regex::new(r"gharun-(\d+-\d+-(?<index>\d+)-)?(?<unique>t[0-9a-z]{13})\b")
        .expect("it is tested");
    let mut seen: Vec<String> = Vec::new();
    let named = name.replace_all(text, |found: &Captures| {
        let unique = &found["unique"];
        let at = seen.iter().position(|other| other == unique);
        let at = at.unwrap_or_else(|| {
            seen.push(unique.to_owned());
            seen.len() - 1
        });
        // Which of several comes first is chance.
        let run = found.name("index").map(|_| format!("7-1-{at}-"));
        format!("gharun-{}{}", run.unwrap_or_default(), stable_name(at))
    });
    let mut named = named.into_owned();
    for (at, unique) in seen.iter().enumerate() {
        named = named.replace(unique, &stable_name(at));
    }
    named
}

#[test]
fn words_keep_their_length() {
    let world = World::new();
    let stable = Stable::new(&world, &[("pod-[a-z]{4}".into(), "pod-aaaa".into())]);
    let folder = world.folder.path().display();
    let text = format!(
        "{folder}/x gharun-tabcdefghijk12 gharun-tbbbbbbbbbbbbb gharun-tabcdefghijk12: 127.0.0.1:51234 \
         i-00000000000000000 docker:aaaaaaaaaaaa/bbbbbbbbbbbb pod-wxyz {} request 0000:AAAAAAAA:1234567890",
        world.repo()
    );
    let stable = stable.of(&text);
    assert_eq!(stable.len(), text.len(), "{stable}");
    assert!(stable.contains(" gharun-tk3q8z0w5v2n01 gharun-tk3q8z0w5v2n02 gharun-tk3q8z0w5v2n01: 127.0.0.1:40001 i-0123456789abcdef0 docker:0123456789ab/cdef01234567 pod-aaaa "), "{stable}");
}
