//! Why the link is down.

use super::super::error::AriError;

/// Why no events come in. The texts are sentences for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DownReason {
    /// Asterisk is absent, slow or unwilling: a request before or while connecting failed.
    #[error("{0}")]
    Request(AriError),
    /// 401.
    #[error("{}", AriError::Login)]
    LoginRefused,
    /// The event stream was answered with this HTTP status.
    #[error(
        "Asterisk refused the event stream with status {0}: check that ari.conf has enabled=yes, and that ARI_URL leads to Asterisk"
    )]
    Handshake(u16),
    /// Asterisk closed the event stream: it stops, restarts, or found us too slow.
    #[error("Asterisk closed the event stream")]
    Closed,
    /// The connection broke.
    #[error("the event stream broke: {0}")]
    Broken(String),
    /// A ping was not answered in time.
    #[error("Asterisk or the network to it is silent: a ping was not answered")]
    Silent,
    /// Another connection took the application, and it may have been a try of our own that
    /// arrived after it was given up.
    #[error("an earlier try to connect reached Asterisk late, and took the event stream's place")]
    Late,
    /// More events came than the engine could take.
    #[error("events came faster than they could be handled, and some were lost")]
    Overrun,
}

impl From<AriError> for DownReason {
    fn from(error: AriError) -> Self {
        match error {
            AriError::Login => Self::LoginRefused,
            other => Self::Request(other),
        }
    }
}
