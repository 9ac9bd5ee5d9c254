//! Opens the event stream's WebSocket.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, http};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_with_config};
use url::{Host, Url};

use super::super::connection::Transport;
use super::super::error::{AriError, harmless};
use super::super::tls::TlsTrouble;
use super::DownReason;

/// The largest message that is read, in bytes. Asterisk's events have a few KB.
const MAX_MESSAGE: usize = 4 << 20;

/// What the pattern of the request is called in error texts.
const REQUEST: &str = "GET /events";

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connects within `patience`.
pub(super) async fn open(transport: &Transport, patience: Duration) -> Result<Socket, DownReason> {
    match timeout(patience, open_unbounded(transport, patience)).await {
        Ok(result) => result,
        Err(_) => Err(DownReason::Request(AriError::Timeout {
            request: REQUEST,
            after: patience,
        })),
    }
}

async fn open_unbounded(transport: &Transport, patience: Duration) -> Result<Socket, DownReason> {
    let stream = tcp(&transport.base)
        .await
        .map_err(|e| unreachable(transport, &e))?;
    // Pings are a few bytes and must not wait for company.
    stream
        .set_nodelay(true)
        .map_err(|e| unreachable(transport, &e))?;
    let request = request(transport).map_err(|e| unreachable(transport, &e))?;
    let stream = if transport.is_secure() {
        MaybeTlsStream::Rustls(secured(transport, stream, patience).await?)
    } else {
        MaybeTlsStream::Plain(stream)
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    match client_async_with_config(request, stream, Some(config)).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(response)) => Err(refusal(response.status())),
        Err(error) => Err(unreachable(transport, &error)),
    }
}

fn unreachable(transport: &Transport, why: &dyn std::error::Error) -> DownReason {
    DownReason::Request(AriError::Connect {
        url: transport.base.clone(),
        why: harmless(&why.to_string()),
    })
}

/// The handshake, before which nothing of the request is written. It has less than all of the
/// time, so that its own silence is told from that of Asterisk.
async fn secured(
    transport: &Transport,
    stream: TcpStream,
    patience: Duration,
) -> Result<TlsStream<TcpStream>, DownReason> {
    let host = host(&transport.base).ok_or_else(|| unreachable(transport, &invalid()))?;
    let connector = TlsConnector::from(Arc::clone(&transport.tls));
    let patience = patience.mul_f32(0.8);
    let why = match timeout(patience, connector.connect(host, stream)).await {
        Ok(Ok(stream)) => return Ok(stream),
        Ok(Err(error)) => match TlsTrouble::of_io(&error) {
            Some(why) => why,
            None => return Err(unreachable(transport, &error)),
        },
        Err(_) => TlsTrouble::Silent(patience),
    };
    Err(DownReason::Request(AriError::Tls {
        url: transport.base.clone(),
        why,
    }))
}

/// The name that the certificate must have.
fn host(base: &str) -> Option<ServerName<'static>> {
    match Url::parse(base).ok()?.host()? {
        Host::Domain(name) => ServerName::try_from(name.to_owned()).ok(),
        Host::Ipv4(address) => Some(IpAddr::from(address).into()),
        Host::Ipv6(address) => Some(IpAddr::from(address).into()),
    }
}

fn invalid() -> std::io::Error {
    std::io::ErrorKind::InvalidInput.into()
}

async fn tcp(base: &str) -> std::io::Result<TcpStream> {
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
