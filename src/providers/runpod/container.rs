//! Why a pod's container does not start, by what its host says of it: pure.

use crate::model::text::one_line;

/// What is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContainerFault {
    /// The driver of this host is too old for the image; hosts with a newer one are there.
    Driver,
    /// The pod's disk is too small for the image.
    Disk,
    /// This host; another one may do.
    Host,
    /// The image: every host says the same.
    Image,
    /// The image may not be read.
    Registry,
}

/// What RunPod's hosts say where a container does not start: words in lower case, and what they mean. The first row
/// that fits counts. They are Docker's, containerd's and NVIDIA's own words, which the host passes on.
const WORDS: &[(&[&str], ContainerFault)] = &[
    // Nerogar/OneTrainer#981 and #1160, runpod/containers#98: `unsatisfied condition: cuda>=12.8`.
    (&["unsatisfied condition: cuda"], ContainerFault::Driver),
    // artokun/comfyui-mcp#2014: an image of 23 GB on a disk of 20 GB.
    (&["no space left on device"], ContainerFault::Disk),
    (&["disk quota exceeded"], ContainerFault::Disk),
    // Docker Hub counts by the host's address, so that another host may still pull
    // (https://docs.docker.com/docker-hub/usage/pulls).
    (&["toomanyrequests"], ContainerFault::Host),
    (&["too many requests"], ContainerFault::Host),
    // https://distribution.github.io/distribution/spec/api/#errors-2
    (&["pull access denied"], ContainerFault::Registry),
    // dstackai/dstack#2507: a registry of AWS's.
    (&["no basic auth credentials"], ContainerFault::Registry),
    (&["unauthorized"], ContainerFault::Registry),
    (&["authentication required"], ContainerFault::Registry),
    (&["denied: "], ContainerFault::Registry),
    (&["manifest unknown"], ContainerFault::Image),
    (&["manifest for", "not found"], ContainerFault::Image),
    (&["name unknown"], ContainerFault::Image),
    (&["repository", "not found"], ContainerFault::Image),
    (
        &["failed to resolve reference", "not found"],
        ContainerFault::Image,
    ),
    (&["no matching manifest"], ContainerFault::Image),
    (&["invalid reference format"], ContainerFault::Image),
    (&["exec format error"], ContainerFault::Image),
    (&["executable file not found"], ContainerFault::Image),
    (&["exec: \"/bin/sh\""], ContainerFault::Image),
    // dstackai/dstack#3843: the host's own mounts; a pod's request names none without a path.
    (&["invalid mount config"], ContainerFault::Host),
    // dstackai/dstack#1976: a broken layer in the host's own store.
    (&["layer does not exist"], ContainerFault::Host),
    (&["failed to register layer"], ContainerFault::Host),
    (&["nvidia-container-cli"], ContainerFault::Host),
    (&["could not select device driver"], ContainerFault::Host),
    (&["i/o timeout"], ContainerFault::Host),
    (&["tls handshake timeout"], ContainerFault::Host),
    (&["no such host"], ContainerFault::Host),
    (&["connection refused"], ContainerFault::Host),
    (&["connection reset"], ContainerFault::Host),
];

/// How the lines begin by which a host gives a container up; it then tries again.
const GIVES_UP: &[&str] = &[
    "error creating container",
    "error pulling image",
    "error starting container",
    "failed to pull image",
    "failed to register layer",
];

/// How often a host must say what is known, since it tries again by itself.
const TWICE: usize = 2;
/// How often it must say what is in no table.
const UNKNOWN: usize = 3;
/// The longest line that is told.
const LONGEST: usize = 300;

/// Why a container will not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ContainerVerdict {
    pub(super) fault: ContainerFault,
    /// What the host says.
    pub(super) line: String,
    /// The CUDA version that the image wants, where the host says it.
    pub(super) cuda: Option<String>,
}

