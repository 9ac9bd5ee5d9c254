//! Legs that others move elsewhere, and calls that phones transfer.

use std::time::Duration;

use super::super::*;
use super::orphans::{BOTH_UP, census};
use super::rig::{FIRST, Rig, cause, policy, policy_with};

fn transfer(rig: &mut Rig, part: Part) {
    rig.handle(Input::Transferred {
        attempt: FIRST,
        part,
        to: "100@from-agents".to_owned(),
    });
}

fn elsewhere(rig: &Rig, parts: &[Part]) -> Census {
    let stays = |(part, _): &&(Part, bool)| !parts.contains(part);
    let left: Vec<(Part, bool)> = BOTH_UP.iter().filter(stays).copied().collect();
    let joined: Vec<Part> = [Part::A, Part::B]
        .into_iter()
        .filter(|part| !parts.contains(part))
        .collect();
    Census {
        asked_at: rig.now,
        elsewhere: parts.iter().map(|part| (FIRST, *part)).collect(),
        ..census(&left, &joined, true)
    }
}

#[test]
fn a_leg_that_left_our_application_without_a_hangup_is_looked_for_and_not_hung_up() {
    for part in [Part::A, Part::B] {
        let mut rig = Rig::talking();
        rig.leg(part, LegEvent::Left);
        rig.leg(part, LegEvent::LeftApp);
        assert_eq!(rig.take(), [Op::Find(part)]);
        assert_eq!(rig.word(), Some(CallWord::Bridged), "nothing is known yet");
        // No answer: it is asked again, and again nobody is hung up.
        rig.refuse(Op::Find(part), OpError::Unknown);
        rig.wait(2000);
        assert_eq!(rig.take(), [Op::Find(part)]);
    }
}

#[test]
fn what_was_hung_up_before_it_left_our_application_is_not_looked_for() {
    let mut rig = Rig::talking();
    rig.leg(Part::A, LegEvent::HungUp(Some(cause(16))));
    rig.leg(Part::A, LegEvent::LeftApp);
    assert_eq!(rig.take(), [Op::HangUp(Part::B)]);
    rig.gone(Part::A, 16);
    rig.assert_end(Disposition::Answered, EndedBy::Callee, 16);
}

#[test]
fn a_leg_that_left_our_application_and_is_no_more_has_hung_up() {
    let mut rig = Rig::talking();
    rig.leg(Part::A, LegEvent::LeftApp);
    rig.refuse(Op::Find(Part::A), OpError::NotFound);
    assert_eq!(rig.word(), Some(CallWord::Ending));
    assert!(rig.take().contains(&Op::HangUp(Part::B)));
    rig.gone(Part::A, 16);
    rig.assert_end(Disposition::Answered, EndedBy::Callee, 16);
}

#[test]
fn who_was_moved_elsewhere_is_let_go_and_its_slot_is_free() {
    let mut rig = Rig::started(policy(1), 2);
    rig.stage();
    rig.connect();
    rig.talk();
    rig.leg(Part::A, LegEvent::LeftApp);
    rig.take();
    rig.ok(Op::Find(Part::A));
    rig.assert_end(Disposition::Answered, EndedBy::HandedOver, 0);
    let ops = rig.take();
    for op in [Op::OriginateA, Op::HangUp(Part::B), Op::HangUp(Part::Snoop)] {
        assert!(ops.contains(&op), "{op:?} of {ops:?}");
    }
    // Neither what it does there nor a census that was asked for before takes it down.
    let older = Census {
        asked_at: Time::from_millis(rig.now.millis() - 1),
        ..census(BOTH_UP, &[], true)
    };
    rig.handle(Input::Census(older));
    for event in [LegEvent::Up, LegEvent::Joined] {
        rig.leg(Part::A, event);
    }
    rig.wait(60_000);
    let elsewhere = elsewhere(&rig, &[Part::A]);
    rig.handle(Input::Census(elsewhere));
    assert_eq!(rig.asked(FIRST, Op::HangUp(Part::A)), 0);
    let attempt = FIRST;
    let part = Part::A;
    assert!(!rig.has(&Effect::TakeDownStray { attempt, part }));
}

#[test]
fn who_waited_for_the_target_and_was_moved_elsewhere_counts_as_abandoned() {
    let mut rig = Rig::connecting();
    rig.leg(Part::A, LegEvent::LeftApp);
    rig.ok(Op::Find(Part::A));
    rig.assert_end(Disposition::Abandoned, EndedBy::HandedOver, 0);
}

#[test]
fn who_is_left_alone_by_a_target_that_was_moved_is_hung_up_a_second_later() {
    let mut rig = Rig::talking();
    rig.leg(Part::B, LegEvent::LeftApp);
    rig.ok(Op::Find(Part::B));
    rig.take();
    rig.wait(999);
    assert_eq!(rig.take(), [], "A may be moved as well");
    rig.wait(1);
    assert_eq!(rig.take(), [Op::HangUp(Part::A)]);
    rig.gone(Part::A, 16);
    rig.assert_end(Disposition::Answered, EndedBy::HandedOver, 16);
    assert_eq!(rig.asked(FIRST, Op::HangUp(Part::B)), 0);
}

#[test]
fn both_legs_can_be_moved_at_once() {
    let mut rig = Rig::talking();
    rig.leg(Part::B, LegEvent::LeftApp);
    rig.leg(Part::A, LegEvent::LeftApp);
    rig.ok(Op::Find(Part::B));
    rig.ok(Op::Find(Part::A));
    rig.assert_end(Disposition::Answered, EndedBy::HandedOver, 0);
    rig.wait(10_000);
    for part in [Part::A, Part::B] {
        assert_eq!(rig.asked(FIRST, Op::HangUp(part)), 0, "{part}");
    }
}

