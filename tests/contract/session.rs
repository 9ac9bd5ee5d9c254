//! One script's talk with one ARI: raw requests, raw events, and the trace of both.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Message, http};

use super::place::Place;
use super::trace::{Trace, line, normal};

/// How long an event is waited for. The longest wait that a script means to have is 4 s.
const PATIENCE: Duration = Duration::from_secs(10);

/// The events that the dialer switches off, and so are no part of the contract.
const UNWANTED: [&str; 8] = [
    "ChannelVarset",
    "ChannelDialplan",
    "ChannelCallerId",
    "ChannelConnectedLine",
    "ChannelHold",
    "ChannelUnhold",
    "BridgeBlindTransfer",
    "BridgeAttendedTransfer",
];

/// What a request came to.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// A script's talk with one place.
pub(crate) struct Session {
    place: Place,
    http: reqwest::Client,
    tag: String,
    socket: Option<Socket>,
    seen: Vec<Value>,
    pub(crate) trace: Trace,
}

struct Socket {
    events: mpsc::UnboundedReceiver<Value>,
    reader: JoinHandle<()>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Session {
    /// A talk that has not begun. Its ids and its Stasis app are its own, so that scripts can
    /// run side by side.
    pub(crate) fn new(place: Place, script: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let tag = format!("ct{}x{count}x{script}", std::process::id());
        // The client wants one even for plain HTTP; a second installation is refused, which is
        // as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .build()
            .expect("a client without TLS needs nothing from the machine");
        Self {
            place,
            http,
            tag,
            socket: None,
            seen: Vec::new(),
            trace: Trace::default(),
        }
    }

    /// The id that `role` has in Asterisk.
    pub(crate) fn id(&self, role: &str) -> String {
        format!("{}-{role}", self.tag)
    }

    /// The Stasis app of this script.
    pub(crate) fn app(&self) -> String {
        self.id("app")
    }

    /// The endpoint of `number` behind the trunk.
    pub(crate) fn trunk(&self, number: &str) -> String {
        format!("PJSIP/{number}@{}", self.place.trunk)
    }

    /// Opens the event socket, with the event filter that the dialer sets.
    pub(crate) async fn connect(&mut self) {
        self.socket = Some(self.open(&self.app()).await);
        let filter: Vec<Value> = UNWANTED
            .iter()
            .map(|kind| serde_json::json!({ "type": kind }))
            .collect();
        let path = format!("/applications/{}/eventFilter", self.app());
        let body = serde_json::json!({ "disallowed": filter });
        self.call(Method::PUT, &path, &[], Some(body)).await;
    }

    /// A second socket under the same app; what the first hears from then on stays in the trace.
    pub(crate) async fn connect_another(&mut self) -> Other {
        Other(self.open(&self.app()).await)
    }

    /// A socket under the app of another `role`.
    pub(crate) async fn connect_as(&mut self, role: &str) -> Other {
        Other(self.open(&self.id(role)).await)
    }

    async fn open(&self, app: &str) -> Socket {
        let url = format!(
            "ws://{}/ari/events?app={}&api_key={}:{}",
            self.place.addr, app, self.place.username, self.place.password
        );
        let request = url.into_client_request().expect("a well-formed address");
        let (stream, _) = tokio_tungstenite::connect_async(request)
            .await
            .unwrap_or_else(|e| panic!("{}: no event socket: {e}", self.place.name));
        let (sender, events) = mpsc::unbounded_channel();
        let reader = tokio::spawn(async move {
            let (_write, mut read) = stream.split();
            while let Some(Ok(message)) = read.next().await {
                if let Message::Text(text) = message
                    && let Ok(event) = serde_json::from_str(&text)
                    && sender.send(event).is_err()
                {
                    return;
                }
            }
        });
        Socket { events, reader }
    }

    /// Drops the event socket without a word, as a dead process does.
    pub(crate) async fn disconnect(&mut self) {
        self.drain(Duration::ZERO).await;
        self.socket = None;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    /// The HTTP status of an attempt to open an event socket with `query`.
    pub(crate) async fn socket_refusal(&mut self, query: &str) {
        let url = format!("ws://{}/ari/events?{query}", self.place.addr);
        let request = url.into_client_request().expect("a well-formed address");
        let outcome = match tokio_tungstenite::connect_async(request).await {
            Ok(_) => "accepted".to_owned(),
            Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => {
                answer.status().as_u16().to_string()
            }
            Err(other) => format!("{other}"),
        };
        self.note(&format!("GET /events?{query} as a socket -> {outcome}"));
    }

    pub(crate) async fn get(&mut self, path: &str, query: &[(&str, &str)]) -> Answer {
        self.call(Method::GET, path, query, None).await
    }

    pub(crate) async fn post(&mut self, path: &str, query: &[(&str, &str)]) -> Answer {
        self.call(Method::POST, path, query, None).await
    }

    pub(crate) async fn delete(&mut self, path: &str) -> Answer {
        self.call(Method::DELETE, path, &[], None).await
    }

    /// Sends a request and puts its answer into the trace.
    pub(crate) async fn call(
        &mut self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let answer = self.silently(method.clone(), path, query, body).await;
        let query: Vec<String> = query.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let shown = normal(&format!("{path}?{}", query.join("&")), &self.tag);
        let shown = shown.replace(&self.place.trunk, "TRUNK");
        let body = self.line(&answer.body);
        self.note(&format!("{method} {shown} -> {}{body}", answer.status));
        answer
    }

    /// Notes which dialplan application the channel of `role` runs, and with what; where it has
    /// left Stasis, as soon as it runs another one, which is a moment later.
    pub(crate) async fn shows_dialplan_app(&mut self, role: &str, has_left: bool) {
        let path = format!("/channels/{}", self.id(role));
        let mut channel = Value::Null;
        for _ in 0..100 {
            channel = self.silently(Method::GET, &path, &[], None).await.body;
            let app = channel["dialplan"]["app_name"].as_str();
            if has_left != app.is_none_or(|app| app == "Stasis" || app.is_empty()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let app = channel["dialplan"]["app_name"].as_str().unwrap_or("none");
        let data = channel["dialplan"]["app_data"].as_str().unwrap_or("none");
        // Which other one it is hangs on how far its dialplan has come.
        self.note(&match app {
            "Stasis" => format!("{role} runs Stasis with {}", normal(data, &self.tag)),
            "" | "none" => format!("{role} runs nothing"),
            _ => format!("{role} runs another application"),
        });
    }

    /// Hangs up whoever is in this bridge under an id that Asterisk made.
    pub(crate) async fn hang_up_others_in(&mut self, role: &str) {
        let path = format!("/bridges/{}", self.id(role));
        let bridge = self.silently(Method::GET, &path, &[], None).await.body;
        let members = bridge["channels"].as_array().cloned().unwrap_or_default();
        for id in members.iter().filter_map(Value::as_str) {
            if !id.starts_with(&self.tag) {
                let path = format!("/channels/{id}");
                let status = self.silently(Method::DELETE, &path, &[], None).await.status;
                self.note(&format!("another channel was hung up: {status}"));
            }
        }
    }

    /// Sends a request that is no part of the trace.
    pub(crate) async fn silently(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = self
            .http
            .request(method, self.place.url(path))
            .basic_auth(&self.place.username, Some(&self.place.password))
            .query(query);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request
            .send()
            .await
            .unwrap_or_else(|e| panic!("{}: no answer: {e}", self.place.name));
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.expect("a whole body");
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| match bytes.len() {
            0 => Value::Null,
            _ => Value::String(String::from_utf8_lossy(&bytes).into_owned()),
        });
        Answer { status, body }
    }

    /// A request with other credentials, or none.
    pub(crate) async fn as_stranger(&mut self, credentials: Option<(&str, &str)>) {
        let mut request = self.http.get(self.place.url("/asterisk/info"));
        if let Some((user, password)) = credentials {
            request = request.basic_auth(user, Some(password));
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let challenge = answer
            .headers()
            .get(http::header::WWW_AUTHENTICATE.as_str())
            .map(|value| value.to_str().unwrap_or("?").to_owned());
        let text = answer.text().await.expect("a whole body");
        let body = serde_json::from_str::<Value>(&text)
            .map_or_else(|_| "not JSON".to_owned(), |body| line(&body, &self.tag));
        self.note(&format!("without a login -> {status} {challenge:?} {body}"));
    }

    /// The bytes behind `path` and their content type.
    pub(crate) async fn bytes(&mut self, path: &str) -> (u16, String, Vec<u8>) {
        let answer = self
            .http
            .get(self.place.url(path))
            .basic_auth(&self.place.username, Some(&self.place.password))
            .send()
            .await
            .expect("an answer");
        let status = answer.status().as_u16();
        let kind = answer
            .headers()
            .get("content-type")
            .and_then(|value| value.to_str().ok())
            .unwrap_or("none")
            .to_owned();
        (
            status,
            kind,
            answer.bytes().await.expect("a whole body").to_vec(),
        )
    }

    /// Puts a line of the script's own between the answers.
    pub(crate) fn note(&mut self, text: &str) {
        self.trace.answers.push(text.to_owned());
    }

    /// Asks until the channel of `role` rings, where no event would tell.
    pub(crate) async fn until_it_rings(&mut self, role: &str) {
        let path = format!("/channels/{}", self.id(role));
        for _ in 0..100 {
            let channel = self.silently(Method::GET, &path, &[], None).await.body;
            if channel["state"] == "Ringing" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.note(&format!("WAITED IN VAIN for {role} to ring"));
    }

    /// Waits for an event of `kind` about `role` that has not been waited for yet.
    pub(crate) async fn until(&mut self, role: &str, kind: &str) {
        self.until_with(role, (kind, 1), "", "").await;
    }

    /// Waits for the second event of `kind` about `role`.
    pub(crate) async fn until_again(&mut self, role: &str, kind: &str) {
        self.until_with(role, (kind, 2), "", "").await;
    }

    /// Waits for a `Dial` event about `role` with this status.
    pub(crate) async fn until_dial(&mut self, role: &str, status: &str) {
        self.until_with(role, ("Dial", 1), "/dialstatus", status)
            .await;
    }

    async fn until_with(
        &mut self,
        role: &str,
        (kind, times): (&str, usize),
        pointer: &str,
        value: &str,
    ) {
        let matches = |event: &Value, subject: &str| {
            subject == role
                && event["type"] == kind
                && (pointer.is_empty() || event.pointer(pointer).is_some_and(|v| v == value))
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let seen = self.seen.iter().filter(|e| matches(e, &self.subject(e)));
            if seen.count() >= times {
                return;
            }
            let Some(event) = self.next(deadline).await else {
                self.note(&format!("WAITED IN VAIN for {kind} {value} of {role}"));
                return;
            };
            self.record(event);
        }
    }

    async fn next(&mut self, deadline: Instant) -> Option<Value> {
        let socket = self.socket.as_mut()?;
        let left = deadline.saturating_duration_since(Instant::now());
        timeout(left, socket.events.recv()).await.ok().flatten()
    }

    /// Takes in whatever comes within `time`.
    pub(crate) async fn drain(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while let Some(event) = self.next(deadline).await {
            self.record(event);
        }
    }

    fn record(&mut self, event: Value) {
        // The second half's requests race with its own dialplan; nobody relies on them.
        let name = event["channel"]["name"].as_str().unwrap_or_default();
        if name.ends_with(";2") && event["type"] == "ChannelHangupRequest" {
            return;
        }
        let mut subject = self.subject(&event);
        // Other threads of Asterisk send these: before or after the state that they tell of,
        // and even before the beginning.
        if event["type"] == "Dial" {
            let begun = event["dialstatus"] == "";
            subject.insert_str(0, if begun { "begun dialing " } else { "dialing " });
        }
        let line = self.line(&event);
        self.trace.events.entry(subject).or_default().push(line);
        self.seen.push(event);
    }

    fn line(&self, value: &Value) -> String {
        line(value, &self.tag).replace(&self.place.trunk, "TRUNK")
    }

    /// Whom an event is about: the role of its channel, bridge or recording.
    fn subject(&self, event: &Value) -> String {
        let id = ["/channel/id", "/peer/id", "/recording/name", "/bridge/id"]
            .iter()
            .find_map(|pointer| event.pointer(pointer))
            .and_then(Value::as_str)
            .unwrap_or("the app");
        match id.rsplit_once(&format!("{}-", self.tag)) {
            Some((_, role)) => role.to_owned(),
            None if id == "the app" => id.to_owned(),
            None if event.get("caller").is_some() => "the agent's phone".to_owned(),
            None => "a channel that Asterisk named".to_owned(),
        }
    }

    /// Ends the script: takes in what still comes, and takes down what was left.
    pub(crate) async fn finish(mut self) -> Trace {
        self.drain(Duration::from_millis(300)).await;
        self.socket = None;
        for (path, field) in [("/channels", "channels"), ("/bridges", "bridges")] {
            let all = self.silently(Method::GET, path, &[], None).await.body;
            let ids: Vec<&str> = all
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|item| item["id"].as_str())
                .filter(|id| id.starts_with(&self.tag))
                .collect();
            let mut left: Vec<String> = ids.iter().map(|id| normal(id, &self.tag)).collect();
            left.sort();
            self.trace.answers.push(format!("{field} left: {left:?}"));
            for id in ids {
                let path = format!("{path}/{id}");
                self.silently(Method::DELETE, &path, &[], None).await;
            }
        }
        self.trace
    }
}

/// A second client of the same app.
pub(crate) struct Other(Socket);

impl Other {
    /// Whether an event of `kind` reaches this client in time.
    pub(crate) async fn hears(&mut self, kind: &str) -> bool {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match timeout(left, self.0.events.recv()).await {
                Ok(Some(event)) if event["type"] == kind => return true,
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return false,
            }
        }
    }
}
