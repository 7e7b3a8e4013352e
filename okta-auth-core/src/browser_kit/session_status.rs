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
use serde_json::{Map, Value, json};

use super::BrowserKit;
use super::assets::RESOURCE_POLICY;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::response::{Reply, json as reply_json};
use crate::session::Session;

impl BrowserKit {
    /// Responds with the state of the session. `session` has the ends by the absolute limit and by the idle limit.
    pub(crate) fn session_status(
        &self,
        config: &Config,
        session: Option<(Arc<Session>, Timestamp, Timestamp)>,
        (now, silent_login): (Timestamp, bool),
    ) -> Reply {
        let routes = config.routes();
        let mut body = json!({
            "signed_in": session.is_some(),
            "login_path": routes.login().map(|path| routes.public(path)),
            "logout_path": routes.logout().map(|path| routes.public(path)),
            "silent_login": silent_login && session.is_none(),
            "csrf_header": config.options.csrf_header,
        });
        if let (Some((session, end, idle_end)), Some(body)) = (session, body.as_object_mut()) {
            body.insert("user".to_owned(), self.tags.as_ref().map(|tags| tags.of(&session)).into());
            body.insert("claims".to_owned(), listed(&session, &config.options.browser_kit.claims).into());
            body.insert("ends_in".to_owned(), end.since(now).as_secs().into());
            body.insert("idle_ends_in".to_owned(), idle_end.since(now).as_secs().into());
        }
        let mut reply = reply_json(StatusCode::OK, &body);
        reply.headers_mut().insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
        reply
    }
}

fn listed(session: &Session, names: &[String]) -> Map<String, Value> {
    let all = session.all_claims();
    names.iter().filter_map(|name| Some((name.clone(), all.get(name)?.clone()))).collect()
}
