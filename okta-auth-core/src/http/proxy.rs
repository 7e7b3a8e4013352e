//! The proxy for requests to issuers of the operator.
//!
//! 1. To an https issuer the request goes through a tunnel (`CONNECT`, RFC 9110 §9.3.6). TLS is end to end with the
//!    issuer, whose certificate is verified as without a proxy, so the proxy sees only the host name.
//! 2. Plain http is allowed only for an issuer on this machine, and goes only through a proxy on this machine. A proxy
//!    elsewhere could read the client secret.
//! 3. `HTTPS_PROXY` never applies to this machine; `OKTA_HTTP_PROXY` does.
//! 4. A user name and password in the URL are sent to the proxy, and appear in no message.

use reqwest::{NoProxy, Proxy};
use url::Url;

use crate::error::{Code, Error, Result};
use crate::issuer::is_loopback;
use crate::secret::Secret;

/// Hosts on this machine, in the form of `NO_PROXY`.
const THIS_MACHINE: &str = "localhost,127.0.0.0/8,::1";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProxyScope {
    /// All requests: the proxy was set for this library.
    Every,
    /// Requests over https to other machines: the proxy was set for every program.
    Https,
}

#[derive(Clone)]
pub(crate) struct HttpProxy {
    url: Secret,
    /// Host and port, for messages.
    name: String,
    is_loopback: bool,
    scope: ProxyScope,
    direct: Vec<String>,
}

impl HttpProxy {
    /// Parses the URL of a proxy. Without a scheme it is http, as in other programs.
    ///
    /// # Errors
    /// Why the URL cannot be used. The message does not contain the URL, because the URL may contain a password.
    pub(crate) fn parse(text: &str, scope: ProxyScope) -> std::result::Result<Self, &'static str> {
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&text).map_err(|_| "it is not a URL; write `http://proxy.example:3128`")?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("only proxies that speak HTTP can be used, such as `http://proxy.example:3128`; for another \
                        protocol run an HTTP proxy next to the application");
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err("it has a path or a query; write only scheme, host and port");
        }
        let host = url.host_str().unwrap_or_default();
        let name = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
        Ok(Self { name, is_loopback: is_loopback(&url), url: Secret::new(text), scope, direct: Vec::new() })
    }

    /// Adds hosts that bypass the proxy, in the form of `NO_PROXY`: names with all names below them, addresses,
    /// networks, and `*` for every host.
    pub(crate) fn except(mut self, hosts: impl Into<String>) -> Self {
        self.direct.push(hosts.into());
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Converts the proxy for the HTTP client.
    pub(super) fn to_client(&self) -> Result<Proxy> {
        let build = if self.scope == ProxyScope::Every && self.is_loopback { Proxy::all } else { Proxy::https };
        let proxy = build(self.url.expose()).map_err(|_| {
            let message = format!("the proxy {} cannot be used; check its URL", self.name);
            Error::new(Code::ConfigInvalid, message)
        })?;
        let mut direct = self.direct.clone();
        if self.scope == ProxyScope::Https {
            direct.push(THIS_MACHINE.to_owned());
        }
        Ok(proxy.no_proxy(NoProxy::from_string(&direct.join(","))))
    }
}

opaque_debug!(HttpProxy, |it| name: it.name, scope: it.scope);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_shown_nowhere() {
        let proxy = HttpProxy::parse("http://app:hunter2@proxy.example:3128", ProxyScope::Https).unwrap();
        assert_eq!(proxy.name(), "proxy.example:3128");
        assert!(!format!("{proxy:?}").contains("hunter2"));
        for bad in
            ["socks5://app:hunter2@proxy.example", "http://app:hunter2@proxy.example/path", "http://app:hunter2@"]
        {
            let why = HttpProxy::parse(bad, ProxyScope::Every).unwrap_err();
            assert!(!why.contains("hunter2"), "{bad}: {why}");
        }
        assert_eq!(HttpProxy::parse("proxy.example:3128", ProxyScope::Every).unwrap().name(), "proxy.example:3128");
    }
}
