//! The settings of a proxy.

use std::time::Duration;

use super::address::ApiAddress;
use super::header_list::HeaderList;
use super::limits::Limits;
use super::service::Proxy;
use super::token_source::TokenSource;
use super::upstream::{ClientBuilder, client};
use crate::error::{Code, Error, Result};
use crate::outgoing::TokenRequest;
use crate::policy::Policy;

/// Builds a [`Proxy`].
///
/// ```
/// # use okta_auth_core as okta_auth;
/// use okta_auth::proxy::Proxy;
///
/// # fn main() -> Result<(), okta_auth::Error> {
/// let api = Proxy::to("https://api.example/v2/")
///     .for_user()
///     .forward_header("x-tenant")
///     .max_request_size(100 * 1024 * 1024)
///     .at("/api")?;
/// # drop(api); Ok(())
/// # }
/// ```
#[must_use]
pub struct ProxyBuilder {
    address: String,
    token: Option<TokenSource>,
    headers: Vec<String>,
    limits: Limits,
    client: Option<ClientBuilder>,
}

impl Proxy {
    /// Begins a proxy to an API: https, or http on this machine, with a path if the API has one.
    pub fn to(address: &str) -> ProxyBuilder {
        ProxyBuilder::new(address)
    }
}

impl ProxyBuilder {
    fn new(address: &str) -> Self {
        Self { address: address.to_owned(), token: None, headers: Vec::new(), limits: Limits::default(), client: None }
    }

    /// Attaches the access token of the user's session, refreshed if necessary.
    ///
    /// The API must accept the audience of the application's own authorization server.
    pub fn for_user(self) -> Self {
        Self { token: Some(TokenSource::User), ..self }
    }

    /// Attaches a token of the application itself (client credentials), which has no rights of a user. The policy
    /// decides who may call, because every caller gets the rights of the application: it is evaluated for the session,
    /// in addition to a policy of the route. An anonymous caller gets 401, and another one that it denies 403.
    ///
    /// ```
    /// # use okta_auth_core as okta_auth;
    /// use okta_auth::outgoing::TokenRequest;
    /// use okta_auth::policy::group;
    /// use okta_auth::proxy::Proxy;
    ///
    /// # fn main() -> Result<(), okta_auth::Error> {
    /// let stock = TokenRequest::new(["stock:read"]).issuer("https://acme.okta.com/oauth2/stock");
    /// let proxy = Proxy::to("https://stock.example/").for_machine(stock, group("Sales")).at("/stock")?;
    /// # drop(proxy); Ok(())
    /// # }
    /// ```
    pub fn for_machine(self, request: TokenRequest, policy: Policy) -> Self {
        Self { token: Some(TokenSource::Machine(request, policy)), ..self }
    }

    /// Forwards this header too, in both directions. A header that authenticates, frames a message or acts on an origin
    /// is an error of [`at`](Self::at), such as `Cookie`, `Host`, `Access-Control-*` and `X-Forwarded-*`.
    pub fn forward_header(mut self, name: impl Into<String>) -> Self {
        self.headers.push(name.into());
        self
    }

    /// The maximum size of a request's body in bytes; 16 MiB by default. A larger one gets 413.
    pub fn max_request_size(mut self, bytes: u64) -> Self {
        self.limits.request_size = bytes;
        self
    }

    /// The maximum size of a response's body in bytes; 256 MiB by default. A larger one is cut off, which is an error
    /// for the browser, or 502 if the API declares its length.
    pub fn max_response_size(mut self, bytes: u64) -> Self {
        self.limits.response_size = bytes;
        self
    }

    /// The longest time without progress in either direction; one minute by default. An event stream needs a comment
    /// more often than that.
    pub fn idle_timeout(mut self, time: Duration) -> Self {
        self.limits.idle = time;
        self
    }

    /// The longest time until the API has answered, and for the request's body; five minutes by default.
    pub fn response_timeout(mut self, time: Duration) -> Self {
        self.limits.until_response = time;
        self
    }

    /// The longest time for the response's body; one hour by default. A script that reads an event stream has to
    /// reconnect then.
    pub fn max_duration(mut self, time: Duration) -> Self {
        self.limits.duration = time;
        self
    }

    /// How many requests may be in progress; 1,024 by default. Others get 503.
    pub fn max_concurrent(mut self, requests: usize) -> Self {
        self.limits.concurrency = requests;
        self
    }

    /// Forwards WebSockets too, with at most this many open at a time; 0, the default, forwards none. Further ones get
    /// 503. They do not count for [`max_concurrent`](Self::max_concurrent).
    ///
    /// A WebSocket ends with the session, after [`idle_timeout`](Self::idle_timeout) without a byte in either
    /// direction, and after [`max_duration`](Self::max_duration).
    pub fn max_websockets(mut self, connections: usize) -> Self {
        self.limits.websockets = connections;
        self
    }

    /// Uses this client, for example for a certificate of the API or an HTTP proxy. By default requests are sent
    /// directly. Redirects, compression and HTTP/2 are turned off in any case.
    pub fn client(self, builder: ClientBuilder) -> Self {
        Self { client: Some(builder), ..self }
    }

    /// Builds the proxy for the requests below a path of the application's router, such as `/api`. The rest of a path
    /// is appended to the address of the API. No request is sent.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] if the address is not https (or http on this machine), if the path is not plain, if a
    /// header cannot be forwarded, or if both [`for_user`](Self::for_user) and [`for_machine`](Self::for_machine) are
    /// missing.
    pub fn at(self, path: &str) -> Result<Proxy> {
        let wrong = |why: &str| Error::new(Code::ConfigInvalid, why.to_owned());
        let Some(token) = self.token else {
            return Err(wrong("a proxy has no token; call `for_user` or `for_machine`"));
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
        let mut segments = path.strip_prefix('/').into_iter().flat_map(|path| path.split('/')).peekable();
        let is_segment = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(is_plain);
        if segments.peek().is_none() || !segments.all(is_segment) {
            return Err(wrong("the path of a proxy begins with a slash and has plain segments, such as `/api`"));
        }
        let mut list = HeaderList::default();
        self.headers.iter().try_for_each(|name| list.add(name))?;
        let address = ApiAddress::parse(&self.address)?;
        Ok(Proxy::new((address, path), token, (list, self.limits), client(self.client)?))
    }
}

opaque_debug!(ProxyBuilder, |it| limits: it.limits);
