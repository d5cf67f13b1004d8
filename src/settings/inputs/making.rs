//! What the inputs of a step come to: a command line, and what stands over the environment.

use serde_json::Value;

use super::given::{GivenInputs, VARIABLE};
use super::reading::{Ec2Misfit, Ec2Setting, split};
use super::table::{self, Audience, Becomes, Row, Spelling};
use super::{ActionStep, EC2, Inputs, StepCommand, wrong};
use crate::model::Name;
use crate::settings::{Env, Error, Result};

/// What is being made of inputs.
pub(super) struct Making<'a> {
    given: &'a GivenInputs,
    env: Env,
    inputs: Inputs,
    options: Vec<String>,
    names: Vec<String>,
    notices: Vec<String>,
    ignored: Vec<&'static str>,
}

impl<'a> Making<'a> {
    /// Nothing is read yet.
    pub(super) fn of(given: &'a GivenInputs, env: Env) -> Self {
        Self {
            given,
            env: env.without(VARIABLE),
            inputs: Inputs {
                is_there: true,
                ..Inputs::default()
            },
            options: Vec::new(),
            names: Vec::new(),
            notices: Vec::new(),
            ignored: Vec::new(),
        }
    }

    /// Reads all inputs for a command.
    pub(super) fn read(&mut self, command: StepCommand) -> Result<()> {
        let given = self.given;
        self.names.push("gharun".to_owned());
        match command {
            StepCommand::Check => self.names.extend(["providers", "check"].map(str::to_owned)),
            StepCommand::Install => {}
            other => self.names.push(other.word().to_owned()),
        }
        for (row, text) in given.rows() {
            let is_for = match row.audience {
                Audience::Any => true,
                Audience::Start => command == StepCommand::Start,
                Audience::Stop => command == StepCommand::Stop,
            };
            match row.becomes {
                Becomes::Command | Becomes::ReadElsewhere | Becomes::Arguments => {}
                Becomes::Mapping | Becomes::Instance => {
                    if !is_for {
                        self.ignored.push(row.name);
                    }
                }
                Becomes::Providers => self.providers(command, row, text)?,
                Becomes::Sets if command != StepCommand::Install => {
                    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                    self.options
                        .extend(lines.map(|line| format!("--set={line}")));
                }
                Becomes::Timeout if command == StepCommand::Stop => {
                    self.options.push(format!("--timeout={text}"));
                }
                Becomes::Timeout if command == StepCommand::Start => {
                    self.over("GHARUN_TIMEOUT", row, text.to_owned())?;
                }
                Becomes::Label if command == StepCommand::Start => {
                    let labels =
                        table::words(text).map_err(|expected| wrong(row.name, expected, None))?;
                    self.label(row, &labels)?;
                }
                // A stop reads it with the instance.
                Becomes::Label if command == StepCommand::Stop => {}
                Becomes::Verbose => {
                    if given.switch(row.name)? {
                        self.options.push("-v".to_owned());
                    }
                }
                _ if !is_for => self.ignored.push(row.name),
                Becomes::Variable("GHARUN_LABELS", read) => {
                    let labels =
                        read(text).map_err(|expected| wrong(row.name, expected, Some(text)))?;
                    self.label(row, &labels)?;
                }
                Becomes::Variable(variable, read) => {
                    let value =
                        read(text).map_err(|expected| wrong(row.name, expected, Some(text)))?;
                    self.over(variable, row, value)?;
                }
                Becomes::Secret(variable) => self.over(variable, row, text.to_owned())?,
                Becomes::Script | Becomes::Packages => self.setup(row, text)?,
                Becomes::Ec2(read) => match read(text, given) {
                    Ok(settings) => self.settings(row, settings)?,
                    Err(misfit) => return Err(misfit.error(row, text)),
                },
                Becomes::Ignored | Becomes::Sets | Becomes::Timeout | Becomes::Label => {
                    self.ignored.push(row.name);
                }
            }
        }
        self.displace();
        match command {
            StepCommand::Start => self.start(),
            StepCommand::Stop => self.stop()?,
            StepCommand::List | StepCommand::Check | StepCommand::Install => {}
        }
        if let Some(lines) = given
            .text("args")
            .filter(|_| command != StepCommand::Install)
        {
            let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
            self.options.extend(lines.map(str::to_owned));
        }
        Ok(())
    }

    /// The names of providers; what could be read as an option is refused.
    fn providers(&mut self, command: StepCommand, row: &Row, text: &str) -> Result<()> {
        for name in split(text) {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            if name.starts_with('-') || !name.chars().all(plain) {
                return Err(wrong(
                    row.name,
                    "names of providers, divided by blanks or commas",
                    Some(name),
                ));
            }
            match command {
                StepCommand::Start | StepCommand::Check => self.names.push(name.to_owned()),
                StepCommand::Stop | StepCommand::List => {
                    self.options.push(format!("--provider={name}"));
                }
                StepCommand::Install => {}
            }
        }
        Ok(())
    }

