//! How starts and stops on EC2 fail.

use std::time::Duration;

use base64::Engine as _;
use gharun_worlds::moto::{Asked, Deed, Proxy, Server, alive, ask};

use crate::place::moto;
use crate::row::{Kind, Scene, Seeded as _, Source, Stage, row};
use crate::step::{Comes, Reader};
use crate::world::World;

const REGION: &str = "us-east-1";

/// A world whose EC2 is behind a proxy that judges.
fn behind(
    world: World,
    server: &Server,
    judge: impl Fn(&Asked) -> Deed + Send + Sync + 'static,
) -> World {
    let proxy = Proxy::start(server, Duration::ZERO, judge);
    world
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing")
        .env("AWS_REGION", REGION)
        .env("AWS_ENDPOINT_URL", &proxy.url)
}

/// In the world's folder: with this file AWS refuses no more.
const GRANTED: &str = "granted";

/// Does at AWS what a console or a command of the screen is for; the runner then comes online.
fn grant(reader: &mut Reader) {
    reader.has_file(GRANTED, "");
    reader.comes_online();
}

/// Runs a command of the screen, which does what it is for.
fn runs_aws(reader: &mut Reader, pattern: &str) {
    let granted = reader.world().path(GRANTED);
    reader.has_program("aws", &format!("touch {}", granted.display()));
    reader.runs(&reader.quoted(pattern));
    assert!(granted.exists(), "aws was not run");
    reader.comes_online();
}

/// What is different in every run.
fn scene(world: World, args: &str) -> Scene {
    Scene::new(world, args)
        .volatile("us_east_1_[0-9a-f]{6}", "us_east_1_3fa9c1")
        .volatile("i-[0-9a-f]{17}", "i-0123456789abcdef0")
}

/// A start whose launches EC2 refuses.
fn refused(
    world: World,
    args: &str,
    status: u16,
    code: &'static str,
    says: &'static str,
) -> Option<Scene> {
    let server = moto()?;
    let granted = world.path(GRANTED);
    let world = behind(world, &server, move |asked| match asked.action.as_str() {
        _ if granted.exists() => Deed::Forward,
        "RunInstances" => Deed::Say(status, code, says),
        _ => Deed::Forward,
    });
    Some(scene(world, args))
}

/// A start whose only machine ends as soon as it is there, for a reason.
fn ended(world: World, reason: &'static str, console: &str) -> Option<Scene> {
    let server = moto()?;
    let console = base64::engine::general_purpose::STANDARD.encode(console);
    let console: &'static str = Box::leak(
        format!(
            "<GetConsoleOutputResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>req-1</requestId><output>{console}</output></GetConsoleOutputResponse>"
        )
        .into_boxed_str(),
    );
    let granted = world.path(GRANTED);
    let world = behind(world, &server, move |asked| match asked.action.as_str() {
        _ if granted.exists() => Deed::Forward,
        "DescribeInstances" => Deed::Edit("Client.UserInitiatedShutdown", reason.to_owned()),
        "GetConsoleOutput" => Deed::Answer(console),
        _ => Deed::Forward,
    });
    let end = move |_: &World| {
        for id in alive(&server, REGION, "managed-by", "gharun") {
            let more = [("InstanceId.1", id.as_str())];
            ask(&server, REGION, "TerminateInstances", &more);
        }
    };
    Some(scene(world, "start aws --timeout 40s").meanwhile(end))
}

/// A start by the token of a workflow, whose role is refused to it.
fn role_refused(
    world: World,
    status: u16,
    code: &'static str,
    message: &'static str,
) -> Option<Scene> {
    let server = moto()?;
    let token = world.path("token");
    // {"sub":"repo:octo/app-frontend:ref:refs/heads/main","aud":"sts.amazonaws.com"}
    let claims = "eyJzdWIiOiJyZXBvOm9jdG8vYXBwLWZyb250ZW5kOnJlZjpyZWZzL2hlYWRzL21haW4iLCJhdWQiOiJzdHMuYW1hem9uYXdzLmNvbSJ9";
    std::fs::write(&token, format!("eyJhbGciOiJSUzI1NiJ9.{claims}.c2ln")).expect("a file");
    let granted = world.path(GRANTED);
    let world = behind(world, &server, move |asked| match asked.action.as_str() {
        _ if granted.exists() => Deed::Forward,
        "AssumeRoleWithWebIdentity" => Deed::Say(status, code, message),
        _ => Deed::Forward,
    });
    let world = world
        .env("AWS_ACCESS_KEY_ID", "")
        .env("AWS_SECRET_ACCESS_KEY", "")
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", &token.display().to_string())
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/gharun");
    Some(scene(world, "start aws"))
}

