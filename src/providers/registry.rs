//! The registry: every kind of provider that this binary was built with.

use std::path::Path;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use schemars::Schema;
use serde_json::{Map, Value};

#[cfg(feature = "aws")]
use super::aws;
#[cfg(feature = "docker")]
use super::docker;
#[cfg(feature = "nebius")]
use super::nebius;
#[cfg(feature = "runpod")]
use super::runpod;
use super::schema::{self, Fault, Misfit};
#[cfg(test)]
use super::toy;
use super::{Error, Lookup, Needs, Provider, ProviderKind, Result, external, host};
use crate::model::InstanceId;

/// Opens a provider with the settings of its table.
type Open = fn(
    String,
    Map<String, Value>,
    Lookup<'_>,
    Option<&Path>,
) -> LocalBoxFuture<'static, Result<Arc<dyn Provider>>>;

/// One row of the registry.
#[derive(Debug)]
pub struct Kind {
    /// See [`ProviderKind::KIND`].
    pub name: &'static str,
    /// See [`ProviderKind::ABOUT`].
    pub about: &'static str,
    /// See [`ProviderKind::REHEARSES`].
    pub rehearses: bool,
    /// See [`ProviderKind::IS_RENTED`].
    pub is_rented: bool,
    open: Open,
    schema: fn() -> Schema,
    misfit: fn(&Map<String, Value>) -> Option<Misfit>,
    fits: fn(&Map<String, Value>) -> Result<()>,
    needs: fn(&Map<String, Value>) -> Needs,
    env_defaults: fn(Lookup<'_>) -> Vec<(&'static str, &'static str, Value)>,
    named_in_files: fn(Lookup<'_>) -> Result<Vec<String>>,
    secrets_in_env: fn() -> &'static [&'static str],
    outputs: fn(Option<&InstanceId>) -> Vec<(&'static str, String)>,
}

impl Kind {
    const fn of<P: ProviderKind>() -> Self {
        Self {
            name: P::KIND,
            about: P::ABOUT,
            rehearses: P::REHEARSES,
            is_rented: P::IS_RENTED,
            open: |table, settings, env, folder| open::<P>(table, &settings, env, folder),
            schema: || schemars::schema_for!(P::Config),
            misfit: |settings| schema::read::<P::Config>(settings).err(),
            fits: |settings| match schema::read::<P::Config>(settings) {
                Ok(config) => P::fits(&config),
                Err(_) => Ok(()), // that is a misfit
            },
            needs: |settings| match schema::read::<P::Config>(settings) {
                Ok(config) => P::needs(&config),
                Err(_) => &[], // that is a misfit
            },
            env_defaults: P::env_defaults,
            named_in_files: P::named_in_files,
            secrets_in_env: P::secrets_in_env,
            outputs: P::outputs,
        }
    }

    /// Opens a provider of this kind with the settings of its table.
    pub async fn open(&self, settings: Map<String, Value>) -> Result<Arc<dyn Provider>> {
        self.open_as(self.name, settings, &|_| None, None).await
    }

    /// The same for a table with a name of its own; see [`ProviderKind::beside`] for the folder.
    pub async fn open_as(
        &self,
        table: &str,
        settings: Map<String, Value>,
        env: Lookup<'_>,
        folder: Option<&Path>,
    ) -> Result<Arc<dyn Provider>> {
        (self.open)(table.to_owned(), settings, env, folder).await
    }

    /// Describes the table: types, defaults, meanings.
    pub fn schema(&self) -> Schema {
        (self.schema)()
    }

    /// What is wrong with the form of a table's settings, by its first flaw; nothing is opened.
    pub fn misfit(&self, settings: &Map<String, Value>) -> Option<Misfit> {
        (self.misfit)(settings)
    }

    /// Whether settings that have the right form can be meant; nothing is opened. See [`ProviderKind::fits`].
    ///
    /// # Errors
    ///
    /// An error that names the setting.
    pub fn fits(&self, settings: &Map<String, Value>) -> Result<()> {
        (self.fits)(settings)
    }

    /// See [`ProviderKind::needs`].
    pub(super) fn needs(&self, settings: &Map<String, Value>) -> Needs {
        (self.needs)(settings)
    }

    /// Whether settings leave out a key without which no machine of this kind can be meant.
    pub fn lacks_settings(&self, settings: &Map<String, Value>) -> bool {
        let schema = self.schema();
        let required = schema.get("required").and_then(Value::as_array);
        let keys = required.into_iter().flatten().filter_map(Value::as_str);
        let mut missing = keys.filter(|key| !settings.contains_key(*key));
        missing.next().is_some()
    }

    /// See [`ProviderKind::outputs`].
    pub fn outputs(&self, machine: Option<&InstanceId>) -> Vec<(&'static str, String)> {
        (self.outputs)(machine)
    }

    /// See [`ProviderKind::named_in_files`].
    ///
    /// # Errors
    ///
    /// Why such a file cannot be used.
    pub fn named_in_files(&self, env: Lookup<'_>) -> Result<Vec<String>> {
        (self.named_in_files)(env)
    }

    /// See [`ProviderKind::env_defaults`].
    pub fn env_defaults(&self, env: Lookup<'_>) -> Vec<(&'static str, &'static str, Value)> {
        (self.env_defaults)(env)
    }
}

/// Every kind that this binary was built with, in the order of the alphabet.
pub const KINDS: &[Kind] = &[
    #[cfg(feature = "aws")]
    Kind::of::<aws::Aws>(),
    #[cfg(feature = "docker")]
    Kind::of::<docker::Docker>(),
    Kind::of::<external::External>(),
    Kind::of::<host::local::Local>(),
    #[cfg(feature = "nebius")]
    Kind::of::<nebius::Nebius>(),
    #[cfg(feature = "runpod")]
    Kind::of::<runpod::RunPod>(),
    #[cfg(feature = "ssh")]
    Kind::of::<host::ssh::Ssh>(),
    #[cfg(test)]
    Kind::of::<toy::Toy>(),
];

/// Finds a kind by its name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// Every variable that holds a secret of some place on its machines. All of them for every machine:
/// a host or a container may itself be a machine of another kind.
pub fn secrets_in_env() -> Vec<&'static str> {
    let names = KINDS.iter().flat_map(|kind| (kind.secrets_in_env)());
    names.copied().collect()
}

/// The error for a setting that has to be set: one clause, and how it comes to a value.
fn missing<P: ProviderKind>(key: String) -> Error {
    // Each variable that is looked at, whatever it holds.
    let known = P::env_defaults(&|_| Some("1".to_owned()));
    let variable = known.iter().find(|(_, setting, _)| *setting == key);
    let variable = variable.map(|(variable, ..)| format!(" or `${variable}`"));
    let hint = format!(
        "set `{key}`{}; `gharun providers init {}` asks for it",
        variable.unwrap_or_default(),
        P::KIND
    );
    let message = format!("`{key}` is not set");
    Error::setting(key, message).hinted(hint)
}

fn open<P: ProviderKind>(
    table: String,
    settings: &Map<String, Value>,
    env: Lookup<'_>,
    folder: Option<&Path>,
) -> LocalBoxFuture<'static, Result<Arc<dyn Provider>>> {
    let read = schema::read::<P::Config>(settings).map_err(|misfit| {
        let key = misfit.key();
        match misfit.fault {
            Fault::Missing(_) => missing::<P>(key),
            fault => Error::setting(key, fault.to_string()),
        }
    });
    let read = read.map(|mut config| {
        P::look_around(&mut config, env);
        if let Some(folder) = folder {
            P::beside(&mut config, folder);
        }
        config
    });
    let opened = async move {
        let opened: Arc<dyn Provider> = Arc::new(P::open(read?).await?.called(table));
        Ok(opened)
    };
    opened.boxed_local()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::ErrorKind;

