//! What people ask for, and slots.

use super::super::*;
use super::rig::{FIRST, Rig, cause, numbers, policy};

fn max_cc(calls: u32) -> MaxCc {
    MaxCc::new(calls).expect("not 0")
}

fn originates(rig: &mut Rig) -> usize {
    let asked = rig.take();
    asked.iter().filter(|op| **op == Op::OriginateA).count()
}

#[test]
fn nothing_is_dialed_before_start_link_and_durability() {
    let mut rig = Rig::idle(policy(3), 3);
    rig.durable = false;
    rig.link_up(Census::default());
    rig.wait(1000);
    assert_eq!(rig.take(), []);
    rig.command(&Command::Start).expect("it can start");
    assert_eq!(rig.take(), []);
    rig.handle(Input::Durable(AttemptId(2)));
    assert_eq!(rig.take(), [Op::OriginateA]);

    let mut no_link = Rig::idle(policy(3), 3);
    no_link.command(&Command::Start).expect("it can start");
    no_link.wait(1000);
    assert_eq!(no_link.take(), []);
}

#[test]
fn never_more_than_max_cc_and_the_next_one_when_one_is_gone() {
    let mut rig = Rig::started(policy(2), 5);
    assert_eq!(originates(&mut rig), 2);
    rig.leg(Part::A, LegEvent::Leaving(Some(cause(17))));
    assert_eq!(originates(&mut rig), 0);
    rig.gone(Part::A, 17);
    assert_eq!(originates(&mut rig), 1);
}

#[test]
fn raising_max_cc_dials_at_once_and_lowering_it_ends_no_call() {
    let mut rig = Rig::started(policy(1), 5);
    rig.take();
    rig.command(&Command::SetMaxCc(max_cc(3))).expect("allowed");
    assert_eq!(originates(&mut rig), 2);
    rig.command(&Command::SetMaxCc(max_cc(1))).expect("allowed");
    assert_eq!(rig.campaign.live_calls(), 3);
    rig.gone(Part::A, 17);
    rig.leg_of(AttemptId(2), Part::A, LegEvent::Gone(cause(17)));
    assert_eq!(originates(&mut rig), 0);
    rig.leg_of(AttemptId(3), Part::A, LegEvent::Gone(cause(17)));
    assert_eq!(originates(&mut rig), 1);
}

#[test]
fn what_is_not_durable_yet_when_max_cc_falls_is_taken_back_in_the_lists_order() {
    let mut rig = Rig::idle(policy(3), 4);
    rig.durable = false;
    rig.link_up(Census::default());
    rig.command(&Command::Start).expect("it can start");
    rig.command(&Command::SetMaxCc(max_cc(1))).expect("allowed");
    for i in 1..=3 {
        rig.handle(Input::Durable(AttemptId(i)));
    }
    assert_eq!(originates(&mut rig), 1);
    assert_eq!(rig.withdrawn(), 2);
    let line: Vec<u32> = rig.campaign.leads().line().map(|l| l.0).collect();
    assert_eq!(line, [0, 1, 3]);
}

#[test]
fn after_pause_drain_stop_or_a_lost_link_not_one_originate_leaves() {
    let stops: [fn(&mut Rig); 4] = [
        |rig| drop(rig.command(&Command::Pause)),
        |rig| drop(rig.command(&Command::Drain)),
        |rig| drop(rig.command(&Command::StopNow)),
        |rig| rig.handle(Input::LinkDown),
    ];
    for stop in stops {
        let mut rig = Rig::idle(policy(2), 4);
        rig.durable = false;
        rig.link_up(Census::default());
        rig.command(&Command::Start).expect("it can start");
        stop(&mut rig);
        rig.handle(Input::Durable(AttemptId(1)));
        rig.handle(Input::Durable(AttemptId(2)));
        rig.wait(10_000);
        assert_eq!(rig.take(), []);
        assert_eq!((rig.withdrawn(), rig.campaign.leads().waiting()), (2, 4));
    }
}

#[test]
fn a_paused_campaign_lets_its_calls_go_on_to_the_end() {
    let mut rig = Rig::started(policy(1), 2);
    rig.ok(Op::OriginateA);
    rig.command(&Command::Pause).expect("it dials");
    rig.take();
    rig.leg(Part::A, LegEvent::Ringing);
    assert_eq!(rig.take(), [Op::CreateBridge, Op::CreateB, Op::Snoop]);
    rig.leg(Part::A, LegEvent::Entered);
    rig.gone(Part::A, 16);
    assert_eq!(originates(&mut rig), 0);
    rig.command(&Command::Start).expect("it is paused");
    assert_eq!(originates(&mut rig), 1);
}

