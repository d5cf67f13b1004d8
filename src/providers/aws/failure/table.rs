//! What AWS answers where it refuses something: the code, the words, what that means, and what to do about it.

use super::codes::{ErrorClass, QuotaOf};
use ErrorClass::{
    Again, Credentials, LookForName, Missing, Next, Permission, Quota, Refused, Setting, Slower,
    WouldWork,
};

/// EC2's own list of codes.
const EC2: &str = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html";
/// Errors that every service has, STS and SSM among them.
const COMMON: &str = "https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html";
/// The sentences that name the policy.
const POLICIES: &str =
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html";
const SIGNING: &str =
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html";
const SPOT_ROLE: &str = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/service-linked-roles-spot-instance-requests.html";
const PROTECTION: &str =
    "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_ChangingDisableAPITermination.html";
const SHARED: &str =
    "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html";
const DEFAULT_VPC: &str = "https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc.html";
const FREE: &str =
    "https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/free-tier-plans.html";
const TAG_POLICY: &str = "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_tag-policies.html";

/// One answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Its codes; a `*` begins or ends a pattern.
    pub(super) codes: &'static [&'static str],
    /// Words of the message, in lower case; empty where the code says it all.
    pub(super) says: &'static str,
    /// What it means for whoever sent the request.
    pub(super) class: ErrorClass,
    /// The setting that it is about, where the class tells none.
    pub(super) key: &'static str,
    /// What it means in plain words, where AWS's own are not enough.
    pub(super) meaning: &'static str,
    /// What to do; see [`super::next`] for what stands in braces.
    pub(super) next: &'static str,
    /// Where the answer is described.
    pub(super) source: &'static str,
}

impl Row {
    const fn of(codes: &'static [&'static str], class: ErrorClass) -> Self {
        Self {
            codes,
            says: "",
            class,
            key: "",
            meaning: "",
            next: "",
            source: EC2,
        }
    }

    const fn says(self, says: &'static str) -> Self {
        Self { says, ..self }
    }

    const fn about(self, key: &'static str) -> Self {
        Self { key, ..self }
    }

    const fn means(self, meaning: &'static str) -> Self {
        Self { meaning, ..self }
    }

    const fn next(self, next: &'static str) -> Self {
        Self { next, ..self }
    }

    const fn source(self, source: &'static str) -> Self {
        Self { source, ..self }
    }
}

const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
];

