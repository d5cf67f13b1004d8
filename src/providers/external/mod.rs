//! Machines that a program of the user's own launches, lists and ends: any place that a script can reach.

use std::io;
use std::path::{self, Path};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::common::attempt::Attempt;
use super::common::unless_lasting;
use super::{Error, ErrorKind, Health, Lookup, Provider, ProviderFuture, ProviderKind, Result};
use crate::model::text::{cut, one_line};
use crate::model::{Instance, InstanceId, Order, Rental, digest};
use crate::providers::{Listing, Termination};
use call::{Answer, Call, NoAnswer, Program};

mod call;
mod config;
mod launch;
mod rows;
#[cfg(test)]
mod tests;

pub use config::ExternalConfig;

/// How long a program may take for everything but a launch.
const READS: Duration = Duration::from_secs(20);
/// The pause between two looks at a list.
const LOOKS: Duration = Duration::from_secs(1);
/// As much of a log is told, in bytes.
const LOG: usize = 64 << 10;
/// The longest line that a check tells.
const FACT: usize = 200;

/// The exit codes with a meaning of their own, of sysexits.h.
mod exit {
    /// The verb is not offered (`EX_USAGE`).
    pub(super) const UNKNOWN: i32 = 64;
    /// The place has no room (`EX_UNAVAILABLE`).
    pub(super) const NO_ROOM: i32 = 69;
    /// Not now (`EX_TEMPFAIL`).
    pub(super) const LATER: i32 = 75;
    /// Not allowed (`EX_NOPERM`).
    pub(super) const DENIED: i32 = 77;
    /// Settings that cannot be used (`EX_CONFIG`).
    pub(super) const SETTINGS: i32 = 78;
}

/// Machines that a program launches.
#[derive(Debug)]
pub struct External {
    config: ExternalConfig,
    /// What the user calls its table.
    table: String,
    checked: Attempt<Checked>,
}

/// What a program's check told.
#[derive(Clone, Debug, Default)]
struct Checked {
    facts: Vec<String>,
    /// Where its machines are, as references spell it; `None` where it does not tell, and the environment decides.
    place: Option<String>,
}

impl ProviderKind for External {
    const KIND: &'static str = "external";
    const ABOUT: &'static str = "Machines that a program of your own launches";
    const REHEARSES: bool = false;
    type Config = ExternalConfig;

    fn look_around(config: &mut ExternalConfig, env: Lookup<'_>) {
        let names = config.environment.iter().map(ToString::to_string);
        config.seen = names
            .filter_map(|name| Some((name.clone(), env(&name)?)))
            .collect();
    }

    fn beside(config: &mut ExternalConfig, folder: &Path) {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        config.folder = Some(path::absolute(folder).unwrap_or_else(|_| folder.to_owned()));
    }

    fn fits(config: &ExternalConfig) -> Result<()> {
        config.program().map(drop)
    }

    async fn open(config: ExternalConfig) -> Result<Self> {
        config.program()?;
        Ok(Self {
            config,
            table: Self::KIND.to_owned(),
            checked: Attempt::default(),
        })
    }

    fn called(self, table: String) -> Self {
        Self { table, ..self }
    }
}

impl Provider for External {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn check(&self) -> ProviderFuture<'_, Health> {
        Box::pin(async move {
            // What was told before may not hold any more.
            let checked = self.ask_check().await?;
            let mut facts = checked.facts.clone();
            let rows = self.rows().await?;
            let machines = match rows.len() {
                0 => "no machine".to_owned(),
                1 => "1 machine".to_owned(),
                many => format!("{many} machines"),
            };
            facts.push(format!("`{} list` shows {machines}", self.config.shown()));
            Ok(Health {
                facts,
                warnings: Vec::new(),
            })
        })
    }

    fn resolve(&self) -> ProviderFuture<'_, ()> {
        Box::pin(async { self.place().await.map(drop) })
    }

    fn places(&self) -> ProviderFuture<'_, Vec<String>> {
        Box::pin(async { Ok(self.place().await?.into_iter().collect()) })
    }

    fn preflight(&self) -> ProviderFuture<'_, ()> {
        Box::pin(async { self.place().await.map(drop).or_else(unless_lasting) })
    }

    /// Its list may be empty because a command in a pipe has failed.
    fn proves_absence(&self) -> bool {
        false
    }

    /// Another table may name another program, whose machines are numbered as these are.
    fn shares_ids(&self) -> bool {
        false
    }

    fn shows_within(&self) -> Duration {
        self.config.settle.get()
    }

    fn launch<'a>(&'a self, order: &'a Order) -> ProviderFuture<'a, Instance> {
        // Boxed, as many are at work side by side.
        Box::pin(launch::launch(self, order))
    }

    fn list(&self) -> ProviderFuture<'_, Listing> {
        Box::pin(async {
            let listing = async {
                let place = self.place().await?;
                let rows = self.rows().await?;
                Ok(self.listing(place.as_deref(), rows))
            };
            Ok(listing.await.unwrap_or_else(Listing::unread))
        })
    }

    fn canonical<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, InstanceId> {
        Box::pin(async move {
            let Some(place) = self.place().await?.filter(|place| self.is_vague(id, place)) else {
                return Ok(id.clone());
            };
            if self.rows().await?.iter().any(|row| row.id == id.id) {
                return Ok(InstanceId {
                    location: Some(place),
                    id: id.id.clone(),
                });
            }
            Err(self.not_found(id))
        })
    }

    fn terminate<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Termination> {
        Box::pin(async move {
            self.is_here(id).await?;
            self.end(&id.id).await?;
            // A program may say so of what it never looked for: only its list tells.
            Ok(Termination::Accepted)
        })
    }

    fn shutdown_command(&self) -> &'static str {
        self.config.ends_itself.command()
    }

    fn candidates(&self) -> Vec<String> {
        vec![format!("`{}`", self.config.shown())]
    }

    fn logs<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Option<String>> {
        Box::pin(async move {
            self.is_here(id).await?;
            let doing = format!("could not read the log of `{}`", id.id);
            let answer = self.answer(&["logs", &id.id]).await;
            let answer = answer.map_err(|lost| self.lost(lost, &doing))?;
            match answer.code {
                Some(0) => Ok(Some(answer.hide(&end_of(&answer.stdout)))),
                Some(exit::UNKNOWN) => Ok(None),
                _ => Err(self.refused(&answer, &doing)),
            }
        })
    }
}

