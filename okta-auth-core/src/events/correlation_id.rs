//! The reference of one request, or of one refresh.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::secret::random_bytes;

/// Links events, log lines and the error page of one request: 80 random bits.
///
/// With a million references a day, a collision becomes likely after some three thousand years. A reference is never
/// taken from a request, so an attacker can neither make two requests look like one nor write into a log.
///
/// `Display` writes 16 characters of an alphabet without `I`, `L`, `O` and `U` (Crockford's base 32), so that a user
/// can read it out over the telephone.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CorrelationId([u8; 10]);

/// Each character encodes five bits.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl CorrelationId {
    /// Generates a reference. It protects nothing, so on a system without randomness it is all zeros and not an error.
    /// Code that depends on randomness fails there.
    pub(crate) fn random() -> Self {
        Self(random_bytes().unwrap_or_default())
    }
}

/// As text, like `Display`.
impl Serialize for CorrelationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.0.iter().fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
        let mut text = String::with_capacity(16);
        for shift in (0..16).rev() {
            let five = usize::try_from((bits >> (5 * shift)) & 31).unwrap_or(0);
            text.extend(ALPHABET.get(five).map(|letter| char::from(*letter)));
        }
        f.write_str(&text)
    }
}

impl fmt::Debug for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CorrelationId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::CorrelationId;

    #[test]
    fn eighty_bits_are_written_as_sixteen_characters() {
        assert_eq!(CorrelationId([0; 10]).to_string(), "0000000000000000");
        assert_eq!(CorrelationId([255; 10]).to_string(), "ZZZZZZZZZZZZZZZZ");
        assert_eq!(CorrelationId([0, 0, 0, 0, 0, 0, 0, 0, 0, 33]).to_string(), "0000000000000011");
        assert_ne!(CorrelationId::random(), CorrelationId::random());
    }
}
