//! What Docker, container runtimes and registries answer, and what each answer means: one table.

use super::config::{DockerConfig, Pull};
use super::credentials;
use super::endpoint::Endpoint;
use crate::providers::{Error, ErrorKind};

/// What was being done when an answer came. The same words may mean something else elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A registry was asked about an image, or for it.
    Pull,
    /// A container was created or started, or had been.
    Run,
    /// Anything else: the settings of a container have no part in it.
    Other,
}

/// What the next step of a row can name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) endpoint: &'a Endpoint,
    /// The settings of the container, where they have a part in it.
    pub(super) config: Option<&'a DockerConfig>,
    pub(super) step: Step,
}

/// One row: an answer that has all of the words, in small letters.
struct Meaning {
    /// Each is a part of the answer; `|` stands between two of which one is enough.
    words: &'static [&'static str],
    /// Where the words mean this.
    steps: &'static [Step],
    kind: ErrorKind,
    /// The setting at fault, where one is.
    key: Option<&'static str>,
    /// What to do; names in braces are filled in, see [`Asked::fill`].
    next: &'static str,
}

const ANY: &[Step] = &[Step::Pull, Step::Run, Step::Other];
const MADE: &[Step] = &[Step::Pull, Step::Run];
const PULL: &[Step] = &[Step::Pull];
const RUN: &[Step] = &[Step::Run];

/// Makes a row.
const fn row(
    words: &'static [&'static str],
    steps: &'static [Step],
    kind: ErrorKind,
    key: Option<&'static str>,
    next: &'static str,
) -> Meaning {
    Meaning {
        words,
        steps,
        kind,
        key,
        next,
    }
}

const SHELL: &str = "the image has no `/bin/sh`, which gharun's script needs: name one that has it in `image`, such as \
     `ghcr.io/actions/actions-runner:latest`";

const FOREIGN: &str = "the image is made for another processor: name one for {platform} in `image`; \
     `{docker} image inspect -f '{{.Os}}/{{.Architecture}}' {image}` shows what it is for";

const LOGIN: &str = "check the name `{image}`; if it is private, run `docker login {registry}` with an account \
     that may read it";

