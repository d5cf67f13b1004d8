//! A container as a machine.

use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum, ContainerSummary,
    ContainerSummaryStateEnum, ContainerTopResponse,
};
use jiff::Timestamp;

use super::daemon::Daemon;
use crate::model::{Condition, Instance, InstanceId, Rental, Tags};
use crate::providers::{Error, ErrorKind, Result, Unjudged};

/// One container of a listing; `None` when it went meanwhile.
pub(super) async fn listed(
    daemon: &Daemon,
    container: ContainerSummary,
) -> Option<Result<Instance, Unjudged>> {
    let whole = container.id?;
    let id = InstanceId {
        location: Some(daemon.location.clone()),
        id: short(&whole).to_owned(),
    };
    let labels = container.labels.unwrap_or_default();
    let Some(tags) = Tags::from_pairs(&labels) else {
        return Some(Err(Unjudged::by_tags(id, |key| labels.get(key).cloned())));
    };
    // An image that was made of a container of ours has its labels, and so have all containers of that image.
    let own = format!("/{}", tags.name);
    if container.names.is_some_and(|names| !names.contains(&own)) {
        let unjudged = Unjudged::by_tags(id, |key| labels.get(key).cloned());
        return Some(Err(unjudged.unproved(renamed())));
    }
    let state = match container.state {
        Some(
            ContainerSummaryStateEnum::RUNNING
            | ContainerSummaryStateEnum::PAUSED
            | ContainerSummaryStateEnum::RESTARTING
            | ContainerSummaryStateEnum::STOPPING,
        ) => Condition::Running,
        // Only a look tells how it ended, or why it did not begin.
        other => match daemon.inspect(&whole).await {
            Ok(Some(found)) => state(&found),
            Ok(None) => return None,
            Err(_) if other == Some(ContainerSummaryStateEnum::CREATED) => Condition::Pending,
            Err(_) => Condition::Ended(container.status.unwrap_or_else(|| "ended".to_owned())),
        },
    };
    Some(Ok(Instance {
        id,
        created: container
            .created
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .unwrap_or(tags.created),
        state,
        tags,
        ended: None,
        rental: Rental::at(daemon.endpoint.to_string()),
    }))
}

/// The error for a container that has gharun's labels and another name than they say.
fn renamed() -> Error {
    Error::new(
        ErrorKind::Unexpected,
        "it has gharun's labels, but not the name that they say",
    )
    .because("it may be of an image that was made of one of gharun's containers, or was renamed")
}

/// A container as a machine.
pub(super) fn instance(daemon: &Daemon, found: &ContainerInspectResponse) -> Result<Instance> {
    let whole = found.id.as_deref().unwrap_or_default();
    let labels = found.config.as_ref().and_then(|c| c.labels.as_ref());
    let tags = labels.and_then(Tags::from_pairs).ok_or_else(|| {
        Error::new(
            ErrorKind::Unexpected,
            format!("the container `{}` lost its labels", short(whole)),
        )
    })?;
    let created = found.created.as_deref().and_then(|time| time.parse().ok());
    Ok(Instance {
        id: InstanceId {
            location: Some(daemon.location.clone()),
            id: short(whole).to_owned(),
        },
        state: state(found),
        created: created.unwrap_or(tags.created),
        tags,
        ended: None,
        rental: Rental::at(daemon.endpoint.to_string()),
    })
}

/// What a container is doing.
pub(super) fn state(found: &ContainerInspectResponse) -> Condition {
    let Some(state) = &found.state else {
        return Condition::Pending;
    };
    let error = state.error.as_deref().filter(|error| !error.is_empty());
    match state.status {
        Some(ContainerStateStatusEnum::CREATED | ContainerStateStatusEnum::EMPTY) | None => {
            match error {
                Some(error) => Condition::Ended(format!("could not start: {error}")),
                None => Condition::Pending,
            }
        }
        Some(
            ContainerStateStatusEnum::RUNNING
            | ContainerStateStatusEnum::PAUSED
            | ContainerStateStatusEnum::RESTARTING
            | ContainerStateStatusEnum::STOPPING,
        ) => Condition::Running,
        Some(ContainerStateStatusEnum::REMOVING) => Condition::Ended("being removed".to_owned()),
        Some(ContainerStateStatusEnum::EXITED | ContainerStateStatusEnum::DEAD) => {
            let mut how = format!("exit code {}", state.exit_code.unwrap_or(-1));
            if state.oom_killed == Some(true) {
                how.push_str(", out of memory");
            }
            if let Some(error) = error {
                how.push_str(": ");
                how.push_str(error);
            }
            Condition::Ended(how)
        }
    }
}

