//! The names under which somebody else than its browser may end a session.
//!
//! Okta says "this session of mine", "this user" or "this address", and never which of
//! our sessions. Each of these is hashed together with issuer and client, with its
//! length in front, so that no name of one tenant or kind reads as one of another.
//!
//! A name is one way only: whoever sees the keys of a store, or of a revocation list,
//! cannot read from them who has a session. Somebody who already knows issuer, client
//! and an address can compute its name, so names are no secrets, and nothing is allowed
//! because somebody has one.

use serde_json::{Map, Value};

use super::record::{Earlier, Session};
use super::store::StoreKey;
use crate::config::Config;
use crate::secret::sha256;

/// What a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A record, by the secret in its cookie.
    Record,
    /// One of our sessions, by its id.
    Session,
    /// A session at Okta (`sid`).
    OktaSession,
    /// A user, by subject.
    Subject,
    /// A user, by e-mail address.
    Email,
    /// All users of a tenant.
    Everybody,
    /// The latest moment at which a session in a cookie began.
    LatestStart,
    /// The renewal of a record.
    Renewal,
    /// A message that may come once.
    Message,
    /// A sign-out that a navigation continues.
    SignOut,
}

impl Kind {
    /// What the hash is bound to.
    ///
    /// Part of what is stored: another label, and what was written before is not found
    /// any more.
    const fn label(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Session => "session",
            Self::OktaSession => "sid",
            Self::Subject => "sub",
            Self::Email => "email",
            Self::Everybody => "everybody",
            Self::LatestStart => "latest start",
            Self::Renewal => "renewal",
            Self::Message => "message",
            Self::SignOut => "sign-out",
        }
    }
}

/// Makes the names of one tenant.
#[derive(Clone, Debug)]
pub(crate) struct Naming {
    prefix: Vec<u8>,
    /// Whether sessions have a name that all of the tenant's have.
    common: bool,
}

impl Naming {
    /// For a tenant, or else for an issuer and a client there.
    ///
    /// A tenant keeps its names when its issuer moves, for example to a custom domain.
    pub(crate) fn of(config: &Config) -> Self {
        let (owner, client_id) = config.owner();
        Self { common: config.tenant.is_some(), ..Self::new(&owner, client_id) }
    }

    /// The name that all sessions of a tenant have.
    ///
    /// It is how the sessions of a tenant that has been removed are ended.
    pub(crate) fn everybody(&self) -> StoreKey {
        self.name(Kind::Everybody, b"")
    }

    /// For one issuer and one client there.
    fn new(issuer: &str, client_id: &str) -> Self {
        let mut prefix = b"okta-auth names v1".to_vec();
        append(&mut prefix, issuer.as_bytes());
        append(&mut prefix, client_id.as_bytes());
        Self { prefix, common: false }
    }

    /// The name of something.
    pub(crate) fn name(&self, kind: Kind, what: &[u8]) -> StoreKey {
        let mut bytes = self.prefix.clone();
        append(&mut bytes, kind.label().as_bytes());
        append(&mut bytes, what);
        StoreKey::from_bytes(sha256(&bytes))
    }

    /// The name of an e-mail address, in whatever case its letters are. Only those of
    /// ASCII are folded: others have no case that everybody agrees on.
    pub(crate) fn email(&self, address: &str) -> StoreKey {
        self.name(Kind::Email, address.to_ascii_lowercase().as_bytes())
    }
}

/// A part, with its length in front.
///
/// Without it `ab`, `c` and `a`, `bc` would be the same bytes, and so the same name.
fn append(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
    bytes.extend_from_slice(part);
}

/// The names of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// Of the session itself.
    pub(crate) session: StoreKey,
    /// Of its user, session at Okta and e-mail address: what there is of them.
    pub(crate) others: Vec<StoreKey>,
    /// Of its session at Okta, which is one of the others.
    pub(crate) okta_session: Option<StoreKey>,
}

impl Names {
    /// Every one. Its own is for ending this session alone; the others it shares with
    /// other sessions.
    pub(crate) fn all(&self) -> Vec<StoreKey> {
        std::iter::once(self.session).chain(self.others.iter().copied()).collect()
    }
}

