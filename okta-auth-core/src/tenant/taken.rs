//! What the tenants of a source have, as far as they have been made ready.
//!
//! A table is checked as a whole: no two tenants have an issuer and a client in common,
//! nor an authorization server and an audience. Of a source only those tenants are known
//! for whom somebody came, so one of two is refused when it is made ready: the younger
//! row if their ages are known, else the second that came. A tenant whose settings
//! cannot be used takes nothing.

use std::collections::HashMap;

use super::id::TenantId;
use super::settings::TenantSettings;
use super::table::audiences;
use crate::error::{Code, Error, Result};

/// So many entries, and those of tenants that are gone make room.
const MANY: usize = 100_000;

/// An issuer, and what one tenant alone may have there.
type Place = (String, String);

/// Who has what.
#[derive(Debug, Default)]
pub(crate) struct Taken(HashMap<Place, TenantId>);

impl Taken {
    /// Checks what a tenant has against the others. `default` are the audiences of those
    /// that name none, and `current` tells what another tenant is now.
    ///
    /// Returns the tenants that have to give way because they are younger.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] if another one has the same and is not younger.
    pub(crate) fn check<'a, S: AsRef<TenantSettings>>(
        &self,
        tenant: &'a TenantSettings,
        default: &'a str,
        current: impl Fn(&TenantId) -> Option<S>,
    ) -> Result<Vec<TenantId>> {
        let mut younger = Vec::new();
        for place in places(tenant, default) {
            let Some(other) = self.0.get(&place).filter(|other| **other != tenant.id) else { continue };
            let Some(holder) = current(other).filter(|holder| has(holder.as_ref(), default, &place)) else { continue };
            if !is_elder(tenant, holder.as_ref()) {
                return Err(refusal(tenant, other, &place));
            }
            younger.push(other.clone());
        }
        Ok(younger)
    }

    /// Writes down what a tenant has, which has been checked and can be served.
    pub(crate) fn take<'a, S: AsRef<TenantSettings>>(
        &mut self,
        tenant: &'a TenantSettings,
        default: &'a str,
        current: impl Fn(&TenantId) -> Option<S>,
    ) {
        if self.0.len() >= MANY {
            self.0.retain(|place, id| current(id).is_some_and(|holder| has(holder.as_ref(), default, place)));
        }
        self.0.extend(places(tenant, default).map(|place| (place, tenant.id.clone())));
    }
}

/// Whether a tenant has this.
fn has(tenant: &TenantSettings, default: &str, place: &Place) -> bool {
    places(tenant, default).any(|known| known == *place)
}

/// Whether a tenant is known to be elder than the one that came first. A row with a
/// date goes before one without.
fn is_elder(tenant: &TenantSettings, holder: &TenantSettings) -> bool {
    match (tenant.created_at, holder.created_at) {
        (Some(created_at), Some(other)) => created_at < other,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// Why a tenant cannot be used.
fn refusal(tenant: &TenantSettings, other: &TenantId, (issuer, what): &Place) -> Error {
    Error::new(
        Code::ConfigInvalid,
        format!(
            "the tenant {} cannot be used: {what} at `{issuer}` is {other}'s too, so access tokens of one would open the \
             other; give each an authorization server or an audience of its own",
            tenant.id
        ),
    )
}

/// What no other tenant may have.
fn places<'a>(tenant: &'a TenantSettings, default: &'a str) -> impl Iterator<Item = Place> + 'a {
    let client = (tenant.issuer.clone(), format!("the client `{}`", tenant.client_id));
    let audiences = audiences(tenant, default);
    audiences.map(|(issuer, audience)| (issuer.to_owned(), format!("the audience `{audience}`"))).chain([client])
}
