//! The integration tests that measure: one at a time, and with nothing beside them.

mod big_list;
mod console_cost;
mod dead_air;
mod list_memory;
mod mysql_pace;
mod support;
mod unnoticed;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Held by each test while it measures, however many threads there are.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // A test that failed leaves nothing behind that could hurt another.
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
