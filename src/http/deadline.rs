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
pub struct Deadline {
    /// When the operation ends; waiting for room puts it off.
    end: Mutex<Instant>,
    /// Until when it may wait for room.
    room: Instant,
    /// What puts nothing off.
    last: Option<Instant>,
    /// Whether it is given up, unsent, when [`super::HttpClient::abandon_waits`] is called.
    is_abandonable: bool,
}

impl Deadline {
    /// Everything ends then.
    pub fn until(by: Instant) -> Self {
        Self {
            end: Mutex::new(by),
            room: by,
            last: Some(by),
            is_abandonable: false,
        }
    }

    /// `work` is for the operation itself, and it may wait for room until `room`.
    pub fn new(work: Duration, room: Instant) -> Self {
        Self {
            end: Mutex::new(Instant::now() + work),
            room,
            last: None,
            is_abandonable: false,
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
    pub fn abandonable(mut self) -> Self {
        self.is_abandonable = true;
        self
    }

    /// When the operation ends, as things stand.
    pub fn end(&self) -> Instant {
        let end = *self.lock();
        self.last.map_or(end, |last| last.min(end))
    }

    /// Until when it may wait for room.
    pub(super) fn room(&self) -> Instant {
        self.room
    }

    pub(super) fn is_abandonable(&self) -> bool {
        self.is_abandonable
    }

    /// So long nothing could be done.
    pub(super) fn waited(&self, pause: Duration) {
        *self.lock() += pause;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Instant> {
        lock(&self.end)
    }
}
