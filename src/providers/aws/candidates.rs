//! What a launch tries, in order.

use std::fmt;

use super::config::{AwsConfig, Market};
use super::places;
use crate::model::{Name, chain, digest};
use crate::providers::{Error, ErrorKind};

/// How a machine is bought, as EC2 calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PurchaseOption {
    OnDemand,
    /// From what is left over.
    Spot,
}

impl PurchaseOption {
    /// EC2's word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::Spot => "spot",
        }
    }
}

/// One way to get a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Where.
    pub(super) region: String,
    /// Its type; `None` is the launch template's.
    pub(super) kind: Option<String>,
    /// In which subnet; `None` is the default VPC's, or the launch template's.
    pub(super) subnet: Option<String>,
    /// How it is bought.
    pub(super) bought: PurchaseOption,
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.as_deref();
        write!(
            f,
            "{} {}",
            self.region,
            kind.unwrap_or("(the template's type)")
        )?;
        if let Some(subnet) = &self.subnet {
            write!(f, " {subnet}")?;
        }
        write!(f, " {}", self.bought.word())
    }
}

impl Candidate {
    /// The key of a creation: the same for the same name and candidate, in whatever process, so that a
    /// repeat can never make two. `round` tells the tries apart that follow a proved lack of room. Its first half is of
    /// the name alone and proves it: nobody can change the token of an instance.
    pub(super) fn token(&self, name: &Name, round: u32) -> String {
        let mut rest = digest::sha256(format!("{name}\n{self}\n{round}"));
        rest.truncate(REST);
        format!("{}-{rest}", of_name(name))
    }
}

/// The digits of a token that are of its name, and of the rest; with the `-` between them 64 characters, which is
/// the most that EC2 takes.
const OF_NAME: usize = 32;
const REST: usize = 31;

fn of_name(name: &Name) -> String {
    let mut digits = digest::sha256(format!("gharun\n{name}"));
    digits.truncate(OF_NAME);
    digits
}

/// Whether a token may be that of a machine whose tags say this name; of no name where that cannot be read. Of the
/// tokens that earlier versions made, 64 digits, nothing can be told.
pub(super) fn may_be_token(token: &str, name: Option<&Name>) -> bool {
    let digits = |text: &str| {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        text.bytes().all(digit)
    };
    match token.split_once('-') {
        None => token.len() == 2 * OF_NAME && digits(token),
        Some((own, rest)) => {
            let has_form =
                own.len() == OF_NAME && rest.len() == REST && digits(own) && digits(rest);
            has_form && name.is_none_or(|name| own == of_name(name))
        }
    }
}

/// What helps where no candidate could be launched, and no answer tells more.
const ADVICE: &str =
    "add to `instance_types`, `subnets` or `regions`, or set `capacity_wait` to keep trying";

/// One error for candidates that were refused, each by an error that begins with the candidate: those with one cause are
/// told together, and `what` is said of causes that differ.
pub(super) fn none_launched(all: &[Candidate], refused: Vec<Error>, what: String) -> Error {
    let mut groups: Vec<(String, Vec<(String, Error)>)> = Vec::new();
    for error in refused {
        let message = error.message();
        let mut names = all.iter().map(Candidate::to_string);
        let name = names.find(|name| {
            let rest = message.strip_prefix(name.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(": "))
        });
        let name = name.unwrap_or_default();
        let why = unnumbered(&chain(&error)[name.len()..]);
        match groups.iter_mut().find(|(other, _)| *other == why) {
            Some((_, group)) => group.push((name, error)),
            None => groups.push((why, vec![(name, error)])),
        }
    }
    let mut told: Vec<Error> = groups
        .into_iter()
        .filter_map(|(_, of)| together(of))
        .collect();
    let error = match told.len() {
        1 => told.remove(0),
        _ => Error::new(ErrorKind::NoCapacity, what).because_each(told),
    };
    if error.hints().is_empty() {
        error.hinted(ADVICE)
    } else {
        error
    }
}

