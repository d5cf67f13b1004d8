//! The disks that a launch brings: those of the image, the template and the settings. All of them end with their
//! machine.

use aws_sdk_ec2::types::{
    BlockDeviceMapping, EbsBlockDevice, LaunchTemplateBlockDeviceMapping,
    LaunchTemplateEbsBlockDevice, VolumeType,
};

use super::config::RootVolume;

/// What an image says of its disks.
#[derive(Clone, Debug, Default)]
pub(super) struct ImageDisks {
    /// The name of the root disk (`/dev/sda1`).
    pub(super) root: Option<String>,
    /// All that it names.
    pub(super) all: Vec<BlockDeviceMapping>,
}

/// What a request has to say of disks so that all of them are deleted with their machine: EC2 takes what
/// is not said from the template, then from the image, and both may say that a disk stays.
///
/// A disk is described whole, with all that image or template say of it. One that ends with its machine
/// anyway is not named, but the root disk is.
pub(super) fn disks(
    image: &ImageDisks,
    template: &[LaunchTemplateBlockDeviceMapping],
    volume: Option<&RootVolume>,
) -> Vec<BlockDeviceMapping> {
    let is_root = |name: Option<&str>| name.is_some() && name == image.root.as_deref();
    let in_template = |name: Option<&str>| {
        template
            .iter()
            .any(|disk| disk.device_name.as_deref() == name)
    };
    let mut named = Vec::new();
    let mut name = |device: Option<&str>, disk: EbsBlockDevice| {
        let disk = if is_root(device) {
            with_settings(disk, volume)
        } else {
            disk
        };
        let mapping = BlockDeviceMapping::builder().set_device_name(device.map(str::to_owned));
        named.push(mapping.ebs(disk).build());
    };
    let root = image.root.as_deref();
    if root.is_some() && !in_template(root) {
        let known = image.all.iter();
        let known = known.filter(|disk| is_root(disk.device_name.as_deref()));
        let mut size = known.filter_map(|disk| disk.ebs.as_ref()?.volume_size);
        let disk = EbsBlockDevice::builder()
            .delete_on_termination(true)
            .set_volume_size(size.next());
        name(root, disk.build());
    }
    for disk in &image.all {
        let device = disk.device_name.as_deref();
        if let Some(ebs) = &disk.ebs
            && ebs.delete_on_termination != Some(true)
            && !is_root(device)
            && !in_template(device)
        {
            name(device, of_image(ebs));
        }
    }
    for disk in template {
        let device = disk.device_name.as_deref();
        if let Some(ebs) = &disk.ebs
            && disk.no_device.is_none()
            && (ebs.delete_on_termination != Some(true) || is_root(device))
        {
            name(device, of_template(ebs));
        }
    }
    named
}

/// An image's disk, whose snapshot says whether it is encrypted.
fn of_image(ebs: &EbsBlockDevice) -> EbsBlockDevice {
    // Of a `gp2` it is what its size gives, and must not be sent.
    let iops = ebs
        .iops
        .filter(|_| ebs.volume_type != Some(VolumeType::Gp2));
    // A blank disk has no snapshot that could say it.
    let is_blank = ebs.snapshot_id.is_none();
    EbsBlockDevice::builder()
        .delete_on_termination(true)
        .set_snapshot_id(ebs.snapshot_id.clone())
        .set_volume_size(ebs.volume_size)
        .set_volume_type(ebs.volume_type.clone())
        .set_iops(iops)
        .set_throughput(ebs.throughput)
        .set_encrypted(ebs.encrypted.filter(|_| is_blank))
        .set_kms_key_id(ebs.kms_key_id.clone().filter(|_| is_blank))
        .build()
}

fn of_template(ebs: &LaunchTemplateEbsBlockDevice) -> EbsBlockDevice {
    EbsBlockDevice::builder()
        .delete_on_termination(true)
        .set_snapshot_id(ebs.snapshot_id.clone())
        .set_volume_size(ebs.volume_size)
        .set_volume_type(ebs.volume_type.clone())
        .set_iops(ebs.iops)
        .set_throughput(ebs.throughput)
        .set_encrypted(ebs.encrypted)
        .set_kms_key_id(ebs.kms_key_id.clone())
        .set_volume_initialization_rate(ebs.volume_initialization_rate)
        .set_ebs_card_index(ebs.ebs_card_index)
        .build()
}