impl External {
    /// The program, which was looked at when the provider was opened.
    fn program(&self) -> Result<Program> {
        self.config.program()
    }

    /// What a call that reads, or ends, says.
    async fn answer(&self, words: &[&str]) -> Result<Answer, NoAnswer> {
        let program = self.program();
        let program = program.map_err(|error| NoAnswer::Lost(error.to_string()))?;
        let call = Call {
            words,
            env: Vec::new(),
            stdin: None,
            within: READS,
        };
        program.call(call).await
    }

    /// The place where its machines are, asked for once.
    async fn place(&self) -> Result<Option<String>> {
        let checked = self.checked.get(async || self.ask_check().await).await?;
        Ok(Some(
            checked.place.unwrap_or_else(|| self.config.surroundings()),
        ))
    }

    /// Whether an id may be of this place, and does not tell so: it has none, or was made before the program told one.
    fn is_vague(&self, id: &InstanceId, place: &str) -> bool {
        id.location
            .as_deref()
            .is_none_or(|location| location != place && location == self.config.surroundings())
    }

    async fn ask_check(&self) -> Result<Checked> {
        let doing = format!("could not check `{}`", self.table);
        let answer = self.answer(&["check"]).await;
        let answer = answer.map_err(|lost| self.lost(lost, &doing))?;
        match answer.code {
            Some(0) => {}
            Some(exit::UNKNOWN) => return Ok(Checked::default()),
            _ => return Err(self.refused(&answer, &doing)),
        }
        let mut checked = Checked::default();
        for line in String::from_utf8_lossy(&answer.stdout).lines() {
            let line = one_line(line);
            match line.strip_prefix("place ") {
                Some(place) if checked.place.is_none() && !place.contains(' ') => {
                    // An account may be a masked secret, which no reference may hold.
                    checked.place = Some(digest::place(place));
                }
                _ if line.is_empty() => {}
                _ => checked.facts.push(cut(&answer.hide(&line), FACT)),
            }
        }
        Ok(checked)
    }

    /// What the program lists, whole.
    async fn rows(&self) -> Result<Vec<rows::Row>> {
        let doing = format!("could not list the machines of `{}`", self.table);
        let answer = self.answer(&["list"]).await;
        let answer = answer.map_err(|lost| self.lost(lost, &doing))?;
        if answer.code != Some(0) {
            return Err(self.refused(&answer, &doing));
        }
        rows::read(&answer.stdout, |text| answer.hide(text)).map_err(|why| {
            let cause = format!("`{} list` ended with 0, but {why}", self.config.shown());
            Error::new(ErrorKind::Unavailable, doing).because(cause)
        })
    }

    /// The machines of a list.
    fn listing(&self, place: Option<&str>, rows: Vec<rows::Row>) -> Listing {
        let mut listing = Listing {
            read: place.map(str::to_owned).into_iter().collect(),
            // What was made before the program told its place may be in another.
            vague: [None, Some(self.config.surroundings())]
                .into_iter()
                .filter(|spelled| spelled.as_deref() != place)
                .map(|spelled| (spelled, format!("`{}`", self.table)))
                .collect(),
            ..Listing::default()
        };
        for row in rows {
            let id = InstanceId {
                location: place.map(str::to_owned),
                id: row.id,
            };
            match rows::unpack(&row.tags) {
                Some(tags) => listing.instances.push(Instance {
                    id,
                    state: row.state,
                    created: tags.created,
                    tags,
                    ended: None,
                    rental: Rental::default(),
                }),
                None => listing.unjudged.push(rows::unreadable(id, &row.tags)),
            }
        }
        listing
    }

