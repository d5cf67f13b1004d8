//! `gharun providers init`, at a terminal and without one: what it writes passes `providers check`.

use crate::pty::{Seen, Terminal};
use crate::world::{Said, TOKEN, World};

const ENTER: &str = "\r";
const ESC: &str = "\u{1b}";
const CTRL_C: &str = "\u{3}";

/// A laptop on which nothing is set but the token.
pub(crate) fn laptop() -> World {
    World::new().env("GHARUN_REPO", "")
}

/// What was written.
pub(crate) fn file(world: &World) -> Option<String> {
    std::fs::read_to_string(world.path("providers.toml")).ok()
}

/// Answers which repository, where the first answer is refused, and reads on.
fn names_repo(world: &World, terminal: &mut Terminal) {
    terminal.reads("Which repository do runners register with (OWNER/NAME)?");
    terminal
        .types("octo\r")
        .reads("must be `OWNER/NAME`, such as `octo/app`");
    terminal
        .reads("Which repository")
        .types(world.repo())
        .types(ENTER);
}

/// Lets it write, and checks what was written for a provider.
#[track_caller]
fn is_written_and_works(world: &World, mut terminal: Terminal, name: &str) -> Seen {
    terminal.choose("no secrets)?", "yes");
    let seen = terminal.ends();
    assert_eq!(seen.code, 0, "{seen:?}");
    let text = file(world).expect("a file");
    assert!(!text.contains(TOKEN), "{text}");
    assert!(
        text.contains(&format!("repo = \"{}\"\n", world.repo())),
        "{text}"
    );
    let said = world.run(&format!("providers check {name}"));
    assert_eq!(said.code, Some(0), "{}{}\n{text}", said.stdout, said.stderr);
    seen
}

#[test]
fn a_slot_on_this_computer() {
    let world = laptop();
    let mut terminal = Terminal::run(&world.command("providers init"));
    terminal.reads("Looking around").reads("✓ local");
    names_repo(&world, &mut terminal);
    terminal.choose("Which provider first?", "local:");
    terminal.choose("And where that has no capacity?", "nothing else");
    terminal.reads("✓ local");
    terminal.choose("no secrets)?", "show it");
    let seen = is_written_and_works(&world, terminal, "local");
    assert!(seen.text.contains("[providers.local]"), "{seen:?}");
    assert!(
        seen.text.contains("gharun start local --rehearse"),
        "{seen:?}"
    );
    // It is taken as the user's own: a start in this folder needs no name for it.
    let command = &mut world.command("providers");
    let listed = command
        .env_remove("GHARUN_CONFIG")
        .output()
        .expect("it runs");
    assert!(
        !String::from_utf8_lossy(&listed.stderr).contains("trust"),
        "{listed:?}"
    );
}

#[cfg(feature = "docker")]
#[test]
fn a_daemon_that_answers_is_not_asked_about() {
    if !crate::docker::ready() {
        return;
    }
    let world = laptop();
    let image = crate::docker::IMAGE;
    let args = format!(
        "providers init docker --set image={image} --repo {}",
        world.repo()
    );
    let mut terminal = Terminal::run(&world.command(&args));
    terminal.reads("✓ docker").reads("✓ docker");
    let seen = is_written_and_works(&world, terminal, "docker");
    assert!(!seen.text.contains("which context"), "{seen:?}");
}

#[cfg(feature = "ssh")]
#[test]
fn the_one_host_of_the_configuration_is_taken() {
    if let Err(why) = gharun_worlds::sshd::program() {
        return gharun_worlds::skipped(&format!("init with a host: {why}"));
    }
    let rack = gharun_worlds::sshd::Rack::of(1, "");
    let world = laptop();
    let spec = &rack.specs()[0];
    let (user, rest) = spec.split_once('@').expect("a user");
    let (host, port) = rest.rsplit_once(':').expect("a port");
    std::fs::create_dir(world.path("home/.ssh")).expect("a folder");
    let config = format!(
        "Host *\n  IdentityFile {}\n  UserKnownHostsFile {}\nHost gpu\n  HostName {host}\n  Port {port}\n  User {user}\n",
        rack.identity().display(),
        rack.known_hosts().display(),
    );
    std::fs::write(world.path("home/.ssh/config"), config).expect("a file");
    let mut terminal = Terminal::run(&world.command("providers init rack=ssh"));
    terminal.reads("✓ ssh").reads("gpu");
    names_repo(&world, &mut terminal);
    terminal.reads("✓ rack");
    is_written_and_works(&world, terminal, "rack");
    let text = file(&world).expect("a file");
    assert!(
        text.contains("[providers.rack]\nkind = \"ssh\"\n"),
        "{text}"
    );
    assert!(text.contains("hosts = [\"gpu\"]\n"), "{text}");
}

