//! What a start would do.

use serde::Serialize;

/// What a start would do.
#[derive(Clone, Debug, Serialize)]
pub struct Preview {
    /// What runners would be registered with.
    pub scope: String,
    /// At which server.
    pub server: String,
    /// How many.
    pub count: u16,
    /// The labels of the first.
    pub labels: Vec<String>,
    /// The bound on the whole start.
    pub timeout_s: u64,
    /// How long a machine may live.
    pub lifetime_s: u64,
    /// How long it waits for a job; 0 is for ever.
    pub idle_timeout_s: u64,
    /// The providers in order of preference.
    pub providers: Vec<PlannedProvider>,
    /// The boot script, its secrets as `***`.
    pub boot_script: String,
}

/// One provider of a plan.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedProvider {
    /// The provider's name.
    pub provider: String,
    /// The provider's kind.
    pub kind: String,
    /// What it would try, in order.
    pub candidates: Vec<String>,
    /// What the user should know.
    pub warnings: Vec<String>,
}
