//! Instances that were accepted and never came up, by the reason that EC2 gives.

use aws_sdk_ec2::types::Instance as Found;

use super::Aws;
use super::candidates::Candidate;
use super::config::AwsConfig;
use super::failure::QuotaOf;
use super::machine::is_gone;
use super::quota::UsedUp;
use crate::model::{Condition, Instance, lock};
use crate::providers::{Error, ErrorKind};

/// What EC2 says of an instance that ended without being told to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    code: String,
    message: String,
}

impl Reason {
    /// The reason of an instance that is gone.
    pub(super) fn of(found: &Found) -> Option<Self> {
        let reason = found.state_reason.as_ref().filter(|_| is_gone(found))?;
        Some(Self {
            code: reason.code.clone()?,
            message: reason.message.clone().unwrap_or_default(),
        })
    }

    /// Why a launch came to this; `None` where it tells nothing of the launch.
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html>,
    /// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html>
    fn meaning(&self, config: &AwsConfig, region: &str) -> Option<Error> {
        let full = |message: &str| Error::new(ErrorKind::NoCapacity, message);
        let volume = config.volume.as_ref();
        Some(match self.code.as_str() {
            "Server.InsufficientInstanceCapacity" => {
                full("EC2 has no capacity for it after all")
            }
            "Server.SpotInstanceShutdown" | "Server.SpotInstanceTermination" => {
                full("EC2 took the spot machine back before its runner was online")
            }
            "Server.InternalError" => {
                Error::new(ErrorKind::Unavailable, "EC2 failed to launch it")
            }
            "Client.VolumeLimitExceeded" => full(
                "the AWS account's limit of disks in this region is reached",
            )
            .about("volume.size")
            .hinted(format!(
                "delete disks that are not attached (`aws ec2 describe-volumes --region {region} --filters \
                 Name=status,Values=available`), or set a smaller `volume = {{ size = … }}`"
            )),
            "Client.InvalidSnapshot.NotFound" => {
                Error::setting("image", "a snapshot that the image consists of was deleted")
                    .hinted("set another `image`")
            }
            code if code == "Client.InternalError" || code.starts_with("Client.InvalidKMSKey") => {
                let (key, what) = if volume.is_some_and(|volume| volume.kms_key.is_some()) {
                    ("volume.kms_key", "the key `volume.kms_key`")
                } else if volume.is_some_and(|volume| volume.encrypted == Some(true)) {
                    ("volume.encrypted", "the account's default key for disks")
                } else {
                    ("image", "the key that encrypts the disks of the image")
                };
                Error::setting(key, format!("EC2 could not launch it, usually because of {what}"))
                    .hinted(
                        "in IAM and in the policy of that key, allow `kms:CreateGrant`, `kms:Decrypt`, `kms:DescribeKey` and \
                         `kms:GenerateDataKeyWithoutPlaintext` to the user or role that `aws sts get-caller-identity` names"
                    )
            }
            _ => return None,
        })
    }

    /// What is used up in the region of a launch that came to this.
    fn used_up(&self, candidate: &Candidate) -> Option<UsedUp> {
        let kind = candidate.kind.as_deref().unwrap_or_default();
        (self.code == "Client.VolumeLimitExceeded")
            .then(|| UsedUp::by(candidate, kind, QuotaOf::Region))
    }

    fn said(&self) -> String {
        match self.message.as_str() {
            "" => format!("EC2 says {}", self.code),
            // It begins with the code, most of the time.
            message if message.starts_with(&self.code) => format!("EC2 says {message}"),
            message => format!("EC2 says {}: {message}", self.code),
        }
    }
}

/// What this process found out about its candidates while it was launching.
#[derive(Debug, Default)]
pub(super) struct Wanting {
    /// Candidates that took an order and had no room for it after all.
    lacking: Vec<(Candidate, Error)>,
    /// Limits of the account that an accepted order came up against.
    used_up: Vec<(UsedUp, Error)>,
    /// What is wrong with every order.
    wrong: Option<Error>,
}

