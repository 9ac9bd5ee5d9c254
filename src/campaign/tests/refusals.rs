//! What is done when Asterisk refuses a request, or does not answer it.

use super::super::*;
use super::rig::{FIRST, Rig, cause, numbers, policy};

const TIMES_OUT: OpError = OpError::Unknown;
const BROKEN: OpError = OpError::Refused(500);

fn paused_by_rule(rig: &Rig) -> bool {
    matches!(rig.campaign.state(), RunState::Paused(why) if why.contains("Asterisk"))
}

#[test]
fn an_originate_that_was_not_sent_uses_up_no_attempt_and_is_tried_again() {
    for error in [OpError::NotSent, OpError::NotFound] {
        let mut rig = Rig::started(policy(1), 1);
        rig.refuse(Op::OriginateA, error);
        assert_eq!(rig.withdrawn(), 1);
        assert_eq!(rig.lead(0), LeadState::Waiting);
        rig.wait(999);
        assert_eq!(rig.asked(AttemptId(2), Op::OriginateA), 0);
        rig.wait(1);
        assert_eq!(rig.asked(AttemptId(2), Op::OriginateA), 1);
    }
}

#[test]
fn an_originate_that_was_kept_back_holds_nothing_back_and_uses_up_no_attempt() {
    let mut rig = Rig::started(policy(1), 1);
    rig.campaign
        .command(Time::default(), &Command::Pause)
        .expect("it dials");
    rig.refuse(Op::OriginateA, OpError::Withheld);
    assert_eq!((rig.withdrawn(), rig.lead(0)), (1, LeadState::Waiting));
    rig.wait(5_000);
    assert_eq!(rig.asked(AttemptId(2), Op::OriginateA), 0);

    let mut rig = Rig::started(policy(1), 1);
    rig.refuse(Op::OriginateA, OpError::Withheld);
    let again = rig.asked(AttemptId(2), Op::OriginateA);
    assert_eq!(again, 1, "nothing holds it back");
}

/// For how many seconds nobody is dialed after this originate was refused.
fn held_after(rig: &mut Rig, attempt: u64, error: OpError) -> u64 {
    let refused_at = rig.now;
    rig.answer(AttemptId(attempt), Op::OriginateA, Err(error));
    held_until_the_originate_of(rig, attempt + 1, refused_at)
}

fn held_until_the_originate_of(rig: &mut Rig, attempt: u64, since: Time) -> u64 {
    for _ in 0..100 {
        if rig.asked(AttemptId(attempt), Op::OriginateA) > 0 {
            return rig.now.since(since).as_secs();
        }
        rig.wait(1000);
    }
    panic!("attempt {attempt} was never dialed");
}

#[test]
fn setbacks_in_a_row_hold_dialing_ever_longer_and_a_success_ends_that() {
    let mut rig = Rig::started(policy(1), 2);
    let waits: Vec<u64> = (1..=8)
        .map(|attempt| held_after(&mut rig, attempt, OpError::NotFound))
        .collect();
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 32, 32]);
    rig.answer(AttemptId(9), Op::OriginateA, Ok(()));
    assert_eq!(rig.campaign.limit(rig.now).held, None);
    rig.leg_of(AttemptId(9), Part::A, LegEvent::Gone(cause(17)));
    // The row begins anew with the next lead.
    let waits = [10, 11].map(|attempt| held_after(&mut rig, attempt, OpError::NotFound));
    assert_eq!(waits, [1, 2]);
}

/// Something that makes dialing go on.
type Does = fn(&mut Rig);

#[test]
fn a_start_a_reconnect_a_requeue_and_a_new_run_end_the_hold_and_its_doubling() {
    let pause = |rig: &mut Rig| {
        rig.command(&Command::Pause).expect("it dials");
        rig.command(&Command::Start).expect("it is paused");
    };
    let drain = |rig: &mut Rig| {
        rig.command(&Command::Drain).expect("it dials");
        assert_eq!(*rig.campaign.state(), RunState::Idle);
        rig.command(&Command::Start).expect("it is idle");
    };
    let link = |rig: &mut Rig| {
        rig.handle(Input::LinkDown);
        rig.link_up(Census::default());
    };
    let requeue = |rig: &mut Rig| {
        rig.command(&Command::Skip(LeadId(0))).expect("it waits");
        assert_eq!(*rig.campaign.state(), RunState::Done);
        rig.command(&Command::Requeue(LeadId(0)))
            .expect("it is done");
    };
    let new_run = |rig: &mut Rig| {
        rig.command(&Command::Skip(LeadId(0))).expect("it waits");
        let outcome = rig.campaign.new_run(rig.now, "list", &numbers(1));
        outcome.expect("it is done");
        rig.handle(Input::Tick);
    };
    let cases: [(&str, Does); 5] = [
        ("pause", pause),
        ("drain", drain),
        ("link", link),
        ("call again", requeue),
        ("new run", new_run),
    ];
    for (what, does) in cases {
        let mut rig = Rig::started(policy(1), 1);
        for attempt in 1..=4 {
            held_after(&mut rig, attempt, OpError::NotFound);
        }
        rig.answer(AttemptId(5), Op::OriginateA, Err(OpError::NotFound));
        let held = rig.campaign.limit(rig.now).held;
        assert!(
            matches!(held, Some(HeldBack::Saturated { refusals: 5, .. })),
            "{what}: {held:?}"
        );
        does(&mut rig);
        assert_eq!(rig.asked(AttemptId(6), Op::OriginateA), 1, "{what}");
        let held = held_after(&mut rig, 6, OpError::NotFound);
        assert_eq!(held, 1, "the row begins anew after {what}");
    }
}

