//! Puts a machine into a slot, or tells why none took it.

use std::sync::MutexGuard;

use super::output::ScriptOutput;
use super::scripts::{COMMON, KEEPER, LAUNCH};
use super::spelling::{encode, free_slots, machines, more_slots, shares, taken};
use super::{Error, ErrorKind, Host, KEEP_FAILED, LAUNCHING, Question, Result, Shell};
use crate::model::text::quoted;
use crate::model::{Instance, Order, lock, random};

impl<S: Shell> Host<S> {
    /// See [`crate::providers::Provider::launch`].
    pub(crate) async fn launch(&self, order: &Order) -> Result<Instance> {
        let place = self.place().await?;
        self.run_as()?;
        let mark = random(24);
        let (stdin, size) = self.parcel(order, place, &mark);
        let size = size.to_string();
        let vars = [
            ("PLACE", place),
            ("NAME", order.name.as_str()),
            ("TURN", &encode(&order.queue_key)),
            ("WAITS", if self.layout.waits { "yes" } else { "" }),
            ("START", &encode(&order.tags.start)),
            ("MARK", &mark),
            ("SIZE", &size),
        ];
        let doing = format!("could not launch `{}` on {}", order.name, self.shell.host());
        if let Some(clock) = self.clock.get() {
            clock.fits(order.tags.created, &doing)?;
        }
        let question = Question {
            stdin: &stdin,
            within: LAUNCHING,
            lost: ErrorKind::Ambiguous,
            ..Question::new(LAUNCH, &vars)
        };
        self.launched().push(order.name.to_string());
        let answer = self.ask(&doing, question).await?;
        for path in answer.all("closed ") {
            let host = self.shell.host();
            tracing::warn!("other users could write to `{path}` on {host}: they no longer can");
        }
        match answer.failure.as_deref() {
            None => {}
            Some("full") => {
                self.launched().retain(|name| *name != *order.name.as_str());
                return Err(self.full(&answer, doing));
            }
            Some("stranger") => {
                let error = answer.error(ErrorKind::Denied, doing);
                return Err(error.because(
                    "a slot already holds a folder of that name that gharun, or this user, did not create",
                ));
            }
            Some(_) => return Err(answer.error(ErrorKind::Unavailable, doing)),
        }
        let machines = machines(self.address(place), &answer.lines);
        let found = machines.into_iter().find_map(std::result::Result::ok);
        let found = found.map(|machine| self.shown(machine));
        // It said that all went well, and then not what became of it.
        found.ok_or_else(|| answer.error(ErrorKind::Ambiguous, doing))
    }

    /// What the script of a launch reads: all parts, and the number of bytes in them.
    fn parcel(&self, order: &Order, place: &str, mark: &str) -> (Vec<u8>, usize) {
        let pairs = order.tags.pairs().into_iter();
        // For whoever wants the slot of a machine that has ended.
        let keep = order.keep_failed.then(|| (KEEP_FAILED, "yes".to_owned()));
        let meta = pairs
            .chain([("place", place.to_owned())])
            .chain(keep)
            .map(|(key, value)| format!("{key}={}\n", encode(&value)))
            .collect::<Vec<_>>()
            .concat();
        let mut env = self
            .layout
            .env
            .iter()
            .map(|(key, value)| format!("export {key}={}\n", quoted(value.expose())))
            .collect::<Vec<_>>()
            .concat();
        env += &shares(&self.layout.gpus, self.layout.slots);
        let (keeper, boot) = (format!("{COMMON}\n{KEEPER}"), order.boot.expose());
        let size = meta.len() + env.len() + keeper.len() + boot.len();
        let parcel = format!("{meta}{mark}\n{env}{mark}\n{keeper}{mark}\n{boot}");
        (parcel.into_bytes(), size)
    }

    /// Why no slot took it.
    fn full(&self, answer: &ScriptOutput, doing: String) -> Error {
        let slots = self.layout.slots;
        let is_ours = {
            let launched = self.launched();
            let mut holders = answer.all("held ");
            holders.any(|held| launched.iter().any(|name| name == held))
        };
        let taken = taken(slots, &answer.lines);
        let (cause, hint) = if is_ours {
            (
                format!("{taken}, which this start launched"),
                more_slots(slots),
            )
        } else {
            (taken, free_slots(&answer.lines))
        };
        Error::new(ErrorKind::NoCapacity, doing)
            .because(cause)
            .hinted(hint)
    }

    /// The names that this process launches or has launched here.
    fn launched(&self) -> MutexGuard<'_, Vec<String>> {
        lock(&self.launched)
    }
}
