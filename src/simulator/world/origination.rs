//! How channels come to be: `POST /channels`, `channels/create`, and snooping.

use std::time::Duration;

use serde_json::json;

use super::agenda::Step;
use super::channel::{Channel, Hold, Role, State, TargetLeg};
use super::dialing::seconds;
use super::message::{Answer, Request, Response};
use super::{World, channel_event};

/// The longest id that Asterisk takes, in bytes.
const MAX_ID: usize = 149;

/// Rings for so many seconds where the request says nothing.
const DEFAULT_TIMEOUT: f64 = 30.0;

/// An endpoint that can be dialed.
enum Party {
    /// A number behind the trunk.
    Callee { number: String },
    /// `Local/extension@context`.
    Local { extension: String, context: String },
    /// A phone that is registered, `PJSIP/name`.
    Phone { name: String },
}

/// What the two ways of making a dialed channel have in common.
struct Draft {
    endpoint: String,
    party: Party,
    app: String,
    id: String,
    half: String,
}

impl World {
    /// `POST /channels`: makes a channel and dials it; it enters its app when it is answered.
    pub(super) fn originate(&mut self, id: Option<&str>, request: &Request) -> Answer {
        let draft = self.draft(id, request)?;
        let caller = caller_id(request.param("callerId").unwrap_or_default());
        let timeout = request.param("timeout").map_or(DEFAULT_TIMEOUT, seconds);
        let id = draft.id.clone();
        let app = draft.app.clone();
        let mut channel = self.draw_up(draft, request);
        channel.caller.clone_from(&caller);
        channel.connected = caller;
        let json = channel.json();
        let half = self.add_dialed(channel);
        self.subscribe_channel(&app, &id);
        if let Some(half) = half {
            self.subscribe_channel(&app, &half);
        }
        self.begin_dialing(&id, timeout);
        Ok(Response::ok(json))
    }

    /// `POST /channels/create`: makes a channel that enters its app at once and is dialed by
    /// a later request.
    pub(super) fn create(&mut self, request: &Request) -> Answer {
        let draft = self.draft(request.param("channelId"), request)?;
        let id = draft.id.clone();
        let app = draft.app.clone();
        let mut channel = self.draw_up(draft, request);
        channel.staged = true;
        if let Some(number) = request.variable("CONNECTEDLINE(num)") {
            number.clone_into(&mut channel.connected.1);
        }
        if let Some(name) = request.variable("CONNECTEDLINE(name)") {
            name.clone_into(&mut channel.connected.0);
        }
        let json = channel.json();
        self.add_dialed(channel);
        self.subscribe_channel(&app, &id);
        self.start_stasis(&id);
        Ok(Response::ok(json))
    }

    fn draft(&self, id: Option<&str>, request: &Request) -> Result<Draft, Response> {
        let endpoint = request
            .param("endpoint")
            .ok_or_else(|| Response::error(400, "Endpoint must be specified"))?;
        let (technology, resource) = endpoint
            .split_once('/')
            .filter(|(technology, resource)| !technology.is_empty() && !resource.is_empty())
            .ok_or_else(|| Response::error(400, "Invalid endpoint specified"))?;
        let app = request
            .param("app")
            .ok_or_else(|| Response::error(400, "Application or extension must be specified"))?;
        let id = self.free_id(id)?;
        let half = self.free_id(request.param("otherChannelId"))?;
        let party = self
            .party(technology, resource)
            .ok_or_else(Response::allocation_failed)?;
        Ok(Draft {
            endpoint: endpoint.to_owned(),
            party,
            app: app.to_owned(),
            id,
            half,
        })
    }

    fn free_id(&self, wanted: Option<&str>) -> Result<String, Response> {
        let Some(id) = wanted else {
            return Ok(self.unique_id());
        };
        if id.len() > MAX_ID {
            let text = format!("Uniqueid length exceeds maximum of {MAX_ID}");
            return Err(Response::error(400, &text));
        }
        if self.channels.contains_key(id) {
            let text = "Channel with given unique ID already exists";
            return Err(Response::error(409, text));
        }
        Ok(id.to_owned())
    }

    /// An id as Asterisk makes it up.
    pub(super) fn unique_id(&self) -> String {
        format!("{}.{}", self.now.millis() / 1000, self.serial)
    }

