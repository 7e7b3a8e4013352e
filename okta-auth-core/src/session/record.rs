//! The session record and its encoding.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::index_keys::SessionKeys;
use super::limits::{SKEW, SessionLimits, SessionTimes};
use super::profile::{Profile, log_wrong_types};
use super::reader::Reader;
use super::refresh_schedule::Schedule;
use super::store::StoreKey;
use super::tokens::{SealedText, Tokens};
use crate::callback::VerifiedIdentity;
use crate::clock::{NumericDate, Timestamp};
use crate::config::Config;
use crate::error::{Code, Error, Result};
use crate::events::{EventSubject, SessionId};
use crate::protocol::DpopKey;
use crate::secret::{Secret, SecretBytes, random_bytes};

#[derive(Debug)]
pub(crate) struct NewSession<'a> {
    pub(crate) client_id: &'a str,
    pub(crate) app_data: &'a Map<String, Value>,
    pub(crate) device: Option<&'a str>,
    pub(crate) now: Timestamp,
}

/// An upper bound for the encoded size, in bytes, of the record's fixed-size fields and of all length prefixes.
const FIXED: usize = 128;

/// The session of a signed-in user. Sessions are created only from a verified identity.
#[derive(Clone)]
pub struct Session {
    /// The part that most requests read and that never changes.
    pub(super) record: Arc<Record>,
    /// The part that each use changes. It is encoded after the record.
    pub(super) times: Times,
    pub(super) tokens: Tokens,
    /// The claims as JSON text, read on first use.
    pub(super) shown: OnceLock<Vec<u8>>,
    pub(super) profile: OnceLock<Profile>,
    pub(super) parsed: OnceLock<Map<String, Value>>,
    pub(super) names: OnceLock<SessionKeys>,
}

/// The stored part of a session, apart from times of use and tokens. [`Record::read`] decodes it.
#[derive(Clone, Serialize)]
pub(super) struct Record {
    /// Distinguishes this session from other sessions of the same user.
    pub(super) id: [u8; 32],
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) subject: String,
    /// All claims as JSON text, because the record's own encoding is not self-describing. `None` if they equal the
    /// claims of the ID token, which is stored already.
    pub(super) claims: Option<String>,
    /// Data from the `on_sign_in` hook, as JSON text.
    pub(super) app_data: String,
    pub(super) scopes: Vec<String>,
    /// The browser and system at sign-in, only for display to the user.
    pub(super) device: Option<String>,
    /// When the access token expires, and when it is due for refresh.
    pub(super) schedule: Schedule,
    /// When the user signed in. The absolute limit counts from here.
    pub(super) created_at: Timestamp,
    pub(super) max_expires_at: Option<Timestamp>,
    /// Claims from before a refresh that omitted them.
    pub(super) earlier: PreviousIdentifiers,
}

/// When a session was last used, and the ends that were written with that.
#[derive(Clone, Copy)]
pub(super) struct Times {
    /// The idle limit counts from here.
    pub(super) last_seen_at: Timestamp,
    /// See [`SessionTimes::ends_at`].
    ends_at: Option<Timestamp>,
    /// See [`SessionTimes::idle_until`]. `None` after a later use.
    idle_until: Option<Timestamp>,
}

impl Times {
    pub(super) const fn unwritten(last_seen_at: Timestamp) -> Self {
        Self { last_seen_at, ends_at: None, idle_until: None }
    }
}

/// The formats of a record, by their first byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Formats {
    /// The format with the ends of the session. All records are written in it.
    pub(super) current: u8,
    /// The format without the ends, as version 0.1 wrote it. It is still read.
    pub(super) previous: u8,
}

/// Claims that index keys are made of. Elsewhere a missing claim only reduces access. Here it would make a session that
/// no logout can find.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct PreviousIdentifiers {
    pub(super) okta_session: Option<String>,
    pub(super) email: Option<String>,
}

