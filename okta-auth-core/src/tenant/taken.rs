//! What the tenants of a source have, as far as they have been made ready.
//!
//! A table is checked as a whole: no two tenants have an issuer and a client in common,
//! nor an authorization server and an audience. Of a source only those tenants are known
//! for whom somebody came, so the second of two is refused when it is made ready.

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
    /// Writes down what a tenant has. `default` are the audiences of those that name
    /// none, and `current` tells what another tenant is now.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] if another one has the same.
    pub(crate) fn take<'a, S: AsRef<TenantSettings>>(
        &mut self,
        tenant: &'a TenantSettings,
        default: &'a str,
        current: impl Fn(&TenantId) -> Option<S>,
    ) -> Result<()> {
        let has = |id: &TenantId, place: &Place| {
            current(id).is_some_and(|other| places(other.as_ref(), default).any(|known| known == *place))
        };
        for place in places(tenant, default) {
            let other = self.0.get(&place).filter(|other| **other != tenant.id && has(other, &place));
            if let Some(other) = other {
                let (issuer, what) = place;
                return Err(Error::new(
                    Code::ConfigInvalid,
                    format!(
                        "the tenant {} cannot be used: {what} at `{issuer}` is {other}'s too, so access tokens of one \
                         would open the other; give each an authorization server or an audience of its own",
                        tenant.id
                    ),
                ));
            }
        }
        if self.0.len() >= MANY {
            self.0.retain(|place, id| has(id, place));
        }
        self.0.extend(places(tenant, default).map(|place| (place, tenant.id.clone())));
        Ok(())
    }
}

/// What no other tenant may have.
fn places<'a>(tenant: &'a TenantSettings, default: &'a str) -> impl Iterator<Item = Place> + 'a {
    let client = (tenant.issuer.clone(), format!("the client `{}`", tenant.client_id));
    let audiences = audiences(tenant, default);
    audiences.map(|(issuer, audience)| (issuer.to_owned(), format!("the audience `{audience}`"))).chain([client])
}
