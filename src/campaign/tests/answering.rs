//! From ringing to talking: staging, the plain order, music, events before answers.

use super::super::*;
use super::rig::{FIRST, Rig, cause, policy, policy_with};

fn plain(music: bool) -> Rig {
    let mut rig = Rig::started(
        policy_with(1, |call| {
            call.target.staged = false;
            call.target.moh_class = music.then(|| "default".to_owned());
        }),
        1,
    );
    rig.ok(Op::OriginateA);
    rig.leg(Part::A, LegEvent::Ringing);
    rig
}

#[test]
fn nothing_is_staged_before_a_rings_or_a_moment_has_passed() {
    let mut rig = Rig::started(policy(1), 1);
    rig.ok(Op::OriginateA);
    rig.wait(99);
    assert_eq!(rig.take(), [Op::OriginateA]);
    rig.wait(1);
    assert_eq!(rig.take(), [Op::CreateBridge, Op::CreateB, Op::Snoop]);
    rig.leg(Part::A, LegEvent::Ringing);
    assert_eq!(rig.take(), []);
}

#[test]
fn a_staged_target_is_dialed_in_the_round_trip_of_the_answer() {
    let mut rig = Rig::staged();
    rig.leg(Part::A, LegEvent::Entered);
    assert_eq!(rig.take(), [Op::Join(Part::A), Op::DialB]);
}

#[test]
fn b_is_not_dialed_before_a_answers() {
    let mut rig = Rig::staged();
    rig.wait(29_000);
    assert_eq!(rig.take(), []);
}

#[test]
fn a_enters_the_bridge_only_after_it_entered_the_application() {
    let mut rig = Rig::staged();
    rig.leg(Part::A, LegEvent::Up);
    assert_eq!(rig.take(), [Op::DialB]);
    rig.leg(Part::A, LegEvent::Entered);
    assert_eq!(rig.take(), [Op::Join(Part::A)]);
}

#[test]
fn an_answer_before_the_originates_200_is_an_answer() {
    let mut rig = Rig::started(policy(1), 1);
    rig.leg(Part::A, LegEvent::Up);
    rig.leg(Part::A, LegEvent::Entered);
    rig.ok(Op::OriginateA);
    assert_eq!(rig.word(), Some(CallWord::Answered));
    assert_eq!(
        rig.take(),
        [Op::OriginateA, Op::CreateBridge, Op::CreateB, Op::Snoop]
    );
}

#[test]
fn the_call_is_bridged_when_both_are_up_and_in_whatever_comes_last() {
    let mut last_b_up = Rig::connecting();
    assert_eq!(last_b_up.word(), Some(CallWord::Answered));
    last_b_up.leg(Part::B, LegEvent::Up);
    assert_eq!(last_b_up.word(), Some(CallWord::Bridged));

    let mut last_a_joined = Rig::staged();
    last_a_joined.leg(Part::A, LegEvent::Entered);
    last_a_joined.ok(Op::DialB);
    last_a_joined.leg(Part::B, LegEvent::Dial(DialStatus::Answer));
    last_a_joined.ok(Op::Join(Part::A));
    assert_eq!(last_a_joined.word(), Some(CallWord::Answered));
    last_a_joined.leg(Part::A, LegEvent::Joined);
    assert_eq!(last_a_joined.word(), Some(CallWord::Bridged));
}

#[test]
fn without_staging_b_is_made_at_the_answer_and_joins_when_it_answers() {
    let mut rig = plain(false);
    rig.wait(500);
    assert_eq!(rig.take(), [Op::OriginateA]);
    rig.leg(Part::A, LegEvent::Entered);
    assert_eq!(rig.take(), [Op::CreateBridge, Op::Snoop, Op::OriginateB]);
    rig.ok(Op::CreateBridge);
    assert_eq!(rig.take(), [Op::Join(Part::A)]);
    rig.leg(Part::A, LegEvent::Joined);
    rig.ok(Op::OriginateB);
    assert_eq!(rig.take(), []);
    rig.leg(Part::B, LegEvent::Up);
    rig.leg(Part::B, LegEvent::Entered);
    assert_eq!(rig.take(), [Op::Join(Part::B)]);
    rig.leg(Part::B, LegEvent::Joined);
    assert_eq!(rig.word(), Some(CallWord::Bridged));
}

#[test]
fn a_staged_b_that_goes_by_itself_is_made_anew_at_the_answer() {
    let mut rig = Rig::staged();
    rig.leg(Part::B, LegEvent::Leaving(Some(cause(16))));
    rig.gone(Part::B, 16);
    assert_eq!(rig.take(), []);
    rig.leg(Part::A, LegEvent::Entered);
    assert_eq!(rig.take(), [Op::Join(Part::A), Op::OriginateB]);
}

#[test]
fn music_plays_from_the_answer_until_b_is_up_and_then_a_joins() {
    let mut rig = plain(true);
    rig.leg(Part::A, LegEvent::Entered);
    rig.ok(Op::CreateBridge);
    rig.ok(Op::OriginateB);
    rig.ok(Op::StartMusic);
    assert_eq!(rig.asked(FIRST, Op::Join(Part::A)), 0);
    rig.take();
    rig.leg(Part::B, LegEvent::Up);
    assert_eq!(rig.take(), [Op::Join(Part::A), Op::StopMusic]);
}

