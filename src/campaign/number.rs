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
}

impl Number {
    /// Parses `text`, which must have been trimmed.
    pub fn parse(text: &str) -> Result<Self, NumberError> {
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

impl TryFrom<String> for Number {
    type Error = NumberError;

    fn try_from(text: String) -> Result<Self, NumberError> {
        Self::parse(&text)
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
