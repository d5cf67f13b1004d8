//! Where machines come from: the trait of providers, and what it speaks of.

use std::fmt;
use std::future::ready;
use std::path::Path;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::model::{BootCause, Instance, InstanceId, JobUser, Order, Price};

#[cfg(feature = "aws")]
pub mod aws;
mod common;
#[cfg(test)]
pub(crate) mod contract;
#[cfg(feature = "docker")]
pub mod docker;
mod error;
pub mod external;
pub mod host;
mod lack;
mod listing;
#[cfg(test)]
pub(crate) mod memory;
#[cfg(feature = "nebius")]
pub mod nebius;
mod registry;
#[cfg(feature = "runpod")]
pub mod runpod;
pub mod schema;
mod setting_doc;
#[cfg(test)]
mod toy;

pub(crate) use common::attempt::Attempt;
pub use common::env_name::EnvName;
pub use common::one_or_many::OneOrMany;
pub use error::{Error, ErrorKind, NobodyListens};
pub use lack::Lack;
pub use listing::{Listing, MayBe, Silence, Unjudged, Unread};
pub use registry::{KINDS, Kind, kind, secrets_in_env};
pub use setting_doc::SettingDoc;

/// How long a place of any kind may take to show a machine whose launch it has accepted.
pub const SHOWS_AT_MOST: Duration = Duration::from_mins(2);

/// What a provider answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What [`Provider::check`] found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Health {
    /// Facts worth a line each (`daemon 27.1 at unix:///var/run/docker.sock`).
    pub facts: Vec<String>,
    /// What will work, but not well.
    pub warnings: Vec<String>,
}

/// A machine type with its price and stock.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// What to write into the settings.
    pub name: String,
    /// The terms that this price and stock are for, as in [`crate::model::Rental::market`]: a cloud's tier, `spot`, `on-demand`.
    pub market: Option<String>,
    /// The GPUs of one machine (`NVIDIA A40`, `8x NVIDIA H100`).
    pub gpu: Option<String>,
    /// The memory of one GPU, in GiB.
    pub gpu_memory_gib: Option<f64>,
    /// The virtual CPUs of one machine.
    pub vcpus: Option<f64>,
    /// The memory of one machine, in GiB.
    pub memory_gib: Option<f64>,
    /// Where there are any: regions, zones or data centers.
    pub places: Vec<String>,
    /// What one machine costs.
    pub price: Option<Price>,
    /// What the place says about its stock.
    pub stock: Option<String>,
}

impl Offer {
    /// US dollars an hour, where a price is known.
    pub fn price_per_hour(&self) -> Option<f64> {
        self.price.map(|price| price.per_hour)
    }
}

/// Something that a launch would try, with its price as far as the place tells it to whoever only asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quote {
    /// What it is, as in [`Provider::candidates`].
    pub candidate: String,
    /// What one machine would cost.
    pub price: Option<Price>,
    /// What the place says about its stock.
    pub stock: Option<String>,
}

/// What a place says when it is asked to end a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Termination {
    /// It will end it, and it may be there for a while yet.
    Accepted,
    /// Nothing of it is left, says the place.
    Gone,
}

/// A machine's price, compared with the highest that its table allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PriceVerdict {
    /// There is no such limit, or the place keeps to it itself, or the price is within it.
    Within,
    /// The place has not told the price yet.
    Untold,
    /// It is above the limit, as the error tells.
    Above(Error),
}

/// Looks up an environment variable: the only way in which a kind sees the environment.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Settings of which one is needed, each with a value to write.
pub type Needs = &'static [(&'static str, &'static str)];

/// What a place answers, once it is awaited. It is boxed, as many are at work side by side.
pub type ProviderFuture<'a, T> = LocalBoxFuture<'a, Result<T>>;

