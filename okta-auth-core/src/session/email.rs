//! E-mail addresses as names of users: parsing and comparison.
//!
//! Confusing two addresses would sign the wrong user out, so the rules are simple:
//!
//! 1. ASCII letters are compared without regard to case, as Okta compares them. Nothing else is changed. Unicode's own
//!    lower case makes `K` (U+212A, the Kelvin sign) a `k`, and Unicode normalization makes still more letters equal.
//!    Both have led to users being confused with others.
//! 2. There is exactly one `@`. With two of them, parsers disagree on where the domain begins, and a quoted local part
//!    may hold another address.
//! 3. White space and control characters are rejected and not trimmed.
//!
//! An address that breaks a rule is invalid. A session with such an address cannot be found by it, and a message with
//! it is rejected.

/// The longest address, in bytes (RFC 5321 §4.5.3.1.3, without the brackets).
const MAX_ADDRESS: usize = 254;

/// A normalized address, used as an index key and compared with addresses in messages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Email(String);

impl Email {
    /// Parses an address. Returns `None` if it is invalid.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (local, domain) = text.split_once('@')?;
        let whole = !local.is_empty() && !domain.is_empty() && !domain.contains('@') && text.len() <= MAX_ADDRESS;
        let stray = |c: char| c.is_control() || c.is_whitespace() || c == char::REPLACEMENT_CHARACTER;
        (whole && !text.contains(stray)).then(|| Self(text.to_ascii_lowercase()))
    }

    /// The address, with ASCII letters in lower case.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
