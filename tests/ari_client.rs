//! The client, the link and the fetcher against a server that misbehaves on purpose.

#[path = "ari_client/client.rs"]
mod client;
#[path = "ari_client/fake.rs"]
mod fake;
#[path = "ari_client/fetcher.rs"]
mod fetcher;
#[path = "ari_client/link.rs"]
mod link;
#[path = "ari_client/tls.rs"]
mod tls;
