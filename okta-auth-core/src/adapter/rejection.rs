//! Why a handler does not run, or does not get what it takes, and the response to it.

use std::fmt;

use bytes::Bytes;
use http::StatusCode;

use crate::engine::RequestContext;
use crate::error::Error;
use crate::policy::{AcceptedCredentials, Policy};
use crate::response::{Challenge, Reply};
use crate::routing::{missing_layer, report_missing_layer};

/// The reason for a response in place of the handler's.
#[derive(Clone, Debug)]
pub enum Rejection {
    /// The layer replaces the response by the engine's.
    Challenge(Challenge),
    /// The layer is missing, which is a bug in the program. The text names the call that adds it.
    LayerMissing(&'static str),
}

impl Rejection {
    /// Returns the stable code, as the log and the response have it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Challenge(challenge) => challenge.code(),
            Self::LayerMissing(_) => "layer_missing",
        }
    }

    /// Creates the response of a handler or an extractor.
    ///
    /// For a challenge it is a plain 401 that carries the challenge in its extensions, because starting a sign-in may
    /// need the network, and an extractor that is taken as a `Result` must not pay for that. The layer replaces it.
    pub fn into_reply(self) -> Reply {
        let Self::Challenge(challenge) = self else { return missing_layer() };
        let mut reply = Reply::new(Bytes::new());
        *reply.status_mut() = StatusCode::UNAUTHORIZED;
        reply.extensions_mut().insert(challenge);
        reply
    }
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Self::Challenge(error.into())
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Challenge(challenge) => match challenge.as_error() {
                Some(error) => error.fmt(f),
                None => write!(f, "the request is not allowed: {}", challenge.code()),
            },
            Self::LayerMissing(fix) => write!(f, "the layer of okta-auth is missing: {fix}"),
        }
    }
}

/// How a framework adds the layer, for the log.
#[derive(Clone, Copy, Debug)]
pub struct LayerCall(
    /// The missing call, as a sentence for a developer.
    pub &'static str,
);

impl LayerCall {
    /// Creates the rejection for the missing layer, without a line in the log.
    pub fn rejection(self) -> Rejection {
        Rejection::LayerMissing(self.0)
    }

    /// Returns the context that the layer has left with the request. If there is none, the log names the fix. `path` is
    /// the path of the request.
    ///
    /// # Errors
    /// [`Rejection::LayerMissing`].
    pub fn context<'a>(self, found: Option<&'a RequestContext>, path: &str) -> Result<&'a RequestContext, Rejection> {
        found.ok_or_else(|| {
            report_missing_layer(path, self.0);
            self.rejection()
        })
    }

    /// Allows a request if the policy of its route allows the caller.
    ///
    /// # Errors
    /// The rejection to respond with.
    pub async fn require(
        self,
        found: Option<&RequestContext>,
        path: &str,
        policy: &Policy,
        accepts: AcceptedCredentials,
    ) -> Result<(), Rejection> {
        let context = self.context(found, path)?;
        context.require(policy, accepts).await.map_err(Rejection::Challenge)
    }
}
