//! The calls of a dead process.

use std::time::Duration;

use super::super::*;
use super::rig::{FIRST, Rig, campaign, numbers, policy, policy_with};

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
        settings: policy(1).call,
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
    let limit = Duration::from_secs(120);
    let limited = policy_with(1, |call| call.max_call = Some(limit));
    let limited_call = Arc::clone(&limited.call);
    let orphan = Orphan {
        settings: limited_call,
        ..orphan(true, true, true)
    };
    let mut rig = restarted_with(limited, RunState::Idle, orphan);
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
fn nobody_knows_the_dead_air_of_a_conversation_that_began_unheard() {
    for answered in [false, true] {
        let mut rig = restarted(orphan(answered, false, false));
        rig.link_up(census(BOTH_UP, BOTH, true));
        assert_eq!(rig.word(), Some(CallWord::Bridged));
        rig.gone(Part::A, 16);
        let end = rig.end();
        assert_eq!(
            (end.disposition, end.dead_air_ms),
            (Disposition::Answered, None)
        );
    }
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
