//! How values and machines are spelt between the scripts and us.

use std::num::NonZeroU16;

use jiff::Timestamp;

use crate::model::text::quoted;
use crate::model::{Condition, Instance, InstanceId, Rental, Tags};
use crate::providers::{Error, ErrorKind, Unjudged};

/// Reads what `report` printed. A machine that vanished while it was reported is left out; one whose tags are
/// not whole, or were lost, cannot be judged.
pub(super) fn machines(place: &str, lines: &[String]) -> Vec<Result<Instance, Box<Unjudged>>> {
    let mut machines = Vec::new();
    let mut current: Option<Report> = None;
    for line in lines {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (word, &mut current) {
            ("machine", current) => *current = Some(Report::of(rest)),
            ("unmarked", current) => {
                let report = Report::of(rest);
                *current = Some(Report {
                    is_unmarked: true,
                    ..report
                });
            }
            ("state", Some(report)) => report.state = rest,
            ("meta", Some(report)) => {
                let (key, value) = rest.split_once('=').unwrap_or((rest, ""));
                report.pairs.push((key, decode(value)));
            }
            ("end", current) => {
                let report = current.take().into_iter();
                machines.extend(report.map(|report| report.read(place)));
            }
            _ => {}
        }
    }
    machines
}

/// Tells by whom slots are taken, as a launch found out that got none.
pub(super) fn taken(slots: NonZeroU16, lines: &[String]) -> String {
    let holders = lines.iter().filter_map(|line| line.strip_prefix("held "));
    let holders: Vec<String> = holders.map(|holder| format!("`{holder}`")).collect();
    let taken = match (slots.get(), holders.join(", ").as_str()) {
        // Whoever held them has left since, or is about to move in.
        (1, "") => "its slot is being taken by another runner".to_owned(),
        (_, "") => format!("its {slots} slots are being taken by other runners"),
        (1, holders) => format!("its slot is taken by {holders}"),
        (_, holders) => format!("its {slots} slots are taken by {holders}"),
    };
    let foreign = lines
        .iter()
        .filter_map(|line| line.strip_prefix("foreign "));
    let foreign = foreign.map(|slot| format!("; `{slot}` belongs to another user"));
    let taken = taken + &foreign.collect::<String>();
    match lines.iter().filter(|line| *line == "ahead").count() {
        0 => taken,
        1 => format!("{taken}, and one more runner is waiting"),
        others => format!("{taken}, and {others} more runners are waiting"),
    }
}

/// What helps where another runner of the same start has a slot.
pub(super) fn more_slots(slots: NonZeroU16) -> String {
    format!(
        "each runner of `--count` needs a slot, and `slots` is {slots}: set `slots` higher, or `--count` lower"
    )
}

/// What helps where others have the slots.
pub(super) fn free_slots(lines: &[String]) -> String {
    let holders = lines.iter().filter_map(|line| line.strip_prefix("held "));
    let holders: Vec<&str> = holders.collect();
    let which = match holders.len() {
        0 => String::new(),
        1..=3 => format!(" {}", holders.join(" ")),
        _ => " NAME".to_owned(),
    };
    format!("stop a runner that you no longer need: `gharun stop{which}`; or set `slots` higher")
}

/// The lines about one machine.
struct Report<'a> {
    id: &'a str,
    state: &'a str,
    pairs: Vec<(&'a str, String)>,
    /// Whether it lacks the mark of gharun at this place.
    is_unmarked: bool,
}

/// The machine in a folder.
fn id(place: &str, folder: &str) -> InstanceId {
    InstanceId {
        location: Some(place.to_owned()),
        id: folder.to_owned(),
    }
}

/// A machine in the folder of another user, of which nothing is read.
pub(super) fn foreign(place: &str, path: &str) -> Unjudged {
    let folder = path.rsplit('/').next().unwrap_or(path);
    let name = |key: &str| (key == "gharun-name").then(|| folder.to_owned());
    Unjudged::by_tags(id(place, folder), name).foreign(Error::new(
        ErrorKind::Denied,
        format!("`{path}` belongs to another user"),
    ))
}

