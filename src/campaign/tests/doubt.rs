//! Originates of which nobody knows whether they will ring: no answer came, or their process died.

use std::time::Duration;

use super::super::*;
use super::rig::{FIRST, Rig, policy};

const TIMES_OUT: OpError = OpError::Unknown;

/// An originate timed out, and the request to hang it up, which overtook it, found nothing.
fn doubtful() -> Rig {
    let mut rig = Rig::started(policy(1), 2);
    rig.refuse(Op::OriginateA, TIMES_OUT);
    rig.refuse(Op::HangUp(Part::A), OpError::NotFound);
    rig.handle(Input::Census(nothing(&rig, false)));
    rig.take();
    rig
}

/// A census, asked for a moment from now, that finds nothing.
fn nothing(rig: &Rig, restarted: bool) -> Census {
    Census {
        asked_at: rig.now + Duration::from_millis(1),
        restarted,
        ..Census::default()
    }
}

/// A process whose predecessor died with an attempt that never rang, as far as is written.
fn after_a_death() -> Rig {
    let policy = Policy {
        retry_interrupted: true,
        ..policy(1)
    };
    let mut rig = Rig::over(super::rig::campaign(policy));
    let number = Number::parse("1000").expect("digits");
    let mut leads = Leads::default();
    leads.add(&number, Time::default());
    let orphan = Orphan {
        attempt: FIRST,
        run: RunId(1),
        lead: LeadId(0),
        number,
        begun_at: rig.now,
        ringing_at: None,
        answered_at: None,
        bridged_at: None,
        recorded: Recorded::Nothing,
        settings: Arc::new(call_settings()),
    };
    let now = rig.now;
    let state = RunState::Idle;
    rig.campaign
        .restore(now, RunId(1), state, leads, vec![orphan]);
    rig.link_up(nothing(&rig, false));
    rig
}

#[test]
fn who_answers_an_originate_that_was_carried_out_late_was_abandoned() {
    let mut rig = doubtful();
    assert_eq!(rig.word(), Some(CallWord::Ending), "it keeps its slot");
    assert!(rig.campaign.is_in_doubt());
    rig.wait(1700);
    rig.leg(Part::A, LegEvent::Ringing);
    assert_eq!(rig.take(), [Op::HangUp(Part::A)], "without delay");
    rig.leg(Part::A, LegEvent::Up);
    rig.ok(Op::HangUp(Part::A));
    assert_eq!(rig.take(), []);
    // The answer to a request of before it came.
    rig.refuse(Op::HangUp(Part::A), OpError::NotFound);
    assert_eq!(rig.ends().len(), 0, "it is still up");
    assert!(rig.campaign.is_in_doubt(), "and worth a wait");
    rig.gone(Part::A, 16);
    assert!(!rig.campaign.is_in_doubt());
    rig.assert_end(Disposition::Abandoned, EndedBy::Carrier, 16);
}

#[test]
fn an_originate_of_which_nothing_comes_gives_its_slot_back() {
    let mut rig = doubtful();
    rig.wait(9_999);
    rig.refuse(Op::HangUp(Part::A), OpError::NotFound);
    assert_eq!(rig.ends().len(), 0);
    rig.take();
    rig.wait(1);
    assert_eq!(rig.take(), [Op::HangUp(Part::A)], "asked again");
    rig.refuse(Op::HangUp(Part::A), OpError::NotFound);
    rig.assert_end(Disposition::Failed, EndedBy::Carrier, 0);
}

/// A channel is made once: what Asterisk had to hang up will not come a second time.
#[test]
fn what_was_there_to_be_hung_up_is_waited_for_no_longer() {
    let mut rig = Rig::started(policy(1), 2);
    rig.refuse(Op::OriginateA, TIMES_OUT);
    let asked_before = nothing(&rig, false);
    rig.wait(100);
    rig.ok(Op::HangUp(Part::A));
    rig.handle(Input::Census(asked_before));
    assert_eq!(rig.ends().len(), 0, "its end is still to be told");
    rig.wait(1000);
    rig.handle(Input::Census(nothing(&rig, false)));
    rig.assert_end(Disposition::Failed, EndedBy::Carrier, 0);
}

