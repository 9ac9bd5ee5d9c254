//! The operator's console: a terminal on a running engine.
//!
//! Model, `update`, `view`: events change the model, the model is drawn, and what the operator
//! wants leaves as commands through [`crate::control`]. It reads pictures of the engine and
//! never touches its state; calls go on whether or not anybody looks.
//!
//! | file | what it has |
//! | --- | --- |
//! | `console/input.rs` | bytes from the terminal as keys |
//! | `console/model.rs` | what the console knows |
//! | `console/update.rs`, `commands.rs`, `moving.rs` | what events and keys do |
//! | `console/view.rs` and below | what it looks like |
//! | `console/run.rs` | the loop: events in, at most one frame, commands out |
//! | `console/terminal.rs` | the terminal: taken, given back |
//! | `console/screen.rs` | what is drawn on |
//! | `console/bench.rs` | the console without terminal and engine, to be measured |

#[doc(hidden)]
pub mod bench;
mod calls;
mod causes;
mod commands;
mod filter;
mod input;
mod log;
mod model;
mod moving;
mod order;
mod popup;
mod queue;
mod run;
mod screen;
mod scroll;
mod terminal;
mod text;
mod theme;
mod update;
mod view;

#[cfg(test)]
mod tests;

pub use log::{log_line, prepare as prepare_log, tell, tell_line};
pub use run::{Console, ConsoleHandle, Left, Ports};
pub use terminal::can_show;

use jiff::tz::TimeZone;

use crate::keys::KeyMap;
use model::Setup;
use theme::Theme;

/// How a console is to be.
#[derive(Debug, Clone)]
pub struct ConsoleOptions {
    /// The keys.
    pub keys: KeyMap,
    /// Look, but touch nothing.
    pub read_only: bool,
    /// How many frames a second the engine may cause, 1 to 60.
    pub fps: u32,
}

impl Console {
    /// A console on this process's terminal, as `NO_COLOR`, `TERM` and the locale say.
    #[must_use]
    pub fn open(options: ConsoleOptions, ports: Ports) -> (Self, ConsoleHandle) {
        let setup = Setup {
            theme: Theme::of_this_terminal(),
            keys: options.keys,
            read_only: options.read_only,
            zone: TimeZone::system(),
            attached: ports.away.is_some(),
        };
        Self::new(setup, options.fps, ports)
    }
}
