//! What a dead process or a lost link left behind.

use super::super::*;
use super::rig::{FIRST, Rig, campaign, numbers, policy};

pub(super) fn orphan(answered: bool, bridged: bool, recorded: bool) -> Orphan {
    Orphan {
        attempt: FIRST,
        run: RunId(1),
        lead: LeadId(0),
        number: Number::parse("1000").expect("digits"),
        begun_at: Time::from_millis(900_000),
        ringing_at: Some(Time::from_millis(900_500)),
        answered_at: answered.then_some(Time::from_millis(901_000)),
        bridged_at: bridged.then_some(Time::from_millis(901_012)),
        recorded: if recorded {
            Recorded::Begun
        } else {
            Recorded::Nothing
        },
    }
}

/// A process that finds this in its journal; nothing has been heard of Asterisk.
fn restarted_with(policy: Policy, state: RunState, orphan: Orphan) -> Rig {
    let mut leads = Leads::default();
    for i in 0..2 {
        let numbers = numbers(2);
        let number = Number::parse(numbers.get(i)).ok();
        leads.add(&number.expect("listed"), Time::default());
    }
    let mut rig = Rig::over(campaign(policy));
    let now = rig.now;
    rig.campaign
        .restore(now, RunId(1), state, leads, vec![orphan]);
    rig
}

pub(super) fn restarted(orphan: Orphan) -> Rig {
    restarted_with(policy(1), RunState::Idle, orphan)
}

pub(super) fn census(parts: &[(Part, bool)], joined: &[Part], bridge: bool) -> Census {
    Census {
        asked_at: Time::from_millis(1_000_000),
        channels: parts.iter().map(|(p, up)| (FIRST, *p, *up)).collect(),
        bridges: if bridge { vec![FIRST] } else { Vec::new() },
        joined: joined.iter().map(|p| (FIRST, *p)).collect(),
        ..Census::default()
    }
}

pub(super) const BOTH_UP: &[(Part, bool)] =
    &[(Part::A, true), (Part::B, true), (Part::Snoop, true)];
pub(super) const BOTH: &[Part] = &[Part::A, Part::B];

#[test]
fn a_dead_attempt_is_called_by_what_was_written_of_it() {
    let table = [
        (orphan(false, false, false), Disposition::Interrupted),
        (orphan(true, false, false), Disposition::Abandoned),
        (orphan(true, true, false), Disposition::Answered),
    ];
    for (found, disposition) in table {
        let mut rig = restarted(found);
        assert!(rig.ends().is_empty(), "nothing is known yet");
        rig.link_up(Census::default());
        assert_eq!(rig.end().disposition, disposition);
        assert_eq!(rig.lead(0), LeadState::Final(disposition));
        assert!(rig.campaign.is_quiet());
    }
}

#[test]
fn no_one_is_dialed_before_the_dead_process_is_settled() {
    let mut rig = restarted(orphan(false, false, false));
    rig.command(&Command::Start).expect("one waits");
    rig.wait(5000);
    assert_eq!(rig.take(), []);
    rig.link_up(Census::default());
    // The next attempt is 1 here only because the rig's journal counts none.
    assert_eq!(rig.take(), [Op::OriginateA]);
    assert_eq!(rig.lead(0), LeadState::Final(Disposition::Interrupted));
}

#[test]
fn an_interrupted_lead_waits_again_only_if_the_settings_say_so() {
    let retry = Policy {
        retry_interrupted: true,
        ..policy(1)
    };
    let mut gone = restarted_with(retry.clone(), RunState::Idle, orphan(false, false, false));
    gone.link_up(Census::default());
    assert_eq!(gone.lead(0), LeadState::Waiting);

    let mut rings = restarted_with(retry, RunState::Idle, orphan(false, false, false));
    rings.link_up(census(&[(Part::A, false)], &[], false));
    rings.gone(Part::A, 16);
    assert_eq!(rings.lead(0), LeadState::Waiting);
    assert_eq!(rings.end().disposition, Disposition::Interrupted);
}

#[test]
fn what_rings_or_waits_alone_is_hung_up_and_taken_down() {
    let ringing = census(&[(Part::A, false), (Part::B, false)], &[Part::B], true);
    let alone = census(&[(Part::A, true), (Part::B, false)], BOTH, true);
    for (census, disposition) in [
        (ringing, Disposition::Interrupted),
        (alone, Disposition::Abandoned),
    ] {
        let mut rig = restarted(orphan(false, false, false));
        rig.link_up(census);
        assert_eq!(rig.take(), [Op::HangUp(Part::A), Op::HangUp(Part::B)]);
        rig.gone(Part::A, 16);
        rig.gone(Part::B, 16);
        rig.assert_end(disposition, EndedBy::Operator, 16);
        rig.ok(Op::DestroyBridge);
        assert!(rig.campaign.is_quiet());
    }
}

