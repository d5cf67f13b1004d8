//! What there is around: GitHub, `gh`, and a place of each kind. All at once, for a few seconds, and changing nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::Value;
use tokio::time::timeout;

use crate::commands::{Context, gh};
use crate::model::chain;
use crate::model::text::{cut, one_line};
use crate::providers::{self, KINDS, Kind};

/// How long anything may take to answer.
const LOOK_TAKES: Duration = Duration::from_secs(3);
/// No file that is looked at is larger, in bytes.
const LARGEST: u64 = 1 << 20;
/// How much of an answer is shown, in bytes.
pub(super) const SHOWN: usize = 90;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    /// What is said of each: whether it was found, its name, and what there is.
    pub(super) lines: Vec<(bool, String, String)>,
    /// The server that `gh` has a token for, where none is set.
    pub(super) gh: Option<String>,
    /// The kinds that answer.
    pub(super) kinds: Vec<&'static str>,
    /// The hosts of `~/.ssh/config`.
    pub(super) hosts: Vec<String>,
    /// The profiles of `~/.aws`.
    pub(super) profiles: Vec<String>,
    /// The region that a variable names.
    pub(super) region: Option<String>,
    /// The regions that profiles name.
    pub(super) regions: BTreeMap<String, String>,
    /// The contexts of Docker, beside the default one.
    pub(super) contexts: Vec<String>,
    /// Whether there is a profile of the `nebius` command that gives credentials.
    pub(super) nebius: bool,
}

/// Looks around.
pub(super) async fn look_around(context: &Context) -> Surroundings {
    context.ui.status("Looking around …");
    let variable = |name: &str| context.settings.tables.variable(name);
    let home = variable("HOME").unwrap_or_default();
    let read = |path: &str| read(Path::new(path)).unwrap_or_default();
    let of_home = |variable_name: &str, below: &str| {
        read(&variable(variable_name).unwrap_or_else(|| format!("{home}/{below}")))
    };
    let aws = of_home("AWS_CONFIG_FILE", ".aws/config");
    let credentials = of_home("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
    let mut profiles = sections(&aws);
    profiles.extend(sections(&credentials));
    profiles.sort();
    profiles.dedup();
    let mut regions = ["AWS_REGION", "AWS_DEFAULT_REGION"]
        .into_iter()
        .filter_map(variable);
    let files = |kind: &str| files(context, kind);
    let (hosts, nebius) = (files("ssh"), files("nebius"));
    let of_profile = |name: &String| Some((name.clone(), region_of(&aws, name)?));
    let mut around = Surroundings {
        hosts: hosts.clone().unwrap_or_default(),
        region: regions.find(|region| !region.is_empty()),
        regions: profiles.iter().filter_map(of_profile).collect(),
        profiles,
        contexts: contexts(Path::new(
            &variable("DOCKER_CONFIG").unwrap_or_else(|| format!("{home}/.docker")),
        )),
        nebius: nebius.as_ref().is_ok_and(|names| !names.is_empty()),
        ..Surroundings::default()
    };
    let none = Ok(Vec::new());
    let places = KINDS.iter().map(|kind| {
        let files = match kind.name {
            "ssh" => &hosts,
            "nebius" => &nebius,
            _ => &none,
        };
        place(context, kind, files, &around)
    });
    let places = join_all(places);
    let (places, github) = join(places, github(context)).await;
    let (host, line) = github;
    around.gh = host;
    around.lines.push(line);
    for (kind, found) in KINDS.iter().zip(places) {
        let (works, what) = match found {
            Ok(what) => (true, what),
            Err(why) => (false, why),
        };
        if works {
            around.kinds.push(kind.name);
        }
        let what = cut(&one_line(&what), SHOWN);
        around.lines.push((works, kind.name.to_owned(), what));
    }
    // What works comes first.
    around.lines[1..].sort_by_key(|(works, ..)| !works);
    around
}

/// The server that `gh` has a token for, where none is set; and what is said of GitHub.
async fn github(context: &Context) -> (Option<String>, (bool, String, String)) {
    let github = &context.settings.github;
    let scope = github.scope.as_ref();
    let scope = scope.map(|scope| format!("{} ({})", scope.value, scope.origin));
    let host = github.host();
    let (token, gh) = match github.token() {
        Ok(token) => (Some(format!("token of {}", token.origin)), None),
        Err(_) if github.asks_gh => {
            let token = timeout(LOOK_TAKES, gh::token(&host)).await.ok().flatten();
            let found = token.map(|_| host);
            (found.as_ref().map(|_| "token of gh".to_owned()), found)
        }
        Err(_) => (None, None),
    };
    let works = scope.is_some() && token.is_some();
    let what = [
        scope.unwrap_or_else(|| "no repository found".to_owned()),
        token.unwrap_or_else(|| "no token found".to_owned()),
    ];
    (gh, (works, "GitHub".to_owned(), what.join(", ")))
}

/// What there is of a kind, or why there is nothing.
async fn place(
    context: &Context,
    kind: &'static Kind,
    files: &Result<Vec<String>, String>,
    around: &Surroundings,
) -> Result<String, String> {
    let has = |name: &str| context.settings.tables.variable(name).is_some();
    match kind.name {
        "ssh" => {
            let hosts = files.as_ref().map_err(Clone::clone)?;
            return match hosts.as_slice() {
                [] => Err("no hosts in ~/.ssh/config".to_owned()),
                hosts => Ok(format!("hosts of ~/.ssh/config: {}", hosts.join(", "))),
            };
        }
        "runpod" if !has("RUNPOD_API_KEY") => return Err("no $RUNPOD_API_KEY".to_owned()),
        // No variable names another address of it, so that it is asked when it is checked.
        "nebius" => {
            return match files.as_deref() {
                Ok([profile, ..]) => {
                    Ok(format!("the profile `{profile}` of ~/.nebius/config.yaml"))
                }
                _ if has("NEBIUS_IAM_TOKEN") => Ok("$NEBIUS_IAM_TOKEN".to_owned()),
                Ok([]) => {
                    Err("no profile in ~/.nebius/config.yaml, no $NEBIUS_IAM_TOKEN".to_owned())
                }
                Err(why) => Err(why.clone()),
            };
        }
        "aws"
            if around.profiles.is_empty() && !has("AWS_ACCESS_KEY_ID") && !has("AWS_ROLE_ARN") =>
        {
            return Err("no profiles in ~/.aws, no $AWS_ACCESS_KEY_ID".to_owned());
        }
        _ => {}
    }
    let asked = async {
        let tables = &context.settings.tables;
        let each = tables
            .each(&[kind.name.to_owned()])
            .map_err(|error| chain(&error))?;
        let Some((_, settings)) = each.into_iter().next() else {
            return Err("not known".to_owned());
        };
        let place = context
            .open(settings)
            .await
            .map_err(|error| chain(&error))?;
        let provider = &place.provider;
        if kind.name != "aws" {
            let health = provider.check().await.map_err(|error| chain(&error))?;
            return Ok(match kind.name {
                "runpod" => "$RUNPOD_API_KEY".to_owned(),
                _ => health.facts.into_iter().next().unwrap_or_default(),
            });
        }
        // A check would ask for more than who somebody is, in each region.
        provider.resolve().await.map_err(|error| chain(&error))?;
        provider.places().await.map_err(|error| chain(&error))?;
        let profile = context.settings.tables.variable("AWS_PROFILE");
        let of_profile = around.regions.get(profile.as_deref().unwrap_or("default"));
        let region = around.region.as_ref().or(of_profile);
        let region = region.map(|region| format!("region {region}"));
        let profiles = around.profiles.join(", ");
        let profiles =
            Some(format!("profiles: {profiles}")).filter(|_| !around.profiles.is_empty());
        let facts: Vec<String> = profiles.into_iter().chain(region).collect();
        Ok(facts.join(", "))
    };
    let late = || Err(format!("no answer within {} s", LOOK_TAKES.as_secs()));
    timeout(LOOK_TAKES, asked).await.unwrap_or_else(|_| late())
}

/// What the files of a kind's own client name, or why they cannot be read.
fn files(context: &Context, kind: &str) -> Result<Vec<String>, String> {
    let Some(kind) = providers::kind(kind) else {
        return Ok(Vec::new());
    };
    let lookup = |name: &str| context.settings.tables.variable(name);
    kind.named_in_files(&lookup).map_err(|error| chain(&error))
}

/// A file of another program, where it is one and no larger than such files are: nothing here waits for a pipe.
fn read(path: &Path) -> Option<String> {
    let about = std::fs::metadata(path).ok()?;
    let fits = about.is_file() && about.len() <= LARGEST;
    fits.then(|| std::fs::read_to_string(path).ok()).flatten()
}

/// The names of the profiles in a file of the AWS tools.
fn sections(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    let heads = lines.filter_map(|line| line.strip_prefix('[')?.split(']').next());
    let names = heads.filter_map(|head| {
        let head = head.trim();
        match head.split_once(char::is_whitespace) {
            Some(("profile", name)) => Some(name.trim()),
            Some(_) => None, // `sso-session`, `services`
            None => Some(head),
        }
    });
    names.map(str::to_owned).collect()
}

/// The region of a profile.
fn region_of(text: &str, profile: &str) -> Option<String> {
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = sections(line).iter().any(|name| name == profile);
        } else if inside
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == "region"
        {
            return Some(value.trim().to_owned()).filter(|region| !region.is_empty());
        }
    }
    None
}

