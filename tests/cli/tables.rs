//! What `list`, `stop` and `providers` show on a terminal: real ptys of two sizes.

use crate::removal::Daemon;
use crate::terminal::{Act, SMALL, Screen, Size, play};
use crate::world::World;

const LARGE: Size = Size {
    columns: 120,
    rows: 40,
};

/// What differs from run to run, each with something as long, so that lines break where they do.
const VOLATILE: [(&str, &str); 12] = [
    (r"octo/app-\w+…", "octo/app-12…"),
    (r"\d{4}-\d\d-\d\dT", "2026-11-30T"),
    (r"octo/app-[a-z0-9]{8}", "octo/app-12345678"),
    (r"127\.0\.0\.1:\d{5}", "127.0.0.1:40000"),
    (r"AGE +", "AGE  "),
    (r"ENDS IN +", "ENDS IN  "),
    (r"(?m)\b\d+[dhms]( \d+[hms])?$", "[AGE]"),
    (r"\b\d+[dhms]( \d+[hms])? +", "[AGE]  "),
    (r"/tmp/\.tmp\w+", "[WORLD]"),
    (r"\d\d:\d\d:\d\dZ", "12:00:00Z"),
    (r"resets at [-0-9TZ:]+", "resets at [TIME]"),
    (r"\d+ of 5000", "[SOME] of 5000"),
];

/// The last screen of a command, and its exit code.
fn shown(world: &World, args: &str, size: Size, acts: &[(&str, Act)]) -> String {
    let mut command = world.command(args);
    command.env("TERM", "xterm").env_remove("COLUMNS");
    let (written, code) = play(command, size, acts, || {});
    let mut lines = Screen::after_on(size, &written);
    lines.push(format!("exit {code}"));
    lines.join("\n")
}

/// Asserts what a person sees.
macro_rules! sees {
    ($screen:expr, @$snapshot:literal) => {
        insta::with_settings!({filters => VOLATILE}, {
            insta::assert_snapshot!($screen, @$snapshot);
        })
    };
}

/// A world with a machine that GitHub does not know, and the arguments that lead to it.
fn orphan() -> (World, Daemon, String) {
    let world = World::new();
    let daemon = Daemon::start(&world, &[]);
    let there = format!("--provider docker --set host={}", daemon.host);
    (world, daemon, there)
}