#[test]
fn who_comes_back_is_put_into_the_bridge_again() {
    let mut rig = Rig::talking();
    rig.leg(Part::A, LegEvent::LeftApp);
    rig.leg(Part::A, LegEvent::Entered);
    assert_eq!(rig.take(), [Op::Find(Part::A), Op::Join(Part::A)]);
    // The answer is of before.
    rig.ok(Op::Find(Part::A));
    rig.ok(Op::Join(Part::A));
    rig.leg(Part::A, LegEvent::Joined);
    assert_eq!(rig.word(), Some(CallWord::Bridged));
}

#[test]
fn a_census_that_was_asked_for_before_brings_nobody_back() {
    let mut rig = Rig::talking();
    let asked_at = rig.now;
    rig.wait(1000);
    rig.leg(Part::A, LegEvent::LeftApp);
    rig.take();
    rig.handle(Input::Census(Census {
        asked_at,
        ..census(BOTH_UP, &[Part::A, Part::B], true)
    }));
    assert_eq!(rig.take(), []);
    rig.ok(Op::Find(Part::A));
    rig.assert_end(Disposition::Answered, EndedBy::HandedOver, 0);
}

#[test]
fn a_move_that_nobody_heard_of_is_learned_from_a_census() {
    let mut rig = Rig::talking();
    rig.handle(Input::LinkDown);
    rig.wait(1000);
    let census = elsewhere(&rig, &[Part::A]);
    rig.link_up(census);
    rig.assert_end(Disposition::Answered, EndedBy::HandedOver, 0);
    assert_eq!(rig.asked(FIRST, Op::HangUp(Part::A)), 0);
}

#[test]
fn a_transferred_call_goes_on_with_its_limit_until_the_new_one_leaves() {
    let limit = Duration::from_secs(60);
    let mut rig = Rig::staged_with(policy_with(1, |call| call.max_call = Some(limit)));
    rig.connect();
    rig.talk();
    rig.wait(20_000);
    transfer(&mut rig, Part::B);
    // It may ring for long; nobody is bored.
    rig.wait(30_000);
    assert_eq!(rig.word(), Some(CallWord::Bridged));
    assert_eq!(rig.take(), []);
    rig.wait(10_000);
    assert_eq!(rig.take(), [Op::HangUp(Part::A), Op::HangUp(Part::B)]);
    let to = "100@from-agents".to_owned();
    let attempt = FIRST;
    let written = Record::AttemptTransferred { attempt, to };
    assert!(rig.has(&Effect::Journal(written)));

    let mut leaves = Rig::talking();
    transfer(&mut leaves, Part::B);
    leaves.leg(Part::B, LegEvent::HungUp(Some(cause(16))));
    assert_eq!(leaves.take(), [Op::HangUp(Part::A)]);
    leaves.gone(Part::A, 16);
    leaves.assert_end(Disposition::Answered, EndedBy::Target, 16);
}

#[test]
fn whoever_comes_by_a_transfer_into_a_call_that_ends_is_hung_up() {
    let mut rig = Rig::talking();
    rig.leg(Part::A, LegEvent::HungUp(Some(cause(16))));
    rig.take();
    transfer(&mut rig, Part::B);
    assert_eq!(rig.take(), [Op::HangUp(Part::B)]);
    let mut ended = Rig::talking();
    ended.gone(Part::A, 16);
    ended.take();
    transfer(&mut ended, Part::B);
    assert_eq!(ended.take(), [Op::HangUp(Part::B)]);
}

/// The phone hangs up when its transfer has gone well, and only that is heard.
#[test]
fn a_transfer_that_nobody_heard_of_cuts_nobody() {
    let ends = [
        LegEvent::HungUp(Some(cause(16))),
        LegEvent::LeftApp,
        LegEvent::Gone(cause(16)),
    ];
    for part in [Part::A, Part::B] {
        let mut rig = Rig::talking();
        rig.handle(Input::LinkDown);
        rig.wait(1000);
        for end in ends {
            rig.leg(part, end);
        }
        rig.answer(FIRST, Op::Find(part), Err(OpError::NotFound));
        assert_eq!(rig.take(), [Op::Find(part)], "a census tells more");
        rig.wait(10);
        transfer(&mut rig, part);
        let asked_at = rig.now;
        rig.link_up(Census {
            asked_at,
            ..census(BOTH_UP, &[Part::A, Part::B], true)
        });
        assert_eq!(rig.word(), Some(CallWord::Bridged), "{part}");

        let mut without = Rig::talking();
        without.handle(Input::LinkDown);
        without.wait(1000);
        without.leg(part, ends[0]);
        without.link_up(Census {
            asked_at: without.now,
            ..census(BOTH_UP, &[], true)
        });
        assert_eq!(without.word(), Some(CallWord::Ending), "{part}");
    }
}

#[test]
fn after_a_transfer_of_leg_a_it_is_recorded_on_and_fetched_once() {
    let mut rig = Rig::talking();
    transfer(&mut rig, Part::A);
    assert_eq!(rig.take(), [Op::Snoop]);
    let ended = Input::RecordingEnded {
        attempt: FIRST,
        ok: true,
    };
    rig.handle(ended.clone());
    rig.ok(Op::Snoop);
    rig.leg(Part::Snoop, LegEvent::Entered);
    assert_eq!(rig.take(), [Op::Record]);
    rig.ok(Op::Record);
    let fetches = |rig: &Rig| {
        let is = |e: &&Effect| matches!(e, Effect::FetchRecording { .. });
        rig.effects.iter().filter(is).count()
    };
    assert_eq!(fetches(&rig), 0, "it goes on");
    rig.leg(Part::A, LegEvent::HungUp(Some(cause(16))));
    rig.handle(ended);
    assert_eq!(fetches(&rig), 1);
}
