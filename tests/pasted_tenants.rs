//! What the development org prints for an app with many tenants is what such an app reads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use okta_auth::tenant::{TenantFile, TenantTable};
use okta_auth_dev::Org;

/// Everything but the ids has to be the same.
fn check(table: &TenantTable, orgs: &[Org]) {
    let ids: Vec<_> = table.all().iter().map(|tenant| tenant.id.as_str()).collect();
    assert_eq!(ids, ["acme", "big-co"]);
    for (tenant, org) in table.all().iter().zip(orgs) {
        let client = org.client();
        assert_eq!((&tenant.issuer, &tenant.client_id), (&org.issuer(), &client.client_id));
        assert_eq!(tenant.client_secret.as_ref().unwrap().expose(), client.client_secret.unwrap());
        assert_eq!(
            (tenant.display_name(), tenant.email_domains.clone()),
            (org.name(), vec![org.email_domain().unwrap()])
        );
    }
}

#[tokio::test]
async fn variables_and_sections_are_read_as_they_are_printed() {
    let org = Org::builder().customers(["acme", "big-co"]).start().await.unwrap();
    let orgs = org.orgs();
    let list = ("OKTA_TENANTS".to_owned(), "acme,big-co".to_owned());
    let variables = orgs.iter().flat_map(Org::tenant_env).chain([list]);
    check(&TenantTable::from_variables(variables).unwrap(), &orgs);
    let file = std::env::temp_dir().join(format!("okta-auth-pasted-{}.toml", std::process::id()));
    std::fs::write(&file, orgs.iter().map(Org::tenant_toml).collect::<String>()).unwrap();
    let table = TenantFile::new(&file).read();
    std::fs::remove_file(&file).unwrap();
    check(&table.unwrap(), &orgs);
}
