//! Base64url without padding (RFC 4648 §5), as used in tokens and cookies.
//!
//! Decoding is strict: every byte sequence has exactly one spelling. Padding, white space, characters of another
//! alphabet and stray bits at the end are rejected. SIMD is used if the processor supports it, because cookies and
//! tokens have kilobytes.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::NO_PAD;

/// Selected on first use, by the capabilities of the processor.
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_feature = "neon")))]
static ENGINE: LazyLock<base64::engine::Simd> = LazyLock::new(|| base64::engine::Simd::url_safe(NO_PAD));

/// Other targets have only the portable engine.
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_feature = "neon"))))]
static ENGINE: LazyLock<base64::engine::GeneralPurpose> =
    LazyLock::new(|| base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, NO_PAD));

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    ENGINE.encode(bytes)
}

pub(crate) fn append(bytes: impl AsRef<[u8]>, text: &mut String) {
    ENGINE.encode_string(bytes, text);
}

pub(crate) fn append_bytes(bytes: &[u8], text: &mut Vec<u8>) {
    let start = text.len();
    text.resize(start.saturating_add(encoded_len(bytes)), 0);
    let written = text.get_mut(start..).and_then(|room| ENGINE.encode_slice(bytes, room).ok());
    // Encoding cannot fail, because the buffer has the encoded length.
    text.truncate(start.saturating_add(written.unwrap_or_default()));
}

pub(crate) fn encoded_len(bytes: &[u8]) -> usize {
    base64::encoded_len(bytes.len(), false).unwrap_or(usize::MAX)
}

/// Decodes a text.
///
/// # Errors
/// The text is not the canonical spelling of any bytes.
pub(crate) fn decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, base64::DecodeError> {
    ENGINE.decode(text)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    /// Texts of many lengths, nearly all of them valid, to check that the SIMD engine is strict at every position.
    fn almost_right() -> impl Strategy<Value = Vec<u8>> {
        let bytes = prop::collection::vec(any::<u8>(), 0..400);
        (bytes, any::<prop::sample::Index>(), any::<u8>(), 0..4_u8).prop_map(|(bytes, at, other, change)| {
            let mut text = URL_SAFE_NO_PAD.encode(bytes).into_bytes();
            let at = at.index(text.len() + 1);
            match change {
                0 => text.insert(at, other),
                1 if at < text.len() => text[at] = other,
                2 => text.truncate(at),
                _ => {}
            }
            text
        })
    }

    proptest! {
        #[test]
        fn it_decodes_exactly_what_the_portable_engine_decodes(text in almost_right()) {
            prop_assert_eq!(decode(&text).ok(), URL_SAFE_NO_PAD.decode(&text).ok());
        }

        #[test]
        fn it_encodes_like_the_portable_engine(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert_eq!(encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes));
            let mut text = "a.".to_owned();
            append(&bytes, &mut text);
            prop_assert_eq!(&text, &format!("a.{}", URL_SAFE_NO_PAD.encode(&bytes)));
            let mut same = b"a.".to_vec();
            append_bytes(&bytes, &mut same);
            prop_assert_eq!(same, text.as_bytes());
            prop_assert_eq!(encoded_len(&bytes), text.len() - 2);
        }
    }

    #[test]
    fn every_byte_at_every_position_of_a_long_text_is_checked() {
        let text = "Ab0-".repeat(50);
        for at in 0..text.len() {
            for byte in 0..=u8::MAX {
                let mut text = text.clone().into_bytes();
                text[at] = byte;
                let fits = byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
                assert_eq!(decode(&text).is_ok(), fits, "byte {byte} at {at}");
            }
        }
    }

    #[test]
    fn every_byte_sequence_has_one_spelling() {
        for length in [1, 100, 1_000] {
            let text = encode(vec![0xff; 3 * length + 1]);
            assert!(decode(&text).is_ok());
            let short = text.get(..text.len() - 1).unwrap();
            // Padding, a stray bit at the end, a missing character.
            for bad in [format!("{text}=="), format!("{short}x"), short.to_owned()] {
                assert!(decode(&bad).is_err(), "{bad}");
            }
        }
    }
}
