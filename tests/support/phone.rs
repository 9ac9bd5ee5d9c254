//! A SIP phone that plays a script: the carrier behind the lab's trunk `scripted`, or the
//! agent's phone `PJSIP/scripted-agent`. It is a witness as well: of each call it tells every
//! message with its moment, and for how long it heard somebody.
//!
//! ```ignore
//! let carrier = Phone::carrier(&lab);
//! carrier.on("7901", Script::new().ring(Duration::from_millis(300)).answer());
//! carrier.on("7902", Script::new().status_with(302, &["Contact: <sip:1000@127.0.0.1>"]));
//! let agent = Phone::agent(&lab);
//! agent.on("", Script::new().answer().wait(second).refer("100").transferred().bye());
//! // … dial through the trunk `scripted`, with TARGET_ENDPOINT=PJSIP/scripted-agent …
//! assert_eq!(carrier.rung("79011234567"), 1);
//! let call = carrier.call("79011234567");
//! assert_eq!(call.ended_by(), Some(Side::Pbx));
//! ```

#![allow(dead_code, reason = "each test crate uses a part of it")]

#[path = "phone/leg.rs"]
mod leg;
#[path = "phone/message.rs"]
mod message;
#[path = "phone/sound.rs"]
mod sound;
#[path = "phone/switch.rs"]
mod switch;

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::lab::{CARRIER_HZ, Lab, TARGET_HZ};

/// How long [`Phone::wait_for`] waits.
const PATIENCE: Duration = Duration::from_secs(15);

/// What the phone does in one call, step after step. When the last is done the call stays as
/// it is, until the PBX ends it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script(Vec<Step>);

#[derive(Debug, Clone)]
enum Step {
    /// Answer nothing, not even with a 100.
    Swallow,
    Wait(Duration),
    /// A response to the INVITE without a body.
    Status(u16, String, Vec<String>),
    /// 183 with SDP, and sound.
    EarlyMedia,
    Answer,
    /// Until the PBX has ended the transfer that was asked for, well or badly.
    Transferred,
    /// A REFER; with `true` the called one replaces the call of [`Step::Consult`].
    Refer(String, bool),
    /// A second call, to an extension of the PBX, until it answers.
    Consult(String),
    /// A re-INVITE with `a=` this.
    Media(&'static str),
    Bye,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    /// Answers nothing at all, as where the INVITE is lost.
    pub(crate) fn swallow(self) -> Self {
        self.then(Step::Swallow)
    }

    pub(crate) fn wait(self, time: Duration) -> Self {
        self.then(Step::Wait(time))
    }

    /// 180, and then `time`.
    pub(crate) fn ring(self, time: Duration) -> Self {
        self.status(180).wait(time)
    }

    /// Answers the INVITE with this: 100 to 199 and the script goes on, 300 and more and the
    /// call is over.
    pub(crate) fn status(self, status: u16) -> Self {
        self.status_with(status, &[])
    }

    /// The same with further headers, `Name: value` each.
    pub(crate) fn status_with(self, status: u16, headers: &[&str]) -> Self {
        self.status_line(status, message::reason(status), headers)
    }

    /// The same with a reason phrase of one's own.
    pub(crate) fn status_line(self, status: u16, reason: &str, headers: &[&str]) -> Self {
        let headers = headers.iter().map(|&h| h.to_owned()).collect();
        self.then(Step::Status(status, reason.to_owned(), headers))
    }

    /// 183 with SDP, and the phone's tone from here on.
    pub(crate) fn early_media(self) -> Self {
        self.then(Step::EarlyMedia)
    }

    /// 200 with SDP, until the ACK has come.
    pub(crate) fn answer(self) -> Self {
        self.then(Step::Answer)
    }

    /// Blind transfer: a REFER to this number, until it is answered (202 or a refusal).
    pub(crate) fn refer(self, number: &str) -> Self {
        self.then(Step::Refer(number.to_owned(), false))
    }

    /// A second call to this extension of the PBX, until it answers.
    pub(crate) fn consult(self, extension: &str) -> Self {
        self.then(Step::Consult(extension.to_owned()))
    }

    /// Attended transfer: a REFER with Replaces to whom [`Self::consult`] reached.
    pub(crate) fn refer_to_consulted(self) -> Self {
        self.then(Step::Refer(String::new(), true))
    }

    /// Until a NOTIFY has told how the transfer ended.
    pub(crate) fn transferred(self) -> Self {
        self.then(Step::Transferred)
    }

    /// Hold, with music expected from the other side (`a=sendonly`).
    pub(crate) fn hold(self) -> Self {
        self.then(Step::Media("sendonly"))
    }

    /// Hold, with nothing in either direction (`a=inactive`).
    pub(crate) fn hold_inactive(self) -> Self {
        self.then(Step::Media("inactive"))
    }

    pub(crate) fn unhold(self) -> Self {
        self.then(Step::Media("sendrecv"))
    }

    pub(crate) fn bye(self) -> Self {
        self.then(Step::Bye)
    }
}

/// Who sent something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Phone,
    Pbx,
}

/// One message of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) at: Instant,
    pub(crate) by: Side,
    /// `INVITE`, `180 INVITE`, `ACK`, `NOTIFY SIP/2.0 200 OK`, …; retransmissions are left out.
    pub(crate) what: String,
}

/// What the phone saw of one call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Who placed it: the PBX, or the phone itself.
    pub(crate) by: Side,
    /// Whom the INVITE was for: the user of its request URI.
    pub(crate) number: String,
    /// The INVITE's From, and all of it.
    pub(crate) from: String,
    pub(crate) invite: String,
    /// Its Call-ID.
    pub(crate) id: String,
    pub(crate) lines: Vec<Line>,
    /// How long sound came in, and when last.
    pub(crate) heard: Duration,
    pub(crate) heard_last: Option<Instant>,
}

