//! An instance as a machine.

use aws_sdk_ec2::types::{Instance as Found, InstanceLifecycleType, InstanceStateName};
use jiff::Timestamp;

use super::candidates::PurchaseOption;
use super::clients::Server;
use super::places::RegionOfAccount;
use super::{LaunchMemory, candidates};
use crate::model::{Condition, Instance, InstanceId, MANAGED_BY, Name, Rental, Tags};
use crate::providers::{Error, ErrorKind, MayBe, Unjudged};

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

/// Who launched an instance that bears our tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Launcher {
    /// gharun, under the name that its tags say.
    Gharun,
    /// Somebody else, or gharun under another name.
    Other,
    /// Nothing tells.
    Unproved,
}

/// What this process knows before it looks at an instance.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// What it launched.
    pub(super) memory: &'a LaunchMemory,
    /// Who shows it.
    pub(super) server: Server,
}

/// Who launched an instance, by the token of its creation: whoever may write tags can forge them all, and not that.
///
/// AWS documents the token as "the idempotency token you provided when you launched the instance, if applicable"
/// (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html>). Of a spot instance, which a request of
/// EC2's own launches, nothing says whose token is shown, and known answers have none: there a token that is not of
/// our form tells nothing.
pub(super) fn launcher(found: &Found, known: Known<'_>) -> Launcher {
    if known.memory.is_own(found) {
        return Launcher::Gharun;
    }
    let name = tag(found, "gharun-name").and_then(|name| name.parse::<Name>().ok());
    match found.client_token().filter(|token| !token.is_empty()) {
        Some(token) if candidates::may_be_token(token, name.as_ref()) => Launcher::Gharun,
        Some(token) if candidates::may_be_token(token, None) => Launcher::Other,
        _ if is_spot(found) => Launcher::Unproved,
        // Every gharun has sent one: only a server of EC2's kind may not show it, and there the tags are believed.
        None if known.server == Server::Other => Launcher::Gharun,
        _ => Launcher::Other,
    }
}

fn is_spot(found: &Found) -> bool {
    found.spot_instance_request_id.is_some()
        || found.instance_lifecycle == Some(InstanceLifecycleType::Spot)
}

fn id_of(place: &str, found: &Found) -> Option<InstanceId> {
    Some(InstanceId {
        location: Some(place.to_owned()),
        id: found.instance_id.clone()?,
    })
}