impl<'a> Report<'a> {
    fn of(id: &'a str) -> Self {
        Self {
            id,
            state: "",
            pairs: Vec::new(),
            is_unmarked: false,
        }
    }

    fn read(&self, place: &str) -> Result<Instance, Box<Unjudged>> {
        self.machine(place)
            .ok_or_else(|| Box::new(self.unjudged(place)))
    }

    fn unjudged(&self, place: &str) -> Unjudged {
        let unjudged = Unjudged::by_tags(id(place, self.id), |key| match key {
            // The folder's: nobody but us has named it.
            "gharun-name" => Some(self.id.to_owned()),
            key => {
                let mut pairs = self.pairs.iter();
                let (_, value) = pairs.find(|(own, _)| *own == key)?;
                Some(value.clone())
            }
        });
        if !self.is_unmarked {
            return unjudged;
        }
        let error = Error::new(
            ErrorKind::Unexpected,
            "something runs in its slot, but its tags are lost, or those of another host or folder",
        );
        Unjudged { error, ..unjudged }
    }

    fn machine(&self, place: &str) -> Option<Instance> {
        if self.is_unmarked {
            return None;
        }
        let pairs = self.pairs.iter().map(|(key, value)| (*key, value));
        let tags = Tags::from_pairs(pairs)?;
        let (_, made) = self.pairs.iter().find(|(key, _)| *key == "made")?;
        let state = match self.state.split_once(' ') {
            None if self.state == "running" => Condition::Running,
            None if self.state == "pending" => Condition::Pending,
            Some(("ended", how)) => Condition::Ended(how.trim_end().to_owned()),
            _ => return None,
        };
        (tags.name.as_str() == self.id).then_some(())?;
        Some(Instance {
            id: id(place, self.id),
            state,
            tags,
            created: Timestamp::from_second(made.parse().ok()?).ok()?,
            ended: None,
            rental: Rental::default(),
        })
    }
}

/// Spells a value so that it is one line and means nothing to a shell.
pub(super) fn encode(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:@+,".contains(&byte);
    let spell = |byte: u8| match byte {
        byte if plain(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    value.bytes().map(spell).collect()
}

/// Reads a spelt value; what is no spelling stays as it is.
pub(super) fn decode(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let spelt = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let (b'%', Some(byte)) = (first, spelt) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Spells a folder for a POSIX shell: absolute, or `~/FOLDER` in the user's home.
pub(super) fn folder_word(folder: &str) -> String {
    match folder.strip_prefix("~/") {
        Some(rest) => format!("\"${{HOME:?}}\"/{}", quoted(rest)),
        None => quoted(folder),
    }
}

/// Shell code that gives a slot its share of the GPUs; `$DIR` is the machine's folder. Where there are
/// more slots than GPUs, several slots see the same one.
pub(super) fn shares(gpus: &[String], slots: NonZeroU16) -> String {
    if gpus.is_empty() {
        return String::new();
    }
    let slots = usize::from(slots.get());
    let cases = (0..slots).map(|slot| {
        let own = gpus.iter().skip(slot).step_by(slots);
        let mut own: Vec<&str> = own.map(String::as_str).collect();
        if own.is_empty() {
            own.push(&gpus[slot % gpus.len()]);
        }
        let (slot, own) = (slot + 1, quoted(&own.join(",")));
        format!("*/slot-{slot}) export CUDA_VISIBLE_DEVICES={own} ;;\n")
    });
    let cases = cases.collect::<Vec<_>>().concat();
    format!("case ${{DIR%/*}} in\n{cases}esac\n")
}

/// Spells a folder for people to type into the shell that they have, which may be no POSIX one.
pub(super) fn folder_for_people(folder: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/~".contains(&byte);
    if folder.bytes().all(plain) {
        folder.to_owned()
    } else {
        folder_word(folder)
    }
}

/// The end of what went wrong, short enough for an error.
pub(super) fn tail(text: &str) -> String {
    let text = text.trim();
    let from = text.len().saturating_sub(512);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at));
    text[from.unwrap_or(0)..].trim_start().to_owned()
}
