//! The stream of pictures: read, lost, opened again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::StatusCode;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::{Place, Pulse};
use crate::campaign::Time;
use crate::control::Away;
use crate::engine::{Clock, Snapshot};
use crate::headless::harmless;
use crate::wire::{Decoder, Hello, LogLine, PROTOCOL, StreamLine, mismatch};

/// The engine's process sends a line every second: one that sends none for so long is lost.
const SILENCE: Duration = Duration::from_secs(5);
/// No line is longer: the calls of ten thousand have a fraction of it.
const MOST_LINE: usize = 64 * 1024 * 1024;
/// The waits before the stream is opened again.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What is known of the engine.
pub(super) struct AttachLink {
    place: Arc<Place>,
    log: mpsc::Sender<Vec<LogLine>>,
    pulse: Arc<Pulse>,
    decoder: Decoder,
    /// The id of the last log line.
    last: Option<String>,
    stream: Option<StreamLines>,
}

impl AttachLink {
    pub(super) fn new(
        place: Arc<Place>,
        log: mpsc::Sender<Vec<LogLine>>,
        pulse: Arc<Pulse>,
    ) -> Self {
        Self {
            place,
            log,
            pulse,
            decoder: Decoder::default(),
            last: None,
            stream: None,
        }
    }

    /// Opens the stream; the first picture, and the engine's clock.
    pub(super) async fn first_picture(&mut self) -> Result<(Snapshot, Clock), String> {
        let hello = self.open().await?;
        let clock = Clock::showing(hello.now);
        loop {
            if let Some(picture) = self.next().await? {
                return Ok((picture, clock));
            }
        }
    }

    /// Publishes pictures for as long as somebody looks.
    pub(super) async fn run(
        mut self,
        publish: watch::Sender<Arc<Snapshot>>,
        away: watch::Sender<Option<Away>>,
        clock: Clock,
    ) {
        let mut wait = FIRST_WAIT;
        loop {
            let why = loop {
                match self.next().await {
                    Ok(Some(picture)) => {
                        wait = FIRST_WAIT;
                        publish.send_replace(Arc::new(picture));
                        if away.send_replace(None).is_some() {
                            self.say(clock.now(), "info", "the engine is reached again")
                                .await;
                        }
                    }
                    Ok(None) => {}
                    Err(why) => break why,
                }
            };
            let now = clock.now();
            let since = away.borrow().as_ref().map(|away| away.since);
            if since.is_none() {
                self.say(now, "error", &format!("the engine is not reached: {why}"))
                    .await;
            }
            away.send_replace(Some(Away {
                since: since.unwrap_or(now),
                why,
            }));
            self.stream = None;
            tokio::time::sleep(wait.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// The next line; a picture where it has one. Opens the stream where it is not.
    async fn next(&mut self) -> Result<Option<Snapshot>, String> {
        let Some(stream) = &mut self.stream else {
            self.open().await?;
            return Ok(None);
        };
        let line = stream.next_line().await?;
        match read(&line)? {
            StreamLine::Hello(_) => {}
            StreamLine::Beat(beat) => self.pulse.heard(beat),
            StreamLine::Leads(changes) => {
                self.decoder.leads(&changes).map_err(|e| e.to_string())?;
            }
            StreamLine::Log { last, lines } => {
                self.last = Some(last);
                // The log pane's thread takes them as fast as they come.
                let _ = self.log.send(lines).await;
            }
            StreamLine::Picture(difference) => {
                let picture = self.decoder.picture(difference);
                return picture.map(Some).map_err(|e| e.to_string());
            }
        }
        Ok(None)
    }

    async fn open(&mut self) -> Result<Hello, String> {
        self.decoder = std::mem::take(&mut self.decoder).anew();
        let mut request = self.place.get("/api/v1/console");
        if let Some(last) = &self.last {
            request = request.query(&[("after", last)]);
        }
        let address = self.place.address();
        let answer = timeout(SILENCE, request.send()).await;
        let answer = answer.map_err(|_| format!("{address} does not answer"))?;
        let answer = answer.map_err(|e| self.place.unreachable(&e))?;
        refusal(address, answer.status())?;
        let mut lines = StreamLines {
            pieces: answer.bytes_stream().map(|p| p.map(Vec::from)).boxed(),
            buffer: Vec::new(),
            looked: 0,
        };
        let hello = greeting(&lines.next_line().await?)
            .ok_or_else(|| format!("{address} is no Dialdeck"))?;
        if hello.protocol != PROTOCOL {
            return Err(mismatch(
                PROTOCOL,
                hello.protocol,
                &harmless(&hello.version),
            ));
        }
        self.pulse.begins(hello.beat);
        self.stream = Some(lines);
        Ok(hello)
    }

    async fn say(&mut self, at: Time, level: &str, text: &str) {
        let line = LogLine {
            at,
            level: level.to_owned(),
            target: "attach".to_owned(),
            text: text.to_owned(),
        };
        let _ = self.log.send(vec![line]).await;
    }
}

/// Why the API does not give its stream.
fn refusal(address: &str, status: StatusCode) -> Result<(), String> {
    let why = match status {
        StatusCode::OK => return Ok(()),
        StatusCode::UNAUTHORIZED => {
            "asks for a token, or for another: CONTROL_TOKEN must be the engine's, in the \
             environment or in the .env of this folder"
        }
        StatusCode::FORBIDDEN => {
            "does not know itself by this name: give its address, or have the proxy before it send that \
             as Host"
        }
        StatusCode::NOT_FOUND => "is no Dialdeck, or one that is too old to be attached to",
        StatusCode::SERVICE_UNAVAILABLE => "has as many consoles and streams as it takes",
        _ => return Err(format!("{address} answers {status}")),
    };
    Err(format!("{address} {why}"))
}

/// The first line, where a Dialdeck has written it.
fn greeting(line: &[u8]) -> Option<Hello> {
    match serde_json::from_slice(line) {
        Ok(StreamLine::Hello(hello)) => Some(hello),
        _ => None,
    }
}

fn read(line: &[u8]) -> Result<StreamLine, String> {
    serde_json::from_slice(line).map_err(|e| {
        // It quotes them.
        let why = harmless(&e.to_string())
            .chars()
            .take(200)
            .collect::<String>();
        format!("the engine's words make no sense: {why}")
    })
}

/// Lines that come in pieces.
struct StreamLines {
    pieces: futures_util::stream::BoxStream<'static, reqwest::Result<Vec<u8>>>,
    buffer: Vec<u8>,
    /// So much of the buffer has no end of a line.
    looked: usize,
}

impl StreamLines {
    /// The next line, without its end.
    async fn next_line(&mut self) -> Result<Vec<u8>, String> {
        loop {
            let found = self.buffer[self.looked..]
                .iter()
                .position(|byte| *byte == b'\n');
            if let Some(at) = found.map(|at| at + self.looked) {
                let rest = self.buffer.split_off(at + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.pop();
                self.looked = 0;
                return Ok(line);
            }
            self.looked = self.buffer.len();
            if self.looked > MOST_LINE {
                return Err("the engine's words have no end".to_owned());
            }
            match timeout(SILENCE, self.pieces.next()).await {
                Ok(Some(Ok(piece))) => self.buffer.extend_from_slice(&piece),
                Ok(Some(Err(_)) | None) => {
                    return Err("the engine's process has ended, or the line to it".to_owned());
                }
                Err(_) => {
                    let seconds = SILENCE.as_secs();
                    return Err(format!("nothing came from it for {seconds} s"));
                }
            }
        }
    }
}
