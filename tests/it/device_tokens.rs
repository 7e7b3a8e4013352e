//! The tokens of the device flow after the sign-in: refresh, the store, the keyring, and sign-out.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use keyring_core::{Error as Keyring, mock};
use okta_auth_core::device::{DeviceFlow, DeviceSession, TokenStore};
use okta_auth_core::error::{Code, Error};
use okta_auth_core::secret::Secret;
use okta_auth_core::session::StoreError;
use okta_auth_dev::{Endpoint, Fault, Org, Outage};
use serde_json::json;

use crate::device::{CLI, config, org};
use crate::support::{ADA, BEN, revoked};

const HOUR: Duration = Duration::from_secs(3_600);

/// A store that several processes share.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Stored>>);

#[derive(Default)]
struct Stored {
    text: Option<Secret>,
    /// Every saved text, in order.
    saved: Vec<String>,
    is_broken: bool,
}

impl Shared {
    fn with<T>(&self, operation: impl FnOnce(&mut Stored) -> T) -> Result<T, StoreError> {
        let mut stored = self.0.lock().unwrap();
        if stored.is_broken { Err(StoreError::new("broken")) } else { Ok(operation(&mut stored)) }
    }

    fn text(&self) -> Option<String> {
        self.0.lock().unwrap().text.as_ref().map(|text| text.expose().to_owned())
    }

    fn put(&self, text: &str) {
        self.0.lock().unwrap().text = Some(Secret::from(text));
    }

    fn set_broken(&self, is_broken: bool) {
        self.0.lock().unwrap().is_broken = is_broken;
    }
}

impl TokenStore for Shared {
    fn load(&self) -> Result<Option<Secret>, StoreError> {
        self.with(|stored| stored.text.clone())
    }

    fn save(&self, tokens: &Secret) -> Result<(), StoreError> {
        self.with(|stored| {
            stored.saved.push(tokens.expose().to_owned());
            stored.text = Some(tokens.clone());
        })
    }

    fn delete(&self) -> Result<(), StoreError> {
        self.with(|stored| stored.text = None)
    }
}

/// A process of the tool, with a store.
fn process(org: &Org, store: impl TokenStore) -> DeviceFlow {
    let clock = org.clock();
    let builder = DeviceFlow::builder("Orders CLI", config(org)).token_store(store);
    builder.clock(move || clock.now()).build().unwrap()
}

async fn sign_in(org: &Org, flow: &DeviceFlow) -> Result<DeviceSession, Error> {
    let authorization = flow.start().await.unwrap();
    org.connect_device(authorization.user_code(), ADA).unwrap();
    loop {
        org.clock().advance(Duration::from_secs(6));
        if let Some(session) = authorization.poll().await? {
            return Ok(session);
        }
    }
}

async fn text(session: &DeviceSession) -> String {
    session.access_token().await.unwrap().expose().to_owned()
}

#[tokio::test]
async fn the_next_run_uses_the_saved_tokens() {
    let (org, store) = (org().await, Shared::default());
    assert!(process(&org, store.clone()).session().await.unwrap().is_none());
    let first = sign_in(&org, &process(&org, store.clone())).await.unwrap();
    org.clear_request_log();
    let next = process(&org, store).session().await.unwrap().unwrap();
    assert_eq!(text(&next).await, text(&first).await);
    assert_eq!(next.all_claims(), first.all_claims());
    assert_eq!(
        (next.subject(), next.scopes(), next.expires_at()),
        (first.subject(), first.scopes(), first.expires_at())
    );
    assert!(org.request_log().is_empty(), "a valid token needs no request");
}

#[tokio::test]
async fn an_expiring_token_is_refreshed_once_for_all_callers() {
    let (org, store) = (org().await, Shared::default());
    let session = sign_in(&org, &process(&org, store.clone())).await.unwrap();
    let before = text(&session).await;
    org.clock().advance(HOUR - Duration::from_secs(31));
    assert_eq!(text(&session).await, before);
    org.clock().advance(Duration::from_secs(1));
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { text(&session).await })
        })
        .collect();
    let after = text(&session).await;
    assert_ne!(after, before);
    for caller in callers {
        assert_eq!(caller.await.unwrap(), after);
    }
    assert_eq!((org.refreshes().granted, org.refreshes().reused), (1, 0));
    assert!(store.text().unwrap().contains(&after));
}

