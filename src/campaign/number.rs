//! A number that may stand in a dial string.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest number that is dialed, in characters. E.164 allows 15 digits;
/// service prefixes and pauses need some more.
pub const MAX_NUMBER_LEN: usize = 40;

/// A number as the list gives it: `0-9`, `+`, `*` and `#` only, so that nothing in it
/// can alter the dial string `PJSIP/<number>@<trunk>`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Number(Box<str>);

/// Why a text is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Nothing is left after trimming.
    #[error("it is empty")]
    Empty,
    /// Over [`MAX_NUMBER_LEN`] characters.
    #[error("it is longer than {MAX_NUMBER_LEN} characters")]
    TooLong,
    /// A character other than `0-9`, `+`, `*`, `#`.
    #[error("{0:?} is not allowed: a number has only 0-9, +, * and #")]
    Character(char),
    /// Only `+`, `*` and `#`.
    #[error("it has no digit")]
    NoDigit,
    /// A `+` behind digits: two numbers in one line, as a rule.
    #[error("a + stands within it: a number has one only at its beginning")]
    InnerPlus,
}

impl Number {
    /// Parses `text`, which must have been trimmed.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let number = Self::taken_before(text)?;
        let (_, rest) = split_code(text);
        if rest.strip_prefix('+').unwrap_or(rest).contains('+') {
            return Err(NumberError::InnerPlus);
        }
        Ok(number)
    }

    /// A number that was taken in before, perhaps by a version that allowed a `+` anywhere.
    pub fn taken_before(text: &str) -> Result<Self, NumberError> {
        if text.is_empty() {
            return Err(NumberError::Empty);
        }
        if let Some(bad) = text
            .chars()
            .find(|c| !matches!(c, '0'..='9' | '+' | '*' | '#'))
        {
            return Err(NumberError::Character(bad));
        }
        if text.len() > MAX_NUMBER_LEN {
            return Err(NumberError::TooLong);
        }
        if !text.bytes().any(|b| b.is_ascii_digit()) {
            return Err(NumberError::NoDigit);
        }
        Ok(Self(text.into()))
    }

    /// The number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The service code that a number begins with, and what is dialed behind it: `#31#`, `*31#`,
/// `**21*` (up to two signs, up to four digits, a sign), or `*67` (a star and two digits).
/// The code is empty where there is none.
pub(super) fn split_code(number: &str) -> (&str, &str) {
    let bytes = number.as_bytes();
    let sign = |b: &&u8| matches!(b, b'*' | b'#');
    let signs = bytes.iter().take(2).take_while(sign).count();
    if signs == 0 {
        return ("", number);
    }
    let digits = &bytes[signs..];
    let digits = digits.iter().take(4).take_while(|b| b.is_ascii_digit());
    let digits = digits.count();
    let end = signs + digits;
    let length = if digits > 0 && bytes.get(end).is_some_and(|b| sign(&b)) {
        end + 1
    } else if number.starts_with('*') && signs == 1 && digits >= 2 {
        3
    } else {
        0
    };
    number.split_at(length)
}

/// What two spellings of one person's number have in common: the service code, and the digits
/// without the `+` or `00` that announces a country's code.
pub(super) fn person(number: &str) -> (&str, &str) {
    let (code, rest) = split_code(number);
    let is_country = |rest: &&str| rest.starts_with(|c: char| matches!(c, '1'..='9'));
    let rest = rest
        .strip_prefix('+')
        .or_else(|| rest.strip_prefix("00").filter(is_country))
        .unwrap_or(rest);
    (code, rest)
}

/// The digits of a number that its other spellings have too.
#[must_use]
pub fn digits_of_person(number: &str) -> &str {
    person(number).1
}

/// Numbers that are never dialed: those of everywhere, and those of one country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Emergency(&'static str);

impl Emergency {
    /// Telephones all over the world put these through.
    const EVERYWHERE: [&str; 2] = ["112", "911"];

    /// With a country's own, separated by blanks.
    #[must_use]
    pub const fn of(numbers: &'static str) -> Self {
        Self(numbers)
    }

    /// Whether the number reaches an emergency service, however it is written.
    #[must_use]
    pub fn has(self, number: &str) -> bool {
        let (_, behind_code) = split_code(number);
        let (_, digits) = person(number);
        [number, behind_code, digits].into_iter().any(|digits| {
            // It only ends the dialing.
            let digits = digits.trim_end_matches('#');
            let mut own = self.0.split_ascii_whitespace();
            Self::EVERYWHERE.contains(&digits) || own.any(|known| known == digits)
        })
    }
}

impl TryFrom<String> for Number {
    type Error = NumberError;

    fn try_from(text: String) -> Result<Self, NumberError> {
        Self::taken_before(&text)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Emergency, Number, NumberError, person};

    #[test]
    fn a_plus_stands_at_the_beginning_or_behind_a_service_code_and_nowhere_else() {
        for good in [
            "+79991234567",
            "#31#+79991234567",
            "*31#+7999",
            "**21*+7999#",
            "*67+12025550100",
            "#1234#+5",
        ] {
            assert!(Number::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "79991234567+79997654321",
            "+7999+7999",
            "++7999",
            "7999+",
            "#31#7999+7999",
            "#31#++7",
            "*+7999",
            "7999#+7999",
        ] {
            assert_eq!(Number::parse(bad), Err(NumberError::InnerPlus), "{bad}");
            // A journal may have it from before.
            assert!(Number::taken_before(bad).is_ok(), "{bad}");
        }
    }

    #[test]
    fn a_person_is_the_digits_without_what_announces_a_country() {
        for same in ["+79991234567", "79991234567", "0079991234567"] {
            assert_eq!(person(same), ("", "79991234567"), "{same}");
        }
        for same in ["#31#+7999", "#31#7999", "#31#007999"] {
            assert_eq!(person(same), ("#31#", "7999"), "{same}");
        }
        for itself in ["000", "00", "0", "0123", "89991234567", "*#06"] {
            assert_eq!(
                person(itself).1.len() + person(itself).0.len(),
                itself.len()
            );
        }
        assert_ne!(person("89991234567"), person("+79991234567"));
    }

    #[test]
    fn an_emergency_number_is_known_however_it_is_written() {
        let russia = Emergency::of("01 02 03 101 102 103 112");
        for number in [
            "112", "911", "+112", "00112", "#31#112", "*67911", "*31#+112", "112#",
        ] {
            assert!(Emergency::default().has(number), "{number}");
        }
        for number in ["01", "103", "*31#102", "911"] {
            assert!(russia.has(number), "{number}");
        }
        for number in [
            "01",
            "103",
            "1120",
            "91",
            "9112345678",
            "0",
            "79990000112",
            "1121",
        ] {
            assert!(!Emergency::default().has(number), "{number}");
        }
        assert!(Emergency::of("000 106 112").has("000"));
        assert!(!russia.has("104"));
    }
}
