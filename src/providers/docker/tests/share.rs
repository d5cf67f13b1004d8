//! A real daemon, and what its containers are made of.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use bollard::models::{ContainerCreateBody, ContainerSummary};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, CreateImageOptionsBuilder, DownloadFromContainerOptionsBuilder,
    InspectContainerOptions, KillContainerOptionsBuilder, ListContainersOptionsBuilder,
    RemoveContainerOptionsBuilder, StartContainerOptions,
};
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::sync::OnceCell;

use crate::model::{InstanceId, random};
use crate::providers::ProviderKind as _;
use crate::providers::contract::{Fake, Mood, skipped};
use crate::providers::docker::machine::short;
use crate::providers::docker::tests::proxy::{closed, deed, proxy};
use crate::providers::docker::{Docker, DockerConfig, SOCKET};

/// The image of all tests: busybox and a user `runner`, 1001:127.
pub(super) const IMAGE: &str = "gharun-test-docker:1";
/// The same, whose user is `runner`.
pub(super) const RUNNER_IMAGE: &str = "gharun-test-docker:1-runner";

/// An image that has nothing but a user's file.
pub(super) const NO_SHELL: &str = "gharun-test-docker:1-no-shell";

/// Imported once for all tests of a process.
static IMAGES: OnceCell<()> = OnceCell::const_new();

const BUSYBOX: &str = "/bin/busybox";
/// The label of what a test makes beside the provider.
const WORLD: &str = "gharun-test-world";

/// One test's share of the daemon of this computer.
#[derive(Debug)]
pub(super) struct Share {
    pub(super) client: bollard::Docker,
    tag: String,
    place: String,
}

impl Share {
    /// Opens the provider with settings, its host and image given unless they are among them.
    pub(super) async fn with(&self, settings: serde_json::Value) -> Docker {
        let mut table = serde_json::json!({ "image": IMAGE, "pull": "never" });
        let settings = settings.as_object().expect("a table").clone();
        table.as_object_mut().expect("a table").extend(settings);
        Docker::open(serde_json::from_value(table).expect("settings"))
            .await
            .expect("a provider opens without its daemon")
    }

    async fn labelled(&self, label: &str) -> Vec<ContainerSummary> {
        let filters = HashMap::from([("label", vec![format!("{label}={}", self.tag)])]);
        let options = ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&filters)
            .build();
        let listed = self.client.list_containers(Some(options)).await;
        listed.expect("the daemon lists its containers")
    }

    /// Makes a container beside the provider, with these labels, and does not start it.
    pub(super) async fn add(&self, name: &str, labels: HashMap<String, String>) -> InstanceId {
        let mut labels = labels;
        labels.insert(WORLD.to_owned(), self.tag.clone());
        self.make(name, labels, ["sleep", "300"]).await
    }

    /// Makes what a launch leaves that was killed after its first request.
    pub(super) async fn half_made(
        &self,
        name: &str,
        labels: HashMap<String, String>,
    ) -> InstanceId {
        self.make(name, labels, ["/bin/sh", "/gharun/boot.sh"])
            .await
    }

    async fn make(
        &self,
        name: &str,
        labels: HashMap<String, String>,
        command: [&str; 2],
    ) -> InstanceId {
        let body = ContainerCreateBody {
            image: Some(IMAGE.to_owned()),
            cmd: Some(command.map(str::to_owned).to_vec()),
            labels: Some(labels),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::default().name(name).build();
        let made = self.client.create_container(Some(options), body).await;
        self.id(&made.expect("the daemon makes a container").id)
    }

    pub(super) fn id(&self, whole: &str) -> InstanceId {
        InstanceId {
            location: Some(self.place.clone()),
            id: short(whole).to_owned(),
        }
    }

    /// The entries of an archive of a path: path, mode, uid, gid, content.
    pub(super) async fn files(&self, id: &str, path: &str) -> Vec<File> {
        let options = DownloadFromContainerOptionsBuilder::default()
            .path(path)
            .build();
        let bytes: Vec<u8> = self
            .client
            .download_from_container(id, Some(options))
            .try_fold(Vec::new(), async |mut all: Vec<u8>, part| {
                all.extend_from_slice(&part);
                Ok(all)
            })
            .await
            .expect("the daemon packs an archive");
        let mut archive = tar::Archive::new(&*bytes);
        let entries = archive.entries().expect("an archive");
        entries
            .map(|entry| {
                let mut entry = entry.expect("an entry");
                let mut content = Vec::new();
                std::io::Read::read_to_end(&mut entry, &mut content).expect("a whole entry");
                let header = entry.header();
                File {
                    path: entry.path().expect("a path").display().to_string(),
                    mode: header.mode().expect("a mode") & 0o7777,
                    uid: header.uid().expect("a user"),
                    gid: header.gid().expect("a group"),
                    content,
                }
            })
            .collect()
    }
}

