//! Work folders and slots that other users made, or may change.

use std::process::Child;

use super::*;

const SLEEP: &str = "exec sleep 300";
/// Another user of the host.
pub(super) const OTHER: &str = "4711";

/// Whether this test may play another user.
pub(super) fn is_root() -> bool {
    let root = run("id", &["-u"]).trim() == "0";
    if !root {
        skipped("folders of another user: it takes root");
    }
    root
}

pub(super) fn give(user: &str, path: &Path) {
    run("chown", &["-hR", user, &path.display().to_string()]);
}

pub(super) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

pub(super) fn mode(path: &Path) -> u32 {
    fs::metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o7777
}

/// A world in each shell that is here.
pub(super) fn worlds() -> impl Iterator<Item = Here> {
    ["bash", "busybox", "dash"]
        .into_iter()
        .filter_map(Here::in_shell)
}

/// A process of ours that is none of a machine's, and ends with the test.
struct Victim(Child);

impl Victim {
    fn new() -> Self {
        Self(
            Command::new("sleep")
                .arg("300")
                .spawn()
                .expect("a tool of every system"),
        )
    }

    fn lives(&mut self) -> bool {
        self.0.try_wait().expect("it is ours").is_none()
    }

    /// Its number and what tells it from a later one, as machines note their own.
    fn signed(&self) -> String {
        let pid = self.0.id();
        let said = run("sh", &["-c", &format!("{COMMON}\nstarted {pid}")]);
        format!("{pid} {said}")
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may have been killed, which is what the test is about.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Puts a machine of another user into a slot, which says that it is ours, has ended, and that a process of
/// ours belongs to it.
async fn plant(here: &Here, slot: &str, victim: &Victim) -> InstanceId {
    let name = order("s").name.to_string();
    let folder = here.root().join(slot).join(&name);
    fs::create_dir_all(&folder).unwrap();
    let place = here.place().await;
    let order = here.order(SLEEP);
    let mut tags: Vec<_> = order.tags.pairs();
    for (key, value) in &mut tags {
        match *key {
            "gharun-name" => name.clone_into(value),
            "gharun-expires" => "1".clone_into(value),
            _ => {}
        }
    }
    let lines = tags
        .iter()
        .map(|(key, value)| format!("{key}={}\n", encode(value)));
    let meta = lines.collect::<String>() + &format!("place={place}\nmade=1\n");
    fs::write(folder.join("meta"), meta).unwrap();
    fs::write(folder.join("exit"), "1 with exit code 0\n").unwrap();
    for file in ["watcher", "leader"] {
        fs::write(folder.join(file), victim.signed()).unwrap();
    }
    give(OTHER, &here.root().join(slot));
    InstanceId {
        location: Some(place),
        id: name,
    }
}

#[tokio::test]
async fn a_work_dir_of_another_user_is_refused() {
    if !is_root() {
        return;
    }
    for here in worlds() {
        let root = here.root();
        let above = root.parent().expect("it has one").to_owned();
        for (spoil, whole) in [
            (&root, "belongs to another user"),
            (&above, "belongs to another user"),
            (&above, "every user may move"),
        ] {
            fs::create_dir_all(&root).unwrap();
            match whole {
                "every user may move" => set_mode(spoil, 0o777),
                _ => give(OTHER, spoil),
            }
            let typed = if whole.starts_with("every") {
                format!("`chmod o-w {}`", spoil.display())
            } else {
                format!("`chown -h root {}`", spoil.display())
            };
            for error in [
                here.local().check().await.unwrap_err(),
                here.local().launch(&here.order(SLEEP)).await.unwrap_err(),
            ] {
                let text = chain(&error);
                assert!(text.contains(whole), "{text}");
                assert_eq!(error.key(), Some("work_dir"), "{text}");
                let hints = error.hints().join("\n");
                assert!(hints.contains(&typed), "{hints}");
            }
            assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
            fs::remove_dir_all(&above).unwrap();
        }
        // A folder like /tmp.
        fs::create_dir_all(&root).unwrap();
        set_mode(&above, 0o1777);
        here.local().launch(&here.order(SLEEP)).await.unwrap();
        here.finish().await;
    }
}

#[tokio::test]
async fn a_link_of_another_user_is_no_work_dir() {
    if !is_root() {
        return;
    }
    for here in worlds() {
        let real = here.dir.path().join("real");
        fs::create_dir(&real).unwrap();
        fs::create_dir_all(here.root().parent().unwrap()).unwrap();
        symlink(&real, here.root()).unwrap();
        give(OTHER, &here.root());
        let error = here.local().launch(&here.order(SLEEP)).await.unwrap_err();
        let text = chain(&error);
        assert!(text.contains("belongs to another user"), "{text}");
        assert_eq!(fs::read_dir(&real).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn a_slot_of_another_user_is_left_alone_and_what_it_says_of_processes_too() {
    if !is_root() {
        return;
    }
    for here in worlds() {
        let mut victim = Victim::new();
        fs::create_dir_all(here.root()).unwrap();
        set_mode(&here.root(), 0o1777);
        let planted = plant(&here, "slot-1", &victim).await;
        let one = here.with(|config| config.slots = NonZeroU16::MIN);
        let error = one.launch(&here.order(SLEEP)).await.unwrap_err();
        let text = chain(&error);
        assert_eq!(error.kind, ErrorKind::NoCapacity, "{text}");
        assert!(text.contains("belongs to another user"), "{text}");
        assert!(victim.lives(), "{text}");
        // It may be anything: so it is not proved gone, and not ours to end.
        let listing = here.local().list().await.unwrap();
        assert!(listing.instances.is_empty() && listing.unread.is_empty());
        let found = listing.unjudged.iter().map(|one| (&one.id, one.is_ours));
        assert_eq!(found.collect::<Vec<_>>(), [(&planted, false)]);
        let error = here.local().terminate(&planted).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied, "{}", chain(&error));
        assert!(victim.lives());
        assert!(here.folder(&planted.id).join("meta").exists());
        // The others are free.
        let machine = here.launch(SLEEP).await;
        let slot = here.folder(&machine.id.id);
        assert!(slot.starts_with(here.root().join("slot-2")), "{slot:?}");
        fs::remove_dir_all(here.root().join("slot-1")).unwrap();
        here.finish().await;
    }
}

#[tokio::test]
async fn what_is_ours_and_too_open_is_closed() {
    for here in worlds() {
        let (root, slot) = (here.root(), here.root().join("slot-1"));
        for folder in [".new", ".gone", ".queue", "slot-1"] {
            fs::create_dir_all(root.join(folder)).unwrap();
            set_mode(&root.join(folder), 0o775);
        }
        set_mode(&root, 0o777);
        let warnings = here.local().check().await.unwrap().warnings;
        let said = warnings.iter().filter(|line| line.contains("may write to"));
        assert_eq!(said.count(), 2, "{warnings:?}");
        assert_eq!(mode(&root), 0o777, "a check changes nothing");
        here.launch(SLEEP).await;
        for folder in [&root, &slot, &root.join(".new"), &root.join(".gone")] {
            assert_eq!(mode(folder) & 0o022, 0, "{}", folder.display());
        }
        let warnings = here.local().check().await.unwrap().warnings;
        let said = warnings.iter().any(|line| line.contains("may write to"));
        assert!(!said, "{warnings:?}");
        here.finish().await;
    }
}

#[tokio::test]
async fn a_machine_of_ours_is_listed_and_ended_wherever_it_lies() {
    if !is_root() {
        return;
    }
    for here in worlds() {
        let machine = here.launch(SLEEP).await;
        let slot = here.folder(&machine.id.id);
        let slot = slot.parent().unwrap();
        for folder in [slot, &here.root()] {
            run("chown", &[OTHER, &folder.display().to_string()]);
            set_mode(folder, 0o777);
        }
        assert_eq!(
            here.condition(&machine.id.id).await,
            Some(Condition::Running)
        );
        here.local().terminate(&machine.id).await.unwrap();
        assert_eq!(here.census().await, []);
    }
}

#[test]
fn who_became_root_with_sudo_is_no_other_user() {
    if !is_root() {
        return;
    }
    for here in worlds() {
        let folder = here.dir.path().join("mine");
        fs::create_dir(&folder).unwrap();
        give(OTHER, &folder);
        for (who, expected) in [(OTHER, "ours\n"), ("4712", ""), ("", "")] {
            let script = format!(
                "SUDO_UID={who}\n{COMMON}\nowned '{}' && say ours",
                folder.display()
            );
            let said = run(&here.sh.display().to_string(), &["-c", &script]);
            assert_eq!(said, expected, "{who}");
        }
    }
}

/// What is run before a listing, in its shell.
fn listing_after(here: &Here, words: &str) -> Local {
    let file = here.dir.path().join(random(8));
    fs::write(&file, words).expect("a file");
    here.spoilt(&format!(
        "case $* in *'# Reports every machine'*) ;; *) exec $sh \"$@\" ;; esac\n\
         [ $# -eq 3 ] || exec $sh \"$@\"\n\
         exec $sh -c \"$(cat '{}')\n$2\" \"$3\"",
        file.display()
    ))
}

#[tokio::test]
async fn a_slot_that_goes_while_it_is_looked_at_is_gone_and_not_unread() {
    for (what, again) in [
        ("it is gone", "exit_code=$?"),
        ("it is taken anew", "mkdir \"$1\""),
    ] {
        for here in worlds() {
            let machine = here.launch(SLEEP).await;
            let slot = here.root().join("slot-7");
            fs::create_dir(&slot).unwrap();
            let mark = here.dir.path().join("looked");
            let local = listing_after(
                &here,
                &format!(
                    "ls() {{ case $1 in *slot-7) ;; *) command ls \"$@\"; return ;; esac\n\
                     mkdir '{}' 2>/dev/null || {{ command ls \"$@\"; return; }}\n\
                     rmdir \"$1\"\ncommand ls \"$@\"\n{again}\nreturn 1\n}}\n",
                    mark.display()
                ),
            );
            let listing = local.list().await.unwrap();
            assert!(mark.exists(), "{what}: it was not looked at");
            let unread: Vec<_> = listing.unread.iter().map(|one| chain(&one.error)).collect();
            assert_eq!(unread, [""; 0], "{what}");
            assert_eq!(listing.instances.len(), 1, "{what}");
            here.local().terminate(&machine.id).await.unwrap();
        }
    }
}

#[tokio::test]
async fn two_stops_at_once_leave_every_listing_readable() {
    let here = Here::new("sh");
    let mut machines = Vec::new();
    for _ in 0..6 {
        machines.push(here.launch(SLEEP).await);
    }
    let local = here.local();
    let ends = machines.iter().chain(&machines).map(async |machine| {
        local.terminate(&machine.id).await.expect("it can be ended");
    });
    let ends = futures_util::future::join_all(ends);
    let lists = async {
        let mut unread = Vec::new();
        for _ in 0..30 {
            let listing = local.list().await.expect("it can be read");
            unread.extend(listing.unread.iter().map(|one| chain(&one.error)));
        }
        unread
    };
    let (_, unread) = tokio::join!(ends, lists);
    assert_eq!(unread, [""; 0]);
    assert_eq!(here.census().await, []);
}
