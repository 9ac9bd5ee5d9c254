//! Texts of strangers: what steers a terminal does so neither on the screen nor in the log.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::desk::{Desk, SOON, in_use, numbers};
use crate::support::deck::Deck;
use crate::support::screen::Screen;

/// Clears the screen, sets the title, rings, writes from right to left, ends the line, asks the
/// terminal to answer (which would be read as keys), and goes to the main screen.
const HOSTILE: &str = "Eve\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}cod.exe\u{2066}\r\nfake 100\u{9b}31m\u{1b}[6n\u{1b}[?1049l";

/// The same on one line, and without what a dialplan would take for its own.
pub(super) const HOSTILE_NAME: &str = "Eve\u{1b}[2J\u{1b}]0Z\u{7}\u{1b}[6n";

/// The title's text may be there, but not as one.
fn assert_harmless(what: &str, bytes: &[u8]) {
    for evil in [
        "\u{1b}]",
        "\u{7}",
        "\u{1b}[6n",
        "\u{202e}",
        "\u{2066}",
        "\u{9b}",
    ] {
        let found = bytes.windows(evil.len()).any(|w| w == evil.as_bytes());
        assert!(
            !found,
            "{evil:?} in {what}: {}",
            String::from_utf8_lossy(bytes)
        );
    }
}

pub(super) fn assert_screen_and_log(screen: &Screen, deck: &Deck) {
    assert_harmless("what was drawn", &screen.raw());
    assert!(screen.modes().alternate_screen, "{}", screen.text());
    let log = fs::read(deck.path("dialdeck.log")).expect("a log");
    assert_harmless("the log", &log);
    assert!(!log.contains(&0x1b), "{}", String::from_utf8_lossy(&log));
    let text = String::from_utf8(log).expect("text");
    let begins = |line: &&str| line.starts_with("20") || line.starts_with('[');
    assert_eq!(
        text.lines().filter(begins).count(),
        text.lines().count(),
        "{text}"
    );
}

/// An Asterisk that answers every request with a refusal whose reason is hostile.
fn refusing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it has one"));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || refuse(stream));
        }
    });
    url
}

fn refuse(mut stream: TcpStream) {
    let body = serde_json::json!({ "message": HOSTILE }).to_string();
    let answer = format!(
        "HTTP/1.1 500 Allocation failed\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut request = [0; 4096];
    // A client that goes away first is no matter.
    let _ = stream.read(&mut request);
    let _ = stream.write_all(answer.as_bytes());
}

#[test]
fn an_asterisk_that_sends_escapes_steers_no_terminal() {
    let mut deck = Deck::on(&refusing());
    deck.list(numbers("80", 3));
    let screen = deck.open(&[], 48, 160);
    // Its reason is told, written out.
    let text = screen.wait_until("the link's loss", |text| text.contains("LINK DOWN"), SOON);
    assert!(
        text.lines()
            .next()
            .is_some_and(|header| header.contains("link DOWN")),
        "{text}"
    );
    screen.wait_for(r"Eve\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}cod.exe", SOON);
    assert_screen_and_log(&screen, &deck);
}

#[test]
fn an_operator_s_name_steers_no_terminal() {
    let desk = Desk::new(1, &numbers("80", 3));
    let mut command = desk.deck.command(&["--start"]);
    command.env("USER", HOSTILE).env("SSH_CONNECTION", HOSTILE);
    let screen = Screen::open(&command, 48, 160);
    screen.wait_until("a call", |text| in_use(text) == 1, SOON);
    screen.keys("+");
    screen.wait_until("two calls", |text| in_use(text) == 2, SOON);
    screen.keys("a");
    screen.wait_for("keyboard Eve", SOON);
    assert_screen_and_log(&screen, &desk.deck);
}

/// On a terminal of ASCII alone, not even a list's harmless name has other letters.
#[test]
fn letters_that_the_terminal_lacks_are_replaced() {
    let mut desk = Desk::new(1, &numbers("80", 3));
    let name = "números-日本.txt";
    fs::rename(desk.deck.path("numbers.txt"), desk.deck.path(name)).expect("the folder is ours");
    desk.deck.change("OUTBOUND_NUMBER_FILE", name);
    let mut command = desk.deck.command(&["--start"]);
    command.env("LANG", "C");
    let screen = Screen::open(&command, 24, 80);
    screen.wait_until("a call", |text| in_use(text) == 1, SOON);
    let text = screen.wait_for("n?meros-?", SOON);
    assert!(text.contains(".txt"), "{text}");
    assert!(screen.raw().is_ascii());
}
