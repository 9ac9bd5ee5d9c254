//! The journal through its public face, with a hand on its file where a test needs one.

mod damage;
mod fixture;
mod opening;
mod outbox;
mod recovery;
mod trouble;
mod writing;