#[test]
fn an_answer_heard_before_the_census_is_not_forgotten() {
    let mut rig = restarted(orphan(false, false, false));
    rig.leg(Part::A, LegEvent::Entered);
    rig.link_up(census(&[(Part::A, false)], &[], false));
    rig.gone(Part::A, 16);
    rig.assert_end(Disposition::Abandoned, EndedBy::Operator, 16);
}

#[test]
fn a_conversation_that_lives_is_adopted_and_ends_as_any_other() {
    for written in [orphan(true, true, true), orphan(false, false, true)] {
        let mut rig = restarted(written);
        rig.link_up(census(BOTH_UP, BOTH, true));
        // The request for it may never have left.
        assert_eq!(rig.take(), [Op::Record]);
        rig.refuse(Op::Record, OpError::Refused(409));
        assert_eq!(rig.word(), Some(CallWord::Bridged));
        assert_eq!(rig.campaign.live_calls(), 1);
        rig.gone(Part::B, 16);
        rig.gone(Part::A, 16);
        rig.assert_end(Disposition::Answered, EndedBy::Target, 16);
        rig.assert_taken_down();
    }
}

#[test]
fn a_recording_that_a_dead_process_was_refused_is_asked_for_again() {
    // 409 without a recording that runs: the snoop channel was on its way.
    for error in [OpError::TooEarly, OpError::Refused(500)] {
        let mut rig = restarted(orphan(true, true, true));
        rig.link_up(census(BOTH_UP, BOTH, true));
        rig.refuse(Op::Record, error);
        rig.wait(2000);
        let again = usize::from(error == OpError::TooEarly);
        assert_eq!(rig.asked(FIRST, Op::Record), 1 + again, "{error:?}");
        for part in [Part::A, Part::B, Part::Snoop] {
            rig.gone(part, 16);
        }
        rig.ok(Op::DestroyBridge);
        rig.refuse(Op::Record, error);
        rig.wait(2000);
        // Whatever was refused, the dead process may have recorded.
        let fetched = |e: &Effect| matches!(e, Effect::FetchRecording { attempt: FIRST, .. });
        assert!(rig.effects.iter().any(fetched), "{error:?}");
    }
}

#[test]
fn an_adopted_conversation_keeps_its_limit_and_its_dead_air() {
    let limited = Policy {
        max_call: Some(Duration::from_secs(120)),
        ..policy(1)
    };
    let mut rig = restarted_with(limited, RunState::Idle, orphan(true, true, true));
    rig.link_up(census(BOTH_UP, BOTH, true));
    rig.wait(21_011);
    assert_eq!(rig.word(), Some(CallWord::Bridged));
    rig.wait(1);
    assert_eq!(rig.word(), Some(CallWord::Ending));
    rig.gone(Part::A, 16);
    rig.assert_end(Disposition::Answered, EndedBy::Timer, 16);
    assert_eq!(rig.end().dead_air_ms, Some(12));
}

#[test]
fn half_of_a_conversation_is_hung_up() {
    let mut rig = restarted(orphan(true, true, false));
    rig.link_up(census(&[(Part::A, true)], &[Part::A], true));
    assert_eq!(rig.take(), [Op::HangUp(Part::A)]);
}

/// Begun and ended while no process lived, or none that wrote it down.
#[test]
fn a_recording_that_nobody_wrote_down_is_looked_for_and_fetched() {
    let retry = Policy {
        retry_interrupted: true,
        ..policy(1)
    };
    let mut rig = restarted_with(retry, RunState::Idle, orphan(false, false, false));
    let [(FIRST, name)] = &rig.campaign.unknown_recordings()[..] else {
        panic!("one attempt may have been recorded");
    };
    assert!(name.ends_with("-1-rec"), "{name}");
    rig.link_up(Census {
        recorded: vec![FIRST],
        ..Census::default()
    });
    rig.wait(2000);
    let fetched = |e: &Effect| matches!(e, Effect::FetchRecording { attempt: FIRST, .. });
    assert!(rig.effects.iter().any(fetched));
    // Who was recorded has answered, and is not called again as somebody interrupted is.
    rig.assert_end(Disposition::Abandoned, EndedBy::Callee, 0);
    assert_eq!(rig.campaign.unknown_recordings(), []);
}

