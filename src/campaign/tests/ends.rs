//! How calls end: by whom, with which cause, and what is taken down.

use std::time::Duration;

use super::super::*;
use super::orphans::census;
use super::rig::{FIRST, Rig, cause, policy, policy_with};

fn sip(q850: u16, status: u16) -> LegEvent {
    LegEvent::Gone(HangupCause {
        q850,
        sip: Some(status),
    })
}

#[test]
fn each_failure_of_the_carrier_has_its_disposition() {
    use Disposition::{
        Blocked, Busy, Congestion, Failed, InvalidNumber, NoAnswer, Redirected, Rejected,
    };
    let table = [
        (17, 486, Busy),
        (34, 503, Congestion),
        (38, 500, Congestion),
        (1, 404, InvalidNumber),
        (21, 403, Rejected),
        (21, 603, Rejected),
        (19, 480, NoAnswer),
        (18, 408, NoAnswer),
        (22, 410, InvalidNumber),
        (28, 484, InvalidNumber),
        (58, 488, Failed),
        (58, 606, Failed),
        // As Asterisk 22 tells them.
        (16, 302, Redirected),
        (127, 607, Blocked),
        (127, 608, Blocked),
        (127, 482, Congestion),
        (25, 483, Congestion),
        (127, 505, Congestion),
        (127, 513, Congestion),
    ];
    for (q850, status, disposition) in table {
        let mut rig = Rig::staged();
        rig.leg(Part::A, LegEvent::Leaving(Some(cause(q850))));
        rig.leg(Part::A, sip(q850, status));
        rig.assert_end(disposition, EndedBy::Carrier, q850);
        assert_eq!(rig.end().cause.sip, Some(status));
        rig.assert_taken_down();
    }
}

/// A status that tells nothing by itself leaves it to the cause.
#[test]
fn where_the_sip_status_and_the_cause_disagree_the_status_counts() {
    use Disposition::{
        Blocked, Busy, Congestion, Failed, InvalidNumber, NoAnswer, Redirected, Rejected,
    };
    let table = [
        (17, 404, InvalidNumber),
        (17, 410, InvalidNumber),
        (34, 484, InvalidNumber),
        (17, 604, InvalidNumber),
        (1, 486, Busy),
        (34, 600, Busy),
        (17, 480, NoAnswer),
        (21, 408, NoAnswer),
        (127, 487, NoAnswer),
        (17, 487, NoAnswer),
        (34, 487, NoAnswer),
        (17, 500, Congestion),
        (19, 503, Congestion),
        (1, 505, Congestion),
        (17, 482, Congestion),
        (17, 483, Congestion),
        (17, 513, Congestion),
        (17, 401, Rejected),
        (19, 403, Rejected),
        (1, 603, Rejected),
        (17, 607, Blocked),
        (21, 608, Blocked),
        (1, 300, Redirected),
        (17, 302, Redirected),
        (19, 399, Redirected),
        (17, 402, Failed),
        (1, 407, Failed),
        // These say no more than that the call failed.
        (17, 488, Busy),
        (19, 606, NoAnswer),
        (42, 488, Congestion),
        (21, 415, Rejected),
        (23, 606, Redirected),
        (1, 400, InvalidNumber),
        (127, 400, Failed),
        (17, 299, Busy),
        (17, 506, Busy),
    ];
    for (q850, status, disposition) in table {
        let mut rig = Rig::staged();
        rig.leg(Part::A, sip(q850, status));
        let end = rig.end();
        assert_eq!(end.disposition, disposition, "SIP {status}, cause {q850}");
        assert_eq!((end.cause.q850, end.cause.sip), (q850, Some(status)));
    }
}

