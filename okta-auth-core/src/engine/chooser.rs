//! The tenants that a person can choose from at `/login`.

use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Config;
use crate::tenant::{TenantSettings, TenantTable};

/// Tenants by name, with the settings that say where each of them signs in.
pub(super) type Choices = Arc<[(String, Config)]>;

/// Builds the choices once for each table of tenants, and not with each visit: building
/// checks all settings of all tenants and logs their warnings.
#[derive(Debug, Default)]
pub(super) struct Chooser(Mutex<Option<(Arc<TenantTable>, Choices)>>);

impl Chooser {
    /// The choices of a table. Tenants whose settings do not build are left out.
    pub(super) fn choices(
        &self,
        table: Arc<TenantTable>,
        build: impl Fn(&TenantSettings) -> Option<Config>,
    ) -> Choices {
        let mut built = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, choices)) = built.as_ref().filter(|(of, _)| Arc::ptr_eq(of, &table)) {
            return Arc::clone(choices);
        }
        let choice = |tenant: &Arc<TenantSettings>| Some((tenant.display_name().to_owned(), build(tenant)?));
        let choices: Choices = table.all().iter().filter_map(choice).collect();
        *built = Some((table, Arc::clone(&choices)));
        choices
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::tenant::TenantId;

    #[test]
    fn a_table_is_built_once_and_another_table_again() {
        let table = |names: &[&str]| {
            let tenant = |name: &&str| {
                TenantSettings::new(TenantId::parse(name).unwrap(), format!("https://{name}.okta.com"), "0oa1")
            };
            Arc::new(TenantTable::new(names.iter().map(tenant)).unwrap())
        };
        let (chooser, built) = (Chooser::default(), Cell::new(0));
        let build = |tenant: &TenantSettings| {
            built.set(built.get() + 1);
            Config::builder().issuer(&tenant.issuer).client_id(&tenant.client_id).build().ok()
        };
        let first = table(&["acme", "globex"]);
        for _ in 0..3 {
            assert_eq!(chooser.choices(Arc::clone(&first), build).len(), 2);
        }
        assert_eq!(built.get(), 2);
        assert_eq!(chooser.choices(table(&["acme"]), build).len(), 1);
        assert_eq!(built.get(), 3);
    }
}
