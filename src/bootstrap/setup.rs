//! The user's setup script with marks that tell its line where it fails. The marks change nothing of what it does, so
//! whatever is not plainly the beginning of a command is left as it is.

use std::fmt::Write as _;

/// What is run first: the number of the last mark is noted at the end, whatever ends it. A trap of the script's own
/// takes the place of this one, and no line is told then.
const TRAP: &str = r#"trap 'echo "${gharun_at:-}" 2>/dev/null >"$GHARUN_LINE" || :' EXIT; "#;

/// Words that continue a command rather than begin one, or whose meaning a command before them would change.
const NO_BEGINNING: &[&str] = &[
    "then", "do", "else", "elif", "fi", "done", "esac", "in", "function", "trap",
];

/// Puts a mark before each command that begins a line. A script is returned unchanged if it has an interpreter of its own,
/// reads its own text, or reads the status of the command before.
pub fn marked(script: &str) -> String {
    if script.starts_with("#!") || reads_itself(script) || reads_status(script) {
        return script.to_owned();
    }
    let mut state = State::default();
    let mut text = String::from(TRAP);
    for (index, line) in script.split_inclusive('\n').enumerate() {
        let begins = state.is_at_a_beginning() && begins_a_command(line);
        let indent = line.len() - line.trim_start().len();
        if begins {
            let (blanks, rest) = line.split_at(indent);
            let number = index + 1;
            write!(text, "{blanks}gharun_at={number}; {rest}")
                .expect("a text takes what is written");
        } else {
            text += line;
        }
        state.read(line);
    }
    text
}

/// Whether a script may read its own text.
fn reads_itself(script: &str) -> bool {
    ["$0", "${0", "$BASH_SOURCE", "${BASH_SOURCE"]
        .iter()
        .any(|name| script.contains(name))
}

/// Whether a script asks for the status of the last command at the beginning of another, or traces itself.
fn reads_status(script: &str) -> bool {
    let asks = |line: &str| {
        line.match_indices("$?").any(|(at, _)| {
            let before = &line[..at];
            !["||", "&&", ";"].iter().any(|mark| before.contains(mark))
        })
    };
    let traces = |line: &str| line.trim_start().starts_with("set ") && line.contains('x');
    script.lines().any(|line| asks(line) || traces(line)) || script.contains("$_")
}

fn begins_a_command(line: &str) -> bool {
    let line = line.trim();
    let word = line.split(|c: char| c.is_whitespace() || c == ';').next();
    let word = word.unwrap_or_default();
    // Without a number they end with the status of the command before.
    let is_bare = matches!(word, "exit" | "return") && line.split_whitespace().count() == 1;
    let is_odd = line.starts_with(['#', '(', ')', '{', '}', '|', '&', ';', '!', '\\']);
    let defines = line.contains("()");
    !word.is_empty() && !is_bare && !is_odd && !defines && !NO_BEGINNING.contains(&word)
}

/// Where a script is at the end of a line.
#[derive(Debug, Default)]
struct State {
    /// It is in the midst of a command.
    goes_on: bool,
    /// The quotation mark that is open.
    quote: Option<char>,
    /// Open brackets.
    brackets: usize,
    /// Open `case`s, whose patterns look like commands.
    cases: usize,
    /// The word that ends each here-document that has begun, and whether tabs before it count.
    documents: Vec<(String, bool)>,
    /// It holds what is not understood here.
    is_lost: bool,
}

impl State {
    fn is_at_a_beginning(&self) -> bool {
        !self.is_lost
            && !self.goes_on
            && self.quote.is_none()
            && self.brackets == 0
            && self.cases == 0
            && self.documents.is_empty()
    }

