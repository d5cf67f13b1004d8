//! What machines cost, roughly: Nebius's list prices of 2026-10-01, since the gateway tells none.
//!
//! <https://nebius.com/prices>. They are without tax and without what an account has agreed on.

use jiff::civil::Date;

use super::wire::PresetResources;

/// The day of the list.
pub(super) const LISTED: Date = Date::constant(2026, 10, 1);
/// US dollars for a GPU an hour, on demand and preemptible; the first whose name is in the platform's counts.
const GPUS: &[(&str, f64, Option<f64>)] = &[
    ("b200", 7.15, None),
    ("h200", 5.40, Some(2.45)),
    ("h100", 4.50, Some(2.15)),
    ("l40s", 1.35, Some(0.65)),
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
    preemptible: bool,
    disk: u64,
) -> Option<f64> {
    let of = |count: u32, price: f64| f64::from(count) * price;
    let gpus = if resources.gpu_count == 0 {
        0.0
    } else {
        let (_, regular, spot) = GPUS.iter().find(|(name, ..)| platform.contains(name))?;
        let price = if preemptible { (*spot)? } else { *regular };
        of(resources.gpu_count, price)
    };
    let sum = gpus
        + of(resources.vcpu_count, VCPU)
        + of(resources.memory_gibibytes, GIB_OF_MEMORY)
        + disk_alone(disk);
    Some(rounded(sum))
}

/// The same of a disk whose machine is not billed, in GiB.
pub(super) fn of_disk(gib: u64) -> f64 {
    rounded(disk_alone(gib))
}

fn disk_alone(gib: u64) -> f64 {
    f64::from(u32::try_from(gib).unwrap_or(u32::MAX)) * GIB_OF_DISK / MONTH
}

fn rounded(price: f64) -> f64 {
    (price * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_that_of_its_parts() {
        let price =
            |platform, preset, spot| estimate(platform, resources(preset).unwrap(), spot, 100);
        // 1.35 + 8 * 0.015 + 32 * 0.0045 + 100 * 0.071 / 730
        assert_eq!(price("gpu-l40s-a", "1gpu-8vcpu-32gb", false), Some(1.6237));
        assert_eq!(price("gpu-l40s-a", "1gpu-8vcpu-32gb", true), Some(0.9237));
        assert_eq!(price("cpu-d3", "4vcpu-16gb", false), Some(0.1417));
        assert_eq!(
            price("gpu-b200-sxm", "1gpu-20vcpu-224gb", true),
            None,
            "no spot price is known"
        );
        assert_eq!(price("gpu-x9000", "1gpu-20vcpu-224gb", false), None);
    }

    #[test]
    fn a_preset_that_says_something_else_has_no_price() {
        for preset in ["", "small", "1gpu", "gpu-8vcpu", "1gpu-8vcpu-32gb-extra"] {
            assert_eq!(resources(preset), None, "{preset}");
        }
    }
}
