//! The clouds that RunPod has.

use super::config::{Cloud, RunPodConfig};

/// One of RunPod's two clouds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tier {
    Secure,
    Community,
}

impl Tier {
    /// As the API has it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Community => "COMMUNITY",
            Self::Secure => "SECURE",
        }
    }

    /// As the setting has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Community => "community",
            Self::Secure => "secure",
        }
    }

    /// The clouds that settings mean. CPU pods have a list price in the secure one only, and there alone are
    /// network volumes.
    pub(super) fn of(config: &RunPodConfig) -> &'static [Self] {
        match config.cloud {
            Cloud::Any if config.cpu.is_some() || config.network_volume.is_some() => {
                &[Self::Secure]
            }
            Cloud::Any => &[Self::Secure, Self::Community],
            Cloud::Community => &[Self::Community],
            Cloud::Secure => &[Self::Secure],
        }
    }
}
