//! What others do to channels: a phone transfers its call, somebody redirects a leg, a channel
//! that nobody asked for enters an application.

use std::time::Duration;

use serde_json::json;

use super::agenda::Step;
use super::apps::About;
use super::channel::{Channel, Hold, Role, State, TargetLeg};
use super::hangup::NORMAL_CLEARING;
use super::message::{Answer, Response};
use super::{World, channel_event};
use crate::campaign::Time;

impl World {
    /// The phone of the channel `id` transfers its call (REFER): a local channel of Asterisk's
    /// own takes its place in the bridge and in the application, answers at once and hangs up
    /// `after` a while. The phone hears that it went well, and hangs up `lingers` later. `to` is the extension with its context: `100@lab-transfers`.
    /// `None` if the channel is in no conversation.
    pub fn transfer(
        &mut self,
        now: Time,
        id: &str,
        to: &str,
        lingers: Duration,
        after: Option<Duration>,
    ) -> Option<String> {
        self.advance(now);
        let old = self.channels.get(id)?.clone();
        let bridge = old.bridge.clone()?;
        if old.state != State::Up
            || !old.in_stasis
            || old.hold != Hold::None
            || old.replaced_by.is_some()
        {
            return None;
        }
        if !self.is_connected(&old.app) {
            // No channel enters an application that nobody is connected to (measured on 22.10.1).
            self.leave_replaced(id);
            return None;
        }
        let by = self.draw_up_local(&old, to);
        let mut event = channel_event("StasisStart", self.channels.get(&by)?);
        event["args"] = json!([]);
        event["replace_channel"] = old.json();
        self.subscribe_stasis(&old.app, &by);
        self.emit(About::channel(&by), &event);
        self.leave_bridge(id);
        self.enter_bridge(&by, &bridge);
        self.set_state(&by, State::Up);
        self.tell_dial(&by, "ANSWER", "");
        if let Some(channel) = self.channels.get_mut(id) {
            channel.replaced_by = Some(by.clone());
        }
        if lingers.is_zero() {
            self.leave(id);
        } else {
            self.plan(id, self.now + lingers, Step::Leave);
        }
        if let Some(after) = after {
            self.plan(&by, self.now + after, Step::Leave);
        }
        Some(by)
    }

    /// The phone of a channel that another one has replaced hangs up. Of its end nobody hears
    /// (measured on 22.10.1).
    pub(super) fn leave_replaced(&mut self, id: &str) {
        self.request_hangup(id, Some(NORMAL_CLEARING), None, false);
        self.leave_stasis(id);
        self.unsubscribe(id);
        self.end(id, NORMAL_CLEARING, None);
    }

    /// `POST /channels/{id}/continue`: the channel goes on in the dialplan.
    pub(super) fn continue_channel(&mut self, id: &str) -> Answer {
        self.controlled(id)?;
        self.redirect(self.now, id, None);
        Ok(Response::no_content())
    }

    /// Somebody moves the channel `id` out of its application, to an extension where it hangs
    /// up `after` a while: a redirect, `continue`. Whether it could be moved.
    pub fn redirect(&mut self, now: Time, id: &str, after: Option<Duration>) -> bool {
        self.advance(now);
        let may = |c: &Channel| c.state == State::Up && c.in_stasis && c.hold == Hold::None;
        if !self.channels.get(id).is_some_and(may) {
            return false;
        }
        self.leave_bridge(id);
        self.leave_stasis(id);
        if let Some(channel) = self.channels.get_mut(id) {
            channel.elsewhere_since = Some(now);
        }
        if let Some(after) = after {
            self.plan(id, self.now + after, Step::Leave);
        }
        true
    }

    /// A channel that nobody here asked for enters `app`, as Asterisk's own does when a carrier
    /// redirects a call. `None` where nobody is connected.
    pub fn intrude(&mut self, now: Time, app: &str) -> Option<String> {
        self.advance(now);
        let like = self.channels.values().find(|c| c.app == app)?.clone();
        if !self.is_connected(app) {
            return None;
        }
        let id = self.draw_up_local(&like, "s@from-carrier");
        self.subscribe_stasis(app, &id);
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.in_stasis = false;
            channel.state = State::Up;
            channel.args = vec!["a".to_owned()];
            channel.stands_for = None;
        }
        self.enter_stasis(&id);
        Some(id)
    }

    /// A local channel of Asterisk's own, in the application of `like`.
    fn draw_up_local(&mut self, like: &Channel, place: &str) -> String {
        self.serial += 1;
        let id = self.unique_id();
        let (extension, context) = place.split_once('@').unwrap_or((place, ""));
        let channel = Channel {
            serial: self.serial,
            id: id.clone(),
            name: format!("Local/{place}-{:08x};1", self.serial),
            role: Role::Target(TargetLeg {
                name: place.to_owned(),
                half: None,
                fate: None,
            }),
            state: State::Down,
            protocol_id: String::new(),
            dial_string: place.to_owned(),
            place: (context.to_owned(), extension.to_owned()),
            created: self.now,
            args: Vec::new(),
            in_stasis: true,
            staged: false,
            dialed: true,
            bridge: None,
            recording: None,
            up_since: None,
            sip_answer: None,
            sound_since: None,
            elsewhere_since: None,
            replaced_by: None,
            stands_for: like.stands_for.clone().or_else(|| Some(like.id.clone())),
            ..like.clone()
        };
        self.channels.insert(id.clone(), channel);
        id
    }
}
