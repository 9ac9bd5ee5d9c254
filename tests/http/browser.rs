//! What a web page can make an operator's browser do: a real Chromium opens pages of other
//! origins that try to start, read and change by every means a page has.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

use super::{Rig, STAYS};
use crate::support::numbers::numbers;

/// A browser starts slowly on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
/// The page that tries. `VICTIM` stands for whom it tries it on.
const PAGE: &str = include_str!("attack.html");
/// What the page tries, as the server that refuses nothing sees it: the browser did send these.
const SENT: [&str; 9] = [
    "GET /start?img",
    "GET /start?form=",
    "GET /start?iframe",
    "GET /start?script",
    "GET /start?fetch",
    "GET /start?blind",
    "POST /api/v1/start?form",
    "POST /api/v1/start?blind",
    "POST /api/v1/start?beacon",
];

/// A server that serves [`PAGE`] and refuses nothing.
struct Careless {
    port: u16,
    requests: mpsc::Receiver<String>,
}

impl Careless {
    fn serve(victim: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        let page = PAGE.replace("VICTIM", victim);
        let (told, requests) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (told, page) = (told.clone(), page.clone());
                std::thread::spawn(move || {
                    // A browser opens connections that it then does not use.
                    if let Some(line) = answer(stream.expect("a connection"), &page) {
                        // The test may have ended.
                        let _ = told.send(line);
                    }
                });
            }
        });
        Self { port, requests }
    }
}

/// Reads one request and answers it: its method and path.
fn answer(mut stream: TcpStream, page: &str) -> Option<String> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let request = line.rsplit_once(" HTTP/")?.0.to_owned();
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).ok()? <= 2 {
            break;
        }
    }
    let body = if request == "GET /page" { page } else { "" };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .ok()?;
    Some(request)
}

/// Chromium with a profile of its own, which speaks to nobody but loopback. `evil.example` is
/// a name that its owner points at loopback.
fn chromium(profile: &TempDir) -> Command {
    let mut command = Command::new("chromium");
    command
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP evil.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// The text of the page that a person opens by typing its address.
fn typed(url: &str) -> String {
    let profile = tempfile::tempdir().expect("a temporary folder");
    let output = chromium(&profile).args(["--dump-dom", url]).output();
    let output = output.expect("Chromium runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Opens a page that tries everything on `victim`, and returns what it could read of it.
/// `requests` gets what the page's own server was asked meanwhile.
fn attack(page: &Careless, host: &str) -> (BTreeMap<String, String>, Vec<String>) {
    let profile = tempfile::tempdir().expect("a temporary folder");
    let mut browser = Killed(
        chromium(&profile)
            .args(["--remote-debugging-port=0"])
            .arg(format!("http://{host}:{}/page", page.port))
            .stdout(Stdio::null())
            .spawn()
            .expect("Chromium starts"),
    );
    let mut requests = Vec::new();
    loop {
        let request = page.requests.recv_timeout(PATIENCE);
        let request = request.expect("the page comes to its end");
        if let Some(said) = request.strip_prefix("GET /done?") {
            let said = percent_encoding::percent_decode_str(said).decode_utf8_lossy();
            browser.end();
            return (serde_json::from_str(&said).expect("an object"), requests);
        }
        requests.push(request);
    }
}

/// A process that is gone when this is.
struct Killed(Child);

impl Killed {
    fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        self.end();
    }
}

fn install() {
    let needs = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/needs");
    let status = Command::new(needs).arg("chromium").status();
    assert!(status.expect("tests/needs runs").success(), "no Chromium");
}

#[test]
fn pages_of_other_origins_start_read_and_change_nothing() {
    install();
    let careless = Careless::serve("");
    let (_, sent) = attack(&careless, "127.0.0.1");
    for request in SENT {
        assert!(
            sent.iter().any(|s| s == request),
            "the page did not even try {request}: {sent:#?}"
        );
    }

    let rig = Rig::new(&numbers(STAYS, 3), &[]);
    let served = rig.serve();
    let before = rig.get(&served, "/api/v1/status").json();
    let page = Careless::serve(&served.base);
    // Another site, another site whose name means loopback, and another port of the same host.
    for host in ["evil.example", "localhost", "127.0.0.1"] {
        let (read, _) = attack(&page, host);
        assert!(read.len() > 9, "{read:?}");
        for (how, what) in read {
            assert_eq!(what, "unread", "{how} from {host}");
        }
    }
    let port = served.base.rsplit(':').next().expect("a port");
    let rebound = typed(&format!("http://evil.example:{port}/start"));
    assert!(rebound.contains("Host header"), "{rebound}");
    let after = rig.get(&served, "/api/v1/status").json();
    for what in ["state", "run", "calls", "leads"] {
        assert_eq!(after[what], before[what], "{what}");
    }
    let log = served.process.stdout();
    assert!(!log.contains("command="), "a command came through: {log}");

    // And all that is not because the browser could not.
    let own = typed(&format!("{}/start", served.base));
    assert!(own.contains("Dialer started successfully."), "{own}");
    served.process.kill();
}
