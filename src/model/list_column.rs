//! The columns of `gharun list`, as `--columns` names them.

use std::fmt;

use super::near::nearest;

/// A column of `gharun list`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListColumn {
    /// What to think of it.
    Verdict,
    /// The runner's name, which `gharun stop` takes.
    Runner,
    /// The provider.
    Provider,
    /// How long it has been there.
    Age,
    /// When it ends itself.
    EndsIn,
    /// US dollars so far.
    Cost,
    /// The whole reference of its machine, which `gharun stop` takes, too.
    Machine,
    /// What the machine is doing.
    State,
    /// What GitHub says of the runner.
    GitHub,
    /// What was rented.
    Rented,
    /// US dollars an hour.
    Price,
    /// The repository, organization or enterprise.
    Scope,
    /// The workflow run that started it.
    Run,
    /// Why the verdict is what it is.
    Why,
}

impl ListColumn {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 14] = [
        Self::Verdict,
        Self::Runner,
        Self::Provider,
        Self::Age,
        Self::EndsIn,
        Self::Cost,
        Self::Machine,
        Self::State,
        Self::GitHub,
        Self::Rented,
        Self::Price,
        Self::Scope,
        Self::Run,
        Self::Why,
    ];

    /// What stands above it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Verdict => "VERDICT",
            Self::Runner => "RUNNER",
            Self::Provider => "PROVIDER",
            Self::Age => "AGE",
            Self::EndsIn => "ENDS IN",
            Self::Cost => "COST",
            Self::Machine => "MACHINE",
            Self::State => "STATE",
            Self::GitHub => "GITHUB",
            Self::Rented => "RENTED",
            Self::Price => "PRICE",
            Self::Scope => "SCOPE",
            Self::Run => "RUN",
            Self::Why => "WHY",
        }
    }

    /// Reads names with commas between, in any case; a blank is written `-` or `_`.
    ///
    /// # Errors
    ///
    /// The first name that no column has.
    pub fn read_all(text: &str) -> Result<Vec<Self>, NoColumn> {
        text.split(',')
            .map(|name| Self::read(name.trim()))
            .collect()
    }

    fn read(name: &str) -> Result<Self, NoColumn> {
        let plain = name.to_ascii_lowercase().replace([' ', '_'], "-");
        let found = Self::ALL
            .into_iter()
            .find(|column| column.to_string() == plain);
        found.ok_or_else(|| NoColumn(name.to_owned()))
    }
}

impl fmt::Display for ListColumn {
    /// As `--columns` takes it: `ends-in`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.title().to_ascii_lowercase().replace(' ', "-");
        f.write_str(&name)
    }
}

/// A name that no column has.
#[derive(Debug, PartialEq, Eq)]
pub struct NoColumn(pub String);

impl NoColumn {
    /// All names, and before them the one that is probably meant.
    pub fn hint(&self) -> String {
        let names: Vec<String> = ListColumn::ALL.iter().map(ToString::to_string).collect();
        let all = names.join(", ");
        match nearest(&self.0, names.iter().map(String::as_str)) {
            Some(name) => format!("did you mean `{name}`? Columns: {all}"),
            None => format!("columns: {all}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read_as_people_write_them() {
        let read = ListColumn::read_all("Verdict, ENDS IN,ends_in,why");
        let ends = ListColumn::EndsIn;
        let all = vec![ListColumn::Verdict, ends, ends, ListColumn::Why];
        assert_eq!(read, Ok(all));
        let wrong = ListColumn::read_all("runner,machin").expect_err("no column");
        assert!(
            wrong
                .hint()
                .starts_with("did you mean `machine`? Columns: verdict, runner, "),
            "{}",
            wrong.hint()
        );
        let far = ListColumn::read_all("").expect_err("no column");
        assert!(far.hint().starts_with("columns: "), "{}", far.hint());
    }
}
