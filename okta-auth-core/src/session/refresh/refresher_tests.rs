//! Pending writes of several tenants, which share the state of refreshes.

use super::*;
use crate::config::{Config, EgressPolicy};
use crate::cookie::{CookieKeys, CookieSettings, RequestCookies};
use crate::http::{HttpClient, HttpSettings};
use crate::protocol::TokenSet;
use crate::secret::Secret;
use crate::session::limits::SessionLimits;
use crate::session::memory::MemoryStore;
use crate::session::store::SessionStore;
use crate::session::watches::Watches;

fn refresher_of(tenant: &str, store: &Arc<MemoryStore>, state: &Arc<RefreshState>) -> Refresher {
    let clock = SharedClock::default();
    let config = Config::builder().issuer("https://issuer.example").client_id("client").tenant(tenant);
    let config = Arc::new(config.build().unwrap());
    let keys = CookieKeys::new(&[Secret::new("a secret for tests, 32 bytes or more")]);
    let limits = SessionLimits { idle: Duration::from_secs(3600), absolute: Duration::from_secs(43_200) };
    let watches = Watches::new(clock.clone());
    let store: Arc<dyn SessionStore> = store.clone();
    let settings = CookieSettings::new(false);
    let stored = StoredSessions::new(store, &keys, settings, &config, (limits, watches)).unwrap();
    let http = HttpClient::new(&HttpSettings::default(), EgressPolicy::default(), clock.clone()).unwrap();
    let provider = Provider::new(config, http, clock.clone());
    let revoker = Arc::new(TokenRevoker::new(Arc::clone(&provider)));
    let events = Arc::new(Events::new(Some(("https://issuer.example", "client")), clock.clone(), Arc::new([])));
    let sessions = Arc::new(Sessions::Stored(stored));
    Refresher::new(provider, (sessions, revoker), events, clock, Arc::clone(state))
}

fn new_tokens() -> RefreshedTokens {
    RefreshedTokens { tokens: Arc::new(TokenSet::sample()), claims: None, complete: true }
}

/// The record opens only for its own tenant. Another tenant would take the session for ended, and send its refresh
/// token to the wrong Okta.
#[tokio::test]
async fn a_pending_write_is_written_by_its_own_tenant() {
    let (store, state) = (Arc::new(MemoryStore::new(10)), Arc::<RefreshState>::default());
    let (acme, globex) = (refresher_of("acme", &store, &state), refresher_of("globex", &store, &state));
    let now = globex.now();
    let Sessions::Stored(stored) = &*globex.0.sessions else { panic!("not in a store") };
    let (id, _) = stored.create(&RequestCookies::default(), Session::sample(3, now), now).await.unwrap();
    let before = stored.load(&id.into(), now).await.unwrap().unwrap();
    let next = Arc::new(before.session.renewed(&new_tokens(), now).unwrap());
    state.pending_writes.keep(&before.session, &next, globex.clone());
    acme.schedule_flush();
    assert!(!globex.0.state.pending_writes.start_flush(), "the task of one tenant serves all");
    for _ in 0..100 {
        if state.pending_writes.get(&id.into()).is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let written = stored.load(&id.into(), now).await.unwrap().unwrap();
    assert!(written.session.has_tokens_of(&next), "the new tokens are lost");
}
