//! What `providers init` asks: only what was not found or is not unique, and each answer is checked while it is asked.

use serde_json::{Value, json};

use super::asked::prices;
use super::look::Surroundings;
use crate::commands::{Context, unanswered};
use crate::error::Failure;
use crate::model::Scope;
use crate::providers::{KINDS, Kind};
use crate::settings::Draft;

/// Who asks, where somebody can answer.
pub(super) struct Asker<'a> {
    pub(super) context: &'a Context,
    /// Whether anybody is asked.
    pub(super) asks: bool,
}

/// What is said of a question that got no answer.
const UNANSWERED: &str = "`providers init` could not go on";

impl Asker<'_> {
    pub(super) async fn select(
        &self,
        question: &str,
        choices: &[String],
    ) -> Result<usize, Failure> {
        let chosen = self.context.ui.select(question, choices).await;
        chosen.map_err(|error| unanswered(&error, UNANSWERED))
    }

    async fn select_some(&self, question: &str, choices: &[String]) -> Result<Vec<usize>, Failure> {
        let chosen = self.context.ui.select_some(question, choices).await;
        chosen.map_err(|error| unanswered(&error, UNANSWERED))
    }

    pub(super) async fn line(
        &self,
        question: &str,
        default: Option<&str>,
        check: impl Fn(&str) -> Option<String> + Send + 'static,
    ) -> Result<String, Failure> {
        let line = self.context.ui.line(question, default, check).await;
        line.map_err(|error| unanswered(&error, UNANSWERED))
    }
}

/// For what runners are: what was found, else what is answered.
pub(super) async fn choose_scope(asker: &Asker<'_>, draft: &mut Draft) -> Result<(), Failure> {
    let github = &asker.context.settings.github;
    if let Some(scope) = &github.scope {
        draft.set_scope(&scope.value);
        return Ok(());
    }
    if !asker.asks {
        return Ok(());
    }
    let found: Vec<&Scope> = github.remotes().collect();
    if !found.is_empty() {
        let mut choices: Vec<String> = found.iter().map(ToString::to_string).collect();
        choices.push("another".to_owned());
        let question = "Which repository do runners register with?";
        if let Some(scope) = found.get(asker.select(question, &choices).await?) {
            draft.set_scope(scope);
            return Ok(());
        }
    }
    let question = "Which repository do runners register with (OWNER/NAME)?";
    let text = asker.line(question, None, Draft::misspelt_repo).await?;
    if let Some(scope) = Draft::repo(&text) {
        draft.set_scope(&scope);
    }
    Ok(())
}

/// Which kinds, in order of preference.
pub(super) async fn choose_kinds(
    asker: &Asker<'_>,
    draft: &mut Draft,
    around: &Surroundings,
) -> Result<(), Failure> {
    let mut left: Vec<&'static Kind> = KINDS.iter().collect();
    left.sort_by_key(|kind| !around.kinds.contains(&kind.name));
    loop {
        let first = draft.tables().is_empty();
        let mut choices: Vec<String> = left
            .iter()
            .map(|kind| {
                let sign = if around.kinds.contains(&kind.name) {
                    '✓'
                } else {
                    '·'
                };
                format!("{sign} {}: {}", kind.name, kind.about)
            })
            .collect();
        let question = if first {
            "Which provider first?"
        } else {
            choices.insert(0, "nothing else".to_owned());
            "And where that has no capacity?"
        };
        let chosen = asker.select(question, &choices).await?;
        let Some(chosen) = (if first {
            Some(chosen)
        } else {
            chosen.checked_sub(1)
        }) else {
            return Ok(());
        };
        let kind = left.remove(chosen);
        let name = name(asker, draft, kind).await?;
        draft.add(&name, kind)?;
        if left.is_empty() {
            return Ok(());
        }
    }
}

/// What a new table is called: as its kind, where the file has none of that name.
async fn name(asker: &Asker<'_>, draft: &Draft, kind: &'static Kind) -> Result<String, Failure> {
    if draft.misspelt_name(kind.name).is_none() {
        return Ok(kind.name.to_owned());
    }
    let known = draft.clone();
    let question = format!(
        "`{}` is in the file already; what is this one called?",
        kind.name
    );
    asker
        .line(&question, None, move |text| known.misspelt_name(text))
        .await
}

