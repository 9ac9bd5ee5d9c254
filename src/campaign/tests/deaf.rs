//! No event comes, and Asterisk answers requests all the same.

use super::super::*;
use super::orphans::{BOTH, BOTH_UP, census};
use super::rig::{Rig, policy};

/// Two seconds later somebody looks.
fn glimpse(rig: &mut Rig, census: Census) {
    rig.handle(Input::LinkDown);
    rig.wait(2000);
    rig.handle(Input::Glimpse(Census {
        asked_at: rig.now,
        ..census
    }));
}

#[test]
fn a_call_that_ends_while_no_event_comes_is_ended_by_the_next_look() {
    let mut rig = Rig::talking();
    glimpse(&mut rig, census(BOTH_UP, BOTH, true));
    assert_eq!(rig.take(), []);
    glimpse(&mut rig, census(&[(Part::B, true)], &[Part::B], true));
    assert_eq!(rig.take(), [Op::HangUp(Part::B)]);
    assert_eq!(rig.end().disposition, Disposition::Answered);
    assert_eq!(rig.campaign.live_calls(), 0);
    glimpse(&mut rig, census(&[], &[], true));
    assert!(rig.take().contains(&Op::DestroyBridge));
}

#[test]
fn who_answers_while_no_event_comes_is_bridged_or_hung_up_by_the_next_look() {
    let answers = census(&[(Part::A, true), (Part::B, false)], &[Part::B], true);
    let mut rig = Rig::staged();
    glimpse(&mut rig, answers.clone());
    let taken = rig.take();
    assert!(taken.contains(&Op::DialB) && taken.contains(&Op::Join(Part::A)));
    rig.ok(Op::DialB);
    rig.ok(Op::Join(Part::A));
    let mut silent = Rig::staged();
    glimpse(&mut silent, answers);
    silent.ok(Op::DialB);
    silent.ok(Op::Join(Part::A));

    glimpse(&mut rig, census(BOTH_UP, BOTH, true));
    assert_eq!(rig.word(), Some(CallWord::Bridged));
    // B's time runs out unheard, and the next look tells that B has not answered.
    silent.wait(21_000);
    assert_eq!(silent.word(), Some(CallWord::Answered));
    let rings = census(&[(Part::A, true), (Part::B, false)], BOTH, true);
    glimpse(&mut silent, rings);
    silent.refuse(Op::AskTarget { a_joined: true }, OpError::Refused(409));
    assert!(silent.take().contains(&Op::HangUp(Part::A)));
}

#[test]
fn a_look_while_no_event_comes_dials_nobody_and_tells_only_news() {
    let mut rig = Rig::started(policy(2), 3);
    rig.stage();
    let told = |rig: &Rig| {
        let is = |e: &&Effect| matches!(e, Effect::Tell(Notice::Reconciled(_)));
        rig.effects.iter().filter(is).count()
    };
    let before = told(&rig);
    let rings = census(&[(Part::A, false), (Part::B, false)], &[Part::B], true);
    let second = (AttemptId(2), Part::A, false);
    let both = |mut census: Census| {
        census.channels.push(second);
        census
    };
    rig.answer(AttemptId(2), Op::OriginateA, Ok(()));
    for _ in 0..3 {
        glimpse(&mut rig, both(rings.clone()));
    }
    assert_eq!(told(&rig), before);
    rig.take();
    glimpse(&mut rig, rings);
    assert_eq!(told(&rig), before + 1);
    assert!(!rig.take().contains(&Op::OriginateA));
}

#[test]
fn a_target_that_may_have_answered_since_the_look_was_asked_for_is_not_cut_off() {
    let rings = census(&[(Part::A, true), (Part::B, false)], BOTH, true);
    let mut rig = Rig::connecting();
    rig.handle(Input::LinkDown);
    rig.wait(19_900);
    let asked_at = rig.now;
    rig.wait(500);
    rig.handle(Input::Glimpse(Census { asked_at, ..rings }));
    assert_eq!(rig.word(), Some(CallWord::Answered));
    glimpse(&mut rig, census(BOTH_UP, BOTH, true));
    assert_eq!(rig.word(), Some(CallWord::Bridged));
}
