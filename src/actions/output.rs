//! The files that a step hands to its runner: outputs and summary.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Outputs in the form `NAME<<DELIMITER`, which takes any value. The delimiter must be random and
/// fresh: who knows it can end a value and begin an output of his own.
pub(super) fn heredocs(outputs: &[(&str, &str)], delimiter: &str) -> io::Result<String> {
    let mut text = String::new();
    for (name, value) in outputs {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        if name.is_empty() || !name.bytes().all(plain) {
            // `=` or `<<` in it would be read as something else.
            return Err(invalid(format!("`{name}` is not the name of an output")));
        }
        if value.contains(delimiter) {
            return Err(invalid(format!(
                "the output `{name}` contains its delimiter"
            )));
        }
        text.extend([name, "<<", delimiter, "\n", value, "\n", delimiter, "\n"]);
    }
    Ok(text)
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// Adds text to a file in one write, on a line of its own. When not all of it found room, none of
/// it stays: half an output makes the runner reject the whole file.
pub(super) fn append(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)?;
    let before = file.metadata()?.len();
    let mut whole = String::with_capacity(text.len() + 1);
    if before > 0 {
        // An earlier command of the step may have left its last line open.
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            whole.push('\n');
        }
    }
    whole.push_str(text);
    file.write_all(whole.as_bytes()).inspect_err(|_| {
        // The first error is the one to tell, and a device cannot be cut.
        let _ = file.set_len(before);
    })
}

/// What could not be written, where, and why.
#[derive(Debug, thiserror::Error)]
#[error("could not write {what} to `{}`", path.display())]
struct OutputError {
    what: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// Names the file of a failed write.
pub(super) fn lost(what: &'static str, path: &Path, source: io::Error) -> io::Error {
    let path = path.to_owned();
    io::Error::new(source.kind(), OutputError { what, path, source })
}