/// A kind of place, before one is opened.
pub trait ProviderKind: Provider + Sized + 'static {
    /// The kind's name in `providers.toml` and on the command line.
    const KIND: &'static str;
    /// One line for `gharun providers`.
    const ABOUT: &'static str;
    /// Whether a machine of this kind can reach this computer, as a rehearsal needs.
    const REHEARSES: bool;
    /// Whether its machines are rented, so that one that is forgotten costs money. The default: they are.
    const IS_RENTED: bool = true;
    /// Its table in `providers.toml`; unknown keys are errors that name the key. Its doc comments
    /// are what `providers show` and the man page print.
    type Config: DeserializeOwned + JsonSchema;

    /// Settings that the surroundings give where file and flags are silent (`DOCKER_HOST` -> `host`):
    /// pairs of variable and setting with the value. The default: none.
    fn env_defaults(env: Lookup<'_>) -> Vec<(&'static str, &'static str, Value)> {
        let _ = env;
        Vec::new()
    }

    /// Takes over what the surroundings say beyond single settings, before the place is opened. The default: nothing.
    fn look_around(config: &mut Self::Config, env: Lookup<'_>) {
        let _ = (config, env);
    }

    /// Takes over which folder the file is in whose table names a program, before the place is opened. The default: that
    /// makes no difference.
    fn beside(config: &mut Self::Config, folder: &Path) {
        let _ = (config, folder);
    }

    /// What the user's own files of this kind's client name, of which a table can be made: hosts of ssh, or the profile of
    /// `nebius` that gives credentials. Only files are read. The default: nothing.
    ///
    /// # Errors
    ///
    /// Why such a file cannot be used.
    fn named_in_files(env: Lookup<'_>) -> Result<Vec<String>> {
        let _ = env;
        Ok(Vec::new())
    }

    /// The variables that hold a secret of the place on its machines; no job may see them. The default: none.
    fn secrets_in_env() -> &'static [&'static str] {
        &[]
    }

    /// What a step of the action tells of a machine that is its only one, beside the outputs of every kind: name and value.
    /// Without a machine, or with several, the values are empty. The default: nothing.
    fn outputs(machine: Option<&InstanceId>) -> Vec<(&'static str, String)> {
        let _ = machine;
        Vec::new()
    }

    /// Whether settings that each have the right form can be meant, as far as they tell themselves. The default:
    /// they can.
    ///
    /// # Errors
    ///
    /// A [`ErrorKind::Config`] error that names the setting.
    fn fits(config: &Self::Config) -> Result<()> {
        let _ = config;
        Ok(())
    }

    /// Settings of which a start needs one, where these leave out all of them; each with a value to write. Settings that
    /// are required are needed without it. The default: nothing is needed.
    fn needs(config: &Self::Config) -> Needs {
        let _ = config;
        &[]
    }

    /// Opens the place. Wrong settings are [`ErrorKind::Config`]; nothing is created.
    async fn open(config: Self::Config) -> Result<Self>;

    /// Tells the place what the user calls its table, for hints that name it. The default: it has none.
    #[must_use]
    fn called(self, table: String) -> Self {
        let _ = table;
        self
    }
}

/// A place that hands out machines.
///
/// An implementation rents machines and knows nothing of GitHub. It does not wait for machines to
/// boot, does not retry a launch that may have been carried out, and prints nothing.
pub trait Provider: fmt::Debug {
    /// See [`ProviderKind::KIND`].
    fn kind(&self) -> &'static str;

    /// Confirms that the credentials and the place work, changing nothing.
    fn check(&self) -> ProviderFuture<'_, Health>;

