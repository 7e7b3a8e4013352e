//! Parses the URL of the Redis store.
//!
//! No error repeats any part of a URL: it holds a password, and in a malformed URL the password can be in any part.
//!
//! # What is rejected
//!
//! The client silently misreads some mistakes. Here they are errors at startup:
//!
//! | mistake | consequence without this check |
//! |---|---|
//! | a password with a bare `/`, `?` or `#` | a part of the password becomes the host, the rest a path |
//! | an unknown parameter, such as `?tls=true` | sessions travel in plain text |
//! | Sentinel without the name of the primary | no error until the first use |
//! | a database of a cluster | database 0 is used |
//! | roots without TLS | sessions travel in plain text |

use std::sync::Arc;

use fred::rustls::crypto::aws_lc_rs;
use fred::rustls::{ClientConfig, RootCertStore};
use fred::types::config::{Config, ServerConfig, TlsConfig, TlsConnector, TlsHostMapping};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use url::Url;

use crate::error::{Code, Error, Result};

/// The accepted forms of a URL, for every message.
const FORMS: &str = "write redis://host:6379 or rediss://host:6379 for TLS, with -sentinel or -cluster after the \
                     scheme for those";

/// The client's configuration. It has no `Debug`, because it contains the password.
pub(super) struct Settings(pub(super) Config);

impl Settings {
    pub(super) fn parse(url: &str, roots: Option<&[u8]>) -> Result<Self> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| refused("is not a URL", FORMS))?;
        let (tls, topology) = kind(scheme).ok_or_else(|| refused("has an unknown scheme", FORMS))?;
        check(&format!("redis{topology}://{rest}"), topology)?;
        // Parse without TLS first: the library's own choice of a crypto provider panics if two are compiled in.
        let mut config = Config::from_url(&format!("redis{topology}://{rest}")).map_err(|_| {
            refused("cannot be read", "check its path (a database number), its port, and each `node=host:port`")
        })?;
        if tls {
            config.tls = Some(tls_config(roots, matches!(config.server, ServerConfig::Clustered { .. }))?);
        } else if roots.is_some() {
            return Err(refused("has root certificates without TLS", "write rediss instead of redis"));
        }
        Ok(Self(config))
    }
}

/// Whether a scheme means TLS, and its suffix: empty, `-sentinel` or `-cluster`.
///
/// Unix sockets (`redis-unix`) are rejected: replicas on several machines cannot share one, and a single process has
/// `MemoryStore`.
fn kind(scheme: &str) -> Option<(bool, &str)> {
    let (base, topology) = match scheme.find('-') {
        Some(at) => scheme.split_at_checked(at)?,
        None => (scheme, ""),
    };
    let tls = match base {
        "redis" | "valkey" => false,
        "rediss" | "valkeys" => true,
        _ => return None,
    };
    matches!(topology, "" | "-sentinel" | "-cluster").then_some((tls, topology))
}

fn check(url: &str, topology: &str) -> Result<()> {
    let url = Url::parse(url).map_err(|_| {
        refused("is malformed", "percent-encode / ? # @ : and % in the password, and write IPv6 in brackets")
    })?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(refused("names no host", FORMS));
    }
    let known: &[&str] = match topology {
        "-sentinel" => &["node", "sentinelServiceName", "sentinelUsername", "sentinelPassword"],
        "-cluster" => &["node"],
        _ => &[],
    };
    if url.query_pairs().any(|(name, _)| !known.contains(&name.as_ref())) || url.fragment().is_some() {
        return Err(refused("has an unknown parameter", FORMS));
    }
    if topology == "-sentinel" && !url.query_pairs().any(|(name, _)| name == "sentinelServiceName") {
        return Err(refused("does not name the primary", "add ?sentinelServiceName= and its name in Sentinel"));
    }
    if topology == "-cluster" && !matches!(url.path(), "" | "/" | "/0") {
        return Err(refused("names a database", "a cluster has only database 0; leave the path out"));
    }
    Ok(())
}

