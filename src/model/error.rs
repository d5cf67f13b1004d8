//! The one error: what was tried, why it failed, what to do next, and what that is about.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::{causes, chain};

/// A failure, whole: its kind, what was tried in the user's nouns, the causes behind that, and what
/// helps with it.
///
/// It is cheap to clone: several callers may share one failure, and each is told all of it. A cause
/// is never turned into text. Each module names its own kinds and an alias
/// (`providers::Error = model::Error<providers::ErrorKind>`); each kind means an action.
#[derive(Clone, Debug)]
pub struct Error<K = ()> {
    /// What to do about it.
    pub kind: K,
    inner: Arc<Inner>,
}

#[derive(Clone, Debug, Default)]
struct Inner {
    message: String,
    hints: Vec<String>,
    key: Option<String>,
    request_id: Option<String>,
    wait: Option<Duration>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl<K> Error<K> {
    /// Makes an error that says what was tried; the cause is added with [`Error::because`].
    pub fn new(kind: K, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            kind,
            inner: Arc::new(Inner {
                message,
                ..Inner::default()
            }),
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.inner));
        self
    }

    /// Adds the cause. An error of this type as the cause is better told by
    /// [`Error::while_trying`], which takes its hints along.
    #[must_use]
    pub fn because(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let source = Arc::from(source.into());
        self.with(|inner| inner.source = Some(source))
    }

    /// Adds several causes, whose hints are those of this error too; so are the first setting and the
    /// first request's id.
    #[must_use]
    pub fn because_each<L: 'static>(self, causes: impl IntoIterator<Item = Error<L>>) -> Self {
        let mut causes: Vec<Error> = causes.into_iter().map(Error::any).collect();
        let id = causes.iter().find_map(|cause| cause.request_id());
        let id = self.request_id().or(id).map(str::to_owned);
        let key = causes.iter().find_map(|cause| cause.key());
        let key = self.key().or(key).map(str::to_owned);
        let hints: Vec<String> = causes.iter().flat_map(Error::hints).cloned().collect();
        let error = self.requested(id).hinted_all(hints);
        let error = error.with(|inner| inner.key = key);
        match causes.len() {
            0 => error,
            1 => error.because(causes.remove(0)),
            _ => error.because(Several(causes)),
        }
    }

    /// The same error in other words: what was tried is told in full by whoever knows more of it.
    #[must_use]
    pub fn saying(self, message: impl Into<String>) -> Self {
        let message = message.into();
        self.with(|inner| inner.message = message)
    }

    /// The same error without its hints, for whoever knows a better one.
    #[must_use]
    pub fn unhinted(self) -> Self {
        self.with(|inner| inner.hints.clear())
    }

    /// The same error as the cause of what could not be done because of it. Its hints, its setting
    /// and its request's id are those of the new one too.
    #[must_use]
    pub fn while_trying(self, doing: impl Into<String>) -> Self
    where
        K: Clone + fmt::Debug + Send + Sync + 'static,
    {
        let outer = Inner {
            message: doing.into(),
            source: None,
            ..Inner::clone(&self.inner)
        };
        Self {
            kind: self.kind.clone(),
            inner: Arc::new(outer),
        }
        .because(self)
    }

    /// Adds something to type or to mend. What it says already is not said again.
    #[must_use]
    pub fn hinted(self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        self.with(|inner| {
            if !inner.hints.contains(&hint) {
                inner.hints.push(hint);
            }
        })
    }

    /// Adds several hints, in their order.
    #[must_use]
    pub fn hinted_all<H: Into<String>>(self, hints: impl IntoIterator<Item = H>) -> Self {
        hints.into_iter().fold(self, Self::hinted)
    }

    /// Says which setting is at fault (`gpus`, `volume.size`).
    #[must_use]
    pub fn about(self, key: impl Into<String>) -> Self {
        let key = key.into();
        self.with(|inner| inner.key = Some(key))
    }

    /// Says what the server calls the request that failed.
    #[must_use]
    pub fn requested(self, id: Option<impl Into<String>>) -> Self {
        match id {
            Some(id) => {
                let id = id.into();
                self.with(|inner| inner.request_id = Some(id))
            }
            None => self,
        }
    }

    /// Says for how long it is worth asking again, from the first time on.
    #[must_use]
    pub fn waiting(self, wait: Duration) -> Self {
        self.with(|inner| inner.wait = Some(wait).filter(|wait| !wait.is_zero()))
    }

    /// The same error with another kind.
    #[must_use]
    pub fn map<L>(self, kind: impl FnOnce(K) -> L) -> Error<L> {
        Error {
            kind: kind(self.kind),
            inner: self.inner,
        }
    }

    /// The same error for whoever needs to tell it, and not to decide by its kind.
    #[must_use]
    pub fn any(self) -> Error {
        self.map(drop)
    }

    /// All that is known of it, for people: the error with its causes, and a hint a line.
    pub fn describe(&self) -> String
    where
        K: fmt::Debug + 'static,
    {
        let hints = self.hints().iter().map(|hint| format!("\nhint: {hint}"));
        chain(self) + &hints.collect::<String>()
    }

    /// What was tried, without the causes.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// What to type or to mend, its causes' hints included.
    pub fn hints(&self) -> &[String] {
        &self.inner.hints
    }

    /// The setting at fault, where one is.
    pub fn key(&self) -> Option<&str> {
        self.inner.key.as_deref()
    }

    /// What the server calls the request that failed.
    pub fn request_id(&self) -> Option<&str> {
        self.inner.request_id.as_deref()
    }

    /// For how long it is worth asking again, from the first time on.
    pub fn wait(&self) -> Option<Duration> {
        self.inner.wait
    }
}

