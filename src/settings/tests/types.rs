//! Every key of the file with a value of every type: what fits is taken, and of all else it is said what it must be.

use std::fmt::Write as _;

use super::super::file::Contents;
use super::*;
use crate::providers::KINDS;
use crate::providers::schema::Shape;

/// A value of each type of TOML, and what errors call the type.
const VALUES: [(&str, &str); 7] = [
    ("\"x\"", "a string"),
    ("7", "an integer"),
    ("1.5", "a float"),
    ("true", "a boolean"),
    ("[\"x\"]", "an array"),
    ("{ x = \"y\" }", "a table"),
    ("1979-05-27T07:32:00Z", "a datetime"),
];

/// Every key of a table, those within tables too.
fn keys(shape: Shape<'_>, before: &[String], all: &mut Vec<Vec<String>>) {
    for key in shape.keys() {
        let path = [before, std::slice::from_ref(&key)].concat();
        for inside in shape.inside(&key) {
            keys(inside, &path, all);
        }
        all.push(path);
    }
}

/// What comes of a file: of the file itself, and then of its table `p`.
fn read(text: &str) -> Result<()> {
    let file = File::parse(Path::new("p.toml"), text)?;
    let tables = Tables::resolve(&[], &Env::default(), &file)?;
    tables.settings(&tables.named()).map(drop)
}

/// One letter for each type: `+` is taken, `v` has the right type and cannot be that value, `k` is a table with
/// unknown keys, `i` something in it is wrong, and `-` is of a wrong type.
fn row(table: &str, prelude: &str, key: &str) -> String {
    let mut row = String::new();
    let whole = format!("{table}.{key}");
    for (value, name) in VALUES {
        let text = format!("[{table}]\n{prelude}{key} = {value}\n");
        let line = text.lines().count();
        let Err(error) = read(&text) else {
            row.push('+');
            continue;
        };
        let said = error.to_string();
        let subject = format!("`{whole}` (p.toml:{line}) must be ");
        let inside = format!("`{whole}.x` (p.toml:{line}) must be ");
        let unknown = format!("p.toml:{line}: unknown key `x` in [{whole}]");
        row.push(if let Some(rest) = said.strip_prefix(&subject) {
            let (must, not) = rest.rsplit_once(", not ").expect("it says what it is");
            assert!(!must.is_empty(), "{said}");
            let shown = format!("`{}`", value.trim_matches('"'));
            let values = [shown.as_str(), "another value", "a table with `x`"];
            if not == name || not == "the secret itself" {
                '-'
            } else {
                assert!(values.contains(&not), "{said}");
                'v'
            }
        } else if said.contains(" is not set.") {
            // It is taken, and another key has to go with it.
            '+'
        } else if said == unknown {
            'k'
        } else {
            assert!(said.starts_with(&inside), "{text}{said}");
            'i'
        });
    }
    row
}