#[test]
fn without_a_sip_status_the_cause_counts() {
    use Disposition::{Busy, Congestion, Failed, InvalidNumber, NoAnswer, Redirected, Rejected};
    let table: [(&[u16], Disposition); 7] = [
        (&[17], Busy),
        (&[18, 19], NoAnswer),
        (&[27, 34, 38, 42, 102], Congestion),
        (&[21], Rejected),
        (&[23], Redirected),
        (&[1, 22, 28], InvalidNumber),
        (&[2, 3, 16, 20, 26, 29, 31, 41, 43, 44, 58, 88, 127], Failed),
    ];
    for (causes, disposition) in table {
        for q850 in causes {
            let mut rig = Rig::staged();
            rig.gone(Part::A, *q850);
            rig.assert_end(disposition, EndedBy::Carrier, *q850);
        }
    }
}

#[test]
fn what_the_carrier_redirects_is_redirected_though_asterisk_ends_it_without_a_cause() {
    let mut rig = Rig::staged();
    rig.leg(
        Part::A,
        LegEvent::HungUp(Some(cause(HangupCause::REDIRECTED))),
    );
    rig.leg(Part::A, LegEvent::Gone(HangupCause::default()));
    rig.assert_end(
        Disposition::Redirected,
        EndedBy::Carrier,
        HangupCause::REDIRECTED,
    );
    rig.assert_taken_down();
}

#[test]
fn a_603_of_an_analytics_service_is_blocked_and_counts_as_a_refusal() {
    let mut rig = Rig::staged();
    rig.leg(Part::A, LegEvent::Blocked);
    rig.leg(Part::A, sip(21, 603));
    rig.assert_end(Disposition::Blocked, EndedBy::Carrier, 21);
    assert!(
        rig.end()
            .note
            .is_some_and(|note| note.contains("Network Blocked"))
    );
    rig.assert_taken_down();
}

#[test]
fn a_carrier_that_wants_money_or_a_login_pauses_the_run_and_the_number_waits_again() {
    for (q850, status, mend) in [(127, 402, "account"), (21, 407, "outbound_auth")] {
        let mut rig = Rig::started(policy(2), 3);
        rig.leg(Part::A, sip(q850, status));
        let RunState::Paused(why) = rig.campaign.state() else {
            panic!("{status}: {:?}", rig.campaign.state());
        };
        assert!(
            why.contains(mend) && why.contains(&status.to_string()),
            "{why}"
        );
        rig.assert_end(Disposition::Failed, EndedBy::Carrier, q850);
        assert!(
            rig.end()
                .note
                .is_some_and(|note| note.contains("waits again"))
        );
        assert_eq!(rig.lead(0), LeadState::Waiting);
        // Who is being called already is told the same, and waits again as well.
        rig.leg_of(AttemptId(2), Part::A, sip(q850, status));
        assert_eq!(rig.lead(1), LeadState::Waiting);
        let requeued = |e: &&Effect| matches!(e, Effect::Journal(Record::LeadRequeued { .. }));
        assert_eq!(rig.effects.iter().filter(requeued).count(), 2);
        rig.wait(60_000);
        assert_eq!(
            rig.asked(AttemptId(3), Op::OriginateA),
            0,
            "nobody else is dialed"
        );
    }
}

#[test]
fn whoever_was_rung_or_hung_up_by_somebody_does_not_wait_again_for_the_trunk_s_sake() {
    let mut rig = Rig::staged();
    rig.leg(Part::A, sip(21, 407));
    rig.assert_end(Disposition::Failed, EndedBy::Carrier, 21);
    assert_eq!(rig.lead(0), LeadState::Final(Disposition::Failed));
    let mut rig = Rig::started(policy(1), 1);
    rig.command(&Command::HangUp(FIRST)).expect("it is up");
    rig.leg(Part::A, sip(21, 407));
    assert_eq!(rig.lead(0), LeadState::Final(Disposition::Cancelled));
}

#[test]
fn asterisks_own_timeout_is_no_answer_by_the_timer() {
    // Older versions tell cause 0 or 16.
    for q850 in [19, 0, 16] {
        let mut rig = Rig::staged();
        rig.wait(30_005);
        rig.gone(Part::A, q850);
        rig.assert_end(Disposition::NoAnswer, EndedBy::Timer, q850);
    }
}

