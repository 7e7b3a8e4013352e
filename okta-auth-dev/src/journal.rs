//! What the server saw.
//!
//! The journal is how a test finds out what the app sent, how often, and what it did
//! not send.

use std::sync::Mutex;

use url::form_urlencoded;

use crate::sync::lock;

/// A request the server saw.
///
/// ```
/// # async fn example() -> Result<(), okta_auth_dev::Error> {
/// let org = okta_auth_dev::Org::start().await?;
/// // ... the app redirects to the org ...
/// for request in org.journal() {
///     println!("{} {} {:?}", request.method, request.path, request.query_param("scope"));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// The method, in capitals.
    pub method: String,
    /// The path, as sent.
    pub path: String,
    /// The query without the question mark, as sent; empty if there was none.
    pub query: String,
    /// The headers in the order received, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; bytes that are no UTF-8 are replaced.
    pub body: String,
}

impl Recorded {
    /// The decoded pairs of the query, in order.
    ///
    /// Parameters that appear twice are there twice: a client that sends one twice has
    /// a bug.
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.query.as_bytes()).into_owned().collect()
    }

    /// The decoded pairs of the body, read as a form, in order.
    ///
    /// Whatever the content type says; a body that is no form gives pairs that make no
    /// sense.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }

    /// The first query parameter with this name.
    pub fn query_param(&self, name: &str) -> Option<String> {
        first(self.query_pairs(), name)
    }

    /// The first form field with this name.
    pub fn form_field(&self, name: &str) -> Option<String> {
        first(self.form(), name)
    }

    /// The first header with this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The cookie with this name.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.headers.iter().filter(|(header, _)| header == "cookie");
        let mut pairs = cookies.flat_map(|(_, value)| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

/// The first pair with this name.
fn first(pairs: Vec<(String, String)>, name: &str) -> Option<String> {
    pairs.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// Every request since the start or since the journal was cleared.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    requests: Mutex<Vec<Recorded>>,
    refreshes: Mutex<Refreshes>,
}

/// What became of the requests to refresh, since the start or since the journal was
/// cleared.
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
    /// How many requests with `grant_type=refresh_token` token endpoints got, answered
    /// or not.
    pub seen: usize,
    /// How many of them were carried out, whether the answer arrived or not.
    pub granted: usize,
    /// How many of those had a refresh token that was replaced before, within the
    /// leeway. An app that refreshes once for each session causes none.
    pub repeated: usize,
    /// How many came with a replaced refresh token after the leeway, and revoked
    /// everything.
    pub reused: usize,
}

impl Journal {
    /// Adds a request, before it is answered.
    pub(crate) fn push(&self, request: Recorded) {
        lock(&self.requests).push(request);
    }

    /// A copy, oldest first.
    pub(crate) fn all(&self) -> Vec<Recorded> {
        lock(&self.requests).clone()
    }

    /// How many paths end with this.
    pub(crate) fn count(&self, suffix: &str) -> usize {
        lock(&self.requests).iter().filter(|request| request.path.ends_with(suffix)).count()
    }

    /// Counts something about refreshes.
    pub(crate) fn note(&self, count: impl FnOnce(&mut Refreshes)) {
        count(&mut lock(&self.refreshes));
    }

    /// What became of the requests to refresh.
    pub(crate) fn refreshes(&self) -> Refreshes {
        let is_refresh = |request: &&Recorded| {
            let grant = request.form_field("grant_type");
            request.path.ends_with("/v1/token") && grant.as_deref() == Some("refresh_token")
        };
        let seen = lock(&self.requests).iter().filter(is_refresh).count();
        Refreshes { seen, ..*lock(&self.refreshes) }
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        lock(&self.requests).clear();
        *lock(&self.refreshes) = Refreshes::default();
    }
}
