//! What happens while the first look after a crash is on its way, and what it finds.

use super::super::*;
use super::orphans::{BOTH, BOTH_UP, census, orphan, restarted};
use super::rig::{FIRST, Rig, cause};

fn reconciled(rig: &Rig) -> Vec<Reconciled> {
    let told = rig.effects.iter().filter_map(|e| match e {
        Effect::Tell(Notice::Reconciled(done)) => Some(*done),
        _ => None,
    });
    told.collect()
}

#[test]
fn a_conversation_that_ends_meanwhile_is_not_taken_over() {
    let ends = [
        LegEvent::Gone(cause(16)),
        LegEvent::Leaving(None),
        LegEvent::Left,
    ];
    for end in ends {
        let mut rig = restarted(orphan(true, true, true));
        rig.leg(Part::B, end);
        rig.link_up(census(BOTH_UP, BOTH, true));
        assert!(rig.take().contains(&Op::HangUp(Part::A)), "{end:?}");
        assert_eq!(rig.word(), Some(CallWord::Ending), "{end:?}");
    }
}

#[test]
fn what_is_staged_for_nobody_goes_though_the_originate_may_still_come() {
    let mut unheard = orphan(false, false, false);
    unheard.ringing_at = None;
    let mut rig = restarted(unheard);
    rig.link_up(census(&[(Part::B, false)], &[Part::B], true));
    assert_eq!(rig.take(), [Op::HangUp(Part::B)]);
    rig.gone(Part::B, 16);
    assert_eq!(rig.take(), [Op::DestroyBridge]);
    let told = reconciled(&rig);
    assert_eq!((told[0].awaited, told[0].hung_up), (1, 0));
}

#[test]
fn a_recording_goes_on_in_the_format_in_which_it_was_begun() {
    let mut rig = restarted(orphan(true, true, true));
    rig.link_up(census(BOTH_UP, BOTH, true));
    assert!(rig.take().contains(&Op::Record));
    let started = |e: &&Effect| {
        matches!(
            e,
            Effect::Journal(Record::Recording {
                state: RecordingState::Started { .. },
                ..
            })
        )
    };
    assert_eq!(rig.effects.iter().filter(started).count(), 0);
}

#[test]
fn a_snoop_channel_that_is_on_its_way_is_asked_to_record_a_moment_later() {
    let mut rig = Rig::connecting();
    rig.ok(Op::Snoop);
    rig.leg(Part::Snoop, LegEvent::Entered);
    rig.refuse(Op::Record, OpError::TooEarly);
    rig.take();
    rig.wait(150);
    assert_eq!(rig.asked(FIRST, Op::Record), 2);
}

#[test]
fn who_was_recorded_unseen_and_left_before_it_was_asked_again_is_looked_for() {
    let mut rig = restarted(orphan(true, true, true));
    rig.link_up(census(BOTH_UP, BOTH, true));
    rig.refuse(Op::Record, OpError::TooEarly);
    rig.snoop_ends_with_a();
    rig.wait(3000);
    rig.gone(Part::A, 16);
    rig.gone(Part::B, 16);
    rig.ok(Op::DestroyBridge);
    rig.wait(3000);
    let fetched = |e: &Effect| matches!(e, Effect::FetchRecording { attempt: FIRST, .. });
    assert!(rig.effects.iter().any(fetched));
    assert_eq!(rig.campaign.stats().recordings_failed, 0);
}

#[test]
fn who_left_the_bridge_and_lives_is_hung_up() {
    let mut rig = restarted(orphan(true, true, true));
    rig.leg(Part::A, LegEvent::Left);
    rig.link_up(census(BOTH_UP, BOTH, true));
    assert!(rig.take().contains(&Op::HangUp(Part::A)));
}

#[test]
fn a_call_whose_end_was_told_is_waited_for_no_longer() {
    let mut unheard = orphan(false, false, false);
    unheard.ringing_at = None;
    let mut rig = restarted(unheard);
    rig.gone(Part::A, 17);
    rig.link_up(Census::default());
    assert_eq!(rig.end().disposition, Disposition::Interrupted);
    assert!(rig.campaign.is_quiet());
}

/// The spool would tell whether a dead process had recorded, and nobody on the line waits for it.
#[test]
fn who_is_on_the_line_is_hung_up_though_the_spool_can_not_be_looked_into() {
    let mut bare = orphan(true, false, false);
    bare.recorded = Recorded::Nothing;
    let mut rig = restarted(bare);
    rig.handle(Input::Glimpse(Census {
        spool_unknown: true,
        ..census(&[(Part::A, true)], &[], true)
    }));
    assert_eq!(rig.take(), [Op::HangUp(Part::A)]);
    rig.gone(Part::A, 16);
    assert_eq!(rig.end().disposition, Disposition::Abandoned);
    rig.ok(Op::DestroyBridge);
    rig.wait(3000);
    let fetched = |e: &Effect| matches!(e, Effect::FetchRecording { attempt: FIRST, .. });
    assert!(rig.effects.iter().any(fetched), "there may be one");
}

