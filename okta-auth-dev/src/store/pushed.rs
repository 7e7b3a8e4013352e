//! Pushed authorization requests (RFC 9126).

use std::collections::HashMap;

use crate::random;

/// The prefix of Okta's request URIs.
const PREFIX: &str = "urn:okta:";

#[derive(Clone, Debug)]
pub(crate) struct PushedRequest {
    pub(crate) client_id: String,
    pub(crate) server: String,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) expires_at: i64,
}

/// Why a request URI cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PushedError {
    /// Unknown, expired, or used.
    Invalid,
    OtherClient,
    OtherServer,
}

/// The pushed requests by request URI.
#[derive(Debug, Default)]
pub(crate) struct PushedRequests(HashMap<String, PushedRequest>);

impl PushedRequests {
    /// Stores a request, and returns its request URI.
    pub(crate) fn add(&mut self, request: PushedRequest, now: i64) -> String {
        self.0.retain(|_, request| request.expires_at > now);
        let uri = format!("{PREFIX}{}", random::token());
        self.0.insert(uri.clone(), request);
        uri
    }

    /// Returns the parameters of a request, once. A request by another client, or at another server, does not use it
    /// up.
    pub(crate) fn take(
        &mut self,
        uri: &str,
        client_id: &str,
        server: &str,
        now: i64,
    ) -> Result<Vec<(String, String)>, PushedError> {
        let request = self.0.get(uri).filter(|request| request.expires_at > now).ok_or(PushedError::Invalid)?;
        if request.client_id != client_id {
            return Err(PushedError::OtherClient);
        }
        if request.server != server {
            return Err(PushedError::OtherServer);
        }
        self.0.remove(uri).map(|request| request.parameters).ok_or(PushedError::Invalid)
    }
}
