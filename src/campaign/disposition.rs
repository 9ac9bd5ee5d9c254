//! How an attempt ended.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How an attempt ended, or a lead that was never attempted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Disposition {
    /// A and B were up in one bridge.
    Answered,
    /// A answered and never reached B.
    Abandoned,
    /// The number was busy.
    Busy,
    /// It rang until the timeout, or nobody could be reached.
    NoAnswer,
    /// The carrier or Asterisk had no room.
    Congestion,
    /// The carrier or the callee refused.
    Rejected,
    /// An analytics service or the network blocked it.
    Blocked,
    /// The carrier named another address, and nobody was called there.
    Redirected,
    /// There is no such number.
    InvalidNumber,
    /// Anything else.
    Failed,
    /// Hung up by the operator or by a stop before an answer.
    Cancelled,
    /// The process died while it dialed, and it is not known how it ended.
    Interrupted,
    /// Taken off by the operator, or no longer listed.
    Skipped,
}

impl Disposition {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 13] = [
        Self::Answered,
        Self::Abandoned,
        Self::Busy,
        Self::NoAnswer,
        Self::Congestion,
        Self::Rejected,
        Self::Blocked,
        Self::Redirected,
        Self::InvalidNumber,
        Self::Failed,
        Self::Cancelled,
        Self::Interrupted,
        Self::Skipped,
    ];

    /// The word used in reports, on screens and in the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Abandoned => "abandoned",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Congestion => "congestion",
            Self::Rejected => "rejected",
            Self::Blocked => "blocked",
            Self::Redirected => "redirected",
            Self::InvalidNumber => "invalid-number",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
            Self::Skipped => "skipped",
        }
    }

    /// The disposition that [`Self::as_str`] gives `word` for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.as_str() == word)
    }

    /// Whether an attempt ends so; else it is only for leads that nobody attempts.
    #[must_use]
    pub const fn is_of_attempts(self) -> bool {
        !matches!(self, Self::Skipped)
    }

    /// Whether the carrier, or the network behind it, did not take the call.
    #[must_use]
    pub const fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::Congestion | Self::Rejected | Self::Blocked | Self::Redirected | Self::Failed
        )
    }

    /// Whether the person picked up: counts in the answer-seizure ratio.
    #[must_use]
    pub const fn is_seizure(self) -> bool {
        matches!(self, Self::Answered | Self::Abandoned)
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `pad` and not `write_str`, so that columns can be aligned.
        f.pad(self.as_str())
    }
}

/// Who or what ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EndedBy {
    /// Leg A hung up.
    Callee,
    /// Leg B hung up, was busy or failed.
    Target,
    /// A person at the console or over HTTP, or a stop.
    Operator,
    /// A limit: `CALL_TIMEOUT`, `TARGET_TIMEOUT`, `MAX_CALL_SECONDS`.
    Timer,
    /// The network or Asterisk: before an answer, or where what connects A could not be made.
    Carrier,
    /// Somebody moved a living leg out of our application: it was let go.
    HandedOver,
}

impl EndedBy {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Callee,
        Self::Target,
        Self::Operator,
        Self::Timer,
        Self::Carrier,
        Self::HandedOver,
    ];

    /// The word used in reports and in the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Callee => "callee",
            Self::Target => "target",
            Self::Operator => "operator",
            Self::Timer => "timer",
            Self::Carrier => "carrier",
            Self::HandedOver => "handed over",
        }
    }

    /// The same as a part of a sentence: `ended by callee`.
    #[must_use]
    pub fn told(self) -> String {
        match self {
            Self::HandedOver => "handed over".to_owned(),
            by => format!("ended by {}", by.as_str()),
        }
    }

    /// The value that [`Self::as_str`] gives `word` for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| e.as_str() == word)
    }
}

/// Why a channel was hung up, as Asterisk's `ChannelDestroyed` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HangupCause {
    /// Q.850 cause, 0 where unknown.
    pub q850: u16,
    /// The SIP status behind it (`tech_cause`), where this Asterisk tells.
    pub sip: Option<u16>,
}

impl HangupCause {
    /// The Q.850 cause "redirected to new destination".
    pub const REDIRECTED: u16 = 23;

    /// What an unanswered attempt that ended with this cause is called. The SIP status
    /// is the finer of the two and goes first: Asterisk maps 403 and 603 to cause 21,
    /// yet 487 to 127. It tells nothing of a `Reason` header, so a 603 that an analytics
    /// service gave looks like any other.
    #[must_use]
    pub const fn disposition(self) -> Disposition {
        match self.sip {
            Some(300..=399) => return Disposition::Redirected,
            Some(486 | 600) => return Disposition::Busy,
            Some(480 | 408 | 487) => return Disposition::NoAnswer,
            Some(500..=505 | 482 | 483 | 513) => return Disposition::Congestion,
            Some(401 | 403 | 603) => return Disposition::Rejected,
            Some(607 | 608) => return Disposition::Blocked,
            Some(404 | 410 | 484 | 604) => return Disposition::InvalidNumber,
            // They lie with the trunk, whatever cause Asterisk makes of them.
            Some(402 | 407) => return Disposition::Failed,
            _ => {}
        }
        match self.q850 {
            17 => Disposition::Busy,
            18 | 19 => Disposition::NoAnswer,
            34 | 38 | 42 | 27 | 102 => Disposition::Congestion,
            21 => Disposition::Rejected,
            Self::REDIRECTED => Disposition::Redirected,
            1 | 22 | 28 => Disposition::InvalidNumber,
            _ => Disposition::Failed,
        }
    }

    /// What is wrong with the trunk, and what to mend, where the carrier refused every call
    /// and not this one.
    pub(super) const fn trunk_fault(self) -> Option<TrunkFault> {
        match self.sip {
            Some(402) => Some(TrunkFault {
                note: "the carrier wants to be paid: the number waits again",
                reason: "the carrier wants to be paid (SIP 402): top up its account, then start",
            }),
            Some(407) => Some(TrunkFault {
                note: "the carrier wants a login: the number waits again",
                reason: "the carrier wants a login (SIP 407): check outbound_auth of ARI_TRUNK \
                         and its auth section in pjsip.conf, then start",
            }),
            _ => None,
        }
    }
}

/// A fault that lies with the trunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TrunkFault {
    /// For the attempt.
    pub(super) note: &'static str,
    /// Why nobody else is dialed, and what to mend.
    pub(super) reason: &'static str,
}
