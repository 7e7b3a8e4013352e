#![doc = include_str!("guide_links.md")]
#![doc = include_str!("../docs/introduction.md")]

// In Markdown the first definition of a label applies. `guide_links.md` comes first, so a label leads to a module here,
// and to a file in the book and in the repository.

/// Declares the module of a page of the book.
macro_rules! page {
    ($name:ident, $path:literal) => {
        #[doc = include_str!("guide_links.md")]
        #[doc = include_str!(concat!("../docs/", $path))]
        pub mod $name {}
    };
}

/// Start here.
pub mod start {
    page!(quick_start, "start/quick-start.md");
    page!(actix, "start/actix.md");
    page!(production_ready, "start/production-ready.md");
}

/// How-to: one question a page.
pub mod how_to {
    page!(protect_the_app, "how-to/protect-the-app.md");
    page!(policies, "how-to/policies.md");
    page!(roles_from_a_database, "how-to/roles-from-a-database.md");
    page!(many_groups, "how-to/many-groups.md");
    page!(call_another_api, "how-to/call-another-api.md");
    page!(api_proxy, "how-to/api-proxy.md");
    page!(htmx_and_forms, "how-to/htmx-and-forms.md");
    page!(leptos, "how-to/leptos.md");
    page!(worker_to_api, "how-to/worker-to-api.md");
    page!(api_to_api, "how-to/api-to-api.md");
    page!(dpop, "how-to/dpop.md");
    page!(grpc, "how-to/grpc.md");
    page!(mcp, "how-to/mcp.md");
    page!(okta_api, "how-to/okta-api.md");
    page!(command_line, "how-to/command-line.md");
    page!(agent_to_api, "how-to/agent-to-api.md");
    page!(openapi, "how-to/openapi.md");
    page!(pushed_and_signed_requests, "how-to/pushed-and-signed-requests.md");
    page!(encrypted_id_tokens, "how-to/encrypted-id-tokens.md");
    page!(fapi, "how-to/fapi.md");
    page!(single_page_apps, "how-to/single-page-apps.md");
    page!(front_end, "how-to/front-end.md");
    page!(sessions, "how-to/sessions.md");
    page!(sessions_in_postgres, "how-to/sessions-in-postgres.md");
    page!(remember_me, "how-to/remember-me.md");
    page!(session_warnings, "how-to/session-warnings.md");
    page!(error_pages, "how-to/error-pages.md");
    page!(tenants, "how-to/tenants.md");
    page!(deploy, "how-to/deploy.md");
    page!(behind_a_proxy, "how-to/behind-a-proxy.md");
    page!(metrics, "how-to/metrics.md");
    page!(testing, "how-to/testing.md");
    page!(other_providers, "how-to/other-providers.md");
    page!(troubleshooting, "how-to/troubleshooting.md");
}

/// Concepts.
pub mod concepts {
    page!(sign_in, "concepts/sign-in.md");
    page!(refresh, "concepts/refresh.md");
    page!(logout, "concepts/logout.md");
    page!(tenants, "concepts/tenants.md");
}

/// Reference.
pub mod reference {
    page!(settings, "reference/settings.md");
    page!(paths, "reference/paths.md");
    page!(okta, "reference/okta.md");
    page!(pages, "reference/pages.md");
    page!(error_codes, "reference/error-codes.md");
    page!(events, "reference/events.md");
    page!(metrics, "reference/metrics.md");
    page!(unsupported, "reference/unsupported.md");
}

/// Migration from other libraries.
pub mod migration {
    page!(axum_oidc, "migration/axum-oidc.md");
    page!(actix_web_openidconnect, "migration/actix-web-openidconnect.md");
    page!(openidconnect, "migration/openidconnect.md");
    page!(spring_boot, "migration/spring-boot.md");
}
