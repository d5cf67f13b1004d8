//! Lines of a screen in pieces: each with what it means, as wide as a terminal takes, made harmless once and for all.
//!
//! Colour only strengthens what a word or a sign says already.

use dialoguer::console::{Style, measure_text_width, truncate_str};

use crate::model::text::one_line;

/// What a piece of a line means, from which its colour follows: one of the eight that every terminal has, or a weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing of its own.
    #[default]
    Plain,
    /// It is as it should be.
    Good,
    /// It failed, or it costs money and should not.
    Bad,
    /// Somebody should look.
    Attention,
    /// A command, or what else can be typed.
    Typed,
    /// The one thing that is looked for.
    Strong,
    /// It matters least.
    Faint,
}

impl Tone {
    fn style(self) -> Style {
        let style = Style::new();
        match self {
            Self::Plain => style,
            Self::Good => style.green(),
            Self::Bad => style.red(),
            Self::Attention => style.yellow(),
            Self::Typed => style.cyan(),
            Self::Strong => style.bold(),
            Self::Faint => style.dim(),
        }
    }
}

/// It is done, or works. A word stands beside every sign.
pub const DONE: &str = "✓";
/// It failed.
pub const FAILED: &str = "✗";
/// Somebody should look.
pub const ATTENTION: &str = "!";
/// There is nothing to say of it.
pub const NOTHING: &str = "·";
/// It may cost money.
pub const DANGER: &str = "⚠";

/// One line, in pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line(Vec<(Tone, String)>);

impl Line {
    /// A line of one plain piece.
    pub fn of(text: &str) -> Self {
        Self::default().with(Tone::Plain, text)
    }

    /// The same with a piece at its end. What is harmful in the text is shown as an escape, and it stays on the line.
    #[must_use]
    pub fn with(mut self, tone: Tone, text: &str) -> Self {
        self.0.push((tone, on_a_line(text)));
        self
    }

    /// The same with a piece at its end that fills so many columns: cut, or with blanks behind it.
    #[must_use]
    pub fn with_column(self, tone: Tone, text: &str, columns: usize) -> Self {
        let text = cut(&on_a_line(text), columns);
        let blanks = " ".repeat(columns - width(&text));
        self.with(tone, &text).with(Tone::Plain, &blanks)
    }

    /// The same with a piece that ends at that column, with one blank before it at least; it is what stays where both
    /// do not fit.
    #[must_use]
    pub fn with_right(self, tone: Tone, text: &str, columns: usize) -> Self {
        let text = cut(&on_a_line(text), columns);
        if text.is_empty() {
            return self.cut(columns);
        }
        let room = columns.saturating_sub(width(&text) + 1);
        let left = self.cut(room);
        let blanks = " ".repeat(columns - width(&text) - left.width());
        left.with(Tone::Plain, &blanks).with(tone, &text)
    }

    /// How many columns it takes.
    pub fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| width(text)).sum()
    }

    /// The same in at most so many columns.
    #[must_use]
    pub fn cut(self, columns: usize) -> Self {
        if self.width() <= columns {
            return self;
        }
        let line = self.without_end();
        if columns == 0 || line.width() <= columns {
            return if columns == 0 { Self::default() } else { line };
        }
        let mut left = columns - 1;
        let mut pieces = Vec::new();
        for (tone, text) in line.0 {
            if width(&text) > left {
                let begin = truncate_str(&text, left, "");
                pieces.push((tone, format!("{begin}…")));
                break;
            }
            left -= width(&text);
            pieces.push((tone, text));
        }
        Self(pieces)
    }

    /// Its text, without blanks at its end, with colours if they are wanted.
    pub fn text(&self, colors: bool) -> String {
        let mut out = String::new();
        for (tone, text) in self.clone().without_end().0 {
            if tone == Tone::Plain {
                out.push_str(&text);
            } else {
                let style = tone.style().force_styling(colors);
                out.push_str(&style.apply_to(text).to_string());
            }
        }
        out
    }

    /// The same without the blanks at its end.
    fn without_end(mut self) -> Self {
        while let Some((_, text)) = self.0.last_mut() {
            text.truncate(text.trim_end_matches(' ').len());
            if !text.is_empty() {
                break;
            }
            self.0.pop();
        }
        self
    }
}

/// How many columns a text takes on a terminal.
pub fn width(text: &str) -> usize {
    measure_text_width(text)
}

/// A text in at most so many columns: what was left out is `…`.
pub fn cut(text: &str, columns: usize) -> String {
    match columns {
        0 => String::new(),
        _ => truncate_str(text, columns, "…").into_owned(),
    }
}

/// Text with nothing harmful in it; blanks stay, since they align.
fn on_a_line(text: &str) -> String {
    if text.trim().is_empty() {
        return text.replace(['\n', '\r', '\t'], " ");
    }
    let lead = text.len() - text.trim_start_matches(' ').len();
    let trail = text.len() - text.trim_end_matches(' ').len();
    let inner = &text[lead..text.len() - trail];
    let inner = if inner.contains(|c: char| c.is_control()) {
        one_line(inner)
    } else {
        crate::model::text::shown(inner)
    };
    " ".repeat(lead) + &inner + &" ".repeat(trail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_as_wide_as_it_may_be_and_says_what_was_cut() {
        let line = Line::of("ready   ")
            .with(Tone::Good, "gharun-a")
            .with(Tone::Faint, "  12m");
        assert_eq!(line.text(false), "ready   gharun-a  12m");
        assert_eq!(line.width(), 21);
        assert_eq!(line.clone().cut(21), line);
        for columns in 0..=20 {
            let cut = line.clone().cut(columns);
            assert!(cut.width() <= columns, "{cut:?}");
            assert!(columns == 0 || cut.text(false).ends_with('…'), "{cut:?}");
        }
        assert_eq!(line.clone().cut(16).text(false), "ready   gharun-…");
        let wide = Line::of("日本語").cut(4);
        assert!(wide.width() <= 4 && wide.text(false).starts_with('日'));
    }

    #[test]
    fn columns_and_right_ends_are_where_they_are_put() {
        let line = Line::default()
            .with_column(Tone::Plain, "日本", 6)
            .with(Tone::Plain, "x")
            .with_right(Tone::Strong, "$1.16/h", 20);
        assert_eq!(line.text(false), "日本  x      $1.16/h");
        assert_eq!(line.width(), 20);
        let narrow = Line::of("Starting 5 runners").with_right(Tone::Plain, "0:14", 12);
        assert_eq!(narrow.text(false), "Starti… 0:14");
        assert_eq!(narrow.width(), 12);
    }

    #[test]
    fn text_from_outside_commands_no_terminal_and_stays_on_its_line() {
        let line = Line::of("  a\nb\u{1b}[2J\u{202e}").with(Tone::Bad, "c\td ");
        assert_eq!(line.text(false), "  a bc d");
        assert_eq!(Line::of("\u{202e}x").text(false), "\\u{202e}x");
    }

    #[test]
    fn colours_are_there_when_wanted_and_carry_no_meaning() {
        let line = Line::of("a ")
            .with(Tone::Bad, DANGER)
            .with(Tone::Faint, " b");
        let colored = line.text(true);
        assert!(colored.contains("\u{1b}[31m"), "{colored:?}");
        assert_eq!(
            dialoguer::console::strip_ansi_codes(&colored),
            line.text(false)
        );
    }
}
