//! Tenant resolution: each resolver over real sockets and on both frameworks.

use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::error::Error;
use okta_auth_core::multi_tenant::{
    Resolver, TenantFuture, TenantKey, TenantSource, TenantTable, Tenants, TenantsBuilder,
};
use okta_auth_core::tenant::TenantSettings;
use okta_auth_dev::{Fault, Org};
use reqwest::Method;

use crate::support::site::{BOTH, Framework, Plan, Site, id, local, navigate, settings};
use crate::support::{ADA, SECRET};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

const NAMES: [&str; 2] = ["acme", "globex"];

/// The application at `app.localhost`, with these tenants and resolvers.
fn build(
    plan: &Plan,
    resolvers: &[Resolver],
    tenants: Vec<TenantSettings>,
    change: impl FnOnce(TenantsBuilder) -> TenantsBuilder,
) -> Tenants {
    let base = format!("http://app.localhost:{}", plan.port);
    let builder = Tenants::builder(plan.shared(&base, "cookie")).egress(local());
    let builder = builder.table(TenantTable::new(tenants).unwrap());
    change(resolvers.iter().cloned().fold(builder, TenantsBuilder::resolve)).build().unwrap()
}

async fn site(framework: Framework, resolvers: &[Resolver]) -> Site {
    Site::start(framework, &NAMES, |plan| build(plan, resolvers, plan.all(), |builder| builder)).await
}

/// Each tenant has its own host.
async fn by_host(framework: Framework) -> Site {
    Site::start(framework, &NAMES, |plan| {
        let tenants = plan.orgs.iter().map(|(name, org)| {
            org.allow_redirect(&format!("http://portal.{name}.localhost:{}", plan.port));
            let mut tenant = settings(name, org);
            tenant.hosts = vec![format!("portal.{name}.localhost")];
            tenant
        });
        build(plan, &[Resolver::Host], tenants.collect(), |builder| builder)
    })
    .await
}

fn found(tenant: &str) -> (u16, Option<String>) {
    (200, Some(tenant.to_owned()))
}

#[tokio::test]
async fn only_an_exact_host_selects_its_tenant() {
    for framework in BOTH {
        let site = by_host(framework).await;
        for tenant in NAMES {
            let host = site.at(&format!("portal.{tenant}.localhost"));
            assert_eq!(site.who(&host, "/who", &[]).await, found(tenant), "{framework:?}");
            assert_eq!(site.who(&host.to_ascii_uppercase(), "/who", &[]).await, found(tenant), "{framework:?}");
        }
        // The port and headers of a proxy or a client are ignored.
        assert_eq!(site.who("portal.acme.localhost:9", "/who", &[]).await, found("acme"), "{framework:?}");
        let spoofed = [("x-forwarded-host", "portal.globex.localhost"), ("forwarded", "host=portal.globex.localhost")];
        assert_eq!(site.who(&site.at("portal.acme.localhost"), "/who", &spoofed).await, found("acme"), "{framework:?}");
        assert_eq!(
            site.who(&site.at("app.localhost"), "/who", &spoofed).await,
            (200, None),
            "{framework:?}: the lobby"
        );
        for other in ["acme.localhost", "x.portal.acme.localhost", "portal.acme.localhost.evil.example", "127.0.0.1"] {
            for target in ["/who", "/me", "/login", "/authorization-code/callback?code=c&state=s", "/nowhere"] {
                assert_eq!(site.who(&site.at(other), target, &spoofed).await.0, 404, "{framework:?} {other} {target}");
            }
        }
        assert!(site.outbound().is_empty(), "{framework:?}: {:?}", site.outbound());
    }
}

