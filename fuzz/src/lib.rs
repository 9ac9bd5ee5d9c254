//! What must hold of strangers' bytes, whatever they are. Each function takes one input and
//! panics where something does not hold. The fuzzer runs them with what it makes up, and
//! `tests/hostile.rs` with the corpus and with mutations of it.

#![allow(
    unreachable_pub,
    reason = "a test takes this in as a module of its own"
)]

mod csv;
mod dotenv;
mod events;
mod http;
mod list;
#[allow(
    dead_code,
    clippy::duplicate_mod,
    reason = "the measurements use the rest of it, and beside the tests it stands twice"
)]
#[path = "../../tests/support/load.rs"]
mod load;

pub use csv::csv;
pub use dotenv::dotenv;
pub use events::events;
pub use http::http;
pub use list::list;

/// One input, tried.
pub type Target = fn(&[u8]);

/// The targets by their names, which are those of the corpus' folders, too.
pub const TARGETS: [(&str, Target); 5] = [
    ("list", list),
    ("dotenv", dotenv),
    ("events", events),
    ("http", http),
    ("csv", csv),
];

/// Nothing in it that a terminal would obey, or that ends a line.
fn is_harmless(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || is_reordering(c))
}

/// Characters that turn the direction of text (Unicode, UAX #9).
fn is_reordering(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
