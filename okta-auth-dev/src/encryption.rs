//! TLS for the listener, with a given certificate or a self-signed one.
//!
//! Without the feature `cli` the org supports only plain HTTP.

/// The TLS settings; empty for plain HTTP.
#[derive(Clone, Debug, Default)]
pub(crate) struct Encryption {
    #[cfg(feature = "cli")]
    pub(crate) tls: Option<tls::Tls>,
}

impl Encryption {
    pub(crate) fn scheme(&self) -> &'static str {
        if self.certificate().is_some() { "https" } else { "http" }
    }

    /// The certificate in PEM.
    #[cfg(feature = "cli")]
    pub(crate) fn certificate(&self) -> Option<&str> {
        self.tls.as_ref().map(|tls| tls.certificate.as_str())
    }

    #[cfg(not(feature = "cli"))]
    pub(crate) fn certificate(&self) -> Option<&str> {
        None
    }
}

#[cfg(feature = "cli")]
pub(crate) mod tls {
    use std::fmt;
    use std::sync::Arc;

    use rustls::ServerConfig;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio_rustls::TlsAcceptor;

    use crate::error::Error;

    #[derive(Clone)]
    pub(crate) struct Tls {
        /// In PEM, for clients that have to trust it.
        pub(crate) certificate: String,
        pub(crate) acceptor: TlsAcceptor,
    }

    impl fmt::Debug for Tls {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("Tls")
        }
    }

    impl Tls {
        /// Creates a self-signed certificate for these names, new at every start.
        pub(crate) fn self_signed(names: Vec<String>) -> Result<Self, Error> {
            let failed = |error| Error::crypto("cannot make a certificate").because(error);
            let made = rcgen::generate_simple_self_signed(names).map_err(failed)?;
            Self::given(&made.cert.pem(), &made.signing_key.serialize_pem())
        }

        /// Uses a certificate chain and its private key, both in PEM.
        pub(crate) fn given(certificate: &str, key: &str) -> Result<Self, Error> {
            let wrong = |what: &str| Error::config(format_args!("the {what} for https is not in PEM"));
            let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).collect::<Result<Vec<_>, _>>();
            let chain = chain.map_err(|error| wrong("certificate").because(error))?;
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
            let key = key.map_err(|error| wrong("private key").because(error))?;
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let failed = |error| Error::config("the certificate and the key for https do not match").because(error);
            let config = ServerConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
                .map_err(failed)?;
            Ok(Self { certificate: certificate.to_owned(), acceptor: TlsAcceptor::from(Arc::new(config)) })
        }
    }
}
