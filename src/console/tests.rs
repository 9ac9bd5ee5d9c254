//! What the console shows, and what its keys do, without a terminal and without an engine.

mod calls;
mod campaign_keys;
mod conditions;
mod footer;
mod frozen;
mod hidden;
mod max_cc;
mod monochrome;
mod pictures;
mod queue;
mod random;
mod rig;
mod screen;
mod strangers;