/// All rows; the first that fits counts, and one whose code is spelled out comes before a pattern.
pub(super) const ROWS: &[Row] = &[
    // A permission is missing: which policy is in the way decides who can mend it.
    Row::of(DENIED, Permission)
        .says("deny in a service control policy")
        .next("ask an administrator of the AWS organization: its service control policy denies `{permission}`, and no IAM policy can allow it")
        .source(POLICIES),
    Row::of(DENIED, Permission)
        .says("no service control policy allows")
        .next("ask an administrator of the AWS organization to allow `{permission}` in a service control policy; no IAM policy can")
        .source(POLICIES),
    Row::of(DENIED, Permission)
        .says("resource control policy")
        .next("ask an administrator of the AWS organization: its resource control policy denies `{permission}`, and no IAM policy can allow it")
        .source(POLICIES),
    Row::of(DENIED, Permission)
        .says("permissions boundary")
        .next("allow `{permission}` in the permissions boundary of the user or role; its IAM policy alone is not enough")
        .source(POLICIES),
    Row::of(DENIED, Permission)
        .says("session policy")
        .next("allow `{permission}` in the session policy with which the role was assumed (`inline-session-policy` of aws-actions/configure-aws-credentials)")
        .source(POLICIES),
    Row::of(DENIED, Permission)
        .says("vpc endpoint policy")
        .next("allow `{permission}` in the policy of the VPC endpoint of this network")
        .source(POLICIES),
    Row::of(DENIED, Permission)
        .says("deny in a resource-based policy")
        .next("remove the statement that denies `{permission}` from the policy of the resource")
        .source(POLICIES),
    Row::of(DENIED, Permission)
        .says("deny in an identity-based policy")
        .next("remove the statement that denies `{permission}` from the IAM policies of the user or role")
        .source(POLICIES),
    Row::of(DENIED, Permission)
        .next("allow `{permission}` in the IAM policy; list everything that is missing with `gharun providers check`"),
    // Whose the request is.
    Row::of(&["ExpiredToken", "ExpiredTokenException"], Credentials)
        .means("the AWS credentials have expired")
        .next("log in again: `aws sso login{profile}`, or in a workflow aws-actions/configure-aws-credentials right before this step")
        .source(COMMON),
    Row::of(&["RequestExpired"], Credentials)
        .means("the AWS credentials have expired, or this computer's clock is wrong")
        .next("log in again, and compare `date -u` with the real time")
        .source(COMMON),
    Row::of(&["AuthFailure", "SignatureDoesNotMatch"], Credentials)
        .says("signature expired")
        .means("this computer's clock is wrong")
        .next("set the clock: compare `date -u` with the real time")
        .source(SIGNING),
    Row::of(&["AuthFailure", "SignatureDoesNotMatch"], Credentials)
        .says("signature not yet current")
        .means("this computer's clock is wrong")
        .next("set the clock: compare `date -u` with the real time")
        .source(SIGNING),
    Row::of(&["SignatureDoesNotMatch"], Credentials)
        .means("the AWS secret access key does not belong to the access key ID")
        .next("copy `$AWS_SECRET_ACCESS_KEY` again, whole; `aws configure list{profile}` shows where the keys come from")
        .source(SIGNING),
    Row::of(&["AuthFailure"], Setting("image"))
        .says("not authorized for images")
        .means("the image is not shared with this AWS account")
        .next("let its owner run `aws ec2 modify-image-attribute{region} --image-id {image} --launch-permission \"Add=[{UserId=ACCOUNT}]\"`, or set another `image`")
        .source(SHARED),
    Row::of(
        &["AuthFailure.ServiceLinkedRoleCreationNotPermitted"],
        Refused,
    )
    .means("the AWS account lacks EC2's role for spot instances, and these credentials may not create it")
    .next("let an administrator run `aws iam create-service-linked-role --aws-service-name spot.amazonaws.com` once, or set `market = \"on-demand\"`")
    .source(SPOT_ROLE),
    Row::of(
        &[
            "AuthFailure",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
        ],
        Credentials,
    )
    .means("AWS does not know the credentials")
    .next("`aws configure list{profile}` shows where they come from; temporary ones need `$AWS_SESSION_TOKEN` as well")
    .source(COMMON),
    Row::of(
        &["IncompleteSignature", "MissingAuthenticationToken"],
        Credentials,
    )
    .next("`aws configure list{profile}` shows where the credentials come from")
    .source(COMMON),
    // What the account may not do, whatever its policies say.
    Row::of(&["OptInRequired"], Setting("image"))
        .says("marketplace")
        .means("the terms of the image are not accepted yet")
        .next("accept them at {url}, or set another `image`"),
    Row::of(&["OptInRequired"], Refused)
        .means("the AWS account is not signed up for this service")
        .next("finish the sign-up at https://portal.aws.amazon.com/billing/signup"),
    Row::of(&["PendingVerification"], Refused)
        .means("AWS is still verifying the account")
        .next("wait for the e-mail from AWS, or set another `region`; after four hours contact https://console.aws.amazon.com/support"),
    Row::of(&["Blocked"], Refused)
        .means("AWS has blocked the account")
        .next("contact AWS at https://console.aws.amazon.com/support"),
    Row::of(&["OperationNotPermitted"], Refused)
        .says("disableapitermination")
        .means("the instance is protected from termination")
        .next("`aws ec2 modify-instance-attribute{region} --instance-id {instance} --no-disable-api-termination`, then stop it again")
        .source(PROTECTION),
    Row::of(&["NotAuthorized", "OperationNotPermitted"], Refused),
    // No room here, perhaps elsewhere.
    Row::of(&["InsufficientFreeAddressesInSubnet"], Next)
        .about("subnets")
        .means("the subnet has no free address")
        .next("add another subnet to `subnets`"),
    Row::of(&["ReservationCapacityExceeded"], Next)
        .about("capacity_reservation")
        .means("the capacity reservation is used up")
        .next("set another `capacity_reservation`, or leave it out"),
    Row::of(&["SpotMaxPriceTooLow"], Next)
        .about("max_price")
        .means("`max_price` is below the present spot price")
        .next("raise `max_price`, or leave it out to pay at most the on-demand price"),
    // The type is not offered in this zone.
    Row::of(&["Unsupported"], Next)
        .says("availability zone")
        .next("set `subnets` to one in a zone that has the type, or set other `instance_types`"),
    Row::of(
        &[
            "InsufficientCapacity",
            "InsufficientCapacityOnHost",
            "InsufficientHostCapacity",
            "InsufficientInstanceCapacity",
            "InsufficientReservedInstanceCapacity",
            "InsufficientVolumeCapacity",
            "UnfulfillableCapacity",
        ],
        Next,
    )
    .means("EC2 has no capacity for it")
    .next("add to `instance_types`, `subnets` or `regions`, or set `capacity_wait` to keep trying"),
    Row::of(&["Unsupported"], Next)
        .next("set other `instance_types`, `subnets` or `regions`"),
    // Limits of the account.
    Row::of(
        &["InstanceLimitExceeded", "VcpuLimitExceeded"],
        Quota(QuotaOf::Machines),
    )
    .means("the quota of the AWS account is used up"),
    Row::of(&["MaxSpotInstanceCountExceeded"], Quota(QuotaOf::Machines))
        .means("the quota of the AWS account is used up for spot machines"),
    // Not so fast.
    Row::of(
        &[
            "BandwidthLimitExceeded",
            "EC2ThrottledException",
            "PriorRequestNotComplete",
            "RequestLimitExceeded",
            "RequestThrottled",
            "RequestThrottledException",
            "SlowDown",
            "Throttling",
            "ThrottlingException",
            "TooManyRequestsException",
        ],
        Slower,
    ),
    // The token of a launch.
    Row::of(
        &["IdempotentInstanceTerminated", "IdempotentParameterMismatch"],
        LookForName,
    ),
    // Unknown IDs.
    Row::of(&["InvalidInstanceID.NotFound"], Missing),
    // Settings.
    Row::of(&["InvalidParameterCombination"], Setting("instance_types"))
        .says("instance type is not eligible for free tier")
        .means("the AWS account is on the free plan, which does not have this instance type")
        .next("set `instance_types` to one of those that it has: `aws ec2 describe-instance-types{region} --filters Name=free-tier-eligible,Values=true --query \"InstanceTypes[].InstanceType\"` lists them; or upgrade the plan")
        .source(FREE),
    Row::of(&["InvalidParameterCombination"], Setting("image"))
        .says("image is not eligible for free tier")
        .means("the AWS account is on the free plan, which does not have this image")
        .next("set another `image`, or upgrade the plan")
        .source(FREE),
    Row::of(&["InvalidParameterCombination"], Setting("launch_template"))
        .says("network interfaces and an instance-level")
        .means("the launch template has network interfaces, and subnets or groups cannot be set beside them")
        .next("remove `subnets` and `security_groups`, or the network interfaces from the template"),
    Row::of(
        &["InvalidParameterCombination", "InvalidParameterValue"],
        Setting("volume.iops"),
    )
    .says("parameter iops"),
    Row::of(
        &["InvalidParameterCombination", "InvalidParameterValue"],
        Setting("volume.throughput"),
    )
    .says("parameter throughput"),
    Row::of(&["InvalidParameter"], Setting("security_groups"))
        .says("belong to different networks")
        .means("`security_groups` and `subnets` are in different VPCs")
        .next("list the groups of the subnet's VPC with `aws ec2 describe-security-groups{region}`"),
    Row::of(&["InvalidParameterValue"], Setting("instance_profile"))
        .says("iaminstanceprofile")
        .next("list what exists with `aws iam list-instance-profiles`"),
    Row::of(&["InvalidAMIID*"], Setting("image"))
        .next("an image ID is valid in one region only: check it with `aws ec2 describe-images{region} --image-ids {image}`"),
    Row::of(&["ParameterNotFound", "ParameterVersionNotFound"], Setting("image"))
        .means("the parameter that `image` names does not exist in this region")
        .source("https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html"),
    Row::of(&["InvalidBlockDeviceMapping"], Setting("volume.size"))
        .says("smaller than snapshot")
        .means("the disk is smaller than the image")
        .next("set `volume = { size = {gib} }` or more"),
    Row::of(&["InvalidBlockDeviceMapping"], Setting("volume")),
    Row::of(&["InvalidKMSKey*", "KMSKey*"], Setting("volume.kms_key"))
        .next("list the keys with `aws kms list-keys{region}`"),
    Row::of(&["InvalidCapacityReservation*"], Setting("capacity_reservation"))
        .next("list what exists with `aws ec2 describe-capacity-reservations{region}`"),
    Row::of(&["InvalidGroup*", "InvalidSecurityGroup*"], Setting("security_groups"))
        .next("list what exists with `aws ec2 describe-security-groups{region}`"),
    Row::of(&["InvalidIamInstanceProfile*"], Setting("instance_profile"))
        .next("list what exists with `aws iam list-instance-profiles`"),
    Row::of(&["InvalidInstanceType*"], Setting("instance_types"))
        .next("list what exists with `aws ec2 describe-instance-type-offerings{region}`"),
    Row::of(&["InvalidKeyPair*"], Setting("key_name"))
        .next("list what exists with `aws ec2 describe-key-pairs{region}`"),
    Row::of(&["InvalidLaunchTemplate*"], Setting("launch_template"))
        .next("list what exists with `aws ec2 describe-launch-templates{region}`"),
    Row::of(&["InvalidSpotMaxPrice"], Setting("max_price")),
    Row::of(&["InvalidSubnet*"], Setting("subnets"))
        .next("list what exists with `aws ec2 describe-subnets{region}`"),
    Row::of(
        &["DefaultVpcDoesNotExist", "MissingInput", "VPCIdNotSpecified"],
        Setting("subnets"),
    )
    .means("the region has no default VPC with a subnet")
    .next("set `subnets = [\"subnet-…\"]` (list them with `aws ec2 describe-subnets{region}`), or run `aws ec2 create-default-vpc{region}`")
    .source(DEFAULT_VPC),
    Row::of(&["TagPolicyViolation"], Setting("tags"))
        .means("a tag policy of the AWS organization does not allow a tag")
        .next("set in `tags` a value that the policy allows: `aws organizations describe-effective-policy --policy-type TAG_POLICY` shows it")
        .source(TAG_POLICY),
    Row::of(&["InvalidTagKey*", "TagLimitExceeded"], Setting("tags")),
    Row::of(&["InvalidUserData*"], Setting("setup")),
    // What was asked for by way of trial.
    Row::of(&["DryRunOperation"], WouldWork),
    // AWS itself.
    Row::of(
        &[
            "InternalError",
            "InternalFailure",
            "InternalServerError",
            "RequestTimeout",
            "RequestTimeoutException",
            "ServerInternal",
            "ServiceUnavailable",
            "Unavailable",
        ],
        Again,
    ),
    // Whatever else is counted in a region.
    Row::of(&["*LimitExceeded"], Quota(QuotaOf::Region))
        .means("a limit of the AWS account is reached in this region")
        .next("raise it at https://console.aws.amazon.com/servicequotas/home, or set another `region`"),
];

