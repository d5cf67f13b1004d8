//! What failures are read as.

use aws_sdk_ec2::error::ErrorMetadata;
use aws_sdk_ec2::operation::describe_instances::DescribeInstancesError;

use super::table::ROWS;
use super::*;

#[test]
fn what_has_no_room_moves_on_and_nothing_else_does() {
    for code in [
        "InsufficientInstanceCapacity",
        "SpotMaxPriceTooLow",
        "Unsupported",
    ] {
        // EC2 answers a lack of room with 500.
        assert_eq!(action(code, "", Some(500)), ErrorClass::Next, "{code}");
    }
    for code in [
        "InvalidAMIID.NotFound",
        "UnauthorizedOperation",
        "VcpuLimitExceeded",
        "InstanceLimitExceeded",
        "RequestLimitExceeded",
        "InternalError",
    ] {
        assert_ne!(action(code, "", Some(400)), ErrorClass::Next, "{code}");
    }
}

#[test]
fn only_where_nobody_hands_out_credentials_they_are_denied() {
    let kind = |error: CredentialsError| {
        type Refused = SdkError<DescribeInstancesError, HttpResponse>;
        let said = ApiError::of(&Refused::construction_failure(error));
        assert_eq!(said.delivery, Delivery::Unsent);
        said.explain("could not look", "ec2:DescribeInstances").kind
    };
    for nobody in [
        CredentialsError::not_loaded("no provider has any"),
        CredentialsError::invalid_configuration("the profile names no source"),
    ] {
        assert_eq!(kind(nobody), ErrorKind::Denied);
    }
    for passing in [
        CredentialsError::provider_timed_out(std::time::Duration::from_secs(8)),
        CredentialsError::provider_error("the metadata service answered 503"),
        CredentialsError::unhandled("the connection broke"),
    ] {
        assert_eq!(kind(passing), ErrorKind::Unavailable);
    }
}

#[test]
fn an_answer_keeps_the_id_of_its_request_and_a_broken_connection_each_cause() {
    let refused = ErrorMetadata::builder()
        .code("InvalidParameterValue")
        .message("the subnet is odd")
        .build();
    let status = 400.try_into().expect("a status");
    let mut answer = HttpResponse::new(status, "".into());
    answer.headers_mut().insert("x-amzn-requestid", "4711");
    let refused = DescribeInstancesError::generic(refused);
    let error = SdkError::service_error(refused, answer);
    let error = ApiError::of(&error).explain("could not look", "ec2:DescribeInstances");
    assert_eq!(error.request_id(), Some("4711"));
    let broken: SdkError<DescribeInstancesError, HttpResponse> =
        SdkError::timeout_error(io::Error::other(io::Error::other("it hangs")));
    let error = ApiError::of(&broken).explain("could not look", "ec2:DescribeInstances");
    assert!(causes(&error).count() > 2, "{error:?}");
    assert_eq!(error.request_id(), None);
}

#[test]
fn every_answer_stands_once_and_patterns_hide_no_other() {
    let all = ROWS.iter().enumerate();
    for (n, row) in all.clone() {
        for code in row.codes {
            let before = ROWS[..n].iter();
            let mut same = before.filter(|other| other.codes.contains(code));
            assert!(
                !same.any(|other| other.says == row.says || other.says.is_empty()),
                "{code} `{}` stands twice, or behind one that takes all",
                row.says
            );
            if !code.contains('*') {
                assert_eq!(action(code, row.says, Some(400)), row.class, "{code}");
            }
        }
        assert_eq!(row.says, row.says.to_ascii_lowercase());
        assert!(row.source.starts_with("https://"), "{:?}", row.codes);
    }
}

