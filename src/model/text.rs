//! Text from outside, made harmless; words for a shell; and times for people.

use std::time::Duration;

use jiff::{SignedDuration, Unit};

/// Whether a terminal obeys a character, or a reader is fooled by it: control characters, line and paragraph
/// separators, and Unicode's explicit directional marks. Line ends and tabs are harmless.
pub fn is_harmful(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && !matches!(c, '\n' | '\t'))
}

/// Text without what is harmful in it. Line ends and tabs stay; a lone carriage return, by which one line
/// hides another, becomes a line end.
pub fn plain(text: &str) -> String {
    cleaned(text, |_, _| {})
}

/// The same text with what is harmful shown as an escape (`\u{202e}`). Colours and cursor movements go.
pub fn shown(text: &str) -> String {
    cleaned(text, |c, out| out.extend(c.escape_unicode()))
}

/// Text on one line, with single blanks between its words and nothing harmful in it.
pub fn one_line(text: &str) -> String {
    let text = cleaned(text, |_, out| out.push(' '));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cleaned(text: &str, mut harmful: impl FnMut(char, &mut String)) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::with_capacity(text.len());
    // Line by line, so that a sequence that ends nowhere hides nothing of other lines.
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let length = sequence(rest);
            if length == 0 && is_harmful(c) {
                harmful(c, &mut out);
            } else if length == 0 {
                out.push(c);
            }
            rest = &rest[length.max(c.len_utf8())..];
        }
    }
    out
}

/// How many bytes the control sequence at the beginning of a text has (ECMA-48); 0 where there is none, or
/// it does not end.
fn sequence(text: &str) -> usize {
    let length = || {
        let mut chars = text.chars();
        // The form in one character, or the one that begins with ESC.
        let kind = match chars.next()? {
            '\u{1b}' => chars.next()?,
            c @ ('\u{90}' | '\u{98}' | '\u{9b}' | '\u{9d}'..='\u{9f}') => {
                char::from(u8::try_from(u32::from(c) - 0x40).ok()?)
            }
            _ => return None,
        };
        let rest = chars.as_str();
        let ends_with = |begins: fn(char) -> bool, ends: fn(char) -> bool| {
            let last = rest.find(|c| !begins(c))?;
            rest[last..].starts_with(ends).then_some(last + 1)
        };
        let end = match kind {
            '[' => ends_with(|c| matches!(c, ' '..='?'), |c| matches!(c, '@'..='~'))?,
            // A string, such as the title of a window.
            'P' | 'X' | ']' | '^' | '_' => {
                let ends = ["\u{7}", "\u{1b}\\", "\u{9c}"].into_iter();
                ends.filter_map(|end| Some(rest.find(end)? + end.len()))
                    .min()?
            }
            ' '..='/' => ends_with(|c| matches!(c, ' '..='/'), |c| matches!(c, '0'..='~'))?,
            '0'..='~' => 0,
            _ => return None,
        };
        Some(text.len() - rest.len() + end)
    };
    length().unwrap_or(0)
}

/// At most `most` bytes, cut at a character and with a sign of the cut.
pub fn cut(text: &str, most: usize) -> String {
    const SIGN: &str = "…";
    if text.len() <= most {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(most.saturating_sub(SIGN.len()));
    format!("{}{SIGN}", &text[..end])
}

/// A length of time, to the second: `1m 12s`.
pub fn span(duration: Duration) -> String {
    let span = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    format!("{:#}", span.round(Unit::Second).unwrap_or(span))
}

/// One word for a POSIX shell, whatever the text holds.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// One word for a shell that people type in, whichever it is: quoted only where it must be.
pub fn typed(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_commands_no_terminal() {
        for (text, harmless, removed) in [
            ("plain é 🚀\n\tline\n", "plain é 🚀\n\tline\n", None),
            ("\u{1b}[31mred\u{1b}[0m", "red", None),
            ("\u{9b}2Jgone", "gone", None),
            ("\u{1b}]0;title\u{7}x", "x", None),
            (
                "\u{1b}]8;;http://e\u{1b}\\link\u{1b}]8;;\u{1b}\\",
                "link",
                None,
            ),
            ("\u{1b}(Bx\u{1b}cy", "xy", None),
            ("10%\r20%\r\n", "10%\n20%\n", None),
            ("a\u{202e}b\u{2066}c", "a\\u{202e}b\\u{2066}c", Some("abc")),
            ("a\u{61c}b\u{2028}c", "a\\u{61c}b\\u{2028}c", Some("abc")),
            ("\u{7}\u{0}\u{7f}", "\\u{7}\\u{0}\\u{7f}", Some("")),
        ] {
            assert_eq!(shown(text), harmless, "{text:?}");
            assert_eq!(plain(text), removed.unwrap_or(harmless), "{text:?}");
        }
    }

    #[test]
    fn nothing_of_any_control_sequence_is_left() {
        for c in ('\u{0}'..='\u{a0}').chain('\u{2000}'..='\u{2070}') {
            for text in [
                format!("{c}[2J"),
                format!("\u{1b}{c}x"),
                format!("\u{1b}[{c}x"),
                format!("x{c}"),
            ] {
                for left in [plain(&text), shown(&text), one_line(&text)] {
                    assert!(!left.contains(is_harmful), "{text:?} left {left:?}");
                }
            }
        }
    }

    #[test]
    fn a_sequence_that_does_not_end_hides_nothing() {
        let text = "before \u{1b}]0;never ended\nafter\u{1b}[1;";
        assert_eq!(plain(text), "before ]0;never ended\nafter[1;");
    }

    #[test]
    fn one_line_is_one_line() {
        let text = " \u{1b}[2Jgone\r\n\tis\u{202e}back\u{2028}\0 ";
        assert_eq!(one_line(text), "gone is back");
    }

    #[test]
    fn a_cut_is_at_a_character_and_shows() {
        assert_eq!(cut("abc", 3), "abc");
        let long = cut(&"é".repeat(10), 10);
        assert_eq!(long, "ééé…");
        assert!(long.len() <= 10);
    }

    #[test]
    fn a_span_is_told_to_the_second() {
        for (millis, told) in [
            (0, "0s"),
            (1_499, "1s"),
            (72_000, "1m 12s"),
            (3_600_000, "1h"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), told);
        }
    }

    #[test]
    fn a_word_for_a_shell_is_one_word() {
        assert_eq!(quoted("it's $x"), r"'it'\''s $x'");
        assert_eq!(typed("ssh://me@host:22/x"), "ssh://me@host:22/x");
        assert_eq!(typed(""), "''");
        assert_eq!(typed("a b"), "'a b'");
    }
}