#[test]
fn a_dead_process_recording_is_fetched() {
    let mut rig = restarted(orphan(true, true, true));
    rig.link_up(Census::default());
    rig.wait(2000);
    let fetched = |e: &Effect| matches!(e, Effect::FetchRecording { attempt: FIRST, .. });
    assert!(rig.effects.iter().any(fetched));
    assert!(rig.campaign.is_quiet());
}

#[test]
fn a_run_that_dialed_comes_back_idle_and_a_paused_one_paused() {
    let paused = RunState::Paused("by the operator".to_owned());
    for (was, is) in [
        (RunState::Dialing, RunState::Idle),
        (RunState::Draining, RunState::Idle),
        (paused.clone(), paused),
    ] {
        let rig = restarted_with(policy(1), was, orphan(false, false, false));
        assert_eq!(*rig.campaign.state(), is);
    }
}

#[test]
fn orphans_of_another_run_are_closed_and_touch_no_lead_of_this_one() {
    let other = Orphan {
        run: RunId(7),
        ..orphan(true, false, false)
    };
    let mut rig = restarted(other);
    rig.link_up(Census::default());
    rig.assert_end(Disposition::Abandoned, EndedBy::Callee, 0);
    assert_eq!(rig.lead(0), LeadState::Waiting);
}

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

#[test]
fn a_recording_that_a_dead_process_began_unwritten_is_fetched_all_the_same() {
    let mut rig = restarted(orphan(true, true, false));
    rig.link_up(census(BOTH_UP, BOTH, true));
    // Nobody knows that it runs, so it is asked for; its name is taken.
    rig.refuse(Op::Record, OpError::Refused(409));
    for part in [Part::A, Part::B, Part::Snoop] {
        rig.gone(part, 16);
    }
    rig.handle(Input::RecordingEnded {
        attempt: FIRST,
        ok: true,
    });
    let fetched = |e: &Effect| matches!(e, Effect::FetchRecording { attempt: FIRST, .. });
    assert!(rig.effects.iter().any(fetched));
    let failed = |e: &Effect| matches!(e, Effect::Tell(Notice::RecordingFailed { .. }));
    assert!(!rig.effects.iter().any(failed));
}

/// Saved, it is not called failed by the process that finds the end of its call.
#[test]
fn a_recording_that_was_saved_before_its_call_ended_stays_saved() {
    let mut found = orphan(true, true, false);
    found.recorded = Recorded::Over;
    let mut rig = restarted(found);
    rig.link_up(Census::default());
    let of_recording =
        |effect: &Effect| matches!(effect, Effect::Journal(Record::Recording { .. }));
    assert!(!rig.effects.iter().any(of_recording));
    assert_eq!(rig.end().disposition, Disposition::Answered);
}

fn recordings_begun(rig: &Rig) -> usize {
    let begun = |effect: &&Effect| {
        let state = |record: &Record| {
            matches!(
                record,
                Record::Recording {
                    state: RecordingState::Started { .. },
                    ..
                }
            )
        };
        matches!(effect, Effect::Journal(record) if state(record))
    };
    rig.effects.iter().filter(begun).count()
}

/// The process may die between the request to record and the commit that tells of it.
#[test]
fn a_recording_that_was_not_written_down_is_found_by_its_channel() {
    let mut rig = restarted(orphan(false, false, false));
    rig.link_up(census(BOTH_UP, &[], true));
    assert_eq!(
        rig.asked(FIRST, Op::HangUp(Part::A)),
        1,
        "B was not reached"
    );
    assert_eq!(recordings_begun(&rig), 1);
    rig.handle(Input::RecordingEnded {
        attempt: FIRST,
        ok: true,
    });
    let fetched = |effect: &Effect| matches!(effect, Effect::FetchRecording { .. });
    assert!(rig.effects.iter().any(fetched));
}

#[test]
fn a_recording_that_ends_before_the_census_comes_is_fetched_too() {
    let mut rig = restarted(orphan(false, false, false));
    rig.handle(Input::RecordingEnded {
        attempt: FIRST,
        ok: true,
    });
    assert_eq!(recordings_begun(&rig), 1);
    rig.link_up(Census::default());
    rig.wait(10_000);
    let fetched = |effect: &Effect| matches!(effect, Effect::FetchRecording { .. });
    assert!(rig.effects.iter().any(fetched));
}
