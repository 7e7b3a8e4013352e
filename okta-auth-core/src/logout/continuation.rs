//! A logout that a script began and a navigation continues.
//!
//! A script cannot follow a redirect to the provider, and must not see the ID token in its URL. So the script gets a
//! URL of this application. The browser keeps the data for that URL in a cookie that scripts cannot read.
//!
//! | sessions | the cookie has | the store has |
//! |---|---|---|
//! | in cookies | the ID token, sealed | nothing |
//! | in a store | a random key | the ID token, sealed, under the hash of the key |
//!
//! 1. The URL works once. In a store the record is removed before it is used, so only one of several replicas gets it.
//!    In cookies its use is recorded with the revocations, or else in the memory of the process.
//! 2. The URL works for [`LIFETIME`], by the server's clock and not by the browser's.
//! 3. The URL works only in the browser that signed out, and only at its tenant: the cookie is sealed for the tenant.
//! 4. The local session has ended before, and stays ended if the continuation fails.

use std::time::Duration;

use http::HeaderValue;
use serde::{Deserialize, Serialize};

use crate::base64url;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::cookie::{Chunks, CookieKeys, CookieSettings, Purpose, RequestCookies, Sealer};
use crate::error::{Code, Error, Result};
use crate::login::UsedStates;
use crate::secret::{Secret, SecretBytes, random_bytes};
use crate::session::{IndexKind, Sessions, StoreKey, StoredRecord, StoredSessions, with_store_timeout};

/// How long the URL works.
pub(crate) const LIFETIME: Duration = Duration::from_secs(60);

/// How long its use is stored: longer than it works by any tolerated clock.
const REMEMBERED: Duration = Duration::from_secs(180);

#[derive(Debug)]
pub(crate) struct Continuations {
    sealer: Sealer,
    chunks: Chunks,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    /// A unique id, so that each is used once.
    id: String,
    expires_at: Timestamp,
    id_token: Secret,
}

impl Continuations {
    pub(crate) fn new(keys: &CookieKeys, settings: CookieSettings, config: &Config) -> Result<Self> {
        let (owner, client_id) = config.owner();
        let sealer = keys.sealer(Purpose::SignOut, &format!("{owner} {client_id}"))?;
        Ok(Self { sealer, chunks: Chunks::new(settings, &format!("{}_sign_out", config.cookie_names.current)) })
    }

    /// Returns the `Set-Cookie` values that let this browser continue.
    ///
    /// # Errors
    /// [`Code::SessionTooLarge`] if the ID token does not fit into cookies, [`Code::StoreUnavailable`].
    pub(crate) async fn begin(
        &self,
        sessions: &Sessions,
        request: &RequestCookies,
        id_token: Secret,
        now: Timestamp,
    ) -> Result<Vec<HeaderValue>> {
        let id = Secret::random()?.expose().to_owned();
        let plain = postcard::to_allocvec(&Sealed { id, expires_at: now.plus(LIFETIME), id_token });
        let failed = |error| Error::new(Code::Internal, "a logout cannot be encoded").with_cause(error);
        let plain = SecretBytes::new(plain.map_err(failed)?);
        let Sessions::Stored(stored) = sessions else {
            let sealed = self.sealer.seal_bytes(self.chunks.name(), &plain)?;
            return self.chunks.write(request, &sealed, LIFETIME);
        };
        let secret: [u8; 32] = random_bytes()?;
        let key = stored.index_keys().name(IndexKind::SignOut, &secret);
        let record = StoredRecord { version: 1, sealed: self.sealer.seal_bytes(&key.to_string(), &plain)?.to_vec() };
        with_store_timeout(stored.store().create(&key, &record, LIFETIME)).await?;
        self.chunks.write(request, &secret, LIFETIME)
    }

