//! Boot scripts that are really run, in containers, from launch to end.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::bootstrap::{self, Boot, BootCredential};
use crate::model::{Condition, Instance, JobUser, Order, Secret};
use crate::poll::{Pace, until};
use crate::providers::Provider;
use crate::providers::contract::{ends, order, skipped};
use crate::providers::nebius::tests::place::Place;
use crate::providers::nebius::{Nebius, Product};

const IMAGE: &str = "gharun-test-program:1";

/// A place whose jobs and VMs are run, unless no daemon is here.
fn place(product: Product, more: &serde_json::Value) -> Option<Place> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/image.sh");
    let made = Command::new("sh")
        .arg(script)
        .arg(IMAGE)
        .output()
        .expect("a shell");
    if !made.status.success() {
        let why = String::from_utf8_lossy(&made.stderr);
        skipped(&format!("nebius, really run: {}", why.trim()));
        return None;
    }
    let place = Place::with(product, more);
    place.standin.set(|world| {
        world.image = Some(IMAGE.to_owned());
        let metadata = ("GHARUN_METADATA".to_owned(), "{metadata}".to_owned());
        world.boot_env = vec![metadata, ("GHARUN_DELETES".to_owned(), "0".to_owned())];
    });
    Some(place)
}

/// The script of the house, for a machine on which there is no runner to be had.
fn real(provider: &Nebius, order: Order) -> Order {
    let jit = Secret::new("e30=");
    let boot = bootstrap::script(&Boot {
        name: &order.name,
        credential: BootCredential::Jit(&jit),
        packages: &[],
        pinned: false,
        ending: Provider::shutdown_command(provider),
        expires: Timestamp::now() + Duration::from_hours(1),
        lifetime: Duration::from_hours(1),
        idle_limit: None,
        user: &JobUser::default(),
        keep_failed: false,
        setup: Some("echo \"set up by it's $0\"\n"),
        secrets: &[],
        env: &[],
        ca: None,
    });
    Order { boot, ..order }
}

async fn ended(provider: &Nebius) -> Instance {
    let pace = Pace {
        every: Duration::from_millis(100),
        at_most: Duration::from_mins(1),
    };
    let found = until(pace, async || {
        let listing = provider.list().await.expect("a listing");
        let mut machines = listing.instances.into_iter();
        machines.find(|machine| matches!(machine.state, Condition::Ended(_)))
    });
    found.await.expect("it ends by itself")
}

#[tokio::test]
async fn a_job_runs_its_script_and_ends_with_it() {
    let Some(place) = place(Product::Job, &json!({})) else {
        return;
    };
    let provider = Arc::new(place.provider());
    let order = Order {
        boot: Secret::new("echo \"up: $0\"\nexit 0\n"),
        ..order("t")
    };
    let machine = provider.launch(&order).await.unwrap();
    let Condition::Ended(how) = ended(&provider).await.state else {
        unreachable!("it ended")
    };
    assert_eq!(how, "its container ended");
    place.standin.until("its words have come", |standin| {
        standin.log(&machine.id.id) == "up: /gharun/boot\n"
    });
    ends(&provider, &machine.id).await.unwrap();
    assert_eq!(place.standin.billed(), []);
    place.is_well();
}

#[tokio::test]
async fn a_script_that_is_too_long_is_unpacked_and_run() {
    let Some(place) = place(Product::Job, &json!({})) else {
        return;
    };
    let provider = place.provider();
    let order = Order {
        boot: Secret::new(format!(
            "echo up; ls /gharun\nexit 0\n: {}\n",
            "x".repeat(100_000)
        )),
        ..order("t")
    };
    let machine = provider.launch(&order).await.unwrap();
    ended(&provider).await;
    place.standin.until("its words have come", |standin| {
        standin.log(&machine.id.id) == "up\nboot\n"
    });
}

#[tokio::test]
async fn the_script_of_the_house_ends_a_job() {
    let Some(place) = place(Product::Job, &json!({})) else {
        return;
    };
    let provider = place.provider();
    let order = real(&provider, order("t"));
    let machine = provider.launch(&order).await.unwrap();
    let Condition::Ended(how) = ended(&provider).await.state else {
        unreachable!("it ended")
    };
    assert!(how.starts_with("its container failed"), "{how}");
    let log = place.standin.log(&machine.id.id);
    let failure = bootstrap::failure(&log).expect("it says why");
    assert!(failure.starts_with("GitHub offers no runner"), "{log}");
}

#[tokio::test]
async fn the_script_of_the_house_powers_a_vm_off() {
    let Some(place) = place(Product::Vm, &json!({})) else {
        return;
    };
    let provider = Arc::new(place.provider());
    let order = real(&provider, order("t"));
    let machine = provider.launch(&order).await.unwrap();
    let Condition::Ended(how) = ended(&provider).await.state else {
        unreachable!("it ended")
    };
    assert!(how.starts_with("stopped"), "{how}");
    assert_eq!(place.standin.billed().len(), 1, "its disk");
    ends(&provider, &machine.id).await.unwrap();
    assert_eq!(place.standin.billed(), []);
    place.is_well();
}

#[tokio::test]
async fn the_script_of_the_house_deletes_a_vm_that_has_a_service_account() {
    let account = json!({ "service_account": "serviceaccount-e00ends" });
    let Some(place) = place(Product::Vm, &account) else {
        return;
    };
    let provider = place.provider();
    let order = real(&provider, order("t"));
    provider.launch(&order).await.unwrap();
    place.standin.until("it has deleted itself", |standin| {
        standin.vms().is_empty() && standin.billed().is_empty()
    });
    assert!(provider.list().await.unwrap().instances.is_empty());
    place.is_well();
}
