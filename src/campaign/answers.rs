//! What Asterisk's answers to requests do to a call.

use std::time::Duration;

use super::call::Verdict;
use super::channel::Presence;
use super::io::{Effect, Op, OpError};
use super::progress::FAILED_TARGET;
use super::timers::Timer;
use super::{AttemptId, Campaign, Disposition, EndedBy, Part, RunState, Time, TrunkIs};

/// How long after a refused bridge or join it is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(50);

impl Campaign {
    /// Asterisk answered a request, or did not.
    pub(super) fn answered(
        &mut self,
        now: Time,
        attempt: AttemptId,
        op: Op,
        result: Result<(), OpError>,
    ) {
        self.hear_answer(now, result);
        if let Op::Find(part) = op {
            return self.found(now, attempt, part, result);
        }
        if matches!(op, Op::AskTarget { .. }) {
            return self.target_told(now, attempt, result);
        }
        let Some(facts) = self.facts(attempt) else {
            return;
        };
        if (op, result) == (Op::OriginateB, Err(OpError::Refused(409))) {
            facts.go_back_to_staged(now);
        }
        // Events are the better witness: an answer that they outran decides nothing more.
        let result = if facts.outran(op) { Ok(()) } else { result };
        facts.note_answer(now, op, result);
        self.recording_answered(now, attempt, op, result);
        if self.remains.contains_key(&attempt) {
            self.clear_remains(attempt);
            return;
        }
        match result {
            Ok(()) if op == Op::OriginateA => {
                self.setbacks = 0;
                self.carrier_is_back();
            }
            Ok(()) => {}
            Err(error) => self.refused(now, attempt, op, error),
        }
        // What is tried again has a timer, so as not to be tried in a tight loop.
        let again = matches!(op, Op::CreateBridge | Op::Join(_));
        if result.is_ok() || !again {
            self.advance(now, attempt);
        }
    }

    fn refused(&mut self, now: Time, attempt: AttemptId, op: Op, error: OpError) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        match op {
            // How it ends is decided.
            _ if call.is_hanging_up() => {}
            Op::OriginateA => self.originate_refused(now, attempt, error),
            // Also where nobody knows whether it was made: who has answered can't wait.
            Op::CreateB => call.facts.fall_back_to_plain(),
            Op::CreateBridge | Op::Join(_) => self.bridging_refused(now, attempt, op, error),
            Op::OriginateB | Op::DialB if error != OpError::Unknown => {
                let verdict = Verdict::new(Disposition::Abandoned, EndedBy::Target);
                self.target_failed(now, attempt, verdict.note(FAILED_TARGET));
            }
            _ => {}
        }
    }

    fn bridging_refused(&mut self, now: Time, attempt: AttemptId, op: Op, error: OpError) {
        let Some(call) = self.live.get_mut(&attempt) else {
            return;
        };
        // Who may be in the bridge by now is not hung up for that.
        let may_talk = error == OpError::Unknown && matches!(op, Op::Join(_));
        if !may_talk {
            call.facts.note_trouble();
        }
        if op == Op::Join(Part::B) {
            call.facts.fall_back_to_plain();
        }
        if call.facts.is_hopeless() && !may_talk {
            let verdict = Verdict::new(Disposition::Abandoned, EndedBy::Carrier)
                .note("Asterisk refused to bridge the call");
            self.target_failed(now, attempt, verdict);
        } else {
            let again_at = now + TRY_AGAIN_AFTER;
            self.timers.set(again_at, attempt, Timer::Insist);
        }
    }

    fn originate_refused(&mut self, now: Time, attempt: AttemptId, error: OpError) {
        match error {
            // Asterisk is not to blame, so nothing is held back on its account.
            OpError::Withheld => self.withdraw(now, attempt),
            // Nothing has left: the lead loses nothing by waiting a moment.
            OpError::NotSent | OpError::TooEarly | OpError::NotFound => {
                self.hold(now);
                self.withdraw(now, attempt);
            }
            // It may ring now; with 409 it surely does, by a request of ours that was thought
            // lost. It is hung up, and nobody is called a second time for it.
            OpError::Unknown | OpError::Refused(409) => {
                self.hold(now);
                self.originate_doubtful(now, attempt);
            }
            OpError::Login => {
                self.pause_by_rule(
                    now,
                    "Asterisk refused the login: check ARI_USERNAME and ARI_PASSWORD",
                );
                self.withdraw(now, attempt);
            }
            // "Allocation failed": no room, or no such trunk.
            OpError::Refused(500..) => self.effects.push_back(Effect::ProbeTrunk(attempt)),
            OpError::Refused(_) => {
                self.pause_by_rule(
                    now,
                    "Asterisk refused the dial string: check ARI_TRUNK and CALLER_ID",
                );
                self.withdraw(now, attempt);
            }
        }
    }

    fn originate_doubtful(&mut self, now: Time, attempt: AttemptId) {
        if let Some(call) = self.live.get_mut(&attempt) {
            call.facts.a.presence = Presence::There;
        }
        let verdict = Verdict::new(Disposition::Failed, EndedBy::Carrier)
            .note("Asterisk did not answer the originate in time");
        self.end(now, attempt, verdict);
    }

    /// How the trunk stands, after an originate was refused with 500.
    pub(super) fn trunk_probed(&mut self, now: Time, attempt: AttemptId, trunk: TrunkIs) {
        let Some(call) = self.live.get(&attempt) else {
            return;
        };
        if call.facts.a.presence != Presence::Never {
            // It was carried out after all.
            return;
        }
        match trunk {
            TrunkIs::There => {
                // No room: the next one would fare no better at once.
                self.hold(now);
                let verdict = Verdict::new(Disposition::Congestion, EndedBy::Carrier)
                    .q850(34)
                    .note("Asterisk could not allocate a channel");
                self.end(now, attempt, verdict);
            }
            TrunkIs::Away if call.is_hanging_up() => self.advance(now, attempt),
            TrunkIs::Away => self.carrier_is_away(now, attempt),
            TrunkIs::Missing => {
                self.pause_by_rule(
                    now,
                    "Asterisk knows no such trunk: check ARI_TRUNK and pjsip.conf",
                );
                self.withdraw(now, attempt);
            }
        }
    }

    /// Something outside shows that nobody must be dialed for now, and what to mend.
    pub fn pause_for(&mut self, now: Time, reason: &str) {
        self.pause_by_rule(now, reason);
        self.withdraw_unsent(now);
    }

    pub(super) fn pause_by_rule(&mut self, now: Time, reason: &str) {
        if self.state == RunState::Dialing {
            self.set_state(now, RunState::Paused(reason.to_owned()));
        }
    }
}
