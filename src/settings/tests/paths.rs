//! `~/` in every setting that is a path, wherever it is written; and files that are not there.

use super::*;
use crate::providers::KINDS;
use crate::providers::schema::Shape;

/// A home directory, and everything else of the environment.
fn home(folder: &Path, more: &[(&str, &str)]) -> Env {
    let home = [("HOME", folder.to_str().expect("it is UTF-8"))];
    let pairs = home.iter().chain(more);
    let pairs = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    pairs.collect()
}

/// The settings of the table `p`, or the error about them.
fn table(text: &str, set: &[&str], env: &Env) -> Result<ProviderSettings> {
    let file = SettingsFile::parse(Path::new("p.toml"), text)?;
    let set: Vec<String> = set.iter().map(|text| (*text).to_owned()).collect();
    let tables = Tables::resolve(&set, env, &file)?;
    Ok(tables.settings(&["p".to_owned()])?.remove(0))
}

#[test]
fn the_home_directory_may_be_written_in_every_path_of_every_kind() {
    let folder = tempfile::tempdir().expect("a folder");
    let env = home(folder.path(), &[]);
    std::fs::write(folder.path().join("there"), "").expect("a file");
    let there = folder.path().join("there").display().to_string();
    let mut all = Vec::new();
    for kind in KINDS {
        let schema = kind.schema();
        let shape = Shape::of(&schema);
        for key in shape.keys() {
            let is_path = |form: Shape<'_>| form.is_path();
            let forms = shape.inside(&key).into_iter().flat_map(Shape::forms);
            if !forms.into_iter().any(is_path) {
                continue;
            }
            let head = format!("[providers.p]\nkind = \"{}\"\n", kind.name);
            let with = format!("{head}{key} = \"~/there\"\n");
            let set = format!("{key}=~/there");
            for (text, set) in [(with.as_str(), vec![]), (head.as_str(), vec![set.as_str()])] {
                let settings = table(text, &set, &env).expect("it is there");
                assert_eq!(
                    settings.values[&key],
                    there.as_str(),
                    "{}: {key}",
                    kind.name
                );
            }
            all.push(format!("{}: {key}", kind.name));
        }
    }
    if KINDS.len() == 7 {
        insta::assert_snapshot!(all.join("\n"), @"
        docker: config_dir
        docker: cert_path
        local: work_dir
        local: cache
        nebius: service_account_key
        nebius: config_file
        ssh: identity
        ssh: agent_socket
        ssh: known_hosts
        ssh: ssh_dir
        ");
    }
}

#[test]
#[cfg(all(feature = "docker", feature = "nebius", feature = "ssh"))]
fn a_file_that_a_setting_names_and_that_is_not_there_is_an_error_about_the_setting() {
    let folder = tempfile::tempdir().expect("a folder");
    let env = home(folder.path(), &[("DOCKER_CERT_PATH", "~/no")]);
    let refused = |text: &str, set: &[&str]| {
        let error = table(text, set, &env).expect_err("it is not there");
        error
            .to_string()
            .replace(&folder.path().display().to_string(), "HOME")
    };
    insta::assert_snapshot!(refused("[providers.p]\nkind = \"docker\"\n\ncert_path = \"~/no\"\n", &[]), @"`providers.p.cert_path` (p.toml:4) cannot be used: `HOME/no`: No such file or directory (os error 2)");
    insta::assert_snapshot!(refused("[providers.p]\nkind = \"nebius\"\nservice_account_key = \"/no\"\n", &[]), @"`providers.p.service_account_key` (p.toml:3) cannot be used: `/no`: No such file or directory (os error 2)");
    insta::assert_snapshot!(refused("[providers.p]\nkind = \"ssh\"\nhosts = \"a\"\n", &["identity=~/no"]), @"`providers.p.identity` (--set identity) cannot be used: `HOME/no`: No such file or directory (os error 2)");
    // What is only the usual place, or is made when it is needed, need not be there.
    let docker = table("[providers.p]\nkind = \"docker\"\n", &[], &env).expect("it is fine");
    let no = folder.path().join("no").display().to_string();
    assert_eq!(docker.values["cert_path"], no.as_str());
    let local = "[providers.p]\nkind = \"local\"\nwork_dir = \"~/no\"\n";
    assert_eq!(
        table(local, &[], &env).expect("it is fine").values["work_dir"],
        no.as_str()
    );
}

#[test]
fn the_home_directory_may_be_written_in_paths_that_are_of_no_kind() {
    let world = World::new("start local --state ~/s.json")
        .env("GH_PAT", "")
        .file("[github]\ntoken = { file = \"~/token\" }\n[defaults]\nsetup = \"~/no.sh\"\n");
    assert_eq!(
        world.error(),
        "`defaults.setup` (DIR/p.toml:4) cannot be `/home/me/no.sh`: No such file or directory (os \
         error 2)\nname a readable shell script"
    );
    let (settings, _) = world.settings().expect("they resolve");
    assert_eq!(
        settings.state.as_deref(),
        Some(Path::new("/home/me/s.json"))
    );
    let token = settings.github.token.expect("a token");
    let debug = format!("{:?}", token.value);
    assert!(debug.contains("\"/home/me/token\""), "{debug}");
    assert_eq!(
        token.subject("github.token").rsplit('/').next(),
        Some("p.toml:2)")
    );

    let with = |args: &str, name, value| World::new(args).env(name, value).error();
    assert_eq!(
        with("start local", "GHARUN_SETUP", "~/no.sh"),
        "`$GHARUN_SETUP` cannot be `/home/me/no.sh`: No such file or directory (os error 2)\nname \
         a readable shell script"
    );
    for (args, name, value, said) in [
        (
            "list",
            "GHARUN_CA_BUNDLE",
            "~/no.pem",
            "`$GHARUN_CA_BUNDLE` cannot be `/home/me/no.pem`",
        ),
        (
            "list",
            "GHARUN_CONFIG",
            "~/no.toml",
            "`$GHARUN_CONFIG` cannot be `/home/me/no.toml`",
        ),
        (
            "list --config ~/no.toml",
            "A",
            "b",
            "`--config` cannot be `/home/me/no.toml`",
        ),
    ] {
        let error = World::new(args)
            .env(name, value)
            .settings()
            .expect_err("it is not there");
        assert!(error.to_string().starts_with(said), "{error}");
    }
}

#[test]
fn a_key_in_the_place_of_a_path_is_never_shown() {
    let key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC/KcwggSjAgEAAoIBAQC7";
    for variable in [
        "GHARUN_CONFIG",
        "GHARUN_STATE",
        "GHARUN_CA_BUNDLE",
        "GHARUN_SETUP",
    ] {
        let error = World::new("start local").env(variable, key).error();
        assert!(error.contains(variable), "{error}");
        assert!(!error.contains("MIIE"), "{error}");
    }
    for flag in ["--config", "--state", "--setup"] {
        let error = World::new(&format!("start local {flag} {key}")).error();
        assert!(error.contains(flag), "{error}");
        assert!(!error.contains("MIIE"), "{error}");
    }
    for text in [
        "[github]\nca_bundle = \"KEY\"\n",
        "[github]\ntoken = { file = \"KEY\" }\n",
        "[defaults]\nsetup = \"KEY\"\n",
    ] {
        let error = World::new("start local")
            .file(&text.replace("KEY", key))
            .error();
        assert!(!error.contains("MIIE"), "{error}");
        assert!(error.contains("key"), "{error}");
    }
}