#[tokio::test]
async fn a_sign_in_stays_at_its_own_host() {
    for framework in BOTH {
        let site = by_host(framework).await;
        let mut browser = site.browser();
        let [acme, globex] =
            NAMES.map(|tenant| format!("http://{}/me", site.at(&format!("portal.{tenant}.localhost"))));
        let authorize = navigate(&mut browser, &acme).await.location().to_owned();
        let answer = site.complete(&mut browser, "acme", &authorize, ADA).await;
        assert_eq!((answer.status.as_u16(), answer.location()), (303, "/me"), "{framework:?}: {}", answer.body);
        assert!(navigate(&mut browser, &acme).await.body.contains("\"id\":\"acme\""), "{framework:?}");
        // The same browser, sending its cookies to the other host, is redirected to that
        // tenant's Okta.
        let answer = navigate(&mut browser, &globex).await;
        assert!(answer.location().starts_with(&site.org("globex").issuer()), "{framework:?}: {}", answer.body);
    }
}

#[tokio::test]
async fn only_a_direct_subdomain_of_the_parent_is_a_tenant() {
    for framework in BOTH {
        let site = site(framework, &[Resolver::Subdomain("app.localhost".to_owned())]).await;
        let who = async |host: &str| site.who(&site.at(host), "/who", &[]).await;
        for tenant in NAMES {
            assert_eq!(who(&format!("{tenant}.app.localhost")).await, found(tenant), "{framework:?}");
        }
        assert_eq!(who("ACME.App.Localhost").await, found("acme"), "{framework:?}");
        assert_eq!(who("app.localhost").await, (200, None), "{framework:?}: the lobby");
        let strange = [
            "initech.app.localhost",
            "x.acme.app.localhost",
            "acme.globex.app.localhost",
            "acmeapp.localhost",
            "acme.app.localhost.evil.example",
            "acme.localhost",
            "-acme.app.localhost",
        ];
        for host in strange {
            assert_eq!(who(host).await, (404, None), "{framework:?} {host}");
        }
        assert!(site.outbound().is_empty(), "{framework:?}: {:?}", site.outbound());
    }
}

#[tokio::test]
async fn the_first_of_two_resolvers_decides_and_uses_no_session_of_the_other_tenant() {
    for framework in BOTH {
        let resolvers = [Resolver::Path("/t".to_owned()), Resolver::Subdomain("app.localhost".to_owned())];
        let site = site(framework, &resolvers).await;
        let host = site.at("globex.app.localhost");
        assert_eq!(site.who(&host, "/t/acme/who", &[]).await, found("acme"), "{framework:?}");
        assert_eq!(site.who(&host, "/who", &[]).await, found("globex"), "{framework:?}");
        assert_eq!(site.who(&host, "/t/initech/who", &[]).await, (404, None), "{framework:?}: no second choice");
    }
}

#[tokio::test]
async fn a_header_counts_only_if_configured_and_only_once() {
    for framework in BOTH {
        let path = Resolver::Path("/t".to_owned());
        let without = site(framework, std::slice::from_ref(&path)).await;
        let base = without.at("app.localhost");
        let globex =
            [("x-tenant", "globex"), ("x-tenant-id", "globex"), ("tenant", "globex"), ("x-okta-tenant", "globex")];
        assert_eq!(
            without.who(&base, "/who", &globex).await,
            (200, None),
            "{framework:?}: the header is not configured"
        );
        assert_eq!(without.who(&base, "/t/acme/who", &globex).await, found("acme"), "{framework:?}");

        let with = site(framework, &[Resolver::TrustedHeader("X-Tenant".to_owned()), path]).await;
        let base = with.at("app.localhost");
        assert_eq!(with.who(&base, "/who", &globex).await, found("globex"), "{framework:?}");
        assert_eq!(with.who(&base, "/t/acme/who", &globex[1..]).await, found("acme"), "{framework:?}");
        for bad in ["initech", "Globex", "globex,acme", "globex ", "../acme"] {
            let expected = if bad == "globex " { found("globex") } else { (404, None) };
            assert_eq!(with.who(&base, "/who", &[("x-tenant", bad)]).await, expected, "{framework:?} {bad:?}");
        }
        let twice = [("x-tenant", "globex"), ("x-tenant", "globex")];
        assert_eq!(with.who(&base, "/who", &twice).await, (404, None), "{framework:?}: two values are two tenants");
        assert!(with.outbound().is_empty(), "{framework:?}: {:?}", with.outbound());
    }
}

