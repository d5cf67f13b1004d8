//! A providers.toml of somebody else in the current folder: it must not decide where jobs run, what is looked at, and
//! what is ended.

use crate::world::{Said, World};

/// A laptop with a file of its own, whose table `mine` has a machine that runs.
fn world() -> (World, String) {
    let world = World::new();
    let own = world.path("home/.config/gharun");
    std::fs::create_dir_all(&own).expect("a folder");
    let work_dir = world.path("jobs").display().to_string();
    let text = format!("[providers.mine]\nkind = \"local\"\nwork_dir = \"{work_dir}\"\n");
    std::fs::write(own.join("providers.toml"), text).expect("a file");
    let started = world.run("start mine --output json").exits(0).json();
    let machines = started["mapping"].as_object().expect("a mapping");
    let machine = machines.keys().next().expect("a machine").clone();
    // Only its place tells of it.
    std::fs::remove_file(world.path("home/.local/state/gharun/state.json")).expect("a state");
    (world, machine)
}

/// Runs a command in a folder with a file that says this.
fn run(world: &World, text: &str, args: &str) -> Said {
    std::fs::write(world.path("providers.toml"), text).expect("a file");
    let mut command = world.command(args);
    let output = command.env_remove("GHARUN_CONFIG").output();
    Said::of(output.expect("it runs"), world)
}

fn lists(said: &Said, machine: &str) -> bool {
    let json = said.json();
    let mut all = json["machines"].as_array().expect("a list").iter();
    all.any(|one| one["instance"] == machine)
}

#[test]
fn a_found_file_hides_neither_the_users_own_tables_nor_the_kinds() {
    let (world, machine) = world();
    for (text, exit, unknown) in [
        // It has tables of its own, so that nothing else would be searched.
        ("[providers.x]\nkind = \"local\"\n", 1, Some("x")),
        ("[providers.local]\nslots = 3\n", 0, None),
        // It takes the name of a kind.
        ("[providers.aws]\nkind = \"local\"\n", 1, Some("aws")),
        // It takes the name of the user's own table.
        (
            "[providers.mine]\nkind = \"local\"\nslots = 3\n",
            1,
            Some("mine"),
        ),
        ("[defaults]\nproviders = [\"local\"]\n", 0, None),
        ("", 0, None),
    ] {
        let said = run(&world, text, "list --output json").exits(exit);
        assert!(lists(&said, &machine), "{text}: {}", said.stdout);
        let json = said.json();
        let source = json["unknown"].as_array().expect("a list").first();
        let source = source.map(|one| one["source"].as_str().expect("a text"));
        assert_eq!(source, unknown, "{text}");
        run(&world, text, "stop --orphans --dry-run").exits(exit);
    }
    run(
        &world,
        "[providers.x]\nkind = \"local\"\n",
        "stop --all --yes",
    )
    .exits(1);
    assert_eq!(world.stub.runners().len(), 0, "it was ended");
}

#[test]
fn a_found_file_does_not_choose_where_jobs_run() {
    let (world, machine) = world();
    for (text, args, key) in [
        (
            "[providers.aws]\nkind = \"local\"\n",
            "start aws",
            "providers.aws.kind",
        ),
        (
            "[providers.mine]\nslots = 2\nkind = \"local\"\n",
            "start mine",
            "providers.mine",
        ),
        (
            "[defaults]\nproviders = [\"local\"]\n",
            "start",
            "defaults.providers",
        ),
    ] {
        let said = run(&world, text, args).exits(2);
        let told = format!("`{key}` (providers.toml:");
        assert!(said.stderr.contains(&told), "{text}: {}", said.stderr);
        assert!(
            said.stderr.contains("gharun providers trust"),
            "{}",
            said.stderr
        );
    }
    // The user's own table can be used here, too.
    run(&world, "[defaults]\ncount = 1\n", "start mine --dry-run").exits(0);
    run(&world, "", &format!("stop {machine}")).exits(0);
}

#[test]
fn a_found_file_neither_narrows_a_sweep_nor_widens_a_stop() {
    let (world, machine) = world();
    for key in [
        "older_than = \"100h\"",
        "second_look = \"100h\"",
        "group = \"x\"",
    ] {
        let text = format!("[defaults]\n{key}\n");
        let said = run(&world, &text, "stop --orphans --yes --output json").exits(1);
        let name = key.split(' ').next().expect("a word");
        let said = said.json();
        assert_eq!(said["unknown"][0]["source"], "[defaults]", "{said}");
        let error = said["unknown"][0]["error"].as_str().expect("a text");
        assert!(error.starts_with(&format!("`defaults.{name}`")), "{error}");
        assert_eq!(said["unknown"].as_array().map(Vec::len), Some(1));
    }
    let text = "[defaults]\ngroup = \"x\"\n";
    // Of a run, it would end what others of the run use.
    for stop in ["stop --run 7", "stop --all --yes"] {
        let said = run(&world, text, stop).exits(2);
        assert!(said.stderr.contains("--group"), "{}", said.stderr);
    }
    run(&world, text, &format!("stop {machine}")).exits(1);
    assert_eq!(world.stub.runners().len(), 0, "it was ended");
}

#[test]
fn a_found_file_does_not_hide_what_the_users_own_file_says_of_github() {
    let (world, machine) = world();
    let repo = world.repo().to_owned();
    let own = world.path("home/.config/gharun/providers.toml");
    let text = std::fs::read_to_string(&own).expect("the file");
    std::fs::write(&own, format!("[github]\nrepo = \"{repo}\"\n{text}")).expect("a file");
    let world = world.env("GHARUN_REPO", "");
    let said = run(&world, "[defaults]\ncount = 2\n", "list --output json").exits(0);
    assert!(lists(&said, &machine), "{}", said.stdout);
    run(&world, "", &format!("stop {machine}")).exits(0);
}

#[test]
fn a_found_file_that_is_not_trusted_is_named_also_when_nothing_else_is_said() {
    let world = World::new();
    let said = run(&world, "[defaults]\ncount = 2\n", "list --quiet").exits(0);
    assert_eq!(
        said.stderr.matches("providers.toml").count(),
        1,
        "{}",
        said.stderr
    );
    run(&world, "[defaults]\ncount = 2\n", "providers trust").exits(0);
    let said = run(&world, "[defaults]\ncount = 2\n", "list --quiet").exits(0);
    assert_eq!(said.stderr, "");
}

#[test]
fn a_wrong_value_on_the_command_line_is_told_though_a_found_file_has_a_table_of_that_name() {
    let (world, _) = world();
    let text = "[providers.mine]\nkind = \"local\"\n";
    for wrong in ["mine.slots=many", "mine.work_dir=jobs"] {
        let said = run(&world, text, &format!("list --set {wrong} --output json"));
        let key = wrong.split('=').next().expect("a key");
        let told = said.json()["not_searched"].to_string();
        assert_eq!(said.code, Some(1), "{wrong}");
        assert!(told.contains(key), "{wrong}: {told}\n{}", said.stderr);
    }
}
