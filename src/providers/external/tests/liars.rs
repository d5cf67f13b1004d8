//! Programs that lie, lose their answers or break the protocol: each machine is ended, or named as one that may be left.

use super::*;

/// A program that behaves so for some verbs, and else as it should.
async fn liar(folder: &Folder, cases: &str) -> External {
    let honest = folder.path("folder.sh");
    let script = format!(
        "#!/bin/sh\nhonest() {{ sh {} \"$@\"; }}\ncase $1 in\n{cases}\n*) honest \"$@\" ;;\nesac\n",
        honest.display()
    );
    let path = folder.path("liar.sh");
    fs::write(&path, script).expect("a file");
    let table = json!({ "command": ["sh", path], "launch_timeout": "3s" });
    folder.with(json!({}), table).await
}

/// Launches with such a program; the error, and what is left.
async fn launch(cases: &str) -> (Error, Vec<String>) {
    let folder = Folder::new();
    let provider = liar(&folder, cases).await;
    let error = provider.launch(&order("t")).await.expect_err("it fails");
    (error, folder.machines())
}

/// The refusals of a launch that are believed where the list agrees.
const REFUSALS: [(i32, ErrorKind); 5] = [
    (64, ErrorKind::Config),
    (69, ErrorKind::NoCapacity),
    (75, ErrorKind::RateLimited),
    (77, ErrorKind::Denied),
    (78, ErrorKind::Config),
];

#[tokio::test]
async fn a_refusal_is_believed_where_the_list_agrees() {
    for (code, kind) in REFUSALS {
        let (error, left) = launch(&format!("launch) echo no >&2; exit {code} ;;")).await;
        assert_eq!((error.kind, left.len()), (kind, 0), "{}", chain(&error));
    }
}

#[tokio::test]
async fn a_refusal_after_the_deed_is_a_lie_that_is_found_out() {
    for (code, _) in REFUSALS {
        let (error, left) =
            launch(&format!("launch) honest launch >/dev/null; exit {code} ;;")).await;
        assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
        assert_eq!(left.len(), 1, "{code}");
    }
}

#[tokio::test]
async fn a_refusal_is_not_believed_where_the_list_says_nothing() {
    let list = "list) [ -e launched ] && exit 1; honest list ;;\nlaunch) : >launched; exit 69 ;;";
    let list =
        format!("{list}\ncheck) honest check ;;").replace("launched", "$GHARUN_SET_DIR/launched");
    let (error, _) = launch(&list).await;
    assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
}

/// How a launch fails that may have made a machine.
const FAILURES: [&str; 4] = ["exit 1", "kill -9 $$", "exec sleep 600", "exec yes"];

#[tokio::test]
async fn what_was_made_before_a_failure_may_have_a_job_and_is_left_to_whoever_asks_github() {
    for failure in FAILURES {
        let folder = Folder::new();
        let cases = format!("launch) honest launch >/dev/null; {failure} ;;");
        let provider = liar(&folder, &cases).await;
        let order = order("t");
        let error = provider.launch(&order).await.expect_err("it fails");
        assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
        assert_eq!(folder.machines(), [order.name.as_str()], "{failure}");
        // Whoever launches it again finds it.
        let again = provider.launch(&order).await.expect("it is there");
        assert_eq!(folder.machines(), [again.id.id], "{failure}");
    }
}

#[tokio::test]
async fn a_failure_after_which_nothing_shows_is_ambiguous() {
    for failure in FAILURES {
        let (error, _) = launch(&format!("launch) cat >/dev/null; {failure} ;;")).await;
        assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
    }
}

/// What is hidden from the list from a launch on.
const HIDES: &str =
    "list) [ -e $GHARUN_SET_DIR/hidden ] || exec sh $GHARUN_SET_DIR/folder.sh list; echo end ;;";

#[tokio::test]
async fn a_program_that_breaks_the_protocol_is_named_and_what_its_list_names_goes_on() {
    for (cases, told) in [
        (
            "launch) honest launch >/dev/null ;;",
            "must print the machine's ID: one word",
        ),
        (
            "launch) honest launch; echo and more ;;",
            "must print the machine's ID: one word",
        ),
        (
            "launch) honest launch >/dev/null; echo i-1 ;;",
            "printed the ID `i-1`, and its list has `gharun-",
        ),
        (
            "launch) GHARUN_TAGS=$(echo $GHARUN_TAGS | sed s/acme/other/) honest launch ;;",
            "its list has other tags than `$GHARUN_TAGS`",
        ),
        (
            "launch) honest launch; cp m/$GHARUN_NAME m/double ;;",
            "its list has two machines of that name: `double` and `gharun-",
        ),
    ] {
        let cases = cases.replace("m/", "$GHARUN_SET_DIR/m/");
        let (error, left) = launch(&cases).await;
        assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
        assert!(chain(&error).contains(told), "{}", chain(&error));
        let hint = "mend the program: docs/write-a-provider.md says what it must do";
        assert_eq!(error.hints(), [hint], "{told}");
        assert!(!left.is_empty(), "{told}");
    }
}

