use super::super::model::ChannelState;
use super::*;

/// A channel as Asterisk 22.10.1 writes it.
fn channel(id: &str, state: &str) -> String {
    format!(
        r#"{{"id":"{id}","name":"PJSIP/carrier-00000003","state":"{state}","protocol_id":"5f1c-42@127.0.0.1","caller":{{"name":"","number":"8801"}},"connected":{{"name":"Sales","number":"1001"}},"accountcode":"","dialplan":{{"context":"default","exten":"s","priority":1,"app_name":"Stasis","app_data":"outbound_dialer,a"}},"creationtime":"2026-11-22T14:30:40.001+0000","language":"en"}}"#
    )
}

/// An event with `fields` after the ones that every event has.
fn event(kind: &str, fields: &str) -> String {
    format!(
        r#"{{"type":"{kind}","timestamp":"2026-11-22T14:30:43.123+0000",{fields}"asterisk_id":"02:42:ac","application":"outbound_dialer"}}"#
    )
}

fn parsed(text: &str) -> Event {
    Event::parse(text).expect("an event of a known form")
}

/// One of each kind that the dialer acts upon.
fn one_of_each() -> Vec<String> {
    let a = channel("dd-x-1-7-a", "Up");
    let recording = r#""recording":{"name":"dd-x/1-7","format":"wav","state":"done","target_uri":"channel:dd-x-1-7-rec","duration":5,"cause":"full"},"#;
    let bridge = r#""bridge":{"id":"dd-x-1-7-bridge","technology":"simple_bridge","bridge_type":"mixing","channels":["dd-x-1-7-a"]},"#;
    let of_channel = format!(r#""channel":{a},"#);
    let mut all: Vec<String> = ["StasisEnd", "ChannelCreated", "ChannelStateChange"]
        .map(|kind| event(kind, &of_channel))
        .into();
    all.push(event(
        "StasisStart",
        &format!(r#""args":["a","7"],"channel":{a},"#),
    ));
    all.push(event(
        "ChannelDestroyed",
        &format!(r#""cause":17,"cause_txt":"User busy","tech_cause":486,"channel":{a},"#),
    ));
    all.push(event(
        "ChannelHangupRequest",
        &format!(r#""soft":true,"cause":16,"tech_cause":0,"channel":{a},"#),
    ));
    all.push(event(
        "Dial",
        &format!(r#""caller":{a},"peer":{a},"dialstatus":"RINGING","dialstring":"777@default","#),
    ));
    for kind in [
        "ChannelEnteredBridge",
        "ChannelLeftBridge",
        "BridgeDestroyed",
    ] {
        all.push(event(kind, &format!("{bridge}{of_channel}")));
    }
    for kind in ["RecordingStarted", "RecordingFinished", "RecordingFailed"] {
        all.push(event(kind, recording));
    }
    all.push(event("ApplicationReplaced", ""));
    all
}

#[test]
fn each_kind_that_the_dialer_acts_upon_is_told_apart() {
    let kinds: Vec<EventKind> = one_of_each().iter().map(|t| parsed(t).kind).collect();
    assert!(!kinds.iter().any(|k| matches!(k, EventKind::Other(_))));
    let mut seen: Vec<_> = kinds.iter().map(std::mem::discriminant).collect();
    let all = seen.len();
    seen.dedup();
    assert_eq!(seen.len(), all);
}

#[test]
fn an_answered_leg_is_read_with_all_that_is_used_of_it() {
    let text = event(
        "StasisStart",
        &format!(
            r#""args":["a","7"],"channel":{},"#,
            channel("dd-x-1-7-a", "Up")
        ),
    );
    let expected = ChannelInfo {
        id: "dd-x-1-7-a".into(),
        name: "PJSIP/carrier-00000003".into(),
        state: ChannelState::Up,
        protocol_id: Some("5f1c-42@127.0.0.1".into()),
        caller_number: "8801".into(),
        connected_number: "1001".into(),
        dialplan_app: "Stasis".into(),
        dialplan_data: "outbound_dialer,a".into(),
        sip_answer: None,
    };
    let event = parsed(&text);
    assert_eq!(event.app, "outbound_dialer");
    assert_eq!(
        event.kind,
        EventKind::StasisStart {
            channel: expected,
            args: vec!["a".into(), "7".into()],
            replaces: None,
        }
    );
}

#[test]
fn the_stamp_is_in_milliseconds_and_heeds_the_offset() {
    // 2026-11-22T00:00:00Z is day 20,779 since 1970.
    let midnight = 20_779 * 86_400_000_i64;
    let expected = midnight + ((14 * 60 + 30) * 60 + 43) * 1000 + 123;
    assert_eq!(stamp_ms("2026-11-22T14:30:43.123+0000"), Some(expected));
    assert_eq!(stamp_ms("2026-11-22T17:30:43.123+0300"), Some(expected));
    assert_eq!(stamp_ms("2026-11-22T09:00:43.123-0530"), Some(expected));
    assert_eq!(stamp_ms("yesterday"), None);
    assert_eq!(stamp_ms("2026-13-40T99:99:99.123+0000"), None);
}

#[test]
fn fields_that_a_version_may_leave_out_are_none() {
    let text = event("ChannelDestroyed", r#""cause":34,"channel":{"id":"x"},"#);
    let EventKind::ChannelDestroyed {
        channel,
        cause,
        tech_cause,
        ..
    } = parsed(&text).kind
    else {
        panic!("another kind");
    };
    assert_eq!((cause, tech_cause), (34, None));
    assert_eq!(channel.protocol_id, None);
}

#[test]
fn a_field_of_another_shape_that_can_be_done_without_does_not_cost_the_event() {
    let text = event(
        "ChannelDestroyed",
        r#""cause":"busy","tech_cause":700000,"cause_txt":null,"channel":{"id":"x","name":null,"caller":null},"#,
    );
    let EventKind::ChannelDestroyed {
        cause, tech_cause, ..
    } = parsed(&text).kind
    else {
        panic!("another kind");
    };
    assert_eq!((cause, tech_cause), (0, None));
}

#[test]
fn an_unknown_kind_is_tolerated_even_where_its_fields_look_like_ours() {
    // `peer` is no channel here.
    let text = event(
        "PeerStatusChange",
        r#""endpoint":{},"peer":{"peer_status":"Reachable"},"channel":5,"#,
    );
    assert_eq!(
        parsed(&text).kind,
        EventKind::Other("PeerStatusChange".into())
    );
}

#[test]
fn what_is_missing_is_named_with_its_kind() {
    let text = event("Dial", r#""dialstatus":"BUSY","#);
    let error = Event::parse(&text).expect_err("there is no peer");
    assert_eq!(error.kind(), "Dial");
    assert!(error.to_string().contains("peer"), "{error}");
    for text in ["", "{", "[]", "null", r#"{"type":7}"#, "\u{0}"] {
        let error = Event::parse(text).expect_err("no event");
        assert_eq!(error.kind(), "none", "{text:?}");
    }
}

#[test]
fn a_dial_status_that_is_empty_or_missing_is_the_beginning() {
    for fields in [
        r#""peer":{"id":"b"},"dialstatus":"","#,
        r#""peer":{"id":"b"},"#,
    ] {
        let begun = matches!(
            parsed(&event("Dial", fields)).kind,
            EventKind::Dial {
                status: DialStatus::Begun,
                caller: None,
                ..
            }
        );
        assert!(begun, "{fields}");
    }
}

#[test]
fn the_sip_answer_is_read_where_asterisk_tells_it() {
    let answer = |vars: &str| {
        let fields = format!(r#""peer":{{"id":"a"{vars}}},"dialstatus":"NOANSWER","#);
        match parsed(&event("Dial", &fields)).kind {
            EventKind::Dial { peer, .. } => peer.sip_answer,
            other => panic!("{other:?}"),
        }
    };
    let told = r#","channelvars":{"COUNT":"1","EVAL(x)":"SIP 603 Network Blocked"}"#;
    assert_eq!(answer(told).as_deref(), Some("SIP 603 Network Blocked"));
    for nothing in [
        "",
        r#","channelvars":{"EVAL(x)":""}"#,
        r#","channelvars":7"#,
    ] {
        assert_eq!(answer(nothing), None, "{nothing}");
    }
}

#[test]
fn a_dial_that_is_forwarded_is_redirected() {
    for (forward, expected) in [
        (r#""forward":"carrier","#, true),
        (r#""forward":"","#, false),
        ("", false),
    ] {
        let fields = format!(r#""peer":{{"id":"a"}},"dialstatus":"CANCEL",{forward}"#);
        let EventKind::Dial { redirected, .. } = parsed(&event("Dial", &fields)).kind else {
            panic!("{fields}");
        };
        assert_eq!(redirected, expected, "{fields}");
    }
}

#[test]
fn a_hundred_thousand_mutations_never_panic() {
    let seed = 0x5eed;
    let mut rng = fastrand::Rng::with_seed(seed);
    let originals = one_of_each();
    let mut readable = 0;
    for round in 0..100_000 {
        let mut bytes = originals[round % originals.len()].clone().into_bytes();
        for _ in 0..rng.usize(1..4) {
            mutate(&mut bytes, &mut rng);
        }
        let text = String::from_utf8_lossy(&bytes);
        readable += usize::from(Event::parse(&text).is_ok());
    }
    // Both outcomes happen, or the mutations test nothing.
    assert!((1_000..99_000).contains(&readable), "{readable}");
}

fn mutate(bytes: &mut Vec<u8>, rng: &mut fastrand::Rng) {
    if bytes.is_empty() {
        return;
    }
    let at = rng.usize(..bytes.len());
    match rng.u8(..6) {
        0 => bytes[at] = rng.u8(..),
        1 => bytes.truncate(at),
        2 => {
            bytes.remove(at);
        }
        3 => bytes.insert(at, *rng.choice(b"{}[]\",:\\0-e").expect("not empty")),
        4 => {
            let end = (at + rng.usize(..20)).min(bytes.len());
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
        _ => {
            let other = rng.usize(..bytes.len());
            bytes.swap(at, other);
        }
    }
}

#[test]
fn deep_nesting_is_refused_and_does_not_overflow_the_stack() {
    let text = event("Dial", &format!(r#""peer":{},"#, "[".repeat(500_000)));
    assert!(Event::parse(&text).is_err());
}
