//! Where a call stands, and how it ends.

use crate::campaign::disposition::{Disposition, EndedBy, HangupCause, TrunkFault};
use crate::campaign::record::AttemptEnd;
use crate::campaign::time::Time;

/// Who was bridged by the events' order, and not by their times.
const MISSED: &str = "one had hung up before the other one came";

/// The moment of A's answer, by our clock and by Asterisk's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) at: Time,
    pub(crate) stamp_ms: Option<i64>,
}

/// The moment when both were up and in one bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bridged {
    pub(crate) at: Time,
    /// `None` where nobody heard when it began.
    pub(crate) dead_air_ms: Option<u32>,
}

/// How a call will have ended once A is gone. The first one that is set holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) disposition: Disposition,
    pub(crate) by: EndedBy,
    pub(crate) cause: HangupCause,
    pub(crate) note: Option<&'static str>,
}

/// Where a call stands. It only moves down this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its beginning is on the way to the disk. Nothing has left.
    Journaling,
    /// A was asked for.
    Dialing { staging: bool },
    /// A answered; B is being reached.
    Connecting(Answer),
    /// Both are up in one bridge.
    Talking(Answer, Bridged),
    /// It is decided how it ends; A still has to go.
    HangingUp {
        since: Time,
        verdict: Verdict,
        answered: Option<Answer>,
        bridged: Option<Bridged>,
    },
}

impl Verdict {
    pub(crate) const fn new(disposition: Disposition, by: EndedBy) -> Self {
        Self {
            disposition,
            by,
            cause: HangupCause { q850: 0, sip: None },
            note: None,
        }
    }

    pub(crate) const fn cause(self, cause: HangupCause) -> Self {
        Self { cause, ..self }
    }

    pub(crate) const fn q850(self, q850: u16) -> Self {
        self.cause(HangupCause { q850, sip: None })
    }

    pub(crate) const fn note(self, note: &'static str) -> Self {
        Self {
            note: Some(note),
            ..self
        }
    }

    /// The same where the trunk was at fault: it was no answer of the person dialed.
    pub(crate) const fn blamed_on(self, fault: TrunkFault) -> Self {
        Self {
            disposition: Disposition::Failed,
            by: EndedBy::Carrier,
            ..self.note(fault.note)
        }
    }

    pub(crate) fn as_end(self, at: Time, dead_air_ms: Option<u32>) -> AttemptEnd {
        AttemptEnd {
            at,
            disposition: self.disposition,
            cause: self.cause,
            by: self.by,
            note: self.note.map(str::to_owned),
            dead_air_ms,
        }
    }

    /// What the end of an A that never answered means. `rang_out`: CALL_TIMEOUT has passed.
    pub(crate) fn unanswered(cause: HangupCause, rang_out: bool) -> Self {
        match cause.disposition() {
            Disposition::NoAnswer if rang_out => Self::new(Disposition::NoAnswer, EndedBy::Timer),
            // Older versions of Asterisk end an originate that timed out with 0 or 16.
            Disposition::Failed if rang_out && matches!(cause.q850, 0 | 16) => {
                Self::new(Disposition::NoAnswer, EndedBy::Timer)
            }
            Disposition::Failed if cause == HangupCause::default() => {
                Self::new(Disposition::Failed, EndedBy::Carrier).note("Asterisk did not tell why")
            }
            other => Self::new(other, EndedBy::Carrier),
        }
    }
}

impl Phase {
    /// A has answered. Whether that is news.
    pub(crate) fn answer(&mut self, answer: Answer) -> bool {
        match self {
            Self::Dialing { .. } => {
                *self = Self::Connecting(answer);
                true
            }
            // The hangup was on its way: who picked up hears nobody.
            Self::HangingUp {
                verdict,
                answered: answered @ None,
                ..
            } => {
                *answered = Some(answer);
                verdict.disposition = Disposition::Abandoned;
                true
            }
            _ => false,
        }
    }

    /// Decides how the call ends, unless that is decided.
    pub(crate) fn hang_up(&mut self, now: Time, verdict: Verdict) {
        if !self.is_hanging_up() {
            *self = Self::HangingUp {
                since: now,
                verdict,
                answered: self.answered(),
                bridged: self.bridged(),
            };
        }
    }

    /// A is somebody else's now, whatever was decided before.
    pub(crate) fn hand_over(&mut self, now: Time, verdict: Verdict) {
        if let Self::HangingUp { verdict: was, .. } = self {
            (was.by, was.note) = (verdict.by, verdict.note);
        } else {
            self.hang_up(now, verdict);
        }
    }

    /// Takes back a conversation that there never was: only the last events told that one had
    /// left before the other one came.
    pub(crate) fn take_back_conversation(&mut self) {
        if let Self::HangingUp {
            verdict, bridged, ..
        } = self
            && bridged.is_some()
        {
            *bridged = None;
            *verdict = Verdict {
                disposition: Disposition::Abandoned,
                ..verdict.note(MISSED)
            };
        }
    }

    /// A's end tells the cause, where nothing told one before.
    pub(crate) fn note_cause(&mut self, cause: HangupCause) {
        if let Self::HangingUp { verdict, .. } = self
            && verdict.cause == HangupCause::default()
        {
            verdict.cause = cause;
        }
    }

    /// A note on its end, where there is none.
    pub(crate) fn explain(&mut self, note: &'static str) {
        if let Self::HangingUp { verdict, .. } = self {
            verdict.note.get_or_insert(note);
        }
    }

    pub(crate) const fn is_dialing(self) -> bool {
        matches!(self, Self::Dialing { .. })
    }

    pub(crate) const fn is_connecting(self) -> bool {
        matches!(self, Self::Connecting(_))
    }

    pub(crate) const fn is_talking(self) -> bool {
        matches!(self, Self::Talking(..))
    }

    pub(crate) const fn is_hanging_up(self) -> bool {
        matches!(self, Self::HangingUp { .. })
    }

    pub(crate) const fn answered(self) -> Option<Answer> {
        match self {
            Self::Journaling | Self::Dialing { .. } => None,
            Self::Connecting(answer) | Self::Talking(answer, _) => Some(answer),
            Self::HangingUp { answered, .. } => answered,
        }
    }

    pub(crate) const fn bridged(self) -> Option<Bridged> {
        match self {
            Self::Journaling | Self::Dialing { .. } | Self::Connecting(_) => None,
            Self::Talking(_, bridged) => Some(bridged),
            Self::HangingUp { bridged, .. } => bridged,
        }
    }

    /// What it means where nothing was decided before that an operator ends the call.
    pub(crate) const fn verdict_of_operator(self) -> Option<Verdict> {
        let disposition = match self {
            Self::Journaling | Self::Dialing { .. } => Disposition::Cancelled,
            Self::Connecting(_) => Disposition::Abandoned,
            Self::Talking(..) => Disposition::Answered,
            Self::HangingUp { .. } => return None,
        };
        Some(Verdict::new(disposition, EndedBy::Operator))
    }

    /// What it means where nothing was decided before that somebody has moved a leg elsewhere.
    pub(crate) const fn verdict_when_handed_over(self) -> Verdict {
        let disposition = match self {
            Self::Talking(..) => Disposition::Answered,
            _ => Disposition::Abandoned,
        };
        Verdict::new(disposition, EndedBy::HandedOver)
    }
}
