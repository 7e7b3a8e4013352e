//! Outages of endpoints while the org runs.

use super::handle::Org;
use crate::error::Error;
use crate::outage::{Endpoint, Outage};

impl Org {
    /// Starts an outage until [`Org::restore`], replacing an earlier one of the endpoint.
    ///
    /// It applies to this endpoint of all authorization servers of the org. The request log still records the requests.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// use okta_auth_dev::{Endpoint, Org, Outage};
    ///
    /// let org = Org::start().await?;
    /// org.outage(Endpoint::Token, Outage::Status(503));
    /// // ... the app cannot refresh, and keeps its sessions ...
    /// assert_eq!(org.outage_hits(Endpoint::Token), 0);
    /// org.restore(Endpoint::Token);
    /// # Ok(())
    /// # }
    /// ```
    pub fn outage(&self, endpoint: Endpoint, outage: Outage) {
        self.state.outages.arm(endpoint, outage, None);
    }

    /// Starts an outage like [`Org::outage`], for this number of requests.
    pub fn outage_times(&self, endpoint: Endpoint, outage: Outage, times: usize) {
        self.state.outages.arm(endpoint, outage, Some(times));
    }

    /// Ends an outage. Waiting requests continue.
    pub fn restore(&self, endpoint: Endpoint) {
        self.state.outages.restore(endpoint);
    }

    /// Ends all outages. Waiting requests continue.
    pub fn restore_all(&self) {
        Endpoint::ALL.into_iter().for_each(|endpoint| self.restore(endpoint));
    }

    /// Releases the requests that wait because of [`Outage::Hang`] or [`Outage::HangAfter`]. The outage continues for
    /// later requests.
    pub fn release(&self, endpoint: Endpoint) {
        self.state.outages.release(endpoint);
    }

    /// Returns how many requests an outage of the endpoint affected since the org started.
    pub fn outage_hits(&self, endpoint: Endpoint) -> usize {
        self.state.outages.state(endpoint).hits
    }

    /// Returns how many requests wait at the endpoint for a release. A request whose client disconnected is not
    /// counted.
    pub fn waiting(&self, endpoint: Endpoint) -> usize {
        self.state.outages.state(endpoint).waiting
    }

    /// Waits until this number of requests wait at the endpoint for a release.
    ///
    /// With [`Outage::HangAfter`] these requests have been processed.
    pub async fn until_waiting(&self, endpoint: Endpoint, count: usize) {
        self.state.outages.until_waiting(endpoint, count).await;
    }

    /// Closes the listener and all connections, for all orgs on the listener. The state of the orgs is kept.
    ///
    /// Returns when the port is free. Pending requests get no response.
    pub fn stop(&self) {
        self.host.stop();
    }

    /// Listens again on the same port.
    ///
    /// Users, sessions, codes, tokens and keys are unchanged, so a client sees an outage.
    ///
    /// # Errors
    ///
    /// If another process took the port meanwhile.
    #[allow(clippy::unused_async, reason = "a later version may await at startup")]
    pub async fn restart(&self) -> Result<(), Error> {
        self.host.restart()
    }
}
