//! A development org with a service client.

use okta_auth::config::PrivateKey;
use okta_auth::outgoing::OutgoingBuilder;
use okta_auth_dev::{Client, ClientKey, Org, User};

const CLIENT: &str = "0oadirectoryjob";

pub struct DevelopmentOrg {
    org: Org,
    key: ClientKey,
}

/// Starts an org with a few users. Its service client may read users and groups.
pub async fn start() -> Result<DevelopmentOrg, okta_auth_dev::Error> {
    let key = ClientKey::generate()?;
    let client = Client::api_service(CLIENT, key.public_jwk())
        .okta_scopes(["okta.users.read", "okta.groups.read"])
        .admin_role("READ_ONLY_ADMIN");
    let mut builder = Org::builder().client(client);
    for number in 1..=5 {
        let groups = ["Everyone".to_owned(), format!("Team {number}")];
        builder = builder.user(User::new(format!("engineer{number}@example.test"), "correct-horse-9").groups(groups));
    }
    Ok(DevelopmentOrg { org: builder.start().await?, key })
}

impl DevelopmentOrg {
    /// Sets what the `OKTA_*` variables would set.
    pub fn configure(&self, builder: OutgoingBuilder) -> Result<OutgoingBuilder, okta_auth::Error> {
        let key = PrivateKey::from_pem(self.key.private_pem(), Some(self.key.id().to_owned()))?;
        Ok(builder.issuer(self.org.org_issuer()).client_id(CLIENT).private_key(key))
    }
}
