//! The options of a route: when its requests refresh tokens, and whether they count as activity.

use crate::session::Activity;

/// When the tokens of a session are refreshed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RefreshTiming {
    /// Before the handler, if they have expired or will soon.
    #[default]
    BeforeHandler,
    /// Only if a handler asks for the access token, for routes that need no fresh claims.
    OnDemand,
}

/// The settings of a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteOptions {
    /// When requests to the route refresh tokens.
    pub renewal: RefreshTiming,
    /// Whether requests to the route count as activity of the session.
    pub activity: Activity,
}

impl RouteOptions {
    /// Creates options from both settings.
    pub const fn new(renewal: RefreshTiming, activity: Activity) -> Self {
        Self { renewal, activity }
    }

    /// Combines the options of several routes that match a request. The setting with fewer effects takes precedence.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self::new(self.renewal.max(other.renewal), self.activity.max(other.activity))
    }
}

impl From<RefreshTiming> for RouteOptions {
    fn from(renewal: RefreshTiming) -> Self {
        Self { renewal, ..Self::default() }
    }
}
