//! The endpoints, and the kinds of outages.

use std::time::Duration;

/// An endpoint that can have an [`Outage`], for all authorization servers of the org.
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
    /// Okta's API, `/api/v1`.
    Api,
    /// `/device/authorize`
    DeviceAuthorize,
    /// `/par`
    Par,
}

/// The failure of an endpoint.
///
/// ```
/// # async fn example() -> Result<(), okta_auth_dev::Error> {
/// use okta_auth_dev::{Endpoint, Org, Outage};
///
/// let org = Org::start().await?;
/// // The refresh is processed, but the app gets no response.
/// org.outage(Endpoint::Token, Outage::HangAfter);
/// // ... the app starts to refresh, in another task ...
/// org.until_waiting(Endpoint::Token, 1).await;
/// // ... the waiting process is killed, and another one takes over ...
/// org.restore(Endpoint::Token);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outage {
    /// This status, with an error in the format of Okta's management API. The request is not processed.
    Status(u16),
    /// 429 with the three `X-Rate-Limit-*` headers. The request is not processed.
    RateLimited,
    /// The request waits for a release before it is processed.
    Hang,
    /// The request is processed, and the response waits for a release.
    HangAfter,
    /// The connection closes without a response. The request is not processed.
    Drop,
    /// The request is processed, and the connection closes without a response.
    DropAfter,
    /// The request is processed immediately; the response is delayed by this long, in real time.
    Delay(Duration),
}

impl Endpoint {
    /// All endpoints.
    pub const ALL: [Self; 11] = [
        Self::Discovery,
        Self::Keys,
        Self::Authorize,
        Self::Token,
        Self::Userinfo,
        Self::Introspect,
        Self::Revoke,
        Self::Logout,
        Self::Api,
        Self::DeviceAuthorize,
        Self::Par,
    ];

    /// Returns the last segment of the endpoint's path; `discovery` for the metadata, `api` for Okta's API, and
    /// `device_authorize` for the device flow.
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
            Self::Api => "api",
            Self::DeviceAuthorize => "device_authorize",
            Self::Par => "par",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.as_str() == name)
    }

    /// Whether requests name a client.
    pub(crate) fn has_clients(self) -> bool {
        matches!(
            self,
            Self::Authorize | Self::Token | Self::Introspect | Self::Revoke | Self::DeviceAuthorize | Self::Par
        )
    }

    pub(crate) fn at(path: &str) -> Option<Self> {
        if path.contains("/.well-known/") {
            return Some(Self::Discovery);
        }
        if path.contains("/api/v1/") {
            return Some(Self::Api);
        }
        if path.ends_with("/v1/device/authorize") {
            return Some(Self::DeviceAuthorize);
        }
        let (base, last) = path.rsplit_once('/')?;
        if !base.ends_with("/v1") {
            return None;
        }
        // The keys have other paths while a fault is active.
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
        assert_eq!(Endpoint::at("/oauth2/v1/device/authorize"), Some(Endpoint::DeviceAuthorize));
        assert_eq!(Endpoint::at("/api/v1/users/00u1"), Some(Endpoint::Api));
        assert_eq!((Endpoint::at("/signin"), Endpoint::at("/oauth2/v1/nothing")), (None, None));
    }
}
