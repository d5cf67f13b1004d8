//! What a test can set: what is in stock, how long things take, and what becomes of a request.

use std::time::Duration;

use super::refusal::Refusal;

/// What becomes of one request.
#[derive(Clone, Debug)]
pub enum Deed {
    /// It is carried out and answered.
    Answer,
    /// The connection breaks before anything is done.
    Drop,
    /// It is carried out, and the connection breaks before the answer.
    Lose,
    /// The connection breaks, and it is carried out only after this time.
    Late(Duration),
    /// Nothing is done, and nobody ever answers.
    Hang,
    /// It is carried out, and nobody ever answers.
    HangAfter,
    /// It is refused in the gateway's words.
    Refuse(Refusal),
    /// It is refused for being one too many (429), with a `Retry-After` of so many seconds.
    Throttle(Option<u64>),
    /// A status with an empty body.
    Status(u16),
    /// It is not done, and a proxy on the way answers 502 with a page of HTML.
    Html,
    /// It is not done, and a proxy on the way answers this status with a page of HTML.
    Page(u16),
    /// It is carried out, and a proxy on the way answers 502 with a page of HTML.
    HtmlAfter,
    /// It is carried out, and its answer's body is this one instead.
    Body(String),
    /// It is not done, and answered with this body as if it were.
    Pretend(String),
}

/// Which of the two documented spellings of `cancel` works; the other one answers with the status.
#[derive(Clone, Copy, Debug)]
pub enum CancelPath {
    /// `POST /ai/v1/jobs/cancel` with the id in the body.
    Body(u16),
    /// `POST /ai/v1/jobs/{id}:cancel`.
    Colon(u16),
}

/// What a platform and preset has.
#[derive(Clone, Debug)]
pub enum Stock {
    /// Machines.
    Plenty,
    /// So many machines at one time; then it is as with `Refused`.
    Units(usize),
    /// Requests are refused at once for want of machines.
    Refused,
    /// Requests are accepted, and fail after this time for want of machines.
    Later(Duration),
    /// Requests are refused at once: the tenant's quota is used up.
    Quota,
    /// Requests are accepted, and fail after this time: the tenant's quota is used up.
    QuotaLater(Duration),
}

/// Whether what runs can be deleted.
#[derive(Clone, Copy, Debug)]
pub enum Deletion {
    /// At once.
    Allowed,
    /// Not before it was cancelled: the request is refused with this status (400 or 409).
    Refused(u16),
}

/// How a job's container ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With 0.
    Completed,
    /// With anything else.
    Failed,
    /// With this code, which is told.
    Exited(i32),
}

impl Ending {
    pub(super) fn state(self) -> &'static str {
        match self {
            Self::Completed => "COMPLETED",
            Self::Failed | Self::Exited(_) => "FAILED",
        }
    }
}

/// What the world is like.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the world"
)]
pub struct Conditions {
    /// By platform and preset (all presets when absent); the last that fits holds, `Plenty` when none does.
    pub stock: Vec<(String, Option<String>, Stock)>,
    /// Which spelling of `cancel` works.
    pub cancel: CancelPath,
    /// How long a job is `PROVISIONING`, and a VM `CREATING`.
    pub provisioning: Duration,
    /// How long a job and a VM are `STARTING`.
    pub starting: Duration,
    /// How long a job is `IMAGE_PULLING`.
    pub pulling: Duration,
    /// A job stays `STARTING`, as with a bad image, and costs money.
    pub stuck: bool,
    /// What the image of a job has in it that cannot be pulled: it stays `STARTING`, as with `stuck`.
    pub bad_images: Vec<String>,
    /// A VM that finds no room is made, and stopped before it ran, while its operation goes on
    /// (<https://github.com/skypilot-org/skypilot/pull/6856>).
    pub stops_vms: bool,
    /// How a job ends whose container is not really run, and how long after it began to run.
    pub ends: Option<(Duration, Ending)>,
    /// How long an hour of a job's timeout takes.
    pub hour: Duration,
    /// How long operations are under way after their deed.
    pub operation: Duration,
    /// Operations of `*.create` are accepted and fail with this.
    pub operations_fail: Option<Refusal>,
    /// How long a job is `CANCELLING`.
    pub cancelling: Duration,
    /// How long anything is `DELETING`.
    pub deleting: Duration,
    /// Whether a job that has not ended can be deleted.
    pub deletion: Deletion,
    /// How long it takes until lists show what was made.
    pub listing_lag: Duration,
    /// Whether what lists do not show yet cannot be looked at by its id, either.
    pub lags_everywhere: bool,
    /// How many items a page has at most, whatever is asked for.
    pub page: usize,
    /// Whether `x-idempotency-key` is honoured.
    pub idempotency: bool,
    /// Whether a name that is taken is refused.
    pub unique_names: bool,
    /// Whether jobs' own VMs are in the project's list of VMs.
    pub shows_machines: bool,
    /// Whether what an operation that failed made is still there, in `ERROR`, and costs money.
    pub leaves_failed: bool,
    /// Whether the managed disk of a VM that is gone stays, and costs money.
    pub leaves_disks: bool,
    /// Whether labels must keep to the strictest syntax that clouds ask; Nebius' own is not known.
    pub strict_labels: bool,
    /// How long tokens are good for.
    pub token_lasts: Duration,
    /// Whether tokens may do nothing in the project (403).
    pub forbidden: bool,
    /// How long each answer takes.
    pub latency: Duration,
    /// The image that jobs and VMs are really run in, as containers of the daemon that `docker` finds;
    /// none are run when absent. It needs `sh`, `env` and `chmod`, and `poweroff` is replaced in it.
    pub image: Option<String>,
    /// What a VM's boot script has in its environment beside what cloud-init leaves it; `{metadata}` in
    /// a value is the address that stands for `http://metadata.nebius.internal`.
    pub boot_env: Vec<(String, String)>,
    /// Whether the project has a default subnet.
    pub default_subnet: bool,
    /// Whether the calculator tells prices.
    pub calculator: bool,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            stock: Vec::new(),
            cancel: CancelPath::Body(404),
            provisioning: Duration::ZERO,
            starting: Duration::ZERO,
            pulling: Duration::ZERO,
            stuck: false,
            bad_images: Vec::new(),
            stops_vms: false,
            ends: None,
            hour: Duration::from_hours(1),
            operation: Duration::ZERO,
            operations_fail: None,
            cancelling: Duration::ZERO,
            deleting: Duration::ZERO,
            deletion: Deletion::Allowed,
            listing_lag: Duration::ZERO,
            lags_everywhere: false,
            // Small: whoever forgets a page finds it out.
            page: 2,
            idempotency: true,
            unique_names: true,
            shows_machines: true,
            leaves_failed: true,
            leaves_disks: false,
            strict_labels: true,
            token_lasts: Duration::from_hours(12),
            forbidden: false,
            latency: Duration::ZERO,
            image: None,
            boot_env: Vec::new(),
            default_subnet: true,
            calculator: true,
        }
    }
}

impl Conditions {
    /// What a platform and preset has.
    pub(super) fn stock_of(&self, platform: &str, preset: &str) -> Stock {
        let fits = |entry: &&(String, Option<String>, Stock)| {
            entry.0 == platform && entry.1.as_deref().is_none_or(|own| own == preset)
        };
        self.stock
            .iter()
            .rev()
            .find(fits)
            .map_or(Stock::Plenty, |(.., stock)| stock.clone())
    }

    /// Sets what a platform has, whatever the preset.
    pub fn stocked(&mut self, platform: &str, stock: Stock) {
        self.stock.push((platform.to_owned(), None, stock));
    }
}