/// The table; the first row that fits counts. The source of each group stands before it; paths are those of the repositories.
const MEANINGS: &[Meaning] = {
    use ErrorKind::{Config, Denied, NoCapacity, RateLimited, Unavailable, Unexpected};
    &[
        // ENOSPC and EDQUOT, passed on by every part of the engine.
        row(
            &["no space left on device|disk quota exceeded"],
            ANY,
            NoCapacity,
            None,
            "the daemon's disk is full: `{docker} system df` shows what uses it, `{docker} system prune` frees it",
        ),
        // runc, `libcontainer/process_linux.go`.
        row(
            &["oom-killed"],
            RUN,
            Config,
            Some("memory"),
            "the container ran out of memory while it was started: set `memory` higher, such as `memory = \"4g\"`",
        ),
        // ENOMEM.
        row(
            &["cannot allocate memory"],
            ANY,
            NoCapacity,
            None,
            "the daemon's host has no memory left: `{docker} stats --no-stream` shows which containers use it",
        ),
        // moby, `daemon/server/middleware/version.go`.
        row(
            &["client version", "too old"],
            ANY,
            Unexpected,
            None,
            "the daemon is newer than this gharun can talk to: install a newer gharun",
        ),
        row(
            &["client version", "too new"],
            ANY,
            Unexpected,
            None,
            "the daemon is too old: install a newer Docker on its host",
        ),
        // moby, `pkg/authorization/middleware.go`.
        row(
            &["authorization denied by plugin"],
            ANY,
            Denied,
            None,
            "a plugin of the daemon forbids it: ask its administrator to allow it",
        ),
        // distribution/reference, `reference.go`.
        row(
            &["repository name must be lowercase"],
            ANY,
            Config,
            Some("image"),
            "write it in lower case: `image = \"{lower}\"`",
        ),
        row(
            &["invalid reference format"],
            ANY,
            Config,
            Some("image"),
            "write `image` as `NAME:TAG` or `HOST/NAME:TAG`, such as `ghcr.io/actions/actions-runner:latest`",
        ),
        // Docker Hub's own words: <https://docs.docker.com/docker-hub/usage/pulls/>. It lasts for hours.
        row(
            &["pull rate limit"],
            PULL,
            Denied,
            Some("image"),
            "`docker login {registry}` raises the limit; or wait up to 6 hours; or load the image on the daemon's host and set \
             `pull = \"never\"`",
        ),
        // distribution, `registry/api/errcode/register.go`.
        row(
            &["toomanyrequests|too many requests"],
            PULL,
            RateLimited,
            None,
            "`docker login {registry}` raises the registry's limit; `pull = \"missing\"` pulls less often",
        ),
        // moby, `distribution/pull_v2.go`; containerd, `images/image.go`; moby, `daemon/images/image.go`.
        row(
            &[
                "no matching manifest|no match for platform|does not match the specified platform|cannot be used on this platform",
            ],
            MADE,
            Config,
            Some("platform"),
            "`{image}` does not exist for {platform}: `{docker} manifest inspect {image}` lists its platforms; set \
             `platform` to one that the daemon can run, or name another `image`",
        ),
        // containerd/platforms, `platforms.go`.
        row(
            &["unknown operating system or architecture|invalid platform"],
            MADE,
            Config,
            Some("platform"),
            "write `platform` as `linux/amd64` or `linux/arm64`",
        ),
        // distribution, `registry/api/errcode/register.go`, `registry/api/v2/errors.go`; moby, `distribution/errors.go`.
        row(
            &[
                "manifest unknown|manifest for|name unknown|failed to resolve reference",
                "unknown|not found",
            ],
            PULL,
            Config,
            Some("image"),
            "`{registry}` has no such tag: check the name and the tag of `image`",
        ),
        row(
            &["repository does not exist or may require"],
            PULL,
            Denied,
            Some("image"),
            LOGIN,
        ),
        row(
            &["incorrect username or password|bad credentials|token has expired"],
            PULL,
            Denied,
            Some("image"),
            "`{registry}` refuses the login that Docker has for it: run `docker login {registry}` again",
        ),
        row(
            &[
                "unauthorized|authentication required|no basic auth|: denied|access denied|403 forbidden",
            ],
            PULL,
            Denied,
            Some("image"),
            LOGIN,
        ),
        // Go, `crypto/x509/verify.go`.
        row(
            &["x509: certificate has expired"],
            PULL,
            Config,
            Some("image"),
            "check that the clock of the daemon's host is right (`date`); if it is, `{registry}` must renew its certificate",
        ),
        row(
            &["x509:"],
            PULL,
            Config,
            Some("image"),
            "the daemon does not trust the certificate of `{registry}`: put its CA into \
             `/etc/docker/certs.d/{registry}/ca.crt` on the daemon's host",
        ),
        // Go, `net/http/transport.go`.
        row(
            &["server gave http response"],
            PULL,
            Config,
            Some("image"),
            "`{registry}` does not use HTTPS: add it to `insecure-registries` in `/etc/docker/daemon.json` and restart the \
             daemon",
        ),
        // Go, `net/dnsclient_unix.go`.
        row(
            &["no such host|server misbehaving|name resolution"],
            PULL,
            Unavailable,
            Some("image"),
            "the daemon's host cannot resolve `{registry}`: check the name, and its DNS with `{docker} pull {image}`",
        ),
        row(
            &["proxyconnect"],
            PULL,
            Unavailable,
            None,
            "the daemon's own proxy does not answer: `{docker} info` shows it, `/etc/docker/daemon.json` sets it",
        ),
        row(
            &[
                "dial tcp|i/o timeout|tls handshake timeout|connection refused|connection reset|eof|unreachable|\
               awaiting headers|request canceled|internal server error|service unavailable|bad gateway|gateway time",
            ],
            PULL,
            Unavailable,
            None,
            "the daemon cannot reach `{registry}`: try `{docker} pull {image}`; or load the image with `{docker} load` \
             and set `pull = \"never\"`",
        ),
        // moby, `image/store.go` and `daemon/images/image.go`.
        row(&["no such image"], MADE, Config, Some("image"), "{pull}"),
        // moby, `daemon/devices.go` and `daemon/cdi.go`; nvidia-container-toolkit.
        row(
            &["could not select device driver|gpu vendor from cdi"],
            RUN,
            Config,
            Some("gpus"),
            "install the nvidia-container-toolkit on the daemon's host, then restart the daemon; or leave `gpus` out",
        ),
        row(
            &["unresolvable cdi devices"],
            RUN,
            Config,
            Some("gpus"),
            "`nvidia-ctk cdi list` on the daemon's host shows the devices that it has",
        ),
        row(
            &["nvidia-container-cli|nvml|cuda-capable"],
            RUN,
            Config,
            Some("gpus"),
            "run `nvidia-smi` on the daemon's host: its driver or its GPU cannot be used as it is",
        ),
        row(
            &["error gathering device information"],
            RUN,
            Config,
            Some("devices"),
            "the device must exist on the daemon's host: `ls -l /dev` there shows what does",
        ),
        // moby, `daemon/runtime_unix.go`.
        row(
            &["runtime name|unknown runtime"],
            RUN,
            Config,
            Some("runtime"),
            "`{docker} info` lists the runtimes of the daemon",
        ),
        // moby, `daemon/libnetwork/errors.go`.
        row(
            &["no such network|network ", "no such network| not found"],
            RUN,
            Config,
            Some("network"),
            "`{docker} network ls` lists the networks; `{docker} network create {network}` makes one",
        ),
        // moby/sys, `user/user.go`.
        row(
            &["no matching entries in passwd file|unable to find group|unable to find user"],
            RUN,
            Config,
            Some("user"),
            "set `user` to a user of the image, or to a number",
        ),
        // moby, `volume/mounts/validate.go`, `volume/mounts/mounts.go`; Docker Desktop.
        row(
            &[
                "bind source path does not exist|error while creating mount source path|mounts denied|\
               invalid volume specification|duplicate mount point|invalid mount|is not shared from",
            ],
            RUN,
            Config,
            Some("volumes"),
            "name a folder in `volumes` that the daemon's host has, which may be another computer; or write \
             `NAME:/TARGET` for a volume of Docker's own",
        ),
        // moby, `daemon/daemon_unix.go`.
        row(
            &["range of cpus is from"],
            RUN,
            Config,
            Some("cpus"),
            "set `cpus` to at most what the daemon's host has, or leave it out",
        ),
        row(
            &["minimum memory limit"],
            RUN,
            Config,
            Some("memory"),
            "set `memory` to at least `6m`",
        ),
        row(
            &["host-gateway"],
            RUN,
            Config,
            Some("extra_hosts"),
            "write the address of the daemon's host instead of `host-gateway`",
        ),
        row(
            &["privileged", "user namespaces"],
            RUN,
            Config,
            Some("privileged"),
            "a daemon with `userns-remap` has no privileged containers: leave `privileged` out",
        ),
        // moby, `daemon/oci_linux.go`.
        row(
            &["docker-init|init binary"],
            RUN,
            Config,
            Some("init"),
            "install `docker-init` (the package `tini`; for Podman the package `catatonit`) on the daemon's host, or set `init = false`",
        ),
        // ENOEXEC, as runc and tini tell it.
        row(&["exec format error"], RUN, Config, Some("image"), FOREIGN),
        // runc, `libcontainer/init_linux.go`; tini, `src/tini.c`.
        row(
            &["exec: \"/bin/sh\"|exec /bin/sh failed"],
            RUN,
            Config,
            Some("image"),
            SHELL,
        ),
    ]
};

