//! What a shell's completion may know of the settings: names, and where the state file is.

use std::path::{Path, PathBuf};

use super::file::HERE;
use super::found::{self, Owners};
use super::{Env, SettingsFile, state_path};
use crate::providers;

/// What completions know. What cannot be read is as what is not there.
#[derive(Clone, Debug, Default)]
pub struct Completion {
    /// The tables of providers with their kinds; of a file that is not trusted, too: names do nothing.
    pub tables: Vec<(String, String)>,
    /// The state file.
    pub state: Option<PathBuf>,
}

impl Completion {
    /// Reads the file of settings; `config` and `state` are options that stand on the line.
    pub fn find(config: Option<&str>, state: Option<&str>, env: &Env) -> Self {
        let named = config.or_else(|| env.get("GHARUN_CONFIG"));
        let texts = if let Some(path) = named {
            vec![found::read_named(&env.path(path))]
        } else {
            let own = env.base("XDG_CONFIG_HOME", ".config");
            let own = own.map(|base| found::read_named(&base.join("gharun/providers.toml")));
            let here = found::read(Path::new(HERE), Owners::of(env).as_ref());
            [Some(here), own].into_iter().flatten().collect()
        };
        let mut tables: Vec<(String, String)> = Vec::new();
        for text in texts.into_iter().filter_map(|text| text.ok().flatten()) {
            // What is wrong with it is told where it is used.
            let Ok(file) = SettingsFile::parse(Path::new(HERE), &text) else {
                continue;
            };
            for (name, table) in file.contents.providers {
                let kind = table["kind"].as_str().unwrap_or(&name).to_owned();
                let plain = super::tables::misnamed(&name).is_none();
                let known = plain && providers::kind(&kind).is_some();
                if known && !tables.iter().any(|(other, _)| *other == name) {
                    tables.push((name, kind));
                }
            }
        }
        Self {
            tables,
            state: state_path(state.map(Path::new), env).ok(),
        }
    }
}
