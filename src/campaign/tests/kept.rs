//! Asterisk keeps what was to go.

use super::super::reconcile::KEPT;
use super::super::*;
use super::orphans::census;
use super::rig::{FIRST, Rig, cause, policy};

/// A census that is asked for so many milliseconds later.
fn look(rig: &mut Rig, ms: u64, channels: &[(Part, bool)], bridge: bool) {
    rig.wait(ms);
    rig.handle(Input::Census(Census {
        asked_at: rig.now,
        ..census(channels, &[], bridge)
    }));
}

fn told(rig: &Rig, part: Part, holds_slot: bool) -> usize {
    let kept = Effect::Tell(Notice::Kept {
        attempt: FIRST,
        part,
        holds_slot,
    });
    rig.effects.iter().filter(|effect| **effect == kept).count()
}

/// Two talk, one more waits, and one call may be up.
fn one_talks_and_one_waits() -> Rig {
    let mut rig = Rig::started(policy(1), 2);
    rig.stage();
    rig.connect();
    rig.talk();
    rig
}

#[test]
fn a_call_whose_phone_has_hung_up_is_over_though_asterisk_keeps_its_channel() {
    let mut rig = one_talks_and_one_waits();
    let hung_up_at = rig.now;
    rig.leg(Part::A, LegEvent::HungUp(None));
    assert_eq!(rig.take(), [Op::HangUp(Part::B)]);
    rig.gone(Part::B, 16);
    look(
        &mut rig,
        29_000,
        &[(Part::A, true), (Part::Snoop, true)],
        true,
    );
    assert_eq!(rig.word(), Some(CallWord::Ending));
    assert!(!rig.take().contains(&Op::OriginateA));

    look(
        &mut rig,
        2000,
        &[(Part::A, true), (Part::Snoop, true)],
        true,
    );
    rig.assert_end(Disposition::Answered, EndedBy::Callee, 0);
    assert_eq!(rig.end().note.as_deref(), Some(KEPT));
    assert_eq!(rig.end().at, hung_up_at, "nobody talked any longer");
    assert_eq!(told(&rig, Part::A, false), 1);
    let taken = rig.take();
    assert!(taken.contains(&Op::DestroyBridge), "{taken:?}");
    assert_eq!(rig.asked(AttemptId(2), Op::OriginateA), 1);
    // Its recording's channel does not end with it this time.
    rig.wait(2000);
    assert!(rig.take().contains(&Op::HangUp(Part::Snoop)));
}

#[test]
fn what_is_kept_is_asked_to_go_by_each_census_and_its_end_is_no_second_one() {
    let mut rig = Rig::talking();
    rig.leg(Part::A, LegEvent::HungUp(Some(cause(16))));
    rig.gone(Part::B, 16);
    look(&mut rig, 31_000, &[(Part::A, true)], false);
    rig.assert_taken_down();
    let stray = Effect::TakeDownStray {
        attempt: FIRST,
        part: Part::A,
    };
    let asked = |rig: &Rig| rig.effects.iter().filter(|e| **e == stray).count();
    assert_eq!(asked(&rig), 1);
    for times in 2..=4 {
        look(&mut rig, 30_000, &[(Part::A, true)], false);
        assert_eq!(asked(&rig), times);
    }
    rig.gone(Part::A, 16);
    rig.assert_end(Disposition::Answered, EndedBy::Callee, 16);
    assert_eq!(told(&rig, Part::A, false), 1);
    assert_eq!(*rig.campaign.state(), RunState::Done);
    assert!(rig.campaign.is_quiet());
}

#[test]
fn who_left_the_bridge_unheard_is_not_taken_for_talking_though_the_channel_is_listed() {
    let mut rig = Rig::connecting();
    rig.handle(Input::LinkDown);
    // A has hung up, then B came up.
    let both = [(Part::A, true), (Part::B, true), (Part::Snoop, true)];
    let b_alone = |rig: &Rig| Census {
        asked_at: rig.now,
        ..census(&both, &[Part::B], true)
    };
    rig.wait(1000);
    let alone = b_alone(&rig);
    rig.link_up(alone);
    assert_eq!(rig.word(), Some(CallWord::Ending));
    assert!(rig.take().contains(&Op::HangUp(Part::B)));
    rig.gone(Part::B, 16);
    rig.wait(31_000);
    let kept = b_alone(&rig);
    rig.handle(Input::Census(kept));
    rig.assert_end(Disposition::Abandoned, EndedBy::Callee, 0);
}

