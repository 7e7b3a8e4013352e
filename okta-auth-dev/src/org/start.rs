//! Starting an org.

use super::builder::OrgBuilder;
use super::handle::Org;
use crate::error::Error;

impl Org {
    /// Starts an org with default settings on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// If no port can be bound.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// Returns the default settings, to be changed before the org starts.
    pub fn builder() -> OrgBuilder {
        OrgBuilder::default()
    }
}