#[test]
fn what_stands_in_no_row_is_judged_by_its_status_and_told_without_a_guess() {
    assert_eq!(action("Brandnew", "", Some(503)), ErrorClass::Again);
    assert_eq!(action("Brandnew", "", Some(403)), ErrorClass::Refused);
    let names = "not authorized to perform: ec2:X on resource: y";
    assert_eq!(action("Brandnew", names, Some(403)), ErrorClass::Permission);
    assert_eq!(
        action("SomethingLimitExceeded", "", Some(400)),
        ErrorClass::Quota(QuotaOf::Region)
    );
    assert_eq!(
        action("RequestLimitExceeded", "", Some(503)),
        ErrorClass::Slower
    );
    for status in [400, 403] {
        let error = refused(status, "Brandnew", "The moon is in the way.", "us-east-1");
        assert_eq!(error.hints(), <[&str; 0]>::default(), "{status}");
        let told = crate::model::chain(&error);
        assert_eq!(
            told,
            "could not launch: AWS answered Brandnew: The moon is in the way."
        );
    }
}

/// An answer of EC2 to a launch in a region, explained.
fn refused(status: u16, code: &str, message: &str, region: &str) -> Error {
    let said = ErrorMetadata::builder().code(code).message(message).build();
    let answer = HttpResponse::new(status.try_into().expect("a status"), "".into());
    let error = SdkError::service_error(DescribeInstancesError::generic(said), answer);
    let origin = Origin {
        region: Some(region.to_owned()),
        profile: None,
    };
    let error = ApiError::of(&error).sent_with(origin);
    error.explain("could not launch", "ec2:RunInstances")
}

#[test]
fn refusals_that_are_no_matter_of_permissions_are_told_by_what_helps() {
    for (code, message, hint) in [
        (
            "AuthFailure.ServiceLinkedRoleCreationNotPermitted",
            "The provided credentials do not have permission to create the service-linked role for EC2 Spot Instances.",
            "`aws iam create-service-linked-role --aws-service-name spot.amazonaws.com`",
        ),
        (
            "OptInRequired",
            "In order to use this AWS Marketplace product you need to accept terms and subscribe. To do so please visit https://aws.amazon.com/marketplace/pp?sku=abc.",
            "accept them at https://aws.amazon.com/marketplace/pp?sku=abc, or set another `image`",
        ),
        (
            "OperationNotPermitted",
            "The instance 'i-0123456789abcdef0' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.",
            "`aws ec2 modify-instance-attribute --region us-east-1 --instance-id i-0123456789abcdef0 --no-disable-api-termination`",
        ),
        (
            "AuthFailure",
            "Not authorized for images: [ami-0123456789abcdef0]",
            "--image-id ami-0123456789abcdef0 --launch-permission",
        ),
        (
            "PendingVerification",
            "Your account is pending.",
            "wait for the e-mail",
        ),
        ("Blocked", "Your account is currently blocked.", "support"),
    ] {
        let error = refused(403, code, message, "us-east-1");
        let told = error.describe();
        assert!(error.hints()[0].contains(hint), "{told}");
        assert!(
            !told.contains("IAM policy") && !told.contains("is not allowed"),
            "{told}"
        );
        assert!(told.contains(message), "{told}");
    }
}

#[test]
fn a_denial_names_the_policy_that_is_in_the_way_and_the_command_that_reads_it() {
    let said = |policy: &str| {
        format!(
            "You are not authorized to perform this operation. User: arn:aws:iam::1:user/x is not authorized to \
             perform: ec2:CreateTags on resource: arn:aws:ec2:us-east-1:1:volume/* {policy}. Encoded authorization \
             failure message: 8lsU-x_Y"
        )
    };
    for (policy, hint) in [
        (
            "with an explicit deny in a service control policy",
            "AWS organization",
        ),
        (
            "because no service control policy allows the ec2:CreateTags action",
            "AWS organization",
        ),
        (
            "with an explicit deny in a resource control policy",
            "resource control policy",
        ),
        (
            "because no permissions boundary allows the ec2:CreateTags action",
            "permissions boundary",
        ),
        (
            "because no session policy allows the ec2:CreateTags action",
            "session policy",
        ),
        (
            "with an explicit deny in an identity-based policy",
            "remove the statement that denies",
        ),
        (
            "because no identity-based policy allows the ec2:CreateTags action",
            "in the IAM policy",
        ),
    ] {
        let error = refused(403, "UnauthorizedOperation", &said(policy), "us-east-1");
        let told = error.describe();
        assert!(
            error
                .to_string()
                .contains("`ec2:CreateTags` is not allowed"),
            "{told}"
        );
        assert!(
            error.hints()[0].contains(hint) && error.hints()[0].contains("ec2:CreateTags"),
            "{told}"
        );
        assert!(
            error.hints()[1].contains("--encoded-message 8lsU-x_Y"),
            "{told}"
        );
        assert!(!told.contains("failure message:"), "{told}");
    }
    let long = format!(
        "Denied. Encoded authorization failure message: {}",
        "x".repeat(900)
    );
    let error = refused(403, "UnauthorizedOperation", &long, "us-east-1");
    assert!(error.hints()[1].contains("`-v`"), "{}", error.describe());
}

