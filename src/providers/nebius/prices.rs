//! What machines cost, roughly: Nebius's list prices of 2026-10-01, for where its calculator does not answer.
//!
//! <https://nebius.com/prices>. They are without tax and without what an account has agreed on.

use jiff::civil::Date;

use super::candidates::Market;
use super::wire::PresetResources;

/// The day of the list.
pub(super) const LISTED: Date = Date::constant(2026, 10, 1);
/// What is billed for a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Billing {
    /// Its virtual CPUs and memory are billed beside it.
    Parts,
    /// It is one item with its virtual CPUs and memory, since 2025-10-01:
    /// <https://docs.nebius.com/signup-billing/billing-changes-oct-2025>.
    Whole,
}

/// US dollars for a GPU an hour, on demand and preemptible; the first whose name is in the platform's counts.
const GPUS: &[(&str, Billing, f64, Option<f64>)] = &[
    ("b200", Billing::Whole, 7.15, None),
    ("h200", Billing::Whole, 5.40, Some(2.45)),
    ("h100", Billing::Whole, 4.50, Some(2.15)),
    ("l40s", Billing::Parts, 1.35, Some(0.65)),
];
const VCPU: f64 = 0.015;
const GIB_OF_MEMORY: f64 = 0.0045;
/// An SSD's, for 730 hours.
const GIB_OF_DISK: f64 = 0.071;
const MONTH: f64 = 730.0;

/// What a preset's name says of itself (`1gpu-8vcpu-32gb`, `4vcpu-16gb`).
pub(super) fn resources(preset: &str) -> Option<PresetResources> {
    let mut found = PresetResources::default();
    for part in preset.split('-') {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let number = part[..digits].parse().ok()?;
        match &part[digits..] {
            "gpu" => found.gpu_count = number,
            "vcpu" => found.vcpu_count = number,
            "gb" => found.memory_gibibytes = number,
            _ => return None,
        }
    }
    (found.vcpu_count > 0).then_some(found)
}

/// An estimate in US dollars an hour; `None` where no price of it is known. The disk is in GiB.
pub(super) fn estimate(
    platform: &str,
    resources: PresetResources,
    market: Market,
    disk: u64,
) -> Option<f64> {
    let of = |count: u32, price: f64| f64::from(count) * price;
    let parts = of(resources.vcpu_count, VCPU) + of(resources.memory_gibibytes, GIB_OF_MEMORY);
    let machine = if resources.gpu_count == 0 {
        parts
    } else {
        let found = GPUS.iter().find(|(name, ..)| platform.contains(name))?;
        let (_, billing, regular, spot) = found;
        let price = match market {
            Market::OnDemand => *regular,
            Market::Preemptible => (*spot)?,
        };
        let gpus = of(resources.gpu_count, price);
        match billing {
            Billing::Parts => gpus + parts,
            Billing::Whole => gpus,
        }
    };
    Some(rounded(machine + disk_alone(disk)))
}

/// The same of a disk whose machine is not billed, in GiB.
pub(super) fn of_disk(gib: u64) -> f64 {
    rounded(disk_alone(gib))
}

/// The same, to be added to others.
pub(super) fn disk_alone(gib: u64) -> f64 {
    f64::from(u32::try_from(gib).unwrap_or(u32::MAX)) * GIB_OF_DISK / MONTH
}

/// A price without digits that mean nothing.
pub(super) fn rounded(price: f64) -> f64 {
    (price * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_that_of_what_is_billed() {
        let price =
            |platform, preset, market| estimate(platform, resources(preset).unwrap(), market, 100);
        // 1.35 + 8 * 0.015 + 32 * 0.0045 + 100 * 0.071 / 730
        assert_eq!(
            price("gpu-l40s-a", "1gpu-8vcpu-32gb", Market::OnDemand),
            Some(1.6237)
        );
        assert_eq!(
            price("gpu-l40s-a", "1gpu-8vcpu-32gb", Market::Preemptible),
            Some(0.9237)
        );
        assert_eq!(
            price("cpu-d3", "4vcpu-16gb", Market::OnDemand),
            Some(0.1417)
        );
        // One item each, and a disk.
        assert_eq!(
            price("gpu-h100-sxm", "1gpu-16vcpu-200gb", Market::OnDemand),
            Some(4.5097)
        );
        assert_eq!(
            price("gpu-h200-sxm", "8gpu-128vcpu-1600gb", Market::OnDemand),
            Some(43.2097)
        );
        assert_eq!(
            price("gpu-h200-sxm", "1gpu-16vcpu-200gb", Market::Preemptible),
            Some(2.4597)
        );
        assert_eq!(
            price("gpu-b200-sxm", "1gpu-20vcpu-224gb", Market::Preemptible),
            None,
            "no spot price is known"
        );
        assert_eq!(
            price("gpu-x9000", "1gpu-20vcpu-224gb", Market::OnDemand),
            None
        );
    }

    #[test]
    fn a_preset_that_says_something_else_has_no_price() {
        for preset in ["", "small", "1gpu", "gpu-8vcpu", "1gpu-8vcpu-32gb-extra"] {
            assert_eq!(resources(preset), None, "{preset}");
        }
    }
}
