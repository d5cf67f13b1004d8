//! The promises of the state file, on real files.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use tempfile::TempDir;

use super::*;
use crate::model::{Price, Rental};

mod disks;
mod processes;

fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder")
}

fn name(number: usize) -> Name {
    format!("gharun-000000{number:08}").parse().expect("a name")
}

fn entry(start: &str) -> RunnerRecord {
    RunnerRecord {
        provider: "docker".into(),
        server: "github.com".into(),
        scope: "acme/app".into(),
        repository: None,
        run: Some(Run { id: 7, attempt: 1 }),
        start: start.into(),
        group: None,
        created: Timestamp::UNIX_EPOCH,
        expires: Timestamp::UNIX_EPOCH,
        runner_id: Some(42),
        at: Vec::new(),
        instance: Some("docker:1a2b/3c4d".parse().expect("a reference")),
        rental: Rental {
            price: Some(Price::live(0.79)),
            ..Rental::at("here")
        },
        machineless: false,
        launch: None,
    }
}

async fn add(store: &Store, number: usize) -> Result<(), Error> {
    store
        .update(move |entries| {
            entries.insert(name(number), entry("k3x9"));
        })
        .await
}

fn mode(path: &Path) -> u32 {
    let about = fs::metadata(path).expect("it exists");
    about.permissions().mode() & 0o777
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|file| file.expect("a file").file_name().to_string_lossy().into())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_was_written_is_read_back() {
    let folder = folder();
    let path = folder.path().join("deep/er/state.json");
    let store = Store::at(&path);
    assert_eq!(store.read().await.unwrap(), Entries::new());
    assert!(
        !folder.path().join("deep").exists(),
        "reading makes nothing"
    );
    add(&store, 1).await.unwrap();
    let again = Store::at(&path).read().await.unwrap();
    assert_eq!(again, Entries::from([(name(1), entry("k3x9"))]));
    assert_eq!(store.moved_aside(), []);
}

