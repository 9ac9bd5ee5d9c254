//! Counts by name, where the names come from a stranger.

use std::collections::BTreeMap;

/// How many different names are told apart; the rest is counted as `other`.
pub const MAX_NAMES: usize = 64;

/// The longest name that is kept.
const MAX_NAME_LEN: usize = 48;

/// What names are counted as that are too many, too long or not made of letters.
const OTHER: &str = "other";

/// A bounded count by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally(BTreeMap<String, u64>);

impl Tally {
    /// Counts one; returns how many of its name that makes.
    pub(super) fn count(&mut self, name: &str) -> u64 {
        let known = self.0.contains_key(name);
        let name = if known || (is_plain(name) && self.0.len() < MAX_NAMES) {
            name
        } else {
            OTHER
        };
        let count = self.0.entry(name.to_owned()).or_insert(0);
        *count += 1;
        *count
    }

    /// The counts, by name.
    pub(super) fn all(&self) -> Vec<(String, u64)> {
        self.0.iter().map(|(k, v)| (k.clone(), *v)).collect()
    }
}

/// Event names are letters and digits (`ChannelCreated`); anything else is not repeated.
fn is_plain(name: &str) -> bool {
    (1..=MAX_NAME_LEN).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_fold_into_other() {
        let mut tally = Tally::default();
        assert_eq!(tally.count("ChannelHold"), 1);
        assert_eq!(tally.count("ChannelHold"), 2);
        for hostile in ["\x1b[2J", &"x".repeat(1000), ""] {
            tally.count(hostile);
        }
        let expected = [("ChannelHold".to_owned(), 2), ("other".to_owned(), 3)];
        assert_eq!(tally.all(), expected);
    }

    #[test]
    fn the_number_of_names_is_bounded() {
        let mut tally = Tally::default();
        for n in 0..10_000 {
            tally.count(&format!("Event{n}"));
        }
        let all = tally.all();
        assert!(all.len() <= MAX_NAMES + 1, "{}", all.len());
        assert_eq!(all.iter().map(|(_, n)| n).sum::<u64>(), 10_000);
    }
}
