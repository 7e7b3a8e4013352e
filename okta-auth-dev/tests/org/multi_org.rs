//! Several orgs on one listener: the customers of an app with tenants.

use okta_auth_dev::{Org, OrgBuilder, Response, SAM};

use crate::support::*;

/// A URL with the org's host name and the path.
fn at(org: &Org, path: &str) -> String {
    format!("{}{path}", org.issuer())
}

async fn three() -> Org {
    Org::builder().customers(["acme", "globex", "big-co"]).start().await.unwrap()
}

/// Signs a user in at the app under the customer's subdomain, and exchanges the code.
async fn tokens_of(org: &Org, login: &str) -> serde_json::Value {
    let callback = format!("http://{}.localhost:8080/authorization-code/callback", org.subdomain().unwrap());
    let url = authorize_url(org, &org.issuer(), &[("redirect_uri", &callback)]);
    let Response::Redirect(back) = org.sign_in(&url, login).await.unwrap() else { panic!("{login} is not signed in") };
    assert!(back.starts_with(&callback), "{back}");
    let code = url::Url::parse(&back).unwrap().query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    exchange(org, &code, &[("redirect_uri", &callback)]).json()
}

#[tokio::test]
async fn customers_share_no_users_keys_or_tokens() {
    let org = three().await;
    let orgs = org.orgs();
    let names: Vec<_> = orgs.iter().map(|org| (org.subdomain().unwrap(), org.name())).collect();
    assert_eq!(names, [("acme", "Acme"), ("globex", "Globex"), ("big-co", "Big-co")]);
    let mut seen = std::collections::BTreeSet::new();
    for org in &orgs {
        let metadata = get(&at(org, "/.well-known/openid-configuration")).json();
        assert_eq!(metadata["issuer"], org.issuer());
        let key = get(&at(org, "/v1/keys")).json()["keys"][0]["n"].as_str().unwrap().to_owned();
        let client = org.client();
        assert!(
            [org.issuer(), client.client_id, client.client_secret.unwrap(), key]
                .into_iter()
                .all(|one| seen.insert(one))
        );
        let name = org.subdomain().unwrap();
        let body = tokens_of(org, &format!("ada@{name}.test")).await;
        assert!(verifies(org, &body["id_token"]));
        assert_eq!(claims(&body["id_token"])["preferred_username"], format!("ada@{name}.test"));
    }
    let foreign = tokens_of(&orgs[0], SAM).await;
    assert!(!verifies(&orgs[1], &foreign["id_token"]), "the keys of another org do not verify it");
    let url = authorize_url(&orgs[1], &orgs[1].issuer(), &[]);
    assert!(
        matches!(orgs[1].sign_in(&url, "ada@acme.test").await.unwrap(), Response::Page { .. }),
        "no such user in this org"
    );
}