    fn party(&self, technology: &str, resource: &str) -> Option<Party> {
        match (technology, resource.split_once('@')) {
            // What stands behind a `&` would be a second endpoint, which ARI does not take.
            ("PJSIP", Some((number, trunk))) if trunk == self.config.trunk => Some(Party::Callee {
                number: number.to_owned(),
            }),
            ("PJSIP", None) if self.config.scenario.named_targets.contains_key(resource) => {
                Some(Party::Phone {
                    name: resource.to_owned(),
                })
            }
            ("Local", Some((extension, context))) => {
                let (context, _options) = context.split_once('/').unwrap_or((context, ""));
                Some(Party::Local {
                    extension: extension.to_owned(),
                    context: context.to_owned(),
                })
            }
            _ => None,
        }
    }

    /// The channel of `draft`, undialed, and in nobody's list yet.
    fn draw_up(&mut self, draft: Draft, request: &Request) -> Channel {
        self.serial += 1;
        let serial = self.serial;
        let target = |name: String, half| {
            Role::Target(TargetLeg {
                name,
                half,
                fate: None,
            })
        };
        let (name, place, role) = match draft.party {
            Party::Callee { number } => {
                let role = Role::Callee(self.place_call(&number));
                let name = format!("PJSIP/{}-{serial:08x}", self.config.trunk);
                (name, ("from-carrier".to_owned(), "s".to_owned()), role)
            }
            Party::Phone { name } => {
                let place = ("from-agents".to_owned(), "s".to_owned());
                (
                    format!("PJSIP/{name}-{serial:08x}"),
                    place,
                    target(name, None),
                )
            }
            Party::Local { extension, context } => {
                let at = format!("{extension}@{context}");
                let name = format!("Local/{at}-{serial:08x};1");
                (name, (context, extension), target(at, Some(draft.half)))
            }
        };
        let sip = name.starts_with("PJSIP/");
        let resource = draft.endpoint.split_once('/').map_or("", |(_, r)| r);
        Channel {
            serial,
            id: draft.id,
            protocol_id: if sip { call_id(serial) } else { String::new() },
            name,
            role,
            state: State::Down,
            caller: Default::default(),
            connected: Default::default(),
            created: self.now,
            dial_string: resource.to_owned(),
            place,
            app: draft.app,
            args: arguments(request),
            in_stasis: false,
            staged: false,
            dialed: false,
            bridge: None,
            elsewhere_since: None,
            replaced_by: None,
            stands_for: None,
            hold: Hold::None,
            recording: None,
            up_since: None,
            sip_answer: None,
            sound_since: None,
        }
    }

    /// Takes a channel up, with the second half of a local one; that one's id.
    fn add_dialed(&mut self, channel: Channel) -> Option<String> {
        let half = channel.target().and_then(|target| target.half.clone());
        if let Some(half) = &half {
            self.serial += 1;
            let second = Channel {
                serial: self.serial,
                id: half.clone(),
                name: channel.name.replace(";1", ";2"),
                role: Role::Half {
                    first: channel.id.clone(),
                },
                state: State::Ring,
                caller: channel.connected.clone(),
                connected: Default::default(),
                app: String::new(),
                args: Vec::new(),
                ..channel.clone()
            };
            self.channels.insert(half.clone(), second);
        }
        self.channels.insert(channel.id.clone(), channel);
        let trunk = self.channels.values().filter(|c| c.is_callee()).count();
        self.peak_trunk_channels = self.peak_trunk_channels.max(trunk);
        half
    }

    /// A new channel is on its way into its app: a thread of its own has to come to it.
    fn start_stasis(&mut self, id: &str) {
        let delay = self.faults.stasis_delay;
        let delay = delay.map_or(Duration::ZERO, |span| span.draw(&mut self.dice));
        if delay.is_zero() {
            self.enter_stasis(id);
        } else {
            self.plan(id, self.now + delay, Step::EnterStasis);
        }
    }

