//! What a program says of its machines: the lines of its list, and the tags in them.

use std::collections::BTreeMap;

use crate::model::text::{cut, one_line};
use crate::model::{Condition, InstanceId, MANAGED_BY, Tags};
use crate::providers::{Error, ErrorKind, MayBe, Unjudged};

/// The form of tags in one word; another form begins otherwise.
const VERSION: &str = "1";
/// How all keys of tags but one begin.
const PREFIX: &str = "gharun-";
/// How long an id may be: it is part of what people type.
const LONGEST_ID: usize = 200;
/// As much of a line is told that cannot be read.
const TOLD: usize = 100;

/// A machine as a program lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// What the program calls it.
    pub(super) id: String,
    /// What it is doing.
    pub(super) state: Condition,
    /// What it was given as its tags.
    pub(super) tags: String,
}

/// Reads a whole list. What is told of it, `hide` makes fit to be shown.
///
/// # Errors
///
/// Why a list proves nothing: a line of it cannot be read, or its last line is not `end`.
pub(super) fn read(printed: &[u8], hide: impl Fn(&str) -> String) -> Result<Vec<Row>, String> {
    let text = String::from_utf8_lossy(printed);
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let lines = text.lines().enumerate();
    let mut lines = lines.filter(|(_, line)| !line.trim().is_empty());
    let mut ended = false;
    for (number, line) in &mut lines {
        if line == "end" {
            ended = true;
            break;
        }
        let row = row(line, &hide).map_err(|why| {
            let line = cut(&hide(&one_line(line)), TOLD);
            format!("line {} of its list {why}: `{line}`", number + 1)
        })?;
        if let Some(other) = rows.insert(row.id.clone(), row.clone())
            && other.tags != row.tags
        {
            let id = hide(&row.id);
            return Err(format!("its list has two machines with the ID `{id}`"));
        }
    }
    if !ended {
        return Err("the last line of its list must be `end`, and is missing".to_owned());
    }
    match lines.next() {
        None => Ok(rows.into_values().collect()),
        Some(_) => Err("its list must have nothing after the line `end`".to_owned()),
    }
}

fn row(line: &str, hide: impl Fn(&str) -> String) -> Result<Row, &'static str> {
    let mut columns = line.split('\t');
    let mut column = || columns.next().map(str::trim);
    let (Some(id), Some(state), Some(tags)) = (column(), column(), column()) else {
        return Err("must be `ID`, `STATE` and `TAGS` with a tab between");
    };
    if !is_id(id) {
        return Err("must begin with an ID: one word of up to 200 visible characters");
    }
    let state = match state.split_once(' ').unwrap_or((state, "")) {
        ("pending", "") => Condition::Pending,
        ("running", "") => Condition::Running,
        ("ended", "") => Condition::Ended("ended".to_owned()),
        ("ended", how) => Condition::Ended(cut(&hide(&one_line(how)), TOLD)),
        _ => {
            return Err("must have the state `pending`, `running`, or `ended` and a reason");
        }
    };
    Ok(Row {
        id: id.to_owned(),
        state,
        tags: tags.to_owned(),
    })
}

/// Whether a text can be the id of a machine.
pub(super) fn is_id(text: &str) -> bool {
    let fine = |c: char| !c.is_whitespace() && !crate::model::text::is_harmful(c);
    !text.is_empty() && text.len() <= LONGEST_ID && text.chars().all(fine)
}

/// Tags in one word without blanks: letters, digits and `._-,=%`.
pub(super) fn pack(tags: &Tags) -> String {
    let pairs = tags.pairs().into_iter();
    let pairs = pairs.filter_map(|(key, value)| {
        let key = key.strip_prefix(PREFIX)?;
        Some(format!(",{key}={}", encode(&value)))
    });
    format!("{VERSION}{}", pairs.collect::<String>())
}

/// Reads such a word; `None` where it is not whole.
pub(super) fn unpack(word: &str) -> Option<Tags> {
    let mut parts = word.split(',');
    if parts.next() != Some(VERSION) {
        return None;
    }
    let pairs: Option<Vec<(String, String)>> = parts
        .map(|part| {
            let (key, value) = part.split_once('=')?;
            Some((format!("{PREFIX}{key}"), decode(value)?))
        })
        .collect();
    let ours = (MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned());
    Tags::from_pairs(pairs?.into_iter().chain([ours]))
}