#[tokio::test]
async fn the_only_session_of_a_browser_selects_its_tenant_and_a_made_up_one_does_not() {
    for framework in BOTH {
        let site = site(framework, &[Resolver::Session]).await;
        let base = site.at("app.localhost");
        for (cookies, tenant) in [
            ("okta_session_acme=forged", Some("acme")),
            ("okta_session_acme=forged; okta_session_globex=forged", None),
            ("okta_session_initech=forged", None),
            ("okta_session_=forged; okta_session_ACME=forged; okta_sessionacme=forged", None),
        ] {
            let told = site.who(&base, "/who", &[("cookie", cookies)]).await;
            assert_eq!(told, (200, tenant.map(str::to_owned)), "{framework:?} {cookies}");
            assert_eq!(site.who(&base, "/me", &[("cookie", cookies)]).await.0, 401, "{framework:?} {cookies}");
        }
        assert!(site.outbound().is_empty(), "{framework:?}: {:?}", site.outbound());
    }
}

/// A neighbouring subdomain can set a cookie without a prefix, but not one with the
/// prefix `__Host-`.
#[tokio::test]
async fn over_tls_only_a_cookie_with_the_prefix_names_a_tenant() {
    for framework in BOTH {
        let site = Site::start(framework, &NAMES, |plan| {
            let builder = Tenants::builder(plan.shared("https://app.example.test", "cookie")).egress(local());
            let builder = builder.table(TenantTable::new(plan.all()).unwrap());
            builder.resolve(Resolver::Session).build().unwrap()
        })
        .await;
        for (cookies, tenant) in [
            ("__Host-okta_session_acme=forged", Some("acme")),
            ("okta_session_globex=planted", None),
            ("okta_session_globex=planted; __Host-okta_session_acme=forged", Some("acme")),
        ] {
            let told = site.who("app.example.test", "/who", &[("cookie", cookies)]).await;
            assert_eq!(told, (200, tenant.map(str::to_owned)), "{framework:?} {cookies}");
        }
    }
}

#[tokio::test]
async fn the_issuer_of_a_token_selects_a_tenant_and_is_never_contacted_otherwise() {
    for framework in BOTH {
        // `rogue` is a reachable org that is not a tenant.
        let site = Site::start(framework, &["acme", "globex", "rogue"], |plan| {
            let tenants = plan.all().into_iter().filter(|tenant| tenant.id != id("rogue")).collect();
            build(plan, &[Resolver::BearerIssuer], tenants, |builder| builder)
        })
        .await;
        let base = site.at("app.localhost");
        let api = async |token: String| {
            site.who(&base, "/api", &[("authorization", format!("Bearer {token}").as_str())]).await
        };
        for tenant in NAMES {
            let token = site.org(tenant).token().access_token(ADA, ["openid"]).sign();
            assert_eq!(api(token).await, found(tenant), "{framework:?}");
        }
        site.quiet();
        let rogue = || site.org("rogue").token().access_token(ADA, ["openid"]);
        let own = site.org("acme").issuer();
        for (token, what) in [
            (rogue().sign(), "its own issuer"),
            (rogue().claim("iss", own.as_str()).sign(), "a tenant's issuer, signed by another org"),
            (rogue().claim("iss", format!("{own}/")).sign(), "similar to a tenant's issuer"),
            (rogue().claim("iss", serde_json::json!([own, site.org("rogue").issuer()])).sign(), "two issuers"),
            (rogue().unsigned().claim("iss", own.as_str()).sign(), "no signature"),
        ] {
            assert_eq!(api(token).await, (401, None), "{framework:?}: {what}");
        }
        assert_eq!(site.org("rogue").request_log(), [], "{framework:?}: a foreign issuer was contacted");
        let outbound = site.outbound();
        assert!(outbound.iter().all(|request| request.ends_with("/keys")), "{framework:?}: {outbound:?}");
    }
}

