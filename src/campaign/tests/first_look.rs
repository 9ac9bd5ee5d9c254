//! What happens while the first look after a crash is on its way, and what it finds.

use super::super::*;
use super::recovery::{BOTH, BOTH_UP, census, orphan, restarted};
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