#[cfg(feature = "runpod")]
#[test]
fn a_key_of_runpod_is_named_and_not_written() {
    let standin = gharun_worlds::runpod::Standin::running(1);
    let world = laptop()
        .env("RUNPOD_API_KEY", &standin.key)
        .env("RUNPOD_REST_V2_API_URL", &format!("{}/v2", standin.url));
    let mut terminal = Terminal::run(&world.command("providers init runpod"));
    terminal.reads("✓ runpod");
    names_repo(&world, &mut terminal);
    terminal.choose("which GPU?", "NVIDIA A40, 48 GB, $0.40/h");
    // What it costs and that it works is said once it is chosen, too.
    terminal.reads("✓ runpod").reads("$0.40/h");
    is_written_and_works(&world, terminal, "runpod");
    let text = file(&world).expect("a file");
    assert!(
        text.contains("api_key = { env = \"RUNPOD_API_KEY\" }\n"),
        "{text}"
    );
    assert!(!text.contains(&standin.key), "{text}");
}

#[cfg(feature = "nebius")]
#[test]
fn a_project_of_nebius_is_asked_for() {
    use gharun_worlds::nebius::{PROJECT, Standin};
    let standin = Standin::start();
    let world = laptop().env("NEBIUS_IAM_TOKEN", &standin.token());
    let url = &standin.url;
    let args = format!("providers init nebius --set endpoint={url} --set auth_endpoint={url}");
    let mut terminal = Terminal::run(&world.command(&args));
    terminal.reads("✓ nebius");
    names_repo(&world, &mut terminal);
    terminal
        .reads("which project")
        .types(ENTER)
        .reads("an answer is needed");
    terminal.reads("which project").types(PROJECT).types(ENTER);
    terminal.choose("which machine?", "NVIDIA L40S (gpu-l40s-a), ");
    terminal.reads("✓ nebius").reads("/h");
    is_written_and_works(&world, terminal, "nebius");
    let text = file(&world).expect("a file");
    assert!(
        text.contains("iam_token = { env = \"NEBIUS_IAM_TOKEN\" }\n"),
        "{text}"
    );
    assert!(!text.contains(&standin.token()), "{text}");
}

