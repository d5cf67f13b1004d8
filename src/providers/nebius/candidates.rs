//! What a launch tries, in order.

use std::fmt;

use super::config::NebiusConfig;
use super::wire::{Platform, Preset};
use crate::model::{Name, Rental, digest};

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
        match self.preset.as_str() {
            "" => write!(f, "{} (its smallest preset)", self.platform),
            preset => write!(f, "{} {preset}", self.platform),
        }
    }
}

/// On which terms a machine is rented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Market {
    OnDemand,
    /// Cheaper, and Nebius may reclaim the machine.
    Preemptible,
}

impl Market {
    /// The market that settings mean.
    pub(super) fn of(config: &NebiusConfig) -> Self {
        if config.preemptible {
            Self::Preemptible
        } else {
            Self::OnDemand
        }
    }

    /// Nebius's word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::Preemptible => "preemptible",
        }
    }
}

/// What a price is of: a candidate on its terms, with its disk.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Priced {
    pub(super) candidate: Candidate,
    pub(super) market: Market,
    /// In GiB.
    pub(super) disk: u64,
}

impl Priced {
    /// A candidate on the terms of settings.
    pub(super) fn by(config: &NebiusConfig, candidate: &Candidate) -> Self {
        Self {
            candidate: candidate.clone(),
            market: Market::of(config),
            disk: config.disk.size.into(),
        }
    }
}

impl Candidate {
    /// What is rented by it.
    pub(super) fn rental(&self, market: Market) -> Rental {
        Rental {
            machine_type: Some(self.to_string()),
            market: Some(market.word().to_owned()),
            ..Rental::default()
        }
    }

    /// The key of a creation: the same for the same name and candidate, in whatever process.
    pub(super) fn key(&self, name: &Name) -> String {
        let digest = digest::sha256(format!("{name}\n{self}"));
        // In the form of a UUID, as Nebius's own clients send it.
        let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| &digest[range]);
        parts.join("-")
    }
}

/// Platforms with their presets, the smallest first, as far as they are known without asking; the first is the default.
/// <https://docs.nebius.com/compute/virtual-machines/types>
const PLATFORMS: &[(&str, &[&str])] = &[
    ("gpu-l40s-a", &["1gpu-8vcpu-32gb", "1gpu-40vcpu-160gb"]),
    ("gpu-l40s-d", &["1gpu-16vcpu-96gb"]),
    (
        "gpu-h100-sxm",
        &["1gpu-16vcpu-200gb", "8gpu-128vcpu-1600gb"],
    ),
    (
        "gpu-h200-sxm",
        &["1gpu-16vcpu-200gb", "8gpu-128vcpu-1600gb"],
    ),
    (
        "gpu-b200-sxm",
        &["1gpu-20vcpu-224gb", "8gpu-160vcpu-1792gb"],
    ),
    (
        "gpu-b200-sxm-a",
        &["1gpu-20vcpu-224gb", "8gpu-160vcpu-1792gb"],
    ),
    (
        "gpu-b300-sxm",
        &["1gpu-24vcpu-346gb", "8gpu-192vcpu-2768gb"],
    ),
    ("gpu-rtx6000", &["1gpu-24vcpu-218gb", "8gpu-192vcpu-1744gb"]),
    (
        "gpu-rtx6000-a",
        &["1gpu-24vcpu-218gb", "8gpu-192vcpu-1744gb"],
    ),
    ("cpu-d3", &["4vcpu-16gb"]),
    ("cpu-e2", &["2vcpu-8gb"]),
];

/// The platforms that settings mean.
fn platforms(config: &NebiusConfig) -> Vec<String> {
    let default = || PLATFORMS[0].0.to_owned();
    match (&config.platform, &config.preset) {
        (Some(platforms), _) => platforms.all().to_vec(),
        (None, None) => vec![default()],
        (None, Some(presets)) => {
            let of = |preset: &String| match preset.split_once('/') {
                Some((platform, _)) => platform.to_owned(),
                None => PLATFORMS
                    .iter()
                    .find(|(_, presets)| presets.contains(&preset.as_str()))
                    .map_or_else(default, |(platform, _)| (*platform).to_owned()),
            };
            presets.all().iter().map(of).collect()
        }
    }
}

/// The preset of a platform for which none is set: the smallest, by the project's list where that is known. Empty where
/// it is not known.
fn smallest(platform: &str, known: Option<&[Platform]>) -> String {
    let listed = known.and_then(|known| known.iter().find(|one| one.metadata.name == platform));
    if let Some(listed) = listed {
        let size = |preset: &&Preset| {
            let of = preset.resources;
            (of.gpu_count, of.vcpu_count, of.memory_gibibytes)
        };
        let presets = listed.spec.presets.iter();
        let least = presets.min_by_key(size);
        return least.map_or_else(String::new, |preset| preset.name.clone());
    }
    let found = PLATFORMS.iter().find(|(name, _)| *name == platform);
    found.map_or_else(String::new, |(_, presets)| presets[0].to_owned())
}

