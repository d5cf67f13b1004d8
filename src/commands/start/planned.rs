//! What a dry run shows: the plan with its prices, and the boot script where it is asked for.

use std::num::NonZeroU64;

use crate::cli::DryRunArg;
use crate::commands::Context;
use crate::error::{Exit, Failure};
use crate::fleet::{PlannedQuote, Preview, StartOutcome};
use crate::model::{HumanDuration, Price, PriceBasis};
use crate::ui::{self, ATTENTION, Line, Tone};

/// No column of a plan is wider, so that the price is seen beside it.
const WIDEST: usize = 40;

/// Writes the plan in the form that was asked for.
pub(super) fn show(
    context: &Context,
    mut outcome: StartOutcome,
    wanted: DryRunArg,
) -> Result<Exit, Failure> {
    let plan = outcome.planned.as_mut().expect("a dry run has a plan");
    for one in &mut plan.providers {
        one.hints = context.settings.tables.placed(&one.provider, &one.hints);
    }
    let mut lines = lines(plan);
    let is_wanted = wanted == DryRunArg::Script || context.ui.tells_details();
    if is_wanted {
        lines.push(Line::default());
        lines.push(Line::of("boot script:"));
    }
    let script = if is_wanted {
        plan.boot_script.clone()
    } else {
        String::new()
    };
    context.screen.data_lines(&outcome, &lines, &script)?;
    Ok(outcome.exit())
}

/// The plan, for people.
fn lines(plan: &Preview) -> Vec<Line> {
    let count = plan.count;
    let runners = if count == 1 { "runner" } else { "runners" };
    let at = if plan.server == "github.com" {
        String::new()
    } else {
        format!(" at {}", plan.server)
    };
    // That nothing is rented stands first: on a narrow terminal the end is cut.
    let head = Line::of(&format!("Would start {count} {runners}"));
    let head = head.with(Tone::Faint, " (nothing is rented)");
    let mut lines = vec![head.with(Tone::Plain, &format!(" for {}{at}", plan.scope))];
    lines.extend(quotes(plan));
    if let Some((_, further)) = plan.labels.split_first()
        && !further.is_empty()
    {
        let labels = format!("Labels: its name, {}", further.join(", "));
        lines.push(Line::of(&labels));
    }
    lines.push(Line::of(&limits(plan)));
    lines
}

/// What would be tried, in order, a line each: the table, the kind, what, price and stock.
fn quotes(plan: &Preview) -> Vec<Line> {
    let all = || {
        let providers = plan.providers.iter();
        providers.flat_map(|one| one.quotes.iter().map(move |quote| (one, quote)))
    };
    let widest = |widths: &mut dyn Iterator<Item = usize>| widths.max().unwrap_or(0).min(WIDEST);
    let names = widest(&mut plan.providers.iter().map(|one| ui::width(&one.provider)));
    let kinds = widest(&mut plan.providers.iter().map(|one| ui::width(&one.kind)));
    let whats = widest(&mut all().map(|(_, quote)| ui::width(&quote.candidate)));
    let prices = widest(&mut all().map(|(_, quote)| ui::width(&price(quote))));
    let digits = all().count().to_string().len();
    let mut number = 0;
    let mut lines = Vec::new();
    for provider in &plan.providers {
        for quote in &provider.quotes {
            number += 1;
            let mut line = Line::of(&format!("  {number:digits$}  "));
            line = line.with_column(Tone::Strong, &provider.provider, names);
            if plan.providers.iter().any(|one| one.kind != one.provider) {
                line = line
                    .with(Tone::Plain, "  ")
                    .with_column(Tone::Plain, &provider.kind, kinds);
            }
            line = line.with(Tone::Plain, "  ");
            line = if ui::width(&quote.candidate) > WIDEST {
                line.with(Tone::Plain, &quote.candidate)
            } else {
                line.with_column(Tone::Plain, &quote.candidate, whats)
            };
            if prices > 0 {
                line = line
                    .with(Tone::Plain, "  ")
                    .with_column(Tone::Plain, &price(quote), prices);
            }
            if let Some(stock) = &quote.stock {
                line = line.with(Tone::Faint, &format!("  stock {}", stock.to_lowercase()));
            }
            lines.push(line);
        }
        for warning in &provider.warnings {
            let blanks = " ".repeat(digits + 4);
            let line = Line::of(&blanks).with(Tone::Attention, ATTENTION);
            lines.push(line.with(Tone::Plain, &format!(" {warning}")));
        }
        for hint in &provider.hints {
            let blanks = " ".repeat(digits + 6);
            lines.push(Line::of(&format!("{blanks}hint: {hint}")));
        }
    }
    lines
}

/// The price of a quote; nothing where none is known.
fn price(quote: &PlannedQuote) -> String {
    quote
        .price
        .map_or_else(String::new, |price| format!("{price:#}"))
}

