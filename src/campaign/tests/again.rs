//! Calling somebody again, one lead or all of them; and what a call shows of its time.

use super::super::*;
use super::rig::{FIRST, Rig, cause, numbers, policy};

const LEAD: LeadId = LeadId(0);
const AGAIN: Command = Command::Requeue(LEAD);
const SECOND: AttemptId = AttemptId(2);

/// One of two leads was busy; the other is being called.
fn one_busy() -> Rig {
    let mut rig = Rig::started(policy(1), 2);
    rig.ok(Op::OriginateA);
    rig.gone(Part::A, 17);
    rig.take();
    rig
}

#[test]
fn only_a_lead_that_has_ended_is_called_again() {
    let mut rig = Rig::started(policy(1), 3);
    for lead in [0, 1, 3] {
        let refused = rig.command(&Command::Requeue(LeadId(lead)));
        assert!(refused.is_err(), "lead {lead}: {refused:?}");
    }
    rig.gone(Part::A, 17);
    rig.command(&AGAIN).expect("it has ended");
    let written = Record::LeadRequeued {
        run: RunId(1),
        lead: LEAD,
        at: rig.now,
    };
    assert!(rig.has(&Effect::Journal(written)));
    rig.command(&AGAIN).expect_err("it waits");
}

#[test]
fn whoever_is_to_be_called_again_stands_at_the_old_place_in_the_line() {
    let mut rig = Rig::started(policy(1), 4);
    rig.gone(Part::A, 17);
    rig.command(&AGAIN).expect("it has ended");
    let line: Vec<u32> = rig.campaign.leads().line().map(|l| l.0).collect();
    assert_eq!(line, [0, 2, 3]);
    rig.leg_of(SECOND, Part::A, LegEvent::Gone(cause(17)));
    assert_eq!(rig.lead(0), LeadState::Calling(AttemptId(3)));
    let row = rig.campaign.leads().row(LEAD).expect("listed");
    assert_eq!((row.attempts, row.last), (2, Some(AttemptId(3))));
    assert_eq!(row.cause, cause(17), "of the attempt that ended");
}

#[test]
fn a_skipped_lead_can_be_called_after_all() {
    let mut rig = Rig::started(policy(1), 2);
    rig.command(&Command::Skip(LeadId(1))).expect("it waits");
    rig.command(&Command::Requeue(LeadId(1)))
        .expect("it is off");
    assert_eq!(rig.lead(1), LeadState::Waiting);
    assert_eq!(rig.campaign.leads().ended_as(Disposition::Skipped), 0);
}

#[test]
fn while_nothing_new_is_dialed_a_lead_only_waits_again() {
    for stop in [Command::Pause, Command::Drain] {
        let mut rig = one_busy();
        rig.command(&stop).expect("it dials");
        let before = rig.campaign.state().clone();
        rig.command(&AGAIN).expect("it has ended");
        assert_eq!(*rig.campaign.state(), before, "after {stop}");
        assert_eq!(rig.take(), [], "after {stop}");
        assert_eq!(rig.lead(0), LeadState::Waiting);
    }
}

#[test]
fn at_idle_a_lead_only_waits_again() {
    let mut rig = Rig::started(policy(1), 3);
    rig.command(&Command::Drain).expect("it dials");
    rig.gone(Part::A, 17);
    rig.take();
    assert_eq!(*rig.campaign.state(), RunState::Idle);
    rig.command(&AGAIN).expect("it has ended");
    assert_eq!(*rig.campaign.state(), RunState::Idle);
    assert_eq!(rig.take(), []);
    assert_eq!(rig.campaign.leads().waiting(), 3);
}

