//! Quotas of an account: which machines are counted together, and how more of them are asked for.

use super::candidates::{Candidate, PurchaseOption};
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
    /// P2, P3 and P4.
    P,
    /// P5, which spot counts apart.
    P5,
    /// P6 and what comes later.
    PLater,
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
        let (letters, rest) = family.split_at(letters.unwrap_or(family.len()));
        match letters {
            "dl" => Self::Dl,
            "f" => Self::F,
            "g" | "gr" | "vt" => Self::GAndVt,
            "hpc" => Self::Hpc,
            "inf" => Self::Inf,
            "p" if rest.starts_with(['2', '3', '4']) => Self::P,
            "p" if rest.starts_with('5') => Self::P5,
            "p" => Self::PLater,
            "trn" => Self::Trn,
            "u" => Self::High,
            "x" => Self::X,
            _ => Self::Standard,
        }
    }

    /// Whether both are counted together in a market.
    fn counts_with(self, other: Self, bought: PurchaseOption) -> bool {
        let one = |of: Self| match (of, bought) {
            (Self::P5 | Self::PLater, PurchaseOption::OnDemand) => Self::P,
            (of, _) => of,
        };
        one(self) == one(other)
    }

    /// The code of the quota, as Service Quotas has it (`aws service-quotas list-service-quotas --service-code ec2`), and
    /// the links of the page above.
    fn code(self, bought: PurchaseOption) -> Option<&'static str> {
        Some(match (self, bought) {
            (Self::Dl, PurchaseOption::OnDemand) => "L-6E869C2A",
            (Self::Dl, PurchaseOption::Spot) => "L-85EED4F7",
            (Self::F, PurchaseOption::OnDemand) => "L-74FC7D96",
            (Self::F, PurchaseOption::Spot) => "L-88CF9481",
            (Self::GAndVt, PurchaseOption::OnDemand) => "L-DB2E81BA",
            (Self::GAndVt, PurchaseOption::Spot) => "L-3819A6DF",
            (Self::High, PurchaseOption::OnDemand) => "L-43DA4232",
            (Self::Hpc, PurchaseOption::OnDemand) => "L-F7808C92",
            // None of its own is documented.
            (Self::High | Self::Hpc | Self::PLater, PurchaseOption::Spot) => return None,
            (Self::Inf, PurchaseOption::OnDemand) => "L-1945791B",
            (Self::Inf, PurchaseOption::Spot) => "L-B5D1601B",
            (Self::P | Self::P5 | Self::PLater, PurchaseOption::OnDemand) => "L-417A185B",
            (Self::P, PurchaseOption::Spot) => "L-7212CCBC",
            (Self::P5, PurchaseOption::Spot) => "L-C4BD4855",
            (Self::Standard, PurchaseOption::OnDemand) => "L-1216C47A",
            (Self::Standard, PurchaseOption::Spot) => "L-34B43A08",
            (Self::Trn, PurchaseOption::OnDemand) => "L-2C3B7624",
            (Self::Trn, PurchaseOption::Spot) => "L-6B0D517C",
            (Self::X, PurchaseOption::OnDemand) => "L-7295265B",
            (Self::X, PurchaseOption::Spot) => "L-E3A00192",
        })
    }
}

/// What one quota counts, where it is used up.
#[derive(Clone, Debug)]
pub(super) struct UsedUp {
    region: String,
    /// Market and families; `None` where all of the region is counted.
    machines: Option<(PurchaseOption, Families)>,
}

impl UsedUp {
    /// What is used up when a candidate was refused.
    pub(super) fn by(candidate: &Candidate, kind: &str, of: QuotaOf) -> Self {
        let machines = (candidate.bought, Families::of(kind));
        Self {
            region: candidate.region.clone(),
            machines: (of == QuotaOf::Machines).then_some(machines),
        }
    }

    /// Whether another candidate would be counted with it. The type of one that the launch template has is not known
    /// here.
    pub(super) fn holds(&self, candidate: &Candidate) -> bool {
        let is_counted = |(bought, families): (PurchaseOption, Families)| {
            let kind = candidate.kind.as_deref();
            bought == candidate.bought
                && kind.is_none_or(|kind| Families::of(kind).counts_with(families, bought))
        };
        self.region == candidate.region && self.machines.is_none_or(is_counted)
    }
}

/// How to ask for more machines of the kind that was refused.
pub(super) fn advice(candidate: &Candidate, kind: &str) -> String {
    let region = &candidate.region;
    let page =
        format!("https://{region}.console.aws.amazon.com/servicequotas/home/services/ec2/quotas");
    let page = match Families::of(kind).code(candidate.bought) {
        Some(code) => format!("{page}/{code}"),
        None => page,
    };
    let other = match candidate.bought {
        PurchaseOption::Spot => "on-demand machines",
        PurchaseOption::OnDemand => "spot machines",
    };
    format!(
        "request a higher quota at {page}, start fewer at once, or allow {other}, other `regions` or other \
         families of `instance_types`, which are counted apart"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(region: &str, kind: &str, bought: PurchaseOption) -> Candidate {
        Candidate {
            region: region.to_owned(),
            kind: Some(kind.to_owned()),
            subnet: None,
            bought,
        }
    }

    #[test]
    fn a_quota_holds_what_is_counted_with_the_refused_one() {
        let used_up = UsedUp::by(
            &candidate("us-east-1", "t3.large", PurchaseOption::OnDemand),
            "t3.large",
            QuotaOf::Machines,
        );
        for (other, holds) in [
            (
                candidate("us-east-1", "m7i-flex.large", PurchaseOption::OnDemand),
                true,
            ),
            (
                candidate("us-east-1", "t3.large", PurchaseOption::Spot),
                false,
            ),
            (
                candidate("us-east-2", "t3.large", PurchaseOption::OnDemand),
                false,
            ),
            (
                candidate("us-east-1", "g5.xlarge", PurchaseOption::OnDemand),
                false,
            ),
            (
                candidate("us-east-1", "p4d.24xlarge", PurchaseOption::OnDemand),
                false,
            ),
        ] {
            assert_eq!(used_up.holds(&other), holds, "{other}");
        }
        for (bought, holds) in [
            (PurchaseOption::OnDemand, true),
            (PurchaseOption::Spot, false),
        ] {
            let one = candidate("us-east-1", "p4d.24xlarge", bought);
            let used_up = UsedUp::by(&one, "p4d.24xlarge", QuotaOf::Machines);
            let other = candidate("us-east-1", "p5.48xlarge", bought);
            assert_eq!(used_up.holds(&other), holds, "spot counts P5 apart");
        }
        let of_region = UsedUp::by(
            &candidate("us-east-1", "t3.large", PurchaseOption::OnDemand),
            "t3.large",
            QuotaOf::Region,
        );
        assert!(of_region.holds(&candidate("us-east-1", "g5.xlarge", PurchaseOption::Spot)));
        assert!(!of_region.holds(&candidate(
            "us-east-2",
            "t3.large",
            PurchaseOption::OnDemand
        )));
    }

    #[test]
    fn families_are_told_by_their_letters() {
        for (kind, families) in [
            ("t3.large", Families::Standard),
            ("inf2.xlarge", Families::Inf),
            ("i4i.large", Families::Standard),
            ("g6e.xlarge", Families::GAndVt),
            ("gr6.4xlarge", Families::GAndVt),
            ("p4d.24xlarge", Families::P),
            ("p5.48xlarge", Families::P5),
            ("p6-b200.48xlarge", Families::PLater),
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
