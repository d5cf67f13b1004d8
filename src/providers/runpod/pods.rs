//! Pods on the wire: what is asked of RunPod.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use tokio::time::Instant as Moment;

use super::catalog::{Catalog, Cpus, GpuCatalog};
use super::config::RunPodConfig;
use super::failure::explain;
use super::pod::Pod;
use super::request::CreatePod;
use super::tier::Tier;
use crate::http::{Answer, Bounds, Deadline, Endless, Rate, Retry, Tail, pages};
use crate::model::{Secret, digest};
use crate::providers::common::attempt::Attempt;
use crate::providers::common::rest::{CallFailure, Rest, RestCall};
use crate::providers::{Error, ErrorKind, Result};

/// How many pods are on a page, of 1000 at most: each is shown with its variables, and may be as large as
/// the body it was made of. <https://docs.runpod.io/api-reference-v2/pods/list-pods>
pub(super) const PAGE: u16 = 150;
/// How many digits a place has.
pub(super) const PLACE: usize = 6;
/// How long a catalog is good: stock is advice.
const FRESH: Duration = Duration::from_secs(30);
/// How many lines of a pod's log are asked for, of 5000 at most.
const LINES: &str = "1000";

/// How long anything may take at RunPod, and how fast it may go. A creation finds a machine before it is
/// answered; RunPod's own examples give it a minute. Quotas are by user, in the region of 60 requests a
/// minute.
pub(super) const BOUNDS: Bounds = Bounds {
    connect: Duration::from_secs(10),
    request: Duration::from_mins(1),
    operation: Duration::from_mins(3),
    retry: Retry {
        tries: 5,
        first: Duration::from_millis(500),
        cap: Duration::from_secs(10),
    },
    rate: Rate {
        burst: 16,
        every: Duration::from_secs(1),
        in_window: 50,
        window: Duration::from_mins(1),
        at_once: 8,
    },
};

/// RunPod's API, with a key.
#[derive(Debug)]
pub(super) struct RunPodApi {
    rest: Rest,
    key: Secret,
    /// What its references call the key's account. No request tells the account, so it is six digits of a digest of the
    /// key: with another key of the same account it is another place.
    pub(super) place: String,
    bounds: Bounds,
    /// How long it is worth waiting when RunPod wants to be left alone.
    pub(super) patience: Duration,
    /// How many pods are asked for at a time.
    pub(super) page: u16,
    listed: Attempt<Arc<Vec<Pod>>>,
    catalog: Attempt<Arc<Catalog>>,
    volume: Attempt<String>,
}

/// A network volume, as much of it as is of use.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Volume {
    data_center: String,
}

#[derive(Deserialize)]
struct PodsPage {
    pods: Vec<Pod>,
    pagination: Option<Pagination>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pagination {
    has_next_page: Option<bool>,
    next_cursor: Option<String>,
}

impl Pagination {
    /// Where the next page is; `None` after the last. What is left unsaid must not hide pods.
    ///
    /// # Errors
    ///
    /// There is one, and nobody says where.
    pub(super) fn next(self) -> Result<Option<String>, &'static str> {
        let cursor = self.next_cursor.filter(|cursor| !cursor.is_empty());
        let more = self.has_next_page.unwrap_or(cursor.is_some());
        match cursor {
            _ if !more => Ok(None),
            Some(cursor) => Ok(Some(cursor)),
            None => Err("RunPod announced another page of the list, without its address"),
        }
    }
}

impl RunPodApi {
    pub(super) fn new(endpoint: url::Url, key: Secret, bounds: Bounds) -> Result<Self> {
        let mut place = digest::sha256(format!("runpod:{}", key.expose()));
        place.truncate(PLACE);
        Ok(Self {
            rest: Rest::new(endpoint, bounds)?,
            place,
            key,
            bounds,
            page: PAGE,
            patience: Duration::from_secs(10),
            listed: Attempt::default(),
            catalog: Attempt::default(),
            volume: Attempt::default(),
        })
    }

    /// The address that pods use, too.
    pub(super) fn base(&self) -> &str {
        self.rest.base().as_str()
    }

    /// The same, taken apart.
    pub(super) fn url(&self) -> &url::Url {
        self.rest.base()
    }

    /// The term of an operation that begins now.
    pub(super) fn term(&self) -> Deadline {
        Deadline::new(self.bounds.operation, Moment::now() + self.patience)
    }

