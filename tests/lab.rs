//! Whether the lab is what the other tests take it for.

use std::thread;
use std::time::{Duration, Instant};

use crate::support::lab::{Lab, Node, Seen};
use crate::support::phone::{Call, Phone, Script, Side};

/// Has the PBX call `endpoint` as `CALLERID(num)` 1001 would, without a dialer.
fn call(lab: &Lab, endpoint: &str) {
    let answer = lab.cli(
        Node::Pbx,
        &format!("channel originate {endpoint} application Wait 2"),
    );
    assert!(!answer.contains("No such command"), "{answer}");
}

fn wait_for(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "no {what} within 5 s"
        );
        thread::sleep(Duration::from_millis(20));
    }
}

fn callees(seen: &[Seen]) -> Vec<&str> {
    let mut callees: Vec<_> = seen.iter().map(|s| s.callee.as_str()).collect();
    callees.sort_unstable();
    callees
}

#[test]
fn the_carrier_writes_down_every_call_once_whatever_becomes_of_it() {
    let lab = Lab::get();
    let numbers = [
        "1001", "2001", "3001", "4001", "5001", "6001", "7001", "7501", "8101", "9019",
    ];
    for number in numbers {
        call(&lab, &format!("PJSIP/{number}@{}", lab.trunk()));
    }
    wait_for("10 calls at the carrier", || {
        lab.carrier_calls().len() >= 10
    });
    thread::sleep(Duration::from_millis(300));
    assert_eq!(callees(&lab.carrier_calls()), numbers);
    lab.reset();
    assert!(lab.carrier_calls().is_empty());
}

#[test]
fn a_number_with_plus_star_and_hash_reaches_the_carrier_as_it_was_dialed() {
    let lab = Lab::get();
    call(&lab, &format!("PJSIP/#31#+1001*@{}", lab.trunk()));
    wait_for("call at the carrier", || !lab.carrier_calls().is_empty());
    assert_eq!(callees(&lab.carrier_calls()), ["#31#+1001*"]);
}

#[test]
fn the_projects_own_777_reaches_the_agents_phone() {
    let lab = Lab::get();
    call(&lab, "Local/777@default");
    wait_for("call at the agent's phone", || {
        callees(&lab.target_calls()) == ["agent"]
    });
    lab.reset();
    lab.assert_nothing_left();
}

#[test]
fn what_is_left_behind_is_noticed() {
    let lab = Lab::get();
    call(&lab, &format!("PJSIP/3001@{}", lab.trunk()));
    wait_for("ringing channel", || !lab.channels(Node::Pbx).is_empty());
    let noticed = std::panic::catch_unwind(|| lab.assert_nothing_left());
    assert!(
        noticed.is_err(),
        "a channel that rings for ever was not noticed"
    );
    lab.reset();
    lab.assert_nothing_left();
}

#[test]
fn the_projects_configuration_loads_without_a_complaint() {
    let lab = Lab::shared();
    let files = [
        "ari.conf",
        "http.conf",
        "pjsip.conf",
        "extensions.conf",
        "queues.conf",
        "rtp.conf",
    ];
    let log = lab.log(Node::Pbx);
    let complaints: Vec<_> = log
        .lines()
        .filter(|line| line.contains("WARNING[") || line.contains("ERROR["))
        .filter(|line| files.iter().any(|file| line.contains(file)))
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn the_pbx_listens_on_loopback_only() {
    let lab = Lab::shared();
    let http = lab.cli(Node::Pbx, "http show status");
    assert!(http.contains("127.0.0.1:"), "{http}");
    assert!(!http.contains("0.0.0.0"), "{http}");
    let sip = lab.cli(Node::Pbx, "pjsip show transports");
    assert!(sip.contains("127.0.0.1:"), "{sip}");
    assert!(!sip.contains("0.0.0.0"), "{sip}");
}

#[test]
fn the_observer_sees_what_asterisk_does_by_itself() {
    let lab = Lab::get();
    let observer = lab.observe();
    lab.baseline(6, 3, "83");
    let verdict = observer.verdict();
    for count in ["calls", "answered", "bridged"] {
        assert_eq!(verdict[count], 6, "{count} in {verdict}");
    }
    assert_eq!(verdict["left_up"], 0, "{verdict}");
    assert!(verdict["peak_cc"].as_u64() <= Some(3), "{verdict}");
    let dead_air = verdict["dead_air_ms"]["p50"].as_f64();
    assert!(
        dead_air.is_some_and(|ms| (0.0..500.0).contains(&ms)),
        "{verdict}"
    );
    let called = lab.carrier_calls();
    assert_eq!(callees(&called).len(), 6, "{called:?}");
    lab.assert_nothing_left();
}

#[test]
fn the_scripted_phones_play_their_scripts_and_tell_what_they_saw() {
    let lab = Lab::get();
    let (carrier, agent) = (Phone::carrier(&lab), Phone::agent(&lab));
    let moment = Duration::from_millis(300);
    carrier.on(
        "7901",
        Script::new().ring(moment).answer().wait(moment).bye(),
    );
    carrier.on(
        "7902",
        Script::new().status_with(603, &["Reason: SIP;cause=603"]),
    );
    carrier.on("7903", Script::new().swallow());
    carrier.on("7904", Script::new().early_media());
    for number in ["79010001", "79020001", "79030001", "79040001", "79050001"] {
        call(&lab, &format!("PJSIP/{number}@scripted"));
    }
    carrier.wait_for("end of each call", |calls| {
        let over = |c: &Call| c.ended_by().is_some() || c.has("603 INVITE");
        calls.iter().filter(|call| over(call)).count() == 3
    });
    let answered = carrier.call("79010001");
    assert_eq!(answered.ended_by(), Some(Side::Phone), "{answered:?}");
    assert!(answered.at("180 INVITE") < answered.at("200 INVITE"));
    assert_eq!(carrier.call("79030001").story(), ["Pbx: INVITE"]);
    // Whoever has no script answers and stays; the PBX's side waits two seconds.
    assert_eq!(carrier.call("79050001").ended_by(), Some(Side::Pbx));

    agent.on("", Script::new().answer().refer("100").transferred().bye());
    lab.cli(
        Node::Pbx,
        "channel originate Local/120@lab extension 100@lab",
    );
    agent.wait_for("blind transfer", |calls| calls.iter().any(|c| c.has("BYE")));
    assert_eq!(callees(&lab.target_calls()), ["100", "100", "120"]);
    lab.reset();

    agent.clear();
    agent.on(
        "",
        Script::new()
            .answer()
            .hold()
            .unhold()
            .consult("100")
            .refer_to_consulted()
            .transferred()
            .bye(),
    );
    lab.cli(
        Node::Pbx,
        "channel originate Local/120@lab extension 100@lab",
    );
    agent.wait_for("attended transfer", |calls| {
        calls.len() == 2 && calls.iter().all(|call| call.has("BYE"))
    });
    assert_eq!(callees(&lab.target_calls()), ["100", "100", "120"]);
    lab.reset();
    lab.assert_nothing_left();
}
