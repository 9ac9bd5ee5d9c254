//! Recordings, live and stored, and who is heard in them when.

use std::time::Duration;

use serde_json::{Value, json};

use super::apps::About;
use super::channel::Role;
use super::message::{Answer, Body, Method, Request, Response};
use super::{World, list, no_resource, wrong_method};
use crate::campaign::Time;
use crate::simulator::wav::{self, Stretch};

/// A recording that runs.
#[derive(Debug)]
pub(super) struct Live {
    format: String,
    channel: String,
    begun: Time,
    /// What it goes on behind.
    before: Option<Stored>,
    /// When A was heard, and when B.
    a: Heard,
    b: Heard,
}

/// A recording that lies on Asterisk's disk.
#[derive(Debug)]
pub(super) struct Stored {
    format: String,
    length: Duration,
    a: Vec<Stretch>,
    b: Vec<Stretch>,
}

/// When somebody was heard.
#[derive(Debug, Default)]
struct Heard {
    past: Vec<(Time, Time)>,
    since: Option<Time>,
}

impl Heard {
    fn now(&mut self, heard: bool, now: Time) {
        match (self.since, heard) {
            (None, true) => self.since = Some(now),
            (Some(since), false) => {
                self.past.push((since, now));
                self.since = None;
            }
            _ => {}
        }
    }

    /// The stretches, counted from the recording's beginning.
    fn stretches(mut self, begun: Time, end: Time) -> Vec<Stretch> {
        self.now(false, end);
        let stretches = self.past.into_iter();
        stretches
            .map(|(from, to)| (from.since(begun), to.since(begun)))
            .collect()
    }
}

impl World {
    /// `POST /channels/{id}/record`.
    pub(super) fn record(&mut self, id: &str, request: &Request) -> Answer {
        let channel = self.controlled(id)?;
        let bridged = channel.bridge.is_some();
        let name = request.param("name").filter(|name| !name.contains(".."));
        let name = name.ok_or_else(|| Response::error(500, "Error parsing request"))?;
        let exists = request.param("ifExists").unwrap_or("fail");
        if !matches!(exists, "fail" | "overwrite" | "append") {
            return Err(Response::error(400, "ifExists invalid"));
        }
        let format = request.param("format").unwrap_or_default();
        if !wav::FORMATS.contains(&format) {
            let text = "specified format is unknown on this system";
            return Err(Response::error(422, text));
        }
        if name.is_empty() {
            return Err(Response::error(500, "Error parsing request"));
        }
        let is_taken = self.stored.contains_key(name) && exists == "fail";
        if is_taken || self.live.contains_key(name) {
            let text = format!("Recording '{name}' already exists and can not be overwritten");
            return Err(Response::error(409, &text));
        }
        let mut json = recording_json(name, format, id, "queued");
        let answer = Response {
            status: 201,
            body: Body::Json(json.clone()),
        };
        if bridged {
            json["state"] = "failed".into();
            json["cause"] = "Cannot record channel while in bridge".into();
            self.tell_recording("RecordingFailed", id, &json);
        } else {
            let before = self.stored.remove(name);
            let before = before.filter(|_| exists == "append");
            self.begin_recording(name, format, id, before);
        }
        Ok(answer)
    }

    fn begin_recording(&mut self, name: &str, format: &str, id: &str, before: Option<Stored>) {
        if let Some(channel) = self.channels.get_mut(id) {
            channel.recording = Some(name.to_owned());
        }
        let live = Live {
            format: format.to_owned(),
            channel: id.to_owned(),
            begun: self.now,
            before,
            a: Heard::default(),
            b: Heard::default(),
        };
        self.live.insert(name.to_owned(), live);
        self.listen();
        let json = recording_json(name, format, id, "recording");
        self.tell_recording("RecordingStarted", id, &json);
    }

    /// Ends a recording and puts it onto the disk, with an event if it is to be `told`.
    pub(super) fn finish_recording(&mut self, name: &str, told: bool) {
        let Some(live) = self.live.remove(name) else {
            return;
        };
        if let Some(channel) = self.channels.get_mut(&live.channel) {
            channel.recording = None;
        }
        let length = self.now.since(live.begun);
        let mut json = recording_json(name, &live.format, &live.channel, "done");
        json["duration"] = length.as_secs().into();
        let stored = Stored {
            format: live.format,
            length,
            a: live.a.stretches(live.begun, self.now),
            b: live.b.stretches(live.begun, self.now),
        };
        let stored = match live.before {
            Some(before) => before.and(stored),
            None => stored,
        };
        if !self.faults.loses_recording(&mut self.dice) {
            self.stored.insert(name.to_owned(), stored);
        }
        if told {
            self.tell_recording("RecordingFinished", &live.channel, &json);
        }
    }

