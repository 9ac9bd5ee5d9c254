//! Another program takes the Stasis application over.

use std::time::Duration;

use futures_util::StreamExt;
use tokio_tungstenite::tungstenite::Message;

use super::{DIAL, assert_accounted};
use crate::support::deck::Deck;
use crate::support::lab::Lab;
use crate::support::proxy::{Fault, Kind, Proxy};
use crate::support::wait::wait;

const SOON: Duration = Duration::from_secs(10);

/// How long nothing may happen.
const QUIET: Duration = Duration::from_secs(4);

#[test]
fn who_loses_the_application_dials_nobody_says_so_and_never_fights() {
    let lab = Lab::get();
    let mut deck = Deck::new(lab.env())
        .set("STASIS_APP", "wanted")
        .set("DRAIN_SECONDS", 2)
        .set("MAX_CC", 2)
        .set("TARGET_ENDPOINT", "Local/100@lab");
    deck.list((0..40).map(|i| format!("860155{i:04}")));
    let running = deck.spawn(&["--headless", "--start"]);
    running.wait_for("call.bridged", Duration::from_secs(10));

    let (user, password) = lab.credentials();
    let address = lab.ari_url().trim_start_matches("http://");
    let url = format!("ws://{address}/ari/events?app=wanted&api_key={user}:{password}");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (mut other, _) = runtime
        .block_on(tokio_tungstenite::connect_async(url))
        .expect("Asterisk lets the last one in");
    running.wait_for("another program has taken", Duration::from_secs(5));
    // What was on its way has arrived by then.
    std::thread::sleep(Duration::from_millis(500));
    let called = lab.carrier_calls().len();
    assert!(called < 40, "the list is too short to show anything");
    let heard = runtime.block_on(async {
        let mut heard = Vec::new();
        let _ = tokio::time::timeout(QUIET, async {
            while let Some(Ok(Message::Text(text))) = other.next().await {
                heard.push(text.to_string());
            }
            heard.push("the end".to_owned());
        })
        .await;
        heard
    });
    let lost = |text: &&String| text.contains("ApplicationReplaced") || *text == "the end";
    assert_eq!(heard.iter().find(lost), None, "the dialer fought");
    assert_eq!(lab.carrier_calls().len(), called, "somebody was dialed");
    let after = running.stdout();
    let after = after.split("another program has taken").last();
    let after = after.unwrap_or_default();
    assert!(!after.contains("link.up"));
    // Calls that ended meanwhile are over here too, by what Asterisk says when it is asked.
    let ended = after.matches("call.ended").count();
    assert!(
        ended > 0,
        "nobody talked as the application was lost: {after}"
    );
    lab.assert_nothing_left();
    let out = running.stdout();
    let of = |event: &str| -> Vec<&str> {
        let lines = out.lines().filter(|line| line.contains(event));
        let attempts = lines.filter_map(|line| line.split_once(" attempt="));
        attempts
            .filter_map(|(_, rest)| rest.split(' ').next())
            .collect()
    };
    assert_eq!(of(" call.dialing ").len(), of(" call.ended ").len());
    // Somebody may have answered whom the target was not reached for: that is recorded as well.
    let saved = of(" recording.saved ");
    let lost = of(" call.bridged ")
        .into_iter()
        .find(|a| !saved.contains(a));
    assert_eq!(lost, None, "a conversation's recording is not saved: {out}");

    running.signal("TERM");
    let ended = running.wait(Duration::from_secs(30));
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    drop(other);
    lab.assert_nothing_left();
}

/// A channel that somebody else sends into the application.
fn send_stray(lab: &Lab, endpoint: &str) {
    let path = format!("/ari/channels/stray?endpoint={endpoint}&app=shared&timeout=60");
    let answer = lab.ari("POST", &path);
    assert!(answer.contains("\"stray\""), "{answer}");
}

#[test]
fn a_channel_of_somebody_elses_is_no_reason_to_leave_conversations() {
    let lab = Lab::get();
    let address = lab.ari_url().trim_start_matches("http://");
    let proxy = Proxy::start(address.parse().expect("an address"));
    let list = ["8608550001", "8608550002", "8608550003"].map(str::to_owned);
    let mut deck = Deck::new(lab.env())
        .set("ARI_URL", proxy.url())
        .set("STASIS_APP", "shared")
        .set("MAX_CC", 3)
        .set("TARGET_ENDPOINT", "Local/100@lab");
    deck.list(&list);
    let running = deck.spawn(&DIAL);
    let bridged = || running.stdout().matches(" call.bridged ").count();
    wait("three conversations", SOON, || bridged() == 3);
    // It rings, so the application hears of it, and it has not entered.
    send_stray(&lab, &format!("PJSIP/3055000009@{}", lab.trunk()));
    proxy.inflict(&[Kind::Events, Kind::Rest], Fault::Refused);
    proxy.cut(&[Kind::Events, Kind::Rest]);
    running.wait_for(" link.down ", SOON);
    std::thread::sleep(Duration::from_secs(2));
    proxy.inflict(&[Kind::Events, Kind::Rest], Fault::None);
    running.wait_for(" reconciled going_on=3 ", SOON);
    let ended = running.wait(Duration::from_secs(30));
    for (number, row) in assert_accounted(&lab, &deck, &list, &ended) {
        let talked = row["talk_seconds"].as_f64().unwrap_or_default();
        assert!(talked > 7.0, "{number} was cut after {talked} s");
    }
    lab.reset();
}

/// Asterisk keeps the name of an application whose last channel ended while nobody was connected.
#[test]
fn an_application_that_nobody_is_connected_to_is_no_reason_not_to_start() {
    let lab = Lab::get();
    let (user, password) = lab.credentials();
    let address = lab.ari_url().trim_start_matches("http://");
    let url = format!("ws://{address}/ari/events?app=shared&api_key={user}:{password}");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let connected = runtime.block_on(tokio_tungstenite::connect_async(url));
    let (gone, _) = connected.expect("Asterisk lets it in");
    send_stray(&lab, "Local/100@lab");
    let known = || lab.ari("GET", "/ari/applications/shared");
    wait("stray in the application", SOON, || {
        known().contains("stray")
    });
    drop(gone);
    std::thread::sleep(Duration::from_millis(500));
    lab.ari("DELETE", "/ari/channels/stray");
    wait("end of the stray", SOON, || lab.left().is_empty());
    assert!(known().contains(r#""channel_ids":[]"#), "{}", known());

    let mut deck = Deck::new(lab.env())
        .set("STASIS_APP", "shared")
        .set("TARGET_ENDPOINT", "Local/101@lab");
    deck.list(["8655000004"]);
    deck.dial();
    assert!(!known().contains("shared"), "{}", known());
    lab.assert_nothing_left();
}
