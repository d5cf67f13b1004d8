//! The little of roff that the hand-written parts of the pages need.

use std::fmt::Write as _;

/// A page that grows from top to bottom.
#[derive(Debug, Default)]
pub(crate) struct Page(String);

impl Page {
    /// The title line. There is no date in it: the page would drift from day to day.
    pub(crate) fn title(&mut self, name: &str, section: u8, manual: &str) {
        self.line(&format!(
            ".TH \"{name}\" {section} \"\" gharun \"{manual}\""
        ));
    }

    /// A section.
    pub(crate) fn section(&mut self, heading: &str) {
        self.line(&format!(".SH \"{}\"", escaped(heading)));
    }

    /// A section within a section.
    pub(crate) fn subsection(&mut self, heading: &str) {
        self.line(&format!(".SS \"{}\"", escaped(heading)));
    }

    /// A paragraph; what stands between backticks is set in bold.
    pub(crate) fn paragraph(&mut self, text: &str) {
        self.line(".PP");
        self.text(text);
    }

    /// A term and what it means.
    pub(crate) fn item(&mut self, term: &str, meaning: &str) {
        self.line(".TP");
        self.line(&format!("\\fB{}\\fR", code(term)));
        self.text(meaning);
    }

    /// A line within an item that begins anew.
    pub(crate) fn further(&mut self, text: &str) {
        self.line(".br");
        self.text(text);
    }

    /// Lines to be shown as they are.
    pub(crate) fn example(&mut self, text: &str) {
        self.line(".PP\n.RS 4\n.nf");
        for line in text.lines() {
            self.line(&guarded(&code(line)));
        }
        self.line(".fi\n.RE");
    }

    /// A mark that readers do not see.
    pub(crate) fn mark(&mut self, text: &str) {
        self.line(&format!(".\\\" {text}"));
    }

    /// Lines that are roff already.
    pub(crate) fn verbatim(&mut self, roff: &str) {
        self.0.push_str(roff);
    }

    /// The page.
    pub(crate) fn finish(self) -> String {
        self.0
    }

    fn text(&mut self, text: &str) {
        let mut line = String::new();
        for (index, part) in text.split('`').enumerate() {
            if index % 2 == 1 {
                write!(line, "\\fB{}\\fR", code(part)).expect("memory takes it");
            } else {
                line.push_str(&escaped(part));
            }
        }
        self.line(&guarded(&line.replace('\n', " ")));
    }

    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }
}

/// Text: nothing in it is an instruction.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\e")
        .replace('"', "\\(dq")
        .replace('…', "...")
}

/// What is typed: dashes, quotes, tildes and carets that can be copied.
fn code(text: &str) -> String {
    escaped(text)
        .replace('-', "\\-")
        .replace('\'', "\\(aq")
        .replace('`', "\\(ga")
        .replace('~', "\\(ti")
        .replace('^', "\\(ha")
}

/// A line that begins with a dot or a quote is an instruction unless it is guarded.
fn guarded(line: &str) -> String {
    if line.starts_with(['.', '\'']) {
        format!("\\&{line}")
    } else {
        line.to_owned()
    }
}