#[test]
fn at_done_one_lead_opens_the_run_again_and_ends_it_again() {
    let mut rig = Rig::started(policy(1), 1);
    rig.gone(Part::A, 17);
    assert_eq!(*rig.campaign.state(), RunState::Done);
    rig.command(&AGAIN).expect("it has ended");
    assert_eq!(*rig.campaign.state(), RunState::Dialing);
    assert_eq!(rig.asked(SECOND, Op::OriginateA), 1);
    rig.leg_of(SECOND, Part::A, LegEvent::Gone(cause(1)));
    assert_eq!(*rig.campaign.state(), RunState::Done);
    assert_eq!(rig.lead(0), LeadState::Final(Disposition::InvalidNumber));
}

#[test]
fn an_attempt_that_never_left_leaves_the_lead_as_it_was() {
    let mut rig = Rig::started(policy(1), 1);
    rig.gone(Part::A, 17);
    let mut before = rig.campaign.leads().row(LEAD).expect("listed");
    before.state = LeadState::Waiting;
    rig.durable = false;
    rig.command(&AGAIN).expect("it has ended");
    rig.command(&Command::Pause).expect("it dials");
    rig.handle(Input::Durable(SECOND));
    assert_eq!(rig.withdrawn(), 1);
    assert_eq!(rig.campaign.leads().row(LEAD), Some(before));
}

#[test]
fn a_run_that_is_done_and_has_waiting_leads_comes_back_idle() {
    let mut leads = Leads::default();
    let number = Number::parse("1000").expect("digits");
    leads.add(&number, Time::default()).expect("new");
    let mut rig = Rig::over(super::rig::campaign(policy(1)));
    let now = rig.now;
    rig.campaign
        .restore(now, RunId(1), RunState::Done, leads, Vec::new());
    rig.link_up(Census::default());
    rig.command(&Command::Start).expect("one waits");
    assert_eq!(rig.asked(FIRST, Op::OriginateA), 1);
}

#[test]
fn a_new_run_is_opened_only_at_done_and_when_nothing_is_left() {
    let mut rig = Rig::talking();
    let list = numbers(2);
    let new_run = |rig: &mut Rig| rig.campaign.new_run(rig.now, "list", &list);
    new_run(&mut rig).expect_err("it dials");
    rig.command(&Command::Pause).expect("it dials");
    new_run(&mut rig).expect_err("it is paused");
    rig.gone(Part::A, 16);
    assert_eq!(*rig.campaign.state(), RunState::Done);
    new_run(&mut rig).expect_err("leg B is still there");
    rig.assert_taken_down();
    let none = rig.campaign.new_run(rig.now, "list", &Numbers::default());
    none.expect_err("nobody is on it");
    let before = rig.campaign.leads().version();
    new_run(&mut rig).expect("nothing is left");
    rig.handle(Input::Tick);
    assert_eq!(rig.campaign.run(), RunId(2));
    assert_eq!(*rig.campaign.state(), RunState::Dialing);
    assert_eq!(rig.asked(SECOND, Op::OriginateA), 1);
    assert!(rig.campaign.leads().version() > before);
}

#[test]
fn a_call_tells_since_when_it_does_what_it_does() {
    let mut rig = Rig::started(policy(1), 1);
    let call = |rig: &Rig| rig.campaign.calls().next().expect("it is up");
    let since = |rig: &Rig| (call(rig).word, call(rig).since);
    let begun = rig.now;
    rig.wait(10);
    assert_eq!(since(&rig), (CallWord::Dialing, begun));
    rig.stage();
    let rang = rig.now;
    rig.wait(10);
    assert_eq!(since(&rig), (CallWord::Ringing, rang));
    rig.connect();
    let answered = rig.now;
    rig.wait(10);
    assert_eq!(since(&rig), (CallWord::Answered, answered));
    rig.talk();
    let bridged = rig.now;
    rig.wait(10);
    assert_eq!(since(&rig), (CallWord::Bridged, bridged));
    rig.command(&Command::HangUp(FIRST)).expect("it is up");
    let hung_up = rig.now;
    rig.wait(10);
    assert_eq!(since(&rig), (CallWord::Ending, hung_up));
    assert_eq!(call(&rig).ringing_at, Some(rang));
    assert!(begun < rang && rang < answered && answered < bridged && bridged < hung_up);
}
