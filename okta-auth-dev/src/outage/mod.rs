//! Outages: what is wrong with an endpoint as a whole, switched on and off while the
//! org runs.
//!
//! A [`crate::Fault`] changes what an endpoint says. An outage is about whether it
//! answers at all: with an error, late, never, or not before somebody lets it. Requests
//! that hang wait for a release, not for a time, so a test needs no clock to know in
//! which order things happen.

mod switchboard;

pub(crate) use switchboard::Switchboard;

use std::time::Duration;

/// An endpoint that can have an [`Outage`]: the one of every authorization server of
/// the org.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Endpoint {
    /// Both metadata documents.
    Discovery,
    /// `/keys`
    Keys,
    /// `/authorize`, without the pages that follow it.
    Authorize,
    /// `/token`
    Token,
    /// `/userinfo`
    Userinfo,
    /// `/introspect`
    Introspect,
    /// `/revoke`
    Revoke,
    /// `/logout`
    Logout,
}

/// What is wrong with an endpoint.
///
/// ```
/// # async fn example() -> Result<(), okta_auth_dev::Error> {
/// use okta_auth_dev::{Endpoint, Org, Outage};
///
/// let org = Org::start().await?;
/// // The refresh is carried out, and the app never learns of it.
/// org.outage(Endpoint::Token, Outage::HangAfter);
/// // ... the app starts to refresh, in another task ...
/// org.until_waiting(Endpoint::Token, 1).await;
/// // ... the process that waits is killed, another one takes over ...
/// org.restore(Endpoint::Token);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outage {
    /// This status, with an error in the shape of Okta's management API. Nothing is
    /// carried out.
    Status(u16),
    /// 429 with the three `X-Rate-Limit-*` headers. Nothing is carried out.
    RateLimited,
    /// The request waits until it is released, and is carried out then.
    Hang,
    /// The request is carried out, and the answer waits until it is released.
    HangAfter,
    /// The connection is closed without an answer. Nothing is carried out.
    Drop,
    /// The request is carried out, and the connection closed without an answer.
    DropAfter,
    /// The request is carried out at once; the answer takes this long, in real time.
    Delay(Duration),
}

impl Endpoint {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Discovery,
        Self::Keys,
        Self::Authorize,
        Self::Token,
        Self::Userinfo,
        Self::Introspect,
        Self::Revoke,
        Self::Logout,
    ];

    /// The last part of its path; `discovery` for the metadata.
    ///
    /// ```
    /// assert_eq!(okta_auth_dev::Endpoint::Token.as_str(), "token");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Keys => "keys",
            Self::Authorize => "authorize",
            Self::Token => "token",
            Self::Userinfo => "userinfo",
            Self::Introspect => "introspect",
            Self::Revoke => "revoke",
            Self::Logout => "logout",
        }
    }

    /// The endpoint with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.as_str() == name)
    }

    /// The endpoint at a path, whichever server it belongs to.
    pub(crate) fn at(path: &str) -> Option<Self> {
        if path.contains("/.well-known/") {
            return Some(Self::Discovery);
        }
        let (base, last) = path.rsplit_once('/')?;
        if !base.ends_with("/v1") {
            return None;
        }
        // The keys have other paths while a fault moves them.
        if last.starts_with("keys") { Some(Self::Keys) } else { Self::named(last) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_endpoint() {
        assert_eq!(Endpoint::at("/oauth2/default/v1/token"), Some(Endpoint::Token));
        assert_eq!(Endpoint::at("/oauth2/v1/keys-abc"), Some(Endpoint::Keys));
        assert_eq!(Endpoint::at("/moved/oauth2/v1/userinfo"), Some(Endpoint::Userinfo));
        assert_eq!(Endpoint::at("/.well-known/oauth-authorization-server/oauth2/x"), Some(Endpoint::Discovery));
        assert_eq!(Endpoint::at("/oauth2/v1/discovery"), Some(Endpoint::Discovery));
        assert_eq!((Endpoint::at("/signin"), Endpoint::at("/oauth2/v1/nothing")), (None, None));
    }
}
