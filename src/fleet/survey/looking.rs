//! How a look is taken: what is asked, and how long that may take.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Questions;
use crate::fleet::cancellation::CancellationToken;
use crate::model::Reference;

/// How long all of a look may take whose end nobody limits.
const AROUND: Duration = Duration::from_mins(10);
/// How long a source may take to list what it has, all its regions and pages included.
pub(super) const LISTING: Duration = Duration::from_mins(1);

/// How a look is taken.
#[derive(Clone, Copy, Debug)]
pub(in crate::fleet) struct Looking<'a> {
    /// What is asked of single rows.
    pub(in crate::fleet) questions: Questions,
    /// When what has not answered counts as unread.
    pub(in crate::fleet) end: Instant,
    /// Once that is said what has not answered soon counts as unread; GitHub at once, where it is to be spared.
    pub(in crate::fleet) hurry: Option<&'a CancellationToken>,
    /// Whether no limit of GitHub's is waited for, and its silence not for long.
    pub(in crate::fleet) spare_github: bool,
    /// Where these machines are known to be what is looked for: their places, and those of launches, are enough. What does
    /// not say where it is, and is not there, is looked for everywhere.
    pub(in crate::fleet) near: Option<&'a [Reference]>,
}

impl Looking<'_> {
    /// The look of who only wants to see.
    pub(super) fn around() -> Self {
        Self {
            questions: Questions::Idle,
            end: Instant::now() + AROUND,
            hurry: None,
            spare_github: false,
            near: None,
        }
    }

    /// So long, or until the end where that comes before.
    pub(super) fn within(&self, at_most: Duration) -> Duration {
        at_most.min(self.end.saturating_duration_since(Instant::now()))
    }

    /// Waits until it is said that there is little time, and for as long as there is then.
    pub(super) async fn hurried(&self, rest: Duration) {
        match self.hurry {
            Some(hurry) => hurry.requested().await,
            None => std::future::pending().await,
        }
        sleep(rest).await;
    }
}
