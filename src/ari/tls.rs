//! TLS towards Asterisk, and towards an engine that somebody attaches to: whom to trust, and
//! what to say of a server that can't be.

mod trouble;

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::connection::ConnectionError;
pub use trouble::TlsTrouble;

/// What Rustls' verifier says of a server that shows the certificate of an authority, as
/// `openssl req -x509` makes them.
const CA_AS_SERVER: &str = "CaUsedAsEndEntity";

/// Without `secure` no certificate is loaded: reading the system's takes tens of
/// milliseconds, and plain HTTP never asks for them.
pub(crate) fn tls_config(
    secure: bool,
    ca: Option<&[CertificateDer<'static>]>,
) -> Result<ClientConfig, ConnectionError> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(certificates) => {
            for certificate in certificates {
                roots
                    .add(certificate.clone())
                    .map_err(|e| ConnectionError::CaFile(e.to_string()))?;
            }
        }
        None if secure => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        None => {}
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| ConnectionError::Tls(e.to_string()))?;
    if !secure {
        return Ok(builder.with_root_certificates(roots).with_no_client_auth());
    }
    if roots.is_empty() {
        let why = "this system has no trusted certificates";
        return Err(ConnectionError::Tls(why.into()));
    }
    let verifier = Verifier::new(roots, ca.unwrap_or_default(), provider)?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// The same for an HTTP client that is given its TLS: by itself it would say so that it speaks
/// HTTP/1.1 and nothing newer, which a proxy that knows both must be told.
pub(crate) fn for_http(config: &ClientConfig) -> ClientConfig {
    let mut config = config.clone();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

/// Verifies as Rustls does, but for one thing: a server's own self-signed certificate is good
/// where it stands among those that are trusted, also if it is marked as an authority's. That
/// is what `openssl req -x509` makes and what curl and browsers take.
#[derive(Debug)]
struct Verifier {
    chains: Arc<WebPkiServerVerifier>,
    trusted: Vec<CertificateDer<'static>>,
}

impl Verifier {
    fn new(
        roots: RootCertStore,
        trusted: &[CertificateDer<'static>],
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, ConnectionError> {
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|e| ConnectionError::Tls(e.to_string()))?;
        Ok(Self {
            chains,
            trusted: trusted.to_vec(),
        })
    }

    /// Its dates were looked at before (`check_issuer_independent_properties` in webpki).
    fn verify_authority(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
    ) -> Result<ServerCertVerified, Error> {
        if !self.trusted.contains(certificate) {
            return Err(CertificateError::UnknownIssuer.into());
        }
        verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
        Ok(ServerCertVerified::assertion())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self
            .chains
            .verify_server_cert(certificate, intermediates, name, ocsp, now);
        match verdict {
            Err(Error::InvalidCertificate(CertificateError::Other(why)))
                if why.to_string() == CA_AS_SERVER =>
            {
                self.verify_authority(certificate, name)
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}
