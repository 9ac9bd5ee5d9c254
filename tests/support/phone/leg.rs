//! One call of the phone: its dialog, and the script that is played in it.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::message::{self, Message, reason, tag, uri};
use super::sound::Sound;
use super::switch::{Wire, token};
use super::{Script, Side, Step};

/// Until something unanswered is sent again, and how often.
const AGAIN: Duration = Duration::from_millis(500);
const TRIES: u32 = 10;

/// What a step waits for before the next one may begin.
#[derive(Debug, PartialEq, Eq)]
enum Awaits {
    Ack,
    /// An answer to a request of ours, by its `CSeq`.
    Answer(String),
    Transfer,
    /// That this call of ours is answered, or refused.
    Consulted(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Early,
    Up,
    Over,
}

struct Unanswered {
    bytes: Vec<u8>,
    next: Instant,
    left: u32,
}

pub(super) struct Leg {
    pub(super) call_id: String,
    pub(super) number: String,
    pub(super) state: State,
    by: Side,
    /// The INVITE that began it, as it was sent or came.
    invite: Message,
    /// Our side and the other's as in From and To, and where requests go.
    local: String,
    remote: String,
    target: String,
    cseq: u32,
    steps: VecDeque<Step>,
    due: Option<Instant>,
    awaits: Option<Awaits>,
    /// How the transfer that was asked for ended is known.
    transferred: bool,
    consulted: String,
    /// Our answers, by the request's `CSeq`: a repetition gets the same once more.
    answers: HashMap<String, Vec<u8>>,
    unanswered: Option<Unanswered>,
    sound: Sound,
}

impl Leg {
    /// The PBX calls.
    pub(super) fn called(invite: Message, script: Script, wire: &Wire) -> Self {
        let local = format!("{};tag={}", invite.header("To"), token());
        let mut leg = Self {
            call_id: invite.header("Call-ID").to_owned(),
            number: message::user(&invite.start).to_owned(),
            state: State::Early,
            by: Side::Pbx,
            local,
            remote: invite.header("From").to_owned(),
            target: uri(invite.header("Contact")).to_owned(),
            cseq: 0,
            steps: script.0.into(),
            due: None,
            awaits: None,
            transferred: false,
            consulted: String::new(),
            answers: HashMap::new(),
            unanswered: None,
            sound: Sound::new(),
            invite,
        };
        leg.sound.aim(&leg.invite.body);
        if !matches!(leg.steps.front(), Some(Step::Swallow)) {
            let trying = leg.invite.response(100, "Trying", "");
            leg.answer(&trying, wire);
        }
        leg
    }

    /// The phone calls an extension of the PBX.
    pub(super) fn calling(extension: &str, script: Script, wire: &Wire) -> Self {
        let target = format!("sip:{extension}@{}", wire.pbx);
        let mut leg = Self {
            call_id: token(),
            number: extension.to_owned(),
            state: State::Early,
            by: Side::Phone,
            invite: Message::new(""),
            local: format!("<sip:{}@127.0.0.1>;tag={}", wire.user, token()),
            remote: format!("<{target}>"),
            target,
            cseq: 0,
            steps: script.0.into(),
            due: None,
            awaits: None,
            transferred: false,
            consulted: String::new(),
            answers: HashMap::new(),
            unanswered: None,
            sound: Sound::new(),
        };
        let invite = leg.request("INVITE", wire).with_sdp(leg.sdp("sendrecv"));
        leg.invite = invite.clone();
        leg.awaits = Some(Awaits::Answer(invite.header("CSeq").to_owned()));
        wire.begin(&leg.call_id, leg.by, &leg.number, &leg.invite);
        leg.ask(&invite, wire);
        leg
    }

    fn sdp(&self, direction: &str) -> String {
        let port = self.sound.port();
        format!(
            "v=0\r\no=phone 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=ptime:20\r\na={direction}\r\n",
            version = self.cseq + 1,
        )
    }

    fn request(&mut self, method: &str, wire: &Wire) -> Message {
        self.cseq += 1;
        self.message(method, self.cseq, &token(), wire)
    }

    fn message(&self, method: &str, number: u32, branch: &str, wire: &Wire) -> Message {
        Message::new(format!("{method} {} SIP/2.0", self.target))
            .with(
                "Via",
                format!("SIP/2.0/UDP {};branch=z9hG4bK{branch};rport", wire.address),
            )
            .with("Max-Forwards", "70")
            .with("From", &self.local)
            .with("To", &self.remote)
            .with("Call-ID", &self.call_id)
            .with("CSeq", format!("{number} {method}"))
            .with("Contact", wire.contact())
    }

    /// Sends a request of ours, again and again until it is answered.
    fn ask(&mut self, request: &Message, wire: &Wire) {
        wire.send(&self.call_id, request);
        self.resend(request.bytes());
    }

    fn resend(&mut self, bytes: Vec<u8>) {
        self.unanswered = Some(Unanswered {
            bytes,
            next: Instant::now() + AGAIN,
            left: TRIES,
        });
    }

