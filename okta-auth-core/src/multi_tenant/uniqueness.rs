//! The uniqueness index for tenants of a source.
//!
//! A table is checked as a whole: no two tenants share an issuer and client, or an authorization server and audience. A
//! source cannot be listed, so a conflict is detected when the second tenant is loaded. The younger row is rejected if
//! both ages are known, else the tenant that was loaded second. A tenant with invalid settings claims nothing.

use std::collections::HashMap;

use super::table::audiences;
use crate::error::{Code, Error, Result};
use crate::issuer::without_slash;
use crate::tenant::{TenantId, TenantSettings};

/// Beyond this size, the claims of removed tenants are evicted.
const MAX_CLAIMS: usize = 100_000;

/// An issuer, and a client or audience there.
type Claim = (String, String);

#[derive(Debug, Default)]
pub(super) struct UniquenessIndex(HashMap<Claim, TenantId>);

impl UniquenessIndex {
    /// Checks a tenant's claims against the others. `default` are the audiences of tenants without audiences of their
    /// own; `current` looks up the present settings of a tenant.
    ///
    /// Returns the younger tenants that lose their claim.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] if another tenant has the same claim and is not younger.
    pub(super) fn check<'a, S: AsRef<TenantSettings>>(
        &self,
        tenant: &'a TenantSettings,
        default: &'a str,
        current: impl Fn(&TenantId) -> Option<S>,
    ) -> Result<Vec<TenantId>> {
        let mut younger = Vec::new();
        for claim in claims(tenant, default) {
            let Some(other) = self.0.get(&claim).filter(|other| **other != tenant.id) else { continue };
            let Some(holder) = current(other).filter(|holder| has(holder.as_ref(), default, &claim)) else { continue };
            if !is_elder(tenant, holder.as_ref()) {
                return Err(refusal(tenant, other, &claim));
            }
            younger.push(other.clone());
        }
        Ok(younger)
    }

    /// Records the claims of a tenant that has passed [`check`](Self::check) and can be served.
    pub(super) fn record<'a, S: AsRef<TenantSettings>>(
        &mut self,
        tenant: &'a TenantSettings,
        default: &'a str,
        current: impl Fn(&TenantId) -> Option<S>,
    ) {
        if self.0.len() >= MAX_CLAIMS {
            self.0.retain(|claim, id| current(id).is_some_and(|holder| has(holder.as_ref(), default, claim)));
        }
        self.0.extend(claims(tenant, default).map(|claim| (claim, tenant.id.clone())));
    }
}

fn has(tenant: &TenantSettings, default: &str, claim: &Claim) -> bool {
    claims(tenant, default).any(|known| known == *claim)
}

/// Whether a tenant is known to be older than the current holder. A row with a date has precedence over one without.
fn is_elder(tenant: &TenantSettings, holder: &TenantSettings) -> bool {
    match (tenant.created_at, holder.created_at) {
        (Some(created_at), Some(other)) => created_at < other,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

fn refusal(tenant: &TenantSettings, other: &TenantId, (issuer, what): &Claim) -> Error {
    Error::new(
        Code::ConfigInvalid,
        format!(
            "the tenant {} cannot be used: {what} at `{issuer}` belongs to {other} too, so users of one tenant could \
             call the API of the other; give each an authorization server or an audience of its own",
            tenant.id
        ),
    )
}

/// Returns the claims of a tenant: its client and its audiences, each with the issuer.
fn claims<'a>(tenant: &'a TenantSettings, default: &'a str) -> impl Iterator<Item = Claim> + 'a {
    let client = (without_slash(&tenant.issuer).to_owned(), format!("the client `{}`", tenant.client_id));
    let audiences = audiences(tenant, default);
    audiences.map(|(issuer, audience)| (issuer.to_owned(), format!("the audience `{audience}`"))).chain([client])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_at_the_end_of_an_issuer_makes_no_other_place() {
        let tenant = |id: &str, issuer: &str, client: &str, audience: &str| {
            let mut tenant = TenantSettings::new(TenantId::parse(id).unwrap(), issuer, client);
            tenant.audience = Some(audience.to_owned());
            tenant
        };
        let (plain, slash) = ("https://x.okta.com/oauth2/default", "https://x.okta.com/oauth2/default/");
        let acme = std::sync::Arc::new(tenant("acme", plain, "0oa1", "api://a"));
        let current = |_: &TenantId| Some(std::sync::Arc::clone(&acme));
        let mut taken = UniquenessIndex::default();
        taken.record(&acme, "", current);
        let check = |client: &str, audience: &str| {
            taken.check(&tenant("globex", slash, client, audience), "", current).map_err(|error| error.to_string())
        };
        assert!(check("0oa1", "api://b").unwrap_err().contains("the client `0oa1`"));
        assert!(check("0oa2", "api://a").unwrap_err().contains("the audience `api://a`"));
        assert_eq!(check("0oa2", "api://b").unwrap(), Vec::new());
    }
}