    fn call(&self, method: Method, path: &[&str]) -> RestCall<'_> {
        // An answer about pods holds their variables, and the boot script is one of them.
        self.rest.call(method, path).bearer(&self.key).secret()
    }

    /// Creates a pod.
    pub(super) async fn create(&self, body: &CreatePod) -> Result<Pod, CallFailure> {
        let call = self.call(Method::POST, &["pods"]).json(body);
        call.fetch(&self.term()).await
    }

    /// Lists all pods of the account, ours and others, each once.
    pub(super) async fn pods(&self) -> Result<Vec<Pod>> {
        let doing = || format!("could not list the pods at {}", self.base());
        let term = self.term();
        let read = async |cursor: &Option<String>| {
            let limit = self.page.to_string();
            let mut call = self.call(Method::GET, &["pods"]).query("limit", &limit);
            if let Some(cursor) = cursor {
                call = call.query("cursor", cursor);
            }
            let page: PodsPage = call
                .fetch(&term)
                .await
                .map_err(|failure| explain(failure, doing()))?;
            let next = page.pagination.map_or(Ok(None), Pagination::next);
            match next.map_err(|why| Error::new(ErrorKind::Unexpected, doing()).because(why))? {
                None => Ok((page.pods, None)),
                next => Ok((page.pods, Some(next))),
            }
        };
        let endless = |endless: Endless| {
            Error::new(ErrorKind::Unexpected, doing()).because(endless.to_string())
        };
        let all = pages(None, read, endless).await?;
        // While pages are read pods come and go, and one may be on two of them.
        let mut seen = BTreeSet::new();
        let mut all: Vec<Pod> = all.into_iter().flatten().collect();
        all.retain(|pod| seen.insert(pod.id.clone()));
        Ok(all)
    }

    /// The same for many who ask at once: a list that was begun at `since` or later.
    pub(super) async fn pods_since(&self, since: Moment) -> Result<Arc<Vec<Pod>>> {
        self.listed
            .since(since, async || self.pods().await.map(Arc::new))
            .await
    }

    /// Looks at a pod whether there is room or not, before it is deleted; `None` when RunPod itself says that
    /// it does not have it.
    pub(super) async fn pod_at_once(&self, id: &str) -> Result<Option<Pod>, CallFailure> {
        let call = self.call(Method::GET, &["pods", id]);
        let answer = call.send_at_once(&self.term()).await;
        known(answer.and_then(|answer| call.read(&answer)))
    }

    /// Deletes a pod, whether there is room or not; `false` when RunPod itself says that it does not have
    /// it.
    pub(super) async fn delete(&self, id: &str) -> Result<bool, CallFailure> {
        let call = self.call(Method::DELETE, &["pods", id]);
        match call.send_at_once(&self.term()).await {
            Ok(_) => Ok(true),
            Err(failure) if is_missing(&failure) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Reads what a pod has said, as the stream of events that it is.
    pub(super) async fn said(&self, id: &str, tail: Tail) -> Result<Answer, CallFailure> {
        let call = self
            .call(Method::GET, &["pods", id, "logs"])
            .query("tail", LINES);
        let answer = self.rest.client().tail(call.request(), tail).await?;
        if answer.status.is_success() {
            Ok(answer)
        } else {
            Err(answer.refused().into())
        }
    }

    /// Reads prices and stock for what is asked for, of some clouds.
    pub(super) async fn read_catalog(
        &self,
        config: &RunPodConfig,
        clouds: &[Tier],
    ) -> Result<Catalog> {
        let doing = || format!("could not read RunPod's catalog at {}", self.base());
        let mut catalog = Catalog::default();
        let begin = |kind: &str| {
            self.rest
                .call(Method::GET, &["catalog", kind])
                .bearer(&self.key)
                .query("include", "AVAILABILITY")
                .query("product", "POD")
        };
        if config.cpu.is_some() {
            let call = begin("cpus").query("vcpuCount", &config.vcpus().to_string());
            let cpus: Cpus = call
                .fetch(&self.term())
                .await
                .map_err(|failure| explain(failure, doing()))?;
            catalog.add_cpus(cpus);
            return Ok(catalog);
        }
        for cloud in clouds {
            let mut call = begin("gpus")
                .query("count", &config.count().to_string())
                .query("cloud", cloud.word());
            if let Some(version) = config.min_cuda() {
                call = call.query("minCudaVersion", &version);
            }
            let gpus: GpuCatalog = call
                .fetch(&self.term())
                .await
                .map_err(|failure| explain(failure, doing()))?;
            catalog.add_gpus(*cloud, gpus);
        }
        Ok(catalog)
    }

    /// The data center of a network volume; read once, since it never changes.
    pub(super) async fn center_of(&self, id: &str) -> Result<String> {
        let read = async || {
            let call = self.call(Method::GET, &["network-volumes", id]);
            let volume: Result<Volume, CallFailure> = call.fetch(&self.term()).await;
            volume.map(|volume| volume.data_center).map_err(|failure| {
                let doing = format!("could not look up the network volume `{id}`");
                if !is_missing(&failure) {
                    return explain(failure, doing);
                }
                let error = failure.meaning(ErrorKind::Config).explain(doing);
                error.about("network_volume").hinted(
                    "set `network_volume` to the ID of a volume of this account: https://console.runpod.io/user/storage lists them",
                )
            })
        };
        self.volume.get(read).await
    }

    /// The catalog for what the settings ask for, read a moment ago at most.
    pub(super) async fn catalog(&self, config: &RunPodConfig) -> Result<Arc<Catalog>> {
        let now = Moment::now();
        let since = now.checked_sub(FRESH).unwrap_or(now);
        let clouds = Tier::of(config);
        self.catalog
            .since(since, async || {
                self.read_catalog(config, clouds).await.map(Arc::new)
            })
            .await
    }
}

/// A pod that is there; `None` where RunPod itself says that it is not.
fn known(answer: Result<Pod, CallFailure>) -> Result<Option<Pod>, CallFailure> {
    match answer {
        Ok(pod) => Ok(Some(pod).filter(|pod| !pod.is_gone())),
        Err(failure) if is_missing(&failure) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Whether RunPod itself says that there is no such thing: whoever else answers 404 knows nothing of pods,
/// and what he does not know is not gone.
pub(super) fn is_missing(failure: &CallFailure) -> bool {
    failure.status() == Some(404)
        && failure
            .body()
            .is_some_and(|body| body["status"] == 404 && body["detail"].is_string())
}
