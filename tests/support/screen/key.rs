//! The bytes that a terminal sends for its keys. A lone [`ESC`] must not be followed by another
//! key at once, or the program takes the two for one with Alt.

pub(crate) const ENTER: &str = "\r";
pub(crate) const ESC: &str = "\x1b";
pub(crate) const TAB: &str = "\t";
pub(crate) const BACK_TAB: &str = "\x1b[Z";
pub(crate) const BACKSPACE: &str = "\x7f";
pub(crate) const DELETE: &str = "\x1b[3~";
pub(crate) const UP: &str = "\x1b[A";
pub(crate) const DOWN: &str = "\x1b[B";
pub(crate) const RIGHT: &str = "\x1b[C";
pub(crate) const LEFT: &str = "\x1b[D";
pub(crate) const HOME: &str = "\x1b[H";
pub(crate) const END: &str = "\x1b[F";
pub(crate) const PAGE_UP: &str = "\x1b[5~";
pub(crate) const PAGE_DOWN: &str = "\x1b[6~";
pub(crate) const F1: &str = "\x1bOP";

/// Ctrl and a letter.
pub(crate) fn ctrl(letter: char) -> String {
    char::from(letter.to_ascii_uppercase() as u8 & 0x1f).to_string()
}
