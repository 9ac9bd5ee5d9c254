//! What can go wrong with a request to Asterisk.

use std::time::Duration;

use super::tls::TlsTrouble;

/// The most characters of Asterisk's own words that an error repeats.
const MAX_MESSAGE: usize = 200;

/// Why a request failed. The texts are sentences for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AriError {
    /// No connection came about: nothing was sent.
    #[error(
        "Asterisk cannot be reached at {url} ({why}): check ARI_URL, and that http.conf has enabled=yes"
    )]
    Connect {
        /// The base that was tried, without user and password.
        url: String,
        /// The system's reason.
        why: String,
    },
    /// No TLS connection came about: nothing was sent.
    #[error("Asterisk cannot be reached at {url}, since {why}: {}", why.mend_of_asterisk())]
    Tls {
        /// The base that was tried, without user and password.
        url: String,
        /// What is wrong.
        why: TlsTrouble,
    },
    /// Our own limit of concurrent requests was reached for the whole of the timeout:
    /// nothing was sent.
    #[error("Asterisk is so slow that {request} found no free connection within {after:?}")]
    Saturated {
        /// Method and path pattern.
        request: &'static str,
        /// How long was waited.
        after: Duration,
    },
    /// Calling was stopped while it waited for its turn: nothing was sent.
    #[error("{request} was kept back: no call may be placed any more")]
    Withheld {
        /// Method and path pattern.
        request: &'static str,
    },
    /// A name or id that can't stand in a request: nothing was sent.
    #[error("{0:?} cannot be the name of anything in Asterisk")]
    Name(String),
    /// No answer within the timeout. Whether the request was carried out is unknown.
    #[error("Asterisk did not answer {request} within {after:?}; it may have been carried out")]
    Timeout {
        /// Method and path pattern.
        request: &'static str,
        /// How long was waited.
        after: Duration,
    },
    /// The connection ended before the answer. Whether the request was carried out is
    /// unknown.
    #[error(
        "the connection to Asterisk ended during {request} ({why}); it may have been carried out"
    )]
    Broken {
        /// Method and path pattern.
        request: &'static str,
        /// The reason.
        why: String,
    },
    /// 401.
    #[error(
        "Asterisk refused the login: check ARI_USERNAME and ARI_PASSWORD against the user's section in ari.conf"
    )]
    Login,
    /// 403 to a request that changes something.
    #[error("Asterisk lets this user only read: remove read_only from its section in ari.conf")]
    ReadOnly,
    /// 404 without an object in it, which is no answer of ARI's: its modules are not loaded.
    /// Right after a start of Asterisk that is so for every path, for a tenth of a second
    /// (measured on 22.10.1).
    #[error(
        "there is no ARI behind ARI_URL (404): check that Asterisk has started, that ari.conf has enabled=yes, and that ARI_URL leads to Asterisk"
    )]
    NoAri {
        /// Method and path pattern.
        request: &'static str,
    },
    /// Any other status that is no success.
    #[error("Asterisk refused {request}: {status} {message}")]
    Refused {
        /// Method and path pattern.
        request: &'static str,
        /// The HTTP status.
        status: u16,
        /// Asterisk's reason, bounded and without control characters.
        message: String,
    },
    /// A success whose body can't be read. The request was carried out.
    #[error(
        "Asterisk's answer to {request} cannot be read ({why}): check that ARI_URL leads to Asterisk"
    )]
    Malformed {
        /// Method and path pattern.
        request: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

impl AriError {
    /// Whether the request had no effect for certain, so that it may be made again without
    /// the risk of doing a thing twice.
    #[must_use]
    pub const fn surely_not_carried_out(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Tls { .. }
            | Self::Saturated { .. }
            | Self::Withheld { .. }
            | Self::Name(_)
            | Self::Login
            | Self::NoAri { .. }
            | Self::ReadOnly => true,
            Self::Timeout { .. } | Self::Broken { .. } | Self::Malformed { .. } => false,
            // 502 and 504 come from a proxy that may have passed the request on; Asterisk
            // itself answers 500 ("Allocation failed") where it did nothing and 503 while
            // it shuts down.
            Self::Refused { status, .. } => !matches!(status, 502 | 504 | 505..),
        }
    }

    /// The HTTP status, where Asterisk gave one that is no success.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Login => Some(401),
            Self::ReadOnly => Some(403),
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether Asterisk is absent, slow or cut off, as against having said no.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Tls { .. }
            | Self::Saturated { .. }
            | Self::Timeout { .. }
            | Self::NoAri { .. }
            | Self::Broken { .. } => true,
            Self::Refused { status, .. } => *status >= 502,
            _ => false,
        }
    }
}

/// A stranger's text made fit for a log line and a terminal: bounded, on one line, with
/// control characters (escape sequences among them) written out.
pub(crate) fn harmless(text: &str) -> String {
    let mut out = String::new();
    for (count, c) in text.trim().chars().enumerate() {
        if count == MAX_MESSAGE {
            out.push('…');
            break;
        }
        if c.is_control() || is_invisible(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Characters that reorder or hide text without being control characters.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16) -> AriError {
        AriError::Refused {
            request: "POST /channels",
            status,
            message: String::new(),
        }
    }

    #[test]
    fn a_refusal_by_asterisk_had_no_effect_but_a_gateway_s_may_have_had_one() {
        for status in [400, 404, 409, 422, 500, 503] {
            assert!(refused(status).surely_not_carried_out(), "{status}");
        }
        for status in [502, 504, 599] {
            assert!(!refused(status).surely_not_carried_out(), "{status}");
        }
    }

    #[test]
    fn strangers_words_are_bounded_and_cannot_steer_a_terminal() {
        let text = harmless("\x1b[2Jgone\r\n\u{202e}tfel");
        assert_eq!(text, "\\u{1b}[2Jgone\\u{d}\\u{a}\\u{202e}tfel");
        assert_eq!(harmless(&"x".repeat(10_000)).chars().count(), 201);
    }
}