#[test]
fn originates_that_are_refused_during_a_hold_do_not_prolong_it() {
    let mut rig = Rig::started(policy(4), 8);
    for (first, seconds) in [(1, 1), (5, 2), (9, 4)] {
        let refused_at = rig.now;
        let refused = [
            BROKEN,
            OpError::NotFound,
            OpError::NotSent,
            OpError::TooEarly,
        ];
        for (attempt, error) in (first..).map(AttemptId).zip(refused) {
            rig.answer(attempt, Op::OriginateA, Err(error));
            if error == BROKEN {
                let trunk = TrunkIs::Away;
                rig.handle(Input::Trunk { attempt, trunk });
            }
            rig.wait(100);
        }
        let held = held_until_the_originate_of(&mut rig, first + 4, refused_at);
        assert_eq!(held, seconds, "after attempt {first}");
    }
}

#[test]
fn a_login_a_dial_string_or_a_trunk_that_is_refused_pauses_and_uses_up_no_attempt() {
    for error in [OpError::Login, OpError::Refused(400)] {
        let mut rig = Rig::started(policy(1), 1);
        rig.refuse(Op::OriginateA, error);
        assert!(paused_by_rule(&rig), "{error:?}");
        assert_eq!((rig.withdrawn(), rig.lead(0)), (1, LeadState::Waiting));
        assert!(rig.campaign.is_quiet());
    }
    let mut rig = Rig::started(policy(1), 1);
    rig.refuse(Op::OriginateA, BROKEN);
    assert!(rig.has(&Effect::ProbeTrunk(FIRST)));
    rig.handle(Input::Trunk {
        attempt: FIRST,
        trunk: TrunkIs::Missing,
    });
    assert!(paused_by_rule(&rig));
    assert_eq!((rig.withdrawn(), rig.lead(0)), (1, LeadState::Waiting));
    assert!(rig.campaign.is_quiet());
}

#[test]
fn no_room_on_a_trunk_that_exists_is_congestion() {
    let mut rig = Rig::started(policy(1), 1);
    rig.refuse(Op::OriginateA, BROKEN);
    rig.handle(Input::Trunk {
        attempt: FIRST,
        trunk: TrunkIs::There,
    });
    rig.assert_end(Disposition::Congestion, EndedBy::Carrier, 34);
    assert!(rig.campaign.is_quiet());
}

#[test]
fn a_trunk_whose_carrier_is_away_uses_up_no_attempt_and_is_tried_again() {
    let mut rig = Rig::started(policy(1), 1);
    for attempt in 1..=3 {
        let attempt = AttemptId(attempt);
        while rig.asked(attempt, Op::OriginateA) == 0 {
            rig.wait(1000);
        }
        rig.answer(attempt, Op::OriginateA, Err(BROKEN));
        rig.handle(Input::Trunk {
            attempt,
            trunk: TrunkIs::Away,
        });
        assert_eq!(rig.lead(0), LeadState::Waiting);
        let held = rig.campaign.limit(rig.now).held;
        assert!(
            matches!(held, Some(HeldBack::CarrierAway { .. })),
            "{held:?}"
        );
    }
    assert_eq!((rig.withdrawn(), rig.ends().len()), (3, 0));
    let told = |e: &&Effect| matches!(e, Effect::Tell(Notice::Warning(_)));
    assert_eq!(rig.effects.iter().filter(told).count(), 1, "once");
    rig.wait(60_000);
    rig.answer(AttemptId(4), Op::OriginateA, Ok(()));
    assert_eq!(rig.effects.iter().filter(told).count(), 2, "it is back");
    assert_eq!(rig.campaign.limit(rig.now).held, None);
}

