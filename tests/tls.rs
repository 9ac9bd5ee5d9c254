//! TLS as strangers do it, against the shipped binary: before Asterisk, for its requests and
//! for its event stream, and before the engine that somebody attaches to.
//!
//! Each server that can't be trusted is refused before a password leaves, with a sentence that
//! says what is wrong with it and what mends it; and it is tried again until it is mended.

#[allow(dead_code, reason = "the console's tests use the rest of it")]
#[path = "console/desk.rs"]
mod desk;

mod attach;
mod check;
mod lab;
mod link;
mod trust;

use crate::support::certificates::{Authority, self_signed};
use crate::support::tls::Face;

/// A server that can't be trusted.
struct Bad {
    face: Face,
    /// What is said of it.
    says: &'static str,
    /// What mends it, towards Asterisk and for who attaches.
    mend: [&'static str; 2],
}

/// All kinds, where `authority` is the one that is trusted.
fn bad(authority: &Authority) -> Vec<Bad> {
    let bad = |face, says, mend| Bad { face, says, mend };
    let certificate = Face::Bad;
    let who_signed = "put its signer, or it itself, into ARI_CA_FILE";
    let untrusted = [who_signed, "give --ca-file the file of its signer"];
    let port = [
        "give ARI_URL the port of tlsbindaddr in http.conf",
        "give the port of the proxy that speaks TLS",
    ];
    vec![
        bad(
            certificate(authority.for_another_name()),
            "its certificate is for other.example, not for 127.0.0.1",
            [
                "put a name that it has into ARI_URL",
                "attach by a name that it has",
            ],
        ),
        bad(
            certificate(authority.expired()),
            "its certificate expired at 2020-02-01T00:00:00Z",
            [
                "renew it (tlscertfile in http.conf)",
                "renew it at the proxy",
            ],
        ),
        bad(
            certificate(self_signed(false).0),
            "nobody trusted has signed its certificate",
            untrusted,
        ),
        bad(
            certificate(Authority::new().good()),
            "nobody trusted has signed its certificate",
            untrusted,
        ),
        bad(Face::PlainHttp, "it speaks no TLS", port),
        bad(Face::Silent, "it finished no TLS handshake within", port),
    ]
}

/// Without the breaks that a screen or a table makes.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
