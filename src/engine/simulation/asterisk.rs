//! Asterisk's side: requests that arrive, events that leave, and the event stream between.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;

use super::deck::world_time;
use super::laws::Verdict;
use super::network::{Mishap, Outgoing, Result as Answer, as_http, as_request, no_connection};
use super::{Item, Sim};
use crate::ari::link::{AppPresence, Occasion, application_verdict};
use crate::ari::link::{AppVerdict as MayConnect, DownReason, LinkEvent, LinkState, UNUSED_EVENTS};
use crate::ari::{Application, Event, EventKind};
use crate::campaign::{AttemptId, Part};
use crate::simulator::{Body, ConnectionId, Method, Output, Request, Response};

/// The Stasis application.
pub(super) const APP: &str = "outbound_dialer";

impl Sim {
    /// What has left the client is on its way now, with whatever befalls it.
    pub(super) fn send_out(&mut self) -> std::result::Result<bool, super::Violation> {
        let mut any = false;
        while let Some(outgoing) = self.deck.as_ref().and_then(|deck| deck.network.take()) {
            any = true;
            self.send_one(outgoing)?;
        }
        Ok(any)
    }

    fn send_one(&mut self, outgoing: Outgoing) -> Verdict {
        let originated = self.originated(&outgoing);
        if let Some(attempt) = originated {
            self.may_leave(attempt)?;
        }
        if outgoing.sent.what == "DELETE /channels/{id}"
            && let Some(id) = as_request(&outgoing.sent).path.last()
        {
            self.may_hang_up(id)?;
        }
        self.note(|| format!("-> {} {}", outgoing.sent.what, outgoing.sent.path));
        let (there, back) = (self.soon(), self.soon());
        if !self.rest_answers() {
            self.plan(there, Item::Reply(outgoing.reply, Err(no_connection())));
            return Ok(());
        }
        let Some(mishap) = self.mishap(originated.is_some()) else {
            self.plan(there, Item::Arrive(outgoing, Ok(back)));
            return Ok(());
        };
        self.tally.count(mishap.name());
        self.notes.mishap_at = self.uptime + Duration::from_secs(5);
        self.note(|| format!("   {}", mishap.name()));
        self.suffer_mishap(outgoing, mishap, there);
        Ok(())
    }

    fn mishap(&mut self, originate: bool) -> Option<Mishap> {
        if self.is_calm() || self.rng.u32(..1000) >= self.mishaps {
            return None;
        }
        let mishap = *self.rng.choice(&Mishap::ALL)?;
        // Whoever else is told so would take down what it takes for gone.
        let lies = matches!(mishap, Mishap::Error404 | Mishap::LoginRefused);
        (!lies || originate).then_some(mishap)
    }

    fn suffer_mishap(&mut self, outgoing: Outgoing, mishap: Mishap, there: Duration) {
        let late = super::network::REQUEST_TIMEOUT;
        if mishap == Mishap::SlowAnswer {
            let back = Duration::from_millis(self.rng.u64(200..4000));
            self.plan(there, Item::Arrive(outgoing, Ok(back)));
            return;
        }
        let Some(told) = mishap.told(outgoing.sent.what) else {
            return;
        };
        let told_after = match mishap {
            Mishap::Saturated | Mishap::AnswerLost | Mishap::CarriedOutLate | Mishap::Lost => late,
            _ => there + self.soon(),
        };
        let carried_out = match mishap {
            Mishap::Gateway | Mishap::AnswerLost | Mishap::Broken => Some(there),
            Mishap::CarriedOutLate => Some(late + self.lateness()),
            _ => None,
        };
        if let Some(attempt) = self.originated(&outgoing)
            && matches!(mishap, Mishap::CarriedOutLate | Mishap::Lost)
        {
            self.notes
                .given_up
                .insert(attempt, self.uptime + told_after);
        }
        let Outgoing { sent, reply } = outgoing;
        if let Some(after) = carried_out {
            // Nobody hears this answer.
            let reply = oneshot::channel().0;
            self.plan(after, Item::Arrive(Outgoing { sent, reply }, Err(())));
        }
        self.plan(told_after, Item::Reply(reply, told));
    }

    /// How long after the client gave it up a request is carried out: amid what the client
    /// does next, or any time.
    fn lateness(&mut self) -> Duration {
        let most = if self.rng.bool() { 50 } else { 9000 };
        Duration::from_millis(self.rng.u64(1..most))
    }