/// Tells a container that will not start from one that takes its time: by what its host has said again and again.
pub(super) fn verdict(lines: &[String]) -> Option<ContainerVerdict> {
    let mut counts = vec![0_usize; WORDS.len()];
    let mut unknown = 0;
    let (mut known, mut strange) = (None, None);
    for line in lines {
        let low = line.to_lowercase();
        let row = WORDS
            .iter()
            .position(|(words, _)| words.iter().all(|word| low.contains(word)));
        let gives_up = GIVES_UP
            .iter()
            .any(|begins| low.trim_start().starts_with(begins));
        let (enough, fault) = match row {
            // Such a word alone is no end: a host that pulls tries again by itself, and says so.
            Some(row) if WORDS[row].1 == ContainerFault::Host && !gives_up => continue,
            Some(row) => {
                counts[row] += 1;
                (counts[row] >= TWICE, WORDS[row].1)
            }
            None if gives_up => {
                unknown += 1;
                (unknown >= UNKNOWN, ContainerFault::Host)
            }
            None => continue,
        };
        if enough {
            // After a pull that failed, Docker also says that there is no such image.
            let found = if row.is_some() {
                &mut known
            } else {
                &mut strange
            };
            *found = Some(ContainerVerdict {
                fault,
                line: short(line),
                cuda: cuda(&low),
            });
        }
    }
    known.or(strange)
}

/// A host's line, from where it gets to the point.
fn short(line: &str) -> String {
    let line = one_line(line);
    let begin = ["nvidia-container-cli: ", "Error response from daemon: "]
        .iter()
        .find_map(|words| line.find(words));
    let line = &line[begin.unwrap_or(0)..];
    // Who reads it asks which daemon: the host's, and not one of theirs.
    let line = line.replacen("Error response from daemon: ", "its Docker says: ", 1);
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The version in `cuda>=12.8`.
fn cuda(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("unsatisfied condition: cuda")?;
    let rest = rest.trim_start_matches([' ', '>', '=']);
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
    let version = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
    (!version.is_empty()).then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUDA: &str = "error starting container: Error response from daemon: failed to create task for container: OCI runtime create failed: stderr: nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, please update your driver to a newer version, or use an earlier cuda container: unknown";

    fn of(lines: &[&str]) -> Option<ContainerVerdict> {
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        verdict(&lines)
    }

    #[test]
    fn a_host_that_says_it_again_is_believed_and_one_that_tries_is_not() {
        assert_eq!(of(&["create pod", "pulling image", CUDA]), None);
        let found = of(&[CUDA, "start container for x: begin", CUDA]).expect("twice");
        assert_eq!(found.fault, ContainerFault::Driver);
        assert_eq!(found.cuda.as_deref(), Some("12.8"));
        assert!(
            found.line.starts_with("nvidia-container-cli: "),
            "{}",
            found.line
        );
        // A pull that is tried again goes on; one that was given up does not.
        let again = "Retrying in 5 seconds: read tcp 10.0.0.2: connection reset by peer";
        assert_eq!(of(&[again, again, again, again]), None);
        let strange = "error creating container: the moon is full";
        assert_eq!(of(&[strange, strange]), None);
        let found = of(&[strange, strange, strange]).expect("three times");
        assert_eq!(
            (found.fault, found.line.as_str()),
            (ContainerFault::Host, strange)
        );
    }

    #[test]
    fn each_word_means_what_is_at_fault() {
        for (line, fault) in [
            (
                "error creating container: layer does not exist",
                ContainerFault::Host,
            ),
            (
                "error pulling image: manifest for ghcr.io/a/b:1 not found: manifest unknown: manifest unknown",
                ContainerFault::Image,
            ),
            (
                "error pulling image: Error response from daemon: Head \"https://ghcr.io/v2/a/b/manifests/1\": unauthorized",
                ContainerFault::Registry,
            ),
            (
                "error pulling image: pull access denied for a/b, repository does not exist or may require 'docker login'",
                ContainerFault::Registry,
            ),
            (
                "failed to register layer: write /opt/x: no space left on device",
                ContainerFault::Disk,
            ),
            (
                "error pulling image: toomanyrequests: You have reached your pull rate limit",
                ContainerFault::Host,
            ),
        ] {
            let found = of(&[line, line]).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(found.fault, fault, "{line}");
        }
    }
}
