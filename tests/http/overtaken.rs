//! Starts whose list takes long to be read, and somebody who holds dialing back meanwhile.

use std::fs;
use std::process::Command;
use std::thread;

use super::{Answer, Rig, SOON, STAYS, Served};
use crate::support::numbers::numbers;

/// Asks for a start while the list is a pipe, does `meanwhile`, and writes the list.
fn start_slowly(rig: &Rig, served: &Served, meanwhile: impl FnOnce()) -> Answer {
    let list = rig.deck.path("numbers.txt");
    fs::remove_file(&list).expect("it is ours");
    let made = Command::new("mkfifo").arg(&list).status();
    assert!(made.expect("mkfifo runs").success());
    let answer = thread::scope(|scope| {
        let asked = scope.spawn(|| rig.get(served, "/start"));
        // Opens when the other end does.
        let pipe = fs::OpenOptions::new().write(true).open(&list);
        meanwhile();
        let mut pipe = pipe.expect("somebody reads it");
        for number in numbers(STAYS, 4) {
            use std::io::Write;
            writeln!(pipe, "{number}").expect("it is read");
        }
        drop(pipe);
        asked.join().expect("an answer")
    });
    fs::remove_file(&list).expect("it is ours");
    fs::write(&list, numbers(STAYS, 4).join("\n")).expect("the folder is ours");
    answer
}

#[test]
fn a_pause_that_overtakes_a_start_of_a_run_holds_and_is_told() {
    let rig = Rig::new(&numbers(STAYS, 4), &[]);
    let served = rig.serve();
    assert_eq!(rig.get(&served, "/start").status, 201);
    rig.until(&served, "calls", |status| status["calls"]["in_use"] == 2);
    let answer = start_slowly(&rig, &served, || {
        assert_eq!(rig.post(&served, "/pause").status, 200);
    });
    assert_eq!(answer.status, 200, "{}", answer.text);
    let message = "Dialer already running. It is PAUSED: by the operator.";
    assert_eq!(answer.json()["message"], message);
    let status = rig.get(&served, "/api/v1/status").json();
    assert_eq!(status["state"], "PAUSED");
    assert_eq!(rig.asterisk.calls_placed().len(), 2, "nobody else");
}

#[test]
fn a_pause_that_overtakes_the_first_start_keeps_it_from_beginning_and_says_so() {
    let rig = Rig::new(&numbers(STAYS, 4), &[]);
    let served = rig.serve();
    let answer = start_slowly(&rig, &served, || {
        let paused = rig.post(&served, "/pause");
        assert_eq!(paused.status, 200, "{}", paused.text);
        let said = "the start whose list is being read is not done";
        assert!(paused.text.contains(said), "{}", paused.text);
    });
    assert_eq!(answer.status, 500, "{}", answer.text);
    let why = "not done: while the list was read, somebody paused, drained or hung up";
    assert_eq!(answer.json()["message"], why);
    let status = rig.get(&served, "/api/v1/status").json();
    assert_eq!(status["state"], "IDLE");
    assert!(rig.asterisk.calls_placed().is_empty());
    // Nothing is held for good, and without a start a pause has nothing to stop.
    let paused = rig.post(&served, "/pause");
    assert!(paused.text.contains("nothing to pause"), "{}", paused.text);
    assert_eq!(rig.get(&served, "/start").status, 201);
    served.process.wait_for("call.dialing", SOON);
}
