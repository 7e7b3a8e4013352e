//! E-mail addresses as names of users: when two of them are the same.
//!
//! To take one address for another would sign the wrong user out, so there is as little
//! cleverness here as can be:
//!
//! 1. ASCII letters are compared without regard to case, as Okta compares them, and
//!    nothing else is changed. Unicode's own lower case makes `K` (U+212A, the Kelvin
//!    sign) a `k`, and its normal forms make still more letters equal; both have let
//!    somebody be taken for somebody else.
//! 2. There is exactly one `@`. With two of them readers disagree on where the domain
//!    begins, and a quoted local part may hold another address.
//! 3. White space and control characters are refused and not trimmed.
//!
//! An address that breaks a rule is no address. A session that has been opened under
//! one cannot be found by it, and no message can name it.

/// The longest address, in bytes (RFC 5321 §4.5.3.1.3, without the brackets).
const MAX_ADDRESS: usize = 254;

/// An address in the form in which it is compared: as a key in an index, and in a
/// message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Email(String);

impl Email {
    /// Reads an address. `None` is no address.
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
