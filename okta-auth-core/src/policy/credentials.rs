//! The credentials that a route accepts.

/// The credentials that a policy on a route accepts.
///
/// | route | accepts | a request with a session and an access token |
/// |---|---|---|
/// | a page | [`Session`](Self::Session) | is decided by the session; the token is ignored |
/// | an API | [`BearerOnly`](Self::BearerOnly) | is decided by the token |
/// | both | [`SessionOrBearer`](Self::SessionOrBearer) | is decided by the token |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AcceptedCredentials {
    /// Only a session. Access tokens are ignored, because gateways add tokens of their own, and because every client of
    /// an authorization server can get a token for the default audience.
    ///
    /// An `api_only` application has no sessions. There this value means [`BearerOnly`](Self::BearerOnly).
    #[default]
    Session,
    /// A session, or an access token. If a token is sent, the session is ignored, so that a request never has two
    /// callers.
    SessionOrBearer,
    /// Only an access token, for an API. Browsers are never redirected to sign-in.
    BearerOnly,
}

impl AcceptedCredentials {
    /// Returns the credentials that both accept; `None` if there are none.
    pub(super) fn and(self, other: Self) -> Option<Self> {
        match (self, other) {
            (one, two) if one == two => Some(one),
            (Self::SessionOrBearer, one) | (one, Self::SessionOrBearer) => Some(one),
            _ => None,
        }
    }
}