#[test]
fn a_region_without_a_default_vpc() {
    let source = Source::Finding("failures 10");
    row!(Kind::Aws, Stage::Settings, source, |world| {
        refused(
        world,
        "start aws",
        400,
        "VPCIdNotSpecified",
        "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.",
    ).then("the second command that is printed", Comes::Works, |reader| {runs_aws(reader, "aws ec2 create-default-vpc [^`]+");})
    });
}

#[test]
fn an_instance_type_that_the_free_plan_does_not_have() {
    let source = Source::Thread(
        "splunk/attack_range#1302",
        "the first build in a new account ended with a type that its plan does not have",
    );
    row!(Kind::Aws, Stage::Settings, source, |world| {
        refused(
        world,
        "start aws",
        400,
        "InvalidParameterCombination",
        "The specified instance type is not eligible for Free Tier. For a list of Free Tier instance types, run 'describe-instance-types' with the filter 'free-tier-eligible=true'.",
    ).then("the command that is printed, and a type that it lists", Comes::Works, |reader| {
 runs_aws(reader, "aws ec2 describe-instance-types [^`]+");
 reader.reads(r"set `instance_types` in `\[providers.aws\]`");
 reader.has_file("providers.toml", "[providers.aws]\nkind = \"aws\"\ninstance_types = [\"t3.micro\"]\n");})
    });
}

#[test]
fn a_tag_that_the_tag_policy_of_the_organization_refuses() {
    let source = Source::Thread(
        "runs-on/runs-on#485",
        "a tag policy allowed only some values, and the runner was launched with another one",
    );
    row!(Kind::Aws, Stage::Settings, source, |world| refused(
        world,
        "start aws --set tags.Project=lab",
        400,
        "TagPolicyViolation",
        "The tag policy does not allow the specified value for the following tag key: 'Project'.",
    )
    .then(
        "the command that is printed, and a value that it shows",
        Comes::Works,
        |reader| {
            runs_aws(reader, "aws organizations describe-effective-policy [^`]+");
            let option = reader.reads(r"\((--set tags\.Project)\)");
            reader.adds(&format!("{option}=build"));
        }
    ));
}

#[test]
fn an_sso_session_that_has_expired() {
    let source = Source::Finding("aws 11");
    row!(Kind::Aws, Stage::Credentials, source, |world| {
        let folder = world.path("home/.aws");
        std::fs::create_dir(&folder).expect("a folder");
        let text = "[profile ci]\nregion = us-east-1\nsso_session = lab\nsso_account_id = 123456789012\nsso_role_name = runner\n[sso-session lab]\nsso_region = us-east-1\nsso_start_url = https://lab.awsapps.com/start\n";
        std::fs::write(folder.join("config"), text).expect("a file");
        scene(world, "start aws --set profile=ci").needs("console", "the login is a page of AWS")
    });
}

#[test]
fn a_role_that_does_not_trust_the_token_of_the_workflow() {
    let source = Source::Finding("aws 11");
    row!(Kind::Aws, Stage::Credentials, source, |world| {
        role_refused(
            world,
            403,
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        )
        .then(
            "the claims that are printed are allowed in the role that the command shows",
            Comes::Works,
            |reader| {
                reader.reads("allow `sub` = `repo:octo/[^`]+` and `aud` = `sts.amazonaws.com`");
                runs_aws(reader, "aws iam get-role --role-name gharun [^`]+");
            },
        )
    });
}

#[test]
fn an_account_without_the_identity_provider_of_github() {
    let source = Source::Thread(
        "aws-actions/configure-aws-credentials#721",
        "the role was made, and the identity provider that issues the tokens was not",
    );
    row!(Kind::Aws, Stage::Credentials, source, |world| {
        role_refused(
            world,
            400,
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com",
        ).then("the command that is printed", Comes::Works, |reader| {runs_aws(reader, "aws iam create-open-id-connect-provider [^`]+");})
    });
}

#[test]
fn a_service_control_policy_that_denies_launches() {
    let source = Source::Finding("aws 9");
    row!(Kind::Aws, Stage::Place, source, |world| {
        refused(
        world,
        "start aws",
        403,
        "UnauthorizedOperation",
        "You are not authorized to perform this operation. User: arn:aws:sts::123456789012:assumed-role/gharun/ci is not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:us-east-1:123456789012:instance/* with an explicit deny in a service control policy. Encoded authorization failure message: 8lsUqW3v",
    ).needs("administrator", "only one of the organization can allow it")
    });
}

