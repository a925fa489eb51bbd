//! Verification of the peer's certificate (TLS-2).

use std::cell::Cell;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use x509_parser::prelude::{FromDer, X509Certificate};

/// How much is asked of the peer: `CERT_NONE`, `CERT_OPTIONAL`, `CERT_REQUIRED`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Anything will do.
    None,
    /// A certificate that is sent must be good.
    Optional,
    /// A good certificate.
    Required,
}

/// Verifies servers and clients by the context's certificates.
#[derive(Debug)]
pub struct Verifier {
    /// How much is asked.
    pub mode: Mode,
    /// The server's name has to fit.
    pub check_hostname: bool,
    /// Trusted certificates as they were given.
    pub trusted: Vec<CertificateDer<'static>>,
    /// The same as trust anchors.
    pub roots: Arc<RootCertStore>,
    /// The algorithms.
    pub provider: Arc<CryptoProvider>,
}

thread_local! {
    /// The certificate that was refused last on this thread was self-signed.
    static SELF_SIGNED: Cell<bool> = const { Cell::new(false) };
}

/// Whether the certificate that was refused last on this thread was self-signed: OpenSSL has a text of its own for that.
pub fn refused_self_signed() -> bool {
    SELF_SIGNED.replace(false)
}

impl Verifier {
    fn check_chain(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
        as_server: bool,
    ) -> Result<(), Error> {
        let result = self.find_chain(leaf, others, now, as_server);
        let self_signed = result.is_err() && crate::certificate::is_self_signed(leaf);
        SELF_SIGNED.set(self_signed);
        match result {
            // An authority's own certificate is refused as such before anybody looks for its issuer.
            Err(Error::InvalidCertificate(CertificateError::Other(_))) if self_signed => {
                Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))
            }
            result => result,
        }
    }

    /// The chain: signed by a trusted certificate, or trusted itself.
    fn find_chain(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
        as_server: bool,
    ) -> Result<(), Error> {
        if self.trusted.iter().any(|t| t.as_ref() == leaf.as_ref()) {
            return check_dates(leaf, now);
        }
        if as_server {
            let parsed = ParsedCertificate::try_from(leaf)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            return verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, others, now, algorithms);
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(self.roots.clone(), self.provider.clone())
            .build()
            .map_err(|_| Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
        verifier.verify_client_cert(leaf, others, now).map(|_| ())
    }
}

/// The dates of a certificate that is trusted without a signature.
fn check_dates(leaf: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let Ok((_, parsed)) = X509Certificate::from_der(leaf) else {
        return Err(Error::InvalidCertificate(CertificateError::BadEncoding));
    };
    let (now, validity) = (now.as_secs() as i64, parsed.validity());
    if now < validity.not_before.timestamp() {
        return Err(Error::InvalidCertificate(CertificateError::NotValidYet));
    }
    if now > validity.not_after.timestamp() {
        return Err(Error::InvalidCertificate(CertificateError::Expired));
    }
    Ok(())
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.mode != Mode::None {
            self.check_chain(leaf, others, now, true)?;
            if self.check_hostname {
                verify_server_name(&ParsedCertificate::try_from(leaf)?, name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Verifier {
    fn offer_client_auth(&self) -> bool {
        self.mode != Mode::None
    }

    fn client_auth_mandatory(&self) -> bool {
        self.mode == Mode::Required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check_chain(leaf, others, now, false)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
