//! A request to Okta's API.

use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::body::{parse, to_json};
use super::list::List;
use super::sender::{ApiCall, Sender};
#[cfg(doc)]
use crate::error::Code;
use crate::error::Result;

/// A request to Okta's API, from [`OktaApi`](super::OktaApi). It is sent by [`json`](Self::json), [`send`](Self::send)
/// or [`list`](Self::list).
#[must_use]
pub struct ApiRequest {
    sender: Sender,
    /// The first error of building it, which sending returns.
    call: Result<ApiCall>,
}

impl ApiRequest {
    pub(super) fn new(sender: Sender, method: Method, url: Result<Url>) -> Self {
        Self { sender, call: url.map(|url| ApiCall { method, url, body: None }) }
    }

    /// Adds a parameter to the query, escaped: `query("search", r#"status eq "ACTIVE""#)`.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        if let Ok(call) = &mut self.call {
            call.url.query_pairs_mut().append_pair(name, value);
            // A space as `%20`, which every server decodes. A plus sign is `%2B` here.
            let query = call.url.query().map(|query| query.replace('+', "%20"));
            call.url.set_query(query.as_deref());
        }
        self
    }

    /// Sets the body, as JSON. It is wiped from memory after the request, because it may have a password.
    pub fn body(mut self, body: &impl Serialize) -> Self {
        self.call = self.call.and_then(|call| Ok(ApiCall { body: Some(to_json(body)?), ..call }));
        self
    }

    /// Sends the request, and parses the response.
    ///
    /// # Errors
    /// [`Code::ApiRefused`] if Okta rejects the request, for example with 404; see
    /// [`ErrorResponse::of`](super::ErrorResponse::of). [`Code::ProviderRateLimited`] and [`Code::ProviderUnavailable`]
    /// after the last retry. [`Code::ProviderResponse`] for a redirect, and for a response that is too large, not JSON,
    /// or not a `T`. [`Code::ConfigInvalid`] if a segment of the path is not allowed, or if the body cannot be
    /// serialized. Otherwise as for [`MachineTokens::token`](crate::outgoing::MachineTokens::token).
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        parse(&self.sender.send(&self.call?).await?)
    }

    /// Sends the request, and ignores the content of the response.
    ///
    /// # Errors
    /// As for [`json`](Self::json), except those for the content.
    pub async fn send(self) -> Result<()> {
        self.sender.send(&self.call?).await.map(drop)
    }

    /// Returns the entries of a list as a stream. Each page is requested only when the entries before it have been
    /// read, and the first page with the first entry.
    pub fn list<T: DeserializeOwned>(self) -> List<T> {
        List::new(self.sender, self.call)
    }
}

opaque_debug!(ApiRequest, |it| url: it.call.as_ref().map(|call| call.url.path().to_owned()));