#[test]
fn the_carriers_480_before_the_timeout_is_not_the_timers() {
    let mut rig = Rig::staged();
    rig.wait(10_000);
    rig.leg(Part::A, sip(19, 480));
    rig.assert_end(Disposition::NoAnswer, EndedBy::Carrier, 19);
}

#[test]
fn an_end_without_a_cause_before_the_timeout_is_a_failure_that_says_so() {
    let mut rig = Rig::staged();
    rig.gone(Part::A, 0);
    rig.assert_end(Disposition::Failed, EndedBy::Carrier, 0);
    assert!(rig.end().note.is_some());
}

#[test]
fn our_ring_timer_ends_a_call_that_asterisk_forgot() {
    let mut rig = Rig::staged();
    rig.wait(32_900);
    assert_eq!(rig.asked(FIRST, Op::HangUp(Part::A)), 0);
    rig.wait(200);
    assert_eq!(rig.asked(FIRST, Op::HangUp(Part::A)), 1);
    rig.gone(Part::A, 16);
    rig.assert_end(Disposition::NoAnswer, EndedBy::Timer, 19);
    rig.assert_taken_down();
}

#[test]
fn whoever_answers_as_the_ring_timer_fires_counts_as_abandoned() {
    let mut rig = Rig::staged();
    rig.wait(33_000);
    rig.leg(Part::A, LegEvent::Up);
    rig.gone(Part::A, 16);
    rig.assert_end(Disposition::Abandoned, EndedBy::Timer, 19);
}

#[test]
fn a_target_that_answers_too_late_is_not_waited_for() {
    let mut rig = Rig::connecting();
    rig.wait(19_999);
    assert_eq!(rig.word(), Some(CallWord::Answered));
    rig.take();
    rig.wait(1);
    // It may have answered unheard.
    assert_eq!(rig.take(), [Op::AskTarget { a_joined: true }]);
    assert_eq!(rig.word(), Some(CallWord::Answered));
    rig.refuse(Op::AskTarget { a_joined: true }, OpError::Refused(409));
    assert_eq!(rig.word(), Some(CallWord::Ending));
    rig.leg(Part::B, LegEvent::Up);
    assert_eq!(rig.word(), Some(CallWord::Ending));
    rig.gone(Part::A, 16);
    rig.assert_end(Disposition::Abandoned, EndedBy::Timer, 19);
    rig.assert_taken_down();
}

#[test]
fn a_target_that_answered_unheard_is_talked_to_and_one_of_which_nothing_is_told_is_too_late() {
    let mut talks = Rig::connecting();
    talks.wait(20_000);
    talks.ok(Op::AskTarget { a_joined: true });
    assert_eq!(talks.word(), Some(CallWord::Bridged));
    talks.wait(60_000);
    assert_eq!(talks.word(), Some(CallWord::Bridged));

    let mut silent = Rig::connecting();
    silent.wait(20_000);
    silent.wait(5999);
    assert_eq!(silent.word(), Some(CallWord::Answered));
    silent.wait(1);
    assert_eq!(silent.word(), Some(CallWord::Ending));
}

#[test]
fn a_target_that_runs_into_its_own_timeout_is_silent() {
    let mut rig = Rig::connecting();
    rig.leg(Part::B, LegEvent::Leaving(None));
    rig.gone(Part::B, 19);
    rig.gone(Part::A, 16);
    rig.assert_end(Disposition::Abandoned, EndedBy::Timer, 19);
}

#[test]
fn each_failure_of_the_target_hangs_up_at_once() {
    let table = [
        (LegEvent::Dial(DialStatus::Busy), EndedBy::Target, 17),
        (LegEvent::Dial(DialStatus::NoAnswer), EndedBy::Timer, 19),
        (LegEvent::Dial(DialStatus::Unavailable), EndedBy::Target, 16),
        (LegEvent::Gone(cause(17)), EndedBy::Target, 17),
        (LegEvent::Gone(cause(20)), EndedBy::Target, 20),
    ];
    for (event, by, q850) in table {
        let mut rig = Rig::connecting();
        rig.leg(Part::B, event);
        assert_eq!(rig.asked(FIRST, Op::HangUp(Part::A)), 1, "{event:?}");
        rig.gone(Part::A, 16);
        rig.assert_end(Disposition::Abandoned, by, q850);
        rig.assert_taken_down();
    }
}

