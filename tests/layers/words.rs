//! What the program says to people: its literals, and the turns of phrase that none of them may have.

/// Turns of phrase that read like a translation, each with what is said instead. `*` stands for the
/// first letter of a word, or a backtick.
const STRANGE: &[(&str, &str)] = &[
    ("all the same", "`… yourself with …`"),
    ("anew", "`again`"),
    ("any more", "`no longer`"),
    ("are none", "`no X was found`"),
    ("as in `", "`such as`"),
    ("as it stands", "`as in`"),
    ("at work", "`running`, `active`"),
    ("bear the name", "`have the name`"),
    ("bears the name", "`has the name`"),
    ("cannot be ``", "name the value, or say that it is empty"),
    ("cannot be asked", "`could not query`"),
    ("cannot be looked", "`could not look`"),
    ("cannot be told", "`is unknown`, `could not tell`"),
    ("could not be asked", "`could not ask`, `could not query`"),
    ("could not be looked", "`could not look`"),
    ("could not be told", "`is unknown`, `could not tell`"),
    ("did not say", "`no answer from`"),
    ("for ever", "`no limit`"),
    ("gave up the", "`replaced`"),
    ("has to be heeded", "`must`"),
    ("in its place", "`instead`"),
    ("in the place of", "`instead of`"),
    ("is none", "`is not a valid X`, `must be Y`"),
    ("is not told", "`is unknown`"),
    ("is to be *", "`must`"),
    ("is yet *", "`is still`"),
    ("just now", "say what could not be done"),
    ("kind to", "`recommended`"),
    ("knows no *", "`has no`"),
    ("leads on", "`redirects`"),
    ("left alone", "`leaving it alone`"),
    ("may or may not", "`may`"),
    ("no more", "`no longer`"),
    ("nobody", "say what is missing"),
    ("not understood", "`invalid X`"),
    ("nothing says", "`set X`"),
    ("passed over", "`skipping`"),
    ("pretend", "`test`"),
    ("proved", "`confirmed`"),
    ("second look", "`on recheck`"),
    ("shall", "`should`"),
    ("somebody", "`someone`"),
    ("spoken", "`supported`"),
    ("stand-in", "`stub`"),
    ("takes no *", "`does not accept`"),
    ("the number of one", "`an ID`"),
    ("there are no *", "`no X is set`, `X does not exist`"),
    ("there is no *", "`no X is set`, `X does not exist`"),
    ("to be had", "`available`"),
    ("to whom", "`visibility`"),
    ("unseen", "`unchecked`"),
    ("given up", "`was cancelled`"),
    ("was yet *", "`was still`"),
    ("whoever", "name who"),
    ("without an end", "`too long`"),
    ("without words", "`unknown`"),
    ("written down", "`recorded`"),
    // After `there is no`: the first one that is found is named.
    ("is no *", "`is not a valid X`"),
];

/// What holds one of them and is plain all the same.
const PLAIN: &[&str] = &["is no longer", "no more than"];

/// The texts of all string literals of a file, in order, as they are spelt; lines that a `\` joins
/// are joined.
pub(crate) fn literals(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let end = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if first == '\'' {
            character(rest)
        } else if first == '"' {
            let end = closed(rest);
            found.push(joined(&rest[1..end - 1]));
            end
        } else if first == 'r' && !before.is_alphanumeric() && before != '_' {
            match raw(rest) {
                Some((text, end)) => {
                    found.push(text.to_owned());
                    end
                }
                None => 1,
            }
        } else {
            first.len_utf8()
        };
        before = first;
        rest = &rest[end..];
    }
    found
}

/// The length of a character literal; of a lifetime, only its quote.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some((escaped, _))) => text[escaped + 1..]
            .find('\'')
            .map_or(text.len(), |end| escaped + 1 + end + 1),
        (Some(_), Some((end, '\''))) => end + 1,
        _ => 1,
    }
}

/// The length of a literal from its first quote to its last.
pub(crate) fn closed(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    panic!("a literal without an end: {text}");
}