#[tokio::test]
async fn an_email_address_reveals_only_whether_its_domain_is_known() {
    for framework in BOTH {
        let site = site(framework, &[Resolver::Path("/t".to_owned())]).await;
        let base = site.at("app.localhost");
        let post = async |email: &str| {
            let body = url::form_urlencoded::Serializer::new(String::new()).append_pair("email", email).finish();
            site.browser().send(Method::POST, "/login", &[("host", &base), FORM], body).await
        };
        // The responses for a known and an unknown user differ only in the typed address.
        let (known, other) = (post("ada@acme.example").await, post("zzz@acme.example").await);
        assert_eq!(known.status, 303, "{framework:?}");
        assert_eq!(known.location().replace("ada%40", "zzz%40"), other.location(), "{framework:?}");
        assert_eq!(known.body, other.body, "{framework:?}");
        // The same holds for domains: one similar to a tenant's is as unknown as any
        // other. The field keeps the typed value.
        let plain = |body: &str, typed: &str| body.split("Reference").next().unwrap().replace(typed, "");
        let typed = "ada@nowhere.example";
        let unknown = post(typed).await;
        let page = plain(&unknown.body, typed);
        assert!(!["acme", "globex", "nowhere"].iter().any(|name| page.contains(name)), "{page}");
        let more =
            ["ada@sub.acme.example", "ada@acme.example.evil.example", "ada@acme.exampl", "ada@cme.example", "acme"];
        for email in more {
            let answer = post(email).await;
            assert_eq!((answer.status, plain(&answer.body, email)), (unknown.status, page.clone()), "{email}");
            assert!(answer.set_cookies().is_empty(), "{framework:?} {email}");
        }
        assert!(site.outbound().is_empty(), "{framework:?}: {:?}", site.outbound());
    }
}

#[tokio::test]
async fn the_chooser_escapes_names_and_is_served_only_if_enabled() {
    for framework in BOTH {
        let start = async |email: bool, chooser: bool| {
            Site::start(framework, &NAMES, |plan| {
                let mut tenants = plan.all();
                tenants[0].name = Some("<script>alert(1)</script> & Söhne".to_owned());
                let path = [Resolver::Path("/t".to_owned())];
                build(plan, &path, tenants, |builder| builder.email_first(email).chooser(chooser))
            })
            .await
        };
        let page = async |site: &Site| {
            navigate(&mut site.browser(), &format!("http://{}/login", site.at("app.localhost"))).await
        };
        let site = start(false, true).await;
        let answer = page(&site).await;
        assert!(answer.status == 200 && !answer.body.contains("<form"), "{framework:?}: {}", answer.body);
        assert!(answer.body.contains("&lt;script&gt;") && !answer.body.contains("<script"), "{}", answer.body);
        for tenant in NAMES {
            let link = format!("http://{}/t/{tenant}/login", site.at("app.localhost"));
            assert!(answer.body.contains(&link), "{framework:?} {link}: {}", answer.body);
            let answer = navigate(&mut site.browser(), &link).await;
            assert!(answer.location().starts_with(&site.org(tenant).issuer()), "{framework:?} {link}");
        }
        let answer = page(&start(true, false).await).await;
        assert!(answer.body.contains("<form") && !answer.body.contains("globex"), "{framework:?}: {}", answer.body);
        assert_eq!(page(&start(false, false).await).await.status, 404, "{framework:?}: no discovery is enabled");
    }
}

/// The configuration error for two tenants after a change to them.
fn conflict(resolver: Resolver, change: impl FnOnce(&mut TenantSettings, &mut TenantSettings)) -> String {
    let tenant = |name: &str| {
        TenantSettings::new(id(name), format!("https://{name}.okta.com/oauth2/default"), format!("0oa{name}"))
    };
    let (mut acme, mut globex) = (tenant("acme"), tenant("globex"));
    change(&mut acme, &mut globex);
    let shared = ConfigBuilder::default().base_url("https://app.example.com").cookie_secret(SECRET);
    let build = || -> Result<Tenants, Error> {
        let tenants = Tenants::builder(OktaAuthBuilder::from(shared)).table(TenantTable::new([acme, globex])?);
        tenants.resolve(resolver).resolve(Resolver::Host).build()
    };
    build().map_or_else(|error| error.to_string(), |_| String::new())
}

