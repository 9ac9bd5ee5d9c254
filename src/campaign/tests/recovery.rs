//! What a lost link left behind, and what is told of it.

use super::super::*;
use super::orphans::{BOTH, BOTH_UP, census, orphan, restarted};
use super::rig::{FIRST, Rig, policy};

#[test]
fn strays_are_taken_down_and_what_is_known_is_not() {
    let mut rig = Rig::talking();
    let mut found = census(BOTH_UP, BOTH, true);
    let stranger = AttemptId(77);
    found.channels.push((stranger, Part::A, true));
    found.bridges.push(stranger);
    found.channels.push((FIRST, Part::B2, true));
    rig.handle(Input::Census(found));
    let strays: Vec<_> = rig
        .effects
        .iter()
        .filter(|e| matches!(e, Effect::TakeDownStray { .. }))
        .collect();
    let stray = |part| Effect::TakeDownStray {
        attempt: stranger,
        part,
    };
    assert_eq!(strays, [&stray(Part::A), &stray(Part::Bridge)]);
}

#[test]
fn a_stray_that_stays_is_asked_again_to_go_and_is_no_news() {
    let mut rig = Rig::started(policy(1), 1);
    let found = census(&[(Part::Snoop, true)], &[], false);
    for _ in 0..3 {
        rig.handle(Input::LinkDown);
        rig.handle(Input::Glimpse(found.clone()));
    }
    let asked = |e: &&Effect| matches!(e, Effect::TakeDownStray { .. });
    assert_eq!(rig.effects.iter().filter(asked).count(), 3);
    let told: Vec<usize> = told(&rig).iter().map(|done| done.strays).collect();
    assert_eq!(told, [1]);
}

/// The request to take it down could meet the next B, which has the same id.
#[test]
fn a_b_that_has_failed_and_is_listed_by_an_old_census_is_left_alone_while_its_call_goes_on() {
    let mut rig = Rig::staged();
    rig.gone(Part::B, 16);
    let found = census(&[(Part::A, false), (Part::B, false)], &[], true);
    let strays = |rig: &Rig| {
        let is = |e: &&Effect| matches!(e, Effect::TakeDownStray { .. });
        rig.effects.iter().filter(is).count()
    };
    rig.handle(Input::Census(found.clone()));
    assert_eq!(strays(&rig), 0);
    rig.gone(Part::A, 17);
    rig.handle(Input::Census(found));
    assert!(strays(&rig) > 0, "it is nobody's now");
}

#[test]
fn a_look_before_the_link_is_up_takes_nothing_from_what_is_told_then() {
    let mut rig = Rig::talking();
    rig.handle(Input::LinkDown);
    let found = census(BOTH_UP, BOTH, true);
    rig.handle(Input::Census(found.clone()));
    assert_eq!(told(&rig), []);
    rig.link_up(found);
    let goes_on = Reconciled {
        going_on: 1,
        ..Reconciled::default()
    };
    assert_eq!(told(&rig), [goes_on]);
}

#[test]
fn a_lost_link_stops_dialing_and_its_return_goes_on() {
    let mut rig = Rig::started(policy(1), 3);
    rig.handle(Input::LinkDown);
    rig.gone(Part::A, 17);
    rig.wait(5000);
    assert_eq!(rig.take(), [Op::OriginateA]);
    rig.link_up(Census::default());
    assert_eq!(rig.take(), [Op::OriginateA]);
}

#[test]
fn what_ended_unheard_is_missed_in_the_census() {
    let mut rig = Rig::talking();
    rig.handle(Input::LinkDown);
    rig.wait(3000);
    rig.link_up(Census {
        asked_at: rig.now,
        ..Census::default()
    });
    assert_eq!(rig.end().disposition, Disposition::Answered);
    rig.ok(Op::DestroyBridge);
    rig.wait(2000);
    assert!(rig.campaign.is_quiet());
}

#[test]
fn what_is_younger_than_the_census_or_not_confirmed_is_not_missed() {
    let mut rig = Rig::started(policy(1), 1);
    let asked_before = Census {
        asked_at: rig.now,
        ..Census::default()
    };
    rig.handle(Input::Census(asked_before.clone()));
    assert_eq!(rig.word(), Some(CallWord::Dialing));
    rig.ok(Op::OriginateA);
    rig.handle(Input::Census(asked_before));
    assert_eq!(rig.word(), Some(CallWord::Dialing));
    rig.wait(10);
    let asked_after = Census {
        asked_at: rig.now,
        ..Census::default()
    };
    rig.handle(Input::Census(asked_after));
    assert_eq!(rig.word(), None);
}

