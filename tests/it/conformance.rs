//! The relying-party conformance cases: the OpenID Foundation's basic, config, form-post
//! and logout modules, and additional cases for attacks and unusual servers. Each case is
//! one test over real sockets, named after the module.
//!
//! Each test first runs without the fault, so that an application cannot pass by
//! rejecting everything.

use okta_auth_core::config::{ConfigBuilder, ResponseMode};
use okta_auth_dev::Fault;
use serde_json::json;

use crate::support::{ADA, App, AppBuilder, BEN, Browser, CALLBACK};

/// A sign-in without a fault succeeds and ends at the requested page.
async fn control(app: &App) {
    let mut browser = app.browser();
    let answer = browser.sign_in(&app.org, ADA, "/profile").await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, "/profile"), "control: {}", answer.body);
    let profile = browser.navigate("/profile").await;
    assert!(profile.body.contains("Ada Lovelace") && profile.body.contains(ADA), "control: {}", profile.body);
}

/// With the fault, no user is signed in: the page has the error code, there is no
/// session, and the application sends no request that the module forbids (userinfo after
/// an invalid ID token).
async fn refused(app: &App, fault: Fault, code: &str) {
    refused_sign_in(app, fault.clone(), code).await;
    if code.starts_with("token_") || code == "id_token_missing" {
        assert_eq!(app.org.count("/v1/userinfo"), 0, "userinfo was requested after {fault:?}");
    }
}

/// With the fault, the sign-in fails and the page has the error code.
async fn refused_sign_in(app: &App, fault: Fault, code: &str) {
    control(app).await;
    app.org.clear_request_log();
    app.org.fault(fault.clone());
    let mut browser = app.browser();
    let answer = browser.sign_in(&app.org, BEN, "/profile").await;
    assert!(answer.status.is_client_error() || answer.status.is_server_error(), "{fault:?}: {}", answer.status);
    assert!(answer.body.contains(&format!("Code: {code}<")), "{fault:?}: {}", answer.body);
    assert!(!browser.is_signed_in().await, "{fault:?} created a session");
    assert!(!browser.jar.contains_key("okta_session"), "{fault:?} left {:?}", browser.jar.keys());
}

/// With the unusual behaviour, the sign-in still succeeds.
async fn accepted(app: &App, fault: Fault) {
    control(app).await;
    app.org.fault(fault.clone());
    let mut browser = app.browser();
    let answer = browser.sign_in(&app.org, BEN, "/profile").await;
    assert_eq!((answer.status.as_u16(), answer.location()), (303, "/profile"), "{fault:?}: {}", answer.body);
    assert!(browser.is_signed_in().await);
}

fn form_post() -> AppBuilder {
    AppBuilder::default().configure(|config| config.response_mode(ResponseMode::FormPost))
}

fn algorithms() -> AppBuilder {
    let all = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"];
    AppBuilder::default().configure(move |config| config.algorithms(all))
}

