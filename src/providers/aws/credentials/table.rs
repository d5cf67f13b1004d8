//! In which ways the sources of credentials fail, and what helps.

/// One way in which credentials fail.
pub(super) struct Row {
    /// What the errors say, each of them.
    pub(super) says: &'static [&'static str],
    /// A variable that has to be set for this to be it; empty where none has.
    pub(super) set: &'static str,
    /// What it means.
    pub(super) meaning: &'static str,
    /// What to do. `{profile}` is the option that names it, `{role}` the role of `$AWS_ROLE_ARN`,
    /// `{claims}` what the token in `$AWS_WEB_IDENTITY_TOKEN_FILE` says of itself.
    pub(super) next: &'static str,
    /// Whether it stays so until somebody does that.
    pub(super) is_lasting: bool,
}

/// All rows; the first that fits counts. Each sentence is one of the SDK's (aws-config, `sso/token.rs`, `sso/cache.rs`,
/// `login/token.rs`, `profile/credentials.rs`), of this program, or of STS:
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>.
pub(super) const ROWS: &[Row] = &[
    Row {
        says: &["SSO token"],
        set: "",
        meaning: "the SSO session of AWS has expired, or was not opened",
        next: "log in with `aws sso login{profile}`",
        is_lasting: true,
    },
    Row {
        says: &["sso/cache"],
        set: "",
        meaning: "the SSO session of AWS has expired, or was not opened",
        next: "log in with `aws sso login{profile}`",
        is_lasting: true,
    },
    Row {
        says: &["UnauthorizedException", "Session token"],
        set: "",
        meaning: "the SSO session of AWS has expired, or was not opened",
        next: "log in with `aws sso login{profile}`",
        is_lasting: true,
    },
    Row {
        says: &["ForbiddenException", "No access"],
        set: "",
        meaning: "the SSO user does not have the role of the profile",
        next: "correct `sso_account_id` and `sso_role_name` in `~/.aws/config`",
        is_lasting: true,
    },
    Row {
        says: &["Login token"],
        set: "",
        meaning: "the session of `aws login` has expired, or was not opened",
        next: "log in with `aws login{profile}`",
        is_lasting: true,
    },
    Row {
        says: &["sts:AssumeRoleWithWebIdentity"],
        set: "",
        meaning: "the role does not trust this OIDC token",
        next: "allow {claims} in its trust policy: `aws iam get-role --role-name {role} --query Role.AssumeRolePolicyDocument`",
        is_lasting: true,
    },
    Row {
        says: &["No OpenIDConnect provider found"],
        set: "",
        meaning: "the AWS account does not know the issuer of this OIDC token",
        next: "run once: `aws iam create-open-id-connect-provider --url https://token.actions.githubusercontent.com --client-id-list sts.amazonaws.com`",
        is_lasting: true,
    },
    Row {
        says: &["Incorrect token audience"],
        set: "",
        meaning: "the OIDC token is for another audience",
        next: "request it for `sts.amazonaws.com`, or add its audience to the identity provider in IAM",
        is_lasting: true,
    },
    Row {
        says: &["ExpiredToken"],
        set: "AWS_WEB_IDENTITY_TOKEN_FILE",
        meaning: "the OIDC token in `$AWS_WEB_IDENTITY_TOKEN_FILE` has expired",
        next: "get a new one: in a workflow run aws-actions/configure-aws-credentials right before this step",
        is_lasting: true,
    },
    Row {
        says: &["ExpiredToken"],
        set: "",
        meaning: "the credentials with which the role is assumed have expired",
        next: "log in again; `aws configure list{profile}` shows where they come from",
        is_lasting: true,
    },
    Row {
        says: &["No such file"],
        set: "AWS_WEB_IDENTITY_TOKEN_FILE",
        meaning: "the file that `$AWS_WEB_IDENTITY_TOKEN_FILE` names does not exist",
        next: "get a token first: in a workflow run aws-actions/configure-aws-credentials, elsewhere unset the variable",
        is_lasting: true,
    },
    Row {
        says: &["No such file"],
        set: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        meaning: "the file that `$AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE` names does not exist",
        next: "correct the variable, or unset it",
        is_lasting: true,
    },
    Row {
        says: &["AssumeRoleUnauthorizedAccess"],
        set: "",
        meaning: "EC2 may not assume the role of this instance",
        next: "allow `sts:AssumeRole` to `ec2.amazonaws.com` in the role's trust policy",
        is_lasting: true,
    },
    Row {
        says: &["sts:AssumeRole"],
        set: "",
        meaning: "the role of the profile may not be assumed",
        next: "allow `sts:AssumeRole` to the caller, and name the caller in the role's trust policy",
        is_lasting: true,
    },
    Row {
        says: &["InvalidClientTokenId"],
        set: "",
        meaning: "AWS does not know the keys with which the role is assumed",
        next: "`aws configure list{profile}` shows where they come from",
        is_lasting: true,
    },
    Row {
        says: &["`credential_process`"],
        set: "",
        meaning: "the command that gives AWS credentials failed",
        next: "run the `credential_process` of `~/.aws/config` yourself, and mend what it says",
        is_lasting: false,
    },
    Row {
        says: &["must be one word of visible characters"],
        set: "",
        meaning: "the AWS credentials are not whole",
        next: "copy them again, without blanks and line ends inside",
        is_lasting: true,
    },
];
