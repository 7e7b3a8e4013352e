//! Provider-initiated logout: front-channel, back-channel, Universal Logout.
//!
//! # The order
//!
//! | step | back-channel | Universal Logout |
//! |---|---|---|
//! | 1 | the form has one token | the header has one token |
//! | 2 | | the unverified `iss` selects the issuer or its org |
//! | 3 | signature, kind, issuer, audience, times | the same, with the selected keys |
//! | 4 | the token is claimed, on all replicas | the same |
//! | 5 | the sessions are identified by `sid` or `sub` | by the body |
//! | 6 | they end, and their refresh tokens are revoked later | the same |
//! | 7 | the token is marked as used, unless the store failed | the same |
//!
//! An unauthenticated sender gets as far as step 3, which costs one verification and at
//! most one fetch of keys per floor interval. The body of Universal Logout is not parsed
//! before that, so the response reveals neither supported formats nor existing users.
//!
//! # Replay protection
//!
//! The id of a token is claimed where sessions end: in the store, or in the revocation list
//! for sessions in cookies. It is kept until the token would be rejected for its age by the
//! slowest tolerated clock. Without such storage no message is accepted. See
//! [`once`](super::logout_replay) for messages that arrive while the store fails.
//!
//! # Limits of front-channel logout
//!
//! Any page can load its URL. With `iss` and `sid` it ends the Okta session's local
//! sessions wherever their cookies are, which also works in browsers that block cookies in
//! frames. Without `iss` and `sid` it is rejected, unless the application allows that form.
//! It then ends the session of the request's cookie, and only in the navigation of a frame.
//!
//! # Responses
//!
//! A message either has an authenticated sender, or it can only sign a user out. Sessions
//! end in the store or by a watermark that every replica reads, once for each message.
//! [`logout`](crate::logout) decides on the response for each of the three.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, RETRY_AFTER, WWW_AUTHENTICATE, X_FRAME_OPTIONS};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;
use url::Url;

use super::OktaAuth;
use super::audit;
use super::context::{CookieUpdate, RequestContext};
use super::reply::{self, Reply};
use crate::bearer::Authority;
use crate::config::Issuer;
use crate::error::{Code, Error, Result};
use crate::events::{CorrelationId, EndReason};
use crate::jose::{LogoutSubject, LogoutTokenRules, RevocationTokenRules};
use crate::logout::{AcceptedIssuers, Channel, FrontTarget, Signer, SubjectIdentifier};
use crate::logout::{front_channel_target, logout_token, origin_of, revocation_subject, revocation_token};
use crate::session::{Kind, Sessions, StoreKey};

#[derive(Debug)]
pub(super) struct LogoutIssuers {
    /// The accepted senders of Universal Logout.
    accepted: AcceptedIssuers,
    /// The org of a custom server, whose keys may have signed the message.
    org: Option<Authority>,
}

impl LogoutIssuers {
    pub(super) fn new(issuer: &Issuer, authority: impl FnOnce(Issuer) -> Authority) -> Self {
        let accepted = AcceptedIssuers::of(issuer);
        let org = accepted.issuer(Signer::Org);
        let url = Url::parse(org).ok().filter(|_| org != issuer.as_str());
        Self { org: url.map(|url| authority(Issuer::new(org, url))), accepted }
    }
}

