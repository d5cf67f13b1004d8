//! A command line that is being typed, as far as it goes.

use clap::{Arg, ArgAction, Command};

/// What the words before the cursor say.
pub(super) struct Line<'a> {
    /// The innermost command.
    pub(super) command: &'a Command,
    /// The option whose value comes next.
    pub(super) pending: Option<&'a Arg>,
    /// Whether `--` stood there: no more options follow.
    pub(super) only_positionals: bool,
    /// How many positional arguments the command has got.
    pub(super) positionals: usize,
    /// The options that were given.
    pub(super) given: Vec<&'a str>,
    /// All words that are values: of options, and positional ones.
    pub(super) words: Vec<&'a str>,
    values: Vec<(&'a str, &'a str)>,
}

impl<'a> Line<'a> {
    /// Reads the words before the one that is being typed.
    pub(super) fn of(root: &'a Command, words: &'a [String]) -> Self {
        let mut line = Self {
            command: root,
            pending: None,
            only_positionals: false,
            positionals: 0,
            given: Vec::new(),
            words: Vec::new(),
            values: Vec::new(),
        };
        for word in words {
            line.take(word);
        }
        line
    }

    fn take(&mut self, word: &'a str) {
        if let Some(arg) = self.pending.take() {
            self.values.push((arg.get_id().as_str(), word));
            self.words.push(word);
        } else if word == "--" {
            self.only_positionals = true;
        } else if word.starts_with("--") && !self.only_positionals {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (word, None),
            };
            let Some(arg) = self.option(name) else {
                return;
            };
            self.given.push(arg.get_id().as_str());
            match value {
                Some(value) => {
                    self.values.push((arg.get_id().as_str(), value));
                    self.words.push(value);
                }
                None if takes_value(arg) => self.pending = Some(arg),
                None => {}
            }
        } else if word.starts_with('-') && word.len() > 1 && !self.only_positionals {
            // The short ones take no values.
        } else if let Some(inner) = self
            .command
            .find_subcommand(word)
            .filter(|_| self.positionals == 0)
        {
            self.command = inner;
        } else {
            self.positionals += 1;
            self.words.push(word);
        }
    }

    /// The option of a name with its dashes.
    pub(super) fn option(&self, name: &str) -> Option<&'a Arg> {
        let long = name.strip_prefix("--")?;
        let mut all = self.command.get_arguments();
        all.find(|arg| arg.get_long() == Some(long))
    }

    /// The positional argument that comes next.
    pub(super) fn positional(&self) -> Option<&'a Arg> {
        let mut all = self.command.get_positionals();
        let many = |arg: &&Arg| matches!(arg.get_action(), ArgAction::Append);
        all.nth(self.positionals)
            .or_else(|| self.command.get_positionals().last().filter(many))
    }

    /// The last value that an option was given.
    pub(super) fn value_of(&self, id: &str) -> Option<&'a str> {
        let mut values = self.values.iter().rev();
        values.find(|(one, _)| *one == id).map(|(_, value)| *value)
    }
}

/// Whether the next word is the option's value: not where it may be left out.
fn takes_value(arg: &Arg) -> bool {
    arg.get_num_args()
        .is_some_and(|number| number.min_values() > 0)
        && arg.get_action().takes_values()
}

/// The words of a line as a shell splits them: at blanks that are not quoted. What stands behind the last blank, which may
/// be nothing, is the last.
pub(super) fn split(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        let last = words.len() - 1;
        match (c, quote) {
            ('\\', None | Some('"')) => words[last].extend(rest.next()),
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            (c, None) if c.is_whitespace() => {
                if !words[last].is_empty() {
                    words.push(String::new());
                }
            }
            (c, _) => words[last].push(c),
        }
    }
    words
}
