//! A token for another API, as it is cached and attached.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

use super::binding::TokenBinding;
use super::request::OutgoingRequest;
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::protocol::{DPOP, LONGEST_USE};
use crate::secret::{Secret, SecretBytes, random_bytes};

/// The assumed lifetime if the response has no `expires_in` (RFC 6749 §5.1): the shortest that Okta can be set to.
const UNSTATED_LIFETIME: Duration = Duration::from_secs(300);
/// A token is renewed at most this long before it expires.
const RENEWAL_MARGIN: Duration = Duration::from_secs(300);
/// A token is not sent in its last seconds, because it would expire on the way.
const SENDING_MARGIN: Duration = Duration::from_secs(10);
/// The pause between two attempts to renew a token in the background.
const RENEWAL_PAUSE: Duration = Duration::from_secs(30);

const BEARER: &str = "Bearer";
const BOUND: &str = "DPoP";

/// An access token for another API. Clones are cheap and share the token, which is wiped from memory with the last of
/// them.
///
/// A token that is bound to a key (DPoP, RFC 9449) can be used only with a proof for each request, which
/// [`Authorization`](super::Authorization) attaches.
#[derive(Clone)]
pub struct IssuedToken {
    shared: Arc<Inner>,
    /// The server that it was attached for, if it is bound.
    server: Option<Arc<str>>,
}

struct Inner {
    /// The value of `Authorization`, marked as sensitive.
    header: HeaderValue,
    /// `None` for a bearer token.
    binding: Option<TokenBinding>,
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
        let used_until = expires_at.min(issued_at.plus(LONGEST_USE));
        let renew_at = used_until.minus(margin).plus(margin * u32::from(random) / 512);
        Ok(Self { issued_at, expires_at, renew_at })
    }
}

impl IssuedToken {
    /// Creates a bearer token.
    #[cfg(test)]
    pub(super) fn new(token: &Secret, scopes: Vec<String>, times: TokenTimes) -> Result<Self> {
        Self::with_binding(token, scopes, times, None)
    }

    pub(super) fn with_binding(
        token: &Secret,
        scopes: Vec<String>,
        times: TokenTimes,
        binding: Option<TokenBinding>,
    ) -> Result<Self> {
        let scheme = scheme_of(binding.as_ref());
        // The header shares this buffer, which is wiped when it is dropped.
        let mut text = SecretBytes::with_capacity(scheme.len().saturating_add(token.expose().len()).saturating_add(1));
        text.append(scheme.as_bytes());
        text.append(b" ");
        text.append(token.expose().as_bytes());
        let mut header = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).map_err(|error| {
            Error::new(Code::ProviderResponse, "the issued access token is not a valid header value").with_cause(error)
        })?;
        header.set_sensitive(true);
        let TokenTimes { issued_at, expires_at, renew_at } = times;
        let renew_at = AtomicI64::new(renew_at.seconds());
        let shared = Arc::new(Inner { header, binding, scopes, issued_at, expires_at, renew_at });
        Ok(Self { shared, server: None })
    }

    /// Returns the text. The caller is responsible for keeping it secret, and for sending it only to the API that it
    /// was issued for.
    pub fn expose(&self) -> &str {
        let header = self.shared.header.to_str().ok();
        header.and_then(|text| text.split_once(' ')).map_or("", |(_, token)| token)
    }

    /// The scopes that the authorization server granted, which may be fewer than requested.
    pub fn scopes(&self) -> &[String] {
        &self.shared.scopes
    }

    /// When the token expires. An exchanged token never outlives the token that it was exchanged for.
    pub fn expires_at(&self) -> Timestamp {
        self.shared.expires_at
    }

    /// Attaches the token to a request, with a proof if it is bound.
    pub(super) fn attach(mut self, request: &mut impl OutgoingRequest) -> Result<Self> {
        let proof = self.shared.binding.as_ref().map(|binding| binding.proof(request)).transpose()?;
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.shared.header.clone());
        headers.remove(DPOP);
        if let Some((proof, server)) = proof {
            headers.insert(DPOP, proof);
            self.server = Some(server);
        }
        Ok(self)
    }

    /// Keeps the nonce of the response to a request that the token was attached to; returns whether it has one.
    pub(crate) fn learn_nonce(&self, headers: &HeaderMap) -> bool {
        let binding = self.shared.binding.as_ref().zip(self.server.as_deref());
        binding.is_some_and(|(binding, server)| binding.learn_nonce(server, headers))
    }

    /// The scheme of `Authorization`.
    pub(super) fn scheme(&self) -> &'static str {
        scheme_of(self.shared.binding.as_ref())
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Whether the token can still be sent. If the clock jumps backwards, it is requested again, because its times are
    /// then wrong.
    pub(super) fn is_usable(&self, now: Timestamp) -> bool {
        let margin = SENDING_MARGIN.min(self.shared.expires_at.since(self.shared.issued_at) / 10);
        self.shared.issued_at <= now && now < self.shared.expires_at.minus(margin)
    }

    pub(super) fn age(&self, now: Timestamp) -> Duration {
        now.since(self.shared.issued_at)
    }

    /// Whether this caller has to renew the token. It is true for one caller each time that a renewal is due.
    pub(super) fn claim_renewal(&self, now: Timestamp) -> bool {
        let due = self.shared.renew_at.load(Ordering::Relaxed);
        let next = now.plus(RENEWAL_PAUSE).seconds();
        now.seconds() >= due
            && self.shared.renew_at.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

fn scheme_of(binding: Option<&TokenBinding>) -> &'static str {
    if binding.is_some() { BOUND } else { BEARER }
}

opaque_debug!(IssuedToken, |it| scopes: it.shared.scopes, expires_at: it.shared.expires_at);
