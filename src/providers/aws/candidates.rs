//! What a launch tries, in order.

use std::fmt;

use super::config::{AwsConfig, Market};
use super::places;
use crate::model::{Name, digest};

/// One way to get a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Where.
    pub(super) region: String,
    /// Its type; `None` is the launch template's.
    pub(super) kind: Option<String>,
    /// In which subnet; `None` is the default VPC's, or the launch template's.
    pub(super) subnet: Option<String>,
    /// From what is left over.
    pub(super) spot: bool,
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
        f.write_str(if self.spot { " spot" } else { " on-demand" })
    }
}

impl Candidate {
    /// The key of a creation: the same for the same name and candidate, in whatever process, so that a
    /// repeat can never make two. `round` tells the tries apart that follow a proved lack of room.
    pub(super) fn token(&self, name: &Name, round: u32) -> String {
        // 64 characters, which is the most that EC2 takes.
        digest::sha256(format!("{name}\n{self}\n{round}"))
    }
}

/// All candidates: regions, of each the types, of each the subnets, of each the markets.
pub(super) fn candidates(config: &AwsConfig, regions: &[String]) -> Vec<Candidate> {
    let kinds: Vec<Option<&str>> = match config.instance_types.as_slice() {
        [] if config.launch_template.is_some() => vec![None],
        [] => vec![Some(super::config::TYPE)],
        kinds => kinds.iter().map(|kind| Some(kind.as_str())).collect(),
    };
    let markets: &[bool] = match config.market {
        Market::OnDemand => &[false],
        Market::Spot => &[true],
        Market::SpotThenOnDemand => &[true, false],
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
                all.extend(markets.iter().map(|spot| Candidate {
                    region: region.clone(),
                    kind: kind.map(str::to_owned),
                    subnet: subnet.map(str::to_owned),
                    spot: *spot,
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
        let of = |spot| Candidate {
            region: "us-east-1".into(),
            kind: Some("t3.large".into()),
            subnet: None,
            spot,
        };
        let name = Name::choose(None, 0, jiff::Timestamp::UNIX_EPOCH);
        let other = Name::choose(None, 0, jiff::Timestamp::UNIX_EPOCH);
        let token = of(false).token(&name, 0);
        assert_eq!(token.len(), 64);
        assert_eq!(token, of(false).token(&name, 0));
        for differs in [
            of(true).token(&name, 0),
            of(false).token(&name, 1),
            of(false).token(&other, 0),
        ] {
            assert_ne!(token, differs);
        }
    }
}
