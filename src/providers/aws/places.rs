//! How regions are spelled, to AWS and in references.

/// Whether a text can be a region's name (`us-east-1`, `us-gov-west-1`, `ap-southeast-5`).
pub(super) fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    match parts.as_slice() {
        [words @ .., last] => words.len() >= 2 && words.iter().all(letters) && number(last),
        [] => false,
    }
}

/// A region as a reference spells it: with `_`, since workflows mask the name itself where it is a
/// secret, and GitHub then drops the whole output.
pub(super) fn place(region: &str) -> String {
    region.replace('-', "_")
}

/// The region that a reference means; `None` where it can be none.
pub(super) fn region(place: &str) -> Option<String> {
    let region = place.replace('_', "-");
    is_region(&region).then_some(region)
}

/// Divides `REGION/ID`; without a region it is for the only one.
pub(super) fn split(text: &str) -> (Option<&str>, &str) {
    match text.split_once('/') {
        Some((region, id)) => (Some(region), id),
        None => (None, text),
    }
}

/// The ids of a list that are in a region.
pub(super) fn within<'a>(list: &'a [String], region: &str) -> Vec<&'a str> {
    list.iter()
        .map(|text| split(text))
        .filter(|(own, _)| own.is_none_or(|own| own == region))
        .map(|(_, id)| id)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_back_as_the_region_it_was() {
        for name in ["us-east-1", "us-gov-west-1", "ap-southeast-5", "cn-north-1"] {
            assert_eq!(region(&place(name)).as_deref(), Some(name));
        }
        assert_eq!(place("us-east-1"), "us_east_1");
    }

    #[test]
    fn what_is_no_region_is_none() {
        for text in [
            "",
            "us-east",
            "us-east-1a",
            "0f0e0d0c0b0a",
            "US-EAST-1",
            "-a-1",
            "a-1",
        ] {
            assert_eq!(region(text), None, "{text}");
        }
    }

    #[test]
    fn ids_are_for_their_region_or_the_only_one() {
        let list = ["us-east-1/subnet-1", "eu-west-1/subnet-2", "subnet-3"].map(str::to_owned);
        assert_eq!(within(&list, "us-east-1"), ["subnet-1", "subnet-3"]);
    }
}
