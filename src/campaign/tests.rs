//! The core against a peer in virtual time.
//!
//! | file | what it has |
//! | --- | --- |
//! | `tests/rig.rs` | a driver for scenarios that are told step by step |
//! | `tests/model.rs` | a small Asterisk that carries requests out and tells events |
//! | `tests/orders.rs` | every order of events and answers on the way from ringing to talking |
//! | `tests/simulation.rs` | thousands of seeded campaigns with faults, and what must hold |

mod add;
mod again;
mod answering;
mod commands;
mod deaf;
mod doubt;
mod ends;
mod figures;
mod first_look;
mod kept;
mod model;
mod moved;
mod next_run;
mod orders;
mod orphans;
mod people;
mod recovery;
mod refusals;
mod relist;
pub(crate) mod rig;
pub(crate) mod sabotage;
mod silence;
mod simulation;
mod streak;
mod tables;
