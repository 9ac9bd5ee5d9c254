//! Where Asterisk is, who we are there, and the HTTP and TLS underneath.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use super::client::root_cause;
use super::error::AriError;
use super::tls::{TlsTrouble, for_http, tls_config};

/// Asterisk closes a kept-alive connection after `session_keep_alive` (15 s by default);
/// ours are closed before, so that a request never meets a connection that is just ending.
const IDLE: Duration = Duration::from_secs(10);

/// How long a connection may take, its TLS included. Shorter than [`Connection::timeout`], so that an
/// absent host is told from an Asterisk that was asked and did not answer.
const CONNECT: Duration = Duration::from_secs(3);

/// A secret that neither `Debug` nor `Display` shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Wraps the secret.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Where Asterisk is, and who we are there.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The base, `http` or `https`: `http://127.0.0.1:8088`, with Asterisk's `prefix` where
    /// http.conf sets one. `/ari` is appended, unless it stands there already.
    pub url: Url,
    /// The user's section in ari.conf.
    pub username: String,
    /// Its password.
    pub password: Password,
    /// The name of the Stasis application.
    pub app: String,
    /// Certificate authorities to trust instead of the system's, for `https`.
    pub ca: Option<Vec<CertificateDer<'static>>>,
    /// How long a request may take from the moment it is made, waiting for a free
    /// connection included. For a download: each piece of it.
    pub timeout: Duration,
}

impl Connection {
    /// The timeout of a request where nothing else is asked for.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
}

/// Why no client can be made of a [`Connection`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// The URL can't be the base of ARI.
    #[error(
        "ARI_URL cannot be used: {0}; it looks like http://127.0.0.1:8088 or https://pbx.example:8089"
    )]
    Url(&'static str),
    /// The CA file holds no certificate.
    #[error("ARI_CA_FILE cannot be used: {0}; it must hold certificates in PEM form")]
    CaFile(String),
    /// TLS can't be set up.
    #[error("TLS cannot be set up: {0}; name the certificate authority's file in ARI_CA_FILE")]
    Tls(String),
    /// The login can't be put into a header.
    #[error("ARI_USERNAME cannot be used: it must not contain a colon")]
    Username,
}

/// What is built once from a [`Connection`] and shared by the client and the link.
#[derive(Clone)]
pub(super) struct Transport {
    pub(super) http: reqwest::Client,
    pub(super) authorization: HeaderValue,
    pub(super) tls: Arc<ClientConfig>,
    /// The base with `/ari`, without a slash at its end, user or password.
    pub(super) base: String,
    pub(super) app: String,
    pub(super) timeout: Duration,
}

impl Transport {
    pub(super) fn build(connection: &Connection) -> Result<Self, ConnectionError> {
        if connection.username.contains(':') {
            return Err(ConnectionError::Username);
        }
        let base = base(&connection.url)?;
        let secure = connection.url.scheme() == "https";
        let tls = tls_config(secure, connection.ca.as_deref())?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(for_http(&tls))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .http1_only()
            .tcp_nodelay(true)
            .connect_timeout(connect_within(connection.timeout))
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(super::client::CONCURRENT_REQUESTS)
            .build()
            .map_err(|e| ConnectionError::Tls(e.without_url().to_string()))?;
        let authorization = basic_authorization(&http, &base, connection)?;
        Ok(Self {
            http,
            authorization,
            tls: Arc::new(tls),
            base,
            app: connection.app.clone(),
            timeout: connection.timeout,
        })
    }

    pub(super) fn is_secure(&self) -> bool {
        self.base.starts_with("https:")
    }

    /// Why no connection came about, of a request that was not sent.
    pub(super) fn unreachable(&self, error: &reqwest::Error) -> AriError {
        let trouble = match self.is_secure() {
            true if error.is_timeout() => Some(TlsTrouble::Silent(connect_within(self.timeout))),
            true => TlsTrouble::among_causes(error),
            false => None,
        };
        let url = self.base.clone();
        match trouble {
            Some(why) => AriError::Tls { url, why },
            None => AriError::Connect {
                url,
                why: root_cause(error),
            },
        }
    }

    /// The address of the event stream: `ws` for `http`, `wss` for `https`.
    pub(super) fn events_url(&self) -> String {
        // `http…` becomes `ws…`: both schemes differ in the same way.
        let rest = self.base.strip_prefix("http").unwrap_or(&self.base);
        let app = super::client::encode(&self.app);
        format!("ws{rest}/events?app={app}&subscribeAll=false")
    }
}

