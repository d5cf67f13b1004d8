//! What the code of an answer means for whoever sent the request.

/// What an error code means for whoever sent the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorClass {
    /// Nobody knows whether it was carried out: send the same again.
    Again,
    /// Mend the credentials.
    Credentials,
    /// The launch's token is in use: look for the name.
    LookForName,
    /// There is none of that id.
    Missing,
    /// No room for this candidate: the next one, at once.
    Next,
    /// Mend what the credentials may do.
    Permission,
    /// The account may not have more: the next candidate that is not counted with this one.
    Quota(QuotaOf),
    /// Neither these credentials nor other settings help: mend the account.
    Refused,
    /// Mend this setting, or the one that the answer tells where it is empty; no candidate would fare
    /// better.
    Setting(&'static str),
    /// Send it again, later.
    Slower,
    /// The dry run would have worked.
    WouldWork,
}

/// What a quota counts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QuotaOf {
    /// Machines of one market and of some families, in a region.
    Machines,
    /// Whatever is in a region.
    Region,
}

/// Parameters that an answer may name, and the settings that they come from.
pub(super) const PARAMETERS: &[(&str, &str)] = &[
    ("iamInstanceProfile", "instance_profile"),
    ("securityGroup", "security_groups"),
    ("subnetId", "subnets"),
    ("keyName", "key_name"),
    ("volumeSize", "volume.size"),
    ("volumeType", "volume.type"),
    ("InstanceType", "instance_types"),
];