/// An instance as a machine, or why it cannot be judged; `None` when it is gone, or does not bear our mark.
pub(super) fn judged(
    place: &str,
    found: &Found,
    known: Known<'_>,
) -> Option<Result<Instance, Unjudged>> {
    if !is_ours(found) {
        return None;
    }
    let unjudged = |id| Unjudged::by_tags(id, |key| tag(found, key));
    let launcher = launcher(found, known);
    if launcher != Launcher::Gharun {
        let id = id_of(place, found).filter(|_| !is_gone(found))?;
        let unjudged = unjudged(id);
        return Some(Err(match launcher {
            Launcher::Unproved => unjudged.unproved(unproved()),
            Launcher::Gharun | Launcher::Other => {
                // A token of gharun's form is of a machine whose name was changed; no other is.
                let mut token = found.client_token().into_iter();
                let has_form = token.any(|token| candidates::may_be_token(token, None));
                let may_be = if has_form {
                    MayBe::Anybodys
                } else {
                    MayBe::Nobodys
                };
                Unjudged {
                    may_be,
                    ..unjudged.foreign(foreign())
                }
            }
        }));
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

/// The error for a spot instance whose token is not ours.
fn unproved() -> Error {
    Error::new(
        ErrorKind::Unexpected,
        "it has gharun's tags, but nothing proves that gharun launched it",
    )
    .because("EC2 does not show the token with which gharun creates instances, as it may do for a spot instance")
}

/// An instance as a machine; `None` when it is gone, or its tags cannot be read.
pub(super) fn machine(place: &str, found: &Found) -> Option<Instance> {
    machine_in(place, found, condition(found)?)
}

/// An instance that is gone, as a machine that ended: for the process that launched it, and did not ask for its end.
pub(super) fn ended_machine(place: &str, found: &Found) -> Option<Instance> {
    let reason = found.state_reason.as_ref();
    let code = reason.and_then(|reason| reason.code.as_deref());
    let message = reason.and_then(|reason| reason.message.as_deref());
    let how = describe("terminated", message, code.unwrap_or_default());
    machine_in(place, found, Condition::Ended(how))
}

fn machine_in(place: &str, found: &Found, state: Condition) -> Option<Instance> {
    let tags = Tags::from_lookup(|key| tag(found, key))?;
    let created = found
        .launch_time
        .and_then(|time| Timestamp::from_second(time.secs()).ok());
    Some(Instance {
        id: id_of(place, found)?,
        state,
        created: created.unwrap_or(tags.created),
        tags,
        ended: ended(found),
        rental: Rental {
            machine_type: found.instance_type().map(|kind| kind.as_str().to_owned()),
            market: Some(bought(found).word().to_owned()),
            place: zone(place, found),
            ..Rental::default()
        },
    })
}

/// How an instance was bought.
fn bought(found: &Found) -> PurchaseOption {
    if is_spot(found) {
        PurchaseOption::Spot
    } else {
        PurchaseOption::OnDemand
    }
}

/// The zone of an instance, or its region.
fn zone(place: &str, found: &Found) -> Option<String> {
    let zone = found.placement().and_then(|at| at.availability_zone());
    let region = || RegionOfAccount::read(place).map(|place| place.region);
    zone.map(str::to_owned).or_else(region)
}

/// When an instance ended, which EC2 tells in words only: `User initiated (2026-01-02 03:04:05 GMT)`.
fn ended(found: &Found) -> Option<Timestamp> {
    let (_, rest) = found.state_transition_reason()?.rsplit_once('(')?;
    let time = rest.strip_suffix(" GMT)")?.replace(' ', "T");
    format!("{time}Z").parse().ok()
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

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::Tag;

    use super::*;
    use crate::providers::aws::candidates::{Candidate, PurchaseOption};

    const NAME: &str = "gharun-tpa3w7oi2c5t41";

    fn token_of(name: &str) -> String {
        let candidate = Candidate {
            region: "us-east-1".into(),
            kind: None,
            subnet: None,
            bought: PurchaseOption::OnDemand,
        };
        candidate.token(&name.parse().expect("a name"), 0)
    }

    fn instance(token: Option<&str>, spot: bool) -> Found {
        Found::builder()
            .tags(Tag::builder().key("gharun-name").value(NAME).build())
            .set_client_token(token.map(str::to_owned))
            .set_spot_instance_request_id(spot.then(|| "sir-1".to_owned()))
            .build()
    }

    #[test]
    fn the_time_of_an_end_is_read_where_ec2_tells_it() {
        let ended_at = |reason: &str| {
            let found = Found::builder().state_transition_reason(reason);
            ended(&found.build()).map(|time| time.to_string())
        };
        let told = ended_at("User initiated (2026-01-02 03:04:05 GMT)");
        assert_eq!(told.as_deref(), Some("2026-01-02T03:04:05Z"));
        for silent in ["", "User initiated", "Server.InternalError (soon)"] {
            assert_eq!(ended_at(silent), None, "{silent}");
        }
    }

    #[test]
    fn tags_are_believed_only_where_the_token_fits_or_nobody_shows_one() {
        use Launcher::{Gharun, Other, Unproved};
        let (ours, others) = (token_of(NAME), token_of("gharun-tpa3w7oi2c5t42"));
        let foreign = "69eb31c1-5b1c-4c19-a3f1-0d6b1b1f5a11";
        for (token, spot, at_aws, elsewhere) in [
            (Some(ours.as_str()), false, Gharun, Gharun),
            (Some(ours.as_str()), true, Gharun, Gharun),
            (Some(others.as_str()), false, Other, Other),
            (Some(others.as_str()), true, Other, Other),
            (Some(foreign), false, Other, Other),
            (Some(foreign), true, Unproved, Unproved),
            // As the console launches them.
            (Some(""), false, Other, Gharun),
            (None, false, Other, Gharun),
            (None, true, Unproved, Unproved),
        ] {
            let found = instance(token, spot);
            for (server, expected) in [(Server::Aws, at_aws), (Server::Other, elsewhere)] {
                let mut memory = LaunchMemory::default();
                let told = launcher(&found, memory.known(server));
                assert_eq!(told, expected, "{token:?} {spot} {server:?}");
                memory.ordered.insert(NAME.parse().expect("a name"));
                assert_eq!(launcher(&found, memory.known(server)), Launcher::Gharun);
            }
        }
    }
}
