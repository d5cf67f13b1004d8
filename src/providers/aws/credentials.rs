//! Why there are no credentials, told by what their sources say.

use std::error::Error as StdError;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_types::os_shim_internal::Env;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::{Error as Plain, causes, text};
use crate::providers::{Error, ErrorKind};
pub(super) use explained::Explained;
use served::Metadata;
use table::{ROWS, Row};

mod explained;
mod served;
mod table;

/// How much of an answer is told, in bytes.
const MAX_QUOTE: usize = 512;

/// What the SDK's own errors say beside what matters.
const FILLER: [&str; 9] = [
    "an error occurred while loading credentials",
    "dispatch failure",
    "other",
    "service error",
    "the credential provider was not enabled",
    "the credentials provider was not properly configured",
    "unexpected credentials error",
    "failed to construct request",
    "failed to select an auth scheme to sign the request with",
];

/// Variables that give credentials.
const VARIABLES: [&str; 4] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
];

/// What to do where none were found.
const NONE: &str = "set `$AWS_ACCESS_KEY_ID` and `$AWS_SECRET_ACCESS_KEY`, or `$AWS_PROFILE`; in a workflow run \
                    aws-actions/configure-aws-credentials before this step, with `permissions: id-token: write`";

/// What to do where EC2's metadata service is ill, if it is EC2's.
const ELSEWHERE: &str =
    "repeat the command; on a machine that is not EC2's set `$AWS_EC2_METADATA_DISABLED=true`";

/// What to do where no source answers as it should.
const WAIT: &str = "repeat the command; `aws sts get-caller-identity{profile}` shows whether the aws command gets any";

/// Why there are no credentials.
#[derive(Clone, Debug)]
pub(super) struct Diagnosis {
    meaning: String,
    next: Option<String>,
    /// What the source of the credentials said.
    quotes: Vec<String>,
    /// Whether no source has any.
    is_none: bool,
    is_lasting: bool,
    /// The setting at fault.
    key: Option<&'static str>,
}