#[test]
fn no_timer_of_dialing_cuts_a_conversation() {
    let mut rig = Rig::talking();
    rig.wait(24 * 3600 * 1000);
    assert_eq!(rig.word(), Some(CallWord::Bridged));
    assert_eq!(rig.asked(FIRST, Op::HangUp(Part::A)), 0);
}

#[test]
fn the_operators_limit_cuts_a_conversation_and_says_so() {
    let mut rig = Rig::started(
        policy_with(1, |call| call.max_call = Some(Duration::from_secs(5))),
        1,
    );
    rig.stage();
    rig.wait(9000);
    rig.connect();
    rig.wait(3000);
    rig.talk();
    rig.wait(4999);
    assert_eq!(rig.word(), Some(CallWord::Bridged));
    rig.wait(1);
    rig.gone(Part::A, 16);
    rig.assert_end(Disposition::Answered, EndedBy::Timer, 16);
    assert_eq!(rig.end().note.as_deref(), Some("MAX_CALL_SECONDS reached"));
}

#[test]
fn the_first_cause_holds_whatever_comes_after() {
    let mut rig = Rig::talking();
    rig.leg(Part::B, LegEvent::Leaving(Some(cause(21))));
    rig.leg(Part::A, LegEvent::Leaving(Some(cause(127))));
    rig.gone(Part::B, 16);
    rig.gone(Part::A, 16);
    rig.assert_end(Disposition::Answered, EndedBy::Target, 21);
    rig.assert_taken_down();
}

#[test]
fn a_callee_who_hangs_up_takes_the_target_down_and_is_not_hung_up_again() {
    let mut rig = Rig::talking();
    rig.leg(Part::A, LegEvent::Leaving(Some(cause(16))));
    assert_eq!(rig.take(), [Op::HangUp(Part::B)]);
    rig.leg(Part::A, LegEvent::Leaving(None));
    rig.gone(Part::A, 16);
    rig.assert_end(Disposition::Answered, EndedBy::Callee, 16);
    assert_eq!(rig.take(), []);
    rig.gone(Part::B, 16);
    assert_eq!(rig.take(), [Op::DestroyBridge]);
    rig.assert_taken_down();
}

#[test]
fn a_channel_that_said_it_leaves_and_stays_is_hung_up() {
    let mut rig = Rig::talking();
    rig.leg(Part::A, LegEvent::Leaving(None));
    rig.wait(2000);
    assert_eq!(rig.asked(FIRST, Op::HangUp(Part::A)), 1);
}

#[test]
fn a_hangup_is_asked_again_until_it_is_done_and_404_is_done() {
    let mut rig = Rig::talking();
    rig.command(&Command::HangUpAll).expect("calls are up");
    rig.refuse(Op::HangUp(Part::A), OpError::NotSent);
    rig.wait(2000);
    rig.refuse(Op::HangUp(Part::A), OpError::Refused(500));
    rig.wait(2000);
    assert_eq!(rig.asked(FIRST, Op::HangUp(Part::A)), 3);
    rig.refuse(Op::HangUp(Part::A), OpError::NotFound);
    rig.assert_end(Disposition::Answered, EndedBy::Operator, 0);
    rig.refuse(Op::HangUp(Part::B), OpError::NotFound);
    rig.refuse(Op::DestroyBridge, OpError::NotFound);
    rig.assert_taken_down();
}

#[test]
fn a_snoop_channel_that_outlives_a_is_hung_up_after_a_moment() {
    let mut rig = Rig::talking();
    rig.gone(Part::A, 16);
    rig.gone(Part::B, 16);
    rig.ok(Op::DestroyBridge);
    assert_eq!(rig.asked(FIRST, Op::HangUp(Part::Snoop)), 0);
    rig.wait(2000);
    assert_eq!(rig.asked(FIRST, Op::HangUp(Part::Snoop)), 1);
    rig.refuse(Op::HangUp(Part::Snoop), OpError::NotFound);
    rig.assert_taken_down();
}

