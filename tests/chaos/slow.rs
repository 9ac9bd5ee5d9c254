//! An Asterisk that answers late, or not at all, while its events come in.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime};

use super::{DIAL, time_of};
use crate::support::deck::{Deck, Running};
use crate::support::numbers::numbers;
use crate::support::proxy::{Fault, Kind, Originate, Proxy};
use crate::support::simulated::Asterisk;

/// A simulated Asterisk behind a proxy.
struct Rig {
    deck: Deck,
    proxy: Proxy,
    asterisk: Asterisk,
}

fn rig(faults: &str, max_cc: usize, count: usize) -> Rig {
    let asterisk = Asterisk::with_faults(faults);
    let proxy = Proxy::start(asterisk.addr());
    let mut deck = Deck::on(&proxy.url()).set("MAX_CC", max_cc);
    deck.list(numbers("81", count));
    Rig {
        deck,
        proxy,
        asterisk,
    }
}

/// When the first line with `text` was written.
fn told(running: &Running, text: &str) -> SystemTime {
    let log = running.stdout();
    let line = log.lines().find(|line| line.contains(text));
    line.and_then(time_of).expect("it was told")
}

#[test]
fn an_asterisk_that_answers_no_request_is_asked_until_it_does_and_nobody_is_dialed_meanwhile() {
    let rig = rig("{}", 4, 40);
    let running = rig.deck.spawn(&DIAL);
    running.wait_for("call.bridged", Duration::from_secs(10));
    // The answers are what is missing: what is asked is carried out.
    rig.proxy.inflict(&[Kind::Rest], Fault::Mute);
    running.wait_for(" asterisk.silent ", Duration::from_secs(15));
    std::thread::sleep(Duration::from_secs(8));
    let silent = told(&running, " asterisk.silent ");
    let since = |seen: &&Originate| seen.at > silent + Duration::from_millis(100);
    let dialed = rig.proxy.originates().iter().filter(since).count();
    assert_eq!(dialed, 0, "dialed with nobody to answer");
    assert!(!running.stdout().contains(" link.down "));

    rig.proxy.inflict(&[Kind::Rest], Fault::None);
    running.wait_for(" asterisk.answers ", Duration::from_secs(8));
    let ended = running.wait(Duration::from_secs(60));
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stderr, ended.stdout);
    let report = rig.deck.report();
    let answered = report.iter().filter(|r| r["disposition"] == "answered");
    assert!(answered.count() > 20, "dialing went on by itself");
    assert!(report.iter().all(|r| r["disposition"] != ""), "{report:?}");
    let mut called = rig.asterisk.calls_placed();
    called.sort();
    assert!(called.windows(2).all(|w| w[0] != w[1]), "called twice");
    assert!(rig.asterisk.channels().is_empty(), "channels are left");
    assert!(rig.asterisk.bridges().is_empty(), "bridges are left");
}

#[test]
fn not_one_originate_leaves_after_a_pause_was_answered_however_many_wait_for_a_slow_asterisk() {
    let rig = rig(r#"{"latency": [800, 1000]}"#, 90, 90);
    let running = rig.deck.spawn(&["--headless", "--start"]);
    // Each of the questions before the first call takes a second.
    let until = Instant::now() + Duration::from_secs(60);
    while rig.proxy.originates().len() < 12 {
        assert!(Instant::now() < until, "{}", running.stdout());
        std::thread::sleep(Duration::from_millis(5));
    }
    let answered = pause(&running);
    std::thread::sleep(Duration::from_secs(5));
    let originates = rig.proxy.originates();
    let late = originates.iter().filter(|seen| seen.at > answered).count();
    let withdrawn = running.stdout().matches(" call.withdrawn ").count();
    println!(
        "{} left before, {withdrawn} were kept back",
        originates.len()
    );
    assert_eq!(late, 0, "dialed after the pause");
    assert!(withdrawn > 0, "none waited: the test shows nothing");
}

/// Pauses over the control API; when that was answered.
fn pause(running: &Running) -> SystemTime {
    let log = running.stdout();
    let address = log.split("listens on http://").nth(1).expect("it listens");
    let address = address.split(['"', '\n']).next().expect("an address");
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!(
        "POST /api/v1/pause HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("it takes it");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let answered = SystemTime::now();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answered
}
