//! What is told of calls, and how much is kept.

use super::*;
use crate::ari::ChannelState;
use crate::campaign::{AsteriskIds, AttemptEnd, Disposition, EndedBy, HangupCause, call_settings};

const RUN: RunId = RunId(3);
const LEAD: LeadId = LeadId(5);
const ONE: AttemptId = AttemptId(1);

fn ids() -> Channels {
    Channels::new(AsteriskIds::new("abc"))
}

fn begun(attempt: AttemptId, lead: LeadId) -> Record {
    Record::AttemptBegun {
        attempt,
        run: RUN,
        lead,
        queued_at: Time(0),
        at: Time(0),
    }
}

fn ended(attempt: AttemptId) -> Record {
    let end = AttemptEnd {
        at: Time(9),
        disposition: Disposition::Answered,
        cause: HangupCause {
            q850: 16,
            sip: None,
        },
        by: EndedBy::Callee,
        note: None,
        dead_air_ms: None,
    };
    Record::AttemptEnded { attempt, end }
}

fn leg(attempt: AttemptId, part: Part, event: LegEvent) -> Input {
    Input::Leg {
        attempt,
        part,
        event,
        is_up: false,
        stamp_ms: None,
    }
}

fn told(step: CallStep) -> Notice {
    Notice::Call {
        attempt: ONE,
        lead: LEAD,
        number: Number::parse("1000").expect("digits"),
        step,
    }
}

fn settings() -> Arc<CallSettings> {
    Arc::new(CallSettings {
        trunk: "trunk".to_owned(),
        ..call_settings()
    })
}

fn details(timelines: &Timelines) -> Vec<AttemptDetail> {
    let number = Number::parse("1000").expect("digits");
    let ids = ids();
    let setting = TimelineIds {
        channels: &ids,
        journal: uuid::Uuid::from_u128(1),
    };
    timelines.of(RUN, LEAD, &number, &setting)
}

fn started() -> Timelines {
    let mut timelines = Timelines::default();
    timelines.record(Time(1), &begun(ONE, LEAD), &settings());
    timelines
}

fn gone() -> LegEvent {
    LegEvent::Gone(HangupCause {
        q850: 16,
        sip: Some(487),
    })
}

#[test]
fn a_call_is_told_from_the_line_to_its_end() {
    let mut timelines = started();
    timelines.asked(Time(2), ONE, Op::OriginateA);
    timelines.told(Time(3), &told(CallStep::Ringing));
    timelines.input(Time(4), &leg(ONE, Part::B, LegEvent::Joined));
    timelines.told(Time(5), &told(CallStep::Answered));
    timelines.asked(Time(6), ONE, Op::DialB);
    timelines.told(Time(7), &told(CallStep::Bridged { dead_air_ms: 12 }));
    let record = |result| Input::Answer {
        attempt: ONE,
        op: Op::Record,
        result,
    };
    timelines.input(Time(8), &record(Err(OpError::Refused(422))));
    timelines.input(Time(9), &record(Ok(())));
    timelines.told(Time(10), &told(CallStep::Agent));
    timelines.hung_up(Time(11), ONE, &Arc::from("keyboard anna"));
    timelines.input(Time(12), &leg(ONE, Part::A, gone()));
    timelines.record(Time(13), &ended(ONE), &settings());
    timelines.saved(Time(14), ONE, "/rec/1.wav".to_owned());
    let [detail] = details(&timelines).try_into().expect("one attempt");
    let expected = [
        "taken from the line",
        "asked Asterisk to dial PJSIP/1000@trunk",
        "rings",
        "bridge and target staged",
        "answered",
        "target dialed: Local/777@default",
        "bridged after 12 ms",
        "refused to record: status 422",
        "recording",
        "agent answered",
        "hung up by keyboard anna",
        "gone: cause 16, SIP 487",
        "over: answered, by callee",
        "the recording is in the folder",
    ];
    let timeline: Vec<(u64, &str)> = detail
        .timeline
        .iter()
        .map(|(at, text)| (at.0, text.as_str()))
        .collect();
    assert_eq!(timeline, (1..).zip(expected).collect::<Vec<_>>());
    assert_eq!(detail.channel_a, "dd-abc-3-1-a");
    assert_eq!(detail.bridge, "dd-abc-3-1-bridge");
    assert_eq!(detail.recording.as_deref(), Some("/rec/1.wav"));
    let end = detail.end.expect("it has ended");
    assert_eq!(end.disposition, Disposition::Answered);
}

