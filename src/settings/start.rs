//! The settings of `gharun start`.

use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use super::{Error, Proxies, Result, Setting, Settings, bad, values};
use crate::cli;
use crate::model::{NotAVersion, RegistrationMode, RunnerVersion};

/// The settings of `gharun start`, each resolved.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Start {
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
    /// Which runner.
    pub version: RunnerVersion,
    /// How it is registered.
    pub registration: RegistrationMode,
    /// The proxies that machines are told of.
    pub proxies: Proxies,
    /// The pause between looks.
    pub poll_interval: Duration,
    /// Only print the plan.
    pub dry_run: bool,
    /// Play it through with the stand-in.
    pub rehearse: bool,
}

impl Settings {
    /// Resolves the settings of `gharun start`.
    pub fn start(&self, args: &cli::Start) -> Result<Start> {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        let lifetime = self.duration("lifetime", args.lifetime.as_deref(), minutes(7 * 60))?;
        let timeout = self.duration("timeout", args.timeout.as_deref(), minutes(15))?;
        let idle = self.duration("idle_timeout", args.idle_timeout.as_deref(), minutes(30))?;
        let poll = self.duration(
            "poll_interval",
            args.poll_interval.as_deref(),
            Duration::from_secs(2),
        )?;
        for (name, value) in [("timeout", timeout), ("lifetime", lifetime)] {
            if value < Duration::from_secs(1) {
                return Err(Error::usage(format!("`{name}` is less than a second"))
                    .hinted("write a duration such as `15m` or `7h`"));
            }
        }
        if !(Duration::from_millis(50)..=minutes(1)).contains(&poll) {
            return Err(Error::usage("`poll_interval` is not between 50ms and 1m")
                .hinted("leave it out: 2s is kind to everybody"));
        }
        if lifetime < timeout {
            return Err(Error::usage(
                "`lifetime` is shorter than `timeout`: machines would end before they are online",
            )
            .hinted("make `--lifetime` as long as the start and its job may take together"));
        }
        let count = NonZeroU16::MIN;
        Ok(Start {
            providers: self.providers(&args.providers)?,
            count: self.read("count", args.count.as_deref(), values::count, count)?,
            labels: self.labels(&args.labels)?,
            timeout,
            lifetime,
            idle_timeout: Some(idle).filter(|idle| !idle.is_zero()),
            allow_partial: self.switch("allow_partial", args.allow_partial)?,
            keep_failed: self.switch("keep_failed", args.keep_failed)?,
            group: self.group(args.group.as_deref())?,
            setup: self.setup(args)?,
            version: self.read(
                "runner_version",
                args.runner_version.as_deref(),
                version,
                RunnerVersion::Latest,
            )?,
            registration: self.read(
                "registration",
                args.registration.as_deref(),
                registration,
                RegistrationMode::Either,
            )?,
            proxies: Proxies::of(&self.env),
            poll_interval: poll,
            dry_run: args.dry_run,
            rehearse: args.rehearse,
        })
    }

    /// The providers in order: arguments, `$GHARUN_PROVIDERS`, `[defaults] providers`.
    fn providers(&self, given: &[String]) -> Result<Vec<String>> {
        let names = if given.is_empty() {
            self.several("providers")?
                .map(|s| s.value)
                .unwrap_or_default()
        } else {
            given.to_vec()
        };
        if names.is_empty() {
            return Err(Error::usage("no provider is given").hinted(format!(
                "name one or more, in order of preference: {}",
                self.tables.known().join(", ")
            )));
        }
        let mut seen = Vec::new();
        for name in names {
            self.tables.kind_of(&name)?;
            if !seen.contains(&name) {
                seen.push(name);
            }
        }
        Ok(seen)
    }

    fn labels(&self, given: &[String]) -> Result<Vec<String>> {
        let (labels, origin) = if given.is_empty() {
            match self.several("labels")? {
                Some(Setting { value, origin }) => (value, origin),
                None => return Ok(Vec::new()),
            }
        } else {
            (given.to_vec(), super::Origin::Flag("--label".into()))
        };
        let mut fine: Vec<String> = Vec::new();
        for label in labels {
            let label =
                values::label(&label).map_err(|what| bad(&origin, "labels", &label, &what))?;
            if !fine.iter().any(|other| other.eq_ignore_ascii_case(&label)) {
                fine.push(label);
            }
        }
        // GitHub takes 100 labels a runner; the unique one is ours.
        if fine.len() > 99 {
            return Err(Error::usage(format!("{} labels are too many", fine.len()))
                .hinted("GitHub takes 100, and one is the unique name"));
        }
        Ok(fine)
    }

    /// A list from `GHARUN_…` (divided by commas) or `[defaults]`.
    fn several(&self, name: &str) -> Result<Option<Setting<Vec<String>>>> {
        let variable = format!("GHARUN_{}", name.to_uppercase());
        if let Some(text) = self.env.get(&variable) {
            let value = text
                .split(',')
                .map(|part| part.trim().to_owned())
                .filter(|part| !part.is_empty())
                .collect();
            return Ok(Some(Setting {
                value,
                origin: super::Origin::Variable(variable),
            }));
        }
        let path = ["defaults", name];
        let Some(value) = self.file.get(&path) else {
            return Ok(None);
        };
        let origin = self.file.origin(&path);
        let texts = value.as_array().and_then(|items| {
            items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
        });
        match texts {
            Some(value) => Ok(Some(Setting { value, origin })),
            None => Err(bad(
                &origin,
                name,
                &value.to_string(),
                "write a list of texts, such as `[\"a\", \"b\"]`",
            )),
        }
    }

    fn setup(&self, args: &cli::Start) -> Result<Option<String>> {
        let flag = args.setup.as_ref().map(|path| path.display().to_string());
        let Some(Setting { value, origin }) = self.text("setup", flag.as_deref()) else {
            return Ok(None);
        };
        let path = PathBuf::from(&value);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            bad(
                &origin,
                "setup",
                &value,
                "name a shell script that can be read",
            )
            .hinted(error.to_string())
        })?;
        Ok(Some(text))
    }
}

fn version(text: &str) -> std::result::Result<RunnerVersion, String> {
    text.parse().map_err(|error: NotAVersion| error.to_string())
}

fn registration(text: &str) -> std::result::Result<RegistrationMode, String> {
    match text {
        "jit" => Ok(RegistrationMode::Jit),
        "token" => Ok(RegistrationMode::Token),
        _ => Err("write `jit` or `token`".to_owned()),
    }
}
