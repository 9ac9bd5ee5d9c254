//! A carrier that is not there: its address is dead, or what is sent to it vanishes.
//!
//! Asterisk tells nothing of it in its events: a call ends as if it had rung for `CALL_TIMEOUT`.
//! But while a call is up it can be asked whether anything came back, a mere "100 Trying"
//! included. Who says that much has taken the call, and it counts as any other.

use std::time::Duration;

use super::call::{Call, Phase, Verdict};
use super::channel::Presence;
use super::disposition::TrunkFault;
use super::facts::CarrierSays;
use super::io::{Effect, Notice};
use super::{AttemptId, Campaign, Disposition, EndedBy, Time};

/// How long before the end of `CALL_TIMEOUT` the call is asked about: its answer has to come
/// before the call is gone.
const BEFORE_THE_END: Duration = Duration::from_secs(1);

/// An INVITE without any answer is given up by SIP itself after 64 times T1, which is 0.5 s.
const SIP_GIVES_UP: Duration = Duration::from_secs(32);

const NOTHING_CAME: TrunkFault = TrunkFault {
    note: "the carrier answered nothing at all: the number waits again",
    reason: "the carrier answers nothing at all, not even that it tries: check the address of \
             ARI_TRUNK in pjsip.conf and the network to it, then start",
};

/// What is told once while the carrier is away, as Asterisk knows by its own OPTIONS.
const AWAY: &str = "the trunk's carrier does not answer Asterisk's OPTIONS: nobody is called until \
                    it does, and it is tried again; check contact= of ARI_TRUNK in pjsip.conf";
const BACK: &str = "the trunk's carrier can be dialed again";

/// How the carrier stands, as Asterisk knows by its own OPTIONS.
#[derive(Debug, Default)]
pub(super) struct Carrier {
    /// Nobody answers at the trunk's addresses.
    pub(super) away: bool,
}

/// What Asterisk says of the trunk after it did not take a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrunkIs {
    /// It knows no such trunk.
    Missing,
    /// It knows the trunk, and that nobody answers at its addresses.
    Away,
    /// The trunk is there, as far as it tells.
    There,
}

/// When a call is asked about.
pub(super) fn ask_after(call_timeout: Duration) -> Duration {
    let end = call_timeout.min(SIP_GIVES_UP);
    end.saturating_sub(BEFORE_THE_END).max(end / 2)
}

impl Campaign {
    /// A call has shown no sign of life for nearly as long as it may.
    pub(super) fn ask_about_carrier(&mut self, attempt: AttemptId) {
        let Some(call) = self.live.get(&attempt) else {
            return;
        };
        let dialing = matches!(call.phase, Phase::Dialing { .. });
        let is_there = call.facts.a.presence == Presence::There;
        if dialing && is_there && !call.showed_life() {
            self.effects.push_back(Effect::AskCarrier(attempt));
        }
    }

    /// Whether anything at all has come back from the carrier for a call.
    pub(super) fn carrier_asked(&mut self, attempt: AttemptId, answered: bool) {
        if let Some(call) = self.live.get_mut(&attempt) {
            call.facts.carrier = if answered {
                CarrierSays::Unknown
            } else {
                CarrierSays::Nothing
            };
        }
    }

    /// Asterisk did not take a call, since nobody answers at the trunk's addresses: it was never
    /// sent, so its lead loses nothing, and dialing is tried again later and later.
    pub(super) fn carrier_is_away(&mut self, now: Time, attempt: AttemptId) {
        self.hold(now);
        self.withdraw(now, attempt);
        if !std::mem::replace(&mut self.carrier.away, true) {
            self.effects
                .push_back(Effect::Tell(Notice::Warning(AWAY.to_owned())));
        }
    }

    /// Asterisk has taken a call.
    pub(super) fn carrier_is_back(&mut self) {
        if std::mem::take(&mut self.carrier.away) {
            self.effects
                .push_back(Effect::Tell(Notice::Warning(BACK.to_owned())));
        }
    }
}

impl Call {
    /// What is wrong with the trunk, where that is why the call ended so: nobody's phone rang.
    pub(super) fn trunk_fault(&self, verdict: Verdict) -> Option<TrunkFault> {
        if self.showed_life() || !matches!(verdict.by, EndedBy::Carrier | EndedBy::Timer) {
            return None;
        }
        if self.facts.carrier == CarrierSays::Nothing
            && verdict.disposition == Disposition::NoAnswer
        {
            return Some(NOTHING_CAME);
        }
        verdict.cause.trunk_fault()
    }
}

impl Verdict {
    /// The same where the trunk was at fault: it was no answer of the person dialed.
    pub(super) const fn blamed_on(self, fault: TrunkFault) -> Self {
        Self {
            disposition: Disposition::Failed,
            by: EndedBy::Carrier,
            ..self.note(fault.note)
        }
    }
}
