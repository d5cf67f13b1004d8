//! Where machines are, and whose: what a program does not tell, the environment and the tags do.

use super::*;
use crate::model::Reference;
use crate::providers::MayBe;

/// A provider on a script, with a value of `$BOX_HOST`.
async fn of(script: &str, host: Option<&str>) -> External {
    let table = json!({
        "command": ["sh", "-c", script, "x"],
        "environment": ["BOX_HOST"],
        "settle": "2s",
    });
    let Value::Object(table) = table else {
        unreachable!("it was written as one")
    };
    let mut config = schema::read(&table).unwrap_or_else(|misfit| panic!("{misfit:?}"));
    External::look_around(&mut config, &|name| {
        host.filter(|_| name == "BOX_HOST").map(str::to_owned)
    });
    External::open(config)
        .await
        .expect("it opens")
        .called("box".into())
}

/// A script that lists one machine, says 0 to every end, and tells no place.
fn listing(id: &str, tags: &str) -> String {
    format!(
        "case $1 in list) printf '%s\\trunning\\t%s\\nend\\n' '{id}' '{tags}' ;; terminate) ;; *) exit 64 ;; esac"
    )
}

fn packed() -> String {
    rows::pack(&order("t").tags)
}

#[tokio::test]
async fn a_program_that_tells_no_place_has_one_that_the_environment_tells() {
    let folder = Folder::new();
    let provider = folder.told("no-check").await;
    let machine = provider.launch(&order("t")).await.expect("it is launched");
    let places = provider.places().await.expect("it answers");
    assert_eq!(
        machine.id.location.as_slice(),
        places,
        "its intent says where it is"
    );
    let listing = provider.list().await.expect("it answers");
    let place = machine.id.location.as_deref();
    assert!(listing.find(&machine.id).is_some() && listing.silence(place).is_none());
    provider.terminate(&machine.id).await.expect("it is ended");
    assert_eq!(folder.machines(), [""; 0]);
}

#[tokio::test]
async fn a_machine_is_not_called_gone_where_the_environment_leads_elsewhere() {
    let here = of(&listing("100", &packed()), Some("tcp://a")).await;
    let machine = here.list().await.expect("it answers").instances.remove(0);
    for host in [Some("tcp://b"), None] {
        let elsewhere = of(&listing("200", ""), host).await;
        let end = elsewhere.terminate(&machine.id).await;
        let error = end.expect_err("it is elsewhere");
        assert_eq!(error.kind, ErrorKind::Elsewhere, "{}", chain(&error));
        let listing = elsewhere.list().await.expect("it answers");
        assert!(listing.silence(machine.id.location.as_deref()).is_some());
    }
    let again = of(&listing("100", &packed()), Some("tcp://a")).await;
    again.terminate(&machine.id).await.expect("it is there");
}

#[tokio::test]
async fn what_was_launched_before_a_program_told_its_place_is_found_and_not_called_gone() {
    let before = of(&listing("100", &packed()), None).await;
    let machine = before.list().await.expect("it answers").instances.remove(0);
    let told = |id| {
        format!(
            "[ $1 != check ] || {{ echo place eu; exit; }}; {}",
            listing(id, &packed())
        )
    };
    let provider = of(&told("100"), None).await;
    let id = provider.canonical(&machine.id).await.expect("it is there");
    provider.terminate(&id).await.expect("it is there");
    let provider = of(&told("200"), None).await;
    let error = provider
        .terminate(&machine.id)
        .await
        .expect_err("it may be anywhere");
    assert_eq!(error.kind, ErrorKind::NotFound, "{}", chain(&error));
    let listing = provider.list().await.expect("it answers");
    assert!(listing.silence(machine.id.location.as_deref()).is_some());
}

#[tokio::test]
async fn an_id_with_slashes_is_the_same_after_it_was_written_down() {
    let provider = of(&listing("projects/p/x", &packed()), None).await;
    let machine = provider
        .list()
        .await
        .expect("it answers")
        .instances
        .remove(0);
    let reference = Reference {
        provider: "box".into(),
        id: machine.id,
    };
    let read: Reference = reference.to_string().parse().expect("it is one");
    assert_eq!(read, reference);
    provider.terminate(&read.id).await.expect("it is there");
}

#[tokio::test]
async fn what_is_listed_without_our_tags_is_named_and_is_nobodys_to_end() {
    let order = order("t");
    let hides = |listing: &Listing| {
        let tags = &order.tags;
        listing
            .hides(&order.name, &tags.server, Some(&tags.scope))
            .is_some()
    };
    for tags in ["", "<no value>", "other=1"] {
        let provider = of(&listing("pet", tags), None).await;
        let listing = provider.list().await.expect("it answers");
        let [stranger] = listing.unjudged.as_slice() else {
            panic!("{listing:?}")
        };
        assert!(!stranger.is_ours && !stranger.by_name, "{stranger:?}");
        assert_eq!(
            stranger.error.to_string(),
            "its list has a machine whose tags could not be read"
        );
        assert!(!hides(&listing), "no intent waits for it");
    }
    // What begins as our tags do is ours, and may be anybody's whose machine is looked for.
    let provider = of(&listing("box", "1,name=x"), None).await;
    let listing = provider.list().await.expect("it answers");
    let [damaged] = listing.unjudged.as_slice() else {
        panic!("{listing:?}")
    };
    assert!(damaged.by_name && damaged.may_be == MayBe::Tagged && hides(&listing));
}

#[tokio::test]
async fn a_program_that_did_not_launch_a_machine_is_not_taken_for_one_without_credentials() {
    let script =
        "case $1 in terminate) echo not ours >&2; exit 77 ;; list) echo end ;; *) exit 64 ;; esac";
    let provider = of(script, None).await;
    let id = InstanceId {
        location: provider.places().await.expect("it answers").pop(),
        id: "pet".into(),
    };
    let error = provider.terminate(&id).await.expect_err("it is not ours");
    assert_eq!(error.kind, ErrorKind::Denied);
    let told = chain(&error);
    assert!(
        told.contains("says that gharun did not launch it") && told.contains("not ours"),
        "{told}"
    );
    let hints = error.hints().join("\n");
    assert!(!hints.contains("credentials"), "{hints}");
}
