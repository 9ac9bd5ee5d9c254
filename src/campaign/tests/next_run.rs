//! A new run, asked for at a start that finds calls of a dead process.

use super::super::*;
use super::orphans::{BOTH, BOTH_UP, census, orphan, restarted};
use super::rig::{FIRST, Rig, numbers};

fn asked_for(rig: &mut Rig, count: u32) {
    rig.campaign.open_run_when_quiet("list", &numbers(count));
    rig.command(&Command::Start).expect("it is the next run's");
}

fn opened(rig: &Rig) -> usize {
    let is = |e: &&Effect| matches!(e, Effect::Journal(Record::RunOpened { .. }));
    rig.effects.iter().filter(is).count()
}

#[test]
fn a_conversation_goes_on_to_its_end_and_then_the_new_run_dials() {
    let mut rig = restarted(orphan(true, true, true));
    asked_for(&mut rig, 3);
    rig.link_up(census(BOTH_UP, BOTH, true));
    assert_eq!(rig.word(), Some(CallWord::Bridged));
    rig.take();
    rig.wait(600_000);
    assert_eq!((rig.campaign.run(), opened(&rig)), (RunId(1), 0));
    assert_eq!(rig.asked(FIRST, Op::OriginateA), 0);

    rig.gone(Part::A, 16);
    rig.gone(Part::B, 16);
    rig.snoop_ends_with_a();
    rig.ok(Op::DestroyBridge);
    rig.handle(Input::RecordingEnded {
        attempt: FIRST,
        ok: true,
    });
    rig.wait(3000);
    let fetched = |e: &&Effect| matches!(e, Effect::FetchRecording { attempt: FIRST, .. });
    assert_eq!(rig.effects.iter().filter(fetched).count(), 1);
    assert_eq!((rig.campaign.run(), opened(&rig)), (RunId(2), 1));
    assert_eq!(rig.campaign.leads().len(), 3);
    assert_eq!(*rig.campaign.state(), RunState::Dialing);
}

#[test]
fn who_may_still_be_rung_by_the_dead_is_not_called_a_second_time_meanwhile() {
    let mut unheard = orphan(false, false, false);
    unheard.ringing_at = None;
    let mut rig = restarted(unheard);
    asked_for(&mut rig, 2);
    rig.link_up(Census::default());
    rig.wait(14_000);
    assert_eq!(rig.campaign.run(), RunId(1));
    assert!(!rig.take().contains(&Op::OriginateA));
    // It comes after all, and is hung up under its own name.
    rig.leg(Part::A, LegEvent::Ringing);
    assert!(rig.take().contains(&Op::HangUp(Part::A)));
    rig.gone(Part::A, 16);
    rig.wait(3000);
    assert_eq!(rig.campaign.run(), RunId(2));
}

#[test]
fn what_the_old_run_would_lose_is_refused_and_a_pause_holds_the_new_one() {
    let mut rig = restarted(orphan(true, true, true));
    asked_for(&mut rig, 2);
    rig.link_up(census(BOTH_UP, BOTH, true));
    let number = Number::parse("5000").expect("digits");
    assert!(rig.campaign.add(rig.now, &[number]).is_err());
    assert!(rig.command(&Command::Requeue(LeadId(1))).is_err());
    assert!(rig.command(&Command::Skip(LeadId(1))).is_err());
    assert!(rig.campaign.may_begin_anew().is_err());
    rig.campaign.relist(rig.now, &numbers(5));
    rig.command(&Command::Pause).expect("it was to dial");
    rig.gone(Part::A, 16);
    rig.gone(Part::B, 16);
    rig.assert_taken_down();
    rig.wait(3000);
    assert_eq!(*rig.campaign.state(), RunState::Idle);
    assert_eq!(rig.campaign.leads().len(), 5);
    assert_eq!(rig.asked(AttemptId(2), Op::OriginateA), 0);
}

#[test]
fn a_start_that_a_program_asks_for_is_the_next_run_s_and_another_list_is_not() {
    let mut rig = restarted(orphan(true, true, true));
    rig.campaign.open_run_when_quiet("list", &numbers(2));
    let others = numbers(7);
    let mut ask = |of_this_run| {
        let listed = Listed {
            name: "list",
            of_this_run,
            numbers: &others,
        };
        let started = rig.campaign.start_again(rig.now, listed);
        started.expect("it can").began
    };
    assert_eq!(ask(false), Began::Started);
    assert_eq!(ask(false), Began::AlreadyRunning);
    rig.link_up(Census::default());
    rig.wait(3000);
    assert_eq!(
        (rig.campaign.run(), rig.campaign.leads().len()),
        (RunId(2), 2)
    );
}

#[test]
fn a_process_that_is_told_to_end_begins_no_other_run() {
    let mut rig = restarted(orphan(true, true, true));
    asked_for(&mut rig, 3);
    rig.campaign.forget_next_run();
    rig.link_up(Census::default());
    rig.wait(60_000);
    assert_eq!((rig.campaign.run(), opened(&rig)), (RunId(1), 0));
}
