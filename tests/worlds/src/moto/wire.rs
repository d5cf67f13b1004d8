//! Requests to AWS and answers of it, as they are on the wire.

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::Asked;

/// What a request asks for.
pub(crate) fn request(head: &str, body: String) -> Asked {
    let header = |name: &str| {
        head.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
            .unwrap_or_default()
    };
    let scope = header("authorization");
    let mut asked = Asked {
        number: 0,
        action: header("x-amz-target")
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .to_owned(),
        region: scope.split('/').nth(2).unwrap_or_default().to_owned(),
        body,
    };
    if let Some(action) = asked.value("Action") {
        asked.action = action;
    }
    asked
}

pub(crate) async fn read(client: &mut TcpStream) -> std::io::Result<Option<(String, String)>> {
    let mut bytes = Vec::new();
    let begun = loop {
        if let Some(at) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            break at + 4;
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..begun]).into_owned();
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .unwrap_or(0);
    while bytes.len() < begun + length {
        if client.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    let body = String::from_utf8_lossy(&bytes[begun..]).into_owned();
    Ok(Some((head, body)))
}

pub(crate) fn answer_of(status: u16, kind: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// An error as each service spells it.
pub(crate) fn refusal(asked: &Asked, status: u16, code: &str, message: &str) -> Vec<u8> {
    let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    let (kind, body) = match asked.action.as_str() {
        "AssumeRole" | "AssumeRoleWithWebIdentity" | "GetCallerIdentity" => (
            "text/xml",
            format!("<ErrorResponse>{error}<RequestId>req-1</RequestId></ErrorResponse>"),
        ),
        "GetParameter" => (
            "application/x-amz-json-1.1",
            format!("{{\"__type\":\"{code}\",\"message\":\"{message}\"}}"),
        ),
        _ => (
            "text/xml",
            format!("<Response><Errors>{error}</Errors><RequestID>req-1</RequestID></Response>"),
        ),
    };
    answer_of(status, kind, &body)
}
