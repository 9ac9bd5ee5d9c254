//! A survey that takes long: one process by itself, step by step.

use std::time::Duration;

use super::Sim;
use super::deck::Deck;
use super::tests::{a_play, in_runtime};
use crate::ari::AriError;
use crate::ari::link::LinkEvent;
use crate::campaign::{AttemptId, Part, RunId};
use crate::engine::requests::Survey;
use crate::engine::{Incoming, Message, Options};

/// A process that is connected and of which no call is known.
struct Rig {
    sim: Sim,
    deck: Deck,
}

impl Rig {
    fn new() -> Self {
        let sim = Sim::new(a_play(0));
        sim.set_clock();
        let options = Options {
            start: false,
            new_run: false,
            take_over: false,
            exit_when_done: false,
        };
        let (deck, _) = Deck::start(&sim.settings, &sim.numbers, options).expect("it starts");
        let mut rig = Self { sim, deck };
        rig.connects();
        rig
    }

    fn connects(&mut self) {
        let up = LinkEvent::Up { left_over: None };
        self.deck.engine.step(Incoming::Link(up));
    }

    fn connection(&self) -> u64 {
        self.deck.engine.link_state.connection
    }

    /// The survey tells that somebody is on the line, and goes on.
    fn lists_somebody(&mut self, link: u64) {
        let (attempt, part) = (AttemptId(7), Part::A);
        let mut survey = Survey::default();
        survey.census.channels.push((attempt, part, true));
        let id = self
            .deck
            .engine
            .requester
            .channels
            .ids()
            .make(RunId(1), attempt, part);
        survey.ids.push((id, attempt, part));
        let listed = Message::Listed { link, survey };
        self.deck.engine.step(Incoming::Message(listed));
    }

    fn fails(&mut self) {
        let error = AriError::Timeout {
            request: "GET /recordings/stored/{name}",
            after: Duration::from_secs(5),
        };
        let failed = Message::Surveyed {
            link: self.connection(),
            survey: Err(error),
        };
        self.deck.engine.step(Incoming::Message(failed));
    }

    fn wait(&mut self, ms: u64) {
        self.sim.uptime += Duration::from_millis(ms);
        self.sim.set_clock();
        self.deck.engine.step(Incoming::Tick);
    }

    /// How many were asked to go.
    async fn hung_up(&mut self) -> usize {
        let mut hangups = 0;
        for _ in 0..8 {
            tokio::task::yield_now().await;
            while let Some(outgoing) = self.deck.network.take() {
                hangups += usize::from(outgoing.sent.what.starts_with("DELETE /channels"));
            }
        }
        hangups
    }
}

#[test]
fn who_is_on_the_line_does_not_wait_for_the_rest_of_a_survey() {
    in_runtime(async {
        let mut rig = Rig::new();
        rig.lists_somebody(rig.connection());
        let now = rig.deck.engine.clock.now();
        let due = rig.deck.engine.wake_at(now);
        assert!(due.since(now) <= Duration::from_secs(1));
        rig.wait(999);
        assert_eq!(rig.hung_up().await, 0, "the rest may come at once");
        rig.wait(1);
        assert_eq!(rig.hung_up().await, 1);
        rig.fails();
        assert_eq!(rig.hung_up().await, 0, "that was done");
    });
}

#[test]
fn who_is_on_the_line_is_seen_to_where_the_rest_of_a_survey_fails() {
    in_runtime(async {
        let mut rig = Rig::new();
        rig.lists_somebody(rig.connection());
        rig.fails();
        assert_eq!(rig.hung_up().await, 1);
    });
}

#[test]
fn what_an_earlier_connection_listed_is_not_acted_upon() {
    in_runtime(async {
        let mut rig = Rig::new();
        let before = rig.connection();
        rig.lists_somebody(before);
        rig.connects();
        rig.lists_somebody(before);
        rig.wait(1000);
        assert_eq!(rig.hung_up().await, 0);
    });
}