#[test]
fn the_states_follow_the_contract() {
    let mut rig = Rig::started(policy(1), 2);
    let word = |rig: &Rig| rig.campaign.state().word();
    assert_eq!(word(&rig), "DIALING");
    rig.command(&Command::Start).expect("no harm");
    rig.command(&Command::Drain).expect("it dials");
    assert_eq!(word(&rig), "DRAINING");
    rig.command(&Command::Pause).expect("it drains");
    assert_eq!(word(&rig), "PAUSED");
    rig.command(&Command::Pause).expect_err("it is paused");
    rig.command(&Command::Drain).expect("it is paused");
    rig.gone(Part::A, 17);
    assert_eq!(word(&rig), "IDLE");
    rig.command(&Command::Pause).expect_err("nothing runs");
    rig.command(&Command::Drain).expect("no harm");
    assert_eq!(word(&rig), "IDLE");
    rig.command(&Command::Start).expect("one waits");
    rig.leg_of(AttemptId(2), Part::A, LegEvent::Gone(cause(17)));
    assert_eq!(word(&rig), "DONE");
    rig.command(&Command::Start).expect_err("all are called");
    rig.command(&Command::StopNow).expect("no harm");
    assert_eq!(word(&rig), "DONE");
}

#[test]
fn stop_now_hangs_up_from_every_state_and_comes_to_idle() {
    let befores: [fn(&mut Rig); 3] = [
        |_| {},
        |rig| drop(rig.command(&Command::Pause)),
        |rig| drop(rig.command(&Command::Drain)),
    ];
    for before in befores {
        let mut rig = Rig::started(policy(2), 3);
        rig.ok(Op::OriginateA);
        before(&mut rig);
        rig.command(&Command::StopNow).expect("always");
        rig.gone(Part::A, 16);
        rig.leg_of(AttemptId(2), Part::A, LegEvent::Gone(cause(16)));
        assert_eq!(*rig.campaign.state(), RunState::Idle);
        assert_eq!(rig.lead(0), LeadState::Final(Disposition::Cancelled));
        assert_eq!(rig.lead(2), LeadState::Waiting);
    }
}

#[test]
fn the_operators_hangup_is_named_by_the_phase_it_met() {
    let table = [
        (Rig::staged(), Disposition::Cancelled),
        (Rig::connecting(), Disposition::Abandoned),
        (Rig::talking(), Disposition::Answered),
    ];
    for (mut rig, disposition) in table {
        rig.command(&Command::HangUp(FIRST)).expect("it is up");
        assert_eq!(rig.asked(FIRST, Op::HangUp(Part::A)), 1);
        rig.command(&Command::HangUp(FIRST)).expect("it is ending");
        assert_eq!(rig.asked(FIRST, Op::HangUp(Part::A)), 1);
        rig.gone(Part::A, 16);
        rig.assert_end(disposition, EndedBy::Operator, 16);
        rig.assert_taken_down();
        rig.command(&Command::HangUp(FIRST))
            .expect_err("it is over");
    }
}

#[test]
fn a_call_that_is_hung_up_before_its_originate_left_is_cancelled_and_never_dialed() {
    let mut rig = Rig::idle(policy(1), 1);
    rig.durable = false;
    rig.link_up(Census::default());
    rig.command(&Command::Start).expect("it can start");
    rig.command(&Command::HangUp(FIRST)).expect("it is live");
    rig.handle(Input::Durable(FIRST));
    assert_eq!(rig.take(), []);
    rig.assert_end(Disposition::Cancelled, EndedBy::Operator, 0);
    assert_eq!(*rig.campaign.state(), RunState::Done);
}

#[test]
fn a_call_that_is_hung_up_and_then_refused_by_the_journal_has_not_been() {
    let mut rig = Rig::idle(policy(1), 1);
    rig.durable = false;
    rig.link_up(Census::default());
    rig.command(&Command::Start).expect("it can start");
    rig.command(&Command::HangUp(FIRST)).expect("it is live");
    rig.handle(Input::NotDurable(FIRST));
    assert!(rig.ends().is_empty());
    assert_eq!(rig.lead(0), LeadState::Waiting);
}

