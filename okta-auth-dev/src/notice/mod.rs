//! What the org tells apps by itself: that somebody was signed out.
//!
//! Okta's way from server to server is Universal Logout. Back-channel logout is there
//! for apps that serve other providers as well; Okta does not offer it, so no metadata
//! mentions it.

mod deliver;
mod logout_token;
mod revocation;

pub use logout_token::{LogoutToken, LogoutTokenFault};
pub use revocation::{GlobalRevocation, RevocationFault, SubjectFormat};

use serde_json::Value;

use crate::token::Draft;

/// A message to an app, signed and ready to be sent: once, or again and again.
///
/// ```
/// # async fn example() -> Result<(), okta_auth_dev::Error> {
/// use okta_auth_dev::{ADA, Org};
///
/// let org = Org::start().await?;
/// let notice = org.global_revocation(ADA).to("http://127.0.0.1:3000/global-token-revocation").notice();
/// assert_eq!(notice.send().await.status, Some(204));
/// // The same bytes once more are a replay.
/// assert_eq!(notice.send().await.status, Some(401));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Notice {
    /// Which app it is for.
    pub(crate) client_id: String,
    /// Where it goes.
    pub(crate) uri: String,
    /// The JWT in it.
    pub(crate) token: String,
    /// GET for a front channel, POST for everything else.
    pub(crate) method: &'static str,
    /// `Content-Type`.
    pub(crate) content_type: &'static str,
    /// `Authorization`, if there is any.
    pub(crate) authorization: Option<String>,
    /// What is posted.
    pub(crate) body: String,
}

/// What an app answered to a notice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// The app.
    pub client_id: String,
    /// Where the notice went.
    pub uri: String,
    /// The status; nothing if there was no answer.
    pub status: Option<u16>,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, as it was sent.
    pub body: String,
    /// Why there was no answer.
    pub problem: Option<String>,
}

impl Notice {
    /// What a hidden frame of the sign-out page would ask for, without a browser and
    /// its cookies.
    pub(crate) fn front_channel(client_id: String, uri: String) -> Self {
        Self {
            client_id,
            uri,
            token: String::new(),
            method: "GET",
            content_type: "text/plain",
            authorization: None,
            body: String::new(),
        }
    }

    /// The JWT that proves who sends it.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The body that is posted.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Where it goes.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Sends it, waits at most 10 s of real time, and tells what became of it. An app
    /// that is not on this machine, or not at plain HTTP, is not asked.
    pub async fn send(&self) -> Delivery {
        let delivery = Delivery { client_id: self.client_id.clone(), uri: self.uri.clone(), ..Delivery::default() };
        match deliver::send(self).await {
            Ok(answer) => {
                Delivery { status: Some(answer.status), headers: answer.headers, body: answer.body, ..delivery }
            }
            Err(problem) => Delivery { problem: Some(problem), ..delivery },
        }
    }
}

impl Delivery {
    /// The first header with this name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether the app did what it was told.
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// Sends several notices at the same time, and tells what became of them in their
/// order.
pub(crate) async fn send_all(notices: Vec<Notice>) -> Vec<Delivery> {
    let sending: Vec<_> = notices.into_iter().map(|notice| tokio::spawn(async move { notice.send().await })).collect();
    let mut deliveries = Vec::new();
    for delivery in sending {
        // Sending does not panic; what could go wrong is that the runtime ends.
        deliveries.extend(delivery.await);
    }
    deliveries
}

/// What a test changes about a token by name. A null removes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// Claims, in the order in which they were named.
    pub(crate) claims: Vec<(String, Value)>,
    /// Members of the header.
    pub(crate) header: Vec<(String, Value)>,
}

impl Changes {
    /// Makes the changes; those of the header come after the key, so they may
    /// contradict it.
    fn apply(&self, draft: &mut Draft) {
        self.claims.iter().for_each(|(name, value)| draft.claim(name, value.clone()));
        self.header.iter().for_each(|(name, value)| draft.header(name, value.clone()));
    }
}

/// A value with something appended, so that careless comparisons of prefixes show.
fn suffixed(draft: &Draft, name: &str) -> Value {
    format!("{}1", draft.text(name)).into()
}

/// Sets times to so many seconds from now.
fn shift(draft: &mut Draft, now: i64, times: &[(&str, i64)]) {
    times.iter().for_each(|(name, offset)| draft.claim(name, (now + offset).into()));
}
