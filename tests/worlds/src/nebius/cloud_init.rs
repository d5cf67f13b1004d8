//! User data as cloud-init takes it (<https://cloudinit.readthedocs.io/en/latest/explanation/format.html>):
//! scripts and cloud-config, alone or in MIME parts, packed with gzip or not.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// What user data comes to.
#[derive(Debug, Default, PartialEq)]
pub struct Boot {
    /// Files that are written first: path, mode, content.
    pub files: Vec<(String, u32, Vec<u8>)>,
    /// Scripts that are run after that, in order.
    pub scripts: Vec<Vec<u8>>,
}

/// Reads user data; what cloud-init would pass over with a warning is an error here.
///
/// # Errors
///
/// Cloud-config that is no JSON is not read: it is YAML, and this is no reader of YAML.
pub fn read(data: &[u8]) -> Result<Boot, String> {
    let mut boot = Boot::default();
    part(&unpacked(data)?, None, &mut boot)?;
    Ok(boot)
}

fn unpacked(data: &[u8]) -> Result<Vec<u8>, String> {
    if !data.starts_with(&[0x1f, 0x8b]) {
        return Ok(data.to_vec());
    }
    let mut plain = Vec::new();
    let mut reader = flate2::read::GzDecoder::new(data);
    reader
        .read_to_end(&mut plain)
        .map_err(|error| format!("gzip: {error}"))?;
    Ok(plain)
}

fn part(data: &[u8], kind: Option<&str>, boot: &mut Boot) -> Result<(), String> {
    let head = String::from_utf8_lossy(&data[..data.len().min(64)]).into_owned();
    let lower = head.to_ascii_lowercase();
    if kind.is_none() && (lower.starts_with("content-type:") || lower.starts_with("mime-version:"))
    {
        return parts(data, boot);
    }
    // The first line says what it is, a part's type only where that says nothing.
    if head.starts_with("#!") {
        boot.scripts.push(data.to_vec());
        return Ok(());
    }
    if head.starts_with("#cloud-config\n") || kind == Some("text/cloud-config") {
        return config(data, boot);
    }
    if kind == Some("text/x-shellscript") {
        return Err("a script without `#!` cannot be executed".to_owned());
    }
    Err(format!("nothing that cloud-init knows: {head:?}"))
}

/// The header lines and the rest.
fn split(data: &[u8]) -> Option<(String, &[u8])> {
    let text = |end: usize| String::from_utf8_lossy(&data[..end]).replace("\r\n", "\n");
    for (mark, long) in [(b"\r\n\r\n".as_slice(), 4), (b"\n\n".as_slice(), 2)] {
        if let Some(at) = data.windows(long).position(|window| window == mark) {
            return Some((text(at), &data[at + long..]));
        }
    }
    None
}

fn header(head: &str, name: &str) -> Option<String> {
    // Folded lines belong to the one before.
    let head = head.replace("\n ", " ").replace("\n\t", " ");
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
}

fn parts(data: &[u8], boot: &mut Boot) -> Result<(), String> {
    let (head, body) = split(data).ok_or("MIME without a body")?;
    let kind = header(&head, "content-type").ok_or("MIME without a type")?;
    if !kind.to_ascii_lowercase().starts_with("multipart/") {
        return one(&head, body, boot);
    }
    let boundary = kind
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| key.eq_ignore_ascii_case("boundary"))
        .map(|(_, value)| value.trim_matches('"').to_owned())
        .ok_or("MIME without a boundary")?;
    let body = String::from_utf8_lossy(body).replace("\r\n", "\n");
    let body = format!("\n{body}");
    let end = format!("\n--{boundary}--");
    let body = body.split(&end).next().unwrap_or_default();
    let mark = format!("\n--{boundary}\n");
    let mut pieces = body.split(&mark);
    // What stands before the first boundary is for people.
    pieces.next();
    for piece in pieces {
        let (head, body) = split(piece.as_bytes()).ok_or("a part without a body")?;
        one(&head, body, boot)?;
    }
    Ok(())
}

fn one(head: &str, body: &[u8], boot: &mut Boot) -> Result<(), String> {
    let kind = header(head, "content-type").unwrap_or_else(|| "text/plain".to_owned());
    let kind = kind.split(';').next().unwrap_or_default().trim().to_owned();
    let coding = header(head, "content-transfer-encoding").unwrap_or_default();
    let body = match coding.to_ascii_lowercase().as_str() {
        "" | "7bit" | "8bit" | "binary" => body.to_vec(),
        "base64" => {
            let packed: Vec<u8> = body
                .iter()
                .copied()
                .filter(|byte| !byte.is_ascii_whitespace())
                .collect();
            STANDARD
                .decode(packed)
                .map_err(|error| format!("base64: {error}"))?
        }
        other => return Err(format!("transfer encoding {other}")),
    };
    part(&unpacked(&body)?, Some(&kind), boot)
}

fn config(data: &[u8], boot: &mut Boot) -> Result<(), String> {
    let text = String::from_utf8_lossy(data);
    let text = text.strip_prefix("#cloud-config\n").unwrap_or(&text);
    let config: Value = serde_json::from_str(text)
        .map_err(|error| format!("the stand-in reads cloud-config as JSON only: {error}"))?;
    let object = config.as_object().ok_or("cloud-config is no mapping")?;
    for (key, value) in object {
        match key.as_str() {
            "write_files" => {
                for file in value.as_array().into_iter().flatten() {
                    boot.files.push(written(file)?);
                }
            }
            "runcmd" => {
                let mut script = b"#!/bin/sh\n".to_vec();
                for command in value.as_array().into_iter().flatten() {
                    script.extend_from_slice(line(command)?.as_bytes());
                    script.push(b'\n');
                }
                boot.scripts.push(script);
            }
            other => return Err(format!("the stand-in does not know `{other}`")),
        }
    }
    Ok(())
}

fn written(file: &Value) -> Result<(String, u32, Vec<u8>), String> {
    let path = file["path"].as_str().ok_or("a file without a path")?;
    let mode = match file["permissions"].as_str() {
        None => 0o644,
        Some(text) => u32::from_str_radix(text.trim_start_matches("0o"), 8)
            .map_err(|error| format!("{path}: {error}"))?,
    };
    let content = file["content"].as_str().unwrap_or_default();
    let content = match file["encoding"].as_str() {
        None | Some("text/plain") => content.as_bytes().to_vec(),
        Some("b64" | "base64") => STANDARD
            .decode(content)
            .map_err(|error| format!("{path}: {error}"))?,
        Some("gz+b64" | "gzip+base64" | "gz+base64") => {
            let packed = STANDARD
                .decode(content)
                .map_err(|error| format!("{path}: {error}"))?;
            unpacked(&packed)?
        }
        Some(other) => return Err(format!("{path}: encoding {other}")),
    };
    Ok((path.to_owned(), mode, content))
}

/// A command of `runcmd`: a list is quoted, a string is the shell's.
fn line(command: &Value) -> Result<String, String> {
    if let Some(text) = command.as_str() {
        return Ok(text.to_owned());
    }
    let words = command
        .as_array()
        .ok_or("a command is no list and no text")?;
    let words: Option<Vec<String>> = words
        .iter()
        .map(|word| Some(format!("'{}'", word.as_str()?.replace('\'', "'\\''"))))
        .collect();
    Ok(words.ok_or("a word is no text")?.join(" "))
}