/// The names of Docker's contexts.
fn contexts(config: &Path) -> Vec<String> {
    let metas = std::fs::read_dir(config.join("contexts/meta"));
    let mut found: Vec<String> = metas
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let text = read(&entry.ok()?.path().join("meta.json"))?;
            let meta: Value = serde_json::from_str(&text).ok()?;
            meta["Name"].as_str().map(str::to_owned)
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_file_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("config"), "Host pi4\n").expect("a file");
        let made = std::process::Command::new("mkfifo")
            .arg(path("pipe"))
            .status();
        assert!(made.expect("it runs").success());
        let large = std::fs::File::create(path("large")).expect("a file");
        large.set_len(LARGEST + 1).expect("it is sparse");
        assert_eq!(read(&path("config")).as_deref(), Some("Host pi4\n"));
        for name in ["pipe", "large", "none", ""] {
            assert_eq!(read(&path(name)), None, "{name}");
        }
    }

    #[test]
    fn profiles_and_regions_are_those_of_the_aws_tools() {
        let text = "[default]\nregion = eu-west-1\n[profile ci]\n region=us-east-2 \n[sso-session x]\nregion = no\n[profile bare]\n";
        assert_eq!(sections(text), ["default", "ci", "bare"]);
        let region = |profile| region_of(text, profile);
        assert_eq!(region("default").as_deref(), Some("eu-west-1"));
        assert_eq!(region("ci").as_deref(), Some("us-east-2"));
        assert_eq!((region("bare"), region("x")), (None, None));
    }
}