/// The root disk as the settings want it.
fn with_settings(mut disk: EbsBlockDevice, volume: Option<&RootVolume>) -> EbsBlockDevice {
    let Some(volume) = volume else {
        return disk;
    };
    let number = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    let kind = volume.r#type.as_deref().map(VolumeType::from);
    // A disk cannot be smaller than its image: then EC2 says so, and names both.
    disk.volume_size = volume.size.map(number).or(disk.volume_size);
    disk.volume_type = kind.or(disk.volume_type);
    disk.iops = volume.iops.map(number).or(disk.iops);
    disk.throughput = volume.throughput.map(number).or(disk.throughput);
    disk.encrypted = volume.encrypted.or(disk.encrypted);
    disk.kms_key_id = volume.kms_key.clone().or(disk.kms_key_id);
    disk
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image with a root disk of 8 GiB and further disks, each with what it says of its end.
    fn image(further: &[(&str, Option<bool>)]) -> ImageDisks {
        let mut all = vec![mapping("/dev/sda1", Some(true), 8)];
        let further = further.iter();
        all.extend(further.map(|(name, deleted)| mapping(name, *deleted, 500)));
        ImageDisks {
            root: Some("/dev/sda1".to_owned()),
            all,
        }
    }

    fn mapping(name: &str, deleted: Option<bool>, size: i32) -> BlockDeviceMapping {
        let disk = EbsBlockDevice::builder()
            .snapshot_id(format!("snap-{size}"))
            .volume_size(size)
            .set_delete_on_termination(deleted);
        let mapping = BlockDeviceMapping::builder().device_name(name);
        mapping.ebs(disk.build()).build()
    }

    fn in_template(name: &str, deleted: Option<bool>) -> LaunchTemplateBlockDeviceMapping {
        let disk = LaunchTemplateEbsBlockDevice::builder()
            .volume_size(200)
            .volume_type(VolumeType::Gp3)
            .iops(6000)
            .encrypted(true)
            .set_delete_on_termination(deleted);
        let mapping = LaunchTemplateBlockDeviceMapping::builder().device_name(name);
        mapping.ebs(disk.build()).build()
    }

    /// What is named, each with its size and its snapshot; all of it must end with the machine.
    fn named(disks: &[BlockDeviceMapping]) -> Vec<(&str, Option<i32>, Option<&str>)> {
        let told = disks.iter().map(|disk| {
            let ebs = disk.ebs.as_ref().expect("a disk of EBS");
            assert_eq!(ebs.delete_on_termination, Some(true), "{disk:?}");
            let name = disk.device_name.as_deref().expect("a name");
            (name, ebs.volume_size, ebs.snapshot_id.as_deref())
        });
        told.collect()
    }

    #[test]
    fn further_disks_of_an_image_end_with_the_machine() {
        let image = image(&[("/dev/sdf", Some(false)), ("/dev/sdg", None)]);
        assert_eq!(
            named(&disks(&image, &[], None)),
            [
                ("/dev/sda1", Some(8), None),
                ("/dev/sdf", Some(500), Some("snap-500")),
                ("/dev/sdg", Some(500), Some("snap-500")),
            ]
        );
    }

    #[test]
    fn a_blank_disk_stays_encrypted_and_a_snapshot_says_so_itself() {
        let mut image = image(&[("/dev/sdf", Some(false))]);
        let blank = EbsBlockDevice::builder().volume_size(10).encrypted(true);
        let mapping = BlockDeviceMapping::builder().device_name("/dev/sdg");
        image.all.push(mapping.ebs(blank.build()).build());
        let encrypted: Vec<_> = disks(&image, &[], None)
            .iter()
            .map(|disk| disk.ebs.as_ref().and_then(|ebs| ebs.encrypted))
            .collect();
        assert_eq!(encrypted, [None, None, Some(true)]);
    }

    #[test]
    fn a_disk_that_ends_anyway_is_left_as_it_is() {
        let mut image = image(&[("/dev/sdf", Some(true))]);
        let own = BlockDeviceMapping::builder().device_name("/dev/sdb");
        image.all.push(own.virtual_name("ephemeral0").build());
        assert_eq!(
            named(&disks(&image, &[], None)),
            [("/dev/sda1", Some(8), None)]
        );
    }

    #[test]
    fn a_templates_disks_end_with_the_machine_and_stay_as_large_as_it_says() {
        let image = image(&[("/dev/sdf", Some(false))]);
        let template = [
            in_template("/dev/sda1", Some(false)),
            in_template("/dev/sdf", None),
            in_template("/dev/sdh", Some(true)),
        ];
        let all = disks(&image, &template, None);
        let expected = [
            ("/dev/sda1", Some(200), None),
            ("/dev/sdf", Some(200), None),
        ];
        assert_eq!(named(&all), expected);
        for disk in &all {
            let ebs = disk.ebs.as_ref().expect("a disk of EBS");
            assert_eq!((ebs.iops, ebs.encrypted), (Some(6000), Some(true)));
        }
    }

    #[test]
    fn what_a_template_leaves_out_of_an_image_is_not_brought_back() {
        let image = image(&[("/dev/sdf", Some(false))]);
        let out = LaunchTemplateBlockDeviceMapping::builder()
            .device_name("/dev/sdf")
            .no_device("")
            .build();
        assert_eq!(
            named(&disks(&image, &[out], None)),
            [("/dev/sda1", Some(8), None)]
        );
    }

    #[test]
    fn the_settings_have_the_last_word_on_the_root_disk_alone() {
        let image = image(&[("/dev/sdf", Some(false))]);
        let template = [in_template("/dev/sda1", None)];
        let volume = RootVolume {
            size: Some(50),
            ..RootVolume::default()
        };
        let all = disks(&image, &template, Some(&volume));
        assert_eq!(
            named(&all),
            [
                ("/dev/sdf", Some(500), Some("snap-500")),
                ("/dev/sda1", Some(50), None),
            ]
        );
        let root = all[1].ebs.as_ref().expect("a disk of EBS");
        assert_eq!(root.volume_type, Some(VolumeType::Gp3));
    }

    #[test]
    fn an_image_that_names_no_root_disk_brings_none() {
        assert!(disks(&ImageDisks::default(), &[], None).is_empty());
    }
}