/// A lifetime within the margin is no reason to refresh at each call.
#[tokio::test]
async fn a_short_lifetime_does_not_refresh_at_each_call() {
    for (lifetime, used_for) in [(json!(0), 5), (json!(1), 5), (json!(20), 18), (json!(30), 27)] {
        let (org, store) = (org().await, Shared::default());
        org.fault(Fault::TokenMember("expires_in".into(), lifetime.clone()));
        let session = sign_in(&org, &process(&org, store)).await.unwrap();
        for refreshes in 0..3 {
            for _ in 0..10 {
                text(&session).await;
            }
            assert_eq!(org.refreshes().seen, refreshes, "{lifetime}");
            org.clock().advance(Duration::from_secs(used_for));
        }
    }
}

/// The old refresh token is used up as soon as the response is there.
#[tokio::test]
async fn the_next_refresh_token_is_saved_before_the_response_is_verified() {
    let (org, store) = (org().await, Shared::default());
    let session = sign_in(&org, &process(&org, store.clone())).await.unwrap();
    org.clock().advance(HOUR);
    org.fault(Fault::IdTokenBadSignature);
    assert_eq!(session.access_token().await.unwrap_err().code(), Code::TokenSignature);
    org.clear_faults();
    org.clock().advance(HOUR);
    let next = process(&org, store).session().await.unwrap().unwrap();
    text(&next).await;
    assert_eq!((org.refreshes().granted, org.refreshes().reused), (2, 0));
}

#[tokio::test]
async fn a_refresh_by_another_process_is_used() {
    let (org, store) = (org().await, Shared::default());
    let one = sign_in(&org, &process(&org, store.clone())).await.unwrap();
    let other = process(&org, store).session().await.unwrap().unwrap();
    org.clock().advance(HOUR);
    let refreshed = text(&one).await;
    org.clock().advance(Duration::from_secs(300));
    assert_eq!(text(&other).await, refreshed);
    assert_eq!((org.refreshes().granted, org.refreshes().reused), (1, 0));
}

/// A store that has an older token must not bring it back.
#[tokio::test]
async fn tokens_that_could_not_be_saved_are_used_by_this_process() {
    let (org, store) = (org().await, Shared::default());
    let session = sign_in(&org, &process(&org, store.clone())).await.unwrap();
    org.clock().advance(HOUR);
    store.set_broken(true);
    let first = text(&session).await;
    store.set_broken(false);
    org.clock().advance(HOUR);
    assert_ne!(text(&session).await, first);
    assert_eq!((org.refreshes().granted, org.refreshes().reused), (2, 0));
}

#[tokio::test]
async fn a_rejected_refresh_token_ends_the_session_and_deletes_the_entry() {
    let (org, store) = (org().await, Shared::default());
    let session = sign_in(&org, &process(&org, store.clone())).await.unwrap();
    org.end_sessions(ADA);
    org.remove_user(ADA);
    org.clock().advance(HOUR);
    let error = session.access_token().await.unwrap_err();
    assert_eq!(error.code(), Code::SessionEnded);
    assert!(error.to_string().contains("sign in again"), "{error}");
    assert!(store.text().is_none() && process(&org, store).session().await.unwrap().is_none());
}

#[tokio::test]
async fn an_outage_at_a_refresh_ends_nothing() {
    let (org, store) = (org().await, Shared::default());
    let session = sign_in(&org, &process(&org, store.clone())).await.unwrap();
    org.clock().advance(HOUR);
    org.outage_times(Endpoint::Token, Outage::Status(503), 1);
    assert_eq!(session.access_token().await.unwrap_err().code(), Code::ProviderUnavailable);
    text(&session).await;
    // A response that got lost: within Okta's grace period the same token is accepted.
    org.clock().advance(HOUR);
    org.outage_times(Endpoint::Token, Outage::DropAfter, 1);
    assert!(session.access_token().await.unwrap_err().is_temporary());
    text(&session).await;
    assert_eq!(org.refreshes().reused, 0);
}

#[tokio::test]
async fn without_a_refresh_token_the_session_ends_with_the_access_token() {
    let org = org().await;
    let clock = org.clock();
    let flow = DeviceFlow::builder("Orders CLI", config(&org).scopes("openid")).clock(move || clock.now());
    let session = sign_in(&org, &flow.build().unwrap()).await.unwrap();
    org.clock().advance(HOUR);
    let error = session.access_token().await.unwrap_err();
    assert_eq!(error.code(), Code::SessionEnded);
}

