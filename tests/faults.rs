//! The shipped binary against a simulated Asterisk that misbehaves.
//!
//! The simulator is held to the real one by `tests/contract.rs`; here it does what a real one
//! can't be asked to do on a test's word.

use std::time::Duration;

use crate::support::deck::{Deck, Ended, Running};
use crate::support::numbers::mixed;
use crate::support::proxy::Proxy;
use crate::support::simulated::Asterisk;
use crate::support::wait::wait;
use dialdeck::simulator::Faults;

const SOON: Duration = Duration::from_secs(20);
const DIAL: [&str; 3] = ["--headless", "--start", "--exit-when-done"];

struct Rig {
    asterisk: Asterisk,
    deck: Deck,
    list: Vec<String>,
}

/// A campaign of short calls of every kind, and an Asterisk with these faults (JSON).
fn rig(faults: &str) -> Rig {
    let asterisk = Asterisk::with_faults(faults);
    let mut deck = asterisk
        .deck()
        .set("TARGET_ENDPOINT", "Local/101@lab")
        .set("CALL_TIMEOUT", 2)
        .set("MAX_CC", 8);
    let list = mixed(&["10", "30", "40", "81", "80", "83"], 48);
    deck.list(&list);
    Rig {
        asterisk,
        deck,
        list,
    }
}

impl Rig {
    /// The campaign went well in spite of the faults, within its limits.
    fn check(&self, ended: &Ended) {
        assert_eq!(ended.code, Some(0), "{}\n{}", ended.stderr, ended.stdout);
        self.asterisk.assert_accounted(&self.deck, &self.list);
        assert!(self.asterisk.peak_trunk_channels() <= 8, "over MAX_CC");
    }
}

#[test]
fn event_sockets_that_drop_every_second_double_and_lose_nobody() {
    let rig = rig(r#"{"drop_sockets_every": [700, 1500]}"#);
    let ended = rig.deck.run(&DIAL);
    assert!(ended.stdout.contains(" link.down "), "the link was lost");
    rig.asterisk.set_faults(Faults::default());
    rig.check(&ended);
}

#[test]
fn events_late_doubled_and_answers_slow_change_nothing() {
    let rig = rig(
        r#"{"latency": [0, 30], "answer_delay": [0, 40], "stasis_delay": [0, 20],
            "duplicate_events_percent": 20}"#,
    );
    let ended = rig.deck.run(&DIAL);
    rig.check(&ended);
    let answered = rig.deck.report();
    let answered = answered.iter().filter(|r| r["disposition"] == "answered");
    assert_eq!(answered.count(), 24, "who answers still reaches the target");
}

#[test]
fn an_asterisk_that_restarts_is_waited_for() {
    let rig = rig("{}");
    let running = rig.deck.spawn(&DIAL);
    running.wait_for("number=10550012", Duration::from_secs(20));
    rig.asterisk.restart(Duration::from_secs(2));
    let ended = running.wait(Duration::from_secs(90));
    assert!(ended.stdout.contains(" link.down "), "{}", ended.stdout);
    rig.check(&ended);
}

