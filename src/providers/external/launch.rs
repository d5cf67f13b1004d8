//! A launch: the name is looked for before, and whatever the program says is held against its list afterwards.

use tokio::time::{Instant, sleep};

use super::call::{Answer, Call, NoAnswer};
use super::{External, LOOKS, exit, rows};
use crate::model::{Condition, Instance, InstanceId, Order, Rental};
use crate::providers::{Error, ErrorKind, Listing, Provider as _, Result};

/// The exit codes by which a program says that it has made nothing.
const REFUSALS: [i32; 4] = [exit::UNKNOWN, exit::NO_ROOM, exit::DENIED, exit::SETTINGS];

/// Launches a machine, or finds the one of that name.
pub(super) async fn launch(external: &External, order: &Order) -> Result<Instance> {
    let table = &external.table;
    let launch = Launch {
        external,
        order,
        doing: format!("could not launch `{}` at `{table}`", order.name),
    };
    // Nothing was launched yet: whatever is wrong with the list is no question of what became of a launch.
    let before = launch.list().await?;
    if let Some(there) = launch.named(&before) {
        return Ok(there.clone());
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
            launch.clear_up(why).await
        }
        Ok(answer) => match answer.code {
            Some(0) => launch.confirm(&answer).await,
            Some(code) if REFUSALS.contains(&code) => launch.refusal(code, &answer, &before).await,
            _ => {
                let why = Error::new(ErrorKind::Unexpected, format!("`{program}` {answer}"));
                launch.clear_up(why).await
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

    /// What it takes to mend the program.
    fn broken(&self, why: &str) -> Error {
        let program = self.external.config.shown();
        Error::setting("command", format!("`{program} launch` {why}"))
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

    fn named<'a>(&self, listing: &'a Listing) -> Option<&'a Instance> {
        let mut machines = listing.instances.iter();
        machines.find(|machine| machine.tags.name == self.order.name)
    }

    /// The program said that it launched: what it printed must be in its list, with the tags that it got.
    async fn confirm(&self, answer: &Answer) -> Result<Instance> {
        let printed = String::from_utf8_lossy(&answer.stdout);
        let told = printed.trim();
        if !rows::is_id(told) {
            let why = self.broken("ended with 0, and must print the machine's ID: one word");
            return self.clear_up(why).await;
        }
        let place = self.external.place().await?;
        let id = InstanceId {
            location: place,
            id: told.to_owned(),
        };
        if answer.unread {
            // It may have found the machine that a launch of this name made a moment ago, and then needs no script: one
            // without a script never comes up, and is ended by who waits for it.
            let program = self.external.config.shown();
            tracing::warn!(
                "`{program} launch` ended with 0 before it had read all of its standard input, which is the boot script"
            );
        }
        let looked = self.external.look_for(|listing| {
            let found = listing.find(&id).or_else(|| self.named(listing));
            let damaged = listing.unjudged(&id).map(|_| None);
            found.map(|found| Some(found.clone())).or(damaged)
        });
        match looked.await {
            Ok(Some(Some(found))) if found.id == id && self.has_tags(&found) => Ok(found),
            Ok(Some(Some(found))) if found.id != id => {
                let why = format!(
                    "printed the ID `{}`, and its list has `{}`",
                    id.id, found.id.id
                );
                self.refuse(&[&id, &found.id], &why).await
            }
            Ok(Some(_)) => {
                let why = format!(
                    "launched `{}`, and its list has other tags than `$GHARUN_TAGS`",
                    id.id
                );
                self.refuse(&[&id], &why).await
            }
            Ok(None) => {
                let settle = self.external.config.settle;
                let why = format!(
                    "launched `{}`, and its list did not show that within {settle}",
                    id.id
                );
                self.refuse(&[&id], &why).await
            }
            // It was launched, and its id is known: whoever waits for it sees what becomes of it.
            Err(why) => {
                tracing::debug!("{}", crate::model::chain(&why));
                Ok(self.told(id))
            }
        }
    }

    /// Whether a machine is listed with the tags that it got, which tell times to the second.
    fn has_tags(&self, found: &Instance) -> bool {
        rows::pack(&found.tags) == rows::pack(&self.order.tags)
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

    /// Ends what a program made that does not keep to the protocol. What could not be ended is handed on as launched, so
    /// that its id is recorded.
    async fn refuse(&self, ids: &[&InstanceId], why: &str) -> Result<Instance> {
        let why = self.broken(why);
        let ids: Vec<String> = ids.iter().map(|id| id.id.clone()).collect();
        match self.end_all(&ids).await {
            Ok(()) => {
                let ended = format!("what it had launched was ended: `{}`", ids.join("`, `"));
                Err(self.failed(why.while_trying(ended)))
            }
            Err(error) => {
                let (why, error) = (crate::model::chain(&why), crate::model::chain(&error));
                tracing::warn!("{why}; and {error}");
                Ok(self.told(InstanceId {
                    location: self.external.place().await?,
                    id: ids.into_iter().next().unwrap_or_default(),
                }))
            }
        }
    }

    /// The program said that it made nothing: that is believed where a list right after agrees.
    async fn refusal(&self, code: i32, answer: &Answer, before: &Listing) -> Result<Instance> {
        let program = self.external.config.shown();
        let cause = format!("`{program}` {answer}");
        let why = match code {
            exit::NO_ROOM => Error::new(ErrorKind::NoCapacity, cause),
            exit::DENIED => Error::new(ErrorKind::Denied, cause)
                .hinted(format!("check the credentials that `{program}` uses")),
            exit::SETTINGS => Error::setting("settings", cause),
            _ => self.broken("ended with 64, which means that it is not offered"),
        };
        let after = match self.list().await {
            Ok(after) => after,
            Err(error) => return Err(self.ambiguous(why, &crate::model::chain(&error))),
        };
        if self.named(&after).is_some() {
            return self.clear_up(why).await;
        }
        let is_new = |id: &InstanceId| before.unjudged(id).is_none();
        if after.unjudged.iter().any(|one| is_new(&one.id)) {
            return Err(self.ambiguous(why, "its list has a new machine with unreadable tags"));
        }
        Err(self.failed(why))
    }

    /// Ends what bears the name, and then fails as `why` says. Without such a machine nobody knows what there is.
    async fn clear_up(&self, why: Error) -> Result<Instance> {
        let found = self
            .external
            .look_for(|listing| self.named(listing).cloned());
        match found.await {
            Ok(Some(found)) => match self.end_all(&[found.id.id]).await {
                Ok(()) => Err(self.failed(why)),
                Err(error) => Err(self.ambiguous(why, &crate::model::chain(&error))),
            },
            Ok(None) => Err(self.ambiguous(
                why,
                "its list does not show the machine, which may still come",
            )),
            Err(error) => Err(self.ambiguous(why, &crate::model::chain(&error))),
        }
    }

    /// A launch of which nobody knows what came.
    fn ambiguous(&self, why: Error, but: &str) -> Error {
        let but = Error::new(ErrorKind::Ambiguous, but.to_owned());
        let why = why.map(|_| ErrorKind::Ambiguous);
        Error::new(ErrorKind::Ambiguous, self.doing.clone()).because_each([why, but])
    }

    /// Ends machines, and looks until no list shows any of them.
    async fn end_all(&self, ids: &[String]) -> Result<()> {
        let end = Instant::now() + self.external.config.settle.get();
        loop {
            let mut failure = None;
            for id in ids {
                if let Err(error) = self.external.end(id).await {
                    failure = Some(error);
                }
            }
            let listing = self.list().await;
            let listed = |listing: &Listing| {
                let named = listing.instances.iter().map(|machine| &machine.id);
                let mut all = named.chain(listing.unjudged.iter().map(|one| &one.id));
                all.any(|one| ids.contains(&one.id))
            };
            let why = match (failure, listing) {
                (Some(error), _) | (None, Err(error)) => error,
                (None, Ok(listing)) if !listed(&listing) => return Ok(()),
                (None, Ok(_)) => Error::new(
                    ErrorKind::Unavailable,
                    format!("could not confirm the end of `{}`", ids.join("`, `")),
                ),
            };
            if Instant::now() + LOOKS >= end {
                return Err(why);
            }
            sleep(LOOKS).await;
        }
    }
}
