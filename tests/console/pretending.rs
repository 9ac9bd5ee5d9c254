//! Servers that are no engine, or one of another version: a sentence, and a terminal as it was.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use super::desk::SOON;
use crate::support::deck::Deck;
use crate::support::screen::Modes;

/// A server that answers whatever it is asked with `body`, and closes.
fn serves(body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it has one"));
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut asked = [0; 4096];
            // Whoever is gone gets no answer.
            let _ = stream.read(&mut asked);
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&body);
        }
    });
    url
}

fn hello(protocol: u32, version: &str) -> String {
    let version = serde_json::to_string(version).expect("a text");
    format!(
        "{{\"hello\":{{\"protocol\":{protocol},\"version\":{version},\"now\":0,\"beat\":0}}}}\n"
    )
}

#[test]
fn what_is_no_engine_or_another_versions_is_a_sentence() {
    let evil = "Z\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}";
    let ours = hello(dialdeck::wire::PROTOCOL, "0.1.0");
    let odd = serde_json::to_string(&evil.repeat(100)).expect("a text");
    let table: [(&str, Vec<u8>, &str); 9] = [
        (
            "HTML",
            b"<html>\n<body>It works!".to_vec(),
            "is no Dialdeck",
        ),
        ("nothing", Vec::new(), "has ended"),
        (
            "no text",
            vec![0xff, 0x1b, b'[', b'2', b'J', b'\n'],
            "is no Dialdeck",
        ),
        (
            "an older one",
            hello(1, "0.0.9").into_bytes(),
            "older than this console",
        ),
        (
            "as it was",
            br#"{"hello":{"protocol":1,"version":"0.0.9","now":0}}"#
                .iter()
                .chain(b"\n")
                .copied()
                .collect(),
            "older than this console",
        ),
        (
            "a newer one",
            hello(99, "9.0.0").into_bytes(),
            "newer than this console",
        ),
        (
            "a name",
            hello(99, evil).into_bytes(),
            "newer than this console",
        ),
        (
            "another message",
            format!("{ours}{{{odd}:1}}\n").into_bytes(),
            "make no sense",
        ),
        (
            "half a picture",
            format!("{ours}{{\"picture\":{{\"at\":1}}}}\n").into_bytes(),
            "picture",
        ),
    ];
    let deck = Deck::new(&HashMap::new());
    for (what, body, said) in table {
        let url = serves(body);
        let mut screen = deck.open(&["attach", &url], 24, 80);
        assert_eq!(screen.wait(SOON), Some(1), "{what}: {}", screen.text());
        let text = screen.text().replace('\n', "");
        assert!(text.contains(said), "{what}: {text}");
        assert_eq!(screen.modes(), Modes::PLAIN, "{what}");
        let raw = String::from_utf8_lossy(&screen.raw()).into_owned();
        for steers in ["\u{1b}]", "\u{7}", "\u{1b}[2J", "\u{202e}"] {
            assert!(!raw.contains(steers), "{what}: {raw:?}");
        }
    }
}
