//! Certificates made for a test, good ones and each kind of bad one. Dates are fixed, so that
//! none becomes bad, or good, by itself within a century.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// The host that all of the tests' servers have.
const HOST: &str = "127.0.0.1";

/// Somebody who signs.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = params(&[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server for loopback.
    pub(crate) fn good(&self) -> Arc<ServerConfig> {
        self.server(&params(&[HOST]))
    }

    pub(crate) fn for_another_name(&self) -> Arc<ServerConfig> {
        self.server(&params(&["other.example"]))
    }

    /// As `openssl req -subj /CN=127.0.0.1` makes them.
    pub(crate) fn without_a_name(&self) -> Arc<ServerConfig> {
        self.server(&params(&[]))
    }

    /// Good until 1 February 2020.
    pub(crate) fn expired(&self) -> Arc<ServerConfig> {
        let mut params = params(&[HOST]);
        params.not_after = date_time_ymd(2020, 2, 1);
        self.server(&params)
    }

    /// Good from 2120 on.
    pub(crate) fn not_yet(&self) -> Arc<ServerConfig> {
        let mut params = params(&[HOST]);
        params.not_before = date_time_ymd(2120, 1, 1);
        self.server(&params)
    }

    fn server(&self, params: &CertificateParams) -> Arc<ServerConfig> {
        let key = KeyPair::generate().expect("a key");
        let signed = params.signed_by(&key, &self.0).expect("a certificate");
        config(signed.der().clone(), &key)
    }
}

/// A server that has signed its own certificate, and that as PEM. With `authority` it is marked
/// as one that may sign others, as `openssl req -x509` does it.
pub(crate) fn self_signed(authority: bool) -> (Arc<ServerConfig>, String) {
    own(authority, params(&[HOST]))
}

/// The same, as an authority, for another name.
pub(crate) fn self_signed_for_another_name() -> (Arc<ServerConfig>, String) {
    own(true, params(&["other.example"]))
}

/// The same, as an authority, expired.
pub(crate) fn self_signed_and_expired() -> (Arc<ServerConfig>, String) {
    let mut params = params(&[HOST]);
    params.not_after = date_time_ymd(2020, 2, 1);
    own(true, params)
}

fn own(authority: bool, mut params: CertificateParams) -> (Arc<ServerConfig>, String) {
    if authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let key = KeyPair::generate().expect("a key");
    let signed = params.self_signed(&key).expect("a certificate");
    (config(signed.der().clone(), &key), signed.pem())
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, HOST);
    params.not_before = date_time_ymd(2019, 1, 1);
    params.not_after = date_time_ymd(2126, 1, 1);
    params
}

fn config(certificate: CertificateDer<'static>, key: &KeyPair) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key);
    Arc::new(config.expect("they belong together"))
}
