//! Numbers that may be dialed, and look as if something else had been meant.

use crate::campaign::Number;

/// More digits than a number of any country has (E.164).
const MOST_DIGITS: usize = 15;
/// As many digits or fewer reach a service, an extension, or nobody.
const FEW_DIGITS: usize = 3;

/// A number that is dialed, and should be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}: {number}")]
pub struct Oddity {
    /// Its line, counted from 1.
    pub line: u64,
    /// The number.
    pub number: Number,
    /// What is odd about it.
    pub why: Why,
}

/// What is odd about a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Three digits or fewer.
    #[error("it has {FEW_DIGITS} digits or fewer")]
    Short,
    /// A day as spreadsheets and databases write it.
    #[error("it looks like a date")]
    Date,
    /// Over 15 digits behind the sign of an international number.
    #[error("it has over {MOST_DIGITS} digits behind its +")]
    Long,
}

/// What is odd about a number, if anything is.
pub(super) fn look(number: &str) -> Option<Why> {
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    if digits <= FEW_DIGITS {
        Some(Why::Short)
    } else if is_date(number) {
        Some(Why::Date)
    } else if number.starts_with('+') && digits > MOST_DIGITS {
        Some(Why::Long)
    } else {
        None
    }
}

/// `20240115`, `15012024`, and `20240115093000`.
fn is_date(number: &str) -> bool {
    let two = |from: usize| {
        number
            .get(from..from + 2)
            .and_then(|two| two.parse::<u8>().ok())
    };
    let in_range =
        |from, most: u8, least: u8| two(from).is_some_and(|n| (least..=most).contains(&n));
    let century = |from| matches!(two(from), Some(19 | 20));
    let year_first = century(0) && in_range(4, 12, 1) && in_range(6, 31, 1);
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    match number.len() {
        8 => year_first || (in_range(0, 31, 1) && in_range(2, 12, 1) && century(4)),
        14 => year_first && in_range(8, 23, 0) && in_range(10, 59, 0) && in_range(12, 59, 0),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Why, look};

    #[test]
    fn what_may_have_been_meant_otherwise_is_told() {
        let table: [(Why, &[&str]); 3] = [
            (Why::Short, &["1", "101", "#31#", "*12"]),
            (
                Why::Date,
                &[
                    "20240115",
                    "19991231",
                    "15012024",
                    "31121999",
                    "20240115093000",
                ],
            ),
            (Why::Long, &["+1234567890123456", "+12345678901234567890"]),
        ];
        for (why, numbers) in table {
            for number in numbers {
                assert_eq!(look(number), Some(why), "{number}");
            }
        }
        for number in [
            "1234",
            "79991234567",
            "+20240115",
            "20241315",
            "20240132",
            "32012024",
            "20240115993000",
            "+123456789012345",
            "1234567890123456",
            "#31#+7999",
        ] {
            assert_eq!(look(number), None, "{number}");
        }
    }
}
