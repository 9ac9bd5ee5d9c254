//! A million numbers in little memory.

use std::fmt;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::Number;

/// Distinct numbers in the order in which they came, each with its index from 0.
///
/// All texts stand in one string, and the index that finds a number again holds only its
/// place: about 30 bytes a number, where a map of strings takes over 100.
#[derive(Clone, Default)]
pub struct Numbers {
    text: String,
    /// Where each number's text ends; it begins where the one before ends.
    ends: Vec<u32>,
    /// Places in `ends`, found by the text they stand for.
    places: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Numbers {
    /// As many as fit for sure, were each as long as a number may be: their texts then
    /// have under 2^32 bytes.
    pub const MAX: usize = u32::MAX as usize / super::MAX_NUMBER_LEN;

    /// None so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `number` and tells its index; `None` if it is there already, or if there are
    /// [`Self::MAX`] numbers.
    pub fn push(&mut self, number: &Number) -> Option<u32> {
        let text = number.as_str();
        if self.len() >= Self::MAX || self.find(text).is_some() {
            return None;
        }
        let place = u32::try_from(self.ends.len()).ok()?;
        let end = u32::try_from(self.text.len() + text.len()).ok()?;
        self.text.push_str(text);
        self.ends.push(end);
        let Self {
            text: all,
            ends,
            places,
            hasher,
        } = self;
        places.insert_unique(hasher.hash_one(text), place, |place| {
            hasher.hash_one(slice(all, ends, *place))
        });
        Some(place)
    }

    /// The number with this index.
    ///
    /// # Panics
    ///
    /// If the index is not under [`Self::len`], as a slice does.
    #[must_use]
    pub fn get(&self, index: u32) -> &str {
        slice(&self.text, &self.ends, index)
    }

    /// The index of this number.
    #[must_use]
    pub fn find(&self, number: &str) -> Option<u32> {
        let is_it = |place: &u32| self.get(*place) == number;
        let hash = self.hasher.hash_one(number);
        self.places.find(hash, is_it).copied()
    }

    /// As [`Self::find`], looking first at the index `near`, which becomes the one after what
    /// was found: two lists in nearly the same order are compared without searching.
    pub(super) fn find_near(&self, number: &str, near: &mut u32) -> Option<u32> {
        let known = (*near as usize) < self.len() && self.get(*near) == number;
        let found = if known {
            Some(*near)
        } else {
            self.find(number)
        };
        if let Some(found) = found {
            *near = found + 1;
        }
        found
    }

    /// The indexes of the numbers in which `needle` stands, ascending: a million numbers are
    /// looked through within the time of a frame, whatever the needle. All of them where it
    /// is empty.
    ///
    /// Each bit of the state says whether so much of the needle has just been read
    /// (Baeza-Yates and Gonnet's shift-and), so the work is the same few steps for each
    /// character, and beginning anew with each number keeps matches from spanning two.
    #[must_use]
    pub fn containing(&self, needle: &str) -> Vec<u32> {
        let Some(last) = needle.len().checked_sub(1) else {
            return (0..).zip(&self.ends).map(|(index, _)| index).collect();
        };
        if needle.len() > super::MAX_NUMBER_LEN {
            return Vec::new();
        }
        let mut places = [0_u64; 256];
        for (place, byte) in needle.bytes().enumerate() {
            places[usize::from(byte)] |= 1 << place;
        }
        let has_it = |number: &str| {
            let (mut state, mut seen) = (0_u64, 0_u64);
            for byte in number.bytes() {
                state = (state << 1 | 1) & places[usize::from(byte)];
                seen |= state;
            }
            seen >> last & 1 == 1
        };
        let numbers = (0..).zip(self.iter());
        let found = numbers.filter(|(_, number)| has_it(number));
        found.map(|(index, _)| index).collect()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All of them, in the order of their indexes.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let end = *end as usize;
            &self.text[std::mem::replace(&mut start, end)..end]
        })
    }
}

fn slice<'a>(text: &'a str, ends: &[u32], index: u32) -> &'a str {
    let index = index as usize;
    let start = if index == 0 { 0 } else { ends[index - 1] };
    &text[start as usize..ends[index] as usize]
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} numbers", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::Numbers;
    use crate::campaign::Number;

    fn number(text: &str) -> Number {
        Number::parse(text).expect("a number")
    }

    #[test]
    fn each_number_has_one_index_in_the_order_of_coming() {
        let mut numbers = Numbers::new();
        let pushed = ["12", "1", "2", "12", "+12", "1", "21"].map(|n| numbers.push(&number(n)));
        let expected = [Some(0), Some(1), Some(2), None, Some(3), None, Some(4)];
        assert_eq!(pushed, expected);
        assert_eq!(numbers.len(), 5);
        let all: Vec<_> = numbers.iter().collect();
        assert_eq!(all, ["12", "1", "2", "+12", "21"]);
        for (index, text) in (0..).zip(all) {
            assert_eq!(numbers.get(index), text);
            assert_eq!(numbers.find(text), Some(index));
        }
        assert_eq!(numbers.find("122"), None);
        assert_eq!(numbers.find(""), None);
    }

    #[test]
    fn many_numbers_are_all_found_again() {
        let mut numbers = Numbers::new();
        for n in 0..20_000_u32 {
            assert_eq!(numbers.push(&number(&format!("+7{}", n * 7))), Some(n));
        }
        for n in 0..20_000_u32 {
            assert_eq!(numbers.find(&format!("+7{}", n * 7)), Some(n));
            assert_eq!(numbers.push(&number(&format!("+7{}", n * 7))), None);
        }
        assert_eq!(numbers.len(), 20_000);
    }

    #[test]
    fn numbers_are_found_by_what_stands_in_them() {
        let mut numbers = Numbers::new();
        for text in ["1212", "2121", "+12", "33", "12"] {
            numbers.push(&number(text)).expect("it is new");
        }
        let table: [(&str, &[u32]); 9] = [
            ("", &[0, 1, 2, 3, 4]),
            ("12", &[0, 1, 2, 4]),
            ("121", &[0, 1]),
            ("212", &[0, 1]),
            // At the end of one number and the beginning of the next.
            ("21+", &[]),
            ("22", &[]),
            ("333", &[]),
            ("3", &[3]),
            ("12x", &[]),
        ];
        for (needle, expected) in table {
            assert_eq!(numbers.containing(needle), expected, "{needle:?}");
        }
    }

    #[test]
    fn what_is_found_is_what_each_number_says_of_itself() {
        let mut numbers = Numbers::new();
        for n in 0..5000_u64 {
            numbers.push(&number(&format!("+7{}", n * n * 7919)));
        }
        let longest = "1".repeat(crate::campaign::MAX_NUMBER_LEN);
        numbers.push(&number(&longest)).expect("it is new");
        let longer = format!("{longest}1");
        for needle in ["+", "7", "00", "919", "+77919", &longest, &longer, "\u{e9}"] {
            let all = (0..).zip(numbers.iter());
            let expected: Vec<u32> = all
                .filter(|(_, number)| number.contains(needle))
                .map(|(index, _)| index)
                .collect();
            assert_eq!(numbers.containing(needle), expected, "{needle:?}");
        }
    }

    #[test]
    #[should_panic(expected = "index out of bounds")]
    fn an_index_that_was_never_given_panics() {
        let _ = Numbers::new().get(0);
    }
}