#[tokio::test]
async fn tokens_of_another_user_are_refused_at_a_refresh() {
    let (org, store) = (org().await, Shared::default());
    let session = sign_in(&org, &process(&org, store)).await.unwrap();
    org.clock().advance(HOUR);
    org.fault(Fault::IdTokenClaim("sub".to_owned(), "00uother".into()));
    assert_eq!(session.access_token().await.unwrap_err().claim(), Some("sub"));
    let saved_of_ben = session.all_claims()["preferred_username"] == BEN;
    assert!(!saved_of_ben);
}

#[tokio::test]
async fn sign_out_revokes_and_deletes() {
    let (org, store) = (org().await, Shared::default());
    let session = sign_in(&org, &process(&org, store.clone())).await.unwrap();
    let copy = session.clone();
    session.sign_out().await.unwrap();
    assert_eq!((revoked(&org), store.text()), (1, None));
    org.clock().advance(HOUR);
    assert_eq!(copy.access_token().await.unwrap_err().code(), Code::SessionEnded, "revoked at Okta");
}

#[tokio::test]
async fn sign_out_without_a_refresh_token_revokes_the_access_token() {
    let org = org().await;
    let clock = org.clock();
    let flow = DeviceFlow::builder("Orders CLI", config(&org).scopes("openid")).clock(move || clock.now());
    let session = sign_in(&org, &flow.build().unwrap()).await.unwrap();
    session.sign_out().await.unwrap();
    let requests = org.request_log();
    let revocation = requests.iter().find(|request| request.path.ends_with("/v1/revoke")).unwrap();
    assert_eq!(revocation.form_field("token_type_hint").as_deref(), Some("access_token"));
}

#[tokio::test]
async fn sign_out_during_an_outage_deletes_and_reports_it() {
    let (org, store) = (org().await, Shared::default());
    let session = sign_in(&org, &process(&org, store.clone())).await.unwrap();
    org.outage(Endpoint::Revoke, Outage::Drop);
    assert_eq!(session.sign_out().await.unwrap_err().code(), Code::ProviderUnavailable);
    assert_eq!(store.text(), None);
    org.restore_all();
    let session = sign_in(&org, &process(&org, store.clone())).await.unwrap();
    store.set_broken(true);
    assert_eq!(session.sign_out().await.unwrap_err().code(), Code::StoreUnavailable);
    assert_eq!(revoked(&org), 2, "it is revoked even if the entry stays");
}

/// The next run would not find them, and the user would believe to be signed out.
#[tokio::test]
async fn tokens_that_cannot_be_saved_after_the_sign_in_are_revoked() {
    let (org, store) = (org().await, Shared::default());
    store.set_broken(true);
    let error = sign_in(&org, &process(&org, store)).await.unwrap_err();
    assert_eq!((error.code(), revoked(&org)), (Code::StoreUnavailable, 1));
}

#[tokio::test]
async fn a_saved_text_that_cannot_be_used_names_the_fix() {
    let (org, store) = (org().await, Shared::default());
    sign_in(&org, &process(&org, store.clone())).await.unwrap();
    let good = store.text().unwrap();
    let issuer = org.issuer();
    for (text, told) in [
        (String::new(), "it is not a JSON object"),
        ("{}".to_owned(), "`version` is missing"),
        (good.replace("\"access_token\":\"", "\"access_token\":7,\"x\":\""), "`access_token` is not a string"),
        (good[..good.len() / 2].to_owned(), "it is not JSON"),
        (good.replace(CLI, "0oaother"), "another version, issuer or client"),
        (good.replace(&issuer, "https://other.okta.com"), "another version, issuer or client"),
        (good.replace("\"version\":1", "\"version\":2"), "another version, issuer or client"),
        (good.replace("\"sub\":", "\"other\":"), "another version, issuer or client"),
    ] {
        store.put(&text);
        let error = process(&org, store.clone()).session().await.unwrap_err();
        assert_eq!(error.code(), Code::SessionEnded, "{text}");
        let message = error.to_string();
        assert!(message.contains(told) && message.contains("sign in again, which replaces them"), "{message}");
        assert!(!format!("{error:?}").contains("eyJ"), "{error:?}");
    }
    let session = sign_in(&org, &process(&org, store.clone())).await.unwrap();
    assert!(store.text().unwrap().contains(&text(&session).await), "a new sign-in replaces it");
}

