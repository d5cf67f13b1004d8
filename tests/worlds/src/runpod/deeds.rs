//! What is done with a request where that is not the usual.

use std::time::Duration;

use super::lags::Lag;
use super::wire::{Answer, Asked};

/// What is done with a request.
#[derive(Clone, Debug)]
pub enum Deed {
    /// This is answered, and nothing done.
    Answer(Answer),
    /// The connection breaks.
    Drop,
    /// Nobody ever answers.
    Hang,
    /// It is done as always, so much later.
    Delay(Duration),
    /// It is carried out, but what is heard of it is this.
    After(Box<Deed>),
    /// It is carried out after a lag (whose looks are listings), and what is heard of it is this, at once.
    Later(Lag, Box<Deed>),
}

impl Deed {
    /// An error in `RunPod`'s form.
    pub fn refuse(status: u16, detail: &str) -> Self {
        Self::Answer(Answer::problem(status, detail))
    }

    /// A page of what stands before the API.
    pub fn html(status: u16) -> Self {
        let page = format!("<!DOCTYPE html><html><h1>{status}</h1>cloudflare</html>");
        Self::Answer(Answer::text(status, "text/html; charset=UTF-8", page))
    }

    /// Too many requests; one is taken again after so many seconds.
    pub fn limit(seconds: u32) -> Self {
        let answer = Answer::problem(429, "rate limit exceeded")
            .with("retry-after", seconds.to_string())
            .with("ratelimit", format!("\"minute\";r=0;t={seconds}"));
        Self::Answer(answer)
    }

    /// No room, in the words that were recorded.
    pub fn no_capacity() -> Self {
        Self::refuse(400, NO_CAPACITY)
    }

    /// The deed is done, and its answer lost.
    pub fn lost() -> Self {
        Self::After(Box::new(Self::Drop))
    }
}

/// What `RunPod` says where it has no room, as it was recorded.
pub const NO_CAPACITY: &str = "There are no longer any instances available with the requested specifications. Please refresh and try again.";

/// Requests that are dealt with differently.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) method: &'static str,
    /// A path, in which a part in braces is any.
    pub(super) path: &'static str,
    /// How often yet.
    pub(super) times: u32,
    pub(super) deed: Deed,
}

impl Fault {
    pub(super) fn fits(&self, asked: &Asked) -> bool {
        self.times > 0
            && self.method == asked.method
            && self.path.matches('/').count() == asked.path.matches('/').count()
            && self
                .path
                .split('/')
                .zip(asked.path.split('/'))
                .all(|(wanted, given)| wanted.starts_with('{') || wanted == given)
    }
}
