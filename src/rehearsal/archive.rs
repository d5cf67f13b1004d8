//! The stub runner as archives: one for each platform, flat as GitHub's are.

use std::io;

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::Bytes;
use tar::{Builder, Header};

use crate::model::digest;

/// The platforms, in GitHub's spelling.
const PLATFORMS: [(&str, &str); 5] = [
    ("linux", "arm"),
    ("linux", "arm64"),
    ("linux", "x64"),
    ("osx", "arm64"),
    ("osx", "x64"),
];

/// What is in them, the programs with the names that the real ones have: process lists, boot
/// scripts and idle limits look for these.
const FILES: [(&str, &str); 4] = [
    ("run.sh", include_str!("stub/run.sh")),
    ("bin/Runner.Listener", include_str!("stub/listener.sh")),
    ("bin/Runner.Worker", include_str!("stub/worker.sh")),
    (
        "bin/installdependencies.sh",
        include_str!("stub/installdependencies.sh"),
    ),
];

/// 2026-07-20: the same archive has the same checksum wherever it is made.
const MADE: u64 = 1_784_505_600;

/// One archive.
#[derive(Clone, Debug)]
pub(super) struct Archive {
    pub(super) filename: String,
    pub(super) bytes: Bytes,
    /// As hex digits.
    pub(super) sha256: String,
}

impl Archive {
    /// Makes all of them for one version of the runner.
    pub(super) fn all(version: &str) -> io::Result<Vec<Self>> {
        let made = PLATFORMS.map(|(os, cpu)| Self::new(version, os, cpu));
        made.into_iter().collect()
    }

    fn new(version: &str, os: &'static str, architecture: &'static str) -> io::Result<Self> {
        let mut tar = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
        for (path, text) in FILES {
            let text = text
                .replace("@VERSION@", version)
                .replace("@PLATFORM@", &format!("{os}-{architecture}"));
            let mut header = Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o755);
            header.set_mtime(MADE);
            tar.append_data(&mut header, path, text.as_bytes())?;
        }
        let bytes = tar.into_inner()?.finish()?;
        Ok(Self {
            filename: format!("actions-runner-{os}-{architecture}-{version}.tar.gz"),
            sha256: digest::sha256(&bytes),
            bytes: Bytes::from(bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn every_platform_has_its_own_archive_with_run_sh_at_its_top() {
        let all = Archive::all("2.336.0").unwrap();
        let mut sums: Vec<&str> = all.iter().map(|one| one.sha256.as_str()).collect();
        sums.sort_unstable();
        sums.dedup();
        assert_eq!(sums.len(), PLATFORMS.len());
        for archive in &all {
            let mut tar = tar::Archive::new(GzDecoder::new(&archive.bytes[..]));
            let mut paths = Vec::new();
            for entry in tar.entries().unwrap() {
                let mut entry = entry.unwrap();
                assert_eq!(entry.header().mode().unwrap(), 0o755);
                let path = entry.path().unwrap().display().to_string();
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                assert!(text.starts_with("#!/bin/sh\n"), "{path}");
                assert!(!text.contains("@VERSION@"), "{path}");
                paths.push(path);
            }
            assert!(paths.contains(&"run.sh".to_owned()), "{paths:?}");
            assert!(paths.contains(&"bin/Runner.Worker".to_owned()), "{paths:?}");
        }
    }

    #[test]
    fn the_same_version_is_made_with_the_same_checksum() {
        let (one, two) = (
            Archive::all("1.2.3").unwrap(),
            Archive::all("1.2.3").unwrap(),
        );
        assert!(
            one.iter()
                .zip(&two)
                .all(|(one, two)| one.sha256 == two.sha256)
        );
        assert_eq!(one[2].filename, "actions-runner-linux-x64-1.2.3.tar.gz");
    }
}
