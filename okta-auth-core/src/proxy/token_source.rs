//! Whose token is attached, and who may call.

use super::session_end::SessionEnd;
use crate::engine::RequestContext;
use crate::outgoing::{Authorization, TokenRequest};
use crate::policy::{AcceptedCredentials, Policy};
use crate::response::Challenge;

pub(super) enum TokenSource {
    /// The token of the session.
    User,
    /// The token of the application itself, for the callers that the policy allows.
    Machine(TokenRequest, Policy),
}

impl TokenSource {
    /// Returns what attaches the token to requests to this origin, and the end of the caller's session.
    pub(super) async fn authorize(
        &self,
        context: &RequestContext,
        origin: &str,
    ) -> Result<(Authorization, SessionEnd), Challenge> {
        match self {
            Self::User => {
                let user = context.user::<()>()?.ok_or_else(Challenge::sign_in)?;
                let authorization = user.outgoing().target(origin)?.for_user(&user);
                Ok((authorization, SessionEnd::of(Some(&user))))
            }
            Self::Machine(request, policy) => {
                context.require(policy, AcceptedCredentials::Session).await?;
                let user = context.user::<()>()?;
                let auth = context.auth().ok_or_else(Challenge::sign_in)?;
                let authorization = auth.outgoing().target(origin)?.with_request(request);
                Ok((authorization, SessionEnd::of(user.as_ref())))
            }
        }
    }
}