#[test]
fn who_is_alone_in_the_bridge_is_found_by_the_next_census() {
    for (left, by) in [(Part::A, EndedBy::Callee), (Part::B, EndedBy::Target)] {
        let stays = if left == Part::A { Part::B } else { Part::A };
        let mut rig = Rig::talking();
        let both = [(Part::A, true), (Part::B, true), (Part::Snoop, true)];
        let joined_since = rig.now;
        rig.wait(1000);
        // One that was asked for before they came says nothing.
        for (asked_at, word) in [
            (joined_since, CallWord::Bridged),
            (rig.now, CallWord::Ending),
        ] {
            rig.handle(Input::Census(Census {
                asked_at,
                ..census(&both, &[stays], true)
            }));
            assert_eq!(rig.word(), Some(word));
        }
        assert!(rig.take().contains(&Op::HangUp(stays)));
        rig.gone(Part::A, 16);
        rig.assert_end(Disposition::Answered, by, 16);
    }
}

/// Its phone may ring, or somebody may listen.
#[test]
fn a_call_that_only_we_want_hung_up_holds_its_slot_and_that_is_told_once() {
    let mut rig = one_talks_and_one_waits();
    rig.leg(Part::B, LegEvent::HungUp(Some(cause(16))));
    rig.gone(Part::B, 16);
    rig.ok(Op::HangUp(Part::A));
    rig.leg(Part::A, LegEvent::Leaving(None));
    for _ in 0..4 {
        look(&mut rig, 31_000, &[(Part::A, true)], true);
    }
    assert_eq!(rig.word(), Some(CallWord::Ending));
    assert_eq!(rig.ends(), []);
    assert_eq!(rig.asked(AttemptId(2), Op::OriginateA), 0);
    assert_eq!(told(&rig, Part::A, true), 1);
    let asked = rig.asked(FIRST, Op::HangUp(Part::A));
    assert!(asked > 50, "asked {asked} times in 124 s");

    // Whoever was there is gone.
    rig.leg(Part::A, LegEvent::HungUp(None));
    look(&mut rig, 29_000, &[(Part::A, true)], true);
    assert_eq!(rig.ends(), []);
    look(&mut rig, 2000, &[(Part::A, true)], true);
    rig.assert_end(Disposition::Answered, EndedBy::Target, 16);
    assert_eq!(rig.asked(AttemptId(2), Op::OriginateA), 1);
}

#[test]
fn who_refuses_and_is_kept_ends_as_the_carrier_said() {
    // Before CALL_TIMEOUT is over a census finds it kept, or not until then.
    for refused_after in [0, 20_000] {
        let mut rig = Rig::staged();
        rig.wait(refused_after);
        rig.leg(Part::A, LegEvent::HungUp(Some(cause(17))));
        for _ in 0..31 {
            rig.wait(1000);
            let staged = [(Part::A, false), (Part::B, false)];
            rig.handle(Input::Census(Census {
                asked_at: rig.now,
                ..census(&staged, &[Part::B], true)
            }));
        }
        rig.assert_end(Disposition::Busy, EndedBy::Carrier, 17);
        assert_eq!(rig.end().note.as_deref(), Some(KEPT));
        rig.assert_taken_down();
    }
}

/// Requests to end it may have come to nothing all the while.
#[test]
fn what_asterisk_was_not_asked_in_vain_is_no_reason_to_restart_it() {
    let mut rig = Rig::talking();
    rig.command(&Command::HangUp(FIRST)).expect("it is up");
    for _ in 0..20 {
        rig.wait(2000);
        rig.answer(FIRST, Op::HangUp(Part::A), Err(OpError::Unknown));
    }
    look(&mut rig, 0, &[(Part::A, true)], true);
    assert_eq!(told(&rig, Part::A, true), 0);
    rig.ok(Op::HangUp(Part::A));
    look(&mut rig, 29_000, &[(Part::A, true)], true);
    assert_eq!(told(&rig, Part::A, true), 0);
    look(&mut rig, 2000, &[(Part::A, true)], true);
    assert_eq!(told(&rig, Part::A, true), 1);
}

