//! Settings of the listener, before they are checked.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::access::{Access, check_name, host_of, public_url};
use crate::encryption::Encryption;
use crate::error::Error;
use crate::request_log::Observer;

#[derive(Clone, Debug)]
pub(super) struct ListenerSettings {
    /// The address to listen on. Checked when the org starts.
    pub(super) host: IpAddr,
    /// 0 for a free port.
    pub(super) port: u16,
    /// Names that clients may use besides loopback names.
    pub(super) names: Vec<String>,
    /// The base URL of the issuers, if it differs from the address.
    pub(super) issuer: Option<String>,
    pub(super) observer: Option<Observer>,
    #[cfg(feature = "cli")]
    pub(super) https: Option<Https>,
}

#[cfg(feature = "cli")]
#[derive(Clone, Debug)]
pub(super) enum Https {
    SelfSigned,
    Given { certificate: String, key: String },
}

impl Default for ListenerSettings {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            names: Vec::new(),
            issuer: None,
            observer: None,
            #[cfg(feature = "cli")]
            https: None,
        }
    }
}

impl ListenerSettings {
    pub(super) fn url(&self, scheme: &str, address: SocketAddr) -> Result<String, Error> {
        if let Some(issuer) = &self.issuer {
            return public_url(issuer);
        }
        // Clients cannot connect to 0.0.0.0.
        let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
        Ok(format!("{scheme}://{}", SocketAddr::new(ip, address.port())))
    }

    /// Builds the access rules. An address that other machines can reach requires allowed names.
    pub(super) fn access(&self) -> Result<Access, Error> {
        let remote = !self.host.is_loopback();
        if remote && self.names.is_empty() {
            return Err(Error::config(format_args!(
                "`{}` is not a loopback address: use 127.0.0.1, or allow the names under which clients reach the org \
                 (`--host NAME`, `OrgBuilder::allow_host`)",
                self.host
            )));
        }
        let mut names = self.names.iter().map(|name| check_name(name)).collect::<Result<Vec<_>, _>>()?;
        if let Some(issuer) = &self.issuer {
            names.push(host_of(&public_url(issuer)?));
        }
        Ok(Access { names, remote })
    }

    #[cfg(feature = "cli")]
    pub(super) fn encryption(&self, access: &Access) -> Result<Encryption, Error> {
        use crate::encryption::tls::Tls;
        let local = ["localhost", "*.localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let tls = match &self.https {
            None => return Ok(Encryption::default()),
            Some(Https::SelfSigned) => Tls::self_signed(local.into_iter().chain(access.names.clone()).collect()),
            Some(Https::Given { certificate, key }) => Tls::given(certificate, key),
        };
        Ok(Encryption { tls: Some(tls?) })
    }

    #[cfg(not(feature = "cli"))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "with the feature `cli` it may fail")]
    pub(super) fn encryption(&self, _: &Access) -> Result<Encryption, Error> {
        Ok(Encryption::default())
    }
}