impl RequestContext {
    /// Serves front-channel logout, which Okta's sign-out page loads in a hidden frame.
    /// Only the issuer may frame the response, and it does not reveal whether a session
    /// existed.
    pub(super) async fn front_channel_logout(&self, parts: &Parts, body: &Bytes) -> Reply {
        let outcome = self.try_front_channel(parts, body).await;
        audit::emit_logout(self, Channel::Front, &outcome);
        let mut reply = match outcome {
            Ok(_) => reply::html(Channel::Front.done(), "<!doctype html><title>Signed out</title>".to_owned()),
            Err(error) => refusal(Channel::Front, &error, self.reference()),
        };
        let ancestor = origin_of(self.auth().config().issuer()).unwrap_or_else(|| "'none'".to_owned());
        let policy = format!("default-src 'none'; frame-ancestors {ancestor}");
        let headers = reply.headers_mut();
        headers.remove(X_FRAME_OPTIONS);
        headers.insert(
            CONTENT_SECURITY_POLICY,
            HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("frame-ancestors 'none'")),
        );
        if self.is_ended_by(parts, body) {
            let session = self.known_session().map(Arc::as_ref);
            let clear = self.auth().0.sessions.clear(self.cookies(), session);
            self.inner().keep(CookieUpdate::None);
            reply::add_cookies(reply.headers_mut(), clear);
        }
        reply
    }

    async fn try_front_channel(&self, parts: &Parts, body: &[u8]) -> Result<Option<usize>> {
        let auth = self.auth();
        match front_channel_target(parts, body, auth.config())? {
            None => Ok(Some(0)),
            Some(FrontTarget::Session { sid }) => {
                let name = auth.0.sessions.index_keys().name(Kind::OktaSession, sid.as_bytes());
                let ended = auth.end_reported(&name, EndReason::FrontChannel, self.reference()).await;
                // Sessions in cookies are not listed, but the one in this request is known
                // and ends.
                if let (Sessions::Cookie { .. }, Some(session)) = (&*auth.0.sessions, self.known_session())
                    && self.is_ended_by(parts, body)
                {
                    audit::emit_ended(self, session, EndReason::FrontChannel);
                }
                ended
            }
            Some(FrontTarget::Browser) => match self.session()? {
                Some(session) if auth.0.sessions.end(session, self.now()).await? => {
                    audit::emit_ended(self, session, EndReason::FrontChannel);
                    Ok(Some(1))
                }
                _ => Ok(Some(0)),
            },
        }
    }

    /// Whether a front-channel message ends the session of the request's own cookie.
    fn is_ended_by(&self, parts: &Parts, body: &[u8]) -> bool {
        let Ok(Some(session)) = self.session() else { return false };
        match front_channel_target(parts, body, self.auth().config()) {
            Ok(Some(FrontTarget::Browser)) => true,
            Ok(Some(FrontTarget::Session { sid })) => session.okta_session() == Some(sid.as_str()),
            _ => false,
        }
    }

    /// Serves back-channel logout (OIDC Back-Channel Logout §2.5).
    pub(super) async fn back_channel_logout(&self, parts: &Parts, body: &Bytes) -> Reply {
        self.answer_to(Channel::Back, self.auth().back_channel(parts, body, self.reference()).await)
    }

    /// Serves Universal Logout (Global Token Revocation §3).
    pub(super) async fn global_token_revocation(&self, parts: &Parts, body: &Bytes) -> Reply {
        self.answer_to(Channel::Universal, self.auth().universal(parts, body, self.reference()).await)
    }

    fn answer_to(&self, channel: Channel, outcome: Result<Option<usize>>) -> Reply {
        audit::emit_logout(self, channel, &outcome);
        match outcome {
            Ok(_) => reply::with_body(channel.done(), "text/plain; charset=utf-8", Bytes::new()),
            Err(error) => refusal(channel, &error, self.reference()),
        }
    }
}

impl OktaAuth {
    async fn back_channel(&self, parts: &Parts, body: &[u8], reference: CorrelationId) -> Result<Option<usize>> {
        let config = self.config();
        let token = logout_token(&parts.headers, body)?;
        let metadata = self.metadata().await?;
        let rules = LogoutTokenRules { issuer: metadata.issuer(), client_id: &config.client_id };
        let token = self.0.verifier.logout_token(metadata.jwks_uri(), &token, &rules).await?;
        let index_keys = self.0.sessions.index_keys();
        let work = async {
            match token.ends() {
                LogoutSubject::User { subject } => {
                    let name = index_keys.name(Kind::Subject, subject.as_bytes());
                    self.end_named(&name, EndReason::BackChannel, reference).await
                }
                LogoutSubject::Session { sid, subject } => {
                    let name = index_keys.name(Kind::OktaSession, sid.as_bytes());
                    self.end_session_of(&name, subject, reference).await
                }
            }
        };
        self.once(token.issuer(), token.once(), work).await
    }

