//! Opens the event stream's WebSocket.

use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, http};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};
use url::{Host, Url};

use super::super::connection::Transport;
use super::super::error::{AriError, harmless};
use super::DownReason;

/// The largest message that is read, in bytes. Asterisk's events have a few KB.
const MAX_MESSAGE: usize = 4 << 20;

/// What the pattern of the request is called in error texts.
const REQUEST: &str = "GET /events";

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connects within `patience`.
pub(super) async fn open(transport: &Transport, patience: Duration) -> Result<Socket, DownReason> {
    match timeout(patience, open_unbounded(transport)).await {
        Ok(result) => result,
        Err(_) => Err(DownReason::Request(AriError::Timeout {
            request: REQUEST,
            after: patience,
        })),
    }
}

async fn open_unbounded(transport: &Transport) -> Result<Socket, DownReason> {
    let unreachable = |why: &dyn std::error::Error| {
        DownReason::Request(AriError::Connect {
            url: transport.base.clone(),
            why: harmless(&why.to_string()),
        })
    };
    let stream = tcp(&transport.base).await.map_err(|e| unreachable(&e))?;
    // Pings are a few bytes and must not wait for company.
    stream.set_nodelay(true).map_err(|e| unreachable(&e))?;
    let request = request(transport).map_err(|e| unreachable(&e))?;
    let connector = if transport.base.starts_with("https") {
        Connector::Rustls(transport.tls.clone())
    } else {
        Connector::Plain
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    match client_async_tls_with_config(request, stream, Some(config), Some(connector)).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(response)) => Err(refusal(response.status())),
        Err(error) => Err(unreachable(&error)),
    }
}

async fn tcp(base: &str) -> std::io::Result<TcpStream> {
    let invalid = || std::io::Error::from(std::io::ErrorKind::InvalidInput);
    let url = Url::parse(base).map_err(|_| invalid())?;
    let port = url.port_or_known_default().ok_or_else(invalid)?;
    match url.host().ok_or_else(invalid)? {
        Host::Domain(name) => TcpStream::connect((name, port)).await,
        Host::Ipv4(address) => TcpStream::connect((address, port)).await,
        Host::Ipv6(address) => TcpStream::connect((address, port)).await,
    }
}

/// The login goes into the header: an `api_key` in the URL would stand in every log.
fn request(transport: &Transport) -> Result<http::Request<()>, tungstenite::Error> {
    let mut request = transport.events_url().into_client_request()?;
    request
        .headers_mut()
        .insert(AUTHORIZATION, transport.authorization.clone());
    Ok(request)
}

fn refusal(status: http::StatusCode) -> DownReason {
    match status {
        http::StatusCode::UNAUTHORIZED => DownReason::LoginRefused,
        other => DownReason::Handshake(other.as_u16()),
    }
}
