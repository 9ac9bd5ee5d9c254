//! The phone's thread: one UDP socket, and all its calls.

use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::leg::{Leg, State};
use super::message::{self, Message};
use super::sound::PACKET;
use super::{Call, Line, Order, Script, Shared, Side};

/// How often is looked what is due.
const TICK: Duration = Duration::from_millis(5);

/// What the calls share: the socket, who we are, and the witness.
pub(super) struct Wire {
    socket: UdpSocket,
    pub(super) address: SocketAddr,
    pub(super) pbx: SocketAddr,
    pub(super) user: String,
    pub(super) tone: Vec<u8>,
    shared: Arc<Mutex<Shared>>,
}

impl Wire {
    pub(super) fn contact(&self) -> String {
        format!("<sip:{}@{}>", self.user, self.address)
    }

    /// Sends a message of a call for the first time.
    pub(super) fn send(&self, call_id: &str, message: &Message) {
        // Before it leaves: whoever acts upon it finds it told.
        self.note(call_id, Side::Phone, message);
        self.repeat(&message.bytes());
    }

    pub(super) fn repeat(&self, bytes: &[u8]) {
        // Where nobody listens there, nobody answers, and that is what the script sees.
        let _ = self.socket.send_to(bytes, self.pbx);
    }

    pub(super) fn begin(&self, call_id: &str, by: Side, number: &str, invite: &Message) {
        self.shared
            .lock()
            .expect("the owner lives")
            .calls
            .push(Call {
                by,
                number: number.to_owned(),
                from: invite.header("From").to_owned(),
                invite: String::from_utf8_lossy(&invite.bytes()).into_owned(),
                id: call_id.to_owned(),
                lines: Vec::new(),
                heard: Duration::ZERO,
                heard_last: None,
            });
    }

    fn with(&self, call_id: &str, change: impl FnOnce(&mut Call)) {
        let mut shared = self.shared.lock().expect("the owner lives");
        let mut calls = shared.calls.iter_mut().rev();
        if let Some(call) = calls.find(|call| call.id == call_id) {
            change(call);
        }
    }

    pub(super) fn note(&self, call_id: &str, by: Side, message: &Message) {
        let line = Line {
            at: Instant::now(),
            by,
            what: message.summary(),
        };
        self.with(call_id, |call| call.lines.push(line));
    }

    /// As [`Self::note`], of what comes from the PBX and may come repeatedly.
    pub(super) fn note_once(&self, call_id: &str, message: &Message) {
        let last = message.summary();
        let mut known = false;
        self.with(call_id, |call| {
            known = call.lines.last().is_some_and(|line| line.what == last);
        });
        if !known {
            self.note(call_id, Side::Pbx, message);
        }
    }

    pub(super) fn note_sound(&self, call_id: &str, packets: u32) {
        if packets > 0 {
            self.with(call_id, |call| {
                call.heard += PACKET * packets;
                call.heard_last = Some(Instant::now());
            });
        }
    }
}

/// Something that nobody else has.
pub(super) fn token() -> String {
    format!("{:016x}", fastrand::u64(..))
}

pub(super) struct Switch {
    wire: Wire,
    legs: Vec<Leg>,
}

impl Switch {
    pub(super) fn new(
        address: SocketAddr,
        pbx: SocketAddr,
        user: &str,
        tone: Vec<u8>,
        shared: Arc<Mutex<Shared>>,
    ) -> Self {
        let socket = UdpSocket::bind(address).expect("the phone's port is free");
        let timeout = socket.set_read_timeout(Some(TICK));
        timeout.expect("a socket has a timeout");
        let wire = Wire {
            socket,
            address,
            pbx,
            user: user.to_owned(),
            tone,
            shared,
        };
        Self {
            wire,
            legs: Vec::new(),
        }
    }

    pub(super) fn run(mut self, orders: &Receiver<Order>) {
        let mut ticked = Instant::now();
        loop {
            match orders.try_recv() {
                Ok(Order::End) | Err(TryRecvError::Disconnected) => {
                    self.legs.iter_mut().for_each(|leg| leg.end(&self.wire));
                    return;
                }
                Ok(Order::Dial(extension, script)) => {
                    self.legs.push(Leg::calling(&extension, script, &self.wire));
                }
                Ok(Order::Now(number, script)) => {
                    let named = self.legs.iter_mut().filter(|leg| leg.number == number);
                    named.for_each(|leg| leg.follow(script.clone()));
                }
                Err(TryRecvError::Empty) => {}
            }
            self.receive();
            if ticked.elapsed() >= TICK {
                ticked = Instant::now();
                self.tick();
            }
        }
    }

    fn receive(&mut self) {
        let mut bytes = [0; 9000];
        // A timeout, or a port that was closed when something was sent to it.
        let Ok(length) = self.wire.socket.recv(&mut bytes) else {
            return;
        };
        let Some(message) = Message::parse(&bytes[..length]) else {
            return;
        };
        let call_id = message.header("Call-ID");
        let mut legs = self.legs.iter_mut().rev();
        if let Some(leg) = legs.find(|leg| leg.call_id == call_id)
            && !leg.is_redirected_to(&message)
        {
            leg.take(&message, &self.wire);
            return;
        }
        match message.method() {
            "INVITE" if message.status().is_none() => self.called(message),
            "ACK" => {}
            _ if message.status().is_some() => {}
            "OPTIONS" => self
                .wire
                .repeat(&message.response(200, "OK", &token()).bytes()),
            _ => {
                let none = message.response(481, message::reason(481), &token());
                self.wire.repeat(&none.bytes());
            }
        }
    }

    fn called(&mut self, invite: Message) {
        let number = message::user(&invite.start).to_owned();
        let script = self.script(&number);
        let call_id = invite.header("Call-ID").to_owned();
        self.wire.begin(&call_id, Side::Pbx, &number, &invite);
        self.wire.note(&call_id, Side::Pbx, &invite);
        self.legs.push(Leg::called(invite, script, &self.wire));
        self.tick();
    }

    fn script(&self, number: &str) -> Script {
        let shared = self.wire.shared.lock().expect("the owner lives");
        let fitting = shared.scripts.iter().rev();
        let mut fitting = fitting.filter(|(prefix, _)| number.starts_with(prefix.as_str()));
        match (fitting.next(), &shared.decide) {
            (Some((_, script)), _) => script.clone(),
            (None, Some(decide)) => decide(number),
            (None, None) => Script::new().answer(),
        }
    }

    fn tick(&mut self) {
        for i in 0..self.legs.len() {
            if let Some(id) = self.legs[i].consults()
                && let Some(second) = self.legs.iter().find(|leg| leg.call_id == id)
                && second.state != State::Early
            {
                let name = second.as_replaced();
                self.legs[i].has_consulted(name);
            }
            let second = self.legs[i].tick(&self.wire);
            self.legs.extend(second);
        }
    }
}
