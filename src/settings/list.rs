//! The settings of `gharun list`.

use std::time::Duration;

use super::{Error, Result, Settings};
use crate::cli;
use crate::model::{ListColumn, NoColumn};

/// The settings of `gharun list`, each resolved: what `stop --orphans` reads is read alike.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct ListSettings {
    /// Only what `stop --orphans` would act on.
    pub orphans: bool,
    /// The group that `stop --orphans` would look at; `None` is every group.
    pub group: Option<String>,
    /// Machines younger than this are within their grace.
    pub older_than: Option<Duration>,
    /// Look only at these providers; empty: at all that can be found.
    pub providers: Vec<String>,
    /// Also machines of other scopes and servers.
    pub all_scopes: bool,
    /// Do not ask GitHub.
    pub no_github: bool,
    /// Again and again.
    pub watch: bool,
    /// All columns, whatever the width of the terminal.
    pub wide: bool,
    /// The columns to show; `None`: what fits.
    pub columns: Option<Vec<ListColumn>>,
    /// Which of these settings a file holds that is not trusted: they are passed over.
    pub passed_over: Option<Error>,
}

impl Settings {
    /// Resolves the settings of `gharun list`.
    ///
    /// # Errors
    ///
    /// A value that cannot be used, or a provider or a column that is not known.
    pub fn list(&self, args: &cli::ListArgs) -> Result<ListSettings> {
        self.tables.know(&args.providers)?;
        let columns = args.columns.as_deref().map(ListColumn::read_all);
        let columns = columns.transpose().map_err(|wrong| {
            let hint = wrong.hint();
            let NoColumn(name) = wrong;
            Error::usage(format!(
                "`--columns` must name columns of the list, not `{name}`"
            ))
            .hinted(hint)
        })?;
        Ok(ListSettings {
            orphans: args.orphans,
            group: self.group_of_sweep(None)?,
            older_than: self.older_than(args.older_than.as_deref())?,
            providers: args.providers.clone(),
            all_scopes: args.all_scopes,
            no_github: args.no_github,
            watch: args.watch,
            wide: args.wide,
            columns,
            passed_over: self
                .passed_over(&[("group", false), ("older_than", args.older_than.is_some())]),
        })
    }
}
