//! Settings of the listener: address, issuer, host names, HTTPS, and the request observer.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use super::OrgBuilder;
#[cfg(feature = "cli")]
use super::listener_settings::Https;
use crate::error::Error;
use crate::org::handle::Org;
use crate::request_log::{Observer, Recorded};
use crate::serve::{Host, Site};

impl OrgBuilder {
    /// Sets the address to listen on, 127.0.0.1 by default.
    ///
    /// `::1` and every other address of `127.0.0.0/8` work. Any other address makes the org reachable from other
    /// machines, and requires [`OrgBuilder::allow_host`] with the names that clients use. Passwords and keys of the org
    /// protect nothing.
    pub fn host(mut self, host: IpAddr) -> Self {
        self.listener.host = host;
        self
    }

    /// Sets the port; 0, the default, selects a free one.
    ///
    /// With a fixed port the issuer stays the same from run to run, which matters for an app that was configured by
    /// hand. Tests should leave it at 0, so that they can run in parallel.
    pub fn port(mut self, port: u16) -> Self {
        self.listener.port = port;
        self
    }

    /// Also answers requests for this host name, for instance the name of a container.
    ///
    /// By default the org answers only loopback names and the host of the issuer. Any other name in the `Host` header
    /// may belong to a web page that points its own DNS name at this machine (DNS rebinding).
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// let org = okta_auth_dev::Org::builder().allow_host("okta.internal").start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn allow_host(mut self, name: impl Into<String>) -> Self {
        self.listener.names.push(name.into());
        self
    }

    /// Sets the base URL of issuers and links, such as `http://localhost:8090`, if it differs from the listening
    /// address. A path `/oauth2/default` is accepted and ignored, because each server has its own path.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// let org = okta_auth_dev::Org::builder().issuer("https://okta.example.test").start().await?;
    /// assert_eq!(org.issuer(), "https://okta.example.test/oauth2/default");
    /// # Ok(())
    /// # }
    /// ```
    pub fn issuer(mut self, url: impl Into<String>) -> Self {
        self.listener.issuer = Some(url.into());
        self
    }

    /// Calls this function with every request of an app after the org has answered it. Requests to the test API and the
    /// administrator's page are not reported.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// // One line each: method, path, status, client, and the reason if it was rejected.
    /// let org = okta_auth_dev::Org::builder().on_request(|request| println!("{request}")).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_request(mut self, hear: impl Fn(&Recorded) + Send + Sync + 'static) -> Self {
        self.listener.observer = Some(Observer::new(hear));
        self
    }

    /// Serves HTTPS with a self-signed certificate for `localhost`, `*.localhost`, loopback addresses, the issuer's
    /// host and the allowed names. Every start creates a new certificate; [`Org::certificate`] returns it.
    ///
    /// [`Org::browser`] supports only plain HTTP, so it cannot visit such an org.
    #[cfg(feature = "cli")]
    pub fn https(mut self) -> Self {
        self.listener.https = Some(Https::SelfSigned);
        self
    }

    /// Serves HTTPS with this certificate chain and private key, both in PEM.
    #[cfg(feature = "cli")]
    pub fn https_with(mut self, certificate: impl Into<String>, key: impl Into<String>) -> Self {
        self.listener.https = Some(Https::Given { certificate: certificate.into(), key: key.into() });
        self
    }

    /// Starts the org.
    ///
    /// # Errors
    ///
    /// If a setting is invalid, if the address is not loopback and no host name is allowed, or if the port is in use.
    #[allow(clippy::unused_async, reason = "a later version may await at startup")]
    pub async fn start(mut self) -> Result<Org, Error> {
        let access = self.listener.access()?;
        let encryption = self.listener.encryption(&access)?;
        let observer = self.listener.observer.clone();
        let listener = Host::bind(self.listener.host, self.listener.port)?;
        let address =
            listener.local_addr().map_err(|error| Error::bind("the listener has no address").because(error))?;
        let customers = self.made_customers();
        let orgs = self.orgs.iter().cloned().chain(customers);
        let mut others = Vec::new();
        for (subdomain, org) in orgs {
            others.push(org.state(Some(subdomain), encryption.scheme(), address)?);
        }
        let first = Arc::new(self.state(None, encryption.scheme(), address)?);
        let site = Site { orgs: Mutex::new(vec![first]), access, observer, encryption };
        let host = Arc::new(Host::start(listener, site)?);
        for other in others {
            host.add(other)?;
        }
        Org::first(host).ok_or_else(|| Error::config("there is no org to start"))
    }
}
