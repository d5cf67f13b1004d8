//! The providers that a command works with. That one cannot be opened is a result, and not the end: only a
//! start, which was told what to use, refuses it.

use std::collections::BTreeSet;

use super::Context;
use crate::error::{Exit, Failure};
use crate::fleet::survey::Unknown;
use crate::fleet::{NamedProvider, Unopened};
use crate::model::{StopTarget, chain};
use crate::providers::KINDS;
use crate::settings::{self, Origin, ProviderSettings, StopSettings};

/// What came of opening the providers of a command.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// Those that can be asked.
    pub(super) places: Vec<NamedProvider>,
    /// Those that cannot, and why.
    pub(super) unopened: Vec<Unopened>,
    /// Those that nobody named and that cannot, and why.
    pub(super) not_searched: Vec<Unopened>,
    /// Those of them that nothing here is set up for: that they were not searched is no news.
    pub(super) not_set_up: BTreeSet<String>,
}

impl Opened {
    /// Which kinds were not searched though something here speaks of them, with why and what tells more; `None` where
    /// there are none.
    pub(super) fn not_looked_at(&self) -> Option<String> {
        let told = self.not_searched.iter();
        let told = told.filter(|one| !self.not_set_up.contains(&one.name));
        let told = told.map(|Unopened { name, error }| {
            format!("{name} ({error}; gharun providers check {name})")
        });
        let told: Vec<String> = told.collect();
        (!told.is_empty()).then(|| format!("Not looked at: {}", told.join(", ")))
    }
}

impl Context {
    /// Opens the providers that a start was told to use, in their order; the first that cannot be opened is
    /// its failure.
    pub(super) async fn open_providers(
        &self,
        names: &[String],
    ) -> Result<Vec<NamedProvider>, Failure> {
        let mut places = Vec::new();
        for (_, settings) in self.settings.tables.each(names)? {
            places.push(self.open(settings).await?);
        }
        Ok(places)
    }

    /// Opens the providers to search: those asked for, else all tables and all that the state file names,
    /// else every kind whose place answers. Where the file is not trusted, such kinds are searched beside what it
    /// names.
    pub(super) async fn search(&self, asked: &[String]) -> Result<Opened, Failure> {
        if !asked.is_empty() {
            return self.open_all(asked.to_vec()).await;
        }
        let names = self.everything().await;
        self.search_everywhere(names).await
    }

    async fn search_everywhere(&self, names: Vec<String>) -> Result<Opened, Failure> {
        let guessed = names.is_empty() || self.settings.tables.doubted();
        let kinds = KINDS.iter().filter(|_| guessed).map(|kind| kind.name);
        self.open_some(names, kinds.map(str::to_owned).collect())
            .await
    }

    /// Opens the providers that a stop needs. A reference names its own; what else the starts of a mapping
    /// made may be anywhere, so that whatever cannot be opened is said to be unknown.
    pub(super) async fn search_for(&self, stop: &StopSettings) -> Result<Opened, Failure> {
        let StopTarget::Named {
            machines,
            names,
            starts,
            ..
        } = &stop.target
        else {
            return self.search(&stop.providers).await;
        };
        let own = machines.iter().map(|reference| reference.provider.clone());
        let own: Vec<String> = own.collect();
        if !stop.providers.is_empty() {
            return self.search(&stop.providers).await;
        }
        if !starts && names.is_empty() {
            return self.open_all(own).await;
        }
        let mut all = self.everything().await;
        all.extend(own);
        self.search_everywhere(all).await
    }

    /// All tables, and all that the state file names. A file that cannot be read is said by whoever works
    /// with what is in it.
    async fn everything(&self) -> Vec<String> {
        let mut names = self.settings.tables.named();
        match self.store.read().await {
            Ok(entries) => names.extend(entries.into_values().map(|entry| entry.provider)),
            Err(error) => tracing::debug!("{}", chain(&error)),
        }
        names
    }

    async fn open_all(&self, names: Vec<String>) -> Result<Opened, Failure> {
        self.open_some(names, Vec::new()).await
    }

