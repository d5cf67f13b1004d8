//! As much of HTTP/1.1 as a gate has to read.

use std::io::{self, Read};

/// A request, as it came.
#[derive(Debug)]
pub(crate) struct Asked {
    head: String,
    body: Vec<u8>,
}

impl Asked {
    /// Method and path, without what differs from run to run.
    pub(crate) fn line(&self) -> String {
        let mut words = self.head.split_whitespace();
        let (method, target) = (words.next().unwrap_or("?"), words.next().unwrap_or("?"));
        let path = target.split('?').next().unwrap_or(target);
        let action = String::from_utf8_lossy(&self.body);
        let action = action
            .split('&')
            .find_map(|pair| pair.strip_prefix("Action="));
        match action {
            Some(action) => format!("{method} {action}"),
            None => format!("{method} {path}"),
        }
    }

    /// Whether the connection becomes another protocol's.
    pub(crate) fn upgrades(&self) -> bool {
        header(&self.head, "upgrade").is_some()
    }

    /// The request for the server, which is to close the connection after its answer.
    pub(crate) fn forwarded(&self) -> Vec<u8> {
        let upgrades = self.upgrades();
        let mut lines = self.head.lines();
        let mut head = format!("{}\r\n", lines.next().unwrap_or_default());
        for line in lines.filter(|line| !line.is_empty()) {
            let name = line.split(':').next().unwrap_or_default();
            if upgrades || !name.eq_ignore_ascii_case("connection") {
                head += line;
                head += "\r\n";
            }
        }
        if !upgrades {
            head += "connection: close\r\n";
        }
        head += "\r\n";
        let mut all = head.into_bytes();
        all.extend_from_slice(&self.body);
        all
    }
}

fn header<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        .map(|(_, value)| value.trim())
}

/// Reads one request; `None` where the client closed the connection before.
pub(crate) fn read_request(client: &mut impl Read) -> io::Result<Option<Asked>> {
    let mut bytes = Vec::new();
    let Some(begun) = read_head(client, &mut bytes)? else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&bytes[..begun]).into_owned();
    let mut body = bytes.split_off(begun);
    let chunked = header(&head, "transfer-encoding")
        .is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    if chunked {
        while !has_last_chunk(&body) {
            more(client, &mut body)?;
        }
    } else {
        let length = header(&head, "content-length");
        let length = length.and_then(|value| value.parse().ok()).unwrap_or(0);
        while body.len() < length {
            more(client, &mut body)?;
        }
    }
    Ok(Some(Asked { head, body }))
}

/// Reads until the server closes the connection.
pub(crate) fn read_answer(server: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    server.read_to_end(&mut all)?;
    Ok(all)
}

/// Reads the head of an answer, and what came of its body with it; a client that is not told that the connection closes
/// sends its next request on it, which then is lost.
pub(crate) fn read_closing_head(server: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let Some(begun) = read_head(server, &mut bytes)? else {
        return Ok(bytes);
    };
    let (head, body) = bytes.split_at(begun);
    let head = String::from_utf8_lossy(head);
    let mut closing = String::new();
    for line in head.lines().filter(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap_or_default();
        if !name.eq_ignore_ascii_case("connection") {
            closing += line;
            closing += "\r\n";
        }
    }
    closing += "connection: close\r\n\r\n";
    Ok([closing.as_bytes(), body].concat())
}

/// The length of the head, once it is there.
fn read_head(from: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<Option<usize>> {
    loop {
        if let Some(at) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            return Ok(Some(at + 4));
        }
        let before = bytes.len();
        match more(from, bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && before == 0 => {
                return Ok(None);
            }
            done => done?,
        }
    }
}

fn more(from: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    match from.read(&mut buffer)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        read => {
            bytes.extend_from_slice(&buffer[..read]);
            Ok(())
        }
    }
}