#[test]
fn what_is_told_twice_is_told_once() {
    let mut timelines = started();
    for at in 2..9 {
        timelines.asked(Time(at), ONE, Op::HangUp(Part::A));
        timelines.input(Time(at), &leg(ONE, Part::A, gone()));
    }
    let timeline = &details(&timelines)[0].timeline;
    assert_eq!(timeline.len(), 3, "{timeline:?}");
}

#[test]
fn a_hangup_that_found_nothing_is_no_trouble() {
    let mut timelines = started();
    for op in [Op::HangUp(Part::B), Op::DestroyBridge] {
        let input = Input::Answer {
            attempt: ONE,
            op,
            result: Err(OpError::NotFound),
        };
        timelines.input(Time(2), &input);
    }
    assert_eq!(details(&timelines)[0].timeline.len(), 1);
}

#[test]
fn an_attempt_that_never_left_is_not_told_of() {
    let mut timelines = started();
    timelines.record(
        Time(2),
        &Record::AttemptWithdrawn { attempt: ONE },
        &settings(),
    );
    assert!(details(&timelines).is_empty());
    let mut timelines = started();
    timelines.input(Time(2), &Input::NotDurable(ONE));
    assert!(details(&timelines).is_empty());
}

#[test]
fn attempts_at_others_are_not_among_them_and_the_latest_stands_first() {
    let mut timelines = started();
    timelines.record(Time(2), &begun(AttemptId(2), LeadId(6)), &settings());
    timelines.record(Time(3), &begun(AttemptId(3), LEAD), &settings());
    timelines.take_over(Time(4), AttemptId(4), (RunId(2), LEAD), &settings());
    let attempts: Vec<u64> = details(&timelines).iter().map(|d| d.attempt.0).collect();
    assert_eq!(attempts, [3, 1]);
}

#[test]
fn entries_and_ended_calls_are_bounded_and_living_ones_stay() {
    let mut timelines = started();
    for status in 0..500 {
        let input = Input::Answer {
            attempt: ONE,
            op: Op::CreateBridge,
            result: Err(OpError::Refused(status)),
        };
        timelines.input(Time(2), &input);
    }
    let timeline = &details(&timelines)[0].timeline;
    assert_eq!(timeline.len(), ENTRIES);
    assert_eq!(timeline[0].1, "taken from the line");
    assert!(timeline[ENTRIES - 1].1.ends_with("status 499"));

    for attempt in (2..3000).map(AttemptId) {
        timelines.record(Time(3), &begun(attempt, LeadId(1)), &settings());
        timelines.record(Time(4), &ended(attempt), &settings());
    }
    assert_eq!(timelines.calls.len(), ENDED + 1);
    assert_eq!(details(&timelines).len(), 1, "it lives");
    timelines.input(Time(5), &leg(AttemptId(2), Part::B, gone()));
    assert!(!timelines.calls.contains_key(&AttemptId(2)), "forgotten");
}

fn state_change(id: &str, protocol_id: &str) -> Event {
    let channel = ChannelInfo {
        id: id.to_owned(),
        name: String::new(),
        state: ChannelState::Ringing,
        protocol_id: Some(protocol_id.to_owned()),
        caller_number: String::new(),
        connected_number: String::new(),
        dialplan_app: String::new(),
        dialplan_data: String::new(),
        sip_answer: None,
    };
    Event {
        kind: EventKind::ChannelStateChange { channel },
        stamp_ms: None,
        app: String::new(),
    }
}

#[test]
fn the_sip_call_id_is_leg_as_and_harmless() {
    let mut timelines = started();
    timelines.event(&ids(), &state_change("dd-abc-3-1-b", "of B"));
    timelines.event(&ids(), &state_change("dd-other-3-1-a", "of another"));
    assert_eq!(details(&timelines)[0].sip_call_id, None);
    timelines.event(&ids(), &state_change("dd-abc-3-1-a", "one\x1b[2J@host"));
    timelines.event(&ids(), &state_change("dd-abc-3-1-a", "two"));
    let id = details(&timelines).remove(0).sip_call_id;
    let id = id.expect("it was told");
    assert!(id.starts_with("one") && !id.contains('\x1b'), "{id:?}");
}

#[test]
fn strangers_words_steer_no_terminal() {
    let mut timelines = started();
    timelines.hung_up(Time(2), ONE, &Arc::from("http \x1b[2J\n"));
    timelines.no_recording(Time(3), ONE, "bad \x07 disk");
    let detail = details(&timelines).remove(0);
    let all = format!("{:?}", detail.recording) + &detail.timeline[1].1 + &detail.timeline[2].1;
    assert!(!all.contains(|c: char| c.is_control()), "{all:?}");
}
