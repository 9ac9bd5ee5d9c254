//! The world by itself, in virtual time, and then on a socket.

mod on_a_socket;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::campaign::{Disposition, HangupCause, Time};

/// A world with one client of the app `app`, and what that client has heard.
struct Play {
    world: World,
    now: Time,
    client: ConnectionId,
    heard: Vec<Value>,
}

impl Play {
    fn new(scenario: Scenario, speed: f64) -> Self {
        let config = WorldConfig {
            scenario,
            seed: 1,
            speed,
            trunk: "mytrunk".to_owned(),
        };
        let now = Time::from_millis(1_800_000_000_000);
        let mut world = World::new(config, now);
        let client = world.connect(now, &["app"], false);
        Self {
            world,
            now,
            client,
            heard: Vec::new(),
        }
    }

    fn lab() -> Self {
        Self::new(Scenario::lab(), 1.0)
    }

    fn listen(&mut self) {
        while let Some(output) = self.world.poll_output() {
            if let Output::Event { text, .. } = output {
                self.heard.push(serde_json::from_str(&text).expect("JSON"));
            }
        }
    }

    /// Lets `time` pass, one happening after the other.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(next) = self.world.next_timer().filter(|next| *next <= end) {
            self.world.advance(next);
            self.now = next;
            self.listen();
        }
        self.now = end;
        self.world.advance(end);
        self.listen();
    }

    fn ask(&mut self, method: Method, path: &str, query: &[(&str, &str)]) -> Response {
        let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
        let request = Request {
            method,
            path: path.split('/').map(str::to_owned).collect(),
            query: query.iter().map(own).collect(),
            body: Value::Null,
        };
        let response = self.world.request(self.now, &request);
        self.listen();
        response
    }

    fn dial(&mut self, id: &str, number: &str) -> Response {
        let endpoint = format!("PJSIP/{number}@mytrunk");
        let query = [
            ("endpoint", endpoint.as_str()),
            ("app", "app"),
            ("channelId", id),
            ("timeout", "30"),
        ];
        self.ask(Method::Post, "channels", &query)
    }

    fn stage(&mut self, id: &str, target: &str) {
        let query = [("endpoint", target), ("app", "app"), ("channelId", id)];
        let created = self.ask(Method::Post, "channels/create", &query);
        assert_eq!(created.status, 200);
    }

    fn enter(&mut self, id: &str) -> u16 {
        let path = "bridges/room/addChannel";
        self.ask(Method::Post, path, &[("channel", id)]).status
    }

    /// The types of the events about the channel `id`, in order.
    fn events(&self, id: &str) -> Vec<&str> {
        let about = |event: &&Value| event["channel"]["id"] == id || event["peer"]["id"] == id;
        let events = self.heard.iter().filter(about);
        events
            .map(|e| e["type"].as_str().expect("a type"))
            .collect()
    }

    /// Whether its end shows this SIP answer.
    fn is_refused_with(&self, id: &str, answer: &str) -> bool {
        let ends = |e: &&Value| e["type"] == "ChannelDestroyed" && e["channel"]["id"] == id;
        let end = self.heard.iter().find(ends);
        let told = end.and_then(|end| end["channel"]["channelvars"].as_object());
        told.is_some_and(|variables| variables.values().any(|value| value == answer))
    }

    fn end_of(&self, id: &str) -> Option<HangupCause> {
        let end = self
            .heard
            .iter()
            .find(|e| e["type"] == "ChannelDestroyed" && e["channel"]["id"] == id)?;
        let number = |field: &str| end[field].as_u64().and_then(|n| u16::try_from(n).ok());
        Some(HangupCause {
            q850: number("cause")?,
            sip: number("tech_cause"),
        })
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// What becomes of each of `numbers`, dialed with `pace` between them in the order given.
fn fates(numbers: &[String], pace: Duration) -> BTreeMap<String, &'static str> {
    let mut play = Play::new(Scenario::default(), 1.0);
    for number in numbers {
        play.dial(number, number);
        play.pass(pace);
    }
    play.pass(60 * SECOND);
    let fate = |number: &String| {
        if play.events(number).contains(&"StasisStart") {
            return "answered";
        }
        let end = play.end_of(number).expect("an unanswered call ends");
        if play.is_refused_with(number, "SIP 603 Network Blocked") {
            return "blocked";
        }
        end.disposition().as_str()
    };
    numbers.iter().map(|n| (n.clone(), fate(n))).collect()
}

