//! Workflow commands: lines of the form `::name key=value,key=value::data`.
//!
//! Escapes are those of the runner's `ActionCommand`: <https://github.com/actions/runner>.

use dialoguer::console::strip_ansi_codes;

/// One command with its line end.
pub(super) fn command(name: &str, properties: &[(&str, &str)], data: &str) -> String {
    let properties: Vec<String> = properties
        .iter()
        .map(|(key, value)| format!("{key}={}", property(value)))
        .collect();
    let blank = if properties.is_empty() { "" } else { " " };
    format!(
        "::{name}{blank}{}::{}\n",
        properties.join(","),
        escaped(data)
    )
}

/// Text between two lines that stop and resume commands. The token must be random and fresh.
pub(super) fn fenced(text: &str, token: &str) -> String {
    let end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("::stop-commands::{token}\n{text}{end}::{token}::\n")
}

/// The per cent sign first, since the other escapes contain it.
fn escaped(data: &str) -> String {
    data.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(value: &str) -> String {
    escaped(value).replace(':', "%3A").replace(',', "%2C")
}

/// Foreign text without what a terminal or a reader would be fooled by: colours, cursor movements,
/// marks that turn the direction of writing. A lone carriage return becomes the line end that
/// the runner takes it for.
pub(super) fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    // Line by line, so that a sequence that never ends hides no more than its line.
    let lines: Vec<String> = text.split('\n').map(plain_line).collect();
    lines.join("\n")
}

fn plain_line(line: &str) -> String {
    strip_ansi_codes(line)
        .chars()
        .filter(|c| *c == '\t' || !(c.is_control() || turns(*c)))
        .collect()
}

/// Unicode's explicit directional marks.
fn turns(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// At most `most` bytes, cut at a character and with a sign of the cut.
pub(super) fn cut(text: &str, most: usize) -> String {
    const SIGN: &str = "\u{2026}";
    if text.len() <= most {
        return text.to_owned();
    }
    format!(
        "{}{SIGN}",
        &text[..text.floor_char_boundary(most - SIGN.len())]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_one_line_whatever_is_in_it() {
        let line = command(
            "error",
            &[("title", "a:b,c\nd"), ("file", "x")],
            "100%\r\n::add-mask::x",
        );
        assert_eq!(
            line,
            "::error title=a%3Ab%2Cc%0Ad,file=x::100%25%0D%0A::add-mask::x\n"
        );
    }

    #[test]
    fn a_command_without_properties_has_no_blank() {
        assert_eq!(command("endgroup", &[], ""), "::endgroup::\n");
    }

    #[test]
    fn a_fence_ends_on_a_line_of_its_own() {
        for text in ["x", "x\n"] {
            assert_eq!(fenced(text, "T"), "::stop-commands::T\nx\n::T::\n");
        }
        assert_eq!(fenced("", "T"), "::stop-commands::T\n::T::\n");
    }

    #[test]
    fn plain_text_fools_nobody() {
        assert_eq!(
            plain("\u{1b}[31mred\u{1b}[0m\rover\r\nend\u{202e}\u{7}\t\u{9b}2J."),
            "red\nover\nend\t."
        );
    }

    #[test]
    fn a_cut_is_at_a_character_and_shows() {
        assert_eq!(cut("abc", 3), "abc");
        let long = cut(&"\u{e9}".repeat(10), 10);
        assert_eq!(long, "\u{e9}\u{e9}\u{e9}\u{2026}");
        assert!(long.len() <= 10);
    }
}
