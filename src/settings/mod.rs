//! CLI > environment > providers.toml > defaults; the only reader of the environment.
//!
//! Everything is resolved once, and each value remembers where it came from, so that an error can
//! name the place. After this nobody reads a flag, a file or a variable.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::{ColorArg, FormatArg, Global};
use crate::model::{HumanDuration, Run, nearest};
use crate::providers::schema::{Fault, SECRET_ITSELF, backticked};

mod authorities;
mod completion;
mod draft;
mod env;
mod file;
mod found;
mod github;
mod inputs;
mod list;
mod providers;
mod proxies;
mod remote;
mod set;
mod start;
mod stop;
mod tables;
mod trust;
mod trusted;
mod values;
mod written;

pub use completion::Completion;
pub use draft::{Draft, Standing, unset};
pub use env::Env;
pub use file::SettingsFile;
pub use github::{AppSetting, GitHubCredential, GitHubSettings};
pub use inputs::{GivenInputs, Inputs, StepCommand, input_names};
pub use list::ListSettings;
pub use providers::{CheckSettings, InitSettings, OffersSettings, ProvidersSettings};
pub use proxies::Proxies;
pub use start::StartSettings;
pub use stop::StopSettings;
pub use tables::{ProviderSettings, Tables};
pub use trusted::Trusted;
pub use values::GroupSetting;

use file::Defaults;
use values::{SettingText, StartGroup};

/// What settings answer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong with a setting. There is one action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Mend it at the place that the error names: a flag, a variable or a line of a file.
    Usage,
}

/// A setting that cannot be used: it names the place, and what to type instead.
pub type Error = crate::model::Error<ErrorKind>;

impl Error {
    /// Makes an error that names the setting's place.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A line of the file.
    File {
        /// The file as it was named.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// An option, with its dashes.
    Flag(String),
    /// A remote of the git checkout around the current folder: a guess.
    Remote(String),
    /// An input of the action.
    Input(String),
    /// An environment variable.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Remote(name) => write!(f, "git remote {name}"),
            Self::Input(input) => write!(f, "the input `{input}`"),
            Self::Variable(name) => write!(f, "${name}"),
        }
    }
}

/// A value with its origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// What holds.
    pub value: T,
    /// Who said so.
    pub origin: Origin,
}

impl<T> Setting<T> {
    /// The setting as an error names it: `` `github.token` (providers.toml:2) ``, `` `$GH_PAT` ``.
    pub fn subject(&self, key: &str) -> String {
        spelled(key, &self.origin)
    }

    fn by_default(value: T) -> Self {
        let origin = Origin::Default;
        Self { value, origin }
    }

    /// The same setting with its value in another form.
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Setting<U> {
        Setting {
            value: change(self.value),
            origin: self.origin,
        }
    }
}

fn spelled(key: &str, origin: &Origin) -> String {
    match origin {
        Origin::Default => format!("`{key}`"),
        Origin::File { .. } | Origin::Remote(_) => format!("`{key}` ({origin})"),
        Origin::Flag(_) | Origin::Variable(_) => format!("`{origin}`"),
        Origin::Input(_) => origin.to_string(),
    }
}

/// What a workflow step knows about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowStep {
    /// The run and its attempt.
    pub run: Option<Run>,
    /// Whether the user asked for debug logs.
    pub debug: bool,
}

/// The settings that every command needs.
#[derive(Debug)]
pub struct Settings {
    /// The environment as it was at the beginning.
    env: Env,
    /// The file, when there is one.
    pub file: SettingsFile,
    /// How results are written.
    pub format: FormatArg,
    /// When to colour.
    pub color: ColorArg,
    /// How much is said: -1 quiet, 0 normal, 1 and more for each `-v`.
    pub verbosity: i8,
    /// The state file; `None` with `--no-state`.
    pub state: Option<PathBuf>,
    /// Set when this is a step of a workflow.
    pub step: Option<WorkflowStep>,
    /// Which log lines are shown (`RUST_LOG`).
    pub log: Option<String>,
    /// Why nothing may be done with these settings, but to trust their file.
    pub refused: Option<Error>,
    /// Scope, token and address of GitHub.
    pub github: GitHubSettings,
    /// The providers' tables.
    pub tables: Tables,
}

