//! Disks that are full, that cannot be written, and files that may not be read.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::*;

/// Says on the real standard error, past the test harness, what could not be tested here.
#[expect(
    clippy::disallowed_methods,
    reason = "a test asks whether it may be skipped"
)]
fn skipped(test: &str, why: &str) {
    assert!(
        std::env::var_os("GHARUN_STRICT").is_none_or(|strict| strict != "1"),
        "{test} was not run: {why}"
    );
    writeln!(std::io::stderr(), "skipped: {test}: {why}").expect("standard error");
}

#[tokio::test]
async fn a_full_disk_is_an_error_and_the_old_content_stays() {
    let folder = folder();
    let Some(_disk) = Disk::mount(folder.path()) else {
        return skipped("a_full_disk_is_an_error", "only root can mount a tmpfs");
    };
    let path = folder.path().join("state.json");
    let store = Store::at(&path);
    add(&store, 1).await.unwrap();
    let before = fs::read(&path).unwrap();
    let error = store
        .update(|entries| entries.extend((2..2000).map(|n| (name(n), entry("big")))))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Full);
    assert!(error.message().contains("state.json"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(files(folder.path()), ["state.json", "state.json.lock"]);
    add(&store, 2).await.unwrap();
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_named_and_can_still_be_read() {
    let folder = folder();
    let Some(disk) = Disk::mount(folder.path()) else {
        return skipped(
            "a_place_that_cannot_be_written",
            "only root can mount a tmpfs",
        );
    };
    let (path, corrupt) = (
        folder.path().join("state.json"),
        folder.path().join("corrupt"),
    );
    add(&Store::at(&path), 1).await.unwrap();
    fs::write(&corrupt, "nonsense").unwrap();
    disk.make_read_only();

    let error = add(&Store::at(&path), 2).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.hints()[0].contains("--state"), "{:?}", error.hints());
    assert_eq!(Store::at(&path).read().await.unwrap().len(), 1);

    let store = Store::at(&corrupt);
    assert_eq!(store.read().await.unwrap_err().kind, ErrorKind::Damaged);
    assert_eq!(add(&store, 1).await.unwrap_err().kind, ErrorKind::Denied);
}

/// The variable that tells the child process of the next test which file to read.
const UNREADABLE: &str = "GHARUN_TEST_UNREADABLE";

#[tokio::test]
async fn a_file_that_may_not_be_read_is_named() {
    let folder = folder();
    let path = folder.path().join("state.json");
    add(&Store::at(&path), 1).await.unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
    if File::open(&path).is_err() {
        return assert_unreadable(&path).await;
    }
    // Root may read everything: ask as somebody else, who may not be able to reach this binary.
    let binary = folder.path().join("tests");
    let copied = Command::new("cp")
        .arg(std::env::current_exe().unwrap())
        .arg(&binary)
        .status();
    assert!(copied.unwrap().success());
    fs::set_permissions(&binary, Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(binary)
        .args(["--exact", "--ignored"])
        .arg("state::tests::disks::another_user_reads")
        .env(UNREADABLE, &path)
        .current_dir("/")
        .gid(65534)
        .uid(65534)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("1 passed"), "{told}");
}

#[tokio::test]
#[ignore = "the body of the child process of another test"]
async fn another_user_reads() {
    #[expect(
        clippy::disallowed_methods,
        reason = "how a test tells its child what to do"
    )]
    let Some(path) = std::env::var_os(UNREADABLE) else {
        return;
    };
    assert_unreadable(Path::new(&path)).await;
}

async fn assert_unreadable(path: &Path) {
    let store = Store::at(path);
    for error in [
        store.read().await.unwrap_err(),
        add(&store, 2).await.unwrap_err(),
    ] {
        assert_eq!(error.kind, ErrorKind::Denied);
        assert!(
            error.message().contains(&*path.to_string_lossy()),
            "{error}"
        );
        assert!(error.hints()[0].contains("--state"), "{:?}", error.hints());
    }
}

/// A tiny disk of its own, gone when dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64k", "gharun-test"]);
        let mounted = mount.arg(at).stderr(Stdio::null()).status();
        mounted
            .is_ok_and(|status| status.success())
            .then(|| Self(at.to_owned()))
    }

    fn make_read_only(&self) {
        let mut mount = Command::new("mount");
        let mount = mount.args(["-o", "remount,ro"]).arg(&self.0);
        assert!(mount.status().expect("mount runs").success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A child that another test has just started may hold a file there for a moment.
        let end = Instant::now() + Duration::from_secs(10);
        let mut unmounted = false;
        while !unmounted && Instant::now() < end {
            let mut umount = Command::new("umount");
            let status = umount.arg(&self.0).stderr(Stdio::null()).status();
            unmounted = status.is_ok_and(|status| status.success());
            if !unmounted {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        assert!(unmounted || std::thread::panicking());
    }
}
