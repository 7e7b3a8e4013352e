//! The settings of the configuration, as methods of the engine's builder.

use std::time::Duration;

use super::builder::OktaAuthBuilder;
use crate::config::{PrivateKey, ResponseMode, Userinfo};

macro_rules! settings {
    ($($name:ident($($value:ident: $type:ty),*);)*) => {
        /// The settings of [`ConfigBuilder`](crate::config::ConfigBuilder), which documents them.
        impl OktaAuthBuilder {
            $(
                #[doc = concat!("See [`ConfigBuilder::", stringify!($name), "`](crate::config::ConfigBuilder::", stringify!($name), ").")]
                pub fn $name(mut self $(, $value: $type)*) -> Self {
                    self.config = self.config.$name($($value),*);
                    self
                }
            )*
        }
    };
}

settings! {
    issuer(url: impl Into<String>);
    client_id(id: impl Into<String>);
    client_secret(secret: impl Into<String>);
    client_secret_in_body();
    client_secret_jwt();
    private_key(key: PrivateKey);
    par();
    signed_requests();
    fapi2();
    id_token_decryption_key(key: impl Into<String>);
    dpop(required: bool);
    dpop_auto();
    base_url(origin: impl Into<String>);
    redirect_uri(url: impl Into<String>);
    post_logout_redirect_uri(url: impl Into<String>);
    scopes(scopes: impl Into<String>);
    audience(audiences: impl Into<String>);
    accept_issuer(issuer: impl Into<String>);
    former_issuer(issuer: impl Into<String>);
    trusted_audiences(audiences: impl Into<String>);
    accept_client(client_id: impl Into<String>);
    algorithms(names: impl IntoIterator<Item = impl Into<String>>);
    api_only();
    resource(identifier: impl Into<String>);
    require_dpop();
    require_dpop_nonce(lifetime: Duration);
    resource_scopes(scopes: impl IntoIterator<Item = impl Into<String>>);
    cookie_secret(secret: impl Into<String>);
    cookie_name(name: impl Into<String>);
    csrf_header(name: impl Into<String>);
    strict_origin_check(strict: bool);
    revocation_store(url: impl Into<String>);
    session_idle(limit: Duration);
    session_absolute(limit: Duration);
    leeway(leeway: Duration);
    refresh_grace(time: Duration);
    outage_grace(time: Duration);
    attempt_lifetime(time: Duration);
    max_attempts(number: usize);
    response_mode(mode: ResponseMode);
    userinfo(when: Userinfo);
    allow_login_parameters(names: impl IntoIterator<Item = impl Into<String>>);
    login_parameter(name: impl Into<String>, value: impl Into<String>);
    signed_out_page(show: bool);
    browser_kit();
    session_path(path: impl Into<String>);
    session_claims(names: impl IntoIterator<Item = impl Into<String>>);
    front_channel_session_required(required: bool);
    token_cache_size(tokens: usize);
    session_cache_size(sessions: usize);
    introspection_lifetime(time: Duration);
    jwks_refetch_floor(time: Duration);
    http_timeout(time: Duration);
    http_proxy(url: impl Into<String>);
    backchannel_url(origin: impl Into<String>);
    public_prefix(path: impl Into<String>);
    mount_path(path: impl Into<String>);
    health_path(path: impl Into<String>);
    brand_name(name: impl Into<String>);
    brand_logo(url: impl Into<String>);
    brand_colors(light: impl Into<String>, dark: impl Into<String>);
    page_texts(language: impl Into<String>, texts: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>);
    page_languages(languages: impl IntoIterator<Item = impl Into<String>>);
    page_template(html: impl Into<String>);
    login_path(path: impl Into<String>);
    without_login_route();
    initiate_login_path(path: impl Into<String>);
    without_initiate_login();
    logout_path(path: impl Into<String>);
    without_logout_route();
    front_channel_logout_path(path: impl Into<String>);
    without_front_channel_logout();
    back_channel_logout_path(path: impl Into<String>);
    without_back_channel_logout();
    global_token_revocation_path(path: impl Into<String>);
    without_global_token_revocation();
}