impl Call {
    /// When this was sent or came first.
    pub(crate) fn at(&self, what: &str) -> Option<Instant> {
        let line = self.lines.iter().find(|line| line.what == what);
        line.map(|line| line.at)
    }

    pub(crate) fn has(&self, what: &str) -> bool {
        self.at(what).is_some()
    }

    pub(crate) fn is_answered(&self) -> bool {
        self.has("ACK") && self.has("200 INVITE")
    }

    /// Who sent the BYE; `None` while the call is up, and of one that was never answered.
    pub(crate) fn ended_by(&self) -> Option<Side> {
        let bye = self.lines.iter().find(|line| line.what == "BYE");
        bye.map(|line| line.by)
    }

    /// Answered, and nobody has sent a BYE.
    pub(crate) fn is_up(&self) -> bool {
        self.is_answered() && self.ended_by().is_none()
    }

    /// From the ACK to the BYE, or till now.
    pub(crate) fn lasted(&self) -> Duration {
        let Some(ack) = self.at("ACK") else {
            return Duration::ZERO;
        };
        self.at("BYE").unwrap_or_else(Instant::now) - ack
    }

    /// All messages in order, for the words of a failed test.
    pub(crate) fn story(&self) -> Vec<String> {
        let line = |l: &Line| format!("{:?}: {}", l.by, l.what);
        self.lines.iter().map(line).collect()
    }
}

type Decide = Box<dyn Fn(&str) -> Script + Send>;

/// What the thread of a phone and its owner share.
struct Shared {
    scripts: BTreeMap<String, Script>,
    decide: Option<Decide>,
    calls: Vec<Call>,
}

/// An order from the test.
enum Order {
    /// A call of the phone's own, to an extension of the PBX.
    Dial(String, Script),
    /// Instead of what is left of the script of these calls that are up.
    Now(String, Script),
    /// Leave.
    End,
}

/// A phone at work. When it is dropped it ends its calls, so that no INVITE of theirs is sent
/// again and reaches the phone of the next test.
pub(crate) struct Phone {
    shared: Arc<Mutex<Shared>>,
    orders: Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl Phone {
    /// The carrier behind the trunks `scripted`, `scripted-open` and `scripted-uri`. It plays
    /// the carrier's tone.
    pub(crate) fn carrier(lab: &Lab) -> Self {
        Self::start(lab, "SCRIPTED_CARRIER", "carrier", CARRIER_HZ)
    }

    /// The phone of `PJSIP/scripted-agent`. It plays the targets' tone.
    pub(crate) fn agent(lab: &Lab) -> Self {
        Self::start(lab, "SCRIPTED_AGENT", "scripted-agent", TARGET_HZ)
    }

    fn start(lab: &Lab, port: &str, user: &str, hz: f64) -> Self {
        let shared = Arc::new(Mutex::new(Shared {
            scripts: BTreeMap::new(),
            decide: None,
            calls: Vec::new(),
        }));
        let (orders, inbox) = mpsc::channel();
        let switch = switch::Switch::new(
            lab.address(port),
            lab.address("PBX_SIP"),
            user,
            sound::tone(hz),
            Arc::clone(&shared),
        );
        let thread = std::thread::spawn(move || switch.run(&inbox));
        Self {
            shared,
            orders,
            thread: Some(thread),
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("the phone's thread lives")
    }

    /// What becomes of calls to numbers that begin with this; the longest one counts. Without
    /// any the phone answers and stays.
    pub(crate) fn on(&self, prefix: &str, script: Script) {
        self.shared().scripts.insert(prefix.to_owned(), script);
    }

    /// Asked for numbers that no [`Self::on`] is for.
    pub(crate) fn decide(&self, script: impl Fn(&str) -> Script + Send + 'static) {
        self.shared().decide = Some(Box::new(script));
    }

    /// Calls an extension of the PBX, which takes the phone for the endpoint of its name.
    pub(crate) fn dial(&self, extension: &str, script: Script) {
        self.order(Order::Dial(extension.to_owned(), script));
    }

    /// Does this now in the calls of `number` that are up, whatever was left of their scripts.
    pub(crate) fn now(&self, number: &str, script: Script) {
        self.order(Order::Now(number.to_owned(), script));
    }

    fn order(&self, order: Order) {
        self.orders.send(order).expect("the phone's thread lives");
    }

    /// All calls so far, in the order of their INVITEs.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.shared().calls.clone()
    }

    /// How often the PBX rang this number.
    pub(crate) fn rung(&self, number: &str) -> usize {
        let calls = self.calls();
        let rung = calls.iter().filter(|c| c.by == Side::Pbx);
        rung.filter(|c| c.number == number).count()
    }

    /// The only call of this number.
    pub(crate) fn call(&self, number: &str) -> Call {
        let mut calls = self.calls();
        calls.retain(|call| call.number == number);
        let stories: Vec<_> = calls.iter().map(Call::story).collect();
        assert_eq!(calls.len(), 1, "calls of {number}: {stories:#?}");
        calls.remove(0)
    }

    /// Waits until `done` of what the phone saw.
    pub(crate) fn wait_for(&self, what: &str, done: impl Fn(&[Call]) -> bool) {
        let start = Instant::now();
        while !done(&self.calls()) {
            let stories: Vec<_> = self.calls().iter().map(Call::story).collect();
            assert!(start.elapsed() < PATIENCE, "no {what}: {stories:#?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Forgets the calls that are over.
    pub(crate) fn clear(&self) {
        self.shared().calls.retain(Call::is_up);
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        // Its thread may have panicked, which the test then tells of.
        let _ = self.orders.send(Order::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