/// Whether a chunked body is there whole.
fn has_last_chunk(body: &[u8]) -> bool {
    let mut rest = body;
    loop {
        let Some(end) = rest.windows(2).position(|end| end == b"\r\n") else {
            return false;
        };
        let size = String::from_utf8_lossy(&rest[..end]);
        let size = size.split(';').next().unwrap_or_default().trim().to_owned();
        let Ok(size) = usize::from_str_radix(&size, 16) else {
            return true; // it is malformed, and there is nothing to wait for
        };
        let next = end + 2 + size + 2;
        if size == 0 {
            return rest.len() >= next;
        }
        match rest.get(next..) {
            Some(further) => rest = further,
            None => return false,
        }
    }
}

/// An answer that the gate gives in place of the server.
pub(crate) fn answer(status: u16, body: &str) -> Vec<u8> {
    let kind = if body.starts_with('<') {
        "text/html"
    } else {
        "application/json"
    };
    let wait = if status == 429 {
        "retry-after: 1\r\n"
    } else {
        ""
    };
    format!(
        "HTTP/1.1 {status} Struck\r\ncontent-type: {kind}\r\n{wait}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// What becomes of an answer on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoil {
    /// Nothing of its body is there.
    Empty,
    /// Half of its body is there, and said to be all.
    Malformed,
    /// Half of its body is there, and the connection closes.
    Truncated,
}

impl Spoil {
    pub(crate) fn apply(self, whole: &[u8]) -> Vec<u8> {
        let begun = whole.windows(4).position(|end| end == b"\r\n\r\n");
        let begun = begun.map_or(whole.len(), |at| at + 4);
        let (head, body) = whole.split_at(begun);
        let kept = match self {
            Self::Empty => &body[..0],
            Self::Malformed | Self::Truncated => &body[..body.len() / 2],
        };
        let mut spoilt = match self {
            Self::Truncated => head.to_vec(),
            Self::Empty | Self::Malformed => with_length(head, kept.len()),
        };
        spoilt.extend_from_slice(kept);
        spoilt
    }
}

/// The head of an answer whose body is so long.
fn with_length(head: &[u8], length: usize) -> Vec<u8> {
    let head = String::from_utf8_lossy(head);
    let framing = ["content-length", "transfer-encoding"];
    let lines = head.lines().filter(|line| !line.is_empty());
    let kept = lines.filter(|line| {
        let name = line.split(':').next().unwrap_or_default();
        !framing.iter().any(|other| name.eq_ignore_ascii_case(other))
    });
    let kept: Vec<&str> = kept.collect();
    format!("{}\r\ncontent-length: {length}\r\n\r\n", kept.join("\r\n")).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_to_its_end_and_no_further() {
        for (text, body) in [
            ("GET / HTTP/1.1\r\nhost: x\r\n\r\n", ""),
            ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "abc"),
            (
                "PUT / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                "3\r\nabc\r\n0\r\n\r\n",
            ),
        ] {
            // A byte at a time.
            let mut slow = text.bytes().map(|byte| Ok::<_, io::Error>(vec![byte]));
            let mut reader = Slow(&mut slow);
            let asked = read_request(&mut reader).expect("it is whole");
            assert_eq!(asked.expect("a request").body, body.as_bytes(), "{text}");
        }
    }

    struct Slow<'a, I>(&'a mut I);

    impl<I: Iterator<Item = io::Result<Vec<u8>>>> Read for Slow<'_, I> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.next() {
                None => Ok(0),
                Some(bytes) => {
                    let bytes = bytes?;
                    buffer[..bytes.len()].copy_from_slice(&bytes);
                    Ok(bytes.len())
                }
            }
        }
    }

    #[test]
    fn an_answer_is_spoilt_as_it_is_meant() {
        let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\netag: \"a\"\r\n\r\nabcd";
        let text = |spoil: Spoil| String::from_utf8(spoil.apply(whole)).expect("text");
        assert!(text(Spoil::Malformed).ends_with("etag: \"a\"\r\ncontent-length: 2\r\n\r\nab"));
        assert!(text(Spoil::Empty).ends_with("content-length: 0\r\n\r\n"));
        assert!(text(Spoil::Truncated).ends_with("content-length: 4\r\netag: \"a\"\r\n\r\nab"));
    }
}
