//! The small tables: leads and timers.

use super::super::*;
use super::rig::numbers;
use crate::campaign::timers::{Timer, Timers};

fn leads(count: u32) -> Leads {
    let numbers = numbers(count);
    let mut leads = Leads::default();
    for i in 0..count {
        let number = Number::parse(numbers.get(i)).ok();
        leads.add(&number.expect("listed"), Time(u64::from(i / 2)));
    }
    leads
}

#[test]
fn a_timer_replaces_the_one_of_its_kind_and_fires_once() {
    let (one, two) = (AttemptId(1), AttemptId(2));
    let mut timers = Timers::default();
    timers.set(Time(5), one, Timer::Insist);
    timers.set(Time(9), one, Timer::Insist);
    timers.set(Time(7), two, Timer::Ring);
    assert_eq!(timers.next(), Some(Time(7)));
    assert_eq!(timers.pop_due(Time(6)), None);
    assert_eq!(timers.pop_due(Time(9)), Some((two, Timer::Ring)));
    assert_eq!(timers.pop_due(Time(9)), Some((one, Timer::Insist)));
    assert_eq!(timers.pop_due(Time(99)), None);
}

#[test]
fn forgetting_an_attempt_takes_its_timers_and_no_others() {
    let mut timers = Timers::default();
    for timer in [Timer::Stage, Timer::MaxCall, Timer::Hold] {
        timers.set(Time(5), AttemptId(2), timer);
    }
    timers.set(Time(6), AttemptId(1), Timer::Hold);
    timers.set(Time(7), AttemptId(3), Timer::Stage);
    timers.forget(AttemptId(2));
    assert_eq!(timers.pop_due(Time(9)), Some((AttemptId(1), Timer::Hold)));
    assert_eq!(timers.pop_due(Time(9)), Some((AttemptId(3), Timer::Stage)));
    assert_eq!(timers.next(), None);
}

#[test]
fn leads_keep_their_counts_through_every_change() {
    let mut leads = leads(3);
    assert_eq!((leads.open(), leads.waiting()), (3, 3));
    let first = leads.next().expect("three wait");
    leads.call(first, AttemptId(1));
    assert_eq!((leads.open(), leads.waiting()), (3, 2));
    leads.finish(first, Disposition::Busy, HangupCause::default());
    assert_eq!((leads.open(), leads.ended_as(Disposition::Busy)), (2, 1));
    leads.put_back(first);
    assert_eq!((leads.open(), leads.ended_as(Disposition::Busy)), (3, 0));
    leads.skip(LeadId(1));
    assert_eq!(leads.line().collect::<Vec<_>>(), [LeadId(0), LeadId(2)]);
}

#[test]
fn a_lead_knows_when_it_joined_the_line() {
    let leads = leads(5);
    let joined: Vec<u64> = (0..5).map(|i| leads.joined_at(LeadId(i)).0).collect();
    assert_eq!(joined, [0, 0, 1, 1, 2]);
}

#[test]
fn a_number_that_stands_twice_is_one_lead() {
    let mut leads = leads(2);
    let twice = Number::parse("1000").expect("digits");
    assert_eq!(leads.add(&twice, Time(9)), None);
    assert_eq!(leads.len(), 2);
}