#[test]
fn an_originate_without_an_answer_is_hung_up_and_nobody_is_called_again_for_it() {
    for (error, sure_after) in [(TIMES_OUT, 10_000), (OpError::Refused(409), 0)] {
        let mut rig = Rig::started(policy(1), 1);
        rig.refuse(Op::OriginateA, error);
        assert_eq!(rig.take(), [Op::OriginateA, Op::HangUp(Part::A)]);
        rig.wait(sure_after);
        rig.refuse(Op::HangUp(Part::A), OpError::NotFound);
        rig.assert_end(Disposition::Failed, EndedBy::Carrier, 0);
        assert_eq!(rig.withdrawn(), 0);
        // It was carried out after all.
        rig.leg(Part::A, LegEvent::Ringing);
        assert!(rig.has(&Effect::TakeDownStray {
            attempt: FIRST,
            part: Part::A
        }));
    }
}

#[test]
fn events_are_believed_more_than_the_answer_of_an_originate() {
    for error in [TIMES_OUT, OpError::NotSent, OpError::Refused(409), BROKEN] {
        let mut rig = Rig::started(policy(1), 1);
        rig.leg(Part::A, LegEvent::Ringing);
        rig.refuse(Op::OriginateA, error);
        assert_eq!(rig.word(), Some(CallWord::Ringing), "{error:?}");
        assert_eq!(rig.withdrawn(), 0);
    }
}

#[test]
fn an_originate_that_is_refused_while_it_is_hung_up_ends_as_was_decided() {
    for error in [OpError::NotSent, OpError::Login, BROKEN] {
        let mut rig = Rig::started(policy(1), 1);
        rig.command(&Command::HangUp(FIRST)).expect("it is up");
        rig.refuse(Op::OriginateA, error);
        rig.assert_end(Disposition::Cancelled, EndedBy::Operator, 0);
        assert!(rig.campaign.is_quiet());
    }
    let mut rig = Rig::started(policy(1), 1);
    rig.command(&Command::HangUp(FIRST)).expect("it is up");
    rig.refuse(Op::OriginateA, TIMES_OUT);
    assert_eq!(rig.asked(FIRST, Op::HangUp(Part::A)), 1);
}

#[test]
fn a_probe_of_a_trunk_whose_call_was_hung_up_meanwhile_changes_nothing() {
    let mut rig = Rig::started(policy(1), 1);
    rig.refuse(Op::OriginateA, BROKEN);
    rig.command(&Command::HangUp(FIRST)).expect("it is up");
    rig.assert_end(Disposition::Cancelled, EndedBy::Operator, 0);
    rig.handle(Input::Trunk {
        attempt: FIRST,
        trunk: TrunkIs::There,
    });
    assert_eq!(rig.ends().len(), 1);
}

#[test]
fn staging_that_is_refused_falls_back_to_the_plain_order() {
    let mut rig = Rig::started(policy(1), 1);
    rig.leg(Part::A, LegEvent::Ringing);
    rig.ok(Op::CreateBridge);
    rig.refuse(Op::CreateB, BROKEN);
    rig.take();
    rig.leg(Part::A, LegEvent::Entered);
    assert_eq!(rig.take(), [Op::Join(Part::A), Op::OriginateB]);
}

#[test]
fn a_staged_b_of_which_nothing_is_known_makes_room_for_another() {
    let mut rig = Rig::started(policy(1), 1);
    rig.leg(Part::A, LegEvent::Ringing);
    rig.ok(Op::CreateBridge);
    rig.refuse(Op::CreateB, TIMES_OUT);
    rig.take();
    rig.leg(Part::A, LegEvent::Entered);
    assert!(rig.take().contains(&Op::HangUp(Part::B)));
    rig.refuse(Op::HangUp(Part::B), OpError::NotFound);
    assert_eq!(rig.take(), [Op::OriginateB]);
    // A second hangup's answer, late, is not about the new one.
    rig.refuse(Op::HangUp(Part::B), OpError::NotFound);
    rig.leg(Part::B, LegEvent::Up);
    rig.leg(Part::B, LegEvent::Entered);
    assert_eq!(rig.take(), [Op::Join(Part::B)]);
}

#[test]
fn a_join_of_b_that_is_refused_ends_in_the_plain_order() {
    let mut rig = Rig::started(policy(1), 1);
    rig.leg(Part::A, LegEvent::Ringing);
    rig.ok(Op::CreateBridge);
    rig.ok(Op::CreateB);
    rig.leg(Part::B, LegEvent::Entered);
    rig.refuse(Op::Join(Part::B), OpError::Refused(422));
    rig.wait(1000);
    assert_eq!(rig.asked(FIRST, Op::Join(Part::B)), 1);
    rig.take();
    rig.leg(Part::A, LegEvent::Entered);
    assert_eq!(rig.take(), [Op::Join(Part::A), Op::HangUp(Part::B)]);
    rig.gone(Part::B, 16);
    assert_eq!(rig.take(), [Op::OriginateB]);
}

