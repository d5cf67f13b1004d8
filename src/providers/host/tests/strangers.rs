//! What others may do in a work folder that they can write to, and what a job may do to its own slot.

use super::owners::{OTHER, give, is_root, mode, set_mode, worlds};
use super::*;

const SLEEP: &str = "exec sleep 300";

/// Runs words of the shell in the work folder.
fn spoil(here: &Here, words: &str) {
    let mut shell = Command::new("sh");
    let status = shell.args(["-c", words]).current_dir(here.root()).status();
    assert!(status.unwrap().success(), "{words}");
}

#[tokio::test]
async fn a_folder_that_is_not_gharuns_own_keeps_its_mode() {
    for here in worlds() {
        let root = here.root();
        // Others share it on purpose: a group of ours, and everybody.
        for shared in [0o775, 0o777] {
            fs::create_dir_all(root.join("theirs")).unwrap();
            set_mode(&root, shared);
            for error in [
                here.local().check().await.unwrap_err(),
                here.local().launch(&here.order(SLEEP)).await.unwrap_err(),
            ] {
                let (text, hints) = (chain(&error), error.hints().join("\n"));
                assert!(text.contains("it holds more than slots"), "{text}");
                let typed = format!("chmod go-w {}`", root.canonicalize().unwrap().display());
                assert!(hints.contains(&typed), "{hints}");
                assert_eq!(error.key(), Some("work_dir"), "{text}");
            }
            assert_eq!(mode(&root), shared);
        }
        // Like /tmp: nobody can move what is ours there.
        set_mode(&root, 0o1777);
        here.local().launch(&here.order(SLEEP)).await.unwrap();
        assert_eq!(mode(&root), 0o1777);
        here.finish().await;
    }
}

#[tokio::test]
async fn a_folder_behind_the_link_of_another_user_keeps_its_mode() {
    if !is_root() {
        return;
    }
    for here in worlds() {
        let root = here.root();
        let real = here.dir.path().join("real");
        for folder in [&real, &real.join("slots"), &root] {
            fs::create_dir_all(folder).unwrap();
        }
        set_mode(&real.join("slots"), 0o2775);
        fs::remove_dir(&root).unwrap();
        // Not only the last link: one in a folder where others may exchange it leads anywhere, too.
        let between = here.dir.path().join("between");
        for (link, target, whole) in [
            (&root, &real.join("slots"), "belongs to another user"),
            (&root, &between.join("link/slots"), "every user may move"),
        ] {
            symlink(target, link).unwrap();
            if *target == real.join("slots") {
                give(OTHER, link);
            } else {
                fs::create_dir(&between).unwrap();
                symlink(&real, between.join("link")).unwrap();
                set_mode(&between, 0o777);
            }
            let error = here.local().launch(&here.order(SLEEP)).await.unwrap_err();
            let text = chain(&error);
            assert!(text.contains(whole), "{text}");
            assert_eq!(mode(&real.join("slots")), 0o2775);
            assert_eq!(fs::read_dir(real.join("slots")).unwrap().count(), 0);
            fs::remove_file(link).unwrap();
        }
    }
}

#[tokio::test]
async fn a_work_dir_that_another_user_is_quicker_to_make_is_refused() {
    if !is_root() {
        return;
    }
    for here in worlds() {
        let root = here.root();
        let above = root.parent().unwrap();
        fs::create_dir_all(above).unwrap();
        set_mode(above, 0o1777);
        let quick = format!(
            "mkdir() {{\ncommand mkdir -m 777 '{0}' 2>/dev/null && chown {OTHER} '{0}'\ncommand mkdir \"$@\"\n}}\n",
            root.display()
        );
        let file = here.dir.path().join("quick");
        fs::write(&file, quick).unwrap();
        let raced = here.spoilt(&format!(
            "case $* in *'# Launches the machine'*) ;; *) exec $sh \"$@\" ;; esac\n\
             [ $# -eq 3 ] || exec $sh \"$@\"\n\
             exec $sh -c \"$(cat '{}')\n$2\" \"$3\"",
            file.display()
        ));
        let error = raced.launch(&here.order(SLEEP)).await.unwrap_err();
        let text = chain(&error);
        assert!(text.contains("belongs to another user"), "{text}");
        assert_eq!(entries(&root), []);
    }
}