    fn answer(&mut self, response: &Message, wire: &Wire) {
        let cseq = response.header("CSeq").to_owned();
        wire.send(&self.call_id, response);
        self.answers.insert(cseq, response.bytes());
    }

    fn respond(&mut self, to: &Message, status: u16, wire: &Wire) -> Message {
        let response = to.response(status, reason(status), tag(&self.local));
        let response = response.with("Contact", wire.contact());
        self.answer(&response, wire);
        response
    }

    /// Does what is due now. A second call that a step wants is returned.
    pub(super) fn tick(&mut self, wire: &Wire) -> Option<Self> {
        let now = Instant::now();
        self.send_again(now, wire);
        if self.state != State::Over {
            self.sound.play(&wire.tone);
            wire.note_sound(&self.call_id, self.sound.listen());
        }
        if self.transferred {
            self.awaits.take_if(|awaits| *awaits == Awaits::Transfer);
        }
        while self.state != State::Over
            && self.awaits.is_none()
            && self.due.is_none_or(|due| due <= now)
            && let Some(step) = self.steps.pop_front()
        {
            self.due = None;
            let second = self.perform(step, wire);
            if second.is_some() {
                return second;
            }
        }
        None
    }

    fn send_again(&mut self, now: Instant, wire: &Wire) {
        let Some(unanswered) = &mut self.unanswered else {
            return;
        };
        if unanswered.next <= now {
            wire.repeat(&unanswered.bytes);
            unanswered.next = now + AGAIN;
            unanswered.left -= 1;
            if unanswered.left == 0 {
                self.unanswered = None;
            }
        }
    }

    fn perform(&mut self, step: Step, wire: &Wire) -> Option<Self> {
        match step {
            Step::Swallow => self.steps.clear(),
            Step::Wait(time) => self.due = Some(Instant::now() + time),
            Step::Status(status, reason, headers) => self.status(status, &reason, &headers, wire),
            Step::EarlyMedia => self.open(183, wire),
            Step::Answer => {
                self.open(200, wire);
                self.resend(self.answers[self.invite.header("CSeq")].clone());
                self.state = State::Up;
                self.awaits = Some(Awaits::Ack);
            }
            Step::Transferred => self.awaits = Some(Awaits::Transfer),
            Step::Refer(number, replaces) => {
                let to = if replaces {
                    self.consulted.clone()
                } else {
                    format!("sip:{number}@{}", wire.pbx)
                };
                self.transferred = false;
                let refer = self
                    .request("REFER", wire)
                    .with("Refer-To", format!("<{to}>"));
                let refer = refer.with("Referred-By", format!("<sip:{}@127.0.0.1>", wire.user));
                self.ask_and_wait(&refer, wire);
            }
            Step::Consult(extension) => {
                let second = Self::calling(&extension, Script::default(), wire);
                self.awaits = Some(Awaits::Consulted(second.call_id.clone()));
                return Some(second);
            }
            Step::Media(direction) => {
                let invite = self.request("INVITE", wire).with_sdp(self.sdp(direction));
                self.sound.send(direction != "inactive");
                self.ask_and_wait(&invite, wire);
            }
            Step::Bye => self.bye(wire),
        }
        None
    }

    fn ask_and_wait(&mut self, request: &Message, wire: &Wire) {
        self.awaits = Some(Awaits::Answer(request.header("CSeq").to_owned()));
        self.ask(request, wire);
    }

    fn status(&mut self, status: u16, reason: &str, headers: &[String], wire: &Wire) {
        let mut response = self.invite.response(status, reason, tag(&self.local));
        for header in headers {
            let (name, value) = header.split_once(':').expect("a header has a colon");
            response = response.with(name, value.trim());
        }
        if !headers.iter().any(|header| header.starts_with("Contact:")) {
            response = response.with("Contact", wire.contact());
        }
        self.answer(&response, wire);
        if status >= 300 {
            self.state = State::Over;
        }
    }

    /// A response to the INVITE with SDP, and sound.
    fn open(&mut self, status: u16, wire: &Wire) {
        let response = self
            .invite
            .response(status, reason(status), tag(&self.local));
        let response = response.with("Contact", wire.contact());
        let response = response.with(
            "Allow",
            "INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, REFER, UPDATE",
        );
        self.answer(&response.with_sdp(self.sdp("sendrecv")), wire);
        self.sound.send(true);
    }

    /// Ends the call, as far as it has come.
    pub(super) fn end(&mut self, wire: &Wire) {
        match (self.state, self.by) {
            (State::Early, Side::Pbx) => self.status(480, reason(480), &[], wire),
            (State::Up, _) => self.bye(wire),
            _ => {}
        }
    }

    fn bye(&mut self, wire: &Wire) {
        if self.state == State::Up {
            let bye = self.request("BYE", wire);
            self.ask(&bye, wire);
            self.over();
        }
    }

    fn over(&mut self) {
        self.state = State::Over;
        self.steps.clear();
        self.awaits = None;
        self.sound.send(false);
    }

    /// What is left of the script is replaced.
    pub(super) fn follow(&mut self, script: Script) {
        if self.state != State::Over {
            self.steps = script.0.into();
            self.due = None;
            self.awaits.take_if(|awaits| *awaits == Awaits::Transfer);
        }
    }

