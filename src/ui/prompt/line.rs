//! A line of text that is typed, checked when it ends, and typed again where it cannot be used.
//!
//! The text prompt of the crate for dialogs cannot be left with Esc.

use std::io;

use dialoguer::console::{Key, Style, Term};

use crate::model::text::shown;

/// Says what is wrong with a text that was typed; `None` where it can be used.
pub(super) type Check = Box<dyn Fn(&str) -> Option<String> + Send>;

/// Asks for a line; Enter alone takes the default. Esc is an interruption.
pub(super) fn line(
    question: &str,
    default: Option<&str>,
    check: &Check,
    styled: bool,
) -> dialoguer::Result<String> {
    let term = Term::stderr();
    let red = Style::new().red().force_styling(styled);
    loop {
        let offered = default.map_or_else(String::new, |default| format!(" [{}]", shown(default)));
        term.write_str(&format!("{question}{offered} "))?;
        let typed = typed(&term)?;
        let text = match (typed.trim(), default) {
            ("", Some(default)) => default.to_owned(),
            (text, _) => text.to_owned(),
        };
        match check(&text) {
            None => return Ok(text),
            Some(why) => {
                let why = shown(&why).replace('\n', "\n  ");
                term.write_line(&format!("  {} {why}", red.apply_to("✗")))?;
            }
        }
    }
}

fn typed(term: &Term) -> io::Result<String> {
    let mut text = String::new();
    loop {
        match term.read_key()? {
            Key::Enter => {
                term.write_line("")?;
                return Ok(text);
            }
            Key::Escape => {
                term.write_line("")?;
                return Err(io::ErrorKind::Interrupted.into());
            }
            Key::Backspace if text.pop().is_some() => term.clear_chars(1)?,
            Key::Char(c) if !c.is_control() => {
                text.push(c);
                term.write_str(c.encode_utf8(&mut [0; 4]))?;
            }
            _ => {}
        }
    }
}
