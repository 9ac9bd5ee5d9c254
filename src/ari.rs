//! Asterisk's REST interface: a typed client, the events, and the link that brings them.
//!
//! | module | what it is for |
//! | --- | --- |
//! | `connection` | where Asterisk is and who we are there; HTTP and TLS underneath |
//! | `tls` | whom to trust, and what to say of a server that can't be |
//! | `client` | one typed method for each request that the dialer makes |
//! | `error` | what can go wrong with a request, and whether it may have been carried out |
//! | `model` | what Asterisk answers: channels, bridges, applications, endpoints |
//! | `event` | what Asterisk reports, parsed so that nothing it sends can stop us |
//! | [`link`] | the supervisor of the event stream: connects, watches, reconnects |
//!
//! Nothing here knows about campaigns. Facts about Asterisk were measured on 22.10.1;
//! parameters are those of the REST description that ships with it (`rest-api/*.json`).

mod client;
mod connection;
mod error;
mod event;
pub mod link;
mod model;
mod tally;
mod tls;

pub(crate) use client::root_cause;
#[cfg(test)]
pub(crate) use client::wire;
pub use client::{
    Client, ClientStats, CreateChannel, Download, EventSource, Gate, Gone, HangupReason, IfExists,
    Originate, Recording,
};
pub(crate) use connection::plain_http;
pub use connection::{Connection, ConnectionError, Password};
pub use error::AriError;
pub(crate) use error::harmless;
pub use event::{DialStatus, Event, EventKind, ParseError};
pub use model::{
    Application, Bridge, ChannelInfo, ChannelState, Endpoint, Info, LiveRecording, RtpStatistics,
    StoredRecording,
};
pub use tally::MAX_NAMES;
pub use tls::TlsTrouble;
pub(crate) use tls::{for_http, tls_config};