    /// The call that this one waits for.
    pub(super) fn consults(&self) -> Option<&str> {
        match &self.awaits {
            Some(Awaits::Consulted(id)) => Some(id),
            _ => None,
        }
    }

    /// It was answered, or refused: as a REFER would name it.
    pub(super) fn has_consulted(&mut self, name: String) {
        self.awaits = None;
        self.consulted = name;
    }

    /// As a REFER with Replaces names this call.
    pub(super) fn as_replaced(&self) -> String {
        let (call_id, theirs, ours) = (&self.call_id, tag(&self.remote), tag(&self.local));
        let target = uri(self.invite.header("To"));
        format!("{target}?Replaces={call_id}%3Bto-tag%3D{theirs}%3Bfrom-tag%3D{ours}")
    }

    /// Whether it is over, and the PBX has followed its redirect to another number: within the
    /// same dialog, but as a call of its own.
    pub(super) fn is_redirected_to(&self, message: &Message) -> bool {
        let number = message::user(&message.start);
        self.state == State::Over
            && message.status().is_none()
            && message.method() == "INVITE"
            && number != self.number
    }

    /// A message of this call has come.
    pub(super) fn take(&mut self, message: &Message, wire: &Wire) {
        if message.status().is_some() {
            return self.take_response(message, wire);
        }
        if let Some(answer) = self.answers.get(message.header("CSeq")) {
            return wire.repeat(answer);
        }
        match message.method() {
            // The first one again, which the script swallows.
            "INVITE" if self.by == Side::Pbx && self.state == State::Early => {}
            "ACK" => self.take_ack(message, wire),
            "CANCEL" => {
                wire.note(&self.call_id, Side::Pbx, message);
                self.respond(message, 200, wire);
                if self.state == State::Early {
                    let invite = self.invite.clone();
                    self.respond(&invite, 487, wire);
                    self.over();
                }
            }
            "BYE" => {
                wire.note(&self.call_id, Side::Pbx, message);
                self.respond(message, 200, wire);
                self.over();
            }
            "INVITE" | "UPDATE" => self.take_offer(message, wire),
            _ => {
                wire.note(&self.call_id, Side::Pbx, message);
                let told = message.body.split_once("SIP/2.0 ");
                let told = told.and_then(|(_, rest)| rest.get(..3)?.parse::<u16>().ok());
                self.transferred |= message.method() == "NOTIFY" && told >= Some(200);
                self.respond(message, 200, wire);
            }
        }
    }

    fn take_ack(&mut self, message: &Message, wire: &Wire) {
        if self.awaits == Some(Awaits::Ack) {
            self.awaits = None;
            self.unanswered = None;
        }
        wire.note_once(&self.call_id, message);
    }

    fn take_offer(&mut self, message: &Message, wire: &Wire) {
        wire.note(&self.call_id, Side::Pbx, message);
        if message.body.is_empty() && message.method() == "UPDATE" {
            self.respond(message, 200, wire);
            return;
        }
        if !message.body.is_empty() {
            self.sound.aim(&message.body);
        }
        let response = message.response(200, "OK", tag(&self.local));
        let response = response.with("Contact", wire.contact());
        self.answer(&response.with_sdp(self.sdp("sendrecv")), wire);
    }

    fn take_response(&mut self, message: &Message, wire: &Wire) {
        let cseq = message.header("CSeq");
        let status = message.status().unwrap_or_default();
        let awaited = self.awaits == Some(Awaits::Answer(cseq.to_owned()));
        if awaited || message.method() == "BYE" || status < 200 {
            wire.note(&self.call_id, Side::Pbx, message);
        }
        if status < 200 {
            self.unanswered = None;
            return;
        }
        if message.method() == "INVITE" {
            self.acknowledge(message, status, wire);
        }
        if !awaited {
            self.unanswered.take_if(|_| message.method() == "BYE");
            return;
        }
        self.unanswered = None;
        self.awaits = None;
        if message.method() == "REFER" && status >= 300 {
            self.transferred = true;
        }
    }

    fn acknowledge(&mut self, message: &Message, status: u16, wire: &Wire) {
        let mut branch = token();
        if status < 300 {
            message.header("To").clone_into(&mut self.remote);
            uri(message.header("Contact")).clone_into(&mut self.target);
            self.sound.aim(&message.body);
            if self.state == State::Early {
                self.state = State::Up;
                self.sound.send(true);
            }
        } else {
            let via = message.header("Via");
            let sent = via
                .split_once("branch=z9hG4bK")
                .map_or("", |(_, rest)| rest);
            sent.split(';')
                .next()
                .unwrap_or_default()
                .clone_into(&mut branch);
            if self.state == State::Early {
                self.over();
            }
        }
        let number = message.header("CSeq").split(' ').next();
        let number = number.and_then(|number| number.parse().ok());
        let ack = self.message("ACK", number.unwrap_or(self.cseq), &branch, wire);
        wire.send(&self.call_id, &ack);
    }
}
