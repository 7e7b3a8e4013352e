//! The log of received requests.
//!
//! Tests use the request log to check what the app sent, how often, and what it did not send.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use url::form_urlencoded;

use crate::jws::Jws;
use crate::random;
use crate::sync::lock;

/// A request that the server received.
///
/// ```
/// # async fn example() -> Result<(), okta_auth_dev::Error> {
/// let org = okta_auth_dev::Org::start().await?;
/// // ... the app redirects to the org ...
/// for request in org.request_log() {
///     println!("{} {} {:?}", request.method, request.path, request.query_param("scope"));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// The method, in upper case.
    pub method: String,
    /// The path as sent.
    pub path: String,
    /// The query as sent, without the question mark; empty if there is none.
    pub query: String,
    /// The headers in the order received, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; bytes that are not valid UTF-8 are replaced.
    pub body: String,
    /// The status of the response; `None` until the request is answered.
    pub status: Option<u16>,
    /// Why the request was rejected: the error and its description.
    pub refusal: Option<String>,
}

impl Recorded {
    /// Returns the decoded pairs of the query, in order.
    ///
    /// Repeated parameters stay repeated, because a client that repeats one has a bug.
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.query.as_bytes()).into_owned().collect()
    }

    /// Returns the decoded pairs of the body, parsed as a form, in order.
    ///
    /// The content type is ignored; a body that is not a form gives meaningless pairs.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }

    /// Returns the first query parameter with this name.
    pub fn query_param(&self, name: &str) -> Option<String> {
        first(self.query_pairs(), name)
    }

    /// Returns the first form field with this name.
    pub fn form_field(&self, name: &str) -> Option<String> {
        first(self.form(), name)
    }

    /// Returns the first header with this name, case-insensitively.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns the client id in the query, the form, the `Authorization` header, or the client assertion, without
    /// verifying it.
    pub fn client_id(&self) -> Option<String> {
        let basic = || {
            let value = self.header("authorization")?.strip_prefix("Basic ")?;
            let text = String::from_utf8(random::from_base64(value)?).ok()?;
            Some(text.split(':').next().unwrap_or_default().to_owned())
        };
        self.query_param("client_id")
            .or_else(|| self.form_field("client_id"))
            .or_else(basic)
            .or_else(|| self.asserted_client_id())
    }

    /// The client id in the client assertion, before its signature is verified. Both `iss` and `sub` should have it.
    pub(crate) fn asserted_client_id(&self) -> Option<String> {
        let assertion = self.form_field("client_assertion")?;
        let assertion = Jws::parse(&assertion)?;
        let id = ["iss", "sub"].into_iter().map(|name| assertion.text(name)).find(|id| !id.is_empty())?;
        Some(id.to_owned())
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.headers.iter().filter(|(header, _)| header == "cookie");
        let mut pairs = cookies.flat_map(|(_, value)| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

impl fmt::Display for Recorded {
    /// Formats one line: method, path, status, client, and the reason of a rejection. Parameters and bodies are omitted
    /// because they contain secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
        let client = self.client_id().map(|id| format!(" client={id}")).unwrap_or_default();
        let refusal = self.refusal.as_ref().map(|refusal| format!(" {refusal}")).unwrap_or_default();
        let line = format!("{} {} {status}{client}{refusal}", self.method, self.path);
        // Requests may contain control characters, which a terminal would execute.
        line.chars().try_for_each(|c| formatter.write_char(if c.is_control() { '\u{fffd}' } else { c }))
    }
}

#[derive(Clone)]
pub(crate) struct Observer(Arc<dyn Fn(&Recorded) + Send + Sync>);

impl Observer {
    pub(crate) fn new(hear: impl Fn(&Recorded) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }

    pub(crate) fn hear(&self, request: &Recorded) {
        (self.0)(request);
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Observer")
    }
}

fn first(pairs: Vec<(String, String)>, name: &str) -> Option<String> {
    pairs.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// Every request since the start, or since the request log was cleared.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    requests: Mutex<Vec<(u64, Recorded)>>,
    /// The number of the next entry.
    next: AtomicU64,
    refreshes: Mutex<Refreshes>,
}

/// Counts of refresh requests since the start, or since the request log was cleared.
///
/// ```
/// # async fn example() -> Result<(), okta_auth_dev::Error> {
/// let org = okta_auth_dev::Org::start().await?;
/// // ... a hundred requests meet an app whose access token has expired ...
/// let refreshes = org.refreshes();
/// assert!(refreshes.seen <= 1, "the app refreshes once");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refreshes {
    /// Received requests with `grant_type=refresh_token`, answered or not.
    pub seen: usize,
    /// Requests that succeeded, whether or not the response arrived.
    pub granted: usize,
    /// Successful requests with an already rotated refresh token, within the grace period. An app that refreshes once
    /// for each session causes none.
    pub repeated: usize,
    /// Requests with an already rotated refresh token after the grace period, which revoked the whole grant.
    pub reused: usize,
}

impl RequestLog {
    /// Adds a request before it is answered, and returns the entry's number.
    pub(crate) fn push(&self, request: Recorded) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.requests).push((number, request));
        number
    }

    /// Completes an entry with its response, unless the request log was cleared meanwhile.
    pub(crate) fn answered(&self, number: u64, request: &Recorded) {
        let mut requests = lock(&self.requests);
        if let Some((_, entry)) = requests.iter_mut().rfind(|(known, _)| *known == number) {
            entry.status = request.status;
            entry.refusal.clone_from(&request.refusal);
        }
    }

    pub(crate) fn all(&self) -> Vec<Recorded> {
        lock(&self.requests).iter().map(|(_, request)| request.clone()).collect()
    }

    pub(crate) fn count(&self, suffix: &str) -> usize {
        lock(&self.requests).iter().filter(|(_, request)| request.path.ends_with(suffix)).count()
    }

    pub(crate) fn note(&self, count: impl FnOnce(&mut Refreshes)) {
        count(&mut lock(&self.refreshes));
    }

    pub(crate) fn refreshes(&self) -> Refreshes {
        let is_refresh = |(_, request): &&(u64, Recorded)| {
            let grant = request.form_field("grant_type");
            request.path.ends_with("/v1/token") && grant.as_deref() == Some("refresh_token")
        };
        let seen = lock(&self.requests).iter().filter(is_refresh).count();
        Refreshes { seen, ..*lock(&self.refreshes) }
    }

    pub(crate) fn clear(&self) {
        lock(&self.requests).clear();
        *lock(&self.refreshes) = Refreshes::default();
    }
}