#[test]
fn what_a_census_lists_is_not_in_doubt_though_its_originate_times_out() {
    for up in [false, true] {
        let mut rig = Rig::started(policy(1), 2);
        rig.wait(1000);
        rig.handle(Input::Census(Census {
            channels: vec![(FIRST, Part::A, up)],
            ..nothing(&rig, false)
        }));
        rig.refuse(Op::OriginateA, TIMES_OUT);
        assert!(!rig.campaign.is_in_doubt());
        assert_eq!(rig.asked(FIRST, Op::HangUp(Part::A)), 0, "it goes on");
        rig.wait(1000);
        rig.handle(Input::Census(nothing(&rig, false)));
        assert_eq!(rig.ends().len(), 1, "and ends by the next one");
    }
}

#[test]
fn what_a_census_lists_after_its_originate_timed_out_is_hung_up_and_waited_for_no_longer() {
    let mut rig = doubtful();
    rig.wait(1000);
    let listed = Census {
        channels: vec![(FIRST, Part::A, false)],
        ..nothing(&rig, false)
    };
    rig.take();
    rig.handle(Input::Census(listed));
    rig.wait(2000);
    assert_eq!(rig.take(), [Op::HangUp(Part::A)]);
    rig.handle(Input::Census(nothing(&rig, false)));
    rig.assert_end(Disposition::Failed, EndedBy::Carrier, 0);
}

#[test]
fn a_lost_link_takes_no_doubt_away_and_a_restart_of_asterisk_does() {
    for restarted in [false, true] {
        let mut rig = doubtful();
        rig.handle(Input::LinkDown);
        rig.wait(1000);
        rig.link_up(nothing(&rig, restarted));
        assert_eq!(rig.ends().len(), usize::from(restarted), "{restarted}");
    }
}

#[test]
fn whom_a_dead_process_may_have_dialed_last_is_not_called_again_before_that_is_sure() {
    let mut rig = after_a_death();
    rig.command(&Command::Start).expect("one is called");
    rig.wait(14_999);
    rig.refuse(Op::HangUp(Part::A), OpError::NotFound);
    assert_eq!(rig.ends().len(), 0);
    assert_eq!(rig.asked(FIRST, Op::OriginateA), 0);
    rig.wait(1001);
    rig.refuse(Op::HangUp(Part::A), OpError::NotFound);
    assert_eq!(rig.end().disposition, Disposition::Interrupted);
    // The next attempt is 1 here only because the rig's journal counts none.
    assert_eq!(rig.asked(FIRST, Op::OriginateA), 1);
}

#[test]
fn what_a_dead_process_dialed_last_and_comes_late_is_hung_up() {
    let mut rig = after_a_death();
    rig.wait(1000);
    rig.leg(Part::A, LegEvent::Ringing);
    assert_eq!(rig.take(), [Op::HangUp(Part::A)]);
    rig.leg(Part::A, LegEvent::Entered);
    rig.gone(Part::A, 16);
    assert_eq!(rig.end().disposition, Disposition::Abandoned);
    assert_eq!(rig.lead(0), LeadState::Final(Disposition::Abandoned));
}

/// The staged B timed out, was not found, and was made after all before the next one.
#[test]
fn a_staged_leg_that_was_made_late_is_dialed_and_nobody_is_left_in_silence() {
    for told_first in [true, false] {
        let mut rig = Rig::started(policy(1), 1);
        rig.ok(Op::OriginateA);
        rig.leg(Part::A, LegEvent::Ringing);
        rig.ok(Op::CreateBridge);
        rig.leg(Part::A, LegEvent::Up);
        rig.leg(Part::A, LegEvent::Entered);
        rig.refuse(Op::CreateB, TIMES_OUT);
        rig.refuse(Op::HangUp(Part::B), OpError::NotFound);
        assert_eq!(rig.asked(FIRST, Op::OriginateB), 1);
        if told_first {
            rig.leg(Part::B, LegEvent::Entered);
        }
        rig.refuse(Op::OriginateB, OpError::Refused(409));
        if !told_first {
            rig.leg(Part::B, LegEvent::Entered);
        }
        assert_eq!(rig.asked(FIRST, Op::Join(Part::B)), 1);
        rig.ok(Op::Join(Part::B));
        assert_eq!(rig.asked(FIRST, Op::DialB), 1, "told first: {told_first}");
        rig.ok(Op::Join(Part::A));
        rig.leg(Part::A, LegEvent::Joined);
        rig.leg(Part::B, LegEvent::Joined);
        rig.leg(Part::B, LegEvent::Up);
        assert_eq!(rig.word(), Some(CallWord::Bridged));
    }
}