#[test]
fn who_is_gone_is_settled_only_by_what_the_spool_tells() {
    let mut bare = orphan(false, false, false);
    bare.recorded = Recorded::Nothing;
    let mut rig = restarted(bare);
    let target_only = census(&[(Part::B, true)], &[Part::B], true);
    rig.handle(Input::Glimpse(Census {
        spool_unknown: true,
        ..target_only.clone()
    }));
    assert_eq!(rig.ends().len(), 0);
    let strays = rig.effects.iter().filter_map(|e| match e {
        Effect::TakeDownStray { part, .. } => Some(*part),
        _ => None,
    });
    let strays: Vec<Part> = strays.collect();
    assert_eq!(strays, [Part::B, Part::Bridge], "nobody is left alone");
    rig.link_up(Census {
        recorded: vec![FIRST],
        ..target_only
    });
    assert_eq!(
        rig.end().disposition,
        Disposition::Abandoned,
        "recorded: answered"
    );
}

#[test]
fn what_ended_while_one_waits_for_the_spool_is_not_forgotten() {
    let mut bare = orphan(false, false, false);
    bare.recorded = Recorded::Nothing;
    let mut rig = restarted(bare);
    rig.gone(Part::A, 16);
    let rings = census(&[(Part::A, false)], &[], false);
    rig.handle(Input::Glimpse(Census {
        spool_unknown: true,
        ..rings.clone()
    }));
    assert_eq!(rig.ends().len(), 0);
    rig.link_up(rings);
    assert_eq!(rig.ends().len(), 1, "an old census does not bring it back");
}

#[test]
fn who_comes_while_one_waits_for_the_spool_is_hung_up() {
    let mut bare = orphan(false, false, false);
    bare.recorded = Recorded::Nothing;
    let mut rig = restarted(bare);
    rig.handle(Input::Glimpse(Census {
        spool_unknown: true,
        ..Census::default()
    }));
    rig.leg(Part::A, LegEvent::Up);
    assert!(rig.has(&Effect::TakeDownStray {
        attempt: FIRST,
        part: Part::A,
    }));
    rig.gone(Part::A, 16);
    rig.link_up(Census::default());
    assert_eq!(rig.end().disposition, Disposition::Abandoned);
}

/// The originate of the dead process was on its way when the census was asked for.
#[test]
fn who_answers_before_the_first_census_has_come_is_hung_up_though_it_does_not_list_them() {
    for spool_unknown in [false, true] {
        let mut unheard = orphan(false, false, false);
        unheard.ringing_at = None;
        let mut rig = restarted(unheard);
        rig.leg(Part::A, LegEvent::Up);
        rig.handle(Input::Glimpse(Census {
            spool_unknown,
            ..Census::default()
        }));
        assert_eq!(rig.take(), [Op::HangUp(Part::A)]);
        rig.gone(Part::A, 16);
        assert_eq!(rig.end().disposition, Disposition::Abandoned);
    }
}

/// The next process may die before the call has ended, and nobody is called again who answered.
#[test]
fn that_a_dead_process_reached_somebody_is_written_down_once() {
    type Tell = fn(&mut Rig);
    let ways: [(Tell, &[Step]); 4] = [
        (|rig| rig.leg(Part::A, LegEvent::Up), &[Step::Answered]),
        (
            |rig| rig.link_up(census(&[(Part::A, true)], &[Part::A], true)),
            &[Step::Answered],
        ),
        (
            |rig| rig.link_up(census(BOTH_UP, BOTH, true)),
            &[Step::Answered, Step::Bridged],
        ),
        (
            |rig| {
                rig.handle(Input::RecordingEnded {
                    attempt: FIRST,
                    ok: true,
                });
            },
            &[Step::Answered],
        ),
    ];
    for (tell, expected) in ways {
        let mut rig = restarted(orphan(false, false, false));
        tell(&mut rig);
        tell(&mut rig);
        let steps = rig.effects.iter().filter_map(|e| match e {
            Effect::Journal(Record::AttemptProgress { step, .. }) => Some(*step),
            _ => None,
        });
        assert_eq!(steps.collect::<Vec<_>>(), expected);
    }
}
