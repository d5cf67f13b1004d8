//! What an instance wrote on its console.

use base64::Engine as _;

use super::failure::{ApiError, ErrorClass};
use super::{Aws, region_of};
use crate::model::InstanceId;
use crate::providers::{Error, ErrorKind, Result};

/// How much of a console's output is told: EC2 keeps 64 KiB.
const LOG_BYTES: usize = 64 << 10;

impl Aws {
    /// The end of a console's output; `None` where there is none.
    pub(super) async fn console(&self, id: &InstanceId) -> Result<Option<String>> {
        let region = region_of(id)?;
        let client = self.clients.ec2(&region).await?;
        let ask = async |latest: bool| {
            let request = client.get_console_output().instance_id(&id.id);
            let answer = request.set_latest(latest.then_some(true)).send().await;
            let answer = answer.map(|answer| answer.output.unwrap_or_default());
            answer.map_err(|error| ApiError::of(&error).sent_with(self.clients.origin(&region)))
        };
        // Only running instances of the newer kind have the latest; of the others EC2 keeps what they said at their
        // start, and at their end.
        // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-console.html
        let answer = match ask(true).await {
            Err(said) if matches!(said.action(), ErrorClass::Setting(_)) => ask(false).await,
            Ok(output) if output.trim().is_empty() => ask(false).await,
            answer => answer,
        };
        let output = match answer {
            Ok(output) => output,
            Err(said) if said.action() == ErrorClass::Missing => return Ok(None),
            Err(said) => {
                let doing = format!("could not read the console of the instance `{}`", id.id);
                return Err(said.explain(doing, "ec2:GetConsoleOutput"));
            }
        };
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(output.split_whitespace().collect::<String>())
            .map_err(|error| {
                Error::new(
                    ErrorKind::Unexpected,
                    format!(
                        "the console output of the instance `{}` is not valid base64",
                        id.id
                    ),
                )
                .because(error)
            })?;
        let end = &bytes[bytes.len().saturating_sub(LOG_BYTES)..];
        let text = String::from_utf8_lossy(end).into_owned();
        Ok((!text.trim().is_empty()).then_some(text))
    }
}
