//! What a client's requests go over where there is no network: in a simulation.

use std::pin::Pin;
use std::sync::Arc;

use reqwest::Response;
use tokio::sync::Semaphore;

use super::{Client, RequestCounts};
use crate::ari::connection::{Connection, ConnectionError, Transport};
use crate::ari::error::AriError;

/// An answer that is still to come.
pub(crate) type PendingResponse = Pin<Box<dyn Future<Output = Result<Response, AriError>> + Send>>;

/// A request as it leaves: what stands before and after it in the client is the real thing.
#[derive(Debug, Clone)]
pub(crate) struct SentRequest {
    /// Method and path pattern, for error texts.
    pub(crate) what: &'static str,
    /// Encoded, with the query, from the slash after `/ari`.
    pub(crate) path: String,
    pub(crate) body: Option<serde_json::Value>,
}

/// Carries requests.
pub(crate) trait Carrier: Send + Sync {
    /// Begins to carry one.
    fn carry(&self, sent: SentRequest) -> PendingResponse;
}

impl Client {
    /// A client whose requests go over `carrier`, `places` of them at once.
    pub(crate) fn over(
        carrier: impl Carrier + 'static,
        connection: &Connection,
        places: usize,
    ) -> Result<Self, ConnectionError> {
        Ok(Self(Arc::new(super::ClientInner {
            transport: Transport::build(connection)?,
            calls: Arc::new(Semaphore::new(places)),
            files: Arc::new(Semaphore::new(places)),
            counts: RequestCounts::default(),
            wire: Some(Arc::new(carrier)),
        })))
    }
}
