//! The other orgs on the same listener, and the settings of a multi-tenant app for them.

use std::sync::Arc;

use super::builder::OrgBuilder;
use super::handle::Org;
use crate::error::Error;

impl Org {
    /// Returns another org on the same listener, see [`OrgBuilder::org`].
    pub fn org(&self, subdomain: &str) -> Option<Self> {
        self.orgs().into_iter().find(|org| org.subdomain() == Some(subdomain))
    }

    /// Returns the orgs with a subdomain on this listener, in the order in which they were added.
    pub fn orgs(&self) -> Vec<Self> {
        let named = self.host.orgs().into_iter().filter(|state| state.subdomain.is_some());
        named.map(|state| Self { host: Arc::clone(&self.host), state }).collect()
    }

    /// Returns the label before `.localhost`; `None` for the org without a subdomain.
    pub fn subdomain(&self) -> Option<&str> {
        self.state.subdomain.as_deref()
    }

    /// Returns the name on the sign-in page.
    pub fn name(&self) -> &str {
        &self.state.name
    }

    /// Adds another org while the server runs, like [`OrgBuilder::org`] at startup: for an app that gets a new
    /// customer.
    ///
    /// # Errors
    ///
    /// If a setting is invalid, or an org with this subdomain exists.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// use okta_auth_dev::{Org, OrgBuilder};
    ///
    /// let first = Org::start().await?;
    /// let hooli = first.add_org("hooli", OrgBuilder::customer("hooli"))?;
    /// assert!(hooli.issuer().starts_with("http://hooli.localhost:"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_org(&self, subdomain: &str, org: OrgBuilder) -> Result<Self, Error> {
        let state = self.host.add(org.state(Some(subdomain.to_owned()), self.host.scheme(), self.host.address)?)?;
        Ok(Self { host: Arc::clone(&self.host), state })
    }

    /// Returns the domain of the first user's address, such as `acme.test`; `None` for an org without users.
    pub fn email_domain(&self) -> Option<String> {
        let email = self.users().into_iter().next()?.email;
        email.split_once('@').map(|(_, domain)| domain.to_owned())
    }

    /// Returns the variables for this org as a tenant of an app: `OKTA_ACME_ISSUER_URI` and so on for the org `acme`.
    /// The app's `OKTA_TENANTS` must list the tenant in addition.
    pub fn tenant_env(&self) -> Vec<(String, String)> {
        let prefix = self.subdomain().unwrap_or("dev").to_ascii_uppercase().replace('-', "_");
        let own = self.env().into_iter().map(|(name, value)| (name.trim_start_matches("OKTA_"), value));
        let domain = self.email_domain().map(|domain| ("EMAIL_DOMAINS", domain));
        let all = own.chain([("NAME", self.name().to_owned())]).chain(domain);
        all.map(|(name, value)| (format!("OKTA_{prefix}_{name}"), value)).collect()
    }

    /// Returns a section of `tenants.toml` for this org as a tenant of an app.
    pub fn tenant_toml(&self) -> String {
        let mut lines = vec![format!("[{}]", self.subdomain().unwrap_or("dev"))];
        lines.push(format!("name = {:?}", self.name()));
        let own = self.env().into_iter().map(|(name, value)| (name.trim_start_matches("OKTA_"), value));
        lines.extend(own.map(|(name, value)| match name {
            "ISSUER_URI" => format!("issuer = {value:?}"),
            _ => format!("{} = {value:?}", name.to_ascii_lowercase()),
        }));
        lines.extend(self.email_domain().map(|domain| format!("email_domains = [{domain:?}]")));
        lines.push(String::new());
        lines.join("\n")
    }
}