/// The text of a raw literal, and the length of the whole.
fn raw(text: &str) -> Option<(&str, usize)> {
    let hashes = text[1..].chars().take_while(|c| *c == '#').count();
    let inside = text[1 + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inside.find(&end)?;
    Some((&inside[..length], 1 + hashes + 1 + length + end.len()))
}

fn joined(text: &str) -> String {
    let mut parts = text.split("\\\n");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| all + part.trim_start())
}

/// What is strange about a text.
pub(crate) fn strange(text: &str) -> Option<String> {
    let mut bare = text.to_lowercase();
    for plain in PLAIN {
        bare = bare.replace(plain, "");
    }
    let (turn, better) = STRANGE.iter().find(|(turn, _)| holds(&bare, turn))?;
    let turn = turn.trim_end_matches(" *");
    Some(format!("`{turn}` in {text:?}: say {better}"))
}

/// Literals that close what another one opens, and words of others that are looked for.
const IN_PARTS: &[&str] = &[
    ": read`",
    ": write`",
    "` or `",
    "` was not defined",
    "{first}` and `{}",
];

/// What is wrong with the backticks of a text: one that stands alone, or nothing between two, as where one value in
/// backticks holds another.
pub(crate) fn unpaired(text: &str) -> Option<String> {
    let says = text.chars().any(char::is_alphanumeric) && text.contains(' ');
    if !says || IN_PARTS.contains(&text) {
        return None;
    }
    let parts: Vec<&str> = text.split('`').collect();
    let mut quoted = parts.iter().skip(1).step_by(2);
    let is_odd = parts.len().is_multiple_of(2);
    let is_loose = |part: &&str| part.is_empty() || part.trim() != *part;
    (is_odd || quoted.any(is_loose)).then(|| format!("backticks that are not paired in {text:?}"))
}

fn holds(text: &str, turn: &str) -> bool {
    let (turn, goes_on) = match turn.strip_suffix('*') {
        Some(turn) => (turn, true),
        None => (turn, false),
    };
    text.match_indices(turn).any(|(at, _)| {
        let whole = !text[..at].ends_with(char::is_alphanumeric);
        let next = text[at + turn.len()..].chars().next();
        let follows = next.is_some_and(|c| c.is_ascii_lowercase() || c == '`');
        let ends =
            !turn.ends_with(char::is_alphanumeric) || !next.is_some_and(char::is_alphanumeric);
        whole && if goes_on { follows } else { ends }
    })
}

#[test]
fn literals_are_found_wherever_they_stand() {
    let code = r##"
fn f<'a>(x: &'a str) -> char {
    // "not this", 'nor this'
    let all = ["one", r"t\wo", r#"th"ree"#, b"four", "fi\"ve\\"]; // "nor this"
    let quotes = ['"', '\'', '\\', '\u{22}', 'é'];
    say("seven \
         words", stir"eight", format!("{x} nine"));
    /* "nor this" */
}
"##;
    assert_eq!(
        literals(code),
        [
            "one",
            "t\\wo",
            "th\"ree",
            "four",
            "fi\\\"ve\\\\",
            "seven words",
            "eight",
            "{x} nine"
        ]
    );
}

#[test]
fn every_strange_turn_is_found_and_no_plain_one() {
    for (turn, _) in STRANGE {
        let text = format!("the `x` {}", turn.replace('*', "region"));
        let named = format!("`{}`", turn.trim_end_matches(" *"));
        let what = strange(&text).unwrap_or_default();
        assert!(what.starts_with(&named), "{text}: {what}");
    }
    for plain in [
        "`x` is not a valid region: write one such as `us-east-1`",
        "GitHub no longer accepts this version, which is no longer offered",
        "no more than 20 items are allowed",
        "this is nonetheless anybody's; there is nothing to stop",
    ] {
        assert_eq!(strange(plain), None);
    }
}

#[test]
fn backticks_that_are_not_paired_are_found() {
    for text in [
        "the input `runner-group`` cannot be `big`",
        "`the input `runner-group`` cannot be `big`",
        "set `region",
        "` region` is set",
        "`` cannot be used",
    ] {
        assert!(unpaired(text).is_some(), "{text}");
    }
    for text in [
        "set `region` or `$AWS_REGION`",
        "`",
        "`, `",
        "`{}`",
        "none at all",
    ] {
        assert_eq!(unpaired(text), None);
    }
}
