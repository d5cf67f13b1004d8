//! What can be checked of the settings without asking anybody.

use url::Url;

use super::super::request::{OURS, THEIRS};
use super::{Config, Volume};
use crate::providers::common::rest::address;
use crate::providers::{EnvName, Error, Names, Result};

/// How many variables a pod may have.
const VARIABLES: usize = 50;
/// The smallest host-local volume, in GB.
const LEAST_VOLUME: u32 = 10;

impl Config {
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
                Error::setting("api_key", "`api_key` is empty, or no API key of RunPod")
                    .hinted("make one at https://console.runpod.io/user/settings"),
            );
        }
        self.check_machine()?;
        self.check_storage()?;
        self.check_words()?;
        self.check_env()?;
        let mut url = address("endpoint", &self.endpoint)?;
        if matches!(url.path(), "" | "/") {
            url.set_path("/v2");
        }
        Ok(url)
    }

    fn check_machine(&self) -> Result<()> {
        if self.gpu.is_some() && self.cpu.is_some() {
            return Err(Error::setting(
                "cpu",
                "a pod has GPUs or is without: write `gpu` or `cpu`, not both",
            ));
        }
        for (key, names) in [("gpu", &self.gpu), ("cpu", &self.cpu)] {
            let names = names.as_ref().map(Names::all);
            if names.is_some_and(|names| {
                names.is_empty() || names.iter().any(|name| name.trim().is_empty())
            }) {
                return Err(Error::setting(
                    key,
                    format!(
                        "`{key}` holds an empty name: write one as `gharun providers offers runpod` shows it"
                    ),
                ));
            }
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
                    "`{key}` is for pods with GPUs: leave it out, or write `gpu` in the place of `cpu`"
                ),
            ));
        }
        if self.vcpus.is_some() && self.gpu.is_some() {
            return Err(Error::setting(
                "vcpus",
                "`vcpus` is for pods without GPU: write `min_vcpu_per_gpu`",
            ));
        }
        for (key, number) in [
            ("gpu_count", self.gpu_count),
            ("min_ram_per_gpu", self.min_ram_per_gpu),
            ("min_vcpu_per_gpu", self.min_vcpu_per_gpu),
        ] {
            if number == Some(0) {
                return Err(Error::setting(
                    key,
                    format!("0 is no `{key}`: write 1 or more"),
                ));
            }
        }
        if self.vcpus.is_some_and(|n| n < 2 || !n.is_power_of_two()) {
            return Err(Error::setting(
                "vcpus",
                format!(
                    "{} is no number of virtual CPUs: write a power of two from 2",
                    self.vcpus()
                ),
            ));
        }
        if self
            .max_price
            .is_some_and(|price| !price.is_finite() || price <= 0.0)
        {
            return Err(Error::setting(
                "max_price",
                "a price is more than nothing: write US dollars an hour, as in `0.8`",
            ));
        }
        if let Some(version) = &self.min_cuda
            && !is_version(version)
        {
            return Err(Error::setting(
                "min_cuda",
                format!("`{version}` is no CUDA version: write one as in `\"12.4\"`"),
            ));
        }
        Ok(())
    }

    fn check_storage(&self) -> Result<()> {
        if self.disk == 0 {
            return Err(Error::setting(
                "disk",
                "a container needs a disk: write its size in GB, 20 or more",
            ));
        }
        if self.volume.is_some() && self.network_volume.is_some() {
            return Err(Error::setting(
                "network_volume",
                "a pod has one volume: write `volume` or `network_volume`, not both",
            ));
        }
        if let Some((size, _)) = self.volume.as_ref().map(Volume::parts)
            && size < LEAST_VOLUME
        {
            return Err(Error::setting(
                "volume",
                format!("{size} GB are less than RunPod's least: write {LEAST_VOLUME} or more"),
            ));
        }
        let paths = [
            ("volume", self.volume.as_ref().map(|v| v.parts().1)),
            (
                "network_volume",
                self.network_volume.as_ref().map(|v| v.parts().1),
            ),
        ];
        for (key, path) in paths {
            if path.is_some_and(|path| !path.starts_with('/') || path.len() < 2) {
                return Err(Error::setting(
                    key,
                    "its `path` is no folder of the pod: write one as in `\"/workspace\"`",
                ));
            }
        }
        Ok(())
    }

    fn check_words(&self) -> Result<()> {
        let volume = self.network_volume.as_ref().map(|v| v.parts().0);
        let mut words = vec![
            ("image", Some(self.image.as_str())),
            ("registry", self.registry.as_deref()),
            ("network_volume", volume),
        ];
        words.extend(
            self.data_centers
                .iter()
                .map(|name| ("data_centers", Some(name.as_str()))),
        );
        for (key, word) in words {
            if word.is_some_and(|word| word.is_empty() || word.contains(char::is_whitespace)) {
                return Err(Error::setting(
                    key,
                    format!("`{key}` is empty or has a blank in it: write a name, or leave it out"),
                ));
            }
        }
        for port in &self.ports {
            let fine = port.split_once('/').is_some_and(|(number, kind)| {
                number.parse::<u16>().is_ok_and(|number| number > 0)
                    && matches!(kind, "http" | "tcp")
            });
            if !fine {
                return Err(Error::setting(
                    "ports",
                    format!("`{port}` is no port: write `8888/http` or `22/tcp`"),
                ));
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
                    format!("gharun needs the variable `{name}` itself: choose another name"),
                ));
            }
        }
        let most = VARIABLES - OURS.len();
        if self.env.len() > most {
            return Err(Error::setting(
                "env",
                format!(
                    "{} variables are too many: RunPod takes {VARIABLES}, and {} are gharun's own. Write at most {most}",
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