macro_rules! refuses {
    ($($name:ident: $fault:expr => $code:literal;)*) => {
        $(#[tokio::test] async fn $name() { refused(&App::start().await, $fault, $code).await; })*
    };
}

macro_rules! refuses_in_form_post {
    ($($name:ident: $fault:expr => $code:literal;)*) => {
        $(#[tokio::test] async fn $name() { refused(&form_post().start().await, $fault, $code).await; })*
    };
}

macro_rules! accepts {
    ($($name:ident: $fault:expr;)*) => {
        $(#[tokio::test] async fn $name() { accepted(&App::start().await, $fault).await; })*
    };
}

// -- Basic RP ---------------------------------------------------------------------------------------------------

#[tokio::test]
async fn oidcc_client_test() {
    let app = App::start().await;
    control(&app).await;
    let authorize = app.org.request_log().into_iter().find(|request| request.path.ends_with("/v1/authorize")).unwrap();
    let query: std::collections::BTreeMap<_, _> = authorize.query_pairs().into_iter().collect();
    assert!(query["scope"].split(' ').any(|scope| scope == "openid"));
    assert_eq!((query["response_type"].as_str(), query["code_challenge_method"].as_str()), ("code", "S256"));
    assert_eq!(query["code_challenge"].len(), 43);
    assert!(query["state"].len() >= 22 && query["nonce"].len() >= 22, "128 bits at least");
    assert_eq!(query["redirect_uri"], format!("{}{CALLBACK}", app.base));
    let token = app.org.request_log().into_iter().find(|request| request.path.ends_with("/v1/token")).unwrap();
    let form: std::collections::BTreeMap<_, _> = token.form().into_iter().collect();
    assert_eq!(form["redirect_uri"], query["redirect_uri"]);
    assert!(form["code_verifier"].len() >= 43);
}

refuses! {
    oidcc_client_test_invalid_iss: Fault::IdTokenIssuer => "token_claim";
    oidcc_client_test_missing_sub: Fault::IdTokenNoSub => "token_claim";
    oidcc_client_test_invalid_aud: Fault::IdTokenAudience => "token_claim";
    oidcc_client_test_missing_aud: Fault::IdTokenNoAudience => "token_claim";
    oidcc_client_test_missing_iat: Fault::IdTokenNoIat => "token_claim";
    oidcc_client_test_idtoken_sig_none: Fault::IdTokenAlgNone => "token_malformed";
    oidcc_client_test_invalid_sig_rs256: Fault::IdTokenBadSignature => "token_signature";
    oidcc_client_test_invalid_sig_hs256: Fault::IdTokenAlgHs256WithSecret => "token_algorithm";
    oidcc_client_test_invalid_sig_es256: Fault::IdTokenAlgEs256 => "token_algorithm";
    oidcc_client_test_nonce_invalid: Fault::IdTokenNonce => "token_claim";
    oidcc_client_test_invalid_athash: Fault::IdTokenAtHash => "token_claim";
}

accepts! {
    oidcc_client_test_idtoken_sig_rs256: Fault::TokenExtraMembers;
    oidcc_client_test_missing_athash: Fault::IdTokenNoAtHash;
}

/// Several keys match and the token has no `kid`: the application must not guess.
async fn kid_absent_multiple_jwks(app: App) {
    app.org.fault(Fault::KeysManyRsaNoKid);
    app.org.fault(Fault::IdTokenNoKid);
    let mut browser = app.browser();
    let answer = browser.sign_in(&app.org, ADA, "/profile").await;
    assert!(answer.body.contains("Code: token_key_unknown<"), "{}", answer.body);
    assert!(!browser.is_signed_in().await);
    app.org.clear_faults();
    control(&app).await;
}

#[tokio::test]
async fn oidcc_client_test_kid_absent_multiple_jwks() {
    kid_absent_multiple_jwks(App::start().await).await;
}

#[tokio::test]
async fn form_post_oidcc_client_test_kid_absent_multiple_jwks() {
    kid_absent_multiple_jwks(form_post().start().await).await;
}

#[tokio::test]
async fn oidcc_client_test_kid_absent_single_jwks() {
    let app = App::start().await;
    app.org.fault(Fault::KeysSingle);
    accepted(&app, Fault::IdTokenNoKid).await;
}

#[tokio::test]
async fn oidcc_client_test_userinfo_invalid_sub() {
    refused(&userinfo_always().start().await, Fault::UserinfoSub, "userinfo_subject").await;
}

fn userinfo_always() -> AppBuilder {
    AppBuilder::default().configure(|config| config.userinfo(okta_auth_core::config::Userinfo::Always))
}

#[tokio::test]
async fn oidcc_client_test_scope_userinfo_claims() {
    let app = userinfo_always().configure(|config| {
        config.userinfo(okta_auth_core::config::Userinfo::Always).scopes("openid profile email phone address")
    });
    let app = app.start().await;
    control(&app).await;
    let userinfo = app.org.request_log().into_iter().find(|request| request.path.ends_with("/v1/userinfo")).unwrap();
    assert!(!userinfo.query.contains("access_token"), "the token is in the query");
    assert!(userinfo.headers.iter().any(|(name, value)| name == "authorization" && value.starts_with("Bearer ")));
}

#[tokio::test]
async fn oidcc_client_test_client_secret_basic() {
    let app = App::start().await;
    control(&app).await;
    let token = app.org.request_log().into_iter().find(|request| request.path.ends_with("/v1/token")).unwrap();
    assert!(token.headers.iter().any(|(name, value)| name == "authorization" && value.starts_with("Basic ")));
    assert!(!token.body.contains("client_secret"), "two credentials");
}

#[tokio::test]
async fn oidcc_client_test_nonce_unless_code_flow() {
    refused(&App::start().await, Fault::IdTokenNoNonce, "token_claim").await;
}

// -- Config RP --------------------------------------------------------------------------------------------------

#[tokio::test]
async fn oidcc_client_test_discovery_openid_config() {
    let app = App::start().await;
    control(&app).await;
    assert_eq!(app.org.count("/.well-known/openid-configuration"), 1);
}

#[tokio::test]
async fn oidcc_client_test_discovery_jwks_uri_keys() {
    let app = App::start().await;
    app.org.fault(Fault::DiscoveryJwksPath);
    control(&app).await;
    assert_eq!(app.org.count("/v1/keys"), 0, "the place of the keys is hard-coded");
}

#[tokio::test]
async fn oidcc_client_test_discovery_issuer_mismatch() {
    control(&App::start().await).await;
    let app = App::start().await;
    app.org.fault(Fault::DiscoveryIssuer);
    let answer = app.browser().navigate("/profile").await;
    assert!(answer.status.is_server_error() && answer.body.contains("issuer_mismatch"), "{}", answer.body);
    assert_eq!(app.org.count("/v1/authorize"), 0);
}

#[tokio::test]
async fn oidcc_client_test_signing_key_rotation_just_before_signing() {
    accepted(&App::start().await, Fault::RotateBeforeSigning).await;
}

#[tokio::test]
async fn oidcc_client_test_signing_key_rotation() {
    let app = App::start().await;
    control(&app).await;
    let before = app.org.count("/v1/keys");
    for _ in 0..3 {
        app.org.rotate_keys();
        app.org.rotate_keys();
        control(&app).await;
    }
    assert!(app.org.count("/v1/keys") > before);
}

/// The new key looks like the old one, so only the signature shows that the keys were rotated.
#[tokio::test]
async fn keys_without_an_id_may_be_rotated() {
    let app = App::start().await;
    app.org.fault(Fault::KeysSingle);
    app.org.fault(Fault::KeysMember("kid".to_owned(), "the-only-key".into()));
    app.org.fault(Fault::IdTokenNoKid);
    control(&app).await;
    app.org.rotate_keys();
    control(&app).await;
    app.org.fault(Fault::IdTokenHeader("kid".to_owned(), "the-only-key".into()));
    app.org.rotate_keys();
    control(&app).await;
    app.org.fault(Fault::IdTokenBadSignature);
    app.org.clear_request_log();
    let answer = app.browser().sign_in(&app.org, ADA, "/profile").await;
    assert!(answer.body.contains("Code: token_signature<"), "{}", answer.body);
    assert!(app.org.count("/v1/keys") <= 2, "{} fetches for one sign-in", app.org.count("/v1/keys"));
}

// -- Form Post --------------------------------------------------------------------------------------------------

#[tokio::test]
async fn form_post_oidcc_client_test() {
    let app = form_post().start().await;
    control(&app).await;
    let authorize = app.org.request_log().into_iter().find(|request| request.path.ends_with("/v1/authorize")).unwrap();
    assert!(authorize.query_pairs().contains(&("response_mode".to_owned(), "form_post".to_owned())));
}

refuses_in_form_post! {
    form_post_oidcc_client_test_invalid_iss: Fault::IdTokenIssuer => "token_claim";
    form_post_oidcc_client_test_missing_sub: Fault::IdTokenNoSub => "token_claim";
    form_post_oidcc_client_test_invalid_aud: Fault::IdTokenAudience => "token_claim";
    form_post_oidcc_client_test_missing_iat: Fault::IdTokenNoIat => "token_claim";
    form_post_oidcc_client_test_idtoken_sig_none: Fault::IdTokenAlgNone => "token_malformed";
    form_post_oidcc_client_test_invalid_sig_rs256: Fault::IdTokenBadSignature => "token_signature";
    form_post_oidcc_client_test_nonce_invalid: Fault::IdTokenNonce => "token_claim";
}

#[tokio::test]
async fn form_post_oidcc_client_test_kid_absent_single_jwks() {
    let app = form_post().start().await;
    app.org.fault(Fault::KeysSingle);
    accepted(&app, Fault::IdTokenNoKid).await;
}

#[tokio::test]
async fn form_post_oidcc_client_test_userinfo_invalid_sub() {
    let app = AppBuilder::default().configure(|config| {
        config.response_mode(ResponseMode::FormPost).userinfo(okta_auth_core::config::Userinfo::Always)
    });
    refused(&app.start().await, Fault::UserinfoSub, "userinfo_subject").await;
}

#[tokio::test]
async fn oidcc_client_test_form_post_error() {
    let error = Fault::AuthorizeError { error: "login_required".into(), description: "<b>no</b> session".into() };
    let app = form_post().start().await;
    control(&app).await;
    app.org.fault(error);
    let answer = app.browser().sign_in(&app.org, ADA, "/profile").await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("Please sign in") && !answer.body.contains("<b>no</b>"), "{}", answer.body);
}

// -- RP-Initiated Logout ----------------------------------------------------------------------------------------

/// Signs in and out, and follows the browser back from the org.
async fn sign_out(app: &App) -> (Browser, crate::support::Answer) {
    let mut browser = app.browser();
    browser.sign_in(&app.org, ADA, "/profile").await;
    assert!(browser.is_signed_in().await);
    let answer = browser.post("/logout", "").await;
    assert_eq!(answer.status, 303);
    assert!(!browser.is_signed_in().await, "the local session comes first");
    let end_session = answer.location().to_owned();
    assert!(end_session.starts_with(&app.org.url().to_owned()), "{end_session}");
    assert!(end_session.contains("id_token_hint=") && end_session.contains("post_logout_redirect_uri="));
    let back = Browser::new(&app.base).navigate(&end_session).await;
    assert!(back.status.is_redirection(), "the org refuses the sign-out: {}", back.body);
    let back = back.location().to_owned();
    let mut landing = browser.navigate(&back).await;
    if landing.status.is_redirection() {
        // The application's own state disappears from the address with one redirect.
        assert_eq!(landing.location(), format!("{}/", app.base));
        landing = browser.navigate("/").await;
    }
    (browser, landing)
}

#[tokio::test]
async fn oidcc_client_test_rp_init_logout() {
    let app = App::start().await;
    let (_, landing) = sign_out(&app).await;
    assert_eq!((landing.status.as_u16(), landing.body.as_str()), (200, "anonymous"));
}

#[tokio::test]
async fn oidcc_client_test_rp_init_logout_other_state() {
    let app = App::start().await;
    app.org.fault(Fault::LogoutState);
    let (_, landing) = sign_out(&app).await;
    assert_eq!((landing.status.as_u16(), landing.body.as_str()), (200, "anonymous"));
}

#[tokio::test]
async fn oidcc_client_test_rp_init_logout_no_state() {
    let app = App::start().await;
    app.org.fault(Fault::LogoutNoState);
    let (_, landing) = sign_out(&app).await;
    assert_eq!((landing.status.as_u16(), landing.body.as_str()), (200, "anonymous"));
}

// -- Extra cases ------------------------------------------------------------------------------------------------

refuses! {
    duplicate_state: Fault::AuthorizeDuplicateState => "callback_malformed";
    duplicate_code: Fault::AuthorizeDuplicateCode => "callback_malformed";
    error_and_code: Fault::AuthorizeErrorAndCode => "callback_malformed";
    response_with_another_state: Fault::AuthorizeState => "attempt_unknown";
    response_without_state: Fault::AuthorizeNoState => "callback_malformed";
    response_of_another_issuer: Fault::AuthorizeIss("https://evil.example".into()) => "response_issuer";
    signed_with_an_encryption_key: Fault::IdTokenEncKey => "token_key_unknown";
    alg_confusion_hs256_with_the_rsa_public_key: Fault::IdTokenAlgHs256WithRsaPublicKey => "token_algorithm";
    alg_ps256_when_rs256_is_expected: Fault::IdTokenAlgPs256 => "token_algorithm";
    unknown_crit: Fault::IdTokenHeader("crit".into(), json!(["exp"])) => "token_header";
    b64_false: Fault::IdTokenHeader("b64".into(), json!(false)) => "token_header";
    typ_of_an_access_token: Fault::IdTokenHeader("typ".into(), json!("at+jwt")) => "token_header";
    typ_of_a_logout_token: Fault::IdTokenHeader("typ".into(), json!("logout+jwt")) => "token_header";
    encrypted_token_without_a_key: Fault::IdTokenJwe => "token_encrypted";
    four_parts: Fault::IdTokenFourParts => "token_malformed";
    two_parts: Fault::IdTokenTwoParts => "token_malformed";
    access_token_as_id_token: Fault::IdTokenIsAccessToken => "token_kind";
    no_id_token: Fault::IdTokenMissing => "id_token_missing";
    exp_as_string: Fault::IdTokenExpString => "token_claim";
    iat_as_string: Fault::IdTokenIatString => "token_claim";
    missing_exp: Fault::IdTokenNoExp => "token_claim";
    expired: Fault::IdTokenExpired => "token_expired";
    not_before_in_the_future: Fault::IdTokenNotBefore => "token_claim";
    issued_in_the_future: Fault::IdTokenIssuedInFuture => "token_claim";
    issued_long_ago: Fault::IdTokenClaim("iat".into(), json!(1_000_000_000)) => "token_claim";
    secondary_audience: Fault::IdTokenExtraAudience => "token_claim";
    secondary_audience_with_azp: Fault::IdTokenExtraAudienceWithAzp => "token_claim";
    azp_of_another_client: Fault::IdTokenAzp => "token_claim";
    subject_too_long: Fault::IdTokenSubTooLong => "token_claim";
    subject_empty: Fault::IdTokenSubEmpty => "token_claim";
    duplicate_claim: Fault::IdTokenDuplicateClaim => "token_malformed";
    logout_token_as_id_token: Fault::IdTokenClaim("events".into(), json!({})) => "token_kind";
    nested_act_beyond_depth: Fault::IdTokenClaim("act".into(), nested(200)) => "token_malformed";
    token_response_not_json: Fault::TokenHtml => "provider_response";
    token_response_with_wrong_content_type: Fault::TokenWrongContentType => "provider_response";
    token_response_200_with_error: Fault::TokenOkWithError => "provider_response";
    token_response_with_more_after_it: Fault::TokenTrailing => "provider_response";
    token_response_in_an_array: Fault::TokenArray => "provider_response";
    token_type_that_is_not_bearer: Fault::TokenTypeOther("mac".into()) => "provider_response";
    token_response_huge: Fault::TokenHuge => "provider_response";
    token_response_redirects: Fault::TokenRedirect => "provider_response";
    token_endpoint_limits_the_rate: Fault::TokenRateLimited => "provider_rate_limited";
    token_endpoint_refuses_in_oauth_form: Fault::TokenError {
        status: 401,
        error: "invalid_client".into(),
        description: "no".into(),
    } => "token_refused";
    token_endpoint_refuses_in_okta_form: Fault::TokenErrorOkta {
        status: 403,
        code: "E0000006".into(),
        summary: "no".into(),
    } => "token_refused";
    groups_overage: Fault::AuthorizeTooManyGroups => "authorization_refused";
}

/// The ID token is valid, and userinfo completes it before the session is created.
#[tokio::test]
async fn a_session_that_would_already_have_ended() {
    let fault = Fault::IdTokenClaim("session_expiry".into(), json!(1));
    refused_sign_in(&App::start().await, fault, "token_claim").await;
}

/// `{"act": {"act": ...}}`, deeper than any legitimate token.
fn nested(depth: usize) -> serde_json::Value {
    (0..depth).fold(json!("end"), |inner, _| json!({ "act": inner }))
}

accepts! {
    audience_as_an_array_of_one: Fault::IdTokenAudienceArray;
    exp_as_float: Fault::IdTokenExpFloat;
    a_lifetime_in_digits: Fault::TokenMember("expires_in".into(), json!("3600"));
    decoy_keys_with_the_same_kid: Fault::KeysDecoys;
    keys_with_a_duplicate_kid: Fault::KeysDuplicateKid;
    keys_that_must_not_be_cached: Fault::KeysNoCache;
    token_response_without_expires_in: Fault::TokenNoExpiresIn;
    token_type_in_another_case: Fault::TokenTypeCase;
    keys_named_by_the_token_are_not_fetched: Fault::IdTokenHeader("jku".into(), json!("http://127.0.0.1:1/keys"));
    keys_in_the_token_are_not_used: Fault::IdTokenHeader("jwk".into(), json!({"kty": "RSA", "n": "AQ", "e": "AQ"}));
    auth_time_missing_when_not_requested: Fault::IdTokenNoAuthTime;
    userinfo_401: Fault::UserinfoStatus401;
    userinfo_403: Fault::UserinfoStatus403;
    userinfo_html: Fault::UserinfoHtml;
}

/// Zitadel names the project and its other clients in each ID token (OIDC Core §3.1.3.7, 3 and 4).
#[tokio::test]
async fn trusted_audiences_are_accepted_with_azp() {
    let (project, other) = ("3141592653", "0oaother");
    let trusting = || {
        let scopes = "openid profile email offline_access";
        AppBuilder::default()
            .configure(move |config| config.scopes(scopes).trusted_audiences(format!("{project}, {other}")))
    };
    let claim = |name: &str, value| Fault::IdTokenClaim(name.to_owned(), value);
    let app = trusting().start().await;
    let own = app.org.client().client_id;
    app.org.fault(claim("azp", json!(own)));
    accepted(&app, claim("aud", json!([own, project, other]))).await;
    let mut browser = app.browser();
    browser.sign_in(&app.org, ADA, "/profile").await;
    app.org.clock().advance(std::time::Duration::from_secs(3_590));
    assert!(browser.is_signed_in().await && app.org.refreshes().granted == 1, "a refresh has the same rule");

    let azp = |value| claim("azp", value);
    for (faults, claim) in [
        (vec![claim("aud", json!([own, project]))], "azp"),
        (vec![claim("aud", json!([own, project])), azp(json!(other))], "azp"),
        (vec![claim("aud", json!([own, project])), azp(json!(project))], "azp"),
        (vec![claim("aud", json!([own, project, "0oastranger"])), azp(json!(own))], "aud"),
        (vec![claim("aud", json!([project, other])), azp(json!(own))], "aud"),
        (vec![claim("aud", json!(project)), azp(json!(own))], "aud"),
    ] {
        let app = trusting().start().await;
        faults.into_iter().for_each(|fault| app.org.fault(fault));
        let answer = app.browser().sign_in(&app.org, ADA, "/profile").await;
        assert!(answer.body.contains("Code: token_claim<"), "{claim}: {} {}", answer.status, answer.body);
    }
    // The default stays strict.
    let app = App::start().await;
    app.org.fault(azp(json!(own)));
    refused(&app, claim("aud", json!([own, project])), "token_claim").await;
}

#[tokio::test]
async fn a_correct_iss_in_the_response_is_accepted() {
    let app = App::start().await;
    let issuer = app.org.issuer();
    accepted(&app, Fault::AuthorizeIss(issuer)).await;
}

#[tokio::test]
async fn every_algorithm_that_is_allowed_is_accepted() {
    for fault in [
        Fault::IdTokenAlgRs384,
        Fault::IdTokenAlgRs512,
        Fault::IdTokenAlgPs256,
        Fault::IdTokenAlgEs256,
        Fault::IdTokenAlgEs384,
        Fault::IdTokenAlgEdDsa,
    ] {
        accepted(&algorithms().start().await, fault).await;
    }
}

#[tokio::test]
async fn the_variable_and_both_names_of_ed25519_allow_it() {
    for name in ["EdDSA", "Ed25519"] {
        let org = okta_auth_dev::Org::start().await.unwrap();
        let mut variables = org.env().to_vec();
        variables.push(("OKTA_ALGORITHMS", name.to_owned()));
        let from_variables = move |own: ConfigBuilder| {
            let base = own.build().unwrap().base_url().to_string();
            ConfigBuilder::from_variables(variables).base_url(base).cookie_secret(crate::support::SECRET)
        };
        let by_variable = AppBuilder::default().org(org).configure(from_variables);
        let in_code = AppBuilder::default().configure(move |config| config.algorithms([name]));
        for app in [by_variable, in_code] {
            let app = app.start().await;
            let answer = app.browser().sign_in(&app.org, ADA, "/profile").await;
            assert!(answer.body.contains("token_algorithm"), "RS256 is not on the list: {}", answer.body);
            app.org.fault(Fault::IdTokenAlgEdDsa);
            let answer = app.browser().sign_in(&app.org, ADA, "/profile").await;
            assert_eq!(answer.location(), "/profile", "{name}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn hmac_cannot_be_allowed_by_configuration() {
    let config = okta_auth_core::config::Config::builder().issuer("https://x.okta.com").client_id("c");
    assert!(config.algorithms(["HS256"]).build().unwrap_err().is_config());
}

/// The keys are unavailable for the first token: no user is signed in, and the
/// application recovers.
#[tokio::test]
async fn keys_that_are_unavailable() {
    for (fault, code) in [
        (Fault::KeysStatus(500), "provider_unavailable"),
        (Fault::KeysStatus(404), "provider_response"),
        (Fault::KeysHtml, "provider_response"),
        (Fault::KeysHuge, "provider_response"),
        (Fault::KeysEmpty, "token_key_unknown"),
        (Fault::KeysRedirect, "provider_response"),
    ] {
        let app = App::start().await;
        app.org.fault(fault.clone());
        let mut browser = app.browser();
        let answer = browser.sign_in(&app.org, ADA, "/profile").await;
        assert!(answer.body.contains(&format!("Code: {code}<")), "{fault:?}: {}", answer.body);
        assert!(!browser.is_signed_in().await);
        app.org.clear_faults();
        control(&app).await;
    }
}

#[tokio::test]
async fn a_set_of_500_keys_is_not_a_denial_of_service() {
    let app = App::start().await;
    app.org.fault(Fault::KeysTooMany);
    let mut browser = app.browser();
    let answer = browser.sign_in(&app.org, ADA, "/profile").await;
    // Whether the good key is among those that are read depends on its position; the
    // response comes in either case.
    assert!(answer.status.as_u16() == 303 || answer.body.contains("token_key_unknown"));
}

#[tokio::test]
async fn the_org_server_works_like_a_custom_server() {
    let org = okta_auth_dev::Org::start().await.unwrap();
    let issuer = org.org_issuer();
    let app = AppBuilder::default().org(org).issuer(issuer).start().await;
    control(&app).await;
    let token = app.auth.verify_access_token("a.b.c").await.unwrap_err();
    assert_eq!(
        (token.code().as_str(), app.org.count("/v1/introspect")),
        ("token_expired", 1),
        "the token is introspected"
    );
}
