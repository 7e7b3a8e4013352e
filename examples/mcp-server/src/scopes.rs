//! The scopes of the tools.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use okta_auth::axum::{AccessRejection, AccessToken};
use okta_auth::policy::{Policy, scope};
use serde_json::Value;

const MAX_BODY: usize = 1 << 20;

/// What a tool needs. A tool that is not listed may write.
pub(crate) fn policy(tool: &str) -> Policy {
    match tool {
        "list_notes" => scope("notes:read"),
        _ => scope("notes:read") & scope("notes:write"),
    }
}

/// Responds to the call of a tool without its scopes with 403 `insufficient_scope`, so that the client can ask the user
/// for them. The tool itself checks them too, because only rmcp's reading of the message counts.
pub(crate) async fn of_tools(token: AccessToken, request: Request, next: Next) -> Result<Response, AccessRejection> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else { return Ok(StatusCode::PAYLOAD_TOO_LARGE.into_response()) };
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    if message["method"] == "tools/call" {
        token.require(&policy(message["params"]["name"].as_str().unwrap_or_default())).await?;
    }
    Ok(next.run(Request::from_parts(parts, Body::from(body))).await)
}