    /// Puts a value over a variable.
    fn over(&mut self, variable: &str, row: &Row, value: String) -> Result<()> {
        if let Some(other) = self.inputs.names.get(variable) {
            if self.env.get(variable) == Some(value.as_str()) {
                return Ok(());
            }
            return Err(Error::usage(format!(
                "the inputs `{other}` and `{}` mean the same, and differ: keep one of them",
                row.name
            )));
        }
        self.inputs
            .names
            .insert(variable.to_owned(), row.name.to_owned());
        self.env = std::mem::take(&mut self.env).with(variable, value);
        Ok(())
    }

    /// Adds labels: several inputs may give some.
    fn label(&mut self, row: &Row, labels: &str) -> Result<()> {
        let variable = "GHARUN_LABELS";
        let Some(first) = self.inputs.names.get(variable).cloned() else {
            return self.over(variable, row, labels.to_owned());
        };
        let all = self.env.get(variable).unwrap_or_default().to_owned() + "," + labels;
        self.inputs
            .names
            .insert(variable.to_owned(), format!("{first}` and `{}", row.name));
        self.env = std::mem::take(&mut self.env).with(variable, all);
        Ok(())
    }

    /// What an input says is not contradicted by other variables that mean the same.
    fn displace(&mut self) {
        let said = |name: &str| self.inputs.names.contains_key(name);
        let mut gone: Vec<&str> = Vec::new();
        let scopes = ["GHARUN_REPO", "GHARUN_ORG", "GHARUN_ENTERPRISE"];
        if scopes.iter().any(|scope| said(scope)) {
            gone.extend(scopes.iter().filter(|scope| !said(scope)));
        }
        let is_app = said("GHARUN_APP_ID") || said("GHARUN_APP_PRIVATE_KEY");
        if is_app && !said("GHARUN_GITHUB_TOKEN") {
            gone.extend(["GHARUN_GITHUB_TOKEN", "GH_PAT"]);
        }
        for variable in gone {
            self.env = std::mem::take(&mut self.env).without(variable);
        }
    }

    fn settings(&mut self, row: &Row, settings: Vec<Ec2Setting>) -> Result<()> {
        for setting in settings {
            let same = self
                .inputs
                .settings
                .iter()
                .find(|(other, _)| other.path == setting.path);
            match same {
                Some((other, _)) if other.value == setting.value => {}
                Some((_, input)) => {
                    return Err(Error::usage(format!(
                        "the inputs `{input}` and `{}` mean the same, and differ: keep one of them",
                        row.name
                    )));
                }
                None => self.inputs.settings.push((setting, row.name.to_owned())),
            }
        }
        Ok(())
    }

    /// Adds to the script that runs before the runner: packages first.
    fn setup(&mut self, row: &Row, text: &str) -> Result<()> {
        if self.given.text("setup").is_some() {
            return Err(Error::usage(format!(
                "the inputs `setup` and `{}` mean the same: keep one of them",
                row.name
            )));
        }
        // The shell that it runs in there.
        let shell = "#!/usr/bin/env bash\nset -e\n";
        let (before, input) = self.inputs.setup.take().unwrap_or_default();
        let mut script = if before.is_empty() {
            shell.to_owned()
        } else {
            before
        };
        match row.becomes {
            Becomes::Packages => {
                if let Some(install) = install(row, text)? {
                    script = script.replacen(shell, &format!("{shell}{install}"), 1);
                }
            }
            _ => script += text,
        }
        if !script.ends_with('\n') {
            script.push('\n');
        }
        if script != shell {
            let input = if input.is_empty() {
                row.name.to_owned()
            } else {
                input
            };
            self.inputs.setup = Some((script, input));
        }
        Ok(())
    }

    /// In another action's spelling the machine is one of EC2, and the runner is the user that it is there.
    fn start(&mut self) {
        // Their time limits and labels fit any provider, and what came to no setting says nothing of a machine.
        let mut settings = self.inputs.settings.iter();
        let machine = settings.find_map(|(_, input)| {
            let row = table::row(input)?;
            (row.audience == Audience::Start).then_some(row)
        });
        let Some(row) = machine else {
            return;
        };
        let action = row.spelling.action();
        if self.given.text("provider").is_none() {
            self.names.push(EC2.to_owned());
        }
        let sets = self.given.text("set").unwrap_or_default();
        let says = sets.lines().any(|line| {
            let key = line.split('=').next().unwrap_or_default().trim();
            key == "run_as" || key.ends_with(".run_as")
        });
        let path: &[&str] = &["run_as"];
        let is_said = says || self.inputs.settings.iter().any(|(one, _)| one.path == path);
        if !is_said {
            let value = "root".into();
            let setting = Ec2Setting {
                path: &["run_as"],
                value,
            };
            self.inputs.settings.push((setting, row.name.to_owned()));
            self.notices.push(format!(
                "the runner and its jobs run as root, as with {action}; for an unprivileged user, write `set: run_as=runner`"
            ));
        }
    }

