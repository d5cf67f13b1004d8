//! What a client of GitHub says while it works.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::{Scope, Secret};

/// Something that whoever uses a client has to hear at once.
#[derive(Debug)]
pub enum ClientEvent<'a> {
    /// A secret came into being; it is used when the hearer has returned.
    Secret(&'a Secret),
    /// GitHub wants to be left alone. Said once for each wait, not once for each request that waits.
    Waiting {
        /// Why, in half a sentence that names the limit.
        reason: &'a str,
        /// When it goes on, by GitHub's clock.
        until: Timestamp,
        /// How long that is from now.
        lasts: Duration,
    },
    /// GitHub's clock and ours differ by more than [`crate::model::CLOCKS_AGREE`]. Said once.
    ClockDiffers {
        /// How far GitHub's is ahead of ours.
        ahead: SignedDuration,
    },
    /// What runners are registered with has another name now. Said once.
    Moved {
        /// The name that still leads there, for as long as nobody else takes it.
        scope: &'a Scope,
    },
}

/// Who hears the notices of a client; the default hears nothing.
#[derive(Clone, Default)]
pub struct Observer(Option<Arc<Observe>>);

type Observe = dyn Fn(ClientEvent<'_>) -> io::Result<()> + Send + Sync;

impl Observer {
    /// Calls `hear` for each notice. What it fails with ends the operation: a secret that cannot be
    /// masked must not be used.
    pub fn new(hear: impl Fn(ClientEvent<'_>) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(hear)))
    }

    pub(super) fn tell(&self, event: ClientEvent<'_>) -> io::Result<()> {
        self.0.as_ref().map_or(Ok(()), |hear| hear(event))
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Observer").field(&self.0.is_some()).finish()
    }
}
