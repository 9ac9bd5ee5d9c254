//! Refusals in a row, and people in a row who answered and reached nobody.

use super::super::*;
use super::rig::{FIRST, Rig, cause, policy};

const STREAK: Command = Command::RequeueMany(Again {
    from: None,
    disposition: None,
    reached: false,
});

fn rig(max_cc: u32, leads: u32) -> Rig {
    let pause_after = PauseAfter {
        refusals: 3,
        abandoned: 2,
    };
    Rig::started(
        Policy {
            pause_after,
            ..policy(max_cc)
        },
        leads,
    )
}

fn is_paused(rig: &Rig) -> bool {
    matches!(rig.campaign.state(), RunState::Paused(_))
}

fn refused(status: u16) -> LegEvent {
    LegEvent::Gone(HangupCause {
        q850: 21,
        sip: Some(status),
    })
}

/// The only call ends so; the next one begins, if one does.
fn end(rig: &mut Rig, attempt: u64, event: LegEvent) {
    rig.leg_of(AttemptId(attempt), Part::A, event);
}

/// Somebody answers, and the target is not there.
fn drop_one(rig: &mut Rig, attempt: u64) {
    let attempt = AttemptId(attempt);
    rig.leg_of(attempt, Part::A, LegEvent::Up);
    rig.leg_of(attempt, Part::A, LegEvent::Entered);
    rig.leg_of(attempt, Part::B, LegEvent::Dial(DialStatus::Busy));
    rig.leg_of(attempt, Part::A, LegEvent::Gone(cause(16)));
}

#[test]
fn refusals_in_a_row_pause_the_run_with_what_the_carrier_said() {
    let mut rig = rig(1, 9);
    end(&mut rig, 1, refused(403));
    end(&mut rig, 2, refused(603));
    assert!(!is_paused(&rig));
    end(&mut rig, 3, refused(608));
    let RunState::Paused(why) = rig.campaign.state() else {
        panic!("{:?}", rig.campaign.state());
    };
    assert!(
        why.starts_with("3 refusals in a row, the last blocked with SIP 608"),
        "{why}"
    );
    rig.wait(60_000);
    assert_eq!(rig.asked(AttemptId(4), Op::OriginateA), 0);
}

/// Something that happens between refusals.
type Happens = fn(&mut Rig);

#[test]
fn a_phone_that_rang_and_a_busy_one_end_a_streak_and_the_operator_does_not() {
    let rings = |rig: &mut Rig| {
        end(rig, 3, LegEvent::Ringing);
        end(rig, 3, refused(603));
    };
    let is_busy = |rig: &mut Rig| end(rig, 3, LegEvent::Gone(cause(17)));
    let cancelled = |rig: &mut Rig| {
        let hang_up = Command::HangUp(AttemptId(3));
        rig.command(&hang_up).expect("it is up");
        end(rig, 3, LegEvent::Gone(cause(16)));
    };
    let between: [(Happens, bool); 3] = [(rings, false), (is_busy, false), (cancelled, true)];
    for (happens, pauses) in between {
        let mut rig = rig(1, 9);
        end(&mut rig, 1, refused(403));
        end(&mut rig, 2, refused(403));
        happens(&mut rig);
        end(&mut rig, 4, refused(403));
        assert_eq!(is_paused(&rig), pauses);
    }
}

#[test]
fn people_who_reach_nobody_pause_the_run_and_one_who_hangs_up_himself_does_not_count() {
    let mut rig = rig(1, 9);
    drop_one(&mut rig, 1);
    // Nor does a carrier's refusal end it: nobody has answered.
    end(&mut rig, 2, refused(403));
    rig.leg_of(AttemptId(3), Part::A, LegEvent::Up);
    end(&mut rig, 3, LegEvent::Gone(cause(16)));
    assert!(!is_paused(&rig));
    drop_one(&mut rig, 4);
    let RunState::Paused(why) = rig.campaign.state() else {
        panic!("{:?}", rig.campaign.state());
    };
    assert!(
        why.contains("2 people in a row") && why.contains("busy"),
        "{why}"
    );
}

#[test]
fn who_was_being_called_already_belongs_to_the_streak_and_all_wait_again_by_one_command() {
    let mut rig = rig(2, 9);
    for attempt in [1, 2, 3, 4] {
        end(&mut rig, attempt, refused(403));
    }
    assert!(is_paused(&rig));
    assert_eq!(
        rig.campaign.streak().map(|s| (s.leads, s.reached)),
        Some((4, false))
    );
    let said = rig.command(&STREAK).expect("they are there");
    assert!(said.starts_with("4 wait again"), "{said}");
    assert!((0..9).all(|lead| rig.lead(lead) == LeadState::Waiting));
    assert!(is_paused(&rig), "it stays as it is");
    rig.command(&STREAK).expect_err("they wait");
    assert_eq!(rig.campaign.streak(), None);
    // Three more pause it anew, the count having begun at nought.
    rig.command(&Command::Start).expect("it is paused");
    for attempt in [5, 6] {
        end(&mut rig, attempt, refused(403));
        assert!(!is_paused(&rig));
    }
    end(&mut rig, 7, refused(403));
    assert!(is_paused(&rig));
}