#[test]
fn credentials_that_a_region_does_not_take_may_be_good_elsewhere() {
    let said = "AWS was not able to validate the provided access credentials";
    let error = refused(401, "AuthFailure", said, "eu-central-2");
    assert!(error.hints()[0].contains("aws account enable-region --region-name eu-central-2"));
    let error = refused(401, "AuthFailure", said, "us-east-1");
    assert!(
        error.hints()[0].contains("aws configure list"),
        "{}",
        error.describe()
    );
}

#[test]
fn a_setting_that_ec2_refuses_is_named_with_what_can_be_typed() {
    for (code, message, key, hint) in [
        (
            "VPCIdNotSpecified",
            "No default VPC for this user.",
            "subnets",
            "aws ec2 describe-subnets --region us-east-1",
        ),
        (
            "MissingInput",
            "No subnets found for the default VPC 'vpc-0f'.",
            "subnets",
            "create-default-vpc",
        ),
        (
            "InvalidBlockDeviceMapping",
            "Volume of size 8GB is smaller than snapshot 'snap-0f', expect size >= 30GB",
            "volume.size",
            "`volume = { size = 30 }`",
        ),
        (
            "InvalidAMIID.NotFound",
            "The image id '[ami-0123456789abcdef0]' does not exist",
            "image",
            "describe-images --region us-east-1 --image-ids ami-0123456789abcdef0",
        ),
        (
            "InvalidKeyPair.NotFound",
            "The key pair 'x' does not exist",
            "key_name",
            "describe-key-pairs",
        ),
        (
            "InvalidParameterCombination",
            "The specified instance type is not eligible for Free Tier.",
            "instance_types",
            "free-tier-eligible",
        ),
        (
            "InvalidParameterValue",
            "Value (x) for parameter iamInstanceProfile.name is invalid.",
            "instance_profile",
            "list-instance-profiles",
        ),
        (
            "TagPolicyViolation",
            "The tag policy does not allow the specified value for the following tag key: 'Project'.",
            "tags",
            "`tags`",
        ),
    ] {
        let error = refused(400, code, message, "us-east-1");
        let told = error.describe();
        assert_eq!(
            (error.kind, error.key()),
            (ErrorKind::Config, Some(key)),
            "{told}"
        );
        assert!(error.hints()[0].contains(hint), "{told}");
    }
}

#[test]
fn a_refusal_names_the_permission_that_it_is_about() {
    let said = "You are not authorized to perform this operation. User: arn:aws:iam::1:user/x is not \
                authorized to perform: iam:PassRole on resource: arn:aws:iam::1:role/y";
    assert_eq!(permission(said).as_deref(), Some("iam:PassRole"));
    assert_eq!(
        permission("You are not authorized to perform this operation."),
        None
    );
}

#[test]
fn the_encoded_part_of_a_refusal_is_left_out() {
    let said = "You are not authorized. Encoded authorization failure message: AbCd";
    assert_eq!(
        without_cipher(said),
        ("You are not authorized.", Some("AbCd"))
    );
}
