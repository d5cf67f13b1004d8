//! Quotas of an account: which machines are counted together, and how more of them are asked for.

use super::candidates::Candidate;
use super::failure::QuotaOf;

/// The families that are counted together; whatever is in none of the rows is.
/// <https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Families {
    Dl,
    F,
    GAndVt,
    /// High memory: `u`.
    High,
    Hpc,
    Inf,
    P,
    /// A, C, D, H, I, M, R, T and Z.
    Standard,
    Trn,
    X,
}

impl Families {
    /// Those of an instance type.
    fn of(kind: &str) -> Self {
        let family = kind.split('.').next().unwrap_or_default();
        let letters = family.find(|c: char| !c.is_ascii_lowercase());
        match &family[..letters.unwrap_or(family.len())] {
            "dl" => Self::Dl,
            "f" => Self::F,
            "g" | "gr" | "vt" => Self::GAndVt,
            "hpc" => Self::Hpc,
            "inf" => Self::Inf,
            "p" => Self::P,
            "trn" => Self::Trn,
            "u" => Self::High,
            "x" => Self::X,
            _ => Self::Standard,
        }
    }

    /// The code of the quota, as Service Quotas has it (`aws service-quotas list-service-quotas --service-code ec2`), and
    /// the links of the page above.
    fn code(self, spot: bool) -> Option<&'static str> {
        Some(match (self, spot) {
            (Self::Standard, false) => "L-1216C47A",
            (Self::Standard, true) => "L-34B43A08",
            (Self::GAndVt, false) => "L-DB2E81BA",
            (Self::GAndVt, true) => "L-3819A6DF",
            (Self::P, false) => "L-417A185B",
            (Self::P, true) => "L-7212CCBC",
            (Self::F, false) => "L-74FC7D96",
            (Self::X, false) => "L-7295265B",
            (Self::Inf, false) => "L-1945791B",
            _ => return None,
        })
    }
}

/// What one quota counts, where it is used up.
#[derive(Clone, Debug)]
pub(super) struct UsedUp {
    region: String,
    /// Market and families; `None` where all of the region is counted.
    machines: Option<(bool, Families)>,
}

impl UsedUp {
    /// What is used up when a candidate was refused.
    pub(super) fn by(candidate: &Candidate, kind: &str, of: QuotaOf) -> Self {
        let machines = (candidate.spot, Families::of(kind));
        Self {
            region: candidate.region.clone(),
            machines: (of == QuotaOf::Machines).then_some(machines),
        }
    }

    /// Whether another candidate would be counted with it. The type of one that the launch template has is not known
    /// here.
    pub(super) fn holds(&self, candidate: &Candidate) -> bool {
        let is_counted = |(spot, families): (bool, Families)| {
            let kind = candidate.kind.as_deref();
            spot == candidate.spot && kind.is_none_or(|kind| Families::of(kind) == families)
        };
        self.region == candidate.region && self.machines.is_none_or(is_counted)
    }
}

/// How to ask for more machines of the kind that was refused.
pub(super) fn advice(candidate: &Candidate, kind: &str) -> String {
    let region = &candidate.region;
    let page =
        format!("https://{region}.console.aws.amazon.com/servicequotas/home/services/ec2/quotas");
    let page = match Families::of(kind).code(candidate.spot) {
        Some(code) => format!("{page}/{code}"),
        None => page,
    };
    let other = if candidate.spot {
        "on-demand machines"
    } else {
        "spot machines"
    };
    format!(
        "request a higher quota at {page}, start fewer at once, or allow {other}, other `regions` or other \
         families of `instance_types`, which are counted apart"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(region: &str, kind: &str, spot: bool) -> Candidate {
        Candidate {
            region: region.to_owned(),
            kind: Some(kind.to_owned()),
            subnet: None,
            spot,
        }
    }

    #[test]
    fn a_quota_holds_what_is_counted_with_the_refused_one() {
        let used_up = UsedUp::by(
            &candidate("us-east-1", "t3.large", false),
            "t3.large",
            QuotaOf::Machines,
        );
        for (other, holds) in [
            (candidate("us-east-1", "m7i-flex.large", false), true),
            (candidate("us-east-1", "t3.large", true), false),
            (candidate("us-east-2", "t3.large", false), false),
            (candidate("us-east-1", "g5.xlarge", false), false),
            (candidate("us-east-1", "p4d.24xlarge", false), false),
        ] {
            assert_eq!(used_up.holds(&other), holds, "{other}");
        }
        let of_region = UsedUp::by(
            &candidate("us-east-1", "t3.large", false),
            "t3.large",
            QuotaOf::Region,
        );
        assert!(of_region.holds(&candidate("us-east-1", "g5.xlarge", true)));
        assert!(!of_region.holds(&candidate("us-east-2", "t3.large", false)));
    }

    #[test]
    fn families_are_told_by_their_letters() {
        for (kind, families) in [
            ("t3.large", Families::Standard),
            ("inf2.xlarge", Families::Inf),
            ("i4i.large", Families::Standard),
            ("g6e.xlarge", Families::GAndVt),
            ("gr6.4xlarge", Families::GAndVt),
            ("p5.48xlarge", Families::P),
            ("x2idn.16xlarge", Families::X),
            ("u-6tb1.metal", Families::High),
            ("u7i-12tb.224xlarge", Families::High),
            ("hpc7a.12xlarge", Families::Hpc),
            ("mac2.metal", Families::Standard),
        ] {
            assert_eq!(Families::of(kind), families, "{kind}");
        }
    }
}
