//! How channels end.

#[cfg(test)]
use std::time::Duration;

use serde_json::Value;

use super::agenda::Step;
use super::apps::About;
use super::channel::{Hold, Role, State, cause_text};
use super::message::{Answer, Request, Response};
use super::{World, channel_event};
#[cfg(test)]
use crate::campaign::Time;
use crate::simulator::scenario::TargetOutcome;

pub(super) const NORMAL_CLEARING: u16 = 16;
const USER_BUSY: u16 = 17;
const NO_ANSWER: u16 = 19;
const REJECTED: u16 = 21;
const CONGESTION: u16 = 34;
/// What a hangup by ARI's own hand shows in `ChannelHangupRequest`.
const BY_REQUEST: u16 = 32;

impl World {
    /// The far end of a channel hangs up, so long after `now`.
    #[cfg(test)]
    pub(crate) fn leaves(&mut self, now: Time, id: &str, after: Duration) {
        self.advance(now);
        self.plan(id, self.now + after, Step::Leave);
    }

    /// `DELETE /channels/{id}`.
    pub(super) fn delete_channel(&mut self, id: &str, request: &Request) -> Answer {
        let channel = self.channel(id)?;
        let cause = wanted_cause(request)?;
        let originated = channel.dialed && !channel.staged && channel.state != State::Up;
        // Only a cause that was asked for gets a SIP status.
        let sip = (channel.is_sip() && cause != NORMAL_CLEARING).then(|| sip_status(cause));
        self.request_hangup(id, Some(BY_REQUEST), None, true);
        if self.does_not_end(id) {
            return Ok(Response::no_content());
        }
        if originated {
            self.tell_progress(id, "NOANSWER");
        }
        self.end(id, cause, sip.flatten());
        Ok(Response::no_content())
    }

    /// The carrier refuses.
    pub(super) fn refuse(&mut self, id: &str, cause: u16, (sip, by_analytics): (u16, bool)) {
        self.request_hangup(id, Some(cause), Some(sip), false);
        self.note_answer(id, sip_answer(sip, by_analytics));
        self.tell_progress(id, dial_status(cause));
        self.end_or_keep(id, cause, Some(sip));
    }

    /// From now on the events of `id` show how its far end refused.
    fn note_answer(&mut self, id: &str, answer: String) {
        if let Some(channel) = self.channels.get_mut(id) {
            channel.sip_answer = Some(answer);
        }
    }

    /// The dialing of `id` took too long.
    pub(super) fn give_up(&mut self, id: &str) {
        let Some(channel) = self.channels.get(id) else {
            return;
        };
        if channel.state == State::Up {
            return;
        }
        let sip = channel.is_sip().then_some(480);
        if channel.staged {
            self.request_hangup(id, Some(BY_REQUEST), None, true);
        }
        self.end(id, NO_ANSWER, sip);
    }

    /// The far end of `id` hangs up.
    pub(super) fn leave(&mut self, id: &str) {
        let Some(channel) = self.channels.get(id) else {
            return;
        };
        if channel.replaced_by.is_some() {
            return self.leave_replaced(id);
        }
        if !channel.is_sip() {
            let cause = if channel.staged { NORMAL_CLEARING } else { 0 };
            self.request_hangup(id, Some(0), None, false);
            self.end_or_keep(id, cause, None);
            return;
        }
        // A bridge takes the hangup before the cause is known.
        let cause = channel.bridge.is_none().then_some(NORMAL_CLEARING);
        self.request_hangup(id, cause, None, false);
        self.end_or_keep(id, NORMAL_CLEARING, None);
    }

    /// The far end of `id` is gone; its channel may stay.
    fn end_or_keep(&mut self, id: &str, cause: u16, sip: Option<u16>) {
        if !self.faults.keeps_channel(&mut self.dice) {
            self.end(id, cause, sip);
            return;
        }
        let half = self.half_of(id);
        for id in [Some(id), half.as_deref()].into_iter().flatten() {
            self.leave_bridge(id);
            self.hold(id, Hold::Kept);
        }
    }

    /// Whether it stays though it was asked to go.
    fn does_not_end(&mut self, id: &str) -> bool {
        let channel = &self.channels[id];
        let may_be_deaf = channel.hold == Hold::None && channel.is_callee();
        if may_be_deaf && self.faults.deafens_channel(&mut self.dice) {
            self.hold(id, Hold::Deaf);
        }
        self.channels[id].hold != Hold::None
    }

    fn hold(&mut self, id: &str, hold: Hold) {
        if let Some(channel) = self.channels.get_mut(id) {
            channel.hold = hold;
        }
        if let Some(lasts) = self.faults.keeps_for(&mut self.dice) {
            self.plan(id, self.now + lasts, Step::EndAtLast);
        }
    }

    /// A target does not come.
    pub(super) fn fail_target(&mut self, id: &str, failure: TargetOutcome) {
        let Some(channel) = self.channels.get(id) else {
            return;
        };
        if channel.is_sip() {
            let (cause, sip) = match failure {
                TargetOutcome::Busy => (USER_BUSY, 486),
                TargetOutcome::Congestion => (CONGESTION, 503),
                TargetOutcome::Missing => (1, 404),
                _ => (REJECTED, 603),
            };
            self.request_hangup(id, Some(cause), Some(sip), false);
            self.note_answer(id, sip_answer(sip, false));
            if !self.channels[id].staged {
                self.tell_progress(id, dial_status(cause));
            }
            self.end(id, cause, Some(sip));
            return;
        }
        let staged = channel.staged;
        match failure {
            TargetOutcome::Busy => self.play_tone(id, USER_BUSY, staged),
            TargetOutcome::Congestion => self.play_tone(id, CONGESTION, staged),
            TargetOutcome::HangsUp => {
                self.request_hangup(id, Some(NORMAL_CLEARING), None, false);
                if !staged {
                    self.tell_progress(id, "NOANSWER");
                }
                self.end(id, NORMAL_CLEARING, None);
            }
            _ => self.end(id, if staged { NORMAL_CLEARING } else { 0 }, None),
        }
    }

