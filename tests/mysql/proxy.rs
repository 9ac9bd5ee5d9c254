//! The server dies between its commit and the answer to it, or carries out a statement long
//! after it was given up.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::copied::{
    DIAL, SOON, TABLE, assert_tells_what_the_report_does, count, mixed, rig, wait_for,
};
use crate::support::database::Database;

/// The byte of a client's packet that says what it wants: carry out a prepared statement.
const EXECUTE: u8 = 0x17;

/// Passes everything on. Once it is armed to swallow, the server's answer to the next statement
/// that is carried out is kept back, and all after it. Once it is armed to hold, the next
/// statement itself is kept back, until it is let go.
struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    armed: AtomicBool,
    swallows: AtomicBool,
    /// An answer was kept back: what was asked has been carried out.
    kept: AtomicBool,
    /// The next statement is to be held.
    holds: AtomicBool,
    /// One is.
    held: AtomicBool,
}

impl Proxy {
    fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // While the server is away its client hears at once that it is.
                if let Ok(behind) = TcpStream::connect(("127.0.0.1", server)) {
                    let (up, down) = (Arc::clone(&shared), Arc::clone(&shared));
                    pass(&client, &behind, move |packet| up.asks(packet));
                    pass(&behind, &client, move |_| down.answers());
                }
            }
        });
        Self { port, state }
    }
}

impl State {
    /// Everything that a client asks is passed on, sooner or later.
    fn asks(&self, packet: &[u8]) -> bool {
        if packet.get(4) != Some(&EXECUTE) {
            return true;
        }
        if self.armed.load(Ordering::SeqCst) {
            self.swallows.store(true, Ordering::SeqCst);
        }
        if self.holds.swap(false, Ordering::SeqCst) {
            self.held.store(true, Ordering::SeqCst);
            // The client may go meanwhile: its socket is looked at only after this.
            while self.held.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(20));
            }
        }
        true
    }

    /// Whether an answer is passed on.
    fn answers(&self) -> bool {
        let swallows = self.swallows.load(Ordering::SeqCst);
        self.kept.fetch_or(swallows, Ordering::SeqCst);
        !swallows
    }

    fn disarm(&self) {
        self.armed.store(false, Ordering::SeqCst);
        self.swallows.store(false, Ordering::SeqCst);
    }
}

/// Passes on what `passes`, until one of the two is gone.
fn pass(from: &TcpStream, to: &TcpStream, passes: impl Fn(&[u8]) -> bool + Send + 'static) {
    let mut from = from.try_clone().expect("a socket can be shared");
    let mut to = to.try_clone().expect("a socket can be shared");
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            if passes(&buffer[..read]) && to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        // The other side may be gone already.
        let _ = to.shutdown(Shutdown::Both);
    });
}

#[test]
fn a_server_killed_between_commit_and_answer_gets_each_row_once() {
    let mut server = Database::start();
    let proxy = Proxy::before(server.port());
    let mut env = server.env();
    env[1].1 = proxy.port.to_string();
    let rig = rig(mixed(80), &env);
    let running = rig.deck.spawn(&DIAL);
    wait_for("the first rows", || {
        server.number("SELECT count(*) FROM information_schema.tables WHERE table_schema='calls'")
            == 1
            && count(&server) >= 10
    });
    proxy.state.armed.store(true, Ordering::SeqCst);
    wait_for("an answer", || proxy.state.kept.load(Ordering::SeqCst));
    server.kill();
    proxy.state.disarm();
    server.up();
    let ended = running.wait(SOON * 2);
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert_tells_what_the_report_does(&server, &rig.deck);
}

/// A statement says how its calls stood when it was made. One that the server takes up only after
/// the client has given it up and written more must not bring that back.
#[test]
fn a_statement_carried_out_late_undoes_nothing() {
    let server = Database::start();
    let proxy = Proxy::before(server.port());
    proxy.state.holds.store(true, Ordering::SeqCst);
    let mut env = server.env();
    env[1].1 = proxy.port.to_string();
    // They ring and talk for seconds, so the first statement has them as they begin.
    let rig = rig(mixed(16), &env);
    let running = rig.deck.spawn(&["--headless", "--start"]);
    wait_for("a statement", || proxy.state.held.load(Ordering::SeqCst));
    let whole = format!(
        "SELECT count(*) FROM {TABLE} WHERE leg_a_end IS NOT NULL
         AND (leg_b_answer IS NULL OR recording_path IS NOT NULL)"
    );
    wait_for("all rows", || server.number(&whole) == 16);
    let before = server.inserts();
    proxy.state.held.store(false, Ordering::SeqCst);
    wait_for("the late statement", || server.inserts() > before);
    running.signal("TERM");
    running.wait(SOON);
    assert_tells_what_the_report_does(&server, &rig.deck);
}