/// All candidates: platforms, of each the presets that are for it. `known` is the project's own list, where it was read.
pub(super) fn candidates(config: &NebiusConfig, known: Option<&[Platform]>) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = Vec::new();
    for platform in platforms(config) {
        let presets = match &config.preset {
            Some(presets) => presets.all().to_vec(),
            None => vec![smallest(&platform, known)],
        };
        for preset in presets {
            let preset = match preset.split_once('/') {
                Some((of, preset)) if of == platform => preset,
                Some(_) => continue,
                None => preset.as_str(),
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

/// Whether the project's list has a candidate.
pub(super) fn is_offered(candidate: &Candidate, known: &[Platform]) -> bool {
    known.iter().any(|platform| {
        let mut presets = platform.spec.presets.iter();
        platform.metadata.name == candidate.platform
            && presets.any(|preset| preset.name == candidate.preset)
    })
}

/// Whether a candidate cannot be had as preemptible, by the project's list. One that says so of no platform says nothing.
pub(super) fn is_for_keeps(candidate: &Candidate, known: &[Platform]) -> bool {
    let allows = |platform: &Platform| platform.status.allowed_for_preemptibles;
    let own = known
        .iter()
        .find(|one| one.metadata.name == candidate.platform);
    known.iter().any(allows) && own.is_some_and(|own| !allows(own))
}

/// What the project has instead of candidates that it has not, a line for each platform.
pub(super) fn instead(candidates: &[Candidate], known: &[Platform]) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    let mut others = false;
    for candidate in candidates {
        let own = known
            .iter()
            .find(|one| one.metadata.name == candidate.platform);
        others |= own.is_none();
        let line = own.map_or_else(
            || format!("it has no `{}`", candidate.platform),
            |own| {
                let presets = own.spec.presets.iter().map(|preset| preset.name.as_str());
                let presets: Vec<&str> = presets.collect();
                format!("`{}` has {}", candidate.platform, presets.join(", "))
            },
        );
        if !told.contains(&line) {
            told.push(line);
        }
    }
    if others {
        let names: Vec<&str> = known.iter().map(|one| one.metadata.name.as_str()).collect();
        told.push(format!("it has {}", names.join(", ")));
    }
    told
}

/// The settings that let more be tried, as they are written.
pub(super) fn wider(config: &NebiusConfig) -> String {
    let platforms = platforms(config);
    // With a GPU each.
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
    let platforms = with(&platforms, platform);
    match &config.preset {
        // Each has its own default.
        None => format!("name several, such as `platform = {platforms:?}`"),
        Some(presets) => {
            let presets = with(presets.all(), preset);
            format!("name several, such as `platform = {platforms:?}` with `preset = {presets:?}`")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(table: serde_json::Value) -> Vec<String> {
        let config: NebiusConfig = serde_json::from_value(table).unwrap();
        candidates(&config, None)
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
    fn the_defaults_of_platform_and_preset_follow_each_other() {
        let platforms = json!({ "platform": ["gpu-l40s-a", "gpu-h100-sxm", "gpu-x9000"] });
        assert_eq!(
            told(platforms),
            [
                "gpu-l40s-a 1gpu-8vcpu-32gb",
                "gpu-h100-sxm 1gpu-16vcpu-200gb",
                "gpu-x9000 (its smallest preset)",
            ]
        );
        for (preset, candidate) in [
            ("8gpu-128vcpu-1600gb", "gpu-h100-sxm 8gpu-128vcpu-1600gb"),
            ("gpu-x9000/1gpu-8vcpu-32gb", "gpu-x9000 1gpu-8vcpu-32gb"),
            ("1gpu-40vcpu-160gb", "gpu-l40s-a 1gpu-40vcpu-160gb"),
            ("3gpu-9vcpu-99gb", "gpu-l40s-a 3gpu-9vcpu-99gb"),
        ] {
            assert_eq!(told(json!({ "preset": preset })), [candidate]);
        }
        let known = serde_json::from_value::<Vec<Platform>>(json!([{
            "metadata": { "name": "gpu-x9000" },
            "spec": { "presets": [
                { "name": "8gpu-64vcpu-512gb", "resources": { "gpuCount": 8, "vcpuCount": 64 } },
                { "name": "1gpu-8vcpu-64gb", "resources": { "gpuCount": 1, "vcpuCount": 8 } },
            ] },
        }]));
        let config: NebiusConfig =
            serde_json::from_value(json!({ "platform": "gpu-x9000" })).unwrap();
        let found = candidates(&config, Some(&known.unwrap()));
        assert_eq!(found[0].to_string(), "gpu-x9000 1gpu-8vcpu-64gb");
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
