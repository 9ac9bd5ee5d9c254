//! `GET /start` in each state, and what it says of settings and list.

use std::fs;
use std::time::Duration;

use rusqlite::Connection;

use super::{Answer, BUSY, Rig, SOON, STAYS, Served, json};
use crate::support::numbers::numbers;

/// The whole of an answer that has no more to tell than the replaced program's.
fn assert_says(answer: &Answer, status: u16, message: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    let whole = json!({ "status": "ok", "message": message });
    assert_eq!(answer.json(), whole);
}

fn start(rig: &Rig, served: &Served) -> Answer {
    rig.get(served, "/start")
}

fn done(rig: &Rig, served: &Served, run: u32) {
    rig.until(served, "the end", |s| {
        s["state"] == "DONE" && s["run"] == run
    });
}

#[test]
fn a_run_that_drains_dials_again() {
    let rig = Rig::new(&numbers(STAYS, 4), &[]);
    let served = rig.serve();
    assert_says(&start(&rig, &served), 201, "Dialer started successfully.");
    rig.until(&served, "calls", |s| s["calls"]["in_use"] == 2);
    assert_eq!(rig.post(&served, "/drain").status, 200);
    let state = &rig.get(&served, "/api/v1/status").json()["state"];
    assert_eq!(state, "DRAINING");
    assert_says(&start(&rig, &served), 200, "Dialer already running.");
    let state = &rig.get(&served, "/api/v1/status").json()["state"];
    assert_eq!(state, "DIALING");
    assert_eq!(rig.post(&served, "/calls/hangup").status, 200);
    rig.until(&served, "the next two", |s| {
        s["calls"]["in_use"] == 2 && s["leads"]["waiting"] == 0
    });
    assert_eq!(rig.asterisk.calls_placed().len(), 4, "nobody twice");
    served.process.kill();
}

#[test]
fn after_the_end_only_a_list_that_brings_somebody_begins_a_run_within_six_hours() {
    let mut rig = Rig::new(&numbers(BUSY, 3), &[]);
    let served = rig.serve();
    assert_says(&start(&rig, &served), 201, "Dialer started successfully.");
    done(&rig, &served, 1);
    assert_calls_nobody(&start(&rig, &served));
    // Fewer are nobody new.
    rig.deck.list(numbers(BUSY, 2));
    assert_calls_nobody(&start(&rig, &served));
    done(&rig, &served, 1);
    assert_eq!(rig.asterisk.calls_placed(), numbers(BUSY, 3));

    let more: Vec<String> = numbers(BUSY, 2)
        .into_iter()
        .chain(["10559001".to_owned()])
        .collect();
    rig.deck.list(&more);
    assert_calls_everybody(&start(&rig, &served));
    done(&rig, &served, 2);
    let mut all = [numbers(BUSY, 3), more.clone()].concat();
    // Two calls at once may leave in any order.
    let mut placed = rig.asterisk.calls_placed();
    all.sort();
    placed.sort();
    assert_eq!(placed, all, "everybody on it, once");
    assert_calls_nobody(&start(&rig, &served));
    done(&rig, &served, 2);

    // Another list is another reason.
    fs::write(rig.deck.path("other.txt"), "10559002\n").expect("the folder is ours");
    rig.deck.change("OUTBOUND_NUMBER_FILE", "other.txt");
    rig.deck.write_env();
    let other = start(&rig, &served);
    assert_calls_everybody(&other);
    let changed = other.json()["changed"].to_string();
    assert!(
        changed.contains("the list is ") && changed.contains("other.txt"),
        "{changed}"
    );
    assert_eq!(other.json().get("ignored"), None);
    done(&rig, &served, 3);
    let last = rig.asterisk.calls_placed().split_off(all.len());
    assert_eq!(last, ["10559002"]);
    served.process.kill();
}

/// It says that nobody is dialed, since when, and what would dial.
fn assert_calls_nobody(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let message = answer.json()["message"].to_string();
    for said in [
        "Dialer already running. The list is done since 20",
        "nobody is dialed. GET /start calls everybody again from 20",
        "START_AGAIN_AFTER",
        "POST /api/v1/new_run does at once.",
    ] {
        assert!(message.contains(said), "no {said:?} in {message}");
    }
}

