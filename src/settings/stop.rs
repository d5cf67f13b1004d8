//! The settings of `gharun stop`.

use std::time::Duration;

use super::{Env, Error, Origin, Result, Settings, typed};
use crate::cli;
use crate::model::{HumanDuration, NO_PATH, Name, Reference, StopTarget, looks_like_key};

/// The settings of `gharun stop`, each resolved.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct StopSettings {
    /// What is to be stopped.
    pub target: StopTarget,
    /// Only what a start with this group made.
    pub group: Option<String>,
    /// Look only at these providers; empty: at all that can be found.
    pub providers: Vec<String>,
    /// Machines younger than this are left alone.
    pub older_than: Option<Duration>,
    /// The pause between the deregistration of an idle orphan and its end.
    pub second_look: Duration,
    /// Also busy orphans.
    pub force: bool,
    /// Wait until proved gone.
    pub wait: bool,
    /// How long at most.
    pub timeout: Duration,
    /// Only print.
    pub dry_run: bool,
    /// Do not ask.
    pub yes: bool,
    /// Which of these settings a file holds that is not trusted: they are passed over.
    pub passed_over: Option<Error>,
}

impl Settings {
    /// Whether the mapping stands on standard input.
    pub fn reads_mapping(&self, args: &cli::StopArgs) -> bool {
        let other = !args.references.is_empty() || args.all || args.orphans || args.run.is_some();
        !other && self.mapping_arg(args) == Some("-")
    }

    fn mapping_arg<'a>(&'a self, args: &'a cli::StopArgs) -> Option<&'a str> {
        let named = args.mapping.as_deref();
        named.or_else(|| self.env.get("GHARUN_MAPPING"))
    }

    /// Resolves the settings of `gharun stop`; `input` is what stands on standard input, where the mapping is there.
    pub fn stop(&self, args: &cli::StopArgs, input: Option<&str>) -> Result<StopSettings> {
        self.tables.know(&args.providers)?;
        let target = self.target(args, input)?;
        let in_group = ("group", args.group.is_some());
        let narrows = !matches!(target, StopTarget::Named { .. } | StopTarget::Orphans);
        // Without its group it would end what works for others.
        if let Some(error) = self.passed_over(&[in_group]).filter(|_| narrows) {
            return Err(error.hinted("or say it here: `--group TEXT`"));
        }
        Ok(StopSettings {
            target,
            group: self.group_of_sweep(args.group.as_deref())?,
            providers: args.providers.clone(),
            older_than: self.older_than(args.older_than.as_deref())?,
            second_look: self.second_look(args)?,
            force: args.force,
            wait: !args.no_wait,
            // `timeout` in the file and the environment is that of `start`.
            timeout: match args.timeout.as_deref() {
                Some(text) => typed::<HumanDuration>(text, Origin::Flag("--timeout".into()))?
                    .value
                    .get(),
                None => Duration::from_mins(2),
            },
            dry_run: args.dry_run,
            yes: args.yes,
            passed_over: self.passed_over(&[
                in_group,
                ("older_than", args.older_than.is_some()),
                ("second_look", args.second_look.is_some()),
            ]),
        })
    }

    fn second_look(&self, args: &cli::StopArgs) -> Result<Duration> {
        let flag = args.second_look.as_deref();
        let look = self.read_of_sweep("second_look", flag, |file| file.second_look)?;
        Ok(look.map_or(Duration::from_mins(1), |look| look.value.get()))
    }

    fn target(&self, args: &cli::StopArgs, input: Option<&str>) -> Result<StopTarget> {
        if !args.references.is_empty() {
            let (mut machines, mut names) = (Vec::new(), Vec::new());
            for text in &args.references {
                if let Ok(name) = text.parse::<Name>() {
                    names.push(name);
                } else {
                    machines.push(
                        text.parse::<Reference>()
                            .map_err(|error| Error::usage(error.to_string()))?,
                    );
                }
            }
            return Ok(StopTarget::Named {
                machines,
                names,
                labels: vec![],
                starts: false,
            });
        }
        if args.all {
            return Ok(StopTarget::All);
        }
        if args.orphans {
            return Ok(StopTarget::Orphans);
        }
        let step_run = self.step.as_ref().and_then(|step| step.run);
        if let Some(text) = &args.run {
            return run(text, step_run);
        }
        let text = self.mapping_arg(args);
        if let Some(text) = text
            .map(|text| mapping_text(text, input, &self.env))
            .transpose()?
            .filter(|text| !text.trim().is_empty())
        {
            let provider = match args.providers.as_slice() {
                [one] => Some(one.as_str()),
                _ => None,
            };
            if let Some(target) = mapping(&text, provider)? {
                return Ok(target);
            }
        }
        Ok(step_run.map_or(StopTarget::State, |run| StopTarget::Run {
            id: run.id,
            attempt: None,
        }))
    }
}

