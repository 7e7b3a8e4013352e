//! A message to an app, and the response of the app.

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