impl Error {
    /// The causes of an error that cannot be kept itself, from the outside in: each text is the cause of the
    /// one before.
    pub fn of_causes(
        texts: impl IntoIterator<Item = String, IntoIter: DoubleEndedIterator>,
    ) -> Option<Self> {
        let behind = |cause: Option<Self>, text: String| {
            let error = Self::from(text);
            Some(match cause {
                Some(cause) => error.because(cause),
                None => error,
            })
        };
        texts.into_iter().rev().fold(None, behind)
    }
}

impl<K> fmt::Display for Error<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl<K: fmt::Debug> StdError for Error<K> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as _)
    }
}

/// Two errors are the same that tell the same.
impl<K: fmt::Debug + PartialEq> PartialEq for Error<K> {
    fn eq(&self, other: &Self) -> bool {
        let causes = |error: &Self| error.inner.source.as_deref().map(|cause| chain(cause));
        self.kind == other.kind
            && self.message() == other.message()
            && self.hints() == other.hints()
            && self.key() == other.key()
            && self.request_id() == other.request_id()
            && self.wait() == other.wait()
            && causes(self) == causes(other)
    }
}

impl<K: fmt::Debug + Eq> Eq for Error<K> {}

/// As every report writes an error: `error` with its causes, `hints`, `request_id` and `setting`.
impl<K: fmt::Debug + 'static> Serialize for Error<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fields("error", Some(self), serializer)
    }
}

impl<K: fmt::Debug + 'static> Error<K> {
    /// Writes the keys of an error where there may be none: they are there in any case.
    #[expect(clippy::ref_option, reason = "serde hands a reference to the field")]
    pub fn if_any<S: Serializer>(error: &Option<Self>, serializer: S) -> Result<S::Ok, S::Error> {
        fields("error", error.as_ref(), serializer)
    }

    /// Writes an error as the reason for something: `why` stands for `error`.
    pub fn as_reason<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fields("why", Some(self), serializer)
    }
}

fn fields<K: fmt::Debug + 'static, S: Serializer>(
    text: &'static str,
    error: Option<&Error<K>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut fields = serializer.serialize_struct("Error", 4)?;
    fields.serialize_field(text, &error.map(|error| chain(error)))?;
    fields.serialize_field("hints", error.map_or(&[][..], Error::hints))?;
    fields.serialize_field("request_id", &error.and_then(Error::request_id))?;
    fields.serialize_field("setting", &error.and_then(Error::key))?;
    fields.end()
}

/// A sentence that says it all.
impl From<&str> for Error {
    fn from(message: &str) -> Self {
        Self::new((), message)
    }
}

/// A sentence that says it all.
impl From<String> for Error {
    fn from(message: String) -> Self {
        Self::new((), message)
    }
}

/// How many of several causes are told a line each.
const MOST_LINES: usize = 8;