    /// Returns the ID token of the logout that this browser began. It does so once.
    ///
    /// # Errors
    /// [`Code::SignOutLinkInvalid`] if there is none, or it was used or is too old; [`Code::StoreUnavailable`] if the
    /// store does not answer.
    pub(crate) async fn take(
        &self,
        sessions: &Sessions,
        consumed: &UsedStates,
        request: &RequestCookies,
        now: Timestamp,
    ) -> Result<Secret> {
        let sealed = match sessions {
            Sessions::Stored(stored) => self.take_stored(stored, request).await?,
            Sessions::Cookie { .. } => {
                let mut texts = self.chunks.candidates(request);
                texts.find_map(|text| self.open(self.chunks.name(), &text))
            }
        };
        let sealed = sealed.filter(|sealed| now < sealed.expires_at).ok_or_else(invalid)?;
        let first = match sessions {
            Sessions::Stored(_) => true,
            Sessions::Cookie { .. } => first_use(sessions, consumed, &sealed, now).await?,
        };
        first.then_some(sealed.id_token).ok_or_else(invalid)
    }

    async fn take_stored(&self, stored: &StoredSessions, request: &RequestCookies) -> Result<Option<Sealed>> {
        let mut texts = self.chunks.candidates(request);
        let Some(secret) = texts.find_map(|text| base64url::decode(text.as_ref()).ok()) else { return Ok(None) };
        let key = stored.index_keys().name(IndexKind::SignOut, &secret);
        let Some(record) = with_store_timeout(stored.store().load(&key)).await? else { return Ok(None) };
        // Of several concurrent requests only one removes it.
        if !with_store_timeout(stored.store().remove(&key)).await? {
            return Ok(None);
        }
        let opened = self.sealer.open_bytes(&key.to_string(), SecretBytes::new(record.sealed));
        Ok(opened.and_then(|opened| postcard::from_bytes(opened.plain()).ok()))
    }

    fn open(&self, name: &str, text: &[u8]) -> Option<Sealed> {
        postcard::from_bytes(self.sealer.open(name, text)?.plain()).ok()
    }

    pub(crate) fn clear(&self, request: &RequestCookies) -> Vec<HeaderValue> {
        self.chunks.clear(request)
    }
}

async fn first_use(sessions: &Sessions, consumed: &UsedStates, sealed: &Sealed, now: Timestamp) -> Result<bool> {
    let Some(marks) = sessions.marks() else {
        return Ok(consumed.consume(&Secret::new(sealed.id.as_str()), REMEMBERED, now));
    };
    let mark: StoreKey = sessions.index_keys().name(IndexKind::SignOut, sealed.id.as_bytes());
    let owner = u64::from_be_bytes(random_bytes()?) >> 1;
    with_store_timeout(marks.try_lock(&mark, owner, REMEMBERED)).await
}

/// All failures look the same to the browser.
fn invalid() -> Error {
    let message = "this browser has no logout to continue: it was continued before, or is older than a minute";
    Error::new(Code::SignOutLinkInvalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Issuer, client, secret and cookie name are the same, so only the seal separates the two tenants.
    #[test]
    fn a_logout_of_one_tenant_is_not_continued_at_another() {
        let of_tenant = |id: &str| {
            let config = Config::builder().issuer("https://issuer.example").client_id("client").tenant(id);
            let keys = CookieKeys::new(&[Secret::new("a secret for tests, 32 bytes or more")]);
            Continuations::new(&keys, CookieSettings::new(false), &config.build().unwrap()).unwrap()
        };
        let (acme, expires_at) = (of_tenant("acme"), Timestamp::from_seconds(1_700_000_000));
        let sealed = Sealed { id: "1".to_owned(), expires_at, id_token: Secret::new("token") };
        let text = acme.sealer.seal("name", &postcard::to_allocvec(&sealed).unwrap()).unwrap();
        assert_eq!(acme.open("name", text.as_bytes()).unwrap().id_token, Secret::new("token"));
        assert!(of_tenant("globex").open("name", text.as_bytes()).is_none());
        assert!(acme.open("another", text.as_bytes()).is_none());
    }
}