    /// A request reaches Asterisk.
    pub(super) fn arrive(&mut self, outgoing: Outgoing, back: std::result::Result<Duration, ()>) {
        let now = self.world_now();
        let originated = self.originated(&outgoing);
        let number = outgoing.sent.path.clone();
        let result: Answer = if self.world.is_down(now) {
            Err(no_connection())
        } else {
            let placed = self.world.calls_placed().len();
            let response = self.world.request(now, &as_request(&outgoing.sent));
            if response.status >= 400 {
                self.tally.count("answers that refuse");
            }
            if let (Some(attempt), Some(placed)) =
                (originated, self.world.calls_placed().get(placed))
            {
                self.notes.dialed.insert(attempt, placed.clone());
                self.tally.count("calls placed");
            }
            self.note(|| format!("   {} of {number}", response.status));
            self.note_told_of_target(&outgoing);
            Ok(as_http(response))
        };
        if let Ok(back) = back {
            self.plan(back, Item::Reply(outgoing.reply, result));
        }
        self.carry_events();
    }

    /// Asterisk says where a target stands; of one that has answered the talk has begun.
    fn note_told_of_target(&mut self, outgoing: &Outgoing) {
        let Some(id) = outgoing.sent.path.strip_prefix("/channels/") else {
            return;
        };
        let is_question = outgoing.sent.what == "GET /channels/{id}";
        if let Some((attempt, Part::B)) = self.ids.parse(id)
            && is_question
            && !self.talks(attempt)
        {
            self.notes.told_silent.insert(attempt, self.world_now());
        }
    }

    /// The attempts whose originate has left and not arrived.
    pub(super) fn originates_on_their_way(&self) -> Vec<AttemptId> {
        let items = self.agenda.values();
        let on_their_way = items.filter_map(|item| match item {
            Item::Arrive(outgoing, _) => self.originated(outgoing),
            _ => None,
        });
        on_their_way.collect()
    }

    /// The attempt whose leg A is originated by this request.
    fn originated(&self, outgoing: &Outgoing) -> Option<AttemptId> {
        if outgoing.sent.what != "POST /channels" {
            return None;
        }
        let request = as_request(&outgoing.sent);
        let id = request.param("channelId").map(str::to_owned).or_else(|| {
            let body = outgoing.sent.body.as_ref()?;
            body.get("channelId")?.as_str().map(str::to_owned)
        });
        let (attempt, part) = self.ids.parse(&id?)?;
        (part == Part::A).then_some(attempt)
    }

    /// Events on their way, in the order in which they leave.
    pub(super) fn carry_events(&mut self) {
        while let Some(output) = self.world.poll_output() {
            match output {
                Output::Event { connection, text } => {
                    let delay = Duration::from_millis(self.rng.u64(..6));
                    self.last_event = self.last_event.max(self.uptime + delay);
                    self.plan_at(self.last_event, Item::Deliver(connection, text));
                }
                Output::Close(connection) | Output::Stall(connection) => {
                    if self.deck.as_ref().and_then(|d| d.socket) == Some(connection) {
                        self.lose_link(DownReason::Closed);
                    }
                }
                Output::Restart => self.break_connections(),
            }
        }
    }

    /// Every connection is cut: answers that were on their way are lost.
    pub(super) fn break_connections(&mut self) {
        let mut broken = Vec::new();
        for (key, item) in std::mem::take(&mut self.agenda) {
            match item {
                Item::Arrive(outgoing, _) => broken.push((outgoing.sent.what, outgoing.reply)),
                Item::Reply(reply, _) => broken.push(("a request", reply)),
                other => drop(self.agenda.insert(key, other)),
            }
        }
        // Nothing of them is left to come.
        self.notes.given_up.clear();
        for (request, reply) in broken {
            let told = Mishap::Broken.told(request).expect("it is told");
            self.plan(Duration::from_millis(1), Item::Reply(reply, told));
        }
        self.lose_link(DownReason::Closed);
    }

    /// An event comes over a socket.
    pub(super) fn deliver(&mut self, connection: ConnectionId, text: &str) {
        let socket = self.deck.as_ref().and_then(|deck| deck.socket);
        if socket != Some(connection) || self.stalled {
            return;
        }
        let Ok(event) = Event::parse(text) else {
            return;
        };
        self.note_event(&event);
        let Some(deck) = &mut self.deck else { return };
        let replaced = event.kind == EventKind::ApplicationReplaced;
        let full = deck
            .events
            .try_send(LinkEvent::Event(Box::new(event)))
            .is_err();
        if full {
            self.tally.count("link: overrun");
            self.lose_link(DownReason::Overrun);
        } else if replaced {
            self.be_replaced();
        }
    }

