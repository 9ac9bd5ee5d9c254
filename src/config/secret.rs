//! A text that is never shown.

use std::fmt;

/// A password or token. Neither `Debug` nor `Display` shows it; only [`Secret::expose`]
/// gives it away, and is easy to search for.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

/// What stands in place of a secret wherever one would be shown.
pub const HIDDEN: &str = "(hidden)";

impl Secret {
    /// Takes `text` out of sight.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that has to send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(HIDDEN)
    }
}