/// Asks what a table needs.
pub(super) async fn ask_about(
    asker: &Asker<'_>,
    draft: &mut Draft,
    name: &str,
    around: &Surroundings,
) -> Result<(), Failure> {
    let Some(table) = draft.tables().iter().find(|table| table.name == name) else {
        return Ok(());
    };
    let kind = table.kind.name;
    let mut questions = Questions {
        asker,
        draft,
        name,
        around,
    };
    match kind {
        "aws" => questions.aws().await,
        "docker" => questions.docker().await,
        "nebius" => questions.nebius().await,
        "runpod" => questions.runpod().await,
        "ssh" => questions.ssh().await,
        _ => Ok(()),
    }
}

struct Questions<'a> {
    asker: &'a Asker<'a>,
    draft: &'a mut Draft,
    name: &'a str,
    around: &'a Surroundings,
}

impl Questions<'_> {
    fn has(&self, key: &str) -> bool {
        let mut tables = self.draft.tables().iter();
        tables.any(|table| table.name == self.name && table.has(key))
    }

    /// Whether a start needs a setting that has no value.
    fn lacks(&self, key: &str) -> bool {
        let lack = self.draft.lack(self.name);
        lack.is_some_and(|lack| lack.is_of(key))
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.asker.context.settings.tables.variable(name)
    }

    fn set(&mut self, key: &str, value: Value) {
        self.draft.set(self.name, key, value);
    }

    /// Asks for a line, which must fit as the value that `read` makes of it.
    async fn ask(
        &mut self,
        key: &'static str,
        question: &str,
        default: Option<&str>,
        read: fn(&str) -> Value,
    ) -> Result<(), Failure> {
        if !self.asker.asks || self.has(key) {
            return Ok(());
        }
        let table = self
            .draft
            .tables()
            .iter()
            .find(|table| table.name == self.name);
        let table = table.cloned();
        let check = move |text: &str| {
            if text.is_empty() {
                return Some("an answer is needed here; Esc leaves".to_owned());
            }
            table.as_ref()?.misfit(key, &read(text))
        };
        let question = format!("{}: {question}", self.name);
        let text = self.asker.line(&question, default, check).await?;
        self.set(key, read(&text));
        Ok(())
    }

    /// Asks for one of some values; the last choice is to write another.
    async fn choose(
        &mut self,
        key: &'static str,
        question: &str,
        choices: &[(&str, &str)],
        read: fn(&str) -> Value,
    ) -> Result<(), Failure> {
        if !self.asker.asks || self.has(key) {
            return Ok(());
        }
        let drafts = choices.iter().map(|(value, _)| {
            let mut draft = self.draft.clone();
            draft.set(self.name, key, read(value));
            draft
        });
        let drafts: Vec<Draft> = drafts.collect();
        let prices = prices(self.asker.context, &drafts, self.name).await;
        let shown = choices.iter().zip(prices).map(|((_, said), price)| {
            let price = price.map(|price| format!(", {price}"));
            format!("{said}{}", price.unwrap_or_default())
        });
        let mut shown: Vec<String> = shown.collect();
        shown.push("other".to_owned());
        let whole = format!("{}: {question}", self.name);
        let chosen = self.asker.select(&whole, &shown).await?;
        match choices.get(chosen) {
            Some((value, _)) => {
                self.set(key, read(value));
                Ok(())
            }
            None => self.ask(key, question, None, read).await,
        }
    }

    async fn aws(&mut self) -> Result<(), Failure> {
        let chain = ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN"];
        let chosen = chain.iter().any(|name| self.variable(name).is_some());
        let profiles = &self.around.profiles;
        if !chosen && !self.has("profile") && !profiles.iter().any(|name| name == "default") {
            match profiles.as_slice() {
                [] => {}
                [one] => self.set("profile", one.as_str().into()),
                several if self.asker.asks => {
                    let question = format!("{}: which profile?", self.name);
                    let chosen = self.asker.select(&question, several).await?;
                    self.set("profile", several[chosen].as_str().into());
                }
                _ => {}
            }
        }
        if !self.has("region") && !self.has("regions") {
            match self.region() {
                Some(region) => self.set("region", region.into()),
                None => {
                    self.ask("region", "which region?", Some("us-east-1"), text)
                        .await?;
                }
            }
        }
        let types = [
            ("m7i.large", "builds (m7i.large: 2 vCPUs, 8 GiB)"),
            ("g6.xlarge", "GPU (g6.xlarge: 1 NVIDIA L4, 4 vCPUs, 16 GiB)"),
        ];
        self.choose("instance_types", "which instance type?", &types, words)
            .await?;
        if self.has("market") || !self.asker.asks {
            return Ok(());
        }
        let markets = ["on-demand", "spot-then-on-demand", "spot"];
        let said = ["no", "when there is capacity, else on demand", "only"].map(str::to_owned);
        let question = format!("{}: spot machines, which AWS may take away?", self.name);
        let chosen = self.asker.select(&question, &said).await?;
        self.set("market", markets[chosen].into());
        Ok(())
    }

    /// The region that a variable names, or the profile of this table.
    fn region(&self) -> Option<String> {
        let mut tables = self.draft.tables().iter();
        let profile = tables.find(|table| table.name == self.name);
        let profile = profile.and_then(|table| table.text("profile"));
        self.around.region.clone().or_else(|| {
            let chosen = self.variable("AWS_PROFILE");
            let profile = profile.or(chosen.as_deref()).unwrap_or("default");
            self.around.regions.get(profile).cloned()
        })
    }

    async fn docker(&mut self) -> Result<(), Failure> {
        let works = self.around.kinds.contains(&"docker");
        let said = self.has("host") || self.has("context");
        if works || said || !self.asker.asks || self.around.contexts.is_empty() {
            return Ok(());
        }
        let mut choices = vec!["the one that the docker command uses".to_owned()];
        choices.extend(self.around.contexts.iter().cloned());
        let question = format!("{}: which context?", self.name);
        match self.asker.select(&question, &choices).await? {
            0 => {}
            chosen => self.set("context", choices[chosen].as_str().into()),
        }
        Ok(())
    }

    async fn nebius(&mut self) -> Result<(), Failure> {
        let has_credentials =
            self.around.nebius || self.has("iam_token") || self.has("service_account_key");
        if !has_credentials {
            if self.variable("NEBIUS_IAM_TOKEN").is_some() {
                self.set("iam_token", json!({ "env": "NEBIUS_IAM_TOKEN" }));
            } else {
                let question = "which variable holds the key file of a service account?";
                let key = "service_account_key";
                self.ask(key, question, Some("NEBIUS_KEY"), variable)
                    .await?;
            }
        }
        if self.lacks("project") {
            self.ask("project", "which project (project-…)?", None, text)
                .await?;
        }
        let platforms = [
            ("gpu-l40s-a", "NVIDIA L40S (gpu-l40s-a)"),
            ("gpu-h100-sxm", "NVIDIA H100 (gpu-h100-sxm)"),
            ("cpu-d3", "no GPU (cpu-d3)"),
        ];
        self.choose("platform", "which machine?", &platforms, text)
            .await
    }

    async fn runpod(&mut self) -> Result<(), Failure> {
        if !self.has("api_key") {
            if self.variable("RUNPOD_API_KEY").is_none() {
                let question = "which variable holds the API key?";
                self.ask("api_key", question, Some("RUNPOD_API_KEY"), variable)
                    .await?;
            }
            if !self.has("api_key") {
                self.set("api_key", json!({ "env": "RUNPOD_API_KEY" }));
            }
        }
        if self.has("cpu") {
            return Ok(());
        }
        let gpus = [
            ("L40S", "NVIDIA L40S, 48 GB"),
            ("A40", "NVIDIA A40, 48 GB"),
            ("RTX 4090", "NVIDIA GeForce RTX 4090, 24 GB"),
            ("H100", "NVIDIA H100, 80 GB"),
        ];
        self.choose("gpu", "which GPU?", &gpus, text).await
    }

    async fn ssh(&mut self) -> Result<(), Failure> {
        if self.has("hosts") {
            return Ok(());
        }
        match self.around.hosts.as_slice() {
            [] => {
                let question = "which hosts ([USER@]HOST[:PORT], with blanks between)?";
                self.ask("hosts", question, None, words).await
            }
            [one] => {
                self.set("hosts", json!([one]));
                Ok(())
            }
            several if self.asker.asks => {
                let question = format!("{}: which hosts? (space chooses, Enter ends)", self.name);
                let chosen = self.asker.select_some(&question, several).await?;
                let chosen: Vec<&str> = chosen.iter().map(|one| several[*one].as_str()).collect();
                self.set("hosts", json!(chosen));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn text(answer: &str) -> Value {
    answer.into()
}

fn words(answer: &str) -> Value {
    answer.split_whitespace().collect::<Vec<_>>().into()
}

fn variable(answer: &str) -> Value {
    json!({ "env": answer })
}
