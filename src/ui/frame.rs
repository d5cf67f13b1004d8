//! What is drawn again and again at the same place of a terminal.

use std::fmt::Write as _;
use std::io;

use dialoguer::console::Term;

use super::line::Line;
use super::{Ui, colored};

/// What stands on the terminal now.
#[derive(Debug, Default)]
pub struct Frame {
    /// How wide each line is.
    widths: Vec<usize>,
    /// Rows and columns of the terminal then.
    size: (usize, usize),
}

impl Frame {
    /// What puts lines in the place of those that stand there. A line that has to be cut is; what has no room below is
    /// counted.
    fn draw(&mut self, lines: &[Line], size: (usize, usize), colors: bool) -> String {
        let (rows, columns) = size;
        let mut lines: Vec<Line> = lines
            .iter()
            .cloned()
            .map(|line| line.cut(columns))
            .collect();
        // The cursor has a row of its own.
        let room = rows.saturating_sub(1).max(2);
        if lines.len() > room {
            let rest = lines.len() - (room - 1);
            lines.truncate(room - 1);
            lines.push(Line::of(&format!("… and {rest} more lines")));
        }
        let mut out = String::from("\r");
        // A terminal that has become narrower may have broken what was as wide as it.
        let wrapped = |width: &usize| width.div_ceil(columns.max(1)).max(1);
        let above: usize = self.widths.iter().map(wrapped).sum();
        if above > 0 {
            write!(out, "\u{1b}[{}A", above.min(rows)).expect("a string takes all");
        }
        if size != self.size {
            out.push_str("\u{1b}[J");
        }
        for line in &lines {
            // Cleared before it is written: behind a line as wide as the terminal the cursor is on its last column.
            writeln!(out, "\u{1b}[2K{}", line.text(colors)).expect("a string takes all");
        }
        out.push_str("\u{1b}[J");
        self.widths = lines.iter().map(Line::width).collect();
        self.size = size;
        out
    }
}

impl Ui {
    /// How many rows and columns standard output has, where it is a terminal.
    pub fn data_size(&self) -> Option<(usize, usize)> {
        let columns = self.data_width()?;
        let (rows, _) = Term::stdout().size_checked()?;
        Some((usize::from(rows), columns))
    }

    /// Puts lines on the terminal in the place of those of the frame, in one piece. Does nothing where standard output is
    /// not a terminal.
    ///
    /// # Errors
    ///
    /// As [`Self::data`].
    pub fn redraw(&self, frame: &mut Frame, lines: &[Line]) -> io::Result<()> {
        let Some(size) = self.data_size() else {
            return Ok(());
        };
        let colors = colored(self.0.look.color, true);
        self.write_data(&frame.draw(lines, size, colors))
    }

    /// How wide standard error is, where it is a terminal.
    pub fn message_width(&self) -> Option<usize> {
        self.width()
    }

    /// Shows that something is being done, where bars are shown, until [`Self::end`].
    pub fn begin(&self, key: &str, what: &str) {
        if let Some(progress) = &self.0.progress {
            progress.show(key, self.harmless(what).replace('\n', " "));
        }
    }

    /// Takes away what shows that something is being done.
    pub fn end(&self, key: &str) {
        if let Some(progress) = &self.0.progress {
            progress.remove(key);
        }
    }

    /// Takes away what a terminal has written itself behind a frame, such as `^C`.
    ///
    /// # Errors
    ///
    /// As [`Self::data`].
    pub fn clean_line(&self) -> io::Result<()> {
        self.write_data("\r\u{1b}[2K")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<Line> {
        texts.iter().map(|text| Line::of(text)).collect()
    }

    #[test]
    fn a_frame_takes_the_place_of_the_one_before() {
        let mut frame = Frame::default();
        let first = frame.draw(&lines(&["one", "two"]), (24, 80), false);
        assert_eq!(first, "\r\u{1b}[J\u{1b}[2Kone\n\u{1b}[2Ktwo\n\u{1b}[J");
        let second = frame.draw(&lines(&["one"]), (24, 80), false);
        assert_eq!(second, "\r\u{1b}[2A\u{1b}[2Kone\n\u{1b}[J");
        // 60 columns of one that is now 20 wide are three rows.
        frame.draw(&lines(&[&"x".repeat(60)]), (24, 80), false);
        let narrow = frame.draw(&lines(&["one"]), (24, 20), false);
        assert!(narrow.starts_with("\r\u{1b}[3A\u{1b}[J"), "{narrow:?}");
    }

    #[test]
    fn a_frame_is_never_higher_than_the_terminal() {
        let mut frame = Frame::default();
        let many: Vec<String> = (0..30).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let drawn = frame.draw(&lines(&many), (10, 80), false);
        assert_eq!(drawn.matches('\n').count(), 9);
        assert!(drawn.contains("… and 22 more lines"), "{drawn:?}");
        let again = frame.draw(&lines(&many), (10, 80), false);
        assert!(again.starts_with("\r\u{1b}[9A"), "{again:?}");
    }
}
