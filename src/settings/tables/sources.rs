//! Secrets in the tables of providers: where their sources stand, and where they themselves are put.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::{Origin, ProviderSettings, Result, Tables};
use crate::model::{Error, Secret, SecretSource, TextOrSecret};
use crate::providers::schema::{self, Shape};
use crate::settings::github;
use crate::settings::values::SecretSetting;

impl Tables {
    pub(super) fn secret(
        &self,
        provider: &ProviderSettings,
        path: &[String],
        value: &Value,
    ) -> Result<SecretSource> {
        // What came from a variable is a literal by right.
        if let (Origin::Variable(_), Value::String(text)) = (provider.origin(&path[0]), value) {
            return Ok(SecretSource::Literal(Secret::new(text.trim())));
        }
        let inside = path.iter().map(String::as_str);
        let path: Vec<&str> = ["providers", &provider.name]
            .into_iter()
            .chain(inside)
            .collect();
        let file = self.file_of(&provider.name);
        let source: SecretSetting =
            schema::read_value(value).map_err(|misfit| file.misfit(&path, misfit))?;
        Ok(github::source(&source, &self.env))
    }
}

impl ProviderSettings {
    /// The folder of the file whose table names the program of a provider.
    pub fn folder(&self) -> Option<PathBuf> {
        let Origin::File { path, .. } = self.origin("command") else {
            return None;
        };
        path.parent().map(PathBuf::from)
    }

    /// The ways to all values that are sources of secrets.
    pub(super) fn sources(&self) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        for (key, value) in &self.values {
            if self.is_secret(key) || self.is_key(key) && schema::is_table(value) {
                found.push(vec![key.clone()]);
            } else if let (true, Value::Object(table)) = (self.holds_secrets(key), value) {
                let sources = table.iter().filter(|(_, value)| schema::is_table(value));
                found.extend(sources.map(|(inner, _)| vec![key.clone(), inner.clone()]));
            }
        }
        found
    }

    /// Whether a setting is a table with keys of the user's own, of which each may be a secret.
    fn holds_secrets(&self, key: &str) -> bool {
        let forms = self.shapes(key).into_iter().flat_map(Shape::forms);
        let mut further = forms.filter_map(Shape::further);
        further.any(Shape::is_text_or_secret)
    }

    /// Takes a value out of the table.
    pub(super) fn take(&mut self, path: &[String]) -> Option<Value> {
        match path {
            [key] => self.values.remove(key),
            [key, inner] => self.values.get_mut(key)?.as_object_mut()?.remove(inner),
            _ => None,
        }
    }

    /// Reads a secret as its setting wants it, and puts it where its source stood.
    ///
    /// # Errors
    ///
    /// As those of [`SecretSource::word`]; `subject` names the setting.
    pub async fn read_secret(
        &mut self,
        key: &str,
        source: &SecretSource,
        subject: &str,
    ) -> Result<Secret, Error> {
        let path = schema::undotted(key);
        let is_inside = path.len() > 1;
        let secret = if is_inside {
            let text = source.text(subject).await?;
            Secret::new(text.expose().trim_end())
        } else if self.is_key(key) {
            source.key(subject).await?
        } else {
            source.word(subject).await?
        };
        let value = if is_inside {
            TextOrSecret::resolved(&secret)
        } else {
            secret.expose().into()
        };
        put(&mut self.values, &path, value);
        Ok(secret)
    }
}

/// Puts a value into a table, at the end of a way of one or two keys.
pub(super) fn put(values: &mut Map<String, Value>, path: &[String], value: Value) {
    match path {
        [key] => {
            values.insert(key.clone(), value);
        }
        [key, inner] => {
            if let Some(Value::Object(table)) = values.get_mut(key) {
                table.insert(inner.clone(), value);
            }
        }
        _ => {}
    }
}