#[test]
fn a_bridge_that_came_about_unheard_is_not_cut_by_the_targets_timer() {
    let mut rig = Rig::connecting();
    rig.handle(Input::LinkDown);
    rig.wait(60_000);
    assert_eq!(rig.word(), Some(CallWord::Answered));
    rig.link_up(census(BOTH_UP, BOTH, true));
    assert_eq!(rig.word(), Some(CallWord::Bridged));
    rig.wait(60_000);
    assert_eq!(rig.word(), Some(CallWord::Bridged));
}

#[test]
fn a_target_that_was_too_late_while_nobody_listened_is_so_when_the_link_is_back() {
    let mut rig = Rig::connecting();
    rig.handle(Input::LinkDown);
    rig.wait(60_000);
    rig.link_up(Census {
        asked_at: rig.now,
        ..census(&[(Part::A, true), (Part::B, false)], BOTH, true)
    });
    assert_eq!(rig.word(), Some(CallWord::Ending));
}

#[test]
fn a_target_that_was_never_dialed_is_not_waited_for_without_a_link() {
    let mut rig = Rig::started(policy(1), 1);
    rig.leg(Part::A, LegEvent::Entered);
    rig.handle(Input::LinkDown);
    rig.wait(20_000);
    assert_eq!(rig.word(), Some(CallWord::Ending));
}

#[test]
fn an_answer_that_went_unheard_is_served_when_the_link_is_back() {
    let mut rig = Rig::staged();
    rig.handle(Input::LinkDown);
    rig.wait(1000);
    let mut found = census(&[(Part::A, true), (Part::B, false)], &[Part::B], true);
    found.asked_at = rig.now;
    rig.link_up(found);
    assert_eq!(rig.word(), Some(CallWord::Answered));
    assert_eq!(rig.take(), [Op::Join(Part::A), Op::DialB]);
}

#[test]
fn a_leg_that_came_up_unheard_has_bridged_nobody_who_left() {
    let mut rig = Rig::connecting();
    rig.handle(Input::LinkDown);
    rig.wait(1000);
    let mut found = census(&[(Part::B, true)], &[Part::B], true);
    found.asked_at = rig.now;
    rig.link_up(found);
    rig.assert_end(Disposition::Abandoned, EndedBy::Callee, 0);
}

#[test]
fn nobody_is_bridged_by_an_event_that_comes_before_the_census_has_told_what_was_missed() {
    let mut rig = Rig::connecting();
    rig.handle(Input::LinkDown);
    rig.wait(1000);
    rig.leg(Part::B, LegEvent::Up);
    assert_eq!(rig.word(), Some(CallWord::Answered));
    let mut found = census(&[(Part::B, true)], &[Part::B], true);
    found.asked_at = rig.now;
    rig.link_up(found);
    rig.assert_end(Disposition::Abandoned, EndedBy::Callee, 0);
}

/// What was told of the link's return.
fn told(rig: &Rig) -> Vec<Reconciled> {
    let told = rig.effects.iter().filter_map(|effect| match effect {
        Effect::Tell(Notice::Reconciled(done)) => Some(*done),
        _ => None,
    });
    told.collect()
}

#[test]
fn what_is_done_about_a_dead_process_is_told() {
    let table = [
        (census(BOTH_UP, BOTH, true), (1, 0, 0)),
        (census(&[(Part::A, true)], &[], false), (0, 1, 0)),
        (census(&[], &[], false), (0, 0, 1)),
    ];
    for (found, (taken_over, hung_up, ended)) in table {
        let mut rig = restarted(orphan(true, true, true));
        rig.link_up(found.clone());
        let expected = Reconciled {
            taken_over,
            hung_up,
            ended,
            ..Reconciled::default()
        };
        assert_eq!(told(&rig), [expected]);
        rig.handle(Input::Census(found));
        assert_eq!(told(&rig).len(), 1, "a mere look is not told");
    }
}

#[test]
fn what_is_done_after_a_lost_link_is_told_and_nothing_where_nothing_was() {
    let mut rig = Rig::talking();
    assert_eq!(told(&rig), [], "there was nothing at the start");
    rig.handle(Input::LinkDown);
    let mut found = census(BOTH_UP, BOTH, true);
    found.channels.push((AttemptId(99), Part::A, true));
    rig.link_up(found);
    let goes_on = Reconciled {
        going_on: 1,
        strays: 1,
        ..Reconciled::default()
    };
    assert_eq!(told(&rig), [goes_on]);
    assert_eq!(
        goes_on.to_string(),
        "what lives in Asterisk was looked at: 1 go on, 1 strays taken down"
    );
    rig.handle(Input::LinkDown);
    rig.wait(3_000);
    rig.link_up(Census {
        asked_at: rig.now,
        ..Census::default()
    });
    let ended = Reconciled {
        ended: 1,
        ..Reconciled::default()
    };
    assert_eq!(told(&rig), [goes_on, ended]);
}