    /// The dialplan plays the busy tone: to a leg that `/dial` dials for as long as it likes,
    /// while an origination ends.
    fn play_tone(&mut self, id: &str, cause: u16, staged: bool) {
        if let Some(half) = self.half_of(id) {
            self.set_state(&half, State::Busy);
        }
        self.tell_progress(id, dial_status(cause));
        if !staged {
            self.end_with_half(id, (0, None), cause);
        }
    }

    /// A `ChannelHangupRequest`.
    pub(super) fn request_hangup(
        &mut self,
        id: &str,
        cause: Option<u16>,
        sip: Option<u16>,
        soft: bool,
    ) {
        let Some(channel) = self.channels.get(id) else {
            return;
        };
        let mut event = channel_event("ChannelHangupRequest", channel);
        if let Some(cause) = cause {
            event["cause"] = cause.into();
        }
        if let Some(sip) = sip {
            event["tech_cause"] = sip.into();
        }
        if soft {
            event["soft"] = Value::Bool(true);
        }
        self.emit(About::channel(id), &event);
    }

    /// The channel is no more, nor the second half of a local one.
    pub(super) fn end(&mut self, id: &str, cause: u16, sip: Option<u16>) {
        self.end_with_half(id, (cause, sip), cause);
    }

    fn end_with_half(&mut self, id: &str, (cause, sip): (u16, Option<u16>), half_cause: u16) {
        let half = self.half_of(id);
        let first = match self.channels.get(id).map(|c| &c.role) {
            Some(Role::Half { first }) => Some(first.clone()),
            _ => None,
        };
        self.end_one(id, cause, sip);
        if let Some(half) = half {
            self.end_one(&half, half_cause, None);
        }
        if let Some(first) = first {
            self.end_one(&first, cause, sip);
        }
    }

    fn end_one(&mut self, id: &str, cause: u16, sip: Option<u16>) {
        let Some(channel) = self.channels.get(id) else {
            return;
        };
        let recording = channel.recording.clone();
        let listeners = self.listeners_of(id);
        self.leave_bridge(id);
        if let Some(name) = recording {
            self.finish_recording(&name, true);
        }
        for listener in listeners {
            self.end_one(&listener, NORMAL_CLEARING, None);
        }
        self.leave_stasis(id);
        let Some(channel) = self.channels.remove(id) else {
            return;
        };
        let mut event = channel_event("ChannelDestroyed", &channel);
        event["cause"] = cause.into();
        event["cause_txt"] = cause_text(cause).into();
        if let Some(sip) = sip {
            event["tech_cause"] = sip.into();
        }
        self.emit(About::channel(id), &event);
        self.unsubscribe(id);
    }

    pub(super) fn leave_stasis(&mut self, id: &str) {
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        if !channel.in_stasis {
            return;
        }
        let event = channel_event("StasisEnd", channel);
        channel.in_stasis = false;
        let app = channel.app.clone();
        self.send(&app, &event);
        self.unsubscribe_stasis(id);
    }

    fn listeners_of(&self, id: &str) -> Vec<String> {
        let listens = |role: &Role| matches!(role, Role::Snoop { spied } if spied == id);
        let channels = self.channels.values();
        channels
            .filter(|c| listens(&c.role))
            .map(|c| c.id.clone())
            .collect()
    }
}

/// The cause that a hangup is asked to give.
fn wanted_cause(request: &Request) -> Result<u16, Response> {
    if let Some(code) = request.param("reason_code") {
        let text = "Invalid reason for hangup reason code provided";
        return code.parse().map_err(|_| Response::error(400, text));
    }
    Ok(match request.param("reason") {
        None | Some("normal") => NORMAL_CLEARING,
        Some("busy") => USER_BUSY,
        Some("congestion") => CONGESTION,
        Some("no_answer") => NO_ANSWER,
        Some("rejected") => REJECTED,
        Some("answered_elsewhere") => 26,
        Some("unallocated") => 1,
        Some("timeout") => 102,
        Some(_) => {
            let text = "Invalid reason for hangup reason provided";
            return Err(Response::error(400, text));
        }
    })
}

/// What the last `Dial` event of a refused origination says.
const fn dial_status(cause: u16) -> &'static str {
    match cause {
        USER_BUSY => "BUSY",
        CONGESTION => "CONGESTION",
        _ => "NOANSWER",
    }
}

/// The SIP status that `cause` stands for, where there is one.
const fn sip_status(cause: u16) -> Option<u16> {
    match cause {
        1 => Some(404),
        USER_BUSY => Some(486),
        NO_ANSWER => Some(480),
        REJECTED => Some(403),
        CONGESTION => Some(503),
        102 => Some(504),
        _ => None,
    }
}

/// The status line as Asterisk tells it, with the words that <https://www.rfc-editor.org/rfc/rfc3261>
/// has for the status.
fn sip_answer(status: u16, by_analytics: bool) -> String {
    let words = match status {
        _ if by_analytics => "Network Blocked",
        403 => "Forbidden",
        404 => "Not Found",
        410 => "Gone",
        480 => "Temporarily Unavailable",
        484 => "Address Incomplete",
        486 => "Busy Here",
        488 => "Not Acceptable Here",
        500 => "Server Internal Error",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        603 => "Decline",
        _ => "",
    };
    format!("SIP {status} {words}").trim_end().to_owned()
}
