//! Settings that can be meant, and what is said of those that cannot.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::*;
use crate::providers::runpod::tests::account::config;

#[test]
fn a_key_alone_is_enough_to_search_the_account() {
    let config = config(json!({}));
    let url = config.check().unwrap();
    assert_eq!(url.as_str(), "https://api.runpod.io/v2");
    assert_eq!((config.disk(), config.cloud), (20, Cloud::Secure));
    assert!(config.image.contains("actions-runner"));
}

#[test]
fn everything_can_be_said() {
    let config = config(json!({
        "gpu": ["L40S", "NVIDIA A40"], "gpu_count": 2, "cloud": "any", "data_centers": ["EU-RO-1"],
        "image": "runpod/pytorch:1", "registry": "cred1", "disk": 50,
        "volume": { "size": 20 }, "min_cuda": "12.4", "min_ram_per_gpu": 8,
        "min_vcpu_per_gpu": 2, "ports": ["22/tcp", "8888/http"], "env": { "A": "1" },
        "max_price": 0.8, "endpoint": "https://proxy.example/runpod/",
    }));
    let url = config.check().unwrap();
    assert_eq!(url.as_str(), "https://proxy.example/runpod");
}

#[test]
fn an_address_without_a_path_is_that_of_version_2() {
    let config = config(json!({ "endpoint": "http://127.0.0.1:9" }));
    assert_eq!(config.check().unwrap().as_str(), "http://127.0.0.1:9/v2");
}

