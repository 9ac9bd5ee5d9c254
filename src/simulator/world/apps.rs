//! Stasis applications: who is connected, what is subscribed, which events are wanted.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::agenda::Happening;
use super::channel::written;
use super::message::{Answer, Method, Request, Response};
use super::origination::arguments;
use super::{ConnectionId, Output, World, channel_event, list, no_resource, wrong_method};
use crate::campaign::Time;

/// A Stasis application. It lives while somebody is connected or something is subscribed.
#[derive(Debug, Default)]
pub(super) struct App {
    connection: Option<ConnectionId>,
    /// It hears of everything.
    subscribed_to_all: bool,
    /// Subscribed by an origination or by hand: until the channel is gone.
    channels: BTreeSet<String>,
    /// Subscribed by being in Stasis: until `StasisEnd`.
    in_stasis: BTreeSet<String>,
    bridges: BTreeSet<String>,
    allowed: Vec<Value>,
    disallowed: Vec<Value>,
}

/// What an event is about.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct About<'a> {
    pub(super) channel: Option<&'a str>,
    /// A second channel: the caller of a `Dial`.
    pub(super) caller: Option<&'a str>,
    pub(super) bridge: Option<&'a str>,
}

impl<'a> About<'a> {
    pub(super) fn channel(id: &'a str) -> Self {
        Self {
            channel: Some(id),
            ..Self::default()
        }
    }

    pub(super) fn bridge(id: &'a str) -> Self {
        Self {
            bridge: Some(id),
            ..Self::default()
        }
    }
}

impl App {
    fn hears_of(&self, about: About<'_>) -> bool {
        let channel = |id: Option<&str>| {
            id.is_some_and(|id| self.channels.contains(id) || self.in_stasis.contains(id))
        };
        self.subscribed_to_all
            || channel(about.channel)
            || channel(about.caller)
            || about.bridge.is_some_and(|id| self.bridges.contains(id))
    }

    fn wants(&self, kind: &Value) -> bool {
        let named = |list: &[Value]| list.iter().any(|filter| filter["type"] == *kind);
        !named(&self.disallowed) && (self.allowed.is_empty() || named(&self.allowed))
    }

    fn is_finished(&self) -> bool {
        self.connection.is_none()
            && self.channels.is_empty()
            && self.in_stasis.is_empty()
            && self.bridges.is_empty()
    }

    fn json(&self, name: &str) -> Value {
        let channels: BTreeSet<&String> = self.channels.union(&self.in_stasis).collect();
        json!({
            "name": name,
            "channel_ids": channels,
            "bridge_ids": self.bridges,
            "endpoint_ids": [],
            "device_names": [],
            "events_allowed": self.allowed,
            "events_disallowed": self.disallowed,
        })
    }
}

impl World {
    /// Somebody connects as `apps`. Whoever was connected as one of them hears
    /// `ApplicationReplaced` and nothing more of it.
    pub fn connect(&mut self, now: Time, apps: &[&str], subscribe_all: bool) -> ConnectionId {
        self.advance(now);
        self.serial += 1;
        let connection = ConnectionId(self.serial);
        for name in apps {
            let replaced = json!({ "type": "ApplicationReplaced" });
            self.send(name, &replaced);
            let app = self.apps.entry((*name).to_owned()).or_default();
            app.connection = Some(connection);
            app.subscribed_to_all = subscribe_all;
        }
        connection
    }

    /// The socket `connection` is gone. Calls live on; an app without any is forgotten.
    pub fn disconnect(&mut self, connection: ConnectionId) {
        for app in self.apps.values_mut() {
            if app.connection == Some(connection) {
                app.connection = None;
            }
        }
        self.forget_finished_apps();
    }

    /// All sockets that hear events.
    pub(super) fn connections(&self) -> BTreeSet<ConnectionId> {
        self.apps.values().filter_map(|a| a.connection).collect()
    }

    /// Whether somebody is connected as `app`.
    pub(crate) fn is_connected(&self, app: &str) -> bool {
        self.apps.get(app).is_some_and(|a| a.connection.is_some())
    }

    /// Sends `event` to every app that hears of what it is `about`.
    pub(super) fn emit(&mut self, about: About<'_>, event: &Value) {
        let apps: Vec<String> = self
            .apps
            .iter()
            .filter(|(_, app)| app.hears_of(about))
            .map(|(name, _)| name.clone())
            .collect();
        for app in apps {
            self.send(&app, event);
        }
    }

    /// Sends `event` to `app`, if somebody is connected who wants it.
    pub(super) fn send(&mut self, name: &str, event: &Value) {
        let Some(app) = self.apps.get(name) else {
            return;
        };
        let Some(connection) = app.connection else {
            return;
        };
        if !app.wants(&event["type"]) {
            return;
        }
        let mut event = event.clone();
        event["application"] = name.into();
        event["timestamp"] = written(self.wall()).into();
        event["asterisk_id"] = super::inspect::ASTERISK_ID.into();
        self.deliver(connection, &event.to_string());
    }

    /// What the wall clock shows.
    fn wall(&self) -> Time {
        #[cfg(test)]
        return Time(self.now.0.saturating_add_signed(self.wall_off));
        #[cfg(not(test))]
        self.now
    }

