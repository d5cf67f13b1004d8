//! How long an operation may take.

use std::sync::Mutex;
use std::time::Duration;

use crate::model::lock;
use tokio::time::Instant;

/// The bounds of one operation, which may send several requests.
///
/// What it does itself has one end, and waiting for room has another: a server that wants to be
/// left alone for five minutes does not use up the three that its answers may take.
#[derive(Debug)]
pub struct Term {
    /// When the operation ends; waiting for room puts it off.
    end: Mutex<Instant>,
    /// Until when it may wait for room.
    room: Instant,
    /// What puts nothing off.
    last: Option<Instant>,
    /// Whether it is given up, unsent, when [`super::Client::forgo`] is called.
    forgoes: bool,
}

impl Term {
    /// Everything ends then.
    pub fn until(by: Instant) -> Self {
        Self {
            end: Mutex::new(by),
            room: by,
            last: Some(by),
            forgoes: false,
        }
    }

    /// `work` is for the operation itself, and it may wait for room until `room`.
    pub fn new(work: Duration, room: Instant) -> Self {
        Self {
            end: Mutex::new(Instant::now() + work),
            room,
            last: None,
            forgoes: false,
        }
    }

    /// Ends it then in any case.
    #[must_use]
    pub fn ending(mut self, last: Instant) -> Self {
        self.room = self.room.min(last);
        self.last = Some(self.last.map_or(last, |known| known.min(last)));
        self
    }

    /// It is not worth waiting for when everything is being given up.
    #[must_use]
    pub fn forgoing(mut self) -> Self {
        self.forgoes = true;
        self
    }

    /// When the operation ends, as things stand.
    pub fn end(&self) -> Instant {
        let end = *self.lock();
        self.last.map_or(end, |last| last.min(end))
    }

    pub(super) fn room(&self) -> Instant {
        self.room
    }

    pub(super) fn forgoes(&self) -> bool {
        self.forgoes
    }

    /// So long nothing could be done.
    pub(super) fn waited(&self, pause: Duration) {
        *self.lock() += pause;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Instant> {
        lock(&self.end)
    }
}
