//! Each kind of setting with a value that a stranger would write: whether it needs trust.

use super::*;
use crate::providers::schema::dotted;

/// The keys of a file that need trust.
fn sensitive(text: &str) -> Vec<String> {
    let file = SettingsFile::parse(Path::new("providers.toml"), text).expect("it parses");
    file.needing_trust().iter().map(|key| dotted(key)).collect()
}

#[test]
fn sizes_counts_labels_and_short_times_are_harmless() {
    for text in [
        "[defaults]\ncount = 3\nlabels = [\"gpu\"]\npoll_interval = \"5s\"\n",
        "[defaults]\nlifetime = \"7h\"\nidle_timeout = \"30m\"\ntimeout = \"15m\"\n",
        "[providers.local]\nkind = \"local\"\nslots = 4\n",
        #[cfg(feature = "aws")]
        "[providers.aws]\nregion = \"eu-west-1\"\nregions = [\"us-east-1\"]\ninstance_types = [\"g6.xlarge\"]\nmarket = \"spot\"\nmax_price = 1.5\nvolume = { size = 50 }\n",
        #[cfg(feature = "docker")]
        "[providers.docker]\ncpus = 2\nmemory = \"4g\"\nshm_size = \"1g\"\ngpus = \"all\"\nplatform = \"linux/arm64\"\n",
        #[cfg(feature = "runpod")]
        "[providers.runpod]\ngpu = \"L40S\"\ngpu_count = 2\ndisk = 50\nmax_price = 2\n",
        #[cfg(feature = "nebius")]
        "[providers.nebius]\nplatform = \"gpu-h100-sxm\"\npreset = \"1gpu-16vcpu-200gb\"\npreemptible = true\n",
    ] {
        assert_eq!(sensitive(text), [""; 0], "{text}");
    }
}

#[test]
fn whatever_keeps_machines_blinds_a_sweep_chooses_places_or_gives_rights_away_needs_trust() {
    for line in [
        // What is kept, and for how long.
        "lifetime = \"7h 1m\"",
        "idle_timeout = \"31m\"",
        "idle_timeout = \"0\"",
        "timeout = \"16m\"",
        "keep_failed = true",
        "allow_partial = true",
        // What a sweep looks at and ends.
        "older_than = \"8000h\"",
        "second_look = \"1000h\"",
        "second_look = \"0s\"",
        "group = \"other\"",
        // Where jobs run, what they run, and what they are given.
        "providers = [\"local\"]",
        "registration = \"token\"",
        "runner_version = \"2.300.0\"",
        "setup = \"./setup.sh\"",
    ] {
        let key = line.split(' ').next().expect("a word");
        assert_eq!(
            sensitive(&format!("[defaults]\n{line}\n")),
            [format!("defaults.{key}")],
            "{line}"
        );
    }
    for (table, line) in [
        ("local", "grace = \"1000h\""),
        ("local", "env = { PATH = \"/tmp\" }"),
        ("gpu", "kind = \"local\""),
        #[cfg(feature = "aws")]
        ("aws", "kind = \"local\""),
        #[cfg(feature = "aws")]
        ("aws", "search_regions = [\"eu-west-3\"]"),
        #[cfg(feature = "aws")]
        ("aws", "profile = \"other\""),
        #[cfg(feature = "aws")]
        ("aws", "image = \"ami-0123456789abcdef0\""),
        #[cfg(feature = "aws")]
        ("aws", "endpoint = \"https://elsewhere.example\""),
        #[cfg(feature = "ssh")]
        ("ssh", "hosts = [\"elsewhere.example\"]"),
        #[cfg(feature = "ssh")]
        ("ssh", "connect_timeout = \"1ms\""),
        #[cfg(feature = "docker")]
        ("docker", "host = \"tcp://elsewhere.example:2375\""),
        #[cfg(feature = "docker")]
        ("docker", "pull = \"never\""),
        #[cfg(feature = "runpod")]
        ("runpod", "api_key = { command = [\"./key.sh\"] }"),
        #[cfg(feature = "nebius")]
        ("nebius", "project = \"project-x\""),
        #[cfg(feature = "nebius")]
        ("nebius", "product = \"vm\""),
    ] {
        let key = line.split(' ').next().expect("a word");
        assert_eq!(
            sensitive(&format!("[providers.{table}]\n{line}\n")),
            [format!("providers.{table}.{key}")],
            "{table}: {line}"
        );
    }
    for line in [
        "api_url = \"https://elsewhere.example/api/v3\"",
        "ca_bundle = \"./ca.pem\"",
        "repo = \"octo/other\"",
        "runner_group = \"other\"",
        "token = { env = \"OTHER\" }",
        "allow_plain_http = true",
    ] {
        let key = line.split(' ').next().expect("a word");
        assert_eq!(
            sensitive(&format!("[github]\n{line}\n")),
            [format!("github.{key}")],
            "{line}"
        );
    }
}
