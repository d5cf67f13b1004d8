//! What a launch tries, in order.

use std::fmt;

use super::config::NebiusConfig;
use crate::model::{Name, digest};

/// One way to get a machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    /// What it is made of (`gpu-l40s-a`).
    pub(super) platform: String,
    /// How much of it (`1gpu-8vcpu-32gb`).
    pub(super) preset: String,
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.platform, self.preset)
    }
}

impl Candidate {
    /// The key of a creation: the same for the same name and candidate, in whatever process.
    pub(super) fn key(&self, name: &Name) -> String {
        let digest = digest::sha256(format!("{name}\n{self}"));
        // In the form of a UUID, as Nebius's own clients send it.
        let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| &digest[range]);
        parts.join("-")
    }
}

/// All candidates: platforms, of each the presets that are for it.
pub(super) fn candidates(config: &NebiusConfig) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = Vec::new();
    for platform in config.platform.all() {
        for preset in config.preset.all() {
            let preset = match preset.split_once('/') {
                Some((of, preset)) if of == platform => preset,
                Some(_) => continue,
                None => preset,
            };
            let candidate = Candidate {
                platform: platform.clone(),
                preset: preset.to_owned(),
            };
            if !all.contains(&candidate) {
                all.push(candidate);
            }
        }
    }
    all
}

/// The settings that let more be tried, as they are written.
pub(super) fn wider(config: &NebiusConfig) -> String {
    let platforms = config.platform.all();
    // With a GPU each, by <https://docs.nebius.com/compute/virtual-machines/types>.
    let known = [
        ("gpu-h100-sxm", "1gpu-16vcpu-200gb"),
        ("gpu-l40s-a", "1gpu-8vcpu-32gb"),
    ];
    let more = known
        .into_iter()
        .find(|(platform, _)| !platforms.iter().any(|one| one == platform));
    let Some((platform, preset)) = more else {
        return "name more presets in `preset`".to_owned();
    };
    let with = |all: &[String], one: &str| -> Vec<String> {
        let mut all = all.to_vec();
        if !all.iter().any(|other| other == one) {
            all.push(one.to_owned());
        }
        all
    };
    let platforms = with(platforms, platform);
    let presets = with(config.preset.all(), preset);
    format!("name several, such as `platform = {platforms:?}` with `preset = {presets:?}`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(table: serde_json::Value) -> Vec<String> {
        let config: NebiusConfig = serde_json::from_value(table).unwrap();
        candidates(&config)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn candidates_come_in_the_order_given() {
        let told = told(json!({
            "platform": ["gpu-h200-sxm", "gpu-l40s-a", "gpu-h200-sxm"],
            "preset": ["1gpu-16vcpu-200gb", "gpu-l40s-a/1gpu-8vcpu-32gb"],
        }));
        insta::assert_snapshot!(told.join("\n"), @r"
        gpu-h200-sxm 1gpu-16vcpu-200gb
        gpu-l40s-a 1gpu-16vcpu-200gb
        gpu-l40s-a 1gpu-8vcpu-32gb
        ");
    }

    #[test]
    fn nothing_said_is_one_candidate() {
        assert_eq!(told(json!({})), ["gpu-l40s-a 1gpu-8vcpu-32gb"]);
    }

    #[test]
    fn a_key_is_of_its_name_and_candidate_alone() {
        let of = |preset: &str| Candidate {
            platform: "p".into(),
            preset: preset.into(),
        };
        let name = Name::choose(None, 0, jiff::Timestamp::UNIX_EPOCH);
        let other = Name::choose(None, 0, jiff::Timestamp::UNIX_EPOCH);
        let key = of("a").key(&name);
        assert_eq!(key, of("a").key(&name));
        assert_ne!(key, of("b").key(&name));
        assert_ne!(key, of("a").key(&other));
        assert_eq!(key.len(), 36, "{key}");
    }
}
