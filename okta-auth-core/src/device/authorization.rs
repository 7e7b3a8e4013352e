//! A sign-in that waits for its user.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use super::client::DeviceClient;
use super::polling::Schedule;
use super::session::{DeviceSession, revoke};
use super::tokens::DeviceTokens;
use super::verification::Verification;
use crate::callback::VerifiedIdentity;
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::jose::{IdTokenRules, RefetchPolicy};
use crate::protocol::{DeviceAuthorizationResponse, TokenSet};
use crate::secret::Secret;

/// The longest lifetime of a device code; a longer one counts as this. Okta's codes live for 10 minutes.
const LONGEST_LIFETIME: Duration = Duration::from_secs(3_600);
/// How often the clock is read while a poll is not due. A machine that was suspended then continues by the clock.
const TICK: Duration = Duration::from_millis(250);

/// A sign-in that has started: what to show to the user, and the polls for the tokens (RFC 8628 §3.2). Clones share the
/// polls.
///
/// `Display` is the text to show: the name of the application, the address, the code and a warning.
#[derive(Clone)]
pub struct DeviceAuthorization(Arc<Inner>);

struct Inner {
    client: DeviceClient,
    device_code: Secret,
    verification: Verification,
    scopes: Vec<String>,
    expires_at: Timestamp,
    state: Mutex<State>,
}

struct State {
    schedule: Schedule,
    /// Issued tokens that could not be verified, because the keys could not be fetched.
    unverified: Option<TokenSet>,
    outcome: Option<Result<DeviceSession>>,
}

impl DeviceAuthorization {
    pub(super) fn new(
        client: DeviceClient,
        response: DeviceAuthorizationResponse,
        verification: Verification,
        scopes: Vec<String>,
    ) -> Self {
        let now = client.now();
        let expires_at = now.plus(response.lifetime().min(LONGEST_LIFETIME));
        let state = State { schedule: Schedule::new(response.interval(), now), unverified: None, outcome: None };
        let device_code = response.device_code;
        Self(Arc::new(Inner { client, device_code, verification, scopes, expires_at, state: Mutex::new(state) }))
    }

    /// Returns the code that the user types or compares: 1 to 32 visible ASCII characters.
    pub fn user_code(&self) -> &str {
        &self.0.verification.user_code
    }

    /// Returns the address that the user opens. It is https and at the issuer's origin; see
    /// [`DeviceFlowBuilder::verification_origin`](super::DeviceFlowBuilder::verification_origin).
    pub fn verification_uri(&self) -> &str {
        self.0.verification.uri.as_str()
    }

    /// Returns the address that includes the code, if the issuer provides one. Show the code beside it, because the
    /// user has to compare it (RFC 8628 §3.3.1).
    pub fn verification_uri_complete(&self) -> Option<&str> {
        self.0.verification.uri_complete.as_ref().map(url::Url::as_str)
    }

    /// Returns a QR code of the address that includes the code, as lines of Unicode block characters for a terminal
    /// with a dark background. `None` if the issuer provides no such address.
    pub fn qr_code(&self) -> Option<String> {
        let code = QrCode::new(self.verification_uri_complete()?).ok()?;
        Some(code.render::<Dense1x2>().dark_color(Dense1x2::Dark).light_color(Dense1x2::Light).build())
    }

    /// Returns when the code expires.
    pub fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    /// Returns the time until [`poll`](Self::poll) sends the next request.
    pub fn until_next_poll(&self) -> Duration {
        self.lock().schedule.until_next(self.0.client.now())
    }

    /// Polls until the user has decided or the code has expired, and saves the tokens.
    ///
    /// Dropping the future stops the polls, and another call continues them. While Okta is unavailable or limits the
    /// rate, the polls continue with longer pauses.
    ///
    /// # Errors
    /// [`Code::AuthorizationRefused`] with the provider's `access_denied` if the user refused or a policy at Okta
    /// denied the sign-in, [`Code::AttemptExpired`] if the code has expired, [`Code::StoreUnavailable`] if the tokens
    /// could not be saved, and otherwise that of the token endpoint or of the verification of the ID token. Each of
    /// them is final: start again.
    pub async fn wait_for_user(&self) -> Result<DeviceSession> {
        loop {
            if let Some(session) = self.poll().await? {
                return Ok(session);
            }
            tokio::time::sleep(self.until_next_poll().min(TICK)).await;
        }
    }

    /// Asks once whether the user has decided. Before the interval has passed, or while another poll is running, it
    /// sends no request. `None` means that the user has not decided yet.
    ///
    /// The request continues if this future is dropped, because its response may contain the tokens.
    ///
    /// # Errors
    /// As for [`wait_for_user`](Self::wait_for_user).
    pub async fn poll(&self) -> Result<Option<DeviceSession>> {
        let now = self.0.client.now();
        {
            let mut state = self.lock();
            if let Some(outcome) = &state.outcome {
                return outcome.clone().map(Some);
            }
            if now >= self.0.expires_at && state.unverified.is_none() {
                state.outcome = Some(Err(expired()));
                return Err(expired());
            }
            if !state.schedule.claim(now) {
                return Ok(None);
            }
        }
        let this = self.clone();
        let running = tokio::spawn(async move {
            let outcome = this.request().await;
            this.record(outcome)
        });
        running
            .await
            .map_err(|error| Error::new(Code::Internal, "a poll ended without an outcome").with_cause(error))?
    }

