//! From an order to an instance, once for each name.

use std::cell::RefCell;
use std::time::Duration;

use aws_sdk_ec2::config::http::HttpResponse;
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::timeout::TimeoutConfig;
use aws_sdk_ec2::error::SdkError;
use aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder;
use aws_sdk_ec2::operation::run_instances::{RunInstancesError, RunInstancesOutput};
use aws_sdk_ec2::types::Filter;
use base64::Engine as _;
use tokio::time::{Instant as Moment, sleep};

use super::Aws;
use super::candidates::{self, Candidate, PurchaseOption, candidates, none_launched};
use super::failure::{ApiError, Delivery, ErrorClass, QuotaOf};
use super::machine::{is_gone, judged, machine};
use super::pace::Paced;
use super::quota::{self, UsedUp};
use super::{places, request};
use crate::model::{Instance, Order, Price, lock};
use crate::poll::{Backoff, Pace, chance, until};
use crate::providers::common::candidates::{Tried, try_all};
use crate::providers::common::pack::{check_size, pack};
use crate::providers::{Error, ErrorKind, Result};

/// The most user data that EC2 takes, before its base64.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html>
const MOST: usize = 16 * 1024;

/// How often the same request is sent when nobody knows what became of it.
const TRIES: u32 = 4;
/// How often a request is sent that came too fast: `RequestLimitExceeded` ends within seconds.
const SLOWER: u32 = 6;
/// How long an answer to a launch is awaited.
const ANSWER: Duration = Duration::from_secs(20);
/// How long a name is looked for whose launch was made by somebody else, or with other settings.
const SHOWN: Pace = Pace {
    every: Duration::from_secs(1),
    at_most: Duration::from_secs(10),
};

impl Aws {
    /// Tries all candidates in order, and again while there is time and none has room.
    pub(super) async fn order(&self, order: &Order) -> Result<Instance> {
        self.clients.encrypted().await?;
        let regions = self.clients.regions().await?;
        let candidates = candidates(&self.config, &regions);
        if candidates.is_empty() {
            return Err(Error::setting(
                "subnets",
                "none of the `subnets` is in a region where machines are launched",
            ));
        }
        let data = user_data(order.boot.expose())?;
        lock(&self.memory).ordered.insert(order.name.clone());
        let end = Moment::now() + self.wait;
        let mut pause = Backoff::new(Duration::from_secs(5), Duration::from_mins(1));
        for round in 0.. {
            let (open, mut full) = self.open(&candidates, round)?;
            let used_up = RefCell::new(Vec::<UsedUp>::new());
            let is_allowed = |candidate: &&&Candidate| {
                let used_up = used_up.borrow();
                !used_up.iter().any(|quota| quota.holds(candidate))
            };
            let attempt = async |candidate: &&Candidate| {
                Box::pin(self.attempt(order, candidate, round, &data, &used_up)).await
            };
            match try_all(open.iter().filter(is_allowed), attempt).await? {
                Ok(instance) => return Ok(*instance),
                Err(more) => full.extend(more),
            }
            let pause = pause.next(chance());
            if Moment::now() + pause > end {
                let is_quota = full.len() == used_up.borrow().len();
                let what = if is_quota {
                    "the quotas of the AWS account are used up".to_owned()
                } else {
                    format!("none of {} candidates could be launched", candidates.len())
                };
                return Err(none_launched(&candidates, full, what));
            }
            sleep(pause).await;
        }
        unreachable!("the rounds end by their time")
    }

