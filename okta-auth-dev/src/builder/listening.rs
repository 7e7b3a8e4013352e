//! Settings of the listener: address, issuer, host names, HTTPS, and the request
//! observer.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use super::OrgBuilder;
use crate::access::{Access, check_name, host_of, public_url};
use crate::encryption::Encryption;
use crate::error::Error;
use crate::journal::{Observer, Recorded};
use crate::org::Org;
use crate::serve::{Host, Site};

#[derive(Clone, Debug)]
pub(crate) struct Listening {
    /// The address to listen on. Checked when the org starts.
    pub(super) host: IpAddr,
    /// 0 for a free port.
    pub(super) port: u16,
    /// Names that clients may use besides loopback names.
    names: Vec<String>,
    /// The base URL of the issuers, if it differs from the address.
    issuer: Option<String>,
    observer: Option<Observer>,
    #[cfg(feature = "cli")]
    https: Option<Https>,
}

#[cfg(feature = "cli")]
#[derive(Clone, Debug)]
enum Https {
    SelfSigned,
    Given { certificate: String, key: String },
}

impl Default for Listening {
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

impl OrgBuilder {
    /// Sets the address to listen on, 127.0.0.1 by default.
    ///
    /// `::1` and every other address of `127.0.0.0/8` work. Any other address makes the
    /// org reachable from other machines, and requires [`OrgBuilder::allow_host`] with
    /// the names that clients use. Passwords and keys of the org protect nothing.
    pub fn host(mut self, host: IpAddr) -> Self {
        self.listening.host = host;
        self
    }

    /// Sets the port; 0, the default, selects a free one.
    ///
    /// With a fixed port the issuer stays the same from run to run, which matters for an
    /// app that was configured by hand. Tests should leave it at 0, so that they can run
    /// in parallel.
    pub fn port(mut self, port: u16) -> Self {
        self.listening.port = port;
        self
    }

    /// Also answers requests for this host name, for instance the name of a container.
    ///
    /// By default the org answers only loopback names and the host of the issuer. Any
    /// other name in the `Host` header may belong to a web page that points its own DNS
    /// name at this machine (DNS rebinding).
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// let org = okta_auth_dev::Org::builder().allow_host("okta.internal").start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_host(mut self, name: impl Into<String>) -> Self {
        self.listening.names.push(name.into());
        self
    }

    /// Sets the base URL of issuers and links, such as `http://localhost:8090`, if it
    /// differs from the listening address. A path `/oauth2/default` is accepted and
    /// ignored, because each server has its own path.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// let org = okta_auth_dev::Org::builder().issuer("https://okta.example.test").start().await?;
    /// assert_eq!(org.issuer(), "https://okta.example.test/oauth2/default");
    /// # Ok(())
    /// # }
    /// ```
    pub fn issuer(mut self, url: impl Into<String>) -> Self {
        self.listening.issuer = Some(url.into());
        self
    }

    /// Calls this function with every request of an app after the org has answered it.
    /// Requests to the test API and the administrator's page are not reported.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// // One line each: method, path, status, client, and the reason if it was rejected.
    /// let org = okta_auth_dev::Org::builder().on_request(|request| println!("{request}")).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_request(mut self, hear: impl Fn(&Recorded) + Send + Sync + 'static) -> Self {
        self.listening.observer = Some(Observer::new(hear));
        self
    }

    /// Serves HTTPS with a self-signed certificate for `localhost`, `*.localhost`,
    /// loopback addresses, the issuer's host and the allowed names. Every start creates a
    /// new certificate; [`Org::certificate`] returns it.
    ///
    /// [`Org::browser`] supports only plain HTTP, so it cannot visit such an org.
    #[cfg(feature = "cli")]
    pub fn https(mut self) -> Self {
        self.listening.https = Some(Https::SelfSigned);
        self
    }

    /// Serves HTTPS with this certificate chain and private key, both in PEM.
    #[cfg(feature = "cli")]
    pub fn https_with(mut self, certificate: impl Into<String>, key: impl Into<String>) -> Self {
        self.listening.https = Some(Https::Given { certificate: certificate.into(), key: key.into() });
        self
    }

    /// Starts the org.
    ///
    /// # Errors
    ///
    /// If a setting is invalid, if the address is not loopback and no host name is
    /// allowed, or if the port is in use.
    #[allow(clippy::unused_async, reason = "a later version may await at startup")]
    pub async fn start(mut self) -> Result<Org, Error> {
        let access = self.listening.access()?;
        let encryption = self.listening.encryption(&access)?;
        let observer = self.listening.observer.clone();
        let listener = Host::bind(self.listening.host, self.listening.port)?;
        let address =
            listener.local_addr().map_err(|error| Error::bind("the listener has no address").because(error))?;
        let customers = self.made_customers();
        let orgs = self.orgs.iter().cloned().chain(customers);
        let mut others = Vec::new();
        for (subdomain, org) in orgs {
            others.push(org.tenant(Some(subdomain), encryption.scheme(), address)?);
        }
        let first = Arc::new(self.tenant(None, encryption.scheme(), address)?);
        let site = Site { tenants: Mutex::new(vec![first]), access, observer, encryption };
        let host = Arc::new(Host::start(listener, site)?);
        for other in others {
            host.add(other)?;
        }
        Org::first(host).ok_or_else(|| Error::config("there is no org to start"))
    }
}

impl Listening {
    pub(super) fn url(&self, scheme: &str, address: SocketAddr) -> Result<String, Error> {
        if let Some(issuer) = &self.issuer {
            return public_url(issuer);
        }
        // Clients cannot connect to 0.0.0.0.
        let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
        Ok(format!("{scheme}://{}", SocketAddr::new(ip, address.port())))
    }

    /// Builds the access rules. An address that other machines can reach requires allowed
    /// names.
    fn access(&self) -> Result<Access, Error> {
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
    fn encryption(&self, access: &Access) -> Result<Encryption, Error> {
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
    fn encryption(&self, _: &Access) -> Result<Encryption, Error> {
        Ok(Encryption::default())
    }
}