    /// Asks for the end of a machine; once it is accepted, that may take its time.
    async fn end(&self, id: &str) -> Result<()> {
        let doing = format!("could not end `{id}`");
        let answer = self.answer(&["terminate", id]).await;
        let answer = answer.map_err(|lost| self.lost(lost, &doing))?;
        match answer.code {
            Some(0) => Ok(()),
            // That is what it means there; of credentials it says nothing.
            Some(exit::DENIED) => {
                let program = self.config.shown();
                let why = format!("`{program}` says that gharun did not launch it: it {answer}");
                Err(Error::new(ErrorKind::Denied, doing)
                    .because(why)
                    .hinted("end it yourself, where it was launched")
                    .hinted("if gharun launched it, mend the program: 77 of `terminate` must mean nothing else"))
            }
            _ => Err(self.refused(&answer, &doing)),
        }
    }

    /// Makes sure that an id is of the place where the program works now.
    async fn is_here(&self, id: &InstanceId) -> Result<()> {
        let place = self.place().await?;
        if id.location == place {
            return Ok(());
        }
        if self.is_vague(id, place.as_deref().unwrap_or_default()) {
            return Err(self.not_found(id));
        }
        let table = &self.table;
        let message = format!("`{id}` is not in the place where `{table}` works now");
        let cause = match place {
            Some(place) if place != self.config.surroundings() => {
                format!("`{} check` tells the place `{place}`", self.config.shown())
            }
            _ => format!(
                "`{} check` tells no place, and the variables that `environment` names differ",
                self.config.shown()
            ),
        };
        Err(Error::new(ErrorKind::Elsewhere, message)
            .because(cause)
            .hinted("use the credentials and the settings that it was started with"))
    }

    fn not_found(&self, id: &InstanceId) -> Error {
        let message = format!("`{}` was not found by `{}`", id.id, self.table);
        Error::new(ErrorKind::NotFound, message)
            .hinted("make sure that it was launched there, with the same settings")
    }

    /// The error for a call that said no.
    fn refused(&self, answer: &Answer, doing: &str) -> Error {
        let program = self.config.shown();
        let kind = match answer.code {
            Some(exit::UNKNOWN | exit::SETTINGS) => ErrorKind::Config,
            Some(exit::DENIED) => ErrorKind::Denied,
            Some(exit::LATER) => ErrorKind::RateLimited,
            _ => ErrorKind::Unavailable,
        };
        let error = Error::new(kind, doing).because(format!("`{program}` {answer}"));
        match answer.code {
            Some(exit::UNKNOWN) => error.about("command").hinted(
                "let the program offer `launch`, `list` and `terminate`; 64 says that it does not",
            ),
            Some(exit::SETTINGS) => error.about("settings"),
            Some(exit::DENIED) => {
                error.hinted(format!("check the credentials that `{program}` uses"))
            }
            _ => error,
        }
    }

    /// The error for a call that has no answer, and may be made again.
    fn lost(&self, lost: NoAnswer, doing: &str) -> Error {
        let program = self.config.shown();
        match lost {
            NoAnswer::Unstarted(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
                ) =>
            {
                Error::new(ErrorKind::Config, doing)
                    .because(format!("`{program}` could not be run: {error}"))
                    .about("command")
                    .hinted("check that the file of `command` exists and is executable: `chmod +x FILE`")
            }
            NoAnswer::Unstarted(error) => Error::new(ErrorKind::Unavailable, doing)
                .because(format!("`{program}` could not be run: {error}")),
            NoAnswer::Lost(why) => {
                Error::new(ErrorKind::Unavailable, doing).because(format!("`{program}` {why}"))
            }
        }
    }

    /// Looks at the list until it shows enough, for as long as it may take to show what was launched: the last list.
    async fn look_until(&self, is_enough: impl Fn(&Listing) -> bool) -> Result<Listing> {
        let end = Instant::now() + self.config.settle.get();
        loop {
            let listing = async {
                let place = self.place().await?;
                Ok(self.listing(place.as_deref(), self.rows().await?))
            };
            let listing = listing.await;
            let is_last = Instant::now() + LOOKS >= end;
            match listing {
                Ok(listing) if is_last || is_enough(&listing) => return Ok(listing),
                Err(error) if is_last => return Err(error),
                _ => sleep(LOOKS).await,
            }
        }
    }

    /// An id of the place where the program works now.
    async fn here(&self, id: &str) -> Result<InstanceId> {
        Ok(InstanceId {
            location: self.place().await?,
            id: id.to_owned(),
        })
    }
}

/// The end of a log, from the beginning of a line.
fn end_of(log: &[u8]) -> String {
    let more = log.len().saturating_sub(LOG);
    let log = &log[more..];
    let line = match more {
        0 => 0,
        _ => log
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1),
    };
    String::from_utf8_lossy(&log[line..]).into_owned()
}
