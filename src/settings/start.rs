//! The settings of `gharun start`.

use std::num::NonZeroU16;
use std::time::Duration;

use super::values::LabelSetting;
use super::{Error, Origin, Proxies, Result, Setting, Settings, spelled, typed};
use crate::cli::{self, DryRunArg};
use crate::model::{HumanDuration, RegistrationMode, RunnerVersion};
use crate::providers::schema::{backticked, dotted};

/// The settings of `gharun start`, each resolved.
#[derive(Clone, Debug)]
pub struct StartSettings {
    /// Providers in order of preference.
    pub providers: Vec<String>,
    /// How many runners.
    pub count: NonZeroU16,
    /// Labels beside the unique one.
    pub labels: Vec<String>,
    /// The bound on the whole start.
    pub timeout: Duration,
    /// How long a machine may live.
    pub lifetime: Duration,
    /// How long it waits for a job; `None` is for ever.
    pub idle_timeout: Option<Duration>,
    /// Keep those that came up.
    pub allow_partial: bool,
    /// Leave failed machines.
    pub keep_failed: bool,
    /// The tag that pairs start and stop.
    pub group: Option<String>,
    /// The text of the user's script.
    pub setup: Option<String>,
    /// The file that it is from.
    pub setup_file: Option<String>,
    /// Which runner.
    pub version: RunnerVersion,
    /// How it is registered.
    pub registration: RegistrationMode,
    /// The proxies that machines are told of.
    pub proxies: Proxies,
    /// The pause between looks.
    pub poll_interval: Duration,
    /// Only print the plan, in this form.
    pub dry_run: Option<DryRunArg>,
    /// Play it through with the stub of GitHub.
    pub rehearse: bool,
}

impl Settings {
    /// Resolves the settings of `gharun start`.
    pub fn start(&self, args: &cli::StartArgs) -> Result<StartSettings> {
        // A runner must not come to another scope or group than the file says.
        if let Some(untrusted) = &self.github.untrusted {
            return Err(untrusted.clone());
        }
        let defaults = &self.file.contents.defaults;
        let minutes = |n: u64| Duration::from_secs(n * 60);
        let flag = args.lifetime.as_deref();
        let lifetime = self.duration("lifetime", flag, defaults.lifetime, minutes(7 * 60))?;
        let flag = args.timeout.as_deref();
        let timeout = self.duration("timeout", flag, defaults.timeout, minutes(15))?;
        let flag = args.idle_timeout.as_deref();
        let idle = self.duration("idle_timeout", flag, defaults.idle_timeout, minutes(30))?;
        let flag = args.poll_interval.as_deref();
        let often = Duration::from_secs(2);
        let poll = self.duration("poll_interval", flag, defaults.poll_interval, often)?;
        let subject = |name: &str, setting: &Setting<Duration>| {
            spelled(&format!("defaults.{name}"), &setting.origin)
        };
        for (name, setting) in [("timeout", &timeout), ("lifetime", &lifetime)] {
            if setting.value < Duration::from_secs(1) {
                let subject = subject(name, setting);
                let found = HumanDuration::from(setting.value);
                return Err(Error::usage(format!(
                    "{subject} must be at least a second, not `{found}`"
                ))
                .about(format!("defaults.{name}"))
                .hinted("write a duration such as `15m` or `7h`"));
            }
        }
        if !(Duration::from_millis(50)..=minutes(1)).contains(&poll.value) {
            let subject = subject("poll_interval", &poll);
            let found = HumanDuration::from(poll.value);
            return Err(
                Error::usage(format!("{subject} must be from 50ms to 1m, not `{found}`"))
                    .about("defaults.poll_interval")
                    .hinted("the default, 2s, is recommended"),
            );
        }
        if lifetime.value < timeout.value {
            let [short, long] = [lifetime.value, timeout.value].map(HumanDuration::from);
            let (subject, of) = (subject("lifetime", &lifetime), subject("timeout", &timeout));
            return Err(Error::usage(format!(
                "{subject} must be at least {of}, `{long}`, not `{short}`: machines would end \
                 before they are online"
            ))
            .about("defaults.lifetime")
            .hinted("set `--lifetime` to the time that the start and its job may take together"));
        }
        let count = self.read("count", args.count.as_deref(), defaults.count)?;
        let version = defaults.runner_version.clone();
        let version = self.read("runner_version", args.runner_version.as_deref(), version)?;
        let registration = args.registration.as_deref();
        let registration = self.read("registration", registration, defaults.registration)?;
        let (allow, keep) = (defaults.allow_partial, defaults.keep_failed);
        let (setup, setup_file) = self.setup(args)?.unzip();
        let providers = self.providers(&args.providers)?;
        self.tables.take_inputs(&providers)?;
        Ok(StartSettings {
            providers,
            count: count.map_or(NonZeroU16::MIN, |count| count.value.0),
            labels: self.labels(&args.labels)?,
            timeout: timeout.value,
            lifetime: lifetime.value,
            idle_timeout: Some(idle.value).filter(|idle| !idle.is_zero()),
            allow_partial: self.switch("allow_partial", args.allow_partial, allow)?,
            keep_failed: self.switch("keep_failed", args.keep_failed, keep)?,
            group: self.group(args.group.as_deref())?,
            setup,
            setup_file,
            version: version.map_or(RunnerVersion::Latest, |version| version.value),
            registration: registration.map_or(RegistrationMode::Either, |mode| mode.value),
            proxies: Proxies::of(&self.env),
            poll_interval: poll.value,
            dry_run: args.dry_run,
            rehearse: args.rehearse,
        })
    }

