//! The event socket: `GET /ari/events` as a WebSocket.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode, header};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::rest::refusal;
use super::{Shared, unpoisoned};
use crate::simulator::world::ConnectionId;

/// What a socket's task is told. That its channel is closed tells it to close.
pub(super) enum ToSocket {
    /// Send this.
    Event(String),
    /// Read and write nothing more.
    Stall,
}

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// How long a client may leave an event unread: `websocket_write_timeout` in ari.conf.
const WRITE_TIMEOUT: Duration = Duration::from_millis(100);

/// Answers a request for an event socket, and serves the socket from then on.
pub(super) fn open(
    shared: &Arc<Shared>,
    query: &[(String, String)],
    headers: &HeaderMap,
    upgrade: OnUpgrade,
) -> Response<Body> {
    let param = |name: &str| {
        query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, v)| v.as_str())
    };
    let Some(apps) = param("app").filter(|apps| !apps.is_empty()) else {
        return refusal(400, "HTTP request is missing param: [app]");
    };
    let Some(key) = headers.get(header::SEC_WEBSOCKET_KEY) else {
        return refusal(426, "Upgrade to a WebSocket");
    };
    let apps: Vec<&str> = apps.split(',').collect();
    let to_all = param("subscribeAll") == Some("true");
    let (sender, inbox) = mpsc::unbounded_channel();
    // Connected before the answer leaves: whoever has the answer can rely on it.
    let connection = shared.with_world(|world, now| {
        let connection = world.connect(now, &apps, to_all);
        unpoisoned(&shared.sockets).insert(connection, sender);
        connection
    });
    tokio::spawn(serve(Arc::clone(shared), connection, inbox, upgrade));
    switch(&derive_accept_key(key.as_bytes()))
}

fn switch(accept: &str) -> Response<Body> {
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept)
        .body(Body::empty())
        .unwrap_or_else(|_| refusal(500, "Server error"))
}

async fn serve(
    shared: Arc<Shared>,
    connection: ConnectionId,
    inbox: mpsc::UnboundedReceiver<ToSocket>,
    upgrade: OnUpgrade,
) {
    if let Ok(upgraded) = upgrade.await {
        let io = TokioIo::new(upgraded);
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
        carry(socket, inbox).await;
    }
    unpoisoned(&shared.sockets).remove(&connection);
    shared.with_world(|world, _| world.disconnect(connection));
}

/// Carries events until one side has enough. Reading is what answers pings.
async fn carry(mut socket: Socket, mut inbox: mpsc::UnboundedReceiver<ToSocket>) {
    loop {
        tokio::select! {
            told = inbox.recv() => match told {
                Some(ToSocket::Event(text)) => {
                    let sent = timeout(WRITE_TIMEOUT, socket.send(Message::text(text))).await;
                    if !matches!(sent, Ok(Ok(()))) {
                        return;
                    }
                }
                Some(ToSocket::Stall) => {
                    while inbox.recv().await.is_some() {}
                    return;
                }
                None => return,
            },
            heard = socket.next() => match heard {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
        }
    }
}
