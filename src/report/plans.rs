//! What `start --dry-run` puts on stdout.

use std::fmt::Write as _;

use crate::fleet::Preview;

/// A plan, for people.
pub(super) fn preview(plan: &Preview) -> String {
    let mut text = format!(
        "{} runner(s) for {} at {}\nlabels: {}\ntimeout {}s, lifetime {}s, idle timeout {}s\n",
        plan.count,
        plan.scope,
        plan.server,
        plan.labels.join(", "),
        plan.timeout_s,
        plan.lifetime_s,
        plan.idle_timeout_s
    );
    for (index, provider) in plan.providers.iter().enumerate() {
        let mut add =
            |line: String| writeln!(text, "{line}").expect("a text takes what is written");
        add(format!(
            "{}. {} ({})",
            index + 1,
            provider.provider,
            provider.kind
        ));
        provider
            .candidates
            .iter()
            .for_each(|candidate| add(format!("   would try {candidate}")));
        provider
            .warnings
            .iter()
            .for_each(|warning| add(format!("   warning: {warning}")));
    }
    text + "\nboot script:\n" + &plan.boot_script
}
