use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use dialdeck::ari::Event;
use dialdeck::campaign::{
    AsteriskIds, AttemptId, CallSettings, Campaign, Census, Command, Effect, Emergency, Input,
    MaxCc, Number, Numbers, Op, OpError, PauseAfter, Policy, Record, Recordings, Target, Time,
};
use dialdeck::engine::{Channels, translate};

const MAX_CC: u32 = 2;
const LEADS: u32 = 5;

/// Events of Asterisk, one a line, to a campaign that dials: whatever they say and in
/// whatever order, nobody is dialed twice and never more than `MAX_CC` at once. A line that is
/// no event lets time pass.
pub fn events(bytes: &[u8]) {
    let mut world = World::begin();
    for line in bytes.split(|b| *b == b'\n').take(500) {
        let text = String::from_utf8_lossy(line);
        match Event::parse(&text) {
            Ok(event) => {
                world.now = world.now + Duration::from_millis(10);
                if let Some(input) = translate(&world.channels, &event) {
                    world.handle(input);
                }
            }
            Err(error) => {
                let told = error.to_string();
                assert!(super::is_harmless(&told), "{told:?}");
                world.wait(Duration::from_millis(20 * line.len() as u64));
            }
        }
    }
}

/// Asterisk as it should not be: it does what it is asked, and says anything.
struct World {
    campaign: Campaign,
    channels: Channels,
    now: Time,
    dialed: BTreeSet<AttemptId>,
    numbers: BTreeSet<String>,
    ended: BTreeSet<AttemptId>,
}

impl World {
    fn begin() -> Self {
        let ids = AsteriskIds::new("t");
        let policy = Policy {
            max_cc: MaxCc::new(MAX_CC).expect("above 0"),
            spacing: Duration::ZERO,
            retry_interrupted: false,
            pause_after: PauseAfter::NEVER,
            start_again_after: None,
            emergency: Emergency::default(),
            call: Arc::new(CallSettings {
                trunk: "mytrunk".to_owned(),
                caller_id: None,
                call_timeout: Duration::from_secs(3),
                target: Target {
                    endpoint: "Local/777@default".to_owned(),
                    timeout: Duration::from_secs(3),
                    staged: true,
                    moh_class: None,
                },
                max_call: None,
                recordings: Recordings {
                    dir: "/recordings".into(),
                    format: "wav".to_owned(),
                    keep_on_asterisk: false,
                },
            }),
        };
        let mut numbers = Numbers::new();
        for n in 0..LEADS {
            let number = Number::parse(&(1000 + n).to_string()).expect("digits");
            numbers.push(&number).expect("they differ");
        }
        let now = Time::from_millis(1_000_000);
        let mut campaign = Campaign::new(ids.clone(), policy, AttemptId(1));
        campaign.open_run(now, "list", &numbers);
        let mut world = Self {
            campaign,
            channels: Channels::new(ids),
            now,
            dialed: BTreeSet::new(),
            numbers: BTreeSet::new(),
            ended: BTreeSet::new(),
        };
        world.handle(Input::LinkUp(Census::default()));
        let started = world.campaign.command(now, &Command::Start);
        started.expect("it can start");
        world.handle(Input::Tick);
        world
    }

    fn handle(&mut self, input: Input) {
        self.campaign.handle(self.now, input);
        while let Some(effect) = self.campaign.poll_effect() {
            self.carry_out(effect);
        }
        assert!(self.campaign.live_calls() <= MAX_CC as usize, "over MAX_CC");
        let next = self.campaign.poll_timeout();
        assert!(next.is_none_or(|at| at > self.now), "a timer spins");
    }

    fn carry_out(&mut self, effect: Effect) {
        let input = match effect {
            Effect::Journal(Record::AttemptBegun { attempt, .. }) => Input::Durable(attempt),
            Effect::Journal(Record::AttemptEnded { attempt, .. }) => {
                assert!(self.dialed.contains(&attempt), "{attempt:?} was not dialed");
                assert!(self.ended.insert(attempt), "{attempt:?} ended twice");
                return;
            }
            Effect::Ask {
                attempt,
                op,
                number,
                ..
            } => {
                if op == Op::OriginateA {
                    assert!(self.dialed.insert(attempt), "{attempt:?} twice");
                    let number = number.as_str().to_owned();
                    assert!(self.numbers.insert(number.clone()), "{number} twice");
                }
                // Some requests fail, and always the same.
                let fails = attempt.0 % 3 == 2 && op != Op::OriginateA;
                let result = if fails {
                    Err(OpError::NotFound)
                } else {
                    Ok(())
                };
                Input::Answer {
                    attempt,
                    op,
                    result,
                }
            }
            _ => return,
        };
        self.campaign.handle(self.now, input);
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.campaign.poll_timeout().filter(|at| *at <= until) {
            self.now = at;
            self.handle(Input::Tick);
        }
        self.now = until;
    }
}
