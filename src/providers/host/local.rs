//! Slots on this very machine.

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use url::Url;

use super::{Broken, Host, Layout, Output, Shell, not_found, remedy};
use crate::model::{
    BootCause, HumanDuration, Instance, InstanceId, JobUser, Order, PathSetting, Rental, RunAs,
    Secret, child,
};
use crate::providers::schema::{backticked, dotted};
use crate::providers::{
    EnvName, Error, Health, Listing, Lookup, Provider, ProviderFuture, ProviderKind, Result,
    Termination,
};

/// Slots on this very machine.
#[derive(Debug)]
pub struct Local {
    pub(super) host: Host<Sh>,
}

/// The settings of `local`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LocalConfig {
    /// How many runners may be on this machine at a time
    #[serde(default = "one")]
    #[schemars(extend("x-harmless" = true))]
    pub slots: NonZeroU16,
    /// The folder of the slots, absolute; `gharun/slots` in the user's folder for program state when left out
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub work_dir: Option<PathSetting>,
    /// The folder that runner archives are kept in between starts, absolute; `gharun` in the user's cache folder when left out
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub cache: Option<PathSetting>,
    /// How long the slot of a runner that ended by itself is kept for its log to be read, in whole minutes, rounded up
    #[serde(default = "ten_minutes")]
    #[schemars(extend("x-harmless" = false))]
    pub grace: HumanDuration,
    /// Variables for the runner and its jobs; beside these they see only the few that every program needs
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub env: BTreeMap<EnvName, String>,
    /// Whom the runner and its jobs run as: `runner`, `root`, or a user of this machine; without root, jobs run as the user who runs gharun
    #[serde(default)]
    #[schemars(extend("x-harmless" = false))]
    pub run_as: Option<RunAs>,
}

fn one() -> NonZeroU16 {
    NonZeroU16::MIN
}

fn ten_minutes() -> HumanDuration {
    HumanDuration::from_mins(10)
}

/// The shell of this machine, as a child process.
#[derive(Debug)]
pub(super) struct Sh {
    /// The program: `sh`, found by `PATH`.
    pub(super) program: PathBuf,
    /// Changes to the environment in which it is found.
    pub(super) env: Vec<(String, String)>,
}

/// What a job may see of our environment, beside `PATH`.
const PASSED: [&str; 21] = [
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LOGNAME",
    "NODE_EXTRA_CA_CERTS",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "USER",
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "all_proxy",
    "https_proxy",
    "http_proxy",
    "no_proxy",
];

/// Hands over to a shell that has nothing of our environment but what a job may see: no token, and
/// no `RUNNER_TRACKING_ID`, by which a runner finds and ends what a job has left behind. Values go
/// through a pipe, since a proxy's may hold a password and arguments are for all to see. Whose `sudo` this is
/// is for the script alone.
const SCRUBBED: &str = r#"
exec 4<&0
{ for name in @PASSED; do
    eval "printf '%s\n' \"\${$name+$name=\$$name}\""
done; printf '%s\n' "-${SUDO_UID-}"; } | env -i "PATH=${PATH-/usr/local/bin:/usr/bin:/bin}" "$0" -c "$1" "$0" 3<&0 <&4 4<&-
"#;