    fn deliver(&mut self, connection: ConnectionId, text: &str) {
        let copies = self.faults.copies(&mut self.dice);
        for _ in 0..=usize::from(copies.twice) {
            let text = text.to_owned();
            if copies.first.is_zero() {
                self.outputs.push_back(Output::Event { connection, text });
            } else {
                let at = self.now + copies.first;
                self.agenda
                    .note(at, Happening::Deliver { connection, text });
            }
        }
    }

    /// `app` hears of the channel `id` until it is gone. An app that does not exist hears
    /// of nothing.
    pub(super) fn subscribe_channel(&mut self, app: &str, id: &str) {
        if let Some(app) = self.apps.get_mut(app) {
            app.channels.insert(id.to_owned());
        }
    }

    /// `app` hears of the channel `id` while it is in Stasis.
    pub(super) fn subscribe_stasis(&mut self, app: &str, id: &str) {
        if let Some(app) = self.apps.get_mut(app) {
            app.in_stasis.insert(id.to_owned());
        }
    }

    pub(super) fn unsubscribe_stasis(&mut self, id: &str) {
        for app in self.apps.values_mut() {
            app.in_stasis.remove(id);
        }
    }

    /// `POST /channels/{id}/move`: the channel goes over to another app, if somebody is
    /// connected to that one; else it stays and its app hears why.
    pub(super) fn move_channel(&mut self, id: &str, request: &Request) -> Answer {
        self.controlled(id)?;
        let app = request
            .param("app")
            .ok_or_else(|| Response::error(400, "Missing parameter app"))?;
        let args = arguments(request);
        if !self.is_connected(app) {
            let mut event = channel_event("ApplicationMoveFailed", self.channel(id)?);
            event["destination"] = app.into();
            event["args"] = json!(args);
            self.emit(About::channel(id), &event);
            return Ok(Response::no_content());
        }
        self.leave_stasis(id);
        if let Some(channel) = self.channels.get_mut(id) {
            app.clone_into(&mut channel.app);
            channel.args = args;
        }
        self.enter_stasis(id);
        Ok(Response::no_content())
    }

    /// `app` hears of the bridge `id` until it is gone.
    pub(super) fn subscribe_bridge(&mut self, app: &str, id: &str) {
        if let Some(app) = self.apps.get_mut(app) {
            app.bridges.insert(id.to_owned());
        }
    }

    /// The channel or bridge `id` is gone: nobody can hear of it any more.
    pub(super) fn unsubscribe(&mut self, id: &str) {
        for app in self.apps.values_mut() {
            app.channels.remove(id);
            app.in_stasis.remove(id);
            app.bridges.remove(id);
        }
        self.forget_finished_apps();
    }

    fn forget_finished_apps(&mut self) {
        self.apps.retain(|_, app| !app.is_finished());
    }

    pub(super) fn route_applications(&mut self, path: &[&str], request: &Request) -> Answer {
        use Method::{Get, Post, Put};
        match (path, request.method) {
            ([], Get) => {
                let apps = self.apps.iter().map(|(name, app)| app.json(name));
                Ok(Response::ok(list(apps)))
            }
            ([name], Get) => self.application(name),
            ([name, "subscription"], Post) => self.subscribe(name, request),
            ([name, "eventFilter"], Put) => self.filter(name, &request.body),
            ([] | [_] | [_, "subscription" | "eventFilter"], _) => Err(wrong_method()),
            _ => Err(no_resource()),
        }
    }

    fn application(&self, name: &str) -> Answer {
        let app = self.apps.get(name).ok_or_else(no_application)?;
        Ok(Response::ok(app.json(name)))
    }

    fn subscribe(&mut self, name: &str, request: &Request) -> Answer {
        let app = self.apps.get_mut(name).ok_or_else(no_application)?;
        let source = request
            .param("eventSource")
            .ok_or_else(|| Response::error(400, "Missing parameter eventSource"))?;
        let missing = || Response::error(422, "Event source does not exist");
        match source.split_once(':') {
            Some(("channel", id)) if self.channels.contains_key(id) => {
                app.channels.insert(id.to_owned());
            }
            Some(("bridge", id)) if self.bridges.contains_key(id) => {
                app.bridges.insert(id.to_owned());
            }
            Some(("channel" | "bridge", _)) => return Err(missing()),
            _ => return Err(Response::error(400, "Invalid event source URI scheme")),
        }
        Ok(Response::ok(app.json(name)))
    }

    /// Sets the filter. A list that the body lacks is emptied, a body that is none of it all
    /// empties both.
    fn filter(&mut self, name: &str, body: &Value) -> Answer {
        let app = self.apps.get_mut(name).ok_or_else(no_application)?;
        let list = |field: &str| match body.get(field) {
            None => Some(Vec::new()),
            Some(Value::Array(filters)) if filters.iter().all(|f| f["type"].is_string()) => {
                Some(filters.clone())
            }
            Some(_) => None,
        };
        let (Some(allowed), Some(disallowed)) = (list("allowed"), list("disallowed")) else {
            return Err(Response::error(400, "Invalid format definition"));
        };
        app.allowed = allowed;
        app.disallowed = disallowed;
        Ok(Response::ok(app.json(name)))
    }
}

fn no_application() -> Response {
    Response::error(404, "Application not found")
}
