//! A campaign under way, and Asterisk's TLS goes bad in every way, one after the other.

use std::fs;

use super::desk::{Desk, SOON, numbers, state, title, wait};
use super::{Bad, bad, flat};
use crate::support::certificates::Authority;
use crate::support::proxy::Kind;
use crate::support::screen::Screen;
use crate::support::tls::{Face, Front};

struct Rig {
    desk: Desk,
    front: Front,
    authority: Authority,
}

fn rig() -> Rig {
    // Calls of little more than a second, for longer than all takes.
    let mut desk = Desk::new(2, &numbers("83", 2000));
    let authority = Authority::new();
    let front = Front::start(desk.asterisk.addr(), authority.good());
    fs::write(desk.deck.path("ca.pem"), authority.pem()).expect("the folder is ours");
    desk.deck.change("ARI_URL", front.url());
    desk.deck.change("ARI_CA_FILE", "ca.pem");
    Rig {
        desk,
        front,
        authority,
    }
}

impl Rig {
    fn dials(&self, screen: &Screen) {
        let goes_on = |text: &str| state(text) == "DIALING" && title(text).contains("link up");
        screen.wait_until("dialing", goes_on, SOON);
        let placed = self.desk.placed();
        wait("another call", SOON, || self.desk.placed() > placed);
    }

    fn stands_still(&self, screen: &Screen, kind: Kind, bad: &Bad) {
        let told = |text: &str| {
            let text = flat(text);
            let link_down = text.contains("LINK DOWN since");
            link_down && text.contains(bad.says) && text.contains(bad.mend[0])
        };
        screen.wait_until(bad.says, told, SOON);
        let placed = self.desk.placed();
        let refused = self.front.refused(kind);
        wait("two more tries", SOON, || {
            self.front.refused(kind) >= refused + 2
        });
        assert_eq!(self.desk.placed(), placed, "a call while the link was down");
        assert!(told(&screen.text()), "{}", screen.text());
        self.front.assert_no_leak();
    }
}

/// The first of them it meets at its start.
fn goes_bad_and_is_mended(kind: Kind) {
    let rig = rig();
    let good = Face::Certificate(rig.authority.good());
    let mut screen = None;
    for bad in bad(&rig.authority) {
        rig.front.show(kind, &bad.face);
        rig.front.cut();
        let screen = screen.get_or_insert_with(|| rig.desk.deck.open(&["--start"], 24, 80));
        rig.stands_still(screen, kind, &bad);
        rig.front.show(kind, &good);
        rig.dials(screen);
    }
    assert!(rig.front.saw_a_login(), "it looks in the wrong place");
}

#[test]
fn requests_go_to_no_server_that_cannot_be_trusted() {
    goes_bad_and_is_mended(Kind::Rest);
}

#[test]
fn the_event_stream_goes_to_no_server_that_cannot_be_trusted() {
    goes_bad_and_is_mended(Kind::Events);
}
