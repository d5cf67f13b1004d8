//! What people can do about a machine: ways in, and settings that help.

use super::config::AwsConfig;
use super::{Aws, region_of};
use crate::model::{BootCause, Condition, Instance, JobUser, text};

/// The user of Canonical's images, which are the default.
const UBUNTU: &str = "ubuntu";

/// Sizes of instance types, from small to large; each has about twice the memory of the one before. Families differ in
/// what comes after.
const SIZES: [&str; 7] = [
    "nano", "micro", "small", "medium", "large", "xlarge", "2xlarge",
];

/// The disk that is recommended where none is set, in GiB.
const ROOMY: u32 = 50;

/// The same type with about twice the memory; `None` where no size is known to be the next.
fn larger(kind: &str) -> Option<String> {
    let (family, size) = kind.split_once('.')?;
    let at = SIZES.iter().position(|one| *one == size)?;
    Some(format!("{family}.{}", SIZES.get(at + 1)?))
}

impl Aws {
    /// The commands that get a person in, or to what is left.
    pub(super) fn ways_in(&self, machine: &Instance) -> Vec<String> {
        let id = &machine.id;
        let Ok(region) = region_of(id) else {
            return Vec::new();
        };
        // Another profile's account does not have it.
        let profile = self
            .config
            .profile
            .as_deref()
            .map_or_else(String::new, |name| {
                format!(" --profile {}", text::typed(name))
            });
        let (region, id) = (format!("--region {region}{profile}"), &id.id);
        let console =
            format!("aws ec2 get-console-output {region} --instance-id {id} --output text");
        if let Condition::Ended(_) = machine.state {
            // For about an hour, which is as long as EC2 remembers the machine.
            return vec![console];
        }
        let user = self.config.login();
        let mut ways = Vec::new();
        let mut connect = format!("aws ec2-instance-connect ssh {region} --instance-id {id}");
        if let Some(user) = user {
            connect = format!("{connect} --os-user {user}");
        }
        ways.push(connect);
        if self.config.instance_profile.is_some() {
            ways.push(format!("aws ssm start-session {region} --target {id}"));
        }
        if let (Some(key), Some(user)) = (&self.config.key_name, user) {
            let key = text::typed(&format!("{key}.pem"));
            ways.push(format!(
                "ssh -i {key} {user}@$(aws ec2 describe-instances {region} --instance-ids {id} --query \
                 'Reservations[0].Instances[0].PublicIpAddress' --output text)"
            ));
        }
        ways.push(format!("{console} --latest"));
        ways
    }
}

impl AwsConfig {
    /// Whom jobs run as: a machine is rented for one of them, and is theirs.
    pub(super) fn job_user(&self) -> JobUser {
        JobUser {
            run_as: self.run_as.clone(),
            is_privileged: true,
            folders: Vec::new(),
        }
    }

    /// The user to log in as, where it is known.
    fn login(&self) -> Option<&str> {
        let is_default = self.image.is_none() && self.launch_template.is_none();
        let user = self.user.as_deref();
        user.or_else(|| is_default.then_some(UBUNTU))
    }

    /// The setting that helps against a cause.
    pub(super) fn remedy(&self, cause: BootCause) -> Option<String> {
        Some(match cause {
            BootCause::DiskFull => {
                let size = self.volume.as_ref().and_then(|volume| volume.size);
                let size = size.map_or(ROOMY, |size| size.saturating_mul(2));
                format!("set `volume = {{ size = {size} }}` (GiB)")
            }
            BootCause::OutOfMemory => {
                let first = self.instance_types.first().map(String::as_str);
                let first = first.or(self.launch_template.is_none().then_some(super::config::TYPE));
                match first.and_then(larger) {
                    Some(kind) => format!("set `instance_types = [\"{kind}\"]`"),
                    None => "set `instance_types` with more memory".to_owned(),
                }
            }
            BootCause::NoNetwork if self.public_ip == Some(true) => {
                "let the route table of `subnets` lead to an internet gateway, and `security_groups` let \
                 HTTPS out"
                    .to_owned()
            }
            BootCause::NoNetwork => {
                "set `public_ip = true`, or `subnets` that have a NAT gateway; and let `security_groups` allow HTTPS out \
                 (to `github.com` and `*.actions.githubusercontent.com`)"
                    .to_owned()
            }
            BootCause::RunnerTooOld => {
                "set `image` to one with a newer runner, or with none: then it is downloaded".to_owned()
            }
            BootCause::WrongPlatform => {
                "set `image` to a glibc system for the architecture of `instance_types`".to_owned()
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn remedy(table: serde_json::Value, cause: BootCause) -> Option<String> {
        let config: AwsConfig = serde_json::from_value(table).expect("a table");
        config.remedy(cause)
    }

    #[test]
    fn a_cause_is_met_with_a_setting_that_can_be_typed() {
        let disk = |table| remedy(table, BootCause::DiskFull).expect("a setting");
        assert!(disk(json!({})).contains("`volume = { size = 50 }`"));
        assert!(disk(json!({ "volume": { "size": 40 } })).contains("`volume = { size = 80 }`"));
        let memory = |table| remedy(table, BootCause::OutOfMemory).expect("a setting");
        assert!(memory(json!({})).contains("`instance_types = [\"t3.xlarge\"]`"));
        let types = json!({ "instance_types": ["c7i.xlarge", "t3.large"] });
        assert!(memory(types).contains("[\"c7i.2xlarge\"]"));
        // Not every family has the next size.
        let types = json!({ "instance_types": ["c7i.2xlarge"] });
        assert!(memory(types).contains("more memory"));
        assert!(memory(json!({ "instance_types": ["m5.metal"] })).contains("more memory"));
        let network = |table| remedy(table, BootCause::NoNetwork).expect("a setting");
        assert!(network(json!({})).contains("`public_ip = true`"));
        assert!(network(json!({})).contains("NAT"));
        assert!(!network(json!({ "public_ip": true })).contains("public_ip"));
        assert!(
            remedy(json!({}), BootCause::RunnerTooOld).is_some_and(|hint| hint.contains("`image`"))
        );
        assert_eq!(remedy(json!({}), BootCause::Setup), None);
    }
}