#[test]
fn values_that_match_two_tenants_are_reported_at_load_time_with_both_names() {
    let path = || Resolver::Path("/t".to_owned());
    assert_eq!(conflict(path(), |_, _| {}), "", "the control");
    let both = |what: &str, message: String| {
        assert!(message.contains("acme") && message.contains("globex"), "{what}: {message}");
    };
    both(
        "a host, in any case",
        conflict(path(), |acme, globex| {
            acme.hosts = vec!["Portal.Example".to_owned()];
            globex.hosts = vec!["portal.example".to_owned()];
        }),
    );
    both(
        "a domain of addresses",
        conflict(path(), |acme, globex| {
            acme.email_domains = vec!["mail.example".to_owned()];
            globex.email_domains = vec!["MAIL.example".to_owned()];
        }),
    );
    both(
        "issuer and client",
        conflict(path(), |acme, globex| {
            globex.issuer.clone_from(&acme.issuer);
            globex.client_id.clone_from(&acme.client_id);
        }),
    );
    both(
        "an issuer that one has now and the other had before",
        conflict(path(), |acme, globex| {
            globex.former_issuers = vec![acme.issuer.clone()];
        }),
    );
    let twice = conflict(path(), |acme, globex| globex.id = acme.id.clone());
    assert!(twice.contains("the id `acme` leads to"), "{twice}");
    // Here the order of the resolvers would decide which tenant gets the users of acme.
    let subdomain = || Resolver::Subdomain("App.example.com".to_owned());
    for host in ["acme.app.example.com", "ACME.APP.example.com"] {
        both(
            "a host that is another's subdomain",
            conflict(subdomain(), |_, globex| {
                globex.hosts = vec![host.to_owned()];
            }),
        );
    }
    let own = conflict(subdomain(), |_, globex| globex.hosts = vec!["globex.app.example.com".to_owned()]);
    assert_eq!(own, "", "a tenant may use its own subdomain as host");
}

/// The configuration error of application-wide settings with these two tenants.
fn conflict_with(shared: impl FnOnce(ConfigBuilder) -> ConfigBuilder, tenants: [TenantSettings; 2]) -> String {
    let config = ConfigBuilder::default().base_url("https://app.example.com").cookie_secret(SECRET);
    let build = || -> Result<Tenants, Error> {
        let tenants = Tenants::builder(OktaAuthBuilder::from(shared(config))).table(TenantTable::new(tenants)?);
        tenants.resolve(Resolver::Path("/t".to_owned())).build()
    };
    build().map_or_else(|error| error.to_string(), |_| String::new())
}

#[test]
fn one_client_at_an_org_server_is_one_tenant() {
    let client = |same: bool| {
        conflict(Resolver::Path("/t".to_owned()), |acme, globex| {
            // Org server tokens have no tenant-specific audience, so only the client
            // distinguishes tenants.
            for tenant in [acme, globex] {
                tenant.issuer = "https://one.okta.com".to_owned();
                if same {
                    tenant.client_id = "0oaone".to_owned();
                }
            }
        })
    };
    assert_eq!(client(false), "", "two clients of one org are two tenants");
    let told = client(true);
    assert!(told.contains("globex: it has the issuer and the client id of acme"), "{told}");
}

/// A pattern would give foreign hosts or e-mail addresses to a tenant.
#[test]
fn values_that_are_not_hosts_or_domains_are_rejected() {
    let path = || Resolver::Path("/t".to_owned());
    for host in ["", "*.acme.example", "acme.example:8080", "https://acme.example", "acme.example/", "a b"] {
        let told = conflict(path(), |acme, _| acme.hosts = vec![host.to_owned()]);
        assert!(told.contains(&format!("acme: `{host}` is not a host name")), "{host:?}: {told}");
    }
    for domain in
        ["", "acme", "*.acme.example", "ada@acme.example", "acme.example/", "a b.example", "s\u{f6}hne.example"]
    {
        let told = conflict(path(), |acme, _| acme.email_domains = vec![domain.to_owned()]);
        assert!(told.contains(&format!("acme: `{domain}` is not an e-mail domain")), "{domain:?}: {told}");
    }
}