#[test]
fn whoever_answers_while_being_hung_up_counts_as_abandoned() {
    let mut rig = Rig::staged();
    rig.command(&Command::HangUp(FIRST)).expect("it rings");
    rig.leg(Part::A, LegEvent::Up);
    rig.leg(Part::A, LegEvent::Entered);
    rig.gone(Part::A, 16);
    rig.assert_end(Disposition::Abandoned, EndedBy::Operator, 16);
}

#[test]
fn a_hangup_waits_for_the_originates_answer_so_as_not_to_overtake_it() {
    let mut rig = Rig::started(policy(1), 1);
    rig.take();
    rig.command(&Command::HangUp(FIRST)).expect("it is live");
    assert_eq!(rig.take(), []);
    rig.ok(Op::OriginateA);
    assert_eq!(rig.take(), [Op::HangUp(Part::A)]);
}

#[test]
fn hanging_up_all_leaves_the_state_and_dials_on() {
    let mut rig = Rig::started(policy(1), 2);
    rig.ok(Op::OriginateA);
    rig.take();
    rig.command(&Command::HangUpAll).expect("always");
    rig.gone(Part::A, 16);
    assert_eq!(*rig.campaign.state(), RunState::Dialing);
    assert_eq!(originates(&mut rig), 1);
}

#[test]
fn only_a_waiting_lead_can_be_skipped_and_the_last_one_ends_the_run() {
    let mut rig = Rig::started(policy(1), 2);
    let (called, waits) = (LeadId(0), LeadId(1));
    rig.command(&Command::Skip(called))
        .expect_err("it is called");
    rig.command(&Command::Skip(waits)).expect("it waits");
    rig.command(&Command::Skip(waits))
        .expect_err("it is skipped");
    rig.gone(Part::A, 17);
    assert_eq!(*rig.campaign.state(), RunState::Done);
    assert_eq!(rig.lead(1), LeadState::Final(Disposition::Skipped));
    assert_eq!(originates(&mut rig), 1);
}

#[test]
fn a_list_that_is_read_again_joins_skips_and_recalls_nobody() {
    let mut rig = Rig::started(policy(1), 3);
    let mut tomorrow = Numbers::default();
    for text in ["1000", "1002", "2000"] {
        tomorrow.push(&Number::parse(text).expect("digits"));
    }
    let change = rig.campaign.relist(rig.now, &tomorrow);
    assert_eq!((change.joined, change.skipped), (1, 1));
    assert_eq!(rig.lead(0), LeadState::Calling(FIRST));
    assert_eq!(rig.lead(1), LeadState::Final(Disposition::Skipped));
    let line: Vec<u32> = rig.campaign.leads().line().map(|l| l.0).collect();
    assert_eq!(line, [2, 3]);
}

#[test]
fn a_call_on_its_way_to_the_disk_is_skipped_too_when_it_is_no_longer_listed() {
    let mut rig = Rig::idle(policy(1), 2);
    rig.durable = false;
    rig.link_up(Census::default());
    rig.command(&Command::Start).expect("it can start");
    let mut tomorrow = Numbers::default();
    tomorrow.push(&Number::parse("1001").expect("digits"));
    rig.campaign.relist(rig.now, &tomorrow);
    rig.handle(Input::Durable(FIRST));
    assert_eq!(rig.take(), []);
    assert_eq!(rig.lead(0), LeadState::Final(Disposition::Skipped));
    rig.handle(Input::Durable(AttemptId(2)));
    assert_eq!(rig.take(), [Op::OriginateA]);
}

#[test]
fn new_numbers_reopen_a_run_that_was_done_and_the_same_list_does_not() {
    let mut rig = Rig::started(policy(1), 1);
    rig.gone(Part::A, 17);
    rig.campaign.relist(rig.now, &numbers(1));
    rig.command(&Command::Start).expect_err("all are called");
    rig.campaign.relist(rig.now, &numbers(2));
    rig.command(&Command::Start).expect("one is new");
    assert_eq!(rig.asked(AttemptId(2), Op::OriginateA), 1);
    assert_eq!(rig.lead(0), LeadState::Final(Disposition::Busy));
}

#[test]
fn a_new_run_calls_everybody_again_under_new_ids() {
    let mut rig = Rig::started(policy(1), 1);
    rig.gone(Part::A, 17);
    rig.campaign.open_run(rig.now, "list", &numbers(1));
    assert_eq!(rig.campaign.run(), RunId(2));
    rig.command(&Command::Start).expect("it waits again");
    assert_eq!(rig.asked(AttemptId(2), Op::OriginateA), 1);
}