    /// Finds out whether there is such a place from here at all, asked where nobody has named it. An
    /// error says why not, and that nothing is looked for there; a place that is there and does not
    /// answer well is no error, since machines may be in it. The default: what [`Provider::check`] says.
    fn resolve(&self) -> ProviderFuture<'_, ()> {
        Box::pin(async { self.check().await.map(drop) })
    }

    /// The places where a launch may create its machine, spelled as in references: what an intent knows of its machine
    /// before there is one. Empty where that cannot be told. The default: it cannot.
    fn places(&self) -> ProviderFuture<'_, Vec<String>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    /// Launches one machine that runs `order.boot` once; returns as soon as the order is accepted.
    /// Launching the same name twice never yields two machines. A failed launch leaves nothing,
    /// or is [`ErrorKind::Ambiguous`].
    fn launch<'a>(&'a self, order: &'a Order) -> ProviderFuture<'a, Instance>;

    /// Gives up the place that failed launches got in a queue for room, by [`Order::queue_key`]; after an
    /// error it is lost a little later. The default: there is no queue.
    fn leave_queue<'a>(&'a self, queue_key: &'a str) -> ProviderFuture<'a, ()> {
        let _ = queue_key;
        Box::pin(ready(Ok(())))
    }

    /// Lists the machines that gharun launched, all pages and all places, and no others;
    /// a place that could not be read is in `unread`, and says nothing about its machines. What bears our mark and
    /// cannot be judged is in `unjudged`.
    fn list(&self) -> ProviderFuture<'_, Listing>;

    /// The same for whoever knows which machines matter: only the places that these ids name are looked at, and those
    /// where a launch with these settings may create one; the listing says that it is partial. The default: all places.
    fn list_near<'a>(&'a self, machines: &'a [InstanceId]) -> ProviderFuture<'a, Listing> {
        let _ = machines;
        self.list()
    }

    /// The id as [`Provider::list`] spells it, where the place takes other spellings: only of that one a
    /// listing can tell that it is gone. The default: there is but one.
    ///
    /// # Errors
    ///
    /// As of [`Provider::terminate`].
    fn canonical<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, InstanceId> {
        Box::pin(ready(Ok(id.clone())))
    }

    /// Whether an id that somebody gave means a machine that is listed. The default: it is spelled as in the list, or
    /// without its place.
    fn is_same(&self, listed: &InstanceId, given: &InstanceId) -> bool {
        listed == given || given.location.is_none() && listed.id == given.id
    }

    /// Whether an id means the same machine in every table of this kind that leads to its place, so that two tables may
    /// show one machine. Where it does not, an id says nothing outside its own table: each leads to a place of its own,
    /// which may count its machines as any other does. The default: it does.
    fn shares_ids(&self) -> bool {
        true
    }

    /// How long a place may take to show a machine whose launch it has accepted: until then one that is not listed may be
    /// there. It is [`SHOWS_AT_MOST`] at most. The default: 20 s, for places that do not say.
    fn shows_within(&self) -> Duration {
        Duration::from_secs(20)
    }

    /// Whether a listing that was read whole, and does not show a machine, proves that it is not there. Where it does not,
    /// a machine is gone only after [`Provider::terminate`] said so or accepted its end and a later listing lacks it: a
    /// program's list may be empty because something failed. The default: it does.
    fn proves_absence(&self) -> bool {
        true
    }

    /// Whether a machine that has ended is only remembered: nothing of it is left that can be looked at, or that costs
    /// anything. The default: what is listed is there.
    fn is_spent(&self, machine: &Instance) -> bool {
        let _ = machine;
        false
    }

    /// Tells the place that a machine, if there is one, is older than [`Provider::shows_within`]: what it does not show is
    /// gone. The default: that makes no difference.
    fn is_old(&self, id: &InstanceId) {
        let _ = id;
    }

    /// Whether a boot script is short enough for the place. The default: it has no limit.
    ///
    /// # Errors
    ///
    /// A [`ErrorKind::Config`] error about `setup`.
    fn takes(&self, boot: &str) -> Result<()> {
        let _ = boot;
        Ok(())
    }

    /// Asks once that a machine and all that it brought (disks, addresses) be ended. `Ok`: the place
    /// accepted that, or says that the machine is gone. It never asks again and never waits for a place to
    /// carry out what it accepted: asking again, looking and proving are the callers', once for all kinds.
    /// Where the deed is the kind's own (a script on a host), it is done when this returns. It may be asked
    /// for again at any time.
    ///
    /// What is left of a machine that is gone (a disk) is listed as that machine, ended, until it is gone
    /// too: asking again removes it.
    ///
    /// # Errors
    ///
    /// A machine that does not carry our tags is refused as [`ErrorKind::Denied`]. A place that cannot be
    /// resolved is a failure, never "already gone", and so is a machine that the place may not show yet. What a place
    /// does not have is gone only where it is proved to be the one that had it: else [`ErrorKind::Elsewhere`], or
    /// [`ErrorKind::NotFound`] where the id does not tell.
    /// Whatever may go another time is neither [`ErrorKind::Config`] nor [`ErrorKind::Denied`].
    fn terminate<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Termination>;

    /// Why a machine that this value launched will not start where it is, though its order was accepted: the
    /// place has no room for it after all, or keeps it waiting for too long. Whoever asks ends it, and when
    /// it is proved gone, launches anew where the error is [`ErrorKind::NoCapacity`]: then what was found wanting here is
    /// not tried again, and once nothing is left to try, that launch is [`ErrorKind::NoCapacity`]. Any other error is of
    /// the order itself (an image that cannot be pulled), which does no better elsewhere in this place: the next place
    /// is asked. `machine` is as it was listed last, also ended. A place that can ask what its machine waits for may do so
    /// here, seldom enough for its rate limits; without an answer nothing is known.
    /// The default: never.
    fn why_doomed<'a>(&'a self, machine: &'a Instance) -> LocalBoxFuture<'a, Option<Error>> {
        let _ = machine;
        Box::pin(ready(None))
    }

    /// Whether a machine costs more than its table allows, as far as the place has told its price. This is asked about a
    /// machine whose runner is online; before that, [`why_doomed`](Self::why_doomed) tells it. The caller ends a machine
    /// above the limit that has no job, and launches another one, for which the place does not try the same offer again.
    /// The default: it does not.
    fn price_verdict(&self, machine: &InstanceId) -> PriceVerdict {
        let _ = machine;
        PriceVerdict::Within
    }

    /// Whom jobs run as on machines of this place. The default: an unprivileged user, who owns no mounted folder.
    fn job_user(&self) -> JobUser {
        JobUser::default()
    }

    /// Whether a machine that failed can stay for inspection ([`Order::keep_failed`]). The default: it can.
    ///
    /// # Errors
    ///
    /// Why it cannot, told before anything is rented: the place itself removes what has ended.
    fn keeps_failed(&self) -> Result<()> {
        Ok(())
    }

    /// What to write or type at this kind of place against a cause that its machine or the boot script named: one of
    /// its settings. `None`: what is true of every kind is enough.
    fn remedy(&self, cause: BootCause) -> Option<String> {
        let _ = cause;
        None
    }

    /// Shell code by which a machine of this kind ends itself, run as the boot script's user.
    fn shutdown_command(&self) -> &'static str {
        "exit"
    }

    /// Whether the settings are enough to launch with, as far as that shows without asking anybody. A
    /// search needs less.
    fn validate(&self) -> Result<()> {
        Ok(())
    }

    /// Whether boot scripts go to the place in a way that nobody reads on it, where the surroundings say which; what
    /// the settings say is asked by [`Provider::validate`].
    fn encrypts(&self) -> ProviderFuture<'_, ()> {
        Box::pin(ready(Ok(())))
    }

    /// How many machines there can be at once, where the settings tell and a launch waits for none: a start of more can
    /// never come up. The default: nobody knows.
    fn capacity(&self) -> Option<u32> {
        None
    }

    /// Finds out what can be known before anything is registered or rented: whether the daemon or the host answers,
    /// whether the credentials are taken, whether the image exists or can be pulled. It creates nothing, and is asked once
    /// for a whole start. What it cannot find out is left to the launch. The default: nothing is known.
    ///
    /// # Errors
    ///
    /// What a launch would fail with, for every runner of the start.
    fn preflight(&self) -> ProviderFuture<'_, ()> {
        Box::pin(ready(Ok(())))
    }

    /// What `launch` would try, in order.
    fn candidates(&self) -> Vec<String> {
        Vec::new()
    }

    /// What `launch` would try, in order, with prices and stock as they are just now. It changes nothing. The default:
    /// [`Provider::candidates`], without prices.
    fn quotes(&self) -> ProviderFuture<'_, Vec<Quote>> {
        let candidates = self.candidates().into_iter();
        let quotes = candidates.map(|candidate| Quote {
            candidate,
            ..Quote::default()
        });
        Box::pin(ready(Ok(quotes.collect())))
    }

    /// What the user should know before anything is launched with these settings.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// The end of what a machine said while booting, where the place keeps it.
    fn logs<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Option<String>> {
        let _ = id;
        Box::pin(ready(Ok(None)))
    }

    /// Whether a job's process is running on the machine, where the place can tell.
    fn in_use<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Option<bool>> {
        let _ = id;
        Box::pin(ready(Ok(None)))
    }

    /// The commands that get a person in, or to what is left of it, in the state that the machine is in; the first
    /// is the best. The default: there is none.
    fn access(&self, machine: &Instance) -> Vec<String> {
        let _ = machine;
        Vec::new()
    }

    /// The labels that a runner gets for being on this very machine (a GPU's), beside its own.
    fn labels(&self, id: &InstanceId) -> Vec<String> {
        let _ = id;
        Vec::new()
    }

    /// Whether its machines are this very computer, so that a loopback address is the same for both.
    fn is_local(&self) -> bool {
        false
    }

    /// How a machine reaches `port` on this computer, for a rehearsal, and sees to it that it does from
    /// now on. `None`: it cannot.
    fn reach(&self, port: u16) -> ProviderFuture<'_, Option<Url>> {
        let _ = port;
        Box::pin(ready(Ok(None)))
    }

    /// Machine types with price and stock.
    fn offers(&self) -> ProviderFuture<'_, Vec<Offer>> {
        Box::pin(ready(Ok(Vec::new())))
    }
}