/// Tokens of a former issuer are accepted like tokens of the present one, so its keys are
/// fetched as well.
#[test]
fn a_former_issuer_must_meet_the_egress_policy() {
    for elsewhere in ["https://login.acme.example", "https://169.254.169.254", "https://localhost:6379"] {
        let told = conflict(Resolver::Path("/t".to_owned()), |acme, _| {
            acme.former_issuers = vec!["https://before.okta.com".to_owned(), elsewhere.to_owned()];
        });
        assert!(told.contains("acme: ") && told.contains(elsewhere), "{elsewhere}: {told}");
        assert!(!told.contains("before.okta.com"), "{told}");
    }
}

/// Tenants without an audience get the application's configured audience, not the
/// default.
#[test]
fn the_applications_own_audience_may_make_two_tenants_at_one_server_ambiguous() {
    let told = |audience: &str| {
        let tenants = ["acme", "globex"]
            .map(|name| TenantSettings::new(id(name), "https://one.okta.com/oauth2/default", format!("0oa{name}")));
        let [acme, mut globex] = tenants;
        globex.audience = Some("api://one".to_owned());
        conflict_with(|config| config.audience(audience), [acme, globex])
    };
    assert_eq!(told("api://two"), "", "the control");
    let both = told("api://one");
    assert!(both.contains("acme") && both.contains("globex") && both.contains("`api://one`"), "{both}");
}

#[test]
fn an_issuer_accepted_at_every_tenant_must_not_be_a_tenants_issuer() {
    let server = |name: &str| format!("https://{name}.okta.com/oauth2/default");
    let told = |accepted: &str, change: fn(&mut TenantSettings)| {
        let tenants = ["acme", "globex"].map(|name| TenantSettings::new(id(name), server(name), format!("0oa{name}")));
        let [mut acme, globex] = tenants;
        change(&mut acme);
        conflict_with(|config| config.accept_issuer(server(accepted)), [acme, globex])
    };
    assert_eq!(told("machines", |_| {}), "", "an issuer of the application itself");
    for told in [
        told("acme", |_| {}),
        told("moved", |acme| acme.former_issuers = vec!["https://moved.okta.com/oauth2/default".to_owned()]),
    ] {
        assert!(told.contains("acme: ") && told.contains("accept_issuer"), "{told}");
    }
}

/// Health probes use an IP address, no `Host`, or names that belong to no tenant.
#[tokio::test]
async fn the_health_path_answers_for_unknown_hosts_and_nothing_else_does() {
    for framework in BOTH {
        let site = Site::start(framework, &NAMES, |plan| {
            let base = format!("http://app.localhost:{}", plan.port);
            let shared = ConfigBuilder::default().base_url(&base).cookie_secret(SECRET).health_path("/who");
            let tenants = Tenants::builder(OktaAuthBuilder::from(shared)).table(TenantTable::new(plan.all()).unwrap());
            let tenants = tenants.egress(local()).resolve(Resolver::Subdomain("app.localhost".to_owned()));
            tenants.resolve(Resolver::Host).build().unwrap()
        })
        .await;
        for host in ["10.0.0.7", "www.app.localhost", "unknown.example", "[::1]"] {
            let host = site.at(host);
            assert_eq!(site.who(&host, "/who?probe=1", &[]).await, (200, None), "{framework:?} {host}");
            for protected in ["/me", "/api", "/who/", "/login", "/who%2f", "/"] {
                assert_eq!(site.who(&host, protected, &[]).await.0, 404, "{framework:?} {host} {protected}");
            }
        }
        let tenant = site.at(&format!("{}.app.localhost", NAMES[0]));
        assert_eq!(site.who(&tenant, "/who", &[]).await, (200, Some(NAMES[0].to_owned())), "{framework:?}");
        let bare = |path: &str| format!("GET {path} HTTP/1.0\r\n\r\n");
        for (path, status) in [("/who", "200"), ("/me", "404")] {
            let answer = raw(site.plan.port, &bare(path)).await;
            assert!(answer.split(' ').nth(1) == Some(status), "{framework:?} {path}: {answer}");
        }
    }
}