#[test]
fn the_slot_is_free_while_the_rest_is_taken_down() {
    let mut rig = Rig::started(policy(1), 2);
    rig.stage();
    rig.connect();
    rig.talk();
    rig.gone(Part::A, 16);
    assert_eq!(rig.asked(AttemptId(2), Op::OriginateA), 1);
    assert!(!rig.campaign.is_quiet());
}

#[test]
fn a_recording_whose_end_is_never_told_is_fetched_all_the_same() {
    let mut rig = Rig::talking();
    rig.gone(Part::A, 16);
    rig.gone(Part::B, 16);
    rig.gone(Part::Snoop, 16);
    rig.ok(Op::DestroyBridge);
    let fetch = Effect::FetchRecording {
        attempt: FIRST,
        number: Number::parse("1000").expect("digits"),
        begun_at: Time::from_millis(1_000_000),
        settings: policy(1).call,
    };
    assert!(!rig.has(&fetch));
    rig.wait(2000);
    assert!(rig.has(&fetch));
    assert!(rig.campaign.is_quiet());
}

#[test]
fn a_recording_that_fails_is_counted_and_ends_no_call() {
    for op in [Op::Snoop, Op::Record] {
        let mut rig = Rig::connecting();
        rig.leg(Part::B, LegEvent::Up);
        if op == Op::Record {
            rig.ok(Op::Snoop);
            rig.leg(Part::Snoop, LegEvent::Entered);
        }
        rig.refuse(op, OpError::Refused(500));
        assert_eq!(rig.word(), Some(CallWord::Bridged));
        assert_eq!(rig.campaign.stats().recordings_failed, 1);
        rig.gone(Part::A, 16);
        rig.assert_taken_down();
        assert_eq!(rig.campaign.stats().recordings_failed, 1);
    }
}

#[test]
fn a_conversation_that_was_never_recorded_is_a_counted_fact() {
    let mut rig = Rig::connecting();
    rig.leg(Part::B, LegEvent::Up);
    rig.refuse(Op::Snoop, OpError::Unknown);
    rig.gone(Part::A, 16);
    assert_eq!(rig.campaign.stats().recordings_failed, 1);
}

#[test]
fn late_events_of_a_dead_target_neither_bridge_nor_hold_up_the_next_one() {
    let mut rig = Rig::staged();
    rig.gone(Part::B, 16);
    for event in [LegEvent::Up, LegEvent::Joined, LegEvent::Leaving(None)] {
        rig.leg(Part::B, event);
    }
    rig.leg(Part::A, LegEvent::Entered);
    assert_eq!(rig.asked(FIRST, Op::OriginateB), 1);
    rig.leg(Part::A, LegEvent::Joined);
    assert_eq!(rig.word(), Some(CallWord::Answered));
}

#[test]
fn late_events_of_a_staged_target_are_not_those_of_the_one_that_took_its_place() {
    let mut rig = Rig::staged();
    rig.leg_at(Part::B, LegEvent::Gone(cause(16)), 100);
    rig.leg_at(Part::A, LegEvent::Entered, 100);
    rig.ok(Op::Join(Part::A));
    rig.leg_at(Part::A, LegEvent::Joined, 101);
    rig.ok(Op::OriginateB);
    for late in [LegEvent::Joined, LegEvent::Left, LegEvent::Gone(cause(16))] {
        rig.leg_at(Part::B, late, 99);
    }
    rig.leg_at(Part::B, LegEvent::Up, 200);
    assert_eq!(rig.word(), Some(CallWord::Answered));
    rig.leg_at(Part::B, LegEvent::Entered, 200);
    rig.ok(Op::Join(Part::B));
    rig.leg_at(Part::B, LegEvent::Joined, 201);
    assert_eq!(rig.word(), Some(CallWord::Bridged));
}

