//! Whether a pod is as large as its table asks for.
//!
//! RunPod documents `minVcpuCountPerGpu` and `minRamPerGpu` as filters on the host that it places a pod on, and tells what
//! the pod got in all as `gpu.vcpuCount` and `gpu.memory` (<https://docs.runpod.io/api-reference-v2/pods/create-a-pod>). So
//! RunPod keeps them, and a smaller number is its own contradiction: the user is warned, and the pod stays. Ending it
//! would cost a start for what may be a rounded number, and a pod that is too small costs no more than one that is not.

use super::RunPod;
use super::config::RunPodConfig;
use super::pod::Pod;

impl RunPod {
    /// Warns once where RunPod tells that a pod is smaller than the table asks for.
    pub(super) fn warn_of_size(&self, pod: &Pod) {
        for short in shortages(&self.config, pod) {
            self.said.warn(format!("the pod `{}` has {short}", pod.id));
        }
    }
}

/// What a pod has less of than settings ask for, in words.
fn shortages(config: &RunPodConfig, pod: &Pod) -> Vec<String> {
    let count = match config.cpu {
        Some(_) => 1,
        None => config.count(),
    };
    let of_all = match count {
        1 => String::new(),
        count => format!(" for {count} GPUs"),
    };
    let (key, vcpus) = match config.cpu {
        Some(_) => ("vcpus", Some(config.vcpus())),
        None => ("min_vcpu_per_gpu", config.min_vcpu_per_gpu),
    };
    let mut short = Vec::new();
    if let (Some(has), Some(least)) = (pod.vcpus, vcpus)
        && has < u64::from(least) * u64::from(count)
    {
        short.push(format!(
            "{has} vCPUs{of_all}, fewer than `{key} = {least}` asks for"
        ));
    }
    if let (Some(has), Some(least)) = (pod.memory, config.min_ram_per_gpu)
        && has < f64::from(least) * f64::from(count)
    {
        short.push(format!(
            "{has} GB of memory{of_all}, less than `min_ram_per_gpu = {least}` asks for"
        ));
    }
    short
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(settings: serde_json::Value, pod: serde_json::Value) -> Vec<String> {
        let mut settings = settings;
        settings["api_key"] = json!("rpa_x");
        let config: RunPodConfig = serde_json::from_value(settings).expect("settings");
        let pod: Pod = serde_json::from_value(pod).expect("a pod");
        shortages(&config, &pod)
    }

    #[test]
    fn a_pod_that_is_smaller_than_its_table_asks_for_is_told() {
        let gpus = |count: u32, vcpus: u32, memory: u32| json!({ "id": "p", "gpu": { "id": "NVIDIA L40S", "count": count, "vcpuCount": vcpus, "memory": memory } });
        let settings = |count: u32| json!({ "gpu": "L40S", "gpu_count": count, "min_vcpu_per_gpu": 8, "min_ram_per_gpu": 32 });
        assert_eq!(told(settings(1), gpus(1, 8, 32)), [""; 0]);
        assert_eq!(
            told(settings(2), gpus(2, 8, 62)),
            [
                "8 vCPUs for 2 GPUs, fewer than `min_vcpu_per_gpu = 8` asks for",
                "62 GB of memory for 2 GPUs, less than `min_ram_per_gpu = 32` asks for",
            ]
        );
        // What is not told, and what nobody asks for, is not too little.
        assert_eq!(told(settings(2), gpus(2, 0, 0)), [""; 0]);
        assert_eq!(told(settings(1), json!({ "id": "p" })), [""; 0]);
        assert_eq!(told(json!({ "gpu": "L40S" }), gpus(1, 1, 1)), [""; 0]);
        let cpu = json!({ "id": "p", "cpu": { "id": "cpu5c", "vcpuCount": 2, "memory": 4 } });
        assert_eq!(
            told(json!({ "cpu": "cpu5c", "vcpus": 4 }), cpu),
            ["2 vCPUs, fewer than `vcpus = 4` asks for"]
        );
    }
}
