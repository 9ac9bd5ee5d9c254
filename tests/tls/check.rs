//! `dialdeck check` names what is wrong with Asterisk's TLS.

use std::fs;

use serde_json::Value;

use super::desk::{Desk, numbers};
use super::{bad, flat};
use crate::support::certificates::Authority;
use crate::support::proxy::Kind;
use crate::support::tls::{Face, Front};

/// The fact and the mend of a fault.
fn fault(report: &str, check: &str) -> (String, String) {
    let report: Value = serde_json::from_str(report).unwrap_or_else(|e| panic!("{e}: {report}"));
    assert_eq!(report["would_dial"], false);
    let all = report["checks"].as_array().expect("a list");
    let found = all
        .iter()
        .find(|f| f["check"] == check && f["level"] == "fault");
    let found = found.unwrap_or_else(|| panic!("no fault of {check} in {report:#}"));
    let text = |name: &str| flat(found[name].as_str().unwrap_or_default());
    (text("fact"), text("mend"))
}

#[test]
fn each_is_a_fault_with_its_mend() {
    let mut desk = Desk::new(1, &numbers("83", 1));
    let authority = Authority::new();
    let good = Face::Certificate(authority.good());
    let front = Front::start(desk.asterisk.addr(), authority.good());
    fs::write(desk.deck.path("ca.pem"), authority.pem()).expect("the folder is ours");
    desk.deck.change("ARI_URL", front.url());
    desk.deck.change("ARI_CA_FILE", "ca.pem");
    for (kind, check) in [(Kind::Rest, "ari"), (Kind::Events, "permissions")] {
        for bad in bad(&authority) {
            front.show_all(&good);
            front.show(kind, &bad.face);
            let ended = desk.deck.run(&["check", "--json"]);
            assert_eq!(ended.code, Some(2), "{}", ended.stdout);
            let (fact, mend) = fault(&ended.stdout, check);
            assert!(fact.contains(bad.says), "{check}: {fact}");
            assert!(mend.contains(bad.mend[0]), "{check}: {mend}");
            front.assert_no_leak();
        }
    }
    assert!(front.saw_a_login(), "it looks in the wrong place");
}