#[cfg(feature = "aws")]
#[test]
fn a_region_of_aws_that_is_found_is_written() {
    let Some(server) = crate::aws::moto() else {
        return;
    };
    let proxy = gharun_worlds::moto::Proxy::start(&server, std::time::Duration::ZERO, |_| {
        gharun_worlds::moto::Deed::Forward
    });
    let world = laptop()
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing")
        .env("AWS_REGION", crate::aws::REGION)
        .env("AWS_ENDPOINT_URL", &proxy.url);
    let mut terminal = Terminal::run(&world.command("providers init aws"));
    terminal.reads("✓ aws");
    names_repo(&world, &mut terminal);
    terminal.choose("which instance type?", "other");
    terminal.reads("which instance type?").types("t3.large\r");
    terminal.choose("which AWS may take away?", "no");
    terminal.reads("✓ aws").reads("us-east-1");
    is_written_and_works(&world, terminal, "aws");
    let text = file(&world).expect("a file");
    for line in [
        "region = \"us-east-1\"\n",
        "instance_types = [\"t3.large\"]\n",
        "market = \"on-demand\"\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[cfg(feature = "runpod")]
#[test]
fn an_answer_that_does_not_work_is_told_at_once() {
    let standin = gharun_worlds::runpod::Standin::running(1);
    let world = laptop()
        .env("WRONG_KEY", "rpa_wrongKeyOfNobodyAtAll")
        .env("RUNPOD_REST_V2_API_URL", &format!("{}/v2", standin.url));
    let args = format!("providers init runpod --repo {}", world.repo());
    let mut terminal = Terminal::run(&world.command(&args));
    terminal
        .reads("which variable holds the API key?")
        .types("rpa_ABCDEFGHIJKLMNOPQRSTUVWXYZ\r")
        .reads("must be the name of a variable, such as `GH_PAT`, not the secret itself");
    terminal
        .reads("which variable holds the API key?")
        .types("WRONG_KEY\r");
    terminal.choose("which GPU?", "A40");
    terminal.reads("✗ runpod");
    terminal.choose("no secrets)?", "no");
    let seen = terminal.ends();
    assert_eq!(seen.code, 2, "{seen:?}");
    assert!(!seen.text.contains("rpa_wrongKey"), "{seen:?}");
    assert_eq!(file(&world), None);
}

#[test]
fn whoever_leaves_finds_no_file_and_the_terminal_as_it_was() {
    for key in [CTRL_C, ESC] {
        for (args, question) in [
            (
                "providers init",
                "Which repository do runners register with (OWNER/NAME)? ",
            ),
            ("providers init --repo octo/app", "Which provider first?"),
            ("providers init local --repo octo/app", "no secrets)?"),
        ] {
            let world = laptop();
            let mut terminal = Terminal::run(&world.command(args));
            terminal.reads(question).settles().types(key);
            let seen = terminal.ends();
            assert_eq!(seen.code, 130, "{seen:?}");
            assert_eq!(file(&world), None);
        }
    }
}

#[test]
fn tables_are_added_to_a_file_that_is_there() {
    let world = laptop();
    let before = "# mine\n[providers.local] # this one\nslots = 1\n";
    std::fs::write(world.path("providers.toml"), before).expect("a file");
    let mut terminal = Terminal::run(&world.command("providers init"));
    names_repo(&world, &mut terminal);
    terminal.choose("Which provider first?", "local:");
    terminal
        .reads("what is this one called?")
        .types("my rack\r");
    terminal
        .reads("1 to 40 letters")
        .reads("what is this one called?")
        .types("box\r");
    terminal.choose("And where that has no capacity?", "nothing else");
    terminal
        .reads("✓ box")
        .reads("keeps all its lines")
        .reads("+ [providers.box]");
    is_written_and_works(&world, terminal, "box");
    let text = file(&world).expect("a file");
    assert!(text.starts_with(before), "{text}");
}

/// Runs a command in a folder, which has to find the file there.
fn found_in(world: &World, folder: &str, args: &str) -> Said {
    let mut command = world.command(args);
    let command = command
        .env_remove("GHARUN_CONFIG")
        .current_dir(world.path(folder));
    Said::of(command.output().expect("it runs"), world)
}

#[test]
fn a_file_of_somebody_else_gets_tables_and_no_trust() {
    let world = laptop();
    std::fs::create_dir(world.path("theirs")).expect("a folder");
    let work_dir = world.path("jobs").display().to_string();
    let before = format!("[providers.theirs]\nkind = \"local\"\nwork_dir = \"{work_dir}\"\n");
    std::fs::write(world.path("theirs/providers.toml"), &before).expect("a file");
    // Once by its path, from a folder whose own file is trusted; once where it is found.
    world
        .run("providers init local --repo octo/app --yes")
        .exits(0);
    for (folder, args, path) in [
        (
            ".",
            "box=local --file theirs/providers.toml",
            "theirs/providers.toml",
        ),
        ("theirs", "crate=local", "providers.toml"),
    ] {
        let args = format!("providers init {args} --repo octo/app --yes");
        let said = found_in(&world, folder, &args).exits(0);
        let hint = format!("if all of it is yours, type `gharun providers trust {path}`");
        assert!(said.stderr.contains(&hint), "{}", said.stderr);
        let said = found_in(&world, "theirs", "start theirs --dry-run").exits(2);
        assert!(said.stderr.contains("need trust"), "{}", said.stderr);
    }
    let text = std::fs::read_to_string(world.path("theirs/providers.toml")).expect("a file");
    assert!(text.starts_with(&before), "{text}");
    for table in ["[providers.box]", "[providers.crate]"] {
        assert!(text.contains(table), "{text}");
    }
    // What was trusted stays so.
    let said = found_in(&world, ".", "providers init box=local --yes").exits(0);
    assert!(!said.stderr.contains("trust"), "{}", said.stderr);
    found_in(&world, ".", "start box --repo octo/app --dry-run").exits(0);
}

#[test]
fn a_link_decides_not_where_a_file_comes_to_be() {
    let world = laptop();
    std::fs::write(world.path("home/empty"), "").expect("a file");
    for (target, why) in [
        ("home/new", "which does not exist"),
        ("home/empty", "which is empty"),
    ] {
        let link = world.path("providers.toml");
        std::os::unix::fs::symlink(target, &link).expect("a link");
        let args = "providers init local --repo octo/app --yes";
        let said = found_in(&world, ".", args).exits(2);
        assert!(said.stderr.contains(why), "{}", said.stderr);
        assert!(said.stderr.contains("`--file FILE`"), "{}", said.stderr);
        assert!(!world.path("home/new").exists());
        let empty = std::fs::read_to_string(world.path("home/empty"));
        assert_eq!(empty.expect("a file"), "");
        std::fs::remove_file(link).expect("it is there");
    }
}

#[test]
fn a_key_is_no_name_of_a_file() {
    let world = laptop();
    let key = "rpa_ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let said = world
        .run(&format!("providers init local --yes --file {key}"))
        .exits(2);
    assert!(said.stderr.contains("`--file` cannot be used"), "{said:?}");
    world.keeps(&[key], &[&said]);
    assert!(!world.path(key).exists());
}

#[test]
fn a_file_elsewhere_gets_a_scope_of_its_own() {
    let world = laptop();
    let before = "[github]\nrunner_group = 1\n";
    std::fs::write(world.path("providers.toml"), before).expect("a file");
    let mut terminal = Terminal::run(&world.command("providers init local"));
    terminal.choose("no secrets)?", "elsewhere");
    terminal
        .reads("Which file?")
        .types("~/no/mine.toml\r")
        .reads("does not exist");
    terminal.reads("Which file?").types("~/mine.toml\r");
    names_repo(&world, &mut terminal);
    terminal.choose("no secrets)?", "yes");
    let seen = terminal.ends();
    assert_eq!(seen.code, 0, "{seen:?}");
    assert_eq!(file(&world).as_deref(), Some(before));
    let text = std::fs::read_to_string(world.path("home/mine.toml")).expect("a file");
    let repo = format!(
        "[github]\n# What runners register with; `--repo`, `--org` and `--enterprise` win over it.\nrepo = \"{}\"\n",
        world.repo()
    );
    assert!(text.contains(&repo), "{text}");
}

#[test]
fn flags_answer_where_there_is_no_terminal() {
    let world = laptop();
    let said = world
        .run("providers init local --repo octo/app --set slots=2 --print")
        .exits(0);
    assert_eq!(file(&world), None);
    for part in [
        "repo = \"octo/app\"\n",
        "providers = [\"local\"]\n",
        "slots = 2\n",
    ] {
        assert!(said.stdout.contains(part), "{}", said.stdout);
    }
    let printed = said.stdout;
    world
        .run("providers init local --repo octo/app --set slots=2 --yes")
        .exits(0);
    assert_eq!(file(&world).as_deref(), Some(printed.as_str()));
    world.run("providers check local").exits(0);
    // What is there already is refused, and so is what cannot be meant; the file stays.
    for (args, told) in [
        ("init local --yes", "`local` is in the file already"),
        ("init box=local --set slots=0 --yes", "must be"),
        ("init mybox=nope --yes", "the kind `nope` does not exist"),
        ("init box=local --repo octo --yes", "must be `OWNER/NAME`"),
        ("init", "no kind is named"),
        ("init box=local", "could not ask"),
    ] {
        let said = world.run(&format!("providers {args}")).exits(2);
        assert!(said.stderr.contains(told), "{args}: {}", said.stderr);
        assert_eq!(file(&world).as_deref(), Some(printed.as_str()), "{args}");
    }
    let said = world
        .command("providers init")
        .arg("my rack=local")
        .arg("--yes")
        .output();
    assert_eq!(said.expect("it runs").status.code(), Some(2));
}
