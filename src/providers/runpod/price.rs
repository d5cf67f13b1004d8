//! Prices in words: pure.

/// A price in US dollars, with as many decimals as it needs, two at least.
pub(super) fn dollars(price: f64) -> String {
    let text = format!("{price:.4}");
    let rest = text.trim_end_matches('0').split_once('.');
    let decimals = rest.map_or(0, |(_, rest)| rest.len()).max(2);
    format!("${price:.decimals$}")
}

/// What a price above the limit is told as.
pub(super) fn above(price: f64, most: f64) -> String {
    let (price, most) = (dollars(price), dollars(most));
    format!("{price} an hour, above the `max_price` of {most}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_that_differ_are_told_so() {
        assert_eq!(
            above(0.8627, 0.86),
            "$0.8627 an hour, above the `max_price` of $0.86"
        );
        assert_eq!(dollars(3.0), "$3.00");
    }
}
