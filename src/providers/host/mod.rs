//! Machines that are already there: slots, and the scripts that take and free them.
//!
//! All that happens on such a host is done by POSIX sh scripts, sent over a `Shell`: a child
//! process here ([`local`]), a channel of a connection elsewhere (`ssh`). What a slot is made of stands in `common.sh`.

use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::common::clock::HostClock;
use super::{Error, ErrorKind, Health, Result};
use crate::model::text::quoted;
use crate::model::{Condition, Instance, InstanceId, digest};
use crate::providers::{Listing, Termination, Unread};

mod launch;
mod layout;
pub mod local;
mod output;
mod remedy;
mod scripts;
mod shell;
mod spelling;
#[cfg(feature = "ssh")]
pub mod ssh;
#[cfg(test)]
mod tests;
mod user;

pub(crate) use layout::Layout;
use output::ScriptOutput;
use scripts::{CHECK, COMMON, IDENTIFY, IN_USE, LIST, LOGS, TERMINATE};
pub(crate) use shell::{Broken, Output, Shell};
use spelling::{encode, folder_for_people, folder_word, foreign, machines};
use user::HostUser;

/// What a script may take on a host that is well: reading, and all that waits for processes.
const READING: Duration = Duration::from_secs(30);
const LAUNCHING: Duration = Duration::from_secs(90);
/// A job's folder may be large, and its processes get some time to end.
const TERMINATING: Duration = Duration::from_mins(2);

/// The key by which `launch.sh` knows a machine that keeps its slot until its lifetime is over if it fails.
const KEEP_FAILED: &str = "keep-failed";

/// The slots of one host.
#[derive(Debug)]
pub(crate) struct Host<S> {
    shell: S,
    layout: Layout,
    place: OnceCell<String>,
    /// Known once the place is.
    clock: OnceLock<HostClock>,
    /// Whom scripts run as there; known once the place is.
    user: OnceLock<HostUser>,
    /// The names that this process launches or has launched here.
    launched: Mutex<Vec<String>>,
}

/// A script to be run on a host.
struct Question<'a> {
    script: &'a str,
    /// What it is told.
    vars: &'a [(&'a str, &'a str)],
    /// What it reads.
    stdin: &'a [u8],
    within: Duration,
    /// What it means when it is not known whether it ran to its end.
    lost: ErrorKind,
}

impl<'a> Question<'a> {
    /// One that changes nothing, or may be run again.
    fn new(script: &'a str, vars: &'a [(&'a str, &'a str)]) -> Self {
        Self {
            script,
            vars,
            stdin: &[],
            within: READING,
            lost: ErrorKind::Unavailable,
        }
    }
}

/// The error for a machine that hosts do not have, where its reference does not say which host had it.
fn not_found(id: &InstanceId, hosts: &str) -> Error {
    let message = format!("`{}` was not found on {hosts}", id.id);
    Error::new(ErrorKind::NotFound, message)
        .hinted("make sure that it was launched there, and by this user")
}

impl<S: Shell> Host<S> {
    pub(crate) fn new(shell: S, layout: Layout) -> Self {
        Self {
            shell,
            layout,
            place: OnceCell::new(),
            clock: OnceLock::new(),
            user: OnceLock::new(),
            launched: Mutex::default(),
        }
    }

    /// What tells this host and folder from others, as a short hash; every machine here bears it.
    ///
    /// A copied folder is thus another place, and so is the same folder seen from another host.
    /// References spell it so too, unless the layout names an address.
    pub(crate) async fn place(&self) -> Result<&str> {
        let ask = async || {
            self.shell.ready().await?;
            let doing = format!("could not identify {}", self.shell.host());
            let begin = Timestamp::now();
            let answer = self.ask(&doing, Question::new(IDENTIFY, &[])).await?;
            if let Some(clock) = HostClock::read(&answer.lines, begin, Timestamp::now()) {
                self.clock.get_or_init(|| clock);
            }
            if let Some(user) = HostUser::read(&answer.lines) {
                self.user.get_or_init(|| user);
            }
            let value = |key: &str| {
                let mut values = answer
                    .lines
                    .iter()
                    .filter_map(|line| line.strip_prefix(key));
                values.next().filter(|value| !value.is_empty())
            };
            match (value("identity "), value("folder ")) {
                (Some(identity), Some(folder)) => {
                    Ok(digest::place(format!("{identity}\n{folder}\n")))
                }
                _ => Err(answer.error(ErrorKind::Unavailable, doing)),
            }
        };
        let place: &String = self.place.get_or_try_init(ask).await?;
        Ok(place)
    }

