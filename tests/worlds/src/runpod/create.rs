//! The creation of a pod, with all its rules.

use serde_json::Value;

use super::deeds::NO_CAPACITY;
use super::pod::{Pod, args};
use super::rules::Scope;
use super::stock::{CPUS, CUDA, GPUS, is_place, version};
use super::wire::Answer;
use super::world::World;

/// What of a creation breaks a rule that no schema tells.
fn broken(order: &Value) -> Option<String> {
    let (gpu, cpu) = (&order["gpu"], &order["cpu"]);
    if gpu.is_null() == cpu.is_null() {
        return Some("exactly one of gpu or cpu must be set".into());
    }
    if order["env"].as_object().is_some_and(|env| env.len() > 50) {
        return Some("env: at most 50 variables".into());
    }
    let exact = gpu["allowedCudaVersions"].as_array();
    if exact.is_some_and(|list| !list.is_empty()) && !gpu["minCudaVersion"].is_null() {
        return Some("allowedCudaVersions and minCudaVersion are mutually exclusive".into());
    }
    if let Some(vcpus) = cpu["vcpuCount"].as_u64()
        && !vcpus.is_power_of_two()
    {
        return Some("cpu.vcpuCount must be a power of two".into());
    }
    let mounts = &order["mounts"];
    let (persistent, network) = (&mounts["persistent"], &mounts["network"]);
    if !persistent.is_null() && !network.is_null() {
        return Some("mounts.persistent and mounts.network are mutually exclusive".into());
    }
    if !persistent.is_null() && !cpu.is_null() {
        return Some("mounts.persistent is invalid for CPU pods".into());
    }
    if !order["args"].is_null()
        && (!order["cmd"].is_null() || !order["entrypoint"].is_null())
        && order["args"] != args(order)
    {
        return Some("args must be equal to entrypoint and cmd".into());
    }
    let ports = order["ports"].as_array().into_iter().flatten();
    for port in ports.filter_map(Value::as_str) {
        let good = port.split_once('/').is_some_and(|(number, kind)| {
            number.parse::<u16>().is_ok_and(|n| n > 0) && matches!(kind, "http" | "tcp")
        });
        if !good {
            return Some(format!("ports: `{port}` is not PORT/http or PORT/tcp"));
        }
    }
    let places = order["dataCenterIds"].as_array().into_iter().flatten();
    let mut places = places.filter_map(Value::as_str);
    let unknown = places.find(|place| !is_place(place));
    unknown.map(|place| format!("dataCenterIds: there is no `{place}`"))
}

impl World {
    /// Creates a pod.
    pub(super) fn create(&mut self, order: &Value) -> Answer {
        if let Some(wrong) = broken(order) {
            return Answer::problem(400, &wrong);
        }
        if let Some(registry) = order["registry"].as_str()
            && !self.registries.contains_key(registry)
        {
            return Answer::problem(404, "registry credential not found");
        }
        let cloud = order["cloud"].as_str().unwrap_or("SECURE");
        let mut places: Vec<&str> = order["dataCenterIds"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let volume;
        if let Some(wanted) = order["mounts"]["network"][0]["volumeId"].as_str() {
            let Some(known) = self.volumes.get(wanted) else {
                return Answer::problem(404, "network volume not found");
            };
            volume = known["dataCenter"].as_str().unwrap_or_default().to_owned();
            if !places.is_empty() && !places.contains(&volume.as_str()) {
                return Answer::problem(400, "the network volume is in another data center");
            }
            places = vec![&volume];
        }
        let (what, cost, most) = if order["gpu"].is_null() {
            let Some(cpu) = CPUS.iter().find(|cpu| order["cpu"]["id"] == cpu.id) else {
                return Answer::problem(400, "unknown CPU flavor");
            };
            let count = order["cpu"]["vcpuCount"].as_i64().unwrap_or(2);
            let price = cpu.price * f64::from(i32::try_from(count).unwrap_or(i32::MAX));
            (cpu.id, price, count <= cpu.most)
        } else {
            let Some(gpu) = GPUS.iter().find(|gpu| order["gpu"]["id"] == gpu.id) else {
                return Answer::problem(400, "unknown GPU type");
            };
            let count = order["gpu"]["count"].as_i64().unwrap_or(1);
            let each = if cloud == "SECURE" {
                gpu.secure
            } else {
                gpu.community
            };
            let price = each * f64::from(i32::try_from(count).unwrap_or(i32::MAX));
            (gpu.id, price, count <= 10)
        };
        let cost = cost * self.rules.dearer;
        if self.rules.balance.is_some_and(|balance| balance < cost) {
            return Answer::problem(
                402,
                "Your balance is too low to deploy this pod. Please add funds.",
            );
        }
        let floor = order["gpu"]["minCudaVersion"].as_str().map(version);
        let exact = order["gpu"]["allowedCudaVersions"].as_array();
        let exact = exact.filter(|list| !list.is_empty());
        let cuda = CUDA.iter().rev().find(|known| {
            floor.as_ref().is_none_or(|floor| version(known) >= *floor)
                && exact.is_none_or(|list| list.iter().any(|one| one == **known))
        });
        let place = cuda
            .filter(|_| most)
            .and_then(|_| self.catalog.take(what, cloud, &places));
        let (Some(place), Some(cuda)) = (place, cuda) else {
            return Answer::problem(400, NO_CAPACITY);
        };
        let mut pod = Pod::new(order, &self.rules);
        (pod.place, pod.cuda, pod.bill) = (place, cuda, cost);
        if !self.rules.billed_later {
            pod.cost = cost;
        }
        pod.say("system", "create pod");
        pod.advance(false);
        self.keys
            .insert(pod.key.clone(), Scope::Pod(pod.id.clone()));
        let shown = pod.show();
        self.pods.push(pod);
        Answer::json(201, &shown)
    }
}
