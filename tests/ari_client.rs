//! The client, the link and the fetcher: against a server that misbehaves on purpose, and
//! against the lab's real Asterisk.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests may panic as the tests themselves may"
)]

mod client;
mod fake;
mod fetcher;
mod lab;
mod link;
mod tls;