    /// The place as references spell it, given the host's identity.
    fn address<'a>(&'a self, place: &'a str) -> &'a str {
        self.layout.address.as_deref().unwrap_or(place)
    }

    /// See [`super::Provider::check`].
    pub(crate) async fn check(&self) -> Result<Health> {
        // What it is wanted for adds nothing to why it could not be reached.
        self.shell.ready().await?;
        let doing = format!("could not use {}", self.shell.host());
        let begin = Timestamp::now();
        let answer = self
            .ask(&doing, Question::new(CHECK, &[("TURN", "")]))
            .await?;
        let clock = HostClock::read(&answer.lines, begin, Timestamp::now());
        if let Some(failure) = answer.failure.as_deref() {
            let doing = match failure {
                "unprepared" => format!("could not make slots on {}", self.shell.host()),
                _ => doing,
            };
            return Err(answer.error(ErrorKind::Unavailable, doing));
        }
        self.place().await?;
        self.run_as()?;
        let all = |key: &str| -> Vec<String> { answer.all(key).map(str::to_owned).collect() };
        let mut warnings = all("warning ");
        warnings.extend(clock.and_then(|clock| clock.warning()));
        Ok(Health {
            facts: all("fact "),
            warnings,
        })
    }

    /// See [`super::Provider::preflight`]. Whether a slot is free may be another in a moment, and is not looked at.
    pub(crate) async fn preflight(&self) -> Result<()> {
        self.check().await.map(drop)
    }

    /// Makes sure that jobs can run as whom the settings say.
    fn run_as(&self) -> Result<()> {
        let wanted = self.layout.run_as.as_ref();
        let user = self.user.get();
        user.map_or(Ok(()), |user| user.fits(wanted, self.shell.host()))
    }

    /// A machine with what people know its host by.
    fn shown(&self, machine: Instance) -> Instance {
        Instance {
            rental: self.shell.rental(),
            ..machine
        }
    }

    /// See [`super::Provider::leave_queue`]. Nobody waits for a slot of this very machine.
    #[cfg(any(feature = "ssh", test))]
    pub(crate) async fn leave_queue(&self, queue_key: &str) -> Result<()> {
        let doing = format!("could not leave the queue of {}", self.shell.host());
        let vars = [("NAME", ""), ("TURN", &*encode(queue_key))];
        let answer = self
            .ask(&doing, Question::new(scripts::LEAVE_QUEUE, &vars))
            .await?;
        match answer.failure {
            None => Ok(()),
            Some(_) => Err(answer.error(ErrorKind::Unavailable, doing)),
        }
    }

    /// See [`super::Provider::list`]. A slot that cannot be read makes the place unread: it may hold any machine that is
    /// asked about. A machine that cannot be judged is told by its name, which is that of its folder.
    pub(crate) async fn list(&self) -> Result<Listing> {
        let place = self.place().await?;
        let doing = format!("could not list the slots of {}", self.shell.host());
        let vars = [("PLACE", place)];
        let answer = self.ask(&doing, Question::new(LIST, &vars)).await?;
        if answer.failure.is_some() {
            return Err(answer.error(ErrorKind::Unavailable, doing));
        }
        let mut listing = Listing {
            read: vec![self.address(place).to_owned()],
            vague: vec![(None, self.shell.host().to_owned())],
            ..Listing::default()
        };
        let mut unread = |what: String| {
            let error = Error::new(ErrorKind::Unavailable, doing.clone()).because(what);
            listing.unread.push(Unread {
                location: Some(self.address(place).to_owned()),
                error,
            });
        };
        for path in answer.all("unread ") {
            unread(format!("could not read `{path}`"));
        }
        for machine in machines(self.address(place), &answer.lines) {
            match machine {
                Ok(machine) => listing.instances.push(self.shown(machine)),
                Err(unjudged) => listing.unjudged.push(*unjudged),
            }
        }
        for path in answer.all("foreign ") {
            let foreign = foreign(self.address(place), path);
            // Whoever calls a folder like a machine of ours hides nothing.
            if listing.find(&foreign.id).is_none() && listing.unjudged(&foreign.id).is_none() {
                listing.unjudged.push(foreign);
            }
        }
        Ok(listing)
    }