    /// The providers that a start without arguments takes; none where none is set, or where that needs a trust that the file
    /// does not have.
    pub(super) fn default_providers(&self) -> Result<Vec<String>> {
        let of_file = &self.file.contents.defaults.providers;
        let of_file = of_file.as_ref().is_some_and(|names| !names.is_empty())
            && self.file.distrust_of(&["defaults", "providers"]).is_none();
        if of_file || self.words("providers").is_some() {
            self.providers(&[])
        } else {
            Ok(Vec::new())
        }
    }

    /// The providers in order: arguments, `$GHARUN_PROVIDERS`, `[defaults] providers`.
    pub(super) fn providers(&self, given: &[String]) -> Result<Vec<String>> {
        // Each with the setting that named it.
        let names: Vec<(String, Option<String>)> = if !given.is_empty() {
            given.iter().map(|name| (name.clone(), None)).collect()
        } else if let Some((words, origin)) = self.words("providers") {
            let place = spelled("", &origin);
            let words = words.into_iter();
            words.map(|name| (name, Some(place.clone()))).collect()
        } else {
            if let Some(untrusted) = self.file.distrust_of(&["defaults", "providers"]) {
                return Err(untrusted);
            }
            let names = self.file.contents.defaults.providers.clone();
            let names = names.unwrap_or_default().into_iter().enumerate();
            let placed = names.map(|(number, name)| {
                let path = ["defaults", "providers", &format!("[{number}]")].map(str::to_owned);
                let place = spelled(&dotted(&path), &self.file.origin(&path));
                (name, Some(place))
            });
            placed.collect()
        };
        if names.is_empty() {
            return Err(Error::usage("no provider is set")
                .about("defaults.providers")
                .hinted(format!(
                    "name one or more, in order of preference: {}",
                    self.tables.known().join(", ")
                )));
        }
        let mut seen = Vec::new();
        for (name, place) in names {
            if let Some(place) = place.filter(|_| !self.tables.is_known(&name)) {
                let found = backticked(&name);
                let error = Error::usage(format!("{place} must name providers, not {found}"));
                return Err(error
                    .about("defaults.providers")
                    .hinted(self.tables.known_here()));
            }
            self.tables.kind_of(&name)?;
            if !seen.contains(&name) {
                seen.push(name);
            }
        }
        Ok(seen)
    }

    fn labels(&self, given: &[String]) -> Result<Vec<String>> {
        let given = (!given.is_empty()).then(|| (given.to_vec(), Origin::Flag("--label".into())));
        let labels: Vec<LabelSetting> = match given.or_else(|| self.words("labels")) {
            Some((words, origin)) => words
                .iter()
                .map(|word| Ok(typed(word, origin.clone())?.value))
                .collect::<Result<_>>()
                .map_err(|error| error.about("defaults.labels"))?,
            None => self
                .file
                .contents
                .defaults
                .labels
                .clone()
                .unwrap_or_default(),
        };
        let mut fine: Vec<String> = Vec::new();
        for LabelSetting(label) in labels {
            if !fine.iter().any(|other| other.eq_ignore_ascii_case(&label)) {
                fine.push(label);
            }
        }
        // GitHub takes 100 labels a runner; the unique one is ours.
        if fine.len() > 99 {
            return Err(Error::usage(format!("{} labels are too many", fine.len()))
                .about("defaults.labels")
                .hinted("GitHub allows 100, and one is the unique name"));
        }
        Ok(fine)
    }

    /// The words of `GHARUN_…`, divided by commas.
    fn words(&self, name: &str) -> Option<(Vec<String>, Origin)> {
        let variable = format!("GHARUN_{}", name.to_uppercase());
        let words = self.env.get(&variable)?.split(',').map(str::trim);
        let words = words.filter(|word| !word.is_empty()).map(str::to_owned);
        Some((words.collect(), self.env.origin(&variable)))
    }

    fn setup(&self, args: &cli::StartArgs) -> Result<Option<(String, String)>> {
        if let Some((script, input)) = self
            .env
            .inputs()
            .setup
            .as_ref()
            .filter(|_| args.setup.is_none())
        {
            return Ok(Some((
                script.clone(),
                Origin::Input(input.clone()).to_string(),
            )));
        }
        let flag = args.setup.as_ref().map(|path| path.display().to_string());
        let of_file = self.file.contents.defaults.setup.clone();
        let Some(Setting { value, origin }) = self.read("setup", flag.as_deref(), of_file)? else {
            return Ok(None);
        };
        let path = self.env.path(&value.to_string_lossy());
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let (subject, path) = (spelled("defaults.setup", &origin), path.display());
            Error::usage(format!("{subject} cannot be `{path}`: {error}"))
                .about("defaults.setup")
                .hinted("name a readable shell script")
        })?;
        Ok(Some((text, value.to_string_lossy().into_owned())))
    }
}
