//! The record of one session.

use std::any::TypeId;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::tokens::{SealedText, Tokens};
use crate::callback::VerifiedIdentity;
use crate::clock::Timestamp;
use crate::error::{Code, Error, Result};
use crate::secret::{Secret, SecretBytes, random_bytes};

/// More bytes than the parts of a record that have no text, and the lengths of the others, are encoded as.
const FIXED: usize = 128;

/// A signed-in user's session. Only a verified identity becomes one.
#[derive(Clone)]
pub struct Session {
    /// What most requests look at, and what never changes.
    record: Arc<Record>,
    /// When it was last used: the idle limit counts from here. It follows the record.
    last_seen_at: Timestamp,
    /// What few requests do.
    tokens: Tokens,
    /// The claims as JSON text, once somebody has asked.
    shown: OnceLock<Vec<u8>>,
    /// Read from the claims when a handler first asks.
    profile: OnceLock<Profile>,
    /// Read from the text when a policy or a handler first asks.
    parsed: OnceLock<Map<String, Value>>,
}

/// What is remembered of a sign-in, apart from the tokens.
#[derive(Clone, Serialize, Deserialize)]
struct Record {
    /// Tells this session from any other one of the same user; never leaves the record.
    id: [u8; 16],
    /// Who authenticated the user.
    issuer: String,
    /// For which application.
    client_id: String,
    /// The user, at that issuer.
    subject: String,
    /// All claims as JSON text: the record's own encoding is not self-describing. Absent if
    /// they are those of the ID token, which is there already.
    claims: Option<String>,
    /// What the application put in at sign-in, as JSON text.
    app_data: String,
    /// What was granted.
    scopes: Vec<String>,
    /// By `expires_in` of the token response.
    access_token_expires_at: Option<Timestamp>,
    /// When the user signed in: the absolute limit counts from here.
    created_at: Timestamp,
}

/// The claims that handlers ask for most, read when one first does.
#[derive(Clone, Default)]
struct Profile {
    name: Option<String>,
    email: Option<String>,
    groups: Vec<String>,
}

