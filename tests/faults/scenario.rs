//! Which place, which flow, which request, which stroke; and which of them all a run plays.

use std::fmt;
use std::str::FromStr;

use crate::place::PlaceKind;
use crate::strike::Stroke;

/// What is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Flow {
    /// `start`, in a workflow step.
    Start,
    /// `stop` with the outputs of a start.
    StopByMapping,
    /// `stop` of the run alone.
    StopByRun,
    /// `start` and `stop` on a computer with a state file; the stop is struck.
    StopOnLaptop,
    /// `stop --orphans`, by cron, when the run is over.
    Sweep,
}

impl Flow {
    pub(crate) const ALL: [Self; 5] = [
        Self::Start,
        Self::StopByMapping,
        Self::StopByRun,
        Self::StopOnLaptop,
        Self::Sweep,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::StopByMapping => "stop-mapping",
            Self::StopByRun => "stop-run",
            Self::StopOnLaptop => "stop-laptop",
            Self::Sweep => "sweep",
        }
    }

    /// The most requests that it has been seen to make, and some more.
    fn most_requests(self) -> usize {
        match self {
            Self::Start => 40,
            Self::StopByMapping | Self::StopByRun | Self::StopOnLaptop | Self::Sweep => 30,
        }
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Flow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|flow| flow.word() == text);
        found.ok_or_else(|| format!("`{text}` is not a flow"))
    }
}

/// One scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Scenario {
    pub(crate) place: PlaceKind,
    pub(crate) flow: Flow,
    /// The number of the request that is struck, from 1; of a flow with fewer, counted round.
    pub(crate) k: usize,
    pub(crate) stroke: Stroke,
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            flow,
            k,
            stroke,
        } = self;
        write!(f, "{place} {flow} {k} {stroke}")
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [place, flow, k, stroke] = words[..] else {
            return Err(format!("`{text}` must be PLACE FLOW K STROKE"));
        };
        Ok(Self {
            place: place.parse()?,
            flow: flow.parse()?,
            k: k.parse().map_err(|_| format!("`{k}` is not a number"))?,
            stroke: stroke.parse()?,
        })
    }
}

/// How often each flow and stroke of a place is drawn, at least. With seven places, five flows and eighteen strokes,
/// that is 3,150 scenarios.
const DRAWS: usize = 5;

/// All scenarios of a place, in an order that the seed tells: whoever plays but the first of them has some of everything.
pub(crate) fn draw(place: PlaceKind, seed: u64) -> Vec<Scenario> {
    let mut dice = Dice::new(seed, place);
    let mut all = Vec::new();
    for _ in 0..DRAWS {
        let mut round = Vec::new();
        for flow in Flow::ALL {
            for stroke in Stroke::ALL {
                round.push(Scenario {
                    place,
                    flow,
                    k: 1 + dice.below(flow.most_requests()),
                    stroke,
                });
            }
        }
        dice.shuffle(&mut round);
        all.extend(round);
    }
    all
}

/// Numbers that follow from a seed alone (splitmix64).
struct Dice(u64);

impl Dice {
    fn new(seed: u64, place: PlaceKind) -> Self {
        let number = PlaceKind::ALL.iter().position(|one| *one == place);
        Self(seed.wrapping_mul(1000) + number.expect("it is one of all") as u64)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most as u64).expect("it is below a number of that type")
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn a_scenario_is_said_as_it_is_read() {
        for place in PlaceKind::ALL {
            for scenario in draw(place, 7) {
                assert_eq!(scenario.to_string().parse(), Ok(scenario));
            }
        }
    }

    #[test]
    fn every_place_flow_and_stroke_is_drawn_at_least_twice_in_over_3000_scenarios() {
        let all: Vec<Scenario> = PlaceKind::ALL
            .into_iter()
            .flat_map(|place| draw(place, 1))
            .collect();
        assert!(all.len() >= 3000, "{}", all.len());
        let mut counts = BTreeMap::new();
        for one in &all {
            *counts.entry((one.place, one.flow, one.stroke)).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 7 * 5 * 18);
        assert!(counts.values().all(|count| *count >= 2));
    }

    #[test]
    fn a_seed_tells_all_and_another_seed_tells_others() {
        let place = PlaceKind::Local;
        assert_eq!(draw(place, 1), draw(place, 1));
        let both: BTreeSet<_> = draw(place, 1).into_iter().chain(draw(place, 2)).collect();
        assert!(both.len() > draw(place, 1).len());
    }
}