/// How long a connection may take, TLS included, of a request that may take `timeout`.
fn connect_within(timeout: Duration) -> Duration {
    CONNECT.min(timeout.mul_f32(0.8))
}

/// An HTTP client for what is not Asterisk: plain HTTP, no proxy, no redirects.
pub(crate) fn plain_http() -> Result<reqwest::Client, reqwest::Error> {
    let tls =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map(|builder| {
                builder
                    .with_root_certificates(RootCertStore::empty())
                    .with_no_client_auth()
            });
    let mut builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none());
    if let Ok(tls) = tls {
        // Else it looks for a TLS of its own, which this build has none of.
        builder = builder.tls_backend_preconfigured(tls);
    }
    builder.build()
}

/// The base with `/ari`, and with nothing secret in it: it stands in error texts.
fn base(url: &Url) -> Result<String, ConnectionError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(ConnectionError::Url(
            "it must begin with http:// or https://",
        ));
    }
    if url.host_str().is_none() {
        return Err(ConnectionError::Url("it names no host"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ConnectionError::Url(
            "user and password belong into ARI_USERNAME and ARI_PASSWORD",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(ConnectionError::Url("it must not have a ? or # part"));
    }
    let base = url.as_str().trim_end_matches('/');
    let base = base.strip_suffix("/ari").unwrap_or(base);
    Ok(format!("{base}/ari"))
}

/// The header, made by the one part of the HTTP client that makes it anyway.
fn basic_authorization(
    http: &reqwest::Client,
    base: &str,
    connection: &Connection,
) -> Result<HeaderValue, ConnectionError> {
    let request = http
        .get(base)
        .basic_auth(&connection.username, Some(&connection.password.0))
        .build()
        .map_err(|_| ConnectionError::Url("it cannot be parsed"))?;
    let mut value = request
        .headers()
        .get(AUTHORIZATION)
        .cloned()
        .ok_or(ConnectionError::Username)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(url: &str) -> Connection {
        Connection {
            url: url.parse().unwrap(),
            username: "dialdeck".into(),
            password: Password::new("p$ecret#1"),
            app: "outbound dialer".into(),
            ca: None,
            timeout: Connection::DEFAULT_TIMEOUT,
        }
    }

    fn built(url: &str) -> Transport {
        Transport::build(&connection(url)).unwrap()
    }

    #[test]
    fn ari_is_appended_once_and_a_prefix_is_kept() {
        assert_eq!(
            built("http://127.0.0.1:8088").base,
            "http://127.0.0.1:8088/ari"
        );
        assert_eq!(built("http://pbx:8088/").base, "http://pbx:8088/ari");
        assert_eq!(
            built("http://pbx/asterisk/").base,
            "http://pbx/asterisk/ari"
        );
        assert_eq!(built("http://pbx:8088/ari/").base, "http://pbx:8088/ari");
    }

    #[test]
    fn the_event_stream_has_the_matching_scheme_and_an_encoded_app() {
        assert_eq!(
            built("http://pbx:8088").events_url(),
            "ws://pbx:8088/ari/events?app=outbound%20dialer&subscribeAll=false"
        );
    }

    #[test]
    fn what_is_no_base_is_refused_with_the_mend() {
        for (url, says) in [
            ("ftp://pbx", "http://"),
            ("http://user:hunter2@pbx", "ARI_USERNAME"),
            ("http://pbx/?api_key=a:b", "? or #"),
        ] {
            let error = Transport::build(&connection(url)).err().unwrap();
            let text = error.to_string();
            assert!(text.contains(says), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn the_password_is_in_no_debug_text() {
        let connection = connection("http://pbx");
        assert!(!format!("{connection:?}").contains("ecret#1"));
        let header = built("http://pbx").authorization;
        // RFC 7617: base64 of "dialdeck:p$ecret#1".
        assert_eq!(header.as_bytes(), b"Basic ZGlhbGRlY2s6cCRlY3JldCMx");
        assert!(!format!("{header:?}").contains("ZGlhb"));
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let mut connection = connection("https://pbx");
        connection.ca = Some(vec![CertificateDer::from(b"no certificate".to_vec())]);
        let error = Transport::build(&connection).err().unwrap();
        assert!(error.to_string().contains("ARI_CA_FILE"), "{error}");
    }
}