#[test]
fn a_bridge_or_a_join_of_a_is_tried_three_times_with_a_pause_between() {
    let mut rig = Rig::staged();
    rig.leg(Part::A, LegEvent::Entered);
    for tried in 1..=3 {
        assert_eq!(rig.asked(FIRST, Op::Join(Part::A)), tried);
        rig.refuse(Op::Join(Part::A), OpError::Refused(422));
        assert_eq!(rig.asked(FIRST, Op::Join(Part::A)), tried);
        rig.wait(50);
    }
    rig.gone(Part::A, 16);
    rig.assert_end(Disposition::Abandoned, EndedBy::Carrier, 16);
    rig.assert_taken_down();

    let mut rig = Rig::started(policy(1), 1);
    rig.leg(Part::A, LegEvent::Entered);
    for _ in 0..3 {
        rig.refuse(Op::CreateBridge, OpError::NotSent);
        rig.wait(50);
    }
    assert_eq!(rig.asked(FIRST, Op::CreateBridge), 3);
    assert_eq!(rig.word(), Some(CallWord::Ending));
}

#[test]
fn a_target_that_cant_be_dialed_abandons_the_call() {
    for error in [
        OpError::NotSent,
        OpError::Login,
        OpError::NotFound,
        OpError::Refused(409),
        BROKEN,
    ] {
        let mut rig = Rig::staged();
        rig.leg(Part::A, LegEvent::Entered);
        rig.refuse(Op::DialB, error);
        assert_eq!(rig.asked(FIRST, Op::HangUp(Part::A)), 1, "{error:?}");
        rig.gone(Part::A, 16);
        rig.assert_end(Disposition::Abandoned, EndedBy::Target, 16);
        rig.assert_taken_down();
    }
}

#[test]
fn a_dial_whose_answer_is_lost_is_waited_for() {
    let mut rig = Rig::staged();
    rig.leg(Part::A, LegEvent::Entered);
    rig.refuse(Op::DialB, TIMES_OUT);
    rig.leg(Part::A, LegEvent::Joined);
    rig.leg(Part::B, LegEvent::Up);
    assert_eq!(rig.word(), Some(CallWord::Bridged));
}

#[test]
fn what_is_confirmed_only_after_the_end_is_taken_down_then() {
    let mut rig = Rig::started(policy(1), 1);
    rig.leg(Part::A, LegEvent::Ringing);
    rig.gone(Part::A, 17);
    assert!(!rig.campaign.is_quiet());
    rig.take();
    rig.ok(Op::CreateB);
    assert_eq!(rig.take(), [Op::HangUp(Part::B)]);
    rig.gone(Part::B, 16);
    rig.ok(Op::CreateBridge);
    assert_eq!(rig.take(), [Op::DestroyBridge]);
    rig.refuse(Op::DestroyBridge, BROKEN);
    rig.wait(2000);
    assert_eq!(rig.take(), [Op::DestroyBridge]);
    rig.ok(Op::DestroyBridge);
    assert!(!rig.campaign.is_quiet());
    rig.take();
    rig.ok(Op::Snoop);
    rig.wait(2000);
    assert_eq!(rig.take(), [Op::HangUp(Part::Snoop)]);
    rig.refuse(Op::HangUp(Part::Snoop), OpError::NotFound);
    assert!(rig.campaign.is_quiet());
    assert_eq!(rig.campaign.poll_timeout(), None);
}

#[test]
fn what_was_refused_after_the_end_need_not_be_taken_down() {
    let mut rig = Rig::started(policy(1), 1);
    rig.leg(Part::A, LegEvent::Ringing);
    rig.gone(Part::A, 17);
    rig.refuse(Op::CreateB, BROKEN);
    rig.refuse(Op::CreateBridge, OpError::NotSent);
    rig.refuse(Op::Snoop, OpError::NotFound);
    assert!(rig.campaign.is_quiet());
}

#[test]
fn a_journal_that_is_full_stops_dialing_and_loses_no_lead() {
    let mut rig = Rig::idle(policy(2), 2);
    rig.durable = false;
    rig.link_up(Census::default());
    rig.command(&Command::Start).expect("it can start");
    rig.handle(Input::NotDurable(AttemptId(1)));
    rig.handle(Input::NotDurable(AttemptId(2)));
    rig.wait(60_000);
    assert_eq!(rig.take(), []);
    assert_eq!(
        (rig.lead(0), rig.lead(1)),
        (LeadState::Waiting, LeadState::Waiting)
    );
    assert!(!rig.campaign.journal_is_well());
    rig.durable = true;
    rig.handle(Input::JournalWell);
    assert_eq!(rig.take(), [Op::OriginateA, Op::OriginateA]);
    assert_eq!(rig.lead(0), LeadState::Calling(AttemptId(3)));
}
