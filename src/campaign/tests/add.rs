//! Numbers that join a run by a command.

use super::super::*;
use super::rig::{FIRST, Rig, campaign, policy};

fn number(n: u32) -> Number {
    Number::parse(&format!("{}", 1000 + n)).expect("digits")
}

fn list(of: &[u32]) -> Numbers {
    let mut numbers = Numbers::default();
    for n in of {
        numbers.push(&number(*n)).expect("they differ");
    }
    numbers
}

/// What became of each: its lead, and whether it is new.
fn add(rig: &mut Rig, of: &[u32]) -> Vec<(u32, bool)> {
    let numbers: Vec<Number> = of.iter().map(|n| number(*n)).collect();
    let added = rig.campaign.add(rig.now, &numbers).expect("it is taken");
    rig.handle(Input::Tick);
    let each = added.leads.iter().map(|lead| (lead.lead.0, lead.is_new));
    each.collect()
}

fn relist(rig: &mut Rig, of: &[u32]) -> (u32, u32) {
    let relisted = rig.campaign.relist(rig.now, &list(of));
    rig.handle(Input::Tick);
    (relisted.joined, relisted.skipped)
}

#[test]
fn what_is_new_joins_the_end_of_the_line_and_what_is_known_stays_as_it_is() {
    let mut rig = Rig::started(policy(1), 2);
    rig.ok(Op::OriginateA);
    let joined = add(&mut rig, &[7, 0, 1, 7]);
    assert_eq!(joined, [(2, true), (0, false), (1, false), (2, false)]);
    let written = Record::LeadsAdded {
        run: RunId(1),
        first: LeadId(2),
        numbers: vec![number(7)],
    };
    assert!(rig.has(&Effect::Journal(written)), "{:?}", rig.effects);
    assert_eq!(rig.lead(0), LeadState::Calling(FIRST), "it rings");
    let line: Vec<u32> = rig.campaign.leads().line().map(|lead| lead.0).collect();
    assert_eq!(line, [1, 2]);
    rig.gone(Part::A, 17);
    assert_eq!(add(&mut rig, &[0]), [(0, false)]);
    assert_eq!(rig.lead(0), LeadState::Final(Disposition::Busy));
}

#[test]
fn a_list_does_not_take_off_what_it_never_had() {
    let mut rig = Rig::idle(policy(1), 2);
    assert_eq!(add(&mut rig, &[7]), [(2, true)]);
    assert_eq!(relist(&mut rig, &[1]), (0, 1));
    assert_eq!(rig.lead(2), LeadState::Waiting);
    // Listed, and no longer listed: it was added all the same.
    assert_eq!(relist(&mut rig, &[1, 7]), (0, 0));
    assert_eq!(relist(&mut rig, &[1]), (0, 0));
    assert_eq!(rig.lead(2), LeadState::Waiting);
    rig.command(&Command::Skip(LeadId(2))).expect("it waits");
    let skipped = LeadState::Final(Disposition::Skipped);
    assert_eq!(relist(&mut rig, &[1, 7]), (0, 0), "by a person's word");
    assert_eq!(rig.lead(2), skipped);
    rig.command(&Command::Requeue(LeadId(2))).expect("it ended");
    assert_eq!(relist(&mut rig, &[1]), (0, 0));
    assert_eq!(rig.lead(2), LeadState::Waiting);
}

#[test]
fn a_run_that_was_done_is_open_again_and_waits_for_a_start() {
    let mut rig = Rig::started(policy(1), 1);
    rig.gone(Part::A, 17);
    assert_eq!(*rig.campaign.state(), RunState::Done);
    assert_eq!(add(&mut rig, &[0]), [(0, false)]);
    assert_eq!(*rig.campaign.state(), RunState::Done, "nobody is new");
    assert_eq!(add(&mut rig, &[7]), [(1, true)]);
    assert_eq!(*rig.campaign.state(), RunState::Idle);
    assert_eq!(rig.lead(1), LeadState::Waiting);
    rig.command(&Command::Start).expect("somebody waits");
    assert_eq!(rig.lead(1), LeadState::Calling(AttemptId(2)));
}

#[test]
fn a_new_run_has_the_list_and_nobody_who_was_added() {
    let mut rig = Rig::started(policy(2), 1);
    add(&mut rig, &[7]);
    for attempt in [1, 2] {
        let gone = LegEvent::Gone(HangupCause::default());
        rig.leg_of(AttemptId(attempt), Part::A, gone);
    }
    rig.assert_taken_down();
    assert_eq!(*rig.campaign.state(), RunState::Done);
    let said = rig.campaign.new_run(rig.now, "list", &list(&[0]));
    said.expect("it is done");
    assert_eq!(rig.campaign.leads().len(), 1);
    assert!(!rig.campaign.leads().is_added(LeadId(0)));
}

#[test]
fn without_a_run_nobody_is_added() {
    let mut none = campaign(policy(1));
    let refused = none.add(Time::default(), &[number(1)]);
    assert_eq!(refused, Err("there is no run yet".to_owned()));
    assert!(none.poll_effect().is_none());
}
