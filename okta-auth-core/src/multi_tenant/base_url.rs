//! The base URL of each tenant in a multi-tenant application.

use url::Url;

use super::resolver::Resolver;
use crate::config::ConfigBuilder;
use crate::tenant::TenantSettings;

/// Combines the settings of the application and of a tenant. `callback` is the redirect URI at the application's own
/// address.
pub(super) fn tenant_config(
    common: &ConfigBuilder,
    resolvers: &[Resolver],
    callback: &str,
    settings: &TenantSettings,
) -> ConfigBuilder {
    let (base, cookie) = common.shared();
    let config = settings.apply(common).cookie_name(format!("{cookie}_{}", settings.id));
    match &settings.base_url {
        Some(own) if !same_origin(own, base) => config,
        Some(_) => with_shared_origin(config, callback, settings),
        None => at_resolved_address(config, base, resolvers, callback, settings),
    }
}

/// Applies the address at which the first suitable resolver finds the tenant.
fn at_resolved_address(
    config: ConfigBuilder,
    base: &str,
    resolvers: &[Resolver],
    callback: &str,
    settings: &TenantSettings,
) -> ConfigBuilder {
    for resolver in resolvers {
        match resolver {
            Resolver::Path(prefix) => return config.mount_path(format!("{prefix}/{}", settings.id)),
            Resolver::Subdomain(parent) => {
                return config.base_url(with_host(base, &format!("{}.{parent}", settings.id)));
            }
            Resolver::Host if !settings.hosts.is_empty() => {
                let first = settings.hosts.first().map(String::as_str).unwrap_or_default();
                return config.base_url(with_host(base, first));
            }
            _ => {}
        }
    }
    with_shared_origin(config, callback, settings)
}

fn with_shared_origin(config: ConfigBuilder, callback: &str, settings: &TenantSettings) -> ConfigBuilder {
    config.redirect_uri(format!("{callback}/{}", settings.id))
}

fn same_origin(one: &str, other: &str) -> bool {
    let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin());
    origin(one).is_some_and(|one| Some(one) == origin(other))
}

fn with_host(base: &str, host: &str) -> String {
    let Ok(mut url) = Url::parse(base) else { return base.to_owned() };
    match url.set_host(Some(host)) {
        Ok(()) => url.origin().ascii_serialization(),
        Err(_) => base.to_owned(),
    }
}
