//! `dialdeck attach https://…`: an engine behind a proxy that ends TLS.

use std::fs;
use std::net::SocketAddr;

use super::desk::{Desk, SOON, numbers, wait};
use super::{bad, flat};
use crate::support::certificates::{Authority, self_signed};
use crate::support::deck::Running;
use crate::support::proxy::Kind;
use crate::support::screen::Screen;
use crate::support::tls::{Face, Front};

const TOKEN: &str = "a-token-of-the-test";

struct Rig {
    desk: Desk,
    front: Front,
    authority: Authority,
    _engine: Running,
}

fn rig() -> Rig {
    let mut desk = Desk::new(1, &numbers("83", 3));
    desk.deck.change("CONTROL_TOKEN", TOKEN);
    let engine = desk.deck.spawn(&["--headless"]);
    let url = engine.api();
    let addr: SocketAddr = url
        .strip_prefix("http://")
        .and_then(|addr| addr.parse().ok())
        .expect("an address");
    let authority = Authority::new();
    fs::write(desk.deck.path("ca.pem"), authority.pem()).expect("the folder is ours");
    let stranger = Authority::new().pem();
    fs::write(desk.deck.path("stranger.pem"), stranger).expect("the folder is ours");
    let front = Front::start(addr, authority.good());
    Rig {
        desk,
        front,
        authority,
        _engine: engine,
    }
}

impl Rig {
    /// Trusts what `ca_file` has, and where there is none what the system is told to trust.
    fn attach(&self, system: &str, ca_file: Option<&str>) -> Screen {
        let url = self.front.url();
        let mut args = vec!["attach", &url];
        args.extend(ca_file.into_iter().flat_map(|file| ["--ca-file", file]));
        let mut command = self.desk.deck.command(&args);
        command.env("SSL_CERT_FILE", system);
        // So wide that a sentence on the plain terminal is whole.
        Screen::open(&command, 24, 250)
    }

    fn is_refused(&self, mut screen: Screen, says: &[&str]) {
        let told = |text: &str| says.iter().all(|says| flat(text).contains(says));
        screen.wait_until(says[0], told, SOON);
        assert_eq!(screen.wait(SOON), Some(1));
        self.front.assert_no_leak();
    }
}

#[test]
fn it_works_with_a_ca_file_and_with_the_authorities_of_the_system() {
    let rig = rig();
    for (system, ca_file) in [("stranger.pem", Some("ca.pem")), ("ca.pem", None)] {
        let screen = rig.attach(system, ca_file);
        screen.wait_until("the engine", |text| text.contains("link up"), SOON);
    }
    let (own, pem) = self_signed(true);
    fs::write(rig.desk.deck.path("own.pem"), pem).expect("the folder is ours");
    rig.front.show_all(&Face::Certificate(own));
    let screen = rig.attach("stranger.pem", Some("own.pem"));
    screen.wait_until("the engine", |text| text.contains("link up"), SOON);
    assert!(rig.front.saw_a_login(), "it looks in the wrong place");
}

#[test]
fn no_token_goes_to_a_proxy_that_cannot_be_trusted() {
    let rig = rig();
    rig.is_refused(
        rig.attach("stranger.pem", None),
        &[
            "nobody trusted has signed its certificate",
            "give --ca-file",
        ],
    );
    // Whoever names a file trusts that, and no longer the system.
    rig.is_refused(
        rig.attach("ca.pem", Some("stranger.pem")),
        &[
            "nobody trusted has signed its certificate",
            "give --ca-file",
        ],
    );
    for bad in bad(&rig.authority) {
        rig.front.show_all(&bad.face);
        let screen = rig.attach("stranger.pem", Some("ca.pem"));
        rig.is_refused(
            screen,
            &["no engine is reached at https://", bad.says, bad.mend[1]],
        );
    }
    for file in ["nowhere.pem", ".env"] {
        let mut screen = rig.attach("ca.pem", Some(file));
        screen.wait_for(&format!("--ca-file {file}: "), SOON);
        assert_eq!(screen.wait(SOON), Some(2), "{}", screen.text());
    }
    assert!(!rig.front.saw_a_login(), "nobody was let in");
}

#[test]
fn a_proxy_that_goes_bad_is_told_and_reached_again_when_it_is_mended() {
    let rig = rig();
    let screen = rig.attach("stranger.pem", Some("ca.pem"));
    screen.wait_until("the engine", |text| text.contains("link up"), SOON);
    let bad = &bad(&rig.authority)[1];
    rig.front.show_all(&bad.face);
    rig.front.cut();
    let told = |text: &str| {
        let text = flat(text);
        text.contains("ENGINE NOT REACHED since") && text.contains(bad.says)
    };
    screen.wait_until(bad.says, told, SOON);
    let refused = rig.front.refused(Kind::Rest);
    wait("another try", SOON, || {
        rig.front.refused(Kind::Rest) > refused
    });
    rig.front.assert_no_leak();
    rig.front.show_all(&Face::Certificate(rig.authority.good()));
    let again = |text: &str| text.contains("link up") && !text.contains("NOT REACHED");
    screen.wait_until("the engine again", again, SOON);
}