#[test]
fn a_snoop_seen_on_its_way_into_the_application_records_a_little_later() {
    let asterisk = Asterisk::with_faults(r#"{"stasis_delay": [4000, 4000]}"#);
    let mut deck = asterisk
        .deck()
        .set("TARGET_ENDPOINT", "Local/100@lab")
        .set("MAX_CC", 4);
    let list = mixed(&["80"], 4);
    deck.list(&list);
    let running = deck.spawn(&["--headless", "--start"]);
    wait("four answers", SOON, || {
        running.stdout().matches(" call.answered ").count() == 4
    });
    // The link is lost and found while the channels are on their way: a census lists them.
    asterisk.drop_sockets();
    // They are in the application after four seconds, and asked again within two.
    std::thread::sleep(Duration::from_secs(8));
    assert!(running.stdout().contains(" link.down "), "a census");
    running.stop_now();
    assert_eq!(running.wait(SOON).code, Some(0));
    for row in deck.report() {
        let recording = row["recording"].as_str().unwrap_or_default();
        assert!(deck.path(recording).is_file(), "{row:?}");
    }
}

/// One line, two numbers: the originate of the first one is on its way, and takes so many
/// seconds to be carried out. The proxy has seen it.
fn originating(seconds: u64) -> (Asterisk, Proxy, Deck, Running) {
    let asterisk = Asterisk::with_faults("{}");
    let proxy = Proxy::start(asterisk.addr());
    let mut deck = Deck::on(&proxy.url()).set("MAX_CC", 1);
    deck.list(mixed(&["30"], 2));
    let running = deck.spawn(&["--headless"]);
    running.wait_for(" link.up", SOON);
    let slow = format!(r#"{{"latency": [{seconds}000, {seconds}000]}}"#);
    asterisk.set_faults(serde_json::from_str(&slow).expect("faults"));
    let started = crate::support::web::client()
        .post(running.api() + "/api/v1/start")
        .send();
    let started = asterisk.block_on(started).expect("an answer");
    assert!(started.status().is_success(), "{}", started.status());
    running.wait_for(" call.dialing ", SOON);
    wait("the originate", SOON, || proxy.originates().len() == 1);
    // From the proxy it has no disk and no other request to wait for.
    std::thread::sleep(Duration::from_millis(500));
    asterisk.set_faults(Faults::default());
    (asterisk, proxy, deck, running)
}

/// The same, and its answer, which is waited for during five seconds, has not come.
fn doubt() -> (Asterisk, Proxy, Deck, Running) {
    let it = originating(9);
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(it.0.calls_placed().len(), 0, "it is on its way");
    it
}

#[test]
fn an_originate_that_is_carried_out_late_keeps_its_place_though_the_link_is_lost() {
    let (asterisk, _proxy, deck, running) = doubt();
    asterisk.drop_sockets();
    // The first one is hung up as it begins to ring.
    wait("both calls", SOON, || asterisk.calls_placed().len() == 2);
    assert!(running.stdout().contains(" link.down "), "it was lost");
    running.stop_now();
    assert_eq!(running.wait(SOON).code, Some(0));
    assert_eq!(asterisk.peak_trunk_channels(), 1, "over MAX_CC");
    assert_eq!(deck.report()[0]["disposition"], "failed");
}

#[test]
fn an_originate_that_an_asterisk_of_before_never_carried_out_is_waited_for_no_longer() {
    let (asterisk, _proxy, deck, running) = doubt();
    asterisk.restart(Duration::from_secs(1));
    // Nine seconds of doubt are left.
    let second = || asterisk.calls_placed().len() == 1;
    wait("the second call", Duration::from_secs(6), second);
    assert!(
        asterisk.calls_placed()[0].ends_with("0001"),
        "not the first"
    );
    running.stop_now();
    assert_eq!(running.wait(SOON).code, Some(0));
    assert_eq!(deck.report()[0]["disposition"], "failed");
}

#[test]
fn a_stop_waits_for_what_may_still_ring_and_hangs_it_up() {
    let (asterisk, _proxy, deck, running) = originating(12);
    running.stop_now();
    let ended = running.wait(SOON);
    assert_eq!(ended.code, Some(0));
    assert_eq!(asterisk.calls_placed().len(), 1, "it was carried out late");
    assert!(asterisk.channels().is_empty(), "and hung up");
    assert!(asterisk.bridges().is_empty(), "with what was staged for it");
    let row = &deck.report()[0];
    assert_eq!(row["disposition"], "cancelled", "{row:?}\n{}", ended.stdout);
}

#[test]
fn an_asterisk_that_never_returns_is_given_up_on_though_a_call_was_ringing() {
    let asterisk = Asterisk::with_faults("{}");
    let mut deck = asterisk
        .deck()
        .set("CALL_TIMEOUT", 2)
        .set("GIVE_UP_SECONDS", 2);
    let list = mixed(&["30"], 1);
    deck.list(&list);
    let running = deck.spawn(&DIAL);
    running.wait_for(" call.ringing ", SOON);
    asterisk.restart(Duration::from_secs(120));
    let ended = running.wait(SOON);
    assert_eq!(ended.code, Some(4), "{}\n{}", ended.stderr, ended.stdout);
    // What became of the call is told by the next one that sees Asterisk.
    assert_eq!(deck.report()[0]["disposition"].as_str().unwrap_or(""), "");
}

/// Asterisk keeps the channel of the only call there may be, though its phone has hung up.
#[test]
fn a_channel_that_asterisk_keeps_holds_up_neither_the_line_nor_the_end() {
    let asterisk = Asterisk::with_faults(r#"{"kept_channels_percent": 100}"#);
    let mut deck = asterisk
        .deck()
        .set("TARGET_ENDPOINT", "Local/101@lab")
        .set("CALL_TIMEOUT", 2)
        .set("MAX_CC", 1);
    let list = ["8155550001", "3055550002"].map(str::to_owned);
    deck.list(&list);
    let running = deck.spawn(&DIAL);
    running.wait_for(" asterisk.keeps ", Duration::from_secs(90));
    running.wait_for(" call.dialing attempt=2 ", SOON);
    let ended = running.wait(Duration::from_secs(40));
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stderr, ended.stdout);
    let of = |event| ended.stdout.find(event).expect("it was told");
    assert!(
        of(" asterisk.keeps ") < of(" call.dialing attempt=2 "),
        "its slot is held at first"
    );
    let left = "a channel or bridge of this dialer stays in Asterisk";
    assert!(ended.stdout.contains(left), "{}", ended.stdout);
    assert_eq!(asterisk.channels().len(), 1, "the kept one");
    assert!(asterisk.bridges().is_empty(), "bridges are left");
    let report = deck.report();
    let dispositions = report.iter().map(|row| row["disposition"].as_str());
    let dispositions: Vec<&str> = dispositions.map(Option::unwrap_or_default).collect();
    assert_eq!(dispositions, ["answered", "no-answer"]);
    let recording = report[0]["recording"].as_str().unwrap_or_default();
    assert!(deck.path(recording).is_file(), "{:?}", report[0]);

    // Whoever comes next finds a stray, and takes nobody over.
    asterisk.set_faults(Faults::default());
    deck.list([&list[..], &["3055550003".to_owned()]].concat());
    let next = deck.run(&DIAL);
    assert_eq!(next.code, Some(0), "{}\n{}", next.stderr, next.stdout);
    assert!(next.stdout.contains(" strays=1"), "{}", next.stdout);
    assert!(next.stdout.contains(left), "{}", next.stdout);
    let called = asterisk.calls_placed();
    assert_eq!(called, [&list[0], &list[1], "3055550003"]);
}
