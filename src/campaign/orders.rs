//! What a person or a program asks of the run and its calls.

use super::call::{Phase, Verdict};
use super::io::BY_OPERATOR;
use super::{AttemptId, Campaign, Command, Disposition, EndedBy, Outcome, RunState, Time};

impl Campaign {
    /// Does what a person or a program asks, or says why not.
    pub fn command(&mut self, now: Time, command: &Command) -> Outcome {
        let outcome = match command {
            Command::Start => self.start(now),
            Command::Pause => self.pause(now, BY_OPERATOR),
            Command::Drain => Ok(self.drain(now)),
            Command::StopNow => Ok(self.stop_now(now)),
            Command::SetMaxCc(max_cc) => {
                self.policy.max_cc = *max_cc;
                Ok(format!("MAX_CC is {max_cc}"))
            }
            Command::HangUp(attempt) => self.hang_up_one(now, *attempt),
            Command::HangUpAll => Ok(format!("hanging up {} calls", self.hang_up_all(now))),
            Command::Skip(lead) => self.skip(now, *lead),
            Command::Requeue(lead) => self.requeue(now, *lead),
            Command::RequeueMany(again) => self.requeue_many(now, again),
        };
        self.place_calls(now);
        self.settle(now);
        outcome
    }

    pub(super) fn start(&mut self, now: Time) -> Outcome {
        if let Some((_, said)) = self.start_next() {
            return Ok(said);
        }
        match self.state {
            RunState::Dialing => Ok("already dialing".to_owned()),
            RunState::Done => Err("the list is done; a new run calls it again".to_owned()),
            _ if self.leads.open() == 0 => Err("no number waits".to_owned()),
            RunState::Idle | RunState::Paused(_) | RunState::Draining => {
                self.no_more_hold(now);
                self.set_state(now, RunState::Dialing);
                Ok(format!("dialing, {} numbers wait", self.leads.waiting()))
            }
        }
    }

    fn pause(&mut self, now: Time, reason: &str) -> Outcome {
        if self.hold_next() {
            return Ok("the next run waits for a start".to_owned());
        }
        match self.state {
            RunState::Dialing | RunState::Draining => {
                self.set_state(now, RunState::Paused(reason.to_owned()));
                Ok(format!("paused, {} calls go on", self.live.len()))
            }
            ref other => Err(format!("nothing to pause: {}", other.word())),
        }
    }

    fn drain(&mut self, now: Time) -> String {
        self.hold_next();
        match self.state {
            RunState::Dialing | RunState::Paused(_) => {
                self.set_state(now, RunState::Draining);
                format!("draining, {} calls go on", self.live.len())
            }
            // An idle dialer may still have calls adopted from a dead process.
            _ => format!("no new calls, {} calls go on", self.live.len()),
        }
    }

    fn stop_now(&mut self, now: Time) -> String {
        self.hold_next();
        if matches!(self.state, RunState::Dialing | RunState::Paused(_)) {
            self.set_state(now, RunState::Draining);
        }
        self.withdraw_unsent(now);
        format!("hanging up {} calls", self.hang_up_all(now))
    }

    fn hang_up_all(&mut self, now: Time) -> usize {
        let all: Vec<AttemptId> = self.live.keys().copied().collect();
        for attempt in &all {
            // Each of them is live, so it can't be refused.
            let _ = self.hang_up_one(now, *attempt);
        }
        all.len()
    }

    fn hang_up_one(&mut self, now: Time, attempt: AttemptId) -> Outcome {
        let Some(call) = self.live.get(&attempt) else {
            return Err(format!("no call {attempt} is up"));
        };
        let number = call.number.clone();
        let disposition = match call.phase {
            Phase::Journaling | Phase::Dialing { .. } => Disposition::Cancelled,
            Phase::Connecting(_) => Disposition::Abandoned,
            Phase::Talking(..) => Disposition::Answered,
            Phase::HangingUp { .. } => return Ok(format!("{number} is ending")),
        };
        self.end(now, attempt, Verdict::new(disposition, EndedBy::Operator));
        Ok(format!("hanging up {number}"))
    }
}
