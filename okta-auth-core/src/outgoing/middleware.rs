//! The middleware for `reqwest`.

use http::{Extensions, HeaderMap, Method};
use reqwest_middleware::reqwest::redirect::Policy;
use reqwest_middleware::reqwest::{Client, ClientBuilder, Request, Response, Url};
use reqwest_middleware::{ClientWithMiddleware, Middleware, Next};

use super::authorization::Authorization;
use super::origin::RequestOrigin;
use super::request::{OutgoingRequest, sealed};
use crate::error::{Code, Error, Result};

impl sealed::Sealed for Request {}

impl OutgoingRequest for Request {
    fn origin(&self) -> Option<RequestOrigin<'_>> {
        origin_of(self.url())
    }

    fn target_uri(&self) -> Option<String> {
        let mut url = self.url().clone();
        url.set_query(None);
        url.set_fragment(None);
        Some(url.into())
    }

    fn method(&self) -> &Method {
        Self::method(self)
    }

    fn headers_mut(&mut self) -> &mut HeaderMap {
        Self::headers_mut(self)
    }
}

fn origin_of(url: &Url) -> Option<RequestOrigin<'_>> {
    Some(RequestOrigin {
        scheme: url.scheme(),
        host: url.host_str()?,
        port: url.port(),
        has_userinfo: !url.username().is_empty() || url.password().is_some(),
    })
}

impl Authorization {
    /// Creates a client that attaches the token to every request, and follows no redirect: a redirect would choose
    /// where the token is sent.
    ///
    /// After a 401 with `error="invalid_token"` it renews the token and repeats the request once, if the body can be
    /// sent again. A bound token is sent with a proof (RFC 9449 §7.1), and a challenge for a nonce is answered once.
    /// Requests to another origin than the target's fail.
    ///
    /// ```no_run
    /// # use okta_auth_core as okta_auth;
    /// use okta_auth::outgoing::Outgoing;
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let outgoing = Outgoing::from_env()?;
    /// let orders = outgoing.target("https://orders.example.com")?.for_machine(["orders:read"]);
    /// let client = orders.client(reqwest::Client::builder())?;
    /// let response = client.get("https://orders.example.com/orders").send().await?;
    /// # drop(response); Ok(())
    /// # }
    /// ```
    ///
    /// `Authorization` is also a [`Middleware`], to add to a client that has other middleware; see
    /// [`with_client`](Self::with_client).
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] if the client cannot be built.
    pub fn client(&self, builder: ClientBuilder) -> Result<ClientWithMiddleware> {
        let client = builder.redirect(Policy::none()).referer(false).build().map_err(|error| {
            let message = "the HTTP client cannot be created; check that the system's CA certificates are installed";
            Error::new(Code::ConfigInvalid, message).with_cause(error)
        })?;
        Ok(self.with_client(client))
    }

    /// Attaches the token to the requests of an existing client, as [`client`](Self::client) does. This is cheap: the
    /// new client shares the connections of the given one. Use it for tokens of single requests, such as those of
    /// [`Target::on_behalf_of`](super::Target::on_behalf_of).
    ///
    /// Build the given client with `redirect(Policy::none())`. If it follows redirects, `reqwest` removes the token
    /// when a redirect changes the scheme, the host or the port. A bound token is rejected after a redirect, because
    /// its proof is for the first address.
    pub fn with_client(&self, client: Client) -> ClientWithMiddleware {
        reqwest_middleware::ClientBuilder::new(client).with(self.clone()).build()
    }

    /// Keeps the nonce of a response, unless a redirect led to a host that the target does not name.
    fn learn_nonce(&self, token: &super::IssuedToken, response: &Response) {
        if origin_of(response.url()).is_some_and(|origin| self.names(&origin)) {
            token.learn_nonce(response.headers());
        }
    }

    /// Whether to repeat the request. A failed renewal leaves the response to the caller.
    async fn repeats(&self, token: &super::IssuedToken, response: &Response) -> bool {
        // A redirect may have led to a host that the target does not name.
        if !origin_of(response.url()).is_some_and(|origin| self.names(&origin)) {
            return false;
        }
        match self.renew_after(token, response.status(), response.headers()).await {
            Ok(renewed) => renewed,
            Err(error) => {
                tracing::warn!(target: "okta_auth", code = %error.code(), "a rejected access token was not renewed: {error:?}");
                false
            }
        }
    }
}

#[async_trait::async_trait]
impl Middleware for Authorization {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let again = request.try_clone();
        let token = self.authorize(&mut request).await.map_err(reqwest_middleware::Error::middleware)?;
        let response = next.clone().run(request, extensions).await?;
        // A response that cannot be acted on may still have a nonce.
        let repeats = self.repeats(&token, &response).await;
        let Some(mut again) = again.filter(|_| repeats) else { return Ok(response) };
        let token = self.authorize(&mut again).await.map_err(reqwest_middleware::Error::middleware)?;
        let response = next.run(again, extensions).await?;
        self.learn_nonce(&token, &response);
        Ok(response)
    }
}
