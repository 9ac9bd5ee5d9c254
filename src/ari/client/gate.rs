//! What keeps a request back that was decided upon before the decision was taken back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