    fn read(&mut self, line: &str) {
        let line = line.trim_end_matches(['\n', '\r']);
        if self.quote.is_none()
            && let Some((word, tabs)) = self.documents.first()
        {
            let candidate = if *tabs {
                line.trim_start_matches('\t')
            } else {
                line
            };
            if candidate == word {
                self.documents.remove(0);
            }
            return;
        }
        let mut words = String::new();
        let mut chars = line.chars().peekable();
        let went_on = std::mem::take(&mut self.goes_on);
        let was_quoted = self.quote.is_some();
        while let Some(c) = chars.next() {
            match (self.quote, c) {
                (Some('\''), '\'') | (Some('"'), '"') => self.quote = None,
                (Some('"') | None, '\\') => {
                    if chars.next().is_none() {
                        self.goes_on = true;
                    }
                    words.push('_');
                }
                // What is in there may hold quotation marks of its own.
                (Some('"') | None, '`') => self.is_lost = true,
                (Some('"'), '$') if chars.peek() == Some(&'(') => {
                    self.is_lost |= opens(chars.clone());
                }
                (Some(_), _) => {}
                (None, '\'' | '"') => {
                    self.quote = Some(c);
                    words.push('_');
                }
                (None, '#')
                    if words.is_empty() || words.ends_with([' ', '\t', ';', '&', '|', '(']) =>
                {
                    break;
                }
                // A string with escapes of its own.
                (None, '$') if chars.peek() == Some(&'\'') => self.is_lost = true,
                (None, '(') => self.brackets += 1,
                (None, ')') => self.brackets = self.brackets.saturating_sub(1),
                (None, '<') if chars.peek() == Some(&'<') => {
                    chars.next();
                    if chars.peek() == Some(&'<') {
                        chars.next();
                    } else {
                        self.begin_document(&mut chars);
                    }
                }
                (None, c) => words.push(c),
            }
        }
        for word in words.split(|c: char| c.is_whitespace() || c == ';') {
            match word {
                "case" => self.cases += 1,
                // A test on one line is understood.
                "[[" => self.is_lost |= !words.contains("]]"),
                "select" => self.is_lost = true,
                _ => {}
            }
        }
        let mut parts = words.split(';').map(str::trim);
        if parts.any(|part| part.split_whitespace().next() == Some("esac")) {
            self.cases = self.cases.saturating_sub(1);
        }
        let last = words.trim_end();
        self.goes_on |= last.ends_with('|') || last.ends_with("&&");
        // Between both sides of an operator there may be empty lines and comments.
        self.goes_on |= went_on && last.is_empty() && !was_quoted;
    }

    fn begin_document(&mut self, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
        let tabs = chars.next_if_eq(&'-').is_some();
        while chars.next_if(|c| *c == ' ' || *c == '\t').is_some() {}
        let mut word = String::new();
        while let Some(c) = chars.next_if(|c| !c.is_whitespace() && !";&|<>)".contains(*c)) {
            if !matches!(c, '\'' | '"' | '\\') {
                word.push(c);
            }
        }
        self.documents.push((word, tabs));
    }
}

/// Whether what begins with a bracket does not end on its line, or holds quotation marks.
fn opens(chars: std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    let mut depth = 0_usize;
    for c in chars {
        match c {
            '(' => depth += 1,
            ')' => {
                depth -= 1;
                if depth == 0 {
                    return false;
                }
            }
            '"' | '\'' | '`' | '\\' => return true,
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that are marked.
    fn at(script: &str) -> Vec<usize> {
        let text = marked(script);
        let lines = text.lines().enumerate();
        lines
            .filter(|(_, line)| line.contains("gharun_at="))
            .map(|(index, line)| {
                assert!(
                    line.contains(&format!("gharun_at={}; ", index + 1)),
                    "{line}"
                );
                index + 1
            })
            .collect()
    }

    #[test]
    fn each_line_that_plainly_begins_a_command_is_marked() {
        let script = "# comment\nset -e\n\napt-get update &&\n  apt-get install -y x \\\n    y\nif [ -e /a ]; then\n  \
            echo a # b |\nelse\n  false\nfi\nf() {\n  echo \"it's\n  two\"\n  exit\n}\ncat <<EOF >/a\necho a\nEOF\n\
            case $1 in\na) echo ;;\nesac\nexit 3\n";
        assert_eq!(at(script), [2, 4, 7, 8, 10, 13, 17, 20, 23]);
        assert_eq!(marked(script).lines().count(), script.lines().count());
    }

    #[test]
    fn what_reads_the_status_of_the_command_before_is_left_as_it_is() {
        for script in [
            "false\nif [ $? -ne 0 ]; then echo; fi\n",
            "f() { rc=$?; exit $rc; }\n",
            "#!/bin/bash\nfalse\n",
            "set -ex\nfalse\n",
            "tail -n 1 \"$0\" | sh\necho\n",
        ] {
            let marked = marked(script);
            assert!(marked == script || script.starts_with("f()"), "{marked}");
        }
        assert_eq!(at("false || exit $?\n"), [1]);
    }

    #[test]
    fn nothing_is_marked_behind_what_is_not_understood() {
        assert_eq!(at("a\nb=`c\nd\n`\ne\n"), [1, 2]);
        assert_eq!(at("a=$(b\nc\n)\nd\n"), [1, 4]);
        assert_eq!(at("a=(\nb\n)\nd\n"), [1, 4]);
        assert_eq!(at("[[ a\n&& b ]]\nd\n"), [1]);
        assert_eq!(at("[[ a ]]\nd\n"), [1, 2]);
        assert_eq!(at("a \"$(b \"c\")\"\nd\n"), [1]);
        assert_eq!(at("a=$'it\\'s'\nb 'c\nd'\n"), [1]);
        assert_eq!(
            at("case a in\na) b ;;\nc)\n  echo esac\n  ;;\nd) e ;; esac\nf\n"),
            [1, 7]
        );
        assert_eq!(at("a &&\n\n# b\n  c\nd\n"), [1, 5]);
        assert_eq!(at("a=$((1 << 2))\nb\n"), [1]);
    }
}
