//! What is known of a host before anything is launched there.

use super::disk::SmallDisk;
use super::*;
use crate::model::{BootCause, RunAs};

#[tokio::test]
async fn a_host_that_is_well_is_no_trouble_and_nothing_is_made_there() {
    let here = Here::new("sh");
    here.local().preflight().await.expect("it is well");
    assert!(!here.root().exists());
}

#[tokio::test]
async fn a_disk_that_is_full_is_known_first() {
    let here = Here::new("sh");
    let Some(disk) = SmallDisk::at(here.root()) else {
        return;
    };
    disk.fill();
    let error = here.local().preflight().await.expect_err("nothing fits");
    assert_eq!(error.kind, ErrorKind::NoCapacity, "{}", chain(&error));
    assert!(chain(&error).contains("No space left"), "{}", chain(&error));
    assert!(error.hints().join("\n").contains("work_dir"));
}

#[tokio::test]
async fn a_disk_on_which_nothing_can_be_run_is_known_first() {
    let here = Here::new("sh");
    let folder = here.dir.path().join("a disk");
    fs::create_dir_all(&folder).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "noexec,size=64m", "tmpfs"])
        .arg(&folder)
        .output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        skipped("a disk that is mounted noexec: only root may mount one");
        return;
    }
    let local = here.with(|config| config.work_dir = Some(folder.join("slots").into()));
    let answer = local.preflight().await;
    run("umount", &["-l", &folder.display().to_string()]);
    let error = answer.expect_err("no runner can be run");
    assert_eq!(
        (error.kind, error.key()),
        (ErrorKind::Config, Some("work_dir"))
    );
    assert!(chain(&error).contains("`noexec`"), "{}", chain(&error));
    assert!(!error.hints().is_empty());
}

#[tokio::test]
async fn jobs_run_as_whom_the_settings_say_where_that_can_be() {
    let me = run("id", &["-un"]).trim().to_owned();
    let is_root = run("id", &["-u"]).trim() == "0";
    let other = RunAs::Named("gharun-somebody".into());
    for (run_as, is_fine) in [(RunAs::Named(me), true), (other, is_root)] {
        let here = Here::new("sh");
        let local = here.with(|config| config.run_as = Some(run_as.clone()));
        assert_eq!(local.job_user().run_as, run_as);
        assert!(!local.job_user().is_privileged);
        let answer = local.preflight().await;
        assert_eq!(answer.is_ok(), is_fine, "{run_as}");
        let launch = local.launch(&here.order("exec sleep 300")).await;
        assert_eq!(launch.is_ok(), is_fine, "{run_as}");
        here.finish().await;
    }
}

#[tokio::test]
async fn somebody_who_is_not_root_becomes_nobody_else() {
    let mut here = Here::new("sh");
    let bin = here.dir.path().join("bin");
    fs::create_dir(&bin).expect("a fresh folder");
    write_program(
        &bin.join("id"),
        "case $1 in -u) echo 1000 ;; -un) echo octo ;; *) exec /usr/bin/id \"$@\" ;; esac\n",
    );
    here.path = Some(format!("{}:/usr/bin:/bin", bin.display()));
    let local = here.with(|config| config.run_as = Some(RunAs::Root));
    let place = local.host.place().await;
    place.expect("this is a host");
    let error = local.launch(&here.order("exec sleep 300")).await;
    let error = error.expect_err("only root becomes another");
    assert_eq!(
        (error.kind, error.key()),
        (ErrorKind::Config, Some("run_as"))
    );
    assert!(error.to_string().contains("`octo`"), "{error}");
    assert!(!here.root().exists());
}

#[tokio::test]
async fn a_remedy_names_the_folder_and_its_setting() {
    let here = Here::new("sh");
    let local = here.local();
    for (cause, part) in [
        (BootCause::DiskFull, "`df -h "),
        (BootCause::NotExecutable, "`findmnt -T "),
        (BootCause::OutOfMemory, "`slots` lower"),
    ] {
        let told = local.remedy(cause).expect("a remedy");
        assert!(
            told.contains(part) && told.contains("on this machine"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn what_a_shell_says_instead_of_running_a_script_is_told_and_an_odd_line_before_it_does_no_harm()
 {
    let here = Here::new("sh");
    let local = here.spoilt("echo; echo 'This account is currently not available.'; exit 1");
    let error = local.check().await.expect_err("no script runs there");
    let said = chain(&error);
    assert!(
        said.contains("`This account is currently not available.`"),
        "{said}"
    );
    // As a start-up file prints that sets a terminal's title.
    let local = here.spoilt("printf '\\033]0;pi4\\007'; exec $sh \"$@\"");
    local.check().await.expect("the script ran all the same");
}
