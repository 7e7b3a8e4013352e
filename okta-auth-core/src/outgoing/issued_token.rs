//! A token for another API, as it is cached and attached.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;

use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::secret::{Secret, SecretBytes, random_bytes};

/// The assumed lifetime if the response has no `expires_in` (RFC 6749 §5.1): the shortest that
/// Okta can be set to.
const UNSTATED_LIFETIME: Duration = Duration::from_secs(300);
/// A token is renewed at most this long before it expires.
const RENEWAL_MARGIN: Duration = Duration::from_secs(300);
/// A token is not sent in its last seconds, because it would expire on the way.
const SENDING_MARGIN: Duration = Duration::from_secs(10);
/// The pause between two attempts to renew a token in the background.
const RENEWAL_PAUSE: Duration = Duration::from_secs(30);

const SCHEME: &str = "Bearer ";

/// An access token for another API. Clones are cheap and share the token, which is wiped from
/// memory with the last of them.
#[derive(Clone)]
pub struct IssuedToken(Arc<Inner>);

struct Inner {
    /// The value of `Authorization`, marked as sensitive.
    header: HeaderValue,
    scopes: Vec<String>,
    issued_at: Timestamp,
    expires_at: Timestamp,
    /// In seconds since the epoch.
    renew_at: AtomicI64,
}

/// The times of a token.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenTimes {
    issued_at: Timestamp,
    expires_at: Timestamp,
    renew_at: Timestamp,
}

impl TokenTimes {
    /// Jitter of up to half the margin spreads the renewals of processes that started together.
    ///
    /// `latest` is the end of the token that this one was made from. A token that ends with it is not renewed in the
    /// background, because the next one would end at the same time.
    pub(super) fn new(issued_at: Timestamp, expires_at: Option<Timestamp>, latest: Option<Timestamp>) -> Result<Self> {
        let stated = expires_at.unwrap_or_else(|| issued_at.plus(UNSTATED_LIFETIME));
        let expires_at = latest.map_or(stated, |latest| stated.min(latest));
        if latest.is_some_and(|latest| latest <= stated) {
            return Ok(Self { issued_at, expires_at, renew_at: expires_at });
        }
        let margin = RENEWAL_MARGIN.min(expires_at.since(issued_at) / 4);
        let [random] = random_bytes()?;
        let renew_at = expires_at.minus(margin).plus(margin * u32::from(random) / 512);
        Ok(Self { issued_at, expires_at, renew_at })
    }
}

impl IssuedToken {
    pub(super) fn new(token: &Secret, scopes: Vec<String>, times: TokenTimes) -> Result<Self> {
        // The header shares this buffer, which is wiped when it is dropped.
        let mut text = SecretBytes::with_capacity(SCHEME.len().saturating_add(token.expose().len()));
        text.append(SCHEME.as_bytes());
        text.append(token.expose().as_bytes());
        let mut header = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).map_err(|error| {
            Error::new(Code::ProviderResponse, "the issued access token is not a valid header value").with_cause(error)
        })?;
        header.set_sensitive(true);
        let TokenTimes { issued_at, expires_at, renew_at } = times;
        let renew_at = AtomicI64::new(renew_at.seconds());
        Ok(Self(Arc::new(Inner { header, scopes, issued_at, expires_at, renew_at })))
    }

    /// Returns the text. The caller is responsible for keeping it secret, and for sending it
    /// only to the API that it was issued for.
    pub fn expose(&self) -> &str {
        self.0.header.to_str().ok().and_then(|text| text.strip_prefix(SCHEME)).unwrap_or_default()
    }

    /// The scopes that the authorization server granted, which may be fewer than requested.
    pub fn scopes(&self) -> &[String] {
        &self.0.scopes
    }

    /// When the token expires. An exchanged token never outlives the token that it was made
    /// from.
    pub fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.0.header.clone()
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether the token can still be sent. If the clock jumps backwards, it is requested again,
    /// because its times are then wrong.
    pub(super) fn is_usable(&self, now: Timestamp) -> bool {
        let margin = SENDING_MARGIN.min(self.0.expires_at.since(self.0.issued_at) / 10);
        self.0.issued_at <= now && now < self.0.expires_at.minus(margin)
    }

    pub(super) fn age(&self, now: Timestamp) -> Duration {
        now.since(self.0.issued_at)
    }

    /// Whether this caller has to renew the token. It is true for one caller each time that a
    /// renewal is due.
    pub(super) fn claim_renewal(&self, now: Timestamp) -> bool {
        let due = self.0.renew_at.load(Ordering::Relaxed);
        let next = now.plus(RENEWAL_PAUSE).seconds();
        now.seconds() >= due
            && self.0.renew_at.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

opaque_debug!(IssuedToken, |it| scopes: it.0.scopes, expires_at: it.0.expires_at);
