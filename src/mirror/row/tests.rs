//! Each column for each way in which a call can stand or end.

use super::*;
use crate::campaign::{AttemptId, HangupCause, RunId, Sent};

/// 2026-11-22 14:30:42.9 UTC: `DATETIME` has whole seconds, and none that is still to come.
const START: Time = Time(1_795_357_842_900_000);

fn after(seconds: u64) -> Time {
    Time(START.0 + seconds * 1_000_000)
}

fn ids() -> AsteriskIds {
    AsteriskIds::new("0a1b2c3d")
}

/// A call whose channel was made, and no more.
fn dialing() -> OutboxLine {
    OutboxLine {
        sent: Sent {
            attempt: AttemptId(7),
            version: 1,
        },
        run: RunId(2),
        call_id: "ba8c46dd-45b7-5d06-a0b4-1d877d278a79".to_owned(),
        number: "+79990000001".to_owned(),
        begun_at: START,
        answered_at: None,
        bridged_at: None,
        agent: None,
        agent_at: None,
        sip_answer: None,
        talked_until: None,
        end: None,
        a: LegLine {
            dialed: Some("+79990000001@mytrunk".to_owned()),
            name: Some("PJSIP/mytrunk-0000002a".to_owned()),
        },
        b: LegLine {
            dialed: None,
            name: Some("Local/777@default-00000003;1".to_owned()),
        },
        b_dialed_at: None,
        b_failed: None,
        b_ended_at: None,
        recording: None,
    }
}

/// A has answered, and the target is being dialed.
fn connecting() -> OutboxLine {
    let mut line = dialing();
    line.answered_at = Some(after(5));
    line.b.dialed = Some("777@default".to_owned());
    line.b_dialed_at = Some(after(5));
    line
}

fn talking() -> OutboxLine {
    OutboxLine {
        bridged_at: Some(after(8)),
        ..connecting()
    }
}

fn ended(line: OutboxLine, disposition: Disposition, q850: u16) -> OutboxLine {
    let cause = HangupCause { q850, sip: None };
    OutboxLine {
        talked_until: Some(after(30)),
        end: Some((after(30), disposition, cause)),
        ..line
    }
}

/// The columns that are not NULL, by name.
fn columns(line: &OutboxLine) -> Vec<(&'static str, String)> {
    let row = row(line, &ids());
    let named = COLUMNS.iter().zip(row);
    named
        .filter_map(|((name, _), value)| Some((*name, value?)))
        .collect()
}

fn column(line: &OutboxLine, name: &str) -> Option<String> {
    let found = columns(line).into_iter().find(|(n, _)| *n == name);
    found.map(|(_, value)| value)
}

