//! The fake Asterisk itself: its channels, bridges, recordings and applications, and what
//! happens to them by itself.
//!
//! There is no clock, socket or task in here. Time comes in as an argument, what is to be
//! sent comes out of [`World::poll_output`], and [`World::next_timer`] says when to call
//! [`World::advance`] again. Whoever has called [`World::request`] or `advance` polls until
//! nothing is left.

mod agenda;
mod apps;
mod bridges;
mod channel;
mod dialing;
mod hangup;
mod inspect;
mod message;
mod origination;
mod recordings;
mod rtp;
#[cfg(test)]
mod seen;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};

use super::faults::{Fault, Faults, Handling};
use super::scenario::Scenario;
use crate::campaign::Time;
use agenda::{Agenda, Happening};
use apps::App;
use channel::{Bridge, Channel, State};
use message::Answer;
use recordings::{Live, Stored};

#[cfg(test)]
pub(crate) use seen::{Hold, Leg};

pub use message::{Body, Method, Request, Response};

/// What a world is made from.
#[derive(Debug, Clone)]
pub struct WorldConfig {
    /// What people and agents do.
    pub scenario: Scenario,
    /// What their fates are drawn from.
    pub seed: u64,
    /// How many times faster than life dialing, ringing and talking go: above 0. The
    /// `timeout` of a request is a part of the dialing, and goes faster too.
    pub speed: f64,
    /// The PJSIP endpoint behind which numbers are dialed.
    pub trunk: String,
}

/// An event socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(u64);

/// What a world wants done outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send this event.
    Event {
        /// Where to.
        connection: ConnectionId,
        /// The JSON.
        text: String,
    },
    /// Close this socket.
    Close(ConnectionId),
    /// Read and write nothing more on this socket, and leave it open.
    Stall(ConnectionId),
    /// Asterisk has ended: cut every connection.
    Restart,
}

/// A fake Asterisk.
#[derive(Debug)]
pub struct World {
    config: WorldConfig,
    faults: Faults,
    /// Counts the changes of `faults`, so that those of an earlier setting come to nothing.
    faults_set: u64,
    dice: fastrand::Rng,
    now: Time,
    started: Time,
    down_until: Option<Time>,
    serial: u64,
    channels: BTreeMap<String, Channel>,
    bridges: BTreeMap<String, Bridge>,
    apps: BTreeMap<String, App>,
    live: BTreeMap<String, Live>,
    stored: BTreeMap<String, Stored>,
    agenda: Agenda,
    outputs: VecDeque<Output>,
    placed: Vec<String>,
    dials: HashMap<String, u32>,
    peak_trunk_channels: usize,
    /// How far the wall clock, by which events are stamped, is off: in microseconds.
    #[cfg(test)]
    wall_off: i64,
}

impl World {
    /// A world in which nothing has happened yet.
    #[must_use]
    pub fn new(config: WorldConfig, now: Time) -> Self {
        Self {
            dice: fastrand::Rng::with_seed(config.seed),
            config,
            faults: Faults::default(),
            faults_set: 0,
            now,
            started: now,
            down_until: None,
            serial: 0,
            channels: BTreeMap::new(),
            bridges: BTreeMap::new(),
            apps: BTreeMap::new(),
            live: BTreeMap::new(),
            stored: BTreeMap::new(),
            agenda: Agenda::default(),
            outputs: VecDeque::new(),
            placed: Vec::new(),
            dials: HashMap::new(),
            peak_trunk_channels: 0,
            #[cfg(test)]
            wall_off: 0,
        }
    }

    /// Carries out what is due at `now`.
    pub fn advance(&mut self, now: Time) {
        while let Some((at, happening)) = self.agenda.due(now) {
            self.now = self.now.max(at);
            self.happen(happening);
        }
        self.now = self.now.max(now);
    }

    /// When there is something to [`Self::advance`] to.
    #[must_use]
    pub fn next_timer(&self) -> Option<Time> {
        self.agenda.next()
    }

    /// What is to be done outside next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Carries out a request. Who asks must have logged in; see also [`Self::handling`].
    pub fn request(&mut self, now: Time, request: &Request) -> Response {
        self.advance(now);
        if self.is_down(now) {
            return Response::error(503, "Asterisk not booted");
        }
        self.route(request).unwrap_or_else(|refusal| refusal)
    }

    /// What happens to the next request besides its being carried out.
    pub fn handling(&mut self) -> Handling {
        self.faults.handling(&mut self.dice)
    }

    /// Whether connections are refused at `now`: Asterisk is not there.
    #[must_use]
    pub fn is_down(&self, now: Time) -> bool {
        self.down_until.is_some_and(|until| now < until)
    }

    /// Sets the faults from now on, in place of those before.
    pub fn set_faults(&mut self, now: Time, faults: Faults) {
        self.advance(now);
        self.faults_set += 1;
        let set = self.faults_set;
        for scheduled in &faults.scheduled {
            let at = self.now + Duration::from_millis(scheduled.at);
            let fault = scheduled.fault;
            self.agenda
                .note(at, Happening::Fault { faults: set, fault });
        }
        self.faults = faults;
        self.note_next_drop();
    }

    /// Makes something go wrong now.
    pub fn inflict(&mut self, now: Time, fault: Fault) {
        self.advance(now);
        self.suffer(fault);
    }

    /// Every number dialed through the trunk, in order: the carrier's log.
    #[must_use]
    pub fn calls_placed(&self) -> &[String] {
        &self.placed
    }

    /// The ids of all channels.
    #[must_use]
    pub fn channel_ids(&self) -> Vec<String> {
        self.channels.keys().cloned().collect()
    }

