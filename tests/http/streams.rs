//! `GET /api/v1/events`: readers that come back, and readers that take nothing.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use super::{BUSY, Rig, SOON, Served, numbers};

/// Streams that there are places for.
const PLACES: usize = 32;

/// One event as it came.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    name: String,
    id: Option<String>,
    data: Value,
}

/// A reader of the stream.
struct Reader(BufReader<TcpStream>);

fn connect(served: &Served, path: &str, head: &str) -> TcpStream {
    let addr = served.base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(addr).expect("it listens");
    stream.set_read_timeout(Some(SOON)).expect("set");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\n{head}\r\n");
    stream.write_all(request.as_bytes()).expect("it takes it");
    stream
}

impl Reader {
    /// With this `Last-Event-ID`, if any.
    fn open(served: &Served, after: Option<&str>) -> Self {
        let head = after.map(|id| format!("Last-Event-ID: {id}\r\n"));
        let stream = connect(served, "/api/v1/events", &head.unwrap_or_default());
        let mut reader = Self(BufReader::new(stream));
        assert!(reader.line().starts_with("HTTP/1.1 200"));
        reader
    }

    /// `None` where every place is taken.
    fn try_open(served: &Served) -> Option<Self> {
        let mut reader = Self(BufReader::new(connect(served, "/api/v1/events", "")));
        let status = reader.line();
        assert!(
            status.contains(" 200 ") || status.contains(" 503 "),
            "{status}"
        );
        status.contains(" 200 ").then_some(reader)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).expect("it goes on");
        assert!(read > 0, "the stream has ended");
        line.trim_end().to_owned()
    }

    fn next(&mut self) -> Event {
        let (mut name, mut id, mut data) = (None, None, None);
        loop {
            let line = self.line();
            match line.split_once(": ") {
                Some(("event", value)) => name = Some(value.to_owned()),
                Some(("id", value)) => id = Some(value.to_owned()),
                Some(("data", value)) => data = serde_json::from_str(value).ok(),
                _ if line.is_empty() && name.is_some() => {
                    return Event {
                        name: name.expect("just seen"),
                        id,
                        data: data.expect("each has some"),
                    };
                }
                // Heads, sizes of chunks, comments.
                _ => {}
            }
        }
    }

    /// All with an id, up to the state DONE.
    fn until_done(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let event = self.next();
            let done = event.name == "state" && event.data["state"] == "DONE";
            if event.id.is_some() {
                events.push(event);
            }
            if done {
                return events;
            }
        }
    }
}

/// What Linux tells of a process's memory.
fn kib(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.expect("Linux tells it").trim().trim_end_matches(" kB");
    kib.parse().expect("a number")
}

#[test]
fn a_reader_that_comes_back_misses_nothing_and_gets_nothing_twice() {
    let rig = Rig::new(&numbers(BUSY, 20), &[]);
    let served = rig.serve();
    let mut whole = Reader::open(&served, None);
    assert_eq!(whole.next().name, "status");
    assert_eq!(rig.post(&served, "/start").status, 200);
    let all = whole.until_done();
    let ended = |events: &[Event]| {
        let calls = events.iter().filter(|e| e.data["step"] == "ended");
        calls.count()
    };
    assert_eq!(ended(&all), 20);
    // Wherever it was when it left: what follows, and no more.
    for at in [0, 1, all.len() / 2, all.len() - 2] {
        let mut again = Reader::open(&served, all[at].id.as_deref());
        assert_eq!(again.next().name, "status");
        assert_eq!(again.until_done(), all[at + 1..], "after event {at}");
    }
    // What is of another process, or no id at all: a gap, and then the picture.
    let others = [
        "",
        "0",
        "12345678-3",
        "-",
        "x-y",
        "99999999999999999999999-1",
    ];
    let first = all[0].id.clone().expect("it has one");
    for id in others.into_iter().map(str::to_owned).chain([first + "x"]) {
        let mut reader = Reader::open(&served, Some(&id));
        let gap = reader.next();
        assert_eq!(
            (gap.name.as_str(), &gap.data),
            ("gap", &json!({ "missed": null })),
            "{id:?}"
        );
        let status = reader.next();
        assert_eq!(status.name, "status", "{id:?}");
        assert_eq!(status.data["state"], "DONE");
    }
    served.process.kill();
}

#[test]
fn places_for_streams_are_counted_and_come_free() {
    let rig = Rig::new(&numbers(BUSY, 2), &[]);
    let served = rig.serve();
    let mut readers: Vec<Reader> = (0..PLACES).map(|_| Reader::open(&served, None)).collect();
    for path in ["/api/v1/events", "/api/v1/console"] {
        let refused = rig.get(&served, path);
        assert_eq!(refused.status, 503, "{path}: {}", refused.text);
        assert_eq!(refused.json()["message"], "32 streams are open already");
    }
    // A command still finds a way.
    assert_eq!(rig.post(&served, "/start").status, 200);
    for reader in &mut readers {
        assert_eq!(reader.next().name, "status");
    }
    drop(readers);
    let until = Instant::now() + SOON;
    let mut stream = loop {
        if let Some(reader) = Reader::try_open(&served) {
            break reader;
        }
        assert!(Instant::now() < until, "no place came free");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(stream.next().name, "status");
    served.process.kill();
}

/// With so small a buffer that what is sent to it soon has nowhere to go.
fn narrow(served: &Served) -> TcpStream {
    let address = served.base.trim_start_matches("http://");
    let address: SocketAddr = address.parse().expect("an address");
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4096).expect("it is new");
    socket.connect(&address.into()).expect("it listens");
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(SOON)).expect("set");
    let head = format!("GET /api/v1/console HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("it is taken");
    stream
}

/// Each of them has a place: the head of its answer is there, and stays where it is.
fn assert_served(stalled: &[TcpStream]) {
    for stream in stalled {
        let mut head = [0; 12];
        let seen = stream.peek(&mut head).expect("an answer");
        assert_eq!(&head[..seen], b"HTTP/1.1 200");
    }
}

/// Their places are for others.
#[test]
fn readers_that_take_nothing_are_dropped() {
    let rig = Rig::new(&numbers(BUSY, 600_000), &[]);
    let served = rig.serve();
    let stalled: Vec<TcpStream> = (0..PLACES).map(|_| narrow(&served)).collect();
    assert_served(&stalled);
    assert_eq!(rig.get(&served, "/api/v1/events").status, 503);
    let until = Instant::now() + Duration::from_secs(40);
    while Reader::try_open(&served).is_none() {
        assert!(Instant::now() < until, "no place came free");
        std::thread::sleep(Duration::from_millis(500));
    }
    drop(stalled);
    served.process.kill();
}

/// Readers that never read, of a list of 200,000.
#[test]
fn readers_that_take_nothing_cost_no_memory() {
    let rig = Rig::new(&numbers(BUSY, 200_000), &[]);
    let served = rig.serve();
    let pid = served.process.pid();
    let before = kib(pid, "VmRSS:");
    let stalled: Vec<TcpStream> = (0..PLACES)
        .map(|_| connect(&served, "/api/v1/console", ""))
        .collect();
    assert_served(&stalled);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(rig.get(&served, "/api/v1/events").status, 503);
    let grown = kib(pid, "VmHWM:").saturating_sub(before);
    println!("{PLACES} readers that take nothing: {grown} KiB more");
    assert!(grown < 64 * 1024, "{grown} KiB more");
    drop(stalled);
    served.process.kill();
}
