//! What is quoted of a body in an error: short, on one line, harmless on a terminal.

use serde_json::Value;

use crate::model::text::{cut, one_line};

/// As much of a body as an error quotes, in bytes.
const LONGEST: usize = 512;
const LONGEST_TITLE: usize = 80;

/// Describes a body in at most 512 bytes; `None` where it is empty.
///
/// Of JSON it takes the `message`, `error` or `detail` (RFC 9457) and what stands in `errors`; of a page its
/// title.
pub(super) fn excerpt(content_type: Option<&str>, body: &[u8]) -> Option<String> {
    // Cut before decoding: the rest of a large body is of no interest. JSON is read whole.
    let head = String::from_utf8_lossy(&body[..body.len().min(64 << 10)]);
    let head = head.trim();
    if head.is_empty() {
        return None;
    }
    if is_html(content_type, head) {
        return Some(match title(head) {
            Some(title) => format!("an HTML page titled `{title}`"),
            None => "an HTML page".to_owned(),
        });
    }
    // What is no JSON is quoted as it is.
    let json = serde_json::from_slice::<Value>(body).ok();
    let said = json.as_ref().and_then(message);
    Some(cut(&one_line(said.as_deref().unwrap_or(head)), LONGEST))
}

/// Whether a text is a page for people, by its type or its first characters.
pub(super) fn is_html(content_type: Option<&str>, text: &str) -> bool {
    let start = text.get(..15).unwrap_or(text).to_ascii_lowercase();
    content_type.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html"))
        || start.starts_with("<!doctype html")
        || start.starts_with("<html")
}

fn title(page: &str) -> Option<String> {
    // ASCII lowering keeps the offsets.
    let lower = page.to_ascii_lowercase();
    let tag = lower.find("<title")?;
    let begin = tag + lower[tag..].find('>')? + 1;
    let end = begin + lower[begin..].find("</title")?;
    let title = cut(&one_line(&page[begin..end]), LONGEST_TITLE);
    (!title.is_empty()).then_some(title)
}

fn message(body: &Value) -> Option<String> {
    let said = ["message", "error", "detail"];
    let mut said = match said.iter().find_map(|key| body.get(key))? {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match body.get("errors") {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => said = format!("{said}: {text}"),
        Some(errors) => said = format!("{said}: {errors}"),
    }
    Some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_out_of_its_json() {
        let body = br#"{"message": "Bad credentials", "documentation_url": "https://docs", "status": "401"}"#;
        assert_eq!(excerpt(None, body).as_deref(), Some("Bad credentials"));
        let body = br#"{"message":"Invalid","errors":["labels is missing"]}"#;
        assert_eq!(
            excerpt(None, body).as_deref(),
            Some(r#"Invalid: ["labels is missing"]"#)
        );
        let body = br#"{"title":"Not Found","status":404,"detail":"pod not found"}"#;
        assert_eq!(excerpt(None, body).as_deref(), Some("pod not found"));
    }

    #[test]
    fn a_page_is_known_by_its_title() {
        let page = b"\n<!DOCTYPE html>\n<html><head><TITLE>\nUnicorn! &middot; GitHub</TITLE>";
        assert_eq!(
            excerpt(None, page).as_deref(),
            Some("an HTML page titled `Unicorn! &middot; GitHub`")
        );
        let page = b"<h1>502</h1>";
        let kind = Some("text/html; charset=utf-8");
        assert_eq!(excerpt(kind, page).as_deref(), Some("an HTML page"));
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let text = "é".repeat(1000);
        let excerpt = excerpt(None, text.as_bytes()).expect("a text");
        assert!(
            excerpt.len() <= LONGEST && excerpt.ends_with("é…"),
            "{excerpt}"
        );
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let text = "\x1b[2Jgone\r\n\u{202e}back\u{9b}31m\0";
        assert_eq!(excerpt(None, text.as_bytes()).as_deref(), Some("gone back"));
    }

    #[test]
    fn what_is_empty_or_no_text_does_not_fail() {
        assert_eq!(excerpt(None, b" \n"), None);
        assert!(excerpt(None, &[0xff, 0xfe, 0x80]).is_some());
        assert!(excerpt(Some("text/html"), "<title>ü".as_bytes()).is_some());
    }
}