impl Session {
    /// Its session at Okta (`sid`), now or before a refresh that did not tell.
    pub(crate) fn okta_session(&self) -> Option<&str> {
        filled(self.all_claims(), "sid").or(self.record.earlier.okta_session.as_deref())
    }

    /// What is to be remembered if these claims take the place of those that there are.
    pub(super) fn earlier_than(&self, claims: &Map<String, Value>) -> Earlier {
        let (now, before) = (self.all_claims(), &self.record.earlier);
        let left_out = |name: &str, before: &Option<String>| match filled(claims, name) {
            Some(_) => None,
            None => filled(now, name).map(str::to_owned).or_else(|| before.clone()),
        };
        Earlier { okta_session: left_out("sid", &before.okta_session), email: left_out("email", &before.email) }
    }

    /// The names of this session, made once.
    ///
    /// Claims that are missing, empty or no texts give no name: an empty `sid` would be
    /// shared by all sessions that have none.
    pub(crate) fn names(&self, naming: &Naming) -> &Names {
        self.names.get_or_init(|| {
            let sid = self.okta_session().map(|sid| naming.name(Kind::OktaSession, sid.as_bytes()));
            let earlier = self.record.earlier.email.as_deref();
            let email = filled(self.all_claims(), "email").or(earlier).map(|email| naming.email(email));
            let subject = naming.name(Kind::Subject, self.subject().as_bytes());
            let everybody = naming.common.then(|| naming.everybody());
            let others = std::iter::once(subject).chain(sid).chain(email).chain(everybody).collect();
            Names { session: naming.name(Kind::Session, &self.record.id), others, okta_session: sid }
        })
    }
}

/// A claim that is a text, and not an empty one.
fn filled<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn names_of_other_tenants_and_kinds_differ() {
        let ours = Naming::new("https://issuer.example", "client");
        let name = ours.name(Kind::Subject, b"x");
        assert_eq!(name, Naming::new("https://issuer.example", "client").name(Kind::Subject, b"x"));
        assert_ne!(name, ours.name(Kind::Email, b"x"));
        assert_ne!(name, Naming::new("https://issuer.example", "client2").name(Kind::Subject, b"x"));
        assert_ne!(name, Naming::new("https://issuer.exampl", "eclient").name(Kind::Subject, b"x"));
        assert_ne!(ours.name(Kind::Subject, b"xy"), ours.name(Kind::Subject, b"x"));
    }

    #[test]
    fn names_of_tenants_of_one_issuer_and_client_differ() {
        let naming = |tenant: &str| {
            let config = Config::builder().issuer("https://issuer.example").client_id("client").tenant(tenant);
            Naming::of(&config.build().unwrap())
        };
        for kind in [Kind::Record, Kind::Session, Kind::OktaSession, Kind::Subject, Kind::Renewal, Kind::Message] {
            assert_ne!(naming("acme").name(kind, b"x"), naming("globex").name(kind, b"x"), "{kind:?}");
        }
        assert_ne!(naming("acme").email("a@b.example"), naming("globex").email("a@b.example"));
        assert_ne!(naming("acme").everybody(), naming("globex").everybody());
    }

    #[test]
    fn an_address_is_the_same_in_either_case_and_no_other_letter_is() {
        let naming = Naming::new("https://issuer.example", "client");
        assert_eq!(naming.email("Ada@Example.com"), naming.email("ada@example.com"));
        // The Kelvin sign folds to `k` outside of ASCII.
        assert_ne!(naming.email("\u{212a}im@example.com"), naming.email("kim@example.com"));
    }

    #[test]
    fn a_session_has_a_name_for_each_claim_that_is_there() {
        let naming = Naming::new("https://issuer.example", "client");
        let session = |claims: Value| Session::with_claims(claims.as_object().unwrap(), Timestamp::from_seconds(1));
        let all = session(json!({"sub": "00u1", "sid": "s", "email": "A@b.example"}));
        let names = all.names(&naming);
        assert_eq!(names.others.len(), 3);
        assert!(names.others.contains(&naming.email("a@B.example")));
        assert_eq!(session(json!({"sub": "00u1", "sid": "", "email": 7})).names(&naming).others.len(), 1);
    }
}