/// A clock that was set back makes no token permanent.
#[tokio::test]
async fn tokens_from_the_future_are_refreshed() {
    let (org, store) = (org().await, Shared::default());
    let session = sign_in(&org, &process(&org, store)).await.unwrap();
    let before = text(&session).await;
    let clock = org.clock();
    clock.rewind(Duration::from_secs(30));
    assert_eq!(text(&session).await, before);
    assert_eq!(org.refreshes().granted, 0);
    clock.rewind(Duration::from_secs(40));
    // The response is refused too, because its times are in the future.
    assert_eq!(session.access_token().await.unwrap_err().claim(), Some("auth_time"));
    assert_eq!(org.refreshes().granted, 1);
}

#[tokio::test]
async fn the_token_is_attached_to_no_other_origin() {
    let org = org().await;
    let session = sign_in(&org, &process(&org, Shared::default())).await.unwrap();
    let orders = session.authorization("https://orders.example.com").unwrap();
    let mut request = axum::http::Request::get("https://orders.example.com/orders").body(()).unwrap();
    orders.authorize(&mut request).await.unwrap();
    assert_eq!(request.headers()["authorization"], format!("Bearer {}", text(&session).await));
    let mut other = axum::http::Request::get("https://orders.example.com.evil.example/").body(()).unwrap();
    assert_eq!(orders.authorize(&mut other).await.unwrap_err().code(), Code::TargetMismatch);
    assert!(session.authorization("http://orders.example.com").unwrap_err().is_config());
}

/// The default store is one of the process, so it is set once for all tests.
fn keyring() {
    static STORE: OnceLock<()> = OnceLock::new();
    STORE.get_or_init(|| keyring_core::set_default_store(mock::Store::new().unwrap()));
}

fn entry(issuer: &str, client: &str) -> keyring_core::Entry {
    keyring_core::Entry::new("okta-auth", &format!("{issuer} {client}")).unwrap()
}

/// A process that keeps its tokens in the keyring.
fn with_keyring(org: &Org) -> DeviceFlow {
    keyring();
    let clock = org.clock();
    DeviceFlow::builder("Orders CLI", config(org)).keyring().clock(move || clock.now()).build().unwrap()
}

#[tokio::test]
async fn the_keyring_keeps_the_tokens_by_issuer_and_client() {
    let org = org().await;
    assert!(with_keyring(&org).session().await.unwrap().is_none());
    let session = sign_in(&org, &with_keyring(&org)).await.unwrap();
    let saved = String::from_utf8(entry(&org.issuer(), CLI).get_secret().unwrap()).unwrap();
    assert!(saved.contains(&text(&session).await));
    let next = with_keyring(&org).session().await.unwrap().unwrap();
    assert_eq!(text(&next).await, text(&session).await);
    for config in [config(&org).client_id("0oaother"), config(&org).issuer(org.org_issuer())] {
        let other = DeviceFlow::builder("Orders CLI", config).keyring().build().unwrap();
        assert!(other.session().await.unwrap().is_none());
    }
    next.sign_out().await.unwrap();
    assert!(with_keyring(&org).session().await.unwrap().is_none());
    assert!(matches!(entry(&org.issuer(), CLI).get_secret(), Err(Keyring::NoEntry)));
}

#[tokio::test]
async fn errors_of_the_keyring_name_the_fix() {
    let org = org().await;
    let flow = with_keyring(&org);
    sign_in(&org, &flow).await.unwrap();
    let entry = entry(&org.issuer(), CLI);
    let mock: &mock::Cred = entry.as_any().downcast_ref().unwrap();
    let token = || b"eyJsecret".to_vec();
    for (error, code, told) in [
        (Keyring::NoStorageAccess("locked".into()), Code::StoreUnavailable, "unlock it"),
        (Keyring::PlatformFailure("no service".into()), Code::StoreUnavailable, "Secret Service"),
        (Keyring::BadEncoding(token()), Code::SessionEnded, "delete it there, and sign in again"),
        (Keyring::BadDataFormat(token(), "bad".into()), Code::SessionEnded, &org.issuer()),
        (Keyring::Ambiguous(Vec::new()), Code::SessionEnded, "service `okta-auth`"),
        (Keyring::TooLong("secret".into(), 2_560), Code::StoreUnsupported, "request fewer scopes"),
    ] {
        mock.set_error(error);
        let error = flow.session().await.unwrap_err();
        assert_eq!(error.code(), code);
        let text = format!("{error:?}");
        assert!(text.contains(told) && !text.contains("eyJ"), "{text}");
    }
    entry.set_secret(&[0xff, 0xfe]).unwrap();
    let error = flow.session().await.unwrap_err();
    assert!(error.to_string().contains("cannot be read; delete it there"), "{error}");
    assert!(sign_in(&org, &flow).await.is_ok(), "a new sign-in replaces it");
}