#[test]
fn dead_air_is_told_by_asterisks_clock() {
    let mut rig = Rig::staged();
    rig.leg(Part::A, LegEvent::Up);
    rig.leg(Part::A, LegEvent::Entered);
    rig.ok(Op::DialB);
    rig.leg(Part::A, LegEvent::Joined);
    rig.now = rig.now + Duration::from_millis(7);
    rig.leg(Part::B, LegEvent::Up);
    rig.gone(Part::A, 16);
    assert_eq!(rig.end().dead_air_ms, Some(7));
}

#[test]
fn who_left_before_the_other_one_came_was_not_bridged_in_whatever_order_that_is_told() {
    let mut a_goes_unheard = Rig::connecting();
    a_goes_unheard.leg_at(Part::B, LegEvent::Up, 300);
    assert_eq!(a_goes_unheard.word(), Some(CallWord::Bridged));
    a_goes_unheard.leg_at(Part::A, LegEvent::Left, 299);
    a_goes_unheard.leg(Part::A, LegEvent::Gone(HangupCause::default()));

    let mut b_goes_before_a_is_in = Rig::staged();
    b_goes_before_a_is_in.leg_at(Part::A, LegEvent::Entered, 0);
    b_goes_before_a_is_in.ok(Op::DialB);
    b_goes_before_a_is_in.leg_at(Part::B, LegEvent::Up, 100);
    b_goes_before_a_is_in.leg_at(Part::B, LegEvent::Leaving(None), 200);
    b_goes_before_a_is_in.leg_at(Part::A, LegEvent::Joined, 201);
    assert_eq!(b_goes_before_a_is_in.word(), Some(CallWord::Answered));
    b_goes_before_a_is_in.leg_at(Part::B, LegEvent::Gone(cause(16)), 200);
    b_goes_before_a_is_in.leg_at(Part::A, LegEvent::Gone(cause(16)), 209);

    for rig in [a_goes_unheard, b_goes_before_a_is_in] {
        let end = rig.end();
        assert_eq!(end.disposition, Disposition::Abandoned);
        assert_eq!(end.dead_air_ms, None);
        assert_eq!(rig.summary().bridged_at, None);
        let stats = rig.campaign.stats();
        assert_eq!((stats.seizures, stats.bridged), (1, 0));
        assert_eq!((stats.talk, stats.dead_air_count()), (Duration::ZERO, 0));
        assert_eq!(stats.recordings_failed, 0);
    }
}

/// A census told that B was up, and no event: it says nothing of when.
#[test]
fn who_comes_after_the_other_one_left_has_met_nobody_though_a_part_of_it_went_unheard() {
    let mut rig = Rig::staged();
    rig.leg_at(Part::A, LegEvent::Entered, 0);
    rig.ok(Op::DialB);
    rig.handle(Input::LinkDown);
    rig.wait(2000);
    rig.leg_at(Part::B, LegEvent::Leaving(None), 0);
    rig.link_up(Census {
        asked_at: rig.now,
        ..census(&[(Part::A, true), (Part::B, true)], &[Part::B], true)
    });
    rig.leg_at(Part::A, LegEvent::Joined, 100);
    assert_eq!(rig.word(), Some(CallWord::Answered));
    rig.wait(500);
    rig.handle(Input::Census(Census {
        asked_at: rig.now,
        ..census(&[(Part::A, true)], &[Part::A], true)
    }));
    rig.gone(Part::A, 16);
    assert_eq!(rig.end().disposition, Disposition::Abandoned);
}

#[test]
fn a_clock_that_is_set_back_amid_a_conversation_undoes_it_not() {
    let mut rig = Rig::talking();
    rig.leg_at(Part::A, LegEvent::Gone(cause(16)), -3_600_000);
    assert_eq!(rig.end().disposition, Disposition::Answered);
}

