//! What the AWS tools' settings hold (variables, profiles), checked before the SDK gets it: the SDK panics on an
//! empty endpoint, and on a key that no header can hold.

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result as Provided, future};
use aws_types::service_config::ServiceConfigKey;
use url::Url;

use crate::model::is_loopback;
use crate::providers::common::rest::ALLOW;
use crate::providers::{Error, ErrorKind, Result};

/// Credentials without the line ends with which they were pasted.
#[derive(Debug)]
pub(super) struct Trimmed<P>(pub(super) P);

impl<P: ProvideCredentials> ProvideCredentials for Trimmed<P> {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async { fit(self.0.provide_credentials().await?) })
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        fit(self.0.fallback_on_interrupt()?).ok()
    }
}

/// The credentials as a request can hold them.
fn fit(given: Credentials) -> Provided {
    let (key, secret) = (given.access_key_id(), given.secret_access_key());
    let session = given.session_token();
    for (what, text) in [("access key ID", Some(key)), ("session token", session)] {
        let text = text.unwrap_or_default().trim();
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CredentialsError::invalid_configuration(format!(
                "the AWS {what} must be one word of visible characters"
            )));
        }
    }
    let blank = |text: &str| text.trim().len() != text.len();
    if !blank(key) && !blank(secret) && !session.is_some_and(blank) {
        return Ok(given);
    }
    let session = session.map(|token| token.trim().to_owned());
    let (key, secret) = (key.trim(), secret.trim());
    Ok(Credentials::new(
        key,
        secret,
        session,
        given.expiry(),
        "gharun",
    ))
}

/// The address of a service (`EC2`) as the SDK would find it; `None` where none is set, or an empty one.
///
/// # Errors
///
/// A `Config` error for what is no address.
pub(super) fn endpoint(base: &SdkConfig, service: &str) -> Result<Option<String>> {
    let of_all = || base.endpoint_url().map(str::to_owned);
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .expect("all of its parts are there");
    let own = base
        .service_config()
        .and_then(|found| found.load_config(key));
    let own = own.filter(|_| !base.get_origin("endpoint_url").is_client_config());
    let filled = |text: String| {
        let text = text.trim().to_owned();
        (!text.is_empty()).then_some(text)
    };
    let Some(text) = own.and_then(filled).or_else(|| of_all().and_then(filled)) else {
        return Ok(None);
    };
    let url = Url::parse(&text).ok();
    if url.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
        return Ok(Some(text));
    }
    Err(Error::new(
        ErrorKind::Config,
        format!("the endpoint of {service} must be a URL such as `https://ec2.example.com`"),
    )
    .hinted(format!(
        "mend `$AWS_ENDPOINT_URL`, `$AWS_ENDPOINT_URL_{service}`, or `endpoint_url` in `~/.aws/config`"
    )))
}

/// Whether two texts are one address.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let url = |text: &str| Url::parse(text.trim()).ok();
    match (url(one), url(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one.trim() == other.trim(),
    }
}

/// Refuses an address of EC2 to which boot scripts would go unencrypted. `of_table` says whether the table names it.
///
/// # Errors
///
/// A `Config` error with the line that allows it.
pub(super) fn encrypted(text: &str, of_table: bool) -> Result<()> {
    let url = Url::parse(text).ok().filter(|url| {
        let here = url.host().is_some_and(|host| is_loopback(&host));
        url.scheme() == "http" && !here
    });
    let Some(url) = url else {
        return Ok(());
    };
    let why = format!(
        "boot scripts and their just-in-time configurations would go to `{url}` unencrypted"
    );
    let error = if of_table {
        Error::setting("endpoint", why)
    } else {
        Error::new(ErrorKind::Config, why).hinted(
            "the address is that of `$AWS_ENDPOINT_URL`, `$AWS_ENDPOINT_URL_EC2` or the profile",
        )
    };
    Err(error.hinted(ALLOW))
}

#[cfg(test)]
mod tests {
    use aws_config::Region;

    use super::*;

    fn credentials(key: &str, session: Option<&str>) -> Credentials {
        Credentials::new(key, "secret\n", session.map(str::to_owned), None, "test")
    }

    #[test]
    fn a_key_that_was_pasted_with_a_line_end_is_taken() {
        let fine = fit(credentials("AKIA\n", Some("token\r\n"))).expect("it is taken");
        assert_eq!(fine.access_key_id(), "AKIA");
        assert_eq!(fine.secret_access_key(), "secret");
        assert_eq!(fine.session_token(), Some("token"));
        let same = fit(Credentials::new("AKIA", "secret", None, None, "test"));
        assert_eq!(same.expect("it is taken").session_token(), None);
    }

    #[test]
    fn what_no_request_can_hold_is_refused_without_being_shown() {
        for (key, session) in [("hun\nter2", None), ("AKIA", Some("hunt\u{e4}r2"))] {
            let error = fit(credentials(key, session)).expect_err("it is refused");
            let told = crate::model::chain(&error);
            assert!(told.contains("must be one word"), "{told}");
            assert!(!told.contains("hun"), "{told}");
        }
    }

    #[test]
    fn boot_scripts_go_unencrypted_to_this_computer_only() {
        for fine in [
            "https://ec2.example.com",
            "http://127.0.0.1:5000",
            "http://localhost:5000",
        ] {
            encrypted(fine, true).expect(fine);
        }
        for of_table in [true, false] {
            let error = encrypted("http://10.0.0.7:5000", of_table).expect_err("it is refused");
            assert_eq!(error.kind, ErrorKind::Config);
            assert_eq!(error.key(), of_table.then_some("endpoint"));
            let hint = error.hints().last().expect("a hint");
            assert!(hint.contains("`allow_plain_http = true`"), "{hint}");
        }
    }

    #[test]
    fn an_empty_endpoint_is_none_and_a_broken_one_is_an_error() {
        let base = |text: &str| {
            SdkConfig::builder()
                .region(Region::new("us-east-1"))
                .endpoint_url(text)
                .build()
        };
        assert_eq!(endpoint(&base(""), "EC2").expect("it is none"), None);
        assert_eq!(endpoint(&base(" \n"), "EC2").expect("it is none"), None);
        let there = endpoint(&base("http://127.0.0.1:5000\n"), "EC2").expect("it is one");
        assert_eq!(there.as_deref(), Some("http://127.0.0.1:5000"));
        for text in ["localhost:5000", "not a url", "ftp://x"] {
            let error = endpoint(&base(text), "STS").expect_err("it is none");
            assert_eq!(error.kind, ErrorKind::Config, "{text}");
            assert!(
                error.hints()[0].contains("$AWS_ENDPOINT_URL_STS"),
                "{error:?}"
            );
        }
    }
}