    fn be_replaced(&mut self) {
        self.tally.count("link: ApplicationReplaced");
        self.note(|| "another program has taken the application".to_owned());
        let since = self.since();
        let Some(deck) = &mut self.deck else { return };
        deck.socket = None;
        deck.occasion = Occasion::First;
        deck.set_link(LinkState::Replaced { since });
        let told = deck.events.try_send(LinkEvent::Replaced);
        told.expect("there is room for the last word");
    }

    /// The socket is gone, and the link knows.
    pub(super) fn lose_link(&mut self, why: DownReason) {
        self.stalled = false;
        let since = self.since();
        let Some(deck) = &mut self.deck else { return };
        let Some(socket) = deck.socket.take() else {
            return;
        };
        self.world.disconnect(socket);
        let down = why.clone();
        deck.set_link(LinkState::Down { why: down, since });
        // A queue that is full is read before anything else comes in.
        let _ = deck.events.try_send(LinkEvent::Down { why, since });
        self.note(|| "the link is lost".to_owned());
        let backoff = Duration::from_millis(self.rng.u64(100..5000));
        self.plan(backoff, Item::Connect(self.process));
    }

    /// The link tries to connect.
    pub(super) fn connect(&mut self) {
        let now = self.world_now();
        let Some(deck) = &self.deck else { return };
        if deck.socket.is_some() || matches!(*deck.link.borrow(), LinkState::Replaced { .. }) {
            return;
        }
        if !self.rest_answers() {
            self.plan(Duration::from_secs(1), Item::Connect(self.process));
            return;
        }
        let (prefix, occasion) = (deck.prefix.clone(), deck.occasion);
        let app = self.application();
        let presence = if self.world.is_connected(APP) {
            AppPresence::Somebody
        } else {
            AppPresence::Nobody
        };
        if let Some(app) = app.clone()
            && application_verdict(Some(&app), &prefix, occasion, presence) != MayConnect::Connect
        {
            self.be_held(app);
            return;
        }
        if occasion != Occasion::Again {
            self.hang_up_amid_the_census();
        }
        let socket = self.world.connect(now, &[APP], false);
        self.set_filter();
        self.note(|| "the link is up".to_owned());
        self.tally.count("link: up");
        let since = self.since();
        if let Some(deck) = &mut self.deck {
            deck.socket = Some(socket);
            deck.occasion = Occasion::Again;
            deck.set_link(LinkState::Up { since });
            let up = LinkEvent::Up { left_over: app };
            deck.events.try_send(up).expect("there is room");
        }
        self.carry_events();
    }

    fn be_held(&mut self, app: Application) {
        self.tally.count("link: held");
        let since = self.since();
        if let Some(deck) = &mut self.deck {
            deck.set_link(LinkState::Held { since });
            deck.events
                .try_send(LinkEvent::Held { app })
                .expect("there is room");
        }
    }

    fn application(&mut self) -> Option<Application> {
        let response = self.ask(Method::Get, &["applications", APP], serde_json::Value::Null);
        match response.body {
            Body::Json(json) if response.status == 200 => {
                Some(serde_json::from_value(json).expect("an application"))
            }
            _ => None,
        }
    }

    fn set_filter(&mut self) {
        let unused = UNUSED_EVENTS.map(|kind| serde_json::json!({ "type": kind }));
        let body = serde_json::json!({ "disallowed": unused });
        self.ask(Method::Put, &["applications", APP, "eventFilter"], body);
    }

    /// A request that nothing befalls.
    pub(super) fn ask(
        &mut self,
        method: Method,
        path: &[&str],
        body: serde_json::Value,
    ) -> Response {
        let request = Request {
            method,
            path: path.iter().map(ToString::to_string).collect(),
            query: Vec::new(),
            body,
        };
        let now = self.world_now();
        self.world.request(now, &request)
    }

    /// The moment as the link tells it.
    fn since(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(self.world_now().0)
    }

    fn soon(&mut self) -> Duration {
        Duration::from_micros(self.rng.u64(200..8000))
    }

    pub(super) fn world_now(&self) -> crate::campaign::Time {
        world_time(self.uptime)
    }
}