impl Session {
    pub(crate) fn new(identity: &VerifiedIdentity, with: &NewSession<'_>) -> Result<Self> {
        log_wrong_types(identity.all_claims(), identity.issuer());
        let tokens = Tokens::new(&identity.tokens)?;
        let ours = tokens.id_token_payload().is_none() || identity.all_claims() != identity.id_token().all();
        let record = Record {
            id: random_bytes()?,
            issuer: identity.issuer().to_owned(),
            client_id: with.client_id.to_owned(),
            subject: identity.subject().to_owned(),
            claims: if ours { Some(text(identity.all_claims())?) } else { None },
            app_data: text(with.app_data)?,
            scopes: identity.scopes.clone(),
            device: with.device.map(str::to_owned),
            schedule: Schedule::new(
                &identity.tokens,
                identity.tokens.refresh_token.is_some(),
                identity.complete,
                with.now,
            )?,
            created_at: with.now,
            max_expires_at: max_expires_at(identity.all_claims()),
            earlier: PreviousIdentifiers::default(),
        };
        Ok(Self::assemble(Arc::new(record), Times::unwritten(with.now), tokens))
    }

    /// Encodes the session in the current format. If it has no ends yet, the ends are computed from these limits.
    pub(super) fn encode(&self, formats: Formats, limits: &SessionLimits) -> Result<SecretBytes> {
        let failed = |error| Error::new(Code::Internal, "a session cannot be encoded").with_cause(error);
        // Reserve space for everything: a buffer that grows leaves copies of secrets behind.
        let mut bytes = Vec::with_capacity(self.record.size().saturating_add(self.tokens.size()));
        bytes.push(formats.current);
        let (ends_at, idle_until) = limits.ends(self.lifeline());
        let written = (&*self.record, self.times.last_seen_at, ends_at, idle_until);
        let bytes = postcard::to_extend(&written, bytes).map_err(failed)?;
        let mut bytes = SecretBytes::new(bytes);
        self.tokens.append_to(&mut bytes);
        Ok(bytes)
    }

    /// Returns the session in the form for the cache: its tokens stay sealed in the cookie, and its claims are
    /// extracted first.
    pub(super) fn with_sealed_tokens(self, cookie: SealedText) -> Self {
        self.claims_json();
        Self { tokens: self.tokens.sealed(cookie), ..self }
    }

    pub(super) fn assemble(record: Arc<Record>, times: Times, tokens: Tokens) -> Self {
        let (shown, profile, parsed, names) = Default::default();
        Self { record, times, tokens, shown, profile, parsed, names }
    }

    /// Decodes a range of decrypted bytes. Returns `None` if it is not a session in one of these formats.
    pub(super) fn decode(bytes: SecretBytes, range: Range<usize>, formats: Formats) -> Option<Arc<Self>> {
        let (format, encoded) = bytes.get(range.clone())?.split_first()?;
        let (record, mut reader) = Record::read(encoded)?;
        let mut times = Times::unwritten(reader.next()?);
        if *format == formats.current {
            (times.ends_at, times.idle_until) = (Some(reader.next()?), Some(reader.next()?));
        } else if *format != formats.previous {
            return None;
        }
        let tokens = range.end.checked_sub(reader.rest()?.len())?..range.end;
        let tokens = Tokens::read(bytes, tokens)?;
        Some(Arc::new(Self::assemble(record, times, tokens)))
    }

    pub(crate) fn event_subject(&self) -> EventSubject {
        EventSubject { session: Some(self.id()), ..EventSubject::user(self.issuer(), self.subject()) }
    }

    /// Returns the issuer that authenticated the user.
    pub fn issuer(&self) -> &str {
        &self.record.issuer
    }

    /// Returns the user's identifier at the issuer (`sub`).
    pub fn subject(&self) -> &str {
        &self.record.subject
    }

    /// Returns the granted scopes.
    pub fn scopes(&self) -> &[String] {
        &self.record.scopes
    }

    /// Returns when the user signed in.
    pub fn created_at(&self) -> Timestamp {
        self.record.created_at
    }

    /// Returns when the session was last used. The value can lag by up to a twentieth of the idle limit.
    pub fn last_seen_at(&self) -> Timestamp {
        self.times.last_seen_at
    }

