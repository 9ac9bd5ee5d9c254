//! What a carrier and whoever is called try at our cost: redirects and transfers to numbers that
//! nobody asked for. The scripted carrier is the witness of who was rung.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::is_told_of;
use crate::support::deck::Deck;
use crate::support::lab::Lab;
use crate::support::phone::{Phone, Script, Side};

const MOMENT: Duration = Duration::from_millis(500);
/// What the others want called, where the scripted carrier would hear of it.
const ELSEWHERE: &str = "79990000001";

/// Dials all of `list` by `trunk`. The rows of the report, by number.
fn dial(
    lab: &Lab,
    (trunk, target): (&str, &str),
    list: &[&str],
) -> BTreeMap<String, BTreeMap<String, Value>> {
    let mut deck = Deck::new(lab.env())
        .set("ARI_TRUNK", trunk)
        .set("CALL_TIMEOUT", 5)
        .set("MAX_CC", 5)
        .set("TARGET_ENDPOINT", target);
    deck.list(list);
    deck.dial();
    let rows = deck.report().into_iter();
    rows.map(|row| (row["number"].as_str().expect("text").to_owned(), row))
        .collect()
}

fn elsewhere(lab: &Lab) -> String {
    let carrier = lab.address("SCRIPTED_CARRIER");
    format!("Contact: <sip:{ELSEWHERE}@{carrier}>")
}

fn talks(script: Script) -> Script {
    script.answer().wait(MOMENT).bye()
}

#[test]
fn a_redirect_by_the_carrier_ends_the_call_and_rings_nobody_else() {
    let lab = Lab::get();
    let carrier = Phone::carrier(&lab);
    let to = elsewhere(&lab);
    let redirects = [("79010001", 302), ("79020001", 301), ("79030001", 300)];
    for (number, status) in redirects {
        carrier.on(number, Script::new().status_with(status, &[&to]));
    }
    let after_ringing = Script::new().ring(MOMENT).status_with(302, &[&to]);
    carrier.on("79040001", after_ringing);
    carrier.on("79050001", talks(Script::new().status(181).ring(MOMENT)));
    let list = ["79010001", "79020001", "79030001", "79040001", "79050001"];
    // The worst trunk there is: its context dials out.
    let rows = dial(&lab, ("scripted-open", "Local/100@lab"), &list);
    for (number, status) in redirects.into_iter().chain([("79040001", 302)]) {
        let row = &rows[number];
        assert_eq!(row["disposition"], "redirected", "{row:?}");
        assert_eq!(row["ended_by"], "carrier");
        assert!(is_told_of(row, status), "{row:?}");
    }
    assert_eq!(rows["79050001"]["disposition"], "answered", "after a 181");
    assert_eq!(carrier.rung(ELSEWHERE), 0, "nobody asked for it");
    assert_eq!(carrier.calls().len(), list.len(), "each was rung once");

    // A trunk that follows redirects itself does so within the call.
    carrier.on(ELSEWHERE, talks(Script::new()));
    let rows = dial(&lab, ("scripted-uri", "Local/100@lab"), &["79010001"]);
    assert_eq!(rows["79010001"]["disposition"], "answered");
    assert_eq!(carrier.rung(ELSEWHERE), 1);
    lab.assert_nothing_left();
}

#[test]
fn a_redirect_by_an_agents_phone_rings_nobody_else() {
    let lab = Lab::get();
    let (carrier, agent) = (Phone::carrier(&lab), Phone::agent(&lab));
    agent.on(
        "",
        Script::new()
            .ring(MOMENT)
            .status_with(302, &[&elsewhere(&lab)]),
    );
    let phone = "PJSIP/scripted-agent";
    // Its context dials out.
    let rows = dial(&lab, ("scripted", phone), &["79060001", "79060002"]);
    for row in rows.values() {
        assert_eq!(row["disposition"], "abandoned", "{row:?}");
        assert_eq!(row["ended_by"], "target", "{row:?}");
    }
    assert_eq!(agent.calls().len(), 2);
    assert_eq!(carrier.rung(ELSEWHERE), 0, "nobody asked for it");
    lab.assert_nothing_left();
}

#[test]
fn whoever_is_called_transfers_nobody_by_the_shipped_trunk() {
    let lab = Lab::get();
    let carrier = Phone::carrier(&lab);
    let tries = Script::new().answer().wait(MOMENT).refer(ELSEWHERE);
    carrier.on("7907", tries.wait(MOMENT).bye());
    let rows = dial(&lab, ("scripted", "Local/100@lab"), &["79070001"]);
    assert_eq!(rows["79070001"]["disposition"], "answered");
    assert_eq!(rows["79070001"]["ended_by"], "callee");
    let call = carrier.call("79070001");
    assert!(call.has("603 REFER"), "{:#?}", call.story());
    let goes_on = call.ended_by() == Some(Side::Phone) && call.lasted() >= MOMENT * 2;
    assert!(goes_on, "it was cut: {:#?}", call.story());
    assert_eq!(carrier.rung(ELSEWHERE), 0, "nobody asked for it");
    lab.assert_nothing_left();
}