    /// Opens the providers of `names`, and of `kinds` those that answer: nobody named these, so that one that does
    /// not is only said.
    async fn open_some(
        &self,
        mut names: Vec<String>,
        mut kinds: Vec<String>,
    ) -> Result<Opened, Failure> {
        let tables = &self.settings.tables;
        let guesses = names.is_empty() && !kinds.is_empty();
        names.sort();
        names.dedup();
        // A name that means nothing here is said where its machine is reported.
        names.retain(|name| tables.is_known(name));
        kinds.retain(|kind| !names.contains(kind));
        let all = tables.each(&[names.as_slice(), &kinds].concat())?;
        let mut without_doubted = tables.without_doubted(&names);
        let mut opened = Opened::default();
        for (name, settings) in all {
            if kinds.contains(&name) {
                self.open_if_there(name, settings, &mut opened).await;
                continue;
            }
            // Whoever wrote a file that is not trusted must not decide where the machines of a name are looked for.
            if let Some(other) = without_doubted.remove(&name) {
                let before = opened.places.len();
                self.open_if_there(name.clone(), other, &mut opened).await;
                if settings.is_ok() && opened.places.len() > before {
                    continue;
                }
            }
            match self.open(settings).await {
                Ok(place) => opened.places.push(place),
                Err(failure) => opened.unopened.push(Unopened {
                    name,
                    error: failure.any(),
                }),
            }
        }
        if opened.places.is_empty() && guesses {
            let each = opened.not_searched.into_iter();
            let each = each.map(|one| one.error.while_trying(format!("`{}`", one.name)));
            let failure = Failure::new(Exit::Failed, "no provider could be searched");
            return Err(failure
                .because_each(each)
                .hinted("name a provider with `--provider`, or add its table to providers.toml"));
        }
        Ok(opened)
    }

    /// Opens a provider that nobody named, where its place answers.
    async fn open_if_there(
        &self,
        name: String,
        settings: settings::Result<ProviderSettings>,
        opened: &mut Opened,
    ) {
        let settings = match settings {
            Ok(settings) => settings,
            Err(error) => {
                let error = error.any();
                opened.not_searched.push(Unopened { name, error });
                return;
            }
        };
        let is_spoken_of = is_spoken_of(&settings);
        let is_rented = settings.kind.is_rented;
        // A kind without hosts is not configured, which is not the same as one that does not answer.
        if settings.secrets.is_empty() && settings.kind.lacks_settings(&settings.values) {
            return;
        }
        let (error, may_be_there) = match self.open(Ok(settings)).await {
            Ok(place) => match place.provider.resolve().await {
                Ok(()) => return opened.places.push(place),
                // A daemon that answers, and refuses, may have machines.
                Err(error) => {
                    let answers = !is_rented && !error.nobody_listens();
                    (error.any(), answers)
                }
            },
            Err(failure) => (failure.any(), false),
        };
        if !is_spoken_of && !may_be_there {
            opened.not_set_up.insert(name.clone());
        }
        opened.not_searched.push(Unopened { name, error });
    }

    /// What a file holds that is not trusted, and the command has passed over.
    pub(super) fn unknown_of(passed_over: Option<&settings::Error>) -> Option<Unknown> {
        let error = passed_over?.clone().any();
        let source = "[defaults]".to_owned();
        Some(Unknown { source, error })
    }

    /// Says which kinds were not searched. Nobody named them: what would help with them is in JSON, and here for who asks
    /// for more.
    pub(super) fn say_not_searched(&self, opened: &Opened) {
        if let Some(told) = opened.not_looked_at() {
            self.ui.status(&told);
        }
        for Unopened { name, error } in &opened.not_searched {
            tracing::debug!("not searched: `{name}`: {}", chain(error));
            for hint in error.hints() {
                tracing::debug!("`{name}`: {hint}");
            }
        }
    }

    /// Opens one provider, where its settings can be used.
    pub(super) async fn open(
        &self,
        settings: settings::Result<ProviderSettings>,
    ) -> Result<NamedProvider, Failure> {
        let mut settings = settings?;
        for (key, source) in std::mem::take(&mut settings.secrets) {
            let subject = self.settings.tables.subject(&settings.name, &key);
            let secret = settings.read_secret(&key, &source, &subject).await;
            let secret = secret.map_err(|error| {
                let error = error.about(format!("providers.{}.{key}", settings.name));
                error.map(|()| Exit::Usage)
            })?;
            self.actions.mask(&secret)?;
        }
        #[cfg(test)]
        if let Some(provider) = self.doubles.get(&settings.name).cloned() {
            return Ok(NamedProvider::new(settings.name, provider));
        }
        let values = std::mem::take(&mut settings.values);
        let env = |name: &str| self.settings.tables.variable(name);
        let folder = settings.folder();
        let opened = settings
            .kind
            .open_as(&settings.name, values, &env, folder.as_deref());
        let opened = opened.await;
        let provider = opened
            .map_err(|error| Failure::of_provider(error, &settings.name, &self.settings.tables))?;
        Ok(NamedProvider::new(settings.name, provider))
    }
}

/// Whether something here names the place of a kind that has no table: a variable of its own, or an option.
pub(super) fn is_spoken_of(settings: &ProviderSettings) -> bool {
    const OF_ALL: [&str; 3] = ["HOME", "LOGNAME", "USER"];
    let mut origins = settings.origins.values();
    origins.any(|origin| match origin {
        Origin::Variable(name) => !OF_ALL.contains(&name.as_str()),
        Origin::File { .. } | Origin::Flag(_) | Origin::Input(_) | Origin::Remote(_) => true,
        Origin::Default => false,
    })
}