/// The server's response to these bytes.
async fn raw(port: u16, request: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A handler at the health path that requires a user has none there.
#[tokio::test]
async fn a_protected_health_path_stays_404_for_unknown_hosts() {
    for framework in BOTH {
        let site = Site::start(framework, &NAMES, |plan| {
            let base = format!("http://app.localhost:{}", plan.port);
            let shared = ConfigBuilder::default().base_url(&base).cookie_secret(SECRET).health_path("/me");
            let tenants = Tenants::builder(OktaAuthBuilder::from(shared)).table(TenantTable::new(plan.all()).unwrap());
            tenants.egress(local()).resolve(Resolver::Subdomain("app.localhost".to_owned())).build().unwrap()
        })
        .await;
        let host = site.at("www.app.localhost");
        assert_eq!(site.who(&host, "/me", &[]).await.0, 404, "{framework:?}");
        let page = [("accept", "text/html"), ("sec-fetch-mode", "navigate")];
        assert_eq!(site.who(&host, "/me", &page).await.0, 404, "{framework:?}");
    }
}

/// Routes that the application names public answer for unknown hosts; what needs a user does not.
#[tokio::test]
async fn public_routes_answer_for_unknown_hosts_and_protected_ones_do_not() {
    for framework in BOTH {
        let site = Site::start(framework, &NAMES, |plan| {
            let base = format!("http://app.localhost:{}", plan.port);
            let builder = plan.shared(&base, "cookie").protect_all_except(["/who", "/me", "/t/{tenant}/who"]);
            let tenants = Tenants::builder(builder).table(TenantTable::new(plan.all()).unwrap());
            let tenants = tenants.egress(local()).resolve(Resolver::Subdomain("app.localhost".to_owned()));
            tenants.resolve(Resolver::Host).build().unwrap()
        })
        .await;
        for host in ["10.0.0.7", "www.app.localhost", "unknown.example"] {
            let host = site.at(host);
            assert_eq!(site.who(&host, "/who?probe=1", &[]).await, (200, None), "{framework:?} {host}");
            // A public route whose handler asks for a user, one with a parameter, and those that are not public.
            for protected in ["/me", "/t/acme/who", "/api", "/who/", "/who%2f", "/%77ho", "/login", "/nowhere"] {
                let answer = site.who(&host, protected, &[]).await;
                assert_eq!(answer.0, 404, "{framework:?} {host} {protected}");
            }
        }
        let tenant = site.at(&format!("{}.app.localhost", NAMES[0]));
        assert_eq!(site.who(&tenant, "/who", &[]).await, found(NAMES[0]), "{framework:?}");
    }
}

/// One row of a database.
struct Row(TenantSettings);

impl TenantSource for Row {
    fn find<'a>(&'a self, key: &'a TenantKey) -> TenantFuture<'a, Option<TenantSettings>> {
        let plain = |issuer: &str| issuer.trim_end_matches('/').to_owned();
        let meant = match key {
            TenantKey::Id(id) => self.0.id == *id,
            TenantKey::Issuer(issuer) => plain(&self.0.issuer) == plain(issuer),
            _ => false,
        };
        Box::pin(async move { Ok(meant.then(|| self.0.clone())) })
    }
}

/// As for the application's own issuer, the slash is up to the metadata: Okta's have none, Auth0's have one.
#[tokio::test]
async fn a_slash_at_the_end_of_a_tenants_issuer_is_up_to_its_metadata() {
    for (framework, from_source, metadata_have_it) in BOTH
        .into_iter()
        .flat_map(|one| [(one, false, false), (one, false, true), (one, true, false), (one, true, true)])
    {
        let site = Site::start(framework, &["acme"], |plan| {
            let org = plan.org("acme");
            org.allow_redirect(&plan.base);
            org.allow_redirect(&format!("{}/t/acme", plan.base));
            let mut acme = settings("acme", org);
            acme.issuer.push('/');
            let builder = Tenants::builder(plan.shared(&plan.base, "cookie")).egress(local());
            let builder =
                if from_source { builder.source(Row(acme)) } else { builder.table(TenantTable::new([acme]).unwrap()) };
            builder.resolve(Resolver::Path("/t".to_owned())).resolve(Resolver::BearerIssuer).build().unwrap()
        })
        .await;
        let org = site.org("acme");
        let (plain, slash) = (org.issuer(), format!("{}/", org.issuer()));
        let (good, bad) = if metadata_have_it { (&slash, &plain) } else { (&plain, &slash) };
        let case = format!("{framework:?} {from_source} {metadata_have_it}");
        if metadata_have_it {
            org.fault(Fault::DiscoveryMember("issuer".to_owned(), good.as_str().into()));
            org.fault(Fault::IdTokenClaim("iss".to_owned(), good.as_str().into()));
        }
        let mut browser = site.signed_in("acme", ADA).await;
        assert_eq!(browser.fetch("/t/acme/me").await.status, 200, "{case}");
        let token = |iss: &str| org.token().access_token(ADA, ["orders:read"]).claim("iss", iss).sign();
        for (iss, status) in [(good, 200), (bad, 401)] {
            for path in ["/api", "/t/acme/api"] {
                let authorization = format!("Bearer {}", token(iss));
                let host = site.at("127.0.0.1");
                let answer = site.who(&host, path, &[("authorization", &authorization)]).await;
                assert_eq!(answer.0, status, "{case} {iss} {path}");
            }
        }
    }
}

/// With and without the slash it is one server, so two tenants that differ by it open each other.
#[tokio::test]
async fn issuers_that_differ_by_a_slash_are_one() {
    let orgs = [Org::start().await.unwrap(), Org::start().await.unwrap()];
    let tenant = |name: &str, issuer: String, client: &str| {
        let mut tenant = TenantSettings::new(id(name), issuer, client);
        tenant.client_secret = Some(okta_auth_core::secret::Secret::new("xYzABC1234567DefghIJKLmnopQrstuVW"));
        tenant
    };
    let slash = |org: &Org| format!("{}/", org.issuer());
    let told = |tenants: [TenantSettings; 2]| {
        TenantTable::new(tenants).map_or_else(|error| error.to_string(), |_| String::new())
    };
    let with = |audience: &str, mut tenant: TenantSettings| {
        tenant.audience = Some(audience.to_owned());
        tenant
    };
    let [one, other] = &orgs;
    let pair = |client: &str, audience: &str, issuer: String| {
        [with("api://a", tenant("acme", one.issuer(), "0oa1")), with(audience, tenant("globex", issuer, client))]
    };
    assert!(told(pair("0oa1", "api://b", slash(one))).contains("the issuer and the client id of acme"));
    assert!(told(pair("0oa2", "api://a", slash(one))).contains("are also valid at acme"));
    assert_eq!(told(pair("0oa2", "api://b", slash(one))), "");
    assert_eq!(told(pair("0oa1", "api://a", slash(other))), "");
    // What is accepted at every tenant is no tenant's, however it is written.
    let shared = ConfigBuilder::default().base_url("http://app.localhost:1").cookie_secret(SECRET);
    let shared = OktaAuthBuilder::from(shared.accept_issuer(one.issuer()));
    let builder = Tenants::builder(shared).table(TenantTable::new([tenant("acme", slash(one), "0oa1")]).unwrap());
    let refused = builder.egress(local()).resolve(Resolver::Path("/t".to_owned())).build().unwrap_err().to_string();
    assert!(refused.contains("remove it from `accept_issuer`"), "{refused}");
}

/// Requests without a tenant have a made-up issuer. A token that names it causes no request.
#[tokio::test]
async fn a_token_of_no_tenant_is_refused_without_a_question() {
    for framework in BOTH {
        let site = site(framework, &[Resolver::BearerIssuer]).await;
        let token = |iss: &str| site.org("acme").token().access_token(ADA, ["orders:read"]).claim("iss", iss).sign();
        for iss in ["https://tenants.invalid", "https://elsewhere.invalid/oauth2/default", ""] {
            let authorization = format!("Bearer {}", token(iss));
            let answer = site.who(&site.at("app.localhost"), "/api", &[("authorization", &authorization)]).await;
            assert_eq!(answer.0, 401, "{framework:?} {iss}");
        }
        assert!(site.outbound().is_empty(), "{:?}", site.outbound());
    }
}
