//! One reading of the files of `ssh_config`, for one host.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::condition::{Scene, Verdict, judge};
use super::found::{Active, Flaw, Line};
use super::options::HostOptions;
use super::patterns::fits;
use super::{Surroundings, files, words};

/// How deep files may include each other (`READCONF_MAX_DEPTH` in OpenSSH).
const DEEPEST: usize = 16;

/// Whose file is read: `~` and relative paths mean something else in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    User,
    System,
}

/// One reading.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    /// The folder of the user's files.
    pub(super) dir: Option<&'a Path>,
    /// The folder of the system's.
    pub(super) system: &'a Path,
    pub(super) around: &'a Surroundings,
    /// The name that `Host` lines are about.
    pub(super) host: &'a str,
    /// The name as it was written.
    pub(super) original: &'a str,
    /// The user, where nothing that was read so far names one.
    pub(super) user: &'a str,
    /// Whether this is the second reading.
    pub(super) is_final: bool,
    /// Whether something asked for a second reading.
    pub(super) wants_final: bool,
    pub(super) options: HostOptions,
    /// The hosts that were named one by one, where the blocks around count.
    pub(super) names: Vec<String>,
}

impl Reader<'_> {
    /// Reads a file, and those that it includes.
    pub(super) fn file(&mut self, path: &Path, whose: Whose) -> Result<(), Flaw> {
        let from = Line {
            file: path.into(),
            number: 0,
        };
        self.included(path, whose, Active::Yes, 0, &from)
    }

    fn included(
        &mut self,
        path: &Path,
        whose: Whose,
        mut active: Active,
        depth: usize,
        from: &Line,
    ) -> Result<(), Flaw> {
        let wrong = |what: String| Flaw {
            at: from.clone(),
            what,
        };
        if depth > DEEPEST {
            return Err(wrong(format!(
                "`Include` is more than {DEEPEST} files deep"
            )));
        }
        let never = matches!(active, Active::No);
        if !never && files::is_open_to_others(path, self.around.home.as_deref()) {
            let path = path.display();
            let what = format!(
                "`{path}` belongs to another user, or others may write to it: `ssh` does not read it either"
            );
            return Err(wrong(what));
        }
        let text = match files::text(path) {
            Ok(text) => text,
            Err(_) if never => return Ok(()),
            Err(error) => {
                return Err(wrong(format!(
                    "could not read `{}`: {error}",
                    path.display()
                )));
            }
        };
        let outer = active.clone();
        let file: Arc<Path> = path.into();
        for (number, line) in (1..).zip(text.lines()) {
            let Some((keyword, rest)) = words::keyword(line) else {
                continue;
            };
            let at = Line {
                file: Arc::clone(&file),
                number,
            };
            match keyword.as_str() {
                "host" => {
                    if !matches!(outer, Active::No) {
                        self.note(rest);
                    }
                    active = within(&outer, self.is_meant(rest, &at)?, &at);
                }
                "match" => active = within(&outer, self.judged(rest), &at),
                "include" => self.include(rest, whose, &active, depth, &at)?,
                // A `Host` line behind a byte order mark would be missed, and what follows it count for every host.
                keyword if !keyword.chars().all(|c| c.is_ascii_alphanumeric()) => {
                    let what = format!(
                        "`{}` is not a keyword, and `ssh` refuses this file, too",
                        keyword.escape_debug()
                    );
                    return Err(Flaw { at, what });
                }
                keyword => self.options.take(keyword, rest, &active, &at)?,
            }
        }
        Ok(())
    }

    /// Notes the names of a `Host` line that mean one host each.
    fn note(&mut self, rest: &str) {
        for name in words::arguments(rest).unwrap_or_default() {
            let is_pattern = name.contains(['*', '?', '!', ',']);
            if !is_pattern && !self.names.contains(&name) {
                self.names.push(name);
            }
        }
    }

    /// Whether a `Host` line means this host.
    fn is_meant(&self, rest: &str, at: &Line) -> Result<Verdict, Flaw> {
        let patterns = words::arguments(rest).ok_or_else(|| Flaw {
            at: at.clone(),
            what: "a quotation mark is missing".to_owned(),
        })?;
        let mut verdict = Verdict::No;
        for pattern in &patterns {
            match pattern.strip_prefix('!') {
                Some(pattern) if fits(pattern, self.host) => return Ok(Verdict::No),
                None if fits(pattern, self.host) => verdict = Verdict::Yes,
                _ => {}
            }
        }
        Ok(verdict)
    }

    fn judged(&mut self, rest: &str) -> Verdict {
        let hostname = self.options.hostname.as_ref();
        let host = hostname.map(|found| {
            let name = found.value.replace("%%", "\0");
            name.replace("%h", self.host).replace('\0', "%")
        });
        let user = self.options.user.as_ref();
        let judgement = judge(
            rest,
            &Scene {
                host: host.as_deref().unwrap_or(self.host),
                original: self.original,
                user: user.map_or(self.user, |found| &found.value),
                local_user: &self.around.user,
                tag: self.options.tag.as_ref().map(|found| found.value.as_str()),
                is_final: self.is_final,
            },
        );
        self.wants_final |= judgement.wants_final;
        judgement.verdict
    }

    fn include(
        &mut self,
        rest: &str,
        whose: Whose,
        active: &Active,
        depth: usize,
        at: &Line,
    ) -> Result<(), Flaw> {
        let wrong = |what: String| Flaw {
            at: at.clone(),
            what,
        };
        let patterns = words::arguments(rest)
            .ok_or_else(|| wrong("a quotation mark is missing".to_owned()))?;
        for pattern in patterns {
            let Some(path) = self.anchored(&pattern, whose) else {
                if matches!(active, Active::No) {
                    continue;
                }
                return Err(wrong(format!(
                    "`Include` must name a path, not `{pattern}`"
                )));
            };
            let named = match files::matching(&path) {
                Ok(named) => named,
                Err(_) if matches!(active, Active::No) => continue,
                Err(what) => return Err(wrong(format!("`Include {pattern}`: {what}"))),
            };
            for path in named {
                self.included(&path, whose, active.clone(), depth + 1, at)?;
            }
        }
        Ok(())
    }

    /// Where a path of `Include` begins.
    fn anchored(&self, pattern: &str, whose: Whose) -> Option<PathBuf> {
        if let Some(rest) = pattern.strip_prefix('~') {
            let (user, rest) = rest.split_once('/')?;
            let home = match (whose, user) {
                (Whose::System, _) => return None,
                (Whose::User, "") => self.around.home.clone()?,
                (Whose::User, user) => super::users::home(user)?,
            };
            return Some(home.join(rest));
        }
        let path = Path::new(pattern);
        if path.is_absolute() {
            return Some(path.to_owned());
        }
        match whose {
            Whose::User => Some(self.dir?.join(path)),
            Whose::System => Some(self.system.join(path)),
        }
    }
}

/// Whether the lines of a block count in a file that may itself count or not.
fn within(outer: &Active, verdict: Verdict, at: &Line) -> Active {
    match (outer, verdict) {
        (Active::No, _) | (_, Verdict::No) => Active::No,
        (Active::Unknown(line), _) => Active::Unknown(line.clone()),
        (Active::Yes, Verdict::Yes) => Active::Yes,
        (Active::Yes, Verdict::Unknown) => Active::Unknown(at.clone()),
    }
}