    /// The id with its place, where it has none and the machine is here; as it is where this host does not have it.
    pub(crate) async fn canonical(&self, id: &InstanceId) -> Result<InstanceId> {
        if id.location.is_some() {
            return Ok(id.clone());
        }
        let listing = self.list().await?;
        let machines = listing.instances.into_iter().map(|machine| machine.id);
        let unjudged = listing.unjudged.into_iter().map(|unjudged| unjudged.id);
        match machines.chain(unjudged).find(|listed| listed.id == id.id) {
            Some(listed) => Ok(listed),
            None => match listing.unread.into_iter().next() {
                Some(unread) => Err(unread.error),
                None => Ok(id.clone()),
            },
        }
    }

    /// See [`super::Provider::terminate`]. Proved gone when it returns: processes, folder, slot.
    pub(crate) async fn terminate(&self, id: &InstanceId) -> Result<Termination> {
        let place = self.resolve(id).await?;
        let doing = format!("could not end `{}` on {}", id.id, self.shell.host());
        let vars = [("PLACE", place), ("NAME", &id.id), ("TURN", "")];
        let question = Question {
            within: TERMINATING,
            ..Question::new(TERMINATE, &vars)
        };
        let answer = self.ask(&doing, question).await?;
        match answer.failure.as_deref() {
            None => Ok(Termination::Gone),
            Some("stranger") => {
                let cause = "it lacks gharun's tags, or belongs to another user";
                Err(Error::new(ErrorKind::Denied, doing).because(cause))
            }
            Some("remains") => {
                let root = folder_for_people(&self.layout.work_dir);
                let error = answer.error(ErrorKind::Unavailable, doing);
                let left = format!("{root}/slot-*/{} {root}/.gone/{0}.*", id.id);
                Err(error.hinted(format!(
                    "its processes have ended; remove its files with `sudo rm -rf {left}`"
                )))
            }
            Some(_) => Err(answer.error(ErrorKind::Unavailable, doing)),
        }
    }

    /// See [`super::Provider::logs`]: the last 64 KiB.
    pub(crate) async fn logs(&self, id: &InstanceId) -> Result<Option<String>> {
        let place = self.resolve(id).await?;
        let doing = format!("could not read the log of `{}`", id.id);
        let vars = [("PLACE", place), ("NAME", &id.id)];
        let answer = self.ask(&doing, Question::new(LOGS, &vars)).await?;
        if answer.failure.is_some() {
            return Err(answer.error(ErrorKind::Unavailable, doing));
        }
        Ok(match answer.lines.as_slice() {
            [first, log @ .., last] if first == "log" && last == "end" => Some(log.join("\n")),
            _ => None,
        })
    }

    /// See [`super::Provider::in_use`].
    pub(crate) async fn in_use(&self, id: &InstanceId) -> Result<Option<bool>> {
        let place = self.resolve(id).await?;
        let doing = format!("could not look for jobs on `{}`", id.id);
        let vars = [("PLACE", place), ("NAME", &id.id)];
        let answer = self.ask(&doing, Question::new(IN_USE, &vars)).await?;
        if answer.failure.is_some() {
            return Err(answer.error(ErrorKind::Unavailable, doing));
        }
        Ok(Some(answer.lines.iter().any(|line| line == "used")))
    }

