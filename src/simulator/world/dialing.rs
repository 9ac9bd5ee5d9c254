//! What becomes of a dialed channel: it rings, is answered, refused or given up.

use std::time::Duration;

use serde_json::{Value, json};

use super::agenda::{Happening, Step};
use super::apps::About;
use super::channel::{Channel, Role, State};
use super::hangup::NORMAL_CLEARING;
use super::message::{Answer, Request, Response};
use super::{World, channel_event};
use crate::campaign::Time;
use crate::simulator::scenario::{
    Callee, Outcome, Queue, Signal, Span, Target, TargetOutcome, dice,
};

/// How long the far end takes to say anything at all.
const NETWORK: Duration = Duration::from_millis(2);

impl World {
    /// `POST /channels/{id}/dial`.
    pub(super) fn dial(&mut self, id: &str, request: &Request) -> Answer {
        let channel = self.controlled(id)?;
        if channel.state != State::Down || channel.dialed {
            return Err(Response::error(409, "Channel is not in the 'Down' state"));
        }
        self.begin_dialing(id, seconds(request.param("timeout").unwrap_or("0")));
        Ok(Response::no_content())
    }

    /// Writes `number` into the carrier's log; what becomes of the call.
    pub(super) fn place_call(&mut self, number: &str) -> Callee {
        let nth = self.dials.entry(number.to_owned()).or_default();
        let fate = self.config.scenario.callee(self.config.seed, number, *nth);
        *nth += 1;
        self.placed.push(number.to_owned());
        fate
    }

    /// Dials `id`; a `timeout` in seconds of 0 or less is none.
    pub(super) fn begin_dialing(&mut self, id: &str, timeout: f64) {
        self.decide_target(id);
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        channel.dialed = true;
        let (signal, after, missing) = prospect(&channel.role);
        let dial_string = channel.dial_string.clone();
        // A local channel to nowhere ends before Asterisk calls it dialing.
        if !missing {
            self.tell_dial(id, "", &dial_string);
        }
        let dice = &mut self.dice_of(id, "after");
        let answer_at = self.now + NETWORK + self.at_speed(after.draw(dice));
        if signal {
            self.plan(id, self.now + NETWORK, Step::Signal);
        }
        self.plan(id, answer_at, Step::Outcome);
        if timeout > 0.0 {
            let limit = self.at_speed(Duration::from_secs_f64(timeout.min(1e6)));
            self.plan(id, self.now + limit, Step::Timeout);
        }
    }

    /// Takes the channel `id` a step further.
    pub(super) fn step(&mut self, id: &str, step: Step) {
        match step {
            Step::EnterStasis => self.enter_stasis(id),
            Step::Signal => self.signal(id),
            Step::Outcome => self.outcome(id),
            Step::Timeout => self.give_up(id),
            Step::Leave => self.leave(id),
            Step::EndAtLast => self.end(id, NORMAL_CLEARING, None),
            Step::Agent => self.tell_agent(id, "ANSWER"),
        }
    }

    pub(super) fn plan(&mut self, id: &str, at: crate::campaign::Time, step: Step) {
        if let Some(channel) = self.channels.get(id) {
            let happening = Happening::Channel {
                id: id.to_owned(),
                serial: channel.serial,
                step,
            };
            self.agenda.note(at, happening);
        }
    }

    /// Settles what the target `id` does, now that it is dialed.
    fn decide_target(&mut self, id: &str) {
        let (number, nth) = self.customer(id);
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        if let Role::Target(target) = &mut channel.role {
            let scenario = &self.config.scenario;
            target.fate = Some(scenario.target(self.config.seed, &target.name, (&number, nth)));
        }
    }

    /// For whom the target `id` is dialed: the number that it is shown, or that stands in the
    /// same bridge, and how often that number was dialed before this call.
    fn customer(&self, id: &str) -> (String, u32) {
        let Some(channel) = self.channels.get(id) else {
            return (id.to_owned(), 0);
        };
        let in_bridge = channel.bridge.as_ref().and_then(|bridge| {
            let members = self.bridges.get(bridge)?.channels.iter();
            let mut callees = members
                .filter_map(|m| self.channels.get(m))
                .filter(|c| c.is_callee());
            let (number, _) = callees.next()?.dial_string.split_once('@')?;
            Some(number.to_owned())
        });
        let shown = &channel.connected.1;
        let number = if self.dials.contains_key(shown) {
            shown.clone()
        } else {
            in_bridge.unwrap_or_else(|| id.to_owned())
        };
        let dialed = self.dials.get(&number).copied().unwrap_or_default();
        (number, dialed.saturating_sub(1))
    }

    /// Dice for `purpose` that hang on whom the channel stands for, not on when it came.
    fn dice_of(&self, id: &str, purpose: &str) -> fastrand::Rng {
        let Some(channel) = self.channels.get(id) else {
            return dice(self.config.seed, purpose, id, 0);
        };
        if channel.is_callee() {
            let (number, _) = channel.dial_string.split_once('@').unwrap_or_default();
            let dialed = self.dials.get(number).copied().unwrap_or_default();
            return dice(self.config.seed, purpose, number, dialed);
        }
        let (number, nth) = self.customer(id);
        dice(self.config.seed ^ 1, purpose, &number, nth)
    }

    fn signal(&mut self, id: &str) {
        let Some(channel) = self.channels.get(id) else {
            return;
        };
        let (rings, early) = match &channel.role {
            Role::Callee(callee) => (
                callee.signal == Signal::Ringing,
                callee.signal == Signal::EarlyMedia,
            ),
            role => (fate(role).is_some_and(|fate| fate.rings), false),
        };
        let queued = fate(&channel.role).is_some_and(|fate| fate.queue == Some(Queue::Plain));
        if queued {
            self.tell_agent(id, "");
        }
        if rings {
            if queued {
                self.tell_agent(id, "RINGING");
            }
            self.set_state(id, State::Ringing);
            self.tell_progress(id, "RINGING");
        }
        if early {
            if let Some(channel) = self.channels.get_mut(id) {
                channel.sound_since = Some(self.now);
            }
            self.tell_progress(id, "PROGRESS");
        }
    }