fn run(text: &str, of_step: Option<crate::model::Run>) -> Result<StopTarget> {
    if text.is_empty() {
        return of_step
            .map(|run| StopTarget::Run {
                id: run.id,
                attempt: None,
            })
            .ok_or_else(|| {
                Error::usage(
                    "`--run` needs a value outside of a workflow step: $GITHUB_RUN_ID is not set",
                )
                .hinted("write `--run ID`")
            });
    }
    let (id, attempt) = text
        .split_once('/')
        .map_or((text, None), |(id, attempt)| (id, Some(attempt)));
    let wrong = || {
        Error::usage(format!("`--run` cannot be `{text}`"))
            .about("run")
            .hinted("write a run ID or `ID/ATTEMPT`, such as `16543210/1`")
    };
    let attempt = attempt
        .map(|attempt| attempt.parse().map_err(|_| wrong()))
        .transpose()?;
    Ok(StopTarget::Run {
        id: id.parse().map_err(|_| wrong())?,
        attempt,
    })
}

/// The text of a mapping: itself, that of a file, or standard input.
fn mapping_text(text: &str, input: Option<&str>, env: &Env) -> Result<String> {
    if text == "-" {
        return Ok(input.unwrap_or_default().to_owned());
    }
    if text.trim_start().starts_with(['{', '[', '"']) || text.trim().is_empty() {
        return Ok(text.to_owned());
    }
    std::fs::read_to_string(env.path(text)).map_err(|error| {
        let message = if looks_like_key(text) {
            format!("could not read the mapping: {NO_PATH}")
        } else {
            format!("could not read the mapping from `{text}`: {error}")
        };
        Error::usage(message)
            .about("mapping")
            .hinted("pass the JSON itself, a file, or `-` for standard input")
    })
}

/// Reads a mapping; `None` when it is empty. Values may be a label or a list of labels.
fn mapping(text: &str, provider: Option<&str>) -> Result<Option<StopTarget>> {
    let hint = "pass the output `mapping` of `start` as it is, in single quotes: \
                `--mapping '{\"docker:1a2b3c4d5e6f/0123456789ab\": \"gharun-…\"}'`";
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| {
        let error = Error::usage(format!(
            "the mapping (`--mapping`, else `$GHARUN_MAPPING`) is not valid JSON: {error}"
        ));
        error.about("mapping").hinted(hint)
    })?;
    let table = match value {
        serde_json::Value::Object(table) => table,
        serde_json::Value::Array(items) if items.is_empty() => return Ok(None),
        serde_json::Value::Null => return Ok(None),
        _ => {
            return Err(Error::usage("the mapping must be a JSON object")
                .about("mapping")
                .hinted(hint));
        }
    };
    if table.is_empty() {
        return Ok(None);
    }
    let (mut machines, mut names, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for (key, value) in table {
        let reference: std::result::Result<Reference, _> = if key.contains(':') {
            key.parse()
        } else {
            let Some(provider) = provider else {
                return Err(
                    Error::usage(format!("`{key}` in the mapping must name a provider"))
                        .hinted("name it with `--provider P`"),
                );
            };
            format!("{provider}:{key}").parse()
        };
        machines.push(reference.map_err(|error| Error::usage(error.to_string()).hinted(hint))?);
        let labels = match value {
            serde_json::Value::Array(labels) => labels,
            one => vec![one],
        };
        let labels: Vec<&str> = labels.iter().filter_map(|label| label.as_str()).collect();
        let own: Vec<Name> = labels
            .iter()
            .filter_map(|label| label.parse().ok())
            .collect();
        if own.is_empty() {
            others.extend(labels.into_iter().map(str::to_owned));
        }
        names.extend(own);
    }
    Ok(Some(StopTarget::Named {
        machines,
        names,
        labels: others,
        starts: true,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "gharun-7-1-0-abcdefabcdefgh";

    #[test]
    fn an_empty_mapping_is_no_mapping() {
        for text in ["{}", "[]", "null", " {} "] {
            assert_eq!(mapping(text, None).expect("it reads"), None, "{text}");
        }
    }

    #[test]
    fn values_may_be_a_label_or_a_list() {
        for text in [
            format!(r#"{{"docker:a/b": "{NAME}"}}"#),
            format!(r#"{{"docker:a/b": ["gpu", "{NAME}"]}}"#),
        ] {
            let expected = StopTarget::Named {
                machines: vec!["docker:a/b".parse().unwrap()],
                names: vec![NAME.parse().unwrap()],
                labels: vec![],
                starts: true,
            };
            assert_eq!(mapping(&text, None).expect("it reads"), Some(expected));
        }
    }

    #[test]
    fn labels_of_other_tools_are_kept() {
        let text = r#"{"aws:i-0abc": "ec2-7f3a", "docker:a/b": ["gpu"]}"#;
        let Some(StopTarget::Named { names, labels, .. }) = mapping(text, None).expect("it reads")
        else {
            panic!("no machines")
        };
        assert_eq!(
            (names, labels),
            (vec![], vec!["ec2-7f3a".to_owned(), "gpu".to_owned()])
        );
    }

    #[test]
    fn bare_ids_need_a_provider() {
        let text = format!(r#"{{"i-0abc": "{NAME}"}}"#);
        assert!(mapping(&text, None).is_err());
        let Some(StopTarget::Named { machines, .. }) =
            mapping(&text, Some("aws")).expect("it reads")
        else {
            panic!("no machines")
        };
        assert_eq!(machines[0].to_string(), "aws:i-0abc");
    }

    #[test]
    fn a_run_may_name_its_attempt() {
        assert_eq!(
            run("7/2", None).unwrap(),
            StopTarget::Run {
                id: 7,
                attempt: Some(2)
            }
        );
        assert!(run("", None).is_err() && run("x", None).is_err() && run("7/x", None).is_err());
    }
}