impl Diagnosis {
    /// Reads an error of the SDK's sources, or of this program's own.
    pub(super) fn of(error: &(dyn StdError + 'static), profile: Option<&str>, env: &Env) -> Self {
        let texts: Vec<String> = causes(error)
            .map(|cause| plain(&cause.to_string()))
            .collect();
        let is_set = |name: &str| env.get(name).is_ok_and(|value| !value.trim().is_empty());
        let says = |words: &str| texts.iter().any(|text| text.contains(words));
        let fits = |row: &&Row| {
            row.says.iter().all(|words| says(words)) && (row.set.is_empty() || is_set(row.set))
        };
        let mut quotes: Vec<String> = Vec::new();
        for text in texts.iter().filter(|text| !FILLER.contains(&text.as_str())) {
            if quotes.last().is_none_or(|last| !last.contains(text)) {
                quotes.push(text.clone());
            }
        }
        if let Some(row) = ROWS.iter().find(fits) {
            return Self {
                meaning: row.meaning.to_owned(),
                next: Some(filled(row.next, profile, env)),
                // The deepest cause is the source's own word.
                quotes: quotes.pop().into_iter().collect(),
                is_none: false,
                is_lasting: row.is_lasting,
                key: None,
            };
        }
        let kind = error.downcast_ref::<CredentialsError>();
        let is_lasting = matches!(kind, Some(CredentialsError::InvalidConfiguration(_)));
        let failed = |meaning: String, next: Option<String>, quotes: Vec<String>| Self {
            meaning,
            next,
            quotes,
            is_none: false,
            is_lasting,
            key: None,
        };
        let mut is_none = matches!(kind, Some(CredentialsError::CredentialsNotLoaded(_)));
        match served::metadata(error) {
            Some(Metadata::Foreign(said)) => {
                is_none = true;
                quotes = vec![said];
            }
            Some(Metadata::Ill(status)) => {
                let meaning = format!(
                    "could not get AWS credentials: EC2's metadata service answered {status}"
                );
                return failed(meaning, Some(ELSEWHERE.to_owned()), Vec::new());
            }
            None if is_none => quotes.clear(),
            None => {}
        }
        if let Some(address) = served::container(error, &texts, env).filter(|_| !is_none) {
            let meaning = format!("could not get AWS credentials at the address in `${address}`");
            let next = format!("repeat the command; in no container of AWS unset `${address}`");
            return failed(meaning, Some(next), quotes.pop().into_iter().collect());
        }
        let missing = texts.iter().find_map(|text| missing_profile(text));
        let named = chosen_profile(profile, env).filter(|_| is_none);
        let of_profile = match (missing, &named) {
            (Some(missing), _) => Some((missing, "does not exist")),
            (None, Some(named)) => {
                Some((named.as_str(), "does not exist, or gives no credentials"))
            }
            (None, None) => None,
        };
        if let Some((name, what)) = of_profile {
            return Self {
                meaning: format!("the AWS profile `{name}` {what}"),
                next: Some("list the profiles with `aws configure list-profiles`".to_owned()),
                quotes: if is_none { quotes } else { Vec::new() },
                is_none,
                is_lasting: true,
                key: (profile == Some(name)).then_some("profile"),
            };
        }
        // The SDK reads a file whose name is empty.
        let token_file = env.get("AWS_WEB_IDENTITY_TOKEN_FILE");
        if is_none || says("No such file") && token_file.is_ok_and(|name| name.is_empty()) {
            let quotes = if is_none { quotes } else { Vec::new() };
            return Self {
                quotes,
                ..Self::none(env)
            };
        }
        let meaning = "could not get AWS credentials".to_owned();
        let next = served::is_late(&texts).then(|| filled(WAIT, profile, env));
        failed(meaning, next, quotes)
    }

    /// There are none: variables that are empty, or only half of them, are the reason most of the time.
    pub(super) fn none(env: &Env) -> Self {
        let value = |name: &str| env.get(name).ok();
        let is_empty = |name: &&&str| value(name).is_some_and(|value| value.trim().is_empty());
        let named = |names: Vec<&str>| {
            let names: Vec<String> = names.iter().map(|name| format!("`${name}`")).collect();
            names.join(" and ")
        };
        let empty: Vec<&str> = VARIABLES.iter().filter(is_empty).copied().collect();
        let found = "no AWS credentials were found";
        let (key, secret) = (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY"));
        let (meaning, next) = match (empty.len(), key, secret) {
            (1.., _, _) => {
                let verb = if empty.len() == 1 { "is" } else { "are" };
                (
                    format!("{found}: {} {verb} empty", named(empty)),
                    "in a workflow check that the secret exists and that this event may read it (a pull request from a fork may not)",
                )
            }
            (_, Some(_), None) => (
                format!(
                    "{found}: `$AWS_ACCESS_KEY_ID` is set, and `$AWS_SECRET_ACCESS_KEY` is not"
                ),
                "set both",
            ),
            (_, None, Some(_)) => (
                format!(
                    "{found}: `$AWS_SECRET_ACCESS_KEY` is set, and `$AWS_ACCESS_KEY_ID` is not"
                ),
                "set both",
            ),
            _ => (found.to_owned(), NONE),
        };
        Self {
            meaning,
            next: Some(next.to_owned()),
            quotes: Vec::new(),
            is_none: true,
            is_lasting: true,
            key: None,
        }
    }

    /// Whether it stays so until somebody mends it: who hands credentials out may also be slow or ill.
    pub(super) fn is_lasting(&self) -> bool {
        self.is_lasting
    }

    /// The same as an error of the provider.
    pub(super) fn error(&self) -> Error {
        let kind = if self.is_lasting {
            ErrorKind::Denied
        } else {
            ErrorKind::Unavailable
        };
        let mut error = Error::new(kind, self.meaning.clone()).hinted_all(self.next.clone());
        if let Some(key) = self.key {
            error = error.about(key);
        }
        match Plain::of_causes(self.quotes.clone()) {
            Some(cause) => error.because(cause),
            None => error,
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.meaning)
    }
}

impl StdError for Diagnosis {}

/// The profile that an error calls undefined; where nobody names one, it is the default one, and there need be none.
fn missing_profile(text: &str) -> Option<&str> {
    let (before, _) = text.split_once("` was not defined")?;
    let (_, name) = before.rsplit_once('`')?;
    Some(name).filter(|name| *name != "default")
}

/// The profile that settings or surroundings name.
fn chosen_profile(of_settings: Option<&str>, env: &Env) -> Option<String> {
    let of_env = || env.get("AWS_PROFILE").ok().filter(|name| !name.is_empty());
    of_settings.map(str::to_owned).or_else(of_env)
}

/// What to do, with the names that are known here.
fn filled(next: &str, profile: Option<&str>, env: &Env) -> String {
    let named = chosen_profile(profile, env);
    let option = named.map_or_else(String::new, |name| {
        format!(" --profile {}", text::typed(&name))
    });
    let role = env.get("AWS_ROLE_ARN").ok();
    let role = role.as_deref().and_then(|arn| arn.rsplit('/').next());
    next.replace("{profile}", &option)
        .replace("{role}", role.unwrap_or("ROLE"))
        .replace("{claims}", &claims(env))
}

/// The claims of the OIDC token that a trust policy compares. They are not secret.
fn claims(env: &Env) -> String {
    let read = || {
        let path = env.get("AWS_WEB_IDENTITY_TOKEN_FILE").ok()?;
        let token = std::fs::read_to_string(path).ok()?;
        let payload = token.trim().split('.').nth(1)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let payload: serde_json::Value = serde_json::from_slice(&payload).ok()?;
        let claim = |name: &str| Some(text::one_line(payload[name].as_str()?));
        Some(format!(
            "`sub` = `{}` and `aud` = `{}`",
            claim("sub")?,
            claim("aud")?
        ))
    };
    read().unwrap_or_else(|| "the token's `sub` and `aud`".to_owned())
}

/// A foreign text on one line and not too long; of an answer of AWS in Rust's own form only what AWS said.
fn plain(said: &str) -> String {
    let said = text::one_line(said);
    let field = |name: &str| {
        let (_, rest) = said.split_once(&format!("{name}: \""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let said = match (field("code"), field("message")) {
        (Some(code), Some(message)) => format!("AWS answered {code}: {message}"),
        (Some(code), None) => format!("AWS answered {code}"),
        _ => said,
    };
    text::cut(&said, MAX_QUOTE)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn told(
        error: &CredentialsError,
        profile: Option<&str>,
        env: &[(&str, &str)],
    ) -> (String, String) {
        let error = Diagnosis::of(error, profile, &Env::from_slice(env)).error();
        (crate::model::chain(&error), error.hints().join("; "))
    }

    #[test]
    fn each_failure_of_a_source_is_told_by_what_helps() {
        type Told = (&'static str, &'static str, &'static str);
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Told);
        let sts = |code: &str, message: &str| {
            format!(
                "unhandled error ({code}): Error {{ code: \"{code}\", message: \"{message}\" }}"
            )
        };
        let web = [
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
            ("AWS_ROLE_ARN", "arn:aws:iam::1:role/deploy"),
        ];
        let trust = sts(
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        );
        let old = sts("ExpiredTokenException", "Token expired");
        let assume = sts(
            "AccessDenied",
            "User: x is not authorized to perform: sts:AssumeRole on resource: y",
        );
        let cases: [Case<'_>; 7] = [
            (
                "failed to load the cached SSO token",
                &[],
                (
                    "the SSO session of AWS has expired",
                    "aws sso login --profile ci",
                    "SSO token",
                ),
            ),
            (
                &trust,
                &web,
                (
                    "the role does not trust this OIDC token",
                    "--role-name deploy",
                    "AWS answered AccessDenied: Not authorized",
                ),
            ),
            (
                &old,
                &web,
                (
                    "`$AWS_WEB_IDENTITY_TOKEN_FILE` has expired",
                    "aws-actions/configure-aws-credentials",
                    "Token expired",
                ),
            ),
            (
                &assume,
                &[],
                (
                    "the role of the profile may not be assumed",
                    "`sts:AssumeRole`",
                    "User: x",
                ),
            ),
            (
                "`credential_process` failed with exit status: 1: vault: permission denied",
                &[],
                (
                    "the command that gives AWS credentials failed",
                    "credential_process",
                    "vault: permission denied",
                ),
            ),
            (
                "No such file or directory (os error 2)",
                &web,
                (
                    "the file that `$AWS_WEB_IDENTITY_TOKEN_FILE` names",
                    "configure-aws-credentials",
                    "os error 2",
                ),
            ),
            (
                "the AWS access key ID must be one word of visible characters",
                &[],
                (
                    "the AWS credentials are not whole",
                    "copy them again",
                    "one word",
                ),
            ),
        ];
        for (said, env, (meaning, next, quote)) in cases {
            let error = CredentialsError::provider_error(said.to_owned());
            let (chain, hints) = told(&error, Some("ci"), env);
            assert!(
                chain.contains(meaning) && chain.contains(quote),
                "{said}: {chain}"
            );
            assert!(hints.contains(next), "{said}: {hints}");
            assert!(
                !chain.contains("{ code") && !chain.contains("dispatch failure"),
                "{chain}"
            );
        }
    }

    #[test]
    fn where_none_are_found_empty_variables_are_named() {
        let none = CredentialsError::not_loaded("no providers");
        let (chain, hints) = told(&none, None, &[]);
        assert_eq!(chain, "no AWS credentials were found");
        assert!(hints.contains("configure-aws-credentials"), "{hints}");
        let empty = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", " ")];
        let (chain, hints) = told(&none, None, &empty);
        let said = "no AWS credentials were found: `$AWS_ACCESS_KEY_ID` and `$AWS_SECRET_ACCESS_KEY` are empty";
        assert_eq!(chain, said);
        assert!(hints.contains("fork"), "{hints}");
        let (chain, _) = told(&none, None, &[("AWS_ACCESS_KEY_ID", "AKIA")]);
        assert!(chain.contains("`$AWS_SECRET_ACCESS_KEY` is not"), "{chain}");
    }

    #[test]
    fn what_is_in_no_row_is_quoted_whole_without_a_guess() {
        let error = io::Error::other("the vault is sealed");
        let error = CredentialsError::provider_error(error);
        let (chain, hints) = told(&error, None, &[]);
        assert_eq!(chain, "could not get AWS credentials: the vault is sealed");
        assert_eq!(hints, "");
    }

    #[test]
    fn a_profile_that_does_not_exist_is_the_settings_fault_where_they_name_it() {
        let said = |name: &str| format!("profile `{name}` was not defined: no such section");
        let none = CredentialsError::not_loaded(said("default"));
        assert_eq!(told(&none, None, &[]).0, "no AWS credentials were found");
        let error = CredentialsError::not_loaded(said("ci"));
        for (profile, key) in [(Some("ci"), Some("profile")), (None, None)] {
            let told = Diagnosis::of(&error, profile, &Env::from_slice(&[])).error();
            assert_eq!((told.kind, told.key()), (ErrorKind::Denied, key));
            assert!(
                told.to_string() == "the AWS profile `ci` does not exist",
                "{told}"
            );
        }
    }
}
