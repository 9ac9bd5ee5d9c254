//! What is wrong with a server's TLS, in words, and what to do about it.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use rustls::CertificateError;
use rustls::pki_types::UnixTime;

use super::super::error::harmless;

/// How many of a certificate's names are told.
const NAMES: usize = 3;

/// Why no TLS connection came about. Nothing was sent but the beginning of a handshake.
///
/// The text goes on from "since". It is short, as the mend is, so that a console of 80 columns
/// has room for both beside a second condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsTrouble {
    /// The certificate is somebody else's.
    #[error("its certificate is for {names}, not for {host}")]
    OtherName {
        /// The host that was asked for.
        host: String,
        /// Whose it is.
        names: String,
    },
    /// The certificate is nobody's: the common name has not counted for long (RFC 9525).
    #[error("its certificate has no subjectAltName, so is not for {host}")]
    NoName {
        /// The host that was asked for.
        host: String,
    },
    /// It was good until then.
    #[error("its certificate expired at {0}")]
    Expired(String),
    /// It will be good from then on.
    #[error("its certificate is good only from {0} on")]
    NotYet(String),
    /// Nobody who is trusted has signed it; it may be self-signed.
    #[error("nobody trusted has signed its certificate")]
    Untrusted,
    /// What listens there does not speak TLS.
    #[error("it speaks no TLS")]
    NoTls,
    /// The other side ended the handshake.
    #[error("it broke off the TLS handshake")]
    BrokenOff,
    /// No handshake came to its end in time.
    #[error("it finished no TLS handshake within {0:?}")]
    Silent(Duration),
    /// Anything else, in the words of the library.
    #[error("TLS with it fails ({0})")]
    Other(String),
}

impl TlsTrouble {
    /// What an operator does about it at Asterisk, or at Dialdeck's settings for it.
    #[must_use]
    pub const fn mend_of_asterisk(&self) -> &'static str {
        match self {
            Self::OtherName { .. } | Self::NoName { .. } => {
                "put a name that it has into ARI_URL, or another certificate into http.conf (tlscertfile)"
            }
            Self::Expired(_) => "renew it (tlscertfile in http.conf)",
            Self::NotYet(_) => "set this machine's clock, or make the certificate anew",
            Self::Untrusted => "put its signer, or it itself, into ARI_CA_FILE",
            Self::NoTls | Self::BrokenOff | Self::Silent(_) => {
                "give ARI_URL the port of tlsbindaddr in http.conf"
            }
            Self::Other(_) => "see Asterisk's own log, and tlscertfile in http.conf",
        }
    }

    /// What an operator does about it who attaches to an engine.
    #[must_use]
    pub const fn mend_of_attach(&self) -> &'static str {
        match self {
            Self::OtherName { .. } | Self::NoName { .. } => {
                "attach by a name that it has, or give the proxy before the engine another certificate"
            }
            Self::Expired(_) => "renew it at the proxy before the engine",
            Self::NotYet(_) => "set this machine's clock, or make the certificate anew",
            Self::Untrusted => "give --ca-file the file of its signer, or its own",
            Self::NoTls | Self::BrokenOff | Self::Silent(_) => {
                "give the port of the proxy that speaks TLS; an engine itself speaks http only"
            }
            Self::Other(_) => "see the log of the proxy before the engine",
        }
    }

    /// What of an error's causes is about TLS, if any is. An I/O error passes over what it was
    /// made of when it is asked for its cause, so it is asked for that first.
    pub(crate) fn among_causes(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref() {
                return Some(Self::of(error));
            }
            if let Some(found) = error.downcast_ref().and_then(Self::of_io) {
                return Some(found);
            }
            cause = error.source();
        }
        None
    }

    /// Of an I/O error during a handshake; none where it is about TCP.
    pub(in super::super) fn of_io(error: &io::Error) -> Option<Self> {
        if let Some(inner) = error.get_ref() {
            if let Some(tls) = inner.downcast_ref() {
                return Some(Self::of(tls));
            }
            if let Some(found) = inner.downcast_ref().and_then(Self::of_io) {
                return Some(found);
            }
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe => Some(Self::BrokenOff),
            _ => error.source().and_then(Self::among_causes),
        }
    }

    fn of(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(why) => Self::of_certificate(why),
            rustls::Error::InvalidMessage(_) => Self::NoTls,
            other => Self::Other(harmless(&other.to_string())),
        }
    }

    fn of_certificate(why: &CertificateError) -> Self {
        match why {
            CertificateError::NotValidForNameContext {
                expected,
                presented,
            } => {
                let host = expected.to_str().into_owned();
                match names(presented) {
                    names if names.is_empty() => Self::NoName { host },
                    names => Self::OtherName { host, names },
                }
            }
            CertificateError::ExpiredContext { not_after, .. } => Self::Expired(date(*not_after)),
            CertificateError::NotValidYetContext { not_before, .. } => {
                Self::NotYet(date(*not_before))
            }
            // The latter where a trusted one has the signer's name, but another key: it was made
            // anew.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::Untrusted,
            other => Self::Other(harmless(&other.to_string())),
        }
    }
}

/// Rustls gives them as `DnsName("pbx.example")` and `IpAddress(192.0.2.1)`.
fn names(presented: &[String]) -> String {
    let bare = presented.iter().take(NAMES).map(|name| {
        let name = name.split_once('(').map_or(name.as_str(), |(_, rest)| rest);
        name.trim_end_matches(')').trim_matches('"')
    });
    let mut names = bare.collect::<Vec<_>>().join(", ");
    if presented.len() > NAMES {
        names.push_str(" and others");
    }
    harmless(&names)
}

fn date(at: UnixTime) -> String {
    let seconds = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| "a date without end".to_owned(), |at| at.to_string())
}