    /// Returns the session's id, with which an application lists and ends sessions. The id does not authenticate a
    /// request.
    pub fn id(&self) -> SessionId {
        SessionId(self.record.id)
    }

    pub(super) fn key(&self) -> StoreKey {
        self.id().into()
    }

    /// Returns the browser and system that the user signed in with, such as `Firefox on Linux`. The value is the
    /// browser's own claim, so use it only for display to the user.
    pub fn device(&self) -> Option<&str> {
        self.record.device.as_deref()
    }

    /// Returns the access token as it was when the session was read, without a refresh, and the time at which it
    /// expires, if Okta stated it. `None` if the session has no access token.
    pub fn access_token(&self) -> Option<(Secret, Option<Timestamp>)> {
        self.tokens.access_token().map(|token| (token, self.record.schedule.expires_at))
    }

    /// The ID token, for the `id_token_hint` at logout.
    pub(crate) fn id_token(&self) -> Option<Secret> {
        self.tokens.id_token()
    }

    pub(crate) fn refresh_token(&self) -> Option<Secret> {
        self.tokens.refresh_token()
    }

    /// The key that the tokens are bound to (RFC 9449 §5).
    pub(crate) fn dpop_key(&self) -> Option<DpopKey> {
        self.tokens.dpop_key()
    }

    pub(crate) fn lifeline(&self) -> SessionTimes {
        let (record, Times { last_seen_at, ends_at, idle_until }) = (&self.record, self.times);
        SessionTimes {
            created_at: record.created_at,
            last_seen_at,
            max_expires_at: record.max_expires_at,
            ends_at,
            idle_until,
        }
    }

    /// Whether the session belongs to this issuer and client. The seal is bound to them too; this is a second check.
    pub(crate) fn belongs_to(&self, config: &Config) -> bool {
        config.owns(&self.record.issuer, &self.record.client_id)
    }

    pub(crate) fn is_early(&self, now: Timestamp) -> bool {
        self.record.created_at > now.plus(SKEW)
    }

    pub(crate) fn touched(&self, now: Timestamp) -> Self {
        let later = now > self.times.last_seen_at;
        let times = if later { Times { last_seen_at: now, idle_until: None, ..self.times } } else { self.times };
        Self::assemble(Arc::clone(&self.record), times, self.tokens.clone())
    }

    pub(crate) fn used_like(mut self, other: &Self) -> Self {
        if other.times.last_seen_at > self.times.last_seen_at {
            self.times = other.times;
        }
        self
    }

    pub(crate) fn starting_at(mut self, start: Timestamp) -> Self {
        Arc::make_mut(&mut self.record).created_at = start;
        self.times = Times::unwritten(self.times.last_seen_at.max(start));
        self
    }

    pub(crate) fn with_id(mut self, id: [u8; 32]) -> Self {
        Arc::make_mut(&mut self.record).id = id;
        self
    }
}

impl Record {
    /// Reads a record, and returns a reader of the bytes after it. The fields are in the order in which they are
    /// encoded.
    fn read(encoded: &[u8]) -> Option<(Arc<Self>, Reader<'_>)> {
        // An array is encoded as its bytes.
        let (id, encoded) = encoded.split_first_chunk()?;
        let mut reader = Reader::new(encoded);
        let record = Self {
            id: *id,
            issuer: reader.next()?,
            client_id: reader.next()?,
            subject: reader.next()?,
            claims: reader.next()?,
            app_data: reader.next()?,
            scopes: reader.next()?,
            device: reader.next()?,
            schedule: reader.next()?,
            created_at: reader.next()?,
            max_expires_at: reader.next()?,
            earlier: reader.next()?,
        };
        Some((Arc::new(record), reader))
    }

    /// An upper bound for the encoded size in bytes.
    fn size(&self) -> usize {
        let claims = self.claims.as_deref().unwrap_or_default();
        let texts = [&self.issuer, &self.client_id, &self.subject, &self.app_data].map(|text| text.len());
        let scopes = self.scopes.iter().map(|scope| scope.len().saturating_add(FIXED / 8));
        let earlier =
            [&self.earlier.okta_session, &self.earlier.email].map(|text| text.as_ref().map_or(0, String::len));
        texts.into_iter().chain(scopes).chain(earlier).fold(FIXED.saturating_add(claims.len()), usize::saturating_add)
    }
}

