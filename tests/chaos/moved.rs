//! A shift in which agents transfer and hold, callees transfer, carriers redirect, a panel moves
//! legs elsewhere, the dialer is killed and its event stream is cut. The scripted phones are the
//! witness.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{DIAL, dice, rounds};
use crate::support::deck::Deck;
use crate::support::lab::Lab;
use crate::support::phone::{Call, Phone, Script, Side};
use crate::support::proxy::{Kind, Proxy};

const SECOND: Duration = Duration::from_secs(1);
/// Whom callees transfer to.
const RECEIVED: &str = "79990001";
/// Who hears somebody for so long talks.
const TALKS: Duration = Duration::from_secs(1);

/// What a number's call is made of, by its last digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Plain,
    Held,
    Blind,
    Attended,
    ToOneWhoLeaves,
    CalleeTransfers,
    Redirected,
}

fn role(number: &str) -> Role {
    match number.as_bytes().last() {
        Some(b'4') => Role::Held,
        Some(b'5') => Role::Blind,
        Some(b'6') => Role::Attended,
        Some(b'7') => Role::ToOneWhoLeaves,
        Some(b'8') => Role::CalleeTransfers,
        Some(b'9') => Role::Redirected,
        _ => Role::Plain,
    }
}

/// What a customer does.
fn customer(number: &str) -> Script {
    let stays = |seconds: u32| Script::new().answer().wait(seconds * SECOND).bye();
    match role(number) {
        _ if number == RECEIVED => Script::new().answer().wait(2 * SECOND).bye(),
        Role::Redirected => Script::new().status_with(302, &["Contact: <sip:79990002@127.0.0.1>"]),
        Role::CalleeTransfers => {
            let talks = Script::new().answer().wait(2 * SECOND);
            talks.refer(RECEIVED).transferred().bye()
        }
        Role::ToOneWhoLeaves => Script::new().answer(),
        Role::Plain => stays(3),
        Role::Held | Role::Blind | Role::Attended => stays(5),
    }
}

/// What the agent does who is connected to it.
fn agent(number: &str) -> Script {
    let talks = || Script::new().answer().wait(SECOND);
    match role(number) {
        Role::Held => talks().hold().wait(SECOND).unhold(),
        Role::Blind => talks().refer("100").transferred().bye(),
        Role::Attended => {
            let asks = talks().consult("100").wait(SECOND / 2);
            asks.refer_to_consulted().transferred().bye()
        }
        Role::ToOneWhoLeaves => talks().refer("101").transferred().bye(),
        Role::Plain | Role::CalleeTransfers | Role::Redirected => talks(),
    }
}

/// The legs of plain calls that talk: the customer's number, and the ids of A and B.
fn talking(lab: &Lab) -> Vec<(String, [String; 2])> {
    let text = lab.ari("GET", "/ari/channels");
    let body = text
        .split_once("\r\n\r\n")
        .map_or(text.as_str(), |(_, body)| body);
    let channels: Value = serde_json::from_str(body).expect("Asterisk lists its channels");
    let mut found = Vec::new();
    for channel in channels.as_array().expect("a list") {
        let id = channel["id"].as_str().unwrap_or_default();
        let number = channel["connected"]["number"].as_str().unwrap_or_default();
        let is_up = channel["state"] == "Up" && channel["dialplan"]["app_name"] == "Stasis";
        if let Some(call) = id.strip_suffix("-b")
            && is_up
            && role(number) == Role::Plain
        {
            found.push((number.to_owned(), [format!("{call}-a"), id.to_owned()]));
        }
    }
    found
}

/// A panel takes a leg out of a call. Gives the customers whose leg A, and whose leg B, it was.
fn move_one(lab: &Lab, dice: &mut fastrand::Rng, moved: &mut [BTreeSet<String>; 2]) {
    let calls = talking(lab);
    let Some((number, legs)) = dice.choice(&calls) else {
        return;
    };
    let which = usize::from(dice.bool());
    let to = "continue?context=lab-transfers&extension=200";
    lab.ari("POST", &format!("/ari/channels/{}/{to}", legs[which]));
    moved[which].insert(number.clone());
}

