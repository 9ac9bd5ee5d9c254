//! A network between dialer and Asterisk that cuts, stalls and passes one way only.

use std::time::{Duration, SystemTime};

use super::{DIAL, assert_accounted, dice, done, rounds, time_of};
use crate::support::deck::Deck;
use crate::support::lab::{Lab, Node};
use crate::support::proxy::{Fault, Kind, Originate, Proxy};
use crate::support::wait::wait;

const SOON: Duration = Duration::from_secs(10);

/// An originate that was written right before the loss was noticed may be read by the proxy, on
/// a busy machine, so much later. Nothing tells when it was written: the kernel gives no time of
/// arrival for a stream's bytes, and the dialer tells of a call when it decides to dial, which is
/// before it writes. So what is decided is judged without this, by the order of the dialer's own
/// lines, and only what was decided before the loss may come within it.
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
    // had ended is told of already.
    let told = running.stdout();
    let lines = told.lines().filter(|line| line.contains(" reconciled "));
    let all = lines.map(done).fold([2, 0, 0, 0, 0, 0], |sum, line| {
        let [going_on, others @ ..] = line;
        let mut all = sum;
        all[0] = going_on.min(sum[0]);
        for (all, other) in all[1..].iter_mut().zip(others) {
            *all += other;
        }
        all
    });
    assert_eq!(all, [2, 0, 0, 0, 1, 0], "{told}");
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

/// A time without the event stream, and what the dialer told in it.
struct Outage<'a> {
    from: SystemTime,
    to: SystemTime,
    told: Vec<&'a str>,
}

fn outages(log: &str) -> Vec<Outage<'_>> {
    let mut outages = Vec::new();
    let mut down: Option<(SystemTime, Vec<&str>)> = None;
    for line in log.lines() {
        if line.ends_with(" link.up")
            && let Some((from, told)) = down.take()
        {
            let to = time_of(line).expect("a time");
            outages.push(Outage { from, to, told });
        } else if let Some((_, told)) = &mut down {
            told.push(line);
        } else if line.contains(" link.down ") {
            down = time_of(line).map(|from| (from, Vec::new()));
        }
    }
    outages
}

impl Outage<'_> {
    fn tells(&self, event: &str, number: &str) -> bool {
        let number = format!(" number={number}");
        let mut lines = self.told.iter();
        lines.any(|line| line.contains(event) && line.contains(&number))
    }

    fn assert_nobody_dialed(&self, originates: &[Originate]) {
        let Self { from, to, told } = self;
        let decided = told.iter().find(|line| line.contains(" call.dialing "));
        assert_eq!(decided, None, "in {from:?} to {to:?}");
        for seen in originates.iter().filter(|o| (*from..*to).contains(&o.at)) {
            let late = seen.at.duration_since(*from).expect("it is later");
            println!("{} was seen {late:?} after the loss", seen.number);
            assert!(late < ON_ITS_WAY, "{seen:?} in {from:?} to {to:?}");
            let kept_back = self.tells(" call.withdrawn ", &seen.number);
            assert!(!kept_back, "{seen:?} was told to have been kept back");
        }
    }
}

fn assert_nobody_dialed_while_down(log: &str, originates: &[Originate]) {
    let outages = outages(log);
    println!("{} outages, {} originates", outages.len(), originates.len());
    assert!(!outages.is_empty(), "the link was never lost");
    assert!(!originates.is_empty(), "the proxy saw no originate");
    for outage in outages {
        outage.assert_nobody_dialed(originates);
    }
}