/// Takes over what [`SCRUBBED`] let through.
const TAKEN_OVER: &str = r#"
while IFS= read -r line; do
    case $line in
    [A-Za-z]*=*) export "$line" ;;
    -*) SUDO_UID=${line#-} ;;
    esac
done <&3
exec 3<&-
"#;

impl Shell for Sh {
    fn host(&self) -> &'static str {
        "this machine"
    }

    fn rental(&self) -> Rental {
        // Nobody need be told where that is.
        Rental::default()
    }

    async fn run(&self, script: &str, stdin: &[u8]) -> Result<Output, Broken> {
        let mut command = Command::new(&self.program);
        // Neither does this child get more: jobs can read its environment, too.
        child::pass_on(&mut command, &[&PASSED[..], &["PATH", "SUDO_UID"]].concat());
        command
            .args(["-c", &SCRUBBED.replace("@PASSED", &PASSED.join(" "))])
            .arg(&self.program)
            .arg(format!("{TAKEN_OVER}{script}"))
            .envs(self.env.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A Ctrl-C at the terminal is for us: we decide what becomes of a launch or a removal.
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(Broken::Refused)?;
        let mut pipe = child.stdin.take().expect("it was asked for");
        let write = async move {
            match pipe.write_all(stdin).await {
                // A script that has failed does not read to the end; it says itself why.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
                fed => fed,
            }
        };
        let (fed, output) = tokio::join!(write, child.wait_with_output());
        let output = output.map_err(Broken::Lost)?;
        fed.map_err(Broken::Lost)?;
        Ok(Output {
            stdout: output.stdout,
            stderr: output.stderr,
            status: output.status.to_string(),
        })
    }
}

impl Local {
    pub(super) fn on(shell: Sh, config: LocalConfig) -> Result<Self> {
        let LocalConfig {
            slots,
            work_dir,
            cache,
            grace,
            env,
            run_as,
        } = config;
        let layout = Layout {
            address: None,
            work_dir: folder("work_dir", work_dir.as_ref())?,
            cache: Some(folder("cache", cache.as_ref())?),
            slots,
            grace: grace.get(),
            env: variables(&env)?,
            gpus: Vec::new(),
            waits: false,
            run_as,
        };
        Ok(Self {
            host: Host::new(shell, layout),
        })
    }
}

/// A folder as scripts can use it.
fn folder(key: &str, path: Option<&PathSetting>) -> Result<String> {
    let Some(path) = path else {
        let message = format!("`{key}` is not set, and neither is `$HOME`");
        return Err(Error::setting(key, message));
    };
    let text = path.to_str().filter(|text| !text.contains('\n'));
    match text.map(|text| text.trim_end_matches('/')) {
        Some(text) if path.is_absolute() && !text.is_empty() => Ok(text.to_owned()),
        _ => {
            let found = backticked(&path.display().to_string());
            let whole = std::path::absolute(&**path).ok();
            let whole = whole.filter(|_| !path.starts_with("~") && !path.as_os_str().is_empty());
            let whole = whole.unwrap_or_else(|| "/srv/gharun".into());
            Err(Error::unfit(key, "an absolute path", found).hinted(format!(
                "write the whole path, such as `{}`, or leave it out",
                whole.display()
            )))
        }
    }
}

fn variables(env: &BTreeMap<EnvName, String>) -> Result<Vec<(String, Secret)>> {
    env.iter()
        .map(|(key, value)| {
            let setting = dotted(&["env".to_owned(), key.to_string()]);
            let key = key.to_string();
            if key.starts_with("GHARUN_") || key == "RUNNER_TRACKING_ID" {
                let message = format!("the variable `{key}` is reserved for gharun and the runner");
                let hint = format!("remove `{setting}`, or write it under another name");
                Err(Error::setting(setting, message).hinted(hint))
            } else if value.contains('\0') {
                Err(Error::setting(setting, "a variable must not contain NUL"))
            } else {
                Ok((key, Secret::new(value.as_str())))
            }
        })
        .collect()
}

impl ProviderKind for Local {
    const KIND: &'static str = "local";
    const ABOUT: &'static str = "Slots on this machine";
    const REHEARSES: bool = true;
    const IS_RENTED: bool = false;
    type Config = LocalConfig;

    fn fits(config: &LocalConfig) -> Result<()> {
        for (key, path) in [("work_dir", &config.work_dir), ("cache", &config.cache)] {
            if path.is_some() {
                folder(key, path.as_ref())?;
            }
        }
        variables(&config.env).map(drop)
    }

    fn env_defaults(env: Lookup<'_>) -> Vec<(&'static str, &'static str, Value)> {
        let absolute = |name: &str| env(name).filter(|value| Path::new(value).is_absolute());
        let either = |xdg: &'static str, setting, below: &str, home: &str| {
            let of_xdg = absolute(xdg).map(|base| (xdg, format!("{base}/{below}")));
            let of_home = || absolute("HOME").map(|base| ("HOME", format!("{base}/{home}")));
            let (variable, value) = of_xdg.or_else(of_home)?;
            Some((variable, setting, Value::from(value)))
        };
        let work_dir = either(
            "XDG_STATE_HOME",
            "work_dir",
            "gharun/slots",
            ".local/state/gharun/slots",
        );
        let cache = either("XDG_CACHE_HOME", "cache", "gharun", ".cache/gharun");
        work_dir.into_iter().chain(cache).collect()
    }

    async fn open(config: LocalConfig) -> Result<Self> {
        let shell = Sh {
            program: "sh".into(),
            env: Vec::new(),
        };
        Self::on(shell, config)
    }
}