/// It says that everybody is called again, and who asked.
fn assert_calls_everybody(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let message = answer.json()["message"].to_string();
    let said = "Dialer run restarted. Everybody on the list is called again, as asked by http";
    assert!(message.contains(said), "{message}");
}

/// Makes the end of the run that much older, in the journal of a process that has ended.
fn age(rig: &Rig, by: Duration) {
    let file = Connection::open(rig.deck.path("dialdeck.db")).expect("it is a journal");
    let micros = i64::try_from(by.as_micros()).expect("some hours");
    let changed = file.execute("UPDATE runs SET changed_at = changed_at - ?1", [micros]);
    assert_eq!(changed, Ok(1));
}

#[test]
fn hours_after_the_end_the_same_list_is_called_again_by_whichever_process() {
    let rig = Rig::new(&numbers(BUSY, 2), &[("STATE_FILE", "dialdeck.db")]);
    let mut served = rig.serve();
    assert_eq!(start(&rig, &served).status, 201);
    done(&rig, &served, 1);
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    for (older, again, run) in [(hours(5), false, 1), (hours(1), true, 2)] {
        served.process.signal("TERM");
        assert_eq!(served.process.wait(SOON).code, Some(0));
        age(&rig, older);
        served = rig.serve();
        let answer = start(&rig, &served);
        if again {
            assert_calls_everybody(&answer);
        } else {
            assert_calls_nobody(&answer);
        }
        done(&rig, &served, run);
    }
    let twice = [numbers(BUSY, 2), numbers(BUSY, 2)].concat();
    assert_eq!(rig.asterisk.calls_placed(), twice);
    served.process.kill();
}

#[test]
fn what_only_looks_and_what_is_loaded_in_advance_starts_nothing() {
    let rig = Rig::new(&numbers(STAYS, 2), &[]);
    let served = rig.serve();
    let url = format!("{}/start", served.base);
    let looked = rig.send(served.client.head(&url));
    assert_eq!((looked.status, looked.text.as_str()), (200, ""));
    for (name, value) in [
        ("Sec-Purpose", "prefetch"),
        ("Sec-Purpose", "prefetch;prerender"),
        ("Purpose", "prefetch"),
    ] {
        let answer = rig.send(served.client.get(&url).header(name, value));
        assert_eq!(answer.status, 503, "{name}: {}", answer.text);
        assert!(
            answer.text.contains("nothing was started"),
            "{}",
            answer.text
        );
    }
    let client = &served.client;
    for request in [client.post(&url), client.put(&url), client.delete(&url)] {
        let answer = rig.send(request);
        assert_eq!(answer.status, 405, "{}", answer.text);
        assert_eq!(answer.allow.as_deref(), Some("GET, HEAD"));
    }
    let status = rig.get(&served, "/api/v1/status").json();
    assert_eq!(
        (&status["state"], &status["run"]),
        (&json!("IDLE"), &json!(1))
    );
    assert_eq!(rig.asterisk.calls_placed(), [] as [&str; 0]);
    assert_says(&start(&rig, &served), 201, "Dialer started successfully.");
    served.process.kill();
}

