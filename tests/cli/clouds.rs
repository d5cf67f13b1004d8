//! One start over three clouds: RunPod, Nebius and EC2, each a stand-in.

use std::time::Duration;

use crate::aws::{REGION, moto};
use crate::world::{Said, World, wait_for};
use gharun_worlds::moto::{Deed, Proxy, Server, alive};
use gharun_worlds::nebius::{PROJECT, Standin as Nebius, Stock};
use gharun_worlds::runpod::{Level, Standin as RunPod};

/// Three accounts with machines in all of them, until a test says otherwise.
struct Clouds {
    runpod: RunPod,
    nebius: Nebius,
    server: Server,
    aws: Proxy,
    run: u64,
    world: World,
}

impl Clouds {
    /// `None` where there is no moto.
    fn new(number: u64) -> Option<Self> {
        let server = moto()?;
        let (runpod, nebius) = (RunPod::start(), Nebius::start());
        let aws = Proxy::start(&server, Duration::ZERO, |_| Deed::Forward);
        let run = u64::from(std::process::id()) * 1000 + 900 + number;
        let world = World::step()
            .env("GITHUB_RUN_ID", &run.to_string())
            .env("AWS_ACCESS_KEY_ID", "testing")
            .env("AWS_SECRET_ACCESS_KEY", "testing")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_REGION", REGION)
            .env("AWS_ENDPOINT_URL", &aws.url)
            .env("NEBIUS_IAM_TOKEN", &nebius.token())
            .env("RUNPOD_API_KEY", &runpod.key);
        let text = format!(
            "[providers.gpu]\nkind = \"runpod\"\ngpu = [\"L40S\", \"A100\"]\ncloud = \"any\"\nendpoint = \"{}/v2\"\n\n\
             [providers.gpu2]\nkind = \"nebius\"\nproject = \"{PROJECT}\"\nendpoint = \"{1}\"\nauth_endpoint = \"{1}\"\n\n\
             [providers.gpu-aws]\nkind = \"aws\"\nsearch_regions = []\n",
            runpod.url, nebius.url
        );
        std::fs::write(world.path("providers.toml"), text).expect("a file");
        Some(Self {
            runpod,
            nebius,
            server,
            aws,
            run,
            world,
        })
    }

    /// RunPod's catalog shows stock, and there is none; Nebius takes the order, and finds no machine for it.
    fn first_two_are_out(&self) {
        self.runpod.stock("*", "*", "*", Level::Low, 0);
        self.nebius.set(|world| {
            world.stocked("gpu-l40s-a", Stock::Later(Duration::from_secs(1)));
        });
    }

    fn instances(&self) -> Vec<String> {
        alive(&self.server, REGION, "gharun-run-id", &self.run.to_string())
    }

    fn registrations(&self) -> Vec<String> {
        let rows = self.world.stub.runners().into_iter();
        rows.map(|row| row.name).collect()
    }

    #[track_caller]
    fn nothing_is_rented_but_at_aws(&self) {
        let pods = self.runpod.alive();
        assert!(pods.is_empty(), "pods: {pods:?}");
        assert_eq!(self.nebius.billed(), [], "at Nebius");
    }

    #[track_caller]
    fn requests_were_as_described(&self) {
        assert_eq!(self.runpod.violations(), [""; 0]);
        assert_eq!(self.nebius.violations(), [""; 0]);
    }
}

