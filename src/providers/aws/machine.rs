//! An instance as a machine.

use aws_sdk_ec2::types::{Instance as Found, InstanceStateName};
use jiff::Timestamp;

use super::places;
use crate::model::{Condition, Instance, InstanceId, MANAGED_BY, Tags};

/// Whether an instance carries our tag.
pub(super) fn is_ours(found: &Found) -> bool {
    tag(found, MANAGED_BY.0).as_deref() == Some(MANAGED_BY.1)
}

/// Reads a tag.
pub(super) fn tag(found: &Found, key: &str) -> Option<String> {
    let tag = found.tags().iter().find(|tag| tag.key() == Some(key))?;
    tag.value.clone()
}

/// Whether it is gone, or past stopping from going: neither is billed.
pub(super) fn is_gone(found: &Found) -> bool {
    let name = found.state.as_ref().and_then(|state| state.name.as_ref());
    matches!(
        name,
        Some(InstanceStateName::Terminated | InstanceStateName::ShuttingDown)
    )
}

/// Whether its tags can be read, so that a listing shows it while it is there.
pub(super) fn is_listed(found: &Found) -> bool {
    Tags::from_lookup(|key| tag(found, key)).is_some()
}

/// An instance as a machine; `None` when it is gone, or not ours to judge.
pub(super) fn machine(region: &str, found: &Found) -> Option<Instance> {
    let id = found.instance_id.clone()?;
    let Some(tags) = Tags::from_lookup(|key| tag(found, key)) else {
        if is_ours(found) && !is_gone(found) {
            tracing::warn!(
                "the instance `{id}` in `{region}` is marked as gharun's, but its tags could not \
                 be read: leaving it alone"
            );
        }
        return None;
    };
    let created = found
        .launch_time
        .and_then(|time| Timestamp::from_second(time.secs()).ok());
    Some(Instance {
        id: InstanceId {
            location: Some(places::place(region)),
            id,
        },
        state: condition(found)?,
        created: created.unwrap_or(tags.created),
        tags,
        price_per_hour: None,
    })
}

/// What an instance is doing; `None` when it is gone.
///
/// One that was terminated stays to be seen for about an hour. Whoever asked for that knows, and a
/// machine that powered itself off did as it should; but where AWS took it away, its end is told as
/// long as AWS remembers it.
fn condition(found: &Found) -> Option<Condition> {
    let name = found.state.as_ref().and_then(|state| state.name.as_ref());
    let reason = found.state_reason.as_ref();
    let code = reason
        .and_then(|reason| reason.code.as_deref())
        .unwrap_or_default();
    match name {
        Some(InstanceStateName::Running) => Some(Condition::Running),
        // It still bills its disk.
        Some(InstanceStateName::Stopped | InstanceStateName::Stopping) => Some(Condition::Ended(
            describe("stopped", reason.and_then(|r| r.message.as_deref()), code),
        )),
        Some(InstanceStateName::Terminated | InstanceStateName::ShuttingDown) => match code {
            "" | "Client.UserInitiatedShutdown" | "Client.InstanceInitiatedShutdown" => None,
            // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html
            "Server.SpotInstanceTermination" | "Server.SpotInstanceShutdown" => {
                Some(Condition::Ended(format!("spot interruption ({code})")))
            }
            code => {
                let message = reason.and_then(|reason| reason.message.as_deref());
                Some(Condition::Ended(describe(
                    "terminated by AWS",
                    message,
                    code,
                )))
            }
        },
        _ => Some(Condition::Pending),
    }
}

fn describe(what: &str, message: Option<&str>, code: &str) -> String {
    match message
        .filter(|message| !message.is_empty())
        .unwrap_or(code)
    {
        "" => what.to_owned(),
        // The message begins with the code.
        why => format!("{what}: {why}"),
    }
}