    /// Ends the sessions of an index key if they belong to this user. A watermark for
    /// sessions in cookies has no user, and an Okta session has only one.
    async fn end_session_of(
        &self,
        name: &StoreKey,
        subject: Option<&str>,
        reference: CorrelationId,
    ) -> Result<Option<usize>> {
        if let (Sessions::Stored(stored), Some(subject)) = (&*self.0.sessions, subject) {
            let named = stored.named(name, self.0.clock.now()).await?;
            if named.iter().any(|entry| entry.session.subject() != subject) {
                return Ok(Some(0));
            }
        }
        self.end_named(name, EndReason::BackChannel, reference).await
    }

    async fn universal(&self, parts: &Parts, body: &[u8], reference: CorrelationId) -> Result<Option<usize>> {
        let LogoutIssuers { accepted, org } = &self.0.senders;
        let token = revocation_token(parts)?;
        let signer = accepted.signer(&token)?;
        let (discovery, verifier) = match (signer, org) {
            (Signer::Org, Some(org)) => (&org.discovery, &org.verifier),
            _ => (&self.0.discovery, &self.0.verifier),
        };
        let endpoint = self.revocation_endpoint();
        let metadata = discovery.metadata().await?;
        let rules = RevocationTokenRules {
            issuer: metadata.issuer(),
            client_id: &self.config().client_id,
            endpoint: &endpoint,
        };
        let token = verifier.revocation_token(metadata.jwks_uri(), &token, &rules).await?;
        self.once(token.issuer(), token.once(), self.revoke(&parts.headers, body, reference)).await
    }

    async fn revoke(&self, headers: &HeaderMap, body: &[u8], reference: CorrelationId) -> Result<Option<usize>> {
        let index_keys = self.0.sessions.index_keys();
        let subject = revocation_subject(headers, body, &self.0.senders.accepted)?;
        let by_email = matches!(subject, SubjectIdentifier::Email(_));
        let name = match subject {
            SubjectIdentifier::Email(email) => index_keys.email(email.as_str()),
            SubjectIdentifier::IssuerSubject { sub: id, .. } | SubjectIdentifier::Opaque { id } => {
                index_keys.name(Kind::Subject, id.as_bytes())
            }
        };
        match self.end_named(&name, EndReason::UniversalLogout, reference).await {
            Ok(None | Some(0)) if by_email && !self.config().asks_for_email() => Err(without_email()),
            Ok(Some(0)) => Err(Error::new(Code::LogoutSubjectUnknown, "the subject has no session here")),
            Ok(ended) => Ok(ended),
            Err(error) if error.code() == Code::StoreUnsupported => {
                let message = "sessions in cookies without a revocation list cannot be ended from the server side; \
                               set OKTA_REVOCATION_STORE or OKTA_SESSION_STORE";
                Err(Error::new(Code::LogoutUnsupported, message).with_cause(error))
            }
            Err(error) => Err(error),
        }
    }

    /// The URL of this endpoint in Okta's configuration, which is the audience of its
    /// tokens.
    fn revocation_endpoint(&self) -> String {
        let config = self.config();
        config.public_url(config.routes().global_token_revocation().unwrap_or_default())
    }
}

/// The error for a subject by e-mail address when sessions have none. Sessions that do have
/// one have ended.
fn without_email() -> Error {
    let message = "Okta named a user by e-mail address, and sessions have none; add `email` to OKTA_SCOPES";
    Error::new(Code::LogoutUnsupported, message)
}

/// Creates the response to the sender of a rejected message: a status, a stable code and a
/// reference for the log, without the reason.
fn refusal(channel: Channel, error: &Error, reference: CorrelationId) -> Reply {
    let (code, status) = (error.code(), channel.status(error));
    let mut reply = reply::json(status, &json!({ "error": code.as_str(), "reference": reference.to_string() }));
    let headers = reply.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        // A missing credential is not an invalid one (RFC 6750 §3.1).
        let sent = code != Code::LogoutRefused;
        let challenge = if sent { "Bearer error=\"invalid_token\"" } else { "Bearer" };
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let wait = error.retry_after().map_or(10, |wait| wait.as_secs().max(1));
        headers.insert(RETRY_AFTER, HeaderValue::from(wait));
    }
    reply
}
