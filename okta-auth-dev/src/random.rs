//! Random identifiers and their encodings.
//!
//! Every value that a client could try to guess comes from the operating system's generator, although this is a
//! development org: values should be as long and complex as Okta's.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Random bytes of the operating system.
///
/// The generator fails only during boot. A retry is better than returning zeros or aborting the server.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    while rand::fill(&mut bytes).is_err() {
        std::thread::yield_now();
    }
    bytes
}

/// 256 random bits in base64url, 43 characters: codes, refresh tokens, `jti`, key ids.
pub(crate) fn token() -> String {
    base64url(bytes::<32>())
}

/// 128 random bits in hexadecimal, 32 characters: the id of a request.
pub(crate) fn hex() -> String {
    bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Six digits, like an authenticator app.
pub(crate) fn passcode() -> String {
    // 2^64 is not a multiple of a million, but the bias is too small to exploit.
    format!("{:06}", u64::from_be_bytes(bytes::<8>()) % 1_000_000)
}

/// A user code of eight letters. The alphabet has no vowels, so no code is a word, and no letters that look alike (RFC
/// 8628 §6.1).
pub(crate) fn user_code() -> String {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    // 240 is the largest multiple of 20 in a byte.
    let random = std::iter::repeat_with(bytes::<16>).flatten().filter(|byte| *byte < 240);
    let letters = random.filter_map(|byte| LETTERS.get(usize::from(byte) % LETTERS.len()));
    letters.take(8).map(|letter| char::from(*letter)).collect()
}

/// A random UUID (RFC 9562 §5.4).
pub(crate) fn uuid() -> String {
    let mut hex = hex();
    hex.replace_range(12..13, "4");
    hex.replace_range(16..17, "a");
    [8, 13, 18, 23].into_iter().for_each(|index| hex.insert(index, '-'));
    hex
}

/// An identifier in Okta's format: a prefix for its kind (`00u` a user, `0oa` a client, `oae` an error) and at least 17
/// letters and digits.
pub(crate) fn okta_id(prefix: &str, length: usize) -> String {
    let mut id = prefix.to_owned();
    // A byte modulo 62 is slightly biased, which is acceptable because identifiers are
    // unique, not secret.
    let letters = std::iter::repeat_with(bytes::<32>).flatten().filter_map(|byte| ALPHABET.get(usize::from(byte) % 62));
    id.extend(letters.take(length).map(|letter| char::from(*letter)));
    id
}

/// Base64url without padding (RFC 7515 §2).
pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url without padding.
pub(crate) fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// Decodes standard base64, as in HTTP Basic (RFC 7617 §2).
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// PEM with lines of 64 characters (RFC 7468).
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let body = base64(der);
    let lines: Vec<&str> = body.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_devices_have_oktas_forms() {
        let (user_code, uuid) = (user_code(), uuid());
        assert!(user_code.len() == 8 && user_code.chars().all(|letter| letter.is_ascii_uppercase()), "{user_code}");
        let parts: Vec<usize> = uuid.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "{uuid}");
        assert_eq!((uuid.get(14..15), uuid.get(19..20)), (Some("4"), Some("a")));
    }
}
