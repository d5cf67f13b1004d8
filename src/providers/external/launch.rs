//! A launch: the name is looked for before, and whatever the program says is held against its list afterwards.
//!
//! What bears the name may have a job by now, and only GitHub knows: a launch never ends it, and answers that it is
//! ambiguous, so that whoever called looks for it. It ends what the program says that it made, and no list tells of.

use tokio::time::{Instant, sleep};

use super::call::{Answer, Call, NoAnswer};
use super::{External, LOOKS, exit, rows};
use crate::model::{Condition, Instance, InstanceId, Order, Rental, chain};
use crate::providers::{Error, ErrorKind, Listing, Provider as _, Result};

/// The exit codes by which a program says that it has made nothing.
const REFUSALS: [i32; 5] = [
    exit::UNKNOWN,
    exit::NO_ROOM,
    exit::LATER,
    exit::DENIED,
    exit::SETTINGS,
];
/// What is said of a launch that may have made a machine.
const UNKNOWN: &str = "it may still have launched a machine";

/// Launches a machine, or finds the one of that name.
pub(super) async fn launch(external: &External, order: &Order) -> Result<Instance> {
    let table = &external.table;
    let launch = Launch {
        external,
        order,
        doing: format!("could not launch `{}` at `{table}`", order.name),
    };
    // Nothing was launched yet, so an error of this list leaves no launch in doubt.
    let before = launch.list().await?;
    let there = launch.named(&before);
    if let Some(own) = there.iter().find(|one| order.owns(&one.tags)) {
        return Ok((*own).clone());
    }
    if let Some(other) = there.first() {
        let why = format!(
            "its list has `{}`, which bears that name and was launched by another start",
            other.id.id
        );
        return Err(Error::new(ErrorKind::Unexpected, launch.doing).because(why));
    }
    let call = Call {
        words: &["launch"],
        env: vec![
            ("GHARUN_NAME", order.name.to_string()),
            ("GHARUN_LIFETIME", order.lifetime.as_secs().to_string()),
            ("GHARUN_TAGS", rows::pack(&order.tags)),
        ],
        stdin: Some(&order.boot),
        within: external.config.launch_timeout.get(),
    };
    let program = external.config.shown();
    match external.program()?.call(call).await {
        Err(lost @ NoAnswer::Unstarted(_)) => Err(external.lost(lost, &launch.doing)),
        Err(NoAnswer::Lost(why)) => {
            let why = Error::new(ErrorKind::Unavailable, format!("`{program}` {why}"));
            Err(launch.ambiguous(why, UNKNOWN))
        }
        Ok(answer) => match answer.code {
            Some(0) => launch.confirm(&answer, &before).await,
            Some(code) if REFUSALS.contains(&code) => {
                Err(launch.refusal(code, &answer, &before).await)
            }
            _ => {
                let why = Error::new(ErrorKind::Unexpected, format!("`{program}` {answer}"));
                Err(launch.ambiguous(why, UNKNOWN))
            }
        },
    }
}

struct Launch<'a> {
    external: &'a External,
    order: &'a Order,
    doing: String,
}