impl Session {
    /// A new session, with a new id, from what has just been verified.
    pub(crate) fn new(
        identity: &VerifiedIdentity,
        client_id: &str,
        app_data: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Self> {
        let tokens = Tokens::new(&identity.tokens)?;
        let ours = tokens.id_token_payload().is_none() || identity.all_claims() != identity.id_token().all();
        let record = Record {
            id: random_bytes()?,
            issuer: identity.issuer().to_owned(),
            client_id: client_id.to_owned(),
            subject: identity.subject().to_owned(),
            claims: if ours { Some(text(identity.all_claims())?) } else { None },
            app_data: text(app_data)?,
            scopes: identity.scopes.clone(),
            access_token_expires_at: identity.tokens.access_token_expires_at,
            created_at: now,
        };
        Ok(Self::assemble(Arc::new(record), now, tokens))
    }

    /// The session as bytes, after the number of their format.
    pub(super) fn encode(&self, format: u8) -> Result<SecretBytes> {
        let failed = |error| Error::new(Code::Internal, "a session cannot be encoded").with_cause(error);
        // Room for all of it: a buffer that grows is copied, and leaves copies behind.
        let mut bytes = Vec::with_capacity(self.record.size().saturating_add(self.tokens.size()));
        bytes.push(format);
        let bytes = postcard::to_extend(&(&*self.record, self.last_seen_at), bytes).map_err(failed)?;
        let mut bytes = SecretBytes::new(bytes);
        self.tokens.append_to(&mut bytes);
        Ok(bytes)
    }

    /// The same session for a cache: its tokens are left in the cookie, and its claims are
    /// taken out of it.
    pub(super) fn with_sealed_tokens(self, cookie: SealedText) -> Self {
        self.claims_json();
        Self { tokens: self.tokens.sealed(cookie), ..self }
    }

    /// Nothing has been asked for yet.
    fn assemble(record: Arc<Record>, last_seen_at: Timestamp, tokens: Tokens) -> Self {
        let (shown, profile, parsed) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Self { record, last_seen_at, tokens, shown, profile, parsed }
    }

    /// Reads a part of what has been decrypted; `None` if it is no session of this format.
    pub(super) fn decode(bytes: SecretBytes, range: Range<usize>, format: u8) -> Option<Self> {
        let (first, encoded) = bytes.get(range.clone())?.split_first()?;
        let ((record, last_seen_at), tokens) = postcard::take_from_bytes::<(Record, Timestamp)>(encoded).ok()?;
        if *first != format {
            return None;
        }
        let tokens = range.end.checked_sub(tokens.len())?..range.end;
        let tokens = Tokens::read(bytes, tokens)?;
        Some(Self::assemble(Arc::new(record), last_seen_at, tokens))
    }

    /// The issuer that authenticated the user.
    pub fn issuer(&self) -> &str {
        &self.record.issuer
    }

    /// The user's identifier at the issuer (`sub`).
    pub fn subject(&self) -> &str {
        &self.record.subject
    }

    /// What the user is called: `name`, or else `preferred_username`, `email`, or the
    /// subject.
    pub fn name(&self) -> &str {
        self.profile().name.as_deref().unwrap_or(&self.record.subject)
    }

    /// The e-mail address, if Okta tells it.
    pub fn email(&self) -> Option<&str> {
        self.profile().email.as_deref()
    }

    /// The `groups` claim; empty if there is none or it is not a list of texts.
    pub fn groups(&self) -> &[String] {
        &self.profile().groups
    }

    /// The granted scopes.
    pub fn scopes(&self) -> &[String] {
        &self.record.scopes
    }

    /// When the user signed in.
    pub fn created_at(&self) -> Timestamp {
        self.record.created_at
    }

    /// The access token, for calling other APIs, and when it expires. It is not
    /// refreshed.
    pub fn access_token(&self) -> Option<(Secret, Option<Timestamp>)> {
        self.tokens.access_token().map(|token| (token, self.record.access_token_expires_at))
    }

    /// Every claim: those of the ID token, and what userinfo added.
    pub fn all_claims(&self) -> &Map<String, Value> {
        self.parsed.get_or_init(|| serde_json::from_slice(self.claims_json()).unwrap_or_default())
    }

    /// Every claim, as JSON.
    fn claims_json(&self) -> &[u8] {
        match &self.record.claims {
            Some(claims) => claims.as_bytes(),
            None => self.shown.get_or_init(|| self.tokens.id_token_payload().unwrap_or_default()),
        }
    }

    /// The claims as a type of the application's own. `()` asks for none.
    ///
    /// Claims that the type does not name are ignored, as is usual with `serde`; those
    /// that it names and that are missing, or of another type, are an error.
    ///
    /// # Errors
    /// [`Code::ClaimsMismatch`] if they do not fit `C`.
    pub fn claims<C: DeserializeOwned + 'static>(&self) -> Result<C> {
        let nothing = TypeId::of::<C>() == TypeId::of::<()>();
        let source = if nothing { b"null" } else { self.claims_json() };
        serde_json::from_slice(source).map_err(|error| mismatch("the claims of the session", error))
    }

    /// What the `on_sign_in` hook stored under `name`.
    ///
    /// # Errors
    /// [`Code::ClaimsMismatch`] if it is there but does not fit `T`.
    pub fn app_data<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let mut data: Map<String, Value> =
            serde_json::from_str(&self.record.app_data).map_err(|error| mismatch("the application's data", error))?;
        let value = data.remove(name).map(serde_json::from_value).transpose();
        value.map_err(|error| mismatch("the application's data", error))
    }

    /// The ID token, as a hint at sign-out.
    pub(crate) fn id_token(&self) -> Option<Secret> {
        self.tokens.id_token()
    }

    /// The refresh token, to be revoked at sign-out.
    pub(crate) fn refresh_token(&self) -> Option<Secret> {
        self.tokens.refresh_token()
    }

    /// When the session was last used, as far as the cookie tells.
    pub(crate) fn last_seen_at(&self) -> Timestamp {
        self.last_seen_at
    }

    /// Whether the session belongs to this issuer and client. The seal says so already;
    /// this is the second lock.
    pub(crate) fn belongs_to(&self, issuer: &str, client_id: &str) -> bool {
        self.record.issuer == issuer && self.record.client_id == client_id
    }

    /// The same session, used at `now`.
    pub(crate) fn touched(&self, now: Timestamp) -> Self {
        Self::assemble(Arc::clone(&self.record), now.max(self.last_seen_at), self.tokens.clone())
    }

    /// The claims for display, read once. Claims of another type than expected are none.
    fn profile(&self) -> &Profile {
        self.profile.get_or_init(|| {
            let claims = self.all_claims();
            let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            let name = text("name").or_else(|| text("preferred_username")).or_else(|| text("email"));
            Profile {
                name: name.map(str::to_owned),
                email: text("email").map(str::to_owned),
                groups: claims.get("groups").and_then(|groups| Vec::deserialize(groups).ok()).unwrap_or_default(),
            }
        })
    }
}

