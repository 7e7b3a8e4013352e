//! Which credentials a route accepts.

/// The credentials that a policy on a route accepts.
///
/// | route | accepts | a request with a session and an access token |
/// |---|---|---|
/// | a page | [`Session`](Self::Session) | is judged by the session; the token changes nothing |
/// | an API | [`Token`](Self::Token) | is judged by the token |
/// | both | [`SessionOrToken`](Self::SessionOrToken) | is judged by the token |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Accepts {
    /// A session alone. Access tokens are ignored, because gateways add tokens of their
    /// own and every client of an authorization server can get a token for the default
    /// audience.
    ///
    /// An application that is `api_only` has no sessions: there it means
    /// [`Token`](Self::Token).
    #[default]
    Session,
    /// A session, or an access token. If a token is sent, the session does not count,
    /// so that a request never has two callers.
    SessionOrToken,
    /// An access token alone: for an API. The browser is never sent to sign in.
    Token,
}

impl Accepts {
    /// The credentials that both accept; `None` if there are none.
    pub(super) fn and(self, other: Self) -> Option<Self> {
        match (self, other) {
            (one, two) if one == two => Some(one),
            (Self::SessionOrToken, one) | (one, Self::SessionOrToken) => Some(one),
            _ => None,
        }
    }
}
