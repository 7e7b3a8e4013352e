//! The grants (ID-JAGs) that clients present to an authorization server of the application. Each attack has its test, and
//! the control is a grant that is accepted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use okta_auth_core::error::{Code, Error};
use okta_auth_core::id_jag::{IdJagVerifier, IdJagVerifierBuilder};
use okta_auth_core::jose::VerifiedIdJag;
use okta_auth_core::session::{MemoryStore, SessionStore, StoreError, StoreFuture, StoreKey, StoredRecord};
use okta_auth_dev::{ADA, Algorithm, Org, TokenBuilder};
use serde_json::{Value, json};

/// The issuer of the application's own server.
const CHAT: &str = "http://localhost:9/chat";
const CLIENT: &str = "agent-at-chat";
const API: &str = "https://api.chat.example/";

fn builder(org: &Org) -> IdJagVerifierBuilder {
    let clock = org.clock();
    IdJagVerifier::builder(CHAT)
        .connection(org.org_issuer())
        .scopes(["chat.read", "chat.history"])
        .resources([API, "https://files.chat.example/"])
        .clock(move || clock.now())
}

fn grant(org: &Org) -> TokenBuilder {
    org.token().client(CLIENT).id_jag(ADA, CHAT, ["chat.read"])
}

fn seconds(org: &Org) -> u64 {
    org.clock().now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

fn refused(outcome: Result<VerifiedIdJag, Error>) -> (Code, Option<&'static str>) {
    let error = outcome.unwrap_err();
    (error.code(), error.claim())
}

#[tokio::test]
async fn a_grant_of_a_connection_is_accepted() {
    let org = Org::start().await.unwrap();
    let chat = builder(&org).build().unwrap();
    let act = json!({ "sub": "0oaagent", "sub_profile": "ai_agent", "act": { "sub": "0oajob" } });
    let sent = grant(&org).claim("scope", "admin chat.history chat.read").claim("resource", API).claim("act", act);
    let verified = chat.verify(&sent.claim("email", ADA).sign(), CLIENT).await.unwrap();
    assert_eq!((verified.issuer(), verified.client_id()), (org.org_issuer().as_str(), CLIENT));
    assert_eq!(verified.subject(), org.user(ADA).unwrap().id);
    assert_eq!(verified.scopes(), ["chat.read", "chat.history"], "other scopes are dropped");
    assert_eq!(verified.resources(), [API]);
    let actors: Vec<&str> = verified.actor().unwrap().chain().map(|actor| actor.subject()).collect();
    assert_eq!(actors, ["0oaagent", "0oajob"]);
    assert_eq!(verified.expires_at().seconds().unsigned_abs() / 60, (seconds(&org) + 300) / 60);
    assert_eq!(verified.all()["email"], ADA);
    let plain = chat.verify(&grant(&org).remove("resource").remove("act").sign(), CLIENT).await.unwrap();
    assert!(plain.resources().is_empty() && plain.actor().is_none());
    let both = grant(&org).claim("resource", json!([API, "https://files.chat.example/"])).sign();
    assert_eq!(chat.verify(&both, CLIENT).await.unwrap().resources().len(), 2);
    assert_eq!(org.count("/v1/keys"), 1);
}

fn claim(name: &'static str) -> (Code, Option<&'static str>) {
    (Code::TokenClaim, Some(name))
}

#[tokio::test]
async fn issuer_audience_client_subject_and_id_are_checked() {
    let org = Org::start().await.unwrap();
    let chat = builder(&org).build().unwrap();
    let mint = || grant(&org);
    for (what, sent, expected) in [
        ("another issuer", mint().claim("iss", "https://evil.okta.com"), claim("iss")),
        ("a custom server of the org", mint().claim("iss", org.issuer()), claim("iss")),
        ("another audience", mint().claim("aud", "https://auth.other.example"), claim("aud")),
        ("the audience with a slash", mint().claim("aud", format!("{CHAT}/")), claim("aud")),
        ("a list of audiences", mint().claim("aud", json!([CHAT])), claim("aud")),
        ("two audiences", mint().claim("aud", json!([CHAT, "https://auth.other.example"])), claim("aud")),
        ("no audience", mint().remove("aud"), claim("aud")),
        ("the grant of another client", mint().claim("client_id", "other"), claim("client_id")),
        ("no client", mint().remove("client_id"), claim("client_id")),
        ("a list of clients", mint().claim("client_id", json!([CLIENT])), claim("client_id")),
        ("no subject", mint().remove("sub"), claim("sub")),
        ("an empty subject", mint().claim("sub", ""), claim("sub")),
        ("a subject with a line break", mint().claim("sub", "a\nb"), claim("sub")),
        ("no id", mint().remove("jti"), claim("jti")),
        ("an empty id", mint().claim("jti", ""), claim("jti")),
        ("an id that is a number", mint().claim("jti", 7), claim("jti")),
        ("an id of 256 characters", mint().claim("jti", "x".repeat(256)), claim("jti")),
    ] {
        assert_eq!(refused(chat.verify(&sent.sign(), CLIENT).await), expected, "{what}");
    }
    for absent in ["", "\n"] {
        let sent = mint().claim("client_id", absent).sign();
        assert_eq!(refused(chat.verify(&sent, absent).await), claim("client_id"), "no client has authenticated itself");
    }
    chat.verify(&mint().sign(), CLIENT).await.unwrap();
}

#[tokio::test]
async fn times_are_checked() {
    let org = Org::start().await.unwrap();
    let chat = builder(&org).build().unwrap();
    let mint = || grant(&org);
    let now = seconds(&org);
    for (what, sent, expected) in [
        ("expired", mint().claim("iat", now - 360).claim("exp", now - 60), (Code::TokenExpired, None)),
        ("no expiry", mint().remove("exp"), claim("exp")),
        ("no time of issue", mint().remove("iat"), claim("iat")),
        ("issued in the future", mint().claim("iat", now + 120).claim("exp", now + 300), claim("iat")),
        ("not valid yet", mint().claim("nbf", now + 120), claim("nbf")),
        ("a lifetime of more than five minutes", mint().claim("iat", now).claim("exp", now + 301), claim("exp")),
    ] {
        assert_eq!(refused(chat.verify(&sent.sign(), CLIENT).await), expected, "{what}");
    }
    chat.verify(&mint().sign(), CLIENT).await.unwrap();
}

#[tokio::test]
async fn scopes_resources_actors_and_bindings_are_checked() {
    let org = Org::start().await.unwrap();
    let chat = builder(&org).build().unwrap();
    let mint = || grant(&org);
    let nested = (1..9).fold(json!({ "sub": "a" }), |act, _| json!({ "sub": "a", "act": act }));
    for (what, sent, expected) in [
        ("no scope", mint().remove("scope"), claim("scope")),
        ("an unknown scope", mint().claim("scope", "admin"), claim("scope")),
        ("a part of a scope", mint().claim("scope", "chat chat.rea"), claim("scope")),
        ("a list of scopes", mint().claim("scope", json!(["chat.read"])), claim("scope")),
        ("a hundred and one scopes", mint().claim("scope", "chat.read ".repeat(101)), claim("scope")),
        ("an unknown resource", mint().claim("resource", "https://api.chat.example"), claim("resource")),
        ("one unknown resource", mint().claim("resource", json!([API, "https://x.example/"])), claim("resource")),
        ("an empty list of resources", mint().claim("resource", json!([])), claim("resource")),
        ("a resource that is a number", mint().claim("resource", 7), claim("resource")),
        ("an actor that is a string", mint().claim("act", "0oaagent"), claim("act")),
        ("an actor without a subject", mint().claim("act", json!({})), claim("act")),
        ("nine actors", mint().claim("act", nested), claim("act")),
        ("a grant that is bound to a key", mint().claim("cnf", json!({ "jkt": "x" })), (Code::TokenKind, None)),
    ] {
        assert_eq!(refused(chat.verify(&sent.sign(), CLIENT).await), expected, "{what}");
    }
    chat.verify(&mint().sign(), CLIENT).await.unwrap();
}

#[tokio::test]
async fn types_algorithms_and_signatures_are_checked() {
    let org = Org::start().await.unwrap();
    let chat = builder(&org).build().unwrap();
    let mint = || grant(&org);
    let key = org.public_key_pem().into_bytes();
    for (what, sent, expected) in [
        ("the type of an access token", mint().header("typ", "at+jwt"), (Code::TokenHeader, None)),
        ("the type of any token", mint().header("typ", "JWT"), (Code::TokenHeader, None)),
        ("no type", mint().header("typ", Value::Null), (Code::TokenHeader, None)),
        ("a bad signature", mint().bad_signature(), (Code::TokenSignature, None)),
        ("an unpublished key", mint().signed_by_unpublished(), (Code::TokenKeyUnknown, None)),
        (
            "the keys of a custom server",
            mint().server("default").claim("iss", org.org_issuer()),
            (Code::TokenKeyUnknown, None),
        ),
        ("no signature", mint().unsigned(), (Code::TokenMalformed, None)),
        ("HS256 with the public key", mint().signed_by_secret(key), (Code::TokenAlgorithm, None)),
        ("ES256, which is not allowed", mint().alg(Algorithm::Es256), (Code::TokenAlgorithm, None)),
        ("an extension", mint().header("crit", json!(["exp"])), (Code::TokenHeader, None)),
    ] {
        assert_eq!(refused(chat.verify(&sent.sign(), CLIENT).await), expected, "{what}");
    }
    for junk in ["", "a.b.c", "e30.e30.c2ln", &org.token().access_token(ADA, ["chat.read"]).sign()] {
        assert!(chat.verify(junk, CLIENT).await.unwrap_err().is_token(), "{junk}");
    }
    let id_token = org.token().server("org").client(CLIENT).id_token(ADA, None).claim("iss", org.org_issuer());
    assert_eq!(refused(chat.verify(&id_token.sign(), CLIENT).await), (Code::TokenHeader, None), "an ID token");
    chat.verify(&mint().sign(), CLIENT).await.unwrap();
}

/// The issuer only selects a connection, so an unknown one causes no request (SSRF).
#[tokio::test]
async fn an_unregistered_issuer_is_not_contacted() {
    let (org, other) = (Org::start().await.unwrap(), Org::start().await.unwrap());
    let chat = builder(&org).build().unwrap();
    assert_eq!(refused(chat.verify(&grant(&other).sign(), CLIENT).await), (Code::TokenClaim, Some("iss")));
    assert_eq!((org.request_log().len(), other.request_log().len()), (0, 0));
    // A grant that names a connection is verified with the keys of the connection, regardless of its signer.
    let forged = grant(&other).claim("iss", org.org_issuer()).sign();
    assert_eq!(refused(chat.verify(&forged, CLIENT).await).0, Code::TokenKeyUnknown);
    let both = builder(&org).connection(other.org_issuer()).build().unwrap();
    assert_eq!(refused(both.verify(&forged, CLIENT).await).0, Code::TokenKeyUnknown);
    // An id is unique only for its issuer.
    both.verify(&grant(&org).claim("jti", "IDAAG.1").sign(), CLIENT).await.unwrap();
    let verified = both.verify(&grant(&other).claim("jti", "IDAAG.1").sign(), CLIENT).await.unwrap();
    assert_eq!(verified.issuer(), other.org_issuer());
}

/// A slash in the settings selects the connection with either spelling, and the org's own metadata decide.
#[tokio::test]
async fn an_issuer_is_compared_character_by_character() {
    let org = Org::start().await.unwrap();
    let clock = org.clock();
    let with_slash = format!("{}/", org.org_issuer());
    let chat = IdJagVerifier::builder(CHAT).connection(&with_slash).scopes(["chat.read"]);
    let chat = chat.clock(move || clock.now()).build().unwrap();
    let sent = grant(&org).claim("iss", with_slash).sign();
    assert_eq!(refused(chat.verify(&sent, CLIENT).await), (Code::TokenClaim, Some("iss")));
    chat.verify(&grant(&org).sign(), CLIENT).await.unwrap();
}

#[tokio::test]
async fn a_replayed_grant_is_refused() {
    let org = Org::start().await.unwrap();
    org.clock().stop();
    let chat = builder(&org).build().unwrap();
    let sent = grant(&org).sign();
    let replayed = (Code::TokenClaim, Some("jti"));
    // A failed attempt of another client does not use it up.
    assert_eq!(refused(chat.verify(&sent, "other").await), (Code::TokenClaim, Some("client_id")));
    chat.verify(&sent, CLIENT).await.unwrap();
    assert_eq!(refused(chat.verify(&sent, CLIENT).await), replayed);
    // The same id in another grant of the same org is a replay too.
    let same_id = |org: &Org| grant(org).claim("jti", "IDAAG.1").sign();
    chat.verify(&same_id(&org), CLIENT).await.unwrap();
    assert_eq!(refused(chat.verify(&same_id(&org), CLIENT).await), replayed);
    // It is remembered for as long as the leeway accepts the grant, and then the grant has expired.
    org.clock().advance(Duration::from_secs(359));
    assert_eq!(refused(chat.verify(&sent, CLIENT).await), replayed);
    org.clock().advance(Duration::from_secs(1));
    assert_eq!(refused(chat.verify(&sent, CLIENT).await), (Code::TokenExpired, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_concurrent_uses_one_succeeds() {
    let org = Org::start().await.unwrap();
    let chat = builder(&org).build().unwrap();
    let sent = grant(&org).sign();
    let uses = (0..50).map(|_| {
        let (chat, sent) = (chat.clone(), sent.clone());
        tokio::spawn(async move { chat.verify(&sent, CLIENT).await.is_ok() })
    });
    let accepted = join_all(uses).await.into_iter().filter(|used| *used.as_ref().unwrap()).count();
    assert_eq!(accepted, 1);
}

/// A store that all replicas share, or that does not answer.
#[derive(Clone)]
struct Shared(Arc<MemoryStore>, Arc<AtomicBool>);

impl SessionStore for Shared {
    fn create<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool> {
        self.0.create(key, record, lifetime)
    }
    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredRecord>> {
        self.0.load(key)
    }
    fn save<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool> {
        self.0.save(key, record, lifetime)
    }
    fn remove<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, bool> {
        self.0.remove(key)
    }
    fn link<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey, lifetime: Duration) -> StoreFuture<'a, ()> {
        self.0.link(index, record, lifetime)
    }
    fn unlink<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey) -> StoreFuture<'a, ()> {
        self.0.unlink(index, record)
    }
    fn linked<'a>(&'a self, index: &'a StoreKey) -> StoreFuture<'a, Vec<StoreKey>> {
        self.0.linked(index)
    }
    fn try_lock<'a>(&'a self, mark: &'a StoreKey, owner: u64, lifetime: Duration) -> StoreFuture<'a, bool> {
        if self.1.load(Ordering::SeqCst) {
            return Box::pin(async { Err(StoreError::new("away")) });
        }
        self.0.try_lock(mark, owner, lifetime)
    }
    fn unlock<'a>(&'a self, mark: &'a StoreKey, owner: u64) -> StoreFuture<'a, ()> {
        self.0.unlock(mark, owner)
    }
    fn raise_watermark<'a>(&'a self, mark: &'a StoreKey, value: u64, lifetime: Duration) -> StoreFuture<'a, ()> {
        self.0.raise_watermark(mark, value, lifetime)
    }
    fn watermarks<'a>(&'a self, marks: &'a [StoreKey]) -> StoreFuture<'a, Vec<u64>> {
        self.0.watermarks(marks)
    }
}

