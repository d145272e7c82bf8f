//! The TLS side of a connection: which authorities are trusted, and who we say we are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

/// Why TLS cannot be arranged.
#[derive(Debug)]
pub(crate) enum TlsFault {
    /// A PEM file cannot be used.
    File { path: PathBuf, what: String },
    /// The system has no certificates to trust.
    NoAuthorities,
    /// The library refused.
    Library(rustls::Error),
}

/// The PEM files that belong to a connection. They are read anew for each connection, so that
/// renewed certificates need no restart.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsFiles {
    /// Authorities to trust instead of the system's.
    pub(crate) authority: Option<PathBuf>,
    /// Our certificate and its key.
    pub(crate) client: Option<(PathBuf, PathBuf)>,
}

impl TlsFiles {
    /// For connections without TLS: trusts nobody.
    pub(crate) fn none() -> Result<ClientConfig, TlsFault> {
        Ok(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
    }

    /// Reads the files. Blocks on the disk.
    pub(crate) fn load(&self) -> Result<ClientConfig, TlsFault> {
        let roots = match &self.authority {
            Some(path) => private_roots(path)?,
            None => system_roots()?,
        };
        let builder = builder()?.with_root_certificates(roots);
        let Some((certificate, key)) = &self.client else { return Ok(builder.with_no_client_auth()) };
        let chain = certificates(certificate)?;
        let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
        builder.with_client_auth_cert(chain, private).map_err(|error| unreadable(key, &error))
    }
}

/// The provider is named here so that no second one in the build can turn this into a panic.
fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, TlsFault> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsFault::Library)
}

fn private_roots(path: &Path) -> Result<RootCertStore, TlsFault> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| unreadable(path, &error))?;
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, TlsFault> {
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if usable == 0 { Err(TlsFault::NoAuthorities) } else { Ok(roots) }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let found: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).map_err(|error| unreadable(path, &error))?.collect();
    let found = found.map_err(|error| unreadable(path, &error))?;
    if found.is_empty() { Err(unreadable(path, &"it holds no certificate")) } else { Ok(found) }
}

fn unreadable(path: &Path, what: &dyn std::fmt::Display) -> TlsFault {
    TlsFault::File { path: path.to_owned(), what: what.to_string() }
}
