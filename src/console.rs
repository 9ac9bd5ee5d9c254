//! The operator's console: a terminal on a running engine.
//!
//! Model, `update`, `view`: events change the model, the model is drawn, and what the operator
//! wants leaves as commands through [`crate::control`]. It reads pictures of the engine and
//! never touches its state; calls go on whether or not anybody looks.
//!
//! | file | what it has |
//! | --- | --- |
//! | `console/keys.rs` | the table of keys: dispatch, footer, help and manual |
//! | `console/model.rs` | what the console knows |
//! | `console/update.rs`, `commands.rs`, `moving.rs` | what events and keys do |
//! | `console/view.rs` and below | what it looks like |
//! | `console/run.rs` | the loop: events in, at most one frame, commands out |
//! | `console/terminal.rs` | the terminal: taken, given back |

mod calls;
mod causes;
mod commands;
mod filter;
mod input;
mod keys;
mod log;
mod model;
mod moving;
mod popup;
mod queue;
mod scroll;
mod text;
mod theme;
mod update;
mod view;

pub use input::Key;
pub use keys::{Action, BINDINGS, Binding, Group, KeyMap};
pub use log::{prepare as prepare_log, tell};