fn texts<const N: usize>(pairs: [(&'static str, &str); N]) -> Vec<(&'static str, String)> {
    pairs.map(|(name, value)| (name, value.to_owned())).into()
}

#[test]
fn a_call_that_is_being_dialed_has_leg_a_and_no_status() {
    let expected = texts([
        ("call_id", "ba8c46dd-45b7-5d06-a0b4-1d877d278a79"),
        ("leg_a_number", "+79990000001"),
        ("leg_a_channel", "dd-0a1b2c3d-2-7-a"),
        ("leg_a_peer", "PJSIP/mytrunk-0000002a"),
        ("leg_a_dial_string", "+79990000001@mytrunk"),
        ("leg_a_start", "2026-11-22 14:30:42"),
    ]);
    assert_eq!(columns(&dialing()), expected);
}

#[test]
fn an_answered_call_has_everything() {
    let mut line = ended(talking(), Disposition::Answered, 16);
    line.recording = Some("/var/calls/a.wav".to_owned());
    let expected = texts([
        ("call_id", "ba8c46dd-45b7-5d06-a0b4-1d877d278a79"),
        ("recording_path", "/var/calls/a.wav"),
        ("leg_a_status", "ANSWERED"),
        ("leg_a_number", "+79990000001"),
        ("leg_a_channel", "dd-0a1b2c3d-2-7-a"),
        ("leg_a_peer", "PJSIP/mytrunk-0000002a"),
        ("leg_a_dial_string", "+79990000001@mytrunk"),
        ("leg_a_answered_by", "+79990000001@mytrunk"),
        ("leg_a_start", "2026-11-22 14:30:42"),
        ("leg_a_answer", "2026-11-22 14:30:47"),
        ("leg_a_end", "2026-11-22 14:31:12"),
        ("leg_b_status", "ANSWERED"),
        ("leg_b_channel", "dd-0a1b2c3d-2-7-b"),
        ("leg_b_paired_channel", "dd-0a1b2c3d-2-7-b2"),
        ("leg_b_peer", "Local/777@default-00000003;1"),
        ("leg_b_caller", "Local/777@default-00000003;2"),
        ("leg_b_dial_string", "777@default"),
        ("leg_b_answered_by", "777@default"),
        ("leg_b_start", "2026-11-22 14:30:47"),
        ("leg_b_answer", "2026-11-22 14:30:50"),
        ("leg_b_end", "2026-11-22 14:31:12"),
    ]);
    assert_eq!(columns(&line), expected);
}

#[test]
fn a_conversation_is_answered_while_it_goes_on() {
    let line = talking();
    assert_eq!(column(&line, "leg_a_status").as_deref(), Some("ANSWERED"));
    assert_eq!(column(&line, "leg_b_status").as_deref(), Some("ANSWERED"));
    assert_eq!(column(&line, "leg_a_end"), None);
    assert_eq!(column(&line, "leg_b_end"), None);
}

#[test]
fn each_disposition_has_the_status_of_the_contract() {
    let expected = [
        (Disposition::Answered, 16, "ANSWERED"),
        (Disposition::Abandoned, 16, "NO ANSWER"),
        (Disposition::Busy, 17, "BUSY"),
        (Disposition::NoAnswer, 19, "NO ANSWER"),
        (Disposition::Congestion, 34, "CONGESTION"),
        (Disposition::Rejected, 21, "REJECTED"),
        (Disposition::Blocked, 127, "REJECTED"),
        (Disposition::Redirected, 16, "REJECTED"),
        (Disposition::InvalidNumber, 1, "INVALID NUMBER"),
        (Disposition::Failed, 16, "Normal Clearing"),
        (Disposition::Failed, 58, "Bearer capability not available"),
        (Disposition::Failed, 99, "Unknown"),
        (Disposition::Cancelled, 0, "CANCELLED"),
        (Disposition::Interrupted, 0, "NO ANSWER"),
    ];
    for (disposition, cause, status) in expected {
        let line = ended(dialing(), disposition, cause);
        let found = column(&line, "leg_a_status");
        assert_eq!(found.as_deref(), Some(status), "{disposition}, {cause}");
    }
}

#[test]
fn of_a_target_that_was_never_dialed_the_end_is_told_and_nothing_else() {
    let line = ended(dialing(), Disposition::Busy, 17);
    let of_b: Vec<_> = columns(&line)
        .into_iter()
        .filter(|(name, _)| name.starts_with("leg_b_"))
        .collect();
    let expected = texts([
        ("leg_b_status", "NO ANSWER"),
        ("leg_b_end", "2026-11-22 14:31:12"),
    ]);
    assert_eq!(of_b, expected);
}

#[test]
fn a_busy_target_is_told_with_its_own_end() {
    let mut line = ended(connecting(), Disposition::Abandoned, 16);
    line.b_failed = Some(TargetFailure::Busy);
    line.b_ended_at = Some(after(6));
    assert_eq!(column(&line, "leg_a_status").as_deref(), Some("NO ANSWER"));
    assert_eq!(column(&line, "leg_b_status").as_deref(), Some("BUSY"));
    assert_eq!(column(&line, "leg_b_answered_by"), None);
    let ends = ["leg_b_end", "leg_a_end"].map(|name| column(&line, name));
    let expected = ["2026-11-22 14:30:48", "2026-11-22 14:31:12"];
    assert_eq!(ends, expected.map(|at| Some(at.to_owned())));
}

#[test]
fn a_target_that_cannot_be_reached_is_congestion() {
    let mut line = connecting();
    line.b_failed = Some(TargetFailure::Unavailable);
    assert_eq!(column(&line, "leg_b_status").as_deref(), Some("CONGESTION"));
}

#[test]
fn only_a_local_channel_has_a_second_half() {
    let mut line = connecting();
    line.b.name = Some("PJSIP/agent-00000001".to_owned());
    assert_eq!(column(&line, "leg_b_paired_channel"), None);
    assert_eq!(column(&line, "leg_b_caller"), None);
    let peer = column(&line, "leg_b_peer");
    assert_eq!(peer.as_deref(), Some("PJSIP/agent-00000001"));
}

#[test]
fn an_attempt_that_asterisk_refused_has_no_channel() {
    let mut line = ended(dialing(), Disposition::Congestion, 34);
    line.a.name = None;
    assert_eq!(column(&line, "leg_a_channel"), None);
    assert_eq!(column(&line, "leg_a_peer"), None);
}

/// What the statement relies on: a late one can't undo a later one.
#[test]
fn no_value_ever_becomes_another_while_a_call_goes_on() {
    let busy_target = OutboxLine {
        b_failed: Some(TargetFailure::Busy),
        ..connecting()
    };
    let gone_target = OutboxLine {
        b_ended_at: Some(after(6)),
        ..busy_target.clone()
    };
    let recorded = OutboxLine {
        recording: Some("/var/calls/a.wav".to_owned()),
        ..ended(talking(), Disposition::Answered, 16)
    };
    let lives = [
        vec![dialing(), ended(dialing(), Disposition::NoAnswer, 19)],
        vec![
            dialing(),
            connecting(),
            talking(),
            ended(talking(), Disposition::Answered, 16),
            recorded,
        ],
        vec![
            connecting(),
            with_agent(connecting()),
            with_agent(talking()),
            ended(with_agent(talking()), Disposition::Answered, 16),
        ],
        vec![
            dialing(),
            connecting(),
            busy_target,
            gone_target.clone(),
            ended(gone_target, Disposition::Abandoned, 16),
        ],
    ];
    for life in lives {
        for pair in life.windows(2) {
            let (before, later) = (row(&pair[0], &ids()), row(&pair[1], &ids()));
            let names = COLUMNS.iter().chain(&FURTHER);
            for ((name, _), (before, later)) in names.zip(before.iter().zip(&later)) {
                assert!(before.is_none() || before == later, "{name}");
            }
        }
    }
}

/// An agent behind the queue has answered, ten seconds after A.
fn with_agent(line: OutboxLine) -> OutboxLine {
    OutboxLine {
        agent: Some("PJSIP/agent".to_owned()),
        agent_at: Some(after(15)),
        ..line
    }
}

#[test]
fn the_agent_s_times_and_the_carrier_s_words_are_told_behind_all_else() {
    let further = |line: &OutboxLine| row(line, &ids())[COLUMNS.len()..].to_vec();
    let texts = |values: [Option<&str>; 5]| values.map(|v| v.map(str::to_owned)).to_vec();
    let over = |line| ended(line, Disposition::Answered, 16);
    assert_eq!(further(&talking()), texts([None; 5]));
    let alone = texts([None, None, None, Some("22.000"), None]);
    assert_eq!(further(&over(talking())), alone);
    let at = Some("2026-11-22 14:30:57");
    let named = texts([
        Some("PJSIP/agent"),
        at,
        Some("10.000"),
        Some("15.000"),
        None,
    ]);
    assert_eq!(further(&over(with_agent(talking()))), named);
    let mut refused = ended(dialing(), Disposition::Blocked, 21);
    refused.sip_answer = Some("603 Network Blocked".to_owned());
    let words = texts([None, None, None, None, Some("603 Network Blocked")]);
    assert_eq!(further(&refused), words);
}

#[test]
fn what_fits_no_column_is_cut() {
    let mut line = talking();
    line.b.dialed = Some("7".repeat(300));
    let by = column(&line, "leg_b_answered_by").expect("it is told");
    assert_eq!(by.len(), 255);
    let dialed = column(&line, "leg_b_dial_string").expect("it is told");
    assert_eq!(dialed.len(), 300, "a TEXT holds all of it");
}
