//! The endpoints: functions from a request to a reply.
//!
//! Paths are Okta's. `{base}` is `/oauth2/v1` for the org's own server and `/oauth2/{id}/v1` for a custom one.
//!
//! | path | module |
//! |---|---|
//! | `{base}/authorize` | `authorize` |
//! | `{base}/par` | `par`, `request_object` |
//! | `{base}/token` | `token`, `client_auth`, `client_assertion`, `dpop` |
//! | `{base}/keys` | `keys` |
//! | `{base}/userinfo` | `userinfo` |
//! | `{base}/introspect` | `introspect` |
//! | `{base}/revoke` | `revoke` |
//! | `{base}/logout` | `logout` |
//! | `{base}/device/authorize` | `device_authorize` |
//! | `/api/v1/users`, `/api/v1/groups` | `okta_api` |
//! | `{issuer}/.well-known/openid-configuration` | `metadata` |
//! | `{issuer}/.well-known/oauth-authorization-server`, and the form of RFC 8414 | `metadata` |
//! | `/signin`, `/signin/identify` (specific to this org; Okta's are undocumented) | `sign_in` |
//! | `/signin/verify` | `second_factor` |
//! | `/activate`, `/activate/decide` | `activate` |

mod activate;
mod authorize;
mod client_assertion;
mod client_auth;
mod client_signature;
mod device_authorize;
mod dispatch;
mod dpop;
mod exchange;
mod front_channel;
mod introspect;
mod keys;
mod logout;
mod metadata;
mod method_mismatch;
mod okta_api;
mod own_session;
pub(crate) mod page;
mod par;
mod params;
mod paths;
mod request_object;
mod revoke;
mod second_factor;
mod session_cookie;
mod sign_in;
mod token;
mod userinfo;

pub(crate) use activate::decide_without_page as decide_device;
pub(crate) use dispatch::{answer, is_not_served, misnamed, refresh_client};
pub(crate) use front_channel::uris as front_channel_uris;