    fn tell_recording(&mut self, kind: &str, channel: &str, recording: &Value) {
        let event = json!({ "type": kind, "recording": recording });
        self.emit(About::channel(channel), &event);
    }

    /// Notes who is heard now in each live recording: after every change of a channel's state
    /// or bridge.
    pub(super) fn listen(&mut self) {
        let heard: Vec<(String, bool, bool)> = self
            .live
            .iter()
            .map(|(name, live)| {
                let (a, b) = self.heard_on(&live.channel);
                (name.clone(), a, b)
            })
            .collect();
        for (name, a, b) in heard {
            if let Some(live) = self.live.get_mut(&name) {
                live.a.now(a, self.now);
                live.b.now(b, self.now);
            }
        }
    }

    /// Whether the channel itself (or the one that it listens to) is up, and whether
    /// somebody else is up in the same bridge.
    fn heard_on(&self, channel: &str) -> (bool, bool) {
        let heard = match self.channels.get(channel).map(|c| &c.role) {
            Some(Role::Snoop { spied }) => spied,
            _ => channel,
        };
        let bridge = self.channels.get(heard).and_then(|c| c.bridge.as_ref());
        let others = bridge.and_then(|bridge| self.bridges.get(bridge));
        let other_is_up = others.is_some_and(|bridge| {
            let mut members = bridge.channels.iter();
            members.any(|id| id != heard && self.is_up(id))
        });
        (self.is_up(heard), other_is_up)
    }

    pub(super) fn route_recordings(&mut self, path: &[&str], request: &Request) -> Answer {
        use Method::{Delete, Get, Post};
        let missing = || Response::error(404, "Recording not found");
        match (path, request.method) {
            (["stored"], Get) => {
                let all = self.stored.iter().map(|(name, stored)| stored.json(name));
                Ok(Response::ok(list(all)))
            }
            (["stored", name], Get) => {
                let stored = self.stored.get(*name).ok_or_else(missing)?;
                Ok(Response::ok(stored.json(name)))
            }
            (["stored", name], Delete) => {
                self.stored.remove(*name).ok_or_else(missing)?;
                Ok(Response::no_content())
            }
            (["stored", name, "file"], Get) => {
                let stored = self.stored.get(*name).ok_or_else(missing)?;
                let file = wav::file(stored.length, &stored.a, &stored.b);
                Ok(Response {
                    status: 200,
                    body: Body::Wav(file),
                })
            }
            (["live", name], Get) => {
                let live = self.live.get(*name).ok_or_else(missing)?;
                let json = recording_json(name, &live.format, &live.channel, "recording");
                Ok(Response::ok(json))
            }
            (["live", name], Delete) => {
                let name = self.live_name(name)?;
                self.finish_recording(&name, true);
                self.stored.remove(&name);
                Ok(Response::no_content())
            }
            (["live", name, "stop"], Post) => {
                let name = self.live_name(name)?;
                self.finish_recording(&name, true);
                Ok(Response::no_content())
            }
            (["stored"] | ["stored" | "live", _] | [_, _, "file" | "stop"], _) => {
                Err(wrong_method())
            }
            _ => Err(no_resource()),
        }
    }

    fn live_name(&self, name: &str) -> Result<String, Response> {
        let live = self.live.get_key_value(name);
        let (name, _) = live.ok_or_else(|| Response::error(404, "Recording not found"))?;
        Ok(name.clone())
    }
}

impl Stored {
    /// This one, and `next` behind it.
    fn and(mut self, next: Self) -> Self {
        let behind = |(from, to): Stretch| (self.length + from, self.length + to);
        self.a.extend(next.a.into_iter().map(behind));
        self.b.extend(next.b.into_iter().map(behind));
        self.length += next.length;
        self
    }

    fn json(&self, name: &str) -> Value {
        // Asterisk tells a stored file by its ending, which is this one's alone not its name.
        let ending = if self.format == "wav49" {
            "WAV"
        } else {
            &self.format
        };
        json!({ "name": name, "format": ending })
    }
}

fn recording_json(name: &str, format: &str, channel: &str, state: &str) -> Value {
    json!({
        "name": name,
        "format": format,
        "state": state,
        "target_uri": format!("channel:{channel}"),
    })
}