#[test]
fn what_cannot_be_meant_is_told_with_its_key_and_what_to_write() {
    let many: serde_json::Map<String, Value> =
        (0..48).map(|n| (format!("V{n}"), json!("x"))).collect();
    let mut table = String::new();
    for settings in [
        json!({ "api_key": " " }),
        json!({ "gpu": "L40S", "cpu": "cpu5c" }),
        json!({ "gpu": [] }),
        json!({ "gpu": ["A40", ""] }),
        json!({ "gpu": "A40", "gpu_count": 0 }),
        json!({ "cpu": "cpu5c", "min_cuda": "12.4" }),
        json!({ "cpu": "cpu5c", "volume": 20 }),
        json!({ "gpu": "A40", "vcpus": 4 }),
        json!({ "cpu": "cpu5c", "vcpus": 6 }),
        json!({ "max_price": 0.0 }),
        json!({ "min_cuda": "12" }),
        json!({ "disk": 0 }),
        json!({ "volume": 5 }),
        json!({ "volume": { "size": 20, "path": "data" } }),
        json!({ "volume": 20, "network_volume": "vol" }),
        json!({ "image": "" }),
        json!({ "data_centers": ["EU RO"] }),
        json!({ "ports": ["22"] }),
        json!({ "env": { "RUNPOD_API_KEY": "x" } }),
        json!({ "env": { "GHARUN_TAGS": "x" } }),
        json!({ "env": many }),
        json!({ "endpoint": "api.runpod.io" }),
    ] {
        let error = config(settings).check().expect_err("it cannot be meant");
        let key = error.key().expect("a setting is at fault");
        writeln!(table, "{key}: {error}").expect("a text takes it");
    }
    insta::assert_snapshot!(table, @r#"
    api_key: `api_key` must be a RunPod API key
    cpu: `gpu` and `cpu` are both set: keep one
    gpu: `gpu` must be a name or an array of names, not an empty array
    gpu: `gpu` must be a name or an array of names, not an array with an empty name
    gpu_count: `gpu_count` must be at least 1, not `0`
    min_cuda: `min_cuda` needs a pod with GPUs: leave it out, or set `gpu` instead of `cpu`
    volume: `volume` needs a pod with GPUs: leave it out, or set `gpu` instead of `cpu`
    vcpus: `vcpus` needs a pod without GPUs: use `min_vcpu_per_gpu`
    vcpus: `vcpus` must be a power of two, at least 2, not `6`
    max_price: `max_price` must be a price above 0, in US dollars an hour, such as `0.25`, not `0`
    min_cuda: `min_cuda` must be a CUDA version such as `"12.4"`, not `12`
    disk: `disk` must be a size in GB, 20 or more, not `0`
    volume: `volume` must be at least 10 GB, RunPod's minimum, not `5`
    volume.path: `volume.path` must be a directory of the pod, such as `"/workspace"`, not `data`
    network_volume: `volume` and `network_volume` are both set: keep one
    image: `image` must be a name without spaces, not an empty string
    data_centers[0]: `data_centers[0]` must be a name without spaces, not `EU RO`
    ports[0]: `ports[0]` must be a port such as `8888/http` or `22/tcp`, not `22`
    env.RUNPOD_API_KEY: the variable `RUNPOD_API_KEY` is reserved for gharun: choose another name
    env.GHARUN_TAGS: the variable `GHARUN_TAGS` is reserved for gharun: choose another name
    env: 48 variables are too many: RunPod allows 50, and gharun uses 3 of them; write at most 47
    endpoint: `endpoint` must be the URL of a server, such as `https://api.example.com/v1`, not `api.runpod.io`
    "#);
}

#[test]
fn a_misspelled_cloud_or_key_is_refused_with_what_can_be_written() {
    let read = |settings: Value| {
        serde_json::from_value::<RunPodConfig>(settings)
            .expect_err("it is misspelled")
            .to_string()
    };
    let cloud = read(json!({ "api_key": "k", "cloud": "secur" }));
    assert!(
        cloud.contains("expected one of `any`, `community`, `secure`"),
        "{cloud}"
    );
    let key = read(json!({ "api_key": "k", "gpus": 1 }));
    assert!(key.contains("unknown field `gpus`"), "{key}");
}

#[test]
fn the_key_goes_unencrypted_only_where_a_line_allows_it() {
    let mut table = json!({ "endpoint": "http://192.0.2.1/v2" });
    let error = config(table.clone()).check().expect_err("it is refused");
    assert_eq!(error.key(), Some("endpoint"));
    assert!(
        error.hints()[0].contains("`allow_plain_http = true`"),
        "{error:?}"
    );
    table["allow_plain_http"] = true.into();
    config(table).check().expect("it is allowed");
}

#[test]
fn disk_and_cuda_fit_the_image() {
    for (image, cuda) in [
        ("nvidia/cuda:12.8.0-runtime-ubuntu22.04", Some("12.8")),
        (
            "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404",
            Some("12.8"),
        ),
        (
            "runpod/pytorch:2.1.0-py3.10-cuda11.8.0-devel-ubuntu22.04",
            Some("11.8"),
        ),
        ("ghcr.io/octo/ci:cu130", Some("13.0")),
        (
            "pytorch/pytorch:2.8.0-cuda12.6-cudnn9-runtime",
            Some("12.6"),
        ),
        ("vllm/vllm-openai:latest", None),
        ("registry.example:5000/cuda", None),
        ("ghcr.io/octo/ci:cuda", None),
        ("ghcr.io/octo/curl:cu12", None),
    ] {
        let of = |settings: Value| config(settings);
        let gpu = of(json!({ "gpu": "A40", "image": image }));
        assert_eq!(gpu.min_cuda().as_deref(), cuda, "{image}");
        assert_eq!(gpu.disk(), 40, "{image}");
        let set = of(json!({ "gpu": "A40", "image": image, "min_cuda": "12.0", "disk": 25 }));
        assert_eq!((set.min_cuda().as_deref(), set.disk()), (Some("12.0"), 25));
        let cpu = of(json!({ "cpu": "cpu5c", "image": image }));
        assert_eq!((cpu.min_cuda(), cpu.disk()), (None, 20));
    }
    assert_eq!(config(json!({ "gpu": "A40" })).disk(), 20);
    let volume = json!({ "gpu": "A40", "network_volume": "vol", "cloud": "community" });
    let error = config(volume).check().expect_err("there is none");
    assert_eq!(error.key(), Some("network_volume"));
    assert!(error.to_string().contains("cloud = \"secure\""), "{error}");
}