impl Meaning {
    fn fits(&self, step: Step, lower: &str) -> bool {
        let has = |words: &&str| words.split('|').any(|word| lower.contains(word));
        self.steps.contains(&step) && self.words.iter().all(has)
    }
}

impl Asked<'_> {
    /// What an answer means, as an error that says what was tried; `None` where it is in no row.
    pub(super) fn meaning(&self, doing: &str, answer: &str) -> Option<Error> {
        // As if somebody had passed it on, which some do: an answer may be one word.
        let lower = format!(": {}", answer.to_ascii_lowercase());
        let found = MEANINGS.iter().find(|row| row.fits(self.step, &lower))?;
        let error = Error::new(found.kind, doing).hinted(self.fill(found.next));
        Some(match self.key(found.key) {
            Some(key) => error.about(key),
            None => error,
        })
    }

    /// The setting at fault: where no platform is asked for, it is the image that does not fit.
    fn key(&self, key: Option<&'static str>) -> Option<&'static str> {
        let config = self.config?;
        match key {
            Some("platform") if config.platform.is_none() => Some("image"),
            Some("user") if config.user.is_none() => Some("image"),
            key => key,
        }
    }

    fn fill(&self, text: &str) -> String {
        let default = DockerConfig::default();
        let config = self.config.unwrap_or(&default);
        let image = config.image.as_str();
        let docker = self.endpoint.command();
        let platform = config
            .platform
            .as_deref()
            .map_or_else(|| format!("the daemon's platform (`{docker} version -f '{{{{.Server.Os}}}}/{{{{.Server.Arch}}}}'`)"), str::to_owned);
        let pull = match config.pull {
            Pull::Never => {
                format!("pull it with `{docker} pull {image}`, or set `pull = \"missing\"`")
            }
            Pull::Always | Pull::Missing => {
                format!("it was removed meanwhile: pull it again with `{docker} pull {image}`")
            }
        };
        let network = config.network.as_deref().unwrap_or("bridge");
        text.replace("{pull}", &pull)
            .replace("{docker}", &docker)
            .replace("{registry}", credentials::registry(image))
            .replace("{network}", network)
            .replace("{platform}", &platform)
            .replace("{lower}", &lower(image))
            .replace("{image}", image)
    }
}

/// An image with its repository in lower case: a tag may have capitals.
fn lower(image: &str) -> String {
    let slash = image.rfind('/').map_or(0, |at| at + 1);
    let end = image[slash..].find([':', '@']);
    let end = end.map_or(image.len(), |at| slash + at);
    image[..end].to_ascii_lowercase() + &image[end..]
}

#[cfg(test)]
mod tests;