    fn outcome(&mut self, id: &str) {
        let Some(channel) = self.channels.get(id) else {
            return;
        };
        match &channel.role {
            Role::Callee(callee) => match callee.then {
                Outcome::Answers { talks } => self.answer(id, talks),
                Outcome::Refuses {
                    cause,
                    sip,
                    by_analytics,
                } => self.refuse(id, cause, (sip, by_analytics)),
                Outcome::Never => {}
            },
            role => match fate(role).map(|fate| fate.then) {
                Some(TargetOutcome::Answers { talks }) => self.answer(id, talks),
                Some(TargetOutcome::Never) | None => {}
                Some(failure) => self.fail_target(id, failure),
            },
        }
    }

    /// Somebody picks up.
    /// The far end of `id`, which rings, answers and stays. Whether it rings.
    pub fn pick_up(&mut self, now: Time, id: &str) -> bool {
        self.advance(now);
        let rings = self.channels.get(id);
        let rings = rings.is_some_and(|channel| channel.state == State::Ringing);
        if rings {
            self.answer(id, None);
        }
        rings
    }

    fn answer(&mut self, id: &str, talks: Option<Span>) {
        let queue = self
            .channels
            .get(id)
            .and_then(|channel| fate(&channel.role)?.queue);
        if queue == Some(Queue::Plain) {
            self.tell_agent(id, "ANSWER");
        }
        self.set_state(id, State::Up);
        if let Some(half) = self.half_of(id) {
            self.set_state(&half, State::Up);
        }
        self.tell_progress(id, "ANSWER");
        if let Some(Queue::BehindAnswer(span)) = queue {
            self.tell_agent(id, "");
            let after = self.at_speed(span.draw(&mut self.dice_of(id, "agent")));
            self.plan(id, self.now + after, Step::Agent);
        }
        if let Some(span) = talks {
            let talk = self.at_speed(span.draw(&mut self.dice_of(id, "talk")));
            self.plan(id, self.now + talk, Step::Leave);
        }
        if self.channels.get(id).is_some_and(|c| !c.in_stasis) {
            self.enter_stasis(id);
        }
    }

    pub(super) fn half_of(&self, id: &str) -> Option<String> {
        self.channels.get(id)?.target()?.half.clone()
    }

    pub(super) fn set_state(&mut self, id: &str, state: State) {
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        channel.state = state;
        if state == State::Up {
            channel.up_since = Some(self.now);
            channel.sound_since.get_or_insert(self.now);
        }
        let event = channel_event("ChannelStateChange", channel);
        self.emit(About::channel(id), &event);
        self.listen();
    }

    /// A `Dial` event about how the dialing of `id` goes on. Where it was begun by `/dial`,
    /// Asterisk leaves the dial string out.
    pub(super) fn tell_progress(&mut self, id: &str, status: &str) {
        let Some(channel) = self.channels.get(id) else {
            return;
        };
        let dial_string = if channel.staged {
            String::new()
        } else {
            channel.dial_string.clone()
        };
        self.tell_dial(id, status, &dial_string);
    }

    pub(super) fn tell_dial(&mut self, id: &str, status: &str, dial_string: &str) {
        if let Some(channel) = self.channels.get(id) {
            let event = dial_event(status, dial_string, channel);
            self.emit(About::channel(id), &event);
        }
    }

    /// A `Dial` event of the queue behind the target `id`: heard by who subscribed to the
    /// second half.
    fn tell_agent(&mut self, id: &str, status: &str) {
        let Some(half) = self.half_of(id) else {
            return;
        };
        let (Some(channel), Some(second)) = (self.channels.get(id), self.channels.get(&half))
        else {
            return;
        };
        let state = match status {
            "ANSWER" => State::Up,
            "RINGING" => State::Ringing,
            _ => State::Down,
        };
        let phone = Channel {
            id: format!("{}.{}", second.created.millis() / 1000, second.serial),
            name: format!("PJSIP/agent-{:08x}", channel.serial),
            protocol_id: format!("{:08x}-agent", channel.serial),
            state,
            ..second.clone()
        };
        let mut event = dial_event(status, "PJSIP/agent", &phone);
        event["caller"] = second.json();
        let about = About {
            caller: Some(&half),
            ..About::default()
        };
        self.emit(about, &event);
    }
}

fn dial_event(status: &str, dial_string: &str, peer: &Channel) -> Value {
    json!({
        "type": "Dial",
        "dialstatus": status,
        "dialstring": dial_string,
        "forward": "",
        "peer": peer.json(),
    })
}

/// Seconds as Asterisk reads them: what is no number is none.
pub(super) fn seconds(text: &str) -> f64 {
    text.parse().unwrap_or_default()
}

fn fate(role: &Role) -> Option<Target> {
    match role {
        Role::Target(target) => target.fate,
        _ => None,
    }
}

/// Whether anything is heard before the outcome, when the outcome comes, and whether there
/// is nobody to dial.
fn prospect(role: &Role) -> (bool, Span, bool) {
    match role {
        Role::Callee(callee) => (callee.signal != Signal::Silence, callee.after, false),
        role => fate(role).map_or((false, Span::NOTHING, false), |fate| {
            let heard = fate.rings || fate.queue == Some(Queue::Plain);
            (heard, fate.after, fate.then == TargetOutcome::Missing)
        }),
    }
}
