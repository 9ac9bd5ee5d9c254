//! An Asterisk whose events come in and whose answers do not.

use std::time::Duration;

use super::super::*;
use super::rig::{FIRST, Rig, policy};

const SECOND: AttemptId = AttemptId(2);

/// Three requests without an answer: two originates and the hangup of the first.
fn silent() -> Rig {
    let mut rig = Rig::started(policy(2), 5);
    rig.refuse(Op::OriginateA, OpError::Unknown);
    rig.answer(SECOND, Op::OriginateA, Err(OpError::Unknown));
    assert_eq!(probes(&rig), 0, "two may have been lost by chance");
    rig.refuse(Op::HangUp(Part::A), OpError::Unknown);
    rig
}

fn probes(rig: &Rig) -> usize {
    let is_probe = |e: &&Effect| **e == Effect::ProbeAsterisk;
    rig.effects.iter().filter(is_probe).count()
}

fn originates(rig: &Rig) -> usize {
    let is = |e: &&Effect| {
        matches!(
            e,
            Effect::Ask {
                op: Op::OriginateA,
                ..
            }
        )
    };
    rig.effects.iter().filter(is).count()
}

#[test]
fn three_requests_without_an_answer_stop_dialing_and_one_probe_at_a_time_asks_on() {
    let mut rig = silent();
    let since = rig.now;
    assert_eq!(
        rig.campaign.limit(rig.now).held,
        Some(HeldBack::Silent { since })
    );
    assert!(rig.has(&Effect::Tell(Notice::Silent { since })));
    assert_eq!(probes(&rig), 1);
    rig.wait(20_000);
    assert_eq!(probes(&rig), 1, "the first is not answered");
    rig.handle(Input::Probed { answered: false });
    rig.wait(999);
    assert_eq!(probes(&rig), 1);
    rig.wait(20_000);
    assert_eq!(probes(&rig), 2);
    assert_eq!(originates(&rig), 2, "nobody is dialed meanwhile");
}

#[test]
fn what_has_to_end_is_asked_to_however_silent_asterisk_is() {
    let mut rig = silent();
    let asked = rig.asked(FIRST, Op::HangUp(Part::A));
    rig.wait(10_000);
    assert!(rig.asked(FIRST, Op::HangUp(Part::A)) > asked);
}

#[test]
fn a_probe_that_is_answered_lets_dialing_go_on() {
    let mut rig = silent();
    rig.handle(Input::Probed { answered: false });
    rig.wait(5_000);
    rig.answer(FIRST, Op::HangUp(Part::A), Err(OpError::Unknown));
    rig.handle(Input::Probed { answered: true });
    let lasted = Duration::from_secs(5);
    assert!(rig.has(&Effect::Tell(Notice::Answers { lasted })));
    assert_eq!(rig.campaign.limit(rig.now).held, None);
    rig.gone(Part::A, 16);
    assert_eq!(originates(&rig), 3);
    let before = probes(&rig);
    rig.wait(20_000);
    assert_eq!(probes(&rig), before, "it is asked no more");
}

#[test]
fn any_answer_will_do_a_refusal_too() {
    let mut rig = silent();
    // By now nothing comes of the originate any more.
    rig.wait(10_000);
    rig.refuse(Op::HangUp(Part::A), OpError::NotFound);
    assert_eq!(rig.campaign.limit(rig.now).held, None);
    assert_eq!(originates(&rig), 3);
}

#[test]
fn what_was_answered_in_between_breaks_the_row() {
    let mut rig = Rig::started(policy(2), 5);
    rig.refuse(Op::OriginateA, OpError::Unknown);
    rig.answer(SECOND, Op::OriginateA, Err(OpError::Unknown));
    rig.refuse(Op::HangUp(Part::A), OpError::Refused(500));
    rig.answer(SECOND, Op::HangUp(Part::A), Err(OpError::Unknown));
    assert_eq!(probes(&rig), 0);
}

#[test]
fn an_attempt_that_became_durable_in_the_silence_is_not_dialed() {
    let mut rig = Rig::started(policy(3), 5);
    rig.durable = false;
    rig.gone(Part::A, 17);
    for attempt in [SECOND, AttemptId(3)] {
        rig.answer(attempt, Op::OriginateA, Err(OpError::Unknown));
    }
    rig.answer(SECOND, Op::HangUp(Part::A), Err(OpError::Unknown));
    assert!(rig.campaign.asterisk_is_silent());
    // What holds dialing back after an originate that came to nothing is over by then.
    rig.wait(60_000);
    rig.handle(Input::Durable(AttemptId(4)));
    assert_eq!(originates(&rig), 3);
    assert_eq!(rig.withdrawn(), 1);
}

#[test]
fn without_a_link_nothing_is_concluded_and_its_return_ends_the_silence() {
    let mut rig = Rig::started(policy(2), 5);
    rig.handle(Input::LinkDown);
    for _ in 0..5 {
        rig.answer(FIRST, Op::OriginateA, Err(OpError::Unknown));
    }
    assert_eq!(probes(&rig), 0);

    let mut rig = silent();
    rig.handle(Input::LinkDown);
    rig.link_up(Census::default());
    assert!(!rig.campaign.asterisk_is_silent());
}
