//! Orgs for the customers of a multi-tenant app, each with its own users, client and keys.

use url::Url;

use super::OrgBuilder;
use crate::client::Client;
use crate::user::{ADA_PASSWORD, BEN_PASSWORD, SAM, SAM_PASSWORD, User};

impl OrgBuilder {
    /// Creates the settings of a customer's org. For `acme` the org is called Acme. `ada@acme.test` is in `Admins`, and
    /// `ben@acme.test` in `Staff`. [`SAM`](crate::SAM) works for every customer and has the same address and the same
    /// user id in all of their orgs, which an app must treat as different users. The client is `0oaacme0000000000000`,
    /// with its own secret, for an app at `http://acme.localhost:8080`.
    ///
    /// ```
    /// use okta_auth_dev::OrgBuilder;
    ///
    /// let builder = OrgBuilder::default().org("acme", OrgBuilder::customer("acme").name("Acme Corporation"));
    /// ```
    pub fn customer(name: &str) -> Self {
        let address = |person: &str| format!("{person}@{name}.test");
        let client = Client::web(format!("0oa{name:0<17}"), "").label(format!("The app, for {name}"));
        Self::default()
            .name(capitalized(name))
            .without_users()
            .user(User::new(address("ada"), ADA_PASSWORD).name("Ada", "Lovelace").groups(["Everyone", "Admins"]))
            .user(User::new(address("ben"), BEN_PASSWORD).name("Ben", "Okri").groups(["Everyone", "Staff"]))
            .user(User::new(SAM, SAM_PASSWORD).name("Sam", "Selvon"))
            .client(client.origin(format!("http://{name}.localhost:8080")))
    }

    /// Adds an org for each of these customers, see [`OrgBuilder::customer`] and [`OrgBuilder::org`]. Settings for all
    /// clients and servers apply to these orgs as well. Their clients get the redirect URIs of this org's first client,
    /// and the same URIs under the customer's subdomain.
    ///
    /// ```
    /// # async fn example() -> Result<(), okta_auth_dev::Error> {
    /// use okta_auth_dev::Org;
    ///
    /// let org = Org::builder().redirect_origin("http://localhost:3000").customers(["acme", "globex"]).start().await?;
    /// let acme = org.org("acme").expect("it was added above").client();
    /// assert!(acme.redirect_uris.contains(&"http://acme.localhost:3000/authorization-code/callback".to_owned()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn customers<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.customers.extend(names.into_iter().map(Into::into));
        self
    }

    /// Creates the orgs of the customers, once all other settings are known.
    pub(super) fn made_customers(&mut self) -> Vec<(String, Self)> {
        self.with_first_client(|_| ());
        let names = self.customers.clone();
        names.into_iter().map(|name| (name.clone(), self.made_customer(&name))).collect()
    }

    fn made_customer(&self, name: &str) -> Self {
        let mut org = Self::customer(name);
        org.overrides = self.overrides.clone();
        org.rate_limit = self.rate_limit;
        org.options = self.options.clone();
        let Some(first) = self.clients.first() else { return org };
        let both = |uris: &[String]| uris.iter().flat_map(|uri| [uri.clone(), below(uri, name)]).collect::<Vec<_>>();
        org.with_first_client(|client| {
            let with = both(&first.redirect_uris).into_iter().fold(client.clone(), Client::redirect_uri);
            let after = both(&first.post_logout_redirect_uris).into_iter();
            *client = after.fold(with, Client::post_logout_redirect_uri);
        });
        org
    }
}

/// Prepends a label to the host of a URI. URIs with an IP address stay unchanged, and so does a missing slash at the
/// end.
fn below(uri: &str, label: &str) -> String {
    let Ok(mut url) = Url::parse(uri) else { return uri.to_owned() };
    if let Some(host) = url.domain().map(str::to_owned) {
        // An invalid label is reported when the org starts.
        let _ = url.set_host(Some(&format!("{label}.{host}")));
    }
    match url.path() {
        "/" if !uri.ends_with('/') => url.as_str().trim_end_matches('/').to_owned(),
        _ => url.into(),
    }
}

fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}
