//! Serves the library's own routes.

use std::future::Future;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{Method, StatusCode};

use super::rejection::LayerCall;
use crate::engine::RequestContext;
use crate::response::Reply;
use crate::routing::Endpoint;

/// Why the body of a request could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is longer than [`Endpoint::MAX_BODY`].
    TooLarge,
    /// The connection or the encoding failed.
    Broken,
}

impl LayerCall {
    /// Serves a request to one of the library's routes. Only a POST has a body, so `body` is awaited only then.
    pub async fn serve(
        self,
        found: Option<&RequestContext>,
        endpoint: Endpoint,
        parts: &Parts,
        body: impl Future<Output = Result<Bytes, BodyError>>,
    ) -> Reply {
        let context = match self.context(found, parts.uri.path()) {
            Ok(context) => context,
            Err(rejection) => return rejection.into_reply(),
        };
        let body = match parts.method {
            Method::POST if declares_too_much(parts) => Err(BodyError::TooLarge),
            Method::POST => body.await,
            _ => Ok(Bytes::new()),
        };
        match body {
            Ok(body) => context.serve(endpoint, parts, body).await,
            Err(BodyError::TooLarge) => status(StatusCode::PAYLOAD_TOO_LARGE),
            Err(BodyError::Broken) => status(StatusCode::BAD_REQUEST),
        }
    }
}

/// Whether the declared length of the body is too large. Such a request is refused before its body is read.
fn declares_too_much(parts: &Parts) -> bool {
    let length = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    length.is_some_and(|length| length > Endpoint::MAX_BODY as u64)
}

fn status(status: StatusCode) -> Reply {
    let mut reply = Reply::new(Bytes::new());
    *reply.status_mut() = status;
    reply
}