    /// What a stop ends: a mapping, an instance with its label, a name; with none of them, what this run started.
    fn stop(&mut self) -> Result<()> {
        let mut mapping = None;
        for (row, text) in self.given.rows() {
            if matches!(row.becomes, Becomes::Mapping) {
                match mapping {
                    Some((other, same)) if same != text => {
                        let other: &Row = other;
                        return Err(Error::usage(format!(
                            "the inputs `{}` and `{}` mean the same, and differ: keep one of them",
                            other.name, row.name
                        )));
                    }
                    _ => mapping = Some((row, text)),
                }
            }
        }
        let label = self.given.text("label");
        let (row, text) = match (mapping, self.given.text("ec2-instance-id")) {
            (Some((row, text)), _) => (Some(row), text.to_owned()),
            (None, Some(instance)) => {
                let labels: Vec<&str> = label.into_iter().collect();
                let table = serde_json::json!({ instance: labels });
                (table::row("ec2-instance-id"), table.to_string())
            }
            (None, None) => {
                match label.map(str::parse::<Name>) {
                    Some(Ok(name)) => self.names.push(name.to_string()),
                    Some(Err(_)) => self.notices.push(
                        "the input `label` is not the name of a runner: stopping what this run started".to_owned(),
                    ),
                    None => {}
                }
                // What the surroundings say is about something else.
                self.env = std::mem::take(&mut self.env).without("GHARUN_MAPPING");
                return Ok(());
            }
        };
        let row = row.expect("both have a row");
        if row.spelling != Spelling::Gharun
            && self.given.text("provider").is_none()
            && is_of_ec2(&text)
        {
            self.options.push(format!("--provider={EC2}"));
        }
        self.over("GHARUN_MAPPING", row, text)
    }

    /// What they come to.
    pub(super) fn finish(mut self, command: StepCommand) -> ActionStep {
        let unknown: Vec<String> = self
            .given
            .unknown()
            .map(|name| format!("`{name}`"))
            .collect();
        if !unknown.is_empty() {
            self.notices.push(format!(
                "unknown inputs, which change nothing: {}",
                unknown.join(", ")
            ));
        }
        if !self.ignored.is_empty() {
            let names: Vec<String> = self
                .ignored
                .iter()
                .map(|name| format!("`{name}`"))
                .collect();
            self.notices.push(format!(
                "inputs that `{}` does not need, and ignores: {}",
                command.word(),
                names.join(", ")
            ));
        }
        self.names.extend(self.options);
        ActionStep {
            command,
            words: self.names,
            env: self.env.with_inputs(self.inputs),
            notices: self.notices,
        }
    }
}

impl Ec2Misfit {
    fn error(self, row: &Row, text: &str) -> Error {
        match self {
            Self::Wrong(expected) => wrong(row.name, expected, Some(text)),
            Self::NoCounterpart(why, instead) => {
                Error::usage(format!("the input `{}` cannot be used: {why}", row.name))
                    .hinted(instead)
            }
        }
    }
}

/// Whether all machines of a mapping are of the kind [`EC2`], or bare IDs.
fn is_of_ec2(mapping: &str) -> bool {
    let Ok(Value::Object(machines)) = serde_json::from_str(mapping) else {
        return false;
    };
    let provider = |key: &str| {
        key.split_once(':')
            .map_or(EC2.to_owned(), |(name, _)| name.to_owned())
    };
    !machines.is_empty() && machines.keys().all(|key| provider(key) == EC2)
}

/// The lines that install packages, whichever manager the machine has; none where there are none.
fn install(row: &Row, text: &str) -> Result<Option<String>> {
    let expected = "a JSON array of packages, such as `[\"git\", \"docker.io\"]`";
    let packages: Vec<String> =
        serde_json::from_str(text).map_err(|_| wrong(row.name, expected, Some(text)))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "+-._:=~".contains(c);
    for package in &packages {
        if package.is_empty() || package.starts_with('-') || !package.chars().all(plain) {
            return Err(wrong(row.name, "names of packages", Some(package)));
        }
    }
    let packages = packages.join(" ");
    Ok((!packages.is_empty()).then(|| {
        format!(
            "if command -v apt-get >/dev/null; then\n    \
             apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y {packages}\n\
             elif command -v dnf >/dev/null; then dnf install -y {packages}\n\
             else yum install -y {packages}; fi\n"
        )
    }))
}
