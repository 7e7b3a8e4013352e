//! gRPC statuses for the responses of the core.

use http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use okta_auth_core::adapter::Reply;
use serde_json::Value;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

/// Converts a response, with its code, message and challenge. `code` is for a response that is not JSON.
pub(crate) fn status(reply: &Reply, code: &str) -> Status {
    let body: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let header = |name| reply.headers().get(name).and_then(|value| value.to_str().ok());
    let wait = header(RETRY_AFTER).and_then(|wait| wait.parse::<u32>().ok());
    let pushback = wait.map(|seconds| (u64::from(seconds) * 1000).to_string());
    let mut metadata = HeaderMap::new();
    for challenge in reply.headers().get_all(WWW_AUTHENTICATE) {
        metadata.append(WWW_AUTHENTICATE, challenge.clone());
    }
    for (name, value) in [
        ("grpc-retry-pushback-ms", pushback.as_deref()), // gRFC A6
        ("okta-auth-code", text("error").or(Some(code))),
        ("okta-auth-reference", text("reference")),
    ] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            metadata.insert(name, value);
        }
    }
    let (code, message) = (code_for(reply.status()), text("message").unwrap_or("The call was refused."));
    Status::with_metadata(code, message, MetadataMap::from_headers(metadata))
}

/// The codes of `google.rpc.Code` for HTTP statuses, except that a call with several tokens is `UNAUTHENTICATED` as
/// well: its message is valid.
fn code_for(status: StatusCode) -> Code {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
        _ => Code::Internal,
    }
}