    /// The channel enters its app; where nobody is connected, it ends.
    pub(super) fn enter_stasis(&mut self, id: &str) {
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        let app = channel.app.clone();
        if !self.is_connected(&app) {
            self.end(id, 16, None);
            return;
        }
        let Some(channel) = self.channels.get_mut(id) else {
            return;
        };
        channel.in_stasis = true;
        let mut event = channel_event("StasisStart", channel);
        event["args"] = json!(channel.args);
        self.subscribe_stasis(&app, id);
        // Also where another app hears of the channel.
        self.send(&app, &event);
    }

    /// `POST /channels/{id}/snoop`: a channel that listens to another.
    pub(super) fn snoop(&mut self, id: &str, snoop: Option<&str>, request: &Request) -> Answer {
        let refuse = |status, text| Err(Response::error(status, text));
        let Some(spied) = self.channels.get(id) else {
            return refuse(404, "Provided channel was not found");
        };
        let direction = |name| request.param(name).unwrap_or("none");
        let known = |word| matches!(word, "none" | "both" | "out" | "in");
        if !known(direction("spy")) {
            return refuse(400, "Invalid direction specified for spy");
        }
        if !known(direction("whisper")) {
            return refuse(400, "Invalid direction specified for whisper");
        }
        if direction("spy") == "none" && direction("whisper") == "none" {
            return refuse(
                400,
                "Direction must be specified for at least spy or whisper",
            );
        }
        let Some(app) = request.param("app") else {
            return refuse(400, "Application name is required");
        };
        let snoop = snoop.map_or_else(|| self.unique_id(), str::to_owned);
        if self.channels.contains_key(&snoop) {
            return refuse(500, "Snoop channel could not be created");
        }
        let mut channel = self.listener(&snoop, spied, app);
        channel.args = arguments(request);
        self.serial += 1;
        let json = channel.json();
        self.channels.insert(snoop.clone(), channel);
        self.start_stasis(&snoop);
        Ok(Response::ok(json))
    }

    fn listener(&self, id: &str, spied: &Channel, app: &str) -> Channel {
        let serial = self.serial + 1;
        Channel {
            serial,
            id: id.to_owned(),
            name: format!("Snoop/{}-{serial:08x}", spied.id),
            role: Role::Snoop {
                spied: spied.id.clone(),
            },
            state: State::Up,
            protocol_id: String::new(),
            caller: Default::default(),
            connected: Default::default(),
            created: self.now,
            dial_string: String::new(),
            place: ("default".to_owned(), "s".to_owned()),
            app: app.to_owned(),
            args: Vec::new(),
            in_stasis: false,
            staged: false,
            dialed: true,
            bridge: None,
            elsewhere_since: None,
            replaced_by: None,
            stands_for: None,
            hold: Hold::None,
            recording: None,
            sip_answer: None,
            up_since: Some(self.now),
            sound_since: Some(self.now),
        }
    }
}

/// What a channel brings into its app.
pub(super) fn arguments(request: &Request) -> Vec<String> {
    let args = request.param("appArgs").unwrap_or_default();
    let args = args.split(',').filter(|arg| !arg.is_empty());
    args.map(str::to_owned).collect()
}

/// Name and number of `Sales Team <1001>` or `1001`.
fn caller_id(text: &str) -> (String, String) {
    match text.split_once('<') {
        Some((name, number)) => (
            name.trim().trim_matches('"').to_owned(),
            number.trim_end().trim_end_matches('>').to_owned(),
        ),
        None => (String::new(), text.trim().to_owned()),
    }
}

/// A SIP Call-ID, of the form that Asterisk makes.
fn call_id(serial: u64) -> String {
    let mut dice = crate::simulator::scenario::dice(serial, "call-id", "", 0);
    let (a, b, c) = (dice.u32(..), dice.u16(..), dice.u16(..));
    format!(
        "{a:08x}-{b:04x}-4{:03x}-8{:03x}-{:012x}",
        c & 0xfff,
        b & 0xfff,
        serial
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_id_has_a_name_and_a_number() {
        let split = |text| caller_id(text);
        assert_eq!(
            split("Sales Team <1001>"),
            ("Sales Team".into(), "1001".into())
        );
        assert_eq!(split("\"Sales\" <1001> "), ("Sales".into(), "1001".into()));
        assert_eq!(split("1001"), (String::new(), "1001".into()));
        assert_eq!(split(""), (String::new(), String::new()));
    }
}
