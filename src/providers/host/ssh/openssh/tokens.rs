//! What `%h`, `${NAME}` and `~` stand for, see `TOKENS` and `ENVIRONMENT VARIABLES` in `ssh_config(5)`.

use std::path::PathBuf;

use super::{Surroundings, users};

/// What tokens stand for.
#[derive(Debug)]
pub(in crate::providers::host::ssh) struct Tokens<'a> {
    pub(in crate::providers::host::ssh) around: &'a Surroundings,
    /// The host's real name.
    pub(in crate::providers::host::ssh) host: String,
    /// As it was written.
    pub(in crate::providers::host::ssh) original: &'a str,
    /// By which its key is known, where that is another name.
    pub(in crate::providers::host::ssh) alias: Option<String>,
    pub(in crate::providers::host::ssh) port: u16,
    pub(in crate::providers::host::ssh) user: String,
}

impl Tokens<'_> {
    /// The value of a token, as far as it is used here.
    fn of(&self, token: char) -> Option<String> {
        Some(match token {
            '%' => "%".to_owned(),
            'd' => self.around.home.as_ref()?.to_str()?.to_owned(),
            'h' => self.host.clone(),
            'i' => rustix::process::getuid().as_raw().to_string(),
            'k' => self
                .alias
                .clone()
                .unwrap_or_else(|| self.original.to_owned()),
            'n' => self.original.to_owned(),
            'p' => self.port.to_string(),
            'r' => self.user.clone(),
            'u' => self.around.user.clone(),
            _ => return None,
        })
    }

    /// A path with all of them replaced; else what is wrong with it.
    pub(in crate::providers::host::ssh) fn path(&self, text: &str) -> Result<PathBuf, String> {
        let text = match text.strip_prefix('~') {
            Some(rest) => {
                let (user, rest) = rest.split_once('/').unwrap_or((rest, ""));
                let home = match user {
                    "" => self.around.home.clone(),
                    user => users::home(user),
                };
                let home = home.ok_or_else(|| format!("`~{user}` has no known home folder"))?;
                home.join(rest).to_string_lossy().into_owned()
            }
            None => text.to_owned(),
        };
        let mut done = String::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find("${") {
            done += &self.command(&rest[..at])?;
            let (name, after) = rest[at + 2..]
                .split_once('}')
                .ok_or_else(|| format!("`{text}` has a `${{` without `}}`"))?;
            let value = self.around.variables.get(name);
            done += value.ok_or_else(|| {
                format!("gharun does not read `${{{name}}}`: write the path itself")
            })?;
            rest = after;
        }
        done += &self.command(rest)?;
        Ok(done.into())
    }

    /// A text with tokens replaced and nothing else; else what is wrong with it.
    pub(in crate::providers::host::ssh) fn command(&self, text: &str) -> Result<String, String> {
        replaced(text, |token| self.of(token))
    }
}

/// A host's real name, by the name as it was written.
pub(super) fn host_name(text: &str, original: &str) -> Result<String, String> {
    replaced(text, |token| match token {
        '%' => Some("%".to_owned()),
        'h' => Some(original.to_owned()),
        _ => None,
    })
}

fn replaced(text: &str, value: impl Fn(char) -> Option<String>) -> Result<String, String> {
    let mut done = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            done.push(c);
            continue;
        }
        let token = chars.next();
        let token = token.ok_or_else(|| format!("`{text}` ends with `%`: write `%%`"))?;
        let value = value(token);
        done +=
            &value.ok_or_else(|| format!("gharun does not read `%{token}`: write its value"))?;
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_variables_and_the_home_are_replaced() {
        let around = Surroundings {
            home: Some("/home/me".into()),
            user: "me".into(),
            variables: [("RUN".to_owned(), "/run/%h".to_owned())].into(),
        };
        let tokens = Tokens {
            around: &around,
            host: "pi.lab".into(),
            original: "pi",
            alias: None,
            port: 2222,
            user: "you".into(),
        };
        for (text, path) in [
            ("~/.ssh/%r@%h:%p", "/home/me/.ssh/you@pi.lab:2222"),
            ("%d/%n-%u-%k", "/home/me/pi-me-pi"),
            // Tokens in the value of a variable are not replaced.
            ("${RUN}/100%%", "/run/%h/100%"),
            ("id_pi", "id_pi"),
        ] {
            assert_eq!(tokens.path(text).unwrap(), PathBuf::from(path), "{text}");
        }
        for text in ["%C", "100%", "${NO}/x", "${RUN", "~nobody-of-this-name/x"] {
            assert!(tokens.path(text).is_err(), "{text}");
        }
    }
}