#[test]
fn a_denial_with_a_long_encoded_message() {
    let source = Source::Thread(
        "aws/aws-parallelcluster#372",
        "the encoded part of the refusal came back cut short, so that it could not be decoded",
    );
    row!(Kind::Aws, Stage::Credentials, source, |world| {
        let says: &'static str = Box::leak(
            format!(
                "You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ec2:CreateTags on resource: arn:aws:ec2:us-east-1:123456789012:instance/* because no identity-based policy allows the ec2:CreateTags action. Encoded authorization failure message: {}",
                "8lsUqW3v".repeat(90)
            )
            .into_boxed_str(),
        );
        let scene = refused(world, "start aws", 403, "UnauthorizedOperation", says)?;
        // What the screen says of `-v` is true.
        Some(scene.afterwards(|world| {
            let said = world.run("-v start aws").exits(1).stderr;
            let command = format!(
                "aws sts decode-authorization-message --query DecodedMessage --output text --encoded-message {}",
                "8lsUqW3v".repeat(90)
            );
            assert!(said.contains(&command), "{said}");
        }))
    });
}

#[test]
fn an_image_of_the_marketplace_whose_terms_are_not_accepted() {
    let source = Source::Finding("aws 7");
    row!(Kind::Aws, Stage::Place, source, |world| {
        refused(
        world,
        "start aws",
        401,
        "OptInRequired",
        "In order to use this AWS Marketplace product you need to accept terms and subscribe. To do so please visit https://aws.amazon.com/marketplace/pp?sku=abc123",
    ).then("the terms are accepted at the address that is printed", Comes::Works, |reader| {
 reader.reads(r"accept them at https://aws\.amazon\.com/marketplace/pp\?sku=abc123");
 grant(reader);})
    });
}

#[test]
fn a_spot_machine_in_an_account_that_never_had_one() {
    let source = Source::Finding("aws 7");
    row!(Kind::Aws, Stage::Place, source, |world| {
        refused(
        world,
        "start aws --set market=spot",
        403,
        "AuthFailure.ServiceLinkedRoleCreationNotPermitted",
        "The provided credentials do not have permission to create the service-linked role for EC2 Spot Instances.",
    ).then("the command that is printed", Comes::Works, |reader| {runs_aws(reader, "aws iam create-service-linked-role [^`]+");})
    });
}

#[test]
fn four_candidates_of_which_none_has_room() {
    let source = Source::Finding("failures 15");
    row!(Kind::Aws, Stage::Room, source, |world| {
        let scene = refused(
            world,
            "start aws --set market=spot-then-on-demand",
            500,
            "InsufficientInstanceCapacity",
            "We currently do not have sufficient capacity in the Availability Zone you requested.",
        )?;
        Some(
            scene
                .arg("--set")
                .arg("instance_types=[\"m7i.large\",\"m6i.large\"]")
                .then(
                    "more `instance_types`, where the hint says they are set",
                    Comes::Works,
                    |reader| {
                        let option = reader
                            .reads(r"add to `instance_types` \(now `(--set instance_types)`\)");
                        reader.adds(&format!(
                            "{option}=[\"m7i.large\",\"m6i.large\",\"t3.large\"]"
                        ));
                        grant(reader);
                    },
                ),
        )
    });
}

#[test]
fn a_quota_of_processors_that_is_used_up() {
    let source = Source::Finding("aws 8");
    row!(Kind::Aws, Stage::Room, source, |world| {
        refused(
        world,
        "start aws --set instance_types=g5.xlarge",
        400,
        "VcpuLimitExceeded",
        "You have requested more vCPU capacity than your current vCPU limit of 0 allows for the instance bucket that the specified instance type belongs to.",
    ).then("another family of `instance_types`", Comes::Works, |reader| {
 reader.reads("other families of `instance_types`");
 reader.adds("--set instance_types=t3.large");
 grant(reader);})
    });
}

#[test]
fn an_encrypted_image_whose_key_may_not_be_used() {
    let source = Source::Thread(
        "github-aws-runners/terraform-aws-github-runner#3546",
        "disks were encrypted by default with a key that the launching role could not use, and each machine ended at once",
    );
    row!(Kind::Aws, Stage::Boot, source, |world| ended(
        world,
        "Client.InternalError",
        "",
    )
    .needs("administrator", "the key's policy is changed"));
}

