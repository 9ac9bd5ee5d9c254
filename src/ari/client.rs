//! The REST client: how requests are bounded, sent and judged. How one is put together is in
//! `request`; which ones there are, in `calls`, `files` and `system`.

mod calls;
mod files;
mod gate;
mod probe;
mod request;
mod system;
#[cfg(test)]
pub(crate) mod wire;

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::connection::{Connection, ConnectionError, Transport};
use super::error::{AriError, harmless};
use request::{Lane, RestRequest};

pub use calls::{CreateChannel, HangupReason, IfExists, Originate, Recording};
pub use files::Download;
pub use gate::Gate;
pub(super) use request::encode;
pub use system::EventSource;

/// How many requests run at once, files apart, and how many connections are kept alive
/// idle. A request that finds one free just when it has begun to open another leaves that
/// one to the idle, so that twice as many can be open: with files and event stream still
/// far below Asterisk's `sessionlimit` of 100, which other clients share.
pub(super) const CONCURRENT_REQUESTS: usize = 24;

/// How many requests for recordings run at once. They have a limit of their own, so that
/// slow downloads never keep a call waiting.
const CONCURRENT_FILES: usize = 4;

/// The largest answer that is read, in bytes: 10,000 channels take about 8 MB.
const MAX_BODY: usize = 16 << 20;

/// A client of one Asterisk. Clones share its connections and limits.
///
/// Dropping the future of a request gives its place back at once; whether Asterisk carried
/// the request out is then unknown.
#[derive(Clone)]
pub struct Client(Arc<ClientInner>);

struct ClientInner {
    transport: Transport,
    calls: Arc<Semaphore>,
    files: Arc<Semaphore>,
    counts: RequestCounts,
    /// What requests go over in a simulation.
    #[cfg(test)]
    wire: Option<Arc<dyn wire::Carrier>>,
}

#[derive(Default)]
struct RequestCounts {
    requests: AtomicU64,
    outages: AtomicU64,
    timeouts: AtomicU64,
    refused: AtomicU64,
}

/// What a client has done since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClientStats {
    /// Requests made, files included.
    pub requests: u64,
    /// Requests without an answer: no connection, a lost one, a timeout.
    pub outages: u64,
    /// Those of them that ended by timeout.
    pub timeouts: u64,
    /// Requests that Asterisk refused, 404 included.
    pub refused: u64,
    /// Requests under way now.
    pub in_flight: usize,
}

/// What became of a request to end something: both are success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gone {
    /// It ended by this request.
    Now,
    /// It was gone before (404).
    Already,
}

impl Client {
    /// Makes a client. Nothing is sent yet.
    pub fn new(connection: &Connection) -> Result<Self, ConnectionError> {
        Ok(Self(Arc::new(ClientInner {
            transport: Transport::build(connection)?,
            calls: Arc::new(Semaphore::new(CONCURRENT_REQUESTS)),
            files: Arc::new(Semaphore::new(CONCURRENT_FILES)),
            counts: RequestCounts::default(),
            #[cfg(test)]
            wire: None,
        })))
    }

    /// The same Asterisk and login, for another Stasis application. It counts for itself.
    #[must_use]
    pub(super) fn under(&self, app: &str) -> Self {
        let mut transport = self.0.transport.clone();
        app.clone_into(&mut transport.app);
        Self(Arc::new(ClientInner {
            transport,
            calls: Arc::new(Semaphore::new(CONCURRENT_REQUESTS)),
            files: Arc::new(Semaphore::new(CONCURRENT_FILES)),
            counts: RequestCounts::default(),
            #[cfg(test)]
            wire: self.0.wire.clone(),
        }))
    }

    /// The Stasis application that channels are made for.
    #[must_use]
    pub fn app(&self) -> &str {
        &self.0.transport.app
    }

