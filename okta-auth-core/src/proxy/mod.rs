//! A proxy from the application's front end to an API: scripts call the application with their session, and the API
//! gets the user's access token, or the application's. The token stays on the server.
//!
//! ```no_run
//! # use okta_auth_core as okta_auth;
//! use okta_auth::proxy::Proxy;
//!
//! # fn main() -> Result<(), okta_auth::Error> {
//! // `/api/orders?page=2` becomes `https://api.example/orders?page=2`.
//! let api = Proxy::to("https://api.example/").for_user().at("/api")?;
//! # drop(api); Ok(())
//! # }
//! ```
//!
//! `okta_auth::axum::proxy` and `okta_auth::actix::proxy` serve it.
//!
//! # Rules
//!
//! 1. Every request, also a GET, must come from the application's own pages: `Sec-Fetch-Site` and `Origin` are checked,
//!    and the header of [`csrf_header`](crate::engine::OktaAuthBuilder::csrf_header) is required; `X-CSRF` if none is
//!    configured. Pages of other origins cannot add it without a CORS preflight.
//! 2. A request without a session gets 401, and never a redirect. A policy decides who may use the application's own
//!    token.
//! 3. The path stays below the address of the API. Dot segments, empty segments, backslashes, encoded slashes and
//!    double encoding are rejected and not normalized.
//! 4. Only listed headers pass, in both directions. Cookies, the client's `Authorization`, `Host` and forwarding
//!    headers never reach the API. Cookies, CORS headers and others that act on an origin never reach the browser.
//!    Headers that `Connection` names are dropped (RFC 9110 §7.6.1). [`ProxyBuilder::forward_header`] adds a header to
//!    the list.
//! 5. Bodies are streamed, and their sizes and times are bounded. Each side has its own framing, so no length and no
//!    transfer coding of one side reaches the other.
//! 6. A redirect of the API is not followed. One to another address of the API is rewritten; any other is 502.
//! 7. If the API rejects the token (401 `invalid_token`), the request is repeated once with a new token, provided that
//!    there is one and that the body has at most 64 KiB and a declared length.
//! 8. The exchange ends with the session. A body that ends early is an error for the browser, never a complete body.
//! 9. Responses are not cached, their type is not sniffed, and a Content Security Policy isolates them if a browser
//!    shows one as a page.
//!
//! # WebSockets
//!
//! [`ProxyBuilder::max_websockets`] allows them. The handshake (RFC 6455) has no CSRF header, so the application's own
//! `Origin` is required. Key, subprotocols and extensions pass unchanged; cookies and credentials do not. Only a 101
//! with a valid `Sec-WebSocket-Accept` switches the protocol, and only its headers of the handshake reach the browser.
//! Then bytes are forwarded, one part at a time in each direction, until a side, the session or a time limit ends the
//! connection.

mod address;
mod builder;
mod exchange;
mod handshake;
mod header_list;
mod limits;
mod origin;
mod request_body;
pub(crate) mod response_body;
mod service;
mod session_end;
pub(crate) mod stream;
mod token_source;
pub(crate) mod tunnel;
mod upstream;

pub use builder::ProxyBuilder;
pub use service::Proxy;