#[test]
fn the_same_seed_gives_the_same_fates_whatever_the_order_and_the_pace() {
    let list = demo_numbers(1, 100);
    let mut numbers: Vec<String> = list.iter().map(ToString::to_string).collect();
    let fast = fates(&numbers, Duration::ZERO);
    numbers.reverse();
    assert_eq!(fast, fates(&numbers, 3 * SECOND));
    let different: std::collections::BTreeSet<_> = fast.values().collect();
    assert!(different.len() >= 7, "{different:?}");
}

#[test]
fn every_call_ends_as_the_scenario_foretells() {
    let scenario = Scenario::default();
    for number in demo_numbers(1, 100) {
        let foretold = scenario.disposition(1, number.as_str(), "777@default");
        let got = &fates(&[number.to_string()], SECOND)[number.as_str()];
        let answered = matches!(foretold, Disposition::Answered | Disposition::Abandoned);
        assert_eq!(
            *got,
            if answered {
                "answered"
            } else {
                foretold.as_str()
            }
        );
    }
}

#[test]
fn a_target_does_what_hangs_on_the_number_it_is_dialed_for() {
    let scenario = Scenario::default();
    let mut seen = BTreeMap::new();
    for number in demo_numbers(1, 100) {
        let number = number.as_str();
        let foretold = scenario.disposition(1, number, "777@default");
        if !foretold.is_seizure() {
            continue;
        }
        let mut play = Play::new(scenario.clone(), 1.0);
        play.ask(Method::Post, "bridges/room", &[]);
        play.stage("b", "Local/777@default");
        play.enter("b");
        play.dial("a", number);
        while !play.events("a").contains(&"StasisStart") {
            play.pass(SECOND / 10);
        }
        play.enter("a");
        play.ask(Method::Post, "channels/b/dial", &[("timeout", "20")]);
        play.pass(3 * SECOND);
        let up = |e: &&Value| e["peer"]["id"] == "b" && e["dialstatus"] == "ANSWER";
        let reached = play.heard.iter().any(|e| up(&e));
        assert_eq!(reached, foretold == Disposition::Answered, "{number}");
        *seen.entry(foretold.as_str()).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 2, "both kinds were tried: {seen:?}");
}

#[test]
fn speed_shortens_ringing_and_the_timeout_of_the_request() {
    let mut play = Play::new(Scenario::lab(), 10.0);
    play.dial("a", "30000001");
    play.pass(Duration::from_millis(2900));
    assert_eq!(play.end_of("a"), None);
    play.pass(Duration::from_millis(200));
    let end = play
        .end_of("a")
        .expect("30 s are 3 s at ten times the speed");
    assert_eq!((end.q850, end.sip), (19, Some(480)));
}

#[test]
fn a_recording_is_as_long_as_it_ran_and_holds_each_side_where_it_was_up() {
    let mut play = Play::lab();
    play.dial("a", "80000001");
    play.pass(SECOND);
    play.ask(
        Method::Post,
        "channels/a/snoop/s",
        &[("spy", "both"), ("app", "app")],
    );
    let query = [("name", "folder/x"), ("format", "wav")];
    assert_eq!(
        play.ask(Method::Post, "channels/s/record", &query).status,
        201
    );
    play.ask(Method::Post, "bridges/room", &[]);
    play.stage("b", "Local/111@lab");
    play.enter("a");
    play.enter("b");
    play.ask(Method::Post, "channels/b/dial", &[]);
    // B answers after 0.5 s and the network's 2 ms.
    play.pass(2 * SECOND);
    play.ask(Method::Delete, "channels/a", &[]);
    let finished = play.heard.iter().find(|e| e["type"] == "RecordingFinished");
    assert_eq!(
        finished.expect("it ends with A")["recording"]["duration"],
        2
    );
    let request = Request {
        method: Method::Get,
        path: ["recordings", "stored", "folder/x", "file"]
            .map(str::to_owned)
            .into(),
        query: Vec::new(),
        body: Value::Null,
    };
    let Body::Wav(file) = play.world.request(play.now, &request).body else {
        panic!("no file");
    };
    let reader = hound::WavReader::new(file.as_slice()).expect("a WAV file");
    let samples: Vec<i16> = reader
        .into_samples()
        .map(|s| s.expect("a sample"))
        .collect();
    assert_eq!(samples.len(), 16_000);
    let loudest = |part: &[i16]| part.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0);
    // B came 4016 samples after the beginning: in each hundredth of a second before that A is
    // heard alone, and in each after it both.
    for (place, part) in samples.chunks(80).enumerate() {
        let loudest = loudest(part);
        match place {
            0..50 => assert!((7000..=8000).contains(&loudest), "{place}: {loudest}"),
            50 => {}
            _ => assert!(loudest > 12_000, "{place}: {loudest}"),
        }
    }
}

