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

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn poll(body: &mut Gated) -> Poll<Option<Result<Frame<Bytes>, Shut>>> {
        Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_body_is_given_once_and_only_if_the_gate_is_open_when_it_is_asked_for() {
        for made_open in [false, true] {
            for asked_open in [false, true] {
                let gate = Gate::default();
                gate.set_open(made_open);
                let mut body = Gated::new(gate.clone(), b"{}".to_vec());
                assert_eq!(body.size_hint().exact(), Some(2));
                assert!(!body.is_end_stream());
                gate.set_open(asked_open);
                match poll(&mut body) {
                    Poll::Ready(Some(Ok(frame))) => {
                        assert!(asked_open, "made while open {made_open}");
                        let data = frame.into_data().expect("it is data");
                        assert_eq!(&data[..], b"{}");
                    }
                    Poll::Ready(Some(Err(Shut))) => {
                        assert!(!asked_open, "made while open {made_open}");
                    }
                    other => panic!("{other:?}"),
                }
                gate.set_open(true);
                assert!(matches!(poll(&mut body), Poll::Ready(None)));
                assert!(body.is_end_stream());
            }
        }
    }

    #[test]
    fn a_gate_is_shut_when_it_is_made_and_clones_are_the_same_one() {
        let gate = Gate::default();
        assert!(!gate.is_open());
        let other = gate.clone();
        other.set_open(true);
        assert!(gate.is_open());
        gate.set_open(false);
        assert!(!other.is_open());
    }

    /// An error as clients wrap them.
    #[derive(Debug, thiserror::Error)]
    #[error("around it")]
    struct Around(#[source] Box<dyn Error + Send + Sync>);

    #[test]
    fn a_shut_gate_is_found_however_deep_it_lies_and_nothing_else_is_taken_for_it() {
        let deep = Around(Box::new(Around(Box::new(Shut))));
        assert!(was_shut(&Shut));
        assert!(was_shut(&deep));
        let reset = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert!(!was_shut(&reset()));
        assert!(!was_shut(&Around(Box::new(Around(Box::new(reset()))))));
    }
}