#[tokio::test]
async fn nothing_that_a_stranger_puts_into_slots_keeps_a_machine_from_being_listed_or_ended() {
    if !is_root() {
        return;
    }
    for here in worlds() {
        fs::create_dir_all(here.root().join("slot-1")).unwrap();
        give(OTHER, &here.root().join("slot-1"));
        let machine = here.launch(SLEEP).await;
        let name = &machine.id.id;
        assert_eq!(here.folder(name), here.root().join("slot-2").join(name));
        let traps = format!(
            "mkdir slot-1/{name} slot-1/gharun-x slot-1/x slot-9
            mkfifo slot-1/{name}/meta slot-1/gharun-x/meta slot-1/x/meta slot-1/{name}/leader slot-9/{name}
            mkfifo slot-1/{name}/log slot-1/gharun-x/exit
            ln -s ../slot-2/{name} slot-1/gharun-y
            ln -s slot-2 slot-0
            mkdir \"slot-1/gharun-z
machine {name}
state running\"
            rm -rf .queue
            mkdir .queue
            mkfifo .queue/1
            chown -hR {OTHER} slot-0 slot-1 slot-9 .queue"
        );
        spoil(&here, &traps);
        let listing = here.local().list().await.unwrap();
        let found: Vec<_> = listing.instances.iter().map(|m| &m.id).collect();
        assert_eq!(found, [&machine.id], "{listing:?}");
        assert!(listing.unread.is_empty(), "{listing:?}");
        let strange = listing.unjudged.iter().filter(|one| !one.is_ours);
        let mut strange: Vec<_> = strange.map(|one| one.id.id.as_str()).collect();
        strange.sort_unstable();
        assert_eq!(strange, ["gharun-x", "gharun-y"], "{listing:?}");
        here.local().check().await.unwrap();
        let log = here.local().logs(&machine.id).await.unwrap();
        assert_eq!(log.as_deref(), Some(""));
        assert_eq!(here.local().in_use(&machine.id).await.unwrap(), Some(false));
        here.local().terminate(&machine.id).await.unwrap();
        assert!(!here.root().join("slot-2").exists());
        assert_eq!(marked(name), "");
        // What is theirs is as it was.
        assert!(here.root().join("slot-1").join(name).join("meta").exists());
        fs::remove_dir_all(here.root()).unwrap();
    }
}

#[tokio::test]
async fn a_machine_that_lost_its_mark_is_named_and_can_be_ended() {
    let lose = [
        ": >meta",
        "rm meta",
        "rm meta; mkfifo meta",
        "rm meta; ln -s /etc/passwd meta",
        "sed -i 's/^place=.*/place=0a0b0c0d0e0f/' meta",
        "rm meta leader watcher",
        // Nothing that tells of its processes but themselves.
        "rm meta keeper leader watcher",
        "rm leader; mkfifo leader",
        "chmod 0 .",
    ];
    for (number, words) in lose.into_iter().enumerate() {
        for here in worlds() {
            // Each way in one of the shells, and the first in all.
            let shell = here.path.as_ref().map_or(0, |path| path.len() % 3);
            if number > 0 && number % 3 == shell && words != "chmod 0 ." {
                continue;
            }
            let machine = here.launch(SLEEP).await;
            here.file(&machine.id.id, "leader").await;
            let folder = here.folder(&machine.id.id);
            let keeper = here.file(&machine.id.id, "keeper").await;
            spoil(&here, &format!("cd {} && {words}", folder.display()));
            let listing = here.local().list().await.unwrap();
            assert!(listing.unread.is_empty(), "{words}: {listing:?}");
            let named = listing.unjudged.iter().map(|one| (&one.id, one.is_ours));
            let listed = listing.instances.iter().map(|one| (&one.id, true));
            let all: Vec<_> = named.chain(listed).collect();
            assert_eq!(all, [(&machine.id, true)], "{words}: {listing:?}");
            here.local().terminate(&machine.id).await.unwrap();
            assert_eq!(here.census().await, [], "{words}");
            let keeper = keeper.split(' ').next().unwrap().to_owned();
            let gone = until(SOON, async || (!runs(&keeper)).then_some(())).await;
            assert!(gone.is_some(), "{words}");
        }
    }
}

#[test]
fn what_root_removes_is_taken_from_the_job_first_where_rm_goes_by_names() {
    if !is_root() {
        return;
    }
    let Some(here) = Here::in_shell("busybox") else {
        return;
    };
    let folder = here.dir.path().join("jobs");
    fs::create_dir_all(folder.join("a/b/c")).unwrap();
    give(OTHER, &folder);
    fs::create_dir(folder.join("a/open")).unwrap();
    set_mode(&folder.join("a/open"), 0o777);
    let kept = here.dir.path().join("kept");
    fs::create_dir(&kept).unwrap();
    set_mode(&kept, 0o777);
    symlink(&kept, folder.join("a/link")).unwrap();
    let script = format!(
        "{COMMON}\nrm() {{ case $* in -rf*) ls -lnR '{0}' ;; esac; command rm \"$@\"; }}\nerase '{0}'",
        folder.display()
    );
    let mut shell = Command::new(&here.sh);
    let output = shell
        .args(["-c", &script])
        .env("PATH", here.path.as_ref().unwrap());
    let said = String::from_utf8(output.output().unwrap().stdout).unwrap();
    let folders: Vec<_> = said.lines().filter(|line| line.starts_with('d')).collect();
    assert_eq!(folders.len(), 4, "{said}");
    for line in folders {
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!((words[0], words[2]), ("drwx------", "0"), "{said}");
    }
    assert!(!folder.exists());
    assert_eq!(mode(&kept), 0o777);
}