impl Wanting {
    /// The error of a candidate that is not to be tried again at once.
    pub(super) fn lacks(&self, candidate: &Candidate) -> Option<&Error> {
        let mut all = self.lacking.iter();
        let own = all.find(|(one, _)| one == candidate);
        let counted = || {
            self.used_up
                .iter()
                .find(|(used_up, _)| used_up.holds(candidate))
        };
        own.map(|(_, why)| why)
            .or_else(|| counted().map(|(_, why)| why))
    }

    /// What is wrong with every order.
    pub(super) fn wrong(&self) -> Option<&Error> {
        self.wrong.as_ref()
    }

    fn note(&mut self, candidate: &Candidate, used_up: Option<UsedUp>, why: &Error) {
        match why.kind {
            ErrorKind::NoCapacity if self.lacks(candidate).is_some() => {}
            ErrorKind::NoCapacity => match used_up {
                Some(used_up) => self.used_up.push((used_up, why.clone())),
                None => self.lacking.push((candidate.clone(), why.clone())),
            },
            ErrorKind::Config => self.wrong = Some(why.clone()),
            // EC2's own fault may be over by the next launch.
            _ => {}
        }
    }
}

impl Aws {
    /// Why an instance that was launched here ended before it was of use; `None` where it has not, or nothing tells.
    pub(super) fn why_ended(&self, machine: &Instance) -> Option<Error> {
        let Condition::Ended(_) = machine.state else {
            return None;
        };
        let mut memory = lock(&self.memory);
        let launched = memory.launched.get(&machine.id.id)?;
        let candidate = launched.candidate.clone();
        let reason = launched.reason.clone()?;
        let error = reason.meaning(&self.config, &candidate.region)?;
        let message = format!("{candidate}: {}", error.message());
        let error = error.saying(message).because(reason.said());
        memory
            .wanting
            .note(&candidate, reason.used_up(&candidate), &error);
        Some(error)
    }

    /// Remembers why instances that were launched here have ended.
    pub(super) fn note_reasons(&self, found: &[Found]) {
        let mut memory = lock(&self.memory);
        for found in found {
            if let Some(reason) = Reason::of(found)
                && let Some(id) = &found.instance_id
                && let Some(launched) = memory.launched.get_mut(id)
            {
                launched.reason = Some(reason);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn meaning(code: &str, table: serde_json::Value) -> Option<Error> {
        let config: AwsConfig = serde_json::from_value(table).expect("a table");
        let reason = Reason {
            code: code.to_owned(),
            message: format!("{code}: said by EC2"),
        };
        reason.meaning(&config, "us-east-1")
    }

    #[test]
    fn a_reason_is_of_room_of_the_order_or_of_neither() {
        let key = json!({ "volume": { "kms_key": "alias/x" } });
        for (code, table, kind, setting) in [
            (
                "Server.InsufficientInstanceCapacity",
                json!({}),
                ErrorKind::NoCapacity,
                None,
            ),
            (
                "Server.SpotInstanceTermination",
                json!({}),
                ErrorKind::NoCapacity,
                None,
            ),
            (
                "Server.InternalError",
                json!({}),
                ErrorKind::Unavailable,
                None,
            ),
            (
                "Client.VolumeLimitExceeded",
                json!({}),
                ErrorKind::NoCapacity,
                Some("volume.size"),
            ),
            (
                "Client.InvalidSnapshot.NotFound",
                json!({}),
                ErrorKind::Config,
                Some("image"),
            ),
            (
                "Client.InternalError",
                json!({}),
                ErrorKind::Config,
                Some("image"),
            ),
            (
                "Client.InternalError",
                key.clone(),
                ErrorKind::Config,
                Some("volume.kms_key"),
            ),
        ] {
            let error = meaning(code, table).expect(code);
            assert_eq!((error.kind, error.key()), (kind, setting), "{code}");
            assert!(
                error.kind != ErrorKind::Config || !error.hints().is_empty(),
                "{code}"
            );
        }
        for code in [
            "Client.UserInitiatedShutdown",
            "Client.InstanceInitiatedShutdown",
        ] {
            assert!(meaning(code, json!({})).is_none(), "{code}");
        }
    }
}