#[test]
fn a_start_falls_through_three_clouds_in_order_and_ends_with_one_machine_and_one_registration() {
    let Some(clouds) = Clouds::new(1) else { return };
    clouds.first_two_are_out();
    let mut child = clouds.world.spawn("start gpu gpu2 gpu-aws");
    // EC2's machines boot nothing: somebody else has to bring the runner online.
    wait_for("the end of the start", || {
        if !clouds.instances().is_empty() {
            for name in clouds.registrations() {
                clouds.world.github.bring_online(&name);
            }
        }
        child.try_wait().expect("it can be asked")
    });
    let said = Said::of(child.wait_with_output().expect("it ended"), &clouds.world).exits(0);
    assert_eq!(clouds.instances().len(), 1, "{}", said.stderr);
    let registrations = clouds.registrations();
    assert_eq!(registrations.len(), 1, "{}", said.stderr);
    clouds.nothing_is_rented_but_at_aws();
    let mapping = clouds.world.output("mapping").expect("an output");
    let mapping: serde_json::Value = serde_json::from_str(&mapping).expect("JSON");
    let [(machine, label)] = mapping
        .as_object()
        .expect("an object")
        .iter()
        .collect::<Vec<_>>()[..]
    else {
        panic!("one machine: {mapping}")
    };
    assert!(machine.starts_with("gpu-aws:us_east_1_"), "{machine}");
    assert_eq!(label.as_str(), Some(registrations[0].as_str()));
    // In this order, and each was really asked.
    let at = |what: &str| {
        said.stderr
            .find(what)
            .unwrap_or_else(|| panic!("`{what}` is not in:\n{}", said.stderr))
    };
    let (first, second) = (at("`gpu` could not start"), at("`gpu2` could not start"));
    assert!(first < second && second < at("gpu-aws:us_east_1_"));
    assert!(!clouds.runpod.bodies().is_empty());
    assert!(!clouds.nebius.bodies("jobs.create").is_empty());
    clouds.requests_were_as_described();
    clouds.world.run("stop").exits(0);
    assert_eq!(clouds.instances(), [""; 0]);
    assert_eq!(clouds.registrations(), [""; 0]);
    clouds.nothing_is_rented_but_at_aws();
}

#[test]
fn a_start_whose_clouds_are_all_out_says_what_each_of_them_said_and_leaves_nothing() {
    let Some(mut clouds) = Clouds::new(2) else {
        return;
    };
    clouds.first_two_are_out();
    clouds.aws = Proxy::start(&clouds.server, Duration::ZERO, |asked| {
        match asked.action.as_str() {
            "RunInstances" => Deed::Refuse(500, "InsufficientInstanceCapacity"),
            _ => Deed::Forward,
        }
    });
    clouds.world = clouds.world.env("AWS_ENDPOINT_URL", &clouds.aws.url);
    let said = clouds.world.run("start gpu gpu2 gpu-aws").exits(1);
    for cloud in ["`gpu`", "`gpu2`", "`gpu-aws`"] {
        assert!(said.stderr.contains(cloud), "{}", said.stderr);
    }
    assert_eq!(clouds.instances(), [""; 0]);
    assert_eq!(clouds.registrations(), [""; 0]);
    clouds.nothing_is_rented_but_at_aws();
    clouds.requests_were_as_described();
}

#[test]
fn offers_of_both_catalogs_come_cheapest_first_and_one_that_is_silent_hides_no_other() {
    let Some(clouds) = Clouds::new(3) else { return };
    let said = clouds
        .world
        .run("providers offers gpu gpu2 --output json")
        .exits(0);
    let report = said.json();
    let offers = report["offers"].as_array().expect("a list");
    for provider in ["gpu", "gpu2"] {
        let mut own = offers.iter().filter(|offer| offer["provider"] == provider);
        assert!(
            own.any(|offer| offer["stock"].is_string()),
            "{provider} tells stock: {report:#}"
        );
    }
    let prices: Vec<f64> = offers
        .iter()
        .map(|offer| offer["price_per_hour"].as_f64().unwrap_or(f64::MAX))
        .collect();
    assert!(prices.is_sorted() && prices[0] > 0.0, "{prices:?}");
    let text = clouds.world.run("providers offers gpu gpu2").exits(0);
    assert!(text.stdout.starts_with("PROVIDER"), "{}", text.stdout);
    clouds.requests_were_as_described();
    clouds.runpod.revoke(&clouds.runpod.key);
    let said = clouds
        .world
        .run("providers offers gpu gpu2 --output json")
        .exits(1);
    let report = said.json();
    assert_eq!(report["unknown"][0]["source"], "gpu", "{report:#}");
    assert!(
        report["offers"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    );
    assert!(
        said.stderr.contains("could not ask `gpu`: "),
        "{}",
        said.stderr
    );
}