#[test]
fn a_machine_in_a_subnet_without_a_way_out() {
    let source = Source::Thread(
        "machulav/ec2-github-runner#112",
        "the subnet gave no public address, so that the machine reached nothing and never registered",
    );
    row!(Kind::Aws, Stage::Boot, source, |world| {
        ended(
        world,
        "Client.InstanceInitiatedShutdown",
        "gharun: phase=arm t=1\ngharun: phase=download t=101\ngharun: try 5 to download the runner failed: curl: (28) Failed to connect to github.com port 443 after 20001 ms: Timeout was reached\ngharun: phase=end t=121 code=75 last=download why=could not download the runner from https://github.com/actions/runner/releases/download/v2.330.0/actions-runner-linux-x64-2.330.0.tar.gz: curl: (28) Failed to connect to github.com port 443 after 20001 ms: Timeout was reached\n",
    ).then("`public_ip = true` as printed", Comes::Works, |reader| {
 let line = reader.quoted("public_ip = true");
 reader.has_file("providers.toml", &format!("[providers.aws]\nkind = \"aws\"\n{line}\n"));
 grant(reader);})
    });
}

#[test]
fn a_machine_whose_registration_another_one_uses() {
    row!(
        Kind::Aws,
        Stage::Runner,
        Source::Finding("github 11"),
        |world| {
            ended(
            world,
            "Client.InstanceInitiatedShutdown",
            "gharun: phase=arm t=1\ngharun: phase=run t=41\nA session for this runner already exists.\ngharun: phase=end t=61 code=70 last=run why=the runner never connected to GitHub: A session for this runner already exists.\n",
        ).needs("machine", "the one that has the registration is another")
        }
    );
}

#[test]
fn an_image_whose_runner_is_too_old() {
    let source = Source::Thread(
        "actions/runner#3653",
        "a runner on Amazon Linux that was installed some months ago was refused as deprecated from one day to the next",
    );
    row!(Kind::Aws, Stage::Runner, source, |world| {
        ended(
        world,
        "Client.InstanceInitiatedShutdown",
        "gharun: phase=arm t=1\ngharun: phase=run t=41\nAn error occurred: Runner version v2.200.0 is deprecated and cannot receive messages.\ngharun: phase=end t=61 code=73 last=run why=An error occurred: Runner version v2.200.0 is deprecated and cannot receive messages.\n",
    ).then("without that image, in the table that is named", Comes::Works, |reader| {
 reader.reads(r"set `image` in `\[providers.aws\]`");
 grant(reader);})
    });
}

/// A stop of a machine whose end EC2 refuses.
fn unstoppable(world: World, status: u16, code: &'static str, says: &'static str) -> Option<Scene> {
    let server = moto()?;
    let granted = world.path(GRANTED);
    let world = behind(world, &server, move |asked| match asked.action.as_str() {
        _ if granted.exists() => Deed::Forward,
        "TerminateInstances" => {
            let id = asked.value("InstanceId.1").unwrap_or_default();
            let says = says.replace("{id}", &id);
            Deed::Say(status, code, Box::leak(says.into_boxed_str()))
        }
        _ => Deed::Forward,
    });
    world.run("start aws --timeout 4s").exits(3);
    let end = move |_: &World| {
        for id in alive(&server, REGION, "managed-by", "gharun") {
            let more = [("InstanceId.1", id.as_str())];
            ask(&server, REGION, "TerminateInstances", &more);
        }
    };
    Some(scene(world, "stop --all --yes --timeout 9s").afterwards(end))
}

#[test]
fn credentials_that_may_launch_and_not_terminate() {
    let source = Source::Finding("aws 9");
    row!(Kind::Aws, Stage::End, source, |world| {
        unstoppable(
        world,
        403,
        "UnauthorizedOperation",
        "You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ec2:TerminateInstances on resource: arn:aws:ec2:us-east-1:123456789012:instance/{id} because no identity-based policy allows the ec2:TerminateInstances action",
    ).then("the permission that is named, and the stop that is printed", Comes::Works, |reader| {
 reader.reads("allow `ec2:TerminateInstances` in the IAM policy");
 grant(reader);
 let stop = reader.reads("then: `gharun (stop [^`]+)`");
 reader.types(&format!("{stop} --yes"));})
    });
}

#[test]
fn an_instance_that_is_protected_from_termination() {
    let source = Source::Thread(
        "rebuy-de/aws-nuke#279",
        "machines with termination protection were not removed, and the clean-up failed each time",
    );
    row!(Kind::Aws, Stage::End, source, |world| {
        unstoppable(
        world,
        400,
        "OperationNotPermitted",
        "The instance '{id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.",
    ).then("the command and the stop that are printed", Comes::Works, |reader| {
 runs_aws(reader, "aws ec2 modify-instance-attribute [^`]+");
 let stop = reader.reads("then: `gharun (stop [^`]+)`");
 reader.types(&format!("{stop} --yes"));})
    });
}
