//! What is told of numbers, items, tables, variables and values that have the right type and cannot be used.

use super::super::file::FileContents;
use super::types::{Key, VALUES, all_keys, read};
use super::*;
use crate::providers::KINDS;
use crate::providers::schema::Shape;

#[test]
fn every_number_is_within_its_bounds_or_told_what_it_must_be() {
    const NUMBERS: [&str; 7] = [
        "-1",
        "0",
        "256",
        "65536",
        "4294967296",
        "99999999999999999999",
        "-99999999999999999999",
    ];
    let mut table = format!("{}\n", NUMBERS.join(" "));
    for key in all_keys() {
        let (name, of) = (&key.name, |number: &&str| key.letter(number, "an integer"));
        let row: String = NUMBERS.iter().map(of).collect();
        if row.chars().all(|letter| letter == '-') {
            continue;
        }
        // What no type of number holds fits nowhere.
        assert!(row.ends_with("vv") || row.ends_with("--"), "{name}: {row}");
        writeln!(table, "{row} {name}").unwrap();
    }
    if KINDS.len() == 7 {
        insta::assert_snapshot!(table, @"
        -1 0 256 65536 4294967296 99999999999999999999 -99999999999999999999
        vv+vvvv defaults.count
        -+----- defaults.idle_timeout
        -+----- defaults.lifetime
        -+----- defaults.older_than
        -+----- defaults.poll_interval
        -+----- defaults.second_look
        -+----- defaults.timeout
        v++++vv github.app.id
        vv+++vv github.app.installation
        vv+++vv github.runner_group
        vvvvvvv aws: max_price
        vv++vvv aws: volume.size
        v+++vvv aws: volume.iops
        v+++vvv aws: volume.throughput
        vvvvvvv aws: metadata_hop_limit
        -+----- aws: capacity_wait
        vv++vvv docker: cpus
        vvvv+vv docker: memory
        vv+++vv docker: shm_size
        vv++vvv docker: gpus
        vv+vvvv local: slots
        -+----- local: grace
        vv++vvv nebius: disk.size
        v+++vvv nebius: shm_size
        -v----- nebius: start_deadline
        vv++vvv runpod: gpu_count
        vv++vvv runpod: vcpus
        vv++vvv runpod: disk
        v+++vvv runpod: volume.size
        vv++vvv runpod: volume
        vv++vvv runpod: min_ram_per_gpu
        vv++vvv runpod: min_vcpu_per_gpu
        vv+++vv runpod: max_price
        vv+vvvv ssh: slots
        -v----- ssh: connect_timeout
        -+----- ssh: wait_for_slot
        -+----- ssh: grace
        v++++vv toy: room
        ");
    }
}

#[test]
fn every_item_of_an_array_and_every_value_of_a_table_has_its_type() {
    let mut table = String::new();
    for Key {
        name,
        table: section,
        prelude,
        key,
    } in all_keys()
    {
        for value in ["[7]", "{ x = 7 }", "{ x = [7] }", "[[\"x\"]]"] {
            let text = format!("[{section}]\n{prelude}{key} = {value}\n");
            let Err(error) = read(&text) else {
                writeln!(table, "{name} = {value} is taken").unwrap();
                continue;
            };
            let (said, line) = (error.to_string(), text.lines().count());
            let inside = |inside: &str| {
                said.strip_prefix(&format!(
                    "`{section}.{key}{inside}` (p.toml:{line}) must be "
                ))
            };
            if let Some((found, must)) = ["[0]", ".x[0]", ".x"]
                .iter()
                .find_map(|part| Some((part, inside(part)?)))
            {
                writeln!(table, "{name}{found}: {must}").unwrap();
            }
        }
    }
    if KINDS.len() == 7 {
        insta::assert_snapshot!(table, @"
        defaults.labels[0]: a string, not an integer
        defaults.labels[0]: a string, not an array
        defaults.providers[0]: a string, not an integer
        defaults.providers[0]: a string, not an array
        github.app.private_key.command[0]: a string, not an integer
        github.app.private_key.command[0]: a string, not an array
        github.token.command[0]: a string, not an integer
        github.token.command[0]: a string, not an array
        aws: regions[0]: a string, not an integer
        aws: regions[0]: a string, not an array
        aws: search_regions[0]: a string, not an integer
        aws: search_regions[0]: a string, not an array
        aws: instance_types[0]: a string, not an integer
        aws: instance_types[0]: a string, not an array
        aws: image[0]: a string, not an integer
        aws: image[0]: a string, not an array
        aws: subnets[0]: a string, not an integer
        aws: subnets[0]: a string, not an array
        aws: security_groups[0]: a string, not an integer
        aws: security_groups[0]: a string, not an array
        aws: tags.x: a string, not an integer
        aws: tags.x: a string, not an array
        docker: gpus[0]: a string, not an integer
        docker: gpus[0]: a string, not an array
        docker: devices[0]: a string, not an integer
        docker: devices[0]: a string, not an array
        docker: volumes[0]: a string, not an integer
        docker: volumes[0]: a string, not an array
        docker: env.x: a string, not an integer
        docker: env.x: a string, not an array
        docker: extra_hosts[0]: a string, not an integer
        docker: extra_hosts[0]: a string, not an array
        docker: labels.x: a string, not an integer
        docker: labels.x: a string, not an array
        local: env.x: a string, not an integer
        local: env.x: a string, not an array
        nebius: platform[0]: a string, not an integer
        nebius: platform[0]: a string, not an array
        nebius: preset[0]: a string, not an integer
        nebius: preset[0]: a string, not an array
        nebius: env.x: a string, not an integer
        nebius: env.x: a string, not an array
        nebius: labels.x: a string, not an integer
        nebius: labels.x: a string, not an array
        runpod: gpu[0]: a string, not an integer
        runpod: gpu[0]: a string, not an array
        runpod: cpu[0]: a string, not an integer
        runpod: cpu[0]: a string, not an array
        runpod: data_centers[0]: a string, not an integer
        runpod: data_centers[0]: a string, not an array
        runpod: ports[0]: a string, not an integer
        runpod: ports[0]: a string, not an array
        runpod: env.x: a string, not an integer
        runpod: env.x: a string, not an array
        ssh: hosts[0]: a string, not an integer
        ssh: hosts[0]: a string, not an array
        ssh: slots.x: an integer, not an array
        ssh: gpus[0]: a string, not an integer
        ssh: gpus.x: an array of strings, not an integer
        ssh: gpus.x[0]: a string, not an integer
        ssh: gpus[0]: a string, not an array
        ssh: labels.x: an array of strings, not an integer
        ssh: labels.x[0]: a string, not an integer
        ");
    }
}

#[test]
fn a_table_that_is_none_and_a_kind_that_is_none_are_told() {
    let said = |text: &str| read(text).expect_err("it is refused").to_string();
    for (value, name) in VALUES {
        if name != "a table" {
            let expected = format!("`providers.p` (p.toml:2) must be a table, not {name}");
            assert_eq!(said(&format!("[providers]\np = {value}\n")), expected);
            for table in ["defaults", "github", "github.app", "providers"] {
                let told = said(&format!("{table} = {value}\n"));
                let begins = format!("`{table}` (p.toml:1) must be a table");
                assert!(told.starts_with(&begins), "{told}");
                assert!(told.ends_with(&format!(", not {name}")), "{told}");
            }
        }
        if name != "a string" {
            let expected = format!("`providers.p.kind` (p.toml:2) must be a string, not {name}");
            assert_eq!(said(&format!("[providers.p]\nkind = {value}\n")), expected);
        }
    }
    insta::assert_snapshot!(said("providers = []\n"), @"`providers` (p.toml:1) must be a table, not an empty array");
    insta::assert_snapshot!(said("[providers.p]\nkind = \"nope\"\n"), @"`providers.p.kind` (p.toml:2) must be the name of a kind, not `nope`");
    insta::assert_snapshot!(said("[providers.p]\n"), @"`providers.p.kind` (p.toml:1) is not set.");
    insta::assert_snapshot!(said("[providers.\"my gpu\"]\nkind = \"local\"\n"), @r#"`providers."my gpu"` (p.toml:1) cannot be used: the name of a provider must have 1 to 40 letters, digits, `-` and `_`"#);
    insta::assert_snapshot!(said("[providers.\"\"]\nkind = \"local\"\n"), @r#"`providers.""` (p.toml:1) cannot be used: the name of a provider must have 1 to 40 letters, digits, `-` and `_`"#);
}

#[test]
fn every_setting_has_a_variable_and_a_wrong_text_in_it_is_told() {
    const WRONG: &str = "a b?";
    let schema = schemars::schema_for!(FileContents);
    let defaults = Shape::of(&schema).inside("defaults").into_iter();
    let keys = defaults.flat_map(Shape::keys);
    let mut variables: Vec<(String, &str)> = keys
        .map(|key| (format!("GHARUN_{}", key.to_uppercase()), WRONG))
        .collect();
    for name in [
        "REPO",
        "ORG",
        "ENTERPRISE",
        "APP_ID",
        "APP_INSTALLATION",
        "CA_BUNDLE",
    ] {
        variables.push((format!("GHARUN_{name}"), WRONG));
    }
    for name in ["CONFIG", "OUTPUT", "COLOR"] {
        variables.push((format!("GHARUN_{name}"), WRONG));
    }
    for name in ["GITHUB_API_URL", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY"] {
        variables.push((name.to_owned(), WRONG));
    }
    variables.push(("GHARUN_RUNNER_GROUP".to_owned(), "-1"));
    variables.push(("GHARUN_APP_ID".to_owned(), "-1"));
    let mut table = String::new();
    for (variable, wrong) in variables {
        let variable: &str = variable.leak();
        let commands = ["start local", "start", "list", "stop --orphans"];
        let errors = commands.iter().filter_map(|args| {
            // Of an app the rest is read only when its ID and its key are set.
            let app = World::new(args).env("GHARUN_APP_ID", "1");
            let world = app
                .env("GHARUN_APP_PRIVATE_KEY", "key")
                .env(variable, wrong);
            let (settings, cli) = match world.settings() {
                Ok(resolved) => resolved,
                Err(error) => return Some(error),
            };
            match cli.command {
                Command::Start(args) => settings.start(&args).err(),
                Command::Stop(args) => settings.stop(&args, None).err(),
                Command::List(args) => settings.list(&args).err(),
                Command::Complete { .. }
                | Command::Explain(_)
                | Command::Providers(_)
                | Command::Workflow { .. } => None,
            }
        });
        let begins = format!("`${variable}` ");
        let error = errors.map(|error| error.to_string());
        let error = error.into_iter().find(|error| error.starts_with(&begins));
        let error = error.unwrap_or_else(|| panic!("${variable} is not read"));
        writeln!(table, "{error}").unwrap();
    }
    insta::assert_snapshot!(table, @"
    `$GHARUN_ALLOW_PARTIAL` must be `true` or `false`, not `a b?`
    `$GHARUN_COUNT` must be an integer from 1 to 256, not `a b?`
    `$GHARUN_GROUP` must be a name of at most 40 lower-case letters, digits, `-` and `_`, not `a b?`
    `$GHARUN_IDLE_TIMEOUT` must be a duration such as `90s`, `15m` or `1h 30m` (at most a year), not `a b?`
    `$GHARUN_KEEP_FAILED` must be `true` or `false`, not `a b?`
    `$GHARUN_LABELS` must be a label of letters, digits, `.`, `_` and `-`, not `a b?`
    `$GHARUN_LIFETIME` must be a duration such as `90s`, `15m` or `1h 30m` (at most a year), not `a b?`
    `$GHARUN_OLDER_THAN` must be a duration such as `90s`, `15m` or `1h 30m` (at most a year), not `a b?`
    `$GHARUN_POLL_INTERVAL` must be a duration such as `90s`, `15m` or `1h 30m` (at most a year), not `a b?`
    `$GHARUN_PROVIDERS` must name providers, not `a b?`
    `$GHARUN_REGISTRATION` must be `jit` or `token`, not `a b?`
    `$GHARUN_RUNNER_VERSION` must be `latest` or a version such as `2.336.0`, not `a b?`
    `$GHARUN_SECOND_LOOK` must be a duration such as `90s`, `15m` or `1h 30m` (at most a year), not `a b?`
    `$GHARUN_SETUP` cannot be `a b?`: No such file or directory (os error 2)
    `$GHARUN_TIMEOUT` must be a duration such as `90s`, `15m` or `1h 30m` (at most a year), not `a b?`
    `$GHARUN_REPO` must be `OWNER/NAME`, such as `octo/app`, not `a b?`
    `$GHARUN_ORG` must be an organization's name as in its URL, not `a b?`
    `$GHARUN_ENTERPRISE` must be an enterprise's name as in its URL, not `a b?`
    `$GHARUN_APP_ID` must be the client ID (`Iv…`) or app ID of a GitHub App, as shown on the app's settings page, not another value
    `$GHARUN_APP_INSTALLATION` must be the number at the end of the installation's URL, not another value
    `$GHARUN_CA_BUNDLE` cannot be `a b?`: No such file or directory (os error 2)
    `$GHARUN_CONFIG` cannot be `a b?`: the file does not exist
    `$GHARUN_OUTPUT` must be `text` or `json`, not `a b?`
    `$GHARUN_COLOR` must be `auto`, `always` or `never`, not `a b?`
    `$GITHUB_API_URL` must be a URL such as `https://github.example.com`, not `a b?`
    `$GITHUB_SERVER_URL` must be a URL such as `https://github.example.com`, not `a b?`
    `$GITHUB_REPOSITORY` must be `OWNER/NAME`, such as `octo/app`, not `a b?`
    `$GHARUN_RUNNER_GROUP` must be the name or ID of a runner group, not `-1`
    `$GHARUN_APP_ID` must be the client ID (`Iv…`) or app ID of a GitHub App, as shown on the app's settings page, not another value
    ");
}

#[test]
fn a_right_type_with_a_wrong_value_is_told_in_the_same_form() {
    let mut table = String::new();
    for text in [
        "[defaults]\ncount = -1",
        "[defaults]\ncount = 0",
        "[defaults]\nsetup = \"\"",
        "[github]\nrunner_group = -1",
        "[github]\nrunner_group = \"-1\"",
        "[github.app]\nid = -1",
        "[providers.local]\nslots = 0",
        "[providers.local]\nslots = 99999999999999999999",
        "[providers.local]\nwork_dir = \"\"",
        "[providers.local]\nwork_dir = \"slots\"",
    ] {
        writeln!(table, "{}", read(text).expect_err("it is refused")).unwrap();
    }
    insta::assert_snapshot!(table, @"
    `defaults.count` (p.toml:2) must be an integer from 1 to 256, not `-1`
    `defaults.count` (p.toml:2) must be an integer from 1 to 256, not `0`
    `defaults.setup` (p.toml:2) must be a path in a string, not an empty string
    `github.runner_group` (p.toml:2) must be the name or ID of a runner group, not `-1`
    `github.runner_group` (p.toml:2) must be the name or ID of a runner group, not `-1`
    `github.app.id` (p.toml:2) must be the client ID (`Iv…`) or app ID of a GitHub App, as shown on the app's settings page, not another value
    `providers.local.slots` (p.toml:2) must be an integer from 1 to 65535, not `0`
    `providers.local.slots` (p.toml:2) must be an integer from 1 to 65535, not `99999999999999999999`
    `providers.local.work_dir` (p.toml:2) must be a path in a string, not an empty string
    `providers.local.work_dir` (p.toml:2) must be an absolute path, not `slots`
    ");
}

#[test]
#[cfg(all(feature = "docker", feature = "runpod", feature = "ssh"))]
fn the_values_of_a_kind_are_told_in_the_same_form() {
    let mut table = String::new();
    for (kind, setting) in [
        ("docker", "memory = \"lots\""),
        ("docker", "memory = -1"),
        ("docker", "memory = 7"),
        ("docker", "gpus = \"some\""),
        ("docker", "gpus = 0"),
        ("docker", "cpus = 0"),
        ("docker", "cpus = 99999999999999999999"),
        ("docker", "volumes = [\"/a:/b\", \"a\"]"),
        ("docker", "labels = { \"managed-by\" = \"me\" }"),
        ("runpod", "api_key = { env = \"KEY\" }\nmax_price = -1"),
        (
            "runpod",
            "api_key = { env = \"KEY\" }\ngpu = \"A40\"\ncpu = \"cpu5c\"",
        ),
        ("ssh", "hosts = []"),
        ("ssh", "hosts = \"a\"\nwork_dir = \"\""),
        ("ssh", "hosts = \"a\"\nidentity = \"\""),
        ("ssh", "hosts = \"a\"\nslots = { \"b.local\" = 1 }"),
        ("ssh", "hosts = \"a\"\nknown_hosts = \"/nonexistent/x\""),
    ] {
        let text = format!("[providers.p]\nkind = \"{kind}\"\n{setting}\n");
        let Err(error) = read(&text) else {
            panic!("{text}")
        };
        writeln!(table, "{error}").unwrap();
    }
    insta::assert_snapshot!(table, @r#"
    `providers.p.memory` (p.toml:3) must be a size such as `"4g"` or `"512m"`, or a number of bytes, not `lots`
    `providers.p.memory` (p.toml:3) must be a size such as `"4g"` or `"512m"`, or a number of bytes, not `-1`
    `providers.p.memory` (p.toml:3) must be at least 6291456 bytes, Docker's minimum, not `7`
    `providers.p.gpus` (p.toml:3) must be `"all"`, a number of GPUs, or an array of device IDs, not `some`
    `providers.p.gpus` (p.toml:3) must be `"all"`, a number of GPUs, or an array of device IDs, not `0`
    `providers.p.cpus` (p.toml:3) must be a number of processors, at least 0.01, such as `1.5`, not `0`
    `providers.p.cpus` (p.toml:3) must be a number of processors, at least 0.01, such as `1.5`, not `99999999999999999999`
    `providers.p.volumes[1]` (p.toml:3) must be `/PATH:/TARGET` or `NAME:/TARGET`, with `:ro` to make it read-only, not `a`
    `providers.p.labels.managed-by` (p.toml:3) cannot be used: the label `managed-by` is reserved: gharun finds its machines by it; choose another
    `providers.p.max_price` (p.toml:4) must be a price above 0, in US dollars an hour, such as `0.25`, not `-1`
    `providers.p.cpu` (p.toml:5) cannot be used: `gpu` and `cpu` are both set: keep one
    `providers.p.hosts` (p.toml:3) must be at least one host, not an empty array
    `providers.p.work_dir` (p.toml:4) must be an absolute path or `~/FOLDER`, not an empty string
    `providers.p.identity` (p.toml:4) must be a path in a string or `{ env = "NAME" }`, `{ file = "PATH" }` or `{ command = ["PROGRAM", "ARG"] }`, not an empty string
    `providers.p.slots."b.local"` (p.toml:4) cannot be used: `b.local` is not one of `hosts`
    `providers.p.known_hosts` (p.toml:4) cannot be used: `/nonexistent/x`: No such file or directory (os error 2)
    "#);
    let accepts = "[providers.p]\nkind = \"ssh\"\nhosts = \"a\"\nhost_key_check = \"accept-new\"\nknown_hosts = \"/nonexistent/x\"\n";
    read(accepts).expect("it is made when it is needed");
}

#[test]
fn a_number_that_is_not_finite_is_no_number_of_a_setting() {
    let error = read("[providers.p]\nkind = \"docker\"\ncpus = nan\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`providers.p.cpus` (p.toml:3) must be a number of processors, at least 0.01, such as `1.5`, not a number that is not finite"
    );
}

#[test]
fn a_value_deep_inside_is_named_with_its_own_line() {
    let text = "[providers.p]\nkind = \"docker\"\nvolumes = [\n  \"a:/b\",\n  7,\n]\n";
    assert_eq!(
        read(text).unwrap_err().to_string(),
        "`providers.p.volumes[1]` (p.toml:5) must be a string, not an integer"
    );
    let text = "[providers.p]\nkind = \"local\"\n[providers.p.env]\nA = \"1\"\nA-B = \"2\"\n";
    assert_eq!(
        read(text).unwrap_err().to_string(),
        "`providers.p.env.A-B` (p.toml:5) cannot be used: `A-B` is not the name of a variable: use letters, digits and `_`, and no digit first"
    );
    let text = "[github]\n[github.token]\ncommand = [\"a\", true]\n";
    assert_eq!(
        read(text).unwrap_err().to_string(),
        "`github.token.command[1]` (p.toml:3) must be a string, not a boolean"
    );
}

#[test]
fn every_setting_outside_of_the_tables_says_whether_it_is_harmless() {
    let schema = schemars::schema_for!(FileContents);
    let shape = Shape::of(&schema);
    // The tables are looked at by their kinds.
    assert_eq!(shape.unmarked(), ["providers"]);
    assert_eq!(shape.marked_wrongly(), [""; 0]);
}

#[test]
fn a_key_in_the_place_of_its_path_is_not_shown() {
    let key = "-----BEGIN PRIVATE KEY-----";
    let in_file = |text: &str| World::new("start local").file(text).error();
    for said in [
        in_file(&format!("[github]\nca_bundle = \"{key}\"\n")),
        in_file(&format!("[github]\ntoken = {{ file = \"{key}\" }}\n")),
        in_file(&format!("[defaults]\nsetup = \"{key}\"\n")),
        read(&format!(
            "[providers.p]\nkind = \"local\"\ncache = \"{key}\"\n"
        ))
        .expect_err("it must be refused")
        .to_string(),
        World::new("start local")
            .env("GHARUN_CA_BUNDLE", "-----BEGIN PRIVATE KEY-----")
            .error(),
        World::new("start local --setup {\"private-key\":\"BEGIN\"}").error(),
    ] {
        assert!(!said.contains("BEGIN"), "{said}");
        assert!(said.contains("a path"), "{said}");
    }
}

#[test]
fn tokens_go_to_github_unencrypted_only_where_a_line_allows_it() {
    let refused = |world: World| {
        let (settings, _) = world.settings().expect("it resolves");
        let github = settings.github;
        let api = github
            .api_url
            .as_ref()
            .map_or(&github.server, |url| &url.value);
        github.encrypted(api).err().map(|error| error.to_string())
    };
    let world = || World::new("start local");
    for fine in [
        "https://ghes.test/api/v3",
        "http://127.0.0.1:8080",
        "http://localhost/api/v3",
    ] {
        assert_eq!(refused(world().env("GITHUB_API_URL", fine)), None, "{fine}");
    }
    let plain = "http://ghes.test/api/v3";
    insta::assert_snapshot!(
        refused(world().env("GITHUB_API_URL", plain)).expect("it is refused"),
        @"`$GITHUB_API_URL` cannot be used: tokens would go to `http://ghes.test/api/v3` unencrypted"
    );
    refused(world().env("GITHUB_SERVER_URL", "http://ghes.test")).expect("it is refused");
    refused(world().file(&format!("[github]\napi_url = \"{plain}\"\n"))).expect("it is refused");
    let allowed = "[github]\nallow_plain_http = true\n";
    let world = world().file(allowed).env("GITHUB_API_URL", plain);
    assert_eq!(refused(world), None);
}