/// How results are written: asked before anything else can fail.
pub fn manners(global: &Global, env: &Env) -> (FormatArg, ColorArg) {
    let format = global.output.or_else(|| match env.get("GHARUN_OUTPUT")? {
        "json" => Some(FormatArg::Json),
        _ => None,
    });
    let color = global
        .color
        .unwrap_or_else(|| match env.get("GHARUN_COLOR") {
            Some("always") => ColorArg::Always,
            Some("never") => ColorArg::Never,
            _ if env.get("NO_COLOR").is_some() => ColorArg::Never,
            _ => ColorArg::Auto,
        });
    (format.unwrap_or(FormatArg::Text), color)
}

impl Settings {
    /// Resolves what every command needs. `set` are the `--set` options of the command.
    pub fn resolve(global: &Global, set: &[String], env: Env) -> Result<Self> {
        // What `manners` passed over, since it cannot fail.
        pick::<FormatArg>(&env, "output", None).map_err(|error| error.about("output"))?;
        pick::<ColorArg>(&env, "color", None).map_err(|error| error.about("color"))?;
        let mut file = SettingsFile::find(global.config.as_deref(), &env)?;
        let (refused, untrusted) = file.without_github();
        let (format, color) = manners(global, &env);
        let step = env.flag("GITHUB_ACTIONS").then(|| step(&env));
        let verbosity = match i8::try_from(global.verbose).unwrap_or(i8::MAX) {
            _ if global.quiet => -1,
            0 if step.as_ref().is_some_and(|step| step.debug) => 1,
            verbosity => verbosity,
        };
        Ok(Self {
            format,
            color,
            verbosity,
            state: if global.no_state {
                None
            } else {
                Some(state_path(global.state.as_deref(), &env)?)
            },
            refused,
            github: {
                // A file that is not trusted, and says nothing of GitHub, does not hide the user's own.
                let of_github = file.own().filter(|_| untrusted.is_none()).unwrap_or(&file);
                GitHubSettings::resolve(global, &env, of_github, untrusted)?
            },
            tables: Tables::resolve(set, &env, &file)?,
            step,
            log: env.get("RUST_LOG").map(str::to_owned),
            file,
            env,
        })
    }

    /// Guesses what nobody has said of GitHub, for a person who can see what was guessed: the repository from the git
    /// remotes of the current folder, and that `gh` may be asked for a token. Never in a workflow step.
    pub fn look_around(&mut self) {
        if self.step.is_none() {
            self.github.look_around(Path::new("."), &self.env);
        }
    }

    /// Whether this is a step of the action, which has outputs of its own.
    pub fn is_of_action(&self) -> bool {
        self.env.inputs().is_there()
    }

    /// One setting of `[defaults]`, first that applies: flag, `GHARUN_…`, the file.
    fn read<T: SettingText>(
        &self,
        name: &str,
        flag: Option<&str>,
        of_file: Option<T>,
    ) -> Result<Option<Setting<T>>> {
        let path = ["defaults", name];
        let given = pick(&self.env, name, flag).map_err(|error| error.about(path.join(".")))?;
        if given.is_none()
            && of_file.is_some()
            && let Some(error) = self.file.distrust_of(&path)
        {
            return Err(error);
        }
        Ok(given.or_else(|| of_file.map(|value| self.file.setting(&path, value))))
    }

    fn duration(
        &self,
        name: &str,
        flag: Option<&str>,
        of_file: Option<HumanDuration>,
        default: Duration,
    ) -> Result<Setting<Duration>> {
        let given = self.read(name, flag, of_file)?;
        Ok(given.map_or(Setting::by_default(default), |given| {
            given.map(HumanDuration::get)
        }))
    }

    /// One setting of `[defaults]` that says what is looked at and ended: of a file that is not trusted it is passed
    /// over, and the user's own file is asked.
    fn read_of_sweep<T: SettingText>(
        &self,
        name: &str,
        flag: Option<&str>,
        of_file: impl FnOnce(&Defaults) -> Option<T>,
    ) -> Result<Option<Setting<T>>> {
        let path = ["defaults", name];
        let given = pick(&self.env, name, flag).map_err(|error| error.about(path.join(".")))?;
        let file = self.file.own().unwrap_or(&self.file);
        let of_file = of_file(&file.contents.defaults);
        Ok(given.or_else(|| of_file.map(|value| file.setting(&path, value))))
    }

    /// What [`Settings::read_of_sweep`] passed over; `given` are the settings that a flag says.
    fn passed_over(&self, given: &[(&str, bool)]) -> Option<Error> {
        let said = |name: &str| self.env.get(&format!("GHARUN_{}", name.to_uppercase()));
        let names = given
            .iter()
            .filter(|(name, flag)| !flag && said(name).is_none());
        let names: Vec<&str> = names.map(|(name, _)| *name).collect();
        self.file.distrust_of_defaults(&names)
    }