#[test]
fn an_orphan_is_listed_with_what_to_type() {
    let (world, _daemon, there) = orphan();
    sees!(shown(&world, &format!("list {there}"), SMALL, &[]), @"
    octo/app-12345678 on 127.0.0.1:40000: 1 machine
      VERDICT  RUNNER                 PROVIDER  AGE  ENDS IN  COST
    ! orphan   gharun-tpa3w7oi2c5t41  docker    [AGE]  [AGE]  -
        not registered with GitHub    gharun stop gharun-tpa3w7oi2c5t41
    exit 0
    ");
    sees!(shown(&world, &format!("list {there}"), LARGE, &[]), @"
    octo/app-12345678 on 127.0.0.1:40000: 1 machine
      VERDICT  RUNNER                 PROVIDER  AGE  ENDS IN  COST  MACHINE
    ! orphan   gharun-tpa3w7oi2c5t41  docker    [AGE]  [AGE]  -     docker:9f5ae42029f4/abababababab
        not registered with GitHub    gharun stop gharun-tpa3w7oi2c5t41
    exit 0
    ");
    sees!(shown(&world, &format!("list {there} --wide"), SMALL, &[]), @"
    octo/app-12345678 on 127.0.0.1:40000: 1 machine
      VERDICT  RUNNER                 PROVIDER  AGE  ENDS IN  COST
    ! orphan   gharun-tpa3w7oi2c5t41  docker    [AGE]  [AGE]  -
        machine docker:9f5ae42029f4/abababababab  state running  github absent
        rented tcp://127.0.0.1:40000  scope octo/app-12345678
        why not registered with GitHub
        gharun stop gharun-tpa3w7oi2c5t41
    exit 0
    ");
    let columns = "--columns runner,why,machine";
    sees!(shown(&world, &format!("list {there} {columns}"), SMALL, &[]), @"
    octo/app-12345678 on 127.0.0.1:40000: 1 machine
      RUNNER                 WHY                    MACHINE
    ! gharun-tpa3w7oi2c5t41  not registered with …  docker:9f5ae42029f4/abababababab
        gharun stop gharun-tpa3w7oi2c5t41
    exit 0
    ");
}

#[test]
fn a_list_in_a_pipe_is_whole_and_has_tabs() {
    let (world, _daemon, there) = orphan();
    let said = world.run(&format!("list {there} --color always")).exits(0);
    let mut lines = said.stdout.lines();
    assert_eq!(
        lines.next(),
        Some(
            "VERDICT\tRUNNER\tPROVIDER\tAGE\tENDS IN\tCOST\tMACHINE\tSTATE\tGITHUB\tRENTED\tPRICE\tSCOPE\tRUN\tWHY"
        )
    );
    let row: Vec<&str> = lines.next().expect("a row").split('\t').collect();
    assert_eq!(row.len(), 14);
    assert_eq!(row[6], "docker:9f5ae42029f4/abababababab");
    assert_eq!(lines.next(), None);
    let few = format!("list {there} --columns MACHINE,verdict");
    assert_eq!(
        world.run(&few).exits(0).stdout,
        "MACHINE\tVERDICT\ndocker:9f5ae42029f4/abababababab\torphan\n"
    );
    let wrong = world.run("list --columns runner,machin").exits(2);
    assert!(
        wrong
            .stderr
            .contains("did you mean `machine`? Columns: verdict, runner"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn a_stop_asks_about_a_table_and_ends_with_a_sentence() {
    let (world, _daemon, there) = orphan();
    let stop = format!("stop --orphans {there}");
    sees!(shown(&world, &format!("{stop} --dry-run"), SMALL, &[]), @"
      WOULD  RUNNER                 PROVIDER  AGE  WHY
    ! stop   gharun-tpa3w7oi2c5t41  docker    [AGE]  not registered with GitHub
    1 machine would be stopped
    exit 0
    ");
    sees!(shown(&world, &format!("{stop} --dry-run"), LARGE, &[]), @"
      WOULD  RUNNER                 PROVIDER  AGE  MACHINE                           WHY
    ! stop   gharun-tpa3w7oi2c5t41  docker    [AGE]  docker:9f5ae42029f4/abababababab  not registered with GitHub
    1 machine would be stopped
    exit 0
    ");
    sees!(shown(&world, &stop, SMALL, &[("(y/n)", Act::Types("n"))]), @"
      RUNNER                 PROVIDER  AGE  WHY
    ! gharun-tpa3w7oi2c5t41  docker    [AGE]  not registered with GitHub
    ✔ Stop this machine? · no
    error: not confirmed; nothing was stopped
    exit 2
    ");
    sees!(shown(&world, &stop, LARGE, &[("(y/n)", Act::Types("y"))]), @"
      RUNNER                 PROVIDER  AGE  MACHINE                           WHY
    ! gharun-tpa3w7oi2c5t41  docker    [AGE]  docker:9f5ae42029f4/abababababab  not registered with GitHub
    ✔ Stop this machine? · yes
    ✓ stopped  gharun-tpa3w7oi2c5t41  docker  [AGE]
    Stopped 1 machine. Nothing is left.
    exit 0
    ");
}

#[test]
fn what_is_not_there_is_already_gone() {
    let (world, _daemon, there) = orphan();
    world.run(&format!("stop --orphans --yes {there}")).exits(0);
    let stop = format!("stop docker:9f5ae42029f4/abababababab {there}");
    sees!(shown(&world, &stop, SMALL, &[]), @"
    · already gone  docker:9f5ae42029f4/abababababab
    Found 1 machine already gone. Nothing is left.
    exit 0
    ");
    let said = world.run(&stop).exits(0);
    assert_eq!(
        said.stdout,
        "stopped\tdocker:9f5ae42029f4/abababababab\t-\talready gone\n"
    );
}

#[test]
fn a_list_that_is_watched_is_redrawn_in_place_and_leaves_a_clean_line() {
    let (world, _daemon, there) = orphan();
    let narrow = Size {
        columns: 60,
        ..SMALL
    };
    let acts = [
        ("gharun stop ", Act::Resizes(narrow)),
        ("gharun stop ", Act::Signals("INT")),
    ];
    let args = format!("list --watch {there}");
    sees!(shown(&world, &args, SMALL, &acts), @"
    octo/app-12345678 on 127.0.0.1:40000: 1 machine    12:00:00Z
      VERDICT  RUNNER                 PROVIDER  ENDS IN  COST
    ! orphan   gharun-tpa3w7oi2c5t41  docker    [AGE]  -
        not registered with GitHub
        gharun stop gharun-tpa3w7oi2c5t41
    exit 130
    ");
}

#[test]
fn a_list_that_is_watched_in_a_pipe_is_one_block_after_the_other() {
    let (world, _daemon, there) = orphan();
    let mut child = world.spawn(&format!("list --watch {there}"));
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(
        child.stdout.take().expect("its output"),
    ));
    let mut line = || lines.next().expect("a line").expect("UTF-8");
    let block = |time: String, header: String, row: String| {
        assert!(time.ends_with('Z') && time.contains('T'), "{time}");
        assert!(header.starts_with("VERDICT\tRUNNER\t"), "{header}");
        assert!(row.starts_with("orphan\tgharun-"), "{row}");
    };
    block(line(), line(), line());
    assert_eq!(line(), "");
    block(line(), line(), line());
    crate::world::signal(&child, "INT");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn without_a_repository_the_machines_of_all_are_listed() {
    let (world, _daemon, there) = orphan();
    let world = world.env("GHARUN_REPO", "").env("GH_PAT", "");
    let said = world.run(&format!("list {there} --output json")).exits(0);
    let json = said.json();
    assert_eq!(json["machines"][0]["name"], "gharun-tpa3w7oi2c5t41");
    assert_eq!(json["machines"][0]["why"], "GitHub was not asked");
    let said = shown(&world, &format!("list {there}"), LARGE, &[]);
    for part in [
        "No repository is set, so GitHub was not asked: these are the machines of all repositories",
        "hint: name one with `--repo OWNER/NAME` to see which machines are still needed",
        "All repositories: 1 machine",
        "  SCOPE",
        "! unknown  gharun-tpa3w7oi2c5t41  docker ",
        " octo/app-",
        "    GitHub was not asked",
    ] {
        assert!(said.contains(part), "{part}:\n{said}");
    }
    // What a sweep would end is GitHub's to tell.
    world.run(&format!("list --orphans {there}")).exits(2);
}

/// A world with one provider that works and one that does not.
#[cfg(feature = "runpod")]
fn configured() -> World {
    let world = World::new();
    let file = "[providers.gpu]\nkind = \"runpod\"\napi_key = { env = \"PODS_KEY\" }\ngpu = [\"L40S\", \"A40\"]\n\n\
                [providers.here]\nkind = \"local\"\nslots = 2\n";
    std::fs::write(world.path("providers.toml"), file).expect("a file");
    world
}

#[test]
#[cfg(feature = "runpod")]
fn a_check_has_a_sign_and_what_to_try_below_each_part() {
    let world = configured();
    sees!(shown(&world, "providers check gpu", SMALL, &[]), @"
    ✗ gpu       broken      could not read `providers.gpu.api_key`
                              (providers.toml:3): $PODS_KEY is not set
                              try  set $PODS_KEY, or name another source

    ✓ GitHub    works       octo/app-12345678 at http://127.0.0.1:40000/
                            a classic personal access token from $GH_PAT
                            an admin of the repository
                            0 runners are registered
    ✓ quota     works       [SOME] of 5000 API requests left; resets at
                              2026-11-30T12:00:00Z
    ✓ runner    works       version 2.336.0 for linux-arm, linux-arm64, linux-x64,
                              osx-arm64, osx-x64
    ✓ group     works       `Default` (1): repositories have no other groups
    ✓ workflow  works       can read the workflow runs of `octo/app-12345678`
    exit 1
    ");
    sees!(shown(&world, "providers check gpu", LARGE, &[]), @"
    ✗ gpu       broken      could not read `providers.gpu.api_key` (providers.toml:3): $PODS_KEY is not set
                              try  set $PODS_KEY, or name another source

    ✓ GitHub    works       octo/app-12345678 at http://127.0.0.1:40000/
                            a classic personal access token from $GH_PAT
                            an admin of the repository
                            0 runners are registered
    ✓ quota     works       [SOME] of 5000 API requests left; resets at [TIME]
    ✓ runner    works       version 2.336.0 for linux-arm, linux-arm64, linux-x64, osx-arm64, osx-x64
    ✓ group     works       `Default` (1): repositories have no other groups
    ✓ workflow  works       can read the workflow runs of `octo/app-12345678`
    exit 1
    ");
}

#[test]
#[cfg(feature = "runpod")]
fn providers_are_those_that_are_configured() {
    let world = configured();
    sees!(shown(&world, "providers", LARGE, &[]), @r#"
    NAME  KIND    ABOUT
    gpu   runpod  Pods with GPUs at RunPod
        api_key = ***  (providers.toml:3)
        gpu = ["L40S","A40"]  (providers.toml:4)
    here  local   Slots on this machine
        cache = "[WORLD]/home/.cache/gharun"  ($HOME)
        slots = 2  (providers.toml:8)
        work_dir = "[WORLD]/home/.local/state/gharun/slots"  ($HOME)

    Not configured: aws, docker, external, nebius, ssh (see `gharun providers show KIND`)
    exit 0
    "#);
}

#[test]
#[cfg(feature = "runpod")]
fn offers_fit_and_the_cheapest_is_first() {
    let standin = gharun_worlds::runpod::Standin::start();
    let world = World::new().env("RUNPOD_API_KEY", &standin.key);
    let args = format!("providers offers runpod --set endpoint={}/v2", standin.url);
    for size in [SMALL, LARGE] {
        let screen = shown(&world, &args, size, &[]);
        let lines: Vec<&str> = screen.lines().collect();
        // The last of many: none is broken.
        let prices = lines.iter().filter_map(|line| {
            let price = line.split('$').nth(1)?.split(' ').next()?;
            price.parse::<f64>().ok()
        });
        let prices: Vec<f64> = prices.collect();
        assert!(prices.len() > 5, "{screen}");
        assert!(prices.is_sorted(), "{screen}");
    }
}