#[tokio::test]
async fn replicas_share_the_used_grants_and_an_outage_accepts_none() {
    let org = Org::start().await.unwrap();
    let clock = org.clock();
    let store = Shared(Arc::new(MemoryStore::with_clock(1_000, move || clock.now())), Arc::default());
    let [one, two] = [store.clone(), store.clone()].map(|store| builder(&org).store(store).build().unwrap());
    let sent = grant(&org).sign();
    store.1.store(true, Ordering::SeqCst);
    let error = one.verify(&sent, CLIENT).await.unwrap_err();
    assert!(error.code() == Code::StoreUnavailable && error.is_temporary(), "{error:?}");
    store.1.store(false, Ordering::SeqCst);
    one.verify(&sent, CLIENT).await.unwrap();
    assert_eq!(refused(two.verify(&sent, CLIENT).await), (Code::TokenClaim, Some("jti")));
}

#[tokio::test]
async fn key_rotation_is_followed_and_an_outage_of_the_org_is_temporary() {
    let org = Org::start().await.unwrap();
    let chat = builder(&org).build().unwrap();
    chat.verify(&grant(&org).sign(), CLIENT).await.unwrap();
    org.rotate_keys();
    org.clock().advance(Duration::from_secs(60));
    chat.verify(&grant(&org).sign(), CLIENT).await.unwrap();
    let new = builder(&org).build().unwrap();
    let sent = grant(&org).sign();
    org.stop();
    let error = new.verify(&sent, CLIENT).await.unwrap_err();
    assert!(error.is_temporary() && !error.is_token(), "{error:?}");
}

#[test]
fn wrong_settings_are_errors_at_startup() {
    let chat = || IdJagVerifier::builder("https://auth.chat.example").scopes(["chat.read"]);
    let acme = "https://acme.okta.com";
    chat().connection(acme).build().unwrap();
    let custom_domain = okta_auth_core::config::EgressPolicy::default().allow_domain("login.acme.com");
    chat().connection("https://login.acme.com").egress(custom_domain).build().unwrap();
    for (wrong, fix) in [
        (chat(), "connection"),
        (IdJagVerifier::builder("https://auth.chat.example").connection(acme), "`scopes`"),
        (IdJagVerifier::builder("chat").scopes(["chat.read"]).connection(acme), "is not a URL"),
        (chat().connection("acme.okta.com"), "the connection `acme.okta.com`"),
        (chat().connection(acme).connection("https://login.acme.com"), "allow_domain"),
        (chat().connection("http://127.0.0.1:9"), "https"),
        (chat().connection("https://169.254.169.254"), "IP address"),
    ] {
        let error = wrong.build().unwrap_err();
        assert!(error.is_config() && error.to_string().contains(fix), "{fix}: {error}");
    }
}
