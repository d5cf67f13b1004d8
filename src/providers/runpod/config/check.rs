//! What can be checked of the settings without asking anybody.

use url::Url;

use super::super::request::{OURS, THEIRS};
use super::{Cloud, PodVolume, RunPodConfig};
use crate::providers::common::rest::{address, encrypted};
use crate::providers::common::words::{PRICE, check_word};
use crate::providers::schema::backticked;
use crate::providers::{EnvName, Error, OneOrMany, Result};

/// How many variables a pod may have.
const VARIABLES: usize = 50;
/// The smallest host-local volume, in GB.
const LEAST_VOLUME: u32 = 10;

impl RunPodConfig {
    /// Checks what can be checked without asking anybody, and tells the API's address.
    ///
    /// That neither `gpu` nor `cpu` is set is no fault yet: the account can be searched and swept.
    ///
    /// # Errors
    ///
    /// A value that cannot be meant is a `Config` error that names the key and what to write.
    pub(in crate::providers::runpod) fn check(&self) -> Result<Url> {
        let key = self.api_key.expose();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(
                Error::setting("api_key", "`api_key` must be a RunPod API key")
                    .hinted("create one at https://console.runpod.io/user/settings"),
            );
        }
        self.check_machine()?;
        self.check_storage()?;
        self.check_words()?;
        self.check_env()?;
        let mut url = address("endpoint", &self.endpoint)?;
        if !self.allow_plain_http {
            encrypted("endpoint", &url)?;
        }
        if matches!(url.path(), "" | "/") {
            url.set_path("/v2");
        }
        Ok(url)
    }

    fn check_machine(&self) -> Result<()> {
        if self.gpu.is_some() && self.cpu.is_some() {
            return Err(Error::setting(
                "cpu",
                "`gpu` and `cpu` are both set: keep one",
            ));
        }
        for (key, names) in [("gpu", &self.gpu), ("cpu", &self.cpu)] {
            let names = names.as_ref().map(OneOrMany::all);
            let found = match names {
                Some([]) => "an empty array",
                Some([name]) if name.trim().is_empty() => "an empty name",
                Some(names) if names.iter().any(|name| name.trim().is_empty()) => {
                    "an array with an empty name"
                }
                _ => continue,
            };
            let expected = "a name or an array of names";
            let error = Error::unfit(key, expected, found);
            return Err(error.hinted("list what is available with `gharun providers offers`"));
        }
        let of_gpus = [
            ("gpu_count", self.gpu_count.is_some()),
            ("min_cuda", self.min_cuda.is_some()),
            ("min_ram_per_gpu", self.min_ram_per_gpu.is_some()),
            ("min_vcpu_per_gpu", self.min_vcpu_per_gpu.is_some()),
            ("volume", self.volume.is_some()),
        ];
        if self.cpu.is_some()
            && let Some((key, _)) = of_gpus.into_iter().find(|(_, set)| *set)
        {
            return Err(Error::setting(
                key,
                format!(
                    "`{key}` needs a pod with GPUs: leave it out, or set `gpu` instead of `cpu`"
                ),
            ));
        }
        if self.vcpus.is_some() && self.gpu.is_some() {
            return Err(Error::setting(
                "vcpus",
                "`vcpus` needs a pod without GPUs: use `min_vcpu_per_gpu`",
            ));
        }
        self.check_numbers()
    }

    fn check_numbers(&self) -> Result<()> {
        for (key, number) in [
            ("gpu_count", self.gpu_count),
            ("min_ram_per_gpu", self.min_ram_per_gpu),
            ("min_vcpu_per_gpu", self.min_vcpu_per_gpu),
        ] {
            if number == Some(0) {
                return Err(Error::unfit(key, "at least 1", "`0`"));
            }
        }
        if let Some(count) = self.vcpus.filter(|n| *n < 2 || !n.is_power_of_two()) {
            let expected = "a power of two, at least 2";
            return Err(Error::unfit("vcpus", expected, format!("`{count}`")));
        }
        let odd = |price: &f64| !price.is_finite() || *price <= 0.0;
        if let Some(price) = self.max_price.filter(odd) {
            return Err(Error::unfit("max_price", PRICE, format!("`{price}`")));
        }
        if let Some(version) = &self.min_cuda
            && !is_version(version)
        {
            let expected = "a CUDA version such as `\"12.4\"`";
            return Err(Error::unfit("min_cuda", expected, backticked(version)));
        }
        Ok(())
    }

    fn check_storage(&self) -> Result<()> {
        if self.disk == Some(0) {
            let expected = "a size in GB, 20 or more";
            return Err(Error::unfit("disk", expected, "`0`"));
        }
        if self.volume.is_some() && self.network_volume.is_some() {
            return Err(Error::setting(
                "network_volume",
                "`volume` and `network_volume` are both set: keep one",
            ));
        }
        if self.network_volume.is_some() && self.cloud == Cloud::Community {
            return Err(Error::setting(
                "network_volume",
                "`network_volume` needs `cloud = \"secure\"`: the community cloud has no network volumes",
            ));
        }
        if let Some((size, _)) = self.volume.as_ref().map(PodVolume::parts)
            && size < LEAST_VOLUME
        {
            let expected = format!("at least {LEAST_VOLUME} GB, RunPod's minimum");
            return Err(Error::unfit("volume", &expected, format!("`{size}`")));
        }
        let paths = [
            ("volume", self.volume.as_ref().map(|v| v.parts().1)),
            (
                "network_volume",
                self.network_volume.as_ref().map(|v| v.parts().1),
            ),
        ];
        for (key, path) in paths {
            if let Some(path) = path.filter(|path| !path.starts_with('/') || path.len() < 2) {
                let expected = "a directory of the pod, such as `\"/workspace\"`";
                let key = format!("{key}.path");
                return Err(Error::unfit(key, expected, backticked(path)));
            }
        }
        Ok(())
    }

    fn check_words(&self) -> Result<()> {
        let volume = self.network_volume.as_ref().map(|v| v.parts().0);
        check_word("image", Some(&self.image))?;
        check_word("registry", self.registry.as_deref())?;
        check_word("network_volume", volume)?;
        for (number, name) in self.data_centers.iter().enumerate() {
            check_word(&format!("data_centers[{number}]"), Some(name))?;
        }
        for (number, port) in self.ports.iter().enumerate() {
            let fine = port.split_once('/').is_some_and(|(number, kind)| {
                number.parse::<u16>().is_ok_and(|number| number > 0)
                    && matches!(kind, "http" | "tcp")
            });
            if !fine {
                let (key, expected) = (
                    format!("ports[{number}]"),
                    "a port such as `8888/http` or `22/tcp`",
                );
                return Err(Error::unfit(key, expected, backticked(port)));
            }
        }
        Ok(())
    }

    fn check_env(&self) -> Result<()> {
        for name in self.env.keys().map(EnvName::as_str) {
            // Values for RunPod's own are overridden by it, and with another key no pod could end itself.
            if OURS.contains(&name) || name.starts_with(THEIRS) {
                return Err(Error::setting(
                    format!("env.{name}"),
                    format!("the variable `{name}` is reserved for gharun: choose another name"),
                ));
            }
        }
        let most = VARIABLES - OURS.len();
        if self.env.len() > most {
            return Err(Error::setting(
                "env",
                format!(
                    "{} variables are too many: RunPod allows {VARIABLES}, and gharun uses {} of \
                     them; write at most {most}",
                    self.env.len(),
                    OURS.len()
                ),
            ));
        }
        Ok(())
    }
}

/// Whether a text is `major.minor`.
fn is_version(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    text.split_once('.')
        .is_some_and(|(major, minor)| digits(major) && digits(minor))
}
