//! Switching endpoints off and on while the org runs.

use super::Org;
use crate::error::Error;
use crate::outage::{Endpoint, Outage};

impl Org {
    /// Switches an outage on, in place of the one that the endpoint had, until
    /// [`Org::restore`].
    ///
    /// The endpoint of every authorization server of this org has it. The journal has
    /// the requests all the same.
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
        self.tenant.outages.arm(endpoint, outage, None);
    }

    /// As [`Org::outage`], for so many requests.
    pub fn outage_times(&self, endpoint: Endpoint, outage: Outage, times: usize) {
        self.tenant.outages.arm(endpoint, outage, Some(times));
    }

    /// Switches an outage off. Requests that were waiting go on.
    pub fn restore(&self, endpoint: Endpoint) {
        self.tenant.outages.restore(endpoint);
    }

    /// Switches all outages off. Requests that were waiting go on.
    pub fn restore_all(&self) {
        Endpoint::ALL.into_iter().for_each(|endpoint| self.restore(endpoint));
    }

    /// Lets requests go on that wait because of [`Outage::Hang`] or
    /// [`Outage::HangAfter`]. The outage stays on for those that come.
    pub fn release(&self, endpoint: Endpoint) {
        self.tenant.outages.release(endpoint);
    }

    /// How many requests met an outage at the endpoint since the org started.
    pub fn outage_hits(&self, endpoint: Endpoint) -> usize {
        self.tenant.outages.state(endpoint).hits
    }

    /// How many requests wait at the endpoint for a release. A request whose client
    /// hung up waits no more.
    pub fn waiting(&self, endpoint: Endpoint) -> usize {
        self.tenant.outages.state(endpoint).waiting
    }

    /// Waits until so many requests wait at the endpoint for a release.
    ///
    /// With [`Outage::HangAfter`] they were carried out by then.
    pub async fn until_waiting(&self, endpoint: Endpoint, count: usize) {
        self.tenant.outages.until_waiting(endpoint, count).await;
    }

    /// Closes the listener and all connections. What happened in the org is kept. With
    /// several orgs on the listener all of them stop.
    ///
    /// Returns when the port is free. Requests that were waiting for an answer get
    /// none.
    pub fn stop(&self) {
        self.host.stop();
    }

    /// Listens again, on the same port.
    ///
    /// # Errors
    ///
    /// If somebody else took the port meanwhile.
    ///
    /// People, sessions, codes, tokens and keys are those of before: to a client it was
    /// an outage.
    #[allow(clippy::unused_async, reason = "starting may have to wait in a later version")]
    pub async fn restart(&self) -> Result<(), Error> {
        self.host.restart()
    }
}