    /// Decides what an answer means (RFC 8628 §3.5).
    fn record(&self, outcome: Result<DeviceSession>) -> Result<Option<DeviceSession>> {
        let (now, mut state) = (self.0.client.now(), self.lock());
        match outcome {
            Err(error) if error.provider_error() == Some("authorization_pending") => {
                state.schedule.answered(now, false);
                Ok(None)
            }
            Err(error) if error.provider_error() == Some("slow_down") => {
                state.schedule.answered(now, true);
                Ok(None)
            }
            Err(error) if error.is_temporary() && error.code() != Code::StoreUnavailable => {
                tracing::debug!(target: "okta_auth", code = %error.code(), "a poll failed and is repeated: {error:?}");
                state.schedule.failed(now, &error);
                Ok(None)
            }
            outcome => {
                let outcome = outcome.map_err(explained);
                state.outcome = Some(outcome.clone());
                outcome.map(Some)
            }
        }
    }

    async fn request(&self) -> Result<DeviceSession> {
        let client = &self.0.client;
        let metadata = client.provider().discovery.metadata().await?;
        let issued = self.lock().unverified.take();
        let tokens = match issued {
            Some(tokens) => tokens,
            None => client.provider().protocol.device_tokens(&metadata, &self.0.device_code).await?,
        };
        let with = client.provider().context(&metadata);
        let id_token = tokens.id_token.as_ref().ok_or_else(|| {
            let message = "Okta's token response has no ID token; check that the scope `openid` is granted";
            Error::new(Code::IdTokenMissing, message)
        })?;
        let rules = IdTokenRules {
            issuer: metadata.issuer(),
            client_id: &with.config.client_id,
            trusted_audiences: &with.config.app.options.trusted_audiences,
            nonce: None,
            access_token: Some(tokens.access_token.expose()),
            max_age: None,
            acr_values: &[],
            // The ID token came over TLS from the token endpoint, for our own device code.
            trust: RefetchPolicy::Always,
        };
        let id_token = match with.verifier.id_token(metadata.jwks_uri(), id_token.expose(), &rules).await {
            Ok(id_token) => id_token,
            Err(error) => {
                self.lock().unverified = error.is_temporary().then_some(tokens);
                return Err(error);
            }
        };
        let mut identity = VerifiedIdentity::new(id_token, tokens, with.config);
        identity.complete(&with).await?;
        self.keep(identity).await
    }

    /// Saves the tokens. If that fails they are revoked, because the next run of the tool would not find them.
    async fn keep(&self, identity: VerifiedIdentity) -> Result<DeviceSession> {
        let client = &self.0.client;
        let (issuer, client_id) = client.owner();
        let claims = identity.all_claims().clone();
        let scopes = identity.tokens.scopes.clone().unwrap_or_else(|| self.0.scopes.clone());
        let tokens = DeviceTokens::new((&issuer, client_id), identity.tokens, (scopes, claims), client.now())?;
        if let Err(error) = client.store().save(&tokens).await {
            if let Err(error) = revoke(client, &tokens).await {
                tracing::warn!(target: "okta_auth", code = %error.code(), "tokens that could not be saved were not revoked: {error:?}");
            }
            return Err(error);
        }
        Ok(DeviceSession::new(client.clone(), tokens))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn expired() -> Error {
    Error::new(Code::AttemptExpired, "the code has expired before the user confirmed it; start again")
}

/// The final answers of RFC 8628 §3.5 in the words of a sign-in.
fn explained(error: Error) -> Error {
    match error.provider_error() {
        Some("expired_token") => expired().with_provider_error("expired_token"),
        Some("access_denied") if error.code() == Code::TokenRefused => {
            let message = "the sign-in was refused: the user did not confirm the code, or a policy of Okta does not allow \
                           it (access_denied)";
            let description = error.provider_description().unwrap_or_default().to_owned();
            let refused = Error::new(Code::AuthorizationRefused, message).with_provider_error("access_denied");
            refused.with_provider_description(&description)
        }
        _ => error,
    }
}

impl fmt::Display for DeviceAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, uri) = (self.0.client.name(), &self.0.verification.uri);
        let host = uri.host_str().unwrap_or_default();
        writeln!(f, "To sign in to {name}, open this address in a browser on any device:\n")?;
        writeln!(f, "    {uri}\n")?;
        writeln!(f, "and enter this code:\n")?;
        writeln!(f, "    {}\n", self.user_code())?;
        write!(
            f,
            "Check that the page is at {host} and asks about {name}. Confirm only a code that you requested yourself, \
             never one that another person sent you."
        )
    }
}

opaque_debug!(DeviceAuthorization, |it| user_code: it.user_code(), verification_uri: it.verification_uri());