    /// The ids of all bridges.
    #[must_use]
    pub fn bridge_ids(&self) -> Vec<String> {
        self.bridges.keys().cloned().collect()
    }

    /// The names of the stored recordings.
    #[must_use]
    pub fn stored_names(&self) -> Vec<String> {
        self.stored.keys().cloned().collect()
    }

    /// The most channels that were up or being dialed through the trunk at once.
    #[must_use]
    pub fn peak_trunk_channels(&self) -> usize {
        self.peak_trunk_channels
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Channel { id, serial, step } => {
                if self.channels.get(&id).is_some_and(|c| c.serial == serial) {
                    self.step(&id, step);
                }
            }
            Happening::Deliver { connection, text } => {
                self.outputs.push_back(Output::Event { connection, text });
            }
            Happening::Fault { faults, fault } if faults == self.faults_set => self.suffer(fault),
            Happening::DropAgain { faults } if faults == self.faults_set => {
                self.suffer(Fault::DropSockets);
                self.note_next_drop();
            }
            Happening::Fault { .. } | Happening::DropAgain { .. } => {}
        }
    }

    fn suffer(&mut self, fault: Fault) {
        match fault {
            Fault::DropSockets => {
                for connection in self.connections() {
                    self.outputs.push_back(Output::Close(connection));
                    self.disconnect(connection);
                }
            }
            Fault::StallSockets => {
                for connection in self.connections() {
                    self.outputs.push_back(Output::Stall(connection));
                }
            }
            Fault::Restart { down } => self.restart(Duration::from_millis(down)),
        }
    }

    /// All that lives in Asterisk's memory is gone; what lies on its disk stays.
    fn restart(&mut self, down: Duration) {
        let names: Vec<String> = self.live.keys().cloned().collect();
        for name in names {
            self.finish_recording(&name, false);
        }
        self.channels.clear();
        self.bridges.clear();
        self.apps.clear();
        self.outputs.clear();
        self.outputs.push_back(Output::Restart);
        self.down_until = Some(self.now + down);
        self.started = self.now + down;
    }

    fn note_next_drop(&mut self) {
        if let Some(span) = self.faults.drop_sockets_every {
            let at = self.now + span.draw(&mut self.dice);
            let faults = self.faults_set;
            self.agenda.note(at, Happening::DropAgain { faults });
        }
    }

    /// How long something takes that takes `length` in life.
    fn at_speed(&self, length: Duration) -> Duration {
        length.div_f64(self.config.speed)
    }

    fn route(&mut self, request: &Request) -> Answer {
        let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
        if path.last() == Some(&"") {
            let path = path[..path.len() - 1].join("/");
            let text = format!("ARI URLs do not end with a slash. Try /ari/{path}");
            return Err(Response::error(404, &text));
        }
        match path[..] {
            ["channels", ref rest @ ..] => self.route_channels(rest, request),
            ["bridges", ref rest @ ..] => self.route_bridges(rest, request),
            ["recordings", ref rest @ ..] => self.route_recordings(rest, request),
            ["applications", ref rest @ ..] => self.route_applications(rest, request),
            _ => self.route_others(&path, request),
        }
    }

    fn route_channels(&mut self, path: &[&str], request: &Request) -> Answer {
        use Method::{Delete, Get, Post};
        match (path, request.method) {
            ([], Get) => Ok(Response::ok(list(
                self.channels.values().map(Channel::json),
            ))),
            ([], Post) => self.originate(request.param("channelId"), request),
            (["create"], Post) => self.create(request),
            ([id], Get) => self.channel(id).map(|c| Response::ok(c.json())),
            ([id], Post) => self.originate(Some(id), request),
            ([id], Delete) => self.delete_channel(id, request),
            ([id, "dial"], Post) => self.dial(id, request),
            ([id, "move"], Post) => self.move_channel(id, request),
            ([id, "snoop"], Post) => self.snoop(id, request.param("snoopId"), request),
            ([id, "snoop", snoop], Post) => self.snoop(id, Some(snoop), request),
            ([id, "record"], Post) => self.record(id, request),
            ([id, "moh"], Post | Delete) => {
                self.controlled(id)?;
                Ok(Response::no_content())
            }
            ([id, "variable"], Get) => self.variable(id, request),
            ([id, "rtp_statistics"], Get) => self.rtp_statistics(id),
            (
                []
                | [_]
                | [
                    _,
                    "dial" | "move" | "snoop" | "record" | "moh" | "variable" | "rtp_statistics",
                ]
                | [_, "snoop", _],
                _,
            ) => Err(wrong_method()),
            _ => Err(no_resource()),
        }
    }

    /// The channel `id`.
    fn channel(&self, id: &str) -> Result<&Channel, Response> {
        self.channels
            .get(id)
            .ok_or_else(|| Response::error(404, "Channel not found"))
    }

    /// The channel `id`, if it is in a Stasis app, as most commands want it.
    fn controlled(&self, id: &str) -> Result<&Channel, Response> {
        let channel = self.channel(id)?;
        if channel.in_stasis {
            Ok(channel)
        } else {
            Err(Response::error(409, "Channel not in Stasis application"))
        }
    }

    fn is_up(&self, id: &str) -> bool {
        self.channels.get(id).is_some_and(|c| c.state == State::Up)
    }
}

fn list(items: impl Iterator<Item = Value>) -> Value {
    Value::Array(items.collect())
}

fn wrong_method() -> Response {
    Response::error(405, "Invalid method")
}

fn no_resource() -> Response {
    Response::error(404, "Resource not found")
}

/// An event about the channel alone.
fn channel_event(kind: &str, channel: &Channel) -> Value {
    json!({ "type": kind, "channel": channel.json() })
}