/// Configures TLS 1.2 and 1.3 with the same cryptography as the rest of the library.
///
/// The provider is passed explicitly. The process-wide default may be missing, and choosing one panics if two are
/// compiled in.
fn tls_config(roots: Option<&[u8]>, cluster: bool) -> Result<TlsConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(Code::Internal, "TLS cannot be set up").with_cause(error))?
        .with_root_certificates(trusted(roots)?)
        .with_no_client_auth();
    // Cluster nodes announce IP addresses, and their certificates contain host names.
    let hostnames = if cluster { TlsHostMapping::DefaultHost } else { TlsHostMapping::None };
    Ok(TlsConfig { connector: TlsConnector::from(config), hostnames })
}

/// The trusted roots: the given ones, or those of the operating system.
///
/// Unreadable certificates of the operating system are skipped. Every given certificate has to be readable.
fn trusted(roots: Option<&[u8]>) -> Result<RootCertStore> {
    let certificates: Vec<CertificateDer<'static>> = match roots {
        Some(pem) => CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|_| refused("has unreadable root certificates", "give certificates in PEM"))?,
        None => fred::rustls_native_certs::load_native_certs().certs,
    };
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(certificates);
    if added == 0 {
        let fix = "install the package `ca-certificates`, set SSL_CERT_FILE, or use RedisStore::with_roots";
        return Err(refused("requires TLS, and there is no trusted root certificate", fix));
    }
    Ok(store)
}

fn refused(why: &str, fix: &str) -> Error {
    Error::new(Code::ConfigInvalid, format!("the URL of the Redis session store {why}: {fix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(url: &str) -> String {
        let error = Settings::parse(url, None).err().unwrap_or_else(|| panic!("{url} is accepted"));
        assert_eq!(error.code(), Code::ConfigInvalid);
        format!("{error} {error:?}")
    }

    #[test]
    fn every_documented_form_is_accepted() {
        for url in [
            "redis://localhost",
            "redis://localhost:6379/1",
            "redis://:pass%2Fword@[::1]:6379/0",
            "redis://user:password@cache.example.com:6380",
            "valkey://localhost:6379",
            "redis-sentinel://a:26379?sentinelServiceName=mymaster&node=b:26379&sentinelPassword=p",
            "redis-cluster://a:7001?node=b:7002&node=c:7003",
            "valkey-cluster://a:7001",
        ] {
            assert!(Settings::parse(url, None).is_ok(), "{url}");
        }
    }

    #[test]
    fn passwords_are_percent_decoded() {
        let config = Settings::parse("redis://ada:p%40ss%2Fword@localhost", None).unwrap().0;
        assert_eq!((config.username.as_deref(), config.password.as_deref()), (Some("ada"), Some("p@ss/word")));
    }

    #[test]
    fn mistakes_are_rejected_with_a_fix_and_without_the_password() {
        for (url, fix) in [
            ("", "redis://host:6379"),
            ("localhost:6379", "redis://host:6379"),
            ("http://:hunter2@localhost", "redis://host:6379"),
            ("redis-unix:///run/redis.sock", "redis://host:6379"),
            ("redis://", "redis://host:6379"),
            ("redis://:hunter2/@localhost", "percent-encode"),
            ("redis://:hunter2@localhost:port", "percent-encode"),
            ("redis://:hunter2@localhost/one", "database number"),
            ("redis://:hunter2@localhost/?tls=true", "parameter"),
            ("redis-sentinel://:hunter2@localhost:26379", "sentinelServiceName"),
            ("redis-cluster://:hunter2@localhost:7001/3", "leave the path out"),
            ("redis-cluster://:hunter2@localhost:7001?node=hunter2", "node=host:port"),
        ] {
            let message = message(url);
            assert!(message.contains(fix), "{url}: {message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn tls_needs_roots_that_are_certificates() {
        let error = Settings::parse("rediss://localhost", Some(b"no certificate")).err().unwrap();
        assert!(error.to_string().contains("SSL_CERT_FILE"), "{error}");
        assert!(Settings::parse("redis://localhost", Some(b"")).err().unwrap().to_string().contains("rediss"));
    }
}
