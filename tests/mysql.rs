//! The copy in MySQL: the shipped binary with a real MariaDB beside it.
//!
//! What a call's row says is looked at on the lab; what becomes of rows when the database
//! fails, on a simulated Asterisk.

mod absent;
mod hostile;
mod mended;
mod metrics;
mod outcomes;
mod proxy;
mod unfit;