/// A machine whose tags are not whole. Where they do not even begin as ours do nothing says that gharun made it, and it
/// stays whatever anybody asks for; a launch that has no answer yet is in doubt by itself.
pub(super) fn unreadable(id: InstanceId, word: &str) -> Unjudged {
    let unjudged = Unjudged::by_tags(id, |_| None);
    if word.split(',').next() == Some(VERSION) {
        return unjudged;
    }
    let error = Error::new(
        ErrorKind::Unexpected,
        "its list has a machine whose tags could not be read",
    )
    .hinted("let `list` show only what gharun launched, with `$GHARUN_TAGS` as it was");
    Unjudged {
        may_be: MayBe::Nobodys,
        ..unjudged.foreign(error)
    }
}

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(format!("%{byte:02X}").chars());
        }
    }
    out
}

fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        out.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::contract::{order, plain_order};

    #[test]
    fn tags_survive_their_way_in_one_word() {
        for order in [order("t"), plain_order("t")] {
            let word = pack(&order.tags);
            let fine = |c: char| c.is_ascii_alphanumeric() || "._-,=%".contains(c);
            assert!(word.chars().all(fine), "{word}");
            assert!(word.len() < 500, "{}: {word}", word.len());
            assert_eq!(unpack(&word), Some(order.tags));
        }
        let word = pack(&order("t").tags);
        for broken in ["", "1", "2,name=x", &word[..word.len() / 2], "1,name=%4"] {
            assert_eq!(unpack(broken), None, "{broken}");
        }
    }

    fn read(printed: &[u8]) -> Result<Vec<Row>, String> {
        super::read(printed, |text| text.replace("hush", "***"))
    }

    #[test]
    fn what_must_not_be_shown_is_hidden_where_a_list_is_told_and_kept_where_it_is_used() {
        let rows = read(b"hush-1\tended of hush\t1,hush\nend\n").expect("it is whole");
        let [row] = rows.as_slice() else {
            panic!("{rows:?}")
        };
        assert_eq!((row.id.as_str(), row.tags.as_str()), ("hush-1", "1,hush"));
        assert_eq!(row.state, Condition::Ended("of ***".into()));
        let long = "x".repeat(TOLD - 2);
        let why = read(format!("{long}hush\nend\n").as_bytes()).expect_err("no tabs");
        assert!(!why.contains("hu"), "{why}");
        let why = read(b"hush\trunning\tx\nhush\trunning\ty\nend\n").expect_err("two of an id");
        assert!(why.contains("`***`"), "{why}");
    }

    #[test]
    fn a_list_is_read_whole_or_not_at_all() {
        let list = "a\trunning\tx\nb\tpending\t\n\nc\tended exit code 1\tz\textra\nend\n";
        let rows = read(list.as_bytes()).expect("it is whole");
        let read_back: Vec<(&str, &Condition, &str)> = rows
            .iter()
            .map(|row| (row.id.as_str(), &row.state, row.tags.as_str()))
            .collect();
        let ended = Condition::Ended("exit code 1".into());
        let expected = [
            ("a", &Condition::Running, "x"),
            ("b", &Condition::Pending, ""),
            ("c", &ended, "z"),
        ];
        assert_eq!(read_back, expected);
        assert_eq!(read(b"end\n"), Ok(vec![]));
        for (broken, told) in [
            ("", "must be `end`, and is missing"),
            ("a\trunning\tx\n", "must be `end`, and is missing"),
            ("end\na\trunning\tx\n", "nothing after the line `end`"),
            ("a running x\nend\n", "line 1 of its list must be `ID`"),
            ("a\tasleep\tx\nend\n", "must have the state `pending`"),
            (
                "\n\trunning\tx\nend\n",
                "line 2 of its list must begin with",
            ),
            ("a b\trunning\tx\nend\n", "must begin with an ID"),
            ("a\trunning\tx\na\trunning\ty\nend\n", "two machines"),
            ("Error: no daemon\nend\n", "`Error: no daemon`"),
        ] {
            let why = read(broken.as_bytes()).expect_err("it is not whole");
            assert!(why.contains(told), "{broken:?}: {why}");
        }
    }
}
