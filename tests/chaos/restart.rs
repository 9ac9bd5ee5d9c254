//! Asterisk itself is killed and comes back.

use std::time::{Duration, Instant, SystemTime};

use super::{DIAL, assert_accounted, dice};
use crate::support::deck::Deck;
use crate::support::lab::{Lab, Node};

/// How long each number may need until dialing is under way again.
const BACK_WITHIN: Duration = Duration::from_secs(5);

#[test]
fn asterisk_is_killed_three_times_and_dialing_goes_on_within_five_seconds_of_its_return() {
    let lab = Lab::get();
    let mut dice = dice();
    let prefixes = ["10", "8602", "40", "8604", "81"];
    let list: Vec<String> = (0..70)
        .map(|i| format!("{}55{i:04}", prefixes[i % prefixes.len()]))
        .collect();
    let mut deck = Deck::new(lab.env())
        .set("MAX_CC", 5)
        .set("TARGET_ENDPOINT", "Local/100@lab");
    deck.list(&list);
    let running = deck.spawn(&DIAL);
    // The second time it is away for longer than the link waits between two tries.
    for away in [1, 5, 2] {
        let before = lab.carrier_calls().len();
        wait_for_calls(&lab, before + 8);
        std::thread::sleep(Duration::from_millis(dice.u64(0..1_000)));
        lab.kill(Node::Pbx);
        std::thread::sleep(Duration::from_secs(away));
        let before = lab.carrier_calls().len();
        lab.start(Node::Pbx);
        let answers = when_it_answers(&lab);
        wait_for_calls(&lab, before + 1);
        let first: jiff::Timestamp = lab.carrier_calls()[before].at.parse().expect("a time");
        let took = SystemTime::from(first)
            .duration_since(answers)
            .unwrap_or_default();
        println!("away for {away} s; the first call {took:?} after ARI answered");
        assert!(took < BACK_WITHIN, "{took:?}\n{}", running.stdout());
    }
    let ended = running.wait(Duration::from_secs(120));
    assert_accounted(&lab, &deck, &list, &ended);
    // The carrier never heard of the crashes, so what it still has is its own affair.
    lab.cli(Node::Carrier, "channel request hangup all");
    lab.assert_nothing_left();
}

fn wait_for_calls(lab: &Lab, count: usize) {
    let until = Instant::now() + Duration::from_secs(30);
    while lab.carrier_calls().len() < count {
        assert!(Instant::now() < until, "no call for 30 s");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn when_it_answers(lab: &Lab) -> SystemTime {
    let until = Instant::now() + Duration::from_secs(60);
    while !lab.ari_answers() {
        assert!(Instant::now() < until, "Asterisk does not come back");
        std::thread::sleep(Duration::from_millis(20));
    }
    SystemTime::now()
}
