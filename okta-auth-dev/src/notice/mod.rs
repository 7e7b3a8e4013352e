//! Messages that the org sends to apps: a user was signed out.
//!
//! Okta's server-to-server message is Universal Logout. Back-channel logout is available
//! for apps that also serve other providers; Okta does not offer it, so the metadata does
//! not mention it.

mod deliver;
mod logout_token;
mod revocation;

pub use logout_token::{LogoutToken, LogoutTokenFault};
pub use revocation::{GlobalRevocation, RevocationFault, SubjectFormat};

use serde_json::Value;

use crate::token::Draft;

/// A message to an app, signed and ready to be sent once or repeatedly.
///
/// ```
/// # async fn example() -> Result<(), okta_auth_dev::Error> {
/// use okta_auth_dev::{ADA, Org};
///
/// let org = Org::start().await?;
/// let notice = org.global_revocation(ADA).to("http://127.0.0.1:3000/global-token-revocation").notice();
/// assert_eq!(notice.send().await.status, Some(204));
/// // Sending the same bytes again is a replay.
/// assert_eq!(notice.send().await.status, Some(401));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Notice {
    pub(crate) client_id: String,
    pub(crate) uri: String,
    pub(crate) token: String,
    /// GET for a front channel, otherwise POST.
    pub(crate) method: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

/// The response of an app to a notice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// The client id of the app.
    pub client_id: String,
    /// The URI that the notice was sent to.
    pub uri: String,
    /// The status; `None` if there was no response.
    pub status: Option<u16>,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as sent.
    pub body: String,
    /// Why there was no response.
    pub problem: Option<String>,
}

impl Notice {
    /// The request of a hidden frame on the sign-out page, without browser and cookies.
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

    /// Returns the JWT that authenticates the sender.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Returns the body of the POST.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Returns the target URI.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Sends the notice and waits at most 10 s of real time. Apps on other machines or
    /// without plain HTTP are not contacted; the delivery then has a problem.
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
    /// Returns the first header with this name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether the app responded with a 2xx status.
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// Sends several notices concurrently, and returns the deliveries in their order.
pub(crate) async fn send_all(notices: Vec<Notice>) -> Vec<Delivery> {
    let sending: Vec<_> = notices.into_iter().map(|notice| tokio::spawn(async move { notice.send().await })).collect();
    let mut deliveries = Vec::new();
    for delivery in sending {
        // Sending does not panic; a task fails only if the runtime shuts down.
        deliveries.extend(delivery.await);
    }
    deliveries
}

/// Changes that a test makes to a token by name. A null removes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// Claims, in the order of the calls.
    pub(crate) claims: Vec<(String, Value)>,
    pub(crate) header: Vec<(String, Value)>,
}

impl Changes {
    /// Applies the changes. Header changes are applied after the key, so they may
    /// contradict it.
    fn apply(&self, draft: &mut Draft) {
        self.claims.iter().for_each(|(name, value)| draft.claim(name, value.clone()));
        self.header.iter().for_each(|(name, value)| draft.header(name, value.clone()));
    }
}

/// A value with a suffix, so that prefix comparisons fail.
fn suffixed(draft: &Draft, name: &str) -> Value {
    format!("{}1", draft.text(name)).into()
}

/// Sets times to offsets from now, in seconds.
fn shift(draft: &mut Draft, now: i64, times: &[(&str, i64)]) {
    times.iter().for_each(|(name, offset)| draft.claim(name, (now + offset).into()));
}