#[test]
fn a_lost_recording_is_reported_as_finished_and_is_not_there() {
    let mut play = Play::lab();
    let faults = Faults {
        lost_recordings_percent: 100,
        ..Faults::default()
    };
    play.world.set_faults(play.now, faults);
    play.dial("a", "80000001");
    play.pass(SECOND);
    play.ask(
        Method::Post,
        "channels/a/record",
        &[("name", "x"), ("format", "wav")],
    );
    play.ask(Method::Delete, "channels/a", &[]);
    assert!(play.heard.iter().any(|e| e["type"] == "RecordingFinished"));
    assert_eq!(
        play.ask(Method::Get, "recordings/stored/x", &[]).status,
        404
    );
}

#[test]
fn a_kept_channel_is_out_of_its_bridge_and_listed_and_a_hangup_ends_nothing() {
    let mut play = Play::lab();
    let faults = |kept_for| Faults {
        kept_channels_percent: 100,
        kept_for,
        ..Faults::default()
    };
    play.world
        .set_faults(play.now, faults(Span::new(5000, 5000)));
    play.dial("a", "81000001");
    play.ask(Method::Post, "bridges/room", &[]);
    play.pass(SECOND / 2);
    assert_eq!(play.enter("a"), 204);
    play.pass(2 * SECOND);
    assert_eq!(play.events("a").last(), Some(&"ChannelLeftBridge"));
    assert_eq!(play.ask(Method::Delete, "channels/a", &[]).status, 204);
    assert_eq!(play.events("a").last(), Some(&"ChannelHangupRequest"));
    assert_eq!(play.world.channel_ids(), ["a"]);
    play.pass(5 * SECOND);
    assert_eq!(play.events("a").last(), Some(&"ChannelDestroyed"));
    assert!(play.world.channel_ids().is_empty());

    play.world.set_faults(play.now, faults(None));
    play.dial("b", "81000002");
    play.pass(100 * SECOND);
    assert_eq!(play.world.channel_ids(), ["b"]);
    play.world.inflict(play.now, Fault::Restart { down: 0 });
    assert!(play.world.channel_ids().is_empty());
}

#[test]
fn late_and_doubled_events_come_late_and_doubled() {
    let mut play = Play::lab();
    let faults = Faults {
        duplicate_events_percent: 100,
        late_events_percent: 100,
        late_event: Span::new(500, 500),
        ..Faults::default()
    };
    play.world.set_faults(play.now, faults);
    play.dial("a", "10000001");
    play.pass(Duration::from_millis(499));
    assert!(play.events("a").is_empty());
    play.pass(SECOND);
    let ends = play
        .events("a")
        .iter()
        .filter(|k| **k == "ChannelDestroyed")
        .count();
    assert_eq!(ends, 2);
}

#[test]
fn a_slow_stasis_lets_a_leg_join_no_bridge_at_first() {
    let mut play = Play::lab();
    let faults = Faults {
        stasis_delay: Span::new(20, 20),
        ..Faults::default()
    };
    play.world.set_faults(play.now, faults);
    play.ask(Method::Post, "bridges/room", &[]);
    play.stage("b", "Local/100@lab");
    assert_eq!(play.enter("b"), 422);
    play.pass(Duration::from_millis(25));
    assert_eq!(play.enter("b"), 204);
}

#[test]
fn a_restart_takes_channels_and_apps_and_leaves_the_disk() {
    let mut play = Play::lab();
    play.dial("a", "80000001");
    play.pass(SECOND);
    play.ask(
        Method::Post,
        "channels/a/record",
        &[("name", "x"), ("format", "wav")],
    );
    play.pass(SECOND);
    play.world.inflict(play.now, Fault::Restart { down: 2000 });
    assert_eq!(play.world.poll_output(), Some(Output::Restart));
    assert!(play.world.is_down(play.now));
    assert_eq!(play.dial("c", "80000002").status, 503);
    play.pass(2 * SECOND);
    assert!(!play.world.is_down(play.now));
    assert!(play.world.channel_ids().is_empty());
    assert_eq!(play.world.stored_names(), ["x"]);
    let app = play.ask(Method::Get, "applications/app", &[]);
    assert_eq!(app.status, 404);
    assert_eq!(play.world.calls_placed(), ["80000001"]);
}