#[tokio::test]
async fn nothing_is_kept_where_nothing_is_to_be_kept() {
    let store = Store::none();
    add(&store, 1).await.unwrap();
    assert_eq!(store.read().await.unwrap(), Entries::new());
    assert_eq!(store.set_aside().await.unwrap(), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn only_the_owner_can_read_the_file_and_the_folder_made_for_it() {
    let folder = folder();
    let path = folder.path().join("made/state.json");
    let store = Store::at(&path);
    add(&store, 1).await.unwrap();
    assert_eq!(mode(&folder.path().join("made")), 0o700);
    for file in [&path, &folder.path().join("made/state.json.lock")] {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    // A file that somebody opened up is closed again by the next change.
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    add(&store, 2).await.unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[tokio::test]
async fn an_existing_folder_keeps_its_mode() {
    let folder = folder();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    add(&Store::at(folder.path().join("state.json")), 1)
        .await
        .unwrap();
    assert_eq!(mode(folder.path()), 0o755);
}

#[tokio::test]
async fn two_hundred_changes_through_one_store_lose_nothing() {
    let folder = folder();
    let store = Store::at(folder.path().join("state.json"));
    let changes = (0..200).map(|number| add(&store, number));
    for done in futures_util::future::join_all(changes).await {
        done.unwrap();
    }
    assert_eq!(store.read().await.unwrap().len(), 200);
}

#[tokio::test]
async fn changes_are_made_in_the_order_in_which_they_came() {
    let folder = folder();
    let store = Store::at(folder.path().join("state.json"));
    let changes = (0..50).map(|turn| {
        store.update(move |entries| {
            entries.insert(name(1), entry(&turn.to_string()));
        })
    });
    futures_util::future::join_all(changes).await;
    assert_eq!(store.read().await.unwrap()[&name(1)].start, "49");
}

#[tokio::test]
async fn what_a_killed_process_left_is_ignored_and_overwritten() {
    let folder = folder();
    let path = folder.path().join("state.json");
    let store = Store::at(&path);
    add(&store, 1).await.unwrap();
    fs::write(
        folder.path().join(".state.json.tmp"),
        "{\"version\": 1, \"runn",
    )
    .unwrap();
    assert_eq!(store.read().await.unwrap().len(), 1);
    add(&store, 2).await.unwrap();
    assert_eq!(store.read().await.unwrap().len(), 2);
    assert_eq!(files(folder.path()), ["state.json", "state.json.lock"]);
}

#[tokio::test]
async fn a_damaged_file_is_moved_aside_by_who_writes_and_left_by_who_reads() {
    let folder = folder();
    let path = folder.path().join("state.json");
    let store = Store::at(&path);
    let half = "{\"version\": 1, \"runners\": {\"gharun-";
    for round in 1..=2 {
        fs::write(&path, half).unwrap();
        let error = store.read().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Damaged);
        assert!(error.message().contains("state.json"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), half);
        assert_eq!(store.set_aside().await.unwrap().len(), round - 1);
        add(&store, 1).await.unwrap();
        let [MovedAside { moved_to, .. }] = &store.moved_aside()[..] else {
            panic!("the user must hear of it");
        };
        assert_eq!(fs::read_to_string(moved_to).unwrap(), half);
        assert_eq!(store.moved_aside(), [], "it is told once");
        assert_eq!(store.read().await.unwrap().len(), 1);
    }
    assert_eq!(store.set_aside().await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_told_and_outlives_a_change() {
    let folder = folder();
    let path = folder.path().join("state.json");
    fs::write(&path, r#"{"version": 1, "runners": {"runner-7": {}}}"#).unwrap();
    let store = Store::at(&path);
    add(&store, 1).await.unwrap();
    let contents = store.contents().await.unwrap();
    assert_eq!(contents.entries.len(), 1);
    assert_eq!(contents.unreadable[0].name, "runner-7");
    assert!(fs::read_to_string(&path).unwrap().contains("runner-7"));
}

#[tokio::test]
async fn a_newer_file_is_refused_and_stays_as_it_is() {
    let folder = folder();
    let path = folder.path().join("state.json");
    let newer = r#"{"version": 2, "gharun": "9.1.0", "machines": []}"#;
    fs::write(&path, newer).unwrap();
    let store = Store::at(&path);
    for error in [
        store.read().await.unwrap_err(),
        add(&store, 1).await.unwrap_err(),
    ] {
        assert_eq!(error.kind, ErrorKind::Newer);
        assert!(error.message().contains("gharun 9.1.0"), "{error}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), newer);
    assert_eq!(store.moved_aside(), []);
}

#[tokio::test]
async fn an_empty_file_is_an_empty_state() {
    let folder = folder();
    let path = folder.path().join("state.json");
    File::create(&path).unwrap();
    let store = Store::at(&path);
    add(&store, 1).await.unwrap();
    assert_eq!(store.read().await.unwrap().len(), 1);
    assert_eq!(store.moved_aside(), []);
}

#[tokio::test]
async fn a_link_stays_a_link() {
    let folder = folder();
    fs::create_dir(folder.path().join("real")).unwrap();
    let (target, link) = (
        folder.path().join("real/file"),
        folder.path().join("state.json"),
    );
    symlink("real/file", &link).unwrap();
    add(&Store::at(&link), 1).await.unwrap();
    add(&Store::at(&target), 2).await.unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(Store::at(&link).read().await.unwrap().len(), 2);
    assert_eq!(files(&folder.path().join("real")), ["file", "file.lock"]);
}

#[tokio::test]
async fn what_is_no_file_is_refused_and_not_replaced() {
    let folder = folder();
    let ring = folder.path().join("ring");
    symlink("ring", &ring).unwrap();
    let pipe = folder.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    for path in [Path::new("/dev/null"), folder.path(), &ring, &pipe] {
        let store = Store::at(path);
        for error in [
            store.read().await.unwrap_err(),
            add(&store, 1).await.unwrap_err(),
        ] {
            assert_eq!(error.kind, ErrorKind::NotAFile, "{}", path.display());
        }
    }
    assert_eq!(files(folder.path()), ["pipe", "ring"]);
}

#[tokio::test]
async fn a_lock_that_is_kept_ends_the_waiting_and_is_named() {
    let folder = folder();
    let path = folder.path().join("state.json");
    let store = Store {
        patience: Duration::from_millis(20),
        ..Store::at(&path)
    };
    add(&store, 1).await.unwrap();
    let other = File::open(folder.path().join("state.json.lock")).unwrap();
    other.lock().unwrap();
    let error = add(&store, 2).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Locked);
    assert!(error.message().contains("state.json.lock"), "{error}");
    assert_eq!(store.read().await.unwrap().len(), 1, "readers do not wait");
    other.unlock().unwrap();
    add(&store, 2).await.unwrap();
}

#[tokio::test]
async fn who_gives_up_waiting_leaves_nothing_behind() {
    let folder = folder();
    let store = Store::at(folder.path().join("state.json"));
    add(&store, 1).await.unwrap();
    let other = File::open(folder.path().join("state.json.lock")).unwrap();
    other.lock().unwrap();
    let waited = tokio::time::timeout(Duration::from_millis(20), add(&store, 2)).await;
    assert!(waited.is_err());
    // The thread that waited sees that nobody awaits it and gives the turn to the next, long
    // before its patience ends; the next finds the lock free.
    other.unlock().unwrap();
    add(&store, 3).await.unwrap();
    let names: Vec<Name> = store.read().await.unwrap().into_keys().collect();
    assert_eq!(names, [name(1), name(3)]);
}

#[tokio::test]
async fn a_change_that_panics_spoils_neither_the_file_nor_the_store() {
    let folder = folder();
    let store = Store::at(folder.path().join("state.json"));
    add(&store, 1).await.unwrap();
    let panicking = store.clone();
    let task = tokio::task::LocalSet::new();
    let panicked = task
        .run_until(async {
            tokio::task::spawn_local(
                async move { panicking.update(|_| panic!("on purpose")).await },
            )
            .await
        })
        .await;
    assert!(panicked.unwrap_err().is_panic());
    add(&store, 2).await.unwrap();
    assert_eq!(store.read().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_change_that_changes_nothing_writes_nothing() {
    let folder = folder();
    let path = folder.path().join("state.json");
    let store = Store::at(&path);
    store.update(|_| {}).await.unwrap();
    assert!(!path.exists());
}
