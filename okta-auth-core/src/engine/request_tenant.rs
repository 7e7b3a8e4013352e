//! Determines the tenant of a request, for handlers.

use std::sync::Arc;

use super::challenge::Challenge;
use super::context::{NoTenant, RequestContext};
use crate::error::{Code, Error};
use crate::tenant::TenantSettings;

pub(super) fn tenant(context: &RequestContext) -> Result<Arc<TenantSettings>, Challenge> {
    // A cookie may have selected the tenant.
    context.inner().mark_personal();
    if let Some(tenant) = &context.auth().0.tenant {
        return Ok(Arc::clone(tenant));
    }
    Err(match context.without_tenant() {
        Some(NoTenant::Discover(_)) => Challenge::sign_in(),
        Some(NoTenant::Rejected(error) | NoTenant::Public(error)) => Challenge::error(Error::clone(error)),
        None => Challenge::error(Error::new(Code::TenantUnknown, "the application has a single Okta and no tenants")),
    })
}
