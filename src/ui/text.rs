//! Text for people: made harmless, and put into columns.

use std::fmt::Write as _;

use dialoguer::console::{measure_text_width, strip_ansi_codes};

/// Makes text from outside (boot logs, API messages, names) harmless for a terminal.
///
/// Line ends and tabs stay. Colours and cursor movements go; a lone carriage return, by which one
/// line hides another, becomes a line end; all other control characters and the marks that turn the
/// direction of writing are shown as escapes (`\u{202e}`).
pub fn sanitise(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::with_capacity(text.len());
    // Line by line, so that a sequence that never ends hides no more than its line.
    for line in text.split_inclusive('\n') {
        let (line, end) = match line.strip_suffix('\n') {
            Some(line) => (line, "\n"),
            None => (line, ""),
        };
        for c in strip_ansi_codes(line).chars() {
            if harmful(c) {
                out.extend(c.escape_unicode());
            } else {
                out.push(c);
            }
        }
        out.push_str(end);
    }
    out
}

/// What a terminal obeys or is confused by.
fn harmful(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && !matches!(c, '\n' | '\t'))
}

/// Makes JSON harmless for terminals and runners without changing what it says: the characters
/// concerned can stand in strings alone, where an escape means the same.
pub(super) fn harmless_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if harmful(c) && c != '\r' {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}").expect("a string takes all");
            }
        } else {
            out.push(c);
        }
    }
    out.replace("##[", "##\\u005b")
}

/// Takes from sanitised text what a runner would carry out: `::command::` at the beginning of a
/// line, and the older `##[command]` anywhere in one.
pub(super) fn defused(text: &str) -> String {
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| {
            let line = line.replace("##[", "## [");
            match line.trim_start().strip_prefix("::") {
                Some(rest) => format!(": :{rest}"),
                None => line,
            }
        })
        .collect();
    lines.join("\n")
}

/// Puts rows under a header, in columns two blanks apart, each as wide as its widest cell. Cells are
/// made harmless and kept on one line; no line ends in blanks.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let cell = |text: &str| sanitise(text).replace(['\n', '\t'], " ");
    let header: Vec<String> = header.iter().map(|text| cell(text)).collect();
    let mut lines = vec![header];
    lines.extend(
        rows.iter()
            .map(|row| row.iter().map(|text| cell(text)).collect()),
    );
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells
            .map(|cell| measure_text_width(cell))
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for line in &lines {
        let mut row = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            row.push_str(cell);
            row.extend(std::iter::repeat_n(
                ' ',
                width - measure_text_width(cell) + 2,
            ));
        }
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_commands_no_terminal() {
        for (text, harmless) in [
            (
                "plain \u{e9} \u{1f680}\n\tline\n",
                "plain \u{e9} \u{1f680}\n\tline\n",
            ),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}x", "x"),
            ("\u{1b}]8;;http://e\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("10%\r20%\r\n", "10%\n20%\n"),
            ("a\u{202e}b\u{2066}c", "a\\u{202e}b\\u{2066}c"),
            ("\u{7}\u{8}\u{0}\u{7f}", "\\u{7}\\u{8}\\u{0}\\u{7f}"),
        ] {
            assert_eq!(sanitise(text), harmless, "{text:?}");
        }
    }

    #[test]
    fn nothing_of_any_control_sequence_reaches_a_terminal() {
        for c in ('\u{0}'..='\u{a0}').chain('\u{2000}'..='\u{2070}') {
            for text in [format!("{c}[2J"), format!("\u{1b}{c}x"), format!("x{c}")] {
                let left = sanitise(&text);
                assert!(!left.chars().any(harmful), "{text:?} left {left:?}");
            }
        }
    }

    #[test]
    fn an_unfinished_sequence_hides_little() {
        let left = sanitise("before \u{1b}]0;never ended\nafter");
        assert!(
            left.starts_with("before ") && left.ends_with("after"),
            "{left:?}"
        );
    }

    #[test]
    fn json_says_the_same_after_it_was_made_harmless() {
        let value = serde_json::json!({"error": "\u{202e}##[error]\u{9b}2J\u{1b}[31m \u{1f680}"});
        let json = serde_json::to_string_pretty(&value).unwrap();
        let harmless = harmless_json(&json);
        assert!(!harmless.contains("##[") && !harmless.chars().any(harmful));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&harmless).unwrap(),
            value
        );
    }

    #[test]
    fn no_line_commands_a_runner() {
        let text = "fine\n  ::add-mask::x\nold ##[error]x\n::\na :: b";
        assert_eq!(
            defused(text),
            "fine\n: :add-mask::x\nold ## [error]x\n: :\na :: b"
        );
    }

    #[test]
    fn columns_are_aligned_and_lines_end_without_blanks() {
        let rows = vec![
            vec![
                "gharun-a".into(),
                "\u{65e5}\u{672c}".into(),
                "x\ny\u{1b}[31m".into(),
            ],
            vec!["b".into(), String::new(), String::new()],
        ];
        insta::assert_snapshot!(table(&["NAME", "WHERE", "WHY"], &rows), @r"
        NAME      WHERE  WHY
        gharun-a  日本   x y
        b
        ");
        assert!(
            table(&["NAME"], &rows)
                .lines()
                .all(|line| line.trim_end() == line)
        );
    }

    #[test]
    fn a_table_without_rows_is_its_header() {
        assert_eq!(table(&["NAME", "STATE"], &[]), "NAME  STATE\n");
    }
}
