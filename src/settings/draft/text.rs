//! The text of a file of settings that is made: a comment for each line, and every value as TOML reads it.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Draft, DraftTable};
use crate::model::Scope;

/// As wide as a comment may be.
const WIDTH: usize = 100;

impl Draft {
    /// The file as it will be.
    pub fn text(&self) -> String {
        match &self.existing {
            Some(text) => format!("{}\n\n{}", text.trim_end_matches('\n'), self.added()),
            None => format!(
                "# Settings of gharun, as `gharun providers init` wrote them. No secret is in this file: it says where each is kept.\n\
                 # Every setting: `gharun providers show KIND`, `man providers.toml`.\n\n{}",
                self.added()
            ),
        }
    }

    /// What is added to the file.
    pub fn added(&self) -> String {
        let mut text = String::new();
        if !self.has_github {
            text.push_str("[github]\n");
            if let Some(scope) = &self.scope {
                let (key, value) = match scope {
                    Scope::Repo { .. } => ("repo", scope.to_string()),
                    Scope::Org(org) => ("org", org.clone()),
                    Scope::Enterprise(enterprise) => ("enterprise", enterprise.clone()),
                };
                comment(
                    &mut text,
                    "What runners register with; `--repo`, `--org` and `--enterprise` win over it.",
                );
                assign(&mut text, key, &value.into());
            }
            comment(
                &mut text,
                "Where the token is kept; $GHARUN_GITHUB_TOKEN and $GH_PAT win over it.",
            );
            assign(&mut text, "token", &self.token);
            text.push('\n');
        }
        if !self.has_defaults {
            text.push_str("[defaults]\n");
            comment(
                &mut text,
                "Providers in order of preference, for `gharun start` without a name.",
            );
            let names = self.tables.iter().map(|table| table.name.as_str());
            assign(&mut text, "providers", &names.collect::<Vec<_>>().into());
            text.push('\n');
        }
        for table in &self.tables {
            table.write(&mut text);
            text.push('\n');
        }
        text.truncate(text.trim_end().len());
        text + "\n"
    }
}

impl DraftTable {
    fn write(&self, text: &mut String) {
        let (name, kind) = (&self.name, self.kind);
        comment(
            text,
            &format!(
                "{}. Every setting: gharun providers show {}",
                kind.about, kind.name
            ),
        );
        writeln!(text, "[providers.{name}]").expect("a text takes what is written");
        assign(text, "kind", &kind.name.into());
        for setting in kind.settings() {
            if let Some(value) = self.values.get(&setting.key) {
                comment(text, first_sentence(&setting.meaning));
                assign(text, &setting.key, value);
            }
        }
    }
}

/// The first sentence of a doc comment, on one line.
fn first_sentence(meaning: &str) -> &str {
    let end = meaning.find(". ").or_else(|| meaning.find(".\n"));
    end.map_or(meaning, |end| &meaning[..=end])
}

fn comment(text: &mut String, what: &str) {
    let mut line = String::new();
    for word in what.split_whitespace() {
        if !line.is_empty() && line.len() + word.len() > WIDTH {
            writeln!(text, "#{line}").expect("a text takes what is written");
            line.clear();
        }
        line.push(' ');
        line.push_str(word);
    }
    writeln!(text, "#{line}").expect("a text takes what is written");
}

fn assign(text: &mut String, key: &str, value: &Value) {
    let value = inline(value);
    writeln!(text, "{key} = {value}").expect("a text takes what is written");
}

/// A value as TOML writes it on one line.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::Object(table) => {
            let entries = table.iter().map(|(key, value)| {
                let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
                let key = if !key.is_empty() && key.chars().all(plain) {
                    key.clone()
                } else {
                    toml::Value::from(key.as_str()).to_string()
                };
                format!("{key} = {}", inline(value))
            });
            let entries: Vec<String> = entries.collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(text) => toml::Value::from(text.as_str()).to_string(),
        other => other.to_string(),
    }
}