/// The row of an answer.
pub(super) fn row(code: &str, message: &str) -> Option<&'static Row> {
    let fits = |pattern: &str| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => code.ends_with(end),
        (_, Some(begin)) => code.starts_with(begin),
        _ => code == pattern,
    };
    let message = message.to_ascii_lowercase();
    let said = |row: &&Row| message.contains(row.says);
    let exact = |row: &&Row| row.codes.contains(&code);
    let pattern = |row: &&Row| row.codes.iter().any(|one| fits(one));
    ROWS.iter()
        .find(|row| exact(row) && said(row))
        .or_else(|| ROWS.iter().find(|row| pattern(row) && said(row)))
}

/// What an answer means. Of one that is in no row only its status tells something, and whether it names a permission.
pub(super) fn action(code: &str, message: &str, status: Option<u16>) -> ErrorClass {
    match (row(code, message), status) {
        (Some(row), _) => row.class,
        (None, Some(500..)) => ErrorClass::Again,
        (None, Some(429)) => ErrorClass::Slower,
        (None, Some(401 | 403)) if super::permission(message).is_some() => ErrorClass::Permission,
        (None, Some(401 | 403)) => ErrorClass::Refused,
        // Some value was refused, and the answer says which.
        (None, _) => ErrorClass::Setting(""),
    }
}
