//! The lab of `tests/lab/lab.sh` for integration tests: a real Asterisk (the PBX, which runs
//! the project's own `asterisk_conf/`) and a real carrier.
//!
//! A test crate takes it in with `mod support { pub(crate) mod lab; }`. A lab that does not
//! start is a failed test, never a skipped one.
//!
//! # What the carrier does with a number
//! The first digits say it; the rest is free, so that each number of a test can be its own.
//!
//! | number | what becomes of it | cause, SIP |
//! | --- | --- | --- |
//! | `1…` | busy | 17, 486 |
//! | `2…` | congestion | 34, 503 |
//! | `3…` | rings for ever | |
//! | `4…` | unallocated | 1, 404 |
//! | `5…` | rejected | 21, 403 |
//! | `6…` | declined | 21, 603 |
//! | `70…` | early media, never answers | |
//! | `71…` | early media for 2 s, then answers and talks on | |
//! | `72…` | answers and hangs up after 0.05 s | 16 |
//! | `73…` | rings for 1 s, then busy | 17, 486 |
//! | `74…` | answers and stays silent | |
//! | `75…` | "trying" and no more, not even ringing | |
//! | `80…` | answers at once and talks on | |
//! | `81…` | answers at once, hangs up after 1 s | 16 |
//! | `82…` | answers after 0.3 s and talks on | |
//! | `83…` | answers after 0.3 s, hangs up after 1 s | 16 |
//! | `84…` | answers after 2 s and talks on | |
//! | `85…` | early media for 1 s, then answers and talks on | |
//! | `86NN…` | answers at once, hangs up after NN seconds | 16 |
//! | `9CCC…` | fails with hangup cause CCC: `9019…`, `9022…`, `9028…`, `9038…` | 19, 480; 22, 410; 28, 484; 38, 500 |
//!
//! Whoever answers plays [`CARRIER_HZ`]; the targets play [`TARGET_HZ`].
//!
//! # Targets for leg B
//! | target | what it does |
//! | --- | --- |
//! | `Local/100@lab` | answers at once and talks on |
//! | `Local/101@lab` | answers at once, hangs up after 2 s |
//! | `Local/102@lab` | busy |
//! | `Local/103@lab` | congestion |
//! | `Local/104@lab` | rings for ever |
//! | `Local/105@lab` | answers after 3 s and talks on |
//! | `Local/106@lab` | a queue whose member answers at once |
//! | `Local/107@lab` | the same queue, answered by the dialplan first |
//! | `Local/108@lab` | a queue whose member never answers |
//! | `Local/109@lab` | answers at once and stays silent |
//! | `Local/110@lab` | hangs up without a word |
//! | `Local/111@lab` | answers after 0.5 s and talks on |
//! | `Local/199@lab` | leads to an extension that is missing |
//! | `Local/999@lab` | missing |
//! | `Local/777@default` | the project's own queue, with one agent: picks up after 0.2 s |
//! | `PJSIP/agent` | that agent's phone itself, over SIP |

#![allow(dead_code, reason = "each test crate uses a part of the harness")]

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// What whoever answers at the carrier plays, in Hz.
pub(crate) const CARRIER_HZ: f64 = 440.0;
/// What the targets play, in Hz.
pub(crate) const TARGET_HZ: f64 = 1000.0;

/// How long Asterisk may take to put away what has ended.
const SETTLE: Duration = Duration::from_secs(5);

/// How often a test that waits for a lab looks for one.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// One of the two Asterisks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node {
    /// The one that the dialer speaks to.
    Pbx,
    /// The one that is called.
    Carrier,
}

impl Node {
    const fn name(self) -> &'static str {
        match self {
            Self::Pbx => "pbx",
            Self::Carrier => "carrier",
        }
    }
}

/// One line of a witness: who called whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// When, as RFC 3339 in UTC with milliseconds. Lines compare as times do.
    pub(crate) at: String,
    /// The number dialed (carrier), or the target's extension, or `agent`.
    pub(crate) callee: String,
    /// `CALLERID(num)` as the callee saw it; `anonymous` or empty where there was none.
    pub(crate) caller: String,
}

/// A running lab. While a value lives, no other test uses the same one, in this process or in
/// any other, unless both share it.
#[derive(Debug)]
pub(crate) struct Lab {
    facts: &'static Facts,
    /// Locks on this lab, and on others where nothing is to run beside.
    turns: Vec<File>,
}

/// What the script says of a lab.
#[derive(Debug)]
struct Facts {
    /// `DIALDECK_LAB_SLOT`.
    slot: u8,
    /// The lines of `lab.sh env`.
    env: HashMap<String, String>,
    /// The lines of `lab.sh paths`.
    paths: HashMap<String, String>,
}

