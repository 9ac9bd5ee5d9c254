//! What keeps a request back that was decided upon before the decision was taken back.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

/// Requests that wait for a place go through it when they leave. Clones are the same gate.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<AtomicBool>);

impl Gate {
    /// Opens or shuts it; it is shut when it is made.
    pub fn set_open(&self, open: bool) {
        self.0.store(open, Ordering::SeqCst);
    }

    /// Whether requests may leave.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// A request's body that looks at the gate at the last moment there is: when its connection
/// is open and its head lies in the buffer, not yet written. A connection may take seconds to
/// open; hyper asks for the body before it writes, and a body that fails ends the connection
/// with nothing sent.
pub(super) struct Gated {
    gate: Gate,
    bytes: Option<Bytes>,
}

/// The gate was shut when the request was about to be written.
#[derive(Debug, thiserror::Error)]
#[error("no call may be placed any more")]
pub(super) struct Shut;

impl Gated {
    /// `bytes` must not be empty: of a request without a body nobody asks for it.
    pub(super) fn new(gate: Gate, bytes: Vec<u8>) -> Self {
        let bytes = Some(bytes.into());
        Self { gate, bytes }
    }
}

impl Body for Gated {
    type Data = Bytes;
    type Error = Shut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Shut>>> {
        let Some(bytes) = self.bytes.take() else {
            return Poll::Ready(None);
        };
        Poll::Ready(Some(if self.gate.is_open() {
            Ok(Frame::data(bytes))
        } else {
            Err(Shut)
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// Whether a request came to nothing by a shut gate.
pub(super) fn was_shut(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(this) = cause {
        if this.is::<Shut>() {
            return true;
        }
        cause = this.source();
    }
    false
}