#[test]
fn where_the_clock_was_set_who_left_is_told_first_has_met_nobody() {
    for ms in [-3_600_000, 3_600_000] {
        let mut rig = Rig::connecting();
        rig.leg_at(Part::A, LegEvent::Left, 0);
        rig.leg_at(Part::B, LegEvent::Up, ms);
        assert_eq!(rig.word(), Some(CallWord::Answered), "{ms}");
        rig.leg_at(Part::A, LegEvent::Gone(cause(16)), ms);
        assert_eq!(rig.end().disposition, Disposition::Abandoned, "{ms}");
    }
}

#[test]
fn who_met_for_a_moment_was_bridged_though_the_join_is_told_last() {
    let mut rig = Rig::staged();
    rig.leg_at(Part::A, LegEvent::Entered, 0);
    rig.ok(Op::DialB);
    rig.leg_at(Part::B, LegEvent::Up, 100);
    rig.leg_at(Part::B, LegEvent::Leaving(None), 200);
    rig.leg_at(Part::A, LegEvent::Joined, 199);
    rig.leg_at(Part::A, LegEvent::Gone(cause(16)), 300);
    let end = rig.end();
    assert_eq!(end.disposition, Disposition::Answered);
    assert_eq!(end.dead_air_ms, Some(199));
}

#[test]
fn the_agent_behind_a_queue_is_noted_once() {
    let mut rig = Rig::talking();
    for _ in 0..2 {
        rig.leg(Part::B2, LegEvent::Dial(DialStatus::Answer));
    }
    let agents = rig.effects.iter().filter(|e| {
        matches!(
            e,
            Effect::Journal(Record::AttemptProgress {
                step: Step::Agent,
                ..
            })
        )
    });
    assert_eq!(agents.count(), 1);
}

/// The only call has shown no sign of life for nearly as long as it may, and this was heard.
fn unheard(answered: bool) -> Rig {
    let mut rig = Rig::started(policy(1), 1);
    rig.ok(Op::OriginateA);
    assert!(!rig.has(&Effect::AskCarrier(FIRST)));
    rig.wait(29_000);
    assert!(rig.has(&Effect::AskCarrier(FIRST)));
    rig.handle(Input::Carrier {
        attempt: FIRST,
        answered,
    });
    rig
}

#[test]
fn a_carrier_that_answers_nothing_at_all_pauses_the_run_and_the_number_waits_again() {
    for (at, q850, status) in [(1005, 19, 480), (3000, 18, 408)] {
        let mut rig = unheard(false);
        rig.wait(at);
        rig.leg(Part::A, sip(q850, status));
        rig.assert_end(Disposition::Failed, EndedBy::Carrier, q850);
        let paused =
            matches!(rig.campaign.state(), RunState::Paused(why) if why.contains("address"));
        assert!(paused, "{:?}", rig.campaign.state());
        assert_eq!(rig.lead(0), LeadState::Waiting);
    }
}

#[test]
fn a_carrier_that_says_anything_or_rings_at_last_has_taken_the_call() {
    let mut rig = unheard(true);
    rig.wait(1005);
    rig.leg(Part::A, sip(19, 480));
    rig.assert_end(Disposition::NoAnswer, EndedBy::Timer, 19);
    assert_eq!(rig.lead(0), LeadState::Final(Disposition::NoAnswer));
    let mut rig = unheard(false);
    rig.leg(Part::A, LegEvent::Ringing);
    rig.wait(1005);
    rig.leg(Part::A, sip(19, 480));
    rig.assert_end(Disposition::NoAnswer, EndedBy::Timer, 19);
    assert_eq!(rig.lead(0), LeadState::Final(Disposition::NoAnswer));
    let mut rig = unheard(false);
    rig.leg(Part::A, sip(17, 486));
    rig.assert_end(Disposition::Busy, EndedBy::Carrier, 17);
}

#[test]
fn of_a_phone_that_rings_nobody_asks_whether_the_carrier_is_there() {
    let mut rig = Rig::staged();
    rig.wait(29_500);
    assert!(!rig.has(&Effect::AskCarrier(FIRST)));
}