#[test]
fn nobody_who_talks_is_cut_whatever_phones_panels_and_kills_do() {
    let lab = Lab::get();
    let mut dice = dice();
    let calls = rounds("DIALDECK_CALLS", 24);
    let phones = [Phone::carrier(&lab), Phone::agent(&lab)];
    let [carrier, agents] = &phones;
    carrier.decide(customer);
    agents.decide(agent);
    let address = lab.ari_url().trim_start_matches("http://");
    let proxy = Proxy::start(address.parse().expect("an address"));
    let list: Vec<String> = (0..calls).map(|i| format!("7955{i:04}")).collect();
    let mut deck = Deck::new(lab.env())
        .set("ARI_URL", proxy.url())
        .set("ARI_TRUNK", "scripted-open")
        .set("TARGET_ENDPOINT", "PJSIP/scripted-agent")
        .set("CALL_TIMEOUT", 10)
        .set("PAUSE_AFTER_REFUSALS", 0)
        .set("PAUSE_AFTER_ABANDONED", 0)
        .set("MAX_CC", 8);
    deck.list(&list);
    let mut moved = [BTreeSet::new(), BTreeSet::new()];
    let until = Instant::now() + Duration::from_secs(60 + 2 * calls as u64);
    let mut running = deck.spawn(&DIAL);
    let mut kills = 0;
    let mut log = String::new();
    let mut outages = Vec::new();
    while !running.has_ended() {
        assert!(
            Instant::now() < until,
            "no end comes:\n{}",
            running.stdout()
        );
        std::thread::sleep(Duration::from_millis(dice.u64(200..900)));
        match dice.u8(..8) {
            0..=3 if moved.iter().map(BTreeSet::len).sum::<usize>() < calls / 3 => {
                move_one(&lab, &mut dice, &mut moved);
            }
            4 => {
                proxy.cut(&[Kind::Events]);
                outages.push((Instant::now(), 2 * SECOND));
            }
            6 if kills < calls / 12 => {
                kills += 1;
                log.push_str(&running.stdout());
                outages.push((Instant::now(), 5 * SECOND));
                running.kill();
                running = deck.spawn(&DIAL);
            }
            _ => {}
        }
    }
    let ended = running.wait(2 * SECOND);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stderr, ended.stdout);
    log.push_str(&ended.stdout);
    judge(&phones[0], &list, (&moved[1], &outages), &log);
    println!(
        "{calls} calls, {kills} kills, {} and {} legs moved",
        moved[0].len(),
        moved[1].len()
    );
    // Only what was moved elsewhere is up, at the panel's place and at the phones'.
    for phone in &phones {
        for call in phone.calls() {
            phone.now(&call.number, Script::new().bye());
        }
    }
    lab.assert_nothing_left();
}

/// Whether a transferred call ended in an outage, or right after it. Asterisk takes no channel into
/// an application that nobody is connected to: it drops the one that was to replace the agent's,
/// and the customer is alone in the bridge (measured on 22.10.1).
fn may_be_dropped(call: &Call, outages: &[(Instant, Duration)]) -> bool {
    let is_transferred = matches!(role(&call.number), Role::Blind | Role::Attended);
    let ended = call.at("BYE");
    let in_outage = |(from, lasts): &(Instant, Duration)| {
        ended.is_some_and(|at| at >= *from && at <= *from + *lasts)
    };
    is_transferred && outages.iter().any(in_outage)
}

/// By the word of the phones.
fn judge(
    carrier: &Phone,
    list: &[String],
    (moved, outages): (&BTreeSet<String>, &[(Instant, Duration)]),
    log: &str,
) {
    for number in list {
        let rung = carrier.rung(number);
        assert!(rung <= 1, "{number} was rung {rung} times");
    }
    let at_the_wish_of = ["79990002"];
    for number in at_the_wish_of {
        assert_eq!(carrier.rung(number), 0, "a 302 was followed to {number}");
    }
    let mut talked = 0;
    for call in carrier.calls() {
        let stays = matches!(
            role(&call.number),
            Role::Plain | Role::Held | Role::Blind | Role::Attended
        );
        let left_alone = moved.contains(&call.number) || may_be_dropped(&call, outages);
        if !stays || left_alone || call.heard < TALKS || call.number == RECEIVED {
            continue;
        }
        talked += 1;
        let told = |l: &&str| l.contains(&call.number) || l.contains(" link.");
        let told: Vec<_> = log.lines().filter(told).collect();
        let number = &call.number;
        assert_eq!(
            call.ended_by(),
            Some(Side::Phone),
            "{number} was cut: {told:#?}"
        );
    }
    // A third of all may be moved, another third does not stay, and kills hang up who rings.
    assert!(talked * 8 > list.len(), "only {talked} talked");
}