    /// The base of the REST interface, without user and password.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.0.transport.base
    }

    /// What the client has done.
    #[must_use]
    pub fn stats(&self) -> ClientStats {
        let counts = &self.0.counts;
        let free = self.0.calls.available_permits() + self.0.files.available_permits();
        ClientStats {
            requests: counts.requests.load(Ordering::Relaxed),
            outages: counts.outages.load(Ordering::Relaxed),
            timeouts: counts.timeouts.load(Ordering::Relaxed),
            refused: counts.refused.load(Ordering::Relaxed),
            in_flight: (CONCURRENT_REQUESTS + CONCURRENT_FILES).saturating_sub(free),
        }
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.0.transport
    }

    /// Makes a request whose answer does not matter beyond its success.
    async fn run(&self, request: RestRequest) -> Result<(), AriError> {
        self.bytes(request).await.map(drop)
    }

    /// Makes a request and reads its answer.
    async fn json<T: DeserializeOwned>(&self, request: RestRequest) -> Result<T, AriError> {
        let what = request.what;
        let bytes = self.bytes(request).await?;
        serde_json::from_slice(&bytes).map_err(|e| AriError::Malformed {
            request: what,
            why: harmless(&e.to_string()),
        })
    }

    /// Makes a request to end something, which may be gone already.
    async fn end(&self, request: RestRequest) -> Result<Gone, AriError> {
        match self.run(request).await {
            Ok(()) => Ok(Gone::Now),
            Err(AriError::Refused { status: 404, .. }) => Ok(Gone::Already),
            Err(error) => Err(error),
        }
    }

    async fn bytes(&self, request: RestRequest) -> Result<Vec<u8>, AriError> {
        let deadline = Instant::now() + self.0.transport.timeout;
        let result = self.bytes_until(&request, deadline).await;
        self.count(result.as_ref().err());
        result
    }

    async fn bytes_until(
        &self,
        request: &RestRequest,
        deadline: Instant,
    ) -> Result<Vec<u8>, AriError> {
        let _place = self.place(request, deadline).await?;
        if request.gate.as_ref().is_some_and(|gate| !gate.is_open()) {
            return Err(withheld(request));
        }
        let answer = async {
            match self.attempt(request).await {
                // A kept-alive connection may end at the very moment it is used again.
                // Whether the request arrived is unknown then, so only what may be done
                // twice is done again. (What was not written at all, the HTTP client
                // repeats by itself.)
                Err(AriError::Broken { .. }) if request.method.is_idempotent() => {
                    self.attempt(request).await
                }
                first => first,
            }
        };
        let timeout = || self.timeout_of(request);
        timeout_at(deadline, answer).await.map_err(|_| timeout())?
    }

    async fn attempt(&self, request: &RestRequest) -> Result<Vec<u8>, AriError> {
        let response = self.send(request).await?;
        let response = self.accept(request, response).await?;
        read_body(request, response).await
    }

    /// A place among the requests under way.
    async fn place(
        &self,
        request: &RestRequest,
        deadline: Instant,
    ) -> Result<OwnedSemaphorePermit, AriError> {
        let lane = match request.lane {
            Lane::Calls => &self.0.calls,
            Lane::Files => &self.0.files,
        };
        match timeout_at(deadline, Arc::clone(lane).acquire_owned()).await {
            // A place that came free by the very timeout of another is too late.
            Ok(Ok(place)) if Instant::now() < deadline => Ok(place),
            // The semaphores are never closed; the timeout is the one failure there is.
            _ => Err(AriError::Saturated {
                request: request.what,
                after: self.0.transport.timeout,
            }),
        }
    }

    async fn send(&self, request: &RestRequest) -> Result<Response, AriError> {
        #[cfg(test)]
        if let Some(wire) = &self.0.wire {
            let sent = wire::SentRequest {
                what: request.what,
                path: request.path.clone(),
                body: request.body.clone(),
            };
            return wire.carry(sent).await;
        }
        let transport = &self.0.transport;
        let url = format!("{}{}", transport.base, request.path);
        let mut builder = transport
            .http
            .request(request.method.clone(), url)
            .header(AUTHORIZATION, transport.authorization.clone());
        builder = match (&request.body, &request.gate) {
            (Some(body), Some(gate)) => {
                let body = gate::Gated::new(gate.clone(), body.to_string().into_bytes());
                let json = HeaderValue::from_static("application/json");
                let builder = builder.header(CONTENT_TYPE, json);
                builder.body(reqwest::Body::wrap(body))
            }
            (Some(body), None) => builder.json(body),
            (None, _) => builder,
        };
        builder.send().await.map_err(|e| self.failure(request, &e))
    }

    /// Lets a success through, and says what anything else means.
    async fn accept(
        &self,
        request: &RestRequest,
        response: Response,
    ) -> Result<Response, AriError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        // The body is read first, so that its connection can be used again.
        let body = read_body(request, response).await.unwrap_or_default();
        Err(match status {
            StatusCode::UNAUTHORIZED => AriError::Login,
            StatusCode::NOT_FOUND if !is_object(&body) => AriError::NoAri {
                request: request.what,
            },
            StatusCode::FORBIDDEN if request.method != Method::GET => AriError::ReadOnly,
            _ => AriError::Refused {
                request: request.what,
                status: status.as_u16(),
                message: reason(&body, status),
            },
        })
    }

    fn failure(&self, request: &RestRequest, error: &reqwest::Error) -> AriError {
        if gate::was_shut(error) {
            return withheld(request);
        }
        if error.is_connect() {
            return self.0.transport.unreachable(error);
        }
        if error.is_timeout() {
            return self.timeout_of(request);
        }
        AriError::Broken {
            request: request.what,
            why: root_cause(error),
        }
    }

    fn timeout_of(&self, request: &RestRequest) -> AriError {
        AriError::Timeout {
            request: request.what,
            after: self.0.transport.timeout,
        }
    }

    fn count(&self, error: Option<&AriError>) {
        let counts = &self.0.counts;
        counts.requests.fetch_add(1, Ordering::Relaxed);
        match error {
            None | Some(AriError::Withheld { .. }) => {}
            Some(AriError::Timeout { .. }) => {
                counts.timeouts.fetch_add(1, Ordering::Relaxed);
                counts.outages.fetch_add(1, Ordering::Relaxed);
            }
            Some(error) if error.is_outage() => {
                counts.outages.fetch_add(1, Ordering::Relaxed);
            }
            Some(_) => {
                counts.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// How long one piece of a download may take.
    fn patience(&self) -> Duration {
        self.0.transport.timeout
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base", &self.0.transport.base)
            .field("app", &self.0.transport.app)
            .finish_non_exhaustive()
    }
}

const fn withheld(request: &RestRequest) -> AriError {
    AriError::Withheld {
        request: request.what,
    }
}

/// Turns "there is none" (404) into `None`.
fn found<T>(result: Result<T, AriError>) -> Result<Option<T>, AriError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(AriError::Refused { status: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn read_body(request: &RestRequest, mut response: Response) -> Result<Vec<u8>, AriError> {
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await.map_err(|e| AriError::Broken {
            request: request.what,
            why: root_cause(&e),
        })?;
        let Some(chunk) = chunk else {
            return Ok(body);
        };
        if body.len() + chunk.len() > MAX_BODY {
            return Err(AriError::Malformed {
                request: request.what,
                why: format!("it is longer than {} MB", MAX_BODY >> 20),
            });
        }
        body.extend_from_slice(&chunk);
    }
}

fn is_object(body: &[u8]) -> bool {
    serde_json::from_slice(body).is_ok_and(|json: serde_json::Value| json.is_object())
}

/// Asterisk gives its reason as `message` or `error`, depending on the request.
fn reason(body: &[u8], status: StatusCode) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let text = json
        .as_ref()
        .and_then(|json| json.get("message").or_else(|| json.get("error")))
        .and_then(|reason| reason.as_str())
        .or(status.canonical_reason())
        .unwrap_or_default();
    harmless(text)
}

/// The innermost reason: "Connection refused", without the layers around it and the URL.
pub(crate) fn root_cause(error: &reqwest::Error) -> String {
    let Some(mut cause) = error.source() else {
        return "no reason is known".into();
    };
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    harmless(&cause.to_string())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::ari::Password;

    /// Answers the first request of the first connection, if one comes, and gives what came.
    async fn answer_one(listener: TcpListener) -> String {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut came = Vec::new();
        while !came.ends_with(b"{}") {
            match stream.read_buf(&mut came).await {
                Ok(0) | Err(_) => return String::from_utf8(came).expect("text"),
                Ok(_) => {}
            }
        }
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        stream.write_all(answer).await.expect("it is taken");
        String::from_utf8(came).expect("text")
    }

    /// The gate is looked at when a request wins its place; this begins behind that, when its
    /// connection is being opened.
    #[tokio::test]
    async fn nothing_is_written_of_a_request_whose_gate_is_shut_when_it_is_sent() {
        for open in [false, true] {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
            let port = listener.local_addr().expect("bound").port();
            let server = tokio::spawn(answer_one(listener));
            let client = Client::new(&Connection {
                url: format!("http://127.0.0.1:{port}").parse().expect("a URL"),
                username: "dialdeck".to_owned(),
                password: Password::new("dialdeck"),
                app: "dialdeck".to_owned(),
                ca: None,
                timeout: Connection::DEFAULT_TIMEOUT,
            });
            let client = client.expect("a good connection");
            let gate = Gate::default();
            gate.set_open(open);
            let mut request = RestRequest::new("POST /channels", &[])
                .expect("it has no names")
                .body(serde_json::json!({}));
            request.gate = Some(gate);
            let sent = client.send(&request).await;
            if open {
                assert_eq!(sent.expect("it is answered").status(), StatusCode::OK);
            } else {
                let error = sent.expect_err("it may not leave");
                assert!(matches!(error, AriError::Withheld { .. }), "{error}");
            }
            drop(client);
            // Where no connection was opened at all, none is waited for.
            drop(TcpStream::connect(("127.0.0.1", port)).await);
            let came = server.await.expect("it does not panic");
            assert_eq!(!came.is_empty(), open, "{came}");
        }
    }

    #[test]
    fn asterisks_reason_is_found_under_both_of_its_names() {
        let reason = |body: &str| super::reason(body.as_bytes(), StatusCode::CONFLICT);
        assert_eq!(
            reason(r#"{"error":"Allocation failed"}"#),
            "Allocation failed"
        );
        assert_eq!(
            reason(r#"{"message":"Channel not found"}"#),
            "Channel not found"
        );
        assert_eq!(reason("<html>"), "Conflict");
    }
}
