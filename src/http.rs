//! The control API: what scripts, supervisors and other consoles reach a running engine by.
//!
//! It listens on loopback unless told otherwise, has a thread and a runtime of its own, and
//! bounds whatever a stranger can send: connections, headers, bodies, time. A flood of
//! requests costs this thread, and no call.
//!
//! | file | what it has |
//! | --- | --- |
//! | `http/guard.rs` | who may: Host, Origin, Sec-Fetch-Site, the token |
//! | `http/start.rs` | `GET /start`, as the replaced program has it |
//! | `http/api.rs` | `/api/v1/` |
//! | `http/add.rs` | numbers that join the run |
//! | `http/routes.rs` | every path there is, in one table |
//! | `http/views.rs` | what it shows, as JSON |
//! | `http/events.rs` | what happens, as server-sent events |
//! | `http/report.rs` | the report |
//! | `http/console.rs` | what attached consoles use |
//! | `http/metrics.rs` | `/metrics`, in Prometheus' text format |

mod add;
mod api;
mod console;
mod events;
mod guard;
mod metrics;
mod report;
mod requeue;
mod routes;
mod start;
#[cfg(test)]
mod tests;
mod views;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::extract::{ConnectInfo, DefaultBodyLimit};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::RuntimeMetrics;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio_io_timeout::TimeoutStream;

use crate::config::Secret;
use crate::config::Settings;
use crate::control::Control;
use crate::engine::{Clock, Snapshot};
use crate::feed::Feed;
pub use routes::routes;

/// More connections than this at once are closed as they come.
const CONNECTIONS: usize = 64;
/// How long a connection may take to send the head of a request, and stay idle before.
const HEAD: Duration = Duration::from_secs(10);
/// How long a request may take, its body included.
const REQUEST: Duration = Duration::from_secs(15);
/// Whoever takes nothing for so long is dropped.
const STALLED: Duration = Duration::from_secs(20);
const MAX_HEADERS: usize = 64;
/// The longest head of a request, in bytes.
const HEAD_BYTES: usize = 16 * 1024;
/// The longest body, in bytes.
const BODY_BYTES: usize = 1024 * 1024;

/// What the API is over.
#[derive(Debug, Clone)]
pub struct Api {
    /// The way in to the engine.
    pub control: Control,
    /// The engine's pictures.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// The settings that hold.
    pub in_force: watch::Receiver<Arc<Settings>>,
    /// The clock that their times are of: the wall clock may have been set since.
    pub clock: Clock,
    /// What happened last.
    pub feed: Feed,
    /// Of the runtime that the engine's tasks are on.
    pub tasks: RuntimeMetrics,
    /// The journal's file, which reports are read from.
    pub journal: PathBuf,
    /// The token to show, where one is asked for.
    pub token: Option<Secret>,
    /// Places for answers that take as long as their reader likes.
    pub streams: Streams,
}

/// Places for streams: fewer than there may be connections, so that with every place taken a
/// command still finds a way.
#[derive(Debug, Clone)]
pub struct Streams(Arc<Semaphore>);

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(CONNECTIONS / 2)))
    }
}

impl Api {
    /// A place for a stream, while there is one.
    fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.streams.0).try_acquire_owned().ok()
    }
}

fn no_place() -> Response {
    let why = format!("{} streams are open already", CONNECTIONS / 2);
    let body = axum::Json(serde_json::json!({ "status": "error", "message": why }));
    (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
}

/// A server that runs. It ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on `addr` (port 0: any that is free). The error is a sentence without the
    /// address.
    pub fn start(addr: SocketAddr, api: Api) -> Result<Self, String> {
        let listener = std::net::TcpListener::bind(addr).map_err(|e| e.to_string())?;
        listener.set_nonblocking(true).map_err(|e| e.to_string())?;
        let addr = listener.local_addr().map_err(|e| e.to_string())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| e.to_string())?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("http".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = serve(listener, addr, api) => {}
                        _ = stopped => {}
                    }
                });
            })
            .map_err(|e| e.to_string())?;
        Ok(Self {
            addr,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: std::net::TcpListener, addr: SocketAddr, api: Api) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the control API cannot listen");
            return;
        }
    };
    let router = router(addr, api);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of file handles, or the peer was gone again: later.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let router = router.clone();
        tokio::spawn(async move {
            connection(stream, peer, router).await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router) {
    let router = router.layer(Extension(ConnectInfo(peer)));
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(STALLED));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_headers(MAX_HEADERS)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(
            TokioIo::new(Box::pin(stream)),
            TowerToHyperService::new(router),
        )
        .await;
    if let Err(error) = served {
        tracing::debug!(%peer, %error, "a connection of the control API ended");
    }
}

fn router(addr: SocketAddr, api: Api) -> Router {
    let guard = Arc::new(guard::Guard::new(addr, api.token.clone()));
    routes::router()
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .with_state(api)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn(in_time))
        .layer(middleware::from_fn_with_state(guard, guard::check))
}

/// The replaced program's words for whatever it does not know.
async fn not_found() -> Response {
    let body = axum::Json(serde_json::json!({ "error": "Not Found" }));
    (StatusCode::NOT_FOUND, body).into_response()
}

/// Ends a request that takes too long, such as one whose body trickles in.
async fn in_time(request: axum::extract::Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST, next.run(request)).await {
        Ok(response) => response,
        Err(_) => too_long(),
    }
}

/// A start or a command may have been on its way to the engine already.
fn too_long() -> Response {
    let why = format!(
        "the request took more than {} s; the status tells whether it was carried out",
        REQUEST.as_secs()
    );
    let body = axum::Json(serde_json::json!({ "status": "error", "message": why }));
    (StatusCode::REQUEST_TIMEOUT, body).into_response()
}
