//! What a pod has said.

use std::time::Duration;

use serde_json::Value;

use super::RunPod;
use super::ending::pod_id;
use super::failure::explain;
use super::pods::is_missing;
use crate::http::Tail;
use crate::model::InstanceId;
use crate::providers::Result;

/// How much of a log is told.
const LOG_BYTES: usize = 64 << 10;

/// The stream stays open for what is yet to be said. An event is longer than its line.
const TAIL: Tail = Tail {
    quiet: Duration::from_millis(700),
    at_most: Duration::from_secs(4),
    bytes: 4 * LOG_BYTES,
};

/// A line of a pod's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogLine {
    /// Whether the pod's host said it, of its image and its container, and not the container itself.
    pub(super) is_of_host: bool,
    pub(super) text: String,
}

impl RunPod {
    /// The end of what a pod and its host have said; `None` where there is no such pod, or it was silent. A pod that
    /// has deleted itself is told of as it was read last.
    pub(super) async fn said(&self, id: &InstanceId) -> Result<Option<String>> {
        let id = pod_id(id)?;
        let told = text(&self.lines(id).await?);
        Ok(told.or_else(|| self.kept_log(id)))
    }

    /// The lines of a pod's log; none where there is no such pod.
    pub(super) async fn lines(&self, id: &str) -> Result<Vec<LogLine>> {
        let stream = match self.api.said(id, TAIL).await {
            Ok(answer) => answer.body,
            Err(failure) if is_missing(&failure) => return Ok(Vec::new()),
            Err(failure) => {
                let doing = format!("could not read the log of the pod `{id}`");
                return Err(explain(failure, doing));
            }
        };
        Ok(lines(&String::from_utf8_lossy(&stream)))
    }
}

/// The end of a log, as people read it; `None` where nothing was said.
pub(super) fn text(lines: &[LogLine]) -> Option<String> {
    let mut text = String::new();
    for line in lines {
        if line.is_of_host {
            text.push_str("runpod: ");
        }
        text.push_str(&line.text);
        text.push('\n');
    }
    let mut begin = text.len().saturating_sub(LOG_BYTES);
    begin = text.ceil_char_boundary(begin);
    text.drain(..begin);
    Some(text).filter(|text| !text.trim().is_empty())
}

/// The lines in a stream of events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
fn lines(stream: &str) -> Vec<LogLine> {
    let mut lines = Vec::new();
    for event in stream.lines() {
        let Some(data) = event.strip_prefix("data:") else {
            continue;
        };
        // A stream is read from its midst: the first event may be half a one.
        let Ok(event) = serde_json::from_str::<Value>(data.trim()) else {
            continue;
        };
        let Some(line) = event["line"].as_str() else {
            continue;
        };
        lines.push(LogLine {
            is_of_host: event["source"] == "system",
            text: line.trim_end_matches(['\r', '\n']).to_owned(),
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_from_their_events() {
        let stream = "rest\"}\n\n: keep-alive\n\nid: 2026-06-01T12:02:03Z/1\ndata: {\"ts\":\"x\",\"source\":\"container\",\"line\":\"gharun: phase=arm t=1\\n\"}\n\n\
            event: log\ndata:{\"source\":\"system\",\"line\":\"pulling image\"}\r\n\r\ndata: [DONE]\n\ndata: {\"ts\":1}\n";
        assert_eq!(
            text(&lines(stream)).as_deref(),
            Some("gharun: phase=arm t=1\nrunpod: pulling image\n")
        );
    }
}