    #[cfg(all(feature = "runpod", feature = "ssh"))]
    #[tokio::test]
    async fn what_has_to_be_set_is_told_in_one_clause_with_the_variable_that_sets_it() {
        for (name, message, hint) in [
            (
                "runpod",
                "`api_key` is not set",
                "set `api_key` or `$RUNPOD_API_KEY`; `gharun providers init runpod` asks for it",
            ),
            (
                "ssh",
                "`hosts` is not set",
                "set `hosts`; `gharun providers init ssh` asks for it",
            ),
        ] {
            let kind = kind(name).expect("it is built in");
            let error = kind.open(Map::new()).await.expect_err("it is not set");
            assert_eq!(error.to_string(), message);
            assert_eq!(error.hints(), [hint]);
        }
    }

    #[test]
    fn kinds_are_in_the_order_of_the_alphabet_and_described() {
        assert!(KINDS.is_sorted_by_key(|kind| kind.name));
        for kind in KINDS {
            let about = kind.about;
            assert!(!about.is_empty() && !about.ends_with('.'), "{about}");
        }
    }

    #[tokio::test]
    async fn a_variable_has_the_same_names_for_every_kind() {
        let with_env = |kind: &&Kind| kind.settings().iter().any(|one| one.key == "env");
        let kinds: Vec<&Kind> = KINDS.iter().filter(with_env).collect();
        assert!(!kinds.is_empty());
        for kind in kinds {
            for name in ["A-B", "1A", ""] {
                let table = serde_json::json!({ "api_key": "x", "env": { name: "x" } });
                let Value::Object(mut table) = table else {
                    unreachable!("it was written as one")
                };
                table.retain(|key, _| kind.settings().iter().any(|one| one.key == *key));
                let error = kind.open(table).await.expect_err("it is no name");
                assert_eq!(error.kind, ErrorKind::Config, "{}: {error}", kind.name);
                let key = schema::dotted(&["env".to_owned(), name.to_owned()]);
                assert_eq!(error.key(), Some(key.as_str()), "{}", kind.name);
                assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
            }
        }
    }

    #[test]
    fn no_kind_takes_unknown_keys() {
        for kind in KINDS {
            let schema = kind.schema();
            assert_eq!(
                schema.get("additionalProperties"),
                Some(&Value::Bool(false)),
                "{}",
                kind.name
            );
        }
    }
}