/// Whether the process that runs one job, a child of `Runner.Listener`, is among a container's: as its program,
/// or as what a shell or `dotnet` runs. What merely mentions it does not count.
pub(super) fn runs_a_job(top: &ContainerTopResponse) -> bool {
    let titles = top.titles.as_deref().unwrap_or_default();
    let is_command = |title: &String| matches!(title.as_str(), "ARGS" | "CMD" | "COMMAND");
    let column = titles.iter().rposition(is_command);
    let processes = top.processes.as_deref().unwrap_or_default();
    let mut commands = processes.iter().filter_map(|cells| match column {
        Some(column) => cells.get(column),
        None => cells.last(),
    });
    commands.any(|command| {
        let mut words = command.split_whitespace().take(2);
        words.any(|word| {
            let program = word.rsplit('/').next();
            matches!(program, Some("Runner.Worker" | "Runner.Worker.dll"))
        })
    })
}

/// The commands that get a person in, or to what is left of a container; `docker` is the one that reaches the daemon.
pub(super) fn ways_in(docker: &str, machine: &Instance) -> Vec<String> {
    let id = &machine.id.id;
    let log = format!("{docker} logs {id}");
    match machine.state {
        Condition::Running => vec![format!("{docker} exec -it {id} sh"), log],
        Condition::Pending => vec![log, format!("{docker} inspect {id}")],
        // Nothing can be run in it any more, but in an image that is made of it: one without gharun's mark.
        Condition::Ended(_) => vec![
            format!(
                "{docker} commit -c 'LABEL managed-by=look' {id} gharun-look && {docker} run --rm -it -u 0 \
                 --entrypoint sh gharun-look; {docker} image rm gharun-look"
            ),
            log,
            format!("{docker} cp {id}:/ gharun-{id}"),
        ],
    }
}

/// Whether a container may have processes: only the daemon's own word says that it has none.
pub(super) fn may_run(found: &ContainerInspectResponse) -> bool {
    let state = found.state.as_ref();
    state.and_then(|state| state.running) != Some(false)
}

/// The short id that the docker command shows.
pub(super) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_what_runs_and_not_what_is_mentioned() {
        let runs = |titles: &[&str], cells: &[&str]| {
            let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
            runs_a_job(&ContainerTopResponse {
                titles: Some(texts(titles)),
                processes: Some(vec![texts(cells)]),
            })
        };
        for (command, is_job) in [
            ("/home/runner/bin/Runner.Worker spawnclient 110 113", true),
            ("/bin/sh /home/runner/bin/Runner.Worker spawnclient", true),
            (
                "dotnet /home/runner/bin/Runner.Worker.dll spawnclient",
                true,
            ),
            ("grep -r Runner.Worker .", false),
            ("sh -c sleep 300; : /home/runner/bin/Runner.Worker", false),
            ("tail -f /home/runner/_diag/Runner.Worker.log", false),
            ("/home/runner/bin/Runner.Listener run", false),
            ("", false),
        ] {
            for titles in [&["PID", "CMD"][..], &["USER", "COMMAND"], &[]] {
                assert_eq!(runs(titles, &["1", command]), is_job, "{command}");
            }
            // A user may be called anything.
            let titles = ["CMD", "USER"];
            assert_eq!(
                runs(&titles, &[command, "Runner.Worker"]),
                is_job,
                "{command}"
            );
        }
    }
}