#[test]
fn scheduled_faults_come_in_their_time_and_not_after_others_were_set() {
    let mut play = Play::lab();
    let drop_at = |at| Faults {
        scheduled: vec![ScheduledFault {
            at,
            fault: Fault::DropSockets,
        }],
        ..Faults::default()
    };
    play.world.set_faults(play.now, drop_at(1000));
    play.world.set_faults(play.now, drop_at(3000));
    let closed = |play: &mut Play, time| {
        let end = play.now + time;
        play.world.advance(end);
        play.now = end;
        play.world.poll_output()
    };
    assert_eq!(closed(&mut play, 2 * SECOND), None);
    let expected = Some(Output::Close(play.client));
    assert_eq!(closed(&mut play, SECOND), expected);
}

#[test]
fn a_channel_of_a_used_id_is_not_hit_by_its_predecessors_timers() {
    let mut play = Play::lab();
    play.dial("a", "30000001");
    play.pass(20 * SECOND);
    play.ask(Method::Delete, "channels/a", &[]);
    play.dial("a", "80000001");
    play.pass(20 * SECOND);
    assert_eq!(play.world.channel_ids(), ["a"]);
}

#[test]
fn the_most_channels_at_once_are_counted_on_the_trunk_alone() {
    let mut play = Play::lab();
    for n in 0..3 {
        play.dial(&format!("a{n}"), &format!("3000000{n}"));
    }
    play.stage("b", "Local/100@lab");
    play.ask(Method::Delete, "channels/a0", &[]);
    play.dial("a3", "30000003");
    assert_eq!(play.world.peak_trunk_channels(), 3);
}

#[test]
fn a_line_counts_from_its_first_sound_and_tells_the_rest_with_the_first_report() {
    let mut play = Play::lab();
    play.dial("a", "82000001");
    let path = "channels/a/rtp_statistics";
    assert_eq!(play.ask(Method::Get, path, &[]).status, 404);
    play.pass(SECOND / 2);
    let mut counters = |after: Duration| {
        play.pass(after);
        match play.ask(Method::Get, path, &[]).body {
            Body::Json(body) => body,
            other => panic!("not JSON: {other:?}"),
        }
    };
    let early = counters(2 * SECOND);
    let later = counters(10 * SECOND);
    let of = |body: &Value, name: &str| body[name].as_f64().expect("a number");
    assert_eq!((&early["rtt"], &early["txmes"]), (&json!(0.0), &json!(0)));
    assert!((0.02..=0.4).contains(&of(&later, "rtt")), "{later}");
    assert!((1.0..=88.0).contains(&of(&later, "txmes")), "{later}");
    let sent = |body: &Value| body["txcount"].as_u64().expect("a count");
    assert_eq!(sent(&later) - sent(&early), 500);
    assert!(of(&later, "rxploss") <= of(&later, "txcount") - of(&later, "rxcount"));
    assert_eq!(early["txjitter"], later["txjitter"]);
}

#[test]
fn some_lines_are_bad_and_most_are_good() {
    let mut play = Play::lab();
    let numbers: Vec<String> = (0..100).map(|n| format!("800000{n:02}")).collect();
    for number in &numbers {
        play.dial(number, number);
    }
    play.pass(10 * SECOND);
    let mut loses = |number: &String| {
        let path = format!("channels/{number}/rtp_statistics");
        let response = play.ask(Method::Get, &path, &[]);
        matches!(response.body, Body::Json(body) if body["rxploss"].as_u64() > Some(5))
    };
    let bad = numbers.iter().filter(|number| loses(number)).count();
    assert!((3..30).contains(&bad), "{bad} of 100");
}

#[test]
fn an_event_filter_holds_back_what_it_names() {
    let mut play = Play::lab();
    let request = Request {
        method: Method::Put,
        path: ["applications", "app", "eventFilter"]
            .map(str::to_owned)
            .into(),
        query: Vec::new(),
        body: json!({ "disallowed": [{ "type": "Dial" }] }),
    };
    assert_eq!(play.world.request(play.now, &request).status, 200);
    play.dial("a", "10000001");
    play.pass(SECOND);
    assert_eq!(
        play.events("a"),
        ["ChannelHangupRequest", "ChannelDestroyed"]
    );
}
