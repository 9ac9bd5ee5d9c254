//! The figures that an operator sees of a process's calls.

use std::time::Duration;

use super::super::*;
use super::orphans::{BOTH, BOTH_UP, census, orphan, restarted};
use super::rig::{Rig, cause, policy};

/// A campaign of `leads` numbers, one call at a time, and its next attempt.
struct Calls {
    rig: Rig,
    next: u64,
}

impl Calls {
    fn of(leads: u32) -> Self {
        let rig = Rig::started(policy(1), leads);
        Self { rig, next: 1 }
    }

    fn leg(&mut self, part: Part, event: LegEvent) {
        self.rig.leg_of(AttemptId(self.next), part, event);
    }

    /// The phone of the person being called is gone, and so is the call.
    fn end(&mut self, q850: u16) {
        self.leg(Part::A, LegEvent::Gone(cause(q850)));
        self.next += 1;
    }

    fn unanswered(&mut self, q850: u16) {
        self.leg(Part::A, LegEvent::Ringing);
        self.end(q850);
    }

    /// Somebody answers, waits for so long, and hangs up before the target is there.
    fn abandoned(&mut self, seconds: u64) {
        self.leg(Part::A, LegEvent::Up);
        self.leg(Part::A, LegEvent::Entered);
        self.rig.wait(seconds * 1000);
        self.end(16);
    }

    fn talked(&mut self, seconds: u64) {
        let attempt = AttemptId(self.next);
        self.leg(Part::A, LegEvent::Up);
        self.leg(Part::A, LegEvent::Entered);
        self.rig.answer(attempt, Op::CreateBridge, Ok(()));
        for part in [Part::A, Part::B] {
            self.leg(part, LegEvent::Up);
            self.leg(part, LegEvent::Entered);
            self.leg(part, LegEvent::Joined);
        }
        assert_eq!(self.rig.word_of(attempt), Some(CallWord::Bridged));
        self.rig.wait(seconds * 1000);
        self.end(16);
    }
}

fn is(share: f64, expected: f64) -> bool {
    (share - expected).abs() < 1e-9
}

#[test]
fn abandoned_calls_count_in_the_asr_and_not_in_the_acd() {
    let mut calls = Calls::of(8);
    assert!(is(calls.rig.campaign.stats().asr(), 0.0));
    calls.unanswered(17);
    calls.unanswered(19);
    calls.unanswered(21);
    calls.abandoned(2);
    calls.abandoned(3);
    calls.talked(10);
    calls.talked(21);
    calls.unanswered(1);
    let stats = calls.rig.campaign.stats();
    assert_eq!((stats.attempts, stats.seizures, stats.bridged), (8, 4, 2));
    assert!(is(stats.asr(), 0.5), "{}", stats.asr());
    assert_eq!(stats.talk, Duration::from_secs(31));
    assert_eq!(stats.acd(), Duration::from_millis(15_500));
    assert_eq!(stats.dead_air_count(), 2);
    let ended = [
        (Disposition::Busy, 1),
        (Disposition::NoAnswer, 1),
        (Disposition::Rejected, 1),
        (Disposition::Abandoned, 2),
        (Disposition::Answered, 2),
        (Disposition::InvalidNumber, 1),
    ];
    for disposition in Disposition::ALL {
        let expected = ended.iter().find(|(d, _)| *d == disposition);
        let expected = expected.map_or(0, |(_, count)| *count);
        assert_eq!(stats.ended_as(disposition), expected, "{disposition}");
    }
}

#[test]
fn calls_of_a_dead_process_are_in_no_figure_however_they_end() {
    let talking = census(BOTH_UP, BOTH, true);
    let alone = census(&[(Part::A, true), (Part::B, false)], BOTH, true);
    let ringing = census(&[(Part::A, false)], &[], false);
    let cases = [
        (orphan(true, true, true), talking, Disposition::Answered),
        (orphan(false, false, false), alone, Disposition::Abandoned),
        (
            orphan(false, false, false),
            ringing,
            Disposition::Interrupted,
        ),
        (
            orphan(true, true, false),
            Census::default(),
            Disposition::Answered,
        ),
        (
            orphan(true, false, false),
            Census::default(),
            Disposition::Abandoned,
        ),
        (
            orphan(false, false, false),
            Census::default(),
            Disposition::Interrupted,
        ),
    ];
    for (found, census, disposition) in cases {
        let mut rig = restarted(found);
        rig.link_up(census);
        if rig.campaign.live_calls() > 0 {
            rig.wait(5000);
            rig.gone(Part::A, 16);
        }
        assert_eq!(rig.end().disposition, disposition);
        let stats = rig.campaign.stats();
        let counted = (stats.attempts, stats.seizures, stats.bridged);
        assert_eq!(counted, (0, 0, 0), "{disposition}");
        assert_eq!((stats.talk, stats.dead_air_count()), (Duration::ZERO, 0));
        let ended = Disposition::ALL.map(|d| stats.ended_as(d));
        assert_eq!(ended.iter().sum::<u32>(), 0, "{disposition}");
    }
}
