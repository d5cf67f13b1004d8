//! CLI > environment > providers.toml > defaults; the only reader of the environment.
//!
//! Everything is resolved once, and each value remembers where it came from, so that an error can
//! name the place. After this nobody reads a flag, a file or a variable.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::{Color, Format, Global};
use crate::model::Run;

mod authorities;
mod env;
mod file;
mod github;
mod list;
mod providers;
mod proxies;
mod start;
mod stop;
mod tables;
mod values;

pub use env::Env;
pub use file::File;
pub use github::{App, Credential, GitHub, Group};
pub use list::List;
pub use providers::{Check, Offers, Providers};
pub use proxies::Proxies;
pub use start::Start;
pub use stop::Stop;
pub use tables::{ProviderSettings, Tables};

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
    /// An environment variable.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Flag(flag) => write!(f, "{flag}"),
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

/// What a workflow step knows about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The run and its attempt.
    pub run: Option<Run>,
    /// Where outputs go.
    pub output: Option<PathBuf>,
    /// Where the job summary goes.
    pub summary: Option<PathBuf>,
    /// Whether the user asked for debug logs.
    pub debug: bool,
}

/// The settings that every command needs.
#[derive(Debug)]
pub struct Settings {
    /// The environment as it was at the beginning.
    pub env: Env,
    /// The file, when there is one.
    pub file: File,
    /// How results are written.
    pub format: Format,
    /// When to colour.
    pub color: Color,
    /// How much is said: -1 quiet, 0 normal, 1 and more for each `-v`.
    pub verbosity: i8,
    /// The state file; `None` with `--no-state`.
    pub state: Option<PathBuf>,
    /// Set when this is a step of a workflow.
    pub step: Option<Step>,
    /// Scope, token and address of GitHub.
    pub github: GitHub,
    /// The providers' tables.
    pub tables: Tables,
}

/// How results are written: asked before anything else can fail.
pub fn manners(global: &Global, env: &Env) -> (Format, Color) {
    let format = global.output.or_else(|| match env.get("GHARUN_OUTPUT")? {
        "json" => Some(Format::Json),
        _ => None,
    });
    let color = global
        .color
        .unwrap_or_else(|| match env.get("GHARUN_COLOR") {
            Some("always") => Color::Always,
            Some("never") => Color::Never,
            _ if env.get("NO_COLOR").is_some() => Color::Never,
            _ => Color::Auto,
        });
    (format.unwrap_or(Format::Text), color)
}

impl Settings {
    /// Resolves what every command needs. `set` are the `--set` options of the command.
    pub fn resolve(global: &Global, set: &[String], env: Env) -> Result<Self> {
        for (name, choices) in [
            ("GHARUN_OUTPUT", &["text", "json"][..]),
            ("GHARUN_COLOR", &["auto", "always", "never"][..]),
        ] {
            if let Some(value) = env.get(name).filter(|value| !choices.contains(value)) {
                return Err(Error::usage(format!("${name} is `{value}`"))
                    .hinted(format!("write one of: {}", choices.join(", "))));
            }
        }
        let file = File::find(global.config.as_deref(), &env)?;
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
                Some(state(global, &env, step.is_some())?)
            },
            github: GitHub::resolve(global, &env, &file)?,
            tables: Tables::resolve(set, &env, &file)?,
            step,
            file,
            env,
        })
    }

    /// One setting as text, first that applies: flag, `GHARUN_…`, `[defaults]`.
    fn text(&self, name: &str, flag: Option<&str>) -> Option<Setting<String>> {
        let dashed = name.replace('_', "-");
        if let Some(value) = flag {
            return Some(Setting {
                value: value.to_owned(),
                origin: Origin::Flag(format!("--{dashed}")),
            });
        }
        let variable = format!("GHARUN_{}", name.to_uppercase());
        if let Some(value) = self.env.get(&variable) {
            return Some(Setting {
                value: value.to_owned(),
                origin: Origin::Variable(variable),
            });
        }
        let path = ["defaults", name];
        let value = match self.file.get(&path)? {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some(Setting {
            value,
            origin: self.file.origin(&path),
        })
    }

    /// The same, read by `parse`, whose error says what to write.
    fn read<T>(
        &self,
        name: &str,
        flag: Option<&str>,
        parse: impl Fn(&str) -> std::result::Result<T, String>,
        default: T,
    ) -> Result<T> {
        let Some(Setting { value, origin }) = self.text(name, flag) else {
            return Ok(default);
        };
        parse(&value).map_err(|what| bad(&origin, name, &value, &what))
    }

    fn duration(&self, name: &str, flag: Option<&str>, default: Duration) -> Result<Duration> {
        self.read(name, flag, values::duration, default)
    }

    /// What is younger than this is within its grace, for `stop` and `list` alike.
    fn older_than(&self, flag: Option<&str>) -> Result<Option<Duration>> {
        let parse = |text: &str| values::duration(text).map(Some);
        self.read("older_than", flag, parse, None)
    }

    /// The tag that pairs a start with its stop.
    fn group(&self, flag: Option<&str>) -> Result<Option<String>> {
        let parse = |text: &str| values::group(text).map(Some);
        self.read("group", flag, parse, None)
    }

    fn switch(&self, name: &str, flag: bool) -> Result<bool> {
        self.read(name, flag.then_some("true"), values::switch, false)
    }
}

/// The error for a value that does not fit.
fn bad(origin: &Origin, name: &str, value: &str, what: &str) -> Error {
    let place = match origin {
        Origin::File { .. } => format!("`{name}` at {origin}"),
        other => format!("`{other}`"),
    };
    Error::usage(format!("{place} cannot be `{value}`")).hinted(what)
}

fn step(env: &Env) -> Step {
    let number = |name: &str| env.get(name).and_then(|value| value.parse().ok());
    Step {
        run: number("GITHUB_RUN_ID").map(|id| Run {
            id,
            attempt: number("GITHUB_RUN_ATTEMPT")
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(1),
        }),
        output: env.get("GITHUB_OUTPUT").map(PathBuf::from),
        summary: env.get("GITHUB_STEP_SUMMARY").map(PathBuf::from),
        debug: env.flag("RUNNER_DEBUG"),
    }
}

fn state(global: &Global, env: &Env, in_actions: bool) -> Result<PathBuf> {
    if let Some(path) = global
        .state
        .clone()
        .or_else(|| env.get("GHARUN_STATE").map(PathBuf::from))
    {
        return Ok(path);
    }
    if let Some(temp) = env.get("RUNNER_TEMP").filter(|_| in_actions) {
        return Ok(PathBuf::from(temp).join("gharun-state.json"));
    }
    env.base("XDG_STATE_HOME", ".local/state")
        .map(|base| base.join("gharun/state.json"))
        .ok_or_else(|| {
            Error::usage(
                "there is no place for the state file: neither $XDG_STATE_HOME nor $HOME is set",
            )
            .hinted("name one with `--state FILE`, or go without with `--no-state`")
        })
}

#[cfg(test)]
mod tests;
