//! A network volume is in one data center, and so are the pods that have it.

use super::RunPod;
use super::config::RunPodConfig;
use crate::model::chain;
use crate::providers::{Error, ErrorKind, Result};

impl RunPod {
    /// The settings with the data center that the network volume is in. Where that cannot be found out now, RunPod
    /// chooses it itself.
    ///
    /// # Errors
    ///
    /// There is no such volume, or `data_centers` leaves its data center out.
    pub(super) async fn pinned(&self) -> Result<RunPodConfig> {
        let mut config = self.config.clone();
        let Some(volume) = &self.config.network_volume else {
            return Ok(config);
        };
        let id = volume.parts().0;
        let center = match self.api.center_of(id).await {
            Ok(center) => center,
            Err(error) if error.kind == ErrorKind::Config => {
                return Err(error.hinted(format!("`network_volume` is set to `{id}`")));
            }
            Err(error) => {
                tracing::debug!("{}", chain(&error));
                return Ok(config);
            }
        };
        if !config.data_centers.is_empty() && !config.data_centers.contains(&center) {
            let what = format!(
                "`data_centers` must include `{center}`, where the network volume `{id}` is"
            );
            return Err(Error::setting("data_centers", what)
                .hinted("remove `data_centers`: pods run where their network volume is"));
        }
        config.pinned = Some(center);
        Ok(config)
    }
}
