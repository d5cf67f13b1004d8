//! How regions are spelled, to AWS and in references.

use crate::model::digest;

/// How many digits tell an account.
const DIGITS: usize = 6;

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

/// A region of an account as a reference spells it. The region is written with `_`, since workflows mask the name
/// itself where it is a secret, and GitHub then drops the whole output; the account, which may be masked as well, is six
/// digits of a digest.
pub(super) fn place(region: &str, account: &str) -> String {
    format!("{}_{}", vague(region), digits(region, account))
}

/// The same as earlier versions wrote it, without an account.
pub(super) fn vague(region: &str) -> String {
    region.replace('-', "_")
}

/// What tells accounts apart in references.
fn digits(region: &str, account: &str) -> String {
    let mut digits = digest::sha256(format!("{}:{account}", partition(region)));
    digits.truncate(DIGITS);
    digits
}

/// The part of AWS that a region is in: accounts of two may have the same number.
/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
pub(super) fn partition(region: &str) -> &'static str {
    let of = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("us-iso-", "aws-iso"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
    ];
    let found = of.iter().find(|(prefix, _)| region.starts_with(prefix));
    found.map_or("aws", |(_, name)| name)
}

/// The regions that every account has from its beginning; all others must be enabled.
/// <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html>
const ALWAYS_ENABLED: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Whether an account has a region only after it was enabled.
pub(super) fn is_opt_in(region: &str) -> bool {
    partition(region) == "aws" && !ALWAYS_ENABLED.contains(&region)
}

/// A place that a reference means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RegionOfAccount {
    /// The region.
    pub(super) region: String,
    /// The digits of the account; `None` where an earlier version wrote the reference, or somebody typed it.
    pub(super) account: Option<String>,
}

impl RegionOfAccount {
    /// Reads it; `None` where it can be none.
    pub(super) fn read(place: &str) -> Option<Self> {
        let region = |text: &str| Some(text.replace('_', "-")).filter(|region| is_region(region));
        let hex = |text: &&str| {
            text.len() == DIGITS
                && text
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        let whole = place.rsplit_once('_').and_then(|(own, account)| {
            let account = Some(account).filter(hex)?.to_owned();
            Some((region(own)?, Some(account)))
        });
        let (region, account) = whole.or_else(|| Some((region(place)?, None)))?;
        Some(Self { region, account })
    }

    /// Whether it may be in an account.
    pub(super) fn may_be_of(&self, account: &str) -> bool {
        let own = self.account.as_ref();
        own.is_none_or(|own| *own == digits(&self.region, account))
    }
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

    const ACCOUNT: &str = "123456789012";

    fn read(place: &str) -> Option<(String, Option<String>)> {
        let read = RegionOfAccount::read(place)?;
        Some((read.region, read.account))
    }

    #[test]
    fn a_place_reads_back_as_the_region_it_was() {
        for name in ["us-east-1", "us-gov-west-1", "ap-southeast-5", "cn-north-1"] {
            let place = place(name, ACCOUNT);
            let (region, account) = read(&place).expect("a place");
            assert_eq!(region, name);
            assert!(place.ends_with(&account.expect("an account")) && !place.contains(ACCOUNT));
            assert_eq!(read(&vague(name)), Some((name.to_owned(), None)));
        }
        // printf aws:123456789012 | sha256sum
        assert_eq!(place("us-east-1", ACCOUNT), "us_east_1_245b26");
    }

    #[test]
    fn an_account_is_told_from_others_and_from_one_of_another_partition() {
        let here = RegionOfAccount::read(&place("us-east-1", ACCOUNT)).expect("a place");
        assert!(here.may_be_of(ACCOUNT) && !here.may_be_of("222222222222"));
        assert_ne!(
            place("us-east-1", ACCOUNT).rsplit('_').next(),
            place("cn-north-1", ACCOUNT).rsplit('_').next()
        );
        let vague = RegionOfAccount::read("us_east_1").expect("a place");
        assert!(vague.may_be_of(ACCOUNT));
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
            "us_east_1_3fa9c",
            "us_east_1_3FA9C1",
            "us_east_3fa9c1",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn ids_are_for_their_region_or_the_only_one() {
        let list = ["us-east-1/subnet-1", "eu-west-1/subnet-2", "subnet-3"].map(str::to_owned);
        assert_eq!(within(&list, "us-east-1"), ["subnet-1", "subnet-3"]);
    }
}
