//! Index keys: how a session is found by subject, e-mail address or `sid`.
//!
//! A logout message names a session at Okta, a user or an e-mail address, and never one of our sessions. Each of these
//! is hashed together with issuer and client. Every part is prefixed with its length, so that keys of different tenants
//! or kinds never collide.
//!
//! A key is a one-way hash: the keys of a store or of a revocation list do not reveal who has a session. An attacker
//! with issuer, client and an address can compute its key, so keys are not secrets and grant no access.

use super::email::Email;
use super::store::StoreKey;
use crate::config::Config;
use crate::secret::sha256;

/// The bytes of a length.
const LENGTH: usize = size_of::<u64>();

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IndexKind {
    /// A record, by the secret in its cookie.
    Record,
    /// One of our sessions, by its id.
    Session,
    OktaSession,
    Subject,
    Email,
    AllOfTenant,
    /// The latest moment at which a session in a cookie began.
    LatestStart,
    Renewal,
    /// A logout message that is accepted once.
    Message,
    /// A logout that a second navigation continues.
    SignOut,
}

impl IndexKind {
    /// The label that the hash is bound to.
    ///
    /// Labels are part of the stored format: entries that were written under another label are no longer found.
    const fn label(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Session => "session",
            Self::OktaSession => "sid",
            Self::Subject => "sub",
            Self::Email => "email",
            Self::AllOfTenant => "everybody",
            Self::LatestStart => "latest start",
            Self::Renewal => "renewal",
            Self::Message => "message",
            Self::SignOut => "sign-out",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct IndexKeys {
    prefix: Vec<u8>,
    /// Whether all sessions of the tenant share a key.
    common: bool,
}

impl IndexKeys {
    /// Makes keys for the tenant if there is one, else for issuer and client.
    ///
    /// A tenant keeps its keys when its issuer moves, for example to a custom domain.
    pub(crate) fn of(config: &Config) -> Self {
        let (owner, client_id) = config.owner();
        Self { common: config.tenant.is_some(), ..Self::new(&owner, client_id) }
    }

    /// The key that all sessions of a tenant share. It serves to end the sessions of a removed tenant.
    pub(crate) fn all_of_tenant(&self) -> StoreKey {
        self.name(IndexKind::AllOfTenant, b"")
    }

    fn new(issuer: &str, client_id: &str) -> Self {
        let mut prefix = b"okta-auth names v1".to_vec();
        append(&mut prefix, issuer.as_bytes());
        append(&mut prefix, client_id.as_bytes());
        Self { prefix, common: false }
    }

    pub(crate) fn name(&self, kind: IndexKind, what: &[u8]) -> StoreKey {
        let label = kind.label().as_bytes();
        let room = [self.prefix.len(), LENGTH, label.len(), LENGTH, what.len()];
        let mut bytes = Vec::with_capacity(room.into_iter().fold(0, usize::saturating_add));
        bytes.extend_from_slice(&self.prefix);
        append(&mut bytes, label);
        append(&mut bytes, what);
        StoreKey::from_bytes(sha256(&bytes))
    }

    /// The keys of a session, by those of its identifiers that are present.
    pub(super) fn of_session(
        &self,
        id: &[u8],
        subject: &str,
        (sid, email): (Option<&str>, Option<Email>),
    ) -> SessionKeys {
        let okta_session = sid.map(|sid| self.name(IndexKind::OktaSession, sid.as_bytes()));
        let email = email.map(|email| self.email(&email));
        let subject = self.name(IndexKind::Subject, subject.as_bytes());
        let all_of_tenant = self.common.then(|| self.all_of_tenant());
        let others = std::iter::once(subject).chain(okta_session).chain(email).chain(all_of_tenant).collect();
        SessionKeys { session: self.name(IndexKind::Session, id), others, okta_session }
    }

    pub(crate) fn email(&self, address: &Email) -> StoreKey {
        self.name(IndexKind::Email, address.as_str().as_bytes())
    }
}

/// Appends a part, prefixed with its length.
///
/// Without the length, `ab`, `c` and `a`, `bc` would be the same bytes, and so the same key.
fn append(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
    bytes.extend_from_slice(part);
}

/// The index keys of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionKeys {
    pub(crate) session: StoreKey,
    /// Of its user, its session at Okta, its e-mail address and its tenant, as far as present.
    pub(crate) others: Vec<StoreKey>,
    /// Of its session at Okta; also in `others`.
    pub(crate) okta_session: Option<StoreKey>,
}

impl SessionKeys {
    /// All keys. Only `session` belongs to this session alone; it may share the others with other sessions.
    pub(crate) fn all(&self) -> Vec<StoreKey> {
        std::iter::once(self.session).chain(self.others.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_different_tenants_and_kinds_differ() {
        let ours = IndexKeys::new("https://issuer.example", "client");
        let name = ours.name(IndexKind::Subject, b"x");
        assert_eq!(name, IndexKeys::new("https://issuer.example", "client").name(IndexKind::Subject, b"x"));
        assert_ne!(name, ours.name(IndexKind::Email, b"x"));
        assert_ne!(name, IndexKeys::new("https://issuer.example", "client2").name(IndexKind::Subject, b"x"));
        assert_ne!(name, IndexKeys::new("https://issuer.exampl", "eclient").name(IndexKind::Subject, b"x"));
        assert_ne!(ours.name(IndexKind::Subject, b"xy"), ours.name(IndexKind::Subject, b"x"));
    }

    #[test]
    fn keys_of_tenants_with_the_same_issuer_and_client_differ() {
        let index_keys = |tenant: &str| {
            let config = Config::builder().issuer("https://issuer.example").client_id("client").tenant(tenant);
            IndexKeys::of(&config.build().unwrap())
        };
        for kind in [
            IndexKind::Record,
            IndexKind::Session,
            IndexKind::OktaSession,
            IndexKind::Subject,
            IndexKind::Renewal,
            IndexKind::Message,
        ] {
            assert_ne!(index_keys("acme").name(kind, b"x"), index_keys("globex").name(kind, b"x"), "{kind:?}");
        }
        let email = Email::parse("a@b.example").unwrap();
        assert_ne!(index_keys("acme").email(&email), index_keys("globex").email(&email));
        assert_ne!(index_keys("acme").all_of_tenant(), index_keys("globex").all_of_tenant());
    }

    #[test]
    fn addresses_ignore_case_for_ascii_letters_only() {
        let index_keys = IndexKeys::new("https://issuer.example", "client");
        let key = |address| index_keys.email(&Email::parse(address).unwrap());
        assert_eq!(key("Ada@Example.com"), key("ada@example.com"));
        // The Kelvin sign folds to `k` outside ASCII.
        assert_ne!(key("\u{212a}im@example.com"), key("kim@example.com"));
    }
}