#[test]
fn what_has_changed_and_what_waits_for_the_next_start_is_told_and_holds() {
    let mut rig = Rig::new(&numbers(STAYS, 6), &[("CALLER_ID", "100")]);
    let served = rig.serve();
    assert_eq!(start(&rig, &served).status, 201);
    rig.until(&served, "calls", |s| s["calls"]["in_use"] == 2);
    for (name, value) in [
        ("MAX_CC", "3"),
        ("CALL_TIMEOUT", "9"),
        ("CALLER_ID", "Sales <200>"),
        ("TARGET_ENDPOINT", "Local/101@lab"),
        ("RECORDINGS_DIR", "later"),
        ("RECORDING_FORMAT", "gsm"),
        ("ARI_PASSWORD", "unheard-of"),
        ("ARI_TRUNK", "another"),
        ("STASIS_APP", "another"),
        ("STATE_FILE", "other.db"),
        ("CONTROL_ADDR", "127.0.0.1:3999"),
        ("CONTROL_TOKEN", "0123456789abcdef0123"),
    ] {
        rig.deck.change(name, value);
    }
    // Two of the list are gone, and one is new.
    let list: Vec<String> = numbers(STAYS, 4)
        .into_iter()
        .chain(["10559001".to_owned()])
        .collect();
    rig.deck.list(&list);
    rig.deck.write_env();
    let answer = start(&rig, &served);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let said = answer.json();
    assert_eq!(said["message"], "Dialer already running.");
    let changed = [
        "MAX_CC is 3".to_owned(),
        "CALL_TIMEOUT is 9 s".to_owned(),
        "CALLER_ID is Sales <200>".to_owned(),
        "the target is Local/101@lab".to_owned(),
        "TARGET_TIMEOUT is 9 s".to_owned(),
        format!("RECORDINGS_DIR is {}", rig.deck.path("later").display()),
        "RECORDING_FORMAT is gsm".to_owned(),
        "1 number joined".to_owned(),
        "2 are no longer listed".to_owned(),
    ];
    assert_eq!(said["changed"], json!(changed));
    let kept = [
        "ARI_PASSWORD",
        "STASIS_APP",
        "ARI_TRUNK",
        "STATE_FILE",
        "CONTROL_ADDR",
        "CONTROL_TOKEN",
    ];
    let kept = kept.map(|name| format!("{name} changes at the next start of the process"));
    assert_eq!(said["ignored"], json!(kept));
    assert!(!answer.text.contains("unheard-of"), "{}", answer.text);

    // It holds: three calls, the last by the new settings, and the API where it was.
    let status = rig.until(&served, "three calls", |s| s["calls"]["in_use"] == 3);
    assert_eq!(status["target"], "Local/101@lab");
    assert_eq!(status["calls"]["max_cc"], 3);
    assert_eq!(status["leads"]["ended"]["skipped"], 2);
    // Nothing of it is new the next time.
    let again = start(&rig, &served).json();
    assert_eq!(again.get("changed"), None, "{again}");
    assert_eq!(again["ignored"], json!(kept));
    served.process.kill();
}

#[test]
fn a_bad_env_or_list_is_told_whole_and_changes_nothing_in_a_run() {
    let mut rig = Rig::new(&numbers(STAYS, 4), &[]);
    let served = rig.serve();
    assert_eq!(start(&rig, &served).status, 201);
    rig.until(&served, "calls", |s| s["calls"]["in_use"] == 2);
    let same = |rig: &Rig| {
        let status = rig.get(&served, "/api/v1/status").json();
        assert_eq!(status["state"], "DIALING", "{status}");
        assert_eq!(
            (&status["calls"]["max_cc"], &status["leads"]["all"]),
            (&json!(2), &json!(4))
        );
        assert_eq!(status["target"], "Local/100@lab");
    };
    rig.deck.list(numbers(STAYS, 9));
    rig.deck.change("TARGET_ENDPOINT", "Local/101@lab");
    let problems = [
        ("MAX_CC", "0"),
        ("CALL_TIMEOUT", "soon"),
        ("ARI_URL", "nowhere"),
    ];
    for (name, value) in problems {
        rig.deck.change(name, value);
    }
    rig.deck.write_env();
    let bad = start(&rig, &served);
    assert_eq!(bad.status, 500, "{}", bad.text);
    assert_eq!(bad.json()["status"], "error");
    let message = bad.json()["message"].as_str().expect("a text").to_owned();
    for (name, _) in problems {
        assert!(message.contains(name), "no {name} in {message}");
    }
    same(&rig);

    let url = rig.asterisk.url();
    for (name, value) in [("MAX_CC", "7"), ("CALL_TIMEOUT", "5"), ("ARI_URL", &url)] {
        rig.deck.change(name, value);
    }
    rig.deck.write_env();
    fs::remove_file(rig.deck.path("numbers.txt")).expect("it is ours");
    let bad = start(&rig, &served);
    assert_eq!(bad.status, 500, "{}", bad.text);
    let message = bad.json()["message"].as_str().expect("a text").to_owned();
    assert!(message.contains("numbers.txt"), "{message}");
    same(&rig);

    rig.deck.list(numbers(STAYS, 9));
    let good = start(&rig, &served);
    assert_eq!(good.status, 200, "{}", good.text);
    let changed = json!([
        "MAX_CC is 7",
        "the target is Local/101@lab",
        "5 numbers joined"
    ]);
    assert_eq!(good.json()["changed"], changed);
    served.process.kill();
}