    /// What is younger than this is within its grace, for `stop` and `list` alike.
    fn older_than(&self, flag: Option<&str>) -> Result<Option<Duration>> {
        let given = self.read_of_sweep("older_than", flag, |file| file.older_than)?;
        Ok(given.map(|given| given.value.get()))
    }

    /// The tag whose machines alone are looked at.
    fn group_of_sweep(&self, flag: Option<&str>) -> Result<Option<String>> {
        let given = self.read_of_sweep("group", flag, |file| file.group.clone())?;
        Ok(given.map(|given: Setting<StartGroup>| given.value.0))
    }

    /// The tag that pairs a start with its stop.
    fn group(&self, flag: Option<&str>) -> Result<Option<String>> {
        let of_file = self.file.contents.defaults.group.clone();
        let given = self.read("group", flag, of_file)?;
        Ok(given.map(|given| given.value.0))
    }

    fn switch(&self, name: &str, flag: bool, of_file: Option<bool>) -> Result<bool> {
        let given = self.read(name, flag.then_some("true"), of_file)?;
        Ok(given.is_some_and(|given| given.value))
    }
}

/// One setting from its flag, else from its variable `GHARUN_…`.
fn pick<T: SettingText>(env: &Env, name: &str, flag: Option<&str>) -> Result<Option<Setting<T>>> {
    let variable = format!("GHARUN_{}", name.to_uppercase());
    match (flag, env.get(&variable)) {
        (Some(text), _) => {
            let flag = format!("--{}", name.replace('_', "-"));
            typed(text, Origin::Flag(flag)).map(Some)
        }
        (None, Some(text)) => typed(text, env.origin(&variable)).map(Some),
        (None, None) => Ok(None),
    }
}

/// The value of a flag or a variable.
fn typed<T: SettingText>(text: &str, origin: Origin) -> Result<Setting<T>> {
    let Some(value) = T::read(text) else {
        let found = if T::SHOWN {
            backticked(text)
        } else {
            "another value".to_owned()
        };
        let expected = T::EXPECTED.to_owned();
        let fault = Fault::Wrong { expected, found };
        let near = nearest(text, T::WORDS.iter().copied());
        let near = near.map(|near| format!("did you mean `{near}`?"));
        return Err(unfit(&spelled("", &origin), fault).hinted_all(near));
    };
    Ok(Setting { value, origin })
}

/// The error for a value that does not fit; `subject` is its setting with the place where it stands.
fn unfit(subject: &str, fault: Fault) -> Error {
    match fault {
        Fault::Missing(meaning) => {
            let why = format!("{subject} is not set. {meaning}");
            Error::usage(why.trim_end())
        }
        Fault::Refused(why) => Error::usage(format!("{subject} cannot be used: {why}")),
        Fault::Unknown(known) => Error::usage(format!("{subject}: unknown key"))
            .hinted(format!("known: {}", known.join(", "))),
        Fault::Wrong { expected, found } => {
            let error = Error::usage(format!("{subject} must be {expected}, not {found}"));
            if found == SECRET_ITSELF {
                error.hinted(
                    "keep it in a variable, `{ env = \"NAME\" }`: this file may get committed",
                )
            } else {
                error
            }
        }
    }
}

fn step(env: &Env) -> WorkflowStep {
    let number = |name: &str| env.get(name).and_then(|value| value.parse().ok());
    WorkflowStep {
        run: number("GITHUB_RUN_ID").map(|id| Run {
            id,
            attempt: number("GITHUB_RUN_ATTEMPT")
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(1),
        }),
        debug: env.flag("RUNNER_DEBUG"),
    }
}

/// Where the state file is; `flag` is the option.
fn state_path(flag: Option<&Path>, env: &Env) -> Result<PathBuf> {
    if let Some(given) = env.path_setting("state", flag)? {
        return Ok(given.value);
    }
    let in_actions = env.flag("GITHUB_ACTIONS");
    if let Some(temp) = env.get("RUNNER_TEMP").filter(|_| in_actions) {
        return Ok(PathBuf::from(temp).join("gharun-state.json"));
    }
    env.base("XDG_STATE_HOME", ".local/state")
        .map(|base| base.join("gharun/state.json"))
        .ok_or_else(|| {
            Error::usage(
                "could not find a directory for the state file: neither $XDG_STATE_HOME nor $HOME \
                 is set",
            )
            .hinted("name a file with `--state FILE`, or use `--no-state`")
        })
}

#[cfg(test)]
mod tests;