    /// The candidates to try, and why the others are not: what took an order and did not start it is tried again only
    /// after a pause.
    ///
    /// # Errors
    ///
    /// What is wrong with every order, as an earlier one has shown.
    fn open<'a>(
        &self,
        candidates: &'a [Candidate],
        round: u32,
    ) -> Result<(Vec<&'a Candidate>, Vec<Error>)> {
        let memory = lock(&self.memory);
        if let Some(wrong) = memory.wanting.wrong() {
            return Err(wrong.clone());
        }
        let (mut open, mut full) = (Vec::new(), Vec::new());
        for candidate in candidates {
            match memory.wanting.lacks(candidate).filter(|_| round == 0) {
                None => open.push(candidate),
                Some(why) => full.push(why.clone()),
            }
        }
        Ok((open, full))
    }

    /// Tries one candidate. A quota that refuses it is added to those that are used up.
    async fn attempt(
        &self,
        order: &Order,
        candidate: &Candidate,
        round: u32,
        data: &str,
        used_up: &RefCell<Vec<UsedUp>>,
    ) -> Result<Tried<Box<Instance>>> {
        let chosen = match self
            .images
            .choose(&self.clients, &self.config, candidate)
            .await
        {
            Ok(chosen) => chosen,
            Err(error) if error.kind == ErrorKind::NoCapacity => return Ok(Tried::Next(error)),
            Err(error) => return Err(error),
        };
        let client = self.clients.ec2(&candidate.region).await?;
        let tags = request::tags(&self.config, Some(order));
        let request = request::run_instances(&client, &self.config, candidate, &chosen, &tags)
            .client_token(candidate.token(&order.name, round))
            .user_data(data);
        match Box::pin(self.send(order, candidate, request)).await? {
            Sent::Tried(tried) => Ok(tried),
            Sent::OverQuota(of, error) => {
                let quota = UsedUp::by(candidate, &chosen.kind, of);
                used_up.borrow_mut().push(quota);
                let error = match of {
                    QuotaOf::Machines => error.hinted(quota::advice(candidate, &chosen.kind)),
                    QuotaOf::Region => error,
                };
                Ok(Tried::Next(error))
            }
        }
    }

    /// Sends the same request until it is clear what became of it: its token sees to it that there is
    /// never more than one instance.
    async fn send(
        &self,
        order: &Order,
        candidate: &Candidate,
        request: RunInstancesFluentBuilder,
    ) -> Result<Sent> {
        let doing = || format!("could not launch `{}` ({candidate})", order.name);
        let mut pause = Backoff::new(Duration::from_millis(500), Duration::from_secs(8));
        let (mut tries, mut slower) = (0, 0);
        // Set once an attempt may have been carried out: from then on a refusal proves nothing.
        let mut unsure: Option<Error> = None;
        loop {
            let turn = self.pacer.turn(Paced::Launch, &candidate.region).await;
            let said = match once(request.clone()).await {
                Ok(made) => {
                    turn.taken();
                    let instance = self.understood(made, candidate, &doing()).await?;
                    return Ok(Sent::Tried(Tried::Made(Box::new(instance))));
                }
                Err(error) => {
                    ApiError::of(&error).sent_with(self.clients.origin(&candidate.region))
                }
            };
            turn.answered(&said);
            let doing = match said.action() {
                // Told beside others, of which each is one line.
                ErrorClass::Next | ErrorClass::Quota(_) if unsure.is_none() => {
                    candidate.to_string()
                }
                _ => doing(),
            };
            let error = said.explain(doing, "ec2:RunInstances");
            match (said.action(), said.delivery) {
                (ErrorClass::LookForName, _) => {
                    return match self.look_for(order, candidate).await {
                        Some(instance) => Ok(Sent::Tried(Tried::Made(Box::new(instance)))),
                        None => Err(ambiguous(error, unsure)),
                    };
                }
                (ErrorClass::Slower, _) if slower + 1 < SLOWER => slower += 1,
                (ErrorClass::Again, Delivery::Unsent) if tries + 1 < TRIES => tries += 1,
                (ErrorClass::Again, Delivery::Unsent) if unsure.is_none() => return Err(error),
                (ErrorClass::Again, _) => {
                    tries += 1;
                    if tries >= TRIES {
                        return Err(ambiguous(error, unsure));
                    }
                    unsure = Some(error);
                }
                (ErrorClass::Next, _) if unsure.is_none() => {
                    return Ok(Sent::Tried(Tried::Next(error)));
                }
                (ErrorClass::Quota(of), _) if unsure.is_none() => {
                    return Ok(Sent::OverQuota(of, error));
                }
                _ if unsure.is_none() => return Err(error),
                _ => return Err(ambiguous(error, unsure)),
            }
            sleep(pause.next(chance())).await;
        }
    }

    /// The instance that AWS says it has made.
    async fn understood(
        &self,
        made: RunInstancesOutput,
        candidate: &Candidate,
        doing: &str,
    ) -> Result<Instance> {
        let failed = |kind, why: &str| Error::new(kind, doing).because(why);
        let region = &candidate.region;
        let found = made.instances.unwrap_or_default().into_iter().next();
        let found =
            found.ok_or_else(|| failed(ErrorKind::Ambiguous, "AWS did not return an instance"))?;
        let account = if let Some(account) = made.owner_id {
            lock(&self.memory).owner = Some(account.clone());
            account
        } else {
            let asked = self.account(region).await;
            asked.map_err(|error| {
                failed(ErrorKind::Ambiguous, "its account is not known").because(error)
            })?
        };
        let mut instance = machine(&places::place(region, &account), &found).ok_or_else(|| {
            if is_gone(&found) {
                failed(ErrorKind::Unavailable, "it was terminated in the meantime")
            } else {
                failed(ErrorKind::Ambiguous, "the answer has no tags")
            }
        })?;
        let shown = found.client_token.as_deref().unwrap_or_default();
        if !candidates::may_be_token(shown, Some(&instance.tags.name)) {
            tracing::debug!(
                "EC2 shows the token `{shown}` for `{}`, and not the one that was sent",
                instance.id
            );
        }
        // A request for spot says it before EC2 does.
        instance.rental.market = Some(candidate.bought.word().to_owned());
        instance.rental.price = self.price(candidate).map(Price::limit);
        self.launched(&instance.id, candidate);
        Ok(instance)
    }

    /// Looks for an instance of the order's name, and takes it if it is the order's.
    async fn look_for(&self, order: &Order, candidate: &Candidate) -> Option<Instance> {
        let look = async || {
            let filter = Filter::builder()
                .name("tag:gharun-name")
                .values(order.name.as_str());
            // A listing that fails shows nothing, and the next look may.
            let found = self
                .instances(&candidate.region, filter.build())
                .await
                .ok()?;
            let account = self.account(&candidate.region).await.ok()?;
            let place = places::place(&candidate.region, &account);
            let server = self.clients.server().await.ok()?;
            let memory = lock(&self.memory);
            let known = memory.known(server);
            let judged = found
                .iter()
                .filter_map(|found| judged(&place, found, known));
            let mut machines = judged.filter_map(Result::ok);
            machines.find(|machine| order.owns(&machine.tags))
        };
        let instance = until(SHOWN, look).await?;
        self.launched(&instance.id, candidate);
        Some(instance)
    }

    /// What is known of the price: EC2 tells none, and a spot machine costs no more than it may.
    fn price(&self, candidate: &Candidate) -> Option<f64> {
        self.config
            .max_price
            .filter(|_| candidate.bought == PurchaseOption::Spot)
    }
}