#[test]
fn people_who_had_answered_are_called_again_only_when_that_is_confirmed() {
    let mut rig = rig(1, 9);
    drop_one(&mut rig, 1);
    drop_one(&mut rig, 2);
    let refused = rig.command(&STREAK).expect_err("they had answered");
    assert!(refused.contains("reached"), "{refused}");
    let confirmed = Again {
        reached: true,
        ..Again::default()
    };
    rig.command(&Command::RequeueMany(confirmed))
        .expect("it is confirmed");
    assert_eq!(
        (rig.lead(0), rig.lead(1)),
        (LeadState::Waiting, LeadState::Waiting)
    );
}

#[test]
fn those_of_a_disposition_or_a_time_wait_again_and_nobody_who_was_answered_does() {
    let mut rig = rig(1, 9);
    end(&mut rig, 1, refused(403));
    end(&mut rig, 2, LegEvent::Gone(cause(17)));
    end(&mut rig, 3, LegEvent::Gone(cause(34)));
    rig.command(&Command::Pause).expect("it dials");
    let again = |from: Option<u64>, disposition| {
        Command::RequeueMany(Again {
            from: from.map(AttemptId),
            disposition,
            reached: false,
        })
    };
    rig.command(&STREAK).expect_err("there was none");
    for disposition in [Disposition::Answered, Disposition::Skipped] {
        rig.command(&again(None, Some(disposition)))
            .expect_err("one by one");
    }
    rig.command(&again(None, Some(Disposition::Busy)))
        .expect("one was");
    assert_eq!(rig.lead(1), LeadState::Waiting);
    rig.command(&again(Some(2), None))
        .expect("one was refused since");
    assert_eq!(rig.lead(0), LeadState::Final(Disposition::Rejected));
    assert_eq!(rig.lead(2), LeadState::Waiting);
}

#[test]
fn nought_is_never() {
    let mut rig = Rig::started(policy(1), 40);
    for attempt in 1..=30 {
        end(&mut rig, attempt, refused(403));
    }
    assert_eq!(*rig.campaign.state(), RunState::Dialing);
    assert_eq!(rig.campaign.streak(), None);
}

#[test]
fn an_originate_of_which_nobody_knows_what_came_is_no_refusal() {
    let mut rig = rig(1, 9);
    for attempt in 1..=4 {
        let attempt = AttemptId(attempt);
        while rig.asked(attempt, Op::OriginateA) == 0 {
            rig.wait(1000);
        }
        rig.answer(attempt, Op::OriginateA, Err(OpError::Unknown));
        rig.wait(11_000);
        rig.answer(attempt, Op::HangUp(Part::A), Err(OpError::NotFound));
        rig.handle(Input::Probed { answered: true });
    }
    assert!(rig.ends().len() >= 3);
    assert!(!is_paused(&rig));
}

#[test]
fn a_new_process_goes_on_with_the_streak_of_the_one_before() {
    let known = |lead| Ending {
        lead: LeadId(lead),
        disposition: Disposition::Rejected,
        by: EndedBy::Carrier,
        cause: HangupCause {
            q850: 21,
            sip: Some(403),
        },
        rang: false,
        explained: false,
    };
    // Two in a row: the third pauses.
    let mut two = rig(1, 9);
    two.campaign.restore_streaks(&[known(7), known(8)]);
    end(&mut two, FIRST.0, refused(403));
    assert!(is_paused(&two));
    // Four: they are the streak that has paused it, and can be called again.
    let mut four = rig(1, 9);
    for attempt in 1..=4 {
        end(&mut four, attempt, refused(403));
    }
    let states: Vec<LeadState> = (0..9).map(|lead| four.lead(lead)).collect();
    let mut later = Rig::idle(four.campaign.policy().clone(), 9);
    let mut leads = later.campaign.leads().clone();
    for (lead, state) in (0..).map(LeadId).zip(states) {
        leads.restore(lead, state);
    }
    let paused = RunState::Paused("3 refusals in a row".to_owned());
    later
        .campaign
        .restore(later.now, RunId(1), paused, leads, Vec::new());
    later
        .campaign
        .restore_streaks(&[known(0), known(1), known(2)]);
    let said = later.command(&STREAK).expect("they are known");
    assert!(said.starts_with("3 wait again"), "{said}");
}
