//! A terminal with colours, and its screen as a picture whose text stays text.

use std::fmt::Write as _;

/// A character with its look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    c: char,
    color: Option<u8>,
    bold: bool,
    dim: bool,
}

const BLANK: Cell = Cell {
    c: ' ',
    color: None,
    bold: false,
    dim: false,
};

/// The eight colours, on dark ground.
const COLORS: [&str; 8] = [
    "#6e7681", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#c9d1d9",
];
const GROUND: &str = "#0d1117";
const INK: &str = "#c9d1d9";

/// The size of a character and the edge of the picture, in pixels.
const WIDTH: f32 = 8.4;
const HEIGHT: usize = 18;
const EDGE: usize = 16;

/// What a terminal shows, as long as a page.
#[derive(Debug)]
pub(crate) struct Screen {
    columns: usize,
    rows: Vec<Vec<Cell>>,
    row: usize,
    column: usize,
    pen: Cell,
}

impl Screen {
    /// The screen after all this was written to it.
    pub(crate) fn after(columns: usize, written: &str) -> Self {
        let mut screen = Self {
            columns,
            rows: vec![vec![BLANK; columns]],
            row: 0,
            column: 0,
            pen: BLANK,
        };
        screen.write(written);
        screen
    }

    fn write(&mut self, written: &str) {
        let mut rest = written;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                '\u{1b}' => {
                    let sequence = rest.strip_prefix('[').expect("a sequence that is known");
                    let end = sequence.find(|c| matches!(c, '@'..='~'));
                    let end = end.expect("a sequence ends");
                    self.obey(&sequence[..end], &sequence[end..=end]);
                    rest = &sequence[end + 1..];
                }
                '\r' => self.column = 0,
                '\n' => self.go_to_row(self.row + 1),
                '\t' => self.column = (self.column / 8 * 8 + 8).min(self.columns - 1),
                '\u{7}' => {}
                c => {
                    if self.column == self.columns {
                        self.column = 0;
                        self.go_to_row(self.row + 1);
                    }
                    self.rows[self.row][self.column] = Cell { c, ..self.pen };
                    self.column += 1;
                }
            }
        }
    }

    fn go_to_row(&mut self, row: usize) {
        self.row = row;
        while self.rows.len() <= row {
            self.rows.push(vec![BLANK; self.columns]);
        }
    }

    fn obey(&mut self, arguments: &str, command: &str) {
        let number: usize = arguments.parse().unwrap_or(0);
        match command {
            "m" => self.dip(arguments),
            "h" | "l" => {}
            "A" => self.row = self.row.saturating_sub(number.max(1)),
            "B" => self.go_to_row(self.row + number.max(1)),
            "C" => self.column = (self.column + number.max(1)).min(self.columns - 1),
            "D" => self.column = self.column.saturating_sub(number.max(1)),
            "G" => self.column = number.clamp(1, self.columns) - 1,
            "K" => {
                let from = if number == 0 { self.column } else { 0 };
                self.rows[self.row][from..].fill(BLANK);
            }
            "J" if number == 0 => {
                self.rows[self.row][self.column..].fill(BLANK);
                self.rows.truncate(self.row + 1);
            }
            _ => panic!("an unknown sequence: {arguments}{command}"),
        }
    }

    fn dip(&mut self, arguments: &str) {
        for code in arguments.split(';').map(|code| code.parse().unwrap_or(0)) {
            match code {
                0 => self.pen = BLANK,
                1 => self.pen.bold = true,
                2 => self.pen.dim = true,
                22 => (self.pen.bold, self.pen.dim) = (false, false),
                30..=37 => self.pen.color = Some(code - 30),
                39 => self.pen.color = None,
                90..=97 => self.pen.color = Some(code - 90),
                _ => {}
            }
        }
    }

    /// Its lines, without blanks at their ends and without blank lines at its end.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |row: &Vec<Cell>| {
            let line: String = row.iter().map(|cell| cell.c).collect();
            line.trim_end().to_owned()
        };
        let mut lines: Vec<String> = self.rows.iter().map(line).collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }

    /// Puts other lines of the same length, or shorter ones, into the places of its own.
    pub(crate) fn relabel(&mut self, lines: &[String]) {
        for (row, line) in self.rows.iter_mut().zip(lines) {
            let mut cells = line.chars();
            for cell in row {
                cell.c = cells.next().unwrap_or(' ');
            }
        }
    }

    /// The picture.
    pub(crate) fn svg(&self, title: &str) -> String {
        let count = self.lines().len();
        #[expect(clippy::cast_precision_loss, reason = "a terminal is not that wide")]
        let width = self.columns as f32 * WIDTH + 2.0 * EDGE as f32;
        let height = count * HEIGHT + 2 * EDGE;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height}\" viewBox=\"0 0 {width:.0} {height}\" \
             role=\"img\" font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, monospace\" font-size=\"14\">\n\
             <title>{}</title>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{GROUND}\"/>\n",
            escaped(title)
        );
        for (number, row) in self.rows.iter().take(count).enumerate() {
            let y = EDGE + number * HEIGHT + 13;
            for (at, text, look) in runs(row) {
                #[expect(clippy::cast_precision_loss, reason = "a terminal is not that wide")]
                let (x, length) = (
                    EDGE as f32 + at as f32 * WIDTH,
                    text.chars().count() as f32 * WIDTH,
                );
                let fill = look.color.map_or(INK, |color| COLORS[usize::from(color)]);
                let bold = if look.bold {
                    " font-weight=\"bold\""
                } else {
                    ""
                };
                let dim = if look.dim { " opacity=\"0.6\"" } else { "" };
                writeln!(
                    svg,
                    "<text x=\"{x:.1}\" y=\"{y}\" textLength=\"{length:.1}\" xml:space=\"preserve\" fill=\"{fill}\"{bold}{dim}>{}</text>",
                    escaped(&text)
                )
                .expect("memory takes it");
            }
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// The parts of a row that look alike, each with its column; blanks between words stay within.
fn runs(row: &[Cell]) -> Vec<(usize, String, Cell)> {
    let mut runs: Vec<(usize, String, Cell)> = Vec::new();
    for (at, cell) in row.iter().enumerate() {
        let look = Cell { c: ' ', ..*cell };
        match runs.last_mut() {
            Some((_, text, last)) if *last == look || cell.c == ' ' => text.push(cell.c),
            _ if cell.c == ' ' => {}
            _ => runs.push((at, cell.c.to_string(), look)),
        }
    }
    for (_, text, _) in &mut runs {
        text.truncate(text.trim_end().len());
    }
    runs
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
