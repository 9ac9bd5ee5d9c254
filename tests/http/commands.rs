//! What the commands do, and not only what they answer.

use std::thread;
use std::time::Duration;

use super::{BUSY, Rig, STAYS, Served, Value};
use crate::support::numbers::numbers;

/// Longer than it takes to dial somebody.
const A_WHILE: Duration = Duration::from_millis(700);

fn done(rig: &Rig, served: &Served, path: &str) {
    let answer = rig.post(served, path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    assert_eq!(answer.json()["status"], "ok", "{path}");
}

/// Those who are being called: attempt and lead of each.
fn calls(rig: &Rig, served: &Served) -> Vec<(u64, u64)> {
    let calls = rig.get(served, "/api/v1/calls").json();
    let id = |call: &Value, name: &str| call[name].as_u64().expect("an id");
    let calls = calls.as_array().expect("a list").iter();
    calls
        .map(|call| (id(call, "attempt"), id(call, "lead")))
        .collect()
}

fn leads(rig: &Rig, served: &Served) -> Vec<u64> {
    calls(rig, served)
        .into_iter()
        .map(|(_, lead)| lead)
        .collect()
}

/// Two calls are up, and both have reached the target.
fn two_talk(rig: &Rig, served: &Served) {
    rig.until(served, "two who talk", |_| {
        let calls = rig.get(served, "/api/v1/calls").json();
        let calls = calls.as_array().expect("a list");
        calls.len() == 2 && calls.iter().all(|call| call["state"] == "bridged")
    });
}

/// As the program tells of each attempt at this lead, the latest first.
fn attempts(rig: &Rig, served: &Served, lead: u64, name: &str) -> Vec<Value> {
    let detail = rig.get(served, &format!("/api/v1/leads/{lead}")).json();
    let attempts = detail["attempts"].as_array().expect("a list").iter();
    attempts.map(|attempt| attempt[name].clone()).collect()
}

#[test]
fn a_paused_run_places_no_call_until_it_is_resumed() {
    let rig = Rig::new(&numbers(STAYS, 6), &[]);
    let served = rig.serve();
    done(&rig, &served, "/start");
    two_talk(&rig, &served);
    done(&rig, &served, "/pause");
    done(&rig, &served, "/calls/hangup");
    rig.until(&served, "free places", |s| s["calls"]["in_use"] == 0);
    thread::sleep(A_WHILE);
    let status = rig.get(&served, "/api/v1/status").json();
    assert_eq!(status["state"], "PAUSED", "hanging up changes no state");
    assert_eq!(rig.asterisk.calls_placed().len(), 2, "dialed in a pause");
    done(&rig, &served, "/resume");
    rig.until(&served, "calls again", |s| {
        s["state"] == "DIALING" && s["calls"]["in_use"] == 2
    });
    assert_eq!(
        leads(&rig, &served),
        [2, 3],
        "who waits goes on, nobody again"
    );
    served.process.kill();
}

#[test]
fn a_drained_run_lets_its_calls_be_and_is_idle_when_they_have_ended() {
    let rig = Rig::new(&numbers(STAYS, 6), &[]);
    let served = rig.serve();
    done(&rig, &served, "/start");
    two_talk(&rig, &served);
    done(&rig, &served, "/drain");
    thread::sleep(A_WHILE);
    let status = rig.get(&served, "/api/v1/status").json();
    assert_eq!(
        (&status["state"], &status["calls"]["in_use"]),
        (&"DRAINING".into(), &2.into())
    );
    let first = calls(&rig, &served)[0].0;
    done(&rig, &served, &format!("/calls/{first}/hangup"));
    rig.until(&served, "one call", |s| s["calls"]["in_use"] == 1);
    thread::sleep(A_WHILE);
    assert_eq!(rig.asterisk.calls_placed().len(), 2, "dialed in a drain");
    done(&rig, &served, "/calls/hangup");
    let status = rig.until(&served, "IDLE", |s| s["state"] == "IDLE");
    assert_eq!(status["leads"]["waiting"], 4, "{status}");
    assert_eq!(rig.asterisk.calls_placed().len(), 2);
    served.process.kill();
}

#[test]
fn hanging_up_ends_the_calls_that_it_names_and_dialing_goes_on() {
    let rig = Rig::new(&numbers(STAYS, 7), &[]);
    let served = rig.serve();
    done(&rig, &served, "/start");
    two_talk(&rig, &served);
    let (attempt, lead) = calls(&rig, &served)[0];
    done(&rig, &served, &format!("/calls/{attempt}/hangup"));
    rig.until(&served, "the next", |_| leads(&rig, &served) == [1, 2]);
    assert_eq!(attempts(&rig, &served, lead, "ended_by"), ["operator"]);
    two_talk(&rig, &served);
    done(&rig, &served, "/calls/hangup");
    rig.until(&served, "the next two", |_| leads(&rig, &served) == [3, 4]);
    for lead in [1, 2] {
        assert_eq!(attempts(&rig, &served, lead, "ended_by"), ["operator"]);
        assert_eq!(attempts(&rig, &served, lead, "disposition"), ["answered"]);
    }
    let state = &rig.get(&served, "/api/v1/status").json()["state"];
    assert_eq!(state, "DIALING");
    done(&rig, &served, "/stop");
    rig.until(&served, "IDLE", |s| {
        s["state"] == "IDLE" && s["calls"]["in_use"] == 0
    });
    assert!(rig.asterisk.channels().is_empty(), "stopped, and still up");
    assert_eq!(rig.asterisk.calls_placed().len(), 5);
    served.process.kill();
}

#[test]
fn a_lead_that_is_skipped_is_not_called_and_one_that_is_put_back_is_called_once_more() {
    let list = numbers(BUSY, 4);
    let rig = Rig::new(&list, &[("MAX_CC", "1")]);
    let served = rig.serve();
    done(&rig, &served, "/leads/1/skip");
    let skipped = rig.get(&served, "/api/v1/leads?state=skipped").json();
    assert_eq!(skipped["leads"][0]["lead"], 1, "{skipped}");
    done(&rig, &served, "/start");
    let status = rig.until(&served, "the end", |s| s["state"] == "DONE");
    let ended = &status["leads"]["ended"];
    assert_eq!((&ended["busy"], &ended["skipped"]), (&3.into(), &1.into()));
    let listed = [0, 2, 3].map(|lead: usize| list[lead].clone());
    assert_eq!(rig.asterisk.calls_placed(), listed);

    // One that was called, and the one that was not.
    for lead in [2, 1] {
        done(&rig, &served, &format!("/leads/{lead}/requeue"));
        rig.until(&served, "the end", |s| s["state"] == "DONE");
    }
    let again = [2, 1].map(|lead: usize| list[lead].clone());
    assert_eq!(
        rig.asterisk.calls_placed(),
        [listed.as_slice(), &again].concat()
    );
    assert_eq!(attempts(&rig, &served, 2, "disposition"), ["busy", "busy"]);
    assert_eq!(attempts(&rig, &served, 1, "disposition"), ["busy"]);
    served.process.kill();
}
