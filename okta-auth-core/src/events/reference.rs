//! The name of one request, or of one renewal.

use std::fmt;

use crate::secret::random_bytes;

/// Ties events, log lines and the page that a user sees together: 80 random bits.
///
/// With a million a day it takes some three thousand years until two are likely to be
/// the same. It is never taken from a request, so nobody can make two things look like
/// one, and write into a log.
///
/// `Display` writes 16 characters of an alphabet without `I`, `L`, `O` and `U`
/// (Crockford's base 32), so that it can be read out over the telephone.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reference([u8; 10]);

/// Five bits each.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl Reference {
    /// A fresh one. It names and protects nothing, so a system without randomness gets
    /// zeros, and fails where randomness matters.
    pub(crate) fn random() -> Self {
        Self(random_bytes().unwrap_or_default())
    }
}

impl fmt::Display for Reference {
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

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reference({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::Reference;

    #[test]
    fn sixteen_characters_for_eighty_bits() {
        assert_eq!(Reference([0; 10]).to_string(), "0000000000000000");
        assert_eq!(Reference([255; 10]).to_string(), "ZZZZZZZZZZZZZZZZ");
        assert_eq!(Reference([0, 0, 0, 0, 0, 0, 0, 0, 0, 33]).to_string(), "0000000000000011");
        assert_ne!(Reference::random(), Reference::random());
    }
}