#[tokio::test]
async fn a_program_whose_list_does_not_name_what_it_made_is_named_and_that_is_ended() {
    let hidden = format!("{HIDES}\nlaunch) : >$GHARUN_SET_DIR/hidden; honest launch ;;");
    for (cases, told) in [
        (
            "launch) GHARUN_TAGS=lost honest launch ;;",
            "its list has other tags than `$GHARUN_TAGS`",
        ),
        (&hidden, "its list did not show that within 2s"),
    ] {
        let (error, left) = launch(cases).await;
        assert_eq!(error.kind, ErrorKind::Config, "{}", chain(&error));
        assert_eq!(error.key(), Some("command"));
        assert!(chain(&error).contains(told), "{}", chain(&error));
        assert_eq!(left, [""; 0], "{told}");
    }
}

#[tokio::test]
async fn what_did_not_read_its_script_is_handed_on_since_it_may_have_been_there() {
    let folder = Folder::new();
    let provider = liar(&folder, "launch) (honest launch) </dev/null ;;").await;
    let order = order("t");
    let machine = provider.launch(&order).await.expect("its id is recorded");
    assert_eq!(machine.id.id, order.name.as_str());
}

#[tokio::test]
async fn what_breaks_the_protocol_and_cannot_be_ended_is_handed_on_with_its_id() {
    let folder = Folder::new();
    let provider = liar(
        &folder,
        "launch) GHARUN_TAGS=lost honest launch ;;\nterminate) exit 1 ;;",
    )
    .await;
    let order = order("t");
    let machine = provider.launch(&order).await.expect("its id is recorded");
    assert_eq!(machine.id.id, order.name.as_str());
}

#[tokio::test]
async fn a_program_that_prints_the_id_of_another_machine_ends_none() {
    // Its list shows the machine of the launch; shows it never; or shows it without its tags.
    let hides = format!(
        "{HIDES}\nlaunch) : >$GHARUN_SET_DIR/hidden; honest launch >/dev/null; echo other ;;"
    );
    for (cases, tags) in [
        ("launch) honest launch >/dev/null; echo other ;;", "whole"),
        ("launch) honest launch >/dev/null; echo other ;;", "lost"),
        (
            "launch) cat >/dev/null; echo other ;;\nterminate) : >$GHARUN_SET_DIR/asked ;;",
            "whole",
        ),
        (&hides, "whole"),
    ] {
        let folder = Folder::new();
        let provider = liar(&folder, cases).await;
        let other = match tags {
            "lost" => tags.to_owned(),
            _ => rows::pack(&order("t").tags),
        };
        fs::write(folder.path("m/other"), other).expect("a file");
        let error = provider.launch(&order("t")).await.expect_err("it is wrong");
        assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
        assert!(folder.machines().contains(&"other".to_owned()), "{cases}");
        assert!(!folder.path("asked").exists(), "{cases}");
    }
}

#[tokio::test]
async fn an_id_that_is_confirmed_by_nothing_is_not_handed_on() {
    let folder = Folder::new();
    // It prints the name, which is no ID, and its list fails from then on.
    let cases = "list) [ ! -e $GHARUN_SET_DIR/launched ] || exit 1; honest list ;;\nlaunch) : >$GHARUN_SET_DIR/launched; honest launch ;;";
    let provider = liar(&folder, cases).await;
    let error = provider.launch(&order("t")).await.expect_err("who knows");
    assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
    assert_eq!(folder.machines().len(), 1);
}

#[tokio::test]
async fn a_machine_that_a_list_hid_and_a_second_launch_finds_is_handed_on_with_its_earlier_tags() {
    let folder = Folder::new();
    let first = order("t");
    let provider = folder.open().await;
    let machine = provider.launch(&first).await.expect("it is launched");
    // The list was wrongly empty before, and the program prints the ID without having read anything.
    let cases = "list) if [ ! -e $GHARUN_SET_DIR/listed ]; then : >$GHARUN_SET_DIR/listed; echo end; else honest list; fi ;;";
    let provider = liar(&folder, cases).await;
    let mut again = first.clone();
    again.tags.created += Duration::from_secs(5);
    let found = provider.launch(&again).await.expect("it is found");
    assert_eq!((&found.id, &found.tags), (&machine.id, &first.tags));
    assert_eq!(folder.machines(), [machine.id.id]);
}

#[tokio::test]
async fn a_machine_of_that_name_by_another_start_is_neither_adopted_nor_ended() {
    let folder = Folder::new();
    let provider = folder.open().await;
    let theirs = order("theirs");
    let machine = provider.launch(&theirs).await.expect("it is launched");
    let mut ours = theirs.clone();
    ours.tags.start = "ours".into();
    let error = provider.launch(&ours).await.expect_err("it is another's");
    assert_eq!(error.kind, ErrorKind::Unexpected, "{}", chain(&error));
    assert_eq!(folder.machines(), [machine.id.id]);
}

#[tokio::test]
async fn nothing_is_launched_where_the_list_cannot_be_read_before() {
    for list in ["exit 1", "echo no machines", "exec sleep 600"] {
        let folder = Folder::new();
        let provider = liar(
            &folder,
            &format!("list) {list} ;;\nlaunch) honest launch ;;"),
        )
        .await;
        let order = order("t");
        let error = provider.launch(&order).await.expect_err("it cannot know");
        assert_eq!(error.kind, ErrorKind::Unavailable, "{}", chain(&error));
        assert_eq!(folder.machines(), [""; 0]);
    }
}
