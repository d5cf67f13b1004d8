//! What failures are read as.

use aws_sdk_ec2::error::ErrorMetadata;
use aws_sdk_ec2::operation::describe_instances::DescribeInstancesError;

use super::codes::CODES;
use super::*;

#[test]
fn what_has_no_room_moves_on_and_nothing_else_does() {
    for code in [
        "InsufficientInstanceCapacity",
        "SpotMaxPriceTooLow",
        "Unsupported",
    ] {
        // EC2 answers a lack of room with 500.
        assert_eq!(action(code, Some(500)), ErrorClass::Next, "{code}");
    }
    for code in [
        "InvalidAMIID.NotFound",
        "UnauthorizedOperation",
        "VcpuLimitExceeded",
        "InstanceLimitExceeded",
        "RequestLimitExceeded",
        "InternalError",
    ] {
        assert_ne!(action(code, Some(400)), ErrorClass::Next, "{code}");
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
fn every_code_stands_once_and_patterns_hide_no_other() {
    for (n, (code, meant)) in CODES.iter().enumerate() {
        assert!(
            !CODES[..n].iter().any(|(other, _)| other == code),
            "{code} stands twice"
        );
        if !code.contains('*') {
            assert_eq!(action(code, Some(400)), *meant, "{code}");
        }
    }
}

#[test]
fn what_stands_in_no_row_is_judged_by_its_status() {
    assert_eq!(action("Brandnew", Some(503)), ErrorClass::Again);
    assert_eq!(action("Brandnew", Some(403)), ErrorClass::Denied);
    assert_eq!(
        action("SomethingLimitExceeded", Some(400)),
        ErrorClass::Quota
    );
    assert_eq!(
        action("RequestLimitExceeded", Some(503)),
        ErrorClass::Slower
    );
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
    assert_eq!(without_cipher(said), "You are not authorized.");
}
