//! Who asks a process to end, how often, and what becomes of that: one process by itself, step by
//! step.

use std::time::Duration;

use super::Sim;
use super::deck::Deck;
use super::tests::{a_play, in_runtime};
use crate::campaign::{RunState, Time};
use crate::engine::{Incoming, Options, Request};

/// Who asks, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// A person, to drain.
    Person,
    /// A person, to hang up at once.
    PersonNow,
    /// A signal.
    Signal,
}

use Asks::{Person, PersonNow, Signal};

/// Each row is who asks in turn, and who of them hangs everything up: from then on it is hung up.
const ROWS: [(&[Asks], Option<usize>); 16] = [
    (&[Person], None),
    (&[Signal], None),
    (&[PersonNow], Some(0)),
    (&[Person, Person, Person], None),
    (&[Person, Signal], None),
    (&[Person, Signal, Person], None),
    (&[Signal, Person], None),
    (&[Signal, Person, Person], None),
    (&[Signal, Signal], Some(1)),
    (&[Signal, Signal, Signal, Person], Some(1)),
    (&[Person, Signal, Signal], Some(2)),
    (&[Signal, Person, Signal], Some(2)),
    (&[Person, Person, Signal, Person, Signal], Some(4)),
    (&[Signal, PersonNow], Some(1)),
    (&[Person, PersonNow, Signal], Some(1)),
    (&[PersonNow, Person, Signal, PersonNow], Some(0)),
];

struct Rig {
    sim: Sim,
    deck: Deck,
}

impl Rig {
    fn new() -> Self {
        let mut sim = Sim::new(a_play(0));
        sim.settings.drain = Duration::from_secs(600);
        sim.set_clock();
        let options = Options {
            start: true,
            new_run: false,
            take_over: false,
            exit_when_done: false,
        };
        let (deck, _) = Deck::start(&sim.settings, &sim.numbers, options).expect("it starts");
        Self { sim, deck }
    }

    fn ask(&mut self, how: Asks) {
        let stop = Request::Stop {
            now: how == PersonNow,
            by_signal: how == Signal,
            by: format!("{how:?}"),
        };
        self.deck.engine.step(Incoming::Request(stop));
    }

    fn wait(&mut self, ms: u64) {
        self.sim.uptime += Duration::from_millis(ms);
        self.sim.set_clock();
        self.deck.engine.step(Incoming::Tick);
    }

    fn now(&self) -> Time {
        self.deck.engine.clock.now()
    }

    /// Who asked first, whether all is being hung up, and when the next step is taken.
    fn stand(&self) -> (String, bool, Time) {
        let stopping = self.deck.engine.stopping.as_ref().expect("it stops");
        (stopping.by.clone(), stopping.hung_up, stopping.deadline)
    }
}

#[test]
fn only_a_second_signal_or_a_stop_now_hangs_up_and_a_repeat_moves_no_deadline() {
    for (asked, hangs_up) in ROWS {
        in_runtime(async {
            let mut rig = Rig::new();
            let began = rig.now();
            let mut hung_up_at = None;
            for (place, how) in asked.iter().enumerate() {
                rig.wait(700);
                rig.ask(*how);
                if hangs_up == Some(place) {
                    hung_up_at = Some(rig.now());
                }
                let deadline = match hung_up_at {
                    Some(at) => at + Duration::from_secs(10),
                    None => began + Duration::from_millis(700) + Duration::from_secs(600),
                };
                let expected = (format!("{:?}", asked[0]), hung_up_at.is_some(), deadline);
                assert_eq!(rig.stand(), expected, "{:?}", &asked[..=place]);
                let picture = rig.deck.picture();
                let shown = picture.stopping.as_ref().expect("it is shown");
                assert_eq!(shown.hung_up, hung_up_at.is_some(), "{asked:?}");
                let state = rig.deck.engine.campaign.state();
                assert!(
                    matches!(state, RunState::Draining | RunState::Idle),
                    "{asked:?}: {state:?}"
                );
            }
        });
    }
}

#[test]
fn repeated_stops_do_not_put_off_the_end_of_drain_seconds() {
    in_runtime(async {
        let mut rig = Rig::new();
        rig.ask(Signal);
        for _ in 0..599 {
            rig.wait(1000);
            rig.ask(Person);
            assert!(!rig.stand().1);
        }
        rig.wait(1000);
        assert!(rig.stand().1);
    });
}