impl Lab {
    /// A lab for this test alone, with nothing left in it. Waits for its turn; every test
    /// that asks for [`Self::assert_nothing_left`] or clears a witness needs this one.
    pub(crate) fn get() -> Self {
        let lab = Self::first_free(slots().rev(), File::try_lock);
        lab.reset();
        lab
    }

    /// A lab beside other tests that share it: for a test that looks only at its own
    /// channels and numbers.
    pub(crate) fn shared() -> Self {
        Self::first_free(slots(), File::try_lock_shared)
    }

    /// A lab for this test alone, while no test uses any other lab: for a test that measures
    /// times. It waits without keeping others from theirs, so it has its turn when they are done.
    pub(crate) fn quiet() -> Self {
        loop {
            let all: Option<Vec<File>> = slots().map(|s| take(s, File::try_lock)).collect();
            if let Some(turns) = all {
                let facts = facts_of(slots().start);
                let lab = Self { facts, turns };
                lab.reset();
                return lab;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn first_free(
        slots: impl Iterator<Item = u8>,
        lock: fn(&File) -> Result<(), TryLockError>,
    ) -> Self {
        let slots: Vec<u8> = slots.collect();
        loop {
            for &slot in &slots {
                if let Some(turn) = take(slot, lock) {
                    let facts = facts_of(slot);
                    let turns = vec![turn];
                    return Self { facts, turns };
                }
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn script(&self, args: &[&str]) -> String {
        script(self.facts.slot, args)
    }

    /// The dialer's settings for this lab, as its `.env` names them.
    pub(crate) fn env(&self) -> &HashMap<String, String> {
        &self.facts.env
    }

    /// `ARI_URL`, without a path.
    pub(crate) fn ari_url(&self) -> &str {
        &self.facts.env["ARI_URL"]
    }

    /// The same Asterisk over TLS: `ARI_URL` and `ARI_CA_FILE`.
    pub(crate) fn secure(&self) -> [(&'static str, &str); 2] {
        let paths = &self.facts.paths;
        [
            ("ARI_URL", &paths["TLS_URL"]),
            ("ARI_CA_FILE", &paths["CA_FILE"]),
        ]
    }

    /// `ARI_USERNAME` and `ARI_PASSWORD`.
    pub(crate) fn credentials(&self) -> (&str, &str) {
        let env = &self.facts.env;
        (&env["ARI_USERNAME"], &env["ARI_PASSWORD"])
    }

    /// `ARI_TRUNK`.
    pub(crate) fn trunk(&self) -> &str {
        &self.facts.env["ARI_TRUNK"]
    }

    /// Where one of the lab's SIP ports is: `PBX_SIP`, `SCRIPTED_CARRIER`, `SCRIPTED_AGENT`.
    pub(crate) fn address(&self, which: &str) -> SocketAddr {
        let address = self.facts.paths[which].parse();
        address.expect("the script tells an address")
    }

    /// Asterisk's own recording spool, on the PBX.
    pub(crate) fn recording_spool(&self) -> &Path {
        Path::new(&self.facts.paths["RECORDINGS"])
    }

    /// Asterisk's own log.
    pub(crate) fn log(&self, node: Node) -> String {
        let path = match node {
            Node::Pbx => "PBX_LOG",
            Node::Carrier => "CARRIER_LOG",
        };
        fs::read_to_string(&self.facts.paths[path]).expect("Asterisk's log can be read")
    }

    /// The answer to one command of the Asterisk console.
    pub(crate) fn cli(&self, node: Node, command: &str) -> String {
        self.script(&["cli", node.name(), command])
    }

    /// Kills one Asterisk as a crash would.
    pub(crate) fn kill(&self, node: Node) {
        self.script(&["kill", node.name()]);
    }

    /// Starts one that was killed, and does not wait for it.
    pub(crate) fn start(&self, node: Node) {
        self.script(&["start", node.name()]);
    }

    /// Whether the PBX answers over ARI.
    pub(crate) fn ari_answers(&self) -> bool {
        let ping = || {
            let address = self.ari_url().trim_start_matches("http://");
            let (user, password) = self.credentials();
            let request =
                format!("GET /ari/asterisk/ping?api_key={user}:{password} HTTP/1.0\r\n\r\n");
            let mut stream = TcpStream::connect(address)?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            stream.write_all(request.as_bytes())?;
            let mut answer = [0; 12];
            stream.read_exact(&mut answer)?;
            Ok::<_, std::io::Error>(answer.ends_with(b" 200"))
        };
        ping().unwrap_or(false)
    }

    /// Who was called since the witness was last cleared, in order: one entry a call that
    /// reached the carrier, whatever became of it.
    pub(crate) fn carrier_calls(&self) -> Vec<Seen> {
        self.witness("CALLS")
    }

    /// What the targets saw since the witness was last cleared, in order.
    pub(crate) fn target_calls(&self) -> Vec<Seen> {
        self.witness("TARGETS")
    }

    fn witness(&self, which: &str) -> Vec<Seen> {
        let text = fs::read_to_string(&self.facts.paths[which]).expect("the witness can be read");
        text.lines().map(Seen::parse).collect()
    }

    /// Empties both witnesses.
    pub(crate) fn clear_witnesses(&self) {
        for which in ["CALLS", "TARGETS"] {
            File::create(&self.facts.paths[which]).expect("the witness can be emptied");
        }
    }

    /// Hangs up everything, takes down every bridge, empties the recording spool and both
    /// witnesses.
    pub(crate) fn reset(&self) {
        for node in [Node::Pbx, Node::Carrier] {
            self.cli(node, "channel request hangup all");
        }
        wait_until(|| {
            self.channels(Node::Pbx).is_empty() && self.channels(Node::Carrier).is_empty()
        });
        for bridge in self.bridges() {
            self.ari("DELETE", &format!("/ari/bridges/{bridge}"));
        }
        self.forget_applications();
        for left in files_below(self.recording_spool()) {
            fs::remove_file(left).expect("a file of the spool can be removed");
        }
        self.clear_witnesses();
    }

    /// An application can outlive a dialer that a test killed, when Asterisk has lost count of
    /// its subscriptions. Only a restart is sure to forget it.
    fn forget_applications(&self) {
        let none = || self.ari("GET", "/ari/applications").trim() == "[]";
        let asked = Instant::now();
        while !none() {
            if asked.elapsed() > Duration::from_secs(2) {
                self.script(&["down"]);
                self.script(&["up"]);
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// One request over ARI, and the answer's body. The console's `bridge destroy` leaves a
    /// Stasis bridge that has no channel, so this is needed to tidy up.
    pub(crate) fn ari(&self, method: &str, path: &str) -> String {
        let address = self.ari_url().trim_start_matches("http://");
        let (user, password) = self.credentials();
        let and = if path.contains('?') { '&' } else { '?' };
        let request = format!(
            "{method} {path}{and}api_key={user}:{password} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        );
        let mut stream = TcpStream::connect(address).expect("Asterisk answers");
        stream
            .write_all(request.as_bytes())
            .expect("Asterisk takes the request");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .expect("Asterisk answers the request");
        answer
            .split_once("\r\n\r\n")
            .map_or_else(String::new, |(_, body)| body.to_owned())
    }

    /// The channels that are up, one line each.
    pub(crate) fn channels(&self, node: Node) -> Vec<String> {
        let list = self.cli(node, "core show channels concise");
        list.lines()
            .filter(|line| line.contains('!'))
            .map(str::to_owned)
            .collect()
    }

    /// The ids of the PBX's bridges.
    pub(crate) fn bridges(&self) -> Vec<String> {
        let list = self.cli(Node::Pbx, "bridge show all");
        list.lines()
            .skip_while(|line| !line.starts_with("Bridge-ID"))
            .skip(1)
            .filter_map(|line| line.split_whitespace().next())
            .map(str::to_owned)
            .collect()
    }

    /// Channels, bridges and files of the recording spool. For a test that has the lab alone.
    pub(crate) fn left(&self) -> Vec<String> {
        let mut left = self.channels(Node::Pbx);
        left.extend(self.channels(Node::Carrier));
        left.extend(self.bridges());
        let files = files_below(self.recording_spool());
        left.extend(files.iter().map(|path| path.display().to_string()));
        left
    }

    /// Fails unless, within 5 s, nothing is [`Self::left`].
    pub(crate) fn assert_nothing_left(&self) {
        wait_until(|| self.left().is_empty());
        let left = self.left();
        assert!(left.is_empty(), "left behind:\n{}", left.join("\n"));
    }

    /// Starts the judge of `tests/lab/observer.py`: it reads Asterisk's own events from now on.
    pub(crate) fn observe(&self) -> Observer {
        // It ends when it is told to, or when a test that died has left it for so many seconds.
        let mut child = command(self.facts.slot, &["observer", "300"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the lab's script can be started");
        let mut notes = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
        let ready = notes.any(|line| line.is_ok_and(|line| line == "ready"));
        assert!(ready, "the observer did not connect to Asterisk");
        Observer { child, notes }
    }

    /// Asterisk by itself, without a dialer, calls `count` numbers that begin with `prefix`,
    /// `max` at a time, records each and connects it to a target that answers at once.
    /// Returns when all have ended.
    pub(crate) fn baseline(&self, count: usize, max: usize, prefix: &str) {
        self.script(&["baseline", &count.to_string(), &max.to_string(), prefix]);
    }
}

/// A judge at work.
#[derive(Debug)]
pub(crate) struct Observer {
    child: Child,
    /// What it says on stderr.
    notes: Lines<BufReader<ChildStderr>>,
}

impl Observer {
    /// When all is over: waits until nothing has come for a second; then what it saw: `calls`,
    /// `answered`, `bridged`, `left_up`, `dead_air_ms` (`p50`, `p90`, `p99`), `peak_cc`, `cps`,
    /// `causes`, `recordings_finished`, `recordings_failed`.
    pub(crate) fn verdict(self) -> serde_json::Value {
        self.verdict_and_each().0
    }

    /// The same, and of each call that was bridged when it was answered, in milliseconds since
    /// 1970, and its dead air in milliseconds.
    pub(crate) fn verdict_and_each(mut self) -> (serde_json::Value, Vec<(f64, f64)>) {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(told.is_ok_and(|told| told.success()), "the observer runs");
        let mut text = String::new();
        let mut stdout = self.child.stdout.take().expect("stdout is piped");
        stdout
            .read_to_string(&mut text)
            .expect("the observer's verdict can be read");
        let status = self.child.wait().expect("the observer ends");
        let notes: Vec<_> = self.notes.map_while(Result::ok).collect();
        assert!(
            status.success(),
            "the observer failed: {status}: {notes:#?}"
        );
        let mut seen: serde_json::Value =
            serde_json::from_str(&text).expect("the observer prints one JSON object");
        // Too much to be shown with the rest.
        let each = seen.as_object_mut().and_then(|seen| seen.remove("each"));
        let each = serde_json::from_value(each.expect("it tells of each call"));
        (seen, each.expect("pairs of numbers"))
    }
}

impl Seen {
    fn parse(line: &str) -> Self {
        let mut fields = line.splitn(3, ' ').map(str::to_owned);
        let mut field = || fields.next().unwrap_or_default();
        Self {
            at: field(),
            callee: field(),
            caller: field(),
        }
    }
}

/// The labs that tests may use: `DIALDECK_LABS` of them, 1 unless told otherwise, from
/// `DIALDECK_LAB_SLOT` on, which is 0 unless told otherwise.
fn slots() -> Range<u8> {
    let digit = |name, unless| {
        let text = std::env::var(name).ok();
        text.map_or(unless, |text| text.parse().expect("a digit"))
    };
    let first = digit("DIALDECK_LAB_SLOT", 0);
    let end = first + digit("DIALDECK_LABS", 1);
    assert!(first < end && end <= 10, "there are slots 0 to 9");
    first..end
}

/// A turn in a slot, if it is free.
fn take(slot: u8, lock: fn(&File) -> Result<(), TryLockError>) -> Option<File> {
    let turn = turn_in(slot);
    match lock(&turn) {
        Ok(()) => Some(turn),
        Err(TryLockError::WouldBlock) => None,
        Err(TryLockError::Error(error)) => panic!("the lab's lock: {error}"),
    }
}

/// Brings the lab of a slot up, once in a process, for a test that has a turn in it: the script
/// starts it anew if its configuration has changed.
fn facts_of(slot: u8) -> &'static Facts {
    static FACTS: [OnceLock<Facts>; 10] = [const { OnceLock::new() }; 10];
    FACTS[usize::from(slot)].get_or_init(|| {
        script(slot, &["up"]);
        Facts {
            slot,
            env: settings(&script(slot, &["env"])),
            paths: paths_of(slot).clone(),
        }
    })
}

fn paths_of(slot: u8) -> &'static HashMap<String, String> {
    static PATHS: [OnceLock<HashMap<String, String>>; 10] = [const { OnceLock::new() }; 10];
    PATHS[usize::from(slot)].get_or_init(|| settings(&script(slot, &["paths"])))
}

/// The lock by which tests take turns in a slot.
fn turn_in(slot: u8) -> File {
    let path = Path::new(&paths_of(slot)["TEST_LOCK"]);
    let folder = path.parent().expect("the lock lies in the lab's folder");
    fs::create_dir_all(folder).expect("the lab's folder can be made");
    File::create(path).expect("the lab's lock can be made")
}

fn command(slot: u8, args: &[&str]) -> Command {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/lab.sh");
    let mut command = Command::new(script);
    command.args(args).stdin(Stdio::null());
    command.env("DIALDECK_LAB_SLOT", slot.to_string());
    command
}

/// Runs the script, which must succeed, and gives what it printed.
fn script(slot: u8, args: &[&str]) -> String {
    let output = command(slot, args)
        .output()
        .expect("the lab's script can be started");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "lab.sh {}: {errors}",
        args.join(" ")
    );
    String::from_utf8(output.stdout).expect("the lab's script prints UTF-8")
}

fn settings(lines: &str) -> HashMap<String, String> {
    lines
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    // Asterisk makes the folder with the first recording.
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// Waits until `done`, for [`SETTLE`] at the most: whether it came about is for the caller.
fn wait_until(done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() && start.elapsed() < SETTLE {
        std::thread::sleep(Duration::from_millis(50));
    }
}
