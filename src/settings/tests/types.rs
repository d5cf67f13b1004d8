//! Every key of the file with a value of every type: what fits is taken, and of all else it is said what it must be.

use super::super::file::FileContents;
use super::*;
use crate::providers::KINDS;
use crate::providers::schema::Shape;

/// A value of each type of TOML, and what errors call the type.
pub(super) const VALUES: [(&str, &str); 7] = [
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
pub(super) fn read(text: &str) -> Result<()> {
    let file = SettingsFile::parse(Path::new("p.toml"), text)?;
    let tables = Tables::resolve(&[], &Env::default(), &file)?;
    tables.settings(&tables.named()).map(drop)
}

/// One letter for each value: `+` is taken, `v` has the right type and cannot be that value, `k` is a table with
/// unknown keys, `i` something in it is wrong, and `-` is of a wrong type.
fn row(key: &Key) -> String {
    VALUES
        .iter()
        .map(|(value, name)| key.letter(value, name))
        .collect()
}

fn letter(table: &str, prelude: &str, key: &str, value: &str, name: &str) -> char {
    let text = format!("[{table}]\n{prelude}{key} = {value}\n");
    let line = text.lines().count();
    let whole = format!("{table}.{key}");
    let Err(error) = read(&text) else {
        return '+';
    };
    let said = error.to_string();
    if said == format!("p.toml:{line}: unknown key `x` in [{whole}]") {
        return 'k';
    }
    let around = whole.rsplit_once('.').map(|(around, _)| around);
    let of_all = around.is_some_and(|around| said.starts_with(&format!("`{around}` (")));
    if of_all || said.contains(" is not set.") {
        // It is taken, and another key has to go with it.
        return '+';
    }
    let rest = |inside: &str| said.strip_prefix(&format!("`{whole}{inside}` (p.toml:{line}) "));
    let inside = [".x", "[0]"].into_iter().find_map(rest);
    let Some(rest) = rest("").or(inside) else {
        panic!("{text}{said}");
    };
    let Some(must) = rest.strip_prefix("must be ") else {
        return 'v';
    };
    let (must, not) = must.rsplit_once(", not ").expect("it says what it is");
    assert!(!must.is_empty(), "{said}");
    let shown = format!("`{}`", value.trim_matches('"'));
    // A duration may be the number 0.
    let values = [shown.as_str(), "another value", "a table with `x`", "`0s`"];
    if inside.is_some() {
        'i'
    } else if not == name || not == "the secret itself" {
        '-'
    } else {
        assert!(values.contains(&not), "{text}{said}");
        'v'
    }
}

/// A key, for a test of all of them.
pub(super) struct Key {
    /// `kind: key`, or `table.key`.
    pub(super) name: String,
    pub(super) table: String,
    /// What else the table must hold.
    pub(super) prelude: String,
    pub(super) key: String,
}

impl Key {
    pub(super) fn letter(&self, value: &str, name: &str) -> char {
        letter(&self.table, &self.prelude, &self.key, value, name)
    }
}

/// Every key of a table that is no kind's.
fn fixed_keys() -> Vec<Key> {
    let schema = schemars::schema_for!(FileContents);
    let mut all = Vec::new();
    for table in ["defaults", "github"] {
        let mut paths = Vec::new();
        for shape in Shape::of(&schema).inside(table) {
            keys(shape, &[], &mut paths);
        }
        all.extend(paths.into_iter().map(|path| Key {
            name: format!("{table}.{}", path.join(".")),
            table: table.to_owned(),
            prelude: String::new(),
            key: path.join("."),
        }));
    }
    all
}

/// Every key of every kind, in a table of that kind.
fn keys_of_kinds() -> Vec<Key> {
    let mut all = Vec::new();
    for kind in KINDS {
        let schema = kind.schema();
        let shape = Shape::of(&schema);
        let required = schema.get("required").and_then(|keys| keys.as_array());
        let required = required
            .into_iter()
            .flatten()
            .filter_map(|key| key.as_str());
        let required: Vec<(&str, &str)> = required
            .map(|key| {
                let secret = shape.inside(key).into_iter().any(Shape::is_secret);
                let list = shape
                    .inside(key)
                    .into_iter()
                    .any(|one| one.items().is_some());
                let value = match (secret, list) {
                    (true, _) => "{ env = \"KEY\" }",
                    (false, true) => "[\"a\"]",
                    (false, false) => "\"a\"",
                };
                (key, value)
            })
            .collect();
        let mut paths = Vec::new();
        keys(shape, &[], &mut paths);
        all.extend(paths.into_iter().map(|path| {
            let others = required.iter().filter(|(key, _)| path[0] != *key);
            let others = others.map(|(key, value)| format!("{key} = {value}\n"));
            Key {
                name: format!("{}: {}", kind.name, path.join(".")),
                table: "providers.p".to_owned(),
                prelude: format!("kind = \"{}\"\n{}", kind.name, others.collect::<String>()),
                key: path.join("."),
            }
        }));
    }
    all
}

pub(super) fn all_keys() -> Vec<Key> {
    fixed_keys().into_iter().chain(keys_of_kinds()).collect()
}

#[test]
fn every_key_of_the_fixed_tables_times_every_type() {
    let mut table = String::from("string integer float boolean array table datetime\n");
    for key in fixed_keys() {
        writeln!(table, "{} {}", row(&key), key.name).unwrap();
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
    ---+--- github.allow_plain_http
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
    for key in keys_of_kinds() {
        let (name, row) = (&key.name, row(&key));
        assert!(
            row.contains('-') && row.ends_with(['-', 'i']),
            "{name}: {row}"
        );
        writeln!(table, "{row} {name}").unwrap();
    }
    // With every kind, and the toy of the tests.
    if KINDS.len() == 7 {
        insta::assert_snapshot!(table, @"
        string integer float boolean array table datetime
        v------ aws: region
        ----i-- aws: regions
        v---i-- aws: search_regions
        +------ aws: profile
        +------ aws: endpoint
        ---+--- aws: allow_plain_http
        ----+-- aws: instance_types
        +------ aws: image.owner
        +------ aws: image.name
        +------ aws: image.arch
        v---ik- aws: image
        ----i-- aws: subnets
        ----i-- aws: security_groups
        ---+--- aws: public_ip
        +------ aws: key_name
        +------ aws: instance_profile
        v------ aws: market
        -vv---- aws: max_price
        v------ aws: capacity_reservation
        -+----- aws: volume.size
        +------ aws: volume.type
        -+----- aws: volume.iops
        -+----- aws: volume.throughput
        ---+--- aws: volume.encrypted
        +------ aws: volume.kms_key
        -----k- aws: volume
        -----+- aws: tags
        +------ aws: user
        +------ aws: run_as
        -+----- aws: metadata_hop_limit
        v------ aws: capacity_wait
        +------ aws: launch_template.id
        +------ aws: launch_template.name
        +------ aws: launch_template.version
        -----k- aws: launch_template
        v------ docker: config_dir
        +------ docker: context
        +------ docker: host
        ---+--- docker: tls_verify
        ---+--- docker: allow_plain_http
        v------ docker: cert_path
        +------ docker: image
        v------ docker: pull
        +------ docker: platform
        -++---- docker: cpus
        vv----- docker: memory
        v+----- docker: shm_size
        v+--+-- docker: gpus
        ----i-- docker: devices
        ----i-- docker: volumes
        -----+- docker: env
        +------ docker: network
        +------ docker: user
        +------ docker: run_as
        ---+--- docker: privileged
        +------ docker: runtime
        ---+--- docker: docker_socket
        ----i-- docker: extra_hosts
        ---+--- docker: init
        -----+- docker: labels
        -+----- local: slots
        v------ local: work_dir
        v------ local: cache
        v------ local: grace
        -----+- local: env
        +------ local: run_as
        v------ nebius: product
        v------ nebius: project
        v------ nebius: tenant
        -----v- nebius: iam_token
        v----v- nebius: service_account_key
        +------ nebius: profile
        v------ nebius: config_file
        +---+-- nebius: platform
        +---+-- nebius: preset
        v------ nebius: subnet
        +------ nebius: image
        v------ nebius: disk.type
        -+----- nebius: disk.size
        -----k- nebius: disk
        ---+--- nebius: preemptible
        v------ nebius: pricing_policy
        +------ nebius: registry.username
        +------ nebius: registry.secret
        -----k- nebius: registry
        -----v- nebius: registry_password
        -----+- nebius: env
        -+----- nebius: shm_size
        ---+--- nebius: public_ip
        v------ nebius: service_account
        v------ nebius: ssh_key
        +------ nebius: run_as
        -----+- nebius: labels
        v------ nebius: start_deadline
        v------ nebius: endpoint
        v------ nebius: auth_endpoint
        ---+--- nebius: allow_plain_http
        -----v- runpod: api_key
        +---+-- runpod: gpu
        -+----- runpod: gpu_count
        +---+-- runpod: cpu
        -v----- runpod: vcpus
        v------ runpod: cloud
        ----+-- runpod: data_centers
        +------ runpod: image
        +------ runpod: registry
        -+----- runpod: disk
        -+----- runpod: volume.size
        +------ runpod: volume.path
        -v---k- runpod: volume
        +------ runpod: network_volume.id
        +------ runpod: network_volume.path
        +----k- runpod: network_volume
        v------ runpod: min_cuda
        -+----- runpod: min_ram_per_gpu
        -+----- runpod: min_vcpu_per_gpu
        ----i-- runpod: ports
        -----+- runpod: env
        +------ runpod: run_as
        -++---- runpod: max_price
        v------ runpod: endpoint
        ---+--- runpod: allow_plain_http
        +---+-- ssh: hosts
        -+---i- ssh: slots
        ----+i- ssh: gpus
        -----i- ssh: labels
        +------ ssh: user
        v----v- ssh: identity
        ---+--- ssh: agent
        v------ ssh: agent_socket
        v------ ssh: host_key_check
        v------ ssh: known_hosts
        +------ ssh: jump
        v------ ssh: ssh_dir
        v------ ssh: connect_timeout
        v------ ssh: work_dir
        ---+--- ssh: cache
        ---+--- ssh: sudo
        +------ ssh: run_as
        v------ ssh: prefer
        v------ ssh: wait_for_slot
        v------ ssh: grace
        +------ toy: name
        -+----- toy: room
        ");
    }
}
