//! TLS by rustls with aws-lc-rs. A server proves who it is, always: there is no way to accept any certificate.

use super::{SmtpError, TlsFailure};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore};
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The authorities that servers' certificates are checked against. Reading them takes a while: make one and clone it.
#[derive(Clone)]
pub struct TlsTrust {
    config: Arc<ClientConfig>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsTrustError {
    #[error("the additional root certificates are not valid PEM certificates")]
    InvalidPem,
    #[error("the cryptographic provider offers no protocol version")]
    Provider,
}

impl TlsTrust {
    /// The system's authorities, and the certificates of `extra_roots` (PEM).
    pub fn system(extra_roots: Option<&[u8]>) -> Result<Self, TlsTrustError> {
        let mut roots = RootCertStore::empty();
        // One unreadable certificate of many, or a system without any, is no reason not to start: connections will tell.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self::with_roots(roots, extra_roots)
    }

    /// Only the certificates of `roots` (PEM).
    pub fn only(roots: &[u8]) -> Result<Self, TlsTrustError> {
        Self::with_roots(RootCertStore::empty(), Some(roots))
    }

    fn with_roots(mut roots: RootCertStore, extra: Option<&[u8]>) -> Result<Self, TlsTrustError> {
        if let Some(pem) = extra {
            let before = roots.len();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|_| TlsTrustError::InvalidPem)?;
                roots.add(certificate).map_err(|_| TlsTrustError::InvalidPem)?;
            }
            if roots.len() == before {
                return Err(TlsTrustError::InvalidPem);
            }
        }
        // Named, since another crate of the program may bring a second provider along.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = builder.map_err(|_| TlsTrustError::Provider)?.with_root_certificates(roots).with_no_client_auth();
        Ok(Self { config: Arc::new(config) })
    }

    pub(super) async fn connect(&self, stream: TcpStream, host: &str) -> Result<TlsStream<TcpStream>, SmtpError> {
        let bare = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(bare.to_owned()).map_err(|_| SmtpError::Tls(TlsFailure::Certificate))?;
        TlsConnector::from(self.config.clone()).connect(name, stream).await.map_err(|error| SmtpError::Tls(failure(&error)))
    }
}

fn failure(error: &io::Error) -> TlsFailure {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(_)) => TlsFailure::Certificate,
        _ => TlsFailure::Handshake,
    }
}

/// The version that both sides agreed on; older ones are not spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsVersion {
    Tls12,
    Tls13,
}

impl TlsVersion {
    pub(super) fn of(stream: &TlsStream<TcpStream>) -> Option<Self> {
        match stream.get_ref().1.protocol_version()? {
            ProtocolVersion::TLSv1_2 => Some(TlsVersion::Tls12),
            ProtocolVersion::TLSv1_3 => Some(TlsVersion::Tls13),
            _ => None,
        }
    }
}
