//! The network interfaces that a launch template brings: those that are made for the machine end with it.

use aws_sdk_ec2::types::{
    ConnectionTrackingSpecificationRequest, InstanceNetworkInterfaceSpecification as Wanted,
    LaunchTemplateInstanceNetworkInterfaceSpecification as InTemplate,
};

/// What a request has to say of a template's interfaces.
#[derive(Clone, Debug, Default)]
pub(super) struct Interfaces {
    /// All of them, whole, where one would outlive the machine: what a request says replaces what the template says.
    pub(super) wanted: Vec<Wanted>,
    /// The device index of one that would outlive the machine, and that cannot be repeated in a request.
    pub(super) stays: Option<i32>,
}

/// Reads the interfaces of a template.
pub(super) fn read(all: &[InTemplate]) -> Interfaces {
    let Some(stays) = all.iter().find(|one| stays(one)) else {
        return Interfaces::default();
    };
    match all.iter().map(repeated).collect() {
        Some(wanted) => Interfaces {
            wanted,
            stays: None,
        },
        None => Interfaces {
            wanted: Vec::new(),
            stays: Some(stays.device_index.unwrap_or(0)),
        },
    }
}

/// Whether an interface is made for the machine and may outlive it. One that was there before is its owner's.
fn stays(one: &InTemplate) -> bool {
    // EC2 deletes the first one unless it is told not to; every network card has one of that number.
    let index = one.device_index.unwrap_or(0);
    let card = one.network_card_index.unwrap_or(0);
    let goes = match (card, index) {
        (0, 0) => one.delete_on_termination != Some(false),
        _ => one.delete_on_termination == Some(true),
    };
    one.network_interface_id.is_none() && !goes
}

/// An interface as a request says it, told to end with the machine where it is made for it; `None` where it has parts that
/// answers and requests spell in different ways.
fn repeated(one: &InTemplate) -> Option<Wanted> {
    let has_prefixes = one.ipv4_prefixes.is_some() || one.ipv6_prefixes.is_some();
    if has_prefixes || one.ena_srd_specification.is_some() {
        return None;
    }
    let tracking = one.connection_tracking_specification.as_ref().map(|kept| {
        ConnectionTrackingSpecificationRequest::builder()
            .set_tcp_established_timeout(kept.tcp_established_timeout)
            .set_udp_stream_timeout(kept.udp_stream_timeout)
            .set_udp_timeout(kept.udp_timeout)
            .build()
    });
    let is_new = one.network_interface_id.is_none();
    let wanted = Wanted::builder()
        .set_associate_carrier_ip_address(one.associate_carrier_ip_address)
        .set_associate_public_ip_address(one.associate_public_ip_address)
        .set_connection_tracking_specification(tracking)
        .set_delete_on_termination(if is_new {
            Some(true)
        } else {
            one.delete_on_termination
        })
        .set_description(one.description.clone())
        .device_index(one.device_index.unwrap_or(0))
        .set_ena_queue_count(one.ena_queue_count)
        .set_groups(one.groups.clone())
        .set_interface_type(one.interface_type.clone())
        .set_ipv4_prefix_count(one.ipv4_prefix_count)
        .set_ipv6_address_count(one.ipv6_address_count)
        .set_ipv6_addresses(one.ipv6_addresses.clone())
        .set_ipv6_prefix_count(one.ipv6_prefix_count)
        .set_network_card_index(one.network_card_index)
        .set_network_interface_id(one.network_interface_id.clone())
        .set_primary_ipv6(one.primary_ipv6)
        .set_private_ip_address(one.private_ip_address.clone())
        .set_private_ip_addresses(one.private_ip_addresses.clone())
        .set_secondary_private_ip_address_count(one.secondary_private_ip_address_count)
        .set_subnet_id(one.subnet_id.clone());
    Some(wanted.build())
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::Ipv4PrefixSpecificationResponse;

    use super::*;

    fn interface(index: Option<i32>, deleted: Option<bool>, existing: Option<&str>) -> InTemplate {
        InTemplate::builder()
            .set_device_index(index)
            .set_delete_on_termination(deleted)
            .set_network_interface_id(existing.map(str::to_owned))
            .subnet_id("subnet-1")
            .groups("sg-1")
            .build()
    }

    #[test]
    fn all_interfaces_are_repeated_where_one_would_stay_and_no_others_are_named() {
        for (index, deleted, existing, named) in [
            (Some(0), None, None, false),
            (None, Some(true), None, false),
            (Some(0), Some(false), None, true),
            (Some(1), Some(true), None, false),
            (Some(1), None, None, true),
            (Some(1), Some(false), None, true),
            (Some(1), None, Some("eni-1"), false),
        ] {
            let first = interface(Some(0), Some(true), None);
            let both = [first, interface(index, deleted, existing)];
            let read = read(&both);
            let what = format!("{index:?} {deleted:?} {existing:?}");
            assert_eq!(read.stays, None, "{what}");
            assert_eq!(read.wanted.len(), if named { 2 } else { 0 }, "{what}");
            for one in &read.wanted {
                assert_eq!(one.delete_on_termination, Some(true), "{what}");
                assert_eq!(one.subnet_id(), Some("subnet-1"), "{what}");
                assert_eq!(one.groups(), ["sg-1"], "{what}");
            }
        }
        let on_second_card = InTemplate::builder().device_index(0).network_card_index(1);
        assert_eq!(read(&[on_second_card.build()]).wanted.len(), 1);
    }

    #[test]
    fn an_owners_interface_is_left_as_it_is_and_what_cannot_be_repeated_is_told() {
        let own = interface(Some(1), Some(false), Some("eni-1"));
        let both = [interface(Some(0), Some(false), None), own];
        let all = read(&both).wanted;
        let deleted: Vec<_> = all.iter().map(|one| one.delete_on_termination).collect();
        assert_eq!(deleted, [Some(true), Some(false)]);
        let prefix = Ipv4PrefixSpecificationResponse::builder().ipv4_prefix("10.0.0.0/28");
        let odd = InTemplate::builder()
            .device_index(2)
            .ipv4_prefixes(prefix.build());
        let read = read(&[odd.build()]);
        assert_eq!((read.stays, read.wanted.len()), (Some(2), 0));
    }
}
