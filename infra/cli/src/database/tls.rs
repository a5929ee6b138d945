//! TLS as libpq's `sslmode` has it, by rustls on ring.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::address::{DatabaseAddress, RootCertificate, SslMode};

/// A TLS setup that fails.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    /// Verifying was asked for without an authority.
    #[error("{0} needs the certificate of an authority")]
    WithoutAuthority(&'static str),
    /// The file of certificates cannot be used.
    #[error("{} holds no certificate that can be used: {problem}", path.display())]
    File {
        /// `sslrootcert`.
        path: std::path::PathBuf,
        /// The reader's words.
        problem: String,
    },
    /// rustls refuses.
    #[error("TLS cannot be set up")]
    Setup(#[from] Error),
    /// The verifier cannot be made.
    #[error("certificates cannot be verified")]
    Verifier(#[from] rustls::client::VerifierBuilderError),
}

/// Makes the configuration for an address.
pub(super) fn config(address: &DatabaseAddress) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier {
        authority: authority(address, &provider)?,
        names: address.ssl_mode == SslMode::VerifyFull,
        provider: Arc::clone(&provider),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

fn authority(
    address: &DatabaseAddress,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<WebPkiServerVerifier>>, TlsError> {
    let mode = match address.ssl_mode {
        SslMode::Disable | SslMode::Prefer | SslMode::Require => return Ok(None),
        SslMode::VerifyCa => "sslmode=verify-ca",
        SslMode::VerifyFull => "sslmode=verify-full",
    };
    let roots = match &address.root_certificate {
        Some(RootCertificate::File(path)) => of_file(path)?,
        Some(RootCertificate::System) => of_system(),
        None => return Err(TlsError::WithoutAuthority(mode)),
    };
    let roots = Arc::new(roots);
    let verifier =
        WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider)).build()?;
    Ok(Some(verifier))
}

fn of_file(path: &Path) -> Result<RootCertStore, TlsError> {
    let unusable = |problem: String| TlsError::File {
        path: path.to_owned(),
        problem,
    };
    let mut roots = RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("it is no PEM file".to_owned()));
    }
    Ok(roots)
}

fn of_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// Verifies as much of a certificate as the mode asks for.
#[derive(Debug)]
struct Verifier {
    /// `None` takes every certificate.
    authority: Option<Arc<WebPkiServerVerifier>>,
    /// True when the certificate has to be for this host.
    names: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(authority) = &self.authority else {
            return Ok(ServerCertVerified::assertion());
        };
        let verified = authority.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            // The name is looked at last: everything else was in order.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.names => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    // The server proves in every mode that the certificate is its own: channel binding builds on that.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