/// An entry of an archive.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) mode: u32,
    pub(super) uid: u64,
    pub(super) gid: u64,
    pub(super) content: Vec<u8>,
}

impl Fake for Share {
    type P = Docker;

    async fn start() -> Option<Self> {
        let client = bollard::Docker::connect_with_unix(SOCKET, 60, bollard::API_DEFAULT_VERSION);
        let answer = match &client {
            Ok(client) => client.info().await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let info = match answer {
            Ok(info) => info,
            Err(error) => {
                skipped(&format!("docker: no daemon answers at {SOCKET}: {error}"));
                return None;
            }
        };
        if !Path::new(BUSYBOX).exists() {
            skipped(&format!("docker: no static {BUSYBOX} to make an image of"));
            return None;
        }
        let client = client.expect("it answered");
        IMAGES.get_or_init(async || import(&client).await).await;
        Some(Self {
            client,
            tag: random(12),
            place: place_of(&info),
        })
    }

    fn tag(&self) -> &str {
        &self.tag
    }

    async fn open(&self) -> Docker {
        self.with(serde_json::json!({})).await
    }

    async fn turn(&self, mood: Mood) -> Option<Docker> {
        if mood == Mood::PartUnread {
            return None;
        }
        let first = AtomicBool::new(true);
        let host = if mood == Mood::Unavailable {
            closed().await
        } else {
            proxy(move |request| deed(mood, request, &first)).await
        };
        Some(self.with(serde_json::json!({ "host": host })).await)
    }

    async fn add_stranger(&self) -> InstanceId {
        let name = format!("stranger-{}", random(12));
        // It calls itself managed, by somebody else.
        let labels = HashMap::from([("managed-by".to_owned(), "another".to_owned())]);
        self.add(&name, labels).await
    }

    async fn census(&self) -> Vec<InstanceId> {
        let mut all = self.labelled("gharun-start").await;
        all.extend(self.labelled(WORLD).await);
        let ids = all.iter().filter_map(|found| found.id.as_deref());
        ids.map(|id| self.id(id)).collect()
    }

    async fn boot_script(&self, id: &InstanceId) -> String {
        let mut files = self.files(&id.id, "/gharun/boot.sh").await;
        String::from_utf8(files.remove(0).content).expect("the script is text")
    }

    async fn visible(&self, id: &InstanceId) -> String {
        let socket = reqwest::Client::builder().unix_socket(SOCKET).build();
        let socket = socket.expect("a client of a socket");
        let mut seen = String::new();
        for question in ["json", "top", "changes", "logs?stdout=1&stderr=1"] {
            let url = format!("http://docker/containers/{}/{question}", id.id);
            let answer = socket.get(url).send().await.expect("the daemon answers");
            seen.push_str(&answer.text().await.expect("all of it"));
        }
        let inspected = self
            .client
            .inspect_container(&id.id, None::<InspectContainerOptions>)
            .await;
        let image = inspected.expect("it is there").image.expect("its image");
        let history = self.client.image_history(&image).await.expect("a history");
        write!(seen, "{history:?}").expect("memory takes it");
        for file in self.files(&id.id, "/gharun").await {
            // What others than its user may read, they see.
            if file.mode & 0o077 != 0 {
                seen.push_str(&String::from_utf8_lossy(&file.content));
            }
        }
        seen
    }

    async fn end(&self, id: &InstanceId) {
        let options = KillContainerOptionsBuilder::default()
            .signal("TERM")
            .build();
        let killed = self.client.kill_container(&id.id, Some(options)).await;
        killed.expect("it was running");
    }

    async fn finish(self) {
        let mut all = self.labelled("gharun-start").await;
        all.extend(self.labelled(WORLD).await);
        for id in all.into_iter().filter_map(|found| found.id) {
            let options = RemoveContainerOptionsBuilder::default()
                .force(true)
                .v(true)
                .build();
            match self.client.remove_container(&id, Some(options)).await {
                // Or it is gone, or going.
                Ok(())
                | Err(bollard::errors::Error::DockerResponseServerError {
                    status_code: 404 | 409,
                    ..
                }) => {}
                Err(error) => panic!("a test leaves the container {id} behind: {error}"),
            }
        }
    }
}

/// Makes the images, unless they are there from an earlier run.
async fn import(client: &bollard::Docker) {
    for (image, changes, root) in [
        (IMAGE, None, root as fn() -> Vec<u8>),
        (RUNNER_IMAGE, Some("USER runner"), root),
        (NO_SHELL, None, no_shell),
    ] {
        if client.inspect_image(image).await.is_ok() {
            continue;
        }
        let (repo, tag) = image.split_once(':').expect("a tag");
        let mut options = CreateImageOptionsBuilder::default()
            .from_src("-")
            .repo(repo)
            .tag(tag)
            .build();
        options.changes = changes.map(str::to_owned).into_iter().collect();
        let body = bollard::body_full(root().into());
        let lines = client.create_image(Some(options), Some(body), None);
        let lines: Vec<_> = lines.collect().await;
        for line in lines {
            line.expect("the daemon takes the image");
        }
    }
}

/// The root of an image that cannot run anything.
fn no_shell() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(0);
    let added = archive.append_data(&mut header, "etc/passwd", &[][..]);
    added.expect("memory takes it");
    archive.into_inner().expect("memory takes it")
}

