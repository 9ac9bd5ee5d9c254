//! The client, the link and the fetcher: against a server that misbehaves on purpose, and
//! against the lab's real Asterisk.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests may panic as the tests themselves may"
)]

#[path = "ari_client/client.rs"]
mod client;
#[path = "ari_client/fake.rs"]
mod fake;
#[path = "ari_client/fetcher.rs"]
mod fetcher;
#[path = "ari_client/lab.rs"]
mod lab;
#[path = "ari_client/link.rs"]
mod link;
mod support;
#[path = "ari_client/tls.rs"]
mod tls;