#[test]
fn nobody_waits_beside_a_target_that_has_hung_up_and_is_kept() {
    for leaves in [LegEvent::HungUp(None), LegEvent::Leaving(None)] {
        let mut talks = Rig::talking();
        talks.leg(Part::B, leaves);
        assert_eq!(talks.take(), [], "its end is about to be told");
        talks.wait(1000);
        assert!(talks.take().contains(&Op::HangUp(Part::A)));
        talks.gone(Part::A, 16);
        talks.assert_end(Disposition::Answered, EndedBy::Target, 16);

        let mut connects = Rig::connecting();
        connects.leg(Part::B, leaves);
        connects.wait(1000);
        assert!(connects.take().contains(&Op::HangUp(Part::A)));
        connects.gone(Part::A, 16);
        connects.assert_end(Disposition::Abandoned, EndedBy::Target, 16);
    }
}

/// A request to end it might end the one that is made in its place.
#[test]
fn a_staged_target_that_leaves_makes_room_or_nobody_waits_for_it() {
    let mut rig = Rig::staged();
    rig.leg(Part::B, LegEvent::Leaving(None));
    rig.wait(3000);
    rig.leg(Part::A, LegEvent::Up);
    let mut kept = Rig::staged();
    kept.leg(Part::B, LegEvent::Leaving(None));
    kept.leg(Part::A, LegEvent::Up);

    rig.wait(4000);
    assert_eq!(rig.asked(FIRST, Op::HangUp(Part::B)), 0);
    rig.gone(Part::B, 16);
    assert!(rig.take().contains(&Op::OriginateB));

    kept.wait(4000);
    assert_eq!(kept.word(), Some(CallWord::Answered));
    kept.wait(2000);
    assert!(kept.take().contains(&Op::HangUp(Part::A)));
    kept.gone(Part::A, 16);
    kept.assert_end(Disposition::Abandoned, EndedBy::Target, 16);
}

#[test]
fn an_end_told_late_is_not_that_of_the_target_in_its_place() {
    let mut rig = Rig::staged();
    rig.leg_at(Part::B, LegEvent::HungUp(None), 0);
    rig.leg_at(Part::B, LegEvent::Gone(cause(16)), 5);
    rig.leg_at(Part::A, LegEvent::Up, 6);
    assert!(rig.take().contains(&Op::OriginateB));
    for (late, ms) in [(LegEvent::Leaving(None), 3), (LegEvent::Gone(cause(16)), 5)] {
        rig.leg_at(Part::B, late, ms);
    }
    // The next one may begin in the same millisecond.
    rig.leg_at(Part::B, LegEvent::Up, 5);
    rig.leg_at(Part::B, LegEvent::Entered, 5);
    rig.wait(2000);
    assert_eq!(rig.word(), Some(CallWord::Answered));
    assert!(rig.take().contains(&Op::Join(Part::B)));
}

/// Its end goes unheard, and is found by a census much later.
#[test]
fn nobody_talked_any_longer_than_until_the_phone_hung_up() {
    let mut rig = Rig::talking();
    let hung_up_at = rig.now;
    rig.leg(Part::A, LegEvent::HungUp(None));
    rig.handle(Input::LinkDown);
    rig.wait(600_000);
    rig.link_up(Census {
        asked_at: rig.now,
        ..Census::default()
    });
    assert_eq!(rig.end().at, hung_up_at);
}

#[test]
fn nothing_else_that_is_kept_keeps_a_run_from_its_end() {
    let mut rig = Rig::talking();
    rig.leg(Part::A, LegEvent::HungUp(None));
    rig.gone(Part::A, 16);
    rig.assert_end(Disposition::Answered, EndedBy::Callee, 16);
    rig.wait(2000);
    rig.ok(Op::HangUp(Part::B));
    rig.ok(Op::HangUp(Part::Snoop));
    let rest = [(Part::B, true), (Part::Snoop, true)];
    look(&mut rig, 29_000, &rest, true);
    assert!(!rig.campaign.is_quiet());
    look(&mut rig, 2000, &rest, true);
    assert_eq!(told(&rig, Part::B, false), 1);
    assert_eq!(told(&rig, Part::Snoop, false), 1);
    assert!(rig.take().contains(&Op::DestroyBridge));
    rig.ok(Op::DestroyBridge);
    // What there is of its recording is fetched.
    rig.wait(2000);
    let fetched = |e: &&Effect| matches!(e, Effect::FetchRecording { .. });
    assert_eq!(rig.effects.iter().filter(fetched).count(), 1);
    assert!(rig.campaign.is_quiet());
}