impl Record {
    /// About how many bytes it is encoded as, and not fewer.
    fn size(&self) -> usize {
        let claims = self.claims.as_deref().unwrap_or_default();
        let texts = [&self.issuer, &self.client_id, &self.subject, &self.app_data].map(|text| text.len());
        let scopes = self.scopes.iter().map(|scope| scope.len().saturating_add(FIXED / 8));
        texts.into_iter().chain(scopes).fold(FIXED.saturating_add(claims.len()), usize::saturating_add)
    }
}

/// An object as JSON text.
fn text(object: &Map<String, Value>) -> Result<String> {
    serde_json::to_string(object)
        .map_err(|error| Error::new(Code::Internal, "the claims cannot be written").with_cause(error))
}

/// The error names no claim and no value.
fn mismatch(what: &str, error: serde_json::Error) -> Error {
    Error::new(Code::ClaimsMismatch, format!("{what} do not fit the type that was asked for")).with_cause(error)
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (issuer, created_at) = (self.issuer(), self.created_at());
        f.debug_struct("Session").field("issuer", &issuer).field("created_at", &created_at).finish_non_exhaustive()
    }
}

#[cfg(test)]
impl Session {
    /// A session for tests with these claims.
    pub(crate) fn with_claims(claims: &Map<String, Value>, now: Timestamp) -> Self {
        let mut session = Self::sample(0, now);
        Arc::make_mut(&mut session.record).claims = Some(text(claims).unwrap());
        session
    }

    /// A session for tests, with `filler` bytes in its claims.
    pub(crate) fn sample(filler: usize, now: Timestamp) -> Self {
        let name = "x".repeat(filler);
        let record = Record {
            id: random_bytes().unwrap(),
            issuer: "https://issuer.example".to_owned(),
            client_id: "client".to_owned(),
            subject: "00u1".to_owned(),
            claims: Some(format!(r#"{{"sub":"00u1","name":"{name}","email":"a@b.example","groups":["A","B"]}}"#)),
            app_data: r#"{"role":"owner"}"#.to_owned(),
            scopes: vec!["openid".to_owned()],
            access_token_expires_at: Some(now),
            created_at: now,
        };
        Self::assemble(Arc::new(record), now, Tokens::sample())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Claims {
        email: String,
    }

    #[derive(Debug, Deserialize)]
    struct Others {
        #[expect(dead_code, reason = "it is not in the session")]
        department: String,
    }

    #[test]
    fn claims_are_read_as_the_type_asked_for() {
        let session = Session::sample(3, Timestamp::from_seconds(1));
        assert_eq!((session.name(), session.email(), session.groups().len()), ("xxx", Some("a@b.example"), 2));
        session.claims::<()>().unwrap();
        assert_eq!(session.claims::<Claims>().unwrap().email, "a@b.example");
        assert_eq!(session.claims::<Others>().unwrap_err().code(), Code::ClaimsMismatch);
        assert_eq!(session.app_data::<String>("role").unwrap().as_deref(), Some("owner"));
        assert_eq!(session.app_data::<String>("other").unwrap(), None);
        assert_eq!(session.app_data::<u8>("role").unwrap_err().code(), Code::ClaimsMismatch);
    }

    #[test]
    fn debug_shows_neither_tokens_nor_claims() {
        let shown = format!("{:?}", Session::sample(3, Timestamp::from_seconds(1)));
        assert!(!shown.contains("token") && !shown.contains("a@b") && !shown.contains("00u1"));
    }

    #[test]
    fn a_record_of_another_format_is_no_session() {
        let session = Session::sample(3, Timestamp::from_seconds(1));
        let decode = |format| {
            let bytes = session.encode(1).unwrap();
            let range = 0..bytes.len();
            Session::decode(bytes, range, format)
        };
        assert_eq!(decode(1).unwrap().name(), "xxx");
        assert!(decode(2).is_none());
    }

    #[test]
    fn groups_that_are_no_list_of_texts_are_no_groups() {
        let mut session = Session::sample(0, Timestamp::from_seconds(1));
        Arc::make_mut(&mut session.record).claims = Some(r#"{"groups":["A",1]}"#.to_owned());
        assert!(session.groups().is_empty());
        assert_eq!(session.name(), "00u1");
    }
}