#[test]
fn nobody_is_sent_from_the_music_to_a_target_that_is_leaving() {
    let mut rig = plain(true);
    rig.leg(Part::A, LegEvent::Entered);
    rig.ok(Op::OriginateB);
    rig.leg(Part::B, LegEvent::Up);
    rig.leg(Part::B, LegEvent::Leaving(None));
    rig.ok(Op::CreateBridge);
    rig.ok(Op::StartMusic);
    assert_eq!(rig.asked(FIRST, Op::Join(Part::A)), 0);
    assert_eq!(rig.asked(FIRST, Op::StopMusic), 0);
    rig.gone(Part::B, 16);
    assert_eq!(rig.word(), Some(CallWord::Ending));
}

#[test]
fn music_is_not_stopped_before_it_is_known_to_have_started() {
    let mut rig = plain(true);
    rig.leg(Part::A, LegEvent::Entered);
    rig.ok(Op::CreateBridge);
    rig.leg(Part::B, LegEvent::Up);
    assert_eq!(rig.asked(FIRST, Op::Join(Part::A)), 1);
    assert_eq!(rig.asked(FIRST, Op::StopMusic), 0);
    rig.ok(Op::StartMusic);
    assert_eq!(rig.asked(FIRST, Op::StopMusic), 1);
}

#[test]
fn music_that_is_refused_ends_no_call() {
    let mut rig = plain(true);
    rig.leg(Part::A, LegEvent::Entered);
    rig.refuse(Op::StartMusic, OpError::Refused(500));
    rig.ok(Op::CreateBridge);
    rig.leg(Part::B, LegEvent::Up);
    assert_eq!(rig.asked(FIRST, Op::Join(Part::A)), 1);
    assert_eq!(rig.asked(FIRST, Op::StopMusic), 0);
}

#[test]
fn a_snoop_channel_that_waits_records_nothing_before_the_answer() {
    let mut rig = Rig::staged();
    rig.ok(Op::Snoop);
    rig.leg(Part::Snoop, LegEvent::Entered);
    rig.wait(20_000);
    assert_eq!(rig.take(), []);
    rig.leg(Part::A, LegEvent::Entered);
    assert_eq!(rig.take(), [Op::Join(Part::A), Op::DialB, Op::Record]);
}

#[test]
fn the_recording_begins_when_a_is_up_and_not_when_b_is() {
    let mut rig = Rig::staged();
    rig.leg(Part::A, LegEvent::Entered);
    rig.leg(Part::Snoop, LegEvent::Entered);
    assert_eq!(rig.asked(FIRST, Op::Record), 1);
    let started = Effect::Journal(Record::Recording {
        attempt: FIRST,
        state: RecordingState::Started {
            name: "dd-t-1-1-rec".to_owned(),
            format: "wav".to_owned(),
        },
    });
    assert!(rig.has(&started));
    rig.ok(Op::Snoop);
    assert_eq!(rig.asked(FIRST, Op::Record), 1);
}

#[test]
fn who_had_answered_was_so_though_only_the_end_tells_it() {
    let ends = [LegEvent::Leaving(None), LegEvent::Gone(cause(16))];
    for (event, is_up) in ends.into_iter().flat_map(|end| [(end, true), (end, false)]) {
        let mut rig = Rig::staged();
        rig.handle(Input::Leg {
            attempt: FIRST,
            part: Part::A,
            event,
            is_up,
            stamp_ms: None,
        });
        rig.gone(Part::A, 16);
        let (disposition, by) = if is_up {
            (Disposition::Abandoned, EndedBy::Callee)
        } else {
            (Disposition::Failed, EndedBy::Carrier)
        };
        rig.assert_end(disposition, by, 16);
        assert!(!rig.take().contains(&Op::DialB), "nobody is called for it");
    }
}

#[test]
fn early_media_is_no_ringing_and_the_target_is_staged_for_it_all_the_same() {
    let mut rig = Rig::started(policy(1), 1);
    rig.ok(Op::OriginateA);
    rig.leg(Part::A, LegEvent::EarlyMedia);
    assert_eq!(rig.word(), Some(CallWord::EarlyMedia));
    assert_eq!(rig.asked(FIRST, Op::CreateB), 1);
    let call = rig.campaign.calls().next().expect("it is up");
    assert_eq!(
        (call.ringing_at, call.early_media_at),
        (None, Some(rig.now))
    );
    // It rings after all.
    rig.wait(50);
    rig.leg(Part::A, LegEvent::Ringing);
    assert_eq!(rig.word(), Some(CallWord::Ringing));
    let told = |step| {
        Effect::Journal(Record::AttemptProgress {
            attempt: FIRST,
            step,
            at: rig.now,
        })
    };
    assert!(rig.has(&told(Step::Ringing)));
    // What is told twice is written down once.
    rig.leg(Part::A, LegEvent::EarlyMedia);
    let early = |e: &&Effect| {
        matches!(
            e,
            Effect::Journal(Record::AttemptProgress {
                step: Step::EarlyMedia,
                ..
            })
        )
    };
    assert_eq!(rig.effects.iter().filter(early).count(), 1);
}
