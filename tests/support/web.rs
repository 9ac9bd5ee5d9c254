//! A client for the control API.

/// One that goes through no proxy, whatever the environment says.
pub(crate) fn client() -> reqwest::Client {
    // It is built without a provider of its own, and wants one even for plain HTTP. Another
    // test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build();
    client.expect("a client without TLS needs nothing from the machine")
}