#[tokio::test]
async fn one_user_exists_in_all_orgs_with_the_same_id_and_address() {
    let org = three().await;
    let mut ids = std::collections::BTreeSet::new();
    for org in org.orgs() {
        let id = claims(&tokens_of(&org, SAM).await["id_token"]);
        assert_eq!(id["email"], SAM);
        ids.insert(id["sub"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 1, "an app must distinguish them by the issuer");
}

#[tokio::test]
async fn customers_get_the_redirect_uris_of_the_first_client_and_their_subdomain_variants() {
    // The order of the calls does not matter.
    let org = Org::builder().customers(["acme"]).redirect_origin("http://localhost:3000").start().await.unwrap();
    let uris = org.org("acme").unwrap().client().redirect_uris;
    for origin in ["http://localhost:3000", "http://acme.localhost:3000", "http://acme.localhost:8080"] {
        assert_eq!(
            uris.iter().filter(|uri| **uri == format!("{origin}/authorization-code/callback")).count(),
            1,
            "{uris:?}"
        );
    }
    assert!(!uris.iter().any(|uri| uri.contains("acme.127.0.0.1")), "an IP address has no subdomains: {uris:?}");
    let after = org.org("acme").unwrap().client().post_logout_redirect_uris;
    for home in ["http://acme.localhost:3000/", "http://acme.localhost:3000"] {
        assert_eq!(after.iter().filter(|uri| *uri == home).count(), 1, "{after:?}");
    }
}

#[tokio::test]
async fn an_org_is_added_while_the_server_runs() {
    let org = three().await;
    let url = format!("{}/.well-known/openid-configuration", org.issuer());
    let host = format!("hooli.localhost:{}", org.url().rsplit_once(':').unwrap().1);
    assert_eq!(send("GET", &url, &[("host", &host)], "").status, 421);
    let hooli = org.add_org("hooli", OrgBuilder::customer("hooli")).unwrap();
    assert_eq!(send("GET", &url, &[("host", &host)], "").json()["issuer"], hooli.issuer());
    assert!(tokens_of(&hooli, "ada@hooli.test").await["id_token"].is_string());
    assert_eq!(org.orgs().len(), 4);
    for name in ["hooli", "acme", "A.b", ""] {
        assert!(org.add_org(name, OrgBuilder::customer("x")).unwrap_err().is_config(), "{name}");
    }
    org.restart().await.unwrap();
    assert_eq!(send("GET", &url, &[("host", &host)], "").status, 200, "the added org survives a restart");
}

#[tokio::test]
async fn two_orgs_with_the_same_subdomain_do_not_start() {
    let twice = Org::builder().customers(["acme", "acme"]).start().await.unwrap_err();
    assert!(twice.is_config() && twice.to_string().contains("acme"), "{twice}");
    assert!(OrgBuilder::from_variables([("OKTA_DEV_ORGS", "acme,,b")]).unwrap().start().await.is_err());
}

#[tokio::test]
async fn lifetimes_apply_to_every_org() {
    let variables = [("OKTA_DEV_ORGS", "acme, globex"), ("OKTA_DEV_ACCESS_TOKEN_LIFETIME", "7")];
    let org = OrgBuilder::from_variables(variables).unwrap().start().await.unwrap();
    assert_eq!(tokens_of(&org.org("globex").unwrap(), SAM).await["expires_in"], 7);
}

#[tokio::test]
async fn tenant_settings_carry_the_name_of_the_org() {
    let org = three().await;
    let big = org.org("big-co").unwrap();
    let env: std::collections::BTreeMap<_, _> = big.tenant_env().into_iter().collect();
    assert_eq!(env["OKTA_BIG_CO_ISSUER_URI"], big.issuer());
    assert_eq!(env["OKTA_BIG_CO_EMAIL_DOMAINS"], "big-co.test");
    assert_eq!(env["OKTA_BIG_CO_CLIENT_SECRET"], big.client().client_secret.unwrap());
    let toml = big.tenant_toml();
    let issuer = format!("issuer = {:?}", big.issuer());
    assert!(
        toml.starts_with("[big-co]\n") && toml.contains(&issuer) && toml.contains("client_id = \"0oabig-co"),
        "{toml}"
    );
}

#[test]
fn the_program_prints_tenant_settings() {
    use std::io::BufRead as _;
    use std::process::{Command, Stdio};
    let mut command = Command::new(env!("CARGO_BIN_EXE_okta-dev"));
    command.args(["--port=0", "--orgs", "acme,globex", "--origin", "http://localhost:3000"]).stdout(Stdio::piped());
    let mut program = Program(command.spawn().unwrap());
    let lines = std::io::BufReader::new(program.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let banner: Vec<String> = lines.take_while(|line| !line.contains("[\"globex.test\"]")).collect();
    for line in ["export OKTA_TENANTS=acme,globex", "export OKTA_GLOBEX_CLIENT_ID=0oaglobex00000000000", "[acme]"] {
        assert!(banner.iter().any(|one| one == line), "{line}: {banner:#?}");
    }
    for end in ["http://acme.localhost:3000/authorization-code/callback", "ada@globex.test  correct-horse-1"] {
        assert!(banner.iter().any(|line| line.ends_with(end)), "{end}: {banner:#?}");
    }
}