/// What came of a request.
enum Sent {
    /// It was made, or there is no room for it.
    Tried(Tried<Box<Instance>>),
    /// A quota of the account refuses it, and all that is counted with it.
    OverQuota(QuotaOf, Error),
}

/// Sends a launch once: the SDK would repeat a lack of room, which EC2 answers with 500.
async fn once(
    request: RunInstancesFluentBuilder,
) -> std::result::Result<RunInstancesOutput, SdkError<RunInstancesError, HttpResponse>> {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(ANSWER)
        .operation_timeout(ANSWER)
        .build();
    let settings = aws_sdk_ec2::config::Builder::new()
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts);
    request.customize().config_override(settings).send().await
}

fn ambiguous(error: Error, first: Option<Error>) -> Error {
    let message = format!("{error}; it may have been created");
    Error::new(ErrorKind::Ambiguous, message).because_each(first.into_iter().chain([error]))
}

/// The boot script as user data: gzip, which cloud-init unpacks, in base64.
pub(super) fn user_data(script: &str) -> Result<String> {
    let packed = pack(script)?;
    check_size("EC2", "the boot script", packed.len(), MOST)?;
    Ok(base64::engine::general_purpose::STANDARD.encode(packed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_is_too_big_is_refused_before_anything_is_asked() {
        let noise = crate::model::random(40_000);
        let error = user_data(&noise).expect_err("more than 16 KiB of noise");
        assert_eq!(
            (error.kind, error.key()),
            (ErrorKind::Config, Some("setup"))
        );
    }
}
