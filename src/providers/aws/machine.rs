//! An instance as a machine.

use aws_sdk_ec2::types::{Instance as Found, InstanceStateName};
use jiff::Timestamp;

use super::candidates;
use crate::model::{Condition, Instance, InstanceId, MANAGED_BY, Name, Tags};
use crate::providers::{Error, ErrorKind, Unjudged};

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

/// Whether gharun launched an instance under the name that its tags say: whoever may write tags can forge them all,
/// and not the token of its creation.
pub(super) fn is_foreign(found: &Found) -> bool {
    let name = tag(found, "gharun-name").and_then(|name| name.parse::<Name>().ok());
    let token = found.client_token().filter(|token| !token.is_empty());
    match (token, name) {
        (Some(token), name) => !candidates::may_be_token(token, name.as_ref()),
        // A server of EC2's kind that does not show it leaves the tags to be believed.
        (None, _) => false,
    }
}

fn id_of(place: &str, found: &Found) -> Option<InstanceId> {
    Some(InstanceId {
        location: Some(place.to_owned()),
        id: found.instance_id.clone()?,
    })
}

/// An instance as a machine, or why it cannot be judged; `None` when it is gone, or does not bear our mark.
pub(super) fn judged(place: &str, found: &Found) -> Option<Result<Instance, Unjudged>> {
    if !is_ours(found) {
        return None;
    }
    let unjudged = |id| Unjudged::by_tags(id, |key| tag(found, key));
    if is_foreign(found) {
        let id = id_of(place, found).filter(|_| !is_gone(found))?;
        return Some(Err(unjudged(id).foreign(foreign())));
    }
    match machine(place, found) {
        Some(machine) => Some(Ok(machine)),
        // It is gone for a reason that is no news, or its tags cannot be read.
        None if is_gone(found) => None,
        None => Some(Err(unjudged(id_of(place, found)?))),
    }
}

/// The error for an instance that others launched.
pub(super) fn foreign() -> Error {
    Error::new(
        ErrorKind::Denied,
        "it has gharun's tags, but gharun did not launch it under their name",
    )
    .because("the token of its creation does not fit `gharun-name`, which only forged or changed tags explain")
}

/// An instance as a machine; `None` when it is gone, or its tags cannot be read.
pub(super) fn machine(place: &str, found: &Found) -> Option<Instance> {
    let tags = Tags::from_lookup(|key| tag(found, key))?;
    let created = found
        .launch_time
        .and_then(|time| Timestamp::from_second(time.secs()).ok());
    Some(Instance {
        id: id_of(place, found)?,
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