    /// The commands that show a person what a machine is doing, or what is left of it.
    pub(crate) fn access(&self, machine: &Instance) -> Vec<String> {
        let root = folder_for_people(&self.layout.work_dir);
        let folder = format!("{root}/slot-*/{}", machine.id.id);
        match machine.state {
            Condition::Ended(_) => vec![
                format!("cd {folder} && tail -n 100 log"),
                format!("ls -lA {folder} {folder}/work"),
            ],
            Condition::Pending | Condition::Running => {
                vec![format!("cd {folder} && tail -n 100 -f log")]
            }
        }
    }

    /// What tells a boot script where to work and what to keep is set by `keeper.sh`; this is the rest.
    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Makes sure that a reference means this host, and a folder in its slots.
    async fn resolve(&self, id: &InstanceId) -> Result<&str> {
        let place = self.place().await?;
        let address = self.address(place);
        if id.location.as_deref() != Some(address) {
            let message = format!(
                "`{}` was started on another computer than {}, or in another `work_dir`",
                id.id,
                self.shell.host()
            );
            let cause = format!(
                "its slots have the ID `{}`, those in `{}` have `{address}`",
                id.location.as_deref().unwrap_or_default(),
                self.layout.work_dir
            );
            return Err(Error::new(ErrorKind::Elsewhere, message)
                .because(cause)
                .hinted(format!(
                    "on the computer that started it, run `gharun stop {}`; if it was this one, set `work_dir` to the folder \
                     that it was started in",
                    id.id
                )));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !id.id.bytes().all(plain) || id.id.starts_with(['.', '-']) || id.id.is_empty() {
            let message = format!(
                "`{id}` is not a machine of gharun's: its name has characters that gharun does \
                 not use"
            );
            return Err(Error::new(ErrorKind::Denied, message));
        }
        Ok(place)
    }

    /// Runs a script and makes sure that it ran to its end.
    async fn ask(&self, doing: &str, question: Question<'_>) -> Result<ScriptOutput> {
        let Question {
            script,
            vars,
            stdin,
            within,
            lost,
        } = question;
        if let Err(error) = self.shell.ready().await {
            return Err(error.while_trying(doing));
        }
        let whole = self.whole(script, vars);
        let output = match timeout(within, self.shell.run(&whole, stdin)).await {
            Ok(Ok(output)) => output,
            Ok(Err(Broken::Refused(error))) => {
                return Err(Error::new(ErrorKind::Unavailable, doing).because(error));
            }
            Ok(Err(Broken::Unreachable(error))) => return Err(error.while_trying(doing)),
            Ok(Err(Broken::Lost(error))) => return Err(Error::new(lost, doing).because(error)),
            Err(_) => {
                let cause = format!("it took more than {} s", within.as_secs());
                return Err(Error::new(lost, doing).because(cause));
            }
        };
        ScriptOutput::read(&output).map_err(|unread| {
            let error = Error::new(lost, doing).because(unread.cause);
            match unread.instead {
                Some(said) => self.shell.explain(error, &said),
                None => error,
            }
        })
    }

    /// A script with all that it needs before it, and the marks by which its answer is known to be whole: on lines of their
    /// own, whatever a start-up file of the shell has printed without a line end.
    fn whole(&self, script: &str, vars: &[(&str, &str)]) -> String {
        let (slots, grace) = (
            self.layout.slots.to_string(),
            self.layout.grace.as_secs().div_ceil(60).to_string(),
        );
        let always = [("SLOTS", slots.as_str()), ("GRACE", grace.as_str())];
        let vars = vars
            .iter()
            .chain(&always)
            .map(|(key, value)| format!("{key}={}\n", quoted(value)))
            .collect::<Vec<_>>()
            .concat();
        let cache = self.layout.cache.as_deref().map(folder_word);
        let folders = format!(
            "ROOT={}\nCACHE={}\n",
            folder_word(&self.layout.work_dir),
            cache.unwrap_or_default()
        );
        // Messages are read by us, so they are in our language; the machine gets the user's.
        let locale = "LOCALE=${LC_ALL-}\nLC_ALL=C\nexport LC_ALL\n";
        format!("{vars}{folders}{locale}{COMMON}\nsay\nsay gharun\n{script}\nsay gharun-done\n")
    }
}
