//! The proxies of this computer, as far as machines can use them.

use url::Url;

use super::Env;
use crate::model::{Secret, is_loopback};

/// The variables that hold a proxy's address, in both of the spellings that programs look for.
const ADDRESSES: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"];
/// The variables that name hosts that are reached without one.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The proxies of the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// Variables for machines, in the spelling that is set. What is there no proxy for has no exceptions.
    pub for_machines: Vec<(String, Secret)>,
    /// The variables that are of use on this computer only: their proxy is at a loopback address.
    pub only_here: Vec<String>,
    /// The passwords in them, as they are written and as they are meant.
    pub passwords: Vec<Secret>,
}

impl Proxies {
    pub(super) fn of(env: &Env) -> Self {
        let mut proxies = Self::default();
        for name in ADDRESSES {
            let text = env.get(name).map(str::trim);
            let Some(text) = text.filter(|text| !text.is_empty()) else {
                continue;
            };
            let url = address(text);
            proxies
                .passwords
                .extend(url.as_ref().and_then(Url::password).map(Secret::new));
            if let Some(meant) = url.as_ref().and_then(Url::password).and_then(decoded) {
                proxies.passwords.push(Secret::new(meant));
            }
            proxies.passwords.extend(written(text).map(Secret::new));
            if url
                .as_ref()
                .and_then(Url::host)
                .is_some_and(|host| is_loopback(&host))
            {
                proxies.only_here.push(name.to_owned());
            } else {
                let value = Secret::new(with_scheme(text));
                proxies.for_machines.push((name.to_owned(), value));
            }
        }
        proxies.passwords.dedup();
        if !proxies.for_machines.is_empty() {
            let exceptions = EXCEPTIONS.iter().filter_map(|name| {
                let value = Secret::new(env.get(name)?.trim());
                Some(((*name).to_owned(), value))
            });
            proxies.for_machines.extend(exceptions);
        }
        proxies
    }
}

/// A proxy's address as the runner takes it: unlike curl it needs a scheme
/// (`src/Runner.Sdk/RunnerWebProxy.cs` of actions/runner).
fn with_scheme(text: &str) -> String {
    if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    }
}

/// A proxy's address, whatever it speaks; programs take one without a scheme, too.
fn address(text: &str) -> Option<Url> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    Url::parse(&format!("http://{rest}")).ok()
}

/// The password as it is written.
fn written(text: &str) -> Option<&str> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    Some(password).filter(|password| !password.is_empty())
}

/// A text with its `%XX` resolved; `None` where it holds none, or no UTF-8.
fn decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return None;
    }
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *first == b'%');
        let hex = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Proxies {
        let pairs = pairs.iter();
        let env = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Proxies::of(&env.collect())
    }

    fn shown(secrets: &[Secret]) -> Vec<&str> {
        secrets.iter().map(Secret::expose).collect()
    }

    #[test]
    fn machines_are_told_in_the_spelling_that_is_set() {
        let proxies = of(&[
            ("https_proxy", "http://proxy.test:3128\n"),
            ("HTTP_PROXY", "proxy.test:3128"),
            ("NO_PROXY", "ghes.test,10.0.0.0/8"),
        ]);
        let told: Vec<_> = proxies
            .for_machines
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose()))
            .collect();
        assert_eq!(
            told,
            [
                ("HTTP_PROXY", "http://proxy.test:3128"),
                ("https_proxy", "http://proxy.test:3128"),
                ("NO_PROXY", "ghes.test,10.0.0.0/8"),
            ]
        );
        assert_eq!(proxies.only_here, [""; 0]);
        assert_eq!(proxies.passwords, []);
    }

    #[test]
    fn a_loopback_address_is_of_no_use_elsewhere() {
        for address in [
            "http://127.0.0.1:3128",
            "127.0.0.1:3128",
            "http://user:hunter2@localhost:3128/",
            "http://[::1]:3128",
            "socks5://0.0.0.0:1080",
            "proxy.localhost:1",
        ] {
            let proxies = of(&[("HTTPS_PROXY", address), ("no_proxy", "x.test")]);
            assert_eq!(proxies.for_machines, [], "{address}");
            assert_eq!(proxies.only_here, ["HTTPS_PROXY"], "{address}");
        }
    }

    #[test]
    fn a_password_is_known_however_it_is_spelled() {
        let proxies = of(&[("HTTPS_PROXY", "http://user:p%40ss word@proxy.test:3128")]);
        let passwords = shown(&proxies.passwords);
        for one in ["p%40ss word", "p%40ss%20word", "p@ss word"] {
            assert!(passwords.contains(&one), "{one}: {passwords:?}");
        }
        assert!(!format!("{proxies:?}").contains("p%40ss"));
        let bare = of(&[("HTTPS_PROXY", "user:hunter2@proxy.test:3128")]);
        assert_eq!(shown(&bare.passwords), ["hunter2"]);
        let none = of(&[("HTTPS_PROXY", "http://user@proxy.test")]);
        assert_eq!(none.passwords, []);
    }
}
