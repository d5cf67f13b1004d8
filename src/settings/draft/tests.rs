//! What is written passes for a file of settings, says what each line is, and changes nothing that was there.

use super::text::inline;
use super::*;
use crate::model::Scope;

fn draft(existing: Option<&str>) -> (tempfile::TempDir, Draft) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("providers.toml");
    if let Some(text) = existing {
        std::fs::write(&path, text).expect("a file");
    }
    let env = [("HOME".to_owned(), folder.path().display().to_string())];
    let global = crate::cli::Global::default();
    let settings = Settings::resolve(&global, &[], env.into_iter().collect());
    let draft = settings
        .expect("it resolves")
        .draft(&path)
        .expect("it can be used");
    (folder, draft)
}

fn add(draft: &mut Draft, argument: &str) -> Result<()> {
    let (name, kind) = named_kind(argument)?;
    draft.add(&name, kind)
}

#[test]
fn a_new_file_says_what_each_line_is() {
    let (_folder, mut draft) = draft(None);
    draft.set_scope(&Draft::repo("octo/app").expect("one"));
    add(&mut draft, "box=local").expect("it is added");
    draft.take_sets(&["slots=2".to_owned()]).expect("it fits");
    draft.usable().expect("it can be used");
    insta::assert_snapshot!(draft.text(), @r#"
    # Settings of gharun, as `gharun providers init` wrote them. No secret is in this file: it says where each is kept.
    # Every setting: `gharun providers show KIND`, `man providers.toml`.

    [github]
    # What runners register with; `--repo`, `--org` and `--enterprise` win over it.
    repo = "octo/app"
    # Where the token is kept; $GHARUN_GITHUB_TOKEN and $GH_PAT win over it.
    token = { env = "GH_PAT" }

    [defaults]
    # Providers in order of preference, for `gharun start` without a name.
    providers = ["box"]

    # Slots on this machine. Every setting: gharun providers show local
    [providers.box]
    kind = "local"
    # How many runners may be on this machine at a time
    slots = 2
    "#);
}

#[test]
fn what_is_there_stays_as_it_is() {
    let before =
        "# mine\n[github]  # ours\nrepo = \"a/b\"\n\n[providers.local] # here\nslots = 3\n\n\n";
    let (_folder, mut draft) = draft(Some(before));
    assert!(draft.has_scope() && draft.adds());
    assert!(add(&mut draft, "local").is_err(), "it is there already");
    add(&mut draft, "box=local").expect("it is added");
    draft.usable().expect("it can be used");
    let text = draft.text();
    assert!(text.starts_with(before.trim_end()), "{text}");
    assert_eq!(text.matches("[github]").count(), 1);
    assert!(
        text.contains("\n[providers.box]\nkind = \"local\"\n"),
        "{text}"
    );
    draft.write().expect("it is written");
    assert_eq!(std::fs::read_to_string(&draft.path).expect("a file"), text);
}

#[test]
fn a_file_that_cannot_be_added_to_is_told_before_anything_is_written() {
    let before = "providers = { local = { slots = 1 } }\n";
    let (_folder, mut draft) = draft(Some(before));
    add(&mut draft, "box=local").expect("it is added");
    let error = draft
        .usable()
        .expect_err("an inline table takes no more tables");
    assert!(
        error.hints().iter().any(|hint| hint.contains("--file")),
        "{error:?}"
    );
}

#[test]
fn answers_are_refused_as_the_file_would_refuse_them() {
    for text in ["octo", "", "octo/", "a/b/c", "octo app"] {
        let why = Draft::misspelt_repo(text);
        assert_eq!(
            why.as_deref(),
            Some("must be `OWNER/NAME`, such as `octo/app`"),
            "{text}"
        );
    }
    assert_eq!(Draft::misspelt_repo("octo/app"), None);
    let (_folder, mut draft) = draft(None);
    for name in ["my rack", "", "rack.1", "r\u{e4}ck"] {
        assert!(draft.misspelt_name(name).is_some(), "{name}");
    }
    add(&mut draft, "rack=local").expect("it is added");
    assert!(draft.misspelt_name("rack").is_some());
    let table = &draft.tables()[0];
    assert_eq!(table.misfit("slots", &json!(2)), None);
    for (key, value) in [
        ("slots", json!(0)),
        ("slots", json!("two")),
        ("grace", json!("soon")),
        ("nope", json!(1)),
    ] {
        assert!(table.misfit(key, &value).is_some(), "{key} = {value}");
    }
}

#[test]
fn a_new_file_is_put_where_nothing_is() {
    let (folder, draft) = draft(None);
    std::os::unix::fs::symlink("nowhere", folder.path().join("link")).expect("a link");
    std::fs::write(folder.path().join("there.toml"), "").expect("a file");
    for (text, why) in [
        ("", "write a path"),
        ("~", "it must be a file, and is a folder"),
        ("~/", "it must be a file, and is a folder"),
        ("~/there.toml", "it is there already"),
        ("~/link", "it is there already"),
        ("rpa_ABCDEFGHIJKLMNOP", crate::model::NO_PATH),
    ] {
        assert_eq!(draft.misplaced(text).as_deref(), Some(why), "{text}");
    }
    let why = draft.misplaced("~/no/new.toml").expect("no folder");
    let missing = folder.path().join("no").display().to_string();
    assert_eq!(why, format!("the folder `{missing}` does not exist"));
    assert_eq!(draft.misplaced("~/new.toml"), None);
    let other = draft.elsewhere("~/new.toml");
    assert_eq!(other.path, folder.path().join("new.toml"));
}

#[test]
fn only_what_nobody_else_can_have_written_is_trusted() {
    let (folder, new) = draft(None);
    assert_eq!(new.standing(), Standing::Ours);
    let home = folder.path().display().to_string();
    let settings = |more: &[(&str, &str)]| {
        let env = [("HOME", home.as_str())].into_iter();
        let env = env.chain(more.iter().copied());
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Settings::resolve(&crate::cli::Global::default(), &[], env.collect()).expect("it resolves")
    };
    let standing = |settings: &Settings, path: &Path| {
        let draft = settings.draft(path).expect("it can be used");
        draft.standing()
    };
    let text = "[providers.local]\nslots = 3\n";
    let path = folder.path().join("of-a-stranger.toml");
    std::fs::write(&path, text).expect("a file");
    let plain = settings(&[]);
    assert_eq!(standing(&plain, &path), Standing::Doubted);
    let elsewhere = plain.draft(&path).expect("it can be used");
    let elsewhere = elsewhere.elsewhere("~/new.toml");
    assert_eq!(elsewhere.standing(), Standing::Ours);
    let named = settings(&[("GHARUN_CONFIG", &path.display().to_string())]);
    assert_eq!(standing(&named, &path), Standing::NeedsNone);
    let step = settings(&[("GITHUB_ACTIONS", "true")]);
    assert_eq!(standing(&step, &path), Standing::NeedsNone);
    // Trusted is a content, and no place.
    plain.trust_written(&path, text).expect("it is remembered");
    assert_eq!(standing(&plain, &path), Standing::Ours);
    std::fs::write(&path, format!("{text}grace = \"1m\"\n")).expect("a file");
    assert_eq!(standing(&plain, &path), Standing::Doubted);
    let own = folder.path().join(".config/gharun/providers.toml");
    std::fs::create_dir_all(own.parent().expect("a folder")).expect("a folder");
    std::fs::write(&own, "[providers.local]\nslots = 4\n").expect("a file");
    assert_eq!(standing(&plain, &own), Standing::NeedsNone);
}

#[test]
fn every_value_is_written_as_toml_reads_it() {
    for value in [
        json!("plain"),
        json!("a\"b\\c\n\u{7f}\u{1}ü"),
        json!(["a", "b"]),
        json!({ "env": "X", "a b": [1, 2.5, true] }),
        json!(4.0),
    ] {
        let text = format!("x = {}\n", inline(&value));
        let read: toml::Table = text
            .parse()
            .unwrap_or_else(|error| panic!("{error}: {text}"));
        let read = serde_json::to_value(&read["x"]).expect("it is JSON");
        assert_eq!(read, value, "{text}");
    }
}

#[cfg(feature = "runpod")]
#[test]
fn a_secret_is_never_written() {
    let (_folder, mut draft) = draft(None);
    add(&mut draft, "runpod").expect("it is added");
    let error = draft
        .take_sets(&["api_key=rpa_SECRET".to_owned()])
        .expect_err("a secret");
    assert!(!format!("{error:?}").contains("rpa_SECRET"));
    let table = &draft.tables()[0];
    assert!(table.misfit("api_key", &json!("rpa_SECRET")).is_some());
    let pasted = "rpa_ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (name, found) in [(pasted, "the secret itself"), ("MY KEY", "another value")] {
        let why = table.misfit("api_key", &json!({ "env": name }));
        let told = format!("must be the name of a variable, such as `GH_PAT`, not {found}");
        assert_eq!(why.as_deref(), Some(told.as_str()));
    }
    assert_eq!(table.misfit("api_key", &json!({ "env": "MY_KEY" })), None);
    draft.set("runpod", "gpu", json!("L40S"));
    assert!(draft.usable().is_err(), "it needs a key");
    draft.set("runpod", "api_key", json!({ "env": "MY_KEY" }));
    draft.usable().expect("it can be used");
    assert!(matches!(draft.scope, None | Some(Scope::Repo { .. })));
}