pub(super) fn text(object: &Map<String, Value>) -> Result<String> {
    serde_json::to_string(object)
        .map_err(|error| Error::new(Code::Internal, "the claims cannot be written").with_cause(error))
}

/// The latest end that Okta allows for sessions of this sign-in, if the claims set one.
pub(super) fn max_expires_at(claims: &Map<String, Value>) -> Option<Timestamp> {
    claims.get("session_expiry").and_then(NumericDate::read)
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (issuer, created_at) = (self.issuer(), self.created_at());
        f.debug_struct("Session").field("issuer", &issuer).field("created_at", &created_at).finish_non_exhaustive()
    }
}

#[cfg(test)]
impl Session {
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
            device: None,
            schedule: Schedule { expires_at: Some(now), renew_at: None },
            created_at: now,
            max_expires_at: None,
            earlier: PreviousIdentifiers::default(),
        };
        Self::assemble(Arc::new(record), Times::unwritten(now), Tokens::sample())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn debug_shows_neither_tokens_nor_claims() {
        let shown = format!("{:?}", Session::sample(3, Timestamp::from_seconds(1)));
        assert!(!shown.contains("token") && !shown.contains("a@b") && !shown.contains("00u1"));
    }

    #[test]
    fn a_record_of_another_format_is_rejected() {
        let session = Session::sample(3, Timestamp::from_seconds(1));
        let limits = SessionLimits { idle: Duration::from_secs(60), absolute: Duration::from_secs(600) };
        let decode = |current, previous| {
            let bytes = session.encode(Formats { current: 3, previous: 2 }, &limits).unwrap();
            let range = 0..bytes.len();
            Session::decode(bytes, range, Formats { current, previous })
        };
        let again = decode(3, 2).unwrap();
        assert_eq!((again.name(), limits.end(again.lifeline())), ("xxx", Timestamp::from_seconds(61)));
        assert!(decode(4, 2).is_none());
    }

    #[test]
    fn a_record_is_read_in_the_order_in_which_it_is_encoded() {
        let text = |text: &str| Some(text.to_owned());
        let at = |seconds| Some(Timestamp::from_seconds(seconds));
        let full = Record {
            device: text("Firefox on Linux"),
            scopes: vec!["openid".to_owned(), "email".to_owned()],
            schedule: Schedule { expires_at: at(5), renew_at: at(6) },
            max_expires_at: at(7),
            earlier: PreviousIdentifiers { okta_session: text("sid"), email: text("a@b.example") },
            ..Record::clone(&Session::sample(3, Timestamp::from_seconds(1)).record)
        };
        let encoded = postcard::to_allocvec(&full).unwrap();
        let (again, reader) = Record::read(&encoded).unwrap();
        assert_eq!((postcard::to_allocvec(&*again).unwrap(), reader.rest()), (encoded.clone(), Some(&[][..])));
        for length in 0..encoded.len() {
            assert!(Record::read(&encoded[..length]).is_none(), "{length}");
        }
    }

    #[test]
    fn a_session_belongs_to_one_issuer_and_to_one_client_there() {
        let session = Session::sample(0, Timestamp::from_seconds(1));
        let of = |issuer: &str, client: &str| {
            session.belongs_to(&Config::builder().issuer(issuer).client_id(client).build().unwrap())
        };
        assert!(of("https://issuer.example", "client"));
        assert!(!of("https://issuer.example", "client2") && !of("https://other.example", "client"));
    }

    #[test]
    fn an_id_is_parsed_only_from_its_own_text() {
        let id = Session::sample(3, Timestamp::from_seconds(1)).id();
        assert_eq!(SessionId::parse(&id.to_string()), Some(id));
        for other in ["", "AAAA", "not base64!", &format!("{id}A"), &format!("{id}=")] {
            assert_eq!(SessionId::parse(other), None, "{other}");
        }
    }
}
