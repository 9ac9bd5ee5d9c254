use std::collections::HashSet;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use dialdeck::config::{self, Settings};
use dialdeck::control::{Control, Who};
use dialdeck::engine::{Clock, Request};
use dialdeck::feed::Feed;
use dialdeck::http::{Api, Server, Streams};
use tokio::sync::{mpsc, watch};

use super::load;

/// A control API over an engine that takes every command and keeps who gave it.
struct Served {
    addr: String,
    /// Held to add or look for one.
    givers: Arc<Mutex<HashSet<String>>>,
    _server: Server,
}

impl Served {
    /// Whether this one gave a command since it was asked last.
    fn forget(&self, who: &str) -> bool {
        let mut givers = self.givers.lock().expect("nobody panics with it");
        givers.remove(who)
    }
}

fn served() -> &'static Served {
    static SERVED: OnceLock<Served> = OnceLock::new();
    SERVED.get_or_init(|| {
        let (sender, mut received) = mpsc::channel(64);
        let givers = Arc::<Mutex<HashSet<String>>>::default();
        let kept = Arc::clone(&givers);
        std::thread::spawn(move || {
            while let Some(request) = received.blocking_recv() {
                // Before it is dropped, which answers it.
                kept.lock()
                    .expect("nobody panics with it")
                    .extend(giver(&request));
            }
        });
        let picture = load::picture(load::leads(20), load::BEGIN);
        let (pictures, snapshots) = watch::channel(Arc::new(picture));
        // For as long as the process lives.
        std::mem::forget(pictures);
        let control = Control::new(sender, Arc::new(|| Err("there is no .env".to_owned())));
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let api = Api {
            control,
            snapshots,
            in_force: watch::channel(std::sync::Arc::new(settings())).1,
            clock: Clock::showing(load::BEGIN),
            feed: Feed::default(),
            tasks: runtime.expect("a runtime").metrics(),
            journal: "there-is-no-journal.db".into(),
            token: None,
            streams: Streams::default(),
        };
        let addr = "127.0.0.1:0".parse().expect("an address");
        let server = Server::start(addr, api).expect("loopback");
        Served {
            addr: server.addr().to_string(),
            givers,
            _server: server,
        }
    })
}

/// Settings that are good.
fn settings() -> Settings {
    let values = [
        ("ARI_URL", "http://127.0.0.1:8088"),
        ("ARI_USERNAME", "u"),
        ("ARI_PASSWORD", "p"),
        ("ARI_TRUNK", "t"),
        ("OUTBOUND_NUMBER", "79990000001"),
    ];
    let environment = values.map(|(name, value)| (name.into(), value.into()));
    let nowhere = std::path::Path::new("there-is-no-folder");
    let loaded = config::load(nowhere, environment.into_iter());
    loaded.expect("the settings are good").settings
}

/// Who gave a command.
fn giver(request: &Request) -> Option<String> {
    match request {
        Request::Command { by, .. }
        | Request::NewRun { by, .. }
        | Request::Reload { by, .. }
        | Request::StartAgain { by, .. }
        | Request::Add { by, .. }
        | Request::Stop { by, .. } => Some(by.clone()),
        Request::Detail { .. } => None,
    }
}

/// Whatever comes over a connection: what is answered is HTTP, and nothing reaches the engine
/// that did not name this server or that another site's page has sent. `HOST` stands for the
/// server's own address.
pub fn http(bytes: &[u8]) {
    let served = served();
    let bytes = named(bytes, served.addr.as_bytes());
    let mut stream = TcpStream::connect(&served.addr).expect("it listens");
    let who = Who::Http(stream.local_addr().expect("a socket")).to_string();
    // An earlier connection from this port may have been closed before its command was counted.
    served.forget(&who);
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a socket");
    // It may be closed before all of it is taken.
    let _ = stream.write_all(&bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let answer = read(&mut stream);
    assert!(
        answer.is_empty() || answer.starts_with(b"HTTP/1."),
        "no HTTP"
    );
    if served.forget(&who) {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        assert!(text.contains(&served.addr), "no host named: {text}");
        // Of several requests in a row any may have given it, also one that stands in a body.
        let heads = text.matches("\n\r\n").count() + text.matches("\n\n").count();
        if heads == 1 {
            // What follows may be a trailer, which says nothing.
            let head = text.split("\n\r\n").next().expect("there is one");
            let head = head.split("\n\n").next().expect("there is one");
            assert!(!head.contains("\norigin: http://evil"), "{text}");
            assert!(!head.contains("\nsec-fetch-site: cross-site"), "{text}");
        }
    }
}

/// What the answers without an end are said to be.
const STREAMS: [&str; 2] = ["text/event-stream", "application/x-ndjson"];

/// What is answered. A stream of events has no end: its beginning.
fn read(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return answer,
            Ok(n) => answer.extend_from_slice(&piece[..n]),
            Err(e) if e.kind() == ErrorKind::ConnectionReset => return answer,
            // The fuzzer's own clock.
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => panic!("the connection hangs: {e}"),
        }
        let head = String::from_utf8_lossy(&answer);
        if STREAMS.iter().any(|kind| head.contains(kind)) {
            return answer;
        }
    }
}

/// The input with the server's address in the place of each `HOST`.
fn named(bytes: &[u8], addr: &[u8]) -> Vec<u8> {
    let mut named = Vec::with_capacity(bytes.len() + addr.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(4).position(|four| four == b"HOST") {
        named.extend_from_slice(&rest[..at]);
        named.extend_from_slice(addr);
        rest = &rest[at + 4..];
    }
    named.extend_from_slice(rest);
    named
}