/// An error with its causes, as lines: what was tried and why on the first, and where that has several causes each below
/// it on one of its own, two blanks deeper. Those that differ in what was tried alone share one.
pub fn outline(error: &(dyn StdError + 'static)) -> Vec<String> {
    let mut first: Vec<String> = Vec::new();
    let mut below = Vec::new();
    for cause in causes(error) {
        if let Some(Several(all)) = cause.downcast_ref() {
            below = several(all);
            break;
        }
        let message = cause.to_string();
        // Some errors repeat their cause in their own words; reading it twice helps nobody.
        if !first.last().is_some_and(|last| last.ends_with(&message)) {
            first.push(message);
        }
    }
    let below = below.iter().map(|line| format!("  {line}"));
    std::iter::once(first.join(": ")).chain(below).collect()
}

fn several(all: &[Error]) -> Vec<String> {
    let mut shared: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    for error in all {
        let why = error.source().map(outline).unwrap_or_default();
        let what = error.to_string();
        match shared.iter_mut().find(|(_, other)| *other == why) {
            Some((whats, _)) if !whats.contains(&what) => whats.push(what),
            Some(_) => {}
            None => shared.push((vec![what], why)),
        }
    }
    let mut lines = Vec::new();
    for (whats, why) in &shared {
        if lines.len() >= MOST_LINES {
            let more = shared.len() - shared.iter().position(|one| one.0 == *whats).unwrap_or(0);
            lines.push(format!("and {more} more"));
            break;
        }
        let what = whats.join(", ");
        match why.split_first() {
            Some((first, rest)) => {
                let first = Some(first).filter(|first| !first.is_empty());
                lines.push(first.map_or(what.clone(), |first| format!("{what}: {first}")));
                lines.extend(rest.iter().cloned());
            }
            None => lines.push(what),
        }
    }
    lines
}

/// Several causes of one error.
#[derive(Debug)]
struct Several(Vec<Error>);

impl fmt::Display for Several {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let causes: Vec<String> = self.0.iter().map(|cause| chain(cause)).collect();
        f.write_str(&causes.join("; "))
    }
}

impl StdError for Several {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_error_knows_travels_up_and_every_clone_tells_the_whole_chain() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let error = Error::new("unavailable", "could not send it")
            .because(refused)
            .hinted("is the network there?")
            .about("endpoint")
            .requested(Some("4711"))
            .while_trying("could not read the catalog")
            .hinted("try again")
            .while_trying("could not launch");
        for told in [error.clone(), error] {
            assert_eq!(
                chain(&told),
                "could not launch: could not read the catalog: could not send it: connection refused"
            );
            assert_eq!(told.hints(), ["is the network there?", "try again"]);
            assert_eq!(told.key(), Some("endpoint"));
            assert_eq!(told.request_id(), Some("4711"));
            assert_eq!(told.kind, "unavailable");
            let told = told.map(str::len).any();
            assert_eq!(
                (told.message(), told.hints().len()),
                ("could not launch", 2)
            );
        }
    }

    #[test]
    fn several_causes_are_told_with_all_that_helps() {
        let full = |place: &str, hint: &str| {
            Error::new(3, "no room")
                .hinted(hint)
                .requested((place == "b").then_some("4711"))
                .while_trying(place)
        };
        let error = Error::new((), "nobody has room")
            .hinted("wait")
            .because_each([full("a", "add types"), full("b", "add types")])
            .while_trying("could not start");
        assert_eq!(
            chain(&error),
            "could not start: nobody has room: a: no room; b: no room"
        );
        assert_eq!(error.hints(), ["wait", "add types"]);
        assert_eq!(error.request_id(), Some("4711"));
    }

    #[test]
    fn several_causes_are_a_line_each_and_one_that_several_share_is_told_once() {
        let full = |place: &str, why: &str| Error::new((), why).while_trying(place);
        let candidates = [
            full("m7i.large", "no room"),
            full("m7i.xlarge", "no room"),
            full("g6.large", "denied"),
        ];
        let cloud = Error::new((), "`aws`").because_each(candidates);
        let error =
            Error::new((), "nobody has room").because_each([cloud, full("`gpu`", "out of stock")]);
        assert_eq!(
            outline(&error.while_trying("could not start")),
            [
                "could not start: nobody has room",
                "  `aws`",
                "    m7i.large, m7i.xlarge: no room",
                "    g6.large: denied",
                "  `gpu`: out of stock",
            ]
        );
        let many = (0..20).map(|n| full(&format!("type {n}"), &format!("reason {n}")));
        let lines = outline(&Error::new((), "nobody").because_each(many));
        assert_eq!((lines.len(), lines[9].as_str()), (10, "  and 12 more"));
    }

    #[test]
    fn every_report_writes_all_that_an_error_knows() {
        let inner = Error::new((), "it must be a number")
            .about("disk")
            .hinted("write `40`")
            .requested(Some("4711"));
        let outer = Error::new((), "could not launch").because_each([inner]);
        let json = serde_json::to_value(&outer).expect("plain values");
        let expected = serde_json::json!({
            "error": "could not launch: it must be a number",
            "hints": ["write `40`"],
            "request_id": "4711",
            "setting": "disk",
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn an_error_is_small_and_says_a_hint_once() {
        assert!(size_of::<Error<u8>>() <= 2 * size_of::<usize>());
        let error = Error::new((), "no").hinted_all(["do", "then do", "do"]);
        assert_eq!(error.hints(), ["do", "then do"]);
        assert_eq!(error.waiting(Duration::ZERO).wait(), None);
    }
}