impl Provider for Local {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn check(&self) -> ProviderFuture<'_, Health> {
        Box::pin(self.host.check())
    }

    fn places(&self) -> ProviderFuture<'_, Vec<String>> {
        Box::pin(async move { Ok(vec![self.host.place().await?.to_owned()]) })
    }

    /// Its slots are there also where a launch would fail, as on a full disk.
    fn resolve(&self) -> ProviderFuture<'_, ()> {
        Box::pin(async { self.host.place().await.map(drop) })
    }

    fn launch<'a>(&'a self, order: &'a Order) -> ProviderFuture<'a, Instance> {
        Box::pin(self.host.launch(order))
    }

    fn list(&self) -> ProviderFuture<'_, Listing> {
        Box::pin(self.host.list())
    }

    fn canonical<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, InstanceId> {
        Box::pin(self.host.canonical(id))
    }

    fn terminate<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Termination> {
        Box::pin(async move {
            let id = self.here(id).await?;
            self.host.terminate(&id).await
        })
    }

    fn candidates(&self) -> Vec<String> {
        let layout = self.host.layout();
        vec![format!(
            "{} of `{}`",
            counted(layout.slots),
            layout.work_dir
        )]
    }

    fn warnings(&self) -> Vec<String> {
        vec!["jobs run on this machine with all the rights of this user".into()]
    }

    fn logs<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Option<String>> {
        Box::pin(self.host.logs(id))
    }

    fn in_use<'a>(&'a self, id: &'a InstanceId) -> ProviderFuture<'a, Option<bool>> {
        Box::pin(async move {
            let id = self.here(id).await?;
            self.host.in_use(&id).await
        })
    }

    fn access(&self, machine: &Instance) -> Vec<String> {
        self.host.access(machine)
    }

    fn capacity(&self) -> Option<u32> {
        Some(self.host.layout().slots.get().into())
    }

    fn preflight(&self) -> ProviderFuture<'_, ()> {
        Box::pin(self.host.preflight())
    }

    fn remedy(&self, cause: BootCause) -> Option<String> {
        remedy::of(self.host.layout(), "on this machine", cause)
    }

    fn job_user(&self) -> JobUser {
        JobUser {
            run_as: self.host.layout().run_as.clone().unwrap_or_default(),
            ..JobUser::default()
        }
    }

    fn is_local(&self) -> bool {
        true
    }

    fn reach(&self, port: u16) -> ProviderFuture<'_, Option<Url>> {
        Box::pin(async move {
            let url = format!("http://127.0.0.1:{port}");
            Ok(Some(url.parse().expect("a port makes a URL")))
        })
    }
}

impl Local {
    /// The id with its place.
    async fn here(&self, id: &InstanceId) -> Result<InstanceId> {
        let id = self.host.canonical(id).await?;
        if id.location.is_some() {
            return Ok(id);
        }
        Err(not_found(&id, "this machine"))
    }
}

fn counted(slots: NonZeroU16) -> String {
    match slots.get() {
        1 => "the slot".into(),
        slots => format!("one of {slots} slots"),
    }
}