/// How long it may take, and what it may cost at most.
fn limits(plan: &Preview) -> String {
    let lasts = |seconds: u64| HumanDuration::from_secs(seconds);
    let idle = NonZeroU64::new(plan.idle_timeout_s).map_or_else(
        || "no idle limit".to_owned(),
        |idle| format!("{} idle", lasts(idle.get())),
    );
    let up = lasts(plan.timeout_s);
    let all = lasts(plan.lifetime_s);
    let limits = format!("At most {up} to come up, {idle}, {all} in all");
    let rented = plan.providers.iter().filter(|one| one.is_rented);
    let unpriced = rented
        .clone()
        .filter(|one| one.quotes.iter().any(|quote| quote.price.is_none()));
    let unpriced: Vec<&str> = unpriced.map(|one| one.provider.as_str()).collect();
    let unpriced = unpriced.join(" and ");
    let quotes = rented.flat_map(|one| &one.quotes);
    let dearest = quotes.filter_map(|quote| quote.price);
    let dearest = dearest.max_by(|one, other| one.per_hour.total_cmp(&other.per_hour));
    let Some(dearest) = dearest else {
        return match unpriced.as_str() {
            "" => format!("{limits}."),
            unpriced => format!("{limits}; no price is known of {unpriced}."),
        };
    };
    let hours = HumanDuration::from_secs(plan.lifetime_s)
        .get()
        .as_secs_f64()
        / 3600.0;
    let cost = dearest.per_hour * hours * f64::from(plan.count);
    let about = about(dearest);
    let of = match plan.count {
        1 => String::new(),
        2 => " for both".to_owned(),
        count => format!(" for all {count}"),
    };
    let without = match unpriced.as_str() {
        "" => String::new(),
        unpriced => format!(", without {unpriced}"),
    };
    format!("{limits}: {about}${cost:.2}{of} at the dearest{without}.")
}

/// Whether a sum of such prices is only near what will be billed.
fn about(price: Price) -> &'static str {
    match price.basis {
        Some(PriceBasis::Listed(_)) => "about ",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::PlannedProvider;
    use crate::providers::Quote;

    fn place(provider: &str, kind: &str, quotes: &[(&str, Option<Price>)]) -> PlannedProvider {
        let quotes = quotes.iter().map(|(candidate, price)| Quote {
            candidate: (*candidate).to_owned(),
            price: *price,
            stock: price.map(|_| "HIGH".to_owned()),
        });
        PlannedProvider {
            provider: provider.to_owned(),
            kind: kind.to_owned(),
            candidates: Vec::new(),
            quotes: quotes.map(PlannedQuote::from).collect(),
            is_rented: kind != "docker",
            warnings: Vec::new(),
            hints: Vec::new(),
        }
    }

    fn plan(count: u16, providers: Vec<PlannedProvider>) -> String {
        let plan = Preview {
            scope: "octo/app".to_owned(),
            server: "github.com".to_owned(),
            count,
            labels: vec!["gharun-a".to_owned()],
            timeout_s: 900,
            lifetime_s: 7 * 3600,
            idle_timeout_s: 1800,
            providers,
            boot_script: String::new(),
        };
        let lines = lines(&plan);
        let lines: Vec<String> = lines.iter().map(|line| line.text(false)).collect();
        lines.join("\n")
    }

    #[test]
    fn a_plan_tells_what_is_tried_in_order_and_what_it_may_cost_at_most() {
        let mut gpu = place(
            "gpu",
            "runpod",
            &[
                ("`NVIDIA L40S`, secure cloud", Some(Price::live(0.86))),
                ("`NVIDIA A40`, secure cloud", Some(Price::live(0.4))),
            ],
        );
        gpu.warnings = vec!["a `disk` of 2 GB may never be placed".to_owned()];
        insta::assert_snapshot!(plan(2, vec![gpu]), @"
        Would start 2 runners (nothing is rented) for octo/app
          1  gpu  runpod  `NVIDIA L40S`, secure cloud  $0.86/h  stock high
          2  gpu  runpod  `NVIDIA A40`, secure cloud   $0.40/h  stock high
             ! a `disk` of 2 GB may never be placed
        At most 15m to come up, 30m idle, 7h in all: $12.04 for both at the dearest.
        ");
    }

    #[test]
    fn what_has_no_price_is_named_and_what_is_not_rented_is_not() {
        let docker = || place("docker", "docker", &[("`img` at /run/docker.sock", None)]);
        let ec2 = || place("ec2", "aws", &[("us-east-1 t3.large on-demand", None)]);
        let gpu = place("gpu", "runpod", &[("`A40`", Some(Price::live(0.4)))]);
        insta::assert_snapshot!(plan(1, vec![docker(), ec2(), gpu]), @"
        Would start 1 runner (nothing is rented) for octo/app
          1  docker  docker  `img` at /run/docker.sock
          2  ec2     aws     us-east-1 t3.large on-demand
          3  gpu     runpod  `A40`                         $0.40/h  stock high
        At most 15m to come up, 30m idle, 7h in all: $2.80 at the dearest, without ec2.
        ");
        insta::assert_snapshot!(plan(1, vec![docker(), ec2()]), @"
        Would start 1 runner (nothing is rented) for octo/app
          1  docker  docker  `img` at /run/docker.sock
          2  ec2     aws     us-east-1 t3.large on-demand
        At most 15m to come up, 30m idle, 7h in all; no price is known of ec2.
        ");
    }
}
