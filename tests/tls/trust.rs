//! What the certificates of `ARI_CA_FILE` vouch for, and what they do not.

use std::sync::Arc;
use std::time::Duration;

use dialdeck::ari::{AriError, Client, Connection, Password, TlsTrouble};
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::desk::{Desk, numbers};
use crate::support::certificates::{
    Authority, self_signed, self_signed_and_expired, self_signed_for_another_name,
};
use crate::support::tls::{Face, Front};

/// What a client that trusts `pem` gets from a server.
fn ask(front: &Front, pem: &str) -> Result<(), TlsTrouble> {
    let connection = Connection {
        url: front.url().parse().expect("a URL"),
        username: "dialdeck".to_owned(),
        password: Password::new("dialdeck"),
        app: "outbound_dialer".to_owned(),
        ca: Some(vec![
            CertificateDer::from_pem_slice(pem.as_bytes()).expect("PEM"),
        ]),
        timeout: Duration::from_secs(5),
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let client = Client::new(&connection).expect("a client");
    match runtime.block_on(client.channels()) {
        Ok(_) => Ok(()),
        Err(AriError::Tls { why, .. }) => Err(why),
        Err(other) => panic!("{other}"),
    }
}

fn with(verdict: impl FnOnce(&dyn Fn(Arc<ServerConfig>, &str) -> Result<(), TlsTrouble>)) {
    let desk = Desk::new(1, &numbers("83", 1));
    let front = Front::start(desk.asterisk.addr(), Authority::new().good());
    verdict(&|config, pem| {
        front.show_all(&Face::Certificate(config));
        ask(&front, pem)
    });
    front.assert_no_leak();
}

#[test]
fn a_self_signed_certificate_is_trusted_by_itself_and_by_nothing_else() {
    with(|verdict| {
        for authority in [false, true] {
            let (server, pem) = self_signed(authority);
            assert_eq!(verdict(Arc::clone(&server), &pem), Ok(()), "{authority}");
            // Of the same names, and another key.
            let (_, other) = self_signed(authority);
            assert_eq!(verdict(server, &other), Err(TlsTrouble::Untrusted));
        }
    });
}

#[test]
fn being_trusted_by_itself_makes_up_for_neither_name_nor_date() {
    with(|verdict| {
        let (server, pem) = self_signed_for_another_name();
        let host = "127.0.0.1".to_owned();
        let names = "other.example".to_owned();
        let expected = TlsTrouble::OtherName { host, names };
        assert_eq!(verdict(server, &pem), Err(expected));
        let (server, pem) = self_signed_and_expired();
        let expected = TlsTrouble::Expired("2020-02-01T00:00:00Z".to_owned());
        assert_eq!(verdict(server, &pem), Err(expected));
    });
}

#[test]
fn a_certificate_without_a_name_or_before_its_time_is_told_as_that() {
    let authority = Authority::new();
    with(|verdict| {
        let host = "127.0.0.1".to_owned();
        assert_eq!(
            verdict(authority.without_a_name(), &authority.pem()),
            Err(TlsTrouble::NoName { host })
        );
        let expected = TlsTrouble::NotYet("2120-01-01T00:00:00Z".to_owned());
        assert_eq!(
            verdict(authority.not_yet(), &authority.pem()),
            Err(expected)
        );
    });
}