/// The errors of candidates that were refused for the same cause, as one.
fn together(group: Vec<(String, Error)>) -> Option<Error> {
    let mut names: Vec<String> = group.iter().map(|(name, _)| name.clone()).collect();
    names.dedup();
    let mut group = group.into_iter();
    let (name, first) = group.next()?;
    let message = format!("{}{}", names.join(", "), &first.message()[name.len()..]);
    let hints: Vec<String> = group
        .flat_map(|(_, error)| error.hints().to_vec())
        .collect();
    Some(first.saying(message).hinted_all(hints))
}

/// A text without the numbers that AWS gives requests, which differ for answers that say the same.
fn unnumbered(text: &str) -> String {
    let mut parts = text.split(" (request ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.split_once(')').map_or(part, |(_, rest)| rest)
    })
}

/// All candidates: regions, of each the types, of each the subnets, of each the markets.
pub(super) fn candidates(config: &AwsConfig, regions: &[String]) -> Vec<Candidate> {
    let kinds: Vec<Option<&str>> = match config.instance_types.as_slice() {
        [] if config.launch_template.is_some() => vec![None],
        [] => vec![Some(super::config::TYPE)],
        kinds => kinds.iter().map(|kind| Some(kind.as_str())).collect(),
    };
    let markets: &[PurchaseOption] = match config.market {
        Market::OnDemand => &[PurchaseOption::OnDemand],
        Market::Spot => &[PurchaseOption::Spot],
        Market::SpotThenOnDemand => &[PurchaseOption::Spot, PurchaseOption::OnDemand],
    };
    let mut all = Vec::new();
    for region in regions {
        let subnets: Vec<Option<&str>> = if config.subnets.is_empty() {
            vec![None]
        } else {
            // A region without a subnet of the list is no candidate.
            let here = places::within(&config.subnets, region);
            here.into_iter().map(Some).collect()
        };
        for kind in &kinds {
            for subnet in &subnets {
                all.extend(markets.iter().map(|bought| Candidate {
                    region: region.clone(),
                    kind: kind.map(str::to_owned),
                    subnet: subnet.map(str::to_owned),
                    bought: *bought,
                }));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(kind: &str, bought: PurchaseOption) -> Candidate {
        Candidate {
            region: "us-east-1".to_owned(),
            kind: Some(kind.to_owned()),
            subnet: None,
            bought,
        }
    }

    #[test]
    fn candidates_that_are_refused_for_one_cause_are_told_together() {
        let all = [
            one("m7i.large", PurchaseOption::Spot),
            one("m7i.large", PurchaseOption::OnDemand),
            one("t3.large", PurchaseOption::OnDemand),
        ];
        let refused = |n: usize, why: &str| {
            Error::new(ErrorKind::NoCapacity, format!("{}: full", all[n]))
                .because(format!("AWS answered {why} (request r-{n})"))
                .hinted(why)
        };
        let what = || "none".to_owned();
        let same = (0..3).map(|n| refused(n, "X: no")).collect();
        let error = none_launched(&all, same, what());
        assert_eq!(
            chain(&error),
            "us-east-1 m7i.large spot, us-east-1 m7i.large on-demand, us-east-1 t3.large on-demand: full: AWS answered \
             X: no (request r-0)"
        );
        assert_eq!(error.hints(), ["X: no"]);
        let two = vec![refused(0, "X"), refused(1, "X"), refused(2, "Y")];
        let error = none_launched(&all, two, what());
        assert_eq!(
            chain(&error),
            "none: us-east-1 m7i.large spot, us-east-1 m7i.large on-demand: full: AWS answered X (request r-0); \
             us-east-1 t3.large on-demand: full: AWS answered Y (request r-2)"
        );
        assert_eq!(error.hints(), ["X", "Y"]);
        let unknown = || Error::new(ErrorKind::NoCapacity, "`us-east-1` does not offer `x`");
        let error = none_launched(&all, vec![unknown(), unknown()], what());
        assert_eq!(chain(&error), "`us-east-1` does not offer `x`");
        assert_eq!(error.hints(), [ADVICE]);
    }

    fn told(table: serde_json::Value) -> Vec<String> {
        let config: AwsConfig = serde_json::from_value(table).expect("a table");
        let regions = config.named_regions();
        candidates(&config, &regions)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn candidates_come_in_the_order_given() {
        insta::assert_snapshot!(told(json!({
            "region": "us-east-1", "regions": ["eu-west-1", "us-east-1"],
            "instance_types": ["m7i.large", "m6i.large"],
            "subnets": ["us-east-1/subnet-a", "us-east-1/subnet-b", "eu-west-1/subnet-c"],
            "market": "spot-then-on-demand",
        })).join("\n"), @r"
        us-east-1 m7i.large subnet-a spot
        us-east-1 m7i.large subnet-a on-demand
        us-east-1 m7i.large subnet-b spot
        us-east-1 m7i.large subnet-b on-demand
        us-east-1 m6i.large subnet-a spot
        us-east-1 m6i.large subnet-a on-demand
        us-east-1 m6i.large subnet-b spot
        us-east-1 m6i.large subnet-b on-demand
        eu-west-1 m7i.large subnet-c spot
        eu-west-1 m7i.large subnet-c on-demand
        eu-west-1 m6i.large subnet-c spot
        eu-west-1 m6i.large subnet-c on-demand
        ");
    }

    #[test]
    fn nothing_said_is_one_candidate() {
        let told = told(json!({ "region": "us-east-1" }));
        assert_eq!(told, ["us-east-1 t3.large on-demand"]);
    }

    #[test]
    fn a_token_is_of_its_name_and_candidate_alone() {
        let of = |bought| Candidate {
            region: "us-east-1".into(),
            kind: Some("t3.large".into()),
            subnet: None,
            bought,
        };
        let name = Name::choose(None, 0, jiff::Timestamp::UNIX_EPOCH);
        let other = Name::choose(None, 0, jiff::Timestamp::UNIX_EPOCH);
        let token = of(PurchaseOption::OnDemand).token(&name, 0);
        assert_eq!(token.len(), 64);
        assert!(may_be_token(&token, Some(&name)) && may_be_token(&token, None));
        assert!(!may_be_token(&token, Some(&other)));
        assert_eq!(token, of(PurchaseOption::OnDemand).token(&name, 0));
        for differs in [
            of(PurchaseOption::Spot).token(&name, 0),
            of(PurchaseOption::OnDemand).token(&name, 1),
            of(PurchaseOption::OnDemand).token(&other, 0),
        ] {
            assert_ne!(token, differs);
        }
    }

    #[test]
    fn a_token_of_earlier_versions_is_taken_and_one_of_others_is_not() {
        let name: Name = "gharun-tpa3w7oi2c5t41".parse().expect("a name");
        let may = |token: &str| may_be_token(token, Some(&name));
        // sha256 of "gharun-tpa3w7oi2c5t41", "us-east-1 t3.large on-demand" and "0", a line each.
        assert!(may(
            "ff64794f40fb209b36f2a33d79980cca85d686d92668b8e23f671003fcb28097"
        ));
        assert!(may(
            "17b8634b9269c285fe4e43c5c0f3392d-0123456789abcdef0123456789abcde"
        ));
        for foreign in [
            "69eb31c1-5b1c-4c19-a3f1-0d6b1b1f5a11",
            "ABCDE",
            "terraform-20261130",
            "abababababababababababababababab-0123456789abcdef0123456789abcde",
            "FF64794F40FB209B36F2A33D79980CCA85D686D92668B8E23F671003FCB28097",
        ] {
            assert!(!may(foreign), "{foreign}");
        }
    }
}
