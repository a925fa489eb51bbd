//! A context's settings, and the configurations that rustls makes of them.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::server::ServerSessionMemoryCache;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::pem;
use crate::verify::{Mode, Verifier};

/// `TLSv1_2`.
pub const TLS12: i64 = 771;
/// `TLSv1_3`.
pub const TLS13: i64 = 772;
/// `OP_NO_TLSv1_2`.
const NO_TLS12: i64 = 134_217_728;
/// `OP_NO_TLSv1_3`.
const NO_TLS13: i64 = 536_870_912;
/// `OP_NO_TICKET`.
const NO_TICKET: i64 = 16384;

/// The settings.
#[derive(Clone)]
pub struct Settings {
    /// Lowest version, `PROTO_MINIMUM_SUPPORTED` if not set.
    pub minimum: i64,
    /// Highest version, `PROTO_MAXIMUM_SUPPORTED` if not set.
    pub maximum: i64,
    /// `OP_*`.
    pub options: i64,
    /// What is asked of the peer.
    pub mode: Mode,
    /// The peer's name has to fit.
    pub check_hostname: bool,
    /// Trusted certificates.
    pub trusted: Vec<CertificateDer<'static>>,
    /// The system's certificates are trusted as well.
    pub system: bool,
    /// Our own certificate.
    pub own: Option<Arc<CertifiedKey>>,
    /// Application protocols.
    pub alpn: Vec<Vec<u8>>,
    /// Names of the cipher suites allowed; all if empty.
    pub ciphers: Vec<String>,
    /// Session tickets that a server sends.
    pub tickets: usize,
    /// Where secrets are logged.
    pub key_log: Option<Arc<dyn rustls::KeyLog>>,
}

/// Files that systems keep their certificates in.
const SYSTEM_FILES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/lib/ssl/cert.pem",
];

/// The certificates in the files of a directory.
pub fn read_directory(path: &Path) -> Vec<CertificateDer<'static>> {
    let mut all: Vec<CertificateDer<'static>> = Vec::new();
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        if let Ok(text) = std::fs::read(entry.path()) {
            all.extend(pem::certificates(&text).unwrap_or_default());
        }
    }
    all.sort_by(|a, b| a.as_ref().cmp(b.as_ref()));
    all.dedup();
    all
}

/// The system's certificates, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
pub fn system_certificates() -> Vec<CertificateDer<'static>> {
    let file = std::env::var_os("SSL_CERT_FILE");
    let directory = std::env::var_os("SSL_CERT_DIR");
    if file.is_some() || directory.is_some() {
        let mut all = Vec::new();
        if let Some(text) = file.and_then(|f| std::fs::read(f).ok()) {
            all.extend(pem::certificates(&text).unwrap_or_default());
        }
        if let Some(directory) = directory {
            all.extend(read_directory(Path::new(&directory)));
        }
        return all;
    }
    static SYSTEM: OnceLock<Vec<CertificateDer<'static>>> = OnceLock::new();
    let found = SYSTEM.get_or_init(|| {
        let file = SYSTEM_FILES.iter().find_map(|f| std::fs::read(f).ok());
        file.and_then(|text| pem::certificates(&text)).unwrap_or_default()
    });
    found.clone()
}

/// OpenSSL's name of a cipher suite.
pub fn cipher_name(suite: rustls::CipherSuite) -> String {
    let name = format!("{suite:?}");
    match name.strip_prefix("TLS13_") {
        Some(rest) => format!("TLS_{rest}"),
        None => name
            .trim_start_matches("TLS_")
            .replace("_WITH_", "-")
            .replace("AES_128", "AES128")
            .replace("AES_256", "AES256")
            .replace("_SHA256", if name.contains("CHACHA") { "" } else { "_SHA256" })
            .replace('_', "-"),
    }
}

/// Bits of a cipher suite's key.
pub fn cipher_bits(name: &str) -> i64 {
    if name.contains("AES128") || name.contains("AES_128") { 128 } else { 256 }
}

impl Settings {
    /// Settings of a new context.
    pub fn new(mode: Mode, check_hostname: bool, options: i64) -> Settings {
        Settings {
            minimum: -2,
            maximum: -1,
            options,
            mode,
            check_hostname,
            trusted: Vec::new(),
            system: false,
            own: None,
            alpn: Vec::new(),
            ciphers: Vec::new(),
            tickets: 2,
            key_log: None,
        }
    }

    /// All trusted certificates.
    pub fn all_trusted(&self) -> Vec<CertificateDer<'static>> {
        let mut all = self.trusted.clone();
        if self.system {
            all.extend(system_certificates());
        }
        all
    }

    fn versions(&self) -> Vec<&'static SupportedProtocolVersion> {
        let maximum = if self.maximum < 0 { TLS13 } else { self.maximum };
        let allows =
            |version: i64, option: i64| self.minimum <= version && version <= maximum && self.options & option == 0;
        let mut versions = Vec::new();
        if allows(TLS13, NO_TLS13) {
            versions.push(&rustls::version::TLS13);
        }
        if allows(TLS12, NO_TLS12) {
            versions.push(&rustls::version::TLS12);
        }
        versions
    }

    /// The algorithms.
    pub fn provider(&self) -> Arc<CryptoProvider> {
        let mut provider = rustls::crypto::ring::default_provider();
        if !self.ciphers.is_empty() {
            // As in OpenSSL, the list is about TLS 1.2 and before.
            provider
                .cipher_suites
                .retain(|suite| suite.tls13().is_some() || self.ciphers.contains(&cipher_name(suite.suite())));
        }
        Arc::new(provider)
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Arc<Verifier> {
        let (mut roots, trusted) = (RootCertStore::empty(), self.all_trusted());
        roots.add_parsable_certificates(trusted.iter().cloned());
        let (mode, check_hostname) = (self.mode, self.check_hostname);
        Arc::new(Verifier { mode, check_hostname, trusted, roots: Arc::new(roots), provider: provider.clone() })
    }

    /// For a client. The error's text otherwise.
    pub fn client(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        let provider = self.provider();
        let verifier = self.verifier(&provider);
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.versions())?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match &self.own {
            Some(own) => {
                builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from((**own).clone())))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.alpn.clone();
        // Sessions are remembered as long as the settings stay: what was accepted under others proves nothing.
        config.resumption = Resumption::in_memory_sessions(64);
        if let Some(log) = &self.key_log {
            config.key_log = log.clone();
        }
        Ok(Arc::new(config))
    }

    /// For a server.
    pub fn server(&self) -> Result<Arc<ServerConfig>, rustls::Error> {
        let provider = self.provider();
        let builder = ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(&self.versions())?;
        let builder = match self.mode {
            Mode::None => builder.with_no_client_auth(),
            _ => builder.with_client_cert_verifier(self.verifier(&provider)),
        };
        let own = self.own.clone().ok_or(rustls::Error::General("no certificate assigned".to_string()))?;
        let resolver = Arc::new(rustls::sign::SingleCertAndKey::from((*own).clone()));
        let mut config = builder.with_cert_resolver(resolver);
        config.alpn_protocols = self.alpn.clone();
        config.send_tls13_tickets = if self.options & NO_TICKET != 0 { 0 } else { self.tickets };
        config.session_storage = ServerSessionMemoryCache::new(64);
        if let Some(log) = &self.key_log {
            config.key_log = log.clone();
        }
        Ok(Arc::new(config))
    }
}