impl Launch<'_> {
    /// The failure of the launch that has this cause.
    fn failed(&self, cause: Error) -> Error {
        cause.while_trying(self.doing.clone())
    }

    /// What is wrong with the program, and what it takes to mend it.
    fn broken(&self, why: &str) -> Error {
        let program = self.external.config.shown();
        Error::new(ErrorKind::Config, format!("`{program} launch` {why}"))
            .hinted("mend the program: docs/write-a-provider.md says what it must do")
    }

    /// The whole list.
    async fn list(&self) -> Result<Listing> {
        let mut listing = self.external.list().await?;
        match listing.unread.pop() {
            Some(unread) => Err(unread.error.while_trying(self.doing.clone())),
            None => Ok(listing),
        }
    }

    /// All that bears the name.
    fn named<'a>(&self, listing: &'a Listing) -> Vec<&'a Instance> {
        let machines = listing.instances.iter();
        machines
            .filter(|machine| machine.tags.name == self.order.name)
            .collect()
    }

    /// The program said that it launched: its list must have one machine of the name, with the ID that it printed and the
    /// tags that it got.
    async fn confirm(&self, answer: &Answer, before: &Listing) -> Result<Instance> {
        let printed = String::from_utf8_lossy(&answer.stdout);
        let told = printed.trim();
        if !rows::is_id(told) {
            let why = self.broken("ended with 0, and must print the machine's ID: one word");
            return Err(self.ambiguous(why, UNKNOWN));
        }
        let shown = answer.hide(told);
        let looked = self
            .external
            .look_until(|listing| !self.named(listing).is_empty());
        let listing = match looked.await {
            Ok(listing) => listing,
            Err(error) => {
                // An ID that no list confirms may be that of another machine.
                let why = self.broken(&format!("ended with 0 and printed `{shown}`"));
                return Err(self.ambiguous(why, &chain(&error)));
            }
        };
        let why = match self.named(&listing).as_slice() {
            [] => return self.unlisted(told, answer, before, &listing).await,
            [found] if found.id.id != told => {
                format!(
                    "printed the ID `{shown}`, and its list has `{}`",
                    found.id.id
                )
            }
            // The same name twice is one machine, and need not be given the boot script again.
            [found] if self.is_earlier(found) => return Ok((*found).clone()),
            [found] if self.has_tags(found) => {
                if answer.unread {
                    // It may have found the machine that a launch of this name made a moment ago, and then needs no
                    // script: one without a script never comes up, and is ended by who waits for it.
                    let program = self.external.config.shown();
                    tracing::warn!("`{program} launch` {UNREAD}");
                }
                return Ok((*found).clone());
            }
            [_] => format!("launched `{shown}`, and its list has other tags than `$GHARUN_TAGS`"),
            [one, other, ..] => {
                let (one, other) = (&one.id.id, &other.id.id);
                format!(
                    "ended with 0, and its list has two machines of that name: `{one}` and `{other}`"
                )
            }
        };
        Err(self.ambiguous(self.broken(&why), "its list has a machine of that name"))
    }

    /// Whether a machine has the tags that it got, which tell times to the second.
    fn has_tags(&self, found: &Instance) -> bool {
        rows::pack(&found.tags) == rows::pack(&self.order.tags)
    }

    /// Whether a machine was made for an earlier launch of this runner.
    fn is_earlier(&self, found: &Instance) -> bool {
        self.order.owns(&found.tags) && found.tags.created < self.order.tags.created
    }

    /// The program printed an ID, and its list never showed the name: what it made is ended by that ID, unless it is known
    /// to be another machine's.
    async fn unlisted(
        &self,
        told: &str,
        answer: &Answer,
        before: &Listing,
        now: &Listing,
    ) -> Result<Instance> {
        let id = match self.external.here(told).await {
            Ok(id) => id,
            Err(error) => return Err(self.ambiguous(error, UNKNOWN)),
        };
        let shown = answer.hide(told);
        let was_there = before.find(&id).is_some() || before.unjudged(&id).is_some();
        if was_there || now.find(&id).is_some() {
            let why = self.broken(&format!("printed the ID `{shown}` of another machine"));
            return Err(self.ambiguous(why, UNKNOWN));
        }
        let settle = self.external.config.settle;
        let why = if answer.unread {
            UNREAD.to_owned()
        } else if now.unjudged(&id).is_some() {
            format!("launched `{shown}`, and its list has other tags than `$GHARUN_TAGS`")
        } else {
            format!("launched `{shown}`, and its list did not show that within {settle}")
        };
        let mut why = self.broken(&why).about("command");
        if now.unjudged(&id).is_none() {
            why = why.hinted(
                "a machine that is a process must have a session of its own: what the program leaves in its process group \
                 is ended with it",
            );
        }
        match self.end(&id, before).await {
            Ok(()) => {
                let ended = format!("what it had launched was ended: `{shown}`");
                Err(self.failed(why.while_trying(ended)))
            }
            // It is not the machine of this launch, or not all of it.
            Err(error) if matches!(error.kind, ErrorKind::Ambiguous | ErrorKind::Denied) => {
                Err(self.ambiguous(why, &chain(&error)))
            }
            Err(error) => {
                // Its ID is all by which it can be ended later: it is handed on as launched, so that it is recorded.
                tracing::warn!("{}; and {}", chain(&why), chain(&error));
                Ok(self.told(id))
            }
        }
    }

    /// The machine of which nothing is known but what the program printed.
    fn told(&self, id: InstanceId) -> Instance {
        Instance {
            id,
            state: Condition::Pending,
            tags: self.order.tags.clone(),
            created: self.order.tags.created,
            ended: None,
            rental: Rental::default(),
        }
    }

    /// The program said that it made nothing: that is believed where a list right after agrees.
    async fn refusal(&self, code: i32, answer: &Answer, before: &Listing) -> Error {
        let program = self.external.config.shown();
        let cause = format!("`{program}` {answer}");
        let why = match code {
            exit::NO_ROOM => Error::new(ErrorKind::NoCapacity, cause),
            exit::LATER => Error::new(ErrorKind::RateLimited, cause),
            exit::DENIED => Error::new(ErrorKind::Denied, cause)
                .hinted(format!("check the credentials that `{program}` uses")),
            exit::SETTINGS => Error::setting("settings", cause),
            _ => self
                .broken("ended with 64, which means that it is not offered")
                .about("command"),
        };
        let after = match self.list().await {
            Ok(after) => after,
            Err(error) => return self.ambiguous(why, &chain(&error)),
        };
        if !self.named(&after).is_empty() {
            return self.ambiguous(why, "its list has a machine of that name");
        }
        if has_new_unjudged(before, &after) {
            return self.ambiguous(why, NEW_UNJUDGED);
        }
        self.failed(why)
    }

    /// A launch of which nobody knows what came.
    fn ambiguous(&self, why: Error, but: &str) -> Error {
        let but = Error::new(ErrorKind::Ambiguous, but.to_owned());
        let why = why.map(|_| ErrorKind::Ambiguous);
        Error::new(ErrorKind::Ambiguous, self.doing.clone()).because_each([why, but])
    }

    /// Ends a machine that no list names, and looks until no list shows anything that may be it. An error is
    /// [`ErrorKind::Ambiguous`] where that ID was not the machine's, or not all of it.
    async fn end(&self, id: &InstanceId, before: &Listing) -> Result<()> {
        let end = Instant::now() + self.external.config.settle.get();
        loop {
            let ended = self.external.end(&id.id).await;
            let why = match (ended, self.list().await) {
                (Err(error), _) | (Ok(()), Err(error)) => error,
                (Ok(()), Ok(listing)) if !self.named(&listing).is_empty() => {
                    let why = "its list has a machine of that name";
                    return Err(Error::new(ErrorKind::Ambiguous, why));
                }
                (Ok(()), Ok(listing)) if listing.unjudged(id).is_some() => {
                    let why = format!("could not confirm the end of `{}`", id.id);
                    Error::new(ErrorKind::Unavailable, why)
                }
                (Ok(()), Ok(listing)) if has_new_unjudged(before, &listing) => {
                    Error::new(ErrorKind::Ambiguous, NEW_UNJUDGED)
                }
                (Ok(()), Ok(_)) => return Ok(()),
            };
            if Instant::now() + LOOKS >= end {
                return Err(why);
            }
            sleep(LOOKS).await;
        }
    }
}

/// What is said of a program that did not read the boot script.
const UNREAD: &str = "ended with 0 before it had read all of its standard input, which is the boot script: a program \
                      that a shell starts with `&` reads nothing of it";
/// What is said of a machine that may be the one that was launched.
const NEW_UNJUDGED: &str = "its list has a new machine with unreadable tags";

/// Whether a list has a machine that cannot be judged, and that an earlier one does not have.
fn has_new_unjudged(before: &Listing, after: &Listing) -> bool {
    let mut unjudged = after.unjudged.iter();
    unjudged.any(|one| before.unjudged(&one.id).is_none())
}
