//! The state of the session, as JSON for scripts of the application.
//!
//! | member | present | meaning |
//! |---|---|---|
//! | `signed_in` | always | whether the browser has a session |
//! | `user` | with a session | an opaque tag of the user, the same in every session of the user |
//! | `claims` | with a session | the claims that the application lists |
//! | `ends_in`, `idle_ends_in` | with a session | seconds until the session ends if it is used, and if it is not |
//! | `login_path`, `logout_path` | always | where to sign in and out, as browsers see it; `null` if it is turned off |
//! | `silent_login` | always | whether a silent sign-in would ask Okta |
//! | `csrf_header` | always | the header that requests with an unsafe method need, or `null` |

use std::sync::Arc;

use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value};

use super::BrowserKit;
use super::assets::RESOURCE_POLICY;
use crate::clock::Timestamp;
use crate::config::AppConfig;
use crate::response::{Reply, json};
use crate::session::Session;

/// A session with its ends by the absolute limit and by the idle limit.
type WithEnds = (Arc<Session>, Timestamp, Timestamp);

impl BrowserKit {
    /// Responds with the state of a session.
    pub(crate) fn session_status(
        &self,
        config: &AppConfig,
        (session, end, idle_end): WithEnds,
        now: Timestamp,
    ) -> Reply {
        let mut body = status(config, true, false);
        body.insert("user".to_owned(), self.tags.as_ref().map(|tags| tags.of(&session)).into());
        body.insert("claims".to_owned(), listed(&session, &config.options.browser_kit.claims).into());
        body.insert("ends_in".to_owned(), end.since(now).as_secs().into());
        body.insert("idle_ends_in".to_owned(), idle_end.since(now).as_secs().into());
        respond(body)
    }
}

/// Responds that there is no session.
pub(crate) fn anonymous_status(config: &AppConfig, silent_login: bool) -> Reply {
    respond(status(config, false, silent_login))
}

fn status(config: &AppConfig, signed_in: bool, silent_login: bool) -> Map<String, Value> {
    let path = |path: Option<&str>| path.map(|path| config.routes.public(path));
    let members = [
        ("signed_in", signed_in.into()),
        ("login_path", path(config.routes.login()).into()),
        ("logout_path", path(config.routes.logout()).into()),
        ("silent_login", silent_login.into()),
        ("csrf_header", config.options.csrf_header.clone().into()),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn respond(body: Map<String, Value>) -> Reply {
    let mut reply = json(StatusCode::OK, &body.into());
    reply.headers_mut().insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    reply
}

fn listed(session: &Session, names: &[String]) -> Map<String, Value> {
    let all = session.all_claims();
    names.iter().filter_map(|name| Some((name.clone(), all.get(name)?.clone()))).collect()
}
