//! Programs that lie, lose their answers or break the protocol: no machine is left, or nobody says so.

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

#[tokio::test]
async fn a_refusal_is_believed_where_the_list_agrees() {
    for (code, kind) in [
        (64, ErrorKind::Config),
        (69, ErrorKind::NoCapacity),
        (77, ErrorKind::Denied),
        (78, ErrorKind::Config),
    ] {
        let (error, left) = launch(&format!("launch) echo no >&2; exit {code} ;;")).await;
        assert_eq!((error.kind, left.len()), (kind, 0), "{}", chain(&error));
    }
}

#[tokio::test]
async fn a_refusal_after_the_deed_is_a_lie_that_is_found_out_and_undone() {
    for code in [64, 69, 77, 78] {
        let (error, left) =
            launch(&format!("launch) honest launch >/dev/null; exit {code} ;;")).await;
        assert_ne!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
        assert_eq!(left, [""; 0], "{code}");
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

#[tokio::test]
async fn what_was_made_before_a_failure_is_ended() {
    for failure in [
        "exit 1",
        "kill -9 $$",
        "exec sleep 600",
        "exec yes",
        "exit 75",
    ] {
        let (error, left) =
            launch(&format!("launch) honest launch >/dev/null; {failure} ;;")).await;
        assert_eq!(left, [""; 0], "{failure}");
        assert_ne!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
    }
}

#[tokio::test]
async fn a_failure_after_which_nothing_shows_is_ambiguous() {
    for failure in ["exit 1", "exec sleep 600", "exit 75"] {
        let (error, _) = launch(&format!("launch) cat >/dev/null; {failure} ;;")).await;
        assert_eq!(
            error.kind,
            ErrorKind::Ambiguous,
            "{failure}: {}",
            chain(&error)
        );
    }
}

#[tokio::test]
async fn what_was_made_before_a_failure_and_does_not_end_is_ambiguous() {
    let (error, left) =
        launch("launch) honest launch >/dev/null; exit 1 ;;\nterminate) exit 1 ;;").await;
    assert_eq!(error.kind, ErrorKind::Ambiguous, "{}", chain(&error));
    assert_eq!(left.len(), 1);
}

#[tokio::test]
async fn a_program_that_breaks_the_protocol_is_named_and_what_it_made_is_ended() {
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
            "launch) GHARUN_TAGS=lost honest launch ;;",
            "its list has other tags than `$GHARUN_TAGS`",
        ),
        (
            "launch) honest launch >/dev/null; echo i-1 ;;",
            "printed the ID `i-1`, and its list has `gharun-",
        ),
        (
            "list) [ -e $GHARUN_SET_DIR/hidden ] || honest list; echo end ;;\nlaunch) : >$GHARUN_SET_DIR/hidden; honest launch ;;",
            "its list did not show that within 2s",
        ),
    ] {
        let cases = cases.replace(
            "honest list; echo end",
            "exec sh $GHARUN_SET_DIR/folder.sh list; echo end",
        );
        let (error, left) = launch(&cases).await;
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
async fn what_was_launched_is_handed_on_where_the_list_fails_afterwards() {
    let folder = Folder::new();
    let cases = "list) [ ! -e $GHARUN_SET_DIR/launched ] || exit 1; honest list ;;\nlaunch) : >$GHARUN_SET_DIR/launched; honest launch ;;";
    let provider = liar(&folder, cases).await;
    let machine = provider.launch(&order("t")).await.expect("it was launched");
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
