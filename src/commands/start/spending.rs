//! What a start has cost so far, from what it is told of its machines.

use std::cell::RefCell;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::time::Instant;

use crate::model::{Event, Price, PriceBasis, Prices, Reference, Sink};

/// Passes every event on, and keeps what machines cost.
pub(super) struct Spending<'a> {
    sink: &'a dyn Sink,
    seen: RefCell<Seen>,
}

#[derive(Default)]
struct Seen {
    unrented: Vec<String>,
    /// Whether a machine was ended that nobody had told of.
    unheard_of: bool,
    machines: Vec<Machine>,
}

struct Machine {
    reference: Reference,
    price: Option<Price>,
    since: Instant,
    gone: Option<Instant>,
}

impl<'a> Spending<'a> {
    pub(super) fn before(sink: &'a dyn Sink) -> Self {
        Self {
            sink,
            seen: RefCell::default(),
        }
    }

    /// What was spent, as a sentence; nothing where that is not known.
    pub(super) fn told(&self) -> String {
        let seen = self.seen.borrow();
        let rented = seen.machines.iter();
        let rented: Vec<&Machine> = rented
            .filter(|machine| !seen.unrented.contains(&machine.reference.provider))
            .collect();
        if rented.is_empty() {
            return if seen.unheard_of {
                "What was spent is not known.".to_owned()
            } else {
                "Nothing was billed.".to_owned()
            };
        }
        let machines = rented.iter();
        let prices = Prices::of(
            machines.map(|machine| (machine.reference.provider.as_str(), machine.price)),
        );
        let costs = rented.iter().filter_map(|machine| {
            let end = machine.gone.unwrap_or_else(Instant::now);
            let hours = (end - machine.since).as_secs_f64() / 3600.0;
            Some(machine.price?.per_hour * hours)
        });
        let cost: f64 = costs.sum();
        match (prices.sum(), prices.unknown_at().as_str()) {
            (None, unpriced) => format!("What was spent at {unpriced} is not known."),
            (Some(sum), unpriced) => {
                let spent = about(cost, sum.basis == Some(PriceBasis::Limit));
                match unpriced {
                    "" => format!("{spent} was spent."),
                    unpriced => format!("{spent} was spent, without {unpriced}."),
                }
            }
        }
    }

    fn take(&self, event: &Event) {
        let mut seen = self.seen.borrow_mut();
        match event {
            Event::Starting { unrented, .. } => seen.unrented.clone_from(unrented),
            Event::Launched {
                instance, rental, ..
            } => seen.machines.push(Machine {
                reference: instance.clone(),
                price: rental.price,
                since: Instant::now(),
                gone: None,
            }),
            Event::Terminating { instance } => {
                let mut machines = seen.machines.iter();
                let is_known = machines.any(|machine| machine.reference == *instance)
                    || seen.unrented.contains(&instance.provider);
                seen.unheard_of |= !is_known;
            }
            Event::Terminated { instance } => {
                for machine in &mut seen.machines {
                    if machine.reference == *instance {
                        machine.gone.get_or_insert_with(Instant::now);
                    }
                }
            }
            _ => {}
        }
    }
}

/// An amount for people; places bill in steps of their own. By a limit it is the most that it can be.
fn about(cost: f64, is_limit: bool) -> String {
    match (cost < 0.01, is_limit) {
        (true, _) => "Less than $0.01".to_owned(),
        (false, true) => format!("At most ${cost:.2}"),
        (false, false) => format!("About ${cost:.2}"),
    }
}

impl Sink for Spending<'_> {
    fn tell(&self, event: Event) -> LocalBoxFuture<'_, std::io::Result<()>> {
        async move {
            self.take(&event);
            self.sink.tell(event).await
        }
        .boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{Mapping, Rental};

    struct Deaf;

    impl Sink for Deaf {
        fn tell(&self, _: Event) -> LocalBoxFuture<'_, std::io::Result<()>> {
            async { Ok(()) }.boxed_local()
        }
    }

    fn launched(reference: &str, price: Option<f64>) -> Event {
        Event::Launched {
            name: "gharun-abcdefabcdefgh".parse().expect("a name"),
            instance: reference.parse().expect("a reference"),
            rental: Rental {
                price: price.map(Price::live),
                ..Rental::default()
            },
            mapping: Mapping::default(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_spent_is_told_as_far_as_prices_are_known() {
        let spending = Spending::before(&Deaf);
        assert_eq!(spending.told(), "Nothing was billed.");
        let starting = Event::Starting {
            names: Vec::new(),
            scope: "octo/app".to_owned(),
            at_most: Duration::from_mins(15),
            unrented: vec!["local".to_owned()],
            keeps_others: false,
        };
        spending.tell(starting).await.unwrap();
        spending.tell(launched("local:x/1", None)).await.unwrap();
        assert_eq!(spending.told(), "Nothing was billed.");
        spending.tell(launched("gpu:x/1", Some(0.8))).await.unwrap();
        assert_eq!(spending.told(), "Less than $0.01 was spent.");
        tokio::time::sleep(Duration::from_mins(30)).await;
        let gone = Event::Terminated {
            instance: "gpu:x/1".parse().expect("a reference"),
        };
        spending.tell(gone).await.unwrap();
        tokio::time::sleep(Duration::from_mins(30)).await;
        assert_eq!(spending.told(), "About $0.40 was spent.");
        spending.tell(launched("ec2:x/1", None)).await.unwrap();
        assert_eq!(spending.told(), "About $0.40 was spent, without ec2.");
    }

    #[tokio::test]
    async fn a_machine_that_was_only_found_when_all_was_undone_is_not_said_to_be_free() {
        let spending = Spending::before(&Deaf);
        let ended = Event::Terminating {
            instance: "gpu:x/1".parse().expect("a reference"),
        };
        spending.tell(ended).await.unwrap();
        assert_eq!(spending.told(), "What was spent is not known.");
    }

    #[tokio::test]
    async fn without_any_price_nothing_is_said_to_be_free() {
        let spending = Spending::before(&Deaf);
        spending.tell(launched("ec2:x/1", None)).await.unwrap();
        assert_eq!(spending.told(), "What was spent at ec2 is not known.");
    }
}
