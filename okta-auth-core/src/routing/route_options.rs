//! The options of a route: when its requests refresh tokens, and whether they count as activity.

use http::Method;

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
    /// Whether only requests with an unsafe method (RFC 9110 §9.2.1) count as activity.
    pub passive_reads: bool,
    /// Whether page navigations without a session begin a silent sign-in, once in each browser.
    pub silent_login: bool,
}

impl RouteOptions {
    /// Creates options from both settings.
    pub const fn new(renewal: RefreshTiming, activity: Activity) -> Self {
        Self { renewal, activity, passive_reads: false, silent_login: false }
    }

    /// Combines the options of several routes that match a request. The setting with fewer effects takes precedence.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            renewal: self.renewal.max(other.renewal),
            activity: self.activity.max(other.activity),
            passive_reads: self.passive_reads || other.passive_reads,
            silent_login: self.silent_login || other.silent_login,
        }
    }

    /// Returns whether a request with this method counts as activity.
    pub(crate) fn activity_of(self, method: &Method) -> Activity {
        if self.passive_reads && method.is_safe() { Activity::Passive } else { self.activity }
    }
}

impl From<RefreshTiming> for RouteOptions {
    fn from(renewal: RefreshTiming) -> Self {
        Self { renewal, ..Self::default() }
    }
}
