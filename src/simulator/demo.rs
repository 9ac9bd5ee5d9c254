//! The demo's list.

use std::collections::HashSet;

use super::scenario::{Scenario, dice};
use crate::campaign::{Disposition, Number};

/// The target that the demo connects to.
const TARGET: &str = "777@default";

/// The dispositions that a demo is to show.
const SHOWN: [Disposition; 8] = [
    Disposition::Answered,
    Disposition::Abandoned,
    Disposition::Busy,
    Disposition::NoAnswer,
    Disposition::Congestion,
    Disposition::Rejected,
    Disposition::InvalidNumber,
    Disposition::Failed,
];

/// How many there are: the last two digits times the area codes.
const MOST: usize = 100 * 800;

/// `count` different numbers (at most 80,000) for the default scenario under `seed`. From 40 on,
/// all eight dispositions occur; from 100 on, each at least three times.
///
/// All of them are North American numbers of the form `1 NXX 555 01XX`, which are set aside
/// for fiction and belong to nobody.
#[must_use]
pub fn demo_numbers(seed: u64, count: usize) -> Vec<Number> {
    let scenario = Scenario::default();
    let mut dice = dice(seed, "demo", "", 0);
    let mut numbers = Draw::new(&mut dice);
    let mut list = Vec::with_capacity(count.min(MOST));
    let mut passed_over = Vec::new();
    for wanted in wanted(count) {
        for number in numbers.by_ref() {
            if scenario.disposition(seed, number.as_str(), TARGET) == wanted {
                list.push(number);
                break;
            }
            passed_over.push(number);
        }
    }
    let rest = count.min(MOST) - list.len();
    list.extend(numbers.by_ref().take(rest));
    // Where all have been drawn, those that were passed over are what is left.
    let missing = count.min(MOST) - list.len();
    list.extend(passed_over.drain(..missing));
    dice.shuffle(&mut list);
    list
}

/// What must be among `count` numbers.
fn wanted(count: usize) -> impl Iterator<Item = Disposition> {
    let each = if count < 40 { 0 } else { count.min(100) / 33 };
    SHOWN
        .into_iter()
        .flat_map(move |d| std::iter::repeat_n(d, each))
}

/// Numbers without end, as long as there are any, none twice.
struct Draw<'a> {
    dice: &'a mut fastrand::Rng,
    drawn: HashSet<(u32, u32)>,
}

impl<'a> Draw<'a> {
    fn new(dice: &'a mut fastrand::Rng) -> Self {
        Self {
            dice,
            drawn: HashSet::new(),
        }
    }
}

impl Iterator for Draw<'_> {
    type Item = Number;

    fn next(&mut self) -> Option<Number> {
        while self.drawn.len() < MOST {
            let place = (self.dice.u32(200..1000), self.dice.u32(0..100));
            if self.drawn.insert(place) {
                return Number::parse(&format!("1{}55501{:02}", place.0, place.1)).ok();
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(seed: u64, count: usize) -> Vec<usize> {
        let scenario = Scenario::default();
        let list = demo_numbers(seed, count);
        let got: Vec<Disposition> = list
            .iter()
            .map(|n| scenario.disposition(seed, n.as_str(), TARGET))
            .collect();
        assert_eq!(got.len(), count);
        let count = |wanted| got.iter().filter(|d| **d == wanted).count();
        SHOWN.into_iter().map(count).collect()
    }

    #[test]
    fn every_disposition_is_shown_whatever_the_seed() {
        for seed in 0..50 {
            let few = shares(seed, 40);
            assert!(few.iter().all(|n| *n >= 1), "seed {seed}: {few:?}");
            let many = shares(seed, 100);
            assert!(many.iter().all(|n| *n >= 3), "seed {seed}: {many:?}");
        }
    }

    #[test]
    fn no_number_stands_twice_and_the_seed_decides() {
        let list = demo_numbers(1, 1000);
        let different: HashSet<&str> = list.iter().map(Number::as_str).collect();
        assert_eq!(different.len(), 1000);
        assert_eq!(list, demo_numbers(1, 1000));
        assert_ne!(list, demo_numbers(2, 1000));
    }

    #[test]
    fn a_short_list_is_as_long_as_was_asked() {
        assert!(demo_numbers(1, 0).is_empty());
        assert_eq!(demo_numbers(1, 3).len(), 3);
    }

    #[test]
    fn as_many_as_there_are_can_be_had() {
        let list = demo_numbers(1, MOST);
        let different: HashSet<&str> = list.iter().map(Number::as_str).collect();
        assert_eq!((list.len(), different.len()), (MOST, MOST));
    }
}