#[test]
fn every_key_of_the_fixed_tables_times_every_type() {
    let schema = schemars::schema_for!(Contents);
    let mut all = Vec::new();
    for table in ["defaults", "github"] {
        for shape in Shape::of(&schema).inside(table) {
            keys(shape, &[table.to_owned()], &mut all);
        }
    }
    let mut table = String::from("string integer float boolean array table datetime\n");
    for path in all {
        let (section, key) = (&path[0], path[1..].join("."));
        writeln!(table, "{} {section}.{key}", row(section, "", &key)).unwrap();
    }
    insta::assert_snapshot!(table, @"
    string integer float boolean array table datetime
    ---+--- defaults.allow_partial
    -+----- defaults.count
    +------ defaults.group
    v------ defaults.idle_timeout
    ---+--- defaults.keep_failed
    ----+-- defaults.labels
    v------ defaults.lifetime
    v------ defaults.older_than
    v------ defaults.poll_interval
    ----+-- defaults.providers
    v------ defaults.registration
    v------ defaults.runner_version
    v------ defaults.second_look
    +------ defaults.setup
    v------ defaults.timeout
    v------ github.api_url
    ++----- github.app.id
    v+----- github.app.installation
    ----+-- github.app.private_key.command
    +------ github.app.private_key.env
    +------ github.app.private_key.file
    -----v- github.app.private_key
    -----k- github.app
    +------ github.ca_bundle
    +------ github.enterprise
    +------ github.org
    v------ github.repo
    ++----- github.runner_group
    ----+-- github.token.command
    +------ github.token.env
    +------ github.token.file
    -----v- github.token
    ");
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one table")]
fn every_key_of_every_kind_times_every_type() {
    let mut table = String::from("string integer float boolean array table datetime\n");
    for kind in KINDS {
        let schema = kind.schema();
        let mut all = Vec::new();
        keys(Shape::of(&schema), &[], &mut all);
        for path in all {
            let key = path.join(".");
            let prelude = format!("kind = \"{}\"\n", kind.name);
            let row = row("providers.p", &prelude, &key);
            assert!(
                row.contains('-') && row.ends_with(['-', 'i']),
                "{key}: {row}"
            );
            writeln!(table, "{row} {}: {key}", kind.name).unwrap();
        }
    }
    // With every kind, and the toy of the tests.
    if KINDS.len() == 7 {
        insta::assert_snapshot!(table, @"
        string integer float boolean array table datetime
        +------ aws: region
        ----+-- aws: regions
        +---+-- aws: search_regions
        +------ aws: profile
        +------ aws: endpoint
        ----+-- aws: instance_types
        +------ aws: image.owner
        +------ aws: image.name
        +------ aws: image.arch
        +----k- aws: image
        ----+-- aws: subnets
        ----+-- aws: security_groups
        ---+--- aws: public_ip
        +------ aws: key_name
        +------ aws: instance_profile
        v------ aws: market
        -++---- aws: max_price
        +------ aws: capacity_reservation
        -+----- aws: volume.size
        +------ aws: volume.type
        -+----- aws: volume.iops
        -+----- aws: volume.throughput
        ---+--- aws: volume.encrypted
        +------ aws: volume.kms_key
        -----k- aws: volume
        -----+- aws: tags
        +------ aws: user
        -+----- aws: metadata_hop_limit
        v------ aws: capacity_wait
        +------ aws: launch_template.id
        +------ aws: launch_template.name
        +------ aws: launch_template.version
        -----k- aws: launch_template
        +------ docker: config_dir
        +------ docker: context
        +------ docker: host
        ---+--- docker: tls_verify
        +------ docker: cert_path
        +------ docker: image
        v------ docker: pull
        +------ docker: platform
        -++---- docker: cpus
        ++----- docker: memory
        ++----- docker: shm_size
        ++--+-- docker: gpus
        ----+-- docker: devices
        ----+-- docker: volumes
        -----+- docker: env
        +------ docker: network
        +------ docker: user
        ---+--- docker: privileged
        +------ docker: runtime
        ---+--- docker: docker_socket
        ----+-- docker: extra_hosts
        ---+--- docker: init
        -----+- docker: labels
        -+----- local: slots
        +------ local: work_dir
        +------ local: cache
        v------ local: grace
        -----+- local: env
        v------ nebius: product
        +------ nebius: project
        +------ nebius: tenant
        -----v- nebius: iam_token
        +------ nebius: service_account_key
        +------ nebius: profile
        +------ nebius: config_file
        +---+-- nebius: platform
        +---+-- nebius: preset
        +------ nebius: subnet
        +------ nebius: image
        v------ nebius: disk.type
        -+----- nebius: disk.size
        -----k- nebius: disk
        ---+--- nebius: preemptible
        +------ nebius: pricing_policy
        +------ nebius: registry.username
        +------ nebius: registry.secret
        -----k- nebius: registry
        -----v- nebius: registry_password
        -----+- nebius: env
        -+----- nebius: shm_size
        ---+--- nebius: public_ip
        +------ nebius: service_account
        -----+- nebius: labels
        v------ nebius: start_deadline
        +------ nebius: endpoint
        +------ nebius: auth_endpoint
        -----v- runpod: api_key
        +---+-- runpod: gpu
        -+----- runpod: gpu_count
        +---+-- runpod: cpu
        -+----- runpod: vcpus
        v------ runpod: cloud
        ----+-- runpod: data_centers
        +------ runpod: image
        +------ runpod: registry
        -+----- runpod: disk
        -+----- runpod: volume.size
        +------ runpod: volume.path
        -+---k- runpod: volume
        +------ runpod: network_volume.id
        +------ runpod: network_volume.path
        +----k- runpod: network_volume
        +------ runpod: min_cuda
        -+----- runpod: min_ram_per_gpu
        -+----- runpod: min_vcpu_per_gpu
        ----+-- runpod: ports
        -----+- runpod: env
        -++---- runpod: max_price
        +------ runpod: endpoint
        +---+-- ssh: hosts
        -+---i- ssh: slots
        ----+i- ssh: gpus
        -----i- ssh: labels
        +------ ssh: user
        +------ ssh: identity
        ---+--- ssh: agent
        +------ ssh: agent_socket
        v------ ssh: host_key_check
        +------ ssh: known_hosts
        +------ ssh: jump
        +------ ssh: ssh_dir
        v------ ssh: connect_timeout
        +------ ssh: work_dir
        ---+--- ssh: cache
        ---+--- ssh: sudo
        v------ ssh: prefer
        v------ ssh: wait_for_slot
        v------ ssh: grace
        +------ toy: name
        -+----- toy: room
        ");
    }
}

#[test]
fn a_number_that_is_not_finite_is_no_number_of_a_setting() {
    let error = read("[providers.p]\nkind = \"docker\"\ncpus = nan\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`providers.p.cpus` (p.toml:3) must be a number, not a number that is not finite"
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
