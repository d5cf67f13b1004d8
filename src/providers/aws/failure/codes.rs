//! Which error codes AWS has, and what each means for whoever sent the request.

/// What an error code means for whoever sent the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorClass {
    /// Nobody knows whether it was carried out: send the same again.
    Again,
    /// Mend the credentials, or what they may do.
    Denied,
    /// The launch's token is in use: look for the name.
    LookForName,
    /// There is none of that id.
    Missing,
    /// No room for this candidate: the next one, at once.
    Next,
    /// The account may not have more: ask for more, or take less.
    Quota,
    /// Mend this setting, or the one that the answer tells where it is empty; no candidate would fare
    /// better.
    Setting(&'static str),
    /// Send it again, later.
    Slower,
    /// The dry run would have worked.
    WouldWork,
}

/// Every code that means something, and its action; the first that matches counts, `*` ends a prefix.
///
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>, and for STS and SSM
/// their common errors.
pub(super) const CODES: &[(&str, ErrorClass)] = &[
    // No room here, perhaps elsewhere.
    ("InsufficientCapacity", ErrorClass::Next),
    ("InsufficientCapacityOnHost", ErrorClass::Next),
    ("InsufficientFreeAddressesInSubnet", ErrorClass::Next),
    ("InsufficientHostCapacity", ErrorClass::Next),
    ("InsufficientInstanceCapacity", ErrorClass::Next),
    ("InsufficientReservedInstanceCapacity", ErrorClass::Next),
    ("InsufficientVolumeCapacity", ErrorClass::Next),
    ("ReservationCapacityExceeded", ErrorClass::Next),
    ("SpotMaxPriceTooLow", ErrorClass::Next),
    ("UnfulfillableCapacity", ErrorClass::Next),
    // The type is not to be had in this zone.
    ("Unsupported", ErrorClass::Next),
    // Limits of the account.
    ("InstanceLimitExceeded", ErrorClass::Quota),
    ("MaxSpotInstanceCountExceeded", ErrorClass::Quota),
    ("VcpuLimitExceeded", ErrorClass::Quota),
    ("*LimitExceeded", ErrorClass::Quota),
    // Not so fast. (`RequestLimitExceeded` ends like a quota, and stands in `action` before them.)
    ("BandwidthLimitExceeded", ErrorClass::Slower),
    ("EC2ThrottledException", ErrorClass::Slower),
    ("PriorRequestNotComplete", ErrorClass::Slower),
    ("RequestThrottled", ErrorClass::Slower),
    ("RequestThrottledException", ErrorClass::Slower),
    ("SlowDown", ErrorClass::Slower),
    ("Throttling", ErrorClass::Slower),
    ("ThrottlingException", ErrorClass::Slower),
    ("TooManyRequestsException", ErrorClass::Slower),
    // Who asks, and what they may do.
    ("AccessDenied", ErrorClass::Denied),
    ("AccessDeniedException", ErrorClass::Denied),
    ("AuthFailure", ErrorClass::Denied),
    ("Blocked", ErrorClass::Denied),
    ("ExpiredToken", ErrorClass::Denied),
    ("ExpiredTokenException", ErrorClass::Denied),
    ("IncompleteSignature", ErrorClass::Denied),
    ("InvalidClientTokenId", ErrorClass::Denied),
    ("MissingAuthenticationToken", ErrorClass::Denied),
    ("NotAuthorized", ErrorClass::Denied),
    ("OperationNotPermitted", ErrorClass::Denied),
    ("OptInRequired", ErrorClass::Denied),
    ("PendingVerification", ErrorClass::Denied),
    ("RequestExpired", ErrorClass::Denied),
    ("SignatureDoesNotMatch", ErrorClass::Denied),
    ("UnauthorizedOperation", ErrorClass::Denied),
    ("UnrecognizedClientException", ErrorClass::Denied),
    // The token of a launch.
    ("IdempotentInstanceTerminated", ErrorClass::LookForName),
    ("IdempotentParameterMismatch", ErrorClass::LookForName),
    // Unknown ids.
    ("InvalidInstanceID.NotFound", ErrorClass::Missing),
    // Settings.
    ("InvalidAMIID*", ErrorClass::Setting("image")),
    ("ParameterNotFound", ErrorClass::Setting("image")),
    ("InvalidBlockDeviceMapping", ErrorClass::Setting("volume")),
    ("InvalidKMSKey*", ErrorClass::Setting("volume.kms_key")),
    ("KMSKey*", ErrorClass::Setting("volume.kms_key")),
    (
        "InvalidCapacityReservation*",
        ErrorClass::Setting("capacity_reservation"),
    ),
    ("InvalidGroup*", ErrorClass::Setting("security_groups")),
    (
        "InvalidSecurityGroup*",
        ErrorClass::Setting("security_groups"),
    ),
    (
        "InvalidIamInstanceProfile*",
        ErrorClass::Setting("instance_profile"),
    ),
    (
        "InvalidInstanceType*",
        ErrorClass::Setting("instance_types"),
    ),
    ("InvalidKeyPair*", ErrorClass::Setting("key_name")),
    (
        "InvalidLaunchTemplate*",
        ErrorClass::Setting("launch_template"),
    ),
    ("InvalidSpotMaxPrice", ErrorClass::Setting("max_price")),
    ("InvalidSubnet*", ErrorClass::Setting("subnets")),
    ("MissingInput", ErrorClass::Setting("subnets")),
    ("VPCIdNotSpecified", ErrorClass::Setting("subnets")),
    ("DefaultVpcDoesNotExist", ErrorClass::Setting("subnets")),
    ("InvalidTagKey*", ErrorClass::Setting("tags")),
    ("TagLimitExceeded", ErrorClass::Setting("tags")),
    ("InvalidUserData*", ErrorClass::Setting("setup")),
    // What was asked for by way of trial.
    ("DryRunOperation", ErrorClass::WouldWork),
    // AWS itself.
    ("InternalError", ErrorClass::Again),
    ("InternalFailure", ErrorClass::Again),
    ("InternalServerError", ErrorClass::Again),
    ("RequestTimeout", ErrorClass::Again),
    ("RequestTimeoutException", ErrorClass::Again),
    ("ServerInternal", ErrorClass::Again),
    ("ServiceUnavailable", ErrorClass::Again),
    ("Unavailable", ErrorClass::Again),
];

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

pub(super) fn action(code: &str, status: Option<u16>) -> ErrorClass {
    if code == "RequestLimitExceeded" {
        return ErrorClass::Slower;
    }
    let fits = |pattern: &str| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => code.ends_with(end),
        (_, Some(begin)) => code.starts_with(begin),
        _ => code == pattern,
    };
    // The exact code counts before a pattern.
    let exact = CODES.iter().find(|(known, _)| *known == code);
    let found = exact.or_else(|| CODES.iter().find(|(pattern, _)| fits(pattern)));
    match (found, status) {
        (Some((_, action)), _) => *action,
        (None, Some(500..)) => ErrorClass::Again,
        (None, Some(429)) => ErrorClass::Slower,
        (None, Some(401 | 403)) => ErrorClass::Denied,
        // Some value was refused, and the answer says which.
        (None, _) => ErrorClass::Setting(""),
    }
}
