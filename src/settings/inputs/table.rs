//! The table of all inputs of the action: its own, and those of the two actions whose workflows run with another
//! `uses:` alone.

use super::ec2;
use super::given::GivenInputs;
use super::reading::{Ec2Misfit, Ec2Setting, split};

/// In whose spelling an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// Ours.
    Gharun,
    /// That of <https://github.com/machulav/ec2-github-runner>, as of its version 2.6.1.
    Machulav,
    /// That of <https://github.com/omsf/start-aws-gha-runner> and <https://github.com/omsf/stop-aws-gha-runner>, as of
    /// their versions 1.x.
    Omsf,
}

impl Spelling {
    /// What people call the action.
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::Gharun => "gharun",
            Self::Machulav => "machulav/ec2-github-runner",
            Self::Omsf => "omsf/start-aws-gha-runner",
        }
    }
}

/// For which commands an input means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// For all that can use it; that it is there does not tell which is meant.
    Any,
    /// For a start alone, or in a step that names no command: see [`Row::starts`].
    Start,
    /// For a stop alone.
    Stop,
}

/// What an input becomes.
#[derive(Clone, Copy)]
pub(super) enum Becomes {
    /// The command.
    Command,
    /// The names of providers.
    Providers,
    /// `--set`, a line each.
    Sets,
    /// Further options, a line each.
    Arguments,
    /// `--timeout`, which has a variable for `start` alone.
    Timeout,
    /// What `start` handed to `stop`: that it is there, also empty, means a stop.
    Mapping,
    /// An additional label of a start; for a stop the name of the runner.
    Label,
    /// For a stop the instance's ID.
    Instance,
    /// What a variable would say, in other words.
    Variable(&'static str, Reader),
    /// What a variable would say, and no text of ours may show.
    Secret(&'static str),
    /// A script that runs before the runner.
    Script,
    /// Packages that such a script installs.
    Packages,
    /// More words on the screen.
    Verbose,
    /// Settings of a table of the kind `aws`.
    Ec2(Ec2Reader),
    /// Nothing: gharun does by itself what it is about, or does not need it.
    Ignored,
    /// Nothing here: it is read elsewhere.
    ReadElsewhere,
}

/// Reads the text of an input; the error is what it must be.
pub(super) type Reader = fn(&str) -> Result<String, &'static str>;
/// Reads the settings that an input is about.
pub(super) type Ec2Reader = fn(&str, &GivenInputs) -> Result<Vec<Ec2Setting>, Ec2Misfit>;

/// One row of the table.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// Its name, in small letters.
    pub(super) name: &'static str,
    /// Whose it is.
    pub(super) spelling: Spelling,
    /// What for.
    pub(super) audience: Audience,
    /// What it becomes.
    pub(super) becomes: Becomes,
}

impl Row {
    /// Whether a step that names no command starts machines by this input: a machine of the one action that has no input for
    /// a command. All others would be a guess, and that costs money.
    pub(super) fn starts(&self) -> bool {
        let is_machine = matches!(self.becomes, Becomes::Ec2(_));
        is_machine && self.spelling == Spelling::Omsf && self.audience == Audience::Start
    }
}

use Audience::{Any, Start, Stop};
use Becomes::{
    Arguments, Command, Ec2, Ignored, Instance, Label, Mapping, Packages, Providers, ReadElsewhere,
    Script, Secret, Sets, Timeout, Variable, Verbose,
};
use Spelling::{Gharun, Machulav, Omsf};

/// All inputs.
#[rustfmt::skip]
pub(super) const INPUTS: &[Row] = &[
    Row { name: "command", spelling: Gharun, audience: Any, becomes: Command },
    Row { name: "provider", spelling: Gharun, audience: Start, becomes: Providers },
    Row { name: "set", spelling: Gharun, audience: Start, becomes: Sets },
    Row { name: "count", spelling: Gharun, audience: Start, becomes: Variable("GHARUN_COUNT", plain) },
    Row { name: "label", spelling: Gharun, audience: Any, becomes: Label },
    Row { name: "labels", spelling: Gharun, audience: Start, becomes: Variable("GHARUN_LABELS", words) },
    Row { name: "timeout", spelling: Gharun, audience: Any, becomes: Timeout },
    Row { name: "lifetime", spelling: Gharun, audience: Start, becomes: Variable("GHARUN_LIFETIME", plain) },
    Row { name: "idle-timeout", spelling: Gharun, audience: Start, becomes: Variable("GHARUN_IDLE_TIMEOUT", plain) },
    Row { name: "group", spelling: Gharun, audience: Any, becomes: Variable("GHARUN_GROUP", plain) },
    Row { name: "setup", spelling: Gharun, audience: Start, becomes: Variable("GHARUN_SETUP", plain) },
    Row { name: "repo", spelling: Gharun, audience: Any, becomes: Variable("GHARUN_REPO", plain) },
    Row { name: "org", spelling: Gharun, audience: Any, becomes: Variable("GHARUN_ORG", plain) },
    Row { name: "runner-group", spelling: Gharun, audience: Any, becomes: Variable("GHARUN_RUNNER_GROUP", plain) },
    Row { name: "config", spelling: Gharun, audience: Any, becomes: Variable("GHARUN_CONFIG", plain) },
    Row { name: "allow-partial", spelling: Gharun, audience: Start, becomes: Variable("GHARUN_ALLOW_PARTIAL", plain) },
    Row { name: "allow-forks", spelling: Gharun, audience: Any, becomes: ReadElsewhere },
    Row { name: "token", spelling: Gharun, audience: Any, becomes: Secret("GHARUN_GITHUB_TOKEN") },
    Row { name: "app-id", spelling: Gharun, audience: Any, becomes: Variable("GHARUN_APP_ID", plain) },
    Row { name: "app-private-key", spelling: Gharun, audience: Any, becomes: Secret("GHARUN_APP_PRIVATE_KEY") },
    Row { name: "mapping", spelling: Gharun, audience: Stop, becomes: Mapping },
    // The script that installs the binary reads it.
    Row { name: "version", spelling: Gharun, audience: Any, becomes: ReadElsewhere },
    Row { name: "args", spelling: Gharun, audience: Any, becomes: Arguments },

    // `label` is above.
    Row { name: "mode", spelling: Machulav, audience: Any, becomes: Command },
    Row { name: "github-token", spelling: Machulav, audience: Any, becomes: Secret("GHARUN_GITHUB_TOKEN") },
    Row { name: "ec2-image-id", spelling: Machulav, audience: Start, becomes: Ec2(ec2::image) },
    Row { name: "ec2-instance-type", spelling: Machulav, audience: Start, becomes: Ec2(ec2::instance_types) },
    Row { name: "subnet-id", spelling: Machulav, audience: Start, becomes: Ec2(ec2::subnets) },
    Row { name: "security-group-id", spelling: Machulav, audience: Start, becomes: Ec2(ec2::security_groups) },
    Row { name: "availability-zones-config", spelling: Machulav, audience: Start, becomes: Ec2(ec2::zones) },
    Row { name: "ec2-instance-id", spelling: Machulav, audience: Stop, becomes: Instance },
    Row { name: "iam-role-name", spelling: Machulav, audience: Start, becomes: Ec2(ec2::instance_profile) },
    Row { name: "aws-resource-tags", spelling: Machulav, audience: Start, becomes: Ec2(ec2::tags) },
    Row { name: "market-type", spelling: Machulav, audience: Start, becomes: Ec2(ec2::market) },
    Row { name: "block-device-mappings", spelling: Machulav, audience: Start, becomes: Ec2(ec2::disks) },
    Row { name: "ec2-volume-size", spelling: Machulav, audience: Start, becomes: Ec2(ec2::disk_size) },
    Row { name: "ec2-volume-type", spelling: Machulav, audience: Start, becomes: Ec2(ec2::disk_type) },
    Row { name: "metadata-options", spelling: Machulav, audience: Start, becomes: Ec2(ec2::metadata) },
    Row { name: "pre-runner-script", spelling: Machulav, audience: Start, becomes: Script },
    Row { name: "packages", spelling: Machulav, audience: Start, becomes: Packages },
    Row { name: "startup-timeout-minutes", spelling: Machulav, audience: Start, becomes: Variable("GHARUN_TIMEOUT", minutes) },
    Row { name: "run-runner-as-user", spelling: Machulav, audience: Start, becomes: Ec2(ec2::run_as) },
    Row { name: "runner-group-id", spelling: Machulav, audience: Start, becomes: Variable("GHARUN_RUNNER_GROUP", plain) },
    Row { name: "runner-debug", spelling: Machulav, audience: Any, becomes: Verbose },
    // The image says which device its root disk is.
    Row { name: "ec2-device-name", spelling: Machulav, audience: Start, becomes: Ignored },
    // Every runner of gharun is just-in-time where the server has that, and serves one job.
    Row { name: "use-jit", spelling: Machulav, audience: Any, becomes: Ignored },
    Row { name: "run-runner-as-service", spelling: Machulav, audience: Start, becomes: Ignored },
    // An installed runner is found, and any other put where there is room.
    Row { name: "runner-home-dir", spelling: Machulav, audience: Start, becomes: Ignored },
    // GitHub is asked from the beginning, and as often as its limits allow.
    Row { name: "startup-quiet-period-seconds", spelling: Machulav, audience: Start, becomes: Ignored },
    Row { name: "startup-retry-interval-seconds", spelling: Machulav, audience: Start, becomes: Ignored },

    // `repo` is above.
    Row { name: "aws_image_id", spelling: Omsf, audience: Start, becomes: Ec2(ec2::image_or_latest) },
    Row { name: "aws_image_name", spelling: Omsf, audience: Start, becomes: Ec2(ec2::image_by_name) },
    Row { name: "aws_instance_type", spelling: Omsf, audience: Start, becomes: Ec2(ec2::instance_types) },
    Row { name: "aws_region_name", spelling: Omsf, audience: Any, becomes: Ec2(ec2::region) },
    Row { name: "aws_subnet_id", spelling: Omsf, audience: Start, becomes: Ec2(ec2::subnets) },
    Row { name: "aws_security_group_id", spelling: Omsf, audience: Start, becomes: Ec2(ec2::security_groups) },
    Row { name: "aws_root_device_size", spelling: Omsf, audience: Start, becomes: Ec2(ec2::disk_size) },
    Row { name: "aws_iam_role", spelling: Omsf, audience: Start, becomes: Ec2(ec2::instance_profile) },
    Row { name: "aws_tags", spelling: Omsf, audience: Start, becomes: Ec2(ec2::tags) },
    Row { name: "extra_gh_labels", spelling: Omsf, audience: Start, becomes: Variable("GHARUN_LABELS", words) },
    Row { name: "instance_count", spelling: Omsf, audience: Start, becomes: Variable("GHARUN_COUNT", plain) },
    Row { name: "gh_timeout", spelling: Omsf, audience: Start, becomes: Variable("GHARUN_TIMEOUT", seconds) },
    Row { name: "instance_mapping", spelling: Omsf, audience: Stop, becomes: Mapping },
    // Any folder of the runner's user will do.
    Row { name: "aws_home_dir", spelling: Omsf, audience: Start, becomes: Ignored },
];

/// The row of an input.
pub(super) fn row(name: &str) -> Option<&'static Row> {
    INPUTS.iter().find(|row| row.name == name)
}

#[expect(clippy::unnecessary_wraps, reason = "a reader of the table")]
fn plain(text: &str) -> Result<String, &'static str> {
    Ok(text.to_owned())
}

/// Words divided by commas, blanks or lines.
#[expect(clippy::unnecessary_wraps, reason = "a reader of the table")]
pub(super) fn words(text: &str) -> Result<String, &'static str> {
    Ok(split(text).collect::<Vec<_>>().join(","))
}

fn seconds(text: &str) -> Result<String, &'static str> {
    let seconds: u32 = text.parse().map_err(|_| "a number of seconds")?;
    Ok(format!("{seconds}s"))
}

fn minutes(text: &str) -> Result<String, &'static str> {
    let minutes: u32 = text.parse().map_err(|_| "a number of minutes")?;
    Ok(format!("{minutes}m"))
}
