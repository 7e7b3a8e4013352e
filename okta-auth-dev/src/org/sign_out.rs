//! Sign-out by the org: sessions, and notices to apps.

use std::sync::Arc;

use super::handle::Org;
use crate::logout_delivery::{Delivery, GlobalRevocation, LogoutToken};
use crate::okta_session::{self, OktaSession};

impl Org {
    /// Returns the active Okta sessions, oldest sign-in first.
    pub fn sessions(&self) -> Vec<OktaSession> {
        okta_session::sessions(&self.state)
    }

    /// Returns the URIs that a sign-out page would load in frames if this session ended now: of the apps that were used
    /// in it and use Single Logout. Empty for a session that has ended.
    pub fn frontchannel_logout_uris(&self, sid: &str) -> Vec<String> {
        okta_session::front_channel_uris(&self.state, sid)
    }

    /// Ends an Okta session like an administrator, and sends each app the request of a sign-out frame: with `iss` and
    /// `sid`, but without a browser's cookies. Tokens stay valid.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// let org = okta_auth_dev::Org::start().await?;
    /// // ... a user signs in to an app with Single Logout ...
    /// for session in org.sessions() {
    ///     assert!(org.end_session(&session.sid).await.iter().all(|delivery| delivery.is_success()));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn end_session(&self, sid: &str) -> Vec<Delivery> {
        okta_session::end_session(&self.state, sid).await
    }

    /// Signs a user out everywhere, like an administrator with Universal Logout: ends their Okta sessions, revokes the
    /// tokens, and notifies every app that they used and that has an endpoint for it. Returns the response of each app.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// use okta_auth_dev::{ADA, Org};
    ///
    /// let org = Org::start().await?;
    /// org.put_client(org.client().universal_logout("http://127.0.0.1:3000/global-token-revocation"));
    /// // ... Ada signs in to the app ...
    /// for delivery in org.universal_logout(ADA).await {
    ///     assert!(delivery.is_success(), "{delivery:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn universal_logout(&self, login: &str) -> Vec<Delivery> {
        okta_session::universal_logout(&self.state, login, None).await
    }

    /// Returns a revocation for the first client, which can be changed before it is sent. The org's own sessions
    /// continue.
    pub fn global_revocation(&self, login: &str) -> GlobalRevocation {
        GlobalRevocation::new(Arc::clone(&self.state), &self.client().client_id, login)
    }

    /// Returns a logout token for a user and their newest session, for the first client.
    ///
    /// Okta does not support back-channel logout, so the org never sends one by itself.
    pub fn logout_token(&self, login: &str) -> LogoutToken {
        LogoutToken::new(Arc::clone(&self.state), &self.client().client_id, login)
    }
}
