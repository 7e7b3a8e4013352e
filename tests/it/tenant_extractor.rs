//! The extractor `Tenant`, on both frameworks.

use okta_auth_core::multi_tenant::{Resolver, TenantTable, Tenants};

use crate::support::ADA;
use crate::support::site::{BOTH, Site, local};

#[tokio::test]
async fn a_handler_gets_the_tenant_of_the_request_with_and_without_a_user() {
    for framework in BOTH {
        let site = Site::start(framework, &["acme", "globex"], |plan| {
            for (name, org) in &plan.orgs {
                org.allow_redirect(&format!("{}/t/{name}", plan.base));
            }
            let mut all = plan.all();
            all[0].name = Some("Acme Inc.".to_owned());
            let builder = Tenants::builder(plan.shared(&plan.base, "cookie")).egress(local());
            let builder = builder.table(TenantTable::new(all).unwrap());
            builder.resolve(Resolver::Path("/t".to_owned())).build().unwrap()
        })
        .await;
        let mut stranger = site.browser();
        let page = stranger.navigate("/t/acme/tenant").await;
        assert_eq!((page.status.as_u16(), page.body.as_str()), (200, "acme Acme Inc."), "{framework:?}");
        // A cookie may have selected the tenant, so a shared cache must not keep the page.
        assert_eq!(page.header("cache-control"), "no-store", "{framework:?}");
        assert_eq!(stranger.navigate("/t/globex/maybe-tenant").await.body, "globex", "{framework:?}");
        let mut ada = site.signed_in("globex", ADA).await;
        assert_eq!(ada.navigate("/t/globex/tenant").await.body, "globex globex", "{framework:?}");

        // The application's own address belongs to no tenant, and the page asks for it.
        assert_eq!(stranger.navigate("/maybe-tenant").await.body, "none", "{framework:?}");
        let page = stranger.navigate("/tenant").await;
        assert!(page.status == 200 && page.body.contains("E-mail address"), "{framework:?}: {}", page.body);
        let refused = stranger.fetch("/tenant").await;
        assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (401, &"login_required".into()));
        assert_eq!(stranger.navigate("/t/unknown/tenant").await.status, 404, "{framework:?}");
    }
}
