//! A network between dialer and Asterisk that cuts, stalls and passes one way only.

use std::time::{Duration, SystemTime};

use crate::support::deck::Deck;
use crate::support::lab::{Lab, Node};
use crate::support::proxy::{Fault, Kind, Proxy};
use crate::support::wait::wait;
use crate::{DIAL, assert_accounted, dice, done, rounds, time_of};

const SOON: Duration = Duration::from_secs(10);

/// An originate that was written right before the loss was noticed may reach the proxy, on a
/// busy machine, so much later.
const ON_ITS_WAY: Duration = Duration::from_millis(100);

#[test]
fn a_network_that_cuts_stalls_and_half_opens_loses_and_doubles_nobody() {
    let lab = Lab::get();
    let mut dice = dice();
    let cuts = rounds("DIALDECK_CUTS", 12);
    let address = lab.ari_url().trim_start_matches("http://");
    let proxy = Proxy::start(address.parse().expect("an address"));
    let prefixes = ["10", "8603", "40", "8605", "81", "8604", "8602"];
    let list: Vec<String> = (0..cuts * 10)
        .map(|i| format!("{}55{i:04}", prefixes[i % prefixes.len()]))
        .collect();
    let mut deck = Deck::new(lab.env())
        .set("ARI_URL", proxy.url())
        .set("MAX_CC", 8)
        .set("CALL_TIMEOUT", 5)
        .set("TARGET_ENDPOINT", "Local/100@lab");
    deck.list(&list);
    let running = deck.spawn(&DIAL);
    running.wait_for("call.bridged", Duration::from_secs(10));
    for _ in 0..cuts {
        assert!(!running.stdout().contains("state=DONE"), "too short a list");
        trouble(&proxy, &mut dice);
        std::thread::sleep(Duration::from_millis(dice.u64(200..1_500)));
    }
    let ended = running.wait(Duration::from_secs(180));
    assert_accounted(&lab, &deck, &list, &ended);
    assert_nobody_dialed_while_down(&ended.stdout, &proxy.originates());
    lab.assert_nothing_left();
}

/// One conversation goes on while nobody hears of it, one ends, and somebody who rang is still
/// ringing.
#[test]
fn after_a_lost_link_it_says_what_goes_on_and_what_had_ended() {
    let lab = Lab::get();
    let address = lab.ari_url().trim_start_matches("http://");
    let proxy = Proxy::start(address.parse().expect("an address"));
    let list = ["8610550001", "8603550002", "3055000003"].map(str::to_owned);
    let mut deck = Deck::new(lab.env())
        .set("ARI_URL", proxy.url())
        .set("MAX_CC", 3)
        .set("CALL_TIMEOUT", 12)
        .set("TARGET_ENDPOINT", "Local/100@lab");
    deck.list(&list);
    let running = deck.spawn(&DIAL);
    let bridged = || running.stdout().matches(" call.bridged ").count();
    wait("two conversations", SOON, || bridged() == 2);
    running.wait_for(" call.ringing ", SOON);
    proxy.inflict(&[Kind::Events, Kind::Rest], Fault::Refused);
    proxy.cut(&[Kind::Events, Kind::Rest]);
    running.wait_for(" link.down ", SOON);
    let trunk = |channel: &String| channel.starts_with("PJSIP/mytrunk-");
    let called = || lab.channels(Node::Pbx).into_iter().filter(trunk).count();
    wait("the end of one", SOON, || called() == 2);
    assert!(
        !running.stdout().contains(" call.ended "),
        "it was heard of"
    );
    proxy.inflict(&[Kind::Events, Kind::Rest], Fault::None);
    running.wait_for(" reconciled going_on=2 ", SOON);
    // Requests may get through before the event stream does: then Asterisk is asked, and what
    // had ended is told of already. What goes on is told of when it is heard of again.
    let told = running.stdout();
    let lines = told.lines().filter(|line| line.contains(" reconciled "));
    let all = lines.map(done).fold([0; 5], |sum, line| {
        std::array::from_fn(|what| sum[what] + line[what])
    });
    assert_eq!(all, [2, 0, 0, 1, 0], "{told}");
    let ended = running.wait(Duration::from_secs(30));
    let rows = assert_accounted(&lab, &deck, &list, &ended);
    for (number, expected) in list.iter().zip(["answered", "answered", "no-answer"]) {
        assert_eq!(rows[number]["disposition"], expected, "{number}");
    }
    lab.assert_nothing_left();
}

/// One fault of any kind, from its beginning to its end.
pub(super) fn trouble(proxy: &Proxy, dice: &mut fastrand::Rng) {
    let kinds: &[Kind] = match dice.u8(0..3) {
        0 => &[Kind::Events],
        1 => &[Kind::Rest],
        _ => &[Kind::Events, Kind::Rest],
    };
    let fault = match dice.u8(0..5) {
        0 => Fault::None,
        1 => Fault::Stalled,
        2 => Fault::Deaf,
        3 => Fault::Mute,
        _ => Fault::Refused,
    };
    // A stall is noticed after six seconds; most are shorter, and must do no harm either.
    let share = dice.f64();
    let lasts = Duration::from_millis(50) + Duration::from_secs(8).mul_f64(share * share);
    println!("{kinds:?} {fault:?} for {lasts:?}");
    proxy.inflict(kinds, fault);
    if matches!(fault, Fault::None | Fault::Refused) {
        proxy.cut(kinds);
    }
    if fault != Fault::None {
        std::thread::sleep(lasts);
        proxy.inflict(kinds, Fault::None);
    }
}

fn assert_nobody_dialed_while_down(log: &str, originates: &[SystemTime]) {
    let mut outages = Vec::new();
    let mut down = None;
    for line in log.lines() {
        if line.contains(" link.down ") {
            down = down.or(time_of(line));
        } else if line.ends_with(" link.up")
            && let Some(since) = down.take()
        {
            outages.push((since, time_of(line).expect("a time")));
        }
    }
    println!("{} outages, {} originates", outages.len(), originates.len());
    assert!(!outages.is_empty(), "the link was never lost");
    assert!(!originates.is_empty(), "the proxy saw no originate");
    for (from, to) in outages {
        let in_it = |at: &&SystemTime| (from + ON_ITS_WAY..to).contains(*at);
        let dialed: Vec<_> = originates.iter().filter(in_it).collect();
        assert!(dialed.is_empty(), "{dialed:?} in {from:?} to {to:?}");
    }
}