/// The root of an image: busybox under all its names, and three users' files.
fn root() -> Vec<u8> {
    let listed = std::process::Command::new(BUSYBOX).arg("--list").output();
    let listed = listed.expect("busybox lists its names").stdout;
    let names = String::from_utf8(listed).expect("names are text");
    let mut archive = tar::Builder::new(Vec::new());
    let header = |kind, mode, id: (u64, u64), size: usize| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(id.0);
        header.set_gid(id.1);
        header.set_size(size as u64);
        header
    };
    for (path, mode, id) in [
        ("bin/", 0o755, (0, 0)),
        ("etc/", 0o755, (0, 0)),
        ("home/", 0o755, (0, 0)),
        ("home/runner/", 0o755, (1001, 127)),
        ("tmp/", 0o1777, (0, 0)),
        ("var/run/", 0o755, (0, 0)),
    ] {
        let mut header = header(tar::EntryType::Directory, mode, id, 0);
        let added = archive.append_data(&mut header, path, &[][..]);
        added.expect("memory takes it");
    }
    let busybox = std::fs::read(BUSYBOX).expect("busybox can be read");
    let passwd = b"root:x:0:0:root:/:/bin/sh\nrunner:x:1001:127::/home/runner:/bin/sh\n";
    let group = b"root:x:0:\nrunner:x:127:\nextra:x:555:\n";
    for (path, mode, content) in [
        ("bin/busybox", 0o755, &busybox[..]),
        ("etc/passwd", 0o644, passwd),
        ("etc/group", 0o644, group),
    ] {
        let mut header = header(tar::EntryType::Regular, mode, (0, 0), content.len());
        let added = archive.append_data(&mut header, path, content);
        added.expect("memory takes it");
    }
    for name in names.lines().filter(|name| *name != "busybox") {
        let mut header = header(tar::EntryType::Symlink, 0o777, (0, 0), 0);
        let added = archive.append_link(&mut header, format!("bin/{name}"), "busybox");
        added.expect("memory takes it");
    }
    archive.into_inner().expect("memory takes it")
}

/// Settings as they are when nothing is said, for tests of what needs no daemon.
pub(super) fn plain() -> DockerConfig {
    DockerConfig::default()
}

/// Starts a container that was made beside the provider.
pub(super) async fn run(share: &Share, id: &InstanceId) {
    let started = share
        .client
        .start_container(&id.id, None::<StartContainerOptions>)
        .await;
    started.expect("the daemon starts a container");
}

/// What references call a daemon: its engine, its host and its folder.
fn place_of(info: &bollard::models::SystemInfo) -> String {
    let told = [&info.id, &info.name, &info.docker_root_dir];
    let told = told.map(|text| text.clone().expect("a daemon says who it is"));
    crate::model::digest::place(told.join("\n"))
}
