//! A million numbers in little memory.

use std::fmt;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::campaign::number::{MAX_NUMBER_LEN, Number, person};

/// Numbers of distinct people in the order in which they came, each with its index from 0. One
/// person's number may be written with a `+`, with `00`, or without: the first spelling is kept,
/// and found by any.
///
/// All texts stand in one string, and the index that finds a number again holds only its
/// place: about 30 bytes a number, where a map of strings takes over 100.
#[derive(Clone, Default)]
pub struct Numbers {
    text: String,
    /// Where each number's text ends; it begins where the one before ends.
    ends: Vec<u32>,
    /// Places in `ends`, found by the person that they stand for.
    places: HashTable<u32>,
    /// How many came by [`Self::push_again`], and are not in `places`.
    respelt: u32,
    hasher: DefaultHashBuilder,
}

impl Numbers {
    /// As many as fit for sure, were each as long as a number may be: their texts then
    /// have under 2^32 bytes.
    pub const MAX: usize = u32::MAX as usize / MAX_NUMBER_LEN;

    /// None so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `number` and tells its index; `None` if its person is there already, or if there
    /// are [`Self::MAX`] numbers.
    pub fn push(&mut self, number: &Number) -> Option<u32> {
        if self.find(number.as_str()).is_some() {
            return None;
        }
        let place = self.append(number.as_str())?;
        let Self {
            text,
            ends,
            places,
            hasher,
            ..
        } = self;
        let hash = |place: u32| hasher.hash_one(person(slice(text, ends, place)));
        places.insert_unique(hash(place), place, |place| hash(*place));
        Some(place)
    }

    /// As [`Self::push`], also where the person is there already in another spelling: an
    /// earlier version gave each spelling an index of its own. The one that was there first is
    /// still the one that is found.
    pub(crate) fn push_again(&mut self, number: &Number) -> Option<u32> {
        match self.find(number.as_str()) {
            None => self.push(number),
            Some(same) if self.get(same) == number.as_str() => None,
            Some(_) => {
                let place = self.append(number.as_str())?;
                self.respelt += 1;
                Some(place)
            }
        }
    }

    /// From now on this index is the one that is found of its person.
    pub(crate) fn prefer(&mut self, index: u32) {
        let key = person(slice(&self.text, &self.ends, index));
        let hash = self.hasher.hash_one(key);
        let is_it = |place: &u32| person(slice(&self.text, &self.ends, *place)) == key;
        if let Some(found) = self.places.find_mut(hash, is_it) {
            *found = index;
        }
    }

    fn append(&mut self, text: &str) -> Option<u32> {
        if self.len() >= Self::MAX {
            return None;
        }
        let place = u32::try_from(self.ends.len()).ok()?;
        let end = u32::try_from(self.text.len() + text.len()).ok()?;
        self.text.push_str(text);
        self.ends.push(end);
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

    /// The index of the person with this number, however it is written.
    #[must_use]
    pub fn find(&self, number: &str) -> Option<u32> {
        let key = person(number);
        let is_it = |place: &u32| person(self.get(*place)) == key;
        let hash = self.hasher.hash_one(key);
        self.places.find(hash, is_it).copied()
    }

    /// As [`Self::find`], looking first at the index `near`, which becomes the one after what
    /// was found: two lists in nearly the same order are compared without searching.
    pub(crate) fn find_near(&self, number: &str, near: &mut u32) -> Option<u32> {
        let known = self.respelt == 0
            && (*near as usize) < self.len()
            && person(self.get(*near)) == person(number);
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
        if needle.len() > MAX_NUMBER_LEN {
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
        let pushed = ["12", "1", "2", "12", "+121", "1", "21"].map(|n| numbers.push(&number(n)));
        let expected = [Some(0), Some(1), Some(2), None, Some(3), None, Some(4)];
        assert_eq!(pushed, expected);
        assert_eq!(numbers.len(), 5);
        let all: Vec<_> = numbers.iter().collect();
        assert_eq!(all, ["12", "1", "2", "+121", "21"]);
        for (index, text) in (0..).zip(all) {
            assert_eq!(numbers.get(index), text);
            assert_eq!(numbers.find(text), Some(index));
        }
        assert_eq!(numbers.find("122"), None);
        assert_eq!(numbers.find(""), None);
    }

    #[test]
    fn one_person_has_one_index_however_the_number_is_written() {
        let mut numbers = Numbers::new();
        let pushed = [
            "+7999",
            "7999",
            "007999",
            "#31#7999",
            "#31#+7999",
            "000",
            "0",
        ]
        .map(|n| numbers.push(&number(n)));
        assert_eq!(
            pushed,
            [Some(0), None, None, Some(1), None, Some(2), Some(3)]
        );
        assert_eq!(numbers.get(0), "+7999", "the first spelling stays");
        for spelling in ["+7999", "7999", "007999"] {
            assert_eq!(numbers.find(spelling), Some(0));
            assert_eq!(numbers.find_near(spelling, &mut 0), Some(0));
        }
    }

    #[test]
    fn spellings_that_were_people_once_keep_their_indexes_and_one_of_them_is_found() {
        let mut numbers = Numbers::new();
        let pushed =
            ["7999", "+7999", "5", "7999", "007999"].map(|n| numbers.push_again(&number(n)));
        assert_eq!(pushed, [Some(0), Some(1), Some(2), None, Some(3)]);
        assert_eq!(numbers.get(1), "+7999");
        assert_eq!(numbers.find("+7999"), Some(0));
        numbers.prefer(1);
        for near in 0..4 {
            assert_eq!(numbers.find_near("7999", &mut { near }), Some(1));
        }
        assert_eq!(numbers.find("5"), Some(2));
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
        for text in ["1212", "2121", "+12", "33", "*12"] {
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
