//! What an operator types to see fewer rows: words, all of which must fit.

use crate::campaign::{CallWord, Disposition, LeadState};

/// A parsed filter. Words of digits, `+`, `*` and `#` are looked for in the number, all others
/// in the state or disposition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    text: String,
    numbers: Vec<String>,
    words: Vec<String>,
}

impl Filter {
    pub(crate) fn new(text: &str) -> Self {
        let is_number = |word: &&str| {
            word.chars()
                .all(|c| c.is_ascii_digit() || matches!(c, '+' | '*' | '#'))
        };
        let (numbers, words): (Vec<&str>, Vec<&str>) = text.split_whitespace().partition(is_number);
        Self {
            text: text.to_owned(),
            numbers: numbers.into_iter().map(str::to_owned).collect(),
            words: words.into_iter().map(str::to_lowercase).collect(),
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.words.is_empty()
    }

    pub(crate) fn numbers(&self) -> &[String] {
        &self.numbers
    }

    /// Whether a live call fits.
    pub(crate) fn fits_call(&self, number: &str, word: CallWord) -> bool {
        self.numbers.iter().all(|n| number.contains(n.as_str())) && self.fits_word(word.as_str())
    }

    /// Whether a lead fits by its state alone.
    pub(crate) fn fits_state(&self, state: LeadState) -> bool {
        self.fits_word(lead_word(state))
    }

    /// Whether it asks for more than numbers.
    pub(crate) fn has_words(&self) -> bool {
        !self.words.is_empty()
    }

    fn fits_word(&self, word: &str) -> bool {
        self.words.iter().all(|w| word.contains(w.as_str()))
    }
}

/// What a lead's state is called.
pub(crate) const fn lead_word(state: LeadState) -> &'static str {
    match state {
        LeadState::Waiting => "waiting",
        LeadState::Calling(_) => "calling",
        LeadState::Final(Disposition::InvalidNumber) => "invalid",
        LeadState::Final(disposition) => disposition.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_must_all_fit() {
        let filter = Filter::new("  202 BRI ");
        assert!(filter.fits_call("+12025550101", CallWord::Bridged));
        assert!(!filter.fits_call("+12025550101", CallWord::Ringing));
        assert!(!filter.fits_call("+13035550101", CallWord::Bridged));
        assert!(!filter.fits_call("+13035550101", CallWord::Ringing));
        assert!(Filter::new("   ").is_empty());
        assert!(Filter::new("").fits_call("1", CallWord::Dialing));
    }

    #[test]
    fn all_words_must_fit_in_any_order() {
        let fits =
            |text: &str, disposition| Filter::new(text).fits_state(LeadState::Final(disposition));
        assert!(fits("ab ned", Disposition::Abandoned));
        assert!(fits("ned ab", Disposition::Abandoned));
        assert!(!fits("ab ned", Disposition::Cancelled));
        for text in ["abandoned busy", "busy abandoned", "busy busy abandoned"] {
            assert!(!fits(text, Disposition::Abandoned), "{text}");
            assert!(!fits(text, Disposition::Busy), "{text}");
        }
        assert!(Filter::new("med ear").fits_call("1", CallWord::EarlyMedia));
        assert!(!Filter::new("ring ear").fits_call("1", CallWord::Ringing));
        assert!(!Filter::new("ring ear").fits_call("1", CallWord::EarlyMedia));
    }

    #[test]
    fn all_numbers_must_fit_in_any_order() {
        for text in ["202 303", "303 202"] {
            let filter = Filter::new(text);
            assert!(filter.fits_call("+12025550303", CallWord::Ringing));
            assert!(!filter.fits_call("+12025550101", CallWord::Ringing));
            assert!(!filter.fits_call("+13035550101", CallWord::Ringing));
        }
    }
}
