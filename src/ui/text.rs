//! Text for people and programs: made harmless, and broken into lines.

use std::fmt::Write as _;

use dialoguer::console::measure_text_width;

use crate::model::text::is_harmful;

/// Makes JSON harmless for terminals and runners without changing what it says: the characters
/// concerned can stand in strings alone, where an escape means the same.
pub(super) fn harmless_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_harmful(c) && c != '\r' {
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

/// Breaks lines between words, so that a terminal does not cut inside of them; what is broken goes on a little deeper than
/// it began. What stands between backticks is to be copied, and stays on one line where it fits.
pub(super) fn folded(text: &str, width: usize) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| fold(line, width)).collect();
    lines.join("\n")
}

/// How a line of somebody else's log begins.
const LOG: &str = "  | ";

fn fold(line: &str, width: usize) -> String {
    if measure_text_width(line) <= width {
        return line.to_owned();
    }
    let indent = line.len() - line.trim_start_matches(' ').len();
    if line.starts_with(LOG) {
        // A line of a log is as it was written.
        return line.to_owned();
    }
    let deeper = (indent + 2).min(width / 2);
    let mut folded = " ".repeat(indent);
    let mut at = indent;
    for (number, word) in words(line.trim_start_matches(' '), width - deeper)
        .iter()
        .enumerate()
    {
        let length = measure_text_width(word);
        if number > 0 && at + 1 + length > width {
            folded.push('\n');
            // A whole word is worth more than its indent; what fits nowhere is the terminal's to cut.
            at = width
                .checked_sub(length)
                .map_or(deeper, |most| deeper.min(most));
            folded.push_str(&" ".repeat(at));
        } else if number > 0 {
            folded.push(' ');
            at += 1;
        }
        folded.push_str(word);
        at += length;
    }
    folded
}

/// The words of a line; what stands between backticks is one word, unless it is longer than that.
fn words(line: &str, most: usize) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for word in line.split(' ') {
        match words.last_mut() {
            Some(last)
                if is_open && measure_text_width(last) + 1 + measure_text_width(word) <= most =>
            {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
        if word.matches('`').count() % 2 == 1 {
            is_open = !is_open;
        }
    }
    words
}

/// Takes from harmless text what a runner would carry out: `::command::` at the beginning of a
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_says_the_same_after_it_was_made_harmless() {
        let value = serde_json::json!({"error": "\u{202e}##[error]\u{9b}2J\u{1b}[31m \u{1f680}"});
        let json = serde_json::to_string_pretty(&value).unwrap();
        let harmless = harmless_json(&json);
        assert!(!harmless.contains("##[") && !harmless.chars().any(is_harmful));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&harmless).unwrap(),
            value
        );
    }

    #[test]
    fn lines_break_between_words_and_not_inside_of_what_is_copied() {
        assert_eq!(folded("a short one", 20), "a short one");
        assert_eq!(
            folded("  cause: one two three four\nnext", 16),
            "  cause: one two\n    three four\nnext"
        );
        assert_eq!(
            folded("end it with `gharun stop x` soon", 20),
            "end it with\n  `gharun stop x`\n  soon"
        );
        assert_eq!(
            folded(&format!("a {} b", "y".repeat(19)), 20),
            format!("a\n {}\n  b", "y".repeat(19))
        );
        let long = "x".repeat(30);
        assert_eq!(
            folded(&format!("a {long} b"), 20),
            format!("a\n  {long}\n  b")
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
}
